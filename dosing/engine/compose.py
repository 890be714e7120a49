"""A protocol and its blocks on one day axis; what both have in common is decided by a person or a file, never silently.

A drug in two of the files is `sum` (both are given), `replace` (those of the later file) or `keep` (those of the
earlier one): `--choose duplicate.<drug>=…`, or `duplicates` in the block. Names that mean two things are refused, and
a source whose key stands for another one already is told with the block's name before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dosing.errors import Fault, UsageError, closest
from dosing.regimen.drug import Drug
from dosing.regimen.schema import Choice, Event, NotScheduled, Order, Query, Regimen, Source

DECISIONS = {"sum": "both are given", "replace": "only that of {last}", "keep": "only that of {first}"}
PREFIX = "duplicate."


@dataclass
class Parts:
    """What a protocol and its blocks make together; `files` keeps each with the sources as they are cited."""

    files: tuple[Regimen, ...]
    choices: dict[str, Choice] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)

    @property
    def queries(self) -> list[Query]:
        """The open questions of all files."""
        return [query for file in self.files for query in file.queries]

    def left(self, orders: Mapping[str, Order]) -> list[NotScheduled]:
        """Drugs named without a dose that no order of another file gives."""
        given = {order.drug for order in orders.values()}
        return [entry for file in self.files for entry in file.not_scheduled if entry.drug not in given]


@dataclass
class Decided:
    """The orders that stand, by id; what was decided for each drug two files have; and what is still to be decided."""

    orders: dict[str, Order]
    said: dict[str, str]
    dropped: tuple[tuple[str, Order], ...]  # with the id of the file they stand in
    faults: list[Fault]


def compose(regimen: Regimen, blocks: Sequence[Regimen]) -> Parts:
    """A regimen and its blocks; `UsageError` Y08 names every choice, event and formula in which they contradict."""
    if not blocks:
        return Parts((regimen,), dict(regimen.choices), dict(regimen.events), dict(regimen.sources))
    parts, faults, files = Parts((regimen,)), [], []
    for file in (regimen, *blocks):
        faults += [fault.at(f"--with {file.id}") for fault in _clashes(parts, file, regimen)]
        cited = _own_keys(file, parts.sources)
        parts.choices |= cited.choices
        parts.events = cited.events | parts.events
        parts.sources |= cited.sources
        files.append(cited)
    if faults:
        raise UsageError(*faults)
    parts.files = tuple(files)
    ordered = {order.event for file in files for order in file.orders}
    parts.events = {name: event for name, event in parts.events.items() if name not in ordered}
    return parts


def _clashes(parts: Parts, file: Regimen, host: Regimen) -> Iterator[Fault]:
    """Where a file contradicts those before it."""
    for name in file.choices.keys() & parts.choices.keys():
        one, other = parts.choices[name], file.choices[name]
        if (one.ask, one.options) != (other.ask, other.options):
            yield Fault("Y08", f'the choice "{name}" asks "{one.ask}" in {host.id} and "{other.ask}" in {file.id}', "give the choice of the block another name.")
    before = {name: event.days for name, event in parts.events.items()} | _events(host)
    for name, days in ({name: event.days for name, event in file.events.items()} | _events(file)).items():
        if "ask" not in (days, before.get(name, days)) and before.get(name, days) != days:
            yield Fault("Y08", f'the event "{name}" stands on other days in {host.id} and in {file.id}', "give one of the two another name.")
    if file is not host and file.bsa and file.bsa != host.bsa:
        yield Fault("Y08", f"{file.id} takes the body surface by {file.bsa}, {host.id} by {host.bsa or 'the formula of the site'}", "a plan has one formula: correct one of the files.")


def _events(file: Regimen) -> dict[str, Any]:
    return {order.event: order.days for order in file.orders if order.event}


def _own_keys(file: Regimen, sources: Mapping[str, Source]) -> Regimen:
    """A file whose citations name its own sources, also where a key already stands for another one."""
    renamed = {key: f"{file.id}.{key}" for key, source in file.sources.items() if sources.get(key, source) != source}
    if not renamed:
        return file

    def told(entry: Any) -> Any:
        keyed = {name: {renamed.get(key, key): value for key, value in getattr(entry, name).items()} for name in ("cite", "instead") if hasattr(entry, name)}
        return entry.model_copy(update=keyed)

    lists = {name: tuple(map(told, getattr(file, name))) for name in ("orders", "queries", "not_scheduled")}
    named = {name: {key: told(entry) for key, entry in getattr(file, name).items()} for name in ("choices", "events")}
    return file.model_copy(update={**lists, **named, "sources": {renamed.get(key, key): source for key, source in file.sources.items()}})


def decide(parts: Parts, choose: Mapping[str, str], planned: Callable[[Order], bool], drugs: Mapping[str, Drug]) -> Decided:
    """The orders of all files after each drug that two of them have was decided; `planned` says which orders apply.

    Raises `UsageError` Y08 where two orders that stand share their id or their event.
    """
    entries = [(file.id, order) for file in parts.files for order in file.orders]
    made = Decided({}, {}, (), [])
    if len(parts.files) > 1:
        same = _families(entries, drugs)
        shared = _shared(entries, planned, same)
        for drug, files in shared.items():
            _decide(drug, files, parts, choose, made, [order for _, order in entries if same[order.drug] == drug])
        gone = {(drug, file) for drug, told in made.said.items() for file in _gone(told, shared[drug])}
        made.dropped = tuple((file, order) for file, order in entries if (same[order.drug], file) in gone)
        entries = [(file, order) for file, order in entries if (same[order.drug], file) not in gone]
    _prove_names(entries, made, planned)
    made.orders = {order.id: order for _, order in entries}
    return made


def _families(entries: Sequence[tuple[str, Order]], drugs: Mapping[str, Drug]) -> dict[str, str]:
    """Each drug under the name it is decided by: an unnamed antithymocyte globulin stands for those it may turn out to be."""
    names = {order.drug for _, order in entries}
    same = {name: name for name in names}
    for name in names:
        same |= dict.fromkeys(names & set(drugs[name].one_of), name)
    return same


def _shared(entries: Sequence[tuple[str, Order]], planned: Callable[[Order], bool], same: Mapping[str, str]) -> dict[str, list[str]]:
    """The drugs that planned orders of more than one file give, with those files in order."""
    found: dict[str, list[str]] = {}
    for file, order in entries:
        if planned(order) and file not in found.setdefault(same[order.drug], []):
            found[same[order.drug]].append(file)
    return {drug: files for drug, files in found.items() if len(files) > 1}


def _gone(told: str, files: list[str]) -> list[str]:
    return {"replace": files[:-1], "keep": files[1:]}.get(told, [])


def _decide(drug: str, files: list[str], parts: Parts, choose: Mapping[str, str], made: Decided, orders: list[Order]) -> None:
    """Note what is said for one drug, or the fault that nothing, or nothing known, is said."""
    key = PREFIX + drug
    by_file = {name: told for file in parts.files if file.id in files[1:] for name, told in file.duplicates.items()}
    blocks = [order for file in parts.files if file.id in files[1:] for order in file.orders if order in orders]
    told = choose.get(key) or by_file.get(drug) or ("sum" if all(order.sum for order in blocks) else "")
    if told in DECISIONS:
        made.said[drug] = told
        return
    options = ", ".join(f"{name} ({why.format(first=files[0], last=files[-1])})" for name, why in DECISIONS.items())
    what = f'"{told[:40]}" is no option' if told else f"{drug} is given in {' and in '.join(files)}; nothing says whether both are meant"
    made.faults.append(Fault("Y08", what, f"add --choose {key}={'|'.join(DECISIONS)}: {options}.", f"choice {key}"))


def _prove_names(entries: Sequence[tuple[str, Order]], made: Decided, planned: Callable[[Order], bool]) -> None:
    """Refuse two orders of one id, and two planned ones of one event; while a drug is undecided its orders are let be."""
    if made.faults:
        return
    found = []
    for what, names in (("order", [(order.id, file) for file, order in entries]), ("event", [(order.event, file) for file, order in entries if order.event and planned(order)])):
        for name, count in Counter(name for name, _ in names).items():
            files = list(dict.fromkeys(file for one, file in names if one == name))
            if count > 1 and len(files) > 1:
                cure = "replace or keep one of the two drugs, or give the block's another name."
                found.append(Fault("Y08", f'the {what} "{name}" stands in {" and in ".join(files)}', cure, f"--with {files[-1]}"))
    if found:
        raise UsageError(*found)


def unknown(choose: Mapping[str, str], made: Decided) -> list[Fault]:
    """A fault for every decision on a drug that no two files share."""
    undecided = {fault.where.removeprefix("choice ") for fault in made.faults}
    known = {PREFIX + drug for drug in made.said} | undecided
    return [Fault("Y08", f"no two files give {name.removeprefix(PREFIX)}", closest(name, known) if known else "leave it out.", f"choice {name}")
            for name in choose if name.startswith(PREFIX) and name not in known]  # fmt: skip
