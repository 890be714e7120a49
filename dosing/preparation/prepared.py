"""What a preparation gives back: one row per administration, fluid and DMSO per day, and what is still asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dosing.preparation.asking import Ask, asks
from dosing.preparation.cells import BagPlan
from dosing.preparation.label import Label
from dosing.preparation.telling import tell_all, tell_day, tell_row
from dosing.preparation.volumes import amount, deviation, digits
from dosing.schedule import Administration, Amount, Finding, iso


def _told(value: Fraction | None, unit: str) -> dict[str, str] | None:
    found = amount(value, unit)
    return found.to_dict() if found else None


def _text(value: Fraction | None) -> str | None:
    return None if value is None else digits(value)


@dataclass(frozen=True, slots=True)
class Vials:
    """How many vials of one product, and what can be withdrawn from each."""

    product: str
    content: Amount
    count: int

    def to_dict(self) -> dict[str, Any]:
        """The vials as plain JSON values."""
        return {"product": self.product, "content": self.content.to_dict(), "count": self.count}


@dataclass(frozen=True, slots=True)
class Dissolve:
    """How vials of one product are reconstituted: mL of diluent into each and into all, None where the label gives none."""

    product: str
    count: int
    each: Fraction | None
    text: str

    @property
    def total(self) -> Fraction | None:
        """mL of diluent for all vials."""
        return None if self.each is None else self.each * self.count

    def to_dict(self) -> dict[str, Any]:
        """The reconstitution as plain JSON values."""
        return {"product": self.product, "count": self.count, "each": _told(self.each, "mL"), "total": _told(self.total, "mL"), "text": self.text}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a split cell infusion: cells, mL, the bags it is made of, and when it is given."""

    number: int
    of: int
    cells: Fraction | None
    volume: Fraction | None
    day: int
    seconds: int | None
    bags: tuple[str, ...] = ()
    thaw_from: int | None = None

    def to_dict(self, zone: str) -> dict[str, Any]:
        """The part as plain JSON values."""
        return {"number": self.number, "of": self.of, "cells": _text(self.cells), "volume": _told(self.volume, "mL"), "day": self.day,
                "start": iso(self.seconds, zone), "bags": list(self.bags), "thaw_from": iso(self.thaw_from, zone)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fluid:
    """What goes into the bag and comes out of it, in mL, amount per mL, mL/h and amount/h; None where it is not known."""

    diluents: tuple[str, ...] = ()
    diluent: Fraction | None = None
    bag: Fraction | None = None
    smallest: Fraction | None = None  # the final volume at the highest concentration
    largest: Fraction | None = None  # and at the lowest
    final: Fraction | None = None
    concentration: Fraction | None = None
    rate: Fraction | None = None
    amount_rate: Fraction | None = None
    minutes: int | None = None  # the infusion time both rates stand on
    outside: bool = False  # whether the label's concentrations forbid it: then no rate is told


@dataclass(frozen=True, slots=True)
class Prepared:
    """One administration as it is prepared. Volumes are mL, amounts in the unit of the dose, moments POSIX seconds."""

    row: Administration
    product: tuple[str, ...] = ()
    exact: Fraction | None = None
    volume: Fraction | None = None
    drawn: Fraction | None = None  # what the measured volume holds
    vials: tuple[Vials, ...] = ()
    waste: Fraction | None = None
    fluid: Fluid = Fluid()
    dilute_from: int | None = None  # not diluted before this, or it is not stable to the end
    reconstitute: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    bags: tuple[BagPlan, ...] = ()
    dmso: Fraction | None = None  # g
    findings: tuple[Finding, ...] = ()
    names: tuple[str, ...] = ()
    drug_name: str = ""  # in the schedule's locale
    dissolve: tuple[Dissolve, ...] = ()
    labels: tuple[Label, ...] = ()
    shared: str = ""  # where the vials of this dose stand when a day's doses share them
    prepared_at: int | None = None
    expires: int | None = None  # from prepared_at, or of the cells
    kind: str = ""  # what is counted: CD34, TNC, MNC, CD3, MSC, CAR-T
    working: str = ""  # the arithmetic of a cell volume as one line
    parts: tuple[Part, ...] = ()
    dmso_volume: Fraction | None = None  # mL of the product the DMSO is in
    thaw_from: int | None = None  # not thawed before this, or it is past its time at the end

    @property
    def unit(self) -> str:
        """The unit of the dose."""
        return self.row.amount.unit if self.row.amount else "cells"

    @property
    def deviation(self) -> Fraction | None:
        """How far the measured volume is from the dose, signed, in per cent."""
        return None if self.drawn is None or not self.exact else deviation(self.volume or 0, self.exact)

    @property
    def apart(self) -> tuple[tuple[Fraction, Amount, str], ...]:
        """How far what is drawn up is from the dose `ordered` and from the one `calculated`, in per cent; only where it is."""
        if self.drawn is None:
            return ()
        told = ((self.row.amount, "ordered"), (self.row.calculated, "calculated"))
        return tuple((deviation(self.drawn, of.value), of, word) for of, word in told if of and of.unit == self.unit and of.decimal and self.drawn != of.decimal)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a check found about this preparation."""
        return tuple(one.message for one in self.findings if one.code.startswith("preparation.check"))

    @property
    def alike(self) -> tuple[Any, ...]:
        """What two doses of an order must share to be prepared in one line of the list."""
        return (self.row.order, self.row.amount, self.product, self.volume, self.vials, self.fluid, self.shared, self.bags, len(self.parts), self.warnings)

    def to_dict(self) -> dict[str, Any]:
        """The row as plain JSON values; null where something is asked for."""
        return {**self._dose(), **self._bag(), **self._cells(), "remarks": list(self.remarks), "labels": [one.to_dict() for one in self.labels],
                "warnings": list(self.warnings), "missing": [one.id for one in self.findings if one.code.startswith("preparation.missing")]}  # fmt: skip

    def _dose(self) -> dict[str, Any]:
        row, unit = self.row, self.unit
        return {
            "order": row.order, "drug": row.drug, "name": self.drug_name, "number": row.number, "of": row.of, "day": row.day, "start": iso(row.seconds, row.zone),
            "amount": row.amount.to_dict() if row.amount else None, "product": list(self.product), "volume": _told(self.volume, "mL"), "exact_volume": _told(self.exact, "mL"),
            "drawn": _told(self.drawn, unit), "deviation": _text(self.deviation), "apart": {word: _text(off) for off, _, word in self.apart},
            "vials": [one.to_dict() for one in self.vials], "waste": _told(self.waste, unit), "shared": self.shared, "reconstitute": list(self.reconstitute),
            "dissolve": [one.to_dict() for one in self.dissolve],
        }  # fmt: skip

    def _bag(self) -> dict[str, Any]:
        fluid, unit, zone = self.fluid, self.unit, self.row.zone
        return {
            "diluents": list(fluid.diluents), "diluent": _told(fluid.diluent, "mL"), "bag": _told(fluid.bag, "mL"),
            "final_volume_min": _told(fluid.smallest, "mL"), "final_volume_max": _told(fluid.largest, "mL"), "final_volume": _told(fluid.final, "mL"),
            "concentration": _told(fluid.concentration, f"{unit}/mL"), "minutes": fluid.minutes, "rate": _told(fluid.rate, "mL/h"), "amount_rate": _told(fluid.amount_rate, f"{unit}/h"), "outside_label": fluid.outside,
            "dilute_from": iso(self.dilute_from, zone), "prepared_at": iso(self.prepared_at, zone), "expires": iso(self.expires, zone),
        }  # fmt: skip

    def _cells(self) -> dict[str, Any]:
        zone = self.row.zone
        return {
            "bags": [plan.to_dict() for plan in self.bags], "parts": [part.to_dict(zone) for part in self.parts], "kind": self.kind, "working": self.working,
            "dmso": _told(self.dmso, "g"), "dmso_volume": _told(self.dmso_volume, "mL"), "thaw_from": iso(self.thaw_from, zone),
        }  # fmt: skip

    def tell(self) -> str:
        """The preparation as one line, with its warnings below it."""
        return tell_row(self)


@dataclass(frozen=True, slots=True)
class Day:
    """Fluid in mL and DMSO in g of one day; `complete` where every volume of that day is known, `unknown` the orders where not."""

    day: int
    volume: Fraction
    per_kg: Fraction | None
    dmso: Fraction | None
    complete: bool
    unknown: tuple[str, ...] = ()
    dmso_per_kg: Fraction | None = None
    dmso_ml_per_kg: Fraction | None = None  # mL of the products the DMSO is in
    limit: Fraction | None = None  # mL/kg, the site's

    def to_dict(self) -> dict[str, Any]:
        """The day as plain JSON values."""
        return {"day": self.day, "volume": _told(self.volume, "mL"), "per_kg": _told(self.per_kg, "mL/kg"), "limit": _told(self.limit, "mL/kg"), "dmso": _told(self.dmso, "g"),
                "dmso_per_kg": _told(self.dmso_per_kg, "g/kg"), "dmso_ml_per_kg": _told(self.dmso_ml_per_kg, "mL/kg"), "complete": self.complete, "unknown": list(self.unknown)}  # fmt: skip

    def tell(self) -> str:
        """The day's fluid as one line."""
        return tell_day(self)


@dataclass(frozen=True, slots=True)
class Preparation:
    """The preparations of a schedule. Iterating gives the rows in time order."""

    rows: tuple[Prepared, ...]
    days: tuple[Day, ...]
    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Prepared]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def open(self) -> tuple[Finding, ...]:
        """What must still be said or looked at."""
        return tuple(one for one in self.findings if one.is_open)

    @property
    def asks(self) -> tuple[Ask, ...]:
        """What nobody stated, once each, with the words that answer it."""
        return asks(self.findings)

    @property
    def groups(self) -> tuple[tuple[Prepared, ...], ...]:
        """The rows that are prepared alike, by order: one line of a preparation list each."""
        found: dict[tuple[Any, ...], list[Prepared]] = {}
        first = {row.row.order: place for place, row in reversed(list(enumerate(self.rows)))}
        for row in sorted(self.rows, key=lambda one: first[one.row.order]):
            found.setdefault(row.alike, []).append(row)
        return tuple(map(tuple, found.values()))

    def of(self, order: str) -> tuple[Prepared, ...]:
        """The rows of one order."""
        return tuple(one for one in self.rows if one.row.order == order)

    def to_dict(self) -> dict[str, Any]:
        """The preparations as plain JSON values."""
        return {"schema": "dosing.preparation/1", "rows": [one.to_dict() for one in self.rows], "days": [one.to_dict() for one in self.days],
                "asks": [one.to_dict() for one in self.asks], "findings": [one.to_dict() for one in self.findings]}  # fmt: skip

    def tell(self) -> str:
        """The preparation list and what is asked for, as plain text."""
        return tell_all(self)
