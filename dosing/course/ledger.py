"""The course file: an append-only list of entries chained by hash, written whole, by one writer at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import Any

from dosing.course.events import Event, read_event
from dosing.errors import Fault, InputError, UsageError, refuse
from dosing.files import LARGEST, named, take, write_whole

SCHEMA = "dosing.course/1"
FIRST = "0" * 64
KEYS = {"schema", "ledger", "head", "issues"}


@dataclass(frozen=True)
class Book:
    """The content of a course file: entries in order, the schedules of its issues, and the bytes it was read from."""

    entries: tuple[Event, ...] = ()
    issues: tuple[dict[str, Any], ...] = ()
    data: bytes = b""


def canonical(data: Any) -> bytes:
    """Plain JSON values as the bytes a hash is taken of: sorted keys, no spaces, UTF-8."""
    return dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(data: Any) -> str:
    """The SHA-256 of plain JSON values in canonical form, as 64 hex digits."""
    return sha256(canonical(data)).hexdigest()


def chained(entries: Sequence[Event]) -> tuple[list[dict[str, Any]], str]:
    """The entries as they stand in the file, each with its number and the hash of the one before, and the last hash."""
    rows, before = [], FIRST
    for number, entry in enumerate(entries, 1):
        told = {key: value for key, value in entry.model_dump(mode="json", exclude_defaults=True).items() if key != "what"}
        row = {"number": number, "what": entry.what, **told, "previous": before}
        rows.append(row)
        before = digest(row)
    return rows, before


def to_bytes(book: Book) -> bytes:
    """The course file of a book; same book, same bytes."""
    rows, head = chained(book.entries)
    return (dumps({"schema": SCHEMA, "ledger": rows, "head": head, "issues": list(book.issues)}, indent=1, ensure_ascii=False) + "\n").encode()


def read_bytes(data: bytes, name: str) -> Book:
    """A book from the bytes of a course file; `InputError` R11 for another form, R07 naming the first broken entry."""
    tree = _tree(data, name)
    _prove_chain(tree["ledger"], tree["head"], name)
    strip = ("number", "previous")
    entries = tuple(read_event({key: value for key, value in row.items() if key not in strip}, f"{name}: entry {number}") for number, row in enumerate(tree["ledger"], 1))
    _prove_start(entries, name)
    _prove_issues(entries, tree["issues"], name)
    return Book(entries, tuple(tree["issues"]), data)


def _tree(data: bytes, name: str) -> dict[str, Any]:
    """The nested values of a course file, checked for their outer form."""
    if len(data) > LARGEST:
        raise refuse("R06", f"the file has {len(data)} bytes", "name a course file; a course is far smaller.", name)
    try:
        tree = loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise refuse("R11", "this is not a whole course file: it ends early or is no JSON", "take the copy from the last backup or the other machine.", name) from None
    except ValueError as error:
        raise refuse("R02", str(error), "the file was changed by hand; take an untouched copy.", name) from None
    if not isinstance(tree, dict) or tree.get("schema") != SCHEMA:
        raise refuse("R11", f"this is not a course file of the form {SCHEMA}", "name a file that was made as a course (dosing course start).", name)
    shapes = {"ledger": list, "head": str, "issues": list}
    wrong = sorted(KEYS ^ tree.keys()) or [key for key, kind in shapes.items() if not isinstance(tree[key], kind)]
    if wrong or not all(isinstance(row, dict) for row in (*tree["ledger"], *tree["issues"])):
        raise refuse("R11", f"the course file is not whole: {', '.join(wrong) or 'an entry is no record'}", "the file was changed by hand; take an untouched copy.", name)
    return tree


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _prove_chain(rows: list[dict[str, Any]], head: str, name: str) -> None:
    """Refuse a ledger whose entries are not as they were written, naming the entry."""
    before = FIRST
    for number, row in enumerate(rows, 1):
        if row.get("number") != number:
            raise _broken(name, number, "is missing or out of its place")
        if row.get("previous") != before:
            raise _broken(name, max(number - 1, 1), f"{_title(rows[max(number - 2, 0)])} is not as it was written: entry {number} holds another hash of it")
        before = digest(row)
    if head != before:
        raise _broken(name, len(rows), f"{_title(rows[-1]) if rows else ''} is not as it was written, or entries after it were taken away".strip())


def _title(row: dict[str, Any]) -> str:
    dose = f" {row.get('order')}#{row.get('dose')}" if "dose" in row and "order" in row else ""
    return f"({row.get('what', '?')}{dose})"


def _broken(name: str, number: int, what: str) -> InputError:
    return refuse("R07", f"entry {number} {what}", "the ledger was changed outside the program; take an untouched copy; a dose is corrected by a further entry (course correct).", f"{name}: entry {number}")


def _prove_start(entries: Sequence[Event], name: str) -> None:
    starts = [number for number, entry in enumerate(entries, 1) if entry.what == "start"]
    if starts != [1]:
        raise refuse("R11", "the ledger must begin with its only start entry", "the file was changed by hand; take an untouched copy.", name)


def _prove_issues(entries: Sequence[Event], issues: list[dict[str, Any]], name: str) -> None:
    """Refuse an issue whose kept schedule is not the one its entry names."""
    named = [entry.sha256 for entry in entries if entry.what == "issue"]
    for number, issue in enumerate(issues, 1):
        if number > len(named) or digest(issue) != named[number - 1]:
            raise refuse("R07", f"issue {number} is not as it was printed", "the file was changed outside the program; take an untouched copy.", f"{name}: issue {number}")
    if len(issues) != len(named):
        raise refuse("R07", f"issue {len(issues) + 1} is missing", "the file was changed outside the program; take an untouched copy.", name)


def load(path: str | os.PathLike[str]) -> Book:
    """The book of a course file; `InputError` for one that cannot be read (R05) or is not whole."""
    target = named(os.fspath(path))
    try:
        data = target.read_bytes()
    except OSError as error:
        raise refuse("R05", f"the course file cannot be read ({error.strerror})", "check its name.", target.name) from None
    return read_bytes(data, target.name)


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Hold the only right to write a course file; `UsageError` L01 while another holds it.

    Links are followed, unlike those to a print: one course has one file and one lock, whatever it is called. The lock is
    a file beside it, held by the operating system, which lets go of it when the program ends in any way: a lock file that
    a stopped program left behind holds nobody up, and goes with the next save.
    """
    target = Path(os.path.realpath(named(os.fspath(path))))
    lock = target.with_name(f".{target.name}.lock")
    handle = _held(lock, target)
    try:
        yield target
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(handle)


