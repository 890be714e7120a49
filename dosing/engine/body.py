"""The body columns a dose is multiplied by: surface, dosing weights, clearance, each rounded once before use.

What is printed is what is computed: BSA is rounded to the site's step (0.01 m2, not below 0.5 m2) and derived weights
to 0.1 kg before a dose sees them, the unrounded value is kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dosing.errors import refuse
from dosing.metrics import FORMULAS
from dosing.regimen.schema import Site
from dosing.rounding import to_step

Column = NDArray[np.float64]


@dataclass
class Body:
    """Columns of measured facts (`weight` kg, `height` cm, `age` y, `male`, ...) and what is derived from them."""

    facts: dict[str, Column]
    bsa_formula: str
    site: Site
    _derived: dict[str, Column] = field(default_factory=dict)

    def need(self, name: str, why: str) -> Column:
        """A measured fact; `InputError` P05 naming what it is needed for when it is missing."""
        if name not in self.facts:
            raise refuse("P05", f"{name} is missing and needed for {why}", f"give {name}; nothing is assumed.", f"patient: {name}")
        return self.facts[name]

    def compute(self, name: str, why: str) -> Column:
        """The unrounded column of one formula of `dosing.metrics`, computed once."""
        if name not in self._derived:
            formula = FORMULAS[name]
            self._derived[name] = formula.on_columns(**{need: self.need("sex" if need == "male" and "male" not in self.facts else need, why) for need in formula.needs})
        return self._derived[name]

    @cached_property
    def bsa_unrounded(self) -> Column:
        """Body surface by the chosen formula, m2."""
        return self.compute(f"bsa.{self.bsa_formula}", "the body surface")

    @cached_property
    def bsa(self) -> Column:
        """Body surface as used: rounded to the site's step, as it is below the floor, m2."""
        raw = self.bsa_unrounded
        return np.where(raw < float(self.site.bsa_floor), raw, to_step(raw, self.site.bsa_step))

    def weight(self, name: str) -> Column:
        """A dosing weight in kg: the actual weight as given, a derived one rounded to the site's step.

        An adjusted or lower weight never passes the scales, not by its rounding either. Refused (P09) where the
        formula gives none: an ideal weight falls to 0 in the very short.
        """
        if name in ("actual", "unspecified"):
            return self.need("weight", "a dose per kg")
        raw = self.compute(name, f"the dosing weight {name}")
        if np.isnan(raw).any():
            raise refuse("P09", f"{name} gives no weight at this height", "state another dosing weight.", "patient: height")
        rounded = to_step(raw, self.site.weight_step)
        if not name.startswith(("adjusted", "lower")):
            return rounded
        actual = self.need("weight", f"the dosing weight {name}")
        return np.where(raw >= actual, actual, np.minimum(rounded, actual))

    @cached_property
    def clearance(self) -> tuple[Column, str] | None:
        """Creatinine clearance in mL/min and the formula's name: given, Cockcroft-Gault from 18 years, else Schwartz."""
        if "crcl" in self.facts:
            return self.facts["crcl"], "as given"
        if not {"creatinine", "age"} <= self.facts.keys():
            return None
        adult = self.facts["age"] >= 18
        if adult.all() and {"male", "weight"} <= self.facts.keys():
            return self.compute("renal.cockcroft-gault", "clearance"), "renal.cockcroft-gault"
        if not adult.any() and {"height", "weight"} <= self.facts.keys():
            return self.compute("renal.schwartz", "clearance") * self.bsa_unrounded / 1.73, "renal.schwartz × BSA / 1.73"
        return None

    @property
    def calvert(self) -> Column:
        """GFR + 25 in mL/min, the GFR taken as at most 125 (FDA 2010); P05 where no clearance is known."""
        if self.clearance is None:
            raise refuse("P05", "no clearance is known and it is needed for a dose by AUC", "give --crcl, or creatinine with age, sex, weight and height.", "patient: crcl")
        return np.minimum(self.clearance[0], 125.0) + 25.0

    @cached_property
    def bmi(self) -> Column | None:
        """Body mass index in kg/m2, where weight and height are known."""
        return self.compute("weight.bmi", "BMI") if {"weight", "height"} <= self.facts.keys() else None
