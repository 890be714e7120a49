"""The record behind the grid: administrations in time order, how each dose was worked out, checks, sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from dosing.derivation import percent
from dosing.render import blinding, issued, past, wording
from dosing.render.grid import changed
from dosing.render.names import amount_text, drug_name, name_of, order_of, prose, runs, signable, starts
from dosing.render.page import Entry, Fact, Working
from dosing.schedule import Administration, Amount, Finding, Schedule, iso

METRICS = {
    "bsa": "Body surface area", "bmi": "Body mass index", "crcl": "Creatinine clearance", "crcl-indexed": "Creatinine clearance per 1.73 m²",
    "crcl.adjusted40.devine": "The same on adjusted weight", "crcl.ideal.devine": "The same on ideal weight",
}  # fmt: skip
PROPER = {"dubois": "Du Bois"}
SAME_SOURCE = re.compile(r'(\b([\w.-]+): "[^"]*"(?:, "[^"]*")*); \2: "')
RESULTS = {"pass": "PASS", "note": "NOTE", "query": "ANSWERED", "block": "HOLD"}


def entries(schedule: Schedule) -> tuple[Entry, ...]:
    """Every administration and missed dose in time order with start, stop, route and duration."""
    return tuple(_entry(schedule, row) for row in past.every(schedule))


def _entry(schedule: Schedule, row: Administration) -> Entry:
    return Entry(
        wording.day(row.day),
        wording.day_date(row.date, schedule.locale),
        starts(schedule, row),
        _stop(row, schedule.locale),
        ", ".join(filter(None, (name_of(schedule, row.order), blinding.arm_of(schedule, row.order)))),
        f"{row.number} of {row.of}".replace(" ", wording.NBSP),
        amount_text(schedule, row),
        wording.route(row.route),
        "" if past.lost(row) else wording.over(row.minutes),
        signable(schedule, row.order),
        issued.was(schedule, row.order, row.number),
    )


def _stop(row: Administration, locale: str) -> str:
    """The planned stop; of a dose given only one that was recorded, of a missed one none."""
    told = past.given(row)
    if past.lost(row):
        return wording.WORDS["none"]
    if row.seconds is None or not row.minutes or (told is not None and not told.get("stop")):
        return wording.WORDS["no_stop"]
    begin, stop = iso(row.seconds, row.zone) or "", iso(row.seconds + row.minutes * 60, row.zone) or ""
    return stop[11:16] if begin[:10] == stop[:10] else f"{stop[11:16]} on {wording.read_date(stop[:10], locale)}"


def workings(schedule: Schedule) -> tuple[Working, ...]:
    """One line an order, or several, one below the other, where its doses were worked out in different ways."""
    orders: dict[str, list[Administration]] = {}
    for row in schedule:
        orders.setdefault(row.order, []).append(row)
    return tuple(made for order, rows in orders.items() for made in _ways(schedule, order, rows))


def _ways(schedule: Schedule, order: str, rows: list[Administration]) -> Iterator[Working]:
    """The lines of one order; of several each tells the sum of its own doses, and the last the course total, once."""
    ways: dict[tuple[str, str], list[Administration]] = {}
    for dose, same in past.doses_of(schedule, order, rows):
        for row in same:
            ways.setdefault((dose, row.why), []).append(row)
    whole = _total(schedule, next((total for total in schedule.totals if total.order == order), None))
    for count, ((dose, why), given) in enumerate(ways.items(), 1):
        numbers = runs([row.number for row in given])
        part = f"{numbers}: {_sum(schedule, given)}" + (f"; all: {whole}" if count == len(ways) else "")
        yield _working(schedule, order, dose, why, given, *((part, numbers) if len(ways) > 1 else (whole, "")))


def _sum(schedule: Schedule, given: list[Administration]) -> str:
    """What some doses of one order come to; HOLD while one of them is held."""
    amounts = [row.amount for row in given if row.amount]
    if any(row.held for row in given):
        return wording.WORDS["hold"]
    if len({amount.unit for amount in amounts}) != 1:
        return wording.WORDS["none"]
    return wording.amount(Amount(str(sum(amount.decimal for amount in amounts)), amounts[0].unit), schedule.locale)


def _working(schedule: Schedule, order: str, dose: str, why: str, given: list[Administration], total: str, numbers: str) -> Working:
    """One way in which doses were worked out; `numbers` names them where the order has several ways."""
    row, locale, first = order_of(schedule, order), schedule.locale, past.planned(given[0])
    days = numbers or (days_text(str(row["days"])) if row.get("days") else "")
    told = f" ({told})" if (told := changed(schedule, order)) else ""
    return Working(
        name_of(schedule, order),
        ", ".join(filter(None, (wording.plain(dose, locale), days))) + told,
        cites(row.get("cite"), locale),
        wording.plain(why, locale),
        wording.amount(given[0].calculated, locale) if given[0].calculated else wording.WORDS["none"],
        wording.amount(first, locale) if first and not given[0].held else wording.WORDS["hold" if given[0].held else "not_given"],
        str(len(given)),
        total,
    )


def _total(schedule: Schedule, total: Any) -> str:
    if total is None:
        return wording.WORDS["none"]
    return wording.amount(total.amount, schedule.locale) if total.amount else wording.WORDS["hold"]


def days_text(text: str) -> str:
    """The days of an order in words, `days −5 to −2`; empty without any."""
    if not text:
        return ""
    ends = text.replace("..", " to ").replace("-", wording.MINUS)
    return f"days {ends}" if " " in ends else f"day {ends}"


def cites(cite: Any, locale: str) -> str:
    """The printed phrases of the sources, `registry: “30 mg”`."""
    if isinstance(cite, Mapping):
        phrases = {key: [text] if isinstance(text, str) else text for key, text in cite.items()}
        return "; ".join(
            f"{key}: " + ", ".join(f"“{wording.quoted(text, locale)}”" for text in texts)
            for key, texts in phrases.items()
        )
    text = wording.quoted(str(cite or ""), locale)
    while (shorter := SAME_SOURCE.sub(r'\1, "', text)) != text:  # a source is named once for all its phrases
        text = shorter
    return text


def body(schedule: Schedule) -> tuple[Fact, ...]:
    """Every derived measure with its formula, the value before rounding, and the surface by another formula."""
    facts: list[Fact] = []
    for name, metric in schedule.metrics.items():
        facts.append(Fact(METRICS.get(name) or wording.weight(name).capitalize(), _metric(metric, schedule.locale)))
        facts += _cross_check(schedule, metric) if name == "bsa" else []
    return (*facts, *(_weight(schedule, one) for one in schedule.weights))


def _weight(schedule: Schedule, one: Mapping[str, Any]) -> Fact:
    """One dosing weight of a heavy patient with the dose of each order it would give, calculated and not rounded."""
    locale = schedule.locale
    doses = (f"{name_of(schedule, order)} {_given(dose, locale)}" for order, dose in one["doses"].items())
    return Fact(wording.weight(one["name"]).capitalize(), f"{wording.amount(Amount(one['value'], one['unit']), locale)}; {', '.join(doses)}")


def _given(dose: Mapping[str, Any], locale: str) -> str:
    """What a weight would give; of a line that is held no amount, as none of them is used."""
    if dose["amount"] is None:
        return "held"
    return wording.amount(Amount(dose["calculated"], dose["unit"]), locale) + (", used" if dose["used"] else "")


def _cross_check(schedule: Schedule, metric: Mapping[str, str]) -> list[Fact]:
    """The body surface by a second formula and how far it is from the first; none where weight or height is missing."""
    from dosing.metrics import lookup

    weight, height = (schedule.patient.get(key) for key in ("weight", "height"))
    if not (weight and height and metric.get("unrounded")):
        return []
    used = metric.get("formula", "")
    other = "mosteller" if used != "mosteller" else "dubois"
    value = float(lookup(f"bsa.{other}")(weight=float(weight["value"]), height=float(height["value"])))
    apart = percent(Decimal(f"{(value / float(metric['unrounded'].rstrip('…')) - 1) * 100:.1f}"))
    return [Fact("Cross-check", wording.plain(f"{value:.4f}".rstrip("0") + f" m2; {formula(other)}; {apart} from {formula(used)}", schedule.locale))]


def _metric(metric: Mapping[str, str], locale: str) -> str:
    told = wording.fact(metric, locale)
    exact = metric.get("unrounded", "").rstrip("…")
    before = f"before rounding {wording.number(exact)}" if exact and exact != metric["value"] else ""
    return "; ".join(filter(None, [told, formula(metric.get("formula", "")), before]))


def formula(name: str) -> str:
    """A formula's name without its group, `Cockcroft-Gault`; a written formula as it is."""
    plain = name.rpartition(".")[2]
    return name if " " in name else PROPER.get(plain, plain.title())


