"""Which drug a printed dose belongs to, and which days: only where the sentence leaves one reading.

A dose belongs to the drug behind it (`30 mg of Flu`) or in front of it (`Flu 30 mg`, `Flu (30 mg`), when nothing but
the small words of an order stand between. Where both or neither would fit, it belongs to none and is left over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dosing.exchange.record import mentions
from dosing.exchange.record.mentions import ROUTE, Days, Dose
from dosing.exchange.record.names import Name

_SMALL = frozenset({
    "a", "an", "the", "dose", "doses", "dosage", "of", "was", "were", "is", "will", "be", "been", "being", "given",
    "administered", "infused", "injected", "received", "receive", "at", "total", "daily", "once", "starting",
    "injection", "infusion", "infusions", "treatment", "with", "tablets", "capsules", "conditioning", "consisting",
    "consists", "comprised", "used", "use", "performed", "started", "infusing", "both", "respectively",
    "for", "by",
})  # fmt: skip
_DAILY = frozenset({
    "per", "each", "every", "day", "daily", "divided", "into", "in", "two", "three", "four", "doses", "hours", "h",
    "minutes", "min", "over", "then", "on", "from", "and",
})  # fmt: skip
_OPENING = frozenset({
    "patients", "participants", "subjects", "they", "all", "who", "receive", "received", "get", "given", "will",
    "be", "the", "with",
})  # fmt: skip
FAR = 120  # characters over which a drug and its dose still belong together
_FREE = re.compile(r"[\w./+-]*[\w+]")
_STOP = frozenset({
    "and", "or", "on", "from", "to", "at", "with", "plus", "then", "followed", "in", "for", "every", "per", "by",
    "after", "before", "each", "was", "were", "is", "until", "than", "mg", "g", "day", "days",
})  # fmt: skip
_JOIN = re.compile(r"[\s,)]*(?:and|plus|&|,)[\s(]*")
_AND = re.compile(r"[\s,)]*(?:and|plus|&)[\s(]*")
_APART = re.compile(r"[,;.\n+*•]|\b(?:and|then|plus|followed)\b", re.I)
_THEN = frozenset({
    "and", "or", "then", "to", "followed", "by", "also", "thereafter", "subsequently",
})  # fmt: skip
_LIMIT = re.compile(
    r"(?:max(?:imum|imal|\.)?(?:\s+(?:single|daily|dose|of|total))*|up\s+to|exceed(?:ing)?|at\s+least|minimum(?:\s+of)?|no\s+more\s+than|(?:less|more|greater|lower|higher)\s+than"
    r"|\\?[<>≤≥=~≈]|about|approximately|around|target\w*(?:\s+\w+){0,4}|trough\w*(?:\s+\w+){0,3}|levels?(?:\s+\w+){0,2}|concentrations?(?:\s+\w+){0,2})[\s:(]*$",
    re.I,
)
_TOTAL_BEFORE = re.compile(r"\b(?:total|cumulative)(?:\s+(?:course|dose|amount|doses))*(?:\s+of(?:\s+\S+){0,3}?)?(?:\s+(?:is|was|=))?[\s:(=]*$", re.I)
_TOTAL_AFTER = re.compile(
    rf"[\s,(]*(?:in\s+)?(?:total|cumulative)\b(?:(?=\s+(?:course\s+)?(?:doses?\s+)?(?:(?:{ROUTE})\s+)?(?:over|on|in|divided|given|from|between|across|for|days?)\b)"
    r"|(?!\s+(?:course\s+)?(?:doses?)?[^.;)]{0,12}\d))(?:\s+(?:course\s+)?doses?\b)?",
    re.I,
)
_TOTAL_OF = re.compile(r"\b(?:total|cumulative)\s+(?:course\s+)?doses?\s+of\s+(?:the\s+)?$", re.I)
_VERB = re.compile(r"\b(?:was|were|is|are|be|been|both|each|respectively)\b", re.I)


@dataclass
class Item:
    """A printed dose with the drug it belongs to, if any; `kind` is dose, limit or total; `again` a further dose of the drug before."""

    dose: Dose
    kind: str
    name: Name | None = None
    why: str = ""
    again: bool = False
    days: Days | None = None
    days_why: str = "no days are printed with it"
    shared: bool = False  # its days and route are printed once for several drugs

    @property
    def start(self) -> int:
        """Where the drug or the dose begins, whichever comes first."""
        return min(self.dose.start, self.name.start) if self.name and not self.again else self.dose.start

    @property
    def end(self) -> int:
        """Where the drug or the dose ends, whichever comes last."""
        return max(self.dose.end, self.name.end) if self.name and not self.again else self.dose.end


def items(text: str, names: Sequence[Name], days: Sequence[Days]) -> list[Item]:
    """Every dose of a segment, with its drug where one reading is left, and with its days."""
    found = [Item(dose, _kind(text, dose)) for dose in mentions.doses(text)]
    for n, item in enumerate(found):
        _pair(text, item, names, found[:n], found[n + 1 :], days)
    for before, item in zip(found, found[1:], strict=False):
        _go_on(text, before, item, days)
    _date(text, [item for item in found if item.kind == "dose" or (item.kind == "total" and not _bracketed(text, item))], [one for one in days if not _inside(one, found)])
    if len(found) > 1 and re.search(r"\brespectively\b", text, re.I):
        for item in found:
            item.days, item.days_why = None, "the sentence says respectively: which days belong to which dose is read by a person"
    return found


def _bracketed(text: str, item: Item) -> bool:
    """Whether a dose stands in brackets, as a remark on the one before it."""
    return text.rfind("(", 0, item.dose.start) > text.rfind(")", 0, item.dose.start)


def _kind(text: str, dose: Dose) -> str:
    before, after = text[max(0, dose.start - 60) : dose.start], text[dose.end : dose.end + 60]
    if _TOTAL_BEFORE.search(before) or _TOTAL_AFTER.match(after):
        return "total"
    return "limit" if _LIMIT.search(before) else "dose"


def total_words(text: str, item: Item) -> tuple[int, int]:
    """Where the words of a total begin and end: its drug, the dose and the word that says total."""
    low = max(0, item.dose.start - 60)
    before, after = _TOTAL_BEFORE.search(text[low : item.dose.start]), _TOTAL_AFTER.match(text, item.dose.end)
    return min(item.start, low + before.start() if before else item.start), max(item.end, after.end() if after else item.end)


def speaks_of_total(text: str, item: Item) -> bool:
    """Whether the sentence is on the total dose of a drug (`the total dose of X is ...`), not an order of the drug."""
    return bool(item.name and item.name.end <= item.dose.start and _TOTAL_OF.search(text[: item.name.start]))


def _pair(text: str, item: Item, names: Sequence[Name], earlier: list[Item], later: list[Item], days: Sequence[Days]) -> None:
    """Give an item its drug; a drug that an earlier `of` has taken is not taken again."""
    taken = {one.name for one in earlier if one.name}
    behind = next((name for name in names if name.start >= item.dose.end), None)
    before = next((name for name in reversed(names) if name.end <= item.dose.start), None)
    if behind and any(one.dose.start < behind.start for one in later):
        behind = None
    if before and (before in taken or any(one.dose.start > before.end for one in earlier)):
        before = None
    right = _right(text[item.dose.end : behind.start]) if behind else ""
    left = bool(before) and _left(text, before.end, item.dose.start, days) if before else False
    if right == "of" or (right and not left):
        item.name = behind
    elif left and not right:
        item.name = before
    else:
        item.why = "it may belong to the drug before or behind it" if left else "no drug of the library stands beside it"


def _right(gap: str) -> str:
    """Whether a drug may follow a dose over this gap: `of` when that word says so, `near` for a few describing words."""
    if len(gap) > FAR:
        return ""
    found = re.fullmatch(r"\s*(of\s+)?(?:the\s+)?((?:\S+\s+)*)", gap)
    words = found[2].split() if found else [".", ";"]
    if not found or len(words) > 4 or any(not _FREE.fullmatch(word) or word.lower() in _STOP for word in words):
        return ""
    if found[1]:
        return "of"
    return "" if "\n" in gap else "near"


def _left(text: str, start: int, end: int, days: Sequence[Days]) -> bool:
    """Whether a dose may follow a drug over this gap: days, parentheses and the small words of an order only."""
    return end - start <= 2 * FAR and all(word in _SMALL for word in _words(_without(text, start, end, days)))


def _without(text: str, start: int, end: int, days: Sequence[Days]) -> str:
    """A stretch of text without its days and its closed parentheses."""
    for one in reversed(days):
        if start <= one.start and one.end <= end:
            text, end = text[: one.start] + " " + text[one.end :], end - (one.end - one.start) + 1
    gap = re.sub(rf"(?i)(?<![\w.])(?:{ROUTE})(?![\w-])", " ", re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", text[start:end]))
    return re.sub(r"(?i)" + re.sub(r"[?]P<[a-z_]+>", "?:", mentions.OVER), " ", gap)


def _words(gap: str) -> list[str]:
    """The words of a gap in small letters; a sign that ends a thought stands as itself and is no small word."""
    return [word.lower() for word in re.findall(r"[^\s,:()\-–=]+", gap)]


def _go_on(text: str, before: Item, item: Item, days: Sequence[Days]) -> None:
    """A dose that no drug stands beside, behind a dose of a drug and only joined to it, is a further one of that drug.

    The same holds for `A to B of a drug` and `A or B of a drug`, where the drug stands behind the second.
    """
    if item.kind != "dose" or before.kind != "dose" or bool(item.name) == bool(before.name):
        return
    if item.name:
        if text[before.end : item.dose.start].strip(" -–") in ("", "to", "or"):
            before.name, before.why, item.again = item.name, "", True
    elif all(word in _SMALL or word in _THEN for word in _words(_without(text, before.end, item.dose.start, days))):
        item.name, item.again, item.why = before.name, True, ""


def _inside(one: Days, found: list[Item]) -> bool:
    """Whether days stand between a drug and its dose; they are then that dose's own."""
    for item in found:
        if item.name and not item.again and item.start < one.start and one.end < item.end:
            item.days, item.days_why = one, one.why
            return True
    return False


