"""Body surface area in m2, from weight (kg), height (cm) and, for one formula, sex."""

from __future__ import annotations

from typing import Any

import numpy as np

from dosing.metrics.registry import adults, by_sex, formula
from dosing.rounding import Column, Mask

ADULT = {"height": 175, "weight": 70}
LARGE = {"height": 160, "weight": 95}
CHILD = {"height": 115, "weight": 20}


@formula(
    "bsa.mosteller",
    unit="m2",
    text="√(height × weight / 3600)",
    cite="Mosteller RD, N Engl J Med 1987;317:1098",
    population="children and adults",
    vectors=[(ADULT, 1.84466), (LARGE, 2.05480)],
)
def mosteller(weight: Column, height: Column) -> Column:
    """BSA in m2 by Mosteller (1987)."""
    return np.sqrt(weight * height / 3600)


@formula(
    "bsa.dubois",
    unit="m2",
    text="0.007184 × height^0.725 × weight^0.425",
    cite="DuBois D, DuBois EF, Arch Intern Med 1916;17:863-871",
    population="derived from 9 subjects; reported to be too low in obesity",
    vectors=[(ADULT, 1.84814), (CHILD, 0.800405)],
)
def dubois(weight: Column, height: Column) -> Column:
    """BSA in m2 by DuBois and DuBois (1916)."""
    return 0.007184 * height**0.725 * weight**0.425


@formula(
    "bsa.haycock",
    unit="m2",
    text="0.024265 × height^0.3964 × weight^0.5378",
    cite="Haycock GB, Schwartz GJ, Wisotsky DH, J Pediatr 1978;93:62-66",
    population="infants, children and adults",
    vectors=[(ADULT, 1.84678), (CHILD, 0.797140)],
)
def haycock(weight: Column, height: Column) -> Column:
    """BSA in m2 by Haycock et al. (1978)."""
    return 0.024265 * height**0.3964 * weight**0.5378


@formula(
    "bsa.gehan-george",
    unit="m2",
    text="0.0235 × height^0.42246 × weight^0.51456",
    cite="Gehan EA, George SL, Cancer Chemother Rep 1970;54:225-235",
    population="children and adults; 401 measured subjects",
    vectors=[(ADULT, 1.85385), (CHILD, 0.814870)],
)
def gehan_george(weight: Column, height: Column) -> Column:
    """BSA in m2 by Gehan and George (1970)."""
    return 0.0235 * height**0.42246 * weight**0.51456


@formula(
    "bsa.boyd",
    unit="m2",
    text="0.0003207 × height^0.3 × g^(0.7285 − 0.0188 × log10 g), g = weight in grams",
    cite="Boyd E, The Growth of the Surface Area of the Human Body, Univ Minnesota Press 1935 (gram form)",
    population="by tradition children; no age bound stated",
    vectors=[(ADULT, 1.85069), (CHILD, 0.812513)],
)
def boyd(weight: Column, height: Column) -> Column:
    """BSA in m2 by Boyd (1935), the form in grams."""
    grams = weight * 1000
    return 0.0003207 * height**0.3 * grams ** (0.7285 - 0.0188 * np.log10(grams))


@formula(
    "bsa.fujimoto",
    unit="m2",
    text="0.008883 × height^0.663 × weight^0.444",
    cite="Fujimoto S et al, Nippon Eiseigaku Zasshi 1968;23:443-450 (citation recalled)",
    population="Japanese adults; older children too, from an age not stated here",
    vectors=[(ADULT, 1.79853), (LARGE, 1.94089)],
    applies=adults,
)
def fujimoto(weight: Column, height: Column) -> Column:
    """BSA in m2 by Fujimoto et al. (1968)."""
    return 0.008883 * height**0.663 * weight**0.444


@formula(
    "bsa.takahira",
    unit="m2",
    text="0.007241 × height^0.725 × weight^0.425",
    cite="Takahira H 1925, as quoted with Fujimoto 1968 (citation recalled)",
    population="Japanese adults",
    vectors=[(ADULT, 1.86281), (CHILD, 0.806756)],
    applies=adults,
)
def takahira(weight: Column, height: Column) -> Column:
    """BSA in m2 by Takahira (1925)."""
    return 0.007241 * height**0.725 * weight**0.425


@formula(
    "bsa.shuter-aslani",
    unit="m2",
    text="0.00949 × height^0.655 × weight^0.441",
    cite="Shuter B, Aslani A, Eur J Appl Physiol 2000;82:250-254 (citation recalled)",
    population="the DuBois and related measurements, analysed again",
    vectors=[(ADULT, 1.82031), (CHILD, 0.795752)],
)
def shuter_aslani(weight: Column, height: Column) -> Column:
    """BSA in m2 by Shuter and Aslani (2000)."""
    return 0.00949 * height**0.655 * weight**0.441


