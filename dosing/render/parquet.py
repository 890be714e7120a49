"""The administrations as a Parquet table, one row each, for whoever counts over many schedules (extra `cohort`).

The rows are the CSV's, missed doses of a course among them. The columns are typed, and the same in every schedule: days,
numbers and counts as int32, dates as date32, `held` as a boolean, all else as text. `done` is `given`, `partial` or
`missed`, and null for a dose that is left. Amounts are the printed decimals as text with their unit beside them,
since a float would not keep them; times are ISO 8601 with the zone's offset, since a Parquet timestamp keeps the instant
only and loses the ward's clock.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from dosing.errors import Fault, UsageError
from dosing.render import past, wording
from dosing.render.names import name_of
from dosing.render.page import Sheet
from dosing.schedule import Administration, Amount, Schedule

COLUMNS = {
    "order": "string", "drug": "string", "name": "string", "day": "int32", "date": "date32", "start": "string", "end": "string",
    "number": "int32", "of": "int32", "route": "string", "calculated": "string", "calculated_unit": "string", "amount": "string",
    "unit": "string", "held": "bool", "finding": "string", "offset": "string", "why": "string", "regimen": "string",
    "done": "string", "planned_amount": "string", "planned_unit": "string", "recorded": "string",
}  # fmt: skip


def write(sheet: Sheet | None, schedule: Schedule) -> bytes:
    """One row an administration, null where nothing is stated; same schedule, same bytes."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError(Fault("extra", "a Parquet file needs pyarrow", 'install it with: pip install "dosing[cohort]".', "output")) from None
    schema = pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in COLUMNS.items()])
    table = pyarrow.Table.from_pylist([_row(schedule, row) for row in past.every(schedule)], schema)
    file = BytesIO()
    parquet.write_table(table, file, compression="none")  # some ten rows; who searches a print for what it may not tell can read the bytes
    return file.getvalue()


def _row(schedule: Schedule, row: Administration) -> dict[str, Any]:
    """One administration by column."""
    told, done = row.to_dict(), _done(row)
    return {
        **{name: told[name] for name in ("order", "drug", "day", "start", "end", "number", "of", "held")},
        "name": name_of(schedule, row.order), "date": row.date, "route": row.route or None,
        **_parts("calculated", "calculated_unit", row.calculated), **_parts("amount", "unit", row.amount),
        "finding": " ".join(finding.id for finding in schedule.open if finding.order == row.order) or None, "offset": told.get("offset"),
        "why": None if done == "missed" else wording.plain(row.why, schedule.locale), "regimen": f"{schedule.regimen['id']}@{schedule.regimen['version']}",
        "done": done, **_parts("planned_amount", "planned_unit", past.planned(row) if done else None),
        "recorded": past.note(schedule, row).replace(wording.NBSP, " ") if done else None,
    }  # fmt: skip


def _done(row: Administration) -> str | None:
    """What became of a dose of a course; None while it is left."""
    if past.lost(row):
        return "missed"
    told = past.given(row)
    return None if told is None else "partial" if told.get("partial") else "given"


def _parts(value: str, unit: str, amount: Amount | None) -> dict[str, str | None]:
    return {value: amount.value if amount else None, unit: amount.unit if amount else None}
