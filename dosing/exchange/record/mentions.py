"""What in a sentence looks like a dose, days, a time from an event, a route or a duration: where it stands, not yet what it means.

The patterns are wider than what `dosing.forms` reads, so that what cannot be read is seen and told instead of passed over.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dosing import forms
from dosing.errors import InputError
from dosing.units import DOSED

ROUTES = {
    "iv": r"(?:i\.v\.|iv|intravenous(?:ly)?)", "po": r"(?:p\.o\.|po|per os|oral(?:ly)?|by mouth)",
    "sc": r"(?:s\.c\.|sc|subcut(?:aneous(?:ly)?)?|subq)", "im": r"(?:i\.m\.|im|intramuscular(?:ly)?)", "it": r"(?:intrathecal(?:ly)?)",
}  # fmt: skip
ROUTE = "|".join(ROUTES.values())
_TEN = r"(?:\s*[x×*·]\s*10(?:\s?\\?\^\s?\(?\d{1,3}\)?|[⁰¹²³⁴⁵⁶⁷⁸⁹]+|\d{0,2})|[eE]\+?\d{1,3})?"
_NUMBER = rf"\d{{1,12}}(?:[.,]\d{{1,9}}){{0,3}}{_TEN}"
_SPELLED = "|".join(sorted(map(re.escape, {*DOSED, "Mg", "MG", "mgs", "gm", "grams?", "milligrams?", "IU", "U", "Units?", "unit", "mCi", "MBq", "ml", "cc", "cell", "centigrays?", "grays?", "Grays?", "rads?"} - {"AUC", "cells"}), key=len, reverse=True)).replace(r"\?", "?")
_COUNTED = r"(?:million\s+|billion\s+)?(?:[A-Za-z]{1,14}\d{0,3}\+?[\s-]+){0,3}cells?"
_UNIT = rf"(?:(?:[ÂÃ\ufffd]?(?:{_SPELLED})|{_COUNTED}|(?:[A-Za-z]{{1,14}}\d{{0,3}}\+?[\s-]+){{0,3}}[A-Za-z]{{1,14}}(?=\s?/\s?kg\b)|[ÂÃ\ufffd]\S?g)(?![A-Za-z])|AUC\b|(?=/\s*kg\b))"
_BASE = r"(?:(?i:kg)|kilogram|m\\?\^2|m²|m2|square\s+met(?:er|re)|body|day|dose|d|course|week|h|hr|hour|min|m)(?![A-Za-z0-9])"
_PART = rf"\s*/\s*\([^()\n]{{1,20}}\)|\s*[/\\]\s*(?:{_BASE}|\d+\s*h(?:ours?|rs?)?\b)|\s+(?:per|each)\s+{_BASE}|\s?[·•]\s?(?:kg|m2|day|d)(?:[-−⁻][1¹])?"
_LAB = r"\s*/\s*(?:d?L|mL|ml|dl|l|µL|uL|μL|mm3|mm³|mmol|min)\b"
_EVERY = r"every\s+(?:\d+|other|alternate)(?:\s*(?:-|–|to)\s*\d+)?\s*(?:h|hrs?|hours?|days?|weeks?)?\b|q\s?\d+\s?-?\s?h(?:ours?|rs?)?\b|q\d+\b"
_DAILY = r"(?:once|twice|thrice|(?:two|three|four|\d)\s+times)(?:\s+(?:daily|(?:a|per|each)\s+day))?|daily|weekly|\d\s?x\s?/?\s?(?:daily|day)|b\.?i\.?d\b\.?|t\.?i\.?d\b\.?|q\.?i\.?d\b\.?|q\.?d\b\.?"
_COUNT = r"(?:x|×|for|over|in)\s*\d{1,3}\s*(?:consecutive\s+)?(?:days?|d|doses?)\b"
OVER = r"(?:over|as\s+an?|in)\s+(?P<over>\d{1,3}(?:\.\d)?)[\s-]*(?P<over_unit>min(?:ute)?s?|h|hrs?|hours?)\b"
_WAY = rf"(?:\s*,?\s*(?:{ROUTE}|{re.sub(r'[?]P<[a-z_]+>', '?:', OVER)})(?![A-Za-z]))*"
DOSE = re.compile(
    rf"(?<![\w.,])(?P<amount>[+−–-]?\.?{_NUMBER}(?:\s*(?:-|–|—|−|\bto\b|\bor\b|\.\.|±)\s*{_NUMBER})?\s*{_UNIT}(?:{_PART})*)(?!{_LAB})(?![A-Za-z])"
    rf"(?P<way>(?i:{_WAY}))(?P<rhythm>(?i:\s*,?\s*(?:{_EVERY}|{_DAILY})(?![A-Za-z])))?(?P<way2>(?i:{_WAY}))(?P<count>(?i:\s*,?\s*{_COUNT}))?"
)
RHYTHM = re.compile(rf"(?<!\w)(?:{_EVERY}|{_DAILY})(?![A-Za-z])", re.I)
_SIGN = r"(?:[-−–+]|minus\s|plus\s)"
_DAY = rf"(?:days?\s*|D(?=[-−–+\d]))?{_SIGN}?\s*\d{{1,3}}(?![\d.,]*\s*(?:[ÂÃ]?[µμ]|[x×]\s*10|(?:mg|mcg|ug|micrograms?|g|c?Gy|kg|h|hours?|cells?|weeks?|months?|years?|days?|units?|mmol|mL|AUC)\b|%))"
_STEP = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s+to\s+|\s+through\s+|\s+until\s+|\s*\.\.\s*|\s*[–—]\s*|\s?-\s?)"
DAYS = re.compile(rf"\b(?P<lead>from\s+|on\s+|at\s+|between\s+|starting\s+(?:on\s+|from\s+)?|beginning\s+(?:on\s+)?|started\s+on\s+|since\s+)?(?P<days>(?:days?\s*|D(?=[-−–+]\s?\d)){_SIGN}?\s*\d{{1,3}}\b(?:{_STEP}{_DAY})*)", re.I)
OFFSET = re.compile(r"(?:\bat\s+)?\b(?P<number>\d{1,3}(?:\.\d)?)\s*(?P<unit>min(?:ute)?s?|h|hrs?|hours?)\s+(?P<side>before|prior\s+to|after|following)\s+(?:the\s+)?(?:(?:start|infusion)\s+of\s+(?:the\s+)?)?", re.I)
OPEN_START = re.compile(r"(?:from|start\w*(?: on| from)?|begin\w*(?: on)?|commenc\w*(?: on)?|initiat\w*(?: on)?|since)\s*$", re.I)
OPEN_END = re.compile(r"\s*(?:until|till|through|to|onwards?|up\s+to)\b(?!\s+\w*ly\b)", re.I)


class Dose(NamedTuple):
    """A text that looks like a dose: the whole of it, and the part that the grammar of doses is asked to read."""

    start: int
    end: int
    text: str
    way: str

    def read(self, cells: bool) -> tuple[forms.Dose | None, str]:
        """The dose it means, or why it is refused; `cells` where only cells can be meant."""
        try:
            dose = forms.read_cells(self.text) if cells else forms.read_dose(self.text)
        except InputError as error:
            return None, error.faults[0].what
        assert isinstance(dose, forms.Dose)
        if dose.times and dose.times > 1:
            return None, f'"{self.text}" is {dose.times} doses a day, and no clock times are printed'
        return dose, ""


class Days(NamedTuple):
    """A text that looks like days: the days it means, or why they are open."""

    start: int
    end: int
    days: tuple[int, ...] | None
    why: str


class Offset(NamedTuple):
    """A time before or after what the text names next, as the house writes it: `4 h before `."""

    start: int
    end: int
    text: str


def doses(text: str) -> list[Dose]:
    """Everything in a sentence that looks like a dose, in its order."""
    return [_dose(found) for found in DOSE.finditer(text)]


def _dose(found: re.Match[str]) -> Dose:
    parts = (found["amount"], found["rhythm"] or "", found["count"] or "")
    told = " ".join(" ".join(part.strip(" ,\n\t") for part in parts).split())
    told = told.replace("m\\^2", "m^2")
    return Dose(found.start(), found.start() + len(found[0].rstrip()), told, found["way"] + " " + found["way2"])


def days(text: str) -> list[Days]:
    """Everything in a sentence that looks like days, in its order."""
    return [_days(text, found) for found in DAYS.finditer(text)]


def _days(text: str, found: re.Match[str]) -> Days:
    printed, (start, end) = " ".join(found["days"].split()), found.span()
    try:
        read = forms.read_days(_plain(printed))
    except InputError as error:
        return Days(start, end, None, error.faults[0].what)
    if OPEN_END.match(text, end):
        return Days(start, end, None, f'"{printed}" goes on until something that is no day')
    opening = (found["lead"] or "") or text[max(0, start - 24) : start]
    if len(read) == 1 and OPEN_START.search(opening.rstrip() or ""):
        return Days(start, end, None, f'"{printed}" is a start without an end')
    return Days(start, end, read, "")


def _plain(printed: str) -> str:
    """Days without the repeated word, as the grammar of days takes them: `day -3 and day -2` as `-3 and -2`."""
    return re.sub(r"(?i)days?\s*|(?<![a-z])d(?=[-−–+\d])", "", printed).replace(" until ", " to ").strip()


def offsets(text: str) -> list[Offset]:
    """Every `4 h before`, `30 minutes after` of a sentence."""
    return [Offset(found.start(), found.end(), _offset(found)) for found in OFFSET.finditer(text)]


def _offset(found: re.Match[str]) -> str:
    unit = "min" if found["unit"].lower().startswith("m") else "h"
    return f"{found['number']} {unit} {'before' if found['side'].lower().startswith(('before', 'prior')) else 'after'} "


def routes(text: str) -> set[str]:
    """The routes a text names."""
    return {route for route, form in ROUTES.items() if re.search(rf"(?<![\w.-])(?:{form})(?![\w-])", text, re.I)}


def duration(text: str) -> str:
    """How long an infusion takes, `2 h` or `30 min`, where a text says so once; else empty."""
    found = {f"{one['over']} {'min' if one['over_unit'].startswith('m') else 'h'}" for one in re.finditer(OVER, text)}
    return found.pop() if len(found) == 1 else ""
