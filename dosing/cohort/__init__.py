"""Many patients at once: a table in, a table of doses out, by the same steps as one patient.

A cell of the table is read by the written form that reads a patient's flag, rows that share choices and dates are
calculated together by the functions of `dosing.planning`, and every row's result is held against the second
calculation. A row that cannot be planned is refused by row and column and stops no other.
"""

from __future__ import annotations

try:
    import pyarrow  # noqa: F401
except ModuleNotFoundError:
    from dosing.errors import Fault, UsageError

    raise UsageError(Fault("extra", "tables of patients need pyarrow", 'install it with: pip install "dosing[cohort]".', "cohort")) from None

from dosing.cohort.files import plan_file
from dosing.cohort.plan import Cohort, plan_cohort
from dosing.cohort.result import CohortSchedule
from dosing.cohort.table import Refused

__all__ = ["Cohort", "CohortSchedule", "Refused", "plan_cohort", "plan_file"]
