"""Every combination of a regimen's choices, planned for people of several sizes and written in every format.

Where a source leaves a range, its two ends stand for it; where it leaves days or a dose open, one value of the kind the
drug's file knows does. Each plan is calculated a second time on the way, and an order that no combination plans for
anybody is a fault.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import unescape
from importlib import import_module
from io import StringIO
from typing import Any

from dosing import forms
from dosing.errors import DosingError, Fault, InputError
from dosing.patient import Patient
from dosing.planning import plan
from dosing.regimen import rules
from dosing.regimen.library import Library
from dosing.regimen.schema import Order, Regimen, When
from dosing.render import FORMATS
from dosing.render.names import amount_text, name_of
from dosing.render.sheet import sheet
from dosing.schedule import Administration, Schedule

QUICK = (".txt", ".md", ".html", ".csv", ".json")
DAY0, ZONE, HOUR = "2027-01-15", "Asia/Shanghai", "10:00"
PEOPLE = {
    "adult": {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "crcl": "100 mL/min"},
    "child": {"weight": "28 kg", "height": "132 cm", "age": "9 y", "sex": "F", "crcl": "100 mL/min"},
    "infant": {"weight": "8 kg", "height": "70 cm", "age": "1 y", "sex": "F", "crcl": "90 mL/min"},
    "small child": {"weight": "14 kg", "height": "96 cm", "age": "3 y", "sex": "M", "crcl": "90 mL/min"},
    "large adult": {"weight": "120 kg", "height": "180 cm", "age": "50 y", "sex": "M", "crcl": "60 mL/min"},
    "old adult": {"weight": "60 kg", "height": "160 cm", "age": "70 y", "sex": "F", "crcl": "40 mL/min"},
    "adult with failing kidneys": {"weight": "90 kg", "height": "175 cm", "age": "66 y", "sex": "M", "crcl": "20 mL/min"},
}
UNMARKED: dict[str, Callable[[str], str]] = {".txt": str, ".md": lambda text: re.sub(r"\\(.)", r"\1", text), ".html": unescape}  # the marks of a page taken away


@dataclass
class Tried:
    """What was planned and written of one regimen."""

    combinations: int = 0
    plans: int = 0
    files: int = 0
    faults: list[Fault] = field(default_factory=list)


def prove(regimen: Regimen, host: Regimen, shelf: Library, folders: tuple[str, ...], every_format: bool, deep: bool) -> Tried:
    """Plan and write every combination; `every_format` adds the slow formats once, `deep` every time.

    `host` is the regimen itself, or for a block what it stands on. Nothing is raised: faults are in the result.
    """
    tried, planned = Tried(), set()
    blocks = [regimen] if regimen.kind == "block" else []
    asked = {"blocks": blocks, "times": dict.fromkeys(_hours(regimen), HOUR), "day0": DAY0, "zone": ZONE, "library": folders}
    for choices in combinations(regimen):
        for low in dict.fromkeys((True, not _has_ranges(regimen))):
            given = choices | _answers(regimen, shelf, low)
            made = _planned(host, given, asked, _people(regimen), tried, f"{regimen.path}: {_told(choices)}")
            planned |= {row.order for schedule in made for row in schedule}
            tried.combinations += 1
            for schedule in made[: 1 if low or deep else 0]:
                names = (*FORMATS,) if deep or (every_format and tried.combinations == 1) else QUICK
                _write(schedule, names, tried, f"{regimen.path}: {_told(choices)}")
    never = [order.id for order in regimen.orders if order.id not in planned]
    if never and not tried.faults:
        tried.faults.append(Fault("E03", f"no combination of choices plans {', '.join(never)} for anybody", "correct the conditions.", regimen.path))
    return tried


def combinations(regimen: Regimen) -> Iterator[dict[str, str]]:
    """Every combination of the named choices that the choices before them leave open."""
    found: list[dict[str, str]] = [{}]
    for name, choice in regimen.choices.items():
        found = [{**one, **more} for one in found for more in ([{name: option} for option in choice.options] if _holds(choice.when, one) else [{}])]
    yield from found


def _holds(when: When | None, chosen: Mapping[str, str]) -> bool:
    """Whether the conditions on choices hold; those on a patient are left open."""
    if when is None:
        return True
    fits = {c: c.name in rules.PATIENT or (chosen.get(c.name) == str(c.value)) == (c.operator == "==") for c in (*when.all, *when.any)}
    return all(fits[c] for c in when.all) and (not when.any or any(fits[c] for c in when.any))


def _people(regimen: Regimen) -> list[str]:
    """Who is planned for: an adult and a child, and all sizes where an order hangs on one."""
    facts = any(c.name in rules.PATIENT for order in regimen.orders if order.when for c in (*order.when.all, *order.when.any))
    return list(PEOPLE) if facts else ["adult", "child"]


@lru_cache(maxsize=16)
def _patient(name: str) -> Patient:
    return Patient(**PEOPLE[name])


def _planned(host: Regimen, given: dict[str, str], asked: dict[str, Any], people: list[str], tried: Tried, where: str) -> list[Schedule]:
    """The schedules of one combination; refused by everybody, it is a fault."""
    made, refused = [], []
    for name in people:
        try:
            made.append(plan(host, _patient(name), choose=given, **asked))
        except InputError as error:
            refused.append(error)  # a size that the drug's weights have no formula for
        except DosingError as error:
            tried.faults += error.at(where).faults
    tried.plans += len(made)
    tried.faults += [fault for schedule in made for fault in _twice(schedule, where)]
    if refused and not made:
        tried.faults += refused[0].at(where).faults
    return made


def _twice(schedule: Schedule, where: str) -> list[Fault]:
    """The findings whose name stands twice, so that no answer could tell which is meant."""
    names = Counter(finding.id for finding in schedule.findings)
    return [Fault("E03", f"the finding {name} stands {count} times", "send this message to the maintainers.", where) for name, count in names.items() if count > 1]


def _told(choices: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={option}" for name, option in choices.items()) or "without choices"


def _hours(regimen: Regimen) -> set[str]:
    """The hours that a plan may be asked for."""
    events = {order.event for order in regimen.orders if order.event and order.at is None}
    return events | {name for name, event in regimen.events.items() if event.at is None} | {order.id for order in regimen.orders if order.first == "ask"}


def _has_ranges(regimen: Regimen) -> bool:
    return any(isinstance(order.dose, forms.Dose) and order.dose.is_range for order in regimen.orders)


def _answers(regimen: Regimen, shelf: Library, low: bool) -> dict[str, str]:
    """A value for everything the sources leave to a person."""
    given = {f"{name}.days": _event_days(name, regimen) for name, event in regimen.events.items() if event.days == "ask"}
    for order in regimen.orders:
        dose = order.dose
        if dose == "ask":
            given[f"{order.id}.dose"] = _any_dose(order, shelf)
        elif isinstance(dose, forms.Dose) and dose.is_range:
            given[f"{order.id}.dose"] = _end(dose, low)
        if order.days == "ask":
            given[f"{order.id}.days"] = _any_days(order, low)
    return given


def _end(dose: forms.Dose, low: bool) -> str:
    """One end of a range of doses, of intervals, or of both."""
    value = dose.low if low else dose.high
    return str(replace(dose, low=value, high=value, every=dose.every if low else dose.slowest or dose.every, slowest=None, days=None, doses=None))


def _any_dose(order: Order, shelf: Library) -> str:
    """The lower end of the drug's usual range, else one of its kind."""
    drug = shelf.drugs[order.drug]
    limits = [limit.usual for limit in drug.limits if limit.usual] + [limit.usual for product in drug.products.values() for limit in product.limits if limit.usual]
    if limits:
        value = limits[0].low or limits[0].high
        return str(replace(limits[0], low=value, high=value))
    unit = "1e6 cells" if drug.kind in ("cells", "graft") else f"1 {drug.unit}"
    per = "/kg" if "kg" in drug.bases else "/m2" if "m2" in drug.bases else ""
    return f"{unit}{per}" if drug.kind in ("cells", "graft", "radiation") else f"{unit}{per}/dose"


