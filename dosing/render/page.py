"""The neutral page: what stands on a dose sheet, as plain texts that every format only has to place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["none", "dose", "hold", "open", "missed"]
Box = Literal["blank", "hold", "query", "given", "missed"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One day of the grid: `Day −5`, `Fri 04 Dec 2026`, a mark such as `weekend`, and the date for a narrow column."""

    day: str
    date: str
    mark: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one order does on one day: the amount, how many times, lines under it and a signing line per slot."""

    kind: Kind
    amount: str
    times: str = ""
    lines: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    changed: str = ""  # what the replaced issue said

    @property
    def told(self) -> str:
        """The amount and how many times, `42 mg × 4`."""
        return f"{self.amount}\u00a0{self.times}" if self.times else self.amount


@dataclass(frozen=True, slots=True)
class Row:
    """One order of the grid, with one cell a day and the course total."""

    order: str
    name: str
    lines: tuple[str, ...]
    cells: tuple[Cell, ...]
    total: str
    total_lines: tuple[str, ...]
    held: bool


@dataclass(frozen=True, slots=True)
class Question:
    """An open finding: it asks, and never suggests a value."""

    id: str
    state: str
    about: str
    text: str
    cite: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One administration in time order, or a missed dose where it was planned."""

    day: str
    date: str
    start: str
    stop: str
    drug: str
    number: str
    amount: str
    route: str
    duration: str
    signable: bool
    changed: str = ""
    drawn: str = ""  # what is drawn up, where that is another amount


@dataclass(frozen=True, slots=True)
class Line:
    """One administration of a day: its texts, what kind of boxes it has, a note in place of boxes, and its fluid."""

    entry: Entry
    box: Box
    note: str
    fluid: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One day with its administrations in time order."""

    day: str
    date: str
    mark: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Working:
    """How one order's dose was worked out."""

    drug: str
    dose: str
    cite: str
    working: str
    calculated: str
    amount: str
    doses: str
    total: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of one row of the calculation record, in the order of its headings."""
        dose = f"{self.dose} ({self.cite})" if self.cite else self.dose
        return (self.drug, dose, self.working, self.calculated, self.amount, self.doses, self.total)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Doses of one order that are prepared alike; whatever nobody stated reads `ask: …` or `not entered`."""

    drug: str
    doses: str
    product: str
    volume: str
    fluid: str
    concentration: str
    rate: str
    keep: str
    warnings: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of one row of the preparation list, in the order of its headings; warnings stand beside the doses."""
        return (self.drug, " ! ".join((self.doses, *self.warnings)), self.product, self.volume, self.fluid, self.concentration, self.rate, self.keep)


@dataclass(frozen=True, slots=True)
class Preparation:
    """The preparation list: one line for doses prepared alike, and what has none or needs a look."""

    lines: tuple[Prepared, ...] = ()
    notes: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole dose sheet as texts; `words` holds the fixed headings of its language."""

    language: str
    words: dict[str, str]
    title: str
    banner: str
    status: str
    identity: tuple[Fact, ...]
    basis: tuple[Fact, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    questions: tuple[Question, ...]
    entries: tuple[Entry, ...]
    workings: tuple[Working, ...]
    body: tuple[Fact, ...]
    checks: tuple[Fact, ...]
    decisions: tuple[Fact, ...]
    order_notes: tuple[Fact, ...]
    not_scheduled: tuple[Fact, ...]
    silent: tuple[str, ...]
    sources: tuple[Fact, ...]
    signatures: tuple[str, ...]
    footer: str
    document: str
    days: tuple[Day, ...] = ()
    issued: tuple[Fact, ...] = ()
    preparation: Preparation = Preparation()
    pages: tuple[str, ...] = ("grid", "record", "days")
    paper: str = "a4"
    unnamed: str = ""  # said where signatures stand, while the sheet names nobody

    @property
    def releasable(self) -> bool:
        """Whether the sheet has no banner that forbids its release."""
        return not self.banner

    @property
    def unscheduled(self) -> tuple[Fact, ...]:
        """What the source names without a dose, drugs with one reason together, and what it is silent on."""
        reasons: dict[str, list[str]] = {}
        for fact in self.not_scheduled:
            reasons.setdefault(fact.text, []).append(fact.label)
        named = "; ".join(f"{', '.join(drugs)}: {reason}" for reason, drugs in reasons.items())
        told = (Fact(self.words["not_scheduled"], named), Fact(self.words["silent"], ", ".join(self.silent)))
        return tuple(fact for fact in told if fact.text)

    def split(self, width: int) -> Iterator[Sheet]:
        """The sheet cut evenly into blocks of at most `width` days, each with the orders that have a dose in it."""
        count = max(1, -(-len(self.columns) // width))
        width = max(1, -(-len(self.columns) // count))
        for start in range(0, max(1, len(self.columns)), width):
            part = slice(start, start + width)
            rows = tuple(replace(row, cells=row.cells[part]) for row in self.rows)
            busy = tuple(row for row in rows if any(cell.kind != "none" for cell in row.cells))
            yield replace(self, columns=self.columns[part], rows=busy)
