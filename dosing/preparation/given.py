"""What a person adds to a schedule so that it can be prepared: products, bags, syringe marks, cell certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dosing import forms
from dosing.errors import DosingError, Fault, UsageError, closest, refuse
from dosing.preparation.cells import CellProduct, Dmso
from dosing.preparation.volumes import Graduation
from dosing.regimen.schema import Site

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

    @property
    def orders(self) -> set[str]:
        """Every order something was stated for."""
        return {*self.products, *self.volumes, *self.cells}


def read_given(site: Site, products: Mapping[str, str | Iterable[str]], volumes: Mapping[str, str], bags: Iterable[str],
               graduation: str, withdraw: bool | None, cells: Mapping[str, Mapping[str, str]]) -> Given:  # fmt: skip
    """The written texts as values; what is not stated comes from the site's file, which may state none."""
    standard = tuple(bags) or tuple(str(bag) for bag in site.bags)
    marks = read_graduations(graduation) if graduation else tuple(
        Graduation(Fraction(mark.step.value), Fraction(mark.upto.value) if mark.upto else None) for mark in site.graduations)  # fmt: skip
    return Given(
        {order: (one,) if isinstance(one, str) else tuple(one) for order, one in products.items()},
        {order: UNDILUTED if text == "none" else _millilitres(text, f"bag {order}") for order, text in volumes.items()},
        tuple(_millilitres(text, "bag") for text in standard), marks, withdraw,
        {order: read_certificate(stated, order) for order, stated in cells.items()},
    )  # fmt: skip


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


def _amount(text: str, unit: str, where: str) -> Fraction:
    """The number of an amount in one unit; `InputError` (D07) for another unit."""
    try:
        found = forms.read_amount(text)
    except DosingError as error:
        raise error.at(where) from None
    if found.unit != unit:
        raise refuse("D07", f'"{text[:40]}" is not in {unit}', f"write it in {unit}.", where)
    return Fraction(found.value)


def _millilitres(text: str, where: str) -> Fraction:
    return _amount(text, "mL", where)


def _share(text: str, where: str) -> Fraction:
    """A percentage above 0 as a share of 1; R13 otherwise."""
    try:
        return Fraction(forms.read_percent(text)) / 100
    except DosingError as error:
        raise error.at(where) from None


def _dmso(text: str, where: str) -> Dmso:
    """`10 % w/v` or `10 % v/v` as the share and its basis."""
    share, _, basis = text.strip().rpartition(" ")
    if basis not in ("w/v", "v/v"):
        raise refuse("D07", f'"{text[:40]}" does not say by weight or by volume', 'write "10 % w/v" or "10 % v/v": they differ by a tenth.', where)
    return Dmso(_share(share, where), basis)  # type: ignore[arg-type]


_KEYS: dict[str, Callable[[str, str], Any]] = {
    "concentration": lambda text, where: _amount(text, "cells/mL", where),
    "viability": _share, "recovery": _share,
    "bag": lambda text, where: _amount(text, "cells", where), "bag-volume": _millilitres,
    "dmso": _dmso, "density": lambda text, where: _amount(text, "g/mL", where),
    "count": lambda text, where: _counted(text, where),
}  # fmt: skip


def _counted(text: str, where: str) -> str:
    if text not in ("viable", "total"):
        raise refuse("D07", f'"{text[:40]}" is no kind of count', 'write "viable" or "total".', where)
    return text


def read_certificate(stated: Mapping[str, str], order: str) -> CellProduct:
    """A cell product from the texts of its release certificate.

    Keys: `concentration` (cells/mL), `viability` and `recovery` (%), `count` (`viable` where the concentration
    already counts viable cells), `bag` (cells), `bag-volume` (mL), `dmso` (`10 % v/v`), `density` (g/mL).
    Raises `UsageError` for another key, `InputError` for a text that cannot be read or viability stated twice.
    """
    unknown = [key for key in stated if key not in _KEYS]
    if unknown:
        raise UsageError(*(Fault("R03", f'"{key}" is not on a cell certificate', closest(key, _KEYS), f"cells {order}") for key in unknown))
    read = {key: _KEYS[key](text, f"cells {order}.{key}") for key, text in stated.items()}
    viability, dmso = read.get("viability"), read.get("dmso")
    if read.get("count") == "viable":
        if viability is not None:
            raise refuse("R08", "the count is of viable cells, and a viability is stated as well", "leave one out: it must not be applied twice.", f"cells {order}.viability")
        viability = Fraction(1)
    if dmso and read.get("density"):
        dmso = dmso._replace(density=read["density"])
    return CellProduct(read.get("concentration"), viability, read.get("recovery"), read.get("bag"), read.get("bag-volume"), dmso)
