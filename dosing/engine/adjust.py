"""What stands between a printed dose and its amount by name: tables of a label, maxima, ways of rounding, weight rules.

Everything here is settled once per regimen; `band_of` alone looks at columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from itertools import chain, count, takewhile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosing import forms
from dosing.engine.body import Body
from dosing.errors import closest, refuse
from dosing.regimen import rules
from dosing.regimen.drug import Banding, Drug, Product, Table
from dosing.regimen.library import Library
from dosing.regimen.schema import Order
from dosing.units import exact

if TYPE_CHECKING:
    from dosing.regimen.policies import RoundingPolicy, WeightRule


class House(NamedTuple):
    """Named rules a person chose for one plan; they go before those of the site."""

    weight_rules: tuple[str, ...] = ()
    rounding: str = ""


class Band(NamedTuple):
    """One row of a table: conditions that all hold, and the dose in place of the printed one or what is left of it."""

    conditions: tuple[forms.Condition, ...]
    dose: forms.Dose | None = None
    share: Decimal | None = None  # with no dose either: do not give
    note: str = ""

    @property
    def text(self) -> str:
        """When the row holds, `crcl >= 50 mL/min, crcl < 80 mL/min`."""
        return ", ".join(condition.text for condition in self.conditions)


class Adjustment(NamedTuple):
    """A table that an order or a person names, ready for columns."""

    key: str
    name: str
    bands: tuple[Band, ...]
    source: str
    when: tuple[forms.Condition, ...] = ()
    speaks_of: str = ""
    because: str = ""  # why a patient outside `when` is refused; without it the printed dose stands

    @property
    def reduces(self) -> bool:
        """Whether its rows leave a part of the printed dose, so that the dose of each patient is another one."""
        return any(band.share is not None for band in self.bands)


class Rounded(NamedTuple):
    """Doses that are preferred to the measurable step: multiples of one vial or standard doses, in the drug's unit."""

    kind: str  # vial, band
    sizes: tuple[Decimal, ...]
    limit: Decimal  # per cent
    told: str
    source: str = ""


def adjustment(order: Order, drug: Drug) -> Adjustment | None:
    """The table an order names; R10 for one the drug's file does not hold, R13 for one of another interval or basis."""
    if not order.adjust:
        return None
    known = rules.tables_of(drug)
    if order.adjust not in known:
        raise refuse("R10", f'"{order.adjust}" is no table of {drug.id}', closest(order.adjust, known or ["it has none"]), f"order {order.id}")
    table = known[order.adjust]
    if isinstance(table, Table):
        return Adjustment(order.adjust, table.name, tuple(Band(row.when, share=row.give) for row in table.bands), table.source, (table.when,) if table.when else (), table.speaks_of, table.because or "")
    _same_rhythm(order, table)
    bands = tuple(Band(row.when, row.dose, None, row.note or "") for row in table.bands if isinstance(row.dose, forms.Dose))
    return Adjustment(order.adjust, table.name, bands, table.source, (table.when,))


def _same_rhythm(order: Order, banding: Banding) -> None:
    """Refuse a table of another interval or basis than the order's (R13)."""
    dose, first = order.dose, banding.bands[0].dose
    every = int(dose.every * 60) if isinstance(dose, forms.Dose) and dose.every else 0
    same = isinstance(dose, forms.Dose) and isinstance(first, forms.Dose) and (dose.per, dose.time) == (first.per, first.time)
    if every != banding.every or not same:
        raise refuse("R13", f"the table {banding.name} gives {first} every {forms.say_duration(banding.every)}, and the order {dose}", "name a table of the order's own rhythm, or none.", f"order {order.id}")


def band_of(table: Adjustment, body: Body, order: str) -> NDArray[np.int64]:
    """The number of each row's band, -1 where the table does not speak of the row.

    R13 where it has no band for one, P10 where it must not be used for one (a child's clearance in an adult's table).
    """
    def met(conditions: tuple[forms.Condition, ...]) -> NDArray[np.bool_]:
        return np.logical_and.reduce([one.met(body.fact(one.name, f"the table {table.name} for {order}")) for one in conditions])

    spoken = met(table.when) if table.when else np.True_
    if table.because and not spoken.all():
        raise refuse("P10", f"the table {table.name} speaks of {', '.join(one.text for one in table.when)} only: {table.because}", "take the table back; a person sets a child's dose with --set ORDER.dose, with a reason.", f"order {order}")
    found = np.select([met(band.conditions) for band in table.bands], list(range(len(table.bands))), -1)
    if (spoken & (found < 0)).any():
        raise refuse("R13", f"the table {table.name} has no row for this patient", "take the table back, or correct the drug's file.", f"order {order}")
    return np.where(spoken, found, -1)


def largest(order: Order, drug: Drug, per_day: int, administrations: int) -> forms.WrittenAmount | None:
    """The largest amount of one administration: the stated maximum, or its part of a maximum per day or course.

    A part is cut to the drug's measurable step, so that the doses together never pass the day or the course.
    """
    parts = [(order.max_day, per_day), (order.max_course, administrations)]
    found = [order.max] if order.max else []
    found += [_part(whole, number, drug) for whole, number in parts if whole]
    return min(found, key=lambda one: one.value * exact(one.unit, drug.unit), default=None)


