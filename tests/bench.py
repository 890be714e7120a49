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
from functools import partial

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

    from dosing import Patient, load_regimen, plan

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


def main() -> None:
    """Print the table."""
    rows = []
    cold = ratio(lambda: process(*PLAN), lambda: process("-c", "import pint; pint.UnitRegistry()('mg/kg')"))
    rows.append(("cold `dosing plan … --json` ÷ `import pint` and its first unit", cold, "at most 1.3"))
    rows.append(("`dosing --help` ÷ `python -c pass`", ratio(lambda: process("-m", "dosing", "--help"), lambda: process("-c", "pass")), "at most 9"))
    ours, theirs = in_process()
    rows.append(("a plain pint and arrow script ÷ `plan()` with findings and second calculation", ratio(theirs, ours, 9), "at least 10"))
    rows.append(("the same, and every row and total read", ratio(theirs, partial(ours, True), 9), ""))
    for name, (middle, low, high), bar in rows:
        print(f"| {name} | {middle:.2f} ({low:.2f}–{high:.2f}) | {bar} |")


if __name__ == "__main__":
    main()
