"""The doses of one order in two saved schedules, by their numbers: what was given, what moved, what else changed.

A dose is where its date and clock are; its protocol day is only how it is counted, and is counted anew when day 0 moves.
What was given is told apart from what is planned.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from dosing.diff.change import NONE, Change, arrow, dates, days, drug, numbers
from dosing.diff.saved import Row, Saved

Pair = tuple[Row, Row]
RECORDED = {(False, True): "recorded as given", (True, True): "record of the given dose changed", (True, False): "no longer recorded as given"}
RELEASED = {(False, True): "released by name", (True, True): "release changed", (True, False): "release taken back"}
GIVEN = {"dose": "given", "start": "given at", "duration": "given over"}  # what a record says beside the plan it follows


class Sides(NamedTuple):
    """What two schedules have in common that their doses are compared by."""

    exact: bool  # the same day 0 and zone
    shifted: bool  # another day 0, and nothing was given: every dose moves with it, and day 0 tells it

    @classmethod
    def of(cls, a: Saved, b: Saved) -> Sides:
        """The two sides of a comparison."""
        given = any(row.given for row in (*a.administrations, *b.administrations))
        return cls((a.day0, a.zone) == (b.day0, b.zone), a.day0 != b.day0 and not given)


def changes(first: Sequence[Row], second: Sequence[Row], sides: Sides) -> Iterator[Change]:
    """The doses of one order, dose by dose by their number; those that one side lacks come last."""
    olds, news = {row.number: row for row in first}, {row.number: row for row in second}
    pairs = [(olds[number], news[number]) for number in olds if number in news]
    yield from _recorded(pairs, "given", RECORDED)
    yield from _moved(pairs, sides)
    yield from _grouped("dose", pairs, lambda row: row.state, _dose)
    alike = [(one, other) for one, other in pairs if one.state == other.state]
    yield from _grouped("calculated", alike, lambda row: str(row.calculated or ""), _calculated)
    yield from _started(pairs)
    if sides.exact:
        same = [(one, other) for one, other in pairs if (one.day, one.date, one.clock) == (other.day, other.date, other.clock)]
        yield from _grouped("start", same, lambda row: (row.start or "")[11:], lambda one, other: f"start {(one.start or '')[11:]} → {(other.start or '')[11:]}")
    yield from _grouped("duration", pairs, lambda row: row.length, lambda one, other: f"duration {arrow(one.length, other.length)}")
    yield from _grouped("route", pairs, lambda row: row.route or "", lambda one, other: f"route {arrow(one.route or '', other.route or '')}")
    yield from _grouped("drug", pairs, lambda row: drug(row.drug), lambda one, other: f"drug {arrow(drug(one.drug), drug(other.drug))}")
    yield from _recorded(pairs, "released", RELEASED)
    settled = [(one, other) for one, other in alike if one.calculated == other.calculated and one.drug == other.drug]
    yield from _grouped("working", settled, lambda row: row.why, lambda one, other: f"same dose by another working: {one.why} → {other.why}")
    for word, rows in (("removed", [olds[n] for n in olds if n not in news]), ("added", [news[n] for n in news if n not in olds])):
        if rows:
            yield Change("doses", f"{len(first)} → {len(second)} doses, {word} {told(rows)}", before=str(len(first)), after=str(len(second)))


def told(rows: Iterable[Row]) -> str:
    """`4 doses: 55 mg on days −5..−2`, in parts where the amounts differ or some are given."""
    parts = [(*key, list(part)) for key, part in groupby(rows, lambda row: (row.state, bool(row.given)))]
    return ", ".join(f"{len(part)} dose{'s' if len(part) > 1 else ''}: {state}{' given' if given else ''} {days(row.day for row in part)}" for state, given, part in parts)


def _by(pairs: Iterable[Pair], key: Callable[[Row, Row], Hashable]) -> dict[Hashable, list[Pair]]:
    """The pairs with the same key together, in the order they first come."""
    groups: dict[Hashable, list[Pair]] = {}
    for one, other in pairs:
        groups.setdefault(key(one, other), []).append((one, other))
    return groups


def _is_record(group: Sequence[Pair]) -> bool:
    """Whether these doses were planned in the first schedule and are given in the second."""
    return bool(group[0][1].given and not group[0][0].given)


def _kind(one: Row, other: Row) -> tuple[bool, bool]:
    return bool(one.given), bool(other.given)


def _grouped(what: str, pairs: Iterable[Pair], value: Callable[[Row], str], tell: Callable[[Row, Row], str]) -> Iterator[Change]:
    """One change for all doses whose value changed alike, with the days they stand on; given and planned ones apart."""
    changed = [pair for pair in pairs if value(pair[0]) != value(pair[1])]
    for group in _by(changed, lambda one, other: (value(one), value(other), _kind(one, other))).values():
        before, after = value(group[0][0]), value(group[0][1])
        text = f"{GIVEN[what]} {after or NONE}, planned {before or NONE}," if what in GIVEN and _is_record(group) else tell(*group[0])
        yield Change(what, f"{text} {_places(group)}", before=before, after=after)


def _places(group: Sequence[Pair]) -> str:
    """The days of a group of doses, with the dose numbers where a day has several."""
    rows = [other for _, other in group]
    shared = len({row.day for row in rows}) < len(rows)
    count = f" ({numbers(row.number for row in rows)} of {rows[0].of})"
    return days(row.day for row in rows) + (count if shared else "")


def _dose(one: Row, other: Row) -> str:
    if other.held:
        return f"line HELD, was {one.state},"
    return f"line released: {other.state}" if one.held else arrow(one.state, other.state)


def _calculated(one: Row, other: Row) -> str:
    kept = "still on HOLD" if other.held else f"still {other.state}"
    return f"calculated {arrow(str(one.calculated or NONE), str(other.calculated or NONE))}, {kept},"


def _moved(pairs: Iterable[Pair], sides: Sides) -> Iterator[Change]:
    """The doses that stand on another date, those moved alike together; then those that are only counted anew from day 0."""
    placed = [(pair, _shift(*pair)) for pair in pairs]
    gone = [(one, other) for (one, other), shift in placed if (shift and not (sides.shifted and one.day == other.day)) or (shift is None and one.day != other.day)]
    for group in _by(gone, lambda one, other: (_shift(one, other), _kind(one, other))).values():
        yield Change("days", _move(group, _shift(*group[0])), before=_where(one for one, _ in group), after=_where(other for _, other in group))
    stayed = [(one, other) for (one, other), shift in placed if shift == 0 and one.day != other.day]
    for group in _by(stayed, lambda one, other: bool(other.given)).values():
        given = "the given " if group[0][1].given else ""
        text = f"{given}{numbers(one.number for one, _ in group)} stay{'s' if len(group) == 1 else ''} on {dates(_dates(group, 1))}, counted anew: {_counted(group)}"
        yield Change("days", text, before=_where(one for one, _ in group), after=_where(other for _, other in group))


def _counted(group: Sequence[Pair]) -> str:
    """`days −6..−4, were days −5..−3`, or the days alone where they stayed."""
    before, after = (days(row.day for row in side).removeprefix("on ") for side in zip(*group, strict=True))
    return after if before == after else f"{after}, {'were' if before.startswith('days') else 'was'} {before}"


def _shift(one: Row, other: Row) -> int | None:
    """How many days later a dose stands; None where one of the two has no date."""
    return (date.fromisoformat(other.date) - date.fromisoformat(one.date)).days if one.date and other.date else None


def _move(group: Sequence[Pair], shift: int | None) -> str:
    """A move in words: by dates where both sides have them, else by the protocol's days."""
    if shift is None:
        before, after = (days(row.day for row in side) for side in zip(*group, strict=True))
        count = f"dose {group[0][0].number}" if len(group) == 1 else f"{len(group)} doses"
        return f"{count} moved: {after}, was {before.removeprefix('on ')}"
    who, old, new = numbers(one.number for one, _ in group), dates(_dates(group, 0)), dates(_dates(group, 1))
    if _is_record(group):
        return f"{who} given on {new}, planned {old} ({_counted(group)})"
    return f"{who} moved {abs(shift)} day{'s' if abs(shift) > 1 else ''} {'later' if shift > 0 else 'earlier'}: {old} → {new} ({_counted(group)})"


