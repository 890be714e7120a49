"""What was given before, over a life: `thiotepa 300 mg/m2; busulfan unknown`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from dosing.errors import refuse

from .dose import Dose, read_total
from .text import Codes, gate, show

_ONE = re.compile(r"(?P<drug>[a-z0-9][a-z0-9._-]{0,60})[ =]+(?P<dose>\S.*)\Z")
_CURE = 'write "drug 300 mg/m2" or "drug unknown", several with a semicolon between them.'


class Prior(NamedTuple):
    """All earlier doses of one drug together; None where nobody knows them."""

    drug: str
    dose: Dose | None

    @property
    def text(self) -> str:
        """The canonical text, `thiotepa 300 mg/m2/course` or `thiotepa unknown`."""
        return f"{self.drug} {self.dose.text if self.dose else 'unknown'}"


class Priors(tuple[Prior, ...]):
    """The earlier doses of one patient by drug."""

    def __str__(self) -> str:
        return "; ".join(one.text for one in self)

    def of(self, drug: str) -> Prior | None:
        """What is said of a drug; None where nothing is."""
        return next((one for one in self if one.drug == drug), None)


@lru_cache(maxsize=1024)
def read_prior(text: str) -> Priors:
    """Read earlier doses; `InputError` R05 for another form or a drug named twice, D-codes for a dose that is none."""
    pieces = [piece.strip() for piece in gate(text, Codes.all("R05"), "²", limit=600).split(";")]
    made = [_read(piece, text) for piece in pieces if piece]
    if not made or len({one.drug for one in made}) < len(made):
        raise refuse("R05", f"{show(text)} names no drug, or one drug twice", _CURE)
    return Priors(made)


def _read(piece: str, text: str) -> Prior:
    found = _ONE.match(piece)
    if found is None:
        raise refuse("R05", f"{show(piece)} in {show(text)} is no drug with a dose", _CURE)
    return Prior(found["drug"], None if found["dose"] == "unknown" else read_total(found["dose"]))
