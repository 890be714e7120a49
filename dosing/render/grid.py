"""The grid of the sheet: one column a day, one row an order; sums only amounts that are already exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any

from dosing.render import blinding, issued, past, wording
from dosing.render.names import amount_text, is_graft, name_of, numbers, order_of, runs, see, signable, starts
from dosing.render.page import Cell, Column, Row
from dosing.schedule import Administration, Amount, Schedule

NONE = Cell("none", wording.WORDS["none"])


def columns(schedule: Schedule) -> tuple[Column, ...]:
    """The days that have an administration, in order; days without one are left out, but for the rest before a moved day 0."""
    zero, shown, free = schedule.day0, days(schedule), rest(schedule)
    years = {(zero + timedelta(days=day)).year for day in shown} if zero else set()
    return tuple(_rest_column(schedule, free, len(years) == 1) if day in free else _column(schedule, day, len(years) == 1) for day in shown)


def days(schedule: Schedule) -> list[int]:
    """The day numbers of the schedule, ascending and once each; the first of a rest stands for all of it."""
    return sorted({row.day for row in past.every(schedule)} | set(rest(schedule)[:1]))


def rest(schedule: Schedule) -> range:
    """The days between the last dose given and the next one that a moved day 0 has left without any; else none."""
    if schedule.day0 is None or (schedule.course or {}).get("day0_at_start", "") in ("", schedule.day0.isoformat()):
        return range(0)
    given, left = ([row.day for row in past.every(schedule) if bool(past.given(row) or past.lost(row)) is done] for done in (True, False))
    return range(max(given) + 1, min(left)) if given and left else range(0)


def _rest_column(schedule: Schedule, free: range, one_year: bool) -> Column:
    """One column for the whole rest, so that nobody looks for a page that is missing."""
    first, last = (_column(schedule, day, one_year) for day in (free[0], free[-1]))
    to = (lambda one, other: one if one == other else f"{one} to {other}")  # noqa: E731
    return Column(to(first.day, last.day), to(first.date, last.date), "rest: nothing to give", to(first.short, last.short))


def _column(schedule: Schedule, day: int, one_year: bool) -> Column:
    """One column; where all days fall in one year, the short date leaves it to day 0 in the page's head."""
    date = schedule.day0 + timedelta(days=day) if schedule.day0 else None
    weekend = date is not None and not schedule.closed.isdisjoint((f"{date:%A}", date.isoformat()))
    graft = any(row.day == day and is_graft(order_of(schedule, row.order)) for row in schedule)
    told = wording.day_date(date, schedule.locale)
    short = told.removesuffix(f" {date.year}") if date and one_year else told
    return Column(wording.day(day), told, "TRANSPLANT" if graft else "weekend" if weekend else "", short)


def rows(schedule: Schedule, drawn: Mapping[tuple[str, int], str] | None = None) -> tuple[Row, ...]:
    """One row an order, in the order of the regimen; `drawn` says by order and number what is drawn up, where that is another amount."""
    every = past.every(schedule)
    scheduled = dict.fromkeys(row.order for row in every)
    listed = [row["id"] for row in schedule.orders if row["id"] in scheduled]
    rest = [order for order in scheduled if order not in listed]
    return tuple(_row(schedule, order, [row for row in every if row.order == order], drawn or {}) for order in listed + rest)


def _row(schedule: Schedule, order: str, every: list[Administration], drawn: Mapping[tuple[str, int], str]) -> Row:
    """One order with its doses and those it missed; what is said of all its doses is said of those that count."""
    counted = [row for row in every if not past.lost(row)]
    given = counted or every
    hours = _hours(schedule, given)
    cells = tuple(_cell(schedule, [row for row in every if row.day == day], counted, hours, drawn) for day in days(schedule))
    held = any(row.held for row in given)
    total, lines = _total(schedule, order, counted, len(every) - len(counted))
    return Row(order, name_of(schedule, order), tuple(_order_lines(schedule, order, given, hours)), cells, total, lines, held)


