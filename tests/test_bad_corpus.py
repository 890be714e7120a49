"""No row of `bad-inputs.csv` about files and plans is left out, and each is tried for the code it expects."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import test_bad_plans
from test_bad_files import FILES, ROOT, TEXTS

CORPUS = ROOT.parent / "shared" / "reference" / "bad-inputs.csv"
FIELDS = ("regimen_file", "dose+drug", "days+regimen", "weight+context", "bsa", "datetime", "rounding")
ELSEWHERE = {"B495", "B496", "B671", "B674", "B675", "B676", "B678", "B679", "B680"}  # functions of test_bad_plans


def test_every_row_of_the_corpus_is_here_with_its_code() -> None:
    """In the tables of files, texts and plans or in a function for itself; and the corpus's own code is among those accepted."""
    if not CORPUS.exists():
        pytest.skip("the shelf with bad-inputs.csv is absent")
    with CORPUS.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row["expected"] for row in csv.DictReader(file) if row["field"] in FIELDS}
    codes: dict[str, set[str]] = {}
    for row, *_, told in [*FILES, *test_bad_plans.PLANS]:
        codes.setdefault(row, set()).update(told.split())
    source = Path(test_bad_plans.__file__).read_text(encoding="utf-8")
    assert rows.keys() == codes.keys() | TEXTS.keys() | ELSEWHERE and {row for row in ELSEWHERE if row not in source} == set()
    assert {row for row, told in codes.items() if rows[row].removeprefix("reject: ").removeprefix("query: ").split()[0] not in told} == set()
