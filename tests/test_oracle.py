"""The engine against `oracle.py`: 200,000 random doses of random regimens each run, every amount text equal.

A random order is drawn once as plain tuples for the oracle and as a written order for the engine. The seed is printed
with a failure; `DOSING_ORACLE_SEED` repeats a run, `DOSING_ORACLE_DOSES` makes it longer.
"""

from __future__ import annotations

import ast
import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import oracle
import pytest

from dosing import Patient, engine, forms, plan
from dosing.engine import body as body_module
from dosing.engine.body import Body
from dosing.engine.settle import settle
from dosing.patient import When
from dosing.planning import calculate
from dosing.regimen.library import Library
from dosing.rounding import snapped

DOSES = int(os.environ.get("DOSING_ORACLE_DOSES", "200000"))
SEED = int(os.environ.get("DOSING_ORACLE_SEED") or random.SystemRandom().randrange(2**32))
ORDERS, PATIENTS = 20, 100
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Auckland", "America/Havana"]
CHANGES = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 9, 27), date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1)]
DRUGS = {  # id: unit, small unit and how many of it make one unit, measurable step
    "one": ("mg", None, "1"), "tenth": ("mg", None, "0.1"), "busulfan": ("mg", None, "0.6"), "ten": ("mg", None, "10"),
    "hundred": ("mg", None, "100"), "twentieth": ("mg", None, "0.05"), "quarter": ("mg", None, "0.25"), "half": ("mg", None, "2.5"),
    "small-one": ("mg", ("mcg", 1000), "1"), "small-hundredth": ("mg", ("mcg", 1000), "0.01"), "micro": ("mcg", None, "1"),
    "cell": ("cells", None, "1"), "cells": ("cells", None, "1000"), "beam": ("Gy", ("cGy", 100), "0.01"), "unit": ("units", None, "100"),
}  # fmt: skip
WRITTEN = {"mg": {"mg": Fraction(1), "mcg": Fraction(1, 1000), "g": Fraction(1000)}, "mcg": {"mcg": Fraction(1), "mg": Fraction(1000)},
           "cells": {"cells": Fraction(1)}, "Gy": {"Gy": Fraction(1), "cGy": Fraction(1, 100)}, "units": {"units": Fraction(1)}}  # fmt: skip
WEIGHTS = [("ideal", "devine"), ("ideal", "robinson"), ("ideal", "miller"), ("ideal", "busulfan-label"), ("lower", "devine"), ("lower", "busulfan-label"),
           ("adjusted25", "devine"), ("adjusted40", "devine"), ("adjusted50", "devine"), ("adjusted25", "busulfan-label")]  # fmt: skip
FORMULAS = ["mosteller", "dubois", "haycock", "gehan-george"]
HEAD = """id: random
version: 1
status: draft
title: random orders
trial: no
day0: the day of the graft
sources: {made: {id: made, title: made up, read: 2026-11-22}}
orders:
  - {id: hsc, drug: graft, dose: not given, days: 0, event: hsc, weight: actual, cite: {made: graft}}
"""


class Drawn(NamedTuple):
    """One random order: its id, drug, how it is written, and what the oracle is told."""

    id: str
    drug: str
    text: str
    order: tuple
    rhythm: tuple
    hour: str  # of the first dose of an interval


class Round(NamedTuple):
    """One random regimen with its patients, house rules and day 0."""

    text: str
    drawn: list[Drawn]
    people: list[tuple[Fraction, Fraction, str]]
    house: tuple
    zero: tuple[date, str]
    graft: str


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library whose drugs have every kind of unit and step."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "drugs").mkdir()
    for name, (unit, small, step) in {**DRUGS, "graft": ("cells", None, "1")}.items():
        extra = f"small-unit: {small[0]}\n" if small else ""
        kind = "graft" if name == "graft" else "fluid"  # a drug would need limits, which are not asked about here
        (folder / "drugs" / f"{name}.yaml").write_text(
            f"id: {name}\nkind: {kind}\nnames: {{en-GB: {name}}}\nunit: {unit}\n{extra}bases: [kg, m2, flat]\nstep: {step} {unit}\n", encoding="utf-8"
        )
    return Library([folder])


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def digits_of(value: Fraction) -> str:
    """A short decimal fraction as plain digits."""
    return forms.plain(Decimal(value.numerator) / Decimal(value.denominator))


