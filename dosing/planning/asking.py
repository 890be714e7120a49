"""What a regimen asks a person for before it can be planned: choices, open doses and days, hours, facts of the patient.

A form is made from this list, so that it has the fields this regimen needs and no others are required. It is read from
the models and the rules that a plan is refused by; the tests hold it against those refusals, in both directions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

from dosing import forms
from dosing.engine import adjust
from dosing.engine.compose import DECISIONS, PREFIX, Parts, compose, decide
from dosing.engine.hours import Moments, hanging, missing_hours
from dosing.errors import DosingError, Fault
from dosing.metrics import FORMULAS
from dosing.patient import Patient
from dosing.patient import When as Moment
from dosing.regimen import rules
from dosing.regimen.library import Library
from dosing.regimen.schema import Order, Regimen, When

Need = Literal["needed", "dated", "asked", "may"]
"""Refused without it; refused without it once there is a day 0; a check asks for it; may be given."""
CLEARANCE = ("creatinine", "age", "sex", "weight", "height")  # what an estimate of the clearance takes; crcl or gfr stand for all
FREE = {"crcl": "creatinine", "gfr": "creatinine", "born": "age"}  # facts that stand in the place of another


class Ask(NamedTuple):
    """One thing a plan may be asked with; `where` is the name that a refusal gives its place.

    `options` are the values to choose from with what each means, empty for a written text; `form` says what kind of
    text, with an example of its units; `printed` is what the source says beside it. It is asked for where any of `when` holds, always where there is none.
    """

    where: str
    what: str
    need: Need
    when: tuple[When, ...] = ()
    options: Mapping[str, str] = {}
    default: str = ""
    printed: tuple[str, ...] = ()
    form: str = ""


def asks(regimen: Regimen, blocks: Sequence[Regimen], shelf: Library, formula: str = "") -> tuple[Ask, ...]:
    """Everything a regimen with its blocks asks for, under every choice: choices, doses and days, hours, facts.

    `formula` is the name of the body surface's formula, by default the regimen's or the site's. `UsageError` where the
    blocks contradict the regimen.
    """
    parts = compose(regimen, blocks)
    orders = tuple(order for file in parts.files for order in file.orders)
    surface = formula or regimen.bsa or shelf.site.bsa
    zone = Ask("zone", "Time zone of the ward", "may" if shelf.site.zone else "dated")
    return (*_choices(parts), *_decisions(parts, shelf), *_open(parts, orders, shelf), *_hours(parts, orders, shelf), *_facts(parts, orders, shelf, surface), Ask("day0", "Day 0", "may"), zone)


def _choices(parts: Parts) -> Iterator[Ask]:
    """The named choices of the files."""
    for name, choice in parts.choices.items():
        options = {option: text + (f" (closed: {choice.closed[option]})" if option in choice.closed else "") for option, text in choice.options.items()}
        when = (choice.when,) if choice.when else ()
        yield Ask(f"choice {name}", choice.ask, "may" if choice.default else "needed", when, options, choice.default or "", _printed(choice.cite))


def _decisions(parts: Parts, shelf: Library) -> Iterator[Ask]:
    """What is decided of a drug that two files give; `needed` where no file says it."""
    with suppress(DosingError):
        made = decide(parts, {}, lambda order: True, shelf.drugs)
        undecided = [fault.where.removeprefix(f"choice {PREFIX}") for fault in made.faults]
        for drug in (*undecided, *made.said):
            options = {name: why.format(first=parts.files[0].id, last=parts.files[-1].id) for name, why in DECISIONS.items()}
            what = f"{drug} stands in more than one of the files. What is meant?"
            yield Ask(f"choice {PREFIX}{drug}", what, "needed" if drug in undecided else "may", (), options)


def _open(parts: Parts, orders: Iterable[Order], shelf: Library) -> Iterator[Ask]:
    """Doses that are printed as a range or not at all, and days that are not printed, of orders and of events."""
    for order in orders:
        drug, when, printed = _name(order, shelf), _on_choices(order.when), _printed(order.cite)
        if isinstance(order.dose, forms.Dose) and order.dose.is_range:
            yield Ask(f"choice {order.id}.dose", f"Dose of {drug}, inside the printed range {order.dose}", "needed", when, printed=printed, form=_like(order.dose))
        elif order.dose == "ask":
            yield Ask(f"choice {order.id}.dose", f"Dose of {drug}: the source prints none", "needed", when, printed=printed, form="dose")
        if order.days == "ask":
            yield Ask(f"choice {order.id}.days", f"Days of {drug}: the source prints none", "needed", when, printed=printed, form="days")
    for name, event in parts.events.items():
        if event.days == "ask":
            yield Ask(f"choice {name}.days", f"Days of {name}: {event.what}", "needed", _on_choices(event.when), printed=_printed(event.cite), form="days")


def _name(order: Order, shelf: Library) -> str:
    """The name of an order's drug as people write it."""
    names = shelf.drugs[order.drug].names
    return names.get("en-GB") or order.drug


