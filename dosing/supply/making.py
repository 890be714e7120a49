"""Every distinct dose prepared once: by the label of its product, what is drawn up, from which vials, into which bag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from dosing.errors import Fault, UsageError, closest
from dosing.preparation import CELLS
from dosing.preparation.asking import Ask, asks, missing
from dosing.preparation.drawing import draw
from dosing.preparation.given import Given, read_given
from dosing.preparation.infusing import infuse
from dosing.preparation.label import FACTS, STATED, Source, ask_product, source_of
from dosing.preparation.prepared import Prepared
from dosing.preparation.sharing import keeps_open
from dosing.preparation.vials import waste
from dosing.regimen.drug import Product
from dosing.regimen.library import Library
from dosing.schedule import Administration, Finding
from dosing.supply.doses import Dose, Group, Protocols
from dosing.supply.result import Check, Keeping
from dosing.units import in_unit

T = TypeVar("T")
Recipes = tuple[str, str, str, str, str]
Key = tuple[Recipes, str, str]
Pack = tuple[Any, ...]
ASKED = ("product", "strength", "vial", "bag", "diluent")  # what a count of vials and bags hangs on
TOLD = ("measurable", "concentration", "diluent", "overfill", "country", "label")


@dataclass(frozen=True)
class Stated:
    """What was stated beside the plans, by the name of an order, of a drug, or `REGIMEN/ORDER`."""

    products: Mapping[str, str | tuple[str, ...]]
    volumes: Mapping[str, str]
    bags: tuple[str, ...]
    graduation: str
    withdraw: bool | None
    country: str
    prices: Mapping[str, str]

    @classmethod
    def of(cls, products: Any, volumes: Any, bags: Iterable[str], graduation: str, withdraw: bool | None, country: str, prices: Any) -> Stated:
        """The arguments of `supply()`, with nothing for what was left out."""
        named = {key: value if isinstance(value, str) else tuple(value) for key, value in (products or {}).items()}
        return cls(named, volumes or {}, tuple(bags), graduation, withdraw, country, prices or {})

    @property
    def names(self) -> set[str]:
        """Every name something was stated for."""
        return {_name(key) for key in self.products} | set(self.volumes)


def _name(key: str) -> str:
    """The order or drug of a key such as `bu` or `bu.vial`."""
    name, _, fact = key.rpartition(".")
    return name if name and fact in FACTS else key


def _said(stated: Mapping[str, T], names: tuple[str, ...]) -> dict[str, T]:
    """What is stated under any of some names, under the first of them; a nearer (earlier) name wins."""
    return {names[0] + key[len(name) :]: value for name in reversed(names) for key, value in stated.items() if _name(key) == name}


@dataclass(frozen=True)
class Recipe:
    """How the doses of one order are prepared: its product's label and what was stated. Sizes in the drug's unit."""

    source: Source
    given: Given

    @cached_property
    def sizes(self) -> dict[str, Fraction]:
        """What can be withdrawn from one vial of each product; empty where any is not on file."""
        held = {name: product.withdrawable or product.vial for name, product in sorted(self.source.products.items())}
        return {name: in_unit(one.value, one.unit, self.source.drug.unit) for name, one in held.items() if one} if all(held.values()) else {}

    @cached_property
    def pack(self) -> Pack:
        """What orders must share so that their vials are ordered together: drug and label."""
        return self.source.drug.id, tuple(sorted((name, str(one.strength), str(one.withdrawable or one.vial), self._keeping(one)) for name, one in self.source.products.items()))

    @cached_property
    def keeps(self) -> Keeping | None:
        """How long an opened vial of any of the products keeps, the shortest of them; None where one does not say."""
        found = [self._keeping(product) for product in self.source.products.values()]
        return min((one for one in found if one), default=None) if all(found) else None

    def _keeping(self, product: Product) -> Keeping | None:
        """How long an opened vial keeps by the rule of a preparation, and by which of the label's figures."""
        limit = keeps_open(product)
        if limit is None:
            return None
        fact, at = ("opened", "room temperature") if product.opened == limit else ("opened_cold", "2 to 8 °C")
        return Keeping(limit, at, STATED if fact in self.source.facts else product.source)

    def make(self, row: Administration) -> Prepared:
        """One dose prepared; the question for a product where none is named."""
        if not self.source.products:
            return Prepared(row, findings=(ask_product(row.order, self.source.card, self.source.drug, self.given.country),))
        return infuse(draw(row, self.source, self.given), self.source, self.given)

    def share_asks(self, order: str) -> tuple[Finding, ...]:
        """The question how long an opened vial keeps, where doses are to share vials and the file does not say."""
        unsaid = [product.name for product in self.source.products.values() if keeps_open(product) is None]
        if not unsaid:
            return ()
        return (missing(order, "opened", f"how long an opened or reconstituted vial of {' and '.join(unsaid)} keeps is not on file, so its doses are counted apart"),)


