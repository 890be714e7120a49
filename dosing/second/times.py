"""The day and the start of every administration: calendar days in the zone, the hours a person wrote there."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from dosing.second.amounts import Order, read_line
from dosing.second.line import Line, When

Clock = tuple[tzinfo, int, dict[str, str], bool]  # zone, ordinal of day 0, events, whether day 0 is known
Start = tuple[int, float | None]

_NOMINAL = date(2001, 1, 1).toordinal()
_IS_WALL = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?: (first|second))?")


@lru_cache(maxsize=1024)
def _wall(text: str) -> tuple[time, time, int | None]:
    found = _IS_WALL.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a clock time; write it like 09:00")
    hour, minute = int(found[1]), int(found[2])
    stated = {None: None, "first": 0, "second": 1}[found[3]]
    return time(hour, minute), time(hour, minute, fold=1), stated


@lru_cache(maxsize=4096)
def places(line: Line, when: When) -> tuple[tuple[int, int, float | None], ...]:
    """Number, day and start of every administration; the same for every patient."""
    starts = enumerate(_starts(line, read_line(line), _read_clock(when)), 1)
    return tuple((number, day, start if when.day0 else None) for number, (day, start) in starts)


@lru_cache(maxsize=256)
def _read_clock(when: When) -> Clock:
    if not when.day0:
        return UTC, _NOMINAL, dict(when.times), False
    try:
        day0, zone = date.fromisoformat(when.day0), ZoneInfo(when.zone)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"day 0 {when.day0!r} in {when.zone!r}: give YYYY-MM-DD and an IANA zone") from error
    return zone, day0.toordinal(), dict(when.times), True


def _starts(line: Line, order: Order, clock: Clock) -> list[Start]:
    """Days and starts; where no day 0 is known, on a calendar without clock changes."""
    zone, day0, events, dated = clock
    if line.at:
        return [(day, _instant(zone, day0 + day, text, 0)) for day in line.days for text in line.at]
    if not line.event and not order.gap:
        return [(day, None) for day in line.days]
    begins = [_later(moment, line.offset, zone, day0) for moment in _moments(line, clock)] if line.event else [_first(line, clock)]
    if order.gap:
        begins = [_later(begins[0], place * order.gap // 60, zone, day0) for place in range(order.doses)]
    return begins


def _first(line: Line, clock: Clock) -> Start:
    """The first dose of an interval with an hour of its own."""
    zone, day0, _, dated = clock
    if not line.first and dated:
        raise ValueError("the hour of the first dose is missing; give it")
    return line.days[0], _instant(zone, day0 + line.days[0], line.first or "00:00", None)


def _moments(line: Line, clock: Clock) -> list[Start]:
    """What a line counts from: the hour of an event on each of its days, or the doses of the orders it hangs on."""
    zone, day0, events, dated = clock
    if line.anchors:
        ends = [_later(start, minutes, zone, day0) for anchor, minutes in zip(line.anchors, line.lengths or (0,) * len(line.anchors), strict=True)
                for start in _starts(anchor, read_line(anchor), clock)]  # fmt: skip
        ends.sort(key=lambda end: (end[0], end[1] or 0.0))
        return {"first": ends[:1], "last": ends[-1:]}.get(line.which, ends)
    text = events.get(line.event, "") or line.first
    if not text and dated:
        raise ValueError(f"the hour of {line.event} is missing; give it")
    return [(day, _instant(zone, day0 + day, text, None) if text else None) for day in line.days]


def _later(start: Start, minutes: int, zone: tzinfo, day0: int) -> Start:
    """A start some minutes later; without an hour only whole days move it."""
    day, seconds = start
    if seconds is None:
        return day + (minutes // 1440 if minutes > 0 else -(-minutes // 1440)), None
    return datetime.fromtimestamp(seconds + minutes * 60, zone).toordinal() - day0, seconds + minutes * 60


@lru_cache(maxsize=8192)
def _instant(zone: tzinfo, ordinal: int, text: str, unstated: int | None) -> float:
    """POSIX seconds of a wall time; its two folds (PEP 495) differ only where clocks go back or forward."""
    early_wall, late_wall, stated = _wall(text)
    on = date.fromordinal(ordinal)
    early = datetime.combine(on, early_wall, zone).timestamp()
    late = datetime.combine(on, late_wall, zone).timestamp()
    if early == late:
        return early
    if early > late:
        raise ValueError(f"{text} does not exist on {on} in {zone}; choose another time")
    fold = unstated if stated is None else stated
    if fold is None:
        raise ValueError(f"{text} is doubled on {on} in {zone}; add first or second")
    return late if fold else early
