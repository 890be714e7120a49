"""The preparation list of the sheet: what `dosing.prepare` found, as texts; what nobody stated stands as a question."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from dosing.errors import DosingError
from dosing.render import wording
from dosing.render.names import amount_text, name_of, prose
from dosing.render.page import Fact, Prepared
from dosing.render.page import Preparation as Listed
from dosing.schedule import Amount, Finding, Schedule

if TYPE_CHECKING:
    from dosing.preparation import Preparation
    from dosing.preparation.prepared import Prepared as Made

MISSING = "preparation.missing."
PLACES = {  # where a question stands; any other is about the product
    "keep": {"dmso", "density"}, "volume": {"graduation"}, "fluid": {"bag", "diluent"}, "rate": {"duration"},
}  # fmt: skip
KEPT = ("stability", "light", "filter", "line")


def prepared(schedule: Schedule) -> Preparation | None:
    """The preparation of a schedule with nothing stated beside it; None where its drugs are not in the library at hand."""
    from dosing.preparation import prepare

    try:
        return prepare(schedule, library=getattr(schedule, "folders", ()))
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
    return Listed(lines, tuple(_notes(schedule, made)))


def fluids(schedule: Schedule, made: Preparation | None) -> dict[tuple[str, int], str]:
    """By order and number, what a dose goes into and how fast it runs, as far as it is known."""
    rows = made.rows if made else ()
    return {(row.row.order, row.row.number): ", ".join(filter(None, [_fluid(schedule, row), _told(schedule, row.fluid.rate, "mL/h")])) for row in rows}


def _line(schedule: Schedule, made: Made) -> Prepared:
    fluid, unit = made.fluid, made.row.amount.unit if made.row.amount else ""
    asked = [one.code.removeprefix(MISSING) for one in made.findings if one.code.startswith(MISSING)]
    cells = {
        "product": _product(schedule, made), "volume": _millilitres(schedule, made.volume),
        "fluid": _fluid(schedule, made), "concentration": _told(schedule, fluid.concentration, f"{unit}/mL"),
        "rate": _told(schedule, fluid.rate, "mL/h"), "keep": wording.plain(" ".join(_keep(made)), schedule.locale),
    }  # fmt: skip
    places = {what: place for place, whats in PLACES.items() for what in whats}
    for place in cells:
        questions = ", ".join(dict.fromkeys(what for what in asked if places.get(what, "product") == place))
        cells[place] = "; ".join(filter(None, [cells[place], f"ask: {questions}" if questions else ""])) or wording.WORDS["not_entered"]
    return Prepared(name_of(schedule, made.row.order), "", **cells)


def _counted(schedule: Schedule, line: Prepared, rows: list[Made]) -> Prepared:
    """The line with how many doses it stands for, of which amount, on which days."""
    first, last, count = rows[0].row, rows[-1].row, len(rows)
    days = wording.day(first.day) + (f" to {wording.signed(last.day)}" if last.day != first.day else "")
    doses = f"{count}{wording.NBSP}×{wording.NBSP}{amount_text(schedule, first)}, {days}"
    return Prepared(line.drug, doses, *line.cells[2:])


def _product(schedule: Schedule, made: Made) -> str:
    if not made.product:
        return ""
    named = ", ".join(getattr(made, "names", made.product))
    vials = " + ".join(f"{one.count}{wording.NBSP}×{wording.NBSP}{wording.amount(one.content, schedule.locale)}" for one in made.vials)
    shared = getattr(made, "shared", "")
    bags = " or ".join(f"{plan.bags}{wording.NBSP}bag{'s' if plan.bags != 1 else ''}" for plan in made.bags)
    return ": ".join(filter(None, [named, ", ".join(filter(None, [vials, shared, bags]))]))


def _fluid(schedule: Schedule, made: Made) -> str:
    fluid = made.fluid
    named = " or ".join(fluid.diluents)
    added = " ".join(filter(None, [_millilitres(schedule, fluid.diluent), named]))
    final = f"final {_millilitres(schedule, fluid.final)}" if fluid.final is not None else ""
    least, most = _millilitres(schedule, fluid.smallest), _millilitres(schedule, fluid.largest)
    span = f"final {least} to {most}" if least and most else f"final at least {least}" if least else ""
    return ", ".join(filter(None, [added, final or span]))


def _keep(made: Made) -> Iterator[str]:
    """Stability, light, filter and line of the label, and for each of them that is not told, that it was not entered."""
    labels = getattr(made, "labels", ())
    yield from (f"Reconstitute with {text.rstrip('.')}." for text in made.reconstitute)
    yield from (f"{text.rstrip('.')}." for text in ([label.text for label in labels] or made.remarks))
    silent = [kind for kind in KEPT if kind not in {label.kind for label in labels}] if labels else ()
    if silent:
        yield f"{', '.join(silent).capitalize()}: not entered."


def _millilitres(schedule: Schedule, value: Fraction | None) -> str:
    return _told(schedule, value, "mL")


def _told(schedule: Schedule, value: Fraction | None, unit: str) -> str:
    """A figure with four significant digits, with `about` where that is not all of it."""
    if value is None:
        return ""
    told = Decimal(f"{float(value):.4g}")
    exact = Fraction(told) == value
    return f"{'' if exact else 'about '}{wording.amount(Amount(format(told, 'f'), unit), schedule.locale)}"


def _notes(schedule: Schedule, made: Preparation) -> Iterator[Fact]:
    """What a check found, and the orders that are not prepared with the reason; the questions stand in the lines."""
    told = [one for one in made.findings if not one.code.startswith(MISSING) or one.order is None]
    yield from dict.fromkeys(Fact(_about(schedule, one), wording.on_paper(prose(schedule, _reason(one)))) for one in told)


def _reason(one: Finding) -> str:
    """The message; of an order that is not prepared only the reason, as its name stands before it."""
    return one.message.partition(f"({one.order}) ")[2] or one.message


def _about(schedule: Schedule, one: Finding) -> str:
    return name_of(schedule, one.order) if one.order else "all"
