"""From columns to the rows of one patient: administrations, totals, and what the page says beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, NamedTuple

from dosing import forms
from dosing.checks import Case, Hit, per_course
from dosing.engine.dose import Reading
from dosing.engine.settle import Line, Settled
from dosing.patient import Patient
from dosing.rounding import number_text
from dosing.schedule import Administration, Amount, Total

Readings = Mapping[str, Reading]


def held_lines(case: Case, found: Iterable[Hit], row: int) -> set[str]:
    """The lines that a block holds: its own, or every line on the patient's size for a block on the patient."""
    blocks = [hit for hit in found if hit.level == "block" and hit.holds(row)]
    named = {hit.order for hit in blocks if hit.order}
    if any(hit.order is None for hit in blocks):
        named |= {line.id for line in case.lines if line.basis}
    return named


class Place(NamedTuple):
    """Where one administration stands in the course, whoever the patient is."""

    line: Line
    number: int
    of: int
    day: int
    date: date | None
    seconds: int | None
    minutes: int | None
    offset: str


@per_course
def places(case: Case) -> list[Place]:
    """Every administration of a course in time order."""
    zero, order = case.when.day0, {line.id: n for n, line in enumerate(case.lines)}
    found = [
        Place(line, number, len(slots), slot.day, zero + timedelta(slot.day) if zero else None, slot.seconds, line.minutes(number), slot.offset)
        for line in case.lines
        for slots in (case.slots[line.id],)
        for number, slot in enumerate(slots, 1)
    ]
    return sorted(found, key=lambda p: (p.day if p.seconds is None else 0, p.seconds or 0, order[p.line.id], p.number))


def administrations(case: Case, row: int, held: set[str], readings: Readings) -> list[Administration]:
    """The rows of one patient in time order."""
    given = {line.id: _given(line, case, row, line.id in held, readings.get(line.id)) for line in case.lines if _applies(line, case, row)}
    zone, everyone = case.when.zone, not case.applies
    return [
        Administration(line.id, line.drug.id, day, number, of, line.order.route or "", *given[line.id][:3], when, seconds, minutes, zone, offset, given[line.id][3])
        for line, number, of, day, when, seconds, minutes, offset in places(case)
        if everyone or line.id in given
    ]


def _applies(line: Line, case: Case, row: int) -> bool:
    return line.id not in case.applies or bool(case.applies[line.id][row])


def _given(line: Line, case: Case, row: int, held: bool, told: Reading | None) -> tuple[Amount | None, Amount | None, bool, Any]:
    """What the administrations of one line share: calculated dose, amount, whether held, and the work behind it."""
    if told is None:
        return None, None, held or (bool(line.open) and not line.order.event), None
    amount = None if held else Amount(told.amount, told.unit)
    return Amount(told.calculated, told.unit), amount, held, partial(case.doses[line.id].derivation, row, held)


def totals(case: Case, row: int, held: set[str], readings: Readings) -> list[Total]:
    """The course total of each line: administrations times the calculated dose, and times the amount unless held."""
    made = []
    for line in case.lines:
        told = readings.get(line.id)
        if told is None or not _applies(line, case, row):
            continue
        count = len(case.slots[line.id])
        given = None if line.id in held else _times(told.amount, count, told.unit)
        made.append(Total(line.id, line.drug.id, count, _times(told.calculated, count, told.unit), given))
    return made


def _times(text: str, count: int, unit: str) -> Amount:
    return Amount(str(int(text) * count) if text.isdigit() else forms.plain(Decimal(text) * count), unit)


def facts(patient: Patient, day0: date | None) -> dict[str, Any]:
    """The facts of the patient as the contract prints them."""
    measured = {"weight": ("kg", patient.weight), "height": ("cm", patient.height), "age": ("y", patient.years(day0)),
                "creatinine": ("mg/dL", patient.creatinine), "crcl": ("mL/min", patient.crcl), "gfr": ("mL/min", patient.gfr)}  # fmt: skip
    facts: dict[str, Any] = {name: {"value": number_text(float(value)), "unit": unit} for name, (unit, value) in measured.items() if value is not None}
    facts |= {name: value for name, value in (("sex", patient.sex), ("prior", str(patient.prior or "")), ("taking", patient.taking), ("weighed", patient.weighed and patient.weighed.isoformat()), ("allergies", patient.allergies)) if value}
    return facts


