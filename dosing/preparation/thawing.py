"""Cells from a certificate: millilitres, whole bags with the dose they give, parts, grams of DMSO, and the time from thawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing.derivation import percent, spoken
from dosing.forms import say_duration
from dosing.preparation.asking import ask_dmso, ask_duration, ask_graduation, check, missing
from dosing.preparation.bags import deviation_of, other_counts, plans_of
from dosing.preparation.cells import BagPlan, CellProduct, dmso_mass
from dosing.preparation.drawing import most_of
from dosing.preparation.given import Given
from dosing.preparation.label import Source
from dosing.preparation.moments import seconds_of, spoken_moment, stop_of
from dosing.preparation.parting import parts_of
from dosing.preparation.prepared import Fluid, Prepared
from dosing.preparation.volumes import SMALL, amount, digits, infusion_rate, measurable
from dosing.schedule import Administration, Finding


def thaw(row: Administration, source: Source, given: Given, weight: Fraction | None) -> Prepared:
    """One cell dose from its certificate; what the certificate leaves out is asked for."""
    product = given.cells.get(row.order, CellProduct())
    made = Prepared(row, tuple(source.products), names=tuple(one.name for one in source.products.values()), labels=source.labels, kind=product.kind)
    product, told = _counted(row, product, source)
    made = replace(made, remarks=tuple(label.text for label in made.labels), findings=(*source.findings, *told))
    lacking = tuple(_lacking(row, product, source))
    if lacking:
        return replace(made, findings=(*made.findings, *lacking))
    made = _drawn(made, product, source, given)
    made = _bagged(made, product, weight, most_of(row, source))
    made = _parted(made, product, given)
    return _timed(replace(made, findings=(*made.findings, *_found(made, product, given))), product, source)


def by_label(made: Prepared, product: CellProduct, source: Source) -> Prepared:
    """Cells drawn up by the strength on their label: DMSO and the time from thawing as the certificate states them."""
    dmso = Fraction(0) if product.free else dmso_mass(made.volume, product.dmso) if product.dmso and made.volume is not None else None
    asked = (ask_dmso(made.row.order),) if dmso is None else ()
    return _timed(replace(made, dmso=dmso, dmso_volume=made.volume if product.dmso else None, findings=(*made.findings, *asked)), product, source)


def _counted(row: Administration, product: CellProduct, source: Source) -> tuple[CellProduct, tuple[Finding, ...]]:
    """What the dose counts: as stated, else as the product's label says; without a dose there is nothing that could differ."""
    if row.amount is None:
        return replace(product, dose_count=product.count), ()
    label = next((one for one in source.products.values() if one.counts), None)
    if label is None or product.dose_count == label.counts:
        return product, ()
    if product.dose_count is None:
        return replace(product, dose_count=label.counts), ()
    return product, (check(row.order, "label", f"the dose is stated to count {product.dose_count} cells; the label of {label.name} counts {label.counts} ones. The stated one is used.", label.source),)


def _lacking(row: Administration, product: CellProduct, source: Source) -> Iterator[Finding]:
    """A question for each number of the certificate that cells cannot be calculated without (check 10)."""
    order = row.order
    whole = product.bags or (product.per_bag and product.bag_volume)
    if source.drug.kind == "graft" and not product.kind:
        yield missing(order, "kind", "which cells are counted is not stated")
    if product.concentration is None and not whole:
        yield missing(order, "concentration", "the concentration of the cells is not stated; take it from the release certificate")
    if product.count is None:
        yield missing(order, "count", "whether the certificate counts total or viable cells is not stated")
    if product.dose_count is None and row.amount is not None:
        yield missing(order, "dose-count", "whether the protocol's dose counts total or viable cells is not stated")
    if product.viability is None and (product.needs_viability or product.count is None):
        yield missing(order, "viability", "the viability of the cells is not stated; take it from the release certificate (it is applied where one count is of total and the other of viable cells)")
    if product.recovery is None:
        yield missing(order, "recovery", "the recovery of the cells after thawing is not stated (100 % where fresh, or where the dose counts cells at freezing)")
    if product.dmso and product.dmso.basis == "v/v" and product.dmso.density is None:
        yield missing(order, "density", "DMSO is stated by volume; its density is needed for grams")


