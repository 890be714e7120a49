"""A released file never changes: its SHA-256 stands in `released.lock` beside it, and a file that differs is refused.

One line a release, `id@version sha256:<digits> author AB, approved by CD`; lines are added and never rewritten. A change
is a new version that says what it supersedes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dosing.errors import Fault, RegimenError
from dosing.regimen.schema import Regimen

LOCK = "released.lock"
HEAD = "# Released regimen files: a line is added by `dosing check FILE --release`; none is ever changed.\n"
LINE = re.compile(r"(\S+@\S+) sha256:([0-9a-f]{64}) (author .+, approved by .+)")


class Entry(NamedTuple):
    """One released file: its SHA-256 and who wrote and approved it."""

    sha256: str
    people: str


def folder_of(path: Path) -> Path:
    """The library folder of a regimen file: the one that holds `protocols/` or `blocks/`, else the file's own."""
    return path.parent.parent if path.parent.name in ("protocols", "blocks") else path.parent


def entries(folders: Iterable[Path]) -> dict[str, Entry]:
    """The released files of some library folders by `id@version`; `RegimenError` R07 for a line that cannot be read."""
    found: dict[str, Entry] = {}
    for folder in folders:
        path = folder / LOCK
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            continue
        found |= _read(path, changed)
    return found


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        told = LINE.fullmatch(line.strip())
        if not told or told[1] in found:
            what = "the line is not id@version sha256:… author …, approved by …" if not told else f"{told[1]} stands twice"
            raise RegimenError(Fault("R07", what, "restore the file; a release adds one line and changes none.", f"{path.name}:{number}"))
        found[told[1]] = Entry(told[2], told[3])
    return found


def fault(regimen: Regimen, released: Mapping[str, Entry]) -> Fault | None:
    """What is wrong with a file by the lock: changed since its release, or called released without one (R07)."""
    name = f"{regimen.id}@{regimen.version}"
    entry, where = released.get(name), f"{Path(regimen.path).name}:1"
    if entry is None:
        if regimen.status != "released":
            return None
        return Fault("R07", f"{name} says released, and no {LOCK} names it", "release it with: dosing check FILE --release, or write status: draft.", where)
    if entry.sha256 == regimen.sha256:
        return None
    return Fault("R07", f"{name} has changed since it was released ({entry.people}): sha256 starts {entry.sha256[:8]}, now {regimen.sha256[:8]}",
                 f"restore the released file, or give the changed one a new version with `supersedes: {name}`.", where)  # fmt: skip


def release(regimen: Regimen, path: Path) -> Path:
    """Add a regimen to the lock of its library folder and give the lock's path back.

    Raises `RegimenError` R07 where its status is not released or this version was released with other content.
    """
    name, lock = f"{regimen.id}@{regimen.version}", folder_of(path) / LOCK
    known = entries([lock.parent])
    if regimen.status != "released":
        raise RegimenError(Fault("R07", f"the status of {name} is {regimen.status}", "write status: released with author and approved-by, then release it.", regimen.path))
    if wrong := fault(regimen, known) if name in known else None:
        raise RegimenError(wrong)
    if name not in known:
        people = f"author {regimen.author}, approved by {' and '.join(regimen.approved_by)}"
        before = lock.read_text(encoding="utf-8") if lock.is_file() else HEAD
        lock.write_text(f"{before}{name} sha256:{regimen.sha256} {people}\n", encoding="utf-8")
    return lock
