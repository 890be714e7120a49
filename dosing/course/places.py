"""Where the doses that are left stand in time: on the regimen's grid, at stated walls, or hung on what really happened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dosing import forms
from dosing.course import moment
from dosing.engine.settle import Line, Settled
from dosing.engine.timeline import Slot, local, place, slot, starts
from dosing.patient import When

if TYPE_CHECKING:
    from dosing.course.state import Segment, State


@lru_cache(maxsize=4096)
def count_of(line: Line, when: When) -> int:
    """How many administrations the regimen orders."""
    return len(place(line.rhythm, when))


def left(state: State, order: str) -> dict[int, Slot]:
    """Number to place of the doses that are left of an order, in the order of their segments."""
    line, rest = state.inputs.line(order), state.lanes[order].rest
    if line is None or not rest:
        return {}
    hung = state.hung(line)
    return state.lanes[order].once(("left", state.inputs.calendar, line, hung), lambda: _placed(line, state.when, rest, hung))


@lru_cache(maxsize=8192)
def _placed(line: Line, when: When, rest: tuple[Segment, ...], hung: tuple[int, ...]) -> dict[int, Slot]:
    """The places of segments by the calendar, and by the instants that the order hangs on."""
    found: dict[int, Slot] = {}
    after = dict(enumerate(_after(line, hung), 1)) if hung else {}
    for part in rest:
        grid = _on_grid(line, when, part.numbers) | after if part.kind == "grid" else {}
        found |= {number: slot(seconds, when) for number, seconds in zip(part.numbers, _instants(part, line, when, grid), strict=True)}
    return found


def _instants(part: Segment, line: Line, when: When, grid: dict[int, int]) -> list[int]:
    if part.kind == "grid":
        return [grid[number] for number in part.numbers]
    if part.kind == "dates":
        return [wall_seconds(text, when, line.id) for text in part.walls]
    begin = wall_seconds(part.walls[0], when, line.id)
    return [begin + turn * line.rhythm.every * 60 for turn in range(len(part.numbers))]


def _on_grid(line: Line, when: When, numbers: tuple[int, ...]) -> dict[int, int]:
    """The regimen's own instants by number; of an order by the clock only the days asked for are placed."""
    rhythm = line.rhythm
    if rhythm.every or rhythm.event or rhythm.anchors:
        return dict(enumerate(starts(rhythm, when), 1))
    daily = len(rhythm.clock)
    asked = sorted({(number - 1) // daily for number in numbers})
    found = starts(rhythm._replace(days=tuple(rhythm.days[at] for at in asked)), when)
    return {at * daily + turn + 1: found[row * daily + turn] for row, at in enumerate(asked) for turn in range(daily)}


def hung_on(state: State, line: Line) -> tuple[int, ...]:
    """The instants an order hangs on, as they happened or are planned now; empty for one that hangs on the clock alone.

    An order that hangs on the graft counts from its first infusion, given or planned; one that hangs on other orders
    from the starts (or, where it says so, the ends) of their doses.
    """
    rhythm = line.rhythm
    if not hangs(line):
        return ()
    if rhythm.anchors:
        each = rhythm.which not in ("first", "last")
        return _chosen([at + rhythm.length(n) * 60 for n, anchor in enumerate(rhythm.anchors) for at in _doses(state, anchor.order, each)], rhythm.which)
    first = first_of(state, rhythm.event)
    return () if first is None else _each_day(line, state.when, first)


def _doses(state: State, order: str, each: bool = False) -> list[int]:
    """Where an anchor's doses were given and are planned; for what hangs on `each`, by number: missed ones stay, further ones are none."""
    if order not in state.lanes:
        return []
    done = [one.seconds for one in state.lanes[order].done if (not one.extra if each else not one.missed)]
    return sorted([*done, *(there.seconds for there in state.starts(order).values() if there.seconds is not None)])


def _chosen(found: list[int], which: str) -> tuple[int, ...]:
    ordered = tuple(sorted(found))
    return {"first": ordered[:1], "last": ordered[-1:]}.get(which, ordered)


def first_of(state: State, event: str) -> int | None:
    """The first start, given or planned, of the order that is an event; None where no order of the course is it."""
    return min(_doses(state, _order_of(state.inputs.settled, event)), default=None)


@lru_cache(maxsize=512)
def _order_of(settled: Settled, event: str) -> str:
    """The order that is an event; empty where none is."""
    return next((line.id for line in settled.lines if line.order.event == event), "")


@lru_cache(maxsize=4096)
def _each_day(line: Line, when: When, first: int) -> tuple[int, ...]:
    """The instant on the event's own day, and at the same clock time on the other days stated."""
    days = line.rhythm.days
    if days == (0,):
        return (first,)
    minutes, fold = forms.read_fold_time(moment.wall(first, when.zone)[1])
    return tuple(first if not day else local(when, slot(first, when).day + day, minutes, fold, line.id) for day in days)


def _after(line: Line, hung: Iterable[int]) -> list[int]:
    """The doses that hang on some instants: one on each, or an interval from the first."""
    begins = [at + line.rhythm.offset * 60 for at in hung]
    if not line.rhythm.every:
        return begins
    return [begins[0] + turn * line.rhythm.every * 60 for turn in range(line.count)]


def wall_seconds(text: str, when: When, order: str) -> int:
    """The instant of a date and clock text as a segment holds it."""
    day, _, clock = text.partition(" ")
    return moment.at_wall(date.fromisoformat(day), clock, when.zone, order)


def wall_text(seconds: int, zone: str) -> str:
    """An instant as the date and clock text that a segment holds."""
    day, clock = moment.wall(seconds, zone)
    return f"{day} {clock}"


@lru_cache(maxsize=4096)
def shortest(line: Line) -> int:
    """The shortest ordered distance in seconds between two doses of an order: its interval, its clock times, or its days."""
    if line.rhythm.every:
        return line.rhythm.every * 60
    clock, days = sorted(line.rhythm.clock), line.rhythm.days
    if len(clock) > 1:
        return min(later - first for first, later in zip(clock, [*clock[1:], clock[0] + 1440], strict=True)) * 60
    return min((later - first for first, later in zip(days, days[1:], strict=False)), default=1) * 86_400


class Stand(NamedTuple):
    """Where one dose of an order was given or is planned."""

    number: int
    day: int
    seconds: int
    given: bool


def stands(state: State, order: str) -> tuple[Stand, ...]:
    """The doses of an order, given and left, in time order; worked out once for as long as nothing moves them."""
    lane, line = state.lanes[order], state.inputs.line(order)
    hung = state.hung(line) if line else ()
    return lane.once(("stands", state.inputs.calendar, line, hung), lambda: _stands(state, order))


def _stands(state: State, order: str) -> tuple[Stand, ...]:
    given = [Stand(one.number, slot(one.seconds, state.when).day, one.seconds, True) for one in state.lanes[order].given]
    there = [Stand(number, place.day, place.seconds or 0, False) for number, place in state.starts(order).items()]
    return tuple(sorted([*given, *there], key=lambda one: one.seconds))


@lru_cache(maxsize=4096)
def hangs(line: Line) -> bool:
    """Whether an order's doses hang on another order of the course."""
    return bool(line.rhythm.anchors) or bool(line.rhythm.event and line.order.event != line.rhythm.event)
