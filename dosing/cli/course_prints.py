"""The verbs of a course that print: issues, notices, the course as it stands, queries, the pharmacy's lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dosing.cli.course import reader, say, say_open, verb
from dosing.cli.group import emit, pairs

OUTPUT = click.option("-o", "--output", multiple=True, metavar="FILE", help="Print to a file; the extension picks the format; repeatable.")
SHEET = [
    click.option("--pages", default="", metavar="PAGES", help="Pages of a PDF or HTML file: grid,record,days,timeline,check,labels.  [default: grid,record,days]"),
    click.option("--paper", default="a4", metavar="PAPER", help="a4 or letter."),
    click.option("--locale", type=click.Choice(["en-GB", "en-US", "zh"]), default=None),
]  # fmt: skip


def _printed(schedule: Any, output: Sequence[str], pages: str, paper: str, locale: str | None) -> list[tuple[str, bytes]]:
    """The bytes of every file, before any is written."""
    from dosing.render import extension, to_bytes
    from dosing.render.pages import DEFAULT

    shown = replace(schedule, locale=locale) if locale else schedule
    return [(path, to_bytes(shown, extension(Path(path).name), pages or DEFAULT, paper)) for path in output]


def _check(output: Sequence[str], pages: str, paper: str) -> None:
    """Refuse a path, a page or a paper that cannot be, before anything is recorded."""
    from dosing.render import check_path
    from dosing.render.pages import chosen
    from dosing.render.pages import paper as sort_of_paper

    for path in output:
        check_path(path)
    chosen(pages) if pages else None
    sort_of_paper(paper)


def _write(files: Sequence[tuple[str, bytes]]) -> None:
    from dosing.files import checked, write_whole

    for target, path, data in [(checked(path), path, data) for path, data in files]:
        write_whole(target, data)
        click.echo(f"written: {path}", err=True)


@verb("issue", OUTPUT, *SHEET)
def issue(file: str, output: Sequence[str], pages: str, paper: str, locale: str | None, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Print the schedule as the next issue: it has a number, says which it replaces, and what changed."""
    from dosing.course import Course
    from dosing.render import show as on_terminal
    from dosing.render import to_text_of

    _check(output, pages, paper)
    found = Course.load(file, library)
    schedule = found.issue(files=[Path(path).name for path in output], why=reason, **given)
    files = _printed(schedule, output, pages, paper, locale)
    found.save(file)
    _write(files)
    if as_json:
        click.echo(to_text_of(schedule, "json"), nl=False)
    else:
        click.echo(_issued(schedule), err=bool(output))
    if not (output or as_json):
        on_terminal(schedule)
    say_open(schedule)
    return 0 if schedule.releasable else 5


def _issued(schedule: Any) -> str:
    from dosing.course.changes import say as say_change

    replaces = f", replaces issue {schedule.replaces}" if schedule.replaces else ""
    return "\n".join([f"Issue {schedule.issue}{replaces}", *(f"  {say_change(change)}" for change in schedule.changed)])


@reader("show", OUTPUT, *SHEET)
def show(file: str, output: Sequence[str], pages: str, paper: str, locale: str | None, library: Sequence[str], as_json: bool) -> int:
    """The course as it stands: what was given, what is left, queries, release; a copy of the sheet without an issue number."""
    from dosing.course import Course
    from dosing.render import show as on_terminal

    _check(output, pages, paper)
    found = Course.load(file, library)
    schedule = found.schedule()
    _write(_printed(schedule, output, pages, paper, locale))
    if as_json:
        emit(found.to_dict())
    elif not output:
        on_terminal(replace(schedule, locale=locale) if locale else schedule)
        click.echo("\n".join(["Ledger", *(f"  {number} {say(entry)}" for number, entry in enumerate(found.entries, 1)), "Release", *map(_board, found.board()), *_queries(found.queries())]))
    say_open(schedule)
    return 0 if schedule.releasable else 5


def _board(row: dict[str, Any]) -> str:
    return f"  {row['order']}#{row['number']} needed by {row['needed_by'][:16]}: {row['state']}{' (' + ', '.join(row['open']) + ')' if row['open'] else ''}"


@reader("queries")
def queries(file: str, library: Sequence[str], as_json: bool) -> int:
    """What must be answered before release, each with the first dose that waits for it, and what is for information."""
    from dosing.course import Course

    found = Course.load(file, library)
    told = found.queries()
    emit(told) if as_json else click.echo("\n".join(_queries(told)))
    return 0 if found.schedule().releasable else 5


