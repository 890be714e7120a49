"""The verb diff: two saved schedules or two regimens, in clinical words."""

from __future__ import annotations

from collections.abc import Sequence

import click

from dosing.cli.group import JSON, LIBRARY, TextCommand, cli, emit


@cli.command(cls=TextCommand)
@click.argument("before")
@click.argument("after")
@LIBRARY
@JSON
def diff(before: str, after: str, library: Sequence[str], as_json: bool) -> None:
    """What changed: two schedules saved with plan --json, or two regimens (files or ids). Exit 0, same or not."""
    from dosing.diff import compare, lines, read

    found = compare(read(before, library), read(after, library))
    if as_json:
        emit({"same": not found, "changes": [change.to_dict() for change in found]})
    else:
        click.echo("\n".join(lines(found)) if found else "no difference")
