"""Cells from a certificate: millilitres, whole bags with the dose they give, and grams of DMSO."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing.derivation import percent, spoken
from dosing.preparation.asking import ask_dmso, ask_duration, ask_graduation, check, missing
from dosing.preparation.cells import (
    DMSO_CITE,
    DMSO_LIMIT,
    CellProduct,
    bag_plans,
    cells_volume,
    dmso_days,
    dmso_mass,
)
from dosing.preparation.drawing import Source, most_of
from dosing.preparation.given import Given
from dosing.preparation.prepared import Fluid, Prepared, amount
from dosing.preparation.volumes import SMALL, digits, infusion_rate, measurable
from dosing.schedule import Administration, Finding

NEEDED = {"concentration": "cells/mL", "viability": "%", "recovery": "%"}


def thaw(row: Administration, source: Source, given: Given) -> Prepared:
    """One cell dose from its certificate; what the certificate leaves out is asked for."""
    product = given.cells.get(row.order, CellProduct())
    lacking = tuple(_lacking(row.order, product))
    if lacking:
        return Prepared(row, findings=lacking)
    assert row.amount and product.concentration
    wanted, per_ml, most = row.amount.decimal, product.concentration * product.yielded, most_of(row, source)
    exact = cells_volume(wanted, product.concentration, product.viability or 0, product.recovery or 0)
    found = measurable(exact, given.graduations, source.rounding_limit, None if most is None else most / per_ml)
    plans = bag_plans(wanted, product.per_bag, product.yielded) if product.per_bag else ()
    infused = plans[0].bags * _bag_volume(product) if plans else found.volume
    dmso = dmso_mass(infused, product.dmso) if product.dmso else None
    made = Prepared(row, exact=exact, volume=found.volume, drawn=found.volume * per_ml, bags=plans, dmso=dmso, fluid=_fluid(row, infused))
    return replace(made, findings=(*_found(made, product, given), *_bags(made, most)))


def _bag_volume(product: CellProduct) -> Fraction:
    """mL of one bag: as stated, else its cells by the certificate's concentration."""
    assert product.per_bag and product.concentration
    return product.bag_volume or product.per_bag / product.concentration


def _fluid(row: Administration, infused: Fraction) -> Fluid:
    """What is infused undiluted, and its rate where the duration is known."""
    return Fluid(final=infused, rate=infusion_rate(infused, row.minutes) if row.minutes else None)


def _lacking(order: str, product: CellProduct) -> Iterator[Finding]:
    """A question for each number of the certificate a volume cannot be calculated without (check 10)."""
    for name, unit in NEEDED.items():
        if getattr(product, name) is None:
            more = f', or --cells {order}.count=viable where its count is of viable cells' if name == "viability" else ""
            yield missing(order, name, f'the {name} of the cells is not stated; take it from the release certificate: --cells {order}.{name}="… {unit}"{more}.')
    if product.dmso and product.dmso.basis == "v/v" and product.dmso.density is None:
        yield missing(order, "density", f'DMSO is stated by volume; its density is needed for grams: --cells {order}.density="… g/mL".')


def _found(made: Prepared, product: CellProduct, given: Given) -> Iterator[Finding]:
    order, row = made.row.order, made.row
    if made.exact is not None and made.exact < SMALL:
        yield check(order, "measurable", f"{amount(made.exact, 'mL')} is too small to measure with certainty: is the concentration right?", "products-and-prep, check 2")
    if not given.graduations:
        yield ask_graduation()
    if product.dmso is None:
        yield ask_dmso(order)
    if not row.minutes:
        yield ask_duration(order, row.drug)


def _bags(made: Prepared, most: Fraction | None) -> Iterator[Finding]:
    """Whole bags do not meet a dose exactly: the plans side by side, and any above the stated maximum."""
    if len(made.bags) > 1:
        told = "; ".join(f"{plan.bags} whole bags give {spoken(digits(plan.cells))} cells ({percent(Decimal(digits(plan.deviation)))})" for plan in made.bags)
        yield check(made.row.order, "bags", f"{told}: a person chooses; volume, rate and DMSO are those of {made.bags[0].bags}.")
    for plan in made.bags:
        if most is not None and plan.cells > most:
            yield check(made.row.order, "bags.maximum", f"{plan.bags} whole bags pass the maximum of {spoken(digits(most))} cells.")


def dmso_load(day: int, rows: list[Prepared], products: Mapping[str, CellProduct], weight: Fraction | None) -> Iterator[Finding]:
    """Check 9: the DMSO of one day against the limit, with the days it would have to be spread over."""
    mass = sum((one.dmso for one in rows if one.dmso is not None), Fraction(0))
    if not mass or weight is None or mass <= DMSO_LIMIT * weight:
        return
    for one in (one for one in rows if one.dmso):
        dmso = products[one.row.order].dmso
        assert dmso and one.fluid.final is not None
        days = dmso_days(one.fluid.final, weight, dmso)
        told = f"day {day:+d} holds {amount(round(mass, 2), 'g')} of DMSO ({dmso.basis}), {digits(round(mass / weight, 3))} g/kg; {one.row.order} alone needs {days} days."
        yield check(one.row.order, "dmso", told, DMSO_CITE)


def weight_of(patient: Mapping[str, Any]) -> Fraction | None:
    """The patient's weight in kg, None where it is not known."""
    stated = patient.get("weight")
    return Fraction(stated["value"]) if stated else None
