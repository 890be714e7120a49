"""For the pharmacy of a trial: planned against given one row a dose, accountability, the log of deviations, the arm."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from io import StringIO
from typing import Any

from dosing import forms
from dosing.course import compose, events
from dosing.course.moment import stamp
from dosing.course.state import Done, State
from dosing.errors import Fault, UsageError, closest
from dosing.schedule import Finding, Schedule
from dosing.units import in_unit

COLUMNS = ("subject", "order", "drug", "number", "state", "planned_start", "given_start", "given_stop", "planned_amount", "given_amount", "difference", "unit", "reason", "by", "second", "kit", "released")
DEVIATIONS = ("course.time", "course.amount", "course.partial", "course.extra", "course.offset", "course.held", "course.missed", "course.stopped", "course.distance", "course.given-days", "course.after-graft",
              "course.correction", "course.unreleased", "course.day0", "course.sum", "course.not-recorded", "course.not-chosen", "course.unnamed")  # fmt: skip
ACTIONS = ("received", "prepared", "wasted", "returned")


def file_of(state: State, entries: Sequence[Any], schedule: Schedule) -> dict[str, Any]:
    """Everything that the pharmacy of a trial keeps, as plain JSON values."""
    return {"subject": getattr(entries[0], "subject", "") or None, "kits": kits(state), "accountability": accountability(entries), "deviations": deviations(state, schedule),
            "reconciliation": reconciliation(state, schedule, getattr(entries[0], "subject", ""))}  # fmt: skip


def unblinded(state: State, choose: Mapping[str, str]) -> Schedule:
    """The schedule with a blinding choice named; `UsageError` for a choice that blinds nothing or an option it has not."""
    settled = state.inputs.settled
    known = {name: choice for part in (settled.regimen, *settled.blocks) for name, choice in part.choices.items() if choice.blinds}
    for name, option in choose.items():
        if name not in known:
            raise UsageError(Fault("R09", f'"{name}" blinds nothing in this regimen', closest(name, known) if known else "it is not blinded.", f"choice {name}"))
        open_ = [one for one in known[name].options if one != "blinded"]
        if option not in open_:
            raise UsageError(Fault("R09", f'"{option[:40]}" is no option that can be named', f"options: {', '.join(open_)}.", f"choice {name}"))
    return compose.schedule(state.with_inputs(choose=tuple((dict(state.inputs.choose) | dict(choose)).items())))


# planned against given


def reconciliation(state: State, schedule: Schedule, subject: str = "") -> list[dict[str, Any]]:
    """Planned, given, difference and reason, one row a dose, orders in the regimen's sequence."""
    found = []
    for order, lane in state.lanes.items():
        rows = {one.number: _done(order, state, one) for one in lane.done} | {number: {"order": order, "drug": _drug(state, order), "number": number, "state": "stopped"} for number in lane.stopped}
        rows |= {row.number: _planned(row) for row in schedule if row.order == order and row.number not in rows}
        found += [{column: {"subject": subject, **rows[number]}.get(column, "") for column in COLUMNS} for number in sorted(rows)]
    return found


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV text that no spreadsheet reads as formulas."""
    out = StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows({key: _safe(key, value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def _safe(key: str, value: Any) -> Any:
    """A text that no spreadsheet takes for a formula; a negative difference is a number."""
    return f"'{value}" if isinstance(value, str) and key != "difference" and value[:1] and value[0] in "=+-@\t\r" else value


def _drug(state: State, order: str) -> str:
    line = state.inputs.line(order)
    return line.drug.id if line else order


def _planned(row: Any) -> dict[str, Any]:
    released = (row.record or {}).get("released")
    return {"order": row.order, "drug": row.drug, "number": row.number, "released": _by(released.get("by", ""), released["void"]) if released else "no", "state": "held" if row.held else "planned", "planned_start": stamp(row.seconds or 0, row.zone),
            "planned_amount": row.amount.value if row.amount else "", "unit": row.amount.unit if row.amount else ""}  # fmt: skip


def _done(order: str, state: State, one: Done) -> dict[str, Any]:
    planned, amount, entry = one.planned.amount, one.amount, one.entry
    unit = (planned or amount or ("", ""))[1]
    given, meant = in_unit(*amount, unit) if amount else Fraction(0), Fraction(planned[0]) if planned else Fraction(0)
    known = bool(planned or one.extra) and (amount is not None or one.missed)
    reasons = [entry.why, *(f"corrected: {correction.why}" for correction in one.corrections)]
    state_ = "missed" if one.missed else "extra" if one.extra else "partial" if one.partial else "given"
    return {"order": order, "drug": _drug(state, order), "number": one.number, "state": state_,
            "planned_start": "" if one.extra else one.planned.start, "given_start": "" if one.missed else stamp(one.seconds, state.zone), "given_stop": stamp(one.stop, state.zone) if one.stop and not one.missed else "",
            "planned_amount": planned[0] if planned else "", "given_amount": _plain(given) if amount else "", "difference": _plain(given - meant) if known else "", "unit": unit,
            "reason": "; ".join(filter(None, reasons)), "by": one.said.by, "second": one.said.second, "kit": getattr(entry, "kit", ""), "released": "" if one.missed else _release_of(state, order, one)}  # fmt: skip


def _release_of(state: State, order: str, one: Done) -> str:
    """Who released a dose that was given, and whether it was given as released; `no` without a release."""
    found = state.releases.get((order, one.number))
    return _by(found.entry.by, not state.released(order, one)) if found and not found.recalled else "no"


def _by(name: str, changed: bool) -> str:
    return f"by {name}{', and changed since' if changed else ''}"


def _plain(value: Fraction) -> str:
    return ("-" if value < 0 else "") + forms.plain(Decimal(abs(value).numerator) / abs(value).denominator) if value else "0"


# deviations and stock


def deviations(state: State, schedule: Schedule) -> list[dict[str, Any]]:
    """Every finding of the course that tells a deviation, and every oddity of the stock: what, which dose, when, who, why, and its answer."""
    return [*(_deviation(state, one) for one in schedule.findings if one.code in DEVIATIONS), *_of_stock(state.log)]


def _deviation(state: State, finding: Finding) -> dict[str, Any]:
    number = finding.id.partition("#")[2].partition(".")[0]
    done = state.lanes[finding.order].find(int(number)) if finding.order and number.isdigit() else None
    entry = (done.corrections or (done.entry,))[-1] if done else None
    return {"id": finding.id, "order": finding.order or "", "number": int(number) if number.isdigit() else None, "what": finding.message, "at": done and stamp(done.seconds, state.zone),
            "by": entry.by if entry else "", "second": entry.second if entry else "", "reason": entry.why if entry else "", "released": _release_of(state, finding.order or "", done) if done and not done.missed else "", "level": finding.level, "answer": finding.answer}  # fmt: skip


def kits(state: State) -> list[dict[str, Any]]:
    """Which kit was given in which dose."""
    return [{"kit": one.entry.kit, "order": order, "number": one.number, "given_start": stamp(one.seconds, state.zone)}
            for order, lane in state.lanes.items() for one in lane.given if getattr(one.entry, "kit", "")]  # fmt: skip


def standing(log: Sequence[Any]) -> list[tuple[int, events.Account]]:
    """The entries of the stock that no later one corrects, with their numbers in the ledger; `log` are the entries after the start."""
    made = {number: one for number, one in enumerate(log, 2) if isinstance(one, events.Account)}
    replaced = {one.corrects for one in made.values()}
    return [(number, one) for number, one in made.items() if number not in replaced]


def accountability(entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Counts by order and kit: received, prepared, wasted, returned, and what should be on the shelf; `over` is what was used beyond what was received."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for _, entry in standing(entries[1:]):
        for kit in {"", entry.kit}:
            sums.setdefault((entry.order, kit), dict.fromkeys(ACTIONS, 0))[entry.action] += entry.count
    return [_stock(order, counts, [{"kit": kit, **_left(sums[of, kit])} for of, kit in sorted(sums) if of == order and kit]) for (order, kit), counts in sums.items() if not kit]


def _of_stock(log: Sequence[Any]) -> list[dict[str, Any]]:
    """Entries of the stock that were corrected, and products of which more was used than received."""
    made = dict(enumerate(log, 2))
    found = [_odd(one, f"account.{one.corrects}", f"account of {one.order}, entry {one.corrects}: {_counted(made[one.corrects])} corrected to {_counted(one)}")
             for one in log if isinstance(one, events.Account) and one.corrects]  # fmt: skip
    last = {one.order: one for _, one in standing(log)}
    return found + [_odd(last[row["order"]], f"account.{row['order']}", f"account of {row['order']}: {row['over']} more used than received") for row in accountability((None, *log)) if row["over"]]


def _counted(entry: events.Account) -> str:
    return f"{entry.action} {entry.count}{' of kit ' + entry.kit if entry.kit else ''}"


def _odd(entry: events.Account, key: str, what: str) -> dict[str, Any]:
    return {"id": key, "order": entry.order, "number": None, "what": f"{what}.", "at": entry.at, "by": entry.by, "second": entry.second, "reason": entry.why, "released": "", "level": "note", "answer": ""}


def _stock(order: str, counts: dict[str, int], by_kit: list[dict[str, Any]]) -> dict[str, Any]:
    return {"order": order, **_left(counts)} | ({"kits": by_kit} if by_kit else {})


def _left(counts: dict[str, int]) -> dict[str, int]:
    left = counts["received"] - counts["prepared"] - counts["wasted"] - counts["returned"]
    return {**counts, "left": left, "over": max(-left, 0)}
