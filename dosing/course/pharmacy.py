"""For the pharmacy of a trial: planned against given one row a dose, accountability, and the log of deviations."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from typing import Any

from dosing import forms
from dosing.course.confirm import in_unit
from dosing.course.moment import stamp
from dosing.course.state import Done, State
from dosing.schedule import Schedule

COLUMNS = ("order", "drug", "number", "state", "planned_start", "given_start", "planned_amount", "given_amount", "difference", "unit", "reason", "by", "second", "kit")
DEVIATIONS = ("course.time", "course.amount", "course.offset", "course.held", "course.missed", "course.stopped", "course.distance", "course.correction", "course.day0", "course.sum")


def reconciliation(state: State, schedule: Schedule) -> str:
    """Planned, given, difference and reason as CSV text, one row a dose, orders in the regimen's sequence."""
    out = StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    for order, lane in state.lanes.items():
        rows = {one.number: _done(order, state, one) for one in lane.done} | {number: {"order": order, "drug": _drug(state, order), "number": number, "state": "stopped"} for number in lane.stopped}
        rows |= {row.number: _planned(row) for row in schedule if row.order == order and row.number not in rows}
        table.writerows({key: _safe(value) for key, value in rows[number].items()} for number in sorted(rows))
    return out.getvalue()


def _drug(state: State, order: str) -> str:
    line = state.inputs.line(order)
    return line.drug.id if line else order


def _planned(row: Any) -> dict[str, Any]:
    return {"order": row.order, "drug": row.drug, "number": row.number, "state": "held" if row.held else "planned", "planned_start": stamp(row.seconds or 0, row.zone),
            "planned_amount": row.amount.value if row.amount else "", "unit": row.amount.unit if row.amount else ""}  # fmt: skip


def _done(order: str, state: State, one: Done) -> dict[str, Any]:
    planned, amount = one.planned.amount, one.amount
    unit = (planned or amount or ("", ""))[1]
    given = in_unit(amount, unit) if amount else Fraction(0)
    difference = "" if not planned or (amount is None and not one.missed) else _plain(given - Fraction(planned[0]))
    reasons = [one.entry.why, *(entry.why for entry in one.corrections)]
    return {"order": order, "drug": _drug(state, order), "number": one.number, "state": "missed" if one.missed else "given", "planned_start": one.planned.start,
            "given_start": "" if one.missed else stamp(one.seconds, state.zone), "planned_amount": planned[0] if planned else "", "given_amount": _plain(given) if amount else "",
            "difference": difference, "unit": unit, "reason": "; ".join(filter(None, reasons)), "by": one.entry.by, "second": one.entry.second, "kit": getattr(one.entry, "kit", "")}  # fmt: skip


def _plain(value: Fraction) -> str:
    return ("-" if value < 0 else "") + forms.plain(Decimal(abs(value).numerator) / abs(value).denominator) if value else "0"


def _safe(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+@\t\r" and value[:1] else value


def deviations(schedule: Schedule) -> list[dict[str, str]]:
    """Every finding of the course that tells a deviation, with its answer."""
    return [{"id": one.id, "order": one.order or "", "what": one.message, "answer": one.answer} for one in schedule.findings if one.code in DEVIATIONS]


def accountability(entries: Iterable[Any]) -> list[dict[str, Any]]:
    """Counts by order: received, prepared, wasted, returned, and what should be on the shelf."""
    sums: dict[str, dict[str, int]] = {}
    for entry in (one for one in entries if one.what == "account"):
        sums.setdefault(entry.order, dict.fromkeys(("received", "prepared", "wasted", "returned"), 0))[entry.action] += entry.count
    return [{"order": order, **counts, "left": counts["received"] - counts["prepared"] - counts["wasted"] - counts["returned"]} for order, counts in sums.items()]
