"""The second calculation's sizes by hand: rules, surfaces with a maximum, clearances, tables, packs and the limit."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import pytest

from dosing import second
from dosing.second import Line, Person, When, recalculate

HEAVY = Person("95", "160", "F")
LABEL = "rule busulfan-label lower 25 bmi >= 30"
FLUDARA = (("crcl >= 80", "1"), ("crcl >= 50 & crcl < 80", "0.8"), ("crcl >= 30 & crcl < 50", "0.6"))
EU = (("age < 18 & weight >= 9 & weight < 16", "1.2 mg"), ("age < 18 & weight >= 16 & weight <= 23", "1.1 mg"))


def one(text: str, person: Person, unit: str = "mg", step: str = "", **more) -> tuple[Fraction, Fraction]:
    row = recalculate([Line("x", text, unit, step, (0,), **more)], person, When())[0]
    return row.calculated, row.amount


@pytest.mark.parametrize(
    ("kg", "used"),
    [("95", "63"), ("76.8", "58.4"), ("76.7", "52.3"), ("45", "45")],  # the threshold is a body mass index of 30, at 76.8 kg
)
def test_a_rule_by_its_text(kg: str, used: str) -> None:
    assert one("1 mg/kg", HEAVY._replace(weight=kg), weight=LABEL)[0] == Fraction(used)


def test_a_rule_of_percent_of_ideal_and_of_no_threshold() -> None:
    """Devine of 160 cm is 52.38: 150 % are 78.57 kg."""
    rule = "rule devine actual 50 ideal >= 150"
    assert one("1 mg/kg", HEAVY, weight=rule)[0] == Fraction("73.7")
    assert one("1 mg/kg", HEAVY._replace(weight="78.5"), weight=rule)[0] == Fraction("78.5")
    assert one("1 mg/kg", HEAVY, weight="rule devine lower")[0] == Fraction("52.4")
    with pytest.raises(ValueError, match="no weight rule"):
        one("1 mg/kg", HEAVY, weight="rule of thumb")


def test_a_surface_from_another_weight_and_with_a_maximum() -> None:
    assert one("30 mg/m2", HEAVY)[0] == Fraction("61.5") and one("30 mg/m2", HEAVY, weight="adjusted25.devine")[0] == Fraction("50.1")
    assert one("30 mg/m2", HEAVY, bsa_max="2")[0] == 60 and one("30 mg/m2", HEAVY, bsa_max="2.1")[0] == Fraction("61.5")


def test_a_gfr_is_capped_where_it_is_estimated_and_only_there() -> None:
    assert one("5 AUC", HEAVY._replace(crcl="140"))[0] == 750 and one("5 AUC", HEAVY._replace(gfr="140"))[0] == 825
    man = Person("70", "175", "M", age="40", creatinine="1.1")  # 100 × 70 / 79.2 = 88.38…
    assert one("5 AUC", man)[0] == 5 * (Fraction(7000, 1) / Fraction("79.2") + 25)
    woman = man._replace(sex="F")
    assert one("5 AUC", woman)[0] == 5 * (Fraction(7000, 1) / Fraction("79.2") * Fraction("0.85") + 25)
    child = Person("20", "115", "F", age="6", creatinine="0.4")  # Schwartz 118.7375 × 0.799305 / 1.73 = 54.86
    assert abs(one("5 AUC", child)[0] - 5 * (Fraction("54.8594") + 25)) < Fraction("0.01")
    with pytest.raises(ValueError, match="GFR"):
        one("5 AUC", HEAVY)


@pytest.mark.parametrize(("crcl", "mg"), [("80", 50), ("79.9", 40), ("50", 40), ("49.9", 30), ("30", 30), ("29", 50)])
def test_a_table_of_shares(crcl: str, mg: int) -> None:
    assert one("25 mg/m2", Person("80", "180", crcl=crcl), bands=FLUDARA)[0] == mg  # below 30 no row: the engine holds it


def test_a_table_of_doses_and_one_per_173() -> None:
    child = Person("16", "100", age="6")
    assert one("0.8 mg/kg", child, bands=EU)[0] == Fraction("17.6") and one("0.8 mg/kg", child._replace(weight="15.9"), bands=EU)[0] == Fraction("19.08")
    assert one("800 mcg/kg", child, bands=EU)[0] == Fraction("17.6")  # whatever unit the printed dose has
    assert one("0.8 mg/kg", child._replace(age="18"), bands=EU)[0] == Fraction("12.8")
    indexed = (("crcl-indexed > 70", "1"), ("crcl-indexed >= 30 & crcl-indexed <= 70", "0.8"))
    assert [one("25 mg/m2", Person("80", "180", crcl=crcl), bands=indexed)[0] for crcl in ("81", "80.9")] == [50, 40]  # 70.07 and 69.98
    assert one("100 mg", Person("80"), factors=("0.75",))[0] == 75


@pytest.mark.parametrize(
    ("dose", "packs", "cap", "amount"),
    [
        ("259", "vial 10 50", "", "250"), ("229", "vial 5 50", "", "229"), ("125", "vial 10 50", "", "125"), ("1125", "vial 10 50", "", "1150"),
        ("500", "vial 10 450", "", "450"), ("20", "vial 10 50", "", "20"), ("980", "vial 10 50", "990", "950"), ("145", "vial 10 50", "149", "145"),
        ("105.9", "band 6 89 100 112", "", "112"), ("105.8", "band 6 89 100 112", "", "100"), ("156", "band 10 144 169", "", "169"),
        ("120", "band 6 89 100 112", "", "120"), ("164.5", "band 6 160 169", "168", "160"), ("70", "band 6 89 100", "80", "70"),
    ],
)  # fmt: skip
def test_packs(dose: str, packs: str, cap: str, amount: str) -> None:
    assert one(f"{dose} mg", HEAVY, step="0.1", packs=packs, cap=cap and f"{cap} mg")[1] == Fraction(amount)


@pytest.mark.parametrize(("dose", "step", "amount"), [("9.5", "10", "10"), ("9", "10", "9"), ("45", "10", "45"), ("46", "10", "50"), ("4", "10", "4"), ("1005", "10", "1010")])
def test_the_limit_of_rounding_is_its_own(dose: str, step: str, amount: str) -> None:
    """At 10 %: 9 → 10 is +11 %, 45 → 50 is +11 %, 46 → 50 is +8.7 %; 4 would be nothing; the exact dose is kept."""
    assert one(f"{dose} mg", HEAVY, step=step, limit="10")[1] == Fraction(amount)


STDLIB = {"__future__", "collections.abc", "datetime", "fractions", "functools", "math", "typing", "zoneinfo"}


@pytest.mark.parametrize("path", sorted(Path(second.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_it_imports_exact_numbers_only(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    modules = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name for name in modules if not name.startswith("dosing.second.")} <= STDLIB
    assert {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names} <= {"re"}
