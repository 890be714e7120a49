"""Vials that several doses of one day are drawn from: off unless a person asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from dosing.forms import say_duration
from dosing.preparation.asking import check, missing
from dosing.preparation.drawing import fill
from dosing.preparation.given import Given
from dosing.preparation.label import Source
from dosing.preparation.prepared import Prepared
from dosing.regimen.drug import Product
from dosing.schedule import Finding


def share(rows: Iterable[Prepared], sources: Mapping[str, Source], given: Given) -> tuple[Prepared, ...]:
    """The rows with the vials of each day's doses of one drug and product counted together on the first of them."""
    made = list(rows)
    together: dict[tuple[int, str, tuple[str, ...]], list[int]] = {}
    for place, one in enumerate(made):
        if one.vials and one.drawn is not None:
            together.setdefault((one.row.day, one.row.drug, one.product), []).append(place)
    for places in together.values():
        if len(places) > 1:
            _pour(made, places, sources, given)
    return tuple(made)


def keeps_open(product: Product) -> int | None:
    """How many minutes an opened or reconstituted vial keeps by its label, at room temperature or cold; None where no figure is on file."""
    return max((limit for limit in (product.opened, product.opened_cold) if limit), default=None)


def _pour(made: list[Prepared], places: list[int], sources: Mapping[str, Source], given: Given) -> None:
    """Count one group's vials on its first row; the others say where their vials stand."""
    first, group = places[0], [made[place] for place in places]
    source = sources[made[first].row.order]
    drawn = sum((one.drawn for one in group if one.drawn is not None), Fraction(0))
    whole = fill(made[first], source, given, drawn)
    made[first] = replace(whole, shared=f"these vials are for the day's {len(group)} doses of it", findings=(*whole.findings, *_keep(group, source)))
    for place in places[1:]:
        made[place] = replace(made[place], vials=(), waste=None, dissolve=(), shared="from the vials of the day's first dose")


def _keep(group: list[Prepared], source: Source) -> Iterator[Finding]:
    """Whether an opened vial keeps from the first dose to the last, by the label; asked for where it does not say."""
    starts = [one.row.seconds for one in group if one.row.seconds is not None]
    order, keeping = group[0].row.order, [(keeps_open(product), product) for product in source.products.values()]
    unsaid = [product.name for limit, product in keeping if limit is None]
    if unsaid:
        yield missing(order, "opened", f"how long an opened or reconstituted vial of {' and '.join(unsaid)} keeps is not on file, and its doses share vials")
        return
    limit, product = min(((limit, product) for limit, product in keeping if limit), key=lambda one: one[0])
    if starts and (span := (max(starts) - min(starts)) // 60) > limit:
        yield check(order, "shared", f"from the first to the last dose of the day {say_duration(span)} pass; an opened vial keeps {say_duration(limit)}: do not share it.", product.source)
