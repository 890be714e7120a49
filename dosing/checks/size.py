"""Which sizes of a body are held, which are asked about, and what a doubtful one may be instead.

Bounds are data of the site file: one row for adults, one for each age of a child, run straight between the ages. A row
holds for weight, height and body mass index four bounds each: held below, asked below, asked above, held above.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dosing.regimen.site import Growth, Site
from dosing.rounding import Column, Mask, number_text

ADULT = 18  # years
POUND, INCH = 0.45359237, 2.54
MEASURES = (("weight", "kg"), ("height", "cm"), ("body mass index", "kg/m²"))
SLIPS = (
    ("pounds typed as kilograms", POUND, 1.0, 1.0), ("inches typed as centimetres", 1.0, INCH, 1.0),
    ("pounds and inches typed as kilograms and centimetres", POUND, INCH, 1.0), ("kilograms divided by 2.2 once too often", 1 / POUND, 1.0, 1.0),
    ("months typed as years", 1.0, 1.0, 1 / 12), ("years typed as months", 1.0, 1.0, 12.0),
)  # fmt: skip


def span(values: Column) -> tuple[float, float]:
    """The least and the greatest of a column; a column of one is read without numpy, which a single plan feels."""
    if len(values) == 1:
        one = values.item()
        return one, one
    return float(np.minimum.reduce(values)), float(np.maximum.reduce(values))


def all_inside(values: Column, low: float, high: float) -> bool:
    """Whether every row lies inside; most cohorts end here."""
    least, greatest = span(values)
    return low <= least and greatest <= high


def are_ordinary_adults(facts: Mapping[str, Column], bmi: Column | None, site: Site) -> bool:
    """Whether nobody is a child and no size is asked about: the quick way out of most plans."""
    if bmi is None or ("age" in facts and span(facts["age"])[0] < ADULT):
        return False
    return all(all_inside(values, *ends) for values, ends in zip((facts["weight"], facts["height"], bmi), site.ordinary, strict=True))


class Judged(NamedTuple):
    """Weight, height and body mass index of some patients (3 × n, NaN where unknown) and their bounds (3 × 4 × n)."""

    sizes: Column
    bounds: Column

    @property
    def held(self) -> Mask:
        """The rows of which a size is outside the bounds that hold."""
        return np.logical_or.reduce(self.outside(0, 3))

    @property
    def asked(self) -> Mask:
        """The rows of which a size is outside the bounds that are asked about."""
        return np.logical_or.reduce(self.outside(1, 2))

    def outside(self, low: int, high: int) -> Mask:
        """Which size of which row (3 × n) is outside one pair of the four bounds."""
        return (self.sizes < self.bounds[:, low]) | (self.sizes > self.bounds[:, high])

    def told(self, row: int, low: int, high: int) -> str:
        """The sizes of a row that are outside, each with its bounds."""
        bounds = self.bounds[..., row if self.bounds.shape[-1] > 1 else 0]
        return " and ".join(
            f"the {name} is outside {_number(of[low])} to {_number(of[high])} {unit}"
            for (name, unit), of, out in zip(MEASURES, bounds, self.outside(low, high)[:, row], strict=True) if out
        )  # fmt: skip


def _number(value: float) -> str:
    return number_text(round(float(value), 1))


def judge(facts: Mapping[str, Column], site: Site) -> Judged:
    """The sizes that are known, and the bounds for age and sex; `facts` holds a weight in kg."""
    weight, height = facts["weight"], facts.get("height")
    if height is None:
        unknown = np.full(weight.shape, np.nan)
        return Judged(np.array((weight, unknown, unknown)), bounds(facts, site))
    metres = height / 100
    return Judged(np.array((weight, height, weight / (metres * metres))), bounds(facts, site))


def bounds(facts: Mapping[str, Column], site: Site) -> Column:
    """The bounds of each row, 3 measures × 4 bounds × rows (one row where all are alike); who has no age is an adult."""
    adult = site.adult_bounds
    age = facts.get("age")
    if age is None or span(age)[0] >= ADULT:
        return adult
    child = _of_children(site.children, age, facts.get("male")) if site.children else site.child_bounds
    return np.where(age >= ADULT, adult, child)


def _of_children(growth: Growth, age: Column, male: Column | None) -> Column:
    """The bounds at an age, straight between the rows of the table; the wider ones where the sex is unknown."""
    ages, girls, boys = growth.table
    place = np.clip(np.searchsorted(ages, age, "right") - 1, 0, len(ages) - 2)
    share = np.clip((age - ages[place]) / (ages[place + 1] - ages[place]), 0, 1)
    girl, boy = (rows[..., place] + share * (rows[..., place + 1] - rows[..., place]) for rows in (girls, boys))
    if male is not None:
        return np.where(male, boy, girl)
    return np.concatenate((np.minimum(girl, boy)[:, :2], np.maximum(girl, boy)[:, 2:]), axis=1)


def slips(facts: Mapping[str, Any], row: int, site: Site) -> list[str]:
    """The slips of the pen that would turn a doubtful body into an ordinary one, by name; none is corrected."""
    one = {name: np.array(facts[name][row : row + 1], float) for name in ("weight", "height", "age", "male") if name in facts}
    guesses = {name: _scaled(one, kg, cm, years) for name, kg, cm, years in SLIPS if "age" in one or years == 1}
    if "height" in one:
        guesses["weight and height exchanged"] = one | {"weight": one["height"], "height": one["weight"]}
    return [name for name, guess in guesses.items() if _differs(guess, one) and not judge(guess, site).asked.any()]


def _scaled(one: Mapping[str, Column], kg: float, cm: float, years: float) -> dict[str, Column]:
    factors = {"weight": kg, "height": cm, "age": years}
    return {name: column * factors.get(name, 1.0) for name, column in one.items()}


def _differs(guess: Mapping[str, Column], one: Mapping[str, Column]) -> bool:
    """Whether a guess changes a fact that is known: without a height, inches change nothing."""
    return any(guess[name] is not one[name] and guess[name][0] != one[name][0] for name in one)


def describe(facts: Mapping[str, Any], row: int, site: Site, low: int, high: int) -> str:
    """A doubtful body in words: its sizes, the bounds it passes, and what it may be instead."""
    judged = judge(facts, site)
    kg, cm, bmi = judged.sizes[:, row]
    body = f"{kg:g} kg" if np.isnan(cm) else f"{kg:g} kg with {cm:g} cm gives a body mass index of {bmi:.1f} kg/m²"
    who = "an adult" if "age" not in facts or facts["age"][row] >= ADULT else f"a child of {facts['age'][row]:.3g} y"
    named = slips(facts, row, site)
    looks = f"; this looks like {' or '.join(named)}" if named else ""
    return f"{body}; for {who} {judged.told(row, low, high)}{looks}. Measure again and enter it."
