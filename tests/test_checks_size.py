"""Plausible bodies: bounds by age against the published tables, hand figures either side of them, slips by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dosing import Patient, load_regimen, plan
from dosing.checks import size
from dosing.regimen.library import library
from dosing.schedule import Finding

SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "rules-and-rounding.md"
SITE = library().site
CY = load_regimen("cy-saa")


def found(**facts: str) -> Finding | None:
    """The finding on the patient's size, if any."""
    return next((one for one in plan(CY, Patient(**facts)).findings if one.id == "patient.size"), None)


def level(**facts: str) -> str:
    told = found(**facts)
    return told.level if told else ""


BOY = {"height": "130 cm", "age": "9 y", "sex": "M"}


@pytest.mark.parametrize(("facts", "expected"), [
    ({**BOY, "weight": "45.2 kg"}, ""),  # 45.2 / 1.3² = 26.75, asked above 26.8
    ({**BOY, "weight": "45.4 kg"}, "query"),  # 26.86
    ({**BOY, "weight": "75.5 kg"}, "query"),  # 44.67, held above 44.7
    ({**BOY, "weight": "75.6 kg"}, "block"),  # 44.73
    ({**BOY, "weight": "19.8 kg"}, ""),  # 11.72, asked below 11.7
    ({**BOY, "weight": "19.7 kg"}, "query"),  # 11.66
    ({"weight": "30 kg", "height": "158.8 cm", "age": "9 y", "sex": "M"}, ""),  # 11.90; held above 158.8 cm
    ({"weight": "30 kg", "height": "158.9 cm", "age": "9 y", "sex": "M"}, "block"),
    ({"weight": "24 kg", "height": "103.4 cm", "age": "9 y", "sex": "M"}, "block"),  # held below 103.5 cm
    ({"weight": "24 kg", "height": "103.4 cm", "age": "9 y", "sex": "F"}, "query"),  # girls 103.1 and 109.1
    ({"weight": "24 kg", "height": "103.4 cm", "age": "9 y"}, "query"),  # sex unknown: the wider bounds
    ({"weight": "6.4 kg", "height": "55 cm", "age": "0 y", "sex": "M"}, "block"),  # WHO: at birth held above 6.3 kg
    ({"weight": "6.2 kg", "height": "55 cm", "age": "0 y", "sex": "M"}, ""),
    ({"weight": "115.6 kg", "height": "170 cm", "age": "18 y"}, ""),  # 40.0
    ({"weight": "115.7 kg", "height": "170 cm", "age": "18 y"}, "query"),  # 40.03
    ({"weight": "46.2 kg", "height": "170 cm", "age": "40 y"}, "query"),  # 15.99
    ({"weight": "20 kg", "age": "1 y"}, "block"),  # no height: the weight alone, held above 16.3 kg
    ({"weight": "20 kg"}, ""),  # neither age nor height: nothing to hold it against
    ({"weight": "20 kg", "height": "110 cm"}, "query"),  # no age: judged as an adult
])  # fmt: skip
def test_sizes_either_side_of_a_bound(facts, expected) -> None:
    assert level(**facts) == expected


def test_between_two_ages_the_bounds_run_straight() -> None:
    """At 9.5 years half way between the rows: held above (91.7 + 108.1) / 2 kg, asked above (26.8 + 28.7) / 2 kg/m2."""
    facts = {"weight": np.array([30.0]), "age": np.array([9.5]), "male": np.array([True])}
    bounds = size.bounds(facts, SITE)
    assert bounds[0, 3, 0] == pytest.approx(99.9) and bounds[2, 2, 0] == pytest.approx(27.75)


def test_rows_of_many_patients_are_those_of_each_alone() -> None:
    chance = np.random.default_rng(4)
    many = {"weight": chance.uniform(3, 120, 500), "height": chance.uniform(50, 200, 500), "age": chance.uniform(0, 40, 500), "male": chance.random(500) < 0.5}
    judged = size.judge(many, SITE)
    for row in range(0, 500, 7):
        one = size.judge({name: column[row : row + 1] for name, column in many.items()}, SITE)
        assert (one.held[0], one.asked[0]) == (judged.held[row], judged.asked[row])


