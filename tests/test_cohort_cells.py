"""The cells of a cohort: ids that are refused, numbers read only as their written form reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pa = pytest.importorskip("pyarrow", reason="cohorts need the extra dosing[cohort]")

from dosing import Cohort  # noqa: E402
from dosing.errors import Fault, InputError  # noqa: E402


@pytest.mark.parametrize(("name", "code"), [
    ("=1+1", "C05"), ("+1", "C05"), ("-1", "C05"), ("@a", "C05"), ("4-Mar", "C04"), ("Mar-04", "C04"), ("17.0", "C04"), ("1E5", "C04"),
    ("", "C02"), ("#N/A", "C02"), ("P1 ", "C02"), ("a\u200bb", "C02"), ("x" * 121, "C02"),
])  # fmt: skip
def test_ids_that_are_refused(name: str, code: str) -> None:
    """A formula, a date or a number made by a spreadsheet, a blank, a hidden sign, an overlong text."""
    cohort = Cohort.from_table({"id": [name, "P9"], "weight_kg": [70, 71]})
    assert [(one.row, one.column, one.fault.code) for one in cohort.refused] == [(1, "id", code)]


def test_double_ids_refuse_both_rows() -> None:
    """Also ids that a person would take for one another: 7, 007 and P7."""
    cohort = Cohort.from_table({"id": ["7", "8", "007", "P7", "8"], "weight_kg": [70] * 5})
    assert [one.row for one in cohort.refused] == [1, 2, 3, 5] and {one.fault.code for one in cohort.refused} == {"C03"}


def test_ids_as_floats_are_refused_as_a_column() -> None:
    with pytest.raises(InputError) as refusal:
        Cohort.from_table({"id": [1.0, 2.0], "weight_kg": [70, 71]})
    assert refusal.value.code == "C04"


@pytest.mark.parametrize(("column", "text"), [
    ("weight_kg", "70 kg"), ("weight_kg", "０７"), ("weight_kg", "70.123"), ("height_cm", "1.75"), ("age_y", "34 y"), ("age_y", "130"), ("sex", "X"),
    ("creatinine_mg_dl", "0,9"), ("creatinine_mg_dl", "80 umol/L"), ("crcl_ml_min", "0"), ("weight_kg", "=70"),
    ("prior", "fludarabine"), ("prior", "fludarabine 90 mg/m2; fludarabine 1 mg/m2"), ("taking", "none, aspirin"), ("taking", "aspirin,"),
])  # fmt: skip
def test_cells_that_are_refused(column: str, text: str) -> None:
    """A unit, a comma, a full-width digit, an impossible value, a formula: the row by its column."""
    table = {"id": ["a", "b"], "weight_kg": ["70", "70"], "height_cm": ["170", "170"]} | {column: ["70" if column != "sex" else "F", text]}
    cohort = Cohort.from_table(table)
    assert ("b", column, "C02") in [(one.id, one.column, one.fault.code) for one in cohort.refused]


@given(st.one_of(st.floats(), st.floats(0, 300).map(lambda value: round(value, 2)), st.integers(-5, 300)))
def test_a_number_is_taken_only_as_the_form_takes_its_digits(number: float) -> None:
    """A float of a table is the float of its digits read as a weight, or its row is refused."""
    from dosing.forms import read_weight_kg

    cohort = Cohort.from_table(pa.table({"id": ["a"], "weight_kg": [number]}))
    try:
        expected = float(read_weight_kg(repr(number)))
    except InputError:
        assert not cohort.sound[0]
        return
    column = cohort.columns["weight_kg"]
    assert cohort.sound[0] and column.values[column.codes[0]] == expected


def test_a_fault_reads_what_where_and_what_to_do() -> None:
    (one,) = Cohort.from_table({"id": ["a"], "weight_kg": ["70,5"]}).refused
    assert isinstance(one.fault, Fault) and "70,5" in one.fault.what and one.fault.do and one.to_dict()["column"] == "weight_kg"
