"""The small parts that every HTML page is made of; every text is escaped here or says that it is HTML already."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dosing.render.page import Fact


def heading(text: str, detail: str = "", level: int = 2) -> str:
    """A heading, with a detail in smaller letters."""
    return f"<h{level}>{escape(text)}{f' <small>{escape(detail)}</small>' if detail else ''}</h{level}>"


def paragraph(text: str) -> str:
    """A paragraph of one text."""
    return f"<p>{escape(text)}</p>"


def lines(*texts: str) -> str:
    """Smaller lines under what stands before; an empty text gives none."""
    return "".join(f"<small>{escape(text)}</small>" for text in texts if text)


def ink(kind: str = "") -> str:
    """A line to write on, drawn as a shape, so that no reader speaks it and no font lacks it."""
    return f'<span class="ink {kind}"></span>' if kind else '<span class="ink"></span>'


def facts(told: Sequence[Fact], kind: str = "") -> str:
    """Labels and their texts, one pair a line; `none` without any."""
    pairs = "".join(f"<div><dt>{escape(fact.label)}</dt><dd>{escape(fact.text)}</dd></div>" for fact in told)
    return f'<dl class="{f"facts {kind}".strip()}">{pairs}</dl>' if told else paragraph("none")


def data(title: str, head: str, body: str, kind: str = "", detail: str = "", level: int = 2) -> str:
    """A table of data from its rows in HTML, with its title as caption, in a frame that a keyboard can scroll."""
    caption = f"<caption>{heading(title, detail, level)}</caption>" if title else ""
    name = escape(" ".join(filter(None, (title, detail))))
    frame = f'<div class="scroll" role="group" tabindex="0" aria-label="{name}">' if title else '<div class="scroll">'
    return f'{frame}<table class="{f"data {kind}".strip()}">{caption}<thead>{head}</thead><tbody>{body}</tbody></table></div>'
