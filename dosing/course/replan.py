"""The rest from now: what each entry does to what is left, and the choice that practice leaves open after it.

A fact is recorded at once. Where practice differs after it, the choice is a query of its own: a person answers with
the name of one outcome, at once or later, and until then the doses left stand where they stood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dosing.course import level, moment, moves
from dosing.course.doses import append, correct, record, slide, stay, stopped
from dosing.course.level import next_dose, noted, stated, whole_course, withdrawn
from dosing.course.state import Chosen, Fact, Lane, Released, State, Told, day_of, whole
from dosing.engine.settle import Change, Line
from dosing.errors import DosingError, refuse
from dosing.patient import Patient

Outcome = Callable[[State, Any], State]
FACTS_OF_PATIENT = frozenset(Patient.model_fields) - {"weight", "weighed", "last_weight", "name", "id"}  # a weight has its own entry; who the patient is never changes


def real_weight(state: State, entry: Any) -> State:
    """The new weight counts from the next dose on."""
    facts = {key: text for key, text in state.inputs.facts.items() if key != "last_weight"}
    told = f"{facts.pop('weight', 'none')} to {entry.weight}"
    facts.pop("weighed", "")
    new = {"weight": entry.weight} | ({"weighed": entry.at[:10]} if entry.at else {})
    return replace(state, inputs=replace(state.inputs, patient=tuple((facts | new).items())), reweighed=told)


def change(state: State, entry: Any) -> State:
    """A field of an order, a choice or a fact of the patient, set from now on; doses not yet done take their places of the new days and hours."""
    if entry.key in FACTS_OF_PATIENT:
        new = Fact(entry.key, state.inputs.facts.get(entry.key, "not entered"), entry.value, entry)
        patient = state.inputs.facts | {entry.key: entry.value}
        return replace(state, inputs=replace(state.inputs, patient=tuple(patient.items())), facts=(*state.facts, new))
    if is_choice(state, entry.key):
        chosen = dict(state.inputs.choose) | {entry.key: entry.value}
        order = entry.key.partition(".")[0]
        told = Told("set", order if order in state.lanes else "", f"{entry.key} chosen anew, {entry.value}", entry.by, entry.second, entry.why)
        return _settled_again(state, replace(state.with_inputs(choose=tuple(chosen.items())), told=(*state.told, told)))
    made = Change(entry.key, entry.value, entry.by, entry.why, entry.second)
    return _settled_again(state, state.with_inputs(changes=(*state.inputs.changes, made)))


def is_fact(entry: Any) -> bool:
    """Whether an entry sets a fact of the patient."""
    return entry.what == "set" and entry.key in FACTS_OF_PATIENT


def is_choice(state: State, key: str) -> bool:
    """Whether a key is a choice of the regimen, made or of a branch that is not taken yet."""
    settled, order = state.inputs.settled, key.rpartition(".")[0]
    parts = (settled.regimen, *settled.blocks)
    asked = state.inputs.line(order) is None and any(one.id == order for part in parts for one in part.orders)
    return asked or key in settled.choices or any(key in part.choices for part in parts)


def _settled_again(before: State, after: State) -> State:
    """The lanes under changed orders: new orders are whole, lost ones stop, changed days and hours hold for the rest."""
    lanes = {}
    for line in after.inputs.settled.lines:
        old, lane = before.inputs.line(line.id), before.lanes.get(line.id)
        if lane is None or old is None:
            lanes[line.id] = Lane(rest=whole(line, after.when)) if lane is None else lane
        elif old.rhythm != line.rhythm and lane.rest:
            lanes[line.id] = replace(lane, rest=whole(line, after.when, max((one.number for one in lane.done), default=0)))
        else:
            lanes[line.id] = lane
    gone = {order: stopped(lane) for order, lane in before.lanes.items() if order not in lanes}
    if given := [order for order, lane in gone.items() if lane.done]:
        raise refuse("R09", f"{', '.join(given)} has been begun and would vanish from the regimen", f"stop {given[0]} instead.", "set")
    return replace(after, lanes=lanes | gone)


def stop(state: State, entry: Any) -> State:
    """The doses left of one order are not given."""
    return state.with_lane(entry.order, stopped(state.lane(entry.order)))


def answer(state: State, entry: Any) -> State:
    """An answer to a choice left open is its outcome; any other is kept, in the order of the queries whatever came first."""
    if entry.query in state.asked:
        return _decided(state, state.asked[entry.query], entry)
    told = {"id": entry.query, "answer": entry.answer, "by": entry.by}
    told |= {key: value for key, value in (("second", entry.second), ("at", entry.at), ("evidence", entry.why), ("asked", entry.asked)) if value}
    others = [one for one in state.answers if one["id"] != entry.query]
    return replace(state, answers=tuple(sorted([*others, told], key=lambda one: one["id"])))


def _decided(state: State, fact: Any, entry: Any) -> State:
    """The outcome that a person named for a fact recorded before."""
    if fact.what == "level":
        fact = fact.model_copy(update={"dose": entry.dose, "by": entry.by, "second": entry.second})
    kind = kind_of(fact, state)
    after = OUTCOMES[kind][entry.answer](state, fact)
    told = _told(kind, fact, entry.answer, entry, state.chosen.get(entry.query))
    asked = {key: one for key, one in after.asked.items() if key != entry.query}
    return replace(after, asked=asked, told=(*after.told, told), chosen={**after.chosen, entry.query: Chosen(entry, state, told)})


def release(state: State, entry: Any) -> State:
    """One administration is released as it stands; the first release tells which doses were given before any was asked for."""
    early = state.early if state.releases else frozenset((order, one.number) for order, lane in state.lanes.items() for one in lane.given)
    return replace(state, releases={**state.releases, (entry.order, entry.dose): Released(entry)}, early=early)


def recall(state: State, entry: Any) -> State:
    """A release is taken back."""
    key = (entry.order, entry.dose)
    if key not in state.releases or state.releases[key].recalled:
        raise refuse("R05", f"{entry.order}#{entry.dose} is not released", "there is nothing to take back.", "recall")
    return replace(state, releases={**state.releases, key: replace(state.releases[key], recalled=entry)})


OUTCOMES: dict[str, dict[str, Outcome]] = {
    "give": {"keep-grid": stay, "slide": slide},
    "graft": {"keep-day0": stay, "follow": moves.follow},
    "miss": {"omit": stay, "append": append},
    "weigh": {"real": real_weight, "fluid": stay},
    "level": {"next-dose": next_dose, "cumulative": whole_course},
    "stated": {"stated": stated},
    "move-day0": {"rest-day": moves.rest_day, "continue": moves.carry_on, "stop": moves.stop_begun},
}
FACTS: dict[str, Outcome] = {
    "give": record, "miss": record, "correct": correct, "weigh": stay, "level": noted, "withdraw": withdrawn, "move-day0": stay, "set": change, "stop": stop,
    "answer": answer, "release": release, "recall": recall, "issue": stay, "account": stay,
}  # fmt: skip


def kind_of(entry: Any, state: State) -> str:
    """Under which kind of news practice knows outcomes for an entry; a corrected dose is news of its kind."""
    if entry.what == "level" and (entry.stated or not _is_dosed(state, entry.order)):
        return "stated" if entry.stated else "by-level"
    if entry.what not in ("give", "correct", "miss"):
        return str(entry.what)
    line = state.inputs.line(entry.order)
    if line and line.order.event:
        return "graft"
    return "miss" if entry.what == "miss" or getattr(entry, "missed", False) else "give"


def _is_dosed(state: State, order: str) -> bool:
    line = state.inputs.line(order)
    return bool(line and line.dose)


NAMES = {"weigh": "weight.outcome", "move-day0": "day0.outcome"}
CURE = "the doses left are changed with set, or when the next one is recorded."


def query_of(entry: Any) -> str:
    """The id of the query that asks for the outcome of an entry."""
    if entry.what in NAMES:
        return NAMES[entry.what]
    return f"{entry.order}.level.outcome" if entry.what == "level" else f"{entry.order}#{entry.dose}.outcome"


def open_outcomes(state: State, entry: Any) -> Mapping[str, Outcome]:
    """The outcomes that practice knows after an entry; none where nothing depends on a choice."""
    kind = kind_of(entry, state)
    known = OUTCOMES.get(kind, {})
    if entry.what in ("give", "correct", "miss"):
        line = state.inputs.line(entry.order)
        return known if kind_fits(state, entry, kind, line) else {}
    return known


def kind_fits(state: State, entry: Any, kind: str, line: Line | None) -> bool:
    """Whether a dose was missed, or so far off its time, that the doses left could follow it."""
    if line is None or getattr(entry, "extra", False):
        return False
    if kind == "graft":
        return entry.what != "miss" and not getattr(entry, "missed", False) and bool(entry.what == "give" or entry.start) and not moves.fits_day0(state, entry)
    if line.rhythm.event:
        return False
    return kind == "miss" or strays(state, entry, line)


def strays(state: State, entry: Any, line: Line) -> bool:
    """Whether a given dose is so far off its time that the doses left could follow it."""
    done = state.lane(entry.order).find(entry.dose)
    planned = entry.planned if entry.what == "give" else done.planned if done else None
    told = entry.at if entry.what == "give" else entry.start
    if planned is None or not told:
        return False
    if entry.what == "correct" and state.lane(entry.order).given[-1:] != (done,):
        return False  # a later dose was given since, and the doses left go by that one
    if entry.what == "correct" and any(one.order == entry.order and one.name == "slide" for one in state.told):
        return True  # the doses left follow a start that was not the true one
    return _off_grid(state, moment.read_moment(told, state.zone), moment.read_moment(planned.start, state.zone), line)


def _off_grid(state: State, start: int, meant: int, line: Line) -> bool:
    """Whether a start is too late or too early for the interval of an order, or on another day than was meant."""
    if line.rhythm.every:
        return abs(start - meant) > state.site.late * 60
    return day_of(start, state.when) != day_of(meant, state.when)


def now_of(state: State, entry: Any) -> int | None:
    """The moment of an entry: its own, else the latest that the ledger tells."""
    return moment.read_moment(entry.at, state.zone) if entry.at else state.now


def apply(state: State, entry: Any) -> State:
    """The state after one more entry: its fact, then the outcome it names or the only one, or the query for it."""
    if entry.what == "answer" and again(state, entry.query):
        state = reopened(state, entry.query)
    kind, name, asks = kind_of(entry, state), getattr(entry, "outcome", ""), getattr(entry, "asks", False)
    known, after = OUTCOMES.get(kind), FACTS[entry.what](state, entry)
    if known and not asks and (name or entry.what != "correct"):
        after = known[name or next(iter(known))](after, entry)
    return _noted(after, state, entry, {query_of(entry): entry} if asks else {}, _told(kind, entry, name, entry) if name else None)


def _noted(after: State, before: State, entry: Any, asks: dict[str, Any], told: Told | None) -> State:
    """The entry itself, the moment told, the outcome chosen, and the choices that this entry opens, settles or leaves without effect."""
    moment_ = now_of(before, entry)
    now = moment_ if before.now is None or (moment_ is not None and moment_ > before.now) else before.now
    new: dict[str, Any] = {"now": now, "log": (*before.log, entry)}
    if asks:
        new["chosen"] = {key: one for key, one in after.chosen.items() if key not in asks}
    if after.asked or after.lapsed or asks:
        left = {key: one for key, one in after.asked.items() if not _settled(after, key, one, entry)}
        lapsed = {key: (one, entry) for key, one in left.items() if _lapses(after, one, entry)}
        old = {key: one for key, one in after.lapsed.items() if not _settled(after, key, one[0], entry)}
        new["asked"] = {key: one for key, one in left.items() if key not in lapsed} | asks
        new["lapsed"] = {key: one for key, one in (old | lapsed).items() if key not in asks}
    if told:
        new |= {"told": (*after.told, told), "chosen": {**new.get("chosen", after.chosen), query_of(entry): Chosen(entry, before, told)}}
    return replace(after, **new)


def _settled(state: State, key: str, fact: Any, entry: Any) -> bool:
    """Whether an entry leaves nothing to choose after a fact: the order is stopped, a newer weight or level stands, or the fact was none."""
    if entry.what == "stop":
        return bool(getattr(fact, "order", "") == entry.order)
    if entry.what in ("weigh", "level", "move-day0"):
        return key == query_of(entry)
    mine = entry.what == "correct" and fact.what in ("give", "miss", "correct") and (fact.order, fact.dose) == (entry.order, entry.dose)
    return mine and not _holds(state, fact)


def _holds(state: State, fact: Any) -> bool:
    """Whether a dose, as it is recorded now, is still missed, or still so far off its time that there is something to choose."""
    done, line = state.lanes[fact.order].find(fact.dose), state.inputs.line(fact.order)
    if done is None or line is None or _is_missed(fact) != done.missed:
        return False
    return done.missed or _off_grid(state, done.seconds, moment.read_moment(done.planned.start, state.zone), line)


def _lapses(state: State, fact: Any, entry: Any) -> bool:
    """Whether no outcome changes a dose any more once a further dose is recorded: none is left, or they go by a later one."""
    if entry.what not in ("give", "miss") or fact.what == "weigh" or getattr(entry, "extra", False):
        return False
    line = state.inputs.line(fact.order)
    if fact.what == "level":
        return not any(state.lanes[one.id].left for one in level.family(state, fact.order))
    if fact.order != entry.order or line is None or line.order.event or _is_missed(fact):
        return False
    return not state.lanes[fact.order].left or (entry.what == "give" and (bool(line.rhythm.every) or strays(state, entry, line)))


def _is_missed(fact: Any) -> bool:
    return fact.what == "miss" or bool(getattr(fact, "missed", False))


def _told(kind: str, entry: Any, name: str, by: Any, old: Chosen | None = None) -> Told:
    """A note of the outcome that a person chose, and of the one that was chosen before."""
    why = ": ".join(filter(None, (f"weighed {entry.weight}" if entry.what == "weigh" else "", by.why)))
    return Told(kind, getattr(entry, "order", ""), name, by.by, by.second, why, _earlier(old.told) if old else "")


def _earlier(told: Told) -> str:
    """A choice that no longer holds, and those before it."""
    return f"{told.name}, chosen by {told.by}{': ' + told.why if told.why else ''}{'; first ' + told.before if told.before else ''}"


# a choice made anew


def again(state: State, query: str) -> bool:
    """Whether a choice was made already, and may be made anew."""
    return query in state.chosen and query not in state.asked and query not in state.lapsed


def reopened(state: State, query: str) -> State:
    """The state as if a choice had not been made yet, with everything that the ledger tells since.

    `InputError` O13 where what was recorded since hangs on the choice.
    """
    made = state.chosen[query]
    after = made.before if made.entry.what == "answer" else apply(made.before, _left_open(made.entry))
    try:
        for entry in state.log[len(made.before.log) + 1 :]:
            _prove_there(after, entry)
            after = apply(after, entry)
    except DosingError as error:
        raise refuse("O13", f"{query} cannot be chosen anew, because what was recorded since hangs on it ({error.faults[0].what})", CURE, query) from None
    if query not in after.asked:
        raise refuse("O13", f"{query} was answered {made.told.name} by {made.told.by}, and what was recorded since leaves nothing to choose", CURE, query)
    return replace(after, chosen={**after.chosen, query: made})


def _left_open(fact: Any) -> Any:
    """A fact without the outcome that was named with it."""
    return fact.model_copy(update={"outcome": "", "asks": True} | ({"dose": ""} if fact.what == "level" else {}))


def _prove_there(state: State, entry: Any) -> None:
    """Refuse a dose recorded since that would not be there without the choice."""
    if entry.what in ("give", "miss") and not getattr(entry, "extra", False) and entry.dose not in state.lane(entry.order).left:
        raise refuse("O13", f"{entry.order}#{entry.dose} would not have been planned", CURE, "answer")
