"""The second calculation: every dose and every start again, from canonical texts, by other code.

Nothing here comes from the rest of the package but `second_body`, its own half. Amounts are exact fractions, days are calendar days in the zone.
A text that cannot be read, or a clock time that does not exist, is a `ValueError` that names the order.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from fractions import Fraction
from functools import lru_cache
from math import isclose
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from dosing.second_body import Person, Size, band, packed
from dosing.second_body import number as _number
from dosing.second_body import size as size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Clock = tuple[tzinfo, int, dict[str, str], bool]  # zone, ordinal of day 0, events, whether day 0 is known
    Start = tuple[int, float | None]

HELD = "held"
_DAY = 86_400
_NOMINAL = date(2001, 1, 1).toordinal()
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
_IS_NUMBER = re.compile(_NUMBER)
_IS_WALL = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?: (first|second))?")
_IS_DOSE = re.compile(
    rf"({_NUMBER}) ([A-Za-z]+)(?:/(m2|kg))?(?:/(dose|day|course))?(?: every ({_NUMBER}) h)?"
    r"(?: (once|twice|three times|four times) daily)?(?: x ([0-9]+) (doses?|days?))?"
)
_TIMES = {"once": 1, "twice": 2, "three times": 3, "four times": 4}
_UNITS = {  # kind, size in the kind's own unit; AUC stands for the mg that Calvert gives
    "mcg": ("mass", Fraction(1, 1000)), "mg": ("mass", Fraction(1)), "g": ("mass", Fraction(1000)),
    "AUC": ("mass", Fraction(1)), "cells": ("cells", Fraction(1)), "units": ("units", Fraction(1)),
    "cGy": ("radiation", Fraction(1, 100)), "Gy": ("radiation", Fraction(1)),
}  # fmt: skip


class Line(NamedTuple):
    """One order as canonical text: `dose` as printed, `unit` and `step` of the amount, `offset` in minutes.

    A line that hangs on other orders carries them as `anchors`, with the minutes each runs where it counts from their
    end, and `which` of their doses it counts from; `run` are the days that an interval fills which hangs on something.
    """

    order: str
    dose: str
    unit: str
    step: str
    days: tuple[int, ...]
    at: tuple[str, ...] = ()
    every: str = ""
    first: str = ""
    event: str = ""
    offset: int = 0
    weight: str = "actual"
    factors: tuple[str, ...] = ()
    cap: str = ""
    bsa_max: str = ""
    bands: tuple[tuple[str, str], ...] = ()
    limit: str = ""
    packs: str = ""
    anchors: tuple[Line, ...] = ()
    lengths: tuple[int, ...] = ()
    which: str = ""
    run: tuple[int, ...] = ()


class When(NamedTuple):
    """Day 0 as an ISO date, the IANA zone, and the clock times of the events of day 0."""

    day0: str = ""
    zone: str = ""
    times: tuple[tuple[str, str], ...] = ()


class Result(NamedTuple):
    """One administration: `start` in POSIX seconds or None, amounts in the order's unit before and after rounding."""

    order: str
    number: int
    day: int
    start: float | None
    calculated: Fraction
    amount: Fraction


class _Order(NamedTuple):
    rate: Fraction  # amount of one administration for each unit of size
    printed: Fraction  # the number of the dose in the unit of the amount
    size: Size
    gap: int  # seconds between doses
    doses: int


def recalculate(lines: Sequence[Line], person: Person, when: When) -> list[Result]:
    """Give every administration of the lines, in their order, numbered from 1 in each; ValueError names the order."""
    sizes: dict[Size, Fraction] = {}
    results: list[Result] = []
    for line in lines:
        try:
            order = _read_line(line)
            if order.size not in sizes:
                sizes[order.size] = size_of(order.size, person)
            calculated, amount = _amounts(line, order, sizes[order.size], person)
            results += [Result(line.order, number, day, start, calculated, amount) for number, day, start in _places(line, when)]
        except ValueError as error:
            raise ValueError(f"{line.order}: {error}") from error
    return results


@lru_cache(maxsize=1024)
def _wall(text: str) -> tuple[time, time, int | None]:
    found = _IS_WALL.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a clock time; write it like 09:00")
    hour, minute = int(found[1]), int(found[2])
    stated = {None: None, "first": 0, "second": 1}[found[3]]
    return time(hour, minute), time(hour, minute, fold=1), stated


