"""What goes into a patient in one day: millilitres, mL/kg, grams of DMSO; a volume nobody knows is named, never taken for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

from dosing.preparation.asking import check, finding
from dosing.preparation.cells import DMSO_CITE, DMSO_LIMIT, CellProduct
from dosing.preparation.prepared import Day, Prepared
from dosing.preparation.volumes import amount, digits
from dosing.regimen.site import Site
from dosing.schedule import Finding

ADULT = 18  # years


class Share(NamedTuple):
    """What one administration, or one part of it, brings to one day."""

    day: int
    made: Prepared
    volume: Fraction | None
    dmso: Fraction | None
    carrier: Fraction | None = None  # mL of the product the DMSO is in


def shares(rows: Iterable[Prepared]) -> Iterator[Share]:
    """The rows by day; the parts of a split infusion fall on their own days."""
    for made in rows:
        if not made.parts:
            yield Share(made.row.day, made, made.fluid.final, made.dmso, made.dmso_volume)
        for part in made.parts:
            known = made.dmso is not None and part.volume is not None and made.fluid.final
            yield Share(part.day, made, part.volume, made.dmso * part.volume / made.fluid.final if known else None, part.volume if made.dmso else None)  # type: ignore[operator]


def days_of(rows: Iterable[Prepared], unprepared: Iterable[tuple[int, str]], weight: Fraction | None, limit: Fraction | None) -> tuple[Day, ...]:
    """Fluid and DMSO of each day (check 6); `unprepared` are days and orders of doses whose volume nobody can know yet."""
    found: dict[int, list[Share]] = {}
    blank: dict[int, list[str]] = {}
    for one in shares(rows):
        found.setdefault(one.day, []).append(one)
        blank.setdefault(one.day, []).extend([one.made.row.order] if one.volume is None else [])
    for day, order in unprepared:
        found.setdefault(day, [])
        blank.setdefault(day, []).append(order)
    return tuple(_day(day, found[day], tuple(dict.fromkeys(blank[day])), weight, limit) for day in sorted(found))


def _day(day: int, group: list[Share], unknown: tuple[str, ...], weight: Fraction | None, limit: Fraction | None) -> Day:
    volume = sum((one.volume for one in group if one.volume is not None), Fraction(0))
    grams = [one.dmso for one in group if one.dmso is not None]
    dmso = sum(grams, Fraction(0)) if grams else None
    carrier = sum((one.carrier for one in group if one.carrier), Fraction(0))
    by_weight = (volume / weight, dmso / weight if dmso is not None else None, carrier / weight if dmso else None) if weight else (None, None, None)
    return Day(day, volume, by_weight[0], dmso, not unknown, unknown, by_weight[1], by_weight[2], limit)


def fluid_limit(site: Site, patient: Mapping[str, Any]) -> Fraction | None:
    """The site's limit in mL/kg for a day, by the patient's age; None where either is not stated."""
    age = patient.get("age")
    if not age:
        return None
    limit = site.fluid_child if Fraction(age["value"]) < ADULT else site.fluid_adult
    return Fraction(limit.value) if limit else None


def too_much(days: Iterable[Day], rows: Iterable[Prepared], cells: Mapping[str, CellProduct], weight: Fraction | None, site: Site) -> Iterator[Finding]:
    """A day above the site's fluid limit, and a day above the limit of DMSO (check 9)."""
    group = list(shares(rows))
    for day in days:
        if day.limit is not None and day.per_kg is not None and day.per_kg > day.limit:
            told = f"day {day.day:+d} brings {amount(round(day.per_kg, 2), 'mL/kg')}; the site's limit is {amount(day.limit, 'mL/kg')}."
            yield finding(None, f"check.fluid.{day.day:+d}", told, cite=site.source)
        if day.dmso_per_kg is not None and day.dmso_per_kg > DMSO_LIMIT:
            yield from _dmso(day, [one for one in group if one.day == day.day and one.dmso], cells, weight)


def _dmso(day: Day, group: list[Share], cells: Mapping[str, CellProduct], weight: Fraction | None) -> Iterator[Finding]:
    for one in group:
        order, dmso = one.made.row.order, cells[one.made.row.order].dmso
        assert dmso and weight and day.dmso is not None and day.dmso_per_kg is not None and one.dmso is not None
        days = ceil(one.dmso / (DMSO_LIMIT * weight))
        told = f"day {day.day:+d} holds {amount(round(day.dmso, 2), 'g')} of DMSO ({dmso.basis}), {digits(round(day.dmso_per_kg, 3))} g/kg; {order} alone needs {days} days."
        yield check(order, "dmso", told, DMSO_CITE)
