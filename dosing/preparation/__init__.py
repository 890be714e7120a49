"""Preparation: how many millilitres, vials and bags each dose of a schedule takes, and how fast it runs.

Product data comes from the drug files, everything a site or a certificate must state comes from a person. What is
missing is asked for and leaves its place empty; nothing is assumed. Figures are exact fractions, told with at most
12 digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import groupby

from dosing.errors import Fault, UsageError, closest
from dosing.preparation.asking import ask_dmso, finding
from dosing.preparation.drawing import Source, ask_product, draw, products_of
from dosing.preparation.given import Given, read_given
from dosing.preparation.infusing import infuse
from dosing.preparation.prepared import Day, Preparation, Prepared
from dosing.preparation.thawing import dmso_load, thaw, weight_of
from dosing.regimen.library import Library
from dosing.regimen.library import library as open_library
from dosing.schedule import Administration, Finding, Schedule

__all__ = ["Preparation", "Prepared", "prepare"]

PREPARED = ("drug", "cells")


def prepare(
    schedule: Schedule, *, products: Mapping[str, str | Iterable[str]] | None = None, volumes: Mapping[str, str] | None = None,
    bags: Iterable[str] = (), graduation: str = "", withdraw: bool | None = None,
    cells: Mapping[str, Mapping[str, str]] | None = None, library: Iterable[str] = (),
) -> Preparation:  # fmt: skip
    """The preparations of a schedule's doses; a held dose, a dose already given and an oral one give none.

    By order id: `products` the products used (several vial sizes of one strength may be named), `volumes` the bag
    (`"500 mL"`, `"none"` for undiluted), `cells` the texts of a release certificate (see `read_certificate`).
    `bags` are the standard bags, `graduation` the marks of the syringes (`"0.1 mL"`, `"0.1 mL to 3 mL, 1 mL"`),
    `withdraw` whether diluent is withdrawn before a drug is added. `library` the folders the schedule was planned with.
    Raises `UsageError` for an unknown order or product, `InputError` for a text that cannot be read.
    """
    shelf = open_library(tuple(library))
    given = read_given(shelf.site, products or {}, volumes or {}, bags, graduation, withdraw, cells or {})
    known = {row.order for row in schedule}
    unknown = sorted(given.orders - known)
    if unknown:
        raise UsageError(*(Fault("R05", f'there is no order "{order}" in the schedule', closest(order, known), "preparation") for order in unknown))
    weight = weight_of(schedule.patient)
    rows = tuple(_rows(schedule, shelf, given))
    days = tuple(_days(rows, weight))
    loads = [one for day, group in _by_day(rows) for one in dmso_load(day, group, given.cells, weight)]
    found = [*_left_out(schedule), *(one for row in rows for one in row.findings), *loads]
    return Preparation(rows, days, tuple(dict.fromkeys(found)))


def _rows(schedule: Schedule, shelf: Library, given: Given) -> Iterator[Prepared]:
    cards = {card["id"]: card for card in schedule.orders}
    sources: dict[str, Source] = {}
    for row in schedule:
        card = cards.get(row.order, {})
        if _why_not(row, card):
            continue
        if row.order not in sources:
            drug = shelf.drugs[row.drug]
            sources[row.order] = Source(card, drug, products_of(row.order, card, drug, given.products.get(row.order, ())), shelf.site.rounding_limit)
        yield _prepared(row, sources[row.order], given)


def _prepared(row: Administration, source: Source, given: Given) -> Prepared:
    """One row: cells by their certificate, anything with a product by its label, else the question for a product."""
    cells = source.drug.kind == "cells"
    if cells and (row.order in given.cells or not source.products):
        return thaw(row, source, given)
    if not source.products:
        return Prepared(row, findings=(ask_product(row.order, source.card, source.drug),))
    made = infuse(draw(row, source, given), source, given)
    return replace(made, findings=(*made.findings, ask_dmso(row.order))) if cells else made


def _why_not(row: Administration, card: Mapping[str, str]) -> str:
    """Why a dose is not prepared; empty where it is."""
    if row.held:
        return "is held, so nothing is prepared"
    if row.amount is None:
        return "has no dose in the source"
    if row.record and "given" in row.record:
        return "is recorded as given"
    if card.get("kind", "drug") not in PREPARED:
        return "is no drug that is drawn up"
    return "is given by mouth" if row.route == "po" else ""


def _left_out(schedule: Schedule) -> Iterator[Finding]:
    """A note for each order without a preparation, with the reason."""
    cards = {card["id"]: card for card in schedule.orders}
    told = dict.fromkeys((row.order, row.drug, why) for row in schedule if (why := _why_not(row, cards.get(row.order, {}))))
    for order, drug, why in told:
        yield finding(order, "none", f"{drug} ({order}) {why}.", "note")


def _by_day(rows: Iterable[Prepared]) -> Iterator[tuple[int, list[Prepared]]]:
    for day, group in groupby(sorted(rows, key=lambda one: one.row.day), key=lambda one: one.row.day):
        yield day, list(group)


def _days(rows: Iterable[Prepared], weight: Fraction | None) -> Iterator[Day]:
    """Fluid and DMSO of each day (check 6); limits of fluid are the site's and none is shipped."""
    for day, group in _by_day(rows):
        volume = sum((one.fluid.final for one in group if one.fluid.final is not None), Fraction(0))
        grams = [one.dmso for one in group if one.dmso is not None]
        yield Day(day, volume, volume / weight if weight else None, sum(grams, Fraction(0)) if grams else None, all(one.fluid.final is not None for one in group))
