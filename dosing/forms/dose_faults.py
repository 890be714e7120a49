"""What is wrong with a written dose, in words: the refusals D05-D20 that the grammar of `dose` raises.

`before_number` looks at the whole text before any number is read; the other functions build one refusal each.
"""

from __future__ import annotations

import re

from dosing.errors import InputError, refuse
from dosing.units import DOSED

from .text import named, show

# Patterns that only a refusal needs stay texts: `re` compiles and keeps them when first used.

EXAMPLE = "for example 30 mg/m2/day"
_MARKUP = re.compile(r"[{}$;#@`&?!]|<(?!\s*=?\s*\d)|>(?!\s*=?\s*\d)|^=|__|(?<!^)--|\\(?!\^)|[\[\]\"]")
_TEN = r"10(?:\\?\^\d+(?!\s*[*^])|[⁰¹²³⁴-⁹]+|\s+(?:days?|d|doses?)\b)"
_LOST = re.compile(
    rf"(?<!m)(?<!m\^)\d\s*[x×*·]\s*(?!{_TEN})10(?!\d*\s*(?:days?|d|doses?)\b)(?!\d*\.)"
    r"|\d\s+10(?:\\?\^|\*\*|[⁰-⁹])"
)
_BARE_TEN = re.compile(r"10(?:\\?\^\d|[⁰¹²³⁴-⁹])")
_NOT_FINITE = r"[+\-−–]?\s*(?:nan|inf|infinity|infinite)\b"
_FUZZY = (
    r"(?:about|approx\w*|around|circa|ca\.?|roughly|up\s+to|max\w*|min\w*|at\s+(?:most|least)|less|more|under|over|above"
    r"|below|between|from)\b|[~≈≥≤<>]"
)
_NUMBER_WORD = (
    r"(?:half|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty"
    r"|hundred|thousand)\b"
)
_FREQUENCY = (
    r"(?:b\.?i\.?d|t\.?i\.?d|t\.?d\.?s|q\.?i\.?d|q\.?d\.?s|q\.?o\.?d|q\.?d|o\.?d|b\.?d|q\.?[hsw]|h\.?s|p\.?r\.?n)"
    r"\.?(?![A-Za-z])|q\s*-?\s*\d+|stat\b|nocte|mane\b|\d+\s*/\s*24\b|weekly|monthly|hourly|every\b"
    r"|alternate|nightly|\d+\s*[x×]|once\s+a\s+week|daily"
    r"|\d+\s+times|twice|thrice|times\b"
)
_HINTS = {
    "MG": "mg", "Mg": "mg", "mG": "mg", "mgs": "mg", "mgm": "mg", "mcgs": "mcg", "MCG": "mcg", "Mcg": "mcg",
    "gm": "g", "gms": "g", "G": "g", "ml": "mL", "ML": "mL", "cc": "mL", "cell": "cells", "Cells": "cells",
    "CELLS": "cells", "unit": "units", "Units": "units", "gy": "Gy", "GY": "Gy", "cgy": "cGy", "auc": "AUC",
    "gamma": "mcg", "milligram": "mg", "milligrams": "mg", "gram": "g", "grams": "g",
}  # fmt: skip
_KNOWN = ", ".join(dict.fromkeys(DOSED.values()))


def before_gate(text: str) -> None:
    """Refuse a second line (D16) and digits grouped by a full-width comma (D02), told better here than by the gate."""
    if len(text) > 64:
        return
    if re.search(r"\S[\r\n]+\s*[^\s\u200b-\u200f\u2060\ufeff]", text):
        raise refuse("D16", f"{show(text)} has more than one line", "write one dose; each fact has its own field.")
    if re.search(r"\d，\d", text):
        raise refuse("D02", f"{show(text)} has a full-width comma inside the number", "write plain digits 0-9 together.")


def before_number(text: str) -> None:
    """Refuse what cannot be a dose before any number is read: markup, operators, lost powers, signs, words."""
    if not text:
        raise refuse("D07", "no dose is written", f"write amount, basis and time, {EXAMPLE}, or: not given.")
    _refuse_code(text)
    _refuse_lost_power(text)
    _refuse_sign(text)


def _refuse_code(text: str) -> None:
    if "**" in text and not re.search(r"[x×]\s*10\*\*", text):
        raise refuse("D18", f"{show(text)} holds the operator **", f"write a plain number, {EXAMPLE}.")
    if _MARKUP.search(text):
        raise refuse("D16", f"{show(text)} holds signs that are no part of a dose", f"write one dose only, {EXAMPLE}.")


