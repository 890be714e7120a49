"""What a plan gives back: administrations in time order, totals, findings, and how to read them.

Amounts are exact decimal texts with a unit; nothing here computes a dose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from dosing.derivation import Derivation, spoken
from dosing.display import as_bundle, as_html
from dosing.errors import Fault, UsageError, closest
from dosing.forms import plain
from dosing.units import print_unit, quantity

if TYPE_CHECKING:
    from arrow import Arrow
    from pint import Quantity

Level = Literal["block", "query", "note", "pass"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Amount:
    """An exact decimal text and its unit; prints as `55 mg`."""

    value: str
    unit: str

    _repr_html_, _repr_mimebundle_ = as_html, as_bundle

    def __str__(self) -> str:
        return f"{spoken(self.value)} {print_unit(self.unit)}"

    def __repr__(self) -> str:
        return f"<Amount {self}>"

    @property
    def decimal(self) -> Decimal:
        """The number as a `Decimal`."""
        return Decimal(self.value)

    @property
    def quantity(self) -> Quantity:
        """The amount as a pint quantity of the closed registry."""
        return quantity(self.value, self.unit)

    def to_dict(self) -> dict[str, str]:
        """Value and unit as texts."""
        return {"value": self.value, "unit": self.unit}


class Finding(NamedTuple):
    """A result of a check: `block` holds its line, `query` must be answered, `note` and `pass` are for information."""

    id: str
    code: str
    level: Level
    message: str
    order: str | None = None
    cite: str = ""
    answer: str = ""

    def __repr__(self) -> str:
        return f"<Finding {self.id} ({'answered' if self.answer else self.level}): {self.message}>"

    def _repr_html_(self) -> str:
        return as_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return as_bundle(self)

    @property
    def is_open(self) -> bool:
        """Whether it keeps the schedule from release."""
        return self.level == "block" or (self.level == "query" and not self.answer)

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        answered = {"answer": self.answer} if self.answer else {}
        return {"id": self.id, "code": self.code, "level": self.level, "order": self.order, "message": self.message, "cite": self.cite, **answered}


class Administration(NamedTuple):
    """One dose at one time. `seconds` are POSIX seconds of the start, None in a relative schedule.

    Rows are named tuples because they are made by the dozen for every patient; `work` makes the derivation when asked.
    """

    order: str
    drug: str
    day: int
    number: int
    of: int
    route: str
    calculated: Amount | None
    amount: Amount | None
    held: bool
    date: date | None
    seconds: int | None
    minutes: int | None
    zone: str
    offset: str
    work: Callable[[], Derivation] | None
    record: dict[str, Any] | None = None  # in a course: `given` or `released`

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Administration) and self[:14] == other[:14] and self.record == other.record

    def __hash__(self) -> int:
        return hash(self[:14])

    def __repr__(self) -> str:
        given = "HOLD" if self.held else str(self.amount)
        return f"<{self.order}#{self.number} day {self.day:+d} {given}>"

    @property
    def derivation(self) -> Derivation | None:
        """The arithmetic as data; None where the source gives no dose."""
        return self.work() if self.work else None

    @property
    def start(self) -> Arrow | None:
        """The start as an arrow instant in the schedule's zone."""
        return instant(self.seconds, self.zone)

    @property
    def end(self) -> Arrow | None:
        """The end as an arrow instant, where a duration is given."""
        return instant(self.seconds + self.minutes * 60, self.zone) if self.minutes and self.seconds is not None else None

    @property
    def why(self) -> str:
        """The arithmetic as one true line."""
        return self.work().tell() if self.work else "dose not given in source"

    def to_dict(self) -> dict[str, Any]:
        """The row as plain JSON values, in the order of the contract."""
        row = {
            "order": self.order, "drug": self.drug, "day": self.day, "date": self.date and self.date.isoformat(),
            "start": iso(self.seconds, self.zone), "end": iso(self.seconds + self.minutes * 60, self.zone) if self.minutes and self.seconds is not None else None,
            "number": self.number, "of": self.of, "route": self.route,
            "calculated": self.calculated and self.calculated.to_dict(), "amount": self.amount and self.amount.to_dict(), "held": self.held,
            "why": self.why,
        }  # fmt: skip
        row |= self.record or {}
        return row if self.date else {**row, "offset": self.offset}


