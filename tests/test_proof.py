"""`dosing check`: every fault at once with line and cure, every combination in every format, the schema for editors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from dosing import Patient, plan, proof
from dosing.cli import main
from dosing.proof import combinations
from dosing.regimen.library import library
from dosing.render import FORMATS, to_bytes

ROOT = Path(__file__).parents[1]
LIBRARY = library()
FILES = sorted(path for kind in ("protocols", "blocks") for path in (ROOT / "regimens" / kind).glob("*.yaml"))
SCHEMA = json.loads((ROOT / "regimens" / "schema.json").read_text(encoding="utf-8"))
HEAD = """\
id: many
version: 1
status: draft
title: Many faults
trial: no
day0: the day of the graft
sources: {page: {id: P1, title: a page, read: 2026-11-22}}
"""
FAULTY = HEAD + """\
titel: again
orders:
  - {id: flu, drug: fludarabin, dose: 30 mg/m2/day, days: -5..-2, weight: actual, total: 130 mg/m2, cite: {page: "30 mg/m2"}}
  - {id: cy, drug: cyclophosphamide, dose: 60 mgs/kg/day, days: 3..2, rout: iv, weight: actual, cite: {page: "60 mg/kg"}}
  - {id: bu, drug: busulfan, dose: 0.8 mg/kg q6h, days: -7..-4, first: 09:00, weight: actuel, cite: {pag: "0.9 mg/kg"}}
