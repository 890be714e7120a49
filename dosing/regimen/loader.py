"""YAML text to models, or every fault of the file with its line.

The event stream of the C parser is read, not the composed nodes: only there are anchors, tags and the style of a
scalar still to be seen. Every scalar stays text (so `12:30`, `no`, `1.10` and `5e5` are never guessed), and repeated
keys, anchors, aliases, tags, tabs and unclear comments are faults. The only module that imports yaml.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dosing.errors import Fault, RegimenError, closest
from dosing.regimen.model import MADE, Model

Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
MAX_BYTES, MAX_DEPTH = 1 << 20, 12
HASH_COMMENT = re.compile(r"(?:^|\s)#(?=\S)")
MOJIBAKE = re.compile("[ÂÃ][\x80-\xbf]")
M = TypeVar("M", bound=Model)
Place = tuple[str | int, ...]


@dataclass
class Tree:
    """A file as nested dicts, lists and texts, with the line of each place and the faults seen so far."""

    name: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    files: dict[Place, str] = field(default_factory=dict)  # of the places that another file states, where one is laid over another

    def fault(self, code: str, line: int, what: str, do: str) -> None:
        """Note a fault at a line (counted from 1)."""
        self.faults.append(Fault(code, what, do, f"{self.name}:{line}"))

    def spot(self, place: Place) -> str:
        """`file:line` of a place, by the nearest line that is known."""
        known = next((place[:n] for n in range(len(place), -1, -1) if place[:n] in self.lines), ())
        return f"{self.files.get(known, self.name)}:{self.lines.get(known, 1)}"

    def where(self, place: Place) -> str:
        """`file:line: path` of a place."""
        return f"{self.spot(place)}: {self.path(place)}" if place else f"{self.name}:1"

    def path(self, place: Place) -> str:
        """A place as a dotted path; list entries are called by their id where they have one."""
        words, here = [], self.value
        for step in place:
            here = _inside(here, step)
            words.append(str(here["id"]) if isinstance(here, dict) and isinstance(step, int) and "id" in here else str(step))
        return ".".join(words)


def _inside(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def decode(data: bytes, tree: Tree) -> str | None:
    """The bytes as text; faults R06 and R12 for a file too large, not UTF-8, or with lost letters."""
    if len(data) > MAX_BYTES:
        tree.fault("R06", 1, f"the file has {len(data):,} bytes", "keep it under 1 MiB.")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        tree.fault("R12", data[: error.start].count(b"\n") + 1, "the file is not UTF-8", "save it as UTF-8 without a mark.")
        return None
    if text.startswith("\ufeff"):
        tree.fault("R12", 1, "the file starts with a byte order mark", "save it as UTF-8 without a mark.")
    for number, line in enumerate(text.splitlines(), 1):
        if "\ufffd" in line:
            tree.fault("R12", number, "a letter was lost here (U+FFFD); an SI prefix may be gone", "type it again from the source.")
        if MOJIBAKE.search(line):
            tree.fault("R12", number, "a letter was decoded twice (a broken µ?)", "type it again from the source.")
    return None if tree.faults else text


def read_tree(data: bytes, name: str) -> Tree:
    """A file's bytes as a `Tree`; all faults of form are collected in it."""
    tree = Tree(name)
    text = decode(data, tree)
    if text is None:
        return tree
    quoted: list[tuple[int, int, int, int]] = []
    try:
        events = _checked(yaml.parse(text, Loader=Loader), tree, quoted)
        tree.value = _node(next(events, None), events, tree, ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        tree.fault("R01", mark.line + 1 if mark else 1, f"YAML cannot be read: {getattr(error, 'problem', error)}",
                   "check colons, indentation (no tabs) and quotes on this line.")
    except RecursionError:
        tree.fault("R06", 1, f"nested deeper than {MAX_DEPTH}", "flatten it.")
    _comments(text, quoted, tree)
    return tree


def _checked(events: Iterator[Any], tree: Tree, quoted: list[tuple[int, int, int, int]]) -> Iterator[Any]:
    """The events that carry content; anchors, aliases and tags become faults, depth is bounded."""
    depth = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            tree.fault("R04", line, "an anchor or alias stands here", "write the value out.")
        if getattr(event, "tag", None) and not getattr(event, "implicit", True):
            tree.fault("R04", line, f'the tag "{event.tag[:40]}" stands here', "remove it; every value is text.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise RecursionError
        if isinstance(event, yaml.ScalarEvent) and event.style:
            quoted.append((event.start_mark.line, event.start_mark.column, event.end_mark.line, event.end_mark.column))
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event


def _node(event: Any, events: Iterator[Any], tree: Tree, place: Place) -> Any:
    if event is None:
        return None
    tree.lines.setdefault(place, event.start_mark.line + 1)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, tree, place)
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, tree, place)
    return event.value if isinstance(event, yaml.ScalarEvent) else ""


def _mapping(events: Iterator[Any], tree: Tree, place: Place) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            return result
        if not isinstance(event, yaml.ScalarEvent):
            tree.fault("R01", event.start_mark.line + 1, "a key is a list or a mapping", "write a plain word as key.")
            _node(event, events, tree, place)
            _node(next(events), events, tree, place)
            continue
        key, line = event.value, event.start_mark.line + 1
        if key in result:
            tree.fault("R02", line, f'"{key}" stands twice (also on line {tree.lines[*place, key]})', "keep one.")
        tree.lines[*place, key] = line
        result[key] = _node(next(events), events, tree, (*place, key))
    return result


def _sequence(events: Iterator[Any], tree: Tree, place: Place) -> list[Any]:
    result: list[Any] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        result.append(_node(event, events, tree, (*place, len(result))))
    return result


