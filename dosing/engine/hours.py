"""When an order is given, in the terms of the timeline: its own clock, an interval, or a moment it hangs on.

A name in `24 h after last bu` is looked up as an event, then as an order, then as a drug. An event is an order that is
the event itself, or one the file declares; several of them may stand on days of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dosing import forms
from dosing.engine.timeline import Rhythm
from dosing.errors import DosingError, Fault, closest, refuse
from dosing.regimen import rules
from dosing.regimen.schema import Event, Order


class Moments(NamedTuple):
    """What the orders of one plan may hang on: the planned orders, the declared events, and the hours that are given."""

    orders: tuple[Order, ...]
    events: Mapping[str, Event]
    hours: Mapping[str, str]
    at: int  # the site's hour, minutes after midnight

    def event_order(self, name: str) -> Order | None:
        """The order that is the event of this name."""
        return next((order for order in self.orders if order.event == name), None)

    def is_event(self, name: str) -> bool:
        """Whether a name is that of an event."""
        return name in self.events or self.event_order(name) is not None

    def named(self, name: str, asking: Order) -> tuple[Order, ...]:
        """The other orders of a name: the order of that id, else every order of that drug."""
        others = [order for order in self.orders if order.id != asking.id]
        return tuple(order for order in others if name == order.id) or tuple(order for order in others if name == order.drug)


def rhythms(moments: Moments, faults: list[Fault]) -> dict[str, Rhythm]:
    """The rhythm of every order by id; what cannot be placed is noted as a fault."""
    made = {}
    for order in moments.orders:
        try:
            made[order.id] = rhythm(order, moments)
        except DosingError as error:
            faults.extend(error.faults)
    return made


def rhythm(order: Order, moments: Moments, above: tuple[str, ...] = ()) -> Rhythm:
    """An order's days and hours; `InputError` (D19, Y06, T03) where days and rhythm leave two readings or none.

    `above` are the orders that hang on this one; a circle is refused.
    """
    if order.id in above:
        raise refuse("T03", f"{' hangs on '.join((*above, order.id))}: a circle", "give one of them an hour.", f"order {order.id}")
    _one_reading(order)
    hangs = hanging(order)
    if isinstance(order.dose, forms.Dose) and order.dose.every:
        return _interval(order, order.dose, hangs, moments, above)
    if hangs:
        return _hung(order, hangs, moments, above)
    if order.event:
        return Rhythm(order.id, order.days, clock=_clock(order, moments), event=order.event)
    return Rhythm(order.id, order.days, clock=_clock(order, moments) or (moments.at,))


def hanging(order: Order) -> forms.Offset | None:
    """What the start of an order, or of its interval, hangs on."""
    return next((one for one in (order.at, order.first) if isinstance(one, forms.Offset)), None)


def _clock(order: Order, moments: Moments) -> tuple[int, ...]:
    """The clock times of an order: as printed, else the hour given for it."""
    if isinstance(order.at, forms.Clock):
        return order.at.minutes
    given = moments.hours.get(order.id) if not order.event else None
    return (forms.read_fold_time(given)[0],) if given else ()


def _interval(order: Order, dose: forms.Dose, hangs: forms.Offset | None, moments: Moments, above: tuple[str, ...]) -> Rhythm:
    every, doses = int((dose.every or 0) * 60), dose.doses or 0
    if hangs:
        begin = _hung(order.model_copy(update={"days": order.days[:1]}), hangs, moments, above)
        return begin._replace(every=every, doses=doses or rules.administrations(order) or 0)
    first = (order.first,) if isinstance(order.first, int) else ()
    return Rhythm(order.id, order.days, clock=first, every=every, doses=doses)


def _hung(order: Order, hangs: forms.Offset, moments: Moments, above: tuple[str, ...]) -> Rhythm:
    """A rhythm that hangs on an event, or on the doses of other orders."""
    where, event = f"order {order.id}", moments.event_order(hangs.event)
    if hangs.event in moments.events or (event and not isinstance(event.at, forms.Offset)):
        days, clock = _event(hangs.event, moments)
        if hangs.end:
            raise refuse("T03", f'"{hangs.text}": no end is known of the event {hangs.event}', "count from its start.", where)
        chosen = _of_several(order, hangs, days)
        return Rhythm(order.id, tuple(day - chosen[0] for day in chosen), clock, event=hangs.event, offset=hangs.minutes, event_day=chosen[0])
    others = (event,) if event else moments.named(hangs.event, order)
    if not others:
        raise refuse("T03", f'"{hangs.text}": {hangs.event} is no event and is not planned', closest(hangs.event, {*_names(moments)} - {order.id}), where)
    _count_fits(order, hangs, others, where)
    anchors = tuple(rhythm(other, moments, (*above, order.id)) for other in others)
    lengths = tuple(_length(other, hangs, where) for other in others) if hangs.end else ()
    return Rhythm(order.id, (0,) * len(order.days), event=hangs.event, offset=hangs.minutes, anchors=anchors, lengths=lengths, which=hangs.which)


def _event(name: str, moments: Moments) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The days of an event and the hour its file prints."""
    if declared := moments.events.get(name):
        return declared.days, () if declared.at is None else (declared.at,)
    order = moments.event_order(name)
    assert order
    return order.days, _clock(order, moments)


