"""Supply in files: CSV, JSON, workbook, text, Markdown; each whole or not at all, same supply same bytes."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, cast

from dosing.errors import Fault, UsageError
from dosing.files import checked, write_whole
from dosing.render.csvfile import guarded
from dosing.render.page import Sheet
from dosing.render.xlsx import A4, CREATED, Cell, Column, Paper, escaped, workbook
from dosing.supply.page import heading, state, to_markdown, to_text
from dosing.supply.rows import COLUMNS, PATIENT, patient_rows
from dosing.supply.supplied import Supply

FORMATS = (".txt", ".md", ".csv", ".json", ".xlsx")
NUMBERS = {"doses", "patients", "amount", "drawn", "content", "vials", "waste", "vials_shared", "waste_shared", "bags_not_known", "vials_not_known", "row"}
DATES = {"date", "first", "last"}
BESIDE = ("outside", "not counted", "refused", "open", "ask", "check")  # sections beside the counts, and their columns
NOTED = ("section", "drug", "doses", "patients", "first", "last", "note")
WIDE = {"drug": 28, "product": 28, "vial": 18, "bags": 40, "keeps": 20, "note": 80, "date": 11, "first": 11, "last": 11, "id": 16}


def check_path(path: str | os.PathLike[str], source: str | os.PathLike[str] | None = None) -> Path:
    """The file to write, found writable before anything is calculated; `UsageError` for its format or place, or where it is `source`."""
    target = checked(os.fspath(path))
    if target.suffix.lower() not in FORMATS:
        raise UsageError(Fault("format", f'"{target.name}" has no format that supply writes', f"end it with one of {', '.join(FORMATS)}.", "output"))
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise UsageError(Fault("S01", "the file cannot be written there", "name a file in a folder that exists and may be written.", os.fspath(path)))
    if source is not None and target.resolve() == Path(source).resolve():
        raise UsageError(Fault("S01", "the supply would replace the patients", "name another output file.", "output"))
    return target


def write(supply: Supply, path: str | os.PathLike[str]) -> Path:
    """Write a supply in the format of the extension and give the path back; `UsageError` as `check_path`, or without XlsxWriter."""
    target = check_path(path)
    write_whole(target, to_bytes(supply, target.suffix))
    return target


def to_bytes(supply: Supply, extension: str) -> bytes:
    """A supply as the bytes of one format (`.csv`, `.json`, `.xlsx`, `.txt`, `.md`)."""
    made = {".txt": lambda: to_text(supply).encode(), ".md": lambda: to_markdown(supply).encode(), ".csv": lambda: _csv(supply),
            ".json": lambda: (json.dumps(supply.to_dict(), indent=2, ensure_ascii=False) + "\n").encode(), ".xlsx": lambda: _workbook(supply)}  # fmt: skip
    return made[extension.lower()]()


def _csv(supply: Supply) -> bytes:
    """The rows of the supply; where the patients' rows were asked for they follow as a section, with a column for the id."""
    rows: list[dict[str, Any]] = supply.to_rows()
    rows += [{"section": "patient", **one, "vials": None, "vial": one["vials"], "waste_unit": one["waste"] and one["unit"]} for one in patient_rows(supply)]
    head = COLUMNS if supply.by_patient is None else (*COLUMNS, "id")
    return as_csv(head, ([row.get(name) for name in head] for row in rows))


def as_csv(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as CSV with CRLF, no cell of which a spreadsheet takes for a formula; None is an empty cell."""
    file = StringIO()
    table = csv.writer(file, lineterminator="\r\n")
    table.writerow(head)
    table.writerows([guarded("" if value is None else str(value)) for value in row] for row in rows)
    return file.getvalue().encode()


class Pages(Paper):
    """The house's workbook paper with a header that names the supply instead of a patient."""

    def __init__(self, book: Any, supply: Supply):
        super().__init__(book, cast(Sheet, None))  # a sheet is read by `print_setup` only
        self.head, self.foot = heading(supply), state(supply)

    def print_setup(self, page: Any) -> None:
        """Landscape, one page wide, headings on every page, what it is above, whether it is final below."""
        page.set_landscape()
        page.set_paper(A4)
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.set_header(f"&L{escaped(self.head, 240)}")
        page.set_footer(f"&L{escaped(self.foot, 200)}&RPage &P of &N")


def _workbook(supply: Supply) -> bytes:
    """Sheets Days, Totals, Not counted and, where asked for, By patient; numbers as numbers, dates as dates."""
    file = BytesIO()
    book = workbook(file)
    book.set_properties({"title": heading(supply), "comments": state(supply), "created": CREATED})
    paper, rows = Pages(book, supply), supply.to_rows()
    paper.table("State", (Column("State", 120),), [(heading(supply),), (state(supply),)])
    lines = COLUMNS[1:-1]
    for title, sections, names in (("Days", ("day",), lines), ("Totals", ("total",), lines[1:]), ("Not counted", BESIDE, NOTED)):
        paper.table(title, _columns(names), [[_cell(name, row[name]) for name in names] for row in rows if row["section"] in sections])
    if supply.by_patient is not None:
        paper.table("By patient", _columns(PATIENT), [[row["vials"] if name == "vials" else _cell(name, row[name]) for name in PATIENT] for row in patient_rows(supply)])
    book.close()
    return file.getvalue()


def _columns(names: Sequence[str]) -> tuple[Column, ...]:
    return tuple(Column(name.replace("_", " ").capitalize(), WIDE.get(name, 10)) for name in names)


def _cell(name: str, text: str | None) -> Cell:
    if not text:
        return None
    return Decimal(text) if name in NUMBERS else date.fromisoformat(text) if name in DATES else text
