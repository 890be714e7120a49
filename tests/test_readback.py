"""Each format, opened by a reader that knows nothing of this program, gives back the doses that went in."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from courses import course
from schedules import DAY0, by_hand, entries

from dosing.errors import UsageError
from dosing.render import to_bytes, wording
from dosing.render.names import amount_text, name_of
from dosing.schedule import Schedule

SIZES = [(1, 1), (6, 6), (14, 6), (60, 15), (180, 30), (500, 45)]
Told = tuple[str, int, int, str]  # order, number, day, amount with unit or HOLD


class Case(NamedTuple):
    """One cell of the matrix."""

    count: int
    columns: int
    long: bool
    locale: str
    dated: bool

    @property
    def schedule(self) -> Schedule:
        return course(*self)


CASES = [
    *(Case(count, columns, False, "en-GB", True) for count, columns in SIZES),
    Case(60, 15, True, "en-GB", True), Case(60, 15, False, "zh", True), Case(60, 15, True, "zh", True), Case(180, 30, True, "zh", True),
    Case(14, 6, False, "en-US", True), Case(14, 6, False, "en-GB", False), Case(60, 15, True, "zh", False),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)), scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="module")
def made(case: Case) -> Schedule:
    return case.schedule


def wanted(made: Schedule) -> list[Told]:
    return sorted((row.order, row.number, row.day, "HOLD" if row.held else f"{row.amount.decimal:f} {row.amount.unit}") for row in made)


def printed(made: Schedule) -> list[tuple[str, str, str]]:
    """Day, dose number and amount of each administration as paper shows them, in time order."""
    rows = [(wording.day(row.day), f"{row.number} of {row.of}", amount_text(made, row)) for row in made]
    return [tuple(text.replace("\u00a0", " ") for text in row) for row in rows]


def day_of(text: str) -> int:
    return int(text.removeprefix("D"))


# Data formats


def test_csv(made: Schedule) -> None:
    rows = list(csv.DictReader(io.StringIO(to_bytes(made, "csv").decode(), newline="")))
    found = [(row["order"], int(row["number"]), day_of(row["day"]), row["held"] or f"{Decimal(row['amount']):f} {row['unit']}") for row in rows]
    assert sorted(found) == wanted(made)


def test_json(made: Schedule) -> None:
    rows = json.loads(to_bytes(made, "json"))["administrations"]
    found = [(r["order"], r["number"], r["day"], "HOLD" if r["held"] else f"{Decimal(r['amount']['value']):f} {r['amount']['unit']}") for r in rows]
    assert sorted(found) == wanted(made)


def sheet_rows(data: bytes) -> list[dict[str, Any]]:
    book = pytest.importorskip("openpyxl").load_workbook(io.BytesIO(data))
    head, *rows = book["Administrations"].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def workbook_doses(rows: list[dict[str, Any]]) -> list[Told]:
    return sorted((r["Order"], r["Number"], day_of(r["Day"]), "HOLD" if r["Amount"] == "HOLD" else f"{Decimal(str(r['Amount'])).normalize():f} {r['Unit']}") for r in rows)


def test_workbook(made: Schedule) -> None:
    pytest.importorskip("xlsxwriter")
    rows = sheet_rows(to_bytes(made, "xlsx"))
    assert workbook_doses(rows) == wanted(made)
    assert [row["Drug"] for row in rows] == [name_of(made, row.order) for row in made]


@pytest.mark.parametrize("form", ["ods", "xlsx"])
def test_workbook_survives_libreoffice(form: str) -> None:
    """Written, opened and saved by LibreOffice, and opened again: the same doses, days, holds and start times."""
    pytest.importorskip("xlsxwriter")
    if not shutil.which("soffice"):
        pytest.skip("LibreOffice is not installed")
    made = course(180, 30, True, "zh")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.xlsx").write_bytes(to_bytes(made, "xlsx"))
        converted(folder, "in.xlsx", form, f"{folder}/one")
        converted(folder, f"one/in.{form}", "xlsx", f"{folder}/two")
        rows = sheet_rows(Path(folder, "two", "in.xlsx").read_bytes())
    assert workbook_doses(rows) == wanted(made)
    assert [datetime.fromisoformat(f"{row['Start'].isoformat()}{row['UTC offset']}").timestamp() for row in rows] == [row.seconds for row in made]


def converted(folder: str, name: str, form: str, out: str) -> None:
    profile = f"-env:UserInstallation=file://{folder}/profile"  # a profile of its own: another LibreOffice may run
    command = ["soffice", profile, "--headless", "--convert-to", form, "--outdir", out, str(Path(folder, name))]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def test_calendar(case: Case, made: Schedule) -> None:
    library = pytest.importorskip("icalendar")
    if not case.dated:
        with pytest.raises(UsageError, match="day 0"):
            to_bytes(made, "ics")
        return
    events = list(library.Calendar.from_ical(to_bytes(made, "ics")).walk("VEVENT"))
    assert [event.decoded("dtstart").timestamp() for event in events] == [row.seconds for row in made]
    for event, row in zip(events, made, strict=True):
        said = str(event["summary"])
        assert f"dose {row.number} of {row.of}, Day {wording.signed(row.day)}" in said and name_of(made, row.order) in said
        assert said.startswith("HOLD") == row.held
        assert row.held or amount_text(made, row).replace("\u00a0", " ") in said


def test_fhir(made: Schedule) -> None:
    bundle = pytest.importorskip("fhir.resources.R4B.bundle").Bundle.model_validate_json(to_bytes(made, "fhir.json"))
    found = []
    for request in (entry.resource for entry in bundle.entry if entry.resource.get_resource_type() == "MedicationRequest"):
        order = request.identifier[0].value.partition(".")[2]
        found += [(order, dosage.sequence, _fhir_day(dosage), _fhir_amount(dosage)) for dosage in request.dosageInstruction]
    assert sorted(found) == wanted(made)


def _fhir_day(dosage: Any) -> int:
    event = dosage.timing.event
    return (event[0].date() - DAY0).days if event else day_of(dosage.timing.code.text.partition(",")[0])


def _fhir_amount(dosage: Any) -> str:
    if not dosage.doseAndRate:
        return "HOLD" if "HOLD" in dosage.text else ""
    quantity = dosage.doseAndRate[0].doseQuantity
    return f"{Decimal(quantity.value).normalize():f} {quantity.unit}"


# Pages


@pytest.mark.parametrize("extension", ["txt", "md", "html"])
def test_text_pages(made: Schedule, extension: str) -> None:
    assert [(day, number, amount.removeprefix("暂停 ")) for day, number, amount in entries(made, extension)] == printed(made)


def pdf_pages(made: Schedule, pages: str, paper: str = "a4") -> list[str]:
    """The words of each page, as pypdf reads them in the order they are drawn."""
    pytest.importorskip("typst"), pytest.importorskip("segno")
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(made, "pdf", pages, paper)))
    return [re.sub(r"[\s\u00a0\u200b]+", " ", page.extract_text()) for page in reader.pages]


AMOUNT = r"[\d,.]+ (?:mg|micrograms|mcg|million cells|cells)|HOLD"
ROW = re.compile(rf"(\d+ of \d+) (?:暂停 )?({AMOUNT})")
DAY = re.compile(r"(Day (?:[−+]\d+|0))(?: (?:\w{3} \d\d \w{3} \d{4}|\d{4}-\d\d-\d\d \S+))?(?: (?:周末 )?weekend|(?: 移植)? TRANSPLANT)? (?:开始 )?Start")


def read_days(pages: list[str]) -> list[tuple[str, str, str]]:
    """Day, dose number and amount of every line of the day pages, a day that goes over a page once more headed."""
    parts = DAY.split(" ".join(pages))
    return [(day, *found) for day, body in zip(parts[1::2], parts[2::2], strict=True) for found in ROW.findall(body)]


def test_day_pages_of_the_pdf(made: Schedule) -> None:
    assert read_days(pdf_pages(made, "days")) == printed(made)


def test_grid_of_the_pdf(case: Case, made: Schedule) -> None:
    """Every day heads one column and every dose number stands once; amounts and HOLDs are as many as cells."""
    pages = pdf_pages(made, "grid")
    text = " ".join(pages)
    days = {wording.day(row.day).replace("\u00a0", " ") for row in made}
    assert all(re.search(rf"{re.escape(day)}(?!\d)", text) for day in days)
    ranges = re.findall(r"doses? (\d+)(?: to (\d+))? of \d+", text)
    assert sum(int(last or first) - int(first) + 1 for first, last in ranges) == len(made)
    held = {(row.order, row.day) for row in made if row.held}
    assert len(re.findall(r"HOLD doses? \d", text)) == len(held)
    assert len(pages) <= 1 + 2 * -(-case.columns // 9)


def test_the_record_of_the_pdf_is_short(made: Schedule) -> None:
    pages = pdf_pages(made, "record")
    assert len(pages) <= 2 and all(f"{row.derivation.calculated}" for row in made)


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_the_seed_is_two_pages_before_the_day_pages(paper: str, seed: Callable[..., Schedule]) -> None:
    first = pdf_pages(seed(), "grid,record", paper)
    assert len(first) == 2 and "Open queries" in first[0] and "atg.measurable" in first[0] and "Document code" in first[1]
    second = pdf_pages(seed("SAA-II"), "grid,record", paper)
    assert len(second) <= {"a4": 3, "letter": 4}[paper]
    assert paper == "letter" or "bu.days: QUERY" in second[0]


# The seed for 62.5 kg and 168 cm (1.71 m²), by hand: fludarabine 51.3 mg → 51, cyclophosphamide 1,026 → 1,030, cells 5e5 × 62.5,
# busulfan 0.6 × 62.5 = 37.5 → 37.8 (62.5 steps of 0.6 mg, half away from zero), six-hourly from 02:00 on day −8; a graft has no dose.
LAST = """
    Day −4: 2 of 4 51 mg; 2 of 4 1,030 mg; 1 of 4 HOLD
    Day −3: 3 of 4 51 mg; 3 of 4 1,030 mg; 2 of 4 HOLD
    Day −2: 4 of 4 51 mg; 4 of 4 1,030 mg; 3 of 4 HOLD
    Day −1: 4 of 4 HOLD
    Day 0: 1 of 1 31.25 million cells; 1 of 1 dose not given in source"""
SEED = {
    "SAA-I": f"Day −5: 1 of 4 51 mg; 1 of 4 1,030 mg{LAST}",
    "SAA-II": f"""
    Day −8: 1 of 16 37.8 mg; 2 of 16 37.8 mg; 3 of 16 37.8 mg; 4 of 16 37.8 mg
    Day −7: 5 of 16 37.8 mg; 6 of 16 37.8 mg; 7 of 16 37.8 mg; 8 of 16 37.8 mg
    Day −6: 9 of 16 37.8 mg; 10 of 16 37.8 mg; 11 of 16 37.8 mg; 12 of 16 37.8 mg
    Day −5: 13 of 16 37.8 mg; 14 of 16 37.8 mg; 1 of 4 51 mg; 1 of 4 1,030 mg; 15 of 16 37.8 mg; 16 of 16 37.8 mg{LAST}""",
}


@pytest.mark.parametrize("stratum", SEED)
@pytest.mark.parametrize("extension", ["txt", "md", "html"])
def test_the_seed_reads_back_as_worked_by_hand(extension: str, stratum: str, seed: Callable[..., Schedule]) -> None:
    assert entries(seed(stratum), extension) == by_hand(SEED[stratum])


@pytest.mark.parametrize("stratum", SEED)
def test_the_day_pages_of_the_seed_read_back_as_worked_by_hand(stratum: str, seed: Callable[..., Schedule]) -> None:
    assert read_days(pdf_pages(seed(stratum), "days")) == [line for line in by_hand(SEED[stratum]) if "not given" not in line[2]]


@pytest.fixture
def seed() -> Callable[..., Schedule]:
    from dosing import Patient, plan

    def made(stratum: str = "SAA-I") -> Schedule:
        extra, hours = ({"flu_in_saa2": "yes"}, {"bu": "02:00"}) if stratum == "SAA-II" else ({}, {})
        patient = Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", creatinine="0.9 mg/dL")
        return plan("nct07299123", patient, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00", **hours}, choose={"stratum": stratum, "cy.dose": "600 mg/m2/day", **extra})

    return made
