"""Supply: what a pharmacy orders and makes for a group of patients over a calendar.

Every distinct dose of the group is prepared once, by the functions that prepare one patient's; then doses are counted
by day, drug and product. What is held, refused or not known is listed beside the counts and never taken for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from dosing import forms
from dosing.errors import DosingError, refuse
from dosing.supply.counting import count
from dosing.supply.doses import Opened, grouped, outside, windowed
from dosing.supply.leftout import by_patient as rows_by_patient
from dosing.supply.leftout import left_out
from dosing.supply.making import Kitchen, Stated
from dosing.supply.result import Line, NotCounted, Outside
from dosing.supply.supplied import Supply

if TYPE_CHECKING:
    from dosing.cohort import CohortSchedule
    from dosing.schedule import Schedule

__all__ = ["Line", "NotCounted", "Opened", "Outside", "Supply", "supply", "window"]


def supply(
    planned: CohortSchedule | Schedule | Iterable[CohortSchedule | Schedule], *,
    products: Mapping[str, str | Iterable[str]] | None = None, volumes: Mapping[str, str] | None = None, bags: Iterable[str] = (),
    graduation: str = "", withdraw: bool | None = None, country: str = "", prices: Mapping[str, str] | None = None,
    share: bool = False, start: str | date | None = None, end: str | date | None = None, library: Iterable[str] = (),
    by_patient: bool = False,
) -> Supply:  # fmt: skip
    """Vials, bags and infusions for a group of patients, by calendar date in each patient's zone, and over all dates.

    `planned` are dated schedules: of single patients, of a cohort, or of a file whose rows name their protocol (by
    `dosing.supply.planned.plan_file`). `products`, `volumes`, `bags`, `graduation`, `withdraw`, `country` and `prices`
    are those of `dosing.prepare`; a name may be an order's, a drug's, or `REGIMEN/ORDER`, the nearest wins. `share` lets
    doses of one product on one day share vials where its label says how long an opened one keeps. `start` and `end`
    (both counted) cut the calendar, and what they leave out is told as `outside`; `library` is that of the plans where it is not told, `by_patient` adds the
    patients' own rows.
    Raises `InputError` (T01) without day 0 and as `window`, `UsageError` for an order or product that no schedule holds.
    """
    first, last = window(start, end)
    whole = grouped(planned, forms.names(library))
    kitchen = Kitchen(Stated.of(products, volumes, bags, graduation, withdraw, country, prices), whole)
    group = windowed(whole, first, last)
    made = kitchen.prepared(group.doses)
    days, totals = count(group.doses, made, share)
    return Supply(
        start=first, end=last, regimens=group.regimens, patients=group.patients, share=share, days=days, totals=totals,
        not_counted=(*left_out(group, made), *group.unscheduled), open=group.open, asks=kitchen.asks(made, share), checks=kitchen.checks(made, group.doses),
        refused=group.refused, by_patient=rows_by_patient(group, made) if by_patient else None,
        outside=outside(whole, first, last),
    )  # fmt: skip


def window(start: str | date | None, end: str | date | None) -> tuple[date | None, date | None]:
    """The first and last date to count; `InputError` for a text that is no date (T01, T02) or a first after the last (T03)."""
    first, last = _day(start, "--from"), _day(end, "--to")
    if first and last and first > last:
        raise refuse("T03", f"the window begins on {first} and ends before that, on {last}", "exchange the two dates, or correct one.", "--from/--to")
    return first, last


def _day(text: str | date | None, where: str) -> date | None:
    """One end of the window."""
    if text is None or isinstance(text, date):
        return text
    try:
        return forms.read_date(text)
    except DosingError as error:
        raise error.at(where) from None
