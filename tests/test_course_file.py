"""The course file: a ledger that shows tampering, one writer at a time, and whole files whatever happens."""

from __future__ import annotations

import json
import os
import random
from contextlib import suppress
from pathlib import Path

import pytest

from dosing import InputError, UsageError
from dosing.course import Course, ledger

ADULT = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M"}


def course() -> Course:
    made = Course.start("nct07299123", ADULT, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})
    made.give("flu#1", "2027-01-10T09:00", by="N")
    made.give("cy#1", "2027-01-10T11:00", by="N")
    made.issue(by="P")
    made.give("flu#2", "2027-01-11T09:00", by="N")
    return made


def tampered(change) -> bytes:
    tree = json.loads(course().to_bytes())
    change(tree)
    return json.dumps(tree, indent=1, ensure_ascii=False).encode()


def amount(tree: dict, entry: int) -> None:
    tree["ledger"][entry - 1]["amount"] = ["510", "mg"]


@pytest.mark.parametrize("entry", range(1, 6))
def test_a_changed_entry_is_named(entry: int) -> None:
    with pytest.raises(InputError, match=f"entry {entry} ") as refusal:
        ledger.read_bytes(tampered(lambda tree: amount(tree, entry)), "course.json")
    assert refusal.value.code == "R07" and refusal.value.exit_code == 4


def test_a_missing_entry_is_named() -> None:
    with pytest.raises(InputError, match="entry 3 is missing"):
        ledger.read_bytes(tampered(lambda tree: tree["ledger"].pop(2)), "course.json")
    with pytest.raises(InputError, match="taken away"):
        ledger.read_bytes(tampered(lambda tree: tree["ledger"].pop()), "course.json")


def test_two_entries_exchanged_are_named() -> None:
    def exchange(tree: dict) -> None:
        tree["ledger"][1], tree["ledger"][2] = tree["ledger"][2], tree["ledger"][1]
        tree["ledger"][1]["number"], tree["ledger"][2]["number"] = 2, 3

    with pytest.raises(InputError, match="entry 1 "):
        ledger.read_bytes(tampered(exchange), "course.json")


def test_a_changed_issue_is_named() -> None:
    with pytest.raises(InputError, match="issue 1 is not as it was printed"):
        ledger.read_bytes(tampered(lambda tree: tree["issues"][0]["administrations"].pop()), "course.json")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"schema": "dosing.course/2"}', b'{"schema": "dosing.course/1", "ledger": [], "head": "", "issues": [], "x": 1}',
                                  b'{"schema": "dosing.course/1", "ledger": [], "head": "", "issues": []}', b'{"a": 1, "a": 2}', b'{"a": NaN}', b"[" * 100_000])  # fmt: skip
def test_what_is_no_course_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        ledger.read_bytes(data, "course.json")


