"""What a transplant pharmacist found unasked: kidneys in obesity and childhood, stacked reductions, contradictions, noise."""

from __future__ import annotations

from typing import Any

import pytest

from dosing import InputError, Schedule, plan

SIGNED = {"by": "AB", "reason": "worked by hand"}
WHEN = {"day0": "2027-01-15", "zone": "Asia/Shanghai"}
LEVEL = {"choose": {"cy_level": "level-2", "atg_product": "thymoglobulin"}}
HEAVY = {"weight": "116 kg", "height": "175 cm", "age": "60 y", "sex": "M", "creatinine": "1.5 mg/dL"}
MAN = {"weight": "70 kg", "height": "175 cm", "age": "40 y", "sex": "M", "creatinine": "1.5 mg/dL"}
CHILD = {"weight": "20 kg", "height": "115 cm", "age": "6 y", "sex": "M", "creatinine": "0.4 mg/dL"}
BUCY = {"times": {"bu": "00:00", "hsc": "14:00"}, "choose": {"build": "usual"}}


def ctn(patient: dict[str, str], **more: Any) -> Schedule:
    return plan("ctn0301", patient, **LEVEL, **WHEN, **more)


def found(schedule: Schedule, key: str) -> Any:
    return next((finding for finding in schedule.findings if finding.id == key), None)


# kidneys


def test_a_clearance_in_obesity_is_told_on_three_weights_and_the_lowest_asks() -> None:
    """80 × 116 / 108 = 85.9; Devine 50 + 2.3 × 8.898 = 70.46: 52.2; 70.46 + 0.4 × 45.54 = 88.68: 65.7."""
    schedule = ctn(HEAVY)
    asked = found(schedule, "flu.renal")
    assert asked.level == "query" and all(figure in asked.message for figure in ("85.9 mL/min on the actual weight", "65.7", "52.2", "none is suggested"))
    assert {name: (metric["value"], metric["formula"]) for name, metric in schedule.metrics.items() if name.startswith("crcl")} == {
        "crcl": ("86", "Cockcroft-Gault, actual weight"), "crcl.adjusted40.devine": ("66", "Cockcroft-Gault, adjusted weight (40 %)"), "crcl.ideal.devine": ("52", "Cockcroft-Gault, ideal weight"),
    }  # fmt: skip


@pytest.mark.parametrize(("creatinine", "level", "held"), [("0.7", None, False), ("3", "query", False), ("5", "block", True)])
def test_only_the_weight_that_is_used_holds_a_line(creatinine: str, level: str | None, held: bool) -> None:
    """9280 / 72 = 128.9: / 0.7 and on the ideal weight 78.29 / 0.7 = 111.8, both above 80; / 3 = 43.0 with 26.1; / 5 = 25.8."""
    schedule = ctn({**HEAVY, "creatinine": f"{creatinine} mg/dL"})
    asked = found(schedule, "flu.renal")
    assert (asked.level if asked else None) == level
    assert any(row.held for row in schedule if row.order == "flu") == held
    assert level is None or "below 30 mL/min" in asked.message


def test_a_measured_clearance_and_an_ordinary_weight_are_told_as_they_are() -> None:
    assert found(ctn({**HEAVY, "crcl": "86 mL/min"}), "flu.renal") is None
    lean = ctn(MAN)
    assert "65 mL/min (Cockcroft-Gault, actual weight): " in found(lean, "flu.renal").message and "crcl.ideal.devine" not in lean.metrics


def test_a_cohort_asks_the_heavy_row_only() -> None:
    pytest.importorskip("pyarrow")
    from dosing import plan_cohort
    from dosing.cohort import Cohort

    rows = [{"id": "heavy", "weight_kg": "116", "height_cm": "175", "age_y": "60", "sex": "M", "creatinine_mg_dl": "1.5"}, {"id": "lean", "weight_kg": "80", "height_cm": "175", "age_y": "40", "sex": "M", "creatinine_mg_dl": "1.0"}]
    table = plan_cohort("ctn0301", Cohort.from_table(rows), **LEVEL, **WHEN)
    told = {row["id"]: row["finding"] for row in table.to_rows() if row["order"] == "flu"}
    assert "flu.renal" in told["heavy"] and "flu.renal" not in told["lean"]


def test_a_childs_clearance_is_printed_twice_and_an_adults_table_is_refused() -> None:
    """0.413 × 115 / 0.4 = 118.7 mL/min/1.73 m2; × 0.7993 / 1.73 = 54.9 mL/min."""
    metrics = ctn(CHILD).metrics
    assert (metrics["crcl"]["value"], metrics["crcl-indexed"]["value"], metrics["crcl-indexed"]["unit"]) == ("55", "119", "mL/min/1.73 m2")
    with pytest.raises(InputError, match="speaks of age >= 18 y only") as refusal:
        ctn(CHILD, set={"flu.adjust": "fludara-label"}, **SIGNED)
    assert refusal.value.code == "P10"
    grown = ctn({**MAN, "age": "18 y"}, set={"flu.adjust": "fludara-label"}, **SIGNED)
    assert found(grown, "flu.adjust").level == "note"


@pytest.mark.parametrize(("age", "creatinine", "asked"), [("61 y", "0.9 mg/dL", False), ("70 y", "0.7 mg/dL", False), ("71 y", "0.7 mg/dL", True), ("60 y", "2 mg/dL", True), ("60 y", None, True)])
def test_melphalan_200_asks_above_70_years_and_for_the_kidneys(age: str, creatinine: str | None, asked: bool) -> None:
    """70 kg, a man: 79 × 70 / 64.8 = 85.3; 70 × 70 / 50.4 = 97.2; 80 × 70 / 144 = 38.9 mL/min."""
    patient = {"weight": "70 kg", "height": "175 cm", "age": age, "sex": "M", **({"creatinine": creatinine} if creatinine else {})}
    query = found(plan("melphalan-200", patient, choose={"plan": "one-day"}), "mel.lower")
    assert (query is not None and query.level == "query") == asked
    assert not asked or ("Not known here: clearance" in query.message) == (creatinine is None)