def instant(seconds: int | None, zone: str) -> Arrow | None:
    """POSIX seconds as an arrow instant in a zone."""
    from dosing.engine.timeline import arrow_at

    return None if seconds is None else arrow_at(seconds, zone)


def iso(seconds: int | None, zone: str) -> str | None:
    """POSIX seconds as ISO 8601 text with the zone's offset at that moment."""
    if seconds is None:
        return None
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat()


@dataclass(frozen=True, slots=True)
class Total:
    """The course total of one order; `amount` is None while the line is held."""

    order: str
    drug: str
    doses: int
    calculated: Amount
    amount: Amount | None
    given: Amount | None = None  # in a course: what was given so far
    planned: Amount | None = None  # in a course: what is left; None while held

    def to_dict(self) -> dict[str, Any]:
        """The total as plain JSON values."""
        row = {"order": self.order, "drug": self.drug, "doses": self.doses, "calculated": self.calculated.to_dict(), "amount": self.amount and self.amount.to_dict()}
        return row if self.given is None else {**row, "given": self.given.to_dict(), "planned": self.planned and self.planned.to_dict()}


class Later(Sequence[T]):
    """Rows that are made when they are first read: a plan that is only asked whether it holds makes none."""

    def __init__(self, make: Callable[[], Iterable[T]]):
        self._make = make

    @cached_property
    def _rows(self) -> tuple[T, ...]:
        return tuple(self._make())

    def __getitem__(self, place: Any) -> Any:
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._rows == tuple(other)

    def __hash__(self) -> int:
        return hash(self._rows)

    def __repr__(self) -> str:
        return repr(self._rows)


class LaterNamed(Mapping[str, T]):
    """Values by name that are made when they are first read."""

    def __init__(self, make: Callable[[], Mapping[str, T]]):
        self._make = make

    @cached_property
    def _named(self) -> Mapping[str, T]:
        return self._make()

    def __getitem__(self, name: str) -> T:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def __repr__(self) -> str:
        return repr(self._named)


