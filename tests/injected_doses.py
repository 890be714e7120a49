"""How many slips in a dose are stopped: every dose of the library printed ten times too high, and so on.

Not a test: `python tests/injected_doses.py` prints the README's table. Limits look at the written dose and not at the
patient, so each dose is tried once, with the patient and choices of the regimen's own worked example, in two ways:

* typed: the slip stands in the regimen file only, and the cited phrase still prints the right number;
* printed: the slip stands in the source itself, or a person sets it, so that nothing but the drug's limits can see it.

An outcome is what the slip adds to the findings of the same plan: refused or held is hard, a query soft.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from injected import NONE, Outcome, percent

from dosing import Patient, plan
from dosing.engine.settle import Change
from dosing.errors import DosingError
from dosing.forms import Dose, read_dose
from dosing.proof.examples import host
from dosing.regimen import rules
from dosing.regimen.library import library
from dosing.regimen.schema import Example, Order, Regimen
from dosing.schedule import Schedule


@dataclass(frozen=True)
class Tried:
    """One order of a worked example, its dose, and the plan without any slip."""

    regimen: Regimen
    example: Example
    order: Order
    dose: Dose
    clean: Schedule

    def planned(self, change: Dose | None = None) -> Schedule:
        """The plan of the worked example, with another dose where one is given."""
        return _plan(self.regimen, self.example, [] if change is None else [Change(f"{self.order.id}.dose", change.text, "AB", "as printed")])


def _plan(regimen: Regimen, example: Example, changes: Any) -> Schedule:
    return plan(
        host(regimen), Patient(creatinine="0.8 mg/dL", **{k: v for k, v in example.patient.items() if k != "creatinine"}), day0=example.day0, zone=example.zone, times=example.times,
        choose=example.choose, blocks=[regimen] if regimen.kind == "block" else [], set=changes,
    )  # fmt: skip


def _scaled(factor: str) -> Callable[[Order, Dose], Dose | None]:
    by = Decimal(factor)
    return lambda order, dose: replace(dose, low=dose.low * by, high=dose.low * by)


def _total_as_daily(order: Order, dose: Dose) -> Dose | None:
    """The amount of the whole course, written as that of a day or of a dose."""
    times = len(order.days) if dose.time == "day" else rules.administrations(order) or 1
    return replace(dose, low=dose.low * times, high=dose.low * times, days=None, doses=None) if times > 1 and dose.time != "course" else None


def _daily_as_total(order: Order, dose: Dose) -> Dose | None:
    """The amount of a day or of a dose, written as that of the whole course."""
    times = len(order.days) if dose.time == "day" else rules.administrations(order) or 1
    return replace(dose, low=dose.low / times, high=dose.low / times, days=None, doses=None) if times > 1 and dose.time != "course" else None


SLIPS: dict[str, Callable[[Order, Dose], Dose | None]] = {
    "dose × 10": _scaled("10"), "dose ÷ 10": _scaled("0.1"), "dose × 1000": _scaled("1000"), "dose ÷ 1000": _scaled("0.001"),
    "course total as daily dose": _total_as_daily, "daily dose as course total": _daily_as_total,
}  # fmt: skip


def tried(names: Iterable[str] | None = None) -> Iterator[Tried]:
    """Every order with a dose of every worked example of the library, each order once; lines already held are left out."""
    for name in names or sorted(library().regimens):
        regimen, seen = library().regimen(name), set()
        for example in regimen.examples:
            clean = _plan(regimen, example, [])
            held = {finding.order for finding in clean.findings if finding.level == "block"}
            planned = {row.order for row in clean} - held - seen
            for order in (order for order in regimen.orders if order.id in planned):
                chosen = example.choose.get(f"{order.id}.dose")
                dose = read_dose(chosen) if chosen else order.dose
                if isinstance(dose, Dose) and not dose.is_range:
                    seen.add(order.id)
                    yield Tried(regimen, example, order, dose, clean)


def printed(one: Tried, slip: Dose) -> Outcome:
    """What the limits say of a dose that a source prints or a person sets."""
    try:
        after = one.planned(slip)
    except DosingError:
        return Outcome(1, 0, 1)
    before = {(finding.id, finding.level) for finding in one.clean.findings}
    added = {finding.level for finding in after.findings if (finding.id, finding.level) not in before}
    return Outcome(int("block" in added), int("query" in added and "block" not in added), 1)


def typed(one: Tried, slip: Dose) -> Outcome:
    """What the rules of a regimen file say of a dose that its citation does not print; else what the limits say."""
    orders = tuple(order.model_copy(update={"dose": slip}) if order.id == one.order.id else order for order in one.regimen.orders)
    if rules.faults(one.regimen.model_copy(update={"orders": orders}), library().drugs):
        return Outcome(1, 0, 1)
    return printed(one, slip)


def doses_stopped(names: Iterable[str] | None = None) -> dict[str, tuple[Outcome, Outcome]]:
    """For each slip the outcomes as typed and as printed."""
    found = dict.fromkeys(SLIPS, (NONE, NONE))
    for one in tried(names):
        for name, slip in SLIPS.items():
            if (made := slip(one.order, one.dose)) is not None:
                found[name] = found[name][0] + typed(one, made), found[name][1] + printed(one, made)
    return found


def told(found: dict[str, tuple[Outcome, Outcome]]) -> Iterator[str]:
    """The table in Markdown."""
    yield "| slip | doses | typed: hard, soft, missed, % | printed or set: hard, soft, missed, % |"
    yield "| --- | --- | --- | --- |"
    for name, both in found.items():
        shares = [f"{percent(one.hard, one.tries)}, {percent(one.soft, one.tries)}, {percent(one.missed, one.tries, True)}" for one in both]
        yield f"| {name} | {both[0].tries:,} | {' | '.join(shares)} |"


if __name__ == "__main__":
    print(*told(doses_stopped()), sep="\n")
