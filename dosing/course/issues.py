"""The file of a course and its prints: loaded and saved whole; each print has a number, and says what it replaces."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from dosing import forms
from dosing.course import compose, events, ledger, pharmacy, queries, texts
from dosing.course.changes import changes, notice
from dosing.course.moment import read_moment, stamp
from dosing.course.replan import apply
from dosing.course.state import State, begin
from dosing.errors import Fault, UsageError, refuse
from dosing.schedule import Schedule

if TYPE_CHECKING:
    from pathlib import Path


class Issues:
    """A ledger as a file, the state and schedule it comes to, and the issues printed of it."""

    def __init__(self, book: ledger.Book, library: Iterable[str] = ()):
        self._book, self._library = book, forms.names(library)
        self._known: bytes | None = book.data or None
        self._state: State | None = None
        self._schedule: Schedule | None = None

    def __repr__(self) -> str:
        state, issues = self.state, len(self.issues)
        given, left = (sum(map(len, parts)) for parts in zip(*((lane.given, lane.left) for lane in state.lanes.values()), strict=True))
        return f"<Course {state.inputs.regimen} day 0 {state.day0}: {given} given, {left} left, {len(self.entries)} in the ledger, {issues} issue{'' if issues == 1 else 's'}>"

    @classmethod
    def load(cls, path: str | os.PathLike[str], library: Iterable[str] = ()) -> Self:
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
        """The schedule as it stands now, a copy that names the last issue: given rows and the rest.

        Once anything has happened, what its findings ask for is told in the verbs of a course.
        """
        made = self._told(self._now(), last_issue=len(self.issues))
        made = _in_course(made) if len(self.entries) > 1 else made
        return replace(made, printed_at=printed_at) if printed_at else made

    def _now(self) -> Schedule:
        """The schedule that the state comes to, worked out once."""
        if self._schedule is None:
            self._schedule = compose.schedule(self.state)
        return self._schedule

    def _told(self, schedule: Schedule, **facts: int) -> Schedule:
        """A schedule with what the state does not know of its course: the subject of a trial, and on a copy the last issue."""
        known = {"subject": getattr(self.entries[0], "subject", ""), **facts}
        told = {key: value for key, value in known.items() if value}
        return replace(schedule, course={**(schedule.course or {}), **told}) if told else schedule

    def _keep(self, entry: events.Event, state: State, schedule: Schedule | None) -> None:
        self._book = replace(self._book, entries=(*self.entries, entry))
        self._state, self._schedule = state, schedule

    # prints

    def issue(self, *, files: Iterable[str] = (), at: str = "", by: str = "", second: str = "", why: str = "") -> Schedule:
        """The next issue: the schedule with its number, the one it replaces, and what changed since."""
        number, when = len(self.issues) + 1, stamp(read_moment(at, self.state.zone), self.state.zone) if at else ""
        made = replace(_in_course(self._told(self._now())), printed_at=when)
        made = replace(made, issue=number, replaces=number - 1, changed=changes(self.issues[-1] if self.issues else None, made.to_dict()))
        told = made.to_dict()
        self._record(events.Issue, by=by, second=second, why=why, at=when, issue=number, replaces=number - 1, sha256=ledger.digest(told), files=tuple(files))  # type: ignore[attr-defined]
        self._book = replace(self._book, issues=(*self._book.issues, told))
        return made

    @property
    def issues(self) -> tuple[dict[str, Any], ...]:
        """The schedules of all issues as plain JSON values, the first first."""
        return self._book.issues

    def diff(self, one: int, other: int) -> tuple[dict[str, Any], ...]:
        """What changed between two issues."""
        return changes(self._issue(one), self._issue(other))

    def notice(self, number: int, path: str | os.PathLike[str] | None = None, paper: str = "a4") -> str | Path:
        """The notice that an issue is superseded by the latest one, as text, or written to a `.pdf`, `.md` or `.txt`; refused for the latest itself."""
        latest = len(self.issues)
        if self._issue(number) is self.issues[-1]:
            raise refuse("R05", "it is the latest, so nothing has replaced it", "print the next issue first.", f"issue {number}")
        told = self.diff(number, latest)
        if path is None:
            return notice(number, latest, str(self._issue(latest).get("printed_at", "")), told)
        from dosing import render

        return render.notice(self._printed(latest), path, number, told, paper)  # type: ignore[attr-defined, no-any-return]

    def _printed(self, number: int) -> Schedule:
        """The schedule of an issue as it was printed, made again from the entries before it."""
        place = next(at for at, entry in enumerate(self.entries) if isinstance(entry, events.Issue) and entry.issue == number)
        told = self._issue(number)
        return replace(_in_course(self._told(compose.schedule(self._at(place)))), printed_at=told.get("printed_at", ""), issue=number, replaces=number - 1, changed=tuple(told.get("changed", ())))

    def _issue(self, number: int) -> dict[str, Any]:
        if not 1 <= number <= len(self.issues):
            raise UsageError(Fault("R05", "it was never printed", f"issues 1 to {len(self.issues)} were printed." if self.issues else "none was printed yet.", f"issue {number}"))
        return self.issues[number - 1]

    # lists

    def board(self) -> list[dict[str, Any]]:
        """Every dose left: needed by when, released or not, and what stands in the way."""
        return queries.board(self.schedule())

    def queries(self) -> dict[str, list[dict[str, Any]]]:
        """Two lists, `answer_before_release` and `for_information`, each with what is asked, by when, and the answer."""
        return queries.lists(self.schedule())

    def reconciliation(self) -> str:
        """Planned against given as CSV, one row a dose."""
        return pharmacy.as_csv(self.pharmacy()["reconciliation"])

    def deviations(self) -> list[dict[str, str]]:
        """The deviations of the course: what, when, who, why, and who answered them."""
        return pharmacy.deviations(self.state, self.schedule())

    def pharmacy(self) -> dict[str, Any]:
        """What the pharmacy of a trial keeps: subject, kits, accountability, deviations, reconciliation."""
        return pharmacy.file_of(self.state, self.entries, self.schedule())

    def unblinded(self, choose: Mapping[str, str]) -> Schedule:
        """The schedule with a blinding choice named (`{"arm": "2d"}`), for the pharmacy alone; the course itself stays blinded.

        It bears the number of the latest issue where nothing has changed or was recorded since that was printed.
        """
        latest, now = self.issues[-1] if self.issues else {}, self.schedule().to_dict()
        same = latest and latest["administrations"] == now["administrations"] and not changes(latest, now)
        made = pharmacy.unblinded(self.state, choose)
        return replace(self._told(made), issue=len(self.issues)) if same else self._told(made, last_issue=len(self.issues))

    def to_dict(self) -> dict[str, Any]:
        """The course as plain JSON values: ledger, issues, queries, what may be released, pharmacy, and the schedule."""
        rows, head = ledger.chained(self.entries)
        printed = [{key: row.get(key) for key in ("issue", "replaces", "at", "by", "sha256")} for row in rows if row["what"] == "issue"]
        return {"schema": "dosing.course.view/1", "head": head, "ledger": rows, "issues": printed, "queries": self.queries(), "release": self.board(),
                **{key: value for key, value in self.pharmacy().items() if key != "reconciliation"}, "schedule": self.schedule().to_dict()}  # fmt: skip


def _in_course(made: Schedule) -> Schedule:
    """A schedule whose findings name the verbs of a course where a plan names its options."""
    return replace(made, findings=tuple(one._replace(message=texts.in_course(one.message)) if "--" in one.message else one for one in made.findings))