def _like(dose: forms.Dose) -> str:
    """How one value of a printed range is written: `… mg/m2/day`."""
    return str(dose).replace(f"{forms.plain(dose.low)}..{forms.plain(dose.high)}", "…")


def _hours(parts: Parts, orders: tuple[Order, ...], shelf: Library) -> Iterator[Ask]:
    """The hours of events and first doses that a plan is refused without, then those that a person may set."""
    moments = Moments(orders, parts.events, {}, shelf.site.at)
    always = {order.id: order for order in orders if order.first == "ask"}
    missing = {fault.where.removeprefix("time ") for fault in missing_hours(moments, True, {})}
    for name in sorted(missing, key=lambda name: name in always):
        waiting = [order for order in orders if name in (order.id, order.event) or _hangs_on(order, name)]
        what = f"First dose of {_name(always[name], shelf)}" if name in always else _event(name, parts, waiting, shelf)
        need: Need = "needed" if name in always else "dated"
        hung = ", ".join(dict.fromkeys(_name(order, shelf) for order in waiting if name not in (order.id, order.event)))
        notes = _printed(always[name].cite) if name in always else (f"{hung} hangs on it",) if hung else ()
        yield Ask(f"time {name}", what, need, _any(waiting), printed=notes, form="time")
    for order in orders:
        if order.id not in missing and order.at is None and not order.event and order.first is None and not (isinstance(order.dose, forms.Dose) and order.dose.every):
            yield Ask(f"time {order.id}", f"Hour of {_name(order, shelf)}", "may", _on_choices(order.when), form="time")


def _hangs_on(order: Order, event: str) -> bool:
    hangs = hanging(order)
    return hangs is not None and hangs.event == event


def _event(name: str, parts: Parts, waiting: Sequence[Order], shelf: Library) -> str:
    """An event in words: what its file says of it, else the order that it is."""
    own = next((_name(order, shelf) for order in waiting if order.event == name), name)
    said = parts.events[name].what if name in parts.events else f"start of {own}"
    return f"{said[:1].upper()}{said[1:]}"


def _facts(parts: Parts, orders: Iterable[Order], shelf: Library, surface: str) -> Iterator[Ask]:
    """Every fact of a patient, with why it is needed: by a dose, by a check, or not at all."""
    needed: dict[str, list[Order]] = {}
    asked: set[str] = {"weighed"}
    for order in orders:
        for name in _by_dose(order, shelf, surface):
            needed.setdefault(name, []).append(order)
        asked |= set(_by_checks(order, shelf, surface))
    asked |= {"age"} if any(file.ages for file in parts.files) else set()
    asked |= {name for file in parts.files for query in file.queries for name in _of_conditions(query.when, surface)}
    for name in Patient.model_fields:
        own = needed.get(name, [])
        need: Need = "needed" if own else "asked" if FREE.get(name, name) in asked | needed.keys() else "may"
        yield Ask(f"patient: {name}", name, need, _any(own))


def _by_dose(order: Order, shelf: Library, surface: str) -> set[str]:
    """The facts without which an order cannot be planned."""
    found, drug = _of_conditions(order.when, surface), shelf.drugs[order.drug]
    if isinstance(order.dose, forms.Dose):
        found |= _of_weight(order, shelf) if order.dose.per else set()
        found |= _of_formula(f"bsa.{surface}") if order.dose.per == "m2" else set()
        found |= {"creatinine"} if order.dose.unit == "AUC" else set()
    elif order.dose == "ask" and len(drug.bases) == 1:
        found |= {"kg": {"weight"}, "m2": _of_formula(f"bsa.{surface}")}.get(drug.bases[0], set())
    with suppress(DosingError):
        table = adjust.adjustment(order, drug)
        found |= {name for band in table.bands for one in band.conditions for name in _of_fact(one.name, surface)} if table else set()
    return found


def _by_checks(order: Order, shelf: Library, surface: str) -> Iterator[str]:
    """The facts that a check asks for: a clearance, doses given before, what else is taken, and what an open dose may turn out to be per."""
    drug = shelf.drugs[order.drug]
    if order.dose == "ask":
        yield from _of_formula(f"bsa.{surface}") if "m2" in drug.bases else {"weight"} if "kg" in drug.bases else ()
    if drug.needs or (isinstance(order.dose, forms.Dose) and order.dose.unit == "AUC"):
        yield from CLEARANCE
    if drug.lifetime:
        yield "prior"
    if any(one.rule in ("cover", "avoid") for one in drug.timing):
        yield "taking"


