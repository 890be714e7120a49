"""The course file: a ledger that shows tampering, one writer at a time, and whole files whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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
    assert ".course.json.lock" in str(refusal.value)
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


WRITER = """
import sys
from dosing.course import ledger
old, new, file = (open(path, "rb").read() for path in sys.argv[1:3]), None, sys.argv[3]
old, new = old
books = [ledger.read_bytes(data, "c") for data in (old, new)]
print("ready", flush=True)
turn = 0
while True:
    turn += 1
    ledger.save(file, books[turn % 2], [old, new][(turn + 1) % 2])
"""


def test_a_kill_while_writing_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    made = course()
    old = made.to_bytes()
    made.give("flu#3", "2027-01-12T09:00")
    new = made.to_bytes()
    for name, data in (("old", old), ("new", new)):
        (tmp_path / name).write_bytes(data)
    file = tmp_path / "course.json"
    for turn in range(12):
        file.write_bytes(old)
        for lock in tmp_path.glob("*.lock"):
            lock.unlink()
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "old"), str(tmp_path / "new"), str(file)], stdout=subprocess.PIPE)
        assert writer.stdout and writer.stdout.readline() == b"ready\n"
        time.sleep(0.003 * turn)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert file.read_bytes() in (old, new)
        ledger.load(file)
