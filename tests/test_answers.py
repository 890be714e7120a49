"""An answer decides: a shrug leaves the query open, and another source's course is never answered over the planned one."""

from __future__ import annotations

import json

import pytest
from commands import SAA1, WHEN

from dosing import Course, Patient, plan
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


# a course as the answers file of a plan

SEED = ("nct07299123", "--weight", "70 kg", "--height", "170 cm", "--age", "34 y", "--sex", "F", *WHEN)
SOLD = {"weight": "70 kg", "height": "170 cm", "age": "34 y", "sex": "F"}


@pytest.fixture
def decided(tmp_path):
    """A course in which several people decided: a choice, a change made twice, an answer made twice, and one dose given early on."""
    course = Course.start("nct07299123", SOLD, day0="2026-12-09", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"},
                          set={"msc.at": "3 h before hsc"}, by="PI", reason="protocol office")  # fmt: skip
    for value, by, why, hour in (("5 mg/kg/day", "AB", "phoned", "09:00"), ("2.5 mg/kg/day", "CD", "sponsor letter", "10:00")):
        course.set("atg.dose", value, at=f"2026-12-03T{hour}", by=by, second="EF", why=why)
    course.set("atg.product", "thymoglobulin", by="CD", second="EF", why="sponsor letter")
    for text, by in (("0.9 mg/dL", "N1"), ("0.8 mg/dL, 3 Dec", "AB")):
        course.answer("flu.creatinine", text, at="2026-12-03T11:00", by=by, second="EF", why="lab sheet")
    course.give("cy#1", "2026-12-04T09:00", by="N1")
    course.set("cy.dose", "700 mg/m2/day", at="2026-12-04T12:00", by="AB", why="registry range")
    file = tmp_path / "course.json"
    course.save(file)
    return file


def test_a_course_answers_a_plan_with_its_people_reasons_and_times(run, decided) -> None:
    made = run("plan", *SEED, *SAA1, "--answers", str(decided), "--json").json
    assert [(one["key"], one["to"], one["by"], one["reason"], one.get("second", "")) for one in made["changes"]] == [
        ("msc.at", "3 h before hsc", "PI", "protocol office", ""),
        ("atg.dose", "5 mg/kg/day", "AB", "phoned (2026-12-03 09:00)", "EF"),
        ("atg.dose", "2.5 mg/kg/day", "CD", "sponsor letter (2026-12-03 10:00)", "EF"),
        ("atg.product", "thymoglobulin", "CD", "sponsor letter", "EF"),
    ]  # fmt: skip
    answer = {"id": "flu.creatinine", "answer": "0.8 mg/dL, 3 Dec", "by": "AB", "second": "EF", "at": "2026-12-03T11:00:00+08:00", "evidence": "lab sheet"}
    assert made["answers"] == [answer] and {row["amount"]["value"] for row in made["administrations"] if row["order"] == "atg"} == {"175"}


def test_what_a_plan_does_not_take_over_is_told(run, decided) -> None:
    """The course chose another dose of cyclophosphamide; the plan chooses its own, and says so on the sheet and beside it."""
    told = run("plan", *SEED, *SAA1, "--answers", str(decided), "--json")
    note = next(one for one in told.json["findings"] if one["id"] == "answers.unused")
    assert note["level"] == "note" and note["message"] in told.err
    assert "cy.dose=700 mg/m2/day by AB (registry range (2026-12-04 12:00)): it is a choice, and the plan chooses 600 mg/m2/day" in note["message"]


def test_an_answer_to_another_question_is_not_taken_over(run, decided) -> None:
    """With the creatinine known nothing is asked, under another stratum another order is there: both are told, none is dropped."""
    told = run("plan", *SEED, "--creatinine", "0.9 mg/dL", *SAA1, "--answers", str(decided), "--json")
    assert 'answer to flu.creatinine, "0.8 mg/dL, 3 Dec", by AB: the plan asks no such query' in told.json["findings"][-2]["message"] and told.json["answers"] == []
    tree = Course.load(decided)
    assert (tree.entries[-1].what, tree.entries[-1].key) == ("set", "cy.dose")


