"""The second calculation: every dose and every start again, from canonical texts, by other code.

Nothing here comes from the rest of the package. Amounts are exact fractions, days are calendar days in the zone.
A text that cannot be read, or a clock time that does not exist, is a `ValueError` that names the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from dosing.second.amounts import amounts, read_line
from dosing.second.body import Person, Size, meets, size
from dosing.second.compare import differences
from dosing.second.levels import Level
from dosing.second.line import HELD, Line, Result, When
from dosing.second.numbers import ratio
from dosing.second.times import places

__all__ = ["HELD", "Level", "Line", "Person", "Result", "Size", "When", "differences", "meets", "ratio", "recalculate", "size"]


def recalculate(lines: Sequence[Line], person: Person, when: When) -> list[Result]:
    """Give every administration of the lines, in their order, numbered from 1 in each; ValueError names the order."""
    sizes: dict[Size, Fraction] = {}
    results: list[Result] = []
    for line in lines:
        try:
            order = read_line(line)
            if order.size not in sizes:
                sizes[order.size] = size(order.size, person)
            calculated, amount = amounts(line, order, sizes[order.size], person)
            results += [Result(line.order, number, day, start, calculated, amount) for number, day, start in places(line, when)]
        except ValueError as error:
            raise ValueError(f"{line.order}: {error}") from error
    return results
