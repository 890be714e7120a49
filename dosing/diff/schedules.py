"""Two saved schedules: release, patient, day 0 and choices first, then order by order, then findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from dosing.diff import doses
from dosing.diff.change import NONE, Change, arrow, drug, measure, numbers
from dosing.diff.saved import Finding, Row, Saved, Total

LABELS = {"crcl": "creatinine clearance", "weighed": "date of the weight", "bsa": "body surface", "bmi": "body mass index", "born": "birth date"}
STATES = {"block": "HOLD", "query": "query", "note": "note", "pass": "check"}
PRINTED = {"printed_at", "issue", "replaces", "changed"}  # of the print, not of the plan
TOLD = {"schema", "regimen", "patient", "metrics", "day0", "zone", "times", "choices", "changes", "answers", "releasable", "administrations", "totals", "findings", "second_calculation", "course"}  # the finding `second` tells the last


def changes(a: Saved, b: Saved) -> list[Change]:
    """Every change from `a` to `b`, the causes first; empty only when all but the print is the same."""
    found = [*_release(a, b), *_regimen(a, b), *_patient(a, b), *_when(a, b), *_decisions(a, b), *_orders(a, b), *_under_way(a, b), *_findings(a, b), *_rest(a, b)]
    if not found and _content(a) != _content(b):
        found = [Change("other", "the same doses, days and findings; other details of the files differ")]
    return found


def _content(saved: Saved) -> dict[str, Any]:
    return {key: value for key, value in saved.model_dump(by_alias=True).items() if key not in PRINTED}


def _regimen(a: Saved, b: Saved) -> Iterator[Change]:
    named = [f"{one.regimen.get('id')}@{one.regimen.get('version')}" for one in (a, b)]
    if named[0] != named[1]:
        yield Change("regimen", f"regimen {arrow(*named)}", before=named[0], after=named[1])
    elif a.regimen.get("sha256") != b.regimen.get("sha256"):
        yield Change("regimen", f"the file of regimen {named[0]} was changed without a new version", before=str(a.regimen.get("sha256")), after=str(b.regimen.get("sha256")))
    for key in ("status", "blocks"):
        yield from _pair("regimen", f"regimen {key}", _listed(a.regimen.get(key)), _listed(b.regimen.get(key)))


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _pair(what: str, label: str, before: str, after: str) -> Iterator[Change]:
    """`label before → after` where the two differ; entered and removed facts say so."""
    if before == after:
        return
    text = f"{label} entered: {after}" if not before else f"{label} removed, was {before}" if not after else f"{label} {arrow(before, after)}"
    yield Change(what, text, before=before, after=after)


def _keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _patient(a: Saved, b: Saved) -> Iterator[Change]:
    for key in _keys(a.patient, b.patient):
        yield from _pair(key, LABELS.get(key, key.replace("_", " ")), str(a.patient.get(key, "")), str(b.patient.get(key, "")))
    for key in _keys(a.metrics, b.metrics):
        one, other = a.metrics.get(key, {}), b.metrics.get(key, {})
        label = LABELS.get(key, key)
        yield from _pair(key, label, measure(one), measure(other)) if one and other else _pair(key, label, measure(one or None), measure(other or None))
        yield from _pair("formula", f"formula of {label}", one.get("formula", ""), other.get("formula", "")) if one and other else ()


def _when(a: Saved, b: Saved) -> Iterator[Change]:
    if a.day0 and b.day0 and a.day0 != b.day0:
        moved = (date.fromisoformat(b.day0) - date.fromisoformat(a.day0)).days
        yield Change("day0", f"day 0 moved {a.day0} → {b.day0} ({abs(moved)} day{'s' if abs(moved) > 1 else ''} {'later' if moved > 0 else 'earlier'})", before=a.day0, after=b.day0)
    else:
        yield from _pair("day0", "day 0", a.day0 or "", b.day0 or "")
    yield from _pair("zone", "time zone", a.zone or "", b.zone or "")
    for key in _keys(a.times, b.times):
        yield from _pair("time", f"time of {key}", a.times.get(key, ""), b.times.get(key, ""))


def _decisions(a: Saved, b: Saved) -> Iterator[Change]:
    for key in _keys(a.choices, b.choices):
        one, other = a.choices.get(key, ""), b.choices.get(key, "")
        if one != other and "blinded" in (one, other):
            yield Change("choice", f"choice {key} is blinded in one of the two and is not told here")  # a diff must not unblind
        else:
            yield from _pair("choice", f"choice {key}", one, other)
    made = [{change.get("key", ""): _made(change) for change in one.changes} for one in (a, b)]
    for key in _keys(*made):
        yield from _pair("change", f"change of {key}", made[0].get(key, ""), made[1].get(key, ""))
    said = [{answer.get("id", ""): f"“{answer.get('answer', '')}” by {answer.get('by', '')}" for answer in one.answers} for one in (a, b)]
    for key in _keys(*said):
        yield from _pair("answer", f"answer to {key}", said[0].get(key, ""), said[1].get(key, ""))


def _made(change: Mapping[str, Any]) -> str:
    second = f", confirmed by {change['second']}" if change.get("second") else ""
    return f"{change.get('from', '')} → {change.get('to', '')} by {change.get('by', '')}{second} ({change.get('reason', '')})"


def _orders(a: Saved, b: Saved) -> Iterator[Change]:
    rows = [{order: [row for row in one.administrations if row.order == order] for order in dict.fromkeys(row.order for row in one.administrations)} for one in (a, b)]
    totals, sides = [{total.order: total for total in one.totals} for one in (a, b)], doses.Sides.of(a, b)
    for order in _keys(*rows):
        first, second = rows[0].get(order, []), rows[1].get(order, [])
        about = _about(order, second or first, (*a.administrations, *b.administrations))
        ends = [part.get(order) for part in totals]
        if not first or not second:
            yield _whole(about, order, first or second, ends[0] or ends[1], added=not first)
            continue
        for change in (*doses.changes(first, second, sides), *_course(*ends)):
            yield change._replace(about=about, order=order)


def _about(order: str, rows: list[Row], everywhere: Iterable[Row]) -> str:
    """The drug's name, with the order's id where the drug stands in several orders."""
    name = rows[0].drug
    return f"{drug(name)} ({order})" if len({row.order for row in everywhere if row.drug == name}) > 1 else drug(name)


def _whole(about: str, order: str, rows: list[Row], total: Total | None, added: bool) -> Change:
    """An order that only one of the two schedules has."""
    listed = doses.told(rows)
    told = f"order {'added' if added else 'removed'}, {listed}{f', course {_end(total)}' if total else ''}"
    return Change("order", told, about, order, "" if added else listed, listed if added else "")


def _end(total: Total | None) -> str:
    return "" if total is None else str(total.amount) if total.amount else "HOLD"


def _course(one: Total | None, other: Total | None) -> Iterator[Change]:
    if _end(one) != _end(other):
        yield Change("total", f"course {arrow(_end(one), _end(other))}", before=_end(one), after=_end(other))
    given = [str(total.given) if total and total.given and Decimal(total.given.value) else "" for total in (one, other)]
    if given[0] != given[1]:
        text = f"given so far {arrow(*given)}" if all(given) else f"given so far {given[1]}" if given[1] else f"nothing given so far, was {given[0]}"
        yield Change("total", text, before=given[0], after=given[1])


def _findings(a: Saved, b: Saved) -> Iterator[Change]:
    olds, news = ({(finding.id, finding.order): finding for finding in one.findings} for one in (a, b))
    for key in [*olds, *(key for key in news if key not in olds)]:
        one, other = olds.get(key), news.get(key)
        text = _finding(one, other)
        if text:
            yield Change("finding", text, order=key[1], before=one.message if one else "", after=other.message if other else "", cite=(other or one).cite)  # type: ignore[union-attr]


def _finding(one: Finding | None, other: Finding | None) -> str:
    if one is None and other is not None:
        return f"new {STATES[other.level]} {other.id}: {other.message}"
    if one is not None and other is None:
        return f"{STATES[one.level]} {one.id} is gone"
    assert one and other
    if one.level != other.level:
        return f"{one.id} {STATES[one.level]} → {STATES[other.level]}: {other.message}"
    return f"{STATES[other.level]} {other.id} now reads: {other.message}" if one.message != other.message else ""


def _release(a: Saved, b: Saved) -> Iterator[Change]:
    if a.releasable != b.releasable:
        words = ["releasable" if one.releasable else "NOT RELEASABLE" for one in (a, b)]
        yield Change("release", f"now {words[1]}", before=words[0], after=words[1])


def _under_way(a: Saved, b: Saved) -> Iterator[Change]:
    """What only a course has: that it is under way, and the doses that were missed or stopped."""
    known = a.course or b.course
    if known and (a.course is None or b.course is None):
        yield Change("course", f"the course is {'under way' if b.course else 'not under way any more'}; it began with day 0 on {known.day0_at_start}")
    olds, news = (one.course.not_given if one.course else [] for one in (a, b))
    rows = (*a.administrations, *b.administrations)
    for word, gone in (("recorded as", [row for row in news if row not in olds]), ("no longer", [row for row in olds if row not in news])):
        for order, state, why in dict.fromkeys((row.order, row.state, row.why) for row in gone):
            mine = [row.number for row in gone if (row.order, row.state, row.why) == (order, state, why)]
            named = [row for row in rows if row.order == order]
            yield Change("not_given", f"{numbers(mine)} {word} {state}{f' ({why})' if why else ''}", _about(order, named, rows) if named else order, order)


def _rest(a: Saved, b: Saved) -> Iterator[Change]:
    one, other = _content(a), _content(b)
    for key in _keys(one, other):
        if key not in TOLD and one.get(key) != other.get(key):
            yield Change(key, f"{key.replace('_', ' ')}: {_brief(one.get(key))} → {_brief(other.get(key))}")


def _brief(value: Any) -> str:
    """A value of a key that has no words of its own: a list of texts in full, anything else by its size."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) if all(isinstance(one, str) for one in value) else f"{len(value)} entries"
    return ", ".join(f"{key} {each}" for key, each in value.items() if not isinstance(each, dict | list)) if isinstance(value, dict) else str(value or NONE)
