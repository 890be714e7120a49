"""Cohorts: every row as if it were planned alone, every bad row named, every file whole."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pa = pytest.importorskip("pyarrow", reason="cohorts need the extra dosing[cohort]")

from dosing import Cohort, Patient, plan  # noqa: E402
from dosing.cohort import CohortSchedule, plan_cohort, plan_file  # noqa: E402
from dosing.cohort.again import Second  # noqa: E402
from dosing.cohort.result import as_printed  # noqa: E402
from dosing.engine.dose import Doses  # noqa: E402
from dosing.errors import DosingError, Fault, InputError, UsageError  # noqa: E402
from dosing.rounding import number_text  # noqa: E402
from dosing.schedule import Schedule  # noqa: E402

CORPUS = Path(__file__).parents[1].parent / "shared" / "reference" / "bad-inputs.csv"
COLUMNS = ["id", "order", "drug", "day", "date", "start", "calculated", "amount", "unit", "held", "finding"]
SEED, MSC = "nct07299123", "nct01305694"
DATED = {"day0": "2026-12-09", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}}
FIRST = {**DATED, "choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}}
CELLS = {"choose": {"msc.dose": "1e6 cells/kg", "msc.days": "0, +7, +14, +21"}}
UNITS = {"weight_kg": ("weight", "kg"), "height_cm": ("height", "cm"), "age_y": ("age", "y"), "creatinine_mg_dl": ("creatinine", "mg/dL"),
         "crcl_ml_min": ("crcl", "mL/min"), "sex": ("sex", "")}  # fmt: skip


def people(count: int) -> dict[str, list[Any]]:
    """Plain patients with one decimal of weight and whole centimetres."""
    return {
        "id": [f"P{n}" for n in range(count)],
        "weight_kg": [f"{20 + (n * 37 % 990) / 10:.1f}" for n in range(count)],
        "height_cm": [str(110 + n * 17 % 91) for n in range(count)],
    }


def alone(row: dict[str, Any], regimen: str, **options: Any) -> Schedule:
    """The schedule of one row of a table, planned as one patient with flags."""
    facts = {fact: f"{row[name]} {unit}".strip() for name, (fact, unit) in UNITS.items() if row.get(name) not in (None, "")}
    for family in ("choose", "times"):
        prefix = {"choose": "choose.", "times": "time."}[family]
        own = {name.removeprefix(prefix): text for name, text in row.items() if name.startswith(prefix) and text}
        options[family] = {**options.get(family, {}), **own}
    options |= {name: row[name] for name in ("day0", "zone") if row.get(name)}
    return plan(regimen, Patient(**facts), **options)


def as_cells(schedule: Schedule) -> list[tuple[Any, ...]]:
    """A single schedule as the cells of the cohort's table, amounts as the floats of their decimal texts."""
    found = schedule.open
    return [
        (row.order, row.drug, row.day, row.date, row.to_dict()["start"], row.calculated and float(row.calculated.value).hex(),
         row.amount and float(row.amount.value).hex(), row.calculated and row.calculated.unit, row.held,
         " ".join(finding.id for finding in found if finding.order in (None, row.order)))
        for row in schedule
    ]  # fmt: skip


def by_id(schedule: CohortSchedule) -> dict[str, list[tuple[Any, ...]]]:
    """The table's cells by patient, floats as exact texts."""
    made: dict[str, list[tuple[Any, ...]]] = {}
    for row in schedule.to_rows():
        cells = list(row.values())[1:]
        cells[5:7] = [None if value is None else value.hex() for value in cells[5:7]]
        made.setdefault(row["id"], []).append(tuple(cells))
    return made


def as_alone(rows: list[dict[str, Any]], regimen: str, **options: Any) -> None:
    """Assert that every row of a table is what the row alone gives: the same cells, or the same refusal."""
    try:
        schedule = plan(regimen, Cohort.from_table(rows), **options)
    except InputError as error:
        for row in rows:
            with pytest.raises(InputError) as refusal:
                alone(row, regimen, **options)
            assert refusal.value.faults == error.faults
        return
    together, refused = by_id(schedule), {one.id: one.fault for one in schedule.refused}
    for row in rows:
        try:
            expected = as_cells(alone(row, regimen, **options))
        except DosingError as error:
            assert refused[row["id"]] in error.faults
        else:
            assert together[row["id"]] == expected
    assert schedule.rows == schedule.calculated + len(refused) == len(rows)


