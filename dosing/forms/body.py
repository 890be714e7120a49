"""Written facts of a patient: weight, height, age, sex, creatinine, clearance, neutrophils.

A flag needs its unit (`70 kg`); a table column that names its unit takes the bare number (`read_weight_kg`).
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from dosing.errors import InputError, refuse

from .text import SUPERSCRIPTS, Codes, gate, is_plain, plain, show

WEIGHT_KG = (Decimal("0.5"), Decimal(250))
HEIGHT_CM = (Decimal(50), Decimal(230))
AGE_Y = (Decimal(0), Decimal(120))
CREATININE_MG_DL = (Decimal("0.1"), Decimal(20))
CRCL_ML_MIN = (Decimal(1), Decimal(300))
NEUTROPHILS_E9_L = (Decimal(0), Decimal(100))
UMOL_PER_MG_DL = Decimal("88.4")

_WEIGHT_CODES, _HEIGHT_CODES, _AGE_CODES = Codes.all("P07"), Codes.all("P03"), Codes.all("P10")
_LAB_CODES = Codes.all("P07")
_MISSING = frozenset(
    {"", "nan", "null", "none", "na", "n/a", "nil", "?", "-", "--", ".", "unknown", "unk", "missing", "not known",
     "tbd", "inf", "+inf", "-inf", "infinity", "-infinity"}
)  # fmt: skip
_ESTIMATE = r"[~≈±?]|\b(?:about|approx\w*|est\w*|circa|ca|around|stated|reported)\b|\d\s*[-–/]\s*\d"
_ODD_NUMBER = r"0x|\d[OolI]\b|[\d.]+[_,'][\d.]|\d*\.\d*\.|true|false|yes|no\b"
_SIGNED = r"[-−–]\s*\d[\d.]*\Z"
_EXPONENT = r"\d[\d.]*[eE][+-]?\d+\Z"
_AGE = re.compile(r"(?P<number>[\d.]+)\s*(?P<unit>y|yr|yrs|years?|mo|months?)\Z")
_LAB = re.compile(r"(?P<number>\d[\d.]*)\s*(?P<unit>\S.*)\Z")
_COUNT = r"(?P<number>\d+(?:\.\d+)?)\s*(?:e|E|[x×]\s*10\^?)(?P<power>[⁰¹²³⁴-⁹]+|\d+)\s*/\s*L\Z"
_PER_UL = r"(?P<number>\d+(?:\.\d+)?)\s*/\s*(?:uL|µL|μL|mm3|mm³)\Z"


@lru_cache(maxsize=4096)
def read_weight(text: str) -> Decimal:
    """Read a weight with its unit (`70 kg`) in kg; `InputError` P01, P02, P05, P07."""
    text = gate(text, _WEIGHT_CODES, "−–≈±")
    if text.endswith("kg"):
        return read_weight_kg(text[:-2])
    if is_plain(text):
        raise refuse("P01", f"weight {show(text)} has no unit", f"write kilograms: {text} kg; no unit is assumed.")
    return read_weight_kg(text)


@lru_cache(maxsize=4096)
def read_weight_kg(text: str) -> Decimal:
    """Read the bare number of a column weight_kg, 0.5 to 250 kg; `InputError` P01, P02, P05, P07."""
    text = gate(text, _WEIGHT_CODES, "−–≈±")
    if not is_plain(text):
        raise _weight_fault(text)
    return _bounded("weight", text, "kg", WEIGHT_KG, "P02", "P07")


def _weight_fault(text: str) -> InputError:
    if _is_missing(text):
        return refuse("P05", f"weight {show(text)} is missing", "weigh the patient; no weight is assumed.")
    if re.match(_SIGNED, text) or re.match(_EXPONENT, text):
        return refuse("P02", f"weight {show(text)} has a sign or an exponent", "write plain kilograms: 70.5.")
    if re.search(_ESTIMATE, text, re.I):
        return refuse("P05", f"weight {show(text)} looks estimated", "write one measured weight with its date.")
    if re.search(_ODD_NUMBER, text, re.I) or not re.match(r"\d+(?:\.\d+)?\s*[A-Za-z#(]", text):
        return refuse("P07", f"weight {show(text)} is not a plain number", _number_cure(text, "70.5"))
    if re.fullmatch(r"[\d.]+\s*kg", text):
        return refuse("P07", f"weight {show(text)} carries its unit in a column that names it", "write the bare number.")
    cure = "weigh in kg and write that value; this program takes kilograms only, spelled kg."
    return refuse("P01", f"weight {show(text)} is not in kilograms", cure)


def _number_cure(text: str, example: str) -> str:
    if re.search(r"\d,\d{1,2}\b", text):
        return f"write it with a point after checking the source: {text.replace(',', '.')}."
    return f"write the digits 0-9 with at most one point, for example {example}."


def _is_missing(text: str) -> bool:
    return text.lower() in _MISSING or text.startswith("#")


@lru_cache(maxsize=4096)
def read_height(text: str) -> Decimal:
    """Read a height with its unit (`170 cm`) in cm; `InputError` P03."""
    text = gate(text, _HEIGHT_CODES, "−–≈±’”′″")
    if text.endswith("cm"):
        return read_height_cm(text[:-2])
    if is_plain(text):
        metres = ", which looks like metres" if Decimal(text) < 3 else ""
        raise refuse("P03", f"height {show(text)} has no unit{metres}", "write centimetres, for example 170 cm.")
    raise _height_fault(text)


@lru_cache(maxsize=4096)
def read_height_cm(text: str) -> Decimal:
    """Read the bare number of a column height_cm, 50 to 230 cm; `InputError` P03."""
    text = gate(text, _HEIGHT_CODES, "−–≈±’”′″")
    if not is_plain(text):
        raise _height_fault(text)
    if Decimal(text) < 3 and Decimal(text):
        cure = "write centimetres, for example 170; as metres the surface would be ten times too small."
        raise refuse("P03", f"height {show(text)} looks like metres", cure)
    return _bounded("height", text, "cm", HEIGHT_CM, "P03", "P03")


def _height_fault(text: str) -> InputError:
    cure = "write centimetres with the digits 0-9, for example 170."
    if _is_missing(text):
        return refuse("P03", f"height {show(text)} is missing", f"measure it; {cure}")
    if re.search(r"['\"’”′″]|\b(?:ft|feet|foot|in|inch|inches)\b", text):
        return refuse("P03", f"height {show(text)} is in feet or inches", f"measure in cm; {cure}")
    if re.search(r"\d\s*m\b", text) or re.match(r"[12],\d", text):
        return refuse("P03", f"height {show(text)} looks like metres", cure)
    if re.search(_ESTIMATE, text, re.I):
        return refuse("P03", f"height {show(text)} looks estimated", f"write one measured height; {cure}")
    return refuse("P03", f"height {show(text)} is not plain centimetres", cure)


def _bounded(what: str, text: str, unit: str, bounds: tuple[Decimal, Decimal], limit: str, form: str) -> Decimal:
    value = Decimal(text)
    low, high = bounds
    if not low <= value <= high:
        told = f"{what} {show(text)} is outside {plain(low)} to {plain(high)} {unit}"
        raise refuse(limit, told, f"check the {what} and its unit.")
    if value != round(value, 2):
        cure = "write the measured value; it looks computed from another unit."
        raise refuse(form, f"{what} {show(text)} is finer than any measurement", cure)
    return Decimal(plain(value))


@lru_cache(maxsize=4096)
def read_age(text: str) -> Decimal:
    """Read an age (`34 y`, `18 mo`) in years, 0 to 120; `InputError` P10."""
    text = gate(text, _AGE_CODES)
    found = _AGE.match(text)
    if found is None or not is_plain(found["number"]):
        raise refuse("P10", f"age {show(text)} is not a number with its unit", "write 34 y, or 18 mo for a child.")
    months = found["unit"].startswith("mo")
    if months and "." in found["number"]:
        raise refuse("P10", f"age {show(text)} has part months", "write whole months: 18 mo.")
    years = Decimal(found["number"]) / (12 if months else 1)
    if not AGE_Y[0] <= years <= AGE_Y[1]:
        raise refuse("P10", f"age {show(text)} is outside 0 to 120 years", "check the age or the date of birth.")
    return years


def read_sex(text: str) -> str:
    """Read the sex used by the formulas as `F` or `M`; `InputError` P05."""
    sex = {"f": "F", "female": "F", "m": "M", "male": "M"}.get(gate(text, Codes.all("P05")).lower())
    if sex is None:
        raise refuse("P05", f"sex {show(text)} is not known here", "write F or M: the sex the formulas are to use.")
    return sex


@lru_cache(maxsize=4096)
def read_creatinine(text: str) -> Decimal:
    """Read a serum creatinine (`0.9 mg/dL`, `80 umol/L`) in mg/dL (88.4 umol/L each); `InputError` P05, P07."""
    value, unit = _lab("creatinine", text, "0.9 mg/dL or 80 umol/L")
    if unit in ("umol/L", "µmol/L", "μmol/L"):
        value /= UMOL_PER_MG_DL
    elif unit != "mg/dL":
        raise refuse("P07", f"creatinine {show(text)} has no known unit", "write 0.9 mg/dL or 80 umol/L.")
    return _lab_bounds("creatinine", text, value, "mg/dL", CREATININE_MG_DL)


@lru_cache(maxsize=4096)
def read_crcl(text: str) -> Decimal:
    """Read a creatinine clearance (`90 mL/min`) in mL/min, 1 to 300; `InputError` P05, P07."""
    value, unit = _lab("creatinine clearance", text, "90 mL/min")
    if unit != "mL/min":
        raise refuse("P07", f"creatinine clearance {show(text)} is not in mL/min", "write 90 mL/min, not per 1.73 m2.")
    return _lab_bounds("creatinine clearance", text, value, "mL/min", CRCL_ML_MIN)


@lru_cache(maxsize=4096)
def read_gfr(text: str) -> Decimal:
    """Read a measured glomerular filtration (`140 mL/min`, not per 1.73 m2) in mL/min, 1 to 300; `InputError` P05, P07."""
    value, unit = _lab("measured GFR", text, "140 mL/min")
    if unit != "mL/min":
        raise refuse("P07", f"measured GFR {show(text)} is not in mL/min", "write 140 mL/min, not per 1.73 m2.")
    return _lab_bounds("measured GFR", text, value, "mL/min", CRCL_ML_MIN)


@lru_cache(maxsize=4096)
def read_neutrophils(text: str) -> Decimal:
    """Read a neutrophil count (`0.35e9/L`, `0.35 x 10^9/L`, `350/uL`) in 10^9/L; `InputError` D15, P05, P07."""
    text = gate(text, _LAB_CODES, "×µμ³⁰¹²⁴⁵⁶⁷⁸⁹")
    if re.search(r"[x×]\s*10\s?\d|\d\s+10\^", text):
        cure = "write 0.35e9/L or 0.35 x 10^9/L after checking the source."
        raise refuse("D15", f"neutrophils {show(text)}: the exponent has probably lost its superscript", cure)
    if found := re.match(_PER_UL, text):
        value = Decimal(found["number"]) / 1000
    elif found := re.match(_COUNT, text):
        value = Decimal(found["number"]).scaleb(int(found["power"].translate(SUPERSCRIPTS)[:3]) - 9)
    else:
        raise _lab_fault("neutrophils", text, "0.35e9/L or 350/uL")
    return _lab_bounds("neutrophils", text, value, "x 10^9/L", NEUTROPHILS_E9_L)


def _lab(what: str, text: str, example: str) -> tuple[Decimal, str]:
    text = gate(text, _LAB_CODES, "µμ")
    found = _LAB.match(text)
    if found is None or not is_plain(found["number"]):
        raise _lab_fault(what, text, example)
    return Decimal(found["number"]), found["unit"]


def _lab_fault(what: str, text: str, example: str) -> InputError:
    if _is_missing(text):
        return refuse("P05", f"{what} {show(text)} is missing", f"write {example}, or leave it out.")
    return refuse("P07", f"{what} {show(text)} is not a plain number with its unit", f"write {example}.")


def _lab_bounds(what: str, text: str, value: Decimal, unit: str, bounds: tuple[Decimal, Decimal]) -> Decimal:
    low, high = bounds
    if not low <= value <= high:
        told = f"{what} {show(text)} is outside {plain(low)} to {plain(high)} {unit}"
        raise refuse("P07", told, "check the value and its unit.")
    return value