@pytest.mark.parametrize("part", range(1, 20))
def test_a_part_of_a_file_is_refused(part: int) -> None:
    data = course().to_bytes()
    with pytest.raises(InputError):
        ledger.read_bytes(data[: len(data) * part // 20], "course.json")


def test_another_drug_file_is_asked_about() -> None:
    made = course()
    start = made.entries[0].model_copy(update={"files": {"drugs/fludarabine": "0" * 64}})
    again = ledger.read_bytes(ledger.to_bytes(ledger.Book((start, *made.entries[1:]), made.issues)), "course.json")
    found = next(one for one in Course(again).schedule().findings if one.id == "course.files")
    assert found.level == "query" and "drugs/fludarabine" in found.message


def test_two_writers(tmp_path: Path) -> None:
    file = tmp_path / "course.json"
    course().save(file)
    one, other = Course.load(file), Course.load(file)
    one.give("flu#3", "2027-01-12T09:00"), other.give("flu#3", "2027-01-12T09:30")
    one.save(file)
    with pytest.raises(UsageError, match="someone else"):
        other.save(file)
    with ledger.locked(file), pytest.raises(UsageError, match="another program") as refusal:
        one.save(file)
    assert refusal.value.code == "L01"
    assert len(Course.load(file).entries) == 6 and [path.name for path in tmp_path.iterdir()] == ["course.json"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "course.json"
    made = course()
    made.save(file)
    before = file.read_bytes()
    made.give("flu#3", "2027-01-12T09:00")

    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError):
        made.save(file)
    assert file.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["course.json"]


# every kind of damage to the bytes


def lines() -> list[bytes]:
    return course().to_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("part", range(8))
def test_a_byte_changed_anywhere_is_refused_or_changes_nothing(part: int) -> None:
    """Each of some hundred bytes replaced by another: refused, or (a blank for a blank) the same course byte for byte."""
    data, dice = course().to_bytes(), random.Random(part)
    for place in dice.sample(range(len(data)), 60):
        for other in (bytes([data[place] ^ 1]), b"9" if data[place : place + 1] != b"9" else b"8", b" "):
            changed = data[:place] + other + data[place + 1 :]
            try:
                assert ledger.to_bytes(ledger.read_bytes(changed, "course.json")) == data
            except InputError as refusal:
                assert refusal.exit_code == 4


def test_a_line_taken_away_doubled_or_moved_is_refused() -> None:
    there, dice = lines(), random.Random(5)
    for place in dice.sample(range(1, len(there) - 1), 60):
        other = dice.randrange(1, len(there) - 1)
        for changed in (there[:place] + there[place + 1 :], there[:place] + [there[place]] + there[place:], [*there[:place], there[other], *there[place + 1 :]]):
            if changed != there:
                with suppress(InputError):
                    assert ledger.to_bytes(ledger.read_bytes(b"".join(changed), "course.json")) == b"".join(there)


def test_an_entry_appended_with_another_hash_is_named() -> None:
    def append(tree: dict, previous: str) -> None:
        tree["ledger"].append({"number": 6, "what": "stop", "order": "cy", "previous": previous})

    with pytest.raises(InputError, match="entry 5 .*not as it was written") as refusal:
        ledger.read_bytes(tampered(lambda tree: append(tree, "f" * 64)), "course.json")
    assert refusal.value.code == "R07"
    with pytest.raises(InputError, match="entry 6 .*is not as it was written"):  # the right hash of entry 5, and the head of before
        ledger.read_bytes(tampered(lambda tree: append(tree, tree["head"])), "course.json")


def test_an_entry_changed_and_its_hashes_made_anew_still_names_the_issue() -> None:
    """Who rewrites the whole chain cannot rewrite the issue that was printed."""

    def forge(tree: dict) -> None:
        tree["ledger"][3]["sha256"] = "0" * 64
        before = ledger.FIRST
        for row in tree["ledger"]:
            row["previous"] = before
            before = ledger.digest(row)
        tree["head"] = before

    with pytest.raises(InputError, match="issue 1 is not as it was printed"):
        ledger.read_bytes(tampered(forge), "course.json")


def test_an_entry_put_first_or_a_second_start_is_refused() -> None:
    made = course()
    for entries in ((made.entries[1], *made.entries[1:]), (made.entries[0], made.entries[0], *made.entries[1:]), made.entries[1:]):
        with pytest.raises(InputError, match="only start entry"):
            ledger.read_bytes(ledger.to_bytes(ledger.Book(entries, made.issues)), "course.json")


def test_the_two_files_of_a_fork_are_both_whole_and_only_one_is_saved(tmp_path: Path) -> None:
    """A copy that went its own way is a course of its own; it cannot be saved over the other."""
    file, copy = tmp_path / "course.json", tmp_path / "copy.json"
    course().save(file)
    copy.write_bytes(file.read_bytes())
    one, other = Course.load(file), Course.load(copy)
    one.give("flu#3", "2027-01-12T09:00"), other.miss("flu#3", outcome="omit", by="N")
    one.save(file)
    with pytest.raises(UsageError, match="someone else"):
        other.save(file)
    other.save(copy)


# the file is a course's own: no print takes its place, and a link to it stays a link


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "q.json"
    course().save(path)
    return path


@pytest.mark.parametrize("verb", ["issue", "show", "reconcile", "pharmacy"])
@pytest.mark.parametrize("way", ["itself", "link", "other"])
def test_no_print_takes_the_place_of_a_course(run, file: Path, tmp_path: Path, verb: str, way: str) -> None:
    target = {"itself": file, "link": tmp_path / "link.csv", "other": tmp_path / "other.json"}[way]
    if way == "link":
        target.symlink_to(file)
    if way == "other":
        tree = json.loads(file.read_bytes())
        target.write_text(json.dumps({key: tree[key] for key in reversed(tree)}), encoding="utf-8")  # the same course, its keys in another order
    before, kept = file.read_bytes(), target.read_bytes()
    first = ["-o", str(tmp_path / "first.txt")] if verb != "reconcile" else []
    told = run("course", verb, str(file), *first, "-o", str(target), "--json")
    assert told.code == 2 and told.errors[0]["code"] == "S01" and "is a course file" in told.errors[0]["what"]
    assert file.read_bytes() == before and target.read_bytes() == kept and not (tmp_path / "first.txt").exists()


def test_a_notice_a_plan_and_a_new_course_leave_a_course_alone(run, file: Path, tmp_path: Path) -> None:
    text = tmp_path / "q.txt"
    text.write_bytes(file.read_bytes())
    for path in (file, text):
        before = path.read_bytes()
        plan = ("nct07299123", "--weight", "70 kg", "--height", "170 cm", "--choose", "stratum=SAA-I", "--choose", "cy.dose=600 mg/m2/day")
        start = (*plan, "--day0", "2027-01-15", "--zone", "Asia/Shanghai", "--time", "hsc=14:00")
        for verb in (("plan", *plan), ("course", "start", *start), ("course", "notice", str(file), "1")):
            assert run(*verb, "-o", str(path)).code == 2 and path.read_bytes() == before


def test_a_print_may_take_the_place_of_a_print(run, file: Path, tmp_path: Path) -> None:
    for name in ("a.json", "a.txt"):
        assert [run("course", "show", str(file), "-o", str(tmp_path / name)).code for _ in range(2)] == [5, 5]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_course_saved_through_a_link_is_the_course(file: Path, tmp_path: Path) -> None:
    (tmp_path / "ward").mkdir()
    link = tmp_path / "ward" / "l.json"
    link.symlink_to(file)
    made = Course.load(link)
    made.give("flu#3", "2027-01-12T09:00")
    with ledger.locked(file), pytest.raises(UsageError, match="another program"):  # one course has one lock
        made.save(link)
    made.save(link)
    assert link.is_symlink() and len(Course.load(file).entries) == 6
    assert [path.name for path in (tmp_path / "ward").iterdir()] == ["l.json"] and not list(tmp_path.glob(".*"))


def test_a_new_course_through_a_link_to_nothing_is_made_there(tmp_path: Path) -> None:
    (tmp_path / "l.json").symlink_to(tmp_path / "there.json")
    course().save(tmp_path / "l.json")
    assert len(Course.load(tmp_path / "there.json").entries) == 5 and (tmp_path / "l.json").is_symlink()


def test_a_file_that_cannot_be_read_is_an_input_that_is_refused(run, file: Path, tmp_path: Path) -> None:
    """Exit 4 for course and diff alike: an unreadable input; exit 2 is for a path that cannot be written."""
    for name in (str(tmp_path / "none.json"), str(tmp_path)):
        for told in (run("course", "show", name, "--json"), run("diff", name, name, "--json")):
            assert (told.code, told.errors[0]["code"]) == (4, "R05") and "cannot be read" in told.errors[0]["what"]
    with pytest.raises(UsageError, match="cannot be written"):
        course().save(tmp_path)