def _part(whole: forms.WrittenAmount, number: int, drug: Drug) -> forms.WrittenAmount:
    if number == 1:
        return whole
    step = drug.step.value if drug.step else Decimal("1e-6")
    value = whole.value * exact(whole.unit, drug.unit) / max(number, 1)
    return forms.WrittenAmount((value / step).to_integral_value(ROUND_FLOOR) * step, drug.unit)


def weight_rule(order: Order, library: Library, house: House) -> tuple[str, WeightRule | None]:
    """The weight an order is dosed on and its rule: as the order says, else the first rule of the house for the drug.

    Raises `InputError` (P09) for a rule that is unknown or speaks of another drug.
    """
    if order.weight == "unspecified":
        return _house_rule(order, library, house)
    if order.weight in rules.dosing_weights():
        return order.weight, None
    if fault := rules.weight_fault(order, library.policies):
        raise refuse(fault.code, fault.what, fault.do, f"order {order.id}")
    return order.weight, library.policies.weights[order.weight]


def _house_rule(order: Order, library: Library, house: House) -> tuple[str, WeightRule | None]:
    basis = order.dose.per if isinstance(order.dose, forms.Dose) else ""
    for name in house.weight_rules or library.site.weight_rules:
        if name not in (known := library.policies.weights):
            raise refuse("P09", f'"{name}" is no weight rule', closest(name, known), "weight rule")
        if (not known[name].drugs or order.drug in known[name].drugs) and basis in known[name].bases:
            return name, known[name]
    return order.weight, None


def rounded(order: Order, drug: Drug, product: Product | None, exact: bool, library: Library, house: House) -> Rounded | None:
    """Which whole vials or standard doses an order is rounded to; None for the measurable step alone.

    `exact` (a trial, cells): only what the order itself states counts. Raises `InputError` R13 where an order states
    vials or bands and none are known.
    """
    stated = order.rounding
    if stated in ("step", "none"):
        return None
    named = stated or ("" if exact else house.rounding or library.site.rounding or "")
    if not named or (not stated and drug.kind != "drug"):
        return None
    policy = _policy(named, order, library)
    if policy and not stated and drug.id in policy.exempt:
        return None
    limit, kind = (policy.limit, policy.to) if policy else (library.site.rounding_limit, named)
    sizes = _vial(drug, product) if kind == "vial" else _bands(drug, policy)
    if not sizes and stated:
        missing = "product with a vial size is named" if kind == "vial" else "standard doses are listed"
        raise refuse("R13", f"{drug.id} is to be rounded to a {kind} and no {missing}", f"state --set {order.id}.product=…, or rounding step." if kind == "vial" else "list bands in the drug's file.", f"order {order.id}")
    source = policy.source if policy else library.site.source
    return Rounded(kind, sizes, limit, f"{policy.title} ({named}@{policy.version})" if policy else f"{kind} within {forms.plain(limit)} %", source) if sizes else None


def _policy(named: str, order: Order, library: Library) -> RoundingPolicy | None:
    if named in ("vial", "band"):
        return None
    if named not in (known := library.policies.rounding):
        raise refuse("R13", f'"{named}" is no way of rounding', closest(named, (*rules.ROUNDINGS, *known)), f"order {order.id}")
    return known[named]


def _vial(drug: Drug, product: Product | None) -> tuple[Decimal, ...]:
    """The vial of the named product, or the only vial the drug's file knows, in the drug's unit."""
    vials = {one.vial for one in ([product] if product else drug.products.values()) if one.vial}
    return tuple(one.value * exact(one.unit, drug.unit) for one in vials) if len(vials) == 1 else ()


def _bands(drug: Drug, policy: RoundingPolicy | None) -> tuple[Decimal, ...]:
    """The drug's standard doses, ascending, in its unit: listed, or constructed from one of them with a constant ratio."""
    if policy and policy.bands == "logarithmic":
        return _constructed(drug, policy.limit / 100) if drug.band_anchor and drug.step else ()
    return tuple(sorted(one.value * exact(one.unit, drug.unit) for one in drug.bands))


def band_ratio(part: Decimal) -> Decimal:
    """How far neighbours may lie apart so that every dose between them is within a part of one: (1 + p) / (1 - p)."""
    return (1 + part) / (1 - part)


def _constructed(drug: Drug, part: Decimal) -> tuple[Decimal, ...]:
    """Doses a constant ratio (1 + p) / (1 - p) apart through the anchor, each to the measurable step; 1/20 to 20 anchors."""
    assert drug.band_anchor and drug.step
    step, ratio = drug.step.value, band_ratio(part)
    anchor = drug.band_anchor.value * exact(drug.band_anchor.unit, drug.unit)
    up: Callable[[Decimal], Sequence[Decimal]] = lambda by: list(takewhile(lambda b: anchor / 20 <= b <= anchor * 20, (anchor * by**n for n in count(0))))  # noqa: E731
    whole = {(band / step).to_integral_value(ROUND_HALF_UP) * step for band in chain(up(ratio), up(1 / ratio))}
    return tuple(sorted(band for band in whole if band))
