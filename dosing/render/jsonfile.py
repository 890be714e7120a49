"""The schedule as JSON by the contract `dosing.schedule/1`."""

from __future__ import annotations

from json import dumps

from dosing.render.page import Sheet
from dosing.schedule import Schedule


def write(sheet: Sheet, schedule: Schedule) -> bytes:
    """`Schedule.to_dict` as indented UTF-8 JSON with a final newline."""
    return (dumps(schedule.to_dict(), indent=2, ensure_ascii=False) + "\n").encode()
