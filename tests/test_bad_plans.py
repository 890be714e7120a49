"""Every row of `bad-inputs.csv` that needs a whole plan to go wrong: refused by its code, or held or asked about by the
code of its finding. A function for itself names its rows in a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from test_bad_files import ROOT, SOUND, swap

import dosing
from dosing.errors import DosingError
from dosing.rounding import to_step

FITS = {"D09": "limit.hard", "D09-soft": "limit.soft", "P04": "patient.size", "P06": "patient.weighed patient.weight-change",
        "P08": "bsa.formula", "R08": "source.conflict", "R13": "weight.unspecified"}  # fmt: skip

# Plans: what was asked, and what came back as codes and messages.
ADULT = {"weight": "70 kg", "height": "170 cm", "age": "34 y", "sex": "F", "creatinine": "0.7 mg/dL"}
SEED = {"choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}, "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}, "day0": "2026-03-04"}
Call = Callable[[Path], dosing.Schedule]


def seed(patient: dict[str, str] | None = None, **more) -> Call:
    given = {**SEED, **more}
    return lambda folder: dosing.plan("nct07299123", dosing.Patient(**{**ADULT, **(patient or {})}), **given)


def written(text: str, patient: dict[str, str] | None = None, **more) -> Call:
    """A plan of a regimen file with this text."""

    def call(folder: Path) -> dosing.Schedule:
        (folder / "r.yaml").write_text(text, encoding="utf-8")
        return dosing.plan(str(folder / "r.yaml"), dosing.Patient(**{**ADULT, **(patient or {})}), **more)

    return call


def order(drug: str, dose: str, days: str = "-5..-2", more: str = "") -> str:
    """A regimen of one order whose printed phrase is its dose."""
    head = SOUND[: SOUND.index("  - id: bu")]
    said = re.sub(r"\b(\d[\d.]*) g/", r"\1 g, \1 ", dose)
    return f'{head}  - {{id: x, drug: {drug}, dose: "{dose}", days: "{days}", route: iv, weight: actual, cite: {{record: "{said}"}}{more}}}\n'


def stepped(drug: str, step: str, text: str) -> Call:
    """A plan with a measurable step laid over a drug file."""

    def call(folder: Path) -> dosing.Schedule:
        (folder / "drugs").mkdir()
        shipped = (ROOT / f"regimens/drugs/{drug}.yaml").read_text(encoding="utf-8")
        over = re.sub(r"(?m)^step: .*$", f"step: {step}", re.sub(r"(?m)^bases: .*$", "bases: [kg, m2, flat]", shipped))
        (folder / "drugs" / f"{drug}.yaml").write_text(over, encoding="utf-8")
        (folder / "r.yaml").write_text(text, encoding="utf-8")
        return dosing.plan(str(folder / "r.yaml"), dosing.Patient(**ADULT), library=[str(folder)])

    return call


def vincristine(folder: Path) -> dosing.Schedule:
    """A drug whose record carries a largest single dose, ordered without one."""
    (folder / "drugs").mkdir()
    text = (ROOT / "regimens/drugs/fludarabine.yaml").read_text(encoding="utf-8").replace("fludarabine", "vincristine")
    (folder / "drugs" / "vincristine.yaml").write_text(text.replace("step: 1 mg", "step: 0.1 mg\ncap: 2 mg"), encoding="utf-8")
    (folder / "r.yaml").write_text(order("vincristine", "1.4 mg/m2/dose", "-5"), encoding="utf-8")
    return dosing.plan(str(folder / "r.yaml"), dosing.Patient(**ADULT), library=[str(folder)])


SAA2 = {"stratum": "SAA-II", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "yes"}
PLANS: list[tuple[str, Call, str]] = [
    ("B214", written(order("busulfan", "0.6 g/kg q6h", "-8..-5", ", first: 02:00")), "D09"),
    ("B215", written(order("busulfan", "2.4 mg/kg q6h", "-8..-5", ", first: 02:00")), "D09"),
    ("B216", written(order("busulfan", "0.6 mg/kg/day", "-8..-5")), "D09-soft D09"),
    ("B217", written(order("busulfan", "4 mg/kg/dose", "-9..-1")), "D09"),
    ("B218", written(order("cyclophosphamide", "4000 mg/m2/day")), "D09"),
    ("B219", written(order("cyclophosphamide", "500 mg/kg/day")), "D09"),
    ("B222", vincristine, "R13"),
    ("B374", seed({"weighed": "2025-08-01"}), "P06"),
    ("B376", seed({"weighed": "2026-03-05"}), "P06"),
    ("B377", seed({"last_weight": "78 kg"}), "P06"),
    ("B378", seed({"weight": "170 kg", "height": "70 cm"}), "P04"),
    ("B379", seed({"weight": "140 kg", "height": "165 cm"}), "weight.unspecified"),
    ("B415", seed(bsa="1.8"), "P08"),
    ("B415", seed({"bsa": "1.8"}), "P08 R03"),
    ("B418", seed(bsa="standard"), "P08"),
    ("B419", written(swap("trial: no", "trial: no\nbsa: mosteller"), {"weight": "18 kg", "height": "110 cm", "age": "6 y"}, bsa="dubois"), "P08"),
    ("B420", seed({"weight": "140 kg", "height": "165 cm"}), "R13"),
    ("B422", seed(bsa="nan"), "P05 P08"),
    ("B565", seed(choose={**SEED["choose"], "stratum": "SAA"}), "R09"),
    ("B566", seed(choose={"stratum": "SAA-II", "cy.dose": "600 mg/m2/day"}, times={"hsc": "14:00", "bu": "02:00"}), "R09"),
    ("B568", seed(choose=SAA2, times={"hsc": "14:00", "bu": "02:00"}), "R08"),
    ("B491", seed(choose=SAA2, day0="2026-04-06", zone="Europe/Berlin", times={"hsc": "14:00", "bu": "02:30"}), "T04"),
    ("B491", seed(day0="2026-03-29", zone="Europe/Berlin", times={"hsc": "02:30"}), "T04"),
    ("B492", seed(day0="2026-03-08", zone="America/New_York", times={"hsc": "02:15"}), "T04"),
]  # fmt: skip


def outcome(call: Call, folder: Path) -> dict[str, str]:
    """What a plan was refused for, or what keeps it from release: code and message."""
    try:
        return {finding.code: finding.message for finding in call(folder).open}
    except DosingError as error:
        return {fault.code: str(fault) for fault in error.faults}


@pytest.mark.parametrize(("row", "call", "codes"), PLANS, ids=[f"{row}-{number}" for number, (row, *_) in enumerate(PLANS)])
def test_a_doubtful_plan_is_refused_held_or_asked_about(tmp_path, row: str, call: Call, codes: str) -> None:
    """By a fitting code, and with a message that says what is wrong."""
    found = outcome(call, tmp_path)
    fitting = {code for one in codes.split() for code in (one, *FITS.get(one, "").split())}
    told = [found[code] for code in found.keys() & fitting]
    assert told, f"{sorted(found)} instead of {sorted(fitting)}"
    assert all(len(text) > 30 and "invalid" not in text.lower() for text in told)


def first(schedule: dosing.Schedule, name: str = "x") -> dict:
    return next(row for row in schedule.to_dict()["administrations"] if row["order"] == name)


def notes(schedule: dosing.Schedule) -> dict[str, str]:
    return {finding.id: finding.message for finding in schedule.findings}


def test_a_swapped_pair_is_named(tmp_path) -> None:  # B378
    assert "exchanged" in outcome(PLANS[[row for row, *_ in PLANS].index("B378")][1], tmp_path)["patient.size"]


def test_a_child_is_weighed_again_from_five_percent(tmp_path) -> None:  # B377
    child = {"weight": "28 kg", "height": "132 cm", "age": "9 y"}
    assert "patient.weight-change" in outcome(seed({**child, "last_weight": "30 kg"}), tmp_path)
    assert "patient.weight-change" not in outcome(seed({**child, "last_weight": "29 kg"}), tmp_path)
    assert "patient.weight-change" not in outcome(seed({"last_weight": "72 kg"}), tmp_path)


def test_six_elapsed_hours_take_the_first_two_o_clock(tmp_path) -> None:  # B495
    made = seed(choose=SAA2, day0="2026-11-01", zone="Europe/Berlin", times={"hsc": "14:00", "bu": "20:00"})(tmp_path)
    starts = [row["start"] for row in made.to_dict()["administrations"] if row["order"] == "bu"]
    assert starts[:2] == ["2026-10-24T20:00:00+02:00", "2026-10-25T02:00:00+02:00"]


def test_cells_before_midnight_are_a_note(tmp_path) -> None:  # B496
    made = seed(times={"hsc": "02:00"})(tmp_path)
    (found,) = (finding for finding in made.findings if finding.id == "msc.day")
    assert first(made, "msc")["start"] == "2026-03-03T22:00:00+08:00" and found.level == "note" and "-1" in found.message


def test_a_rounding_inside_the_limit_prints_both_numbers(tmp_path) -> None:  # B671
    row = first(stepped("busulfan", "100 mg", order("busulfan", "97.5 mg/dose", "-5"))(tmp_path))
    assert row["calculated"]["value"] == "97.5" and row["amount"]["value"] == "100" and "+2.6 %" in row["why"]


def test_a_rounding_may_reach_the_maximum(tmp_path) -> None:  # B674
    made = stepped("busulfan", "25 mg", order("busulfan", "499.9 mg/dose", "-5", ", max: 500 mg"))(tmp_path)
    assert first(made)["amount"] == {"value": "500", "unit": "mg"}


@pytest.mark.parametrize("given", ["501", "512"])  # B675, B676: the regimen says `max`, which cuts and tells
def test_a_dose_over_the_maximum_is_cut_only_as_the_regimen_says(tmp_path, given: str) -> None:
    made = stepped("busulfan", "25 mg", order("busulfan", f"{given} mg/dose", "-5", ", max: 500 mg"))(tmp_path)
    assert first(made)["amount"] == {"value": "500", "unit": "mg"} and "maximum" in first(made)["why"] and "500 mg" in notes(made)["x.max"]


def test_a_rounding_never_passes_a_maximum_between_two_steps(tmp_path) -> None:  # B675
    made = stepped("busulfan", "30 mg", order("busulfan", "501 mg/dose", "-5", ", max: 500 mg"))(tmp_path)
    assert Decimal(first(made)["amount"]["value"]) == 480


def test_a_tie_goes_away_from_zero_and_the_rule_prints(tmp_path) -> None:  # B678
    assert list(to_step(np.array([2.5, 3.5]), Decimal(1))) == [3, 4]
    row = first(stepped("busulfan", "1 mg", order("busulfan", "12.5 mg/dose", "-5"))(tmp_path))
    assert row["amount"]["value"] == "13" and "nearest 1 mg" in row["why"]


def test_a_rounding_over_the_limit_keeps_the_exact_dose(tmp_path) -> None:  # B678, 2.5 to 3 mg is +20 %
    made = stepped("busulfan", "1 mg", order("busulfan", "2.5 mg/dose", "-5"))(tmp_path)
    assert first(made)["amount"]["value"] == "2.5" and "exact dose" in notes(made)["x.rounding"]


def test_two_places_are_exact_decimals(tmp_path) -> None:  # B679
    assert to_step(np.array([2.675]), Decimal("0.01"))[0] == 2.68
    row = first(stepped("busulfan", "0.01 mg", order("busulfan", "2.675 mg/dose", "-5"))(tmp_path))
    assert row["amount"]["value"] == "2.68"


def test_the_sum_of_rounded_days_stands_beside_the_exact_total(tmp_path) -> None:  # B680
    made = stepped("busulfan", "1 mg", order("busulfan", "33.3 mg/dose", "-5..-2"))(tmp_path)
    assert made.to_dict()["totals"][0]["calculated"]["value"] == "133.2" and made.to_dict()["totals"][0]["amount"]["value"] == "132"
