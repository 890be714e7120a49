"""The verbs of a course as it happens; each reads the file, appends one entry, and writes the file whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from dosing.cli.group import JSON, LIBRARY, Group, TextCommand, cli, emit, pairs
from dosing.cli.patient import FACTS, ledger, patient_options, read_patient

WHO = [
    click.option("--at", default="", metavar="TIME", help="When it happened, 2027-01-10T09:10; no clock is read."),
    click.option("--by", default="", metavar="NAME", help="Who did it."),
    click.option("--second", default="", metavar="NAME", help="The second person, where the site asks for one."),
    click.option("--reason", default="", metavar="TEXT", help="Why, or the evidence."),
    LIBRARY, JSON,
]  # fmt: skip
OUTCOME = click.option("--outcome", default="", metavar="NAME", help="Which outcome a person chose, with --by. Without it the fact is recorded and the choice stays open.")


class CourseGroup(Group):
    """The verbs of a course, whose refusals name verbs of a course; `start` takes the options of a plan."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb, and put the cures of what it refuses into words of a course."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from dosing.errors import DosingError

            if not isinstance(error, DosingError) or ctx.invoked_subcommand == "start":
                raise
            from dosing.course.texts import cured

            raise cured(error) from None


@cli.group(cls=CourseGroup)
def course() -> None:
    """A course as it happens: given doses, replanning, answers, release, issues."""


def verb(name: str, *options: Any, chooses: bool = False) -> Callable[[Any], Any]:
    """Register a verb of the group: its own options, then outcome, who, when, why."""

    def register(function: Any) -> Any:
        for option in reversed([*options, *([OUTCOME] if chooses else []), *WHO]):
            function = option(function)
        return course.command(name, cls=TextCommand)(click.argument("file")(function))

    return register


def reader(name: str, *options: Any) -> Callable[[Any], Any]:
    """Register a verb that changes nothing: its own options, the library, JSON."""

    def register(function: Any) -> Any:
        for option in reversed([*options, LIBRARY, JSON]):
            function = option(function)
        return course.command(name, cls=TextCommand)(click.argument("file")(function))

    return register


def _append(file: str, library: Sequence[str], as_json: bool, work: Callable[[Any], Any]) -> int:
    """Load a course, let one entry be appended, write it, and say what it is; 5 where it left a choice open."""
    from dosing.course import Choose, Course

    found = Course.load(file, library)
    try:
        entry = work(found)
    except Choose as choice:
        return _ask(choice, as_json)
    found.save(file)
    schedule, asked = found.schedule(), _asked(found, entry)
    if as_json:
        emit({"entry": found.to_dict()["ledger"][-1], **({"outcomes": [one.to_dict() for one in asked]} if asked else {}), "schedule": schedule.to_dict()})
    else:
        click.echo(f"recorded: entry {len(found.entries)}, {say(entry)}", err=True)
        _tell_open(schedule, entry, asked)
    return 5 if asked else 0


def _asked(found: Any, entry: Any) -> Sequence[Any]:
    """The outcomes of the choice that an entry left open."""
    from dosing.course.replan import query_of

    return found.outcomes(query_of(entry)) if getattr(entry, "asks", False) else ()


def _tell_open(schedule: Any, entry: Any, asked: Sequence[Any]) -> None:
    from dosing.course import tell
    from dosing.course.replan import query_of

    if asked:
        names = "|".join(one.name for one in asked if not one.refused)
        click.echo(tell(tuple(asked)))
        click.echo(f"nobody has chosen yet: dosing course answer FILE {query_of(entry)}={names} --by NAME", err=True)
    say_open(schedule)


def say(entry: Any) -> str:
    """An entry in a few words: what, of which dose, when, by whom."""
    told = entry.model_dump(mode="json", exclude_defaults=True)
    dose = f" {told['order']}{'#' + str(told['dose']) if isinstance(told.get('dose'), int) else ''}" if "order" in told else ""
    words = ("regimen", "action", "count", "kit", "outcome", "day0", "weight", "measured", "target", "corrects", "further", "key", "value", "query", "answer", "issue", "partial", "extra", "missed", "at", "by", "second")
    facts = [f"{key} {value}" if value is not True else key for key, value in told.items() if key in words]
    if told.get("amount"):
        facts.insert(0, " ".join(told["amount"]))
    if entry.what == "move-day0":
        facts[:0] = [f"{event} {hour}" for event, hour in entry.times.items()]
    return f"{entry.what}{dose}" + (f" ({', '.join(facts)})" if facts else "")


