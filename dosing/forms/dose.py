"""Written doses: `30 mg/m2/day`, `0.6 mg/kg/dose every 6 h`, `500..800 mg/m2/day`, `5e5 cells/kg`.

A dose has one reading or none: whatever is missing or could mean two things is refused with its cure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar

from dosing.display import as_bundle, as_html
from dosing.errors import InputError, refuse
from dosing.units import DOSED

from . import dose_faults as faults
from .text import MAX_DIGITS, SUPERSCRIPTS, Codes, check_number_form, gate, plain, printed, show, significant

PER_DOSE_UNITS = frozenset({"cells", "Gy", "cGy", "AUC"})
FLAT_UNITS = frozenset({"Gy", "cGy", "AUC"})
INTERVALS = (1, 2, 3, 4, 6, 8, 12, 24)
LOWEST, HIGHEST = Decimal("1e-6"), Decimal("1e12")
TIMES_WORDS = {1: "once", 2: "twice", 3: "three times", 4: "four times"}

_CODES = Codes()
_ALLOWED = "µμ²³⁰¹⁴⁵⁶⁷⁸⁹×·−–—±≥≤≈⁻"
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_AMOUNT = rf"{_NUMBER}(?:\s*[x×*]\s*10(?:\\?\^\d+|[⁰¹²³⁴⁵⁶⁷⁸⁹]+))?"
_SIGN = r"\s*\.\.\s*|\s*–\s*|-|\s-\s|\s+to\s+"
_HEAD = re.compile(rf"(?P<low>{_AMOUNT})(?:(?:{_SIGN})(?P<high>{_AMOUNT}))?\s*")
_POWER = re.compile(r"\s*[x×*]\s*10\\?\^?")
_UNIT = re.compile(r"(?:(?P<million>million)\s+)?(?P<unit>[A-Za-zµμ]*%?)")
_PAREN = re.compile(r"/\s*\(\s*(?P<per>kg|m2|m²|m\\?\^2)\s*[ ·*]\s*(?P<time>[a-z]+|\d+\s*h|\d+\s*hours)\s*\)")
_PART = re.compile(r"\s*(?:/\s*|\bper\s+)(?P<token>[A-Za-z]+\\?\^\d|[A-Za-z]+[²³\d]*|\d+\s*[A-Za-z]+)")
_EVERY = re.compile(r"\s*(?:\bevery\s+|\bq\s*)(?P<hours>\d+)(?:\s*(?:\.\.|–|-|to)\s*(?P<slowest>\d+))?\s*(?:h|hrs?|hours?)\b")
_DAILY = re.compile(
    r"\s*\b(?:(?P<word>once|twice|three\s+times|four\s+times)\s+(?:daily|(?:a|per|each)\s+day)|daily)\b", re.I
)
_ONCE = re.compile(r"\s*\bonce\b", re.I)
_COUNT = re.compile(r"\s*(?:x|×|\*|\bfor\b)\s*(?P<count>[1-9]\d{0,2})\s*(?P<what>days?|d|doses?)\b")
_UNCLEAR = re.compile(r"\s*(?:(?:x|×|\*)\s*(?P<count>\d+)\b|\b(?:over|in|for)\s+(?P<days>\d+\s*(?:days?|d|doses?))\b)")
_BASES = {"kg": "kg", "m2": "m2", "m²": "m2", "m^2": "m2", "m\\^2": "m2"}
_TIMES = {"day": "day", "d": "day", "dose": "dose", "course": "course"}


@dataclass(frozen=True, slots=True, repr=False)
class Dose:
    """One written dose: amount or range, unit, what it is per ("kg", "m2", ""), time base and repetition.

    `every` is in hours, `times` in doses a day, `days` and `doses` are counts; `low` equals `high` unless a range;
    `slowest` is the other end of an interval printed as a range (`every 8..12 h`).
    """

    low: Decimal
    high: Decimal
    unit: str
    per: str
    time: str
    every: Decimal | None = None
    times: int | None = None
    days: int | None = None
    doses: int | None = None
    slowest: Decimal | None = None
    _repr_html_, _repr_mimebundle_ = as_html, as_bundle

    def __repr__(self) -> str:
        return f"<Dose {self.text}>"

    @property
    def is_range(self) -> bool:
        """True while no single value, or no single interval, has been chosen."""
        return self.low != self.high or self.slowest is not None

    @property
    def text(self) -> str:
        """The canonical text; grams are shown in mg."""
        return " ".join(filter(None, (self._amount(), self._rhythm(), self._count())))

    def __str__(self) -> str:
        return self.text

    def _amount(self) -> str:
        factor, unit = (1000, "mg") if self.unit == "g" else (1, self.unit)
        numbers = printed(self.low * factor) + (f"..{printed(self.high * factor)}" if self.low != self.high else "")
        time = "" if self._implied() else f"/{self.time}"
        return f"{numbers} {unit}{'/' + self.per if self.per else ''}{time}"

    def _implied(self) -> bool:
        """Cells, Gy and AUC are per dose unless they say otherwise."""
        return self.unit in PER_DOSE_UNITS and self.time == "dose"

    def _rhythm(self) -> str:
        if self.every is not None:
            return f"every {plain(self.every)}{f'..{plain(self.slowest)}' if self.slowest else ''} h"
        return f"{TIMES_WORDS[self.times]} daily" if self.times else ""

    def _count(self) -> str:
        if self.days is not None:
            return f"x {self.days} day{'' if self.days == 1 else 's'}"
        if self.doses is not None:
            return f"x {self.doses} dose{'' if self.doses == 1 else 's'}"
        return ""


class OpenDose(str):
    """A dose that a source leaves open: `not given`, or set `by level`."""

    __slots__ = ()
    NOT_GIVEN: ClassVar[OpenDose]
    BY_LEVEL: ClassVar[OpenDose]

    @property
    def text(self) -> str:
        """The canonical text."""
        return str(self)


OpenDose.NOT_GIVEN = OpenDose("not given")
OpenDose.BY_LEVEL = OpenDose("by level")
_OPEN = {"not given": OpenDose.NOT_GIVEN, "by level": OpenDose.BY_LEVEL}


@lru_cache(maxsize=4096)
def read_dose(text: str) -> Dose | OpenDose:
    """Read a written dose; `InputError` D01-D20 when it is missing something or has two readings."""
    if isinstance(text, str) and text.strip(" ") in _OPEN:
        return _OPEN[text.strip(" ")]
    return _read(text)


@lru_cache(maxsize=4096)
def read_cells(text: str) -> Dose:
    """Read a dose counted in cells (`5e5 cells/kg`, or `5 × 10⁵/kg` without the word); D08 or D10 otherwise."""
    dose = _read(text, bare="cells")
    if dose.unit != "cells":
        raise refuse("D08", f"{show(text)} is in {dose.unit}, not in cells", "write the number of cells: 5e5 cells/kg.")
    if dose.time == "course":
        raise refuse("D10", f"{show(text)} is a course total", "write the cells of one infusion: 5e5 cells/kg.")
    return dose


@lru_cache(maxsize=4096)
def read_total(text: str) -> Dose:
    """Read a course total (`120 mg/m2`): the time base is `course`, whether written or not; D13 otherwise."""
    dose = _read(text, base="course")
    if dose.time != "course" and dose.unit not in PER_DOSE_UNITS or dose.every or dose.times or dose.days:
        raise refuse("D13", f"{show(text)} is not a course total", "write the total of all doses: 120 mg/m2.")
    return replace(dose, time="course", doses=None)


def _read(text: str, bare: str = "", base: str = "") -> Dose:
    if isinstance(text, str):
        faults.before_gate(text)
    text = gate(text, _CODES, _ALLOWED)
    faults.before_number(text)
    check_number_form(text, _CODES)
    text = re.sub(r"\AAUC\s+([\d.]+)\Z", r"\1 AUC", text)
    head = _HEAD.match(text)
    if head is None:
        raise faults.no_number(text)
    unit, factor, rest = _unit(text, _PAREN.sub(_unfold, text[head.end() :]), bare)
    low, high = _range(text, head, factor, unit)
    per, time, rest = _parts(text, unit, rest)
    repeats = _repeats(text, head["low"], time or base, rest)
    return Dose(low, high, unit, per, _time_base(text, head["low"], unit, time or base, repeats), **repeats)


def _unfold(match: re.Match[str]) -> str:
    """`/(kg 6 h)` as `/kg every 6 h` and `/(m2 day)` as `/m2/day`."""
    time = match["time"]
    return f"/{match['per']} every {time}" if time[0].isdigit() else f"/{match['per']}/{time}"


def _unit(text: str, rest: str, bare: str) -> tuple[str, int, str]:
    fault = faults.after_number(text, rest)
    if fault:
        raise fault
    found = _UNIT.match(rest)
    assert found
    written = found["unit"] or (bare if rest.startswith("/") else "")
    unit = DOSED.get(written)
    if unit is None or found["million"] and unit != "cells":
        raise faults.bad_unit(text, rest, written if unit is None else f"million {written}")
    return unit, 10**6 if found["million"] else 1, rest[found.end() :]


def _range(text: str, head: re.Match[str], factor: int, unit: str) -> tuple[Decimal, Decimal]:
    if head["high"] and re.fullmatch(r"0(?:\.0+)?", head["high"]):
        raise _no_range(text)
    low = _number(text, head["low"], unit) * factor
    high = _number(text, head["high"], unit) * factor if head["high"] else low
    if head["high"] and _scaled(head["high"]) and not _scaled(head["low"]):
        cure = "write both ends in full: 1e6..2e6 cells/kg."
        raise refuse("D14", f"{show(text)}: the power of ten may belong to one number or to both", cure)
    if head["high"] and low >= high:
        raise _no_range(text)
    if unit == "cells" and low < 1:
        raise refuse("D18", f"{show(text)} is less than one cell", "write the number of cells: 5e5 cells/kg.")
    return low, high


def _no_range(text: str) -> InputError:
    cure = "write the lower number first, as in 500..800 mg/m2/day, or one number."
    return refuse("D14", f"{show(text)} is a range whose second number is not the larger one", cure)


def _scaled(written: str) -> bool:
    return "e" in written.lower() or bool(_POWER.search(written))


def _number(text: str, written: str, unit: str) -> Decimal:
    number, _, raised = _POWER.sub("|", written).partition("|")
    mantissa, _, exponent = number.lower().partition("e")
    power = int(raised.translate(SUPERSCRIPTS) or 0) + int(exponent or 0)
    _refuse_size(text, Decimal(mantissa), power)
    if unit != "cells" and _scaled(written):
        raise refuse("D18", f"{show(text)} has a power of ten; only cells are written so", "write the number in full.")
    return Decimal(mantissa).scaleb(power)


def _refuse_size(text: str, mantissa: Decimal, power: int) -> None:
    if mantissa == 0:
        raise refuse("D06", f"the dose in {show(text)} is 0", "write a dose greater than 0, or: not given.")
    if abs(power) > 308:
        raise refuse("D05", f"the number in {show(text)} is too extreme to be finite", "write the number in full.")
    if significant(mantissa) > MAX_DIGITS:
        cure = f"write at most {MAX_DIGITS} significant digits."
        raise refuse("D18", f"the number in {show(text)} has {significant(mantissa)} significant digits", cure)
    if not LOWEST <= mantissa.scaleb(power) <= HIGHEST:
        cure = f"write a number from {plain(LOWEST)} to {plain(HIGHEST)}, in a fitting unit."
        raise refuse("D18", f"the number in {show(text)} is far outside any dose", cure)


def _parts(text: str, unit: str, rest: str) -> tuple[str, str, str]:
    """What stands behind the slashes: basis and time base, and the rest of the text."""
    per = time = ""
    while part := _PART.match(rest):
        token = part["token"]
        if token not in _BASES and token not in _TIMES:
            raise faults.bad_base(text, token)
        if per if token in _BASES else time:
            raise faults.doubled_base(text, token)
        per, time = _BASES.get(token, per), _TIMES.get(token, time)
        rest = rest[part.end() :]
    if per and unit in FLAT_UNITS:
        raise refuse("D10", f"{show(text)}: {unit} is never per {per}", f"write the {unit} alone: 2 {unit}.")
    return per, time, rest


def _repeats(text: str, number: str, time: str, rest: str) -> dict:
    """The repetitions behind the slashes: `every`, `times`, `days`, `doses`."""
    found: dict = {}
    while rest.strip(" "):
        key, value, end = _repeat(text, number, time, rest, found)
        if key in found or {"every", "times"} <= {key, *found} or {"days", "doses"} <= {key, *found}:
            raise faults.bad_interval(text, rest.strip(" "))
        found |= value if isinstance(value, dict) else {key: value}
        rest = rest[end:]
    return found


def _repeat(text: str, number: str, time: str, rest: str, found: dict) -> tuple[str, object, int]:
    if every := _EVERY.match(rest):
        return "every", _interval(text, every), every.end()
    if daily := _DAILY.match(rest):
        word = re.sub(r"\s+", " ", (daily["word"] or "once").lower())
        return "times", next(n for n, name in TIMES_WORDS.items() if name == word), daily.end()
    if once := _ONCE.match(rest):
        return "doses", 1, once.end()
    if count := _COUNT.match(rest):
        return _counted(text, number, time, count, found)
    if unclear := _UNCLEAR.match(rest):
        if "times" in found:
            raise faults.bad_interval(text, rest.strip(" "))
        raise faults.total_or_daily(text, number, unclear["count"] or unclear["days"])
    raise faults.leftover(text, rest)


def _interval(text: str, found: re.Match[str]) -> dict[str, Decimal]:
    """The hours between doses; both ends where a range is printed, which a person must choose from."""
    ends = [int(hours) for hours in found.group("hours", "slowest") if hours]
    if not set(ends) <= set(INTERVALS) or ends != sorted(set(ends)):
        raise faults.bad_interval(text, found[0].strip(" "))
    return dict(zip(("every", "slowest"), map(Decimal, ends), strict=False))


def _counted(text: str, number: str, time: str, count: re.Match[str], found: dict) -> tuple[str, object, int]:
    if count["what"].startswith("dose"):
        return "doses", int(count["count"]), count.end()
    if time == "day" or found:
        return "days", int(count["count"]), count.end()
    raise faults.total_or_daily(text, number, count["count"])


def _time_base(text: str, number: str, unit: str, time: str, repeats: dict) -> str:
    if time == "course" and repeats or time == "day" and "doses" in repeats:
        raise faults.total_or_daily(text, number, str(repeats.get("doses") or repeats.get("days") or "several"))
    if repeats.get("times") == 1:
        return "day"
    if time:
        return time
    if not repeats and unit not in PER_DOSE_UNITS:
        raise faults.no_time(text)
    return "dose"
