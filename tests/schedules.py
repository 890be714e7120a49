"""Schedules built by hand for the tests of `dosing.render`, and how to read their pages back.

No engine: every number is worked out on paper. A fictitious patient of 70 kg and 170 cm, Mosteller surface 1.82 m2 after rounding; day 0 is Wednesday 9 December 2026.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

from dosing.derivation import Derivation
from dosing.render import to_text_of
from dosing.schedule import Administration, Amount, Finding, Schedule, Total

DAY0, ZONE = date(2026, 12, 9), "Asia/Shanghai"
BSA, WEIGHT = ("1.82 m2", Decimal("1.82")), ("70 kg", Decimal(70))
NAMES = {
    "flu": "fludarabine", "cy": "cyclophosphamide", "atg": "antithymocyte globulin", "bu": "busulfan",
    "msc": "umbilical-cord mesenchymal stromal cells", "hsc": "haematopoietic stem cells",
}  # fmt: skip
DRUGS = {
    "flu": "fludarabine", "cy": "cyclophosphamide", "atg": "antithymocyte-globulin", "bu": "busulfan",
    "msc": "umbilical-cord-msc", "hsc": "haematopoietic-stem-cells",
}  # fmt: skip
DOSES = {
    "flu": ("30 mg/m2/day", "-5..-2"), "cy": ("600 mg/m2/day", "-5..-2"), "atg": ("5 mcg/kg/day", "-4..-1"),
    "bu": ("0.6 mg/kg/dose every 6 h", "-8..-5"), "msc": ("5e5 cells/kg", "0"), "hsc": ("not given", "0"),
}  # fmt: skip
CITES = {
    "flu": ["30 mg/(m2 day) of Flu", "from days -5 to -2"], "cy": ["500-800 mg/(m2 day) of Cy"],
    "atg": ["5μg/(kg day) of ATG", "from days -4 to -1"], "bu": ["0.6 mg/(kg 6 h) of busulfan (BU)"],
    "msc": ["5 × 10⁵/kg UC-MSCs at 4 h before HSC infusion"], "hsc": ["On day 0, HSCs were infused intravenously"],
}  # fmt: skip
ATG_BLOCK = Finding(
    "atg.dose", "limit.hard", "block",
    "5 mcg/kg/day is below the lowest daily dose of every product listed, and the source names no product. "
    "Confirm unit, dose and product with the author of the protocol. Nothing has been changed.",
    "atg", 'registry: "5μg/(kg day) of ATG"',
)  # fmt: skip
CREATININE = Finding(
    "flu.creatinine",
    "missing",
    "query",
    "Fludarabine is cleared by the kidney and no creatinine is entered. What is it?",
    "flu",
)
BU_DAYS = Finding(
    "bu.days", "source.conflict", "query",
    "The record prints busulfan on days -8 to -5 (16 doses, 9.6 mg/kg); a paper of the same group prints days -7 to -6 "
    "(8 doses, 4.8 mg/kg). Which days does the protocol mean?", "bu", 'registry: "from days -8 to -5"',
)  # fmt: skip
NOTES = (
    Finding(
        "msc.count",
        "source.silent",
        "note",
        "The record does not say whether 5 × 10⁵/kg counts total or viable cells.",
        "msc",
        "registry",
    ),
    Finding("renal", "renal", "note", "No reduction is applied: crcl >= 80 mL/min."),
    Finding("second", "second.agrees", "pass", "a second, independent calculation of 13 doses agrees"),
    Finding("weight.fresh", "weight", "pass", "The weight was measured within 168 h of the first dose."),
)


def derived(
    order: str, value: str, basis: tuple[str, Decimal], parts: int, calculated: str, unit: str, given: str, rule: str
) -> Derivation:
    """The arithmetic of one order as data."""
    return Derivation(DOSES[order][0], Decimal(value), parts, basis[0], "", basis[1], calculated, unit, given, rule)


LINES = {  # order: (derivation, held, unit)
    "flu": derived("flu", "30", BSA, 1, "54.6", "mg", "55", "nearest 1 mg"),
    "cy": derived("cy", "600", BSA, 1, "1092", "mg", "1090", "nearest 10 mg"),
    "atg": derived("atg", "5", WEIGHT, 1, "350", "mcg", "", ""),
    "bu": derived("bu", "0.6", WEIGHT, 1, "42", "mg", "42", "nearest 0.1 mg"),
    "msc": derived("msc", "5e5", WEIGHT, 1, "35000000", "cells", "35000000", "nearest 1 cells"),
    "hsc": None,
}


def administration(
    order: str, number: int, of: int, day: int, clock: str, dated: bool, offset: str = ""
) -> Administration:
    """One administration; `clock` is HH:MM in the zone of the hospital."""
    line = LINES[order]
    when = DAY0 + timedelta(days=day)
    start = datetime.fromisoformat(f"{when.isoformat()}T{clock}").replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    calculated = Amount(line.calculated, line.unit) if line else None
    given = Amount(line.amount, line.unit) if line and line.amount else None
    return Administration(
        order, DRUGS[order], day, number, of, "iv", calculated, given, bool(line) and not given, when if dated else None,
        int(start.timestamp()) if dated else None, 30 if order == "flu" else None, ZONE if dated else "", offset or clock, (lambda: line) if line else None,
    )  # fmt: skip


def daily(order: str, first: int, last: int, dated: bool, clock: str = "09:00") -> list[Administration]:
    """One administration a day from the first to the last day."""
    days = range(first, last + 1)
    return [administration(order, index, len(days), day, clock, dated) for index, day in enumerate(days, 1)]


def busulfan(dated: bool, first: int = 2) -> list[Administration]:
    """Sixteen doses every six hours from 02:00 on day -8, so four on each of four days."""
    hours = [first + 6 * index for index in range(16)]
    return [
        administration(
            "bu", index, 16, -8 + hour // 24, f"{hour % 24:02d}:00", dated, f"{hour - first} h after the first dose"
        )
        for index, hour in enumerate(hours, 1)
    ]


def total(order: str, doses: int) -> Total:
    """The course total of one order."""
    line = LINES[order]
    assert line
    held = not line.amount
    given = None if held else Amount(str(Decimal(line.amount) * doses), line.unit)
    return Total(order, DRUGS[order], doses, Amount(str(Decimal(line.calculated) * doses), line.unit), given)


def order_row(order: str) -> dict[str, Any]:
    """One order as `Schedule.orders` carries it."""
    dose, days = DOSES[order]
    kind = {"msc": "cells", "hsc": "graft"}.get(order, "drug")
    return {
        "id": order, "drug": DRUGS[order], "kind": kind, "names": {"en-GB": NAMES[order], "en-US": NAMES[order].replace("haem", "hem")},
        "tall_man": {"en-GB": "CYCLOPHOSPHamide"} if order == "cy" else {}, "dose": dose, "days": days, "route": "iv", "weight": "unspecified",
        "note": "The record names no product and does not restate the route." if order == "atg" else "", "cite": {"registry": CITES[order]},
        "product": "", "every": "6" if order == "bu" else "", "at": "", "step": "", "until": "", "diluent": "", "reconstitute": "",
    }  # fmt: skip


def schedule_of(rows: list[Administration], found: tuple[Finding, ...], dated: bool, **changed: Any) -> Schedule:
    """A whole schedule around some administrations."""
    rows = sorted(rows, key=lambda row: (row.day, row.seconds or 0))
    ids = list(dict.fromkeys(row.order for row in rows))
    values: dict[str, Any] = {
        "regimen": {"id": "nct07299123", "version": "1", "status": "draft", "sha256": "5f" * 32},
        "title": "Haploidentical transplant with umbilical-cord MSC for severe aplastic anaemia (SAA-I acute, SAA-II chronic)",
        "patient": {
            "weight": {"value": "70", "unit": "kg"}, "height": {"value": "170", "unit": "cm"},
            "age": {"value": "40", "unit": "y"}, "sex": "M", "weighed": "2026-12-01",
        },
        "identity": {"name": "EXAMPLE, Test", "id": "000-TEST-001", "born": "1986-01-01"},
        "metrics": {"bsa": {"value": "1.82", "unit": "m2", "formula": "mosteller", "unrounded": "1.81812112"}},
        "day0": DAY0 if dated else None, "zone": ZONE if dated else "", "times": {"hsc": "14:00"} if dated else {},
        "choices": {"stratum": "SAA-I", "arm": "blinded", "cy.dose": "600 mg/m2/day"}, "changes": (), "answers": (),
        "administrations": tuple(rows), "totals": tuple(total(order, sum(row.order == order for row in rows)) for order in ids if order != "hsc"),
        "not_scheduled": tuple(
            {"drug": drug, "reason": "dose not given in source", "cite": "registry"}
            for drug in ("mycophenolate-mofetil", "ciclosporin", "methotrexate")
        ),
        "silent": ("mesna", "hydration", "premedication", "infusion durations", "diluents and volumes", "BSA formula", "dosing weight"),
        "findings": found, "second_calculation": {"agrees": True, "doses": sum(row.order != "hsc" for row in rows)},
        "sources": ({"key": "registry", "id": "NCT07299123", "title": "ClinicalTrials.gov record NCT07299123, updated 2025-12-23"},),
        "orders": tuple(order_row(order) for order in ids),
    }  # fmt: skip
    return Schedule(**{**values, **changed})


def saa_one(dated: bool = True, **changed: Any) -> Schedule:
    """SAA-I: fludarabine, cyclophosphamide, held antithymocyte globulin, cells and graft; 13 doses and the graft."""
    rows = [
        *daily("flu", -5, -2, dated), *daily("cy", -5, -2, dated), *daily("atg", -4, -1, dated),
        administration("msc", 1, 1, 0, "10:00", dated, "4 h before hsc"),
        administration("hsc", 1, 1, 0, "14:00", dated, "hsc"),
    ]  # fmt: skip
    return schedule_of(rows, (ATG_BLOCK, CREATININE, *NOTES), dated, **changed)


def saa_two(dated: bool = True, first: int = 2, **changed: Any) -> Schedule:
    """SAA-II: as SAA-I, with sixteen busulfan doses before; 29 doses and the graft."""
    rows = [*busulfan(dated, first), *saa_one(dated).administrations]
    changed = {
        "choices": {"stratum": "SAA-II", "arm": "blinded", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "yes"},
        **changed,
    }
    return schedule_of(rows, (ATG_BLOCK, BU_DAYS, CREATININE, *NOTES), dated, **changed)


def releasable(**changed: Any) -> Schedule:
    """SAA-I without the held line and with every query answered: it can be released."""
    rows = [row for row in saa_one() if row.order != "atg"]
    answered = Finding("flu.creatinine", "missing", "query", CREATININE.message, "flu", "", "0.9 mg/dL on 02 Dec, AB")
    return schedule_of(rows, (answered, *NOTES), True, **changed)


UNSAFE = {
    "trailing zero": r"(?<![\d.,])\d+\.\d*0(?=\s?(?:mg|g|mL|L|kg|cm|m²|%|micrograms?|mcg|units|cells)\b)",
    "naked decimal": r"(?<![\w.])\.\d",
    "no space": r"\d(?:mg|mcg|micrograms?|g|kg|mL|units|cells|cm|m²|hours)\b",
    "no separator": r"(?<![\w.,])\d{4,}(?:\.\d+)?\s(?:mg|mcg|micrograms?|g|mL|units|cells)\b",
    "microgram sign": r"[µμ]g|\bug\b",
    "units letter": r"\d\s?I?U\b",
    "abbreviated drug": r"(?<![\w-])(?:h?UC-MSCs?|BM-MSCs?|MSCs?|HSCs?|HSCT|ATG|ATLG|Flu|FLU|Cy|CY|CTX|Bu|BU|MTX|MMF|CsA|CSA|TBI|PTCy)(?![\w-])",
    "symbol": r"[<>&@](?!\d)",
    "frequency": r"\bq\d+h\b|\bqd\b|\bqod\b|\bod\b|\bcc\b",
    "range of days": r"Day\s[-−]\d+-+",
    "hyphen for minus": r"(?i)\bdays?\s-\d",
    "exponent": r"\d\.?\d*e\+?\d+\s?(?:cells|mg)|10[⁰¹²³⁴⁵⁶⁷⁸⁹]",
}


def shown(schedule: Schedule, extension: str) -> str:
    """The words a reader sees: without the marks of the format, with plain spaces."""
    text = to_text_of(schedule, extension)
    if extension == "html":
        text = "\n".join(Words.of(text))
    if extension == "md":
        text = re.sub(r"\\(.)", r"\1", text.replace("<br>", " ").replace("**", "").replace("&amp;", "&"))
    return text.replace("\u00a0", " ")


class Words(HTMLParser):
    """The texts and the tags of a page, and its tables as rows of cell texts."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []

    @classmethod
    def of(cls, text: str) -> list[str]:
        return cls.read(text).texts

    @classmethod
    def read(cls, text: str) -> Words:
        page = cls()
        page.feed(text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["style"]:
            return
        self.texts.append(data)
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def entries(schedule: Schedule, extension: str) -> list[tuple[str, str, str]]:
    """Day, dose number and amount of each line in the list of administrations."""
    if extension == "txt":
        part = shown(schedule, "txt").partition("Administrations in time order")[2].partition("Calculation record")[0]
        return [_joined(lines) for lines in _blocks(part)]
    if extension == "md":
        rows = [
            line.strip("| ").split(" | ") for line in shown(schedule, "md").splitlines() if line.startswith("| Day ")
        ]
    else:
        rows = [row for row in Words.read(to_text_of(schedule, "html").replace("\u00a0", " ")).rows if len(row) == 10]
    return [(row[0], row[5], row[6]) for row in rows if row[0].startswith("Day ")]


def by_hand(days: str) -> list[tuple[str, str, str]]:
    """Day, dose number and amount of each line, from one line of text a day: `Day −5: 1 of 4 55 mg; 1 of 4 1,090 mg`."""
    lines = (line.strip().partition(": ") for line in days.strip().splitlines())
    given = [(day, dose.split(" ", 3)) for day, _, doses in lines for dose in doses.split("; ")]
    return [(day, " ".join(words[:3]), words[3]) for day, words in given]


def _blocks(part: str) -> list[list[list[str]]]:
    blocks: list[list[list[str]]] = []
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.split("|")] if " | " in line else []
        if cells and cells[0].startswith("Day "):
            blocks.append([])
        if cells and blocks:
            blocks[-1].append(cells)
    return blocks


def _joined(lines: list[list[str]]) -> tuple[str, str, str]:
    columns = [" ".join(filter(None, (line[n] if n < len(line) else "" for line in lines))) for n in (3, 4)]
    return (lines[0][0], *columns)
