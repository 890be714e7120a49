"""Body-mass index (kg/m2) and weights in kg other than the measured one: ideal, adjusted, lower, lean."""

from __future__ import annotations

from typing import Any

import numpy as np

from dosing.metrics.registry import adults, by_sex, formula, positive
from dosing.rounding import Column, Mask

INCHES_60 = 152.4
LABEL = "Busulfex / Busulfan Injection US prescribing information 2.1"
DEVINE = "Devine BJ, Drug Intell Clin Pharm 1974;8:650-655"
DEVINE_COVERS = "adults of 152.4 cm and more"
WOMAN = {"weight": 95, "height": 160, "male": False}
MAN = {"weight": 70, "height": 175, "male": True}
LARGE_MAN = {"weight": 120, "height": 190, "male": True}


def _adults_from_60_inches(age: Column, height: Column, **_: Any) -> Mask:
    return adults(age) & (np.asarray(height, dtype=np.float64) >= INCHES_60)


def _james_limit(male: Column) -> Column:
    """The BMI at which James's curve has turned; the source says "about", so `james` reads it in whole numbers."""
    return by_sex(np.asarray(male, dtype=np.float64), 43, 37)


def _adults_within_james(age: Column, weight: Column, height: Column, male: Column, **_: Any) -> Column:
    return adults(age) & (bmi(weight, height) <= _james_limit(male))


def adjusted(weight: Column, ideal: Column, factor: float) -> Column:
    """Ideal + factor × (weight − ideal) in kg, the weight itself where it is not above the ideal."""
    return np.where(weight <= ideal, weight, ideal + factor * (weight - ideal))


def _per_inch(height: Column, male: Column, man: tuple[float, float], woman: tuple[float, float]) -> Column:
    """A straight line over 60 inches: (kg at 60 in, kg per inch) for each sex."""
    base, slope = by_sex(male, man[0], woman[0]), by_sex(male, man[1], woman[1])
    return positive(base + slope * (height / 2.54 - 60))


@formula(
    "weight.bmi",
    unit="kg/m2",
    text="weight / (height / 100)²",
    cite="Quetelet index",
    population="everyone; its classes differ for children",
    vectors=[({"weight": 70, "height": 175}, 22.8571), ({"weight": 20, "height": 115}, 15.1229)],
)
def bmi(weight: Column, height: Column) -> Column:
    """Body-mass index in kg/m2."""
    metres = height / 100
    return weight / (metres * metres)


@formula(
    "ideal.devine",
    unit="kg",
    text="men 50 + 2.3 × (inches − 60), women 45.5 + 2.3 × (inches − 60), inches = height / 2.54; "
    "the same line below 152.4 cm (no floor), no weight where it falls to 0",
    cite=DEVINE,
    population=DEVINE_COVERS,
    vectors=[({"height": 175, "male": True}, 70.4646), ({"height": 160, "male": False}, 52.3819)],
    applies=_adults_from_60_inches,
)
def devine(height: Column, male: Column) -> Column:
    """Ideal weight in kg by Devine (1974), linear also below 152.4 cm; NaN where the line is not above 0."""
    return _per_inch(height, male, (50, 2.3), (45.5, 2.3))


@formula(
    "ideal.devine-floor",
    unit="kg",
    text="as Devine, with a height below 152.4 cm taken as 152.4: 50 kg for men and 45.5 kg for women",
    cite=f"{DEVINE}; the floor as in A2-ai/scicalc",
    population=DEVINE_COVERS,
    vectors=[({"height": 150, "male": False}, 45.5), ({"height": 175, "male": True}, 70.4646)],
    applies=_adults_from_60_inches,
)
def devine_floor(height: Column, male: Column) -> Column:
    """Ideal weight in kg by Devine (1974), never below that of 152.4 cm."""
    return devine(np.maximum(height, INCHES_60), male)


@formula(
    "ideal.robinson",
    unit="kg",
    text="men 52 + 1.9 × (inches − 60), women 49 + 1.7 × (inches − 60), inches = height / 2.54",
    cite="Robinson JD et al, Am J Hosp Pharm 1983;40:1016-1019",
    population="adults",
    vectors=[({"height": 175, "male": True}, 68.9055), ({"height": 160, "male": False}, 54.0866)],
    applies=adults,
)
def robinson(height: Column, male: Column) -> Column:
    """Ideal weight in kg by Robinson et al. (1983); NaN where the line is not above 0."""
    return _per_inch(height, male, (52, 1.9), (49, 1.7))


