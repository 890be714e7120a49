"""Do the doses fall where the source says, and how far are they from the graft?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from dosing import forms
from dosing.checks.case import Case, Hit, course_check
from dosing.engine.hours import hanging
from dosing.engine.settle import Line
from dosing.engine.timeline import clock_changes


@course_check
def doses_fall_on_the_stated_days(case: Case) -> Iterator[Hit]:
    """Does a dose fall outside the days the source states?"""
    for line in case.lines:
        if (line.rhythm.event and not line.rhythm.every) or not line.dose:
            continue
        outside = [(number, slot.day) for number, slot in enumerate(case.slots[line.id], 1) if slot.day not in line.order.days]
        if outside:
            told = ", ".join(f"dose {number} on day {forms.say_day(day)}" for number, day in outside)
            text = f"{told}: outside the stated days {forms.say_days(line.order.days)}. Choose an earlier first hour, or confirm."
            yield Hit(f"{line.id}.window", "timing.outside-days", "query", text, line.id, line.cited())


@course_check
def offsets_that_leave_their_day(case: Case) -> Iterator[Hit]:
    """Does a dose that hangs on an event fall on another day than the event?"""
    for line in case.lines:
        for slot in case.slots[line.id] if line.rhythm.offset and not line.rhythm.every else ():
            if slot.day not in line.order.days:
                text = f"{hanging(line.order)} falls on day {forms.say_day(slot.day)}{_weekday(slot.seconds, case.when.zone)}."
                yield Hit(f"{line.id}.day", "timing.other-day", "note", text, line.id, line.cited())


def _weekday(seconds: int | None, zone: str) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, ZoneInfo(zone)):, %A %Y-%m-%d at %H:%M}"


@course_check
def clock_changes_are_told(case: Case) -> Iterator[Hit]:
    """Do the clocks change between two doses of an interval, or between an offset and its event?"""
    if not case.is_dated:
        return
    for line in case.lines:
        span = _span(line, case)
        if span and clock_changes(*span, case.when.zone):
            hours = forms.say_duration(line.rhythm.every or abs(line.rhythm.offset))
            yield Hit(f"{line.id}.clock", "timing.clock-change", "note", f"the clocks change during {line.drug.id}; each interval is {hours} of elapsed time.", line.id)


def _span(line: Line, case: Case) -> tuple[int, int] | None:
    """First and last instant of a line whose hours are elapsed time."""
    starts = [slot.seconds for slot in case.slots[line.id] if slot.seconds is not None]
    if line.rhythm.every and starts:
        return starts[0], starts[-1]
    if line.rhythm.offset and starts:
        return min(starts[0], starts[0] - line.rhythm.offset * 60), max(starts[0], starts[0] - line.rhythm.offset * 60)
    return None


@course_check
def gaps_to_the_graft_are_told(case: Case) -> Iterator[Hit]:
    """How long before the graft does each drug end, and how long after it does each begin?"""
    graft = case.settled.graft
    if not case.is_dated or not graft or graft.id not in case.slots:
        return
    zero = case.slots[graft.id][0].seconds or 0
    for line in case.lines:
        if line.drug.kind == "drug" and (text := _gap(line, case, zero)):
            yield Hit(f"{line.id}.gap", "timing.gap", "note", text, line.id)


def _gap(line: Line, case: Case, zero: int) -> str:
    """The gap in words; an hour that only the house fills in gives no figure on the day of the graft itself."""
    slots = case.slots[line.id]
    starts = [(number, slot.seconds or 0, slot.day) for number, slot in enumerate(slots, 1)]
    before, after = [one for one in starts if one[1] < zero], [one for one in starts if one[1] > zero]
    if not before and not after:
        return ""
    number, start, day = before[-1] if before else after[0]
    filled_in = _is_of_the_house(line, case)
    if filled_in and day == case.slots[case.settled.graft.id][0].day:  # type: ignore[union-attr]
        return f"{line.drug.id} stands on the day of the graft: hour by house default, so no gap is told. Enter the hour with --time {line.id}=HH:MM."
    default = " (hour by house default)" if filled_in else ""
    if not before:
        return f"the first {line.drug.id} after the graft starts {_hours(start - zero)} after it{default}."
    minutes = line.minutes(number)
    return f"the last {line.drug.id} before the graft {'ends' if minutes else 'starts'} {_hours(zero - start - (minutes or 0) * 60)} before it{default}."


def _hours(seconds: int) -> str:
    """A length of time in hours for people: `112.5 h`."""
    return f"{round(seconds / 3600, 2):g} h"


def _is_of_the_house(line: Line, case: Case) -> bool:
    """Whether neither the source nor a person states the hour of a line."""
    return line.order.at is None and line.order.first is None and not line.rhythm.event and line.id not in dict(case.when.times)