def _drawn(made: Prepared, product: CellProduct, source: Source, given: Given) -> Prepared:
    """The volume of the dose by concentration, viability and recovery; none where whole bags alone are stated."""
    row = made.row
    if row.amount is None or product.concentration is None:
        return made
    per_ml, most = product.concentration * product.yielded, most_of(row, source)
    exact = Fraction(row.amount.decimal) / per_ml
    found = measurable(exact, given.graduations, source.rounding_limit, None if most is None else most / per_ml)
    return replace(made, exact=exact, volume=found.volume, drawn=found.volume * per_ml, working=_working(row, product, exact))


def _working(row: Administration, product: CellProduct, exact: Fraction) -> str:
    """The arithmetic as one line that can be followed on a pocket calculator."""
    assert product.concentration and product.recovery
    viability = f" {'×' if product.count == 'total' else '÷'} {_share(product.viability)} viable" if product.needs_viability and product.viability else ""
    equals = "=" if Fraction(spoken(digits(exact)).replace(",", "")) == exact else "≈"
    return f"{row.amount} ÷ ({spoken(digits(product.concentration))} per mL{viability} × {_share(product.recovery)} recovered) {equals} {amount(exact, 'mL')}"


def _share(share: Fraction | None) -> str:
    return digits(share or 0)


def _bagged(made: Prepared, product: CellProduct, weight: Fraction | None, most: Fraction | None) -> Prepared:
    """Whole bags, where the certificate has bags and nobody divides a volume: what is infused is the plan's volume."""
    wanted = Fraction(made.row.amount.decimal) if made.row.amount else None
    plans = plans_of(product, wanted, weight) if product.bags or product.per_bag else ()
    if not plans:
        return replace(made, fluid=_fluid(made.row, made.volume), dmso_volume=made.volume)
    plan = next((one for one in plans if most is None or one.cells <= most), None)
    plans = plans if plan is None else (plan, *(one for one in plans if one != plan))
    volume = plan.volume if plan else None
    return replace(made, bags=plans, fluid=_fluid(made.row, volume), dmso_volume=volume, findings=(*made.findings, *_of_bags(made, product, plans, most, wanted)))


def _of_bags(made: Prepared, product: CellProduct, plans: tuple[BagPlan, ...], most: Fraction | None, wanted: Fraction | None) -> Iterator[Finding]:
    """Whole bags do not meet a dose exactly: the plans side by side, any above the stated maximum, and what else they hold."""
    order = made.row.order
    if len(plans) > 1 and not product.give:
        told = "; ".join(map(say_plan, plans))
        yield check(order, "bags", f"{told}. A person chooses; volume, rate and DMSO are those of the first, until --cells {order}.give names another.")
    for plan in plans:
        if most is not None and plan.cells > most:
            yield check(order, "bags.maximum", f"{_named(plan)} pass{'es' if plan.bags == 1 else ''} the maximum of {spoken(digits(most))} cells.")
    if wanted is not None and all(plan.cells < wanted for plan in plans):
        yield check(order, "bags.short", f"all bags together give {percent(Decimal(digits(deviation_of(max(plan.cells for plan in plans), wanted) or 0)))} of the dose.")
    if plans[0].volume is None:
        yield missing(order, "bag-volume", "the volume of the bags is not stated")
    if others := other_counts(product, plans[0]):
        told = ", ".join(f"{spoken(digits(cells))} {kind}" for kind, cells in others.items())
        yield Finding(f"{order}.counts", "preparation.counts", "note", f"the same bags hold {told}.", order)


def _named(plan: BagPlan) -> str:
    if plan.names:
        return f"bag{'s' if len(plan.names) > 1 else ''} {'+'.join(plan.names)}"
    return f"{plan.bags} whole bag{'s' if plan.bags > 1 else ''}"


def say_plan(plan: BagPlan) -> str:
    """A plan in words: which bags, the cells they give, the deviation from the dose, the dose per kg."""
    off = f" ({percent(Decimal(digits(plan.deviation)))})" if plan.deviation is not None else ""
    per_kg = f", {spoken(digits(round(plan.per_kg)))} per kg" if plan.per_kg else ""
    return f"{_named(plan)} give{'s' if plan.bags == 1 else ''} {spoken(digits(plan.cells))} cells{off}{per_kg}"


