"""From a regimen file to the lines of one plan: blocks added, changes set, choices made, units resolved.

This happens once per regimen, blocks, changes and choices, not per patient; what is left per patient is a
multiplication, a rounding and the calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from dosing import forms
from dosing.engine.timeline import Rhythm
from dosing.errors import DosingError, Fault, InputError, UsageError, closest
from dosing.regimen import rules
from dosing.regimen.library import Library
from dosing.regimen.schema import Choice, Drug, NotScheduled, Order, Product, Query, Regimen, Source, When
from dosing.units import coefficient

SETTABLE: dict[str, Callable[[str], Any]] = {"dose": forms.read_dose, "days": forms.read_days, "at": forms.read_rhythm, "over": forms.read_duration,
            "product": str, "weight": str, "max": forms.read_amount, "route": str}  # fmt: skip


class Change(NamedTuple):
    """A person's change of one order: `atg.dose` set to a text, by whom and why."""

    key: str
    value: str
    by: str
    reason: str
    second: str = ""


@dataclass(frozen=True, eq=False)
class Line:
    """One order ready to multiply: a single dose, its drug, product, rhythm, step and maximum."""

    id: str
    order: Order
    drug: Drug
    product: Product | None
    product_id: str
    dose: forms.Dose | None  # None where the source gives no dose
    parts: int
    count: int
    value: Decimal  # the dose's number in the drug's unit
    factor: float  # drug units per kg, m2 or flat, for one administration
    rhythm: Rhythm
    conditions: tuple[forms.Condition, ...]
    members: tuple[Drug, ...] = ()  # what an unnamed product may turn out to be
    open: str = ""  # "not given", "by level"

    @property
    def basis(self) -> str:
        """What the dose is per: `kg`, `m2`, the clearance `gfr` of an AUC dose, or nothing."""
        if self.dose is None:
            return ""
        return "gfr" if self.dose.unit == "AUC" else self.dose.per

    @property
    def weight(self) -> str:
        """The name of the dosing weight; `actual` where the source does not say."""
        return "actual" if self.order.weight == "unspecified" else self.order.weight

    def minutes(self, number: int) -> int | None:
        """The infusion time in minutes of one administration: the order's own, else the product label's shortest."""
        if self.order.over:
            return self.order.over
        if self.product and self.product.infusion:
            return (self.product.infusion.first if number == 1 else self.product.infusion.later)
        return None

    def cited(self) -> str:
        """The sources and printed phrases the order stands on, as one text."""
        return "; ".join(f'{key}: "{phrase}"' for key, phrases in self.order.cite.items() for phrase in phrases)


@dataclass(frozen=True, eq=False)
class Settled:
    """A regimen with its blocks, changes and choices, ready for any patient."""

    regimen: Regimen
    blocks: tuple[Regimen, ...]
    lines: tuple[Line, ...]
    choices: dict[str, str]
    unused: tuple[str, ...]
    changes: tuple[dict[str, str], ...]
    queries: tuple[Query, ...]
    not_scheduled: tuple[NotScheduled, ...]
    sources: dict[str, Source]
    graft: Line | None = field(default=None)


def merge(regimen: Regimen, blocks: Sequence[Regimen]) -> tuple[dict[str, Order], dict[str, Choice], dict[str, Source], list[Query], list[NotScheduled]]:
    """A regimen and its blocks on one day axis; an order id that stands twice is refused."""
    orders, choices = {order.id: order for order in regimen.orders}, dict(regimen.choices)
    sources, queries = dict(regimen.sources), list(regimen.queries)
    for block in blocks:
        clash = orders.keys() & {order.id for order in block.orders}
        if clash:
            raise UsageError(Fault("Y08", f'order "{min(clash)}" stands in {regimen.id} and in {block.id}', "leave one of them out.", f"--with {block.id}"))
        orders |= {order.id: order for order in block.orders}
        choices |= block.choices
        sources |= {f"{block.id}.{key}" if key in sources else key: source for key, source in block.sources.items()}
        queries += block.queries
    given = {order.drug for order in orders.values()}
    left = [entry for part in (regimen, *blocks) for entry in part.not_scheduled if entry.drug not in given]
    return orders, choices, sources, queries, left


