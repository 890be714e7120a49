"""The passages of a record, sentence by sentence: which drug is named, with which dose, on which days, for whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from dosing.exchange.record import mentions
from dosing.exchange.record.findings import Finding, Flag, Group, Line, Read, citable, phrase_of
from dosing.exchange.record.mentions import Days
from dosing.exchange.record.names import Name
from dosing.exchange.record.pairing import Item, items, speaks_of_total, total_words
from dosing.exchange.record.source import TREATMENT, Passage
from dosing.regimen.drug import Drug

END = re.compile(r"(?<!\bi\.v)(?<!\bp\.o)(?<!\bs\.c)(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!approx)(?<!\bca)[.!?](?=\s+[A-Z(\d\[•*+\-]|\s*$)|(?<=\s)(?=[*•◦]\s)|\n(?=\s*(?:[-*•·◦+]|\d{1,2}[.)]|[a-z][.)])\s)")
PEOPLE = r"patients?|participants?|subjects?|those|children|adults|recipients?|individuals"
GROUP = re.compile(rf"\b(?:[Ff]or|[Ii]n)\s+(?:the\s+)?(?!all\b)(?:\w+\s+){{0,2}}?(?:{PEOPLE})\b(?P<rest>[^,;.]{{2,160}})(?=,)")
SHORT = re.compile(r"\(([A-Za-z0-9][\w.-]{0,30})\)")
LIKE_ABOVE = re.compile(r"\bsame\b|\bas above\b|\bidentical\b|\blikewise\b|\bin addition\b|\badditional(?:ly)?\b|\bsupplement|\balso\b", re.I)
CONDITION = re.compile(rf"\b(?:if|unless|depending on|according to|adjusted (?:to|for|by)|(?:{PEOPLE})\s+(?:with|without|who|aged|weighing|older|younger|under|over|receiving|not))\b", re.I)
ALTERNATIVES = re.compile(r"\bone of (?:the )?(?:following|two|three|four|several|these)\b|\beither\b", re.I)
DIVIDED = re.compile(r"[^.;]{0,25}?\b(?:divided|split|in\s+(?:two|three|four|\d)\s+(?:daily\s+)?(?:doses|fractions|portions))\b", re.I)
COUNTED = re.compile(r"[^.;]{0,60}?\b(?:in(?:to)?|as)\s+(?:two|three|four|five|six|eight|ten|\d{1,2})\s+(?:\w+\s+){0,2}?(?:doses|fractions|portions)\b", re.I)
SPARSE = re.compile(r"\bevery\s+(?:other|alternate|second|third|fourth|(?:\d+|two|three|four)\s*(?:days?|weeks?))\b|\b(?:every\s+|q\s?)(?:36|48|72|96)\s*-?\s*h|\bq\s?\d+\s?d\b|\balternat\w+\s+days?\b|\b(?:weekly|a\s+week|per\s+week)\b", re.I)
WORDED = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million)\b"
    r"|(?<!\w)(?:mgs?|mcg|[µμ]g|g|c?Gy|IU|milligrams?|micrograms?|grams?|(?:centi)?grays?)(?!\w)(?!\s*/\s*(?:d?l|ml|µl)\b)|(?:/|\bper\s)\s*(?:kg|kilogram|m\^?2|m²|square\s+met)(?:er|re)?(?!\w)",
    re.I,
)
BARE = re.compile(r"[\d⁰¹²³⁴⁵⁶⁷⁸⁹)]\s*/\s*kg")  # a number per kg with no unit: of cells, cells
LONGEST = 160


def read_passages(passages: Iterable[Passage], drugs: dict[str, Drug], find: Callable[[str], list[Name]]) -> Read:
    """Every sentence of the parts that speak of the treatment; doses elsewhere are left over."""
    read = Read()
    for passage in passages:
        for start, end in sentences(passage.text):
            if passage.part in TREATMENT:
                _sentence(read, passage, start, end, drugs, find)
            elif passage.part == "name":
                text = passage.text[start:end]
                read.named += [_named(passage, start, text, name, "") for name in find(text)]
            else:
                why = f"it stands under {passage.part}, not in the treatment" if passage.part == "eligibility" else "it stands outside of the treatment"
                read.left_over += [_left(passage, start, dose, why) for dose in mentions.doses(passage.text[start:end])]
    return _settled(read)


def _settled(read: Read) -> Read:
    """A total or a dose in words is an order that asks where the drug has no other dose, and else stands beside it."""
    with_dose = {one.drug for one in read.findings}
    read.findings += [one for one in read.unsure if one.drug not in with_dose]
    read.beside += [(one.drug, one.phrases[0]) for one in read.unsure if one.drug in with_dose]
    return read


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """The sentences of a passage by start and end; an entry of a list is one."""
    start = 0
    for found in END.finditer(text):
        if text[start : found.start()].strip():
            yield start, found.start()
        start = found.end()
    if text[start:].strip():
        yield start, len(text)


def _sentence(read: Read, passage: Passage, start: int, end: int, drugs: dict[str, Drug], find: Callable[[str], list[Name]]) -> None:
    text = passage.text[start:end]
    group = _group(read, passage, start, text, find)
    at = 0
    for part in text.split(";"):
        _segment(read, passage, start + at, part, group, drugs, find)
        at += len(part) + 1


def _group(read: Read, passage: Passage, start: int, text: str, find: Callable[[str], list[Name]]) -> str:
    """The group of patients a sentence opens with, by its name; empty for all patients."""
    found = GROUP.search(text)
    if not found:
        return ""
    phrase = phrase_of(text, found.start(), found.end())
    if not citable(phrase):
        return ""
    known = next((group for group in read.groups if group.phrase == phrase), None)
    if known:
        return known.name
    short = SHORT.search(found["rest"])
    name = short[1] if short and short[1] not in {group.name for group in read.groups} else f"group-{len(read.groups) + 1}"
    named, like = frozenset(one.drug for one in find(text)), LIKE_ABOVE.search(text)
    words = phrase_of(text, text.rfind(",", 0, like.start()) + 1, _word_end(text, like.end() + 60)) if like else ""
    read.groups.append(Group(name, phrase, named, bool(like), passage.where(start), words if words and citable(words) else ""))
    return name


def _segment(read: Read, passage: Passage, start: int, text: str, group: str, drugs: dict[str, Drug], find: Callable[[str], list[Name]]) -> None:
    names, days = find(text), mentions.days(text)
    found = items(text, names, days)
    counted = _anchors(text, names)
    used = {name for _, name in counted}
    for n, item in enumerate(found):
        finding = _finding(passage, start, text, item, found[n - 1] if n else None, found, drugs)
        if finding and all(map(citable, finding.phrases)):
            flags = (*finding.flags, *_alternatives(passage))
            read.findings.append(_anchored(replace(finding, group=group, flags=flags), text, item, found, counted))
            became_order = True
        else:
            read.left_over.append(_left(passage, start, item.dose, _why_left(item, bool(finding))))
            total = _total(passage, start, text, item, found, group)
            read.unsure += [total] if total else []
            read.beside += [] if total else _beside(read, passage, text, item, found[:n], names)
            became_order = total is not None
        if became_order and item.name:
            used.add(item.name)
    for name in (name for name in names if name not in used):
        one = _dated(_named(passage, start, text, name, group), name, days, found)
        worded = None if drugs[name.drug].kind in ("cells", "graft") else _worded(text, name, names, found, days, one)
        (read.unsure if worded else read.named).append(worded or one)


def _total(passage: Passage, start: int, text: str, item: Item, found: list[Item], group: str) -> Finding | None:
    """A total printed with its drug, as a finding whose dose is open; None where the sentence only speaks of the total."""
    if item.kind != "total" or not item.name or speaks_of_total(text, item):
        return None
    low, high = total_words(text, item)
    phrases = [phrase_of(text, low, high)]
    if item.days and not (low <= item.days.start and item.days.end <= high):
        phrases.append(phrase_of(text, item.days.start, item.days.end))
    why = f'"{phrases[0]}" is printed as a total, and what one dose of it is stays open'
    days, days_why = _days_of(text, item, found)
    finding = Finding(
        item.name.drug, passage.where(start + item.dose.start), tuple(phrases), passage.part, passage.arms, group, item.name.product,
        printed=phrase_of(text, item.dose.start, item.dose.end), why=why, days=days, days_why=days_why, route=_route(text, item, found), flags=(*_flags(text, item, found), *_alternatives(passage)),
    )  # fmt: skip
    return finding if all(map(citable, phrases)) else None


def _beside(read: Read, passage: Passage, text: str, item: Item, earlier: list[Item], names: list[Name]) -> list[tuple[str, str]]:
    """A dose that is no order, with the drugs it may alter: its own, the one dosed before it, all that are named, or the last one read."""
    own = [item.name.drug] if item.name else [one.name.drug for one in earlier if one.name][-1:]
    last = [one.drug for one in read.findings[-1:] if (one.part, one.arms) == (passage.part, passage.arms)]
    low, high = total_words(text, item) if item.kind == "total" else (max(0, text.rfind(" ", 0, max(0, item.start - 60))), _word_end(text, item.end + 40))
    whole = phrase_of(text, 0, len(text))
    phrase = whole if len(whole) <= LONGEST else phrase_of(text, low, high)
    drugs = own or list(dict.fromkeys(one.drug for one in names)) or last
    return [(drug, phrase if citable(phrase) else phrase_of(text, item.dose.start, item.dose.end)) for drug in drugs]


def _worded(text: str, name: Name, names: list[Name], found: list[Item], days: list[Days], one: Finding) -> Finding | None:
    """A drug with a dose in words, or with a unit that no dose was read of, as a finding whose dose is open; None where there is neither."""
    taken = [(item.dose.start, item.dose.end) for item in found]
    low = max((other.end for other in names if other.end <= name.start), default=0)
    high = min((other.start for other in names if other.start >= name.end), default=len(text))
    said = [hit for hit in WORDED.finditer(text, low, high) if not any(start <= hit.start() < end for start, end in taken)]
    if not said:
        return None
    words = phrase_of(text, min(name.start, said[0].start()), max(name.end, said[-1].end()))
    phrase = one.phrases[0] if words in one.phrases[0] else words
    dated = [phrase_of(text, day.start, day.end) for day in days if one.days and phrase_of(text, day.start, day.end) not in phrase]
    if not all(map(citable, (phrase, *dated))):
        return None
    why = f'"{said[0][0]}" stands with it: a dose may be printed in words, and was not read'
    return replace(one, phrases=(phrase, *dated), printed=phrase, why=why, days_why=one.days_why or "no days are printed with it alone")


def _why_left(item: Item, lost: bool) -> str:
    if lost:
        return "its words hold markup, a hidden or a lost letter, and cannot be quoted"
    return {"total": "printed as a total", "limit": "printed as a limit, a target or about"}.get(item.kind, item.why)


def _left(passage: Passage, start: int, dose: mentions.Dose, why: str) -> Line:
    return Line(passage.where(start + dose.start), phrase_of(passage.text, start + dose.start, start + dose.end), why)


def _finding(passage: Passage, start: int, text: str, item: Item, before: Item | None, found: list[Item], drugs: dict[str, Drug]) -> Finding | None:
    """A dose with a drug as a finding; None for one that belongs to no drug, a limit or a total."""
    if not item.name or item.kind != "dose":
        return None
    cells = drugs[item.name.drug].kind in ("cells", "graft") and bool(BARE.search(item.dose.text))
    dose, why = item.dose.read(cells)
    counted = COUNTED.match(text, item.dose.end, min((one.dose.start for one in found if one.dose.start >= item.dose.end), default=len(text)))
    if dose and (counted or (dose.times == 1 and DIVIDED.match(text, item.dose.end))):
        dose, why = None, f'"{item.dose.text}" is divided, and how many doses at which hours make a day is open'
    if dose and (apart := _rhythm_apart(text, item, found, dose.time == "day")):
        dose, why = None, f'"{apart}" stands apart from the dose and may belong to it'
    first = item.name.start if item.again and before is None else item.start
    end = max(item.end, counted.end()) if counted else item.end
    phrases = [phrase_of(text, first, end)]
    if item.days and not (item.start <= item.days.start and item.days.end <= end):
        phrases.append(phrase_of(text, item.days.start, item.days.end))
    days, days_why = _days_of(text, item, found)
    return Finding(
        item.name.drug, passage.where(start + item.dose.start), tuple(phrases), passage.part, passage.arms, product=item.name.product,
        dose=dose, printed=phrase_of(text, item.dose.start, item.dose.end), why=why, days=days, days_why=days_why,
        route=_route(text, item, found), over=mentions.duration(item.dose.way), again=item.again, flags=tuple(_flags(text, item, found)),
    )  # fmt: skip


def _days_of(text: str, item: Item, found: list[Item]) -> tuple[tuple[int, ...] | None, str]:
    """The days of a dose, or why they are open; a rhythm of more than a day leaves open which of its days are meant."""
    low = max((one.dose.end for one in found if one.dose.end <= item.dose.start), default=0)
    high = min((one.dose.start for one in found if one.dose.start >= item.dose.end), default=len(text))
    if sparse := SPARSE.search(text, low, high):
        return None, f'"{sparse[0]}" stands with it: which of the days are meant is open'
    return (item.days.days, item.days.why) if item.days else (None, item.days_why)


def _rhythm_apart(text: str, item: Item, found: list[Item], daily: bool) -> str:
    """A rhythm in the clause of a dose that is no part of what was read; `daily` and `once daily` say no more than a dose per day."""
    doses = [one.dose for one in found if one.kind == "dose"]
    low = max((dose.end for dose in doses if dose.end <= item.dose.start), default=0)
    high = min((dose.start for dose in doses if dose.start >= item.dose.end), default=len(text))
    told = (one[0] for part in (text[low : item.dose.start], text[item.dose.end : high]) for one in mentions.RHYTHM.finditer(part))
    return next((one for one in told if not (daily and one.lower() in ("daily", "once", "once daily", "once a day"))), "")


def _route(text: str, item: Item, found: list[Item]) -> str:
    """The route that stands with a dose, or once in the clause of a single dose or of doses given together; empty otherwise."""
    before = max((one.days.end if one.days and one.days.end <= item.start else one.end for one in found if one.end <= item.start), default=0)
    own = mentions.routes(item.dose.way) or mentions.routes(text[item.start : item.end]) or mentions.routes(" ".join(text[before : item.start].split()[-2:]))
    end = item.days.end if item.days and item.days.end > item.end else len(text)
    if not own and (item.shared or len(found) == 1):
        together = [one.start for one in found if one.days is item.days and one.days]
        first = min([item.start, *together])
        before = max((one.days.end for one in found if one.days and one.days.end <= first), default=0)
        own = mentions.routes(text[before:end])
    return own.pop() if len(own) == 1 else ""


def _flags(text: str, item: Item, found: list[Item]) -> Iterator[Flag]:
    """The questions that the words around a dose raise: divided doses, conditions."""
    after = min([one.start for one in found if one.start > item.end], default=len(text))
    if divided := DIVIDED.match(text[item.dose.end : after]):
        phrase = phrase_of(text, item.start, item.dose.end + divided.end())
        yield Flag("divided", "source.silent", "The record divides this daily dose. Into how many doses, at which hours?", phrase)
    opening = GROUP.search(text)
    if (condition := CONDITION.search(text)) and not (opening and opening.start() <= condition.start() < opening.end()):
        yield Flag("condition", "source.silent", "The sentence names a condition or some of the patients. For whom is this dose?", _words_from(text, condition.start()))


def _words_from(text: str, start: int) -> str:
    """The words of a text from a place on, as many as a citation holds, or the whole text where that is short."""
    whole = phrase_of(text, 0, len(text))
    return whole if len(whole) <= LONGEST else phrase_of(text, start, _word_end(text, start + LONGEST - 40))


def _alternatives(passage: Passage) -> tuple[Flag, ...]:
    """The question that a passage raises which prints alternatives, of all its doses."""
    found = ALTERNATIVES.search(passage.text)
    phrase = _words_from(passage.text, found.start()) if found else ""
    return (Flag("alternative", "source.silent", "The record offers alternatives here. Is this dose given in each of them?", phrase),) if phrase and citable(phrase) else ()


def _anchors(text: str, names: list[Name]) -> list[tuple[mentions.Offset, Name]]:
    """Every `4 h before` with the drug that stands right behind it."""
    return [(one, name) for one in mentions.offsets(text) for name in names if name.start == one.end]


def _anchored(finding: Finding, text: str, item: Item, found: list[Item], counted: list[tuple[mentions.Offset, Name]]) -> Finding:
    """A dose with the time that the words behind it count from a drug, where no other dose stands between."""
    mine = [(offset, name) for offset, name in counted if offset.start >= item.end and not any(item.end <= one.start < offset.start for one in found)]
    if len(mine) != 1:
        return finding
    offset, name = mine[0]
    phrase = phrase_of(text, item.start, name.end)
    if len(phrase) > LONGEST or not citable(phrase):
        return finding
    return replace(finding, at=offset.text, anchor=name.drug, phrases=(phrase, *finding.phrases[1:]))


def _named(passage: Passage, start: int, text: str, name: Name, group: str) -> Finding:
    """A drug that is named without a dose, with some of the words around it."""
    low, high = 0, len(text)
    if len(text) > LONGEST:
        low, high = text.rfind(" ", 0, max(0, name.start - 50)) + 1, _word_end(text, name.end + 30)
    phrase = phrase_of(text, low, high)
    phrase = phrase if citable(phrase) else phrase_of(text, name.start, name.end)
    return Finding(name.drug, passage.where(start + name.start), (phrase,), passage.part, passage.arms, group, name.product)


def _word_end(text: str, near: int) -> int:
    """The end of the word that a place falls into."""
    found = text.find(" ", near)
    return found if found >= 0 else len(text)


def _dated(finding: Finding, name: Name, days: list[Days], found: list[Item]) -> Finding:
    """A drug without a dose with the days of its segment, where there is one list of them and no dose."""
    if found or len(days) != 1:
        return finding
    route = mentions.routes(finding.phrases[0])
    return replace(finding, days=days[0].days, days_why=days[0].why, route=route.pop() if len(route) == 1 else "")
