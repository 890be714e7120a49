"""Day pages: one block a day in time order, one line an administration, and what stands in its boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dosing.render import past
from dosing.render.names import see, signable
from dosing.render.page import Column, Day, Entry, Line
from dosing.schedule import Administration, Schedule


def blocks(schedule: Schedule, entries: Sequence[Entry], columns: Sequence[Column], fluids: Mapping[tuple[str, int], str]) -> tuple[Day, ...]:
    """The days of a schedule in order, each administration and missed dose in exactly one of them; `fluids` by order and number."""
    found: dict[tuple[str, str], list[Line]] = {}
    for entry, row in zip(entries, past.every(schedule), strict=True):
        found.setdefault((entry.day, entry.date), []).append(replace(line(schedule, entry, row), fluid=fluids.get((row.order, row.number), "")))
    marks = {column.day: column.mark for column in columns}
    return tuple(Day(day, date, marks.get(day, ""), tuple(lines)) for (day, date), lines in found.items())


def line(schedule: Schedule, entry: Entry, row: Administration) -> Line:
    """One administration with its boxes: none for a dose on hold, in question, given already or missed."""
    if past.given(row) is not None or past.lost(row):
        return Line(entry, "missed" if past.lost(row) else "given", past.note(schedule, row))
    if row.held:
        return Line(entry, "hold", f"HOLD: do not prepare, {see(schedule, row.order, 2)}")
    if not signable(schedule, row.order):
        return Line(entry, "query", f"do not give yet, {see(schedule, row.order, 2)}")
    return Line(entry, "blank", _released((row.record or {}).get("released")))


def _released(released: Mapping[str, Any] | None) -> str:
    if not released:
        return ""
    who = past.people(released)
    return f"RELEASE VOID, changed since{who}" if released.get("void") else f"released{who}"
