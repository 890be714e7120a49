"""Plain numbers, amounts with a unit, and percentages, as they stand in drug and site files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from dosing.errors import refuse
from dosing.units import DOSED

from .text import plain

_NUMBER = r"(?:0|[1-9]\d{0,11})(?:\.\d{1,9})?"
_UNITS = "|".join(dict.fromkeys(unit for unit in DOSED.values() if unit != "AUC"))  # an exposure is no amount
_AMOUNT = re.compile(rf"({_NUMBER}|[1-9]\d?(?:\.\d{{1,3}})?e\d{{1,2}}) ({_UNITS})(?:/(mL|kg|m2|vial))?")


@dataclass(frozen=True, slots=True)
class WrittenAmount:
    """A number and a unit such as `1 mg` or `25 mg/mL`."""

    value: Decimal
    unit: str

    @property
    def text(self) -> str:
        """The canonical text."""
        return f"{plain(self.value)} {self.unit}"

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def read_number(text: str) -> Decimal:
    """A plain number of the digits 0-9 with at most one point (P07 otherwise)."""
    if not re.fullmatch(_NUMBER, text.strip(" ")):
        raise refuse("P07", f'"{text[:40]}" is not a plain number', "write digits 0-9 with at most one point, for example 0.01.")
    return Decimal(text.strip(" "))


@lru_cache(maxsize=4096)
def read_amount(text: str) -> WrittenAmount:
    """An amount such as `1 mg`, `500 mg`, `25 mg/mL`, `25e6 cells` (D07 otherwise)."""
    found = _AMOUNT.fullmatch(text.strip(" "))
    if not found or not Decimal(found[1]):
        raise refuse("D07", f'"{text[:40]}" is not an amount', "write a number above 0 with a point, a space and a unit: an amount as 500 mg, a strength as 25 mg/mL.")
    unit = f"{found[2]}/{found[3]}" if found[3] else found[2]
    return WrittenAmount(Decimal(found[1]), unit)


@lru_cache(maxsize=4096)
def read_percent(text: str) -> Decimal:
    """A percentage such as `10 %`, above 0 and at most 100 (R13 otherwise)."""
    found = re.fullmatch(rf"({_NUMBER}) %", text.strip(" "))
    if not found or not 0 < Decimal(found[1]) <= 100:
        raise refuse("R13", f'"{text[:40]}" is not a percentage', "write for example 10 %.")
    return Decimal(found[1])


@dataclass(frozen=True, slots=True)
class AgeRange:
    """The ages a protocol admits, in years, both ends included."""

    low: Decimal
    high: Decimal

    @property
    def text(self) -> str:
        """The canonical text, `6..60 y`."""
        return f"{plain(self.low)}..{plain(self.high)} y"

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=64)
def read_ages(text: str) -> AgeRange:
    """An age range such as `6..60 y` (P10 otherwise)."""
    found = re.fullmatch(rf"({_NUMBER})\.\.({_NUMBER}) y", text.strip(" "))
    if not found or not Decimal(found[1]) < Decimal(found[2]):
        raise refuse("P10", f'"{text[:40]}" is not an age range', "write for example 6..60 y.")
    return AgeRange(Decimal(found[1]), Decimal(found[2]))