def _any_days(order: Order, low: bool) -> str:
    """As many days in a row as the printed count of the order needs, the last ones before or the first ones after day 0."""
    dose = order.dose if isinstance(order.dose, forms.Dose) else None
    if dose and dose.every and dose.doses:
        every = dose.every if low else dose.slowest or dose.every
        number = int(-(-dose.doses * every // 24))
    else:
        number = (dose.days or max(1, (dose.doses or 1) // rules.per_day(order))) if dose else 1
    return forms.say_days(tuple(range(1, 1 + number)))


def _event_days(name: str, regimen: Regimen) -> str:
    """As many days as the orders have that hang on each day of the event."""
    hung = [len(order.days) for order in regimen.orders if isinstance(order.at, forms.Offset) and order.at.event == name and order.at.which == "each" and order.days != "ask"]
    return forms.say_days(tuple(range(1, 1 + max(hung, default=1))))


def _write(schedule: Schedule, names: tuple[str, ...], tried: Tried, where: str) -> None:
    """Write one schedule in some formats; what fails, or does not read back, is a fault."""
    page = sheet(schedule)
    for name in names:
        try:
            data: bytes = import_module(FORMATS[name], "dosing.render").write(page, schedule)
            tried.files += 1
        except DosingError as error:
            tried.faults += error.at(f"{where}: {name}").faults
        except Exception as error:  # a fault of the program is told with its combination, and the proof goes on
            tried.faults.append(Fault("E03", f"writing {name} failed ({type(error).__name__})", "send this message to the maintainers.", where))
        else:
            if not _reads_back(name, data, schedule):
                tried.faults.append(Fault("E03", f"{name} does not hold what was planned", "send this message to the maintainers.", where))


def _reads_back(name: str, data: bytes, schedule: Schedule) -> bool:
    """Whether a file holds its schedule: JSON whole, CSV dose for dose, a page every drug's name and every amount; the others are not empty."""
    if name == ".json":
        return bool(json.loads(data) == json.loads(json.dumps(schedule.to_dict())))
    if name == ".csv":
        return [_said(row) for row in csv.DictReader(StringIO(data.decode("utf-8-sig"), newline=""))] == list(map(_planned_row, schedule))
    if name in UNMARKED:
        text = UNMARKED[name](data.decode()).replace("\u00a0", " ")
        return all(told in text for told in _told_of(schedule, parted=name == ".txt"))
    return len(data) > 500


def _said(row: Mapping[str, str]) -> tuple[str, ...]:
    return row["order"], row["number"], row["day"], row["amount"], row["unit"], row["held"]


def _planned_row(row: Administration) -> tuple[str, ...]:
    amount = (row.amount.value, row.amount.unit) if row.amount else ("", "")
    return row.order, str(row.number), f"D{row.day:+d}" if row.day else "D0", *amount, "HOLD" if row.held else ""


def _told_of(schedule: Schedule, parted: bool) -> set[str]:
    """Each drug's name and each amount as a page prints them, with plain blanks; narrow columns part a name into its words."""
    names = [name_of(schedule, order) for order in {row.order for row in schedule}]
    told = {word for name in names for word in name.split()} if parted else {*names}
    return {text.replace("\u00a0", " ") for text in told | {amount_text(schedule, row) for row in schedule}}
