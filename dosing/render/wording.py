"""The words of the sheet per locale, and numbers, units, days and dates as print-safe text.

Print rules follow the ISMP list of error-prone abbreviations (2021) and, for en-GB, the BNF style: micrograms in
full, no trailing zero, a leading zero, thousands commas, a no-break space before the unit.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache

from dosing.derivation import spoken
from dosing.render import chinese
from dosing.schedule import Amount

NBSP, MINUS = "\u00a0", "\u2212"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ROUTES = {"iv": "intravenous", "po": "by mouth", "sc": "subcutaneous", "im": "intramuscular", "it": "intrathecal"}
UNITS = {
    "en-GB": {"mcg": "micrograms", "ng": "nanograms"},
    "en-US": {"mcg": "mcg", "ng": "nanograms"},
}
SHORT = {  # abbreviations of drugs and cells are never printed bare
    "UC-MSCs": "umbilical-cord mesenchymal stromal cells", "UC-MSC": "umbilical-cord mesenchymal stromal cells",
    "BM-MSCs": "bone-marrow mesenchymal stromal cells", "BM-MSC": "bone-marrow mesenchymal stromal cells",
    "MSCs": "mesenchymal stromal cells", "MSC": "mesenchymal stromal cells",
    "HSCT": "haematopoietic stem cell transplantation",
    "HSCs": "haematopoietic stem cells", "HSC": "haematopoietic stem cell",
    "ATG": "antithymocyte globulin", "ATLG": "anti-T-lymphocyte globulin",
    "FLU": "fludarabine", "Flu": "fludarabine", "BU": "busulfan", "Bu": "busulfan", "MEL": "melphalan",
    "CY": "cyclophosphamide", "Cy": "cyclophosphamide", "CTX": "cyclophosphamide",
    "PTCy": "cyclophosphamide after the transplant",
    "MTX": "methotrexate", "MMF": "mycophenolate mofetil", "CsA": "ciclosporin", "CSA": "ciclosporin",
    "TBI": "total body irradiation", "crcl": "creatinine clearance", "CrCl": "creatinine clearance",
}  # fmt: skip
SPELLED_US = {"haematopoietic": "hematopoietic", "anaemia": "anemia", "ciclosporin": "cyclosporine"}
MEASURES = r"mg|mcg|micrograms?|nanograms?|ng|g|kg|cm|m2|m²|mL|L|dL|units|cells|doses|mmol|micromol|h|hours|min|minutes|Gy|cGy|y|%"
GAP = re.compile(rf"(?<=\d) ?(?={MEASURES}\b|%)")
UNBROKEN = re.compile(rf"(?<=\d) (?=(?:{MEASURES})\b|%)")  # no blank is added, only kept whole
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
LARGE = re.compile(rf"(?<![\w.,/-])(\d{{4,}}(?:\.\d+)?)(?=[ {NBSP}](?:{MEASURES})\b)")
ENDLESS = re.compile(r"(?<![\w.,])\d+\.\d{5,}(?!\w)")  # a quotient that nobody wants to read to its end
ABBREVIATED = re.compile(
    r"(?<![\w-])(h?(?:" + "|".join(sorted(map(re.escape, SHORT), key=len, reverse=True)) + r"))(?![\w-])"
)
WEIGHTS = re.compile(r"(?<![\w.-])(?:lower|ideal|adjusted\d\d)\.[a-z-]+(?![\w.])")
WORDS = {
    "title": "Dose schedule", "not_releasable": "NOT RELEASABLE", "draft": "DRAFT REGIMEN",
    "contents": "Contents", "no_dose": "no dose", "not_entered": "not entered", "not_given": "not given", "hold": "HOLD", "none": "–", "missed": "missed", "no_stop": "no stop time",
    "grid": "Doses by day", "drug": "Drug and order", "total": "Course total", "release": "Pharmacy release",
    "release_note": "initials of preparer and checker, each day",
    "queries": "Open queries, to be answered before release", "query_note": "An answer makes a new issue: nothing is written in here.", "no_queries": "No open query.",
    "answer": "Answer", "by": "by", "on": "on",
    "signatures": "Signatures", "role": "Role", "name": "Name", "signature": "Signature", "when": "Date and time",
    "entries": "Administrations in time order", "record": "Calculation record", "body": "Body size and laboratory",
    "checks": "Checks", "choices": "Choices, changes and answers", "not_scheduled": "Named in the source, not scheduled here",
    "silent": "The source is silent on", "sources": "Sources", "order_notes": "Notes on the orders",
    "day": "Day", "date": "Date", "start": "Start", "stop": "Stop", "dose": "Dose", "amount": "Amount", "route": "Route",
    "duration": "Duration", "given": "Given at, by", "protocol_dose": "Protocol dose", "working": "Working",
    "calculated": "Calculated", "rounded": "Per dose", "rule": "Rounding", "change": "Change", "doses": "Doses",
    "legend": "HOLD: do not prepare. – no dose planned. If all given: cumulative dose if every dose so far is given. "
    "09:00 ____/____: planned start, initials of two.",
    "begun": "Started", "ended": "Stopped", "checked": "Checked by two", "issued": "Changed since the issue it replaces",
    "replaced": "Take every copy of the issue it replaces away.", "preparation": "Preparation list", "prep_doses": "Doses",
    "prep_product": "Product, vials or bags", "prep_volume": "Drug volume", "prep_fluid": "Diluent, final volume", "prep_concentration": "Concentration",
    "prep_rate": "Rate", "prep_keep": "Stability, light, filter, line", "no_preparation": "No dose is drawn up.", "fluid_line": "Diluent, volume, line",
    "unnamed": "Patient not entered: write name and number before signing.",
    "unblinded": "UNBLINDED: pharmacy only", "superseded": "SUPERSEDED", "what_changed": "What changed", "nothing_changed": "Nothing in the doses.",
    "timeline": "Timeline", "same_time": "At the same time",
    "timeline_legend": "Bar: planned start to stop. Thick stroke: planned start, duration not given. Hatched: HOLD, do not prepare. "
    "Frame: several at the same time.",
    "no_clock": "No clock time is set: the schedule is relative.",
    "issue": "Issue {issue}", "replaces": "replaces issue {replaces}", "copy": "COPY, not an issue", "last_issue": "last issue {issue}",
    "never_issued": "none issued yet", "subject": "trial subject",
    "check": "Independent second calculation", "check_note": "Work every line out from the source and the facts above, alone and without the sheet; "
    "then compare. Nothing on this page was calculated.", "yes": "yes", "no": "no", "measure": "Measure and formula", "value": "Value worked out",
    "size_used": "Size used", "first_last": "First and last date", "agrees": "Agrees with the sheet", "facts": "Order",
    "labels": "Labels and request slips", "no_label": "No label", "slip": "REQUEST SLIP, not a product label", "no_labels": "No dose gets a label.",
    "code": "Document code",
    "warning": "Not a prescription: a pharmacist checks and signs.", "page": "Page", "of": "of",
}  # fmt: skip


def words(locale: str) -> dict[str, str]:
    """The fixed texts of the sheet for a locale (`en-GB`, `en-US`, `zh` in both languages); others are English."""
    if locale == "zh":
        return {key: chinese.both(key, text) for key, text in WORDS.items()}
    return {key: spelling(text, locale) for key, text in WORDS.items()}


def spelling(text: str, locale: str) -> str:
    """British spelling as it is, American where the locale asks for it."""
    if locale == "en-US":
        for british, american in SPELLED_US.items():
            text = text.replace(british, american)
    return text


def number(text: str) -> str:
    """A decimal text for print: commas from 1,000, no trailing zero, a real minus."""
    whole, dot, rest = spoken(text).replace(",", "").partition(".")
    return f"{int(whole):,}{dot}{rest}".replace("-", MINUS) if whole not in ("-0", "") else f"{MINUS}0{dot}{rest}"


def unit(text: str, locale: str) -> str:
    """A unit for print: `m²`, micrograms in full for en-GB."""
    table = UNITS.get(locale, UNITS["en-GB"])
    return "/".join({"m2": "m²"}.get(part) or table.get(part, part) for part in text.split("/"))


def amount(value: Amount, locale: str) -> str:
    """An amount as it is printed, `55 mg`, `35 million cells`; the number never parts from what follows it."""
    return (
        f"{millions} cells" if (millions := cells(value)) else f"{number(value.value)}{NBSP}{unit(value.unit, locale)}"
    )


def cells(value: Amount) -> str:
    """A cell count of a million or more in words, when two decimals hold it exactly; else empty."""
    millions = value.decimal / 1_000_000
    if value.unit != "cells" or millions < 1 or millions != round(millions, 2):
        return ""
    return f"{number(format(millions, 'f'))}{NBSP}million"


def power(value: Amount) -> str:
    """A cell count as a power of ten that survives plain text, `3.5 × 10^7 cells`; empty for other units."""
    if value.unit != "cells" or value.decimal < 100_000:
        return ""
    exponent = value.decimal.adjusted()
    return f"{number(format(value.decimal.scaleb(-exponent), 'f'))} × 10^{exponent} cells".replace(" ", NBSP)


def fact(value: object, locale: str) -> str:
    """A fact of the patient: `{"value", "unit"}` as an amount, any other text as it is."""
    if isinstance(value, dict):
        return amount(Amount(str(value["value"]), str(value["unit"])), locale).replace(f"{NBSP}y", f"{NBSP}years")
    return str(value)


def day(value: int) -> str:
    """A day as `Day −5`, `Day 0`, `Day +1`, unbreakable."""
    return f"Day{NBSP}{signed(value)}"


def signed(value: int) -> str:
    """A day number with its sign: a real minus, a plus after day 0."""
    return f"{value:+d}".replace("-", MINUS) if value else "0"


def day_date(value: date | None, locale: str = "en-GB") -> str:
    """A calendar day as `Fri 04 Dec 2026`, for zh `2026-12-04 周五`; empty for None."""
    if value and locale == "zh":
        return chinese.day_date(value)
    return f"{WEEKDAYS[value.weekday()]} {short_date(value)}" if value else ""


def short_date(value: date) -> str:
    """A calendar day as `04 Dec 2026`."""
    return f"{value.day:02d} {MONTHS[value.month - 1]} {value.year}"


def read_date(text: str, locale: str = "en-GB") -> str:
    """An ISO date text as `04 Dec 2026`, for zh as it is; any other text as it is."""
    if locale == "zh":
        return text
    try:
        return short_date(date.fromisoformat(text))
    except ValueError:
        return text


def duration(minutes: int | None) -> str:
    """A length of time as `30 minutes` or `4 hours`; `not given` for None."""
    if not minutes:
        return WORDS["not_given"]
    count, name = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return f"{count}{NBSP}{name}{'s' if count != 1 else ''}"


def weight(name: str) -> str:
    """A dosing weight in words: `actual weight`, `ideal weight (Devine)`, `adjusted weight, 25 % (Devine)`."""
    kind, _, formula = name.partition(".")
    percent = "".join(filter(str.isdigit, kind))
    words = {"": "actual weight", "lower": "lower of actual and ideal weight"}.get(
        kind
    ) or f"{kind.rstrip('0123456789')} weight"
    return words + (f", {percent}{NBSP}%" if percent else "") + (f" ({formula if '-' in formula else formula.capitalize()})" if formula else "")


def over(minutes: int | None) -> str:
    """How long an infusion runs, `over 30 minutes`; `duration not given` for None."""
    return f"over {duration(minutes)}" if minutes else "duration not given"


def route(text: str | None) -> str:
    """A route in words; `route not given` where the source is silent."""
    return ROUTES.get(text or "", text or "route not given")


@lru_cache(maxsize=4096)
def plain(text: str, locale: str) -> str:
    """Prose made safe for print: full names, spelled micrograms, spaced units, words for < and >, real minus signs."""
    text = ABBREVIATED.sub(lambda found: _full(found[1]), text)
    text = re.sub(r"\s?[µμ]g\b", " " + unit("mcg", locale), text)
    text = re.sub(r"\bmcg\b", unit("mcg", locale), text)
    text = WEIGHTS.sub(lambda found: weight(found[0]), text)
    text = _signs(_numbers(_units(_powers(text))))
    return spelling(text, locale)


def _full(short: str) -> str:
    """What an abbreviation stands for."""
    return SHORT[short if short in SHORT else short.removeprefix("h")]


FLAG = r"--[a-z][\w-]*(?: [\w-]+[.=][\w.=\u2026-]*[\w\u2026])?"


def on_paper(text: str) -> str:
    """A message without what is meant for the command line, with whole sentences, and hours with minutes."""
    whole = text
    text = re.sub(rf" with {FLAG}", "", re.sub(rf",? or [^.;,]*?{FLAG}", "", text))
    kept = [sentence for sentence in re.split(r"(?<=[.;])\s+", text) if not re.search(r"(?<!\S)--[a-z]", sentence)]
    text = re.sub(r";\Z", ".", " ".join(kept))
    text += "." if text != whole and text[-1:].isalnum() else ""
    text = re.sub(r"(?<![\d.,])(\d+)\.(\d+)[ \u00a0](?:hours|h)\b", lambda found: _hours(Decimal(f"{found[1]}.{found[2]}")), text)
    return re.sub(r"(?:\A|(?<=[.?!] )(?<!e\.g\. )(?<!i\.e\. )(?<!al\. ))[a-z](?![\w-]*[A-Z])", lambda found: found[0].upper(), text)


def _hours(value: Decimal) -> str:
    """A decimal count of hours as `4 hours 59 minutes`, to the nearest minute."""
    hours, minutes = divmod(int((value * 60).to_integral_value()), 60)
    parts = [duration(hours * 60)] if hours else []
    return " ".join([*parts, duration(minutes)] if minutes or not hours else parts)


def quoted(text: str, locale: str) -> str:
    """A printed phrase of a source, word for word; only what had to be written out stands in square brackets.

    Signs that a fax loses are set safely and say the same: a raised power as `10^5`, a hyphen before a number as a minus.
    """
    text = ABBREVIATED.sub(lambda found: f"[{spelling(_full(found[1]), locale)}]", text)
    text = re.sub(r"\s?(?:[µμ]g|mcg)\b", f" [{unit('mcg', locale)}]", text)
    return UNBROKEN.sub(NBSP, _minus(_powers(text)))


def _units(text: str) -> str:
    text = re.sub(r"\bm2\b", "m²", text)
    text = re.sub(r"(?<=\d) ?h\b", " hours", text).replace(" 1 hours", " 1 hour")
    return GAP.sub(NBSP, text)


def _powers(text: str) -> str:
    return re.sub(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda found: "10^" + found[1].translate(RAISED), text)


def _minus(text: str) -> str:
    text = re.sub(r"(?<![\w\u2212)-])-(?=\d)", MINUS, text)
    return re.sub(rf"{MINUS} (?=\d)", f"{MINUS}{NBSP}", text)


def _numbers(text: str) -> str:
    text = re.sub(
        r"(?<![\w.])(\d+(?:\.\d+)?e\+?\d{1,2})(?=[ \u00a0])", lambda found: format(Decimal(found[1]), "f"), text
    )
    text = ENDLESS.sub(lambda found: spoken(found[0]) if found[0] >= "0.01" else f"{float(found[0]):.4g}", text)
    return LARGE.sub(lambda found: number(found[1]), text)


def _signs(text: str) -> str:
    for sign, word in (
        (">=", "at least"),
        ("<=", "at most"),
        ("≥", "at least"),
        ("≤", "at most"),
        (">", "more than"),
        ("<", "less than"),
    ):
        text = re.sub(rf"\s*{sign}\s*", f" {word} ", text)
    text = re.sub(r"\.\.(?=[+-]?\d)", " to ", text)
    return _minus(re.sub(r" x (?=\d)", f" ×{NBSP}", text))
