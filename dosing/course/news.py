"""What a person tells about a course, asked about before it becomes an entry: which dose, when, how much, whose second name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dosing.course import findings, level, pharmacy, replan, texts
from dosing.course.doses import corrected, stay
from dosing.course.events import Event, Planned
from dosing.course.moment import read_moment, spoken, stamp
from dosing.course.state import Done, State
from dosing.errors import Fault, InputError, UsageError, closest, refuse
from dosing.patient import Patient
from dosing.schedule import Administration, Schedule

KINDS = {kind.model_fields["what"].default for kind in Event.__args__} - {"start", "issue"}  # type: ignore[attr-defined]
REPLANS = {"move-day0", "weigh", "level", "set", "stop"}


def prove_kinds(kinds: tuple[str, ...]) -> None:
    """Refuse a second person asked for what is no kind of entry."""
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong:
        raise UsageError(*(Fault("R05", f'"{kind}" is no kind of entry that a second person can be asked for', closest(kind, KINDS), "second_for") for kind in wrong))


def prove_next(state: State, key: str) -> tuple[str, int]:
    """The order and number of a dose that may be recorded now; a dose twice, stopped or out of order is asked about (O14)."""
    order, number = texts.key(key)
    lane = state.lane(order)
    if done := lane.find(number):
        told = "missed" if done.missed else f"given {spoken(done.seconds, state.zone)}"
        raise refuse("O14", f"{key} is recorded already: {told}", f"if that is wrong, correct it; if a further dose was given, it is {texts.following(order, lane)}.", "dose")
    if number in lane.stopped:
        raise refuse("O14", f"{key} was stopped", f"if it was given all the same, record it as extra, given beyond the plan; {EXTRA}", "dose")
    if number > lane.highest:
        raise UsageError(Fault("R05", f"there is no dose {key} in this course; {order} has {lane.highest}", f"check the number. If a dose was given that was never planned, record it as extra, {order}#{lane.highest + 1}; {EXTRA}", "dose"))
    if lane.left and number != lane.left[0] and number in lane.left:
        raise refuse("O14", f"{key} comes after {order}#{lane.left[0]}, which is not recorded", f"was it {order}#{lane.left[0]}? If that one was not given, record {order}#{lane.left[0]} as missed first.", "dose")
    return order, number


EXTRA = "it needs a second person and a reason."


def prove_extra(state: State, key: str, start: int, by: str, second: str, why: str, amount: str) -> tuple[str, int]:
    """The order and number of a dose given that was never planned, or was stopped; asks who, who else, why and how much."""
    order, number = texts.key(key)
    lane, line = state.lane(order), state.inputs.line(order)
    graft = bool(line and line.order.event)
    if number in lane.left or lane.find(number):
        raise refuse("O14", f"{key} is {'planned' if number in lane.left else 'recorded already'}, so it is no extra dose", f"an extra dose of {order} is {order}#{lane.highest + 1}.", "dose")
    if number not in lane.stopped and number != lane.highest + 1:
        raise refuse("O14", f"{key} is not the next number", f"an extra dose of {order} is {order}#{lane.highest + 1}.", "dose")
    if graft and not lane.given:
        raise refuse("O14", f"the first infusion of {order} is not recorded", f"record {order}#{lane.left[0] if lane.left else 1} first; a further one follows it.", key)
    texts.need(by=by, second=second, reason=why, **({} if graft else {"amount": amount}))
    return order, number


def unplanned(state: State, start: int) -> Planned:
    """What stands where a plan would: nothing but the moment."""
    return Planned(start=stamp(start, state.zone), day=0)


def prove_plausible(state: State, row: Administration, start: int) -> None:
    """Ask about a start that is days away from the planned one, or before the dose before it (O14)."""
    key, far = f"{row.order}#{row.number}", state.site.far
    if abs(start - (row.seconds or 0)) > far * 60:
        raise refuse("O14", f"{key} is planned for {spoken(row.seconds or 0, row.zone)}, and {spoken(start, row.zone)} is more than {far / 1440:g} days away", "check the date.", "dose")
    before = [one for one in state.lane(row.order).given if one.seconds >= start and not one.extra]
    if before:
        raise refuse("O14", f"{key} at {spoken(start, row.zone)} would lie before {row.order}#{before[-1].number}, given {spoken(before[-1].seconds, row.zone)}", "check the time of both.", "dose")


def prove_people(state: State, entry: Any) -> None:
    """Refuse an entry of a kind for which the site asks a second person, without one or with the same one."""
    if entry.what in state.two and not entry.second:
        raise UsageError(Fault("R05", f"this site asks a second person for {entry.what}", "name one (--second NAME).", "second"))
    if entry.second and entry.second.strip().casefold() == entry.by.strip().casefold():
        raise UsageError(Fault("R05", f'"{entry.second}" is named as both persons', "the second person must be another one.", "second"))
    if getattr(entry, "outcome", "") and not entry.by:
        raise UsageError(Fault("R05", f"{entry.outcome} was chosen, but not by whom", "name who chose it (--by NAME).", "by"))


def prove_corrects(state: State, done: Done, entry: Any) -> None:
    """Refuse a correction that says nothing else than what is recorded."""
    new = corrected(done, entry, state.zone)
    if (new.missed, new.seconds, new.stop, new.amount) == (done.missed, done.seconds, done.stop, done.amount):
        raise UsageError(Fault("R05", f"nothing of {entry.order}#{entry.dose} is corrected", "say the true --start, --stop or --amount, or that it was --missed.", "correct"))


def prove_set(state: State, key: str, value: str) -> None:
    """Refuse a change of what is no field of an order, no choice and no fact of the patient, or that has an entry of its own."""
    settled, facts = state.inputs.settled, replan.FACTS_OF_PATIENT
    if key in facts:
        Patient(**(state.inputs.facts | {key: value}))
    elif key in ("weight", "weighed", "last_weight"):
        raise UsageError(Fault("R05", "a weight has an entry of its own, with its day", 'write course weigh FILE "65 kg" --at 2027-01-12T09:00.', key))
    elif key in ("name", "id"):
        raise UsageError(Fault("R05", f"the {key} of the patient stays as the course was started with", "start a course for another patient.", key))
    elif "." not in key and not replan.is_choice(state, key):
        known = {*facts, *(name for part in (settled.regimen, *settled.blocks) for name in part.choices)}
        raise UsageError(Fault("R05", f'"{key}" is no choice and no fact of the patient', f"{closest(key, known)} A field of an order is written order.key, for example {next(iter(state.lanes))}.dose.", "set"))


def prove_newest(state: State, entry: Any) -> None:
    """Refuse a weight, fact, choice or field of an earlier moment than the one that holds: the newest governs what is left (O14)."""
    name = entry.key if entry.what == "set" else "weight"
    before = [one for one in state.log if one.what == entry.what and one.at and (entry.what == "weigh" or one.key == name)]
    newest = max((read_moment(one.at, state.zone) for one in before), default=None)
    if newest is not None and entry.at and read_moment(entry.at, state.zone) < newest:
        raise refuse("O14", f"{name} of {spoken(read_moment(entry.at, state.zone), state.zone)} is older than the one that holds, of {spoken(newest, state.zone)}, and would replace it", "check the time; if the newer one is wrong, enter the true value with a time after it and say why.", name)


def prove_answer(state: State, made: Schedule, query: str, text: str, why: str) -> None:
    """Refuse an answer to what is no query, one that is no decision, and a choice made anew without a reason or with the same outcome."""
    if text.strip().endswith("?"):
        raise UsageError(Fault("R05", f'"{text[:40]}" asks, and leaves {query} open', "say what was decided, by whom and on what.", f"answer {query}"))
    if replan.again(state, query):
        _prove_again(state, query, text, why)
        return
    found = next((one for one in made.findings if one.id == query and one.level in ("query", "block")), None)
    if found is None:
        known = [one.id for one in made.findings if one.level == "query"]
        raise UsageError(Fault("R05", f'no query is called "{query}"', closest(query, known), f"answer {query}"))
    if found.level == "block":
        way = f"change what holds it: course set FILE {found.order}.dose=… (or another field), with --by and --reason." if found.order else "change what holds it with course set."
        raise UsageError(Fault("R05", f"{query} is a block, which no answer lifts", way, f"answer {query}"))
    if query in state.lapsed:
        _prove_lapsed(state, query, text)


def _prove_again(state: State, query: str, text: str, why: str) -> None:
    told, fact = state.chosen[query].told, state.chosen[query].entry
    names = [name for name in replan.OUTCOMES[told.kind] if name != told.name]
    if text not in names or not why.strip():
        who = f"it is answered: {told.name}, chosen by {told.by}{' on ' + fact.at[:16].replace('T', ' ') if fact.at else ''}{': ' + told.why if told.why else ''}"
        raise UsageError(Fault("R05", who, f"to change it, answer it with {' or '.join(names)}, --by and --reason.", f"answer {query}"))


def _prove_lapsed(state: State, query: str, text: str) -> None:
    """Refuse the name of an outcome that can no longer be done."""
    fact, since = state.lapsed[query]
    outcome = replan.OUTCOMES[replan.kind_of(fact, state)].get(text)
    if outcome not in (None, stay):
        raise refuse("O11", f"{text} can no longer be done, because {since.order}#{since.dose} is recorded since", "say in words who decided what was done.", f"answer {query}")


def prove_released(state: State, key: str) -> None:
    """Refuse to release a dose twice (O14)."""
    found = state.releases.get(texts.key(key))
    if found and not found.recalled:
        raise refuse("O14", f"{key} is released already, by {found.entry.by}", "recall it first if it is to be released anew.", "dose")


def prove_account(state: State, count: int, corrects: int, by: str, why: str) -> None:
    """Refuse a count of nothing, and a correction without who and why or of what is no standing entry of the stock."""
    if not corrects:
        if count < 1:
            raise UsageError(Fault("R05", "0 is no count of a product", "leave it out; to take an entry back, correct it by its number (--corrects).", "count"))
        return
    texts.need(by=by, reason=why)
    known = {number: f"entry {number}, {one.action} {one.count} of {one.order}" for number, one in pharmacy.standing(state.log)}
    if corrects not in known:
        raise UsageError(Fault("R05", f"entry {corrects} is no standing entry of the stock", f"those are {'; '.join(known.values()) or 'none'}.", "corrects"))


def prove_recorded(state: State, entry: Any) -> None:
    """Refuse what changes the doses left while a dose whose time has passed is neither given nor missed, or a choice is open (O13)."""
    order = level.leads_to(state, entry.order) if entry.what == "level" else getattr(entry, "order", "") or (entry.key.rpartition(".")[0] if entry.what == "set" else "")
    late = [(key, text) for key, text in findings.overdue(state, replan.now_of(state, entry)) if not order or key.startswith(f"{order}#")]
    faults = _not_recorded(late)
    if entry.what in ("move-day0", "set"):
        faults += [Fault("O13", f"{findings.say_fact(state, fact)}, and nobody has chosen what follows", f"answer {key} first.", key)
                   for key, fact in state.asked.items() if not order or getattr(fact, "order", order) == order]  # fmt: skip
    if faults:
        raise InputError(*faults)


def _not_recorded(late: Sequence[tuple[str, str]]) -> list[Fault]:
    return [Fault("O13", f"{key} was planned for {text}, before now, and is neither given nor missed", "record it first, as given or missed.", key) for key, text in late]


def prove_untouched(state: State, entry: Any, before: Schedule, after: Schedule) -> None:
    """Refuse a fact of the patient that changes a dose whose time has passed and which is not recorded (O13): a fact holds from now on."""
    late = findings.overdue(state, replan.now_of(state, entry))
    old, new = ({f"{row.order}#{row.number}": row.amount for row in made} for made in ((before, after) if late else ((), ())))
    if faults := _not_recorded([(key, text) for key, text in late if old.get(key) != new.get(key)]):
        raise InputError(*faults)
