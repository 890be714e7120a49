"""A person's change of one order: a field set anew, or a part of the printed dose left, with who and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from dosing import forms
from dosing.errors import DosingError, Fault, InputError, UsageError, closest, refuse
from dosing.regimen import rules
from dosing.regimen.drug import Banding, Drug
from dosing.regimen.fields import read_surface
from dosing.regimen.library import Library
from dosing.regimen.schema import Order
from dosing.units import coefficient


def share_of(text: str) -> Decimal | None:
    """What a person leaves of a printed dose, `75 %` as a part of one; None for a dose in full, D14 for no reduction."""
    if not text.rstrip(" ").endswith("%"):
        return None
    share = forms.read_percent(text.strip(" ")) / 100
    if share >= 1:
        raise InputError(Fault("D14", f'"{text}" does not reduce the dose', "write less than 100 %, or the dose itself."))
    return share


def read_change(text: str) -> Any:
    """A dose, or the share of the printed one that a person leaves."""
    return share_of(text) or forms.read_dose(text)


SETTABLE: dict[str, Callable[[str], Any]] = {"dose": read_change, "days": forms.read_days, "at": forms.read_rhythm, "over": forms.read_duration,
            "product": str, "weight": str, "max": forms.read_amount, "max-day": forms.read_amount,
            "max-course": forms.read_amount, "bsa-max": read_surface, "adjust": str, "rounding": str, "route": str}  # fmt: skip


class Guided(NamedTuple):
    """What a measured level gives: the exact number of a dose whose text is shortened, and the facts the second calculation starts from."""

    exact: Fraction
    facts: Any  # a second.Level

    def of(self, dose: forms.Dose) -> forms.Dose:
        """The dose with its number in the 28 digits of a decimal, far beyond any measurable step."""
        number = Decimal(self.exact.numerator) / self.exact.denominator
        return replace(dose, low=number, high=number)


class Change(NamedTuple):
    """A person's change of one order: `atg.dose` set to a text, by whom and why."""

    key: str
    value: str
    by: str
    reason: str
    second: str = ""
    guided: Guided | None = None  # of a dose that a level gives


def apply(orders: dict[str, Order], change: Change, library: Library) -> dict[str, str]:
    """Set one field of one order in place; gives the change as it prints, with the text it replaces."""
    name, _, key = change.key.rpartition(".")
    where = f"--set {change.key}"
    if name not in orders:
        raise UsageError(Fault("R05", f'there is no order "{name or change.key}"', closest(name or change.key, orders), where))
    if key not in SETTABLE:
        raise UsageError(Fault("R03", f'"{key}" of an order cannot be set', closest(key, SETTABLE), where))
    order = orders[name]
    try:
        value: Any = SETTABLE[key](change.value)
        value = change.guided.of(value) if change.guided else value
        _prove(order, key, value, change.value, library)
    except DosingError as error:
        raise error.at(where) from None
    if isinstance(value, Decimal) and key == "dose":
        return _reduce(orders, order, value, change)
    before, update = getattr(order, key.replace("-", "_")), _update(order, key, value)
    if key == "dose" and isinstance(rules.tables_of(library.drugs[order.drug]).get(order.adjust or ""), Banding):
        update["adjust"] = None  # a table of doses would put its own in place of the one a person or a level sets
        change = change._replace(reason=f"{change.reason} (the table {order.adjust} no longer gives the dose)")
    orders[name] = order.model_copy(update=update)
    shown = forms.say_days(before) if isinstance(before, tuple) else str(before) if before is not None else "not stated"
    return _as_printed(change, shown, change.value.strip() if isinstance(value, Decimal) else str(value) if key != "days" else forms.say_days(value))


def _update(order: Order, key: str, value: Any) -> dict[str, Any]:
    """What a set field changes: a stated total speaks of the old dose, a printed count of the old days."""
    update: dict[str, Any] = {key.replace("-", "_"): value}
    if key in ("dose", "days"):
        update["total"] = None
    if key == "dose":
        update["share"] = None
    if key == "days" and isinstance(order.dose, forms.Dose):
        update["dose"] = replace(order.dose, days=None, doses=None)
    return update


def _prove(order: Order, key: str, value: Any, text: str, library: Library) -> None:
    """Refuse a value that does not fit the order's drug, or that is not one value."""
    if isinstance(value, forms.Dose):
        fits(value, library.drugs[order.drug])
        if value.is_range:
            raise InputError(Fault("D14", f'"{text}" is a range', "set one value."))
    elif isinstance(value, Decimal) and key == "dose" and not isinstance(order.dose, forms.Dose):
        raise InputError(Fault("D14", f"the dose of {order.id} is {order.dose}, and {text} of it is no dose", "set the dose itself."))
    elif key == "product":
        library.drug_of(library.drugs[order.drug], value)
    elif key == "weight" and value not in rules.dosing_weights() and (fault := rules.weight_fault(order.model_copy(update={"weight": value}), library.policies)):
        raise InputError(fault)


def _reduce(orders: dict[str, Order], order: Order, share: Decimal, change: Change) -> dict[str, str]:
    """Leave a part of the dose as it is printed."""
    orders[order.id] = order.model_copy(update={"share": share, "total": None})
    return _as_printed(change, str(order.dose), f"{forms.plain(share * 100)} % of {order.dose}")


def _as_printed(change: Change, before: str, after: str) -> dict[str, str]:
    """A change as it prints: what stood there, what stands there now, who and why."""
    second = {"second": change.second} if change.second else {}
    return {"key": change.key, "from": before, "to": after, "by": change.by, "reason": change.reason, **second}


def fits(dose: forms.Dose, drug: Drug) -> None:
    """Refuse a dose of a basis or unit that the drug's file does not allow (D10)."""
    if drug.bases and (dose.per or "flat") not in drug.bases:
        raise refuse("D10", f"{drug.id} is dosed per {', '.join(drug.bases)}, not per {dose.per or 'flat amount'}", "check the unit.")
    coefficient(dose.unit, dose.per, drug.unit)