def _held(lock: Path, target: Path) -> int:
    """The lock file, open and held; taken again where another program let go of it and took it away in between."""
    while True:
        try:
            handle = os.open(lock, os.O_CREAT | os.O_RDWR)
        except OSError as error:
            raise UsageError(Fault("S01", f"the folder cannot be written ({error.strerror})", "check the folder and its permissions.", target.name)) from None
        try:
            take(handle)
            if os.path.samestat(os.fstat(handle), lock.stat()):
                return handle
        except FileNotFoundError:
            pass
        except OSError:
            os.close(handle)
            raise UsageError(Fault("L01", "another program is writing this course", "wait and try again.", target.name)) from None
        os.close(handle)


def save(path: str | os.PathLike[str], book: Book, known: bytes | None) -> bytes:
    """Write a book whole; `known` are the bytes it was read from (None for a new file).

    `UsageError` L02 when the file has changed since, S01 when a new file would replace one. Gives the bytes written.
    """
    data = to_bytes(book)
    with locked(path) as target:
        _unchanged(target, known)
        write_whole(target, data)
    return data


def _unchanged(target: Path, known: bytes | None) -> None:
    there = _there(target)
    if known is None and there is not None:
        raise UsageError(Fault("S01", "there is a file of this name already", "choose another name; a course is never written over.", target.name))
    if known is not None and there != known:
        raise UsageError(Fault("L02", "someone else has written this course since it was read", "run the command again on the course as it is now.", target.name))


def _there(target: Path) -> bytes | None:
    """What a file holds now; None where there is none."""
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(Fault("S01", f"the course cannot be written there ({error.strerror})", "check its name and permissions.", target.name)) from None
