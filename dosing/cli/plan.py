"""The verb plan: a regimen and a patient, or a table of patients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from shutil import get_terminal_size
from typing import Any

import click

from dosing.cli.group import JSON, LIBRARY, TextCommand, cli, emit, pairs
from dosing.cli.patient import FACTS, ledger, patient_options, read_patient
from dosing.cli.preparation import prepare_options, prepared, take


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
@click.option("--weight-rule", multiple=True, metavar="RULE", help="A named rule for orders that state no dosing weight; repeatable.")
@click.option("--rounding", default="", metavar="POLICY", help="A named rounding policy for orders that state none; not for trials and cells.")
@click.option("--by", default="", metavar="NAME")
@click.option("--reason", default="", metavar="TEXT")
@click.option("--second", default="", metavar="NAME", help="The second person who confirmed a change.")
@click.option("--answers", "answers_file", metavar="FILE", help="Changes and answers of several people: a list of entries, or a course file.")
@click.option("--with", "blocks", multiple=True, metavar="BLOCK", help="A block on the same day axis, for example gvhd-csa-mtx.")
@click.option("--cohort", metavar="FILE", help="Many patients: a CSV or Parquet table in.")
@click.option("-o", "--output", multiple=True, metavar="FILE", help="Write a file; the extension picks the format; repeatable.")
@click.option("--locale", type=click.Choice(["en-GB", "en-US", "zh"]), default=None)
@click.option("--pages", default="", metavar="PAGES", help="Pages of a PDF or HTML file: grid,record,days,timeline,check,labels.  [default: grid,record,days]")
@click.option("--paper", default="a4", metavar="PAPER", help="a4 or letter.")
@click.option("--printed-at", default="", metavar="TIME", help="A print time to stand on the page; no clock is read.")
@prepare_options
@LIBRARY
@JSON
def plan(regimen: str, patient_file: str | None, changes: dict[str, str], answer: dict[str, str], answers_file: str | None,
         cohort: str | None, output: Sequence[str], second: str, as_json: bool, **options: Any) -> int:  # fmt: skip
    """The day-by-day schedule of a regimen for one patient (or, with --cohort, for many)."""
    from dosing import planning
    from dosing.engine.settle import Change
    from dosing.render import check_path, render, show, to_text_of
    from dosing.render.pages import DEFAULT, chosen
    from dosing.render.pages import paper as sort_of_paper

    given = {key: options.pop(key) for key in FACTS}
    pages, paper = chosen(options.pop("pages") or DEFAULT), sort_of_paper(options.pop("paper"))
    by, reason = options.pop("by"), options.pop("reason")
    preparing = take(options)
    made: list[Any] = [Change(key, value, by, reason, second) for key, value in changes.items()]
    said: list[Any] = [{"id": key, "answer": text, "by": by} for key, text in answer.items()]
    course = _course(answers_file, bool(cohort))
    if answers_file and not course:
        more_changes, more_answers = ledger(answers_file)
        made, said = made + more_changes, said + more_answers
    if cohort and preparing is not None:
        raise click.UsageError("--prepare is for one patient – leave out --cohort")
    if cohort:
        _refuse_one_patients(given | {"patient": patient_file, "locale": options.pop("locale"), "printed_at": options.pop("printed_at")})
        return _cohort(regimen, cohort, output, as_json, options | {"set": made, "answer": said})
    for path in output:
        check_path(path)
    patient, here = read_patient(patient_file, given)
    options = {**options, **{key: value for key, value in here.items() if options[key] is None}, "locale": options["locale"] or ""}
    planned = partial(planning.plan, regimen, patient, **options)
    schedule = _with_course(course, regimen, planned, made, said) if course else planned(set=made, answer=said)
    preparation = None if preparing is None else prepared(schedule, preparing, options["library"])
    for path in output:
        render(schedule, path, pages, paper, preparation)
        click.echo(f"written: {path}", err=True)
    if as_json and preparation is not None:
        emit({"schedule": schedule.to_dict(), "preparation": preparation.to_dict()})
    elif as_json:
        click.echo(to_text_of(schedule, "json"), nl=False)
    elif not output:
        show(schedule)
    if preparation is not None:
        _say(preparation, as_json)
    if schedule.open:
        told = f"not releasable: {len(schedule.open)} open ({', '.join(finding.id for finding in schedule.open)})"
        click.echo(click.wrap_text(told, get_terminal_size().columns, subsequent_indent="    "), err=True)
    return 0 if schedule.releasable else 5


def _course(path: str | None, cohort: bool) -> Any:
    """The book of an answers file that is a course; None for a list of entries."""
    from pathlib import Path

    from dosing.files import is_course

    if not path or not is_course(Path(path)):
        return None
    if cohort:
        raise click.UsageError("--answers names a course, which speaks of one patient – leave out --cohort, or write a list of entries")
    from dosing.course.ledger import load

    return load(path)


def _with_course(book: Any, regimen: str, planned: Any, made: list[Any], said: list[Any]) -> Any:
    """The plan with what was decided in a course, and on stderr what of that it does not hold."""
    from dosing.course.decided import Asked, plan_with
    from dosing.planning import loaded
    from dosing.planning.asking import asks
    from dosing.regimen.library import library

    shelf = library(tuple(planned.keywords["library"]))
    files = loaded(shelf, regimen, planned.keywords["blocks"])
    choices = {one.where.removeprefix("choice ") for one in asks(files[0], files[1:], shelf) if one.where.startswith("choice ")}
    asked = Asked(files[0].id, {order.id for file in files for order in file.orders}, choices, planned.keywords["choose"])
    schedule = plan_with(book, asked, lambda changes, answers: planned(set=changes, answer=answers), made, said)
    for finding in schedule.findings:
        if finding.code == "answers.unused":
            click.echo(f"--answers: {finding.message}", err=True)
    return schedule


def _refuse_one_patients(given: dict[str, Any]) -> None:
    """Refuse beside a table what speaks of one patient only: it would be dropped silently."""
    stray = [f"--{key.replace('_', '-')}" for key, value in given.items() if value]
    if stray:
        raise click.UsageError(f"{', '.join(stray)}: speaks of one patient – leave it out, or make it a column of the table")


def _say(preparation: Any, as_json: bool) -> None:
    """The preparations below the schedule, and how many questions they leave."""
    if not as_json:
        click.echo(preparation.tell())
    if preparation.open:
        click.echo(f"preparation: {len(preparation.open)} to be stated or looked at", err=True)


def _cohort(regimen: str, path: str, output: Sequence[str], as_json: bool, options: dict[str, Any]) -> int:
    """Plan a table of patients; 6 when rows were refused."""
    from dosing.cohort import plan_file
    from dosing.errors import Fault, UsageError

    if len(output) != 1:
        raise UsageError(Fault("usage", "a cohort needs one -o FILE", "add -o doses.csv.", "-o"))
    report = plan_file(regimen, path, output[0], **options)
    emit(report) if as_json else click.echo(f"{report['calculated']} of {report['rows']} patients, {report['administrations']} doses in {output[0]}", err=True)
    return 6 if report["refused"] else 0
