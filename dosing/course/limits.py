"""What was given and what is planned, held together against the limits of the drug: over the course, and on each day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial

from dosing.checks import Case
from dosing.checks.doses import judge, limits_of, siblings
from dosing.course.state import Done, Lane, State, day_of
from dosing.engine.settle import Line
from dosing.regimen import rules
from dosing.regimen.drug import Limit
from dosing.schedule import Amount, Finding, Level, Total
from dosing.units import exact, in_unit


def all_of(state: State, case: Case, totals: Sequence[Total]) -> Iterator[Finding]:
    """Sums of the course, and of a day, past a limit of the drug; of every line that adds up with one that is begun."""
    known = {one.order for one in totals} if case.begun else set()
    for line in (one for one in case.lines if one.id in known and one.dose is not None and one.basis):
        together = siblings(line, case.lines)
        if not case.begun.isdisjoint(one.id for one in together):
            sums = [_sums(state.lanes[one.id], one, case) for one in together if one.id in known]
            value, exactly = sum((one for one, _ in sums), Decimal(0)), sum((other for _, other in sums), Decimal(0))
            key = ("limits", line, value, exactly, _basis(line, case), state.inputs.calendar)
            yield from state.lanes[line.id].once(key, partial(_both, state, line, case, value, exactly, tuple(one for one in together if one.open)))


def _both(state: State, line: Line, case: Case, value: Decimal, exactly: Decimal, unfinished: tuple[Line, ...]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    if of_course := _limits(line, "course"):
        summed, unrounded = (replace(line, value=one, parts=1, count=1) for one in (value, exactly))
        passed = tuple(limit for limit in of_course if (told := judge(limit, unrounded, (unrounded, *unfinished))) and told.verdict)
        found += _judged(summed, passed, f"{line.id}.sum", "given and planned together are", unfinished)
    if of_day := _limits(line, "day"):
        found += _days(state, line, case, of_day)
    return tuple(found)


def _sums(lane: Lane, line: Line, case: Case) -> tuple[Decimal, Decimal]:
    """What was given of a line and what is left of it, held or not, in the drug's unit per kg or m2 of the patient as weighed now.

    Twice: as it is, and before rounding where a dose was given as planned; a limit is passed by no rounding alone.
    """
    unit, told, basis = line.drug.unit, case.doses[line.id].reading(0), _basis(line, case)
    given = (given_sum(lane, unit), lane.done.once(("unrounded", unit), lambda: sum((in_unit(*amount, unit) for amount in map(_unrounded, lane.given) if amount), Fraction(0))))
    left = (Decimal(one) * exact(told.unit, unit) * len(lane.left) for one in (told.amount, told.calculated))
    whole, exactly = ((Decimal(one.numerator) / one.denominator + rest) / basis for one, rest in zip(given, left, strict=True))
    return whole, exactly


def _unrounded(one: Done) -> tuple[str, str] | None:
    """The calculated dose of one given as planned, else what was given."""
    return one.planned.calculated if one.planned.calculated and one.amount == one.planned.amount else one.amount


def given_sum(lane: Lane, unit: str) -> Fraction:
    """All that was given of an order, in a unit."""
    return lane.done.once(("given-sum", unit), lambda: sum((in_unit(*one.amount, unit) for one in lane.given if one.amount), Fraction(0)))


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


def _judged(summed: Line, limits: tuple[Limit, ...], key: str, words: str, unfinished: tuple[Line, ...] = ()) -> Iterator[Finding]:
    for limit in limits:
        judged = judge(limit, summed, (summed, *unfinished))
        if judged and judged.verdict:
            level: Level = "block" if judged.verdict == "hard" and key.endswith(".sum") else "query"
            shown = judge(limit, replace(summed, value=round(summed.value, 4))) or judged
            yield Finding(key, "course.sum", level, f"{words} {shown.dose}, outside {judged.bounds} (seen: {limit.seen}).", summed.id, limit.source)


def per_basis(amount: Amount, line: Line, case: Case) -> Decimal:
    """A total in the drug's unit per kg or m2 of the patient as weighed now."""
    return amount.decimal * exact(amount.unit, line.drug.unit) / _basis(line, case)


def _basis(line: Line, case: Case) -> Decimal:
    return Decimal(str(float(case.doses[line.id].basis[0])))
