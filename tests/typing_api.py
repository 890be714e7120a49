"""How a typed caller uses the public surface; checked by mypy in `test_types.py`, never run."""

from __future__ import annotations

from pathlib import Path

from dosing import Amount, DosingError, Finding, Patient, Regimen, Schedule, load_regimen, plan, render


def course_total(weight: str) -> str:
    """The fludarabine total of one patient."""
    regimen: Regimen = load_regimen("nct07299123")
    try:
        schedule: Schedule = plan(regimen, Patient(weight=weight), day0="2026-12-09", zone="Asia/Shanghai", times={"hsc": "14:00"})
    except DosingError as error:
        return error.code
    total: Amount | None = schedule.total("fludarabine")
    first: Finding = schedule.findings[0]
    written: Path = render(schedule, "schedule.pdf")
    return f"{total} {first.message} {written.name} {[row.amount for row in schedule]} {schedule.releasable:d}"
