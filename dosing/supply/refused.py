"""The refused rows of a run: in the supply without whose they are, in `FILE.rejected.csv` with all that is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dosing.cohort import Refused
from dosing.cohort.files import _refused_csv
from dosing.files import write_whole
from dosing.supply.result import RefusedRow
from dosing.supply.supplied import Supply


def all_told(supply: Supply, refused: Sequence[Refused]) -> Supply:
    """A supply that names the refused rows of its file."""
    return replace(supply, refused=(*supply.refused, *(RefusedRow(one.row, one.column, one.fault.code, one.fault.do) for one in refused)))


def write_beside(target: Path, refused: Sequence[Refused]) -> None:
    """Write the refused rows beside an output as `plan --cohort` does; a file of an earlier run is not left to mislead."""
    rejected = target.with_name(f"{target.name}.rejected.csv")
    if refused or rejected.exists():
        write_whole(rejected, _refused_csv(refused))