def texts(low: int, high: int, places: int) -> st.SearchStrategy[str]:
    return st.decimals(low, high, places=places, allow_nan=False).map(lambda value: f"{value.normalize():f}")


FACTS = st.fixed_dictionaries(
    {"weight_kg": st.one_of(texts(1, 250, 1), texts(3, 250, 2)), "height_cm": texts(50, 230, 1)},
    optional={"age_y": texts(0, 90, 0), "sex": st.sampled_from(["F", "M"]), "creatinine_mg_dl": texts(1, 9, 1), "crcl_ml_min": texts(1, 300, 0)},
)  # fmt: skip
SAA = st.fixed_dictionaries(
    {"choose.stratum": st.sampled_from(["SAA-I", "SAA-II"]), "choose.flu_in_saa2": st.sampled_from(["yes", "no"]),
     "choose.cy.dose": st.sampled_from(["500 mg/m2/day", "655.5 mg/m2/day", "0.8 g/m2/day"]), "day0": st.sampled_from(["2026-12-09", "2027-03-30"]),
     "zone": st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]), "time.hsc": st.sampled_from(["14:00", "02:30"]), "time.bu": st.sampled_from(["00:00", "02:00"])},
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn, rest: st.SearchStrategy[dict[str, str]]) -> list[dict[str, str]]:
    found = draw(st.lists(st.builds(lambda a, b: a | b, FACTS, rest), min_size=1, max_size=8))
    return [{"id": f"P{n}", **row} for n, row in enumerate(found)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(SAA))
def test_cohort_rows_of_the_seed_equal_single_rows_bit_for_bit(rows: list[dict[str, str]]) -> None:
    as_alone(rows, SEED)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(st.just({})), st.sampled_from(["1e6 cells/kg", "1.37e6 cells/kg"]), st.booleans())
def test_cohort_rows_of_the_msc_protocol_equal_single_rows_bit_for_bit(rows: list[dict[str, str]], dose: str, dated: bool) -> None:
    as_alone(rows, MSC, choose={"msc.dose": dose, "msc.days": "0, +7, +14, +21"}, **({"day0": "2027-01-04", "zone": "Asia/Shanghai"} if dated else {}))