@pytest.mark.parametrize(("creatinine", "code"), [("2.8 mg/dL", "patient.renal"), ("0.9 mg/dL", None), (None, "patient.creatinine")])
def test_methotrexate_asks_for_the_kidneys(creatinine: str | None, code: str | None) -> None:
    """100 × 70 / (72 × 2.8) = 34.7 mL/min, and 108 with 0.9 mg/dL."""
    choose = LEVEL["choose"] | {"mtx_day11": "yes"}
    schedule = plan("ctn0301", {**MAN, "creatinine": creatinine}, **WHEN, choose=choose, blocks=["mtx-short"])
    asked = {finding.code for finding in schedule.open if (finding.order or "").startswith("mtx") and finding.code.startswith("patient.")}
    assert asked == ({code} if code else set())


# reductions


def test_two_reductions_are_asked_about_and_the_limits_see_what_is_left() -> None:
    """64.8 mL/min is the 80 % row; 75 % of 30 and 80 % of that are 18 mg/m2, below the usual 20."""
    schedule = ctn(MAN, set={"flu.dose": "75 %", "flu.adjust": "fludara-label"}, **SIGNED)
    assert "75 %" in (told := found(schedule, "flu.reductions").message) and "80 %" in told and "together 60 %" in told
    assert "18 mg/m2/day is outside the usual range" in found(schedule, "flu.dose").message
    once = ctn(MAN, set={"flu.adjust": "fludara-label"}, **SIGNED)
    assert found(once, "flu.reductions") is None and found(once, "flu.dose") is None  # 24 mg/m2
    renal = found(once, "flu.renal").message
    assert "The table of the Fludara label is applied" in renal and "None is applied" not in renal
    assert "None is applied unless a person names one: adjust=fludara-label" in found(ctn(MAN), "flu.renal").message


# contradictions


def test_an_age_and_a_birth_date_agree_within_a_year() -> None:
    """Born on 1 January 1986: 41 on day 0 of January 2027."""
    with pytest.raises(InputError, match="contradict each other") as refusal:
        ctn({**MAN, "age": "25 y", "born": "1986-01-01"})
    assert refusal.value.code == "P10"
    assert ctn({**MAN, "age": "40 y", "born": "1986-01-01"}).patient["age"]["value"] == "40"


def test_a_rule_that_no_order_takes_is_told() -> None:
    assert found(ctn(MAN, weight_rule=["us-busulfan-label"]), "us-busulfan-label.unused").level == "note"
    assert found(ctn(MAN, weight_rule=["asco-2021"]), "asco-2021.unused") is None
    with pytest.raises(InputError, match="is no weight rule"):
        plan("bucy2-label", MAN, **WHEN, **BUCY, weight_rule=["us-busulfan-lable"])


def test_a_band_against_the_known_weight_is_refused() -> None:
    child = {"weight": "32 kg", "height": "135 cm", "age": "9 y", "sex": "F"}
    choose = {"flu.days": "-8..-5", "cy.days": "-8, -7", "band": "above-50", "cells-flat.dose": "1e8 cells"}
    with pytest.raises(InputError, match="the patient has weight 32 kg – choose band=up-to-50"):
        plan("tisa-cel-all", child, choose=choose)


@pytest.mark.parametrize(("weight", "asked"), [("116 kg", True), ("91 kg", False)])
def test_not_obese_is_asked_about_from_a_body_mass_index_of_30(weight: str, asked: bool) -> None:
    """116 / 1.75² = 37.9; 91 / 1.75² = 29.7."""
    assert (found(plan("bucy2-label", {**MAN, "weight": weight}, **WHEN, **BUCY), "build.bmi") is not None) == asked


# noise


def test_an_adult_on_bucy2_is_asked_each_thing_once() -> None:
    schedule = plan("bucy2-label", MAN, **WHEN, **BUCY)
    ids = {finding.id for finding in schedule.findings}
    assert {"bucy.gap", "anticonvulsant"} <= ids and not {"bu.children", "bu.oral", "cy.after-busulfan", "bu.cover"} & ids
    assert "13 h after the end of the last busulfan" in found(schedule, "bucy.gap").message and "(not kept)" in found(schedule, "bucy.gap").message
    assert "bu.children" in {finding.id for finding in plan("bucy2-label", {**MAN, "age": "17 y"}, **WHEN, **BUCY).findings}


def test_a_gap_is_told_for_hours_that_somebody_gave() -> None:
    """Melphalan by the house at 09:00 of the day before; promethazine, given at 13:29 for 1 minute, ends half an hour before 14:00."""
    asked: dict[str, Any] = {**WHEN, "choose": {"filgrastim.days": "+5..+10"}}
    schedule = plan("melphalan-140", MAN, **asked, times={"hsc": "14:00"})
    assert "hour by house default" in found(schedule, "promethazine.gap").message and "before it" not in found(schedule, "promethazine.gap").message
    assert "28.67 h before it (hour by house default)" in found(schedule, "mel.gap").message
    timed = plan("melphalan-140", MAN, **asked, times={"hsc": "14:00", "promethazine": "13:29"})
    assert "ends 0.5 h before it." in found(timed, "promethazine.gap").message
