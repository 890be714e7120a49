"""What a pharmacist found in a review of courses: sums after a level, doses without release, mistyped levels, rest days."""

from __future__ import annotations

import csv
import io

import pytest
from test_course import ADULT, NOON, at_noon, give_all, levels, message, rows, story_a, story_b, total

from dosing import InputError, UsageError, cli, render
from dosing.course import Course, ledger
from dosing.render.sheet import sheet

LEVEL = ("700 umol*min/L", "1125 umol*min/L")
TDM = {"at": "2027-04-14T11:00", "outcome": "next-dose", "by": "AB", "why": "TDM"}


def bucy2(given: int = 6) -> Course:
    """66.4 kg, 175 cm, M: ideal 50 + 0.91 × 22.6 = 70.6 kg, the lower is 66.4. 0.8 × 66.4 = 53.12 mg = 88.5 steps of 0.6 → 53.4 mg."""
    course = Course.start("bucy2-label", {"weight": "66.4 kg", "height": "175 cm", "age": "40 y", "sex": "M"}, day0="2027-04-20", zone="Europe/Berlin",
                          times={"hsc": "14:00", "bu": "00:00"}, choose={"build": "usual"})  # fmt: skip
    give_all(course, "bu", given)
    return course


def amounts(course: Course, order: str) -> list[str]:
    return [row["amount"]["value"] for row in rows(course, order)]


# the limit of the course counts what was given and what is left


def test_a_level_leaves_the_given_doses_in_the_sum_of_the_course() -> None:
    """53.4 × 1125 / 700 = 85.821 mg = 143.04 steps → 85.8 mg; (6 × 53.4 + 10 × 85.8) / 66.4 = 1,178.4 / 66.4 = 17.747 mg/kg, above the usual 16."""
    course = bucy2()
    course.level("bu#1", *LEVEL, **TDM)
    assert amounts(course, "bu") == ["53.4"] * 6 + ["85.8"] * 10 and total(course, "bu") == "1178.4"
    assert levels(course)["bu.sum"] == "query" and "17.747 mg/kg/course" in message(course, "bu.sum") and "at most 20" not in message(course, "bu.sum")
    assert levels(course)["bu.dose"] == "query" and "1.29249 mg/kg/dose" in message(course, "bu.dose")
    assert not any(row["held"] for row in rows(course, "bu"))


def test_the_same_level_before_most_doses_passes_the_hard_limit() -> None:
    """One dose given: (53.4 + 15 × 85.8) / 66.4 = 1,340.4 / 66.4 = 20.1867 mg/kg: above 20, the doses left are held."""
    course = bucy2(1)
    course.level("bu#1", *LEVEL, **(TDM | {"at": "2027-04-13T03:00"}))
    assert levels(course)["bu.sum"] == "block" and "20.1867 mg/kg/course" in message(course, "bu.sum")
    assert [row["held"] for row in rows(course, "bu")] == [False] + [True] * 15


def test_corrected_extra_and_missed_doses_count_in_the_sum() -> None:
    """16 × 53.4 = 854.4 mg are 12.867 mg/kg. Two corrected to 200 mg: 854.4 - 106.8 + 400 = 1,147.6, 17.2831 mg/kg. One missed and
    one extra of 100 mg: 1,147.6 - 53.4 + 100 = 1,194.2, 17.9849 mg/kg. Only misses: 7 doses are 373.8 mg, 5.6295 mg/kg, below 6.4."""
    course = bucy2()
    for number in (1, 2):
        course.correct(f"bu#{number}", amount="200 mg", by="N", why="read from the pump")
    assert "17.2831 mg/kg/course" in message(course, "bu.sum")
    course.miss("bu#7", by="N", outcome="omit")
    course.give("bu#17", "2027-04-14T13:00", "100 mg", extra=True, by="N", second="M", why="taken for another patient")
    assert "17.9849 mg/kg/course" in message(course, "bu.sum")
    few = bucy2()
    for number in range(7, 16):
        few.miss(f"bu#{number}", by="N", outcome="omit")
    assert levels(few)["bu.sum"] == "query" and "5.6295 mg/kg/course" in message(few, "bu.sum")


