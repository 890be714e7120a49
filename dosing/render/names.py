"""What an order is called and what stands against it: the texts about orders and doses that every page shares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Any

from dosing.render import chinese, wording
from dosing.schedule import Administration, Schedule, iso

ORDINARY = ("cells", "graft")  # orders called by a word that messages use as a word
QUOTED = re.compile(r'("[^"]*")')


def order_of(schedule: Schedule, order: str) -> dict[str, Any]:
    """The order's row in `Schedule.orders`, or what its administrations tell of it."""
    found = next((row for row in schedule.orders if row["id"] == order), None)
    return found or {"id": order, "drug": next((row.drug for row in schedule if row.order == order), order)}


def is_graft(order: dict[str, Any]) -> bool:
    """Whether an order is the infusion of the stem cell graft."""
    return order.get("kind") == "graft" or "stem-cells" in order.get("drug", "")


def name_of(schedule: Schedule, order: str) -> str:
    """The full name of an order's drug, in Tall Man letters where the drug's file gives them."""
    row, locale = order_of(schedule, order), schedule.locale
    names = row.get("names", {})
    english = row.get("tall_man", {}).get(locale) or names.get(locale if locale != "zh" else "en-GB") or names.get("en-GB") or drug_name(row["drug"])
    return chinese.name(english, names.get("zh")) if locale == "zh" else english


def drug_name(drug: str) -> str:
    """A drug id as words."""
    return drug.replace("-", " ")


def prose(schedule: Schedule, text: str) -> str:
    """A message with the ids of orders and drugs replaced by their names, safe for print."""
    known = {row["drug"]: name_of(schedule, row["id"]) for row in schedule.orders} | {
        row["id"]: name_of(schedule, row["id"]) for row in schedule.orders
    }
    known |= {row["drug"]: drug_name(row["drug"]) for row in schedule.not_scheduled}
    names = tuple((id, name) for id, name in known.items() if id not in ORDINARY)
    parts = QUOTED.split(text)  # at odd places what a source prints, word for word
    told = (wording.quoted(part, schedule.locale) if place % 2 else wording.plain(_named(part, names), schedule.locale) for place, part in enumerate(parts))
    return "".join(told)


@lru_cache(maxsize=4096)
def _named(text: str, known: tuple[tuple[str, str], ...]) -> str:
    for id, name in sorted(known, key=lambda one: len(one[0]), reverse=True):
        text = re.sub(rf"(?<![\w.-]){re.escape(id)}(?![\w-]|\.\w)", name, text)
    for name in {name for _, name in known}:  # several orders of one drug
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?:(?:,| and|, and) {re.escape(name)})+(?![\w-])", name, text)
    return text


def amount_text(schedule: Schedule, row: Administration) -> str:
    """The amount of one administration, `HOLD`, `missed`, or the words that no dose is given."""
    if row.held:
        return wording.WORDS["hold"]
    if "missed" in (row.record or {}):
        return wording.WORDS["missed"]
    return wording.amount(row.amount, schedule.locale) if row.amount else "dose not given in source"


def numbers(given: list[Administration]) -> str:
    """`dose 1 of 4`, or `doses 1 to 4 of 16` where a day has several."""
    return f"{runs([row.number for row in given])} of{wording.NBSP}{given[0].of}"


def runs(numbers: Iterable[int]) -> str:
    """`dose 1`, `doses 1 to 4`, `doses 1, 3 to 5`: no number that is not among them."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    told = ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts)
    return f"dose{'s' if len(parts) > 1 or len(parts[0]) > 1 else ''} {told}"


def starts(schedule: Schedule, row: Administration) -> str:
    """The clock time of the start in the zone, or where a relative administration hangs."""
    stamp = iso(row.seconds, row.zone)
    return stamp[11:16] if stamp else offset(schedule, "" if row.offset == row.order else row.offset)


def offset(schedule: Schedule, text: str) -> str:
    """A relative start in words, with the event's full name; `time not set` without one."""
    return prose(schedule, text) or "time not set"


def signable(schedule: Schedule, order: str) -> bool:
    """Whether nothing open stands against an order, or against all of them, so that its doses may be signed for."""
    return not any(finding.order in (order, None) for finding in schedule.open)


def see(schedule: Schedule, order: str, shown: int = 9) -> str:
    """`see query atg.dose and 1 more`: where an order is asked about, the first `shown` questions by id."""
    ids = [finding.id for finding in schedule.open if finding.order == order]
    ids += [finding.id for finding in schedule.open if finding.order is None]
    more = f" and {len(ids) - shown} more" if len(ids) > shown else ""
    return f"see query {', '.join(ids[:shown])}{more}" if ids else "see open queries"


def issue(schedule: Schedule) -> str:
    """`issue 2, replaces issue 1`; of a course that is only shown `copy, not an issue; last issue 2`. A plan is its own first issue."""
    if schedule.issue or not schedule.series:
        return f"issue {schedule.issue or 1}" + (f", replaces issue {schedule.replaces}" if schedule.replaces else "")
    last = last_issue(schedule)
    return f"copy, not an issue; {f'last issue {last}' if last else 'none issued yet'}"


def last_issue(schedule: Schedule) -> int:
    """The number of the latest issue of a course that this copy is made of; 0 where none was printed."""
    return int((schedule.course or {}).get("last_issue", 0))


def series(schedule: Schedule, document: str) -> str:
    """A name for one patient's plans of one regimen that a new issue keeps and that tells no person.

    Made of the patient's number, else of name and birth date, else of the course; a plan of nobody has only its
    document, so that two patients without a name never overwrite each other: its next issue makes entries of its own.
    """
    who = schedule.identity
    person = who.get("id") or (f"{who['name']} {who['born']}" if who.get("name") and who.get("born") else schedule.series)
    return sha256(f"{schedule.regimen['id']} {person}".encode()).hexdigest()[:16] if person else document
