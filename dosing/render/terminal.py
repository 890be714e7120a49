"""The sheet on a terminal: the grid as rich tables that wrap by day, then what is open and what was checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dosing.render.page import Cell, Fact, Sheet
from dosing.render.sheet import sheet as sheet_of
from dosing.render.text import wrapped

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dosing.schedule import Schedule

FIRST, LAST, DAY = 28, 20, 20


def show(schedule: Schedule, console: Console) -> None:
    """Print a schedule to a rich console, as wide as it is; no text of a person is read as markup."""
    sheet = sheet_of(schedule)
    _head(sheet, console)
    for part in sheet.split(max(1, (console.width - FIRST - LAST) // DAY)):
        console.print(_grid(part))
    _facts(
        sheet.words["queries"],
        [Fact(f"{asked.id}: {asked.state}. {asked.about}", asked.text) for asked in sheet.questions],
        console,
    )
    _facts(sheet.words["checks"], sheet.checks, console)
    _facts(sheet.words["not_scheduled"], sheet.not_scheduled, console)
    _facts(sheet.words["silent"], [Fact("", ", ".join(sheet.silent))] if sheet.silent else [], console)
    console.print(_text(sheet.footer, "dim"))


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text.replace("\u00a0", " "), style)


def _head(sheet: Sheet, console: Console) -> None:
    if sheet.banner:
        console.print(_text(f" {sheet.banner} ", "bold reverse"), justify="center")
    console.print(_text(f"{sheet.words['title']}: {sheet.title}", "bold"))
    if sheet.status:
        console.print(_text(sheet.status, "bold"))
    for facts in (sheet.identity, sheet.basis):
        console.print(_text("   ".join(f"{fact.label}: {fact.text}" for fact in facts)))


def _grid(sheet: Sheet) -> Table:
    from rich.table import Table

    table = Table(show_lines=True)
    table.add_column(_text(sheet.words["drug"]))
    for column in sheet.columns:
        table.add_column(_text("\n".join(filter(None, (column.day, column.date, column.mark)))), justify="center")
    table.add_column(_text(sheet.words["total"]), justify="right")
    for row in sheet.rows:
        table.add_row(
            _lines(row.name, row.lines, FIRST), *map(_cell, row.cells), _lines(row.total, row.total_lines, LAST)
        )
    return table


def _lines(first: str, rest: Iterable[str], width: int) -> Text:
    """Lines broken here and not by rich, which would part a number from its unit."""
    told = _text("\n".join(wrapped(first, width - 3)), "bold")
    for line in filter(None, rest):
        told.append("\n" + "\n".join(wrapped(line, width - 3)).replace("\u00a0", " "), "not bold")
    return told


def _cell(cell: Cell) -> Text:
    if cell.kind == "none":
        return _text(cell.amount)
    return _lines(cell.told if cell.kind != "hold" else f"[{cell.amount}]", (*cell.lines, *cell.slots), DAY)


def _facts(heading: str, facts: Iterable[Fact], console: Console) -> None:
    facts = list(facts)
    if facts:
        console.print(_text(f"\n{heading}", "bold"))
    for fact in facts:
        console.print(_text(f"  {fact.label}  {fact.text}" if fact.label else f"  {fact.text}"))