def test_a_course_given_as_planned_has_no_question_about_its_sum() -> None:
    course = bucy2(16)
    assert "bu.sum" not in levels(course) and total(course, "bu") == "854.4"


def test_rounding_alone_passes_no_limit_of_the_course() -> None:
    """50 × 62.5 = 3,125 mg → 3,130 mg, four times 200.32 mg/kg where 200 are usual: the order is 200, and nothing is asked."""
    course = Course.start("cy-saa", ADULT, day0="2027-01-15", zone="Asia/Shanghai")
    give_all(course, "cy", 1)
    assert amounts(course, "cy") == ["3130"] * 4 and "cy.sum" not in levels(course)


# given without release


def test_a_dose_given_without_release_is_told_once_an_order() -> None:
    course = story_a()
    give_all(course, "flu", 2), give_all(course, "cy", 1)
    assert levels(course)["flu.unreleased"] == "note" and message(course, "flu.unreleased") == "flu#1, flu#2: given without release."
    found = {one["id"]: one for one in course.deviations()}
    assert found["cy.unreleased"]["what"].startswith("cy#1") and found["cy.unreleased"]["level"] == "note"


def test_where_doses_are_released_one_without_is_asked_about() -> None:
    course = story_a(choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}, answer={"flu.creatinine": "0.8 mg/dL seen"})
    course.release("flu#1", by="P1", at="2027-01-09T11:00")
    give_all(course, "flu", 2)
    assert levels(course)["flu.unreleased"] == "query" and message(course, "flu.unreleased") == "flu#2: given without release. Say who checked them."
    with pytest.raises(InputError, match="flu.unreleased is open"):
        course.release("flu#3", by="P1")
    course.answer("flu.unreleased", "checked at the bedside by P2", by="P2", why="telephone order")
    course.release("flu#3", by="P1")
    told = {(row["order"], row["number"]): row["released"] for row in csv.DictReader(io.StringIO(course.reconciliation()))}
    assert [told["flu", number] for number in "1234"] == ["by P1", "no", "by P1", "no"]
    assert [row["released"] for row in course.pharmacy()["reconciliation"] if row["order"] == "flu"] == ["by P1", "no", "by P1", "no"]
    with pytest.raises(InputError, match="its release with it"):
        course.recall("flu#1", by="P1")


def test_the_first_release_asks_nothing_about_doses_given_before() -> None:
    course = at_noon()
    course.answer("flu.creatinine", "0.8 mg/dL seen", by="AB")
    course.release("flu#4", by="P1")
    assert levels(course)["flu.unreleased"] == "note" and "flu#1, flu#2, flu#3: given without release before the first release" in message(course, "flu.unreleased")
    give_all(course, "cy", 1)
    assert levels(course)["cy.unreleased"] == "query" and message(course, "cy.unreleased").startswith("cy#4: given without release. Say") and "cy#1" in message(course, "cy.unreleased.early")
    with pytest.raises(InputError, match="flu#4 is released already, by P1"):
        course.release("flu#4", by="P2")


def test_a_release_for_another_amount_is_none() -> None:
    """Released at 51 mg, weighed 57 kg: sqrt(57 × 168 / 3600) = 1.63 m2, 48.9 → 49 mg given."""
    course = story_a(answer={"flu.creatinine": "0.8 mg/dL seen"})
    course.release("flu#1", by="P1", at="2027-01-09T11:00")
    course.weigh("57 kg", at="2027-01-09T12:00", outcome="real", by="AB")
    course.give("flu#1", "2027-01-10T09:00", by="N")
    assert amounts(course, "flu")[0] == "49" and levels(course)["flu.unreleased"] == "query"
    assert next(row for row in course.pharmacy()["reconciliation"] if row["order"] == "flu")["released"] == "by P1, and changed since"


# levels: corrected, withdrawn, far outside