def _names(moments: Moments) -> Iterator[str]:
    yield from moments.events
    for order in moments.orders:
        yield from filter(None, (order.event, order.id, order.drug))


def _of_several(order: Order, hangs: forms.Offset, days: tuple[int, ...]) -> tuple[int, ...]:
    """The days of an event that the doses of an order hang on; Y06 where it is left open which."""
    if hangs.which in ("first", "last"):
        days = days[:1] if hangs.which == "first" else days[-1:]
    if len(days) > 1 and not hangs.which:
        raise refuse("Y06", f'"{hangs.text}", and {hangs.event} is on {forms.say_days(days)}', "write first, last or each before its name.", f"order {order.id}")
    if len(order.days) != len(days):
        raise refuse("Y06", f"{hangs.text} is {_moments(len(days))}, and the days are {forms.say_days(order.days)}", "write one order for each day, with clock times.", f"order {order.id}")
    return days


def _moments(number: int) -> str:
    return "one moment" if number == 1 else f"{number} moments"


def _count_fits(order: Order, hangs: forms.Offset, others: Sequence[Order], where: str) -> None:
    """Refuse (Y06) an anchor of several doses without first, last or each, and an order with another number of days."""
    doses = sum(rules.administrations(other) or 0 for other in others)
    if doses != 1 and not hangs.which:
        raise refuse("Y06", f'"{hangs.text}", and {hangs.event} has {doses} doses', "write first, last or each before its name.", where)
    asked = doses if hangs.which == "each" else 1
    if len(order.days) != asked:
        raise refuse("Y06", f"{hangs.text} is {_moments(asked)}, and the days are {forms.say_days(order.days)}", "write one order for each day, with clock times.", where)


def _length(other: Order, hangs: forms.Offset, where: str) -> int:
    if not other.over:
        raise refuse("T03", f'"{hangs.text}": no duration is stated for {other.id}', "count from its start, or state `over` there.", where)
    return int(other.over)


def _one_reading(order: Order) -> None:
    """Refuse an interval over a hole in the days: it does not say when to begin again."""
    hole = order.days[-1] - order.days[0] >= len(order.days)
    if hole and isinstance(order.dose, forms.Dose) and order.dose.every:
        raise refuse("D19", f"every {forms.plain(order.dose.every)} h does not say when to begin again after the hole in {forms.say_days(order.days)}",
                     "write one order for each run of days.", f"order {order.id}")  # fmt: skip
    if order.event and len(order.days) > 1:
        raise refuse("Y06", f"{order.event} is one moment, and the days are {forms.say_days(order.days)}", "write one order for each day, each with an event of its own.", f"order {order.id}")


def missing_hours(moments: Moments, dated: bool, known: Mapping[str, Order]) -> list[Fault]:
    """A fault for every clock hour that is needed and not given, and for every hour nobody asks for.

    `known` are all orders, planned or not under the choices made.
    """
    faults: dict[str, Fault] = {}
    for order in moments.orders:
        said = next((phrase for phrases in order.cite.values() for phrase in phrases), "")
        if order.first == "ask" and order.id not in moments.hours:
            faults[order.id] = Fault("T03", f'the hour of the first dose of {order.drug} is not given; the source prints "{said}" and no hour', f"add --time {order.id}=HH:MM.", f"time {order.id}")
        for name in _asked(order, moments) if dated or order.first else ():
            faults.setdefault(name, Fault("T03", f'the hour of "{name}" is not given and {order.drug} hangs on it', f"add --time {name}=HH:MM.", f"time {name}"))
    events = {*moments.events, *(order.event for order in known.values() if order.event), *(order.id for order in known.values() if order.first or order.at is None)}
    unused = [Fault("T03", f'nothing hangs on the hour "{name}"', closest(name, events), f"time {name}") for name in moments.hours if name not in events]
    return [*faults.values(), *unused]


def _asked(order: Order, moments: Moments) -> Iterator[str]:
    """The events whose hour an order needs and nobody has told."""
    hangs = hanging(order)
    names = [hangs.event] if hangs else [order.event] if order.event else []
    for name in names:
        event = moments.event_order(name)
        told = name in moments.hours or (event and event.at is not None) or (name in moments.events and moments.events[name].at is not None)
        if moments.is_event(name) and not told:
            yield name
