"""The dose that a measured level asks for, from the texts that a person entered; exposure in proportion to dose."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from dosing.second.numbers import NUMBER, number, ratio

_LEVEL = re.compile(rf"({NUMBER}) (umol\*min/L|mg\*h/L|ng/mL)(?: per (dose|day|course))?")


class Level(NamedTuple):
    """What a dose is worked out from: the dose given, its level and target, the course it belongs to.

    `basis` are the kg or m2 that the given dose was multiplied with, 1 for a flat one; `minutes` lie between two doses,
    `doses` are those of the course, `mass` is in g/mol or empty. Where the doses left share what is missing from the
    target of the course, `given` holds every amount given so far and `left` the number of doses left.
    """

    amount: str
    basis: str
    measured: str
    target: str
    minutes: int
    doses: int
    mass: str = ""
    given: tuple[str, ...] = ()
    left: int = 0


def rate(level: Level, unit: str) -> Fraction:
    """One administration per kg, per m2 or flat, in a unit; `ValueError` for a text that is no level or no amount."""
    one = _amount(level.amount, unit)
    (measured, of), (target, wanted) = _of_one_dose(level.measured, level), _of_one_dose(level.target, level)
    if of != wanted:
        measured, target = measured * _size(of, level), target * _size(wanted, level)
    if level.left:
        so_far = sum((_amount(text, unit) for text in level.given), Fraction(0)) / one * measured
        target = (target * level.doses - so_far) / level.left
    return one * target / measured / number(level.basis, "basis")


def _amount(text: str, unit: str) -> Fraction:
    value, _, own = text.partition(" ")
    return number(value, "amount") * ratio(own, unit)


def _of_one_dose(text: str, level: Level) -> tuple[Fraction, str]:
    """A level of a dose, a day or the course as that of one dose, with its unit."""
    found = _LEVEL.fullmatch(text)
    if not found:
        raise ValueError(f"level {text!r} is not canonical text; write it like 1125 umol*min/L")
    parts = {"day": Fraction(1440, level.minutes), "course": Fraction(level.doses)}.get(found[3], Fraction(1))
    return number(found[1], "level") / parts, found[2]


def _size(unit: str, level: Level) -> Fraction:
    """How many micrograms times minutes a litre one of a unit is over one interval."""
    return {"mg*h/L": lambda: Fraction(60_000), "ng/mL": lambda: Fraction(level.minutes), "umol*min/L": lambda: number(level.mass, "molar mass")}[unit]()
