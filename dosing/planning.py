"""`plan()`: a regimen and a patient make a schedule.

The one composition of the house: settle the regimen once, place its days on the calendar once, multiply columns,
ask the checks, calculate everything a second time by other code, and only then make rows. A patient is a cohort of
one; a table of patients goes through `dosing.cohort`, which calls the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from dosing import forms, second
from dosing.checks import Case, Hit, hits
from dosing.checks.doses import COMPARE
from dosing.engine.body import Body
from dosing.engine.dose import Doses, multiply
from dosing.engine.settle import Change, Line, Settled, settle
from dosing.engine.timeline import Slot, place
from dosing.errors import Disagreement, Fault, InputError, UsageError, closest
from dosing.metrics import lookup
from dosing.patient import Patient, When
from dosing.regimen.library import Library, library
from dosing.regimen.schema import Regimen
from dosing.rounding import number_text
from dosing.schedule import Administration, Amount, Finding, Schedule, Total


@dataclass(frozen=True)
class Request:
    """Everything a plan is asked with besides the patient; equal requests are settled once."""

    regimen: str
    blocks: tuple[str, ...]
    changes: tuple[Change, ...]
    choose: tuple[tuple[str, str], ...]
    hours: tuple[tuple[str, str], ...]
    dated: bool
    folders: tuple[str, ...]


_REGIMENS: dict[str, Regimen] = {}


@lru_cache(maxsize=256)
def _settled(request: Request) -> Settled:
    blocks = [_REGIMENS[key] for key in request.blocks]
    return settle(_REGIMENS[request.regimen], blocks, request.changes, dict(request.choose), dict(request.hours), request.dated, library(request.folders))


def _key(regimen: Regimen) -> str:
    """A name for a regimen's content, under which it is kept for `_settled`."""
    key = f"{regimen.id}@{regimen.version}#{regimen.sha256 or id(regimen)}"
    _REGIMENS.setdefault(key, regimen)
    return key


def plan(
    regimen: Regimen | str, patient: Patient, *, day0: str | date | None = None, zone: str | None = None,
    times: Mapping[str, str] | None = None, choose: Mapping[str, str] | None = None, bsa: str | None = None,
    set: Mapping[str, str] | Sequence[Change] = (), answer: Mapping[str, str] | Sequence[Mapping[str, str]] = (),  # noqa: A002
    by: str = "", reason: str = "", second_name: str = "", blocks: Iterable[Regimen | str] = (),
    library: Iterable[str] = (), printed_at: str = "", locale: str = "",  # noqa: A002
) -> Schedule:  # fmt: skip
    """The day-by-day schedule of a regimen for one patient, relative to day 0.

    `regimen` and `blocks` are ids, paths or loaded regimens; `day0` an ISO date (needs a `zone`); `times` the hours of
    events such as `{"hsc": "14:00"}`; `choose` the regimen's choices; `set` changes of orders, with `by` and `reason`;
    `answer` answers to queries by id, with `by`.
    Raises `InputError` (all missing inputs at once), `RegimenError`, `UsageError`, and `Disagreement` when the second
    calculation differs.
    """
    shelf = _library(tuple(library))
    found = shelf.regimen(regimen) if isinstance(regimen, str) else regimen
    parts = tuple(shelf.regimen(block) if isinstance(block, str) else block for block in blocks)
    when = When.of(day0, zone or shelf.site.zone, times)
    changes = _changes(set, by, reason, second_name)
    request = Request(_key(found), tuple(map(_key, parts)), changes, tuple((choose or {}).items()), when.times, when.day0 is not None, tuple(library))
    settled = _settled(request)
    body = Body(patient.columns(when.day0), _formula(bsa or found.bsa or shelf.site.bsa), shelf.site)
    case = calculate(settled, body, when, patient.weighed)
    answers = _answers(answer, by)
    return _schedule(case, patient, answers, printed_at, locale or shelf.site.locale)


def _library(folders: tuple[str, ...]) -> Library:
    return library(folders)


@lru_cache(maxsize=32)
def _formula(name: str) -> str:
    """The plain name of a BSA formula; P08 with the nearest name otherwise."""
    return lookup(f"bsa.{name.removeprefix('bsa.')}").name.removeprefix("bsa.")


