"""The administrations as CSV, one row each, missed doses of a course among them: UTF-8, CRLF, values and units in columns of their own."""

from __future__ import annotations

import csv
from io import StringIO

from dosing.render import past, wording
from dosing.render.names import name_of
from dosing.render.page import Sheet
from dosing.schedule import Administration, Amount, Schedule

COLUMNS = (
    "order",
    "drug",
    "name",
    "day",
    "date",
    "start",
    "end",
    "number",
    "of",
    "route",
    "calculated",
    "calculated_unit",
    "amount",
    "unit",
    "held",
    "finding",
    "offset",
    "why",
    "regimen",
    "state",
    "planned_amount",
    "recorded",
)
RISKY = ("=", "+", "-", "@", "\t", "\r")


def write(sheet: Sheet | None, schedule: Schedule) -> bytes:
    """One header and one row an administration; days as `D-5`; no cell that a spreadsheet takes for a formula."""
    file = StringIO()
    table = csv.writer(file, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows([guarded(str(value)) for value in _row(schedule, row)] for row in past.every(schedule))
    return file.getvalue().encode()


def guarded(text: str) -> str:
    """The text, with a leading apostrophe where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(RISKY) else text


def _row(schedule: Schedule, row: Administration) -> tuple[object, ...]:
    data = row.to_dict()
    findings = " ".join(finding.id for finding in schedule.open if finding.order == row.order)
    return (
        row.order,
        row.drug,
        name_of(schedule, row.order),
        f"D{row.day:+d}" if row.day else "D0",
        data["date"] or "",
        data["start"] or "",
        data["end"] or "",
        row.number,
        row.of,
        row.route,
        *_parts(row.calculated),
        *_parts(row.amount),
        "HOLD" if row.held else "",
        findings,
        "" if row.date else row.offset,
        "" if past.lost(row) else wording.plain(row.why, schedule.locale),
        f"{schedule.regimen['id']}@{schedule.regimen['version']}",
        *_course(schedule, row),
    )


def _course(schedule: Schedule, row: Administration) -> tuple[str, str, str]:
    """What a course knows of a dose: planned, given or missed, what was planned of one that is over, and what was recorded."""
    over = past.given(row) is not None or past.lost(row)
    meant = past.planned(row) if over else None
    texts = (past.state(schedule, row) or "planned", str(meant or ""), past.note(schedule, row) if over else "")
    return tuple(text.replace(wording.NBSP, " ") for text in texts)  # type: ignore[return-value]


def _parts(amount: Amount | None) -> tuple[str, str]:
    return (amount.value, amount.unit) if amount else ("", "")
