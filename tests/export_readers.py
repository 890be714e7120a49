"""Readers of exported protocols that know the standards and nothing of this program: (order, day, hour or anchor, dose).

Each gives back `Given`s: the order's id, the day relative to day 0, the hour as HH:MM or what it hangs on, and the dose
of one administration as a fraction of a unit per kg, per m2 or per nothing (None where no number is told).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

GRAMS = {"ug": Fraction(1, 10**6), "mcg": Fraction(1, 10**6), "mg": Fraction(1, 1000), "g": Fraction(1)}
OTHER = {"{cells}": "cells", "[iU]": "units", "cells": "cells", "units": "units", "Gy": "Gy", "mL": "mL"}
HOURS = {"d": 24, "h": 1, "min": Fraction(1, 60)}


class Dose(NamedTuple):
    """A dose of one administration: grams where it is a mass, else its own unit."""

    value: Fraction
    unit: str
    per: str


class Given(NamedTuple):
    """One administration of a protocol."""

    order: str
    day: int
    hour: str
    dose: Dose | None


def dose(value: Any, code: str) -> Dose:
    """A number and a UCUM-like code (`mg/kg`, `{cells}/kg`) as a Dose."""
    unit, _, per = code.partition("/")
    if unit in GRAMS:
        return Dose(Fraction(str(value)) * GRAMS[unit], "g", per)
    if unit == "cGy":
        return Dose(Fraction(str(value)) / 100, "Gy", per)
    return Dose(Fraction(str(value)), OTHER[unit], per)


def hour_text(hours: Fraction) -> tuple[int, str]:
    """Hours from 00:00 of day 0 as a day and HH:MM."""
    day, rest = divmod(hours, 24)
    minutes = rest * 60
    return int(day), f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}"


# FHIR: PlanDefinition and ActivityDefinition ------------------------------------------------------------------------


class Fhir:
    """A bundle of one PlanDefinition and its ActivityDefinitions."""

    def __init__(self, bundle: Mapping[str, Any]):
        self.plan, *rest = [entry["resource"] for entry in bundle["entry"]]
        self.definitions = {one["url"]: one for one in rest}
        self.actions = {one["id"]: one for one in self._all(self.plan["action"])}

    def _all(self, actions: list[Any]) -> Iterator[Any]:
        for one in actions:
            yield one
            yield from self._all(one.get("action", []))

    @property
    def orders(self) -> dict[str, Any]:
        """The actions of orders by the order's id, as the identifier of the definition tells it."""
        return {self.order(leaf): top for top in self.plan["action"] for leaf in self.leaves(top)}

    def leaves(self, action: Any) -> list[Any]:
        """The actions with a definition under one action."""
        return [one for one in self._all([action]) if "definitionCanonical" in one]

    def definition(self, action: Any) -> Any:
        """The ActivityDefinition of an action."""
        return self.definitions[action["definitionCanonical"]]

    def order(self, action: Any) -> str:
        """The order's id: what follows `id@version.` in the identifier."""
        return self.definition(action)["identifier"][0]["value"].partition("@")[2].partition(".")[2]

    def applies(self, action: Any, known: Mapping[str, str]) -> bool:
        """Whether the applicability expressions on choices hold; those on facts of the patient are left open."""
        found = [one["expression"]["expression"] for one in action.get("condition", []) if one["kind"] == "applicability"]
        return all(any(_holds(part, known) for part in one.split(" or ")) for one in found)

    def given(self, first_hours: Mapping[str, Fraction]) -> Iterator[Given]:
        """Every administration of the orders whose day is told."""
        for top in self.plan["action"]:
            for leaf in self.leaves(top):
                start = self._start(leaf)
                if start is not None:
                    yield from self._repeated(leaf, *start, first_hours)

    def _start(self, action: Any) -> tuple[Fraction, str] | None:
        """Hours after 00:00 of day 0 and words of the anchor; None where no day is told. Ranges of offsets are gaps."""
        related = [one for one in action.get("relatedAction", []) if "offsetRange" not in one]
        if action["id"] == "day-0":
            return Fraction(0), ""
        if not related:
            return None
        one = related[0]
        anchor = self._start(self.actions[one["actionId"]])
        if anchor is None:
            return None
        size = one.get("offsetDuration")
        sign = {"before": -1, "after": 1, "concurrent": 0}[one["relationship"].partition("-")[0]]
        moved = sign * Fraction(str(size["value"])) * HOURS[size["code"]] if size else Fraction(0)
        if one["actionId"] == "day-0":
            return anchor[0] + moved, ""
        unit = size and {"h": "h", "min": "min"}[size["code"]]
        return anchor[0], f"{size['value']} {unit} {'before' if sign < 0 else 'after'} {one['actionId']}" if size else one["actionId"]

    def _repeated(self, leaf: Any, start: Fraction, words: str, first_hours: Mapping[str, Fraction]) -> Iterator[Given]:
        id, repeat = self.order(leaf), leaf["timingTiming"]["repeat"]
        count, each = int(repeat.get("count", 1)), self.dose(leaf)
        hours = [Fraction(text[:2]) + Fraction(int(text[3:5]), 60) for text in repeat.get("timeOfDay", [])]
        for n in range(count):
            if repeat.get("periodUnit") == "h":
                day, hour = hour_text(start + first_hours.get(id, Fraction(0)) + n * Fraction(str(repeat["period"])))
                yield Given(id, day, hour, each)
                continue
            step, place = divmod(n, max(1, len(hours)))
            day = int(start // 24) + step * int(repeat.get("period", 0))
            yield Given(id, day, hour_text(hours[place])[1] if hours else words, each)

    def dose(self, leaf: Any) -> Dose | None:
        """The structured dose of one administration; None where there is none or it is a range."""
        found = self.definition(leaf)["dosage"][0].get("doseAndRate", [{}])[0].get("doseQuantity")
        return found and dose(found["value"], found["code"])


def _holds(text: str, known: Mapping[str, str]) -> bool:
    name, operator, value = re.fullmatch(r"%`?([\w-]+)`? (=|!=|<=|>=|<|>) (.+)", text).groups()
    if not value.startswith("'"):
        return True
    return (known.get(name) == value.strip("'")) == (operator == "=")


# USDM ---------------------------------------------------------------------------------------------------------------

NCIT = {"C28253": "mg", "C48155": "g", "C48152": "ug", "C28254": "mL", "C18063": "Gy", "C64693": "cGy", "C48579": "units", "C67401": "mg/kg", "C67402": "mg/m2",
        "C67396": "ug/kg", "C69104": "g/kg", "C67282": "g/m2", "C67411": "mL/kg", "C73761": "mL/m2", "C67379": "units/kg"}  # fmt: skip


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document that names its class."""
    if isinstance(value, dict):
        if "instanceType" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from objects(one)


def iso_hours(text: str) -> Fraction:
    """An ISO 8601 duration of days, hours and minutes."""
    found = re.fullmatch(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?", text)
    weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
    return Fraction(weeks * 168 + days * 24 + hours) + Fraction(minutes, 60)


def usdm(document: Mapping[str, Any], first_hours: Mapping[str, Fraction]) -> Iterator[Given]:
    """Every administration on the main timeline, in the order of the chain of its instances."""
    version = document["study"]["versions"][0]
    design = version["studyDesigns"][0]
    line = next(one for one in design["scheduleTimelines"] if one["mainTimeline"])
    instances = {one["id"]: one for one in line["instances"]}
    timings = {one["relativeFromScheduledInstanceId"]: one for one in line["timings"]}
    doses = {one["id"]: _of_usdm(one["administrations"][0]["dose"]) for one in version["studyInterventions"]}
    activities = {one["id"]: one for one in design["activities"]}
    names = {one["id"]: one["label"] if one["label"].startswith("Day ") or not one["activityIds"] else activities[one["activityIds"][0]]["name"] for one in line["instances"]}
    here: str | None = line["entryId"]
    while here:
        for id in instances[here]["activityIds"]:
            order = activities[id]["name"]
            day, hour = _moment(here, timings, names, order, first_hours)
            yield Given(order, day, hour, doses[activities[id]["definedProcedures"][0]["studyInterventionId"]])
        here = instances[here]["defaultConditionId"]


def _of_usdm(quantity: Any) -> Dose | None:
    if quantity is None:
        return None
    code = quantity["unit"]["standardCode"]
    return dose(quantity["value"], NCIT[code["code"]] if code["codeSystem"].endswith("cdisc.org") else code["code"])


def _moment(here: str, timings: Mapping[str, Any], names: Mapping[str, str], order: str, first_hours: Mapping[str, Fraction]) -> tuple[int, str]:
    """Where an instance lies: hours are known on a stated clock or an interval; an hour that is not is left empty."""
    hours, clock, words = Fraction(0), False, ""
    while (timing := timings[here])["type"]["decode"] != "Fixed Reference":
        sign = -1 if timing["type"]["decode"] == "Before" else 1
        moved = iso_hours(timing["value"])
        to = timing["relativeToScheduledInstanceId"]
        if "T" in timing["value"] and not names[to].startswith("Day ") and names[to] != order:
            size = f"{moved} h" if moved.denominator == 1 else f"{moved * 60} min"
            words, moved = f"{size} {timing['type']['decode'].lower()} {names[to]}", Fraction(0)
        clock = clock or (names[to].startswith("Day ") and "T" in timing["value"])
        hours += sign * moved
        here = to
    if order in first_hours:
        return hour_text(hours + first_hours[order])
    return int(hours // 24), words or (hour_text(hours)[1] if clock else "")


# The event table ----------------------------------------------------------------------------------------------------


def events(text: str, first_hours: Mapping[str, Fraction]) -> Iterator[Given]:
    """The doses of an event table: `addl` more after each row, `ii` hours apart."""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        each = dose(row["dose"], row["unit"] + ("" if row["basis"] == "flat" else f"/{row['basis']}")) if row["dose"] else None
        for n in range(int(row["addl"] or 0) + 1 if row["day"] else 0):
            start = Fraction(row["time"]) if row["time"] else int(row["day"]) * 24 + first_hours.get(row["order"], Fraction(0))
            day, hour = hour_text(start + n * Fraction(row["ii"] or 0))
            yield Given(row["order"], day, hour if row["time"] or row["order"] in first_hours else row["starts"], each)
