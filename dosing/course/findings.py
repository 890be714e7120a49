"""What a course asks and tells beside the checks of a plan: deviations, collisions, gaps, sums, doses not recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from dosing import forms
from dosing.checks import Case
from dosing.checks.doses import judge, limits_of
from dosing.course.moment import hours, read_moment, spoken
from dosing.course.replan import TOLERANCE
from dosing.course.state import Done, State
from dosing.engine.settle import Line
from dosing.schedule import Administration, Amount, Finding, Level, Total

MEANT = {"rest-day": "each dose left keeps its protocol day under the new day 0", "continue": "drugs already begun keep their dates", "stop": "drugs already begun are stopped",
         "keep-grid": "the doses left keep their times", "slide": "the doses left follow the actual start", "omit": "the missed dose is left out", "append": "the missed dose is made up at the end",
         "real": "the new weight counts from now", "fluid": "the change counts as fluid, the doses stay", "next-dose": "each dose left aims at the target", "cumulative": "the doses left aim at the target of the course", "re-date": "every protocol day from now on gets its dose again"}  # fmt: skip
NEAR = Fraction(3, 4)  # of the ordered distance; two doses nearer than this are flagged
EXTRA = Fraction(11, 10)  # of the planned amount; a given amount above this is asked about


def all_of(state: State, case: Case, planned: Sequence[Finding], rows: Sequence[Administration], totals: Sequence[Total]) -> list[Finding]:
    """The findings of a plan as they hold for a course, then those that only a course has."""
    begun = {order for order, lane in state.lanes.items() if lane.done}
    kept = [finding for finding in planned if not (finding.code == "timing.outside-days" and finding.order in begun)]
    return [*kept, *_choices(state), *_moved(state), *_conditions(state), *_given(state), *_not_given(state), *_overdue(state), *_windows(state, case, rows), *_distances(state, case, rows), *_after_graft(case, rows), *_sums(state, case, totals), *_void(rows)]


def _choices(state: State) -> Iterator[Finding]:
    """What a person chose where practice differs, in the order of the orders."""
    for number, (kind, order, name, by, why) in enumerate(sorted(state.told, key=lambda told: (told[0], told[1])), 1):
        about = "" if kind == "set" else f" after {kind}{' of ' + order if order else ''}: {MEANT[name]}"
        yield Finding(f"course.choice.{number}", "course.choice", "note", f"{name}{about}; chosen by {by or 'a person not named'}{': ' + why if why else ''}.", order or None)
    if state.reweighed:
        yield Finding("patient.reweighed", "course.weight", "note", f"the weight changed from {state.reweighed} during the course; doses given before stay as they were given.")


def _moved(state: State) -> Iterator[Finding]:
    if state.other_files:
        yield Finding("course.files", "course.files", "query", f"the library has changed since the course was started: {', '.join(state.other_files)}. Given doses stay as recorded; compare the doses left with the issue printed last.")
    if state.day0 != state.zero:
        yield Finding("course.day0", "course.day0", "note", f"day 0 moved from {state.zero:%a %Y-%m-%d} to {state.day0:%a %Y-%m-%d}; given doses keep their dates and show both days.")


def _conditions(state: State) -> Iterator[Finding]:
    """Orders that hang on a fact of the patient, were begun, and may no longer be meant for the new weight."""
    for order, lane in state.lanes.items():
        line = state.inputs.line(order)
        if state.reweighed and lane.done and lane.rest and line and line.conditions:
            told = ", ".join(f"{one.name} {one.operator} {one.value}" for one in line.conditions)
            yield Finding(f"{order}.condition", "course.condition", "query", f"{order} is ordered only where {told}, and was begun before the patient was weighed again. Confirm that it goes on.", order)


def _given(state: State) -> Iterator[Finding]:
    """How each given dose differs from what was planned."""
    for order, lane in state.lanes.items():
        for one in lane.given:
            yield from _one_given(state, order, one)


def _one_given(state: State, order: str, one: Done) -> Iterator[Finding]:
    key, planned = f"{order}#{one.number}", read_moment(one.planned.start, state.zone)
    if abs(one.seconds - planned) > TOLERANCE:
        word = "after" if one.seconds > planned else "before"
        yield Finding(f"{key}.time", "course.time", "note", f"{key} was given {spoken(one.seconds, state.zone)}, {hours(abs(one.seconds - planned))} {word} its planned start.", order)
    if one.planned.held:
        yield Finding(f"{key}.held", "course.held", "query", f"{key} was given while the line was held ({_told(one.amount)}). Say who decided it.", order)
    if one.planned.amount and one.amount != one.planned.amount:
        yield _other_amount(key, order, one, one.planned.amount)
    if one.corrections:
        yield Finding(f"{key}.corrected", "course.correction", "note", f"{key} was first recorded as {_told(one.entry.amount) if one.entry.what == 'give' else 'missed'}; corrected {len(one.corrections)} time(s), last by {one.corrections[-1].by}: {one.corrections[-1].why}", order)
    yield from _hung(state, order, one)


def _other_amount(key: str, order: str, one: Done, meant: tuple[str, str]) -> Finding:
    given, planned = Fraction(one.amount[0]) if one.amount else Fraction(0), Fraction(meant[0])
    same = one.amount is not None and one.amount[1] == meant[1]
    asked = not same or given > planned * EXTRA or one.entry.partial
    cure = " Decide whether the rest is given or left out." if same and given < planned else " Confirm it with the prescriber." if asked else ""
    percent = f" ({float(given / planned * 100 - 100):+.1f} %)" if same else ""
    return Finding(f"{key}.amount", "course.amount", "query" if asked or given < planned else "note", f"{key}: {_told(one.amount)} was given, {_told(meant)} was planned{percent}.{cure}", order)


def _told(amount: tuple[str, str] | None) -> str:
    return str(Amount(*amount)) if amount else "an amount not recorded"


def _hung(state: State, order: str, one: Done) -> Iterator[Finding]:
    """A dose that hangs on an event, against the event as it was or is planned."""
    line = state.inputs.line(order)
    if line is None or not isinstance(line.order.at, forms.Offset):
        return
    event = next((lane_id for lane_id in state.lanes if (found := state.inputs.line(lane_id)) and found.order.event == line.rhythm.event), None)
    at = _event_start(state, event) if event else None
    if at is None or abs(one.seconds - at - line.rhythm.offset * 60) <= TOLERANCE:
        return
    word = "before" if one.seconds < at else "after"
    yield Finding(f"{order}#{one.number}.offset", "course.offset", "query", f"{order}#{one.number} started {hours(abs(at - one.seconds))} {word} {line.rhythm.event}; {line.order.at.text} is ordered. It stays as given; the deviation is recorded.", order)


def _event_start(state: State, event: str) -> int | None:
    done = state.lanes[event].given
    return done[0].seconds if done else next((slot.seconds for slot in state.starts(event).values()), None)


def _not_given(state: State) -> Iterator[Finding]:
    for order, lane in state.lanes.items():
        for one in (done for done in lane.done if done.missed):
            yield Finding(f"{order}#{one.number}.missed", "course.missed", "note", f"{order}#{one.number}, planned {spoken(one.seconds, state.zone)}, was not given{': ' + one.entry.why if one.entry.why else ''}.", order)
        if lane.stopped:
            yield Finding(f"{order}.stopped", "course.stopped", "note", f"{order}: doses {', '.join(map(str, lane.stopped))} are stopped and will not be given.", order)


def _overdue(state: State) -> Iterator[Finding]:
    """Doses whose time has passed, by what the ledger itself tells, and of which nothing is recorded."""
    for key, text in overdue(state, state.now):
        yield Finding(f"{key}.record", "course.not-recorded", "query", f"{key} was planned for {text}, and the ledger tells later events, but not whether it was given. Record it as given or missed.", key.partition("#")[0])


def overdue(state: State, now: int | None) -> list[tuple[str, str]]:
    """Doses left whose planned start lies before a moment, as `order#number` and the time in words."""
    if now is None:
        return []
    applies = [order for order in state.lanes if state.lanes[order].left]
    late = [(order, number, slot.seconds) for order in applies for number, slot in state.starts(order).items() if (slot.seconds or 0) + TOLERANCE < now]
    return [(f"{order}#{number}", spoken(seconds or 0, state.zone)) for order, number, seconds in late]


def _windows(state: State, case: Case, rows: Sequence[Administration]) -> Iterator[Finding]:
    """Doses left, or given, on days that the source does not state: asked about unless a person chose it."""
    chosen = {order for _, order, name, *_ in state.told if name in ("slide", "append")} | ({"*"} if any(name in ("continue", "rest-day") for _, _, name, *_ in state.told) else set())
    for line in case.lines:
        if line.rhythm.event or not line.dose or not state.lanes[line.id].done:
            continue
        outside = [row for row in rows if row.order == line.id and row.day not in line.order.days]
        left = [row for row in outside if not (row.record and "given" in row.record)]
        given = [row for row in outside if row not in left]
        stated = f"the stated days {forms.say_days(line.order.days)}"
        if given:
            yield Finding(f"{line.id}.given-days", "course.given-days", "note", f"{_on(given)} as day 0 stands now; given as recorded, outside {stated}.", line.id, line.cited())
        if left:
            level: Level = "query" if not chosen & {line.id, "*"} else "note"
            yield Finding(f"{line.id}.window", "timing.outside-days", level, f"{_on(left)}: outside {stated}.", line.id, line.cited())


def _on(rows: Sequence[Administration]) -> str:
    return ", ".join(f"dose {row.number} on day {forms.say_day(row.day)}" for row in rows)


def _distances(state: State, case: Case, rows: Sequence[Administration]) -> Iterator[Finding]:
    """Two doses of one order nearer to each other than ordered; of an interval also farther."""
    for line in case.lines:
        told = list(near(line, [row for row in rows if row.order == line.id])) if state.lanes[line.id].done or state.told else []
        if told:
            level: Level = "note" if any(order in (line.id, "") for _, order, *_ in state.told) else "query"
            yield Finding(f"{line.id}.distance", "course.distance", level, "; ".join(told) + ".", line.id)


def near(line: Line, rows: Sequence[Administration]) -> Iterator[str]:
    """What stands too near or too far, in words: `dose 7 starts 3.5 h after dose 6 (6 h ordered)`."""
    ordered = line.rhythm.every * 60 or _shortest(line)
    for before, after in zip(rows, rows[1:]):
        gap = (after.seconds or 0) - (before.seconds or 0)
        strays = abs(gap - ordered) > TOLERANCE if line.rhythm.every else gap < ordered * NEAR
        if strays:
            yield f"dose {after.number} starts {hours(gap)} after dose {before.number} ({hours(ordered)} ordered)"


def _shortest(line: Line) -> int:
    """The shortest distance in seconds between two doses of an order by the clock."""
    clock = sorted(line.rhythm.clock)
    if len(clock) < 2:
        return 86_400
    return min(later - first for first, later in zip(clock, [*clock[1:], clock[0] + 1440])) * 60


def _after_graft(case: Case, rows: Sequence[Administration]) -> Iterator[Finding]:
    """Drugs ordered before the graft that now stand at or after it."""
    graft = case.settled.graft
    zero = case.slots[graft.id][0].seconds if graft and graft.id in case.slots else None
    for line in case.lines if zero else ():
        assert zero
        late = [row for row in rows if row.order == line.id and line.drug.kind == "drug" and (row.seconds or 0) >= zero and line.order.days and max(line.order.days) < 0]
        if late:
            yield Finding(f"{line.id}.graft", "course.after-graft", "block", f"{line.drug.id}: dose {', '.join(str(row.number) for row in late)} would start at or after the graft; the order ends before it.", line.id)


def _sums(state: State, case: Case, totals: Sequence[Total]) -> Iterator[Finding]:
    """Given and planned together against the drug's limits for a whole course, per kg or m2 of today's patient."""
    for line in case.lines:
        total = next((one for one in totals if one.order == line.id and one.given is not None), None)
        if total is None or line.dose is None or not line.basis:
            continue
        sum_ = per_basis(total.amount or total.calculated, line, case)
        summed = replace(line, value=sum_, parts=1, count=1)
        for limit in limits_of(line):
            bound = limit.hard or limit.usual
            judged = judge(limit, summed) if bound and bound.time == "course" else None
            if judged and judged.verdict:
                level: Level = "block" if judged.verdict == "hard" else "query"
                yield Finding(f"{line.id}.sum", "course.sum", level, f"given and planned together are {judged.dose}, outside {judged.bounds} (seen: {limit.seen}).", line.id, limit.source)


def per_basis(amount: Amount, line: Line, case: Case) -> Decimal:
    """A total in the drug's unit per kg or m2 of the patient as weighed now."""
    basis = Decimal(str(float(case.doses[line.id].basis[0])))
    scale = Decimal(1000) if amount.unit == line.drug.small_unit else Decimal(1)
    return amount.decimal / scale / basis


def _void(rows: Sequence[Administration]) -> Iterator[Finding]:
    for row in rows:
        if row.record and row.record.get("released", {}).get("void"):
            yield Finding(f"{row.order}#{row.number}.release", "course.release-void", "query", f"{row.order}#{row.number} was released and has changed since. Recall it, and release it as it stands now.", row.order)
