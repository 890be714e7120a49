"""From a regimen file to the lines of one plan: blocks added, changes set, choices made, units resolved.

This happens once per regimen, blocks, changes and choices, not per patient; what is left per patient is a
multiplication, a rounding and the calendar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dosing import forms
from dosing.engine import adjust
from dosing.engine.adjust import Adjustment, House, Rounded
from dosing.engine.change import Change, apply, fits
from dosing.engine.compose import PREFIX, compose, decide, unknown
from dosing.engine.hours import Moments, missing_hours, rhythms
from dosing.engine.timeline import Rhythm
from dosing.errors import DosingError, Fault, InputError, closest, refuse
from dosing.regimen import rules
from dosing.regimen.drug import Drug, Product
from dosing.regimen.library import Library
from dosing.regimen.schema import Choice, Event, NotScheduled, Order, Query, Regimen, Source, When
from dosing.units import exact

if TYPE_CHECKING:
    from dosing.regimen.policies import WeightRule

HOUSE = House()
__all__ = ["Change", "Line", "Settled", "settle"]

@dataclass(frozen=True, eq=False)
class Line:
    """One order ready to multiply: a single dose, its drug, product, rhythm, step and maximum."""

    id: str
    order: Order
    drug: Drug
    product: Product | None
    dose: forms.Dose | None  # None where the source gives no dose
    parts: int
    count: int
    value: Decimal  # the dose's number in the drug's unit
    factor: float  # drug units per kg, m2 or flat, for one administration
    rhythm: Rhythm
    conditions: tuple[forms.Condition, ...]
    members: tuple[Drug, ...] = ()  # what an unnamed product may turn out to be
    open: str = ""  # "not given", "by level"
    rule: WeightRule | None = None  # behind a dosing weight that is named by a rule
    table: Adjustment | None = None
    rounded: Rounded | None = None

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
    events: dict[str, Event] = field(default_factory=dict)  # moments of this plan that no order is itself
    replaced: tuple[tuple[str, Order], ...] = ()  # orders left out, with the file they stand in: another file gives the drug

    @cached_property
    def blinds(self) -> tuple[str, ...]:
        """The choices that tell the arm of a blinded trial."""
        return tuple(name for part in (self.regimen, *self.blocks) for name, choice in part.choices.items() if choice.blinds)


def settle(regimen: Regimen, blocks: Sequence[Regimen], changes: Sequence[Change], choose: Mapping[str, str],
           hours: Mapping[str, str], dated: bool, library: Library, house: House = HOUSE) -> Settled:  # fmt: skip
    """Make every choice and resolve every unit; `InputError` names every missing choice and hour at once.

    `hours` are the clock times given, `dated` whether there is a day 0, `house` the named rules chosen for this plan.
    """
    parts = compose(regimen, blocks)
    choices = parts.choices
    applicable = {name: choice for name, choice in choices.items() if _holds(choice.when, choose, regimen)}
    chosen = {name: choose.get(name, choice.default or "") for name, choice in applicable.items()}
    decided = decide(parts, choose, lambda order: _holds(order.when, chosen, regimen), library.drugs)
    orders = decided.orders
    made = [apply(orders, change, library) for change in changes]
    faults = unknown_choices(choose, choices, orders, parts.events) + open_choices(applicable, chosen) + decided.faults + unknown(choose, decided)
    active = [order for order in orders.values() if _holds(order.when, chosen, regimen)]
    settled = [choose_values(order, choose, faults, library) for order in active]
    events = {name: place_event(name, event, choose, chosen, faults) for name, event in parts.events.items() if _holds(event.when, chosen, regimen)}
    moments = Moments(tuple(settled), events, hours, library.site.at)
    faults += missing_hours(moments, dated, orders)
    placed = rhythms(moments, faults) if not faults else {}
    if faults:
        raise InputError(*faults)
    trials = {order.id for part in (regimen, *blocks) if part.trial == "yes" for order in part.orders}
    lines = tuple(_named(_line(order, library, placed[order.id]), order.id in trials, library, house) for order in settled)
    chosen |= {PREFIX + drug: told for drug, told in decided.said.items()}
    chosen |= {f"{order.id}.{name}": str(getattr(line.order, name)) if name == "dose" else forms.say_days(line.order.days)
               for order, line in zip(active, lines, strict=True) for name in ("dose", "days") if _is_asked(order, name)}  # fmt: skip
    unused = tuple(name for name in choose if name not in chosen)
    return Settled(regimen, tuple(blocks), lines, chosen, unused, tuple(made), tuple(parts.queries), tuple(parts.left(orders)), parts.sources, _graft(lines), events, decided.dropped)


def _graft(lines: Sequence[Line]) -> Line | None:
    """The first infusion of the graft, else the first order that is an event."""
    events = sorted((line for line in lines if line.order.event), key=lambda line: (line.drug.kind != "graft", line.order.days[0]))
    return next(iter(events), None)


def place_event(name: str, event: Event, choose: Mapping[str, str], chosen: dict[str, str], faults: list[Fault]) -> Event:
    """A declared event with the days a person chose, where its file leaves them open."""
    key = f"{name}.days"
    if event.days != "ask":
        return event
    try:
        if key not in choose:
            raise InputError(Fault("R05", f"the days of {name} are not given: {event.what}", f'add --choose {key}="…".', f"choice {key}"))
        days = forms.read_days(choose[key])
    except DosingError as error:
        faults.extend(error.faults if key not in choose else error.at(f"choice {key}").faults)
        return event
    chosen[key] = forms.say_days(days)
    return event.model_copy(update={"days": days})


def _holds(when: When | None, chosen: Mapping[str, str], regimen: Regimen) -> bool:
    """Whether the conditions on choices hold; conditions on the patient are left for the columns."""
    if when is None:
        return True
    known = [meets_choice(condition, chosen) for condition in when.all]
    either = [meets_choice(condition, chosen) for condition in when.any]
    return all(known) and (any(either) or not either)


def meets_choice(condition: forms.Condition, chosen: Mapping[str, str]) -> bool:
    """Whether what was chosen meets a condition; one on a fact of the patient is left for the columns, and holds here."""
    if condition.name in rules.PATIENT:
        return True
    return (chosen.get(condition.name) == str(condition.value)) == (condition.operator == "==")


def _is_asked(order: Order, name: str) -> bool:
    """Whether a person must choose an order's dose (a range, or none printed) or days."""
    value = getattr(order, name)
    return value == "ask" or (name == "dose" and isinstance(value, forms.Dose) and value.is_range)


