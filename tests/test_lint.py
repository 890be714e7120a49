"""The print rules as a lint over the text of every format, in every locale, on plans made by the program."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from courses import course
from schedules import UNSAFE, Words, saa_two, shown

from dosing import Patient, plan
from dosing.render import to_bytes
from dosing.render.pages import PAGES
from dosing.schedule import Schedule

LOCALES = ("en-GB", "en-US", "zh")
BY_LOCALE = {"en-GB": r"\bmcg\b", "zh": r"\bmcg\b", "en-US": r"\bmicrograms?\b|haemato|anaemi|ciclosporin"}
IDS = {"Order", "Drug id", "Id", "Code", "Regimen"}
NAMES = ("nct07299123@1", "BSA")  # the regimen's own id, and how a source writes body surface


def blinded(locale: str) -> Schedule:
    choose = {"stratum": "SAA-II", "flu_in_saa2": "yes", "cy.dose": "600 mg/m2/day"}
    who = Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", creatinine="0.9 mg/dL")
    return plan("nct07299123", who, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00", "bu": "02:00"}, choose=choose, locale=locale)


PLANS: dict[str, Callable[[str], Schedule]] = {"seed": blinded, "by hand": lambda locale: saa_two(locale=locale), "large": lambda locale: course(30, 9, locale=locale)}


def _csv(made: Schedule) -> Iterator[str]:
    """The texts for people; units and ids are codes for programs."""
    for row in csv.DictReader(io.StringIO(to_bytes(made, "csv").decode(), newline="")):
        yield from (row["name"], row["why"])


def _xlsx(made: Schedule) -> Iterator[str]:
    """Every text of every sheet but the columns that hold ids for programs."""
    book = pytest.importorskip("openpyxl").load_workbook(io.BytesIO(to_bytes(made, "xlsx")))
    for head, *rows in (page.iter_rows(values_only=True) for page in book):
        for row in rows:
            yield from (cell for name, cell in zip(head, row, strict=True) if isinstance(cell, str) and name not in IDS)


def _ics(made: Schedule) -> Iterator[str]:
    library = pytest.importorskip("icalendar")
    for event in library.Calendar.from_ical(to_bytes(made, "ics")).walk("VEVENT"):
        yield from (str(event["summary"]), str(event["description"]))


def _fhir(made: Schedule) -> Iterator[str]:
    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (text for key, each in value.items() for text in ([each] if key in ("text", "title", "textEquivalent") and isinstance(each, str) else texts(each)))
        elif isinstance(value, list):
            yield from (text for each in value for text in texts(each))

    yield from texts(json.loads(to_bytes(made, "fhir.json")))


def _pdf(made: Schedule) -> Iterator[str]:
    pytest.importorskip("typst"), pytest.importorskip("segno")
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(made, "pdf", PAGES)))
    yield from (re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages)


def _html(made: Schedule) -> Iterator[str]:
    yield from Words.of(to_bytes(made, "html", PAGES).decode())


READERS: dict[str, Callable[[Schedule], Iterator[str]]] = {
    "txt": lambda made: iter([shown(made, "txt")]), "md": lambda made: iter([shown(made, "md")]), "html": _html, "pdf": _pdf,
    "csv": _csv, "xlsx": _xlsx, "ics": _ics, "fhir.json": _fhir,
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("extension", READERS)
def test_the_print_rules_hold(extension: str, locale: str, name: str) -> None:
    """Trailing and leading zero, spaces, separators, units by locale, bare abbreviations, symbols, real minus, powers."""
    rules = {**UNSAFE, "unit or spelling of another locale": BY_LOCALE[locale]}
    for text in READERS[extension](PLANS[name](locale)):
        for known in NAMES:
            text = text.replace(known, "")
        text = text.replace("\u00a0", " ")
        assert {rule: re.findall(f".{{0,20}}(?:{pattern}).{{0,10}}", text)[:3] for rule, pattern in rules.items() if re.search(pattern, text)} == {}


@pytest.mark.parametrize(("locale", "name"), [("en-GB", "fludarabine"), ("en-US", "fludarabine"), ("zh", "氟达拉滨 fludarabine")])
def test_names_follow_the_locale_in_every_format(locale: str, name: str) -> None:
    for extension, read in READERS.items():
        assert any(name in text.replace("\u00a0", " ") for text in read(blinded(locale))), extension


def test_cells_stand_in_words_and_as_a_power() -> None:
    for extension in ("txt", "md", "html", "pdf"):
        text = " ".join(READERS[extension](blinded("en-GB"))).replace("\u00a0", " ")
        assert re.search(r"31\.25\s+million\s+cells", text) and "3.125 × 10^7 cells" in re.sub(r"\s+", " ", text), extension
