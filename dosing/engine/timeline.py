"""Day numbers to instants: days move on the calendar, hours through UTC. The only module that imports arrow.

`arrow.shift(hours=6)` over a clock change gives 5 or 7 real hours, so hours are added in UTC only; a clock time that
does not exist is refused (T04), a doubled one is asked about (T05). Results are cached per rhythm and `When`, so
nothing here is on the per-patient path.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import arrow
from dateutil import tz

from dosing import forms
from dosing.errors import refuse
from dosing.patient import When


class Rhythm(NamedTuple):
    """When an order is given: days, and clock times, an interval, or an offset from an event."""

    order: str
    days: tuple[int, ...]
    clock: tuple[int, ...] = ()  # minutes after midnight
    every: int = 0  # minutes between doses, elapsed
    event: str = ""
    offset: int = 0  # minutes from the event, elapsed
    event_day: int = 0


class Slot(NamedTuple):
    """One administration's place: day number, POSIX seconds (None in a relative schedule), and words for the offset."""

    day: int
    seconds: int | None
    offset: str


@lru_cache(maxsize=4096)
def place(rhythm: Rhythm, when: When) -> tuple[Slot, ...]:
    """The slots of an order in time order; raises `InputError` T03 (hour missing), T04 (gap), T05 (doubled hour)."""
    if when.day0 is None:
        return _relative(rhythm, when)
    if rhythm.every:
        return _interval(rhythm, when)
    if rhythm.event:
        return _from_event(rhythm, when)
    return tuple(
        slot(local(when, day, minutes, None, rhythm.order), when) for day in rhythm.days for minutes in rhythm.clock
    )


def _interval(rhythm: Rhythm, when: When) -> tuple[Slot, ...]:
    """Elapsed intervals from the first hour of each run of consecutive days."""
    minutes, fold = hour_of(rhythm, when, rhythm.order)
    slots: list[Slot] = []
    for first, length in runs(rhythm.days):
        start = local(when, first, minutes, fold, rhythm.order)
        slots += [slot(start + n * rhythm.every * 60, when) for n in range(length * 1440 // rhythm.every)]
    return tuple(slots)


def _from_event(rhythm: Rhythm, when: When) -> tuple[Slot, ...]:
    """Elapsed minutes before or after a named event, once for each stated day."""
    minutes, fold = hour_of(rhythm, when, rhythm.event)
    return tuple(
        slot(local(when, rhythm.event_day + day, minutes, fold, rhythm.event) + rhythm.offset * 60, when)
        for day in rhythm.days
    )


def _relative(rhythm: Rhythm, when: When) -> tuple[Slot, ...]:
    """Day numbers on a nominal calendar without clock changes, when no day 0 is given."""
    if rhythm.every:
        minutes, _ = hour_of(rhythm, when, rhythm.order)
        starts = [first * 1440 + minutes + n * rhythm.every for first, length in runs(rhythm.days) for n in range(length * 1440 // rhythm.every)]
        return tuple(Slot(start // 1440, None, f"{say_clock(start % 1440)}") for start in starts)
    if rhythm.event:
        known = when.minutes(rhythm.event)
        words = forms.Offset(rhythm.offset, rhythm.event).text if rhythm.offset else rhythm.event
        shift = (known[0] + rhythm.offset) // 1440 if known else 0
        return tuple(Slot(rhythm.event_day + day + shift, None, words) for day in rhythm.days)
    return tuple(Slot(day, None, say_clock(minutes)) for day in rhythm.days for minutes in rhythm.clock)


def say_clock(minutes: int) -> str:
    """Minutes after midnight as HH:MM."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def hour_of(rhythm: Rhythm, when: When, event: str) -> tuple[int, int | None]:
    """The stated hour of an event or first dose; the order's own clock time where the regimen gives one."""
    found = when.minutes(event)
    if found is None and rhythm.clock:
        return rhythm.clock[0], None
    if found is None:
        raise refuse("T03", f'the hour of "{event}" is not given', f"add --time {event}=HH:MM.", f"time {event}")
    return found


def runs(days: tuple[int, ...]) -> list[tuple[int, int]]:
    """Consecutive stretches of days as (first day, length)."""
    result: list[tuple[int, int]] = []
    for day in days:
        if result and result[-1][0] + result[-1][1] == day:
            result[-1] = (result[-1][0], result[-1][1] + 1)
        else:
            result.append((day, 1))
    return result


def local(when: When, day: int, minutes: int, fold: int | None, name: str) -> int:
    """POSIX seconds of a clock time on a day; a time in a gap is refused, a doubled one is asked about."""
    moment = datetime.combine(date_of(when, day), datetime.min.time(), ZoneInfo(when.zone)) + timedelta(minutes=minutes)
    zone = moment.tzinfo
    if not tz.datetime_exists(moment, zone):
        raise refuse("T04", f"{moment:%Y-%m-%d %H:%M} does not exist in {when.zone}: the clocks go forward",
                     "choose another time.", f"time {name}")
    if tz.datetime_ambiguous(moment, zone) and fold is None:
        raise refuse("T05", f"{moment:%Y-%m-%d %H:%M} comes twice in {when.zone}: the clocks go back",
                     f'write --time {name}="{moment:%H:%M} first" or "second".', f"time {name}")
    return int(arrow.Arrow.fromdatetime(moment.replace(fold=fold or 0), zone).timestamp())


def slot(seconds: int, when: When) -> Slot:
    """The slot of an instant: its calendar day in the zone, counted from day 0."""
    there = arrow.Arrow.fromtimestamp(seconds, ZoneInfo(when.zone)).date()
    return Slot((there - day_zero(when)).days, seconds, "")


def day_zero(when: When) -> date:
    """Day 0 of a dated schedule."""
    assert when.day0 is not None
    return when.day0


def date_of(when: When, day: int) -> date:
    """The calendar date of a day number."""
    return day_zero(when) + timedelta(days=day)


def arrow_at(seconds: int, zone: str) -> arrow.Arrow:
    """POSIX seconds as an arrow instant in a zone."""
    return arrow.Arrow.fromtimestamp(seconds, ZoneInfo(zone))


@lru_cache(maxsize=4096)
def clock_changes(first: int, last: int, zone: str) -> bool:
    """Whether the zone's offset differs between two instants (POSIX seconds)."""
    return arrow_at(first, zone).utcoffset() != arrow_at(last, zone).utcoffset()
