"""Two regimens: the header, then order by order with the printed phrase each number rests on, then the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dosing.diff.change import Change, arrow, drug
from dosing.forms import say_days, say_time
from dosing.regimen.schema import Order, Regimen, When

HEADER = ("id", "version", "supersedes", "status", "title", "day0", "ages", "bsa", "trial", "kind", "duplicates", "author", "approved_by")
ORDER = ("drug", "dose", "days", "until", "at", "event", "first", "not_before", "not_after", "apart", "over", "total", "max", "max_day", "max_course", "bsa_max", "adjust", "product", "route", "weight", "rounding", "sum", "when", "note", "cite")
WORDS = {"at": "hour", "first": "first hour", "over": "duration", "total": "course total", "max": "largest dose", "when": "condition", "bsa": "body surface formula",
         "not_before": "not before", "not_after": "not after", "apart": "time between doses", "max_day": "largest dose of a day", "max_course": "largest course", "bsa_max": "largest body surface",
         "duplicates": "drugs the protocol has too", "day0": "day 0", "approved_by": "approved by", "weight": "dosing weight", "sum": "counted in sums", "cite": "printed phrase"}  # fmt: skip
PARTS = (("sources", "source"), ("choices", "choice"), ("events", "event"), ("queries", "query"), ("not_scheduled", "not scheduled"))


def changes(a: Regimen, b: Regimen) -> list[Change]:
    """Every change of content from `a` to `b`; comments and the order of keys in the file are none."""
    found = [*_header(a, b), *_orders(a, b)]
    for field, label in PARTS:
        found += _part(label, _named(getattr(a, field)), _named(getattr(b, field)))
    found += [*_silent(a, b), *_examples(a, b)]
    if not found and a.model_dump() != b.model_dump():
        found = [Change("other", "the orders stand in another sequence")]
    return found


def _header(a: Regimen, b: Regimen) -> Iterator[Change]:
    for field in HEADER:
        before, after = told(field, getattr(a, field)), told(field, getattr(b, field))
        if before != after:
            yield Change(field, f"{WORDS.get(field, field)} {arrow(before, after)}", before=before, after=after)


def _orders(a: Regimen, b: Regimen) -> Iterator[Change]:
    olds, news = ({order.id: order for order in one.orders} for one in (a, b))
    for key in [*olds, *(key for key in news if key not in olds)]:
        one, other = olds.get(key), news.get(key)
        if one and other:
            yield from _order(one, other)
        elif only := one or other:
            word = "added" if other else "removed"
            line = f"{told('dose', only.dose)}, {_days(only)}"
            yield Change("order", f"order {word}: {line}", _about(only), key, "" if other else line, line if other else "", told("cite", only.cite))


def _about(order: Order) -> str:
    return f"{drug(order.drug)} ({order.id})"


def _days(order: Order) -> str:
    days = told("days", order.days)
    return "days not given" if days == "ask" else f"day{'' if len(order.days) == 1 else 's'} {days}"


def _order(one: Order, other: Order) -> Iterator[Change]:
    """What changed of one order; the phrase that the new value rests on stands beside it."""
    for field in ORDER:
        before, after = told(field, getattr(one, field)), told(field, getattr(other, field))
        if before != after:
            cite = "" if field == "cite" else told("cite", other.cite)
            yield Change(field, f"{WORDS.get(field, field)} {arrow(before, after)}", _about(other), other.id, before, after, cite)


def told(field: str, value: Any) -> str:
    """A value of a regimen as it is written; empty for none."""
    if value is None:
        return ""
    if field == "days" and not isinstance(value, str):
        return say_days(value).replace("-", "−")
    if field in ("over", "apart", "first") and isinstance(value, int):
        return say_time(value) if field == "first" else f"{value} min"
    if isinstance(value, When):
        return " and ".join(map(str, value.all)) or " or ".join(map(str, value.any))
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_phrases(each)}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _phrases(value: Any) -> str:
    return ", ".join(f"“{phrase}”" for phrase in value) if isinstance(value, tuple) else str(value)


def _named(entries: Any) -> dict[str, Any]:
    """Entries by their name: a mapping as it is, a list by id or drug."""
    return dict(entries) if isinstance(entries, Mapping) else {getattr(entry, "id", None) or entry.drug: entry for entry in entries}


def _part(label: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Change]:
    for key in [*olds, *(key for key in news if key not in olds)]:
        one, other, about = olds.get(key), news.get(key), f"{label} {key}"
        if one is None or other is None:
            yield Change(label, "added" if one is None else "removed", about, cite=told("cite", getattr(other or one, "cite", None)))
            continue
        for field in type(one).model_fields:
            before, after = told(field, getattr(one, field)), told(field, getattr(other, field))
            if before != after:
                yield Change(label, f"{WORDS.get(field, field)} {arrow(before, after)}", about, getattr(other, "order", None), before, after)


def _silent(a: Regimen, b: Regimen) -> Iterator[Change]:
    yield from (Change("silent", f"no longer listed as not said by the source: {text}", before=text) for text in a.silent if text not in b.silent)
    yield from (Change("silent", f"now listed as not said by the source: {text}", after=text) for text in b.silent if text not in a.silent)


def _examples(a: Regimen, b: Regimen) -> Iterator[Change]:
    if [one.model_dump() for one in a.examples] != [one.model_dump() for one in b.examples]:
        yield Change("examples", f"worked examples differ ({len(a.examples)} → {len(b.examples)})", before=str(len(a.examples)), after=str(len(b.examples)))
