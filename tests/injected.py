"""How many slips of the pen are stopped: errors put into ordinary patients and into every dose of the library.

Not a test: `python tests/injected.py [PATIENTS]` prints the README's tables. Patients are drawn from published
distributions, never from the program's own bounds:

* children from 3 months to 18 years: weight and height by the L, M and S of the CDC 2000 charts at their age, the two
  z-scores correlated by 0.7;
* adults: height by the CDC charts at 20 years; body mass index such that its reciprocal is normal, half of them with
  the shares below 19 and 25 kg/m2 of US adults (NHANES III, Kuczmarski 1997: men 1.6 and 40.6 %, women 5.7 and 49.3 %), half with the
  shares below 18.5 and 25 kg/m2 of 12,050 Japanese transplant recipients (Fuji 2014: 14.9 and 84.9 %);
* extreme bodies are not ordinary: z-scores end at 3.5 for height and at 3 for weight and body mass index, beyond which
  the curves run to infinity (an adult of about 63 kg/m2, a girl of 16 of about 180 kg);
* the kidneys of all are healthy: clearance 90 to 140 mL/min, as a creatinine by Cockcroft-Gault or Schwartz.

An outcome is what an error *adds* to the findings of the same patient without it: refused or held is hard, a query soft.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosing import load_regimen, plan
from dosing.cohort import Cohort
from dosing.errors import InputError

Column = NDArray[Any]
Patients = dict[str, Column]
POUND, INCH, UMOL = 0.45359237, 2.54, 88.4
GROWTH = Path(__file__).parent / "cases" / "cdc-growth.csv"
SHARES = {"US men": (19, 0.016, 25, 0.406), "US women": (19, 0.057, 25, 0.493), "Japanese": (18.5, 0.1486, 25, 0.8494)}
REGIMENS = {"nct07299123": (6, 60), "bucy2-label": (18, 75), "flu-mel140": (0, 75), "cy-saa": (0, 75), "treosulfan-flu": (0, 75),
            "hatg-csa": (0, 75), "remestemcel": (0, 75), "beam-srl": (0, 75)}  # with the ages they are written for


# --- ordinary patients ---------------------------------------------------------------------------------------------


def ordinary(count: int, seed: int = 1) -> Patients:
    """`count` patients, half of them children, as the columns of a cohort; heights below 50 cm are drawn again."""
    chance = np.random.default_rng(seed)
    child, male = np.arange(count) % 2 == 0, chance.random(count) < 0.5
    age = np.where(child, chance.uniform(0.25, 18, count), chance.uniform(18, 75, count))
    kg, cm = np.where(child, _children(chance, age, male), _adults(chance, male, count))
    short = cm < 50.5
    kg, cm = np.where(short, 6.0, kg), np.where(short, 61.0, cm)
    facts = {"weight_kg": kg.round(1), "height_cm": cm.round(0), "age_y": np.where(child, age.round(2), age.round(0)), "sex": np.where(male, "M", "F")}
    return facts | {"creatinine_mg_dl": _creatinine(facts, chance.uniform(90, 140, count)).round(2), "last_weight_kg": (kg * chance.normal(1, 0.015, count)).round(1)}


def _children(chance: np.random.Generator, age: Column, male: Column) -> Column:
    rows = list(csv.DictReader(line for line in GROWTH.read_text(encoding="utf-8").splitlines() if line[0] != "#"))
    height = chance.standard_normal(len(age))
    weight = 0.7 * height + (1 - 0.49) ** 0.5 * chance.standard_normal(len(age))
    weight, height = weight.clip(-3, 3), height.clip(-3.5, 3.5)
    return np.array([_lms(rows, name, z, age, male) for name, z in (("weight", weight), ("height", height))])


def _lms(rows: list[dict[str, str]], name: str, z: Column, age: Column, male: Column) -> Column:
    """The sizes at some z-scores: M (1 + L S z)^(1 / L), with L, M and S straight between the ages of the table."""
    def at(part: str) -> Column:
        by_sex = [[(float(row["age"]), float(row[f"{name}_{part}"])) for row in rows if row["sex"] == sex] for sex in "FM"]
        return np.where(male, *(np.interp(age, *zip(*table, strict=True)) for table in reversed(by_sex)))

    power, middle, spread = at("l"), at("m"), at("s")
    return middle * np.maximum(1 + power * spread * z, 0.05) ** (1 / power)


def _adults(chance: np.random.Generator, male: Column, count: int) -> Column:
    rows = list(csv.DictReader(line for line in GROWTH.read_text(encoding="utf-8").splitlines() if line[0] != "#"))
    height = _lms(rows, "height", chance.standard_normal(count).clip(-3.5, 3.5), np.full(count, 20.0), male)
    z, japanese = chance.standard_normal(count).clip(-3, 3), chance.random(count) < 0.5
    index = {name: _index(z, *shares) for name, shares in SHARES.items()}
    bmi = np.where(japanese, index["Japanese"], np.where(male, index["US men"], index["US women"]))
    return np.array([bmi * (height / 100) ** 2, height])


def _index(z: Column, low: float, share_low: float, high: float, share_high: float) -> Column:
    """Body mass indices whose reciprocal is normal, with a share below `low` and a share below `high`."""
    first, second = (NormalDist().inv_cdf(share) for share in (share_low, share_high))
    spread = (1 / high - 1 / low) / (second - first)
    return 1 / np.maximum(1 / low + spread * (z - first), 0.01)


def _creatinine(facts: Patients, clearance: Column) -> Column:
    kg, cm, age, male = facts["weight_kg"], facts["height_cm"], facts["age_y"], facts["sex"] == "M"
    adult = (140 - age) * kg * np.where(male, 1, 0.85) / (72 * clearance)
    child = 0.413 * cm / clearance
    return np.clip(np.where(age >= 18, adult, child), 0.15, 1.6)


# --- slips of the pen ----------------------------------------------------------------------------------------------

Slip = Callable[[Patients], tuple[Patients, Column]]


def _changed(who: Patients, **columns: Column) -> tuple[Patients, Column]:
    """The patients with other columns, and the rows in which anything differs."""
    return who | columns, np.logical_or.reduce([who[name] != column for name, column in columns.items()])


SLIPS: dict[str, Slip] = {
    "weight in pounds": lambda who: _changed(who, weight_kg=(who["weight_kg"] / POUND).round(1)),
    "weight divided by 2.2": lambda who: _changed(who, weight_kg=(who["weight_kg"] * POUND).round(1)),
    "weight in grams": lambda who: _changed(who, weight_kg=who["weight_kg"] * 1000),
    "weight × 10": lambda who: _changed(who, weight_kg=(who["weight_kg"] * 10).round(1)),
    "weight ÷ 10": lambda who: _changed(who, weight_kg=(who["weight_kg"] / 10).round(2)),
    "height in inches": lambda who: _changed(who, height_cm=(who["height_cm"] / INCH).round(1)),
    "height in metres": lambda who: _changed(who, height_cm=(who["height_cm"] / 100).round(2)),
    "pounds and inches": lambda who: _changed(who, weight_kg=(who["weight_kg"] / POUND).round(1), height_cm=(who["height_cm"] / INCH).round(1)),
    "weight and height exchanged": lambda who: _changed(who, weight_kg=who["height_cm"], height_cm=who["weight_kg"]),
    "age in years as months": lambda who: _changed(who, age_y=(who["age_y"] / 12).round(2)),
    "age in months as years": lambda who: (who | {"age_y": np.minimum((who["age_y"] * 12).round(0), 120)}, (who["age_y"] * 12).round(0) <= 120),
    "creatinine in µmol/L as mg/dL": lambda who: _changed(who, creatinine_mg_dl=(who["creatinine_mg_dl"] * UMOL).round(0)),
}


@dataclass(frozen=True)
class Outcome:
    """Of how many tries an error was stopped hard, stopped soft, or missed."""

    hard: int
    soft: int
    tries: int

    @property
    def missed(self) -> int:
        """The tries in which nothing was added to the findings."""
        return self.tries - self.hard - self.soft

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.hard + other.hard, self.soft + other.soft, self.tries + other.tries)


NONE = Outcome(0, 0, 0)
NOT_THE_SLIP = {"weight.unspecified"}  # asked of everybody from a body mass index of 30: it neither counts as a stop nor as an alarm


class Found:
    """The open findings of each row of a cohort, as a number for each distinct set of them."""

    def __init__(self, regimen: str, who: Patients):
        self.sets: list[frozenset[tuple[str, str]]] = [frozenset({("refused", "block")})]
        self.of = np.zeros(len(who["weight_kg"]), np.int64)  # 0: refused
        example = next(one for one in load_regimen(regimen).examples if one.day0)
        table = {"id": [str(n) for n in range(len(self.of))]} | {name: column.astype(str).tolist() if column.dtype.kind == "U" else column for name, column in who.items()}
        try:
            made = plan(regimen, Cohort.from_table(table), day0=example.day0.isoformat(), zone=example.zone, times=example.times, choose=example.choose)
        except InputError:  # every row refused for the same reason
            return
        for part in made.parts:
            self.of[part.rows] = len(self.sets) + part.pattern
            self.sets += [frozenset((hit.id, hit.level) for hit in hits) for _, hits in part.patterns]


def outcome(clean: Found, wrong: Found, tried: Column) -> Outcome:
    """What the wrong patients have found that the clean ones have not, over the rows that were tried."""
    pairs, count = np.unique(np.stack((clean.of[tried], wrong.of[tried])), axis=1, return_counts=True)
    added = [{level for code, level in wrong.sets[after] - clean.sets[before] if code not in NOT_THE_SLIP} for before, after in pairs.T]
    hard = sum(int(n) for n, levels in zip(count, added, strict=True) if "block" in levels)
    soft = sum(int(n) for n, levels in zip(count, added, strict=True) if levels == {"query"})
    return Outcome(hard, soft, int(tried.sum()))


def shared_out(who: Patients) -> Iterator[tuple[str, Patients]]:
    """Each patient with one regimen in turn; who is outside its ages goes to the one that asks for none, `cy-saa`."""
    turn, names = np.arange(len(who["age_y"])) // 2 % len(REGIMENS), list(REGIMENS)
    for number, (youngest, oldest) in enumerate(REGIMENS.values()):
        outside = (who["age_y"] < youngest) | (who["age_y"] > oldest)
        turn = np.where((turn == number) & outside, names.index("cy-saa"), turn)
    for number, name in enumerate(names):
        yield name, {fact: column[turn == number] for fact, column in who.items()}


def patients_stopped(count: int, seed: int = 1, last_weight: bool = False) -> dict[str, tuple[Outcome, Outcome]]:
    """For the clean patients and for each slip: the outcomes of children and of adults."""
    found = dict.fromkeys(("none (clean patients)", *SLIPS), (NONE, NONE))
    for regimen, who in shared_out(ordinary(count, seed)):
        if not last_weight:
            who = {name: column for name, column in who.items() if name != "last_weight_kg"}
        clean, child = Found(regimen, who), who["age_y"] < 18
        found["none (clean patients)"] = _both(found["none (clean patients)"], child, lambda rows, clean=clean: _alarms(clean, rows))
        for name, slip in SLIPS.items():
            wrong, tried = slip(who)
            after = Found(regimen, wrong)
            found[name] = _both(found[name], child, lambda rows, tried=tried, clean=clean, after=after: outcome(clean, after, tried & rows))
    return found


def _both(sums: tuple[Outcome, Outcome], child: Column, of: Callable[[Column], Outcome]) -> tuple[Outcome, Outcome]:
    return sums[0] + of(child), sums[1] + of(~child)


def _alarms(clean: Found, rows: Column) -> Outcome:
    """Clean patients with a finding about their body or kidneys; a regimen's own standing questions are no false alarm."""
    mine = [{level for code, level in found if code.startswith(("patient.", "refused")) or code.endswith(".renal")} for found in clean.sets]
    hard, soft = (np.array([level in levels for levels in mine]) for level in ("block", "query"))
    return Outcome(int(hard[clean.of[rows]].sum()), int((soft & ~hard)[clean.of[rows]].sum()), int(rows.sum()))


def percent(part: int, whole: int, up: bool = False) -> str:
    """A share in percent with two decimals, rounded against us: stopped down, missed and false alarms up."""
    exact = part * 10_000 / whole if whole else 0
    return f"{(np.ceil(exact) if up else np.floor(exact)) / 100:.2f}"


def told(found: dict[str, tuple[Outcome, Outcome]]) -> Iterator[str]:
    """The table in Markdown."""
    yield "| slip | patients | stopped hard, % | stopped soft, % | missed, % | missed: children, adults, % |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, (child, adult) in found.items():
        both, clean = child + adult, name.startswith("none")
        missed = "–" if clean else f"{percent(child.missed, child.tries, True)}, {percent(adult.missed, adult.tries, True)}"
        shares = [percent(both.hard, both.tries, clean), percent(both.soft, both.tries, clean), "–" if clean else percent(both.missed, both.tries, True)]
        yield f"| {name} | {both.tries:,} | {' | '.join(shares)} | {missed} |"


def main() -> None:
    """Print both tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for last_weight in (False, True):
        print(f"\n{'With' if last_weight else 'Without'} a weight entered before:\n")
        print(*told(patients_stopped(count, last_weight=last_weight)), sep="\n")


if __name__ == "__main__":
    main()
