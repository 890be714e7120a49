"""The schedule as a workbook: typed cells, one row an administration, then findings, totals and what the doses rest on.

Every text is written as a text, so nothing in a name or a regimen can run as a formula. Needs the extra `xlsx`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, NamedTuple

from dosing.errors import Fault, UsageError
from dosing.render import past, wording
from dosing.render.csvfile import RISKY
from dosing.render.names import name_of, prose, see, signable
from dosing.render.page import Fact, Sheet
from dosing.schedule import Administration, Amount, Finding, Schedule, Total, iso

CREATED = datetime(2000, 1, 1)  # no clock is read: same schedule, same bytes
DIGITS = 15  # a spreadsheet number keeps no more
HEADER_LIMIT = 255
A4 = 9
Cell = str | int | Decimal | date | datetime | None


class Column(NamedTuple):
    """A heading and the width of its column in characters."""

    name: str
    width: int


ROWS = (
    Column("Order", 8), Column("Drug", 30), Column("Day", 6), Column("Date", 11), Column("Start", 16), Column("Stop", 16), Column("UTC offset", 9),
    Column("Number", 8), Column("Of", 5), Column("Amount", 13), Column("Unit", 8), Column("State", 10), Column("Query", 22), Column("Route", 6),
    Column("When", 18), Column("Calculated", 13), Column("Calculated unit", 9), Column("Working", 60), Column("Drug id", 24), Column("Regimen", 18),
    Column("Changed", 30), Column("Recorded", 50),
)  # fmt: skip
FINDINGS = (Column("Id", 24), Column("Level", 8), Column("Open", 6), Column("Order", 8), Column("Code", 20), Column("Message", 80), Column("Source", 50), Column("Answer", 30))
TOTALS = (Column("Order", 8), Column("Drug", 30), Column("Doses", 7), Column("Amount", 14), Column("Unit", 8), Column("State", 10), Column("Calculated", 14), Column("Calculated unit", 9))
PREPARED = (Column("Drug", 30), Column("Doses", 26), Column("Product", 26), Column("Drug volume", 14), Column("Diluent", 26), Column("Concentration", 14), Column("Rate", 12), Column("Keep", 40))
CHANGES = (Column("What", 40), Column("Before", 40), Column("Now", 40))
BASIS = (Column("What", 24), Column("Value", 100))


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The schedule as XLSX bytes: sheets Administrations, Findings, Preparation, Changes, Totals, Basis; `UsageError` without XlsxWriter."""
    file = BytesIO()
    book = workbook(file)
    book.set_properties({"title": sheet.title, "comments": sheet.footer, "created": CREATED})
    paper = Paper(book, sheet)
    paper.table("Administrations", ROWS, [(*_administration(schedule, row), plain(entry.changed), _recorded(schedule, row)) for entry, row in zip(sheet.entries, past.every(schedule), strict=True)])
    paper.table("Findings", FINDINGS, [_finding(schedule, finding) for finding in schedule.findings])
    paper.table("Preparation", PREPARED, [tuple(map(plain, line.cells)) for line in sheet.preparation.lines])
    paper.table("Changes", CHANGES, [(plain(fact.label), *map(plain, fact.text.split(" → "))) for fact in sheet.issued])
    paper.table("Totals", TOTALS, [_total(schedule, total) for total in schedule.totals])
    paper.table("Basis", BASIS, [(fact.label, plain(fact.text)) for fact in _basis(sheet)])
    book.close()
    return file.getvalue()


def workbook(file: BytesIO) -> Any:
    """An empty workbook in memory, in which no text turns into a formula, a link or a number; `UsageError` without XlsxWriter."""
    try:
        import xlsxwriter
    except ImportError:
        raise UsageError(Fault("print", "the workbook needs XlsxWriter, which is not installed", "install dosing[xlsx], or write .csv.", "xlsx")) from None
    return xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})


