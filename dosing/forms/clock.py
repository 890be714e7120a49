"""Written dates, clock times, zones, durations and the rhythm of an order: `2026-12-09`, `09:00`, `4 h before hsc`."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from dosing.errors import InputError, refuse

from .text import Codes, gate, plain, show

FIRST_YEAR, LAST_YEAR = 2000, 2099
FIRST_BIRTH = 1900
LONGEST_MINUTES = 31 * 24 * 60

_DATE_CODES, _TIME_CODES, _ZONE_CODES = Codes.all("T01"), Codes.all("T03"), Codes.all("T06")
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z")
_TWO_READINGS = r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})\Z"
_YEAR_FIRST = r"(\d{4})[/.\-](\d{1,2})[/.\-](\d{1,2})\Z"
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")
_FOLD = re.compile(r"(.+?)\s+(first|second)\Z")
_ZONE = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Za-z0-9]+(?:[_+\-][A-Za-z0-9]+)*){1,2}\Z")
_NO_PLACES = ("Etc/", "SystemV/")
_ZONE_READINGS = {
    "CST": ("America/Chicago", "Asia/Shanghai", "America/Havana"),
    "IST": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "EST": ("America/New_York", "America/Panama"),
    "BST": ("Europe/London", "Asia/Dhaka"),
}
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,2})?)\s*(min|minutes?|h|hours?|days?)\Z")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
_EVENT = re.compile(r"[a-z][a-z0-9._-]*\Z")
_ANCHOR = r"(?:the\s+)?(?:(?P<side_of>start|end)\s+of\s+)?(?:the\s+)?(?:(?P<which>first|last|each)\s+)?(?P<event>\S+)\Z"
_OFFSET = re.compile(r"(?P<duration>[\d.]+\s*[a-z]+)\s+(?P<side>before|after)\s+" + _ANCHOR)
_AT = re.compile(r"(?:at\s+)?" + _ANCHOR)
_NO_EVENTS = frozenset({"noon", "midnight", "now", "today", "tomorrow", "morning", "evening", "night", "at", "first", "last", "each", "start", "end"})


@lru_cache(maxsize=4096)
def read_date(text: str) -> dt.date:
    """Read a date YYYY-MM-DD of the years 2000 to 2099; `InputError` T01 (form) or T02 (no such day)."""
    return _read_day(text, FIRST_YEAR)


@lru_cache(maxsize=4096)
def read_birth(text: str) -> dt.date:
    """Read a date of birth YYYY-MM-DD of the years 1900 to 2099; `InputError` T01 or T02."""
    return _read_day(text, FIRST_BIRTH)


def _read_day(text: str, first: int) -> dt.date:
    text = gate(text, _DATE_CODES)
    found = _ISO_DATE.match(text)
    if found is None:
        raise _not_iso(text)
    year, month, day = map(int, found.groups())
    if not first <= year <= LAST_YEAR:
        raise _far_year(text, year, first)
    try:
        return dt.date(year, month, day)
    except ValueError:
        told = f"{show(text)} does not exist{_leap(year, month, day)}"
        raise refuse("T02", told, "write a day of the calendar.") from None


def _leap(year: int, month: int, day: int) -> str:
    return f"; {year} is not a leap year" if (month, day) == (2, 29) else ""


def _far_year(text: str, year: int, first: int) -> InputError:
    buddhist = f"; {year} may be a Buddhist year ({year - 543})" if first <= year - 543 <= LAST_YEAR else ""
    return refuse(
        "T02", f"{show(text)} is outside {first}-01-01 to {LAST_YEAR}-12-31{buddhist}", "write the year again."
    )


def _not_iso(text: str) -> InputError:
    if not text:
        return refuse("T01", "no date is written", "write YYYY-MM-DD, for example 2026-12-09; none is assumed.")
    if found := re.match(_TWO_READINGS, text):
        first, second, year = int(found[1]), int(found[2]), found[3]
        readings = _calendar_days((year, second, first), (year, first, second))
        told = f" could mean {' or '.join(readings)}" if len(readings) > 1 else " is not written year first"
        return refuse("T01", show(text) + told, f"write {' or '.join(readings) or 'YYYY-MM-DD'}.", readings=readings)
    if found := re.match(_YEAR_FIRST, text):
        readings = _calendar_days((found[1], int(found[2]), int(found[3])))
        return refuse("T01", f"{show(text)} is not YYYY-MM-DD", f"write {''.join(readings) or 'YYYY-MM-DD'}.")
    return refuse("T01", f"{show(text)} is not a date YYYY-MM-DD", "write year, month and day: 2026-12-09.")


def _calendar_days(*parts: tuple[str, int, int]) -> tuple[str, ...]:
    """The distinct readings that exist as days, as ISO dates."""
    written = (f"{year}-{month:02d}-{day:02d}" for year, month, day in parts if 0 < month < 13 and 0 < day < 32)
    return tuple(dict.fromkeys(written))


@lru_cache(maxsize=4096)
def read_time(text: str) -> int:
    """Read a 24-hour clock time HH:MM into minutes after midnight; `InputError` T03."""
    text = gate(text, _TIME_CODES)
    found = _TIME.match(text)
    if found is None:
        raise refuse("T03", f"{show(text)} is not a clock time", _time_cure(text))
    return int(found[1]) * 60 + int(found[2])


def _time_cure(text: str) -> str:
    if text == "24:00" or text == "midnight":
        return "write 00:00 and the date of the day that begins then."
    if re.match(r"\d:[0-5]\d\Z", text):
        return f"write it with two digits: 0{text}."
    if re.match(r"([01]\d|2[0-3])[0-5]\d\Z", text):
        return f"write it with a colon: {text[:2]}:{text[2:]}."
    return "write 24-hour HH:MM, for example 08:00 or 20:00."


def read_fold_time(text: str) -> tuple[int, int | None]:
    """Read `02:30`, `02:30 first` or `02:30 second` into minutes and the fold (None, 0, 1); `InputError` T03."""
    text = gate(text, _TIME_CODES)
    found = _FOLD.match(text)
    if found is None:
        return read_time(text), None
    return read_time(found[1]), 0 if found[2] == "first" else 1


def say_time(minutes: int) -> str:
    """Minutes after midnight as `HH:MM`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@lru_cache(maxsize=4096)
