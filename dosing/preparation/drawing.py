"""From a dose to what is drawn up: the product or sizes of it, the measured volume, the vials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing.errors import Fault, UsageError, closest
from dosing.preparation.asking import ask_graduation, check, missing
from dosing.preparation.given import Given
from dosing.preparation.prepared import Prepared, Vials, amount
from dosing.preparation.vials import vial_set, waste
from dosing.preparation.volumes import SMALL, deviation, digits, drug_volume, in_unit, measurable, step_for
from dosing.regimen.schema import Drug, Product
from dosing.schedule import Administration, Finding

Products = Mapping[str, Product]


@dataclass(frozen=True)
class Source:
    """What one order is prepared from: its card, drug, the vial sizes chosen, and the site's limit of rounding."""

    card: Mapping[str, Any]
    drug: Drug
    products: Products
    rounding_limit: Decimal

    @property
    def product(self) -> Product:
        """The product whose label is followed; vial sizes of one preparation share strength and diluents."""
        return next(iter(self.products.values()))


def products_of(order: str, card: Mapping[str, Any], drug: Drug, chosen: tuple[str, ...]) -> Products:
    """The products an order is prepared from: those chosen, else the one the schedule names, else none.

    Raises `UsageError` (R10) for a product the drug's file does not hold, one beside the schedule's, or strengths that differ.
    """
    planned = next((name for name, product in drug.products.items() if product.name == card.get("product")), "")
    names = chosen or ((planned,) if planned else ())
    where = f"--product {order}"
    for name in names:
        if name not in drug.products:
            raise UsageError(Fault("R10", f'"{name}" is no product of {drug.id}', closest(name, drug.products or ["none is on file"]), where))
    if planned and planned not in names:
        raise UsageError(Fault("R10", f"the schedule is planned with {planned}", f"name it too, or set another: --set {order}.product=….", where))
    if len({str(drug.products[name].strength) for name in names}) > 1:
        raise UsageError(Fault("R10", f"{' and '.join(names)} differ in strength", "name sizes of one strength.", where))
    return {name: drug.products[name] for name in names}


def ask_product(order: str, card: Mapping[str, Any], drug: Drug) -> Finding:
    """The question which product is used, with those on file."""
    if card.get("product"):
        return missing(order, "product", f"{card['product']} is not in this library's file of {drug.id}: prepare with the library it was planned with.")
    known = f"on file: {', '.join(drug.products)}; write --product {order}=…" if drug.products else "none is on file; add one to its drug file in your library"
    return missing(order, "product", f"no product of {drug.id} is named; {known}.")


def draw(row: Administration, source: Source, given: Given) -> Prepared:
    """The volume, what it holds, and the vials of one administration."""
    made = Prepared(row, tuple(source.products), reconstitute=_each(source, "reconstitute"), remarks=(*_each(source, "concentration"), *_each(source, "note")))
    return replace(made, **_drawn(row, source, given))


def _drawn(row: Administration, source: Source, given: Given) -> dict[str, Any]:
    strength = source.product.strength
    if strength is None or not strength.unit.endswith("/mL"):
        return {"findings": (missing(row.order, "strength", f"the strength of {source.product.name} is not on file: take it from the label in hand and add it to its drug file."),)}
    assert row.amount
    per_ml = in_unit(strength.value, strength.unit.removesuffix("/mL"), row.amount.unit)
    exact = drug_volume(row.amount.decimal, per_ml)
    most = most_of(row, source)
    found = measurable(exact, given.graduations, source.rounding_limit, None if most is None else most / per_ml)
    drawn = found.volume * per_ml
    return {"exact": exact, "volume": found.volume, "drawn": drawn,
            **_vials(row, source, drawn, tuple(_measured(row, exact, found.volume, found.why, given)))}  # fmt: skip


def most_of(row: Administration, source: Source) -> Fraction | None:
    """The amount that no rounding may pass: of the maximum that bit, the order's stated one, the drug's largest dose."""
    assert row.amount
    written = [text for text in (source.card.get("max"), source.drug.cap and source.drug.cap.text) if text]
    ends = [in_unit(*_split(text), row.amount.unit) for text in written]
    ends += [Fraction(row.amount.decimal)] if row.derivation and row.derivation.cap else []
    return min(ends, default=None)


def _split(text: str) -> tuple[Decimal, str]:
    value, _, unit = text.partition(" ")
    return Decimal(value), unit


def _measured(row: Administration, exact: Fraction, volume: Fraction, why: str, given: Given) -> Iterator[Finding]:
    """Check 2: whether the withdrawal can be measured; slips of unit show here."""
    step = step_for(exact, given.graduations)
    if step is None:
        yield ask_graduation()
    elif why:
        yield check(row.order, "rounding", f"{amount(exact, 'mL')} is not rounded: {why}.")
    elif volume != exact:
        yield Finding(f"{row.order}.rounded", "preparation.rounded", "note", f"{amount(exact, 'mL')} is drawn up as {amount(volume, 'mL')} ({digits(deviation(volume, exact))} %).", row.order)
    if exact < SMALL or (step is not None and exact < step):
        yield check(row.order, "measurable", f"{amount(exact, 'mL')} is too small to measure with certainty: is the unit of the dose right?", "products-and-prep, check 2")


def _vials(row: Administration, source: Source, drawn: Fraction, found: tuple[Finding, ...]) -> dict[str, Any]:
    """The cheapest set of vials for what is drawn up, by what can be withdrawn from each (check 8)."""
    assert row.amount
    unit = row.amount.unit
    written = {name: product.withdrawable or product.vial for name, product in source.products.items()}
    without = [name for name, content in written.items() if content is None]
    if without:
        asked = missing(row.order, "vial", f"what a vial of {', '.join(without)} holds is not on file: add it to its drug file.")
        return {"findings": (*found, asked)}
    sizes = {name: in_unit(content.value, content.unit, unit) for name, content in written.items() if content}
    counts = vial_set(drawn, sizes)
    made = tuple(Vials(name, amount(sizes[name], unit), count) for name, count in counts.items())  # type: ignore[arg-type]
    return {"vials": made, "waste": waste(drawn, counts, sizes), "findings": (*found, *_overfill(row, source, counts))}


def _overfill(row: Administration, source: Source, counts: Mapping[str, int]) -> Iterator[Finding]:
    """Check 8: vials that yield another amount than they hold are counted by what they yield."""
    for name in counts:
        product = source.products[name]
        if product.withdrawable and product.vial and product.withdrawable != product.vial:
            yield check(row.order, "overfill", f"{name}: {product.withdrawable} of {product.vial} can be withdrawn; {counts[name]} vials are counted by that.", product.source)


def _each(source: Source, name: str) -> tuple[str, ...]:
    """One text of each product, without repeats."""
    return tuple(dict.fromkeys(text for product in source.products.values() if (text := getattr(product, name))))
