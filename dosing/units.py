"""The closed unit registry: every unit this program knows, one row each.

Stock pint reads `mg/kg` as a plain number, `Mg` as tonnes and `1 unit` as a luminance, so it never sees a user's
text. Here body weight, body surface, cells, activity and the administration are dimensions of their own: a dose per
kilogram multiplied by anything but a body weight is a dimension error, not a number. This is the only module that
imports pint, and it does so when the first quantity is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from dosing.errors import closest, refuse

if TYPE_CHECKING:
    from pint import Quantity, UnitRegistry


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its definition for pint, its UCUM code, how it prints, and how a dose in it may be written (not at all: no dose has it)."""

    definition: str
    ucum: str
    print: str = ""
    dosed: tuple[str, ...] = ()


UNITS: dict[str, Unit] = {
    # amounts of drug
    "g": Unit("g = [mass]", "g", dosed=("g",)),
    "mg": Unit("mg = 1e-3 g", "mg", dosed=("mg",)),
    "mcg": Unit("mcg = 1e-6 g", "ug", dosed=("mcg", "ug", "µg", "μg", "microgram", "micrograms")),
    "ng": Unit("ng = 1e-9 g", "ng"),
    "mmol": Unit("mmol = [substance]", "mmol", dosed=("mmol",)),
    "micromol": Unit("micromol = 1e-3 mmol", "umol"),
    "units": Unit("units = [activity]", "[iU]", dosed=("units",)),
    "cells": Unit("cells = [cells]", "{cells}", dosed=("cells",)),
    "Gy": Unit("Gy = [radiation]", "Gy", dosed=("Gy",)),
    "cGy": Unit("cGy = 1e-2 Gy", "cGy", dosed=("cGy",)),
    # the patient
    "kg": Unit("kg = [body_weight]", "kg"),
    "cm": Unit("cm = [height]", "cm"),
    "m2": Unit("m2 = [body_surface]", "m2", "m²"),
    "kg/m2": Unit("bmi = [body_mass_index]", "kg/m2", "kg/m²"),
    "y": Unit("y = [age]", "a"),
    # volumes, time and counts
    "mL": Unit("mL = [volume]", "mL", dosed=("mL",)),
    "L": Unit("L = 1e3 mL", "L"),
    "dL": Unit("dL = 100 mL", "dL"),
    "min": Unit("min = [time]", "min"),
    "h": Unit("h = 60 min", "h"),
    "day": Unit("day = 24 h", "d"),
    "dose": Unit("dose = [administration]", "{dose}"),
    "course": Unit("course = [course]", "{course}"),
    "vials": Unit("vials = [vial]", "{vial}"),
    # laboratory and exposure
    "AUC": Unit("AUC = mg / mL * min", "mg/mL.min", "mg/mL·min", dosed=("AUC",)),
    "1e9/L": Unit("giga_per_litre = 1e9 * cells / L", "10*9/L"),
}
DOSED = {text: name for name, unit in UNITS.items() for text in unit.dosed}  # spelling in a dose: unit
SPELLED = {"kg/m2": "bmi", "1e9/L": "giga_per_litre"}


@cache
def registry() -> UnitRegistry:
    """The pint registry that holds only the rows of `UNITS` (about 30 units, built once)."""
    from pint import UnitRegistry

    closed: UnitRegistry = UnitRegistry(None, cache_folder=None)
    for unit in UNITS.values():
        closed.define(unit.definition)
    return closed


def quantity(value: float | str, unit: str) -> Quantity:
    """A pint quantity of one known unit, or of known units joined by `/`, such as `mg/kg/day`.

    Raises `InputError` (D08) for a unit that is not on the list.
    """
    known = [SPELLED.get(unit, unit)] if unit in UNITS else [known_unit(part) for part in unit.split("/")]
    result = registry().Quantity(float(value), known[0])
    for divisor in known[1:]:
        result = result / registry().Unit(divisor)
    return result


def known_unit(unit: str) -> str:
    """The unit itself when it is on the closed list; `InputError` (D08) otherwise."""
    if unit not in UNITS:
        raise refuse("D08", f'"{unit}" is not a unit of this program', closest(unit, UNITS))
    return SPELLED.get(unit, unit)


@cache
def coefficient(unit: str, per: str, amount_unit: str) -> float:
    """How many `amount_unit` one `unit/per` gives for one kg or m2 of the patient.

    The dimensions decide: `mg/kg` times body weight is a mass, `mg/m2` times body weight is an error.
    Raises `InputError` (D10) when the product is not an amount of the kind asked for.
    """
    if unit == "AUC":  # Calvert: mg = AUC × (GFR + 25), so an AUC is a dose per mL/min of clearance
        return float((quantity(1, "AUC") * quantity(1, "mL/min")).m_as(registry().Unit(known_unit(amount_unit))))
    dose = quantity(1, f"{unit}/{per}" if per else unit)
    amount = dose * quantity(1, per) if per else dose
    try:
        return float(amount.m_as(registry().Unit(known_unit(amount_unit))))
    except registry_errors() as error:
        raise refuse("D10", f"{unit}/{per or 'dose'} cannot be given in {amount_unit}", "check the unit.") from error


@cache
def exact(unit: str, to: str, per: str = "") -> Decimal:
    """How many `to` one `unit` is, `per` kg or m2 where that is named, as a decimal that ends.

    Amounts of one kind lie whole powers of ten apart, so twelve digits of the float hold the factor and no more.
    Raises `InputError`: D08 for a unit that is not on the list, D10 for two that measure different things.
    """
    return Decimal(f"{coefficient(unit, per, to):.12g}")


@lru_cache(maxsize=4096)
def in_unit(value: Fraction | Decimal | int | str, unit: str, to: str) -> Fraction:
    """A number of one unit in another of the same kind, exactly; `InputError` as `exact`."""
    return Fraction(value) if unit == to else Fraction(value) * Fraction(exact(unit, to))


@cache
def same_kind(one: str, other: str) -> bool:
    """Whether two units measure the same thing, so that one can be written as the other."""
    return quantity(1, one).is_compatible_with(quantity(1, other))


def registry_errors() -> tuple[type[Exception], ...]:
    """The errors pint raises for a dimension that does not fit."""
    from pint.errors import DimensionalityError

    return (DimensionalityError,)


def print_unit(unit: str) -> str:
    """The unit as it is printed (`m2` as m²); the unit itself where nothing else is stated."""
    return "/".join((UNITS[part].print if part in UNITS else "") or part for part in unit.split("/"))


def ucum(unit: str) -> str:
    """The UCUM code of one known unit."""
    return UNITS[unit].ucum
