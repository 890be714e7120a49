"""The registry of formulas: what each one needs, says, cites and must reproduce.

A formula is one decorated function of named columns. The decorator refuses, at import, a formula without its text,
its citation or a reference vector, so none can be added that a reader could not look up and a test could not prove.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from dosing.errors import closest, refuse
from dosing.rounding import Column, Mask

"""What a formula is written for: float64 of at least one row (callers may give single numbers)."""

COLUMNS = {
    "weight": "kg",
    "height": "cm",
    "age": "y",
    "male": "yes, no",
    "creatinine": "mg/dL",
    "egfr": "mL/min/1.73 m2",
    "bsa": "m2",
    "neutrophils": "1e9/L",
}
"""The columns a formula may ask for, with the unit each must come in."""


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula: its function, the columns it needs, its unit, its text and source, whom it covers, its vectors."""

    name: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    unit: str
    text: str
    cite: str
    population: str
    applies: Callable[..., Any] | None
    vectors: tuple[tuple[dict[str, Any], Any], ...]

    def on_columns(self, **columns: Column) -> Column:
        """The result for positive float64 columns; the same bits as a call, without its conversions."""
        result: Column = self.function.__wrapped__(**columns)  # type: ignore[attr-defined]
        return result

    def __call__(self, **columns: Any) -> Any:
        """The result for columns in the units of `COLUMNS`; columns it does not need are ignored."""
        return self.function(**{need: columns[need] for need in self.needs})


FORMULAS: dict[str, Formula] = {}
"""Every formula by name, in the order of definition."""


def formula(
    name: str,
    *,
    unit: str = "",
    text: str = "",
    cite: str = "",
    population: str = "",
    vectors: Any = (),
    applies: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of columns as the formula `name`.

    `unit` is the unit of the result ("" for a text), `vectors` are pairs of arguments and the result to 6 significant
    digits, `applies` answers for columns whether the stated population covers the person (None: everybody).
    Raises TypeError when text, citation, population or vectors are missing, or a parameter is not in `COLUMNS`.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        needs = function.__code__.co_varnames[: function.__code__.co_argcount]
        said = {"text": text, "citation": cite, "population": population, "reference vector": vectors}
        _demand(name, needs, said)
        columnwise = _columnwise(function)
        FORMULAS[name] = Formula(name, columnwise, needs, unit, text, cite, population, applies, tuple(vectors))
        return columnwise

    return register


def _demand(name: str, needs: tuple[str, ...], said: dict[str, Any]) -> None:
    missing = [part for part, value in said.items() if not (value.strip() if isinstance(value, str) else value)]
    if missing:
        raise TypeError(f"formula {name}: no {', no '.join(missing)} – state it in the decorator")
    unknown = [need for need in needs if need not in COLUMNS]
    if unknown:
        raise TypeError(f"formula {name}: unknown parameter {', '.join(unknown)} – take from {', '.join(COLUMNS)}")
    if name in FORMULAS:
        raise TypeError(f"formula {name} is defined twice – give the second its own name")


def _columnwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function over float64 columns of at least one row.

    A single number becomes a column of one on its way in: numpy computes `power` of a bare number by another
    routine than that of a column, and the last bit may differ.
    """

    @wraps(function)
    def over_columns(*args: Any, **named: Any) -> Any:
        alone = not any(np.ndim(value) for value in (*args, *named.values()))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            result = function(*map(_column, args), **{name: _column(value) for name, value in named.items()})
        return result[0] if alone else result

    return over_columns


def _column(value: Any) -> Column:
    return np.atleast_1d(np.asarray(value, dtype=np.float64))


def by_sex(male: Column, man: Any, woman: Any) -> Column:
    """The value for men or women, row by row; NaN where the sex is not known (never taken for either)."""
    return np.where(male == 1, man, np.where(male == 0, woman, np.nan))


def positive(value: Column) -> Column:
    """The values above zero, NaN in place of the others: a straight line run past its range gives no weight."""
    return np.where(value > 0, value, np.nan)


def adults(age: Any, **_: Any) -> Mask:
    """True where age (years) is 18 or more."""
    return np.asarray(age, dtype=np.float64) >= 18


def lookup(name: str) -> Formula:
    """The formula of that full name; refuses an unknown one (P08 for BSA, P09 for others) with the nearest name."""
    if name in FORMULAS:
        return FORMULAS[name]
    family = [known for known in FORMULAS if known.split(".")[0] == name.split(".")[0]]
    code = "P08" if name.startswith("bsa") else "P09"
    raise refuse(code, f'no formula is named "{name}"', f"name one: {closest(name, family or FORMULAS)}")
