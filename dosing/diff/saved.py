"""A saved schedule (`dosing plan --json`) as strict models of what is compared."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dosing.diff.change import measure

SCHEMA = "dosing.schedule/1"


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("no offset from UTC")
    return text


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


Moment: TypeAlias = Annotated[str, AfterValidator(_moment)]
Day: TypeAlias = Annotated[str, AfterValidator(_day)]


class Stored(BaseModel):
    """Base of what a saved schedule holds: strict types; keys of later versions are kept."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class Amount(Stored):
    """An exact decimal text and its unit."""

    value: Annotated[str, Field(pattern=r"^-?\d{1,30}(\.\d{1,30})?$")]
    unit: Annotated[str, Field(max_length=40)]

    def __str__(self) -> str:
        return measure({"value": self.value, "unit": self.unit})


class Row(Stored):
    """One administration as saved."""

    order: str
    drug: str
    day: int
    date: Day | None
    start: Moment | None
    end: Moment | None
    number: int
    of: int
    route: str | None
    calculated: Amount | None
    amount: Amount | None
    held: bool
    why: str
    offset: str = ""
    given: dict[str, Any] | None = None
    released: dict[str, Any] | None = None

    @property
    def state(self) -> str:
        """What is given: an amount, `HOLD`, or that no dose is given."""
        return "HOLD" if self.held else str(self.amount) if self.amount else "dose not given"

    @property
    def clock(self) -> str:
        """The hour of the start, or where a relative dose hangs."""
        return self.start[11:16] if self.start else self.offset

    @property
    def length(self) -> str:
        """The duration in minutes as text."""
        if not (self.start and self.end):
            return ""
        return f"{int((datetime.fromisoformat(self.end) - datetime.fromisoformat(self.start)).total_seconds()) // 60} min"


class Total(Stored):
    """One course total as saved."""

    order: str
    drug: str
    doses: int
    calculated: Amount
    amount: Amount | None
    given: Amount | None = None
    planned: Amount | None = None


class Finding(Stored):
    """One finding as saved."""

    id: str
    code: str
    level: Literal["block", "query", "note", "pass"]
    order: str | None
    message: str
    cite: str
    answer: str = ""


class NotGiven(Stored):
    """One dose that a course recorded as missed or stopped, as saved."""

    order: str
    number: int
    state: str
    why: str = ""


class CourseFacts(Stored):
    """What only a course has, as saved."""

    day0_at_start: Day
    not_given: list[NotGiven] = []


class Saved(Stored):
    """A saved schedule as far as it is compared key by key; all other keys are compared as they are."""

    schema_: Annotated[str, Field(alias="schema")]
    regimen: dict[str, Any]
    patient: dict[str, str | Amount]
    metrics: dict[str, dict[str, str]]
    day0: Day | None
    zone: str | None
    times: dict[str, str]
    choices: dict[str, str]
    changes: list[dict[str, Any]]
    answers: list[dict[str, str]]
    releasable: bool
    administrations: list[Row]
    totals: list[Total]
    findings: list[Finding]
    course: CourseFacts | None = None
