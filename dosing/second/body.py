"""The second calculation's own sizes of a patient: weights, surface, clearance, and the row of a table they fall into.

Exact fractions out of canonical texts. `ValueError` says what is missing or unreadable.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import isqrt, log10, pow
from typing import NamedTuple

from dosing.second.numbers import number, stepped

Size = tuple[str, str, str]  # "kg", "m2", "gfr" or ""; the weight it is made from; the most of it
_RULE = re.compile(r"rule (\S+) (actual|lower)(?: (\S+) (bmi|ideal) (>=|>) (\S+))?")
_CONDITION = re.compile(r"(\S+) (<=|>=|<|>) (\S+)")
_IDEAL = {  # kg at a height in cm, that height, kg per cm
    "devine M": (Fraction(50), Fraction(762, 5), Fraction(115, 127)),  # Devine 1974, linear below 60 in too
    "devine F": (Fraction(91, 2), Fraction(762, 5), Fraction(115, 127)),
    "robinson M": (Fraction(52), Fraction(762, 5), Fraction(95, 127)),  # Am J Hosp Pharm 1983;40:1016
    "robinson F": (Fraction(49), Fraction(762, 5), Fraction(85, 127)),
    "miller M": (Fraction(281, 5), Fraction(762, 5), Fraction(141, 254)),  # Am J Hosp Pharm 1983;40:1622
    "miller F": (Fraction(531, 10), Fraction(762, 5), Fraction(68, 127)),
    "hamwi M": (Fraction(48), Fraction(762, 5), Fraction(135, 127)),  # Hamwi 1964
    "hamwi F": (Fraction(91, 2), Fraction(762, 5), Fraction(110, 127)),
    "china-105 M": (Fraction(0), Fraction(105), Fraction(1)),  # height - 105
    "china-105 F": (Fraction(0), Fraction(105), Fraction(1)),
    "busulfan-label M": (Fraction(50), Fraction(152), Fraction(91, 100)),  # US busulfan label 2.1
    "busulfan-label F": (Fraction(45), Fraction(152), Fraction(91, 100)),
}
_PERCENT = {"lower": 0, "adjusted25": 25, "adjusted40": 40, "adjusted50": 50}  # of what actual has above ideal
_BSA = {  # factor, power of cm, power of kg
    "dubois": (0.007184, 0.725, 0.425),  # Arch Intern Med 1916;17:863
    "haycock": (0.024265, 0.3964, 0.5378),  # J Pediatr 1978;93:62
    "gehan-george": (0.0235, 0.42246, 0.51456),  # Cancer Chemother Rep 1970;54:225
    "fujimoto": (0.008883, 0.663, 0.444),  # Nippon Eiseigaku Zasshi 1968;23:443
    "takahira": (0.007241, 0.725, 0.425),  # 1925
    "shuter-aslani": (0.00949, 0.655, 0.441),  # Eur J Appl Physiol 2000;82:250
    "schlich M": (0.000579479, 1.24, 0.38), "schlich F": (0.000975482, 1.08, 0.46),  # Ern Umschau 2010;57:178
    "livingston-lee": (0.1173, 0.0, 0.6466), "below 10 kg": (0.1037, 0.0, 0.6724),  # Am J Physiol 2001;281:E586
}  # fmt: skip
_LINES = {  # m2 per cm, m2 per kg, m2 at zero
    "hu": (Fraction("0.0061"), Fraction("0.0124"), Fraction("-0.0099")),  # Acta Physiol Sin 1999;51:45
    "hu-by-sex M": (Fraction("0.0057"), Fraction("0.0121"), Fraction("0.0882")),
    "hu-by-sex F": (Fraction("0.0073"), Fraction("0.0127"), Fraction("-0.2106")),
    "current": (Fraction(0), Fraction("0.03433"), Fraction("0.1321")),  # Internet J Anesthesiol 1998;2(2)
}


class Person(NamedTuple):
    """Body of one patient as text: kg, cm, "F" or "M", mL/min, y, mg/dL, with the conventions for BSA and weights.

    `crcl` is a clearance as given (taken as at most 125 for a dose by AUC), `gfr` a measured GFR.
    """

    weight: str
    height: str = ""
    sex: str = ""
    crcl: str = ""
    gfr: str = ""
    age: str = ""
    creatinine: str = ""
    bsa_formula: str = "mosteller"
    bsa_step: str = "0.01"
    bsa_floor: str = "0.5"
    weight_step: str = "0.1"


def size(of: Size, person: Person) -> Fraction:
    """What a dose is multiplied by: kg, m2, or GFR + 25 mL/min."""
    kind, weight, most = of
    if kind == "kg":
        return dosing_weight(weight, person)
    if kind == "m2":
        value = surface(person, weight)
        return min(value, number(most, "largest BSA")) if most else value
    return calvert(person) + 25 if kind == "gfr" else Fraction(1)


def calvert(person: Person) -> Fraction:
    """The GFR of a dose by AUC: measured as it is, any other at most 125 mL/min (Calvert 1989, FDA 2010)."""
    return number(person.gfr, "GFR") if person.gfr else min(clearance(person), Fraction(125))


def clearance(person: Person) -> Fraction:
    """Clearance in mL/min: given, measured, Cockcroft-Gault 1976 from 18 years, else Schwartz 2009 times BSA / 1.73."""
    if person.crcl or person.gfr or not person.creatinine:
        return number(person.crcl or person.gfr, "GFR", True)
    age, creatinine = number(person.age, "age", True), number(person.creatinine, "creatinine")
    if age >= 18:
        if person.sex not in ("F", "M"):
            raise ValueError(f"no Cockcroft-Gault clearance for sex {person.sex!r}")
        return (140 - age) * number(person.weight, "weight") / (72 * creatinine) * (Fraction(17, 20) if person.sex == "F" else 1)
    return Fraction(413, 1000) * number(person.height, "height") / creatinine * bare_surface(person) * Fraction(100, 173)


def bare_surface(person: Person) -> Fraction:
    """The body surface of the actual weight before any rounding."""
    return surface(person._replace(bsa_step="", bsa_floor=""), "actual")


def dosing_weight(name: str, person: Person) -> Fraction:
    """A weight by its name, or by the text of a rule: `rule busulfan-label lower 25 bmi >= 30`."""
    actual = number(person.weight, "weight")
    if name == "actual":
        return actual
    if name.startswith("rule "):
        return _by_rule(name, actual, person)
    kind, _, formula = name.partition(".")
    if kind not in ("ideal", *_PERCENT):
        raise ValueError(f"no weight {name!r}; use actual, ideal.devine, adjusted40.devine ...")
    ideal = _ideal(formula, person)
    if kind == "ideal":
        return stepped(ideal, person.weight_step)
    return _above(ideal, actual, Fraction(_PERCENT[kind], 100), person)


def _above(ideal: Fraction, actual: Fraction, part: Fraction, person: Person) -> Fraction:
    if actual <= ideal:
        return actual
    adjusted = stepped(ideal + (actual - ideal) * part, person.weight_step)
    return min(actual, adjusted)  # rounding must not lift it above the scales


def _ideal(formula: str, person: Person) -> Fraction:
    if formula == "bmi22":
        return 22 * (number(person.height, "height") / 100) ** 2  # Lemmens 2005
    key, cm = f"{formula} {person.sex}", number(person.height, "height")
    if formula == "devine-floor":
        key, cm = f"devine {person.sex}", max(cm, Fraction(762, 5))
    if key not in _IDEAL:
        raise ValueError(f"no ideal weight {formula!r} for sex {person.sex!r}")
    base, height, slope = _IDEAL[key]
    ideal = base + slope * (cm - height)
    if ideal <= 0:
        raise ValueError("the ideal weight is not above zero at this height; use another weight")
    return ideal


def _by_rule(text: str, actual: Fraction, person: Person) -> Fraction:
    found = _RULE.fullmatch(text)
    if not found:
        raise ValueError(f"no weight rule reads {text!r}")
    formula, otherwise, percent, measure, sign, bound = found.groups()
    ideal = _ideal(formula, person)
    if percent:
        value = actual / ideal * 100 if measure == "ideal" else actual / (number(person.height, "height") / 100) ** 2
        if value > Fraction(bound) or (sign == ">=" and value == Fraction(bound)):
            return _above(ideal, actual, Fraction(percent) / 100, person)
    return _above(ideal, actual, Fraction(0), person) if otherwise == "lower" else actual


def surface(person: Person, weight_name: str) -> Fraction:
    """Body surface in m2 from a weight by its name, to the step, not below the floor."""
    weight = dosing_weight(weight_name, person)
    floor = number(person.bsa_floor, "BSA floor", True) if person.bsa_floor else 0
    if person.bsa_formula != "mosteller":
        value = _other_surface(person, weight)
        return value if value < floor else stepped(value, person.bsa_step)
    # Mosteller 1987, sqrt(cm x kg / 3600), by integer roots so that no tie is lost to a float.
    (cm, cm_part), (kg, kg_part) = number(person.height, "height").as_integer_ratio(), weight.as_integer_ratio()
    (low, low_part), top, bottom = floor.as_integer_ratio(), cm * kg, cm_part * kg_part * 3600
    if not person.bsa_step or top * low_part**2 < bottom * low**2:
        return Fraction(isqrt(top * bottom * 10**48), bottom * 10**24)  # exact where the root is rational
    step, part = number(person.bsa_step, "BSA step").as_integer_ratio()
    halves = isqrt(4 * top * part**2 // (bottom * step**2))
    return Fraction((halves + 1) // 2 * step, part)


def _other_surface(person: Person, weight: Fraction) -> Fraction:
    name, kg = person.bsa_formula, float(weight)
    name = f"{name} {person.sex}" if name == "hu-by-sex" else name
    if name in _LINES:
        by_height, by_weight, base = _LINES[name]
        return by_height * (number(person.height, "height") if by_height else 0) + by_weight * weight + base
    if name == "costeff":  # Arch Dis Child 1966;41:681
        return (4 * weight + 7) / (weight + 90)
    if name == "china-child":
        return weight * 7 / 200 + Fraction(1, 10) if weight <= 30 else Fraction(105, 100) + (weight - 30) / 50
    return Fraction(_power_surface(person, name, kg))


def _power_surface(person: Person, name: str, kg: float) -> float:
    if name == "boyd":  # Univ Minnesota Press 1935, gram form
        power = 0.7285 - 0.0188 * log10(kg * 1000)
        return 0.0003207 * pow(number(person.height, "height"), 0.3) * pow(kg * 1000, power)
    if name == "schlich":
        name = f"schlich {person.sex}"
    elif name == "livingston-lee" and kg < 10:
        name = "below 10 kg"
    if name not in _BSA:
        raise ValueError(f"no BSA formula is called {name!r}; use mosteller, boyd, schlich, dubois or haycock")
    factor, by_height, by_weight = _BSA[name]
    cm = number(person.height, "height") if by_height else 1
    return factor * pow(cm, by_height) * pow(kg, by_weight)


def band(bands: tuple[tuple[str, str], ...], person: Person) -> str:
    """What the first row says whose conditions all hold, such as `0.8` or `1.1 mg`; `1` where none does."""
    return next((told for conditions, told in bands if meets(conditions, person)), "1")


def meets(conditions: str, person: Person) -> bool:
    """Whether a person meets all of some conditions, such as `age >= 12 & weight < 40`."""
    return all(_holds(text, person) for text in conditions.split(" & "))


def _holds(text: str, person: Person) -> bool:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise ValueError(f"no condition reads {text!r}")
    name, sign, bound = found.groups()
    value, limit = round(_fact(name, person), 9), number(bound, name, True)
    return {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[sign]


def _fact(name: str, person: Person) -> Fraction:
    if name == "crcl":
        return clearance(person)
    if name == "crcl-indexed":
        return clearance(person) * Fraction(173, 100) / bare_surface(person)
    if name == "bmi":
        return number(person.weight, "weight") / (number(person.height, "height") / 100) ** 2
    if name == "bsa":
        return surface(person, "actual")
    return number(getattr(person, name), name, True)
