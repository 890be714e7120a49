"""What has changed from one print of a course to the next, as records and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dosing.schedule import Amount

FIELDS = ("start", "amount", "held")


def changes(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """What a person must see has changed from one issue's schedule to the next, as records of texts.

    A dose that was given as planned is no change; a moved, added, dropped or re-dosed one is.
    """
    if old is None:
        return ()
    return (*_heads(old, new), *_rows(old, new), *_totals(old, new), *_words(old, new))


def _heads(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Day 0, zone, hours, choices and the facts of the patient."""
    found = [_change(None, None, "day 0", old["day0"], new["day0"])] if old["day0"] != new["day0"] else []
    for group, word in (("times", "hour of"), ("choices", "choice"), ("patient", "patient")):
        before, after = old[group], new[group]
        found += [_change(None, None, f"{word} {key}", _text(before.get(key)), _text(after.get(key))) for key in {**before, **after} if before.get(key) != after.get(key)]
    return found


def _rows(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Administrations by order and number."""
    before, after = _by_key(old), _by_key(new)
    found = []
    for key in sorted({*before, *after}, key=lambda key: (_first(after.get(key) or before[key]), key)):
        one, other = before.get(key), after.get(key)
        if one is None or other is None:
            found.append(_change(*key, "added" if one is None else "not given", _row_text(one), _row_text(other)))
            continue
        found += [_change(*key, name, _field(one, name), _field(other, name)) for name in FIELDS if _field(one, name) != _field(other, name)]
    return found


def _by_key(schedule: Mapping[str, Any]) -> dict[tuple[str, int], Mapping[str, Any]]:
    return {(row["order"], row["number"]): row for row in schedule["administrations"]}


def _first(row: Mapping[str, Any]) -> str:
    return row["start"] or ""


def _field(row: Mapping[str, Any], name: str) -> str:
    if name == "held":
        return "held" if row["held"] else "not held"
    if name == "amount":
        return _text(row["amount"]) if row["amount"] else ""
    return str(row[name])


def _row_text(row: Mapping[str, Any] | None) -> str:
    return f"{row['start']} {_text(row['amount']) if row['amount'] else ''}".strip() if row else ""


def _totals(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    before, after = ({one["order"]: one for one in schedule["totals"]} for schedule in (old, new))
    return [_change(key, None, "total", _total(before.get(key)), _total(after.get(key))) for key in {**before, **after} if _total(before.get(key)) != _total(after.get(key))]


def _total(total: Mapping[str, Any] | None) -> str:
    return "none" if total is None else f"{_text(total['amount']) if total['amount'] else 'held'} in {total['doses']} doses"


def _words(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Changes of orders, answers, and queries that came or went."""
    found = [_change(one["key"].rpartition(".")[0], None, one["key"], one["from"], f"{one['to']} ({one['by']}: {one['reason']})") for one in new["changes"] if one not in old["changes"]]
    found += [_change(None, None, f"answer to {one['id']}", "", f"{one['answer']} ({one['by']})") for one in new["answers"] if one not in old["answers"]]
    before, after = ({one["id"]: one for one in schedule["findings"] if one["level"] in ("query", "block")} for schedule in (old, new))
    found += [_change(one["order"], None, "new query", "", one["message"]) for key, one in after.items() if key not in before]
    return found + [_change(one["order"], None, "query no longer asked", one["message"], "") for key, one in before.items() if key not in after]


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and "value" in value:
        return str(Amount(str(value["value"]), value["unit"]))
    return "" if value is None else str(value)


def _change(order: str | None, number: int | None, what: str, old: str, new: str) -> dict[str, Any]:
    return {"order": order, "number": number, "what": what, "from": old, "to": new}


def say(change: Mapping[str, Any]) -> str:
    """One change as a line for people."""
    about = f"{change['order']}{'#' + str(change['number']) if change['number'] else ''} " if change["order"] else ""
    return f"{about}{change['what']}: {change['from'] or 'none'} → {change['to'] or 'none'}"


def notice(number: int, by: int, at: str, told: tuple[dict[str, Any], ...]) -> str:
    """The notice that an issue is no longer valid, as plain text."""
    head = f"SUPERSEDED: issue {number} is no longer valid. Issue {by} replaces it{' from ' + at if at else ''}. Take every copy of issue {number} away."
    return "\n".join([head, "What changed:", *(f"  {say(change)}" for change in told or ()), *(["  nothing in the doses"] if not told else [])])
