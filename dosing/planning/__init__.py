"""`plan()`: a regimen and a patient make a schedule.

The one composition of the house: settle the regimen once, place its days on the calendar once, multiply columns,
ask the checks, calculate everything a second time by other code, and only then make rows. A patient is a cohort of
one; a table of patients goes through `dosing.cohort`, which calls the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from typing import Any

import numpy as np

from dosing import forms
from dosing.checks import Case, hits
from dosing.checks.kidneys import measured
from dosing.checks.weighing import side_by_side
from dosing.engine.adjust import House, band_of
from dosing.engine.body import Body
from dosing.engine.dose import basis_of, multiply
from dosing.engine.settle import HOUSE as NO_HOUSE
from dosing.engine.settle import Change, Line, Settled, settle
from dosing.engine.timeline import Slot, place
from dosing.errors import Fault, InputError, UsageError, closest
from dosing.metrics import lookup
from dosing.patient import Patient, When
from dosing.planning import answers
from dosing.planning.choosing import refuse_contradictions, unused
from dosing.planning.rows import administrations, card, facts, held_lines, identity, measures, plan_card, totals
from dosing.planning.verify import person_of, verify
from dosing.regimen.library import Library, library
from dosing.regimen.schema import Regimen
from dosing.regimen.site import Site
from dosing.schedule import Finding, Later, LaterNamed, Schedule

__all__ = ["Request", "body_of", "calculate", "held_lines", "page", "plan", "settled_for", "verify"]


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
    house: House = House()


_REGIMENS: dict[str, Regimen] = {}
NO_PRIOR = forms.Priors()


@lru_cache(maxsize=256)
def settled_for(request: Request) -> Settled:
    """The settled regimen of a request; equal requests share one."""
    blocks = [_REGIMENS[key] for key in request.blocks]
    return settle(_REGIMENS[request.regimen], blocks, request.changes, dict(request.choose), dict(request.hours), request.dated, library(request.folders), request.house)


def _key(regimen: Regimen) -> str:
    """A name for a regimen's content, under which it is kept for `settled_for`."""
    key, copy = f"{regimen.id}@{regimen.version}#{regimen.sha256}", 0
    while (kept := _REGIMENS.setdefault(f"{key}/{copy}", regimen)) is not regimen and kept != regimen:
        copy += 1  # a changed copy carries the hash of its origin
    return f"{key}/{copy}"


def plan(
    regimen: Regimen | str, patient: Patient | Mapping[str, Any] | Any, *, day0: str | date | None = None, zone: str | None = None,
    times: Mapping[str, str] | None = None, choose: Mapping[str, str] | None = None, bsa: str | None = None,
    set: Mapping[str, str] | Sequence[Change] = (), answer: Mapping[str, str] | Sequence[Mapping[str, str]] = (),  # noqa: A002
    by: str = "", reason: str = "", second_name: str = "", blocks: Iterable[Regimen | str] = (),
    library: Iterable[str] = (), printed_at: str = "", locale: str = "", weight_rule: Iterable[str] = (), rounding: str = "",  # noqa: A002
) -> Schedule:  # fmt: skip
    """The day-by-day schedule of a regimen for one patient, relative to day 0.

    `regimen` and `blocks` are ids, paths or loaded regimens; `patient` a `Patient`, its facts as a mapping, or a `Cohort`
    (then a `CohortSchedule` comes back, see `plan_cohort`); `day0` an ISO date (needs a `zone`); `times` the hours of
    events such as `{"hsc": "14:00"}`; `choose` the regimen's choices; `set` changes of orders, with `by` and `reason`;
    `answer` answers to queries by id, with `by`; `weight_rule` and `rounding` name rules of the library's policies for
    orders that state none.
    Raises `InputError` (all missing inputs at once), `RegimenError`, `UsageError`, and `Disagreement` when the second
    calculation differs.
    """
    if hasattr(patient, "plan"):  # a `dosing.Cohort` plans its rows by these same steps; asking it keeps imports downward
        return patient.plan(regimen, day0=day0, zone=zone, times=times, choose=choose, bsa=bsa, set=set, answer=answer, by=by, reason=reason, second_name=second_name, blocks=blocks, library=library, weight_rule=weight_rule, rounding=rounding)
    patient = patient if isinstance(patient, Patient) else Patient(**patient)
    shelf = _library(forms.names(library))
    site = shelf.site
    found, *parts = loaded(shelf, regimen, blocks)
    when = When.of(day0, zone or site.zone, times)
    changes = _changes(set, by, reason, second_name)
    request = Request(_key(found), tuple(map(_key, parts)), changes, tuple((choose or {}).items()), when.times, when.day0 is not None, forms.names(library), _house(weight_rule, rounding))
    try:
        settled = settled_for(request)
        body = body_of(patient, bsa or found.bsa or site.bsa, site, when.day0)
        if any(line.conditions for line in settled.lines):
            refuse_contradictions(settled, body)
        case = calculate(settled, body, when, patient.weighed)
    except InputError as error:
        from dosing.planning.asking import missing_beside

        raise InputError(*error.faults, *missing_beside(error.faults, found, parts, shelf, patient, when, choose or {}, bsa or "")) from None
    said = answers.read(answer, by)
    answers.prove(said, settled)
    idle = unused(settled, request.house, shelf) if request.house is not NO_HOUSE else []
    return _schedule(case, patient, said, printed_at, locale or site.locale, request.folders, idle)


def body_of(patient: Patient, formula: str, site: Site, day0: date | None) -> Body:
    """The measured facts of a patient with the conventions they are used by; P08 for a formula nobody knows."""
    return Body(patient.columns(day0), _formula(formula), site, prior=patient.prior or NO_PRIOR)