def test_a_mistyped_level_is_corrected_and_both_are_shown() -> None:
    """7,000 for 700: 53.4 × 1125 / 7000 = 8.58 mg, 0.129 mg/kg, below the hard 0.3: held. Corrected, the doses left are 85.8 mg as if it had been 700 at once."""
    course, direct = bucy2(), bucy2()
    course.level("bu#1", "7000 umol*min/L", LEVEL[1], **TDM)
    assert rows(course, "bu")[6]["held"] and "0.129249 mg/kg/dose" in message(course, "bu.dose") and levels(course)["bu.level.far"] == "query" and "0.161 times" in message(course, "bu.level.far")
    course.level("bu#1", *LEVEL, corrects=True, **(TDM | {"why": "typed wrong"}))
    direct.level("bu#1", *LEVEL, **TDM)
    assert amounts(course, "bu") == amounts(direct, "bu") and "bu.level.far" not in levels(course)
    assert "first entered as 7000 umol*min/L" in message(course, "bu.level.1") and "corrected to 700 umol*min/L" in message(course, "bu.level.1")
    assert sum(entry.what == "level" for entry in course.entries) == 2 and "bu.level.1" in {one["id"] for one in course.deviations()}
    assert Course(ledger.read_bytes(course.to_bytes(), "c")).schedule().to_dict() == course.schedule().to_dict()


def test_a_level_withdrawn_leaves_the_doses_as_they_were() -> None:
    course = bucy2()
    with pytest.raises(InputError, match="no level of bu#1"):
        course.withdraw("bu#1", by="AB", why="none")
    course.level("bu#1", *LEVEL, **TDM)
    with pytest.raises(UsageError, match="reason is missing"):
        course.withdraw("bu#1", by="AB")
    course.withdraw("bu#1", by="AB", why="of another patient")
    assert amounts(course, "bu") == ["53.4"] * 16 and "withdrawn by AB: of another patient" in message(course, "bu.level.1")
    course.level("bu#1", *LEVEL, at="2027-04-14T11:30", by="AB")
    course.withdraw("bu#1", by="AB", why="not ours either")
    assert not course.state.asked and "bu.level.2" in levels(course)


def test_a_target_of_the_course_entered_per_dose_is_asked_about() -> None:
    """16 × 1,125 = 18,000 umol*min/L over the course; against a level of 1,000 that is 18 times the dose."""
    course = bucy2()
    course.level("bu#1", "1000 umol*min/L", "18000 umol*min/L", at="2027-04-14T11:00", by="AB")
    assert "the target looks like that of the course: write 18000 umol*min/L per course" in message(course, "bu.level.far")
    course.level("bu#1", "1000 umol*min/L", "18000 umol*min/L per course", corrects=True, at="2027-04-14T11:10", by="AB", why="per course meant")
    assert "bu.level.far" not in levels(course)  # 1,125 of a dose, 1.125 times


@pytest.mark.parametrize("measured, far", [("2250", False), ("2251", True), ("562.5", False), ("562", True)])
def test_twice_and_half_are_not_yet_far(measured: str, far: bool) -> None:
    course = bucy2()
    course.level("bu#1", f"{measured} umol*min/L", LEVEL[1], at="2027-04-14T11:00", by="AB")
    assert ("bu.level.far" in levels(course)) is far


def test_a_level_corrected_and_withdrawn_on_the_command_line(tmp_path, capsys) -> None:
    file = str(tmp_path / "c.json")
    bucy2().save(file)
    who = ["--at", "2027-04-14T11:00", "--by", "AB", "--reason", "TDM"]
    chosen = ["--target", LEVEL[1], "--outcome", "next-dose", *who]
    assert cli.main(["course", "level", file, "bu#1", "--measured", "7000 umol*min/L", *chosen]) == 0
    assert cli.main(["course", "level", file, "bu#1", "--measured", LEVEL[0], "--corrects", *chosen]) == 0
    assert cli.main(["course", "withdraw", file, "bu#1", *who]) == 0
    assert total(Course.load(file), "bu") == "854.4" and "withdraw bu" in capsys.readouterr().err


