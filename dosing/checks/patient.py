"""Can this be the patient? Ages, swapped or implausible sizes, stale weights, dosing weights above BMI 30."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dosing.checks.case import Case, Hit, check, per_course
from dosing.metrics import FORMULAS

Column = NDArray[np.float64]
POUND, INCH = 0.45359237, 2.54


@check
def the_age_is_inside_the_protocol(case: Case) -> Iterator[Hit]:
    """Is the age known and inside the protocol's range?"""
    ages = case.settled.regimen.ages
    if not ages:
        return
    cite = next(iter(case.settled.sources), "")
    if "age" not in case.body.facts:
        yield Hit("patient.age", "patient.age", "query", f"the age is missing; the protocol admits {ages}. Give --age or --born.", None, cite)
        return
    age = case.body.facts["age"]
    if _inside(age, (float(ages.low), float(ages.high))):
        return
    outside = (age < float(ages.low)) | (age > float(ages.high))
    if outside.any():
        yield Hit("patient.age", "patient.age", "query", lambda row: f"{age[row]:g} y is outside the protocol's ages, {ages}.", None, cite, outside)


@check
def the_size_is_plausible(case: Case) -> Iterator[Hit]:
    """Do weight and height fit together and an adult (a child only by body mass index here)?"""
    weight, height, bmi = case.body.facts.get("weight"), case.body.facts.get("height"), case.body.bmi
    if weight is None or height is None or bmi is None:
        return
    hard, adult_bmi, adult_weight, adult_height = case.site.bounds
    if _inside(bmi, adult_bmi) and _inside(weight, adult_weight) and _inside(height, adult_height):
        return
    adult = case.body.facts.get("age", np.full(weight.shape, 99.0)) >= 18
    hard = _outside(bmi, hard)
    if hard.any():
        yield Hit("patient.size", "patient.size", "block", lambda row: _suspect(float(weight[row]), float(height[row]), case), None, case.site.source, hard)
    soft = ~hard & adult & (_outside(weight, adult_weight) | _outside(height, adult_height) | _outside(bmi, adult_bmi))
    if soft.any():
        yield Hit("patient.size", "patient.size", "query", lambda row: "unusual for an adult; " + _suspect(float(weight[row]), float(height[row]), case), None, case.site.source, soft)


Bounds = tuple[float, float]


def _inside(values: Column, bounds: Bounds) -> bool:
    """Whether every row lies inside; most cohorts of adults end here."""
    return bool(bounds[0] <= np.minimum.reduce(values) and np.maximum.reduce(values) <= bounds[1])


def _outside(values: Column, bounds: Bounds) -> NDArray[np.bool_]:
    return (values < bounds[0]) | (values > bounds[1])


def _suspect(weight: float, height: float, case: Case) -> str:
    """What a doubtful pair may be: exchanged, pounds for kilograms, inches for centimetres."""
    def fits(kg: float, cm: float) -> bool:
        low, high = map(float, case.site.adult_bmi)
        return low <= kg / (cm / 100) ** 2 <= high and 2 <= kg <= 250 and 50 <= cm <= 230

    body = kg_cm = f"{weight:g} kg with {height:g} cm gives a body mass index of {weight / (height / 100) ** 2:.1f} kg/m²"
    guesses = {"weight and height exchanged": (height, weight), "pounds typed as kilograms": (weight * POUND, height),
               "inches typed as centimetres": (weight, height * INCH)}  # fmt: skip
    named = [name for name, (kg, cm) in guesses.items() if fits(kg, cm) and not fits(weight, height)]
    body = f"{kg_cm}; this looks like {' or '.join(named)}" if named else kg_cm
    return f"{body}. Measure both again and enter them."


