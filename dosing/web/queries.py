"""The open queries of a schedule as cards: what is asked, and what answers it: words of a person, or a change of the line."""

from __future__ import annotations

from typing import Any, NamedTuple

from dosing.regimen.library import Library
from dosing.render.sheet import questions
from dosing.schedule import Schedule
from dosing.web.fields import Field
from dosing.web.typed import Typed
from dosing.web.words import FACTS, in_words


class Card(NamedTuple):
    """One open finding in the words of the sheet; `number` is the row its answer or change gets in the form."""

    number: int
    id: str
    state: str
    about: str
    text: str
    cite: str
    order: str
    answers: bool  # a query; what holds a line is never answered away
    products: tuple[str, ...]
    fact: Field | None  # the fact it asks for, where none was typed


def cards(schedule: Schedule, typed: Typed, shelf: Library) -> list[Card]:
    """The open findings of a schedule, those that hold a line first."""
    found, open_ = [], {finding.id: finding for finding in schedule.open}
    first = max(len(typed.changes), len(typed.answers))
    for number, asked in enumerate(questions(schedule), first):
        finding = open_[asked.id]
        order = finding.order or ""
        told = (number, asked.id, asked.state, asked.about, in_words(asked.text), asked.cite, order, finding.level == "query")
        found.append(Card(*told, _products(schedule, order, shelf), _fact(finding.code, typed)))
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
