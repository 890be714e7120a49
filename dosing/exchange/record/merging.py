"""The findings of one drug as orders: what is printed twice is one order, what disagrees is asked for, nothing is settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dosing import forms
from dosing.exchange.record.findings import Finding, Flag, Line
from dosing.regimen.rules import numbers

T = TypeVar("T")


@dataclass
class Entry:
    """One order in the making; `groups` and `arms` are empty where it stands for all, `why` says what a person must settle."""

    drug: str
    where: str
    phrases: list[str]
    dose: forms.Dose | None
    printed: str
    why: str
    days: tuple[int, ...] | None
    days_why: str
    groups: set[str]
    arms: set[str]
    at: str = ""
    anchor: str = ""
    route: str = ""
    over: str = ""
    product: str = ""
    again: bool = False
    id: str = ""
    event: str = ""
    open: bool = False  # the source gives no dose and none is asked: the graft
    flags: tuple[Flag, ...] = ()

    @classmethod
    def of(cls, one: Finding) -> Entry:
        """The order that a single finding makes."""
        return cls(one.drug, one.where, list(one.phrases), one.dose, one.printed, one.why, one.days, one.days_why, {one.group} - {""}, set(one.arms),
                   one.at, one.anchor, one.route, one.over, one.product, one.again, flags=one.flags)  # fmt: skip


def merge(findings: Sequence[Finding]) -> tuple[list[Entry], list[Line]]:
    """The orders of one drug, and what was printed again in other words and adds nothing."""
    entries: list[Entry] = []
    repeated: list[Line] = []
    for one in findings:
        new = Entry.of(one)
        same = next((entry for entry in entries if _same(entry, new)), None)
        if same:
            _join(same, new)
        else:
            entries.append(new)
    unread = [entry for entry in entries if not entry.dose and any(_says_as_much(other, entry) for other in entries)]
    repeated += [Line(entry.where, "; ".join(entry.phrases), f"prints the same number as {entry.drug} elsewhere and is not read further: {entry.why}") for entry in unread]
    kept = [entry for entry in entries if entry not in unread]
    return (kept if all(apart(one, other) for n, one in enumerate(kept) for other in kept[:n]) else [_disagreeing(kept)]), repeated


def _same(one: Entry, other: Entry) -> bool:
    """Whether two say the same: dose, days where both print them, and the time they count from."""
    doses = one.dose == other.dose if one.dose or other.dose else " ".join(one.printed.split()) == " ".join(other.printed.split())
    days = one.days == other.days or (one.days is None and not one.days_why.startswith('"')) or (other.days is None and not other.days_why.startswith('"'))
    return doses and days and (one.at, one.anchor) == (other.at, other.anchor) and not one.again and not other.again and one.product in ("", other.product)


def _join(one: Entry, other: Entry) -> None:
    """Lay a second printing on the first: for all patients if either is, the days and route of whichever prints them.

    The words of an arm are quoted only where nothing says the same for all: a blinded print must not tell the arm.
    """
    one.phrases = list(dict.fromkeys((*_quoted(one, other), *_quoted(other, one))))
    if one.days is None:
        one.days, one.days_why = other.days, other.days_why
    one.route, one.over = _either(one.route, other.route), _either(one.over, other.over)
    one.product = one.product or other.product
    one.arms = one.arms | other.arms if one.arms and other.arms else set()
    one.groups = one.groups | other.groups if one.groups and other.groups else set()
    one.flags = tuple(dict.fromkeys((*one.flags, *other.flags)))


def _quoted(one: Entry, other: Entry) -> list[str]:
    """The phrases of one of two printings that are kept: none of an arm's, unless only they print the days."""
    told_elsewhere = one.arms and not other.arms and (other.days is not None or one.days is None)
    return [] if told_elsewhere else one.phrases


def _either(one: str, other: str) -> str:
    """What one of two prints; nothing where they differ."""
    return one or other if not (one and other) or one == other else ""


def _says_as_much(read: Entry, unread: Entry) -> bool:
    """Whether a dose that could be read prints the number of one that could not, for the same patients."""
    return bool(read.dose) and numbers(read.printed) == numbers(unread.printed) and not (read.arms - unread.arms or read.groups - unread.groups) and unread.days in (None, read.days)


def apart(one: Entry, other: Entry) -> bool:
    """Whether two orders of a drug cannot meet: other patients, other arms, or other days."""
    strangers = any(mine and theirs and not mine & theirs for mine, theirs in ((one.arms, other.arms), (one.groups, other.groups)))
    return strangers or (one.days is not None and other.days is not None and not set(one.days) & set(other.days))


def _disagreeing(entries: Sequence[Entry]) -> Entry:
    """One order with every phrase, whose dose and days are asked for unless all print the same."""
    first, days, doses = entries[0], {entry.days for entry in entries}, {entry.dose for entry in entries}
    dose = first.dose if len(doses) == 1 else None
    printed = list(dict.fromkeys(entry.printed for entry in entries))
    told = ", ".join(f'"{one}"' for one in printed)
    why = "" if dose else f"the record prints {told} for this drug; which is meant, for whom and on which days is open"
    one_days = days.pop() if len(days) == 1 else None
    return Entry(
        first.drug, first.where, _all(entry.phrases for entry in entries), dose, "; ".join(printed), why, one_days,
        "" if one_days is not None else "the days differ, or are not printed with each dose",
        set() if any(not entry.groups for entry in entries) else set().union(*(entry.groups for entry in entries)),
        set() if any(not entry.arms for entry in entries) else set().union(*(entry.arms for entry in entries)),
        route=first.route if len({entry.route for entry in entries}) == 1 else "", flags=tuple(_all(entry.flags for entry in entries)),
    )  # fmt: skip


def _all(parts: Iterable[Iterable[T]]) -> list[T]:
    return list(dict.fromkeys(one for part in parts for one in part))
