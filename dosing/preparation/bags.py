"""Whole bags for a dose: equal ones by number, or a certificate's own bags by the best sum of their counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from dosing.errors import refuse
from dosing.preparation.cells import Bag, BagPlan, CellProduct, Number, bag_count

MOST = 16  # bags of one certificate: every choice of them is looked at


def bag_plans(cells: Number, per_bag: Number, yielded: Number) -> tuple[BagPlan, ...]:
    """Plans of equal whole bags around a dose, the one that reaches it first; a person chooses."""
    enough, each = bag_count(cells, per_bag, yielded), Fraction(per_bag) * Fraction(yielded)
    counts = [enough, enough - 1] if enough > 1 and enough * each != Fraction(cells) else [enough]
    return tuple(BagPlan(count, count * each, deviation_of(count * each, Fraction(cells))) for count in counts)


def choose_bags(cells: Number, counts: Sequence[Number]) -> tuple[tuple[int, ...], ...]:
    """The choices of bags (by place) that meet a dose exactly, else the nearest not below it and the nearest not above.

    Of equal sums the fewest bags win, then the first ones. One of the two is absent where every choice lies on one side.
    """
    wanted, held = Fraction(cells), [Fraction(count) for count in counts]
    sums = [(sum((held[place] for place in chosen), Fraction(0)), chosen) for size in range(1, len(held) + 1) for chosen in combinations(range(len(held)), size)]
    above = min((one for one in sums if one[0] >= wanted), key=lambda one: (one[0], len(one[1])), default=None)
    if above and above[0] == wanted:
        return (above[1],)
    below = max((one for one in sums if one[0] < wanted), key=lambda one: (one[0], -len(one[1])), default=None)
    return tuple(one[1] for one in (above, below) if one)


def plans_of(product: CellProduct, wanted: Fraction | None, weight: Fraction | None) -> tuple[BagPlan, ...]:
    """The whole-bag plans of a certificate: what a person names first, then the nearest to the dose."""
    found = (*_named(product, wanted), *(_own(product, wanted) if product.bags else _equal(product, wanted)))
    known = {(plan.bags, plan.names): plan for plan in found}
    return tuple(plan._replace(per_kg=plan.cells / weight if weight else None) for plan in known.values())


def _equal(product: CellProduct, wanted: Fraction | None) -> Iterator[BagPlan]:
    if product.per_bag and wanted is not None:
        for plan in bag_plans(wanted, product.per_bag, product.yielded):
            yield plan._replace(volume=_volume(product, plan.bags))


def _volume(product: CellProduct, count: int) -> Fraction | None:
    """mL of equal bags: as stated, else their cells by the certificate's concentration."""
    if product.bag_volume:
        return count * product.bag_volume
    return count * product.per_bag / product.concentration if product.per_bag and product.concentration else None


def _own(product: CellProduct, wanted: Fraction | None) -> Iterator[BagPlan]:
    """Plans of a certificate's own bags; all of them where there is no dose to meet."""
    if wanted is None:
        yield _plan(product, product.bags, None)
        return
    for places in choose_bags(wanted, [_given(bag, product) for bag in product.bags]):
        yield _plan(product, [product.bags[place] for place in places], wanted)


def _named(product: CellProduct, wanted: Fraction | None) -> Iterator[BagPlan]:
    """The plan a person states with `give`, over all its parts."""
    names = [name for part in product.give for name in part.bags]
    count = sum(part.count for part in product.give)
    if names:
        held = {bag.name: bag for bag in product.bags}
        yield _plan(product, [held[name] for name in names], wanted)
    elif count and product.per_bag:
        cells = count * product.per_bag * product.yielded
        yield BagPlan(count, cells, deviation_of(cells, wanted), (), _volume(product, count))


def _plan(product: CellProduct, bags: Iterable[Bag], wanted: Fraction | None) -> BagPlan:
    chosen = sorted(bags, key=product.bags.index)
    cells = sum((_given(bag, product) for bag in chosen), Fraction(0))
    volumes = [bag.volume for bag in chosen]
    volume = None if None in volumes else sum((one for one in volumes if one is not None), Fraction(0))
    return BagPlan(len(chosen), cells, deviation_of(cells, wanted), tuple(bag.name for bag in chosen), volume)


def _given(bag: Bag, product: CellProduct) -> Fraction:
    """The cells of one bag that count for the dose."""
    found = bag.cells(product.kind)
    if found is None:
        raise refuse("D07", f"bag {bag.name} states no count of {product.kind or 'the cells of the dose'}", f"add it: {bag.name}: 2e8 {product.kind or 'cells'} in 50 mL.", "cells bags")
    return found * product.yielded


def deviation_of(cells: Fraction, wanted: Fraction | None) -> Fraction | None:
    """How far cells are from a dose, signed, in per cent; None without a dose."""
    return (cells / wanted - 1) * 100 if wanted else None


def other_counts(product: CellProduct, plan: BagPlan) -> dict[str, Fraction]:
    """What the bags of a plan hold of the other kinds on the certificate, as printed there times the recovery."""
    held = [dict(bag.counts) for bag in product.bags if bag.name in plan.names]
    kinds = dict.fromkeys(kind for counts in held for kind in counts if kind and kind != product.kind)
    whole = {kind: [counts[kind] for counts in held if kind in counts] for kind in kinds}
    return {kind: sum(found, Fraction(0)) * (product.recovery or 0) for kind, found in whole.items() if len(found) == len(held)}
