"""The sheet as plain text of at most 100 columns: grid, open queries, administrations, record, preparation.

`*` stands before an amount that is not what the replaced issue said; `>` would read "more than".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from dosing.render.page import Cell, Fact, Line, Sheet
from dosing.schedule import Schedule

WIDTH, FIRST, LAST, DAYS = 100, 22, 18, 3
ENTRY = (15, 14, 20, 8, 16, 12)
PREPARED = ("prep_product", "prep_volume", "prep_fluid", "prep_concentration", "prep_rate", "prep_keep")


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The sheet as UTF-8 text; lines are laid out here, so the no-break spaces become plain ones."""
    lines = [line.replace("\u00a0", " ").rstrip() for line in _page(sheet)]
    return ("\n".join(lines) + "\n").encode()


def _page(sheet: Sheet) -> Iterator[str]:
    words = sheet.words
    yield from _head(sheet)
    for part in sheet.split(DAYS):
        yield from _title(words["grid"])
        yield from _grid(part)
    yield from paragraphs(words["legend"])
    yield from _issued(sheet)
    yield from _title(words["queries"])
    yield from _questions(sheet)
    yield from _signatures(sheet)
    yield from _title(words["entries"])
    yield from _entries(sheet)
    yield from _title(words["record"])
    yield from _workings(sheet)
    yield from _title(words["preparation"])
    yield from _prepared(sheet)
    for heading, facts in _lists(sheet):
        yield from _title(heading)
        yield from _facts(facts)
    yield from ("", "-" * WIDTH)
    yield from paragraphs(sheet.footer)


def _head(sheet: Sheet) -> Iterator[str]:
    if sheet.banner:
        yield from ("#" * WIDTH, f"#{sheet.banner:^{WIDTH - 2}}#", "#" * WIDTH)
    yield from paragraphs(f"{sheet.words['title']}. {sheet.title}")
    if sheet.status:
        yield sheet.status
    yield ""
    for pair in zip(sheet.identity, sheet.basis, strict=True):
        yield from _line([f"{fact.label}: {fact.text}" for fact in pair], (46, 51))


def _lists(sheet: Sheet) -> Iterable[tuple[str, Sequence[Fact]]]:
    words = sheet.words
    yield words["body"], sheet.body
    yield words["checks"], sheet.checks
    yield words["choices"], sheet.decisions
    yield words["order_notes"], sheet.order_notes
    yield words["not_scheduled"], sheet.not_scheduled
    yield words["silent"], [Fact("", ", ".join(sheet.silent))] if sheet.silent else []
    yield words["sources"], sheet.sources


def _title(text: str) -> Iterator[str]:
    yield from ("", text, "-" * len(text))


def paragraphs(text: str, indent: str = "") -> list[str]:
    """A text wrapped to the width, later lines indented."""
    return wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _grid(sheet: Sheet) -> Iterator[str]:
    day = (WIDTH - FIRST - LAST - 3) // max(1, len(sheet.columns)) - 3
    widths = (FIRST, *[min(day, 24)] * len(sheet.columns), LAST)
    head = [
        sheet.words["drug"],
        *("\n".join(filter(None, (c.day, c.date, c.mark))) for c in sheet.columns),
        sheet.words["total"],
    ]
    rows = [
        ["\n".join((row.name, *row.lines)), *map(_cell, row.cells), "\n".join((row.total, *row.total_lines))]
        for row in sheet.rows
    ]
    if sheet.releasable:
        rows.append(
            [f"{sheet.words['release']}\n{sheet.words['release_note']}", *["____ / ____"] * len(sheet.columns), ""]
        )
    yield from _ruled([[head], *([row] for row in rows)], widths)


def _cell(cell: Cell) -> str:
    amount = marked(f"[{cell.amount}]" if cell.kind == "hold" else cell.told, cell.changed)
    return "\n".join(filter(None, (amount, *cell.lines, *(f"{slot} ____/____" for slot in cell.slots))))


def marked(amount: str, changed: str) -> str:
    """`* 55 mg` for an amount that was changed."""
    return f"* {amount}" if changed else amount


def _issued(sheet: Sheet) -> Iterator[str]:
    if sheet.issued:
        yield from _title(sheet.words["issued"])
        yield from paragraphs(sheet.words["replaced"])
        yield from (line for fact in sheet.issued for line in paragraphs(f"* {fact.label}: {fact.text}", "    "))


