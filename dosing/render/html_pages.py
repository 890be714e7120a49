"""The day pages, timeline, check sheet and labels as HTML; every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dosing.render import check, labels, svg, timeline
from dosing.render.page import Day, Fact, Line, Sheet
from dosing.schedule import Schedule

BLANK = "________"
STYLE = """
.dosing .day,.dosing .strip{break-inside:avoid;margin:.8em 0}
.dosing caption{text-align:left;font-weight:bold;font-size:1.1em}
.dosing .note{border:2px solid #000;padding:0 .3em;font-weight:bold}.dosing .hold-note{border-style:dashed}
.dosing svg{width:100%;height:auto;display:block}
.dosing .check td{height:3.2em}
.dosing .labels{display:grid;grid-template-columns:repeat(3,1fr);gap:1em}
.dosing .label{border:1px solid #000;padding:.5em;break-inside:avoid}.dosing .slip{border:3px dashed #000}
.dosing .label p{margin:.25em 0}.dosing .label .fill{display:block;border-bottom:1px solid #000;margin-top:.9em;font-size:.85em}
"""


def day_pages(sheet: Sheet) -> str:
    """One table a day, one row an administration, with blanks for start, stop and two initials each."""
    return f"<h2>{escape(sheet.words['entries'])}</h2>" + "".join(_day(sheet, day) for day in sheet.days)


def _day(sheet: Sheet, day: Day) -> str:
    keys = ("day", "date", "start", "stop", "drug", "dose", "amount", "route", "duration", "given")
    head = "".join(f'<th scope="col">{escape(sheet.words[key])}</th>' for key in keys)
    caption = escape(" ".join(filter(None, (day.day, day.date, day.mark))))
    rows = "".join(_line(sheet, line) for line in day.lines)
    return f'<div class="day"><table class="data"><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _line(sheet: Sheet, line: Line) -> str:
    entry = line.entry
    texts = (entry.day, entry.date, entry.start, entry.stop, entry.drug, entry.number)
    cells = [f"<td>{escape(text)}</td>" for text in texts]
    amount = f'<td class="num"><strong>{escape(entry.amount)}</strong></td>'
    rest = [f"<td>{escape(text)}</td>" for text in (entry.route, entry.duration)]
    return f"<tr>{''.join([*cells, amount, *rest])}<td>{_boxes(sheet, line)}</td></tr>"


def _boxes(sheet: Sheet, line: Line) -> str:
    if line.box != "blank":
        return f'<span class="note{" hold-note" if line.box == "hold" else ""}">{escape(line.note)}</span>'
    note = f"{escape(line.note)}<br>" if line.note else ""
    return note + "<br>".join(f"{escape(sheet.words[key])} {BLANK} ____/____" for key in ("begun", "ended"))


def timelines(sheet: Sheet, schedule: Schedule) -> str:
    """One picture a day, with the clashes and the doses without a clock time as text."""
    strips = timeline.strips(schedule)
    legend = sheet.words["timeline_legend" if any(strip.lines for strip in strips) else "no_clock"]
    return f"<h2>{escape(sheet.words['timeline'])}</h2><p>{escape(legend)}</p>" + "".join(_strip(sheet, strip) for strip in strips)


def _strip(sheet: Sheet, strip: timeline.Strip) -> str:
    heading = escape(" ".join(filter(None, (strip.day, strip.date))))
    title = f"{strip.day} {strip.date}: " + ", ".join(mark.text for mark in strip.marks)
    drawn = svg.picture(strip, title) if strip.lines else ""
    clashes = f"<p><strong>{escape(sheet.words['same_time'])}:</strong> {escape('; '.join(band.text for band in strip.bands))}</p>" if strip.bands else ""
    untimed = "".join(f"<p>{escape(text)}</p>" for text in strip.untimed)
    return f'<div class="strip"><h3>{heading}</h3>{drawn}{clashes}{untimed}</div>'


def check_sheet(sheet: Sheet, schedule: Schedule) -> str:
    """The second person's sheet: inputs and blanks, no result."""
    words = sheet.words
    keys = ("drug", "facts", "size_used", "calculated", "rounded", "doses", "total", "first_last", "agrees")
    agrees = f"{escape(words['yes'])} ____ {escape(words['no'])} ____"
    tasks = [(f"<strong>{escape(task.drug)}</strong>", _task(task), *[""] * 6, agrees) for task in check.tasks(schedule)]
    measures = [(escape(", ".join(filter(None, (fact.label, fact.text)))), "") for fact in check.measures(schedule)]
    signed = f"{escape(words['name'])} {BLANK * 3} {escape(words['signature'])} {BLANK * 3} {escape(words['when'])} {BLANK * 2}"
    facts = _facts((*sheet.identity, *check.blind(sheet).basis))
    parts = (_table([words["measure"], words["value"]], measures), _facts(sheet.decisions), _table([words[key] for key in keys], tasks))
    return f"<h2>{escape(words['check'])}</h2><p>{escape(words['check_note'])}</p><p>{signed}</p>{facts}" + "".join(parts)


def _task(task: check.Task) -> str:
    cite = f"<br><cite>{escape(task.cite)}</cite>" if task.cite else ""
    return f"<strong>{escape(task.dose)}</strong><br>{escape(', '.join(filter(None, (task.days, *task.lines))))}{cite}"


def _facts(facts: Sequence[Fact]) -> str:
    return "<ul>" + "".join(f"<li><strong>{escape(fact.label)}</strong> {escape(fact.text)}</li>" for fact in facts) + "</ul>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    columns = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="data check"><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>'


def label_page(sheet: Sheet, schedule: Schedule) -> str:
    """Labels and request slips, after the list of doses that get none."""
    words = sheet.words
    left = "; ".join(f"{fact.label}, {fact.text}" for fact in labels.without(schedule))
    none = f"<p><strong>{escape(words['no_label'])}:</strong> {escape(left)}</p>" if left else ""
    made = "".join(_label(sheet, label) for label in labels.labels(sheet, schedule))
    shown = f'<div class="labels">{made}</div>' if made else f"<p>{escape(words['no_labels'])}</p>"
    return f"<h2>{escape(words['labels'])}</h2>{none}{shown}"


def _label(sheet: Sheet, label: labels.Label) -> str:
    head = f"<p><strong>{escape(sheet.words['slip'])}</strong></p>" if label.kind == "slip" else ""
    warning = f"<p><strong>{escape(label.warning)}</strong></p>" if label.warning else ""
    amount = f'<p><span class="amount">{escape(label.amount)}</span> {escape(label.number)}</p>'
    texts = (label.patient, label.when, *label.facts)
    blanks = "".join(f'<span class="fill">{escape(text)}</span>' for text in label.blanks)
    told = [f"<p>{escape(text)}</p>" for text in texts]
    return f'<div class="label {label.kind}">{head}{warning}{told[0]}<p><strong>{escape(label.drug)}</strong></p>{amount}{"".join(told[1:])}{blanks}<p><small>{escape(label.foot)}</small></p></div>'
