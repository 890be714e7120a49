"""A file is written whole or not at all: bad paths, full disks and a kill in mid-write leave the old file as it was."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from pathlib import Path

import pytest
from schedules import saa_one
from tracing import needs_tracing, run_until

from dosing.errors import UsageError
from dosing.files import whole, write_whole
from dosing.render import FORMATS, render, to_bytes


def test_writes_a_file_whole(tmp_path: Path) -> None:
    path = render(saa_one(), tmp_path / "sheet.TXT")
    assert path.read_bytes() == to_bytes(saa_one(), "txt")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sheet.txt"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        render(saa_one(), path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name",
    [
        "missing/sheet.txt",
        "folder.txt",
        "a\0b.txt",
        "a\nb.txt",
        "con.txt",
        "NUL.csv",
        f"{'a' * 300}.txt",
        "sheet.doc",
        "sheet",
    ],
)
def test_refuses_a_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(UsageError):
        render(saa_one(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.txt"]


def test_an_unknown_extension_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"\.csv.*\.html.*\.txt"):
        to_bytes(saa_one(), ".doc")


@pytest.fixture(scope="module", params=sorted(FORMATS))
def written(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    """A format's extension and the bytes of the sheet in it."""
    try:
        return request.param, to_bytes(saa_one(), request.param)
    except UsageError as error:
        if "not installed" not in str(error):
            raise
        pytest.skip(str(error))


def test_a_disk_that_takes_no_more_leaves_the_old_file(tmp_path: Path, written: tuple[str, bytes]) -> None:
    """The kernel itself refuses the write, as it does on a full disk."""
    resource = pytest.importorskip("resource")
    extension, data = written
    path = tmp_path / f"sheet{extension}"
    path.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(data) // 2, before[1]))
    try:
        with pytest.raises(UsageError, match="cannot be written"):
            render(saa_one(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("folder", ["missing", "file.txt"])
def test_a_place_that_is_no_folder_is_named(tmp_path: Path, written: tuple[str, bytes], folder: str) -> None:
    (tmp_path / "file.txt").write_text("old")
    with pytest.raises(UsageError, match=folder):
        render(saa_one(), tmp_path / folder / f"sheet{written[0]}")
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"] and (tmp_path / "file.txt").read_text() == "old"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed in mid-write, which needs fork")
def test_a_kill_in_mid_write_leaves_the_old_file(tmp_path: Path, written: tuple[str, bytes]) -> None:
    """Killed after the last byte and before the file has its name: the old one stands, and the next write succeeds."""
    extension, data = written
    path = tmp_path / f"sheet{extension}"
    path.write_text("old")
    child = os.fork()
    if child == 0:
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        write_whole(path, data)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) > 1  # what the killed writer left
    write_whole(path, data)
    assert path.read_bytes() == data and list(tmp_path.iterdir()) == [path]


@needs_tracing
def test_what_a_kill_at_any_system_call_leaves_goes_with_the_next_write(tmp_path: Path) -> None:
    path, left = tmp_path / "sheet.txt", set()
    for stop in range(1000):
        path.write_text("old")
        code = run_until(lambda: write_whole(path, b"new"), stop)
        assert path.read_text() in ("old", "new")
        left.add(tuple(sorted(one.suffix for one in tmp_path.iterdir() if one != path)))
        if code == 0:
            break
        write_whole(path, b"next")
        assert path.read_text() == "next" and list(tmp_path.iterdir()) == [path]
    assert left == {(), (".lock",), (".lock", ".part")}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are killed, which needs fork")
def test_writers_at_once_never_mix_and_leave_nothing_when_killed(tmp_path: Path) -> None:
    """Six processes write one file over and over, each its own letter; they are killed one by one, at any moment."""
    path, chance, children = tmp_path / "sheet.txt", random.Random(7), []
    for letter in "abcdef":
        child = os.fork()
        if child == 0:
            while True:
                write_whole(path, letter.encode() * 50_000)
        children.append(child)
    seen = set()
    for child in children:
        time.sleep(0.1 + chance.random() / 10)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        text = path.read_text()
        assert len(text) == 50_000 and len(set(text)) == 1
        seen |= set(text)
    write_whole(path, b"last")
    assert path.read_text() == "last" and list(tmp_path.iterdir()) == [path] and seen <= set("abcdef")


@pytest.mark.parametrize("locks", ["none here", "held too long"])
def test_without_the_lock_each_writes_under_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: str) -> None:
    path = tmp_path / "sheet.txt"

    def unknown(handle: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    if locks == "none here":
        monkeypatch.setattr("dosing.files.take", unknown)
    with whole(path) as part:
        part.write_bytes(b"first")
        monkeypatch.setattr("dosing.files.PATIENCE", 0.05)
        write_whole(path, b"second")
        assert path.read_bytes() == b"second" and part.read_bytes() == b"first"
    assert path.read_bytes() == b"first" and list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_what_it_points_to_stands(tmp_path: Path) -> None:
    there, path = tmp_path / "there.txt", tmp_path / "sheet.txt"
    there.write_text("there")
    path.symlink_to(there)
    write_whole(path, b"new")
    assert not path.is_symlink() and path.read_text() == "new" and there.read_text() == "there"
