"""The exported protocol, read back by readers of the standards: every order, every day, every dose as a plan has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from export_readers import Dose, Fhir, Given, dose, events, objects, usdm

from dosing import forms, plan
from dosing.errors import InputError
from dosing.exchange.formats import FORMATS, Exported, export
from dosing.proof.combinations import PEOPLE, _answers, combinations
from dosing.regimen.library import library
from dosing.schedule import Schedule

SHELF = Path(__file__).parents[1].parent / "shared"
LIBRARY = library()
ALL = sorted(LIBRARY.regimens)
BODY = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "crcl": "100 mL/min"}
FIRST = "02:00"


@lru_cache(maxsize=8)
def exported(name: str, to: str, chosen: tuple[tuple[str, str], ...] = ()) -> Exported:
    return export(name, to, dict(chosen))


def document(made: Exported) -> Any:
    return json.loads(made.data, parse_float=Decimal)


def first_hours(name: str) -> dict[str, Fraction]:
    """The hour the tests choose for the first dose of every interval."""
    return {order.id: Fraction(2) for order in LIBRARY.regimen(name).orders if order.first == "ask"}


def planned(name: str, chosen: Mapping[str, str]) -> Schedule:
    """The relative schedule of a combination, for the first person it can be planned for."""
    hours = dict.fromkeys(first_hours(name), FIRST)
    for body in (BODY, *PEOPLE.values()):
        try:
            return plan(name, body, times=hours, choose=dict(chosen))
        except InputError as error:
            refused = error
    raise refused


def of_plan(schedule: Schedule, name: str) -> Counter[tuple[str, int, str]]:
    """Order, day and hour of every administration; the house's own hour, which no protocol prints, is left out."""
    orders = {order.id: order for order in LIBRARY.regimen(name).orders}
    house = forms.say_time(LIBRARY.site.at)

    def hour(row: Any) -> str:
        order = orders[row.order]
        silent = order.at is None and order.first is None
        return "" if order.event or (silent and row.offset == house) else row.offset

    return Counter((row.order, row.day, hour(row)) for row in schedule)


def of_export(given: list[Given], schedule: Schedule) -> Counter[tuple[str, int, str]]:
    """The same of an export, of the orders that this plan has; an event's own name is no hour."""
    there = {row.order for row in schedule}
    return Counter((one.order, one.day, one.hour if one.hour[:1].isdigit() else "") for one in given if one.order in there)


def choices(name: str) -> list[tuple[tuple[str, str], ...]]:
    """Every combination of a file's choices, with a value for everything that is asked."""
    regimen = LIBRARY.regimen(name)
    asked = _answers(regimen, LIBRARY, low=True)
    return [tuple((combination | asked).items()) for combination in combinations(regimen)]


READERS = {
    "fhir": lambda made, hours: Fhir(document(made)).given(hours),
    "usdm": lambda made, hours: usdm(document(made), hours),
    "events": lambda made, hours: events(made.data.decode(), hours),
}


@pytest.mark.parametrize("name", ALL)
def test_every_combination_reads_back_as_the_plan_has_it(name: str) -> None:
    """Order, day and hour of every administration of every combination of choices, in each of three formats."""
    for chosen in choices(name):
        schedule = planned(name, dict(chosen))
        for to, reader in READERS.items():
            given = list(reader(exported(name, to, chosen), first_hours(name)))
            assert of_export(given, schedule) == of_plan(schedule, name), (to, chosen)


@pytest.mark.parametrize("name", ALL)
def test_every_dose_is_that_of_the_plan(name: str) -> None:
    """The structured dose times the patient's size is what the plan calculates; a dose the plan holds has no number."""
    for chosen in choices(name)[:3]:
        schedule = planned(name, dict(chosen))
        for to, reader in READERS.items():
            doses = {one.order: one.dose for one in reader(exported(name, to, chosen), first_hours(name))}
            for row in schedule:
                told = doses[row.order]
                assert (told is None) == _without_a_number(row, schedule), (to, row.order, told)
                if told and row.calculated:
                    assert _amount(told, schedule, name, row.order) == pytest.approx(_calculated(row)), (to, row.order)