def _date(text: str, found: list[Item], days: Sequence[Days]) -> None:
    """Give the items of a segment their days: printed behind them, or, where the segment opens with days, in front."""
    open_items = [item for item in found if item.days is None]
    order: list[Item | Days] = sorted([*open_items, *days], key=lambda entry: entry.start)
    signs = "".join("D" if isinstance(entry, Item) else "T" for entry in order)
    if not re.search("DT|TD", signs):
        return
    if signs[0] == "D":
        _behind(text, order)
    elif re.fullmatch("(?:TD+)+", signs) and all(_opens(text, *three) for three in zip(order, order[1:], order[2:], strict=False)):
        _in_front(text, order)
    else:
        for item in open_items:
            item.days_why = "the days printed near it may belong to another dose"


def _opens(text: str, before: Item | Days, days: Item | Days, after: Item | Days) -> bool:
    """Whether days between two doses open a clause for the second: set apart from the first, and not from the second."""
    if not isinstance(days, Days):
        return True
    return bool(_APART.search(text[before.end : days.start])) and not _APART.search(text[days.end : after.start])


def _in_front(text: str, order: Sequence[Item | Days]) -> None:
    """Days that open a clause belong to the dose they open it for, and to those an `and` joins to it."""
    now: Days | None = None
    for before, entry in zip([None, *order], order, strict=False):
        if isinstance(entry, Days):
            now = entry
        elif isinstance(before, Days) and all(word in _SMALL or word in _OPENING for word in _words(text[before.end : entry.start])):
            entry.days, entry.days_why, entry.shared = before, before.why, True
        elif isinstance(before, Item) and before.days and before.days is now and _AND.fullmatch(_gap(text, before, entry)):
            entry.days, entry.days_why, entry.shared = before.days, before.days.why, True
        else:
            entry.days_why = "other words stand between it and the days"