@lru_cache(maxsize=2048)
def _read_line(line: Line) -> _Order:
    found = _IS_DOSE.fullmatch(line.dose)
    if not found:
        raise ValueError(f"dose {line.dose!r} is not canonical text; write it like 30 mg/m2/day")
    value, unit, basis, period, every, times, stated, of = found.groups(default="")
    gap = _gap(line, every)
    daily = Fraction(_DAY, gap) if gap else Fraction(len(line.at) or 1)
    if (times and _TIMES[times] != daily) or (of.startswith("day") and int(stated) != len(line.days)):
        raise ValueError(f"dose {line.dose!r} does not fit {daily} doses on each of {len(line.days)} days")
    doses = _doses(line, daily, 0 if of.startswith("day") else int(stated or 0), gap)
    rate = printed = _number(value, "dose", True) * _ratio(unit, line.unit)
    if period in ("day", "course"):
        rate /= daily if period == "day" else doses
    for factor in line.factors:
        rate *= _number(factor, "factor", True)
    kind = "gfr" if unit == "AUC" else basis
    size = (kind, line.weight if basis else "", line.bsa_max if basis == "m2" else "")
    return _Order(rate, printed, size, gap, doses)


def _gap(line: Line, every: str) -> int:
    if line.at and (line.every or line.event):
        raise ValueError("the line has two kinds of time; keep one of at, every, event")
    seconds = {_number(text, "interval") * 3600 for text in (line.every, every) if text}
    if len(seconds) > 1 or any(gap.denominator != 1 for gap in seconds):
        raise ValueError(f"every {line.every or every} h is not the dose's interval, or no whole number of seconds")
    return 0 if line.at or not seconds else seconds.pop().numerator


def _doses(line: Line, daily: Fraction, stated: int, gap: int) -> int:
    days = line.run or line.days
    planned = len(days) * daily
    doses = stated or planned
    fits = doses <= planned if gap else doses == planned
    holes = gap and any(day != days[0] + place for place, day in enumerate(days))
    if not doses or not fits or holes or int(doses) != doses or (gap and line.event and len(line.days) > 1):
        raise ValueError(f"{doses} doses, {daily} a day, do not fit the days {line.days}; state days that fit")
    return int(doses)


def _ratio(given: str, wanted: str) -> Fraction:
    (kind, size), (other, part) = (_UNITS.get(unit, (unit, Fraction(1))) for unit in (given, wanted))
    if kind != other or wanted == "AUC":
        raise ValueError(f"no way from {given} to {wanted}; state the amount in a unit of the same kind")
    return size / part


def _amounts(line: Line, order: _Order, size: Fraction, person: Person) -> tuple[Fraction, Fraction]:
    """One administration before and after rounding: table, maximum, whole vials or standard dose, step, limit."""
    calculated = order.rate * size
    if line.bands:
        calculated *= _band(line, order, person)
    cap = _number(line.cap, "cap") if line.cap else None
    calculated = calculated if cap is None else min(calculated, cap)
    if line.packs and (found := packed(calculated, cap, line.packs)) is not None:
        return calculated, found
    if not line.step:
        return calculated, calculated
    (step, part), (top, bottom) = _number(line.step, "step").as_integer_ratio(), calculated.as_integer_ratio()
    unit = bottom * step
    count = (2 * top * part + unit) // (2 * unit)  # half away from zero; no value here is negative
    amount = Fraction(count * step, part)
    if cap is not None and amount > cap:
        amount -= _number(line.step, "step")
    if line.limit and count < _few(line.limit) and (not count or abs(amount - calculated) * 100 > _number(line.limit, "limit") * calculated):
        return calculated, calculated  # the exact dose is kept where rounding would change it by more
    return calculated, amount


@lru_cache(maxsize=64)
def _few(limit: str) -> int:
    """How many steps a dose must have at least, so that a step less cannot pass the limit."""
    return int(100 / _number(limit, "limit")) + 2


def _band(line: Line, order: _Order, person: Person) -> Fraction:
    """What the line's table leaves of its dose, or the dose it puts in its place as a multiple of the printed one."""
    value, _, unit = band(line.bands, person).partition(" ")
    told = _number(value, "band")
    return told * _ratio(unit, line.unit) / order.printed if unit else told


@lru_cache(maxsize=4096)
def _places(line: Line, when: When) -> tuple[tuple[int, int, float | None], ...]:
    """Number, day and start of every administration; the same for every patient."""
    starts = enumerate(_starts(line, _read_line(line), _read_clock(when)), 1)
    return tuple((number, day, start if when.day0 else None) for number, (day, start) in starts)


@lru_cache(maxsize=256)
def _read_clock(when: When) -> Clock:
    if not when.day0:
        return UTC, _NOMINAL, dict(when.times), False
    try:
        day0, zone = date.fromisoformat(when.day0), ZoneInfo(when.zone)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"day 0 {when.day0!r} in {when.zone!r}: give YYYY-MM-DD and an IANA zone") from error
    return zone, day0.toordinal(), dict(when.times), True


