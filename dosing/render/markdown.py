"""The sheet as GitHub-flavoured Markdown: tables for the grid, the administrations, the record and the preparation.

`*` stands before an amount that is not what the replaced issue said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from dosing.render.page import Cell, Fact, Sheet
from dosing.render.text import marked
from dosing.schedule import Schedule

DAYS = 9
MARKED = re.compile(r"([\\`*_\[|<>~])")


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The sheet as UTF-8 Markdown; every character that Markdown would read as a mark is escaped."""
    return ("\n".join(_page(sheet)) + "\n").encode()


def safe(text: str) -> str:
    """A text in which no character is read as Markdown or HTML."""
    return MARKED.sub(r"\\\1", text.replace("&", "&amp;")).replace("\n", " ")


def _page(sheet: Sheet) -> Iterator[str]:
    words = sheet.words
    yield from _head(sheet)
    for part in sheet.split(DAYS):
        yield from ("", f"## {words['grid']}", "", *_grid(part))
    yield from ("", safe(words["legend"]))
    if sheet.issued:
        yield from ("", f"## {words['issued']}", "", safe(words["replaced"]), "", *(f"- \\* {_bold(fact.label)} {safe(fact.text)}" for fact in sheet.issued))
    yield from ("", f"## {words['queries']}", "", *_questions(sheet))
    if sheet.signatures:
        head = [words[key] for key in ("role", "name", "signature", "when")]
        yield from (
            "",
            f"## {words['signatures']}",
            "",
            *((_bold(sheet.unnamed), "") if sheet.unnamed else ()),
            *_table(head, ([safe(role), "", "", ""] for role in sheet.signatures)),
        )
    yield from ("", f"## {words['entries']}", "", *_entries(sheet), "", f"## {words['record']}", "", *_workings(sheet))
    yield from ("", f"## {words['preparation']}", "", *_prepared(sheet))
    yield from _lists(sheet)
    yield from ("", "---", "", safe(sheet.footer))


def _head(sheet: Sheet) -> Iterator[str]:
    yield f"# {sheet.words['title']}: {safe(sheet.title)}"
    yield from (["", f"**{safe(sheet.banner)}**"] if sheet.banner else [])
    yield from (["", f"**{safe(sheet.status)}**"] if sheet.status else [])
    pairs = zip(sheet.identity, sheet.basis, strict=True)
    yield from (
        "",
        *_table(
            ["", "", "", ""],
            ([safe(one.label), _bold(one.text), safe(two.label), _bold(two.text)] for one, two in pairs),
        ),
    )


def _bold(text: str) -> str:
    return f"**{safe(text)}**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _grid(sheet: Sheet) -> Iterator[str]:
    days = [_lines(_bold(column.day), (column.date, column.mark)) for column in sheet.columns]
    rows = [
        [_lines(_bold(row.name), row.lines), *map(_cell, row.cells), _lines(_bold(row.total), row.total_lines)]
        for row in sheet.rows
    ]
    yield from _table([sheet.words["drug"], *days, sheet.words["total"]], rows)


def _lines(first: str, rest: Iterable[str]) -> str:
    return "<br>".join([first, *(safe(line) for line in rest if line)])


def _cell(cell: Cell) -> str:
    if cell.kind == "none":
        return cell.amount
    return _lines(_bold(marked(cell.told, cell.changed)), (*cell.lines, *(f"{slot} ____/____" for slot in cell.slots)))


def _questions(sheet: Sheet) -> Iterator[str]:
    if not sheet.questions:
        yield safe(sheet.words["no_queries"])
    for asked in sheet.questions:
        about = f" {asked.about}." if asked.about else ""
        cite = f" ({safe(asked.cite)})" if asked.cite else ""
        yield f"- {_bold(f'{asked.id}: {asked.state}.{about}')} {safe(asked.text)}{cite}"
    yield from ("", safe(sheet.words["query_note"])) if sheet.questions else ()


def _entries(sheet: Sheet) -> Iterator[str]:
    keys = ("day", "date", "start", "stop", "drug", "dose", "amount", "route", "duration", "given")
    lines = [(line, line.entry) for day in sheet.days for line in day.lines]
    rows = (
        (
            entry.day,
            entry.date,
            entry.start,
            entry.stop,
            ", ".join(filter(None, (entry.drug, entry.changed))),
            entry.number,
            ", ".join(filter(None, (marked(entry.amount, entry.changed), entry.drawn))),
            entry.route,
            entry.duration,
            " ".join(filter(None, (line.note, "________" if line.box == "blank" else ""))),
        )
        for line, entry in lines
    )
    yield from _table([sheet.words[key] for key in keys], (list(map(safe, row)) for row in rows))


def _workings(sheet: Sheet) -> Iterator[str]:
    keys = ("drug", "protocol_dose", "working", "calculated", "rounded", "doses", "total")
    yield from _table([sheet.words[key] for key in keys], (list(map(safe, line.cells)) for line in sheet.workings))


def _prepared(sheet: Sheet) -> Iterator[str]:
    keys = ("drug", "prep_doses", "prep_product", "prep_volume", "prep_fluid", "prep_concentration", "prep_rate", "prep_keep")
    if sheet.preparation.lines:
        yield from _table([sheet.words[key] for key in keys], (list(map(safe, line.cells)) for line in sheet.preparation.lines))
    yield from ("", *(f"- {_bold(fact.label)} {safe(fact.text)}" for fact in sheet.preparation.notes))


def _lists(sheet: Sheet) -> Iterator[str]:
    named = (
        ("body", sheet.body),
        ("checks", sheet.checks),
        ("choices", sheet.decisions),
        ("order_notes", sheet.order_notes),
        ("not_scheduled", sheet.not_scheduled),
        ("silent", [Fact("", text) for text in sheet.silent]),
        ("sources", sheet.sources),
    )
    for key, facts in named:
        yield from ("", f"## {sheet.words[key]}", "")
        yield from (
            f"- {_bold(fact.label)} {safe(fact.text)}" if fact.label else f"- {safe(fact.text)}" for fact in facts
        )
        yield from () if facts else ("none",)
