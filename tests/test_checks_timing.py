"""Timing rules of the drug files, each with a case that keeps it and one that does not; all gaps worked by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dosing import Patient, plan
from dosing.errors import InputError
from dosing.patient import read_taking
from dosing.schedule import Finding

ADULT = {"weight": "70 kg", "height": "175 cm", "age": "40 y", "sex": "M", "creatinine": "0.9 mg/dL"}
HEAD = """
id: t
version: 1
status: draft
title: times
trial: no
day0: the day of the graft
sources:
  s: {id: made up, title: for a test, read: 2026-11-22}
orders:
"""
BU = "{id: bu, drug: busulfan, dose: 3.2 mg/kg/day every 24 h, days: -2, first: '20:00', over: 2 h, route: iv, weight: actual, cite: {s: 3.2 mg/kg}}"
GRAFT = "{id: hsc, drug: haematopoietic-stem-cells, dose: not given, days: 0, event: hsc, weight: unspecified, cite: {s: graft}}"


def order(drug: str, dose: str, days: str, at: str = "09:00", more: str = "route: iv") -> str:
    return f"{{id: {drug}, drug: {drug}, dose: {dose}, days: '{days}', at: '{at}', weight: actual, {more}, cite: {{s: {dose}}}}}"


def found(folder: Path, *orders: str, taking: str | None = None, day0: str = "2027-01-15", zone: str = "Asia/Shanghai", **options: Any) -> dict[str, Finding]:
    (folder / "t.yaml").write_text(HEAD + "".join(f"  - {one}\n" for one in orders), encoding="utf-8")
    when = {"day0": day0, "zone": zone} if day0 else {}
    times = {"hsc": "14:00"} if GRAFT in orders else {}
    made = plan(str(folder / "t.yaml"), Patient(**ADULT, taking=taking), times=times, **when, **options)
    return {finding.id: finding for finding in made.findings}


# --- busulfan, then cyclophosphamide: 6 h (US label), 24 h (EU and Hong Kong labels) ----------------------------------


@pytest.mark.parametrize(("at", "level", "words"), [
    ("03:59", "query", "5.98 h after the end of the last busulfan"),  # 22:00 to 03:59
    ("04:00", "note", "not before 6 h after dose 16 (kept)"),
    ("21:59", "note", "at least 24 h after dose 16 (not kept)"),
    ("22:00", "pass", "24 h after the end of the last busulfan"),
])  # fmt: skip
def test_both_labels_are_held_against_the_gap(tmp_path, at, level, words) -> None:
    told = found(tmp_path, BU, order("cyclophosphamide", "60 mg/kg/day", "-1", at))["cyclophosphamide.after-busulfan"]
    assert (told.level, told.code) == (level, "timing.gap-kept" if level == "pass" else "timing.gap-missed")
    assert words in told.message and "US label" in told.message and "EU and Hong Kong" in told.message


@pytest.mark.parametrize(("at", "level"), [("05:00", "note"), ("04:59", "query")])
def test_a_gap_over_a_clock_change_is_elapsed_time(tmp_path, at, level) -> None:
    """From Saturday 22:00 to Sunday 05:00 the clocks in Berlin go forward: 6 elapsed hours, not 7."""
    told = found(tmp_path, BU, order("cyclophosphamide", "60 mg/kg/day", "-1", at), day0="2027-03-29", zone="Europe/Berlin")
    assert told["cyclophosphamide.after-busulfan"].level == level


def test_an_overlap_is_asked_about_and_earlier_courses_are_not_meant(tmp_path) -> None:
    cy = "cyclophosphamide"
    overlap = found(tmp_path, BU, order(cy, "60 mg/kg/day", "-2", "21:00"))[f"{cy}.after-busulfan"]
    assert overlap.level == "query" and "starts 1 h before the end of the last busulfan" in overlap.message
    assert f"{cy}.after-busulfan" not in found(tmp_path, BU, order(cy, "60 mg/kg/day", "-5"))


# --- anticonvulsant from 12 h before the first to 24 h after the last busulfan ----------------------------------------


@pytest.mark.parametrize(("days", "at", "kept"), [
    ("-2..0", "08:00", True),  # from 08:00 on −2, 12 h before 20:00, to 08:00 on +1; needed to 22:00 on −1
    ("-2..0", "08:01", False),
    ("-2, -1", "08:00", True),  # to 08:00 on day 0
    ("-3, -2", "21:59", False),  # to 21:59 on −1
    ("-3, -2", "22:00", True),
])  # fmt: skip
def test_the_cover_runs_from_before_the_first_to_after_the_last_dose(tmp_path, days, at, kept) -> None:
    told = found(tmp_path, BU, order("clonazepam", "0.5 mg/day", days, at, "route: po")).get("bu.cover")
    assert told is None if kept else told is not None and told.level == "query" and "12 h before" in told.message


def test_a_cover_that_nobody_orders_is_told_and_asked_for_once_the_co_medication_is_known(tmp_path) -> None:
    assert found(tmp_path, BU)["bu.cover"].level == "note"
    assert found(tmp_path, BU, taking="none")["bu.cover"].level == "query"
    covered = found(tmp_path, BU, taking="levetiracetam")["bu.cover"]
    assert covered.level == "note" and "Wednesday 2027-01-13 08:00 to Thursday 2027-01-14 22:00" in covered.message


# --- what stands around busulfan --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "at", "near"), [("-5", "20:00", True), ("-5", "19:59", False), ("-2", "22:00", True), ("-2", "22:01", False)])
def test_paracetamol_within_72_hours_before_or_with_busulfan_is_noted(tmp_path, days, at, near) -> None:
    told = found(tmp_path, BU, order("paracetamol", "1000 mg/dose", days, at, "route: po"))
    assert ("paracetamol.with-busulfan" in told) == near
    assert not near or told["paracetamol.with-busulfan"].level == "note"


def test_what_the_patient_takes_is_held_against_the_labels(tmp_path) -> None:
    told = found(tmp_path, BU, taking="Itraconazole, acetaminophen,  ibuprofen")
    assert told["taking.itraconazole"].level == "query" and "25 %" in told["taking.itraconazole"].message
    assert told["taking.acetaminophen"].level == "note" and "from Sunday 2027-01-10 20:00 to Wednesday 2027-01-13 22:00" in told["taking.acetaminophen"].message
    assert told["taking.ibuprofen"].code == "taking.unknown" and "taking" not in told
    assert found(tmp_path, BU)["taking"].message.startswith("co-medication: not entered")
    assert "taking" not in found(tmp_path, order("fludarabine", "30 mg/m2/day", "-3"))


def test_names_of_co_medication_are_read() -> None:
    assert read_taking("Deferasirox , itraconazole") == "deferasirox, itraconazole" and read_taking("none") == "none"
    for wrong in ("itraconazole,,x", "none, aspirin", " "):
        with pytest.raises(InputError, match="no list of names"):
            read_taking(wrong)


# --- methotrexate, folinic acid, the graft ----------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "level"), [("09:00", "pass"), ("08:59", "query")])
def test_folinic_acid_waits_24_hours(tmp_path, at, level) -> None:
    told = found(tmp_path, order("methotrexate", "15 mg/m2/dose", "+1"), order("folinic-acid", "15 mg/dose", "+2", at))
    assert told["folinic-acid.after-methotrexate"].level == level


@pytest.mark.parametrize(("at", "level"), [("14:00", "pass"), ("13:59", "note")])
def test_an_unverified_gap_is_never_more_than_a_note(tmp_path, at, level) -> None:
    told = found(tmp_path, GRAFT, order("methotrexate", "15 mg/m2/dose", "+1", at))["methotrexate.after-haematopoietic-stem-cells"]
    assert told.level == level and "not verified" in told.message and "no duration is stated" in told.message


@pytest.mark.parametrize(("days", "asked"), [("+3, +4", False), ("+3, +5", False), ("+3, +6", True), ("+4, +5", True), ("-3, -2", False)])
def test_cyclophosphamide_after_the_graft_is_on_printed_days(tmp_path, days, asked) -> None:
    assert ("cyclophosphamide.after-graft" in found(tmp_path, GRAFT, order("cyclophosphamide", "50 mg/kg/day", days))) == asked


# --- the drug's own doses and infusions -------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "asked"), [("0, +3", False), ("0, +2", True)])
def test_ryoncil_infusions_are_three_days_apart(tmp_path, days, asked) -> None:
    told = found(tmp_path, order("remestemcel-l", "2e6 cells/kg", days)).get("remestemcel-l.apart")
    assert told is not None and "48 h apart" in told.message if asked else told is None


@pytest.mark.parametrize(("over", "level"), [("90 min", "note"), ("91 min", "query")])
def test_melphalan_ends_within_90_minutes_of_preparation(tmp_path, over, level) -> None:
    assert found(tmp_path, order("melphalan", "140 mg/m2/dose", "-2", more=f"over: {over}, route: iv"))["melphalan.within"].level == level


@pytest.mark.parametrize(("at", "together"), [("09:59", True), ("10:00", False)])
def test_infusions_at_one_time_are_told(tmp_path, at, together) -> None:
    told = found(tmp_path, order("cyclophosphamide", "60 mg/kg/day", "-3", more="over: 1 h, route: iv"), order("mesna", "60 mg/kg/day", "-3", at, "over: 24 h, route: iv"))
    assert ("lines" in told, "mesna.mixing" in told) == (together, together)


def test_orders_that_begin_at_a_weekend_are_told(tmp_path) -> None:
    """Day 0 is Friday 15 January 2027; −5 is a Sunday, −4 a Monday."""
    told = found(tmp_path, order("cyclophosphamide", "60 mg/kg/day", "-5, -4"), order("fludarabine", "30 mg/m2/day", "-4"))["weekend"]
    assert told.level == "note" and "Sunday 2027-01-10: cyclophosphamide." in told.message and "fludarabine" not in told.message
    assert "weekend" not in found(tmp_path, order("fludarabine", "30 mg/m2/day", "-4"))


def test_without_a_day_0_the_hours_are_said_to_be_unchecked(tmp_path) -> None:
    assert found(tmp_path, BU, order("cyclophosphamide", "60 mg/kg/day", "-1"), day0="")["timing"].level == "note"
