"""Verbs on the library: list, show, check, schema."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dosing.cli.group import JSON, LIBRARY, TextCommand, cli, emit


@cli.command("list")
@LIBRARY
@JSON
def list_(library: Sequence[str], as_json: bool) -> None:
    """Every regimen and block: id, version, status, title, source."""
    from dosing.regimen.library import library as shelf
    from dosing.render.protocol import listing

    found = listing(shelf(tuple(library)))
    emit({"regimens": found}) if as_json else click.echo("\n".join(f"{r['id']:<22} {r['kind']:<9} v{r['version']:<4} {r['status']:<9} {r['title']} [{r['source']}]" for r in found))


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
@click.option("--all", "everything", is_flag=True, help="Every regimen and block of the library.")
@LIBRARY
@JSON
def check(files: Sequence[str], against: str | None, everything: bool, library: Sequence[str], as_json: bool) -> int:
    """Validate regimen files: form, rules, worked examples; with a source record, each printed phrase."""
    from dosing import proof
    from dosing.regimen.library import library as shelf

    names = list(files) + (sorted(shelf(tuple(library)).regimens) if everything else [])
    if not names:
        raise click.UsageError("name a regimen or file, or add --all")
    proofs = [proof.check(name, against, tuple(library)) for name in names]
    if as_json:
        emit({"files": [one.to_dict() for one in proofs], "errors": [fault.to_dict() for one in proofs for fault in one.faults]})
    for one in proofs if not as_json else ():
        told = f"{one.phrases} printed phrases found, " if against else ""
        click.echo(f"{one.id}: {'sound' if one.holds else f'{len(one.faults)} faults'}, {told}{one.examples} worked examples")
        for fault in one.faults:
            click.echo(f"  {fault}", err=True)
    return 0 if all(one.holds for one in proofs) else 3


@cli.command()
def schema() -> None:
    """JSON Schema of regimen files."""
    from dosing.regimen.schema import json_schema

    emit(json_schema())
