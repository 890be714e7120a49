"""A regimen as a page for people: orders, choices, open queries, sources; no patient and no amounts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dosing import forms
from dosing.regimen.library import Library
from dosing.regimen.schema import Order, Regimen


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


def _when(order: Order) -> str:
    if not order.when:
        return ""
    either = " or ".join(c.text for c in order.when.any)
    return " and ".join([*(c.text for c in order.when.all), *([f"({either})" if order.when.all else either] if either else [])])


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
        {"id": o.id, "drug": o.drug, "dose": str(o.dose), "days": _days(o), "rhythm": _rhythm(o), "when": _when(o), "route": o.route, "weight": o.weight,
         "total": str(o.total) if o.total else None, "note": o.note, "cite": {k: list(v) for k, v in o.cite.items()}}
        for o in regimen.orders
    ]  # fmt: skip
    page_ = {
        "id": regimen.id, "version": regimen.version, "status": regimen.status, "title": regimen.title, "kind": regimen.kind,
        "sha256": regimen.sha256, "day0": regimen.day0, "ages": str(regimen.ages) if regimen.ages else None,
        "choices": {name: {"ask": c.ask, "options": c.options, "default": c.default, "closed": c.closed, "cite": {k: list(v) for k, v in c.cite.items()}} for name, c in regimen.choices.items()},
        "orders": orders,
        "queries": [{"id": q.id, "level": q.level, "ask": q.ask, "cite": {k: list(v) for k, v in q.cite.items()}} for q in regimen.queries],
        "not_scheduled": [{"drug": n.drug, "reason": n.reason, "cite": ", ".join(n.cite)} for n in regimen.not_scheduled],
        "source_silent": list(regimen.silent),
        "sources": [{"key": key, "id": s.id, "title": s.title, "address": s.address, "read": s.read.isoformat()} for key, s in regimen.sources.items()],
    }  # fmt: skip
    return {**page_, "calendar": calendar(regimen, day0)} if day0 else page_


def page(regimen: Regimen, day0: date | None = None) -> str:
    """The protocol as a page of plain text."""
    r = to_dict(regimen, day0)
    lines = [f"{r['id']} version {r['version']} ({r['status'].upper()})", r["title"], f"Day 0: {r['day0']}.", ""]
    for order in r["orders"]:
        lines.append(f"  {order['id']:<10} {order['drug']}: {order['dose']}, days {order['days']}{', ' + order['rhythm'] if order['rhythm'] else ''}{', ' + order['route'].upper() if order['route'] else ''}")
        lines += [f"  {'':<10} when {order['when']}"] if order["when"] else []
        lines += [f"  {'':<10} note: {order['note']}"] if order["note"] else []
        lines += [f'  {"":<10} {key} prints "{phrase}"' for key, phrases in order["cite"].items() for phrase in phrases]
    lines += ["", "Choices"] if r["choices"] else []
    for name, choice in r["choices"].items():
        lines.append(f"  {name}: {choice['ask']} [{' | '.join(choice['options'])}]{' default ' + choice['default'] if choice['default'] else ''}")
        lines += [f"  {'':<10} {option} is closed: {why}" for option, why in choice["closed"].items()]
    lines += ["", "Open questions"] + [f"  {q['id']} ({q['level']}): {q['ask']}" for q in r["queries"]] if r["queries"] else []
    lines += ["", "Named without a dose"] + [f"  {n['drug']}: {n['reason']}" for n in r["not_scheduled"]] if r["not_scheduled"] else []
    lines += ["", f"The source is silent on: {', '.join(r['source_silent'])}."] if r["source_silent"] else []
    lines += ["", "Calendar"] + [f"  Day {forms.say_day(d['day']):>4}  {d['weekday'][:3]} {d['date']}  {', '.join(d['orders'])}" for d in r.get("calendar", [])] if day0 else []
    lines += ["", "Sources"] + [f"  {s['key']}: {s['title']}, {s['address'] or ''} (read {s['read']})" for s in r["sources"]]
    return "\n".join(lines)
