"""What a drug file may say: names, unit, measurable step, limits, tables, timing rules and products."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from dosing.regimen.fields import (
    Amount,
    Bounds,
    ConditionText,
    Days,
    DoseText,
    Id,
    Minutes,
    Name,
    Number,
    Prose,
    Share,
    Word,
)
from dosing.regimen.model import Model


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

    Each table compares in its own unit: `crcl` in mL/min, `crcl-indexed` in mL/min/1.73 m2. A patient whom `when` leaves
    out is refused, with the reason `because`.
    """

    name: Prose
    when: ConditionText | None = None
    because: Prose | None = None
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
