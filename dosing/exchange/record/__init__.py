"""A trial record in: the text a registry prints becomes a draft regimen, each number with its phrase.

`source` cuts a record into passages, `names` and `mentions` see drugs, doses and days in them, `pairing` gives a dose its
drug and its days where one reading is left, `reading` collects findings, `merging` makes orders of them, `grouping` and
`drafting` the data of a file, `writing` its text. The draft is read back through the loader and the rules before it is
handed over: what they refuse is asked for instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dosing.errors import Fault, RegimenError, refuse
from dosing.exchange.record.drafting import MACHINE, Sheet
from dosing.exchange.record.findings import Line
from dosing.exchange.record.names import finder
from dosing.exchange.record.reading import read_passages
from dosing.exchange.record.source import Record, read_source
from dosing.exchange.record.writing import to_yaml
from dosing.regimen.library import Library, library

__all__ = ["Draft", "Line", "read_record"]

KEYS = ("dose", "days", "at", "over", "product")  # of an order: what is asked for, or left out, where the rules refuse it


@dataclass(frozen=True)
class Draft:
    """A draft regimen out of a record: its text and data, and what was read, not read, left over, and is to be decided.

    `faults` are those of the draft that only a person can mend; it is empty for a draft that loads.
    """

    id: str
    text: str
    regimen: dict[str, Any]
    read: tuple[Line, ...]
    unread: tuple[Line, ...]
    left_over: tuple[Line, ...]
    decide: tuple[Line, ...]
    faults: tuple[Fault, ...]

    def to_dict(self) -> dict[str, Any]:
        """The summary and the data as plain JSON values."""
        told = {name: [line.to_dict() for line in getattr(self, name)] for name in ("read", "unread", "left_over", "decide")}
        return {"id": self.id, "status": "draft", **told, "faults": [fault.to_dict() for fault in self.faults], "regimen": self.regimen}


def read_record(text: str, day_read: str = "", folders: Iterable[str] = ()) -> Draft:
    """A draft regimen out of a trial record: its text, or the JSON of one study of the ClinicalTrials.gov v2 interface.

    `day_read` (YYYY-MM-DD) is the day a person read the record; without it the record's own date of update stands there.
    `folders` are laid over the shipped library, whose drug files give the names. Nothing is guessed: what is open is
    asked for in the draft and listed in it. Raises `InputError` (exit 4) with every reason when no order can be read.
    """
    shelf = library(tuple(folders))
    record = read_source(text)
    drugs = dict(shelf.drugs)
    read = read_passages(record.passages, drugs, finder(drugs))
    sheet = Sheet(record, read, drugs, day_read)
    if not sheet.entries:
        raise _nothing(sheet)
    data, made, faults = _settled(sheet, shelf)
    return Draft(data["id"], made, data, tuple(_told(sheet, data)), tuple(_unread(sheet, data)), tuple(read.left_over), tuple(_decisions(sheet, data)), faults)


def _settled(sheet: Sheet, shelf: Library) -> tuple[dict[str, Any], str, tuple[Fault, ...]]:
    """The data and the text of the draft, read back until the rules refuse nothing more that can be asked for instead."""
    while True:
        data = sheet.data()
        made = to_yaml(data, _head(sheet.record))
        faults = _faults(made, shelf)
        new = {key: fault.what for fault in faults if (key := _place(fault)) and key not in sheet.demoted}
        if not new:
            return data, made, faults
        sheet.demoted |= new


def _faults(made: str, shelf: Library) -> tuple[Fault, ...]:
    try:
        shelf.parse(made.encode(), "draft.yaml")
    except RegimenError as error:
        return error.faults
    return ()


def _place(fault: Fault) -> tuple[str, str] | None:
    """The order and the key that a fault of the draft stands at, where that key can be asked for."""
    found = re.search(rf": orders\.(.+)\.({'|'.join(KEYS)})$", fault.where)
    return (found[1], found[2]) if found else None


def _head(record: Record) -> list[str]:
    number = record.id or "a record without a registry number"
    return [f"{MACHINE} ({number}).", "Nothing here was checked by a person. Read each line and each quoted phrase against the record, settle what is", "asked (ask, choices, queries), add what the record prints and this draft has not, then delete these lines."]


def _nothing(sheet: Sheet) -> Exception:
    """The refusal of a record that gives no order, with every dose that was seen and why it is none."""
    seen = [Fault("R05", f'{line.where}: "{line.phrase}" was seen: {line.says}', "write the regimen by hand.", "record") for line in sheet.read.left_over]
    error = refuse("R05", "no drug of the library with a dose, and no drug of the treatment, was found in the record", "import the arms, interventions and description of one study, or write the regimen by hand.", "record")
    return type(error)(*error.faults, *seen)


def _told(sheet: Sheet, data: dict[str, Any]) -> Iterable[Line]:
    """Every order: from which line, by which phrases, as what."""
    for entry, order in zip(sheet.entries, data["orders"], strict=True):
        shown = ", ".join(f"{key} {order[key]}" for key in ("dose", "days", "at", "over", "route", "product") if key in order)
        yield Line(entry.where, "; ".join(entry.phrases), f"{entry.id}: {entry.drug}, {shown}")
    if ages := data.get("ages"):
        yield Line("", " to ".join(sheet.record.ages), f"ages: {ages}")


def _unread(sheet: Sheet, data: dict[str, Any]) -> Iterable[Line]:
    """What stands in the record and could not be read, with the reason."""
    for entry in sheet.entries:
        yield from (Line(entry.where, entry.printed or entry.phrases[0], f"{entry.id}: {why}") for why in sheet.reasons(entry))
    yield from sheet.unread
    yield from _unplaced(sheet, data)


def _unplaced(sheet: Sheet, data: dict[str, Any]) -> Iterable[Line]:
    """Drugs that the treatment names and that stand nowhere in the draft, each once."""
    reasons = {row["drug"]: row["reason"] for row in data.get("not-scheduled", [])}
    placed = {row["drug"] for row in data["orders"]}
    told: set[str] = set()
    for one in sheet.read.named:
        if one.drug not in placed | told:
            told.add(one.drug)
            yield Line(one.where, one.phrases[0], f"names {one.drug}, not scheduled: {reasons[one.drug]}" if one.drug in reasons else f"names {one.drug} without a dose; it stands nowhere in the draft")


def _decisions(sheet: Sheet, data: dict[str, Any]) -> Iterable[Line]:
    """What a person must decide or look at before the draft is a regimen, in the words and keys of the file."""
    for entry, row in zip(sheet.entries, data["orders"], strict=True):
        for key in ("dose", "days"):
            if row[key] == "ask" or (key == "dose" and entry.dose and entry.dose.is_range):
                yield Line(entry.where, entry.phrases[0], f'--choose {entry.id}.{key}="…", or write it in the file')
        if "first" in row:
            yield Line(entry.where, entry.phrases[0], f"--time {entry.id}=HH:MM, the first hour; the record prints none")
    for name, choice in data.get("choices", {}).items():
        yield Line("", "; ".join(choice["cite"]["registry"]), f"--choose {name}={'|'.join(choice['options'])}: {choice['ask']}{' (default ' + choice['default'] + ')' if 'default' in choice else ''}")
    yield from (Line("", query["cite"]["registry"][0], f"--answer {query['id']}=…: {query['ask']}") for query in data.get("queries", []))
    yield from _header(sheet, data)


def _header(sheet: Sheet, data: dict[str, Any]) -> Iterable[Line]:
    """What the head of the file needs: the day the record was read, its number, its ages."""
    source = data["sources"]["registry"]
    if not sheet.day_read and "read" in source:
        yield Line("", source["read"], "sources.registry.read is the record's own date of update: write the day you read it (--read)")
    if not sheet.record.id:
        yield Line("", "", "no registry number was found: write id and sources.registry.id")
    if any(sheet.record.ages) and "ages" not in data:
        yield Line("", " to ".join(filter(None, sheet.record.ages)), "ages: only a lowest and a highest age in years can stand in the file")
    if len(sheet.record.arms) > 1 and "arm" not in data.get("choices", {}):
        yield Line("", "; ".join(sheet.record.arms), "no dose was found to differ between these arms: read that it is so")
