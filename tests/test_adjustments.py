"""Named weights, reductions, tables, maxima, lifetime doses and Calvert: a passing and a failing case each, by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dosing import InputError, Patient, RegimenError, Schedule, UsageError, load_regimen, plan
from dosing.regimen.library import library

CASES = Path(__file__).parent / "cases"
HEAVY = {"weight": "95 kg", "height": "160 cm", "age": "45 y", "sex": "F"}
MAN = {"weight": "70 kg", "height": "175 cm", "age": "40 y", "sex": "M"}
WHEN: dict[str, Any] = {"day0": "2026-12-09", "zone": "Europe/Berlin"}
BU = {"drug": "busulfan", "dose": "0.8 mg/kg/dose every 6 h", "days": "-7..-4", "first": "06:00", "route": "iv"}
FLU = {"drug": "fludarabine", "dose": "30 mg/m2/day", "days": "-5..-2"}
FLU25 = {**FLU, "dose": "25 mg/m2/day"}
SIGNED = {"by": "AB", "reason": "worked by hand"}


def made(*orders: dict[str, str], folder: Path | None = None, trial: str = "no") -> Any:
    """A regimen of some orders, which cite their own doses."""
    rows = [{"id": f"o{n}" if n else "one", "days": "0", "weight": "unspecified", "cite": {"own": order["dose"]}, **order} for n, order in enumerate(orders)]
    head = {"id": "case", "version": "1", "status": "draft", "title": "made up", "trial": trial, "day0": "the day of the graft"}
    text = yaml.safe_dump({**head, "sources": {"own": {"id": "own", "title": "made up", "read": "2026-11-22"}}, "orders": rows}, sort_keys=False)
    return library(folders(folder)).parse(text.encode(), "case.yaml")


def folders(folder: Path | None = None) -> tuple[str, ...]:
    return (str(CASES), *([str(folder)] if folder else []))


def planned(order: dict[str, str], patient: dict[str, str], folder: Path | None = None, **more: Any) -> Schedule:
    trial = more.pop("trial", "no")
    return plan(made(order, folder=folder, trial=trial), Patient(**patient), library=folders(folder), **{**WHEN, **more})


def amount(schedule: Schedule) -> str:
    row = schedule.administrations[0]
    return f"{row.amount.value} {row.amount.unit}" if row.amount else "held"


def exact(schedule: Schedule) -> Decimal:
    return schedule.administrations[0].calculated.decimal


def found(schedule: Schedule, key: str) -> Any:
    return next((finding for finding in schedule.findings if finding.id == key), None)


# dosing weights by named rules


@pytest.mark.parametrize(
    ("patient", "weight", "dose"),
    [
        # ideal 50 + 0.91 × 23 = 70.93, so the lower is 70 kg: 56 mg, 93.3 steps of 0.6
        (MAN, "70", "55.8 mg"),
        # ideal 45 + 0.91 × 8 = 52.28; 52.28 + 0.25 × 42.72 = 62.96, used as 63.0: 50.4 mg, 84 steps
        (HEAVY, "63", "50.4 mg"),
        # 76.8 / 1.6² is a body mass index of 30 exactly: 52.28 + 0.25 × 24.52 = 58.41, used as 58.4: 46.72 mg, 77.9 steps
        ({**HEAVY, "weight": "76.8 kg"}, "58.4", "46.8 mg"),
        # 29.96: the lower, 52.28, used as 52.3: 41.84 mg, 69.7 steps
        ({**HEAVY, "weight": "76.7 kg"}, "52.3", "42 mg"),
        # underweight: the actual weight, never the ideal one
        ({**HEAVY, "weight": "45 kg"}, "45", "36 mg"),
    ],
)
def test_the_us_busulfan_label(patient: dict[str, str], weight: str, dose: str) -> None:
    schedule = planned({**BU, "weight": "us-busulfan-label"}, patient)
    assert schedule.metrics["us-busulfan-label"]["value"] == weight
    assert amount(schedule) == dose and "(us-busulfan-label)" in schedule.administrations[0].why


def test_a_threshold_that_no_source_names_is_asked_where_it_decides() -> None:
    asked = found(planned({**BU, "weight": "us-busulfan-label"}, HEAVY), "one.weight")
    assert asked.level == "query" and "63 kg, as bmi >= 30 kg/m2 holds; on the other side it is 52.3 kg" in asked.message
    assert found(planned({**BU, "weight": "us-busulfan-label"}, MAN), "one.weight").level == "note"


def test_a_site_or_a_person_chooses_the_rule_and_the_order_keeps_its_own(tmp_path: Path) -> None:
    assert amount(planned(BU, HEAVY)) == "76.2 mg"  # 0.8 × 95 = 76, 126.7 steps: nothing was chosen
    assert amount(planned(BU, HEAVY, weight_rule=["us-busulfan-label"])) == "50.4 mg"
    assert amount(planned(BU, HEAVY, weight_rule="asco-2021")) == "76.2 mg"
    stated = planned({**BU, "weight": "lower.busulfan-label"}, HEAVY, weight_rule=["us-busulfan-label"])
    assert amount(stated) == "42 mg"  # 52.3 × 0.8 = 41.84, 69.7 steps
    site = (library().folders[0] / "site.yaml").read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(site + "\nweight-rules: [us-busulfan-label, asco-2021]\n", encoding="utf-8")
    assert amount(planned(BU, HEAVY, folder=tmp_path)) == "50.4 mg"
    assert "asco-2021@1" in found(planned(FLU, HEAVY, folder=tmp_path), "one.weight").message


def test_a_rule_of_percent_of_ideal_and_the_sites_own_rule(tmp_path: Path) -> None:
    cy = {"drug": "cyclophosphamide", "dose": "60 mg/kg/day", "days": "-3, -2"}
    # Devine 52.3819; 150 % is 78.57 kg; at 95 kg 52.3819 + 0.5 × 42.6181 = 73.69, used as 73.7
    assert exact(planned({**cy, "weight": "cyclophosphamide-150"}, HEAVY)) == 60 * Decimal("73.7")
    assert exact(planned({**cy, "weight": "cyclophosphamide-150"}, {**HEAVY, "weight": "78 kg"})) == 60 * 78
    (tmp_path / "policies.yaml").write_text(
        "weights:\n  ours:\n    version: 3\n    title: our rule\n    ideal: devine\n    heavy: weight >= 125 % of ideal\n    fraction: 40 %\n    source: our committee\n", encoding="utf-8"
    )
    # 125 % is 65.48 kg: 52.3819 + 0.4 × (78 − 52.3819) = 62.63, used as 62.6
    ours = planned({**cy, "weight": "ours"}, {**HEAVY, "weight": "78 kg"}, folder=tmp_path)
    assert exact(ours) == 60 * Decimal("62.6") and "ours@3" in found(ours, "one.weight").message


def test_rules_are_refused_for_another_drug_basis_or_age() -> None:
    for order, word in (({**FLU, "weight": "us-busulfan-label"}, "speaks of busulfan"), ({**BU, "weight": "no-rule"}, "no dosing weight")):
        with pytest.raises(RegimenError, match=word) as refusal:
            made(order)
        assert refusal.value.code == "P09"
    with pytest.raises(InputError, match="is for adults"):
        planned({**BU, "weight": "us-busulfan-label"}, {**HEAVY, "age": "9 y"})
    with pytest.raises(InputError, match="no weight rule"):
        planned(BU, HEAVY, weight_rule=["asbmt-2014"])


def test_a_person_sets_a_rule_with_a_reason() -> None:
    schedule = planned(BU, HEAVY, set={"one.weight": "us-busulfan-label"}, **SIGNED)
    assert amount(schedule) == "50.4 mg" and schedule.changes[0]["to"] == "us-busulfan-label"
    with pytest.raises(InputError, match="speaks of busulfan"):
        planned(FLU, HEAVY, set={"one.weight": "us-busulfan-label"}, **SIGNED)


def test_all_weights_stand_side_by_side_from_30_on() -> None:
    schedule = planned({**BU, "weight": "us-busulfan-label"}, HEAVY)
    block = {one["name"]: one for one in schedule.to_dict()["weights"]}
    assert {name: one["value"] for name, one in block.items()}.items() >= {"actual": "95", "ideal.devine": "52.4", "adjusted25.devine": "63", "adjusted40.devine": "69.4", "adjusted50.devine": "73.7", "ideal.busulfan-label": "52.3"}.items()
    assert block["actual"]["doses"]["one"] == {"calculated": "76", "amount": "76.2", "unit": "mg", "used": False}
    assert block["us-busulfan-label"]["doses"]["one"]["used"] and found(schedule, "weight.all").level == "note"
    light = planned(BU, {**HEAVY, "weight": "76 kg"})
    assert "weights" not in light.to_dict() and found(light, "weight.all") is None


def test_a_held_line_has_no_amount_beside_any_weight() -> None:
    order = {"drug": "antithymocyte-globulin", "dose": "5 mg/kg/day"}
    (row,) = [one for one in planned(order, HEAVY).to_dict()["weights"] if one["name"] == "actual"]
    assert row["doses"]["one"] == {"calculated": "475", "amount": None, "unit": "mg", "used": False}


def test_a_surface_from_an_adjusted_weight_and_a_surface_with_a_maximum() -> None:
    # Mosteller √(160 × 63 / 3600) = 1.6733, used as 1.67: 50.1 mg; from 95 kg it is 2.05: 61.5 mg
    adjusted = planned({**FLU, "weight": "adjusted25.devine"}, HEAVY)
    assert (exact(adjusted), adjusted.metrics["bsa from adjusted25.devine"]["value"]) == (Decimal("50.1"), "1.67")
    capped = planned({**FLU, "bsa-max": "2 m2"}, HEAVY)
    assert capped.administrations[0].why == "30 mg/m2/day × 2 m² (maximum; 2.05 m² without it) = 60 mg"
    assert "without it the dose is 61.5 mg" in found(capped, "one.bsa-max").message
    assert found(planned({**FLU, "bsa-max": "2.05 m2"}, HEAVY), "one.bsa-max") is None


# reductions and tables


def test_a_percentage_is_of_the_printed_dose_and_prints() -> None:
    schedule = planned(FLU, HEAVY, set={"one.dose": "75 %"}, **SIGNED)
    # 30 × 0.75 × 2.05 = 46.125
    assert schedule.administrations[0].why.startswith("30 mg/m2/day × 75 % × 2.05 m² = 46.125 mg → 46 mg")
    assert schedule.changes[0] == {"key": "one.dose", "from": "30 mg/m2/day", "to": "75 % of 30 mg/m2/day", "by": "AB", "reason": "worked by hand"}
    assert str(schedule.total("fludarabine")) == "184 mg"


@pytest.mark.parametrize("text", ["100 %", "120 %", "0 %", "-25 %"])
def test_a_percentage_that_does_not_reduce_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        planned(FLU, HEAVY, set={"one.dose": text}, **SIGNED)


def test_a_reduction_needs_who_and_why_and_a_dose() -> None:
    with pytest.raises(UsageError):
        planned(FLU, HEAVY, set={"one.dose": "75 %"})
    with pytest.raises(InputError, match="is no dose"):
        planned({**FLU, "dose": "by level"}, HEAVY, set={"one.dose": "75 %"}, **SIGNED)
    with pytest.raises(RegimenError, match="states no share"):
        made({**FLU, "share": "75 %"})


@pytest.mark.parametrize(("crcl", "mg"), [("80", "50"), ("79", "40"), ("79.9", "40"), ("50", "40"), ("49", "30"), ("30", "30"), ("29", None)])
def test_the_fludara_table_in_ml_per_min(crcl: str, mg: str | None) -> None:
    """25 mg/m2 at 2 m2 is 50 mg; 80 % is 40 (20 mg/m2), 60 % is 30 (15 mg/m2), none below 30: the shelf's five vectors."""
    patient = {"weight": "80 kg", "height": "180 cm", "age": "40 y", "crcl": f"{crcl} mL/min"}
    schedule = planned(FLU25, patient, set={"one.adjust": "fludara-label"}, **SIGNED)
    assert amount(schedule) == (f"{mg} mg" if mg else "held")
    assert found(schedule, "one.adjust").level == ("note" if mg else "block")
    assert "drugs.com Fludara" in found(schedule, "one.adjust").cite


