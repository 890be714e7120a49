"""Schedules on paper and on screen: one neutral page, then one small module per format, chosen by extension.

A format is one file with `write(sheet, schedule) -> bytes` and one row in `FORMATS`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from types import ModuleType
from typing import TYPE_CHECKING

from dosing.errors import Fault, UsageError
from dosing.render.pages import DEFAULT, chosen
from dosing.render.pages import paper as sort_of_paper

if TYPE_CHECKING:
    from dosing.schedule import Schedule

FORMATS = {
    ".txt": ".text", ".md": ".markdown", ".html": ".html", ".pdf": ".pdf", ".csv": ".csvfile", ".xlsx": ".xlsx", ".ics": ".ics",
    ".json": ".jsonfile", ".fhir.json": ".fhir",
}  # fmt: skip
DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}


def render(schedule: Schedule, path: str | os.PathLike[str], pages: str | Iterable[str] = DEFAULT, paper: str = "a4") -> Path:
    """Write a schedule to a file in the format of its extension, whole or not at all; gives the path back.

    `pages` and `paper` choose what a PDF or an HTML file holds: see `dosing.render.pages`.

    Raises `UsageError` for an unknown extension, a path that cannot be a file (S01) or a place that cannot be written.
    """
    target = checked(os.fspath(path))
    write_whole(target, to_bytes(schedule, extension(target.name), pages, paper))
    return target


def check_path(path: str | os.PathLike[str]) -> None:
    """Refuse, before anything is calculated, a path that `render` could not write to (`UsageError`)."""
    target = checked(os.fspath(path))
    extension(target.name)
    if target.is_dir() or not os.access(target.parent, os.W_OK):
        raise UsageError(Fault("S01", "the file cannot be written there", "name a file in a folder that exists and may be written.", os.fspath(path)))


def show(schedule: Schedule) -> None:
    """Print a schedule on the terminal; the plain text format where stdout is no terminal."""
    if not sys.stdout.isatty():
        sys.stdout.write(to_text_of(schedule, "txt"))
        return
    from rich.console import Console

    from dosing.render.terminal import show as on_terminal

    on_terminal(schedule, Console())


def to_bytes(schedule: Schedule, extension: str, pages: str | Iterable[str] = DEFAULT, paper: str = "a4") -> bytes:
    """A schedule as the bytes of one format (`.pdf`, or `pdf`); same schedule, same bytes.

    `pages` (`grid,record,days,timeline,check,labels`) and `paper` (`a4`, `letter`) matter to PDF and HTML only.

    Raises `UsageError` for an unknown extension or a missing extra.
    """
    from dosing.render.sheet import sheet

    name = FORMATS.get("." + extension.lower().removeprefix("."))
    if name is None:
        raise _unknown(extension)
    data: bytes = import_module(name, __name__).write(replace(sheet(schedule), pages=chosen(pages), paper=sort_of_paper(paper)), schedule)
    return data


def to_text_of(schedule: Schedule, extension: str) -> str:
    """A schedule as the text of one text format (`html`, `txt`, `md`, `csv`, `json`)."""
    return to_bytes(schedule, extension).decode()


def extension(name: str) -> str:
    """The longest known extension a file name ends with; `UsageError` without one."""
    found = [known for known in FORMATS if name.lower().endswith(known)]
    if not found:
        raise _unknown(name)
    return max(found, key=len)


def _unknown(name: str) -> UsageError:
    return UsageError(Fault("format", f'"{name}" has no known format', f"end it with one of {', '.join(sorted(FORMATS))}.", "output"))


def checked(path: str) -> Path:
    """The path itself when it can name a file on every system; `UsageError` (S01) otherwise."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in path):
        raise _path("the file name holds a control character", "type it again.")
    target = Path(path)
    if target.name.lower().partition(".")[0].strip() in DEVICES:
        raise _path(f'"{target.name}" is the name of a device', "choose another name.")
    if len(os.fsencode(target.name)) > 255:
        raise _path("the file name is longer than 255 bytes", "shorten it.")
    return target


def _path(what: str, do: str) -> UsageError:
    return UsageError(Fault("S01", what, do, "output"))


def write_whole(target: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part; `UsageError` if it cannot be."""
    part = target.with_name(f".dosing-{token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise _path(f"{target} cannot be written ({error.strerror})", "check the folder and its permissions.") from None


class _Render(ModuleType):
    """This module, callable: `from dosing import render` finds the module, and `render(schedule, path)` is the contract."""

    def __call__(self, schedule: Schedule, path: str | os.PathLike[str], pages: str | Iterable[str] = DEFAULT, paper: str = "a4") -> Path:
        return render(schedule, path, pages, paper)


sys.modules[__name__].__class__ = _Render
