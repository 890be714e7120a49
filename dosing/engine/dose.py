"""One dose as columns: multiply, cap, round; the arithmetic is kept as data beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from dosing import forms
from dosing.derivation import Derivation
from dosing.engine.body import Body
from dosing.engine.settle import Line
from dosing.rounding import multiples, number_text, step_text, whole_steps
from dosing.schedule import Amount

Column = NDArray[np.float64]


@dataclass
class Doses:
    """The dose of one administration of a line, for every patient: before rounding and in whole steps."""

    line: Line
    basis: Column  # kg, m2 or 1
    raw: Column  # before the maximum, in the drug's unit
    calculated: Column  # after the maximum, before rounding
    steps: Column  # whole measurable steps
    kept: NDArray[np.bool_]  # the rounding would pass the policy's limit: the exact dose is kept
    small: NDArray[np.bool_]  # printed in the drug's small unit

    @property
    def step(self) -> Decimal | None:
        """The drug's measurable step in its unit."""
        return self.line.drug.step.value if self.line.drug.step and self.line.order.rounding != "none" else None

    @property
    def amount(self) -> Column:
        """The amounts as floats in the drug's unit."""
        if self.step is None:
            return self.calculated
        numerator, denominator = self.step.as_integer_ratio()
        return np.where(self.kept, self.calculated, self.steps * numerator / denominator)

    def unit(self, row: int) -> str:
        """The unit the amount of one row is read in."""
        return self.line.drug.small_unit if self.small[row] and self.line.drug.small_unit else self.line.drug.unit

    def _scale(self, row: int) -> int:
        return 1000 if self.unit(row) != self.line.drug.unit else 1

    def calculated_text(self, row: int) -> str:
        """The calculated dose of one row as a decimal text in `unit(row)`."""
        return number_text(float(self.calculated[row]) * self._scale(row))

    def amount_text(self, row: int) -> str:
        """The amount of one row as an exact decimal text in `unit(row)`."""
        if self.step is None or self.kept[row]:
            return self.calculated_text(row)
        return step_text(float(self.steps[row]), self.step * self._scale(row))

    def derivation(self, row: int, held: bool, body: Body) -> Derivation:
        """The steps of one row, as they were used."""
        line, unit, scale = self.line, self.unit(row), self._scale(row)
        basis = number_text(float(self.basis[row])) if line.basis else "1"
        named = line.weight if line.basis == "kg" and line.weight != "actual" else ""
        capped = self.raw[row] > self.calculated[row]
        rule = f"nearest {Amount(forms.plain(self.step * scale), unit)}" if self.step is not None and not self.kept[row] else "exact dose kept"
        return Derivation(
            str(line.dose), line.value * scale, line.parts, f"{basis} {_unit_of(line.basis)}" if line.basis else "", named, Decimal(basis),
            self.calculated_text(row), unit, "" if held else self.amount_text(row), rule, f"maximum {line.order.max}" if capped else "",
        )  # fmt: skip


def _unit_of(basis: str) -> str:
    return "m²" if basis == "m2" else basis


def multiply(line: Line, body: Body, rounding_limit: Decimal) -> Doses:
    """The doses of a line for every patient: factor × basis, maximum, nearest step, limit of the rounding policy."""
    basis = _basis(line, body)
    raw = line.factor * basis
    calculated, steps, kept = raw, raw, np.zeros(raw.shape, bool)
    if line.order.max:
        calculated = np.minimum(raw, _in_unit(line))
    if line.drug.step and line.order.rounding != "none":
        step = line.drug.step.value
        steps = multiples(calculated, step)
        if line.order.max:
            steps = np.minimum(steps, whole_steps(Decimal(str(_in_unit(line))), step))
        kept = np.abs(steps * float(step) - calculated) > calculated * (float(rounding_limit) / 100) * (1 + 1e-12)
    small = calculated < 1 if line.drug.small_unit else np.zeros(raw.shape, bool)
    return Doses(line, basis, raw, calculated, steps, kept, small)


def _in_unit(line: Line) -> float:
    """The maximum of one administration in the drug's unit."""
    from dosing.units import coefficient

    assert line.order.max
    return float(line.order.max.value) * coefficient(line.order.max.unit, "", line.drug.unit)


def _basis(line: Line, body: Body) -> Column:
    if line.basis == "kg":
        return body.weight(line.weight)
    if line.basis == "m2":
        return body.bsa
    return np.ones(next(iter(body.facts.values())).shape if body.facts else 1)
