"""Exposures of a drug in their units, and the doses a measured exposure asks for, by exposure in proportion to dose.

Exact fractions; nothing here sees a patient. The units are those of `forms.read_exposure`: `umol*min/L` and `mg*h/L`
(area under the curve of one dosing interval, or of a course) and `ng/mL` (the mean concentration over an interval).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from dosing import forms
from dosing.errors import refuse

Number = Fraction | Decimal | int | str
CITE = "unit algebra; molar mass of busulfan 246.3 g/mol; McCune JS et al 2019 (harmonised units, citation recalled)"


def mg_h_per_litre(value: Number, unit: str, molar_mass: Number | None = None, minutes: Number | None = None) -> Fraction:
    """An exposure in mg*h/L: `umol*min/L` needs the molar mass in g/mol, `ng/mL` the dosing interval in minutes.

    Raises `InputError` D08 where what the unit needs is missing.
    """
    amount = Fraction(value)
    if unit == "umol*min/L":
        return amount * _needed(molar_mass, "the molar mass", unit) / 60_000  # 1 umol*min/L = M ug*min/L
    if unit == "ng/mL":
        return amount * _needed(minutes, "the dosing interval", unit) / 60_000
    return amount


def convert(value: Number, unit: str, to: str, molar_mass: Number | None = None, minutes: Number | None = None) -> Fraction:
    """An exposure written in another unit; D08 where the molar mass (g/mol) or the interval (minutes) is missing."""
    if unit == to:
        return Fraction(value)
    return mg_h_per_litre(value, unit, molar_mass, minutes) / mg_h_per_litre(1, to, molar_mass, minutes)


def _needed(value: Number | None, what: str, unit: str) -> Fraction:
    if value is None:
        raise refuse("D08", f"an exposure in {unit} cannot be written in another unit without {what}", f"give {what}, or write both in one unit.", "level")
    return Fraction(value)


def next_dose(dose: Number, measured: Number, target: Number) -> Fraction:
    """The dose that gives the target exposure where `dose` gave the measured one; both in one unit."""
    return Fraction(dose) * Fraction(target) / Fraction(measured)


def delivered(doses: Number, dose: Number, measured: Number) -> Fraction:
    """The exposure of all doses given so far, `doses` in all, where one of `dose` gave the measured one."""
    return Fraction(doses) * Fraction(measured) / Fraction(dose)


def remaining_dose(dose: Number, measured: Number, target: Number, so_far: Number, left: int) -> Fraction:
    """Each of the doses left, so that the course comes to a cumulative target: what is missing, shared evenly.

    `dose` gave the measured exposure; measured, target and so_far are in one unit. Raises `InputError` R05 where no
    dose is left and R13 where the target is already reached.
    """
    if left < 1:
        raise refuse("R05", "no dose is left", "enter a level before the last dose.", "level")
    missing = Fraction(target) - Fraction(so_far)
    if missing <= 0:
        raise refuse("R13", "the exposure so far is already at or above the target of the course", "stop the drug, or choose another target.", "level")
    return next_dose(dose, measured, missing / left)


def per_dose(exposure: forms.Exposure, molar_mass: Number | None, minutes: int, doses: int) -> Fraction:
    """An exposure as mg*h/L of one dose, out of that of a day or of a course of `doses` doses every `minutes`."""
    parts = {"dose": Fraction(1), "day": Fraction(1440, minutes), "course": Fraction(doses)}[exposure.period]
    return mg_h_per_litre(exposure.value, exposure.unit, molar_mass, minutes) / parts


def tell_level(level: forms.Exposure, molar_mass: Number, minutes: int, *, target: forms.Exposure | None = None, dose: forms.WrittenAmount | None = None,
               doses: int = 1, given: int = 1) -> list[dict[str, Any]]:  # fmt: skip
    """A measured exposure of one dose in every unit, and with a target and the dose that gave it what comes next.

    `minutes` between doses, `doses` in the course, `given` so far, all alike. Rows as `measure` gives them.
    """
    measured = per_dose(level, molar_mass, minutes, doses)
    rows = [_row(f"exposure.{name}", convert(measured, "mg*h/L", unit, molar_mass, minutes), unit, text)
            for name, unit, text in (("auc-molar", "umol*min/L", "AUC × 60,000 / molar mass"), ("auc", "mg*h/L", "AUC"), ("css", "ng/mL", "AUC × 60,000 / interval in minutes"))]  # fmt: skip
    rows.append(_row("exposure.cumulative", measured * doses, "mg*h/L", f"AUC × {doses} doses"))
    if target is None or dose is None:
        return rows
    aim = per_dose(target, molar_mass, minutes, doses)
    rows.append(_row("dose.next", next_dose(dose.value, measured, aim), dose.unit, "dose × target / measured"))
    if doses > given:
        left = remaining_dose(dose.value, measured, aim * doses, measured * given, doses - given)
        rows.append(_row("dose.cumulative", left, dose.unit, "dose × (target of the course − exposure so far) / doses left / measured"))
    return rows


def _row(name: str, value: Fraction, unit: str, text: str) -> dict[str, Any]:
    shown = forms.plain(Decimal(f"{float(value):.6g}"))
    return {"name": name, "value": shown, "unrounded": shown, "unit": unit, "formula": text, "cite": CITE, "population": "any interval", "applies": True}
