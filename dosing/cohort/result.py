"""What a cohort's plan gives back: a table of administrations, and the rows that were refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dosing.checks import Hit
from dosing.cohort.table import Refused, Table
from dosing.engine.dose import Doses
from dosing.engine.settle import Settled
from dosing.regimen.schema import Regimen
from dosing.rounding import Column, number_text
from dosing.schedule import Administration, iso
from dosing.units import exact

TENS = np.array([float(10**power) for power in range(23)])
EPOCH = date(1970, 1, 1).toordinal()


def as_printed(values: Column) -> Column:
    """The floats nearest to `number_text` of each value, so that a cell equals what a single patient's sheet prints."""
    size = np.where((values >= 1e-10) & (values < 1e12), values, 1.0)
    power = 11 - np.floor(np.log10(size)).astype(np.int64)
    digits = size * TENS[power]
    told = np.rint(digits) / TENS[power]
    unsure = (size != values) | (digits < 1e11) | (digits >= 1e12) | (np.abs(digits % 1 - 0.5) < 1e-3)
    if unsure.any():
        few, places = np.unique(values[unsure], return_inverse=True)
        told[unsure] = np.array([float(number_text(float(value))) for value in few])[places]
    return told


@dataclass(frozen=True)
class Told:
    """One line's doses as they are read: the columns of `Doses.reading` for all rows at once."""

    calculated: Column
    amount: Column
    small: NDArray[np.bool_] | None
    units: tuple[str, str]  # the drug's unit, its small unit

    @classmethod
    def of(cls, doses: Doses) -> Told:
        """Read every row of a line's doses."""
        drug, small = doses.line.drug, doses.small
        scale = int(exact(drug.unit, drug.small_unit)) if drug.small_unit else 1
        calculated = as_printed(doses.calculated if small is None else doses.calculated * np.where(small, scale, 1))
        amount = calculated
        if doses.step is not None:
            top, bottom = doses.step.as_integer_ratio()
            steps = doses.steps * top / bottom
            if small is not None and small.any():
                top, bottom = (doses.step * scale).as_integer_ratio()
                steps = np.where(small, doses.steps * top / bottom, steps)
            amount = np.where(doses.kept, calculated, steps)
        if doses.packed is not None:
            amount = np.where(doses.packed.taken, as_printed(doses.packed.amounts * np.where(small, scale, 1) if small is not None else doses.packed.amounts), amount)
        return cls(calculated, amount, small, (drug.unit, drug.small_unit or drug.unit))


@dataclass(frozen=True)
class Part:
    """Rows of a cohort that share lines, days and hours: one template of administrations, and columns of doses.

    `settled` is the regimen they were planned by, ready for any patient; `patterns` are the distinct sets of held lines
    and open findings, `pattern` gives each row its own.
    """

    settled: Settled
    rows: NDArray[np.int64]
    template: list[Administration]
    told: dict[str, Told]
    pattern: NDArray[np.int64]
    patterns: list[tuple[set[str], list[Hit]]]


@dataclass
class Codes:
    """A dictionary column in the making: texts get numbers as they come."""

    texts: dict[str, int] = field(default_factory=dict)

    def of(self, texts: Iterable[str | None]) -> NDArray[np.int32]:
        """The numbers of some texts; -1 for none."""
        return np.array([-1 if text is None else self.texts.setdefault(text, len(self.texts)) for text in texts], np.int32)

    def column(self, codes: NDArray[np.int32]) -> pa.Array:
        """The Arrow column of all codes."""
        missing = codes < 0
        indices = pa.array(codes, mask=missing if missing.any() else None)
        return pa.DictionaryArray.from_arrays(indices, pa.array(list(self.texts), pa.string()))


