"""What a regimen, drug or site file may say: pydantic models over written forms.

Every scalar of a file arrives as text; the types here decide what it means. Nothing has a silent default that could
change a dose: a key that matters is asked for, an unknown key is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from dosing import forms
from dosing.errors import DosingError, refuse


def written(reader: Callable[[str], Any], what: str, *examples: str) -> Any:
    """A field type whose text is read by one of the written forms of `dosing.forms`."""

    def read(text: Any) -> Any:
        if not isinstance(text, str):
            raise PydanticCustomError("R01", "{what}", {"what": f"{what} expected", "do": f"write {examples[0]}."})
        try:
            return reader(text)
        except DosingError as error:
            fault = error.faults[0]
            raise PydanticCustomError(fault.code, "{what}", {"what": fault.what, "do": fault.do}) from None

    return Annotated[
        Any,
        BeforeValidator(read),
        PlainSerializer(str, return_type=str),
        WithJsonSchema({"type": "string", "description": what, "examples": list(examples)}),
    ]


def matching(code: str, pattern: str, what: str, cure: str) -> Callable[[str], str]:
    """A reader of texts that match one pattern, refused with `code` otherwise."""
    import re

    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise refuse(code, f'"{text[:40]}" is not {what}', cure)
        return text

    return read


def read_prose(text: str) -> str:
    """A text for people: no markup, no template, no control characters (S02, S05, D17), at most 600 characters."""
    if len(text) > 600:
        raise refuse("R06", f"the text has {len(text)} characters", "shorten it to 600.")
    if "{{" in text or "{%" in text:
        raise refuse("S05", "the text holds template code", "write plain words.")
    if "<" in text and ">" in text[text.index("<") :]:
        raise refuse("S02", "the text holds markup", "write plain words, without < and >.")
    if any(not (sign.isprintable() or sign == "\n") for sign in text):
        raise refuse("D17", "the text holds a hidden character", "delete it and type it again.")
    if not text.strip():
        raise refuse("R05", "the text is empty", "write it or remove the key.")
    return text.strip()


def read_name(text: str) -> str:
    """A name of at most 80 characters, by the rules of `read_prose`."""
    if len(text) > 80:
        raise refuse("R06", f"the name has {len(text)} characters", "shorten it to 80.")
    return read_prose(text)


def read_meaning(text: str) -> str:
    """What day 0 is, in words; a date is refused (R01), as regimen files hold no patient's dates."""
    if any(sign.isdigit() for sign in text[:4]):
        raise refuse("R01", f'"{text[:40]}" is a date', "say in words which day is day 0; the date is given with the patient.")
    return read_prose(text)


def read_rounding_limit(text: str) -> Decimal:
    """How far a rounding may change a dose, in percent: above 0 and at most 10 (R13)."""
    limit = forms.read_percent(text)
    if not 0 < limit <= 10:
        raise refuse("R13", f"a rounding of {text} changes the dose too much", "state at most 10 %.")
    return limit


def read_bounds(text: str) -> forms.Dose:
    """A limit as a dose range: `5..60 mg/m2/day`, `at most 240 mg/kg/course`, `at least 5e6 cells/kg`."""
    one_sided = {"at most ": ("low", Decimal(0)), "at least ": ("high", Decimal("Infinity"))}
    for words, (side, bound) in one_sided.items():
        if text.startswith(words):
            return replace(_dose(text.removeprefix(words)), **{side: bound})  # type: ignore[arg-type]
    dose = _dose(text)
    if not dose.is_range:
        raise refuse("R13", f'"{text}" has no two ends', 'write "5..60 mg/m2/day" or "at most 60 mg/m2/day".')
    return dose


def _dose(text: str) -> forms.Dose:
    dose = forms.read_dose(text)
    if isinstance(dose, forms.OpenDose):
        raise refuse("R13", f'"{text}" is not a limit', 'write "5..60 mg/m2/day".')
    return dose