@pytest.mark.parametrize(("crcl", "share"), [("71", "1"), ("70.1", "1"), ("69.9", "0.8"), ("30.1", "0.8"), ("29", "1")])
def test_the_older_table_per_173(crcl: str, share: str) -> None:
    """The body has 1.73 m2, so that the given clearance is the indexed one; below 30 the line is held."""
    patient = {"weight": "62.29 kg", "height": "172.97 cm", "crcl": f"{crcl} mL/min"}
    schedule = planned(FLU25, patient, set={"one.adjust": "older-us-label"}, **SIGNED)
    assert exact(schedule) == Decimal("43.25") * Decimal(share) and (amount(schedule) == "held") == (crcl == "29")


def test_the_two_tables_disagree_at_75() -> None:
    patient = {"weight": "80 kg", "height": "180 cm", "age": "40 y", "crcl": "75 mL/min"}  # 64.9 mL/min/1.73 m2
    tables = {name: amount(planned(FLU25, patient, set={"one.adjust": name}, **SIGNED)) for name in ("fludara-label", "older-us-label")}
    assert tables == {"fludara-label": "40 mg", "older-us-label": "40 mg"}
    patient["crcl"] = "81 mL/min"  # 70.07 mL/min/1.73 m2
    assert amount(planned(FLU25, patient, set={"one.adjust": "older-us-label"}, **SIGNED)) == "50 mg"
    patient["crcl"] = "80.9 mL/min"  # 69.98: the older table reduces where the other does not
    assert [amount(planned(FLU25, patient, set={"one.adjust": name}, **SIGNED)) for name in ("fludara-label", "older-us-label")] == ["50 mg", "40 mg"]


