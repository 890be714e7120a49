"""The verb import: a draft regimen out of a trial record's text, each number with its phrase."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dosing.cli.group import JSON, LIBRARY, TextCommand, cli, emit

if TYPE_CHECKING:
    from dosing.exchange.record import Draft, Line

LARGEST = 32 << 20  # bytes; the JSON of a study with results has some millions
PARTS = {"read": "read", "unread": "not read", "left_over": "left over: looks like a dose and belongs to nothing here", "decide": "for a person to decide"}


@cli.command("import", cls=TextCommand)
@click.argument("record")
@click.option("-o", "--output", metavar="FILE", help="The draft, a new .yaml file; without it the draft goes to stdout.")
@click.option("--read", "day_read", default="", metavar="DATE", help="The day you read the record, YYYY-MM-DD; no clock is read.")
@LIBRARY
@JSON
def import_(record: str, output: str | None, day_read: str, library: Sequence[str], as_json: bool) -> int:
    """A draft regimen out of a trial record: its text, or the JSON of one study (v2 interface); `-` reads stdin.

    Nothing is guessed. The summary says what was read from which line, what was not and why, and what a person must decide.
    """
    from dosing import forms
    from dosing.exchange.record import read_record
    from dosing.files import write_whole

    target = _new(output) if output else None
    if day_read:
        forms.read_date(day_read)
    draft = read_record(_text(record), day_read, library)
    if target:
        write_whole(target, draft.text.encode())
    if as_json:
        emit({"file": output, **draft.to_dict()})
    elif not target:
        click.echo(draft.text, nl=False)
    _tell(draft, output or "draft.yaml", bool(target))
    return 3 if draft.faults else 0


def _new(output: str) -> Path:
    """The path of a file that is not there yet; `UsageError` for another extension or a file of that name."""
    from dosing.errors import Fault, UsageError
    from dosing.files import checked

    target = checked(output)
    if target.suffix not in (".yaml", ".yml"):
        raise UsageError(Fault("usage", f'"{target.name}" is no regimen file', "name a new .yaml file.", "-o"))
    if target.exists():
        raise UsageError(Fault("S01", f'there is a file "{target.name}" already', "choose another name; what a person wrote into a draft is never written over.", "-o"))
    return target


def _text(record: str) -> str:
    """The text of a record file or of stdin; `UsageError` where there is none, `InputError` where it is no UTF-8 text."""
    from dosing.errors import Fault, UsageError, refuse

    try:
        data = sys.stdin.buffer.read(LARGEST + 1) if record == "-" else Path(record).read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(Fault("R05", f'the record "{record[:80]}" cannot be read ({getattr(error, "strerror", None) or error})', "check its name.", "RECORD")) from None
    if len(data) > LARGEST:
        raise refuse("R06", f"the record has more than {LARGEST:,} bytes", "save one study.", "record")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse("R12", f"the record is not UTF-8 (byte {error.start})", "save it again as UTF-8, so that no µ is lost.", "record") from None


def _tell(draft: Draft, name: str, written: bool) -> None:
    """The summary on stderr: what was read and from where, what not, what is left over, what to decide, what to mend."""
    orders = len(draft.regimen["orders"])
    click.echo(f"{'written: ' if written else ''}{name}: a machine-made draft with {orders} order{'' if orders == 1 else 's'}, to be read against the record by a person", err=True)
    for part, heading in PARTS.items():
        lines: tuple[Line, ...] = getattr(draft, part)
        click.echo(f"{heading}{':' if lines else ': nothing'}", err=True)
        for line in lines:
            where, phrase = f"{line.where}: " if line.where else "", f'"{line.phrase}" – ' if line.phrase else ""
            click.echo(f"  {where}{phrase}{line.says}", err=True)
    if draft.faults:
        click.echo("to mend before it can be planned:", err=True)
    for fault in draft.faults:
        click.echo(f"  {str(fault).replace('draft.yaml', name, 1)}", err=True)
