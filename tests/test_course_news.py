"""Each kind of news in a course, worked by hand on the seed protocol and its block against graft-versus-host disease."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from test_course import (
    ADULT,
    NOON,
    A,
    at_noon,
    give_all,
    gvhd,
    left,
    levels,
    message,
    outcomes,
    planned,
    rows,
    story_a,
    story_b,
    sum_of,
    to_the_graft,
    total,
)

from dosing import InputError, UsageError
from dosing.course import Course


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
    course.level("bu", "1200 umol*min/L", "1000 umol*min/L", further=True, at="2027-03-26T20:00", outcome="cumulative", by="AB")
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


def test_changed_hours_and_days_hold_for_the_doses_left_only() -> None:
    """Three of four given at 09:00; the fourth, on 13 January, moves to 11:00, then to day -1, the 14th."""
    course = at_noon()
    course.set("cy.at", "11:00", at="2027-01-12T12:00", by="AB", why="bed")
    assert [row["number"] for row in rows(course, "cy")] == [1, 2, 3, 4] and left(course, "cy") == ["2027-01-13T11:00:00+08:00"]
    course.set("cy.days", "-5, -4, -3, -1", at="2027-01-12T12:00", by="AB", why="fever")
    assert left(course, "cy") == ["2027-01-14T11:00:00+08:00"] and total(course, "cy") == "4120"


def test_two_answers_stand_in_one_order_whichever_came_first() -> None:
    made = []
    for queries in (("flu.creatinine", "bu.days"), ("bu.days", "flu.creatinine")):
        course = story_b()
        for query in queries:
            course.answer(query, "seen", by="AB")
        made.append(course.schedule().to_dict())
    assert made[0] == made[1] and [one["id"] for one in made[0]["answers"]] == ["bu.days", "flu.creatinine"]


def test_given_and_planned_together_are_held_against_the_course_limit() -> None:
    course = at_noon()
    course.set("atg.dose", "5.5 mg/kg/day", at="2027-01-12T12:00", by="AB", why="prescriber")  # 312 + 2 × 344 = 1,000 mg = 16 mg/kg, usual 15
    assert sum(Decimal(row["amount"]["value"]) for row in rows(course, "atg")) == 1000 and levels(course)["atg.sum"] in ("query", "block")


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



# the graft late, split; doses beyond the plan


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


# a second drug after the graft


def test_methotrexate_after_a_moved_day_0() -> None:
    """Days +1, +3, +6, +11 of 15 January are 16, 18, 21 and 26; with day 0 on 17 January 18, 20, 23 and 28."""
    course = gvhd()
    course.move_day0("2027-01-17", at="2027-01-05T12:00", by="AB", why="donor late")
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
