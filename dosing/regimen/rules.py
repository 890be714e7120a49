"""What a regimen file must satisfy beyond its shape: one small rule each, all faults at once.

A rule takes the regimen and the library's drugs and yields `(place, Fault)`; the place is a path inside the file,
which the library turns into `file:line`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dosing import forms
from dosing.errors import Fault, closest
from dosing.forms.text import SUPERSCRIPTS
from dosing.regimen.drug import Banding, Drug, Table
from dosing.regimen.schema import Order, Regimen, When
from dosing.units import coefficient

if TYPE_CHECKING:
    from dosing.regimen.policies import Policies

Place = tuple[str | int, ...]
Found = Iterator[tuple[Place, Fault]]
Rule = Callable[[Regimen, Mapping[str, Drug]], Found]
RULES: list[Rule] = []
OF_ALL: list[Rule] = []
PATIENT = {"weight": "kg", "height": "cm", "age": "y", "crcl": "mL/min", "bmi": "kg/m2", "bsa": "m2"}


def rule(function: Rule) -> Rule:
    """Add one rule; its docstring says what it demands."""
    RULES.append(function)
    return function


def rule_of_all(function: Rule) -> Rule:
    """Add one rule that looks at all orders together, so it says nothing while some of them cannot be read."""
    OF_ALL.append(function)
    return rule(function)


def faults(regimen: Regimen, drugs: Mapping[str, Drug], in_part: bool = False) -> list[tuple[Place, Fault]]:
    """All faults of a regimen that its shape alone does not show; `in_part` where some of its orders were left out."""
    return [found for check in RULES if not (in_part and check in OF_ALL) for found in check(regimen, drugs)]


def administrations(order: Order) -> int | None:
    """How many administrations the days and the rhythm make; None when the days are still asked for."""
    if not isinstance(order.days, tuple) or (isinstance(order.dose, forms.Dose) and order.dose.slowest):
        return None
    if isinstance(order.dose, forms.Dose) and order.dose.every:
        return order.dose.doses or int(len(order.days) * 24 / order.dose.every)
    return len(order.days) * per_day(order)


def counts(order: Order) -> Iterator[tuple[int, int]]:
    """Each printed count of days or doses that the days do not make, with what they make.

    Doses of an interval need not fill the last day: they are a fault only when no first hour lets them end on it.
    """
    dose = order.dose
    if not isinstance(dose, forms.Dose) or not isinstance(order.days, tuple):
        return
    if dose.days is not None and dose.days != len(order.days):
        yield dose.days, len(order.days)
    if dose.doses is None or dose.slowest:
        return
    if dose.every and not 24 * (len(order.days) - 2) < (dose.doses - 1) * dose.every < 24 * len(order.days):
        yield dose.doses, int(len(order.days) * 24 / dose.every)
    elif not dose.every and dose.doses != administrations(order):
        yield dose.doses, administrations(order) or 0


def per_day(order: Order) -> int:
    """Administrations on one of the stated days: by the interval, else by the clock times, else one."""
    if isinstance(order.dose, forms.Dose) and order.dose.every:
        return int(24 / order.dose.every)
    return len(order.at.minutes) if isinstance(order.at, forms.Clock) else 1


def lacks_hours(order: Order) -> bool:
    """Whether a dose is stated several times a day, and the order has not as many clock times."""
    return isinstance(order.dose, forms.Dose) and (order.dose.times or 1) > 1 and order.dose.times != per_day(order)


def per_administration(order: Order, dose: forms.Dose) -> tuple[Fraction, Fraction]:
    """The lowest and highest amount of one administration, in the dose's own unit per its basis."""
    parts = {"dose": 1, "day": per_day(order), "course": administrations(order) or 1}[dose.time]
    return Fraction(dose.low) / parts, Fraction(dose.high) / parts