def _of_weight(order: Order, shelf: Library) -> set[str]:
    """The facts of the dosing weight an order names, or that a rule of the house names for it."""
    name, rule = adjust.weight_rule(order, shelf, adjust.House())
    if rule is None:
        return {"weight"} | (_of_formula(name) if name in FORMULAS else set())
    ideal = _of_formula(f"ideal.{rule.ideal}") if rule.ideal else set()
    return {"weight"} | ideal | ({"age"} if rule.adults == "yes" else set())


def _of_formula(name: str) -> set[str]:
    """The facts a formula takes."""
    return {"sex" if need == "male" else need for need in FORMULAS[name].needs} if name in FORMULAS else set()


def _of_conditions(when: When | None, surface: str) -> set[str]:
    """The facts that conditions compare."""
    return {name for one in (*when.all, *when.any) for name in _of_fact(one.name, surface)} if when else set()


def _of_fact(name: str, surface: str) -> set[str]:
    """What must be known for a fact that conditions compare, measured or derived; nothing for the name of a choice."""
    derived = {"bmi": {"weight", "height"}, "bsa": _of_formula(f"bsa.{surface}"), "crcl": {*CLEARANCE}, "crcl-indexed": {*CLEARANCE}}
    return derived.get(name, {name} if name in rules.PATIENT else set())


def _on_choices(when: When | None) -> tuple[When, ...]:
    """A condition without what it says of the patient; nothing where nothing is left of it."""
    if when is None:
        return ()
    either = when.any if all(one.name not in rules.PATIENT for one in when.any) else ()
    left = when.model_copy(update={"all": tuple(one for one in when.all if one.name not in rules.PATIENT), "any": either})
    return (left,) if left.all or left.any else ()


def _any(orders: Sequence[Order]) -> tuple[When, ...]:
    """The conditions of which any makes one of the orders apply; nothing where one of them always does."""
    each = [_on_choices(order.when) for order in orders]
    return tuple(dict.fromkeys(one for some in each for one in some)) if all(each) else ()


def _printed(cite: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(f'{key} prints "{phrase}"' for key, phrases in cite.items() for phrase in phrases)


def missing(asked: Iterable[Ask], given: Mapping[str, str], chosen: Mapping[str, str], dated: bool) -> list[Fault]:
    """A fault for everything that is needed under the choices made and not in `given`, by `where`.

    It never refuses by itself: it completes the refusal of a plan that stopped at something else.
    """
    told = {**given, **{f"patient: {other}": text for name, other in FREE.items() if (text := given.get(f"patient: {name}"))}}
    return [
        Fault("P05", f"{ask.what} is missing", "give it; nothing is assumed.", ask.where)
        for ask in asked
        if (ask.need == "needed" or (ask.need == "dated" and dated)) and not told.get(ask.where) and holds(ask, chosen)
    ]


def missing_beside(
    faults: Iterable[Fault], regimen: Regimen, blocks: Sequence[Regimen], shelf: Library, patient: Patient, when: Moment, choose: Mapping[str, str], formula: str,
) -> list[Fault]:  # fmt: skip
    """What a plan refused with some faults is missing beside them, so that nobody is asked twice."""
    try:
        asked = asks(regimen, blocks, shelf, formula)
    except DosingError:
        return []
    facts = {f"patient: {name}": "given" for name in Patient.model_fields if getattr(patient, name) not in (None, "")}
    hours = {f"time {name}": text for name, text in when.times} | ({"zone": when.zone} if when.zone else {})
    chosen = {ask.where.removeprefix("choice "): ask.default for ask in asked if ask.default} | dict(choose)
    told = {fault.where for fault in faults}
    return [fault for fault in missing(asked, facts | hours | {f"choice {name}": text for name, text in choose.items()}, chosen, when.day0 is not None) if fault.where not in told]


def holds(ask: Ask, chosen: Mapping[str, str]) -> bool:
    """Whether something is asked for under the choices made."""
    return not ask.when or any(_met(one, chosen) for one in ask.when)


def _met(when: When, chosen: Mapping[str, str]) -> bool:
    fits = {one: (chosen.get(one.name) == str(one.value)) == (one.operator == "==") for one in (*when.all, *when.any)}
    return all(fits[one] for one in when.all) and (not when.any or any(fits[one] for one in when.any))
