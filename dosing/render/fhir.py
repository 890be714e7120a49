"""The schedule as a FHIR R4 bundle of plain JSON: a request per order, and a group that holds the course.

A request asks for the doses left; each dose of a course that was given or missed is a MedicationAdministration.
Amounts carry their UCUM code and stand as the exact decimals of the schedule. Intent is `plan`: this orders nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from json import dumps
from typing import Any
from uuid import UUID, uuid5

from dosing.render import past, wording
from dosing.render.names import amount_text, name_of, see, series, signable
from dosing.render.page import Sheet
from dosing.schedule import Administration, Amount, Schedule, iso
from dosing.units import ucum

SPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # the URL name space of RFC 4122
UCUM = "http://unitsofmeasure.org"
SEXES = {"M": "male", "F": "female"}
Json = dict[str, Any]


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """The bundle as UTF-8 JSON: Patient, RequestGroup, a MedicationRequest an order, what was given; decimals exact, no clock."""
    return (written(bundle(sheet, schedule)) + "\n").encode()


def bundle(sheet: Sheet, schedule: Schedule) -> Json:
    """The bundle as nested dicts and lists, numbers as `Decimal`; empty values are left out."""
    every = past.every(schedule)
    orders = list(dict.fromkeys([row["id"] for row in schedule.orders] + [row.order for row in every]))
    orders = [order for order in orders if any(row.order == order for row in every)]
    names = {key: _name(sheet, schedule, key) for key in ("patient", "course", *(f"order {order}" for order in orders))}
    entries = [(names["patient"], _patient(schedule)), (names["course"], _group(sheet, schedule, orders, names))]
    entries += [(names[f"order {order}"], _request(sheet, schedule, order, names["patient"])) for order in orders]
    entries += [(_name(sheet, schedule, f"dose {row.order} {row.number}"), _administration(sheet, schedule, row, names)) for row in every if _is_over(row)]
    return full({
        "resourceType": "Bundle", "identifier": {"system": "urn:ietf:rfc:3986", "value": _name(sheet, schedule, "bundle")}, "type": "collection",
        "timestamp": _instant(schedule.printed_at), "entry": [{"fullUrl": name, "resource": resource} for name, resource in entries],
    })  # fmt: skip


def _name(sheet: Sheet, schedule: Schedule, key: str) -> str:
    """A name that a new issue for the same patient keeps, so that it updates what was imported; a bundle has its own."""
    whose = f"{sheet.document} {schedule.identity}" if key == "bundle" else series(schedule, sheet.document)
    return f"urn:uuid:{uuid5(SPACE, f'{whose} {key}')}"


def _patient(schedule: Schedule) -> Json:
    who = schedule.identity
    numbers = (("", who.get("id")), ("trial subject", (schedule.course or {}).get("subject")))
    return {
        "resourceType": "Patient", "identifier": [{"type": {"text": kind}, "value": number} for kind, number in numbers if number], "name": [{"text": who["name"]}] if who.get("name") else [],
        "gender": SEXES.get(schedule.patient.get("sex", "")), "birthDate": who.get("born"),
    }  # fmt: skip


def _group(sheet: Sheet, schedule: Schedule, orders: list[str], names: Mapping[str, str]) -> Json:
    regimen = f"{schedule.regimen['id']}@{schedule.regimen['version']}"
    notes = [sheet.banner, sheet.status, *(f"{fact.label}: {fact.text}" for fact in sheet.basis), *(f"{one.state} {one.id}: {one.text}" for one in sheet.questions)]
    return {
        "resourceType": "RequestGroup", "identifier": [{"value": sheet.document}], "groupIdentifier": {"value": sheet.document},
        "status": _status(schedule), "intent": "plan", "code": {"text": f"{sheet.title} ({regimen})"}, "subject": {"reference": names["patient"]},
        "note": [{"text": _plain(text)} for text in (*notes, *_unscheduled(sheet), sheet.footer) if text],
        "action": [{"title": name_of(schedule, order), "textEquivalent": _total(schedule, order), "resource": {"reference": names[f"order {order}"]}} for order in orders],
    }  # fmt: skip


def _unscheduled(sheet: Sheet) -> Iterator[str]:
    yield from (f"not scheduled: {fact.label}, {fact.text}" for fact in sheet.not_scheduled)
    if sheet.silent:
        yield f"the source is silent on {', '.join(sheet.silent)}"


def _status(schedule: Schedule) -> str:
    return "active" if schedule.releasable else "draft"


def _total(schedule: Schedule, order: str) -> str:
    """The course total of an order as text; HOLD while one of its doses is held."""
    total = next((total for total in schedule.totals if total.order == order), None)
    if any(row.held for row in schedule if row.order == order):
        return f"HOLD, {see(schedule, order)}"
    return _plain(f"course total {wording.amount(total.amount, schedule.locale)}") if total and total.amount else "dose not given in source"


def _request(sheet: Sheet, schedule: Schedule, order: str, patient: str) -> Json:
    rows = [row for row in schedule if row.order == order and not _is_over(row)]
    held = any(row.held for row in rows)
    asked = "" if signable(schedule, order) and not held else see(schedule, order)
    status = "on-hold" if held else _status(schedule) if rows else "stopped" if past.stopped(schedule, order) else "completed"
    return {
        "resourceType": "MedicationRequest", "identifier": [{"value": f"{sheet.document}.{order}"}], "status": status,
        "statusReason": {"text": f"HOLD, {asked}"} if held else {}, "intent": "plan", "medicationCodeableConcept": {"text": name_of(schedule, order)},
        "subject": {"reference": patient}, "groupIdentifier": {"value": sheet.document}, "note": [{"text": asked}] if asked and not held else [],
        "dosageInstruction": [_dosage(schedule, row) for row in rows],
    }  # fmt: skip


def _dosage(schedule: Schedule, row: Administration) -> Json:
    """One administration; a held one tells its time and no dose."""
    start = iso(row.seconds, row.zone)
    timing = {"event": [start]} if start else {"code": {"text": ", ".join(filter(None, (f"D{row.day:+d}" if row.day else "D0", row.offset)))}}
    return {
        "sequence": row.number, "text": _told(schedule, row), "timing": timing, "route": {"text": wording.route(row.route)} if row.route else {},
        "doseAndRate": [_dose(row.amount, row.minutes, schedule.locale)] if row.amount and not row.held else [],
    }  # fmt: skip


def _is_over(row: Administration) -> bool:
    """Whether a dose was given or missed."""
    return past.given(row) is not None or past.lost(row) is not None


def _administration(sheet: Sheet, schedule: Schedule, row: Administration, names: Mapping[str, str]) -> Json:
    """One dose as it was recorded: `completed`, `stopped` after a part of it, or `not-done`; with what was planned in its note."""
    told = past.given(row) or past.lost(row) or {}
    status = "not-done" if past.lost(row) else "stopped" if told.get("partial") else "completed"
    return {
        "resourceType": "MedicationAdministration", "identifier": [{"value": f"{sheet.document}.{row.order}.{row.number}"}], "status": status,
        "statusReason": [{"text": told["why"]}] if told.get("why") and status != "completed" else [],
        "medicationCodeableConcept": {"text": name_of(schedule, row.order)}, "subject": {"reference": names["patient"]}, **_effective(row, told),
        "performer": [{"actor": {"display": told[key]}} for key in ("by", "second") if told.get(key)], "request": {"reference": names[f"order {row.order}"]},
        "note": [{"text": _recorded(schedule, row)}], "dosage": _amount_given(schedule, row),
    }  # fmt: skip


def _effective(row: Administration, told: Mapping[str, Any]) -> Json:
    """The actual start, with the stop where it was recorded; of a missed dose the start that was planned."""
    start = iso(row.seconds, row.zone)
    stop = iso(row.seconds + row.minutes * 60, row.zone) if told.get("stop") and row.seconds is not None and row.minutes else None
    return {"effectivePeriod": {"start": start, "end": stop}} if stop else {"effectiveDateTime": start}


def _amount_given(schedule: Schedule, row: Administration) -> Json:
    """What went in; nothing where no amount is known, as FHIR asks for a dose in a dosage."""
    return {"route": {"text": wording.route(row.route)} if row.route else {}, "dose": quantity(row.amount, schedule.locale)} if row.amount else {}


def _recorded(schedule: Schedule, row: Administration) -> str:
    """`Day −5, dose 1 of 4, 51 mg planned: GIVEN, do not give again, by AB`."""
    meant = past.planned(row)
    planned = f", {wording.amount(meant, schedule.locale)} planned" if meant else ""
    return _plain(f"{wording.day(row.day)}, dose {row.number} of {row.of}{planned}: {past.note(schedule, row)}")


def _told(schedule: Schedule, row: Administration) -> str:
    """`Day −5, dose 1 of 4: 55 mg, over 30 minutes`, with HOLD where it applies."""
    amount = f"HOLD, {see(schedule, row.order)}" if row.held else amount_text(schedule, row)
    return _plain(f"{wording.day(row.day)}, dose {row.number} of {row.of}: {amount}, {wording.over(row.minutes)}")


def _dose(amount: Amount, minutes: int | None, locale: str) -> Json:
    """The amount and, where a duration is known, the same amount over its minutes."""
    rate = {"numerator": quantity(amount, locale), "denominator": quantity(Amount(str(minutes), "min"), locale)} if minutes else {}
    return {"doseQuantity": quantity(amount, locale), "rateRatio": rate}


def quantity(amount: Amount, locale: str) -> Json:
    """An amount as a FHIR Quantity with its UCUM code."""
    return {"value": amount.decimal, "unit": _plain(wording.unit(amount.unit, locale)), "system": UCUM, "code": ucum(amount.unit)}


def _instant(text: str) -> str | None:
    """The print time where it is a whole instant with offset, as FHIR wants it; else None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.isoformat(timespec="seconds") if moment.tzinfo else None


def _plain(text: str) -> str:
    return text.replace(wording.NBSP, " ")


def full(value: Any) -> Any:
    """The value without empty texts, lists and objects, which FHIR forbids."""
    if isinstance(value, dict):
        return {key: kept for key, each in value.items() if (kept := full(each)) not in (None, "", [], {})}
    return [full(each) for each in value] if isinstance(value, list) else value


def written(value: Any, margin: str = "\n") -> str:
    """Nested values as indented JSON, with each `Decimal` digit for digit: `json` itself would go through floats."""
    inner = margin + "  "
    if isinstance(value, dict):
        return "{" + ",".join(f"{inner}{dumps(key)}: {written(each, inner)}" for key, each in value.items()) + margin + "}"
    if isinstance(value, list):
        return "[" + ",".join(inner + written(each, inner) for each in value) + margin + "]"
    return format(value, "f") if isinstance(value, Decimal) else dumps(value, ensure_ascii=False)