def _without_a_number(row: Any, schedule: Schedule) -> bool:
    """Whether the plan holds the printed dose itself, or has none; what it holds for this patient's size only is told."""
    held = {finding.order for finding in schedule.findings if finding.level == "block" and finding.code in ("limit.hard", "product.unnamed", "choice.closed", "regimen.withdrawn")}
    return row.calculated is None or row.order in held


def _amount(told: Dose, schedule: Schedule, name: str, order: str) -> float:
    weight = next(one.weight for one in LIBRARY.regimen(name).orders if one.id == order)
    sizes = {"kg": schedule.metrics.get(weight, schedule.patient["weight"]), "m2": schedule.metrics.get("bsa"), "": {"value": "1"}}
    return float(told.value * Fraction(sizes[told.per]["value"]))


def _calculated(row: Any) -> float:
    read = dose(row.calculated.value, row.calculated.unit)
    return float(read.value)


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_chosen_stays_open(name: str) -> None:
    """One export without a choice holds every order with its words; its conditions pick the orders that each combination plans."""
    regimen, read = LIBRARY.regimen(name), Fhir(document(exported(name, "fhir")))
    assert set(read.orders) == {order.id for order in regimen.orders}
    for order in regimen.orders:
        action = read.orders[order.id]
        text = read.definition(read.leaves(action)[0])["dosage"][0]["text"]
        assert str(order.dose) in text and (order.days == "ask" or forms.say_days(order.days) in text)
        phrases = {one["citation"] for one in action["documentation"] if one["type"] == "citation"}
        assert phrases >= {f'"{phrase}"' for several in order.cite.values() for phrase in several}
    for chosen in choices(name):
        known = {key: value for key, value in chosen if key in regimen.choices}
        there = {row.order for row in planned(name, dict(chosen))}
        patient = {order.id for order in regimen.orders if order.when and any(one.name not in regimen.choices for one in order.when.all)}
        assert {id for id, action in read.orders.items() if read.applies(action, known)} - patient == there - patient


@pytest.mark.parametrize("name", ALL)
def test_the_bundle_is_sound_r4(name: str) -> None:
    """The models of R4B take it; every id is there once, and every relation and definition is found."""
    bundle = pytest.importorskip("fhir.resources.R4B.bundle").Bundle
    made = exported(name, "fhir")
    bundle.model_validate_json(made.data)
    read = Fhir(document(made))
    every = [one for top in read.plan["action"] for one in read._all([top])]
    assert len({one["id"] for one in every}) == len(every)
    assert all(one["actionId"] in read.actions for action in every for one in action.get("relatedAction", []))
    assert {one["definitionCanonical"] for one in every if "definitionCanonical" in one} == set(read.definitions)
    assert {one["status"] for one in (read.plan, *read.definitions.values())} == {"draft"}
    sources = {one["label"] for one in read.plan["relatedArtifact"] if one["type"] == "citation"}
    assert sources == set(LIBRARY.regimen(name).sources)


REQUIRED = {  # the codes of R4's required bindings, https://hl7.org/fhir/R4/plandefinition.html
    "relationship": {"before-start", "before", "before-end", "concurrent-with-start", "concurrent", "concurrent-with-end", "after-start", "after", "after-end"},
    "selectionBehavior": {"any", "all", "all-or-none", "exactly-one", "at-most-one", "one-or-more"}, "requiredBehavior": {"must", "could", "must-unless-documented"},
    "groupingBehavior": {"visual-group", "logical-group", "sentence-group"}, "precheckBehavior": {"yes", "no"}, "intent": {"plan"},
    "periodUnit": {"s", "min", "h", "d", "wk", "mo", "a"}, "durationUnit": {"s", "min", "h", "d", "wk", "mo", "a"}, "kind": {"applicability", "stop", "MedicationRequest", "ServiceRequest"},
    "type": {"documentation", "citation", "collection"},
}  # fmt: skip


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield key, one
            yield from pairs(one)
    for one in value if isinstance(value, list) else ():
        yield from pairs(one)


