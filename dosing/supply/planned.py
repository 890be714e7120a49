"""A cohort file planned by the protocol of each row; needs pyarrow.

The column `regimen` is no column of a cohort: it is set apart here, and each protocol's rows are planned as a cohort of
their own that keeps the ids and row numbers of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dosing import forms, planning
from dosing.cohort import Cohort, CohortSchedule, Refused, plan_cohort
from dosing.cohort import files as cohort_files
from dosing.cohort.cells import FACTS, Column
from dosing.cohort.result import Part
from dosing.errors import DosingError, Fault, InputError, UsageError
from dosing.regimen.library import Library, library
from dosing.regimen.schema import Regimen as Protocol
from dosing.supply.doses import Card, unscheduled
from dosing.supply.making import way_of
from dosing.supply.result import NotCounted, Regimen

ALIAS = "choose.regimen-of-the-row"
UNITS = {"weight_kg": " kg", "height_cm": " cm", "age_y": " y", "creatinine_mg_dl": " mg/dL", "last_weight_kg": " kg", "crcl_ml_min": " mL/min", "gfr_ml_min": " mL/min"}
OF_COHORTS_ONLY = ("answer",)
Watch = Callable[[str, float], None]


@dataclass(frozen=True)
class Planned:
    """One protocol's rows of a cohort as planned, with what is known of each order besides its doses."""

    regimen: Regimen
    schedule: CohortSchedule
    options: Mapping[str, Any]
    name: str
    names: tuple[tuple[str, str], ...] = ()  # of all orders of the protocol and its blocks, and how each is counted
    _cards: dict[tuple[Any, ...], tuple[dict[str, Card], tuple[NotCounted, ...]]] = field(default_factory=dict)

    def cards(self, part: Part) -> dict[str, Card]:
        """The orders of a part by id, as the schedule of its first patient carries them."""
        return self._of(part)[0]

    @property
    def unscheduled(self) -> tuple[NotCounted, ...]:
        """What the protocol names without a dose, in any of its variants."""
        return tuple(dict.fromkeys(one for part in self.schedule.parts for one in self._of(part)[1]))

    def _of(self, part: Part) -> tuple[dict[str, Card], tuple[NotCounted, ...]]:
        row, columns = int(part.rows[0]), self.schedule.cohort.columns
        texts = {name: column.texts[column.codes[row]] for name, column in columns.items() if column.texts[column.codes[row]]}
        shared = tuple(sorted((name, text) for name, text in texts.items() if name not in FACTS and name not in ("day0", "zone")))
        key = (shared, tuple(dict.fromkeys(one.order for one in part.template)))
        if key not in self._cards:
            made = planning.plan(self.name, _patient(texts), **self._shared(texts))
            self._cards[key] = {card["id"]: card for card in made.orders}, tuple(unscheduled(self.regimen.id, made.not_scheduled))
        return self._cards[key]

    def _shared(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The arguments of `plan()` for one row: what all rows share, and what stands in its own columns."""
        own = {kind: {name.partition(".")[2]: text for name, text in texts.items() if name.startswith(f"{word}.")} for kind, word in (("times", "time"), ("choose", "choose"))}
        dates = {name: texts[name] for name in ("day0", "zone") if name in texts}
        rest = {name: value for name, value in self.options.items() if name not in OF_COHORTS_ONLY}
        return {**rest, **dates, **{kind: {**(rest.get(kind) or {}), **told} for kind, told in own.items()}}


def _patient(texts: Mapping[str, str]) -> dict[str, str]:
    """The facts of a row as a patient's flags."""
    return {("sex" if fact == "male" else fact): texts[name] + UNITS.get(name, "") for name, (fact, _) in FACTS.items() if name in texts}


def plan_file(source: str | Path, regimen: str | None, watch: Watch = lambda what, share: None, **options: Any) -> tuple[list[Planned], tuple[Refused, ...]]:
    """Plan every row of a CSV or Parquet file by its own `regimen`, else by the one given; gives what was refused too.

    `options` are those of `plan_cohort`. With several protocols, a choice, an hour, a change or an answer goes to those
    that know its name. Raises `InputError` as `plan_cohort` where there is one protocol; of several, one that cannot be
    planned refuses its rows only. Raises `UsageError` where neither the file nor the call names a protocol.
    """
    cohort, column = _read(Path(source))
    if column is None and regimen is None:
        raise UsageError(Fault("usage", "no protocol is named", "name one, or give the file a column regimen.", "REGIMEN"))
    return plan_groups(cohort, column, regimen, watch, **options)


def plan_groups(cohort: Cohort, column: Column | None, regimen: str | None, watch: Watch = lambda what, share: None, **options: Any) -> tuple[list[Planned], tuple[Refused, ...]]:
    """A cohort planned protocol by protocol; see `plan_file`."""
    shelf, refused = library(forms.names(options.get("library") or ())), list(cohort.refused)
    blocks = planning.loaded(shelf, regimen, options.get("blocks") or ())[1:] if regimen else ()
    groups: list[tuple[str, Protocol, Cohort]] = []
    for name, rows in _by_regimen(cohort, column, regimen):
        try:
            if not name:
                raise InputError(Fault("C02", "the cell is empty and no protocol is named for all rows", "name the protocol of the row.", "column regimen"))
            groups.append((name, shelf.regimen(name), _only(cohort, rows)))
        except (InputError, UsageError) as error:
            if column is None:
                raise
            refused += [one for fault in error.faults for one in cohort.refuse(rows, "regimen", fault)]
    known = [_names((protocol, *blocks)) for _, protocol, _ in groups]
    made: list[Planned] = []
    for place, (name, protocol, some) in enumerate(groups):
        own = dict(options) if len(groups) == 1 else _own(options, known[place], set().union(*known))
        try:
            schedule = plan_cohort(name, some, watch=watch, **own)
        except InputError as error:
            if len(groups) == 1:
                raise
            refused += [one for fault in error.faults for one in cohort.refuse(np.flatnonzero(some.sound), "", fault)]
            schedule = CohortSchedule(some, (), ())
        refused += schedule.refused
        named = Regimen(f"{protocol.id}@{protocol.version}", protocol.status, schedule.calculated)
        made.append(Planned(named, replace(schedule, refused=()), own, name, tuple(_ways(shelf, protocol, blocks))))
    return made, tuple(sorted(refused, key=lambda one: one.row))


def _ways(shelf: Library, protocol: Protocol, blocks: Iterable[Protocol]) -> Iterator[tuple[str, str]]:
    """The names of every order, whether any patient has it now or not, and how it is counted."""
    for order in (order for part in (protocol, *blocks) for order in part.orders):
        way = way_of(shelf.drugs[order.drug].kind, order.route or "")
        yield from ((name, way) for name in (f"{protocol.id}/{order.id}", order.id, order.drug))


def _only(cohort: Cohort, rows: Any) -> Cohort:
    """The same cohort with the rows of one protocol sound, and nobody refused."""
    sound = np.zeros(len(cohort), bool)
    sound[rows] = True
    return replace(cohort, sound=sound, refused=())


def _by_regimen(cohort: Cohort, column: Column | None, regimen: str | None) -> Iterator[tuple[str, Any]]:
    """The sound rows of each protocol, protocols in the order they come."""
    rows = np.flatnonzero(cohort.sound)
    if column is None:
        yield regimen or "", rows
        return
    named: dict[str, list[int]] = {}
    for row in rows.tolist():
        named.setdefault(column.texts[column.codes[row]] or regimen or "", []).append(row)
    yield from named.items()


def _names(parts: Iterable[Protocol]) -> set[str]:
    """What a choice, hour, change or answer of a protocol may be named after."""
    return {"duplicate"} | {name for part in parts for name in (*part.choices, *part.events, *(order.id for order in part.orders), *(query.id for query in part.queries))}


def _own(options: Mapping[str, Any], known: set[str], anywhere: set[str]) -> dict[str, Any]:
    """The options with the choices, hours, changes and answers that one of several protocols knows, and those none knows."""

    def mine(key: str) -> bool:
        names = {key, key.partition(".")[0]}
        return bool(names & known) or not names & anywhere

    own = dict(options)
    for name in ("choose", "times"):
        own[name] = {key: text for key, text in (options.get(name) or {}).items() if mine(key)}
    own["set"] = [change for change in options.get("set") or () if mine(change.key)]
    own["answer"] = [one for one in options.get("answer") or () if mine(one["id"])]
    return own


def _read(source: Path) -> tuple[Cohort, Column | None]:
    """The cohort of a file without its column `regimen`, and that column where the file has one."""
    try:
        cohort = _aliased(source)
    except DosingError as error:
        raise type(error)(*(replace(fault, where=fault.where.replace(ALIAS, "regimen")) for fault in error.faults)) from None
    column = cohort.columns.get(ALIAS)
    refused = tuple(replace(one, column="regimen") if one.column == ALIAS else one for one in cohort.refused)
    return replace(cohort, columns={name: one for name, one in cohort.columns.items() if name != ALIAS}, refused=refused), column


def _aliased(source: Path) -> Cohort:
    """The file read as a cohort, its column `regimen` under a name that a cohort reads as a text."""
    if source.suffix.lower() == ".parquet" and source.is_file():
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(source)
        except (pa.ArrowException, OSError):
            return cohort_files.read_cohort(source)  # refuses it with the reason
        return Cohort.from_table(table.rename_columns([ALIAS if name == "regimen" else name for name in table.column_names]))
    if source.suffix.lower() != ".csv" or not source.is_file():
        return cohort_files.read_cohort(source)
    head, end, body = re.split(rb"(\r\n|\n|\r)", source.read_bytes().removeprefix(b"\xef\xbb\xbf"), maxsplit=1) if source.stat().st_size else (b"", b"", b"")
    names = [ALIAS.encode() if name.strip(b'"') == b"regimen" else name for name in head.split(b",")]
    try:
        return cohort_files._of_csv(b",".join(names) + end + body)
    except InputError as error:
        raise error.at(source.name) from None
