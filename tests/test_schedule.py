"""What a schedule answers when it is asked for a drug, and what it and a patient show of themselves."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from schedules import saa_one

from dosing import Patient, plan
from dosing.errors import UsageError
from dosing.schedule import Later, Schedule

UNKNOWN: dict[str, Callable[[Schedule, str], object]] = {"total": Schedule.total, "why": lambda schedule, drug: schedule.why(drug, -5)}


@pytest.mark.parametrize("ask", UNKNOWN.values(), ids=UNKNOWN)
def test_a_drug_that_is_not_planned_is_refused_with_the_nearest_name(ask: Callable[[Schedule, str], object]) -> None:
    with pytest.raises(UsageError, match=r'no drug or order "fludarabin" in the schedule – did you mean "fludarabine"\?') as refusal:
        ask(saa_one(), "fludarabin")
    assert refusal.value.code == "R05" and refusal.value.exit_code == 2
    with pytest.raises(UsageError, match=r"known: antithymocyte-globulin, atg, cy, "):
        ask(saa_one(), "zzz")


def test_a_total_is_of_a_drug_or_of_an_order() -> None:
    """4 × 55 mg; a held line and a graft without a dose in the source have none."""
    schedule = saa_one()
    assert str(schedule.total("flu")) == str(schedule.total("fludarabine")) == "220 mg"
    assert schedule.total("atg") is None and schedule.total("hsc") is None


def test_the_work_of_a_day_without_the_drug_is_empty() -> None:
    assert saa_one().why("fludarabine", -1) == "" and "54.6 mg" in saa_one().why("flu", -5)


def test_a_schedule_travels_to_another_process_whole() -> None:
    """Pools of workers and cluster frames pickle; rows not yet made are made there."""
    schedule = plan("nct01305694", Patient(weight="60 kg"), choose={"msc.dose": "1e6 cells/kg", "msc.days": "0, +7"})
    there = pickle.loads(pickle.dumps(schedule))
    assert there.to_dict() == schedule.to_dict() and there == schedule


def test_rows_made_later_show_themselves() -> None:
    rows = Later(lambda: iter([1, "two"]))
    assert repr(rows) == "(1, 'two')" and rows == (1, "two")


def test_who_a_patient_is_stands_in_no_trace() -> None:
    """A traceback prints the `repr` of what it passes: the name, the number and the birth date stay out of it."""
    patient = Patient(weight="62.5 kg", name="EXAMPLE, Ann", id="77123", born="1980-01-02")
    for shown in (repr(patient), str(patient), f"{[patient]}"):
        assert "62.5" in shown and not any(text in shown for text in ("EXAMPLE", "77123", "1980"))
    assert (patient.name, patient.id, str(patient.born)) == ("EXAMPLE, Ann", "77123", "1980-01-02")
