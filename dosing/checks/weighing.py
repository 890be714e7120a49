"""Every dosing weight side by side, with the dose each would give, where a heavy patient makes them differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

import numpy as np

from dosing.checks.case import Case, Hit, check
from dosing.engine.body import Body
from dosing.engine.dose import Reading, multiply
from dosing.engine.settle import Line
from dosing.errors import InputError
from dosing.metrics import FORMULAS
from dosing.rounding import number_text

COMMON = ("actual", "ideal.devine", "adjusted25.devine", "adjusted40.devine", "adjusted50.devine", "lean.boer", "lean.janmahasatian")
BUSULFAN = ("ideal.busulfan-label", "lower.busulfan-label", "adjusted25.busulfan-label")


@check
def weights_stand_side_by_side(case: Case) -> Iterator[Hit]:
    """What would each dosing weight give, where the body mass index is at or above the site's threshold?"""
    bmi = case.body.bmi
    if bmi is None or np.maximum.reduce(bmi) < float(case.site.bmi_ask) or not weighed(case):
        return
    yield Hit("weight.all", "weight.all", "note", partial(_told, case), None, case.site.source, bmi >= float(case.site.bmi_ask))


def weighed(case: Case) -> list[Line]:
    """The lines whose dose hangs on a weight: per kg, or per m2 of a surface that a weight goes into."""
    return [line for line in case.lines if line.id in case.doses and line.basis in ("kg", "m2")]


def _told(case: Case, row: int) -> str:
    bmi = case.body.bmi[row]  # type: ignore[index]
    return f"body mass index {bmi:.1f} kg/m²: every dosing weight stands in the table of weights with the dose it would give; none is suggested."


def side_by_side(case: Case, row: int, held: Collection[str] = ()) -> list[dict[str, Any]]:
    """For one row every weight in kg with its formula, and one administration of each line with it.

    A held line has its calculated dose, no amount, and no weight that is used.
    """
    lines = weighed(case)
    body = Body({name: column[row : row + 1] for name, column in case.body.facts.items()}, case.body.bsa_formula, case.site)
    names = dict.fromkeys([*COMMON, *(BUSULFAN if any(line.drug.id == "busulfan" for line in lines) else ()), *(line.weight for line in lines)])
    for line in lines:
        if line.rule is not None:
            body.by_rule(line.weight, line.rule)
    return [made for name in names if (made := _one(case, body, lines, name, row, held))]


def _one(case: Case, body: Body, lines: list[Line], name: str, row: int, held: Collection[str]) -> dict[str, Any] | None:
    """One weight with its doses; None where its formula gives none for this body."""
    try:
        weight = body.weight(name)
        bases = [weight if line.basis == "kg" else body.surface(name) for line in lines]
    except InputError:
        return None
    for n, line in enumerate(lines):
        if line.order.bsa_max is not None and line.basis == "m2":
            bases[n] = np.minimum(bases[n], float(line.order.bsa_max))
    bands = {line.id: found[row : row + 1] for line in lines if (found := case.doses[line.id].bands) is not None}
    made = multiply(tuple(lines), bases, case.site.rounding_limit, bands or None)
    doses = {line.id: _reading(made[line.id].reading(0), line.weight == name, line.id in held) for line in lines}
    return {"name": name, "value": number_text(float(weight[0])), "unit": "kg", "formula": FORMULAS[name].text if name in FORMULAS else "as measured" if name == "actual" else "named rule", "doses": doses}


def _reading(told: Reading, used: bool, held: bool) -> dict[str, Any]:
    return {"calculated": told.calculated, "amount": None if held else told.amount, "unit": told.unit, "used": used and not held}
