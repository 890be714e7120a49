"""What a person types about a dose, read into the texts of an entry or refused with a cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dosing import forms
from dosing.course import compose
from dosing.course.moment import read_moment, spoken, stamp
from dosing.course.state import Lane
from dosing.engine.settle import Change
from dosing.errors import Fault, UsageError, refuse
from dosing.patient import Patient
from dosing.schedule import Administration, Schedule
from dosing.units import same_kind

SAYS = {"by": "who did it", "second": "who the second person was", "reason": "why", "amount": "what amount was given", "answer": "what the answer is"}
UNITS = {"weight": "kg", "height": "cm", "age": "y", "creatinine": "mg/dL", "crcl": "mL/min", "gfr": "mL/min", "last_weight": "kg"}


def following(order: str, lane: Lane) -> str:
    """The dose of an order that may be recorded next, in words."""
    return f"{order}#{lane.left[0]}" if lane.left else f"{order}#{lane.highest + 1}, recorded as given beyond the plan"


def key(key: str) -> tuple[str, int]:
    """`flu#1` as order and number; `UsageError` for another form."""
    order, mark, number = key.strip().partition("#")
    if not (order and mark and number.isascii() and number.isdigit() and 0 < len(number) < 5):
        raise UsageError(Fault("R05", f'"{key}" does not name one dose', "write order#number, for example flu#1.", "dose"))
    return order, int(number)


def need(**given: str) -> None:
    """`UsageError` naming each text that is empty; the name is both the argument of Python and the option of the command line."""
    missing = [name for name, text in given.items() if not text.strip()]
    if missing:
        raise UsageError(*(Fault("R05", f"{name} is missing", f"say {SAYS.get(name, name)} (--{name}).", name) for name in missing))


def stop(text: str, start: int, zone: str) -> str:
    """A stop as a stamp; T03 for one that is not after the start."""
    if not text:
        return ""
    stop = read_moment(text, zone, "stop")
    if stop <= start:
        raise refuse("T03", f"the stop {spoken(stop, zone)} is not after the start {spoken(start, zone)}", "check both times.", "stop")
    return stamp(stop, zone)


def amount(text: str, row: Administration, key: str) -> tuple[str, str] | None:
    """The given amount: as stated, else as planned; a held line has none to assume (O12)."""
    if text:
        return read_amount(text, (row.calculated.value, row.calculated.unit) if row.calculated else None, key)
    if row.held:
        raise refuse("O12", f"{key} is held, so no amount is planned", "if it was given all the same, state the amount; the record asks who decided it.", "dose")
    return (row.amount.value, row.amount.unit) if row.amount else None


def read_amount(text: str, like: tuple[str, str] | None, key: str) -> tuple[str, str]:
    """An amount of the kind that is planned; D10 for another kind."""
    made = forms.read_amount(text)
    if "/" in made.unit or (like and not same_kind(made.unit, like[1])):
        raise refuse("D10", f'"{text}" is not an amount of {like[1] if like else "one dose"}', "write the amount given, for example 51 mg.", key)
    return forms.plain(made.value), made.unit


def facts(patient: Patient | Mapping[str, str]) -> dict[str, str]:
    """A patient as the texts it can be made of again."""
    if isinstance(patient, Mapping):
        Patient(**patient)
        return {key: text for key, text in patient.items() if text is not None}
    told = {key: getattr(patient, key) for key in Patient.model_fields if getattr(patient, key) is not None}
    return {key: f"{forms.plain(value)} {UNITS[key]}" if key in UNITS else str(value) for key, value in told.items()}


def changes(changes: Mapping[str, str] | Sequence[Change], by: str, reason: str, second: str) -> tuple[dict[str, str], ...]:
    """Changes of orders as plain texts, with who and why."""
    made = [Change(key, value, by, reason, second) for key, value in changes.items()] if isinstance(changes, Mapping) else list(changes)
    return tuple({key: text for key, text in one._asdict().items() if text} for one in made)


def answers(answers: Mapping[str, str] | Sequence[Mapping[str, str]], by: str, made: Schedule) -> tuple[dict[str, str], ...]:
    """The answers a course starts with, each bound to the question as it stands."""
    told = [{"id": key, "answer": text, "by": by} for key, text in answers.items()] if isinstance(answers, Mapping) else [dict(one) for one in answers]
    asked = {finding.id: compose.question(finding) for finding in made.findings}
    return tuple(one | {"asked": asked[one["id"]]} for one in told)
