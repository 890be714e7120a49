"""The public surface is typed: a caller that uses it as written passes mypy, and a wrong one does not."""

from __future__ import annotations

from pathlib import Path

from mypy import api

HERE = Path(__file__).parent


def checked(path: Path) -> tuple[str, int]:
    told, _, code = api.run(["--no-error-summary", "--follow-imports=silent", "--strict-equality", str(path)])
    return told, code


def test_a_typed_caller_passes() -> None:
    told, code = checked(HERE / "typing_api.py")
    assert code == 0, told


def test_a_wrong_caller_does_not(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from dosing import plan\n\nplan(3, 'nobody').releasable + 'x'\n", encoding="utf-8")
    assert checked(wrong)[1] == 1