def settle(regimen: Regimen, blocks: Sequence[Regimen], changes: Sequence[Change], choose: Mapping[str, str],
           hours: Mapping[str, str], dated: bool, library: Library) -> Settled:  # fmt: skip
    """Make every choice and resolve every unit; `InputError` names every missing choice and hour at once.

    `hours` are the clock times given, `dated` whether there is a day 0.
    """
    orders, choices, sources, queries, left = merge(regimen, blocks)
    made = [_apply(orders, change, library) for change in changes]
    applicable = {name: choice for name, choice in choices.items() if _holds(choice.when, choose, regimen)}
    chosen = {name: choose.get(name, choice.default or "") for name, choice in applicable.items()}
    faults = _unknown(choose, choices, orders) + _open_choices(applicable, chosen)
    active = [order for order in orders.values() if _holds(order.when, chosen, regimen)]
    settled = [_choose_values(order, choose, faults, library) for order in active]
    faults += _missing_hours(settled, hours, dated, orders)
    if faults:
        raise InputError(*faults)
    events = {order.event: order.days[0] for order in settled if order.event}
    lines = tuple(_line(order, library, events) for order in settled)
    chosen |= {f"{order.id}.{name}": str(getattr(line.order, name)) if name == "dose" else forms.say_days(line.order.days)
               for order, line in zip(active, lines, strict=True) for name in ("dose", "days") if _is_asked(order, name)}  # fmt: skip
    unused = tuple(name for name in choose if name not in chosen)
    graft = next((line for line in lines if line.order.event), None)
    return Settled(regimen, tuple(blocks), lines, chosen, unused, tuple(made), tuple(queries), tuple(left), sources, graft)


def _apply(orders: dict[str, Order], change: Change, library: Library) -> dict[str, str]:
    """Set one field of one order; gives the change as it prints, with the text it replaces."""
    name, _, key = change.key.rpartition(".")
    where = f"--set {change.key}"
    if name not in orders:
        raise UsageError(Fault("R05", f'there is no order "{name or change.key}"', closest(name or change.key, orders), where))
    if key not in SETTABLE:
        raise UsageError(Fault("R03", f'"{key}" of an order cannot be set', closest(key, SETTABLE), where))
    order = orders[name]
    try:
        value = SETTABLE[key](change.value)
        if isinstance(value, forms.Dose):
            _fits(value, library.drugs[order.drug])
    except DosingError as error:
        raise error.at(where) from None
    if key == "product":
        library.drug_of(library.drugs[order.drug], value)
    if key == "weight" and value not in (known := rules.dosing_weights()):
        raise InputError(Fault("P09", f'"{value[:40]}" is no dosing weight', closest(value, known), where))
    if key == "dose" and isinstance(value, forms.Dose) and value.is_range:
        raise InputError(Fault("D14", f'"{change.value}" is a range', "set one value.", where))
    before = getattr(order, key)
    drop_total = {"total": None} if key in ("dose", "days") else {}
    if key == "days" and isinstance(order.dose, forms.Dose):
        drop_total["dose"] = replace(order.dose, days=None, doses=None)  # the printed count speaks of the old days
    orders[name] = order.model_copy(update={key: value, **drop_total})
    shown = forms.say_days(before) if isinstance(before, tuple) else str(before) if before is not None else "not stated"
    second = {"second": change.second} if change.second else {}
    return {"key": change.key, "from": shown, "to": str(value) if key != "days" else forms.say_days(value), "by": change.by, "reason": change.reason, **second}


def _holds(when: When | None, chosen: Mapping[str, str], regimen: Regimen) -> bool:
    """Whether the conditions on choices hold; conditions on the patient are left for the columns."""
    if when is None:
        return True
    known = [_compare(condition, chosen) for condition in when.all]
    either = [_compare(condition, chosen) for condition in when.any]
    return all(known) and (any(either) or not either)


def _compare(condition: forms.Condition, chosen: Mapping[str, str]) -> bool:
    if condition.name in rules.PATIENT:
        return True
    return (chosen.get(condition.name) == str(condition.value)) == (condition.operator == "==")


def _is_asked(order: Order, name: str) -> bool:
    """Whether a person must choose an order's dose (a range, or none printed) or days."""
    value = getattr(order, name)
    return value == "ask" or (name == "dose" and isinstance(value, forms.Dose) and value.is_range)


def _unknown(choose: Mapping[str, str], choices: Mapping[str, Choice], orders: Mapping[str, Order]) -> list[Fault]:
    known = {*choices, *(f"{order.id}.{name}" for order in orders.values() for name in ("dose", "days") if _is_asked(order, name))}
    return [Fault("R09", f'"{name}" is not a choice of this regimen', closest(name, known) if known else "leave it out.", f"choice {name}")
            for name in choose if name not in known]  # fmt: skip


