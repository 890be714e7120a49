"""Two saved schedules: release, patient, day 0 and choices first, then order by order, then findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from dosing.diff.change import NONE, Change, arrow, days, drug, measure
from dosing.diff.saved import Finding, Row, Saved, Total

LABELS = {"crcl": "creatinine clearance", "weighed": "date of the weight", "bsa": "body surface", "bmi": "body mass index", "born": "birth date"}
STATES = {"block": "HOLD", "query": "query", "note": "note", "pass": "check"}
RECORDED = {(False, True): "recorded as given", (True, True): "record of the given dose changed", (True, False): "no longer recorded as given"}
RELEASED = {(False, True): "released by name", (True, True): "release changed", (True, False): "release taken back"}
PRINTED = {"printed_at", "issue", "replaces", "changed"}  # of the print, not of the plan
TOLD = {"schema", "regimen", "patient", "metrics", "day0", "zone", "times", "choices", "changes", "answers", "releasable", "administrations", "totals", "findings", "second_calculation"}  # the finding `second` tells the last


def changes(a: Saved, b: Saved) -> list[Change]:
    """Every change from `a` to `b`, the causes first; empty only when all but the print is the same."""
    found = [*_release(a, b), *_regimen(a, b), *_patient(a, b), *_when(a, b), *_decisions(a, b), *_orders(a, b), *_findings(a, b), *_rest(a, b)]
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
    totals = [{total.order: total for total in one.totals} for one in (a, b)]
    for order in _keys(*rows):
        first, second = rows[0].get(order, []), rows[1].get(order, [])
        about = _about(order, second or first, (*a.administrations, *b.administrations))
        ends = [part.get(order) for part in totals]
        if not first or not second:
            yield _whole(about, order, first or second, ends[0] or ends[1], added=not first)
            continue
        exact = (a.day0, a.zone) == (b.day0, b.zone)
        for change in (*_doses(first, second, exact), *_course(*ends)):
            yield change._replace(about=about, order=order)


def _about(order: str, rows: list[Row], everywhere: Iterable[Row]) -> str:
    """The drug's name, with the order's id where the drug stands in several orders."""
    name = rows[0].drug
    return f"{drug(name)} ({order})" if len({row.order for row in everywhere if row.drug == name}) > 1 else drug(name)


def _whole(about: str, order: str, rows: list[Row], total: Total | None, added: bool) -> Change:
    """An order that only one of the two schedules has."""
    told = f"order {'added' if added else 'removed'}, {_told(rows)}{f', course {_end(total)}' if total else ''}"
    return Change("order", told, about, order, "" if added else _told(rows), _told(rows) if added else "")


def _told(rows: list[Row]) -> str:
    """`4 doses of 55 mg on days −5..−2`, in parts where the amounts differ."""
    parts = [(state, list(part)) for state, part in groupby(rows, lambda row: row.state)]
    return ", ".join(f"{len(part)} dose{'s' if len(part) > 1 else ''}: {state} {days(row.day for row in part)}" for state, part in parts)


def _end(total: Total | None) -> str:
    return "" if total is None else str(total.amount) if total.amount else "HOLD"


def _doses(first: list[Row], second: list[Row], exact: bool) -> Iterator[Change]:
    """The doses of one order, dose by dose by their number; those that one side lacks come last."""
    olds, news = {row.number: row for row in first}, {row.number: row for row in second}
    pairs = [(olds[number], news[number]) for number in olds if number in news]
    yield from _moved(pairs)
    yield from _grouped("dose", pairs, lambda row: row.state, _dose)
    alike = [(one, other) for one, other in pairs if one.state == other.state]
    yield from _grouped("calculated", alike, lambda row: str(row.calculated or ""), _calculated)
    yield from _started(pairs)
    if exact:
        same = [(one, other) for one, other in pairs if one.day == other.day and one.clock == other.clock]
        yield from _grouped("start", same, lambda row: (row.start or "")[11:], lambda one, other: f"start {(one.start or '')[11:]} → {(other.start or '')[11:]}")
    yield from _grouped("duration", pairs, lambda row: row.length, lambda one, other: f"duration {arrow(one.length, other.length)}")
    yield from _grouped("route", pairs, lambda row: row.route or "", lambda one, other: f"route {arrow(one.route or '', other.route or '')}")
    yield from _grouped("drug", pairs, lambda row: drug(row.drug), lambda one, other: f"drug {arrow(drug(one.drug), drug(other.drug))}")
    yield from _recorded(pairs)
    settled = [(one, other) for one, other in alike if one.calculated == other.calculated and one.drug == other.drug]
    yield from _grouped("working", settled, lambda row: row.why, lambda one, other: f"same dose by another working: {one.why} → {other.why}")
    for word, rows in (("removed", [olds[n] for n in olds if n not in news]), ("added", [news[n] for n in news if n not in olds])):
        if rows:
            yield Change("doses", f"{len(first)} → {len(second)} doses, {word} {_told(rows)}", before=str(len(first)), after=str(len(second)))


def _grouped(what: str, pairs: list[tuple[Row, Row]], value: Callable[[Row], str], tell: Callable[[Row, Row], str]) -> Iterator[Change]:
    """One change for all doses whose value changed alike, with the days they stand on."""
    groups: dict[tuple[str, str], list[tuple[Row, Row]]] = {}
    for one, other in pairs:
        if value(one) != value(other):
            groups.setdefault((value(one), value(other)), []).append((one, other))
    for (before, after), group in groups.items():
        yield Change(what, f"{tell(*group[0])} {_places(group)}", before=before, after=after)


def _places(group: list[tuple[Row, Row]]) -> str:
    """The days of a group of doses, with the dose numbers where a day has several."""
    rows = [other for _, other in group]
    shared = len({row.day for row in rows}) < len(rows)
    numbers = f" (dose{'s' if len(rows) > 1 else ''} {rows[0].number}{f' to {rows[-1].number}' if len(rows) > 1 else ''} of {rows[0].of})"
    return days(row.day for row in rows) + (numbers if shared else "")


def _dose(one: Row, other: Row) -> str:
    if other.held:
        return f"line HELD, was {one.state},"
    return f"line released: {other.state}" if one.held else arrow(one.state, other.state)


def _calculated(one: Row, other: Row) -> str:
    kept = "still on HOLD" if other.held else f"still {other.state}"
    return f"calculated {arrow(str(one.calculated or NONE), str(other.calculated or NONE))}, {kept},"


def _moved(pairs: list[tuple[Row, Row]]) -> Iterator[Change]:
    """The doses whose protocol day changed, all together."""
    moved = [(one, other) for one, other in pairs if one.day != other.day]
    if moved:
        before, after = (days(row.day for row in side) for side in zip(*moved, strict=True))
        count = f"dose {moved[0][0].number}" if len(moved) == 1 else f"{len(moved)} doses"
        yield Change("days", f"{count} moved: {after}, was {before.removeprefix('on ')}", before=before, after=after)


def _started(pairs: list[tuple[Row, Row]]) -> Iterator[Change]:
    """The doses whose hour changed, all together: a shifted six-hourly course is one change."""
    moved = [(one, other) for one, other in pairs if one.clock != other.clock]
    if moved:
        hours = list(dict.fromkeys((one.clock, other.clock) for one, other in moved))
        before, after = (", ".join(hour or NONE for hour in side) for side in zip(*hours, strict=True))
        yield Change("start", f"start {', '.join(arrow(*pair) for pair in hours)} {_places(moved)}", before=before, after=after)


def _recorded(pairs: list[tuple[Row, Row]]) -> Iterator[Change]:
    """What a course recorded of doses: given, released by name, or taken back."""
    for what, words in (("given", RECORDED), ("released", RELEASED)):
        for one, other in pairs:
            before, after = getattr(one, what), getattr(other, what)
            if before != after:
                yield Change(what, f"dose {other.number} {words[bool(before), bool(after)]} {days([other.day])}")


def _course(one: Total | None, other: Total | None) -> Iterator[Change]:
    if _end(one) != _end(other):
        yield Change("total", f"course {arrow(_end(one), _end(other))}", before=_end(one), after=_end(other))
    given = [str(total.given) if total and total.given and Decimal(total.given.value) else "" for total in (one, other)]
    if given[0] != given[1]:
        yield Change("total", f"given so far {arrow(*given)}", before=given[0], after=given[1])


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
