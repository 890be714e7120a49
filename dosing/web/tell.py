"""What the two small pages say: the measures of one person, and what a written text means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dosing import forms
from dosing.errors import DosingError
from dosing.metrics import FORMULAS, measure
from dosing.patient import Patient
from dosing.web.words import FACTS, SEXES, in_words

FROM = [name for name in FACTS if name in {"sex" if need == "male" else need for one in FORMULAS.values() for need in one.needs}]
"""The facts that some formula takes, in the order of the form."""


def measured(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The fields of the metrics page with what was typed, the rows it makes, and what is wrong."""
    typed = {name: text.strip() for name, text in pairs if name in FROM and text.strip()}
    wrong: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    try:
        columns = {name: float(column[0]) for name, column in Patient(**{name: text for name, text in typed.items() if name != "neutrophils"}).columns().items()}
        if "neutrophils" in typed:
            columns["neutrophils"] = float(forms.read_neutrophils(typed["neutrophils"]))
        rows = measure(None, **columns) if columns else []
    except DosingError as error:
        wrong = {fault.where.removeprefix("patient: ") or "neutrophils": in_words(f"{fault.what} – {fault.do}") for fault in error.faults}
    return {"facts": [(name, *FACTS[name], typed.get(name, ""), wrong.get(name, "")) for name in FROM], "rows": rows, "wrong": wrong, "sexes": SEXES}


def meaning(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A written text, the kind it is read as, and what it means or why it is refused."""
    sent = dict(pairs)
    text, kind = sent.get("text", ""), sent.get("kind", "dose")
    told: dict[str, Any] = {"text": text, "kind": kind, "kinds": list(forms.READERS), "meaning": None, "wrong": ()}
    if not text.strip():
        return told
    try:
        return told | {"meaning": forms.interpret(text, kind)}
    except DosingError as error:
        return told | {"wrong": tuple(in_words(f"{fault.what} – {fault.do}") for fault in error.faults)}
