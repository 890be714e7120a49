"""What an entry of a course must say, may change, and is asked about: parts of doses, people, choices made anew, facts, stock."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from test_course import ADULT, at_noon, give_all, gvhd, left, levels, message, rows, story_a, story_b, total

from dosing import InputError, UsageError, cli
from dosing.course import Choose, Course, ledger


def late(**more) -> Course:
    """Story B with the sixth dose of busulfan at 08:30 instead of 06:00."""
    course = story_b()
    give_all(course, "bu", 5)
    course.give("bu#6", "2027-03-27T08:30", **{"by": "N", **more})
    return course


def again(course: Course) -> Course:
    return Course(ledger.read_bytes(course.to_bytes(), "c"))


def is_open(course: Course, query: str) -> bool:
    return query in [finding.id for finding in course.schedule().open]


def given(course: Course, order: str) -> dict[int, tuple]:
    return {row["number"]: (row["start"], row["amount"]["value"], str(row["given"])) for row in rows(course, order) if "given" in row}


def reconciled(course: Course, order: str) -> list[dict[str, str]]:
    return [row for row in csv.DictReader(io.StringIO(course.reconciliation())) if row["order"] == order]


def deviations(course: Course) -> dict[str, dict]:
    return {one["id"]: one for one in course.deviations()}


# a dose of which a part went in


def test_a_partial_dose_says_how_much_went_in() -> None:
    """51 mg planned, 20 mg in: 20 / 51 = 39.2 %, 60.8 % less; 20 + 3 × 51 = 173 mg."""
    course = story_a()
    with pytest.raises(UsageError, match="not how much of the 51 mg went in"):
        course.give("flu#1", "2027-01-10T09:00", partial=True, by="N")
    for whole in ("51 mg", "1200 mg", "0.051 g"):
        with pytest.raises(InputError, match="no part of the 51 mg"):
            course.give("flu#1", "2027-01-10T09:00", whole, partial=True, by="N")
    assert len(course.entries) == 1
    course.give("flu#1", "2027-01-10T09:00", "20 mg", partial=True, by="N", why="line blocked")
    assert total(course, "flu") == "173" and is_open(course, "flu#1.amount")
    assert message(course, "flu#1.amount").startswith("flu#1: partial, 20 mg was given of 51 mg planned (-60.8 %)")
    row = reconciled(course, "flu")[0]
    assert (row["state"], row["planned_amount"], row["given_amount"], row["difference"]) == ("partial", "51", "20", "-31")
    assert "20 mg was given of 51 mg" in deviations(course)["flu#1.amount"]["what"] and rows(course, "flu")[0]["given"]["partial"]


def test_a_part_of_a_graft_without_an_amount_is_told_too() -> None:
    course = gvhd()
    for order, count in (("flu", 4), ("cy", 4), ("atg", 4), ("msc", 1), ("csa", 3)):
        give_all(course, order, count)
    course.give("hsc#1", "2027-01-15T14:00", partial=True, by="N", why="first bag")
    assert message(course, "hsc#1.amount") == "hsc#1: partial, an amount not recorded was given; no amount is planned. Decide whether the rest is given or left out."
    assert reconciled(course, "hsc")[0]["state"] == "partial"


def test_a_part_corrected_to_the_whole_is_no_part() -> None:
    course = story_a()
    course.give("flu#1", "2027-01-10T09:00", "20 mg", partial=True, by="N")
    course.correct("flu#1", amount="51 mg", by="M", why="the rest went in at 11:00")
    assert "flu#1.amount" not in levels(course) and reconciled(course, "flu")[0]["state"] == "given"


def test_files_of_before_load_and_tell_what_they_lack() -> None:
    """A partial dose with the planned amount, a stop and a moved day 0 without a person, as they could once be recorded."""
    course = story_a()
    planned = course.row("flu#1")
    start = course.entries
    pair = {"start": "2027-01-10T09:00:00+08:00", "day": -5, "amount": (planned.amount.value, "mg"), "calculated": ("51.3", "mg")}
    old = [{"what": "give", "order": "flu", "dose": 1, "at": "2027-01-10T09:00:00+08:00", "amount": ("51", "mg"), "partial": True, "planned": pair},
           {"what": "stop", "order": "cy"}, {"what": "move-day0", "day0": "2027-01-16", "outcome": "rest-day", "by": "AB"}]  # fmt: skip
    made = Course(ledger.Book((*start, *(ledger.read_event(one, "c") for one in old))))
    assert "no part of the 51 mg planned" in message(made, "flu#1.amount") and reconciled(made, "flu")[0]["state"] == "partial"
    assert levels(made)["course.unnamed"] == "note" and message(made, "course.unnamed") == "no person is named for 2 entries of the ledger: give flu#1; stop cy."
    assert again(made).schedule().to_dict() == made.schedule().to_dict()


# who


def test_a_stop_and_a_moved_day_0_need_who_and_why() -> None:
    course = at_noon()
    for who in ({}, {"by": "AB"}, {"why": "cystitis"}):
        with pytest.raises(UsageError, match="is missing"):
            course.stop("cy", at="2027-01-12T12:00", **who)
        with pytest.raises(Choose):  # the outcomes come first
            course.move_day0("2027-01-16", at="2027-01-12T12:00", **who)
        with pytest.raises(UsageError, match="is missing|not by whom"):
            course.move_day0("2027-01-16", at="2027-01-12T12:00", outcome="rest-day", **who)
    before = story_a()
    before.move_day0("2027-01-20")  # nothing given yet, nothing to choose: recorded, and told to name nobody
    assert levels(before)["course.unnamed"] == "note"


def test_entries_without_a_person_are_named() -> None:
    course = story_a()
    assert "course.unnamed" not in levels(course)
    course.give("flu#1", "2027-01-10T09:00")
    course.weigh("62 kg", at="2027-01-10T09:30", outcome="fluid", by="AB")
    course.miss("flu#2", outcome="omit", by="N")
    course.account("msc", "received", 2)
    course.issue()
    assert message(course, "course.unnamed") == "no person is named for 3 entries of the ledger: account msc received 2; give flu#1; issue 1."
    assert "give flu#1" in deviations(course)["course.unnamed"]["what"] and again(course).schedule().to_dict() == course.schedule().to_dict()


# an open choice stays open


def test_the_next_dose_of_an_interval_leaves_a_query_that_nobody_chose() -> None:
    """Dose 7 at 12:00 as planned: dose 8 follows it at 18:00 either way, so there is nothing left to choose, but nobody did."""
    course = late()
    course.give("bu#7", "2027-03-27T12:00", by="N")
    assert is_open(course, "bu#6.outcome") and "nobody chose" in message(course, "bu#6.outcome") and left(course, "bu")[0] == "2027-03-27T18:00:00+01:00"
    course.give("bu#8", "2027-03-27T18:00", by="N")
    assert is_open(course, "bu#6.outcome") and "bu#6.outcome" in deviations(course)
    with pytest.raises(InputError, match="slide can no longer be done, because bu#7"):
        course.answer("bu#6.outcome", "slide", by="AB")
    course.answer("bu#6.outcome", "kept the grid, Dr X on duty", by="AB")
    course.give("bu#9", "2027-03-28T00:00", by="N")
    assert not is_open(course, "bu#6.outcome") and again(course).schedule().to_dict() == course.schedule().to_dict()


def test_cells_a_day_late_stay_a_choice_after_the_next_dose() -> None:
    """Days 0, 7, 14, 21 of 4 January; the first on the 5th, the second on the 11th as planned: 18 and 25 January, or a day later."""
    course = Course.start("nct01305694", ADULT, day0="2027-01-04", zone="Asia/Shanghai", choose={"msc.dose": "1e6 cells/kg", "msc.days": "0, +7, +14, +21"})
    course.give("msc#1", "2027-01-05T10:00", by="N")
    course.give("msc#2", "2027-01-11T09:00", by="N")
    assert is_open(course, "msc#1.outcome") and [one.name for one in course.outcomes("msc#1.outcome")] == ["keep-grid", "slide"]
    course.answer("msc#1.outcome", "slide", by="AB")
    assert [start[:10] for start in left(course, "msc")] == ["2027-01-19", "2027-01-26"]


def test_a_missed_dose_is_made_up_though_the_next_was_given() -> None:
    course = story_a()
    course.miss("flu#1", by="N")
    course.give("flu#2", "2027-01-11T09:00", by="N")
    assert is_open(course, "flu#1.outcome") and levels(course).get("flu#3.record") is None
    course.answer("flu#1.outcome", "append", by="AB")
    assert left(course, "flu")[-1] == "2027-01-14T09:00:00+08:00" and total(course, "flu") == "204"


def test_a_slide_after_a_missed_dose_leaves_its_place_empty() -> None:
    """08:30 + 6 h would be dose 7, which was missed; dose 8 is due 12 h after dose 6, at 20:30."""
    course = late()
    course.miss("bu#7", at="2027-03-27T13:00", outcome="omit", by="N")
    course.answer("bu#6.outcome", "slide", by="AB")
    assert left(course, "bu")[0] == "2027-03-27T20:30:00+01:00"


def test_a_corrected_amount_leaves_the_choice_and_a_corrected_start_closes_it() -> None:
    course = late()
    course.correct("bu#6", amount="16.2 mg", by="N", why="read from the pump")
    assert is_open(course, "bu#6.outcome")
    course.correct("bu#6", start="2027-03-27T06:10", by="N", why="read from the pump")
    assert "bu#6.outcome" not in levels(course)


# facts of the patient


def test_a_creatinine_of_the_course_holds_from_now_on() -> None:
    """The query of the missing creatinine goes with the fact itself; what it was before is told."""
    course = story_a()
    give_all(course, "flu", 1)
    assert is_open(course, "flu.creatinine") and "course set FILE creatinine=…" in message(course, "flu.creatinine")
    with pytest.raises(InputError, match="creatinine"):
        course.set("creatinine", "0.9 kg", by="AB", why="lab")
    course.set("creatinine", "0.9 mg/dL", at="2027-01-10T12:00", by="AB", why="lab sheet")
    assert not is_open(course, "flu.creatinine") and course.schedule().patient["creatinine"]["value"] == "0.9"
    assert message(course, "course.fact.1") == "creatinine of the patient: not entered before, 0.9 mg/dL from 2027-01-10 12:00; entered by AB: lab sheet. Doses given before stay as they were given."
    course.set("creatinine", "1.1 mg/dL", by="AB", why="lab sheet of Monday")
    assert "0.9 mg/dL before, 1.1 mg/dL" in message(course, "course.fact.2") and again(course).schedule().to_dict() == course.schedule().to_dict()


def test_a_height_changes_the_doses_left_and_no_given_one() -> None:
    """178 cm instead of 168: sqrt(62.5 × 178 / 3600) = 1.7579 → 1.76 m2; 30 × 1.76 = 52.8 → 53 mg; 51 + 3 × 53 = 210."""
    course = story_a()
    give_all(course, "flu", 1), give_all(course, "cy", 1)
    course.set("height", "178 cm", by="AB", why="measured")
    assert [row["amount"]["value"] for row in rows(course, "flu")] == ["51", "53", "53", "53"] and total(course, "flu") == "210"
    assert course.schedule().second_calculation["agrees"] and levels(course)["course.fact.1"] == "query"  # nobody grows in a week
    with pytest.raises(InputError, match="flu#2 was planned for Mon 2027-01-11 09:00, before now"):
        course.set("height", "168 cm", at="2027-01-11T12:00", by="AB", why="measured again")


def test_facts_that_have_another_way_or_none() -> None:
    course = story_a()
    for key, told in (("weight", "course weigh FILE"), ("name", "stays as the course was started"), ("creatinin", 'did you mean "creatinine"'), ("colour", "known: age")):
        with pytest.raises(UsageError, match=told):
            course.set(key, "1", by="AB", why="x")
    course.set("taking", "itraconazole", by="AB", why="ward list")
    assert course.schedule().patient["taking"] == "itraconazole"


def test_another_stratum_is_reached_by_verbs_of_a_course() -> None:
    """What SAA-II needs beside its name may be said before: whether fludarabine is given, and the first hour of busulfan."""
    course = story_a()
    with pytest.raises(InputError, match="flu_in_saa2"):
        course.set("stratum", "SAA-II", by="AB", why="severity")
    course.move_day0(times={"bu": "00:00"}, by="AB", why="severity")
    course.set("flu_in_saa2", "yes", by="AB", why="severity")
    course.set("stratum", "SAA-II", by="AB", why="severity")
    assert left(course, "bu")[0] == "2027-01-07T00:00:00+08:00" and len(left(course, "bu")) == 16


# cures, and what is refused


@pytest.fixture
def run(tmp_path, capsys):
    """Run a verb on a saved course; gives its exit code and what it said."""

    def told(course: Course, verb: str, *words: str) -> tuple[int, str]:
        file = tmp_path / "c.json"
        file.write_bytes(course.to_bytes())
        code = cli.main(["course", verb, str(file), *words])
        out, err = capsys.readouterr()
        return code, out + err

    return told


WHO = ("--by", "AB", "--reason", "x")


def test_cures_name_verbs_of_a_course(run) -> None:
    code, told = run(story_a(), "set", "stratum=SAA-II", *WHO)
    assert code == 4 and "course move-day0 FILE --time bu=HH:MM" in told and "course set FILE flu_in_saa2=yes|no" in told and "--choose" not in told
    code, told = run(gvhd(), "answer", "flu.creatinine=later?", *WHO)
    assert code == 2 and "leaves flu.creatinine open" in told
    held = story_a(set={}, by="", reason="")
    code, told = run(held, "answer", "atg.dose=fine", *WHO)
    assert code == 2 and "atg.dose is a block" in told and "course set FILE atg.dose=" in told
    course = story_b(day0="2027-11-06")
    give_all(course, "bu", 8)
    code, told = run(course, "give", "bu#9", "--at", "2027-10-31T02:30", "--by", "N")
    assert code == 4 and 'write "2027-10-31T02:30 first" or "2027-10-31T02:30 second"' in told and "--time" not in told
    assert run(course, "queries")[1].count("--creatinine") == 0


def test_a_course_before_any_news_is_still_told_as_the_plan_is() -> None:
    assert "Give --creatinine" in message(story_a(), "flu.creatinine")
    assert "course set FILE creatinine" in next(one["message"] for one in story_a().issue(by="P").to_dict()["findings"] if one["id"] == "flu.creatinine")


def test_other_than_texts_are_refused_as_such() -> None:
    course = story_a()
    for given in ({"at": datetime(2027, 1, 10, 9)}, {"at": None}, {"at": "2027-01-10T09:00", "amount": 51.0}, {}):
        with pytest.raises(UsageError):
            course.give("flu#1", **given)
    with pytest.raises(UsageError, match="weight: a text expected, not int"):
        course.weigh(70)  # type: ignore[arg-type]
    assert len(course.entries) == 1 and repr(course) == "<Course nct07299123@1 day 0 2027-01-15: 0 given, 14 left, 1 in the ledger, 0 issues>"


def test_a_correction_corrects_something() -> None:
    course = at_noon()
    for same in ({}, {"amount": "51 mg"}, {"start": "2027-01-10T09:00"}):
        with pytest.raises(UsageError, match="nothing of flu#1 is corrected"):
            course.correct("flu#1", by="N", why="typing", **same)


def test_a_missed_dose_that_was_given_is_told_by_who_corrected_it() -> None:
    course = story_a()
    course.miss("flu#1", outcome="omit", by="N1")
    course.correct("flu#1", start="2027-01-10T09:20", amount="51 mg", by="N2", second="N3", why="found in the chart")
    row = reconciled(course, "flu")[0]
    assert (row["state"], row["by"], row["second"], row["given_amount"]) == ("given", "N2", "N3", "51")


def test_a_mistyped_count_is_corrected_by_its_number(run) -> None:
    """20 received for 2, 3 prepared: 2 - 3 = -1, one more used than received."""
    course = story_a()
    course.account("msc", "received", 20, by="P"), course.account("msc", "prepared", 3, by="P")
    for wrong, told in (({"corrects": 9}, "entry 9 is no standing entry"), ({"corrects": 1}, "entry 1 is no standing"), ({}, "no count")):
        with pytest.raises(UsageError, match=told):
            course.account("msc", "received", 0, by="P", why="typing", **wrong)
    code, _ = run(course, "account", "msc", "received", "2", "--corrects", "2", *WHO)
    assert code == 0
    course.account("msc", "received", 2, corrects=2, by="P", why="typing")
    stock = course.pharmacy()["accountability"][0]
    assert (stock["received"], stock["left"], stock["over"]) == (2, -1, 1)
    found = deviations(course)
    assert found["account.2"]["what"] == "account of msc, entry 2: received 20 corrected to received 2." and found["account.2"]["reason"] == "typing"
    assert found["account.msc"]["what"] == "account of msc: 1 more used than received."
    with pytest.raises(UsageError, match="entry 2 is no standing entry"):
        course.account("msc", "received", 3, corrects=2, by="P", why="typing")
    course.account("msc", "prepared", 0, corrects=3, by="P", why="of another patient")
    assert course.pharmacy()["accountability"][0]["left"] == 2 and course.entries[1].count == 20


def test_small_words(run) -> None:
    course = story_a()
    course.issue(by="P")
    assert run(course, "notice", "1")[1].startswith("issue 1: it is the latest")
    assert "move-day0 (hsc 18:00, by AB" in run(course, "move-day0", "--time", "hsc=18:00", *WHO)[1]


# the newest governs


@pytest.mark.parametrize("enter", [
    lambda course, text, at: course.set("creatinine", f"{text} mg/dL", at=at, by="AB", why="lab"),
    lambda course, text, at: course.set("cy.dose", f"{text}00 mg/m2/day".replace("0.", ""), at=at, by="AB", why="prescriber"),
    lambda course, text, at: course.weigh(f"6{text} kg", outcome="real", at=at, by="AB"),
], ids=["fact", "dose", "weight"])  # fmt: skip
def test_an_older_value_does_not_replace_a_newer_one(enter: Any) -> None:
    """A result of the morning, entered late, must not take away what the evening's result asked about."""
    course = story_a()
    enter(course, "0.7", "2027-01-09T18:00")
    before = course.to_bytes()
    with pytest.raises(InputError, match="older than the one that holds, of Sat 2027-01-09 18:00"):
        enter(course, "0.6", "2027-01-08T06:00")
    assert course.to_bytes() == before
    enter(course, "0.6", "2027-01-09T19:00")


def test_a_fact_that_was_not_entered_before_is_told_so() -> None:
    course = story_a()
    course.set("allergies", "rabbit protein", by="AB", why="told by the family")
    assert "allergies of the patient: not entered before, rabbit protein" in {one.id: one.message for one in course.schedule().findings}["course.fact.1"]