def _dates(group: Iterable[Pair], side: int) -> list[str]:
    return [pair[side].date or "" for pair in group]


def _where(rows: Iterable[Row]) -> str:
    """The days of doses, with their dates where they have them, for programs."""
    rows = list(rows)
    there = ", ".join(sorted({row.date for row in rows if row.date}))
    return days(row.day for row in rows) + (f" ({there})" if there else "")


def _started(pairs: Iterable[Pair]) -> Iterator[Change]:
    """The doses whose hour changed, all together: a shifted six-hourly course is one change."""
    for moved in _by([(one, other) for one, other in pairs if one.clock != other.clock], _kind).values():
        hours = list(dict.fromkeys((one.clock, other.clock) for one, other in moved))
        before, after = (", ".join(hour or NONE for hour in side) for side in zip(*hours, strict=True))
        said = [f"given at {new or NONE}, planned {old or NONE}" if _is_record(moved) else arrow(old, new) for old, new in hours]
        text = ("; ".join(said) + ",") if _is_record(moved) else f"start {', '.join(said)}"
        yield Change("start", f"{text} {_places(moved)}", before=before, after=after)


def _recorded(pairs: Iterable[Pair], what: str, words: dict[tuple[bool, bool], str]) -> Iterator[Change]:
    """What a course recorded of doses: given, released by name, or taken back."""
    changed = [pair for pair in pairs if getattr(pair[0], what) != getattr(pair[1], what)]
    for group in _by(changed, lambda one, other: (bool(getattr(one, what)), bool(getattr(other, what)))).values():
        before, after = (bool(getattr(row, what)) for row in group[0])
        place, there = days(other.day for _, other in group), _dates(group, 1)
        dated = f"on {dates(there)} ({place.removeprefix('on ')})" if all(there) else place
        yield Change(what, f"{numbers(other.number for _, other in group)} {words[before, after]} {dated}")
