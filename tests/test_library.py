"""The shipped library: sound, cited, worked by hand, plannable in every combination, true to the published tables."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from dosing import forms, proof
from dosing.errors import DosingError, InputError, RegimenError
from dosing.patient import Patient
from dosing.planning import plan
from dosing.regimen import rules
from dosing.regimen.library import library
from dosing.regimen.schema import Order, Regimen
from dosing.render.protocol import page

SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "data"
LIBRARY = library()
IDS = sorted(LIBRARY.regimens)
PATIENTS = {
    "adult": Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", crcl="100 mL/min"),
    "child": Patient(weight="28 kg", height="132 cm", age="9 y", sex="F", crcl="100 mL/min"),
}


def printed(order: Order) -> set[Decimal]:
    """The numbers in the phrases an order cites."""
    return set().union(*(rules.numbers(phrase) for phrases in order.cite.values() for phrase in phrases))


@pytest.mark.parametrize("name", IDS)
def test_every_file_is_sound_and_every_combination_of_its_choices_plans(name: str) -> None:
    """Worked examples, and each combination for an adult and a child, calculated twice and written in the text formats."""
    found = proof.check(name, depth="quick")
    assert found.holds, [str(fault) for fault in found.faults]
    assert found.examples >= 2 and found.plans >= found.combinations >= 1


def test_the_library_is_broad() -> None:
    assert len(IDS) >= 45


@pytest.mark.parametrize("name", IDS)
def test_everything_cites_a_listed_source(name: str) -> None:
    regimen = LIBRARY.regimen(name)
    cited = [*regimen.orders, *regimen.queries, *regimen.not_scheduled, *(choice for choice in regimen.choices.values())]
    assert all(entry.cite and set(entry.cite) <= set(regimen.sources) for entry in cited)
    assert all(phrase for entry in cited for phrases in entry.cite.values() for phrase in phrases)


def test_no_number_stands_without_its_phrase() -> None:
    orders = [order for name in IDS for order in LIBRARY.regimen(name).orders if isinstance(order.dose, forms.Dose)]
    scales = [Decimal(scale) for scale in ("1", "1e3", "1e-3", "1e-6")]
    bare = [order.id for order in orders for value in {order.dose.low, order.dose.high}
            if not {value * scale for scale in scales} & printed(order)]  # fmt: skip
    assert len(orders) > 150
    assert bare == []


def test_every_file_is_a_draft_with_a_date_read() -> None:
    for name in IDS:
        regimen = LIBRARY.regimen(name)
        assert regimen.status == "draft" and regimen.id == name
        assert all(source.read for source in regimen.sources.values())


# ---- closed options, bands, counts


def ctn0301(level: str, **more: str):  # noqa: ANN201
    return plan("ctn0301", PATIENTS["adult"], choose={"atg_product": "thymoglobulin", "cy_level": level}, **more)


@pytest.mark.parametrize("level", ["level-3", "level-0"])
def test_a_closed_level_is_never_releasable(level: str) -> None:
    schedule = ctn0301(level)
    blocks = [finding for finding in schedule.findings if finding.code == "choice.closed"]
    assert blocks and not schedule.releasable and "PMC3677744" in blocks[0].message
    assert {row.order for row in schedule} == {"atg", "flu", "tbi", *(["cy3"] if level == "level-3" else [])}
    assert all(row.held and row.amount is None and row.calculated for row in schedule)


@pytest.mark.parametrize("level", ["level-2", "level-1"])
def test_an_open_level_is_releasable(level: str) -> None:
    schedule = ctn0301(level)
    assert schedule.releasable
    assert not [finding for finding in schedule.findings if finding.code == "choice.closed"]


FILE = """id: closed
version: 1
status: draft
title: a choice with a closed option
trial: no
day0: the first day
sources: {paper: {id: paper, title: a paper, read: 2026-11-22}}
choices:
  level:
    ask: Which level?
    options: {high: high, low: low}
    closed: {CLOSED: closed by the trial}
orders:
  - {id: cy, drug: cyclophosphamide, dose: 50 mg/kg/day, days: -2, weight: unspecified, cite: {paper: 50 mg/kg}}
