"""Every text of `bad-inputs.csv` that one written form decides alone: refused by its code, or read as told."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dosing import forms
from dosing.errors import InputError

CORPUS = Path(__file__).parents[1].parent / "shared" / "reference" / "bad-inputs.csv"

READERS: dict[str, Callable] = {
    "dose": forms.read_dose,
    "days": forms.read_days,
    "weight_kg": forms.read_weight_kg,
    "height_cm": forms.read_height_cm,
    "date_day0": forms.read_date,
    "time": forms.read_time,
    "timezone": forms.read_zone,
}
SAY: dict[str, Callable[..., str]] = {
    "dose": str,
    "days": lambda days: json.dumps(list(days)).replace(" ", ""),
    "weight_kg": lambda value: f"{forms.plain(value)} kg",
    "height_cm": lambda value: f"{forms.plain(value)} cm",
    "date_day0": lambda day: day.isoformat(),
    "time": forms.say_time,
    "timezone": str,
}

# A second code that fits as well, row by row, with the reason.
ALSO = {
    "B458": {"T01", "T02"},  # a Buddhist year: the corpus names both
}


def _arithmetic(node: ast.AST) -> str | int:
    """The value of `'9'*400+' mg'`: literals joined and repeated, nothing else."""
    if isinstance(node, ast.Expression):
        return _arithmetic(node.body)
    if isinstance(node, ast.Constant):
        return node.value
    assert isinstance(node, ast.BinOp)
    left, right = _arithmetic(node.left), _arithmetic(node.right)
    return left * right if isinstance(node.op, ast.Mult) else left + right


def _text(value: str) -> str:
    if value.startswith("gen:"):
        return str(_arithmetic(ast.parse(value[4:], mode="eval")))
    return json.loads(f'"{value}"')


def _rows() -> Iterator:
    if not CORPUS.exists():
        yield pytest.param(None, id="corpus", marks=pytest.mark.skip(reason="the shelf with bad-inputs.csv is absent"))
        return
    with CORPUS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["field"] in READERS:
                yield pytest.param(row, id=f"{row['id']}-{row['field']}")


def _canonical(field: str, expected: str) -> str:
    """The canonical text promised by `accept-as: …`, without the remarks behind it."""
    told = expected.removeprefix("accept-as: ")
    if field == "days":
        told = told.split("]")[0] + "]"
        ends = re.fullmatch(r"\[(-?\d+)\.\.(\d+)\]", told)
        return json.dumps(list(range(int(ends[1]), int(ends[2]) + 1))).replace(" ", "") if ends else told
    told = re.split(r" \(|;| printed| parses| UNRESOLVED| Wednesday", told)[0].removeprefix("range ")
    return re.sub(r" x (\d+)$", r" x \1 days", told)


@pytest.mark.parametrize("row", list(_rows()))
def test_row(row: dict[str, str]) -> None:
    field, text, expected = row["field"], _text(row["value"]), row["expected"]
    if expected.startswith("reject: "):
        with pytest.raises(InputError) as refusal:
            READERS[field](text)
        assert refusal.value.code in ALSO.get(row["id"], {expected[8:11]})
        return
    said = SAY[field](READERS[field](text))
    if expected.startswith("accept-as: "):
        assert said == _canonical(field, expected)


@pytest.mark.parametrize("row", list(_rows()))
def test_message_says_what_and_what_to_do(row: dict[str, str]) -> None:
    if not row["expected"].startswith("reject: "):
        return
    with pytest.raises(InputError) as refusal:
        READERS[row["field"]](_text(row["value"]))
    (fault,) = refusal.value.faults
    assert fault.what and fault.do and "invalid" not in str(fault).lower()
    assert len(str(fault)) < 400 and str(fault).isprintable() and fault.do.endswith((".", "?"))
