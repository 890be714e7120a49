"""Which choices of a schedule tell the arm of a blinded trial: such a print is for the unblinded pharmacist only."""

from __future__ import annotations

from dosing.schedule import Schedule

BLINDED = "blinded"


def told(schedule: Schedule) -> dict[str, str]:
    """The blinding choices that name an arm, by name; empty where all are `blinded`, so that nothing tells them."""
    return {name: schedule.choices[name] for name in schedule.blinds if schedule.choices.get(name, BLINDED) != BLINDED}