def _fluid(row: Administration, infused: Fraction | None) -> Fluid:
    """What is infused undiluted, and its rate where the duration is known."""
    return Fluid(final=infused, minutes=row.minutes, rate=infusion_rate(infused, row.minutes) if row.minutes and infused is not None else None)


def _parted(made: Prepared, product: CellProduct, given: Given) -> Prepared:
    """The parts of a split infusion, and the DMSO of what is infused; no rate for parts, whose times nobody stated."""
    plan = made.bags[0] if made.bags else None
    per_ml = product.concentration * product.yielded if product.concentration is not None and plan is None else None
    if plan and plan.volume:
        per_ml = plan.cells / plan.volume
    parts = parts_of(made.row, product, made.fluid.final, per_ml, given.graduations)
    fluid = replace(made.fluid, rate=None) if len(parts) > 1 else made.fluid
    dmso = Fraction(0) if product.free else dmso_mass(fluid.final, product.dmso) if product.dmso and fluid.final is not None else None
    return replace(made, parts=parts if len(parts) > 1 else (), fluid=fluid, dmso=dmso, dmso_volume=made.dmso_volume if product.dmso else None)


def _found(made: Prepared, product: CellProduct, given: Given) -> Iterator[Finding]:
    order, row = made.row.order, made.row
    if made.exact is not None and made.exact < SMALL:
        yield check(order, "measurable", f"{amount(made.exact, 'mL')} is too small to measure with certainty: is the concentration right?", "products-and-prep, check 2")
    if made.exact is not None and not given.graduations:
        yield ask_graduation()
    if product.dmso is None and not product.free:
        yield ask_dmso(order)
    if not row.minutes:
        yield ask_duration(order, row.drug)


def _timed(made: Prepared, product: CellProduct, source: Source) -> Prepared:
    """Check 9: from thawing to the end of the infusion, by the certificate or the label; asked for where neither says."""
    row = made.row
    keeps = product.keeps or next((one.stable for one in source.products.values() if one.stable), None)
    stop, zone = stop_of(row, row.minutes), row.zone
    thawed = seconds_of(product.thaw, row.seconds, zone) if product.thaw else None
    until = [seconds_of(product.until, row.seconds, zone)] if product.until else []
    until += [thawed + keeps * 60] if thawed is not None and keeps else []
    expires = min((one for one in until if one is not None), default=None)
    end = stop if stop is not None else row.seconds
    parts = tuple(replace(part, thaw_from=part.seconds - keeps * 60 if keeps and part.seconds is not None else None) for part in made.parts)
    made = replace(made, expires=expires, parts=parts, thaw_from=end - keeps * 60 if keeps and end is not None and not parts else None)
    return replace(made, findings=(*made.findings, *_late(made, product, keeps, thawed, end)))


def _late(made: Prepared, product: CellProduct, keeps: int | None, thawed: int | None, end: int | None) -> Iterator[Finding]:
    order, zone, last = made.row.order, made.row.zone, max((part.seconds or 0 for part in made.parts), default=0)
    if keeps is None and product.until is None:
        yield missing(order, "keeps", "how long the cells keep from thawing, or until when, is not stated")
    if thawed is not None and made.row.seconds is not None and thawed > made.row.seconds:
        yield check(order, "thaw", f"they are thawed {spoken_moment(thawed, zone)}, after the start {spoken_moment(made.row.seconds, zone)}.")
    planned = max(end or 0, last)
    if made.expires is not None and planned > made.expires:
        what = "ends" if made.row.minutes and not made.parts else "starts or goes on"
        yield check(order, "thaw", f"the cells keep until {spoken_moment(made.expires, zone)}; the infusion {what} {spoken_moment(planned, zone)}: thaw later or plan it earlier.")
    if keeps and made.row.minutes and made.row.minutes > keeps:
        yield check(order, "thaw", f"the infusion takes {say_duration(made.row.minutes)} and the cells keep {say_duration(keeps)} from thawing: divide it.")


def weight_of(patient: Mapping[str, Any]) -> Fraction | None:
    """The patient's weight in kg, None where it is not known."""
    stated = patient.get("weight")
    return Fraction(stated["value"]) if stated else None
