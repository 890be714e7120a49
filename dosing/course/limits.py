"""What was given and what is planned, held together against the limits of the drug: over the course, and on each day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial

from dosing.checks import Case
from dosing.checks.doses import judge, limits_of
from dosing.course.state import Lane, State, day_of
from dosing.engine.settle import Line
from dosing.regimen import rules
from dosing.regimen.drug import Limit
from dosing.schedule import Amount, Finding, Level, Total


def all_of(state: State, case: Case, totals: Sequence[Total]) -> Iterator[Finding]:
    """Course sums and sums of a day past a limit of the drug."""
    for total in (one for one in totals if one.given is not None):
        line = state.inputs.line(total.order)
        if line is not None and line.dose is not None and line.basis:
            key = ("limits", line, total.amount or total.calculated, _basis(line, case), state.inputs.calendar)
            yield from state.lanes[line.id].once(key, partial(_both, state, line, case, total))


def _both(state: State, line: Line, case: Case, total: Total) -> tuple[Finding, ...]:
    found: list[Finding] = []
    if of_course := _limits(line, "course"):
        summed = replace(line, value=per_basis(total.amount or total.calculated, line, case), parts=1, count=1)
        found += _judged(summed, of_course, f"{line.id}.sum", "given and planned together are")
    if of_day := _limits(line, "day"):
        found += _days(state, line, case, of_day)
    return tuple(found)


@lru_cache(maxsize=1024)
def _limits(line: Line, time: str) -> tuple[Limit, ...]:
    """The limits of a line that speak of its dose over a day or the course."""
    return tuple(limit for limit in limits_of(line) if (bound := limit.hard or limit.usual) and bound.time == time)


def _days(state: State, line: Line, case: Case, of_day: tuple[Limit, ...]) -> Iterator[Finding]:
    """The sum of each day on which more was given than planned."""
    sums = _more_than_planned(state, state.lanes[line.id], line)
    for day, sum_ in sums.items():
        value = Decimal(sum_.numerator) / sum_.denominator / _basis(line, case) / (rules.per_day(line.order) or 1)
        if value > line.value / line.parts:
            yield from _judged(replace(line, value=value, parts=1, count=1), of_day, f"{line.id}.day{day:+d}", f"given on day {day:+d}:")


def _more_than_planned(state: State, lane: Lane, line: Line) -> dict[int, Fraction]:
    """By day, what was given where any dose of that day was not planned, or not so high."""
    high = {day_of(one.seconds, state.when) for one in lane.given if one.extra or (one.amount and one.planned.amount and one.amount != one.planned.amount)}
    sums = dict.fromkeys(sorted(high), Fraction(0))
    for one in lane.given if high else ():
        if one.amount and (day := day_of(one.seconds, state.when)) in sums:
            sums[day] += in_unit(*one.amount, line.drug.unit)
    return sums


def _judged(summed: Line, limits: tuple[Limit, ...], key: str, words: str) -> Iterator[Finding]:
    for limit in limits:
        judged = judge(limit, summed)
        if judged and judged.verdict:
            level: Level = "block" if judged.verdict == "hard" and key.endswith(".sum") else "query"
            yield Finding(key, "course.sum", level, f"{words} {judged.dose}, outside {judged.bounds} (seen: {limit.seen}).", summed.id, limit.source)


def per_basis(amount: Amount, line: Line, case: Case) -> Decimal:
    """A total in the drug's unit per kg or m2 of the patient as weighed now."""
    return amount.decimal * exact(amount.unit, line.drug.unit) / _basis(line, case)


def _basis(line: Line, case: Case) -> Decimal:
    return Decimal(str(float(case.doses[line.id].basis[0])))
