"""What the small pages say: the measures of one person, what a written text means, and what one field of the form holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dosing import forms
from dosing.errors import DosingError
from dosing.metrics import FORMULAS, measure
from dosing.patient import Patient, When
from dosing.web.words import FACTS, SEXES, in_words

FROM = [name for name in FACTS if name in {"sex" if need == "male" else need for one in FORMULAS.values() for need in one.needs}]
"""The facts that some formula takes, in the order of the form."""

KINDS = {"day0": "date", "zone": "zone", "born": "date", "weighed": "date", "dose": "dose", "days": "days"}
"""What a field says of its text, by the last part of its name; of the others only what is wrong is said."""


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


def reading(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """One field of the form: what its text means (`said`), or why it is refused (`wrong`); nothing is kept."""
    sent = dict(pairs)
    name, text = sent.get("name", ""), sent.get("text", "").strip()
    if not text:
        return {}
    try:
        return {"said": _said(name, text)}
    except DosingError as error:
        return {"wrong": " ".join(in_words(f"{fault.what} – {fault.do}") for fault in error.faults)}


def _said(name: str, text: str) -> str:
    group, _, key = name.partition(".")
    if group == "patient" and key in Patient.model_fields:
        Patient(**{key: text})
    if group == "time":
        When.of(times={key: text})
    kind = KINDS.get(name.rpartition(".")[2])
    if kind is None:
        return ""
    told = forms.interpret(text, kind)
    return "; ".join([*([told["canonical"]] if told["canonical"] != text else []), *told["readings"]])
