"""dosing: protocol doses and day-by-day schedules relative to day 0, from regimens written as data.

    from dosing import Patient, load_regimen, plan
    schedule = plan("nct07299123", Patient(weight="70 kg", height="170 cm"), day0="2026-12-09", zone="Asia/Shanghai", ...)

The names below are the public surface; each is imported when it is first used, so that `dosing --help` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosing.cohort import Cohort, plan_cohort
    from dosing.course import Course
    from dosing.errors import Disagreement, DosingError, Fault, InputError, RegimenError, UsageError
    from dosing.patient import Patient
    from dosing.planning import plan
    from dosing.preparation import prepare
    from dosing.proof import check
    from dosing.regimen.library import load_regimen
    from dosing.regimen.schema import Regimen
    from dosing.render import render
    from dosing.schedule import Administration, Amount, Finding, Schedule

__version__ = "0.1.0"
_HOME = {
    "Patient": "patient", "Cohort": "cohort", "Course": "course", "plan": "planning", "plan_cohort": "cohort", "check": "proof", "prepare": "preparation", "render": "render",
    "load_regimen": "regimen.library", "Regimen": "regimen.schema", "Schedule": "schedule", "Administration": "schedule",
    "Amount": "schedule", "Finding": "schedule", "DosingError": "errors", "InputError": "errors", "RegimenError": "errors",
    "UsageError": "errors", "Disagreement": "errors", "Fault": "errors",
}  # fmt: skip
__all__ = [
    "Administration", "Amount", "Cohort", "Course", "Disagreement", "DosingError", "Fault", "Finding", "InputError", "Patient", "Regimen",
    "RegimenError", "Schedule", "UsageError", "check", "load_regimen", "plan", "plan_cohort", "prepare", "render",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'dosing' has no attribute {name!r}")
    return getattr(import_module(f"dosing.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
