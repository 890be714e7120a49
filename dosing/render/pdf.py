"""The sheet as PDF, set by Typst from a fixed template: offline, own fonts only, same bytes for the same sheet.

The template gets texts as JSON and never source code, so no name can act as markup. Needs the extra `print`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path
from typing import Any

from dosing.errors import DosingError, Fault, UsageError
from dosing.render.page import Sheet
from dosing.schedule import Schedule

HERE = Path(__file__).parent
DAYS = 9
COVERED = (  # what the two bundled fonts draw; anything else would print as an empty box
    (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x304), (0x370, 0x377), (0x384, 0x38A), (0x38E, 0x3A1), (0x3A3, 0x3E1), (0x3F0, 0x45F),
    (0x1E00, 0x1EFF), (0x2010, 0x2027), (0x2030, 0x203A), (0x2074, 0x208E), (0x20A0, 0x20BF), (0x2100, 0x2126), (0x2150, 0x215E),
)  # fmt: skip
SIGNS = frozenset("−→≈≤≥√")


@dataclass(frozen=True, slots=True)
class Paper:
    """The texts the template places: the sheet, with its grid cut into blocks of days."""

    sheet: dict[str, Any]
    blocks: tuple[dict[str, Any], ...]


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The sheet as PDF: the grid first, then the record and the administrations in time order, A4 landscape.

    Raises `UsageError` when Typst is not installed, or a text holds a sign that no bundled font draws.
    """
    paper = Paper(asdict(sheet), tuple({**asdict(part), "words": {}} for part in sheet.split(DAYS)))
    texts = dumps(asdict(paper), ensure_ascii=False)
    drawable(texts)
    return typeset(HERE / "sheet.typ", {"paper": texts})


def drawable(texts: str) -> None:
    """Pass when every sign can be drawn; `UsageError` with the sign's code point otherwise."""
    for sign in sorted(set(texts) - SIGNS):
        if not any(first <= ord(sign) <= last for first, last in COVERED):
            raise UsageError(
                Fault(
                    "print",
                    f"no bundled font draws U+{ord(sign):04X}",
                    "write .html instead, or write the name in Latin letters.",
                    "pdf",
                )
            )


def typeset(template: Path, inputs: dict[str, str]) -> bytes:
    """A Typst template as PDF bytes; a warning counts as a fault, because a missing glyph is only warned about."""
    typst = _typst()
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(HERE / "fonts")])
    data, warnings = typst.compile_with_warnings(
        str(template),
        root=str(HERE),
        font_paths=fonts,
        format="pdf",
        sys_inputs=inputs,
        timestamp=0,
        pdf_standards="ua-1",
    )
    if warnings:
        raise DosingError(
            Fault(
                "print",
                f"the page was set with a warning: {warnings[0].message}",
                "report it with the regimen's id.",
                template.name,
            )
        )
    return bytes(data)


def _typst() -> Any:
    try:
        import typst
    except ImportError:
        raise UsageError(
            Fault(
                "print", "the PDF needs Typst, which is not installed", "install dosing[print], or write .html.", "pdf"
            )
        ) from None
    return typst
