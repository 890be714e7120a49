"""How many vials, of which sizes, and what is left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil

Number = Fraction | Decimal | int | str


def vials_needed(amount: Number, withdrawable: Number) -> int:
    """Whole vials for an amount, by what can be withdrawn from one (an overfill or a loss is no dose), same unit."""
    return ceil(Fraction(amount) / Fraction(withdrawable))


def vial_set(amount: Number, sizes: Mapping[str, Number]) -> dict[str, int]:
    """The vials for an amount with the least waste, then the fewest; sizes are withdrawable amounts by name.

    Amount and sizes share one unit. Prices are not known here, so least waste stands for cheapest.
    """
    wanted = Fraction(amount)
    named = sorted(((Fraction(size), name) for name, size in sizes.items()), key=lambda pair: -pair[0])
    largest = [size for size, _ in named]
    best = min(_counts(wanted, largest), key=lambda counts: (_held(counts, largest), sum(counts)))
    return {name: count for (_, name), count in zip(named, best, strict=True) if count}


def _counts(wanted: Fraction, sizes: Sequence[Fraction]) -> Iterator[tuple[int, ...]]:
    """Every set of counts worth trying, the largest size first; the smallest size fills up what is missing."""
    if len(sizes) == 1:
        yield (max(0, ceil(wanted / sizes[0])),)
        return
    for count in range(max(0, ceil(wanted / sizes[0])), -1, -1):
        yield from ((count, *rest) for rest in _counts(wanted - count * sizes[0], sizes[1:]))


def _held(counts: Sequence[int], sizes: Sequence[Fraction]) -> Fraction:
    return sum((count * size for count, size in zip(counts, sizes, strict=True)), Fraction(0))


def waste(amount: Number, vials: Mapping[str, int], sizes: Mapping[str, Number]) -> Fraction:
    """What the vials hold beyond the amount, in its unit."""
    return sum((Fraction(sizes[name]) * count for name, count in vials.items()), Fraction(0)) - Fraction(amount)


def vial_round(amount: Number, vial: Number, limit: Number) -> Fraction | None:
    """The nearest whole-vial dose where it differs by at most `limit` per cent (inclusive), else None.

    A policy for a person to name (HOPA 10 %); off for trials and cells, and not used by `prepare`.
    """
    wanted, size = Fraction(amount), Fraction(vial)
    whole = int(wanted / size + Fraction(1, 2)) * size
    return whole if whole and abs(whole / wanted - 1) * 100 <= Fraction(limit) else None