def _refuse_lost_power(text: str) -> None:
    lost = _LOST.search(text) or _BARE_TEN.match(text)
    if not lost:
        return
    digits = re.search(r"(\d[\d.]*)\s*[x×*·]\s*10\s?(\d+)", text)
    if not digits:
        cure = "write the amount in full: 5e5 cells/kg or 5 x 10^5 cells/kg."
        raise refuse("D15", f"the power of ten in {show(text)} is not clear", cure)
    number, power = digits[1], digits[2]
    told = f"{show(text)} reads as {number} times 10{power}; was it 10^{power} with a lost superscript?"
    cure = f"check the source and write the power openly, as in {number}e{power} or {number} x 10^{power}."
    raise refuse("D15", told, cure, readings=(f"{number} x 10{power}", f"{number} x 10^{power}"))


def _refuse_sign(text: str) -> None:
    if re.match(_NOT_FINITE, text, re.I):
        raise refuse("D05", f"{show(text)} is not a finite number", f"write the dose as a number above 0, {EXAMPLE}.")
    if text[0] in "+-−–—":
        raise refuse(
            "D06",
            f"{show(text)} starts with the sign {named(text[0])}; a dose has no sign and is greater than 0",
            "check whether a range or a day was pasted here.",
        )


def no_number(text: str) -> InputError:
    """The refusal of a text that does not start with a number: D03, D04, D07, D14 or D16."""
    if re.match(_FUZZY, text, re.I):
        cure = "write one number, or both ends of a range: 500..800 mg/m2/day."
        return refuse("D14", f"{show(text)} is open or fuzzy", cure)
    if re.match(_NUMBER_WORD, text, re.I):
        return refuse("D04", f"{show(text)} has the number in words", "write it in the digits 0-9.")
    if re.match(r"[a-zA-Zµμ%/]", text):
        return refuse("D07", f"{show(text)} has no number in front", f"write the amount, {EXAMPLE}; none is assumed.")
    return refuse("D16", f"{show(text)} does not start with a number", f"write one dose only, {EXAMPLE}.")


def after_number(text: str, rest: str) -> InputError | None:
    """The refusal of a number that goes on as an open, fuzzy or third number (D14) or as a fraction, else None."""
    if re.match(r"[/+\-–—±~≈]|\.\.|,\s*\d|(?:or|to|and|plus)\b", rest) and not re.match(r"/\s*(?:\(|[A-Za-z])", rest):
        cure = "write one number, or a range as 500..800 mg/m2/day with the lower number first."
        return refuse("D14", f"{show(text)} has more than one number and is no plain range", cure)
    if re.match(r"[x×*]\s*\d", rest):
        cure = "write the dose of one day or one dose, then x N days or x N doses: 4 mg/kg/day x 9 days."
        return refuse("D13", f"{show(text)} multiplies: which number is the dose is not clear", cure)
    return None


def bad_unit(text: str, rest: str, unit: str) -> InputError:
    """The refusal of a missing (D07), torn (D20) or unknown (D08) unit."""
    if not unit:
        return _missing_unit(text, rest)
    if unit in "µμ":
        return refuse("D20", f"{show(text)} has a lone {named(unit)} torn from its unit", "write mcg.")
    return refuse("D08", f"unit {show(unit)} in {show(text)} {_why(unit)}", _cure(unit))