def _starts(line: Line, order: _Order, clock: Clock) -> list[Start]:
    """Days and starts; where no day 0 is known, on a calendar without clock changes."""
    zone, day0, events, dated = clock
    if line.at:
        return [(day, _instant(zone, day0 + day, text, 0)) for day in line.days for text in line.at]
    if not line.event and not order.gap:
        return [(day, None) for day in line.days]
    begins = [_later(moment, line.offset, zone, day0) for moment in _moments(line, clock)] if line.event else [_first(line, clock)]
    if order.gap:
        begins = [_later(begins[0], place * order.gap // 60, zone, day0) for place in range(order.doses)]
    return begins


def _first(line: Line, clock: Clock) -> Start:
    """The first dose of an interval with an hour of its own."""
    zone, day0, _, dated = clock
    if not line.first and dated:
        raise ValueError("the hour of the first dose is missing; give it")
    return line.days[0], _instant(zone, day0 + line.days[0], line.first or "00:00", None)


def _moments(line: Line, clock: Clock) -> list[Start]:
    """What a line counts from: the hour of an event on each of its days, or the doses of the orders it hangs on."""
    zone, day0, events, dated = clock
    if line.anchors:
        ends = [_later(start, minutes, zone, day0) for anchor, minutes in zip(line.anchors, line.lengths or (0,) * len(line.anchors), strict=True)
                for start in _starts(anchor, _read_line(anchor), clock)]  # fmt: skip
        ends.sort(key=lambda end: (end[0], end[1] or 0.0))
        return {"first": ends[:1], "last": ends[-1:]}.get(line.which, ends)
    text = events.get(line.event, "") or line.first
    if not text and dated:
        raise ValueError(f"the hour of {line.event} is missing; give it")
    return [(day, _instant(zone, day0 + day, text, None) if text else None) for day in line.days]


def _later(start: Start, minutes: int, zone: tzinfo, day0: int) -> Start:
    """A start some minutes later; without an hour only whole days move it."""
    day, seconds = start
    if seconds is None:
        return day + (minutes // 1440 if minutes > 0 else -(-minutes // 1440)), None
    return datetime.fromtimestamp(seconds + minutes * 60, zone).toordinal() - day0, seconds + minutes * 60


@lru_cache(maxsize=8192)
def _instant(zone: tzinfo, ordinal: int, text: str, unstated: int | None) -> float:
    """POSIX seconds of a wall time; its two folds (PEP 495) differ only where clocks go back or forward."""
    early_wall, late_wall, stated = _wall(text)
    on = date.fromordinal(ordinal)
    early = datetime.combine(on, early_wall, zone).timestamp()
    late = datetime.combine(on, late_wall, zone).timestamp()
    if early == late:
        return early
    if early > late:
        raise ValueError(f"{text} does not exist on {on} in {zone}; choose another time")
    fold = unstated if stated is None else stated
    if fold is None:
        raise ValueError(f"{text} is doubled on {on} in {zone}; add first or second")
    return late if fold else early


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
    for order, number, day, start, calculated, amount in ours:
        row = second.pop((order, number), None)
        if row is None:
            found.append(f"{order}#{number}: twice, or not in the second calculation")
            continue
        moved = [] if day == row.day and start == row.start else _other_start(day, start, row)
        told = moved + _other_dose(calculated, amount, row)
        found += [f"{order}#{number}: {text}" for text in told]
    return found + [f"{order}#{number}: only in the second calculation" for order, number in second]


def _other_start(day: int, start: float | None, row: Result) -> list[str]:
    told = [] if day == row.day else [f"day {day} and {row.day}"]
    if start is None or row.start is None:
        return told if start is row.start else [*told, "start in one calculation only"]
    return told if start == row.start else [*told, f"start {abs(start - row.start) / 60:g} min apart"]


def _other_dose(calculated: float, amount: str, row: Result) -> list[str]:
    told = []
    if not isclose(calculated, row.calculated, rel_tol=1e-9):
        told.append(f"calculated {calculated:.15g} and {float(row.calculated):.15g}")
    if amount != HELD and not (_IS_NUMBER.fullmatch(amount) and _same(_number(amount, "amount", True), row)):
        told.append(f"amount {amount or 'nothing'} and {float(row.amount):.15g}")
    return told


def _same(told: Fraction, row: Result) -> bool:
    """Equal; a dose no step was used on may have no end as a decimal and is told in twelve digits."""
    return told == row.amount or (row.amount == row.calculated and isclose(told, row.amount, rel_tol=6e-12))
