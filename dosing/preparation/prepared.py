"""What a preparation gives back: one row per administration, fluid and DMSO per day, and what is still asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing.derivation import percent, spoken
from dosing.preparation.cells import BagPlan
from dosing.preparation.volumes import deviation, digits
from dosing.schedule import Administration, Amount, Finding, iso


def amount(value: Fraction | None, unit: str) -> Amount | None:
    """An exact fraction as an `Amount` of at most 12 digits; None stays None."""
    return None if value is None else Amount(digits(value), unit)


def _told(value: Amount | None) -> dict[str, str] | None:
    return value.to_dict() if value else None


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
class Fluid:
    """What goes into the bag and comes out of it, in mL, amount per mL and mL/h; None where it is not known."""

    diluents: tuple[str, ...] = ()
    diluent: Fraction | None = None
    bag: Fraction | None = None
    smallest: Fraction | None = None  # the final volume at the highest concentration
    largest: Fraction | None = None  # and at the lowest
    final: Fraction | None = None
    concentration: Fraction | None = None
    rate: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """One administration as it is prepared. Volumes are mL, amounts in the unit of the dose."""

    row: Administration
    product: tuple[str, ...] = ()
    exact: Fraction | None = None
    volume: Fraction | None = None
    drawn: Fraction | None = None  # what the measured volume holds
    vials: tuple[Vials, ...] = ()
    waste: Fraction | None = None
    fluid: Fluid = Fluid()
    dilute_from: int | None = None  # POSIX seconds: not diluted before this, or it is not stable to the end
    reconstitute: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    bags: tuple[BagPlan, ...] = ()
    dmso: Fraction | None = None  # g
    findings: tuple[Finding, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of the dose."""
        assert self.row.amount
        return self.row.amount.unit

    @property
    def deviation(self) -> Fraction | None:
        """How far the measured volume is from the dose, signed, in per cent."""
        return None if self.drawn is None or not self.exact else deviation(self.volume or 0, self.exact)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a check found about this preparation."""
        return tuple(one.message for one in self.findings if one.code.startswith("preparation.check"))

    def to_dict(self) -> dict[str, Any]:
        """The row as plain JSON values; null where something is asked for."""
        fluid, unit = self.fluid, self.unit
        return {
            "order": self.row.order, "drug": self.row.drug, "number": self.row.number, "of": self.row.of, "day": self.row.day, "start": iso(self.row.seconds, self.row.zone),
            "amount": _told(self.row.amount), "product": list(self.product), "volume": _told(amount(self.volume, "mL")), "exact_volume": _told(amount(self.exact, "mL")),
            "drawn": _told(amount(self.drawn, unit)), "deviation": None if self.deviation is None else digits(self.deviation),
            "vials": [one.to_dict() for one in self.vials], "waste": _told(amount(self.waste, unit)), "reconstitute": list(self.reconstitute),
            "diluents": list(fluid.diluents), "diluent": _told(amount(fluid.diluent, "mL")), "bag": _told(amount(fluid.bag, "mL")),
            "final_volume_min": _told(amount(fluid.smallest, "mL")), "final_volume_max": _told(amount(fluid.largest, "mL")), "final_volume": _told(amount(fluid.final, "mL")),
            "concentration": _told(amount(fluid.concentration, f"{unit}/mL")), "rate": _told(amount(fluid.rate, "mL/h")), "dilute_from": iso(self.dilute_from, self.row.zone),
            "bags": [{"count": plan.bags, "cells": digits(plan.cells), "deviation": digits(plan.deviation)} for plan in self.bags], "dmso": _told(amount(self.dmso, "g")),
            "remarks": list(self.remarks), "warnings": list(self.warnings), "missing": [one.id for one in self.findings if one.code.startswith("preparation.missing")],
        }  # fmt: skip

    def tell(self) -> str:
        """The preparation as one line, with its warnings below it."""
        head = f"day {self.row.day:+d} {self.row.order}#{self.row.number} {self.row.drug} {self.row.amount}"
        return "\n".join([f"{head}: {', '.join(self._parts()) or 'not known'}", *(f"  ! {text}" for text in self.warnings)])

    def _parts(self) -> Iterator[str]:
        fluid = self.fluid
        if self.volume is not None:
            yield f"{amount(self.volume, 'mL')}" + (f" ({_signed(self.deviation)})" if self.deviation else "")
        if self.vials:
            yield " + ".join(f"{one.count} × {one.content}" for one in self.vials) + f" (waste {amount(self.waste, self.unit)})"
        yield from (f"{plan.bags} bags = {spoken(digits(plan.cells))} cells ({_signed(plan.deviation)})" for plan in self.bags)
        named = f" of {' or '.join(fluid.diluents)}" if fluid.diluents else ""
        if fluid.diluent is not None:
            yield f"{amount(fluid.diluent, 'mL')}{named}"
        elif fluid.smallest is not None:
            yield f"final volume {amount(fluid.smallest, 'mL')}{_up_to(fluid.largest)}{named}"
        made = ((fluid.final, "mL", "final {}"), (fluid.concentration, f"{self.unit}/mL", "{}"), (fluid.rate, "mL/h", "{}"), (self.dmso, "g", "DMSO {}"))
        yield from (text.format(amount(value, unit)) for value, unit, text in made if value is not None)
        if self.dilute_from is not None:
            yield f"dilute not before {iso(self.dilute_from, self.row.zone)}"


def _signed(deviation_in_percent: Fraction) -> str:
    return percent(Decimal(digits(deviation_in_percent)))


def _up_to(largest: Fraction | None) -> str:
    return " or more" if largest is None else f" to {amount(largest, 'mL')}"


@dataclass(frozen=True, slots=True)
class Day:
    """Fluid in mL and DMSO in g of one day; `complete` where every volume of that day is known."""

    day: int
    volume: Fraction
    per_kg: Fraction | None
    dmso: Fraction | None
    complete: bool

    def to_dict(self) -> dict[str, Any]:
        """The day as plain JSON values."""
        return {"day": self.day, "volume": _told(amount(self.volume, "mL")), "per_kg": _told(amount(self.per_kg, "mL/kg")), "dmso": _told(amount(self.dmso, "g")), "complete": self.complete}

    def tell(self) -> str:
        """The day's fluid as one line."""
        by_weight = "" if self.per_kg is None else f" = {amount(self.per_kg, 'mL/kg')}"
        return f"day {self.day:+d}: fluid {'' if self.complete else 'at least '}{amount(self.volume, 'mL')}{by_weight}"


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

    def of(self, order: str) -> tuple[Prepared, ...]:
        """The rows of one order."""
        return tuple(one for one in self.rows if one.row.order == order)

    def to_dict(self) -> dict[str, Any]:
        """The preparations as plain JSON values."""
        return {"schema": "dosing.preparation/1", "rows": [one.to_dict() for one in self.rows], "days": [one.to_dict() for one in self.days],
                "findings": [one.to_dict() for one in self.findings]}  # fmt: skip

    def tell(self) -> str:
        """The preparations and what is asked for, as plain text."""
        asked = [f"{one.level}: {one.message}" for one in self.findings if not one.code.startswith("preparation.check")]
        labels = dict.fromkeys(f"{one.row.order}: {text}" for one in self.rows for text in (*one.reconstitute, *one.remarks))
        return "\n".join(["PREPARATION", *(one.tell() for one in self.rows), *labels, *(day.tell() for day in self.days if day.volume), *asked])
