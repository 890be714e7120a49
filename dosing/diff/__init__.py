"""What differs between two saved schedules, or between two versions of a regimen, in clinical words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dosing.diff import regimens, schedules
from dosing.diff.change import Change
from dosing.diff.saved import SCHEMA, Saved
from dosing.errors import Fault, InputError, UsageError, refuse
from dosing.regimen.library import library
from dosing.regimen.schema import Regimen
from dosing.schedule import Schedule

__all__ = ["Change", "compare", "lines", "read"]
MAX_BYTES = 32 << 20
Side = Saved | Regimen


def compare(before: Schedule | Side, after: Schedule | Side) -> tuple[Change, ...]:
    """The changes from one schedule to another, or from one regimen to another; empty when they say the same.

    Raises `UsageError` for a schedule against a regimen. Print times and issue numbers are no difference.
    """
    first, second = _saved(before), _saved(after)
    if isinstance(first, Saved) and isinstance(second, Saved):
        return tuple(schedules.changes(first, second))
    if isinstance(first, Regimen) and isinstance(second, Regimen):
        return tuple(regimens.changes(first, second))
    raise UsageError(Fault("usage", "one is a schedule, the other a regimen", "compare two schedules or two regimens.", "diff"))


def _saved(side: Schedule | Side) -> Side:
    return Saved.model_validate_json(json.dumps(side.to_dict())) if isinstance(side, Schedule) else side


def lines(changes: Iterable[Change]) -> list[str]:
    """The changes as lines for people: what a change is about stands once, before all that changed of it."""
    groups: dict[str, list[Change]] = {}
    for number, change in enumerate(changes):
        groups.setdefault(change.about or f"\0{number}", []).append(change)
    return [_printable(_line(group)) for group in groups.values()]


def _line(group: Sequence[Change]) -> str:
    """What changed of one thing; a citation they share stands once, at the end."""
    cites = list(dict.fromkeys(change.cite for change in group if change.cite))
    shared = len(cites) == 1
    texts = [change.text + (f" [{change.cite}]" if change.cite and not shared else "") for change in group]
    about = f"{group[0].about}: " if group[0].about else ""
    return about + "; ".join(texts) + (f" [{cites[0]}]" if shared else "")


def _printable(text: str) -> str:
    """The text without signs that could steer a terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def read(name: str, folders: Sequence[str] = ()) -> Side:
    """A saved schedule (a file of `dosing plan --json`) or a regimen (a file or an id).

    Raises `InputError` for a file that cannot be read or is no schedule, `UsageError` for an unknown regimen,
    `RegimenError` for a faulty one.
    """
    path = Path(name)
    looks = path.suffix.lower() in (".json", ".yaml", ".yml") or "/" in name
    if not looks and not path.is_file():
        return library(tuple(folders)).regimen(name)
    data = _bytes(path)
    stored = _json(data, name) if path.suffix.lower() == ".json" or data.lstrip()[:1] == b"{" else {}
    if "schema" in stored or "administrations" in stored:
        return _schedule(data, stored, name)
    return library(tuple(folders)).parse(data, path.name)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise refuse("R06", f"the file has {path.stat().st_size:,} bytes", "compare files under 32 MiB.", str(path))
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise refuse("R05", f"the file cannot be read ({getattr(error, 'strerror', None) or error})", "check its name.", str(path)) from None


def _json(data: bytes, name: str) -> dict[str, Any]:
    """The top level of a JSON file; `InputError` for anything that is no JSON object, or names a key twice."""
    try:
        stored = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise refuse("R01", f"the JSON cannot be read ({str(error)[:120]})", "save the schedule again with dosing plan --json.", name) from None
    if not isinstance(stored, dict):
        raise refuse("R01", "the file holds no schedule", "save one with dosing plan --json.", name)
    return stored


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _schedule(data: bytes, stored: dict[str, Any], name: str) -> Saved:
    if stored.get("schema") != SCHEMA:
        raise refuse("R07", f'the file is "{str(stored.get("schema"))[:40]}", not "{SCHEMA}"', "save a schedule with dosing plan --json.", name)
    try:
        return Saved.model_validate_json(data)
    except ValidationError as error:
        places = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors(include_url=False)[:5]]
        raise InputError(*(Fault("R01", f"the schedule is not whole ({message.lower()})", "save it again with dosing plan --json.", f"{name}: {place}") for place, message in places)) from None
