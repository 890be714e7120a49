"""The dose that a measured level asks for: for the doses left one by one, or for the target of the whole course."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from dosing import forms
from dosing.course.places import count_of
from dosing.course.state import State
from dosing.engine.settle import Change, Line
from dosing.errors import InputError, refuse
from dosing.metrics import exposure
from dosing.schedule import Finding
from dosing.units import in_unit

T = TypeVar("T")
FAR = 2  # proposal: a level that more than doubles or halves the dose is asked about
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


def noted(state: State, entry: Any) -> State:
    """A level as a fact; one that corrects takes the place of the one before."""
    state = withdrawn(state, entry) if entry.corrects else state
    return replace(state, levels=(*state.levels, entry))


def withdrawn(state: State, entry: Any) -> State:
    """The latest level of a dose no longer stands: the doses left are what they would be without it, and it is shown."""
    old = next((one for one in reversed(state.levels) if (one.order, one.of) == (entry.order, entry.of)), None)
    if old is None:
        raise refuse("R05", f"no level of {entry.order}#{entry.of} stands", "name the dose it was entered for, for example bu#1.", "level")
    ours = [one for one in state.inputs.changes if (one.key, one.reason) == (f"{old.order}.dose", _why(old))][-1:]
    told = [one for one in state.told if one.order == old.order and one.kind in ("level", "stated")][-1:] if ours else []
    asked = {key: one for key, one in state.asked.items() if one != old}
    after = replace(state, levels=_less(state.levels, [old]), told=_less(state.told, told), asked=asked, withdrawn=(*state.withdrawn, (old, entry)))
    return after.with_inputs(changes=_less(state.inputs.changes, ours)) if ours else after


def _less(rows: tuple[T, ...], last: list[T]) -> tuple[T, ...]:
    """The rows without the last one that is the one named."""
    place = max((n for n, row in enumerate(rows) if row in last), default=None)
    return rows if place is None else (*rows[:place], *rows[place + 1 :])


def _why(entry: Any) -> str:
    """The reason that a dose set after a level bears."""
    return f"level {entry.measured}, target {entry.target}"


def far(state: State) -> Iterator[Finding]:
    """Levels that ask for more than twice or less than half of the dose they are of: mistyped, or another period meant?"""
    for entry in {one.order: one for one in state.levels}.values():
        line = state.inputs.line(entry.order)
        factor = _factor(entry, line, state) if line and line.rhythm else None
        if line and factor and not 1 / Fraction(FAR) <= factor <= FAR:
            text = f"{entry.order}: the level {entry.measured} of dose {entry.of} against the target {entry.target} asks for {float(factor):.3g} times that dose."
            yield Finding(f"{entry.order}.level.far", "course.level-far", "query", f"{text}{_meant(entry, line, factor, state)} Confirm both numbers, their units and their periods, or correct the level.", entry.order)


def _factor(entry: Any, line: Line, state: State) -> Fraction | None:
    """Target by measured level, both of one dose; None where their units cannot be brought together."""
    try:
        measured, target = pair(entry, line, state)
    except InputError:
        return None
    return target / measured


def _meant(entry: Any, line: Line, factor: Fraction, state: State) -> str:
    """Which of the two looks like that of a day or of the course, entered without saying so."""
    periods = {"day": Fraction(1440, _interval(line)), "course": Fraction(count_of(line, state.when))}
    told = {"target": (forms.read_exposure(entry.target), factor), "level": (forms.read_exposure(entry.measured), 1 / factor)}
    found = [f"the {name} looks like that of the {period}: write {one.text} per {period}" for name, (one, times) in told.items() for period, parts in periods.items()
             if one.period == "dose" and parts > FAR and Fraction(1, 2) <= times / parts <= Fraction(3, 2)]  # fmt: skip
    return f" Was it meant so? {'; or '.join(found)}." if found else ""


def _set(state: State, entry: Any, text: str) -> State:
    if entry.dose and entry.dose != text:
        raise refuse("R07", f"the dose of this entry, {entry.dose}, is not the one its level gives, {text}", "the ledger was changed outside the program; take an untouched copy.", "level")
    change = Change(f"{entry.order}.dose", text, entry.by or "not named", _why(entry), entry.second)
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