def test_a_table_is_never_applied_by_itself_and_needs_its_facts() -> None:
    patient = {"weight": "80 kg", "height": "180 cm", "age": "40 y"}
    assert amount(planned(FLU25, {**patient, "crcl": "60 mL/min"})) == "50 mg"
    with pytest.raises(InputError, match="no clearance is known"):
        planned(FLU25, patient, set={"one.adjust": "fludara-label"}, **SIGNED)
    with pytest.raises(RegimenError, match="is no table of fludarabine"):
        made({**FLU25, "adjust": "uk-handbook"})


@pytest.mark.parametrize(
    ("kg", "mg"), [("8.9", "8.9"), ("9", "10.8"), ("15.9", "19.08"), ("16", "17.6"), ("23", "25.3"), ("23.1", "21.945"), ("34", "32.3"), ("34.1", "27.28")]
)
def test_the_eu_bands_of_busulfan_replace_the_printed_dose(kg: str, mg: str) -> None:
    """The shelf's vectors of the EU label, unrounded; 23 kg belongs to 1.1, and the other edge is told."""
    schedule = planned({**BU, "adjust": "eu-label"}, {"weight": f"{kg} kg", "height": "100 cm", "age": "6 y"})
    assert exact(schedule) == Decimal(mg) and "(EU label)" in schedule.administrations[0].why
    told = found(schedule, "one.adjust").message
    assert ("3.8 mg/kg/day" in told) == (kg in ("16", "23"))