class Making(NamedTuple):
    """One distinct dose as prepared: amount and what is drawn up, in the drug's unit; whole numbers as such, as they add up faster."""

    made: Prepared
    recipe: Recipe
    amount: Fraction | int
    drawn: Fraction | int

    @property
    def waste(self) -> Fraction:
        """What is left over in its own vials."""
        return left_over(self.recipe, {one.product: one.count for one in self.made.vials}, self.drawn)


def left_over(recipe: Recipe, vials: Mapping[str, int], drawn: Fraction | int) -> Fraction:
    """What some vials of a recipe hold beyond what is drawn from them."""
    return waste(drawn, vials, recipe.sizes)


def _slim(value: Fraction) -> Fraction | int:
    return int(value) if value.denominator == 1 else value


def how(dose: Dose) -> str:
    """How a dose is counted, see `way_of`."""
    return way_of(dose.card.get("kind", "drug"), dose.row.route)


def way_of(kind: str, route: str) -> str:
    """`vials`, `infusion` for cells and grafts, `mouth`; empty for what is no drug that is drawn up."""
    if kind in CELLS:
        return "infusion"
    return ("mouth" if route == "po" else "vials") if kind == "drug" else ""


def recipe_key(dose: Dose) -> Recipes:
    """What doses prepared by one recipe share."""
    return dose.regimen, dose.row.order, dose.row.drug, dose.card.get("product", ""), dose.card.get("max", "")


def key_of(dose: Dose) -> Key:
    """What doses prepared alike share."""
    told = dose.row.amount
    return recipe_key(dose), told.value if told else "", told.unit if told else ""


class Kitchen:
    """The recipes of a group; `UsageError` where something was stated for an order, drug or product that it does not hold."""

    def __init__(self, stated: Stated, group: Group):
        self.stated, self.shelf = stated, group.shelf
        first = {recipe_key(dose): dose for dose in reversed(group.doses)}
        _prove(stated, (name for protocols in group.protocols for name in _names(protocols, group.shelf)), first.values())
        self.recipes = {key: _recipe(stated, dose, group.shelf) for key, dose in first.items() if how(dose) == "vials"}
        named = {name for recipe in self.recipes.values() for name in recipe.source.products}
        if priced := sorted(stated.prices.keys() - named):
            raise UsageError(*(Fault("R10", f'a price is stated for "{name}", which no order is prepared from', closest(name, named or ["no product is named"]), "price") for name in priced))

    def prepared(self, doses: Iterable[Dose]) -> dict[Key, Making]:
        """The distinct doses that come from vials, each prepared once."""
        made: dict[Key, Making] = {}
        for dose in doses:
            if dose.row.amount is not None and how(dose) == "vials" and (key := key_of(dose)) not in made:
                made[key] = _made(self.recipes[key[0]], dose.row)
        return made

    def asks(self, made: Mapping[Key, Making], share: bool) -> tuple[Ask, ...]:
        """What nobody stated and a count hangs on, once for each order of a protocol."""
        found: dict[Ask, None] = {}
        for name, group in _by_recipe(made).items():
            lacking = tuple(one for making in group for one in making.made.findings if one.code.removeprefix("preparation.missing.") in ASKED and "missing" in one.code)
            found |= dict.fromkeys(asks(lacking + (group[0].recipe.share_asks(name[1]) if share else ())))
        return tuple(found)

    def checks(self, made: Mapping[Key, Making], doses: Iterable[Dose]) -> tuple[Check, ...]:
        """What the checks of a preparation found that bears on a count, with the number of doses it is about."""
        found: dict[tuple[str, str], tuple[int, str]] = {}
        asked = {key: tuple(_checked(making)) for key, making in made.items()}
        for dose in doses:
            for one in asked.get(key_of(dose), ()):
                count, message = found.get((dose.regimen, one.id), (0, one.message))
                found[dose.regimen, one.id] = count + len(dose.patients), message
        return tuple(Check(name, regimen, count, message) for (regimen, name), (count, message) in found.items())


