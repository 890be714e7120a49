"""A protocol with some of its choices made: what was not chosen stays open.

A plan needs every choice, an export does not. The same rules as for a plan say which names, options and values there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from dosing.engine import settle
from dosing.errors import Fault, InputError
from dosing.regimen.library import Library
from dosing.regimen.schema import Choice, Order, Query, Regimen, When

Entry = TypeVar("Entry", Order, Query, Choice)


class Fixed(NamedTuple):
    """A regimen with the given choices made; `void` were given and are not asked for, `closed` are told with their reason."""

    regimen: Regimen
    void: tuple[str, ...]
    closed: tuple[tuple[str, str], ...]


def fixed(regimen: Regimen, choose: Mapping[str, str], shelf: Library) -> Fixed:
    """Make the given choices; `InputError` R09, D14 or Y08 for a name, an option or a value that cannot be chosen.

    An order whose condition is decided against is left out, a condition that is decided for is no longer told. A choice
    that hangs on one still open keeps its place, with what was given as its default.
    """
    if faults := _faults(regimen, choose, shelf):
        raise InputError(*faults)
    decided: dict[str, str] = {}
    choices = dict(_choices(regimen, choose, decided))
    orders = [left for order in regimen.orders if (left := _still(settle.choose_values(order, choose, [], shelf), decided))]
    ids = {order.id for order in orders}
    queries = [asked for query in regimen.queries if query.order is None or query.order in ids if (asked := _still(query, decided))]
    events = {name: settle.place_event(name, event, choose, {}, []) for name, event in regimen.events.items()}
    known = {*choices, *decided, *ids, *events}
    void = tuple(name for name in choose if decided.get(name) == "" or name.partition(".")[0] not in known)
    closed = tuple((name, why) for name, choice in regimen.choices.items() if (why := choice.closed.get(choose.get(name, ""))))
    made = regimen.model_copy(update={"choices": choices, "orders": tuple(orders), "queries": tuple(queries), "events": events})
    return Fixed(made, void, closed)


def _faults(regimen: Regimen, choose: Mapping[str, str], shelf: Library) -> list[Fault]:
    """What a plan would say against the given choices; that others are missing is no fault here."""
    orders = {order.id: order for order in regimen.orders}
    told: list[Fault] = []
    for order in regimen.orders:
        settle.choose_values(order, choose, told, shelf)
    for name, event in regimen.events.items():
        settle.place_event(name, event, choose, {}, told)
    told += settle.open_choices(regimen.choices, {name: choose.get(name, "") for name in regimen.choices})
    given = [fault for fault in told if fault.where.removeprefix("choice ") in choose]
    return settle.unknown_choices(choose, regimen.choices, orders, regimen.events) + given


def _choices(regimen: Regimen, choose: Mapping[str, str], decided: dict[str, str]) -> dict[str, Choice]:
    """The choices that stay open; those that are made, or that do not come up any more, are noted as decided."""
    left = {}
    for name, choice in regimen.choices.items():
        asked = _still(choice, decided)
        if asked is None:
            decided[name] = ""
        elif name in choose and asked.when is None:
            decided[name] = choose[name]
        else:
            left[name] = asked.model_copy(update={"default": choose.get(name, choice.default)})
    return left


def _still(entry: Entry, decided: Mapping[str, str]) -> Entry | None:
    """An entry with what is left open of its condition; None where the condition is decided against."""
    possible, left = _left(entry.when, decided)
    return entry.model_copy(update={"when": left}) if possible else None


def _left(when: When | None, decided: Mapping[str, str]) -> tuple[bool, When | None]:
    """Whether a condition can still hold, and what of it is open."""
    if when is None:
        return True, None
    truth = {one: settle.meets_choice(one, decided) for one in (*when.all, *when.any) if one.name in decided}
    every = tuple(one for one in when.all if one not in truth)
    either = tuple(one for one in when.any if one not in truth)
    met = not when.any or any(truth.get(one) for one in when.any)
    possible = all(truth.get(one, True) for one in when.all) and (met or bool(either))
    left = when.model_copy(update={"all": every, "any": () if met else either})
    return possible, left if left.all or left.any else None