def unknown_choices(choose: Mapping[str, str], choices: Mapping[str, Choice], orders: Mapping[str, Order], events: Mapping[str, Event]) -> list[Fault]:
    """A fault for every name in `choose` that this regimen leaves to nobody."""
    known = {*choices, *(f"{name}.days" for name, event in events.items() if event.days == "ask"), *(f"{order.id}.{name}" for order in orders.values() for name in ("dose", "days") if _is_asked(order, name))}
    return [Fault("R09", f'"{name}" is not a choice of this regimen', closest(name, known) if known else "leave it out.", f"choice {name}")
            for name in choose if name not in known and not name.startswith(PREFIX)]  # fmt: skip


def open_choices(applicable: Mapping[str, Choice], chosen: Mapping[str, str]) -> list[Fault]:
    """A fault for every named choice without a value, and for every value that is no option."""
    faults = []
    for name, choice in applicable.items():
        options = "|".join(choice.options)
        said = "; ".join(f'{key} prints "{phrase}"' for key, phrases in choice.cite.items() for phrase in phrases)
        if not chosen[name]:
            faults.append(Fault("R09", f"{choice.ask} {said}".strip(), f"add --choose {name}={options}.", f"choice {name}"))
        elif chosen[name] not in choice.options:
            faults.append(Fault("R09", f'"{chosen[name][:40]}" is no option', f"options: {', '.join(choice.options)}.", f"choice {name}"))
    return faults


def choose_values(order: Order, choose: Mapping[str, str], faults: list[Fault], library: Library) -> Order:
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
                update[name] = _with_count(order.dose, update[name])
            if name == "days" or order.days != "ask":
                _countfits(order.model_copy(update=update))
        except DosingError as error:
            faults.extend(error.at(f"choice {key}").faults)
            update[name] = order.dose if name == "dose" else (0,)
    return order.model_copy(update=update)


def _ask(order: Order, name: str, key: str) -> Fault:
    said = "; ".join(f'{source} prints "{phrase}"' for source, phrases in order.cite.items() for phrase in phrases)
    if name == "dose" and isinstance(order.dose, forms.Dose):
        what = f"{order.drug} is given as a range, {order.dose}, and no value is chosen; no middle value is taken. {said}"
        return Fault("D14", what, f'add --choose {key}="… {order.dose.unit}/{order.dose.per}/{order.dose.time}" inside the range.', f"choice {key}")
    return Fault("R05", f"the source prints no {name} for {order.drug}. {said}", f'add --choose {key}="…".', f"choice {key}")