def test_a_question_in_other_words_stays_open(run, decided, monkeypatch) -> None:
    monkeypatch.setattr("dosing.course.decided.question", lambda finding: "another text")
    told = run("plan", *SEED, *SAA1, "--answers", str(decided), "--json")
    assert told.json["answers"] == [] and "the plan asks it in other words, so it stays open" in told.err
    assert "flu.creatinine" in told.open


def test_the_command_line_wins_over_the_course(run, decided) -> None:
    made = run("plan", *SEED, *SAA1, "--answers", str(decided), "--set", "atg.dose=3 mg/kg/day", "--answer", "flu.creatinine=1.0 mg/dL today", "--by", "GH", "--reason", "today", "--json").json
    assert made["changes"][-1]["to"] == "3 mg/kg/day" and made["answers"] == [{"id": "flu.creatinine", "answer": "1.0 mg/dL today", "by": "GH"}]
    assert "the plan is given an answer of its own" in next(one["message"] for one in made["findings"] if one["id"] == "answers.unused")


def test_a_change_made_for_what_was_left_is_told_as_made_for_all(run, decided) -> None:
    course = Course.load(decided)
    course.set("cy.over", "2 h", by="AB", why="ward")
    course.save(decided)
    told = run("plan", *SEED, *SAA1, "--answers", str(decided), "--json")
    assert "cy.over=2 h by AB (ward): it was made for the doses left then; this plan makes it for all" in told.err
    assert told.json["changes"][-1]["key"] == "cy.over"


def test_a_course_of_another_regimen_or_for_many_patients_is_refused(run, decided, tmp_path) -> None:
    other = run("plan", "bucy2-label", "--weight", "70 kg", "--height", "170 cm", "--answers", str(decided), "--json")
    assert other.code == 2 and "the course is of nct07299123" in other.errors[0]["what"]
    (tmp_path / "many.csv").write_text("id,weight_kg,height_cm\n1,70,170\n")
    assert run("plan", "nct07299123", "--cohort", str(tmp_path / "many.csv"), "-o", str(tmp_path / "o.csv"), "--answers", str(decided)).code == 2


def test_another_body_is_told_and_another_person_refused(run, decided, tmp_path) -> None:
    """An answer may speak of the patient: what the course began with is told beside what the plan has; another name or id is refused."""
    told = run("plan", "nct07299123", "--weight", "64 kg", *SEED[3:], *SAA1, "--answers", str(decided), "--json")
    assert "weight was 70 kg when the course began, and is 64 kg here" in told.err and "height was" not in told.err
    named = Course.start("nct07299123", SOLD | {"id": "A-1"}, day0="2026-12-09", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})
    named.save(tmp_path / "named.json")
    asked = (*SEED, *SAA1, "--answers", str(tmp_path / "named.json"), "--json")
    other = run("plan", *asked, "--id", "B-2")
    assert other.code == 2 and "another id" in other.errors[0]["what"] and "B-2" not in other.err + other.out
    assert run("plan", *asked, "--id", "A-1").code == run("plan", *asked).code == 5


def test_a_course_that_was_changed_by_hand_answers_nothing(run, decided) -> None:
    decided.write_text(decided.read_text(encoding="utf-8").replace("0.8 mg/dL", "0.7 mg/dL"), encoding="utf-8")
    told = run("plan", *SEED, *SAA1, "--answers", str(decided), "--json")
    assert told.code == 4 and told.errors[0]["code"] == "R07"


def test_a_list_of_entries_is_still_taken(run, tmp_path) -> None:
    entries = [{"set": "atg.dose", "to": "2.5 mg/kg/day", "by": "AB", "reason": "sponsor"}, {"id": "flu.creatinine", "answer": "0.9 mg/dL", "by": "CD"}]
    (tmp_path / "a.json").write_text(json.dumps(entries))
    made = run("plan", *SEED, *SAA1, "--answers", str(tmp_path / "a.json"), "--json").json
    assert [(one["key"], one["by"]) for one in made["changes"]] == [("atg.dose", "AB")] and made["answers"][0]["by"] == "CD"
    assert "answers.unused" not in {one["id"] for one in made["findings"]}
