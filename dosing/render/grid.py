"""The grid of the sheet: one column a day, one row an order; sums only amounts that are already exact."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from typing import Any

from dosing.render import chinese, wording
from dosing.render.page import Cell, Column, Row
from dosing.schedule import Administration, Amount, Schedule, iso

NONE = Cell("none", wording.WORDS["none"])


def columns(schedule: Schedule) -> tuple[Column, ...]:
    """The days that have an administration, in order; days without one are left out."""
    return tuple(_column(schedule, day) for day in days(schedule))


def days(schedule: Schedule) -> list[int]:
    """The day numbers of the schedule, ascending and once each."""
    return sorted({row.day for row in schedule})


def _column(schedule: Schedule, day: int) -> Column:
    date = schedule.day0 + timedelta(days=day) if schedule.day0 else None
    weekend = date is not None and date.weekday() >= 5
    graft = any(row.day == day and is_graft(order_of(schedule, row.order)) for row in schedule)
    return Column(wording.day(day), wording.day_date(date, schedule.locale), "TRANSPLANT" if graft else "weekend" if weekend else "")


def is_graft(order: dict[str, Any]) -> bool:
    """Whether an order is the infusion of the stem cell graft."""
    return order.get("kind") == "graft" or "stem-cells" in order.get("drug", "")


def order_of(schedule: Schedule, order: str) -> dict[str, Any]:
    """The order's row in `Schedule.orders`, or what its administrations tell of it."""
    found = next((row for row in schedule.orders if row["id"] == order), None)
    drug = next((row.drug for row in schedule if row.order == order), order)
    return found or {"id": order, "drug": drug}


def name_of(schedule: Schedule, order: str) -> str:
    """The full name of an order's drug, in Tall Man letters where the drug's file gives them."""
    row, locale = order_of(schedule, order), schedule.locale
    names = row.get("names", {})
    english = row.get("tall_man", {}).get(locale) or names.get(locale if locale != "zh" else "en-GB") or names.get("en-GB") or drug_name(row["drug"])
    return chinese.name(english, names.get("zh")) if locale == "zh" else english


def drug_name(drug: str) -> str:
    """A drug id as words."""
    return drug.replace("-", " ")


def rows(schedule: Schedule) -> tuple[Row, ...]:
    """One row an order, in the order of the regimen."""
    scheduled = {row.order for row in schedule}
    listed = [row["id"] for row in schedule.orders if row["id"] in scheduled]
    rest = [order for order in dict.fromkeys(row.order for row in schedule) if order not in listed]
    return tuple(_row(schedule, order) for order in listed + rest)


def _row(schedule: Schedule, order: str) -> Row:
    given = [row for row in schedule if row.order == order]
    cells = tuple(_cell(schedule, [row for row in given if row.day == day], given) for day in days(schedule))
    held = any(row.held for row in given)
    total, lines = _total(schedule, order, given)
    return Row(order, name_of(schedule, order), tuple(_order_lines(schedule, order, given)), cells, total, lines, held)


def _order_lines(schedule: Schedule, order: str, given: list[Administration]) -> Iterable[str]:
    row, locale = order_of(schedule, order), schedule.locale
    dose = (
        "dose not given in source"
        if row.get("dose", "not given") == "not given"
        else wording.plain(str(row["dose"]), locale)
    )
    yield f"{dose}, {wording.route(row.get('route') or given[0].route)}"
    yield from filter(None, [_basis(schedule, given), _product(row), _durations(given), changed(schedule, order)])
    unweighed = row.get("weight") == "unspecified" and _basis(schedule, given) != ""
    silent = [
        word
        for word, missing in (("weight", unweighed), ("duration", not any(each.minutes for each in given)))
        if missing
    ]
    yield from [f"source silent: {', '.join(silent)}"] if silent else []


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


def changed(schedule: Schedule, order: str) -> str:
    """`changed by AB: dose, product`: what a person changed of an order; empty when nothing."""
    made = [change for change in schedule.changes if change.get("key", "").partition(".")[0] == order]
    people = ", ".join(dict.fromkeys(change["by"] for change in made))
    return f"changed by {people}: {', '.join(change['key'].partition('.')[2] for change in made)}" if made else ""


def _product(row: dict[str, Any]) -> str:
    return f"product: {row['product']}" if row.get("product") else ""


