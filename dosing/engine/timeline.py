"""Day numbers to instants: days move on the calendar, hours through UTC. The only module that imports arrow.

`arrow.shift(hours=6)` over a clock change gives 5 or 7 real hours, so hours are added in UTC only; a clock time that
does not exist is refused (T04), a doubled one is asked about (T05). Results are cached per rhythm and `When`, so
nothing here is on the per-patient path.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
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
    doses: int = 0  # of an interval: how many, 0 for as many as fill the days
    anchors: tuple[Rhythm, ...] = ()  # the orders it hangs on where that is no event
    lengths: tuple[int, ...] = ()  # minutes each of them runs, where it counts from their end
    which: str = ""  # of their doses: first, last, each

    def length(self, anchor: int) -> int:
        """Minutes from the start of an anchor's dose to where this order counts from."""
        return self.lengths[anchor] if self.lengths else 0


Nominal = tuple[int, int | None]  # a day, and minutes after its midnight where the hour is known


class Slot(NamedTuple):
    """One administration's place: day number, POSIX seconds (None in a relative schedule), and words for the offset."""

    day: int
    seconds: int | None
    offset: str


@lru_cache(maxsize=4096)
def place(rhythm: Rhythm, when: When) -> tuple[Slot, ...]:
    """The slots of an order in time order; raises `InputError` T03 (hour missing), T04 (gap), T05 (doubled hour)."""
    if when.day0 is None:
        return tuple(Slot(day, None, _words(rhythm, minutes)) for day, minutes in _nominal(rhythm, when))
    return tuple(slot(seconds, when) for seconds in starts(rhythm, when))


@lru_cache(maxsize=4096)
def starts(rhythm: Rhythm, when: When) -> tuple[int, ...]:
    """POSIX seconds of every dose of a dated schedule, in time order."""
    if rhythm.every:
        return tuple(first + n * rhythm.every * 60 for first, count in _courses(rhythm, when) for n in range(count))
    if rhythm.event:
        return tuple(moment + rhythm.offset * 60 for moment in _moments(rhythm, when))
    given = when.minutes(rhythm.order)
    return tuple(local(when, day, minutes, given[1] if given else None, rhythm.order) for day in rhythm.days for minutes in rhythm.clock)


def _courses(rhythm: Rhythm, when: When) -> list[tuple[int, int]]:
    """First start and number of doses of each run of consecutive days of an interval."""
    if rhythm.event:
        return [(_moments(rhythm, when)[0] + rhythm.offset * 60, counts(rhythm)[0])]
    minutes, fold = hour_of(rhythm, when, rhythm.order)
    days = [first for first, _ in runs(rhythm.days)]
    return [(local(when, day, minutes, fold, rhythm.order), count) for day, count in zip(days, counts(rhythm), strict=True)]


def counts(rhythm: Rhythm) -> list[int]:
    """How many doses an interval makes in each run of consecutive days: the stated number, else what fills the days."""
    return [rhythm.doses] if rhythm.doses else [length * 1440 // rhythm.every for _, length in runs(rhythm.days)]


def _moments(rhythm: Rhythm, when: When) -> tuple[int, ...]:
    """The instants a dose counts from: the hour of its event on each day, or the doses of the orders it hangs on."""
    if rhythm.anchors:
        ends = [start + rhythm.length(n) * 60 for n, anchor in enumerate(rhythm.anchors) for start in starts(anchor, when)]
        return _chosen(sorted(ends), rhythm.which)
    minutes, fold = hour_of(rhythm, when, rhythm.event)
    return tuple(local(when, rhythm.event_day + day, minutes, fold, rhythm.event) for day in rhythm.days)


def _chosen(found: list[Any], which: str) -> tuple[Any, ...]:
    return tuple({"first": found[:1], "last": found[-1:]}.get(which, found))


def _nominal(rhythm: Rhythm, when: When) -> list[Nominal]:
    """Where doses fall on a calendar without dates and clock changes; the hour is None where it hangs on an unknown one."""
    if rhythm.every:
        return [_later((day, minutes), n * rhythm.every) for (day, minutes), count in _nominal_courses(rhythm, when) for n in range(count)]
    if rhythm.event:
        return [_later(moment, rhythm.offset) for moment in _nominal_moments(rhythm, when)]
    return [(day, minutes) for day in rhythm.days for minutes in rhythm.clock]


def _nominal_courses(rhythm: Rhythm, when: When) -> list[tuple[Nominal, int]]:
    if rhythm.event:
        moment = _later(_nominal_moments(rhythm, when)[0], rhythm.offset)
        if moment[1] is None:
            hour_of(rhythm, when, rhythm.event)
        return [(moment, counts(rhythm)[0])]
    minutes, _ = hour_of(rhythm, when, rhythm.order)
    days = [first for first, _ in runs(rhythm.days)]
    return [((day, minutes), count) for day, count in zip(days, counts(rhythm), strict=True)]


def _nominal_moments(rhythm: Rhythm, when: When) -> tuple[Nominal, ...]:
    if rhythm.anchors:
        ends = [_later(one, rhythm.length(n)) for n, anchor in enumerate(rhythm.anchors) for one in _nominal(anchor, when)]
        return _chosen(sorted(ends, key=lambda one: (one[0], one[1] or 0)), rhythm.which)
    known = when.minutes(rhythm.event)
    hour = known[0] if known else next(iter(rhythm.clock), None)
    return tuple((rhythm.event_day + day, hour) for day in rhythm.days)


def _later(moment: Nominal, minutes: int) -> Nominal:
    """A nominal moment some minutes later; without an hour only whole days move it."""
    day, hour = moment
    if hour is None:
        return day + int(minutes / 1440), None
    return day + (hour + minutes) // 1440, (hour + minutes) % 1440


def _words(rhythm: Rhythm, minutes: int | None) -> str:
    """How a relative schedule tells a start: its clock time, or what it hangs on."""
    if rhythm.every or not rhythm.event:
        return say_clock(minutes or 0)
    hangs = forms.Offset(rhythm.offset, rhythm.event, rhythm.which, bool(rhythm.lengths))
    return hangs.text if rhythm.offset else hangs.anchor


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
