"""How many vials, of which sizes, and what is left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import ceil

Number = Fraction | Decimal | int | str


def vial_set(amount: Number, sizes: Mapping[str, Number], prices: Mapping[str, Number] | None = None) -> dict[str, int]:
    """The cheapest vials for an amount; sizes are withdrawable amounts by name, in one unit with the amount.

    With a price for every size the smallest sum decides, then waste, then number; without, the least waste stands for
    cheapest, then the fewest vials, then most of the larger ones.
    """
    wanted = Fraction(amount)
    named = sorted(((Fraction(size), name) for name, size in sizes.items()), key=lambda pair: -pair[0])
    held = [size for size, _ in named]
    costs = [Fraction(prices[name]) for _, name in named] if prices and all(name in prices for name in sizes) else [Fraction(0)] * len(named)
    best = min(_counts(wanted, held, costs), key=lambda counts: (_sum(counts, costs), _sum(counts, held), sum(counts), [-count for count in counts]))
    return {name: count for (_, name), count in zip(named, best, strict=True) if count}


def _counts(wanted: Fraction, sizes: Sequence[Fraction], costs: Sequence[Fraction]) -> Iterator[tuple[int, ...]]:
    """Every set of counts worth trying; the size that costs least per amount fills up what is missing.

    So many vials of another size that they hold a whole number of fillers are never better than those fillers. A day's
    doses of a whole unit are therefore counted as fast as one dose.
    """
    filler = min(range(len(sizes)), key=lambda place: (costs[place] / sizes[place], place))
    spans = [range(1 if place == filler else min(_beyond(size, sizes[filler]), max(0, ceil(wanted / size)) + 1)) for place, size in enumerate(sizes)]
    for counts in product(*spans):
        missing = max(0, ceil((wanted - _sum(counts, sizes)) / sizes[filler]))
        yield (*counts[:filler], missing, *counts[filler + 1 :])


def _beyond(size: Fraction, filler: Fraction) -> int:
    """The fewest vials of a size that hold exactly a whole number of fillers."""
    return (size / filler).denominator


def _sum(counts: Sequence[int], each: Sequence[Fraction]) -> Fraction:
    return sum((count * one for count, one in zip(counts, each, strict=True)), Fraction(0))


def waste(amount: Number, vials: Mapping[str, int], sizes: Mapping[str, Number]) -> Fraction:
    """What the vials hold beyond the amount, in its unit."""
    return sum((Fraction(sizes[name]) * count for name, count in vials.items()), Fraction(0)) - Fraction(amount)