@pytest.mark.parametrize(("facts", "name"), [
    ({"weight": "154 kg", "height": "170 cm", "age": "34 y"}, "pounds typed as kilograms"),
    ({**BOY, "weight": "62 kg"}, "pounds typed as kilograms"),
    ({"weight": "70 kg", "height": "67 cm", "age": "34 y"}, "inches typed as centimetres"),
    ({"weight": "154 kg", "height": "67 cm", "age": "34 y"}, "pounds and inches typed as kilograms and centimetres"),
    ({"weight": "170 kg", "height": "65 cm", "age": "34 y"}, "weight and height exchanged"),
    ({"weight": "150 kg", "height": "55 cm", "age": "12 y"}, "weight and height exchanged"),
    ({"weight": "31.8 kg", "height": "175 cm", "age": "34 y"}, "kilograms divided by 2.2 once too often"),
    ({"weight": "13 kg", "height": "90 cm", "age": "30 y"}, "months typed as years"),
    ({"weight": "70 kg", "height": "170 cm", "age": "34 mo"}, "years typed as months"),
])  # fmt: skip
def test_a_slip_that_explains_a_doubtful_body_is_named(facts, name) -> None:
    told = found(**facts)
    assert told and name in told.message and "Measure again" in told.message


@pytest.mark.parametrize(("age", "asked"), [("85 y", False), ("86 y", True)])
def test_an_age_beyond_transplantation_is_asked_about(age, asked) -> None:
    made = plan(CY, Patient(weight="70 kg", height="170 cm", age=age)).findings
    assert any(one.id == "patient.age-doubtful" and one.level == "query" for one in made) == asked


@pytest.mark.parametrize(("creatinine", "asked"), [("10 mg/dL", False), ("10.1 mg/dL", True), ("80 umol/L", False)])
def test_a_creatinine_beyond_belief_is_asked_about(creatinine, asked) -> None:
    made = plan(CY, Patient(weight="70 kg", height="170 cm", age="40 y", creatinine=creatinine)).findings
    told = [one.message for one in made if one.id == "patient.creatinine-doubtful"]
    assert bool(told) == asked and all("µmol/L typed as mg/dL" in text for text in told)


def test_no_slip_is_named_that_explains_nothing() -> None:
    told = found(weight="160 kg", height="165 cm", age="34 y")  # 58.8; in pounds 72.6 kg would be ordinary
    assert told and "pounds typed" in told.message and "inches" not in told.message
    told = found(weight="230 kg", height="165 cm", age="34 y")  # 84.5; in pounds 38.3
    assert told and told.level == "block" and "exchanged" not in told.message


@pytest.mark.parametrize(("weight", "last", "words"), [
    ("154 kg", "71 kg", "+116.9 %); this looks like pounds typed as kilograms"),
    ("32 kg", "70 kg", "-54.3 %); this looks like kilograms divided by 2.2"),
    ("84 kg", "70 kg", "+20.0 %). Confirm"),
])  # fmt: skip
def test_a_changed_weight_names_the_unit_that_explains_it(weight, last, words) -> None:
    made = plan(CY, Patient(weight=weight, height="180 cm", age="40 y", last_weight=last)).findings
    assert words in next(one.message for one in made if one.id == "patient.weight-change")


def test_a_healthy_child_is_judged_per_surface() -> None:
    """8 y, 128 cm, 26 kg: Schwartz 0.413 × 128 / 0.5 = 105.7 mL/min/1.73 m2, which is 58.7 mL/min; 0.8 mg/dL: 66.1."""
    flu = load_regimen("treosulfan-flu")
    child = {"weight": "26 kg", "height": "128 cm", "age": "8 y", "sex": "F"}
    healthy, ill = ({one.id: one for one in plan(flu, Patient(**child, creatinine=text)).findings} for text in ("0.5 mg/dL", "0.8 mg/dL"))
    assert "flu.renal" not in healthy
    assert ill["flu.renal"].level == "query" and "66 mL/min/1.73 m²" in ill["flu.renal"].message


@pytest.mark.skipif(not SHELF.is_file(), reason="the reference shelf is not beside the repository")
def test_the_held_bounds_are_those_of_the_published_table() -> None:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in SHELF.read_text(encoding="utf-8").splitlines() if line.count("|") == 14]
    table = {float(row[0]): [float(cell) for cell in row[1:]] for row in rows if row[0].replace(".", "").isdigit()}
    assert len(table) == 16
    for age, (*boy, _, _, _, _, _, _) in table.items():
        girl = table[age][6:]
        for male, (low, _, high, short, _, tall) in ((True, boy), (False, girl)):
            bounds = size.bounds({"weight": np.array([1.0]), "age": np.array([min(age, 17.999999)]), "male": np.array([male])}, SITE)
            assert bounds[:2, (0, 3), 0] == pytest.approx(np.array([[low, high], [short, tall]]), abs=2e-3)
