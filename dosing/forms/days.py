"""Written protocol days: `-5..-2`, `-5 to -2`, `+1, +3, +6, +11`, `day − 5`; day 0 is the day of transplantation."""

from __future__ import annotations

import re
from functools import lru_cache

from dosing.errors import InputError, refuse

from .text import MINUS_SIGNS, Codes, gate, show

FIRST_DAY, LAST_DAY = -120, 400  # hydroxyurea from day -100 in NCT03298399

_CODES = Codes(digit="Y03", alike="Y06", comma="Y06", group="Y03", point="Y03")
_MISSING = frozenset({"", "null", "none", "~", "nan", "na", "n/a", "nil", "?", "-", "tbd", "unknown", "not given"})
_SPLIT = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")
_RANGE = re.compile(r"\s*\.\.\s*|\s+(?:to|through)\s+", re.I)
_DAY = re.compile(r"(?:days?\s*|d\s*)?(?P<sign>[+-]|minus\s|plus\s)?\s*(?P<number>\d{1,12})\Z", re.I)
_NOT_WHOLE = r"(?:days?\s*|d\s*)?(?:[+-]\s*[\w.]+|\d+(?:\.\d+|e\d+)|one|two|three|four|five|six|seven|eight)\Z"
_SIGNS = {"+": 1, "-": -1, "minus": -1, "plus": 1}


@lru_cache(maxsize=4096)
def read_days(text: str) -> tuple[int, ...]:
    """Read written days into ascending day numbers; `InputError` Y01-Y07 (signs are needed, except for 0)."""
    text = gate(text, _CODES, MINUS_SIGNS + "—→", limit=400)
    if text.lower() in _MISSING:
        raise refuse("Y07", "no days are given", "write them with signs: -5..-2 or +1, +3, +6; none are filled in.")
    plain = text.translate({ord(sign): "-" for sign in MINUS_SIGNS})
    days: list[int] = []
    for piece in _SPLIT.split(plain):
        days.extend(_piece(text, piece))
    return _without_doubles(text, days)


def say_days(days: tuple[int, ...]) -> str:
    """The canonical text of days: runs of three or more as `-5..-2`, else a list `+3, +4`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(_say_run(run) for run in runs)


def say_day(day: int) -> str:
    """One day with its sign: `-5`, `0`, `+1`."""
    return f"{day:+d}" if day else "0"


def _say_run(run: list[int]) -> str:
    if len(run) > 2:
        return f"{say_day(run[0])}..{say_day(run[-1])}"
    return ", ".join(map(say_day, run))


def _piece(text: str, piece: str) -> range | tuple[int, ...]:
    ends = [_day(text, end) for end in _RANGE.split(piece)]
    if len(ends) > 2:
        raise _unreadable(text, piece)
    if len(ends) == 1:
        return (ends[0],)
    if ends[0] >= ends[1]:
        raise _backwards(text, *ends)
    return range(ends[0], ends[1] + 1)


def _day(text: str, written: str) -> int:
    found = _DAY.match(written)
    if found is None:
        raise _unreadable(text, written)
    number = int(found["number"])
    if bool(found["sign"]) == (number == 0):
        raise _sign(text, number)
    day = number * _SIGNS[found["sign"].strip().lower()] if number else 0
    if not FIRST_DAY <= day <= LAST_DAY:
        cure = f"days run from {FIRST_DAY} to {LAST_DAY:+d}; check the number."
        raise refuse("Y05", f"day {day:+d} in {show(text)} is outside the window", cure)
    return day


def _sign(text: str, number: int) -> InputError:
    if number == 0:
        return refuse("Y01", f"{show(text)} has a sign before 0", "write 0 for day 0; was a digit lost, as in -10?")
    readings = (f"-{number}", f"+{number}")
    return refuse(
        "Y01",
        f"day {number} in {show(text)} has no sign",
        f"write -{number} for before day 0 or +{number} for after it; a course before day 0 is written -8 to -5.",
        readings=readings,
    )


def _backwards(text: str, first: int, last: int) -> InputError:
    if first == last:
        cure = f"write {say_day(first)} for one day, or the last day of the range."
        return refuse("Y02", f"the range in {show(text)} ends on the day it starts", cure)
    days = range(last, first + 1)
    listed = ", ".join(map(say_day, days)) if len(days) <= 10 else f"{say_day(last)} … {say_day(first)}"
    cure = f"write {say_day(last)} to {say_day(first)} ({len(days)} days: {listed})."
    return refuse("Y02", f"{show(text)} runs backwards", cure)


def _unreadable(text: str, written: str) -> InputError:
    cure = "write days as -5..-2, -5 to -2, or a list -5, -3"
    where = f"{show(written)} in {show(text)}" if written not in ("", text) else show(text)
    if re.match(_NOT_WHOLE, written, re.I):
        return refuse("Y03", f"{where} is not a whole day in the digits 0-9", "write whole days, as in -5 to -2.")
    return refuse("Y06", f"{where} is not a list or a range of days", f"{cure}; an end by event has its own field.")


def _without_doubles(text: str, days: list[int]) -> tuple[int, ...]:
    doubled = sorted({day for day in days if days.count(day) > 1})
    if doubled:
        named = ", ".join(map(say_day, doubled))
        raise refuse("Y04", f"day {named} stands twice in {show(text)}", "name each day once (double dose or slip?).")
    return tuple(sorted(days))
