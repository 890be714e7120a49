"""What was decided in a course, for a plan that asks the same: its changes and answers, and what of them does not fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from dosing.course import events
from dosing.course.compose import question
from dosing.course.ledger import Book
from dosing.course.replan import FACTS_OF_PATIENT
from dosing.engine.settle import Change
from dosing.errors import Fault, UsageError
from dosing.patient import Patient
from dosing.planning.rows import facts, identity
from dosing.schedule import Finding, Schedule

Answers = Sequence[Mapping[str, str]]
Make = Callable[[Sequence[Change], Answers], Schedule]


class Asked(NamedTuple):
    """What a plan is asked for, as far as a course's decisions must fit it: the regimen, its orders, choices and their values."""

    regimen: str
    orders: Collection[str]
    choices: Collection[str]
    choose: Mapping[str, str]


def plan_with(book: Book, asked: Asked, make: Make, changes: Sequence[Change], answers: Answers) -> Schedule:
    """The plan with the changes and answers of a course, under those of the caller, which come last and win.

    `make` plans with changes and answers. A decision that the plan has no place for (an order, a choice, or a query that
    it does not ask, or asks in other words) is not made here; a note `answers.unused` names each, and who made it.
    Raises `UsageError` for a course of another regimen or person, and whatever `make` raises. Where the facts of the
    patient differ from those the course began with, the note says so: an answer may speak of them.
    """
    _prove(book, asked)
    told = list(_set(book))
    unfit = [f"{_said(change)}: {why}" for change, late in told if (why := _why_not(change, late, asked))]
    made = [*(change for change, _ in told if _fits(change, asked)), *changes]
    first = make(made, answers)
    queries = {finding.id: question(finding) for finding in first.findings if finding.level == "query"}
    own = {one["id"] for one in answers}
    kept = []
    for one in _answers(book):
        why = "the plan is given an answer of its own" if one["id"] in own else _unasked(one, queries)
        if why:
            unfit.append(f'answer to {one["id"]}, "{one["answer"]}", by {one["by"]}: {why}')
        else:
            kept.append({key: text for key, text in one.items() if key != "asked"})
    return _with_note(make(made, [*kept, *answers]), [*unfit, *_other_facts(book, first)])


def _prove(book: Book, asked: Asked) -> None:
    """Refuse the decisions of another protocol: an order or a query of the same name is another one there."""
    of = book.entries[0].regimen.partition("@")[0]  # type: ignore[union-attr]
    if of != asked.regimen:
        raise UsageError(Fault("R05", f"the course is of {of}, and the plan of {asked.regimen}", "name a course of the same regimen.", "--answers"))


def _other_facts(book: Book, schedule: Schedule) -> list[str]:
    """The facts of the patient that the course began with and the plan has otherwise; `UsageError` where name or id differ."""
    begun = Patient(**book.entries[0].patient)  # type: ignore[union-attr]
    for key, text in identity(begun).items():
        if schedule.identity.get(key, text) != text:
            raise UsageError(Fault("R05", f"the course is of a patient with another {'birth date' if key == 'born' else key}", "name the course of this patient.", "--answers"))
    there = {key: (value, schedule.patient[key]) for key, value in facts(begun, schedule.day0).items() if key in schedule.patient}
    return [f"{key} was {_measure(old)} when the course began, and is {_measure(new)} here" for key, (old, new) in there.items() if old != new]


def _measure(value: Any) -> str:
    return f"{value['value']} {value['unit']}" if isinstance(value, Mapping) else str(value)


def _set(book: Book) -> Iterator[tuple[Change, bool]]:
    """The changes of a course in order, the time of each with its reason, and whether doses of the order were given before it."""
    begun: set[str] = set()
    for entry in book.entries:
        if isinstance(entry, events.Start):
            yield from ((Change(one["key"], one["value"], one.get("by", ""), one.get("reason", ""), one.get("second", "")), False) for one in entry.set)
        elif isinstance(entry, events.Set):
            when = f" ({entry.at[:16].replace('T', ' ')})" if entry.at else ""
            yield Change(entry.key, entry.value, entry.by, entry.why + when, entry.second), _order(entry.key) in begun
        elif isinstance(entry, events.Give):
            begun.add(entry.order)


def _order(key: str) -> str:
    return key.rpartition(".")[0] or key


def _said(change: Change) -> str:
    return f"{change.key}={change.value} by {change.by} ({change.reason})"


def _fits(change: Change, asked: Asked) -> bool:
    return change.key not in asked.choices and _order(change.key) in asked.orders


def _why_not(change: Change, late: bool, asked: Asked) -> str:
    """Why a change is not made, or not made as it was; empty where it is."""
    if change.key in asked.choices:
        chosen = asked.choose.get(change.key)
        return "" if chosen == change.value else f"it is a choice, and the plan chooses {chosen}" if chosen else f'it is a choice; to make it too, add --choose {change.key}="{change.value}"'
    if change.key in FACTS_OF_PATIENT:
        return "it is a fact of the patient, and the plan has its own"
    if not _fits(change, asked):
        return "the plan has no such order"
    return "it was made for the doses left then; this plan makes it for all" if late else ""


def _answers(book: Book) -> list[dict[str, str]]:
    """The last answer to each query of a course, with who, when and why."""
    found: dict[str, dict[str, str]] = {}
    for entry in book.entries:
        if isinstance(entry, events.Start):
            found |= {one["id"]: dict(one) for one in entry.answers}
        elif isinstance(entry, events.Answer):
            named = {"second": entry.second, "at": entry.at, "evidence": entry.why, "asked": entry.asked}
            found[entry.query] = {"id": entry.query, "answer": entry.answer, "by": entry.by} | {key: text for key, text in named.items() if text}
    return list(found.values())


def _unasked(answer: Mapping[str, str], queries: Mapping[str, str]) -> str:
    """Why an answer answers nothing here; empty where it does."""
    if answer["id"] not in queries:
        return "the plan asks no such query"
    return "" if answer.get("asked", queries[answer["id"]]) == queries[answer["id"]] else "the plan asks it in other words, so it stays open"


def _with_note(schedule: Schedule, unfit: Sequence[str]) -> Schedule:
    """The schedule with a note of every decision that it does not hold."""
    if not unfit:
        return schedule
    note = Finding("answers.unused", "answers.unused", "note", f"not as it was in the course whose decisions this plan took over: {'; '.join(unfit)}.")
    return replace(schedule, findings=(*schedule.findings[:-1], note, *schedule.findings[-1:]))