def _with_count(printed: Any, value: forms.Dose) -> forms.Dose:
    """A chosen dose with the printed number of days or doses, where the choice names none."""
    if not isinstance(printed, forms.Dose) or value.days or value.doses:
        return value
    return replace(value, days=printed.days, doses=printed.doses)


def _countfits(order: Order) -> None:
    """Refuse chosen days that make another number of days or doses than the dose prints (Y08)."""
    from dosing.errors import refuse

    if not isinstance(order.dose, forms.Dose):
        return
    for stated, made in rules.counts(order):
        raise refuse("Y08", f"{order.dose} is printed, and {forms.say_days(order.days)} makes {made}", f"choose days that make {stated}.")


def _inside(printed: Any, value: Any, drug: Drug) -> None:
    """Refuse a chosen dose of another kind than the printed range, or outside it (D14)."""
    from dosing.errors import refuse

    if isinstance(value, forms.OpenDose) or value.is_range:
        raise refuse("D14", f'"{value}" is not one value', "choose one value.")
    if not isinstance(printed, forms.Dose):
        fits(value, drug)
        return
    scale = exact(value.unit, drug.unit, value.per) / exact(printed.unit, drug.unit, printed.per) if value.per == printed.per else 0
    if not scale or value.time != printed.time or not _is_interval_of(printed, value):
        interval = f" every {forms.plain(printed.every)} h" if printed.every else ""
        raise refuse("D14", f'"{value}" is not of the kind {printed}', f"write it in {printed.unit}/{printed.per}/{printed.time}{interval}.")
    if not printed.low <= value.low * scale <= printed.high:
        raise refuse("D14", f'"{value}" is outside the printed range {printed}', "choose a value inside the range.")


def _is_interval_of(printed: forms.Dose, value: forms.Dose) -> bool:
    """Whether a chosen dose has the printed rhythm, or one inside the printed range of intervals."""
    if printed.every and printed.slowest and value.every:
        return printed.every <= value.every <= printed.slowest
    return (value.every, value.times) == (printed.every, printed.times)


def _line(order: Order, library: Library, rhythm: Rhythm) -> Line:
    """An order with its drug, product and units resolved to one plain factor."""
    drug = library.drugs[order.drug]
    if order.product:
        drug = library.drug_of(drug, order.product)
    product = drug.products.get(order.product or "")
    members = tuple(library.drugs[name] for name in drug.one_of) or _brands(drug)
    conditions = tuple(c for c in (*order.when.all, *order.when.any) if c.name in rules.PATIENT) if order.when else ()
    count = rules.administrations(order) or 0
    if not isinstance(order.dose, forms.Dose):
        return Line(order.id, order, drug, product, None, 1, count, Decimal(0), 0.0, rhythm, conditions, open=str(order.dose))
    if rules.lacks_hours(order):
        raise refuse("R05", f"{order.dose.times} doses a day need {order.dose.times} clock times, and {order.id} has {rules.per_day(order)}", f'state the hours: --set {order.id}.at="09:00, 21:00", with --by and --reason.', f"order {order.id}")
    value = order.dose.low * exact(order.dose.unit, drug.unit, order.dose.per)
    parts = {"dose": 1, "day": rules.per_day(order), "course": count}[order.dose.time]
    return Line(order.id, order, drug, product, order.dose, parts, count, value, float(Fraction(value) / parts), rhythm, conditions, members)


def _named(line: Line, trial: bool, library: Library, house: House) -> Line:
    """The line with what it is named to be dosed by: share, weight rule, table, largest amount, way of rounding."""
    order = line.order
    if line.dose is None:
        return line
    weight, rule = adjust.weight_rule(order, library, house)
    most = adjust.largest(order, line.drug, rules.per_day(order), line.count) if order.max_day or order.max_course else order.max
    if weight != order.weight or most != order.max:
        order = order.model_copy(update={"weight": weight, "max": most})
    value = line.value if order.share is None else line.value * order.share
    rounded = adjust.rounded(order, line.drug, line.product, trial or line.drug.kind == "cells", library, house)
    return replace(line, order=order, rule=rule, table=adjust.adjustment(order, line.drug), value=value, factor=float(Fraction(value) / line.parts), rounded=rounded)


def _brands(drug: Drug) -> tuple[Drug, ...]:
    """The drug itself where only its products have limits: without a named product no dose of it can be checked."""
    return (drug,) if not drug.limits and any(product.limits for product in drug.products.values()) else ()
