"""A course as it happens: a plan, what was given, what people decided, and the rest calculated from now.

    course = Course.start("nct07299123", {"weight": "62.5 kg", ...}, day0="2027-01-15", zone="Asia/Shanghai", ...)
    course.give("flu#1", at="2027-01-10T09:10")
    course.save("course.json")

A course is one file with an append-only ledger; its state is always the ledger read again from the first entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dosing import forms
from dosing.course import compose, events, level, news, queries, replan, texts
from dosing.course.issues import Issues
from dosing.course.ledger import Book
from dosing.course.moment import read_moment, stamp
from dosing.course.outcomes import Choose, Option, choose, later, options, past, same, tell
from dosing.course.rows import plan_of
from dosing.course.state import begin, files_of
from dosing.engine.settle import Change
from dosing.errors import Fault, InputError, UsageError, closest, refuse
from dosing.patient import Patient
from dosing.planning import answers
from dosing.regimen.library import library as shelf
from dosing.schedule import Administration

__all__ = ["Choose", "Course", "Option", "tell"]


class Course(Issues):
    """One patient's course: entries in a chained ledger, and the schedule they come to.

    Every verb appends one entry or raises and appends nothing. A fact (a dose given or missed, a weight, a level) is
    recorded at once; where practice differs about the doses left, name the `outcome`, or answer the open query later:
    `course.outcomes(query)` holds the outcomes side by side. A moved day 0 is a decision: without an `outcome` it
    raises `Choose`, whose `options` hold them.
    """

    @classmethod
    def start(
        cls, regimen: str, patient: Patient | Mapping[str, str], *, day0: str | None, zone: str | None = None, times: Mapping[str, str] | None = None,
        choose: Mapping[str, str] | None = None, bsa: str | None = None, set: Mapping[str, str] | Sequence[Change] = (),  # noqa: A002
        answer: Mapping[str, str] | Sequence[Mapping[str, str]] = (), by: str = "", reason: str = "", second: str = "", at: str = "",
        blocks: Iterable[str] = (), library: Iterable[str] = (), locale: str = "", weight_rule: Iterable[str] = (), rounding: str = "",
        second_for: Iterable[str] = (), subject: str = "",
    ) -> Course:  # fmt: skip
        """A new course with the inputs of `plan`; `second_for` names the kinds of entry that need a second person, beside those of the site.

        Raises what `plan` raises, and T06 without a day 0.
        """
        from dosing.planning import plan

        folders, facts, blocks, rules = forms.names(library), texts.facts(patient), forms.names(blocks), forms.names(weight_rule)
        found, site = shelf(folders).regimen(regimen), shelf(folders).site
        if not day0:
            raise refuse("T06", "a course has no day 0", "give the date of day 0 and its zone.", "day0")
        zone, two = zone or site.zone or "", tuple(dict.fromkeys((*site.course.second_for, *forms.names(second_for))))
        news.prove_kinds(two)
        parts = [shelf(folders).regimen(block) for block in blocks]
        made = plan(found, Patient(**facts), day0=day0, zone=zone, times=times, choose=choose, bsa=bsa, set=set, answer=answer, by=by, reason=reason,
                    second_name=second, blocks=parts, library=folders, locale=locale, weight_rule=rules, rounding=rounding)  # fmt: skip
        entry = events.make(
            events.Start, at=at and stamp(read_moment(at, zone), zone), by=by, second=second, why=reason, regimen=f"{found.id}@{found.version}",
            blocks=tuple(f"{one.id}@{one.version}" for one in parts), patient=facts, day0=day0, zone=zone, times=dict(times or {}), choose=dict(choose or {}), bsa=bsa or "", weight_rule=rules, rounding=rounding,
            set=texts.changes(set, by, reason, second), answers=texts.answers(answer, by, made), locale=locale, two=two, subject=subject,
        )  # fmt: skip
        return cls(Book((entry.model_copy(update={"files": files_of(begin(entry, folders).inputs)}),)), folders)

    # what happened

    @texts.worded
    def give(self, key: str, at: str, amount: str = "", *, stop: str = "", partial: bool = False, extra: bool = False, kit: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A dose given at an actual start; the amount is the planned one unless stated.

        A `partial` one was stopped before its end and needs the `amount` that went in. `extra` is a dose that was never
        planned (or was stopped): it needs `by`, `second` and `why`, counts in every total, and is asked about. The second
        infusion of a split graft is one.
        """
        start, zone = read_moment(at, self.state.zone), self.state.zone
        if extra:
            order, number = news.prove_extra(self.state, key, start, by, second, why, amount)
            read, planned = texts.read_amount(amount, self._like(order), key) if amount else None, news.unplanned(self.state, start)
        else:
            order, number = news.prove_next(self.state, key)
            row = self.row(key)
            news.prove_plausible(self.state, row, start)
            read, planned = texts.amount(amount, row, key, partial), plan_of(row)
        return self._record(events.Give, outcome=outcome, by=by, second=second, why=why, at=stamp(start, zone), order=order, dose=number, kit=kit, partial=partial, extra=extra,
                            stop=texts.stop(stop, start, zone), amount=read, planned=planned)  # fmt: skip

    def _like(self, order: str) -> tuple[str, str] | None:
        """An amount of the kind that the order's doses are of."""
        line = self.state.inputs.line(order)
        return ("1", line.drug.unit) if line else None

    @texts.worded
    def miss(self, key: str, *, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A dose that was not given."""
        order, number = news.prove_next(self.state, key)
        return self._record(events.Miss, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), order=order, dose=number, planned=plan_of(self.row(key)))

    @texts.worded
    def correct(self, key: str, *, start: str = "", stop: str = "", amount: str = "", missed: bool = False, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A further entry about a recorded dose; both are shown."""
        order, number = texts.key(key)
        done = self.state.lane(order).find(number)
        if done is None:
            raise refuse("R05", f"{key} is not recorded yet", "record it as given or missed first.", "dose")
        texts.need(by=by, reason=why)
        begun = read_moment(start, self.state.zone) if start else done.seconds
        made = texts.read_amount(amount, done.planned.amount or done.amount or self._like(order), key) if amount else None
        entry = events.make(events.Correct, by=by, second=second, why=why, at=self._moment(at), order=order, dose=number, start=stamp(begun, self.state.zone) if start else "",
                            stop=texts.stop(stop, begun, self.state.zone), amount=made, missed=missed)  # fmt: skip
        news.prove_corrects(self.state, done, entry)
        return self._keep_entry(entry)

    @texts.worded
    def weigh(self, weight: str, *, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A new weight, which counts as `real` or as `fluid`."""
        forms.read_weight(weight)
        return self._record(events.Weigh, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), weight=weight)

    @texts.worded
    def level(self, order: str, measured: str, target: str, *, dose: str = "", corrects: bool = False, further: bool = False, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A measured level and its target, in any units of the drug: `next-dose`, `cumulative`, or the `dose` a person states.

        `order` names the order, or the dose the level is of (`bu#1`); else it is of the last one given. A dose that the
        regimen sets by level stays held until one is stated. One that `corrects` takes the place of the level entered
        before of that dose; both are shown. A `further` one is one more measurement of the same dose.
        """
        order, of = self._level_of(order)
        level.prove(self.state, order, of, target, corrects or further)
        if dose or corrects:
            texts.need(by=by, reason=why)
        return self._record(events.Level, corrects=corrects, further=further, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), order=order, of=of, stated=dose,
                            measured=forms.read_exposure(measured).text, target=forms.read_exposure(target).text)  # fmt: skip

    @texts.worded
    def withdraw(self, order: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A level that was no level of that dose: what followed from it no longer holds for the doses left; it stays shown."""
        texts.need(by=by, reason=why)
        order, of = self._level_of(order)
        return self._record(events.Withdraw, by=by, second=second, why=why, at=self._moment(at), order=order, of=of)

    def _level_of(self, text: str) -> tuple[str, int]:
        """The order and the dose that a level is of: the one named (`bu#1`), else the last one given."""
        order, _, number = text.partition("#")
        given = self.state.lane(order).given
        return order, texts.key(text)[1] if number else max((one.number for one in given), default=0)

    @texts.worded
    def move_day0(self, day0: str = "", times: Mapping[str, str] | None = None, *, at: str = "", outcome: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A new day 0, or new hours of events; what is begun is stopped, rests, or continues."""
        day = day0 or self.state.day0.isoformat()
        forms.read_date(day)
        return self._record(events.Move, outcome=outcome, by=by, second=second, why=why, at=self._moment(at), day0=day, times=dict(times or {}))

    @texts.worded
    def set(self, key: str, value: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A change of one order (`atg.dose`), of a choice, or of a fact of the patient (`creatinine`, `height`, `taking`) from now on; needs who and why."""
        texts.need(by=by, reason=why)
        news.prove_set(self.state, key, value)
        return self._record(events.Set, by=by, second=second, why=why, at=self._moment(at), key=key, value=value)

    @texts.worded
    def stop(self, order: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """No more doses of an order; needs who and why."""
        texts.need(by=by, reason=why)
        if not self.state.lane(order).left:
            raise refuse("R05", f"no dose of {order} is left", "there is nothing to stop.", order)
        return self._record(events.Stop, by=by, second=second, why=why, at=self._moment(at), order=order)

    @texts.worded
    def answer(self, query: str, text: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """An answer to an open query by its id; `why` holds the evidence. A choice left open is answered with its outcome.

        A choice that was made already is made anew with another outcome and a `why`; both are shown.
        """
        texts.need(by=by, answer=text)
        news.prove_answer(self.state, self._now(), query, text, why)
        answers.prove(answers.read({query: text}, by), self.state.inputs.settled)
        asked = "" if replan.again(self.state, query) else self._asked(query)
        return self._record(events.Answer, by=by, second=second, why=why, at=self._moment(at), query=query, answer=text, asked=asked)

    def _asked(self, query: str) -> str:
        """What a query asks now, without any note of an earlier answer."""
        bare = compose.schedule(replace(self.state, answers=())) if self.state.answers else self._now()
        return next(compose.question(finding) for finding in bare.findings if finding.id == query)

    @texts.worded
    def release(self, key: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """One administration released; refused (O12) while anything open stands against its line."""
        texts.need(by=by)
        row = self.row(key)
        news.prove_released(self.state, key)
        queries.prove(self._now(), row)
        planned = plan_of(row)
        return self._record(events.Release, by=by, second=second, why=why, at=self._moment(at), order=row.order, dose=row.number, start=planned.start, amount=planned.amount)

    @texts.worded
    def recall(self, key: str, *, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """A release taken back."""
        texts.need(by=by)
        order, number = texts.key(key)
        if self.state.lane(order).find(number):
            raise refuse("O14", f"{key} is recorded already, and its release with it", "record what happened to the dose instead (course correct).", "dose")
        return self._record(events.Recall, by=by, second=second, why=why, at=self._moment(at), order=order, dose=number)

    @texts.worded
    def account(self, order: str, action: str, count: int, *, kit: str = "", corrects: int = 0, at: str = "", by: str = "", second: str = "", why: str = "") -> events.Event:
        """Trial product received, prepared, wasted or returned; or what an entry of it, `corrects` by its number, should have said (0 for none of it)."""
        self.state.lane(order)
        news.prove_account(self.state, count, corrects, by, why)
        return self._record(events.Account, by=by, second=second, why=why, at=self._moment(at), order=order, action=action, count=count, kit=kit, corrects=corrects)

    def outcomes(self, query: str) -> tuple[Option, ...]:
        """The outcomes of a choice left open, or made already, side by side, by the id of its query."""
        if replan.again(self.state, query):
            return later(replan.reopened(self.state, query), query, self._now())
        if query not in self.state.asked:
            raise UsageError(Fault("R05", f'no choice is open under "{query}"', closest(query, self.state.asked), query))
        return later(self.state, query, self._now())

    # how an entry is made

    def _moment(self, at: str) -> str:
        return stamp(read_moment(at, self.state.zone), self.state.zone) if at else ""

    def _record(self, kind: Any, outcome: str = "", **values: Any) -> events.Event:
        """Append one entry, with the outcome that was chosen, or marked as leaving the choice open."""
        return self._keep_entry(events.make(kind, **values), outcome)

    def _keep_entry(self, entry: Any, outcome: str = "") -> events.Event:
        news.prove_people(self.state, entry)
        if entry.what in ("set", "weigh"):
            news.prove_newest(self.state, entry)
        choice = entry.what == "answer" and (entry.query in self.state.asked or replan.again(self.state, entry.query))
        entry, made = self._decided(entry) if choice else self._with_outcome(entry, outcome)
        news.prove_people(self.state, entry)
        state = made.state if made and made.state else replan.apply(self.state, entry)
        if entry.what == "set" and (late := past(self.state, entry, state, replan.now_of(self.state, entry))):
            raise InputError(*(Fault("O11", text, "choose days or hours that are still to come.", entry.what) for text in late))
        schedule = made.schedule if made else self._now() if entry.what in ("issue", "account") and entry.by else compose.schedule(state)
        if replan.is_fact(entry) and schedule:
            news.prove_untouched(self.state, entry, self._now(), schedule)
        self._keep(entry, state, schedule)
        return entry

    def _with_outcome(self, entry: Any, asked: str) -> tuple[Any, Option | None]:
        """The entry with its outcome, and what it comes to; a fact without one is marked as leaving the choice open."""
        if entry.what in news.REPLANS and (asked or entry.what not in ("weigh", "level")) and not replan.is_fact(entry):
            news.prove_recorded(self.state, entry)
        if not replan.open_outcomes(self.state, entry) and not asked:
            return entry, None
        if asked and entry.what == "level" and not entry.stated:
            entry = entry.model_copy(update={"dose": level.level_dose(level.noted(self.state, entry), entry, asked == "cumulative")})
        entry = entry.model_copy(update={"outcome": asked}) if asked else entry
        found = options(self.state, entry, self._now(), asked)
        if asked or entry.what == "move-day0":
            picked = choose(found, entry, asked)
            if asked and entry.what == "move-day0":
                texts.need(by=entry.by, reason=entry.why)  # after the outcomes are shown; before the first dose there is none to choose
            return entry, picked if asked else None
        if all(one.refused for one in found):
            choose(found, entry, "")
        return (entry, None) if same(found) else (entry.model_copy(update={"asks": True}), None)

    def _decided(self, entry: Any) -> tuple[Any, Option]:
        """The answer to a choice left open, or made anew, and what it comes to."""
        open_ = replan.reopened(self.state, entry.query) if replan.again(self.state, entry.query) else self.state
        fact = open_.asked[entry.query]
        news.prove_recorded(self.state, entry if fact.what == "move-day0" else fact) if fact.what in news.REPLANS else None
        if fact.what == "level":
            entry = entry.model_copy(update={"dose": level.level_dose(open_, fact, entry.answer == "cumulative")})
        picked = choose(later(open_, entry.query, self._now(), entry), fact, entry.answer)
        if picked.state and (late := past(self.state, fact, picked.state, self.state.now)):
            raise InputError(*(Fault("O11", text, "choose what can still be done.", entry.query) for text in late))
        return entry, picked

    def row(self, key: str) -> Administration:
        """The row of `order#number`; `UsageError` with the nearest name for one that is not there."""
        order, number = texts.key(key)
        self.state.lane(order)
        found = next((row for row in self._now() if (row.order, row.number) == (order, number)), None)
        if found is None:
            known = [f"{row.order}#{row.number}" for row in self._now() if row.order == order]
            raise UsageError(Fault("R05", f"there is no dose {key} in this course", closest(key, known) if known else "none of this order is left.", key))
        return found
