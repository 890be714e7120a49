"""The verbs of a course as it happens; each reads the file, appends one entry, and writes the file whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from dosing.cli.group import JSON, LIBRARY, Group, TextCommand, cli, emit, pairs
from dosing.cli.patient import FACTS, ledger, patient_options, read_patient

WHO = [
    click.option("--at", default="", metavar="TIME", help="When, 2027-01-10T09:10; no clock is read."),
    click.option("--by", default="", metavar="NAME", help="Who."),
    click.option("--second", default="", metavar="NAME", help="The second person, where the site asks for one."),
    click.option("--reason", default="", metavar="TEXT", help="Why, or the evidence."),
    LIBRARY, JSON,
]  # fmt: skip
OUTCOME = click.option("--outcome", default="", metavar="NAME", help="Which outcome a person chose; without it all are shown.")


@cli.group(cls=Group)
def course() -> None:
    """A course as it happens: given doses, replanning, answers, release, issues."""


def verb(name: str, *options: Any, chooses: bool = False) -> Callable[[Any], Any]:
    """Register a verb of the group: its own options, then outcome, who, when, why."""

    def register(function: Any) -> Any:
        for option in reversed([*options, *([OUTCOME] if chooses else []), *WHO]):
            function = option(function)
        return course.command(name, cls=TextCommand)(click.argument("file")(function))

    return register


def _append(file: str, library: Sequence[str], as_json: bool, work: Callable[[Any], Any]) -> int:
    """Load a course, let one entry be appended, write it, and say what it is; outcomes are shown where a person must choose."""
    from dosing.course import Choose, Course, tell

    found = Course.load(file, library)
    try:
        entry = work(found)
    except Choose as choice:
        return _ask(choice, as_json, tell)
    found.save(file)
    schedule = found.schedule()
    if as_json:
        emit({"entry": found.to_dict()["ledger"][-1], "schedule": schedule.to_dict()})
    else:
        click.echo(f"recorded: entry {len(found.entries)}, {say(entry)}", err=True)
        _open(schedule)
    return 0


def say(entry: Any) -> str:
    """An entry in a few words: what, of which dose, when, by whom."""
    told = entry.model_dump(mode="json", exclude_defaults=True)
    dose = f" {told['order']}{'#' + str(told['dose']) if 'dose' in told else ''}" if "order" in told else ""
    facts = [f"{key} {value}" for key, value in told.items() if key in ("outcome", "day0", "weight", "key", "value", "query", "answer", "at", "by")]
    return f"{entry.what}{dose}" + (f" ({', '.join(facts)})" if facts else "")


def _ask(choice: Any, as_json: bool, tell: Any) -> int:
    if as_json:
        emit({"errors": [fault.to_dict() for fault in choice.faults], "outcomes": [one.to_dict() for one in choice.options]})
    else:
        click.echo(tell(choice.options))
    for fault in choice.faults:
        click.echo(str(fault), err=True)
    return choice.exit_code


def _open(schedule: Any) -> None:
    if schedule.open:
        click.echo(f"not releasable: {len(schedule.open)} open ({', '.join(finding.id for finding in schedule.open)})", err=True)


@course.command(cls=TextCommand)
@click.argument("regimen")
@patient_options
@click.option("--patient", "patient_file", metavar="FILE", help="JSON or YAML with the same keys; flags win.")
@click.option("--day0", metavar="DATE")
@click.option("--zone", metavar="ZONE")
@click.option("--time", "times", multiple=True, callback=pairs, metavar="EVENT=HH:MM")
@click.option("--choose", multiple=True, callback=pairs, metavar="CHOICE=VALUE")
@click.option("--bsa", metavar="FORMULA")
@click.option("--set", "changes", multiple=True, callback=pairs, metavar="ORDER.KEY=VALUE")
@click.option("--answer", "answer_", multiple=True, callback=pairs, metavar="QUERY=TEXT")
@click.option("--answers", "answers_file", metavar="FILE", help="Changes and answers of several people.")
@click.option("--with", "blocks", multiple=True, metavar="BLOCK")
@click.option("--second-for", multiple=True, metavar="VERB", help="Ask a second person for these entries, for example release; repeatable.")
@click.option("--subject", default="", metavar="TEXT", help="The subject number of a trial.")
@click.option("--locale", type=click.Choice(["en-GB", "en-US", "zh"]), default=None)
@click.option("-o", "--output", required=True, metavar="FILE", help="The new course file.")
@WHO[0]
@WHO[1]
@WHO[2]
@WHO[3]
@LIBRARY
@JSON
def start(regimen: str, patient_file: str | None, changes: dict[str, str], answer_: dict[str, str], answers_file: str | None, output: str, as_json: bool, **options: Any) -> int:
    """A new course file with the inputs of a plan."""
    from dosing.course import Course
    from dosing.engine.settle import Change

    given = {key: options.pop(key) for key in FACTS}
    by, reason, second = options["by"], options["reason"], options["second"]
    made: list[Any] = [Change(key, value, by, reason, second) for key, value in changes.items()]
    said: list[Any] = [{"id": key, "answer": text, "by": by} for key, text in answer_.items()]
    if answers_file:
        more = ledger(answers_file)
        made, said = made + more[0], said + more[1]
    patient, here = read_patient(patient_file, given)
    options = {**options, **{key: value for key, value in here.items() if options[key] is None}, "locale": options["locale"] or ""}
    found = Course.start(regimen, patient, set=made, answer=said, **options)
    found.save(output)
    schedule = found.schedule()
    emit({"entry": found.to_dict()["ledger"][0], "schedule": schedule.to_dict()}) if as_json else click.echo(f"started: {output}", err=True)
    _open(schedule)
    return 0 if schedule.releasable else 5


@verb("give", click.argument("dose"), click.option("--amount", default="", metavar='"51 mg"'), click.option("--stop", default="", metavar="TIME", help="Actual end."),
      click.option("--partial", is_flag=True, help="Stopped before the whole dose was in."), click.option("--kit", default="", metavar="TEXT"), chooses=True)  # fmt: skip
def give(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, at: str, **given: Any) -> int:
    """Record a dose that was given: order#number, --at its actual start."""
    if not at:
        raise click.UsageError("a given dose needs its actual start: add --at 2027-01-10T09:10")
    return _append(file, library, as_json, lambda found: found.give(dose, at, why=reason, **given))


