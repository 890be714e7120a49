"""The contract of the command line, the JSON and the Python interface, line by line, as a user meets it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import dosing
from dosing import second
from dosing.cli import main
from dosing.render import FORMATS

SHELF = Path(__file__).parents[1].parent / "shared"
ESCAPE = "\x1b"
SAA1 = ("--choose", "stratum=SAA-I", "--choose", "cy.dose=600 mg/m2/day")
SAA2 = ("--choose", "stratum=SAA-II", "--choose", "cy.dose=600 mg/m2/day", "--choose", "flu_in_saa2=yes")
WHEN = ("--day0", "2026-12-09", "--zone", "Asia/Shanghai", "--time", "hsc=14:00")
BODY = ("--weight", "70 kg", "--height", "170 cm", "--age", "34 y", "--sex", "F")
WELL = (*BODY, "--creatinine", "0.7 mg/dL", "--weighed", "2026-12-01")
ATG = ("--set", "atg.dose=2.5 mg/kg/day", "--set", "atg.product=thymoglobulin", "--by", "AB", "--reason", "confirmed by the author")


@dataclass
class Said:
    """What a command answered: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def errors(self) -> list[dict[str, str]]:
        return self.json["errors"]

    def rows(self, order: str) -> list[dict]:
        return [row for row in self.json["administrations"] if row["order"] == order]

    def finding(self, key: str) -> dict:
        return next(found for found in self.json["findings"] if found["id"] == key)

    @property
    def open(self) -> set[str]:
        return {found["id"] for found in self.json["findings"] if found["level"] in ("block", "query") and not found.get("answer")}


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command in this process."""

    def call(*argv: str, stdin: str | None = None) -> Said:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def seed(run):
    """Plan the seed protocol with --json."""
    return lambda *argv: run("plan", "nct07299123", *argv, "--json")


def refusal(said: Said, code: int) -> list[dict[str, str]]:
    """The faults of a refusal, once its form is proved: exit code, one JSON document, four keys, and talk on stderr."""
    assert said.code == code, said.out[:300] + said.err[:300]
    assert set(said.json) == {"errors"} and said.errors
    for fault in said.errors:
        assert set(fault) == {"code", "where", "what", "do"} and fault["code"] and fault["what"] and fault["do"]
        assert "invalid input" not in " ".join(fault.values()).lower()
        assert fault["do"] in said.err and fault["what"] in said.err
    return said.errors


def shelf(*parts: str) -> Path:
    """A file of the shelf, or a skip."""
    path = SHELF.joinpath(*parts)
    if not path.exists():
        pytest.skip("the shelf with the source records is absent")
    return path


# The table of verbs


def test_list_tells_every_regimen_and_block(run) -> None:
    told = run("list")
    assert told.code == 0 and all(name in told.out for name in ("nct07299123", "nct01305694", "gvhd-csa-mtx", "draft", "NCT07299123"))
    found = run("list", "--json").json["regimens"]
    assert all({"id", "version", "status", "title", "source"} <= row.keys() for row in found)


def test_show_is_the_protocol_without_a_patient(run) -> None:
    told = run("show", "nct07299123")
    assert told.code == 0
    for text in ("30 mg/m2/day", "-5..-2", "stratum", "bu.days", "clinicaltrials.gov", "30 mg/(m2 day) of Flu", "mycophenolate"):
        assert text in told.out


def test_show_with_a_day_0_has_dates_and_no_amounts(run) -> None:
    told = run("show", "nct07299123", "--day0", "2026-12-09")
    assert told.code == 0 and "2026-12-04" in told.out and "2026-12-09" in told.out and "55 mg" not in told.out
    assert "2026-12-04" in json.dumps(run("show", "nct07299123", "--day0", "2026-12-09", "--json").json)


def test_show_refuses_a_doubtful_date(run) -> None:
    assert refusal(run("show", "nct07299123", "--day0", "03/04/2026", "--json"), 4)[0]["code"] == "T01"


def test_check_proves_a_regimen(run) -> None:
    told = run("check", "nct07299123")
    assert told.code == 0 and "4 worked examples" in told.out
    assert run("check", "nct07299123", "--json").json["errors"] == []


def test_check_against_the_record(run) -> None:
    told = run("check", "nct07299123", "--against", str(shelf("seeds", "NCT07299123.txt")), "--json")
    assert told.code == 0 and told.json["files"][0]["phrases"] >= 10


def test_check_against_another_record_fails(run) -> None:
    assert refusal_of_check(run("check", "nct07299123", "--against", str(shelf("seeds", "NCT01305694.txt")), "--json")) == {"R08"}


def test_check_against_a_record_that_lost_a_phrase(run, tmp_path) -> None:
    text = shelf("seeds", "NCT07299123.txt").read_text(encoding="utf-8").replace("from days -5 to -2", "from days -6 to -3")
    (tmp_path / "record.txt").write_text(text, encoding="utf-8")
    told = run("check", "nct07299123", "--against", str(tmp_path / "record.txt"), "--json")
    assert refusal_of_check(told) == {"R08"} and "from days -5 to -2" in told.err + told.out


def refusal_of_check(said: Said) -> set[str]:
    assert said.code == 3
    return {fault["code"] for fault in said.errors}


def test_check_all(run) -> None:
    told = run("check", "--all")
    assert told.code == 0 and all(name in told.out for name in ("nct07299123", "nct01305694", "gvhd-csa-mtx"))


def test_check_tells_all_faults_of_a_file_with_file_and_line(run, tmp_path) -> None:
    text = (Path(__file__).parents[1] / "regimens/protocols/nct07299123.yaml").read_text(encoding="utf-8")
    broken = text.replace("dose: 30 mg/m2/day", "dose: 0,6 mg/m2/day").replace("days: -4..-1", "days: -1..-4")
    path = tmp_path / "mine.yaml"
    path.write_text(broken, encoding="utf-8")
    told = run("check", str(path))
    line = 1 + broken[: broken.index("0,6")].count("\n")
    assert told.code == 3 and f"mine.yaml:{line}: orders.flu.dose: " in told.err and "orders.atg.days: " in told.err and " – " in told.err
    assert {fault["code"] for fault in run("check", str(path), "--json").errors} == {"D01", "Y02"}


@pytest.mark.parametrize("verb", ["check", "plan", "show"])
def test_an_unknown_regimen_is_a_wrong_command_line(run, verb: str) -> None:
    fault = refusal(run(verb, "nct07299124", "--json"), 2)[0]
    assert "nct07299123" in fault["do"]


def test_a_broken_file_stops_a_plan_with_exit_3(run, tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text("id: mine\nid: mine\n", encoding="utf-8")
    assert refusal(run("plan", str(tmp_path / "mine.yaml"), "--json"), 3)[0]["where"].startswith("mine.yaml:2")


@pytest.mark.parametrize(
    ("text", "kind", "canonical"),
    [("30 mg/m²/day", "dose", "30 mg/m2/day"), ("0.6 mg/(kg 6 h)", "dose", "0.6 mg/kg/dose every 6 h"), ("5 × 10⁵/kg", "cells", "500000 cells/kg"),
     ("-5 to -2", "days", "-5..-2"), ("−5..−2", "days", "-5..-2"), ("08:30", "time", "08:30"), ("2026-12-09", "date", "2026-12-09"),
     ("Asia/Shanghai", "zone", "Asia/Shanghai"), ("70 kg", "weight", "70 kg"), ("170 cm", "height", "170 cm")],
)  # fmt: skip
def test_parse_says_what_a_text_means(run, text: str, kind: str, canonical: str) -> None:
    told = run("parse", text, "--as", kind, "--json")
    assert told.code == 0 and list(told.json) == ["kind", "input", "canonical", "value", "readings"]
    assert (told.json["kind"], told.json["input"], told.json["canonical"]) == (kind, text, canonical)
    assert canonical in run("parse", text, "--as", kind).out


def test_parse_takes_a_dose_by_default_and_stdin_for_a_minus(run) -> None:
    assert run("parse", "30 mg/m2/day", "--json").json["kind"] == "dose"
    told = run("parse", "-", "--as", "days", "--json", stdin="-5 to -2\n")
    assert told.json["value"] == [-5, -4, -3, -2] and told.json["input"] == "-5 to -2"


@pytest.mark.parametrize("text", ["-5 to -2", "-2", "-8..-5, -2", "-.5", "- 5 to -2", "−5 to −2", "-5 mg/kg/day", "-inf mg/kg", "-x"])
def test_a_text_that_starts_with_a_minus_is_no_option(run, text: str) -> None:
    kind = "days" if "mg" not in text else "dose"
    assert run("parse", text, "--as", kind).code in (0, 4)
    assert run("parse", "--as", kind, "--json", text).code in (0, 4)


def test_a_minus_value_of_an_option_is_read(run, seed) -> None:
    told = run("plan", "nct01305694", "--weight", "60 kg", "--choose", "msc.dose=1e6 cells/kg", "--choose", "msc.days=-1, 0", "--json")
    assert [row["day"] for row in told.rows("msc")] == [-1, 0]
    assert refusal(seed("--weight", "-70 kg", *SAA1), 4)


def test_parse_refuses_with_exit_4(run) -> None:
    fault = refusal(run("parse", "0,6 mg/kg/day", "--json"), 4)[0]
    assert fault["code"] == "D01" and "0.6" in fault["what"] + fault["do"]


def test_parse_of_an_unknown_kind_is_a_wrong_command_line(run) -> None:
    assert "dose" in refusal(run("parse", "30 mg", "--as", "dos", "--json"), 2)[0]["do"]


def test_metrics_tells_every_formula(run) -> None:
    rows = run("metrics", *BODY, "--creatinine", "0.9 mg/dL", "--json").json["metrics"]
    assert all(set(row) == {"name", "value", "unrounded", "unit", "formula", "cite", "population", "applies"} for row in rows)
    names = {row["name"] for row in rows}
    assert {f"bsa.{name}" for name in ("mosteller", "dubois", "haycock", "boyd", "fujimoto", "takahira", "schlich")} <= names
    assert any(name.startswith("ideal.") for name in names) and any(name.startswith("renal.") for name in names)
    told = run("metrics", *BODY)
    assert told.code == 0 and "bsa.mosteller" in told.out and "1.82" in told.out and "Mosteller RD" in told.out


@pytest.mark.parametrize(("count", "name"), [("0.6e9/L", "nSAA"), ("0.35e9/L", "SAA"), ("0.1e9/L", "vSAA")])
def test_neutrophil_classes_are_a_metric(run, count: str, name: str) -> None:
    rows = run("metrics", "--neutrophils", count, "--json").json["metrics"]
    assert name in [row["value"] for row in rows if "neutrophils" in row["name"] or row["value"] == name]


def test_schema_is_a_json_schema(run) -> None:
    told = run("schema")
    assert told.code == 0 and "orders" in told.json["properties"] and told.json["$schema"].startswith("https://json-schema.org")


# Exit codes, refusals, suggestions


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


def test_days_can_be_set(seed) -> None:
    made = seed(*WELL, *WHEN, *SAA2, "--time", "bu=02:00", "--set", "bu.days=-7..-6", "--by", "AB", "--reason", "the paper's days")
    assert len(made.rows("bu")) == 8 and made.finding("bu.days")["level"] == "note" and made.json["totals"][0]["order"] == "bu"


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


def test_a_releasable_draft_is_exit_0(run, seed) -> None:
    told = seed(*WELL, *WHEN, *SAA1, *ATG)
    assert told.code == 0 and told.json["releasable"] is True and told.open == set() and told.json["regimen"]["status"] == "draft"
    page = run("plan", "nct07299123", *WELL, *WHEN, *SAA1, *ATG)
    assert page.code == 0 and "DRAFT" in page.out


def test_help_and_version_are_exit_0(run) -> None:
    assert "plan" in run("--help").out and run("--help").code == 0
    assert run("plan", "--help").code == 0 and dosing.__version__ in run("--version").out


# Patient, when, library


def test_only_what_a_dose_needs_is_required(run, seed) -> None:
    assert "height" in json.dumps(refusal(seed("--weight", "70 kg", *WHEN, *SAA1), 4))
    assert "weight" in json.dumps(refusal(seed("--height", "170 cm", *WHEN, *SAA1), 4))
    told = run("plan", "nct01305694", "--weight", "60 kg", "--choose", "msc.dose=1e6 cells/kg", "--choose", "msc.days=0", "--json")
    assert told.rows("msc")[0]["amount"] == {"value": "60000000", "unit": "cells"}


def test_a_birth_date_gives_the_age_on_day_0(seed) -> None:
    body = ("--weight", "70 kg", "--height", "170 cm", "--sex", "F", "--born", "1992-12-10")
    assert seed(*body, *WHEN, *SAA1).json["patient"]["age"] == {"value": "33", "unit": "y"}
    assert refusal(seed(*body[:-1], "2027-01-01", *WHEN, *SAA1), 4)[0]["code"] == "P10"


@pytest.mark.parametrize(("name", "text"), [
    ("patient.json", '{"weight": "70 kg", "height": "170 cm", "age": "34 y", "sex": "F", "zone": "Asia/Shanghai"}'),
    ("patient.yaml", "weight: 70 kg\nheight: 170 cm\nage: 34 y\nsex: F\nzone: Asia/Shanghai\n"),
])  # fmt: skip
def test_a_patient_file_and_flags_that_win(seed, tmp_path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    plain = seed(*BODY, *WHEN, *SAA1)
    when = ("--day0", "2026-12-09", "--time", "hsc=14:00")
    assert seed("--patient", str(path), *when, *SAA1).json == plain.json
    heavier = seed("--patient", str(path), "--weight", "80 kg", *when, *SAA1)
    assert heavier.json["patient"]["weight"] == {"value": "80", "unit": "kg"} and heavier.json["patient"]["height"]["value"] == "170"


def test_a_patient_file_with_an_unknown_key_is_refused(seed, tmp_path) -> None:
    path = tmp_path / "patient.yaml"
    path.write_text("weigth: 70 kg\nheight: 170 cm\n", encoding="utf-8")
    fault = refusal(seed("--patient", str(path), *WHEN, *SAA1), 4)[0]
    assert fault["code"] == "R03" and "weight" in fault["do"]


def test_a_patient_file_that_is_not_there(seed, tmp_path) -> None:
    assert seed("--patient", str(tmp_path / "none.json"), *WHEN, *SAA1).code in (2, 4)


def test_without_a_day_0_the_schedule_is_relative_and_says_so(run, seed) -> None:
    told = seed(*BODY, *SAA1)
    assert told.code == 5 and told.json["day0"] is None
    assert all((row["date"], row["start"], row["end"]) == (None, None, None) and "offset" in row for row in told.json["administrations"])
    assert told.rows("msc")[0]["offset"] == "4 h before hsc" and [row["day"] for row in told.rows("flu")] == [-5, -4, -3, -2]
    assert "relative" in run("plan", "nct07299123", *BODY, *SAA1).out.lower()


def test_a_dated_schedule_has_no_offset(seed) -> None:
    assert all("offset" not in row for row in seed(*BODY, *WHEN, *SAA1).json["administrations"])


def test_without_a_day_0_saa_2_still_asks_for_the_first_hour(seed) -> None:
    assert "time bu" in {fault["where"] for fault in refusal(seed(*BODY, *SAA2), 4)}
    told = seed(*BODY, *SAA2, "--time", "bu=02:00")
    assert len(told.rows("bu")) == 16 and {row["day"] for row in told.rows("bu")} == {-8, -7, -6, -5}


def test_a_day_0_needs_a_zone(seed) -> None:
    faults = refusal(seed(*BODY, "--day0", "2026-12-09", "--time", "hsc=14:00", *SAA1), 4)
    assert {(fault["code"], fault["where"]) for fault in faults} == {("T06", "zone")}


def test_the_zone_of_a_site_file_is_taken(seed, tmp_path) -> None:
    shipped = (Path(__file__).parents[1] / "regimens/site.yaml").read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(shipped + "zone: Asia/Shanghai\n", encoding="utf-8")
    told = seed(*BODY, "--day0", "2026-12-09", "--time", "hsc=14:00", *SAA1, "--library", str(tmp_path))
    assert told.code == 5 and told.json["zone"] == "Asia/Shanghai"


def test_the_hour_of_the_graft_is_needed(seed) -> None:
    faults = refusal(seed(*BODY, "--day0", "2026-12-09", "--zone", "Asia/Shanghai", *SAA1), 4)
    assert [(fault["code"], fault["where"]) for fault in faults] == [("T03", "time hsc")] and "--time hsc=" in faults[0]["do"]


def test_an_hour_nobody_asks_for_is_refused_with_a_close_name(seed) -> None:
    assert "hsc" in json.dumps(refusal(seed(*BODY, *WHEN[:4], "--time", "hcs=14:00", *SAA1), 4))


def test_the_formula_is_chosen(seed) -> None:
    told = seed(*BODY, *WHEN, *SAA1, "--bsa", "haycock")
    assert told.json["metrics"]["bsa"]["formula"] == "haycock" and told.json["metrics"]["bsa"]["value"] == "1.83"
    assert "haycock" in refusal(seed(*BODY, *WHEN, *SAA1, "--bsa", "haycok"), 4)[0]["do"]


def overlay(folder: Path, drug: str, old: str, new: str) -> Path:
    """A library folder that holds one shipped drug file, changed."""
    text = (Path(__file__).parents[1] / f"regimens/drugs/{drug}.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "drugs").mkdir(parents=True, exist_ok=True)
    (folder / "drugs" / f"{drug}.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return folder


def test_a_library_lays_over_a_hard_limit(seed, tmp_path) -> None:
    tight = overlay(tmp_path / "tight", "fludarabine", "usual: 20..40 mg/m2/day\n    hard: 5..60 mg/m2/day", "usual: 10..20 mg/m2/day\n    hard: 5..25 mg/m2/day")
    told = seed(*WELL, *WHEN, *SAA1, *ATG, "--library", str(tight))
    assert told.code == 5 and told.finding("flu.dose")["code"] == "limit.hard" and told.rows("flu")[0]["held"] is True
    wide = overlay(tmp_path / "wide", "fludarabine", "hard: 5..60 mg/m2/day", "hard: 5..70 mg/m2/day")
    again = seed(*WELL, *WHEN, *SAA1, *ATG, "--library", str(tight), "--library", str(wide))
    assert again.code == 0 and again.rows("flu")[0]["amount"] == {"value": "55", "unit": "mg"}
    assert seed(*WELL, *WHEN, *SAA1, *ATG).code == 0


def test_a_broken_drug_or_site_file_is_exit_3(seed, tmp_path) -> None:
    broken = overlay(tmp_path / "drug", "fludarabine", "unit: mg", "unit mg")
    assert "fludarabine.yaml:" in refusal(seed(*BODY, *WHEN, *SAA1, "--library", str(broken)), 3)[0]["where"]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "site.yaml").write_text("zone: CST\n", encoding="utf-8")
    faults = refusal(seed(*BODY, *WHEN, *SAA1, "--library", str(tmp_path / "site")), 3)
    assert any(fault["where"].startswith("site.yaml:1") for fault in faults) and len(faults) > 1


def test_a_library_that_is_not_there_is_a_wrong_command_line(seed, tmp_path) -> None:
    assert refusal(seed(*BODY, *WHEN, *SAA1, "--library", str(tmp_path / "none")), 2)


# Output


def test_output_repeats_and_the_extension_picks_the_format(run, tmp_path) -> None:
    paths = [tmp_path / f"sheet{suffix}" for suffix in (".txt", ".md", ".html", ".csv", ".json")]
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *[word for path in paths for word in ("-o", str(path))])
    assert told.code == 5 and told.out == "" and all(path.stat().st_size > 500 for path in paths)
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in paths}
    assert texts[".html"].startswith("<!doctype html") and json.loads(texts[".json"])["schema"] == "dosing.schedule/1"
    assert all("NOT RELEASABLE" in texts[suffix] for suffix in (".txt", ".md", ".html"))
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}


def test_a_json_file_equals_the_json_on_stdout(run, tmp_path) -> None:
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, "-o", str(tmp_path / "a.json"), "--json")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == told.out


def test_data_goes_to_stdout_and_talk_to_stderr(seed) -> None:
    told = seed(*BODY, *WHEN, *SAA1)
    assert told.json["schema"] == "dosing.schedule/1" and "not releasable" in told.err and "atg.dose" in told.err


def test_the_page_on_a_terminal_without_colour(run, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1)
    assert told.code == 5 and ESCAPE not in told.out + told.err and "55 mg" in told.out and "HOLD" in told.out and "NOT RELEASABLE" in told.out


def test_the_same_input_gives_the_same_bytes(run, tmp_path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        files = [word for suffix in (".txt", ".md", ".html", ".csv", ".json") for word in ("-o", str(tmp_path / folder / f"s{suffix}"))]
        run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *ATG, "--printed-at", "2026-11-22T10:00+08:00", *files)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_print_time_is_an_input(seed) -> None:
    told = seed(*BODY, *WHEN, *SAA1, "--printed-at", "2026-11-22T10:00+08:00")
    assert "2026-11-22T10:00+08:00" in told.out


# The schedule as JSON

KEYS = ["schema", "regimen", "patient", "metrics", "day0", "zone", "times", "choices", "changes", "answers", "releasable",
        "administrations", "totals", "not_scheduled", "findings", "second_calculation", "sources"]  # fmt: skip
ROW = ["order", "drug", "day", "date", "start", "end", "number", "of", "route", "calculated", "amount", "held", "why"]


def test_the_keys_of_the_schedule(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1).json
    assert [key for key in made if key in KEYS] == KEYS and set(made) - set(KEYS) <= {"source_silent"}
    assert made["schema"] == "dosing.schedule/1" and made["day0"] == "2026-12-09" and made["zone"] == "Asia/Shanghai"
    assert made["times"] == {"hsc": "14:00"} and made["choices"] == {"stratum": "SAA-I", "arm": "blinded", "cy.dose": "600 mg/m2/day"}
    assert list(made["regimen"]) == ["id", "version", "status", "sha256"] and made["changes"] == made["answers"] == []
    assert made["patient"]["weight"] == {"value": "70", "unit": "kg"} and made["patient"]["age"] == {"value": "34", "unit": "y"}


def test_the_keys_inside_the_schedule(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1).json
    assert all(list(row) == ROW for row in made["administrations"])
    assert all(list(row) == ["order", "drug", "doses", "calculated", "amount"] for row in made["totals"])
    assert all(list(row) == ["drug", "reason", "cite"] for row in made["not_scheduled"])
    assert all(list(row) == ["id", "code", "level", "order", "message", "cite"] for row in made["findings"])
    assert all({"key", "id", "title"} <= row.keys() for row in made["sources"])
    assert {row["level"] for row in made["findings"]} <= {"block", "query", "note", "pass"}
    assert len({row["id"] for row in made["findings"]}) == len(made["findings"])


def test_the_row_of_the_contract(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1)
    assert made.rows("flu")[0] == {
        "order": "flu", "drug": "fludarabine", "day": -5, "date": "2026-12-04", "start": "2026-12-04T09:00:00+08:00", "end": None,
        "number": 1, "of": 4, "route": "iv", "calculated": {"value": "54.6", "unit": "mg"}, "amount": {"value": "55", "unit": "mg"},
        "held": False, "why": made.rows("flu")[0]["why"],
    }  # fmt: skip
    assert re.fullmatch(r"30 mg/m2/day × 1\.82 m[2²] = 54\.6 mg → 55 mg \(nearest 1 mg, \+0\.7 %\)", made.rows("flu")[0]["why"])
    assert made.json["totals"][0] == {"order": "flu", "drug": "fludarabine", "doses": 4, "calculated": {"value": "218.4", "unit": "mg"},
                                      "amount": {"value": "220", "unit": "mg"}}  # fmt: skip
    surface = made.json["metrics"]["bsa"]
    assert list(surface) == ["value", "unit", "formula", "unrounded"] and (surface["value"], surface["unit"]) == ("1.82", "m2")
    assert surface["unrounded"].startswith("1.81811") and made.json["second_calculation"] == {"agrees": True, "doses": 13}


def numbers_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_of(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_of(part)]
    return [value] if isinstance(value, float) else []


def test_amounts_are_texts_and_never_floats(seed) -> None:
    assert numbers_of(seed(*WELL, *WHEN, *SAA1).json) == []


def test_a_held_line_keeps_what_was_calculated(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1)
    assert all(row["held"] and row["amount"] is None and row["calculated"] == {"value": "350", "unit": "mcg"} for row in made.rows("atg"))
    assert next(row for row in made.json["totals"] if row["order"] == "atg")["amount"] is None


def test_the_graft_is_an_administration_and_no_dose(seed) -> None:
    (graft,) = seed(*BODY, *WHEN, *SAA1).rows("hsc")
    assert (graft["day"], graft["amount"], graft["held"], graft["start"]) == (0, None, False, "2026-12-09T14:00:00+08:00")
    assert "hsc" not in {row["order"] for row in seed(*BODY, *WHEN, *SAA1).json["totals"]}


def test_ids_of_orders_and_drugs(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA2, "--time", "bu=02:00").json
    assert {row["order"]: row["drug"] for row in made["administrations"]} == {
        "flu": "fludarabine", "cy": "cyclophosphamide", "atg": "antithymocyte-globulin", "bu": "busulfan", "msc": "umbilical-cord-msc",
        "hsc": "haematopoietic-stem-cells",
    }  # fmt: skip
    stamps = [row["start"] for row in made["administrations"]]
    assert stamps == sorted(stamps)


def test_cells_are_written_out(seed) -> None:
    assert seed(*BODY, *WHEN, *SAA1).rows("msc")[0]["amount"] == {"value": "35000000", "unit": "cells"}


def test_no_clock_host_or_path_in_the_output(seed) -> None:
    text = seed(*BODY, *WHEN, *SAA1).out
    assert str(Path.home()) not in text and str(Path(__file__).parents[1]) not in text and "µ" not in json.dumps(seed(*BODY, *WHEN, *SAA1).json["totals"], ensure_ascii=False)


# The seed protocol


@pytest.mark.parametrize("given", [(), ("--choose", "stratum=SAA-II")])
def test_every_missing_choice_is_listed_with_what_the_source_says_and_the_flag(seed, given: tuple[str, ...]) -> None:
    faults = {fault["where"]: fault for fault in refusal(seed(*BODY, *WHEN, *given), 4)}
    assert "--choose cy.dose" in faults["choice cy.dose"]["do"] and "500-800 mg/(m2 day) of Cy" in faults["choice cy.dose"]["what"]
    if given:
        assert "the same treatment of ATG and Cy" in faults["choice flu_in_saa2"]["what"] and "--choose flu_in_saa2" in faults["choice flu_in_saa2"]["do"]
        assert "--time bu=HH:MM" in faults["time bu"]["do"] and "0.6 mg/(kg 6 h)" in faults["time bu"]["what"]
    else:
        assert "--choose stratum=SAA-I|SAA-II" in faults["choice stratum"]["do"]


ARMS = re.compile(r"(?<![0-9a-z])[23]-?d\b|hypoxi|conventional|preconditioned|unblinded", re.I)


def text_of(path: Path) -> str:
    """Everything a file tells: its text, or the text and names of all members of an archive (a workbook)."""
    if not zipfile.is_zipfile(path):
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        return " ".join(name + archive.read(name).decode("latin-1") for name in archive.namelist())


@pytest.mark.parametrize("arm", [(), ("--choose", "arm=blinded")])
def test_a_blinded_plan_tells_no_arm_anywhere(run, tmp_path, caplog, arm: tuple[str, ...]) -> None:
    caplog.set_level(0)
    suffixes = [suffix for suffix in FORMATS if suffix not in (".pdf", ".xlsx")]  # read in tests of their own
    files = [word for suffix in suffixes for word in ("-o", str(tmp_path / f"sheet{suffix}"))]
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *arm, *files, "--json")
    page = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *arm)
    texts = {"stdout": told.out, "stderr": told.err + page.err, "page": page.out, "log": caplog.text, "names": " ".join(path.name for path in tmp_path.iterdir())}
    texts |= {path.name: text_of(path) for path in tmp_path.iterdir()}
    assert {name: found[0] for name, text in texts.items() if (found := ARMS.search(text))} == {}


def test_a_blinded_pdf_tells_no_arm_in_text_or_metadata(run, tmp_path) -> None:
    pypdf, _ = pytest.importorskip("pypdf"), pytest.importorskip("typst")
    path = tmp_path / "sheet.pdf"
    assert run("plan", "nct07299123", *BODY, *WHEN, *SAA1, "-o", str(path)).code == 5
    reader = pypdf.PdfReader(path)
    text = " ".join(page.extract_text() for page in reader.pages) + str(dict(reader.metadata or {}))
    assert not ARMS.search(text) and not re.search(rb"hypoxi|conventional", path.read_bytes(), re.I)


def test_an_unblinded_plan_tells_the_arm_and_changes_no_dose(seed) -> None:
    plans = [seed(*BODY, *WHEN, *SAA1, "--choose", f"arm={arm}") for arm in ("2d", "3d", "blinded")]
    assert [made.json["choices"]["arm"] for made in plans] == ["2d", "3d", "blinded"]
    assert plans[0].json["administrations"] == plans[1].json["administrations"] == plans[2].json["administrations"]


def test_atg_is_held_and_asked_about(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1)
    told = " ".join(found["message"] for found in made.json["findings"] if found["order"] == "atg")
    assert "100-fold below the lowest" in told and "500 to 8,000-fold below" in told and "does not name the product" in told
    assert {"atg.dose", "atg.product"} <= made.open and made.code == 5


def test_atg_never_gets_a_suggested_value(run, tmp_path) -> None:
    files = [tmp_path / f"s{suffix}" for suffix in (".txt", ".html", ".md", ".csv", ".json")]
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *[word for path in files for word in ("-o", str(path))])
    page = run("plan", "nct07299123", *BODY, *WHEN, *SAA1)
    talk = [line for line in (told.err + page.err).splitlines() if not line.startswith("written: ")]
    for text in (page.out, *talk, *(path.read_text(encoding="utf-8") for path in files)):
        assert re.findall(r".{20}\d\s*m(?:illi)?g(?:ram)?s?\s*/\s*kg.{9}", text) == []
        assert re.findall(r"did you mean|suggest|should be", text.replace("no value is suggested", "")) == []


@pytest.mark.parametrize("words", [
    ("--set", "atg.dose=2.5 mg/kg/day"), ("--set", "atg.product=thymoglobulin"),
    ("--set", "atg.product=thymoglobulin", "--set", "atg.dose=10 mg/kg/day"),
    ("--set", "atg.product=thymoglobulin", "--set", "atg.dose=7 mg/kg/day"),
    ("--set", "atg.product=atgam", "--set", "atg.dose=60 mg/kg/day"),
])  # fmt: skip
def test_atg_stays_held_without_a_product_or_past_a_hard_limit(seed, words: tuple[str, ...]) -> None:
    made = seed(*WELL, *WHEN, *SAA1, *words, "--by", "AB", "--reason", "x")
    assert made.code == 5 and all(row["held"] and row["amount"] is None for row in made.rows("atg"))
    assert any(found["level"] == "block" and found["order"] == "atg" for found in made.json["findings"])


def test_an_answer_does_not_release_a_block(seed) -> None:
    made = seed(*WELL, *WHEN, *SAA1, "--answer", "atg.dose=it is right", "--by", "AB")
    assert made.code in (2, 5)
    if made.code == 5:
        assert "atg.dose" in made.open and all(row["held"] for row in made.rows("atg"))


def test_atg_inside_its_products_limits_is_released_and_the_change_prints(run, seed) -> None:
    made = seed(*WELL, *WHEN, *SAA1, *ATG)
    assert made.code == 0 and made.rows("atg")[0]["amount"] == {"value": "175", "unit": "mg"}
    assert made.rows("atg")[0]["drug"] == "antithymocyte-globulin-rabbit"
    assert [change["key"] for change in made.json["changes"]] == ["atg.dose", "atg.product"]
    assert all(change["by"] == "AB" and change["reason"] == "confirmed by the author" for change in made.json["changes"])
    page = run("plan", "nct07299123", *WELL, *WHEN, *SAA1, *ATG)
    assert "confirmed by the author" in page.out.replace("\n", " ") or "confirmed by the" in page.out


def test_an_unknown_product_is_a_wrong_command_line(seed) -> None:
    fault = refusal(seed(*BODY, *WHEN, *SAA1, "--set", "atg.product=thymoglobuline", "--by", "AB", "--reason", "x"), 2)[0]
    assert "thymoglobulin" in fault["do"]


def saa2(*more: str, bu: str = "02:00") -> tuple[str, ...]:
    return (*WELL, *WHEN, *SAA2, "--time", f"bu={bu}", *ATG, *more)


def test_busulfan_asks_which_days(seed) -> None:
    made = seed(*saa2())
    query = made.finding("bu.days")
    assert made.code == 5 and query["level"] == "query" and "8 doses" in query["message"] and "-7" in query["message"]
    assert len(made.rows("bu")) == 16 and made.rows("bu")[0]["calculated"] == {"value": "42", "unit": "mg"}


def test_an_answer_closes_the_query_and_prints(run, seed) -> None:
    answer = ("--answer", "bu.days=registry days confirmed by sponsor 12 Nov", "--answer", "cy.after-busulfan=the protocol prints the overlap")
    made = seed(*saa2(*answer))
    assert made.code == 0 and made.json["answers"] == [{"id": "bu.days", "answer": "registry days confirmed by sponsor 12 Nov", "by": "AB"},
                                                       {"id": "cy.after-busulfan", "answer": "the protocol prints the overlap", "by": "AB"}]
    assert "sponsor 12 Nov" in run("plan", "nct07299123", *saa2(*answer)).out


def test_sixteen_doses_in_real_hours(seed) -> None:
    made = seed(*saa2())
    assert [row["start"][:16] for row in made.rows("bu")[:5]] == ["2026-12-01T02:00", "2026-12-01T08:00", "2026-12-01T14:00", "2026-12-01T20:00", "2026-12-02T02:00"]
    assert "bu.window" not in {found["id"] for found in made.json["findings"]}


def test_a_dose_outside_its_days_is_a_finding(seed) -> None:
    made = seed(*saa2(bu="08:00"))
    assert made.rows("bu")[-1]["day"] == -4 and made.finding("bu.window")["level"] in ("query", "block") and made.code == 5


def test_fludarabine_in_saa_2_is_a_choice(seed) -> None:
    words = [word.replace("flu_in_saa2=yes", "flu_in_saa2=no") for word in saa2()]
    assert seed(*words).rows("flu") == [] and len(seed(*saa2()).rows("flu")) == 4


@pytest.mark.parametrize(("hour", "day", "start"), [("14:00", 0, "2026-12-09T10:00"), ("04:00", 0, "2026-12-09T00:00"), ("03:59", -1, "2026-12-08T23:59"), ("00:00", -1, "2026-12-08T20:00")])
def test_cells_four_hours_before_the_graft(seed, hour: str, day: int, start: str) -> None:
    made = seed(*BODY, *WHEN[:4], "--time", f"hsc={hour}", *SAA1)
    (cells,) = made.rows("msc")
    assert (cells["day"], cells["start"][:16], cells["date"]) == (day, start, start[:10])
    assert any(found["order"] == "msc" and "viable" in found["message"] for found in made.json["findings"])


def test_a_graft_on_the_day_the_clocks_change(seed) -> None:
    zone = ("--zone", "Europe/Berlin", *SAA1)
    spring = seed(*BODY, "--day0", "2027-03-28", "--time", "hsc=05:00", *zone)
    assert spring.rows("msc")[0]["start"] == "2027-03-28T00:00:00+01:00"
    autumn = seed(*BODY, "--day0", "2026-10-25", "--time", "hsc=04:00", *zone)
    assert autumn.rows("msc")[0]["start"] == "2026-10-25T01:00:00+02:00" and autumn.finding("msc.clock")["level"] == "note"


def test_a_clock_time_that_does_not_exist_is_refused(seed) -> None:
    fault = refusal(seed(*BODY, "--day0", "2027-03-28", "--zone", "Europe/Berlin", "--time", "hsc=02:30", *SAA1), 4)[0]
    assert fault["code"] == "T04"


def test_a_doubled_hour_is_asked_about_and_chosen(seed) -> None:
    given = (*BODY, "--day0", "2026-10-25", "--zone", "Europe/Berlin", *SAA1)
    assert refusal(seed(*given, "--time", "hsc=02:30"), 4)[0]["code"] == "T05"
    assert seed(*given, "--time", "hsc=02:30 first").rows("hsc")[0]["start"] == "2026-10-25T02:30:00+02:00"
    assert seed(*given, "--time", "hsc=02:30 second").rows("hsc")[0]["start"] == "2026-10-25T02:30:00+01:00"


@pytest.mark.parametrize(("zone", "day0"), [("America/New_York", "2027-03-19"), ("Australia/Lord_Howe", "2026-10-09"), ("Europe/Berlin", "2026-10-30"), ("America/Santiago", "2027-04-10")])
def test_every_six_hours_are_six_real_hours_in_every_zone(zone: str, day0: str) -> None:
    made = dosing.plan("nct07299123", dosing.Patient(weight="70 kg", height="170 cm", age="34 y"), day0=day0, zone=zone, times={"hsc": "14:00", "bu": "00:00"},
                       choose={"stratum": "SAA-II", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "no"})  # fmt: skip
    starts = [row.seconds for row in made if row.order == "bu"]
    assert {later - earlier for earlier, later in zip(starts, starts[1:])} == {6 * 3600} and len(starts) == 16
    assert "bu.clock" in {found.id for found in made.findings}
    assert all((row.date - made.day0).days == row.day for row in made)


def test_what_has_no_dose_stands_in_not_scheduled(seed) -> None:
    assert [row["drug"] for row in seed(*BODY, *WHEN, *SAA1).json["not_scheduled"]] == ["mycophenolate-mofetil", "ciclosporin", "methotrexate"]


def test_a_gvhd_block_on_the_same_day_axis(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1, "--with", "gvhd-csa-mtx")
    assert [row["drug"] for row in made.json["not_scheduled"]] == ["mycophenolate-mofetil"]
    assert [row["day"] for row in made.rows("mtx2")] == [3, 6, 11] and len(made.rows("csa")) == 8
    assert made.rows("mtx1")[0]["amount"] == {"value": "27", "unit": "mg"}  # 15 × 1.82 = 27.3
    assert made.finding("csa-level.dose")["level"] == "block" and made.code == 5


def test_an_unknown_block_suggests_a_name(seed) -> None:
    assert "gvhd-csa-mtx" in refusal(seed(*BODY, *WHEN, *SAA1, "--with", "gvhd-csa-mxt"), 2)[0]["do"]


@pytest.mark.parametrize(("age", "asked"), [("5 y", True), ("6 y", False), ("60 y", False), ("61 y", True)])
def test_an_age_outside_the_protocol_is_asked_about(seed, age: str, asked: bool) -> None:
    made = seed("--weight", "60 kg", "--height", "165 cm", "--age", age, *WHEN, *SAA1)
    assert ("patient.age" in made.open) is asked and made.code == 5


def test_a_missing_creatinine_is_asked_about(seed) -> None:
    assert "flu.creatinine" in seed(*BODY, *WHEN, *SAA1).open
    assert "flu.creatinine" not in seed(*WELL, *WHEN, *SAA1).open
    assert "flu.creatinine" not in seed(*BODY, "--crcl", "90 mL/min", *WHEN, *SAA1).open


def test_every_number_carries_its_printed_phrase(run) -> None:
    for order in run("show", "nct07299123", "--json").json["orders"]:
        assert order["cite"] and all(phrases for phrases in order["cite"].values())


def test_an_answers_file_of_several_people(seed, tmp_path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps([
        {"set": "atg.dose", "to": "2.5 mg/kg/day", "by": "AB", "reason": "author's letter", "second": "EF"},
        {"set": "atg.product", "to": "thymoglobulin", "by": "AB", "reason": "author's letter"},
        {"id": "bu.days", "answer": "as in the registry", "by": "CD"},
        {"id": "cy.after-busulfan", "answer": "as printed", "by": "CD"},
    ]), encoding="utf-8")  # fmt: skip
    made = seed(*WELL, *WHEN, *SAA2, "--time", "bu=02:00", "--answers", str(path))
    assert made.code == 0 and {answer["by"] for answer in made.json["answers"]} == {"CD"} and {change["by"] for change in made.json["changes"]} == {"AB"}


@pytest.mark.parametrize("text", ["{}", '[{"set": "atg.dose", "to": "2.5 mg/kg/day"}]', '[{"id": "bu.days", "answer": "x"}]', '["x"]', '[{"answer": "x", "by": "AB"}]'])
def test_a_wrong_answers_file_is_refused(seed, tmp_path, text: str) -> None:
    path = tmp_path / "answers.json"
    path.write_text(text, encoding="utf-8")
    refusal(seed(*WELL, *WHEN, *SAA1, "--answers", str(path)), 2)


# NCT01305694


def test_no_dose_is_printed_so_one_is_asked_for(run) -> None:
    faults = refusal(run("plan", "nct01305694", "--weight", "60 kg", "--json"), 4)
    assert {fault["where"] for fault in faults} == {"choice msc.dose", "choice msc.days"}
    assert all("prints no" in fault["what"] and "--choose" in fault["do"] for fault in faults)


def test_four_weekly_infusions(run) -> None:
    made = run("plan", "nct01305694", "--weight", "60 kg", "--height", "165 cm", "--age", "40 y", "--day0", "2027-01-04", "--zone", "Asia/Shanghai",
               "--choose", "msc.dose=1e6 cells/kg", "--choose", "msc.days=0, +7, +14, +21", "--json")  # fmt: skip
    assert made.code == 0 and [row["date"] for row in made.rows("msc")] == ["2027-01-04", "2027-01-11", "2027-01-18", "2027-01-25"]
    assert {row["amount"]["value"] for row in made.rows("msc")} == {"60000000"} and made.json["totals"][0]["amount"]["value"] == "240000000"
    assert made.json["choices"]["msc.dose"] and made.json["choices"]["msc.days"]


# Python


def test_the_names_of_the_package() -> None:
    for name in ("Patient", "load_regimen", "plan", "check", "render", "DosingError"):
        assert callable(getattr(dosing, name))


def test_the_example_of_the_contract() -> None:
    regimen = dosing.load_regimen("nct07299123")
    patient = dosing.Patient(weight="70 kg", height="170 cm", age="34 y", sex="F")
    schedule = dosing.plan(regimen, patient, day0="2026-12-09", zone="Asia/Shanghai", times={"hsc": "14:00"},
                           choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})  # fmt: skip
    first = next(row for row in schedule if row.drug == "fludarabine")
    assert (first.day, str(first.start)[:16], str(first.amount)) == (-5, "2026-12-04T09:00", "55 mg") and "54.6 mg" in first.why
    assert str(schedule.total("fludarabine")) == "220 mg" and not schedule.releasable and schedule.findings
    assert schedule.to_dict()["schema"] == "dosing.schedule/1" and "<" in schedule._repr_html_()


def test_every_argument_of_plan(tmp_path) -> None:
    schedule = dosing.plan("nct07299123@1", dosing.Patient(weight="70 kg", height="170 cm", age="34 y", sex="F", creatinine="0.7 mg/dL"),
                           choose={"stratum": "SAA-II", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "yes"}, times={"bu": "02:00"},
                           set={"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, answer={"bu.days": "as printed"}, by="AB", reason="letter",
                           blocks=["gvhd-csa-mtx"], library=[])  # fmt: skip
    assert {finding.id for finding in schedule.open} == {"csa-level.dose"}
    assert dosing.render(schedule, tmp_path / "schedule.html").exists()


def test_a_regimen_by_path_and_by_version() -> None:
    path = Path(__file__).parents[1] / "regimens/protocols/nct07299123.yaml"
    assert dosing.load_regimen(path).sha256 == dosing.load_regimen("nct07299123@1").sha256
    with pytest.raises(dosing.UsageError):
        dosing.load_regimen("nct07299123@2")


def test_a_frame_of_the_rows() -> None:
    pytest.importorskip("pyarrow")
    schedule = dosing.plan("nct01305694", dosing.Patient(weight="60 kg"), choose={"msc.dose": "1e6 cells/kg", "msc.days": "0, +7"})
    assert schedule.to_frame().num_rows == 2


def test_errors_share_one_base_and_carry_a_code() -> None:
    with pytest.raises(dosing.DosingError) as error:
        dosing.Patient(weight="70")
    assert error.value.code == "P01" and " – " in str(error.value)


# Three commands in a process of their own


def process(*argv: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "dosing", *argv], capture_output=True, text=True, encoding="utf-8", timeout=60,
                          env={**os.environ, **env}, check=False)  # fmt: skip


def test_a_process_plans() -> None:
    made = process("plan", "nct07299123", *BODY, *WHEN, *SAA1, "--json")
    assert made.returncode == 5 and json.loads(made.stdout)["second_calculation"]["agrees"]


def test_a_process_prints_no_colour_into_a_pipe() -> None:
    made = process("plan", "nct07299123", *BODY, *WHEN, *SAA1, NO_COLOR="1", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert made.returncode == 5 and ESCAPE not in made.stdout and "55" in made.stdout and "Traceback" not in made.stderr


def test_a_process_refuses() -> None:
    made = process("parse", "-5 to 5,5", "--as", "days", "--json")
    assert made.returncode == 4 and set(json.loads(made.stdout)) == {"errors"} and "Traceback" not in made.stderr
