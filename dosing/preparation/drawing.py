"""From a dose to what is drawn up: the measured volume, the vials and how they are reconstituted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing.derivation import percent
from dosing.preparation.asking import ask_graduation, check, missing
from dosing.preparation.given import Given
from dosing.preparation.label import Source, each_text
from dosing.preparation.prepared import Dissolve, Prepared, Vials
from dosing.preparation.vials import vial_set, waste
from dosing.preparation.volumes import SMALL, amount, deviation, digits, drug_volume, measurable, shown, step_for
from dosing.schedule import Administration, Finding
from dosing.units import in_unit


def draw(row: Administration, source: Source, given: Given) -> Prepared:
    """The volume, what it holds, and the vials of one administration."""
    labels = source.labels
    made = Prepared(row, tuple(source.products), reconstitute=each_text(source, "reconstitute"), remarks=tuple(label.text for label in labels), labels=labels,
                    names=tuple(product.name for product in source.products.values()), findings=source.findings)  # fmt: skip
    strength = source.product.strength
    if strength is None or not strength.unit.endswith("/mL"):
        return replace(made, findings=(*made.findings, missing(row.order, "strength", f"the strength of {source.product.name} is not on file; take it from the label in hand")))
    assert row.amount
    per_ml = in_unit(strength.value, strength.unit.removesuffix("/mL"), row.amount.unit)
    exact = drug_volume(row.amount.decimal, per_ml)
    most = most_of(row, source)
    found = measurable(exact, given.graduations, source.rounding_limit, None if most is None else most / per_ml)
    made = replace(made, exact=exact, volume=found.volume, drawn=found.volume * per_ml)
    return fill(replace(made, findings=(*made.findings, *_measured(row, exact, found.volume, found.why, given), *_far(made, source))), source, given)


def most_of(row: Administration, source: Source) -> Fraction | None:
    """The amount that no rounding may pass: of the maximum that bit, the order's stated one, the drug's largest dose."""
    if row.amount is None:
        return None
    written = [text for text in (source.card.get("max"), source.drug.cap and source.drug.cap.text) if text]
    ends = [in_unit(*_split(text), row.amount.unit) for text in written]
    ends += [Fraction(row.amount.decimal)] if (worked := row.derivation) and worked.cap else []
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
        yield check(row.order, "rounding", f"{shown(exact, 'mL')} is not rounded: {why}.")
    elif volume != exact:
        told = f"{shown(exact, 'mL')} is drawn up as {amount(volume, 'mL')} ({off_text(deviation(volume, exact))})."
        yield Finding(f"{row.order}.rounded", "preparation.rounded", "note", told, row.order)
    if exact < SMALL or (step is not None and exact < step):
        yield check(row.order, "measurable", f"{amount(exact, 'mL')} is too small to measure with certainty: is the unit of the dose right?", "products-and-prep, check 2")


def _far(made: Prepared, source: Source) -> Iterator[Finding]:
    """What is drawn up is not the dose ordered, and lies past the site's limit of rounding from it or from the one calculated."""
    if made.drawn is not None and made.volume != made.exact:
        for off, of, word in made.apart:
            if abs(off) > source.rounding_limit:
                told = f"{amount(made.volume, 'mL')} hold {amount(made.drawn, made.unit)}, {off_text(off)} of the {of} {word}, more than the site's {digits(source.rounding_limit)} %: is it given so?"
                yield check(made.row.order, "drawn", told)


def off_text(off: Fraction) -> str:
    """A deviation in per cent for print, signed."""
    return percent(Decimal(digits(off)))


def fill(made: Prepared, source: Source, given: Given, drawn: Fraction | None = None) -> Prepared:
    """The cheapest set of vials for what is drawn up, by what can be withdrawn from each (check 8), and its reconstitution.

    `drawn` is the amount of several doses where they share vials.
    """
    wanted = made.drawn if drawn is None else drawn
    assert wanted is not None
    written = {name: product.withdrawable or product.vial for name, product in source.products.items()}
    without = [name for name, content in written.items() if content is None]
    if without:
        return replace(made, findings=(*made.findings, missing(made.row.order, "vial", f"what a vial of {', '.join(without)} holds is not on file")))
    sizes = {name: in_unit(content.value, content.unit, made.unit) for name, content in written.items() if content}
    counts = vial_set(wanted, sizes, given.prices)
    found = (*made.findings, *(_overfill(made.row, source, counts) if drawn is None else ()))
    return replace(made, vials=_vials(made, sizes, counts), waste=waste(wanted, counts, sizes), dissolve=_dissolve(source, counts), findings=found)


def _vials(made: Prepared, sizes: Mapping[str, Fraction], counts: Mapping[str, int]) -> tuple[Vials, ...]:
    return tuple(Vials(name, amount(sizes[name], made.unit), count) for name, count in counts.items())  # type: ignore[arg-type]


def _dissolve(source: Source, counts: Mapping[str, int]) -> tuple[Dissolve, ...]:
    """How the vials of each size are reconstituted, where the label says how."""
    return tuple(
        Dissolve(name, count, Fraction(volume.value) if (volume := source.products[name].reconstitute_volume) else None, text)
        for name, count in counts.items() if (text := source.products[name].reconstitute)
    )  # fmt: skip


def _overfill(row: Administration, source: Source, counts: Mapping[str, int]) -> Iterator[Finding]:
    """Check 8: vials that yield another amount than they hold are counted by what they yield."""
    for name in counts:
        product: Any = source.products[name]
        if product.withdrawable and product.vial and product.withdrawable != product.vial:
            yield check(row.order, "overfill", f"{name}: {product.withdrawable} of {product.vial} can be withdrawn; {counts[name]} vials are counted by that.", product.source)