def read_zone(text: str) -> str:
    """Read the IANA name of a region's zone (`Asia/Shanghai`); `InputError` T06 for abbreviations and offsets."""
    text = gate(text, _ZONE_CODES)
    if not _is_region(text) or not _zone_exists(text):
        raise _no_zone(text)
    return text


def _is_region(name: str) -> bool:
    return bool(_ZONE.match(name)) and not name.startswith(_NO_PLACES)


def _zone_exists(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


def _no_zone(text: str) -> InputError:
    cure = "write a region and city, for example Asia/Shanghai or Europe/Berlin; no zone is assumed."
    if not text:
        return refuse("T06", "no time zone is written", cure)
    readings = _ZONE_READINGS.get(text.upper(), ())
    if readings:
        return refuse("T06", f"{show(text)} names several zones ({', '.join(readings)})", cure, readings=readings)
    if text.startswith("Etc/"):
        return refuse("T06", f"{show(text)} is no region, and Etc signs run backwards (Etc/GMT+8 is UTC-8)", cure)
    return refuse("T06", f"{show(text)} is not the name of a time zone", cure + _near_zone(text))


def _near_zone(text: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {name.rpartition("/")[2].lower(): name for name in available_timezones() if _is_region(name)}
    near = get_close_matches(text.rpartition("/")[2].lower().replace(" ", "_"), known, n=1, cutoff=0.8)
    return f" Did you mean {show(known[near[0]])}?" if near else ""


@lru_cache(maxsize=4096)
def read_duration(text: str) -> int:
    """Read `30 min`, `2 h`, `1.5 h` or `2 days` into whole minutes, above 0 and at most 31 days; `InputError` T03."""
    text = gate(text, _TIME_CODES)
    found = _DURATION.match(text)
    if found is None:
        raise refuse("T03", f"{show(text)} is not a duration", "write 30 min, 2 h or 1.5 h.")
    minutes = Decimal(found[1]) * _MINUTES[found[2][0]]
    if minutes != int(minutes) or not 0 < minutes <= LONGEST_MINUTES:
        raise refuse("T03", f"{show(text)} is not whole minutes above 0 and at most 31 days", "write 30 min or 2 h.")
    return int(minutes)


def say_duration(minutes: int) -> str:
    """Minutes as `2 h` where they are whole hours, else as `30 min`."""
    return f"{minutes} min" if minutes % 60 else f"{plain(Decimal(minutes // 60))} h"


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall-clock times of one day, in minutes after midnight, ascending."""

    minutes: tuple[int, ...]

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The canonical text `09:00, 21:00`."""
        return ", ".join(map(say_time, self.minutes))


@dataclass(frozen=True, slots=True)
class Offset:
    """Elapsed minutes from what `event` names (an event, an order or a drug), negative before it, 0 at it.

    `which` is `first`, `last` or `each` of several doses; they count from the start, with `end` from the end.
    """

    minutes: int
    event: str
    which: str = ""
    end: bool = False

    def __str__(self) -> str:
        return self.text

    @property
    def anchor(self) -> str:
        """What it counts from in words: `hsc`, `last bu`, `end of last bu`."""
        return " ".join(filter(None, ("end of" if self.end else "", self.which, self.event)))

    @property
    def text(self) -> str:
        """The canonical text `4 h before hsc`, `6 h after end of last bu` or `at hsc`."""
        if not self.minutes:
            return f"at {self.anchor}"
        return f"{say_duration(abs(self.minutes))} {'before' if self.minutes < 0 else 'after'} {self.anchor}"


@lru_cache(maxsize=4096)
def read_rhythm(text: str) -> Clock | Offset:
    """Read when a dose starts: clock times, or an offset from an event's hour; `InputError` T03."""
    text = gate(text, _TIME_CODES, limit=200)
    if text[:1].isdigit() and (found := _OFFSET.match(text)):
        minutes = read_duration(found["duration"])
        return _offset(text, -minutes if found["side"] == "before" else minutes, found)
    if not text[:1].isalpha():
        return _clock(text)
    found = _AT.match(text)
    return _offset(text, 0, found) if found else Offset(0, _event(text, ""))


@lru_cache(maxsize=4096)
def read_offset(text: str) -> Offset:
    """Read a time that hangs on something else, `6 h after end of last bu`; `InputError` T03 for a clock time."""
    found = read_rhythm(text)
    if isinstance(found, Clock):
        raise refuse("T03", f"{show(text)} hangs on nothing", "write for example: 6 h after end of last bu.")
    return found


def read_first(text: str) -> int | Offset:
    """Read the first hour of a dose with an interval: `02:00`, or `24 h after mtx1`; `InputError` T03."""
    return read_time(text) if text[:1].isdigit() and ":" in text else read_offset(text)


def _offset(text: str, minutes: int, found: re.Match[str]) -> Offset:
    return Offset(minutes, _event(text, found["event"]), found["which"] or "", found["side_of"] == "end")


def _event(text: str, name: str) -> str:
    if not _EVENT.match(name) or name in _NO_EVENTS:
        cure = "write HH:MM, 4 h before hsc, or at hsc; event names are small letters."
        raise refuse("T03", f"{show(text)} names no event", cure)
    return name


def _clock(text: str) -> Clock:
    minutes = tuple(read_time(part) for part in re.split(r"\s*,\s*", text))
    if list(minutes) != sorted(set(minutes)):
        cure = "write each time once, earliest first: 09:00, 21:00."
        raise refuse("T03", f"the times in {show(text)} are doubled or not in order", cure)
    return Clock(minutes)
