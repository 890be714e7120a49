"""What goes into the second calculation and what comes out of it, as canonical texts and exact fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from dosing.second.levels import Level

HELD = "held"


class Line(NamedTuple):
    """One order as canonical text: `dose` as printed, `unit` and `step` of the amount, `offset` in minutes.

    `cap` is the maximum of one administration with its unit, `60 mg`; empty where none is stated.
    A line that hangs on other orders carries them as `anchors`, with the minutes each runs where it counts from their
    end, and `which` of their doses it counts from; `run` are the days that an interval fills which hangs on something.
    A dose that a level gives has the facts behind it in `level`; the number in its text is shortened and not used.
    """

    order: str
    dose: str
    unit: str
    step: str
    days: tuple[int, ...]
    at: tuple[str, ...] = ()
    every: str = ""
    first: str = ""
    event: str = ""
    offset: int = 0
    weight: str = "actual"
    factors: tuple[str, ...] = ()
    cap: str = ""
    bsa_max: str = ""
    bands: tuple[tuple[str, str], ...] = ()
    limit: str = ""
    packs: str = ""
    anchors: tuple[Line, ...] = ()
    lengths: tuple[int, ...] = ()
    which: str = ""
    run: tuple[int, ...] = ()
    level: Level | None = None


class When(NamedTuple):
    """Day 0 as an ISO date, the IANA zone, and the clock times of the events of day 0."""

    day0: str = ""
    zone: str = ""
    times: tuple[tuple[str, str], ...] = ()


class Result(NamedTuple):
    """One administration: `start` in POSIX seconds or None, amounts in the order's unit before and after rounding."""

    order: str
    number: int
    day: int
    start: float | None
    calculated: Fraction
    amount: Fraction
