"""The second calculation of a course: amounts from the order's own text, starts from each segment's text, sums again.

What `dosing.second` is fed here is canonical text only, of a dose by level the amount, the level and the target; nothing of the first calculation but the result is compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from dosing import forms, second
from dosing.course.places import wall_text
from dosing.course.state import Lane, Segment, State
from dosing.engine.dose import Reading
from dosing.engine.settle import Line
from dosing.patient import When
from dosing.planning.verify import agree, counted, dose_text, says, timed, when_text
from dosing.schedule import Total

Places = dict[int, tuple[int, float | None]]


def confirm(state: State, lines: Iterable[Line], person: second.Person, held: set[str], readings: Mapping[str, Reading], calculated: Mapping[str, float], limit: Decimal) -> int:
    """Calculate every dose that is left again and compare; gives their number.

    `calculated` are the unrounded doses of the first calculation in the unit of `readings`. Raises `Disagreement` (E01).
    """
    asked: dict[Line, Any] = {}
    count = 0
    for line in (line for line in lines if line.id in readings and state.lanes[line.id].rest):
        lane, hung = state.lanes[line.id], tuple(wall_text(at, state.zone) for at in state.hung(line))
        lane.once(("placed", line, state.inputs.calendar, hung), partial(_prove_places, state, line, hung))  # what did not change is not done again
        key = ("dosed", line, readings[line.id], person, line.id in held, calculated[line.id], limit)
        if key not in lane.kept:
            asked[line] = key
        count += len(lane.left)
    doses = says(lambda: _amounts([(line, readings[line.id], _level(state, line)) for line in asked], person, limit))
    ours = [(line.id, 1, 0, None, calculated[line.id], second.HELD if line.id in held else readings[line.id].amount) for line in asked]
    agree(second.differences(ours, [second.Result(line.id, 1, 0, None, *doses[line.id]) for line in asked]))
    for line, key in asked.items():
        state.lanes[line.id].once(key, bool)
    return count


def _prove_places(state: State, line: Line, hung: tuple[str, ...]) -> bool:
    """Compare number, day and start of every dose left of an order with the second calculation of them."""
    places = says(lambda: _of_rest(state.lanes[line.id].rest, line, when_text(state.when), hung))
    one = Fraction(1)
    ours = [(line.id, number, slot.day, slot.seconds, 1.0, second.HELD) for number, slot in state.starts(line.id).items()]
    agree(second.differences(ours, [second.Result(line.id, number, day, start, one, one) for number, (day, start) in places.items()]))
    return True


def _amounts(lines: list[tuple[Line, Reading, second.Level | None]], person: second.Person, limit: Decimal) -> dict[str, tuple[Fraction, Fraction]]:
    """One administration of each order before and after rounding, from its text as the regimen states it."""
    rows = second.recalculate([_text(line, told.unit, told.scale, limit, level) for line, told, level in lines], person, second.When())
    return {row.order: (row.calculated, row.amount) for row in reversed(rows)}


def _level(state: State, line: Line) -> second.Level | None:
    """The facts behind a dose that a level gives, the amount given, its level and target; None for a dose that stands as text."""
    set_ = [one for one in state.inputs.changes if one.key == f"{line.id}.dose" and not one.value.endswith("%")]
    return set_[-1].guided.facts if set_ and set_[-1].guided else None


@lru_cache(maxsize=4096)
def _text(line: Line, unit: str, scale: int, limit: Decimal, level: second.Level | None) -> second.Line:
    return timed(line, dose_text(line, unit, scale, limit), When())._replace(level=level)


def confirm_numbers(state: State, lines: Iterable[Line]) -> None:
    """Count the doses once more, from the order's text: none twice, and none more than ordered and made up (E01)."""
    made_up = Counter(one.order for one in state.told if (one.kind, one.name) == ("miss", "append"))
    begun = [(line, state.lanes[line.id]) for line in lines if state.lanes[line.id].done]
    agree([text for line, lane in begun for text in lane.once(("numbers", line, made_up[line.id]), partial(_numbers, lane, line, made_up[line.id]))])


def _numbers(lane: Lane, line: Line, made_up: int) -> list[str]:
    """What is wrong with the numbers of one order's doses; empty where each stands once and none is too many."""
    numbers = [*(one.number for one in lane.done), *lane.left]
    twice = [f"{line.id}#{number} stands twice" for number, times in sorted(Counter(numbers).items()) if times > 1]
    count = sum(not one.extra for one in lane.given) + len(lane.left)
    over = lane.left and count > _ordered(line) + made_up
    return [*twice, *([f"{line.id}: {count} doses given and left, {_ordered(line)} ordered"] if over else [])]


@lru_cache(maxsize=4096)
def _ordered(line: Line) -> int:
    """How many doses the order's text makes on a calendar without clock changes."""
    return len(_starts(timed(line, counted(line.id, line.rhythm), When()), second.When()))


