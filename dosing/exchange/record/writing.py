"""A draft regimen as text: the house's simple YAML, every scalar quoted where the loader could read it otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PLAIN = re.compile(r"[A-Za-z0-9][^\n\"'#{}\[\]&*!|%@`]*(?<![\s:])|[+-]?\d+(?:(?:, |\.\.)[+-]?\d+)*")
WORD = re.compile(r"[A-Za-z0-9][\w .+/<>=!-]*(?<! )")


def to_yaml(data: Mapping[str, Any], head: Sequence[str]) -> str:
    """The text of a regimen file with a head of comments; mappings and lists of texts keep their order."""
    lines = [*(f"# {line}".rstrip() for line in head), ""]
    for key, value in data.items():
        gap = [""] if isinstance(value, (Mapping, list)) else []
        lines += [*gap, *_entry(key, value, 0)]
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, depth: int) -> Iterator[str]:
    """One key with its value, on one line where it is small."""
    space = "  " * depth
    if isinstance(value, str):
        yield f"{space}{_key(key)}: {scalar(value)}"
    elif key in ("cite", "when"):
        yield f"{space}{_key(key)}: {flow(value, quoted=key == 'cite')}"
    elif isinstance(value, Mapping):
        yield f"{space}{_key(key)}:"
        for name, inner in value.items():
            yield from _entry(name, inner, depth + 1)
    else:
        yield f"{space}{key}:"
        for row in value:
            if isinstance(row, str):
                yield f"{space}  - {scalar(row)}"
                continue
            first, *rest = [line for name, inner in row.items() for line in _entry(name, inner, depth + 2)]
            yield f"{space}  - {first.strip()}"
            yield from rest


def flow(value: Any, quoted: bool = False) -> str:
    """A value on one line; in it every text but a word or a condition is quoted, and every printed phrase."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {flow(one, quoted)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return flow(value[0], quoted) if len(value) == 1 else "[" + ", ".join(flow(one, quoted) for one in value) + "]"
    return value if WORD.fullmatch(value) and not quoted else json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return f'"{key}"' if key in ("yes", "no") else key


def scalar(text: str) -> str:
    """A text on a line of its own; quoted where a sign in it means something to YAML."""
    return text if PLAIN.fullmatch(text) and ": " not in text else json.dumps(text, ensure_ascii=False)