def _cell(schedule: Schedule, given: list[Administration], course: list[Administration]) -> Cell:
    if not given:
        return NONE
    if any(row.held for row in given):
        return Cell("hold", wording.WORDS["hold"], "", (numbers(given), see(schedule, given[0].order, 1)))
    done = [row for row in given if (row.record or {}).get("given")]
    slots = tuple(starts(schedule, row) for row in given if row not in done)
    signed = slots if signable(schedule, given[0].order) else ()
    lines = tuple(f"GIVEN {starts(schedule, row)}, do not give again" for row in done)
    lines += (f"at {', '.join(slots)}",) if slots and not signed else ()
    if any(row.amount is None for row in given):
        return Cell("open", "infusion", "", ("dose not given in source", *lines), signed)
    told, times = _amounts(schedule, given)
    return Cell("dose", told, times, (numbers(given), cumulative(schedule, given[-1], course), *lines), signed)


def _amounts(schedule: Schedule, given: list[Administration]) -> tuple[str, str]:
    parts = [(told, len(list(rows))) for told, rows in groupby(given, lambda row: amount_text(schedule, row))]
    if len(parts) == 1:
        return parts[0][0], f"×{wording.NBSP}{parts[0][1]}" if parts[0][1] > 1 else ""
    return "; ".join(f"{told}{wording.NBSP}×{wording.NBSP}{count}" for told, count in parts), ""


def amount_text(schedule: Schedule, row: Administration) -> str:
    """The amount of one administration, `HOLD`, or the words that no dose is given."""
    if row.held:
        return wording.WORDS["hold"]
    return wording.amount(row.amount, schedule.locale) if row.amount else "dose not given in source"


def numbers(given: list[Administration]) -> str:
    """`dose 1 of 4`, or `doses 1 to 4 of 16` where a day has several."""
    first, last = given[0].number, given[-1].number
    told = f"dose {first}" if first == last else f"doses {first} to {last}"
    return f"{told} of{wording.NBSP}{given[0].of}"


def cumulative(schedule: Schedule, last: Administration, course: list[Administration]) -> str:
    """`if all given 110 mg`: the sum up to one administration; empty where amounts do not add up in one unit."""
    so_far = [row.amount for row in course[: course.index(last) + 1] if row.amount]
    units = {amount.unit for amount in so_far}
    if len(units) != 1 or len(so_far) <= course.index(last):
        return ""
    total = Amount(str(sum(amount.decimal for amount in so_far)), units.pop())
    return f"if all given {wording.amount(total, schedule.locale)}"


def starts(schedule: Schedule, row: Administration) -> str:
    """The clock time of the start in the zone, or where a relative administration hangs."""
    stamp = iso(row.seconds, row.zone)
    return stamp[11:16] if stamp else offset(schedule, "" if row.offset == row.order else row.offset)


def prose(schedule: Schedule, text: str) -> str:
    """A message with the ids of orders and drugs replaced by their names, safe for print."""
    known = {row["drug"]: name_of(schedule, row["id"]) for row in schedule.orders} | {
        row["id"]: name_of(schedule, row["id"]) for row in schedule.orders
    }
    known |= {row["drug"]: drug_name(row["drug"]) for row in schedule.not_scheduled}
    for id in sorted(known, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.-]){re.escape(id)}(?![\w-]|\.\w)", known[id], text)
    return wording.plain(text, schedule.locale)


def offset(schedule: Schedule, text: str) -> str:
    """A relative start in words, with the event's full name; `time not set` without one."""
    return prose(schedule, text) or "time not set"


def signable(schedule: Schedule, order: str) -> bool:
    """Whether nothing open stands against an order, or against all of them, so that its doses may be signed for."""
    return not any(finding.order in (order, None) for finding in schedule.open)


def see(schedule: Schedule, order: str, shown: int = 9) -> str:
    """`see query atg.dose and 1 more`: where an order is asked about, the first `shown` questions by id."""
    ids = [finding.id for finding in schedule.open if finding.order == order]
    ids += [finding.id for finding in schedule.open if finding.order is None]
    more = f" and {len(ids) - shown} more" if len(ids) > shown else ""
    return f"see query {', '.join(ids[:shown])}{more}" if ids else "see open queries"


def _total(schedule: Schedule, order: str, given: list[Administration]) -> tuple[str, tuple[str, ...]]:
    total = next((total for total in schedule.totals if total.order == order), None)
    asked = () if signable(schedule, order) else (see(schedule, order),)
    count = f"{len(given)}{wording.NBSP}dose{'s' if len(given) != 1 else ''}"
    if any(row.held for row in given):
        return wording.WORDS["hold"], (count, *asked)
    if total is None or total.amount is None:
        return wording.WORDS["none"], ("dose not given", *asked)
    return wording.amount(total.amount, schedule.locale), tuple(
        filter(None, (wording.power(total.amount), count, *asked))
    )
