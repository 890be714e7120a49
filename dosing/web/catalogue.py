"""The list of the library, from the heads of its files: a file is proved when it is opened, so the first page is quick."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from dosing.regimen.library import Library
from dosing.regimen.loader import read_tree


def catalogue(shelf: Library) -> list[dict[str, str]]:
    """Every regimen and block as id, kind, version, status, title, source and drugs; a file that cannot be read says so."""
    return [{"id": name, **_head(path, path.stat().st_mtime_ns)} for name, path in sorted(shelf.regimens.items())]


@lru_cache(maxsize=512)
def _head(path: Path, changed: int) -> dict[str, str]:
    value: Any = read_tree(path.read_bytes(), path.name).value
    head = value if isinstance(value, dict) else {"title": "this file cannot be read: see dosing check", "status": "faulty"}
    texts = {key: str(head.get(key, start)) for key, start in (("kind", "protocol"), ("version", ""), ("status", ""), ("title", ""))}
    return texts | {"source": "; ".join(_each(head.get("sources"), "id")), "drugs": " ".join(dict.fromkeys(_each(head.get("orders"), "drug")))}


def _each(entries: Any, key: str) -> list[str]:
    """One key of each entry of a list or mapping."""
    some = entries.values() if isinstance(entries, dict) else entries if isinstance(entries, list) else ()
    return [str(one[key]) for one in some if isinstance(one, dict) and key in one]
