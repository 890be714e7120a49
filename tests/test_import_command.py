"""The verb import: a new file or none, a summary of what was read and what was not, and the exit codes of the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dosing import forms, load_regimen
from dosing.cli import main

RECORDS = Path(__file__).parent / "cases" / "records"


def test_the_command_writes_a_new_file_and_tells_what_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "draft.yaml"
    assert main(["import", str(RECORDS / "haplo.txt"), "-o", str(target), "--read", "2026-11-22"]) == 0
    told = capsys.readouterr()
    assert told.out == "" and all(word in told.err for word in ("written: ", "line 14: ", "not read:", "left over", "for a person to decide:"))
    assert load_regimen(target).sources["registry"].read.isoformat() == "2026-11-22"


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "draft.yaml"
    target.write_text("a person's work", encoding="utf-8")
    assert main(["import", str(RECORDS / "haplo.txt"), "-o", str(target)]) == 2
    assert target.read_text(encoding="utf-8") == "a person's work" and "never written over" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "code"),
    [(["absent.txt", "-o", "x.yaml"], 2), (["RECORD", "-o", "none/x.yaml"], 2), (["RECORD", "-o", "x.pdf"], 2), (["EMPTY", "-o", "x.yaml"], 4), (["BYTES", "-o", "x.yaml"], 4),
     (["RECORD", "-o", "x.yaml", "--read", "22/11/2026"], 4), (["UNDATED", "-o", "x.yaml"], 3)],
)  # fmt: skip
def test_exit_codes(args: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("EMPTY").write_text("nothing here", encoding="utf-8")
    Path("BYTES").write_bytes(b"Flu 5 \xb5g/kg/day")
    Path("UNDATED").write_text("NCT09999999\n\nFlu 30 mg/m2/day on day -2", encoding="utf-8")
    assert main(["import", str(RECORDS / "haplo.txt") if args[0] == "RECORD" else args[0], *args[1:]]) == code
    told = capsys.readouterr().err
    assert Path("x.yaml").exists() == (code == 3)  # written, and its faults told
    assert " – " in told and (code != 3 or 'x.yaml:' in told and '"read" is missing' in told)


def test_json_holds_the_summary_and_the_regimen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(RECORDS / "arms.json"), "-o", str(tmp_path / "a.yaml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"file", "id", "status", "read", "unread", "left_over", "decide", "faults", "regimen"}
    assert told["left_over"] == [{"where": "eligibilityModule.eligibilityCriteria", "phrase": "40 mg/day", "says": "it stands under eligibility, not in the treatment"}]
    assert forms.read_dose(told["regimen"]["orders"][0]["dose"]).unit == "mg"


def test_a_draft_is_proved_against_a_json_record_with_escapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A registry's JSON may hold `\\u00b5` for µ: the phrase stands in it all the same; no phrase stands in another record."""
    record, draft = tmp_path / "record.json", tmp_path / "draft.yaml"
    record.write_text(json.dumps(json.loads((RECORDS / "arms.json").read_text(encoding="utf-8").replace("mg/m2", "mg/m²")), ensure_ascii=True), encoding="utf-8")
    assert main(["import", str(record), "-o", str(draft), "--read", "2026-11-22"]) == 0
    assert main(["check", str(draft), "--against", str(record)]) == 0
    record.write_text("{broken", encoding="utf-8")
    assert main(["check", str(draft), "--against", str(record)]) == 3
