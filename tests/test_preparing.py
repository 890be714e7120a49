"""The preparation list on paper: what was stated stands there, what was not is asked for, nothing is assumed."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from schedules import saa_one

from dosing import Patient, plan, prepare
from dosing.render import to_bytes, to_text_of
from dosing.render.sheet import document, sheet
from dosing.schedule import Schedule


@pytest.fixture(scope="module")
def made() -> Schedule:
    change = {"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}
    who = Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", creatinine="0.9 mg/dL")
    choose = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}
    return plan("nct07299123", who, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=choose, set=change, by="AB", reason="letter")


def lines(made: Schedule, **stated: Any) -> dict[str, Any]:
    given = prepare(made, **stated) if stated else None
    return {line.drug.split()[0]: line for line in sheet(made, given).preparation.lines}


def test_what_nobody_stated_is_asked_for() -> None:
    found = {line.drug: line for line in sheet(saa_one()).preparation.lines}
    assert found["fludarabine"].cells[1:] == ("4\u00a0×\u00a055\u00a0mg, Day\u00a0−5 to −2", "ask: product", *["not entered"] * 5)
    asked = found["umbilical-cord mesenchymal stromal cells"].product
    assert asked.startswith("ask: ") and "concentration" in asked and "viability" in asked
    assert "antithymocyte globulin" not in found
    notes = {fact.label: fact.text for fact in sheet(saa_one()).preparation.notes}
    assert "held" in notes["antithymocyte globulin"] and "no dose in the source" in notes["haematopoietic stem cells"]


def test_vials_volume_bag_and_rate_by_hand(made: Schedule) -> None:
    """Thymoglobulin 25 mg in 5 mL: 2.5 mg/kg × 62.5 kg = 156 mg is 31.2 mL from 7 vials; in a 500 mL bag over 4 hours."""
    line = lines(made)["antithymocyte"]
    assert "7\u00a0×\u00a025\u00a0mg" in line.product and line.volume.startswith("31.2\u00a0mL") and "ask: bag" in line.fluid
    stated = lines(made, volumes={"atg": "500 mL"}, graduation="0.1 mL", withdraw=True)["antithymocyte"]
    assert "final 500\u00a0mL" in stated.fluid and stated.concentration == "0.312\u00a0mg/mL"
    assert {line.rate for line in sheet(made, prepare(made, volumes={"atg": "500 mL"}, graduation="0.1 mL", withdraw=True)).preparation.lines if line.drug.startswith("antithymocyte")} == {
        "83.3\u00a0mL/h", "125\u00a0mL/h",
    }  # fmt: skip


def test_no_dose_is_lost_in_the_groups(made: Schedule) -> None:
    counted = sum(int(line.doses.partition("\u00a0")[0]) for line in sheet(made).preparation.lines)
    assert counted == len(prepare(made)) == sum(row.amount is not None for row in made)


def test_a_stated_preparation_is_part_of_the_document(made: Schedule) -> None:
    stated = prepare(made, volumes={"atg": "500 mL"}, graduation="0.1 mL", withdraw=True)
    assert document(made, stated) != document(made) == document(made, None)
    assert to_bytes(made, "txt", preparation=stated) != to_bytes(made, "txt")


@pytest.mark.parametrize("extension", ["txt", "md", "pdf", "xlsx"])
def test_every_paper_has_the_list(made: Schedule, extension: str) -> None:
    assert all(word in read(made, extension) for word in ("ask: product", "31.2 mL", "7 × 25 mg", "filter"))


def read(made: Schedule, extension: str) -> str:
    """The words of one format with plain blanks."""
    if extension == "pdf":
        pytest.importorskip("typst"), pytest.importorskip("segno")
        reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(made, "pdf", "record")))
        return re.sub(r"[\s\u00a0\u200b]+", " ", " ".join(page.extract_text() for page in reader.pages))
    if extension == "xlsx":
        book = pytest.importorskip("openpyxl").load_workbook(io.BytesIO(to_bytes(made, "xlsx")))
        return " ".join(str(cell) for row in book["Preparation"].iter_rows(values_only=True) for cell in row)
    return re.sub(r"[\s\u00a0]+", " ", to_text_of(made, extension))


def test_drugs_of_another_library_are_not_prepared_from_this_one() -> None:
    rows = tuple(row._replace(drug="only-there") for row in saa_one())
    listed = sheet(saa_one(administrations=rows)).preparation
    assert not listed.lines and "library" in listed.notes[0].text


@pytest.mark.parametrize("extension", ["txt", "md", "html", "pdf"])
def test_what_is_drawn_up_stands_beside_the_dose_on_every_page(extension: str) -> None:
    """51 mg from 25 mg/mL are 2.04 mL; at marks of 0.1 mL 2 mL are drawn up, 50 mg, −2 %."""
    if extension == "pdf":
        pytest.importorskip("typst"), pytest.importorskip("segno")
    schedule = released()
    given = prepare(schedule, products={"flu": "solution"}, volumes={"flu": "100 mL"}, graduation="0.1 mL")
    page = sheet(schedule, given)
    flu = next(row for row in page.rows if row.order == "flu")
    told = "drawn up 50\u00a0mg in 2\u00a0mL, −2.0\u00a0%"
    assert flu.cells[0].amount == "51\u00a0mg" and told.replace("\u00a0%", " %") in flu.cells[0].lines
    assert {line.entry.drawn for day in page.days for line in day.lines if line.entry.drug == "fludarabine"} == {told.replace("\u00a0%", " %")}
    data = to_bytes(schedule, extension, ("grid", "days"), preparation=given)
    if extension != "pdf":
        assert "drawn up 50 mg" in re.sub(r"[\s\u00a0]+", " ", data.decode())
    line = next(line for line in page.preparation.lines if line.drug == "fludarabine")
    assert line.volume.replace("\u00a0", " ").startswith("2 mL = 50 mg, −2.0 % of 51 mg ordered")


def released() -> Schedule:
    """The seed plan with nothing held."""
    change = {"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}
    who = Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", creatinine="0.9 mg/dL")
    choose = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}
    return plan("nct07299123", who, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=choose, set=change, by="AB", reason="letter")


def test_a_warning_stands_in_its_row_and_a_label_forbids_no_run_silently(made: Schedule) -> None:
    given = prepare(made, products={"cy": "powder-1-g"}, volumes={"cy": "500 mL", "atg": "500 mL"}, withdraw=False)
    page = sheet(made, given)
    line = next(line for line in page.preparation.lines if line.drug == "cyclophosphamide")
    assert any("take 51.5\u00a0mL more" in text for text in line.warnings) and "51.5\u00a0mL more" in line.cells[1]
    assert not any("more?" in note.text for note in page.preparation.notes)


def test_days_with_gaps_are_listed() -> None:
    rows = tuple(row._replace(day=day) for row, day in zip((row for row in saa_one() if row.order == "flu"), (3, 6, 11, 12), strict=True))
    assert sheet(saa_one(administrations=rows)).preparation.lines[0].doses.endswith("Day\u00a0+3, +6, +11, +12")
