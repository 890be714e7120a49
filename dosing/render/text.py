"""The sheet as plain text of at most 100 columns: grid, open queries, administrations, record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from dosing.render.page import Cell, Fact, Sheet
from dosing.schedule import Schedule

WIDTH, FIRST, LAST, DAYS = 100, 24, 14, 4


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
    yield from _title(words["queries"])
    yield from _questions(sheet)
    yield from _signatures(sheet)
    yield from _title(words["entries"])
    yield from _entries(sheet)
    yield from _title(words["record"])
    yield from _workings(sheet)
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
    yield from _table([[f"{fact.label}: {fact.text}" for fact in pair] for pair in zip(sheet.identity, sheet.basis, strict=True)], (46, 51))


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
    day = (WIDTH - FIRST - LAST) // max(1, len(sheet.columns)) - 3
    widths = (FIRST - 2, *[day] * len(sheet.columns), LAST - 1)
    head = [sheet.words["drug"], *("\n".join(filter(None, (c.day, c.date, c.mark))) for c in sheet.columns), sheet.words["total"]]
    rows = [["\n".join((row.name, *row.lines)), *map(_cell, row.cells), "\n".join((row.total, *row.total_lines))] for row in sheet.rows]
    yield from _ruled([head, *rows], widths)


def _cell(cell: Cell) -> str:
    amount = f"[{cell.amount}]" if cell.kind == "hold" else cell.told
    return "\n".join(filter(None, (amount, *cell.lines, *(f"{slot} ____/____" for slot in cell.slots))))


def _ruled(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    rule = "-+-".join("-" * width for width in widths)
    yield rule
    for row in rows:
        yield from _table([row], widths, " | ")
        yield rule


def _table(rows: Iterable[Sequence[str]], widths: Sequence[int], gap: str = "   ") -> Iterator[str]:
    for row in rows:
        cells = [_wrapped(text, width) for text, width in zip(row, widths, strict=True)]
        for n in range(max(map(len, cells))):
            yield gap.join((cell[n] if n < len(cell) else "").ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _wrapped(text: str, width: int) -> list[str]:
    lines = [wrap(line, width, break_long_words=True, break_on_hyphens=False) or [""] for line in text.split("\n")]
    return [line for part in lines for line in part]


def _questions(sheet: Sheet) -> Iterator[str]:
    if not sheet.questions:
        yield sheet.words["no_queries"]
    for asked in sheet.questions:
        yield from paragraphs(f"[{asked.id}] {asked.state}{': ' if asked.about else ''}{asked.about}. {asked.text}", "    ")
        yield from paragraphs(f"    {asked.cite}", "    ") if asked.cite else ()
        yield f"    {sheet.words['answer']} {'_' * 50} {sheet.words['by']} {'_' * 12} {sheet.words['on']} {'_' * 12}"


def _signatures(sheet: Sheet) -> Iterator[str]:
    if sheet.signatures:
        yield from _title(sheet.words["signatures"])
    for role in sheet.signatures:
        yield f"{role:26}{'_' * 26}  {sheet.words['when']} {'_' * 26}"


def _entries(sheet: Sheet) -> Iterator[str]:
    words = sheet.words
    head = [words[key] for key in ("day", "start", "stop", "drug", "dose", "amount", "route")]
    rows = [["\n".join(filter(None, (entry.day, entry.date))), entry.start, f"{entry.stop}", entry.drug, entry.number, entry.amount,
             f"{entry.route}, {entry.duration}"] for entry in sheet.entries]  # fmt: skip
    yield from _ruled([head, *rows], (15, 12, 9, 18, 8, 10, 10))


def _workings(sheet: Sheet) -> Iterator[str]:
    for line in sheet.workings:
        yield from paragraphs(f"{line.drug}: {line.dose}", "    ")
        yield from paragraphs(f"    {line.working}", "    ")
        yield from paragraphs(f"    calculated {line.calculated}; per dose {line.amount}; doses {line.doses}; course total {line.total}", "    ")
        yield from paragraphs(f"    {line.cite}", "    ") if line.cite else ()


def _facts(facts: Sequence[Fact]) -> Iterator[str]:
    for fact in facts:
        yield from paragraphs(f"{fact.label}: {fact.text}" if fact.label else fact.text, "    ")
    if not facts:
        yield "none"
