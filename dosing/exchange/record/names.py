"""Where a text names a drug: by every name, abbreviation and brand of the library's drug files, in the spellings of the field.

There is no list of names here. A record writes `Anti-thymocyte globulin`, `rabbit ATG` or `bone marrow derived mesenchymal
stem cells` for what a file calls antithymocyte globulin, antithymocyte globulin (rabbit), bone-marrow mesenchymal stromal
cells: those are ways of spelling, and only those are told here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from dosing.regimen.drug import Drug

BETWEEN = r"(?:[\s-]+derived)?[\s-]+"
QUALIFIED = re.compile(r"(?P<name>.+?) \((?P<which>[^()]+)\)")


class Name(NamedTuple):
    """A drug named in a text, from `start` to `end`; `product` where a brand of the drug's file names it."""

    start: int
    end: int
    drug: str
    product: str = ""


def finder(drugs: Mapping[str, Drug]) -> Callable[[str], list[Name]]:
    """A function that finds the drugs named in a text, the longest name first, never two in one place."""
    owners: dict[str, set[tuple[str, str]]] = {}
    for drug in drugs.values():
        for pattern, product in _patterns(drug, drugs):
            owners.setdefault(pattern, set()).add((drug.id, product))
    known = {pattern: max(owned) for pattern, owned in owners.items() if len({drug for drug, _ in owned}) == 1}  # a name of two drugs names none
    ordered = sorted(known, key=lambda pattern: (-len(pattern), pattern))
    latin, other = ["|".join(f"({pattern})" for pattern in ordered if pattern.isascii() is ascii) for ascii in (True, False)]
    ordered.sort(key=lambda pattern: not pattern.isascii())
    form = re.compile(rf"(?<![\w-])(?:{latin})(?![\w-])|{other or '(?!)'}")

    def find(text: str) -> list[Name]:
        return [Name(one.start(), one.end(), *known[ordered[(one.lastindex or 1) - 1]]) for one in form.finditer(text)]

    return find


def _patterns(drug: Drug, drugs: Mapping[str, Drug]) -> Iterator[tuple[str, str]]:
    """Every spelling of a drug as a pattern without groups, with the product where it is a brand."""
    general = [other for other in drugs.values() if drug.id in other.one_of]
    for name in dict.fromkeys((*drug.names.values(), *drug.tall_man.values(), drug.id.replace("-", " "))):
        yield _spelled(name), ""
        if not (found := QUALIFIED.fullmatch(name)):
            continue
        if not general:
            yield _spelled(found["name"]), ""
        for other in general:
            yield from ((pattern, "") for pattern in _qualified(found["which"], (found["name"], *other.names.values()), other.abbreviations))
    yield from ((_abbreviated(short), "") for short in drug.abbreviations)
    yield from _brands(drug)


def _qualified(which: str, names: tuple[str, ...], shorts: tuple[str, ...]) -> Iterator[str]:
    """`rabbit antithymocyte globulin`, `rabbit ATG`, `ATG (rabbit)`: a word that makes one drug of a general one."""
    for one in (*(_spelled(name) for name in names), *(_abbreviated(short) for short in shorts)):
        yield rf"(?i:{re.escape(which)})[\s-]+{one}"
        yield rf"{one}\s+\((?i:{re.escape(which)})\)"


def _brands(drug: Drug) -> Iterator[tuple[str, str]]:
    """The brands of a drug: a product's name that begins with a proper noun."""
    first = {id_: product.name.split()[0] for id_, product in drug.products.items()}
    own = {word.lower() for name in drug.names.values() for word in name.split()}
    for id_, word in first.items():
        if word[0].isupper() and word.lower() not in own:
            yield f"(?i:{re.escape(word)})", id_ if [*first.values()].count(word) == 1 else ""


def _spelled(name: str) -> str:
    """A full name in any case: hyphen or blank, anti- with or without hyphen, stem or stromal, `-derived`, plural."""
    if not name.isascii():
        return re.escape(name)
    words = (re.escape(word).replace("stromal", "(?:stromal|stem)") for word in re.split(r"[\s-]+", name.lower()))
    words = (re.sub(r"^anti(?=[a-z])", r"anti[\\s-]?", word) for word in words)
    return f"(?i:{BETWEEN.join(words)}s?)"


def _abbreviated(short: str) -> str:
    """An abbreviation as the file has it or in capitals, with a plural s."""
    return f"(?:{'|'.join(re.escape(one) for one in dict.fromkeys((short, short.upper())))})s?"
