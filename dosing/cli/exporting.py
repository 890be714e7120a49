"""The verb export: a protocol, and no patient, for other systems."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from dosing.cli.group import JSON, LIBRARY, TextCommand, cli, emit, pairs

if TYPE_CHECKING:
    from dosing.exchange.formats import Exported


@cli.command(cls=TextCommand)
@click.argument("regimen")
@click.option("--to", required=True, metavar="FORMAT", help="fhir, usdm, events, json or csv.")
@click.option("--choose", multiple=True, callback=pairs, metavar="CHOICE=VALUE", help="Make a choice; what is not chosen stays open.")
@click.option("-o", "--output", metavar="FILE", help="Write a file instead of stdout.")
@LIBRARY
@JSON
def export(regimen: str, to: str, choose: dict[str, str], output: str | None, library: Sequence[str], as_json: bool) -> None:
    """The protocol itself for other systems: no patient, no amounts, open questions left open.

    It is of the protocol, so like `dosing show` it names the arms of a blinded trial. What the format cannot carry is
    listed on stderr, and with --json beside the document.
    """
    from dosing.exchange.formats import export as exported
    from dosing.files import checked, write_whole

    target = checked(output) if output else None
    made = exported(regimen, to, choose, library)
    if target:
        write_whole(target, made.data)
        click.echo(f"written: {output}", err=True)
    if as_json:
        emit({**made.to_dict(), **({"file": output} if output else {"document": _document(made)})})
    elif not target:
        click.echo(made.data, nl=False)
    _tell(made)


def _document(made: Exported) -> Any:
    """The export inside the answer of `--json`: as JSON where it is JSON, else as text."""
    return json.loads(made.data) if made.data.startswith(b"{") else made.data.decode()


def _tell(made: Exported) -> None:
    """What stays open, and what the format cannot carry, on stderr."""
    asked = [question.label for _, question in made.protocol.asked if question.level != "note"]
    if asked:
        click.echo(f"open: {', '.join(asked)}", err=True)
    for lost in made.lost:
        click.echo(f"not carried: {lost.where}: {lost.what}", err=True)
