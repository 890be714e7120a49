"""A regimen as a page for people: orders, choices, open queries, sources; no patient and no amounts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

from dosing import forms
from dosing.regimen import conflicts
from dosing.regimen.library import Library
from dosing.regimen.schema import Order, Query, Regimen


def listing(shelf: Library) -> list[dict[str, str]]:
    """Every regimen and block of a library as id, kind, version, status, title, source."""
    found = [shelf.regimen(name) for name in sorted(shelf.regimens)]
    return [{"id": r.id, "kind": r.kind, "version": r.version, "status": r.status, "title": r.title, "source": "; ".join(s.id for s in r.sources.values())} for r in found]


def _days(order: Order) -> str:
    if order.days == "ask":
        return "days not given: choose"
    return forms.say_days(order.days) + (f" until {order.until}" if order.until else "")


def _rhythm(order: Order) -> str:
    if order.event:
        return f"this is the event {order.event}"
    if order.at is not None:
        return f"at {order.at.text}" if isinstance(order.at, forms.Clock) else order.at.text
    return "first hour: choose" if order.first == "ask" else ""


def when_said(order: Order) -> str:
    """The conditions of an order in words; empty where it is always given."""
    if not order.when:
        return ""
    either = " or ".join(c.text for c in order.when.any)
    return " and ".join([*(c.text for c in order.when.all), *([f"({either})" if order.when.all else either] if either else [])])


def _limits(order: Order) -> dict[str, str]:
    """The largest amounts and the spacing that the protocol prints for an order."""
    named = {"largest dose": order.max, "largest daily dose": order.max_day, "largest course": order.max_course, "largest body surface": order.bsa_max}
    told = {name: str(value) for name, value in named.items() if value is not None}
    return told | ({"at least between doses": f"{order.apart} min"} if order.apart else {})


def _courses(regimen: Regimen, query: Query) -> str:
    """What the sources of a question come to per kg or m2, side by side; empty where they do not differ in that."""
    return next((conflicts.per_basis(order, query) for order in regimen.orders if order.id == query.order), "")


def calendar(regimen: Regimen, day0: date) -> list[dict[str, Any]]:
    """Each day of the protocol with its date, weekday and order ids."""
    days = sorted({day for order in regimen.orders if isinstance(order.days, tuple) for day in order.days})
    return [
        {"day": day, "date": (there := day0 + timedelta(day)).isoformat(), "weekday": f"{there:%A}",
         "orders": [order.id for order in regimen.orders if isinstance(order.days, tuple) and day in order.days]}
        for day in days
    ]  # fmt: skip


def to_dict(regimen: Regimen, day0: date | None = None) -> dict[str, Any]:
    """The protocol as plain JSON values, with its calendar when a day 0 is given."""
    orders = [
        {"id": o.id, "drug": o.drug, "dose": str(o.dose), "days": _days(o), "rhythm": _rhythm(o), "when": when_said(o), "route": o.route, "weight": o.weight,
         "over": o.over, "product": o.product, "total": str(o.total) if o.total else None, "limits": _limits(o), "note": o.note, "cite": {k: list(v) for k, v in o.cite.items()}}
        for o in regimen.orders
    ]  # fmt: skip
    page_ = {
        "id": regimen.id, "version": regimen.version, "status": regimen.status, "title": regimen.title, "kind": regimen.kind,
        "sha256": regimen.sha256, "day0": regimen.day0, "ages": str(regimen.ages) if regimen.ages else None,
        "choices": {name: {"ask": c.ask, "options": c.options, "default": c.default, "closed": c.closed, "cite": {k: list(v) for k, v in c.cite.items()}} for name, c in regimen.choices.items()},
        "orders": orders,
        "queries": [{"id": q.id, "level": q.level, "ask": q.ask, "courses": _courses(regimen, q), "cite": {k: list(v) for k, v in q.cite.items()}} for q in regimen.queries],
        "not_scheduled": [{"drug": n.drug, "reason": n.reason, "cite": ", ".join(n.cite)} for n in regimen.not_scheduled],
        "source_silent": list(regimen.silent),
        "sources": [{"key": key, **s.told()} for key, s in regimen.sources.items()],
    }  # fmt: skip
    return {**page_, "calendar": calendar(regimen, day0)} if day0 else page_


def page(regimen: Regimen, day0: date | None = None, width: int = 0) -> str:
    """The protocol as a page of plain text, as wide as the terminal and at most 120 signs; 100 without a terminal."""
    r = to_dict(regimen, day0)
    wide = min(width or get_terminal_size((100, 24)).columns, 120)
    head = [f"{r['id']} version {r['version']} ({r['status'].upper()})", r["title"], f"Day 0: {r['day0']}."]
    parts = [head, [line for order in r["orders"] for line in _told(order)], _choices(r["choices"]), _rest(r), _calendar(r.get("calendar", [])), _sources(r)]
    return "\n\n".join("\n".join(filled for line in part for filled in _filled(line, wide)) for part in parts if part)


Line = str | tuple[str, str]  # a whole line, or a first column and what hangs beside it


def _filled(line: Line, width: int) -> list[str]:
    """The lines of the page, broken between words, with what goes on under where it began."""
    first, rest = line if isinstance(line, tuple) else ("", line)
    hang = " " * max(len(first), 4) if isinstance(line, tuple) else ""
    return wrap(first + rest, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False) or [""]


def _told(order: Mapping[str, Any]) -> Iterator[Line]:
    """One order: dose, days and hours, then route and limits, condition, note, and what the sources print."""
    gap = " " * 13
    days = order["days"] if order["days"].startswith("days ") else f"day{'' if order['days'].lstrip('+-').isdigit() else 's'} {order['days']}"
    dose = re.sub(r"\d{4,}", lambda found: f"{int(found[0]):,}", order["dose"])
    yield f"  {order['id']:<10} ", f"{order['drug']}: {', '.join(filter(None, (dose, days, order['rhythm'])))}"
    limits = [f"{name} {value}" for name, value in order["limits"].items()]
    total = f"course total {order['total'].removesuffix('/course')}" if order["total"] else ""
    over = f"over {order['over']} min" if order["over"] else ""
    more = [(order["route"] or "").upper(), over, order["product"] or "", _weight(order), total, *limits]
    yield gap, "; ".join(filter(None, more))
    for label, text in (("when ", order["when"]), ("note: ", order["note"])):
        yield from [(gap + label, text)] if text else ()
    yield from ((f"{gap}{key} prints ", "; ".join(f'"{phrase}"' for phrase in phrases)) for key, phrases in order["cite"].items())


def _weight(order: Mapping[str, Any]) -> str:
    """The dosing weight where the dose is by weight or by surface."""
    if not re.search(r"/(?:kg|m2)\b", order["dose"]):
        return ""
    return "dosing weight not named" if order["weight"] == "unspecified" else f"weight {order['weight']}"


def _choices(choices: Mapping[str, Any]) -> list[Line]:
    lines: list[Line] = ["Choices"] if choices else []
    for name, choice in choices.items():
        default = f" default {choice['default']}" if choice["default"] else ""
        lines.append(("  ", f"{name}: {choice['ask']} [{' | '.join(choice['options'])}]{default}"))
        lines += [("    ", f"{option} is closed: {why}") for option, why in choice["closed"].items()]
    return lines


def _rest(r: Mapping[str, Any]) -> list[Line]:
    """What the sources leave open: questions, drugs without a dose, and what they do not say."""
    reasons: dict[str, list[str]] = {}
    for named in r["not_scheduled"]:
        reasons.setdefault(named["reason"], []).append(named["drug"])
    silent = ", ".join(r["source_silent"])
    parts: list[list[Line]] = [
        [("  ", f"{query['id']} ({query['level']}): {query['ask']}" + (f" Side by side: {query['courses']}." if query["courses"] else "")) for query in r["queries"]],
        [("  ", f"{', '.join(drugs)}: {reason}") for reason, drugs in reasons.items()], [("  ", f"{silent}.")] if silent else [],
    ]  # fmt: skip
    lines: list[Line] = []
    for title, part in zip(("Open questions", "Named without a dose", "The source is silent on"), parts, strict=True):
        lines += [*([""] if lines and part else []), *([title] if part else []), *part]
    return lines


def _calendar(days: Iterable[Mapping[str, Any]]) -> list[Line]:
    lines: list[Line] = [(f"  Day {forms.say_day(one['day']):>4}  {one['weekday'][:3]} {one['date']}  ", ", ".join(one["orders"])) for one in days]
    return ["Calendar", *lines] if lines else []


def _sources(r: Mapping[str, Any]) -> list[Line]:
    return ["Sources", *(("  ", f"{one['key']}: {one['title']}, {one['address'] or one['id']} ({_wording(one)}read {one['read']})") for one in r["sources"])]


def _wording(source: Mapping[str, str]) -> str:
    return f"wording {source['wording']}; " if "wording" in source else ""
