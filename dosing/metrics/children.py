"""Weights of children in kg: lean weight, and the weight for a height."""

from __future__ import annotations

from typing import Any

import numpy as np

from dosing.metrics.registry import by_sex, formula
from dosing.rounding import Column, Mask

CHILD = {"weight": 20, "height": 115}
OLDER = {"weight": 45, "height": 140}


def _years(age: Column, low: float, high: float) -> Mask:
    age = np.asarray(age, dtype=np.float64)
    return (age >= low) & (age <= high)


def _one_to_seventeen(age: Column, **_: Any) -> Mask:
    return _years(age, 1, 17)


def _two_to_eighteen(age: Column, **_: Any) -> Mask:
    return _years(age, 2, 18)


def _up_to_thirteen(age: Column, **_: Any) -> Mask:
    return _years(age, 0, 13)


@formula(
    "lean.peters",
    unit="kg",
    text="3.8 × 0.0215 × weight^0.6469 × height^0.7236",
    cite="Peters AM et al, Br J Anaesth 2011;106:719-723",
    population="children to 13 years; reported to be poor in obese children",
    vectors=[(CHILD, 17.5784), (OLDER, 34.2471)],
    applies=_up_to_thirteen,
)
def peters(weight: Column, height: Column) -> Column:
    """Lean weight in kg of a child by Peters et al. (2011)."""
    return 3.8 * 0.0215 * weight**0.6469 * height**0.7236


@formula(
    "child.traub",
    unit="kg",
    text="below 152.4 cm height² × 1.65 / 1000; taller boys 39, girls 42.2, + 2.27 × (inches − 60)",
    cite="Traub SL, Johnson CE, Am J Hosp Pharm 1980;37:195-201 (form read in code, citation recalled)",
    population="1 to 17 years",
    vectors=[({"height": 115, "male": True}, 21.8212), ({"height": 140, "male": False}, 32.3400), ({"height": 160, "male": True}, 45.7921), ({"height": 160, "male": False}, 48.9921)],
    applies=_one_to_seventeen,
)
def traub(height: Column, male: Column) -> Column:
    """Weight in kg for a child's height by Traub and Johnson (1980)."""
    return np.where(height < 152.4, height * height * 1.65 / 1000, by_sex(male, 39, 42.2) + 2.27 * (height / 2.54 - 60))


@formula(
    "child.braillon",
    unit="kg",
    text="boys 2.379 × e^(1.895 × m), girls 2.120 × e^(1.993 × m), m = height / 100",
    cite="Braillon PM, Acad J Ped Neonatol 2017;4(2):555689",
    population="2 to 18 years, 12 countries",
    vectors=[({"height": 140, "male": True}, 33.7736), ({"height": 140, "male": False}, 34.5227)],
    applies=_two_to_eighteen,
)
def braillon(height: Column, male: Column) -> Column:
    """Weight in kg for a child's height by Braillon (2017)."""
    return by_sex(male, 2.379, 2.120) * np.exp(by_sex(male, 1.895, 1.993) * height / 100)