def _changes(changes: Mapping[str, str] | Sequence[Change], by: str, reason: str, second_name: str) -> tuple[Change, ...]:
    """Changes with who and why; `UsageError` when either is missing."""
    made = tuple(Change(key, value, by, reason, second_name) for key, value in changes.items()) if isinstance(changes, Mapping) else tuple(changes)
    for change in made:
        for what, given in (("by", change.by), ("reason", change.reason)):
            if not given.strip():
                raise UsageError(Fault("R05", f"the change of {change.key} has no {what}", f"add --{what}.", f"--set {change.key}"))
    return made


def _answers(answers: Mapping[str, str] | Sequence[Mapping[str, str]], by: str) -> dict[str, dict[str, str]]:
    """Answers by query id with who gave them; `UsageError` when a name is missing."""
    made = [{"id": key, "answer": text, "by": by} for key, text in answers.items()] if isinstance(answers, Mapping) else [dict(one) for one in answers]
    for one in made:
        if not one.get("by", "").strip() or not one.get("answer", "").strip():
            raise UsageError(Fault("R05", f"the answer to {one.get('id')} has no name or no text", 'write --answer ID="text" --by NAME.', f"--answer {one.get('id')}"))
    return {one["id"]: one for one in made}


def calculate(settled: Settled, body: Body, when: When, weighed: date | None = None) -> Case:
    """The doses and places of every line, for one or many patients who share `when`; faults of all lines at once."""
    applies = {line.id: _applies(line, body) for line in settled.lines if line.conditions}
    lines = tuple(line for line in settled.lines if line.id not in applies or applies[line.id].any())
    doses, faults, seen = {}, [], set()
    for line in lines:
        try:
            if line.dose:
                doses[line.id] = multiply(line, body, body.site.rounding_limit)
        except InputError as error:
            faults += [fault for fault in error.faults if fault.where not in seen and not seen.add(fault.where)]
    if faults:
        raise InputError(*faults)
    slots = {line.id: place(line.rhythm, when) for line in lines}
    return Case(settled, lines, doses, slots, body, when, body.site, weighed, applies)


def _applies(line: Line, body: Body) -> np.ndarray:
    """The rows for which every condition on the patient holds."""
    columns = {"crcl": lambda: body.clearance[0] if body.clearance else body.need("creatinine", line.id), "bsa": lambda: body.bsa, "bmi": lambda: body.bmi}
    masks = [COMPARE[c.operator](columns.get(c.name, lambda c=c: body.need(c.name, f"order {line.id}"))(), float(c.value)) for c in line.conditions]
    return np.logical_and.reduce(masks)


def verify(case: Case, row: int, patient: second.Person, held: set[str]) -> dict[str, Any]:
    """Calculate one row a second time by other code; `Disagreement` (E01) withholds the schedule."""
    lines = [_second_line(line, case, row) for line in case.lines if line.dose]
    when = second.When(case.when.day0.isoformat() if case.when.day0 else "", case.when.zone, case.when.times)
    try:
        theirs = second.recalculate(lines, patient, when)
    except ValueError as error:
        raise Disagreement(Fault("E01", f"the second calculation cannot read the plan: {error}", "send this message to the maintainers; no schedule was made.", "second calculation")) from None
    ours = [
        (line.id, number, slot.day, slot.seconds, float(dose.calculated[row]) * dose._scale(row), "held" if line.id in held else dose.amount_text(row))
        for line in case.lines if (dose := case.doses.get(line.id))
        for number, slot in enumerate(case.slots[line.id], 1)
    ]  # fmt: skip
    if different := second.differences(ours, theirs):
        raise Disagreement(*(Fault("E01", f"the two calculations differ: {text}", "send this message to the maintainers; no schedule was made.", "second calculation") for text in different))
    return {"agrees": True, "doses": len(theirs)}


def _second_line(line: Line, case: Case, row: int) -> second.Line:
    """A line as the canonical text that the second calculation reads."""
    dose, rhythm = case.doses[line.id], line.rhythm
    scale = dose._scale(row)
    step = forms.plain(dose.step * scale) if dose.step is not None and not dose.kept[row] else ""
    cap = forms.plain(line.order.max.value) if line.order.max else ""
    offset = rhythm.event and rhythm.offset
    return second.Line(
        line.id, str(line.dose), dose.unit(row), step, line.order.days if not rhythm.event else tuple(day + rhythm.event_day for day in rhythm.days),
        at=tuple(forms.say_time(minutes) for minutes in rhythm.clock) if not rhythm.every and not rhythm.event else (),
        every=forms.plain(line.dose.every) if rhythm.every else "",
        first=(dict(case.when.times).get(line.id) or forms.say_time(rhythm.clock[0])) if rhythm.every else "",
        event=rhythm.event, offset=int(offset or 0), weight=line.weight, cap=cap,
    )  # fmt: skip


