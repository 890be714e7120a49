"""When an order of a PlanDefinition is given: relations to day 0 or to another action, and the repeats of a Timing.

An order whose days are equally far apart is one action; else it has one action for each run of days, all of the same
definition. The relation tells the day of the first dose (`before-start` or `after-start` of day 0 by whole days, which
move on the calendar; `concurrent` on day 0), the Timing how it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from typing import Any

from dosing import forms
from dosing.exchange.protocol import Lost, Part, Protocol, Stretch
from dosing.render.fhir import UCUM

Json = dict[str, Any]
NAMES = {"d": "days", "h": "hours", "min": "minutes"}


def ident(name: str) -> str:
    """A name as an id of FHIR: letters, digits, hyphens and points."""
    return name.replace("_", "-")


def actions(part: Part, protocol: Protocol, lost: list[Lost], definition: str) -> Json:
    """The time and the definition of an order's action, or its further actions where its days are several runs."""
    gaps = [*_gaps(part, protocol, lost)]
    runs: list[tuple[list[Json], Stretch | None]] = [(related, None) for related in _hung(part, protocol, lost)]
    runs = runs or [([on_day(one.first)], one) for one in part.stretches] or [([], None)]
    made: list[Json] = [
        {"relatedAction": related, "timingTiming": _timing(part, stretch, len(runs)), "definitionCanonical": definition}
        for related, stretch in runs
    ]  # fmt: skip
    if len(made) == 1:
        return {**made[0], "relatedAction": made[0]["relatedAction"] + gaps}
    return {
        "relatedAction": gaps, "groupingBehavior": "logical-group", "selectionBehavior": "all",
        "action": [{"id": ident(f"{part.id}.{n}"), "title": part.name, **one} for n, one in enumerate(made, 1)],
    }  # fmt: skip


def moments(name: str, days: tuple[int, ...]) -> dict[str, int]:
    """The ids of an event's actions by day: one, or a numbered one for each of several days."""
    return {ident(name if len(days) == 1 else f"{name}.{n}"): day for n, day in enumerate(days, 1)}


def on_day(day: int) -> Json:
    """The relation of an action to day 0."""
    if not day:
        return {"actionId": "day-0", "relationship": "concurrent"}
    return {"actionId": "day-0", "relationship": "before-start" if day < 0 else "after-start", "offsetDuration": _duration(abs(day), "d")}


def _hung(part: Part, protocol: Protocol, lost: list[Lost]) -> list[list[Json]]:
    """What each start hangs on; empty where the order stands on days of its own, or R4 cannot say it."""
    hangs = part.hangs
    if hangs is None:
        return []
    event, named = protocol.regimen.events.get(hangs.event), protocol.named(hangs.event, part)
    if event and event.days != "ask":
        ids = [*moments(hangs.event, event.days)]
        return [[_related(one, hangs.end, hangs.minutes)] for one in {"first": ids[:1], "last": ids[-1:]}.get(hangs.which, ids)]
    if not named or (any(one.count != 1 for one in named) and (hangs.which, hangs.end) not in (("first", False), ("last", True))):
        told = "picks a dose of another order, which R4 cannot name: the nominal day stands instead, the hour in words only"
        lost.append(Lost(f"order {part.id}", f'"{hangs.text}" {told}'))
        return []
    return [[_related(ident(one.id), hangs.end, hangs.minutes) for one in named]]


def _related(name: str, end: bool, minutes: int) -> Json:
    side = "end" if end else "start"
    if not minutes:
        return {"actionId": name, "relationship": f"{'after' if end else 'concurrent-with'}-{side}"}
    return {"actionId": name, "relationship": f"{'before' if minutes < 0 else 'after'}-{side}", "offsetDuration": _span(abs(minutes))}


def _gaps(part: Part, protocol: Protocol, lost: list[Lost]) -> Iterator[Json]:
    """The earliest and the latest start after another order, as ranges of an offset."""
    bounds = [("low", one) for one in part.order.not_before] + [("high", one) for one in part.order.not_after]
    by_anchor: dict[forms.Offset, dict[str, int]] = {}
    for side, one in bounds:
        by_anchor.setdefault(forms.Offset(0, one.event, one.which, one.end), {})[side] = one.minutes
    for anchor, ends in by_anchor.items():
        others = protocol.named(anchor.event, part)
        if not others or min(ends.values()) < 0 or (anchor.which == "last" and not anchor.end and any(one.count != 1 for one in others)):
            words = ", ".join(f"{side} {_said(minutes)}" for side, minutes in ends.items())
            lost.append(Lost(f"order {part.id}", f"the gap to {anchor.anchor} ({words}) names a single dose, which R4 cannot: in words only"))
            continue
        span = {side: _span(minutes) for side, minutes in ends.items()}
        side_of = "after-end" if anchor.end else "after-start"
        yield from ({"actionId": ident(other.id), "relationship": side_of, "offsetRange": span} for other in others)


def _said(minutes: int) -> str:
    return forms.say_duration(minutes) if minutes > 0 else f"{minutes} min"


def _timing(part: Part, stretch: Stretch | None, runs: int) -> Json:
    """The repeats of one run of days: how many doses, how far apart, at which hours, and how long each runs."""
    over = {"duration": part.order.over, "durationUnit": "min"} if part.order.over else {}
    return {"repeat": {**_count(part, stretch, runs), **over, **_rhythm(part, stretch)}, "code": {"text": _words(part, stretch)}}


def _count(part: Part, stretch: Stretch | None, runs: int) -> Json:
    if part.every or not stretch:
        return {"count": part.count if runs == 1 else 1}
    return {"count": stretch.days * max(1, len(part.clock))}


def _rhythm(part: Part, stretch: Stretch | None) -> Json:
    if part.every:
        low, high = part.every
        return {"frequency": 1, "period": low, "periodMax": high if high != low else None, "periodUnit": "h"}
    several = (stretch is not None and stretch.days > 1) or len(part.clock) > 1 or (stretch is None and _daily(part))
    rhythm = {"frequency": max(1, len(part.clock)), "period": stretch.step if stretch else 1, "periodUnit": "d"} if several else {}
    return {**rhythm, "timeOfDay": [_clock(minutes) for minutes in part.clock]}


def _daily(part: Part) -> bool:
    """Whether the dose is of each day, though the days are open."""
    return isinstance(part.order.dose, forms.Dose) and part.order.days == "ask" and part.order.dose.time == "day"


def _words(part: Part, stretch: Stretch | None) -> str:
    """The whole statement in words: the run's days, and the hours or what they hang on."""
    days = part.days
    if stretch and len(part.stretches) > 1:
        days = f"day{'' if stretch.days == 1 else 's'} {forms.say_days(tuple(range(stretch.first, stretch.first + stretch.days)))}"
    every = f"every {part.row['dose'].partition(' every ')[2]}" if part.every else ""
    return ", ".join(filter(None, (days, every, part.row["rhythm"])))


def _clock(minutes: int) -> str:
    return time(minutes // 60, minutes % 60).isoformat()


def _span(minutes: int) -> Json:
    """Minutes as a Duration, in hours where they are whole."""
    return _duration(minutes, "min") if minutes % 60 else _duration(minutes // 60, "h")


def _duration(value: int, unit: str) -> Json:
    return {"value": Decimal(value), "unit": NAMES[unit], "system": UCUM, "code": unit}