def _missing_unit(text: str, rest: str) -> InputError:
    if rest and rest[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻":
        return refuse("D04", f"{show(text)} has a raised digit behind the number", "write the digits 0-9.")
    if rest and rest[0] != "/":
        return refuse("D16", f"{show(text)} has {show(rest)} where the unit should be", f"write one dose, {EXAMPLE}.")
    asked = "name what is counted: 5e5 cells/kg" if rest else f"write amount, what it is for, and time, {EXAMPLE}"
    return refuse("D07", f"{show(text)} has no unit", f"{asked}; no unit is assumed.")


def _why(unit: str) -> str:
    if unit == "Mg":
        return "means 1,000,000 g"
    if unit in ("U", "IU", "MU", "iu", "u", "mIU", "kIU"):
        return "is easily misread (U as 0, IU as IV)"
    return "is not a unit known here (capital and small letters matter)"


def _cure(unit: str) -> str:
    if unit in ("U", "IU", "MU", "iu", "u", "mIU", "kIU"):
        return "write the number of units in full with the word units."
    asked = f"did the source say {_HINTS[unit]}? " if unit in _HINTS else ""
    return f"{asked}units here: {_KNOWN}."


def bad_base(text: str, token: str) -> InputError:
    """The refusal of one part behind a slash: an interval (D12), a unit in other case (D08), another basis (D10)."""
    if token[0].isdigit():
        return slashed_interval(text, token)
    if token.lower() in ("kg", "m2", "day", "dose", "m²", "course"):
        return refuse("D08", f"{show(token)} in {show(text)} has capital letters", f"write {token.lower()}.")
    if token in ("h", "hr", "hour", "hours", "min", "week", "wk", "month"):
        cure = "write the dose per dose or per day: 0.6 mg/kg/dose every 6 h, 3 mg/kg/day."
        return refuse("D10", f"{show(text)} is a rate per {token}", cure)
    cure = "a dose is per kg, per m2 or flat: 5 mg/kg/day, 30 mg/m2/day, 500 mg/day."
    return refuse("D10", f"{show(text)} is per {show(token)}", cure)


def doubled_base(text: str, token: str) -> InputError:
    """The refusal of a second basis or a second time base (D10)."""
    cure = "keep one basis (kg or m2) and one time (dose, day or course): 5 mg/kg/day."
    return refuse("D10", f"{show(token)} in {show(text)} is a second basis or a second time", cure)


def slashed_interval(text: str, token: str) -> InputError:
    """The refusal of an interval behind a slash or without a word (D12)."""
    amount = text[: text.rfind(token)].rstrip("/ ").removesuffix("/dose")
    readings = (f"{amount} in each dose, every {token}", f"{amount} in all, spread over {token}")
    cure = f"write {show(_openly(amount, token))}, or the other reading, after checking the source."
    return refuse("D12", f"{show(text)} can be read two ways: {readings[0]}; {readings[1]}", cure, readings=readings)


def _openly(amount: str, token: str) -> str:
    hours = re.match(r"(\d+)\s*(?:h|hrs?|hours?)\b", token)
    return f"{amount}/dose every {hours[1]} h" if hours else f"{amount}/day"


def no_time(text: str) -> InputError:
    """The refusal of a mass without its time base (D11)."""
    return refuse("D11", f"{show(text)} does not say per dose, per day or whole course", "add /dose, /day or /course.")


def total_or_daily(text: str, number: str, count: str) -> InputError:
    """The refusal of a dose that may be a total or a daily dose (D13)."""
    each = f"each day, for {count}" if "day" in count else f"each time, {count} times"
    readings = (f"{number} in all", f"{number} {each}")
    cure = "write the dose per day and the days (60 mg/kg/day x 2 days), or per dose (60 mg/kg/dose x 2 doses)."
    return refuse("D13", f"{show(text)} could be {readings[0]} or {readings[1]}", cure, readings=readings)


def bad_interval(text: str, written: str) -> InputError:
    """The refusal of a frequency that is not on the closed list (D19)."""
    cure = "write every N h (N one of 1 2 3 4 6 8 12 24), or once, twice, three times or four times daily."
    return refuse("D19", f"{show(text)}: the frequency {show(written)} is not on the closed list", cure)


def leftover(text: str, rest: str) -> InputError:
    """The refusal of what stands behind a dose: an interval (D12), a basis (D10), a frequency (D19), words (D16)."""
    rest = rest.strip(" ")
    if re.match(_FREQUENCY, rest, re.I):
        return bad_interval(text, rest)
    if re.match(r"/?\s*\d+\s*(?:h|hrs?|hours?|d|days?)?\b\s*$", rest):
        return slashed_interval(text, rest.lstrip("/ "))
    if re.match(r"[·*.]?\s*(?:kg|m2|m²|m\^2|[-⁻]1|\^|²|³|[a-z]+\^)|/", rest):
        cure = "write the parts with slashes: 5 mg/kg/day, 30 mg/m2/day."
        return refuse("D10", f"{show(text)}: {show(rest)} is not per kg, per m2 or a time", cure)
    if re.match(r"(?:to|or|\.\.|[-–—±+])\s*\d", rest):
        return refuse("D14", f"{show(text)} is no plain range", "write the unit once, behind both: 500..800 mg/m2/day.")
    cure = "keep the dose alone; route, days, product and notes have their own fields."
    return refuse("D16", f"{show(text)} goes on after the dose with {show(rest)}", cure)
