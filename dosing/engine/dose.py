"""One dose as columns: multiply, cap, round; the arithmetic is kept as data beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosing import forms
from dosing.derivation import Derivation
from dosing.engine.adjust import Rounded
from dosing.engine.body import Body
from dosing.engine.settle import Line
from dosing.rounding import Column, multiples, nearest_band, number_text, step_text, whole_packs, whole_steps, within
from dosing.schedule import Amount
from dosing.units import exact


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
    bands: NDArray[np.int64] | None = None  # the row of the line's table that each patient falls into, -1 for none
    uncapped: Column | None = None  # the body surface before the order's maximum of it
    derived: dict[tuple[int, bool], Derivation] = field(default_factory=dict, repr=False, compare=False)  # all doses of a row share one

    @property
    def may_keep(self) -> bool:
        """Whether rounding can pass the limit at all: with many steps to a dose it cannot."""
        return self.step is not None and self.fewest * self.limit < 1

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """The rows in which rounding would pass the policy's limit: the exact dose is kept."""
        if not self.may_keep or self.step is None:
            return np.zeros(self.steps.shape, bool)
        kept: NDArray[np.bool_] = ~within(self.steps * float(self.step), self.calculated, self.limit)
        return kept & ~self.packed.taken if self.line.rounded and self.packed else kept

    @cached_property
    def packed(self) -> Packed | None:
        """The rows that are given as whole vials or standard doses; None where the line is rounded to its step alone."""
        return pack(self.line, self.calculated) if self.line.rounded else None

    @property
    def withheld(self) -> NDArray[np.bool_] | None:
        """The rows for which the line's table says: do not give; None without such a table."""
        if self.bands is None or self.line.table is None:
            return None
        none = [n for n, band in enumerate(self.line.table.bands) if band.dose is None and band.share is None]
        return np.isin(self.bands, none) if none else None

    @cached_property
    def cut(self) -> NDArray[np.bool_]:
        """The rows whose calculated dose passes the maximum, and not by the last bit of a float."""
        cut: NDArray[np.bool_] = self.raw > self.calculated * (1 + 1e-12)
        return cut

    @cached_property
    def small(self) -> NDArray[np.bool_] | None:
        """The rows that are read in the drug's small unit; None where it has none."""
        return self.calculated < 1 if self.line.drug.small_unit else None

    @property
    def amount(self) -> Column:
        """The amounts as floats in the drug's unit."""
        amount = self.calculated
        if self.step is not None:
            numerator, denominator = self.step.as_integer_ratio()
            amount = np.where(self.kept, self.calculated, self.steps * numerator / denominator)
        return amount if self.packed is None else np.where(self.packed.taken, self.packed.amounts, amount)

    def reading(self, row: int) -> Reading:
        """The dose of one row as it is read: unit, calculated dose and amount as exact decimal texts."""
        drug = self.line.drug
        small = drug.small_unit if self.small is not None and self.small[row] else None
        scale = int(exact(drug.unit, small)) if small else 1
        calculated = number_text(float(self.calculated[row]) * scale)
        if self.line.rounded and self.packed and self.packed.taken[row]:
            return Reading(small or drug.unit, scale, calculated, forms.plain(self.packed.amount(row) * scale), "")
        if self.step is None or (self.may_keep and self.kept[row]):
            return Reading(small or drug.unit, scale, calculated, calculated, "")
        step = self.step * scale
        return Reading(small or drug.unit, scale, calculated, step_text(float(self.steps[row]), step), forms.plain(step))

    def derivation(self, row: int, held: bool) -> Derivation:
        """The steps of one row, as they were used; made once, as every administration of the line asks for them."""
        if (row, held) not in self.derived:
            self.derived[row, held] = self._derive(row, held)
        return self.derived[row, held]

    def _derive(self, row: int, held: bool) -> Derivation:
        line, told = self.line, self.reading(row)
        basis = number_text(float(self.basis[row])) if line.basis else "1"
        dose, value = self._dose(row)
        return Derivation(
            dose, value * told.scale, line.parts, f"{basis} {_unit_of(line.basis)}" if line.basis else "", self._basis_name(row), Decimal(basis),
            told.calculated, told.unit, "" if held else told.amount, self._rule(row, told), f"maximum {Amount(forms.plain(line.order.max.value), line.order.max.unit)}" if line.order.max and self.cut[row] else "",
        )  # fmt: skip

    def _basis_name(self, row: int) -> str:
        """What the basis is beside the actual weight: a named weight, Calvert's sum, a surface cut to a maximum."""
        line = self.line
        told = [line.weight] if line.basis in ("kg", "m2") and line.weight != "actual" else ["GFR + 25"] if line.basis == "gfr" else []
        if self.uncapped is not None and self.uncapped[row] > self.basis[row]:
            told.append(f"maximum; {number_text(float(self.uncapped[row]))} m² without it")
        return ", ".join(told)

    def _rule(self, row: int, told: Reading) -> str:
        if self.packed is not None and self.packed.taken[row] and self.line.rounded:
            return self.packed.tell(row, told.unit, told.scale)
        return f"nearest {Amount(told.step, told.unit)}" if told.step else "exact dose kept"

    def _dose(self, row: int) -> tuple[str, Decimal]:
        """The written dose of a row and its number in the drug's unit: as printed, reduced, or from the line's table."""
        line = self.line
        dose, value = _once(line.dose), line.value
        if line.order.share is not None:
            dose = f"{dose} × {forms.plain(line.order.share * 100)} %"
        band = line.table.bands[self.bands[row]] if line.table and self.bands is not None and self.bands[row] >= 0 else None
        if band and band.dose and line.table:
            share = line.order.share or 1
            text = _once(band.dose if not line.dose else replace(line.dose, low=band.dose.low, high=band.dose.high, unit=band.dose.unit))
            return f"{text} ({line.table.name})" + dose.removeprefix(_once(line.dose)), in_drug_unit(band.dose, line) * share
        if band and band.share is not None and line.table and band.share != 1:
            return f"{dose} × {forms.plain(band.share * 100)} % ({line.table.name})", value * band.share
        return dose, value


