"""The sheet as PDF, set by Typst from a fixed template: offline, own fonts only, same bytes for the same sheet.

The template gets texts as JSON and never source code, so no name can act as markup. Needs the extra `print`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from json import dumps
from pathlib import Path
from typing import Any

from dosing.errors import DosingError, Fault, UsageError
from dosing.render import check, chinese, labels, qr, timeline
from dosing.render.page import Day, Fact, Sheet
from dosing.schedule import Schedule

HERE = Path(__file__).parent
DAYS = 9
COVERED = (  # what the two bundled fonts draw; anything else would print as an empty box
    (0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x304), (0x370, 0x377), (0x384, 0x38A), (0x38E, 0x3A1), (0x3A3, 0x3E1), (0x3F0, 0x45F),
    (0x1E00, 0x1EFF), (0x2010, 0x2027), (0x2030, 0x203A), (0x2074, 0x208E), (0x20A0, 0x20BF), (0x2100, 0x2126), (0x2150, 0x215E),
)  # fmt: skip
HAN = HERE / "fonts" / "han.txt"


@dataclass(frozen=True, slots=True)
class Paper:
    """The texts the template places: the sheet with its grid cut into blocks of days, and the pages asked for."""

    sheet: dict[str, Any]
    blocks: tuple[dict[str, Any], ...]
    unscheduled: tuple[Fact, ...]
    days: tuple[Day, ...] = ()
    strips: tuple[timeline.Strip, ...] = ()
    check: dict[str, Any] | None = None
    labels: tuple[labels.Label, ...] = ()
    without: tuple[Fact, ...] = ()
    code: dict[str, str] | None = None


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The pages of the sheet as PDF in landscape, A4 or Letter.

    Raises `UsageError` when Typst is not installed, or a text holds a sign that no bundled font draws.
    """
    texts = dumps(asdict(_paper(chinese.bilingual(sheet), schedule)), ensure_ascii=False)
    drawable(texts)
    return typeset(HERE / "sheet.typ", {"paper": texts})


def _paper(sheet: Sheet, schedule: Schedule) -> Paper:
    """What the chosen pages need, and nothing of the others."""
    has = sheet.pages.__contains__
    return Paper(
        asdict(replace(sheet, days=())), tuple({**asdict(part), "words": {}} for part in sheet.split(DAYS)) if has("grid") else (), sheet.unscheduled,
        sheet.days if has("days") else (), timeline.strips(schedule) if has("timeline") else (),
        _check(sheet, schedule) if has("check") else None, labels.labels(sheet, schedule) if has("labels") else (),
        labels.without(schedule) if has("labels") else (), _code(sheet, schedule) if has("record") else None,
    )  # fmt: skip


def _check(sheet: Sheet, schedule: Schedule) -> dict[str, Any]:
    facts: dict[str, tuple[Any, ...]] = {"basis": check.blind(sheet).basis, "measures": check.measures(schedule), "decisions": sheet.decisions, "tasks": check.tasks(schedule)}
    return {key: [asdict(fact) for fact in value] for key, value in facts.items()}


def _code(sheet: Sheet, schedule: Schedule) -> dict[str, str]:
    text = qr.payload(sheet, schedule)
    return {"text": text, "picture": qr.picture(text)}


def drawable(texts: str) -> None:
    """Pass when every sign can be drawn; `UsageError` with the sign and its code point otherwise."""
    han = set(HAN.read_text(encoding="utf-8").strip())
    for sign in sorted(set(texts) - han):
        if not any(first <= ord(sign) <= last for first, last in COVERED):
            what = f'no bundled font draws "{sign}" (U+{ord(sign):04X})'
            raise UsageError(Fault("print", what, "write .html instead, or write the name in Latin letters.", "pdf"))


def typeset(template: Path, inputs: dict[str, str]) -> bytes:
    """A Typst template as PDF bytes; a warning counts as a fault, because a missing glyph is only warned about."""
    typst = _typst()
    data, warnings = typst.compile_with_warnings(
        str(template),
        root=str(HERE),
        font_paths=_fonts(),
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


@lru_cache(maxsize=1)
def _fonts() -> Any:
    return _typst().Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(HERE / "fonts")])


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