@formula(
    "ideal.miller",
    unit="kg",
    text="men 56.2 + 1.41 × (inches − 60), women 53.1 + 1.36 × (inches − 60), inches = height / 2.54",
    cite="Miller DR et al, Am J Hosp Pharm 1983;40:1622-1625",
    population="adults",
    vectors=[({"height": 175, "male": True}, 68.7457), ({"height": 160, "male": False}, 57.1693)],
    applies=adults,
)
def miller(height: Column, male: Column) -> Column:
    """Ideal weight in kg by Miller et al. (1983); NaN where the line is not above 0."""
    return _per_inch(height, male, (56.2, 1.41), (53.1, 1.36))


@formula(
    "ideal.busulfan-label",
    unit="kg",
    text="men 50 + 0.91 × (height − 152), women 45 + 0.91 × (height − 152)",
    cite=LABEL,
    population="adults, for busulfan only",
    vectors=[({"height": 160, "male": False}, 52.2800), ({"height": 150, "male": False}, 43.1800)],
    applies=adults,
)
def busulfan_label(height: Column, male: Column) -> Column:
    """Ideal weight in kg by the US busulfan label (women from 45, not 45.5); NaN where the line is not above 0."""
    return positive(by_sex(male, 50.0, 45.0) + 0.91 * (height - 152))


@formula(
    "adjusted25.devine",
    unit="kg",
    text="ideal (Devine) + 0.25 × (actual − ideal); actual where it is not above ideal",
    cite=f"EBMT practice, nature.com/articles/s41409-019-0579-0; ideal: {DEVINE}",
    population=DEVINE_COVERS,
    vectors=[(WOMAN, 63.0364), (LARGE_MAN, 93.0354), (MAN, 70)],
    applies=_adults_from_60_inches,
)
def adjusted25_devine(weight: Column, height: Column, male: Column) -> Column:
    """Adjusted weight in kg: a quarter of the excess over Devine's ideal; never above the actual weight."""
    return adjusted(weight, devine(height, male), 0.25)


@formula(
    "adjusted40.devine",
    unit="kg",
    text="ideal (Devine) + 0.4 × (actual − ideal); actual where it is not above ideal",
    cite=f"clincalc.com/Kinetics/IdealBW.aspx; ideal: {DEVINE}",
    population=DEVINE_COVERS,
    vectors=[(WOMAN, 69.4291), (MAN, 70)],
    applies=_adults_from_60_inches,
)
def adjusted40_devine(weight: Column, height: Column, male: Column) -> Column:
    """Adjusted weight in kg: two fifths of the excess over Devine's ideal; never above the actual weight."""
    return adjusted(weight, devine(height, male), 0.4)


@formula(
    "adjusted50.devine",
    unit="kg",
    text="ideal (Devine) + 0.5 × (actual − ideal); actual where it is not above ideal",
    cite=f"Bachanova V et al, Biol Blood Marrow Transplant 2016;22:571-574; ideal: {DEVINE}",
    population=DEVINE_COVERS,
    vectors=[(WOMAN, 73.6909), (MAN, 70)],
    applies=_adults_from_60_inches,
)
def adjusted50_devine(weight: Column, height: Column, male: Column) -> Column:
    """Adjusted weight in kg: half of the excess over Devine's ideal; never above the actual weight."""
    return adjusted(weight, devine(height, male), 0.5)


@formula(
    "adjusted25.busulfan-label",
    unit="kg",
    text="ideal (busulfan label) + 0.25 × (actual − ideal); actual where it is not above ideal",
    cite=LABEL,
    population="obese adults, for busulfan only",
    vectors=[(WOMAN, 62.9600), (MAN, 70)],
    applies=adults,
)
def adjusted25_busulfan_label(weight: Column, height: Column, male: Column) -> Column:
    """Adjusted weight in kg of the US busulfan label; never above the actual weight."""
    return adjusted(weight, busulfan_label(height, male), 0.25)


@formula(
    "lower.devine",
    unit="kg",
    text="the lower of actual and ideal (Devine)",
    cite=f"ideal: {DEVINE}",
    population=DEVINE_COVERS,
    vectors=[(WOMAN, 52.3819), (MAN, 70)],
    applies=_adults_from_60_inches,
)
def lower_devine(weight: Column, height: Column, male: Column) -> Column:
    """The lower of actual weight and Devine's ideal, in kg."""
    return np.minimum(weight, devine(height, male))


@formula(
    "lower.busulfan-label",
    unit="kg",
    text="the lower of actual and ideal (busulfan label)",
    cite=LABEL,
    population="adults, for busulfan only",
    vectors=[(WOMAN, 52.2800), (MAN, 70)],
    applies=adults,
)
def lower_busulfan_label(weight: Column, height: Column, male: Column) -> Column:
    """The lower of actual weight and the ideal of the US busulfan label, in kg."""
    return np.minimum(weight, busulfan_label(height, male))