@dataclass(frozen=True)
class Schedule:
    """Per-day dose schedule of one patient, with its findings, totals, sources and second calculation.

    Iterating gives the administrations in time order. In a notebook it shows itself as the sheet.
    """

    regimen: dict[str, str]
    title: str
    patient: Mapping[str, Any]
    identity: dict[str, str]
    metrics: Mapping[str, dict[str, str]]
    day0: date | None
    zone: str
    times: dict[str, str]
    choices: dict[str, str]
    changes: tuple[dict[str, str], ...]
    answers: tuple[dict[str, str], ...]
    administrations: Sequence[Administration]
    totals: Sequence[Total]
    not_scheduled: tuple[dict[str, str], ...]
    silent: tuple[str, ...]
    findings: tuple[Finding, ...]
    second_calculation: dict[str, Any]
    sources: tuple[dict[str, str], ...]
    orders: tuple[dict[str, Any], ...] = field(repr=False, default=())
    locale: str = "en-GB"
    printed_at: str = ""
    issue: int = 0  # number of this print in a course, 0 outside one
    replaces: int = 0
    changed: tuple[dict[str, Any], ...] = ()  # what differs from the issue it replaces
    course: Mapping[str, Any] | None = None  # doses not given, lists of queries, original day 0
    folders: tuple[str, ...] = field(repr=False, default=())  # library folders it was planned with
    blinds: tuple[str, ...] = field(repr=False, default=("arm",))  # choices that tell the arm of a blinded trial
    closed: frozenset[str] = field(repr=False, default=frozenset())  # the site's weekend by name, its holidays by ISO date
    series: str = field(repr=False, default="")  # the same for every issue of one course
    weights: Sequence[dict[str, Any]] = ()  # every dosing weight with the doses it would give, for a heavy patient

    def __iter__(self) -> Iterator[Administration]:
        return iter(self.administrations)

    def __len__(self) -> int:
        return len(self.administrations)

    def __repr__(self) -> str:
        day0 = self.day0.isoformat() if self.day0 else "relative"
        state = "releasable" if self.releasable else "NOT RELEASABLE"
        return f"<Schedule {self.regimen['id']}@{self.regimen['version']} day 0 {day0}: {len(self)} administrations, {len(self.open)} open, {state}>"

    @cached_property
    def open(self) -> tuple[Finding, ...]:
        """The findings that keep the schedule from release."""
        return tuple(finding for finding in self.findings if finding.is_open)

    @property
    def releasable(self) -> bool:
        """Whether no line is held and every query is answered."""
        return not self.open

    def total(self, drug: str) -> Amount | None:
        """The course total of a drug or order; None where a line of it is held, or its source gives no dose.

        Raises `UsageError` (R05) for a drug that is not in the schedule.
        """
        self._know(drug)
        found = [total for total in self.totals if drug in (total.drug, total.order)]
        if not found or any(total.amount is None for total in found):
            return None
        return Amount(plain(sum((total.amount.decimal for total in found if total.amount), Decimal(0))), found[0].calculated.unit)

    def why(self, drug: str, day: int) -> str:
        """The arithmetic behind the doses of a drug or order on a day, one line each; empty on a day without one.

        Raises `UsageError` (R05) for a drug that is not in the schedule.
        """
        self._know(drug)
        return "\n".join(row.why for row in self if drug in (row.drug, row.order) and row.day == day)

    def _know(self, drug: str) -> None:
        """Refuse the name of a drug or order that is not in the schedule."""
        known = {name for row in (*self, *self.totals) for name in (row.drug, row.order)}
        if drug not in known:
            raise UsageError(Fault("R05", f'there is no drug or order "{drug}" in the schedule', closest(drug, known)))

    def to_dict(self) -> dict[str, Any]:
        """The schedule as plain JSON values, by the contract `dosing.schedule/1`; no clock, host or random value."""
        printed = {"printed_at": self.printed_at} if self.printed_at else {}
        return {
            "schema": "dosing.schedule/1", "regimen": self.regimen, "patient": dict(self.patient), "metrics": dict(self.metrics),
            "day0": self.day0 and self.day0.isoformat(), "zone": self.zone or None, "times": self.times,
            "choices": self.choices, "changes": list(self.changes), "answers": list(self.answers),
            "releasable": self.releasable,
            "administrations": [row.to_dict() for row in self.administrations],
            "totals": [total.to_dict() for total in self.totals],
            "not_scheduled": list(self.not_scheduled), "source_silent": list(self.silent),
            "findings": [finding.to_dict() for finding in self.findings],
            "second_calculation": self.second_calculation,
            "sources": list(self.sources), **printed, **({"weights": list(self.weights)} if self.weights else {}), **self._course(),
        }  # fmt: skip

    def _course(self) -> dict[str, Any]:
        """The keys that only a course has."""
        issued = {"issue": self.issue, "replaces": self.replaces or None, "changed": list(self.changed)} if self.issue else {}
        return issued | ({"course": dict(self.course)} if self.course else {})

    def to_frame(self) -> Any:
        """The administrations as a table of plain columns (an Arrow table; needs the extra `cohort`)."""
        import pyarrow

        return pyarrow.Table.from_pylist([row.to_dict() for row in self.administrations])

    _repr_html_, _repr_mimebundle_ = as_html, as_bundle
