"""Twelve flagships (the seed pair is two files) as whole courses, worked by hand and compared figure by figure.

Each file of `cases/flagships/` tells one course: patient, hours, choices, and for every step the arithmetic, every
start with its offset, every amount, total, hold and open question. A later step names what changes; all else stays.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isqrt
from pathlib import Path
from typing import Any

import pytest
import yaml

from dosing import InputError, Patient, Schedule, plan
from dosing.regimen.library import library

CASES = sorted((Path(__file__).parent / "cases" / "flagships").glob("*.yaml"))
FLAGSHIPS = {"nct07299123", "nct01305694", "ctn0301", "flu-cy-tbi-ptcy", "nct00489281", "bucy2-label", "axi-cel",
             "bu-cy-once-daily", "flu-mel140", "beam-srl", "melphalan-200", "beijing-haplo", "remestemcel"}  # fmt: skip
MINUTES = {"min": 1, "h": 60}
NUMBER = r"(\d+(?:\.\d+)?)"


@lru_cache(maxsize=32)
def story(path: Path) -> Any:
    """A case file with every scalar as text."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506


def steps() -> list[Any]:
    """Every step of every course, named for the report of the tests."""
    return [pytest.param(path, n, id=f"{path.stem}-{n}") for path in CASES for n in range(len(story(path)["steps"]))]


def planned(told: dict[str, Any], step: dict[str, Any]) -> Schedule:
    """The schedule of one step: the course's own facts with what the step changes."""
    more = {"times": told["times"], "choose": told["choose"], "day0": told["day0"], **step.get("with", {})}
    facts = told["patient"] | step.get("patient", {})
    sign = {"by": "AB", "reason": "worked course", "second_name": "CD"} if more.keys() & {"set", "answer"} else {}
    return plan(told["regimen"], Patient(**facts), zone=told["zone"], **more, **sign)


def expected(told: dict[str, Any], number: int) -> dict[str, Any]:
    """The lines of a step: those of the first full step, with what the step changes or leaves out."""
    full = next(step for step in told["steps"] if "lines" in step)
    step = told["steps"][number]
    lines = ({} if step.get("only") else full["lines"]) | step.get("lines", {})
    return {order: line for order, line in lines.items() if order not in step.get("not-planned", ())}


def instants(starts: list[str]) -> list[str]:
    """`2027-04-05..2027-04-06 at 09:00, 21:00 +12:00` as single ISO starts."""
    found = []
    for text in starts:
        days, _, rest = text.partition(" at ")
        hours, _, offset = rest.rpartition(" ")
        first, _, last = days.partition("..")
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        while day <= end:
            found += [f"{day}T{hour}:00{offset}" for hour in hours.split(", ")]
            day += timedelta(days=1)
    return found


def minutes(text: str) -> list[int]:
    """`6 h, then 4 h` as minutes, one for each length named."""
    return [int(number) * MINUTES[unit] for number, unit in re.findall(r"(\d+) (min|h)\b", text)]


def of(amount: dict[str, str] | None) -> str:
    return f"{amount['value']} {amount['unit']}" if amount else "held"


def equation(text: str) -> tuple[Decimal, Decimal]:
    """Both sides of `25 × 1.78 = 44.5`, the left one multiplied out."""
    left, _, right = text.partition(" = ")
    factors = [Decimal(number) for number in re.findall(NUMBER, left)]
    product = factors[0]
    for factor in factors[1:]:
        product *= factor
    return product, Decimal(re.findall(NUMBER, right)[0])


def test_every_flagship_has_its_course() -> None:
    assert {path.stem for path in CASES} == FLAGSHIPS
    assert all(len(library().regimen(name).examples) >= 3 for name in FLAGSHIPS)


def worked(line: dict[str, str]) -> Decimal:
    """The calculated dose by the hand work alone: the product, or the maximum where the product passes it."""
    told, _, maximum = line["work"].partition(" → at most ")
    product = told.partition(" → ")[0]
    if " = " not in product:
        return Decimal(re.findall(NUMBER, product)[0])
    left, right = equation(product)
    assert left == right
    return min(left, Decimal(maximum.split()[0])) if maximum else left


