"""The dose that a measured level asks for: for the doses left one by one, or for the target of the whole course."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing import forms
from dosing.course.places import count_of
from dosing.course.state import State
from dosing.engine.settle import Change, Line
from dosing.errors import refuse
from dosing.metrics import exposure
from dosing.units import in_unit

TIMES = {1: " once daily", 2: " twice daily", 3: " three times daily", 4: " four times daily"}


def next_dose(state: State, entry: Any) -> State:
    """Each dose left is scaled so that one dose gives the target exposure."""
    return _set(state, entry, level_dose(state, entry, cumulative=False))


def whole_course(state: State, entry: Any) -> State:
    """The doses left share what is missing from the target over the whole course."""
    return _set(state, entry, level_dose(state, entry, cumulative=True))


def stated(state: State, entry: Any) -> State:
    """Each dose left is the one that a person stated after the level."""
    return _set(state, entry, entry.stated)


def _set(state: State, entry: Any, text: str) -> State:
    if entry.dose and entry.dose != text:
        raise refuse("R07", f"the dose of this entry, {entry.dose}, is not the one its level gives, {text}", "the ledger was changed outside the program; take an untouched copy.", "level")
    change = Change(f"{entry.order}.dose", text, entry.by or "not named", f"level {entry.measured}, target {entry.target}", entry.second)
    return state.with_inputs(changes=(*state.inputs.changes, change))


def level_dose(state: State, entry: Any, cumulative: bool) -> str:
    """The dose text a level asks for, by exposure in proportion to dose, per kg or m2.

    `InputError` R05 where nothing was given or nothing is left, D08 where the units cannot be brought together, R13
    where the target of the course is already passed.
    """
    line, lane = state.inputs.line(entry.order), state.lane(entry.order)
    taken = lane.find(entry.of)
    if line is None or line.dose is None or taken is None or taken.amount is None or not lane.left:
        raise refuse("R05", f"{entry.order} has no given dose that the level can be of, or none left", "enter a level after the first dose and before the last.", "level")
    measured, target = pair(entry, line, state)
    given = sum((in_unit(*one.amount, line.drug.unit) for one in lane.given if one.amount), Fraction(0))
    amount = in_unit(*taken.amount, line.drug.unit)
    if cumulative:
        so_far, whole = exposure.delivered(given, amount, measured), target * count_of(line, state.when)
        value = exposure.remaining_dose(amount, measured, whole, so_far, len(lane.left))
    else:
        value = exposure.next_dose(amount, measured, target)
    return _dose_text(line, value / Fraction((taken.planned.work or {}).get("basis_value", "1")))


def pair(entry: Any, line: Line, state: State) -> tuple[Fraction, Fraction]:
    """The measured level and the target of one dose, both in the target's unit."""
    measured, target = forms.read_exposure(entry.measured), forms.read_exposure(entry.target)
    count = count_of(line, state.when)
    return tuple(_of_one_dose(one, target.unit, line, count) for one in (measured, target))  # type: ignore[return-value]


def _of_one_dose(one: forms.Exposure, unit: str, line: Line, count: int) -> Fraction:
    """A level of a dose, a day or the course as that of one dose, in a unit."""
    parts = {"dose": Fraction(1), "day": Fraction(1440, _interval(line)), "course": Fraction(count)}[one.period]
    return exposure.convert(one.value, one.unit, unit, line.drug.molar_mass, _interval(line)) / parts


def _interval(line: Line) -> int:
    """The minutes between two doses of an order."""
    return line.rhythm.every or 1440 // max(len(line.rhythm.clock), 1)


def _dose_text(line: Line, value: Fraction) -> str:
    number = forms.plain(Decimal(f"{float(value):.6g}"))  # six digits: the amount is rounded to a step far coarser
    assert line.dose
    per = f"/{line.dose.per}" if line.dose.per else ""
    rhythm = f" every {forms.plain(line.dose.every)} h" if line.dose.every else TIMES.get(line.dose.times or 0, "")
    return f"{number} {line.drug.unit}{per}/dose{rhythm}"


def tell(state: State, entry: Any) -> list[str]:
    """The target of one dose, of a day and of the course, so that nobody mistakes one for another."""
    line, target = state.inputs.line(entry.order), forms.read_exposure(entry.target)
    if line is None or line.dose is None:
        return []
    if target.unit == "ng/mL":
        return [f"{entry.order}: the target {target} is a mean concentration over each interval"]
    count, one = count_of(line, state.when), _of_one_dose(target, target.unit, line, count_of(line, state.when))
    shown = [forms.plain(Decimal(f"{float(one * times):.6g}")) for times in (1, 1440 // _interval(line), count)]
    return [f"{entry.order}: the target is {shown[0]} {target.unit} a dose, {shown[1]} a day, {shown[2]} over the {count} doses of the protocol"]
