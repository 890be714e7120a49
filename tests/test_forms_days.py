"""Written days: what is read, what is refused by which code, and that every canonical text reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import code_of

from dosing import forms

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
    assert code_of(forms.read_days, text) == expected


# Properties


@given(st.sets(st.integers(-120, 400), min_size=1, max_size=12))
def test_canonical_days_read_back(days):
    assert forms.read_days(forms.say_days(tuple(days))) == tuple(sorted(days))


@given(st.sets(st.integers(-120, 400).filter(bool), min_size=1, max_size=6), st.data())
def test_a_lost_sign_is_refused(days, data):
    """A day other than 0 without its sign is refused, wherever it stands."""
    text = forms.say_days(tuple(days))
    place = data.draw(st.sampled_from([n for n, sign in enumerate(text) if sign in "+-"]))
    assert code_of(forms.read_days, text[:place] + text[place + 1 :]) == "Y01"


def test_every_range_of_the_window_reads_back():
    """Every range of three days or more between -120 and +100."""
    for first in range(-120, 101):
        for last in range(first + 2, 101):
            text = f"{first:+d} to {last:+d}".replace("+0", "0")
            assert forms.read_days.__wrapped__(text) == tuple(range(first, last + 1))
