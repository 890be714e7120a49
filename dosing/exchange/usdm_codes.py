"""The objects and the controlled terms of USDM v4: CDISC codes as the NCI thesaurus has them, UCUM where CDISC has none.

Codes of types, roles, arms, epochs, timings, frequencies, routes and units are from CDISC controlled terminology
(code lists C201264, C201265, C99078, C207417, C174222, C99079, C99076, C71113, C66729, C71620), read 2026-11-22.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from dosing.units import ucum

Json = dict[str, Any]
CDISC, VERSION, UCUM = "http://www.cdisc.org", "2024-09-27", "http://unitsofmeasure.org"
SUBSTANCE, BIOLOGIC = ("C1909", "Pharmacologic Substance"), ("C307", "Biological Agent")
INTERVENTIONS = {"drug": SUBSTANCE, "fluid": SUBSTANCE, "cells": BIOLOGIC, "graft": BIOLOGIC, "radiation": ("C15313", "Radiation Therapy")}
ROUTES = {
    "iv": ("C38276", "Intravenous Route of Administration"), "po": ("C38288", "Oral Route of Administration"),
    "sc": ("C38299", "Subcutaneous Route of Administration"), "im": ("C28161", "Intramuscular Route of Administration"),
    "it": ("C38267", "Intrathecal Route of Administration"),
}  # fmt: skip
DAILY = {1: ("C25473", "Daily"), 2: ("C64496", "Twice Daily"), 3: ("C64527", "Three Times Daily"), 4: ("C64530", "Four Times Daily")}
HOURLY = {
    1: ("C64510", "Every Hour"), 2: ("C64516", "Every Two Hours"), 3: ("C64517", "Every Three Hours"), 4: ("C64518", "Every Four Hours"),
    6: ("C64520", "Every Six Hours"), 8: ("C64523", "Every Eight Hours"), 12: ("C64502", "Every Twelve Hours"), 24: ("C64515", "Every Twenty-Four Hours"),
}  # fmt: skip
ONCE, WEEKLY = ("C64576", "Once"), ("C139177", "Every Seven Days")
UNITS = {
    "mg": ("C28253", "Milligram"), "g": ("C48155", "Gram"), "mcg": ("C48152", "Microgram"), "mL": ("C28254", "Milliliter"),
    "Gy": ("C18063", "Gray"), "cGy": ("C64693", "Centigray"), "units": ("C48579", "International Unit"),
    "mg/kg": ("C67401", "Milligram per Kilogram"), "mg/m2": ("C67402", "Milligram per Square Meter"), "mcg/kg": ("C67396", "Microgram per Kilogram"),
    "g/kg": ("C69104", "Gram per Kilogram"), "g/m2": ("C67282", "Gram per Square Meter"), "mL/kg": ("C67411", "Milliliter per Kilogram"),
    "mL/m2": ("C73761", "Milliliter per Square Meter"), "units/kg": ("C67379", "International Unit per Kilogram"),
    "min": ("C48154", "Minute"), "day": ("C25301", "Day"), "y": ("C29848", "Year"),
}  # fmt: skip
TIMINGS = {"before": ("C201357", "Before"), "after": ("C201356", "After"), "fixed": ("C201358", "Fixed Reference")}
SIDES = {False: ("C201355", "Start to Start"), True: ("C201353", "End to Start")}


def none_of(*names: str) -> Json:
    """The lists that the public examples have and a regimen leaves empty."""
    return {name: [] for name in names}


class Objects:
    """Makes the objects of one document; those without a name of their own are numbered by kind, in the order they are made."""

    def __init__(self, release: str) -> None:
        self._made: Counter[str] = Counter()
        self._release = release  # the version of this program's own names in this document

    def make(self, kind: str, own: str = "", /, **fields: Any) -> Json:
        """One object of a class, with its id: `Activity_flu`, or `Code_17`."""
        if not own:
            self._made[kind] += 1
        return {"id": f"{kind}_{own or self._made[kind]}", "extensionAttributes": [], **fields, "instanceType": kind}

    def named(self, kind: str, own: str, words: tuple[str, str, str], /, **fields: Any) -> Json:
        """One object with a name, a label and a description."""
        return self.make(kind, own, **dict(zip(("name", "label", "description"), words, strict=True)), **fields)

    def code(self, term: tuple[str, str], system: str = CDISC, version: str = VERSION) -> Json:
        """A Code of a term: its code and its decode."""
        return self.make("Code", code=term[0], codeSystem=system, codeSystemVersion=version, decode=term[1])

    def own(self, code: str, decode: str) -> Json:
        """A Code of this program: a drug by its id, days that no CDISC term says."""
        return self.code((code, decode), "dosing", self._release)

    def alias(self, code: Json) -> Json:
        """An AliasCode around a code."""
        return self.make("AliasCode", standardCode=code, standardCodeAliases=[])

    def quantity(self, value: Decimal, unit: str, per: str = "") -> Json:
        """A Quantity in a CDISC unit, or in the UCUM code where CDISC has no such term."""
        name = f"{unit}/{per}" if per else unit
        code = self.code(UNITS[name]) if name in UNITS else self.code((f"{ucum(unit)}/{per}" if per else ucum(unit), name), UCUM, "")
        return self.make("Quantity", value=value, unit=self.alias(code))

    def note(self, text: str) -> Json:
        """A CommentAnnotation."""
        return self.make("CommentAnnotation", text=text, codes=[])
