"""Labels, one an administration; a cell product gets a request slip, because its label is the cell laboratory's.

No label for a dose that is on hold, in question, given already, missed, or without an amount.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dosing.render import past, wording
from dosing.render.names import is_graft, issue, name_of, order_of, see, signable
from dosing.render.page import Fact, Line, Sheet
from dosing.render.sheet import regimen_name
from dosing.schedule import Administration, Schedule

CELLS = ("cells", "graft")


@dataclass(frozen=True, slots=True)
class Label:
    """The texts of one label or request slip; `kind` is `label` or `slip`."""

    kind: str
    warning: str
    patient: str
    drug: str
    amount: str
    number: str
    when: str
    facts: tuple[str, ...]
    blanks: tuple[str, ...]
    foot: str


def labels(sheet: Sheet, schedule: Schedule) -> tuple[Label, ...]:
    """The labels of a schedule in time order."""
    lines = [line for day in sheet.days for line in day.lines]
    return tuple(_label(sheet, schedule, line, row) for line, row in zip(lines, past.every(schedule), strict=True) if not reason(schedule, row))


def without(schedule: Schedule) -> tuple[Fact, ...]:
    """The orders whose doses get no label, with how many and why."""
    counts = Counter((row.order, why) for row in past.every(schedule) if (why := reason(schedule, row)))
    return tuple(Fact(name_of(schedule, order), f"{count} dose{'s' if count != 1 else ''}: {why}") for (order, why), count in counts.items())


def reason(schedule: Schedule, row: Administration) -> str:
    """Why an administration gets no label; empty when it gets one."""
    if past.given(row) is not None:
        return "given already"
    if past.lost(row):
        return wording.WORDS["missed"]
    if row.held:
        return f"HOLD, {see(schedule, row.order, 2)}"
    if not signable(schedule, row.order):
        return f"not to be prepared yet, {see(schedule, row.order, 2)}"
    return "" if row.amount or is_cells(schedule, row.order) else "no amount in the source"


def is_cells(schedule: Schedule, order: str) -> bool:
    """Whether an order is a cell product or the graft."""
    row = order_of(schedule, order)
    return row.get("kind") in CELLS or is_graft(row)


def _label(sheet: Sheet, schedule: Schedule, line: Line, row: Administration) -> Label:
    entry, slip = line.entry, is_cells(schedule, row.order)
    state = ", ".join(filter(None, ("NOT RELEASED" if sheet.banner else "", sheet.status)))
    return Label(
        "slip" if slip else "label", state, _patient(sheet), entry.drug, entry.amount, f"dose {entry.number}",
        f"{entry.day} {entry.date}, planned start {entry.start}".replace(" ,", ","), tuple(_facts(schedule, line, row)), _blanks(slip, line.fluid),
        f"{regimen_name(schedule)}, document {sheet.document}, {issue(schedule)}",
    )  # fmt: skip


def _patient(sheet: Sheet) -> str:
    name, number, born = (fact.text for fact in sheet.identity[:3])
    return f"{name}; hospital number {number}; born {born}"


def _facts(schedule: Schedule, line: Line, row: Administration) -> Iterator[str]:
    order = order_of(schedule, row.order)
    yield from [line.entry.drawn] if line.entry.drawn else []
    yield f"{line.entry.route}, {line.entry.duration}"
    yield from [line.fluid] if line.fluid else []
    yield f"product: {order['product']}" if order.get("product") else "product not named"
    if row.amount and (power := wording.power(row.amount)):
        yield power


def _blanks(slip: bool, fluid: str) -> tuple[str, ...]:
    """What is filled in by hand: the fluid too, where nobody stated it."""
    if slip:
        return ("Requested by, date and time", "Received by the cell laboratory", "Product code, from the laboratory's own label")
    asked = () if fluid else ("Diluent and final volume",)
    return (*asked, "Batch and expiry", "Use before, date and time", "Prepared by / checked by")