def identity(patient: Patient) -> dict[str, str]:
    """Name, number and birth date for the printed page; not part of the JSON unless given."""
    given = {"name": patient.name, "id": patient.id, "born": patient.born and patient.born.isoformat()}
    return {name: str(value) for name, value in given.items() if value}


def measures(case: Case) -> dict[str, dict[str, str]]:
    """The body measures a dose used: value as used, formula, and the value before rounding."""
    body, made = case.body, {}
    if any(line.basis == "m2" for line in case.lines):
        made["bsa"] = {"value": number_text(float(body.bsa[0])), "unit": "m2", "formula": body.bsa_formula, "unrounded": number_text(float(body.bsa_unrounded[0]))}
    if body.bmi is not None:
        made["bmi"] = {"value": f"{float(body.bmi[0]):.1f}", "unit": "kg/m2", "formula": "weight / height²"}
    for line in case.lines:
        if line.basis in ("kg", "m2") and line.weight != "actual" and line.id in case.doses:
            made[line.weight] = {"value": number_text(float(body.weight(line.weight)[0])), "unit": "kg", "formula": line.weight}
            if line.basis == "m2":
                made[f"bsa from {line.weight}"] = {"value": number_text(float(body.surface(line.weight)[0])), "unit": "m2", "formula": body.bsa_formula}
    if body.clearance is not None:
        made["crcl"] = {"value": f"{float(body.clearance[0][0]):.0f}", "unit": "mL/min", "formula": body.clearance[1]}
    return made


def dose_said(line: Line) -> str:
    """The dose of an order as the sheet heads it: as printed, with the share a person left and the table it follows."""
    share = f" × {forms.plain(line.order.share * 100)} %" if line.order.share is not None else ""
    return f"{line.order.dose}{share}" + (f", by the table of the {line.table.name}" if line.table else "")


@lru_cache(maxsize=1024)
def card(line: Line) -> dict[str, Any]:
    """What the sheet prints about a line beside its doses."""
    order, product = line.order, line.product
    return {
        "id": line.id, "drug": line.drug.id, "kind": line.drug.kind, "names": dict(line.drug.names), "tall_man": dict(line.drug.tall_man), "dose": dose_said(line),
        "days": forms.say_days(order.days), "route": order.route or "", "weight": order.weight, "note": order.note or "", "cite": line.cited(),
        "product": product.name if product else "", "every": forms.plain(line.dose.every) if line.dose and line.dose.every else "",
        "at": order.at.text if order.at is not None else "", "step": str(line.drug.step) if line.drug.step else "", "until": order.until or "", "max": str(order.max) if order.max else "",
        "diluent": (product.concentration or "") if product else "", "reconstitute": (product.reconstitute or "") if product else "",
    }  # fmt: skip


@lru_cache(maxsize=256)
def plan_card(settled: Settled) -> tuple[dict[str, Any], tuple[dict[str, str], ...], tuple[dict[str, str], ...], tuple[str, ...]]:
    """What does not depend on the patient: regimen, sources, drugs without a dose, what the source is silent on."""
    regimen = settled.regimen
    named: dict[str, Any] = {"id": regimen.id, "version": regimen.version, "status": regimen.status, "sha256": regimen.sha256}
    if settled.blocks:
        named["blocks"] = [f"{block.id}@{block.version}" for block in settled.blocks]
    sources = tuple({"key": key, **source.told()} for key, source in settled.sources.items())
    left = tuple({"drug": entry.drug, "reason": entry.reason, "cite": ", ".join(entry.cite)} for entry in settled.not_scheduled)
    return named, sources, left, tuple(text for part in (regimen, *settled.blocks) for text in part.silent)
