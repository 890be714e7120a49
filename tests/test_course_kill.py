"""The course file at every system call of a save: ended there, or refused by a full disk, it is the old or the new one, whole."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from test_course_file import course
from tracing import needs_tracing, run_until

from dosing import UsageError
from dosing.course import Course, ledger


def two() -> tuple[ledger.Book, bytes, ledger.Book, bytes]:
    """A course before and after one more entry, as books and as the bytes of their files."""
    made = course()
    old = made.to_bytes()
    made.give("flu#3", "2027-01-12T09:00")
    new = made.to_bytes()
    return ledger.read_bytes(old, "c"), old, ledger.read_bytes(new, "c"), new


def whole(file: Path, old: bytes, new: bytes) -> bytes:
    """The bytes of the file, which must be one of the two and load."""
    data = file.read_bytes()
    assert data in (old, new)
    ledger.load(file)
    return data


@needs_tracing
def test_ended_at_any_system_call_the_file_is_old_or_new(tmp_path: Path) -> None:
    _, old, book, new = two()
    file, seen, stop = tmp_path / "course.json", [], 0
    while True:
        file.write_bytes(old)
        code = run_until(lambda: ledger.save(file, book, old), stop)
        seen.append(whole(file, old, new) == new)
        if code == 0:
            break
        ledger.save(file, book, file.read_bytes())  # whoever comes next is not held up by what was left behind, and takes it away
        assert file.read_bytes() == new and list(tmp_path.iterdir()) == [file]
        stop += 1
    assert stop > 20 and seen == sorted(seen) and not seen[0] and seen[-1]  # old until one call, new from then on
    assert list(tmp_path.iterdir()) == [file]


@needs_tracing
def test_a_disk_that_is_full_at_any_system_call_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    _, old, book, new = two()
    file, codes = tmp_path / "course.json", []
    for stop in range(1000):
        file.write_bytes(old)
        codes.append(run_until(lambda: ledger.save(file, book, old), stop, full=True))
        data = whole(file, old, new)
        if codes[-1] == 0 and data == new and stop > 10:
            break
    assert 7 in codes and 8 not in codes  # refused in words, never with a trace
    ledger.save(file, book, file.read_bytes())
    assert list(tmp_path.iterdir()) == [file]


def test_ended_in_the_middle_of_a_write_the_file_is_the_old_one(tmp_path: Path) -> None:
    """The operating system ends the writer at byte n of the new file (a limit on the size of files)."""
    _, old, book, new = two()
    file = tmp_path / "course.json"
    for size in (0, 1, 4095, 4096, 4097, len(new) // 2, len(new) - 1):
        file.write_bytes(old)
        pid = os.fork()
        if not pid:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            ledger.save(file, book, old)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXFSZ
        assert whole(file, old, new) == old
    ledger.save(file, book, old)
    assert list(tmp_path.iterdir()) == [file] and file.read_bytes() == new


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Eight processes each try to add one entry until it stands; every one stands once."""
    file = tmp_path / "course.json"
    course().save(file)
    before = len(Course.load(file).entries)
    children = []
    for number in range(8):
        pid = os.fork()
        if pid:
            children.append(pid)
            continue
        while True:
            try:
                found = Course.load(file)
                found.account("msc", "received", 1, kit=f"K-{number}")
                found.save(file)
                os._exit(0)
            except UsageError as refusal:
                if refusal.code not in ("L01", "L02"):
                    os._exit(1)
    assert [os.WEXITSTATUS(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 8
    kits = [entry.kit for entry in Course.load(file).entries[before:]]
    assert sorted(kits) == [f"K-{number}" for number in range(8)]


def test_a_lock_that_is_held_is_told_and_a_lock_left_behind_is_not(tmp_path: Path) -> None:
    _, old, book, new = two()
    file, lock = tmp_path / "course.json", tmp_path / ".course.json.lock"
    file.write_bytes(old)
    lock.write_bytes(b"")
    ledger.save(file, book, old)
    assert file.read_bytes() == new and not lock.exists()
    with ledger.locked(file), pytest.raises(UsageError, match="another program is writing") as refusal:
        ledger.save(file, book, new)
    assert refusal.value.code == "L01" and not lock.exists()