@check
def the_weight_is_fresh(case: Case) -> Iterator[Hit]:
    """Was the weight measured shortly before the first dose, and has it changed since the last one?"""
    if case.when.day0 and case.weighed and case.slots:
        first = min(slot.day for slots in case.slots.values() for slot in slots)
        age = (case.when.day0 - case.weighed).days + first
        limit = case.site.weight_age // 1440
        if age < 0 and age + (-first) < 0:
            yield Hit("patient.weighed", "patient.weighed", "block", f"the weight is dated {case.weighed}, after day 0. Check the date.", None, case.site.source)
        elif age > limit:
            yield Hit("patient.weighed", "patient.weighed", "query", f"the weight was measured on {case.weighed}, {age} days before the first dose; the limit is {limit} days. Weigh again.", None, case.site.source)
    elif not case.weighed and "weight" in case.body.facts:
        yield Hit("patient.weighed", "patient.weighed", "note", "the date of the weight is not entered; weigh within the week before the first dose.", None, case.site.source)
    yield from _changed(case)


def _changed(case: Case) -> Iterator[Hit]:
    if not {"weight", "last_weight"} <= case.body.facts.keys():
        return
    weight, last = case.body.facts["weight"], case.body.facts["last_weight"]
    adult = case.body.facts.get("age", np.full(weight.shape, 99.0)) >= 18
    limit = np.where(adult, float(case.site.weight_change_adult), float(case.site.weight_change_child))
    moved = (weight / last - 1) * 100
    if (over := np.abs(moved) > limit).any():
        yield Hit("patient.weight-change", "patient.weight-change", "query", lambda row: f"the weight changed from {last[row]:g} to {weight[row]:g} kg ({moved[row]:+.1f} %). Confirm which one is right.", None, case.site.source, over)


@check
def the_dosing_weight_is_stated(case: Case) -> Iterator[Hit]:
    """Is a dosing weight stated where the patient's body mass index is 30 or more?"""
    named, bmi = _unweighed(case), case.body.bmi
    if not named or bmi is None:
        return
    told = f"the source names no dosing weight for {named}; the actual weight is used."
    if np.maximum.reduce(bmi) < float(case.site.bmi_ask):
        yield Hit("weight.unspecified", "weight.unspecified", "note", told)
        return
    heavy = bmi >= float(case.site.bmi_ask)
    if heavy.any():
        yield Hit("weight.unspecified", "weight.unspecified", "query", lambda row: _weights(case, row, named, bmi), None, case.site.source, heavy)
    if not heavy.all():
        yield Hit("weight.unspecified", "weight.unspecified", "note", told, None, "", ~heavy)


@per_course
def _unweighed(case: Case) -> str:
    """The orders whose source names no dosing weight."""
    return ", ".join(line.id for line in case.lines if line.order.weight == "unspecified" and line.basis in ("kg", "m2"))


def _weights(case: Case, row: int, named: str, bmi: Column) -> str:
    """The weights side by side, for a person to choose from; none is suggested."""
    facts = case.body.facts
    names = [n for n in ("ideal.devine", "adjusted25.devine", "adjusted40.devine", "adjusted50.devine") if "male" in facts]
    shown = [f"actual {facts['weight'][row]:g} kg"] + [f"{n} {float(FORMULAS[n](**facts)[row]):.1f} kg" for n in names]
    return f"the body mass index is {bmi[row]:.1f} kg/m² and the source names no dosing weight for {named}; the actual weight is used. {', '.join(shown)}. Confirm the weight with --answer, or set it with --set ORDER.weight=…"


@check
def the_bsa_formula_is_stated(case: Case) -> Iterator[Hit]:
    """Does the source name the formula of the body surface, and is it the one used?"""
    stated = case.settled.regimen.bsa
    if not any(line.basis == "m2" for line in case.lines):
        return
    if stated and stated.removeprefix("bsa.") != case.body.bsa_formula:
        yield Hit("bsa.formula", "bsa.formula", "query", f"the regimen names {stated} for the body surface and {case.body.bsa_formula} is used. Leave out --bsa, or confirm with --answer.", None, case.settled.regimen.id)
    if not stated:
        yield Hit("bsa.unspecified", "bsa.unspecified", "note", f"the source names no formula for the body surface; {case.body.bsa_formula} is used.", None, case.site.source)
