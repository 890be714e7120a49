"""Exact numbers out of plain texts, their steps, and the second calculation's own table of units."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
IS_NUMBER = re.compile(NUMBER)
_UNITS = {  # kind, size in the kind's own unit; AUC stands for the mg that Calvert gives
    "ng": ("mass", Fraction(1, 10**6)), "mcg": ("mass", Fraction(1, 1000)), "mg": ("mass", Fraction(1)), "g": ("mass", Fraction(1000)),
    "AUC": ("mass", Fraction(1)), "cells": ("cells", Fraction(1)), "units": ("units", Fraction(1)),
    "micromol": ("substance", Fraction(1, 1000)), "mmol": ("substance", Fraction(1)),
    "cGy": ("radiation", Fraction(1, 100)), "Gy": ("radiation", Fraction(1)),
}  # fmt: skip


@lru_cache(maxsize=4096)
def number(text: str, name: str, zero: bool = False) -> Fraction:
    """A plain number above zero (or from zero on) as an exact fraction."""
    value = _exact(text) if IS_NUMBER.fullmatch(text) else None
    if value is None or not (value or zero):
        raise ValueError(f"{name} {text!r} is not a plain number above zero; write digits with a point")
    return value


def _exact(text: str) -> Fraction:
    """A number text as a fraction; digits with a point, the common form, without the reader for every form."""
    whole, _, part = text.partition(".")
    return Fraction(int(whole + part), 10 ** len(part)) if (whole + part).isdecimal() else Fraction(text)


def stepped(value: Fraction, text: str) -> Fraction:
    """The nearest multiple of a step, half away from zero; no value here is negative."""
    if not text:
        return value
    (step, part), (top, bottom) = number(text, "step").as_integer_ratio(), value.as_integer_ratio()
    unit = bottom * step
    return Fraction((2 * top * part + unit) // (2 * unit) * step, part)


def ratio(given: str, wanted: str) -> Fraction:
    """How many of one unit another is; `ValueError` for two that are not of one kind."""
    (kind, size), (other, part) = (_UNITS.get(unit, (unit, Fraction(1))) for unit in (given, wanted))
    if kind != other or wanted == "AUC":
        raise ValueError(f"no way from {given} to {wanted}; state the amount in a unit of the same kind")
    return size / part
