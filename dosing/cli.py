"""The command line: arguments to the same few verbs. No arithmetic, no formatting; heavy imports where they are used."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

import click

MINUS = re.compile(r"-\s*[\d.]")
GUARD = "\x00"


class Group(click.Group):
    """A command group that suggests the nearest command and never takes a negative number for an option."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The named command, or a usage error with the nearest name."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from dosing.errors import closest

            raise click.UsageError(f'there is no command "{args[0]}" – {closest(args[0], self.commands)}')
        return super().resolve_command(ctx, args)


class TextCommand(click.Command):
    """A command whose argument may start with a minus: `dosing parse "-5 to -2" --as days`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Protect texts such as `-5 to -2` from the option parser."""
        return super().parse_args(ctx, [GUARD + arg if MINUS.match(arg) else arg for arg in args])


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


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", package_name="dosing")
def cli() -> None:
    """Protocol doses and day-by-day schedules relative to day 0. A pharmacist checks and signs."""


@cli.command("list")
@LIBRARY
@JSON
def list_(library: Sequence[str], as_json: bool) -> None:
    """Every regimen and block: id, version, status, title, source."""
    from dosing.regimen.library import library as shelf
    from dosing.render.protocol import listing

    found = listing(shelf(tuple(library)))
    emit({"regimens": found}) if as_json else click.echo("\n".join(f"{r['id']:<22} {r['kind']:<9} v{r['version']:<4} {r['status']:<9} {r['title']}" for r in found))


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


PATIENT = [
    click.option("--weight", metavar='"70 kg"'), click.option("--height", metavar='"170 cm"'), click.option("--age", metavar='"34 y"'),
    click.option("--born", metavar="DATE"), click.option("--sex", metavar="F|M"), click.option("--creatinine", metavar='"0.9 mg/dL"'),
    click.option("--crcl", metavar='"90 mL/min"'), click.option("--weighed", metavar="DATE", help="The day the weight was measured."),
    click.option("--last-weight", "last_weight", metavar='"72 kg"', help="The weight before this one."),
    click.option("--allergies", metavar="TEXT"), click.option("--name", metavar="TEXT"), click.option("--id", metavar="TEXT"),
]  # fmt: skip
FACTS = ("weight", "height", "age", "born", "sex", "creatinine", "crcl", "weighed", "last_weight", "allergies", "name", "id")


def patient_options(command: Any) -> Any:
    """Add the options of one patient to a command."""
    for option in reversed(PATIENT):
        command = option(command)
    return command


def read_file(path: str) -> Any:
    """A JSON or YAML file as nested texts; every fault of form at once."""
    from pathlib import Path

    from dosing.errors import Fault, InputError
    from dosing.regimen.loader import read_tree

    try:
        tree = read_tree(Path(path).read_bytes(), Path(path).name)
    except OSError as error:
        raise InputError(Fault("R05", f"the file cannot be read ({error.strerror})", "check its name.", path)) from None
    if tree.faults:
        raise InputError(*tree.faults)
    return tree.value


def read_patient(file: str | None, given: dict[str, str | None]) -> Any:
    """The patient of a file with the flags laid over it."""
    from dosing.errors import Fault, InputError
    from dosing.patient import Patient

    stored = read_file(file) if file else {}
    if not isinstance(stored, dict):
        raise InputError(Fault("R05", "the patient file is not a mapping", "write keys such as weight: 70 kg.", file or ""))
    stored = {key.replace("-", "_"): value for key, value in stored.items()}
    here = {key: stored.pop(key) for key in ("day0", "zone") if key in stored}
    return Patient(**(stored | {key: value for key, value in given.items() if value is not None})), here


def ledger(path: str) -> tuple[list[Any], list[Any]]:
    """Changes and answers of a file: a list of {set, to, by, reason, second} and {id, answer, by} entries."""
    from dosing.engine.settle import Change
    from dosing.errors import Fault, UsageError

    entries = read_file(path)
    if not isinstance(entries, list) or any(not isinstance(entry, dict) for entry in entries):
        raise UsageError(Fault("R05", "the answers file is not a list of entries", 'write [{"id": …, "answer": …, "by": …}].', "--answers"))
    changes = [Change(e["set"], e.get("to", ""), e.get("by", ""), e.get("reason", ""), e.get("second", "")) for e in entries if "set" in e]
    return changes, [entry for entry in entries if "set" not in entry]


