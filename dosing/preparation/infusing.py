"""From what is drawn up to what is infused: diluent, bag, concentration, rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

from dosing.forms import say_duration
from dosing.preparation.asking import ask_duration, check, missing
from dosing.preparation.given import Given
from dosing.preparation.keeping import keep
from dosing.preparation.label import Source, ask_handling
from dosing.preparation.prepared import Fluid, Prepared
from dosing.preparation.volumes import (
    ADDED,
    amount,
    at_least,
    at_most,
    concentration,
    digits,
    diluent_by_ratio,
    final_window,
    infusion_rate,
    shown,
    smallest_bag,
)
from dosing.regimen.drug import Product
from dosing.schedule import Finding
from dosing.units import in_unit

OUTSIDE = "preparation.check.concentration"


def infuse(made: Prepared, source: Source, given: Given) -> Prepared:
    """The bag, final volume, concentration, rate and stability of one administration, with the checks on them."""
    if made.volume is None or made.drawn is None:
        return made
    product = source.product
    minutes = minutes_of(made, product)
    smallest, largest = _window(made, product)
    fluid, asked = _fluid(made, product, given, smallest, largest)
    fluid = replace(fluid, diluents=product.diluents, smallest=smallest, largest=largest, minutes=minutes, **_rate(made, fluid, minutes))
    against = (*_outside(made, fluid, product), *_ratio(made, fluid, product))
    if any(one.code == OUTSIDE for one in against):
        fluid = replace(fluid, rate=None, amount_rate=None, outside=True)
    found = (*asked, *against, *_unsaid(made, fluid, minutes), *_hurried(made, product), *ask_handling(made.row.order, source))
    return keep(replace(made, fluid=fluid, findings=(*made.findings, *found)), source, given)


def _window(made: Prepared, product: Product) -> tuple[Fraction | None, Fraction | None]:
    """The final volumes the label's concentrations allow."""
    low, high = (in_unit(end.value, end.unit.removesuffix("/mL"), made.unit) if end else None for end in (product.concentration_min, product.concentration_max))
    assert made.drawn is not None
    return final_window(made.drawn, low, high)


def _fluid(made: Prepared, product: Product, given: Given, smallest: Fraction | None, largest: Fraction | None) -> tuple[Fluid, tuple[Finding, ...]]:
    """What the drug is diluted in: as the person says, as the label's ratio says, else the smallest standard bag."""
    order, volume = made.row.order, made.volume
    assert volume is not None
    if order in given.volumes:
        return _in_bag(made, given.volumes[order], given) if given.volumes[order] else (Fluid(diluent=Fraction(0), final=volume), ())
    if product.diluent_ratio:
        diluent = diluent_by_ratio(volume, product.diluent_ratio)
        return Fluid(diluent=diluent, final=volume + diluent), ()
    if product.bag and [one.count for one in made.vials] == [1] and not made.waste:
        return _in_bag(made, Fraction(product.bag.value), given)
    return _standard(made, given, smallest, largest)


def _standard(made: Prepared, given: Given, smallest: Fraction | None, largest: Fraction | None) -> tuple[Fluid, tuple[Finding, ...]]:
    """The smallest standard bag inside the label's window (check 1); asked for or refused, with the reason, where there is none."""
    order = made.row.order
    if smallest is None:
        return Fluid(), (missing(order, "bag", f"no verified highest concentration is on file for {made.row.drug}, so no bag is chosen"),)
    span = f"{at_least(smallest)} to {at_most(largest)}" if largest is not None else f"at least {at_least(smallest)}"
    if not given.bags:
        asked = missing(order, "bag", f"the standard bags are not stated; the final volume must be {span}")
        return Fluid(), (asked._replace(message=f'{asked.message}, or --bag "… mL" for each size in stock'),)
    assert made.volume is not None
    added = made.volume if given.withdraw is False else Fraction(0)
    bag = smallest_bag(given.bags, smallest - added)
    if bag is None:
        told = f"no standard bag fits: the largest, {amount(max(given.bags), 'mL')}, is too small for the final volume of {span}. Divide the dose or name a larger bag."
        return Fluid(), (check(order, "concentration", told),)
    if largest is not None and bag + added > largest:
        return Fluid(), (check(order, "concentration", _none_between(given, smallest, bag, span)),)
    return _in_bag(made, bag, given)


def _none_between(given: Given, smallest: Fraction, bag: Fraction, span: str) -> str:
    """Why no standard bag fits: the next smaller one concentrates too much, the next larger one dilutes too much."""
    below = max((size for size in given.bags if size < min(bag, smallest)), default=None)
    lower = f", {amount(below, 'mL')} is too small" if below is not None else ""
    return f"no standard bag fits the final volume of {span}: {amount(bag, 'mL')} is too large{lower}. Name a volume for this dose: a syringe, a part-filled bag or the bag you decide on."


