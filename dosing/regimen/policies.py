"""Named, versioned house rules that a regimen or a site chooses from: dosing weights and ways of rounding."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from dosing.regimen.fields import ConditionText, Id, Percent, Prose, RoundingLimit, Word
from dosing.regimen.model import Model


class WeightRule(Model):
    """A named rule for the dosing weight: the actual one, or an ideal one up to a threshold and a part of the excess above.

    `lower` takes the lower of actual and ideal where `heavy` does not hold. Never above the actual weight.
    """

    version: Word
    title: Prose
    drugs: tuple[Id, ...] = ()  # which it speaks of; empty for every drug
    bases: tuple[Literal["kg", "m2"], ...] = ("kg",)
    ideal: Word | None = None  # formula of the ideal weight; none for the actual weight
    otherwise: Literal["actual", "lower"] = "actual"
    heavy: ConditionText | None = None  # bmi >= 30 kg/m2, or weight >= 150 % of ideal
    fraction: Percent | None = None  # of what the actual weight has above the ideal one, where `heavy` holds
    adults: Literal["yes", "no"] = "no"
    proposal: Prose | None = None  # what the source leaves open and this file fills in
    source: Prose

    @model_validator(mode="after")
    def heavy_has_a_fraction(self) -> WeightRule:
        """A threshold, a fraction and an ideal weight come together."""
        if bool(self.heavy) != bool(self.fraction) or (self.heavy and not self.ideal):
            raise PydanticCustomError("R13", "{what}", {"what": "the weight rule is not whole", "do": "state ideal, heavy and fraction together."})
        return self


class RoundingPolicy(Model):
    """A named way of rounding: whole vials or standard doses inside a limit, else the measurable step."""

    version: Word
    title: Prose
    to: Literal["vial", "band"]
    limit: RoundingLimit
    bands: Literal["listed", "logarithmic"] = "listed"  # the drug file's own, or constructed with one ratio
    exempt: tuple[Id, ...] = ()
    source: Prose


class Policies(Model):
    """The named rules a regimen or a site chooses from."""

    weights: dict[Id, WeightRule] = {}
    rounding: dict[Id, RoundingPolicy] = {}
