"""The timeline as SVG of its own, one picture a day: black on white, no script, no outside resource."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from dosing.render.timeline import Band, Mark, Strip

WIDTH, NAME, TOP, LINE, EDGE = 1200, 240, 26, 26, 12  # one unit of the picture is about a quarter of a millimetre
HATCH = (
    '<defs><pattern id="dosing-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#fff"/><line x1="0" y1="0" x2="0" y2="6" stroke="#000" stroke-width="3"/></pattern></defs>'
)


def picture(strip: Strip, told: str, first: bool = True) -> str:
    """One day as an SVG element; `told` is its title for a reader who does not see it.

    Only the `first` picture of a document defines the hatching, because an id may stand there once.
    """
    high = TOP + LINE * len(strip.lines) + 8
    body = "".join([*_frame(strip, high), *(_band(strip, band) for band in strip.bands), *(_mark(strip, mark) for mark in strip.marks)])
    style = 'font-family="Noto Sans,Helvetica,Arial,sans-serif" font-size="13"'
    title = f"<title>{escape(told)}</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {high}" {style}>{title}{HATCH if first else ""}{body}</svg>'


def across(strip: Strip, minute: int) -> int:
    """The place of a minute, as whole units so that the same day gives the same bytes."""
    return NAME + round(minute * (WIDTH - NAME - EDGE) / strip.length)


def _frame(strip: Strip, high: int) -> Iterator[str]:
    for minute, clock in strip.hours:
        x, main = across(strip, minute), minute % 180 == 0
        yield f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{high - 4 if main else TOP}" stroke="#000"/>'
        yield f'<text x="{x}" y="13" text-anchor="middle">{clock}</text>' if main else ""
    for number, name in enumerate(strip.lines):
        y = TOP + LINE * number
        yield f'<line x1="0" y1="{y}" x2="{WIDTH}" y2="{y}" stroke="#000" stroke-width="{1 if name else 0}"/>'
        yield _name(name, y + 18)


def _name(name: str, y: int) -> str:
    """A drug's name; a long one is pressed into its column rather than cut."""
    wide = sum(15 if ord(sign) > 0x2E80 else 8 for sign in name)
    pressed = f' textLength="{NAME - 8}" lengthAdjust="spacingAndGlyphs"' if wide > NAME - 8 else ""
    return f'<text x="0" y="{y}" font-weight="bold"{pressed}>{escape(name)}</text>' if name else ""


def _band(strip: Strip, band: Band) -> str:
    x, last = across(strip, band.first) - 9, across(strip, band.last) + 9
    y, high = TOP + LINE * band.top + 1, LINE * (band.bottom - band.top + 1) - 2
    return f'<rect x="{x}" y="{y}" width="{last - x}" height="{high}" fill="none" stroke="#000" stroke-width="2"/>'


def _mark(strip: Strip, mark: Mark) -> str:
    x, last, y = across(strip, mark.first), across(strip, mark.last), TOP + LINE * mark.line + 5
    if mark.kind == "tick" and not mark.held:
        shape = f'<line x1="{x}" y1="{y}" x2="{x}" y2="{y + 16}" stroke="#000" stroke-width="5"/>'
    else:
        x, last = (x - 4, last + 4) if mark.kind == "tick" else (x, last)
        fill = 'fill="url(#dosing-hatch)" stroke-dasharray="4 2"' if mark.held else 'fill="#fff"'
        shape = f'<rect x="{x}" y="{y}" width="{max(last - x, 3)}" height="16" stroke="#000" stroke-width="2" {fill}/>'
    return shape + _text(mark, x, last, y)


def _text(mark: Mark, x: int, last: int, y: int) -> str:
    """The label beside its mark or in it, on a white ground so that no line crosses it."""
    wide = sum(15 if ord(sign) > 0x2E80 else 8 for sign in mark.text)
    left = {"right": last + 13, "left": x - 13 - wide, "inside": x + 8}[mark.side]
    ground = f'<rect x="{left - 1}" y="{y + 1}" width="{wide}" height="14" fill="#fff"/>'
    return f'{ground}<text x="{left}" y="{y + 13}">{escape(mark.text)}</text>'
