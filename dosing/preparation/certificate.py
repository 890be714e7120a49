"""A cell product from the texts of its release certificate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from dosing import forms
from dosing.errors import DosingError, Fault, UsageError, closest, refuse
from dosing.preparation.bags import MOST
from dosing.preparation.cells import Bag, CellProduct, Dmso, Give
from dosing.preparation.moments import read_moment
from dosing.preparation.volumes import digits

KINDS = ("CD34", "CD3", "TNC", "MNC", "MSC", "CAR-T")
_BAG = re.compile(r"([A-Za-z0-9_.-]{1,20}): (.+?)(?: in (\S+ mL))?")
_COUNT = re.compile(r"(\S+)(?: cells)?(?: (\S+?)\+?)?(?: cells)?")
_PART = re.compile(r"(.+?)(?: after (.+))?")


def read_certificate(stated: Mapping[str, str], order: str) -> CellProduct:
    """A cell product from the texts of its release certificate.

    Keys: `kind` (CD34, TNC, MNC, CD3, MSC, CAR-T), `concentration` (cells/mL), `count` and `dose-count` (what the
    certificate and the dose count: `total` or `viable`), `viability` and `recovery` (%), `bag` (cells of equal bags),
    `bag-volume` (mL), `bags` (`A: 2.1e8 CD34, 9e9 TNC in 50 mL; B: …`), `give` (`A+B, C after 24 h`, `2 bags`,
    `60 %, 40 % after 4 h`), `dmso` (`10 % v/v`, `none`), `density` (g/mL), `keeps` (from thawing to the end), `thaw`
    and `expires` (a moment).
    Raises `UsageError` for another key, `InputError` for a text that cannot be read or parts that are not the whole.
    """
    unknown = [key for key in stated if key not in _KEYS]
    if unknown:
        raise UsageError(*(Fault("R03", f'"{key}" is not on a cell certificate', closest(key, _KEYS), f"cells {order}") for key in unknown))
    read = {key: _KEYS[key](text, f"cells {order}.{key}") for key, text in stated.items()}
    dmso = read.get("dmso")
    if dmso and read.get("density"):
        dmso = dmso._replace(density=read["density"])
    made = CellProduct(
        read.get("concentration"), read.get("viability"), read.get("recovery"), read.get("bag"), read.get("bag-volume"), dmso or None, read.get("kind", ""),
        read.get("count"), read.get("dose-count"), read.get("bags", ()), read.get("give", ()), dmso is False, read.get("keeps"), read.get("thaw"), read.get("expires"),
    )  # fmt: skip
    _prove(made, f"cells {order}")
    return made


def _prove(made: CellProduct, where: str) -> None:
    """Refuse (D13, R05, R08, Y08) parts that do not make a whole, and bags that are not on the certificate."""
    names, shares = [name for part in made.give for name in part.bags], [part.share for part in made.give if part.share is not None]
    if made.bags and made.per_bag:
        raise refuse("R08", "bags are stated one by one and as equal bags", "keep one of the two.", f"{where}.bag")
    if len({(bool(part.bags), bool(part.count), part.share is None, part.cells is None) for part in made.give}) > 1:
        raise refuse("D13", "the parts are stated in different ways", "write all as bags, all as a number of bags, all as shares or all as cells.", f"{where}.give")
    if shares and (total := sum(shares)) != 1:
        raise refuse("D13", f"the parts come to {digits(total * 100)} % of the dose", "write parts that sum to 100 %.", f"{where}.give")
    known = [bag.name for bag in made.bags]
    for name in names:
        if name not in known:
            raise refuse("R05", f'there is no bag "{name}" on the certificate', closest(name, known or ["none is stated"]), f"{where}.give")
    if len(set(names)) != len(names) or len(set(known)) != len(known):
        raise refuse("Y08", "a bag stands twice", "name each bag once.", f"{where}.{'give' if len(set(names)) != len(names) else 'bags'}")
    if any(part.count for part in made.give) and not made.per_bag:
        raise refuse("R05", "a number of bags is given and their content is not stated", 'state it: bag="… cells", or name the bags.', f"{where}.give")


def read_amount(text: str, unit: str, where: str) -> Fraction:
    """The number of an amount in one unit; `InputError` (D07) for another unit."""
    try:
        found = forms.read_amount(text)
    except DosingError as error:
        raise error.at(where) from None
    if found.unit != unit:
        raise refuse("D07", f'"{text[:40]}" is not in {unit}', f"write it in {unit}.", where)
    return Fraction(found.value)


def read_share(text: str, where: str) -> Fraction:
    """A percentage above 0 as a share of 1; R13 otherwise."""
    try:
        return Fraction(forms.read_percent(text)) / 100
    except DosingError as error:
        raise error.at(where) from None


def _minutes(text: str, where: str) -> int:
    try:
        return forms.read_duration(text)
    except DosingError as error:
        raise error.at(where) from None


def _dmso(text: str, where: str) -> Dmso | bool:
    """`10 % w/v` or `10 % v/v` as the share and its basis, `none` as False."""
    share, _, basis = text.strip().rpartition(" ")
    if text == "none":
        return False
    if basis not in ("w/v", "v/v"):
        raise refuse("D07", f'"{text[:40]}" does not say by weight or by volume', 'write "10 % w/v", "10 % v/v" or none: the two differ by a tenth.', where)
    return Dmso(read_share(share, where), basis)  # type: ignore[arg-type]


def _word(*known: str) -> Callable[[str, str], str]:
    """A reader of one of several words (D07 for another)."""

    def read(text: str, where: str) -> str:
        if text not in known:
            raise refuse("D07", f'"{text[:40]}" is none of {", ".join(known)}', closest(text, known), where)
        return text

    return read


def _bags(text: str, where: str) -> tuple[Bag, ...]:
    """`A: 2.1e8 CD34, 9e9 TNC in 50 mL; B: …`; D07 for another form, R06 for more bags than can be looked at."""
    bags = tuple(_bag(part.strip(), where) for part in text.split(";") if part.strip())
    if len(bags) > MOST:
        raise refuse("R06", f"{len(bags)} bags are stated", f"state at most {MOST}.", where)
    return bags


def _bag(text: str, where: str) -> Bag:
    found = _BAG.fullmatch(text)
    if not found:
        raise refuse("D07", f'"{text[:40]}" is no bag', 'write "A: 2.1e8 CD34 in 50 mL".', where)
    name, counts, volume = found.groups()
    return Bag(name, tuple(_count(one.strip(), where) for one in counts.split(",")), read_amount(volume, "mL", where) if volume else None)


def _count(text: str, where: str) -> tuple[str, Fraction]:
    found = _COUNT.fullmatch(text)
    kind = "" if not found or found[2] in (None, "cells") else found[2]
    if not found or (kind and kind not in KINDS):
        raise refuse("D07", f'"{text[:40]}" is no count of cells', f"write a number and the kind ({', '.join(KINDS)}), for example 2.1e8 CD34.", where)
    return kind, read_amount(f"{found[1]} cells", "cells", where)


def _give(text: str, where: str) -> tuple[Give, ...]:
    return tuple(_part(part.strip(), where) for part in text.split(","))


def _part(text: str, where: str) -> Give:
    """`A+B`, `2 bags`, `40 %` or `3e7 cells`, each perhaps with `after 24 h`."""
    found = _PART.fullmatch(text)
    what, after = (found[1], _minutes(found[2], where) if found[2] else 0) if found else ("", 0)
    if what.endswith("%"):
        return Give(share=read_share(what, where), after=after)
    if what.endswith(" cells"):
        return Give(cells=read_amount(what, "cells", where), after=after)
    if number := re.fullmatch(r"([1-9]\d?) bags?", what):
        return Give(count=int(number[1]), after=after)
    return Give(bags=tuple(name.strip() for name in what.split("+")), after=after)


_KEYS: dict[str, Callable[[str, str], Any]] = {
    "kind": _word(*KINDS), "concentration": lambda text, where: read_amount(text, "cells/mL", where),
    "count": _word("total", "viable"), "dose-count": _word("total", "viable"), "viability": read_share, "recovery": read_share,
    "bag": lambda text, where: read_amount(text, "cells", where), "bag-volume": lambda text, where: read_amount(text, "mL", where),
    "bags": _bags, "give": _give, "dmso": _dmso, "density": lambda text, where: read_amount(text, "g/mL", where),
    "keeps": _minutes, "thaw": read_moment, "expires": read_moment,
}  # fmt: skip
