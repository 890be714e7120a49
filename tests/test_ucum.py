"""The units of `dosing.units` against UCUM: each code is a valid expression, and each conversion is UCUM's.

The reader of UCUM expressions below is made from UCUM's own table and proved on UCUM's own cases first; the package
has none, because it prints UCUM codes and never reads them.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dosing import InputError, forms
from dosing.units import UNITS, coefficient, known_unit, quantity, same_kind, ucum

SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "data" / "ucum"
pytestmark = pytest.mark.skipif(not SHELF.is_dir(), reason="the shelf with UCUM's table and cases is absent")
Meaning = tuple[float, tuple[tuple[str, int], ...]]  # size in base units, and the powers of the base units


@lru_cache(maxsize=1)
def essence() -> tuple[dict[str, float], dict[str, Any], set[str]]:
    """UCUM's prefixes, atoms (base units as None, special ones as their XML) and metric atoms."""
    root = ElementTree.parse(SHELF / "ucum-essence.xml").getroot()
    name = "{http://unitsofmeasure.org/ucum-essence}"
    prefixes = {one.get("Code"): float(one.find(f"{name}value").get("value")) for one in root.iter(f"{name}prefix")}
    atoms: dict[str, Any] = {one.get("Code"): None for one in root.iter(f"{name}base-unit")}
    metric = set(atoms)
    for one in root.iter(f"{name}unit"):
        value = one.find(f"{name}value")
        atoms[one.get("Code")] = "special" if one.get("isSpecial") else (float(value.get("value")), value.get("Unit"))
        metric |= {one.get("Code")} if one.get("isMetric") == "yes" else set()
    return prefixes, atoms, metric


class Reader:
    """One UCUM expression, read from left to right as its grammar says; `ValueError` for one that is not valid."""

    def __init__(self, text: str):
        self.text, self.place = text, 0

    def read(self) -> Meaning:
        exponent = -1 if self.take("/") else 1
        found = self.term(self.power(self.component(), exponent))
        if self.place < len(self.text):
            raise ValueError(f"{self.text}: nothing fits at {self.place}")
        return found

    def take(self, sign: str) -> bool:
        here = self.text.startswith(sign, self.place)
        self.place += len(sign) if here else 0
        return here

    def term(self, left: Meaning) -> Meaning:
        while self.place < len(self.text) and self.text[self.place] in "./":
            sign = self.text[self.place]
            self.place += 1
            left = self.times(left, self.power(self.component(), 1 if sign == "." else -1))
        return left

    def component(self) -> Meaning:
        if self.take("("):
            if self.take("/"):
                raise ValueError(f"{self.text}: a slash begins a bracket")
            found = self.term(self.component())
            if not self.take(")"):
                raise ValueError(f"{self.text}: a bracket is open")
            return found
        if note := self.note():
            return note
        return self.simple()

    def note(self) -> Meaning | None:
        found = re.compile(r"\{[!-z|~]*\}").match(self.text, self.place)
        if not found:
            return None
        self.place = found.end()
        return 1.0, ()

    def simple(self) -> Meaning:
        found = re.compile(r"((?:10[*^])|(?:[^\d.(){}/+\-\[\]]|\[[^\]]*\])+|)([+-]?\d+)?").match(self.text, self.place)
        assert found
        symbol, exponent = found[1], found[2]
        if not found[0] or (not symbol and exponent[0] in "+-"):
            raise ValueError(f"{self.text}: no unit at {self.place}")
        start, self.place = self.place, found.end()
        if not symbol:
            if self.place < len(self.text) and self.text[self.place] not in "./)":
                self.place = start
                return self.digits_first()
            return float(exponent), ()
        unit = self.power(self.symbol(symbol), int(exponent or 1))
        self.note()
        return unit

    def digits_first(self) -> Meaning:
        """A symbol that begins with digits, such as `10*`; a bare factor with a note behind it is one too."""
        found = re.compile(r"\d+").match(self.text, self.place)
        assert found
        rest = self.text[found.end() :]
        if rest.startswith("{"):
            self.place = found.end()
            self.note()
            return float(found[0]), ()
        raise ValueError(f"{self.text}: a number before a unit without a point")

    def symbol(self, symbol: str) -> Meaning:
        prefixes, atoms, metric = essence()
        if symbol in atoms:
            return atom(symbol)
        for prefix, size in prefixes.items():
            if symbol.startswith(prefix) and symbol[len(prefix) :] in metric:
                return self.times((size, ()), atom(symbol[len(prefix) :]))
        raise ValueError(f"{self.text}: {symbol} is no unit")

    @staticmethod
    def times(one: Meaning, other: Meaning) -> Meaning:
        powers = dict(one[1])
        for base, power in other[1]:
            powers[base] = powers.get(base, 0) + power
        return one[0] * other[0], tuple(sorted((base, power) for base, power in powers.items() if power))

    @staticmethod
    def power(one: Meaning, exponent: int) -> Meaning:
        return one[0] ** exponent, tuple((base, power * exponent) for base, power in one[1])


@lru_cache(maxsize=1024)
def atom(code: str) -> Meaning:
    """The meaning of one symbol of the table."""
    found = essence()[1][code]
    if found is None:
        return 1.0, ((code, 1),)
    if found == "special":
        return float("nan"), ((code, 1),)
    if code == "[iU]" or code == "[IU]":
        return 1.0, (("[IU]", 1),)  # arbitrary: it is measured by nothing else
    size, unit = found
    inner = Reader(unit).read() if unit != "1" else (1.0, ())
    return size * inner[0], inner[1]