"""


def test_closing_an_option_that_is_there_is_allowed() -> None:
    regimen = LIBRARY.parse(FILE.replace("CLOSED", "high").encode(), "closed.yaml")
    assert regimen.choices["level"].closed == {"high": "closed by the trial"}


@pytest.mark.parametrize("text", [FILE.replace("CLOSED", "highest"), FILE.replace("CLOSED", "high").replace("closed:", "default: high\n    closed:")])
def test_closing_what_is_no_option_or_the_default_is_refused(text: str) -> None:
    with pytest.raises(RegimenError) as caught:
        LIBRARY.parse(text.encode(), "closed.yaml")
    assert caught.value.code == "R11" and "closed.yaml:" in str(caught.value)


BANDS = """id: bands
version: 1
status: draft
title: two bands of one drug
trial: no
day0: the first day
sources: {paper: {id: paper, title: a paper, read: 2026-11-22}}
orders:
  - {id: a, drug: cyclophosphamide, when: weight < 30 kg, dose: 50 mg/kg/day, days: -2, weight: unspecified, cite: {paper: 50 mg/kg}}
  - {id: b, drug: cyclophosphamide, when: weight OTHER 30 kg, dose: 50 mg/kg/day, days: -2, weight: unspecified, cite: {paper: 50 mg/kg}}
