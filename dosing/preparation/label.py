"""The label an order is prepared from: products chosen, facts a person adds from the label in hand, and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from dosing.errors import Fault, UsageError, closest, refuse
from dosing.preparation.asking import check, missing
from dosing.regimen.drug import Drug, Product
from dosing.schedule import Finding

Products = Mapping[str, Product]
FACTS = ("strength", "vial", "withdrawable", "reconstitute", "reconstitute-volume", "concentration-min", "concentration-max", "diluents", "diluent-ratio",
         "stable", "opened", "opened-cold", "stability", "light", "filter", "line")  # fmt: skip
OF_ONE_SIZE = ("vial", "withdrawable", "reconstitute", "reconstitute-volume")
KEEPING = ("opened", "opened_cold")
HANDLING = ("light", "filter", "line")
STATED = "stated for this preparation"


@dataclass(frozen=True)
class Source:
    """What one order is prepared from: its card, drug, the vial sizes chosen, and the site's limit of rounding."""

    card: Mapping[str, Any]
    drug: Drug
    products: Products
    rounding_limit: Decimal
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def product(self) -> Product:
        """The product whose label is followed; vial sizes of one preparation share strength and diluents."""
        return next(iter(self.products.values()))

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """What the labels say of light, filter, line, stability and concentration, each with its source, without repeats."""
        found = (
            Label(key, text, STATED if key in self.facts else product.source)
            for product in self.products.values() for key in (*HANDLING, "stability", "concentration", "note") if (text := getattr(product, key))
        )  # fmt: skip
        return tuple({(one.kind, one.text): one for one in found}.values())


@dataclass(frozen=True, slots=True)
class Label:
    """One thing a label says: its kind (`light`, `filter`, `line`, `stability`, `concentration`, `note`), the text, its source."""

    kind: str
    text: str
    source: str

    def to_dict(self) -> dict[str, str]:
        """The text as plain JSON values."""
        return {"kind": self.kind, "text": self.text, "source": self.source}


def source_of(order: str, card: Mapping[str, Any], drug: Drug, limit: Decimal, chosen: tuple[str, ...], facts: Mapping[str, str], country: str) -> Source:
    """The products of an order with the facts stated for them, and what the checks of the choice found."""
    products = products_of(order, card, drug, chosen)
    read = read_facts(facts, order) if facts else {}
    found = (*_elsewhere(order, products, country), *_against_file(order, products, read))
    if facts and not products:
        products = {STATED: Product.model_validate({"name": STATED, "source": STATED})}
    if len(products) > 1 and (odd := [key for key in facts if key in OF_ONE_SIZE]):
        raise UsageError(Fault("R10", f"{odd[0]} is stated for several products at once", "name one product, or add the sizes to the drug file.", f"--product {order}.{odd[0]}"))
    bare = dict.fromkeys(KEEPING) if read.keys() & set(KEEPING) else {}  # a time stated is not overridden by a longer one on file
    return Source(card, drug, {name: product.model_copy(update=bare | read) for name, product in products.items()} if read else products, limit, read, found)


def products_of(order: str, card: Mapping[str, Any], drug: Drug, chosen: tuple[str, ...]) -> Products:
    """The products an order is prepared from: those chosen, else the one the schedule names, else none.

    Raises `UsageError` (R10) for a product the drug's file does not hold, one beside the schedule's, or strengths that differ.
    """
    planned = next((name for name, product in drug.products.items() if product.name == card.get("product")), "")
    names = chosen or ((planned,) if planned else ())
    where = f"--product {order}"
    for name in names:
        if name not in drug.products:
            raise UsageError(Fault("R10", f'"{name}" is no product of {drug.id}', closest(name, drug.products or ["none is on file"]), where))
    if planned and planned not in names:
        raise UsageError(Fault("R10", f"the schedule is planned with {planned}", f"name it too, or set another: --set {order}.product=….", where))
    if len({str(drug.products[name].strength) for name in names}) > 1:
        raise UsageError(Fault("R10", f"{' and '.join(names)} differ in strength", "name sizes of one strength.", where))
    return {name: drug.products[name] for name in names}


def read_facts(facts: Mapping[str, str], order: str) -> dict[str, Any]:
    """Facts of a label by their field names, read as a drug file's are; `InputError` with the reason of the first fault."""
    written: dict[str, Any] = {key: [part.strip() for part in text.split(",")] if key == "diluents" else text for key, text in facts.items()}
    try:
        read = Product.model_validate({"name": STATED, "source": STATED, **written})
    except ValidationError as error:
        first = error.errors()[0]
        told = first.get("ctx", {})
        raise refuse(first["type"], str(told.get("what", first["msg"])), str(told.get("do", "write it as in a drug file.")), f"product {order}.{first['loc'][0]}") from None
    return {key.replace("-", "_"): getattr(read, key.replace("-", "_")) for key in facts}


def _against_file(order: str, products: Products, stated: Mapping[str, Any]) -> Iterator[Finding]:
    """A fact from the label in hand that differs from the file's is used, and told."""
    for name, product in products.items():
        for key, value in stated.items():
            if (filed := getattr(product, key)) not in (None, (), value):
                yield check(order, "label", f"{key.replace('_', '-')} of {name} is stated as {_said(value)}; the file says {_said(filed)}. The stated one is used.", product.source)


def _said(value: Any) -> str:
    return f"{value} min" if isinstance(value, int) else ", ".join(value) if isinstance(value, tuple) else str(value)


def _elsewhere(order: str, products: Products, country: str) -> Iterator[Finding]:
    for name, product in products.items():
        if country and product.countries and country not in product.countries:
            yield check(order, "country", f"{name} is on file for {', '.join(product.countries)}, the country is {country}: strength and label may differ.", product.source)


def ask_product(order: str, card: Mapping[str, Any], drug: Drug, country: str) -> Finding:
    """The question which product is used, with those on file for the country; those whose country is not on file stay listed."""
    if card.get("product"):
        return missing(order, "product", f"{card['product']} is not in this library's file of {drug.id}; prepare with the library it was planned with, or name one")
    offered = [name if product.countries else f"{name} (country not on file)" if country else name
               for name, product in drug.products.items() if not (country and product.countries and country not in product.countries)]  # fmt: skip
    known = f"on file{f' for {country}' if country else ''}: {', '.join(offered)}" if offered else f"none is on file{f' for {country}' if country else ''}, so state its label"
    said = missing(order, "product", f"no product of {drug.id} is named; {known}")
    return said if offered else said._replace(message=f'{said.message}, or --product {order}.strength="… mg/mL" --product {order}.vial="… mg"')


def each_text(source: Source, name: str) -> tuple[str, ...]:
    """One text of each product, without repeats."""
    return tuple(dict.fromkeys(text for product in source.products.values() if (text := getattr(product, name))))


def ask_handling(order: str, source: Source) -> Iterator[Finding]:
    """A question for each of light, filter and line that no chosen product's label states (check 7: never inferred)."""
    for key in HANDLING:
        if not any(getattr(product, key) for product in source.products.values()):
            what = {"light": "whether it is protected from light", "filter": "whether a filter is used", "line": "the line it runs in"}[key]
            yield missing(order, key, f"{what} is not on file for {' and '.join(source.products)}")