def _ask(choice: Any, as_json: bool) -> int:
    from dosing.course import tell

    if as_json:
        emit({"errors": [fault.to_dict() for fault in choice.faults], "outcomes": [one.to_dict() for one in choice.options]})
    else:
        click.echo(tell(choice.options))
    for fault in choice.faults:
        click.echo(str(fault), err=True)
    return int(choice.exit_code)


def say_open(schedule: Any) -> None:
    """What keeps the schedule from release, by name."""
    if schedule.open:
        click.echo(f"not releasable: {len(schedule.open)} open ({', '.join(finding.id for finding in schedule.open)})", err=True)


@course.command(cls=TextCommand)
@click.argument("regimen")
@patient_options
@click.option("--patient", "patient_file", metavar="FILE", help="JSON or YAML with the same keys; flags win.")
@click.option("--day0", metavar="DATE", help="Calendar date of day 0.")
@click.option("--zone", metavar="ZONE", help="Asia/Shanghai, Europe/Berlin, …")
@click.option("--time", "times", multiple=True, callback=pairs, metavar="EVENT=HH:MM", help="The hour of an event or first dose.")
@click.option("--choose", multiple=True, callback=pairs, metavar="CHOICE=VALUE")
@click.option("--bsa", metavar="FORMULA", help="mosteller, dubois, haycock, …")
@click.option("--set", "changes", multiple=True, callback=pairs, metavar="ORDER.KEY=VALUE", help="Change an order; needs --by and --reason.")
@click.option("--answer", "answer_", multiple=True, callback=pairs, metavar="QUERY=TEXT", help="Answer a query; needs --by.")
@click.option("--answers", "answers_file", metavar="FILE", help="Changes and answers of several people.")
@click.option("--with", "blocks", multiple=True, metavar="BLOCK", help="A block on the same day axis, for example gvhd-csa-mtx.")
@click.option("--weight-rule", multiple=True, metavar="RULE", help="A named rule for orders that state no dosing weight; repeatable.")
@click.option("--rounding", default="", metavar="POLICY", help="A named rounding policy for orders that state none.")
@click.option("--second-for", multiple=True, metavar="VERB", help="Ask a second person for these entries beside those of the site, for example release; repeatable.")
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
    say_open(schedule)
    return 0 if schedule.releasable else 5


@verb("give", click.argument("dose"), click.option("--amount", default="", metavar='"51 mg"', help="What was given; without it the planned amount."),
      click.option("--stop", default="", metavar="TIME", help="Actual end."), click.option("--partial", is_flag=True, help="Stopped before the whole dose was in; needs the --amount that went in."),
      click.option("--extra", is_flag=True, help="Given and never planned, or a further infusion of a split graft; needs --by, --second and --reason."),
      click.option("--kit", default="", metavar="TEXT", help="Kit number of a trial product."), chooses=True)  # fmt: skip
def give(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, at: str, **given: Any) -> int:
    """Record a dose that was given: order#number, --at its actual start."""
    if not at:
        raise click.UsageError("a given dose needs its actual start: add --at 2027-01-10T09:10")
    return _append(file, library, as_json, lambda found: found.give(dose, at, why=reason, **given))


