"""Every protocol of the library as a course: no news is the plan, and moved or late doses stay confirmed."""

from __future__ import annotations

import random

import pytest
from test_course_properties import given, news, planned, totals_hold

from dosing import DosingError, Patient, load_regimen, plan
from dosing.course import Course
from dosing.errors import Disagreement
from dosing.regimen.library import library


def worked() -> list[tuple[str, int]]:
    """Every worked example that has a day 0."""
    names = [name for name in library().regimens if load_regimen(name).kind == "protocol"]
    return [(name, place) for name in names for place, example in enumerate(load_regimen(name).examples) if example.day0]


def inputs(name: str, place: int) -> tuple[dict, dict]:
    example = load_regimen(name).examples[place]
    return dict(example.patient), {"day0": example.day0.isoformat(), "zone": example.zone, "times": dict(example.times), "choose": dict(example.choose)}


@pytest.mark.parametrize("name, place", worked())
def test_a_course_of_each_worked_example(name: str, place: int) -> None:
    patient, when = inputs(name, place)
    course = Course.start(name, patient, **when)
    assert course.schedule().to_dict() == plan(name, Patient(**patient), **when).to_dict()
    seed = random.Random(name)
    for _ in range(12):
        before = given(course)
        try:
            kind = news(course, seed)
        except Disagreement:
            raise
        except DosingError:
            continue
        if kind != "correct":
            assert all(given(course)[key] == value for key, value in before.items())
        totals_hold(course)
    assert planned(course) or given(course)
