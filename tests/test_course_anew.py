"""A choice once made may be made anew, by name and with a reason; what was given stays, and both choices are shown."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from test_course import NOON, at_noon, give_all, gvhd, left, levels, message, rows, story_a, story_b, total
from test_course_entries import again, given, late

from dosing import DosingError, InputError, UsageError


def test_an_answered_choice_says_by_whom_and_is_made_anew() -> None:
    """68 kg: 53.4 → 53 mg fludarabine, 1,068 → 1,070 mg cyclophosphamide; as fluid 51 and 1,030 mg stay."""
    course = at_noon()
    course.weigh("68 kg", at="2027-01-12T12:00", by="N")
    course.answer("weight.outcome", "real", by="AB", why="new scale")
    assert total(course, "cy") == str(3 * 1030 + 1070)
    for text, why in (("fluid", ""), ("real", "sure"), ("later", "sure")):
        with pytest.raises(UsageError, match="real, chosen by AB: weighed 68 kg: new scale – to change it, answer it with fluid"):
            course.answer("weight.outcome", text, by="CD", why=why)
    before = given(course, "cy")
    course.give("atg#3", "2027-01-13T09:00", by="N")  # with the new weight: 170 mg
    course.answer("weight.outcome", "fluid", by="CD", second="EF", why="oedema")
    assert total(course, "cy") == "4120" and given(course, "cy") == before
    assert [row["amount"]["value"] for row in rows(course, "atg")] == ["156", "156", "170", "156"]
    told = message(course, "course.choice.1")
    assert "chosen by CD, confirmed by EF" in told and "Before that it was real, chosen by AB" in told and len([one for one in levels(course) if one.startswith("course.choice")]) == 1
    course.answer("weight.outcome", "real", by="AB", why="weighed again")
    assert total(course, "cy") == str(3 * 1030 + 1070) and "fluid, chosen by CD" in message(course, "course.choice.1")
    assert again(course).schedule().to_dict() == course.schedule().to_dict()


def test_a_slide_taken_back_before_the_next_dose() -> None:
    course = late(outcome="slide", by="AB")
    assert left(course, "bu")[0] == "2027-03-27T14:30:00+01:00"
    course.answer("bu#6.outcome", "keep-grid", by="CD", why="ward round")
    assert left(course, "bu")[0] == "2027-03-27T12:00:00+01:00" and course.entries[6].outcome == "slide" and course.entries[6].by == "AB"
    course.give("bu#7", "2027-03-27T12:00", by="N")
    with pytest.raises(InputError, match="nothing to choose"):
        course.answer("bu#6.outcome", "slide", by="CD", why="ward round")


def test_a_moved_day_0_is_chosen_anew() -> None:
    """Rest day: the 14th; continued: 13 January, the date it had."""
    course = at_noon()
    course.move_day0("2027-01-16", outcome="rest-day", **NOON)
    course.answer("day0.outcome", "continue", by="CD", why="bed is free")
    assert left(course, "flu") == ["2027-01-13T09:00:00+08:00"] and left(course, "msc") == ["2027-01-16T10:00:00+08:00"]
    assert "rest-day, chosen by AB: donor late" in message(course, "course.choice.1")
    late_ = at_noon()
    late_.move_day0("2027-01-16", outcome="stop", **NOON)
    late_.weigh("62 kg", at="2027-01-14T20:00", outcome="fluid", by="AB")
    with pytest.raises(DosingError, match="before now"):  # flu#4 would be due on 14 January 09:00
        late_.answer("day0.outcome", "rest-day", by="CD", why="donor found")


def test_what_was_given_on_a_choice_keeps_it() -> None:
    """The dose made up was given: leaving the missed one out instead is no longer possible."""
    course = story_a()
    course.miss("flu#1", outcome="append", by="AB")
    give_all(course, "flu", 4)
    with pytest.raises(InputError, match="flu#5 would not have been planned"):
        course.answer("flu#1.outcome", "omit", by="AB", why="typing")


@pytest.mark.parametrize("number", range(4))
def test_choices_made_anew_at_random_keep_what_was_given(number: int) -> None:
    seed, course, made = random.Random(number), story_b(), 0
    for _ in range(14):
        row = next((row for row in course.schedule() if row.order == "bu" and "given" not in (row.record or {})), None)
        before = given(course, "bu")
        try:
            if row and seed.random() < 0.6:
                at = datetime.fromtimestamp(row.seconds + seed.choice((0, 0, 9000)), tz=row.start.datetime.tzinfo).isoformat()
                course.miss(f"bu#{row.number}", outcome=seed.choice(("omit", "append")), by="N") if seed.random() < 0.2 else course.give(f"bu#{row.number}", at, by="N")
            elif course.state.asked:
                key = next(iter(course.state.asked))
                course.answer(key, seed.choice([one.name for one in course.outcomes(key)]), by="P")
            elif course.state.chosen:
                key = seed.choice(list(course.state.chosen))
                course.answer(key, seed.choice(("keep-grid", "slide", "omit", "append")), by="P", why="again")
                made += 1
        except DosingError:
            continue
        assert before.items() <= given(course, "bu").items() and course.schedule().second_calculation["agrees"]
    assert again(course).schedule().to_dict() == course.schedule().to_dict()


def test_a_level_s_outcome_made_anew_counts_what_was_given_since() -> None:
    """Next dose: 16.8 × 1000 / 1200 = 14 → 13.8 mg, of which one is given. Whole course then: (16,000 − 4 × 1,200 − 1,200 × 13.8 / 16.8) / 11 = 928.6
    each, × 16.8 / 1200 = 13.0 mg = 21.7 steps of 0.6 → 13.2 mg."""
    course = story_b()
    give_all(course, "bu", 4)
    course.level("bu", "1200 umol*min/L", "1000 umol*min/L", at="2027-03-26T20:00", outcome="next-dose", by="AB", why="TDM")
    give_all(course, "bu", 1)
    course.answer("bu.level.outcome", "cumulative", by="CD", why="protocol")
    assert [row["amount"]["value"] for row in rows(course, "bu")] == ["16.8"] * 4 + ["13.8"] + ["13.2"] * 11
    assert course.schedule().second_calculation["agrees"] and again(course).schedule().to_dict() == course.schedule().to_dict()


def test_a_graft_s_day_0_chosen_anew() -> None:
    """After midnight of day 0: methotrexate on 17, 19, 22 and 27 January where day 0 follows, a day earlier where it stays."""
    course = gvhd()
    for order, count in (("flu", 4), ("cy", 4), ("atg", 4), ("msc", 1), ("csa", 4)):
        give_all(course, order, count)
    course.give("hsc#1", "2027-01-16T00:30", outcome="follow", by="AB")
    assert [start[8:10] for start in left(course, "mtx1") + left(course, "mtx2")] == ["17", "19", "22", "27"]
    course.answer("hsc#1.outcome", "keep-day0", by="CD", why="investigator")
    assert [start[8:10] for start in left(course, "mtx1") + left(course, "mtx2")] == ["16", "18", "21", "26"] and course.state.day0.isoformat() == "2027-01-15"
