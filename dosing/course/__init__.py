"""A course as it happens: a plan, what was given, what people decided, and the rest calculated from now.

    course = Course.start("nct07299123", {"weight": "62.5 kg", ...}, day0="2027-01-15", zone="Asia/Shanghai", ...)
    course.give("flu#1", at="2027-01-10T09:10")
    course.save("course.json")

A course is one file with an append-only ledger; its state is always the ledger read again from the first entry.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dosing import forms
from dosing.course import compose, events, findings, issues, ledger, pharmacy, release, replan, texts
from dosing.course.level import level_dose
from dosing.course.moment import read_moment, spoken, stamp
from dosing.course.outcomes import Choose, Option, choose, options, past, tell
from dosing.course.replan import OUTCOMES, apply, open_outcomes
from dosing.course.state import State, begin, files_of
from dosing.engine.settle import Change
from dosing.errors import Fault, InputError, UsageError, closest, refuse
from dosing.patient import Patient
from dosing.regimen.library import library as shelf
from dosing.schedule import Administration, Schedule

__all__ = ["Choose", "Course", "Option", "tell"]

REPLANS = {"move-day0", "weigh", "level", "set", "stop"}
FAR = 7 * 86_400  # seconds from the planned start; beyond it the date is taken for a slip of the pen


class Course:
    """One patient's course: entries in a chained ledger, and the schedule they come to.

    Every verb appends one entry or raises and appends nothing. Where practice differs and no `outcome` is named it
    raises `Choose`, whose `options` hold the outcomes side by side.
    """

    def __init__(self, book: ledger.Book, library: Iterable[str] = ()):
        self._book, self._library = book, tuple(library)
        self._known: bytes | None = book.data or None
        self._state: State | None = None
        self._schedule: Schedule | None = None

    @classmethod
    def start(
        cls, regimen: str, patient: Patient | Mapping[str, str], *, day0: str | None, zone: str | None = None, times: Mapping[str, str] | None = None,
        choose: Mapping[str, str] | None = None, bsa: str | None = None, set: Mapping[str, str] | Sequence[Change] = (),  # noqa: A002
        answer: Mapping[str, str] | Sequence[Mapping[str, str]] = (), by: str = "", reason: str = "", second: str = "", at: str = "",
        blocks: Iterable[str] = (), library: Iterable[str] = (), locale: str = "", second_for: Iterable[str] = (), subject: str = "",
    ) -> Course:  # fmt: skip
        """A new course with the inputs of `plan`; `second_for` names the kinds of entry that need a second person.

        Raises what `plan` raises, and T06 without a day 0.
        """
        from dosing.planning import plan

        folders, facts = tuple(library), texts.facts(patient)
        found, site = shelf(folders).regimen(regimen), shelf(folders).site
        if not day0:
            raise refuse("T06", "a course has no day 0", "add --day0 DATE and --zone ZONE.", "day0")
        zone = zone or site.zone or ""
        made = plan(found, Patient(**facts), day0=day0, zone=zone, times=times, choose=choose, bsa=bsa, set=set, answer=answer, by=by, reason=reason,
             second_name=second, blocks=[shelf(folders).regimen(block) for block in blocks], library=folders, locale=locale)  # fmt: skip
        entry = events.make(
            events.Start, at=at and stamp(read_moment(at, zone), zone), by=by, second=second, why=reason, regimen=f"{found.id}@{found.version}",
            blocks=tuple(f"{one.id}@{one.version}" for one in map(shelf(folders).regimen, blocks)), patient=facts, day0=day0, zone=zone, times=dict(times or {}),
            choose=dict(choose or {}), bsa=bsa or "", set=texts.changes(set, by, reason, second), answers=texts.answers(answer, by, made), locale=locale,
            two=tuple(second_for), subject=subject,
        )  # fmt: skip
        files = files_of(begin(entry, folders).inputs)
        return cls(ledger.Book((entry.model_copy(update={"files": files}),)), folders)

    @classmethod
    def load(cls, path: str | os.PathLike[str], library: Iterable[str] = ()) -> Course:
        """The course of a file; R07 naming the entry where the ledger is not as it was written."""
        return cls(ledger.load(path), library)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file whole; refused while another writes (L01), or when it has changed since it was read (L02)."""
        self._known = ledger.save(path, self._book, self._known)

    def to_bytes(self) -> bytes:
        """The bytes of the course file."""
        return ledger.to_bytes(self._book)

    @property
    def entries(self) -> tuple[events.Event, ...]:
        """The ledger, oldest first."""
        return self._book.entries

    @property
    def state(self) -> State:
        """What the ledger has come to."""
        if self._state is None:
            self._state = self._at(len(self.entries))
        return self._state

    def _at(self, count: int) -> State:
        """The state after some entries of the ledger."""
        state = begin(self.entries[0], self._library)  # type: ignore[arg-type]
        for entry in self.entries[1:count]:
            state = apply(state, entry)
        return state

    def schedule(self, printed_at: str = "") -> Schedule:
        """The schedule as it stands now: given rows and the rest."""
        if self._schedule is None:
            self._schedule = compose.schedule(self.state)
        return replace(self._schedule, printed_at=printed_at) if printed_at else self._schedule

    def row(self, key: str) -> Administration:
        """The row of `order#number`; `UsageError` with the nearest name for one that is not there."""
        order, number = texts.key(key)
        self.state.lane(order)
        found = next((row for row in self.schedule() if (row.order, row.number) == (order, number)), None)
        if found is None:
            known = [f"{row.order}#{row.number}" for row in self.schedule() if row.order == order]
            raise UsageError(Fault("R05", f"there is no dose {key} in this course", closest(key, known) if known else "none of this order is left.", key))
        return found

    # what happened

    def give(self, key: str, at: str, amount: str = "", *, stop: str = "", partial: bool = False, kit: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A dose given at an actual start; the amount is the planned one unless stated."""
        order, number = self._next(key)
        row, zone = self.row(key), self.state.zone
        start = read_moment(at, zone)
        self._plausible(row, start)
        planned = compose.plan_of(row)
        return self._record(events.Give, outcome=outcome, by=by, second=second, why=why, at=stamp(start, zone), order=order, dose=number, kit=kit, partial=partial,
                            stop=texts.stop(stop, start, zone), amount=texts.amount(amount, row, key), planned=planned)  # fmt: skip

    def miss(self, key: str, *, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A dose that was not given."""
        order, number = self._next(key)
        return self._record(events.Miss, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), order=order, dose=number, planned=compose.plan_of(self.row(key)))

    def correct(self, key: str, *, start: str = "", stop: str = "", amount: str = "", missed: bool = False, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A further entry about a recorded dose; both are shown."""
        order, number = texts.key(key)
        done = self.state.lane(order).find(number)
        if done is None:
            raise refuse("R05", f"{key} is not recorded yet", "record it with dosing course give or miss.", key)
        texts.need(by=by, reason=why)
        begun = read_moment(start, self.state.zone) if start else done.seconds
        made = texts.read_amount(amount, done.planned.amount or done.amount, key) if amount else None
        return self._record(events.Correct, by=by, second=second, why=why, at=self._moment(at), order=order, dose=number, start=stamp(begun, self.state.zone) if start else "",
                            stop=texts.stop(stop, begun, self.state.zone), amount=made, missed=missed)  # fmt: skip

    def weigh(self, weight: str, *, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A new weight, which counts as `real` or as `fluid`."""
        Patient(weight=weight)
        return self._record(events.Weigh, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), weight=weight)

    def level(self, order: str, measured: str, target: str, *, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A measured exposure of one dose and its target, in one unit; `next-dose` or `cumulative`."""
        self.state.lane(order)
        return self._record(events.Level, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), order=order, measured=texts.exposure(measured), target=texts.exposure(target))

    def move_day0(self, day0: str = "", times: Mapping[str, str] | None = None, *, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A new day 0, or new hours of events; what is begun is stopped, rests, or continues."""
        day = day0 or self.state.day0.isoformat()
        forms.read_date(day)
        return self._record(events.Move, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), day0=day, times=dict(times or {}))

    def set(self, key: str, value: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A change of one order for the doses that are left; needs who and why."""
        texts.need(by=by, reason=why)
        return self._record(events.Set, by=by, second=second, why=why, at=self._moment(at), key=key, value=value)

    def stop(self, order: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """No more doses of an order."""
        if not self.state.lane(order).left:
            raise refuse("R05", f"no dose of {order} is left", "there is nothing to stop.", order)
        return self._record(events.Stop, by=by, second=second, why=why, at=self._moment(at), order=order)

    def answer(self, query: str, text: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """An answer to an open query by its id; `why` holds the evidence."""
        texts.need(by=by, answer=text)
        known = {finding.id: finding for finding in self.schedule().findings if finding.level == "query"}
        if query not in known:
            raise UsageError(Fault("R05", f'no query is called "{query}"', closest(query, known) if known else "none is open.", f"answer {query}"))
        asked = self._asked(query)
        return self._record(events.Answer, by=by, second=second, why=why, at=self._moment(at), query=query, answer=text, asked=asked)

    def _asked(self, query: str) -> str:
        """What a query asks now, without any note of an earlier answer."""
        bare = compose.schedule(replace(self.state, answers=()))
        return next(compose.question(finding) for finding in bare.findings if finding.id == query)

    def release(self, key: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """One administration released; refused (O12) while anything open stands against its line."""
        texts.need(by=by)
        row = self.row(key)
        release.prove(self.schedule(), row)
        planned = compose.plan_of(row)
        return self._record(events.Release, by=by, second=second, why=why, at=self._moment(at), order=row.order, dose=row.number, start=planned.start, amount=planned.amount)

    def recall(self, key: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A release taken back."""
        texts.need(by=by)
        order, number = texts.key(key)
        return self._record(events.Recall, by=by, second=second, why=why, at=self._moment(at), order=order, dose=number)

    def account(self, order: str, action: str, count: int, *, kit: str = "", at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """Trial product received, prepared, wasted or returned."""
        self.state.lane(order)
        return self._record(events.Account, by=by, second=second, why=why, at=self._moment(at), order=order, action=action, count=count, kit=kit)

    # prints

    def issue(self, *, files: Iterable[str] = (), at: str = "", by: str = "", second: str = "", why: str = "") -> Schedule:
        """The next issue: the schedule with its number, the one it replaces, and what changed since."""
        number = len(self._book.issues) + 1
        before = self._book.issues[-1] if self._book.issues else None
        made = self.schedule(self._moment(at))
        made = replace(made, issue=number, replaces=number - 1, changed=issues.changes(before, made.to_dict()))
        told = made.to_dict()
        self._record(events.Issue, by=by, second=second, why=why, at=self._moment(at), issue=number, replaces=number - 1, sha256=ledger.digest(told), files=tuple(files))
        self._book = replace(self._book, issues=(*self._book.issues, told))
        return made

    @property
    def issues(self) -> tuple[dict[str, Any], ...]:
        """The schedules of all issues as plain JSON values, the first first."""
        return self._book.issues

    def diff(self, one: int, other: int) -> tuple[dict[str, Any], ...]:
        """What changed between two issues."""
        return issues.changes(self._issue(one), self._issue(other))

    def notice(self, number: int) -> str:
        """The notice that an issue is superseded by the latest one; refused for the latest itself."""
        latest = len(self._book.issues)
        if self._issue(number) is self._book.issues[-1]:
            raise refuse("R05", f"issue {number} is the latest one", "it is superseded when the next is printed.", f"issue {number}")
        return issues.notice(number, latest, str(self._issue(latest).get("printed_at", "")), self.diff(number, latest))

    def _issue(self, number: int) -> dict[str, Any]:
        if not 1 <= number <= len(self._book.issues):
            raise UsageError(Fault("R05", f"there is no issue {number}", f"issues 1 to {len(self._book.issues)} were printed." if self._book.issues else "none was printed yet.", f"issue {number}"))
        return self._book.issues[number - 1]

    def board(self) -> list[dict[str, Any]]:
        """Every dose left: needed by when, released or not, and what stands in the way."""
        return release.board(self.schedule())

    def reconciliation(self) -> str:
        """Planned against given as CSV, one row a dose."""
        return pharmacy.reconciliation(self.state, self.schedule())

    def deviations(self) -> list[dict[str, str]]:
        """The deviations of the course, with who answered them."""
        return pharmacy.deviations(self.schedule())

    def to_dict(self) -> dict[str, Any]:
        """The course as plain JSON values: ledger, issues, what may be released, and the schedule."""
        rows, head = ledger.chained(self.entries)
        printed = [{key: row.get(key) for key in ("issue", "replaces", "at", "by", "sha256")} for row in rows if row["what"] == "issue"]
        return {"schema": "dosing.course.view/1", "head": head, "ledger": rows, "issues": printed, "release": self.board(), "accountability": pharmacy.accountability(self.entries),
                "deviations": self.deviations(), "schedule": self.schedule().to_dict()}  # fmt: skip

    # how an entry is made

    def _record(self, kind: Any, outcome: str = "", **values: Any) -> events.Event:
        """Append one entry, with the outcome that was chosen where there was a choice."""
        entry = events.make(kind, **values)
        self._prove_people(entry)
        if entry.what in REPLANS:
            self._prove_recorded(entry)
        if entry.what in OUTCOMES:
            entry, state, made = self._chosen(entry, outcome)
        else:
            state = apply(self.state, entry)
            self._prove_later(entry, state)
            made = self.schedule() if entry.what in ("issue", "account") else compose.schedule(state)
        self._book = replace(self._book, entries=(*self.entries, entry))
        self._state, self._schedule = state, made
        return entry

    def _chosen(self, entry: Any, asked: str) -> tuple[Any, State, Schedule]:
        """The entry with its outcome, and what it comes to; `Choose` where a person must choose."""
        known = open_outcomes(self.state, entry)
        if len(known) > 1 or asked or entry.what in REPLANS:
            found = options(self.state, entry, self.schedule(), asked)
            picked = choose(found, entry, asked)
            entry = entry.model_copy(update={"outcome": asked} | ({"dose": level_dose(self.state, entry, picked.name == "cumulative")} if entry.what == "level" else {}))
            if asked and picked.state and picked.schedule:
                return entry, picked.state, picked.schedule
        state = apply(self.state, entry)
        self._prove_later(entry, state)
        return entry, state, compose.schedule(state)

    def _prove_people(self, entry: Any) -> None:
        """Refuse an entry of a kind for which the site asks a second person, without one or with the same one."""
        if entry.what in self.state.two and not entry.second:
            raise UsageError(Fault("R05", f"this site asks a second person for {entry.what}", "add --second NAME.", "--second"))
        if entry.second and entry.second.strip().casefold() == entry.by.strip().casefold():
            raise UsageError(Fault("R05", f'"{entry.second}" is named as both persons', "the second person must be another one.", "--second"))

    def _prove_recorded(self, entry: Any) -> None:
        """Refuse a replanning while a dose whose time has passed is neither given nor missed."""
        order = getattr(entry, "order", "") or (entry.key.rpartition(".")[0] if entry.what == "set" else "")
        late = [(key, text) for key, text in findings.overdue(self.state, replan.now_of(self.state, entry)) if not order or key.startswith(f"{order}#")]
        if late:
            raise InputError(*(Fault("O13", f"{key} was planned for {text}, before now, and is neither given nor missed", "record it first with dosing course give or miss.", key) for key, text in late))

    def _prove_later(self, entry: Any, state: State) -> None:
        """Refuse a change that would put a dose before the moment of the change (O11)."""
        if late := past(self.state, entry, state):
            raise InputError(*(Fault("O11", text, "choose days or hours that are still to come.", entry.what) for text in late))

    def _next(self, key: str) -> tuple[str, int]:
        """The order and number of a dose that may be recorded now; a dose twice or out of order is asked about (O14)."""
        order, number = texts.key(key)
        lane = self.state.lane(order)
        done = lane.find(number)
        if done:
            told = "missed" if done.missed else f"given {spoken(done.seconds, self.state.zone)}"
            raise refuse("O14", f"{key} is recorded already: {told}", f"if that is wrong, use dosing course correct; if a further dose was given, it is {texts.following(order, lane)}.", key)
        if number in lane.stopped:
            raise refuse("O14", f"{key} was stopped", "ask who gave it and why; it is not planned any more.", key)
        if lane.left and number != lane.left[0] and number in lane.left:
            raise refuse("O14", f"{key} comes after {order}#{lane.left[0]}, which is not recorded", f"was it {order}#{lane.left[0]}? If that one was not given, record dosing course miss {order}#{lane.left[0]} first.", key)
        return order, number

    def _plausible(self, row: Administration, start: int) -> None:
        """Ask about a start that is days away from the planned one, or before the dose before it (O14)."""
        key = f"{row.order}#{row.number}"
        if abs(start - (row.seconds or 0)) > FAR:
            raise refuse("O14", f"{key} is planned for {spoken(row.seconds or 0, row.zone)}, and {spoken(start, row.zone)} is more than 7 days away", "check the date.", key)
        before = [one for one in self.state.lane(row.order).given if one.seconds >= start]
        if before:
            raise refuse("O14", f"{key} at {spoken(start, row.zone)} would lie before {row.order}#{before[-1].number}, given {spoken(before[-1].seconds, row.zone)}", "check the time of both.", key)

    def _moment(self, at: str) -> str:
        return stamp(read_moment(at, self.state.zone), self.state.zone) if at else ""