def checks(schedule: Schedule) -> tuple[Fact, ...]:
    """The findings that ask nothing more, and the second calculation, as words and texts."""
    closed = [finding for finding in schedule.findings if not finding.is_open and not _told_elsewhere(finding)]
    ordered = sorted(closed, key=lambda finding: list(RESULTS).index(finding.level))
    return (
        _second(schedule.second_calculation),
        *(Fact(RESULTS[finding.level], _finding(finding, schedule)) for finding in ordered),
    )


def _told_elsewhere(finding: Finding) -> bool:
    """The second calculation has its own line, and drugs without a dose their own list."""
    return finding.code == "second.agrees" or (
        finding.code == "dose.not-given" and finding.order is None and finding.level == "note"
    )


def _second(result: Mapping[str, Any]) -> Fact:
    if result.get("agrees"):
        return Fact("PASS", f"A second, independent calculation agrees on {result.get('doses')} doses.")
    return Fact(
        "FAIL" if result else "NOTE",
        "The second calculation does not agree." if result else "No second calculation was made.",
    )


def _finding(finding: Finding, schedule: Schedule) -> str:
    answer = f" Answer: {wording.plain(finding.answer, schedule.locale)}" if finding.answer else ""
    return issued.moments(wording.on_paper(prose(schedule, finding.message)), schedule.locale) + answer


