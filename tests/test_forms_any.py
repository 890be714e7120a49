"""What holds for every written form: a refusal tells all readings, a meaning is told in words, any text is read or refused."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import code_of

from dosing import forms
from dosing.errors import InputError, UsageError


def test_a_text_is_needed():
    """A number in Python has no unit: it is refused."""
    assert code_of(forms.read_dose, 5) == "R01"


def test_refusals_tell_both_readings():
    with pytest.raises(InputError) as refusal:
        forms.read_dose("0,6 mg/kg/day")
    assert refusal.value.faults[0].readings == ("0.6", "6")
    with pytest.raises(InputError) as refusal:
        forms.read_date("03/04/2026")
    assert refusal.value.faults[0].readings == ("2026-04-03", "2026-03-04")


def test_interpret_tells_a_meaning_in_words():
    told = forms.interpret("0.6 mg/kg q6h")
    assert told["canonical"] == "0.6 mg/kg/dose every 6 h"
    assert told["value"]["every"] == "6" and "4 doses a day = 2.4 mg/kg/day" in told["readings"]
    assert "a range: choose one value" in forms.interpret("500..800 mg/m2/day")["readings"]
    assert forms.interpret("-5..-2", "days")["readings"] == ["4 days: -5, -4, -3, -2"]
    assert forms.interpret("2026-12-09", "date")["readings"] == ["Wednesday"]
    assert forms.interpret("70", "weight")["value"] == forms.interpret("70 kg", "weight")["value"]
    with pytest.raises(UsageError):
        forms.interpret("70", "wieght")


@pytest.mark.parametrize(("kind", "text"), [
    ("dose", "2 Gy"), ("cells", "5e5/kg"), ("days", "0"), ("time", "00:00"), ("date", "2026-12-09"),
    ("zone", "Asia/Shanghai"), ("weight", "70"), ("height", "170 cm"), ("dose", "by level"),
])  # fmt: skip
def test_interpret_gives_plain_json(kind, text):
    told = forms.interpret(text, kind)
    assert json.loads(json.dumps(told)) == told and set(told) == {"kind", "input", "canonical", "value", "readings"}


# Properties


def test_no_decimal_digit_outside_ascii_is_read():
    """Every decimal digit of every other script, in a dose, a day and a weight."""
    foreign = [chr(n) for n in range(128, sys.maxunicode) if chr(n).isdecimal()]
    assert len(foreign) > 600
    for digit in foreign:
        assert code_of(forms.read_dose, f"{digit} mg/kg/day") == "D04"
        assert code_of(forms.read_days, f"-{digit}") == "Y03"
        assert code_of(forms.read_weight_kg, f"7{digit}") == "P07"


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    """No reader fails in any other way, and each refusal says what is wrong and what to do."""
    readers = [*forms.READERS.values(), forms.read_rhythm, forms.read_condition, forms.read_weight_kg,
               forms.read_height_cm, forms.read_age, forms.read_sex, forms.read_creatinine, forms.read_crcl,
               forms.read_neutrophils, forms.read_duration, forms.read_fold_time, forms.read_total]  # fmt: skip
    for reader in readers:
        try:
            reader(text)
        except InputError as refusal:
            assert refusal.faults[0].what and refusal.faults[0].do
