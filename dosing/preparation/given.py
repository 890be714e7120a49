"""What a person adds to a schedule so that it can be prepared: products, bags, syringe marks, cell certificates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from dosing import forms
from dosing.errors import DosingError, refuse
from dosing.preparation.cells import CellProduct
from dosing.preparation.certificate import read_amount, read_certificate
from dosing.preparation.label import FACTS
from dosing.preparation.moments import Moment, read_moment
from dosing.preparation.volumes import Graduation
from dosing.regimen.site import Site
from dosing.schedule import Administration

UNDILUTED = Fraction(0)


@dataclass(frozen=True)
class Given:
    """What was stated beside the schedule; empty where nothing was, and then it is asked for."""

    products: Mapping[str, tuple[str, ...]]
    volumes: Mapping[str, Fraction]  # mL of the bag of one order; 0 where it is given undiluted
    bags: tuple[Fraction, ...]
    graduations: tuple[Graduation, ...]
    withdraw: bool | None
    cells: Mapping[str, CellProduct]
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of the label in hand, by order
    prices: Mapping[str, Decimal] = field(default_factory=dict)  # of one vial, by product
    prepared: Mapping[str, Moment] = field(default_factory=dict)  # by order, or order#number
    country: str = ""
    share: bool = False  # whether doses of one day share vials

    @property
    def orders(self) -> set[str]:
        """Every order something was stated for."""
        return {*self.products, *self.volumes, *self.cells, *self.facts, *(name.partition("#")[0] for name in self.prepared)}

    def prepared_of(self, row: Administration) -> Moment | None:
        """When one administration is prepared, as stated for it or for its order."""
        return self.prepared.get(f"{row.order}#{row.number}", self.prepared.get(row.order))


def read_given(
    site: Site, products: Mapping[str, str | Iterable[str]], volumes: Mapping[str, str], bags: Iterable[str], graduation: str, withdraw: bool | None,
    cells: Mapping[str, Mapping[str, str]], country: str = "", share: bool = False, prices: Mapping[str, str] | None = None, prepared: Mapping[str, str] | None = None,
) -> Given:  # fmt: skip
    """The written texts as values; what is not stated comes from the site's file, which may state none."""
    standard = tuple(bags) or tuple(str(bag) for bag in site.bags)
    marks = read_graduations(graduation) if graduation else tuple(
        Graduation(Fraction(mark.step.value), Fraction(mark.upto.value) if mark.upto else None) for mark in site.graduations)  # fmt: skip
    named, facts = _split(products)
    return Given(
        named, {order: UNDILUTED if text == "none" else _millilitres(text, f"bag {order}") for order, text in volumes.items()},
        tuple(_millilitres(text, "bag") for text in standard), marks, withdraw,
        {order: read_certificate(stated, order) for order, stated in cells.items()}, facts,
        {name: _price(text, name) for name, text in (prices or {}).items()},
        {name: _prepared(name, text) for name, text in (prepared or {}).items()}, country or site.country or "", share,
    )  # fmt: skip


def _split(products: Mapping[str, str | Iterable[str]]) -> tuple[dict[str, tuple[str, ...]], dict[str, dict[str, str]]]:
    """Products by order, and facts such as `bu.vial` by order."""
    named: dict[str, tuple[str, ...]] = {}
    facts: dict[str, dict[str, str]] = {}
    for key, text in products.items():
        order, _, fact = key.rpartition(".")
        if fact in FACTS and order and isinstance(text, str):
            facts.setdefault(order, {})[fact] = text
        else:
            named[key] = (text,) if isinstance(text, str) else tuple(text)
    return named, facts


def _prepared(name: str, text: str) -> Moment:
    """When an order or one of its doses is prepared; a date belongs to one dose (T01 otherwise)."""
    moment = read_moment(text, f"prepared {name}")
    if moment.before is None and "#" not in name:
        raise refuse("T01", f'"{text}" is one moment and {name} may have many doses', f'write {name}#1="{text}", or {name}="2 h before".', f"prepared {name}")
    return moment


def _price(text: str, name: str) -> Decimal:
    try:
        return forms.read_number(text)
    except DosingError as error:
        raise error.at(f"price {name}") from None


def read_graduations(text: str) -> tuple[Graduation, ...]:
    """Syringe marks such as `0.1 mL` or `0.1 mL to 3 mL, 0.2 mL to 10 mL, 1 mL`, ascending; D07 otherwise."""
    marks = []
    for part in text.split(","):
        step, _, upto = part.strip().partition(" to ")
        marks.append(Graduation(_millilitres(step, "graduation"), _millilitres(upto, "graduation") if upto else None))
    ends = [mark.upto for mark in marks]
    if None in ends[:-1] or sorted(end for end in ends if end is not None) != [end for end in ends if end is not None]:
        raise refuse("D07", f'"{text[:60]}" does not ascend', 'write "0.1 mL to 3 mL, 0.2 mL to 10 mL, 1 mL".', "graduation")
    return tuple(marks)


def _millilitres(text: str, where: str) -> Fraction:
    return read_amount(text, "mL", where)
