"""A second issue on paper: what changed is marked where it stands, and the notice calls the first one back.

And who may see what: a print that tells the arm of a blinded trial says so everywhere, any other tells nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from schedules import Words, saa_one

from dosing import Patient, plan, render
from dosing.course.issues import changes
from dosing.errors import UsageError
from dosing.render import FORMATS, to_bytes, to_text_of
from dosing.render.pages import PAGES
from dosing.render.sheet import sheet
from dosing.schedule import Schedule

WHO = {"height": "168 cm", "sex": "M", "creatinine": "0.9 mg/dL", "name": "EXAMPLE, Test", "id": "000-TEST-001", "born": "1995-03-01", "weighed": "2027-01-09"}


def seed(weight: str = "62.5 kg", **more: Any) -> Schedule:
    choose = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day", **more.pop("choose", {})}
    return plan("nct07299123", Patient(weight=weight, **{**WHO, **more.pop("who", {})}), day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=choose, **more)


@pytest.fixture(scope="module")
def second() -> Schedule:
    """The second issue, after the weight went from 62.5 to 70 kg."""
    old, new = seed(), seed("70 kg", printed_at="2027-01-10T08:00:00+08:00")
    return replace(new, issue=2, replaces=1, changed=changes(old.to_dict(), new.to_dict()))


def words(data: bytes) -> str:
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(data))
    return re.sub(r"[\s\u00a0]+", " ", " ".join(page.extract_text() for page in reader.pages))


# What changed


def test_a_changed_dose_says_what_it_was(second: Schedule) -> None:
    """Fludarabine 30 mg/m2: 1.71 m2 gives 51 mg, 1.81 m2 gives 54 mg."""
    cell = next(row for row in sheet(second).rows if row.order == "flu").cells[0]
    assert (cell.amount, cell.changed) == ("54\u00a0mg", "changed, was 51\u00a0mg")
    text = to_text_of(second, "txt")
    assert text.count("* 54 mg") == 8 and "* Fludarabine doses 1 to 4 amount: 51 mg → 54 mg" in text
    assert r"**\* 54 mg**" in to_text_of(second, "md").replace("\u00a0", " ")
    assert "changed, was 51 mg" in to_text_of(second, "html").replace("\u00a0", " ")
    assert "* " not in "".join(line for line in to_text_of(seed(), "txt").splitlines() if "mg" in line)


def test_the_workbook_tells_changes(second: Schedule) -> None:
    pytest.importorskip("xlsxwriter")
    book = pytest.importorskip("openpyxl").load_workbook(io.BytesIO(to_bytes(second, "xlsx")))
    head, *rows = book["Administrations"].iter_rows(values_only=True)
    told = [row[head.index("Changed")] for row in rows if row[head.index("Order")] == "flu"]
    assert told == ["changed, was 51 mg"] * 4
    assert ("Fludarabine doses 1 to 4 amount", "51 mg", "54 mg") in list(book["Changes"].iter_rows(values_only=True))


def test_an_added_dose_is_new() -> None:
    added = {"order": "flu", "number": 4, "what": "added", "from": "", "to": "2026-12-07T09:00:00+08:00 55 mg"}
    cells = next(row for row in sheet(saa_one(issue=2, replaces=1, changed=(added,))).rows if row.order == "flu").cells
    assert [cell.changed for cell in cells][:4] == ["", "", "", "new since issue 1"]


# The notice


@pytest.mark.parametrize("extension", ["pdf", "txt", "md"])
def test_the_notice_names_both_issues_and_every_change(second: Schedule, tmp_path: Path, extension: str) -> None:
    if extension == "pdf":
        pytest.importorskip("typst")
    path = render.notice(second, tmp_path / f"notice.{extension}")
    data = path.read_bytes()
    text = words(data) if extension == "pdf" else re.sub(r"[\s\u00a0\\*]+", " ", data.decode())
    assert "SUPERSEDED: issue 1 is no longer valid" in text and "Issue 2 replaces it from 10 Jan 2027 08:00. Take every copy of issue 1 away." in text
    assert "000-TEST-001" in text and "replaces issue 1" in text and sheet(second).document in text
    for change in ("62.5 kg → 70 kg", "51 mg → 54 mg", "1,030 mg → 1,090 mg", "31.25 million cells → 35 million cells"):
        assert change in text
    assert render.notice(second, path).read_bytes() == data


def test_a_notice_about_no_earlier_issue_is_refused(second: Schedule, tmp_path: Path) -> None:
    for made, number in ((seed(), None), (second, 2), (second, 3), (second, 0)):
        with pytest.raises(UsageError, match="not superseded"):
            render.notice(made, tmp_path / "notice.txt", number)
    with pytest.raises(UsageError, match=r"\.md, \.pdf, \.txt"):
        render.notice(second, tmp_path / "notice.html")
    assert not list(tmp_path.iterdir())


def test_a_notice_from_the_lines_of_a_difference(tmp_path: Path) -> None:
    path = render.notice_of(["weight 70 → 64 kg", "fludarabine: dose 55 → 52 mg"], tmp_path / "notice.txt", "one.json", "two.json")
    text = path.read_text().replace("  ", "")
    assert "SUPERSEDED: one.json is no longer valid" in text and "Replaced by: two.json" in text and "* fludarabine: dose 55 → 52 mg" in text


# Calendar and bundle


def uids(made: Schedule) -> list[str]:
    library = pytest.importorskip("icalendar")
    return [str(event["uid"]) for event in library.Calendar.from_ical(to_bytes(made, "ics")).walk("VEVENT")]


def names(made: Schedule) -> set[str]:
    return set(re.findall(r'"fullUrl": "([^"]+)"', to_text_of(made, "fhir.json")))


def test_a_new_issue_updates_what_was_imported(second: Schedule) -> None:
    """By the patient's number, else by name and birth date; day 0 may move."""
    assert uids(second) == uids(seed()) and names(second) == names(seed())
    anonymous = {"id": None}
    assert uids(seed(who=anonymous)) == uids(seed("70 kg", who=anonymous)) != uids(seed())
    assert uids(replace(seed(), issue=3)) == uids(seed())


