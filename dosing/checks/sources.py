"""What the sources leave open, contradict, or do not say; and what a person set."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from dosing.checks.case import Case, Hit, Message, check, course_check
from dosing.engine.dose import Doses
from dosing.regimen import conflicts, rules
from dosing.regimen.schema import Query
from dosing.rounding import number_text
from dosing.units import exact, print_unit


@course_check
def open_questions_are_asked(case: Case) -> Iterator[Hit]:
    """Which questions does the regimen file itself leave open for the lines that are planned?"""
    for query in _asked(case):
        if not _is_told_in_amounts(query, case):
            yield _question(case, query, query.ask)


@check
def other_courses_are_told_in_amounts(case: Case) -> Iterator[Hit]:
    """Where another source prints another dose or other days for a line, what do both come to for this patient?"""
    for query in _asked(case):
        if _is_told_in_amounts(query, case):
            yield _question(case, query, partial(_side_by_side, case, case.doses[str(query.order)], query))


def _is_told_in_amounts(query: Query, case: Case) -> bool:
    """Whether a question is about another course than the planned one of a line with a dose."""
    return bool(query.instead) and any(line.id == query.order and line.dose and conflicts.side_by_side(line.order, query) for line in case.lines)


def _side_by_side(case: Case, dose: Doses, query: Query, row: int) -> str:
    """The question with the calculated sums of the planned course and of what the other sources print.

    In a course that is begun the sum is of what was given and what is left; a source that prints other days only has
    them at the dose the course began with.
    """
    line, reading = dose.line, dose.reading(row)
    size, unit = Fraction(number_text(float(dose.basis[row]))), print_unit(reading.unit)
    now = Fraction(reading.calculated)
    count, planned, first = case.counted(line.id, now, rules.administrations(line.order) or 0)
    sums = {"planned" if first == now else "given and planned": conflicts.Course(count, planned, planned, reading.unit)}
    for key, course in conflicts.side_by_side(line.order, query).items():
        sums[key] = course.times(Fraction(exact(course.unit, line.drug.unit, line.dose.per if line.dose else "")) * reading.scale * size * (1 if query.instead[key].dose else first / now))
    return f"{query.ask} For this patient: {conflicts.told((key, course.tell(unit)) for key, course in sums.items())}."


def _asked(case: Case) -> Iterator[Query]:
    """The questions of the planned lines under the choices made."""
    planned = {line.id for line in case.lines}
    for query in case.settled.queries:
        if query.order and query.order not in planned:
            continue
        if query.when and not all((case.settled.choices[c.name] == str(c.value)) == (c.operator == "==") for c in query.when.all if c.name in case.settled.choices):
            continue
        yield query


def _question(case: Case, query: Query, message: Message) -> Hit:
    level = "note" if query.id in {change["key"] for change in case.settled.changes} else query.level
    cite = "; ".join(f'{key}: "{phrase}"' for key, phrases in query.cite.items() for phrase in phrases)
    return Hit(query.id, query.code, level, message, query.order, cite)


@course_check
def open_doses_are_held(case: Case) -> Iterator[Hit]:
    """Which lines have no dose yet because it is set by level, or not given?"""
    for line in case.lines:
        if line.open == "by level":
            yield Hit(f"{line.id}.dose", "dose.by-level", "block", f"{line.drug.id}: the dose is set by drug level; enter it with --set {line.id}.dose when the level is known.", line.id, line.cited())
        elif line.open and line.order.event:
            yield Hit(f"{line.id}.dose", "dose.not-given", "note", f"{line.drug.id}: the cell dose is not given in the source.", line.id, line.cited())
        elif line.open:
            yield Hit(f"{line.id}.dose", "dose.not-given", "block", f"{line.drug.id}: the dose is not given in the source.", line.id, line.cited())


@course_check
def closed_options_are_held(case: Case) -> Iterator[Hit]:
    """Was an option chosen that its source has closed? Then no line of the plan is given, whatever hangs on the option."""
    settled = case.settled
    for name, choice in ((n, c) for part in (settled.regimen, *settled.blocks) for n, c in part.choices.items()):
        option = settled.choices.get(name, "")
        if option in choice.closed:
            cite = "; ".join(f'{key}: "{phrase}"' for key, phrases in choice.cite.items() for phrase in phrases)
            told = f"{name} {option} is closed and never releasable: {choice.closed[option]}"
            yield from _all_held(case, "closed", "choice.closed", told, cite)


def _all_held(case: Case, end: str, code: str, message: str, cite: str = "") -> Iterator[Hit]:
    """A block on every line that would give something: the graft and other events have no amount to hold."""
    for line in case.lines:
        if not line.order.event:
            yield Hit(f"{line.id}.{end}", code, "block", message, line.id, cite)


@course_check
def unscheduled_drugs_are_named(case: Case) -> Iterator[Hit]:
    """Which drugs does the source name without a dose?"""
    for entry in case.settled.not_scheduled:
        cite = "; ".join(f'{key}: "{phrase}"' for key, phrases in entry.cite.items() for phrase in phrases)
        yield Hit(f"{entry.drug}.dose", "dose.not-given", "note", f"{entry.drug}: {entry.reason}; it is not scheduled. Prescribe it on another chart or add a block.", None, cite)


@course_check
def versions_are_current(case: Case) -> Iterator[Hit]:
    """Has a file of this plan been superseded by a later version, or withdrawn?"""
    for file in (case.settled.regimen, *case.settled.blocks):
        name = f"{file.id}@{file.version}"
        if file.superseded_by:
            yield Hit(f"{file.id}.superseded", "regimen.superseded", "note", f"{name} is superseded by {file.superseded_by}; dosing diff {name} {file.superseded_by} tells what changed.")
        if file.changed_since:
            yield Hit(f"{file.id}.changed", "regimen.changed", "query", f"{', '.join(file.changed_since)} changed since {name} was released: what was signed is not what is planned. Have a new version signed, or confirm what is planned here.")
        if file.status == "withdrawn":
            yield from _all_held(case, f"withdrawn.{file.id}", "regimen.withdrawn", f"{name} is withdrawn: no dose of it may be released. Take the version that follows it.")


@course_check
def changes_are_shown(case: Case) -> Iterator[Hit]:
    """What did a person set, against what is printed?"""
    for change in case.settled.changes:
        order = change["key"].partition(".")[0]
        text = f"{change['key']} set from {change['from']} to {change['to']} by {change['by']}{', confirmed by ' + change['second'] if 'second' in change else ''}: {change['reason']}"
        yield Hit(f"{change['key']}.set", "change.set", "note", text, order)


@course_check
def unused_choices_are_named(case: Case) -> Iterator[Hit]:
    """Which choice was given that the other choices make void?"""
    for name in case.settled.unused:
        yield Hit(f"{name}.unused", "choice.unused", "note", f"the choice {name} was given but is not asked for with the other choices; it is not used.")


@check
def orders_left_out_are_named(case: Case) -> Iterator[Hit]:
    """Was a band of weight or age chosen that is not the patient's, so that the drug would silently be missing?"""
    for line in case.settled.lines:
        if line.id not in case.applies:
            continue
        missing = ~case.applies[line.id]
        for other in case.settled.lines:
            if other.drug.id == line.drug.id and other.id != line.id:
                missing = missing & ~case.applies.get(other.id, ~missing | missing)
        if missing.any():
            told = " and ".join(c.text for c in line.conditions)
            yield Hit(f"{line.id}.left-out", "order.left-out", "query", f"{line.drug.id} is not planned: the order asks for {told}. Choose the band of this patient, or confirm that it is left out.", line.id, line.cited(), missing)