def _open_choices(applicable: Mapping[str, Choice], chosen: Mapping[str, str]) -> list[Fault]:
    """A fault for every named choice without a value, and for every value that is no option."""
    faults = []
    for name, choice in applicable.items():
        options = "|".join(choice.options)
        said = "; ".join(f'{key} prints "{phrase}"' for key, phrases in choice.cite.items() for phrase in phrases)
        if not chosen[name]:
            faults.append(Fault("R09", f"{choice.ask} {said}".strip(), f"add --choose {name}={options}", f"choice {name}"))
        elif chosen[name] not in choice.options:
            faults.append(Fault("R09", f'"{chosen[name][:40]}" is no option', f"options: {', '.join(choice.options)}.", f"choice {name}"))
    return faults


def _choose_values(order: Order, choose: Mapping[str, str], faults: list[Fault], library: Library) -> Order:
    """An order with its asked dose and days filled from the choices; faults are noted."""
    update: dict[str, Any] = {}
    for name, reader in (("dose", forms.read_dose), ("days", forms.read_days)):
        key = f"{order.id}.{name}"
        if not _is_asked(order, name):
            continue
        if key not in choose:
            faults.append(_ask(order, name, key))
            continue
        try:
            update[name] = reader(choose[key])
            if name == "dose":
                _inside(order.dose, update[name], library.drugs[order.drug])
            else:
                _count_fits(order.model_copy(update=update))
        except DosingError as error:
            faults.extend(error.at(f"choice {key}").faults)
            update[name] = order.dose if name == "dose" else (0,)
    return order.model_copy(update=update)


def _ask(order: Order, name: str, key: str) -> Fault:
    said = "; ".join(f'{source} prints "{phrase}"' for source, phrases in order.cite.items() for phrase in phrases)
    if name == "dose" and isinstance(order.dose, forms.Dose):
        what = f"{order.drug} is given as a range, {order.dose}, and no value is chosen; no middle value is taken. {said}"
        return Fault("D14", what, f'add --choose {key}="… {order.dose.unit}/{order.dose.per}/{order.dose.time}" inside the range', f"choice {key}")
    return Fault("R05", f"the source prints no {name} for {order.drug}. {said}", f'add --choose {key}="…"', f"choice {key}")


def _count_fits(order: Order) -> None:
    """Refuse chosen days that make another number of days or doses than the dose prints (Y08)."""
    from dosing.errors import refuse

    if not isinstance(order.dose, forms.Dose):
        return
    for stated, made in ((order.dose.days, len(order.days)), (order.dose.doses, rules.administrations(order))):
        if stated is not None and stated != made:
            raise refuse("Y08", f"{order.dose} is printed, and {forms.say_days(order.days)} makes {made}", f"choose days that make {stated}.")


def _fits(dose: forms.Dose, drug: Drug) -> None:
    """Refuse a dose of a basis or unit that the drug's file does not allow (D10)."""
    from dosing.errors import refuse

    if drug.bases and (dose.per or "flat") not in drug.bases:
        raise refuse("D10", f"{drug.id} is dosed per {', '.join(drug.bases)}, not per {dose.per or 'flat amount'}", "check the unit.")
    coefficient(dose.unit, dose.per, drug.unit)


def _inside(printed: Any, value: Any, drug: Drug) -> None:
    """Refuse a chosen dose of another kind than the printed range, or outside it (D14)."""
    from dosing.errors import refuse

    if isinstance(value, forms.OpenDose) or value.is_range:
        raise refuse("D14", f'"{value}" is not one value', "choose one value.")
    if not isinstance(printed, forms.Dose):
        _fits(value, drug)
        return
    scale = coefficient(value.unit, value.per, drug.unit) / coefficient(printed.unit, printed.per, drug.unit) if value.per == printed.per else 0
    if not scale or value.time != printed.time or (value.every, value.times) != (printed.every, printed.times):
        raise refuse("D14", f'"{value}" is not of the kind {printed}', f"write it in {printed.unit}/{printed.per}/{printed.time}.")
    if not printed.low <= value.low * Decimal(str(scale)) <= printed.high:
        raise refuse("D14", f'"{value}" is outside the printed range {printed}', "choose a value inside the range.")