def _checked(making: Making) -> Iterator[Finding]:
    yield from {one.id: one for one in making.made.findings if one.code.removeprefix("preparation.check.") in TOLD and "check" in one.code}.values()


def _by_recipe(made: Mapping[Key, Making]) -> dict[Recipes, list[Making]]:
    found: dict[Recipes, list[Making]] = {}
    for (name, _, _), making in made.items():
        found.setdefault(name, []).append(making)
    return found


def _made(recipe: Recipe, row: Administration) -> Making:
    assert row.amount
    made, unit = recipe.make(row), recipe.source.drug.unit
    return Making(made, recipe, _slim(in_unit(row.amount.decimal, row.amount.unit, unit)), _slim(in_unit(made.drawn or 0, row.amount.unit, unit)))


def _recipe(stated: Stated, dose: Dose, shelf: Library) -> Recipe:
    """The label of one order's product with what was stated for the order, its drug, or this protocol's order."""
    order, drug = dose.row.order, shelf.drugs[dose.row.drug]
    names = (f"{dose.regimen.partition('@')[0]}/{order}", order, drug.id)
    own = len(names[0]) - len(order)
    said = {key[own:]: value for key, value in _said(stated.products, names).items()}
    volumes = {key[own:]: value for key, value in _said(stated.volumes, names).items()}
    chosen = said.get(order, ())
    prices = {name: price for name, price in stated.prices.items() if name in ((chosen,) if isinstance(chosen, str) else chosen) or not chosen and name in drug.products}
    given = read_given(shelf.site, said, volumes, stated.bags, stated.graduation, stated.withdraw, {}, stated.country, False, prices)
    source = source_of(order, dose.card, drug, shelf.site.rounding_limit, given.products.get(order, ()), given.facts.get(order, {}), given.country)
    return Recipe(source, given)


def _names(protocols: Protocols, shelf: Library) -> Iterator[tuple[str, str]]:
    """The names of every order of a protocol and its blocks, whether any patient has it now or not, and how it is counted."""
    for order in (order for part in protocols for order in part.orders):
        way = way_of(shelf.drugs[order.drug].kind, order.route or "")
        yield from ((name, way) for name in (f"{protocols[0].id}/{order.id}", order.id, order.drug))


def _prove(stated: Stated, names: Iterable[tuple[str, str]], doses: Iterable[Dose]) -> None:
    """Refuse what was stated for a name that no dose has (R05), or for one that is counted as infusions or by mouth.

    Where every row was refused before a protocol was found there is no name to know, and the refusals say why.
    """
    met = [(name, how(dose)) for dose in doses for name in (f"{dose.regimen.partition('@')[0]}/{dose.row.order}", dose.row.order, dose.row.drug)]
    known: dict[str, str] = {}
    for name, way in (*names, *met):
        known[name] = "vials" if known.get(name) == "vials" else way
    faults = [Fault("R05", f'there is no order or drug "{name}" in the group', closest(name, known), "preparation") for name in sorted(stated.names - known.keys()) if known]
    faults += [Fault("R05", f'"{name}" is not counted in vials', "leave it out: cells and grafts are counted as infusions, what is given by mouth as doses.", "preparation")
               for name in sorted(stated.names & known.keys()) if known[name] != "vials"]  # fmt: skip
    if faults:
        raise UsageError(*faults)