def is_valid(text: str) -> bool:
    try:
        Reader(text).read()
    except ValueError:
        return False
    return True


def cases(kind: str) -> list[Any]:
    if not SHELF.is_dir():
        return []
    return list(ElementTree.parse(SHELF / "UcumFunctionalTests.xml").getroot().find(kind))


def test_the_reader_decides_every_case_of_ucum() -> None:
    found = cases("validation")
    wrong = [one.get("unit") for one in found if is_valid(one.get("unit")) != (one.get("valid") == "true")]
    assert len(found) == 529 and wrong == []


@pytest.mark.parametrize("one", cases("conversion"), ids=lambda one: one.get("id"))
def test_the_reader_converts_as_ucum(one: Any) -> None:
    source, target = Reader(one.get("srcUnit")).read(), Reader(one.get("dstUnit")).read()
    assert source[1] == target[1]
    told = one.get("outcome")
    digits = len(told.partition("e")[0].replace(".", "").strip("0")) or 1
    found = float(one.get("value")) * source[0] / target[0]
    assert float(f"{found:.{digits - 1}e}") == pytest.approx(float(told), rel=1e-7 if digits > 6 else 10.0 ** (1 - digits) * 0.51)


@pytest.mark.parametrize("unit", UNITS)
def test_each_unit_has_a_valid_code(unit: str) -> None:
    assert is_valid(ucum(unit))


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_whose_name_is_ucum_means_what_ucum_means(unit: str) -> None:
    """`mg` here is `mg` there; a name of ours that UCUM reads otherwise would be a trap at every interface."""
    if is_valid(unit):
        assert Reader(unit).read() == Reader(ucum(unit)).read()


NOMINAL = {"cells", "dose", "course", "vials", "units", "1e9/L"}  # UCUM counts them as plain numbers, or as arbitrary


@pytest.mark.parametrize("one, other", [pair for pair in combinations(UNITS, 2) if same_kind(*pair)])
def test_conversions_among_our_units_are_those_of_ucum(one: str, other: str) -> None:
    ours = float(quantity(1, one).m_as(quantity(1, other).u))
    ours_there, theirs_there = Reader(ucum(one)).read(), Reader(ucum(other)).read()
    assert ours_there[1] == theirs_there[1]
    assert ours == pytest.approx(ours_there[0] / theirs_there[0], rel=1e-12)


@pytest.mark.parametrize("one, other", [pair for pair in combinations(UNITS, 2) if not same_kind(*pair)])
def test_units_kept_apart_are_apart_in_ucum_or_by_name(one: str, other: str) -> None:
    """Body weight is no dose and body surface no area here; everything else we keep apart, UCUM does as well."""
    if Reader(ucum(one)).read()[1] == Reader(ucum(other)).read()[1]:
        assert {one, other} & ({"kg", "y"} | NOMINAL)


@pytest.mark.parametrize("unit, per, amount, factor", [("g", "", "mg", 1000), ("mcg", "kg", "mg", Fraction(1, 1000)), ("mg", "m2", "mcg", 1000), ("cGy", "", "Gy", Fraction(1, 100))])
def test_coefficients_of_doses_are_those_of_ucum(unit: str, per: str, amount: str, factor: Fraction) -> None:
    there = Reader(ucum(unit)).read()[0] / Reader(ucum(amount)).read()[0]
    assert coefficient(unit, per, amount) == pytest.approx(float(factor), rel=1e-15) == pytest.approx(there, rel=1e-12)


def test_no_text_of_the_ucum_cases_becomes_a_unit_unless_it_is_ours() -> None:
    """The list is closed: of 529 expressions, valid or not, only our own names are units, with UCUM's meaning."""
    taken = set()
    for one in cases("validation"):
        try:
            known_unit(one.get("unit"))
        except InputError as refusal:
            assert refusal.code == "D08"
        else:
            taken.add(one.get("unit"))
    assert taken <= UNITS.keys() and all(is_valid(unit) for unit in taken)


def test_no_text_of_the_ucum_cases_becomes_a_dose_unless_its_unit_is_ours() -> None:
    read = set()
    for one in cases("validation"):
        try:
            read.add((one.get("unit"), forms.read_dose(f"5 {one.get('unit')}/day").unit))
        except InputError:
            continue
    ours = {f"{unit}{per}" for unit in ("mg", "g", "ug", "Gy", "cGy", "mL", "mmol") for per in ("", "/kg", "/m2")}
    assert {unit for unit, _ in read} <= ours
    assert all(ucum(name) == unit.partition("/")[0] for unit, name in read)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_dosed_as_its_row_says(unit: str) -> None:
    """Each spelling of its row reads as the unit, in a dose and (all but an exposure) as an amount; a row without one is refused."""
    row, course = UNITS[unit], "/dose" if unit not in ("AUC", "Gy", "cGy", "cells") else ""
    for text in row.dosed:
        assert forms.read_dose(f"5 {text}{course}").unit == unit
    if row.dosed and unit != "AUC":
        assert forms.read_amount(f"5 {unit}").unit == unit
    else:
        with pytest.raises(InputError):
            forms.read_amount(f"5 {unit}")
    if not row.dosed:
        with pytest.raises(InputError):
            forms.read_dose(f"5 {unit}/dose")
