"""What differs from the issue that a print replaces, as facts for the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dosing.render import wording
from dosing.render.names import name_of, prose, runs
from dosing.render.page import Fact
from dosing.schedule import Amount, Schedule

STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(?:[+-]\d\d:\d\d|Z)?")
CELLS = re.compile(r"(\d{1,3}(?:,\d{3}){2,})[ \u00a0]cells")
ONE = re.compile(r"\b1[ \u00a0]doses")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")


def changes(schedule: Schedule) -> tuple[Fact, ...]:
    """One fact a change, doses of an order that changed alike together: which, what, from what to what."""
    groups: dict[tuple[Any, Any, Any, Any], list[int]] = {}
    for change in schedule.changed:
        key = (change.get("order"), change.get("what"), change.get("from"), change.get("to"))
        groups.setdefault(key, []).extend([change["number"]] if change.get("number") else [])
    return tuple(_fact(schedule, *key, numbers) for key, numbers in groups.items())


def was(schedule: Schedule, order: str, number: int) -> str:
    """`changed, was 55 mg` for one dose, `new since issue 1` for an added one; empty where it stayed."""
    return _was(schedule, _mine(schedule, order, number))


def moved(schedule: Schedule, order: str, number: int) -> str:
    """` (was 12:00)` beside the start of one dose, with the date where that changed too; empty where it stayed."""
    found = next((change for change in _mine(schedule, order, number) if change.get("what") == "start"), None)
    if not found or not found.get("from"):
        return ""
    before, after = str(found["from"]), str(found.get("to"))
    return f" (was{wording.NBSP}{before[11:16] if before[:10] == after[:10] else _side(schedule, before)})"


def besides(schedule: Schedule, order: str, number: int) -> str:
    """`changed, was 55 mg`: what changed of one dose but its start, which stands beside the new one."""
    return _was(schedule, [change for change in _mine(schedule, order, number) if change.get("what") != "start"])


def _mine(schedule: Schedule, order: str, number: int) -> list[dict[str, Any]]:
    return [change for change in schedule.changed if (change.get("order"), change.get("number")) == (order, number)]


def _was(schedule: Schedule, mine: Sequence[dict[str, Any]]) -> str:
    if any(change.get("what") == "added" for change in mine):
        return f"new since issue {schedule.replaces}"
    before = ", ".join(_side(schedule, change.get("from")) for change in mine)
    return f"changed, was {before}" if before else ""


def _fact(schedule: Schedule, order: str | None, what: str, before: object, after: object, numbers: Sequence[int]) -> Fact:
    about = name_of(schedule, str(order)) if order in {row["id"] for row in schedule.orders} else str(order or "")
    label = " ".join(filter(None, (about, runs(numbers) if numbers else "", prose(schedule, str(what or "")))))
    sides = (_side(schedule, side) if side not in (None, "") or not str(what).startswith("patient") else "not entered" for side in (before, after))
    return Fact(label[:1].upper() + label[1:], " → ".join(sides))


def _side(schedule: Schedule, value: object) -> str:
    """One side of a change; instants as `09 Dec 2026 09:00`."""
    text = CELLS.sub(_in_words, prose(schedule, "" if value is None else str(value)))
    return moments(ONE.sub("1\u00a0dose", text), schedule.locale) or "none"


def moments(text: str, locale: str) -> str:
    """A text with its instants as `09 Dec 2026 09:00` and its dates as `09 Dec 2026`."""
    text = STAMP.sub(lambda found: f"{found[1]} {found[2]}", text)
    return DATE.sub(lambda found: wording.read_date(found[0], locale), text)


def _in_words(found: re.Match[str]) -> str:
    return wording.amount(Amount(found[1].replace(",", ""), "cells"), "en-GB")
