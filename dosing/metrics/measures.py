"""One person's metrics as plain rows of text: what `dosing metrics` prints, with formula, source and population."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dosing.metrics.registry import FORMULAS, Formula, lookup

STEPS = {
    "m2": Decimal("0.01"),
    "kg": Decimal("0.1"),
    "kg/m2": Decimal("0.1"),
    "mL/min": Decimal("1"),
    "mL/min/1.73 m2": Decimal("1"),
}
"""The step each unit is rounded to for print."""

SNAP = Decimal("1e-9")


def measure(names: Iterable[str] | None = None, **columns: Any) -> list[dict[str, Any]]:
    """Rows for the named formulas (None: all) of one person, given single numbers in the units of `COLUMNS`.

    A formula is left out when a number it needs is missing (absent or None). `value` is rounded for print and
    `unrounded` has at least 6 significant digits, both decimal strings, or None where the formula gives none;
    `applies` is None when the age or size that would tell is missing. Refuses an unknown name (P08, P09).
    """
    known = {name: value for name, value in columns.items() if value is not None}
    wanted = map(lookup, FORMULAS if names is None else names)
    return [_row(each, known) for each in wanted if known.keys() >= set(each.needs)]


def covers(each: Formula, columns: dict[str, Any]) -> Any:
    """Whether the formula's stated population covers the person or rows; None when a column that tells is missing."""
    if each.applies is None:
        return True
    code = each.applies.__code__
    told = columns.keys() >= set(code.co_varnames[: code.co_argcount])
    return each.applies(**columns) if told else None


def _row(each: Formula, columns: dict[str, Any]) -> dict[str, Any]:
    result, covered = each(**columns), covers(each, columns)
    return {
        "name": each.name,
        "value": _printed(result, each.unit),
        "unrounded": _unrounded(result),
        "unit": each.unit,
        "formula": each.text,
        "cite": each.cite,
        "population": each.population,
        "applies": None if covered is None else bool(covered),
    }


def _printed(result: Any, unit: str) -> str | None:
    if isinstance(result, str):
        return str(result) or None
    if not math.isfinite(result):
        return None
    step = STEPS[unit]
    # Snapping first lets a half that a float shows as 1.8249999999999997 round as the half it is.
    quotient = (Decimal(repr(float(result))) / step).quantize(SNAP, ROUND_HALF_UP)
    return format(quotient.quantize(Decimal(1), ROUND_HALF_UP) * step, "f")


def _unrounded(result: Any) -> str | None:
    if isinstance(result, str) or not math.isfinite(result):
        return None
    short = f"{result:.10g}"
    digits = sum(map(str.isdigit, short.lstrip("0.")))
    return format(Decimal(short if digits >= 6 else f"{result:#.6g}"), "f")
