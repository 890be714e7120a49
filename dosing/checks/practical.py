"""Can pharmacy and ward do it: infusions that run at one time, and orders that begin when the pharmacy may be closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from dosing.checks.case import Case, Hit, course_check
from dosing.checks.intervals import Given, all_given

PREPARED = {"drug", "cells"}  # kinds that a pharmacy or a laboratory makes ready
SWALLOWED = {"po", "oral"}


@course_check
def infusions_run_one_at_a_time(case: Case) -> Iterator[Hit]:
    """Which infusions run at the same time? The lines of the patient are not known here."""
    runs = [one for one in all_given(case) if one.stop > one.start and one.line.order.route not in SWALLOWED]
    pairs: dict[tuple[str, str], list[Given]] = {}
    for place, first in enumerate(runs):
        for then in runs[place + 1 :]:
            if then.start >= first.stop:
                break  # the runs stand in the order of their starts
            if first.line.drug.id != then.line.drug.id:
                pairs.setdefault((first.line.drug.id, then.line.drug.id), []).append(then)
    if pairs:
        told = "; ".join(f"{a} and {b} ({len(both)} times, first on day {both[0].day:+d})" for (a, b), both in pairs.items())
        yield Hit("lines", "timing.together", "note", f"run at the same time: {told}. The patient's lines are not known here: give each a line of its own, or check that they may share one.")


@course_check
def weekend_starts_are_told(case: Case) -> Iterator[Hit]:
    """Which orders begin on a day the pharmacy may be closed, and does day 0 fall on one?"""
    zero = case.when.day0
    if zero is None or not case.site.closed:
        return
    found: dict[date, list[str]] = {}
    for line in case.lines:
        if case.slots[line.id] and line.order.route not in SWALLOWED and (line.drug.kind in PREPARED or line.order.event):
            found.setdefault(zero + timedelta(case.slots[line.id][0].day), []).append(line.drug.id)
    closed = {day: drugs for day, drugs in sorted(found.items()) if not case.site.closed.isdisjoint((f"{day:%A}", day.isoformat()))}
    if closed:
        told = "; ".join(f"{day:%A %Y-%m-%d}: {', '.join(dict.fromkeys(drugs))}" for day, drugs in closed.items())
        yield Hit("weekend", "timing.weekend", "note", f"begins at a weekend or on a holiday: {told}. Make sure that it can be prepared then.", None, case.site.source)