@verb("miss", click.argument("dose"), chooses=True)
def miss(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Record a dose that was not given: leave it out, or make it up at the end."""
    return _append(file, library, as_json, lambda found: found.miss(dose, why=reason, **given))


@verb("correct", click.argument("dose"), click.option("--start", default="", metavar="TIME"), click.option("--stop", default="", metavar="TIME"),
      click.option("--amount", default="", metavar='"51 mg"'), click.option("--missed", is_flag=True))  # fmt: skip
def correct(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """A further entry about a recorded dose; the first stays and both are shown."""
    return _append(file, library, as_json, lambda found: found.correct(dose, why=reason, **given))


@verb("weigh", click.argument("weight"), chooses=True)
def weigh(file: str, weight: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """A new weight, "65 kg": real (doses change) or fluid (they stay)."""
    return _append(file, library, as_json, lambda found: found.weigh(weight, why=reason, **given))


@verb("level", click.argument("order"), click.option("--measured", required=True, metavar='"1125 umol*min/L"'), click.option("--target", required=True, metavar='"1000 umol*min/L"'), chooses=True)
def level(file: str, order: str, measured: str, target: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """A measured exposure of one dose and its target: aim each dose left at it, or the whole course."""
    return _append(file, library, as_json, lambda found: found.level(order, measured, target, why=reason, **given))


@verb("move-day0", click.argument("day0", default=""), click.option("--day0", "day0_", default="", metavar="DATE"),
      click.option("--time", "times", multiple=True, callback=pairs, metavar="EVENT=HH:MM", help="A new hour of an event."), chooses=True)  # fmt: skip
def move_day0(file: str, day0: str, day0_: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Day 0 moves: drugs already begun rest, continue or stop."""
    return _append(file, library, as_json, lambda found: found.move_day0(day0 or day0_, why=reason, **given))


@verb("set", click.argument("change"))
def set_(file: str, change: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Change an order for the doses left: atg.dose="2.5 mg/kg/day"; needs --by and --reason."""
    key, value = _pair(change, "ORDER.KEY=VALUE")
    return _append(file, library, as_json, lambda found: found.set(key, value, why=reason, **given))


@verb("answer", click.argument("answer_"))
def answer(file: str, answer_: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Answer a query: bu.days="confirmed by sponsor"; needs --by."""
    key, value = _pair(answer_, "QUERY=TEXT")
    return _append(file, library, as_json, lambda found: found.answer(key, value, why=reason, **given))


def _pair(text: str, form: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.UsageError(f'"{text}" has no "=": write {form}')
    return key.strip(), value.strip()


@verb("stop", click.argument("order"))
def stop(file: str, order: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """No more doses of an order."""
    return _append(file, library, as_json, lambda found: found.stop(order, why=reason, **given))


@verb("release", click.argument("dose"))
def release(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Release one administration; refused while anything open stands against its line."""
    return _append(file, library, as_json, lambda found: found.release(dose, why=reason, **given))


@verb("recall", click.argument("dose"))
def recall(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Take a release back."""
    return _append(file, library, as_json, lambda found: found.recall(dose, why=reason, **given))


@verb("account", click.argument("order"), click.argument("action", type=click.Choice(["received", "prepared", "wasted", "returned"])),
      click.argument("count", type=click.IntRange(1, 10**6)), click.option("--kit", default="", metavar="TEXT"))  # fmt: skip
def account(file: str, order: str, action: str, count: int, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Accountability of a trial product: received, prepared, wasted, returned."""
    return _append(file, library, as_json, lambda found: found.account(order, action, count, why=reason, **given))


@verb("issue", click.option("-o", "--output", multiple=True, metavar="FILE", help="Print to a file; the extension picks the format; repeatable."))
def issue(file: str, output: Sequence[str], library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Print the schedule as the next issue: it has a number, says which it replaces, and what changed."""
    from pathlib import Path

    from dosing import render
    from dosing.course import Course

    for path in output:
        render.check_path(path)
    found = Course.load(file, library)
    schedule = found.issue(files=[Path(path).name for path in output], why=reason, **given)
    printed = [(path, render.to_bytes(schedule, render.extension(Path(path).name))) for path in output]
    found.save(file)
    for path, data in printed:
        render.write_whole(render.checked(path), data)
        click.echo(f"written: {path}", err=True)
    if as_json:
        click.echo(render.to_text_of(schedule, "json"), nl=False)
    else:
        click.echo(_issued(schedule), err=bool(output))
    if not (output or as_json):
        render.show(schedule)
    _open(schedule)
    return 0 if schedule.releasable else 5


def _issued(schedule: Any) -> str:
    from dosing.course.issues import say as say_change

    replaces = f", replaces issue {schedule.replaces}" if schedule.replaces else ""
    return "\n".join([f"Issue {schedule.issue}{replaces}", *(f"  {say_change(change)}" for change in schedule.changed)])


@verb("show", click.option("-o", "--output", multiple=True, metavar="FILE"))
def show(file: str, output: Sequence[str], library: Sequence[str], as_json: bool, at: str, **given: Any) -> int:
    """The course as it stands: what was given, what is left, queries, release."""
    from dosing import render
    from dosing.course import Course

    found = Course.load(file, library)
    schedule = found.schedule()
    for path in output:
        render.render(schedule, path)
        click.echo(f"written: {path}", err=True)
    if as_json:
        emit(found.to_dict())
    elif not output:
        render.show(schedule)
        click.echo("\n".join(["Ledger", *(f"  {number} {say(entry)}" for number, entry in enumerate(found.entries, 1)), "Release", *map(_board, found.board())]))
    _open(schedule)
    return 0 if schedule.releasable else 5


def _board(row: dict[str, Any]) -> str:
    return f"  {row['order']}#{row['number']} needed by {row['needed_by'][:16]}: {row['state']}{' (' + ', '.join(row['open']) + ')' if row['open'] else ''}"


@verb("diff", click.argument("one", type=int), click.argument("other", type=int))
def diff(file: str, one: int, other: int, library: Sequence[str], as_json: bool, **given: Any) -> int:
    """What changed between two issues of a course."""
    from dosing.course import Course
    from dosing.course.issues import say as say_change

    told = Course.load(file, library).diff(one, other)
    emit({"changes": list(told)}) if as_json else click.echo("\n".join(map(say_change, told)) or "no difference")
    return 0


@verb("notice", click.argument("number", type=int))
def notice(file: str, number: int, library: Sequence[str], as_json: bool, **given: Any) -> int:
    """The notice that an issue is superseded."""
    from dosing.course import Course

    text = Course.load(file, library).notice(number)
    emit({"notice": text}) if as_json else click.echo(text)
    return 0


@verb("reconcile", click.option("-o", "--output", default="", metavar="FILE", help="A CSV file; stdout without it."))
def reconcile(file: str, output: str, library: Sequence[str], as_json: bool, **given: Any) -> int:
    """Planned, given, difference and reason as CSV, one row a dose."""
    from dosing import render
    from dosing.course import Course

    text = Course.load(file, library).reconciliation()
    if output:
        render.write_whole(render.checked(output), text.encode())
        click.echo(f"written: {output}", err=True)
    else:
        emit({"csv": text}) if as_json else click.echo(text, nl=False)
    return 0
