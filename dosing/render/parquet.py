"""The administrations as a Parquet table, one row each, for whoever counts over many schedules (extra `cohort`).

The columns are the CSV's, typed, and the same in every schedule: days, numbers and counts as int32, dates as date32,
`held` and `given` as booleans, all else as text. Amounts are the printed decimals as text with their unit beside them,
since a float would not keep them; times are ISO 8601 with the zone's offset, since a Parquet timestamp keeps the instant
only and loses the ward's clock.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from dosing.errors import Fault, UsageError
from dosing.render import wording
from dosing.render.names import name_of
from dosing.render.page import Sheet
from dosing.schedule import Administration, Amount, Schedule

COLUMNS = {
    "order": "string", "drug": "string", "name": "string", "day": "int32", "date": "date32", "start": "string", "end": "string",
    "number": "int32", "of": "int32", "route": "string", "calculated": "string", "calculated_unit": "string", "amount": "string",
    "unit": "string", "held": "bool", "given": "bool", "finding": "string", "offset": "string", "why": "string", "regimen": "string",
}  # fmt: skip


def write(sheet: Sheet | None, schedule: Schedule) -> bytes:
    """One row an administration, null where nothing is stated; same schedule, same bytes."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError(Fault("extra", "a Parquet file needs pyarrow", 'install it with: pip install "dosing[cohort]".', "output")) from None
    schema = pyarrow.schema([(name, pyarrow.type_for_alias(kind)) for name, kind in COLUMNS.items()])
    table = pyarrow.Table.from_pylist([_row(schedule, row) for row in schedule], schema)
    file = BytesIO()
    parquet.write_table(table, file, compression="none")  # some ten rows; who searches a print for what it may not tell can read the bytes
    return file.getvalue()


def _row(schedule: Schedule, row: Administration) -> dict[str, Any]:
    """One administration by column."""
    told = row.to_dict()
    return {
        **{name: told[name] for name in ("order", "drug", "day", "start", "end", "number", "of", "held")},
        "name": name_of(schedule, row.order), "date": row.date, "route": row.route or None, "given": "given" in told,
        **_parts("calculated", "calculated_unit", row.calculated), **_parts("amount", "unit", row.amount),
        "finding": " ".join(finding.id for finding in schedule.open if finding.order == row.order) or None,
        "offset": told.get("offset"), "why": wording.plain(row.why, schedule.locale), "regimen": f"{schedule.regimen['id']}@{schedule.regimen['version']}",
    }  # fmt: skip


def _parts(value: str, unit: str, amount: Amount | None) -> dict[str, str | None]:
    return {value: amount.value if amount else None, unit: amount.unit if amount else None}
