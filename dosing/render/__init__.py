"""Schedules on paper and on screen: one neutral page, then one small module per format, chosen by extension.

A format is one file with `write(sheet, schedule) -> bytes` and one row in `FORMATS`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dosing.errors import Fault, UsageError
from dosing.files import checked, write_whole
from dosing.render.pages import DEFAULT, chosen
from dosing.render.pages import paper as sort_of_paper

if TYPE_CHECKING:
    from dosing.preparation import Preparation
    from dosing.schedule import Schedule

FORMATS = {
    ".txt": ".text", ".md": ".markdown", ".html": ".html", ".pdf": ".pdf", ".csv": ".csvfile", ".xlsx": ".xlsx", ".ics": ".ics",
    ".json": ".jsonfile", ".fhir.json": ".fhir", ".parquet": ".parquet",
}  # fmt: skip
DATA = {".csvfile", ".jsonfile", ".parquet"}  # rows as they are: no page is made for them


def render(
    schedule: Schedule, path: str | os.PathLike[str], pages: str | Iterable[str] = DEFAULT, paper: str = "a4",
    preparation: Preparation | None = None,
) -> Path:  # fmt: skip
    """Write a schedule to a file in the format of its extension, whole or not at all; gives the path back.

    `pages` and `paper` choose what a PDF or an HTML file holds: see `dosing.render.pages`. `preparation` is what
    `dosing.prepare` gave for this schedule; without it the preparation list is that with nothing stated beside the plan.

    Raises `UsageError` for an unknown extension, a path that cannot be a file (S01) or a place that cannot be written.
    """
    target = checked(os.fspath(path))
    write_whole(target, to_bytes(schedule, extension(target.name), pages, paper, preparation))
    return target


def notice(
    schedule: Schedule, path: str | os.PathLike[str], superseded: int | None = None,
    changed: Iterable[Mapping[str, Any]] | None = None, paper: str = "a4",
) -> Path:  # fmt: skip
    """Write the notice that an issue is superseded by `schedule`, the newest one, as `.pdf`, `.txt` or `.md`.

    `superseded` is its number, by default the one before; `changed` the records of what differs, by default those of
    the schedule. Raises `UsageError` for an issue that is not superseded, and like `render`.
    """
    from dosing.render.superseded import of_issue

    return _notice(of_issue(schedule, superseded, changed), path, paper)


def notice_of(lines: Iterable[str], path: str | os.PathLike[str], before: str, after: str, paper: str = "a4", locale: str = "en-GB") -> Path:
    """Write the notice that the print or file named `before` is superseded by `after`, from the lines of their difference."""
    from dosing.render.superseded import of_lines

    return _notice(of_lines(lines, before, after, locale), path, paper)


def _notice(told: Any, path: str | os.PathLike[str], paper: str) -> Path:
    from dosing.render.superseded import written

    target = checked(os.fspath(path))
    write_whole(target, written(told, target.suffix, paper))
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


def to_bytes(
    schedule: Schedule, extension: str, pages: str | Iterable[str] = DEFAULT, paper: str = "a4", preparation: Preparation | None = None
) -> bytes:
    """A schedule as the bytes of one format (`.pdf`, or `pdf`); same schedule, same bytes.

    `pages` (`grid,record,days,timeline,check,labels`) and `paper` (`a4`, `letter`) matter to PDF and HTML only;
    `preparation` as in `render`.

    Raises `UsageError` for an unknown extension or a missing extra.
    """
    name = FORMATS.get("." + extension.lower().removeprefix("."))
    if name is None:
        raise _unknown(extension)
    shown = {"pages": chosen(pages), "paper": sort_of_paper(paper)}
    page = None if name in DATA else _sheet(schedule, preparation, shown)
    data: bytes = import_module(name, __name__).write(page, schedule)
    return data


def _sheet(schedule: Schedule, preparation: Preparation | None, shown: dict[str, Any]) -> Any:
    from dosing.render.sheet import sheet

    return replace(sheet(schedule, preparation), **shown)


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


class _Render(ModuleType):
    """This module, callable: `from dosing import render` finds the module, and `render(schedule, path)` is the contract."""

    def __call__(
        self, schedule: Schedule, path: str | os.PathLike[str], pages: str | Iterable[str] = DEFAULT, paper: str = "a4",
        preparation: Preparation | None = None,
    ) -> Path:  # fmt: skip
        return render(schedule, path, pages, paper, preparation)


sys.modules[__name__].__class__ = _Render
