"""The preparation list of the sheet: what `dosing.prepare` found, as texts; what nobody stated stands as a question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dosing.errors import DosingError
from dosing.forms import say_days
from dosing.preparation.drawing import off_text
from dosing.preparation.volumes import amount, at_least, at_most, shown
from dosing.render import wording
from dosing.render.names import amount_text, name_of, prose
from dosing.render.page import Fact, Prepared
from dosing.render.page import Preparation as Listed
from dosing.schedule import Finding, Schedule, iso

if TYPE_CHECKING:
    from dosing.preparation import Preparation
    from dosing.preparation.prepared import Prepared as Made

MISSING, CHECK = "preparation.missing.", "preparation.check."
OUTSIDE = "ask: concentration outside the label; do not prepare"
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
    return {(row.row.order, row.row.number): OUTSIDE if row.fluid.outside else _joined(_fluid(schedule, row), _told(schedule, row.fluid.rate, "mL/h"), *_moments(row)) for row in (made.rows if made else ())}


def drawn(schedule: Schedule, made: Preparation | None) -> dict[tuple[str, int], str]:
    """By order and number, what is drawn up and how far that is from the dose, where it is not the dose ordered."""
    found = {(row.row.order, row.row.number): (row, apart[0]) for row in (made.rows if made else ()) if (apart := row.apart) and apart[0][2] == "ordered" and not row.bags}
    return {key: f"drawn up {_exactly(schedule, row.drawn, row.unit)} in {_volume(schedule, row)}, {off_text(off)}" for key, (row, (off, _, _)) in found.items()}


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
        "product": _product(schedule, made), "volume": _measured(schedule, made),
        "fluid": _fluid(schedule, made), "concentration": _told(schedule, fluid.concentration, f"{unit}/mL"),
        "rate": "not to be run: outside the label" if fluid.outside else _told(schedule, fluid.rate, "mL/h"), "keep": wording.plain(" ".join(_keep(made, asked)), schedule.locale),
    }  # fmt: skip
    for place, text in cells.items():
        questions = ", ".join("stability" if what == "stable" else what for what in asked if PLACES.get(what, "product") == place)
        cells[place] = _joined(text.rstrip("."), f"ask: {questions}" if questions else "", by="; ") or wording.WORDS["not_entered"]
    return Prepared(name_of(schedule, made.row.order), "", **cells, warnings=tuple(wording.on_paper(prose(schedule, text)) for text in made.warnings))


def _measured(schedule: Schedule, made: Made) -> str:
    """`9 mL = 54 mg, +1.1 % of 53.4 mg ordered`; of cells and of a volume not known only what is known."""
    if made.volume is None or made.drawn is None or made.bags:
        return _told(schedule, made.volume, "mL")
    off = (f"{off_text(off)} of {wording.amount(of, schedule.locale)} {word}" for off, of, word in made.apart)
    return _joined(f"{_volume(schedule, made)} = {_exactly(schedule, made.drawn, made.unit)}", *off)


def _volume(schedule: Schedule, made: Made) -> str:
    """The volume drawn up: a mark of the syringe as it is, else as volumes are printed."""
    return _exactly(schedule, made.volume, "mL") if made.deviation else _told(schedule, made.volume, "mL")


def _exactly(schedule: Schedule, value: Fraction | None, unit: str) -> str:
    found = amount(value, unit)
    return wording.amount(found, schedule.locale) if found else ""


def _counted(schedule: Schedule, line: Prepared, rows: list[Made]) -> Prepared:
    """The line with how many doses it stands for, of which amount, on which days."""
    first, count = rows[0].row, len(rows)
    days = say_days(tuple(dict.fromkeys(one.row.day for one in rows))).replace("..", " to ").replace("-", wording.MINUS)
    return replace(line, doses=f"{count}{wording.NBSP}×{wording.NBSP}{amount_text(schedule, first)}, Day{wording.NBSP}{days}")


def _product(schedule: Schedule, made: Made) -> str:
    vials = " + ".join(f"{one.count}{wording.NBSP}×{wording.NBSP}{wording.amount(one.content, schedule.locale)}" for one in made.vials)
    bags = " or ".join(f"{plan.bags}{wording.NBSP}bag{'s' if plan.bags != 1 else ''}" + (f" ({', '.join(plan.names)})" if plan.names else "") for plan in made.bags)
    return wording.plain(_joined(", ".join(made.names or made.product), _joined(vials, made.shared, bags), by=": "), schedule.locale)


def _fluid(schedule: Schedule, made: Made) -> str:
    fluid = made.fluid
    named = " or ".join(fluid.diluents) or ("diluent" if fluid.diluent else "")
    added = _joined(_told(schedule, fluid.diluent, "mL"), named, by=" ")
    least, most = (wording.amount(end(value), schedule.locale) if value is not None else "" for end, value in ((at_least, fluid.smallest), (at_most, fluid.largest)))
    final = _told(schedule, fluid.final, "mL")
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
    """A figure as preparations are printed, on screen and on paper alike."""
    found = shown(value, unit)
    return wording.amount(found, schedule.locale) if found else ""


def _notes(schedule: Schedule, made: Preparation) -> Iterator[Fact]:
    """What labels and checks say besides, and the orders that are not prepared; the questions stand in the lines."""
    said = [(row.row.order, label.text) for row in made.rows for label in row.labels if label.kind not in KEPT]
    told = [(one.order, _reason(one)) for one in made.findings if not one.code.startswith((MISSING, CHECK)) or one.order is None]
    for order, text in (*told, *said):
        yield Fact(name_of(schedule, order) if order else "all", wording.on_paper(prose(schedule, text)))


def _reason(one: Finding) -> str:
    """The message; of an order that is not prepared only the reason, as its name stands before it."""
    return one.message.partition(f"({one.order}) ")[2] or one.message
