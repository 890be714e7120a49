"""The second calculation of a course: amounts from the order's own text, starts from each segment's text, sums again.

What `dosing.second` is fed here is canonical text only; nothing of the first calculation but the result is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from dosing import forms, second
from dosing.course.state import Segment, State
from dosing.engine.dose import Reading
from dosing.engine.settle import Line
from dosing.errors import Disagreement, Fault
from dosing.planning.verify import DO
from dosing.schedule import Total

SIZES = {"mcg": Fraction(1, 1000), "mg": Fraction(1), "g": Fraction(1000)}
Places = dict[int, tuple[int, float | None]]


def confirm(state: State, lines: Iterable[Line], person: second.Person, held: set[str], readings: Mapping[str, Reading], calculated: Mapping[str, float]) -> int:
    """Calculate every dose that is left again and compare; gives their number.

    `calculated` are the unrounded doses of the first calculation in the unit of `readings`. Raises `Disagreement` (E01).
    """
    ours: list[tuple[str, int, int, float | None, float, str]] = []
    theirs: list[second.Result] = []
    for line in lines:
        told = readings.get(line.id)
        if told is None or not state.lanes[line.id].rest:
            continue
        dose = _second(lambda line=line, told=told: _amounts(line, told, person))
        theirs += [second.Result(line.id, number, *place, *dose) for number, place in _places(state, line).items()]
        amount = second.HELD if line.id in held else told.amount
        ours += [(line.id, number, slot.day, slot.seconds, calculated[line.id], amount) for number, slot in state.starts(line.id).items()]
    _agree(second.differences(ours, theirs))
    return len(theirs)


def confirm_numbers(state: State, lines: Iterable[Line]) -> None:
    """Count the doses once more, from the order's text: none twice, and none more than ordered and made up (E01)."""
    found = []
    for line in lines:
        lane = state.lanes[line.id]
        numbers = [*(one.number for one in lane.done), *lane.left]
        found += [f"{line.id}#{number} stands twice" for number in sorted({one for one in numbers if numbers.count(one) > 1})]
        made_up = sum((kind, order, name) == ("miss", line.id, "append") for kind, order, name, *_ in state.told)
        count = len(lane.given) + len(lane.left)
        if lane.left and lane.done and count > _ordered(line) + made_up:
            found.append(f"{line.id}: {count} doses given and left, {_ordered(line)} ordered")
    _agree(found)


@lru_cache(maxsize=4096)
def _ordered(line: Line) -> int:
    """How many doses the order's text makes on a calendar without clock changes."""
    days = tuple(day + line.rhythm.event_day for day in line.rhythm.days)
    if line.rhythm.event:
        return len(days)
    runs = [day for day in days if day - 1 not in days]
    parts = [tuple(day for day in days if first <= day and set(range(first, day)) <= set(days)) for first in runs] if line.rhythm.every else [days]
    return sum(len(_starts(_bare(line, part, at=_clock(line), every=_every(line)), second.When())) for part in parts)


def _agree(different: list[str]) -> None:
    if different:
        raise Disagreement(*(Fault("E01", f"the two calculations differ: {text}", DO, "second calculation") for text in different))


def _second(work: Any) -> Any:
    try:
        return work()
    except ValueError as error:
        raise Disagreement(Fault("E01", f"the second calculation cannot read the plan: {error}", DO, "second calculation")) from None


@lru_cache(maxsize=4096)
def _amounts(line: Line, told: Reading, person: second.Person) -> tuple[Fraction, Fraction]:
    """One administration of an order before and after rounding, from the order's text as the regimen states it."""
    rhythm, every = line.rhythm, _every(line)
    text = second.Line(
        line.id, str(line.dose), told.unit, told.step, tuple(day + rhythm.event_day for day in rhythm.days), at=_clock(line), every=every,
        event=rhythm.event, weight=line.weight, cap=_cap(line, told.unit),
    )  # fmt: skip
    row = second.recalculate([text], person, second.When())[0]
    return row.calculated, row.amount


def _every(line: Line) -> str:
    return forms.plain(line.dose.every) if line.rhythm.every and line.dose and line.dose.every else ""


