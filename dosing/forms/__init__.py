"""Written forms: what a person types or a source prints, read into values or refused with a cure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from dosing.errors import Fault, UsageError, closest

from .amount import AgeRange, WrittenAmount, read_ages, read_amount, read_number, read_percent
from .body import (
    read_age,
    read_crcl,
    read_creatinine,
    read_gfr,
    read_height,
    read_height_cm,
    read_neutrophils,
    read_sex,
    read_weight,
    read_weight_kg,
)
from .clock import (
    Clock,
    Offset,
    read_birth,
    read_date,
    read_duration,
    read_first,
    read_fold_time,
    read_offset,
    read_rhythm,
    read_time,
    read_zone,
    say_duration,
    say_time,
)
from .condition import Condition, read_condition
from .days import read_days, say_day, say_days
from .dose import Dose, OpenDose, read_cells, read_dose, read_total
from .exposure import Exposure, read_exposure
from .prior import Prior, Priors, read_prior
from .text import is_plain, names, plain, printed

__all__ = [
    "READERS", "AgeRange", "Clock", "Condition", "Dose", "Exposure", "Offset", "OpenDose", "Prior", "Priors", "WrittenAmount", "interpret", "names", "plain", "printed",
    "read_age", "read_ages", "read_amount", "read_birth", "read_cells", "read_condition", "read_crcl", "read_creatinine",
    "read_date", "read_days", "read_dose", "read_duration", "read_exposure", "read_first", "read_fold_time", "read_gfr", "read_height", "read_height_cm",
    "read_neutrophils", "read_number", "read_offset", "read_percent", "read_prior", "read_rhythm", "read_sex", "read_time", "read_total",
    "read_weight", "read_weight_kg", "read_zone", "say_day", "say_days", "say_duration", "say_time",
]  # fmt: skip

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _weight_or_column(text: str) -> Decimal:
    return read_weight_kg(text) if is_plain(text.strip(" ")) else read_weight(text)


def _height_or_column(text: str) -> Decimal:
    return read_height_cm(text) if is_plain(text.strip(" ")) else read_height(text)


READERS: dict[str, Callable] = {
    "dose": read_dose,
    "cells": read_cells,
    "days": read_days,
    "time": read_time,
    "date": read_date,
    "zone": read_zone,
    "weight": read_weight,
    "height": read_height,
}
_COLUMNS = {"weight": _weight_or_column, "height": _height_or_column}


def interpret(text: str, kind: str = "dose") -> dict:
    """What a text means, as plain JSON values: kind, input, canonical, value, readings; `InputError` when refused."""
    if kind not in READERS:
        raise UsageError(Fault("usage", f'unknown kind "{kind}"', closest(kind, READERS)))
    value = _COLUMNS.get(kind, READERS[kind])(text)
    canonical, plain_value, readings = _TOLD[kind](value)
    return {"kind": kind, "input": text, "canonical": canonical, "value": plain_value, "readings": readings}


def _tell_dose(dose: Dose | OpenDose) -> tuple[str, object, list[str]]:
    if isinstance(dose, OpenDose):
        return dose.text, dose.text, ["no dose is calculated"]
    value = {
        "low": plain(dose.low), "high": plain(dose.high), "unit": dose.unit, "per": dose.per, "time": dose.time,
        "every": None if dose.every is None else f"{plain(dose.every)}{f'..{plain(dose.slowest)}' if dose.slowest else ''}",
        "times": dose.times, "days": dose.days, "doses": dose.doses,
    }  # fmt: skip
    return dose.text, value, _dose_readings(dose)


def _dose_readings(dose: Dose) -> list[str]:
    readings = [_basis(dose)]
    if dose.low != dose.high:
        readings.append("a range: choose one value")
    if dose.slowest:
        return [*readings, "an interval printed as a range: choose one"]
    daily = dose.times or (int(24 / dose.every) if dose.every else None)
    if daily and dose.time == "dose":
        readings.append(f"{_doses(daily)} a day = {_amount(dose, daily)}/day")
    elif daily:
        readings.append(f"the day's dose in {_doses(daily)}" if daily > 1 else "one dose a day")
    total = _total(dose, daily)
    return [*readings, f"in all {_amount(dose, total)}"] if total else readings


def _doses(number: int) -> str:
    return f"{number} dose{'' if number == 1 else 's'}"


def _total(dose: Dose, daily: int | None) -> int | None:
    """How many of the written amounts the whole text orders, where it says so."""
    if dose.days is not None:
        return dose.days * (daily or 1 if dose.time == "dose" else 1)
    return dose.doses


def _basis(dose: Dose) -> str:
    basis = {"kg": "for each kg of weight", "m2": "for each m2 of body surface", "": "the same for every patient"}
    time = {"dose": "in each dose", "day": "in each day", "course": "in the whole course"}
    return f"{_amount(dose, 1)}: {basis[dose.per]}, {time[dose.time]}"


def _amount(dose: Dose, times: int) -> str:
    low, high = plain(dose.low * times), plain(dose.high * times)
    return f"{low}{f'..{high}' if dose.low != dose.high else ''} {dose.unit}{'/' + dose.per if dose.per else ''}"


def _tell_days(days: tuple[int, ...]) -> tuple[str, object, list[str]]:
    listed = ", ".join(map(say_day, days))
    return say_days(days), list(days), [f"{len(days)} day{'' if len(days) == 1 else 's'}: {listed}"]


def _tell_time(minutes: int) -> tuple[str, object, list[str]]:
    midnight = ["midnight, the first minute of its date"] if not minutes else []
    return say_time(minutes), say_time(minutes), midnight


def _tell_date(day: date) -> tuple[str, object, list[str]]:
    return day.isoformat(), day.isoformat(), [_WEEKDAYS[day.weekday()]]


def _tell_zone(zone: str) -> tuple[str, object, list[str]]:
    return zone, zone, []


def _measure(unit: str) -> Callable[[Decimal], tuple[str, object, list[str]]]:
    def tell(value: Decimal) -> tuple[str, object, list[str]]:
        return f"{plain(value)} {unit}", {"value": plain(value), "unit": unit}, []

    return tell


_TOLD: dict[str, Callable] = {
    "dose": _tell_dose,
    "cells": _tell_dose,
    "days": _tell_days,
    "time": _tell_time,
    "date": _tell_date,
    "zone": _tell_zone,
    "weight": _measure("kg"),
    "height": _measure("cm"),
}
