"""Tables as cohorts: which are read, what comes back, and that a refused row stops no other."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from cohorts import COLUMNS, DATED, FIRST, SEED, by_id, people

pa = pytest.importorskip("pyarrow", reason="cohorts need the extra dosing[cohort]")

from dosing import Cohort, plan  # noqa: E402
from dosing.cohort import plan_cohort  # noqa: E402
from dosing.errors import InputError, UsageError  # noqa: E402


def test_table_has_the_columns_of_the_contract_in_time_order() -> None:
    table = plan(SEED, Cohort.from_table(people(3)), **FIRST).to_table()
    assert isinstance(table, pa.Table) and table.column_names == COLUMNS
    first = [row for row in table.to_pylist() if row["id"] == "P0"]
    assert [row["order"] for row in first] == ["flu", "cy"] + ["flu", "cy", "atg"] * 3 + ["atg", "msc", "hsc"]
    assert first[0]["date"] == date(2026, 12, 4) and first[0]["start"] == "2026-12-04T09:00:00+08:00" and first[0]["day"] == -5
    graft, globulin = first[-1], next(row for row in first if row["order"] == "atg")
    assert graft["amount"] is None and graft["unit"] is None and not graft["held"]
    assert globulin["held"] and globulin["amount"] is None and globulin["calculated"] and "atg.dose" in globulin["finding"]


def test_every_kind_of_table_reads_the_same() -> None:
    """Columns, rows, an Arrow table, a batch, a stream, numbers, short floats, coded ids."""
    columns = people(5)
    arrow = pa.table(columns)
    numbers = {"id": columns["id"], "weight_kg": [float(text) for text in columns["weight_kg"]], "height_cm": [int(text) for text in columns["height_cm"]]}
    small = {**numbers, "weight_kg": np.array(numbers["weight_kg"], np.float32)}

    class Frame:
        __arrow_c_stream__ = arrow.__arrow_c_stream__

    given_ = [columns, arrow, arrow.to_pylist(), arrow.to_batches()[0], Frame(), numbers, small, arrow.set_column(0, "id", arrow["id"].dictionary_encode())]
    assert len({json.dumps(by_id(plan(SEED, Cohort.from_table(table), **FIRST)), default=str) for table in given_}) == 1


def test_numbers_as_ids_and_dates_as_dates_are_read() -> None:
    table = {"id": [11, 12], "weight_kg": [70, Decimal("71.5")], "height_cm": [170, 171], "day0": [date(2026, 12, 9), date(2027, 1, 9)]}
    made = plan(SEED, Cohort.from_table(table), zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=FIRST["choose"])
    assert [row["date"] for row in made.to_rows() if row["order"] == "hsc"] == [date(2026, 12, 9), date(2027, 1, 9)]
    stamps = pa.table({"id": ["a"], "weight_kg": [70.0], "height_cm": [170.0], "day0": pa.array([np.datetime64("2026-12-09", "ns")])})
    assert plan(SEED, Cohort.from_table(stamps), zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=FIRST["choose"]).calculated == 1


def test_a_table_that_is_none_is_refused() -> None:
    """A thing that is no table is a wrong call."""
    with pytest.raises(UsageError):
        Cohort.from_table(17)


def test_a_column_of_regimens_is_no_fact_of_a_patient() -> None:
    """It is refused with what to do instead, and read as texts by who asks for it."""
    table = {**people(2), "regimen": ["nct07299123", ""]}
    with pytest.raises(InputError, match="dosing supply") as refusal:
        Cohort.from_table(table)
    assert [fault.code for fault in refusal.value.faults] == ["C01"] and "regimen" in refusal.value.faults[0].where
    column = Cohort.from_table(table, also=("regimen",)).columns["regimen"]
    assert [column.texts[code] for code in column.codes] == table["regimen"]


def test_a_schedule_keeps_what_it_was_planned_by() -> None:
    """The regimen with its blocks, and for each part the lines with the product that was set."""
    made = plan(SEED, Cohort.from_table(people(3)), set={"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, by="AB", reason="letter", blocks=["gvhd-csa-mtx"], **FIRST)
    assert [one.id for one in made.regimens] == [SEED, "gvhd-csa-mtx"]
    (products,) = [{line.id: line.product.name for line in part.settled.lines if line.product} for part in made.parts]
    assert "hymoglobulin" in products["atg"]


def test_plan_takes_a_cohort_as_it_takes_a_patient() -> None:
    """And the text of a cohort tells no id."""
    cohort = Cohort.from_table(people(2))
    assert by_id(plan(SEED, cohort, **FIRST)) == by_id(plan_cohort(SEED, cohort, **FIRST))
    assert "P0" not in repr(cohort)


def test_changes_and_answers_hold_for_every_row() -> None:
    table = {"id": ["P0", "P1", "P2"], "weight_kg": [60, 70, 80], "height_cm": [160, 170, 180], "age_y": [30, 31, 99]}
    changes = {"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}
    made = plan(SEED, Cohort.from_table(table), set=changes, answer={"flu.creatinine": "0.8 mg/dL"}, by="AB", reason="letter", **FIRST)
    assert {row["finding"] for row in made.to_rows() if row["id"] == "P0"} == {""}
    assert {row["finding"] for row in made.to_rows() if row["id"] == "P2"} == {"patient.age"}
    with pytest.raises(UsageError, match="no query"):
        plan(SEED, Cohort.from_table(table), answer={"flu.creatinin": "x"}, by="AB", **FIRST)


def test_what_all_rows_lack_is_told_once() -> None:
    with pytest.raises(InputError) as refusal:
        plan(SEED, Cohort.from_table(people(50)), **DATED)
    assert [fault.code for fault in refusal.value.faults] == ["R09", "D14"]
    with pytest.raises(InputError) as refusal:
        plan(SEED, Cohort.from_table({"id": ["a", "b"], "weight_kg": [70, 71]}), **FIRST)
    assert {fault.code for fault in refusal.value.faults} == {"P05"}


def test_a_column_and_an_argument_do_not_both_speak() -> None:
    with pytest.raises(InputError) as refusal:
        plan(SEED, Cohort.from_table({**people(1), "choose.stratum": ["SAA-II"]}), **FIRST)
    assert refusal.value.code == "C01"


def test_a_choice_missing_in_one_row_refuses_that_row() -> None:
    table = {**people(3), "choose.stratum": ["SAA-I", "", "SAA-I"]}
    made = plan(SEED, Cohort.from_table(table), choose={"cy.dose": "600 mg/m2/day"}, **DATED)
    (refused,) = made.refused
    assert (refused.id, refused.row, refused.column, refused.fault.code) == ("P1", 2, "choose.stratum", "R09") and made.calculated == 2


def test_an_hour_that_does_not_exist_refuses_its_rows_only() -> None:
    table = {**people(2), "day0": ["2027-03-28", "2027-03-29"], "time.hsc": ["02:30", "02:30"]}
    made = plan(SEED, Cohort.from_table(table), zone="Europe/Berlin", choose=FIRST["choose"])
    assert [(one.id, one.column, one.fault.code) for one in made.refused] == [("P0", "time.hsc", "T04")] and made.calculated == 1


def test_a_weight_formula_that_fails_one_row_fails_no_other() -> None:
    table = {**people(6), "sex": ["F"] * 6, "height_cm": ["170", "160", "50", "180", "51", "175"]}
    made = plan(SEED, Cohort.from_table(table), set={"msc.weight": "ideal.devine"}, by="AB", reason="test", **FIRST)
    assert {(one.id, one.fault.code) for one in made.refused} == {("P2", "P09"), ("P4", "P09")} and made.calculated == 4


def test_arms_by_row_are_refused_in_a_blinded_regimen() -> None:
    with pytest.raises(InputError) as refusal:
        plan(SEED, Cohort.from_table({**people(1), "choose.arm": ["3d"]}), **FIRST)
    assert refusal.value.code == "S03"
