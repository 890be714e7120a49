"""What a regimen file may say: header, sources, choices, events, orders, queries and worked examples."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from dosing import forms
from dosing.display import as_bundle, as_html
from dosing.regimen.fields import (
    Ages,
    Amount,
    Anchors,
    Cite,
    ConditionText,
    DateText,
    Days,
    DoseText,
    First,
    Id,
    Meaning,
    Minutes,
    Name,
    Prose,
    Rhythm,
    Rounding,
    Share,
    Surface,
    Time,
    TotalText,
    Version,
    Word,
    Zone,
    either,
)
from dosing.regimen.model import MADE, Model


class Source(Model):
    """Where a number was read: a registry record, paper, label or library page."""

    id: Name
    title: Prose
    address: Prose | None = None
    read: DateText
    group: Word | None = None  # sources with copied wording share a group and count as one
    wording: Literal["printed", "partly condensed", "condensed"] = "printed"  # whether its cited phrases stand there word for word

    def told(self) -> dict[str, str]:
        """What a page says of it: id, title, address, date read, and its wording where that is not the printed one."""
        wording = {} if self.wording == "printed" else {"wording": self.wording}
        return {"id": self.id, "title": self.title, "address": self.address or "", "read": self.read.isoformat(), **wording}


class When(Model):
    """A condition on choices and patient: all of a list, or any of a list."""

    all: tuple[ConditionText, ...] = ()
    any: tuple[ConditionText, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def one_or_all(cls, value: Any) -> Any:
        """A plain condition means itself; a plain list means all of them."""
        if isinstance(value, str):
            return {"all": [value]}
        return {"all": value} if isinstance(value, list) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [either("a condition, or a list of which all hold", "stratum == SAA-I"), handler(core)]}


class Choice(Model):
    """A decision a person makes before planning: named options, asked for in one sentence."""

    ask: Prose
    options: dict[Word, Prose]
    default: Word | None = None
    blinds: Literal["yes"] | None = None  # with the option `blinded`, no per-patient output tells the others
    closed: dict[Word, Prose] = {}  # options nobody may release any more: why, and where that stands
    when: When | None = None
    cite: Cite = {}

    @model_validator(mode="after")
    def default_and_closed_are_options(self) -> Choice:
        """A default and a closed entry must be one of the options, and the default must be open."""
        wrong = [name for name in (self.default, *self.closed) if name is not None and name not in self.options]
        if wrong:
            raise PydanticCustomError("R11", "{what}", {"what": f'"{wrong[0]}" is no option of this choice',
                                                        "do": f"options: {', '.join(self.options)}."})
        if self.default in self.closed:
            raise PydanticCustomError("R11", "{what}", {"what": f'the default "{self.default}" is closed',
                                                        "do": "remove the default; a person chooses."})
        return self


class Event(Model):
    """A moment that orders hang on and that no order is itself: an apheresis, the end of an operation, the host's graft."""

    what: Prose
    days: Days
    at: Time | None = None  # where the source prints the hour; else it is given with the plan
    when: When | None = None
    cite: Cite = {}


class Order(Model):
    """One drug line of a regimen: what, how much, on which days, when in the day."""

    id: Id
    drug: Id
    when: When | None = None
    dose: DoseText
    days: Days
    until: Word | None = None
    at: Rhythm | None = None
    event: Id | None = None
    first: First | None = None
    not_before: Anchors = ()  # the earliest and the latest start of the first dose, checked and shown
    not_after: Anchors = ()
    apart: Minutes | None = None  # the shortest time between two doses of this order
    over: Minutes | None = None
    total: TotalText | None = None
    max: Amount | None = None
    max_day: Amount | None = None
    max_course: Amount | None = None
    bsa_max: Surface | None = None
    share: Share | None = None  # what a person leaves of the printed dose; not for files
    adjust: Id | None = None  # a table of the drug's file, by its name
    route: Word | None = None
    product: Id | None = None
    weight: Word
    rounding: Rounding | None = None  # the site's policy where none is stated
    sum: Literal["yes"] | None = None
    cite: Cite
    note: Prose | None = None

    @property
    def is_open(self) -> bool:
        """Whether the source leaves the dose open (`not given`, `by level`)."""
        return isinstance(self.dose, forms.OpenDose)


class Instead(Model):
    """What another source prints for an order; a dose or days it does not state are the order's."""

    dose: DoseText | None = None
    days: Days | None = None


class Query(Model):
    """A question the sources leave open, which a person must answer before release."""

    id: Id
    order: Id | None = None
    when: When | None = None
    code: Word = "source.conflict"
    level: Literal["query", "note"] = "query"
    ask: Prose
    instead: dict[Id, Instead] = {}  # by cited source, what it prints for the order: told beside the planned course in amounts
    cite: Cite


class NotScheduled(Model):
    """A drug the source names without a dose: printed, never filled in."""

    drug: Id
    reason: Prose
    cite: Cite


class Example(Model):
    """A worked example, calculated by hand or by the source, never by this program."""

    by: Prose
    patient: dict[Word, Prose]
    day0: DateText | None = None
    zone: Zone | None = None
    times: dict[Id, Prose] = {}
    choose: dict[Id, Prose] = {}
    expect: dict[Id, Prose]


class Regimen(Model):
    """One protocol or block: header, sources, choices, flat list of orders, queries, worked examples."""

    id: Id
    version: Word
    supersedes: Version | None = None
    status: Literal["draft", "reviewed", "released", "withdrawn"]
    author: Name | None = None
    approved_by: tuple[Name, ...] = ()
    title: Prose
    trial: Literal["yes", "no"]
    kind: Literal["protocol", "block"] = "protocol"
    day0: Meaning
    ages: Ages | None = None
    bsa: Word | None = None
    sources: dict[Id, Source]
    choices: dict[Id, Choice] = {}
    events: dict[Id, Event] = {}
    duplicates: dict[Id, Literal["sum", "replace", "keep"]] = {}  # of a block: what is meant where the protocol has the drug as well
    orders: tuple[Order, ...]
    queries: tuple[Query, ...] = ()
    not_scheduled: tuple[NotScheduled, ...] = ()
    silent: tuple[Prose, ...] = ()
    examples: tuple[Example, ...] = ()
    sha256: str = Field(default="", exclude=True)
    path: str = Field(default="", exclude=True)
    superseded_by: str = Field(default="", exclude=True)
    changed_since: tuple[str, ...] = Field(default=(), exclude=True)  # files its figures hang on that are not those of its release

    def __repr__(self) -> str:
        return f"<Regimen {self.id}@{self.version} ({self.status}): {len(self.orders)} orders, {len(self.choices)} choices, {len(self.queries)} open questions>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return as_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return as_bundle(self)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of regimen files, for editors (draft 2020-12)."""
    made = Regimen.model_json_schema(by_alias=True)
    written = {key: value for key, value in made["properties"].items() if key not in MADE}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "properties": written}
