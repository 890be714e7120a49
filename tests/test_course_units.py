"""A course whose amounts are written in two units of one kind: sums, differences and limits are in one of them."""

from __future__ import annotations

from itertools import permutations

import pytest
from test_course import ADULT, rows, total

from dosing import InputError
from dosing.course import Course
from dosing.units import UNITS, exact, in_unit, same_kind

AMOUNTS = ("ng", "mcg", "mg", "g", "cGy", "Gy", "micromol", "mmol", "cells", "units", "mL", "dL", "L")


def tli() -> Course:
    """Ten fractions of 80 cGy on days -11 to -2, the first of 4 January given: 720 cGy left."""
    course = Course.start("nct00603954", ADULT, day0="2027-01-15", zone="Asia/Shanghai", times={"tli": "09:00"},
                          choose={"arm": "tli", "donor": "alternative", "tac.days": "-3..+2"})  # fmt: skip
    course.give("tli#1", "2027-01-04T09:00", by="N", second="M")
    return course


def test_a_dose_of_radiation_set_in_gray_after_one_given_in_centigray() -> None:
    """80 cGy given and nine of 1.5 Gy left: 80 + 9 × 150 = 1430 cGy."""
    course = tli()
    assert total(course, "tli") == "800"
    course.set("tli.dose", "1.5 Gy x 10 doses", by="AB", second="CD", why="plan of the radiotherapist")
    told = next(one for one in course.schedule().totals if one.order == "tli")
    assert told.amount and told.given
    assert in_unit(told.amount.value, told.amount.unit, "cGy") == 1430 and in_unit(told.given.value, told.given.unit, "cGy") == 80
    assert [in_unit(row["amount"]["value"], row["amount"]["unit"], "cGy") for row in rows(course, "tli")] == [80, *[150] * 9]


def test_a_dose_given_in_another_unit_of_its_kind_is_taken_and_one_of_another_kind_refused() -> None:
    course = tli()
    course.give("tli#2", "2027-01-05T09:00", amount="0.8 Gy", by="N", second="M")
    assert total(course, "tli") == "800"
    with pytest.raises(InputError, match="not an amount of cGy"):
        course.give("tli#3", "2027-01-06T09:00", amount="80 mg", by="N", second="M")


@pytest.mark.parametrize("unit, to", [pair for pair in permutations(AMOUNTS, 2) if same_kind(*pair)])
def test_a_factor_between_two_units_of_an_amount_is_a_power_of_ten_there_and_back(unit: str, to: str) -> None:
    """As a float a nanogram would be 1.0000000000000002e-6 mg."""
    assert exact(unit, to) * exact(to, unit) == 1 and exact(unit, to).normalize().as_tuple().digits == (1,)


@pytest.mark.parametrize("unit, to", [("cells", "mg"), ("units", "mg"), ("Gy", "mg"), ("mg", "grain"), ("mg/kg", "mg")])
def test_no_factor_is_made_up(unit: str, to: str) -> None:
    with pytest.raises(InputError):
        exact(unit, to)
    assert set(AMOUNTS) <= set(UNITS)
