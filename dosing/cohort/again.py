"""The second calculation for every row of a cohort.

The other code works out each patient's own size (surface or dosing weight) from the canonical texts. Patients to whom
it gives the same size must have the same dose of a line, so it calculates each line once for each size that occurs, is
compared there with the first calculation as for a single patient, and every other row is held against that row. A row
that differs anywhere is calculated on its own; if it still differs, it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, repeat

import numpy as np
from numpy.typing import NDArray

from dosing import forms, second
from dosing.checks import Case
from dosing.cohort.cells import Codes, combine
from dosing.cohort.table import Table
from dosing.engine.settle import Line
from dosing.errors import Disagreement, Fault
from dosing.metrics import FORMULAS
from dosing.planning import verify
from dosing.planning.verify import nobody, of_patient, weight_text
from dosing.regimen.site import Site

COLUMN_OF = {
    "weight": "weight_kg", "height": "height_cm", "male": "sex", "crcl": "crcl_ml_min", "gfr": "gfr_ml_min", "age": "age_y", "creatinine": "creatinine_mg_dl",
}  # fmt: skip
FIELD_OF = {"male": "sex"}  # of `second.Person`, where it has another name
KIDNEY = ("weight", "height", "male", "crcl", "gfr", "age", "creatinine")
Watch = Callable[[str, float], None]


def firsts(keys: Codes, space: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For keys below `space`: one row of each key that occurs, and for each row the place of its key among them."""
    if space > 4 * len(keys) + 1_000_000:
        _, rows, places = np.unique(keys, return_index=True, return_inverse=True)
        return rows, places
    seen = np.full(space, -1)
    seen[keys[::-1]] = np.arange(len(keys))[::-1]
    present = np.flatnonzero(seen >= 0)
    lookup = np.empty(space, np.int64)
    lookup[present] = np.arange(len(present))
    return seen[present], lookup[keys]