@settings(max_examples=15, deadline=None)
@given(tables(st.just({})), st.sampled_from(["haycock", "dubois", "boyd", "gehan-george"]), st.sampled_from(["adjusted25.devine", "ideal.devine", "lower.devine"]))
def test_other_formulas_and_dosing_weights_equal_single_rows(rows: list[dict[str, str]], bsa: str, weight: str) -> None:
    as_alone([{**row, "sex": "F"} for row in rows], SEED, bsa=bsa, set={"msc.weight": weight}, by="AB", reason="test", **FIRST)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(SAA), st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_by_id(rows: list[dict[str, str]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    one, other = (plan(SEED, Cohort.from_table(table)) for table in (rows, shuffled))
    assert by_id(one) == by_id(other)
    assert {(r.id, r.fault) for r in one.refused} == {(r.id, r.fault) for r in other.refused}
    assert list(dict.fromkeys(r["id"] for r in other.to_rows())) == [r["id"] for r in shuffled if r["id"] in by_id(other)]


def test_a_thousand_rows_equal_single_rows() -> None:
    table = people(1000)
    together = by_id(plan(SEED, Cohort.from_table(table), **FIRST))
    for n in range(0, 1000, 7):
        row = {name: cells[n] for name, cells in table.items()}
        assert together[row["id"]] == as_cells(alone(row, SEED, **FIRST))


@given(st.lists(st.floats(1e-9, 1e11), min_size=1, max_size=50))
def test_printed_floats_are_the_printed_texts(values: list[float]) -> None:
    values += [round(value, 4) for value in values] + [0.0, 1000.0, 0.3135 * 1000, 1e12, 123456789012.5, 0.1 + 0.2]
    told = as_printed(np.array(values))
    assert [one.hex() for one in told.tolist()] == [float(number_text(value)).hex() for value in values]


# What a table is, and what comes back


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
    with pytest.raises(UsageError):
        Cohort.from_table(17)


def test_plan_takes_a_cohort_as_it_takes_a_patient() -> None:
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


# The second calculation


def planted(monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    """One dose of one row of the first calculation is a step too large."""
    from dosing.planning import multiply

    def wrong(*given: Any) -> dict[str, Doses]:
        doses = multiply(*given)
        if "cy" in doses and len(doses["cy"].steps) > row:
            doses["cy"].steps[row] += 1
        return doses

    monkeypatch.setattr("dosing.planning.multiply", wrong)


@pytest.mark.parametrize("row", [0, 1, 57, 299])
def test_a_row_on_which_the_calculations_differ_is_refused_alone(monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    planted(monkeypatch, row)
    table = {name: cells[:100] * 3 if name != "id" else cells for name, cells in people(300).items()}
    made = plan(SEED, Cohort.from_table(table), **FIRST)
    assert [(one.id, one.fault.code) for one in made.refused] == [(f"P{row}", "E01")]
    assert made.calculated == 299 and f"P{row}" not in by_id(made)


def test_a_wrong_rule_refuses_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dosing.engine.body.Body.bsa", property(lambda body: body.bsa_unrounded))
    made = plan(SEED, Cohort.from_table(people(20)), **FIRST)
    assert {one.fault.code for one in made.refused} == {"E01"} and made.calculated + len(made.refused) == 20


def test_every_row_is_held_against_the_second_calculation(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    before = Second.differing
    monkeypatch.setattr(Second, "differing", lambda self, case, rows, held: seen.extend(rows.tolist()) or before(self, case, rows, held))
    plan(SEED, Cohort.from_table(people(200)), **FIRST)
    assert sorted(seen) == list(range(200))


# Files


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def refused_rows(output: Path) -> list[dict[str, str]]:
    with (output.parent / f"{output.name}.rejected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def corpus() -> list[Any]:
    if not CORPUS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the shelf with bad-inputs.csv is absent"))]
    with CORPUS.open(encoding="utf-8", newline="") as file:
        return [pytest.param(row, id=row["id"]) for row in csv.DictReader(file) if row["field"] == "cohort_csv" and not row["value"].startswith("gen:")]


@pytest.mark.parametrize("row", corpus())
def test_bad_cohort_files(row: dict[str, str], tmp_path: Path) -> None:
    source, output = written(tmp_path / "in.csv", json.loads(f'"{row["value"]}"')), tmp_path / "out.csv"
    code = row["expected"].removeprefix("reject: ")
    try:
        report = plan_file(MSC, source, output, **CELLS)
    except InputError as error:
        assert code in {fault.code for fault in error.faults} and not output.exists()
        return
    assert {one["code"] for one in refused_rows(output)} == {code} == {one["code"] for one in report["errors"]}
    assert report["refused"] and report["rows"] == report["calculated"] + report["refused"]


def test_a_bad_row_is_named_and_the_others_are_planned(tmp_path: Path) -> None:
    source, output = written(tmp_path / "in.csv", "id,weight_kg,height_cm\nP1,,170\nP2,71,172\nP3,70,1.70\nP4,70\nP5,80,180\n"), tmp_path / "out.csv"
    report = plan_file(SEED, source, output, **FIRST)
    assert (report["rows"], report["calculated"], report["refused"], report["administrations"]) == (5, 2, 3, 28)
    assert [(one["id"], one["row"], one["column"], one["code"]) for one in refused_rows(output)] == [
        ("P1", "2", "weight_kg", "C02"), ("P3", "4", "height_cm", "C02"), ("P4", "5", "", "C07"),
    ]  # fmt: skip
    with output.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == COLUMNS and len(lines) == 28 and {line["id"] for line in lines} == {"P2", "P5"}
    assert next(line for line in lines if line["order"] == "msc")["amount"] == "35500000"


def test_twenty_thousand_rows_with_twenty_poisoned(tmp_path: Path) -> None:
    table, poison = people(20_000), ["#REF!", "", "70,5", "7o", "-70", "1e2", "700", "154 lb", "n/a", "70.123"]
    bad = {n * 997 + 13: poison[n % 10] for n in range(20)}
    for row, text in bad.items():
        table["weight_kg"][row] = f'"{text}"'
    lines = [",".join(cells) for cells in zip(*table.values(), strict=True)]
    source, output = written(tmp_path / "in.csv", "\n".join([",".join(table), *lines])), tmp_path / "out.parquet"
    report = plan_file(SEED, source, output, **FIRST)
    assert (report["rows"], report["calculated"], report["refused"]) == (20_000, 19_980, 20)
    named = refused_rows(output)
    assert [(one["id"], int(one["row"]), one["column"], one["code"]) for one in named] == [(f"P{row}", row + 2, "weight_kg", "C02") for row in bad]
    import pyarrow.parquet as pq

    made = pq.read_table(output)
    assert made.num_rows == report["administrations"] == 19_980 * 14 and len(set(made["id"].to_pylist())) == 19_980


def test_parquet_in_gives_what_csv_in_gives(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = people(40)
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    written(tmp_path / "in.csv", "\r\n".join([",".join(table), *map(",".join, zip(*table.values(), strict=True))]))
    for kind in ("csv", "parquet"):
        plan_file(SEED, tmp_path / f"in.{kind}", tmp_path / f"from-{kind}.csv", **FIRST)
    assert (tmp_path / "from-csv.csv").read_bytes() == (tmp_path / "from-parquet.csv").read_bytes()


def test_an_id_with_a_comma_is_quoted(tmp_path: Path) -> None:
    source, output = written(tmp_path / "in.csv", 'id,weight_kg\n"Ward 3, bed 1",70\n病人2,71\n'), tmp_path / "out.csv"
    assert plan_file(MSC, source, output, **CELLS)["calculated"] == 2
    with output.open(encoding="utf-8", newline="") as file:
        assert {line["id"] for line in csv.DictReader(file)} == {"Ward 3, bed 1", "病人2"}


@pytest.mark.parametrize(("name", "code"), [
    ("=1+1", "C05"), ("+1", "C05"), ("-1", "C05"), ("@a", "C05"), ("4-Mar", "C04"), ("Mar-04", "C04"), ("17.0", "C04"), ("1E5", "C04"),
    ("", "C02"), ("#N/A", "C02"), ("P1 ", "C02"), ("a\u200bb", "C02"), ("x" * 121, "C02"),
])  # fmt: skip
def test_ids_that_are_refused(name: str, code: str) -> None:
    cohort = Cohort.from_table({"id": [name, "P9"], "weight_kg": [70, 71]})
    assert [(one.row, one.column, one.fault.code) for one in cohort.refused] == [(1, "id", code)]


def test_double_ids_refuse_both_rows() -> None:
    cohort = Cohort.from_table({"id": ["7", "8", "007", "P7", "8"], "weight_kg": [70] * 5})
    assert [one.row for one in cohort.refused] == [1, 2, 3, 5] and {one.fault.code for one in cohort.refused} == {"C03"}


def test_ids_as_floats_are_refused_as_a_column() -> None:
    with pytest.raises(InputError) as refusal:
        Cohort.from_table({"id": [1.0, 2.0], "weight_kg": [70, 71]})
    assert refusal.value.code == "C04"


@pytest.mark.parametrize(("column", "text"), [
    ("weight_kg", "70 kg"), ("weight_kg", "０７"), ("weight_kg", "70.123"), ("height_cm", "1.75"), ("age_y", "34 y"), ("age_y", "130"), ("sex", "X"),
    ("creatinine_mg_dl", "0,9"), ("creatinine_mg_dl", "80 umol/L"), ("crcl_ml_min", "0"), ("weight_kg", "=70"),
])  # fmt: skip
def test_cells_that_are_refused(column: str, text: str) -> None:
    table = {"id": ["a", "b"], "weight_kg": ["70", "70"], "height_cm": ["170", "170"]} | {column: ["70" if column != "sex" else "F", text]}
    cohort = Cohort.from_table(table)
    assert ("b", column, "C02") in [(one.id, one.column, one.fault.code) for one in cohort.refused]


@given(st.one_of(st.floats(), st.floats(0, 300).map(lambda value: round(value, 2)), st.integers(-5, 300)))
def test_a_number_is_taken_only_as_the_form_takes_its_digits(number: float) -> None:
    from dosing.forms import read_weight_kg

    cohort = Cohort.from_table(pa.table({"id": ["a"], "weight_kg": [number]}))
    try:
        expected = float(read_weight_kg(repr(number)))
    except InputError:
        assert not cohort.sound[0]
        return
    column = cohort.columns["weight_kg"]
    assert cohort.sound[0] and column.values[column.codes[0]] == expected


def test_blanks_say_not_known_where_a_check_asks(tmp_path: Path) -> None:
    text = "id,weight_kg,height_cm,age_y,sex,creatinine_mg_dl\nP1,70,170,40,F,0.9\nP2,70,170,,,\nP3,20,115,7,F,0.4\n"
    plan_file(SEED, written(tmp_path / "in.csv", text), tmp_path / "out.csv", **FIRST)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        found = {line["id"]: line["finding"].split() for line in csv.DictReader(file) if line["order"] == "flu"}
    assert "flu.creatinine" not in found["P1"] and {"flu.creatinine", "patient.age"} <= set(found["P2"])


@pytest.mark.parametrize(("text", "code"), [
    ("id;weight_kg\nP1;70\n", "C06"), ("id,weight_kg\n", "C07"), ("id,id,weight_kg\nP1,P1,70\n", "C01"), ('id,weight_kg\nP1,"70\nP2,71"\n', "C07"),
    ('id,weight_kg\nP1,7"0\n"P2"x,71\n', "C07"), ("weight_kg\n70\n", "C01"), ("id,weight_kg\n\udcff,70\n", "R12"),
])  # fmt: skip
def test_files_refused_as_a_whole(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        plan_file(MSC, written(tmp_path / "in.csv", text), tmp_path / "out.csv", **CELLS)
    assert refusal.value.code == code and {path.name for path in tmp_path.iterdir()} == {"in.csv"}


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    assert plan_file(MSC, written(tmp_path / "in.csv", "\ufeffid,weight_kg\nP1,70\n"), tmp_path / "out.csv", **CELLS)["calculated"] == 1


def test_paths_that_cannot_be_are_refused_before_the_work(tmp_path: Path) -> None:
    source = written(tmp_path / "in.csv", "id,weight_kg\nP1,70\n")
    for output in (tmp_path / "out.xlsx", tmp_path / "absent" / "out.csv", source, tmp_path / "con.csv"):
        with pytest.raises(UsageError):
            plan_file(MSC, source, output, **CELLS)
    with pytest.raises(InputError):
        plan_file(MSC, tmp_path / "absent.csv", tmp_path / "out.csv", **CELLS)
    with pytest.raises(InputError):
        plan_file(MSC, written(tmp_path / "in.parquet", "PAR1"), tmp_path / "out.csv", **CELLS)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, output = written(tmp_path / "in.csv", "id,weight_kg\nP1,70\n"), written(tmp_path / "out.csv", "old")

    def full(*_: Any) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr("dosing.cohort.files._as_texts", full)
    with pytest.raises(UsageError):
        plan_file(MSC, source, output, **CELLS)
    assert output.read_text() == "old" and {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_an_old_list_of_refused_rows_does_not_stay(tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    plan_file(MSC, written(source, "id,weight_kg\nP1,x\nP2,70\n"), output, **CELLS)
    assert len(refused_rows(output)) == 1
    assert plan_file(MSC, written(source, "id,weight_kg\nP1,71\nP2,70\n"), output, **CELLS)["rejected"] is None
    assert refused_rows(output) == []


def test_same_input_same_bytes(tmp_path: Path) -> None:
    source = written(tmp_path / "in.csv", "id,weight_kg,height_cm\nP1,70,170\nP2,x,170\n")
    for name in ("a.csv", "b.csv", "a.parquet", "b.parquet"):
        plan_file(SEED, source, tmp_path / name, **FIRST)
    for one, other in (("a.csv", "b.csv"), ("a.parquet", "b.parquet"), ("a.csv.rejected.csv", "b.csv.rejected.csv")):
        assert (tmp_path / one).read_bytes() == (tmp_path / other).read_bytes()


def test_progress_shows_only_on_a_terminal_and_only_for_long_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from dosing.cohort import progress

    with progress.watching() as watch:
        watch("doses", 0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress.watching() as watch:
        watch("doses", 0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.watching() as watch:
        watch("doses", 0.5)
    assert "doses" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_command_line(output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dosing.cli import main

    source = written(tmp_path / "in.csv", "id,weight_kg\nP1,70\nP2,x\n")
    choose = ["--choose", "msc.dose=1e6 cells/kg", "--choose", "msc.days=0, +7"]
    assert main(["plan", MSC, "--cohort", str(source), "-o", str(tmp_path / output), *choose, "--json"]) == 6
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["calculated"], report["refused"], report["administrations"]) == (2, 1, 1, 2)
    assert report["errors"][0]["code"] == "C02" and report["errors"][0]["where"] == "row 3, column weight_kg"


def test_a_fault_reads_what_where_and_what_to_do() -> None:
    (one,) = Cohort.from_table({"id": ["a"], "weight_kg": ["70,5"]}).refused
    assert isinstance(one.fault, Fault) and "70,5" in one.fault.what and one.fault.do and one.to_dict()["column"] == "weight_kg"
