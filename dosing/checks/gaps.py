"""Are the gaps kept that a source asks for: not before, not after, and so far apart?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dosing import forms
from dosing.checks.case import Case, Hit, course_check
from dosing.engine.settle import Line
from dosing.engine.timeline import Rhythm, starts

WHOLE_DAY = 1440


class Bound(NamedTuple):
    """One gap a source asks for between the first dose of a line and something else."""

    key: str  # not-before or not-after
    hangs: forms.Offset


@course_check
def gaps_are_kept(case: Case) -> Iterator[Hit]:
    """Does each order start no sooner and no later after another drug or event than its source asks?"""
    for line in case.lines:
        bounds = [*(Bound("not-before", one) for one in line.order.not_before), *(Bound("not-after", one) for one in line.order.not_after)]
        for number, bound in enumerate(bounds, 1):
            name = f"{line.id}.{bound.key}" + (f".{number}" if len(bounds) > 1 else "")
            yield from _kept(name, line, bound, case)


def _kept(name: str, line: Line, bound: Bound, case: Case) -> Iterator[Hit]:
    asked = f"{line.drug.id} starts {bound.key.replace('-', ' ')} {bound.hangs.text}"
    if not any(_is_named(other, bound.hangs.event, line) for other in case.lines) and bound.hangs.event not in case.settled.events:
        return  # what it is measured from is not part of this plan
    if not case.is_dated:
        yield Hit(name, "timing.gap-open", "note", f"{asked}: measured when there is a day 0.", line.id, line.cited())
        return
    moment = _moment(bound.hangs, line, case)
    if moment is None:
        yield Hit(name, "timing.gap-open", "query", f"{asked}: not measured, as an hour or a duration is not stated. Is it kept?", line.id, line.cited())
        return
    start = case.slots[line.id][0].seconds or 0
    over = _beyond(start, moment, bound.hangs.minutes, case.when.zone)
    kept = over >= 0 if bound.key == "not-before" else over <= 0
    told = f"{asked}: it starts {_told(start - moment)} {bound.hangs.anchor}"
    if kept:
        yield Hit(name, "timing.gap-kept", "pass", f"{told}.", line.id, line.cited())
    else:
        yield Hit(name, "timing.gap-missed", "query", f"{told}. Choose another hour or day, or confirm.", line.id, line.cited())


def _is_named(other: Line, name: str, line: Line) -> bool:
    return other.id != line.id and name in (other.order.event, other.id, other.drug.id)


def _moment(hangs: forms.Offset, line: Line, case: Case) -> int | None:
    """The instant a gap is measured from, by the doses as they are placed; None where it is not known."""
    if event := case.settled.events.get(hangs.event):
        if hangs.event not in dict(case.when.times) and event.at is None:
            return None
        clock = () if event.at is None else (event.at,)
        found = list(starts(Rhythm(hangs.event, event.days, clock, event=hangs.event), case.when))
    else:
        named = [other for other in case.lines if _is_named(other, hangs.event, line)]
        others = [other for other in named if hangs.event == other.order.event] or [other for other in named if hangs.event == other.id] or named
        if hangs.end and any(other.minutes(number) is None for other in others for number in (1, 2)):
            return None
        found = [(slot.seconds or 0) + (other.minutes(number) or 0) * 60 * hangs.end for other in others for number, slot in enumerate(case.slots[other.id], 1)]
    return None if len(found) > 1 and not hangs.which else max(found) if hangs.which == "last" else min(found)


def _beyond(start: int, moment: int, minutes: int, zone: str) -> float:
    """Seconds by which a start lies after moment + minutes; whole days are counted on the calendar, hours elapse."""
    if minutes % WHOLE_DAY:
        return start - moment - minutes * 60
    there = [datetime.fromtimestamp(one, ZoneInfo(zone)).replace(tzinfo=None) for one in (moment, start)]
    return (there[1] - there[0]).total_seconds() - minutes * 60


def _told(seconds: int) -> str:
    return f"{round(abs(seconds) / 3600, 2):g} h {'after' if seconds >= 0 else 'before'}"


@course_check
def doses_are_far_enough_apart(case: Case) -> Iterator[Hit]:
    """Are two doses of an order as far apart as its source asks?"""
    for line in case.lines:
        apart = line.order.apart
        if not apart or not case.is_dated:
            continue
        placed = [slot.seconds or 0 for slot in case.slots[line.id]]
        close = [number for number, (one, other) in enumerate(pairwise(placed), 1) if _beyond(other, one, apart, case.when.zone) < 0]
        asked = f"doses of {line.drug.id} are at least {forms.say_duration(apart)} apart"
        if close:
            yield Hit(f"{line.id}.apart", "timing.gap-missed", "query", f"{asked}: not {', '.join(f'{n} and {n + 1}' for n in close)}. Choose other days or hours, or confirm.", line.id, line.cited())
        elif len(placed) > 1:
            yield Hit(f"{line.id}.apart", "timing.gap-kept", "pass", f"{asked}: kept.", line.id, line.cited())


@course_check
def composition_is_told(case: Case) -> Iterator[Hit]:
    """What was decided on a drug that the protocol and a block both give?"""
    replaced: dict[tuple[str, str], list[str]] = {}
    for file, order in case.settled.replaced:
        replaced.setdefault((file, order.drug), []).append(order.id)
    for (file, drug), orders in replaced.items():
        yield Hit(f"{drug}.{file}.replaced", "compose.replaced", "note", f"{drug}: {', '.join(orders)} of {file} left out; another file of this plan gives the drug.")
    for key, told in case.settled.choices.items():
        if key.startswith("duplicate.") and told == "sum":
            drug = key.removeprefix("duplicate.")
            yield Hit(f"{drug}.sum", "compose.sum", "note", f"{drug} is given by more than one file of this plan; their doses add up.")