def _missing_hours(orders: Sequence[Order], hours: Mapping[str, str], dated: bool, known: Mapping[str, Order]) -> list[Fault]:
    """A fault for every clock hour that is needed and not given, and for every hour nobody asks for."""
    faults = []
    for order in orders:
        said = next((phrase for phrases in order.cite.values() for phrase in phrases), "")
        if order.first == "ask" and order.id not in hours:
            faults.append(Fault("T03", f'the hour of the first dose of {order.drug} is not given; the source prints "{said}" and no hour', f"add --time {order.id}=HH:MM", f"time {order.id}"))
        hangs = order.event or (order.at.event if isinstance(order.at, forms.Offset) else "")
        if dated and hangs and hangs not in hours and not any(fault.where == f"time {hangs}" for fault in faults):
            faults.append(Fault("T03", f'the hour of "{hangs}" is not given and {order.drug} hangs on it', f"add --time {hangs}=HH:MM", f"time {hangs}"))
    events = {order.event for order in known.values() if order.event} | {order.id for order in known.values() if order.first or order.at is None}
    faults += [Fault("T03", f'nothing hangs on the hour "{name}"', closest(name, events), f"time {name}") for name in hours if name not in events]
    return faults


def _line(order: Order, library: Library, events: Mapping[str, int]) -> Line:
    """An order with its drug, product and units resolved to one plain factor."""
    drug = library.drugs[order.drug]
    if order.product:
        drug = library.drug_of(drug, order.product)
    product = drug.products.get(order.product or "")
    members = tuple(library.drugs[name] for name in drug.one_of) or _brands(drug)
    conditions = tuple(c for c in (*order.when.all, *order.when.any) if c.name in rules.PATIENT) if order.when else ()
    rhythm = _rhythm(order, library, events)
    count = rules.administrations(order) or 0
    if not isinstance(order.dose, forms.Dose):
        return Line(order.id, order, drug, product, order.product or "", None, 1, count, Decimal(0), 0.0, rhythm, conditions, open=str(order.dose))
    scale = coefficient(order.dose.unit, order.dose.per, drug.unit)
    value = order.dose.low * Decimal(str(scale))
    parts = {"dose": 1, "day": rules.per_day(order), "course": count}[order.dose.time]
    return Line(order.id, order, drug, product, order.product or "", order.dose, parts, count, value, float(Fraction(value) / parts), rhythm, conditions, members)


def _brands(drug: Drug) -> tuple[Drug, ...]:
    """The drug itself where only its products have limits: without a named product no dose of it can be checked."""
    return (drug,) if not drug.limits and any(product.limits for product in drug.products.values()) else ()


def _one_reading(order: Order) -> None:
    """Refuse an interval over a hole in the days, and more than one day for a dose that hangs on one event."""
    from dosing.errors import refuse

    hole = order.days[-1] - order.days[0] >= len(order.days)
    if hole and isinstance(order.dose, forms.Dose) and order.dose.every:
        raise refuse("D19", f"every {forms.plain(order.dose.every)} h does not say when to begin again after the hole in {forms.say_days(order.days)}",
                     "write one order for each run of days.", f"order {order.id}")  # fmt: skip
    if len(order.days) > 1 and isinstance(order.at, forms.Offset):
        raise refuse("Y06", f"{order.at.text} is one moment, and the days are {forms.say_days(order.days)}", "write one order for each day, with clock times.", f"order {order.id}")


def _rhythm(order: Order, library: Library, events: Mapping[str, int]) -> Rhythm:
    """The order's days and hours in the terms of the timeline; D19 where days and rhythm leave two readings."""
    _one_reading(order)
    if order.event:
        return Rhythm(order.id, order.days, event=order.event)
    if isinstance(order.at, forms.Offset):
        start = events.get(order.at.event, 0)
        # The stated day is where the dose falls, 24 h after the graft on +1; so the first one stands for the event's.
        return Rhythm(order.id, tuple(day - order.days[0] for day in order.days), event=order.at.event, offset=order.at.minutes, event_day=start)
    if isinstance(order.dose, forms.Dose) and order.dose.every:
        first = () if order.first in ("ask", None) else (int(order.first),)
        return Rhythm(order.id, order.days, clock=first, every=int(order.dose.every * 60))
    clock = order.at.minutes if isinstance(order.at, forms.Clock) else (library.site.at,)
    return Rhythm(order.id, order.days, clock=clock)
