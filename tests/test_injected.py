"""A smaller run of the two tables of injected errors, with bounds that the README's figures keep."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dosing.course import Course

sys.path.insert(0, str(Path(__file__).parent))

import injected
import injected_doses

ALWAYS = ("weight in grams", "weight × 10", "weight ÷ 10", "height in inches", "height in metres", "pounds and inches")
MOSTLY = {"weight in pounds": 0.92, "weight divided by 2.2": 0.95, "weight and height exchanged": 0.99, "age in months as years": 0.97, "age in years as months": 0.95, "creatinine in µmol/L as mg/dL": 1}


@pytest.fixture(scope="module")
def stopped() -> dict[str, tuple[injected.Outcome, injected.Outcome]]:
    return injected.patients_stopped(2000)


def test_clean_patients_are_let_through(stopped) -> None:
    for found in stopped["none (clean patients)"]:
        assert found.tries > 800 and found.hard <= 2 and found.soft <= 0.05 * found.tries


@pytest.mark.parametrize("slip", ALWAYS)
def test_a_gross_slip_is_always_stopped_hard(stopped, slip) -> None:
    child, adult = stopped[slip]
    assert (child + adult).missed == 0 and (child + adult).hard >= 0.98 * (child + adult).tries


@pytest.mark.parametrize("slip", MOSTLY)
def test_a_finer_slip_is_mostly_stopped(stopped, slip) -> None:
    child, adult = stopped[slip]
    assert (child + adult).missed <= (1 - MOSTLY[slip]) * (child + adult).tries


def test_a_weight_entered_before_finds_every_wrong_unit() -> None:
    found = injected.patients_stopped(600, seed=2, last_weight=True)
    assert all(both[0].missed + both[1].missed == 0 for name, both in found.items() if name.startswith("weight "))


def test_a_dose_a_thousandfold_too_high_is_stopped_hard_in_the_whole_library() -> None:
    """And no slip of ten, typed in a file whose citation still prints the right number, is let through unasked."""
    for one in injected_doses.tried():
        slip = injected_doses.SLIPS["dose × 1000"](one.order, one.dose)
        assert injected_doses.printed(one, slip).hard == 1, (one.regimen.id, one.order.id)


def test_slips_of_ten_and_of_the_time_base_are_stopped_in_seven_regimens() -> None:
    found = injected_doses.doses_stopped(("nct07299123", "bucy2-label", "flu-mel140", "cy-saa", "treosulfan-flu", "beam-srl", "mtx-short"))
    both = {name: sum(pair, injected.NONE) for name, pair in found.items()}
    assert both["dose × 10"].missed <= 2  # umbilical-cord cells: 5e6/kg is as usual as 5e5/kg, typed or printed
    assert both["dose ÷ 10"].missed == 0 and both["dose ÷ 1000"].missed == 0
    assert all(pair[0].missed == 0 for name, pair in found.items() if name != "dose × 10")


@pytest.mark.parametrize("given", ["510 mg", "5.1 mg", "51000 mg", "0.051 mg", "204 mg"])
def test_a_slip_in_the_given_dose_is_asked_about(given) -> None:
    """51 mg is planned; ten and a thousand times off, and the course total of 204 mg: a record is asked about, not held."""
    facts = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "creatinine": "0.9 mg/dL"}
    course = Course.start("nct07299123", facts, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}, by="AB")
    course.give("flu#1", "2027-01-10T09:00", given, by="N")
    assert "flu#1.amount" in [finding.id for finding in course.schedule().open]
