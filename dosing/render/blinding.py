"""Which choices of a schedule tell the arm of a blinded trial: such a print is for the unblinded pharmacist only."""

from __future__ import annotations

from dosing.errors import DosingError
from dosing.schedule import Schedule

BLINDED = "blinded"


def told(schedule: Schedule) -> dict[str, str]:
    """The blinding choices that name an arm, by name; empty where all are `blinded`, so that nothing tells them."""
    named = {key: text for key, text in schedule.choices.items() if text != BLINDED}
    return {key: named[key] for key in _blinding(schedule) if key in named} if named else {}


def _blinding(schedule: Schedule) -> tuple[str, ...]:
    """The choices that blind: as the schedule says, else as the library's file with the same checksum says.

    Where neither knows, a choice called `arm` counts as one, so that an arm is never printed without its warning.
    """
    if (stated := getattr(schedule, "blinds", None)) is not None:
        return tuple(stated)
    from dosing.regimen.library import library

    try:
        found = library(getattr(schedule, "folders", ())).regimen(schedule.regimen["id"])
    except DosingError:
        return ("arm",)
    same = found.sha256 == schedule.regimen.get("sha256")
    return tuple(name for name, choice in found.choices.items() if choice.blinds) if same else ("arm",)
