"""Doses given, missed, made up, corrected: what each does to the doses that are left. A given dose is never touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dosing.course import moment
from dosing.course.places import shortest, wall_text
from dosing.course.state import Done, Lane, Past, Segment, State, day_of
from dosing.engine.settle import Line
from dosing.engine.timeline import say_clock
from dosing.errors import refuse


def record(state: State, entry: Any) -> State:
    """A dose done; the rest stands where it stood, but for what hangs on this dose."""
    lane = state.lane(entry.order)
    kept = replace(lane, done=Past((*lane.done, done_of(entry, state.zone))), rest=without(state, entry.order, entry.dose),
                   stopped=tuple(number for number in lane.stopped if number != entry.dose))  # fmt: skip
    return state.with_lane(entry.order, kept)


def done_of(entry: Any, zone: str) -> Done:
    """The record of a give or miss entry."""
    start = moment.read_moment(entry.at if entry.what == "give" else entry.planned.start, zone)
    stop = moment.read_moment(entry.stop, zone) if getattr(entry, "stop", "") else None
    return Done(entry.dose, entry.what == "miss", start, stop, getattr(entry, "amount", None), entry.planned, entry)


def without(state: State, order: str, number: int) -> tuple[Segment, ...]:
    """What is left of an order without one dose; the others keep their instants."""
    made = []
    for part in state.lane(order).rest:
        numbers = tuple(one for one in part.numbers if one != number)
        walls = part.walls
        if part.kind == "dates":
            walls = tuple(text for one, text in zip(part.numbers, part.walls, strict=True) if one != number)
        elif part.kind == "every" and numbers and part.numbers[0] == number:
            walls = (wall_text(state.starts(order)[numbers[0]].seconds or 0, state.zone),)
        if numbers:
            made.append(Segment(part.kind, numbers, walls))
    return tuple(made)


def correct(state: State, entry: Any) -> State:
    """A further entry about a done dose: the last word counts, the first stays beside it."""
    lane = state.lane(entry.order)
    old = lane.find(entry.dose)
    if old is None:
        raise refuse("R05", f"{entry.order}#{entry.dose} is not recorded yet", "record it as given or missed first.", "correct")
    new = corrected(old, entry, state.zone)._replace(corrections=(*old.corrections, entry))
    return state.with_lane(entry.order, replace(lane, done=Past(new if one is old else one for one in lane.done)))


def corrected(old: Done, entry: Any, zone: str) -> Done:
    """A done dose as a correction says it was."""
    start = moment.read_moment(entry.start, zone) if entry.start else old.seconds
    stop = moment.read_moment(entry.stop, zone) if entry.stop else old.stop
    missed = entry.missed or (old.missed and not (entry.amount or entry.start))
    return old._replace(missed=missed, seconds=start, stop=stop, amount=None if missed else entry.amount or old.amount)


# what may become of the doses left


def stay(state: State, entry: Any) -> State:
    """Nothing that is left changes."""
    return state


def slide(state: State, entry: Any) -> State:
    """The doses left follow the actual start: each by the ordered interval, or by as many days as this one was late."""
    line, lane = state.inputs.line(entry.order), state.lane(entry.order)
    done = lane.find(entry.dose)
    if not lane.rest or line is None or done is None:
        return state
    if line.rhythm.every:  # a dose missed in between leaves its place empty
        walls = (wall_text(done.seconds + line.rhythm.every * 60 * (lane.left[0] - done.number), state.zone),)
        return state.with_lane(entry.order, replace(lane, rest=(Segment("every", lane.left, walls),)))
    days = day_of(done.seconds, state.when) - day_of(moment.read_moment(done.planned.start, state.zone), state.when)
    return state.with_lane(entry.order, shifted(replace(lane, rest=frozen(state, entry.order)), days))


def append(state: State, entry: Any) -> State:
    """A missed dose is made up after the last one."""
    line, lane = state.inputs.line(entry.order), state.lane(entry.order)
    places = [place.seconds or 0 for place in state.starts(entry.order).values()]
    last = max([*places, *(one.seconds for one in lane.done)])
    return state.with_lane(entry.order, replace(lane, rest=(*lane.rest, _next(line, last, lane.highest + 1, state.zone))))


def _next(line: Line | None, last: int, number: int, zone: str) -> Segment:
    """The place after the last one: the ordered interval later, or the next clock time of the order at its shortest distance in days."""
    if line and line.rhythm.every:
        return Segment("every", (number,), (wall_text(last + line.rhythm.every * 60, zone),))
    day, clock = moment.wall(last, zone)
    clocks = sorted(say_clock(minutes) for minutes in line.rhythm.clock) if line and line.rhythm.clock else [clock[:5]]
    later = [text for text in clocks if text > clock[:5]]
    apart = max(1, shortest(line) // 86_400) if line else 1
    return Segment("dates", (number,), (f"{day} {later[0]}" if later else f"{day + timedelta(days=apart)} {clocks[0]}",))


def shifted(lane: Lane, days: int) -> Lane:
    """A lane whose doses left move by whole calendar days, at the same clock times."""
    if not days or not any(part.walls for part in lane.rest):
        return lane
    return replace(lane, rest=tuple(part._replace(walls=tuple(moment.moved(text, days) for text in part.walls)) for part in lane.rest))


def frozen(state: State, order: str) -> tuple[Segment, ...]:
    """What is left of an order at the instants it is planned for now, whatever day 0 does."""
    starts, line, made = state.starts(order), state.inputs.line(order), []
    for part in state.lane(order).rest:
        walls = tuple(wall_text(starts[number].seconds or 0, state.zone) for number in part.numbers)
        made.append(Segment("every", part.numbers, walls[:1]) if line and line.rhythm.every else Segment("dates", part.numbers, walls))
    return tuple(made)


def stopped(lane: Lane) -> Lane:
    """A lane with nothing left; the numbers that are not given are kept."""
    return replace(lane, rest=(), stopped=(*lane.stopped, *lane.left))
