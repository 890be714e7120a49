"""A measured level: the dose it asks for, by exposure in proportion to dose."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing import forms
from dosing.course.state import State, whole
from dosing.engine.settle import Change, Line
from dosing.errors import refuse


def scaled(state: State, entry: Any, cumulative: bool) -> State:
    """The state with the order's dose set to what the level asks for."""
    text = level_dose(state, entry, cumulative)
    if entry.dose and entry.dose != text:
        raise refuse("R07", f"the dose of this entry, {entry.dose}, is not the one its level gives, {text}", "the ledger was changed outside the program; take an untouched copy.", "level")
    change = Change(f"{entry.order}.dose", text, entry.by or "not named", f"level {' '.join(entry.measured)}, target {' '.join(entry.target)}", entry.second)
    return state.with_inputs(changes=(*state.inputs.changes, change))


def level_dose(state: State, entry: Any, cumulative: bool) -> str:
    """The dose text a level asks for, by exposure in proportion to dose: amount × target ÷ measured, per kg or m2.

    For the course: (target × doses of the protocol − exposure so far) ÷ doses left. `InputError` where nothing was
    given, nothing is left, units differ, or the target is already passed.
    """
    line, lane = state.inputs.line(entry.order), state.lane(entry.order)
    given = [(Fraction(one.amount[0]), one) for one in lane.given if one.amount]
    if not given or not lane.left or line is None or line.dose is None:
        raise refuse("R05", f"{entry.order} has no given dose, or none left", "enter a level after the first dose and before the last.", "level")
    if entry.measured[1] != entry.target[1]:
        raise refuse("D08", f"the level is in {entry.measured[1]} and the target in {entry.target[1]}", "write both in one unit.", "level")
    measured, target = Fraction(entry.measured[0]), Fraction(entry.target[0])
    last, latest = given[-1]
    if cumulative:
        so_far = sum((amount for amount, _ in given), Fraction(0)) * measured / last
        target = (target * len(whole_numbers(line)) - so_far) / len(lane.left)
    if target <= 0:
        raise refuse("R13", "the exposure so far is already at or above the target of the course", "stop the drug, or choose another target.", "level")
    return _dose_text(line, last * target / measured / _basis(latest.planned))


def whole_numbers(line: Line) -> tuple[int, ...]:
    """The numbers of all doses that the regimen orders."""
    return tuple(number for part in whole(line) for number in part.numbers)


def _basis(planned: Any) -> Fraction:
    return Fraction((planned.work or {}).get("basis_value", "1"))


def _dose_text(line: Line, value: Fraction) -> str:
    number = forms.plain(Decimal(f"{float(value):.6g}"))  # six digits: the amount is rounded to a step far coarser
    per = f"/{line.dose.per}" if line.dose and line.dose.per else ""
    every = f" every {forms.plain(line.dose.every)} h" if line.dose and line.dose.every else ""
    return f"{number} {line.drug.unit}{per}/dose{every}"
