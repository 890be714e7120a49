"""What a regimen, drug or site file may say: pydantic models over written forms.

Every scalar of a file arrives as text; the field types decide what it means. Nothing has a silent default that could
change a dose: a key that matters is asked for, an unknown key is refused.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from dosing import forms
from dosing.display import as_bundle, as_html
from dosing.regimen.fields import (
    Ages,
    Amount,
    Anchors,
    Bounds,
    Cite,
    ConditionText,
    DateText,
    Days,
    DoseText,
    First,
    GrowthRow,
    Id,
    Meaning,
    Minutes,
    Name,
    Number,
    Percent,
    Prose,
    Rhythm,
    Rounding,
    RoundingLimit,
    Share,
    Surface,
    Time,
    TotalText,
    Version,
    Word,
    Zone,
    either,
)

MADE = ("sha256", "path", "superseded-by")  # what a model holds of its file, and no file may write


class Model(BaseModel):
    """Base of all models: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, alias_generator=lambda name: name.replace("_", "-"),
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

    def __repr__(self) -> str:
        return f"<Regimen {self.id}@{self.version} ({self.status}): {len(self.orders)} orders, {len(self.choices)} choices, {len(self.queries)} open questions>"

    def _repr_html_(self) -> str:
        return as_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return as_bundle(self)


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
    withdrawable: Amount | None = None  # what one vial yields where that is not what it holds
    reconstitute: Prose | None = None
    reconstitute_volume: Amount | None = None  # mL of diluent for one vial
    concentration: Prose | None = None
    concentration_min: Amount | None = None  # of the final volume, per mL
    concentration_max: Amount | None = None
    diluents: tuple[Name, ...] = ()
    diluent_ratio: Number | None = None  # volumes of diluent to one of drug
    bag: Amount | None = None  # mL the label names for the content of one vial
    stable: Minutes | None = None  # from dilution to the end of the infusion, at room temperature where the label names one
    opened: Minutes | None = None  # from reconstitution or first puncture, at room temperature
    opened_cold: Minutes | None = None  # the same at 2 to 8 C
    stability: Prose | None = None  # what the label says beside these figures
    light: Prose | None = None
    filter: Prose | None = None
    line: Prose | None = None
    counts: Literal["total", "viable"] | None = None  # what the label's cell dose counts
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
    note: Prose | None = None  # where another source draws the edge elsewhere


class Reduction(Model):
    """One row of a label's table of reductions: what is left of the printed dose, or that it is not given."""

    when: tuple[ConditionText, ...]
    give: Share


class Table(Model):
    """A label's table of reductions by kidney function; a person or a regimen names it, nothing applies it by itself.

    Each table compares in its own unit: `crcl` in mL/min, `crcl-indexed` in mL/min/1.73 m2.
    """

    name: Prose
    speaks_of: Prose  # the dose and disease the label's table was written for
    bands: tuple[Reduction, ...]
    source: Prose


class Banding(Model):
    """A label's table of doses by body weight for one rhythm: shown beside an order's dose, never used in its place."""

    name: Prose
    when: ConditionText
    every: Minutes
    bands: tuple[WeightBand, ...]
    source: Prose


class Timing(Model):
    """One rule of a source on when a drug may stand to others; `dosing.checks.intervals` says what each rule asks.

    `after-last` and `after-each`: the other drugs start at least so long after the last, or after each, dose ends;
    `apart`: the drug's own doses; `cover`: one of the others is given from `before` the first to `after` the last dose;
    `avoid`: the others are not given from `before` the first dose to the last; `days`: the only days after the graft;
    `within`: preparation and infusion together take no longer; `mixing`: not in one line at one time.
    """

    rule: Literal["after-last", "after-each", "apart", "cover", "avoid", "days", "within", "mixing"]
    drugs: tuple[Name, ...] = ()  # ids of drug files, and other names of what a patient may be taking
    time: Minutes | None = None
    before: Minutes | None = None
    after: Minutes | None = None
    days: tuple[Days, ...] = ()
    route: Word | None = None
    level: Literal["query", "note"] = "query"
    says: Prose  # who says so, and in a few words what
    source: Prose

    @model_validator(mode="after")
    def the_rule_has_its_figures(self) -> Timing:
        """Each rule states the times it is about, and nothing else."""
        wanted = {"apart": {"time"}, "within": {"time"}, "days": {"days"}, "cover": {"drugs", "before", "after"}, "mixing": {"drugs"}, "avoid": {"drugs"}}
        need, may = wanted.get(self.rule, {"drugs", "time"}), {"before"} if self.rule == "avoid" else set()
        has = {name for name in ("drugs", "time", "before", "after", "days") if getattr(self, name) not in (None, ())}
        if not need <= has <= need | may:
            raise PydanticCustomError("R13", "{what}", {"what": f"a rule of the kind {self.rule} states {', '.join(sorted(has)) or 'nothing'}", "do": f"state {', '.join(sorted(need))}."})
        return self


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
    timing: tuple[Timing, ...] = ()
    bandings: tuple[Banding, ...] = ()
    tables: dict[Id, Table] = {}
    bands: tuple[Amount, ...] = ()  # a site's standard doses, ascending; the shipped files state none
    band_anchor: Amount | None = None  # one standard dose that a constructed set of bands must hold
    lifetime: Bounds | None = None  # of all courses together; asks for what was given before
    molar_mass: Number | None = None  # g/mol, for exposures in mol
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


