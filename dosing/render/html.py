"""The sheet as one self-contained, accessible HTML file that also prints well: no script, no outside resource.

Identity stands in the head of a frame table, because browsers repeat a table head on every printed page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from dosing.render import check, chinese, html_pages
from dosing.render.page import Cell, Fact, Question, Row, Sheet
from dosing.schedule import Schedule

DAYS = 9
STYLE = """
.dosing{font:14px/1.35 "Noto Sans","Segoe UI",Helvetica,Arial,sans-serif;color:#000;background:#fff;max-width:1500px;margin:0 auto;padding:1em}
.dosing table{border-collapse:collapse;width:100%}
.dosing .frame>*>tr>td{padding:0;text-align:left}
.dosing h1{font-size:1.3em;margin:.2em 0}
.dosing h2{font-size:1.1em;margin:1.2em 0 .3em;break-after:avoid}
.dosing .banner{border:4px solid #000;background:#000;color:#fff;font-size:1.4em;font-weight:bold;text-align:center;padding:.2em;margin:0 0 .4em;
print-color-adjust:exact;-webkit-print-color-adjust:exact}
.dosing .status{font-weight:bold;border:2px solid #000;display:inline-block;padding:0 .5em}
.dosing dl{display:grid;grid-template-columns:repeat(6,auto);border:2px solid #000;padding:.3em .6em;margin:.4em 0;gap:.1em 1.2em}
.dosing dl div{display:flex;flex-wrap:wrap;gap:0 .4em;align-items:baseline}
.dosing dt{font-size:.8em}.dosing dd{margin:0;font-weight:bold}
.dosing .data th,.dosing .data td{border:1px solid #000;padding:.25em .4em;vertical-align:top;text-align:left}
.dosing .data thead th{background:#eee}
.dosing .data tr{break-inside:avoid}
.dosing .grid td,.dosing .grid thead th{text-align:center}
.dosing .grid thead th:first-child{text-align:left}
.dosing .grid small{display:block;font-weight:normal}
.dosing .amount{display:block;font-size:1.25em;font-weight:bold}
.dosing .hold div{border:3px dashed #000;padding:.2em}
.dosing .slot{display:block;white-space:nowrap;margin-top:.4em}
.dosing .graft{border-left:4px solid #000!important;border-right:4px solid #000!important}
.dosing .num{text-align:right!important;white-space:nowrap}
.dosing .query{border:2px solid #000;padding:.3em .6em;margin:.4em 0;break-inside:avoid}
.dosing .blank{display:block;margin-top:.8em}
.dosing footer{border-top:1px solid #000;font-size:.8em;margin-top:.8em}
"""
PAPER = """@page{size:%s landscape;margin:10mm 10mm 14mm;@bottom-right{font:bold 9px sans-serif;content:"Page " counter(page) " of " counter(pages)}}
@media print{.dosing{font-size:10px;padding:0;max-width:none}.dosing .extra{break-before:page}}
"""


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The chosen pages of the sheet as one UTF-8 HTML document; every text is escaped."""
    style = STYLE + html_pages.STYLE + PAPER % {"a4": "A4"}.get(sheet.paper, sheet.paper)
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(sheet.words['title'])} {sheet.document}</title><style>{style}</style>"
    )
    body = f'<body style="margin:0">{_body(sheet, schedule)}</body>'
    return f'<!doctype html>\n<html lang="{escape(sheet.language)}"><head>{head}</head>\n{body}</html>\n'.encode()


def _body(sheet: Sheet, schedule: Schedule) -> str:
    sheet = chinese.bilingual(sheet)
    frame = f'<table class="frame" role="presentation"><thead><tr><td>{_head(sheet)}</td></tr></thead>'
    frame += f"<tbody><tr><td>{_main(sheet, schedule)}</td></tr></tbody>"
    foot = f"<tfoot><tr><td><footer>{escape(sheet.footer)}</footer></td></tr></tfoot></table>"
    return f'<div class="dosing">{frame}{foot}</div>'


def _head(sheet: Sheet) -> str:
    banner = f'<p class="banner" role="alert">{escape(sheet.banner)}</p>' if sheet.banner else ""
    status = f'<p class="status">{escape(sheet.status)}</p>' if sheet.status else ""
    # one head repeats on every printed page, so a second person's sheet hides results in all of them
    basis = check.blind(sheet).basis if "check" in sheet.pages else sheet.basis
    facts = "".join(f"<div><dt>{escape(fact.label)}</dt><dd>{escape(fact.text)}</dd></div>" for fact in (*sheet.identity, *basis))
    return f"{banner}<h1>{escape(sheet.words['title'])}: {escape(sheet.title)}</h1>{status}<dl>{facts}</dl>"


def _main(sheet: Sheet, schedule: Schedule) -> str:
    """The chosen pages in the order that `sheet.pages` names them."""
    parts = [f'<div class="{_class(name, n)}">{_page(name, sheet, schedule)}</div>' for n, name in enumerate(sheet.pages)]
    return "<main>" + "\n".join(parts) + "</main>"


def _page(name: str, sheet: Sheet, schedule: Schedule) -> str:
    told = {"grid": _grid_page, "record": _record_page, "days": html_pages.day_pages}
    if name in told:
        return told[name](sheet)
    drawn = {"timeline": html_pages.timelines, "check": html_pages.check_sheet, "labels": html_pages.label_page}
    return drawn[name](sheet, schedule)


def _class(name: str, number: int) -> str:
    """Each page starts on a new sheet of paper, besides the first."""
    return f"{name}-page extra" if number else f"{name}-page"


def _grid_page(sheet: Sheet) -> str:
    words = sheet.words
    issued = f"{_heading(words['issued'])}{_paragraph(words['replaced'])}{_facts(sheet.issued)}" if sheet.issued else ""
    asked = "".join(_question(sheet, asked) for asked in sheet.questions) or _paragraph(words["no_queries"])
    return "\n".join([*(_grid(part) for part in sheet.split(DAYS)), _paragraph(words["legend"]), issued, _heading(words["queries"]), asked, _signatures(sheet)])


def _record_page(sheet: Sheet) -> str:
    return "\n".join([_heading(sheet.words["record"]), _workings(sheet), *_lists(sheet)])


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _grid(sheet: Sheet) -> str:
    words = sheet.words
    days = "".join(
        f'<th scope="col"{_graft(sheet, n)}>{_lines(column.day, column.date, column.mark)}</th>'
        for n, column in enumerate(sheet.columns)
    )
    head = f'<tr><th scope="col">{escape(words["drug"])}</th>{days}<th scope="col">{escape(words["total"])}</th></tr>'
    body = "".join(_row(sheet, row) for row in sheet.rows)
    blanks = "<td>____ / ____</td>" * len(sheet.columns)
    release = f'<tr><th scope="row">{_lines(words["release"], words["release_note"])}</th>{blanks}<td></td></tr>'
    return (
        f'<table class="data grid"><caption><h2>{escape(words["grid"])}</h2></caption><thead>{head}</thead>'
        f"<tbody>{body}{release if sheet.releasable else ''}</tbody></table>"
    )


def _graft(sheet: Sheet, column: int) -> str:
    return ' class="graft"' if sheet.columns[column].mark.endswith("TRANSPLANT") else ""


def _lines(first: str, *rest: str) -> str:
    return escape(first) + "".join(f"<small>{escape(line)}</small>" for line in rest if line)


def _row(sheet: Sheet, row: Row) -> str:
    cells = "".join(f"<td{_graft(sheet, n)}>{_cell(cell)}</td>" for n, cell in enumerate(row.cells))
    total = f'<span class="amount">{escape(row.total)}</span>' + _lines("", *row.total_lines)
    return f'<tr><th scope="row">{_lines(row.name, *row.lines)}</th>{cells}<td>{total}</td></tr>'


def _cell(cell: Cell) -> str:
    if cell.kind == "none":
        return f'<span aria-label="no dose">{escape(cell.amount)}</span>'
    slots = "".join(f'<span class="slot">{escape(slot)} ____/____</span>' for slot in cell.slots)
    told = f'<span class="amount">{escape(cell.told)}</span>{_lines("", *cell.lines)}{slots}'
    return f'<div class="hold"><div>{told}</div></div>' if cell.kind == "hold" else told


def _question(sheet: Sheet, asked: Question) -> str:
    words = sheet.words
    blank = f"{escape(words['answer'])} {'_' * 60} {escape(words['by'])} {'_' * 15} {escape(words['on'])} {'_' * 15}"
    cite = f"<br><cite>{escape(asked.cite)}</cite>" if asked.cite else ""
    about = f" {escape(asked.about)}." if asked.about else ""
    told = f"<strong>{escape(asked.id)}: {escape(asked.state)}.{about}</strong> {escape(asked.text)}{cite}"
    return f'<div class="query">{told}<span class="blank">{blank}</span></div>'


def _signatures(sheet: Sheet) -> str:
    if not sheet.signatures:
        return ""
    words = sheet.words
    rows = [(role, "", "", "") for role in sheet.signatures]
    return _heading(words["signatures"]) + table([words[key] for key in ("role", "name", "signature", "when")], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[int] = ()) -> str:
    """A plain table of texts with column headings; columns in `numeric` stand flush right."""
    right = set(numeric)
    columns = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join("<tr>" + "".join(_td(text, n in right) for n, text in enumerate(row)) + "</tr>" for row in rows)
    return f'<table class="data"><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>'


def _td(text: str, right: bool) -> str:
    return f'<td class="num">{escape(text)}</td>' if right else f"<td>{escape(text)}</td>"


def _workings(sheet: Sheet) -> str:
    keys = ("drug", "protocol_dose", "working", "calculated", "rounded", "doses", "total")
    return table([sheet.words[key] for key in keys], (line.cells for line in sheet.workings), (3, 4, 5, 6))


def _lists(sheet: Sheet) -> Iterable[str]:
    words = sheet.words
    named = (
        ("body", sheet.body),
        ("checks", sheet.checks),
        ("choices", sheet.decisions),
        ("order_notes", sheet.order_notes),
        ("not_scheduled", sheet.not_scheduled),
        ("sources", sheet.sources),
    )
    for key, facts in named:
        yield _heading(words[key]) + _facts(facts)
    yield _heading(words["silent"]) + _paragraph(", ".join(sheet.silent) or "none")


def _facts(facts: Sequence[Fact]) -> str:
    items = "".join(f"<li><strong>{escape(fact.label)}</strong> {escape(fact.text)}</li>" for fact in facts)
    return f"<ul>{items}</ul>" if facts else _paragraph("none")