@verb("miss", click.argument("dose"), chooses=True)
def miss(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Record a dose that was not given: leave it out, or make it up at the end."""
    return _append(file, library, as_json, lambda found: found.miss(dose, why=reason, **given))


@verb("correct", click.argument("dose"), click.option("--start", default="", metavar="TIME", help="The true start."), click.option("--stop", default="", metavar="TIME", help="The true end."),
      click.option("--amount", default="", metavar='"51 mg"', help="The true amount."), click.option("--missed", is_flag=True, help="It was not given after all."))  # fmt: skip
def correct(file: str, dose: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """A further entry about a recorded dose; the first stays and both are shown."""
    return _append(file, library, as_json, lambda found: found.correct(dose, why=reason, **given))


@verb("weigh", click.argument("weight"), chooses=True)
def weigh(file: str, weight: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """A new weight, "65 kg": real (doses change) or fluid (they stay)."""
    return _append(file, library, as_json, lambda found: found.weigh(weight, why=reason, **given))


@verb("level", click.argument("order"), click.option("--measured", required=True, metavar='"1125 umol*min/L"', help="The level, in umol*min/L, mg*h/L or ng/mL."),
      click.option("--target", required=True, metavar='"90 mg*h/L per course"', help="Its target, of one dose unless it says per day or per course."),
      click.option("--dose", default="", metavar='"1.2 mg/kg/dose twice daily"', help="The dose stated for the doses left, where none is calculated; needs --by and --reason."),
      click.option("--corrects", is_flag=True, help="This level takes the place of the one entered before of the same dose; needs --by and --reason."),
      click.option("--further", is_flag=True, help="One more measurement of a dose that has a level already."), chooses=True)  # fmt: skip
def level(file: str, order: str, measured: str, target: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """A measured level of a dose (bu#1, or bu for the last one given) and its target: aim each dose left at it, or the whole course."""
    return _append(file, library, as_json, lambda found: found.level(order, measured, target, why=reason, **given))


@verb("withdraw", click.argument("order"))
def withdraw(file: str, order: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Take a level back (bu#1, or bu for the last dose given) that was none of that dose; needs --by and --reason."""
    return _append(file, library, as_json, lambda found: found.withdraw(order, why=reason, **given))


@verb("move-day0", click.argument("day0", default=""), click.option("--day0", "day0_", default="", metavar="DATE", help="The same as the argument."),
      click.option("--time", "times", multiple=True, callback=pairs, metavar="EVENT=HH:MM", help="A new hour of an event."),
      click.option("--outcome", default="", metavar="NAME", help="Which outcome a person chose, with --by; without it all are shown and nothing is recorded."))  # fmt: skip
def move_day0(file: str, day0: str, day0_: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Day 0 moves: drugs already begun rest, continue or stop; needs --by and --reason."""
    return _append(file, library, as_json, lambda found: found.move_day0(day0 or day0_, why=reason, **given))


@verb("set", click.argument("change"))
def set_(file: str, change: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Change an order (atg.dose="2.5 mg/kg/day"), a choice, or a fact of the patient (creatinine="0.9 mg/dL") from now on; needs --by and --reason."""
    key, value = pair(change, "ORDER.KEY=VALUE, or a fact of the patient such as creatinine=…")
    return _append(file, library, as_json, lambda found: found.set(key, value, why=reason, **given))


@verb("answer", click.argument("answer_", metavar="QUERY=TEXT"))
def answer(file: str, answer_: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Answer a query, bu.days="confirmed by sponsor", or a choice, bu#6.outcome=slide; needs --by. A choice answered before is made anew with --reason."""
    key, value = pair(answer_, "QUERY=TEXT")
    return _append(file, library, as_json, lambda found: found.answer(key, value, why=reason, **given))


def pair(text: str, form: str) -> tuple[str, str]:
    """One key=value argument; a usage error for anything else."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise click.UsageError(f'"{text}" has no "=": write {form}')
    return key.strip(), value.strip()


@verb("stop", click.argument("order"))
def stop(file: str, order: str, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """No more doses of an order; needs --by and --reason."""
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
      click.argument("count", type=click.IntRange(0, 10**6)), click.option("--kit", default="", metavar="TEXT", help="Kit number."),
      click.option("--corrects", type=int, default=0, metavar="ENTRY", help="The number of the entry that this one takes the place of; needs --by and --reason."))  # fmt: skip
def account(file: str, order: str, action: str, count: int, library: Sequence[str], as_json: bool, reason: str, **given: Any) -> int:
    """Accountability of a trial product: received, prepared, wasted, returned; or the correction of an entry of it."""
    return _append(file, library, as_json, lambda found: found.account(order, action, count, why=reason, **given))
