"""The protocol as an event table in the way of NONMEM: one row for doses at one distance, further ones by II and ADDL.

`time` is hours from 00:00 of day 0, negative before it, and empty where the protocol names no hour; `day` is the day of
the first dose. A row stands for `addl` + 1 doses, the next each `ii` hours later. Days move on the calendar: where the
clocks change between two doses, 24 hours of this table are one calendar day. Doses stay per kg and per m2 (`basis`), and
`dose` is empty while it is held, a range, or not said exactly: see `as_written` and `open`. No compartment is named.
UTF-8, CRLF, one header.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from fractions import Fraction
from io import StringIO

from dosing import forms
from dosing.exchange.protocol import Lost, Part, Protocol, decimal
from dosing.render.csvfile import guarded

COLUMNS = ("order", "drug", "day", "time", "dose", "unit", "basis", "ii", "addl", "duration", "route", "starts", "when", "as_written", "open")


def write(protocol: Protocol) -> tuple[bytes, list[Lost]]:
    """The table, and what it has no column for."""
    return table(COLUMNS, [row for part in protocol.parts for row in _rows(part)]), [*whole_lost(protocol), *_lost(protocol)]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A header and rows of texts as CSV in UTF-8 with CRLF."""
    file = StringIO()
    made = csv.writer(file, lineterminator="\r\n")
    made.writerows([columns, *rows])
    return file.getvalue().encode()


def whole_lost(protocol: Protocol) -> Iterator[Lost]:
    """What a table of orders has no place for in the protocol as a whole."""
    r = protocol.regimen
    yield Lost("day 0", f"its meaning is not in the table: {r.day0}")
    yield from (Lost(f"choice {name}", "its question is not in the table, only the conditions that name it") for name in r.choices)
    whole = [one for one in protocol.questions if one.id not in r.choices]
    yield from (Lost(f"question {one.id}", f"stands against no order and is not in the table: {one.text}") for one in whole)
    yield from (Lost(f"drug {one.drug}", f"not in the table: {one.reason}") for one in r.not_scheduled)
    if r.silent:
        yield Lost("silent", f"not in the table: the sources are silent on {', '.join(r.silent)}")


def _rows(part: Part) -> Iterator[list[str]]:
    """The rows of an order: one for each stretch of days and clock time, or one of an interval or of open days."""
    for day, minutes, ii, count in _runs(part):
        time = None if minutes is None or day is None else decimal(Fraction(day * 1440 + minutes, 60))
        over = decimal(Fraction(part.order.over, 60)) if part.order.over else None
        yield [
            part.id, part.drug.id, "" if day is None else str(day), _number(time), *_dose(part), *_repeats(ii, count), _number(over),
            part.order.route or "", *(guarded(part.row[key]) for key in ("rhythm", "when", "dose")), part.asked,
        ]  # fmt: skip


def _runs(part: Part) -> Iterator[tuple[int | None, int | None, Fraction | None, int | None]]:
    """First day, minutes after midnight, hours between doses, and number of doses of each row."""
    clock = part.clock or (None,)
    if part.every:
        low, high = part.every
        yield next((one.first for one in part.stretches), None), clock[0], Fraction(low) if low == high else None, part.count
    elif not part.stretches:
        count = part.count // len(clock) if part.count else None
        yield from ((None, minutes, None, count) for minutes in clock)
    else:
        yield from ((one.first, minutes, Fraction(one.step * 24), one.days) for one in part.stretches for minutes in clock)


def _repeats(ii: Fraction | None, count: int | None) -> tuple[str, str]:
    """II and ADDL: both empty for one dose, ADDL empty while the number of doses is open."""
    if count == 1:
        return "", ""
    return _number(decimal(ii)) if ii else "", str(count - 1) if count else ""


def _dose(part: Part) -> tuple[str, str, str]:
    """The dose of one administration, its unit, and what it is per."""
    dose = part.order.dose
    if not isinstance(dose, forms.Dose):
        return "", "", ""
    return _number(part.amount.low) if part.amount else "", dose.unit, dose.per or "flat"


def _number(value: object) -> str:
    return "" if value is None else f"{value:f}"


def _lost(protocol: Protocol) -> Iterator[Lost]:
    yield Lost("sources", "the sources and their printed phrases are not in the table")
    for part in protocol.parts:
        order, where = part.order, f"order {part.id}"
        if isinstance(order.dose, forms.Dose) and not part.amount:
            yield Lost(where, f"{part.row['dose']} is {'held' if part.held else 'no single exact dose'}: the column dose is empty")
        if part.every and part.every[0] != part.every[1]:
            yield Lost(where, "the interval is printed as a range: ii is empty")
        if part.hangs:
            yield Lost(where, f"{part.row['rhythm']}: the time is empty, the day is nominal")
        beside = {**part.row["limits"], "course total": order.total, "until": order.until, "note": order.note}
        beside |= {"gaps to other drugs": part.gaps, "product": order.product, "dosing weight": order.weight != "unspecified"}
        if named := [name for name, value in beside.items() if value]:
            yield Lost(where, f"not in the table: {', '.join(named)}")