@lru_cache(maxsize=8192)
def _of_rest(rest: tuple[Segment, ...], line: Line, when: second.When, hung: tuple[str, ...]) -> Places:
    found: Places = {}
    for part in rest:
        found |= _hung(part, line, when, hung) if hung and part.kind == "grid" else _segment(part, line, when)
    return found


def _hung(part: Segment, line: Line, when: second.When, hung: tuple[str, ...]) -> Places:
    """The places of doses that hang on what really happened: each moment as an event of its own day and hour."""
    rows: list[tuple[int, float | None]] = []
    for text in hung[:1] if line.rhythm.every else hung:
        day, clock = _day(text, when)
        rows += _starts(_one(line, day, event="moment", offset=line.rhythm.offset), when._replace(times=(("moment", clock),)))
    if line.rhythm.every and rows[0][1] is not None:
        rows = [_on_day(rows[0][1] + turn * line.rhythm.every * 60, when) for turn in range(max(part.numbers))]
    own = _starts(timed(line, counted(line.id, line.rhythm), _of(when)), when)  # where what it hung on is stopped
    return {number: (rows[number - 1] if number <= len(rows) else own[number - 1]) for number in part.numbers}


def _day(text: str, when: second.When) -> tuple[int, str]:
    """The day number and the clock text of a wall time."""
    return date.fromisoformat(text[:10]).toordinal() - date.fromisoformat(when.day0).toordinal(), text[11:]


def _on_day(start: float, when: second.When) -> tuple[int, float | None]:
    return datetime.fromtimestamp(start, ZoneInfo(when.zone)).toordinal() - date.fromisoformat(when.day0).toordinal(), start


def _of(when: second.When) -> When:
    return When(date.fromisoformat(when.day0), when.zone, when.times)


def _segment(part: Segment, line: Line, when: second.When) -> Places:
    if part.kind == "grid":
        return _grid(part, line, when)
    walls = [_day(text, when) for text in part.walls]
    if part.kind == "dates":
        rows = [_starts(_one(line, day, at=(clock,)), when)[0] for day, clock in walls]
        return dict(zip(part.numbers, rows, strict=True))
    (day, clock), count, every = walls[0], len(part.numbers), forms.plain(Decimal(line.rhythm.every) / 60)
    days = tuple(range(day, day + -(-count * line.rhythm.every // 1440)))
    text = second.Line(line.id, f"1 mg/dose every {every} h x {count} doses", "mg", "", days, every=every, first=clock)
    return dict(zip(part.numbers, _starts(text, when), strict=True))


def _grid(part: Segment, line: Line, when: second.When) -> Places:
    """The regimen's own places; of an order by the clock only the days asked for, so that no other day is read."""
    text = timed(line, counted(line.id, line.rhythm), _of(when))
    daily = len(text.at)
    if not daily:
        rows = _starts(text, when)
        return {number: rows[number - 1] for number in part.numbers}
    asked = sorted({(number - 1) // daily for number in part.numbers})
    rows = _starts(text._replace(days=tuple(text.days[at] for at in asked)), when)
    known = {at * daily + turn + 1: rows[row * daily + turn] for row, at in enumerate(asked) for turn in range(daily)}
    return {number: known[number] for number in part.numbers}


def _one(line: Line, day: int, **more: Any) -> second.Line:
    """One dose of 1 mg on one day, of which only the start is read."""
    return second.Line(line.id, "1 mg/dose", "mg", "", (day,), **more)


@lru_cache(maxsize=8192)
def _starts(text: second.Line, when: second.When) -> tuple[tuple[int, float | None], ...]:
    return tuple((row.day, row.start) for row in second.recalculate([text], second.Person(""), when))


def confirm_totals(state: State, totals: Iterable[Total]) -> None:
    """Add what was given and what is left once more in whole fractions; `Disagreement` (E01) where a total differs."""
    agree([text for total in totals if total.given is not None and total.amount is not None
            if (text := state.lanes[total.order].once(("added", total), partial(_added, state.lanes[total.order], total)))])  # fmt: skip


def _added(lane: Lane, total: Total) -> str:
    """How a total differs from its parts; empty where it is their sum."""
    assert total.given and total.amount
    unit = total.calculated.unit
    given = lane.done.once(("added", unit), lambda: says(lambda: sum((_in_unit(one.amount, unit) for one in lane.given if one.amount), Fraction(0))))
    planned = _number(total.planned.value) if total.planned else 0
    if _number(total.given.value) == given and _number(total.amount.value) == given + planned:
        return ""
    return f"{total.order}: total {total.amount} and {float(given + planned):.15g}"


def _number(text: str) -> int | Fraction:
    return int(text) if text.isdigit() else Fraction(text)


@lru_cache(maxsize=4096)
def _in_unit(amount: tuple[str, str], unit: str) -> Fraction:
    """An amount as a fraction in another unit, by the second calculation's own table."""
    return Fraction(amount[0]) * second.ratio(amount[1], unit)
