"""Exposures in their units, the next dose and the doses left, in numbers, on the command line and in a course."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from dosing import InputError, Patient, forms, plan
from dosing.cli import main
from dosing.course import Course
from dosing.metrics.exposure import convert, delivered, mg_h_per_litre, next_dose, per_dose, remaining_dose

MASS = Decimal("246.3")


def test_the_shelf_s_vectors_of_units() -> None:
    assert f"{float(convert(1125, 'umol*min/L', 'mg*h/L', MASS)):.6g}" == "4.61813"
    assert f"{float(convert(900, 'umol*min/L', 'mg*h/L', MASS)):.6g}" == "3.6945"
    assert f"{float(convert(90, 'mg*h/L', 'umol*min/L', MASS)):.6g}" == "21924.5"
    assert f"{float(convert(1125, 'umol*min/L', 'ng/mL', MASS, 360)):.6g}" == "769.688"
    assert f"{float(convert(4500, 'umol*min/L', 'ng/mL', MASS, 1440)):.6g}" == "769.688"
    assert f"{float(convert(1125, 'umol*min/L', 'mg*h/L', MASS) * 16):.6g}" == "73.89"


@pytest.mark.parametrize("unit", ["umol*min/L", "mg*h/L", "ng/mL"])
@pytest.mark.parametrize("to", ["umol*min/L", "mg*h/L", "ng/mL"])
def test_there_and_back_is_exact(unit: str, to: str) -> None:
    assert convert(convert(Fraction(1234567, 1000), unit, to, MASS, 360), to, unit, MASS, 360) == Fraction(1234567, 1000)


def test_what_a_unit_needs_is_asked_for() -> None:
    for unit, word in (("umol*min/L", "molar mass"), ("ng/mL", "dosing interval")):
        with pytest.raises(InputError, match=word):
            mg_h_per_litre(1, unit)
    assert convert(5, "ng/mL", "ng/mL") == 5


def test_the_shelf_s_vectors_of_doses() -> None:
    assert f"{float(next_dose(56, 1350, 1125)):.6g}" == "46.6667" and f"{float(next_dose(16, 850, 1125)):.6g}" == "21.1765"
    left = remaining_dose(180, Decimal("18.5"), 90, delivered(180, 180, Decimal("18.5")), 3)
    assert f"{float(left):.6g}" == "231.892"  # (90 − 18.5) / 3 = 23.833; 180 × 23.833 / 18.5


def test_a_target_that_is_passed_or_a_course_that_is_over_is_refused() -> None:
    with pytest.raises(InputError, match="already at or above"):
        remaining_dose(180, 50, 90, 90, 2)
    with pytest.raises(InputError, match="no dose is left"):
        remaining_dose(180, 20, 90, 20, 0)


def test_the_period_is_part_of_a_level() -> None:
    """Css 770 ng/mL is AUC 4.62 mg*h/L in 6 h; 18.48 a day; 73.92 in 16 doses."""
    for text in ("770 ng/mL", "4.62 mg*h/L", "18.48 mg*h/L per day", "73.92 mg*h/L per course"):
        assert per_dose(forms.read_exposure(text), MASS, 360, 16) == Fraction("4.62")
    assert forms.read_exposure("1125 µM·min").text == "1125 umol*min/L"
    for text in ("20", "AUC 20", "600 ng/dL", "770 ng/mL per day", "0 mg*h/L"):
        with pytest.raises(InputError):
            forms.read_exposure(text)


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--level", "18.5 mg*h/L", "--target", "90 mg*h/L per course", "--dose", "180 mg", "--every", "24 h", "--doses", "4", "--given", "1", "--json"]) == 0
    told = {row["name"]: (row["value"], row["unit"]) for row in json.loads(capsys.readouterr().out)["metrics"]}
    assert told["dose.cumulative"] == ("231.892", "mg") and told["exposure.cumulative"] == ("74", "mg*h/L") and told["exposure.css"] == ("770.833", "ng/mL")
    assert main(["metrics", "--level", "4 mg*h/L", "--drug", "fludarabine", "--json"]) == 2


# the seed's busulfan: 0.6 mg/kg, 16 doses, a child of 28 kg, 16.8 mg each

CHILD = Patient(weight="28 kg", height="132 cm", age="9 y", sex="F", creatinine="0.5 mg/dL")
WHEN: dict[str, Any] = {"day0": "2027-01-15", "zone": "Asia/Shanghai", "times": {"hsc": "14:00", "bu": "06:00"}}
CHOOSE = {"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"}


def begun() -> Course:
    course = Course.start("nct07299123", CHILD, choose=CHOOSE, **WHEN)
    for row in [row for row in course.schedule() if row.order == "bu"][:4]:
        course.give(f"bu#{row.number}", row.start.format("YYYY-MM-DDTHH:mm"), by="N")
    return course


def left(course: Course) -> set[str]:
    return {row.amount.value for row in course.schedule() if row.order == "bu" and not row.record and row.amount}


@pytest.mark.parametrize(
    ("target", "outcome", "amounts"),
    [
        ("1000 umol*min/L", "next-dose", {"13.8"}),  # 0.5 mg/kg = 14 mg, 23.3 steps of 0.6
        ("4.105 mg*h/L", "next-dose", {"13.8"}),  # the same target in the other unit
        ("684.2 ng/mL", "next-dose", {"13.8"}),  # and as a mean concentration
        ("1000 umol*min/L", "cumulative", {"13.2"}),  # (16000 − 4800) / 12 = 933.3: 13.07 mg, 21.8 steps
        ("16000 umol*min/L per course", "cumulative", {"13.2"}),
        ("65.68 mg*h/L per course", "cumulative", {"13.2"}),
    ],
)
def test_a_course_takes_a_level_in_any_unit(target: str, outcome: str, amounts: set[str]) -> None:
    course = begun()
    course.level("bu", "1200 umol*min/L", target, at="2027-01-08T02:00", outcome=outcome, by="AB")
    assert left(course) == amounts


def test_a_course_refuses_a_unit_nobody_can_convert() -> None:
    with pytest.raises(InputError, match="no known unit of exposure"):
        begun().level("bu", "1200 umol*min/L", "600 ng/dL", at="2027-01-08T02:00", outcome="next-dose", by="AB")


def test_a_dose_by_level_stays_open_until_it_is_entered() -> None:
    from test_adjustments import HEAVY, SIGNED, amount, found, planned

    order = {"drug": "busulfan", "dose": "by level", "route": "iv"}
    assert found(planned(order, HEAVY), "one.dose").level == "block" and planned(order, HEAVY).administrations[0].held
    entered = planned(order, HEAVY, set={"one.dose": "3.2 mg/kg/day"}, **SIGNED)
    assert amount(entered) == "304.2 mg" and found(entered, "one.dose.set").level == "note"  # 3.2 × 95 = 304, 506.7 steps of 0.6


def test_plan_is_plan() -> None:
    schedule = plan("nct07299123", CHILD, choose=CHOOSE, **WHEN)
    assert {row.amount.value for row in schedule if row.order == "bu"} == {"16.8"}
