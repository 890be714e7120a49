"""From the state of a course to its schedule: given rows as they were given, the rest calculated as a plan is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import Any

from dosing.checks import Case, hits
from dosing.course import confirm, findings, rows
from dosing.course.ledger import digest
from dosing.course.limits import given_sum
from dosing.course.places import Stand, stands
from dosing.course.state import Lane, State
from dosing.engine.body import Body
from dosing.engine.dose import Reading
from dosing.engine.settle import Settled
from dosing.engine.timeline import Rhythm, Slot
from dosing.patient import Patient, When
from dosing.planning import body_of, calculate, held_lines, page
from dosing.planning.rows import card
from dosing.planning.verify import agree, other_lines, person_of
from dosing.regimen.library import library
from dosing.regimen.site import Site
from dosing.rounding import Column
from dosing.schedule import Finding, Later, Schedule
from dosing.second import Person
from dosing.units import in_unit


@dataclass
class CourseCase(Case):
    """A case whose doses stand where they were given or are planned now, not on the regimen's grid."""

    stands: Mapping[str, tuple[Stand, ...]] = None  # type: ignore[assignment]
    given: Mapping[str, Fraction] = None  # type: ignore[assignment]  # what was given of each line, in the drug's unit
    planned: Mapping[str, tuple[Fraction, ...]] = None  # type: ignore[assignment]  # what each dose given was calculated to, in that of its reading

    @cached_property
    def course(self) -> Any:
        """A key for these lines at these places, so that what the checks keep is never mixed up with a plan's."""
        return _number(self.settled, self.when, self.lines, tuple(self.stands.values()), self.begun)

    def counted(self, order: str, calculated: Fraction, count: int) -> tuple[int, Fraction, Fraction]:
        """Doses given and left, their calculated sum, and the calculated dose of the first one given."""
        made = self.planned.get(order)
        if order not in self.begun or not made or not calculated:
            return super().counted(order, calculated, count)
        left = sum(not one.given for one in self.stands[order])
        return len(made) + left, sum(made, calculated * left), made[0]

    def whole(self, order: str) -> Column:
        """What was given of a line, and what is left as it is planned now."""
        left = sum(not one.given for one in self.stands[order])
        return self.doses[order].amount * left + float(self.given.get(order, 0))


@lru_cache(maxsize=4096)
def _number(*places: Any) -> tuple[str, object]:
    return "course", object()


@dataclass(eq=False)
class Dosed:
    """The doses of a regimen for one patient, wherever they stand: they hold until a dose or the patient changes."""

    patient: Patient
    body: Body
    made: Case

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """Each line's dose as it is read."""
        return {name: doses.reading(0) for name, doses in self.made.doses.items()}

    @cached_property
    def exact(self) -> dict[str, float]:
        """Each line's dose before rounding, in the unit of its reading."""
        return {name: float(doses.calculated[0]) * self.readings[name].scale for name, doses in self.made.doses.items()}

    @cached_property
    def person(self) -> Person:
        """The patient as the second calculation reads one."""
        return person_of(self.patient, self.body)


class _House:
    """One reading of a site file, told from the next by its identity."""

    def __init__(self, site: Site):
        self.site = site

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _House) and self.site is other.site

    def __hash__(self) -> int:
        return id(self.site)


