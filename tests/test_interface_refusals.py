"""What `dosing plan` does not take: each refusal with its exit code, its place and what to do, a close name where there is one."""

from __future__ import annotations

import json

import pytest
from commands import BODY, SAA1, WHEN
from refusals import refusal

from dosing import second


def test_an_unknown_command_is_answered_with_a_close_one(run) -> None:
    told = run("plna", "nct07299123")
    assert told.code == 2 and "plan" in told.err and told.out == ""
    assert "plan" in json.dumps(refusal(run("plna", "--json"), 2))


def test_an_unknown_option_is_answered_with_a_close_one(run) -> None:
    told = run("plan", "nct07299123", "--wieght", "70 kg")
    assert told.code == 2 and "--weight" in told.err
    assert "--weight" in json.dumps(refusal(run("plan", "nct07299123", "--wieght", "70 kg", "--json"), 2))


def test_a_missing_argument_is_a_wrong_command_line(run) -> None:
    assert refusal(run("plan", "--json"), 2)
    assert refusal(run("check", "--json"), 2)


def test_an_unknown_format_is_a_wrong_command_line(seed, tmp_path) -> None:
    assert ".html" in json.dumps(refusal(seed(*BODY, *WHEN, *SAA1, "-o", str(tmp_path / "sheet.htlm")), 2))
    assert not list(tmp_path.iterdir())


def test_an_unwritable_path_is_a_wrong_command_line(seed, tmp_path) -> None:
    assert refusal(seed(*BODY, *WHEN, *SAA1, "-o", str(tmp_path / "none" / "sheet.html")), 2)


@pytest.mark.parametrize("left", ["--by", "--reason"])
def test_a_change_needs_a_name_and_a_reason(seed, left: str) -> None:
    words = [word for flag, text in (("--by", "AB"), ("--reason", "why")) if flag != left for word in (flag, text)]
    fault = refusal(seed(*BODY, *WHEN, *SAA1, "--set", "atg.dose=2.5 mg/kg/day", *words), 2)[0]
    assert left in fault["do"]


def test_an_answer_needs_a_name(seed) -> None:
    fault = refusal(seed(*BODY, *WHEN, *SAA1, "--answer", "flu.creatinine=it is 0.7 mg/dL"), 2)[0]
    assert "--by" in fault["do"]


def test_a_change_or_answer_of_nothing_suggests_a_name(seed) -> None:
    assert "atg" in refusal(seed(*BODY, *WHEN, *SAA1, "--set", "agt.dose=2 mg/kg/day", "--by", "AB", "--reason", "x"), 2)[0]["do"]
    assert "flu.creatinine" in refusal(seed(*BODY, *WHEN, *SAA1, "--answer", "flu.creatinin=x", "--by", "AB"), 2)[0]["do"]


@pytest.mark.parametrize(
    ("flag", "text", "codes"),
    [("--weight", "70", {"P01"}), ("--weight", "154 lb", {"P01"}), ("--weight", "700 kg", {"P02"}), ("--height", "1.70", {"P03"}),
     ("--age", "34", {"P10"}), ("--sex", "X", {"P05"}), ("--day0", "2026-02-29", {"T02"}), ("--zone", "CST", {"T06"}),
     ("--time", "hsc=24:00", {"T03", "T07"}), ("--bsa", "standard", {"P08"}), ("--creatinine", "0,9 mg/dL", {"P07", "D01"})],
)  # fmt: skip
def test_an_unreadable_input_is_refused(seed, flag: str, text: str, codes: set[str]) -> None:
    given = [word for pair in zip((*BODY, *WHEN)[::2], (*BODY, *WHEN)[1::2]) if pair[0] != flag for word in pair]
    assert {fault["code"] for fault in refusal(seed(*given, *SAA1, flag, text), 4)} & codes


@pytest.mark.parametrize(
    ("change", "code"),
    [("flu.dose=30 mg/m2", "D11"), ("flu.dose=20..30 mg/m2/day", "D14"), ("flu.dose=1 mg/kg/day", "D10"), ("flu.dose=5e6 cells/kg", "D10"),
     ("flu.weight=ideal", "P09"), ("flu.weight=bsa.mosteller", "P09"), ("flu.days=-2 to -5", "Y02"), ("flu.at=9:00", "T03"), ("flu.over=0 h", "T03")],
)  # fmt: skip
def test_an_unreadable_change_is_refused_with_its_place(seed, change: str, code: str) -> None:
    (fault,) = refusal(seed(*BODY, *WHEN, *SAA1, "--set", change, "--by", "AB", "--reason", "x"), 4)
    assert fault["code"] == code and fault["where"].startswith(f"--set {change.partition('=')[0]}")


def test_all_refused_inputs_are_told_at_once(seed) -> None:
    faults = refusal(seed("--weight", "70", "--height", "1.7 m", "--age", "x", *WHEN, *SAA1), 4)
    assert {"patient: weight", "patient: height", "patient: age"} <= {fault["where"] for fault in faults}


@pytest.mark.parametrize("choice", ["stratum=SAA", "cy.dose=900 mg/m2/day", "cy.dose=600 mg/m2", "cy.dose=10 mg/kg/day", "dose=3", "arm=4d"])
def test_a_choice_unknown_or_outside_its_range_is_refused(seed, choice: str) -> None:
    given = [word for word in SAA1 if word != "--choose" and word.split("=")[0] != choice.split("=")[0]]
    words = [part for word in (*given, choice) for part in ("--choose", word)]
    assert choice.split("=")[0] in json.dumps(refusal(seed(*BODY, *WHEN, *words), 4))


def test_both_ends_of_the_range_are_inside(seed) -> None:
    for dose in ("500 mg/m2/day", "800 mg/m2/day", "0.8 g/m2/day"):
        assert seed(*BODY, *WHEN, "--choose", "stratum=SAA-I", "--choose", f"cy.dose={dose}").code == 5


def test_a_disagreement_of_the_calculations_withholds_the_schedule(seed, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(second, "differences", lambda ours, theirs: ["fludarabine on day -5: 54.6 and 45.6 mg"])
    fault = refusal(seed(*BODY, *WHEN, *SAA1, "-o", str(tmp_path / "sheet.html")), 1)[0]
    assert fault["code"] == "E01" and not list(tmp_path.iterdir())


def test_an_unknown_product_is_a_wrong_command_line(seed) -> None:
    fault = refusal(seed(*BODY, *WHEN, *SAA1, "--set", "atg.product=thymoglobuline", "--by", "AB", "--reason", "x"), 2)[0]
    assert "thymoglobulin" in fault["do"]


def test_an_unknown_block_suggests_a_name(seed) -> None:
    assert "gvhd-csa-mtx" in refusal(seed(*BODY, *WHEN, *SAA1, "--with", "gvhd-csa-mxt"), 2)[0]["do"]
