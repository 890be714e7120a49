"""Are the times kept that the sources of a drug state towards other drugs? Measured on instants, from stop to start.

The rules are data of the drug files (`timing:`); a function here is one kind of rule, whatever the drug. What a patient
takes beside the orders is known by name only, so it is held against the same rules without a time of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dosing import forms
from dosing.checks.case import Case, Hit, check, course_check, per_course
from dosing.engine.settle import Line
from dosing.regimen.drug import Drug, Timing

DAY = 1440  # minutes
TAKING = "taking."  # before the name of what a patient takes, among the facts of the body


class Given(NamedTuple):
    """One dose at its place: instants in POSIX seconds, the stop that of the start where no duration is stated."""

    line: Line
    day: int
    start: int
    stop: int
    timed: bool  # whether the duration is known


Rule = Callable[[Case, Drug, list[Timing]], Iterator[Hit]]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Add the function of one kind of rule; its docstring says what it asks."""

    def add(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return add


@course_check
def timing_rules_are_kept(case: Case) -> Iterator[Hit]:
    """Are the rules of every planned drug on its times kept by the orders?"""
    drugs = {line.drug.id: line.drug for line in case.lines if line.drug.timing}
    if drugs and not case.is_dated:
        yield Hit("timing", "timing.undated", "note", f"the hours between {', '.join(drugs)} and other drugs are checked once day 0 is given.")
    for drug in drugs.values():
        for (kind, _), rules in groupby(drug.timing, lambda one: (one.rule, one.drugs)):
            if fitting := [one for one in rules if _is_of_route(one, drug, case)]:
                yield from RULES[kind](case, drug, fitting)


def _is_of_route(one: Timing, drug: Drug, case: Case) -> bool:
    """Whether a rule may speak of the routes ordered; an order that names none may mean any."""
    return not one.route or any(line.order.route in (None, one.route) for line in case.lines if line.drug.id == drug.id)


@per_course
def all_given(case: Case) -> list[Given]:
    """Every dose of a dated case in time order."""
    found = []
    for line in case.lines:
        for number, slot in enumerate(case.slots[line.id], 1):
            if slot.seconds is not None:
                minutes = line.minutes(number)
                found.append(Given(line, slot.day, slot.seconds, slot.seconds + 60 * (minutes or 0), minutes is not None))
    return sorted(found, key=lambda one: one.start)


def given(case: Case, drugs: Iterable[str]) -> list[Given]:
    """The doses of some drugs in time order; none where there is no day 0."""
    names = set(drugs)
    return [one for one in all_given(case) if one.line.drug.id in names]


def _hours(seconds: float) -> str:
    return f"{round(seconds / 3600, 2):g} h"


def _at(seconds: int, case: Case) -> str:
    return f"{datetime.fromtimestamp(seconds, ZoneInfo(case.when.zone)):%A %Y-%m-%d %H:%M}"


def _from(first: Given) -> str:
    """Where a gap is counted from, in words."""
    return "end" if first.timed else "start (no duration is stated)"


@rule("after-last")
def after_the_last_dose(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Do the others start long enough after the last dose? Only doses after the first one are meant by the rule."""
    mine = given(case, [drug.id])
    later = [one for one in given(case, rules[0].drugs) if mine and one.start > mine[0].start]
    if later:
        yield _gap(drug, rules, mine[-1], later[0], "last")


@rule("after-each")
def after_each_dose(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Does every dose of the others start long enough after the dose before it? The shortest gap is told."""
    mine = given(case, [drug.id])
    pairs = [(before[-1], one) for one in given(case, rules[0].drugs) if (before := [m for m in mine if m.start <= one.start])]
    if pairs:
        yield _gap(drug, rules, *min(pairs, key=lambda pair: pair[1].start - pair[0].stop), "")


def _gap(drug: Drug, rules: list[Timing], first: Given, then: Given, which: str) -> Hit:
    """The gap from a dose to a start, against all that is said of it: every source is shown, kept or not.

    A gap that no source allows is asked about; one that only some allow is told.
    """
    gap, least = then.start - first.stop, [(one.time or 0) * 60 for one in rules]
    broken = [one for one, seconds in zip(rules, least, strict=True) if gap < seconds]
    told = "; ".join(f"{one.says} ({'kept' if one not in broken else 'not kept'})" for one in rules)
    where = f"{_hours(gap)} after" if gap >= 0 else f"{_hours(-gap)} before"
    text = f"{then.line.drug.id} starts {where} the {_from(first)} of the {which + ' ' if which else ''}{drug.id}: {told}."
    level = "pass" if not broken else broken[0].level if len(broken) == len(rules) else "note"
    cure = " Choose other hours, or confirm." if level == "query" else " The sources disagree; the site decides which one holds." if len(broken) < len(rules) and broken else ""
    return Hit(f"{then.line.id}.after-{drug.id}", "timing.gap-missed" if broken else "timing.gap-kept", level, text + cure, then.line.id, "; ".join(dict.fromkeys(one.source for one in rules)))


@rule("apart")
def doses_are_apart(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Are the drug's own doses far enough apart, by the hour or by the calendar for whole days?"""
    for one in (one for one in rules if not all((line.order.apart or 0) >= (one.time or 0) for line in case.lines if line.drug.id == drug.id)):
        near = [(first, then) for first, then in pairwise(given(case, [drug.id])) if not _is_apart(first, then, one.time or 0)]
        if near:
            first, then = near[0]
            text = f"{drug.id} on days {forms.say_day(first.day)} and {forms.say_day(then.day)}: {_hours(then.start - first.start)} apart{f', and {len(near) - 1} more' if len(near) > 1 else ''}; {one.says}. Choose other days, or confirm."
            yield Hit(f"{then.line.id}.apart", "timing.gap-missed", one.level, text, then.line.id, one.source)


def _is_apart(first: Given, then: Given, minutes: int) -> bool:
    return then.start - first.start >= minutes * 60 or (minutes % DAY == 0 and then.day - first.day >= minutes // DAY)


@rule("cover")
def cover_is_there(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Is one of the others given from so long before the first dose to so long after the last one?

    A covering order ends one of its own intervals after its last dose. Without such an order see `co_medication`.
    """
    mine, cover = given(case, [drug.id]), given(case, rules[0].drugs)
    for one in rules if mine and cover else ():
        begin, end = mine[0].start - (one.before or 0) * 60, mine[-1].stop + (one.after or 0) * 60
        until = max(c.start + _interval(c.line) for c in cover)
        if cover[0].start > begin or until < end:
            text = f"{cover[0].line.drug.id} from {_at(cover[0].start, case)} to {_at(until, case)} does not cover {drug.id}: {one.says}, here from {_at(begin, case)} to {_at(end, case)}. Change its days or hours, or confirm."
            yield Hit(f"{mine[0].line.id}.cover", "timing.cover", one.level, text, mine[0].line.id, one.source)


def _interval(line: Line) -> int:
    """Seconds between two doses of an order on one day."""
    return (line.rhythm.every or DAY // max(len(line.rhythm.clock), 1)) * 60


@rule("avoid")
def others_keep_away(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Is one of the others ordered between so long before the first dose and the last dose?"""
    mine = given(case, [drug.id])
    for one in rules if mine else ():
        begin = mine[0].start - (one.before or 0) * 60
        near = {dose.line.id: dose for dose in given(case, one.drugs) if begin <= dose.start <= mine[-1].stop}
        for dose in near.values():
            text = f"{dose.line.drug.id} stands on day {forms.say_day(dose.day)}, between {_at(begin, case)} and the {_from(mine[-1])} of the last {drug.id}: {one.says}."
            yield Hit(f"{dose.line.id}.with-{drug.id}", "timing.interaction", one.level, text, dose.line.id, one.source)


@rule("days")
def days_after_the_graft(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Where the drug is given after the graft, is it on days that a source prints?"""
    lines = [line for line in case.lines if line.drug.id == drug.id]
    days = tuple(sorted({slot.day for line in lines for slot in case.slots[line.id] if slot.day > 0}))
    for one in rules if days and case.settled.graft else ():
        if days not in one.days:
            line = next(line for line in lines if any(slot.day > 0 for slot in case.slots[line.id]))
            text = f"{drug.id} after the graft on {forms.say_days(days)}: {one.says}. Check the days, or confirm."
            yield Hit(f"{line.id}.after-graft", "timing.days", one.level, text, line.id, one.source)


@rule("within")
def infusions_end_in_time(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Is the infusion alone longer than preparation and infusion may be together?"""
    for line in (line for line in case.lines if line.drug.id == drug.id):
        for one in rules:
            long = (line.order.over or 0) > (one.time or 0)
            text = f"{drug.id} runs for {forms.say_duration(line.order.over or 0)}: {one.says}. Shorten it, or confirm." if long else f"{drug.id}: {one.says}."
            yield Hit(f"{line.id}.within", "timing.within", one.level if long else "note", text, line.id, one.source)


@rule("mixing")
def not_in_one_line(case: Case, drug: Drug, rules: list[Timing]) -> Iterator[Hit]:
    """Do the drug and one of the others run at the same time?"""
    for one in rules:
        both = [(a, b) for a in given(case, [drug.id]) for b in given(case, one.drugs) if a.start < b.stop and b.start < a.stop]
        for line in dict.fromkeys(a.line for a, _ in both):
            text = f"{drug.id} runs at the same time as {both[0][1].line.drug.id}: {one.says}. Use lines of their own, or ask the pharmacist."
            yield Hit(f"{line.id}.mixing", "timing.mixing", one.level, text, line.id, one.source)


class Watched(NamedTuple):
    """One rule of a planned drug that what a patient takes may break or fulfil, and the first of the drug's lines."""

    line: Line
    rule: Timing
    is_ordered: bool  # whether an order of the plan stands for it


@per_course
def watched(case: Case) -> list[Watched]:
    """The rules on other drugs that a patient may be taking beside the orders."""
    first = {line.drug.id: line for line in reversed(case.lines)}
    return [
        Watched(line, one, any(name in first for name in one.drugs))
        for line in first.values() for one in line.drug.timing
        if one.rule in ("cover", "avoid") and _is_of_route(one, line.drug, case)
    ]  # fmt: skip


@check
def co_medication(case: Case) -> Iterator[Hit]:
    """Does the patient take something that a planned drug does not bear, or the cover that it needs?"""
    rules = watched(case)
    if not rules:
        return
    facts = case.body.facts
    taking = {key.removeprefix(TAKING) for key in facts if key.startswith(TAKING)}
    if "taking" not in facts:
        yield from _not_entered(rules)
        return
    for name in sorted(taking):
        mine = [one for one in rules if name in one.rule.drugs]
        yield from (_taken(case, one, name) for one in mine)
        if not mine:
            yield Hit(f"taking.{name}", "taking.unknown", "note", f"{name}: no rule of a planned drug speaks of it; its interactions are not checked here.")
    for one in rules:
        if one.rule.rule == "cover" and not one.is_ordered and not taking & set(one.rule.drugs):
            text = f"{one.rule.says}; none stands among the orders or what the patient takes. Order it, or confirm that it is given."
            yield Hit(f"{one.line.id}.cover", "timing.cover", one.rule.level, text, one.line.id, one.rule.source)


def _not_entered(rules: list[Watched]) -> Iterator[Hit]:
    """One note for all rules, and one for each cover that no order stands for."""
    told = "; ".join(f"{drug} with {', '.join(name for one in some for name in one.rule.drugs)}" for drug, some in _avoided(rules))
    if told:
        yield Hit("taking", "taking.missing", "note", f"co-medication: not entered. Rules speak of {told}. Give --taking, or --taking none.")
    for one in rules:
        if one.rule.rule == "cover" and not one.is_ordered:
            yield Hit(f"{one.line.id}.cover", "timing.cover", "note", f"{one.rule.says}; none is scheduled here. Prescribe it on another chart, or give --taking.", one.line.id, one.rule.source)


def _avoided(rules: list[Watched]) -> Iterator[tuple[str, list[Watched]]]:
    avoided = [one for one in rules if one.rule.rule == "avoid"]
    for drug, some in groupby(avoided, lambda one: one.line.drug.id):
        yield drug, list(some)


def _taken(case: Case, one: Watched, name: str) -> Hit:
    """What a rule says of something the patient takes, with the instants it speaks of where they are known."""
    drug, mine = one.line.drug.id, given(case, [one.line.drug.id])
    begin = mine[0].start - (one.rule.before or 0) * 60 if mine else 0
    end = mine[-1].stop + (one.rule.after or 0) * 60 if mine else 0
    span = f", here from {_at(begin, case)} to {_at(end, case)}" if mine else ""
    if one.rule.rule == "cover":
        return Hit(f"{one.line.id}.cover", "timing.cover", "note", f"the patient takes {name}; {one.rule.says}{span}. See that it runs so long.", one.line.id, one.rule.source)
    text = f"the patient takes {name} and {drug} is planned{span}: {one.rule.says}."
    return Hit(f"taking.{name}", "timing.interaction", one.rule.level, text, one.line.id, one.rule.source)
