"""What a person typed into the form, and the plan it asks for: the form's names are those of `plan()`, nothing is worked out here.

A field is called by the place a refusal names: `patient: weight` is `patient.weight`, `choice cy.dose` is `choice.cy.dose`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dosing.engine.settle import Change
from dosing.errors import DosingError, Fault, InputError, UsageError, closest
from dosing.patient import Patient, When
from dosing.planning import plan
from dosing.planning.asking import Ask, asks
from dosing.regimen.library import Library
from dosing.regimen.schema import Regimen
from dosing.schedule import Schedule

Pairs = Sequence[tuple[str, str]]
CHANGE, ANSWER = ("key", "to", "by", "reason", "second"), ("id", "answer", "by")
BATCH = ("by", "reason", "second")  # said once below the cards of a schedule, for every row that names nobody
PLAIN = ("day0", "zone", "bsa", "locale", "rounding", "printed_at")
T = TypeVar("T")


@dataclass(frozen=True)
class Typed:
    """The texts of one form: single ones by name, blocks and weight rules, rows of changes and of answers."""

    texts: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()
    weight_rules: tuple[str, ...] = ()
    changes: tuple[dict[str, str], ...] = ()
    answers: tuple[dict[str, str], ...] = ()

    @classmethod
    def of(cls, pairs: Pairs) -> Typed:
        """The form as it was sent; empty fields and empty rows are left out, a row that names nobody takes who and why of the batch."""
        sent = [(name, text.strip(" \t\r\n")) for name, text in pairs]
        texts = {name: text for name, text in sent if text}
        single = {name: text for name, text in texts.items() if name.startswith(("patient.", "choice.", "time.")) or name in PLAIN}
        several = {name: tuple(dict.fromkeys(text for key, text in sent if key == name and text)) for name in ("block", "weight_rule")}
        rows = [tuple(_rows(texts, kind, keys, content)) for kind, keys, content in (("set", CHANGE, ("key", "to")), ("answer", ANSWER, ("answer",)))]
        return cls(single, several["block"], several["weight_rule"], rows[0], rows[1])

    def pairs(self) -> list[tuple[str, str]]:
        """The form again, as names and texts."""
        rows = [(f"{kind}.{n}.{key}", text) for kind, some in (("set", self.changes), ("answer", self.answers)) for n, row in enumerate(some) for key, text in row.items()]
        return [*self.texts.items(), *(("block", one) for one in self.blocks), *(("weight_rule", one) for one in self.weight_rules), *rows]

    def group(self, name: str) -> dict[str, str]:
        """The texts of one group by their own names: `patient`, `choice`, `time`."""
        return {key.removeprefix(f"{name}."): text for key, text in self.texts.items() if key.startswith(f"{name}.")}

    def field_of(self, where: str) -> str:
        """The field that a refusal speaks of, by the place it names; empty where it is none."""
        for mark, rows, key, kind in (("--set ", self.changes, "key", "set.{}.to"), ("--answer ", self.answers, "id", "answer.{}.answer")):
            if where.startswith(mark):
                name = where.removeprefix(mark).partition(":")[0]
                return next((kind.format(n) for n, row in enumerate(rows) if row[key] == name), "")
        named = {"--with": "block", "weight rule": "weight_rule"}
        return next((told for lead, told in named.items() if where.startswith(lead)), where.replace(": ", ".", 1).replace(" ", ".", 1))


def _rows(texts: Mapping[str, str], kind: str, keys: tuple[str, ...], content: tuple[str, ...]) -> Iterable[dict[str, str]]:
    """The rows of a kind in the order they stand in; a row with none of its `content` was not used."""
    numbers = sorted({int(part) for name in texts if name.startswith(f"{kind}.") and (part := name.split(".")[1]).isdigit()})
    for number in numbers:
        row = {key: texts.get(f"{kind}.{number}.{key}", "") for key in keys}
        if any(row[key] for key in content):
            yield row if row["by"] else {key: text or (texts.get(key, "") if key in BATCH else "") for key, text in row.items()}


def known(shelf: Library, name: str) -> Regimen:
    """A regimen or block of the library by id or id@version, never by a path; `UsageError` with the nearest name otherwise."""
    if name.partition("@")[0] not in shelf.regimens or "/" in name or "\\" in name or name.endswith((".yaml", ".yml", ".json")):
        raise UsageError(Fault("R05", f'there is no regimen "{name[:60]}"', closest(name, shelf.regimens), "regimen"))
    return shelf.regimen(name)


def asked(regimen: Regimen, typed: Typed, shelf: Library) -> tuple[Ask, ...]:
    """What the regimen with the blocks of the form asks for."""
    return asks(regimen, [known(shelf, name) for name in typed.blocks], shelf, typed.texts.get("bsa", ""))


def planned(regimen: Regimen, typed: Typed, shelf: Library, folders: tuple[str, ...]) -> Schedule:
    """The schedule that a form asks for; a `DosingError` tells every fault of the form at once."""
    found: list[Fault] = []
    day0, zone, times = typed.texts.get("day0"), typed.texts.get("zone"), typed.group("time")
    patient = _tried(lambda: Patient(**typed.group("patient")), found)
    read = _tried(lambda: When.of(day0, zone or shelf.site.zone, times), found)
    try:  # what cannot be read is told already: the rest is planned without it, for its own faults
        schedule = _plan(regimen, patient or Patient(), typed, shelf, folders, {"day0": day0, "zone": zone, "times": times} if read else {})
    except DosingError as error:
        raise type(error)(*found, *(fault for fault in error.faults if _is_news(fault, found, typed))) from None
    if found:
        raise InputError(*found)
    return schedule


def _plan(regimen: Regimen, patient: Patient, typed: Typed, shelf: Library, folders: tuple[str, ...], when: Mapping[str, Any]) -> Schedule:
    told = typed.texts
    return plan(
        regimen, patient, **when, choose=typed.group("choice"), bsa=told.get("bsa"), set=[Change(**_keyed(row)) for row in typed.changes],
        answer=list(typed.answers), blocks=[known(shelf, name) for name in typed.blocks], library=folders, printed_at=told.get("printed_at", ""),
        locale=told.get("locale", ""), weight_rule=typed.weight_rules, rounding=told.get("rounding", ""),
    )  # fmt: skip


def _keyed(row: Mapping[str, str]) -> dict[str, Any]:
    return {"value" if key == "to" else key: text for key, text in row.items()}


def _is_news(fault: Fault, found: Sequence[Fault], typed: Typed) -> bool:
    """Whether a fault is none of those found before it; what was typed and could not be read is not missing beside that."""
    if not fault.where:
        return True
    unread = fault.code == "P05" and typed.field_of(fault.where) in typed.texts
    return not unread and fault.where not in {one.where for one in found}


def _tried(work: Callable[[], T], found: list[Fault]) -> T | None:
    try:
        return work()
    except DosingError as error:
        found.extend(error.faults)
        return None
