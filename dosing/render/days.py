"""Day pages: one block a day in time order, one line an administration, and what stands in its boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dosing.render.names import see, signable
from dosing.render.page import Column, Day, Entry, Line
from dosing.schedule import Administration, Schedule


def blocks(schedule: Schedule, entries: Sequence[Entry], columns: Sequence[Column], fluids: Mapping[tuple[str, int], str]) -> tuple[Day, ...]:
    """The days of a schedule in order, each administration in exactly one of them; `fluids` by order and number."""
    found: dict[tuple[str, str], list[Line]] = {}
    for entry, row in zip(entries, schedule, strict=True):
        found.setdefault((entry.day, entry.date), []).append(replace(line(schedule, entry, row), fluid=fluids.get((row.order, row.number), "")))
    marks = {column.day: column.mark for column in columns}
    return tuple(Day(day, date, marks.get(day, ""), tuple(lines)) for (day, date), lines in found.items())


def line(schedule: Schedule, entry: Entry, row: Administration) -> Line:
    """One administration with its boxes: none for a dose on hold, in question, or given already."""
    if given := (row.record or {}).get("given"):
        return Line(entry, "given", f"GIVEN, do not give again{people(given)}")
    if row.held:
        return Line(entry, "hold", f"HOLD: do not prepare, {see(schedule, row.order, 2)}")
    if not signable(schedule, row.order):
        return Line(entry, "query", f"do not give yet, {see(schedule, row.order, 2)}")
    return Line(entry, "blank", _released((row.record or {}).get("released")))


def people(who: Mapping[str, Any]) -> str:
    """`, by AB and CD`: who stands in a record; empty without a name."""
    named = [str(who[key]) for key in ("by", "second") if who.get(key)]
    return f", by {' and '.join(named)}" if named else ""


def _released(released: Mapping[str, Any] | None) -> str:
    if not released:
        return ""
    return f"RELEASE VOID, changed since{people(released)}" if released.get("void") else f"released{people(released)}"
