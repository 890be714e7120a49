"""What do the kidneys say: a needed clearance, the bands of a drug's file, and the weights that an estimate may use.

A clearance by Cockcroft-Gault hangs on the weight. In obesity no source of this library says which one to take, so the
clearance is computed on three of them, and the lowest decides what is asked; the doses see the actual weight only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from dosing.checks.case import Case, Hit, Mask, check, per_case, per_course
from dosing.checks.size import ADULT, span
from dosing.engine.settle import Line
from dosing.metrics import FORMULAS
from dosing.regimen.drug import Table
from dosing.rounding import Column
from dosing.schedule import Level

COCKCROFT = "renal.cockcroft-gault"
WEIGHTS = {"adjusted weight (40 %)": "adjusted40.devine", "ideal weight": "ideal.devine"}
"""The weights beside the actual one, by the words they are told with."""


@dataclass
class Kidneys:
    """A clearance in mL/min with its name, what a band is compared with, and what obesity leaves open."""

    clearance: Column
    name: str
    child: Column | None  # mL/min/1.73 m2, NaN for adults; a healthy child of 20 kg has 60 mL/min
    others: dict[str, Column]  # mL/min on other weights, by their words
    heavy: Mask | None  # the rows these count for

    @cached_property
    def judged(self) -> Column:
        """The clearance that a band is compared with: a child's per 1.73 m2, to nine decimals."""
        return np.round(self.clearance if self.child is None else np.where(np.isnan(self.child), self.clearance, self.child), 9)

    @cached_property
    def lowest(self) -> Column:
        """The lowest clearance that any of the weights gives, to nine decimals."""
        judged = self.judged
        if self.heavy is None:
            return judged
        return np.where(self.heavy, np.fmin.reduce([judged, *(np.round(other, 9) for other in self.others.values())]), judged)

    def told(self, row: int) -> str:
        """The clearance of a row with its formula and weight, and the others beside it."""
        if self.child is not None and not np.isnan(self.child[row]):
            return f"creatinine clearance {self.clearance[row]:.0f} mL/min ({self.name}), which is {self.child[row]:.0f} mL/min/1.73 m²; a child is judged by the latter"
        if self.heavy is None or not self.heavy[row]:
            return f"creatinine clearance {self.clearance[row]:.0f} mL/min ({said(self.name)})"
        others = ", ".join(f"{other[row]:.1f} on the {words}" for words, other in self.others.items() if not np.isnan(other[row]))
        return f"creatinine clearance by Cockcroft-Gault: {self.clearance[row]:.1f} mL/min on the actual weight, {others}; none is suggested"


def said(name: str) -> str:
    """The name of a clearance with the weight that went into it."""
    return "Cockcroft-Gault, actual weight" if name == COCKCROFT else name


@per_case
def kidneys(case: Case) -> Kidneys | None:
    """The clearance of a case and what belongs to it; None where none is known."""
    found = case.body.clearance
    if found is None:
        return None
    heavy = _heavy(case, found[1])
    others = {words: _on(case, weight) for words, weight in WEIGHTS.items()} if heavy is not None else {}
    return Kidneys(*found, _per_surface(case, found[0]), others, heavy)


def _heavy(case: Case, name: str) -> Mask | None:
    """The rows at or above the site's body mass index whose clearance is an estimate; None for none, as in most plans."""
    bmi, limit = case.body.bmi, float(case.site.bmi_ask)
    if name != COCKCROFT or bmi is None or span(bmi)[1] < limit:
        return None
    return np.round(bmi, 9) >= limit


def _on(case: Case, weight: str) -> Column:
    """Cockcroft-Gault in mL/min on another weight; NaN where its formula gives none."""
    facts = case.body.facts
    return FORMULAS[COCKCROFT].on_columns(**{need: case.body.compute(weight, "clearance") if need == "weight" else facts[need] for need in FORMULAS[COCKCROFT].needs})


def _per_surface(case: Case, clearance: Column) -> Column | None:
    """A child's clearance per 1.73 m2, NaN for adults."""
    facts = case.body.facts
    if "age" not in facts or span(facts["age"])[0] >= ADULT or not {"weight", "height"} <= facts.keys():
        return None
    return np.where(facts["age"] < ADULT, clearance * 1.73 / case.body.bsa_unrounded, np.nan)


def measured(case: Case) -> dict[str, dict[str, str]]:
    """What the record says of the first patient's clearance beside its value: its weight, the other weights, a child's per 1.73 m2."""
    if case.body.clearance is None:
        return {}
    found = kidneys(case)
    assert found
    made = {"crcl": {"value": f"{found.clearance[0]:.0f}", "unit": "mL/min", "formula": said(found.name)}}
    if found.heavy is not None and found.heavy[0]:
        made |= {f"crcl.{WEIGHTS[words]}": {"value": f"{other[0]:.0f}", "unit": "mL/min", "formula": f"Cockcroft-Gault, {words}"} for words, other in found.others.items() if not np.isnan(other[0])}
    if found.child is not None and not np.isnan(found.child[0]):
        made["crcl-indexed"] = {"value": f"{found.child[0]:.0f}", "unit": "mL/min/1.73 m2", "formula": "renal.schwartz" if "schwartz" in found.name else f"{found.name} × 1.73 / BSA"}
    return made


@check
def a_needed_creatinine_is_there(case: Case) -> Iterator[Hit]:
    """Is the kidney function known for a drug that needs it, and is it inside the label's first band on every weight?"""
    needing = _needing(case)
    if not needing:
        return
    found = kidneys(case)
    for line in needing:
        if found is None:
            text = f"creatinine is missing (or age, sex, height to estimate a clearance); the dose or the use of {line.drug.id} hangs on the kidneys. Give --creatinine or --crcl."
            yield Hit(f"{line.id}.creatinine", "patient.creatinine", "query", text, line.id, line.drug.id)
        else:
            yield from _renal(line, found)


@per_course
def _needing(case: Case) -> list[Line]:
    return [line for line in case.lines if "creatinine" in line.drug.needs]


def _renal(line: Line, found: Kidneys) -> Iterator[Hit]:
    """The first renal band of the drug's file that each row falls into; advice, never applied by itself.

    Where only another weight falls into a band, or into a worse one, it is asked about and holds nothing.
    """
    used, lowest = found.judged, found.lowest
    free = open_ = np.True_
    for band in line.drug.renal:
        worst = open_ & band.when.met(lowest)
        if not worst.any():  # the lowest is the used one or below it
            continue
        inside = free & band.when.met(used)
        free, open_ = free & ~inside, open_ & ~worst
        levels: tuple[tuple[Level, Mask], ...] = ((band.level, inside & worst), ("query", worst & ~inside))
        for level, mask in levels:
            if mask.any():
                yield Hit(f"{line.id}.renal", "patient.renal", level, partial(_advice, line, found, band.advice), line.id, band.source, mask)


def _advice(line: Line, found: Kidneys, advice: str, row: int) -> str:
    return " ".join(filter(None, (f"{found.told(row)}: {advice}", _applied(line))))


def _applied(line: Line) -> str:
    """Which of the drug's tables is applied, or by which names a person may choose one."""
    names = [f"adjust={key}" for key, table in line.drug.tables.items() if isinstance(table, Table)]
    if line.table:
        return f"The table of the {line.table.name} is applied, as named (adjust={line.table.key})."
    return f"None is applied unless a person names one: {' or '.join(names)}." if names else ""
