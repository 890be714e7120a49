"""From the state of a course to its schedule: given rows as they were given, the rest calculated as a plan is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import Any

from dosing import forms
from dosing.checks import Case, hits
from dosing.course import confirm, findings
from dosing.course.events import Planned
from dosing.course.ledger import digest
from dosing.course.moment import stamp
from dosing.course.state import Done, Lane, State, day_of
from dosing.derivation import Derivation
from dosing.engine.body import Body
from dosing.engine.dose import Reading
from dosing.engine.settle import Line, Settled
from dosing.engine.timeline import Rhythm, Slot
from dosing.metrics import lookup
from dosing.patient import Patient
from dosing.planning import calculate, held_lines
from dosing.planning.rows import card, facts, identity, measures, plan_card
from dosing.planning.verify import person_of
from dosing.regimen.library import library
from dosing.schedule import Administration, Amount, Finding, Schedule, Total


class CourseCase(Case):
    """A case whose doses stand where they were given or are planned now, not on the regimen's grid."""

    @cached_property
    def course(self) -> Any:
        """A key for these lines at these places, so that what the checks keep is never mixed up with a plan's."""
        return (self.settled, self.when, tuple(self.slots.items()))


@lru_cache(maxsize=256)
def _unplaced(settled: Settled, begun: tuple[str, ...]) -> Settled:
    """The same lines without places, for the amounts alone; what was begun stays, whatever it hung on."""
    lines = tuple(replace(line, rhythm=Rhythm(line.id, ()), conditions=() if line.id in begun else line.conditions) for line in settled.lines)
    return replace(settled, lines=lines)


def schedule(state: State, printed_at: str = "") -> Schedule:
    """The schedule of a course as it stands: given rows, what is left, totals, findings, second calculation.

    Raises `InputError` for a start that cannot be placed and `Disagreement` when the second calculation differs.
    """
    return with_case(state, printed_at)[0]


def with_case(state: State, printed_at: str = "", shown_only: bool = False) -> tuple[Schedule, CourseCase]:
    """The schedule of `schedule`, and the case it was made of; `shown_only` for what is shown to be refused."""
    case, patient = case_of(state)
    if not shown_only:
        confirm.confirm_numbers(state, case.lines)
    found = [hit for hit in hits(case) if hit.holds(0) and not (state.reweighed and hit.id == "patient.weighed")]
    held = held_lines(case, found, 0)
    readings = {name: doses.reading(0) for name, doses in case.doses.items()}
    rows, sums = _rows(state, case, held, readings), _totals(state, case, held, readings)
    asked = findings.all_of(state, case, [hit.finding(0) for hit in found], rows, sums)
    if more := {finding.order for finding in asked if finding.level == "block" and finding.order} - held:
        held |= more
        rows, sums = _rows(state, case, held, readings), _totals(state, case, held, readings)
    exact = {name: float(doses.calculated[0]) * readings[name].scale for name, doses in case.doses.items()}
    count = confirm.confirm(state, case.lines, person_of(patient, case.body), held, readings, exact)
    confirm.confirm_totals(state, sums, held, {total.order: total.calculated.unit for total in sums})
    answered = {one["id"]: one for one in state.answers}
    told = [_answered(finding, answered) for finding in asked]
    given = sum(len(lane.given) for lane in state.lanes.values())
    agreed = {"agrees": True, "doses": count} | ({"given": given} if given else {})
    told.append(Finding("second", "second.agrees", "pass", f"a second, independent calculation of {count} doses agrees" + (f"; {given} given doses are counted into the totals" if given else "")))
    return _page(state, case, patient, rows, sums, told, agreed, printed_at), case


def _page(state: State, case: CourseCase, patient: Patient, rows: list[Administration], sums: list[Total], told: list[Finding], agreed: dict[str, Any], printed_at: str) -> Schedule:
    settled = state.inputs.settled
    regimen, sources, not_scheduled, silent = plan_card(settled)
    return Schedule(
        regimen=regimen, title=settled.regimen.title, patient=facts(patient, case.when.day0), identity=identity(patient), metrics=measures(case),
        day0=case.when.day0, zone=case.when.zone, times=dict(case.when.times), choices=dict(settled.choices), changes=settled.changes,
        answers=tuple({key: text for key, text in one.items() if key != "asked"} for one in state.answers), administrations=tuple(rows), totals=tuple(sums), not_scheduled=not_scheduled, silent=silent, findings=tuple(told),
        second_calculation=agreed, sources=sources, orders=tuple(card(line) for line in settled.lines if line in case.lines or state.lanes[line.id].stopped), locale=state.inputs.locale or case.site.locale,
        printed_at=printed_at, course=_course_facts(state, told),
    )  # fmt: skip


