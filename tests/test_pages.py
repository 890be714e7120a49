"""Day pages, timeline, check sheet, labels, code, paper and Chinese: nothing is lost, nothing unsafe is added."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from schedules import UNSAFE, Words, releasable, saa_one, saa_two

from dosing import Course, Patient, plan
from dosing.errors import UsageError
from dosing.render import labels, qr, timeline, to_bytes, to_text_of, wording
from dosing.render.check import tasks
from dosing.render.names import amount_text, name_of
from dosing.render.pages import DEFAULT, PAGES, chosen
from dosing.render.sheet import sheet
from dosing.schedule import Schedule

CASES = {"saa1": saa_one, "saa1-relative": lambda: saa_one(False), "saa2": saa_two, "saa2-relative": lambda: saa_two(False), "released": releasable}
ZH = {"flu": "氟达拉滨", "cy": "环磷酰胺", "atg": "抗胸腺细胞球蛋白", "bu": "白消安", "msc": "脐带间充质干细胞", "hsc": "造血干细胞"}


@pytest.fixture(params=CASES)
def schedule(request: pytest.FixtureRequest) -> Schedule:
    return CASES[request.param]()


def reader(data: bytes) -> Any:
    return pytest.importorskip("pypdf").PdfReader(io.BytesIO(data))


def pdf(schedule: Schedule, pages: str, paper: str = "a4") -> Any:
    pytest.importorskip("typst"), pytest.importorskip("segno")
    return reader(to_bytes(schedule, "pdf", pages, paper))


def words(document: Any) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in document.pages).replace("\u00a0", " "))


def in_chinese(made: Schedule) -> Schedule:
    return replace(made, locale="zh", orders=tuple({**row, "names": {**row["names"], "zh": ZH[row["id"]]}} for row in made.orders))


# Which pages


def test_pages_are_chosen_by_name() -> None:
    assert chosen("labels, grid,labels") == ("labels", "grid") and chosen(DEFAULT) == DEFAULT
    for wrong in ("", "grid,nothing", "GRID;record"):
        with pytest.raises(UsageError, match="grid, record, days, timeline, check, labels"):
            chosen(wrong)
    with pytest.raises(UsageError, match="a4 or letter"):
        to_bytes(saa_one(), "html", paper="legal")


@pytest.mark.parametrize("extension", ["html", "pdf"])
def test_same_bytes_twice_on_every_page_and_paper(extension: str) -> None:
    pytest.importorskip("typst"), pytest.importorskip("segno")
    assert to_bytes(saa_two(), extension, PAGES, "letter") == to_bytes(saa_two(), extension, PAGES, "letter")


def test_letter_is_letter() -> None:
    for paper, size in (("a4", (842, 595)), ("letter", (792, 612))):
        assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in pdf(saa_one(), ",".join(PAGES), paper).pages} == {size}


def test_the_first_pages_of_the_seed_are_two() -> None:
    assert len(pdf(saa_one(), "grid,record").pages) == 2 == len(pdf(saa_one(), "grid,record", "letter").pages)


# Day pages


def test_each_administration_has_one_line_in_its_day(schedule: Schedule) -> None:
    lines = [(day.day, line) for day in sheet(schedule).days for line in day.lines]
    assert [(day, line.entry.number, line.entry.amount) for day, line in lines] == [
        (wording.day(row.day), f"{row.number} of {row.of}".replace(" ", "\u00a0"), amount_text(schedule, row)) for row in schedule
    ]
    assert [line.box == "hold" for _, line in lines] == [row.held for row in schedule]


def test_held_and_asked_lines_have_no_boxes() -> None:
    boxes = Counter((line.entry.drug, line.box) for day in sheet(saa_one()).days for line in day.lines)
    assert boxes["antithymocyte globulin", "hold"] == 4 and boxes["fludarabine", "query"] == 4 and boxes["CYCLOPHOSPHamide", "blank"] == 4
    text = words(pdf(saa_one(), "days"))
    assert text.count("HOLD: do not prepare") == 4 and text.count("do not give yet") == 4


def test_busulfan_has_a_line_for_each_hour() -> None:
    rows = [row for row in Words.read(to_text_of(saa_two(), "html")).rows if len(row) == 10 and row[4] == "busulfan"]
    assert Counter(row[2] for row in rows) == {"02:00": 4, "08:00": 4, "14:00": 4, "20:00": 4}


def test_a_given_dose_is_not_to_be_given_again() -> None:
    made = releasable()
    first = made.administrations[0]._replace(record={"given": {"by": "AB", "second": "CD"}})
    second = made.administrations[1]._replace(record={"released": {"by": "EF", "void": False}})
    course = replace(made, administrations=(first, second, *made.administrations[2:]))
    lines = [line for day in sheet(course).days for line in day.lines]
    assert (lines[0].box, lines[0].note) == ("given", "GIVEN, do not give again, by AB and CD") and lines[1].note == "released, by EF"
    assert len(labels.labels(sheet(course), course)) == len(labels.labels(sheet(made), made)) - 1


# Timeline


def test_each_administration_is_drawn_once_where_it_starts(schedule: Schedule) -> None:
    strips = timeline.strips(schedule)
    drawn = [mark for strip in strips for mark in strip.marks if not mark.before]
    assert len(drawn) + sum(len(strip.untimed) for strip in strips) == len(schedule)
    if schedule.day0:
        assert sum(mark.held for mark in drawn) == sum(row.held for row in schedule)
        assert {mark.kind for mark in drawn if "55\u00a0mg" in mark.text} == {"bar"}


def test_a_clash_names_who_and_when() -> None:
    strip = next(strip for strip in timeline.strips(saa_one()) if strip.day == wording.day(-4))
    assert [band.text for band in strip.bands] == ["09:00: fludarabine, CYCLOPHOSPHamide, antithymocyte globulin"]
    assert (strip.bands[0].top, strip.bands[0].bottom) == (0, 2)


def moved(made: Schedule, **changed: Any) -> Schedule:
    """A schedule with one administration only, changed."""
    return replace(made, administrations=(made.administrations[0]._replace(**changed),))


def test_an_infusion_over_midnight_goes_on_the_next_day() -> None:
    made = releasable()
    seconds = made.administrations[0].seconds
    one, two = timeline.strips(moved(made, seconds=seconds + 14 * 3600, minutes=240))  # 23:00 to 03:00
    assert [(m.first, m.last, m.after) for m in one.marks] == [(1380, 1440, True)]
    assert [(m.first, m.last, m.before) for m in two.marks] == [(0, 180, True)] and "continued" in two.marks[0].text
    assert len(timeline.strips(moved(made, seconds=seconds + 14 * 3600, minutes=60))) == 1


def test_a_day_of_a_clock_change_is_as_long_as_it_is() -> None:
    from datetime import UTC, date, datetime

    start = int(datetime(2026, 10, 25, 8, tzinfo=UTC).timestamp())
    made = moved(replace(releasable(), zone="Europe/Berlin", day0=date(2026, 10, 30)), seconds=start, zone="Europe/Berlin", day=-5)
    (strip,) = timeline.strips(made)
    assert strip.length == 1500 and [clock for _, clock in strip.hours][2:4] == ["02:00", "02:00"]
    assert strip.marks[0].first == 600  # 09:00 on the wall is ten hours after midnight


def test_labels_of_the_timeline_never_cover_each_other(schedule: Schedule) -> None:
    for strip in timeline.strips(schedule):
        assert all(0 <= mark.first <= mark.last <= strip.length and mark.line < len(strip.lines) for mark in strip.marks)
        places = Counter((mark.line, mark.first) for mark in strip.marks)
        assert not places or max(places.values()) == 1


def test_the_picture_is_plain_svg() -> None:
    text = to_text_of_pages(saa_one(), "timeline")
    assert text.count("<svg") == 6 and "url(http" not in text and "<script" not in text
    assert text.count('fill="url(#dosing-hatch)"') == 4


def to_text_of_pages(schedule: Schedule, pages: str) -> str:
    return to_bytes(schedule, "html", pages).decode()


# Check sheet


def results(schedule: Schedule) -> set[str]:
    """Every amount and total that a second person is to find alone, besides what a source prints itself."""
    found = {wording.amount(row.calculated, schedule.locale) for row in schedule if row.calculated}
    found |= {wording.amount(row.amount, schedule.locale) for row in schedule if row.amount}
    found |= {wording.amount(total.amount, schedule.locale) for total in schedule.totals if total.amount}
    return {told.replace("\u00a0", " ") for told in found} | {"1.82 m²"}


@pytest.mark.parametrize("case", ["saa1", "saa2", "released"])
def test_the_check_sheet_holds_inputs_and_no_result(case: str) -> None:
    made = CASES[case]()
    page = " ".join(Words.of(to_text_of_pages(made, "check").replace("\u00a0", " ")))
    for text in (words(pdf(made, "check")), page):
        assert [told for told in results(made) if re.search(rf"(?<![\d.,]){re.escape(told)}", text)] == []
        assert "70 kg" in text and "30 mg/m²/day" in text and "work it out" in text and "Mosteller" in text
    assert [task.drug for task in tasks(made)] == [name_of(made, row["id"]) for row in made.orders if row["id"] != "hsc"]


# Labels


def test_held_lines_get_no_label_and_cells_get_a_slip(schedule: Schedule) -> None:
    page = sheet(schedule)
    made = labels.labels(page, schedule)
    left = sum(bool(labels.reason(schedule, row)) for row in schedule)
    assert len(made) + left == len(schedule) and not any("HOLD" in label.amount for label in made)
    assert {label.drug: label.kind for label in made if "cells" in label.drug} == dict.fromkeys(("umbilical-cord mesenchymal stromal cells", "haematopoietic stem cells"), "slip")
    assert all("EXAMPLE, Test" in label.patient and "000-TEST-001" in label.patient for label in made)
    assert all(("NOT RELEASED" in label.warning) == bool(page.banner) for label in made)


def test_a_slip_is_no_product_label() -> None:
    text = words(pdf(saa_one(), "labels"))
    assert text.count("REQUEST SLIP, not a product label") == 2 and "ISBT" not in text
    assert "antithymocyte globulin, 4 doses: HOLD, see query atg.dose" in text


# Print rules, over every page


@pytest.mark.parametrize("pages", [page for page in PAGES if page not in DEFAULT])
@pytest.mark.parametrize("extension", ["html", "pdf"])
def test_print_is_safe(schedule: Schedule, extension: str, pages: str) -> None:
    text = words(pdf(schedule, pages)) if extension == "pdf" else " ".join(Words.of(to_text_of_pages(schedule, pages))).replace("\u00a0", " ")
    text = text.replace("nct07299123@1", "").replace("BSA", "")
    assert {rule: found for rule, pattern in UNSAFE.items() if (found := re.findall(pattern, text))} == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("creatinine is missing; the drug is cleared by the kidney. Give --creatinine or --crcl.", "Creatinine is missing; the drug is cleared by the kidney."),
        ("the actual weight is used. Confirm the weight with --answer, or set it with --set ORDER.weight=…", "The actual weight is used. Confirm the weight."),
        ("leave it. Leave out --bsa, or confirm with --answer.", "Leave it."),
        ("bu: by level; enter it with --set bu.dose when the level is known.", "Bu: by level; enter it when the level is known."),
        ("it starts 4.98 hours before.", "It starts 4\u00a0hours 59\u00a0minutes before."),
        ("it runs 0.5 hours. cycloPHOSphamide next.", "It runs 30\u00a0minutes. cycloPHOSphamide next."),
        ("Give 5.5 mg, or 2 hours.", "Give 5.5 mg, or 2 hours."),
    ],
)
def test_a_message_on_paper(text: str, told: str) -> None:
    """No command line flags, whole sentences, hours with minutes; Tall Man letters stay as they are."""
    assert wording.on_paper(text) == told


# Code


def test_the_code_tells_the_document_and_no_person() -> None:
    made = saa_one()
    text = qr.payload(sheet(made), made)
    assert text == f"dosing document={sheet(made).document} issue=1 regimen=nct07299123@1 sha256={'5f' * 8}"
    assert not any(fact in text for fact in made.identity.values())
    pytest.importorskip("segno")
    assert qr.picture(text) == qr.picture(text) and qr.picture(text).startswith("<svg")


def test_the_code_reads_back() -> None:
    segno, numpy = pytest.importorskip("segno"), pytest.importorskip("numpy")
    reader = pytest.importorskip("zxingcpp")
    text = qr.payload(sheet(saa_one()), saa_one())
    dots = numpy.array([[0 if dark else 255 for dark in row] for row in segno.make(text, error="m", micro=False).matrix_iter(scale=4, border=4)], dtype=numpy.uint8)
    assert [found.text for found in reader.read_barcodes(dots)] == [text]


def test_without_segno_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("typst")
    monkeypatch.setitem(__import__("sys").modules, "segno", None)
    with pytest.raises(UsageError, match=r"dosing\[print\]"):
        to_bytes(saa_one(), "pdf")
    assert to_bytes(saa_one(), "html") and to_bytes(saa_one(), "pdf", "days")


# Issues


def test_a_new_issue_says_what_changed() -> None:
    changed = ({"order": "flu", "number": 1, "what": "start", "from": "2026-12-04T09:00:00+08:00", "to": "2026-12-04T10:00:00+08:00"},
               {"order": "flu", "number": None, "what": "total", "from": "220 mg in 4 doses", "to": "208 mg in 4 doses"})  # fmt: skip
    made = saa_one(issue=2, replaces=1, changed=changed)
    facts = [(fact.label, fact.text) for fact in sheet(made).issued]
    assert facts[0] == ("Fludarabine dose 1 start", "04 Dec 2026 09:00 → 04 Dec 2026 10:00")
    assert facts[1] == ("Fludarabine total", "220\u00a0mg in 4\u00a0doses → 208\u00a0mg in 4\u00a0doses")
    for text in (words(pdf(made, "grid")), to_text_of_pages(made, "grid")):
        assert "Changed since the issue it replaces" in text and "replaces issue 1" in text and "04 Dec 2026 10:00" in text
    assert sheet(saa_one()).issued == ()


# Fonts and Chinese


def embedded(document: Any) -> set[str]:
    return {str(font.get_object()["/BaseFont"]).partition("+")[2] for page in document.pages for font in page["/Resources"]["/Font"].values()}


@pytest.mark.parametrize("made", [saa_one, lambda: in_chinese(saa_two())], ids=["english", "chinese"])
def test_only_bundled_fonts_are_embedded(made: Any) -> None:
    fonts = embedded(pdf(made(), ",".join(PAGES)))
    assert fonts and all(re.match(r"NotoSans(CJKsc|CJKSCNames)?-(Regular|Bold)", font) for font in fonts)


def test_chinese_stands_beside_english() -> None:
    made = in_chinese(saa_one())
    for text in (words(pdf(made, ",".join(PAGES))), to_text_of_pages(made, ",".join(PAGES))):
        assert all(told in text for told in ("氟达拉滨", "fludarabine", "2026-12-04 周五", "不得发放 NOT RELEASABLE", "计算记录 Calculation record", "HOLD"))
    assert sheet(made).columns[0].date == "2026-12-04 周五" and "1986-01-01" in words(pdf(made, "grid"))
    assert "graft" in to_text_of_pages(made, "grid").partition("<tbody>")[2]


# Page 1: who, which issue, which weight, which arm


def test_signatures_ask_for_the_patient_who_is_not_entered() -> None:
    asked = "Patient not entered: write name and number before signing."
    for extension in ("txt", "md", "html"):
        assert asked in to_text_of(releasable(identity={}), extension) and asked not in to_text_of(releasable(identity={"id": "7"}), extension)
    assert asked in " ".join(words(pdf(releasable(identity={}), "grid")).split())


def test_a_later_issue_says_so_in_the_head() -> None:
    assert sheet(releasable(issue=2, replaces=1)).status.endswith("Issue 2, replaces issue 1") and "Issue" not in sheet(releasable()).status


@pytest.mark.parametrize(("outcome", "told"), [
    ("", "62.5\u00a0kg, date not entered; measured 57.5\u00a0kg since, not used"), ("fluid", "62.5\u00a0kg, date not entered; measured 57.5\u00a0kg since, not used"),
    ("real", "57.5\u00a0kg, weighed 10 Jan 2027; planned with 62.5\u00a0kg"),
])  # fmt: skip
def test_a_weight_measured_in_a_course_stands_beside_the_one_planned_with(outcome: str, told: str) -> None:
    who = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "creatinine": "0.9 mg/dL"}
    course = Course.start("nct07299123", who, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})
    for order in ("flu", "cy"):
        course.give(f"{order}#1", at="2027-01-10T09:00", by="N1")
    course.weigh("57.5 kg", at="2027-01-10T18:00", by="AB", second="CD", outcome=outcome, why="scale")
    assert {fact.label: fact.text for fact in sheet(course.schedule()).basis}["Weight"] == told


@pytest.mark.parametrize("arm", ["2d", "3d", "blinded"])
def test_the_unblinded_sheet_names_the_arm_where_its_cells_stand(arm: str) -> None:
    choose = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day", "arm": arm}
    made = plan("nct07299123", Patient(weight="62.5 kg", height="168 cm", age="31 y"), day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=choose)
    page = sheet(made)
    cells = next(row for row in page.rows if row.order == "msc")
    printed = {"2d": "arm 2d: conventional 2D-cultured", "3d": "arm 3d: 3D hypoxia-preconditioned"}.get(arm)
    assert any(line.startswith(printed or "arm") for line in cells.lines) is (printed is not None)
    named = [line.entry.drug for day in page.days for line in day.lines if "mesenchymal" in line.entry.drug]
    assert len(named) == 1 and (printed or "cells") in named[0] and ("arm" in named[0]) is (printed is not None)
    assert not any("arm 2d" in line or "arm 3d" in line for row in page.rows if row.order != "msc" for line in row.lines)
