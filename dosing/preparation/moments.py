"""When something is prepared, thawed or given: a date and hour of the schedule's zone, or so long before the start."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dosing import forms
from dosing.engine.timeline import local
from dosing.errors import DosingError, refuse
from dosing.patient import When
from dosing.schedule import Administration

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?: (?:first|second))?)")


class Moment(NamedTuple):
    """Minutes before a start, or a date with a clock time, as written; `where` names it in a refusal."""

    before: int | None
    day: str
    clock: str
    where: str


def read_moment(text: str, where: str) -> Moment:
    """`2 h before` or `2027-01-10T07:30`; `InputError` T01 or T03 for another form."""
    if text.endswith(" before"):
        return Moment(_minutes(text.removesuffix(" before"), where), "", "", where)
    found = _FORM.fullmatch(text.strip(" "))
    if not found:
        raise refuse("T01", f'"{text[:40]}" is no moment', 'write 2027-01-10T07:30 (in the zone of the schedule) or "2 h before".', where)
    return Moment(None, found[1], found[2], where)


def _minutes(text: str, where: str) -> int:
    try:
        return forms.read_duration(text)
    except DosingError as error:
        raise error.at(where) from None


def seconds_of(moment: Moment, start: int | None, zone: str) -> int | None:
    """A moment as POSIX seconds; None in a relative schedule. `InputError` for a date or hour that does not exist."""
    if start is None:
        return None
    if moment.before is not None:
        return start - moment.before * 60
    try:
        minutes, fold = forms.read_fold_time(moment.clock)
        return local(When(forms.read_date(moment.day), zone), 0, minutes, fold, moment.where)
    except DosingError as error:
        raise error.at(moment.where) from None


def stop_of(row: Administration, minutes: int | None) -> int | None:
    """The planned end of an infusion in POSIX seconds; None where its start or length is not known."""
    return row.seconds + minutes * 60 if row.seconds is not None and minutes else None


def day_after(row: Administration, minutes: int) -> tuple[int, int | None]:
    """The day number and POSIX seconds of something that starts minutes after a row's start."""
    if row.seconds is None or row.date is None:
        return row.day + minutes // 1440, None
    later = row.seconds + minutes * 60
    return row.day + (datetime.fromtimestamp(later, ZoneInfo(row.zone)).date() - row.date).days, later


def spoken_moment(seconds: int, zone: str) -> str:
    """An instant for people, `Sun 10 Jan 2027 09:00`, in its zone."""
    return f"{datetime.fromtimestamp(seconds, ZoneInfo(zone)):%a %d %b %Y %H:%M}"