@dataclass(frozen=True, eq=False)
class CohortSchedule:
    """The doses of many patients: `to_table()` for the rows, `refused` for who was left out and why.

    `regimens` are the regimen and its blocks, `folders` the libraries they were read with.
    """

    cohort: Table
    parts: tuple[Part, ...]
    refused: tuple[Refused, ...]
    regimens: tuple[Regimen, ...] = ()
    folders: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many patients the cohort holds."""
        return len(self.cohort)

    @property
    def calculated(self) -> int:
        """How many patients were planned."""
        return sum(len(part.rows) for part in self.parts)

    @property
    def administrations(self) -> int:
        """How many rows the table has."""
        return sum(len(part.rows) * len(part.template) for part in self.parts)

    def __repr__(self) -> str:
        return f"<CohortSchedule: {self.calculated} of {self.rows} patients, {self.administrations} administrations, {self.rows - self.calculated} refused>"

    def to_rows(self) -> list[dict[str, Any]]:
        """The table as a list of plain dicts."""
        rows: list[dict[str, Any]] = self.to_table().to_pylist()
        return rows

    def to_table(self) -> pa.Table:
        """One row for each patient and administration, patients in the order they came, each in time order.

        Columns: id, order, drug, day, date, start (ISO 8601 with the zone's offset), calculated, amount, unit, held,
        finding (the ids of the open findings on the line or the patient, joined by a blank). A held line has no
        amount; `calculated` and `amount` are the floats nearest to the decimals a single schedule prints.
        """
        return self._table

    @cached_property
    def _table(self) -> pa.Table:
        return Board(self.parts).table(self.cohort.ids)


class Board:
    """The columns of the whole table, filled part by part; brought into the patients' order at the end."""

    def __init__(self, parts: tuple[Part, ...]):
        self.parts = parts
        self.size = sum(len(part.rows) * len(part.template) for part in parts)

    def table(self, ids: pa.Array) -> pa.Table:
        """All columns as one Arrow table, patients in the order they came."""
        patient = self.filled(np.int32, lambda part: part.rows[:, None])
        held = self.filled(bool, _held)
        calculated = self.filled(float, lambda part: _doses(part, "calculated"))
        amount = self.filled(float, lambda part: _doses(part, "amount"))
        amount[held] = np.nan
        made = pa.table({
            "id": ids.take(pa.array(patient)),
            "order": self.coded(lambda part, codes: codes.of(row.order for row in part.template)),
            "drug": self.coded(lambda part, codes: codes.of(row.drug for row in part.template)),
            "day": pa.array(self.filled(np.int32, lambda part: [row.day for row in part.template])),
            "date": self.dates(),
            "start": self.coded(lambda part, codes: codes.of(iso(row.seconds, row.zone) for row in part.template)),
            "calculated": pa.array(calculated, from_pandas=True),
            "amount": pa.array(amount, from_pandas=True),
            "unit": self.coded(_units),
            "held": pa.array(held),
            "finding": self.coded(_findings),
        })  # fmt: skip
        return made if bool((patient[1:] >= patient[:-1]).all()) else made.take(pa.array(np.argsort(patient, kind="stable")))

    def filled(self, kind: Any, values: Any) -> NDArray[Any]:
        """One column: `values` gives for a part what spreads over its rows × administrations."""
        column, begin = np.empty(self.size, kind), 0
        for part in self.parts:
            shape = len(part.rows), len(part.template)
            column[begin : begin + shape[0] * shape[1]].reshape(shape)[:] = values(part)
            begin += shape[0] * shape[1]
        return column

    def coded(self, values: Any) -> pa.Array:
        """One dictionary column."""
        codes = Codes()
        return codes.column(self.filled(np.int32, lambda part: values(part, codes)))

    def dates(self) -> pa.Array:
        """The calendar dates; null in a relative schedule."""
        column = self.filled(np.int32, lambda part: [row.date.toordinal() - EPOCH if row.date else -1 for row in part.template])
        missing = column < 0
        return pa.array(column, mask=missing if missing.any() else None).cast(pa.date32())


def _doses(part: Part, name: str) -> NDArray[np.float64]:
    values = np.full((len(part.rows), len(part.template)), np.nan)
    for place, row in enumerate(part.template):
        if row.order in part.told:
            values[:, place] = getattr(part.told[row.order], name)
    return values


def _held(part: Part) -> NDArray[np.bool_]:
    by_pattern = np.array([[row.held or row.order in held for row in part.template] for held, _ in part.patterns])
    return _spread(part, by_pattern)


def _findings(part: Part, codes: Codes) -> NDArray[np.int32]:
    """The open findings on a row's line, and those on the patient."""
    orders = list(dict.fromkeys(row.order for row in part.template))
    place = [orders.index(row.order) for row in part.template]
    texts = [[" ".join(hit.id for hit in found if hit.order in (None, order)) for order in orders] for _, found in part.patterns]
    return _spread(part, np.array([codes.of(row) for row in texts])[:, place])


def _spread(part: Part, by_pattern: NDArray[Any]) -> NDArray[Any]:
    return by_pattern if len(by_pattern) == 1 else by_pattern[part.pattern]


def _units(part: Part, codes: Codes) -> NDArray[np.int32]:
    """The units of the template's rows; a column of its own where a line's rows are read in two units."""
    told = [part.told.get(row.order) for row in part.template]
    large, small = (codes.of(one.units[place] if one else None for one in told) for place in (0, 1))
    mixed = [one.small for one in told if one and one.small is not None]
    if not any(mask.any() for mask in mixed):
        return large
    units = np.broadcast_to(large, (len(part.rows), len(told))).copy()
    for place, one in enumerate(told):
        if one and one.small is not None:
            units[one.small, place] = small[place]
    return units