def _in_bag(made: Prepared, bag: Fraction, given: Given) -> tuple[Fluid, tuple[Finding, ...]]:
    """A drug added to a bag; above a tenth of the bag someone must say whether diluent is withdrawn (check 3)."""
    volume = made.volume
    assert volume is not None
    if given.withdraw:
        return Fluid(diluent=bag - volume, bag=bag, final=bag), (() if volume <= bag else (check(made.row.order, "added", f"{shown(volume, 'mL')} does not fit in a bag of {amount(bag, 'mL')}."),))
    if given.withdraw is None and volume > bag * ADDED:
        told = f"{shown(volume, 'mL')} is {digits(round(volume / bag * 100, 1))} % of the bag of {amount(bag, 'mL')}: say whether as much diluent is withdrawn first, --withdraw yes or no."
        return Fluid(bag=bag), (check(made.row.order, "added", told, "products-and-prep, check 3: a policy of the site"),)
    return Fluid(diluent=bag, bag=bag, final=bag + volume), (_overfilled(made, bag),) if volume > bag * ADDED else ()


def _overfilled(made: Prepared, bag: Fraction) -> Finding:
    """More than a tenth is added and nothing withdrawn: what a bag takes is on no file, so it is asked."""
    told = f"does a bag of {amount(bag, 'mL')} take {shown(made.volume, 'mL')} more? What it holds at most is not on file. Withdraw as much diluent first, or name a larger container."
    return check(made.row.order, "capacity", told, "products-and-prep, check 3: a policy of the site")


def _rate(made: Prepared, fluid: Fluid, minutes: int | None) -> dict[str, Any]:
    """Concentration and rates, where the final volume is known; the rates where the duration is, too."""
    if fluid.final is None:
        return {}
    assert made.drawn is not None
    timed = {"rate": infusion_rate(fluid.final, minutes), "amount_rate": infusion_rate(made.drawn, minutes)} if minutes else {}
    return {"concentration": concentration(made.drawn, fluid.final), **timed}


def _finals(made: Prepared, fluid: Fluid) -> tuple[Fraction, ...]:
    """The final volumes that are possible: one, or both ends while it is open whether diluent is withdrawn."""
    if fluid.final is not None:
        return (fluid.final,)
    return (fluid.bag, fluid.bag + made.volume) if fluid.bag is not None and made.volume is not None else ()


def _outside(made: Prepared, fluid: Fluid, product: Product) -> Iterator[Finding]:
    """Check 1: the final concentration inside what the label allows."""
    assert made.drawn is not None
    finals = _finals(made, fluid)
    if finals and fluid.smallest is not None and min(finals) < fluid.smallest:
        told = f"{shown(concentration(made.drawn, min(finals)), made.unit + '/mL')} is above {product.concentration_max}: at least {at_least(fluid.smallest)} is needed."
        yield check(made.row.order, "concentration", told, product.source)
    if finals and fluid.largest is not None and max(finals) > fluid.largest:
        told = f"{shown(concentration(made.drawn, max(finals)), made.unit + '/mL')} is below {product.concentration_min}: at most {at_most(fluid.largest)} is allowed."
        yield check(made.row.order, "concentration", told, product.source)


def minutes_of(made: Prepared, product: Product) -> int | None:
    """The infusion time in minutes: the schedule's, else the shortest the label states."""
    return made.row.minutes or _label_minutes(made, product)


def _label_minutes(made: Prepared, product: Product) -> int | None:
    """The shortest infusion the label states for this administration: the first may be longer than the later ones."""
    if product.infusion is None:
        return None
    return product.infusion.first if made.row.number == 1 else product.infusion.later


def _hurried(made: Prepared, product: Product) -> Iterator[Finding]:
    """A planned infusion that is shorter than the label's shortest."""
    least = _label_minutes(made, product)
    if least and made.row.minutes and made.row.minutes < least:
        told = f"dose {made.row.number} is planned over {say_duration(made.row.minutes)}; the label states at least {say_duration(least)}."
        yield check(made.row.order, "duration", told, product.source)


def _unsaid(made: Prepared, fluid: Fluid, minutes: int | None) -> Iterator[Finding]:
    """What neither the label's data nor the schedule says: the time it runs, the fluid it runs in."""
    order, drug = made.row.order, made.row.drug
    if fluid.final is not None and not minutes:
        yield ask_duration(order, drug)
    if fluid.bag is not None and not fluid.diluents:
        yield missing(order, "diluent", f"no diluent of {drug} is verified on file; take it from the label in hand")


def _ratio(made: Prepared, fluid: Fluid, product: Product) -> Iterator[Finding]:
    """A bag against the volumes of diluent a label states; outside where the strength differs in the one digit a label prints (about 0.5)."""
    if product.diluent_ratio and fluid.bag is not None and made.volume is not None:
        stated = diluent_by_ratio(made.volume, product.diluent_ratio)
        if fluid.diluent == stated:
            return
        told = f"the label states {product.diluent_ratio} volumes of diluent, {shown(stated, 'mL')}; a bag of {amount(fluid.bag, 'mL')} is named."
        yield check(made.row.order, "diluent", told, product.source)
        assert made.drawn is not None
        wanted = concentration(made.drawn, made.volume + stated)
        if fluid.concentration is not None and f"{float(fluid.concentration):.1g}" != (about := f"{float(wanted):.1g}"):
            far = f"{shown(fluid.concentration, made.unit + '/mL')} is not the label's about {about} {made.unit}/mL: name a bag near {shown(stated, 'mL')}."
            yield check(made.row.order, "concentration", far, product.source)
