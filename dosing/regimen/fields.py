"""The field types of regimen, drug and site files: every scalar is text, and each type reads one written form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from dosing import forms
from dosing.errors import DosingError, refuse


def written(reader: Callable[[str], Any], what: str, *examples: str) -> Any:
    """A field type whose text is read by one of the written forms of `dosing.forms`."""

    def read(text: Any) -> Any:
        if not isinstance(text, str):
            raise PydanticCustomError("R01", "{what}", {"what": f"{what} expected", "do": f"write {examples[0]}."})
        try:
            return reader(text)
        except DosingError as error:
            fault = error.faults[0]
            raise PydanticCustomError(fault.code, "{what}", {"what": fault.what, "do": fault.do}) from None

    return Annotated[
        Any,
        BeforeValidator(read),
        PlainSerializer(str, return_type=str),
        WithJsonSchema({"type": ["string", "number"], "description": what, "examples": list(examples)}),  # an editor reads 1 as a number
    ]


def matching(code: str, pattern: str, what: str, cure: str) -> Callable[[str], str]:
    """A reader of texts that match one pattern, refused with `code` otherwise."""
    import re

    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise refuse(code, f'"{text[:40]}" is not {what}', cure)
        return text

    return read


def read_prose(text: str) -> str:
    """A text for people: no markup, no template, no control characters (S02, S05, D17), at most 600 characters."""
    if len(text) > 600:
        raise refuse("R06", f"the text has {len(text)} characters", "shorten it to 600.")
    if "{{" in text or "{%" in text:
        raise refuse("S05", "the text holds template code", "write plain words.")
    if "<" in text and ">" in text[text.index("<") :]:
        raise refuse("S02", "the text holds markup", "write plain words, without < and >.")
    if any(not (sign.isprintable() or sign == "\n") for sign in text):
        raise refuse("D17", "the text holds a hidden character", "delete it and type it again.")
    if not text.strip():
        raise refuse("R05", "the text is empty", "write it or remove the key.")
    return text.strip()


def read_name(text: str) -> str:
    """A name of at most 80 characters, by the rules of `read_prose`."""
    if len(text) > 80:
        raise refuse("R06", f"the name has {len(text)} characters", "shorten it to 80.")
    return read_prose(text)


def read_meaning(text: str) -> str:
    """What day 0 is, in words; a date is refused (R01), as regimen files hold no patient's dates."""
    if any(sign.isdigit() for sign in text[:4]):
        raise refuse("R01", f'"{text[:40]}" is a date', "say in words which day is day 0; the date is given with the patient.")
    return read_prose(text)


def read_rounding_limit(text: str) -> Decimal:
    """How far a rounding may change a dose, in percent: above 0 and at most 10 (R13)."""
    limit = forms.read_percent(text)
    if not 0 < limit <= 10:
        raise refuse("R13", f"a rounding of {text} changes the dose too much", "state at most 10 %.")
    return limit


def read_share(text: str) -> Decimal | None:
    """What a table leaves of a dose: `80 %` as a part of one, `none` (do not give) as None; R13 above 100 %."""
    if text == "none":
        return None
    share = forms.read_percent(text)
    if share > 100:
        raise refuse("R13", f"{text} is more than the whole dose", "write at most 100 %, or none.")
    return share / 100


def read_surface(text: str) -> Decimal:
    """A body surface such as `2 m2` (P08 otherwise)."""
    number, _, unit = text.partition(" ")
    if unit != "m2":
        raise refuse("P08", f'"{text[:40]}" is not a body surface', "write for example 2 m2.")
    return forms.read_number(number)


def read_bounds(text: str) -> forms.Dose:
    """A limit as a dose range: `5..60 mg/m2/day`, `at most 240 mg/kg/course`, `at least 5e6 cells/kg`."""
    one_sided = {"at most ": ("low", Decimal(0)), "at least ": ("high", Decimal("Infinity"))}
    for words, (side, bound) in one_sided.items():
        if text.startswith(words):
            return replace(_dose(text.removeprefix(words)), **{side: bound})  # type: ignore[arg-type]
    dose = _dose(text)
    if not dose.is_range:
        raise refuse("R13", f'"{text}" has no two ends', 'write "5..60 mg/m2/day" or "at most 60 mg/m2/day".')
    return dose


def _dose(text: str) -> forms.Dose:
    dose = forms.read_dose(text)
    if isinstance(dose, forms.OpenDose):
        raise refuse("R13", f'"{text}" is not a limit', 'write "5..60 mg/m2/day".')
    return dose


def either(what: str, *examples: str) -> dict[str, Any]:
    """The JSON Schema of one text or a list of texts."""
    text = {"type": ["string", "number"]}
    return {"anyOf": [text, {"type": "array", "items": text}], "description": what, "examples": list(examples)}


def one_or_many(value: Any) -> Any:
    """A single text as a list of one."""
    return (value,) if isinstance(value, str) else value


