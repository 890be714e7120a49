"""Volumes, concentrations and rates of one preparation as exact fractions: what to draw up, in what, how fast.

Numbers go in as `Decimal`, `int` or text and come out as `Fraction`; nothing is rounded unless a step is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from dosing.forms import plain
from dosing.schedule import Amount

Number = Fraction | Decimal | int | str
SMALL = Fraction(1, 10)  # mL; below it a withdrawal is asked about: products-and-prep.md, check 2
ADDED = Fraction(1, 10)  # of the bag; above it someone must say whether diluent is withdrawn (check 3)


class Graduation(NamedTuple):
    """The smallest mark of the syringes for volumes up to `upto` mL; None for all larger ones."""

    step: Fraction
    upto: Fraction | None = None


class Measured(NamedTuple):
    """A withdrawal as it can be measured: mL, and why it was not rounded where it was not."""

    volume: Fraction
    why: str = ""


def digits(number: Number) -> str:
    """A number as plain decimal digits: exact where it ends, else 12 significant digits."""
    exact = Fraction(number)
    with localcontext() as context:
        context.prec = 12
        return plain(Decimal(exact.numerator) / Decimal(exact.denominator))


def amount(value: Number | None, unit: str) -> Amount | None:
    """An exact fraction as an `Amount` of at most 12 digits; None stays None."""
    return None if value is None else Amount(digits(value), unit)


def shown(value: Number | None, unit: str, rounding: str = ROUND_HALF_UP) -> Amount | None:
    """A figure for print: mL from 10 on and mL/h from 1 on with one decimal, all else with four digits; None stays None."""
    if value is None or not value:
        return amount(value, unit)
    exact = Decimal(digits(value))
    whole = exact >= {"mL": 10, "mL/h": 1}.get(unit, 10**12)
    return Amount(plain(exact.quantize(Decimal("0.1") if whole else Decimal(1).scaleb(min(exact.adjusted() - 3, 0)), rounding)), unit)


def at_least(volume: Number) -> Amount:
    """A smallest volume for print, rounded up so that the printed one is allowed too."""
    return shown(volume, "mL", ROUND_CEILING)  # type: ignore[return-value]


def at_most(volume: Number) -> Amount:
    """A largest volume for print, rounded down so that the printed one is allowed too."""
    return shown(volume, "mL", ROUND_FLOOR)  # type: ignore[return-value]


def drug_volume(dose: Number, strength: Number) -> Fraction:
    """mL of a product that hold a dose: dose / strength per mL."""
    return Fraction(dose) / Fraction(strength)


def nearest(volume: Number, step: Number) -> Fraction:
    """A volume as a multiple of a step, half away from zero; both in mL, the volume not below 0."""
    return int(Fraction(volume) / Fraction(step) + Fraction(1, 2)) * Fraction(step)


def step_for(volume: Number, graduations: Iterable[Graduation]) -> Fraction | None:
    """The smallest mark for a volume; None where none is stated for it."""
    exact = Fraction(volume)
    return next((mark.step for mark in graduations if mark.upto is None or exact <= mark.upto), None)


def measurable(volume: Number, graduations: Sequence[Graduation], limit: Number, most: Number | None = None) -> Measured:
    """A withdrawal rounded to the marks of the syringe.

    Never to zero, never above `most` mL, and not where rounding would change it by more than `limit` per cent: then
    the exact volume is kept with the reason. All in mL.
    """
    exact = Fraction(volume)
    step = step_for(exact, graduations)
    if step is None:
        return Measured(exact, "no graduation is stated for it")
    rounded = nearest(exact, step)
    if most is not None and rounded > Fraction(most):
        rounded = Fraction(most) // step * step
    if not rounded:
        return Measured(exact, f"the nearest {digits(step)} mL would be nothing")
    if abs(deviation(rounded, exact)) > Fraction(limit):
        return Measured(exact, f"to {digits(step)} mL it would change by more than {digits(limit)} %")
    return Measured(rounded)


def deviation(given: Number, wanted: Number) -> Fraction:
    """How far `given` is from `wanted`, signed, in per cent."""
    return (Fraction(given) / Fraction(wanted) - 1) * 100


def diluent_by_ratio(volume: Number, ratio: Number) -> Fraction:
    """mL of diluent for a label that states volumes of diluent to one of drug (busulfan: 10)."""
    return Fraction(volume) * Fraction(ratio)


def concentration(amount: Number, final: Number) -> Fraction:
    """Amount per mL of the final volume."""
    return Fraction(amount) / Fraction(final)


def final_window(amount: Number, lowest: Number | None, highest: Number | None) -> tuple[Fraction | None, Fraction | None]:
    """The smallest and largest final volume in mL for a highest and a lowest concentration; None where unlimited."""
    smallest = Fraction(amount) / Fraction(highest) if highest is not None else None
    return smallest, Fraction(amount) / Fraction(lowest) if lowest is not None else None


def smallest_bag(bags: Iterable[Number], at_least: Number) -> Fraction | None:
    """The smallest standard bag that holds a final volume in mL; None where none is large enough."""
    return min((Fraction(size) for size in bags if Fraction(size) >= Fraction(at_least)), default=None)


def infusion_rate(final: Number, minutes: Number) -> Fraction:
    """mL/h for a final volume in mL over minutes."""
    return Fraction(final) * 60 / Fraction(minutes)