@lru_cache(maxsize=256)
def _dosed(settled: Settled, begun: tuple[str, ...], patient: tuple[tuple[str, str], ...], when: When, bsa: str, house: _House) -> Dosed:
    """The doses of these lines for this patient by the conventions of this house."""
    person, site = Patient(**dict(patient)), house.site
    body = body_of(person, bsa or settled.regimen.bsa or site.bsa, site, when.day0)
    return Dosed(person, body, calculate(_unplaced(settled, begun), body, when, person.weighed))


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
    dosed, case = case_of(state)
    if not shown_only:
        confirm.confirm_numbers(state, case.lines)
    found = [hit for hit in hits(case) if hit.holds(0) and not (state.reweighed and hit.id == "patient.weighed")]
    held = held_lines(case, found, 0)
    planned = [hit.finding(0) for hit in found]
    asked = findings.all_of(state, case, case.stands, planned, held, dosed.readings)
    held |= {finding.order for finding in asked if finding.level == "block" and finding.order}
    sums = rows.totals(state, case, held, dosed.readings)
    agree(other_lines(case, 0, dosed.person))
    count = confirm.confirm(state, case.lines, dosed.person, held, dosed.readings, dosed.exact, case.site.rounding_limit)
    confirm.confirm_totals(state, sums)
    given = sum(len(lane.given) for lane in state.lanes.values())
    told = [_answered(finding, state.answers) for finding in asked] if state.answers else list(asked)
    told.append(Finding("second", "second.agrees", "pass", f"a second, independent calculation of {count} doses agrees" + (f"; {given} given doses are counted into the totals" if given else "")))
    agreed = {"agrees": True, "doses": count} | ({"given": given} if given else {})
    made = page(
        case, dosed.patient, held, told, agreed, administrations=Later(partial(rows.rows, state, case, held, dosed.readings)), totals=tuple(sums), times=rows.hours(state), printed_at=printed_at,
        answers=tuple({key: text for key, text in one.items() if key != "asked"} for one in state.answers), locale=state.inputs.locale or case.site.locale,
        orders=tuple(card(line) for line in case.settled.lines if line in case.lines or state.lanes[line.id].stopped or state.lanes[line.id].done), course=rows.course_facts(state, told), series=state.series,
    )  # fmt: skip
    return made, case


def case_of(state: State) -> tuple[Dosed, CourseCase]:
    """The doses of what is left for the patient as he is now, at the places of the course."""
    settled, inputs = state.inputs.settled, state.inputs
    begun = tuple(order for order, lane in state.lanes.items() if lane.done)
    dosed = _dosed(settled, begun if _has_conditions(settled) else (), inputs.patient, _on(state), inputs.bsa, _House(library(inputs.folders).site))
    made = dosed.made
    there = {line.id: stands(state, line.id) for line in settled.lines if line.id in made.slots}
    lines = tuple(line for line in settled.lines if there.get(line.id))
    slots = {line.id: _slots(there[line.id]) for line in lines}
    changed = frozenset(order for order, lane in state.lanes.items() if lane.done or lane.stopped)
    given = {line.id: given_sum(state.lanes[line.id], line.drug.unit) for line in lines if line.id in changed}
    planned = {order: _planned(state.lanes[order], dosed.readings[order].unit) for order in given if order in dosed.readings}
    return dosed, CourseCase(settled, lines, {line.id: made.doses[line.id] for line in lines if line.id in made.doses}, slots,
                             dosed.body, state.when, dosed.body.site, dosed.patient.weighed, made.applies, changed, {line.id: there[line.id] for line in lines}, given, planned)  # fmt: skip


def _planned(lane: Lane, unit: str) -> tuple[Fraction, ...]:
    """What each dose given was calculated to, in a unit, in time order; an extra dose as it was given."""
    return lane.done.once(("calculated", unit), lambda: tuple(in_unit(*told, unit) for one in lane.given if (told := one.planned.calculated or one.amount)))


def _on(state: State) -> When:
    """Day 0 where the age depends on it; else the first one, so that a moved day 0 multiplies nothing anew."""
    return When(state.day0 if "born" in state.inputs.facts else state.zero, state.zone)


@lru_cache(maxsize=8192)
def _slots(there: tuple[Stand, ...]) -> tuple[Slot, ...]:
    return tuple(Slot(one.day, one.seconds, "") for one in there)


@lru_cache(maxsize=512)
def _has_conditions(settled: Settled) -> bool:
    """Whether any line hangs on a fact of the patient."""
    return any(line.conditions for line in settled.lines)


def _answered(finding: Finding, answers: tuple[dict[str, str], ...]) -> Finding:
    """A query with its answer and who gave it."""
    one = next((one for one in answers if one["id"] == finding.id), None)
    if one is None or finding.level != "query":
        return finding
    if one.get("asked") and one["asked"] != question(finding):
        return finding._replace(message=f"{finding.message} (Asked again, because it has changed since {one['by']} answered: {one['answer']})")
    return finding._replace(answer=f"{one['answer']} ({one['by']})")


def question(finding: Finding) -> str:
    """A short hash of what a query asks, by which an answer is bound to it."""
    return digest(finding.message)[:12]
