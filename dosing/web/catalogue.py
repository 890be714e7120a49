"""The list of the library, from the heads of its files: a file is proved when it is opened, so the first page is quick."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from dosing.regimen.library import Library
from dosing.regimen.loader import read_tree


def catalogue(shelf: Library) -> list[dict[str, str]]:
    """Every regimen and block as id, kind, version, status, title and source; a file that cannot be read says so."""
    return [_head(path, path.stat().st_mtime_ns) | {"id": name} for name, path in sorted(shelf.regimens.items())]


@lru_cache(maxsize=512)
def _head(path: Path, changed: int) -> dict[str, str]:
    value: Any = read_tree(path.read_bytes(), path.name).value
    head = value if isinstance(value, dict) else {"title": "this file cannot be read: see dosing check", "status": "faulty"}
    sources = head.get("sources", {})
    named = [str(one.get("id", "")) for one in sources.values() if isinstance(one, dict)] if isinstance(sources, dict) else []
    return {"kind": str(head.get("kind", "protocol")), "version": str(head.get("version", "")), "status": str(head.get("status", "")), "title": str(head.get("title", "")), "source": "; ".join(named)}
