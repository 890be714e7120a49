"""Courses of any size for the tests of `dosing.render`: some administrations on some days, names short or long."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from schedules import ATG_BLOCK, CREATININE, NAMES, NOTES, administration, order_row, schedule_of, total

from dosing.schedule import Administration, Schedule

ORDERS = ("flu", "cy", "atg", "bu", "msc")  # atg is held, msc counts cells
LONG = {
    "flu": "a drug with a very long name that wraps, and wraps, in every column it is put in",
    "cy": "pneumonoultramicroscopicsilicovolcanoconiosumab",
    "atg": "anti-thymocyte immunoglobulin from rabbits, of the second maker, lyophilised powder",
}
ZH = {"flu": "氟达拉滨", "cy": "环磷酰胺", "atg": "抗胸腺细胞球蛋白", "bu": "白消安", "msc": "脐带间充质干细胞"}


def course(count: int, columns: int, long: bool = False, locale: str = "en-GB", dated: bool = True, **changed: Any) -> Schedule:
    """`count` administrations spread over `columns` days that end ten days after day 0, from five orders in turn."""
    orders = [ORDERS[n % len(ORDERS)] for n in range(count)]
    sums, seen = Counter(orders), Counter()
    rows: list[Administration] = []
    for n, order in enumerate(orders):
        seen[order] += 1
        day = min(columns, 11) - columns + n * columns // count
        rows.append(administration(order, seen[order], sums[order], day, f"{n * 7 % 24:02d}:{n * 13 % 60:02d}", dated))
    made = schedule_of(_numbered(rows), (ATG_BLOCK, CREATININE, *NOTES), dated, locale=locale, **changed)
    totals = tuple(total(order, sums[order]) for order in dict.fromkeys(orders))
    return replace(made, orders=tuple(_named(order, long) for order in dict.fromkeys(orders)), totals=totals)


def _numbered(rows: list[Administration]) -> list[Administration]:
    """The rows in time order, each order's doses numbered in it."""
    seen: Counter[str] = Counter()
    made = []
    for row in sorted(rows, key=lambda row: (row.day, row.seconds or 0, row.offset)):
        seen[row.order] += 1
        made.append(row._replace(number=seen[row.order]))
    return made


def _named(order: str, long: bool) -> dict[str, Any]:
    name = LONG.get(order, NAMES[order]) if long else NAMES[order]
    return {**order_row(order), "names": {"en-GB": name, "en-US": name, "zh": ZH[order]}, "tall_man": {}}