class Graduation(Model):
    """The smallest mark of the syringes this site measures volumes with, up to a volume; without one for all larger."""

    step: Amount
    upto: Amount | None = None


class Growth(Model):
    """Bounds of a child's body by age in years: held below, asked below, asked above, held above of each measure."""

    boys: dict[Number, GrowthRow]
    girls: dict[Number, GrowthRow]
    source: Prose

    @model_validator(mode="after")
    def ages_are_the_same_and_rise(self) -> Growth:
        """Boys and girls have rows of the same ages, youngest first."""
        ages = list(self.boys)
        if ages != list(self.girls) or ages != sorted(ages):
            raise PydanticCustomError("R13", "{what}", {"what": "the ages of boys and girls differ or do not rise", "do": "write the same ages for both, youngest first."})
        return self

    @cached_property
    def table(self) -> Any:
        """The ages, and the bounds of girls and of boys as arrays of 3 measures × 4 bounds × ages."""
        import numpy as np

        rows = (np.array(list(table.values())).T.reshape(3, 4, -1) for table in (self.girls, self.boys))
        return (np.array([float(age) for age in self.boys]), *rows)


class Happening(Model):
    """House conventions for a course as it happens: what is on time, near, far, and what is asked about."""

    late: Minutes  # within it of its planned start a dose is on time
    far: Minutes  # a start farther from the planned one is taken for a slip of the pen
    near: Percent  # of the ordered distance; two doses nearer than this are flagged
    above: Percent  # of the planned amount; a given amount above it by more is asked about
    weight: tuple[Percent, Percent]  # a new weight that differs by more is flagged at each
    level: Percent  # a dose that a level changes by more is flagged
    second_for: tuple[Word, ...] = ()  # kinds of entry for which this site asks a second person
    source: Prose


class Site(Model):
    """House conventions: how this site measures, rounds and what it calls doubtful."""

    zone: Zone | None = None
    at: Time
    bsa: Word
    bsa_step: Number
    bsa_floor: Number
    weight_step: Number
    rounding_limit: RoundingLimit
    rounding: Id | None = None  # a named policy for orders that state none; not used for trials and cells
    weight_rules: tuple[Id, ...] = ()  # for orders that state no dosing weight; the first that speaks of the drug
    weight_age: Minutes
    weight_change_adult: Percent
    weight_change_child: Percent
    adult_weight: tuple[Number, Number]
    adult_height: tuple[Number, Number]
    adult_bmi: tuple[Number, Number]
    hard_bmi: tuple[Number, Number]
    bmi_ask: Number
    ask_above: dict[Literal["age", "creatinine"], Number] = {}  # years, mg/dL: a larger one is asked about
    children: Growth | None = None  # without it the size of a child is judged by the hard body mass index only
    weekend: tuple[Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], ...] = ()
    holidays: tuple[DateText, ...] = ()
    locale: Literal["en-US", "en-GB", "zh"] = "en-GB"
    graduations: tuple[Graduation, ...] = ()  # ascending; the shipped site states none, so volumes are not rounded
    bags: tuple[Amount, ...] = ()  # mL; the shipped site states none, so no bag is chosen
    country: Word | None = None  # whose products are offered first; a product is never chosen by it
    fluid_child: Amount | None = None  # mL/kg in one day, below 18 years; the shipped site states none
    fluid_adult: Amount | None = None
    course: Happening
    source: Prose

    @cached_property
    def ordinary(self) -> tuple[tuple[float, float], ...]:
        """Between which weights, heights and body mass indices an adult is not asked about."""
        return tuple((float(low), float(high)) for low, high in (self.adult_weight, self.adult_height, self.adult_bmi))

    @cached_property
    def highest(self) -> tuple[tuple[str, float], ...]:
        """The facts that are asked about above a value, as numbers."""
        return tuple((name, float(limit)) for name, limit in self.ask_above.items())

    @cached_property
    def adult_bounds(self) -> Any:
        """An adult's bounds as an array of weight, height and body mass index (3 × 4 × 1)."""
        (held_low, held_high), wide = self.hard_bmi, (0, 1000)
        return _array(((wide[0], *self.adult_weight, wide[1]), (wide[0], *self.adult_height, wide[1]), (held_low, *self.adult_bmi, held_high)))

    @cached_property
    def child_bounds(self) -> Any:
        """A child's bounds where the site states none by age: the hard body mass index."""
        low, high = self.hard_bmi
        return _array(((0, 0, 1000, 1000), (0, 0, 1000, 1000), (low, low, high, high)))


def _array(rows: Any) -> Any:
    import numpy as np

    return np.array(rows, float)[..., None]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of regimen files, for editors (draft 2020-12)."""
    made = Regimen.model_json_schema(by_alias=True)
    written = {key: value for key, value in made["properties"].items() if key not in MADE}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "properties": written}
