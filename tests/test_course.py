"""A course as it happens: the reference stories A6, B6 and B7 figure by figure, and each kind of news worked by hand."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from dosing import InputError, Patient, UsageError, cli, plan, render
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
    course.move_day0("2027-01-20", at="2027-01-09T12:00", by="AB")
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


# other news


def test_a_dose_twice_or_out_of_order_is_asked_about() -> None:
    course = story_a()
    give_all(course, "flu", 1)
    with pytest.raises(InputError, match="recorded already"):
        course.give("flu#1", "2027-01-10T12:00")
    with pytest.raises(InputError, match="comes after flu#2"):
        course.give("flu#3", "2027-01-12T09:00")
    with pytest.raises(InputError, match="more than 7 days"):
        course.give("flu#2", "2027-02-11T09:00")
    with pytest.raises(UsageError, match="flu"):
        course.give("fluu#2", "2027-01-11T09:00")


def test_a_partial_dose_counts_as_given_and_is_asked_about() -> None:
    course = story_a()
    course.give("flu#1", "2027-01-10T09:00", "20 mg", partial=True, stop="2027-01-10T09:12")
    assert total(course, "flu") == "173" and levels(course)["flu#1.amount"] == "query"  # 20 + 3 × 51
    course.answer("flu#1.amount", "left out", by="AB")
    assert levels(course)["flu#1.amount"] == "query" and "flu#1.amount" not in [finding.id for finding in course.schedule().open]


def test_a_correction_shows_both() -> None:
    course = story_a()
    course.give("flu#1", "2027-01-10T09:00", "15 mg")
    course.correct("flu#1", amount="51 mg", by="N2", why="typed wrong")
    row = rows(course, "flu")[0]
    assert row["amount"]["value"] == "51" and row["given"]["first"]["amount"]["value"] == "15" and total(course, "flu") == "204"
    assert course.entries[1].amount == ("15", "mg")


def test_a_missed_dose_is_left_out_or_made_up() -> None:
    course = story_a()
    found = outcomes(course, lambda c: c.miss("flu#1", why="refused"))
    assert sum_of(found["omit"], "flu")["amount"]["value"] == "153" and sum_of(found["append"], "flu")["amount"]["value"] == "204"
    assert planned(found["append"], "flu")[-1] == "2027-01-14T09:00:00+08:00" and any("day -1" in text for text in found["append"]["collisions"])
    course.answer("flu#1.outcome", "omit", by="AB", why="refused")
    assert course.schedule().course["not_given"][0]["state"] == "missed" and len(rows(course, "flu")) == 3 and not course.state.asked


def test_a_missed_interval_dose_is_made_up_six_hours_after_the_last() -> None:
    course = story_b()
    give_all(course, "bu", 2)
    course.miss("bu#3", outcome="append", by="AB")
    assert left(course, "bu")[-1] == "2027-03-30T01:00:00+02:00" and total(course, "bu") == "268.8" and rows(course, "bu")[-1]["number"] == 17


def test_a_new_weight_is_real_or_fluid() -> None:
    course = at_noon()
    found = outcomes(course, lambda c: c.weigh("68 kg", at="2027-01-12T12:00"))
    # BSA sqrt(68 × 168 / 3600) = 1.7814 → 1.78: fludarabine 53.4 → 53, cyclophosphamide 1,068 → 1,070; ATG 170 → 170
    assert sum_of(found["real"], "flu")["amount"]["value"] == str(3 * 51 + 53) and sum_of(found["fluid"], "flu")["amount"]["value"] == "204"
    course.weigh("68 kg", at="2027-01-12T12:00", outcome="real", by="AB")
    assert total(course, "cy") == str(3 * 1030 + 1070) and total(course, "atg") == str(2 * 156 + 2 * 170)
    assert [row["amount"]["value"] for row in rows(course, "flu")] == ["51", "51", "51", "53"] and "62.5 kg to 68 kg" in message(course, "patient.reweighed")


def test_a_weight_change_is_flagged_at_5_and_10_percent() -> None:
    for weight, word in (("64 kg", "+2.4 %"), ("66 kg", "above 5 %"), ("70 kg", "above 10 %")):
        found = outcomes(at_noon(), lambda c, weight=weight: c.weigh(weight, at="2027-01-12T12:00"))
        assert any(word in text for text in found["real"]["collisions"]) and ("above" in found["real"]["collisions"][0]) == (word != "+2.4 %")


def test_a_busulfan_level_next_dose_or_cumulative() -> None:
    course = story_b()
    give_all(course, "bu", 4)
    found = outcomes(course, lambda c: c.level("bu", "1200 umol*min/L", "1000 umol*min/L", at="2027-03-26T20:00"))
    # next dose: 0.6 × 1000 / 1200 = 0.5 mg/kg = 14 mg → 13.8 mg (23 steps of 0.6; 14 / 0.6 = 23.3)
    assert {row["amount"]["value"] for row in found["next-dose"]["rows"] if row["order"] == "bu" and row["state"] == "planned"} == {"13.8"}
    # whole course: (16 × 1000 − 4 × 1200) / 12 = 933.3 for each; 0.6 × 933.3 / 1200 = 0.46667 mg/kg = 13.07 mg → 13.2 mg
    assert {row["amount"]["value"] for row in found["cumulative"]["rows"] if row["order"] == "bu" and row["state"] == "planned"} == {"13.2"}
    course.level("bu", "1200 umol*min/L", "1000 umol*min/L", at="2027-03-26T20:00", outcome="cumulative", by="AB")
    assert Decimal(total(course, "bu")) == 4 * Decimal("16.8") + 12 * Decimal("13.2")


def test_a_late_graft_leaves_the_given_cells_given() -> None:
    course = at_noon()
    give_all(course, "flu", 1), give_all(course, "cy", 1), give_all(course, "atg", 2), give_all(course, "msc", 1)
    course.give("hsc#1", "2027-01-15T17:30", by="N")
    assert rows(course, "msc")[0]["start"] == "2027-01-15T10:00:00+08:00" and course.schedule().times["hsc"] == "17:30"
    assert levels(course)["msc#1.offset"] == "query" and "7.5 h before hsc" in message(course, "msc#1.offset")


def test_a_moved_graft_hour_moves_what_hangs_on_it() -> None:
    course = at_noon()
    course.move_day0(times={"hsc": "18:00"}, **NOON)
    assert left(course, "msc") == ["2027-01-15T14:00:00+08:00"] and left(course, "flu") == ["2027-01-13T09:00:00+08:00"]


def test_a_change_holds_for_the_rest_only() -> None:
    course = at_noon()
    course.set("atg.dose", "3 mg/kg/day", at="2027-01-12T12:00", by="AB", why="prescriber")
    assert [row["amount"]["value"] for row in rows(course, "atg")] == ["156", "156", "188", "188"]  # 187.5 → 188
    course.stop("cy", at="2027-01-12T12:00", by="AB", why="cystitis")
    assert total(course, "cy") == "3090" and course.schedule().course["not_given"] == [{"order": "cy", "number": 4, "state": "stopped"}]


def test_given_and_planned_together_are_held_against_the_course_limit() -> None:
    course = at_noon()
    course.set("atg.dose", "5 mg/kg/day", at="2027-01-12T12:00", by="AB", why="prescriber")  # 312 + 2 × 313 = 938 mg = 15.0 mg/kg
    assert sum(Decimal(row["amount"]["value"]) for row in rows(course, "atg")) == 938 and levels(course)["atg.sum"] in ("query", "block")


def test_unrecorded_doses_are_asked_for_before_replanning() -> None:
    course = story_a()
    give_all(course, "flu", 1)
    with pytest.raises(InputError, match="neither given nor missed"):
        course.move_day0("2027-01-16", outcome="rest-day", **NOON)
    course.answer("flu.creatinine", "0.8 mg/dL seen", at="2027-01-11T12:00", by="AB", why="laboratory sheet")
    assert levels(course)["cy#1.record"] == "query" and levels(course)["flu#2.record"] == "query"


def test_a_patient_whose_drug_is_held() -> None:
    course = story_a(set={}, by="", reason="")
    with pytest.raises(InputError, match="is held"):
        course.give("atg#1", "2027-01-11T09:00")
    course.give("atg#1", "2027-01-11T09:00", "150 mg", by="N")
    assert levels(course)["atg#1.held"] == "query"


# answers, release, people


def test_a_held_or_questioned_line_is_not_released() -> None:
    course = story_a(set={}, by="", reason="")
    with pytest.raises(InputError, match="block atg"):
        course.release("atg#1", by="P1", second="P2")
    with pytest.raises(InputError, match="flu.creatinine"):
        course.release("flu#1", by="P1", second="P2")
    course.answer("flu.creatinine", "0.8 mg/dL", by="AB", second="CD", at="2027-01-09T10:00", why="laboratory sheet")
    course.release("flu#1", by="P1", second="P2", at="2027-01-09T11:00")
    assert rows(course, "flu")[0]["released"]["by"] == "P1" and course.issue().to_dict()["answers"][0]["second"] == "CD"
    board = {(row["order"], row["number"]): row for row in course.board()}
    assert board["flu", 1]["state"] == "released by P1" and board["atg", 1]["state"] == "not to be released" and board["flu", 2]["state"] == "may be released"
    course.recall("flu#1", by="P1")
    assert "released" not in rows(course, "flu")[0]


def test_a_release_is_void_when_the_dose_changes() -> None:
    course = at_noon()
    course.answer("flu.creatinine", "0.8 mg/dL", by="AB")
    course.release("flu#4", by="P1")
    course.move_day0("2027-01-16", outcome="rest-day", **NOON)
    assert rows(course, "flu")[3]["released"]["void"] and levels(course)["flu#4.release"] == "query"


def test_a_second_person_is_asked_where_the_site_asks() -> None:
    course = story_a(second_for=["release", "answer"])
    with pytest.raises(UsageError, match="second person"):
        course.answer("flu.creatinine", "0.8 mg/dL", by="AB")
    with pytest.raises(UsageError, match="both persons"):
        course.answer("flu.creatinine", "0.8 mg/dL", by="AB", second="ab")
    course.answer("flu.creatinine", "0.8 mg/dL", by="AB", second="CD")


def test_the_reconciliation_has_one_row_a_dose() -> None:
    course = story_a()
    course.give("flu#1", "2027-01-10T09:00", "50 mg", by="N", why="spilled", kit="K-17")
    course.miss("flu#2", outcome="omit", by="N", why="refused")
    found = list(csv.DictReader(io.StringIO(course.reconciliation())))
    assert len(found) == 14 and (found[0]["difference"], found[0]["reason"], found[0]["kit"]) == ("-1", "spilled", "K-17")
    assert (found[1]["state"], found[1]["difference"], found[2]["state"]) == ("missed", "-51", "planned")
    course.account("msc", "received", 2, by="P"), course.account("msc", "prepared", 1, by="P")
    assert course.to_dict()["accountability"][0]["left"] == 1


# the command line


def run(capsys, *words: str) -> tuple[int, str, str]:
    code = cli.main(["course", *words])
    out, err = capsys.readouterr()
    return code, out, err


def start(tmp_path: Path, capsys) -> str:
    file = str(tmp_path / "course.json")
    facts = [word for key, text in ADULT.items() for word in (f"--{key}", text)]
    chosen = [word for key, text in A["choose"].items() for word in ("--choose", f"{key}={text}")]
    code, _, _ = run(capsys, "start", "nct07299123", *facts, *chosen, "--day0", "2027-01-15", "--zone", "Asia/Shanghai", "--time", "hsc=14:00", "-o", file)
    assert code == 5
    return file


def test_the_verbs_of_the_contract(tmp_path, capsys) -> None:
    file = start(tmp_path, capsys)
    assert run(capsys, "give", file, "flu#1", "--at", "2027-01-10T09:10", "--amount", "51 mg")[0] == 0
    assert run(capsys, "give", file, "flu#1", "--at", "2027-01-10T09:10")[0] == 4
    code, out, _ = run(capsys, "move-day0", file, "2027-01-16", "--json")
    assert code == 4 and {one["name"] for one in json.loads(out)["outcomes"]} >= {"rest-day", "continue", "stop"} and json.loads(out)["errors"]
    assert run(capsys, "answer", file, "flu.creatinine=0.8 mg/dL", "--by", "AB")[0] == 0
    assert run(capsys, "release", file, "flu#2", "--by", "P1", "--second", "P2")[0] == 0
    assert run(capsys, "release", file, "atg#1", "--by", "P1")[0] == 4
    code, out, _ = run(capsys, "show", file, "--json")
    assert code == 5 and json.loads(out)["schema"] == "dosing.course.view/1" and len(json.loads(out)["ledger"]) == 4
    assert run(capsys, "issue", file, "-o", str(tmp_path / "one.html"))[0] == 5 and (tmp_path / "one.html").exists()
    assert run(capsys, "issue", file)[0] == 5
    assert run(capsys, "notice", file, "1")[0] == 0 and run(capsys, "diff", file, "1", "2")[0] == 0 and run(capsys, "reconcile", file)[0] == 0
    assert run(capsys, "give", file, "flu#9", "--at", "2027-01-10T09:10")[0] == 2
    assert run(capsys, "start", "nct07299123", "--weight", "70 kg", "-o", file)[0] == 4


def test_a_course_is_never_written_over(tmp_path) -> None:
    story_a().save(tmp_path / "c.json")
    with pytest.raises(UsageError, match="already"):
        story_a().save(tmp_path / "c.json")


def test_a_choice_changed_on_the_way(tmp_path) -> None:
    course = at_noon()
    course.set("cy.dose", "700 mg/m2/day", at="2027-01-12T12:00", by="AB", why="sponsor")  # 1.71 × 700 = 1,197 → 1,200 mg
    assert total(course, "cy") == str(3 * 1030 + 1200) and "chosen anew" in message(course, "course.choice.1")
    child = story_b()
    give_all(child, "bu", 2)
    child.set("flu_in_saa2", "no", at="2027-03-26T07:00", by="AB", why="sponsor")
    assert not rows(child, "flu") and {row["state"] for row in child.schedule().course["not_given"]} == {"stopped"}
    begun = story_b()
    give_all(begun, "bu", 14), give_all(begun, "flu", 1)
    with pytest.raises(InputError, match="begun and would vanish"):
        begun.set("flu_in_saa2", "no", by="AB", why="sponsor")


def test_a_dose_a_day_late_cannot_keep_a_grid_that_lies_before_it() -> None:
    course = story_b()
    give_all(course, "bu", 5)
    found = outcomes(course, lambda c: c.give("bu#6", "2027-03-28T08:00"))
    assert "before now" in found["keep-grid"]["refused"] and not found["slide"]["refused"]


def test_an_answer_holds_for_the_question_as_it_was_asked() -> None:
    course = story_a(set={"atg.dose": "5 mg/kg/day", "atg.product": "thymoglobulin"})
    course.answer("atg.dose", "agreed with the sponsor", by="AB")
    assert "atg.dose" not in [finding.id for finding in course.schedule().open]
    course.set("atg.dose", "4.5 mg/kg/day", by="AB", why="prescriber")
    assert "atg.dose" in [finding.id for finding in course.schedule().open] and "Asked again" in message(course, "atg.dose")
    course.answer("atg.dose", "agreed again", by="AB")
    assert "atg.dose" not in [finding.id for finding in course.schedule().open]


def test_answers_at_the_start_are_the_plan_s_own() -> None:
    answers = [{"id": "flu.creatinine", "answer": "0.8 mg/dL seen", "by": "AB"}]
    same = plan("nct07299123", Patient(**ADULT), answer=answers, second_name="CD", **A)
    assert story_a(answer=answers).schedule().to_dict() == same.to_dict()


def to_the_graft() -> Course:
    """Story A with everything before the graft given."""
    course = at_noon()
    give_all(course, "flu", 1), give_all(course, "cy", 1), give_all(course, "atg", 2), give_all(course, "msc", 1)
    return course


def test_the_graft_fixes_day_0() -> None:
    course = to_the_graft()
    give_all(course, "hsc", 1)
    with pytest.raises(InputError, match="fixes day 0"):
        course.move_day0("2027-01-16", at="2027-01-15T18:00", outcome="rest-day", by="AB")


def test_a_graft_after_midnight_is_recorded_and_a_person_says_which_day_is_day_0() -> None:
    """With methotrexate on days +1, +3, +6, +11: 16, 18, 21, 26 January while day 0 stays, 17, 19, 22, 27 when it follows."""
    course = gvhd()
    for order, count in (("flu", 4), ("cy", 4), ("atg", 4), ("msc", 1), ("csa", 4)):
        give_all(course, order, count)
    course.give("hsc#1", "2027-01-16T00:30", by="N")
    assert [row["start"] for row in rows(course, "hsc")] == ["2027-01-16T00:30:00+08:00"] and course.state.day0.isoformat() == "2027-01-15"
    found = {one.name: one.to_dict() for one in course.outcomes("hsc#1.outcome")}
    dates = {name: [start[:10] for start in planned(one, "mtx1") + planned(one, "mtx2")] for name, one in found.items()}
    assert dates == {"keep-day0": ["2027-01-16", "2027-01-18", "2027-01-21", "2027-01-26"], "follow": ["2027-01-17", "2027-01-19", "2027-01-22", "2027-01-27"]}
    course.answer("hsc#1.outcome", "follow", by="AB", why="protocol: the calendar day of the infusion")
    assert course.state.day0.isoformat() == "2027-01-16" and rows(course, "hsc")[0]["day"] == 0
    assert [start[:10] for start in left(course, "csa")][0] == "2027-01-16"  # begun: keeps its dates
    assert levels(course)["msc#1.offset"] == "query" and "14.5 h before hsc" in message(course, "msc#1.offset")


def test_a_split_graft_counts_from_the_first_infusion() -> None:
    """Two infusions, 15 January 14:00 and 16 January 10:00, 20 h apart: day 0 and what hangs on it stay with the first."""
    course = gvhd()
    for order, count in (("flu", 4), ("cy", 4), ("atg", 4), ("msc", 1), ("csa", 3), ("hsc", 1)):
        give_all(course, order, count)
    before = left(course, "mtx1") + left(course, "mtx2")
    with pytest.raises(UsageError, match="extra"):
        course.give("hsc#2", "2027-01-16T10:00", by="N")
    course.give("hsc#2", "2027-01-16T10:00", extra=True, by="N", second="M", why="second bag of the same donor")
    assert left(course, "mtx1") + left(course, "mtx2") == before and course.state.day0.isoformat() == "2027-01-15" and course.schedule().times["hsc"] == "14:00"
    assert "20 h after the first" in message(course, "hsc#2.extra") and "msc#1.offset" not in levels(course)


def test_a_dose_given_and_never_planned_counts_everywhere() -> None:
    """A fifth fludarabine of 51 mg: 4 × 51 + 51 = 255 mg; a second antithymocyte dose of 156 mg on day -3 makes 312 mg, 4.992 mg/kg that day."""
    course = to_the_graft()
    with pytest.raises(UsageError, match="record it as extra, flu#5"):
        course.give("flu#5", "2027-01-14T09:00", by="N")
    with pytest.raises(UsageError, match="second is missing"):
        course.give("flu#5", "2027-01-14T09:00", "51 mg", extra=True, by="N", why="found in the chart")
    course.give("flu#5", "2027-01-14T09:00", "51 mg", extra=True, by="N", second="M", why="found in the chart")
    assert total(course, "flu") == "255" and levels(course)["flu#5.extra"] == "query" and rows(course, "flu")[-1]["given"]["extra"]
    course.give("atg#5", "2027-01-12T15:00", "156 mg", extra=True, by="N", second="M", why="given twice")
    assert total(course, "atg") == str(5 * 156) and "6 h after dose 2" in message(course, "atg.distance")
    found = list(csv.DictReader(io.StringIO(course.reconciliation())))
    assert next((row["state"], row["planned_amount"], row["difference"]) for row in found if row["order"] == "flu" and row["number"] == "5") == ("extra", "", "51")


def test_a_stopped_dose_that_was_given_all_the_same_is_recorded_as_extra() -> None:
    course = at_noon()
    course.stop("cy", at="2027-01-12T12:00", by="AB", why="cystitis")
    with pytest.raises(InputError, match="stopped"):
        course.give("cy#4", "2027-01-13T09:00", by="N")
    course.give("cy#4", "2027-01-13T09:00", "1030 mg", extra=True, by="N", second="M", why="the stop was not seen")
    assert total(course, "cy") == "4120" and levels(course)["cy#4.extra"] == "query"


# other protocols


def gvhd() -> Course:
    return Course.start("nct07299123", ADULT, second="CD", blocks=["gvhd-csa-mtx"], **A)


def test_methotrexate_after_a_moved_day_0() -> None:
    """Days +1, +3, +6, +11 of 15 January are 16, 18, 21 and 26; with day 0 on 17 January 18, 20, 23 and 28."""
    course = gvhd()
    course.move_day0("2027-01-17", at="2027-01-05T12:00", by="AB")
    assert [start[:10] for start in left(course, "mtx1") + left(course, "mtx2")] == ["2027-01-18", "2027-01-20", "2027-01-23", "2027-01-28"]


def test_ciclosporin_twice_a_day_moved_after_three_doses() -> None:
    """Days -1..+2 at 09:00 and 21:00 are 8 doses from 14 January; 3 given, then a day of rest: 5 left from 16 January 21:00."""
    course = gvhd()
    give_all(course, "flu", 4), give_all(course, "cy", 4), give_all(course, "atg", 4), give_all(course, "csa", 3)
    found = outcomes(course, lambda c: c.move_day0("2027-01-16", at="2027-01-15T09:29", by="AB"))
    assert planned(found["rest-day"], "csa") == [f"2027-01-{text}:00+08:00" for text in ("16T21:00", "17T09:00", "17T21:00", "18T09:00", "18T21:00")]
    assert planned(found["continue"], "csa") == [f"2027-01-{text}:00+08:00" for text in ("15T21:00", "16T09:00", "16T21:00", "17T09:00", "17T21:00")]
    assert sum_of(found["rest-day"], "csa")["amount"]["value"] == sum_of(found["continue"], "csa")["amount"]["value"] == "752"  # 8 × 94
    assert sum_of(found["stop"], "csa")["amount"]["value"] == "282"


def test_a_ciclosporin_dose_missed_is_made_up_at_the_next_hour_of_the_order() -> None:
    course = gvhd()
    found = outcomes(course, lambda c: c.miss("csa#1", at="2027-01-14T10:00"))
    assert planned(found["append"], "csa")[-1] == "2027-01-18T09:00:00+08:00"  # after 17 January 21:00


def test_cells_in_four_infusions() -> None:
    """Related-donor cells on days 0, 7, 14, 21 from 4 January, 1e6 per kg at 62.5 kg; the second two days late."""
    course = Course.start("nct01305694", ADULT, day0="2027-01-04", zone="Asia/Shanghai", choose={"msc.dose": "1e6 cells/kg", "msc.days": "0, +7, +14, +21"})
    give_all(course, "msc", 1)
    found = outcomes(course, lambda c: c.give("msc#2", "2027-01-13T09:00"))
    assert [start[:10] for start in planned(found["keep-grid"], "msc")] == ["2027-01-18", "2027-01-25"]
    assert [start[:10] for start in planned(found["slide"], "msc")] == ["2027-01-20", "2027-01-27"]
    assert sum_of(found["slide"], "msc")["amount"]["value"] == "250000000"


def test_a_sum_past_the_hard_limit_holds_what_is_left() -> None:
    """Four doses of 2.5 mg/kg are 10 mg/kg; 3,000 mg given by mistake in one of them are 48 mg/kg alone."""
    course = story_a()
    give_all(course, "atg", 1)
    course.give("atg#2", "2027-01-12T09:00", "3000 mg", by="N")
    assert levels(course)["atg.sum"] == "block" and all(row["held"] and row["amount"] is None for row in rows(course, "atg")[2:])
    assert [row["amount"]["value"] for row in rows(course, "atg")[:2]] == ["156", "3000"] and not course.schedule().releasable
    total_ = next(one for one in course.schedule().to_dict()["totals"] if one["order"] == "atg")
    assert total_["amount"] is None and total_["given"]["value"] == "3156" and levels(course)["atg#2.amount"] == "query"


def test_a_new_weight_carries_its_own_date() -> None:
    course = Course.start("nct07299123", ADULT | {"weighed": "2027-01-08"}, second="CD", **A)
    for order, count in (("flu", 3), ("cy", 3), ("atg", 2)):
        give_all(course, order, count)
    course.weigh("68 kg", at="2027-01-12T12:00", outcome="real", by="AB")
    assert course.schedule().patient["weighed"] == "2027-01-12" and course.schedule().patient["weight"]["value"] == "68"
    course.weigh("60 kg", at="2027-01-12T13:00", outcome="fluid", by="AB")
    assert course.schedule().patient["weight"]["value"] == "68" and "weighed 60 kg" in message(course, "course.choice.2")