def test_a_dose_that_is_set_later_goes_before_the_table_of_doses() -> None:
    """A level or a person sets 0.9 mg/kg: 18 mg at 20 kg, not the 22 mg of the band."""
    child = {"weight": "20 kg", "height": "115 cm", "age": "6 y"}
    schedule = planned({**BU, "adjust": "eu-label"}, child, set={"one.dose": "0.9 mg/kg/dose every 6 h"}, **SIGNED)
    assert amount(schedule) == "18 mg" and "the table eu-label no longer gives the dose" in schedule.changes[0]["reason"]
    both = planned(BU, child, set={"one.dose": "0.9 mg/kg/dose every 6 h", "one.adjust": "eu-label"}, **SIGNED)
    assert exact(both) == 22  # the table was named last


def test_the_us_bands_and_the_adult_outside_them() -> None:
    child = {"weight": "12 kg", "height": "86 cm", "age": "2 y"}
    assert exact(planned({**BU, "adjust": "us-label"}, child)) == Decimal("13.2")
    assert exact(planned({**BU, "adjust": "us-label"}, {**child, "weight": "12.1 kg"})) == Decimal("9.68")
    adult = planned({**BU, "adjust": "eu-label"}, HEAVY)
    assert exact(adult) == 76 and "does not speak of this patient" in found(adult, "one.adjust").message
    with pytest.raises(InputError, match="the order 3.2 mg/kg/day"):
        planned({"drug": "busulfan", "dose": "3.2 mg/kg/day", "adjust": "eu-label"}, child)


