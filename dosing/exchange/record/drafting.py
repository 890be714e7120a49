"""What was read of a record as the data of a regimen file, and what a person must decide before it is one.

Nothing is filled in: a dose or days that the record leaves open are `ask`, patients or arms told apart are choices, a
doubt is a query, a drug without a dose is not scheduled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dosing import forms
from dosing.errors import InputError
from dosing.exchange.record.findings import Finding, Flag, Line, Read, citable
from dosing.exchange.record.grouping import arm_choice, conditions, group_choices
from dosing.exchange.record.mentions import routes
from dosing.exchange.record.merging import Entry, merge
from dosing.exchange.record.source import Record
from dosing.regimen.drug import Drug
from dosing.regimen.rules import numbers

MACHINE = "Machine-made draft, to be read against the record by a person"
GIVEN = re.compile(r"\b(?:administration|infusions?|transfusions?|injections?|transplantation|efficacy|safety)\b", re.I)
WEIGHT = re.compile(r"[^.;]{0,40}\b(?:ideal|adjusted|actual|lean)\s+(?:body\s+)?weight\b", re.I)
SURFACE = re.compile(r"mosteller|du\s?bois|haycock", re.I)


@dataclass
class Sheet:
    """A draft in the making: its orders, the data of the file, and the lines of the summary."""

    record: Record
    read: Read
    drugs: Mapping[str, Drug]
    day_read: str
    entries: list[Entry] = field(default_factory=list)
    unread: list[Line] = field(default_factory=list)
    decide: list[Line] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    demoted: dict[tuple[str, str], str] = field(default_factory=dict)  # an order's key that the rules refuse, and why

    def __post_init__(self) -> None:
        self._gather()

    def _gather(self) -> None:
        """The orders of every drug with a dose, the graft, and where no dose is printed at all the drugs of the treatment."""
        for drug in dict.fromkeys(one.drug for one in self.read.findings):
            entries, repeated = merge([one for one in self.read.findings if one.drug == drug])
            self.entries += entries
            self.unread += repeated
        graft = next((one for one in self.read.named if self._is_graft(one)), None)
        if graft and self.entries and not any(self.drugs[one.drug].kind == "graft" for one in self.entries):
            self.entries.append(_graft(graft))
        if not self.entries:
            self.entries = [_asked(one) for one in self._treatment()]
        self._name()
        self._anchor()

    def _is_graft(self, one: Finding) -> bool:
        return self.drugs[one.drug].kind == "graft" and one.days is not None and len(one.days) == 1

    def _treatment(self) -> list[Finding]:
        """The drugs that the title, the summary or the list of interventions name as what is given, each once."""
        told = [one for one in self.read.named if one.part == "name" or (one.part in ("title", "summary") and GIVEN.search(one.phrases[0]))]
        first = sorted(told, key=lambda one: one.part == "title")  # the summary says more than the title
        return list({one.drug: one for one in reversed(first)}.values())[::-1]

    def _name(self) -> None:
        """Short ids by the drug's own abbreviation, numbered where a drug has several orders."""
        for entry in self.entries:
            drug = self.drugs[entry.drug]
            short = (drug.abbreviations[0] if drug.abbreviations else drug.id).lower()
            several = [one for one in self.entries if one.drug == entry.drug]
            entry.id = f"{short}{several.index(entry) + 1}" if len(several) > 1 else short
            if drug.kind == "graft" and len(several) == 1:
                entry.event = entry.id
        ids = [entry.id for entry in self.entries]
        for entry in self.entries:
            entry.id = entry.drug if ids.count(entry.id) > 1 else entry.id

    def _anchor(self) -> None:
        """Turn `4 h before` a graft into a time that hangs on its order, on its day; any other is told and left to a person."""
        for entry in self.entries:
            event = next((one for one in self.entries if one.drug == entry.anchor and one.event), None)
            if entry.at and event:
                entry.at += event.event
                if entry.days is None and not entry.days_why.startswith('"'):
                    entry.days, entry.days_why = event.days, event.days_why
            elif entry.at:
                self.unread.append(Line(entry.where, entry.phrases[0], f"the time {entry.at}{entry.anchor} hangs on no event of the draft"))
                entry.at = ""

    def data(self) -> dict[str, Any]:
        """The regimen as nested texts, in the order of a regimen file."""
        self.queries = [self._unread(), *(query for entry in self.entries for query in self._queries(entry))]
        choices = {**group_choices(self.read.groups, self.entries), **arm_choice(self.record, self.entries)}
        made = {
            "id": self.record.id.lower() or "draft",
            "version": "1", "status": "draft", "title": self._title(), "trial": "yes", "day0": self._day0(), "ages": self._ages(),
            "sources": {"registry": self._source()},
            "choices": choices, "orders": [self._order(entry) for entry in self.entries], "queries": self.queries,
            "not-scheduled": list(self._not_scheduled()) if self.read.findings else [], "silent": list(self._silent()),
        }  # fmt: skip
        return {key: value for key, value in made.items() if value or key == "orders"}

    def _title(self) -> str:
        title = self.record.title[:500] or f"trial record {self.record.id}"
        return f"{MACHINE}: {title}" if citable(title) else f"{MACHINE}: trial record {self.record.id}"

    def _day0(self) -> str:
        graft = next((entry for entry in self.entries if entry.event and entry.days == (0,)), None)
        return f'the day that the record calls day 0 ("{graft.phrases[0]}")'[:600] if graft else "the day that the record calls day 0; it does not say which, a person must"

    def _ages(self) -> str:
        found = [re.fullmatch(r"(\d+) [Yy]ears?", age) for age in self.record.ages]
        return f"{found[0][1]}..{found[1][1]} y" if found[0] and found[1] and int(found[0][1]) < int(found[1][1]) else ""

    def _source(self) -> dict[str, str]:
        number, updated = self.record.id or self.record.title[:80], self.record.updated
        made = {"id": number, "title": f"Trial record {number}{f', updated {updated}' if updated else ''}"}
        if number.startswith("NCT"):
            made["address"] = f"https://clinicaltrials.gov/study/{number}"
        return made | ({"read": self.day_read or updated} if _is_date(self.day_read or updated) else {})

    def _order(self, entry: Entry) -> dict[str, Any]:
        dose = self._open(entry, "dose", "not given" if entry.open else dose_text(entry.dose) if entry.dose else "ask")
        made = {
            "id": entry.id, "drug": entry.drug, "when": conditions(entry, self.read.groups, self.entries, self.record),
            "dose": dose, "days": self._open(entry, "days", forms.say_days(entry.days) if entry.days else "ask"),
            "at": self._open(entry, "at", entry.at, ""),
            "first": "ask" if entry.dose and entry.dose.every and dose != "ask" else "",
            "event": entry.event, "over": self._open(entry, "over", entry.over, ""), "route": entry.route, "product": self._open(entry, "product", entry.product, ""),
            "weight": "unspecified", "cite": {"registry": entry.phrases}, "note": self._note(entry),
        }  # fmt: skip
        return {key: value for key, value in made.items() if value}

    def _open(self, entry: Entry, key: str, value: str, instead: str = "ask") -> str:
        """A value, or what stands instead where the rules of the house refuse it."""
        return instead if (entry.id, key) in self.demoted else value

    def reasons(self, entry: Entry) -> list[str]:
        """Why the dose, the days or another key of an order are open."""
        return [*filter(None, (entry.why, entry.days_why if entry.days is None else "")), *(why for (order, _), why in self.demoted.items() if order == entry.id)]

    def _note(self, entry: Entry) -> str:
        """What the file itself says of an open dose or days; a reason that prints numbers of its own stands in the summary only."""
        told = [reason for reason in self.reasons(entry) if numbers(reason) <= numbers(" ".join([entry.printed, *entry.phrases]))]
        printed = [f'The record prints "{entry.printed}".'] if entry.printed and (entry.dose is None or (entry.id, "dose") in self.demoted) else []
        note = " ".join([*printed, *(f"{reason[0].upper()}{reason[1:]}." for reason in told)])
        return note if citable(note) else ""

    def _unread(self) -> dict[str, Any]:
        """The question that holds every plan of the draft until a person has read it: who did, against which record."""
        cite = self.record.id or self.entries[0].phrases[0]
        ask = "A machine made this regimen out of the record's text. Who read every line, day and phrase against the record? Answer, or delete this question once it is done."
        return {"id": "draft.read", "code": "draft.unread", "ask": ask, "cite": {"registry": [cite]}}

    def _queries(self, entry: Entry) -> Iterator[dict[str, Any]]:
        alike = [one for one in self.entries if one.drug == entry.drug and one.arms == entry.arms and one.groups == entry.groups]
        several = len(alike) > 1 and alike[0] is entry
        told = [Flag("doses", "source.silent", f"The record prints several doses of {entry.drug} on different days. Is each read for the right days?", entry.phrases[0])] if several else []
        known = {group.name for group in self.read.groups}
        if len(known) == 1 and entry.groups:
            phrase = self.read.groups[0].phrase
            told.append(Flag("patients", "source.silent", "The record says this of some of the patients only. For whom is it?", phrase))
        told += self._beside(entry)
        for flag in {flag.id: flag for flag in (*entry.flags, *told)}.values():
            if citable(flag.phrase):
                yield {"id": f"{entry.id}.{flag.id}", "order": entry.id, "code": flag.code, "ask": flag.ask, "cite": {"registry": [flag.phrase]}}

    def _beside(self, entry: Entry) -> list[Flag]:
        """The questions that doses raise which stand near those of a drug and are no order: limits, totals, reduced doses."""
        phrases = dict.fromkeys(phrase for drug, phrase in self.read.beside if drug == entry.drug)
        ask = f"The record prints a further dose, limit or total here. Does it alter this order of {entry.drug}?"
        return [Flag(f"beside{n}", "source.silent", ask, phrase) for n, phrase in enumerate(phrases, 1)]

    def _not_scheduled(self) -> Iterator[dict[str, Any]]:
        """Drugs that the treatment names without a dose; cells and grafts without one stand in the summary only."""
        ordered = {entry.drug for entry in self.entries}
        ordered |= {one for drug in ordered for one in self.drugs[drug].one_of} | {drug.id for drug in self.drugs.values() if ordered & set(drug.one_of)}
        first: dict[str, Finding] = {}
        for one in self.read.named:
            first.setdefault(one.drug, one)
        places = {line.where for line in self.read.left_over}
        unsure = {one.drug for one in self.read.named if one.where in places}
        for one in first.values():
            if one.drug not in ordered and self.drugs[one.drug].kind not in ("cells", "graft"):
                reason = "a dose is printed near it and was not read as its own" if one.drug in unsure else "dose not given in source"
                yield {"drug": one.drug, "reason": reason, "cite": {"registry": list(one.phrases)}}

    def _silent(self) -> Iterator[str]:
        """What no sentence of the treatment was found to say."""
        text = " ".join(passage.text for passage in self.record.passages)
        without = [entry.drug.replace("-", " ") for entry in self.entries if not entry.route]
        yield from ([f"routes of {', '.join(dict.fromkeys(without))}"] if without else [])
        yield from (["infusion durations"] if not any(entry.over for entry in self.entries) else [])
        yield from (["dosing weight"] if not WEIGHT.search(text) else [])
        yield from (["BSA formula"] if any(entry.dose and entry.dose.per == "m2" for entry in self.entries) and not SURFACE.search(text) else [])


def dose_text(dose: forms.Dose) -> str:
    """A dose as the file writes it: the canonical text, with grams kept as grams."""
    if dose.unit != "g":
        return dose.text
    ends = ".." if dose.is_range and dose.low != dose.high else ""
    return f"{forms.plain(dose.low)}{ends}{forms.plain(dose.high) if ends else ''} g{dose.text.partition(' mg')[2]}"


def _is_date(text: str) -> bool:
    try:
        return bool(forms.read_date(text))
    except InputError:
        return False


def _graft(one: Finding) -> Entry:
    entry = Entry.of(one)
    entry.open, entry.days_why = True, ""
    return entry


def _asked(one: Finding) -> Entry:
    entry = Entry.of(one)
    entry.why, entry.days_why = "no dose is printed", "no days are printed" if one.days is None else ""
    found = routes(one.phrases[0])
    entry.route = entry.route or (found.pop() if len(found) == 1 else "")
    return entry