def _comments(text: str, quoted: list[tuple[int, int, int, int]], tree: Tree) -> None:
    """A `#` followed by anything but a blank is a fault: `Flu #30 mg` would lose its number."""
    for number, line in enumerate(text.splitlines()):
        for found in HASH_COMMENT.finditer(line):
            here = (number, found.end() - 1)
            if not any(start[:2] <= here < start[2:] for start in quoted):
                tree.fault("R01", number + 1, 'a "#" is followed by a letter', "write a comment as blank, #, blank, or quote the text.")


def load(path: Path, model: type[M], name: str = "") -> tuple[M, Tree]:
    """The model a file holds, and its tree for later checks; `RegimenError` with all faults otherwise."""
    return parse(read(path), model, name or path.name)


def read(path: Path) -> bytes:
    """The bytes of a file; `RegimenError` (R05) where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RegimenError(Fault("R05", f"the file cannot be read ({error.strerror})", "check its name.", str(path))) from None


def parse(data: bytes, model: type[M], name: str) -> tuple[M, Tree]:
    """Like `load`, from bytes; the SHA-256 of the bytes is kept where the model has a place for it."""
    tree = read_mapping(data, name)
    if tree.faults:
        raise RegimenError(*tree.faults)
    extra = {"sha256": hashlib.sha256(data).hexdigest(), "path": name}
    return modelled(tree, model).model_copy(update={key: value for key, value in extra.items() if key in model.model_fields}), tree


def read_mapping(data: bytes, name: str) -> Tree:
    """Like `read_tree`, for a file that must be a mapping at the top and write none of the keys that are worked out."""
    tree = read_tree(data, name)
    if not tree.faults and not isinstance(tree.value, dict):
        tree.fault("R05", 1, "the file is empty or not a mapping at the top", "start with id, version, status, title.")
    for key in MADE if isinstance(tree.value, dict) else ():
        if key in tree.value:
            tree.fault("R03", tree.lines[key,], f'unknown key "{key}"', "leave it out; it is worked out from the file.")
    return tree


def modelled(tree: Tree, model: type[M]) -> M:
    """The model a tree holds; `RegimenError` with every fault of its form and content."""
    value = {key: entry for key, entry in tree.value.items() if key not in MADE} if isinstance(tree.value, dict) else {}
    try:
        result = model.model_validate(value)
    except ValidationError as error:
        raise RegimenError(*tree.faults, *(_fault(item, tree, model) for item in error.errors(include_url=False))) from None
    if tree.faults:
        raise RegimenError(*tree.faults)
    return result


def sound_part(tree: Tree, model: type[M]) -> tuple[M, Tree] | None:
    """A file without the orders and unknown keys that are at fault, so that rules can be held against the rest.

    Its lines stay those of the whole file. None where the fault is elsewhere, or nothing is left.
    """
    if not isinstance(tree.value, dict) or tree.faults:
        return None
    places = [item["loc"] for item in _errors(tree.value, model)]
    bad = {place[1] for place in places if len(place) > 1 and place[0] == "orders"}
    unknown = {place[0] for place in places if len(place) == 1} - set(_keys(model, ("",)))
    kept = [n for n in range(len(tree.value.get("orders", ()))) if n not in bad]
    value = {key: entry for key, entry in tree.value.items() if key not in unknown} | {"orders": [tree.value["orders"][n] for n in kept]} if kept else {}
    if not kept or _errors(value, model):
        return None
    at: dict[Any, int] = {old: new for new, old in enumerate(kept)}
    lines = {(place[0], at[place[1]], *place[2:]) if place[:1] == ("orders",) and len(place) > 1 else place: line
             for place, line in tree.lines.items() if place[:1] != ("orders",) or len(place) < 2 or place[1] in at}  # fmt: skip
    return model.model_validate(value), Tree(tree.name, value, lines)


def _errors(value: Any, model: type[M]) -> list[Any]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return list(error.errors(include_url=False))
    return []


def _fault(item: Any, tree: Tree, model: type[BaseModel]) -> Fault:
    """One pydantic error as a fault with its line."""
    place = tuple(step for step in item["loc"] if not (isinstance(step, str) and step.startswith(("function-", "literal["))))
    where, kind, context = tree.where(place), item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return Fault("R03", f'unknown key "{place[-1]}"', closest(str(place[-1]), _keys(model, place)), where)
    if kind == "missing":
        return Fault("R05", f'the key "{place[-1]}" is missing', "write it; nothing is filled in.", tree.where(place[:-1]) + f".{place[-1]}")
    if kind == "literal_error":
        return Fault("R11", f'"{str(item["input"])[:40]}" is not known here', f"write {context['expected']}.", where)
    if "what" in context:
        return Fault(kind, context["what"], context["do"], where)
    if item["input"] in ("", None) or kind.endswith("_type"):
        return Fault("R05" if item["input"] in ("", None) else "R01", "the value is empty or of the wrong shape", "see the schema: dosing schema.", where)
    return Fault("R11", item["msg"].lower(), "see the schema: dosing schema.", where)


def _keys(model: Any, place: Place) -> set[str]:
    """The keys the model knows at the parent of a place (for a spelling suggestion)."""
    for step in place[:-1]:
        if isinstance(step, str) and isinstance(model, type) and issubclass(model, BaseModel):
            named = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
            model = _model_in(named.get(step))
    return {info.alias or name for name, info in model.model_fields.items()} if hasattr(model, "model_fields") else set()


def _model_in(annotation: Any) -> Any:
    """The first model inside an annotation such as `tuple[Order, ...]` or `dict[Id, Source]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))), None)