@pytest.mark.parametrize(("path", "number"), steps())
def test_the_arithmetic_of_the_hand_work_is_true(path: Path, number: int) -> None:
    """The pages themselves, without the program: products, maxima, roundings and totals."""
    for line in (line for line in story(path)["steps"][number].get("lines", {}).values() if "work" in line):
        calculated, unit = line["calculated"].split()
        assert worked(line) == Decimal(calculated)
        each = calculated if line["each"] == "held" else line["each"].split()[0]
        rounded = Decimal(line["work"].split()[-2]) if "→" in line["work"] and line["each"] != "held" else Decimal(each)
        assert rounded == Decimal(each) and line["work"].endswith(unit)
        total, told = equation(line["course"])
        assert total == told == Decimal(each) * int(line["doses"])
        assert len(instants(line["starts"])) == int(line["doses"])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_body_surface(path: Path) -> None:
    told = story(path)
    height, weight = (Decimal(told["patient"][name].split()[0]) for name in ("height", "weight"))
    used = Decimal(re.findall(NUMBER, told["bsa"])[-2])  # the last number is the 2 of m2
    hundredths = isqrt(int(height * weight / 3600 * 10**10)) // 10**2  # thousandths of 1 m2, cut
    assert abs(Decimal(hundredths) / 1000 - used) <= Decimal("0.005")
    made = planned(told, next(step for step in told["steps"] if "lines" in step))
    assert made.to_dict()["metrics"].get("bsa", {"value": str(used)})["value"] == str(used)


@pytest.mark.parametrize(("path", "number"), steps())
def test_step(path: Path, number: int) -> None:
    told = story(path)
    step = told["steps"][number]
    if "refused" in step:
        with pytest.raises(InputError) as refusal:
            planned(told, step)
        assert sorted(fault.where for fault in refusal.value.faults) == sorted(step["refused"])
        return
    made = planned(told, step)
    data = made.to_dict()
    _lines(data, expected(told, number), bool(step.get("only")))
    _findings(made, step)
    named = {row["drug"] for row in data["not_scheduled"]}
    assert named == set(step.get("unscheduled", named))


def _lines(data: dict[str, Any], lines: dict[str, Any], part: bool) -> None:
    if not part:
        assert {row["order"] for row in data["administrations"]} == lines.keys()
    for order, line in lines.items():
        rows = [row for row in data["administrations"] if row["order"] == order]
        assert [row["start"] for row in rows] == instants(line["starts"]), order
        assert {of(row["amount"]) for row in rows} == {line["each"]}, order
        assert len(rows) == int(line["doses"]), order
        if "calculated" in line:
            assert {of(row["calculated"]) for row in rows} == {line["calculated"]}, order
            _total(next(row for row in data["totals"] if row["order"] == order), line)
        if "over" in line:
            _durations(rows, minutes(line["over"]))


def _total(total: dict[str, Any], line: dict[str, str]) -> None:
    course = line["course"].partition(" = ")[2].removesuffix(", held")
    assert of(total["amount"]) == ("held" if line["each"] == "held" else course)
    assert of(total["calculated"]).split()[1] == line["calculated"].split()[1]
    assert Decimal(total["calculated"]["value"]) == Decimal(line["calculated"].split()[0]) * int(line["doses"])


def _durations(rows: list[dict[str, Any]], told: list[int]) -> None:
    """The first administration takes the first length told, every other the last one."""
    spans = [(datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"])) for row in rows]
    lengths = [(end - start).total_seconds() / 60 for start, end in spans]
    assert lengths == [told[0], *[told[-1]] * (len(rows) - 1)]


def _findings(made: Schedule, step: dict[str, Any]) -> None:
    assert sorted(finding.id for finding in made.open) == sorted(step["open"]) if "open" in step else True
    assert {finding.id for finding in made.findings} >= set(step.get("notes", ()))
    assert made.releasable == (step["releasable"] == "yes") if "releasable" in step else True
    for key, words in step.get("says", {}).items():
        assert any(words in finding.message for finding in made.findings if finding.id == key), key
