"""The sheet as one self-contained, accessible HTML file that also prints well: no script, no outside resource.

On screen it is one page with landmarks. On paper each page has a frame table of its own, because browsers repeat a
table's head and foot on every sheet: so identity and document number stand on all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from dosing.render import check, chinese, html_pages
from dosing.render.html_parts import data, facts, heading, ink, lines, paragraph
from dosing.render.page import Cell, Question, Row, Sheet, Working
from dosing.schedule import Schedule

DAYS = 9
QUOTED = re.compile(r'"[^"]+"')
NARROW = 7  # more days than this make narrow columns
RUNNING = ("order_notes", "sources")  # set as running text on paper
ASK = "ask: "  # what nobody stated stands out
LONG = 10  # signs of an amount that a narrow column holds in large letters
STYLE = Path(__file__).with_name("sheet.css")
PAPERS = {"a4": "A4", "letter": "letter"}


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The chosen pages of the sheet as one UTF-8 HTML document; every text is escaped."""
    style = STYLE.read_text(encoding="utf-8").replace("size:A4", f"size:{PAPERS[sheet.paper]}")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(sheet.words['title'])} {sheet.document}</title><style>{style}</style>"
    )
    body = f'<body style="margin:0">{_body(chinese.bilingual(sheet), schedule)}</body>'
    return f'<!doctype html>\n<html lang="{escape(sheet.language)}"><head>{head}</head>\n{body}</html>\n'.encode()


def _body(sheet: Sheet, schedule: Schedule) -> str:
    shown = check.blind(sheet) if "check" in sheet.pages else sheet  # a second person's sheet hides results from its reader
    header = f'<header class="screen">{_banner(sheet)}<h1>{_title(sheet)}</h1>{_status(sheet)}{_strip(shown)}{_contents(sheet)}</header>'
    pages = "\n".join(_framed(name, sheet, schedule) for name in sheet.pages)
    return f'<div class="dosing">{header}<main>{pages}</main><footer class="screen">{escape(sheet.footer)}</footer></div>'


def _framed(name: str, sheet: Sheet, schedule: Schedule) -> str:
    """One page in the frame that repeats on paper what the screen shows once."""
    basis = check.blind(sheet) if name == "check" else sheet
    title = f'<div class="title"><strong>{escape(sheet.words["title"])}</strong><span class="about">{escape(sheet.title)}</span>{_status(sheet)}</div>'
    head = f'<thead class="paper"><tr><td>{_banner(sheet)}{title}{_strip(basis)}</td></tr></thead>'
    foot = f'<tfoot class="paper"><tr><td><footer>{escape(sheet.footer)}</footer></td></tr></tfoot>'
    body = f"<tbody><tr><td>{_page(name, sheet, schedule)}</td></tr></tbody>"
    return f'<div class="page {name}-page" id="{name}"><table class="frame" role="presentation">{head}{body}{foot}</table></div>'


def _page(name: str, sheet: Sheet, schedule: Schedule) -> str:
    told = {"grid": _grid_page, "record": _record_page, "days": html_pages.day_pages}
    if name in told:
        return told[name](sheet)
    drawn = {"timeline": html_pages.timelines, "check": html_pages.check_sheet, "labels": html_pages.label_page}
    return drawn[name](sheet, schedule)


def _title(sheet: Sheet) -> str:
    return f"{escape(sheet.words['title'])}: {escape(sheet.title)}"


def _banner(sheet: Sheet) -> str:
    return f'<p class="banner">{escape(sheet.banner)}</p>' if sheet.banner else ""


def _status(sheet: Sheet) -> str:
    return f'<span class="status">{escape(sheet.status)}</span>' if sheet.status else ""


def _strip(sheet: Sheet) -> str:
    told = "".join(f"<div><dt>{escape(fact.label)}</dt><dd>{escape(fact.text)}</dd></div>" for fact in (*sheet.identity, *sheet.basis))
    return f'<dl class="strip">{told}</dl>'


def _contents(sheet: Sheet) -> str:
    """Links to the pages, for a keyboard or a small screen."""
    keys = {"days": "entries"}
    links = "".join(f'<li><a href="#{name}">{escape(sheet.words[keys.get(name, name)])}</a></li>' for name in sheet.pages)
    return f'<nav aria-label="{escape(sheet.words["contents"])}"><ul>{links}</ul></nav>' if len(sheet.pages) > 1 else ""


# The grid


def _grid_page(sheet: Sheet) -> str:
    words = sheet.words
    issued = f"{heading(words['issued'])}{paragraph(words['replaced'])}{facts(sheet.issued)}" if sheet.issued else ""
    parts = (*(_grid(part) for part in sheet.split(DAYS)), facts(sheet.unscheduled) if sheet.unscheduled else "", paragraph(words["legend"]), issued)
    return "\n".join([*parts, _questions(sheet), _signatures(sheet)])


def _grid(sheet: Sheet) -> str:
    words = sheet.words
    days = "".join(f'<th scope="col"{_graft(sheet, n)}><strong>{escape(column.day)}</strong>{lines(column.short or column.date, column.mark)}</th>' for n, column in enumerate(sheet.columns))
    head = f'<tr><th scope="col">{escape(words["drug"])}</th>{days}<th scope="col">{escape(words["total"])}</th></tr>'
    body = "".join(_row(sheet, row) for row in sheet.rows)
    blanks = f'<td><span class="slot">{ink()}/{ink()}</span></td>' * len(sheet.columns)
    release = f'<tr><th scope="row">{escape(words["release"])}{lines(words["release_note"])}</th>{blanks}<td></td></tr>'
    span = f"{sheet.columns[0].day} to {sheet.columns[-1].day}" if len(sheet.columns) > 1 else ""
    kind = "grid narrow" if len(sheet.columns) > NARROW else "grid"
    return data(words["grid"], head, body + (release if sheet.releasable else ""), kind, span)


