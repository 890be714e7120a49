"""The body columns a dose is multiplied by: surface, dosing weights, clearance, each rounded once before use.

What is printed is what is computed: BSA is rounded to the site's step (0.01 m2, not below 0.5 m2) and derived weights
to 0.1 kg before a dose sees them, the unrounded value is kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dosing import forms
from dosing.errors import refuse
from dosing.metrics import FORMULAS, adjusted
from dosing.regimen.site import Site
from dosing.rounding import Column, to_step

if TYPE_CHECKING:
    from dosing.regimen.policies import WeightRule



@dataclass
class Body:
    """Columns of measured facts (`weight` kg, `height` cm, `age` y, `male`, ...) and what is derived from them."""

    facts: dict[str, Column]
    bsa_formula: str
    site: Site
    _derived: dict[str, Column] = field(default_factory=dict)
    ruled: dict[str, Column] = field(default_factory=dict)  # weights by named rules
    prior: forms.Priors = forms.Priors()  # what was given before

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

    def surface(self, weight: str) -> Column:
        """Body surface as used, from a dosing weight by its name, m2."""
        if weight in ("actual", "unspecified"):
            return self.bsa
        name = f"bsa.{self.bsa_formula} {weight}"
        if name not in self._derived:
            formula = FORMULAS[f"bsa.{self.bsa_formula}"]
            facts = {need: self.need("sex" if need == "male" and "male" not in self.facts else need, "the body surface") for need in formula.needs}
            raw = formula.on_columns(**(facts | {"weight": self.weight(weight)}))
            self._derived[name] = np.where(raw < float(self.site.bsa_floor), raw, to_step(raw, self.site.bsa_step))
        return self._derived[name]

    def weight(self, name: str) -> Column:
        """A dosing weight in kg: the actual weight as given, a derived one rounded to the site's step.

        An adjusted or lower weight never passes the scales, not by its rounding either. Refused (P09) where the
        formula gives none: an ideal weight falls to 0 in the very short.
        """
        if name in ("actual", "unspecified"):
            return self.need("weight", "a dose per kg")
        if name in self.ruled:
            return self.ruled[name]
        raw = self.compute(name, f"the dosing weight {name}")
        if np.isnan(raw).any():
            raise refuse("P09", f"{name} gives no weight at this height", "state another dosing weight.", "patient: height")
        return self._not_above_actual(raw, name) if name.startswith(("adjusted", "lower")) else to_step(raw, self.site.weight_step)

    def _not_above_actual(self, raw: Column, name: str) -> Column:
        actual = self.need("weight", f"the dosing weight {name}")
        return np.where(raw >= actual, actual, np.minimum(to_step(raw, self.site.weight_step), actual))

    def by_rule(self, name: str, rule: WeightRule) -> Column:
        """The dosing weight of a named rule in kg, kept under its name; P09 for a child where the rule is for adults."""
        if name not in self.ruled:
            light, heavy = self.sides(name, rule)
            self.ruled[name] = np.where(self.is_heavy(rule), heavy, light) if rule.heavy else light
        return self.ruled[name]

    def sides(self, name: str, rule: WeightRule) -> tuple[Column, Column]:
        """The weights in kg that a rule gives on the two sides of its threshold; the same one twice where it has none."""
        why = f"the weight rule {name}"
        actual = self.need("weight", why)
        if rule.adults == "yes" and (self.need("age", why) < 18).any():
            raise refuse("P09", f"the weight rule {name} is for adults", "state another weight, for example --set ORDER.weight=actual with its reason.", "patient: age")
        if not rule.ideal:
            return actual, actual
        ideal = self.compute(f"ideal.{rule.ideal}", why)
        if np.isnan(ideal).any():
            raise refuse("P09", f"{name} gives no weight at this height", "state another dosing weight.", "patient: height")
        light = self._not_above_actual(np.minimum(actual, ideal), name) if rule.otherwise == "lower" else actual
        return light, self._not_above_actual(adjusted(actual, ideal, float(rule.fraction) / 100), name) if rule.fraction else light

    def is_heavy(self, rule: WeightRule) -> NDArray[np.bool_]:
        """The rows beyond a rule's threshold; nine decimals decide, so that a row exactly on it is on it."""
        assert rule.heavy
        if rule.heavy.unit == "% of ideal":
            value = self.need("weight", rule.title) / self.compute(f"ideal.{rule.ideal}", rule.title) * 100
        else:
            value = self.fact(rule.heavy.name, rule.title)
        heavy: NDArray[np.bool_] = rule.heavy.met(np.round(value, 9))
        return heavy

    def fact(self, name: str, why: str) -> Column:
        """A fact that a condition compares, measured or derived, to nine decimals where it is derived; P05 where it is missing."""
        if name in ("crcl", "crcl-indexed"):
            if self.clearance is None:
                raise refuse("P05", f"no clearance is known and it is needed for {why}", "give --crcl, or creatinine with age, sex, weight and height.", "patient: crcl")
            found = self.clearance[0]
            return np.round(found if name == "crcl" else found * 1.73 / self.bsa_unrounded, 9)
        if name == "bmi":
            return np.round(self.compute("weight.bmi", why), 9)
        return self.bsa if name == "bsa" else self.need(name, why)

    @cached_property
    def clearance(self) -> tuple[Column, str] | None:
        """Clearance in mL/min and its name: given, a measured GFR, Cockcroft-Gault from 18 years, else Schwartz."""
        if "crcl" in self.facts:
            return self.facts["crcl"], "as given"
        if "gfr" in self.facts:
            return self.facts["gfr"], "measured GFR"
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
        """GFR + 25 in mL/min: a measured GFR as it is, any other taken as at most 125 (FDA 2010); P05 where none is known."""
        if "gfr" in self.facts:
            return self.facts["gfr"] + 25.0
        if self.clearance is None:
            raise refuse("P05", "no clearance is known and it is needed for a dose by AUC", "give --gfr (measured), --crcl, or creatinine with age, sex, weight and height.", "patient: crcl")
        return np.minimum(self.clearance[0], 125.0) + 25.0

    @cached_property
    def bmi(self) -> Column | None:
        """Body mass index in kg/m2, where weight and height are known."""
        return self.compute("weight.bmi", "BMI") if {"weight", "height"} <= self.facts.keys() else None
