"""What a course has come to: the inputs as they are now, and for each order what was done and what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from dosing.course import moment
from dosing.course.events import Planned, Start
from dosing.engine.settle import Change, Line, Settled, settle
from dosing.engine.timeline import Slot, place, runs, slot
from dosing.errors import Fault, UsageError, refuse
from dosing.patient import When
from dosing.regimen.library import library


@dataclass(frozen=True)
class Inputs:
    """Everything a plan is asked with, as it stands now; equal inputs are settled once."""

    regimen: str
    blocks: tuple[str, ...]
    folders: tuple[str, ...]
    choose: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]
    when: When
    bsa: str
    patient: tuple[tuple[str, str], ...]
    locale: str = ""

    @property
    def settled(self) -> Settled:
        """The settled regimen of these inputs."""
        return _settled(self.regimen, self.blocks, self.folders, self.choose, self.changes, self.when.times)

    @property
    def facts(self) -> dict[str, str]:
        """The patient as the texts that were entered."""
        return dict(self.patient)

    def line(self, order: str) -> Line | None:
        """The line of an order, None where the regimen as it stands has none."""
        return _by_id(self.settled).get(order)


@lru_cache(maxsize=512)
def _settled(regimen: str, blocks: tuple[str, ...], folders: tuple[str, ...], choose: tuple[tuple[str, str], ...],
             changes: tuple[Change, ...], hours: tuple[tuple[str, str], ...]) -> Settled:  # fmt: skip
    shelf = library(folders)
    return settle(shelf.regimen(regimen), [shelf.regimen(block) for block in blocks], changes, dict(choose), dict(hours), True, shelf)


@lru_cache(maxsize=512)
def _by_id(settled: Settled) -> dict[str, Line]:
    return {line.id: line for line in settled.lines}


class Segment(NamedTuple):
    """Some doses that are left, and how their starts are found.

    `grid`: as the regimen says, by number; `dates`: one date and clock text each; `every`: the first at a date and
    clock text, the others by the order's elapsed interval after it.
    """

    kind: str
    numbers: tuple[int, ...]
    walls: tuple[str, ...] = ()


class Done(NamedTuple):
    """One dose that was given or missed, with the entries that say so: the first, then its corrections."""

    number: int
    missed: bool
    seconds: int
    stop: int | None
    amount: tuple[str, str] | None
    planned: Planned
    entry: Any
    corrections: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Lane:
    """One order of a course: doses done by number, and the segments left, in order."""

    done: tuple[Done, ...] = ()
    rest: tuple[Segment, ...] = ()
    stopped: tuple[int, ...] = ()  # numbers that will not be given because a person stopped them

    @property
    def left(self) -> tuple[int, ...]:
        """The numbers still to be given, ascending."""
        return tuple(number for part in self.rest for number in part.numbers)

    @property
    def given(self) -> tuple[Done, ...]:
        """The doses that were given."""
        return tuple(one for one in self.done if not one.missed)

    def find(self, number: int) -> Done | None:
        """The record of a dose, None while it is not done."""
        return next((one for one in self.done if one.number == number), None)


@dataclass(frozen=True)
class Released:
    """A release as it was made: which start and amount it stands for."""

    entry: Any
    recalled: Any = None


@dataclass(frozen=True)
class State:
    """A course at one entry of its ledger."""

    inputs: Inputs
    lanes: Mapping[str, Lane]
    zero: date  # day 0 as the course was started with
    now: int | None = None  # the latest moment that any entry tells
    answers: tuple[dict[str, str], ...] = ()
    releases: Mapping[tuple[str, int], Released] = field(default_factory=dict)
    told: tuple[tuple[str, str, str, str, str], ...] = ()  # chosen outcomes: kind, order or "", name, by, why
    reweighed: str = ""
    two: tuple[str, ...] = ()
    other_files: tuple[str, ...] = ()  # files of the library that are not those of the start

    @property
    def when(self) -> When:
        """Day 0, zone and hours as they stand now."""
        return self.inputs.when

    @property
    def day0(self) -> date:
        """Day 0 as it stands now."""
        assert self.inputs.when.day0
        return self.inputs.when.day0

    @property
    def zone(self) -> str:
        """The zone of the course."""
        return self.inputs.when.zone

    def lane(self, order: str) -> Lane:
        """What is done and left of an order; `UsageError` with the nearest name for an unknown one."""
        if order not in self.lanes:
            from dosing.errors import closest

            raise UsageError(Fault("R05", f'there is no order "{order}" in this course', closest(order, self.lanes), "order"))
        return self.lanes[order]

    def with_lane(self, order: str, lane: Lane) -> State:
        """The state with one lane replaced."""
        return replace(self, lanes={**self.lanes, order: lane})

    def with_inputs(self, **changed: Any) -> State:
        """The state with some inputs replaced."""
        return replace(self, inputs=replace(self.inputs, **changed))

    def starts(self, order: str) -> dict[int, Slot]:
        """The planned places of the doses that are left of an order, by number."""
        return places(self.inputs, order, self.lane(order).rest)


@lru_cache(maxsize=8192)
def places(inputs: Inputs, order: str, rest: tuple[Segment, ...]) -> dict[int, Slot]:
    """Number to place of the doses of some segments; `InputError` T04 or T05 where a clock time cannot be told."""
    line = inputs.line(order)
    found: dict[int, Slot] = {}
    for part in rest if line else ():
        assert line
        found |= dict(zip(part.numbers, _slots(part, line, inputs.when), strict=True))
    return found


def _slots(part: Segment, line: Line, when: When) -> list[Slot]:
    if part.kind == "grid":
        return [_on_grid(line, when, part.numbers)[number] for number in part.numbers]
    if part.kind == "dates":
        return [slot(_wall(text, when, line.id), when) for text in part.walls]
    begin = _wall(part.walls[0], when, line.id)
    return [slot(begin + place_ * line.rhythm.every * 60, when) for place_ in range(len(part.numbers))]


def _on_grid(line: Line, when: When, numbers: tuple[int, ...]) -> dict[int, Slot]:
    """The regimen's own places by number; of an order by the clock only the days asked for are placed."""
    rhythm = line.rhythm
    if rhythm.every or rhythm.event:
        return dict(enumerate(place(rhythm, when), 1))
    daily = len(rhythm.clock)
    days = tuple(day for at, day in enumerate(rhythm.days) if any((number - 1) // daily == at for number in numbers))
    first = {day: rhythm.days.index(day) * daily + 1 for day in days}
    slots = place(rhythm._replace(days=days), when)
    return {first[day] + turn: slots[at * daily + turn] for at, day in enumerate(days) for turn in range(daily)}


def _wall(text: str, when: When, order: str) -> int:
    day, _, clock = text.partition(" ")
    return moment.at_wall(date.fromisoformat(day), clock, when.zone, order)


def wall_text(seconds: int, zone: str) -> str:
    """An instant as the date and clock text that a segment holds."""
    day, clock = moment.wall(seconds, zone)
    return f"{day} {clock}"


def begin(entry: Start, folders: tuple[str, ...] = ()) -> State:
    """The state after the start entry: every dose of every line is left, on the regimen's own grid."""
    when = When.of(entry.day0, entry.zone, entry.times)
    if when.day0 is None:
        raise refuse("T06", "a course has no day 0", "add --day0 DATE and --zone ZONE.", "day0")
    changes = tuple(Change(one["key"], one["value"], one.get("by", ""), one.get("reason", ""), one.get("second", "")) for one in entry.set)
    inputs = Inputs(entry.regimen, entry.blocks, folders, tuple(entry.choose.items()), changes, when, entry.bsa, tuple(entry.patient.items()), entry.locale)
    lanes = {line.id: Lane(rest=whole(line)) for line in inputs.settled.lines}
    return State(inputs, lanes, when.day0, answers=entry.answers, two=entry.two, other_files=other_files(entry, inputs))


def whole(line: Line, after: int = 0) -> tuple[Segment, ...]:
    """The doses of a line with a number above `after`, on its own grid."""
    numbers = tuple(range(after + 1, count_of(line) + 1))
    return (Segment("grid", numbers),) if numbers else ()


def count_of(line: Line) -> int:
    """How many administrations the regimen orders on the calendar."""
    rhythm = line.rhythm
    if rhythm.every:
        return sum(length * 1440 // rhythm.every for _, length in runs(rhythm.days))
    return len(rhythm.days) * (1 if rhythm.event else len(rhythm.clock))


def files_of(inputs: Inputs) -> dict[str, str]:
    """The regimen, block and drug files of a course by id, each with its SHA-256."""
    settled = inputs.settled
    named = {part.id: part.sha256 for part in (settled.regimen, *settled.blocks)}
    return named | {f"drugs/{line.drug.id}": line.drug.sha256 for line in settled.lines if line.drug.sha256}


def other_files(entry: Start, inputs: Inputs) -> tuple[str, ...]:
    """The regimen and drug files that differ from those the course was started with, each with its checksum's first digits."""
    there = files_of(inputs)
    return tuple(f"{name} (now {there[name][:10]})" for name, sha in entry.files.items() if there.get(name, sha) != sha)


@lru_cache(maxsize=16_384)
def day_of(seconds: int, when: When) -> int:
    """The calendar day of an instant, counted from day 0 as it is now."""
    return slot(seconds, when).day

