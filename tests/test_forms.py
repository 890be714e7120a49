"""The written forms: what each reads, what it refuses, and that every canonical text reads back."""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosing import forms
from dosing.errors import InputError, UsageError
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


def code(reader, text) -> str:
    with pytest.raises(InputError) as refusal:
        reader(text)
    return refusal.value.code


@pytest.mark.parametrize(("text", "canonical"), READ_DOSES.items())
def test_dose_reads(text, canonical):
    assert forms.read_dose(text).text == canonical


@pytest.mark.parametrize(("text", "expected"), REFUSED_DOSES.items())
def test_dose_refuses(text, expected):
    assert code(forms.read_dose, text) == expected


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
    assert phrase in PHRASES.read_text(encoding="utf-8")
    assert isinstance(forms.read_dose(part), forms.Dose)


def test_dose_keeps_the_written_unit_and_says_milligrams():
    dose = forms.read_dose("1.5 g/m2/day")
    assert (dose.low, dose.unit, str(dose)) == (Decimal("1.5"), "g", "1500 mg/m2/day")


def test_open_doses_are_members():
    assert forms.read_dose("not given") is forms.OpenDose.NOT_GIVEN
    assert forms.read_dose(" by level ") is forms.OpenDose.BY_LEVEL


def test_cells_need_no_word_where_only_cells_can_stand():
    assert forms.read_cells("5 × 10⁵/kg").text == "500000 cells/kg"
    assert code(forms.read_cells, "5 mg/kg/day") == "D08"
    assert code(forms.read_cells, "5e5 cells/kg/course") == "D10"
    assert code(forms.read_cells, "5 × 105/kg") == "D15"


def test_totals_imply_the_course():
    assert forms.read_total("120 mg/m2").text == "120 mg/m2/course"
    assert code(forms.read_total, "30 mg/m2/day") == "D13"


def test_refusals_tell_both_readings():
    with pytest.raises(InputError) as refusal:
        forms.read_dose("0,6 mg/kg/day")
    assert refusal.value.faults[0].readings == ("0.6", "6")
    with pytest.raises(InputError) as refusal:
        forms.read_date("03/04/2026")
    assert refusal.value.faults[0].readings == ("2026-04-03", "2026-03-04")


def test_a_text_is_needed():
    assert code(forms.read_dose, 5) == "R01"


READ_DAYS = {
    "-5..-2": "-5..-2", "-5 to -2": "-5..-2", "−5 through −2": "-5..-2", "–5 to –2": "-5..-2",
    "day − 5 to − 2": "-5..-2", "D-5 to D-2": "-5..-2", "Day -5": "-5", "d0": "0", "+3 and +4": "+3, +4",
    "-9, -8 and -7": "-9..-7", "+11, +1, +3, +6": "+1, +3, +6, +11", "-5..-2, +1": "-5..-2, +1", "0 to +7": "0..+7",
    "days minus 3 and minus 2": "-3, -2",
}  # fmt: skip
REFUSED_DAYS = {
    "-1 to 100": "Y01", "-0": "Y01", "-5 to -5": "Y02", "-5 to -2.5": "Y03", "-５": "Y03", "-5\u200b": "D17",
    "-121": "Y05", "+401": "Y05", "-5 - -2": "Y06", "-5 -4": "Y06", "-5..-2,": "Y06", "-5:-2": "Y06", "": "Y07",
}  # fmt: skip


@pytest.mark.parametrize(("text", "canonical"), READ_DAYS.items())
def test_days_read(text, canonical):
    assert forms.say_days(forms.read_days(text)) == canonical


@pytest.mark.parametrize(("text", "expected"), REFUSED_DAYS.items())
def test_days_refuse(text, expected):
    assert code(forms.read_days, text) == expected


def test_clock_forms():
    assert forms.read_date("2026-12-09") == dt.date(2026, 12, 9)
    assert forms.read_time("02:30") == 150
    assert [forms.read_fold_time(f"02:30{word}") for word in ("", " first", " second")] == [
        (150, None), (150, 0), (150, 1)]  # fmt: skip
    assert [forms.read_duration(text) for text in ("30 min", "1.5 h", "20 hours", "2 days")] == [30, 90, 1200, 2880]
    assert [forms.say_duration(minutes) for minutes in (30, 90, 120)] == ["30 min", "90 min", "2 h"]
    assert code(forms.read_date, "2026-02-29") == "T02"


@pytest.mark.parametrize("text", ["0 min", "32 days", "1.33 h", "30", "-2 h", "30 s"])
def test_durations_refuse(text):
    assert code(forms.read_duration, text) == "T03"


@pytest.mark.parametrize("text", ["UTC", "Etc/GMT+8", "Etc/UTC", "CST", "asia/shanghai", "America/Argentina",
                                  "Asia/../../etc/passwd", "/etc/passwd", "posix/Asia/Tokyo"])  # fmt: skip
def test_zones_refuse(text):
    assert code(forms.read_zone, text) == "T06"


