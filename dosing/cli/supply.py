"""The verb supply: vials and bags for a table of patients over a calendar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dosing.cli.group import JSON, TextCommand, cli, emit
from dosing.cli.patient import ledger
from dosing.cli.plan import plan
from dosing.cli.preparation import stated

ALIKE = ("day0", "zone", "times", "choose", "bsa", "changes", "answer", "weight_rule", "rounding", "by", "reason", "second", "answers_file", "blocks",
         "cohort", "output", "products", "country", "bags", "graduation", "withdraw", "prices", "library")  # fmt: skip


@cli.command(cls=TextCommand, params=[option for option in plan.params if option.name in ALIKE])
@click.argument("regimen", required=False)
@click.option("--from", "start", metavar="DATE", help="The first date counted.")
@click.option("--to", "end", metavar="DATE", help="The last date counted.")
@click.option("--share", "--share-vials", "share", is_flag=True, help="A product's doses of one day share vials, where its label says how long an opened one keeps.")
@click.option("--by-patient", is_flag=True, help="Add the patients' own rows, under the ids of the file.")
@JSON
def supply(regimen: str | None, cohort: str | None, output: Sequence[str], as_json: bool, start: str | None, end: str | None, share: bool, by_patient: bool, **options: Any) -> int:
    """Vials and bags for a group of patients over a calendar; a column regimen names each row's own protocol."""
    from dosing.cohort.files import write_refused
    from dosing.cohort.progress import watching
    from dosing.supply import supply as count
    from dosing.supply import window
    from dosing.supply.files import check_path, to_bytes, write
    from dosing.supply.planned import plan_file, refused_rows

    if not cohort:
        raise click.UsageError("supply is for a table of patients – add --cohort FILE")
    targets = [check_path(path, cohort) for path in output]
    first, last = window(start, end)
    given = stated(options)
    with watching() as watch:
        planned = plan_file(cohort, regimen, watch, **_asked(options))
        made = count(planned, **given, share=share, start=first, end=last, library=options["library"], by_patient=by_patient)
    refused = refused_rows(planned)
    for path in targets:
        write(made, path)
        click.echo(f"written: {path}", err=True)
    if targets:
        write_refused(targets[0], refused)
    if as_json:
        emit(made.to_dict())
    elif not output:
        click.echo(to_bytes(made, ".txt").decode(), nl=False)
    _say(made, refused, bool(targets))
    return 6 if refused else 0 if made.final else 5


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    """The options of the plans, with the changes and answers of the command line and of the answers file."""
    from dosing.engine.settle import Change

    by, reason, second = options["by"], options["reason"], options["second"]
    changes = [Change(key, value, by, reason, second) for key, value in options["changes"].items()]
    answers = [{"id": key, "answer": text, "by": by} for key, text in options["answer"].items()]
    if options["answers_file"]:
        more_changes, more_answers = ledger(options["answers_file"])
        changes, answers = changes + more_changes, answers + more_answers
    kept = {name: options[name] for name in ("day0", "zone", "times", "choose", "bsa", "weight_rule", "rounding", "blocks", "library")}
    return {**kept, "set": changes, "answer": answers}


def _say(made: Any, refused: Sequence[Any], beside: bool) -> None:
    """On stderr: whether the counts are final, and every refused row with its reason where no file holds it."""
    from dosing.supply.page import state

    if not made.final:
        click.echo(state(made), err=True)
    for one in () if beside else refused:
        click.echo(f"{one.where}: {one.fault.what} – {one.fault.do}", err=True)