def read_ask_or(reader: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader that also takes the word `ask`: the source gives none, a person must choose."""
    return lambda text: "ask" if text == "ask" else reader(text)


if TYPE_CHECKING:
    from typing import TypeAlias

    Id: TypeAlias = str
    Word: TypeAlias = str
    Prose: TypeAlias = str
    Name: TypeAlias = str
    Meaning: TypeAlias = str
    Zone: TypeAlias = str
    DoseText: TypeAlias = forms.Dose | forms.OpenDose | str
    TotalText: TypeAlias = forms.Dose
    Bounds: TypeAlias = forms.Dose
    Days: TypeAlias = tuple[int, ...]
    Rhythm: TypeAlias = forms.Clock | forms.Offset
    Time: TypeAlias = int
    Minutes: TypeAlias = int
    DateText: TypeAlias = date
    ConditionText: TypeAlias = forms.Condition
    Number: TypeAlias = Decimal
    Percent: TypeAlias = Decimal
    RoundingLimit: TypeAlias = Decimal
    Rounding: TypeAlias = str
    Amount: TypeAlias = forms.WrittenAmount
    Ages: TypeAlias = forms.AgeRange
else:
    Id = written(matching("R11", r"[a-z0-9][a-z0-9._-]{0,60}", "an id", "use small letters, digits and hyphens."), "an id", "flu")
    Word = written(matching("R11", r"[A-Za-z0-9][\w.-]{0,60}", "a word", "use letters, digits, hyphens."), "a word", "SAA-I")
    Prose = written(read_prose, "a text in plain words", "the source does not say")
    Meaning = written(read_meaning, "what day 0 is, in words", "the calendar day of the graft")
    Name = written(read_name, "a name", "fludarabine")
    DoseText = written(read_ask_or(forms.read_dose), "a dose", "30 mg/m2/day", "0.6 mg/kg/dose every 6 h", "not given", "ask")
    TotalText = written(forms.read_total, "a course total", "120 mg/m2/course")
    Bounds = written(read_bounds, "a dose limit", "5..60 mg/m2/day", "at most 240 mg/kg/course")
    Days = written(read_ask_or(forms.read_days), "days", "-5..-2", "+1, +3, +6, +11", "ask")
    Rhythm = written(forms.read_rhythm, "when in the day", "09:00", "4 h before hsc")
    Time = written(forms.read_time, "a clock time", "09:00")
    Minutes = written(forms.read_duration, "a length of time", "30 min", "4 h")
    Zone = written(forms.read_zone, "a time zone", "Asia/Shanghai")
    DateText = written(forms.read_date, "a date", "2026-11-22")
    ConditionText = written(forms.read_condition, "a condition", "stratum == SAA-I", "age >= 18 y")
    Number = written(forms.read_number, "a number", "0.01")
    Amount = written(forms.read_amount, "an amount", "1 mg", "500 mg")
    Ages = written(forms.read_ages, "an age range", "6..60 y")
    Percent = written(forms.read_percent, "a percentage", "10 %")
    RoundingLimit = written(read_rounding_limit, "a rounding limit", "10 %")
    Rounding = written(matching("R13", "step|none", "a way of rounding", "write step (the drug's measurable step) or none."), "a way of rounding", "step")

Phrases = Annotated[tuple[Prose, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
Cite = dict[Id, Phrases]


class Model(BaseModel):
    """Base of all models: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=lambda name: name.replace("_", "-"),
                              populate_by_name=False, arbitrary_types_allowed=True, ignored_types=(cached_property,))


class Source(Model):
    """Where a number was read: a registry record, paper, label or library page."""

    id: Name
    title: Prose
    address: Prose | None = None
    read: DateText
    group: Word | None = None  # sources with copied wording share a group and count as one


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
    first: Literal["ask"] | Time | None = None
    over: Minutes | None = None
    total: TotalText | None = None
    max: Amount | None = None
    route: Word | None = None
    product: Id | None = None
    weight: Word
    rounding: Rounding = "step"
    sum: Literal["yes"] | None = None
    cite: Cite
    note: Prose | None = None

    @property
    def is_open(self) -> bool:
        """Whether the source leaves the dose open (`not given`, `by level`)."""
        return isinstance(self.dose, forms.OpenDose)


class Query(Model):
    """A question the sources leave open, which a person must answer before release."""

    id: Id
    order: Id | None = None
    when: When | None = None
    code: Word = "source.conflict"
    level: Literal["query", "note"] = "query"
    ask: Prose
    instead: Days | None = None  # the days another source prints for the order: told beside the planned ones in amounts
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
    orders: tuple[Order, ...]
    queries: tuple[Query, ...] = ()
    not_scheduled: tuple[NotScheduled, ...] = ()
    silent: tuple[Prose, ...] = ()
    examples: tuple[Example, ...] = ()
    sha256: str = Field(default="", exclude=True)
    path: str = Field(default="", exclude=True)