def _order_lines(schedule: Schedule, order: str, given: list[Administration], hours: str) -> Iterable[str]:
    row = order_of(schedule, order)
    yield f"{_doses(schedule, order, given)}, {wording.route(row.get('route') or given[0].route)}"
    yield from [f"{runs(gone)} stopped, not to be given"] if (gone := past.stopped(schedule, order)) else []
    yield from filter(None, [blinding.arm_of(schedule, order), _basis(schedule, given), _product(row), _durations(given), hours, changed(schedule, order)])
    unweighed = row.get("weight") == "unspecified" and _basis(schedule, given) != ""
    silent = [
        word
        for word, missing in (("weight", unweighed), ("duration", not any(each.minutes for each in given)))
        if missing
    ]
    yield from [f"source silent: {', '.join(silent)}"] if silent else []


def _doses(schedule: Schedule, order: str, given: list[Administration]) -> str:
    """`600 mg/m²/day for doses 1 to 3, given; 700 mg/m²/day for dose 4` where a course changed it; else the dose alone."""
    doses = past.doses_of(schedule, order, given)
    told = [("dose not given in source" if dose == "not given" else wording.plain(dose, schedule.locale), rows) for dose, rows in doses]
    if len(told) == 1:
        return told[0][0]
    over = (", given" if all(past.given(row) is not None for row in rows) else "" for _, rows in told)
    return "; ".join(f"{dose} for {runs([row.number for row in rows])}{done}" for (dose, rows), done in zip(told, over, strict=True))


def _basis(schedule: Schedule, given: list[Administration]) -> str:
    """What the dose was multiplied with; several where a course was weighed again."""
    used = dict.fromkeys((work.basis_name, work.basis) for each in given if (work := each.derivation) and work.basis)
    return ", then ".join(_basis_text(name, wording.plain(basis, schedule.locale)) for name, basis in used)


def _basis_text(name: str, basis: str) -> str:
    if basis.endswith("kg"):
        return f"{wording.weight(name)} {basis}"
    return " ".join(filter(None, [name, "body surface" if basis.endswith("m²") else "", basis]))


def _durations(given: list[Administration]) -> str:
    """How long each dose runs, with the dose numbers where it is not the same for all."""
    runs = [(minutes, list(rows)) for minutes, rows in groupby(given, lambda row: row.minutes)]
    if len(runs) == 1:
        return wording.over(runs[0][0]) if runs[0][0] else ""
    return ", ".join(f"{numbers(rows).partition(' of')[0]} {wording.over(minutes)}" for minutes, rows in runs)


def _hours(schedule: Schedule, given: list[Administration]) -> str:
    """`at 02:00, 08:00`: the starts of each day, once for the line, where no cell has a place to sign beside them."""
    each = {tuple(starts(schedule, row) for row in rows) for _, rows in groupby(given, lambda row: row.day)}
    return f"at {', '.join(each.pop())}" if len(each) == 1 and not signable(schedule, given[0].order) else ""


def changed(schedule: Schedule, order: str) -> str:
    """`changed by AB: dose from 5 micrograms/kg/day, product`: what a person changed of an order; empty when nothing."""
    made = [change for change in schedule.changes if change.get("key", "").partition(".")[0] == order]
    people = ", ".join(dict.fromkeys(change["by"] for change in made))
    told = (f"{change['key'].partition('.')[2]}{_before(schedule, change)}" for change in made)
    return f"changed by {people}: {', '.join(told)}" if made else ""


def _before(schedule: Schedule, change: Mapping[str, str]) -> str:
    """What stood there before a change, as the source prints it."""
    before = change.get("from", "")
    return f" from {wording.plain(before, schedule.locale)}" if before[:1].isdigit() else ""


def _product(row: dict[str, Any]) -> str:
    return f"product: {row['product']}" if row.get("product") else ""


