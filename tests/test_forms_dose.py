"""Written doses, cells and totals: what is read, what is refused by which code, and that every canonical text reads back."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import code_of

from dosing import forms
from dosing.errors import InputError
from dosing.forms.dose import FLAT_UNITS, INTERVALS, PER_DOSE_UNITS

PHRASES = Path(__file__).parents[1].parent / "shared" / "reference" / "data" / "dose-phrases.tsv"
READ_DOSES = {
    "30 mg/(m2 day)": "30 mg/m2/day",
    "30 mg/m\\^2/day": "30 mg/m2/day",
    "30 mg/(m^2 day)": "30 mg/m2/day",
    "30 mg / m2 / day": "30 mg/m2/day",
    "30\u00a0mg/m²/d": "30 mg/m2/day",
    "5µg/kg/day": "5 mcg/kg/day",
    "5μg/(kg day)": "5 mcg/kg/day",
    "5 micrograms/kg/day": "5 mcg/kg/day",
    "1.50 mg/kg/day": "1.5 mg/kg/day",
    "0.6 mg/kg q6h": "0.6 mg/kg/dose every 6 h",
    "0.6 mg/(kg 6 h)": "0.6 mg/kg/dose every 6 h",
    "0.8 mg/kg every 6 hours for 4 days": "0.8 mg/kg/dose every 6 h x 4 days",
    "0.6 mg/kg/dose every 6 h x 16 doses": "0.6 mg/kg/dose every 6 h x 16 doses",
    "12 mg/kg/day every 6 h": "12 mg/kg/day every 6 h",
    "5 microgram/kg ONCE daily": "5 mcg/kg/day once daily",
    "5 mg/kg daily": "5 mg/kg/day once daily",
    "15 mg/kg three times daily": "15 mg/kg/dose three times daily",
    "15 mg/m2 once": "15 mg/m2/dose x 1 dose",
    "120 mg/m2/course": "120 mg/m2/course",
    "500 - 800 mg/m2/day": "500..800 mg/m2/day",
    "1e6..2e6 cells/kg": "1000000..2000000 cells/kg",
    "5×10⁵ cells/kg": "500000 cells/kg",
    "5*10^5 cells/kg": "500000 cells/kg",
    "2 million cells/kg": "2000000 cells/kg",
    "2 Gy x 6 doses": "2 Gy x 6 doses",
    "AUC 5": "5 AUC",
    "not given": "not given",
    "by level": "by level",
}
REFUSED_DOSES = {
    "1.500 mg/m2/day": "D02", "1\u202f000 mg/day": "D02", "1_000 mg/day": "D02", "1.000.000 mg": "D02",
    "05 mg/kg/day": "D03", "𝟓 mg/kg/day": "D04", "5² mg/kg/day": "D04", "1e400 mg/kg/day": "D05",
    "0.0 mg/kg/day": "D06", "−5 mg/kg/day": "D06", "5 × 10⁵/kg": "D07", "5 IU/kg/day": "D08", "5 Mg/kg/day": "D08",
    "5 ml/kg/day": "D08", "5 mg/KG/day": "D08", "2 Gy/kg": "D10", "5 mg/kg/h": "D10", "5 mg/(kg/day)": "D10",
    "4.8 to 7.2 g/m2": "D11", "9 x 4 mg/kg": "D13", "30 mg/m2 for 5 days": "D13", "60 mg/kg/day x 2": "D13",
    "120 mg/m2/course x 2 days": "D13", "500, 800 mg/m2/day": "D14", "up to 500 mg/day": "D14",
    "1-2 x 10^6 cells/kg": "D14", "10^5 cells/kg": "D15", "5 × 10⁻⁵ cells/kg": "D15", "5 mg/kg/day (total 20)": "D16",
    "5 mg/kg/dose IV": "D16", "5 mg/kg/day\u200d": "D17", "5\u3000mg/kg/day": "D17", "12345678 mg/day": "D18",
    "5e2 mg/day": "D18", "0.8 mg/kg 4x/day": "D19", "0.8 mg/kg Q6H": "D19", "5 mg\u2044kg/day": "D20",
}  # fmt: skip


@pytest.mark.parametrize(("text", "canonical"), READ_DOSES.items())
def test_dose_reads(text, canonical):
    assert forms.read_dose(text).text == canonical


@pytest.mark.parametrize(("text", "expected"), REFUSED_DOSES.items())
def test_dose_refuses(text, expected):
    assert code_of(forms.read_dose, text) == expected


@pytest.mark.skipif(not PHRASES.exists(), reason="the shelf with dose-phrases.tsv is absent")
@pytest.mark.parametrize(
    ("phrase", "part"),
    [
        ("30 mg/(m2 day) of Flu", "30 mg/(m2 day)"),
        ("5μg/(kg day) of ATG", "5μg/(kg day)"),
        ("0.6 mg/(kg 6 h) of busulfan", "0.6 mg/(kg 6 h)"),
        ("oral MMF (20 mg/kg/day)", "20 mg/kg/day"),
        ("CD25Ab (0.5 mg/kg/day)", "0.5 mg/kg/day"),
        ("rabbit ATG at 3.5 mg/kg/dose", "3.5 mg/kg/dose"),
        ("Ara-C 200 mg/m2 per day", "200 mg/m2 per day"),
        ("busulfan 0.8 mg/kg every 6 hours for 4 days", "0.8 mg/kg every 6 hours for 4 days"),
        ("60 mg/m2 per day", "60 mg/m2 per day"),
    ],
)
def test_printed_phrases_read(phrase, part):
    """Doses as records and papers print them, each found in the collected phrases."""
    assert phrase in PHRASES.read_text(encoding="utf-8")
    assert isinstance(forms.read_dose(part), forms.Dose)


def test_dose_keeps_the_written_unit_and_says_milligrams():
    dose = forms.read_dose("1.5 g/m2/day")
    assert (dose.low, dose.unit, str(dose)) == (Decimal("1.5"), "g", "1500 mg/m2/day")


def test_open_doses_are_members():
    """A dose that is not given or follows a level is a word of its own and no number."""
    assert forms.read_dose("not given") is forms.OpenDose.NOT_GIVEN
    assert forms.read_dose(" by level ") is forms.OpenDose.BY_LEVEL


def test_cells_need_no_word_where_only_cells_can_stand():
    assert forms.read_cells("5 × 10⁵/kg").text == "500000 cells/kg"
    assert code_of(forms.read_cells, "5 mg/kg/day") == "D08"
    assert code_of(forms.read_cells, "5e5 cells/kg/course") == "D10"
    assert code_of(forms.read_cells, "5 × 105/kg") == "D15"


def test_totals_imply_the_course():
    assert forms.read_total("120 mg/m2").text == "120 mg/m2/course"
    assert code_of(forms.read_total, "30 mg/m2/day") == "D13"


@pytest.mark.parametrize(
    ("text", "fastest", "slowest"),
    [("600000 units/kg every 8..12 h", "8", "12"), ("600000 units/kg q8-12h", "8", "12"), ("10 mg/dose every 6 to 8 hours x 6 doses", "6", "8")],
)
def test_an_interval_may_be_a_range(text, fastest, slowest):
    dose = forms.read_dose(text)
    assert (dose.every, dose.slowest, dose.is_range, dose.low == dose.high) == (Decimal(fastest), Decimal(slowest), True, True)
    assert forms.read_dose(dose.text) == dose
    assert "an interval printed as a range: choose one" in forms.interpret(text)["readings"]


@pytest.mark.parametrize("text", ["0.8 mg/kg every 12..8 h", "0.8 mg/kg every 5..12 h", "0.8 mg/kg every 8..8 h", "0.8 mg/kg every 8.. h"])
def test_an_interval_of_no_range_is_refused(text):
    assert code_of(forms.read_dose, text).startswith("D")


# Properties

numbers = st.integers(1, 9_999_999).map(lambda n: Decimal(n).scaleb(-3)) | st.integers(1, 9_999_999).map(Decimal)
mass_units = st.sampled_from(["mg", "mcg", "units", "mmol", "mL"])


@st.composite
def doses(draw) -> forms.Dose:
    unit = draw(mass_units | st.sampled_from(sorted(PER_DOSE_UNITS)))
    low, high = sorted((draw(numbers), draw(numbers)))
    if unit == "cells":
        low, high = low + 1, high + 1
    per = "" if unit in FLAT_UNITS else draw(st.sampled_from(["", "kg", "m2"]))
    repeats = draw(st.sampled_from([
        {"time": "day"}, {"time": "dose"}, {"time": "course"}, {"time": "day", "days": 4}, {"time": "day", "times": 1},
        {"time": "dose", "times": 2}, {"time": "dose", "doses": 1}, {"time": "dose", "doses": 16},
        {"time": "day", "every": 6}, {"time": "dose", "every": 6, "days": 1}, {"time": "dose", "every": 0, "doses": 3},
    ]))  # fmt: skip
    if "every" in repeats:
        repeats = repeats | {"every": Decimal(draw(st.sampled_from(INTERVALS)))}
    ends = (low, high) if draw(st.booleans()) and low < high else (high, high)
    return forms.Dose(*(_seven_digits(end) for end in ends), unit, per, **repeats)


def _seven_digits(number: Decimal) -> Decimal:
    return number if len(number.normalize().as_tuple().digits) <= 7 else Decimal(int(number))


@given(doses())
def test_canonical_dose_reads_back(dose):
    assert forms.read_dose(dose.text) == dose
    assert forms.read_dose(dose.text).text == dose.text


@given(doses())
def test_a_comma_for_the_point_is_refused(dose):
    if "." in dose.text.replace("..", ""):
        edited = dose.text.replace("..", "R").replace(".", ",").replace("R", "..")
        assert code_of(forms.read_dose, edited) in {"D01", "D02"}


@given(doses())
def test_a_lost_unit_is_refused(dose):
    assert code_of(forms.read_dose, dose.text.replace(f" {dose.unit}", "", 1)).startswith("D")


@given(numbers, mass_units, st.sampled_from(["", "/kg", "/m2"]))
def test_a_lost_time_base_is_refused(number, unit, per):
    assert code_of(forms.read_dose, f"{forms.plain(number)} {unit}{per}") == "D11"


@given(doses(), st.sampled_from("-+−–"))
def test_a_sign_is_refused(dose, sign):
    assert code_of(forms.read_dose, sign + dose.text) == "D06"


@given(doses(), st.data())
def test_a_hidden_character_anywhere_inside_is_refused(dose, data):
    """A space of no width, a change of direction, a soft hyphen, a zero byte, a tab."""
    place = data.draw(st.integers(0, len(dose.text)))
    hidden = data.draw(st.sampled_from("\u200b\u202e\ufeff\u00ad\x00\t"))
    assert code_of(forms.read_dose, dose.text[:place] + hidden + dose.text[place:]) == "D17"


@given(st.text(alphabet="0123456789.,-+ emgkcxd/²×⁵10^qhoursay", max_size=24))
def test_a_near_dose_is_read_or_refused_and_reads_back(text):
    """Any text of a dose's letters: what is read comes back the same from its canonical text."""
    try:
        dose = forms.read_dose(text)
    except InputError:
        return
    assert forms.read_dose(dose.text).text == dose.text