@rule
def ids_are_unique(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """Each order has an id of its own."""
    for name, count in Counter(order.id for order in regimen.orders).items():
        if count > 1:
            yield ("orders",), Fault("R02", f'the order id "{name}" stands {count} times', "give each order its own id.")


@rule
def drugs_are_known(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """Every drug named has a drug file; no nearest match is taken."""
    named = [(("orders", n, "drug"), order.drug) for n, order in enumerate(regimen.orders)]
    named += [(("not-scheduled", n, "drug"), entry.drug) for n, entry in enumerate(regimen.not_scheduled)]
    for place, drug in named:
        if drug not in drugs:
            yield place, Fault("R05", f'the drug "{drug}" has no file', closest(drug, drugs))


@rule
def products_are_known(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A product named by an order stands in the drug's file."""
    for n, order in enumerate(regimen.orders):
        if order.product and order.drug in drugs and order.product not in drugs[order.drug].products:
            yield ("orders", n, "product"), Fault("R10", f'"{order.product}" is no product of {order.drug}',
                                                  closest(order.product, drugs[order.drug].products))


@rule
def sources_are_listed(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """Each citation names a listed source, and each order cites at least one."""
    cited: list[tuple[Place, Mapping[str, tuple[str, ...]]]] = [(("orders", n), order.cite) for n, order in enumerate(regimen.orders)]
    cited += [(("queries", n), query.cite) for n, query in enumerate(regimen.queries)]
    cited += [(("not-scheduled", n), entry.cite) for n, entry in enumerate(regimen.not_scheduled)]
    cited += [(("choices", name), choice.cite) for name, choice in regimen.choices.items() if choice.cite]
    for place, cite in cited:
        if not cite:
            yield (*place, "cite"), Fault("R08", "no source is cited", "quote the printed phrase that carries the number.")
        for key in cite:
            if key not in regimen.sources:
                yield (*place, "cite", key), Fault("R08", f'"{key}" is not a listed source', closest(key, regimen.sources))


def numbers(text: str) -> set[Decimal]:
    """The numbers a phrase prints, powers of ten worked out (`5 × 10⁵`, `2e6`, `0,5` as printed decimal comma)."""
    flat = re.sub(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda found: "10^" + found[1].translate(SUPERSCRIPTS), text)
    flat = re.sub(r"(\d+(?:\.\d+)?)\s*[-–]\s*(\d+(?:\.\d+)?)(\s*[×x*]\s*10\s?\^?\(?\d+)", r"\1\3 \2\3", flat)  # 1-2 × 10^6: of both ends
    power = re.compile(r"(\d+(?:\.\d+)?)\s*[×x*]\s*10\s?\^?\(?(\d+)\)?")
    result = {Decimal(a) * 10 ** int(b) for a, b in power.findall(flat)}
    result |= {Decimal(a) * 10 ** int(b) for a, b in re.findall(r"(\d+(?:\.\d+)?)e(\d+)", flat)}
    result |= {Decimal(found.replace(",", "")) for found in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", flat)}
    return result | {Decimal(found.replace(",", ".")) for found in re.findall(r"\d+,\d{1,2}(?!\d)", flat)}


@rule
def numbers_stand_in_the_quote(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """The numbers of a dose stand in a phrase the order cites, those of another source's dose in a phrase of that source."""
    cited: list[tuple[Place, Any, Iterable[tuple[str, ...]]]] = [(("orders", n, "dose"), order.dose, order.cite.values()) for n, order in enumerate(regimen.orders)]
    cited += [(("queries", n, "instead", key, "dose"), one.dose, [query.cite.get(key, ())]) for n, query in enumerate(regimen.queries) for key, one in query.instead.items()]
    for place, dose, phrases in cited:
        if isinstance(dose, forms.Dose):
            yield from ((place, fault) for fault in _not_printed(dose, set().union(*(numbers(phrase) for part in phrases for phrase in part))))


def _not_printed(dose: forms.Dose, printed: set[Decimal]) -> Iterator[Fault]:
    for value in {dose.low, dose.high}:
        if value not in printed and value / 1000 not in printed and value * 1000 not in printed and value / 10**6 not in printed:
            yield Fault("R08", f"the number {forms.plain(value)} stands in no cited phrase", "quote the phrase that prints it, or correct the dose.")


@rule
def conditions_name_something(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """Each condition compares a choice with one of its options, or a fact of the patient."""
    conditional: list[tuple[Place, When | None]] = [(("orders", n, "when"), order.when) for n, order in enumerate(regimen.orders)]
    conditional += [(("queries", n, "when"), query.when) for n, query in enumerate(regimen.queries)]
    conditional += [(("choices", name, "when"), choice.when) for name, choice in regimen.choices.items()]
    conditional += [(("events", name, "when"), event.when) for name, event in regimen.events.items()]
    for place, when in conditional:
        for condition in (*when.all, *when.any) if when else ():
            choice = regimen.choices.get(condition.name)
            if not choice and condition.name not in PATIENT:
                yield place, Fault("R09", f'"{condition.name}" is neither a choice nor a fact of the patient',
                                   closest(condition.name, {*regimen.choices, *PATIENT}))
            if choice and str(condition.value) not in choice.options:
                yield place, Fault("R09", f'"{condition.value}" is no option of {condition.name}',
                                   f"options: {', '.join(choice.options)}.")


@rule
def facts_are_compared_in_their_unit(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A fact of the patient is compared by size, in its own unit, and never in a list of which any may hold."""
    for n, order in enumerate(regimen.orders):
        for condition in (*order.when.all, *order.when.any) if order.when else ():
            unit = PATIENT.get(condition.name)
            if unit and condition.unit != unit:
                yield ("orders", n, "when"), Fault("R11", f'"{condition.text}" does not compare {condition.name} in {unit}', f"write for example {condition.name} >= 40 {unit}.")
            elif order.when and unit and condition in order.when.any:
                yield ("orders", n, "when"), Fault("R11", f'"{condition.text}" stands in a list of which any may hold', "write one order for each case, or a list of all.")


def dosing_weights() -> tuple[str, ...]:
    """The names of the weights a dose may be per: the actual one, `unspecified`, and every ideal, lower or adjusted one."""
    from dosing.metrics import FORMULAS

    return ("actual", "unspecified", *(name for name in FORMULAS if name.startswith(("ideal.", "lower.", "adjusted"))))


ROUNDINGS = ("step", "none", "vial", "band")


def names_of_policies(regimen: Regimen, policies: Callable[[], Policies]) -> Found:
    """The dosing weight of an order is a known one or a named rule that speaks of its drug; its rounding likewise.

    `policies` gives the named rules; it is asked only where an order names one.
    """
    weights = dosing_weights()
    for n, order in enumerate(regimen.orders):
        if order.weight not in weights and (fault := weight_fault(order, policies())):
            yield ("orders", n, "weight"), fault
        if order.rounding not in (None, *ROUNDINGS) and order.rounding not in (known := policies().rounding):
            yield ("orders", n, "rounding"), Fault("R13", f'"{order.rounding}" is no way of rounding', closest(str(order.rounding), (*ROUNDINGS, *known)))


def weight_fault(order: Order, policies: Policies) -> Fault | None:
    """What is wrong with an order's named weight rule: unknown, for another drug, or for another basis (P09)."""
    rule = policies.weights.get(order.weight)
    if rule is None:
        return Fault("P09", f'"{order.weight}" is no dosing weight', closest(order.weight, (*dosing_weights(), *policies.weights)))
    if rule.drugs and order.drug not in rule.drugs:
        return Fault("P09", f"the weight rule {order.weight} speaks of {', '.join(rule.drugs)}, not of {order.drug}", "name another weight.")
    if isinstance(order.dose, forms.Dose) and order.dose.per and order.dose.per not in rule.bases:
        return Fault("P09", f"the weight rule {order.weight} speaks of doses per {', '.join(rule.bases)}, not per {order.dose.per}", "name another weight.")
    return None


@rule
def adjustments_are_known(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A table that an order names stands in the drug's file; what is left of a dose is for a person to set."""
    for n, order in enumerate(regimen.orders):
        if order.share is not None:
            yield ("orders", n, "share"), Fault("R03", "a file states no share of a dose", "write the dose the source prints; a person reduces it with --set.")
        if order.adjust and order.drug in drugs and order.adjust not in (known := tables_of(drugs[order.drug])):
            yield ("orders", n, "adjust"), Fault("R10", f'"{order.adjust}" is no table of {order.drug}', closest(order.adjust, known or ["it has none"]))


def tables_of(drug: Drug) -> dict[str, Table | Banding]:
    """The tables of a drug by the name an order or a person gives: reductions by their id, weight bands by their name."""
    return {**drug.tables, **{banding.name.lower().replace(" ", "-"): banding for banding in drug.bandings}}


@rule
def totals_agree(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A stated total equals the dose of one administration times their number."""
    for n, order in enumerate(regimen.orders):
        count = administrations(order)
        if not (order.total and isinstance(order.dose, forms.Dose) and count):
            continue
        if (order.total.unit, order.total.per, order.total.time) != (order.dose.unit, order.dose.per, "course"):
            yield ("orders", n, "total"), Fault("D13", f"the total {order.total} is not a course total in the dose's unit",
                                                f"write it as {order.dose.unit}/{order.dose.per or 'course'}/course.")
        elif (low := per_administration(order, order.dose)[0] * count) != Fraction(order.total.low):
            yield ("orders", n, "total"), Fault("D13", f"{order.dose} on {len(order.days)} days makes {forms.plain(Decimal(float(low)).normalize())}, not {order.total}",
                                                "check the dose, the days and the total; they must agree.")


@rule
def releases_are_signed(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A reviewed or released regimen names its author and a second person who approved it."""
    if regimen.status not in ("reviewed", "released"):
        return
    if not regimen.author or not regimen.approved_by:
        yield ("status",), Fault("R07", f"the status is {regimen.status} and no {'second person has approved it' if regimen.author else 'author is named'}",
                                 "write author and approved-by, or status: draft.")
    elif regimen.author in regimen.approved_by:
        yield ("approved-by",), Fault("R07", f"{regimen.author} wrote the file and approved it", "have a second person approve it.")


@rule
def caps_are_stated(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A drug whose record carries a largest single dose is ordered with a `max`."""
    for n, order in enumerate(regimen.orders):
        cap = drugs[order.drug].cap if order.drug in drugs else None
        if cap and not order.max and not order.is_open:
            yield ("orders", n, "max"), Fault("R13", f"no maximum is stated, and the record of {order.drug} carries {cap} for one dose", f"write max: {cap}, or what the source prints.")


@rule
def counts_agree(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """`x 4 days` or `x 3 doses` in a dose equals the days listed."""
    for n, order in enumerate(regimen.orders):
        for stated, actual in counts(order):
            yield ("orders", n, "days"), Fault("Y08", f"the dose says {stated}, the days make {actual}", "correct one of them.")
        if not isinstance(order.dose, forms.Dose) or not isinstance(order.days, tuple):
            continue
        if lacks_hours(order):
            yield ("orders", n, "at"), Fault("R05", f"{order.dose.times} doses a day need {order.dose.times} clock times", "write them as at: 09:00, 21:00.")


@rule
def a_drug_stands_once_a_day(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """The same drug on the same day in two orders that can both apply needs the word `sum: yes`."""
    for n, order in enumerate(regimen.orders):
        for other in regimen.orders[:n]:
            if other.drug != order.drug or "yes" in (order.sum, other.sum) or exclusive(order, other, regimen):
                continue
            shared = set(order.days or ()) & set(other.days or ()) if isinstance(order.days, tuple) and isinstance(other.days, tuple) else set()
            if shared:
                yield ("orders", n, "days"), Fault("Y08", f"{order.drug} stands on {forms.say_days(tuple(sorted(shared)))} in {other.id} and {order.id}",
                                                   "correct the days, or write `sum: yes` when both are meant.")


def exclusive(one: Order, other: Order, regimen: Regimen) -> bool:
    """Whether two orders can never apply together: no option of a choice, or no value of a fact, suits both."""
    if any(not (_open_to(one, name, choice.options) & _open_to(other, name, choice.options)) for name, choice in regimen.choices.items()):
        return True
    facts = [[c for c in order.when.all if c.name in PATIENT] if order.when else [] for order in (one, other)]
    return any(_apart(first, second) or _apart(second, first) for first in facts[0] for second in facts[1])


def _open_to(order: Order, name: str, options: Iterable[str]) -> set[str]:
    """The options of a choice under which an order can apply."""
    def fits(condition: forms.Condition, option: str) -> bool:
        return condition.name != name or (condition.operator == "==") == (condition.value == option)

    if order.when is None:
        return set(options)
    either = order.when.any if all(c.name == name for c in order.when.any) else ()
    return {option for option in options if all(fits(c, option) for c in order.when.all) and (not either or any(fits(c, option) for c in either))}


def _apart(below: forms.Condition, above: forms.Condition) -> bool:
    """Whether `below` ends a fact before `above` begins it: `age < 12 y` and `age >= 12 y`."""
    if below.name != above.name or below.operator not in ("<", "<=") or above.operator not in (">", ">="):
        return False
    end, start = below.value, above.value
    return isinstance(end, Decimal) and isinstance(start, Decimal) and (end < start or (end == start and (below.operator, above.operator) != ("<=", ">=")))


@rule
def units_fit_the_drug(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """A dose can be given in the drug's unit and has a basis the drug's file allows."""
    for n, order in enumerate(regimen.orders):
        drug = drugs.get(order.drug)
        if not drug or not isinstance(order.dose, forms.Dose):
            continue
        try:
            coefficient(order.dose.unit, order.dose.per, drug.unit)
        except Exception as error:
            yield ("orders", n, "dose"), getattr(error, "faults", [Fault("D10", str(error), "check the unit.")])[0]
        if drug.bases and (order.dose.per or "flat") not in drug.bases:
            yield ("orders", n, "dose"), Fault("D10", f"{drug.id} is not dosed per {order.dose.per or 'flat amount'}",
                                               f"bases of its file: {', '.join(drug.bases)}.")
