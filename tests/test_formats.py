"""Workbook, calendar and FHIR bundle, each read back by an independent reader: same doses, days and holds."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from schedules import DAY0, releasable, saa_one, saa_two

from dosing import Course, Patient, plan
from dosing.errors import UsageError
from dosing.render import extension, render, to_bytes, wording
from dosing.schedule import Schedule
from dosing.units import UNITS, ucum

CASES = {"saa1": saa_one, "saa1-relative": lambda: saa_one(False), "saa2": saa_two, "saa2-relative": lambda: saa_two(False), "released": releasable}
DATED = ("saa1", "saa2", "released")
EXTENSIONS = {".xlsx": "xlsxwriter", ".ics": "icalendar", ".fhir.json": "", ".parquet": "pyarrow"}
Told = tuple[str, int, int, str]  # order, number, day, amount or HOLD


@pytest.fixture(params=CASES)
def schedule(request: pytest.FixtureRequest) -> Schedule:
    return CASES[request.param]()


@pytest.fixture(params=DATED)
def dated(request: pytest.FixtureRequest) -> Schedule:
    return CASES[request.param]()


def wanted(schedule: Schedule) -> list[Told]:
    return [(row.order, row.number, row.day, "HOLD" if row.held else f"{row.amount.decimal} {row.amount.unit}" if row.amount else "") for row in schedule]


def seed(**more: Any) -> Schedule:
    given = {"day0": "2026-12-09", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}} | more
    return plan("nct07299123", Patient(weight="70 kg", height="170 cm", age="34 y", name="=cmd|' /C calc'!A0", id="+1"),
                choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}, **given)  # fmt: skip


def test_the_longest_extension_wins(tmp_path) -> None:
    assert extension("a.fhir.json") == ".fhir.json" and extension("a.json") == ".json"
    path = render(saa_one(), tmp_path / "course.FHIR.json")
    assert json.loads(path.read_bytes())["resourceType"] == "Bundle"


@pytest.mark.parametrize("suffix", EXTENSIONS)
def test_same_bytes_twice(suffix: str) -> None:
    if EXTENSIONS[suffix]:
        pytest.importorskip(EXTENSIONS[suffix])
    assert to_bytes(saa_two(), suffix) == to_bytes(saa_two(), suffix)


@pytest.mark.parametrize(("suffix", "module", "extra"), [(".xlsx", "xlsxwriter", "xlsx"), (".ics", "icalendar", "ical"), (".parquet", "pyarrow", "cohort")])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, suffix: str, module: str, extra: str) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(UsageError, match=rf"dosing\[{extra}\]"):
        to_bytes(saa_one(), suffix)


def test_the_bundle_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fhir.resources", None)
    assert to_bytes(saa_one(), ".fhir.json")


# Workbook


def book(schedule: Schedule) -> Any:
    pytest.importorskip("xlsxwriter")
    return pytest.importorskip("openpyxl").load_workbook(io.BytesIO(to_bytes(schedule, "xlsx")))


def table(schedule: Schedule, name: str) -> list[dict[str, Any]]:
    head, *rows = book(schedule)[name].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_workbook_holds_every_dose(schedule: Schedule) -> None:
    rows = table(schedule, "Administrations")
    found = [(r["Order"], r["Number"], int(r["Day"].removeprefix("D")), _amount(r)) for r in rows]
    assert found == wanted(schedule)
    assert [(r["Calculated"], r["Calculated unit"]) for r in rows] == [(float(x.calculated.value), wording.unit(x.calculated.unit, schedule.locale)) if x.calculated else (None, None) for x in schedule]
    assert {(r["Amount"] == "HOLD", r["State"] == "HOLD") for r in rows} <= {(True, True), (False, False)}


def _amount(row: dict[str, Any]) -> str:
    return "HOLD" if row["Amount"] == "HOLD" else f"{Decimal(str(row['Amount']))} {row['Unit']}" if row["Amount"] is not None else ""


def test_cells_are_typed(dated: Schedule) -> None:
    for row, made in zip(table(dated, "Administrations"), dated, strict=True):
        assert row["Date"].date() == made.date and isinstance(row["Number"], int)
        assert datetime.fromisoformat(row["Start"].isoformat() + row["UTC offset"]).timestamp() == made.seconds
        assert row["Amount"] is None or row["Amount"] == "HOLD" or isinstance(row["Amount"], int | float)


def test_totals_and_findings_have_sheets(schedule: Schedule) -> None:
    totals = {row["Order"]: _amount(row) for row in table(schedule, "Totals")}
    assert totals == {t.order: f"{t.amount.decimal} {t.amount.unit}" if t.amount else "HOLD" for t in schedule.totals}
    findings = table(schedule, "Findings")
    assert [(row["Id"], row["Level"], row["Open"] == "open") for row in findings] == [(f.id, f.level, f.is_open) for f in schedule.findings]
    state = table(schedule, "Basis")[0]["Value"]
    assert ("NOT RELEASABLE" in state) is not schedule.releasable and "DRAFT" in state


def test_nothing_in_the_workbook_is_a_formula() -> None:
    made = seed(set={"flu.dose": "25 mg/m2/day"}, by="@SUM(1)", reason="=HYPERLINK(\"http://x\")")
    cells = [cell for sheet in book(made) for row in sheet.iter_rows() for cell in row if cell.value is not None]
    texts = [cell.value for cell in cells if cell.data_type == "s"]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"} and "=cmd|' /C calc'!A0" in texts
    files = zipfile.ZipFile(io.BytesIO(to_bytes(made, "xlsx")))
    assert not [name for name in files.namelist() if b"<f>" in files.read(name) or b"hyperlink" in files.read(name).lower() and "worksheets" in name]
    assert all(cell.style and cell.quotePrefix for cell in cells if cell.data_type == "s" and str(cell.value).startswith(("=", "+", "-", "@")))


def test_the_workbook_prints_with_headings_and_page_numbers() -> None:
    for sheet in book(saa_one()):
        assert sheet.print_title_rows == "$1:$1" and sheet.page_setup.orientation == "landscape"
        assert "&P of &N" in sheet.oddFooter.right.text.replace("[Page]", "P") or "Page" in sheet.oddFooter.right.text
        assert "EXAMPLE, Test" in sheet.oddHeader.left.text and "NOT RELEASABLE" in sheet.oddHeader.right.text


def test_a_long_name_with_ampersands_fits_the_header() -> None:
    made = saa_one(identity={"name": "A&" * 59, "id": "&D" * 40})
    raw = zipfile.ZipFile(io.BytesIO(to_bytes(made, "xlsx"))).read("xl/worksheets/sheet1.xml").decode()
    head = re.search(r"<oddHeader>(.*?)</oddHeader>", raw, re.S)[1].replace("&amp;", "&")
    assert len(head) <= 255 and not re.search(r"&[A-Z]", head.replace("&&", "").replace("&L", "", 1).replace("&R", "", 1))


def test_a_number_a_spreadsheet_cannot_hold_stays_text() -> None:
    first = saa_one().administrations[0]
    exact = "12345678901234567.5"
    row = first._replace(amount=replace(first.amount, value=exact))
    assert table(saa_one(administrations=(row,)), "Administrations")[0]["Amount"] == exact


# Calendar


def events(schedule: Schedule) -> list[Any]:
    library = pytest.importorskip("icalendar")
    return list(library.Calendar.from_ical(to_bytes(schedule, "ics")).walk("VEVENT"))


def test_the_calendar_holds_every_dose(dated: Schedule) -> None:
    found = events(dated)
    assert [event.decoded("dtstart").timestamp() for event in found] == [row.seconds for row in dated]
    assert [_day(event) for event in found] == [row.day for row in dated]
    for event, row in zip(found, dated, strict=True):
        text = str(event["summary"])
        assert f"dose {row.number} of {row.of}" in text
        assert text.startswith("HOLD, do not prepare") is row.held
        assert row.held or row.amount is None or row.amount.unit == "cells" or f"{row.amount.decimal:,} {row.amount.unit}" in text
        assert not row.held or not re.search(r"\d (?:mg|mc|micro|cells|million)", text + str(event["description"]).partition("Document")[0])
        assert event["status"] == ("CONFIRMED" if dated.releasable else "TENTATIVE")


def _day(event: Any) -> int:
    return int(re.search(r"Day ([−+]?\d+)", str(event["summary"]))[1].replace("−", "-"))


def test_durations_end_events(dated: Schedule) -> None:
    for event, row in zip(events(dated), dated, strict=True):
        assert ("dtend" in event) is bool(row.minutes)
        assert not row.minutes or (event.decoded("dtend") - event.decoded("dtstart")).total_seconds() == row.minutes * 60


def test_uids_stay_when_the_plan_is_issued_again() -> None:
    first, moved = saa_two(), saa_two(first=3, patient={"weight": {"value": "64", "unit": "kg"}}, issue=2)
    uids = [str(event["uid"]) for event in events(first)]
    assert len(set(uids)) == len(uids) == 30
    assert set(uids) == {str(event["uid"]) for event in events(moved)}
    assert {int(event["sequence"]) for event in events(first)} == {0} and {int(event["sequence"]) for event in events(moved)} == {1}
    assert "000-TEST-001" not in "".join(uids)
    other = saa_two(identity={"id": "000-TEST-002"})
    assert not set(uids) & {str(event["uid"]) for event in events(other)}


def test_no_name_is_shown_unless_one_was_given() -> None:
    assert "EXAMPLE" in to_bytes(saa_one(), "ics").decode()
    text = to_bytes(saa_one(identity={"id": "000-TEST-001"}), "ics").decode()
    assert "EXAMPLE" not in text and "000-TEST-001" not in text


def test_no_clock_is_read() -> None:
    assert {event.decoded("dtstamp") for event in events(saa_one())} == {datetime(2026, 12, 9, tzinfo=UTC)}
    printed = events(saa_one(printed_at="2026-12-01T10:00:00+08:00"))
    assert {event.decoded("dtstamp") for event in printed} == {datetime(2026, 12, 1, 2, tzinfo=UTC)}
    assert {event.decoded("dtstamp") for event in events(saa_one(printed_at="this morning"))} == {datetime(2026, 12, 9, tzinfo=UTC)}


def test_a_relative_schedule_has_no_calendar(tmp_path) -> None:
    with pytest.raises(UsageError, match="day 0"):
        render(saa_one(False), tmp_path / "sheet.ics")
    assert list(tmp_path.iterdir()) == []


def test_the_doubled_hour_of_october_is_not_lost() -> None:
    """02:30 comes twice on 31 October 2027 in Berlin; a calendar reads the first, so the second stands in UTC."""
    pytest.importorskip("icalendar")
    for which, utc in (("first", "00:30"), ("second", "01:30")):
        made = seed(day0="2027-10-31", zone="Europe/Berlin", times={"hsc": f"02:30 {which}"})
        graft = next(event for event in events(made) if "stem cells" in str(event["summary"]))
        assert f"{graft.decoded('dtstart').astimezone(UTC):%H:%M}" == utc
    assert b"BEGIN:VTIMEZONE" in to_bytes(made, "ics") and b"DTSTART:20271031T013000Z" in to_bytes(made, "ics")


# FHIR


def bundle(schedule: Schedule) -> dict[str, Any]:
    return json.loads(to_bytes(schedule, "fhir.json"), parse_float=Decimal, parse_int=Decimal)


def requests(schedule: Schedule) -> dict[str, dict[str, Any]]:
    found = [entry["resource"] for entry in bundle(schedule)["entry"]]
    return {one["identifier"][0]["value"].partition(".")[2]: one for one in found if one["resourceType"] == "MedicationRequest"}


def test_the_bundle_holds_every_dose(schedule: Schedule) -> None:
    codes = {ucum(unit): unit for unit in UNITS}
    found = sorted(told for order, one in requests(schedule).items() for told in (_read(order, dosage, codes) for dosage in one["dosageInstruction"]))
    assert found == sorted(wanted(schedule))


def _read(order: str, dosage: dict[str, Any], codes: dict[str, str]) -> Told:
    timing = dosage["timing"]
    day = (date.fromisoformat(timing["event"][0][:10]) - DAY0).days if "event" in timing else int(timing["code"]["text"].partition(",")[0].removeprefix("D"))
    amount = "HOLD" if "HOLD" in dosage["text"] else ""
    for dose in dosage.get("doseAndRate", ()):
        quantity = dose["doseQuantity"]
        amount = f"{quantity['value']} {codes[quantity['code']]}"
    return (order, int(dosage["sequence"]), day, amount)


def test_starts_are_exact(dated: Schedule) -> None:
    starts = {(order, int(d["sequence"])): datetime.fromisoformat(d["timing"]["event"][0]).timestamp() for order, one in requests(dated).items() for d in one["dosageInstruction"]}
    assert starts == {(row.order, row.number): row.seconds for row in dated}


def test_status_follows_release(schedule: Schedule) -> None:
    held = {row.order for row in schedule if row.held}
    status = "active" if schedule.releasable else "draft"
    assert {order: one["status"] for order, one in requests(schedule).items()} == {row.order: "on-hold" if row.order in held else status for row in schedule}
    assert all("doseAndRate" not in dosage for order in held for dosage in requests(schedule)[order]["dosageInstruction"])
    group = next(entry["resource"] for entry in bundle(schedule)["entry"] if entry["resource"]["resourceType"] == "RequestGroup")
    assert group["status"] == status and group["intent"] == "plan" and {one["intent"] for one in requests(schedule).values()} == {"plan"}
    names = [entry["fullUrl"] for entry in bundle(schedule)["entry"]]
    assert len(set(names)) == len(names) and {action["resource"]["reference"] for action in group["action"]} <= set(names)


def test_decimals_are_written_digit_for_digit() -> None:
    first = saa_one().administrations[0]
    row = first._replace(amount=replace(first.amount, value="0.1234567890123456789"))
    assert b'"value": 0.1234567890123456789,' in to_bytes(saa_one(administrations=(row,)), "fhir.json")


def test_the_rate_is_the_dose_over_its_minutes() -> None:
    dose = requests(saa_one())["flu"]["dosageInstruction"][0]["doseAndRate"][0]
    assert dose["rateRatio"]["numerator"] == dose["doseQuantity"]
    assert (dose["rateRatio"]["denominator"]["value"], dose["rateRatio"]["denominator"]["code"]) == (30, "min")


def test_the_bundle_has_the_structure_of_fhir(schedule: Schedule) -> None:
    resources = pytest.importorskip("fhir.resources.R4B.bundle")
    data = to_bytes(schedule, "fhir.json")
    read = resources.Bundle.model_validate_json(data)
    assert json.loads(read.model_dump_json(), parse_float=Decimal) == json.loads(data, parse_float=Decimal)


def test_a_real_plan_has_the_structure_of_fhir() -> None:
    resources = pytest.importorskip("fhir.resources.R4B.bundle")
    made = seed(printed_at="2026-12-01T10:00:00+08:00")
    assert resources.Bundle.model_validate_json(to_bytes(made, "fhir.json")).timestamp
    assert resources.Bundle.model_validate_json(to_bytes(seed(day0=None, zone=None, times={}), "fhir.json")).timestamp is None


def test_two_patients_share_no_name() -> None:
    one, other = ({entry["fullUrl"] for entry in bundle(saa_one(identity={"id": key}))["entry"]} for key in ("1", "2"))
    assert not one & other


@pytest.mark.parametrize("suffix", EXTENSIONS)
def test_a_blinded_plan_tells_no_arm(suffix: str) -> None:
    if EXTENSIONS[suffix]:
        pytest.importorskip(EXTENSIONS[suffix])
    data = to_bytes(seed(), suffix)
    parts = [data] if suffix != ".xlsx" else [zipfile.ZipFile(io.BytesIO(data)).read(name) for name in zipfile.ZipFile(io.BytesIO(data)).namelist() if "theme" not in name]
    assert not [part for part in parts if re.search(rb"hypoxi|conventional|preconditioned|unblinded", part, re.I)]


def test_a_given_dose_is_not_asked_for_again() -> None:
    made = saa_one()
    given = saa_one(administrations=tuple(row._replace(record={"given": {"by": "AB"}}) if (row.order, row.number) == ("flu", 1) else row for row in made))
    assert [dosage["sequence"] for dosage in requests(given)["flu"]["dosageInstruction"]] == [2, 3, 4]
    made_now = [entry["resource"] for entry in bundle(given)["entry"] if entry["resource"]["resourceType"] == "MedicationAdministration"]
    assert [(one["status"], one["effectiveDateTime"], one["dosage"]["dose"]["value"]) for one in made_now] == [("completed", "2026-12-04T09:00:00+08:00", 55)]
    assert [str(event["summary"])[:6] for event in events(given)].count("GIVEN:") == 1
    assert [row["State"] for row in table(given, "Administrations")].count("given") == 1


def test_texts_keep_the_print_rules() -> None:
    from test_render import UNSAFE

    texts = [str(event[key]) for event in events(saa_two()) for key in ("summary", "description")]
    texts += [dosage["text"] for one in requests(saa_two()).values() for dosage in one["dosageInstruction"]]
    text = "\n".join(texts).replace("nct07299123@1", "")
    assert {rule: re.findall(pattern, text)[:3] for rule, pattern in UNSAFE.items() if re.findall(pattern, text)} == {}


# Parquet


def stored(schedule: Schedule) -> Any:
    """A schedule's Parquet file, read back by pyarrow."""
    pyarrow = pytest.importorskip("pyarrow.parquet")
    return pyarrow.read_table(io.BytesIO(to_bytes(schedule, ".parquet")))


