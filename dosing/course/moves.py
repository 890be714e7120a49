"""Day 0 moved: drugs not yet begun follow it, and a person chooses what becomes of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from dosing.course import moment
from dosing.course.doses import frozen, shifted, stopped
from dosing.course.places import wall_text
from dosing.course.state import Lane, Segment, State, whole
from dosing.errors import refuse
from dosing.patient import When

Begun = Callable[[str, State, State], Lane]


def _move(state: State, entry: Any, begun: Begun) -> State:
    graft = state.inputs.settled.graft
    if graft and state.lanes[graft.id].given:
        raise refuse("O13", f"{graft.id} was given on {state.day0}, which fixes day 0", "if that record is wrong, correct it.", "move-day0")
    return moved_to(state, When.of(entry.day0, state.zone, dict(state.when.times) | dict(entry.times)), begun)


def moved_to(state: State, when: When, begun: Begun) -> State:
    """The state under another day 0; `begun` gives the lane of each drug already begun that does not hang on an event."""
    after = state.with_inputs(when=when)
    days, lanes = (after.day0 - state.day0).days, {}
    for order, lane in state.lanes.items():
        line = state.inputs.line(order)
        follows = not lane.done or not lane.rest or line is None or bool(line.rhythm.event)
        lanes[order] = shifted(lane, days) if follows else begun(order, state, after)
    return replace(after, lanes=lanes)


def rest_day(state: State, entry: Any) -> State:
    """Each dose left keeps its own protocol day under the new day 0; the days between are rest."""
    days = (date.fromisoformat(entry.day0) - state.day0).days
    return _move(state, entry, lambda order, old, new: shifted(old.lane(order), days))


def carry_on(state: State, entry: Any) -> State:
    """The drugs already begun keep their calendar dates; only the graft and what is not begun move."""
    return _move(state, entry, lambda order, old, new: replace(old.lane(order), rest=frozen(old, order)))


def stop_begun(state: State, entry: Any) -> State:
    """The drugs already begun are stopped with what was given."""
    return _move(state, entry, lambda order, old, new: stopped(old.lane(order)))


def re_date(state: State, entry: Any) -> State:
    """Plain re-dating: every protocol day from now on gets its dose, whatever was given. Shown to be refused."""
    now = moment.read_moment(entry.at, state.zone) if entry.at else state.now or 0

    def again(order: str, old: State, new: State) -> Lane:
        line, lane = old.inputs.line(order), old.lane(order)
        assert line
        probe = new.with_lane(order, Lane(rest=whole(line, new.when)))
        later = [at for place in probe.starts(order).values() if (at := place.seconds or 0) > now]
        first = lane.highest + 1 if not lane.done else max(one.number for one in lane.done) + 1
        numbers = tuple(range(first, first + len(later)))
        return replace(lane, rest=(Segment("dates", numbers, tuple(wall_text(at, old.zone) for at in later)),) if later else ())

    return _move(state, entry, again)


def follow(state: State, entry: Any) -> State:
    """Day 0 becomes the day on which the graft was really given: what is not begun follows, what is begun keeps its dates."""
    done = state.lane(entry.order).find(entry.dose)
    assert done
    day, _ = moment.wall(done.seconds, state.zone)
    return moved_to(state, When.of(day.isoformat(), state.zone, dict(state.when.times)), lambda order, old, new: replace(old.lane(order), rest=frozen(old, order)))


def fits_day0(state: State, entry: Any) -> bool:
    """Whether a given graft stands on the calendar day it was planned for, which is what day 0 means."""
    done: date = moment.wall(moment.read_moment(entry.start if entry.what == "correct" else entry.at, state.zone), state.zone)[0]
    return (done - state.day0).days == entry.planned.day if entry.what == "give" else done == state.day0