def _person(patient: Patient, body: Body) -> second.Person:
    site = body.site
    text = lambda value: forms.plain(value) if value is not None else ""  # noqa: E731
    return second.Person(text(patient.weight), text(patient.height), patient.sex or "", text(patient.crcl), body.bsa_formula,
                         text(site.bsa_step), text(site.bsa_floor), text(site.weight_step))  # fmt: skip


def _schedule(case: Case, patient: Patient, answers: dict[str, dict[str, str]], printed_at: str, locale: str) -> Schedule:
    """The rows, totals and findings of the first (only) patient of a case."""
    found = [hit for hit in hits(case) if hit.holds(0)]
    unknown = [Fault("R05", f'no query is called "{key}"', closest(key, [hit.id for hit in found if hit.level == "query"] or ["none is open"]), f"--answer {key}")
               for key in answers if not any(hit.id == key and hit.level != "pass" for hit in found)]  # fmt: skip
    if unknown:
        raise UsageError(*unknown)
    findings = [hit.finding(0, _told(answers[hit.id]) if hit.id in answers and hit.level == "query" else "") for hit in found]
    held = held_lines(case, found, 0)
    agreed = verify(case, 0, _person(patient, case.body), held)
    findings.append(Finding("second", "second.agrees", "pass", f"a second, independent calculation of {agreed['doses']} doses agrees", None, ""))
    settled, regimen = case.settled, case.settled.regimen
    rows = tuple(administrations(case, 0, held))
    return Schedule(
        regimen={"id": regimen.id, "version": regimen.version, "status": regimen.status, "sha256": regimen.sha256,
                 **({"blocks": [f"{block.id}@{block.version}" for block in settled.blocks]} if settled.blocks else {})},
        title=regimen.title, patient=_facts(patient, case.when.day0), identity=_identity(patient), metrics=_metrics(case),
        day0=case.when.day0, zone=case.when.zone, times={name: text for name, text in case.when.times}, choices=dict(settled.choices),
        changes=settled.changes, answers=tuple(answers.values()), administrations=rows, totals=tuple(totals(case, 0, held)),
        not_scheduled=tuple({"drug": entry.drug, "reason": entry.reason, "cite": ", ".join(entry.cite)} for entry in settled.not_scheduled),
        silent=tuple(text for part in (regimen, *settled.blocks) for text in part.silent), findings=tuple(findings), second_calculation=agreed,
        sources=tuple({"key": key, "id": source.id, "title": source.title, "address": source.address or "", "read": source.read.isoformat()} for key, source in settled.sources.items()),
        orders=tuple(_order_card(line, case) for line in case.lines), locale=locale, printed_at=printed_at,
    )  # fmt: skip


def _told(answer: Mapping[str, str]) -> str:
    return f"{answer['answer']} ({answer['by']})"


def held_lines(case: Case, found: Iterable[Hit], row: int) -> set[str]:
    """The lines that a block holds: its own, or every line on the patient's size for a block on the patient."""
    blocks = [hit for hit in found if hit.level == "block" and hit.holds(row)]
    named = {hit.order for hit in blocks if hit.order}
    if any(hit.order is None for hit in blocks):
        named |= {line.id for line in case.lines if line.basis}
    return named


def administrations(case: Case, row: int, held: set[str]) -> list[Administration]:
    """The rows of one patient in time order."""
    rows = [built for line in case.lines if line.id not in case.applies or case.applies[line.id][row] for built in _line_rows(line, case, row, line.id in held)]
    order = {line.id: place for place, line in enumerate(case.lines)}
    return sorted(rows, key=lambda r: (r.day if r.seconds is None else 0, r.seconds or 0, order[r.order], r.number))