@cli.command(cls=TextCommand)
@click.argument("regimen")
@patient_options
@click.option("--patient", "patient_file", metavar="FILE", help="JSON or YAML with the same keys; flags win.")
@click.option("--day0", metavar="DATE", help="Calendar date of day 0; without it the schedule is relative.")
@click.option("--zone", metavar="ZONE", help="Asia/Shanghai, Europe/Berlin, …")
@click.option("--time", "times", multiple=True, callback=pairs, metavar="EVENT=HH:MM", help="The hour of an event or first dose.")
@click.option("--choose", multiple=True, callback=pairs, metavar="CHOICE=VALUE")
@click.option("--bsa", metavar="FORMULA", help="mosteller, dubois, haycock, …")
@click.option("--set", "changes", multiple=True, callback=pairs, metavar="ORDER.KEY=VALUE", help="Change an order; needs --by and --reason.")
@click.option("--answer", multiple=True, callback=pairs, metavar="QUERY=TEXT", help="Answer a query; needs --by.")
@click.option("--by", default="", metavar="NAME")
@click.option("--reason", default="", metavar="TEXT")
@click.option("--second", default="", metavar="NAME", help="The second person who confirmed a change.")
@click.option("--answers", "answers_file", metavar="FILE", help="Changes and answers of several people.")
@click.option("--with", "blocks", multiple=True, metavar="BLOCK", help="A block on the same day axis, for example gvhd-csa-mtx.")
@click.option("--cohort", metavar="FILE", help="Many patients: a CSV or Parquet table in.")
@click.option("-o", "--output", multiple=True, metavar="FILE", help="Write a file; the extension picks the format; repeatable.")
@click.option("--locale", type=click.Choice(["en-GB", "en-US", "zh"]), default=None)
@click.option("--printed-at", default="", metavar="TIME", help="A print time to stand on the page; no clock is read.")
@LIBRARY
@JSON
def plan(regimen: str, patient_file: str | None, changes: dict[str, str], answer: dict[str, str], answers_file: str | None,
         cohort: str | None, output: Sequence[str], second: str, as_json: bool, **options: Any) -> int:  # fmt: skip
    """The day-by-day schedule of a regimen for one patient (or, with --cohort, for many)."""
    from dosing import planning, render
    from dosing.engine.settle import Change

    given = {key: options.pop(key) for key in FACTS}
    by, reason = options.pop("by"), options.pop("reason")
    made: list[Any] = [Change(key, value, by, reason, second) for key, value in changes.items()]
    said: list[Any] = [{"id": key, "answer": text, "by": by} for key, text in answer.items()]
    if answers_file:
        more_changes, more_answers = ledger(answers_file)
        made, said = made + more_changes, said + more_answers
    for path in output:
        render.check_path(path)
    if cohort:
        return _cohort(regimen, cohort, output, as_json, options | {"set": made})
    patient, here = read_patient(patient_file, given)
    options = {**options, **{key: value for key, value in here.items() if options[key] is None}, "locale": options["locale"] or ""}
    schedule = planning.plan(regimen, patient, set=made, answer=said, **options)
    for path in output:
        render.render(schedule, path)
        click.echo(f"written: {path}", err=True)
    if as_json:
        click.echo(render.to_text_of(schedule, "json"), nl=False)
    elif not output:
        render.show(schedule)
    if schedule.open:
        click.echo(f"not releasable: {len(schedule.open)} open ({', '.join(finding.id for finding in schedule.open)})", err=True)
    return 0 if schedule.releasable else 5


def _cohort(regimen: str, path: str, output: Sequence[str], as_json: bool, options: dict[str, Any]) -> int:
    """Plan a table of patients; 6 when rows were refused."""
    from dosing.cohort import plan_file
    from dosing.errors import Fault, UsageError

    if len(output) != 1:
        raise UsageError(Fault("usage", "a cohort needs one -o FILE", "add -o doses.csv.", "-o"))
    for key in ("printed_at", "locale", "answer"):
        options.pop(key, None)
    report = plan_file(regimen, path, output[0], **options)
    emit(report) if as_json else click.echo(f"{report['calculated']} of {report['rows']} patients, {report['administrations']} doses in {output[0]}", err=True)
    return 6 if report["refused"] else 0


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


@cli.command(cls=TextCommand)
@click.argument("text")
@click.option("--as", "kind", default="dose", metavar="KIND", help="dose, cells, days, time, date, zone, weight, height.")
@JSON
def parse(text: str, kind: str, as_json: bool) -> None:
    """Say what a text means, or why it is refused; `-` reads stdin."""
    from dosing import forms

    text = text.removeprefix(GUARD)
    text = sys.stdin.read().removesuffix("\n") if text == "-" else text
    told = forms.interpret(text, kind)
    emit(told) if as_json else click.echo("\n".join([told["canonical"], *(f"  {reading}" for reading in told["readings"])]))


@cli.command(cls=TextCommand)
@patient_options
@click.option("--neutrophils", metavar='"0.35e9/L"')
@JSON
def metrics(as_json: bool, neutrophils: str | None, **given: str | None) -> None:
    """Every body surface, ideal, adjusted and lean weight and renal estimate, with formula and citation."""
    from dosing import forms
    from dosing.metrics import measure
    from dosing.patient import Patient

    patient = Patient(**{key: value for key, value in given.items() if value is not None})
    columns = {key: float(column[0]) for key, column in patient.columns().items() if key not in ("crcl", "last_weight")}
    if neutrophils is not None:
        columns["neutrophils"] = float(forms.read_neutrophils(neutrophils))
    rows = measure(None, **columns)
    emit({"metrics": rows}) if as_json else click.echo("\n".join(f"{r['name']:<28} {r['value'] or '–':>8} {r['unit']:<16} {r['formula']}" for r in rows))


@cli.command()
def schema() -> None:
    """JSON Schema of regimen files."""
    from dosing.regimen.schema import json_schema

    emit(json_schema())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; refusals go to stderr, with --json to stdout as well."""
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