"""


def test_two_bands_of_a_fact_exclude_each_other() -> None:
    assert len(LIBRARY.parse(BANDS.replace("OTHER", ">=").encode(), "bands.yaml").orders) == 2


def test_two_bands_that_overlap_are_a_drug_twice_a_day() -> None:
    with pytest.raises(RegimenError) as caught:
        LIBRARY.parse(BANDS.replace("OTHER", "<=").encode(), "bands.yaml")
    assert caught.value.code == "Y08"


def test_a_band_that_is_not_the_patients_is_refused() -> None:
    choose = {"flu.days": "-8..-5", "cy.days": "-8, -7"}
    with pytest.raises(InputError) as refusal:
        plan("tisa-cel-all", PATIENTS["child"], choose=choose | {"band": "above-50", "cells-flat.dose": "1e8 cells"})
    assert (refusal.value.code, refusal.value.faults[0].where) == ("R09", "choice band")
    right = plan("tisa-cel-all", PATIENTS["child"], choose=choose | {"band": "up-to-50", "cells-kg.dose": "1e6 cells/kg"})
    assert "order.left-out" not in {finding.code for finding in right.findings}


def test_the_page_of_a_protocol_tells_what_is_closed() -> None:
    assert "level-3 is closed: the trial closed 150 mg/kg" in page(LIBRARY.regimen("ctn0301"))
    assert "when clonal == yes and (donor == nine-of-ten or donor == haplo)" in page(LIBRARY.regimen("nct01861106"))


def test_chosen_days_must_make_the_printed_count() -> None:
    chosen = {"atg.days": "-5..-3", "cy.days": "-5..-3", "tbi.days": "-1"}
    with pytest.raises(DosingError) as caught:
        plan("cy-atg-tbi-saa", PATIENTS["adult"], choose=chosen)
    assert [fault.code for fault in caught.value.faults] == ["Y08"] and caught.value.exit_code == 4
    assert plan("cy-atg-tbi-saa", PATIENTS["adult"], choose=chosen | {"cy.days": "-5..-2"}).total("cyclophosphamide")


def test_a_rabbit_atg_without_a_brand_is_held_until_one_is_named() -> None:
    times = {"mmf": "06:00"}
    open_, named = (plan("nct00489281", PATIENTS["adult"], times=times, set=change, by="AB", reason="brand of the unit")
                    for change in ({}, {"atg1.product": "thymoglobulin", "atg2.product": "thymoglobulin"}))  # fmt: skip
    assert [row.held for row in open_ if row.order == "atg2"] == [True, True]
    assert [str(row.amount) for row in named if row.order == "atg2"] == ["125 mg", "125 mg"]


# ---- what sources print, kept


def test_the_seven_beam_sources_stay_in_conflict() -> None:
    regimen = LIBRARY.regimen("beam-srl")
    assert len(regimen.sources) == 7
    asked = {query.id: query for query in regimen.queries}
    assert set(asked["cytarabine.dose"].cite) == set(asked["etoposide.dose"].cite) == set(regimen.sources)
    schedule = plan("beam-srl", PATIENTS["adult"], choose={"filgrastim.days": "+5..+10"})
    assert {"etoposide.dose", "cytarabine.dose"} <= {finding.id for finding in schedule.open}


BEAM = {  # by hand: course totals in mg/m2 as the sources print them, times a body surface of 1.71 m2
    "etoposide.dose": ["planned, srl, canterbury = 4 doses, 1,368 mg",  # 200 x 4 = 800; 800 x 1.71
                       "ctn0803 = 8 doses, 1,368 mg",  # 100 twice a day on 4 days
                       "ctn0401 = 4 doses, 684 mg",  # 100 on 4 days = 400
                       "uptodate = 684 to 1,368 mg", "blood2004 = 1,368 mg",  # 400 to 800; 800
                       "ar102 = 8 doses, 1,710 mg."],  # 250 a day on 4 days = 1000
    "cytarabine.dose": ["planned, srl, canterbury = 8 doses, 2,736 mg", "ctn0803 = 8 doses, 1,368 mg", "ctn0401 = 4 doses, 684 mg",
                        "uptodate = 1,368 to 2,736 mg", "blood2004 = 1,368 mg", "ar102 = 6 doses, 1,026 mg."],  # 200 a day on 3 days = 600
}  # fmt: skip


def test_the_seven_beam_sources_in_this_patients_amounts() -> None:
    schedule = plan("beam-srl", PATIENTS["adult"], choose={"filgrastim.days": "+5..+10"})
    told = {finding.id: finding.message.partition(" For this patient: ")[2].split("; ") for finding in schedule.open}
    assert schedule.metrics["bsa"]["value"] == "1.71" and {name: told[name] for name in BEAM} == BEAM
    assert all(str(schedule.total(name)) == BEAM[f"{name}.dose"][0].rpartition(", ")[2] for name in ("etoposide", "cytarabine"))
    shown = " ".join(page(LIBRARY.regimen("beam-srl")).split())
    assert "Side by side: planned, srl, canterbury = 4 doses, 800 mg/m2; ctn0803 = 8 doses, 800 mg/m2; ctn0401 = 4 doses, 400 mg/m2; uptodate = 400 to 800 mg/m2" in shown


def test_busulfan_days_and_treosulfan_doses_in_this_patients_amounts() -> None:
    """0.6 x 62.5 = 37.5 mg: 16 doses 600 mg, 8 doses 300 mg; 10 and 14 g/m2 x 1.71 on three days are 51.3 and 71.82 g."""
    chosen = {"stratum": "SAA-II", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "yes"}
    seed = plan("nct07299123", PATIENTS["adult"], choose=chosen, times={"bu": "02:00", "hsc": "14:00"})
    treosulfan = plan("treosulfan-flu", PATIENTS["adult"])
    told = {finding.id: finding.message for made in (seed, treosulfan) for finding in made.findings}
    assert told["bu.days"].endswith("For this patient: planned = 16 doses, 600 mg; xu2018 = 8 doses, 300 mg.")
    assert told["treosulfan.dose"].endswith("For this patient: planned = 3 doses, 51,300 mg; mds = 3 doses, 71,820 mg.")


def test_a_child_and_an_adult_of_one_table_have_each_their_amounts() -> None:
    """The child has 1.01 m2: 800 mg/m2 are 808 mg, 400 are 404 mg, 1000 are 1010 mg."""
    schedule = plan("beam-srl", PATIENTS["child"], choose={"filgrastim.days": "+5"})
    message = next(finding.message for finding in schedule.findings if finding.id == "etoposide.dose")
    assert message.endswith("planned, srl, canterbury = 4 doses, 808 mg; ctn0803 = 8 doses, 808 mg; ctn0401 = 4 doses, 404 mg; uptodate = 404 to 808 mg; blood2004 = 808 mg; ar102 = 8 doses, 1,010 mg.")


OTHER = FILE.replace("CLOSED", "high") + """queries:
  - id: cy.dose
    order: cy
    ask: Which?
    instead: {paper: {INSTEAD}}
    cite: {paper: 60 mg/kg}