def _queries(told: dict[str, list[dict[str, Any]]]) -> list[str]:
    asked = [f"  {one['id']} ({one['level']}, {'needed by ' + one['needed_by'][:16] if one['needed_by'] else 'no dose of it is left'}): {one['message']}" for one in told["answer_before_release"]]
    answered = [f"  {one['id']}: {one['answer']}" for one in told["answered"]]
    notes = [f"  {one['id']}: {one['message']}" for one in told["for_information"]]
    return [line for title, lines in (("Answer before release", asked), ("Answered", answered), ("For information", notes)) if lines for line in (title, *lines)]


@reader("outcomes", click.argument("query"))
def outcomes(file: str, query: str, library: Sequence[str], as_json: bool) -> int:
    """The outcomes of a choice left open (bu#6.outcome), side by side; answer it with the name of one."""
    from dosing.course import Course, tell

    found = Course.load(file, library).outcomes(query)
    emit({"outcomes": [one.to_dict() for one in found]}) if as_json else click.echo(tell(found))
    return 5


@reader("diff", click.argument("one", type=int), click.argument("other", type=int))
def diff(file: str, one: int, other: int, library: Sequence[str], as_json: bool) -> int:
    """What changed between two issues of a course."""
    from dosing.course import Course
    from dosing.course.changes import say as say_change

    told = Course.load(file, library).diff(one, other)
    emit({"changes": list(told)}) if as_json else click.echo("\n".join(map(say_change, told)) or "no difference")
    return 0


@reader("notice", click.argument("number", type=int), click.option("-o", "--output", multiple=True, metavar="FILE", help="A .pdf, .md or .txt; repeatable."),
        click.option("--paper", default="a4", metavar="PAPER", help="a4 or letter."))  # fmt: skip
def notice(file: str, number: int, output: Sequence[str], paper: str, library: Sequence[str], as_json: bool) -> int:
    """The notice that an issue is superseded, to lay where the old sheet was."""
    from dosing.course import Course
    from dosing.files import checked

    for path in output:
        checked(path)
    found = Course.load(file, library)
    text = found.notice(number)
    for path in output:
        found.notice(number, path, paper)
        click.echo(f"written: {path}", err=True)
    if as_json:
        emit({"notice": text, "changes": list(found.diff(number, len(found.issues)))})
    elif not output:
        click.echo(text)
    return 0


@reader("reconcile", click.option("-o", "--output", default="", metavar="FILE", help="A CSV file; stdout without it."))
def reconcile(file: str, output: str, library: Sequence[str], as_json: bool) -> int:
    """Planned, given, difference and reason as CSV, one row a dose."""
    from dosing.course import Course

    found = Course.load(file, library)
    text = found.reconciliation()
    if output:
        _write([(output, text.encode())])
    if as_json:
        emit({"reconciliation": found.pharmacy()["reconciliation"]})
    elif not output:
        click.echo(text, nl=False)
    return 0


@reader("pharmacy", click.option("--choose", multiple=True, callback=pairs, metavar="CHOICE=VALUE", help="Name the blinded choice, arm=2d: for the unblinded pharmacist alone. Nothing of it enters the course file."), OUTPUT, *SHEET)
def pharmacy(file: str, choose: dict[str, str], output: Sequence[str], pages: str, paper: str, locale: str | None, library: Sequence[str], as_json: bool) -> int:
    """What the pharmacy of a trial keeps: subject, kits, accountability, deviations; with --choose the unblinded sheet."""
    from dosing.course import Course

    _check(output, pages, paper)
    found = Course.load(file, library)
    schedule = found.unblinded(choose) if choose else found.schedule()
    _write(_printed(schedule, output, pages, paper, locale))
    told = found.pharmacy()
    if as_json:
        emit(told | ({"unblinded": schedule.to_dict()} if choose else {}))
    elif not output:
        click.echo("\n".join(_pharmacy(told, choose)))
    return 0


def _pharmacy(told: dict[str, Any], choose: dict[str, str]) -> list[str]:
    """The pharmacy's lists as lines."""
    arms = [f"UNBLINDED – pharmacy only: {name} {value}" for name, value in choose.items()]
    stock = [f"  {row['order']}{' kit ' + row['kit'] if 'kit' in row else ''}: received {row['received']}, prepared {row['prepared']}, wasted {row['wasted']}, returned {row['returned']}, left {row['left']}{'; more than was received' if row['left'] < 0 else ''}"
             for one in told["accountability"] for row in (one, *({"order": one["order"], **kit} for kit in one.get("kits", ())))]  # fmt: skip
    kits = [f"  {row['order']}#{row['number']} {row['given_start'][:16]}: kit {row['kit']}" for row in told["kits"]]
    logged = [f"  {row['what']}{' Answer: ' + row['answer'] if row['answer'] else ''}" for row in told["deviations"]]
    lists = (("Accountability", stock), ("Kits given", kits), ("Deviations", logged))
    return [*arms, f"Subject {told['subject'] or 'not stated'}", *(line for title, lines in lists for line in (title, *(lines or ["  none"])))]
