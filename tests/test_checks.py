"""Checks that look at several lines at once."""

from __future__ import annotations

from typing import Any

from dosing import Patient, load_regimen, plan
from dosing.engine.settle import Change

ADULT = Patient(weight="70 kg", height="175 cm", age="40 y", sex="M", creatinine="0.9 mg/dL")


def open_ids(regimen: str, **given: Any) -> set[str]:
    return {finding.id for finding in plan(regimen, ADULT, **given).open}


def split(*changes: tuple[str, str]) -> set[str]:
    """The open findings of rabbit ATG in three orders of 0.5, 2 and twice 2.5 mg/kg, Thymoglobulin named in each."""
    named = [(f"atg{n}.product", "thymoglobulin") for n in (1, 2, 3)]
    made = [Change(key, text, "AB", "as printed") for key, text in (*named, *changes)]
    return open_ids("nct00130754", choose={"bu_route": "iv", "atg_arm": "yes", "csa.days": "-4..-1"}, set=made)


def test_a_course_in_several_orders_is_judged_as_one() -> None:
    assert not {"atg1.dose", "atg2.dose", "atg3.dose"} & split()


def test_a_course_in_several_orders_that_is_too_high_together_is_asked_about() -> None:
    assert {"atg1.dose", "atg2.dose", "atg3.dose"} <= split(("atg2.dose", "5 mg/kg/day"), ("atg3.dose", "5 mg/kg/day"))


def test_a_course_with_doses_still_open_is_not_called_too_low() -> None:
    assert open_ids("bu-cy-once-daily") == {"bu-level.dose"}


def test_a_changed_copy_of_a_regimen_is_not_planned_as_the_original() -> None:
    whole = load_regimen("bu-cy-once-daily")
    part = whole.model_copy(update={"orders": whole.orders[:1]})
    assert len(plan(whole, ADULT)) > len(plan(part, ADULT)) >= 1
