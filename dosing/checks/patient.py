"""Can this be the patient? Ages, swapped or implausible sizes, stale weights, dosing weights above BMI 30."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from dosing.checks import size
from dosing.checks.case import Case, Hit, check, per_course
from dosing.metrics import FORMULAS
from dosing.rounding import Column


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
    if size.all_inside(age, float(ages.low), float(ages.high)):
        return
    outside = (age < float(ages.low)) | (age > float(ages.high))
    if outside.any():
        yield Hit("patient.age", "patient.age", "query", lambda row: f"{age[row]:g} y is outside the protocol's ages, {ages}.", None, cite, outside)


SLIPS = {"age": ("y", "months typed as years"), "creatinine": ("mg/dL", "µmol/L typed as mg/dL")}


@check
def facts_are_ordinary(case: Case) -> Iterator[Hit]:
    """Is the age or the creatinine larger than anybody's whom a transplant is planned for?"""
    for name, limit in case.site.highest:
        values = case.body.facts.get(name) if name != "age" or not case.settled.regimen.ages else None  # its own ages ask already
        if values is not None and size.span(values)[1] > limit:
            told = partial(_extraordinary, name, values, limit)
            yield Hit(f"patient.{name}-doubtful", f"patient.{name}", "query", told, None, case.site.source, values > limit)


def _extraordinary(name: str, values: Column, limit: float, row: int) -> str:
    unit, slip = SLIPS[name]
    return f"{name} {values[row]:g} {unit} is above {limit:g} {unit}: is it {slip}? Check it and its unit, or confirm."


@check
def the_size_is_plausible(case: Case) -> Iterator[Hit]:
    """Can a person of this age have this weight and height, and do the two fit together?"""
    facts = case.body.facts
    if "weight" not in facts or not facts.keys() & {"height", "age"}:
        return
    if size.are_ordinary_adults(facts, case.body.bmi, case.site):
        return
    judged = size.judge(facts, case.site)
    if not (asked := judged.asked).any():
        return
    source = case.site.source if case.site.children is None or judged.bounds is case.site.adult_bounds else case.site.children.source
    if (held := judged.held).any():
        yield Hit("patient.size", "patient.size", "block", partial(_size, case, 0, 3), None, source, held)
    if (asked := asked & ~held).any():
        yield Hit("patient.size", "patient.size", "query", partial(_size, case, 1, 2), None, source, asked)


def _size(case: Case, low: int, high: int, row: int) -> str:
    return size.describe(case.body.facts, row, case.site, low, high)


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
        yield Hit("patient.weight-change", "patient.weight-change", "query", partial(_change, weight, last, limit), None, case.site.source, over)


def _change(weight: Column, last: Column, limit: Column, row: int) -> str:
    """How far the weight moved, and whether a wrong unit would explain it."""
    new, old = float(weight[row]), float(last[row])
    units = {"pounds typed as kilograms": size.POUND, "kilograms divided by 2.2 once too often": 1 / size.POUND}
    named = "".join(f"; this looks like {name}" for name, factor in units.items() if abs(new * factor / old - 1) * 100 <= limit[row])
    return f"the weight changed from {old:g} to {new:g} kg ({(new / old - 1) * 100:+.1f} %){named}. Confirm which one is right."


@check
def the_dosing_weight_is_stated(case: Case) -> Iterator[Hit]:
    """Is a dosing weight stated where the patient's body mass index is 30 or more?"""
    named, bmi = _unweighed(case), case.body.bmi
    if not named or bmi is None:
        return
    told = f"the source names no dosing weight for {named}; the actual weight is used."
    if size.span(bmi)[1] < float(case.site.bmi_ask):
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