def read_growth_row(text: str) -> tuple[float, ...]:
    """Bounds of one age: `6.6 8.4 19.7 25.2, 69.1 72.5 100.4 100.4, 12.3 12.8 21.9 30.8`.

    Weight kg, height cm and, where it is known, body mass index kg/m2; each as held below, asked below, asked above,
    held above. Twelve numbers come back, with 0 and 1000 where a measure has no bounds.
    """
    parts = [tuple(float(forms.read_number(one)) for one in part.split()) for part in text.split(",")]
    if len(parts) not in (2, 3) or any(len(part) != 4 or list(part) != sorted(part) for part in parts):
        raise refuse("R13", f'"{text[:40]}" is not a row of bounds', "write for weight, height and body mass index four rising numbers each.")
    return tuple(number for part in (*parts, *([(0.0, 0.0, 1000.0, 1000.0)] * (3 - len(parts)))) for number in part)


def read_ask_or(reader: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader that also takes the word `ask`: the source gives none, a person must choose."""
    return lambda text: "ask" if text == "ask" else reader(text)


if TYPE_CHECKING:
    from typing import TypeAlias

    Id: TypeAlias = str
    Word: TypeAlias = str
    Prose: TypeAlias = str
    Name: TypeAlias = str
    Meaning: TypeAlias = str
    Zone: TypeAlias = str
    DoseText: TypeAlias = forms.Dose | forms.OpenDose | str
    TotalText: TypeAlias = forms.Dose
    Bounds: TypeAlias = forms.Dose
    Days: TypeAlias = tuple[int, ...]
    Rhythm: TypeAlias = forms.Clock | forms.Offset
    Anchor: TypeAlias = forms.Offset
    First: TypeAlias = int | forms.Offset | str
    Version: TypeAlias = str
    Time: TypeAlias = int
    Minutes: TypeAlias = int
    DateText: TypeAlias = date
    ConditionText: TypeAlias = forms.Condition
    Number: TypeAlias = Decimal
    GrowthRow: TypeAlias = tuple[float, ...]
    Percent: TypeAlias = Decimal
    RoundingLimit: TypeAlias = Decimal
    Rounding: TypeAlias = str
    Share: TypeAlias = Decimal | None
    Surface: TypeAlias = Decimal
    Amount: TypeAlias = forms.WrittenAmount
    Ages: TypeAlias = forms.AgeRange
else:
    Id = written(matching("R11", r"[a-z0-9][a-z0-9._-]{0,60}", "an id", "use small letters, digits and hyphens."), "an id", "flu")
    Word = written(matching("R11", r"[A-Za-z0-9][\w.-]{0,60}", "a word", "use letters, digits, hyphens."), "a word", "SAA-I")
    Prose = written(read_prose, "a text in plain words", "the source does not say")
    Meaning = written(read_meaning, "what day 0 is, in words", "the calendar day of the graft")
    Name = written(read_name, "a name", "fludarabine")
    DoseText = written(read_ask_or(forms.read_dose), "a dose", "30 mg/m2/day", "0.6 mg/kg/dose every 6 h", "not given", "ask")
    TotalText = written(forms.read_total, "a course total", "120 mg/m2/course")
    Bounds = written(read_bounds, "a dose limit", "5..60 mg/m2/day", "at most 240 mg/kg/course")
    Days = written(read_ask_or(forms.read_days), "days", "-5..-2", "+1, +3, +6, +11", "ask")
    Rhythm = written(forms.read_rhythm, "when in the day", "09:00", "4 h before hsc", "24 h after last bu")
    Anchor = written(forms.read_offset, "a time from something else", "6 h after end of last bu", "4 days after last flu")
    First = written(read_ask_or(forms.read_first), "the first hour of an interval", "02:00", "24 h after mtx1", "ask")
    Version = written(matching("R11", r"[a-z0-9][a-z0-9._-]{0,60}@[A-Za-z0-9][\w.-]{0,60}", "an id with its version", "write id@version, for example beam@1."), "an id with its version", "beam@1")
    Time = written(forms.read_time, "a clock time", "09:00")
    Minutes = written(forms.read_duration, "a length of time", "30 min", "4 h")
    Zone = written(forms.read_zone, "a time zone", "Asia/Shanghai")
    DateText = written(forms.read_date, "a date", "2026-11-22")
    ConditionText = written(forms.read_condition, "a condition", "stratum == SAA-I", "age >= 18 y")
    Number = written(forms.read_number, "a number", "0.01")
    GrowthRow = written(read_growth_row, "the bounds of a child's body at one age", "4.5 4.5 16.1 16.1, 61.5 61.5 90.0 90.0")
    Amount = written(forms.read_amount, "an amount", "1 mg", "500 mg")
    Ages = written(forms.read_ages, "an age range", "6..60 y")
    Percent = written(forms.read_percent, "a percentage", "10 %")
    RoundingLimit = written(read_rounding_limit, "a rounding limit", "10 %")
    Rounding = written(matching("R13", r"[a-z][a-z0-9-]{0,40}", "a way of rounding", "write step (the drug's measurable step), none, vial, band, or a named policy."), "a way of rounding", "step", "vial")
    Share = written(read_share, "what is left of a dose", "80 %", "none")
    Surface = written(read_surface, "a body surface", "2 m2")

Phrases = Annotated[tuple[Prose, ...], BeforeValidator(one_or_many), WithJsonSchema(either("printed phrases"))]
Anchors = Annotated[tuple[Anchor, ...], BeforeValidator(one_or_many), WithJsonSchema(either("times from something else", "6 h after end of last bu"))]
Cite = dict[Id, Phrases]
