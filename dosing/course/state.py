"""What a course has come to: the inputs as they are now, and for each order what was done and what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

from dosing.course import places
from dosing.course.events import Planned, Start
from dosing.course.ledger import chained, digest
from dosing.engine.adjust import House
from dosing.engine.settle import Change, Line, Settled, settle
from dosing.engine.timeline import Slot, slot
from dosing.errors import Fault, UsageError, closest, refuse
from dosing.patient import When
from dosing.regimen.library import library
from dosing.regimen.site import Happening
from dosing.units import in_unit

T = TypeVar("T")
MOST = 64  # results kept for one order; what a person only looks at must not pile up


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
    house: House = House()

    @cached_property
    def settled(self) -> Settled:
        """The settled regimen of these inputs."""
        return _settled(self.regimen, self.blocks, self.folders, self.choose, self.changes, self.when.times, self.house)

    @cached_property
    def facts(self) -> dict[str, str]:
        """The patient as the texts that were entered."""
        return dict(self.patient)

    def line(self, order: str) -> Line | None:
        """The line of an order, None where the regimen as it stands has none."""
        return self._lines.get(order)

    @cached_property
    def _lines(self) -> dict[str, Line]:
        return _by_id(self.settled)

    @cached_property
    def calendar(self) -> object:
        """A key for day 0, zone and hours that is cheap to compare."""
        return _calendar(self.when)


@lru_cache(maxsize=512)
def _settled(regimen: str, blocks: tuple[str, ...], folders: tuple[str, ...], choose: tuple[tuple[str, str], ...],
             changes: tuple[Change, ...], hours: tuple[tuple[str, str], ...], house: House) -> Settled:  # fmt: skip
    shelf = library(folders)
    return settle(shelf.regimen(regimen), [shelf.regimen(block) for block in blocks], changes, dict(choose), dict(hours), True, shelf, house)


@lru_cache(maxsize=1024)
def _calendar(when: When) -> object:
    return object()


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

    @property
    def extra(self) -> bool:
        """Whether it was given without ever being planned."""
        return bool(getattr(self.entry, "extra", False))

    @property
    def partial(self) -> bool:
        """Whether it was stopped before the whole dose was in, and no correction says that it all went in."""
        whole = self.planned.amount or self.planned.calculated
        return bool(getattr(self.entry, "partial", False)) and not self.missed and not (whole and self.amount != self.entry.amount and _is_whole(self.amount, whole))

    @property
    def said(self) -> Any:
        """The entry that says whether it was given or missed: the last correction that turned that, else the first."""
        missed, found = self.entry.what == "miss", self.entry
        for one in self.corrections:
            turned = one.missed or (missed and not (one.amount or one.start))
            missed, found = turned, one if turned != missed else found
        return found


def _is_whole(amount: tuple[str, str] | None, planned: tuple[str, str]) -> bool:
    """Whether an amount is not less than the planned one."""
    return amount is not None and in_unit(*amount, planned[1]) >= Fraction(planned[0])


class Kept:
    """Something that never changes, with what was worked out from it: nothing is done again for what stayed the same."""

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """What was worked out so far, by its key."""
        return {}

    def once(self, key: Any, work: Callable[[], T]) -> T:
        """What `work` gives, worked out once; `key` names everything else it depends on."""
        kept = self.kept
        if key not in kept:
            if len(kept) > MOST:
                kept.clear()
            kept[key] = work()
        return kept[key]  # type: ignore[no-any-return]


class Past(Kept, tuple[Done, ...]):
    """The doses of an order that are done, in the order of their records."""

    @cached_property
    def given(self) -> tuple[Done, ...]:
        """The doses that were given, in time order."""
        return tuple(sorted((one for one in self if not one.missed), key=lambda one: one.seconds))


@dataclass(frozen=True)
class Lane(Kept):
    """One order of a course: doses done, and the segments left, in order."""

    done: Past = Past()
    rest: tuple[Segment, ...] = ()
    stopped: tuple[int, ...] = ()  # numbers that will not be given because a person stopped them

    @cached_property
    def left(self) -> tuple[int, ...]:
        """The numbers still to be given, ascending."""
        return tuple(number for part in self.rest for number in part.numbers)

    @property
    def given(self) -> tuple[Done, ...]:
        """The doses that were given, in time order."""
        return self.done.given

    @cached_property
    def highest(self) -> int:
        """The highest number of any dose, 0 where there is none."""
        return max((*(one.number for one in self.done), *self.left, *self.stopped), default=0)

    def find(self, number: int) -> Done | None:
        """The record of a dose, None while it is not done."""
        return next((one for one in self.done if one.number == number), None)


@dataclass(frozen=True)
class Released:
    """A release as it was made: which start and amount it stands for."""

    entry: Any
    recalled: Any = None


class Told(NamedTuple):
    """An outcome that a person chose where practice differs."""

    kind: str
    order: str
    name: str
    by: str
    second: str
    why: str
    before: str = ""  # what had been chosen before, and by whom


class Chosen(NamedTuple):
    """A choice that was made: the entry that names the outcome, the state just before it, and how it is told."""

    entry: Any
    before: State
    told: Told


class Fact(NamedTuple):
    """A fact of the patient entered during the course: what it was, what it is from now on, and who says so."""

    key: str
    old: str
    new: str
    entry: Any


@dataclass(frozen=True)
class State:
    """A course at one entry of its ledger."""

    inputs: Inputs
    lanes: Mapping[str, Lane]
    zero: date  # day 0 as the course was started with
    site: Happening
    now: int | None = None  # the latest moment that any entry tells
    answers: tuple[dict[str, str], ...] = ()
    releases: Mapping[tuple[str, int], Released] = field(default_factory=dict)
    told: tuple[Told, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)  # choices left open: the query's id, and the entry after which practice differs
    lapsed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # choices that nobody made: the entry that asked, and the one after which no outcome changes a dose
    chosen: Mapping[str, Chosen] = field(default_factory=dict, repr=False)  # choices made, which may be made anew
    log: tuple[Any, ...] = field(default=(), repr=False)  # the entries after the start
    facts: tuple[Fact, ...] = ()
    early: frozenset[tuple[str, int]] = frozenset()  # doses given before anything was released
    levels: tuple[Any, ...] = ()  # levels that stand, in the order of the ledger
    withdrawn: tuple[tuple[Any, Any], ...] = ()  # levels taken back, each with the entry that did it
    reweighed: str = ""
    two: tuple[str, ...] = ()
    series: str = ""  # the digest of the first entry, which never changes and every issue shares
    other_files: tuple[str, ...] = ()  # files of the library that are not those of the start
    _places: dict[str, dict[int, Slot]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _hung: dict[str, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

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
            raise UsageError(Fault("R05", f'there is no order "{order}" in this course', closest(order, self.lanes), "order"))
        return self.lanes[order]

    def released(self, order: str, one: Done) -> Any:
        """The release that a dose was given on, as it was planned then; None where none stood."""
        found = self.releases.get((order, one.number))
        stood = found and not found.recalled and (found.entry.start, found.entry.amount) == (one.planned.start, one.planned.amount)
        return found.entry if found and stood else None

    def with_lane(self, order: str, lane: Lane) -> State:
        """The state with one lane replaced."""
        return replace(self, lanes={**self.lanes, order: lane})

    def with_inputs(self, **changed: Any) -> State:
        """The state with some inputs replaced."""
        return replace(self, inputs=replace(self.inputs, **changed))

    def hung(self, line: Line) -> tuple[int, ...]:
        """The instants that an order hangs on, as they happened or are planned now; empty for one that hangs on the clock alone."""
        if line.id not in self._hung:
            self._hung[line.id] = places.hung_on(self, line)
        return self._hung[line.id]

    def starts(self, order: str) -> dict[int, Slot]:
        """The planned places of the doses that are left of an order, by number; T04 or T05 where a clock time cannot be told."""
        if order not in self._places:
            self._places[order] = places.left(self, order)
        return self._places[order]


def begin(entry: Start, folders: tuple[str, ...] = ()) -> State:
    """The state after the start entry: every dose of every line is left, on the regimen's own grid."""
    when = When.of(entry.day0, entry.zone, entry.times)
    if when.day0 is None:
        raise refuse("T06", "a course has no day 0", "give a day 0 and a zone.", "day0")
    changes = tuple(Change(one["key"], one["value"], one.get("by", ""), one.get("reason", ""), one.get("second", "")) for one in entry.set)
    inputs = Inputs(entry.regimen, entry.blocks, folders, tuple(entry.choose.items()), changes, when, entry.bsa, tuple(entry.patient.items()), entry.locale, House(entry.weight_rule, entry.rounding))
    lanes = {line.id: Lane(rest=whole(line, when)) for line in inputs.settled.lines}
    return State(inputs, lanes, when.day0, library(folders).site.course, answers=entry.answers, two=entry.two, series=digest(chained((entry,))[0][0]), other_files=other_files(entry, inputs))