def number(dice: random.Random, unit: str) -> tuple[str, Fraction]:
    """A random written number of a unit, and what it means."""
    if unit == "cells":
        mantissa, power = Decimal(dice.randint(10, 999)) / 100, dice.randint(5, 8)
        return f"{forms.plain(mantissa)}e{power}", Fraction(mantissa) * 10**power
    digits = Decimal(dice.choice([dice.randint(1, 999), dice.choice([5, 25, 30, 60, 125, 200, 375])]))
    value = digits.scaleb(dice.choice([-1, 0] if unit == "g" else [-2, -1, 0, 0, 1]))
    return forms.plain(value), Fraction(value)


def days(dice: random.Random) -> tuple[tuple[int, ...], str]:
    """Random days, with and without holes, and how they are written."""
    first = dice.randint(-9, 8)
    run = tuple(range(first, first + dice.randint(1, 6)))
    if len(run) > 2 and dice.random() < 0.3:
        run = tuple(day for day in run if day == first or dice.random() < 0.6)
        return run, ", ".join(forms.say_day(day) for day in run)
    return run, forms.say_days(run)


def draw_rhythm(dice: random.Random, unit: str) -> tuple[tuple, str, str, str, int]:
    """A rhythm as (tuple, words behind the dose, keys of the order, first hour, administrations a day)."""
    kind = dice.choice(["clock", "clock", "clock", "interval", "event"])
    on, said = days(dice)
    if kind == "event":
        offset = dice.choice([-240, -90, 30, 1440]) if dice.random() < 0.9 else 0
        words = f"{abs(offset)} min {'before' if offset < 0 else 'after'} hsc" if offset else "at hsc"
        return ("event", on[:1], 0, offset), "", f"days: '{forms.say_day(on[0])}', at: {words}", "", 1
    if kind == "interval" and unit not in ("cells", "Gy", "cGy"):
        on = tuple(range(on[0], on[-1] + 1))
        hours, first = dice.choice([1, 2, 3, 4, 6, 6, 8, 12, 24]), dice.randint(4 * 60, 22 * 60)
        return ("interval", on, first, hours), f" every {hours} h", f"days: '{forms.say_days(on)}', first: ask", clock(first), 24 // hours
    times = tuple(sorted(dice.sample(range(4 * 60, 24 * 60, 5), dice.choice([1, 1, 1, 2, 3, 4]))))
    return ("clock", on, times), "", f"days: '{said}', at: '{', '.join(map(clock, times))}'", "", len(times)


def draw(dice: random.Random, place: int, derived: bool) -> Drawn:
    """One random order."""
    drug = dice.choice(list(DRUGS))
    unit, small, step = DRUGS[drug]
    written = dice.choice(list(WRITTEN[unit]))
    digits, value = number(dice, written)
    rhythm, words, keys, hour, daily = draw_rhythm(dice, written)
    basis = "" if unit == "Gy" else dice.choice(["kg", "kg", "m2", "m2", ""])
    base = "dose" if unit in ("cells", "Gy") else dice.choice(["dose", "day"] if words else ["dose", "day", "course"])
    course = len(rhythm[1]) * daily
    weight = dice.choice(WEIGHTS) if derived and basis == "kg" and dice.random() < 0.7 else ("actual",)
    rounding = None if dice.random() < 0.1 else Fraction(step)
    typical = value * WRITTEN[unit][written] * {"kg": 60, "m2": Fraction(3, 2), "": 1}[basis]
    top = Fraction(round(typical * dice.randint(60, 140) / 10), 10) if dice.random() < 0.25 else None
    cap = top if top and top >= 2 * Fraction(step) else None
    time = "" if base == "dose" and (unit in ("cells", "Gy")) else f"/{base}"
    told = f"{digits} {written}{'/' + basis if basis else ''}{time}{words}"
    extra = (", rounding: none" if rounding is None else "") + (f", max: {digits_of(cap)} {unit}" if cap else "")
    text = f"  - {{id: o{place}, drug: {drug}, dose: {told}, {keys}, weight: {'.'.join(weight)}, sum: yes{extra}, cite: {{made: '{digits}'}}}}\n"
    order = (value * WRITTEN[unit][written], basis, base, daily, course, weight, rounding, cap)
    return Drawn(f"o{place}", drug, text, order, rhythm, hour)


