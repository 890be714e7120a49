"""`plan_cohort()`: rows that share choices, dates and known facts are planned together, by the steps of one patient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosing import forms, planning
from dosing.checks import Case, Hit, hits
from dosing.cohort.again import Second, Watch
from dosing.cohort.cells import FACTS, GIVEN, Column, combine
from dosing.cohort.result import CohortSchedule, Part, Told
from dosing.cohort.table import Refused, Table
from dosing.engine.adjust import House
from dosing.engine.body import Body
from dosing.engine.settle import Change, Settled
from dosing.errors import Fault, InputError, UsageError, closest
from dosing.patient import Patient, When
from dosing.planning.rows import administrations
from dosing.regimen.library import Library, library
from dosing.regimen.schema import Regimen

Rows = NDArray[np.int64]
CHUNK = 131_072  # rows planned at once: large enough that nothing but arithmetic counts, small enough to show progress
ROW_FAULTS = {"P09"}  # refusals that hang on the values of one row, not on what a group of rows shares


@dataclass(frozen=True)
class Plan:
    """What all rows of a cohort share: the regimen with its blocks, changes, formula, choices, dates and answers."""

    regimen: Regimen
    blocks: tuple[Regimen, ...]
    shelf: Library
    folders: tuple[str, ...]
    changes: tuple[Change, ...]
    formula: str
    day0: str | date | None
    zone: str | None
    times: dict[str, str]
    choose: dict[str, str]
    answers: dict[str, dict[str, str]]
    house: House = House()

    def settled(self, texts: Mapping[str, str]) -> tuple[Settled, When]:
        """The settled regimen and the dates of a group of rows, from what its columns say and what all rows share."""
        choose = self.choose | {name.removeprefix("choose."): text for name, text in texts.items() if name.startswith("choose.")}
        times = self.times | {name.removeprefix("time."): text for name, text in texts.items() if name.startswith("time.")}
        zone = texts.get("zone") or self.zone or self.shelf.site.zone
        when = When.of(texts.get("day0") or self.day0, zone, times)
        key = planning._key(self.regimen), tuple(map(planning._key, self.blocks))
        request = planning.Request(*key, self.changes, tuple(choose.items()), when.times, when.day0 is not None, self.folders, self.house)
        return planning.settled_for(request), when


def plan_cohort(
    regimen: Regimen | str, cohort: Table, *, day0: str | date | None = None, zone: str | None = None,
    times: Mapping[str, str] | None = None, choose: Mapping[str, str] | None = None, bsa: str | None = None,
    set: Mapping[str, str] | Sequence[Change] = (), answer: Mapping[str, str] | Sequence[Mapping[str, str]] = (),  # noqa: A002
    by: str = "", reason: str = "", second_name: str = "", blocks: Iterable[Regimen | str] = (),
    library: Iterable[str] = (), weight_rule: Iterable[str] = (), rounding: str = "", watch: Watch = lambda what, share: None,  # noqa: A002
) -> CohortSchedule:  # fmt: skip
    """The doses of every row of a cohort, each as `plan()` gives them for one patient.

    The arguments are those of `plan()` and hold for all rows; what differs stands in the cohort's columns. `watch` is
    told how far the work is. A row that cannot be planned, or on which the two calculations differ (E01), is refused.
    Raises `InputError` where no row can be planned for the same reason, `RegimenError` and `UsageError` as `plan()`.
    """
    folders = forms.names(library)
    shelf = _library(folders)
    found, *parts = planning.loaded(shelf, regimen, blocks)
    _refuse_doubles(cohort, day0, zone, times or {}, choose or {})
    _refuse_arms(cohort, (found, *parts))
    changes, answers = planning._changes(set, by, reason, second_name), planning.answers.read(answer, by)
    formula = planning._formula(bsa or found.bsa or shelf.site.bsa)
    asked = Plan(found, tuple(parts), shelf, folders, changes, formula, day0, zone, dict(times or {}), dict(choose or {}), answers, planning._house(weight_rule, rounding))
    return _Work(asked, cohort, watch).schedule()


class Cohort(Table):
    """Many patients: a table whose every cell was read by the form of a patient's flag; `dosing.plan` takes it."""

    def plan(self, regimen: Regimen | str, **options: Any) -> CohortSchedule:
        """The doses of every row; the same as `dosing.plan(regimen, cohort, …)`."""
        return plan_cohort(regimen, self, **options)


