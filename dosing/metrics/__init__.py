"""Body surface, weights and kidney function: pure functions of columns in one registry, which never see a patient.

`FORMULAS` holds them by name; each takes float64 columns or single numbers in the units of `COLUMNS` (a single number
gives the same bits as a column of one) and is never rounded. Inputs are taken as positive and plausible: the door
where a patient comes in sees to that. A missing number is NaN and gives NaN.

New here: write one decorated function in `bsa`, `weights`, `children` or `renal`.
"""

from __future__ import annotations  # noqa: I001  formulas stand in the order of these imports

from dosing.metrics import bsa, weights, children, renal  # noqa: F401  each registers its formulas
from dosing.metrics.measures import covers, measure
from dosing.metrics.registry import COLUMNS, FORMULAS, Formula, formula, lookup
from dosing.metrics.weights import adjusted

__all__ = ["COLUMNS", "FORMULAS", "Formula", "adjusted", "covers", "formula", "lookup", "measure"]
