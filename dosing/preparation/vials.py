"""How many vials, of which sizes, and what is left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil

Number = Fraction | Decimal | int | str


def vial_set(amount: Number, sizes: Mapping[str, Number], prices: Mapping[str, Number] | None = None) -> dict[str, int]:
    """The cheapest vials for an amount; sizes are withdrawable amounts by name, in one unit with the amount.

    With a price for every size the smallest sum decides, then waste, then number; without, the least waste stands for
    cheapest, then the fewest vials.
    """
    wanted = Fraction(amount)
    named = sorted(((Fraction(size), name) for name, size in sizes.items()), key=lambda pair: -pair[0])
    largest = [size for size, _ in named]
    costs = [Fraction(prices[name]) for _, name in named] if prices and all(name in prices for name in sizes) else [Fraction(0)] * len(named)
    best = min(_counts(wanted, largest), key=lambda counts: (_sum(counts, costs), _sum(counts, largest), sum(counts)))
    return {name: count for (_, name), count in zip(named, best, strict=True) if count}


def _counts(wanted: Fraction, sizes: Sequence[Fraction]) -> Iterator[tuple[int, ...]]:
    """Every set of counts worth trying, the largest size first; the smallest size fills up what is missing."""
    if len(sizes) == 1:
        yield (max(0, ceil(wanted / sizes[0])),)
        return
    for count in range(max(0, ceil(wanted / sizes[0])), -1, -1):
        yield from ((count, *rest) for rest in _counts(wanted - count * sizes[0], sizes[1:]))


def _sum(counts: Sequence[int], each: Sequence[Fraction]) -> Fraction:
    return sum((count * one for count, one in zip(counts, each, strict=True)), Fraction(0))


def waste(amount: Number, vials: Mapping[str, int], sizes: Mapping[str, Number]) -> Fraction:
    """What the vials hold beyond the amount, in its unit."""
    return sum((Fraction(sizes[name]) * count for name, count in vials.items()), Fraction(0)) - Fraction(amount)
