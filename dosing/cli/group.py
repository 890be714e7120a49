"""The command group, which loads a verb when it is asked for, and what verbs share: JSON out, key=value in, texts that start with a minus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, MutableMapping, Sequence
from importlib import import_module
from typing import Any

import click

MINUS = re.compile(r"-\s*[\d.]")
GUARD = "\x00"


VERBS = {  # in the order of the contract: the module of this folder that registers the verb
    "list": "regimens", "show": "regimens", "plan": "plan", "check": "regimens", "parse": "tell", "metrics": "tell", "diff": "diff",
    "course": "course_prints",  # it adds its verbs to those of `course`, which it loads
    "import": "importing", "export": "exporting", "supply": "supply", "serve": "serve", "schema": "regimens",
}  # fmt: skip


class Verbs(MutableMapping[str, click.Command]):
    """Commands by name; the module of one is loaded when that command is asked for, so that no command pays for the others."""

    def __init__(self, homes: dict[str, str]):
        self._homes, self._loaded = homes, dict[str, click.Command]()

    def __getitem__(self, name: str) -> click.Command:
        if name in self._homes:
            import_module(f"dosing.cli.{self._homes[name]}")
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._homes or name in self._loaded

    def __iter__(self) -> Iterator[str]:
        return iter({**self._homes, **self._loaded})

    def __len__(self) -> int:
        return len({**self._homes, **self._loaded})


class Group(click.Group):
    """A command group that suggests the nearest command and never takes a negative number for an option."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands in the order they are written in, which is that of the work."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The named command, or a usage error with the nearest name."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from dosing.errors import closest

            raise click.UsageError(f'there is no command "{args[0]}" – {closest(args[0], self.commands)}')
        return super().resolve_command(ctx, args)


class TextCommand(click.Command):
    """A command whose texts may start with a minus: `--weight "-70 kg"` is read and then refused, not taken for an option."""

    texts = MINUS

    def make_parser(self, ctx: click.Context) -> Any:
        """The option parser, which takes texts such as `-5 to -2` for texts; whatever is read or refused after it never sees the guard."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args

        def guarded(args: list[str]) -> Any:
            found, rest, order = parse([GUARD + arg if self.texts.match(arg) else arg for arg in args])
            return {name: _bare(value) for name, value in found.items()}, [_bare(arg) for arg in rest], order

        parser.parse_args = guarded  # type: ignore[method-assign]
        return parser


def _bare(value: Any) -> Any:
    """A parsed value, or several, without the guard."""
    if isinstance(value, list | tuple):
        return type(value)(map(_bare, value))
    return value.removeprefix(GUARD) if isinstance(value, str) else value


class FreeTextCommand(TextCommand):
    """A command without short options besides -h, so that any text may follow a minus: `dosing parse "-inf mg/kg"`."""

    texts = re.compile(r"-(?!-|h\Z).")


def emit(data: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def pairs(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """`key=value` options as a dict; a usage error for anything else."""
    found: dict[str, str] = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f'"{value}" has no "=" – write {param.opts[0]} key=value', ctx, param)
        if key.strip() in found:
            raise click.BadParameter(f'"{key}" is given twice – keep one', ctx, param)
        found[key.strip()] = text.strip()
    return found


JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, refusals too.")
LIBRARY = click.option("--library", multiple=True, metavar="DIR", help="A folder laid over the shipped library; repeatable.")


@click.group(cls=Group, commands=Verbs(VERBS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", package_name="dosing")
def cli() -> None:
    """Protocol doses and day-by-day schedules relative to day 0. A pharmacist checks and signs."""
