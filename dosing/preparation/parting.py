"""A cell infusion in parts: by share, by cells or by bags, hours or days apart, together always the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from dosing.errors import refuse
from dosing.preparation.bags import plans_of
from dosing.preparation.cells import BagPlan, CellProduct, Give
from dosing.preparation.moments import day_after
from dosing.preparation.prepared import Part
from dosing.preparation.volumes import Graduation, digits, nearest, step_for
from dosing.schedule import Administration


def parts_of(row: Administration, product: CellProduct, volume: Fraction | None, per_ml: Fraction | None, marks: tuple[Graduation, ...]) -> tuple[Part, ...]:
    """The parts as a person states them; of a whole volume the last part takes what rounding leaves, so that they sum to it.

    `per_ml` is what one mL gives of the dose. Raises D13 for cells that do not sum to the dose.
    """
    if not product.give:
        return ()
    if product.give[0].bags or product.give[0].count:
        return tuple(_bagged(row, product))
    return tuple(_divided(row, product, volume, per_ml, marks))


def _bagged(row: Administration, product: CellProduct) -> Iterator[Part]:
    """Parts of whole bags: each with the cells and mL of its bags."""
    for number, part in enumerate(product.give, 1):
        plan = _alone(product, part)
        yield _part(row, number, len(product.give), part, plan.cells, plan.volume, part.bags)


def _alone(product: CellProduct, part: Give) -> BagPlan:
    """The plan of one part's bags by themselves."""
    return plans_of(replace(product, give=(part,)), None, None)[0]


def _divided(row: Administration, product: CellProduct, volume: Fraction | None, per_ml: Fraction | None, marks: tuple[Graduation, ...]) -> Iterator[Part]:
    """Parts of a drawn volume by share or by cells."""
    shares = _shares(row, product.give)
    left = volume
    for number, (part, share) in enumerate(zip(product.give, shares, strict=True), 1):
        drawn = left if number == len(shares) else _measured(volume, share, marks)
        left = left - drawn if left is not None and drawn is not None else None
        if drawn is not None and drawn <= 0:
            raise refuse("O03", f"part {number} rounds to no volume", "state fewer parts or finer syringe marks.", f"cells {row.order}.give")
        yield _part(row, number, len(shares), part, drawn * per_ml if drawn is not None and per_ml is not None else None, drawn, ())


def _measured(volume: Fraction | None, share: Fraction, marks: tuple[Graduation, ...]) -> Fraction | None:
    if volume is None:
        return None
    step = step_for(volume * share, marks)
    return nearest(volume * share, step) if step else volume * share


def _shares(row: Administration, give: tuple[Give, ...]) -> list[Fraction]:
    """The parts as shares of the dose; cells must sum to it (D13)."""
    if give[0].share is not None:
        return [part.share or Fraction(0) for part in give]
    assert row.amount
    dose, cells = Fraction(row.amount.decimal), [part.cells or Fraction(0) for part in give]
    if sum(cells) != dose:
        raise refuse("D13", f"the parts come to {digits(sum(cells))} cells and the dose is {digits(dose)}", "write parts that sum to the dose, or shares such as 60 %, 40 %.", f"cells {row.order}.give")
    return [one / dose for one in cells]


def _part(row: Administration, number: int, of: int, part: Give, cells: Fraction | None, volume: Fraction | None, bags: tuple[str, ...]) -> Part:
    day, seconds = day_after(row, part.after)
    return Part(number, of, cells, volume, day, seconds, bags)
