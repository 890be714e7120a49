"""One order read from its text, and the amount of one of its administrations before and after rounding."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from dosing.second.body import Person, Size, band
from dosing.second.levels import rate as rate_of
from dosing.second.line import Line
from dosing.second.numbers import NUMBER, number, ratio

DAY = 86_400
_IS_DOSE = re.compile(
    rf"({NUMBER}) ([A-Za-z]+)(?:/(m2|kg))?(?:/(dose|day|course))?(?: every ({NUMBER}) h)?"
    r"(?: (once|twice|three times|four times) daily)?(?: x ([0-9]+) (doses?|days?))?"
)
_TIMES = {"once": 1, "twice": 2, "three times": 3, "four times": 4}


class Order(NamedTuple):
    """What the text of a line says."""

    rate: Fraction  # amount of one administration for each unit of size
    printed: Fraction  # the number of the dose in the unit of the amount
    size: Size
    gap: int  # seconds between doses
    doses: int
    cap: Fraction | None  # the maximum of one administration in the unit of the amount


@lru_cache(maxsize=2048)
def read_line(line: Line) -> Order:
    """The text of a line, read; `ValueError` where it is not canonical or does not fit its days and hours."""
    found = _IS_DOSE.fullmatch(line.dose)
    if not found:
        raise ValueError(f"dose {line.dose!r} is not canonical text; write it like 30 mg/m2/day")
    value, unit, basis, period, every, times, stated, of = found.groups(default="")
    gap = _gap(line, every)
    daily = Fraction(DAY, gap) if gap else Fraction(len(line.at) or 1)
    if (times and _TIMES[times] != daily) or (of.startswith("day") and int(stated) != len(line.days)):
        raise ValueError(f"dose {line.dose!r} does not fit {daily} doses on each of {len(line.days)} days")
    doses = _doses(line, daily, 0 if of.startswith("day") else int(stated or 0), gap)
    rate = printed = rate_of(line.level, line.unit) if line.level else number(value, "dose", True) * ratio(unit, line.unit)
    if period in ("day", "course"):
        rate /= daily if period == "day" else doses
    for factor in line.factors:
        rate *= number(factor, "factor", True)
    kind = "gfr" if unit == "AUC" else basis
    size = (kind, line.weight if basis else "", line.bsa_max if basis == "m2" else "")
    return Order(rate, printed, size, gap, doses, _cap(line))


def _cap(line: Line) -> Fraction | None:
    value, _, unit = line.cap.partition(" ")
    return number(value, "cap") * ratio(unit, line.unit) if line.cap else None


def _gap(line: Line, every: str) -> int:
    if line.at and (line.every or line.event):
        raise ValueError("the line has two kinds of time; keep one of at, every, event")
    seconds = {number(text, "interval") * 3600 for text in (line.every, every) if text}
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


def amounts(line: Line, order: Order, size: Fraction, person: Person) -> tuple[Fraction, Fraction]:
    """One administration before and after rounding: table, maximum, whole vials or standard dose, step, limit."""
    calculated = order.rate * size
    if line.bands:
        calculated *= _band(line, order, person)
    cap = order.cap
    calculated = calculated if cap is None else min(calculated, cap)
    if line.packs and (found := packed(calculated, cap, line.packs)) is not None:
        return calculated, found
    if not line.step:
        return calculated, calculated
    (step, part), (top, bottom) = number(line.step, "step").as_integer_ratio(), calculated.as_integer_ratio()
    unit = bottom * step
    count = (2 * top * part + unit) // (2 * unit)  # half away from zero; no value here is negative
    amount = Fraction(count * step, part)
    if cap is not None and amount > cap:
        amount -= number(line.step, "step")
    if line.limit and count < _few(line.limit) and (not count or abs(amount - calculated) * 100 > number(line.limit, "limit") * calculated):
        return calculated, calculated  # the exact dose is kept where rounding would change it by more
    return calculated, amount


@lru_cache(maxsize=64)
def _few(limit: str) -> int:
    """How many steps a dose must have at least, so that a step less cannot pass the limit."""
    return int(100 / number(limit, "limit")) + 2


def _band(line: Line, order: Order, person: Person) -> Fraction:
    """What the line's table leaves of its dose, or the dose it puts in its place as a multiple of the printed one."""
    value, _, unit = band(line.bands, person).partition(" ")
    told = number(value, "band")
    return told * ratio(unit, line.unit) / order.printed if unit else told


def packed(value: Fraction, most: Fraction | None, text: str) -> Fraction | None:
    """The whole vials or the standard dose nearest to a dose, where it is inside the limit; None for neither.

    `text` is `vial 10 50` or `band 6 40 50 60`: the limit in per cent, then the vial or the doses, ascending.
    """
    kind, limit, *sizes = text.split()
    doses = [number(size, "pack") for size in sizes]
    if kind == "vial":
        whole = int(value / doses[0] + Fraction(1, 2))
        found = min(whole, int(most / doses[0]) if most is not None else whole) * doses[0]
    else:
        fitting = [dose for dose in doses if most is None or dose <= most]
        above = sum(value * value >= low * high for low, high in zip(fitting, fitting[1:], strict=False))
        found = fitting[above] if fitting else Fraction(0)
    return found if found and abs(found - value) * 100 <= number(limit, "limit") * value else None
