"""Written facts of a patient (weight, height, age, sex, laboratory values) and the conditions on them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from refusals import code_of

from dosing import forms


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (forms.read_weight, "70 kg", "70"),
        (forms.read_weight, "70.10kg", "70.1"),
        (forms.read_height, "170 cm", "170"),
        (forms.read_age, "34 y", "34"),
        (forms.read_age, "18 mo", "1.5"),
        (forms.read_creatinine, "0.9 mg/dL", "0.9"),
        (forms.read_creatinine, "88.4 µmol/L", "1"),
        (forms.read_crcl, "90 mL/min", "90"),
        (forms.read_neutrophils, "0.35e9/L", "0.35"),
        (forms.read_neutrophils, "0.35 × 10⁹/L", "0.35"),
        (forms.read_neutrophils, "350/uL", "0.35"),
    ],
)
def test_body_reads(reader, text, value):
    assert reader(text) == Decimal(value)


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (forms.read_weight, "70", "P01"),
        (forms.read_weight, "154 lb", "P01"),
        (forms.read_weight, "0 kg", "P02"),
        (forms.read_weight, "251 kg", "P02"),
        (forms.read_weight, "~70 kg", "P05"),
        (forms.read_weight, "70,5 kg", "P07"),
        (forms.read_weight_kg, "07", "P07"),
        (forms.read_height, "1.70 m", "P03"),
        (forms.read_height, "170", "P03"),
        (forms.read_age, "34", "P10"),
        (forms.read_age, "121 y", "P10"),
        (forms.read_sex, "x", "P05"),
        (forms.read_creatinine, "0.9", "P07"),
        (forms.read_creatinine, "nan", "P05"),
        (forms.read_crcl, "90 mL/min/1.73m2", "P07"),
        (forms.read_neutrophils, "0.35 × 109/L", "D15"),
        (forms.read_neutrophils, "0.35", "P07"),
    ],
)
def test_body_refuses(reader, text, expected):
    assert code_of(reader, text) == expected


def test_sex_has_two_spellings_each():
    assert [forms.read_sex(text) for text in ("F", "female", "m", "Male")] == ["F", "F", "M", "M"]


@pytest.mark.parametrize("text", ["stratum == SAA-I", "cy.dose != none", "crcl < 70 mL/min", "age >= 18 y"])
def test_conditions_read_back(text):
    assert forms.read_condition(text).text == text


@pytest.mark.parametrize("text", ["age >= 18", "age = 18 y", "a == b and c == d", "f('x')", "crcl < x mL/min", ""])
def test_conditions_refuse(text):
    assert code_of(forms.read_condition, text) == "R11"
