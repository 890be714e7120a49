"""Cells: cells per kg to cells, to millilitres, to bags; and the DMSO that goes in with them.

Concentration, viability and recovery come from the release certificate. None of them has a default, and viability is
applied once or not at all: what the certificate counts and what the dose counts are both stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any, Literal, NamedTuple

from dosing.preparation.moments import Moment
from dosing.preparation.volumes import digits

Number = Fraction | Decimal | int | str
Counted = Literal["total", "viable"]
DMSO_LIMIT = Fraction(1)  # g/kg/day, HEMACORD US label 2.2
DMSO_CITE = "HEMACORD US label 2.2: at most 1 g/kg/day"


class Dmso(NamedTuple):
    """The DMSO of a product: its share of the volume, by weight or by volume, and g/mL where by volume."""

    share: Fraction
    basis: Literal["w/v", "v/v"]
    density: Fraction | None = None


class Bag(NamedTuple):
    """One bag of a certificate: its name, the cells counted in it by kind (`""` where the kind is not named), its mL."""

    name: str
    counts: tuple[tuple[str, Fraction], ...]
    volume: Fraction | None = None

    def cells(self, kind: str) -> Fraction | None:
        """The cells of a kind; of a single count without a kind, that."""
        found = dict(self.counts)
        return found.get(kind, found.get("") if len(found) == 1 else None)


@dataclass(frozen=True, slots=True)
class Give:
    """One part of an infusion as stated: bags by name, or a number of equal bags, or a share, or cells; minutes after the start."""

    bags: tuple[str, ...] = ()
    count: int = 0
    share: Fraction | None = None
    cells: Fraction | None = None
    after: int = 0


@dataclass(frozen=True, slots=True)
class CellProduct:
    """A cell product as its certificate states it; None where it does not (or was not told)."""

    concentration: Fraction | None = None  # cells per mL
    viability: Fraction | None = None  # share of 1
    recovery: Fraction | None = None  # share of 1 after thawing; 1 for a fresh product
    per_bag: Fraction | None = None  # cells
    bag_volume: Fraction | None = None  # mL
    dmso: Dmso | None = None
    kind: str = ""  # CD34, TNC, MNC, CD3, MSC, CAR-T
    count: Counted | None = None  # what the certificate's numbers count
    dose_count: Counted | None = None  # what the protocol's dose counts
    bags: tuple[Bag, ...] = ()
    give: tuple[Give, ...] = ()
    free: bool = False  # stated to hold no DMSO
    keeps: int | None = None  # minutes from thawing to the end of the infusion
    thaw: Moment | None = None
    until: Moment | None = None  # the end of use the certificate prints

    @property
    def is_counted(self) -> bool:
        """Whether the certificate counts cells at all, beside what it may say of DMSO and times."""
        return bool(self.concentration or self.per_bag or self.bags or self.recovery or self.viability or self.kind)

    @property
    def needs_viability(self) -> bool:
        """Whether the two counts differ, so that viability lies between them."""
        return self.count is not None and self.dose_count is not None and self.count != self.dose_count

    @property
    def yielded(self) -> Fraction:
        """The share of the counted cells that counts for the dose; needs recovery, and viability where the counts differ."""
        assert self.recovery is not None
        if not self.needs_viability:
            return self.recovery
        assert self.viability is not None
        return self.recovery * (self.viability if self.count == "total" else 1 / self.viability)


class BagPlan(NamedTuple):
    """A choice of whole bags, the cells they give, and the signed deviation from the dose in per cent (None without a dose)."""

    bags: int
    cells: Fraction
    deviation: Fraction | None
    names: tuple[str, ...] = ()
    volume: Fraction | None = None  # mL
    per_kg: Fraction | None = None  # cells/kg

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        deviation, volume, per_kg = (None if one is None else digits(one) for one in (self.deviation, self.volume, self.per_kg))
        return {"count": self.bags, "names": list(self.names), "cells": digits(self.cells), "deviation": deviation, "volume": volume, "per_kg": per_kg}


def bag_count(cells: Number, per_bag: Number, yielded: Number) -> int:
    """Whole bags that hold at least a number of cells; `yielded` is viability × recovery, a share of 1."""
    return ceil(Fraction(cells) / (Fraction(per_bag) * Fraction(yielded)))


def dmso_mass(volume: Number, dmso: Dmso) -> Fraction:
    """Grams of DMSO in mL of a product: mL × share, times the density of DMSO where the share is by volume."""
    return Fraction(volume) * dmso.share * _density(dmso)


def dmso_volume(weight: Number, dmso: Dmso, limit: Number = DMSO_LIMIT) -> Fraction:
    """The most mL of a product in one day for a weight in kg and a limit in g/kg/day."""
    return Fraction(limit) * Fraction(weight) / (dmso.share * _density(dmso))


def _density(dmso: Dmso) -> Fraction:
    """g/mL where the share is by volume (asked for, never assumed), else 1."""
    if dmso.basis == "w/v":
        return Fraction(1)
    assert dmso.density is not None, "a share by volume needs the density of DMSO"
    return dmso.density