@pytest.mark.parametrize("text", ["Asia/Shanghai", "America/Port-au-Prince", "America/Argentina/Buenos_Aires"])
def test_zones_read(text):
    assert forms.read_zone(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("09:00", forms.Clock((540,))),
        ("09:00, 21:00", forms.Clock((540, 1260))),
        ("4 h before hsc", forms.Offset(-240, "hsc")),
        ("24 h after hsc", forms.Offset(1440, "hsc")),
        ("at hsc", forms.Offset(0, "hsc")),
        ("hsc", forms.Offset(0, "hsc")),
        ("6 h after end of last bu", forms.Offset(360, "bu", "last", True)),
        ("24 h after the start of the last busulfan", forms.Offset(1440, "busulfan", "last")),
        ("24 h after each mtx-1", forms.Offset(1440, "mtx-1", "each")),
        ("at end of flu", forms.Offset(0, "flu", "", True)),
        ("4 days after last flu", forms.Offset(5760, "flu", "last")),
    ],
)
def test_rhythms_read_and_read_back(text, value):
    assert forms.read_rhythm(text) == value
    assert forms.read_rhythm(value.text) == value


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
    assert code(forms.read_dose, text).startswith("D")


@pytest.mark.parametrize("text", ["noon", "8pm", "21:00, 09:00", "09:00, 09:00", "4 before hsc", "4 h before HSC", "6 h after last", "6 h after end of", "6 h past bu", ""])
def test_rhythms_refuse(text):
    assert code(forms.read_rhythm, text) == "T03"


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
    assert code(reader, text) == expected


def test_sex_has_two_spellings_each():
    assert [forms.read_sex(text) for text in ("F", "female", "m", "Male")] == ["F", "F", "M", "M"]


@pytest.mark.parametrize("text", ["stratum == SAA-I", "cy.dose != none", "crcl < 70 mL/min", "age >= 18 y"])
def test_conditions_read_back(text):
    assert forms.read_condition(text).text == text


@pytest.mark.parametrize("text", ["age >= 18", "age = 18 y", "a == b and c == d", "f('x')", "crcl < x mL/min", ""])
def test_conditions_refuse(text):
    assert code(forms.read_condition, text) == "R11"


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


# Properties.

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
        assert code(forms.read_dose, edited) in {"D01", "D02"}


@given(doses())
def test_a_lost_unit_is_refused(dose):
    assert code(forms.read_dose, dose.text.replace(f" {dose.unit}", "", 1)).startswith("D")


@given(numbers, mass_units, st.sampled_from(["", "/kg", "/m2"]))
def test_a_lost_time_base_is_refused(number, unit, per):
    assert code(forms.read_dose, f"{forms.plain(number)} {unit}{per}") == "D11"


@given(doses(), st.sampled_from("-+−–"))
def test_a_sign_is_refused(dose, sign):
    assert code(forms.read_dose, sign + dose.text) == "D06"


@given(doses(), st.data())
def test_a_hidden_character_anywhere_inside_is_refused(dose, data):
    place = data.draw(st.integers(0, len(dose.text)))
    hidden = data.draw(st.sampled_from("\u200b\u202e\ufeff\u00ad\x00\t"))
    assert code(forms.read_dose, dose.text[:place] + hidden + dose.text[place:]) == "D17"


@given(st.sets(st.integers(-120, 400), min_size=1, max_size=12))
def test_canonical_days_read_back(days):
    assert forms.read_days(forms.say_days(tuple(days))) == tuple(sorted(days))


@given(st.sets(st.integers(-120, 400).filter(bool), min_size=1, max_size=6), st.data())
def test_a_lost_sign_is_refused(days, data):
    text = forms.say_days(tuple(days))
    place = data.draw(st.sampled_from([n for n, sign in enumerate(text) if sign in "+-"]))
    assert code(forms.read_days, text[:place] + text[place + 1 :]) == "Y01"


def test_every_range_of_the_window_reads_back():
    for first in range(-120, 101):
        for last in range(first + 2, 101):
            text = f"{first:+d} to {last:+d}".replace("+0", "0")
            assert forms.read_days.__wrapped__(text) == tuple(range(first, last + 1))


def test_no_decimal_digit_outside_ascii_is_read():
    foreign = [chr(n) for n in range(128, sys.maxunicode) if chr(n).isdecimal()]
    assert len(foreign) > 600
    for digit in foreign:
        assert code(forms.read_dose, f"{digit} mg/kg/day") == "D04"
        assert code(forms.read_days, f"-{digit}") == "Y03"
        assert code(forms.read_weight_kg, f"7{digit}") == "P07"


@given(st.integers(0, 1439))
def test_canonical_times_read_back(minutes):
    assert forms.read_time(forms.say_time(minutes)) == minutes


@given(st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)))
def test_canonical_dates_read_back(day):
    assert forms.read_date(day.isoformat()) == day


@given(st.integers(1, 31 * 1440))
def test_canonical_durations_read_back(minutes):
    assert forms.read_duration(forms.say_duration(minutes)) == minutes


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    readers = [*forms.READERS.values(), forms.read_rhythm, forms.read_condition, forms.read_weight_kg,
               forms.read_height_cm, forms.read_age, forms.read_sex, forms.read_creatinine, forms.read_crcl,
               forms.read_neutrophils, forms.read_duration, forms.read_fold_time, forms.read_total]  # fmt: skip
    for reader in readers:
        try:
            reader(text)
        except InputError as refusal:
            assert refusal.faults[0].what and refusal.faults[0].do


@given(st.text(alphabet="0123456789.,-+ emgkcxd/²×⁵10^qhoursay", max_size=24))
def test_a_near_dose_is_read_or_refused_and_reads_back(text):
    try:
        dose = forms.read_dose(text)
    except InputError:
        return
    assert forms.read_dose(dose.text).text == dose.text