class Packed(NamedTuple):
    """Amounts as whole vials or standard doses, and for which rows they are taken."""

    taken: NDArray[np.bool_]
    amounts: Column
    place: NDArray[np.int64]  # how many vials, or which standard dose
    rounded: Rounded

    def amount(self, row: int) -> Decimal:
        """The exact amount of a row in the drug's unit."""
        place = int(self.place[row])
        return self.rounded.sizes[0] * place if self.rounded.kind == "vial" else self.rounded.sizes[place]

    def tell(self, row: int, unit: str, scale: int) -> str:
        """What the amount of a row is, `2 whole vials of 50 mg`."""
        place = int(self.place[row])
        if self.rounded.kind == "band":
            return "standard dose"
        return f"{place} whole vial{'s' if place > 1 else ''} of {Amount(forms.plain(self.rounded.sizes[0] * scale), unit)}"


def pack(line: Line, calculated: Column) -> Packed:
    """Doses as whole vials or standard doses where that is inside the limit, above zero and not above the maximum."""
    rounded, most = line.rounded, _maximum(line) if line.order.max else None
    assert rounded
    if rounded.kind == "vial":
        count = whole_packs(calculated, rounded.sizes[0], most)
        top, bottom = rounded.sizes[0].as_integer_ratio()
        amounts, place = count * top / bottom, count.astype(np.int64)
    else:
        sizes = tuple(size for size in rounded.sizes if most is None or size <= most)
        if not sizes:
            return Packed(np.zeros(calculated.shape, bool), calculated, np.zeros(calculated.shape, np.int64), rounded)
        place = nearest_band(calculated, sizes)
        amounts = np.array(sizes, np.float64)[place]
    return Packed((amounts > 0) & within(amounts, calculated, float(rounded.limit) / 100), amounts, place, rounded)


def _once(dose: forms.Dose | None) -> str:
    """A written dose without a count of doses or days, which is no factor of one administration."""
    return replace(dose, days=None, doses=None).text if dose else ""


def in_drug_unit(dose: forms.Dose, line: Line) -> Decimal:
    """The number of a dose in the unit of the line's drug, for its basis."""
    return dose.low * exact(dose.unit, line.drug.unit, dose.per)


def shares(line: Line) -> Column:
    """What each band of a line's table leaves of, or makes of, the line's dose; the last, of place -1, leaves it whole."""
    assert line.table
    made = [in_drug_unit(band.dose, line) * (line.order.share or 1) / line.value if band.dose else band.share if band.share is not None else Decimal(1) for band in line.table.bands]
    return np.array([*made, 1], np.float64)


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
    caps = [_maximum(line) if line.order.max else None for line in lines]
    whole = [whole_steps(cap, step) if step and cap is not None else np.inf for cap, step in zip(caps, steps, strict=True)]
    some = any(cap is not None for cap in caps)
    column = lambda values: np.array(values, float)[:, None]  # noqa: E731
    return Factors(column([line.factor for line in lines]), column([float(step or 1) for step in steps]),
                   column([np.inf if cap is None else float(cap) for cap in caps]) if some else None, column(whole) if some else None, steps)  # fmt: skip


def multiply(lines: tuple[Line, ...], bases: list[Column], rounding_limit: Decimal, bands: Mapping[str, NDArray[np.int64]] | None = None) -> dict[str, Doses]:
    """The doses of all lines for every patient: factor × basis, table, maximum, nearest step, limit of the policy.

    `bases` holds each line's column (kg, m2 or ones), all of one length; the lines are one block of arithmetic.
    `bands` gives, for a line with a table, the band each patient falls into.
    """
    if not lines:
        return {}
    by, limit = factors(lines), float(rounding_limit) / 100
    raw = by.factor * np.array(bases)
    for n, line in enumerate(lines) if bands else ():
        if bands and line.id in bands:
            raw[n] *= shares(line)[bands[line.id]]
    calculated = raw if by.cap is None else np.minimum(raw, by.cap)
    steps = multiples(calculated, by.step)
    if by.cap_steps is not None:
        steps = np.minimum(steps, by.cap_steps)
    fewest = np.minimum.reduce(steps, axis=1).tolist()
    return {
        line.id: Doses(line, bases[n], raw[n], calculated[n], steps[n] if by.steps[n] is not None else calculated[n], by.steps[n], fewest[n], limit, bands.get(line.id) if bands else None)
        for n, line in enumerate(lines)
    }


def _maximum(line: Line) -> Decimal:
    """The maximum of one administration in the drug's unit."""
    assert line.order.max
    return line.order.max.value * exact(line.order.max.unit, line.drug.unit)


def basis_of(line: Line, body: Body) -> Column:
    """The column a line's dose is multiplied with: a dosing weight in kg, the body surface in m2, or ones."""
    if line.rule is not None:
        body.by_rule(line.weight, line.rule)
    if line.basis == "kg":
        return body.weight(line.weight)
    if line.basis == "m2":
        return body.surface(line.weight) if line.order.bsa_max is None else np.minimum(body.surface(line.weight), float(line.order.bsa_max))
    if line.basis == "gfr":
        return body.calvert
    return np.ones(next(iter(body.facts.values())).shape if body.facts else 1)