def _library(folders: tuple[str, ...]) -> Library:
    return library(folders)


def _refuse_doubles(cohort: Table, day0: Any, zone: Any, times: Mapping[str, str], choose: Mapping[str, str]) -> None:
    """Refuse what is said by a column and by an argument (C01)."""
    shared = {"day0": day0, "zone": zone} | {f"time.{name}": text for name, text in times.items()} | {f"choose.{name}": text for name, text in choose.items()}
    twice = [name for name, value in shared.items() if value is not None and name in cohort.columns]
    if twice:
        raise InputError(*(Fault("C01", f'"{name}" is a column and is also given for all rows', "keep one.", f"column {name}") for name in twice))


def _refuse_arms(cohort: Table, parts: Iterable[Regimen]) -> None:
    """Refuse a column that tells the arm of a blinded regimen (S03)."""
    blinding = {f"choose.{name}" for part in parts for name, choice in part.choices.items() if choice.blinds}
    for name in blinding & cohort.columns.keys():
        raise InputError(Fault("S03", "a table of arms unblinds the trial", "leave the column out; an unblinded pharmacist asks for one arm at a time.", f"column {name}"))


class _Work:
    """One run over a cohort: parts as they are made, refusals as they are found."""

    def __init__(self, plan: Plan, cohort: Table, watch: Watch):
        self.plan, self.cohort, self.watch = plan, cohort, watch
        self.second = Second(cohort, plan.formula, plan.shelf.site, watch)
        self.parts: list[Part] = []
        self.refused: list[Refused] = []
        self.failed: list[tuple[Fault, ...]] = []
        self.asked: set[str] = set()

    def schedule(self) -> CohortSchedule:
        done = 0
        for rows, texts in groups(self.cohort):
            self._guarded(rows, partial(self._group, rows, texts))
            done += len(rows)
            self.watch("doses", done / len(self.cohort))
        if not self.parts and len(set(self.failed)) == 1 and len(self.failed) * len(self.failed[0]):
            raise InputError(*self.failed[0])
        if unknown := [name for name in self.plan.answers if self.parts and name not in self.asked]:
            raise UsageError(*(Fault("R05", f'no query is called "{name}"', closest(name, self.asked), f"--answer {name}") for name in unknown))
        refused = sorted((*self.cohort.refused, *self.refused), key=lambda one: one.row)
        return CohortSchedule(self.cohort, tuple(self.parts), tuple(refused), (self.plan.regimen, *self.plan.blocks), self.plan.folders)

    def _guarded(self, rows: Rows, work: Callable[[], None]) -> None:
        """Do the work of some rows; refuse them all where it cannot be done."""
        try:
            work()
        except InputError as error:
            self.failed.append(error.faults)
            for fault in error.faults:
                self.refused += self.cohort.refuse(rows, _column_of(fault.where), fault)

    def _group(self, rows: Rows, texts: Mapping[str, str]) -> None:
        settled, when = self.plan.settled(texts)
        for few in np.array_split(rows, -(-len(rows) // CHUNK)):
            for alike in self._same_lines(settled, few):
                self._guarded(alike, partial(self._part, settled, when, alike))

    def _same_lines(self, settled: Settled, rows: Rows) -> list[Rows]:
        """Rows to which the same lines apply, where a line hangs on a fact of the patient."""
        conditional = [line for line in settled.lines if line.conditions]
        key = np.zeros(len(rows), np.int64)
        for line in conditional:
            key = combine(key, planning.applies(line, self._body(rows)).astype(np.int64), 2)
        return list(_split(rows, key)) if conditional else [rows]

    def _part(self, settled: Settled, when: When, rows: Rows) -> None:
        planning.answers.prove(self.plan.answers, settled)
        try:
            case = planning.calculate(settled, self._body(rows), when)
        except InputError as error:
            if len(rows) == 1 or not ROW_FAULTS & {fault.code for fault in error.faults}:
                raise
            for half in np.array_split(rows, 2):
                self._guarded(half, partial(self._part, settled, when, half))
            return
        found = [hit for hit in hits(case) if hit.level in ("block", "query")]
        self.asked |= {hit.id for hit in found if hit.level == "query"}
        pattern, examples = _patterns(found, len(rows))
        patterns = [self._open(case, found, row) for row in examples]
        differing = self.second.differing(case, rows, lambda place: patterns[pattern[place]][0])
        for place, fault in differing.items():
            self.refused += self.cohort.refuse([rows[place]], "", fault)
        told = {name: Told.of(doses) for name, doses in case.doses.items()}
        part = Part(settled, rows, administrations(case, 0, set(), {}), told, pattern, patterns)
        if len(differing) < len(rows):
            self.parts.append(_without(part, list(differing)) if differing else part)

    def _open(self, case: Case, found: list[Hit], row: int) -> tuple[set[str], list[Hit]]:
        """The held lines and the open findings of a row."""
        here = [hit for hit in found if hit.holds(row)]
        return planning.held_lines(case, here, row), [hit for hit in here if hit.level == "block" or hit.id not in self.plan.answers]

    def _body(self, rows: Rows) -> Body:
        """The facts of some rows, all of which know the same facts and were told the same of what was given and is taken."""
        told = {name: column.texts[column.codes[rows[0]]] for name, column in self.cohort.columns.items() if name in GIVEN}
        alike = Patient(**{name: text for name, text in told.items() if text})
        facts = alike.columns()
        for name, (fact, _) in FACTS.items():
            column = self.cohort.columns.get(name)
            if column is not None and column.texts[column.codes[rows[0]]]:
                values = column.values[column.codes[rows]]
                facts[fact] = values == 1 if fact == "male" else values
        return Body(facts, self.plan.formula, self.plan.shelf.site, prior=alike.prior or planning.NO_PRIOR)


def groups(cohort: Table) -> Iterator[tuple[Rows, dict[str, str]]]:
    """Sound rows that share choices, dates, times, what was given before and is taken, and which facts are known; with those texts.

    Adults and children are kept apart, because the clearance is estimated by another formula for each.
    """
    rows = np.flatnonzero(cohort.sound)
    shared = {name: column for name, column in cohort.columns.items() if name not in FACTS}
    key = np.zeros(len(rows), np.int64)
    for name, column in cohort.columns.items():
        codes, size = (column.codes, len(column.texts)) if name in shared else _kind(name, column)
        key = combine(key, codes[rows], size)
    for some in _split(rows, key):
        yield some, {name: text for name, column in shared.items() if (text := column.texts[column.codes[some[0]]])}


def _kind(name: str, column: Column) -> tuple[Rows, int]:
    """Whether a fact is known, and for ages whether the patient is an adult."""
    kind = column.missing.astype(np.int64)
    if name == "age_y":
        kind = kind + 2 * (column.values >= 18)
    return kind[column.codes], 1 if (kind == kind[:1]).all() else 4


def _split(rows: Rows, key: NDArray[np.int64]) -> Iterator[Rows]:
    """The rows of each key, in the order of the rows."""
    if not len(rows):
        return
    if (key == key[0]).all():
        yield rows
        return
    order = np.argsort(key, kind="stable")
    yield from np.split(rows[order], np.flatnonzero(np.diff(key[order])) + 1)


def _patterns(found: list[Hit], size: int) -> tuple[NDArray[np.int64], list[int]]:
    """Which findings hold together: a number for each row, and one row for each number."""
    key = np.zeros(size, np.int64)
    for hit in found:
        if hit.mask is not None:
            key = combine(key, np.broadcast_to(hit.mask, size).astype(np.int64), 2)
    if (key == key[0]).all():
        return np.zeros(size, np.int64), [0]
    _, examples, pattern = np.unique(key, return_index=True, return_inverse=True)
    return pattern, examples.tolist()


def _without(part: Part, places: list[int]) -> Part:
    """A part without the rows at some places; one row of every pattern stays described."""
    keep = np.ones(len(part.rows), bool)
    keep[places] = False
    told = {name: Told(one.calculated[keep], one.amount[keep], one.small if one.small is None else one.small[keep], one.units) for name, one in part.told.items()}
    return replace(part, rows=part.rows[keep], told=told, pattern=part.pattern[keep])


def _column_of(where: str) -> str:
    """The column that a fault of a plan speaks of; empty where it speaks of none."""
    kind, _, name = where.replace("patient: ", "patient ").partition(" ")
    if kind == "patient":
        return next((column for column, (fact, _) in FACTS.items() if fact == name.replace("sex", "male")), "")
    return {"time": f"time.{name}", "choice": f"choose.{name}"}.get(kind, kind if kind in ("day0", "zone") else "")
