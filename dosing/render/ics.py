"""The administrations as a calendar: one event each, known again by its UID when a plan is issued anew.

Needs the extra `ical`, and a day 0: a relative schedule has no dates to put in a calendar.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dosing.errors import Fault, UsageError
from dosing.render import past, wording
from dosing.render.names import amount_text, name_of, prose, see, series, signable
from dosing.render.page import Sheet
from dosing.schedule import Administration, Schedule

PRODUCT = "-//dosing//dose schedule//EN"


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The schedule as iCalendar (RFC 5545) with its time zone; `UsageError` without day 0 or without icalendar."""
    if schedule.day0 is None:
        raise UsageError(Fault("format", "a calendar needs dates, and the schedule has no day 0", "add --day0 and --zone, or write another format.", "ics"))
    library = _icalendar()
    calendar = library.Calendar()
    for key, value in (("prodid", PRODUCT), ("version", "2.0"), ("calscale", "GREGORIAN"), ("method", "PUBLISH"), ("x-wr-calname", _title(sheet, schedule))):
        calendar.add(key, value)
    for row in past.every(schedule):
        calendar.add_component(_event(library.Event(), row, sheet, schedule))
    years = [row.date.year for row in schedule if row.date] or [schedule.day0.year]
    if schedule.zone != "UTC" and len(schedule):
        calendar.add_component(_zone(schedule.zone, min(years) - 1, max(years) + 1))  # so that both clock changes around the course are told
    data: bytes = calendar.to_ical()
    return data


@lru_cache(maxsize=16)
def _zone(name: str, first: int, last: int) -> Any:
    """The clock changes of a zone from one year to another; looked for hour by hour, so found once."""
    return _icalendar().Timezone.from_tzid(name, first_date=date(first, 1, 1), last_date=date(last + 1, 1, 1))


def _icalendar() -> Any:
    try:
        import icalendar
    except ImportError:
        raise UsageError(Fault("print", "the calendar needs icalendar, which is not installed", "install dosing[ical], or write .csv.", "ics")) from None
    return icalendar


def _title(sheet: Sheet, schedule: Schedule) -> str:
    state = "" if schedule.releasable else "NOT RELEASABLE: "
    return f"{state}{schedule.regimen['id']}@{schedule.regimen['version']}, document {sheet.document}"


def _event(event: Any, row: Administration, sheet: Sheet, schedule: Schedule) -> Any:
    begin = row.seconds or 0
    event.add("uid", uid(schedule, row, sheet.document))
    event.add("sequence", max(0, schedule.issue - 1))
    event.add("dtstamp", stamp(schedule))
    event.add("dtstart", local(begin, row.zone))
    if row.minutes:
        event.add("dtend", local(begin + row.minutes * 60, row.zone))
    event.add("summary", summary(schedule, row))
    event.add("description", _description(schedule, row, sheet))
    event.add("status", _status(schedule, row))
    event.add("transp", "TRANSPARENT")
    return event


def _status(schedule: Schedule, row: Administration) -> str:
    """A missed dose is cancelled, so that an earlier issue's event does not stay as a dose to give."""
    if past.lost(row):
        return "CANCELLED"
    return "CONFIRMED" if schedule.releasable else "TENTATIVE"


def uid(schedule: Schedule, row: Administration, document: str) -> str:
    """A name for one administration that a new issue keeps, and the move of day 0 too: series, order, number."""
    return f"{schedule.regimen['id']}.{series(schedule, document)}.{row.order}.{row.number}@dosing"


def stamp(schedule: Schedule) -> datetime:
    """When the calendar was made: the print time where it reads as a time with offset, else day 0; no clock is read."""
    try:
        printed = datetime.fromisoformat(schedule.printed_at)
    except ValueError:
        printed = None
    if printed is not None:
        return printed.replace(tzinfo=printed.tzinfo or ZoneInfo(schedule.zone)).astimezone(UTC)
    assert schedule.day0 is not None
    return datetime.combine(schedule.day0, time(), UTC)


def local(seconds: int, zone: str) -> datetime:
    """A moment in the hospital's zone; in the second of two like hours in UTC, as a calendar would read the first."""
    moment = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    return moment.astimezone(UTC) if moment.fold else moment


def summary(schedule: Schedule, row: Administration) -> str:
    """`fludarabine 55 mg, dose 1 of 4, day −5`; a held line begins with HOLD and names no amount."""
    what = f"{_mark(schedule, row)}{name_of(schedule, row.order)}"
    told = what if row.held else f"{what} {amount_text(schedule, row)}"
    name = schedule.identity.get("name")
    return f"{told}, dose {row.number} of {row.of}, {wording.day(row.day)}{f' ({name})' if name else ''}".replace(wording.NBSP, " ")


def _mark(schedule: Schedule, row: Administration) -> str:
    if row.held:
        return "HOLD, do not prepare: "
    if past.lost(row):
        return ""
    if past.given(row) is not None:
        return f"GIVEN{f', {part}' if (part := past.otherwise(schedule, row)) else ''}: "
    return "" if signable(schedule, row.order) else "QUERY OPEN: "


def _description(schedule: Schedule, row: Administration, sheet: Sheet) -> str:
    if past.lost(row):
        lines: tuple[str, ...] = (sheet.banner, sheet.status, past.note(schedule, row), sheet.footer)
    else:
        asked = "" if signable(schedule, row.order) and not row.held else see(schedule, row.order)
        recorded = past.note(schedule, row) if past.given(row) is not None else ""
        how = f"{wording.route(row.route)}, {wording.over(row.minutes)}"
        lines = (sheet.banner, sheet.status, how, recorded or asked, "" if row.held else prose(schedule, row.why), sheet.footer)
    return "\n".join(filter(None, lines)).replace(wording.NBSP, " ")
