"""The open queries of a schedule as cards: what is asked, and what answers it: words of a person, or a change of the line."""

from __future__ import annotations

from itertools import count, islice
from typing import Any, NamedTuple

from dosing.regimen.library import Library
from dosing.render.sheet import questions
from dosing.schedule import Schedule
from dosing.web.fields import Field
from dosing.web.typed import Typed
from dosing.web.words import FACTS, in_words


class Card(NamedTuple):
    """One open finding in the words of the sheet; `number` is the row of its answer, `rows` those of changes of its order."""

    number: int
    id: str
    state: str
    about: str
    text: str
    cite: str
    answers: bool  # a query; what holds a line is never answered away
    rows: tuple[int, ...]  # of the first card of an order only
    beside: str  # the card that has them, where it is another one
    products: tuple[str, ...]
    fact: Field | None  # the fact it asks for, where none was typed
    order: str


def cards(schedule: Schedule, typed: Typed, shelf: Library) -> list[Card]:
    """The open findings of a schedule, those that hold a line first."""
    open_, asked = {finding.id: finding for finding in schedule.open}, questions(schedule)
    first: dict[str | None, str] = {}
    for one in asked:
        first.setdefault(open_[one.id].order, one.id)
    found, free = [], count(len(typed.changes))
    for number, one in enumerate(asked, len(typed.answers)):
        finding, order = open_[one.id], open_[one.id].order or ""
        beside = first[finding.order] if order and first[finding.order] != one.id else ""
        rows = tuple(islice(free, sum(other.order == order for other in open_.values()))) if order and not beside else ()
        told = (number, one.id, one.state, one.about, in_words(one.text), one.cite, finding.level == "query")
        found.append(Card(*told, rows, beside, _products(schedule, order, shelf), _fact(finding.code, typed), order))
    return found


def _fact(code: str, typed: Typed) -> Field | None:
    """The field of the fact that a finding such as `patient.creatinine` misses."""
    name = code.removeprefix("patient.")
    if not code.startswith("patient.") or name not in FACTS or f"patient.{name}" in typed.texts:
        return None
    label, example = FACTS[name]
    return Field(f"patient.{name}", label, hints=(f"for example {example}",))


def _products(schedule: Schedule, order: str, shelf: Library) -> tuple[str, ...]:
    """The products that the drug of an order may be."""
    row: dict[str, Any] = next((one for one in schedule.orders if one["id"] == order), {})
    drug = shelf.drugs[row["drug"]] if row else None
    return tuple(name for one in ((drug, *(shelf.drugs[name] for name in drug.one_of)) if drug else ()) for name in one.products)
