"""What a regimen file must satisfy about time: what its orders hang on exists, once, and leaves one reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dosing import forms
from dosing.errors import Fault, closest
from dosing.regimen.drug import Drug
from dosing.regimen.rules import PATIENT, Found, Place, exclusive, rule, rule_of_all
from dosing.regimen.schema import Order, Regimen


def hangs_on(order: Order) -> Iterator[tuple[str, forms.Offset]]:
    """Every time of an order that hangs on something else, with the key it stands under."""
    found = [("at", order.at), ("first", order.first)]
    found += [("not-before", one) for one in order.not_before] + [("not-after", one) for one in order.not_after]
    yield from ((key, value) for key, value in found if isinstance(value, forms.Offset))


def declared(regimen: Regimen) -> set[str]:
    """The names of the events of a file: those it lists, and those that an order is."""
    return {*regimen.events, *(order.event for order in regimen.orders if order.event)}


@rule_of_all
def events_are_declared(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """What a time hangs on is an event of the file, an order or a drug of another order."""
    events = declared(regimen)
    for n, order in enumerate(regimen.orders):
        others = {name for other in regimen.orders if other.id != order.id for name in (other.id, other.drug)}
        for key, hangs in hangs_on(order):
            if hangs.event not in events | others:
                cure = closest(hangs.event, events | others) if events | others else "list it under events, or add its order."
                yield ("orders", n, key), Fault("R05", f'"{hangs.text}": {hangs.event} is no event, order or drug here', cure)


@rule
def events_are_one(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A name is one event on one day, and not the id of another order."""
    for name in regimen.events:
        if any(name in (order.event, order.id) for order in regimen.orders):
            yield ("events", name), Fault("R02", f'"{name}" is an event here and under orders', "keep one of them.")
    for n, order in enumerate(regimen.orders):
        if not order.event:
            continue
        if isinstance(order.days, tuple) and len(order.days) > 1:
            yield ("orders", n, "days"), Fault("Y06", f'the event "{order.event}" is one moment, and the days are {forms.say_days(order.days)}',
                                               "write one order for each day, each with an event of its own.")
        for other in regimen.orders:
            if other is not order and order.event == other.id and other.event != order.event:
                yield ("orders", n, "event"), Fault("R02", f'"{order.event}" is an event and the id of another order', "give one of them another name.")
            elif other in regimen.orders[:n] and order.event == other.event and not exclusive(order, other, regimen):
                yield ("orders", n, "event"), Fault("R02", f'"{order.event}" is the event of {other.id} and of {order.id}', "give each infusion an event of its own.")


@rule
def events_are_cited(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """The days and the hour of a listed event are quoted, unless it is day 0 or asked for; no fact of a patient decides on it."""
    for name, event in regimen.events.items():
        if not event.cite and (event.at is not None or event.days not in ("ask", (0,))):
            yield ("events", name), Fault("R08", f'no source is cited for the time of "{name}"', "quote the printed phrase, or write days: ask.")
        for key in event.cite.keys() - regimen.sources.keys():
            yield ("events", name, "cite", key), Fault("R08", f'"{key}" is not a listed source', closest(key, regimen.sources))
        for condition in (*event.when.all, *event.when.any) if event.when else ():
            if condition.name in PATIENT:
                yield ("events", name, "when"), Fault("R11", f'"{condition.text}": an event hangs on choices only', "write the condition at the orders.")


@rule_of_all
def anchors_have_one_reading(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A time that counts from an end needs a duration there; a gap is measured from one moment."""
    for n, order in enumerate(regimen.orders):
        for key, hangs in hangs_on(order):
            place: Place = ("orders", n, key)
            others = [other for other in regimen.orders if hangs.event in (other.id, other.drug) and other is not order]
            if hangs.which == "each" and key not in ("at",):
                yield place, Fault("Y06", f'"{hangs.text}" names several moments', "write first or last.")
            if hangs.end and hangs.event in declared(regimen):
                yield place, Fault("T03", f'"{hangs.text}": an event is a start and has no end', "count from its start, or from its order.")
            elif hangs.end and key in ("at", "first") and any(not other.over for other in others):
                yield place, Fault("T03", f'"{hangs.text}": no duration is stated for {hangs.event}', "state `over` there, or count from its start.")


@rule
def hours_fit_their_rhythm(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """`first` belongs to a dose with an interval, `at` to one by the clock; an infusion is shorter than its interval."""
    for n, order in enumerate(regimen.orders):
        every = order.dose.every if isinstance(order.dose, forms.Dose) else None
        if order.first is not None and not every:
            yield ("orders", n, "first"), Fault("R11", "`first` belongs to a dose with an interval", "write the hour as `at`.")
        if order.at is not None and every:
            yield ("orders", n, "at"), Fault("R11", "`at` belongs to a dose by the clock, and this one has an interval", "write the first hour as `first`.")
        if every and order.over and order.over > every * 60:
            yield ("orders", n, "over"), Fault("R05", "the infusion is longer than the interval", "check both.")


@rule_of_all
def duplicates_are_ordered(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """What a block decides on a drug of the protocol is about a drug that the block orders."""
    ordered = {order.drug for order in regimen.orders}
    for drug in regimen.duplicates:
        if regimen.kind != "block":
            yield ("duplicates", drug), Fault("R11", "`duplicates` belongs to a block", "leave it out; each block says how it goes with a protocol.")
        elif drug not in ordered:
            yield ("duplicates", drug), Fault("R05", f'"{drug}" is no drug of this block', closest(drug, ordered))


@rule
def a_successor_is_another_version(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A file supersedes another version of its own id."""
    if regimen.supersedes and regimen.supersedes.partition("@")[0] != regimen.id:
        yield ("supersedes",), Fault("R07", f"{regimen.supersedes} has another id than {regimen.id}", "a successor keeps the id; only the version is another.")
    if regimen.supersedes == f"{regimen.id}@{regimen.version}":
        yield ("supersedes",), Fault("R07", f"{regimen.supersedes} is this file itself", "write the version before this one, and give this one another.")


DAY_RANGE = re.compile(r"(?:\bdays?\s+|(?=[-−+]))([-−+]?)\s*(\d+)\s*(?:to|through|–|\.\.)\s*([-−+]?)\s*(\d+)\b(?!\s*m?c?g\b)", re.I)


@rule_of_all
def days_stand_in_the_quote(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """Where a phrase that only one drug cites prints a range of days, the orders that cite it fill exactly that range."""
    quoted: dict[str, list[int]] = {}
    for n, order in enumerate(regimen.orders):
        for phrase in (phrase for phrases in order.cite.values() for phrase in phrases):
            quoted.setdefault(phrase, []).append(n)
    for phrase, places in quoted.items():
        printed = {(int(first), int(last)) for _, first, _, last in DAY_RANGE.findall(phrase)}
        stated = [regimen.orders[n].days for n in places]
        days = sorted({day for one in stated if isinstance(one, tuple) for day in one})
        alone = len({regimen.orders[n].drug for n in places}) == 1
        if alone and printed and days and "ask" not in stated and (abs(days[0]), abs(days[-1])) not in printed:
            yield ("orders", places[0], "days"), Fault("Y08", f'days {forms.say_days(tuple(days))} are not those of the phrase "{phrase[:60]}"', "correct the days, or quote the phrase that prints them.")
