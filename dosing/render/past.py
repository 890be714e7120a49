"""What is over in a course, as texts that every page shares: doses given, in part or not at all, and how they were entered.

A missed dose is no administration of the schedule. Here it is a row without an amount, so that it has a place on the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from dosing.render import issued, wording
from dosing.render.names import order_of, signable
from dosing.schedule import Administration, Amount, Schedule

AGAIN = "GIVEN, do not give again"


def every(schedule: Schedule) -> list[Administration]:
    """The administrations in time order, with the missed doses where they were planned."""
    gone = missed(schedule)
    if not gone:
        return list(schedule)
    listed = {card["id"]: place for place, card in enumerate(schedule.orders)}
    return sorted((*schedule, *gone), key=lambda row: (row.seconds or 0, listed.get(row.order, len(listed)), row.number))


def missed(schedule: Schedule) -> list[Administration]:
    """The doses a course recorded as not given, each as a row with `missed` in its record."""
    told = (one for one in (schedule.course or {}).get("not_given", ()) if one["state"] == "missed")
    return [_row(schedule, one, schedule.day0) for one in told if schedule.day0]


def _row(schedule: Schedule, one: Mapping[str, Any], day0: date) -> Administration:
    start, order = datetime.fromisoformat(one["planned"]), order_of(schedule, one["order"])
    return Administration(
        one["order"], order["drug"], (start.date() - day0).days, one["number"], one["of"], order.get("route") or "", None, None, False,
        start.date(), int(start.timestamp()), None, schedule.zone, "", None, {"missed": one},
    )  # fmt: skip


def stopped(schedule: Schedule, order: str) -> list[int]:
    """The numbers of an order's doses that a person stopped."""
    return [one["number"] for one in (schedule.course or {}).get("not_given", ()) if one["state"] == "stopped" and one["order"] == order]


def given(row: Administration) -> Mapping[str, Any] | None:
    """What was recorded of a given dose; None for any other."""
    return (row.record or {}).get("given")


def lost(row: Administration) -> Mapping[str, Any] | None:
    """What was recorded of a missed dose; None for any other."""
    return (row.record or {}).get("missed")


def planned(row: Administration) -> Amount | None:
    """The amount that was planned: of a dose that is over as its record keeps it, of any other its amount."""
    if gone := lost(row):
        return _amount(gone.get("amount"))
    told = given(row)
    return row.amount if told is None or not told.get("planned") else _amount(told["planned"]["amount"])


def _amount(pair: Mapping[str, str] | None) -> Amount | None:
    return Amount(pair["value"], pair["unit"]) if pair else None


def state(schedule: Schedule, row: Administration) -> str:
    """`HOLD`, `missed`, `given`, what `otherwise` says, `query` where an open finding is about the order; else empty."""
    if row.held:
        return wording.WORDS["hold"]
    if lost(row):
        return wording.WORDS["missed"]
    if given(row) is not None:
        return otherwise(schedule, row) or "given"
    return "" if signable(schedule, row.order) else "query"


def otherwise(schedule: Schedule, row: Administration) -> str:
    """`PARTIAL, 400 of 1,030 mg`, or `NOT AS PLANNED, 168 of 16.8 mg` for another amount than planned; empty for a dose as planned."""
    told, whole = given(row), planned(row)
    if not told or not (told.get("partial") or (row.amount and whole and row.amount != whole)):
        return ""
    word = "PARTIAL" if told.get("partial") else "NOT AS PLANNED"
    if not (row.amount and whole):
        return word
    part, all_ = (wording.amount(one, schedule.locale) for one in (row.amount, whole))
    unit = all_.rpartition(wording.NBSP)[2]
    return f"{word}, {part.removesuffix(f'{wording.NBSP}{unit}')} of {all_}"


def note(schedule: Schedule, row: Administration) -> str:
    """What stands in place of boxes for a dose that is over: what became of it, who says so, and every entry of it."""
    told = lost(row)
    what = f"MISSED, not given{_because(told)}" if told else ": ".join(filter(None, (otherwise(schedule, row), AGAIN)))
    return "; ".join(filter(None, (f"{what}{people(told or given(row) or {})}", *recorded(schedule, row))))


def _because(told: Mapping[str, Any]) -> str:
    return f" ({told['why']})" if told.get("why") and not told.get("corrections") else ""


def recorded(schedule: Schedule, row: Administration, named: bool = True) -> Iterator[str]:
    """The kit of a given dose, and every entry of a corrected one, with its person where `named`."""
    told = lost(row) or given(row) or {}
    if told.get("kit"):
        yield f"kit {told['kit']}"
    if entries := chain(schedule, row, named):
        yield entries


def people(who: Mapping[str, Any]) -> str:
    """`, by AB and CD`: who stands in a record; empty without a name."""
    named = [str(who[key]) for key in ("by", "second") if who.get(key)]
    return f", by {' and '.join(named)}" if named else ""


def chain(schedule: Schedule, row: Administration, named: bool = True) -> str:
    """`first entered as 510 mg at 09:00, corrected to 51 mg by AB (typing), corrected to missed by CD`; empty without a correction."""
    told = lost(row) or given(row) or {}
    if not told.get("corrections"):
        return ""
    first = _entered(schedule, row, told["first"]) or "given"
    steps = ((_entered(schedule, row, one), one) for one in told["corrections"])
    made = (f"corrected to {text}{_whose(one) if named else ''}" for text, one in steps if text)
    return ", ".join((f"first entered as {first}", *made))


def _whose(one: Mapping[str, Any]) -> str:
    who = people(one).removeprefix(",")
    return f"{who} ({one['why']})" if one.get("why") else who


def _entered(schedule: Schedule, row: Administration, one: Mapping[str, Any]) -> str:
    """What one entry says of a dose: missed, or amount, start and stop as far as it tells them; another day with its date."""
    if one.get("missed"):
        return wording.WORDS["missed"]
    amount = _amount(one.get("amount"))
    same = row.date.isoformat() if row.date else ""
    times = (f"{word} {one[key][11:16] if one[key][:10] == same else issued.moments(one[key], schedule.locale)}" for word, key in (("at", "start"), ("until", "stop")) if one.get(key))
    return " ".join((*([wording.amount(amount, schedule.locale)] if amount else []), *times))


def renumbered(schedule: Schedule, row: Administration) -> str:
    """`; was day −5, now day −6`: the number a given day had before day 0 moved; empty where it kept it."""
    before = (given(row) or {}).get("planned")
    if not before or schedule.day0 is None:
        return ""
    moved = before["day"] - (datetime.fromisoformat(before["start"]).date() - schedule.day0).days
    was, now = (wording.day(day).lower() for day in (row.day + moved, row.day))
    return f"; was {was}, now {now}" if moved else ""


def doses_of(schedule: Schedule, order: str, rows: Sequence[Administration]) -> list[tuple[str, list[Administration]]]:
    """The written doses that an order's rows were worked out from, each with its rows: one, unless a course changed it."""
    card = str(order_of(schedule, order).get("dose") or "not given")
    now = next((work.dose for row in rows if given(row) is None and (work := row.derivation)), "")
    found: dict[str, list[Administration]] = {}
    for row in rows:
        found.setdefault(_dose(row, card, now), []).append(row)
    return list(found.items())


def _dose(row: Administration, card: str, now: str) -> str:
    """The dose a row was worked out from; the order's own text for the doses left, and where that says the same and more."""
    work = row.derivation if given(row) is not None else None
    return work.dose if work and work.dose != now and not card.startswith(work.dose) else card
