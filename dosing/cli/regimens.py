"""Verbs on the library: list, show, check, schema."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from dosing.cli.group import JSON, LIBRARY, TextCommand, cli, emit

if TYPE_CHECKING:
    from dosing.proof import Proof
    from dosing.regimen.library import Library

MANY = 12  # files from which on the proof is shared among processes


@cli.command("list")
@click.option("--site", is_flag=True, help="The house conventions in effect instead, each with the file and line that states it.")
@LIBRARY
@JSON
def list_(site: bool, library: Sequence[str], as_json: bool) -> None:
    """Every regimen and block: id, version, status, title, source; with --site, the house conventions."""
    from dosing.regimen.library import library as shelf
    from dosing.render.protocol import listing

    if site:
        stated = shelf(tuple(library)).conventions
        emit({"site": [one._asdict() for one in stated]}) if as_json else click.echo("\n".join(_short(f"{one.key:<22} {one.where or 'not stated':<22} {one.value}".rstrip()) for one in stated))
        return
    found = listing(shelf(tuple(library)))
    emit({"regimens": found}) if as_json else click.echo("\n".join(_short(f"{r['id']:<22} {r['kind']:<9} v{r['version']:<4} {r['status']:<9} {r['title']} [{r['source']}]") for r in found))


def _short(line: str) -> str:
    """A line cut to the width of a terminal; in a pipe and in `--json` the whole title and source stand."""
    width = get_terminal_size().columns
    return line if len(line) <= width or not sys.stdout.isatty() else f"{line[: width - 1]}…"


@cli.command(cls=TextCommand)
@click.argument("regimen")
@click.option("--day0", metavar="DATE", help="Print dates too, YYYY-MM-DD.")
@LIBRARY
@JSON
def show(regimen: str, day0: str | None, library: Sequence[str], as_json: bool) -> None:
    """The protocol as a page: orders, choices, open queries, sources, printed phrases; no patient, no amounts."""
    from dosing import forms
    from dosing.regimen.library import load_regimen
    from dosing.render.protocol import page, to_dict

    found = load_regimen(regimen, library)
    zero = forms.read_date(day0) if day0 is not None else None
    emit(to_dict(found, zero)) if as_json else click.echo(page(found, zero))


@cli.command(cls=TextCommand)
@click.argument("files", nargs=-1)
@click.option("--against", metavar="RECORD", help="A source record: prove that each printed phrase is in it.")
@click.option("--all", "everything", is_flag=True, help="Every regimen and block of the library, in every combination of choices and every format.")
@click.option("--deep", is_flag=True, help="Every combination in the slow formats too (PDF, XLSX, calendar, FHIR).")
@click.option("--release", is_flag=True, help="Write sound files of status released into the lock: from then on they never change.")
@LIBRARY
@JSON
def check(files: Sequence[str], against: str | None, everything: bool, deep: bool, release: bool, library: Sequence[str], as_json: bool) -> int:
    """Validate regimen files: form, rules, worked examples, every combination of choices; with a record, each phrase."""
    from dosing import proof
    from dosing.regimen.library import library as shelf

    folders, began = tuple(library), monotonic()
    whole = shelf(folders)
    names = list(files) + (sorted({**whole.regimens, **whole.earlier}) if everything else [])
    if not names:
        raise click.UsageError("name a regimen or file, or add --all")
    depth: proof.Depth = "deep" if deep else "once" if everything else "quick"
    with click.progressbar(_proofs(names, (against, folders, depth, release)), len(names), label="proving", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        proofs = list(bar)
    locks = [_release(name, whole) for name, one in zip(names, proofs, strict=True) if one.holds] if release else []
    if as_json:
        emit({"files": [one.to_dict() for one in proofs], "errors": [fault.to_dict() for one in proofs for fault in one.faults]})
    else:
        _tell(proofs, bool(against), monotonic() - began)
    for lock in dict.fromkeys(locks):
        click.echo(f"released, and locked in {lock}", err=True)
    return 0 if all(one.holds for one in proofs) else 3


def _proofs(names: Sequence[str], asked: tuple[Any, ...]) -> Iterator[Proof]:
    """The proofs of some files in their order; of many by several processes, one for each core."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import cpu_count, get_context
    from os import environ

    from dosing import proof

    work = partial(_proof, asked=asked)
    if len(names) < MANY or cpu_count() == 1:
        yield from map(work, names)
        return
    proof.check(names[0])  # a fault of the library itself is told before the work is shared
    environ.setdefault("RAYON_NUM_THREADS", "1")  # each process sets its pages alone
    with ProcessPoolExecutor(min(cpu_count(), 8), get_context("spawn")) as pool:
        yield from pool.map(work, names, chunksize=2)


def _proof(name: str, asked: tuple[Any, ...]) -> Proof:
    from dosing import proof

    return proof.check(name, *asked)


def _release(name: str, whole: Library) -> Path:
    from dosing.regimen import trust

    found = whole.regimen(name, unreleased=True)
    return trust.release(found, whole.path(name), whole.facts(found))


def _tell(proofs: Sequence[Proof], against: bool, seconds: float) -> None:
    """One line a file with its faults below, and how much was tried in all."""
    for one in proofs:
        told = f"{_many(one.phrases, 'printed phrase')} found, " if against else ""
        combinations = f", {_many(one.combinations, 'combination')} of choices" if one.combinations else ""
        click.echo(f"{one.id}{'' if one.holds or not one.version else f'@{one.version}'}: {'sound' if one.holds else _many(len(one.faults), 'fault')}, {told}{_many(one.examples, 'worked example')}{combinations}{''.join(f'; {note}' for note in one.notes)}")
        for fault in one.faults:
            click.echo(f"  {fault}", err=True)
    if len(proofs) > 1:
        sums = [sum(getattr(one, name) for one in proofs) for name in ("examples", "combinations", "plans", "files")]
        told = ", ".join(_many(number, what) for number, what in zip(sums, ("worked example", "combination of choices", "plan calculated twice", "file written"), strict=True))
        click.echo(f"{_many(len(proofs), 'regimen')}, {sum(not one.holds for one in proofs)} with faults: {told}, in {seconds:.1f} s", err=True)


def _many(number: int, what: str) -> str:
    """A number with its noun: `1 fault`, `2 faults`, `3 plans calculated twice`."""
    noun, _, rest = what.partition(" ") if what.startswith(("combination", "plan ", "file ")) else (what, "", "")
    return f"{number:,} {noun}{'' if number == 1 else 's'}{' ' + rest if rest else ''}"


@cli.command()
@click.option("--json", is_flag=True, expose_value=False, help="Print JSON on stdout, as it always does.")
def schema() -> None:
    """JSON Schema of regimen files."""
    from dosing.regimen.schema import json_schema

    emit(json_schema())
