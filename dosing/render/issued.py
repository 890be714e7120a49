"""What differs from the issue that a print replaces, as facts for the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dosing.render import wording
from dosing.render.names import name_of, prose
from dosing.render.page import Fact
from dosing.schedule import Schedule

STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(?:[+-]\d\d:\d\d|Z)?")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")


def changes(schedule: Schedule) -> tuple[Fact, ...]:
    """One fact a change: which order and dose, what, from what to what; empty for a first issue."""
    return tuple(_fact(schedule, change) for change in schedule.changed)


def was(schedule: Schedule, order: str, number: int) -> str:
    """`changed, was 55 mg` for one dose, `new since issue 1` for an added one; empty where it stayed."""
    mine = [change for change in schedule.changed if (change.get("order"), change.get("number")) == (order, number)]
    if any(change.get("what") == "added" for change in mine):
        return f"new since issue {schedule.replaces}"
    before = ", ".join(_side(schedule, change.get("from")) for change in mine)
    return f"changed, was {before}" if before else ""


def _fact(schedule: Schedule, change: Mapping[str, Any]) -> Fact:
    order, number = change.get("order"), change.get("number")
    about = name_of(schedule, str(order)) if order in {row["id"] for row in schedule.orders} else str(order or "")
    dose = f"dose {number}" if number else ""
    label = " ".join(filter(None, (about, dose, prose(schedule, str(change.get("what", ""))))))
    return Fact(label[:1].upper() + label[1:], f"{_side(schedule, change.get('from'))} → {_side(schedule, change.get('to'))}")


def _side(schedule: Schedule, value: object) -> str:
    """One side of a change; instants as `09 Dec 2026 09:00`."""
    text = prose(schedule, "" if value is None else str(value))
    text = STAMP.sub(lambda found: f"{found[1]} {found[2]}", text)
    return DATE.sub(lambda found: wording.read_date(found[0], schedule.locale), text) or "none"
