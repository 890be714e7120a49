"""One dose as columns: multiply, cap, round; the arithmetic is kept as data beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosing import forms
from dosing.derivation import Derivation
from dosing.engine.body import Body
from dosing.engine.settle import Line
from dosing.rounding import multiples, number_text, step_text, whole_steps
from dosing.schedule import Amount
from dosing.units import coefficient

Column = NDArray[np.float64]


class Reading(NamedTuple):
    """One dose as a person reads it: `scale` turns the drug's unit into `unit`; `step` is empty where none was used."""

    unit: str
    scale: int
    calculated: str
    amount: str
    step: str


@dataclass
class Doses:
    """The dose of one administration of a line, for every patient: before rounding and in whole steps."""

    line: Line
    basis: Column  # kg, m2 or 1
    raw: Column  # before the maximum, in the drug's unit
    calculated: Column  # after the maximum, before rounding
    steps: Column  # whole measurable steps
    kept: NDArray[np.bool_]  # the rounding would pass the policy's limit: the exact dose is kept
    small: NDArray[np.bool_] | None  # read in the drug's small unit
    step: Decimal | None  # the drug's measurable step in its unit

    @property
    def amount(self) -> Column:
        """The amounts as floats in the drug's unit."""
        if self.step is None:
            return self.calculated
        numerator, denominator = self.step.as_integer_ratio()
        return np.where(self.kept, self.calculated, self.steps * numerator / denominator)

    def reading(self, row: int) -> Reading:
        """The dose of one row as it is read: unit, calculated dose and amount as exact decimal texts."""
        drug = self.line.drug
        small = drug.small_unit if self.small is not None and self.small[row] else None
        scale = round(coefficient(drug.unit, "", small)) if small else 1
        calculated = number_text(float(self.calculated[row]) * scale)
        if self.step is None or self.kept[row]:
            return Reading(small or drug.unit, scale, calculated, calculated, "")
        step = self.step * scale
        return Reading(small or drug.unit, scale, calculated, step_text(float(self.steps[row]), step), forms.plain(step))

    def derivation(self, row: int, held: bool) -> Derivation:
        """The steps of one row, as they were used."""
        line, told = self.line, self.reading(row)
        basis = number_text(float(self.basis[row])) if line.basis else "1"
        named = line.weight if line.basis == "kg" and line.weight != "actual" else ""
        capped = self.raw[row] > self.calculated[row]
        rule = f"nearest {Amount(told.step, told.unit)}" if told.step else "exact dose kept"
        return Derivation(
            str(line.dose), line.value * told.scale, line.parts, f"{basis} {_unit_of(line.basis)}" if line.basis else "", named, Decimal(basis),
            told.calculated, told.unit, "" if held else told.amount, rule, f"maximum {line.order.max}" if capped else "",
        )  # fmt: skip


def _unit_of(basis: str) -> str:
    return "m²" if basis == "m2" else basis


def multiply(line: Line, body: Body, rounding_limit: Decimal) -> Doses:
    """The doses of a line for every patient: factor × basis, maximum, nearest step, limit of the rounding policy."""
    basis = _basis(line, body)
    raw = line.factor * basis
    drug, step = line.drug, line.drug.step.value if line.drug.step and line.order.rounding != "none" else None
    calculated = np.minimum(raw, _in_unit(line)) if line.order.max else raw
    if step is None:
        steps, kept = calculated, np.zeros(raw.shape, bool)
    else:
        steps = multiples(calculated, step)
        if line.order.max:
            steps = np.minimum(steps, whole_steps(Decimal(str(_in_unit(line))), step))
        kept = _beyond(steps, step, calculated, float(rounding_limit) / 100)
    return Doses(line, basis, raw, calculated, steps, kept, calculated < 1 if drug.small_unit else None, step)


def _beyond(steps: Column, step: Decimal, calculated: Column, limit: float) -> NDArray[np.bool_]:
    """The rows in which rounding changes the dose by more than the limit; never with many steps to a dose."""
    if np.minimum.reduce(steps, initial=np.inf) * limit >= 1:
        return np.zeros(steps.shape, bool)
    return np.abs(steps * float(step) - calculated) > calculated * (limit + 1e-12)


def _in_unit(line: Line) -> float:
    """The maximum of one administration in the drug's unit."""
    assert line.order.max
    return float(line.order.max.value) * coefficient(line.order.max.unit, "", line.drug.unit)


def _basis(line: Line, body: Body) -> Column:
    if line.basis == "kg":
        return body.weight(line.weight)
    if line.basis == "m2":
        return body.bsa
    return np.ones(next(iter(body.facts.values())).shape if body.facts else 1)
