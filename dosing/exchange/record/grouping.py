"""Patients and arms that a record tells apart, as choices of the draft and conditions on its orders.

Where a sentence on some of the patients says `the same` or `as above`, what carries over is not settled here: every
order of the patients before is asked for, one choice each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from dosing.exchange.record.findings import Group, citable
from dosing.exchange.record.merging import Entry
from dosing.exchange.record.source import Record

CHOICE, ARM = "stratum", "arm"


def _used(groups: Sequence[Group], entries: Sequence[Entry]) -> list[Group]:
    """The groups of patients; none where only one is told, as nothing then says who the others are."""
    named = {name for entry in entries for name in entry.groups} | {group.name for group in groups if group.like_above}
    found = [group for group in groups if group.name in named]
    return found if len(found) > 1 else []


def _carried(groups: Sequence[Group], entries: Sequence[Entry]) -> Iterator[tuple[Entry, Group]]:
    """Each order of an earlier group with a later one that speaks of the same treatment and does not print its dose again."""
    for n, group in enumerate(groups):
        earlier = {one.name for one in groups[:n]}
        yield from ((entry, group) for entry in entries if group.like_above and entry.groups & earlier and group.name not in entry.groups)


def _name(entry: Entry, group: Group) -> str:
    return f"{re.sub(r'[^a-z0-9_-]', '-', entry.id)}_in_{re.sub(r'[^a-z0-9_-]', '-', group.name.lower())}"


def group_choices(groups: Sequence[Group], entries: Sequence[Entry]) -> dict[str, Any]:
    """The choice of the group of patients, and one for each order that may or may not carry over to a later group."""
    used = _used(groups, entries)
    if not used:
        return {}
    choice = {"ask": "Which patients? The record tells these apart.", "options": {group.name: _meaning(group) for group in used}, "cite": {"registry": [group.phrase for group in used]}}
    return {CHOICE: choice} | {_name(entry, group): _carry_choice(entry, group) for entry, group in _carried(used, entries)}


def _meaning(group: Group) -> str:
    return re.sub(r"^(?:for|in)\s+(?:the\s+)?", "", group.phrase, flags=re.I)


def _carry_choice(entry: Entry, group: Group) -> dict[str, Any]:
    drug = entry.drug.replace("-", " ")
    said = "names it without a dose of its own" if entry.drug in group.named else "does not name it"
    return {
        "ask": f"Is {drug} given in {group.name} as printed before? The sentence on them speaks of the same treatment and {said}.",
        "when": f"{CHOICE} == {group.name}",
        "options": {"yes": f"{drug} is given in {group.name} too", "no": f"no {drug} in {group.name}"},
        "cite": {"registry": [group.words or group.phrase]},
    }


def conditions(entry: Entry, groups: Sequence[Group], entries: Sequence[Entry], record: Record) -> Any:
    """The condition of an order on the group of patients and on the arm; nothing where it stands for all."""
    used = _used(groups, entries)
    either = [f"{CHOICE} == {group.name}" for group in used if group.name in entry.groups]
    either += [f"{_name(entry, group)} == yes" for one, group in _carried(used, entries) if one is entry]
    either = [] if all(group.name in entry.groups for group in used) else either
    if len(either) > 1:
        return {"any": either, **({"all": arms} if (arms := _arms(entry, entries, record)) else {})}
    every = [*either, *_arms(entry, entries, record)]
    return every[0] if len(every) == 1 else every


def _arms(entry: Entry, entries: Sequence[Entry], record: Record) -> list[str]:
    """The conditions on the arm, all of which hold: its own one, or none of those it is not printed for."""
    mine, others = [label for label in record.arms if label in entry.arms], [label for label in record.arms if label not in entry.arms]
    if not mine or not others or not hangs_on_arms(record, entries):
        return []
    return [f"{ARM} == {_arm(record, mine[0])}"] if len(mine) == 1 else [f"{ARM} != {_arm(record, label)}" for label in others]


def _arm(record: Record, label: str) -> str:
    return f"arm-{record.arms.index(label) + 1}"


def hangs_on_arms(record: Record, entries: Sequence[Entry]) -> bool:
    """Whether an order is printed for some of the arms only."""
    return any(0 < len(entry.arms & set(record.arms)) < len(record.arms) for entry in entries)


def arm_choice(record: Record, entries: Sequence[Entry]) -> dict[str, Any]:
    """The choice of the arm: where an order hangs on it, or where the trial is masked and no print may tell it.

    A masked trial defaults to `blinded` only while no order hangs on the arm: a dose would be left out otherwise.
    """
    labels = [label for label in record.arms if citable(label)]
    hangs = hangs_on_arms(record, entries)
    if len(labels) < 2 or len(labels) != len(record.arms) or not (hangs or record.masked):
        return {}
    made: dict[str, Any] = {"ask": "Which arm? The record tells these apart.", "options": {_arm(record, label): label for label in labels}}
    if record.masked and not hangs:
        made["ask"] = "Which arm? The trial is masked; only an unblinded pharmacist names it."
        made["options"]["blinded"] = "the arm is not told"
        made |= {"default": "blinded", "blinds": "yes"}
    return {ARM: made | {"cite": {"registry": labels}}}
