"""Published schedules, totals and worked examples, encoded by hand in `cases/`, day for day and total for total.

The case files carry every expected value and are read here as texts, so nothing depends on the shelf; where the shelf
is present, the expected values are proved to be those of its tables.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dosing import InputError, Patient, RegimenError, Schedule, forms, plan
from dosing.metrics import FORMULAS, adjusted
from dosing.regimen.library import library
from dosing.rounding import to_step

CASES = Path(__file__).parent / "cases"
SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "data"
TABLES = ["srl-393841000210104-bu-cy", "srl-496571000210107-flu-cy-tbi", "srl-393851000210101-flu-mel", "srl-496341000210106-beam"]
WHEN: dict[str, Any] = {"day0": "2026-12-09", "zone": "Pacific/Auckland"}
ADULT = {"weight": "70 kg", "height": "170 cm", "age": "34 y", "sex": "F", "crcl": "90 mL/min"}
needs_shelf = pytest.mark.skipif(not SHELF.is_dir(), reason="the shelf with the published tables is absent")


@lru_cache(maxsize=32)
def case(name: str) -> Any:
    """A case file with every scalar as text."""
    return yaml.load((CASES / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506


def shelf_rows(name: str) -> list[dict[str, str]]:
    with (SHELF / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def regimen(found: dict[str, Any]) -> Any:
    """The regimen part of a case, with every rule checked."""
    keys = {key: found[key] for key in ("id", "version", "status", "title", "trial", "day0", "sources", "orders")}
    return library((str(CASES),)).parse(yaml.safe_dump(keys, allow_unicode=True, sort_keys=False).encode(), f"{found['id']}.yaml")


def one_order(**order: str) -> Any:
    """A regimen of a single order, which cites its own dose."""
    row = {"id": "one", "days": "0", "weight": "actual", "cite": {"made": " ".join(order["dose"].split("/"))}, **order}
    head = {"id": "case", "version": "1", "status": "draft", "title": "one order", "trial": "no", "day0": "the day of the graft"}
    return regimen({**head, "sources": {"made": {"id": "made", "title": "a published example", "read": "2026-11-22"}}, "orders": [row]})


def schedule(made: Any, patient: dict[str, str], **more: Any) -> Schedule:
    return plan(made, Patient(**patient), library=[str(CASES)], **{**WHEN, **more})


def texts(value: Any) -> str:
    return f"{value.value} {value.unit}" if value else ""


@pytest.mark.parametrize("name", TABLES)
class TestDayTables:
    """The four regimens of the New Zealand library: each row on its days, in its number of doses, with its amounts."""

    def test_day_for_day(self, name: str) -> None:
        found = case(name)
        times = {"hsc": "14:00"} if any("event" in order for order in found["orders"]) else {}
        made = schedule(regimen(found), found["patient"], times=times)
        assert {row.order for row in made} == found["expect"].keys()
        for order, told in found["expect"].items():
            rows = [row for row in made if row.order == order]
            days = [int(day) for day in told["days"].split(",")]
            assert sorted({row.day for row in rows}) == days
            assert {row.date for row in rows} == {date.fromordinal(date(2026, 12, 9).toordinal() + day) for day in days}
            assert len(rows) == int(told["doses"])
            assert {row.number for row in rows} == set(range(1, len(rows) + 1))
            assert {texts(row.amount) for row in rows} == {told.get("each", "")}

    def test_total_for_total(self, name: str) -> None:
        found = case(name)
        times = {"hsc": "14:00"} if any("event" in order for order in found["orders"]) else {}
        made = schedule(regimen(found), found["patient"], times=times)
        assert {total.order: texts(total.amount) for total in made.totals} == {order: told["all"] for order, told in found["expect"].items() if "all" in told}
        assert {total.order: total.doses for total in made.totals} == {order: int(told["doses"]) for order, told in found["expect"].items() if "all" in told}

    def test_without_a_day_0_the_days_are_the_same(self, name: str) -> None:
        found = case(name)
        made = plan(regimen(found), Patient(**found["patient"]), library=[str(CASES)])
        for order, told in found["expect"].items():
            assert sorted({row.day for row in made if row.order == order}) == [int(day) for day in told["days"].split(",")]

    @needs_shelf
    def test_the_expected_days_are_the_published_ones(self, name: str) -> None:
        found = case(name)
        published = [row for row in shelf_rows("day-tables.tsv") if row["source"].endswith(found["id"].removeprefix("srl-"))]
        rows = [(row["medication"], row["days_as_printed"], row["days_expanded"]) for row in published]
        assert rows == [(told["medication"], told["printed"], told["days"]) for told in found["expect"].values()]
        assert {row["regimen"] for row in published} == {found["title"]}


def test_every_published_regimen_has_a_case() -> None:
    if SHELF.is_dir():
        assert {row["source"].rpartition("/")[2] for row in shelf_rows("day-tables.tsv")} == {name.split("-")[1] for name in TABLES}


def total_order(row: dict[str, str], total: str) -> dict[str, str]:
    first = {"first": "06:00"} if "every" in row["dose"] else {}
    product = {"product": "atgam"} if row["drug"].endswith("horse") else {"product": "grafalon"} if row["id"].startswith("W91") else {}
    return {"drug": row["drug"], "dose": row["dose"], "days": row["days"], "total": total, **first, **product}


@pytest.mark.parametrize("row", case("published-totals"), ids=lambda row: row["id"])
def test_published_total(row: dict[str, str]) -> None:
    made = schedule(one_order(**total_order(row, row["total"])), ADULT)
    (total,) = made.totals
    assert (total.doses, texts(total.calculated)) == (int(row["doses"]), row["all"])


@pytest.mark.parametrize("row", case("published-totals"), ids=lambda row: row["id"])
def test_ten_times_a_published_total_is_refused(row: dict[str, str]) -> None:
    number, _, rest = row["total"].partition(" ")
    wrong = f"{forms.plain(Decimal(number) * 10)} {rest}"
    with pytest.raises(RegimenError) as refusal:
        one_order(**total_order(row, wrong))
    assert [fault.code for fault in refusal.value.faults] == ["D13"]


@needs_shelf
def test_every_published_total_is_here() -> None:
    ours = {(row["drug"], row["total"].split()[0], int(row["doses"])) for row in case("published-totals")}
    for row in shelf_rows("published-totals.tsv"):
        assert (row["drug"].split()[0], row["printed_total"], int(row["n_days"])) in ours


class TestBusulfanBands:
    """The EU weight bands: the band edges, the printed table, and the row where the two disagree."""

    @pytest.mark.parametrize("row", case("busulfan-eu-weight-bands")["bands"], ids=lambda row: row["weight"])
    def test_band_at_each_edge(self, row: dict[str, str]) -> None:
        made = schedule(regimen(case("busulfan-eu-weight-bands")), {"weight": row["weight"]})
        assert {one.order for one in made} == {row["band"]} and len(made) == 16

    @pytest.mark.parametrize("kg, printed", case("busulfan-eu-weight-bands")["table"].items())
    def test_printed_table(self, kg: str, printed: str) -> None:
        made = schedule(regimen(case("busulfan-eu-weight-bands")), {"weight": f"{kg} kg"})
        assert made.administrations[0].calculated.decimal * 4 == Decimal(printed) * Decimal(kg)

    def test_the_row_that_contradicts_the_text_follows_the_text(self) -> None:
        conflict = case("busulfan-eu-weight-bands")["conflict"]
        made = schedule(regimen(case("busulfan-eu-weight-bands")), {"weight": conflict["weight"]})
        daily = made.administrations[0].calculated.decimal * 4 / 23
        assert daily == Decimal(conflict["band-text"]) != Decimal(conflict["printed"])

    @needs_shelf
    def test_the_bands_are_the_published_ones(self) -> None:
        ours = [order["dose"].split()[0] for order in case("busulfan-eu-weight-bands")["orders"]]
        assert [Decimal(row["dose_mg_per_kg"]) for row in shelf_rows("busulfan-eu-weight-bands.tsv")] == [Decimal(number) for number in ours]


@pytest.mark.parametrize("row", case("worked-examples"), ids=lambda row: row["id"])
def test_worked_example(row: dict[str, str]) -> None:
    order = {key: row[key] for key in ("drug", "dose", "max") if key in row}
    patient = {key: row[key] for key in ("weight", "height") if key in row}
    made = schedule(one_order(**order), patient)
    assert texts(made.administrations[0].calculated) == row["gives"]


@pytest.mark.parametrize("row", case("worked-metrics"), ids=lambda row: row["id"])
def test_worked_metric(row: dict[str, str]) -> None:
    facts = {key: float(row[key]) for key in ("weight", "height", "male") if key in row}
    places = len(row["printed"].partition(".")[2])
    assert round(Decimal(float(FORMULAS[row["formula"]](**facts))), places) == Decimal(row["printed"])


def test_w50_adjusted_weight_of_a_given_ideal() -> None:
    assert float(adjusted(50, 40, 0.4)) == 44.0


def test_w52_pounds_are_refused_and_not_converted() -> None:
    with pytest.raises(InputError) as refusal:
        Patient(weight="150 lb")
    assert refusal.value.code == "P01"


def test_w53_halves_go_away_from_zero_and_not_to_even() -> None:
    """The source rounds 150 and 250 to 200 and 200 (half to even); here 250 becomes 300, and 523 by 50 is 500."""
    import numpy as np

    assert list(to_step(np.array([150.0, 250.0]), Decimal(100))) == [200, 300]
    assert list(to_step(np.array([523.0]), Decimal(50))) == [500]


@pytest.mark.parametrize("row", case("calvert"), ids=lambda row: row["id"])
def test_calvert(row: dict[str, str]) -> None:
    made = one_order(drug="carboplatin", dose=row["dose"])
    shown = schedule(made, {"weight": "70 kg", "crcl": row["crcl"]})
    assert texts(shown.administrations[0].calculated) == row["gives"]


def test_calvert_takes_a_clearance_of_at_most_125() -> None:
    made = one_order(drug="carboplatin", dose="5 AUC")
    row = schedule(made, {"weight": "70 kg", "crcl": "140 mL/min"}).administrations[0]
    assert texts(row.calculated) == "750 mg" and row.why.startswith("5 AUC × 150 mL/min (GFR + 25) = 750 mg")


@pytest.mark.parametrize("row", case("expansions")["hours"], ids=lambda row: row["id"])
def test_repeats_in_hours(row: dict[str, str]) -> None:
    made = schedule(one_order(drug="example-drug", dose=row["dose"], days=row["days"], first="06:00"), {"weight": "70 kg"})
    first = made.administrations[0].seconds
    assert [(one.seconds - first) // 3600 for one in made] == [int(hour) for hour in row["hours"].split(",")]


@pytest.mark.parametrize("row", case("expansions")["days"], ids=lambda row: row["id"])
def test_repeats_in_days(row: dict[str, str]) -> None:
    assert list(forms.read_days(row["written"])) == [int(day) for day in row["days"].split(",")]


@pytest.mark.parametrize("text", case("expansions")["refused"])
def test_other_notations_of_days_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        forms.read_days(text)


def test_a_clock_time_never_shifts_the_day() -> None:
    """CDISC rules engine issue 707: 13:50 on the day before 13:44 is still the day before."""
    made = schedule(one_order(drug="example-drug", dose="1 mg/dose", days="-1", at="13:50"), {"weight": "70 kg"}, day0="2022-05-20")
    assert (made.administrations[0].day, made.administrations[0].date) == (-1, date(2022, 5, 19))


@needs_shelf
def test_two_printed_doses_of_one_person_imply_one_body_surface() -> None:
    """mCODE STU3 prints 600 and 175 mg/m2 with their doses: at 1.5543 m2 both come out to the cent."""
    rows = shelf_rows("resolved-dose-examples.tsv")
    implied = [Decimal(row["printed_dose_mg"]) / Decimal(row["dose_per_m2_mg"]) for row in rows]
    assert {round(value, 4) for value in implied} == {Decimal("1.5543")}
    assert [round(value, 5) for value in implied] == [Decimal(row["implied_bsa_m2"]) for row in rows]


@needs_shelf
def test_the_day_lists_of_another_notation_are_all_here() -> None:
    """Every row is expanded by hand, or refused as another notation, or holds no day at all."""
    ours = {row["printed"] for row in case("expansions")["days"]} | set(case("expansions")["refused"])
    assert {row["input"] for row in shelf_rows("alldays-notation.tsv")} - ours <= {"1,(+0)", "(null)"}
