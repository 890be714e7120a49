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
    left,
    levels,
    message,
    outcomes,
    rows,
    story_a,
    story_b,
    total,
)

from dosing import InputError, Patient, UsageError, cli, plan
from dosing.course import Course


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


def test_an_answer_is_listed_with_who_when_and_why() -> None:
    course = story_a()
    course.answer("flu.creatinine", "0.8 mg/dL", by="AB", second="CD", at="2027-01-09T10:00", why="laboratory sheet")
    one = course.queries()["answered"][0]
    assert one["answer"] == "0.8 mg/dL (AB, confirmed by CD, 2027-01-09 10:00); evidence: laboratory sheet"
    assert (one["second"], one["evidence"]) == ("CD", "laboratory sheet")


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


def test_a_late_dose_on_the_command_line_is_recorded_and_its_choice_answered(tmp_path, capsys) -> None:
    """Exit 5 while the choice is open, 4 for an outcome that is none, 0 once it is answered."""
    file = str(tmp_path / "b.json")
    course = story_b()
    give_all(course, "bu", 5)
    course.save(file)
    code, out, err = run(capsys, "give", file, "bu#6", "--at", "2027-03-27T08:30", "--by", "N")
    assert code == 5 and "slide      16.8 mg Sat 2027-03-27 14:30 20:30" in out and "answer FILE bu#6.outcome=keep-grid|slide" in err
    code, out, _ = run(capsys, "outcomes", file, "bu#6.outcome", "--json")
    assert code == 5 and [one["name"] for one in json.loads(out)["outcomes"]] == ["keep-grid", "slide"]
    assert run(capsys, "answer", file, "bu#6.outcome=later", "--by", "AB")[0] == 4
    assert run(capsys, "answer", file, "bu#6.outcome=slide")[0] == 2
    assert run(capsys, "answer", file, "bu#6.outcome=slide", "--by", "AB")[0] == 0
    assert len(Course.load(file).entries) == 8 and left(Course.load(file), "bu")[-1] == "2027-03-29T21:30:00+02:00"


def test_a_superseded_notice_as_text_and_as_files(tmp_path, capsys) -> None:
    file = str(tmp_path / "a.json")
    course = story_a()
    course.issue(at="2027-01-09T10:00", by="P")
    course.move_day0("2027-01-20", at="2027-01-09T12:00", by="AB", why="donor late")
    course.issue(at="2027-01-09T13:00", by="P")
    course.save(file)
    names = [str(tmp_path / f"n.{kind}") for kind in ("txt", "md", "pdf")]
    code, _, _ = run(capsys, "notice", file, "1", *(word for name in names for word in ("-o", name)))
    assert code == 0 and "issue 1" in Path(names[0]).read_text().lower() and Path(names[2]).read_bytes().startswith(b"%PDF")
    assert run(capsys, "notice", file, "2")[0] == 4 and run(capsys, "notice", file, "3")[0] == 2
    assert run(capsys, "notice", file, "1", "-o", str(tmp_path / "n.csv"))[0] == 2


def test_the_arm_stands_on_the_pharmacy_s_sheet_alone(tmp_path, capsys) -> None:
    file, ward, shelf = str(tmp_path / "a.json"), tmp_path / "ward.txt", tmp_path / "pharmacy.txt"
    course = story_a(subject="S-01")
    course.issue(by="P")
    course.save(file)
    assert run(capsys, "pharmacy", file, "--choose", "arm=3d", "-o", str(shelf))[0] == 0
    assert run(capsys, "issue", file, "-o", str(ward))[0] == 5
    assert "UNBLINDED" in shelf.read_text() and "3d" in shelf.read_text()
    for blind in (ward.read_text(), Path(file).read_text()):
        assert "UNBLINDED" not in blind and "3d" not in blind.replace("sha256", "").split("ledger")[0] and "arm: 3d" not in blind and '"arm": "3d"' not in blind
    assert course.unblinded({"arm": "3d"}).issue == 1
    assert run(capsys, "pharmacy", file, "--choose", "arm=blinded")[0] == 2 and run(capsys, "pharmacy", file, "--choose", "stratum=SAA-II")[0] == 2
    code, out, _ = run(capsys, "pharmacy", file, "--json")
    assert code == 0 and json.loads(out)["subject"] == "S-01" and len(json.loads(out)["reconciliation"]) == 14


def test_the_two_lists_say_by_when(capsys, tmp_path) -> None:
    """Fludarabine's creatinine is needed by its first dose, 10 January 09:00; after that dose by the second, 11 January."""
    course = story_a()
    found = {one["id"]: one["needed_by"] for one in course.queries()["answer_before_release"]}
    assert found["flu.creatinine"] == "2027-01-10T09:00:00+08:00" and not course.queries()["answered"]
    give_all(course, "flu", 1)
    assert course.schedule().to_dict()["course"]["needed_by"]["flu.creatinine"] == "2027-01-11T09:00:00+08:00"
    assert course.to_dict()["queries"]["answer_before_release"][0]["needed_by"] == "2027-01-11T09:00:00+08:00"
    course.answer("flu.creatinine", "0.8 mg/dL", by="AB")
    assert [one["id"] for one in course.queries()["answered"]] == ["flu.creatinine"] and course.queries()["for_information"]


def test_a_second_person_is_asked_for_kinds_that_exist(tmp_path) -> None:
    with pytest.raises(UsageError, match="relese"):
        story_a(second_for=["relese"])


def test_a_site_asks_for_second_persons_and_sets_its_own_windows(tmp_path) -> None:
    from dosing.regimen.library import shipped

    text = (shipped() / "site.yaml").read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(text.replace("  late: 30 min\n", "  late: 3 h\n  second-for: [give]\n"), encoding="utf-8")
    course = story_b(library=[str(tmp_path)])
    with pytest.raises(UsageError, match="second person for give"):
        course.give("bu#1", "2027-03-26T02:30", by="N")
    course.give("bu#1", "2027-03-26T02:30", by="N", second="M")
    assert not course.state.asked and "bu#1.time" not in levels(course)  # 2.5 h are on time at this site


def test_the_log_and_the_stock_of_a_trial(tmp_path) -> None:
    course = story_a()
    course.give("flu#1", "2027-01-10T10:00", "30 mg", partial=True, by="N", second="M", why="line blocked")
    found = {one["id"]: one for one in course.deviations()}
    assert found["flu#1.time"] | {"what": ""} == {"id": "flu#1.time", "order": "flu", "number": 1, "what": "", "at": "2027-01-10T10:00:00+08:00", "by": "N", "second": "M",
                                                  "reason": "line blocked", "released": "no", "level": "note", "answer": ""}  # fmt: skip
    assert found["flu#1.amount"]["level"] == "query"
    course.account("msc", "prepared", 1, kit="K9", by="P")
    assert course.pharmacy()["accountability"][0]["left"] == -1 and course.pharmacy()["accountability"][0]["kits"][0]["kit"] == "K9"
