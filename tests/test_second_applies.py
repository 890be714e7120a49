"""Which orders are for a patient at all: said by both calculations, in a plan, a course and a cohort."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosing import Cohort, Course, Patient, load_regimen, plan, planning, second
from dosing.errors import Disagreement
from dosing.regimen.schema import Regimen

REGIMEN = """id: by-weight
version: 1
status: draft
title: Tocilizumab by weight, an example of orders that hang on the patient
trial: no
day0: the day of the infusion
sources:
  page: {id: SRL 393851000210101, title: "an example", read: 2026-11-22}
orders:
  - {id: light, drug: tocilizumab, when: "weight < 30 kg", dose: 12 mg/kg/dose, days: "0", at: "09:00", route: iv, weight: actual, cite: {page: "<30 kg 12 mg/kg on day 0"}}
  - {id: heavy, drug: tocilizumab, when: "weight >= 30 kg", dose: 8 mg/kg/dose, days: "0", at: "09:00", route: iv, weight: actual, cite: {page: "30 kg or more 8 mg/kg on day 0"}}
examples:
  - {by: hand, patient: {weight: 20 kg}, expect: {light: 240 mg}}
"""
DAY = {"day0": "2027-03-01", "zone": "Europe/Berlin"}
PERSON = second.Person("29.9", "140", "F", age="11", creatinine="0.6")


@pytest.mark.parametrize(("conditions", "met"), [
    ("weight < 30", True), ("weight >= 30", False), ("age >= 6 & age < 12", True), ("age >= 12", False), ("bmi < 15.26", True), ("bmi < 15.25", False),
    ("crcl > 60", True), ("bsa <= 1.08", True), ("bsa < 1.08", False), ("bsa > 1.07 & weight > 30", False),
])  # fmt: skip
def test_conditions_by_the_second_calculation(conditions: str, met: bool) -> None:
    """29.9 kg and 140 cm: 15.255 kg/m2, sqrt(29.9 x 140 / 3600) = 1.0783 m2, used as 1.08; Schwartz 0.413 x 140 / 0.6 = 96."""
    assert second.meets(conditions, PERSON) is met


def test_a_condition_on_a_fact_that_is_not_known_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="age"):
        second.meets("age >= 6", PERSON._replace(age=""))


@pytest.fixture
def regimen(tmp_path: Path) -> Regimen:
    (tmp_path / "by-weight.yaml").write_text(REGIMEN, encoding="utf-8")
    return load_regimen(str(tmp_path / "by-weight.yaml"))


def plant(monkeypatch: pytest.MonkeyPatch, when: Callable[[Any], Any]) -> None:
    """The first calculation takes the orders of the heavy for the light, and the other way round, on some rows."""
    right = planning.applies
    monkeypatch.setattr(planning, "applies", lambda line, body: np.where(when(body.facts["weight"]), ~right(line, body), right(line, body)))


@pytest.mark.parametrize(("weight", "order", "amount"), [("29.9 kg", "light", "358.8 mg"), ("30 kg", "heavy", "240 mg")])
def test_the_order_for_the_weight_is_planned(regimen: Regimen, weight: str, order: str, amount: str) -> None:
    made = plan(regimen, Patient(weight=weight), **DAY)
    assert [(row.order, str(row.calculated)) for row in made] == [(order, amount)]


def test_an_order_for_another_patient_withholds_the_plan(regimen: Regimen, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, lambda weight: weight > 0)
    with pytest.raises(Disagreement, match=r"light: is it for a patient with weight < 30\? Only one of them says so"):
        plan(regimen, Patient(weight="29.9 kg"), **DAY)


def test_an_order_for_another_patient_withholds_a_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "by-weight.yaml").write_text(REGIMEN, encoding="utf-8")
    course = Course.start("by-weight", {"weight": "29.9 kg"}, library=[str(tmp_path)], **DAY)
    plant(monkeypatch, lambda weight: weight == 29.8)
    with pytest.raises(Disagreement, match="light: is it for a patient with weight < 30"):
        course.weigh("29.8 kg", outcome="real", at="2027-02-20T08:00", by="AB")


def test_a_row_with_an_order_for_another_patient_is_refused_alone(regimen: Regimen, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow", reason="cohorts need the extra dosing[cohort]")
    plant(monkeypatch, lambda weight: weight == 30)
    table = {"id": ["A", "B", "C", "D"], "weight_kg": ["29.9", "30", "31", "60"]}
    made = plan(regimen, Cohort.from_table(table), **DAY)
    assert [(one.id, one.fault.code) for one in made.refused] == [("B", "E01")] and made.calculated == 3