@formula(
    "lean.boer",
    unit="kg",
    text="men 0.407 × weight + 0.267 × height − 19.2, women 0.252 × weight + 0.473 × height − 48.3",
    cite="Boer P, Am J Physiol 1984;247:F632-F636",
    population="adults",
    vectors=[(MAN, 56.0150), (WOMAN, 51.3200)],
    applies=adults,
)
def boer(weight: Column, height: Column, male: Column) -> Column:
    """Lean weight in kg by Boer (1984); NaN where the line is not above 0."""
    man, woman = 0.407 * weight + 0.267 * height - 19.2, 0.252 * weight + 0.473 * height - 48.3
    return positive(by_sex(male, man, woman))


@formula(
    "lean.james",
    unit="kg",
    text="men 1.10 × weight − 128 × (weight/height)², women 1.07 × weight − 148 × (weight/height)²; "
    "none where BMI in whole numbers is above 43 (men) or 37 (women): it falls there as weight rises",
    cite="James WPT, Research on Obesity, HMSO 1976",
    population="adults up to BMI 43 (men) or 37 (women)",
    vectors=[(WOMAN, 49.4742), (LARGE_MAN, 80.9418)],
    applies=_adults_within_james,
)
def james(weight: Column, height: Column, male: Column) -> Column:
    """Lean weight in kg by James (1976); NaN where whole-number BMI is above 43 (men) or 37 (women)."""
    ratio = weight / height
    lean = by_sex(male, 1.10, 1.07) * weight - by_sex(male, 128, 148) * (ratio * ratio)
    whole = np.floor(bmi(weight, height) + 0.5)
    return np.where(whole <= _james_limit(male), lean, np.nan)


@formula(
    "lean.janmahasatian",
    unit="kg",
    text="men 9270 × weight / (6680 + 216 × BMI), women 9270 × weight / (8780 + 244 × BMI)",
    cite="Janmahasatian S et al, Clin Pharmacokinet 2005;44:1051-1065 (citation recalled)",
    population="adults",
    vectors=[(WOMAN, 49.3785), (LARGE_MAN, 80.2594)],
    applies=adults,
)
def janmahasatian(weight: Column, height: Column, male: Column) -> Column:
    """Lean weight in kg by Janmahasatian et al. (2005)."""
    return 9270 * weight / (by_sex(male, 6680, 8780) + by_sex(male, 216, 244) * bmi(weight, height))


@formula(
    "ideal.hamwi",
    unit="kg",
    text="men 48 + 2.7 × (inches − 60), women 45.5 + 2.2 × (inches − 60), inches = height / 2.54",
    cite="Hamwi GJ 1964, as printed at calculators.org",
    population="adults",
    vectors=[({"height": 175, "male": True}, 72.0236), ({"height": 160, "male": False}, 52.0827)],
    applies=adults,
)
def hamwi(height: Column, male: Column) -> Column:
    """Ideal weight in kg by Hamwi (1964); NaN where the line is not above 0."""
    return positive(by_sex(male, 48, 45.5) + by_sex(male, 2.7, 2.2) * (height / 2.54 - 60))


@formula(
    "ideal.china-105",
    unit="kg",
    text="height − 105",
    cite="Chinese standard weight, keji.sdjnlf.com c8f1651c238b068d8a7e83df15e1cd95",
    population="Chinese adults",
    vectors=[({"height": 170, "male": True}, 65.0000)],
    applies=adults,
)
def china_105(height: Column, male: Column) -> Column:
    """Ideal weight in kg as height − 105; NaN where it is not above 0 or the sex is unknown, which it ignores."""
    return positive(by_sex(male, 1.0, 1.0) * (height - 105))


@formula(
    "ideal.bmi22",
    unit="kg",
    text="22 × (height / 100)²",
    cite="Lemmens HJ et al, Obes Surg 2005;15:1082-1083",
    population="adults",
    vectors=[({"height": 175}, 67.3750), ({"height": 160}, 56.3200)],
    applies=adults,
)
def bmi22(height: Column) -> Column:
    """Ideal weight in kg at a body-mass index of 22."""
    metres = height / 100
    return 22 * (metres * metres)


@formula(
    "lean.hume",
    unit="kg",
    text="men 0.32810 × weight + 0.33929 × height − 29.5336, women 0.29569 × weight + 0.41813 × height − 43.2933",
    cite="Hume R, J Clin Pathol 1966;19:389-391",
    population="adults",
    vectors=[(WOMAN, 51.6981), (LARGE_MAN, 74.3035)],
    applies=adults,
)
def hume(weight: Column, height: Column, male: Column) -> Column:
    """Lean weight in kg by Hume (1966); NaN where the line is not above 0."""
    return positive(by_sex(male, 0.32810, 0.29569) * weight + by_sex(male, 0.33929, 0.41813) * height - by_sex(male, 29.5336, 43.2933))
