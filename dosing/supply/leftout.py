"""What stands in no count, with the reason; and, only when asked for, the rows of each patient."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dosing.preparation.volumes import amount, digits
from dosing.schedule import Amount
from dosing.supply.doses import Dose, Group, alike, together
from dosing.supply.making import Key, Making, how, key_of
from dosing.supply.result import NotCounted
from dosing.units import in_unit


def left_out(group: Group, made: Mapping[Key, Making]) -> tuple[NotCounted, ...]:
    """The doses of the window that are not counted: held ones, those without a dose, those that no vial is opened for."""
    found: dict[tuple[str, str, str, str, tuple[str, ...]], list[Dose]] = {}
    for dose in group.doses:
        if why := _why(dose):
            reasons = _because(dose) if dose.row.held else ()
            found.setdefault((why, dose.row.drug, dose.row.order, dose.regimen, reasons), []).append(dose)
    return tuple(_entry(group, *key, doses) for key, doses in sorted(found.items()))


def _why(dose: Dose) -> str:
    if dose.row.held:
        return "held"
    if not how(dose):
        return "no drug that is drawn up"
    return "no dose in the source" if dose.row.amount is None and how(dose) != "infusion" else ""


def _because(dose: Dose) -> tuple[str, ...]:
    """The blocks that hold a dose; where none does, what is open on its line."""
    blocks = [one.id for one in dose.reasons if one.level == "block"]
    return tuple(dict.fromkeys(blocks or [one.id for one in dose.reasons if one.order]))


def _entry(group: Group, why: str, drug: str, order: str, regimen: str, reasons: tuple[str, ...], doses: list[Dose]) -> NotCounted:
    days = sorted({dose.day for dose in doses})
    told = "; ".join(filter(None, (alike(one for dose in doses for one in dose.reasons if one.id == name).rstrip(".") for name in reasons)))
    return NotCounted(why, drug, order, regimen, sum(len(dose.patients) for dose in doses), len(together(dose.patients for dose in doses)), days[0], days[-1],
                      _calculated(group, doses), reasons, told)  # fmt: skip


def _calculated(group: Group, doses: list[Dose]) -> Amount | None:
    """What the doses come to as calculated, in the drug's unit; None where any has no figure."""
    if any(dose.row.calculated is None for dose in doses):
        return None
    unit = group.shelf.drugs[doses[0].row.drug].unit
    return amount(sum((in_unit(told.decimal, told.unit, unit) * len(dose.patients) for dose in doses if (told := dose.row.calculated)), Fraction(0)), unit)


def by_patient(group: Group, made: Mapping[Key, Making]) -> tuple[dict[str, Any], ...]:
    """One row for each patient, date and dose that is counted, under the group's own ids, patients in the order they came."""
    alike: dict[tuple[int, str, Key], list[Dose]] = {}
    for dose in group.doses:
        for patient in () if _why(dose) else dose.patients.tolist():
            alike.setdefault((patient, dose.day.isoformat(), key_of(dose)), []).append(dose)
    ordered = sorted(alike.items(), key=lambda entry: entry[0][:2])
    return tuple({"id": group.ids[patient], "date": day, **_patients(doses[0], len(doses), made.get(key))} for (patient, day, key), doses in ordered)


def _patients(dose: Dose, number: int, making: Making | None) -> dict[str, Any]:
    """One dose that a patient gets so many times a day; `amount` is one dose, vials and waste are all of them."""
    told, vials = dose.row.amount, making.made.vials if making else ()
    return {
        "order": dose.row.order, "drug": dose.row.drug, "doses": number, "amount": told.value if told else None, "unit": told.unit if told else None, "how": how(dose),
        "vials": {one.product: one.count * number for one in vials} if vials else None, "waste": digits(making.waste * number) if making and vials else None,
    }  # fmt: skip
