"""The command line: arguments to the same few verbs. No arithmetic, no formatting; heavy imports where they are used.

A verb is a function in a module of this folder, and a line of `VERBS` in `dosing.cli.group`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import click

from dosing.cli.group import cli, emit

__all__ = ["cli", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; refusals go to stderr, with --json to stdout as well."""
    if argv is None:
        gc.disable()  # one short process: the collector would only scan what the imports made
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return cli.main(args, prog_name="dosing", standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        return _refuse([{"code": "usage", "where": "command line", "what": error.format_message(), "do": "see dosing --help."}], 2, args)
    except click.Abort:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        faults = getattr(error, "faults", None)
        if faults is None:
            raise
        return _refuse([fault.to_dict() for fault in faults], error.exit_code, args)  # type: ignore[attr-defined]


def _refuse(errors: list[dict[str, str]], code: int, args: Sequence[str]) -> int:
    for error in errors:
        place = f"{error['where']}: " if error["where"] else ""
        click.echo(f"{place}{error['what']} – {error['do']}", err=True)
    if "--json" in args:
        emit({"errors": errors})
    return code
