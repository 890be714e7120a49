"""Which choices of a schedule tell the arm of a blinded trial: such a print is for the unblinded pharmacist only."""

from __future__ import annotations

from functools import lru_cache

from dosing.errors import DosingError
from dosing.render import wording
from dosing.schedule import Schedule

BLINDED = "blinded"


def told(schedule: Schedule) -> dict[str, str]:
    """The blinding choices that name an arm, by name; empty where all are `blinded`, so that nothing tells them."""
    return {name: schedule.choices[name] for name in schedule.blinds if schedule.choices.get(name, BLINDED) != BLINDED}


def arm_of(schedule: Schedule, order: str) -> str:
    """`arm 3d: …` with the regimen's own text, for an order of a cell product the named arm decides on; else empty."""
    cells = [row["id"] for row in schedule.orders if row.get("kind") == "cells"]
    if order not in cells:
        return ""
    named = (f"{name} {value}: {_option(schedule.regimen['id'], schedule.folders, name, value)}".removesuffix(": ") for name, value in told(schedule).items())
    return wording.plain("; ".join(named), schedule.locale)


@lru_cache(maxsize=64)
def _option(regimen: str, folders: tuple[str, ...], name: str, value: str) -> str:
    """What the regimen's file says of an option; empty where the file is not in the library at hand."""
    from dosing.regimen.library import load_regimen

    try:
        choice = load_regimen(regimen, folders).choices.get(name)
    except DosingError:
        return ""
    return choice.options.get(value, "") if choice else ""
