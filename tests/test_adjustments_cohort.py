"""Cohort rows with doses by AUC, named weights, tables and packs equal the plans of single patients."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from test_adjustments import BU, CASES, FLU, FLU25, SIGNED, WHEN, made  # noqa: E402

from dosing import Patient, plan, plan_cohort  # noqa: E402
from dosing.cohort import Cohort  # noqa: E402

PEOPLE = [
    {"id": "a", "weight_kg": "70", "height_cm": "175", "age_y": "40", "sex": "M", "crcl_ml_min": "140"},
    {"id": "b", "weight_kg": "95", "height_cm": "160", "age_y": "45", "sex": "F", "crcl_ml_min": "60"},
    {"id": "c", "weight_kg": "76.8", "height_cm": "160", "age_y": "45", "sex": "F", "creatinine_mg_dl": "0.5"},
    {"id": "d", "weight_kg": "62", "height_cm": "171", "age_y": "50", "sex": "F", "gfr_ml_min": "140"},
    {"id": "e", "weight_kg": "80", "height_cm": "180", "age_y": "30", "sex": "M", "creatinine_mg_dl": "1.6"},
    {"id": "f", "weight_kg": "70", "height_cm": "175", "age_y": "40", "sex": "M", "crcl_ml_min": "29"},
]
UNITS = {"weight_kg": "kg", "height_cm": "cm", "age_y": "y", "crcl_ml_min": "mL/min", "gfr_ml_min": "mL/min", "creatinine_mg_dl": "mg/dL"}
CASES_OF: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "AUC": ({"drug": "carboplatin", "dose": "5 AUC"}, {}),
    "weight rule": ({**BU, "weight": "us-busulfan-label"}, {}),
    "weight rule of the house": (BU, {"weight_rule": ["us-busulfan-label"]}),
    "table": (FLU25, {"set": {"one.adjust": "older-us-label"}, **SIGNED}),
    "share and surface": ({**FLU, "weight": "adjusted40.devine", "bsa-max": "1.8 m2"}, {"set": {"one.dose": "80 %"}, **SIGNED}),
    "vials": ({**FLU, "product": "solution"}, {"rounding": "hopa-10"}),
}


def patient(row: dict[str, str]) -> Patient:
    facts = {name.partition("_")[0]: f"{text} {UNITS[name]}" if name in UNITS else text for name, text in row.items() if name != "id"}
    return Patient(**facts)


@pytest.mark.parametrize("name", CASES_OF)
def test_rows_equal_single_plans(name: str) -> None:
    order, options = CASES_OF[name]
    regimen = made(order)
    table = plan_cohort(regimen, Cohort.from_table(PEOPLE), library=[str(CASES)], **WHEN, **options)
    assert not table.refused and table.calculated == len(PEOPLE)
    rows = table.to_rows()
    for person in PEOPLE:
        alone = plan(regimen, patient(person), library=[str(CASES)], **WHEN, **options)
        theirs = [row for row in rows if row["id"] == person["id"]]
        assert [row["amount"] for row in theirs] == [float(one.amount.value) if one.amount else None for one in alone], person
        assert [row["calculated"] for row in theirs] == [float(one.calculated.value) for one in alone]


def test_a_clearance_above_125_is_capped_and_no_longer_refused() -> None:
    """(125 + 25) × 5 for the estimate, (140 + 25) × 5 for the measured GFR."""
    table = plan_cohort(made({"drug": "carboplatin", "dose": "5 AUC"}), Cohort.from_table(PEOPLE), library=[str(CASES)], **WHEN)
    assert {row["id"]: row["amount"] for row in table.to_rows() if row["id"] in "ad"} == {"a": 750.0, "d": 825.0}


def test_a_fault_of_the_first_calculation_is_seen_in_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the cap of the estimate forgotten, the threshold of the weight rule turned round."""
    from dosing.engine.body import Body

    monkeypatch.setattr(Body, "calvert", property(lambda self: (self.facts.get("gfr") if "gfr" in self.facts else self.clearance[0]) + 25.0))
    table = plan_cohort(made({"drug": "carboplatin", "dose": "5 AUC"}), Cohort.from_table(PEOPLE), library=[str(CASES)], **WHEN)
    assert {one.id for one in table.refused} >= {"a"} and {one.fault.code for one in table.refused} == {"E01"}
    monkeypatch.setattr(Body, "is_heavy", lambda self, rule: rule.heavy.met(self.fact("bmi", "")) ^ True)
    table = plan_cohort(made({**BU, "weight": "us-busulfan-label"}), Cohort.from_table(PEOPLE), library=[str(CASES)], **WHEN)
    assert {one.id for one in table.refused} == {"b", "c", "e"}


@pytest.mark.parametrize("order", [{**BU, "weight": "us-busulfan-label"}, {"drug": "cyclophosphamide", "dose": "50 mg/kg/day", "weight": "cyclophosphamide-150"}, {"drug": "carboplatin", "dose": "5 AUC"}, {**FLU25, "adjust": "older-us-label"}], ids=lambda order: order["drug"])
def test_two_thousand_bodies_agree_with_the_second_calculation(order: dict[str, str]) -> None:
    """Random bodies and bodies on the very thresholds (a body mass index of 30, 150 % of ideal, a clearance of 70)."""
    dice = random.Random(20261122)
    people = [{"id": str(n), "weight_kg": f"{dice.randint(300, 2000) / 10:g}", "height_cm": str(dice.randint(140, 205)), "age_y": str(dice.randint(18, 80)), "sex": dice.choice("FM"),
               "creatinine_mg_dl": f"{dice.randint(4, 30) / 10:g}"} for n in range(1900)]  # fmt: skip
    people += [{**people[n], "id": f"edge{n}", "weight_kg": f"{Decimal(30) * height * height / 10000:f}".rstrip("0").rstrip("."), "height_cm": str(height)} for n, height in enumerate([*range(150, 200, 10)] * 20)]
    table = plan_cohort(made(order), Cohort.from_table(people), library=[str(CASES)], **WHEN)
    assert table.calculated == 2000 and not [one for one in table.refused if one.fault.code == "E01"]
