"""The house stays as it was drawn: floors, small functions, documented names, a quick start, a current schema."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import pytest

from dosing.regimen.schema import json_schema

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "dosing").rglob("*.py"))
HEAVY = {"pint", "pydantic", "arrow", "numpy"}
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


class Measured(NamedTuple):
    """One function: where it stands, its name, and its lines without the docstring."""

    place: str
    name: str
    lines: int


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@lru_cache(maxsize=512)
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def measured() -> list[Measured]:
    found = []
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, FUNCTIONS):
                told = node.body[0] if ast.get_docstring(node) else None
                docs = told.end_lineno - told.lineno + 1 if told else 0
                found.append(Measured(f"{name_of(path)}:{node.lineno}", node.name, node.end_lineno - node.lineno + 1 - docs))
    return found


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=ROOT, encoding="utf-8")


def test_the_floors_of_the_house_are_kept() -> None:
    pytest.importorskip("importlinter")
    said = run("-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))")
    assert said.returncode == 0, said.stdout[said.stdout.find("Contracts") :] + said.stderr


def late() -> list[tuple[str, str]]:
    """The upward imports that the contract allows by name, such as a notebook's view of a schedule."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return [tuple(edge.split(" -> ")) for contract in tool["contracts"] if contract["type"] == "layers" for edge in contract.get("ignore_imports", ())]


def test_no_module_imports_itself_in_a_circle() -> None:
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("dosing", exclude_type_checking_imports=True, cache_dir=None)
    floors = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    for module, other in late():
        floors.get(module, set()).discard(other)
    try:
        TopologicalSorter(floors).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(reversed(circle.args[1])))


@pytest.mark.parametrize("module, other", late())
def test_an_upward_import_waits_until_it_is_used(module: str, other: str) -> None:
    """It stands inside a function, so that loading the lower floor loads nothing above it."""
    (path,) = [path for path in FILES if name_of(path) == module] or [None]
    for node in tree(path).body if path else ():
        if isinstance(node, ast.ImportFrom):
            assert node.module != other and not any(f"{node.module}.{name.name}" == other for name in node.names)


def test_functions_are_small() -> None:
    sizes = [one.lines for one in measured()]
    longest = sorted(measured(), key=lambda one: -one.lines)[:8]
    assert median(sizes) <= 6, longest
    assert quantiles(sizes, n=10)[-1] <= 20, longest


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def undocumented(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    """Public names below a module or class that say nothing about themselves."""
    for child in node.body:
        if isinstance(child, (*FUNCTIONS.__args__, ast.ClassDef)) and not child.name.startswith("_"):
            if not ast.get_docstring(child):
                yield f"{prefix}.{child.name}"
            if isinstance(child, ast.ClassDef):
                yield from undocumented(child, f"{prefix}.{child.name}")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_everything_public_says_what_it_is(path: Path) -> None:
    found = [] if ast.get_docstring(tree(path)) or path.name == "__main__.py" else [name_of(path)]
    assert found + list(undocumented(tree(path), name_of(path))) == []


def cures(node: ast.AST) -> Iterator[ast.expr]:
    """What to do about a fault, wherever the code writes it down: an argument, a `do` of a mapping, a named cure."""
    match node:
        case ast.Call(func=ast.Name(id="Fault" | "refuse"), args=[_, _, cure, *_]) | ast.Call(func=ast.Attribute(attr="fault"), args=[_, _, _, cure]):
            yield cure
        case ast.Call(keywords=[*words]) if any(word.arg == "do" for word in words):
            yield from (word.value for word in words if word.arg == "do")
        case ast.Dict():
            yield from (value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant) and key.value == "do")
        case ast.Assign(targets=[ast.Name(id="DO" | "_CURE" | "EXTRA")]):
            yield node.value


def endings(cure: ast.expr) -> Iterator[str]:
    """The last words of a text as it is written; nothing where a name or a call gives them."""
    match cure:
        case ast.IfExp():
            yield from (*endings(cure.body), *endings(cure.orelse))
        case ast.BinOp():
            yield from endings(cure.right)
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(text))]):
            yield text
        case ast.JoinedStr(values=[*_, ast.FormattedValue(value=ast.Name(id=name))]) if name not in ("cure", "more", "EXTRA"):
            yield name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_cure_ends_as_a_sentence(path: Path) -> None:
    """With a full stop or a question mark; cures that are put together are held to it where they are refused, over the bad inputs."""
    found = [(node.lineno, text) for node in ast.walk(tree(path)) for cure in cures(node) for text in endings(cure)]
    assert [(line, text) for line, text in found if not text.endswith((".", "?"))] == []


def test_help_loads_nothing_heavy() -> None:
    said = run("-c", "import sys; from dosing.cli import main; main(['--help']); print(*sorted({name.partition('.')[0] for name in sys.modules}))")
    assert said.returncode == 0 and "Usage" in said.stdout
    assert not HEAVY & set(said.stdout.splitlines()[-1].split())


ALONE = """
import importlib, os, sys, traceback
import arrow, click, numpy, pint, pydantic, rich, yaml  # loaded once; each child then loads this package only
low, high = sys.argv[1].split(","), sys.argv[2].split(",")
def alone(name):
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException:
            print(name, traceback.format_exc(limit=-1), sep=": ", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
for name in low:
    alone(name)
importlib.import_module("dosing.regimen.schema")  # the slow floor, just proved; nothing below looks up
for name in high:
    alone(name)
"""
LOW = ("dosing.errors", "dosing.units", "dosing.forms", "dosing.regimen.schema")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_each_module_loads_alone() -> None:
    names = [name_of(path) for path in FILES if path.name != "__main__.py"]
    low = [name for name in names if name.startswith(LOW)]
    said = run("-c", ALONE, ",".join(low), ",".join(name for name in names if name not in low))
    assert (said.stdout, said.returncode) == ("", 0), said.stdout + said.stderr


def test_the_schema_file_is_current() -> None:
    """After a change of the models: `dosing schema > regimens/schema.json`."""
    kept = json.loads((ROOT / "regimens" / "schema.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(json_schema()))


def test_the_schema_command_prints_the_file() -> None:
    said, same = run("-m", "dosing", "schema"), run("-m", "dosing", "schema", "--json")
    assert said.returncode == same.returncode == 0 and said.stdout == same.stdout == (ROOT / "regimens" / "schema.json").read_text(encoding="utf-8")
