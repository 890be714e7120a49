"""Cells: cells per kg to cells, to millilitres, to bags; and the DMSO that goes in with them.

Concentration, viability and recovery come from the release certificate. None of them has a default, and a product
whose concentration already counts viable cells has no viability applied a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Literal, NamedTuple

Number = Fraction | Decimal | int | str
DMSO_LIMIT = Fraction(1)  # g/kg/day, HEMACORD US label 2.2
DMSO_CITE = "HEMACORD US label 2.2: at most 1 g/kg/day"


class Dmso(NamedTuple):
    """The DMSO of a product: its share of the volume, by weight or by volume, and g/mL where by volume."""

    share: Fraction
    basis: Literal["w/v", "v/v"]
    density: Fraction | None = None


@dataclass(frozen=True, slots=True)
class CellProduct:
    """A cell product as its certificate states it; None where it does not (or was not told)."""

    concentration: Fraction | None = None  # cells per mL
    viability: Fraction | None = None  # share of 1; 1 where the concentration already counts viable cells
    recovery: Fraction | None = None  # share of 1 after thawing; 1 for a fresh product
    per_bag: Fraction | None = None  # cells
    bag_volume: Fraction | None = None  # mL
    dmso: Dmso | None = None

    @property
    def yielded(self) -> Fraction:
        """The share of the counted cells that counts for the dose; needs viability and recovery."""
        assert self.viability is not None and self.recovery is not None
        return self.viability * self.recovery


class BagPlan(NamedTuple):
    """A number of whole bags, the cells they give, and the signed deviation from the dose in per cent."""

    bags: int
    cells: Fraction
    deviation: Fraction


def cells_total(per_kg: Number, weight: Number, most: Number | None = None) -> Fraction:
    """Cells for a dose per kg and a weight in kg, not above a stated maximum."""
    total = Fraction(per_kg) * Fraction(weight)
    return total if most is None else min(total, Fraction(most))


def cells_volume(cells: Number, per_ml: Number, viability: Number, recovery: Number) -> Fraction:
    """mL that give a number of cells: cells / (cells per mL × viability × recovery), shares of 1."""
    return Fraction(cells) / (Fraction(per_ml) * Fraction(viability) * Fraction(recovery))


def bag_count(cells: Number, per_bag: Number, yielded: Number) -> int:
    """Whole bags that hold at least a number of cells; `yielded` is viability × recovery, a share of 1."""
    return ceil(Fraction(cells) / (Fraction(per_bag) * Fraction(yielded)))


def bag_plans(cells: Number, per_bag: Number, yielded: Number) -> tuple[BagPlan, ...]:
    """Whole-bag plans around a dose, the one that reaches it first; a person chooses."""
    enough, each = bag_count(cells, per_bag, yielded), Fraction(per_bag) * Fraction(yielded)
    counts = [enough, enough - 1] if enough > 1 and enough * each != Fraction(cells) else [enough]
    return tuple(BagPlan(count, count * each, (count * each / Fraction(cells) - 1) * 100) for count in counts)


def dmso_mass(volume: Number, dmso: Dmso) -> Fraction:
    """Grams of DMSO in mL of a product: mL × share, times the density of DMSO where the share is by volume."""
    return Fraction(volume) * dmso.share * _density(dmso)


def dmso_volume(weight: Number, dmso: Dmso, limit: Number = DMSO_LIMIT) -> Fraction:
    """The most mL of a product in one day for a weight in kg and a limit in g/kg/day."""
    return Fraction(limit) * Fraction(weight) / (dmso.share * _density(dmso))


def dmso_days(volume: Number, weight: Number, dmso: Dmso, limit: Number = DMSO_LIMIT) -> int:
    """Days over which mL of a product must be spread to keep the limit."""
    return ceil(dmso_mass(volume, dmso) / (Fraction(limit) * Fraction(weight)))


def _density(dmso: Dmso) -> Fraction:
    """g/mL where the share is by volume (asked for, never assumed), else 1."""
    if dmso.basis == "w/v":
        return Fraction(1)
    assert dmso.density is not None, "a share by volume needs the density of DMSO"
    return dmso.density
