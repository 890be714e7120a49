"""The preparation list of the sheet: what `dosing.prepare` found, as texts; what nobody stated stands as a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from dosing.errors import DosingError
from dosing.render import wording
from dosing.render.names import amount_text, name_of, prose
from dosing.render.page import Fact, Prepared
from dosing.render.page import Preparation as Listed
from dosing.schedule import Amount, Finding, Schedule, iso

if TYPE_CHECKING:
    from dosing.preparation import Preparation
    from dosing.preparation.prepared import Prepared as Made

MISSING = "preparation.missing."
KEPT = ("stability", "light", "filter", "line")
PLACES = {  # where a question stands; any other is about the product
    **dict.fromkeys((*KEPT, "stable", "keeps", "opened", "dmso", "density"), "keep"),
    "graduation": "volume", "bag": "fluid", "bag-volume": "fluid", "diluent": "fluid", "duration": "rate",
}  # fmt: skip


def prepared(schedule: Schedule) -> Preparation | None:
    """The preparation of a schedule with nothing stated beside it; None where its drugs are not in the library at hand."""
    from dosing.preparation import prepare

    try:
        return prepare(schedule, library=schedule.folders)
    except (DosingError, KeyError):
        return None


def listed(schedule: Schedule, made: Preparation | None) -> Listed:
    """The list of a preparation, one line for doses that are prepared alike."""
    if made is None:
        return Listed((), (Fact("not prepared", "the drugs are not in this library: prepare with the library of the plan."),))
    groups: dict[tuple[str, Prepared], list[Made]] = {}
    for row in made.rows:
        groups.setdefault((row.row.order, _line(schedule, row)), []).append(row)
    lines = tuple(_counted(schedule, line, rows) for (_, line), rows in groups.items())
    return Listed(lines, tuple(dict.fromkeys(_notes(schedule, made))))


def fluids(schedule: Schedule, made: Preparation | None) -> dict[tuple[str, int], str]:
    """By order and number, what a dose goes into, how fast it runs and when it may be made, as far as it is known."""
    return {(row.row.order, row.row.number): _joined(_fluid(schedule, row), _told(schedule, row.fluid.rate, "mL/h"), *_moments(row)) for row in (made.rows if made else ())}


def _joined(*texts: str, by: str = ", ") -> str:
    return by.join(filter(None, texts))


def _moments(made: Made) -> Iterator[str]:
    """`dilute not before 05:30`, `thaw not before 13:40`, `use by 14:10`, of another day with its date."""
    for words, seconds in (("dilute not before", made.dilute_from), ("thaw not before", made.thaw_from), ("use by", made.expires)):
        stamp = iso(seconds, made.row.zone)
        if stamp and made.row.date:
            date = "" if stamp[:10] == made.row.date.isoformat() else f"{wording.read_date(stamp[:10])} "
            yield f"{words} {date}{stamp[11:16]}"


def _line(schedule: Schedule, made: Made) -> Prepared:
    fluid, unit = made.fluid, made.row.amount.unit if made.row.amount else ""
    asked = dict.fromkeys(one.code.removeprefix(MISSING) for one in made.findings if one.code.startswith(MISSING))
    cells = {
        "product": _product(schedule, made), "volume": _told(schedule, made.volume, "mL"),
        "fluid": _fluid(schedule, made), "concentration": _told(schedule, fluid.concentration, f"{unit}/mL"),
        "rate": _told(schedule, fluid.rate, "mL/h"), "keep": wording.plain(" ".join(_keep(made, asked)), schedule.locale),
    }  # fmt: skip
    for place, text in cells.items():
        questions = ", ".join("stability" if what == "stable" else what for what in asked if PLACES.get(what, "product") == place)
        cells[place] = _joined(text.rstrip("."), f"ask: {questions}" if questions else "", by="; ") or wording.WORDS["not_entered"]
    return Prepared(name_of(schedule, made.row.order), "", **cells)


def _counted(schedule: Schedule, line: Prepared, rows: list[Made]) -> Prepared:
    """The line with how many doses it stands for, of which amount, on which days."""
    first, last, count = rows[0].row, rows[-1].row, len(rows)
    days = wording.day(first.day) + (f" to {wording.signed(last.day)}" if last.day != first.day else "")
    return Prepared(line.drug, f"{count}{wording.NBSP}×{wording.NBSP}{amount_text(schedule, first)}, {days}", *line.cells[2:])


def _product(schedule: Schedule, made: Made) -> str:
    vials = " + ".join(f"{one.count}{wording.NBSP}×{wording.NBSP}{wording.amount(one.content, schedule.locale)}" for one in made.vials)
    bags = " or ".join(f"{plan.bags}{wording.NBSP}bag{'s' if plan.bags != 1 else ''}" + (f" ({', '.join(plan.names)})" if plan.names else "") for plan in made.bags)
    return wording.plain(_joined(", ".join(made.names or made.product), _joined(vials, made.shared, bags), by=": "), schedule.locale)


def _fluid(schedule: Schedule, made: Made) -> str:
    fluid = made.fluid
    named = " or ".join(fluid.diluents) or ("diluent" if fluid.diluent else "")
    added = _joined(_told(schedule, fluid.diluent, "mL"), named, by=" ")
    least, most, final = (_told(schedule, value, "mL") for value in (fluid.smallest, fluid.largest, fluid.final))
    span = f"final {final}" if final else f"final {least} to {most}" if least and most else f"final at least {least}" if least else ""
    return _joined(added, span)


def _keep(made: Made, asked: Iterable[str]) -> Iterator[str]:
    """How to reconstitute, what the label says of stability, light, filter and line, and what nobody says of them."""
    yield from (f"Reconstitute with {text.rstrip('.')}." for text in made.reconstitute)
    yield from (f"{label.text.rstrip('.')}." for label in made.labels if label.kind in KEPT)
    known = {label.kind for label in made.labels} | {"stability" if what == "stable" else what for what in asked}
    silent = [kind for kind in KEPT if kind not in known] if made.product else []
    yield from [f"{', '.join(silent).capitalize()}: not entered."] if silent else []


def _told(schedule: Schedule, value: Fraction | None, unit: str) -> str:
    """A figure with four significant digits, with `about` where that is not all of it."""
    if value is None:
        return ""
    told = Decimal(f"{float(value):.4g}")
    return f"{'' if Fraction(told) == value else 'about '}{wording.amount(Amount(format(told, 'f'), unit), schedule.locale)}"


def _notes(schedule: Schedule, made: Preparation) -> Iterator[Fact]:
    """What labels and checks say besides, and the orders that are not prepared; the questions stand in the lines."""
    said = [(row.row.order, label.text) for row in made.rows for label in row.labels if label.kind not in KEPT]
    told = [(one.order, _reason(one)) for one in made.findings if not one.code.startswith(MISSING) or one.order is None]
    for order, text in (*told, *said):
        yield Fact(name_of(schedule, order) if order else "all", wording.on_paper(prose(schedule, text)))


def _reason(one: Finding) -> str:
    """The message; of an order that is not prepared only the reason, as its name stands before it."""
    return one.message.partition(f"({one.order}) ")[2] or one.message
