"""The protocol as one row an order, for a spreadsheet: dose, days and rhythm as written, with the phrases of its sources."""

from __future__ import annotations

from dosing import forms
from dosing.exchange.events import table, whole_lost
from dosing.exchange.protocol import Lost, Part, Protocol
from dosing.render.csvfile import guarded

COLUMNS = ("order", "drug", "name", "when", "dose", "days", "rhythm", "route", "over", "weight", "total", "limits", "gaps", "note", "sources", "open")


def write(protocol: Protocol) -> tuple[bytes, list[Lost]]:
    """The table in UTF-8 with CRLF; days carry the word `day`, so that no spreadsheet takes them for a formula."""
    return table(COLUMNS, [list(map(guarded, _row(part))) for part in protocol.parts]), list(whole_lost(protocol))


def _row(part: Part) -> list[str]:
    row = part.row
    return [
        part.id, part.drug.id, part.name, row["when"], row["dose"], part.days, row["rhythm"], row["route"] or "",
        forms.say_duration(row["over"]) if row["over"] else "", row["weight"], row["total"] or "",
        "; ".join(f"{name} {value}" for name, value in row["limits"].items()), "; ".join(part.gaps), row["note"] or "",
        "; ".join(f'{key}: "{phrase}"' for key, phrases in row["cite"].items() for phrase in phrases), part.asked,
    ]  # fmt: skip
