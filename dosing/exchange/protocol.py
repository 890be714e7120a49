"""The protocol as other systems are told of it, without a patient: what every format of export writes down.

Each order is a `Part`: its words, its drug, the dose of one administration, its days as regular stretches, and every
question that stands against it. A dose that the checks would hold, or that a person must still choose, has no
`amount`: formats tell it in words with its question, never as a number that another system could give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid5

from dosing import forms
from dosing.checks.doses import limit_hits
from dosing.engine.settle import _line as line_of
from dosing.engine.timeline import Rhythm, runs
from dosing.exchange.choosing import fixed
from dosing.regimen import conflicts, rules
from dosing.regimen.drug import Drug
from dosing.regimen.library import Library
from dosing.regimen.schema import Choice, Order, Query, Regimen
from dosing.render import protocol as page
from dosing.render.fhir import SPACE
from dosing.render.names import drug_name
from dosing.render.wording import ROUTES


class Lost(NamedTuple):
    """One thing a format cannot carry: where it stands in the protocol, and what becomes of it."""

    where: str
    what: str


class Question(NamedTuple):
    """What is open: `block` holds its order, `open` must be chosen, `query` must be answered, `note` informs."""

    id: str
    level: str
    text: str
    cite: Mapping[str, tuple[str, ...]] = {}

    @property
    def label(self) -> str:
        """`HOLD atg.dose`, `OPEN cy.dose`, `QUERY bu.days`, `NOTE msc.count`."""
        return f"{'HOLD' if self.level == 'block' else self.level.upper()} {self.id}"


class Stretch(NamedTuple):
    """Days at one distance from each other."""

    first: int
    step: int
    days: int


class Each(NamedTuple):
    """The dose of one administration, in the written unit per kg, per m2 or per nothing; low equals high unless a range."""

    low: Decimal
    high: Decimal
    unit: str
    per: str


@dataclass(frozen=True)
class Part:
    """One order of the protocol."""

    order: Order
    drug: Drug
    row: Mapping[str, Any]  # its words, as `dosing show` has them
    questions: tuple[Question, ...]

    @property
    def id(self) -> str:
        """The order's id."""
        return self.order.id

    @cached_property
    def name(self) -> str:
        """The drug's name, with the product where the order names one."""
        product = self.drug.products.get(self.order.product or "")
        name = self.drug.names.get("en-GB") or drug_name(self.drug.id)
        return f"{name} ({product.name})" if product else name

    @property
    def held(self) -> bool:
        """Whether the checks hold the dose as printed."""
        return any(question.level == "block" for question in self.questions)

    @property
    def asked(self) -> str:
        """`HOLD atg.dose, OPEN atg.days` for whatever keeps the order from being settled; empty where nothing does."""
        return ", ".join(question.label for question in self.questions if question.level != "note")

    @cached_property
    def each(self) -> Each | None:
        """The dose of one administration; None where it is open, held, or no decimal that ends."""
        dose = self.order.dose
        if not isinstance(dose, forms.Dose) or self.held or (dose.time == "course" and not self.count):
            return None
        low, high = map(decimal, rules.per_administration(self.order, dose))
        return None if low is None or high is None else Each(low, high, dose.unit, dose.per)

    @property
    def amount(self) -> Each | None:
        """The dose of one administration where it is one value; None else."""
        return self.each if self.each and self.each.low == self.each.high else None

    @property
    def count(self) -> int | None:
        """How many administrations the days make, else how many the dose prints; None while that is open."""
        dose = self.order.dose if isinstance(self.order.dose, forms.Dose) else None
        printed = dose and (dose.doses or (dose.days and dose.days * rules.per_day(self.order)))
        return rules.administrations(self.order) or printed or None

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The days as stretches, one where all days are equally far apart; none while the days are open."""
        return stretches(self.order.days) if isinstance(self.order.days, tuple) else ()

    @property
    def clock(self) -> tuple[int, ...]:
        """The stated clock times, minutes after midnight; empty where the order states none."""
        at, first = self.order.at, self.order.first
        return at.minutes if isinstance(at, forms.Clock) else (first,) if isinstance(first, int) else ()

    @property
    def every(self) -> tuple[Decimal, Decimal] | None:
        """The shortest and longest hours between doses, where the dose states an interval."""
        dose = self.order.dose
        return (dose.every, dose.slowest or dose.every) if isinstance(dose, forms.Dose) and dose.every else None

    @property
    def hangs(self) -> forms.Offset | None:
        """What the start hangs on instead of a day."""
        return next((one for one in (self.order.at, self.order.first) if isinstance(one, forms.Offset)), None)

    @cached_property
    def words(self) -> str:
        """The order as one line: dose, days, hours, route, and all that its source prints beside them."""
        row = self.row
        told = [row["dose"], self.days, row["rhythm"], ROUTES.get(row["route"], row["route"])]
        told += [f"over {forms.say_duration(row['over'])}" if row["over"] else ""]
        told += [f"course total {row['total'].removesuffix('/course')}" if row["total"] else "", self.weight]
        told += [*(f"{name} {value}" for name, value in row["limits"].items()), *self.gaps]
        return "; ".join(filter(None, told))

    @property
    def gaps(self) -> list[str]:
        """The earliest and the latest start after another drug or event, in words."""
        return [f"not before {one.text}" for one in self.order.not_before] + [f"not after {one.text}" for one in self.order.not_after]

    @property
    def days(self) -> str:
        """`days -5..-2`, `day 0`, `days not given: choose`."""
        told: str = self.row["days"]
        return told if told.startswith("days") else f"day{'' if len(self.order.days) == 1 else 's'} {told}"

    @property
    def weight(self) -> str:
        """The dosing weight of a dose by weight or surface, in words."""
        if not isinstance(self.order.dose, forms.Dose) or not self.order.dose.per:
            return ""
        return "dosing weight not named by the source" if self.order.weight == "unspecified" else f"dosing weight {self.order.weight}"


@dataclass(frozen=True)
class Protocol:
    """A protocol ready for export, with the choices that were made for it."""

    regimen: Regimen
    chosen: Mapping[str, str]
    parts: tuple[Part, ...]
    questions: tuple[Question, ...]  # of the whole protocol
    file: Path | None = None  # where it is written, for the format that gives the text back

    @property
    def asked(self) -> tuple[tuple[str | None, Question], ...]:
        """Everything open, with the order it stands against."""
        return tuple([(None, one) for one in self.questions] + [(part.id, one) for part in self.parts for one in part.questions])

    @property
    def name(self) -> str:
        """`id@version`."""
        return f"{self.regimen.id}@{self.regimen.version}"

    def uuid(self, key: str) -> str:
        """A name for one thing of this protocol that every export of the same version and choices repeats."""
        made = "".join(f" {name}={value}" for name, value in sorted(self.chosen.items()))
        return str(uuid5(SPACE, f"{self.name}{made} {key}"))

    def part(self, id: str) -> Part | None:
        """The order of an id."""
        return next((part for part in self.parts if part.id == id), None)

    def named(self, event: str, asking: Part) -> tuple[Part, ...]:
        """The orders that a time hangs on: the one that is the event, else of that id, else all of that drug."""
        others = [part for part in self.parts if part is not asking]
        ways = ([part for part in others if event == name(part)] for name in (lambda p: p.order.event, lambda p: p.id, lambda p: p.drug.id))
        return tuple(next(filter(None, ways), ()))


def protocol(regimen: Regimen, choose: Mapping[str, str], shelf: Library, file: Path | None = None) -> Protocol:
    """The protocol with some choices made; `InputError` for a choice that cannot be made (see `choosing.fixed`)."""
    made = fixed(regimen, choose, shelf)
    rows = {row["id"]: row for row in page.to_dict(made.regimen)["orders"]}
    stops = tuple(_stops(made.regimen, made.closed))
    asked = {order.id: (*_asked(order, made.regimen, shelf), *(() if order.event else stops)) for order in made.regimen.orders}
    parts = tuple(Part(order, shelf.drugs[order.drug], rows[order.id], asked[order.id]) for order in made.regimen.orders)
    void = (Question(name, "note", "was chosen and is not asked for with the other choices; it is not used") for name in made.void)
    return Protocol(made.regimen, dict(choose), parts, (*stops, *_whole(made.regimen), *void), file)


def stretches(days: tuple[int, ...]) -> tuple[Stretch, ...]:
    """Days as one stretch where they are equally far apart, else as runs of consecutive days."""
    steps = {after - before for before, after in pairwise(days)}
    if len(steps) == 1:
        return (Stretch(days[0], steps.pop(), len(days)),)
    return tuple(Stretch(first, 1, length) for first, length in runs(days))


def decimal(value: Fraction) -> Decimal | None:
    """A fraction as a decimal number; None where it does not end."""
    made = Decimal(value.numerator) / Decimal(value.denominator)
    return made if Fraction(made) == value else None


def _stops(regimen: Regimen, closed: tuple[tuple[str, str], ...]) -> Iterator[Question]:
    """What holds every order: a withdrawn file, an option its source has closed."""
    if regimen.status == "withdrawn":
        yield Question("withdrawn", "block", f"{regimen.id}@{regimen.version} is withdrawn: no dose of it may be released.")
    yield from (Question(f"{name}.closed", "block", f"the chosen option is closed and never releasable: {why}") for name, why in closed)


def _whole(regimen: Regimen) -> Iterator[Question]:
    """What is open in the whole protocol: choices without a default, questions about no single order, a later version."""
    for name, choice in regimen.choices.items():
        if choice.default is None:
            yield Question(name, "open", f"{choice.ask} Options: {', '.join(choice.options)}.{_when(choice)}", choice.cite)
    yield from (_of_file(query, "") for query in regimen.queries if query.order is None)
    if regimen.superseded_by:
        yield Question("superseded", "note", f"superseded by {regimen.superseded_by}.")


def _asked(order: Order, regimen: Regimen, shelf: Library) -> Iterator[Question]:
    """What is open of one order: findings on its dose, what a person must choose, the questions of its file."""
    seen = set()
    for hit in (hit for one in _judged(order) for hit in limit_hits(line_of(one, shelf, Rhythm(one.id, ())), begun=_in_part(order, regimen))):
        if (hit.id, str(hit.message)) not in seen:
            seen.add((hit.id, str(hit.message)))
            yield Question(hit.id, hit.level, str(hit.message), order.cite)
    yield from _open(order)
    yield from (_of_file(query, conflicts.per_basis(order, query)) for query in regimen.queries if query.order == order.id)


def _judged(order: Order) -> Iterator[Order]:
    """The order with each end of its dose, to be held against the limits; nothing where no single dose can be told."""
    dose = order.dose
    if not isinstance(dose, forms.Dose) or (dose.time == "course" and not rules.administrations(order)):
        return
    for end in dict.fromkeys((dose.low, dose.high)):
        yield order.model_copy(update={"dose": forms.read_dose(str(_one_value(dose, end)))})


def _one_value(dose: forms.Dose, end: Decimal) -> forms.Dose:
    return replace(dose, low=end, high=end, slowest=None)


def _in_part(order: Order, regimen: Regimen) -> bool:
    """Whether the order alone does not make the course of its drug, so that limits of a course say nothing of it."""
    return order.days == "ask" or any(other.drug == order.drug for other in regimen.orders if other.id != order.id)


def _open(order: Order) -> Iterator[Question]:
    dose = order.dose
    if dose == "ask" or isinstance(dose, forms.OpenDose):
        told = "the dose is set by drug level" if dose == "by level" else "the source prints no dose"
        yield Question(f"{order.id}.dose", "note" if order.event else "open", f"{told}; none is filled in.", order.cite)
    elif isinstance(dose, forms.Dose) and dose.is_range:
        yield Question(f"{order.id}.dose", "open", f"the source prints a range, {dose}, and no rule for choosing; no middle value is taken.", order.cite)
    if order.days == "ask":
        yield Question(f"{order.id}.days", "open", "the source prints no days; none are filled in.", order.cite)
    if order.first == "ask":
        yield Question(f"{order.id}.time", "open", "the source prints no hour for the first dose.", order.cite)
    if order.until:
        yield Question(f"{order.id}.until", "note", f"the course ends by an event, {order.until}; the listed days are what is planned.", order.cite)


def _of_file(query: Query, courses: str) -> Question:
    return Question(query.id, query.level, f"{query.ask}{f' Side by side: {courses}.' if courses else ''}{_when(query)}", query.cite)


def _when(entry: Query | Choice) -> str:
    """The sentence that says under which condition something is asked; empty where it always is."""
    return f" Asked when {page.when_said(entry)}." if entry.when else ""  # type: ignore[arg-type]  # it reads `when` only
