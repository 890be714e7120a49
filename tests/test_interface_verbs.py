"""The verbs of the command line, one by one: what each prints, what each takes, what each refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from commands import BODY, SAA1, Said
from refusals import refusal

import dosing
from dosing.cli import cli

SHELF = Path(__file__).parents[1].parent / "shared"


def shelf(*parts: str) -> Path:
    """A file of the shelf, or a skip."""
    path = SHELF.joinpath(*parts)
    if not path.exists():
        pytest.skip("the shelf with the source records is absent")
    return path


def refusal_of_check(said: Said) -> set[str]:
    assert said.code == 3
    return {fault["code"] for fault in said.errors}


VERBS = ["list", "show", "plan", "check", "parse", "metrics", "diff", "course", "import", "export", "supply", "serve", "schema"]


def python(code: str, **environment: str) -> str:
    """What a fresh Python prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8", env={**os.environ, **environment}).stdout


def test_the_verbs_are_those_of_the_contract(run) -> None:
    """All of them, no others, in its order, and each is there; a verb of a course is there whichever module registers it."""
    assert list(cli.commands) == VERBS and len(cli.commands) == len(VERBS)
    assert [cli.commands[name].name for name in VERBS] == VERBS and all(isinstance(verb, click.Command) for verb in cli.commands.values())
    assert {"start", "give", "issue", "show", "notice"} <= cli.commands["course"].commands.keys()
    assert re.findall(r"^  ([a-z]+) ", run("--help").out.partition("Commands:")[2], re.M) == VERBS


def test_the_contract_lists_these_verbs() -> None:
    page = shelf("design", "interface.md").read_text(encoding="utf-8")
    assert list(dict.fromkeys(re.findall(r"^dosing ([a-z]+) ", page.partition("```")[2].partition("```")[0], re.M))) == VERBS


def test_a_verb_loads_no_other(tmp_path) -> None:
    told = python("import sys; from dosing.cli import main; main(['diff', 'a.json', 'b.json']); print(*(name for name in sys.modules if name.startswith('dosing.cli.')))")
    assert set(told.split()) == {"dosing.cli.group", "dosing.cli.diff"}


@pytest.mark.parametrize("typed", ["plna", "shw", "cours"])
def test_an_unknown_verb_is_told_the_nearest_and_loads_nothing(typed: str) -> None:
    told = python(f"import sys; from dosing.cli import main; assert main([{typed!r}, '--json']) == 2; print(*(name for name in sys.modules if name.startswith('dosing.cli.')))")
    nearest = {"plna": "plan", "shw": "show", "cours": "course"}[typed]
    assert f'did you mean \\"{nearest}\\"?' in told and told.split()[-1] == "dosing.cli.group"


@pytest.mark.parametrize(("words", "wanted"), [("dosing ", VERBS), ("dosing ex", ["export"]), ("dosing course is", ["issue"]), ("dosing plan --zo", ["--zone"])])
def test_a_shell_completes_verbs_and_options(words: str, wanted: list[str]) -> None:
    told = python("from dosing.cli import main; main()", _DOSING_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1))
    assert [line.partition(",")[2] for line in told.splitlines()] == wanted


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
    """The phrase that the record no longer holds is named."""
    text = shelf("seeds", "NCT07299123.txt").read_text(encoding="utf-8").replace("from days -5 to -2", "from days -6 to -3")
    (tmp_path / "record.txt").write_text(text, encoding="utf-8")
    told = run("check", "nct07299123", "--against", str(tmp_path / "record.txt"), "--json")
    assert refusal_of_check(told) == {"R08"} and "from days -5 to -2" in told.err + told.out


def test_check_all(run) -> None:
    """Every shipped regimen and block is proved by one command."""
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
    """It is read or refused as a text (exit 0 or 4), never taken for a wrong command line."""
    kind = "days" if "mg" not in text else "dose"
    code = 4 if kind == "dose" or text in ("-.5", "-x") else 0
    assert run("parse", text, "--as", kind).code == run("parse", "--as", kind, "--json", text).code == code


def test_a_minus_value_of_an_option_is_read(run, seed) -> None:
    told = run("plan", "nct01305694", "--weight", "60 kg", "--choose", "msc.dose=1e6 cells/kg", "--choose", "msc.days=-1, 0", "--json")
    assert [row["day"] for row in told.rows("msc")] == [-1, 0]
    assert refusal(seed("--weight", "-70 kg", *SAA1), 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("course", "account", "none.json", "msc", "returned", "-1"), "-1 is not in the range"), (("course", "diff", "none.json", "-1", "x"), "'x' is not a valid integer"),
     (("plan", "nct01305694", "--choose", "-5"), '"-5" has no "="'), (("plan", "nct01305694", "-5", "-6"), "(-5 -6)"), (("course", "answer", "none.json", "-1"), '"-1" has no "="')],
)  # fmt: skip
def test_a_refused_minus_is_told_as_it_was_typed(run, words: tuple[str, ...], said: str) -> None:
    told = run(*words)
    assert told.code == 2 and said in told.err and "\0" not in told.err and "x00" not in told.err


def test_several_minus_values_of_one_option_are_read_as_typed(run) -> None:
    told = run("plan", "nct01305694", "--prior", "-1", "--prior", "-2 mg", "--json")
    assert told.code in (2, 4) and "\0" not in told.err and "u0000" not in told.out and "x00" not in told.err


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


def test_help_and_version_are_exit_0(run) -> None:
    assert "plan" in run("--help").out and run("--help").code == 0
    assert run("plan", "--help").code == 0 and dosing.__version__ in run("--version").out
