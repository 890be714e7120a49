"""The stability clock of a preparation: when it may be made, and until when it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dosing.forms import say_duration
from dosing.preparation.asking import check, missing
from dosing.preparation.given import Given
from dosing.preparation.label import Source
from dosing.preparation.moments import seconds_of, spoken_moment, stop_of
from dosing.preparation.prepared import Prepared
from dosing.regimen.drug import Product
from dosing.schedule import Finding


def keep(made: Prepared, source: Source, given: Given) -> Prepared:
    """The earliest dilution that keeps to the planned stop, and the end of use where a person says when it is prepared (check 4)."""
    product, minutes = source.product, made.fluid.minutes
    stop = stop_of(made.row, minutes)
    at = given.prepared_of(made.row)
    begun = seconds_of(at, made.row.seconds, made.row.zone) if at else None
    made = replace(
        made, prepared_at=begun, expires=begun + product.stable * 60 if begun is not None and product.stable else None,
        dilute_from=stop - product.stable * 60 if stop is not None and product.stable else None,
    )  # fmt: skip
    return replace(made, findings=(*made.findings, *_keeps(made, product, minutes, stop, bool(at and at.before is not None))))


def _keeps(made: Prepared, product: Product, minutes: int | None, stop: int | None, relative: bool) -> Iterator[Finding]:
    order, zone = made.row.order, made.row.zone
    if product.stable is None:
        if made.fluid.final is not None:
            yield missing(order, "stable", f"how long {product.name} keeps once it is diluted is not on file")
        return
    if minutes and minutes > product.stable:
        yield check(order, "stability", f"the infusion takes {say_duration(minutes)} and the product keeps {say_duration(product.stable)} from dilution: divide it.", product.source)
    if made.expires is not None and made.prepared_at is not None and stop is not None and made.expires < stop:
        when = _by_start(made, stop) if relative else (spoken_moment(one, zone) for one in (made.prepared_at, made.expires, stop))
        told = "prepared {} it keeps until {}; the infusion ends {}: prepare it later.".format(*when)
        yield check(order, "stability", told, product.source)
    if made.prepared_at is not None and made.row.seconds is not None and made.prepared_at > made.row.seconds:
        yield check(order, "prepared", f"it is prepared {spoken_moment(made.prepared_at, zone)}, after its start {spoken_moment(made.row.seconds, zone)}.")


def _by_start(made: Prepared, stop: int) -> Iterator[str]:
    """When it is prepared, expires and stops, told from the start of the dose: alike for all doses of an order."""
    for seconds in (made.prepared_at, made.expires, stop):
        apart = ((seconds or 0) - (made.row.seconds or 0)) // 60
        yield f"{say_duration(abs(apart))} {'after' if apart > 0 else 'before'} its start" if apart else "its start"