def draw_round(dice: random.Random, orders: int = ORDERS, patients: int = PATIENTS) -> Round:
    """A random regimen, and random patients for it."""
    derived = dice.random() < 0.5
    drawn = [draw(dice, place, derived) for place in range(orders)]
    house = (dice.choice(FORMULAS), Fraction(dice.choice(["0.01", "0.01", "0.1"])), Fraction(1, 2), Fraction(dice.choice(["0.1", "0.1", "0.5"])), Fraction(dice.choice([5, 6, 10])))
    zero = (dice.choice(CHANGES) + timedelta(dice.randint(-9, 9)), dice.choice(ZONES))
    graft = dice.randint(4 * 60, 24 * 60 - 1)
    drawn = [one._replace(rhythm=("event", one.rhythm[1], graft, one.rhythm[3])) if one.rhythm[0] == "event" else one for one in drawn]
    people = [person(dice, 1100 if derived else 500) for _ in range(patients)]
    return Round(HEAD + "".join(one.text for one in drawn), drawn, people, house, zero, clock(graft))


def person(dice: random.Random, lowest: int) -> tuple[Fraction, Fraction, str]:
    """A random body: kg in hundredths or whole, cm in tenths or whole."""
    kg = Fraction(dice.randint(300, 25000), 100) if dice.random() < 0.5 else Fraction(dice.randint(3, 250))
    return kg, Fraction(dice.randint(lowest, 2300), 10), dice.choice("MF")


def site_of(shelf: Library, house: tuple) -> Any:
    """The shipped house conventions with the steps and limit of a round."""
    exact = {name: Decimal(value.numerator) / Decimal(value.denominator) for name, value in zip(("bsa_step", "bsa_floor", "weight_step", "rounding_limit"), house[1:], strict=True)}
    return shelf.site.model_copy(update=exact)


def run(shelf: Library, one: Round, *, dated: bool = True) -> Any:
    """The engine's columns for a round."""
    regimen = shelf.parse(one.text.encode(), "random.yaml")
    hours = {"hsc": one.graft} | {drawn.id: drawn.hour for drawn in one.drawn if drawn.hour}
    settled = settle(regimen, [], (), {}, hours, dated, shelf)
    kg, cm, sex = zip(*one.people, strict=True)
    facts = {"weight": np.array(kg, float), "height": np.array(cm, float), "male": np.array([sign == "M" for sign in sex])}
    return calculate(settled, Body(facts, one.house[0], site_of(shelf, one.house)), When.of(one.zero[0], one.zero[1], hours))


def mismatches(case: Any, one: Round) -> tuple[int, list[str]]:
    """How many doses were compared, and every difference between engine and oracle."""
    compared, found = 0, []
    for drawn in one.drawn:
        unit, small, _ = DRUGS[drawn.drug]
        doses, slots = case.doses[drawn.id], case.slots[drawn.id]
        if [(slot.day, slot.seconds) for slot in slots] != oracle.starts(drawn.rhythm, one.zero):
            found.append(f"times of {drawn.text.strip()}")
        for row, patient in enumerate(one.people):
            ours = doses.reading(row)
            theirs = oracle.dose(drawn.order, patient, one.house)
            compared += 1
            name, scale = small if small and theirs[0] < 1 else (unit, 1)
            if not (ours.unit == name and same(ours.calculated, theirs[0] * scale) and same(ours.amount, theirs[1] * scale)):
                found.append(f"{drawn.text.strip()} for {[str(part) for part in patient]} in {[str(part) for part in one.house]}: {ours}, oracle {[oracle.text(part * scale) for part in theirs]}")
    return compared, found


