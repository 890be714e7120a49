"""Files are written whole or not at all, under names that every system can hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dosing.errors import Fault, UsageError

DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}


def checked(path: str) -> Path:
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
    """A file beside the target that takes its place when all of it is written; `UsageError` (S01) where it cannot be."""
    part = target.with_name(f".dosing-{os.urandom(8).hex()}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise _refused(f"{target} cannot be written ({error.strerror})", "check the folder, its permissions and its free space.") from None
    finally:
        with suppress(OSError):
            part.unlink()


def _refused(what: str, do: str) -> UsageError:
    return UsageError(Fault("S01", what, do, "output"))
