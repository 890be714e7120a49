"""The dose that a measured level asks for: for the doses left one by one, or for the target of the whole course; and which levels may be entered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from dosing import forms, second
from dosing.course.places import count_of
from dosing.course.state import State
from dosing.engine.change import Change, Guided
from dosing.engine.settle import Line
from dosing.errors import InputError, refuse
from dosing.metrics import exposure
from dosing.schedule import Finding
from dosing.units import in_unit

T = TypeVar("T")
FAR = 2  # proposal: a level that more than doubles or halves the dose is asked about
TIMES = {1: " once daily", 2: " twice daily", 3: " three times daily", 4: " four times daily"}


def next_dose(state: State, entry: Any) -> State:
    """Each dose left is scaled so that one dose gives the target exposure."""
    return _set(state, entry, *_guided(state, entry, cumulative=False))


def whole_course(state: State, entry: Any) -> State:
    """The doses left share what is missing from the target over the whole course."""
    return _set(state, entry, *_guided(state, entry, cumulative=True))


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
    keys = {f"{line.id}.dose" for line in family(state, old.order)}
    ours = [one for one in state.inputs.changes if one.key in keys and one.reason == _why(old)][-1:]
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
            yield Finding(f"{entry.order}.level.far", "course.level-far", "query", f"{text}{_meant(entry, line, factor, state)} Confirm both numbers, their units and their periods, or correct the level.", leads_to(state, entry.order))


def _factor(entry: Any, line: Line, state: State) -> Fraction | None:
    """Target by measured level, both of one dose; None where their units cannot be brought together."""
    try:
        measured, target = pair(entry, line, _count(state, entry.order))
    except InputError:
        return None
    return target / measured


def _meant(entry: Any, line: Line, factor: Fraction, state: State) -> str:
    """Which of the two looks like that of a day or of the course, entered without saying so."""
    periods = {"day": Fraction(1440, _interval(line)), "course": Fraction(_count(state, entry.order))}
    told = {"target": (forms.read_exposure(entry.target), factor), "level": (forms.read_exposure(entry.measured), 1 / factor)}
    found = [f"the {name} looks like that of the {period}: write {one.text} per {period}" for name, (one, times) in told.items() for period, parts in periods.items()
             if one.period == "dose" and parts > FAR and Fraction(1, 2) <= times / parts <= Fraction(3, 2)]  # fmt: skip
    return f" Was it meant so? {'; or '.join(found)}." if found else ""


def prove(state: State, order: str, of: int, target: str, told: bool) -> None:
    """Refuse a level of a dose that was not given (R05), and a second one of the same dose that does not say what it is (O14).

    `told` is whether the entry says that it corrects the one before, or is a further measurement.
    """
    taken, there = state.lane(order).find(of), f"{order}#{of}"
    if not of:
        raise refuse("R05", f"no dose of {order} is given yet, so the level can be of none", _instead(state, order, target), "level")
    if taken is None or taken.missed:
        raise refuse("R05", f"{there} was {'missed' if taken else 'not given'}, so the level cannot be of it", f"name the dose the level was measured after, for example {_given(state, order) or order}.", "level")
    old = next((one for one in reversed(state.levels) if (one.order, one.of) == (order, of)), None)
    if old and not told:
        raise refuse("O14", f"a level of {there} is entered already, {old.measured}, target {old.target}", "say --corrects if it takes the place of that one, or --further if it is one more measurement of the same dose.", "level")


def _instead(state: State, order: str, target: str) -> str:
    """What to enter for a level of an order that has no dose yet: the dose it was measured after, else the dose itself."""
    taken = next((name for line in family(state, order) if (name := _given(state, line.id))), "")
    if taken:
        return f'enter it for the dose it was measured after, and it leads to {order}: dosing course level FILE {taken} --measured "…" --target "{target}".'
    line = state.inputs.line(order)
    if line is None or not _is_by_level(state, line):
        return f"record the dose first: dosing course give FILE {order}#1 --at TIME."
    return f'record the dose it was measured after first; a dose without a level is set by a person: dosing course set FILE {order}.dose="…" --by NAME --reason TEXT.'


def _given(state: State, order: str) -> str:
    """The last dose given of an order, `bu#1`; empty where there is none."""
    given = state.lane(order).given
    return f"{order}#{given[-1].number}" if given else ""


def family(state: State, order: str) -> tuple[Line, ...]:
    """The orders that one drug's course is made of: those of a drug of which the regimen sets one by level, else the order alone."""
    line = state.inputs.line(order)
    same = tuple(one for one in state.inputs.settled.lines if line and one.drug.id == line.drug.id)
    return same if any(_is_by_level(state, one) for one in same) else (line,) if line else ()


def _is_by_level(state: State, line: Line) -> bool:
    """Whether the regimen leaves an order's dose to the level, whatever was set since."""
    return line.open == "by level" or any((one["key"], one["from"]) == (f"{line.id}.dose", "by level") for one in state.inputs.settled.changes)


def leads_to(state: State, order: str) -> str:
    """The order whose doses left a level changes: the one it was measured of; where none is left of it, the next one of the drug that is set by level."""
    if state.lane(order).left:
        return order
    return next((line.id for line in family(state, order) if _is_by_level(state, line) and state.lane(line.id).left), order)


def _set(state: State, entry: Any, text: str, guided: Guided | None = None) -> State:
    if entry.dose and entry.dose != text:
        raise refuse("R07", f"the dose of this entry, {entry.dose}, is not the one its level gives, {text}", "the ledger was changed outside the program; take an untouched copy.", "level")
    change = Change(f"{leads_to(state, entry.order)}.dose", text, entry.by or "not named", _why(entry), entry.second, guided)
    return state.with_inputs(changes=(*state.inputs.changes, change))