def _behind(text: str, order: Sequence[Item | Days]) -> None:
    """Each run of doses with the days behind it; of several doses only the last has them for certain, unless they are joined."""
    run: list[Item] = []
    for n, entry in enumerate(order):
        if isinstance(entry, Item):
            run = [*run, entry] if n == 0 or isinstance(order[n - 1], Item) else [entry]
        elif isinstance(order[n - 1], Item):
            following = order[n + 1] if n + 1 < len(order) else None
            _give(text, run, entry, _claimed(text, run[-1], entry, following))


def _claimed(text: str, last: Item, days: Days, following: Item | Days | None) -> str:
    """Why days behind a dose may not be its own: more days follow, or the next dose stands as near to them; empty otherwise."""
    if isinstance(following, Days):
        return "days are printed twice behind it"
    between = text[days.end : following.start] if following else "."
    either = "," in text[last.end : days.start] and re.fullmatch(r"\s*,\s*", between)
    return "" if _APART.search(between) and not either else "the days behind it may belong to the next dose"


def _give(text: str, run: list[Item], days: Days, claimed: str) -> None:
    last = run[-1]
    printed = f'"{" ".join(text[days.start : days.end].split())}"'
    joined = all(_JOIN.fullmatch(_gap(text, one, other)) for one, other in zip(run, run[1:], strict=False)) and bool(_VERB.search(text[last.end : days.start]))
    near = all(word in _SMALL or word in _DAILY or word.isdecimal() for word in _words(_without(text, last.end, days.start, ())))
    for item in run:
        if claimed:
            item.days_why = claimed
        elif not near:
            item.days_why = f"{printed} stands behind it with other words between"
        elif item is last or joined:
            item.days, item.days_why, item.shared = days, days.why, joined and len(run) > 1
        else:
            item.days_why = f"{printed} stands behind another dose, and may be meant for both"


def _gap(text: str, one: Item, other: Item) -> str:
    return re.sub(r"\([^()]*\)", "", text[one.end : other.start])
