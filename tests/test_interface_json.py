"""The schedule as JSON: the keys of the contract in their order, amounts as texts, held lines, the graft."""

from __future__ import annotations

import re
from typing import Any

from commands import BODY, SAA1, SAA2, WELL, WHEN

KEYS = ["schema", "regimen", "patient", "metrics", "day0", "zone", "times", "choices", "changes", "answers", "releasable",
        "administrations", "totals", "not_scheduled", "findings", "second_calculation", "sources"]  # fmt: skip
ROW = ["order", "drug", "day", "date", "start", "end", "number", "of", "route", "calculated", "amount", "held", "why"]


def test_the_keys_of_the_schedule(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1).json
    assert [key for key in made if key in KEYS] == KEYS and set(made) - set(KEYS) <= {"source_silent"}
    assert made["schema"] == "dosing.schedule/1" and made["day0"] == "2026-12-09" and made["zone"] == "Asia/Shanghai"
    assert made["times"] == {"hsc": "14:00"} and made["choices"] == {"stratum": "SAA-I", "arm": "blinded", "cy.dose": "600 mg/m2/day"}
    assert list(made["regimen"]) == ["id", "version", "status", "sha256"] and made["changes"] == made["answers"] == []
    assert made["patient"]["weight"] == {"value": "70", "unit": "kg"} and made["patient"]["age"] == {"value": "34", "unit": "y"}


def test_the_keys_inside_the_schedule(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1).json
    assert all(list(row) == ROW for row in made["administrations"])
    assert all(list(row) == ["order", "drug", "doses", "calculated", "amount"] for row in made["totals"])
    assert all(list(row) == ["drug", "reason", "cite"] for row in made["not_scheduled"])
    assert all(list(row) == ["id", "code", "level", "order", "message", "cite"] for row in made["findings"])
    assert all({"key", "id", "title"} <= row.keys() for row in made["sources"])
    assert {row["level"] for row in made["findings"]} <= {"block", "query", "note", "pass"}
    assert len({row["id"] for row in made["findings"]}) == len(made["findings"])


def test_the_row_of_the_contract(seed) -> None:
    """The row, the total and the body surface that the contract prints, key by key."""
    made = seed(*BODY, *WHEN, *SAA1)
    assert made.rows("flu")[0] == {
        "order": "flu", "drug": "fludarabine", "day": -5, "date": "2026-12-04", "start": "2026-12-04T09:00:00+08:00", "end": None,
        "number": 1, "of": 4, "route": "iv", "calculated": {"value": "54.6", "unit": "mg"}, "amount": {"value": "55", "unit": "mg"},
        "held": False, "why": made.rows("flu")[0]["why"],
    }  # fmt: skip
    assert re.fullmatch(r"30 mg/m2/day × 1\.82 m[2²] = 54\.6 mg → 55 mg \(nearest 1 mg, \+0\.7 %\)", made.rows("flu")[0]["why"])
    assert made.json["totals"][0] == {"order": "flu", "drug": "fludarabine", "doses": 4, "calculated": {"value": "218.4", "unit": "mg"},
                                      "amount": {"value": "220", "unit": "mg"}}  # fmt: skip
    surface = made.json["metrics"]["bsa"]
    assert list(surface) == ["value", "unit", "formula", "unrounded"] and (surface["value"], surface["unit"]) == ("1.82", "m2")
    assert surface["unrounded"].startswith("1.81811") and made.json["second_calculation"] == {"agrees": True, "doses": 13}


def numbers_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_of(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_of(part)]
    return [value] if isinstance(value, float) else []


def test_amounts_are_texts_and_never_floats(seed) -> None:
    """Nowhere in the whole document stands a float."""
    assert numbers_of(seed(*WELL, *WHEN, *SAA1).json) == []


def test_a_held_line_keeps_what_was_calculated(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1)
    assert all(row["held"] and row["amount"] is None and row["calculated"] == {"value": "350", "unit": "mcg"} for row in made.rows("atg"))
    assert next(row for row in made.json["totals"] if row["order"] == "atg")["amount"] is None


def test_the_graft_is_an_administration_and_no_dose(seed) -> None:
    (graft,) = seed(*BODY, *WHEN, *SAA1).rows("hsc")
    assert (graft["day"], graft["amount"], graft["held"], graft["start"]) == (0, None, False, "2026-12-09T14:00:00+08:00")
    assert "hsc" not in {row["order"] for row in seed(*BODY, *WHEN, *SAA1).json["totals"]}


def test_ids_of_orders_and_drugs(seed) -> None:
    """The ids that the contract fixes, and the rows in time order."""
    made = seed(*BODY, *WHEN, *SAA2, "--time", "bu=02:00").json
    assert {row["order"]: row["drug"] for row in made["administrations"]} == {
        "flu": "fludarabine", "cy": "cyclophosphamide", "atg": "antithymocyte-globulin", "bu": "busulfan", "msc": "umbilical-cord-msc",
        "hsc": "haematopoietic-stem-cells",
    }  # fmt: skip
    stamps = [row["start"] for row in made["administrations"]]
    assert stamps == sorted(stamps)


def test_cells_are_written_out(seed) -> None:
    assert seed(*BODY, *WHEN, *SAA1).rows("msc")[0]["amount"] == {"value": "35000000", "unit": "cells"}
