"""Answers, release, second persons, the pharmacy's lists, and the command line of a course."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from test_course import (
    ADULT,
    NOON,
    A,
    at_noon,
    give_all,
    levels,
    message,
    outcomes,
    rows,
    story_a,
    story_b,
    total,
)

from dosing import InputError, Patient, UsageError, cli, plan


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