def _graft(sheet: Sheet, column: int) -> str:
    return ' class="graft"' if sheet.columns[column].mark.endswith("TRANSPLANT") else ""


def _row(sheet: Sheet, row: Row) -> str:
    cells = "".join(f"<td{_graft(sheet, n)}>{_cell(sheet, cell)}</td>" for n, cell in enumerate(row.cells))
    total = f"{_amount(row.total)}{lines(*row.total_lines)}"
    return f'<tr><th scope="row"><span class="name">{escape(row.name)}</span>{lines(*row.lines)}</th>{cells}<td>{total}</td></tr>'


def _cell(sheet: Sheet, cell: Cell) -> str:
    if cell.kind == "none":
        return f'<span aria-hidden="true">{escape(cell.amount)}</span><span class="sr">{escape(sheet.words["no_dose"])}</span>'
    slots = "".join(f'<span class="slot">{escape(slot)} {ink()}/{ink()}</span>' for slot in cell.slots)
    told = f"{_amount(cell.told)}{lines(*cell.lines)}{slots}"
    if cell.kind == "hold":
        return f'<div class="hold"><div>{told}</div></div>'
    return f'<div class="changed">{told}</div>' if cell.changed else told


def _amount(text: str) -> str:
    """The amount in large letters; a long one a little smaller on paper, where a column is narrow."""
    return f'<span class="amount{" long" if len(text) > LONG else ""}">{escape(text)}</span>'


def _questions(sheet: Sheet) -> str:
    if not sheet.questions:
        return paragraph(sheet.words["no_queries"])
    record = " ".join(line.cite for line in sheet.workings) if "record" in sheet.pages else ""
    return heading(sheet.words["queries"], sheet.words["query_note"]) + "".join(_question(asked, record) for asked in sheet.questions)


def _question(asked: Question, record: str) -> str:
    """What is asked, with what the source prints, unless the record prints it too."""
    phrases = QUOTED.findall(asked.cite)
    told = bool(phrases) and all(phrase in record for phrase in phrases)
    cite = f" <cite>({escape(asked.cite)})</cite>" if asked.cite and not told else ""
    about = f", {escape(asked.about)}" if asked.about else ""
    return f'<div class="query"><strong>{escape(asked.id)}: {escape(asked.state)}{about}.</strong> {escape(asked.text)}{cite}</div>'


def _signatures(sheet: Sheet) -> str:
    if not sheet.signatures:
        return ""
    keys = ("role", "name", "signature", "when")
    unnamed = f'<p class="unnamed"><strong>{escape(sheet.unnamed)}</strong></p>' if sheet.unnamed else ""
    return unnamed + table([sheet.words[key] for key in keys], [(role, "", "", "") for role in sheet.signatures], title=sheet.words["signatures"], kind="signs")


# The record


def _record_page(sheet: Sheet) -> str:
    return f'{_workings(sheet)}{_preparation(sheet)}<div class="lists">{"".join(_lists(sheet))}</div>'


def _workings(sheet: Sheet) -> str:
    keys = ("drug", "protocol_dose", "working", "rounded", "doses", "total")
    head = "".join(f'<th scope="col">{escape(sheet.words[key])}</th>' for key in keys)
    return data(sheet.words["record"], f"<tr>{head}</tr>", "".join(map(_working, sheet.workings)), "working sums")


def _working(line: Working) -> str:
    dose = f'<th scope="row">{escape(line.drug)}</th><td>{escape(line.dose)}{lines(line.cite)}</td><td>{escape(line.working)}</td>'
    amount = f'<td class="num"><strong>{escape(line.amount)}</strong></td>'
    return f'<tr>{dose}{amount}{_td(line.doses, 1, {1})}{_td(line.total, 1, {1})}</tr>'


def _preparation(sheet: Sheet) -> str:
    words, made = sheet.words, sheet.preparation
    keys = ("drug", "prep_doses", "prep_product", "prep_volume", "prep_fluid", "prep_concentration", "prep_rate", "prep_keep")
    none = heading(words["preparation"]) + paragraph(words["no_preparation"])
    listed = table([words[key] for key in keys], (line.cells for line in made.lines), (), words["preparation"], "working prepared") if made.lines else none
    notes = " ".join(f"<strong>{escape(note.label)}:</strong> {escape(note.text)}" for note in made.notes)
    return f"{listed}<p>{notes}</p>" if notes else listed


def _lists(sheet: Sheet) -> Iterable[str]:
    named = (("checks", sheet.checks), ("body", sheet.body), ("choices", sheet.decisions), ("order_notes", sheet.order_notes), ("sources", sheet.sources))
    for key, told in named:
        if told:
            yield f"<div>{heading(sheet.words[key])}{facts(told, 'run' if key in RUNNING else '')}</div>"
    for fact in () if "grid" in sheet.pages else sheet.unscheduled:
        yield f"<div>{heading(fact.label)}{paragraph(fact.text)}</div>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[int] = (), title: str = "", kind: str = "") -> str:
    """A table of texts with column headings, each row headed by its first cell; columns in `numeric` stand flush right."""
    right = set(numeric)
    columns = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join("<tr>" + "".join(_td(text, n, right) for n, text in enumerate(row)) + "</tr>" for row in rows)
    return data(title, f"<tr>{columns}</tr>", body, kind)


def _td(text: str, column: int, right: set[int]) -> str:
    if column == 0:
        return f'<th scope="row">{escape(text)}</th>'
    if column in right:
        return f'<td class="num">{escape(text)}</td>'
    return f"<td><strong>{escape(text)}</strong></td>" if text.startswith(ASK) else f"<td>{escape(text)}</td>"
