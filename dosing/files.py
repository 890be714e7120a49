"""Files are written whole or not at all, under names that every system can hold."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

from dosing.errors import Fault, UsageError

DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
COURSE = re.compile(rb'"schema"\s*:\s*"dosing\.course/')
LARGEST = 50_000_000  # bytes of a course file; no larger one is read
PATIENCE = 10.0  # seconds to wait for another program that writes the same file


def checked(path: str) -> Path:
    """The path itself when a file may be written there; `UsageError` (S01) where it cannot, or where a course file is.

    A print never takes the place of a ledger, under whatever name or link it is reached: only a course writes its file.
    """
    target = named(path)
    try:
        taken = is_course(target)
    except OSError as error:
        raise _refused(f"{target} cannot be written ({error.strerror})", "check the folder and its permissions.") from None
    if taken:
        raise _refused(f"{target} is a course file, and a print would replace its ledger", "name another file.")
    return target


def is_course(target: Path) -> bool:
    """Whether there is a course file, whole or damaged; `OSError` for one that cannot be read."""
    if not target.is_file():
        return False
    with target.open("rb") as file:
        head = file.read(64)
        return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and bool(COURSE.search(head + file.read(LARGEST)))


def named(path: str) -> Path:
    """The path itself when it can name a file on every system; `UsageError` (S01) otherwise."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in path):
        raise _refused("the file name holds a control character", "type it again.")
    target = Path(path)
    if target.name.lower().partition(".")[0].strip() in DEVICES:
        raise _refused(f'"{target.name}" is the name of a device', "choose another name.")
    if len(os.fsencode(target.name)) > 255:
        raise _refused("the file name is longer than 255 bytes", "shorten it.")
    return target


def write_whole(target: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part; `UsageError` (S01) if it cannot be."""
    with whole(target) as part, part.open("xb") as file:
        file.write(data)


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its place when all of it is written; `UsageError` (S01) where it cannot be.

    A link is replaced, and what it points to stands. A program that is ended in between leaves that file and its lock
    behind; the next write of the same target takes both away.
    """
    try:
        with _part(target) as part:
            try:
                yield part
                with part.open("rb+") as file:
                    os.fsync(file.fileno())
                part.replace(target)
            finally:
                with suppress(OSError):
                    part.unlink()
    except OSError as error:
        raise _refused(f"{target} cannot be written ({error.strerror})", "check the folder, its permissions and its free space.") from None


@contextmanager
def _part(target: Path) -> Iterator[Path]:
    """Where a target is written first: always under the same name by who holds its lock, under a name of its own without."""
    part = target.with_name(f".dosing-{sha256(os.fsencode(target.name)).hexdigest()[:16]}.part")
    lock = part.with_suffix(".lock")
    handle = _held(lock)
    if handle is None:
        yield target.with_name(f".dosing-{os.urandom(8).hex()}.part")
        return
    try:
        part.unlink(missing_ok=True)  # nobody writes it but who holds the lock, so its writer is no more
        yield part
    finally:
        _let_go(handle, lock)


def _held(lock: Path) -> int | None:
    """The lock file, open and held; None where the file system has no locks, or another holds it longer than `PATIENCE`."""
    until = monotonic() + PATIENCE
    while monotonic() < until:
        try:
            handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o666)
        except OSError:
            return None
        try:
            take(handle)
            if os.path.samestat(os.fstat(handle), lock.stat()):
                return handle
        except (BlockingIOError, PermissionError):  # held by another: POSIX, Windows
            sleep(0.01)
        except FileNotFoundError:  # let go of, and taken away, in between
            pass
        except OSError as error:
            until = 0
            _forget(lock, error)
        os.close(handle)
    return None


def _forget(lock: Path, error: OSError) -> None:
    """Take away the lock file of a file system without locks, where nobody can hold it."""
    if error.errno in NO_LOCKS:
        with suppress(OSError):
            lock.unlink()


def take(handle: int) -> None:
    """Hold an open file for this program alone, at once or not at all (`OSError`); it is let go of however the program ends."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _let_go(handle: int, lock: Path) -> None:
    """Take the lock file away while it is still held, so that nobody else holds it; Windows removes only what is closed."""
    if sys.platform == "win32":
        os.close(handle)
    with suppress(OSError):
        lock.unlink()
    if sys.platform != "win32":
        os.close(handle)


def _refused(what: str, do: str) -> UsageError:
    return UsageError(Fault("S01", what, do, "output"))
