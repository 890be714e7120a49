"""What a course asks and tells beside the checks of a plan: choices left open, deviations, sums, doses not recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from dosing import forms
from dosing.checks import Case
from dosing.course import level, limits, replan, spacing
from dosing.course.moment import hours, read_moment, spoken
from dosing.course.places import Stand, first_of, hangs
from dosing.course.state import Done, State
from dosing.engine.dose import Reading
from dosing.schedule import Amount, Finding
from dosing.units import in_unit

MEANT = {"rest-day": "each dose left keeps its protocol day under the new day 0", "continue": "drugs already begun keep their dates", "stop": "drugs already begun are stopped",
         "keep-grid": "the doses left keep their times", "slide": "the doses left follow the actual start", "omit": "the missed dose is left out", "append": "the missed dose is made up at the end",
         "real": "the new weight counts from now", "fluid": "the change counts as fluid, the doses stay", "next-dose": "each dose left aims at the target", "cumulative": "the doses left aim at the target of the course",
         "keep-day0": "day 0 stays the day planned", "follow": "day 0 becomes the day of the graft; drugs not yet begun follow it", "stated": "the dose stated after the level holds", "re-date": "every protocol day from now on gets its dose again"}  # fmt: skip


def all_of(state: State, case: Case, there: Mapping[str, tuple[Stand, ...]], planned: Sequence[Finding], held: set[str], readings: Mapping[str, Reading]) -> list[Finding]:
    """The findings of a plan as they hold for a course, then those that only a course has."""
    begun = {order for order, lane in state.lanes.items() if lane.done}
    kept = [finding for finding in planned if not (finding.code == "timing.outside-days" and finding.order in begun)] if begun else list(planned)
    return [*kept, *_open(state), *_lapsed(state), *_choices(state), *_facts(state), *_moved(state), *_conditions(state), *_given(state), *_unreleased(state), *level.far(state), *_levels(state), *_not_given(state), *_overdue(state), *_unnamed(state),
            *spacing.all_of(state, case, there), *limits.all_of(state, case, readings), *_void(state, held, readings)]  # fmt: skip


def _open(state: State) -> Iterator[Finding]:
    """What practice leaves open after a fact that is recorded, and nobody has chosen yet."""
    for key, fact in state.asked.items():
        names = replan.OUTCOMES[replan.kind_of(fact, state)]
        told = "; ".join(f"{name}: {MEANT[name]}" for name in names)
        yield Finding(key, "course.choice-open", "query", f"{say_fact(state, fact)}, and nobody has chosen what follows. {told}. Until then the doses left stand as before. Answer with one of {', '.join(names)}.", level.leads_to(state, fact.order) if fact.what == "level" else getattr(fact, "order", None))


def _lapsed(state: State) -> Iterator[Finding]:
    """Choices that nobody made while they could be made."""
    for key, (fact, since) in state.lapsed.items():
        what = "given" if since.what == "give" else "recorded as missed"
        yield Finding(key, "course.not-chosen", "query", f"{say_fact(state, fact)}, and nobody chose what follows ({' or '.join(replan.OUTCOMES[replan.kind_of(fact, state)])}). {since.order}#{since.dose} was {what} since, and no outcome changes a dose any more; the doses left stand as they are. Say who decided it.", getattr(fact, "order", None))


def say_fact(state: State, fact: Any) -> str:
    """What happened, in words: `bu#6 was given Sat 2027-03-27 08:30, 2.5 h after its planned start`."""
    if fact.what == "move-day0":
        return f"day 0 moves to {fact.day0}"
    if fact.what == "weigh":
        return f"the patient was weighed {fact.weight}"
    if fact.what == "level":
        return f"a level of {fact.measured} was measured after {fact.order}#{fact.of}, target {fact.target}"
    order, number = fact.order, fact.dose
    done = state.lanes[order].find(number)
    if done is None or done.missed:
        return f"{order}#{number} was not given"
    return f"{order}#{number} was given {_off(state, done)}"


def _off(state: State, one: Done) -> str:
    """When a dose was given, and how far from its planned start."""
    planned = read_moment(one.planned.start, state.zone)
    return f"{spoken(one.seconds, state.zone)}, {hours(abs(one.seconds - planned))} {'after' if one.seconds > planned else 'before'} its planned start"


def _choices(state: State) -> Iterator[Finding]:
    """What a person chose where practice differs, in the order of the orders."""
    for number, one in enumerate(sorted(state.told, key=lambda told: (told.kind, told.order)), 1):
        about = "" if one.kind == "set" else f" after {one.kind}{' of ' + one.order if one.order else ''}: {MEANT[one.name]}"
        who = f"{one.by or 'a person not named'}{', confirmed by ' + one.second if one.second else ''}"
        before = f" Before that it was {one.before}; that no longer holds." if one.before else ""
        yield Finding(f"course.choice.{number}", "course.choice", "note", f"{one.name}{about}; chosen by {who}{': ' + one.why if one.why else ''}.{before}", one.order or None)
    if state.reweighed:
        yield Finding("patient.reweighed", "course.weight", "note", f"the weight changed from {state.reweighed} during the course; doses given before stay as they were given.")


LASTING = ("height", "sex", "born", "age")  # facts that are corrected within a course rather than change


def _facts(state: State) -> Iterator[Finding]:
    """Facts of the patient entered during the course, with what they were before; one that cannot change in weeks is asked about."""
    for number, one in enumerate(state.facts, 1):
        entry = one.entry
        corrects = one.key in LASTING and one.old != "not entered"
        when = f" from {entry.at[:16].replace('T', ' ')}" if entry.at else ""
        who = f"{entry.by}{', confirmed by ' + entry.second if entry.second else ''}: {entry.why}"
        asked = f" The {one.key} does not change within a course: confirm which value is right, and whether the doses given before are looked at again." if corrects else ""
        yield Finding(f"course.fact.{number}", "course.fact", "query" if corrects else "note", f"{one.key} of the patient: {one.old} before, {one.new}{when}; entered by {who}. Doses given before stay as they were given.{asked}")


def _moved(state: State) -> Iterator[Finding]:
    if state.other_files:
        yield Finding("course.files", "course.files", "query", f"the library has changed since the course was started: {', '.join(state.other_files)}. Given doses stay as recorded; compare the doses left with the issue printed last.")
    if state.day0 != state.zero:
        yield Finding("course.day0", "course.day0", "note", f"day 0 moved from {state.zero:%a %Y-%m-%d} to {state.day0:%a %Y-%m-%d}; given doses keep their dates and show both days.")


def _conditions(state: State) -> Iterator[Finding]:
    """Orders that hang on a fact of the patient, were begun, and may no longer be meant for the new weight."""
    for order, lane in state.lanes.items() if state.reweighed or state.facts else ():
        line = state.inputs.line(order)
        if lane.done and lane.rest and line and line.conditions:
            told = ", ".join(f"{one.name} {one.operator} {one.value}" for one in line.conditions)
            yield Finding(f"{order}.condition", "course.condition", "query", f"{order} is ordered only where {told}, and was begun before {'the patient was weighed again' if state.reweighed else 'a fact of the patient changed'}. Confirm that it goes on.", order)


def _given(state: State) -> Iterator[Finding]:
    """How each given dose differs from what was planned."""
    for order, lane in state.lanes.items():
        if not lane.given:
            continue
        yield from lane.done.once(("given", order), partial(_all_given, state, order, lane.given))
        line = state.inputs.line(order)
        for one in lane.given if line and hangs(line) else ():
            yield from _hung(state, order, one)
        if line and line.order.event:
            yield from _parts(state, order)


def _all_given(state: State, order: str, given: Sequence[Done]) -> tuple[Finding, ...]:
    return tuple(found for one in given for found in _one_given(state, order, one))


def _one_given(state: State, order: str, one: Done) -> Iterator[Finding]:
    key = f"{order}#{one.number}"
    if one.extra:
        yield from _extra(state, key, order, one)
    elif abs(one.seconds - read_moment(one.planned.start, state.zone)) > state.site.late * 60:
        yield Finding(f"{key}.time", "course.time", "note", f"{key} was given {_off(state, one)}.", order)
    if one.planned.held:
        yield Finding(f"{key}.held", "course.held", "query", f"{key} was given while the line was held ({_told(one.amount)}). Say who decided it.", order)
    if one.partial:
        yield _partial(key, order, one)
    elif one.planned.amount and one.amount != one.planned.amount:
        yield _other_amount(state, key, order, one, one.planned.amount)
    if one.corrections:
        first = _told(one.entry.amount) if one.entry.what == "give" else "missed"
        yield Finding(f"{key}.corrected", "course.correction", "note", f"{key} was first recorded as {first}; corrected {len(one.corrections)} time(s), last by {one.corrections[-1].by}: {one.corrections[-1].why}", order)


def _unreleased(state: State) -> Iterator[Finding]:
    """Doses given that nobody had released as they were planned: asked about where this course releases doses, else told."""
    for order, lane in state.lanes.items():
        if not lane.given:
            continue
        stood = tuple((number, one.entry.start, one.entry.amount, bool(one.recalled)) for (name, number), one in state.releases.items() if name == order)
        told = lane.done.once(("unreleased", stood), partial(_not_released, state, order, lane.given))
        early = [key for key, number in told if not state.releases or (order, number) in state.early]
        if asked := [key for key, _ in told if key not in early]:
            yield Finding(f"{order}.unreleased", "course.unreleased", "query", f"{', '.join(asked)}: given without release. Say who checked them.", order)
        if early:
            since = " before the first release of this course" if state.releases else ""
            yield Finding(f"{order}.unreleased{'.early' if asked else ''}", "course.unreleased", "note", f"{', '.join(early)}: given without release{since}.", order)


def _not_released(state: State, order: str, given: Sequence[Done]) -> tuple[tuple[str, int], ...]:
    return tuple((f"{order}#{one.number}", one.number) for one in given if not one.extra and one.planned.amount and not state.released(order, one))


def _levels(state: State) -> Iterator[Finding]:
    """Levels that a further entry withdrew or corrected, beside what it says."""
    for number, (old, new) in enumerate(state.withdrawn, 1):
        now = f"corrected to {new.measured}, target {new.target}" if new.what == "level" else "withdrawn"
        yield Finding(f"{old.order}.level.{number}", "course.correction", "note",
                      f"the level of {old.order}#{old.of} was first entered as {old.measured}, target {old.target}; {now} by {new.by}: {new.why}. Doses given before stay as they were given.", old.order)  # fmt: skip


def _extra(state: State, key: str, order: str, one: Done) -> Iterator[Finding]:
    line = state.inputs.line(order)
    if not (line and line.order.event):
        yield Finding(f"{key}.extra", "course.extra", "query", f"{key}: {_told(one.amount)} was given {spoken(one.seconds, state.zone)} and was never planned; it counts in every total. Confirm it with the prescriber, and decide whether the doses left change.", order)


def _parts(state: State, order: str) -> Iterator[Finding]:
    """Further infusions of a graft: what hangs on it counts from the first."""
    given = state.lanes[order].given
    for first, one in ((given[0], one) for one in given[1:]):
        yield Finding(f"{order}#{one.number}.extra", "course.extra", "query", f"{order}#{one.number} is a further infusion of the graft, {hours(one.seconds - first.seconds)} after the first. Day 0 and what hangs on it count from the first; confirm it.", order)


def _other_amount(state: State, key: str, order: str, one: Done, meant: tuple[str, str]) -> Finding:
    given, planned = Fraction(one.amount[0]) if one.amount else Fraction(0), Fraction(meant[0])
    same = one.amount is not None and one.amount[1] == meant[1]
    asked = not same or abs(given - planned) > planned * Fraction(state.site.amount) / 100
    cure = "" if not asked else " Decide whether the rest is given or left out." if same and given < planned else " Confirm it with the prescriber."
    percent = f" ({float(given / planned * 100 - 100):+.1f} %)" if same else ""
    return Finding(f"{key}.amount", "course.amount", "query" if asked else "note", f"{key}: {_told(one.amount)} was given, {_told(meant)} was planned{percent}.{cure}", order)


def _partial(key: str, order: str, one: Done) -> Finding:
    """A dose that was stopped before its end: what went in of what was planned."""
    whole = one.planned.amount or one.planned.calculated
    share = in_unit(*one.amount, whole[1]) / Fraction(whole[0]) if one.amount and whole else None
    if share and share >= 1:  # an entry of before the amount was asked for
        text = f"{key} is recorded as partial, and the {_told(one.amount)} counted is no part of the {_told(whole)} planned. Correct it to the amount that went in."
    else:
        percent = f" ({float(share * 100 - 100):+.1f} %)" if share is not None else ""
        of = f" of {_told(whole)} planned" if whole else "; no amount is planned"
        text = f"{key}: partial, {_told(one.amount)} was given{of}{percent}. Decide whether the rest is given or left out."
    return Finding(f"{key}.amount", "course.partial", "query", text, order)


def _told(amount: tuple[str, str] | None) -> str:
    return str(Amount(*amount)) if amount else "an amount not recorded"


def _hung(state: State, order: str, one: Done) -> Iterator[Finding]:
    """A dose that hangs on an event, against the event as it was or is planned."""
    line = state.inputs.line(order)
    if line is None or not isinstance(line.order.at, forms.Offset) or line.rhythm.anchors or one.extra:
        return
    at = first_of(state, line.rhythm.event)
    if at is None or abs(one.seconds - at - line.rhythm.offset * 60) <= state.site.late * 60:
        return
    word = "before" if one.seconds < at else "after"
    yield Finding(f"{order}#{one.number}.offset", "course.offset", "query", f"{order}#{one.number} started {hours(abs(at - one.seconds))} {word} {line.rhythm.event}; {line.order.at.text} is ordered. It stays as given; the deviation is recorded.", order)


def _not_given(state: State) -> Iterator[Finding]:
    for order, lane in state.lanes.items():
        for one in lane.done:
            if one.missed:
                yield Finding(f"{order}#{one.number}.missed", "course.missed", "note", f"{order}#{one.number}, planned {spoken(one.seconds, state.zone)}, was not given{': ' + one.entry.why if one.entry.why else ''}.", order)
        if lane.stopped:
            yield Finding(f"{order}.stopped", "course.stopped", "note", f"{order}: doses {', '.join(map(str, lane.stopped))} are stopped and will not be given.", order)


def _overdue(state: State) -> Iterator[Finding]:
    """Doses whose time has passed, by what the ledger itself tells, and of which nothing is recorded."""
    open_ = {fact.order for fact in state.asked.values() if fact.what in ("give", "miss", "correct") and state.lanes[fact.order].done[-1].number == fact.dose}  # they may follow it
    for key, text in overdue(state, state.now):
        if key.partition("#")[0] not in open_:
            yield Finding(f"{key}.record", "course.not-recorded", "query", f"{key} was planned for {text}, and the ledger tells later events, but not whether it was given. Record it as given or missed.", key.partition("#")[0])


def _unnamed(state: State) -> Iterator[Finding]:
    """Entries of the ledger that name nobody."""
    if nobody := [one for one in state.log if not one.by]:
        told: dict[str, list[str]] = {}
        for one in nobody:
            told.setdefault(one.what, []).append(_which(one))
        names = "; ".join(f"{what} {', '.join(which)}".strip() for what, which in sorted(told.items()))
        yield Finding("course.unnamed", "course.unnamed", "note", f"no person is named for {len(nobody)} entr{'y' if len(nobody) == 1 else 'ies'} of the ledger: {names}.")


def _which(entry: Any) -> str:
    """Which one of its kind an entry is."""
    if entry.what in ("give", "miss"):
        return f"{entry.order}#{entry.dose}"
    if entry.what == "account":
        return f"{entry.order} {entry.action} {entry.count}"
    return str(getattr(entry, NAMED.get(entry.what, "order"), ""))


NAMED = {"weigh": "weight", "level": "measured", "issue": "issue", "move-day0": "day0"}


def overdue(state: State, now: int | None) -> list[tuple[str, str]]:
    """Doses left whose planned start lies before a moment, as `order#number` and the time in words."""
    if now is None:
        return []
    early = now - state.site.late * 60
    late = [(order, number, place.seconds) for order, lane in state.lanes.items() if lane.rest for number, place in state.starts(order).items() if (place.seconds or 0) < early]
    return [(f"{order}#{number}", spoken(seconds or 0, state.zone)) for order, number, seconds in late]


def _void(state: State, held: set[str], readings: Mapping[str, Reading]) -> Iterator[Finding]:
    """Releases that stand for another start or amount than the dose has now."""
    from dosing.course.rows import released

    for order, number in state.releases:
        place, told = state.starts(order).get(number), readings.get(order)
        amount = Amount(told.amount, told.unit) if told and order not in held else None
        facts = released(state, order, number, place.seconds, amount) if place else None
        if facts and facts["released"]["void"]:
            yield Finding(f"{order}#{number}.release", "course.release-void", "query", f"{order}#{number} was released and has changed since. Recall it, and release it as it stands now.", order)
