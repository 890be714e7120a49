"""Preparation: how many millilitres, vials and bags each dose of a schedule takes, and how fast it runs.

Product data comes from the drug files, everything a site or a certificate must state comes from a person. What is
missing is asked for and leaves its place empty; nothing is assumed. Figures are exact fractions, told with at most
12 digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from dosing import forms
from dosing.errors import Fault, UsageError, closest
from dosing.preparation.asking import Ask, finding
from dosing.preparation.cells import CellProduct
from dosing.preparation.days import days_of, fluid_limit, too_much
from dosing.preparation.drawing import draw
from dosing.preparation.given import Given, read_given
from dosing.preparation.infusing import infuse
from dosing.preparation.label import Source, ask_product, source_of
from dosing.preparation.prepared import Day, Preparation, Prepared
from dosing.preparation.sharing import share
from dosing.preparation.thawing import by_label, thaw, weight_of
from dosing.regimen.library import Library
from dosing.regimen.library import library as open_library
from dosing.schedule import Administration, Finding, Schedule

__all__ = ["Ask", "Day", "Preparation", "Prepared", "prepare"]

CELLS = ("cells", "graft")
PREPARED = ("drug", *CELLS)
GIVEN = "recorded as given"
NO_FLUID = ("is given by mouth", "is no drug that is drawn up")


def prepare(
    schedule: Schedule, *, products: Mapping[str, str | Iterable[str]] | None = None, volumes: Mapping[str, str] | None = None,
    bags: Iterable[str] = (), graduation: str = "", withdraw: bool | None = None,
    cells: Mapping[str, Mapping[str, str]] | None = None, library: Iterable[str] = (), country: str = "", share_vials: bool = False,
    prices: Mapping[str, str] | None = None, prepared: Mapping[str, str] | None = None,
) -> Preparation:  # fmt: skip
    """The preparations of a schedule's doses; a held dose, a dose already given and an oral one give none.

    By order id: `products` the products used (several vial sizes of one strength may be named) and, as `bu.vial`, facts
    of the label in hand (see `label.FACTS`), `volumes` the bag (`"500 mL"`, `"none"` for undiluted), `cells` the texts of a
    release certificate (see `read_certificate`), `prepared` when it is made (`{"bu": "2 h before", "cy#1": "2027-01-10T07:30"}`).
    `bags` are the standard bags, `graduation` the marks of the syringes (`"0.1 mL"`, `"0.1 mL to 3 mL, 1 mL"`),
    `withdraw` whether diluent is withdrawn before a drug is added, `country` whose products are offered, `prices` of
    one vial by product, `share_vials` whether doses of one day share vials. `library` the folders the schedule was planned with.
    Raises `UsageError` for an unknown order or product, `InputError` for a text that cannot be read.
    """
    shelf = open_library(forms.names(library))
    given = read_given(shelf.site, products or {}, volumes or {}, bags, graduation, withdraw, cells or {}, country, share_vials, prices, prepared)
    _prove(given, schedule)
    weight = weight_of(schedule.patient)
    sources = _sources(schedule, shelf, given)
    rows = tuple(
        replace(_prepared(row, source, given, weight), drug_name=source.drug.names.get(schedule.locale, row.drug))
        for row in schedule if (source := sources.get(row.order)) and not _why_not(row, source.card, given)
    )  # fmt: skip
    rows = share(rows, sources, given) if given.share else rows
    days = days_of(rows, _unprepared(schedule, given), weight, fluid_limit(shelf.site, schedule.patient))
    found = [*_left_out(schedule, given), *(one for row in rows for one in row.findings), *too_much(days, rows, given.cells, weight, shelf.site)]
    return Preparation(rows, days, tuple(dict.fromkeys(found)))


def _prove(given: Given, schedule: Schedule) -> None:
    """Refuse whatever was stated for an order that is not in the schedule (R05), or a price of a product not named (R10)."""
    known = {row.order for row in schedule}
    unknown = sorted(given.orders - known)
    if unknown:
        raise UsageError(*(Fault("R05", f'there is no order "{order}" in the schedule', closest(order, known), "preparation") for order in unknown))
    named = {name for names in given.products.values() for name in names}
    if priced := sorted(given.prices.keys() - named):
        raise UsageError(*(Fault("R10", f'a price is stated for "{name}", which no order is prepared from', closest(name, named or ["no product is named"]), "price") for name in priced))


def _sources(schedule: Schedule, shelf: Library, given: Given) -> dict[str, Source]:
    """What each order is prepared from, once an order."""
    drugs = {row.order: row.drug for row in schedule}
    cards = {card["id"]: card for card in schedule.orders}
    return {
        order: source_of(order, cards.get(order, {}), shelf.drugs[drug], shelf.site.rounding_limit, given.products.get(order, ()), given.facts.get(order, {}), given.country)
        for order, drug in drugs.items() if cards.get(order, {}).get("kind", "drug") in PREPARED
    }  # fmt: skip


def _prepared(row: Administration, source: Source, given: Given, weight: Fraction | None) -> Prepared:
    """One row: cells by their certificate, anything with a product by its label, else the question for a product."""
    cells, product = source.drug.kind in CELLS, given.cells.get(row.order, CellProduct())
    if cells and (product.is_counted or not source.products or source.product.strength is None):
        return thaw(row, source, given, weight)
    if not source.products:
        return Prepared(row, findings=(ask_product(row.order, source.card, source.drug, given.country),))
    made = infuse(draw(row, source, given), source, given)
    return by_label(made, product, source) if cells else made


def _why_not(row: Administration, card: Mapping[str, str], given: Given) -> str:
    """Why a dose is not prepared; empty where it is. A graft without a dose is prepared from its certificate."""
    if row.held:
        return "is held, so nothing is prepared"
    if row.amount is None and not (card.get("kind") in CELLS and row.order in given.cells):
        return "has no dose in the source"
    if row.record and "given" in row.record:
        return GIVEN
    if card.get("kind", "drug") not in PREPARED:
        return NO_FLUID[1]
    return NO_FLUID[0] if row.route == "po" else ""


def _left_out(schedule: Schedule, given: Given) -> Iterator[Finding]:
    """A note for each order without a preparation, with the reason; of doses already given with their numbers."""
    cards = {card["id"]: card for card in schedule.orders}
    told: dict[tuple[str, str, str], list[int]] = {}
    for row in schedule:
        if why := _why_not(row, cards.get(row.order, {}), given):
            told.setdefault((row.order, cards.get(row.order, {}).get("names", {}).get(schedule.locale, row.drug), why), []).append(row.number)
    for (order, drug, why), numbers in told.items():
        yield finding(order, "none", f"{drug} ({order}) {_given_already(numbers) if why == GIVEN else why}.", "note")


def _given_already(numbers: list[int]) -> str:
    """`doses 1 to 3 are recorded as given`."""
    many = len(numbers) > 1
    told = forms.say_days(tuple(sorted(numbers))).replace("..", " to ").replace("+", "")
    return f"dose{'s' if many else ''} {told} {'are' if many else 'is'} {GIVEN}"


def _unprepared(schedule: Schedule, given: Given) -> Iterator[tuple[int, str]]:
    """Days and orders of doses that bring a fluid nobody can know yet: held, given, or without a dose."""
    kinds = {card["id"]: card for card in schedule.orders}
    for row in schedule:
        why = _why_not(row, kinds.get(row.order, {}), given)
        if why and why not in NO_FLUID and row.route != "po" and kinds.get(row.order, {}).get("kind", "drug") in PREPARED:
            yield row.day, row.order