"""
FAULTS = {  # line and a piece of each message: what is wrong, and the cure
    (8, 'unknown key "titel" – did you mean "title"?'), (10, 'the drug "fludarabin" has no file – did you mean "fludarabine"?'),
    (10, "makes 120, not 130"), (11, 'unit "mgs"'), (11, "did the source say mg?"), (11, "day 3 in"), (11, 'unknown key "rout" – did you mean "route"?'),
    (12, '"pag" is not a listed source – did you mean "page"?'), (12, "the number 0.8 stands in no cited phrase"), (12, '"actuel" is no dosing weight – did you mean "actual"?'),
}  # fmt: skip


# ---- faults


def test_every_fault_of_form_and_rule_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "many.yaml").write_text(FAULTY, encoding="utf-8")
    assert main(["check", str(tmp_path / "many.yaml")]) == 3
    said = capsys.readouterr().err.splitlines()
    told = [(int(re.search(r"many\.yaml:(\d+)", line)[1]), line) for line in said]
    assert [line for line, _ in told] == sorted(line for line, _ in told) and len(told) == 9
    assert [fault for fault in FAULTS if not any(fault[0] == line and fault[1] in text for line, text in told)] == []


CLOSE = {
    "a choice": ("choices:\n  stratum: {ask: Which?, options: {SAA-I: a, SAA-II: b}}\norders:\n  - {when: stratun == SAA-I, REST}", 'did you mean "stratum"?'),
    "an option": ("choices:\n  stratum: {ask: Which?, options: {SAA-I: a, SAA-II: b}}\norders:\n  - {when: stratum == SAA-III, REST}", "options: SAA-I, SAA-II."),
    "an anchor": ("orders:\n  - {id: mel, drug: melphalan, dose: 140 mg/m2/dose, days: -1, at: 24 h after fluu, weight: actual, cite: {page: 140 mg/m2}}\n  - {REST}", 'did you mean "flu"?'),
    "a status": ("status: releasd\norders:\n  - {REST}", "'released'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSE)
def test_a_close_name_is_suggested(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    body, cure = CLOSE[name]
    head = HEAD.replace("status: draft\n", "") if body.startswith("status") else HEAD
    rest = 'id: flu, drug: fludarabine, dose: 30 mg/m2/day, days: -5..-2, weight: actual, cite: {page: "30 mg/m2"}'
    (tmp_path / "many.yaml").write_text(head + body.replace("REST", rest) + "\n", encoding="utf-8")
    assert main(["check", str(tmp_path / "many.yaml")]) == 3
    assert cure in capsys.readouterr().err


@pytest.mark.parametrize("name", ["none.yaml", "nct0729912"])
def test_a_file_that_is_not_there_is_a_wrong_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", name]) == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("key", ["sha256", "path", "superseded-by"])
def test_a_file_says_nothing_about_its_own_hash(tmp_path: Path, key: str) -> None:
    text = FILES[0].read_text(encoding="utf-8")
    (tmp_path / "r.yaml").write_text(f"{key}: abc\n{text}", encoding="utf-8")
    assert [fault.code for fault in proof.check(tmp_path / "r.yaml").faults] == ["R03"]


# ---- combinations


def test_the_combinations_of_the_seed() -> None:
    """Three arms with SAA-I, and with fludarabine yes and no in SAA-II: 9; the range of cyclophosphamide has two ends."""
    found = proof.check("nct07299123", depth="quick")
    assert len(list(combinations.combinations(LIBRARY.regimen("nct07299123")))) == 9
    assert (found.faults, found.combinations, found.plans, found.files) == ([], 18, 36, 9 * len(combinations.QUICK))


@pytest.mark.parametrize("name", ["axi-cel", "remestemcel", "plerixafor", "ctn0301", "gvhd-csa-mtx"])
def test_a_regimen_is_written_in_every_format(name: str) -> None:
    for extra in ("typst", "xlsxwriter", "icalendar", "fhir"):
        pytest.importorskip(extra)
    found = proof.check(name, depth="once")
    assert found.faults == [] and found.files >= len(FORMATS)


def test_an_order_that_nobody_gets_is_a_fault(tmp_path: Path) -> None:
    order = '{id: flu, drug: fludarabine, dose: 30 mg/m2/day, days: -5..-2, weight: actual, cite: {page: "30 mg/m2"}, when: [arm == a, age < 1 y, age >= 18 y]}'
    other = '{id: cy, drug: cyclophosphamide, dose: 60 mg/kg/day, days: -3, weight: actual, cite: {page: "60 mg/kg"}}'
    (tmp_path / "r.yaml").write_text(HEAD + f"choices:\n  arm: {{ask: Which?, options: {{a: a, b: b}}}}\norders:\n  - {order}\n  - {other}\n", encoding="utf-8")
    assert [(fault.code, "plans flu for anybody" in fault.what) for fault in proof.check(tmp_path / "r.yaml", depth="quick").faults] == [("E03", True)]


def test_a_format_that_fails_is_named_with_its_combination(monkeypatch: pytest.MonkeyPatch) -> None:
    from dosing.render import csvfile

    monkeypatch.setattr(csvfile, "write", lambda page, schedule: b"day\n")
    found = proof.check("ctn0301", depth="quick").faults
    assert found and all(fault.code == "E03" and ".csv does not hold" in fault.what and "atg_product=" in fault.where for fault in found)


@pytest.mark.parametrize(("name", "old", "new"), [
    (".csv", "fludarabine,D-5,", "fludarabine,D-4,"), (".csv", ",51,mg", ",15,mg"), (".csv", ",HOLD,", ",,"), (".json", '"51"', '"15"'),
    (".txt", "51 mg", "15 mg"), (".txt", "cyclophosphamide", "methotrexate"), (".md", "51 mg", "15 mg"), (".md", "HOLD", "–"), (".html", "51 mg", "15 mg"), (".html", "antithymocyte globulin", "globulin"),
])  # fmt: skip
def test_a_file_with_another_dose_drug_or_day_does_not_read_back(name: str, old: str, new: str) -> None:
    """The seed for 62.5 kg and 168 cm, 51 mg of fludarabine a day: as written it reads back, with one text changed it does not."""
    choose, when = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}, {"day0": combinations.DAY0, "zone": combinations.ZONE, "times": {"hsc": "10:00"}}
    made = plan("nct07299123", Patient(**combinations.PEOPLE["adult"]), choose=choose, **when)
    text = to_bytes(made, name.lstrip(".")).decode().replace("\u00a0", " ")
    changed = re.sub(re.escape(old), new, text, flags=re.I)
    assert changed != text and combinations._reads_back(name, text.encode(), made) and not combinations._reads_back(name, changed.encode(), made)


@pytest.mark.parametrize(("wording", "record", "found"), [("printed", "P1: fludarabine at 30 mg/m2", 1), ("printed", "P1: 30 milligrams", 0),
                                                           ("condensed", "P1: on 2 days 30 milligrams a m2", 1), ("condensed", "P1: 3 milligrams on 2 days", 0)])  # fmt: skip
def test_a_condensed_phrase_is_proved_by_its_numbers(tmp_path: Path, wording: str, record: str, found: int) -> None:
    order = '{id: flu, drug: fludarabine, dose: 30 mg/m2/day, days: -5..-2, weight: actual, cite: {page: "30 mg/m2"}}'
    (tmp_path / "r.yaml").write_text(HEAD.replace("a page, ", f"a page, wording: {wording}, ") + f"orders:\n  - {order}\n", encoding="utf-8")
    (tmp_path / "record.txt").write_text(record, encoding="utf-8")
    proved = proof.check(tmp_path / "r.yaml", against=tmp_path / "record.txt")
    assert (proved.phrases, [fault.code for fault in proved.faults]) == (found, [] if found else ["R08"])


def test_a_finding_that_stands_twice_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    from dosing.checks.case import CHECKS

    monkeypatch.setattr("dosing.checks.case.CHECKS", [*CHECKS, CHECKS[0]])
    assert any("stands 2 times" in fault.what for fault in proof.check("nct07299123", depth="quick").faults)


def test_a_disagreement_of_the_two_calculations_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from dosing import second

    monkeypatch.setattr(second, "differences", lambda ours, theirs: ["flu#1: amount 55 and 56"])
    assert {fault.code for fault in proof.check("axi-cel", depth="quick").faults} >= {"E01"}


def test_what_was_tried_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "axi-cel", "cy-saa"]) == 0
    said = capsys.readouterr()
    assert re.search(r"^axi-cel: sound, \d+ worked examples, 1 combination of choices$", said.out, re.M)
    assert re.search(r"^2 regimens, 0 with faults: .* combinations of choices, .* plans calculated twice, .* files written, in [\d.]+ s$", said.err)


def test_the_proof_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "cy-saa", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["files"]
    assert one["ok"] and one["combinations"] >= 1 and one["plans"] >= 2 and one["files"] >= 5 and len(one["sha256"]) == 64


# ---- the schema for editors


class Core(yaml.SafeLoader):
    """YAML as an editor reads it: the core schema of YAML 1.2, in which 1 is a number and yes is a text."""


Core.yaml_implicit_resolvers = {}
for tag, form, first in (("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"), ("int", r"[-+]?[0-9]+\Z", "-+0123456789"), ("null", r"(?:~|null|Null|NULL|)\Z", "~nN"),
                         ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z", "-+.0123456789")):  # fmt: skip
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(form), list(first))


def test_every_shipped_file_fits_the_schema_by_an_independent_validator() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    wrong = {path.name: error.message for path in FILES for error in validator.iter_errors(yaml.load(path.read_text(encoding="utf-8"), Core))}  # noqa: S506
    assert len(FILES) >= 45 and wrong == {}


@pytest.mark.parametrize(("old", "new"), [("trial: no", "trial: perhaps"), ("orders:", "order:"), ("    drug: busulfan", "    drog: busulfan"), ("    days: -8..-5", "    days: [-8, -5]")])
def test_an_editor_marks_what_the_loader_refuses(old: str, new: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    text = (ROOT / "regimens/protocols/nct07299123.yaml").read_text(encoding="utf-8")
    text = text if old in text else text.replace("trial: yes", "trial: no")
    assert old in text
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.load(text.replace(old, new, 1), Core)))  # noqa: S506


def test_what_the_program_works_out_is_no_key_of_the_schema() -> None:
    assert not {"sha256", "path", "superseded-by"} & SCHEMA["properties"].keys() and {"events", "duplicates", "supersedes"} <= SCHEMA["properties"].keys()
