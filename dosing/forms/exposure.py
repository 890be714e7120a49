"""Written exposures of a drug: `1125 umol*min/L`, `4.6 mg*h/L`, `770 ng/mL` (a mean), `90 mg*h/L per course`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from dosing.errors import refuse

from .text import Codes, gate, is_plain, plain, show

UNITS = {
    "umol*min/L": "umol*min/L", "umol/L*min": "umol*min/L", "uM*min": "umol*min/L",
    "mg*h/L": "mg*h/L", "mg/L*h": "mg*h/L", "ng/mL": "ng/mL",
}  # fmt: skip
_CODES = Codes.all("D07")
_FORM = re.compile(r"(?P<number>\d[\d.]*)\s*(?P<unit>\S.*?)(?:\s+per\s+(?P<period>dose|day|course))?\Z")
_CURE = "write a number above 0 and its unit: 1125 umol*min/L, 4.6 mg*h/L or 770 ng/mL."


@dataclass(frozen=True, slots=True)
class Exposure:
    """An area under the curve of a dosing interval, a day or a course, or (`ng/mL`) the mean concentration over an interval."""

    value: Decimal
    unit: str
    period: str = "dose"

    @property
    def text(self) -> str:
        """The canonical text, `1125 umol*min/L`, with its period where that is not one dose."""
        return f"{plain(self.value)} {self.unit}" + ("" if self.period == "dose" else f" per {self.period}")

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=1024)
def read_exposure(text: str) -> Exposure:
    """Read an exposure; `InputError` D07 for no number above 0, D08 for an unknown unit (none is assumed)."""
    text = gate(text, _CODES, "µμ·×")
    found = _FORM.match(text)
    if found is None or not is_plain(found["number"]) or not Decimal(found["number"]):
        raise refuse("D07", f"{show(text)} is not an exposure", _CURE)
    written = re.sub(r"\s*[·×x]\s*|\s+(?=min|h\b)", "*", re.sub("[µμ]", "u", found["unit"]))
    if written not in UNITS:
        raise refuse("D08", f"{show(text)} has no known unit of exposure", _CURE)
    unit, period = UNITS[written], found["period"] or "dose"
    if unit == "ng/mL" and period != "dose":
        raise refuse("D08", f"{show(text)}: a mean concentration is not per {period}", _CURE)
    return Exposure(Decimal(found["number"]), unit, period)
