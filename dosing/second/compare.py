"""Where the two calculations differ."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isclose

from dosing.second.line import HELD, Result
from dosing.second.numbers import IS_NUMBER, number


def differences(ours: Iterable[tuple[str, int, int, float | None, float, str]], theirs: list[Result]) -> list[str]:
    """Name what differs as texts like "flu#1: amount 55 and 56"; empty when both calculations agree.

    `ours` holds (order, number, day, start, calculated, amount text); the amount text "held" is not compared.
    """
    ours = list(ours)
    if [row[:4] for row in ours] != [row[:4] for row in theirs]:
        return _listed(ours, theirs)
    # the administrations of one line share their two fractions, so each line's dose is compared once
    doses = {(our[4], our[5], id(row[4]), id(row[5])): row for our, row in zip(ours, theirs, strict=True)}
    if any(_other_dose(calculated, amount, row) for (calculated, amount, _, _), row in doses.items()):
        return _listed(ours, theirs)
    return []


def _listed(ours: list[tuple[str, int, int, float | None, float, str]], theirs: list[Result]) -> list[str]:
    """Every administration that differs, and how."""
    second = {(row.order, row.number): row for row in theirs}
    found = [] if len(second) == len(theirs) else ["an order stands twice in the second calculation"]
    for order, place, day, start, calculated, amount in ours:
        row = second.pop((order, place), None)
        if row is None:
            found.append(f"{order}#{place}: twice, or not in the second calculation")
            continue
        moved = [] if day == row.day and start == row.start else _other_start(day, start, row)
        told = moved + _other_dose(calculated, amount, row)
        found += [f"{order}#{place}: {text}" for text in told]
    return found + [f"{order}#{place}: only in the second calculation" for order, place in second]


def _other_start(day: int, start: float | None, row: Result) -> list[str]:
    told = [] if day == row.day else [f"day {day} and {row.day}"]
    if start is None or row.start is None:
        return told if start is row.start else [*told, "start in one calculation only"]
    return told if start == row.start else [*told, f"start {abs(start - row.start) / 60:g} min apart"]


def _other_dose(calculated: float, amount: str, row: Result) -> list[str]:
    told = []
    if not isclose(calculated, row.calculated, rel_tol=1e-9):
        told.append(f"calculated {calculated:.15g} and {float(row.calculated):.15g}")
    if amount != HELD and not (IS_NUMBER.fullmatch(amount) and _same(number(amount, "amount", True), row)):
        told.append(f"amount {amount or 'nothing'} and {float(row.amount):.15g}")
    return told


def _same(told: Fraction, row: Result) -> bool:
    """Equal; a dose no step was used on may have no end as a decimal and is told in twelve digits."""
    return told == row.amount or (row.amount == row.calculated and isclose(told, row.amount, rel_tol=6e-12))
