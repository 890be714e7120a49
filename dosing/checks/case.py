"""What a check looks at, and how it says what it found.

A check is one decorated function from a `Case` to `Hit`s. It looks at columns, so it answers for one patient and for
a million by the same lines; a hit's `mask` says for which rows it holds, and its message is told only for those.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property, lru_cache, wraps
from itertools import count, groupby
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dosing.engine.body import Body
from dosing.engine.dose import Doses
from dosing.engine.settle import Line, Settled
from dosing.engine.timeline import Slot
from dosing.patient import When
from dosing.regimen.site import Site
from dosing.rounding import Column
from dosing.schedule import Finding, Level

Mask = NDArray[np.bool_]
Message = str | Callable[[int], str]
_NUMBERS = count()
Made = TypeVar("Made")


@dataclass
class Case:
    """A calculated course before release: lines, doses, places in time, bodies, and what is known of the weighing."""

    settled: Settled
    lines: tuple[Line, ...]
    doses: dict[str, Doses]
    slots: dict[str, tuple[Slot, ...]]
    body: Body
    when: When
    site: Site
    weighed: date | None = None
    applies: dict[str, Mask] = field(default_factory=dict)  # lines that hang on a fact of the patient
    begun: frozenset[str] = frozenset()  # lines of a course whose doses are no longer all those ordered, or not all alike
    kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # what `per_case` made

    @cached_property
    def course(self) -> int:
        """A number that stands for the lines and times of this case, whoever the patient is."""
        return _course(self.settled, self.when, self.lines, tuple(self.slots.values()))

    def whole(self, order: str) -> Column:
        """What all doses of a line come to, in the drug's unit, for every row."""
        return self.doses[order].amount * len(self.slots[order])

    def counted(self, order: str, calculated: Fraction, count: int) -> tuple[int, Fraction, Fraction]:
        """How many doses a line has in all, what they are calculated to, and one of them when the line began.

        `calculated` is one dose as it is now, `count` how many are ordered; the sums are in its unit.
        """
        return count, calculated * count, calculated

    @property
    def is_dated(self) -> bool:
        """Whether there is a day 0."""
        return self.when.day0 is not None


@lru_cache(maxsize=4096)
def _course(settled: Settled, when: When, lines: tuple[Line, ...], slots: tuple[tuple[Slot, ...], ...]) -> int:
    return next(_NUMBERS)


def per_course(function: Callable[[Case], Made]) -> Callable[[Case], Made]:
    """A function of a case that looks at lines and times only, never at the body: made once, then looked up."""
    made: OrderedDict[int, Made] = OrderedDict()

    @wraps(function)
    def once(case: Case) -> Made:
        number = case.course
        if number not in made:
            made[number] = function(case)
            if len(made) > 512:
                made.popitem(last=False)
        return made[number]

    return once


def per_case(function: Callable[[Case], Made]) -> Callable[[Case], Made]:
    """A function of a case that several ask: made once for each case, and kept with it."""

    name = function.__name__  # not the function: a case travels to another process

    @wraps(function)
    def once(case: Case) -> Made:
        if name not in case.kept:
            case.kept[name] = function(case)
        return case.kept[name]  # type: ignore[no-any-return]

    return once


class Hit(NamedTuple):
    """One finding for the rows of `mask` (all rows when None); `message` is a text or told from a row number."""

    id: str
    code: str
    level: Level
    message: Message
    order: str | None = None
    cite: str = ""
    mask: Mask | None = None

    def holds(self, row: int) -> bool:
        """Whether the finding holds for a row."""
        return self.mask is None or bool(self.mask[row if len(self.mask) > 1 else 0])

    def finding(self, row: int, answer: str = "") -> Finding:
        """The finding of one row, with its answer where one was given."""
        message = self.message if isinstance(self.message, str) else self.message(row)
        return Finding(self.id, self.code, self.level, message, self.order, self.cite, answer)


Check = Callable[[Case], Iterable[Hit]]
CHECKS: list[Check] = []
COURSE: set[Check] = set()  # those that look at the regimen and its times only


def check(function: Check) -> Check:
    """Add one check; its docstring says in one sentence what it asks."""
    CHECKS.append(function)
    return function


def course_check(function: Check) -> Check:
    """Add a check that looks at the regimen and its times only, never at the body: its hits are made once."""
    made = check(per_course(wraps(function)(lambda case: tuple(function(case)))))
    COURSE.add(made)
    return made


def hits(case: Case) -> list[Hit]:
    """Everything the checks found, in the order of the checks."""
    return [hit for step in _steps(len(CHECKS)) for hit in step(case)]


@lru_cache(maxsize=1)
def _steps(_count: int) -> tuple[Check, ...]:
    """The checks in their order; neighbours that look at the course only are one step, looked up once."""
    steps: list[Check] = []
    for of_course, neighbours in groupby(CHECKS, COURSE.__contains__):
        group = tuple(neighbours)
        steps += (per_course(_joined(group)),) if of_course else group
    return tuple(steps)


def _joined(group: tuple[Check, ...]) -> Check:
    return lambda case: tuple(hit for one in group for hit in one(case))
