"""Written dates, times, durations, zones and rhythms: what is read, what is refused, what reads back."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import code_of

from dosing import forms


def test_clock_forms():
    """Dates, times, the first or second of a doubled hour, and durations in minutes."""
    assert forms.read_date("2026-12-09") == dt.date(2026, 12, 9)
    assert forms.read_time("02:30") == 150
    assert [forms.read_fold_time(f"02:30{word}") for word in ("", " first", " second")] == [
        (150, None), (150, 0), (150, 1)]  # fmt: skip
    assert [forms.read_duration(text) for text in ("30 min", "1.5 h", "20 hours", "2 days")] == [30, 90, 1200, 2880]
    assert [forms.say_duration(minutes) for minutes in (30, 90, 120)] == ["30 min", "90 min", "2 h"]
    assert code_of(forms.read_date, "2026-02-29") == "T02"


@pytest.mark.parametrize("text", ["0 min", "32 days", "1.33 h", "30", "-2 h", "30 s"])
def test_durations_refuse(text):
    assert code_of(forms.read_duration, text) == "T03"


@pytest.mark.parametrize("text", ["UTC", "Etc/GMT+8", "Etc/UTC", "CST", "asia/shanghai", "America/Argentina",
                                  "Asia/../../etc/passwd", "/etc/passwd", "posix/Asia/Tokyo"])  # fmt: skip
def test_zones_refuse(text):
    """No fixed offset, abbreviation, region alone, other case or path: only a place with its own clock."""
    assert code_of(forms.read_zone, text) == "T06"


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


@pytest.mark.parametrize("text", ["noon", "8pm", "21:00, 09:00", "09:00, 09:00", "4 before hsc", "4 h before HSC", "6 h after last", "6 h after end of", "6 h past bu", ""])
def test_rhythms_refuse(text):
    assert code_of(forms.read_rhythm, text) == "T03"


# Properties


@given(st.integers(0, 1439))
def test_canonical_times_read_back(minutes):
    assert forms.read_time(forms.say_time(minutes)) == minutes


@given(st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)))
def test_canonical_dates_read_back(day):
    assert forms.read_date(day.isoformat()) == day


@given(st.integers(1, 31 * 1440))
def test_canonical_durations_read_back(minutes):
    assert forms.read_duration(forms.say_duration(minutes)) == minutes
