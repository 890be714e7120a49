"""Proof of a regimen file: its form and rules, its worked examples, and each printed phrase in the source record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dosing.errors import DosingError, Fault
from dosing.patient import Patient
from dosing.planning import plan
from dosing.regimen.library import Library, library
from dosing.regimen.schema import Example, Regimen
from dosing.schedule import Schedule


@dataclass
class Proof:
    """What was proved of one regimen, and every fault found."""

    id: str
    version: str = ""
    sha256: str = ""
    examples: int = 0
    phrases: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """The proof as plain JSON values."""
        return {"id": self.id, "version": self.version, "sha256": self.sha256, "ok": self.holds, "examples": self.examples,
                "phrases": self.phrases, "errors": [fault.to_dict() for fault in self.faults]}  # fmt: skip


def check(name: str | Path, against: str | Path | None = None, folders: tuple[str, ...] = ()) -> Proof:
    """Prove one regimen: schema and rules, worked examples through `plan()`, and with `against` its printed phrases.

    Never raises for a wrong file: the faults are in the proof. Raises `UsageError` for an unknown id.
    """
    shelf = library(folders)
    try:
        regimen = shelf.regimen(name)
    except DosingError as error:
        if error.exit_code != 3:
            raise
        return Proof(str(name), faults=list(error.faults))
    proof = Proof(regimen.id, regimen.version, regimen.sha256)
    for number, example in enumerate(regimen.examples, 1):
        proof.faults += _example(regimen, example, f"{regimen.path}: examples.{number}", shelf, folders)
        proof.examples += 1
    if against:
        proof.phrases = _against(regimen, Path(against), proof.faults)
    return proof


def _example(regimen: Regimen, example: Example, where: str, shelf: Library, folders: tuple[str, ...]) -> list[Fault]:
    """The expected figures of one worked example that do not come out."""
    zone = example.zone
    try:
        schedule = plan(*_host(regimen), Patient(**example.patient), day0=example.day0, zone=zone, times=example.times,
                        choose=example.choose, blocks=[regimen] if regimen.kind == "block" else [], library=folders)  # fmt: skip
    except DosingError as error:
        return list(error.at(where).faults)
    wrong = []
    for key, expected in example.expect.items():
        found = figure(schedule, key)
        if found != expected:
            wrong.append(Fault("E02", f"{key} is {found}, the example says {expected}", "recalculate by hand; correct the example or the regimen.", where))
    return wrong


def _host(regimen: Regimen) -> tuple[Regimen]:
    """The regimen itself; a block stands on a protocol without orders."""
    if regimen.kind == "protocol":
        return (regimen,)
    return (regimen.model_copy(update={"orders": (), "queries": (), "sha256": regimen.sha256 + "-host", "examples": (), "choices": {}}),)


def figure(schedule: Schedule, key: str) -> str:
    """One figure of a schedule by the key of an example: `flu`, `flu.total`, `atg.calculated`, `msc.start`, `bsa`."""
    name, _, what = key.partition(".")
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


def _against(regimen: Regimen, record: Path, faults: list[Fault]) -> int:
    """How many printed phrases of the record's source were found in it; a missing one is a fault."""
    try:
        text = flat(record.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault("R05", f"the record cannot be read ({error})", "check its name.", str(record.name)))
        return 0
    keys = [key for key, source in regimen.sources.items() if source.id in text]
    if not keys:
        faults.append(Fault("R08", "no source of this regimen is named in the record", "name the record of one of its sources.", record.name))
    found = 0
    for where, key, phrase in _phrases(regimen):
        if key in keys and flat(phrase) in text:
            found += 1
        elif key in keys:
            faults.append(Fault("R08", f'the phrase "{phrase}" is not in {record.name}', "quote it as printed.", f"{regimen.path}: {where}"))
    return found


def _phrases(regimen: Regimen) -> Iterator[tuple[str, str, str]]:
    """Every cited phrase as (where, source key, phrase)."""
    entries = [(order.id, order.cite) for order in regimen.orders] + [(query.id, query.cite) for query in regimen.queries]
    entries += [(name, choice.cite) for name, choice in regimen.choices.items()] + [(entry.drug, entry.cite) for entry in regimen.not_scheduled]
    for where, cite in entries:
        for key, phrases in cite.items():
            for phrase in phrases:
                yield where, key, phrase


def flat(text: str) -> str:
    """A text with every run of blanks as one blank, and escapes of registry copies undone."""
    return re.sub(r"\s+", " ", text.replace("\\>", ">").replace("\\<", "<").replace("\\^", "^").replace("\\[", "[").replace("\\]", "]"))