def test_two_people_without_a_name_never_share_an_event() -> None:
    nobody = {"id": None, "name": None}
    assert not set(uids(seed(who=nobody))) & set(uids(seed("70 kg", who=nobody)))
    assert not names(seed(who=nobody)) & names(seed("70 kg", who=nobody))


# Blinding

ARM = re.compile(rb"hypoxi|conventional|preconditioned|unblinded|\b[23]d\b|[23]D-", re.I)


def parts(made: Schedule, extension: str) -> list[bytes]:
    """What a file holds as readable bytes; a PDF by its words and its data about itself."""
    data = to_bytes(made, extension, PAGES)
    if extension == ".pdf":
        reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(data))
        return [words(data).encode(), str(reader.metadata).encode(), str(reader.xmp_metadata and reader.xmp_metadata.stream.get_data()).encode()]
    if extension == ".html":
        return [data, " ".join(Words.of(data.decode())).encode()]
    if extension != ".xlsx":
        return [data.replace(b"\r\n ", b"")]  # a calendar folds long lines
    book = zipfile.ZipFile(io.BytesIO(data))
    return [re.sub(rb"<[^>]*>", b" ", book.read(name)) for name in book.namelist() if "theme" not in name]


@pytest.mark.parametrize("extension", sorted(FORMATS))
def test_a_blinded_plan_tells_no_arm_and_an_unblinded_one_says_so(extension: str) -> None:
    blinded, told = seed(), seed(choose={"arm": "3d"})
    assert not [found for part in parts(blinded, extension) if (found := ARM.findall(part))]
    said = b" ".join(parts(told, extension))
    if extension not in (".csv", ".json", ".parquet"):  # rows for programs: CSV and Parquet hold no choice, JSON the choice as it was made
        assert b"UNBLINDED: pharmacy only" in said
    if extension in (".pdf", ".html", ".txt", ".md", ".xlsx"):
        assert re.search(rb"arm[\s\W]+3d", said, re.I)


def test_an_arm_of_an_unknown_regimen_counts_as_blinding() -> None:
    strange = {"id": "not-in-the-library", "version": "1", "status": "draft", "sha256": "0" * 64}
    assert "UNBLINDED" in sheet(saa_one(regimen=strange, choices={"arm": "2d"})).status
    assert "UNBLINDED" not in sheet(saa_one(regimen=strange, choices={"arm": "blinded", "stratum": "SAA-I"})).status