class Limit(Model):
    """A plausible range of one drug: outside `usual` is a query, outside `hard` the line is held."""

    usual: Bounds | None = None
    hard: Bounds | None = None
    route: Word | None = None
    every: Minutes | None = None
    seen: Prose
    source: Prose
    status: Literal["proposed, needs pharmacist sign-off", "signed off"]

    @model_validator(mode="after")
    def usual_lies_inside_hard(self) -> Limit:
        """The usual range does not pass the hard one, where both are written alike."""
        usual, hard = self.usual, self.hard
        if not (usual and hard) or (usual.unit, usual.per, usual.time) != (hard.unit, hard.per, hard.time):
            return self
        low_fits = not usual.low or hard.low <= usual.low  # "at most" states no lower end
        if not (low_fits and (usual.high.is_infinite() or usual.high <= hard.high)):
            raise PydanticCustomError("R13", "{what}", {"what": f"the usual range {usual} passes the hard one {hard}", "do": "correct one of them."})
        return self


class Infusion(Model):
    """The shortest infusion a label states, for the first and for later administrations."""

    first: Minutes
    later: Minutes


class Product(Model):
    """One product of a drug in one country: strength, vial, preparation, limits of its own."""

    name: Name
    countries: tuple[Word, ...] = ()
    strength: Amount | None = None  # per mL
    vial: Amount | None = None
    reconstitute: Prose | None = None
    concentration: Prose | None = None
    diluent_ratio: Number | None = None  # volumes of diluent to one of drug
    infusion: Infusion | None = None
    limits: tuple[Limit, ...] = ()
    lowest_seen: DoseText | None = None
    usual_seen: Bounds | None = None
    note: Prose | None = None
    source: Prose
    status: Literal["site data, to be confirmed", "confirmed"] = "site data, to be confirmed"


class RenalBand(Model):
    """One row of a label's renal table, shown as advice and never applied by itself."""

    when: ConditionText
    advice: Prose
    level: Literal["query", "block"]
    source: Prose


class WeightBand(Model):
    """One row of a label's table of doses by body weight; all of its conditions hold."""

    when: tuple[ConditionText, ...]
    dose: DoseText


class Banding(Model):
    """A label's table of doses by body weight for one rhythm: shown beside an order's dose, never used in its place."""

    name: Prose
    when: ConditionText
    every: Minutes
    bands: tuple[WeightBand, ...]
    source: Prose


class Drug(Model):
    """Facts of one drug, once: names, unit, measurable step, limits and products, each with its source."""

    id: Id
    kind: Literal["drug", "cells", "graft", "radiation", "fluid"]
    names: dict[Word, Name]
    abbreviations: tuple[Name, ...] = ()
    tall_man: dict[Word, Name] = {}
    unit: Word
    small_unit: Word | None = None
    bases: tuple[Word, ...]
    step: Amount | None
    step_status: Prose | None = None
    cap: Amount | None = None  # the largest single dose its record carries; an order must then state a `max`
    needs: tuple[Literal["creatinine"], ...] = ()
    one_of: tuple[Id, ...] = ()
    graft_gap: Prose | None = None
    limits: tuple[Limit, ...] = ()
    products: dict[Id, Product] = {}
    renal: tuple[RenalBand, ...] = ()
    bandings: tuple[Banding, ...] = ()
    note: Prose | None = None
    sha256: str = Field(default="", exclude=True)

    @model_validator(mode="after")
    def limits_or_one_of(self) -> Drug:
        """A drug has limits of its own, of its products, or of the drugs it may turn out to be."""
        products = any(product.limits for product in self.products.values())
        if self.kind == "drug" and not (self.limits or products or self.one_of):
            raise PydanticCustomError("R13", "{what}", {"what": "the drug has no limits",
                                                        "do": "state a usual and a hard range with its source."})
        return self


class Site(Model):
    """House conventions: how this site measures, rounds and what it calls doubtful."""

    zone: Zone | None = None
    at: Time
    bsa: Word
    bsa_step: Number
    bsa_floor: Number
    weight_step: Number
    rounding_limit: RoundingLimit
    weight_age: Minutes
    weight_change_adult: Percent
    weight_change_child: Percent
    adult_weight: tuple[Number, Number]
    adult_height: tuple[Number, Number]
    adult_bmi: tuple[Number, Number]
    hard_bmi: tuple[Number, Number]
    bmi_ask: Number
    locale: Literal["en-US", "en-GB", "zh"] = "en-GB"
    source: Prose


def json_schema() -> dict[str, Any]:
    """The JSON Schema of regimen files, for editors (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Regimen.model_json_schema(by_alias=True)}
