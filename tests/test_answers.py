"""An answer decides: a shrug leaves the query open, and another source's course is never answered over the planned one."""

from __future__ import annotations

import pytest

from dosing import Patient, plan
from dosing.errors import UsageError
from dosing.planning.answers import decides

CHILD = Patient(weight="28 kg", height="132 cm", age="9 y", sex="F", creatinine="0.5 mg/dL")


def seed(answer: str):
    """The seed's SAA-II with the question of the busulfan days answered; the regimen plans 16 doses, xu2018 prints 8."""
    return plan("nct07299123", CHILD, day0="2027-04-03", zone="Europe/Berlin", times={"hsc": "14:00", "bu": "00:00"},
                choose={"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"}, answer={"bu.days": answer}, by="AB")  # fmt: skip


@pytest.mark.parametrize("text", ["?", "no", "No.", "...", "unknown", "not yet", "tbd", "ask Dr X", "asked the sponsor", "waiting for the author", "42"])
def test_a_shrug_is_no_decision(text: str) -> None:
    assert not decides(text)
    with pytest.raises(UsageError, match="leaves bu.days open"):
        seed(text)


@pytest.mark.parametrize("text", ["xu2018", "days -7 to -6, 8 doses", "8 doses", "as in Xu2018", "days −7 – −6"])
def test_the_other_course_is_not_answered_over_the_planned_one(text: str) -> None:
    with pytest.raises(UsageError, match="the plan keeps 16 doses on days") as refused:
        seed(text)
    assert "--set bu.days" in str(refused.value)


@pytest.mark.parametrize("text", ["registry days confirmed by sponsor 12 Nov", "as in the registry, not xu2018", "16 doses, sponsor's letter", "ok", "yes", "confirmed"])
def test_a_decision_closes_the_query(text: str) -> None:
    assert "bu.days" not in {finding.id for finding in seed(text).open}


def test_the_other_course_is_planned_by_a_change() -> None:
    made = plan("nct07299123", CHILD, day0="2027-04-03", zone="Europe/Berlin", times={"hsc": "14:00", "bu": "00:00"},
                choose={"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"}, set={"bu.days": "-7..-6"}, by="AB", reason="sponsor: xu2018")  # fmt: skip
    assert sum(row.order == "bu" for row in made) == 8
