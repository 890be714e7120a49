"""Written conditions of an order: one comparison each, `stratum == SAA-I`, `crcl < 70 mL/min`; nothing is evaluated."""

from __future__ import annotations

import operator as compare
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from dosing.errors import refuse

from .text import Codes, gate, plain, show

UNITS = ("kg", "cm", "y", "mL/min", "mL/min/1.73 m2", "mg/dL", "m2", "kg/m2", "% of ideal")
OPERATORS = {"==": compare.eq, "!=": compare.ne, "<=": compare.le, ">=": compare.ge, "<": compare.lt, ">": compare.gt}

_NAME = r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)*"
_FORM = re.compile(rf"(?P<name>{_NAME})\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>\S.*)\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z%].*)\Z")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a named fact with a word (unit "") or with a number in its unit."""

    name: str
    operator: str
    value: str | Decimal
    unit: str

    def __str__(self) -> str:
        return self.text

    def met(self, values: Any) -> Any:
        """Whether each of some numbers, in the condition's unit, meets it; `values` is a column or one number."""
        return OPERATORS[self.operator](values, float(self.value))

    @property
    def text(self) -> str:
        """The canonical text `age >= 18 y`."""
        value = self.value if isinstance(self.value, str) else f"{plain(self.value)} {self.unit}"
        return f"{self.name} {self.operator} {value}"


@lru_cache(maxsize=4096)
def read_condition(text: str) -> Condition:
    """Read one comparison; `InputError` R11 for anything else."""
    text = gate(text, Codes.all("R11"), limit=120)
    found = _FORM.match(text)
    if found is None:
        cure = "write one comparison: stratum == SAA-I, or age >= 18 y; several stand in a list."
        raise refuse("R11", f"condition {show(text)} is not one comparison", cure)
    name, operator, value = found.group("name", "operator", "value")
    if operator in ("==", "!="):
        return Condition(name, operator, _word(text, value), "")
    return Condition(name, operator, *_number(text, value))


def _word(text: str, value: str) -> str:
    if not _WORD.match(value):
        raise refuse("R11", f"condition {show(text)} compares with {show(value)}", "write one word: stratum == SAA-I.")
    return value


def _number(text: str, value: str) -> tuple[Decimal, str]:
    found = _NUMBER.match(value)
    if found is None or found[2] not in UNITS:
        cure = f"write a number with one of the units {', '.join(UNITS)}."
        raise refuse("R11", f"condition {show(text)} compares with {show(value)}", cure)
    return Decimal(found[1]), found[2]
