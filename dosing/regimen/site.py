"""What a site file may say: the house conventions that decide how is measured, rounded and what is asked about, laid over each other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from dosing.regimen.fields import (
    Amount,
    DateText,
    GrowthRow,
    Id,
    Minutes,
    Number,
    Percent,
    Prose,
    RoundingLimit,
    Time,
    Word,
    Zone,
)
from dosing.regimen.loader import Place, Tree
from dosing.regimen.model import Model

WHOLE = {("children",)}  # one chart with its source: rows of two charts never mix
OWN = {"zone", "locale", "country"}  # what a unit says of itself needs no source


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
    amount: Percent  # of the planned amount; a given amount that differs by more is asked about
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
    def closed(self) -> frozenset[str]:
        """The days that start nothing unasked: names of weekdays, and holidays as ISO dates."""
        return frozenset((*self.weekend, *(day.isoformat() for day in self.holidays)))

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


def laid(below: Tree, above: Tree) -> Tree:
    """The conventions of one file laid over those of another, key by key, each with the file and line that states it.

    What `above` states wins: a mapping merges, a text, a list or the chart of children replaces. The faults are those of both.
    """
    replaced: set[Place] = set()

    def over(old: Any, new: Any, place: Place) -> Any:
        if place in WHOLE or not (isinstance(old, dict) and isinstance(new, dict)):
            replaced.add(place)
            return new
        stated = {key: over(old[key], value, (*place, key)) if key in old else value for key, value in new.items()}
        return old | stated | _other_source(old, stated, above.name)

    value = over(below.value, above.value, ()) if isinstance(above.value, dict) else below.value
    kept = {place: line for place, line in below.lines.items() if place not in above.lines and replaced.isdisjoint(place[:n] for n in range(len(place) + 1))}
    files = {place: below.files.get(place, below.name) for place in kept}
    return Tree(above.name, value, kept | above.lines, [*below.faults, *above.faults], files)


def _other_source(old: dict[str, Any], stated: dict[str, Any], name: str) -> dict[str, str]:
    """A source that no longer speaks of all its conventions says so, where the file that changes some states no source."""
    changed = [key for key, value in stated.items() if key not in OWN and value != old.get(key) and "source" not in (value if isinstance(value, dict) else ())]
    source = old.get("source")
    return {"source": f"{source}; in part as {name} states"} if changed and "source" not in stated and isinstance(source, str) and source else {}


class Convention(NamedTuple):
    """One house convention in effect: its key, its value as written, and the `file:line` that states it; both empty where none does."""

    key: str
    value: str
    where: str


def conventions(tree: Tree) -> Iterator[Convention]:
    """Every convention that a site file states, then those that it leaves open."""
    yield from _stated(tree, tree.value, ())
    for model, there, before in ((Site, tree.value, ""), (Happening, tree.value["course"], "course.")):
        keys = (info.alias or name for name, info in model.model_fields.items())
        yield from (Convention(before + key, "", "") for key in keys if key not in there)


def _stated(tree: Tree, there: dict[str, Any], place: Place) -> Iterator[Convention]:
    for key, value in there.items():
        here = (*place, key)
        if isinstance(value, dict) and here not in WHOLE:
            yield from _stated(tree, value, here)
        else:
            yield Convention(".".join(map(str, here)), _told(value), tree.spot(here))


def _told(value: Any) -> str:
    """A value as one text: a list with commas, a mapping in words, a chart by its source."""
    if isinstance(value, list):
        return ", ".join(map(_told, value))
    if isinstance(value, dict):
        return str(value.get("source") or " ".join(f"{key} {entry}" for key, entry in value.items()))
    return str(value)