@formula(
    "bsa.schlich",
    unit="m2",
    text="men 0.000579479 × height^1.24 × weight^0.38, women 0.000975482 × height^1.08 × weight^0.46",
    cite="Schlich E, Schumm M, Schlich M, Ernaehrungs Umschau 2010;57:178-183",
    population="German adults; 188 scanned",
    vectors=[
        (ADULT | {"male": True}, 1.76012),
        ({"height": 190, "weight": 120, "male": True}, 2.39211),
        (LARGE | {"male": False}, 1.90293),
        ({"height": 165, "weight": 60, "male": False}, 1.59240),
    ],
    applies=adults,
)
def schlich(weight: Column, height: Column, male: Column) -> Column:
    """BSA in m2 by Schlich et al. (2010), by sex."""
    scale = by_sex(male, 0.000579479, 0.000975482)
    return scale * height ** by_sex(male, 1.24, 1.08) * weight ** by_sex(male, 0.38, 0.46)


@formula(
    "bsa.livingston-lee",
    unit="m2",
    text="0.1173 × weight^0.6466; below 10 kg 0.1037 × weight^0.6724",
    cite="Livingston EH, Lee S, Am J Physiol Endocrinol Metab 2001;281:E586-E591",
    population="meant for obesity; 45 patients of 51.3-248.6 kg and published data",
    vectors=[({"weight": 70}, 1.82953), ({"weight": 7.5}, 0.401948)],
)
def livingston_lee(weight: Column) -> Column:
    """BSA in m2 by Livingston and Lee (2001), from weight alone."""
    return np.where(weight < 10, 0.1037 * weight**0.6724, 0.1173 * weight**0.6466)


def _from_3_to_30_kg(weight: Column, **_: Any) -> Mask:
    weight = np.asarray(weight, dtype=np.float64)
    return (weight >= 3) & (weight <= 30)


def _children(age: Column, **_: Any) -> Mask:
    return np.asarray(age, dtype=np.float64) < 18


@formula(
    "bsa.hu",
    unit="m2",
    text="0.0061 × height + 0.0124 × weight − 0.0099",
    cite="Hu Yongmei et al, Acta Physiol Sin 1999;51:45-48 (equation read in code, citation recalled)",
    population="Chinese adults",
    vectors=[(ADULT, 1.92560), (LARGE, 2.14410)],
    applies=adults,
)
def hu(weight: Column, height: Column) -> Column:
    """BSA in m2 by Hu et al. (1999), for both sexes."""
    return 0.0061 * height + 0.0124 * weight - 0.0099


@formula(
    "bsa.hu-by-sex",
    unit="m2",
    text="men 0.0057 × height + 0.0121 × weight + 0.0882, women 0.0073 × height + 0.0127 × weight − 0.2106",
    cite="Hu Yongmei et al, Acta Physiol Sin 1999;51:45-48 (equation read in code, citation recalled)",
    population="Chinese adults",
    vectors=[
        (ADULT | {"male": True}, 1.93270),
        ({"height": 190, "weight": 120, "male": True}, 2.62320),
        (LARGE | {"male": False}, 2.16390),
        ({"height": 165, "weight": 60, "male": False}, 1.75590),
    ],
    applies=adults,
)
def hu_by_sex(weight: Column, height: Column, male: Column) -> Column:
    """BSA in m2 by Hu et al. (1999), by sex."""
    return by_sex(male, 0.0057, 0.0073) * height + by_sex(male, 0.0121, 0.0127) * weight + by_sex(male, 0.0882, -0.2106)


@formula(
    "bsa.costeff",
    unit="m2",
    text="(4 × weight + 7) / (weight + 90)",
    cite="Costeff H, Arch Dis Child 1966;41:681-683 (citation recalled)",
    population="children, from weight alone",
    vectors=[({"weight": 20}, 0.790909), ({"weight": 35}, 1.17600)],
    applies=_children,
)
def costeff(weight: Column) -> Column:
    """BSA in m2 by Costeff (1966), from weight alone."""
    return (4 * weight + 7) / (weight + 90)


@formula(
    "bsa.current",
    unit="m2",
    text="0.1321 + 0.03433 × weight",
    cite="Current J, Internet J Anesthesiol 1998;2(2)",
    population="infants and children of 3 to 30 kg",
    vectors=[({"weight": 5}, 0.303750), ({"weight": 30}, 1.16200)],
    applies=_from_3_to_30_kg,
)
def current(weight: Column) -> Column:
    """BSA in m2 by Current (1998), from weight alone."""
    return 0.1321 + 0.03433 * weight


@formula(
    "bsa.china-child",
    unit="m2",
    text="up to 30 kg 0.035 × weight + 0.1, above 1.05 + (weight − 30) × 0.02; it drops by 8.5 % at 30 kg",
    cite="Chinese paediatric textbooks, kiraspecialist.com/28221935712741",
    population="children, from weight alone",
    vectors=[({"weight": 20}, 0.800000), ({"weight": 30.1}, 1.05200), ({"weight": 45}, 1.35000)],
    applies=_children,
)
def china_child(weight: Column) -> Column:
    """BSA in m2 by the linear rule of Chinese paediatric textbooks, from weight alone."""
    return np.where(weight <= 30, 0.035 * weight + 0.1, 1.05 + (weight - 30) * 0.02)