class Paper:
    """A workbook being filled: its formats, and the same page header and footer on every sheet."""

    def __init__(self, book: Any, sheet: Sheet):
        self.book, self.sheet = book, sheet
        grid = {"border": 1, "border_color": "#808080", "valign": "top"}
        self.heading = book.add_format({"bold": True, "text_wrap": True, "bottom": 2, "valign": "top"})
        self.text = book.add_format({**grid, "text_wrap": True})
        self.hold = book.add_format({**grid, "border": 3, "bold": True})
        self.quoted = book.add_format({**grid, "text_wrap": True, "quote_prefix": True})  # stays a text when the cell is edited
        self.number = book.add_format({**grid, "num_format": "#,##0.####"})
        self.whole = book.add_format({**grid, "num_format": "#,##0"})
        self.date = book.add_format({**grid, "num_format": "yyyy-mm-dd"})
        self.moment = book.add_format({**grid, "num_format": "yyyy-mm-dd hh:mm"})

    def table(self, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """One sheet with a heading row that repeats on each page, and one row of typed cells each."""
        page = self.book.add_worksheet(name)
        for number, column in enumerate(columns):
            page.set_column(number, number, column.width)
            page.write_string(0, number, column.name, self.heading)
        for line, row in enumerate(rows, 1):
            for number, value in enumerate(row):
                self.cell(page, line, number, value)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
        self.print_setup(page)

    def print_setup(self, page: Any) -> None:
        """A4 landscape, one page wide, headings on every page, who and what above, page n of m below."""
        page.set_landscape()
        page.set_paper(A4)
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.set_margins(left=0.4, right=0.4, top=1.0, bottom=0.8)
        page.set_header(*_header(self.sheet))
        page.set_footer(f"&L{escaped(plain(self.sheet.footer), HEADER_LIMIT - 30)}&RPage &P of &N")

    def cell(self, page: Any, line: int, number: int, value: Cell) -> None:
        """One value by its type; a number that a spreadsheet could not hold exactly stays a text."""
        if value is None or value == "":
            page.write_blank(line, number, None, self.text)
        elif isinstance(value, str):
            page.write_string(line, number, value, self.hold if value == "HOLD" else self.quoted if value.startswith(RISKY) else self.text)
        elif isinstance(value, date):
            page.write_datetime(line, number, value, self.moment if isinstance(value, datetime) else self.date)
        elif len(Decimal(value).normalize().as_tuple().digits) > DIGITS:
            page.write_string(line, number, format(value, "f"), self.text)
        else:
            # whole numbers have a format of their own: "#,##0.####" would print 55 as "55."
            page.write_number(line, number, value, self.whole if value == int(value) else self.number)


def _header(sheet: Sheet) -> tuple[str]:
    """Banner, identity, regimen, weight and day 0 for the top of each printed page, within what the format allows."""
    facts = {fact.label: plain(fact.text) for fact in (*sheet.identity, *sheet.basis)}
    who = f"{facts['Name']}, {facts['Hospital number']}, born {facts['Born']}"
    what = f"{facts['Regimen']}, {facts['Weight']}, day 0 {facts['Day 0']}"
    state = " ".join(filter(None, (plain(sheet.banner), sheet.status)))
    left, right = escaped(f"{who}\n{what}", 150), escaped(state, HEADER_LIMIT - 150 - 10)
    return (f"&L{left}&R{right}",)


def escaped(text: str, limit: int) -> str:
    """A text safe in a page header, where `&` starts a code; cut at `limit` signs with an ellipsis."""
    safe = text.replace("&", "&&")
    if len(safe) <= limit:
        return safe
    cut = safe[: limit - 1]
    return (cut[:-1] if (len(cut) - len(cut.rstrip("&"))) % 2 else cut) + "…"


def plain(text: str) -> str:
    """A printed text with ordinary blanks, as spreadsheets search them."""
    return text.replace("\u00a0", " ")


def _administration(schedule: Schedule, row: Administration) -> tuple[Cell, ...]:
    start, stop = iso(row.seconds, row.zone), row.to_dict()["end"]
    return (
        row.order, name_of(schedule, row.order), f"D{row.day:+d}" if row.day else "D0", row.date, _wall(start), _wall(stop), start[19:] if start else None,
        row.number, row.of, *_given(schedule, row.amount, row.held), plain(past.state(schedule, row)), "" if signable(schedule, row.order) and not row.held else see(schedule, row.order),
        row.route, "" if row.date else plain(prose(schedule, row.offset)), *_pair(schedule, row.calculated), "" if past.lost(row) else plain(wording.plain(row.why, schedule.locale)), row.drug, f"{schedule.regimen['id']}@{schedule.regimen['version']}",
    )  # fmt: skip


def _recorded(schedule: Schedule, row: Administration) -> str:
    """What a course recorded of a dose that was given or missed; else empty."""
    return plain(past.note(schedule, row)) if past.given(row) is not None or past.lost(row) else ""


def _wall(stamp: str | None) -> datetime | None:
    """The clock on the wall; the offset from UTC has its own column, as spreadsheets know no zones."""
    return datetime.fromisoformat(stamp).replace(tzinfo=None) if stamp else None


def _given(schedule: Schedule, amount: Amount | None, held: bool) -> tuple[Cell, Cell]:
    return ("HOLD", "") if held else _pair(schedule, amount)


def _pair(schedule: Schedule, amount: Amount | None) -> tuple[Cell, Cell]:
    return (amount.decimal, wording.unit(amount.unit, schedule.locale)) if amount else (None, None)


def _finding(schedule: Schedule, finding: Finding) -> tuple[Cell, ...]:
    message = plain(wording.on_paper(prose(schedule, finding.message)))
    cite = plain(wording.quoted(finding.cite, schedule.locale))
    return (finding.id, finding.level, "open" if finding.is_open else "", finding.order, finding.code, message, cite, finding.answer)


def _total(schedule: Schedule, total: Total) -> tuple[Cell, ...]:
    held = total.amount is None
    return (total.order, name_of(schedule, total.order), total.doses, *_given(schedule, total.amount, held), "HOLD" if held else "", *_pair(schedule, total.calculated))


def _basis(sheet: Sheet) -> Iterable[Fact]:
    """Who, on what the doses rest, what was decided, what the source does not say."""
    yield Fact("State", ", ".join(filter(None, (sheet.banner or "releasable", sheet.status))))
    yield Fact("Protocol", sheet.title)
    yield from (*sheet.identity, *sheet.basis, *sheet.decisions)
    yield from (Fact("Not scheduled", f"{fact.label}: {fact.text}") for fact in sheet.not_scheduled)
    yield from (Fact("Source silent", text) for text in sheet.silent)
    yield from (Fact(f"Source {fact.label}", fact.text) for fact in sheet.sources)
    yield Fact("Document", sheet.footer)