# maxima, lifetime, Calvert, closed levels


def test_maxima_per_day_and_course() -> None:
    order = {"drug": "plerixafor", "dose": "0.24 mg/kg/day", "days": "-4, -3, -2"}
    assert amount(planned({**order, "max-day": "20 mg"}, HEAVY)) == "20 mg"
    assert amount(planned({**order, "max-day": "24 mg"}, HEAVY)) == "22.8 mg"  # 0.24 × 95, not above it
    # 50 mg a course in three doses: 16.67, cut to the step of 0.2 mg; together 49.8
    course = planned({**order, "max-course": "50 mg"}, HEAVY)
    assert amount(course) == "16.6 mg" and str(course.total("plerixafor")) == "49.8 mg"
    twice = {"drug": "plerixafor", "dose": "0.24 mg/kg/day", "at": "09:00, 21:00", "days": "-4", "max": "9 mg", "max-day": "20 mg"}
    assert amount(planned(twice, HEAVY)) == "9 mg"


def lifetime(folder: Path) -> Path:
    """A library whose fludarabine has a limit over a life of 375 mg/m2, made up."""
    text = (library().folders[0] / "drugs" / "fludarabine.yaml").read_text(encoding="utf-8")
    (folder / "drugs").mkdir(exist_ok=True)
    (folder / "drugs" / "fludarabine.yaml").write_text(text + "\nlifetime: at most 375 mg/m2/course\n", encoding="utf-8")
    return folder


def test_a_lifetime_limit_asks_for_what_was_given_before(tmp_path: Path) -> None:
    """4 × 62 mg (61.5 to the step) at 2.05 m2 are 120.98 mg/m2: 254 before fit into 375, 255 do not."""
    folder = lifetime(tmp_path)
    assert found(planned(FLU, HEAVY, folder=folder), "one.prior").level == "query"
    unknown = found(planned(FLU, {**HEAVY, "prior": "fludarabine unknown"}, folder=folder), "one.prior")
    assert unknown.level == "query" and "entered as unknown" in unknown.message
    inside = planned(FLU, {**HEAVY, "prior": "fludarabine 254 mg/m2"}, folder=folder)
    assert found(inside, "one.prior").level == "note" and amount(inside) == "62 mg"
    over = planned(FLU, {**HEAVY, "prior": "fludarabine 255 mg/m2; busulfan unknown"}, folder=folder)
    assert found(over, "one.prior").level == "block" and amount(over) == "held" and over.to_dict()["patient"]["prior"] == "fludarabine 255 mg/m2/course; busulfan unknown"
    assert found(planned(FLU, {**HEAVY, "prior": "fludarabine 400 mg"}, folder=folder), "one.prior").level == "query"  # of another basis