@dataclass
class Second:
    """The second calculation of one cohort: sizes by name, and what has been agreed on for each line and size."""

    cohort: Table
    formula: str
    site: Site
    watch: Watch
    _sizes: dict[second.Size, tuple[Codes, int]] = field(default_factory=dict)
    _met: dict[Line, NDArray[np.bool_]] = field(default_factory=dict)
    _agreed: dict[Line, NDArray[np.float64]] = field(default_factory=dict)

    def differing(self, case: Case, rows: Codes, held: Callable[[int], set[str]]) -> dict[int, Fault]:
        """The rows of a case on which the two calculations differ, as positions in the case with their fault (E01).

        `rows` are the case's rows in the cohort, `held` gives the held lines of a position.
        """
        doubtful = np.full(len(rows), not self._agrees(case, 0, int(rows[0]), tuple(case.doses)))
        for line in case.lines:
            if line.id in case.doses:
                doubtful |= self._doubtful(case, line, rows) if line.table is None else True
        for line in (line for line in case.settled.lines if line.id in case.applies):
            doubtful |= self._meets(line)[rows] != case.applies[line.id]
        found = {}
        for place in map(int, np.flatnonzero(doubtful)):
            if fault := self._difference(case, place, int(rows[place]), tuple(case.doses), held(place)):
                found[place] = fault
        return found

    def _doubtful(self, case: Case, line: Line, rows: Codes) -> NDArray[np.bool_]:
        """The rows whose dose of a line is not that of an agreed row of the same size."""
        doses, (sizes, count) = case.doses[line.id], self._size_codes(line)
        size = sizes[rows]
        small = np.False_ if doses.small is None else doses.small
        key = size * 4 + doses.kept.astype(np.int64) * 2 + small.astype(np.int64)
        key = np.where(size < 0, 4 * count, key)  # no size: never agreed on
        agreed = self._agreed.setdefault(line, np.full((2, 4 * count + 1), np.nan))
        new = np.flatnonzero(np.isnan(agreed[0, key]) & (size >= 0))
        for place in map(int, new[firsts(key[new], 4 * count)[0]]):
            if self._agrees(case, place, int(rows[place]), (line.id,)):
                agreed[:, key[place]] = doses.calculated[place], doses.steps[place]
        calculated, steps = agreed[:, key]
        same = np.abs(doses.calculated - calculated) <= 1e-12 * calculated
        return ~(same & ((doses.steps == steps) | doses.kept | (doses.step is None)))

    def _meets(self, line: Line) -> NDArray[np.bool_]:
        """The rows of the cohort that a line is for, by the second calculation; false for a body it has too little of."""
        if line not in self._met:
            facts = tuple(dict.fromkeys(fact for one in line.conditions for fact in _facts_behind(one.name, self.formula)))
            rows, places = self._bodies(facts)
            self._met[line] = np.array([_is_met(of_patient(line), person) for person in self._persons(rows, facts)], bool)[places]
        return self._met[line]

    def _agrees(self, case: Case, place: int, row: int, lines: tuple[str, ...]) -> bool:
        return self._difference(case, place, row, lines, set()) is None

    def _difference(self, case: Case, place: int, row: int, lines: tuple[str, ...], held: set[str]) -> Fault | None:
        """What differs between the two calculations of some lines of one row."""
        try:
            verify(case, place, self.person(row), held, {line: case.doses[line].reading(place) for line in lines})
        except Disagreement as error:
            return error.faults[0]
        return None

    def _size_codes(self, line: Line) -> tuple[Codes, int]:
        """For every row of the cohort a number for its size, by the second calculation; -1 where it has none."""
        size = (line.basis, weight_text(line) if line.basis in ("kg", "m2") else "", forms.plain(line.order.bsa_max) if line.order.bsa_max and line.basis == "m2" else "")
        if size not in self._sizes:
            self._sizes[size] = self._calculate_sizes(size) if size[0] else (np.zeros(len(self.cohort), np.int64), 1)
        return self._sizes[size]

    def _bodies(self, facts: tuple[str, ...]) -> tuple[Codes, Codes]:
        """One row of each body that occurs, of which some facts are told; and for each row the place of its body among them."""
        keys, space = np.zeros(len(self.cohort), np.int64), 1
        for fact in facts:
            if column := self.cohort.columns.get(COLUMN_OF[fact]):
                keys, space = combine(keys, column.codes, len(column.texts)), space * len(column.texts)
        return firsts(keys, space)

    def _calculate_sizes(self, of: second.Size) -> tuple[Codes, int]:
        facts = _facts_of(of, self.formula)
        rows, places = self._bodies(facts)
        known: dict[tuple[int, int], int] = {}
        codes = np.empty(len(rows), np.int64)
        for begin in range(0, len(rows), 8192):
            some = self._persons(rows[begin : begin + 8192], facts)
            codes[begin : begin + 8192] = [_number_of(of, person, known) for person in some]
            self.watch("second calculation", begin / len(rows))
        return codes[places], len(known)

    def person(self, row: int) -> second.Person:
        """A row as the plain texts the second calculation reads."""
        return next(self._persons(np.array([row]), tuple(COLUMN_OF)))

    def _persons(self, rows: Codes, facts: tuple[str, ...]) -> Iterator[second.Person]:
        """Some rows as plain texts, with the facts that are wanted; the others stay empty."""
        bare, names = nobody(self.formula, self.site), [FIELD_OF.get(fact, fact) for fact in facts]
        texts = zip(*(self._texts(fact, rows) for fact in facts), strict=False)
        return (bare._replace(**dict(zip(names, told, strict=True))) for told in islice(texts, len(rows)))

    def _texts(self, fact: str, rows: Codes) -> Iterable[str]:
        column = self.cohort.columns.get(COLUMN_OF[fact])
        return repeat("") if column is None else [column.texts[code] for code in column.codes[rows].tolist()]


def _number_of(of: second.Size, person: second.Person, known: dict[tuple[int, int], int]) -> int:
    """A number for a person's size, the same for equal sizes; -1 where the second calculation has none."""
    try:
        size = second.size(of, person)
    except ValueError:
        return -1
    return known.setdefault((size.numerator, size.denominator), len(known))


def _is_met(conditions: str, person: second.Person) -> bool:
    try:
        return second.meets(conditions, person)
    except ValueError:
        return False


def _facts_behind(name: str, formula: str) -> tuple[str, ...]:
    """The facts that a condition of a line is worked out from."""
    if name == "crcl":
        return KIDNEY
    return FORMULAS[f"bsa.{formula}"].needs if name == "bsa" else ("weight", "height") if name == "bmi" else (name,)


def _facts_of(of: second.Size, formula: str) -> tuple[str, ...]:
    """The facts a size is worked out from."""
    kind, weight, _ = of
    if kind == "gfr":
        return KIDNEY
    own = FORMULAS[f"bsa.{formula}"].needs if kind == "m2" else ()
    return tuple(dict.fromkeys((*own, *(("weight",) if weight == "actual" else ("weight", "height", "male")))))