"""


@pytest.mark.parametrize(("told", "code", "words"), [
    ("paper: {dose: 61 mg/kg/day}", "R08", "the number 61 stands in no cited phrase"), ("paper: {dose: 60 mg/m2/day}", "D10", "cannot be laid beside 50 mg/kg/day"),
    ("papr: {dose: 60 mg/kg/day}", "R08", '"papr" is not cited by this question'), ("paper: {dose: 60 units/kg/day}", "D10", "cannot be laid beside"),
])  # fmt: skip
def test_what_another_source_prints_must_be_cited_and_comparable(told: str, code: str, words: str) -> None:
    with pytest.raises(RegimenError) as caught:
        LIBRARY.parse(OTHER.replace("paper: {INSTEAD}", told).encode(), "other.yaml")
    assert (code, True) in {(fault.code, words in fault.what) for fault in caught.value.faults}


def test_the_uncapped_product_stands_before_the_maximum() -> None:
    """2 000 000 x 104 = 208 000 000 cells, 15 x 70 = 1050 mg: what is cut is shown beside what is left."""
    cells = plan("axi-cel", Patient(weight="104 kg", height="185 cm", age="55 y", sex="M"), times={"cells": "11:00"})
    assert cells.why("cells", 0) == "2000000 cells/kg × 104 kg = 208,000,000 cells → 200,000,000 cells (maximum 200,000,000 cells)"
    mmf = plan("nct00489281", Patient(weight="70 kg", height="170 cm", age="40 y", sex="F"), times={"mmf": "06:00"})
    assert next(row.why for row in mmf if row.order == "mmf") == "15 mg/kg/dose every 8 h × 70 kg = 1,050 mg → 1,000 mg (maximum 1 g)"


def test_condensed_wording_is_said_with_the_source() -> None:
    regimen = LIBRARY.regimen("mtx-low")
    assert regimen.sources["paper"].wording == "condensed" and "(wording condensed; read " in page(regimen)
    made = plan("treosulfan-flu", PATIENTS["adult"], blocks=["mtx-low"])
    assert [row["key"] for row in made.sources if row.get("wording") == "condensed"] == ["paper"]
    assert proof.check("mtx-low").notes == ["1 of 1 source condensed: paper"] and proof.check("beam-srl").notes == []
    assert not [name for name in IDS for source in LIBRARY.regimen(name).sources.values() if "condensed" in source.title]


def test_the_printed_parts_of_thymoglobulin_make_the_printed_total() -> None:
    orders = [order for order in LIBRARY.regimen("nct00130754").orders if order.id.startswith("atg")]
    assert sum(order.dose.low * len(order.days) for order in orders) == Decimal("7.5")


def table(name: str) -> list[dict[str, str]]:
    """The rows of a published table of the reference shelf; the test is skipped without it."""
    path = SHELF / name
    if not path.is_file():
        pytest.skip("the reference shelf is not beside this checkout")
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


SRL = {"393841000210104": "bu-cy-once-daily", "496571000210107": "flu-cy-tbi-ptcy", "393851000210101": "flu-mel140", "496341000210106": "beam-srl"}
DRUGS = {"total body irradiation": "total-body-irradiation", "allogeneic stem cell transplant": "haematopoietic-stem-cells",
         "mycophenolate mofetil": "mycophenolate-mofetil", "etoposide (as phosphate)": "etoposide"}  # fmt: skip
TIMES = {"once daily": 1, "twice daily": 2, "three times daily": 3}


def test_the_published_day_tables_come_out_day_for_day() -> None:
    """All 38 rows: drugs as orders on their days; hydration, printed without a volume, named with its days and time."""
    rows = table("day-tables.tsv")
    missing = [row for row in rows if not told(row, LIBRARY.regimen(SRL[row["source"].rpartition("/")[2]]))]
    assert len(rows) == 38 and missing == []


def told(row: dict[str, str], regimen: Regimen) -> bool:
    """Whether a regimen tells a printed row: as an order, or as hydration that is named and not scheduled."""
    if row["medication"].startswith("sodium chloride"):
        phrases = [phrase for entry in regimen.not_scheduled if entry.drug == "sodium-chloride" for phrase in entry.cite["srl"]]
        return f"sodium chloride 0.9 % intravenous {row['days_as_printed']} {row['duration_as_printed']}" in phrases
    return any(same_row(row, order) for order in regimen.orders)


def same_row(row: dict[str, str], order: Order) -> bool:
    """Whether an order is the printed row: drug, number, days, doses a day, route."""
    days = tuple(int(day) for day in row["days_expanded"].split(","))
    number = row["dose"].partition(" ")[0]
    dose = isinstance(order.dose, forms.Dose) and number[:1].isdigit() and order.dose.low == Decimal(number)
    fits_dose = dose or (not isinstance(order.dose, forms.Dose) and not number[:1].isdigit())
    fits_times = not row["frequency"] or not dose or rules.per_day(order) == TIMES[row["frequency"]]
    return (DRUGS.get(row["medication"], row["medication"]) == order.drug and order.days == days
            and fits_dose and fits_times and (order.route or "").upper() in ("", row["route"]))  # fmt: skip


def test_the_busulfan_sources_stay_in_conflict() -> None:
    """Gap, weight bands, oral slip and days: every source by name, its number beside the others."""
    asked = {query.id: query for query in LIBRARY.regimen("bucy2-label").queries}
    assert set(asked["bucy.gap"].cite) == {"label", "hongkong", "euro"} and asked["bucy.gap"].level == "query"
    assert set(asked["bu.children"].cite) == {"label", "drugscom", "euro", "bartelink"}
    assert "4.4 mg/kg a day and a printed table 3.8" in asked["bu.children"].ask
    assert "four times too much" in str(LIBRARY.drugs["busulfan"].note)
    shown = " ".join(page(LIBRARY.regimen("bucy2-label")).split())
    gaps = ("no sooner than 6 h after the 16th", "at least 24 h after it (Hong Kong label)", "24 h after the last oral dose")
    assert all(words in shown for words in gaps)


def test_the_page_of_beam_shows_seven_sources_side_by_side() -> None:
    shown = " ".join(page(LIBRARY.regimen("beam-srl")).split())
    regimen = LIBRARY.regimen("beam-srl")
    found = {finding.id: finding for finding in plan(regimen, PATIENTS["adult"], choose={"filgrastim.days": "+5..+10"}).open}
    assert all(f"{source}: " in found["cytarabine.dose"].cite for source in regimen.sources)
    totals = ("1600 as 200 twice daily", "800 as 100 twice daily", "400 as 100 without twice daily", "600 as 200 a day")
    assert all(words in shown for words in totals)


def test_what_the_seed_and_its_sister_paper_disagree_on_is_kept() -> None:
    rows = {row["item"]: row for row in table("source-disagreements.tsv")}
    regimen = LIBRARY.regimen("nct07299123")
    orders, queries = {order.id: order for order in regimen.orders}, {query.id: query for query in regimen.queries}
    assert rows.keys() == {"ATG dose", "busulfan days (SAA-II)", "cyclophosphamide"}
    assert str(orders["atg"].dose) == "5 mcg/kg/day" and set(orders["atg"].cite) == {"registry", "xu2018"}
    assert (forms.say_days(orders["bu"].days), forms.say_days(queries["bu.days"].instead["xu2018"].days)) == ("-8..-5", "-7, -6")
    assert orders["cy"].dose.is_range and "500-800" in rows["cyclophosphamide"]["value_a"]


def test_the_totals_of_the_label_are_those_of_the_published_table() -> None:
    rows = [row for row in table("published-totals.tsv") if "uptodate" in row["source"]]
    totals = {(order.drug, str(order.total)) for order in LIBRARY.regimen("bucy2-label").orders if order.total}
    assert {(row["drug"].split()[0], f"{row['printed_total']} {row['unit_total']}/course") for row in rows} == totals


def test_the_published_totals_come_out() -> None:
    rows = [row for row in table("published-totals.tsv") if row["source"].startswith("NCT01339910")]
    totals = {(str(order.total), order.days) for order in LIBRARY.regimen("nct01339910").orders}
    days = {"Days -5 to -2": (-5, -4, -3, -2), "Days -7 to -4": (-7, -6, -5, -4), "Days -5 to -4": (-5, -4)}
    assert {(f"{row['printed_total']} {row['unit_total']}/course", days[row["days_as_printed"]]) for row in rows} == totals