@pytest.mark.parametrize("name", ALL)
def test_codes_and_timings_keep_the_rules_of_r4(name: str) -> None:
    """The models check no code and no invariant: required bindings, and of Timing that each number has its unit."""
    for key, value in pairs(document(exported(name, "fhir"))):
        if key in REQUIRED and isinstance(value, str):
            assert value in REQUIRED[key], (key, value)
        if key == "repeat":
            assert ("duration" in value) == ("durationUnit" in value) and ("period" in value) == ("periodUnit" in value)
            assert value.get("count", 1) > 0 and value.get("period", 1) > 0 and not ("periodMax" in value and "period" not in value)
            assert not value.get("timeOfDay") or value.get("frequency", len(value["timeOfDay"])) == len(value["timeOfDay"])
        if key in ("doseQuantity", "offsetDuration", "low", "high", "numerator", "denominator"):
            assert value["system"] == "http://unitsofmeasure.org" and value["code"] and value["value"] >= 0


@lru_cache(maxsize=1)
def examples() -> tuple[dict[str, set[str]], dict[str, str]]:
    """The keys of every class in the public examples, and the decode of every CDISC code in them."""
    keys, codes = defaultdict(set), {}
    for path in sorted((SHELF / "reference/data/usdm").glob("*.json")):
        for one in objects(json.loads(path.read_text(encoding="utf-8"))):
            keys[one["instanceType"]] |= one.keys()
            if one["instanceType"] == "Code" and one["codeSystem"].endswith("cdisc.org"):
                codes[one["code"]] = one["decode"]
    keys["CommentAnnotation"] = {"id", "extensionAttributes", "text", "codes", "instanceType"}  # the model's class of notes, which the examples leave empty
    return keys, codes


@pytest.mark.parametrize("name", ALL)
def test_usdm_has_the_classes_and_keys_of_the_public_examples(name: str) -> None:
    if not (SHELF / "reference/data/usdm").is_dir():
        pytest.skip("the public USDM examples are not here")
    keys, codes = examples()
    for one in objects(document(exported(name, "usdm"))):
        assert one.keys() <= keys[one["instanceType"]], one["instanceType"]
        if one["instanceType"] == "Code" and one["code"] in codes:
            assert one["decode"] == codes[one["code"]]


@pytest.mark.parametrize("name", ALL)
def test_usdm_links_lead_somewhere(name: str) -> None:
    """Ids are there once, and every link is to one of them; the chain of instances passes all and ends at the exit."""
    made = document(exported(name, "usdm"))
    ids = [one["id"] for one in objects(made)]
    assert len(set(ids)) == len(ids)
    for one in objects(made):
        for key, value in one.items():
            if key.endswith("Id") and value is not None:
                assert value in ids, (one["id"], key)
            elif key.endswith("Ids"):
                assert set(value) <= set(ids), (one["id"], key)
    line = made["study"]["versions"][0]["studyDesigns"][0]["scheduleTimelines"][0]
    following, here, passed = {one["id"]: one["defaultConditionId"] for one in line["instances"]}, line["entryId"], []
    while here:
        passed.append(here)
        here = following[here]
    assert sorted(passed) == sorted(following) and [one["type"]["decode"] for one in line["timings"]].count("Fixed Reference") == 1
    assert all(one["windowUpper"] is None for one in line["timings"] if one["type"]["decode"] == "Fixed Reference")


@pytest.mark.parametrize("name", ALL)
def test_usdm_tells_every_order_with_its_words(name: str) -> None:
    regimen, version = LIBRARY.regimen(name), document(exported(name, "usdm"))["study"]["versions"][0]
    told = {one["name"]: one for one in version["studyInterventions"]}
    activities = {one["name"]: one for one in version["studyDesigns"][0]["activities"]}
    assert list(told) == list(activities) == [order.id for order in regimen.orders]
    for order in regimen.orders:
        assert str(order.dose) in told[order.id]["description"]
        notes = " ".join(note["text"] for note in activities[order.id]["notes"])
        assert all(phrase in notes for several in order.cite.values() for phrase in several)
    assert {one["appliesToIds"][0] for one in version["conditions"]} == {f"Activity_{order.id}" for order in regimen.orders if order.when}


def test_the_same_bytes_in_any_process() -> None:
    """No clock, no random id, no order of a set: the bytes are those of another process with another hash seed."""
    code = "import sys; from dosing.exchange.formats import export; sys.stdout.buffer.write(b''.join(export(n, t).data for n in ('nct07299123', 'nct01861106') for t in sys.argv[1:]))"
    said = [subprocess.run([sys.executable, "-c", code, *FORMATS], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")]
    assert said[0] == said[1] == b"".join(export(name, to).data for name in ("nct07299123", "nct01861106") for to in FORMATS)
