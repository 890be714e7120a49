"""A course as it happens: the reference stories A6, B6 and B7 figure by figure, and each kind of news worked by hand."""

from __future__ import annotations

import pytest

from dosing import InputError, Patient, UsageError, plan, render
from dosing.course import Choose, Course, ledger

ADULT = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M"}
CHILD = {"weight": "28 kg", "height": "132 cm", "age": "9 y", "sex": "F"}
A = {"day0": "2027-01-15", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}, "choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"},
     "set": {"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, "by": "AB", "reason": "confirmed"}  # fmt: skip
B = {"day0": "2027-04-03", "zone": "Europe/Berlin", "times": {"hsc": "14:00", "bu": "00:00"},
     "choose": {"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"}}  # fmt: skip


def story_a(**more) -> Course:
    return Course.start("nct07299123", ADULT, second="CD", **(A | more))


def story_b(**more) -> Course:
    return Course.start("nct07299123", CHILD, **(B | more))


def give_all(course: Course, order: str, count: int) -> None:
    """Give the next doses of an order at their planned starts."""
    left = [row for row in course.schedule() if row.order == order and not (row.record and "given" in row.record)]
    for row in left[:count]:
        course.give(f"{order}#{row.number}", row.to_dict()["start"], by="N1", amount="" if not row.held else "1 mg")


def at_noon(**more) -> Course:
    """Story A at noon of 12 January: fludarabine and cyclophosphamide three times, antithymocyte globulin twice."""
    course = story_a(**more)
    for order, count in (("flu", 3), ("cy", 3), ("atg", 2)):
        give_all(course, order, count)
    return course


NOON = {"at": "2027-01-12T12:00", "by": "AB", "why": "donor late"}


def rows(course: Course, order: str) -> list[dict]:
    return [row for row in course.schedule().to_dict()["administrations"] if row["order"] == order]


def left(course: Course, order: str) -> list[str]:
    return [row["start"] for row in rows(course, order) if "given" not in row]


def total(course: Course, order: str) -> str:
    return next(row["amount"]["value"] for row in course.schedule().to_dict()["totals"] if row["order"] == order)


def outcomes(course: Course, call) -> dict[str, dict]:
    """The outcomes side by side: of a decision that was not taken, or of a fact that was recorded without one."""
    before = len(course.entries)
    try:
        call(course)
        found = course.outcomes(list(course.state.asked)[-1])
        assert len(course.entries) == before + 1 and not course.schedule().releasable
    except Choose as asked:
        assert asked.exit_code == 4 and len(course.entries) == before
        found = asked.options
    return {one.name: one.to_dict() for one in found}


def planned(outcome: dict, order: str) -> list[str]:
    return [row["start"] for row in outcome["rows"] if row["order"] == order and row["state"] == "planned"]


def sum_of(outcome: dict, order: str) -> dict:
    return next(one for one in outcome["totals"] if one["order"] == order)


def levels(course: Course) -> dict[str, str]:
    return {finding.id: finding.level for finding in course.schedule().findings}


def message(course: Course, key: str) -> str:
    return next(finding.message for finding in course.schedule().findings if finding.id == key)


def to_the_graft() -> Course:
    """Story A with everything before the graft given."""
    course = at_noon()
    give_all(course, "flu", 1), give_all(course, "cy", 1), give_all(course, "atg", 2), give_all(course, "msc", 1)
    return course


def gvhd() -> Course:
    return Course.start("nct07299123", ADULT, second="CD", blocks=["gvhd-csa-mtx"], **A)


# no news


def test_a_course_without_news_is_the_plan_byte_for_byte() -> None:
    same = plan("nct07299123", Patient(**ADULT), second_name="CD", **A)
    assert render.to_bytes(story_a().schedule(), "json") == render.to_bytes(same, "json")
    child = plan("nct07299123", Patient(**CHILD), **B)
    assert story_b().schedule().to_dict() == child.to_dict()


def test_the_same_day_0_again_changes_nothing() -> None:
    course = at_noon()
    before = render.to_bytes(course.schedule(), "json")
    course.move_day0("2027-01-15", **NOON)
    assert render.to_bytes(course.schedule(), "json") == before


# A6


def test_a6_the_outcomes_stand_side_by_side() -> None:
    found = outcomes(at_noon(), lambda c: c.move_day0("2027-01-16", **NOON))
    assert [name for name, one in found.items() if not one["refused"]] == ["rest-day", "continue", "stop"]


def test_a6_rest_day() -> None:
    rest = outcomes(at_noon(), lambda c: c.move_day0("2027-01-16", **NOON))["rest-day"]
    assert planned(rest, "flu") == planned(rest, "cy") == ["2027-01-14T09:00:00+08:00"]
    assert planned(rest, "atg") == ["2027-01-14T09:00:00+08:00", "2027-01-15T09:00:00+08:00"]
    assert planned(rest, "msc") == ["2027-01-16T10:00:00+08:00"] and planned(rest, "hsc") == ["2027-01-16T14:00:00+08:00"]
    assert [sum_of(rest, order)["amount"]["value"] for order in ("flu", "cy", "atg")] == ["204", "4120", "624"]
    amounts = {row["order"]: row["amount"]["value"] for row in rest["rows"] if row["state"] == "planned" and row["amount"]}
    assert (amounts["flu"], amounts["cy"], amounts["atg"]) == ("51", "1030", "156")


def test_a6_continue_shows_the_gaps_to_the_graft() -> None:
    on = outcomes(at_noon(), lambda c: c.move_day0("2027-01-16", **NOON))["continue"]
    assert planned(on, "flu") == planned(on, "cy") == ["2027-01-13T09:00:00+08:00"]
    assert planned(on, "atg") == ["2027-01-13T09:00:00+08:00", "2027-01-14T09:00:00+08:00"]
    gaps = {one["order"]: one["hours"] for one in on["gaps_to_graft"]}  # 16 January 14:00 less 13 and 14 January 09:00
    assert gaps["flu"] == gaps["cy"] == "77" and gaps["atg"] == "53"


def test_a6_stop() -> None:
    stop = outcomes(at_noon(), lambda c: c.move_day0("2027-01-16", **NOON))["stop"]
    assert [sum_of(stop, order)["amount"]["value"] for order in ("flu", "cy", "atg")] == ["153", "3090", "312"]
    assert planned(stop, "flu") == planned(stop, "cy") == planned(stop, "atg") == []
    assert planned(stop, "msc") == ["2027-01-16T10:00:00+08:00"]


def test_a6_plain_re_dating_is_refused_with_its_figures() -> None:
    course = at_noon()
    entries = course.entries
    with pytest.raises(Choose) as refusal:
        course.move_day0("2027-01-16", outcome="re-date", **NOON)
    told = str(refusal.value)
    assert "5 fludarabine doses" in told and "255 mg, +25.0 %" in told and "5 antithymocyte-globulin-rabbit doses" in told
    assert "780 mg" in told and "12.48 mg/kg" in told and refusal.value.exit_code == 4 and course.entries == entries


def test_a6_given_rows_keep_their_dates_and_show_both_days() -> None:
    course = at_noon()
    course.move_day0("2027-01-16", outcome="rest-day", **NOON)
    given = [row for row in rows(course, "flu") if "given" in row]
    assert [row["date"] for row in given] == ["2027-01-10", "2027-01-11", "2027-01-12"]
    assert [row["day"] for row in given] == [-6, -5, -4] and [row["given"]["planned"]["day"] for row in given] == [-5, -4, -3]
    assert left(course, "flu") == ["2027-01-14T09:00:00+08:00"] and total(course, "flu") == "204"


def test_a6_issue_2_replaces_issue_1_and_tells_what_changed() -> None:
    course = story_a()
    first = course.issue(at="2027-01-09T10:00", by="P")
    assert (first.issue, first.replaces, first.changed) == (1, 0, ())
    for order, count in (("flu", 3), ("cy", 3), ("atg", 2)):
        give_all(course, order, count)
    course.move_day0("2027-01-16", outcome="rest-day", **NOON)
    second = course.issue(at="2027-01-12T13:00", by="P")
    told = {(one["order"], one["number"], one["what"]): (one["from"], one["to"]) for one in second.changed}
    assert (second.issue, second.replaces) == (2, 1) and second.to_dict()["replaces"] == 1
    assert told[(None, None, "day 0")] == ("2027-01-15", "2027-01-16")
    assert told[("flu", 4, "start")] == ("2027-01-13T09:00:00+08:00", "2027-01-14T09:00:00+08:00")
    assert told[("msc", 1, "start")] == ("2027-01-15T10:00:00+08:00", "2027-01-16T10:00:00+08:00")
    assert ("flu", 1, "start") not in told and "Issue 2 replaces it" in course.notice(1)
    assert course.diff(1, 2) == second.changed


def test_a_moved_day_before_the_first_dose_asks_nothing() -> None:
    course = story_a()
    course.move_day0("2027-01-20", at="2027-01-09T12:00", by="AB", why="donor late")
    moved = plan("nct07299123", Patient(**ADULT), second_name="CD", **(A | {"day0": "2027-01-20"}))
    assert [row.start for row in course.schedule()] == [row.start for row in moved]


def test_a_later_move_counts_what_the_first_one_made() -> None:
    course = at_noon()
    course.move_day0("2027-01-16", outcome="continue", **NOON)
    course.move_day0("2027-01-17", outcome="rest-day", **NOON)
    assert left(course, "flu") == ["2027-01-14T09:00:00+08:00"]  # its continued date, one day on
    assert left(course, "atg") == ["2027-01-14T09:00:00+08:00", "2027-01-15T09:00:00+08:00"] and total(course, "flu") == "204"


# B6 and B7


def late(course: Course, **more) -> Course:
    give_all(course, "bu", 5)
    course.give("bu#6", "2027-03-27T08:30", **more)
    return course


def late_outcomes() -> dict[str, dict]:
    return {one.name: one.to_dict() for one in late(story_b()).outcomes("bu#6.outcome")}


def test_b6_keep_the_grid_is_flagged() -> None:
    keep = late_outcomes()["keep-grid"]
    assert planned(keep, "bu")[0] == "2027-03-27T12:00:00+01:00"
    assert any("dose 7 starts 3.5 h after dose 6" in text for text in keep["collisions"]) and sum_of(keep, "bu")["amount"]["value"] == "268.8"


def test_b6_slide_crosses_the_clock_change() -> None:
    slid = late_outcomes()["slide"]
    expected = ["27T14:30:00+01:00", "27T20:30:00+01:00", "28T03:30:00+02:00", "28T09:30:00+02:00", "28T15:30:00+02:00", "28T21:30:00+02:00",
                "29T03:30:00+02:00", "29T09:30:00+02:00", "29T15:30:00+02:00", "29T21:30:00+02:00"]  # fmt: skip
    assert planned(slid, "bu") == [f"2027-03-{text}" for text in expected] and sum_of(slid, "bu")["amount"]["value"] == "268.8"
    assert [row["day"] for row in slid["rows"] if row["order"] == "bu"][-1] == -5


def test_b6_a_person_chooses() -> None:
    course = late(story_b(), outcome="slide", by="AB")
    assert len(rows(course, "bu")) == 16 and total(course, "bu") == "268.8" and left(course, "bu")[-1] == "2027-03-29T21:30:00+02:00"
    assert "slide after give of bu" in message(course, "course.choice.1") and levels(course)["bu#6.time"] == "note"
    with pytest.raises(UsageError, match="not by whom"):
        late(story_b(), outcome="slide")


def test_b6_the_fact_stands_at_once_and_nothing_is_released_until_a_person_chooses() -> None:
    course = late(story_b())
    assert rows(course, "bu")[5]["start"] == "2027-03-27T08:30:00+01:00" and levels(course)["bu#6.outcome"] == "query"
    for query in ("bu.days", "bu.distance"):
        course.answer(query, "seen", by="AB")
    with pytest.raises(InputError, match="bu#6.outcome is open"):
        course.release("bu#7", by="P1")
    with pytest.raises(InputError, match="answer bu#6.outcome first"):
        course.move_day0("2027-04-05", at="2027-03-27T09:00", outcome="continue", by="AB")
    with pytest.raises(Choose, match="no outcome of give"):
        course.answer("bu#6.outcome", "later", by="AB")
    again = Course(ledger.read_bytes(course.to_bytes(), "c"))
    assert again.schedule().to_dict() == course.schedule().to_dict()
    again.answer("bu#6.outcome", "slide", by="AB", second="CD", why="by telephone")
    direct = late(story_b(), outcome="slide", by="AB")
    assert left(again, "bu") == left(direct, "bu") and "confirmed by CD" in message(again, "course.choice.1")


def test_b6_the_next_dose_given_overtakes_the_choice() -> None:
    course = late(story_b())
    course.give("bu#7", "2027-03-27T12:00", by="N")
    assert not course.state.asked and left(course, "bu")[0] == "2027-03-27T18:00:00+01:00"


def test_b6_a_start_corrected_after_a_slide_asks_again() -> None:
    """Slid from 08:30 by mistake; it was 06:10, so the doses left follow 06:10 + 6 h = 12:10, or stay."""
    course = late(story_b(), outcome="slide", by="AB")
    course.correct("bu#6", start="2027-03-27T06:10", by="N", why="typed wrong")
    assert levels(course)["bu#6.outcome"] == "query"
    course.answer("bu#6.outcome", "slide", by="AB")
    assert left(course, "bu")[0] == "2027-03-27T12:10:00+01:00"


def test_b6_a_dose_corrected_to_late_asks_then() -> None:
    """Recorded at 06:00, truly at 08:30: the same two outcomes as if it had been told at once."""
    course = story_b()
    give_all(course, "bu", 6)
    found = outcomes(course, lambda c: c.correct("bu#6", start="2027-03-27T08:30", by="N", why="read from the pump"))
    assert planned(found["keep-grid"], "bu")[0] == "2027-03-27T12:00:00+01:00" and planned(found["slide"], "bu")[0] == "2027-03-27T14:30:00+01:00"


def test_b6_half_an_hour_late_asks_nothing() -> None:
    course = story_b()
    give_all(course, "bu", 5)
    course.give("bu#6", "2027-03-27T06:30")
    assert left(course, "bu")[0] == "2027-03-27T12:00:00+01:00"


def test_b7_the_autumn_twin_slides_over_the_doubled_hour() -> None:
    course = story_b(day0="2027-11-06")
    assert [sum(row["day"] == day for row in rows(course, "bu")) for day in (-8, -7, -6, -5)] == [4, 4, 5, 3]
    give_all(course, "bu", 7)
    course.give("bu#8", "2027-10-30T20:30", outcome="slide", by="AB")  # 6 h on: 02:30, the first of two
    assert left(course, "bu")[:2] == ["2027-10-31T02:30:00+02:00", "2027-10-31T07:30:00+01:00"]
    course.give("bu#9", "2027-10-31T02:30 second", outcome="slide", by="AB")  # an hour late
    assert left(course, "bu")[0] == "2027-10-31T08:30:00+01:00" and len(rows(course, "bu")) == 16
