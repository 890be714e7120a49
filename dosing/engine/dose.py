"""One dose as columns: multiply, cap, round; the arithmetic is kept as data beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache
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
    step: Decimal | None  # the drug's measurable step in its unit
    fewest: float  # the fewest steps of any row
    limit: float  # of the rounding policy, as a fraction

    @property
    def may_keep(self) -> bool:
        """Whether rounding can pass the limit at all: with many steps to a dose it cannot."""
        return self.step is not None and self.fewest * self.limit < 1

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """The rows in which rounding would pass the policy's limit: the exact dose is kept."""
        if not self.may_keep or self.step is None:
            return np.zeros(self.steps.shape, bool)
        return np.abs(self.steps * float(self.step) - self.calculated) > self.calculated * (self.limit + 1e-12)

    @cached_property
    def small(self) -> NDArray[np.bool_] | None:
        """The rows that are read in the drug's small unit; None where it has none."""
        return self.calculated < 1 if self.line.drug.small_unit else None

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
        if self.step is None or (self.may_keep and self.kept[row]):
            return Reading(small or drug.unit, scale, calculated, calculated, "")
        step = self.step * scale
        return Reading(small or drug.unit, scale, calculated, step_text(float(self.steps[row]), step), forms.plain(step))

    def derivation(self, row: int, held: bool) -> Derivation:
        """The steps of one row, as they were used."""
        line, told = self.line, self.reading(row)
        basis = number_text(float(self.basis[row])) if line.basis else "1"
        named = line.weight if line.basis == "kg" and line.weight != "actual" else "GFR + 25" if line.basis == "gfr" else ""
        capped = self.raw[row] > self.calculated[row]
        rule = f"nearest {Amount(told.step, told.unit)}" if told.step else "exact dose kept"
        return Derivation(
            _once(line), line.value * told.scale, line.parts, f"{basis} {_unit_of(line.basis)}" if line.basis else "", named, Decimal(basis),
            told.calculated, told.unit, "" if held else told.amount, rule, f"maximum {line.order.max}" if capped else "",
        )  # fmt: skip


def _once(line: Line) -> str:
    """The written dose without a count of doses or days, which is no factor of one administration."""
    return replace(line.dose, days=None, doses=None).text if line.dose else ""


def _unit_of(basis: str) -> str:
    return {"m2": "m²", "gfr": "mL/min"}.get(basis, basis)


class Factors(NamedTuple):
    """The lines of one plan as columns over lines: factor, step and maximum of each, in the drug's unit."""

    factor: Column
    step: Column  # 1 where nothing is rounded
    cap: Column | None  # inf where no maximum is stated, None where no line has one
    cap_steps: Column | None
    steps: tuple[Decimal | None, ...]


@lru_cache(maxsize=1024)
def factors(lines: tuple[Line, ...]) -> Factors:
    """What the dose of each line is multiplied and rounded with; made once per plan."""
    steps = tuple(line.drug.step.value if line.drug.step and line.order.rounding != "none" else None for line in lines)
    caps = [_in_unit(line) if line.order.max else np.inf for line in lines]
    whole = [whole_steps(Decimal(str(cap)), step) if step and cap != np.inf else np.inf for cap, step in zip(caps, steps, strict=True)]
    some = any(cap != np.inf for cap in caps)
    column = lambda values: np.array(values, float)[:, None]  # noqa: E731
    return Factors(column([line.factor for line in lines]), column([float(step or 1) for step in steps]),
                   column(caps) if some else None, column(whole) if some else None, steps)  # fmt: skip


def multiply(lines: tuple[Line, ...], bases: list[Column], rounding_limit: Decimal) -> dict[str, Doses]:
    """The doses of all lines for every patient: factor × basis, maximum, nearest step, limit of the rounding policy.

    `bases` holds each line's column (kg, m2 or ones), all of one length; the lines are one block of arithmetic.
    """
    if not lines:
        return {}
    by, limit = factors(lines), float(rounding_limit) / 100
    raw = by.factor * np.array(bases)
    calculated = raw if by.cap is None else np.minimum(raw, by.cap)
    steps = multiples(calculated, by.step)
    if by.cap_steps is not None:
        steps = np.minimum(steps, by.cap_steps)
    fewest = np.minimum.reduce(steps, axis=1).tolist()
    return {
        line.id: Doses(line, bases[n], raw[n], calculated[n], steps[n] if by.steps[n] is not None else calculated[n], by.steps[n], fewest[n], limit)
        for n, line in enumerate(lines)
    }


def _in_unit(line: Line) -> float:
    """The maximum of one administration in the drug's unit."""
    assert line.order.max
    return float(line.order.max.value) * coefficient(line.order.max.unit, "", line.drug.unit)


def basis_of(line: Line, body: Body) -> Column:
    """The column a line's dose is multiplied with: a dosing weight in kg, the body surface in m2, or ones."""
    if line.basis == "kg":
        return body.weight(line.weight)
    if line.basis == "m2":
        return body.bsa
    if line.basis == "gfr":
        return body.calvert
    return np.ones(next(iter(body.facts.values())).shape if body.facts else 1)
