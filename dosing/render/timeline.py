"""Hours across each day as geometry: bars for infusions, ticks for starts without a duration, bands for clashes.

Minutes count from the day's midnight in the schedule's zone as elapsed time, so a day of 23 or 25 hours is drawn so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from dosing.render import past, wording
from dosing.render.names import amount_text, name_of, starts
from dosing.schedule import Administration, Schedule

SIGN, GAP = 12, 24  # minutes of paper that a sign of a label takes, and its distance from its mark


@dataclass(frozen=True, slots=True)
class Mark:
    """One administration on one day: where it starts and stops in minutes, its line, and its label with its place."""

    line: int
    first: int
    last: int
    kind: str  # bar, tick
    held: bool
    text: str
    side: str  # right, left, inside
    before: bool  # began on an earlier day
    after: bool  # goes on the next day


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of time in which several administrations run, and the lines it spans."""

    first: int
    last: int
    top: int
    bottom: int
    text: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One day of the timeline; `lines` are the drug names down, `hours` the clock labels across."""

    day: str
    date: str
    length: int
    hours: tuple[tuple[int, str], ...]
    lines: tuple[str, ...]
    marks: tuple[Mark, ...]
    bands: tuple[Band, ...]
    untimed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an administration that falls on one day."""

    row: Administration
    first: int
    last: int
    before: bool
    after: bool


def strips(schedule: Schedule) -> tuple[Strip, ...]:
    """One strip a day that has an administration or the rest of one; a dose without a clock time stands as text."""
    if schedule.day0 is None:
        return tuple(_relative(schedule, day) for day in sorted({row.day for row in schedule}))
    spans: dict[date, list[Span]] = {}
    for row in past.every(schedule):
        for day, span in _spans(row):
            spans.setdefault(day, []).append(span)
    return tuple(_strip(schedule, day, spans[day]) for day in sorted(spans))


def _relative(schedule: Schedule, day: int) -> Strip:
    told = tuple(f"{name_of(schedule, row.order)} {amount_text(schedule, row)}: {starts(schedule, row)}" for row in schedule if row.day == day)
    return Strip(wording.day(day), "", 0, (), (), (), (), told)


def _spans(row: Administration) -> Iterator[tuple[date, Span]]:
    """The days an administration touches; the midnight that ends it is not a day of its own."""
    assert row.seconds is not None
    zone = ZoneInfo(row.zone)
    start, end = row.seconds // 60, row.seconds // 60 + (row.minutes or 0)
    day = datetime.fromtimestamp(row.seconds, zone).date()
    while True:
        left, right = midnight(day, zone), midnight(day + timedelta(1), zone)
        yield day, Span(row, max(start, left) - left, min(end, right) - left, start < left, end > right)
        if end <= right:
            return
        day += timedelta(1)


def midnight(day: date, zone: ZoneInfo) -> int:
    """The first minute of a calendar day in a zone, as minutes of POSIX time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) // 60


def _strip(schedule: Schedule, day: date, spans: list[Span]) -> Strip:
    assert schedule.day0 is not None
    zone = ZoneInfo(schedule.zone)
    left = midnight(day, zone)
    length = midnight(day + timedelta(1), zone) - left
    lines, marks = _placed(schedule, spans, length)
    hours = tuple((minute, _clock(left + minute, zone)) for minute in range(0, length, 60))
    where = {id(span): mark.line for span, mark in zip(spans, marks, strict=True)}
    bands = tuple(_band(schedule, pair, where, left, zone) for pair in _clashes(spans))
    number = (day - schedule.day0).days
    return Strip(wording.day(number), wording.day_date(day, schedule.locale), length, hours, lines, marks, bands, ())


def _clock(minute: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(minute * 60, zone):%H:%M}"


def _placed(schedule: Schedule, spans: list[Span], length: int) -> tuple[tuple[str, ...], tuple[Mark, ...]]:
    """The lines of a day and the marks in the order of the spans: a new line where a label has no room."""
    lines: list[tuple[str, list[tuple[int, int]]]] = []
    placed: dict[int, Mark] = {}
    for order in dict.fromkeys(span.row.order for span in spans):
        mine = len(lines)
        for span in (span for span in spans if span.row.order == order):
            text, side, extent = _label(schedule, span, length)
            free = (n for n in range(mine, len(lines)) if all(extent[1] <= a or b <= extent[0] for a, b in lines[n][1]))
            line = next(free, len(lines))
            if line == len(lines):
                lines.append((name_of(schedule, order) if line == mine else "", []))
            lines[line][1].append(extent)
            kind = "bar" if span.last > span.first else "tick"
            placed[id(span)] = Mark(line, span.first, span.last, kind, span.row.held, text, side, span.before, span.after)
    return tuple(name for name, _ in lines), tuple(placed[id(span)] for span in spans)


def _label(schedule: Schedule, span: Span, length: int) -> tuple[str, str, tuple[int, int]]:
    """The label of a mark, on which side it stands, and the minutes that both take."""
    told = amount_text(schedule, span.row) + (", given" if past.given(span.row) is not None else "")
    text = f"{told}, continued" if span.before else f"{starts(schedule, span.row)}{wording.NBSP}{told}"
    room = SIGN * sum(2 if ord(sign) > 0x2E80 else 1 for sign in text) + GAP
    if span.last - span.first >= room + GAP:
        return text, "inside", (span.first, span.last)
    if span.last + room <= length:
        return text, "right", (span.first, span.last + room)
    return text, "left", (span.first - room, span.last)


def _clashes(spans: list[Span]) -> Iterable[tuple[int, int, tuple[Span, ...]]]:
    """Stretches in which at least two administrations run or start, with who is in them."""
    found: dict[tuple[int, int], dict[int, Span]] = {}
    for one, other in combinations(spans, 2):
        first, last = max(one.first, other.first), min(one.last, other.last)
        if first < last or (first == last and _starts_inside(one, other, first)):
            found.setdefault((first, last), {}).update({id(one): one, id(other): other})
    return [(first, last, tuple(found[first, last].values())) for first, last in sorted(found)]


def _starts_inside(one: Span, other: Span, at: int) -> bool:
    """Whether a start without a duration falls on another start, or into an infusion before its end."""
    return all(span.first == span.last == at or span.first <= at < span.last for span in (one, other))


def _band(schedule: Schedule, clash: tuple[int, int, tuple[Span, ...]], where: dict[int, int], left: int, zone: ZoneInfo) -> Band:
    first, last, spans = clash
    lines = [where[id(span)] for span in spans]
    names = ", ".join(dict.fromkeys(name_of(schedule, span.row.order) for span in sorted(spans, key=lambda span: where[id(span)])))
    ends = f" to {_clock(left + last, zone)}" if last > first else ""
    return Band(first, last, min(lines), max(lines), f"{_clock(left + first, zone)}{ends}: {names}")