def whole(line: Line, when: When, after: int = 0) -> tuple[Segment, ...]:
    """The doses of a line with a number above `after`, on its own grid."""
    numbers = tuple(range(after + 1, places.count_of(line, when) + 1))
    return (Segment("grid", numbers),) if numbers else ()


def files_of(inputs: Inputs) -> dict[str, str]:
    """The regimen, block and drug files of a course by id, its policies and the house's conventions, each with its SHA-256."""
    settled, shelf = inputs.settled, library(inputs.folders)
    parts = (settled.regimen, *settled.blocks)
    drugs = {f"drugs/{line.drug.id}": line.drug.sha256 for line in settled.lines if line.drug.sha256}
    house = {name: sha for part in parts for name, sha in shelf.facts(part).items() if not name.startswith("drugs/")}
    return {part.id: part.sha256 for part in parts} | drugs | house


def other_files(entry: Start, inputs: Inputs) -> tuple[str, ...]:
    """The regimen and drug files that differ from those the course was started with, each with its checksum's first digits."""
    there = files_of(inputs)
    return tuple(f"{name} (now {there[name][:10]})" for name, sha in entry.files.items() if there.get(name, sha) != sha)


@lru_cache(maxsize=16_384)
def day_of(seconds: int, when: When) -> int:
    """The calendar day of an instant, counted from day 0 as it is now."""
    return slot(seconds, when).day
