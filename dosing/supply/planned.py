"""A cohort file planned by the protocol of each row: the one its column `regimen` names, else the one for all; needs pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dosing import forms, planning
from dosing.cohort import Cohort, CohortSchedule, Refused, plan_cohort
from dosing.cohort.again import Watch
from dosing.cohort.files import read_cohort
from dosing.errors import Fault, InputError, UsageError
from dosing.regimen.library import Library, library
from dosing.regimen.schema import Regimen

COLUMN = "regimen"
SAID_BY_NAME = ("choose", "times", "set", "answer")  # options that speak of one choice, event, order or query


def plan_file(source: str | Path, regimen: str | None, watch: Watch = lambda what, share: None, **options: Any) -> list[CohortSchedule]:
    """Plan every row of a CSV or Parquet file by its own protocol; see `plan_rows`, and `InputError` where the file is damaged."""
    return plan_rows(read_cohort(Path(source), also=(COLUMN,)), regimen, watch, **options)


def plan_rows(cohort: Cohort, regimen: str | None, watch: Watch = lambda what, share: None, **options: Any) -> list[CohortSchedule]:
    """The schedules of a cohort, one for each protocol; a last one without any holds the rows that nothing was planned for.

    A cohort read with `also=("regimen",)` names each row's protocol, `regimen` that of all others. `options` are those
    of `plan_cohort`; with several protocols, a choice, an hour, a change or an answer goes to those that know its name.
    Raises `InputError` as `plan_cohort` where there is one protocol; of several, one that cannot be planned refuses its
    rows only. Raises `UsageError` where neither the cohort nor the call names a protocol.
    """
    if COLUMN not in cohort.columns:
        if regimen is None:
            raise UsageError(Fault("usage", "no protocol is named", "name one, or give the file a column regimen.", "REGIMEN"))
        return [plan_cohort(regimen, cohort, watch=watch, **options)]
    groups, refused = _groups(cohort, regimen, options)
    names = [set(_names(parts)) for parts, _ in groups]
    made = [_planned(parts, some, len(groups) == 1, watch, _own(options, own, set().union(*names))) for (parts, some), own in zip(groups, names, strict=True)]
    return [*made, CohortSchedule(cohort, (), tuple(refused))] if refused else made


def _groups(cohort: Cohort, regimen: str | None, options: Mapping[str, Any]) -> tuple[list[tuple[tuple[Regimen, ...], Cohort]], list[Refused]]:
    """Each protocol with its blocks and its rows; and the rows that were refused by the reader or name none."""
    shelf, refused, groups = library(forms.names(options.get("library") or ())), list(cohort.refused), []
    for name, rows in _by_protocol(cohort, regimen):
        try:
            groups.append((planning.loaded(shelf, _protocol(shelf, name), options.get("blocks") or ()), _only(cohort, rows)))
        except InputError as error:
            refused += [one for fault in error.faults for one in cohort.refuse(rows, COLUMN, fault)]
    return groups, refused


def refused_rows(planned: Iterable[CohortSchedule]) -> list[Refused]:
    """Everybody who was refused, in the order of the rows."""
    return sorted((one for schedule in planned for one in schedule.refused), key=lambda one: one.row)


def _by_protocol(cohort: Cohort, regimen: str | None) -> Iterator[tuple[str, list[int]]]:
    """The sound rows of each protocol by its name, protocols in the order they come."""
    column, named = cohort.columns[COLUMN], dict[str, list[int]]()
    for row in np.flatnonzero(cohort.sound).tolist():
        named.setdefault(column.texts[column.codes[row]] or regimen or "", []).append(row)
    yield from named.items()


def _protocol(shelf: Library, name: str) -> Regimen:
    """A protocol by its name; `InputError` where there is none, because it is the cell that is wrong."""
    if not name:
        raise InputError(Fault("C02", "the cell is empty and no protocol is named for all rows", "name the protocol of the row."))
    try:
        return shelf.regimen(name)
    except UsageError as error:
        raise InputError(*error.faults) from None


def _only(cohort: Cohort, rows: list[int]) -> Cohort:
    """The same cohort with some rows sound and nobody refused, so that ids and row numbers stay those of the file."""
    sound = np.zeros(len(cohort), bool)
    sound[rows] = True
    return replace(cohort, sound=sound, refused=())


def _planned(parts: tuple[Regimen, ...], some: Cohort, is_only: bool, watch: Watch, options: Mapping[str, Any]) -> CohortSchedule:
    """The rows of one protocol; where it cannot be planned and is one of several, all of them are refused."""
    try:
        return plan_cohort(parts[0], some, watch=watch, **options)
    except InputError as error:
        if is_only:
            raise
        refused = (one for fault in error.faults for one in some.refuse(np.flatnonzero(some.sound), "", fault))
        return CohortSchedule(some, (), tuple(refused), parts)


def _names(parts: Iterable[Regimen]) -> Iterator[str]:
    """What a choice, hour, change or answer of a protocol and its blocks may be named after."""
    yield "duplicate"
    for part in parts:
        yield from (*part.choices, *part.events, *(order.id for order in part.orders), *(query.id for query in part.queries))


def _own(options: Mapping[str, Any], known: set[str], anywhere: set[str]) -> dict[str, Any]:
    """The options with what one of several protocols knows the name of, and what none knows."""

    def is_own(key: str) -> bool:
        names = {key, key.partition(".")[0]}
        return bool(names & known) or not names & anywhere

    return {**options, **{name: _some(options[name], is_own) for name in SAID_BY_NAME if options.get(name)}}


def _some(said: Any, is_own: Callable[[str], bool]) -> Any:
    """Of a mapping by names, of changes or of answers those with some names."""
    if isinstance(said, Mapping):
        return {key: text for key, text in said.items() if is_own(key)}
    return [one for one in said if is_own(one["id"] if isinstance(one, Mapping) else one.key)]