def _cell(schedule: Schedule, given: list[Administration], course: list[Administration], hours: str, drawn: Mapping[tuple[str, int], str]) -> Cell:
    """What an order does on one day, from its doses of that day, missed ones among them."""
    if not given:
        return NONE
    was = "; ".join(filter(None, (issued.was(schedule, row.order, row.number) for row in given)))
    counted = [row for row in given if not past.lost(row)]
    if not counted:
        return Cell("missed", wording.WORDS["missed"], "", (numbers(given), *_over(schedule, given), *_besides(schedule, given)), (), was)
    if any(row.held for row in counted):
        return Cell("hold", wording.WORDS["hold"], "", (numbers(counted), see(schedule, given[0].order, 1), *_over(schedule, given), *_besides(schedule, given)), (), was)
    slots = tuple(f"{starts(schedule, row)}{issued.moved(schedule, row.order, row.number)}" for row in counted if past.given(row) is None)
    signed = slots if signable(schedule, given[0].order) else ()
    lines = (*_over(schedule, given), *(() if signed else _hourly(slots, hours)), *_besides(schedule, given))
    if any(row.amount is None for row in counted):
        return Cell("open", "infusion", "", ("dose not given in source", *lines), signed, was)
    told, times = _amounts(schedule, counted)
    measured = dict.fromkeys(text for row in counted if (text := drawn.get((row.order, row.number))))
    return Cell("dose", told, times, (*measured, numbers(counted), cumulative(schedule, counted[-1], course), *lines), signed, was)


def _over(schedule: Schedule, given: list[Administration]) -> Iterator[str]:
    """What became of each dose that is over: given, in part, missed, and how it was entered first; with its number beside others."""
    several = sum(past.given(row) is not None for row in given) > 1
    for row in given:
        about = f"dose {row.number}: " if len(given) > 1 else ""
        start = f"{starts(schedule, row)}{issued.moved(schedule, row.order, row.number)}"
        if past.lost(row):
            yield f"{about and f'{about}missed, '}planned {start}"
        elif past.given(row) is not None:
            yield from [f"{about}{part}"] if (part := past.otherwise(schedule, row)) else []
            yield f"GIVEN {start}{'' if several else ', do not give again'}{past.renumbered(schedule, row)}"
        yield from (f"{about}{text}" for text in past.recorded(schedule, row, False))
    yield from ["do not give these again"] if several else []


def _hourly(slots: tuple[str, ...], hours: str) -> tuple[str, ...]:
    """The starts of a cell where nobody signs: on one line, on one each where any was changed, none where the order tells them."""
    if any("(was" in slot for slot in slots):
        return slots
    return (f"at {', '.join(slots)}",) if slots and not hours else ()


def _besides(schedule: Schedule, given: list[Administration]) -> tuple[str, ...]:
    """What else changed since the replaced issue: once where all doses changed alike, else dose by dose."""
    told = {row.number: issued.besides(schedule, row.order, row.number) for row in given}
    if len(set(told.values())) == 1:
        return tuple({text for text in told.values() if text})
    return tuple(f"dose {number}: {text}" for number, text in told.items() if text)


def _amounts(schedule: Schedule, given: list[Administration]) -> tuple[str, str]:
    parts = [(told, len(list(rows))) for told, rows in groupby(given, lambda row: amount_text(schedule, row))]
    if len(parts) == 1:
        return parts[0][0], f"×{wording.NBSP}{parts[0][1]}" if parts[0][1] > 1 else ""
    return "; ".join(f"{told}{wording.NBSP}×{wording.NBSP}{count}" for told, count in parts), ""


def cumulative(schedule: Schedule, last: Administration, course: list[Administration]) -> str:
    """`if all given 110 mg`: the sum up to one administration; empty for a single dose or amounts of several units."""
    if last.of == 1:
        return ""
    so_far = [row.amount for row in course[: course.index(last) + 1] if row.amount]
    units = {amount.unit for amount in so_far}
    if len(units) != 1 or len(so_far) <= course.index(last):
        return ""
    total = Amount(str(sum(amount.decimal for amount in so_far)), units.pop())
    return f"if all given {wording.amount(total, schedule.locale)}"


def _total(schedule: Schedule, order: str, given: list[Administration], missed: int) -> tuple[str, tuple[str, ...]]:
    total = next((total for total in schedule.totals if total.order == order), None)
    asked = () if signable(schedule, order) else (see(schedule, order, 1),)
    count = f"{len(given)}{wording.NBSP}dose{'s' if len(given) != 1 else ''}" + (f", {missed}{wording.NBSP}missed" if missed else "")
    if any(row.held for row in given):
        return wording.WORDS["hold"], (count, *asked)
    if total is None or total.amount is None:
        return wording.WORDS["none"], (count if missed else "dose not given", *asked)
    return wording.amount(total.amount, schedule.locale), tuple(
        filter(None, (wording.power(total.amount), count, *asked))
    )
