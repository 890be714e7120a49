"""The second calculation: every dose and every start again, from canonical texts, by other code.

Nothing here comes from the rest of the package. Amounts are exact fractions, days are calendar days in the zone.
A text that cannot be read, or a clock time that does not exist, is a `ValueError` that names the order.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from fractions import Fraction
from functools import lru_cache
from math import isclose, isqrt, log10, pow
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

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
_IDEAL = {  # kg at a height in cm, that height, kg per cm
    "devine M": (Fraction(50), Fraction(762, 5), Fraction(115, 127)),  # Devine 1974, linear below 60 in too
    "devine F": (Fraction(91, 2), Fraction(762, 5), Fraction(115, 127)),
    "robinson M": (Fraction(52), Fraction(762, 5), Fraction(95, 127)),  # Am J Hosp Pharm 1983;40:1016
    "robinson F": (Fraction(49), Fraction(762, 5), Fraction(85, 127)),
    "miller M": (Fraction(281, 5), Fraction(762, 5), Fraction(141, 254)),  # Am J Hosp Pharm 1983;40:1622
    "miller F": (Fraction(531, 10), Fraction(762, 5), Fraction(68, 127)),
    "busulfan-label M": (Fraction(50), Fraction(152), Fraction(91, 100)),  # US busulfan label 2.1
    "busulfan-label F": (Fraction(45), Fraction(152), Fraction(91, 100)),
}
_PERCENT = {"lower": 0, "adjusted25": 25, "adjusted40": 40, "adjusted50": 50}  # of what actual has above ideal
_BSA = {  # factor, power of cm, power of kg
    "dubois": (0.007184, 0.725, 0.425),  # Arch Intern Med 1916;17:863
    "haycock": (0.024265, 0.3964, 0.5378),  # J Pediatr 1978;93:62
    "gehan-george": (0.0235, 0.42246, 0.51456),  # Cancer Chemother Rep 1970;54:225
    "fujimoto": (0.008883, 0.663, 0.444),  # Nippon Eiseigaku Zasshi 1968;23:443
    "takahira": (0.007241, 0.725, 0.425),  # 1925
    "shuter-aslani": (0.00949, 0.655, 0.441),  # Eur J Appl Physiol 2000;82:250
    "schlich M": (0.000579479, 1.24, 0.38), "schlich F": (0.000975482, 1.08, 0.46),  # Ern Umschau 2010;57:178
    "livingston-lee": (0.1173, 0.0, 0.6466), "below 10 kg": (0.1037, 0.0, 0.6724),  # Am J Physiol 2001;281:E586
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
    anchors: tuple[Line, ...] = ()
    lengths: tuple[int, ...] = ()
    which: str = ""
    run: tuple[int, ...] = ()


class Person(NamedTuple):
    """Body of one patient as text: kg, cm, "F" or "M", mL/min, with the conventions for BSA and derived weights."""

    weight: str
    height: str = ""
    sex: str = ""
    gfr: str = ""
    bsa_formula: str = "mosteller"
    bsa_step: str = "0.01"
    bsa_floor: str = "0.5"
    weight_step: str = "0.1"
    bsa_weight: str = "actual"


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
    size: str
    gap: int  # seconds between doses
    doses: int


def recalculate(lines: Sequence[Line], person: Person, when: When) -> list[Result]:
    """Give every administration of the lines, in their order, numbered from 1 in each; ValueError names the order."""
    sizes = {"": Fraction(1)}
    results: list[Result] = []
    for line in lines:
        try:
            order = _read_line(line)
            if order.size not in sizes:
                sizes[order.size] = _size(order.size, person)
            calculated, amount = _amounts(line, order.rate * sizes[order.size])
            results += [Result(line.order, number, day, start, calculated, amount) for number, day, start in _places(line, when)]
        except ValueError as error:
            raise ValueError(f"{line.order}: {error}") from error
    return results


@lru_cache(maxsize=4096)
def _number(text: str, name: str, zero: bool = False) -> Fraction:
    if not _IS_NUMBER.fullmatch(text) or not (zero or Fraction(text)):
        raise ValueError(f"{name} {text!r} is not a plain number above zero; write digits with a point")
    return Fraction(text)


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
    rate = _number(value, "dose", True) * _ratio(unit, line.unit)
    if period in ("day", "course"):
        rate /= daily if period == "day" else doses
    for factor in line.factors:
        rate *= _number(factor, "factor", True)
    size = "gfr" if unit == "AUC" else {"": "", "m2": "m2", "kg": line.weight}[basis]
    return _Order(rate, size, gap, doses)


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


def _size(name: str, person: Person) -> Fraction:
    if name == "gfr":
        return _number(person.gfr, "GFR", True) + 25  # Calvert 1989: mg = AUC x (GFR + 25)
    return _bsa(person) if name == "m2" else _weight(name, person)


def _weight(name: str, person: Person) -> Fraction:
    actual = _number(person.weight, "weight")
    if name == "actual":
        return actual
    kind, _, formula = name.partition(".")
    formula = f"{formula} {person.sex}"
    if formula not in _IDEAL or kind not in ("ideal", *_PERCENT):
        raise ValueError(f"no weight {name!r} for sex {person.sex!r}; use actual, ideal.devine, adjusted40.devine ...")
    base, height, slope = _IDEAL[formula]
    ideal = base + slope * (_number(person.height, "height") - height)
    if ideal <= 0:
        raise ValueError("the ideal weight is not above zero at this height; use another weight")
    if kind == "ideal":
        return _stepped(ideal, person.weight_step)
    if actual <= ideal:
        return actual
    adjusted = _stepped(ideal + (actual - ideal) * _PERCENT[kind] / 100, person.weight_step)
    return min(actual, adjusted)  # rounding must not lift it above the scales


def _bsa(person: Person) -> Fraction:
    weight = _weight(person.bsa_weight, person)
    floor = _number(person.bsa_floor, "BSA floor", True) if person.bsa_floor else 0
    if person.bsa_formula != "mosteller":
        value = Fraction(_power_bsa(person, float(weight)))
        return value if value < floor else _stepped(value, person.bsa_step)
    # Mosteller 1987, sqrt(cm x kg / 3600), by integer roots so that no tie is lost to a float.
    (cm, cm_part), (kg, kg_part) = _number(person.height, "height").as_integer_ratio(), weight.as_integer_ratio()
    (low, low_part), top, bottom = floor.as_integer_ratio(), cm * kg, cm_part * kg_part * 3600
    if not person.bsa_step or top * low_part**2 < bottom * low**2:
        return Fraction(isqrt(top * bottom * 10**48), bottom * 10**24)  # exact where the root is rational
    step, part = _number(person.bsa_step, "BSA step").as_integer_ratio()
    halves = isqrt(4 * top * part**2 // (bottom * step**2))
    return Fraction((halves + 1) // 2 * step, part)


def _power_bsa(person: Person, kg: float) -> float:
    name = person.bsa_formula
    if name == "boyd":  # Univ Minnesota Press 1935, gram form
        power = 0.7285 - 0.0188 * log10(kg * 1000)
        return 0.0003207 * pow(_number(person.height, "height"), 0.3) * pow(kg * 1000, power)
    if name == "schlich":
        name = f"schlich {person.sex}"
    elif name == "livingston-lee" and kg < 10:
        name = "below 10 kg"
    if name not in _BSA:
        raise ValueError(f"no BSA formula is called {name!r}; use mosteller, boyd, schlich, dubois or haycock")
    factor, by_height, by_weight = _BSA[name]
    cm = _number(person.height, "height") if by_height else 1
    return factor * pow(cm, by_height) * pow(kg, by_weight)


def _amounts(line: Line, calculated: Fraction) -> tuple[Fraction, Fraction]:
    if not line.cap:
        return calculated, _stepped(calculated, line.step)
    cap = _number(line.cap, "cap")
    calculated = min(calculated, cap)
    amount = _stepped(calculated, line.step)
    return calculated, amount if amount <= cap else amount - _number(line.step, "step")


def _stepped(value: Fraction, text: str) -> Fraction:
    """Half away from zero; no value here is negative."""
    if not text:
        return value
    (step, part), (top, bottom) = _number(text, "step").as_integer_ratio(), value.as_integer_ratio()
    unit = bottom * step
    return Fraction((2 * top * part + unit) // (2 * unit) * step, part)


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
