"""The worked examples of a regimen file: calculated by hand or by the source, and what this program makes of them."""

from __future__ import annotations

from typing import Any

from dosing.errors import DosingError, Fault
from dosing.patient import Patient
from dosing.planning import plan
from dosing.regimen.schema import Example, Regimen
from dosing.schedule import Schedule


def example_faults(regimen: Regimen, example: Example, where: str, folders: tuple[str, ...]) -> list[Fault]:
    """The expected figures of one worked example that do not come out."""
    try:
        schedule = plan(host(regimen), Patient(**example.patient), day0=example.day0, zone=example.zone, times=example.times,
                        choose=example.choose, blocks=[regimen] if regimen.kind == "block" else [], library=folders)  # fmt: skip
    except DosingError as error:
        return list(error.at(where).faults)
    wrong = []
    for key, expected in example.expect.items():
        found = figure(schedule, key)
        if found != expected:
            wrong.append(Fault("E02", f"{key} is {found}, the example says {expected}", "recalculate by hand; correct the example or the regimen.", where))
    return wrong


def host(regimen: Regimen) -> Regimen:
    """The regimen itself; a block stands on a protocol without orders."""
    if regimen.kind == "protocol":
        return regimen
    empty: dict[str, Any] = {"orders": (), "queries": (), "examples": (), "choices": {}, "events": {}, "duplicates": {}, "not_scheduled": (), "silent": ()}
    return regimen.model_copy(update={**empty, "sha256": regimen.sha256 + "-host"})


def figure(schedule: Schedule, key: str) -> str:
    """One figure of a schedule by the key of an example: `flu`, `flu.total`, `atg.calculated`, `msc.start`, `bsa`."""
    name, _, what = key.rpartition(".") if key.rpartition(".")[2] in ("total", "start", "doses", "calculated") else (key, "", "")
    if key in schedule.metrics:
        return f"{schedule.metrics[key]['value']} {schedule.metrics[key]['unit']}"
    if what == "total":
        total = next((total for total in schedule.totals if total.order == name), None)
        return _plain(total.amount) if total and total.amount else "held"
    rows = [row for row in schedule if row.order == name]
    if not rows:
        return "not scheduled"
    if what == "start":
        return rows[0].to_dict()["start"] or rows[0].offset
    if what == "doses":
        return str(len(rows))
    return _plain(rows[0].calculated if what == "calculated" else rows[0].amount)


def _plain(amount: Any) -> str:
    return f"{amount.value} {amount.unit}" if amount else "held"
