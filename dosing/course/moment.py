"""Moments of a course: a date and a clock time typed by a person, always with the zone's offset; no clock is read."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dosing import forms
from dosing.engine.timeline import local
from dosing.errors import InputError, refuse
from dosing.patient import When
from dosing.schedule import iso

FORM = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::00)?(?:(Z|[+-]\d\d:\d\d)| (first|second))?")


@lru_cache(maxsize=4096)
def read_moment(text: str, zone: str, where: str = "at") -> int:
    """`2027-01-10T09:10` in a zone, or with an offset, as POSIX seconds.

    `InputError` T01 to T03 for another form, T04 for a time that does not exist, T05 for a doubled one without offset.
    """
    found = FORM.fullmatch(text.strip())
    if not found:
        raise refuse("T01", f'"{text[:40]}" is not a date and a clock time', "write 2027-01-10T09:10, or with an offset 2027-01-10T09:10+08:00.", where)
    day, clock, offset, fold = found.groups()
    written = forms.read_date(day)
    minutes = forms.read_time(clock)
    if offset:
        return _with_offset(text.strip(), zone, where)
    chosen = {None: None, "first": 0, "second": 1}[fold]
    try:
        return local(When(written, zone), 0, minutes, chosen, where)
    except InputError as error:  # the moment is told whole, with its date
        cure = f'write "{day}T{clock} first" or "{day}T{clock} second".' if error.code == "T05" else error.faults[0].do
        raise refuse(error.code, error.faults[0].what, cure, where) from None


def _with_offset(text: str, zone: str, where: str) -> int:
    """The instant of a text with an offset, which must be the zone's own at that moment."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() not in (moment.astimezone(ZoneInfo(zone)).utcoffset(), timedelta(0)):
        raise refuse("T06", f'the offset of "{text}" is not that of {zone} then', f"write {iso(int(moment.timestamp()), zone)}.", where)
    return int(moment.timestamp())


def stamp(seconds: int, zone: str) -> str:
    """POSIX seconds as `2027-01-10T09:10:00+08:00`."""
    return iso(seconds, zone) or ""


@lru_cache(maxsize=4096)
def wall(seconds: int, zone: str) -> tuple[date, str]:
    """The calendar date and the clock text of an instant; in a doubled hour the text ends in `first` or `second`."""
    there = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    doubled = there.replace(fold=0).utcoffset() != there.replace(fold=1).utcoffset()
    return there.date(), f"{there:%H:%M}" + (f" {'second' if there.fold else 'first'}" if doubled else "")


def at_wall(day: date, clock: str, zone: str, name: str) -> int:
    """POSIX seconds of a date and a clock text; T04 for a time in a gap, T05 for a doubled one that is not told apart."""
    minutes, fold = forms.read_fold_time(clock)
    return local(When(day, zone), 0, minutes, fold, name)


def moved(text: str, days: int) -> str:
    """`2027-01-13 09:00` some days later by the calendar, at the same clock time."""
    day, _, clock = text.partition(" ")
    return f"{date.fromisoformat(day) + timedelta(days)} {clock.split()[0]}"


def spoken(seconds: int, zone: str) -> str:
    """An instant for people: `Wed 2027-01-13 09:00`."""
    return f"{datetime.fromtimestamp(seconds, ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def hours(seconds: float) -> str:
    """A length of time in hours for people: `3.5 h`."""
    return f"{round(seconds / 3600, 2):g} h"
