"""Multiples of a step, half away from zero, for whole columns of doses (none is negative).

A quotient is snapped before the half-up decision: naive float rounding disagreed with exact decimals about once in
260 products that should be ties. Snapping keeps 9 decimals below a million steps, 6 below a billion and 3 below
10**12; a larger quotient is refused.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from dosing.errors import refuse

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]


def snapped(quotient: Column) -> Column:
    """Quotients, none below 0, with the noise of binary floats taken off; D18 at 10**12 and beyond."""
    largest = np.maximum.reduce(quotient, axis=None, initial=0)
    if largest >= 1e12:
        raise refuse("D18", "a dose of more than 10**12 measurable steps", "check the power of ten.")
    scale = 1e9 if largest < 1e6 else np.where(quotient < 1e6, 1e9, np.where(quotient < 1e9, 1e6, 1e3))
    return np.rint(quotient * scale) / scale


def multiples(values: Column, step: float | Column) -> Column:
    """How many whole steps lie nearest to each value (none is below 0), half up; values in the step's unit.

    `step` is one number, or a column of steps for a block of values, one line a row.
    """
    return np.floor(snapped(values / step) + 0.5)


def whole_packs(values: Column, pack: Decimal, most: Decimal | None) -> Column:
    """How many whole vials lie nearest to each value, half up, never more than a maximum holds; 0 where none fits."""
    count = multiples(values, float(pack))
    return count if most is None else np.minimum(count, float(whole_steps(most, pack)))


def nearest_band(values: Column, bands: tuple[Decimal, ...]) -> NDArray[np.int64]:
    """The place of the standard dose that serves each value: edges lie at the geometric mean of neighbours, up on an edge."""
    doses = np.array(bands, np.float64)
    found: NDArray[np.int64] = np.searchsorted(doses[1:] * doses[:-1], values * values * (1 + 1e-12), side="right")
    return found


def within(amounts: Column, values: Column, limit: float) -> Mask:
    """Whether amounts differ from values by at most a limit (a part of one, inclusive)."""
    inside: Mask = np.abs(amounts - values) <= values * (limit + 1e-12)
    return inside


def whole_steps(limit: Decimal, step: Decimal) -> int:
    """The largest number of whole steps that does not pass a limit."""
    return int(limit / step)


def to_step(values: Column, step: Decimal) -> Column:
    """Values rounded to a decimal step of 10**-n or any other, as the nearest floats."""
    count = multiples(values, float(step))
    numerator, denominator = step.as_integer_ratio()
    return count * numerator / denominator


def number_text(value: float) -> str:
    """A float as plain decimal digits of 12 significant figures: no exponent, no trailing zero."""
    text = format(value, ".12g")
    text = format(Decimal(text), "f") if "e" in text else text
    return text.rstrip("0").rstrip(".") if "." in text else text


def step_text(count: float, step: Decimal) -> str:
    """`count` steps as an exact decimal text."""
    if step == (whole := int(step)):
        return str(int(count) * whole)
    text = format(Decimal(int(count)) * step, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