def test_parquet_holds_every_dose(schedule: Schedule) -> None:
    rows = stored(schedule).to_pylist()
    amounts = [f"{Decimal(row['amount'])} {row['unit']}" if row["amount"] else "HOLD" if row["held"] else "" for row in rows]
    assert [(row["order"], row["number"], row["day"], amount) for row, amount in zip(rows, amounts, strict=True)] == wanted(schedule)
    data = schedule.to_dict()["administrations"]
    for name in ("start", "end", "of", "held", "drug"):
        assert [row[name] for row in rows] == [row[name] for row in data], name
    assert [row["calculated"] for row in rows] == [row["calculated"] and row["calculated"]["value"] for row in data]
    assert [row["date"] and row["date"].isoformat() for row in rows] == [row["date"] for row in data]


def test_parquet_columns_have_the_same_types_in_every_schedule() -> None:
    """Dated, relative, held, given: a column that is empty in one schedule is of no other type there, so that files can be read together."""
    course = Course.start("nct07299123", {"weight": "70 kg", "height": "170 cm", "age": "34 y"}, day0="2026-12-09", zone="Asia/Shanghai",
                          times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})  # fmt: skip
    course.give("flu#1", "2026-12-04T09:10", by="N1")
    tables = [stored(made) for made in (*(make() for make in CASES.values()), course.schedule())]
    assert len({str(table.schema) for table in tables}) == 1
    kinds = {field.name: str(field.type) for field in tables[0].schema}
    assert [name for name, kind in kinds.items() if kind != "string"] == ["day", "date", "number", "of", "held"]
    assert (kinds["amount"], kinds["start"], kinds["date"], kinds["day"], kinds["held"]) == ("string", "string", "date32[day]", "int32", "bool")
    assert [(row["order"], row["start"]) for row in tables[-1].to_pylist() if row["done"]] == [("flu", "2026-12-04T09:10:00+08:00")]


