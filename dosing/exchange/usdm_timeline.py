"""The timeline of a USDM study: day 0 as fixed reference, days before and after it, hours after the start of their day.

Every instance hangs on one other by one timing: a day by whole days on day 0 (`P5D`, on the calendar), a clock hour on
its day (`PT21H`), further doses of an interval on the one before (`PT6H`, elapsed), and what is given from an event on
the instance of that event. So no duration has two parts, and nothing is counted in hours that the protocol counts in days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from dosing import forms
from dosing.exchange.protocol import Lost, Part, Protocol
from dosing.exchange.usdm_codes import SIDES, TIMINGS, Json, Objects
from dosing.regimen.schema import Event

DAY = 1440


@dataclass
class Slot:
    """One instance: its key, words, the activities given there, and the timing by which it hangs on another."""

    key: str
    label: str
    at: tuple[int, int, int]  # day, minutes, and a place among equals: the order of the chain
    to: str
    minutes: int  # from `to`, negative before it
    end: bool = False
    whole: bool = False  # by whole days on the calendar, not by elapsed time
    window: int = 0  # minutes by which it may be later, for an interval printed as a range
    activities: list[str] = field(default_factory=list)


class Timeline:
    """The instances of a protocol by key, made order by order."""

    def __init__(self, protocol: Protocol):
        self.protocol = protocol
        self.lost: list[Lost] = []
        self.slots: dict[str, Slot] = {"day-0": Slot("day-0", "Day 0", (0, -1, 0), "day-0", 0, whole=True)}
        for name, event in protocol.regimen.events.items():
            self._moments(name, event)
        waiting = [part for part in protocol.parts if not self._place(part)]
        while waiting:
            left = [part for part in waiting if not self._hang(part)]
            if len(left) == len(waiting):
                told = "what it hangs on has no instance, so neither has the order"
                self.lost += [Lost(f"order {part.id}", f"{part.row['rhythm']}: {told}") for part in left]
                break
            waiting = left

    def _place(self, part: Part) -> bool:
        """Instances of an order on its days; False where it hangs on another."""
        if part.hangs:
            return False
        days = part.order.days
        if not isinstance(days, tuple):
            self.lost.append(Lost(f"order {part.id}", "the days are open: an activity without a scheduled instance"))
        elif part.every:
            self._interval(part, days)
        else:
            for day in days:
                for minutes in part.clock or (None,):
                    self._own(part, day) if part.order.event else self._on(day, minutes, part)
        return True

    def _day(self, day: int) -> Slot:
        key = f"day-{day}" if day >= 0 else f"day-minus-{-day}"
        return self.slots.setdefault(key, Slot(key, f"Day {forms.say_day(day)}", (day, -1, 0), "day-0", day * DAY, whole=True))

    def _on(self, day: int, minutes: int | None, part: Part) -> Slot:
        """The instance of a day, or of a clock hour of it, with the order's activity."""
        slot = self._day(day)
        if minutes is not None:
            key = f"{slot.key}-{minutes // 60:02d}{minutes % 60:02d}"
            slot = self.slots.setdefault(key, Slot(key, f"{slot.label} {forms.say_time(minutes)}", (day, minutes, 0), slot.key, minutes))
        slot.activities.append(part.id)
        return slot

    def _own(self, part: Part, day: int) -> Slot:
        """An instance of its own on a day whose hour is open, that others can hang on; with the hour where it is stated."""
        number = 1 + sum(slot.activities == [part.id] for slot in self.slots.values())
        minutes = next(iter(part.clock), None)
        to = self._day(day).key if minutes is not None else "day-0"
        size = day * DAY if minutes is None else minutes
        made = Slot(f"{part.id}-{number}", f"{part.name} {number}", (day, minutes or 0, 1), to, size, whole=minutes is None, activities=[part.id])
        return self.slots.setdefault(made.key, made)

    def _moments(self, name: str, event: Event) -> None:
        """Instances of a declared event, without an activity; none while its days are open."""
        for day in event.days if event.days != "ask" else ():
            number = 1 + len(self._of_event(name))
            to, minutes = (self._day(day).key, event.at) if event.at is not None else ("day-0", day * DAY)
            slot = Slot(f"event-{name}-{number}", name, (day, event.at or 0, 1), to, minutes, whole=event.at is None)
            self.slots[slot.key] = slot

    def _of_event(self, name: str) -> list[Slot]:
        return [slot for key, slot in self.slots.items() if key.startswith("event-") and slot.label == name]

    def _interval(self, part: Part, days: tuple[int, ...]) -> None:
        """The first dose on its day, each further one after the one before."""
        self._follow(part, self._own(part, days[0]))

    def _follow(self, part: Part, slot: Slot) -> None:
        if not part.every:
            return
        low, high = (int(hours * 60) for hours in part.every)
        for number in range(2, (part.count or 1) + 1):
            day, minutes = divmod(slot.at[0] * DAY + slot.at[1] + low, DAY)
            slot = Slot(f"{part.id}-{number}", f"{part.name} {number}", (day, minutes, 1), slot.key, low, window=high - low, activities=[part.id])
            self.slots[slot.key] = slot
        if part.count is None:
            self.lost.append(Lost(f"order {part.id}", "the number of doses is open: only the first has an instance"))

    def _hang(self, part: Part) -> bool:
        """Instances of an order that hangs on others, once those have theirs."""
        hangs = part.hangs
        assert hangs
        named = self.protocol.named(hangs.event, part)
        found = self._of_event(hangs.event) or [slot for one in named for slot in self.slots.values() if one.id in slot.activities]
        if not found:
            return False
        chosen = {"first": found[:1], "last": found[-1:]}.get(hangs.which, found)
        for number, slot in enumerate(chosen, 1):
            at = (*slot.at[:2], slot.at[2] + (1 if hangs.minutes > 0 else -1))
            made = Slot(f"{part.id}-{number}", f"{part.name} {number}", at, slot.key, hangs.minutes, hangs.end, activities=[part.id])
            self.slots[made.key] = made
            self._follow(part, made)
        return True

    def chain(self) -> list[Slot]:
        """The instances in time order, as far as the protocol tells it."""
        return sorted(self.slots.values(), key=lambda slot: slot.at)


