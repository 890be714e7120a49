"""Values as HTML fragments for a notebook: a schedule as its sheet, a regimen as its page, small things as one line.

Seen there once and never printed, so only the schedule carries the style of the sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape
from typing import Any

from dosing import forms
from dosing.derivation import Derivation
from dosing.forms import Dose
from dosing.regimen.schema import Regimen
from dosing.render import protocol, to_bytes
from dosing.render.html import table
from dosing.schedule import Amount, Finding, Schedule

TABLES = "<style>.dosing-page td,.dosing-page th{text-align:left!important;vertical-align:top;padding:.2em .8em .2em 0}.dosing-page td{font-weight:normal}</style>"
PAGED = re.compile(r'<t(head|foot) class="paper">.*?</t\1>|<nav .*?</nav>|</?main>| id="\w+"', re.DOTALL)
STATES = {"block": "HOLD", "query": "QUERY", "note": "NOTE", "pass": "PASS"}


@singledispatch
def html(shown: Any) -> str:
    """A value of this package as HTML, every text escaped; `TypeError` for any other."""
    raise TypeError(f"a {type(shown).__name__} has no view of its own in a notebook")


@html.register
def _(schedule: Schedule) -> str:
    """The HTML sheet without what belongs to a whole document: its head, rules for paper, landmarks and ids."""
    page = to_bytes(schedule, "html", ("grid", "record")).decode()
    style = page.partition("<style>")[2].partition("</style>")[0].partition("@page")[0]
    body = page.partition("<body")[2].partition(">")[2].partition("</body>")[0]
    return f"<style>{style}</style>{PAGED.sub('', body)}"


@html.register
def _(amount: Amount) -> str:
    return _line(str(amount))


@html.register
def _(dose: Dose) -> str:
    return _line(dose.text, "; ".join(forms.interpret(dose.text)["readings"]))


@html.register
def _(derivation: Derivation) -> str:
    return _line(derivation.tell())


@html.register
def _(finding: Finding) -> str:
    state = "answered" if finding.answer else STATES[finding.level]
    answer = f'answered: "{finding.answer}"' if finding.answer else ""
    return _line(f"{state} {finding.id}", finding.message, finding.cite, answer)


@html.register
def _(regimen: Regimen) -> str:
    """The parts of `dosing show`, as tables."""
    page = protocol.to_dict(regimen)
    head = _line(f"{page['id']} version {page['version']}, {page['status'].upper()}", page["title"], f"Day 0: {page['day0']}.")
    parts = [
        ("Orders", ("order", "drug", "dose", "days", "time", "when", "printed in the source"), map(_order, page["orders"])),
        ("Choices", ("choice", "question", "options", "default"), [(name, one["ask"], ", ".join(one["options"]), one["default"] or "none") for name, one in page["choices"].items()]),
        ("Open questions", ("query", "level", "question"), [(one["id"], one["level"], one["ask"]) for one in page["queries"]]),
        ("Named without a dose", ("drug", "reason"), [(one["drug"], one["reason"]) for one in page["not_scheduled"]]),
        ("Sources", ("key", "title", "address", "read"), [(one["key"], one["title"], one["address"] or "", one["read"]) for one in page["sources"]]),
    ]  # fmt: skip
    silent = _line("The source is silent on", ", ".join(page["source_silent"])) if page["source_silent"] else ""
    return f'{TABLES}<div class="dosing-page">{head}{"".join(_part(*part) for part in parts)}{silent}</div>'


def _order(order: dict[str, Any]) -> tuple[str, ...]:
    printed = "; ".join(f'{key}: "{phrase}"' for key, phrases in order["cite"].items() for phrase in phrases)
    return order["id"], order["drug"], order["dose"], order["days"], order["rhythm"], order["when"], printed


def _part(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rows = list(rows)
    return f"<h4>{escape(title)}</h4>{table(head, rows)}" if rows else ""


def _line(first: str, *rest: str) -> str:
    """One strong text and smaller ones below it."""
    return f"<div><strong>{escape(first)}</strong>{''.join(f'<br><small>{escape(text)}</small>' for text in rest if text)}</div>"