def test_a_question_about_other_days_keeps_the_dose_that_was_given() -> None:
    """Seed protocol: 16.8 mg; the other source's 8 doses stay 134.4 mg. After 1.607 times: 6 × 16.8 + 10 × 27.00001 = 370.8001 mg calculated."""
    course = story_b()
    before = message(course, "bu.days")
    give_all(course, "bu", 6)
    assert message(course, "bu.days") == before and "xu2018 = 8 doses, 134.4 mg" in before
    course.level("bu#1", *LEVEL, **(TDM | {"at": "2027-03-27T07:00"}))
    told = message(course, "bu.days")
    assert "given and planned = 16 doses, 370.8" in told and "xu2018 = 8 doses, 134.4 mg" in told


# the graft, the sheet, the issues


def test_an_order_without_an_amount_waits_for_no_weight() -> None:
    course = story_a(answer={"flu.creatinine": "0.8 mg/dL seen"})
    course.weigh("57 kg", at="2027-01-09T12:00", by="N")
    board = {(row["order"], row["number"]): row for row in course.board()}
    assert board["hsc", 1]["state"] == "may be released" and board["flu", 1]["open"] == ["weight.outcome"]


def moved(day0: str = "2027-01-16") -> Course:
    course = at_noon()
    course.move_day0(day0, outcome="rest-day", **NOON)
    return course


def test_a_rest_day_has_its_column_and_given_days_both_numbers() -> None:
    """Given on 10 to 12 January as days -5 to -3, now -6 to -4; the 13th is free; the next doses are on the 14th, day -2."""
    made = sheet(moved().schedule())
    assert [column.day[4:] for column in made.columns] == ["−6", "−5", "−4", "−3", "−2", "−1", "0"]
    assert (made.columns[3].mark, made.columns[3].date) == ("rest: nothing to give", "Wed 13 Jan 2027")
    assert all(row.cells[3].kind == "none" for row in made.rows)
    given = next(row for row in made.rows if row.order == "flu").cells[0].lines
    assert any(line.replace("\u00a0", " ") == "GIVEN 09:00, do not give again; was day −5, now day −6" for line in given)
    for extension, told in (("txt", b"nothing"), ("md", b"rest: nothing to give"), ("html", b"rest: nothing to give")):
        assert told in render.to_bytes(moved().schedule(), extension)


def test_a_long_rest_is_one_column() -> None:
    """Four days later: given on 10 to 12 January, now days -9 to -7; flu#4 keeps day -2, 17 January; 13 to 16 January are days -6 to -3."""
    made = sheet(moved("2027-01-19").schedule())
    free = next(column for column in made.columns if column.mark.startswith("rest"))
    assert free.day.replace("\u00a0", " ") == "Day −6 to Day −3" and free.date == "Wed 13 Jan 2027 to Sat 16 Jan 2027"
    unmoved = sheet(at_noon().schedule())
    assert not any(column.mark.startswith("rest") for column in unmoved.columns) and not any("was day" in line for row in unmoved.rows for cell in row.cells for line in cell.lines)


def test_each_open_question_tells_by_when() -> None:
    """flu#4 is left on 13 January at 09:00; in every format that prints the question."""
    schedule = at_noon().schedule()
    told = {one.id: one.text for one in sheet(schedule).questions}
    assert told["flu.creatinine"].endswith("Answer needed by 13 Jan 2027 09:00.")
    for extension in ("txt", "md", "html"):
        assert "needed by 13 Jan 2027" in " ".join(render.to_bytes(schedule, extension).decode().split())


def test_every_issue_of_a_course_has_one_series() -> None:
    course = story_a()
    first = course.issue(at="2027-01-09T10:00", by="P")
    give_all(course, "flu", 1)
    second = course.issue(at="2027-01-10T12:00", by="P")
    assert first.series == second.series == course.schedule().series == ledger.digest(ledger.chained(course.entries[:1])[0][0])
    assert first.series != Course.start("nct07299123", ADULT | {"weight": "63 kg"}, second="CD", day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"},
                                        choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}).issue().series  # fmt: skip
    uids = [{line for line in render.to_bytes(made, "ics").decode().splitlines() if line.startswith("UID:")} for made in (first, second)]
    assert uids[0] & uids[1]