def case_of(state: State) -> tuple[CourseCase, Patient]:
    """The doses of what is left, at the places of the course, and the patient they are for."""
    patient, site = Patient(**state.inputs.facts), library(state.inputs.folders).site
    settled = state.inputs.settled
    name = state.inputs.bsa or settled.regimen.bsa or site.bsa
    formula = lookup(f"bsa.{name.removeprefix('bsa.')}").name.removeprefix("bsa.")
    body = Body(patient.columns(state.day0), formula, site)
    begun = tuple(order for order, lane in state.lanes.items() if lane.done)
    made = calculate(_unplaced(settled, begun), body, state.when, patient.weighed)
    slots = {line.id: places(state, line.id) for line in settled.lines if line.id in made.slots}
    lines = tuple(line for line in settled.lines if slots.get(line.id))
    return CourseCase(settled, lines, {line.id: made.doses[line.id] for line in lines if line.id in made.doses}, {line.id: slots[line.id] for line in lines},
                      body, state.when, site, patient.weighed, made.applies), patient  # fmt: skip


def places(state: State, order: str) -> tuple[Slot, ...]:
    """Where the doses of an order were given and will be given, in time order."""
    given = [Slot(day_of(one.seconds, state.when), one.seconds, "") for one in state.lanes[order].given]
    return tuple(sorted([*given, *state.starts(order).values()], key=lambda slot: slot.seconds or 0))


def of(lane: Lane) -> int:
    """The highest dose number of an order."""
    return max((*(one.number for one in lane.done), *lane.left, *lane.stopped), default=0)


def _rows(state: State, case: CourseCase, held: set[str], readings: Mapping[str, Reading]) -> list[Administration]:
    rows = [row for line in case.lines for row in (*_given_rows(state, line), *_left_rows(state, case, line, line.id in held, readings.get(line.id)))]
    order = {line.id: place for place, line in enumerate(case.lines)}
    return sorted(rows, key=lambda row: (row.seconds or 0, order[row.order], row.number))


def _left_rows(state: State, case: CourseCase, line: Line, held: bool, told: Reading | None) -> list[Administration]:
    """The rows of an order that are left, as a plan makes them."""
    lane, route = state.lanes[line.id], line.order.route or ""
    calculated = Amount(told.calculated, told.unit) if told else None
    amount = Amount(told.amount, told.unit) if told and not held else None
    work = partial(case.doses[line.id].derivation, 0, held) if told else None
    held = held or (bool(line.open) and not line.order.event)
    return [
        Administration(line.id, line.drug.id, slot.day, number, of(lane), route, calculated, amount, held, state.day0 + timedelta(slot.day),
                       slot.seconds, line.minutes(number), state.zone, slot.offset, work, _released(state, line.id, number, slot.seconds, amount))
        for number, slot in state.starts(line.id).items()
    ]  # fmt: skip


def _released(state: State, order: str, number: int, seconds: int | None, amount: Amount | None) -> dict[str, Any] | None:
    """Who released a dose, and whether it has changed since; None for a dose that is not released."""
    found = state.releases.get((order, number))
    if found is None or found.recalled:
        return None
    now = (stamp(seconds or 0, state.zone), (amount.value, amount.unit) if amount else None)
    return {"released": _who(found.entry) | {"void": now != (found.entry.start, found.entry.amount)}}


def _given_rows(state: State, line: Line) -> list[Administration]:
    """The rows of an order that were given: actual start and amount, with what was planned beside them."""
    lane = state.lanes[line.id]
    return [_given_row(state, line, lane, one) for one in lane.given]


def _given_row(state: State, line: Line, lane: Lane, one: Done) -> Administration:
    planned, day = one.planned, day_of(one.seconds, state.when)
    minutes = (one.stop - one.seconds) // 60 if one.stop else planned.minutes
    return Administration(
        line.id, line.drug.id, day, one.number, of(lane), line.order.route or "", Amount(*planned.calculated) if planned.calculated else None,
        Amount(*one.amount) if one.amount else None, False, state.day0 + timedelta(day), one.seconds, minutes, state.zone, "",
        partial(work_of, planned) if planned.work else None, {"given": given_facts(state, one)},
    )  # fmt: skip