def _ruled(groups: Iterable[Sequence[Sequence[str]]], widths: Sequence[int]) -> Iterator[str]:
    """Groups of rows with a rule before and after each group."""
    rule = "-+-".join("-" * width for width in widths)
    yield rule
    for group in groups:
        for row in group:
            yield from _line(row, widths, " | ")
        yield rule


def _line(row: Sequence[str], widths: Sequence[int], gap: str = "   ") -> Iterator[str]:
    cells = [
        [part for line in text.split("\n") for part in wrapped(line, width)]
        for text, width in zip(row, widths, strict=True)
    ]
    for n in range(max(map(len, cells))):
        yield gap.join(
            (cell[n] if n < len(cell) else "").ljust(width) for cell, width in zip(cells, widths, strict=True)
        ).rstrip()


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a text in a column: a number stays with its unit, unless the two are wider than the column."""
    words = [part for word in text.split(" ") for part in ([word] if len(word) <= width else word.split("\u00a0"))]
    return wrap(" ".join(words), width, break_on_hyphens=False) or [""]


def _questions(sheet: Sheet) -> Iterator[str]:
    if not sheet.questions:
        yield sheet.words["no_queries"]
    for asked in sheet.questions:
        yield from paragraphs(
            f"[{asked.id}] {asked.state}{': ' if asked.about else ''}{asked.about}. {asked.text}", "    "
        )
        yield from paragraphs(f"    {asked.cite}", "    ") if asked.cite else ()
    yield from paragraphs(sheet.words["query_note"]) if sheet.questions else ()


def _signatures(sheet: Sheet) -> Iterator[str]:
    if sheet.signatures:
        yield from _title(sheet.words["signatures"])
        yield from paragraphs(sheet.unnamed)
    for role in sheet.signatures:
        yield f"{role:26}{'_' * 26}  {sheet.words['when']} {'_' * 26}"


def _entries(sheet: Sheet) -> Iterator[str]:
    words = sheet.words
    head = [
        words["day"],
        f"{words['start']}, {words['stop'].lower()}",
        words["drug"],
        words["dose"],
        words["amount"],
        words["route"],
    ]
    yield from _ruled([[head], *(list(map(_entry, day.lines)) for day in sheet.days)], ENTRY)


def _entry(line: Line) -> list[str]:
    entry = line.entry
    stop = f"stop {entry.stop}" if entry.stop[:1].isdigit() else entry.stop
    return [
        f"{entry.day}\n{entry.date}",
        f"{entry.start}, {stop}",
        "\n".join(filter(None, (entry.drug, entry.changed, "" if line.box == "hold" else line.note))),
        entry.number,
        "\n".join(filter(None, (marked(entry.amount, entry.changed), entry.drawn))),
        ", ".join(filter(None, (entry.route, entry.duration))),
    ]


def _workings(sheet: Sheet) -> Iterator[str]:
    for line in sheet.workings:
        yield from paragraphs(f"{line.drug}: {line.dose}", "    ")
        yield from paragraphs(f"    {line.working}", "    ")
        yield from paragraphs(
            f"    calculated {line.calculated}; per dose {line.amount}; doses {line.doses}; course total {line.total}",
            "    ",
        )
        yield from paragraphs(f"    {line.cite}", "    ") if line.cite else ()


def _prepared(sheet: Sheet) -> Iterator[str]:
    heads = [sheet.words[key].lower() for key in PREPARED]
    for line in sheet.preparation.lines:
        yield from paragraphs(f"{line.drug}: {line.doses}", "    ")
        yield from (part for text in line.warnings for part in paragraphs(f"    ! {text}", "      "))
        yield from paragraphs("    " + "; ".join(f"{head}: {text}" for head, text in zip(heads, line.cells[2:], strict=True)), "    ")
    yield from _facts(sheet.preparation.notes) if sheet.preparation.notes or not sheet.preparation.lines else ()


def _facts(facts: Sequence[Fact]) -> Iterator[str]:
    for fact in facts:
        yield from paragraphs(f"{fact.label}: {fact.text}" if fact.label else fact.text, "    ")
    if not facts:
        yield "none"
