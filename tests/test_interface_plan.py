"""What `dosing plan` is given: a patient by flags or file, day 0, zone and hours, a formula, a library, changes and answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import ATG, BODY, SAA1, SAA2, WELL, WHEN
from refusals import refusal


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
    fault = refusal(seed("--patient", str(tmp_path / "none.json"), *WHEN, *SAA1), 4)[0]
    assert fault["code"] == "R05" and "none.json" in fault["where"]


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
    """The last library named wins, and nothing of it stays for the next plan."""
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
    assert [fault["where"] for fault in faults] == ["site/site.yaml:1: zone"]


def test_a_dose_twice_daily_asks_for_its_hours(seed) -> None:
    told = refusal(seed(*BODY, *WHEN, *SAA1, "--set", "flu.dose=15 mg/m2/dose twice daily", "--by", "AB", "--reason", "divided"), 4)
    assert [(fault["code"], fault["where"]) for fault in told] == [("R05", "order flu")] and 'flu.at="09:00, 21:00"' in told[0]["do"]
    made = seed(*BODY, *WHEN, *SAA1, "--set", "flu.dose=15 mg/m2/dose twice daily", "--set", "flu.at=09:00, 21:00", "--by", "AB", "--reason", "divided")
    assert [row["start"][11:16] for row in made.rows("flu")] == ["09:00", "21:00"] * 4


def test_a_library_that_is_not_there_is_a_wrong_command_line(seed, tmp_path) -> None:
    assert refusal(seed(*BODY, *WHEN, *SAA1, "--library", str(tmp_path / "none")), 2)


def test_days_can_be_set(seed) -> None:
    """The open query of the days becomes a note: the change is its answer."""
    made = seed(*WELL, *WHEN, *SAA2, "--time", "bu=02:00", "--set", "bu.days=-7..-6", "--by", "AB", "--reason", "the paper's days")
    assert len(made.rows("bu")) == 8 and made.finding("bu.days")["level"] == "note" and made.json["totals"][0]["order"] == "bu"


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


def test_a_releasable_draft_is_exit_0(run, seed) -> None:
    told = seed(*WELL, *WHEN, *SAA1, *ATG)
    assert told.code == 0 and told.json["releasable"] is True and told.open == set() and told.json["regimen"]["status"] == "draft"
    page = run("plan", "nct07299123", *WELL, *WHEN, *SAA1, *ATG)
    assert page.code == 0 and "DRAFT" in page.out