def test_parquet_tells_what_was_given_in_part_and_missed() -> None:
    course = Course.start("nct07299123", {"weight": "70 kg", "height": "170 cm", "age": "34 y"}, day0="2026-12-09", zone="Asia/Shanghai",
                          times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})  # fmt: skip
    course.give("flu#1", "2026-12-04T09:10", "20 mg", partial=True, by="N1")
    course.miss("cy#1", outcome="omit", by="N2", why="vomiting")
    rows = {(row["order"], row["number"]): row for row in stored(course.schedule()).to_pylist()}
    told = [(rows[key]["done"], rows[key]["amount"], rows[key]["planned_amount"], rows[key]["planned_unit"]) for key in (("flu", 1), ("cy", 1), ("flu", 2))]
    assert told == [("partial", "20", "55", "mg"), ("missed", None, "1090", "mg"), (None, "55", None, None)]
    assert "vomiting" in rows["cy", 1]["recorded"] and "N2" in rows["cy", 1]["recorded"]


def test_parquet_is_written_by_plan_and_by_an_issue(tmp_path, run) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    asked = ("nct07299123", "--weight", "70 kg", "--height", "170 cm", "--age", "34 y", "--day0", "2026-12-09", "--zone", "Asia/Shanghai", "--time", "hsc=14:00",
             "--choose", "stratum=SAA-I", "--choose", "cy.dose=600 mg/m2/day")  # fmt: skip
    files = [str(tmp_path / name) for name in ("plan.parquet", "course.json", "issue.parquet")]
    assert [run("plan", *asked, "-o", files[0]).code, run("course", "start", *asked, "-o", files[1]).code, run("course", "issue", files[1], "-o", files[2]).code] == [5, 5, 5]
    one, other = (pq.read_table(file).to_pylist() for file in (files[0], files[2]))
    assert one == other and [row["amount"] for row in one if row["order"] == "flu"] == ["55"] * 4
