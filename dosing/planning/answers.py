"""What answers a query: a person's words that decide it, with a name; never a shrug, never another course than the plan's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from dosing import forms
from dosing.engine.settle import Settled
from dosing.errors import Fault, UsageError
from dosing.regimen import conflicts
from dosing.regimen.schema import Order, Query

OPEN = {"no", "not yet", "unknown", "not known", "unclear", "pending", "open", "tbd", "tba", "tbc", "todo", "na", "n/a", "dont know"}  # words that leave a question open
ASKING = re.compile(r"(?:ask|asked|asking|check|wait|waiting)\b", re.IGNORECASE)


def read(answers: Mapping[str, str] | Sequence[Mapping[str, str]], by: str) -> dict[str, dict[str, str]]:
    """Answers by query id with who gave them; `UsageError` names every one without a name, a text, or a decision."""
    made = [{"id": key, "answer": text, "by": by} for key, text in answers.items()] if isinstance(answers, Mapping) else [dict(one) for one in answers]
    faults = [fault for one in made for fault in _faults(str(one.get("id", "")), one.get("answer", ""), one.get("by", ""))]
    if faults:
        raise UsageError(*faults)
    return {one["id"]: one for one in made}


def _faults(query: str, text: str, by: str) -> Iterable[Fault]:
    if not by.strip() or not text.strip():
        yield Fault("R05", f"the answer to {query} has no name or no text", 'write --answer ID="text" --by NAME.', f"--answer {query}")
    elif not decides(text):
        yield Fault("R05", f'"{text[:40]}" leaves {query} open', "say what was decided, by whom and on what; until then the query stays open.", f"--answer {query}")


def decides(text: str) -> bool:
    """Whether a text can be a decision: it has words, and is more than a question, a no, a shrug or a task for somebody else."""
    words = re.sub(r"[^\w\s/]", "", text).strip().casefold()
    return any(letter.isalpha() for letter in words) and not text.strip().endswith("?") and words not in OPEN and not ASKING.match(words)


def prove(answers: Mapping[str, Mapping[str, str]], settled: Settled) -> None:
    """Refuse an answer that names the course of another source while the plan keeps its own (`UsageError`)."""
    orders = {line.id: line.order for line in settled.lines}
    asked = {query.id: query for query in settled.queries if query.instead and query.order in orders}
    faults = [
        Fault("R05", f'{key} is answered with "{text[:60]}", and the plan keeps {planned}', f'to give the other course, change it: --set {order.id}.days or {order.id}.dose with --by and --reason; else name the source the plan follows.', f"--answer {key}")
        for key in asked.keys() & answers.keys()
        for text, order in ((answers[key]["answer"], orders[str(asked[key].order)]),)
        if (planned := _other_course(text, asked[key], order))
    ]  # fmt: skip
    if faults:
        raise UsageError(*faults)


def _other_course(text: str, query: Query, order: Order) -> str:
    """The planned course in words where a text speaks of another source's course and not of the plan's own; else empty."""
    base = conflicts.planned(order)
    own = {key for key in query.cite if key not in query.instead} | set(order.cite) - set(query.instead)
    if base is None or _speaks(text, own) or f"{base.doses} doses" in text or forms.say_days(order.days) in text:
        return ""
    others = [(key, one.days, conflicts.other(one, order)) for key, one in query.instead.items()]
    said = any(_speaks(text, {key}) or (days and _has_days(text, days)) or (course and course.doses != base.doses and re.search(rf"\b{course.doses} doses\b", text)) for key, days, course in others)
    return f"{base.doses} doses on days {forms.say_days(order.days)}" if said else ""


def _speaks(text: str, keys: Iterable[str]) -> bool:
    return any(re.search(rf"(?<![\w.-]){re.escape(key)}(?![\w-])", text, re.IGNORECASE) for key in keys)


def _has_days(text: str, days: Sequence[int]) -> bool:
    """Whether a text names a span of days, however it is written: `-7..-6`, `-7 to -6`, `−7 – −6`."""
    first, last = days[0], days[-1]
    return bool(re.search(rf"{first}\s*(?:\.\.|to|until|bis|and|,|-|–)\s*{last}\b", text.replace("−", "-")))
