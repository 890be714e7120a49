"""Groups of plain patients for the tests of `dosing.cohort`, and its table as exact cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosing.cohort import CohortSchedule

COLUMNS = ["id", "order", "drug", "day", "date", "start", "calculated", "amount", "unit", "held", "finding"]
SEED, MSC = "nct07299123", "nct01305694"
DATED = {"day0": "2026-12-09", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}}
FIRST = {**DATED, "choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}}
CELLS = {"choose": {"msc.dose": "1e6 cells/kg", "msc.days": "0, +7, +14, +21"}}


def people(count: int) -> dict[str, list[Any]]:
    """Plain patients with one decimal of weight and whole centimetres."""
    return {
        "id": [f"P{n}" for n in range(count)],
        "weight_kg": [f"{20 + (n * 37 % 990) / 10:.1f}" for n in range(count)],
        "height_cm": [str(110 + n * 17 % 91) for n in range(count)],
    }


def by_id(schedule: CohortSchedule) -> dict[str, list[tuple[Any, ...]]]:
    """The table's cells by patient, floats as exact texts."""
    made: dict[str, list[tuple[Any, ...]]] = {}
    for row in schedule.to_rows():
        cells = list(row.values())[1:]
        cells[5:7] = [None if value is None else value.hex() for value in cells[5:7]]
        made.setdefault(row["id"], []).append(tuple(cells))
    return made
