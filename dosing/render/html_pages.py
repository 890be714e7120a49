"""The day pages, timeline, check sheet and labels as HTML; every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dosing.render import check, labels, svg, timeline
from dosing.render.html_parts import data, facts, heading, ink, lines, paragraph
from dosing.render.page import Day, Line, Sheet
from dosing.schedule import Schedule


def day_pages(sheet: Sheet) -> str:
    """One table a day, one row an administration, with blanks for start, stop and two initials each."""
    return heading(sheet.words["entries"]) + "".join(_day(sheet, day) for day in sheet.days)


def _day(sheet: Sheet, day: Day) -> str:
    keys = ("day", "date", "start", "stop", "drug", "dose", "amount", "route", "duration", "given")
    head = "".join(f'<th scope="col">{escape(sheet.words[key])}</th>' for key in keys)
    rows = "".join(_line(sheet, line) for line in day.lines)
    detail = " ".join(filter(None, (day.date, day.mark)))
    return f'<div class="day">{data(day.day, f"<tr>{head}</tr>", rows, "doses", detail, 3)}</div>'


def _line(sheet: Sheet, line: Line) -> str:
    entry = line.entry
    before = "".join(f"<td>{escape(text)}</td>" for text in (entry.day, entry.date, entry.start, entry.stop))
    drug = f'<th scope="row">{escape(entry.drug)}{lines(entry.changed, line.fluid)}</th><td>{escape(entry.number)}</td>'
    amount = f'<td class="num"><span class="amount">{escape(entry.amount)}</span>{lines(entry.drawn)}</td>'
    after = "".join(f"<td>{escape(text)}</td>" for text in (entry.route, entry.duration))
    return f"<tr>{before}{drug}{amount}{after}<td>{_boxes(sheet, line)}</td></tr>"


def _boxes(sheet: Sheet, line: Line) -> str:
    if line.box != "blank":
        return f'<span class="note{" held" if line.box == "hold" else ""}">{escape(line.note)}</span>'
    pair = f"{ink()} {ink()}/{ink()}"
    blanks = [] if line.fluid else [f'{escape(sheet.words["fluid_line"])} {ink()}']
    blanks += [f"{escape(sheet.words[key])} {pair}" for key in ("begun", "ended")]
    slots = "".join(f'<span class="slot">{blank}</span>' for blank in blanks)
    return f'{escape(line.note)}<div class="boxes">{slots}</div>'


def timelines(sheet: Sheet, schedule: Schedule) -> str:
    """One picture a day, with the clashes and the doses without a clock time as text."""
    strips = timeline.strips(schedule)
    legend = sheet.words["timeline_legend" if any(strip.lines for strip in strips) else "no_clock"]
    return heading(sheet.words["timeline"]) + paragraph(legend) + "".join(_strip(sheet, strip, strip is strips[0]) for strip in strips)


def _strip(sheet: Sheet, strip: timeline.Strip, first: bool) -> str:
    day = " ".join(filter(None, (strip.day, strip.date)))
    title = f"{day}: " + ", ".join(mark.text for mark in strip.marks)
    drawn = f'<div class="scroll" role="group" tabindex="0" aria-label="{escape(day)}">{svg.picture(strip, title, first)}</div>' if strip.lines else ""
    clashes = f"<p><strong>{escape(sheet.words['same_time'])}:</strong> {escape('; '.join(band.text for band in strip.bands))}</p>" if strip.bands else ""
    return f'<div class="hours"><h3>{escape(day)}</h3>{drawn}{clashes}{"".join(map(paragraph, strip.untimed))}</div>'


def check_sheet(sheet: Sheet, schedule: Schedule) -> str:
    """The second person's sheet: inputs and blanks, no result."""
    words = sheet.words
    keys = ("drug", "facts", "size_used", "calculated", "rounded", "doses", "total", "first_last", "agrees")
    agrees = f'{escape(words["yes"])} {ink()} {escape(words["no"])} {ink()}'
    tasks = [(escape(task.drug), _task(task), *[""] * 6, agrees) for task in check.tasks(schedule)]
    measures = [(escape(", ".join(filter(None, (fact.label, fact.text)))), "") for fact in check.measures(schedule)]
    signed = "".join(f"{escape(words[key])} {ink('long')}" for key in ("name", "signature", "when"))
    sized = _table(words["body"], [words["measure"], words["value"]], measures)
    asked = _table(words["grid"], [words[key] for key in keys], tasks)
    chosen = heading(words["choices"]) + facts(sheet.decisions)
    return f'{heading(words["check"])}{paragraph(words["check_note"])}<p class="fill">{signed}</p>{sized}{chosen}{asked}'


def _task(task: check.Task) -> str:
    cite = f"<br><cite>{escape(task.cite)}</cite>" if task.cite else ""
    return f"<strong>{escape(task.dose)}</strong><br>{escape(', '.join(filter(None, (task.days, *task.lines))))}{cite}"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already, each row headed by its first."""
    columns = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join(f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in rows)
    return data(title, f"<tr>{columns}</tr>", body, "check")


def label_page(sheet: Sheet, schedule: Schedule) -> str:
    """Labels and request slips, after the list of doses that get none."""
    words = sheet.words
    left = "; ".join(f"{fact.label}, {fact.text}" for fact in labels.without(schedule))
    none = f"<p><strong>{escape(words['no_label'])}:</strong> {escape(left)}</p>" if left else ""
    made = "".join(_label(sheet, label) for label in labels.labels(sheet, schedule))
    shown = f'<div class="labels">{made}</div>' if made else paragraph(words["no_labels"])
    return f"{heading(words['labels'])}{none}{shown}"


def _label(sheet: Sheet, label: labels.Label) -> str:
    head = f"<p><strong>{escape(sheet.words['slip'])}</strong></p>" if label.kind == "slip" else ""
    warning = f"<p><strong>{escape(label.warning)}</strong></p>" if label.warning else ""
    drug = f'<p><strong class="drug">{escape(label.drug)}</strong></p>'
    amount = f'<p><span class="amount">{escape(label.amount)}</span> {escape(label.number)}</p>'
    told = "".join(map(paragraph, (label.when, *label.facts)))
    blanks = "".join(f'<span class="fill">{escape(text)} {ink("long")}</span>' for text in label.blanks)
    return f'<div class="label {label.kind}">{head}{warning}{paragraph(label.patient)}{drug}{amount}{told}{blanks}<p>{lines(label.foot)}</p></div>'