def given_facts(state: State, one: Done) -> dict[str, Any]:
    """What was recorded of a given dose, what was planned, and every correction, as plain JSON values."""
    planned, entry = one.planned, one.entry
    first = {"start": entry.at, "stop": entry.stop or None, "amount": _pair(entry.amount)}
    told = _who(entry) | ({"why": entry.why} if entry.why else {}) | ({"kit": entry.kit} if entry.kit else {}) | ({"partial": True} if entry.partial else {})
    told |= {"planned": {"start": planned.start, "day": planned.day, "amount": _pair(planned.amount)}}
    if one.corrections:
        told |= {"first": first, "corrections": [_who(c) | {"start": c.start or None, "stop": c.stop or None, "amount": _pair(c.amount), "why": c.why} for c in one.corrections]}
    return told


def _who(entry: Any) -> dict[str, str]:
    return {key: value for key, value in (("by", entry.by), ("second", entry.second), ("at", entry.at)) if value}


def _pair(amount: tuple[str, str] | None) -> dict[str, str] | None:
    return {"value": amount[0], "unit": amount[1]} if amount else None


def work_of(planned: Planned) -> Derivation:
    """The arithmetic that was kept with a given dose."""
    told: dict[str, Any] = dict(planned.work or {})
    return Derivation(**{**told, "value": Decimal(told["value"]), "parts": int(told["parts"]), "basis_value": Decimal(told["basis_value"]), "added": Decimal(told["added"])})


def plan_of(row: Administration) -> Planned:
    """A planned row as the facts a record of it keeps."""
    derivation = row.derivation
    work = {key: str(value) for key, value in asdict(derivation).items()} if derivation else None
    pair = lambda amount: (amount.value, amount.unit) if amount else None  # noqa: E731
    return Planned(start=stamp(row.seconds or 0, row.zone), day=row.day, calculated=pair(row.calculated), amount=pair(row.amount), held=row.held, minutes=row.minutes, work=work)


def _totals(state: State, case: CourseCase, held: set[str], readings: Mapping[str, Reading]) -> list[Total]:
    return [_total(state.lanes[line.id], line, line.id in held, readings[line.id]) for line in case.lines if line.id in readings]


def _total(lane: Lane, line: Line, held: bool, told: Reading) -> Total:
    """What was given plus what is left, each dose with its own amount; `amount` is None while doses left are held."""
    left, unit = len(lane.left), told.unit
    calculated = sum((confirm.in_unit(one.planned.calculated, unit) for one in lane.given if one.planned.calculated), Fraction(0)) + Fraction(told.calculated) * left
    given = sum((confirm.in_unit(one.amount, unit) for one in lane.given if one.amount), Fraction(0))
    planned = None if held and left else Fraction(told.amount) * left
    whole = None if planned is None else _amount(given + planned, unit)
    if not lane.done and not lane.stopped:
        return Total(line.id, line.drug.id, left, _amount(calculated, unit), whole)
    return Total(line.id, line.drug.id, len(lane.given) + left, _amount(calculated, unit), whole, _amount(given, unit), None if planned is None else _amount(planned, unit))


def _amount(value: Fraction, unit: str) -> Amount:
    return Amount(forms.plain(Decimal(value.numerator) / Decimal(value.denominator)), unit)


def _answered(finding: Finding, answers: Mapping[str, Mapping[str, str]]) -> Finding:
    """A query with its answer and who gave it."""
    one = answers.get(finding.id)
    if one is None or finding.level != "query":
        return finding
    if one.get("asked") and one["asked"] != question(finding):
        return finding._replace(message=f"{finding.message} (Asked again, because it has changed since {one['by']} answered: {one['answer']})")
    return Finding(finding.id, finding.code, finding.level, finding.message, finding.order, finding.cite, f"{one['answer']} ({one['by']})")


def question(finding: Finding) -> str:
    """A short hash of what a query asks, by which an answer is bound to it."""
    return digest(finding.message)[:12]


def _course_facts(state: State, told: list[Finding]) -> dict[str, Any] | None:
    """What only a course has to say; None while nothing has happened."""
    if not (state.told or state.day0 != state.zero or any(lane.done or lane.stopped for lane in state.lanes.values())):
        return None
    return {"day0_at_start": state.zero.isoformat(), "not_given": [row for order, lane in state.lanes.items() for row in _not_given(order, lane)],
            "answer_before_release": [f.id for f in told if f.is_open], "for_information": [f.id for f in told if f.level == "note"]}  # fmt: skip


def _not_given(order: str, lane: Lane) -> list[dict[str, Any]]:
    missed = [{"order": order, "number": one.number, "state": "missed", "planned": one.planned.start, "why": one.entry.why, "by": one.entry.by} for one in lane.done if one.missed]
    return missed + [{"order": order, "number": number, "state": "stopped"} for number in lane.stopped]
