"""The rows and totals of a course, and the facts that only a course has; rows are made when they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from dosing import forms
from dosing.checks import Case
from dosing.course import moment
from dosing.course.events import Planned
from dosing.course.moment import stamp
from dosing.course.state import Done, Lane, State, day_of
from dosing.derivation import Derivation
from dosing.engine.dose import Reading
from dosing.engine.settle import Line
from dosing.schedule import Administration, Amount, Finding, LaterNamed, Total
from dosing.units import exact

MISSED: dict[str, Any] = {"missed": True}


def rows(state: State, case: Case, held: set[str], readings: Mapping[str, Reading]) -> list[Administration]:
    """Every dose in time order, given as it was given, left as a plan makes it."""
    made = [row for line in case.lines for row in (*_given_rows(state, line), *_left_rows(state, case, line, line.id in held, readings.get(line.id)))]
    order = {line.id: place for place, line in enumerate(case.lines)}
    return sorted(made, key=lambda row: (row.seconds or 0, order[row.order], row.number))


def _left_rows(state: State, case: Case, line: Line, held: bool, told: Reading | None) -> list[Administration]:
    lane, route = state.lanes[line.id], line.order.route or ""
    calculated = Amount(told.calculated, told.unit) if told else None
    amount = Amount(told.amount, told.unit) if told and not held else None
    work = partial(case.doses[line.id].derivation, 0, held) if told else None
    held = held or (bool(line.open) and not line.order.event)
    return [
        Administration(line.id, line.drug.id, place.day, number, lane.highest, route, calculated, amount, held, state.day0 + timedelta(place.day),
                       place.seconds, line.minutes(number), state.zone, place.offset, work, released(state, line.id, number, place.seconds, amount))
        for number, place in state.starts(line.id).items()
    ]  # fmt: skip


def released(state: State, order: str, number: int, seconds: int | None, amount: Amount | None) -> dict[str, Any] | None:
    """Who released a dose, and whether it has changed since; None for a dose that is not released."""
    found = state.releases.get((order, number))
    if found is None or found.recalled:
        return None
    now = (stamp(seconds or 0, state.zone), (amount.value, amount.unit) if amount else None)
    return {"released": _who(found.entry) | {"void": now != (found.entry.start, found.entry.amount)}}


def _given_rows(state: State, line: Line) -> list[Administration]:
    """The rows of an order that were given: actual start and amount, with what was planned beside them."""
    lane = state.lanes[line.id]
    return [_given_row(state, line, lane, one) for one in lane.given]


def _given_row(state: State, line: Line, lane: Lane, one: Done) -> Administration:
    planned, day = one.planned, day_of(one.seconds, state.when)
    minutes = (one.stop - one.seconds) // 60 if one.stop else planned.minutes
    return Administration(
        line.id, line.drug.id, day, one.number, lane.highest, line.order.route or "", Amount(*planned.calculated) if planned.calculated else None,
        Amount(*one.amount) if one.amount else None, False, state.day0 + timedelta(day), one.seconds, minutes, state.zone, "",
        partial(work_of, planned) if planned.work else None, {"given": given_facts(state, one)},
    )  # fmt: skip


def given_facts(state: State, one: Done) -> dict[str, Any]:
    """What was recorded of a given dose, what was planned, and every correction, as plain JSON values."""
    planned, entry = one.planned, one.entry
    named = {"why": entry.why, "kit": _kit(state, getattr(entry, "kit", "")), "stop": stamp(one.stop, state.zone) if one.stop else ""}
    told = _who(entry) | {key: text for key, text in named.items() if text} | {key: True for key, is_so in (("partial", _is_partial(one)), ("extra", one.extra)) if is_so}
    return told | {"planned": None if one.extra else {"start": planned.start, "day": planned.day, "amount": _pair(planned.amount)}} | _entered(one)


def _is_partial(one: Done) -> bool:
    """Whether only a part went in; a correction to the whole dose says that it was not so."""
    amount, planned = one.amount, one.planned.amount
    whole = any(c.amount for c in one.corrections) and amount and planned and amount[1] == planned[1] and Decimal(amount[0]) >= Decimal(planned[0])
    return bool(getattr(one.entry, "partial", False)) and not whole


def _entered(one: Done) -> dict[str, Any]:
    """A dose that was corrected: its first entry and every further one, each with its person; nothing for any other."""
    if not one.corrections:
        return {}
    entry = one.entry
    first = MISSED if entry.what == "miss" else {"start": entry.at, "stop": entry.stop or None, "amount": _pair(entry.amount)}
    return {"first": dict(first), "corrections": [{**_who(c), **(MISSED if c.missed else {}), "start": c.start or None, "stop": c.stop or None, "amount": _pair(c.amount), "why": c.why} for c in one.corrections]}


def _kit(state: State, kit: str) -> str:
    """The kit number as the ward reads it on the kit; none that spells an option of a blinding choice, which is for the pharmacy alone."""
    settled = state.inputs.settled if kit else None
    blinding = [choice for part in (settled.regimen, *settled.blocks) for choice in part.choices.values() if choice.blinds] if settled else []
    words = set(re.findall(r"[a-z0-9]+", kit.lower()))
    return "kept by the pharmacy" if any(option.lower() in words for choice in blinding for option in choice.options if option != "blinded") else kit


def _who(entry: Any) -> dict[str, str]:
    return {key: value for key, value in (("by", entry.by), ("second", entry.second), ("at", entry.at)) if value}


def _pair(amount: tuple[str, str] | None) -> dict[str, str] | None:
    return {"value": amount[0], "unit": amount[1]} if amount else None


def work_of(planned: Planned) -> Derivation:
    """The arithmetic that was kept with a given dose."""
    told: dict[str, Any] = dict(planned.work or {})
    return Derivation(**{**told, "value": Decimal(told["value"]), "parts": int(told["parts"]), "basis_value": Decimal(told["basis_value"]), "added": Decimal(told["added"])})


def plan_of(row: Administration) -> Planned:
    """A planned row as the facts a record of it keeps."""
    derivation = row.derivation
    work = {key: str(value) for key, value in asdict(derivation).items()} if derivation else None
    pair = lambda amount: (amount.value, amount.unit) if amount else None  # noqa: E731
    return Planned(start=stamp(row.seconds or 0, row.zone), day=row.day, calculated=pair(row.calculated), amount=pair(row.amount), held=row.held, minutes=row.minutes, work=work)


def totals(state: State, case: Case, held: set[str], readings: Mapping[str, Reading]) -> list[Total]:
    """The total of each order: what was given plus what is left, each dose with its own amount."""
    return [state.lanes[line.id].once(("total", line, line.id in held, readings[line.id]), partial(_total, state.lanes[line.id], line, line.id in held, readings[line.id]))
            for line in case.lines if line.id in readings]  # fmt: skip


def _total(lane: Lane, line: Line, held: bool, told: Reading) -> Total:
    """One total in exact decimals; `amount` is None while doses left are held."""
    left, unit = len(lane.left), told.unit
    given, earlier = lane.done.once(("sums", unit), lambda: _sums(lane, unit))
    calculated = earlier + Decimal(told.calculated) * left
    planned = None if held and left else Decimal(told.amount) * left
    whole = None if planned is None else _amount(given + planned, unit)
    if not lane.done and not lane.stopped:
        return Total(line.id, line.drug.id, left, _amount(calculated, unit), whole)
    return Total(line.id, line.drug.id, len(lane.given) + left, _amount(calculated, unit), whole, _amount(given, unit), None if planned is None else _amount(planned, unit))


def _sums(lane: Lane, unit: str) -> tuple[Decimal, Decimal]:
    """What was given, and what it was calculated as."""
    given = sum((_in(one.amount, unit) for one in lane.given if one.amount), Decimal(0))
    return given, sum((_in(one.planned.calculated, unit) for one in lane.given if one.planned.calculated), Decimal(0))


def _in(amount: tuple[str, str], unit: str) -> Decimal:
    """An amount as a number in another unit of its kind."""
    return Decimal(amount[0]) if amount[1] == unit else Decimal(amount[0]) * exact(amount[1], unit)


def _amount(value: Decimal, unit: str) -> Amount:
    return Amount(forms.plain(value), unit)


def hours(state: State) -> dict[str, str]:
    """The hours of the events: as planned, of a graft already given as it was on its day."""
    times, graft = dict(state.when.times), state.inputs.settled.graft
    given = state.lanes[graft.id].given if graft and graft.id in state.lanes else ()
    if graft and given and graft.order.event and moment.wall(given[0].seconds, state.zone)[0] == state.day0:
        times[graft.order.event] = moment.wall(given[0].seconds, state.zone)[1]
    return times


def course_facts(state: State, told: list[Finding]) -> LaterNamed[Any] | None:
    """What only a course has to say; None while nothing has happened."""
    if not (state.told or state.asked or state.day0 != state.zero or any(lane.done or lane.stopped for lane in state.lanes.values())):
        return None
    return LaterNamed(partial(_facts, state, told))


def _facts(state: State, told: list[Finding]) -> dict[str, Any]:
    return {"day0_at_start": state.zero.isoformat(), "not_given": [row for order, lane in state.lanes.items() for row in _not_given(order, lane)],
            "answer_before_release": [f.id for f in told if f.is_open], "needed_by": {f.id: needed_by(state, f.order) for f in told if f.is_open},
            "for_information": [f.id for f in told if f.level == "note"]}  # fmt: skip


def _missed(order: str, lane: Lane, one: Done) -> dict[str, Any]:
    """A dose that was not given: what was planned, who says so, and every entry where it was first recorded as given."""
    says = next((c for c in reversed(one.corrections) if c.missed), one.entry)
    return {"order": order, "number": one.number, "of": lane.highest, "state": "missed", "planned": one.planned.start, "amount": _pair(one.planned.amount), "why": says.why} | {"by": says.by, **_who(says)} | _entered(one)


def needed_by(state: State, order: str | None) -> str | None:
    """The start of the first dose left of an order, or of any where it is None: by then its query must be answered."""
    there = [place.seconds for name in state.lanes if order in (name, None) for place in state.starts(name).values() if place.seconds is not None]
    return stamp(min(there), state.zone) if there else None


def _not_given(order: str, lane: Lane) -> list[dict[str, Any]]:
    missed = [_missed(order, lane, one) for one in lane.done if one.missed]
    return missed + [{"order": order, "number": number, "state": "stopped"} for number in lane.stopped]
