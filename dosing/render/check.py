"""The check sheet: what a second person needs to work every dose out alone, with blanks and without one result.

ASHP guidelines 2015 ask for an independent second check against the original reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dosing.render import record, wording
from dosing.render.names import name_of, order_of
from dosing.render.page import Fact, Sheet
from dosing.schedule import Schedule

WORK_OUT = "work it out"


@dataclass(frozen=True, slots=True)
class Task:
    """One order as the source and the choices give it: no amount, no total, no count of doses."""

    drug: str
    dose: str
    days: str
    lines: tuple[str, ...]
    cite: str


def tasks(schedule: Schedule) -> tuple[Task, ...]:
    """One task an order that has a dose to work out, in the order of the regimen."""
    return tuple(_task(schedule, order) for order in _ordered(schedule))


def _ordered(schedule: Schedule) -> list[str]:
    """The orders with a calculated dose; a graft without a dose asks for no sum."""
    found = dict.fromkeys(row.order for row in schedule if row.calculated)
    listed = [row["id"] for row in schedule.orders if row["id"] in found]
    return listed + [order for order in found if order not in listed]


def _task(schedule: Schedule, order: str) -> Task:
    row, locale = order_of(schedule, order), schedule.locale
    weight = row.get("weight") or "unspecified"
    lines = (
        wording.route(row.get("route")),
        f"product: {row['product']}" if row.get("product") else "",
        "the source names no weight" if weight == "unspecified" else wording.weight(weight),
        f"rounding step {wording.plain(row['step'], locale)}" if row.get("step") else "",
    )
    dose = wording.plain(str(row.get("dose") or "not given"), locale)
    return Task(name_of(schedule, order), dose, record.days_text(str(row.get("days") or "")), tuple(filter(None, lines)), record.cites(row.get("cite"), locale))


def blind(sheet: Sheet) -> Sheet:
    """The sheet's frame with the measured facts only: a derived body surface is for the second person to find."""
    return replace(sheet, basis=tuple(Fact(fact.label, WORK_OUT) if fact.label.endswith("Body surface") else fact for fact in sheet.basis))


def measures(schedule: Schedule) -> tuple[Fact, ...]:
    """The derived measures by name and formula, without their values."""
    return tuple(
        Fact(record.METRICS.get(name) or wording.weight(name).capitalize(), record.formula(metric.get("formula", "")))
        for name, metric in schedule.metrics.items()
    )
