"""What a record prints and the import cannot settle is asked for with its phrase: totals, divided doses, rhythms, words, limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dosing import Patient, plan
from dosing.exchange.record import Draft, read_record

BESIDE = " Treosulfan 14 g/m2/day on days -6 to -4."


def drafted(text: str) -> Draft:
    """The draft of a description alone."""
    return read_record(f"NCT ID: NCT09999999\nLast Updated: 2026-01-01\n\nDetailed Description\n\n{text}\n")


def order(draft: Draft, drug: str) -> dict[str, Any]:
    (found,) = [row for row in draft.regimen["orders"] if row["drug"] == drug]
    return found


def unread(draft: Draft) -> str:
    return "\n".join(f"{line.phrase}: {line.says}" for line in draft.unread)


def asked(draft: Draft, drug: str) -> list[str]:
    """The phrases of the queries on the order of a drug."""
    return [phrase for query in draft.regimen["queries"] if query.get("order") == order(draft, drug)["id"] for phrase in query["cite"]["registry"]]


@pytest.mark.parametrize(
    ("text", "drug", "days", "phrase"),
    [
        ("Busulfan 12.8 mg/kg total dose IV over 4 days, days -7 to -4.", "busulfan", "ask", "Busulfan 12.8 mg/kg total dose"),
        ("Thymoglobulin total 4.5 mg/kg/day.", "antithymocyte-globulin-rabbit", "ask", "Thymoglobulin total 4.5 mg/kg/day"),
        ("Thymoglobulin 4.5 mg/kg total over days -3, -2, -1.", "antithymocyte-globulin-rabbit", "-3..-1", "Thymoglobulin 4.5 mg/kg total"),
        ("Busulfan 3.2 mg/kg/day IV in 4 divided doses days -7 to -4.", "busulfan", "-7..-4", "Busulfan 3.2 mg/kg/day IV in 4 divided doses"),
        ("Busulfan 3.2 mg/kg/day on days -5 to -2, divided into four doses.", "busulfan", "-5..-2", "Busulfan 3.2 mg/kg/day on days -5 to -2, divided into four doses"),
        ("TBI 12 Gy in 6 fractions on days -8 to -6.", "total-body-irradiation", "ask", "TBI 12 Gy in 6 fractions"),
        ("Fludarabine 30 mg/m2/day every other day from day -8 to day -4.", "fludarabine", "ask", "Fludarabine 30 mg/m2/day every other day"),
        ("Fludarabine 30 mg/m2/day from day -8 to day -4, every other day.", "fludarabine", "ask", "Fludarabine 30 mg/m2/day"),
        ("Fludarabine thirty mg/m2/day on days -5 to -2.", "fludarabine", "-5..-2", "Fludarabine thirty mg/m2/day on days -5 to -2"),
        ("Cyclophosphamide one hundred mg per kg on day -3.", "cyclophosphamide", "-3", "Cyclophosphamide one hundred mg per kg on day -3"),
    ],
)
def test_an_open_dose_is_an_order_that_asks_with_its_phrase(text: str, drug: str, days: str, phrase: str) -> None:
    draft = drafted(text + BESIDE)
    found = order(draft, drug)
    assert (found["dose"], found["days"]) == ("ask", days) and phrase in found["cite"]["registry"]
    assert f"{found['id']}: " in unread(draft) and not draft.faults
    assert drug not in {row["drug"] for row in draft.regimen.get("not-scheduled", [])}
    assert order(draft, "treosulfan")["dose"] == "14 g/m2/day"


def test_a_total_is_called_a_total() -> None:
    assert "does not say" not in order(drafted("Thymoglobulin 4.5 mg/kg total over days -3, -2, -1."), "antithymocyte-globulin-rabbit")["note"]


def test_every_drug_that_is_not_scheduled_stands_in_the_summary() -> None:
    draft = drafted("Tacrolimus and sirolimus are given after transplant." + BESIDE)
    assert {row["drug"] for row in draft.regimen["not-scheduled"]} == {"tacrolimus", "sirolimus"}
    assert "tacrolimus, not scheduled: dose not given" in unread(draft) and "sirolimus, not scheduled" in unread(draft)


def test_a_drug_of_which_only_the_total_is_told_is_not_lost() -> None:
    draft = drafted("The total dose of melphalan is 140 mg/m2." + BESIDE)
    (row,) = draft.regimen["not-scheduled"]
    assert row["drug"] == "melphalan" and "was not read" in row["reason"] and "melphalan" in unread(draft)


@pytest.mark.parametrize(
    ("text", "drug", "phrase"),
    [
        ("Melphalan 140 mg/m2/day on day -2. The melphalan dose is reduced to 100 mg/m2/day in patients over 60.", "melphalan", "reduced to 100 mg/m2/day in patients over 60"),
        ("Fludarabine 30 mg/m2/day (maximum 240 mg/day) on days -5 to -2.", "fludarabine", "maximum 240 mg/day"),
        ("Melphalan 70 mg/m2/day up to 3 g/day on days -3 to -2.", "melphalan", "up to 3 g/day"),
        ("Fludarabine 30 mg/m2/day on days -5 to -2. Total dose 150 mg/m2.", "fludarabine", "Total dose 150 mg/m2"),
        ("Fludarabine 30 mg/m2/day on days -5 to -2. Fludarabine 150 mg/m2 total dose.", "fludarabine", "Fludarabine 150 mg/m2 total dose"),
        ("Fludarabine 30 mg/m2/day on days -5 to -2. In children fludarabine is given at twenty mg/m2/day.", "fludarabine", "twenty mg/m2/day"),
    ],
)
def test_what_reduces_caps_or_contradicts_a_dose_is_a_query_on_its_order(text: str, drug: str, phrase: str) -> None:
    draft = drafted(text)
    assert order(draft, drug)["dose"] != "ask" and not draft.faults
    assert any(phrase in one for one in asked(draft, drug))


def test_the_query_holds_the_plan(tmp_path: Path) -> None:
    draft = drafted("Fludarabine 30 mg/m2/day on days -5 to -2. Total dose 150 mg/m2.")
    path = tmp_path / "draft.yaml"
    path.write_text(draft.text, encoding="utf-8")
    made = plan(path, Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M"))
    assert "flu.beside1" in {one.id for one in made.open} and not made.releasable