def timeline(protocol: Protocol, made: Objects, epoch: str, lost: list[Lost]) -> Json:
    """The main ScheduleTimeline of a protocol."""
    line = Timeline(protocol)
    lost += line.lost
    chain, out = line.chain(), made.make("ScheduleTimelineExit", "main")
    after = [_id(slot) for slot in chain[1:]] + [None]
    instances = [_instance(made, slot, following, epoch, out["id"]) for slot, following in zip(chain, after, strict=True)]
    return made.make(
        "ScheduleTimeline", "main", name="main", label="Course relative to day 0", description=f"Day 0: {protocol.regimen.day0}", mainTimeline=True,
        entryCondition="The patient starts the protocol", entryId=instances[0]["id"], exits=[out], timings=list(_timings(made, chain)), instances=instances,
        plannedDuration=_length(protocol, made, chain),
    )  # fmt: skip


def _length(protocol: Protocol, made: Objects, chain: list[Slot]) -> Json:
    """From the first to the last day that is told, both counted; it varies while days are open."""
    first, last = chain[0].at[0], chain[-1].at[0]
    vague = ", ".join(part.id for part in protocol.parts if part.order.days == "ask" or part.order.until)
    days = None if vague else made.quantity(Decimal(last - first + 1), "day")
    return made.make("Duration", text=f"day {forms.say_day(first)} to day {forms.say_day(last)}", quantity=days, durationWillVary=bool(vague),
                     reasonDurationWillVary=f"The days are open for {vague}." if vague else "")  # fmt: skip


def _id(slot: Slot) -> str:
    return f"ScheduledActivityInstance_{slot.key}"


def _instance(made: Objects, slot: Slot, following: str | None, epoch: str, out: str) -> Json:
    return made.make(
        "ScheduledActivityInstance", slot.key, name=slot.key, label=slot.label, description=slot.label, defaultConditionId=following, epochId=epoch,
        timelineId=None, timelineExitId=None if following else out, activityIds=[f"Activity_{id}" for id in slot.activities], encounterId=None,
    )  # fmt: skip


def _timings(made: Objects, chain: list[Slot]) -> Iterator[Json]:
    for slot in chain:
        kind = "fixed" if slot.key == "day-0" else "before" if slot.minutes < 0 else "after"
        low, high, label = ("PT0M", duration(slot.window), f"0..{forms.say_duration(slot.window)}") if slot.window else (None, None, "")
        yield made.make(
            "Timing", slot.key, name=slot.key, label=slot.label, description=_told(slot), type=made.code(TIMINGS[kind]),
            value=duration(slot.minutes, slot.whole), valueLabel=_told(slot), relativeToFrom=made.code(SIDES[slot.end]), relativeFromScheduledInstanceId=_id(slot),
            relativeToScheduledInstanceId=f"ScheduledActivityInstance_{slot.to}", windowLower=low, windowUpper=high, windowLabel=label,
        )  # fmt: skip


def _told(slot: Slot) -> str:
    if not slot.minutes:
        return "Day 0" if slot.key == "day-0" else f"with {slot.to}"
    size = abs(slot.minutes)
    words = f"{size // DAY} day{'' if size == DAY else 's'}" if slot.whole else forms.say_duration(size)
    return f"{words} {'before' if slot.minutes < 0 else 'after'} {'the end of ' if slot.end else ''}{slot.to}"


def duration(minutes: int, whole: bool = False) -> str:
    """Minutes without their sign as an ISO 8601 duration of one part: `PT4H`, `PT90M`, or `P5D` for whole days of the calendar."""
    size = abs(minutes)
    if whole:
        return f"P{size // DAY}D"
    return f"PT{size}M" if size % 60 else f"PT{size // 60}H"
