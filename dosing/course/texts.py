"""What a person types about a dose, read into the texts of an entry or refused with a cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, wraps
from inspect import Signature, signature
from typing import Any, TypeVar

from dosing import forms
from dosing.course import compose
from dosing.course.moment import read_moment, spoken, stamp
from dosing.course.state import Lane
from dosing.engine.settle import Change
from dosing.errors import DosingError, Fault, UsageError, refuse
from dosing.patient import Patient
from dosing.schedule import Administration, Schedule
from dosing.units import in_unit, same_kind

Verb = TypeVar("Verb", bound=Callable[..., Any])

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


def worded(verb: Verb) -> Verb:
    """A verb that takes texts and refuses anything else in their place (`UsageError` R01), a moment or a number of the language too."""
    told, texts = signature(verb), {name for name, kind in verb.__annotations__.items() if kind == "str" and name != "return"}
    names, needed = tuple(told.parameters), {name for name, one in told.parameters.items() if one.default is one.empty}

    @wraps(verb)
    def read(*given: Any, **named: Any) -> Any:
        values = dict(zip(names, given, strict=False)) | named
        if not needed <= values.keys() or not values.keys() <= told.parameters.keys():
            raise UsageError(Fault("R03", _unfit(told, given, named), f"see help(Course.{verb.__name__}).", verb.__name__))
        wrong = [name for name, value in values.items() if name in texts and not isinstance(value, str)]
        if wrong:
            raise UsageError(*(Fault("R01", f"a text expected, not {type(values[name]).__name__}", f"write {FORMS.get(name, 'it as a text')}.", name) for name in sorted(wrong)))
        return verb(*given, **named)

    return read  # type: ignore[return-value]


def _unfit(told: Signature, given: Sequence[Any], named: Mapping[str, Any]) -> str:
    """How the arguments of a call do not fit a verb, in the language's own words."""
    try:
        told.bind(*given, **named)
    except TypeError as error:
        return str(error)
    return ""


FORMS = {"at": '"2027-01-10T09:10"', "start": '"2027-01-10T09:10"', "stop": '"2027-01-10T09:40"', "amount": '"51 mg"', "weight": '"65 kg"', "day0": '"2027-01-15"', "key": '"flu#1"'}


def amount(text: str, row: Administration, key: str, partial: bool = False) -> tuple[str, str] | None:
    """The given amount: as stated, else as planned; a held line has none to assume (O12).

    A `partial` dose must say what went in, and that is less than planned (O14).
    """
    if partial and row.calculated:
        return _part(text, row, key)
    if text:
        return read_amount(text, (row.calculated.value, row.calculated.unit) if row.calculated else None, key)
    if row.held:
        raise refuse("O12", f"{key} is held, so no amount is planned", "if it was given all the same, state the amount; the record asks who decided it.", "dose")
    return (row.amount.value, row.amount.unit) if row.amount else None


def _part(text: str, row: Administration, key: str) -> tuple[str, str]:
    """What went in of a dose that was stopped before its end."""
    whole = row.amount or row.calculated
    assert whole
    if not text:
        raise UsageError(Fault("R05", f"{key} was given in part, but not how much of the {whole} went in", f'say what went in (--amount "… {whole.unit}").', "amount"))
    made = read_amount(text, (whole.value, whole.unit), key)
    if in_unit(*made, whole.unit) >= Fraction(whole.value):
        raise refuse("O14", f"{text} is no part of the {whole} that {key} is planned with", "say what went in, or leave out that it was partial.", "amount")
    return made


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


# what a plan's cures are called in a course

FLAGS = tuple(
    (re.compile(form), cure)
    for form, cure in (
        (r"Leave out --bsa, or confirm", "Confirm"),
        (r"\b(?:add|give|enter) (?=--(?:choose|time|creatinine|crcl|gfr|height|age|born|sex|taking|prior|allergies|weight)\b)", "use "),
        (r"\b(?:Add|Give|Enter) (?=--(?:choose|time|creatinine|crcl|gfr|height|age|born|sex|taking|prior|allergies|weight)\b)", "Use "),
        (r"(?<!FILE )--time (?=\S)", "course move-day0 FILE --time "),
        (r"--(?:choose|set) (?=\S)", "course set FILE "),
        (r'--(creatinine|crcl|gfr|height|age|born|sex|taking|prior|allergies)\b(?: ("[^"]*"|none))?', lambda found: f"course set FILE {found[1]}={found[2] or '…'}"),
        (r"--weight\b(?!-)", "course weigh FILE"),
        (r"--answer\b", "course answer FILE"),
        (r"dosing plan --help", "dosing course --help"),
    )
)


@lru_cache(maxsize=1024)
def in_course(text: str) -> str:
    """A text whose cures name options of a plan, with the verbs of a course in their place."""
    for form, cure in FLAGS if "--" in text else ():
        text = form.sub(cure, text)
    return text


def cured(error: DosingError) -> DosingError:
    """The same refusal with the verbs of a course in its cures."""
    error.faults = tuple(Fault(one.code, in_course(one.what), in_course(one.do), in_course(one.where), one.readings) for one in error.faults)
    error.args = ("\n".join(map(str, error.faults)),)
    return error
