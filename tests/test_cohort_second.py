"""The second calculation of a cohort: every row is held against it, and only the row that differs is refused."""

from __future__ import annotations

from typing import Any

import pytest
from cohorts import FIRST, SEED, by_id, people

pa = pytest.importorskip("pyarrow", reason="cohorts need the extra dosing[cohort]")

from dosing import Cohort, plan  # noqa: E402
from dosing.cohort.again import Second  # noqa: E402
from dosing.engine.dose import Doses  # noqa: E402


def planted(monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    """One dose of one row of the first calculation is a step too large."""
    from dosing.planning import multiply

    def wrong(*given: Any) -> dict[str, Doses]:
        doses = multiply(*given)
        if "cy" in doses and len(doses["cy"].steps) > row:
            doses["cy"].steps[row] += 1
        return doses

    monkeypatch.setattr("dosing.planning.multiply", wrong)


@pytest.mark.parametrize("row", [0, 1, 57, 299])
def test_a_row_on_which_the_calculations_differ_is_refused_alone(monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    planted(monkeypatch, row)
    table = {name: cells[:100] * 3 if name != "id" else cells for name, cells in people(300).items()}
    made = plan(SEED, Cohort.from_table(table), **FIRST)
    assert [(one.id, one.fault.code) for one in made.refused] == [(f"P{row}", "E01")]
    assert made.calculated == 299 and f"P{row}" not in by_id(made)


def test_a_wrong_rule_refuses_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body surface left unrounded in the first calculation alone."""
    monkeypatch.setattr("dosing.engine.body.Body.bsa", property(lambda body: body.bsa_unrounded))
    made = plan(SEED, Cohort.from_table(people(20)), **FIRST)
    assert {one.fault.code for one in made.refused} == {"E01"} and made.calculated + len(made.refused) == 20


def test_every_row_is_held_against_the_second_calculation(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    before = Second.differing
    monkeypatch.setattr(Second, "differing", lambda self, case, rows, held: seen.extend(rows.tolist()) or before(self, case, rows, held))
    plan(SEED, Cohort.from_table(people(200)), **FIRST)
    assert sorted(seen) == list(range(200))
