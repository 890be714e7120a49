"""Every row of a cohort is what the same patient gives when planned alone: the same cells to the last bit, or the same refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cohorts import FIRST, MSC, SEED, by_id, people
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_adjustments import FLU, folders, lifetime, made

pa = pytest.importorskip("pyarrow", reason="cohorts need the extra dosing[cohort]")

from dosing import Cohort, Patient, plan  # noqa: E402
from dosing.cohort.result import as_printed  # noqa: E402
from dosing.errors import DosingError, InputError  # noqa: E402
from dosing.rounding import number_text  # noqa: E402
from dosing.schedule import Schedule  # noqa: E402

UNITS = {"weight_kg": ("weight", "kg"), "height_cm": ("height", "cm"), "age_y": ("age", "y"), "creatinine_mg_dl": ("creatinine", "mg/dL"),
         "crcl_ml_min": ("crcl", "mL/min"), "sex": ("sex", ""), "prior": ("prior", ""), "taking": ("taking", "")}  # fmt: skip


def alone(row: dict[str, Any], regimen: Any, **options: Any) -> Schedule:
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


def as_alone(rows: list[dict[str, Any]], regimen: Any, **options: Any) -> None:
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
    """Every seventh of them, planned alone."""
    table = people(1000)
    together = by_id(plan(SEED, Cohort.from_table(table), **FIRST))
    for n in range(0, 1000, 7):
        row = {name: cells[n] for name, cells in table.items()}
        assert together[row["id"]] == as_cells(alone(row, SEED, **FIRST))


TAKEN = ("", "none", "Metronidazole", "levetiracetam, itraconazole", "itraconazole,levetiracetam", "aspirin")


def test_what_rows_take_is_asked_as_of_one_patient() -> None:
    """Busulfan in SAA-II: the label's metronidazole is a query, an anticonvulsant is its cover, `none` lacks the cover."""
    rows = [{"id": f"P{n}", "weight_kg": "70", "height_cm": "170", "taking": TAKEN[n % 6], "time.bu": "00:00"} for n in range(12)]
    choose = {"stratum": "SAA-II", "flu_in_saa2": "yes", "cy.dose": "600 mg/m2/day"}
    options = {"day0": "2026-12-09", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}, "choose": choose}
    as_alone(rows, SEED, **options)
    found = {row["id"]: row["finding"].split() for row in plan(SEED, Cohort.from_table(rows), **options).to_rows() if row["order"] == "bu"}
    assert {row["id"] for row in rows if "taking.metronidazole" in found[row["id"]]} == {"P2", "P8"}
    assert {row["id"] for row in rows if "taking.itraconazole" in found[row["id"]]} == {"P3", "P4", "P9", "P10"}
    assert ("bu.cover" in found["P1"], "bu.cover" in found["P3"]) == (True, False)


def test_what_rows_were_given_before_counts_as_of_one_patient(tmp_path: Path) -> None:
    """Limit 375 mg/m2 over a life; 4 × 62 mg at 2.05 m2 are 120.98: 254 before fit, 255 do not, and nobody knows nothing."""
    before = {"a": "fludarabine 254 mg/m2", "b": "fludarabine 255 mg/m2; busulfan unknown", "c": "fludarabine unknown", "d": "", "e": "fludarabine 400 mg"}
    rows = [{"id": name, "weight_kg": "95", "height_cm": "160", "age_y": "45", "sex": "F", "prior": text} for name, text in before.items()]
    folder = lifetime(tmp_path)
    regimen, options = made(FLU, folder=folder), {"library": folders(folder), "day0": "2026-12-09", "zone": "Europe/Berlin"}
    as_alone(rows, regimen, **options)
    table = plan(regimen, Cohort.from_table(rows), **options).to_rows()
    assert {row["id"]: (row["amount"], "one.prior" in row["finding"].split()) for row in table} == {
        "a": (62.0, False), "b": (None, True), "c": (62.0, True), "d": (62.0, True), "e": (62.0, True),
    }  # fmt: skip


@given(st.lists(st.floats(1e-9, 1e11), min_size=1, max_size=50))
def test_printed_floats_are_the_printed_texts(values: list[float]) -> None:
    """An amount as a float is the float nearest to its printed decimal text, bit for bit."""
    values += [round(value, 4) for value in values] + [0.0, 1000.0, 0.3135 * 1000, 1e12, 123456789012.5, 0.1 + 0.2]
    told = as_printed(np.array(values))
    assert [one.hex() for one in told.tolist()] == [float(number_text(value)).hex() for value in values]