def decisions(schedule: Schedule) -> tuple[Fact, ...]:
    """Choices, event times, changes and answers: what a person decided. The arm is printed only as it was chosen."""
    locale = schedule.locale
    chosen = [Fact(_key(schedule, key), wording.plain(text, locale)) for key, text in schedule.choices.items()]
    timed = [Fact(f"time of {_key(schedule, key)}", text) for key, text in schedule.times.items()]
    made = [Fact(_key(schedule, row["key"]), _change(row, locale)) for row in schedule.changes]
    answered = (Fact(row["id"], _rest(row, ("id",), locale)) for row in schedule.answers)
    return (*chosen, *timed, *made, *answered, *_corrections(schedule))


def _corrections(schedule: Schedule) -> Iterator[Fact]:
    """Every dose that was entered again, with each entry and its person."""
    for row in past.every(schedule):
        if entries := past.chain(schedule, row):
            yield Fact(f"{name_of(schedule, row.order)} {runs([row.number])}", entries)


def _key(schedule: Schedule, key: str) -> str:
    order, _, rest = key.partition(".")
    known = order in {row["id"] for row in schedule.orders}
    return " ".join(filter(None, [name_of(schedule, order) if known else order.replace("_", " "), rest]))


def _change(row: Mapping[str, Any], locale: str) -> str:
    ends = (
        f"changed from {wording.plain(row['from'], locale)} to {wording.plain(row['to'], locale)}"
        if "from" in row
        else "changed"
    )
    return f"{ends}; {_rest(row, ('key', 'from', 'to'), locale)}"


def _rest(row: Mapping[str, Any], told: Iterable[str], locale: str) -> str:
    """The other entries of a person's decision as `by: AB; reason: …`."""
    return "; ".join(
        f"{key.replace('_', ' ')}: {wording.plain(str(value), locale)}"
        for key, value in row.items()
        if key not in told and value
    )


def order_notes(schedule: Schedule) -> tuple[Fact, ...]:
    """What the regimen's author noted on an order."""
    noted = [row for row in schedule.orders if row.get("note")]
    return tuple(Fact(name_of(schedule, row["id"]), prose(schedule, row["note"])) for row in noted)


def not_scheduled(schedule: Schedule) -> tuple[Fact, ...]:
    """Drugs that are named without a dose, and orders that have no administration."""
    named = [
        Fact(wording.spelling(row.get("name") or drug_name(row["drug"]), schedule.locale), _reason(row, schedule.locale)) for row in schedule.not_scheduled
    ]
    scheduled = {row.order for row in past.every(schedule)}
    return (
        *named,
        *(
            Fact(name_of(schedule, row["id"]), "no administration in this schedule")
            for row in schedule.orders
            if row["id"] not in scheduled
        ),
    )


def _reason(row: Mapping[str, Any], locale: str) -> str:
    cite = cites(row.get("cite"), locale)
    return wording.plain(row.get("reason", ""), locale) + (f" ({cite})" if cite else "")


def silent(schedule: Schedule) -> tuple[str, ...]:
    """What the source says nothing about."""
    return tuple(wording.plain(text, schedule.locale) for text in schedule.silent)


def sources(schedule: Schedule) -> tuple[Fact, ...]:
    """Where the numbers were read, by the key that the citations use."""
    return tuple(Fact(row["key"], "; ".join(_source(row, schedule.locale))) for row in schedule.sources)


def _source(row: Mapping[str, str], locale: str) -> Iterable[str]:
    yield wording.plain(row["title"], locale)
    if row.get("id", "") not in row["title"]:
        yield row["id"]
    if row.get("wording"):
        yield f"wording {row['wording']}"
    if row.get("read"):
        yield f"read {wording.read_date(row['read'], locale)}"