def test_no_shipped_drug_has_a_lifetime_limit_nobody_verified() -> None:
    drugs = library().drugs
    assert not [name for name in drugs if drugs[name].lifetime]
    assert "no limit over a life" in found(planned(FLU, {**HEAVY, "prior": "fludarabine 90 mg/m2"}), "one.prior").message


@pytest.mark.parametrize("text", ["fludarabine", "fludarabine much", "fludarabine 90 mg/m2; fludarabine 1 mg/m2", ""])
def test_a_prior_without_a_reading_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Patient(weight="70 kg", prior=text)


def test_calvert_caps_an_estimate_and_asks_about_a_measured_gfr() -> None:
    order = {"drug": "carboplatin", "dose": "5 AUC"}
    estimate, measured = planned(order, {"crcl": "140 mL/min"}), planned(order, {"gfr": "140 mL/min"})
    assert amount(estimate) == "750 mg" and "without the cap the dose is 825 mg" in found(estimate, "one.gfr").message  # 5 × (140 + 25)
    assert amount(measured) == "825 mg" and found(measured, "one.gfr").level == "query" and "With 125 the dose is 750 mg" in found(measured, "one.gfr").message
    assert found(planned(order, {"gfr": "125 mL/min"}), "one.gfr") is None
    # Cockcroft-Gault (140 − 40) × 70 / (72 × 1.1) = 88.3838; 5 × 113.3838 = 566.919; Schwartz 0.413 × 115 / 0.4 × 0.799305 / 1.73
    assert amount(planned(order, {**MAN, "creatinine": "1.1 mg/dL"})) == "566.9 mg"
    child = planned(order, {"weight": "20 kg", "height": "115 cm", "age": "6 y", "creatinine": "0.4 mg/dL"})
    assert abs(exact(child) - Decimal("399.297")) < Decimal("0.01")


@pytest.mark.parametrize("level", ["level-0", "level-3"])
def test_a_closed_level_is_never_releasable(level: str) -> None:
    """CTN 0301 closed 150 mg/kg and none: no answer and no change opens them."""
    patient = Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", creatinine="0.9 mg/dL")
    options: dict[str, Any] = {"day0": "2027-01-15", "zone": "Asia/Shanghai", "choose": {"cy_level": level, "atg_product": "thymoglobulin"}, **SIGNED}
    change = {"cy3.dose": "25 mg/kg/day"} if level == "level-3" else {"flu.dose": "75 %"}
    schedule = plan("ctn0301", patient, set=change, **options)
    assert any(finding.code == "choice.closed" and finding.level == "block" for finding in schedule.open) and not schedule.releasable
    held = [row.order for row in schedule if row.held]
    assert set(held) >= ({"cy3"} if level == "level-3" else {"atg", "flu"})
    open_ = [finding.id for finding in schedule.open if finding.code == "choice.closed"]
    with pytest.raises(UsageError):
        plan("ctn0301", patient, answer={f"{open_[0]}x": "we insist"}, **options)
    assert not plan("ctn0301", patient, answer={open_[0]: "we insist"}, **options).releasable


def test_the_seed_takes_a_rule_a_table_and_a_reduction_at_once() -> None:
    patient = Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", crcl="60 mL/min")
    schedule = plan(load_regimen("nct07299123"), patient, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"},
                    set={"flu.adjust": "fludara-label", "flu.dose": "50 %", "cy.bsa-max": "1.5 m2"}, weight_rule="asco-2021", **SIGNED)  # fmt: skip
    why = {row.order: row.why for row in schedule}
    assert why["flu"].startswith("30 mg/m2/day × 50 % × 80 % (Fludara label) × 1.71 m² (asco-2021) = 20.52 mg → 21 mg")
    assert why["cy"].startswith("600 mg/m2/day × 1.5 m² (asco-2021, maximum; 1.71 m² without it) = 900 mg")
