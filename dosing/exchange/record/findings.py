"""What the sentences of a record give: findings with their phrases and places, groups of patients, doses left over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dosing import forms
from dosing.errors import InputError
from dosing.regimen.fields import read_prose
from dosing.regimen.loader import MOJIBAKE


@dataclass(frozen=True)
class Line:
    """One line of the summary: where in the record, the printed phrase, and what is said of it."""

    where: str
    phrase: str
    says: str

    def to_dict(self) -> dict[str, str]:
        """The line as plain JSON values."""
        return {"where": self.where, "phrase": self.phrase, "says": self.says}


@dataclass(frozen=True)
class Flag:
    """A question that a sentence raises about a dose: the last part of its id, its code, and what is asked."""

    id: str
    code: str
    ask: str
    phrase: str


@dataclass(frozen=True)
class Finding:
    """One dose, or one named drug without a dose, as one sentence prints it; `why` and `days_why` say what is open."""

    drug: str
    where: str
    phrases: tuple[str, ...]
    part: str
    arms: tuple[str, ...] = ()
    group: str = ""
    product: str = ""
    dose: forms.Dose | None = None
    printed: str = ""
    why: str = ""
    days: tuple[int, ...] | None = None
    days_why: str = ""
    at: str = ""  # `4 h before ` and then the drug it counts from
    anchor: str = ""
    route: str = ""
    over: str = ""
    again: bool = False
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class Group:
    """Some of the patients, by the words a sentence opens with: the option's name, the words, the drugs named there."""

    name: str
    phrase: str
    named: frozenset[str]
    like_above: bool
    where: str
    words: str = ""  # what says that something carries over, as printed


@dataclass
class Read:
    """Everything the sentences of a record gave."""

    findings: list[Finding] = field(default_factory=list)  # with a dose
    named: list[Finding] = field(default_factory=list)  # without one
    groups: list[Group] = field(default_factory=list)
    left_over: list[Line] = field(default_factory=list)
    unsure: list[Finding] = field(default_factory=list)  # a total, or a dose in words: an order where the drug has no other
    beside: list[tuple[str, str]] = field(default_factory=list)  # a drug, and the words of a dose near it that is no order


def phrase_of(text: str, start: int, end: int) -> str:
    """A stretch of a record as it is cited: blanks as one blank, the escapes of registry copies undone."""
    return re.sub(r"\\([\\<>^\[\]~*_])", r"\1", " ".join(text[start:end].split()))


def citable(phrase: str) -> bool:
    """Whether a regimen file may quote a phrase: no markup, no hidden or lost letter, at most 600 characters."""
    try:
        return bool(read_prose(phrase)) and "\ufffd" not in phrase and not MOJIBAKE.search(phrase)
    except InputError:
        return False