def _house(weight_rules: Iterable[str], rounding: str) -> House:
    return House((weight_rules,) if isinstance(weight_rules, str) else tuple(weight_rules), rounding) if weight_rules or rounding else NO_HOUSE


def loaded(shelf: Library, regimen: Regimen | str, blocks: Iterable[Regimen | str] | Regimen | str) -> tuple[Regimen, ...]:
    """A regimen and its blocks, each given loaded, by id or by path."""
    several = (blocks,) if isinstance(blocks, str | Regimen) else blocks
    return tuple(one if isinstance(one, Regimen) else shelf.regimen(one) for one in (regimen, *several))


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


def calculate(settled: Settled, body: Body, when: When, weighed: date | None = None) -> Case:
    """The doses and places of every line, for one or many patients who share `when`; faults of all lines at once."""
    hanging = {line.id: applies(line, body) for line in settled.lines if line.conditions}
    lines = tuple(line for line in settled.lines if line.id not in hanging or hanging[line.id].any())
    dosed = tuple(line for line in lines if line.dose)
    doses = multiply(dosed, _bases(dosed, body), body.site.rounding_limit, _banded(dosed, body))
    for line in dosed:
        if line.order.bsa_max is not None:
            doses[line.id].uncapped = body.surface(line.weight)
    return Case(settled, lines, doses, _placed(lines, when), body, when, body.site, weighed, hanging)


def _bases(lines: tuple[Line, ...], body: Body) -> list[np.ndarray]:
    """Each line's basis; `InputError` names every missing fact once."""
    bases: list[np.ndarray] = []
    faults: dict[str, Fault] = {}
    for line in lines:
        try:
            bases.append(basis_of(line, body))
        except InputError as error:
            faults |= {fault.where: fault for fault in error.faults}
    if faults:
        raise InputError(*faults.values())
    return bases


def _banded(lines: tuple[Line, ...], body: Body) -> dict[str, np.ndarray] | None:
    """For each line with a table the band every patient falls into; None where no line has one."""
    found = {line.id: band_of(line.table, body, line.id) for line in lines if line.table is not None}
    return found or None


@lru_cache(maxsize=1024)
def _placed(lines: tuple[Line, ...], when: When) -> dict[str, tuple[Slot, ...]]:
    return {line.id: place(line.rhythm, when) for line in lines}


def applies(line: Line, body: Body) -> np.ndarray:
    """The rows for which every condition of the line on the patient holds."""
    return np.logical_and.reduce([condition.met(body.fact(condition.name, f"order {line.id}")) for condition in line.conditions])


def _schedule(case: Case, patient: Patient, answers: dict[str, dict[str, str]], printed_at: str, locale: str, folders: tuple[str, ...], told: Sequence[Finding] = ()) -> Schedule:
    """The rows, totals and findings of the first (only) patient of a case."""
    found = [hit for hit in hits(case) if hit.holds(0)]
    unknown = [Fault("R05", f'no query is called "{key}"', closest(key, [hit.id for hit in found if hit.level == "query"]), f"--answer {key}")
               for key in answers if not any(hit.id == key and hit.level != "pass" for hit in found)]  # fmt: skip
    if unknown:
        raise UsageError(*unknown)
    findings = [hit.finding(0, _told(answers[hit.id]) if hit.id in answers and hit.level == "query" else "") for hit in found]
    held = held_lines(case, found, 0)
    readings = {name: doses.reading(0) for name, doses in case.doses.items()}
    agreed = verify(case, 0, person_of(patient, case.body), held, readings)
    findings += told
    findings.append(Finding("second", "second.agrees", "pass", f"a second, independent calculation of {agreed['doses']} doses agrees"))
    return page(case, patient, held, findings, agreed, answers=tuple(answers.values()), administrations=Later(partial(administrations, case, 0, held, readings)),
                totals=Later(partial(totals, case, 0, held, readings)), locale=locale, printed_at=printed_at, folders=folders)  # fmt: skip


def page(case: Case, patient: Patient, held: set[str], findings: Sequence[Finding], agreed: dict[str, Any], **more: Any) -> Schedule:
    """The schedule of a case with everything that its rows do not tell; `more` are fields of `Schedule`, and win."""
    regimen, sources, not_scheduled, silent = plan_card(case.settled)
    return Schedule(**{
        "regimen": regimen, "title": case.settled.regimen.title, "patient": LaterNamed(partial(facts, patient, case.when.day0)), "identity": identity(patient), "metrics": LaterNamed(partial(_metrics, case)),
        "day0": case.when.day0, "zone": case.when.zone, "times": dict(case.when.times), "choices": dict(case.settled.choices), "changes": case.settled.changes,
        "not_scheduled": not_scheduled, "silent": silent, "findings": tuple(findings), "second_calculation": agreed, "sources": sources, "orders": tuple(map(card, case.lines)),
        "blinds": case.settled.blinds, "closed": case.site.closed, "weights": Later(partial(_weights, case, held, findings)), **more,
    })  # fmt: skip


def _metrics(case: Case) -> dict[str, dict[str, str]]:
    """The body measures of a case and what belongs to its clearance."""
    return measures(case) | measured(case)


def _weights(case: Case, held: set[str], findings: Sequence[Finding]) -> Sequence[dict[str, Any]]:
    """Every dosing weight side by side, where a finding says that they stand there."""
    return side_by_side(case, 0, held) if any(finding.id == "weight.all" for finding in findings) else ()


def _told(answer: Mapping[str, str]) -> str:
    return f"{answer['answer']} ({answer['by']})"
