"""The protocol as FHIR R4: a bundle of one PlanDefinition and an ActivityDefinition for each order.

What R4 offers was taken from https://hl7.org/fhir/R4/plandefinition.html and its value set
https://hl7.org/fhir/R4/valueset-action-relationship-type.html: an action tells its time by `relatedAction` (before or
after the start of another action, by a duration) and `timing[x]`. Day 0 is therefore an action of its own, and each
order starts so many days before or after it. Choices are groups of which exactly one option is taken; a condition is a
FHIRPath expression on `%choice` or a fact of the patient, which the receiving system must supply.

R4's Dosage multiplies nothing, so doses per kg and per m2 stand as UCUM units with the words of the order beside them.
A dose that is held, or that no decimal says exactly, stands in words only; a printed range stands as a range. The
sources and their phrases are citations, open questions documentation. Everything is `draft`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from html import escape
from typing import Any

from dosing import forms
from dosing.exchange.fhir_timing import actions, ident, moments, on_day
from dosing.exchange.protocol import Each, Lost, Part, Protocol, Question
from dosing.forms import Condition, plain
from dosing.regimen.schema import Choice, When
from dosing.render import protocol as page
from dosing.render.fhir import UCUM, full, written
from dosing.render.wording import ROUTES
from dosing.units import ucum

Json = dict[str, Any]
TYPES = "http://terminology.hl7.org/CodeSystem"
OPERATORS = {"==": "=", "!=": "!="}
FACT_UNITS = {"y": "a", "mL/min/1.73 m2": "mL/min/{1.73_m2}", "% of ideal": "%"}


def write(protocol: Protocol) -> tuple[bytes, list[Lost]]:
    """The bundle as UTF-8 JSON with exact decimals, and what R4 cannot carry."""
    lost: list[Lost] = [*_whole_lost(protocol)]
    plan = _plan(protocol, lost)
    entries = [plan, *(_activity(part, protocol) for part in protocol.parts)]
    for part in protocol.parts:
        lost += _lost(part)
    bundle = {
        "resourceType": "Bundle", "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{protocol.uuid('bundle')}"}, "type": "collection",
        "entry": [{"fullUrl": entry["url"], "resource": entry} for entry in entries],
    }  # fmt: skip
    return (written(full(bundle)) + "\n").encode(), lost


def _plan(protocol: Protocol, lost: list[Lost]) -> Json:
    r = protocol.regimen
    return {
        "resourceType": "PlanDefinition", "id": protocol.uuid("plan"), "text": _narrative(protocol), "url": f"urn:uuid:{protocol.uuid('plan')}",
        "identifier": [{"value": protocol.name}], "version": r.version, "name": _name(r.id), "title": r.title,
        "type": {"coding": [{"system": f"{TYPES}/plan-definition-type", "code": "clinical-protocol"}], "text": r.kind},
        "status": _status(protocol), "description": _description(protocol), "useContext": _ages(protocol),
        "usage": "Doses as the sources print them. No amount is calculated here: a pharmacist calculates, checks and signs.",
        "relatedArtifact": [*_sources(protocol), *map(_asked, protocol.questions), *_unscheduled(protocol)],
        "action": [
            _day0(protocol), *_events(protocol), *(_choice(name, choice) for name, choice in r.choices.items()),
            *(_order(part, protocol, lost) for part in protocol.parts),
        ],
    }  # fmt: skip


def _status(protocol: Protocol) -> str:
    return "retired" if protocol.regimen.status == "withdrawn" else "draft"


def _description(protocol: Protocol) -> str:
    r = protocol.regimen
    chosen = ", ".join(f"{name} = {value}" for name, value in protocol.chosen.items())
    held = ", ".join(part.id for part in protocol.parts if part.held)
    said = [f"{protocol.name}, {r.status} in its library (SHA-256 {r.sha256}).", f"Day 0: {r.day0}."]
    said += [f"Chosen for this export: {chosen}." if chosen else "", f"HELD, not to be given as printed: {held}." if held else ""]
    return " ".join(filter(None, said))


def _name(id: str) -> str:
    """A name by the rule pdf-0: a capital letter, then letters, digits and underscores."""
    return "P_" + "".join(sign if sign.isalnum() else "_" for sign in id)


def _narrative(protocol: Protocol) -> Json:
    lines = [page.page(protocol.regimen, width=100), "", "What is open", *(f"  {one.label}: {one.text}" for _, one in protocol.asked)]
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><pre>{escape(chr(10).join(lines), quote=False)}</pre></div>'}


def _ages(protocol: Protocol) -> list[Json]:
    ages = protocol.regimen.ages
    if not ages:
        return []
    ends = {side: {"value": getattr(ages, side), "unit": "years", "system": UCUM, "code": "a"} for side in ("low", "high")}
    return [{"code": {"system": f"{TYPES}/usage-context-type", "code": "age"}, "valueRange": ends}]


def _sources(protocol: Protocol) -> Iterator[Json]:
    for key, source in protocol.regimen.sources.items():
        wording = "" if source.wording == "printed" else f", wording {source.wording}"
        cited = f"{source.title}, {source.id} (read {source.read}{wording})"
        yield {"type": "citation", "label": key, "display": source.title, "citation": cited, "url": source.address}


def _cited(cite: Mapping[str, tuple[str, ...]], protocol: Protocol) -> list[Json]:
    """Each printed phrase as a citation of its source."""
    known = protocol.regimen.sources
    return [
        {"type": "citation", "label": key, "display": known[key].id, "citation": f'"{phrase}"', "url": known[key].address}
        for key, phrases in cite.items() for phrase in phrases
    ]  # fmt: skip


def _asked(question: Question) -> Json:
    """A question as documentation, with the phrases it stands on."""
    phrases = "; ".join(f'{key}: "{phrase}"' for key, phrases in question.cite.items() for phrase in phrases)
    return {"type": "documentation", "label": question.label, "display": question.text, "citation": phrases}


def _unscheduled(protocol: Protocol) -> Iterator[Json]:
    r = protocol.regimen
    for one in r.not_scheduled:
        yield _asked(Question(one.drug, "note", f"not scheduled: {one.drug}, {one.reason}", one.cite)) | {"label": f"NOT SCHEDULED {one.drug}"}
    if r.silent:
        yield {"type": "documentation", "label": "SILENT", "display": f"the sources are silent on {', '.join(r.silent)}"}


def _day0(protocol: Protocol) -> Json:
    what = "The calendar day that the protocol counts from; it is no administration."
    return {"id": "day-0", "title": "Day 0", "description": protocol.regimen.day0, "textEquivalent": what}


def _events(protocol: Protocol) -> Iterator[Json]:
    """The declared events, moments that orders hang on and that no order is: one action for each of their days."""
    for name, event in protocol.regimen.events.items():
        hour = f", at {forms.say_time(event.at)}" if event.at is not None else ", hour not given"
        days = moments(name, event.days) if event.days != "ask" else {ident(name): None}
        for id, day in days.items():
            told = f"day {forms.say_day(day)}{hour}" if day is not None else "days not given: choose"
            yield {
                "id": id, "title": name, "description": f"{event.what}; {told}", "documentation": _cited(event.cite, protocol),
                "condition": _conditions(event.when), "relatedAction": [on_day(day)] if day is not None else [],
            }  # fmt: skip


def _choice(name: str, choice: Choice) -> Json:
    """A choice as a group of which exactly one option is taken; only a default of the file is checked beforehand."""
    told = {option: f"{words} CLOSED: {choice.closed[option]}" if option in choice.closed else words for option, words in choice.options.items()}
    options = [
        {"id": ident(f"{name}.{option}"), "title": option, "description": words, "precheckBehavior": "yes" if option == choice.default else "no"}
        for option, words in told.items()
    ]  # fmt: skip
    phrases = [{"type": "citation", "label": key, "citation": f'"{phrase}"'} for key, several in choice.cite.items() for phrase in several]
    return {
        "id": ident(name), "title": f"Choice {name}", "description": choice.ask, "documentation": phrases, "condition": _conditions(choice.when),
        "groupingBehavior": "logical-group", "selectionBehavior": "exactly-one", "requiredBehavior": "must", "action": options,
    }  # fmt: skip


def _conditions(when: When | None) -> list[Json]:
    """Applicability as FHIRPath on `%choice` and facts of the patient, with the written condition beside it."""
    if when is None:
        return []
    either = [" or ".join(map(_path, when.any))] if when.any else []
    words = [one.text for one in when.all] + ([" or ".join(one.text for one in when.any)] if when.any else [])
    return [_expression("applicability", text, path) for text, path in zip(words, [*map(_path, when.all), *either], strict=True)]


def _expression(kind: str, text: str, path: str) -> Json:
    return {"kind": kind, "expression": {"description": text, "language": "text/fhirpath", "expression": path}}


def _path(one: Condition) -> str:
    """`%stratum = 'SAA-I'`, `%age >= 12 'a'`."""
    name = one.name if one.name.replace("_", "a").isalnum() else f"`{one.name}`"
    value = f"'{one.value}'" if isinstance(one.value, str) else f"{plain(one.value)} '{FACT_UNITS.get(one.unit, one.unit)}'"
    return f"%{name} {OPERATORS.get(one.operator, one.operator)} {value}"


def _order(part: Part, protocol: Protocol, lost: list[Lost]) -> Json:
    stop = [_expression("stop", f"until {part.order.until}", f"%`{part.order.until}`")] if part.order.until else []
    return {
        "id": ident(part.id), "prefix": "HOLD" if part.held else "OPEN" if part.asked else None, "title": part.name, "description": _told(part),
        "documentation": [*_cited(part.order.cite, protocol), *map(_asked, part.questions)], "condition": [*_conditions(part.order.when), *stop],
        **actions(part, protocol, lost, _url(part, protocol)),
    }  # fmt: skip


def _told(part: Part) -> str:
    asked = f"{part.asked}: " if part.asked else ""
    when = f"; when {part.row['when']}" if part.row["when"] else ""
    return f"{asked}{part.words}{when}" + (f". {part.order.note}" if part.order.note else "")


def _url(part: Part, protocol: Protocol) -> str:
    return f"urn:uuid:{protocol.uuid(f'order {part.id}')}"


def _activity(part: Part, protocol: Protocol) -> Json:
    """One order as an ActivityDefinition; a radiation is a service, everything else a medication."""
    radiation = part.drug.kind == "radiation"
    return {
        "resourceType": "ActivityDefinition", "id": protocol.uuid(f"order {part.id}"), "url": _url(part, protocol),
        "identifier": [{"value": f"{protocol.name}.{part.id}"}], "version": protocol.regimen.version, "name": _name(f"{protocol.regimen.id}_{part.id}"),
        "title": part.name, "status": _status(protocol), "description": _told(part),
        "relatedArtifact": [*_cited(part.order.cite, protocol), *map(_asked, part.questions)],
        "kind": "ServiceRequest" if radiation else "MedicationRequest", "intent": "plan",
        "code" if radiation else "productCodeableConcept": {"text": part.name}, "dosage": [_dosage(part)],
    }  # fmt: skip


def _dosage(part: Part) -> Json:
    order = part.order
    most = {key: _quantity(limit.value, limit.unit) for key, limit in (("dose", order.max), ("day", order.max_day)) if limit}
    route = part.row["route"]
    return {
        "text": _told(part), "additionalInstruction": [{"text": text} for text in _notes(part)],
        "route": {"text": ROUTES.get(route, route)} if route else {},
        "doseAndRate": [_dose(part.each, order.over)] if part.each else [],
        "maxDosePerPeriod": {"numerator": most["day"], "denominator": _quantity(Decimal(1), "day")} if "day" in most else {},
        "maxDosePerAdministration": most.get("dose", {}),
    }  # fmt: skip


def _notes(part: Part) -> Iterator[str]:
    if part.asked:
        yield f"Not settled: {part.asked}. Do not give before it is answered."
    if part.each and part.each.per:
        size = "kg of body weight" if part.each.per == "kg" else "m2 of body surface"
        yield f"The dose is for each {size} ({part.weight}); multiply, round and check it for the patient."


def _dose(each: Each, over: int | None) -> Json:
    """The dose of one administration: a quantity, or a range while it is open; the rate where the source prints a duration."""
    low, high = (_quantity(value, each.unit, each.per) for value in (each.low, each.high))
    kind = {"type": {"coding": [{"system": f"{TYPES}/dose-rate-type", "code": "ordered"}]}}
    if each.low != each.high:
        return {**kind, "doseRange": {"low": low, "high": high}}
    return {**kind, "doseQuantity": low, "rateRatio": {"numerator": low, "denominator": _quantity(Decimal(over), "min")} if over else {}}


def _quantity(value: Decimal, unit: str, per: str = "") -> Json:
    base, _, below = unit.partition("/")
    over = "/".join(filter(None, (below, per)))
    code = f"{ucum(base)}/{over}" if over else ucum(base)
    return {"value": value, "unit": f"{base}/{over}" if over else base, "system": UCUM, "code": code}


def _whole_lost(protocol: Protocol) -> Iterator[Lost]:
    """What R4 has no place for in the protocol as a whole."""
    conditions = [*(part.order.when for part in protocol.parts), *(choice.when for choice in protocol.regimen.choices.values())]
    tested = {one.name for when in conditions if when for one in (*when.all, *when.any)}
    for name in sorted(tested):
        kind = "the option chosen" if name in protocol.regimen.choices else "a fact of the patient"
        yield Lost(f"condition on {name}", f"R4 names no place for {kind}: the conditions read it as %{name}, which the receiving system supplies")
    based = [part.id for part in protocol.parts if part.each and part.each.per]
    if based:
        told = "R4's Dosage multiplies nothing: per kg and per m2 stand in the unit, the patient's amount is calculated elsewhere"
        yield Lost(f"doses of {', '.join(based)}", told)


def _lost(part: Part) -> Iterator[Lost]:
    """What R4 cannot carry of one order as data, and stands in its text."""
    order, where = part.order, f"order {part.id}"
    if part.held:
        yield Lost(where, f"the dose {part.row['dose']} is held and stands in words only, with {part.asked}")
    elif isinstance(order.dose, forms.Dose) and not part.each:
        yield Lost(where, f"the dose {part.row['dose']} gives no exact dose of one administration and stands in words only")
    if part.drug.kind == "radiation":
        yield Lost(where, "an applied ServiceRequest takes no dosage over: the dose stands in the ActivityDefinition")
    beside: dict[str, Any] = {
        "course total": order.total, "largest course": order.max_course, "largest body surface": order.bsa_max, "time between doses": order.apart,
        "rounding": order.rounding, "table": order.adjust, "hour of the first dose": part.every and part.clock, "dosing weight": order.weight != "unspecified",
    }  # fmt: skip
    named = [name for name, value in beside.items() if value]
    if named:
        yield Lost(where, f"{', '.join(named)}: in words only")
