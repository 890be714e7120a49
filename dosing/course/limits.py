"""What was given and what is planned, held together against the limits of the drug: over the course, and on each day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial

from dosing.checks import Case
from dosing.checks.doses import judge_value, limits_of, siblings, speaks, total
from dosing.course.state import Done, Lane, State, day_of
from dosing.engine.dose import Reading
from dosing.engine.settle import Line
from dosing.regimen.drug import Limit
from dosing.schedule import Amount, Finding, Level
from dosing.units import exact, in_unit


def all_of(state: State, case: Case, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    """Sums of the course, and of a day, past a limit of the drug; of every line that adds up with one that is begun."""
    for line in (one for one in case.lines if case.begun and one.id in readings and (_limits(one, "course") or _limits(one, "day"))):
        together = siblings(line, case.lines)
        if not case.begun.isdisjoint(one.id for one in together):
            sums = [_sums(state.lanes[one.id], one, readings[one.id], _basis(one, case)) for one in together if one.id in readings]
            value, exactly = (sum(each, Decimal(0)) for each in zip(*sums, strict=True))
            unfinished, basis = any(one.open for one in together), _basis(line, case)
            key = ("limits", line, value, exactly, basis, state.inputs.calendar)
            yield from state.lanes[line.id].once(key, lambda: (*_course(line, value, exactly, unfinished), *_days(state, line, basis)))  # noqa: B023


def _course(line: Line, value: Decimal, exactly: Decimal, unfinished: bool) -> Iterator[Finding]:
    """The sum of the course past a limit, both as it is and before rounding."""
    for limit in _limits(line, "course"):
        if judge_value(limit, line, exactly, unfinished).verdict:
            yield from _judged(line, limit, value, f"{line.id}.sum", "given and planned together are", unfinished)


def _sums(lane: Lane, line: Line, told: Reading, basis: Decimal) -> tuple[Decimal, Decimal]:
    """What was given of a line and what is left of it, held or not, in the drug's unit per kg or m2 of the patient as weighed now.

    Twice: as it is, and before rounding where a dose was given as planned; a limit is passed by no rounding alone.
    """
    unit, given = line.drug.unit, lane.done.once(("both", line.drug.unit), lambda: (_decimal(given_sum(lane, line.drug.unit)), _decimal(_sum(map(_unrounded, lane.given), line.drug.unit))))
    left = exact(told.unit, unit) * len(lane.left)
    return (given[0] + Decimal(told.amount) * left) / basis, (given[1] + Decimal(told.calculated) * left) / basis


def _unrounded(one: Done) -> tuple[str, str] | None:
    """The calculated dose of one given as planned, else what was given."""
    return one.planned.calculated if one.planned.calculated and one.amount == one.planned.amount else one.amount


def given_sum(lane: Lane, unit: str) -> Fraction:
    """All that was given of an order, in a unit."""
    return lane.done.once(("given-sum", unit), lambda: _sum((one.amount for one in lane.given), unit))


def _sum(amounts: Iterable[tuple[str, str] | None], unit: str) -> Fraction:
    return sum((in_unit(*amount, unit) for amount in amounts if amount), Fraction(0))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / value.denominator


@lru_cache(maxsize=1024)
def _limits(line: Line, time: str) -> tuple[Limit, ...]:
    """The limits that speak of a line's dose over a day or the course."""
    if line.dose is None or not line.basis:
        return ()
    return tuple(limit for limit in limits_of(line) if (bound := limit.hard or limit.usual) and bound.time == time and speaks(limit, line))


def _days(state: State, line: Line, basis: Decimal) -> Iterator[Finding]:
    """The sum of each day on which more was given than planned."""
    limits = _limits(line, "day")
    given_more = partial(_more_than_planned, state, state.lanes[line.id], line.drug.unit)
    for day, given in state.lanes[line.id].done.once(("more", state.inputs.calendar, line.drug.unit), given_more).items() if limits else ():
        value = _decimal(given) / basis
        for limit in limits if value > total(line, "day") else ():
            yield from _judged(line, limit, value, f"{line.id}.day{day:+d}", f"given on day {day:+d}:")


def _more_than_planned(state: State, lane: Lane, unit: str) -> dict[int, Fraction]:
    """By day, what was given where any dose of that day was not planned, or not so high."""
    high = {day_of(one.seconds, state.when) for one in lane.given if one.extra or (one.amount and one.planned.amount and one.amount != one.planned.amount)}
    sums = dict.fromkeys(sorted(high), Fraction(0))
    for one in lane.given if high else ():
        if one.amount and (day := day_of(one.seconds, state.when)) in sums:
            sums[day] += in_unit(*one.amount, unit)
    return sums


def _judged(line: Line, limit: Limit, value: Decimal, key: str, words: str, unfinished: bool = False) -> Iterator[Finding]:
    judged = judge_value(limit, line, value, unfinished)
    if judged.verdict:
        level: Level = "block" if judged.verdict == "hard" and key.endswith(".sum") else "query"
        yield Finding(key, "course.sum", level, f"{words} {judged.rounded(4).dose}, outside {judged.bounds} (seen: {limit.seen}).", line.id, limit.source)


def per_basis(amount: Amount, line: Line, case: Case) -> Decimal:
    """A total in the drug's unit per kg or m2 of the patient as weighed now."""
    return amount.decimal * exact(amount.unit, line.drug.unit) / _basis(line, case)


def _basis(line: Line, case: Case) -> Decimal:
    return Decimal(str(float(case.doses[line.id].basis[0])))
