"""The sheet on a terminal: the grid as rich tables that wrap by day, then what is open and what was checked.

It tells less than the print: amount, number, hour and state of each dose. What a dose rests on stands in the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dosing.render import chinese
from dosing.render.page import Cell, Column, Fact, Row, Sheet
from dosing.render.sheet import sheet as sheet_of
from dosing.render.text import marked, wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dosing.schedule import Schedule

FIRST, LAST, DAY = 20, 13, 13  # signs of a column; "31.25 million" fits
EDGES = 7  # signs that the frame of the first and the last column takes


def show(schedule: Schedule, console: Console) -> None:
    """Print a schedule to a rich console, as wide as it is; no text of a person is read as markup."""
    sheet = chinese.bilingual(sheet_of(schedule))
    _head(sheet, console)
    for part in sheet.split(max(1, (console.width - FIRST - LAST - EDGES) // (DAY + 3))):
        console.print(_grid(part))
    _facts(sheet.words["queries"], [Fact(f"{asked.id}:", f"{asked.state}. {asked.text}") for asked in sheet.questions], console)
    _facts(sheet.words["checks"], sheet.checks, console)
    for fact in sheet.unscheduled:
        _facts(fact.label, [Fact("", fact.text)], console)
    console.print(_text("\n" + _filled(sheet.footer, console.width), "dim"))


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text.replace("\u00a0", " "), style)


def _filled(text: str, width: int, hang: int = 0) -> str:
    """Lines broken here and not by rich, which would part a number from its unit; what goes on hangs under its text."""
    first, *_ = wrapped(text, width)
    rest = text[len(first) :].strip(" ")
    return "\n".join([first, *(" " * hang + line for line in wrapped(rest, width - hang))]) if rest else first


def _head(sheet: Sheet, console: Console) -> None:
    if sheet.banner:
        console.print(_text(f" {sheet.banner} ", "bold reverse"), justify="center")
    console.print(_text(_filled(f"{sheet.words['title']}: {sheet.title}", console.width), "bold"))
    if sheet.status:
        console.print(_text(sheet.status, "bold"))
    for facts in (sheet.identity, sheet.basis):
        told = "   ".join(f"{fact.label}: {fact.text}".replace(" ", "\u00a0") for fact in facts).replace("   ", "  ")
        console.print(_text("\n".join(wrapped(told, console.width))))


def _grid(sheet: Sheet) -> Table:
    from rich.box import SQUARE
    from rich.table import Table

    table = Table(show_lines=True, box=SQUARE)
    table.add_column(_lines(sheet.words["drug"], (), FIRST), width=FIRST)
    for column in sheet.columns:
        table.add_column(_lines(column.day, _when(column), DAY), justify="center", width=DAY)
    table.add_column(_lines(sheet.words["total"], (), LAST), justify="right", width=LAST)
    for row in sheet.rows:
        table.add_row(_lines(row.name, row.lines[:1], FIRST), *map(_cell, row.cells), _total(row))
    return table


def _when(column: Column) -> Iterator[str]:
    yield column.short or column.date
    yield column.mark


def _total(row: Row) -> Text:
    """The course total with the count of its doses; why it is held stands under the queries."""
    return _lines(row.total, [line for line in row.total_lines if line[:1].isdigit() and "dose" in line], LAST)


def _lines(first: str, rest: Iterable[str], width: int) -> Text:
    told = _text("\n".join(wrapped(first, width)), "bold")
    for line in filter(None, rest):
        told.append("\n" + "\n".join(wrapped(line, width)).replace("\u00a0", " "), "not bold")
    return told


def _cell(cell: Cell) -> Text:
    if cell.kind == "none":
        return _text(cell.amount)
    hours = cell.slots or tuple(line for line in cell.lines[1:] if line.startswith("at "))
    amount = f"[{cell.amount}]" if cell.kind == "hold" else cell.told
    asked = ("see query",) if cell.kind == "open" else ()
    return _lines(marked(amount, cell.changed), (*cell.lines[:1], *hours, *asked), DAY)


def _facts(heading: str, facts: Iterable[Fact], console: Console) -> None:
    facts = list(facts)
    if facts:
        console.print(_text(f"\n{heading}", "bold"))
    for fact in facts:
        console.print(_text(_filled(f"  {fact.label} {fact.text}" if fact.label else f"  {fact.text}", console.width, 4)))