def _line_rows(line: Line, case: Case, row: int, held: bool) -> Iterable[Administration]:
    dose, slots, route = case.doses.get(line.id), case.slots[line.id], line.order.route or ""
    calculated = Amount(dose.calculated_text(row), dose.unit(row)) if dose else None
    amount = Amount(dose.amount_text(row), dose.unit(row)) if dose and not held else None
    told = dose.derivation(row, held, case.body) if dose else None
    zero = case.when.day0
    return [
        Administration(
            line.id, line.drug.id, slot.day, number, len(slots), route, calculated, amount, held or (bool(line.open) and not line.order.event),
            zero + timedelta(slot.day) if zero else None, slot.seconds, line.minutes(number), case.when.zone, slot.offset, told,
        )
        for number, slot in enumerate(slots, 1)
    ]  # fmt: skip


def totals(case: Case, row: int, held: set[str]) -> list[Total]:
    """The course total of each line: administrations times the calculated dose, and times the amount unless held."""
    from decimal import Decimal

    made = []
    for line in case.lines:
        dose = case.doses.get(line.id)
        if dose is None or (line.id in case.applies and not case.applies[line.id][row]):
            continue
        count, unit = len(case.slots[line.id]), dose.unit(row)
        total = Amount(forms.plain(Decimal(dose.calculated_text(row)) * count), unit)
        given = None if line.id in held else Amount(forms.plain(Decimal(dose.amount_text(row)) * count), unit)
        made.append(Total(line.id, line.drug.id, count, total, given))
    return made


def _facts(patient: Patient, day0: date | None) -> dict[str, Any]:
    """The facts of the patient as the contract prints them."""
    measured = {"weight": ("kg", patient.weight), "height": ("cm", patient.height), "age": ("y", patient.years(day0)),
                "creatinine": ("mg/dL", patient.creatinine), "crcl": ("mL/min", patient.crcl)}  # fmt: skip
    facts: dict[str, Any] = {name: {"value": number_text(float(value)), "unit": unit} for name, (unit, value) in measured.items() if value is not None}
    facts |= {name: value for name, value in (("sex", patient.sex), ("weighed", patient.weighed and patient.weighed.isoformat()), ("allergies", patient.allergies)) if value}
    return facts


def _identity(patient: Patient) -> dict[str, str]:
    """Name, number and birth date for the printed page; not part of the JSON unless given."""
    given = {"name": patient.name, "id": patient.id, "born": patient.born and patient.born.isoformat()}
    return {name: str(value) for name, value in given.items() if value}


def _metrics(case: Case) -> dict[str, dict[str, str]]:
    """The body measures a dose used: value as used, formula, and the value before rounding."""
    body, made = case.body, {}
    if any(line.basis == "m2" for line in case.lines):
        made["bsa"] = {"value": number_text(float(body.bsa[0])), "unit": "m2", "formula": body.bsa_formula, "unrounded": number_text(float(body.bsa_unrounded[0]))}
    if body.bmi is not None:
        made["bmi"] = {"value": f"{float(body.bmi[0]):.1f}", "unit": "kg/m2", "formula": "weight / height²"}
    for name in {line.weight for line in case.lines if line.basis == "kg" and line.weight != "actual"}:
        made[name] = {"value": number_text(float(body.weight(name)[0])), "unit": "kg", "formula": name}
    if body.clearance is not None:
        made["crcl"] = {"value": f"{float(body.clearance[0][0]):.0f}", "unit": "mL/min", "formula": body.clearance[1]}
    return made


def _order_card(line: Line, case: Case) -> dict[str, Any]:
    """What the sheet prints about a line beside its doses."""
    order = line.order
    return {
        "id": line.id, "drug": line.drug.id, "kind": line.drug.kind, "names": dict(line.drug.names), "tall_man": dict(line.drug.tall_man), "dose": str(order.dose),
        "days": forms.say_days(order.days), "route": order.route or "", "weight": order.weight, "note": order.note or "", "cite": line.cited(),
        "product": line.product.name if line.product else "", "every": forms.plain(line.dose.every) if line.dose and line.dose.every else "",
        "at": order.at.text if order.at is not None else "", "step": str(line.drug.step) if line.drug.step else "", "until": order.until or "",
        "diluent": (line.product.concentration or "") if line.product else "", "reconstitute": (line.product.reconstitute or "") if line.product else "",
    }  # fmt: skip