def _clock(line: Line) -> tuple[str, ...]:
    return () if line.rhythm.every or line.rhythm.event else tuple(forms.say_time(minutes) for minutes in line.rhythm.clock)


def _cap(line: Line, unit: str) -> str:
    """The stated maximum of one administration as a number in a unit; empty where none is stated."""
    if not line.order.max:
        return ""
    factor = SIZES.get(line.order.max.unit, Fraction(1)) / SIZES.get(unit, Fraction(1))
    return forms.plain(line.order.max.value * factor.numerator / factor.denominator)


def _places(state: State, line: Line) -> Places:
    """Day and start of each dose that is left, by number, from its segment's text."""
    found: Places = {}
    when = second.When(state.when.day0.isoformat() if state.when.day0 else "", state.zone, state.when.times)
    for part in state.lanes[line.id].rest:
        found |= _second(lambda part=part: _segment(part, line, when))
    return found


def _segment(part: Segment, line: Line, when: second.When) -> Places:
    if part.kind == "grid":
        return _grid(part, line, when)
    zero, every = date.fromisoformat(when.day0).toordinal(), _every(line)
    walls = [(date.fromisoformat(text[:10]).toordinal() - zero, text[11:]) for text in part.walls]
    if part.kind == "dates":
        rows = [_starts(_bare(line, (day,), at=(clock,)), when)[0] for day, clock in walls]
        return dict(zip(part.numbers, rows, strict=True))
    (day, clock), count = walls[0], len(part.numbers)
    days = tuple(range(day, day + -(-count * line.rhythm.every // 1440)))
    text = _bare(line, days, every=every, first=clock)._replace(dose=f"1 mg/dose every {every} h x {count} doses")
    return dict(zip(part.numbers, _starts(text, when), strict=True))


def _grid(part: Segment, line: Line, when: second.When) -> Places:
    """The regimen's own places; of an order by the clock only the days asked for, so that no other day is read."""
    rhythm, every, clock = line.rhythm, _every(line), _clock(line)
    days = tuple(day + rhythm.event_day for day in rhythm.days)
    if clock:
        asked = sorted({(number - 1) // len(clock) for number in part.numbers})
        rows = _starts(_bare(line, tuple(days[at] for at in asked), at=clock), when)
        known = {at * len(clock) + turn + 1: rows[row * len(clock) + turn] for row, at in enumerate(asked) for turn in range(len(clock))}
        return {number: known[number] for number in part.numbers}
    first = dict(when.times).get(line.id) or forms.say_time(rhythm.clock[0]) if every else ""
    rows = _starts(_bare(line, days, every=every, first=first, event=rhythm.event, offset=rhythm.offset), when)
    return {number: rows[number - 1] for number in part.numbers}


def _bare(line: Line, days: tuple[int, ...], **more: Any) -> second.Line:
    """A line of the same times with a dose of 1 mg, of which only the starts are read."""
    return second.Line(line.id, "1 mg/dose", "mg", "", days, **more)


@lru_cache(maxsize=8192)
def _starts(text: second.Line, when: second.When) -> tuple[tuple[int, float | None], ...]:
    return tuple((row.day, row.start) for row in second.recalculate([text], second.Person(""), when))


def confirm_totals(state: State, totals: Iterable[Total], held: set[str], units: Mapping[str, str]) -> None:
    """Add what was given and what is left once more in whole fractions; `Disagreement` (E01) where a total differs.

    `units` are the units of the totals by order.
    """
    found = []
    for total in totals:
        if total.given is None or total.amount is None:
            continue
        given = sum((in_unit(one.amount, units[total.order]) for one in state.lanes[total.order].given if one.amount), Fraction(0))
        planned = Fraction(total.planned.value) if total.planned else Fraction(0)
        if Fraction(total.given.value) != given or Fraction(total.amount.value) != given + planned:
            found.append(f"{total.order}: total {total.amount} and {float(given + planned):.15g}")
    _agree(found)


@lru_cache(maxsize=4096)
def in_unit(amount: tuple[str, str], unit: str) -> Fraction:
    """An amount as a fraction in another unit of mass; the same number where the units are one."""
    return Fraction(amount[0]) if amount[1] == unit else Fraction(amount[0]) * SIZES[amount[1]] / SIZES[unit]
