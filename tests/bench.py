"""Speed as ratios measured in one run; not a test. `python tests/bench.py` prints the README's table.

Each pair is measured in turn, A B A B …, and the median of the ratios is given, so a machine whose speed drifts
changes both sides alike. The pint and arrow script of the second row is what a pharmacist's script does today.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from copy import copy
from datetime import date, timedelta
from functools import partial
from itertools import count

from dosing import Course, Patient, load_regimen, plan
from dosing.regimen.schema import Regimen

PLAN = [
    "-m", "dosing", "plan", "nct07299123", "--weight", "70 kg", "--height", "170 cm", "--age", "34 y", "--sex", "F", "--creatinine", "0.9 mg/dL",
    "--day0", "2026-12-09", "--zone", "Asia/Shanghai", "--time", "hsc=14:00", "--choose", "stratum=SAA-I",
    "--choose", "cy.dose=600 mg/m2/day", "--json",
]  # fmt: skip

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def process(*arguments: str) -> float:
    """Seconds of one new Python process, which keeps its byte code as a user's does."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, env=ENVIRONMENT)
    return time.perf_counter() - start


def ratio(ours: Callable[[], float], theirs: Callable[[], float], runs: int = 9) -> tuple[float, float, float]:
    """Median, lowest and highest ratio of pairs measured in turn, after one warm-up of each."""
    ours(), theirs()
    pairs = sorted(ours() / theirs() for _ in range(runs))
    return statistics.median(pairs), pairs[0], pairs[-1]


def in_process(patients: int = 200) -> tuple[Callable[..., float], Callable[[], float]]:
    """Seconds of `patients` plans by this package, and by a plain pint and arrow script."""
    import arrow
    import pint

    regimen = load_regimen("nct07299123")
    choose = {"stratum": "SAA-I", "cy.dose": "500 mg/m2/day"}
    unit = pint.UnitRegistry()

    people = [Patient(weight=f"{60 + n % 30} kg", height=f"{160 + n % 30} cm", age="34 y", sex="F") for n in range(patients)]

    def ours(read: bool = False) -> float:
        start = time.perf_counter()
        for patient in people:
            made = plan(regimen, patient, day0="2026-12-09", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=choose)
            if read:
                list(made), list(made.totals)
        return time.perf_counter() - start

    def theirs() -> float:
        start = time.perf_counter()
        for n in range(patients):
            weight, surface = unit.Quantity(60 + n % 30, "kg"), unit.Quantity(math.sqrt((60 + n % 30) * (160 + n % 30) / 3600), "m**2")
            zero, day = arrow.get("2026-12-09T14:00:00+08:00"), unit.Quantity(1, "day")
            rows = [(d, zero.shift(days=d), (unit.Quantity(dose, "mg/m**2/day") * surface * day).to("mg")) for d in range(-5, -1) for dose in (30, 500)]
            rows += [(d, zero.shift(days=d), (unit.Quantity(5, "ug/kg/day") * weight * day).to("mg")) for d in range(-4, 0)]
            rows.append((0, zero.shift(hours=-4), (unit.Quantity(5e5, "1/kg") * weight).to("dimensionless")))
        return time.perf_counter() - start

    return ours, theirs


ADULT = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "creatinine": "0.9 mg/dL"}
SEED = {
    "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}, "choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"},
    "set": {"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, "by": "AB", "reason": "confirmed",
}  # fmt: skip
NOON = {"at": "2027-01-12T12:00", "by": "AB", "why": "told by telephone"}
OPEN = "a new weight, nobody has chosen yet: the fact and two outcomes, three schedules"
NEWS: dict[str, Callable[[Course, int], object]] = {
    "a dose given": lambda course, n: course.give("flu#4", f"2027-01-13T09:{n % 30:02}", by="N1"),
    "a dose missed, made up": lambda course, n: course.miss("flu#4", outcome="append", **NOON),
    "day 0 moved": lambda course, n: course.move_day0((date(2027, 1, 16) + timedelta(n)).isoformat(), outcome="rest-day", **NOON),
    "a new weight": lambda course, n: course.weigh(f"{60 + n % 900 / 100:.2f} kg", outcome="real", **NOON),
    "a drug stopped": lambda course, n: course.stop("cy", **NOON),
    OPEN: lambda course, n: course.weigh(f"{60 + n % 900 / 100:.2f} kg", **NOON),
}


def begun() -> Course:
    """The seed's course at noon of day -3: eight doses given, most of it still to come."""
    course = Course.start("nct07299123", ADULT, second="CD", day0="2027-01-15", **SEED)
    for order, done in (("flu", 3), ("cy", 3), ("atg", 2)):
        for row in [row for row in course.schedule() if row.order == order][:done]:
            course.give(f"{order}#{row.number}", row.to_dict()["start"], by="N1")
    return course


def replanning(news: str, course: Course, regimen: Regimen, runs: int = 30) -> tuple[float, float, float]:
    """One entry with its replanned schedule against one `plan()` that has to work out as much: the same day moved to, the same weight."""
    turns = count()

    def entry() -> float:
        turn, there = next(turns), copy(course)
        start = time.perf_counter()
        NEWS[news](there, turn)
        return time.perf_counter() - start

    def planned() -> float:
        turn = next(turns)
        moved = date(2027, 1, 16) + timedelta(turn) if news == "day 0 moved" else date(2027, 1, 15)
        start = time.perf_counter()
        plan(regimen, Patient(**(ADULT | {"weight": f"{60 + turn % 900 / 100:.2f} kg"})), second_name="CD", day0=moved, **SEED)
        return time.perf_counter() - start

    return ratio(entry, planned, runs)


def main() -> None:
    """Print the table."""
    rows = []
    cold = ratio(lambda: process(*PLAN), lambda: process("-c", "import pint; pint.UnitRegistry()('mg/kg')"))
    rows.append(("cold `dosing plan … --json` ÷ `import pint` and its first unit", cold, "at most 1.3"))
    rows.append(("`dosing --help` ÷ `python -c pass`", ratio(lambda: process("-m", "dosing", "--help"), lambda: process("-c", "pass")), "at most 9"))
    ours, theirs = in_process()
    rows.append(("a plain pint and arrow script ÷ `plan()` with findings and second calculation", ratio(theirs, ours, 9), "at least 10"))
    rows.append(("the same, and every row and total read", ratio(theirs, partial(ours, True), 9), ""))
    course, regimen = begun(), load_regimen("nct07299123")
    rows += [(f"replanning ÷ `plan()`: {news}", replanning(news, course, regimen), "" if news == OPEN else "at most 2") for news in NEWS]
    for name, (middle, low, high), bar in rows:
        print(f"| {name} | {middle:.2f} ({low:.2f}–{high:.2f}) | {bar} |")


if __name__ == "__main__":
    main()