def same(told: str, exact: Fraction) -> bool:
    """The same number: the same text, or for a number without a short one its twelve digits, to half a last digit."""
    if told == oracle.text(exact):
        return True
    if Fraction(told) == exact or len(oracle.text(exact).replace(".", "").strip("0")) < 12:
        return False
    place = Decimal(oracle.text(exact)).adjusted() - 11
    return abs(Fraction(told) - exact) <= Fraction(10) ** place * Fraction(501, 1000)


def test_engine_and_oracle_agree(shelf: Library) -> None:
    dice, done = random.Random(SEED), 0
    while done < DOSES:
        one = draw_round(dice)
        compared, found = mismatches(run(shelf, one), one)
        assert not found, f"seed {SEED}, {len(found)} of {compared}: {found[:3]}"
        done += compared
    assert done >= DOSES


def test_plan_and_oracle_agree(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same through `plan()`, so that the second calculation and the oracle meet as well."""
    dice = random.Random(SEED + 1)
    folder = str(shelf.folders[-1])
    for _ in range(60):
        one = draw_round(dice, orders=12, patients=1)._replace(house=("haycock", Fraction("0.01"), Fraction(1, 2), Fraction("0.1"), Fraction(10)))
        kg, cm, sex = one.people[0]
        hours = {"hsc": one.graft} | {drawn.id: drawn.hour for drawn in one.drawn if drawn.hour}
        patient = Patient(weight=f"{digits_of(kg)} kg", height=f"{digits_of(cm)} cm", sex=sex)
        made = plan(shelf.parse(one.text.encode(), "random.yaml"), patient, day0=one.zero[0], zone=one.zero[1], times=hours, bsa="haycock", library=[folder])
        for drawn in one.drawn:
            rows = [row for row in made if row.order == drawn.id]
            assert [(row.day, row.seconds) for row in rows] == oracle.starts(drawn.rhythm, one.zero), f"seed {SEED}: {drawn.text}"
            unit, small, _ = DRUGS[drawn.drug]
            exact = oracle.dose(drawn.order, one.people[0], one.house)
            name, scale = small if small and exact[0] < 1 else (unit, 1)
            for row in rows:
                assert row.calculated.unit == name and same(row.calculated.value, exact[0] * scale), f"seed {SEED}: {drawn.text}"
                assert row.amount is None or same(row.amount.value, exact[1] * scale), f"seed {SEED}: {drawn.text}"


def test_one_step_too_many_is_seen(shelf: Library) -> None:
    one = draw_round(random.Random(7))
    case = run(shelf, one)
    assert mismatches(case, one)[1] == []
    name, row = next((name, row) for name, doses in case.doses.items() for row in range(PATIENTS) if doses.step and doses.steps[row] > 30)
    steps = case.doses[name].steps.copy()
    steps[row] += 1
    planted = case.doses | {name: replace(case.doses[name], steps=steps)}
    assert len(mismatches(replace(case, doses=planted), one)[1]) == 1


def stepped(rounded: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A fault of rounding: from the quotients of dose and step, not of the cap, to whole steps."""

    def plant(doses: Any) -> Any:
        if doses.step is None:
            return doses
        steps = rounded(snapped(doses.calculated / float(doses.step)))
        return replace(doses, steps=steps, fewest=0.0)

    return plant


def _over_the_cap(doses: Any) -> Any:
    return replace(doses, calculated=doses.raw, steps=doses.raw if doses.step is None else np.floor(snapped(doses.raw / float(doses.step)) + 0.5), fewest=0.0)


DOSE_FAULTS: dict[str, Callable[[Any], Any]] = {
    "rounding half to even": stepped(np.rint),
    "rounding half down": stepped(lambda quotient: np.ceil(quotient - 0.5)),
    "cutting off instead of rounding": stepped(np.floor),
    "rounding up": stepped(np.ceil),
    "rounding past the cap": stepped(lambda quotient: np.floor(quotient + 0.5)),
    "no cap": _over_the_cap,
    "no limit of rounding": lambda doses: replace(doses, limit=1e9),
    "a limit of rounding half as wide": lambda doses: replace(doses, limit=doses.limit / 2, fewest=0.0),
    "a part of a thousand millionth": lambda doses: replace(doses, calculated=doses.calculated * (1 + 1e-9)),
}
BODY_FAULTS: dict[str, tuple[Any, str, Any]] = {
    "surface and weights not rounded": (body_module, "to_step", lambda values, step: values),
    "actual weight for every weight": (Body, "weight", lambda self, name: self.facts["weight"]),
    "surface below the floor rounded as well": (Body, "bsa", property(lambda self: body_module.to_step(self.bsa_unrounded, self.site.bsa_step))),
    "one formula for every formula": (Body, "bsa_unrounded", property(lambda self: self.compute("bsa.mosteller", "a planted fault"))),
}


@pytest.mark.parametrize("fault", [*DOSE_FAULTS, *BODY_FAULTS])
def test_planted_faults_are_seen(shelf: Library, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    dice, found = random.Random(11), []
    if fault in BODY_FAULTS:
        monkeypatch.setattr(*BODY_FAULTS[fault])
    for _ in range(12):
        one = draw_round(dice, patients=50)
        case = run(shelf, one)
        planted = {name: DOSE_FAULTS.get(fault, lambda same: same)(doses) for name, doses in case.doses.items()}
        found += mismatches(replace(case, doses=planted), one)[1]
    assert found


@pytest.mark.parametrize("shift", [(1, 0), (0, 3600), (0, -60)], ids=["a day", "an hour", "a minute"])
def test_a_dose_at_another_time_is_seen(shelf: Library, shift: tuple[int, int]) -> None:
    one = draw_round(random.Random(13))
    case = run(shelf, one)
    name = one.drawn[0].id
    first, *rest = case.slots[name]
    moved = (first._replace(day=first.day + shift[0], seconds=first.seconds + shift[1]), *rest)
    assert len(mismatches(replace(case, slots=case.slots | {name: moved}), one)[1]) == 1


def test_figures_worked_by_hand() -> None:
    """Ten figures anybody can follow, so that the oracle itself is not taken on trust."""
    house = ("mosteller", Fraction("0.01"), Fraction(1, 2), Fraction("0.1"), Fraction(10))
    adult, heavy = (Fraction(70), Fraction(170), "F"), (Fraction(120), Fraction(190), "M")
    assert oracle.text(oracle.raw_surface("mosteller", *adult[:2]))[:7] == "1.81811"
    assert oracle.surface(adult, house) == Fraction("1.82")
    assert oracle.dose((Fraction(30), "m2", "day", 1, 4, ("actual",), Fraction(1), None), adult, house) == (Fraction("54.6"), 55)
    assert oracle.dosing_weight(("adjusted25", "devine"), heavy, house) == 93
    assert oracle.dosing_weight(("lower", "devine"), (Fraction("52.37"), Fraction(180), "M"), house) == Fraction("52.37")
    assert oracle.nearest(Fraction("42.5"), Fraction(1)) == 43
    assert oracle.dose((Fraction(2_000_000), "kg", "dose", 1, 1, ("actual",), Fraction(1), Fraction(200_000_000)), heavy, house)[1] == 200_000_000
    assert oracle.dose((Fraction(45), "", "dose", 1, 1, ("actual",), Fraction(100), None), adult, house)[1] == 45
    berlin = (date(2026, 3, 29), "Europe/Berlin")
    assert [day for day, _ in oracle.starts(("interval", (-1, 0), 22 * 60, 6), berlin)] == [-1, 0, 0, 0, 0, 1, 1, 1]
    assert oracle.starts(("event", (0,), 600, -240), berlin)[0][1] == oracle.instant(berlin, 0, 360)


def test_the_oracle_stands_alone() -> None:
    """It imports exact numbers and calendars only, and reads no text."""
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert named <= {"fractions", "decimal", "math", "random", "datetime", "zoneinfo", "__future__"}
    assert engine.__name__.split(".")[0] not in Path(oracle.__file__).read_text(encoding="utf-8").split("import")[-1].splitlines()[0]
