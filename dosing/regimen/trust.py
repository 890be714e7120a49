"""A released file never changes: its SHA-256 stands in `released.lock` beside it, and a file that differs is refused.

One line a release, `id@version sha256:<digits> author AB, approved by CD`, and below it one for each file its figures hang
on, `id@version uses drugs/busulfan.yaml sha256:<digits>`; lines are added and never rewritten. A change is a new version
that says what it supersedes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dosing.errors import Fault, RegimenError
from dosing.files import write_whole
from dosing.regimen.schema import Regimen

LOCK = "released.lock"
HEAD = "# Released regimen files: a line is added by `dosing check FILE --release`; none is ever changed.\n"
LINE = re.compile(r"(\S+@\S+) sha256:([0-9a-f]{64}) (author .+, approved by .+)")
USES = re.compile(r"(\S+@\S+) uses (\S+) sha256:([0-9a-f]{64})")


class Entry(NamedTuple):
    """One released file: its SHA-256, who wrote and approved it, and the SHA-256 of the files its figures hang on."""

    sha256: str
    people: str
    uses: dict[str, str]


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
        if what := _add(line.strip(), found):
            raise RegimenError(Fault("R07", what, "restore the file; a release adds lines and changes none.", f"{path.name}:{number}"))
    return found


def _add(line: str, found: dict[str, Entry]) -> str:
    """Take one line of a lock in, or say what is wrong with it."""
    if used := USES.fullmatch(line):
        if used[1] not in found or used[2] in found[used[1]].uses:
            return f"{used[2]} of {used[1]} stands twice, or before its release"
        found[used[1]].uses[used[2]] = used[3]
        return ""
    told = LINE.fullmatch(line)
    if not told or told[1] in found:
        return f"{told[1]} stands twice" if told else "the line is not id@version sha256:… author …, approved by …"
    found[told[1]] = Entry(told[2], told[3], {})
    return ""


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


def changed_since(entry: Entry, facts: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the files whose SHA-256 is not the one of the release, or that the release does not name."""
    return tuple(name for name, digest in facts.items() if entry.uses.get(name) != digest)


def facts_fault(regimen: Regimen) -> Fault | None:
    """What is wrong with a released file whose drug files, policies or site conventions have changed since (R07)."""
    if not regimen.changed_since:
        return None
    name = f"{regimen.id}@{regimen.version}"
    return Fault("R07", f"{', '.join(regimen.changed_since)} changed since {name} was released",
                 f"restore what was signed, or have a new version with `supersedes: {name}` signed and released.", f"{Path(regimen.path).name}:1")  # fmt: skip


def release(regimen: Regimen, path: Path, facts: Mapping[str, str]) -> Path:
    """Add a regimen and the `facts` its figures hang on to the lock of its library folder; the lock's path comes back.

    Raises `RegimenError` R07 where its status is not released, or this version was released with other content or facts,
    `UsageError` (S01) where the lock cannot be written.
    """
    name, lock = f"{regimen.id}@{regimen.version}", folder_of(path) / LOCK
    known = entries([lock.parent])
    if regimen.status != "released":
        raise RegimenError(Fault("R07", f"the status of {name} is {regimen.status}", "write status: released with author and approved-by, then release it.", regimen.path))
    if name in known:
        now = regimen.model_copy(update={"changed_since": changed_since(known[name], facts)})
        if wrong := fault(regimen, known) or facts_fault(now):
            raise RegimenError(wrong)
    else:
        people = f"author {regimen.author}, approved by {' and '.join(regimen.approved_by)}"
        before = lock.read_text(encoding="utf-8") if lock.is_file() else HEAD
        used = "".join(f"{name} uses {file} sha256:{digest}\n" for file, digest in facts.items())
        write_whole(lock, f"{before}{name} sha256:{regimen.sha256} {people}\n{used}".encode())
    return lock
