"""The sheet in every format: nothing of the schedule is lost, nothing unsafe is printed, same bytes twice."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from schedules import ATG_BLOCK, CITES, UNSAFE, Words, by_hand, entries, releasable, saa_one, saa_two, shown

from dosing.errors import UsageError
from dosing.render import FORMATS, to_bytes, to_text_of, wording
from dosing.render.names import prose
from dosing.render.sheet import document, sheet
from dosing.schedule import Amount, Finding, Schedule

CASES = {
    "saa1": saa_one,
    "saa1-relative": lambda: saa_one(False),
    "saa2": saa_two,
    "saa2-relative": lambda: saa_two(False),
    "released": releasable,
}
TEXTS = ("txt", "md", "html")


@pytest.fixture(params=CASES)
def schedule(request: pytest.FixtureRequest) -> Schedule:
    return CASES[request.param]()


# What 70 kg and 1.82 m² come to, written out by hand: fludarabine 54.6 mg → 55, cyclophosphamide 1,092 → 1,090, cells 5e5 × 70,
# busulfan 0.6 × 70 four times a day from 02:00 on day −8, so twice before and twice after the 09:00 doses of day −5.
ONE = """
    Day −5: 1 of 4 55 mg; 1 of 4 1,090 mg
    Day −4: 2 of 4 55 mg; 2 of 4 1,090 mg; 1 of 4 HOLD
    Day −3: 3 of 4 55 mg; 3 of 4 1,090 mg; 2 of 4 HOLD
    Day −2: 4 of 4 55 mg; 4 of 4 1,090 mg; 3 of 4 HOLD
    Day −1: 4 of 4 HOLD
    Day 0: 1 of 1 35 million cells; 1 of 1 dose not given in source"""
BEFORE = """
    Day −8: 1 of 16 42 mg; 2 of 16 42 mg; 3 of 16 42 mg; 4 of 16 42 mg
    Day −7: 5 of 16 42 mg; 6 of 16 42 mg; 7 of 16 42 mg; 8 of 16 42 mg
    Day −6: 9 of 16 42 mg; 10 of 16 42 mg; 11 of 16 42 mg; 12 of 16 42 mg"""
FIFTH = "Day −5: 13 of 16 42 mg; 14 of 16 42 mg; 1 of 4 55 mg; 1 of 4 1,090 mg; 15 of 16 42 mg; 16 of 16 42 mg"
FIFTH_RELATIVE = "Day −5: 13 of 16 42 mg; 14 of 16 42 mg; 15 of 16 42 mg; 16 of 16 42 mg; 1 of 4 55 mg; 1 of 4 1,090 mg"
AFTER = ONE.split("\n", 2)[2]
PRINTED = {
    "saa1": ONE, "saa1-relative": ONE, "saa2": f"{BEFORE}\n{FIFTH}\n{AFTER}", "saa2-relative": f"{BEFORE}\n{FIFTH_RELATIVE}\n{AFTER}",
    "released": re.sub(r"(; |\n    Day −1: )\d of 4 HOLD", "", ONE),
}  # fmt: skip
TOTALS = {"saa1": ["220 mg", "4,360 mg", "35 million cells"], "saa2": ["672 mg", "220 mg", "4,360 mg", "35 million cells"]}


@pytest.mark.parametrize("extension", TEXTS)
@pytest.mark.parametrize("name", CASES)
def test_every_administration_is_read_back(name: str, extension: str) -> None:
    """Day, dose number and amount (or HOLD) of each administration, in time order, once each."""
    assert entries(CASES[name](), extension) == by_hand(PRINTED[name])


@pytest.mark.parametrize("extension", TEXTS)
@pytest.mark.parametrize("name", CASES)
def test_every_day_and_total_is_printed(name: str, extension: str) -> None:
    text = shown(CASES[name](), extension)
    assert all(re.search(rf"{re.escape(day)}(?!\d)", text) for day, _, _ in by_hand(PRINTED[name]))
    assert [total for total in TOTALS.get(name[:4], TOTALS["saa1"]) if total not in text] == []


def test_the_grid_holds_as_many_doses_as_the_schedule(schedule: Schedule) -> None:
    """Each cell counts its doses; the cells of a day and order together are the administrations of the schedule."""
    page = sheet(schedule)
    found = Counter({column.day: 0 for column in page.columns})
    for row in page.rows:
        for column, cell in zip(page.columns, row.cells, strict=True):
            times = cell.times.replace("\u00a0", " ").removeprefix("× ")
            held = re.search(r"doses (\d+) to (\d+)", cell.lines[0]) if cell.kind == "hold" else None
            found[column.day] += (
                0 if cell.kind == "none" else int(held[2]) - int(held[1]) + 1 if held else int(times or 1)
            )
    assert found == Counter(wording.day(row.day) for row in schedule)
    assert sum(len(part.columns) for part in page.split(4)) == len(page.columns)


def test_hold_cells_say_hold_and_no_amount(schedule: Schedule) -> None:
    page = sheet(schedule)
    cells = [cell for row in page.rows for cell in row.cells if cell.kind == "hold"]
    assert len(cells) == len({(row.order, row.day) for row in schedule if row.held})
    assert all(
        cell.amount == "HOLD" and not cell.slots and not any("microgram" in line for line in cell.lines)
        for cell in cells
    )
    assert "350 micrograms" not in shown(schedule, "txt").partition("Calculation record")[0]


def test_csv_gives_the_same_rows(schedule: Schedule) -> None:
    data = to_bytes(schedule, "csv")
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert data.count(b"\r\n") == len(schedule) + 1
    for row, given in zip(rows, schedule, strict=True):
        assert (row["order"], row["number"], row["amount"]) == (
            given.order,
            str(given.number),
            given.amount.value if given.amount else "",
        )
        assert row["day"] == ("D0" if not given.day else f"D{given.day:+d}")
        assert (row["held"] == "HOLD") == given.held
        assert row["calculated"] == (given.calculated.value if given.calculated else "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_runs_no_formula(start: str) -> None:
    from dosing.render.csvfile import guarded

    assert guarded(f"{start}1+1").startswith("'")


def test_json_is_the_contract(schedule: Schedule) -> None:
    data = to_bytes(schedule, "json")
    assert json.loads(data) == json.loads(json.dumps(schedule.to_dict()))
    assert data.endswith(b"}\n")


@pytest.mark.parametrize("rule", UNSAFE)
@pytest.mark.parametrize("extension", TEXTS)
def test_print_is_safe(schedule: Schedule, extension: str, rule: str) -> None:
    text = shown(schedule, extension).replace("nct07299123@1", "")
    if rule == "abbreviated drug":
        text = text.replace("BSA", "")
    assert not re.findall(UNSAFE[rule], text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("5.0 mg", False), (".5 mg", False), ("0.5 mg", True), ("10mg", False), ("100000 units", False), ("100,000 units", True), ("5 µg/kg", False),
        ("5 micrograms/kg", True), ("10 U", False), ("MTX 15 mg/m2", False), ("ATG 2.5 mg/kg", False), ("methotrexate 15 mg/m2", True),
        ("q6h", False), ("WBC > 3", False), ("Day −5 to Day −2 (4 days)", True), ("Day -5--2", False),
    ],
)  # fmt: skip
def test_the_lint_knows_the_vectors(text: str, safe: bool) -> None:
    """The vectors of the print standard: what is to be refused is found, what is to be accepted passes."""
    assert safe == (not any(re.search(rule, text) for rule in UNSAFE.values()))


@pytest.mark.parametrize(
    "text",
    [
        "5.0 mg",
        "5μg/(kg day) of ATG",
        "10mg",
        "100000 mg",
        "MTX at 6 h",
        "crcl >= 80 mL/min",
        "5 × 10⁵/kg UC-MSCs",
        "5e5 cells/kg",
    ],
)
def test_prose_becomes_safe(text: str) -> None:
    """Whatever a source or a check writes, the printed text passes the lint (a trailing zero stays a fault of its author)."""
    told = wording.plain(text, "en-GB")
    assert not [rule for rule, pattern in UNSAFE.items() if rule != "trailing zero" and re.search(pattern, told)]


def test_units_follow_the_locale() -> None:
    british, american = shown(saa_one(), "txt"), shown(saa_one(locale="en-US"), "txt")
    assert "micrograms" in british and "mcg" not in british and "haematopoietic" in british
    assert (
        "350 mcg" in american
        and "microgram" not in american
        and "hematopoietic" in american
        and "haematopoietic" not in american
    )


def test_an_amount_never_leaves_its_unit() -> None:
    """A no-break space stands between number and unit wherever a format may wrap its lines."""
    for extension in ("md", "html"):
        assert not re.findall(r"\d (?:mg|kg|cm|m²|micrograms|mL)\b", to_text_of(saa_one(), extension))


def test_text_fits_its_width(schedule: Schedule) -> None:
    lines = to_text_of(schedule, "txt").splitlines()
    assert max(map(len, lines)) <= 100
    assert not any(
        re.search(r"\d\s*\|?\s*$", line) and re.match(r"mg|cells", following)
        for line, following in zip(lines, lines[1:], strict=False)
    )


@pytest.mark.parametrize("extension", sorted(FORMATS))
def test_same_bytes_twice(extension: str) -> None:
    try:
        first = to_bytes(saa_two(), extension)
    except UsageError as error:
        if "not installed" not in str(error):
            raise
        pytest.skip(str(error))
    assert to_bytes(saa_two(), extension) == first


def test_a_name_is_never_markup() -> None:
    identity = {"name": '<script>alert(1)</script> "[red]" | **x**', "id": "=1+1"}
    page = Words.read(to_text_of(saa_one(identity=identity), "html"))
    assert "script" not in page.tags and identity["name"] in page.texts
    assert not [name for name, value in page.attributes if name.startswith("on") or name == "src" or (name == "href" and not str(value).startswith("#"))]
    assert r"\<script\>" in to_text_of(saa_one(identity=identity), "md")


def test_every_page_says_what_stands_in_the_way() -> None:
    for extension in TEXTS:
        text = shown(saa_one(), extension)
        assert "NOT RELEASABLE: 4 doses on HOLD, 2 queries open" in text
        assert "Not a prescription" in text and "DRAFT REGIMEN" in text
        assert "Signature" not in text and "Pharmacy release" not in text
        assert "NOT RELEASABLE" not in shown(releasable(), extension)
        assert "Pharmacist 2, checked" in shown(releasable(), extension)


def test_what_is_not_known_says_so() -> None:
    page = sheet(saa_one(patient={}, identity={}, metrics={}))
    facts = {fact.label: fact.text for fact in (*page.identity, *page.basis)}
    assert facts["Allergies"] == facts["Name"] == facts["Creatinine"] == facts["Weight"] == "not entered"
    assert sheet(saa_one(False)).basis[-1].text == "not set: relative schedule"


def test_only_lines_without_an_open_query_are_signed_for() -> None:
    rows = {row.order: row for row in sheet(saa_one()).rows}
    assert [bool(cell.slots) for cell in rows["cy"].cells] == [True] * 4 + [False] * 2
    assert not any(cell.slots for order in ("flu", "atg") for cell in rows[order].cells)


def test_a_query_about_the_patient_leaves_no_line_to_sign() -> None:
    """A question without an order, such as the dosing weight, may touch every dose."""
    page = sheet(releasable(findings=(Finding("weight", "weight", "query", "Which dosing weight?"),)))
    assert not any(cell.slots for row in page.rows for cell in row.cells)
    assert not any(entry.signable for entry in page.entries) and "see query weight" in page.rows[0].total_lines


def test_the_arm_is_printed_only_as_chosen() -> None:
    for extension in ("txt", "md", "html", "csv", "json"):
        text = to_text_of(saa_one(), extension)
        assert not re.search(r"2D|3D|hypoxi", text)
    assert ("arm", "blinded") in {(fact.label, fact.text) for fact in sheet(saa_one()).decisions}


def test_a_quotation_shows_what_was_written_out() -> None:
    assert wording.quoted(
        CITES["atg"][0], "en-GB"
    ) == "5 [micrograms]/(kg\u00a0day) of [antithymocyte globulin]".replace("\u00a0", " ")


@pytest.mark.parametrize("text", ["200 mg/m2 IV q12h from day 5", "800mg/m2", "CAR-positive viable T cells", "<12 y 7.5 mg/kg"])
def test_a_quotation_is_word_for_word(text: str) -> None:
    assert wording.quoted(text, "en-GB").replace("\u00a0", " ") == text


def test_messages_keep_quotations_and_ordinary_words() -> None:
    """An order called `cells` does not rename the cells; two orders of one drug are named once; a quotient ends."""
    orders = ({"id": "cells", "drug": "axicabtagene-ciloleucel"}, {"id": "m1", "drug": "methotrexate"}, {"id": "m3", "drug": "methotrexate"})
    made = saa_one(orders=orders)
    assert prose(made, "2 million viable T cells of m1, m3") == "2\u00a0million viable T cells of methotrexate".replace("2\u00a0million", "2 million")
    assert prose(made, 'm1: the source prints "m1 800mg/m2 q12h"') == 'methotrexate: the source prints "m1 800mg/m2 q12h"'
    assert prose(made, "gives 298.245614035087719298245614 mg/m2/day").replace("\u00a0", " ") == "gives 298.2456 mg/m²/day"


def test_a_held_line_names_no_amount_and_no_weight_that_is_used() -> None:
    doses = {"cy": {"calculated": "3125", "amount": None, "unit": "mg", "used": False}, "flu": {"calculated": "51.3", "amount": "51", "unit": "mg", "used": True}}
    told = sheet(saa_one(weights=({"name": "actual", "value": "125", "unit": "kg", "doses": doses},))).body[-1].text.replace("\u00a0", " ")
    assert told == "125 kg; CYCLOPHOSPHamide held, fludarabine 51.3 mg, used"


def test_the_document_number_follows_the_content() -> None:
    assert document(saa_one()) == document(saa_one()) != document(saa_two())
    assert re.fullmatch(r"[0-9a-f]{10}", document(saa_one()))
    assert document(replace(saa_one(), identity={"name": "A"})) != document(replace(saa_one(), identity={"name": "B"}))
    assert document(saa_one()) in sheet(saa_one()).footer and "issue 1" in sheet(saa_one()).footer


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [("55", "mg", "55 mg"), ("1090", "mg", "1,090 mg"), ("0.50", "mg", "0.5 mg"), ("350", "mcg", "350 micrograms"), ("35000000", "cells", "35 million cells"),
     ("31250000", "cells", "31.25 million cells"), ("12345678", "cells", "12,345,678 cells"), ("500000", "cells", "500,000 cells"), ("1.82", "m2", "1.82 m²")],
)  # fmt: skip
def test_amounts(value: str, unit: str, told: str) -> None:
    assert wording.amount(Amount(value, unit), "en-GB").replace("\u00a0", " ") == told


def test_a_cell_count_as_a_power_survives_plain_text() -> None:
    assert wording.power(Amount("35000000", "cells")).replace("\u00a0", " ") == "3.5 × 10^7 cells"


def test_cumulative_is_the_sum_of_the_amounts(schedule: Schedule) -> None:
    for row in sheet(schedule).rows:
        told = [line for cell in row.cells for line in cell.lines if line.startswith("if all given")]
        total = next((total for total in schedule.totals if total.order == row.order and total.amount), None)
        if total and total.doses > 1:  # a single dose is its own sum
            assert told[-1] == f"if all given {wording.amount(total.amount, schedule.locale)}"


def test_messages_name_drugs_in_full() -> None:
    note = Finding(
        "x", "weight", "note", "the source names no weight for flu, msc; haematopoietic-stem-cells: see atg.dose"
    )
    told = {fact.text: fact.label for fact in sheet(saa_one(findings=(ATG_BLOCK, note))).checks}
    assert (
        "The source names no weight for fludarabine, umbilical-cord mesenchymal stromal cells; haematopoietic stem cells: see atg.dose"
        in told
    )


def test_terminal_prints_every_hold() -> None:
    from rich.console import Console

    from dosing.render.terminal import show

    console = Console(width=120, record=True, file=io.StringIO())
    show(saa_one(identity={"name": "[bold]x[/nothing]"}), console)
    text = console.export_text()
    assert text.count("[HOLD]") == 4 and "[bold]x[/nothing]" in text
    assert max(map(len, text.splitlines())) <= 120
    assert Decimal("55") and text.count("1,090 mg") >= 4


def test_durations_that_differ_are_told_apart() -> None:
    """A first infusion that runs longer is not printed as the duration of all."""
    first, *rest = (row for row in releasable() if row.order == "cy")
    plain = releasable()
    rows = tuple(row._replace(minutes=360 if row == first else 240) if row.order == "cy" else row for row in plain)
    row = next(row for row in sheet(replace(plain, administrations=rows)).rows if row.order == "cy")
    assert "dose 1 over 6\u00a0hours, doses 2 to 4 over 4\u00a0hours" in row.lines


def test_a_change_prints_beside_its_order() -> None:
    made = {"key": "cy.dose", "from": "500 mg/m2/day", "to": "600 mg/m2/day", "by": "AB", "reason": "letter of 12 Nov"}
    page = sheet(saa_one(changes=(made,)))
    assert "changed by AB: dose from 500\u00a0mg/m²/day" in next(row for row in page.rows if row.order == "cy").lines
    assert any(
        "changed from 500\u00a0mg/m²/day to 600\u00a0mg/m²/day; by: AB; reason: letter of 12 Nov" in fact.text
        for fact in page.decisions
    )


def test_the_header_names_added_blocks_and_the_issue() -> None:
    regimen = {**saa_one().regimen, "blocks": ["gvhd-csa-mtx@1"]}
    page = sheet(saa_one(regimen=regimen, issue=2, replaces=1))
    assert page.basis[0].text == "nct07299123@1 with gvhd-csa-mtx@1"
    assert "issue 2, replaces issue 1" in page.footer
