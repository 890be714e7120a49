"""The rest from now: what each entry does to what is left. Doses that were given are never touched.

An entry where practice differs has several outcomes, each a function of its own; the person's choice is the name of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from dosing.course import moment
from dosing.course.level import scaled
from dosing.course.state import Done, Lane, Released, Segment, State, day_of, wall_text, whole
from dosing.engine.settle import Change, Line
from dosing.engine.timeline import say_clock
from dosing.errors import refuse
from dosing.patient import When

TOLERANCE = 30 * 60  # seconds; the window usual for time-critical drugs, a proposal for the site to change
Outcome = Callable[[State, Any], State]


# moved day 0


def _move(state: State, entry: Any, begun: Callable[[str, State, State], Lane]) -> State:
    """Day 0 moved: drugs not yet begun, and what hangs on an event, follow it; `begun` says what the others do."""
    _prove_graft_is_to_come(state)
    when = When.of(entry.day0, state.zone, dict(state.when.times) | dict(entry.times))
    after = state.with_inputs(when=when)
    days = (after.day0 - state.day0).days
    lanes = {}
    for order, lane in state.lanes.items():
        line = state.inputs.line(order)
        follows = not lane.done or not lane.rest or line is None or bool(line.rhythm.event)
        lanes[order] = shifted(lane, days) if follows else begun(order, state, after)
    return replace(after, lanes=lanes)


def _prove_graft_is_to_come(state: State) -> None:
    graft = state.inputs.settled.graft
    if graft and state.lanes[graft.id].given:
        raise refuse("O13", f"{graft.id} was given on {state.day0}, which fixes day 0", "if that record is wrong, use dosing course correct.", "move-day0")


def shifted(lane: Lane, days: int) -> Lane:
    """A lane whose doses left move by whole calendar days, at the same clock times."""
    return replace(lane, rest=tuple(part._replace(walls=tuple(moment.moved(text, days) for text in part.walls)) for part in lane.rest))


def frozen(order: str, state: State) -> tuple[Segment, ...]:
    """What is left of an order at the instants it is planned for now, whatever day 0 does."""
    starts, line, made = state.starts(order), state.inputs.line(order), []
    for part in state.lane(order).rest:
        walls = tuple(wall_text(starts[number].seconds or 0, state.zone) for number in part.numbers)
        made.append(Segment("every", part.numbers, walls[:1]) if line and line.rhythm.every else Segment("dates", part.numbers, walls))
    return tuple(made)


def rest_day(state: State, entry: Any) -> State:
    """Each dose left keeps its own protocol day under the new day 0; the days between are rest."""
    days = (date.fromisoformat(entry.day0) - state.day0).days
    return _move(state, entry, lambda order, old, new: shifted(old.lane(order), days))


def carry_on(state: State, entry: Any) -> State:
    """The drugs already begun keep their calendar dates; only the graft and what is not begun move."""
    return _move(state, entry, lambda order, old, new: replace(old.lane(order), rest=frozen(order, old)))


def stop_begun(state: State, entry: Any) -> State:
    """The drugs already begun are stopped with what was given."""
    return _move(state, entry, lambda order, old, new: stopped(old.lane(order)))


def re_date(state: State, entry: Any) -> State:
    """Plain re-dating: every protocol day from now on gets its dose, whatever was given. Shown to be refused."""

    def again(order: str, old: State, new: State) -> Lane:
        line, lane = old.inputs.line(order), old.lane(order)
        assert line
        probe = new.with_lane(order, Lane(rest=whole(line)))
        later = [at for place in probe.starts(order).values() if (at := place.seconds or 0) > (now_of(state, entry) or 0)]
        first = max(one.number for one in lane.done) + 1
        return replace(lane, rest=(Segment("dates", tuple(range(first, first + len(later))), tuple(wall_text(at, old.zone) for at in later)),) if later else ())

    return _move(state, entry, again)


def stopped(lane: Lane) -> Lane:
    """A lane with nothing left; the numbers that are not given are kept."""
    return replace(lane, rest=(), stopped=(*lane.stopped, *lane.left))


# given and missed doses


def done_of(entry: Any, zone: str) -> Done:
    """The record of a give or miss entry."""
    start = moment.read_moment(entry.at if entry.what == "give" else entry.planned.start, zone)
    stop = moment.read_moment(entry.stop, zone) if getattr(entry, "stop", "") else None
    return Done(entry.dose, entry.what == "miss", start, stop, getattr(entry, "amount", None), entry.planned, entry)


def without(state: State, order: str, number: int) -> tuple[Segment, ...]:
    """What is left of an order without one dose; the others keep their instants."""
    starts, made = state.starts(order), []
    for part in state.lane(order).rest:
        numbers = tuple(one for one in part.numbers if one != number)
        walls = part.walls
        if part.kind == "dates":
            walls = tuple(text for one, text in zip(part.numbers, part.walls, strict=True) if one != number)
        elif part.kind == "every" and numbers and part.numbers[0] == number:
            walls = (wall_text(starts[numbers[0]].seconds or 0, state.zone),)
        if numbers:
            made.append(Segment(part.kind, numbers, walls))
    return tuple(made)


def record(state: State, entry: Any) -> State:
    """A dose done; the rest stands where it stood. A given graft fixes the hour its offsets hang on."""
    lane = state.lane(entry.order)
    done = done_of(entry, state.zone)
    kept = replace(lane, done=(*lane.done, done), rest=without(state, entry.order, entry.dose))
    after = state.with_lane(entry.order, kept)
    line = state.inputs.line(entry.order)
    if line and line.order.event and not done.missed:
        if day_of(done.seconds, state.when) != done.planned.day:
            raise refuse("O13", f"{entry.order}#{entry.dose} was given on another calendar day than planned, and day 0 is that day", "move day 0 first: dosing course move-day0.", "give")
        times = dict(state.when.times) | {line.order.event: moment.wall(done.seconds, state.zone)[1]}
        return after.with_inputs(when=When.of(state.day0, state.zone, times))
    return after


def slide(state: State, entry: Any) -> State:
    """The doses left follow the actual start: each by the ordered interval, or by as many days as this one was late."""
    after, line = record(state, entry), state.inputs.line(entry.order)
    lane, start = after.lane(entry.order), moment.read_moment(entry.at, state.zone)
    if not lane.rest or line is None:
        return after
    if line.rhythm.every:
        walls = (wall_text(start + line.rhythm.every * 60, state.zone),)
        return after.with_lane(entry.order, replace(lane, rest=(Segment("every", lane.left, walls),)))
    days = day_of(start, state.when) - day_of(moment.read_moment(entry.planned.start, state.zone), state.when)
    return after.with_lane(entry.order, shifted(replace(lane, rest=frozen(entry.order, after)), days))


def append(state: State, entry: Any) -> State:
    """A missed dose is made up after the last one."""
    after, line, lane = record(state, entry), state.inputs.line(entry.order), state.lane(entry.order)
    last = max((place.seconds or 0 for place in state.starts(entry.order).values()), default=0)
    number = max((*(one.number for one in lane.done), *lane.left, *lane.stopped)) + 1
    kept = after.lane(entry.order)
    return after.with_lane(entry.order, replace(kept, rest=(*kept.rest, _next(line, last, number, state.zone))))


def _next(line: Line | None, last: int, number: int, zone: str) -> Segment:
    """The place after the last one: the ordered interval later, or the next clock time of the order."""
    if line and line.rhythm.every:
        return Segment("every", (number,), (wall_text(last + line.rhythm.every * 60, zone),))
    day, clock = moment.wall(last, zone)
    clocks = [say_clock(minutes) for minutes in line.rhythm.clock] if line else [clock]
    later = [text for text in sorted(clocks) if text > clock[:5]]
    text = f"{day} {later[0]}" if later else f"{day + timedelta(days=1)} {min(clocks)}"
    return Segment("dates", (number,), (text,))


def correct(state: State, entry: Any) -> State:
    """A further entry about a done dose: the last word counts, the first stays beside it."""
    lane = state.lane(entry.order)
    old = lane.find(entry.dose)
    if old is None:
        raise refuse("R05", f"{entry.order}#{entry.dose} is not recorded yet", "record it with dosing course give or miss.", "correct")
    start = moment.read_moment(entry.start, state.zone) if entry.start else old.seconds
    stop = moment.read_moment(entry.stop, state.zone) if entry.stop else old.stop
    missed = entry.missed or (old.missed and not (entry.amount or entry.start))
    new = old._replace(missed=missed, seconds=start, stop=stop, amount=None if missed else entry.amount or old.amount, corrections=(*old.corrections, entry))
    return state.with_lane(entry.order, replace(lane, done=tuple(new if one is old else one for one in lane.done)))


# weight, level, changes


def real_weight(state: State, entry: Any) -> State:
    """The new weight counts from the next dose on."""
    facts = {key: text for key, text in state.inputs.facts.items() if key != "last_weight"}
    told = f"{facts.pop('weight', 'none')} to {entry.weight}"
    facts.pop("weighed", "")
    new = {"weight": entry.weight} | ({"weighed": entry.at[:10]} if entry.at else {})
    after = state.with_inputs(patient=tuple((facts | new).items()))
    return replace(after, reweighed=told)


def unchanged(state: State, entry: Any) -> State:
    """Nothing that is left changes."""
    return state


def next_dose(state: State, entry: Any) -> State:
    """Each dose left is scaled so that one dose gives the target exposure."""
    return scaled(state, entry, cumulative=False)


def cumulative(state: State, entry: Any) -> State:
    """The doses left share what is missing from the target over the whole course."""
    return scaled(state, entry, cumulative=True)


def change(state: State, entry: Any) -> State:
    """A field of an order, or a choice, set from now on; doses not yet done take their places of the new days and hours."""
    if entry.key in state.inputs.settled.choices:
        chosen = dict(state.inputs.choose) | {entry.key: entry.value}
        told = ("set", entry.key.partition(".")[0] if entry.key.partition(".")[0] in state.lanes else "", f"{entry.key} chosen anew, {entry.value}", entry.by, entry.why)
        return _settled_again(state, replace(state.with_inputs(choose=tuple(chosen.items())), told=(*state.told, told)))
    made = Change(entry.key, entry.value, entry.by, entry.why, entry.second)
    return _settled_again(state, state.with_inputs(changes=(*state.inputs.changes, made)))


def _settled_again(before: State, after: State) -> State:
    """The lanes under changed orders: new orders are whole, lost ones stop, changed days and hours hold for the rest."""
    lanes = {}
    for line in after.inputs.settled.lines:
        old, lane = before.inputs.line(line.id), before.lanes.get(line.id)
        if lane is None or old is None:
            lanes[line.id] = Lane(rest=whole(line)) if lane is None else lane
        elif old.rhythm != line.rhythm and lane.rest:
            lanes[line.id] = replace(lane, rest=whole(line, max((one.number for one in lane.done), default=0)))
        else:
            lanes[line.id] = lane
    gone = {order: stopped(lane) for order, lane in before.lanes.items() if order not in lanes}
    if given := [order for order, lane in gone.items() if lane.done]:
        raise refuse("R09", f"{', '.join(given)} has been begun and would vanish from the regimen", f"stop it instead: dosing course stop {given[0]}.", "set")
    return replace(after, lanes=lanes | gone)


def stop(state: State, entry: Any) -> State:
    """The doses left of one order are not given."""
    return state.with_lane(entry.order, stopped(state.lane(entry.order)))


def answer(state: State, entry: Any) -> State:
    """An answer is kept; later ones stand in the order of their queries, so that their sequence does not matter."""
    told = {"id": entry.query, "answer": entry.answer, "by": entry.by}
    told |= {key: value for key, value in (("second", entry.second), ("at", entry.at), ("evidence", entry.why), ("asked", entry.asked)) if value}
    others = [one for one in state.answers if one["id"] != entry.query]
    return replace(state, answers=tuple(sorted([*others, told], key=lambda one: one["id"])))


def release(state: State, entry: Any) -> State:
    """One administration is released as it stands."""
    return replace(state, releases={**state.releases, (entry.order, entry.dose): Released(entry)})


def recall(state: State, entry: Any) -> State:
    """A release is taken back."""
    key = (entry.order, entry.dose)
    if key not in state.releases:
        raise refuse("R05", f"{entry.order}#{entry.dose} is not released", "see dosing course show.", "recall")
    return replace(state, releases={**state.releases, key: replace(state.releases[key], recalled=entry)})


OUTCOMES: dict[str, dict[str, Outcome]] = {
    "give": {"keep-grid": record, "slide": slide},
    "miss": {"omit": record, "append": append},
    "move-day0": {"rest-day": rest_day, "continue": carry_on, "stop": stop_begun},
    "weigh": {"real": real_weight, "fluid": unchanged},
    "level": {"next-dose": next_dose, "cumulative": cumulative},
}
PLAIN: dict[str, Outcome] = {"correct": correct, "set": change, "stop": stop, "answer": answer, "release": release, "recall": recall, "issue": unchanged, "account": unchanged}


def open_outcomes(state: State, entry: Any) -> dict[str, Outcome]:
    """The outcomes that practice knows for an entry; one alone where nothing depends on the choice."""
    known = OUTCOMES.get(entry.what, {})
    line = state.inputs.line(entry.order) if entry.what in ("give", "miss") else None
    if entry.what == "give" and not strays(state, entry, line):
        return {"keep-grid": record}
    if entry.what == "miss" and (line is None or line.rhythm.event):
        return {"omit": record}
    return known


def strays(state: State, entry: Any, line: Line | None) -> bool:
    """Whether a given dose is so far off its time that the doses left could follow it."""
    if line is None or line.rhythm.event:
        return False
    start, planned = moment.read_moment(entry.at, state.zone), moment.read_moment(entry.planned.start, state.zone)
    if line.rhythm.every:
        return abs(start - planned) > TOLERANCE
    return day_of(start, state.when) != day_of(planned, state.when)


def now_of(state: State, entry: Any) -> int | None:
    """The moment of an entry: its own, else the latest that the ledger tells."""
    return moment.read_moment(entry.at, state.zone) if entry.at else state.now


def apply(state: State, entry: Any, step: Outcome | None = None) -> State:
    """The state after one more entry, with the outcome it names, or by `step`."""
    known = OUTCOMES.get(entry.what)
    step = step or (PLAIN[entry.what] if known is None else known[entry.outcome or next(iter(known))])
    after = step(state, entry)
    why = ": ".join(filter(None, (f"weighed {entry.weight}" if entry.what == "weigh" else "", entry.why)))
    told = ((entry.what, getattr(entry, "order", ""), entry.outcome, entry.by, why),) if getattr(entry, "outcome", "") else ()
    moments = [value for value in (state.now, now_of(state, entry)) if value is not None]
    return replace(after, now=max(moments, default=None), told=(*after.told, *told))
