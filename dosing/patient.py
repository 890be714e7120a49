"""One validated patient, and a cohort as columns; a patient is a cohort of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from dosing import forms
from dosing.errors import DosingError, Fault, InputError, closest
from dosing.rounding import Column


def _read(reader: Any) -> Any:
    def read(text: Any) -> Any:
        if text is None:
            return None
        if not isinstance(text, str):
            raise PydanticCustomError("P07", "{what}", {"what": f'"{text}" is not a text with a unit', "do": 'write for example "70 kg".'})
        try:
            return reader(text)
        except DosingError as error:
            raise PydanticCustomError(error.code, "{what}", {"what": error.faults[0].what, "do": error.faults[0].do}) from None

    return BeforeValidator(read)


def read_label(text: str) -> str:
    """A name, number or note of the patient: any plain text of at most 120 characters without hidden ones (D17)."""
    from dosing.errors import refuse

    if any(not sign.isprintable() for sign in text) or any(0x202A <= ord(sign) <= 0x202E or 0x2066 <= ord(sign) <= 0x2069 for sign in text):
        raise refuse("D17", "a hidden or direction-changing character stands in it", "type it again.")
    if len(text) > 120:
        raise refuse("R06", f"it has {len(text)} characters", "shorten it to 120.")
    return text


def read_taking(text: str) -> str:
    """What else the patient takes: names and commas, or `none`; small letters and one blank come back (R05 for an empty name)."""
    from dosing.errors import refuse

    names = [name.strip().lower() for name in read_label(text).split(",")]
    if not all(names) or ("none" in names and len(names) > 1):
        raise refuse("R05", f'"{text[:40]}" is no list of names', 'write "itraconazole, levetiracetam", or none.')
    return ", ".join(dict.fromkeys(names))


class Patient(BaseModel):
    """What is known of one patient; every value is a text with its unit, only what a dose needs is required.

    `weight` and `height` as `"70 kg"` and `"170 cm"`; `age` as `"34 y"` or `born` as a date; `sex` F or M;
    `creatinine` in mg/dL or micromol/L, `crcl` a clearance or `gfr` a measured filtration in mL/min; `weighed` the date
    of the weight; `prior` what was given before, `"thiotepa 300 mg/m2; busulfan unknown"`. Who it is (`name`, `id`, `born`) stands in no `repr`.
    Raises `InputError` with every fault at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    weight: Annotated[Decimal | None, _read(forms.read_weight)] = None
    height: Annotated[Decimal | None, _read(forms.read_height)] = None
    age: Annotated[Decimal | None, _read(forms.read_age)] = None
    born: Annotated[date | None, _read(forms.read_birth)] = Field(None, repr=False)
    sex: Annotated[str | None, _read(forms.read_sex)] = None
    creatinine: Annotated[Decimal | None, _read(forms.read_creatinine)] = None
    crcl: Annotated[Decimal | None, _read(forms.read_crcl)] = None
    gfr: Annotated[Decimal | None, _read(forms.read_gfr)] = None
    weighed: Annotated[date | None, _read(forms.read_date)] = None
    prior: Annotated[forms.Priors | None, _read(forms.read_prior)] = None
    last_weight: Annotated[Decimal | None, _read(forms.read_weight)] = None
    allergies: Annotated[str | None, _read(read_label)] = None
    taking: Annotated[str | None, _read(read_taking)] = None
    name: Annotated[str | None, _read(read_label)] = Field(None, repr=False)
    id: Annotated[str | None, _read(read_label)] = Field(None, repr=False)

    def __init__(self, **values: Any):
        unknown = values.keys() - type(self).model_fields.keys()
        faults = [Fault("R03", f'"{key}" is not a fact of a patient', closest(key, type(self).model_fields), "patient") for key in sorted(unknown)]
        try:
            super().__init__(**{key: value for key, value in values.items() if key not in unknown})
        except ValidationError as error:
            faults += [_fault(item) for item in error.errors(include_url=False)]
        if faults:
            raise InputError(*faults) from None

    def years(self, on: date | None) -> Decimal | None:
        """Age in years: as given, else completed years from the birth date on a day.

        P10 for a birth after that day, and for an age that is more than a year from the birth date's.
        """
        if self.born is None or on is None:
            return self.age
        if self.born > on:
            raise InputError(Fault("P10", f"the birth date {self.born} is after {on}", "check both dates.", "patient: born"))
        by_birth = Decimal(on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day)))
        if self.age is not None and abs(self.age - by_birth) > 1:
            raise InputError(Fault("P10", f"the age {forms.plain(self.age)} y and the birth date, which makes {by_birth} y on {on}, contradict each other", "check both, and give one of them.", "patient: age"))
        return by_birth if self.age is None else self.age

    def columns(self, on: date | None = None) -> dict[str, Column]:
        """The measured facts as columns of length one: weight kg, height cm, age y, male, creatinine mg/dL, crcl mL/min."""
        facts = {"weight": self.weight, "height": self.height, "age": self.years(on), "creatinine": self.creatinine, "crcl": self.crcl, "gfr": self.gfr, "last_weight": self.last_weight}
        columns = {name: np.array([float(value)]) for name, value in facts.items() if value is not None}
        if self.sex is not None:
            columns["male"] = np.array([self.sex == "M"])
        if self.taking is not None:  # a column for each name, so that a check asks for it as for any fact
            columns |= {name: np.array([1.0]) for name in ("taking", *(f"taking.{one}" for one in self.taking.split(", ") if one != "none"))}
        return columns


def _fault(item: Any) -> Fault:
    field, context = str(item["loc"][0]), item.get("ctx", {})
    return Fault(item["type"], context.get("what", item["msg"]), context.get("do", "see dosing plan --help."), f"patient: {field}")


@dataclass(frozen=True)
class When:
    """Day 0, its zone and the clock times of named events; all may be missing (a relative schedule)."""

    day0: date | None = None
    zone: str = ""
    times: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, day0: str | date | None = None, zone: str | None = None, times: Mapping[str, str] | None = None) -> When:
        """The same from texts: `day0="2026-12-09"`, `zone="Asia/Shanghai"`, `times={"hsc": "14:00"}`."""
        faults: list[Fault] = []

        def read(reader: Any, text: str, where: str) -> Any:
            try:
                return reader(text)
            except DosingError as error:
                faults.extend(error.at(where).faults)

        day = read(forms.read_date, day0, "day0") if isinstance(day0, str) else day0
        place = read(forms.read_zone, zone, "zone") if zone is not None else ""
        for name, text in (times or {}).items():
            read(forms.read_fold_time, text, f"time {name}")
        if day and zone is None:
            faults.append(Fault("T06", "day 0 has no time zone", "add --zone with a region name such as Asia/Shanghai or Europe/Berlin.", "zone"))
        if faults:
            raise InputError(*faults)
        return cls(day, place, tuple(sorted((name, text.strip()) for name, text in (times or {}).items())))

    def minutes(self, name: str) -> tuple[int, int | None] | None:
        """The clock time of a named event as minutes after midnight and, in a doubled hour, first (0) or second (1)."""
        text = dict(self.times).get(name)
        return forms.read_fold_time(text) if text is not None else None