def level_dose(state: State, entry: Any, cumulative: bool) -> str:
    """The dose text a level asks for, by exposure in proportion to dose, per kg or m2; its number is shortened to six digits.

    `InputError` R05 where nothing was given or nothing is left, D08 where the units cannot be brought together, R13
    where the target of the course is already passed.
    """
    return _guided(state, entry, cumulative)[0]


def _guided(state: State, entry: Any, cumulative: bool) -> tuple[str, Guided]:
    """The text of a dose that a level asks for, and its exact number with the facts it comes from."""
    line, taken, next_ = state.inputs.line(entry.order), state.lane(entry.order).find(entry.of), leads_to(state, entry.order)
    if line is None or line.dose is None or taken is None or taken.amount is None:
        raise refuse("R05", f"{entry.order}#{entry.of} has no given amount that the level can be of", "enter a level of a dose that was given.", "level")
    unit, count = line.drug.unit, _count(state, entry.order)
    if not state.lane(next_).left:
        raise refuse("R05", f"no dose of {entry.order} is left that the level could change", "enter a level before the last dose.", "level")
    _prove_alike(line, state.inputs.line(next_) or line)
    lanes = [state.lane(one.id) for one in family(state, entry.order)]
    given, left = [one.amount for lane in lanes for one in lane.given if one.amount], sum(len(lane.left) for lane in lanes)
    measured, target = pair(entry, line, count)
    amount, basis = in_unit(*taken.amount, unit), (taken.planned.work or {}).get("basis_value", "1")
    if cumulative:
        so_far = exposure.delivered(sum((in_unit(*one, unit) for one in given), Fraction(0)), amount, measured)
        value = exposure.remaining_dose(amount, measured, target * count, so_far, left)
    else:
        value = exposure.next_dose(amount, measured, target)
    facts = second.Level(" ".join(taken.amount), basis, entry.measured, entry.target, _interval(line), count, forms.plain(line.drug.molar_mass) if line.drug.molar_mass else "")
    facts = facts._replace(given=tuple(map(" ".join, given)), left=left) if cumulative else facts
    exact = value / Fraction(basis)
    return _dose_text(line, state.inputs.line(next_) or line, exact), Guided(exact, facts)


def _prove_alike(line: Line, next_: Line) -> None:
    """Refuse to work out the dose of an order by the level of another one that has another dosing weight or another rhythm."""
    if line.weight != next_.weight or _interval(line) != _interval(next_):
        told = " and ".join(f"{one.id} every {forms.say_duration(_interval(one))} by {one.weight} weight" for one in (line, next_))
        raise refuse("R05", f"{told} are not given alike, so no dose of {next_.id} follows from a level of {line.id}", 'state the dose with the level (--dose "…" --by NAME --reason TEXT).', "level")


def _count(state: State, order: str) -> int:
    """How many doses of the drug the protocol orders."""
    return sum(count_of(line, state.when) for line in family(state, order))


def pair(entry: Any, line: Line, count: int) -> tuple[Fraction, Fraction]:
    """The measured level and the target of one dose, both in the target's unit; `count` are the doses of the course."""
    measured, target = forms.read_exposure(entry.measured), forms.read_exposure(entry.target)
    return tuple(_of_one_dose(one, target.unit, line, count) for one in (measured, target))  # type: ignore[return-value]


def _of_one_dose(one: forms.Exposure, unit: str, line: Line, count: int) -> Fraction:
    """A level of a dose, a day or the course as that of one dose, in a unit."""
    parts = {"dose": Fraction(1), "day": Fraction(1440, _interval(line)), "course": Fraction(count)}[one.period]
    return exposure.convert(one.value, one.unit, unit, line.drug.molar_mass, _interval(line)) / parts


def _interval(line: Line) -> int:
    """The minutes between two doses of an order."""
    return line.rhythm.every or 1440 // max(len(line.rhythm.clock), 1)


def _dose_text(line: Line, next_: Line, value: Fraction) -> str:
    """A dose in six digits for print, of the measured order's kind and in the rhythm of the one it is for."""
    assert line.dose
    per = f"/{line.dose.per}" if line.dose.per else ""
    every, times = (next_.dose.every, next_.dose.times) if next_.dose else (None, None if len(next_.rhythm.clock) < 2 else len(next_.rhythm.clock))
    rhythm = f" every {forms.plain(every)} h" if every else TIMES.get(times or 0, "")
    return f"{forms.plain(Decimal(f'{float(value):.6g}'))} {line.drug.unit}{per}/dose{rhythm}"


def tell(state: State, entry: Any) -> list[str]:
    """The target of one dose, of a day and of the course, so that nobody mistakes one for another."""
    line, target = state.inputs.line(entry.order), forms.read_exposure(entry.target)
    if line is None or line.dose is None:
        return []
    if target.unit == "ng/mL":
        return [f"{entry.order}: the target {target} is a mean concentration over each interval"]
    count = _count(state, entry.order)
    one = _of_one_dose(target, target.unit, line, count)
    shown = [forms.plain(Decimal(f"{float(one * times):.6g}")) for times in (1, 1440 // _interval(line), count)]
    return [f"{entry.order}: the target is {shown[0]} {target.unit} a dose, {shown[1]} a day, {shown[2]} over the {count} doses of the protocol"]
