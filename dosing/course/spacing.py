"""Where the doses of a course stand to each other, to their stated days, and to the graft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dosing import forms
from dosing.checks import Case
from dosing.course.moment import hours
from dosing.course.places import Stand, shortest
from dosing.course.state import State
from dosing.engine.settle import Line
from dosing.schedule import Finding, Level

MOVED = ("give", "graft", "miss", "move-day0")  # kinds of choices that say where doses stand


def all_of(state: State, case: Case, there: Mapping[str, tuple[Stand, ...]]) -> Iterator[Finding]:
    """Doses on other days than stated, too near to each other, or at the graft and after it; `there` is where they stand."""
    told = tuple((one.name, one.order) for one in state.told if one.kind in MOVED)
    begun = [(line, state.lanes[line.id]) for line in case.lines if told or state.lanes[line.id].done]
    for what in (_windows, _distances):
        for line, lane in begun:
            yield from lane.once((what, line, there[line.id], told), lambda: tuple(what(state, line, there[line.id], told)))  # noqa: B023
    yield from _after_graft(case, there)


def _windows(state: State, line: Line, there: Sequence[Stand], told: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Doses left, or given, on days that the source does not state: asked about unless a person chose it."""
    if line.rhythm.event or not line.dose or not state.lanes[line.id].done:
        return
    outside = [one for one in there if one.day not in line.order.days]
    if not outside:
        return
    left, given = [one for one in outside if not one.given], [one for one in outside if one.given]
    stated = f"the stated days {forms.say_days(line.order.days)}"
    if given:
        yield Finding(f"{line.id}.given-days", "course.given-days", "note", f"{line.id}: {_on(given)} as day 0 stands now; given as recorded, outside {stated}.", line.id, line.cited())
    if left:
        chosen = any(name in ("slide", "append") and order == line.id or name in ("continue", "rest-day", "follow") for name, order in told)
        level: Level = "note" if chosen else "query"
        yield Finding(f"{line.id}.window", "timing.outside-days", level, f"{_on(left)}: outside {stated}.", line.id, line.cited())


def _on(doses: Sequence[Stand]) -> str:
    return ", ".join(f"dose {one.number} on day {forms.say_day(one.day)}" for one in doses)


def _distances(state: State, line: Line, there: Sequence[Stand], chosen: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Two doses of one order nearer to each other than ordered; of an interval also farther."""
    told = list(near(state, line, there))
    if told:
        level: Level = "note" if any(order in (line.id, "") for _, order in chosen) else "query"
        yield Finding(f"{line.id}.distance", "course.distance", level, "; ".join(told) + ".", line.id)


def near(state: State, line: Line, there: Sequence[Stand]) -> Iterator[str]:
    """What stands too near or too far, in words: `dose 7 starts 3.5 h after dose 6 (6 h ordered)`."""
    ordered, late = shortest(line), state.site.late * 60
    least = ordered * float(state.site.near) / 100
    ordered_ones = there if not line.order.event else [one for one in there if one.number <= line.count]  # no distance is ordered to a further bag of a graft
    for before, after in zip(ordered_ones, ordered_ones[1:], strict=False):
        gap = after.seconds - before.seconds
        strays = abs(gap - ordered) > late if line.rhythm.every else gap < least
        if strays:
            yield f"dose {after.number} starts {hours(gap)} after dose {before.number} ({hours(ordered)} ordered)"


def _after_graft(case: Case, there: Mapping[str, tuple[Stand, ...]]) -> Iterator[Finding]:
    """Drugs ordered before the graft that now stand at or after it."""
    graft = case.settled.graft
    zero = next((one.seconds for one in there.get(graft.id, ())), None) if graft else None
    for line in case.lines if zero else ():
        assert zero
        if line.drug.kind == "drug" and line.order.days and max(line.order.days) < 0:
            late = [one for one in there[line.id] if one.seconds >= zero]
            if left := [one for one in late if not one.given]:
                yield Finding(f"{line.id}.graft", "course.after-graft", "block", f"{line.drug.id}: dose {_numbers(left)} would start at or after the graft; the order ends before it.", line.id)
            elif late:
                yield Finding(f"{line.id}.graft", "course.after-graft", "query", f"{line.drug.id}: dose {_numbers(late)} was given at or after the graft; the order ends before it. Confirm it with the prescriber.", line.id)


def _numbers(doses: Sequence[Stand]) -> str:
    return ", ".join(str(one.number) for one in doses)
