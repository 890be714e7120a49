"""Whole vials, standard doses and the measurable step: policies with limits, figures by hand, and the oracle's own."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from test_adjustments import HEAVY, SIGNED, amount, exact, found, made, planned

from dosing import InputError, RegimenError
from dosing.regimen.library import library
from dosing.rounding import nearest_band, whole_packs, within
from dosing.second.amounts import packed

VIALS = "products:\n  own:\n    name: made up\n    vial: {vial}\n    source: made up\n"


def drug(folder: Path, more: str, kind: str = "drug", step: str = "1 mg") -> Path:
    """A made-up drug in a library folder."""
    (folder / "drugs").mkdir(exist_ok=True)
    limits = "limits:\n  - {hard: at most 100000 mg/dose, seen: made up, source: made up, status: 'proposed, needs pharmacist sign-off'}\n" if kind == "drug" else ""
    text = f"id: made-up\nkind: {kind}\nnames: {{en-GB: made up}}\nunit: mg\nbases: [flat, kg, m2]\nstep: {step}\n{limits}{more}\n"
    (folder / "drugs" / "made-up.yaml").write_text(text, encoding="utf-8")
    return folder


def given(folder: Path, dose: str, rounding: str = "", more: dict[str, str] | None = None, **options: Any) -> Any:
    order = {"drug": "made-up", "dose": f"{dose}/dose", **({"rounding": rounding} if rounding else {}), **(more or {})}
    return planned(order, HEAVY, folder=folder, **options)


@pytest.mark.parametrize(
    ("dose", "vial", "policy", "amount_"),
    [
        ("259", "50", "vial", "250 mg"),  # the shelf's vector, −3.47 %
        ("229", "50", "vial-5", "229 mg"),  # +9.17 % is more than 5 %: the measurable step
        ("229", "50", "hopa-10", "250 mg"),
        ("97.5", "100", "vial", "100 mg"),  # B671, +2.6 %
        ("55", "50", "vial", "50 mg"),  # −9.09 %
        ("45", "50", "vial", "45 mg"),  # +11.1 %
        ("125", "50", "vial", "125 mg"),  # a tie goes up to 150, +20 %: too far
        ("1125", "50", "vial", "1150 mg"),  # a tie goes up, +2.2 %
        ("500", "450", "vial", "450 mg"),  # −10 % exactly is inside
        ("20", "50", "vial", "20 mg"),  # never to zero
    ],
)
def test_whole_vials(tmp_path: Path, dose: str, vial: str, policy: str, amount_: str) -> None:
    schedule = given(drug(tmp_path, VIALS.format(vial=f"{vial} mg")), f"{dose} mg", policy)
    assert amount(schedule) == amount_
    told = found(schedule, "one.packs").message
    assert ("the measurable step is used" in told) == (amount_ == f"{dose} mg")


def test_the_deviation_prints_with_its_sign_and_the_total_is_the_sum(tmp_path: Path) -> None:
    schedule = given(drug(tmp_path, VIALS.format(vial="50 mg")), "259 mg", "vial", {"days": "-3..-1"})
    assert schedule.administrations[0].why == "259 mg/dose = 259 mg → 250 mg (5 whole vials of 50 mg, −3.5 %)"
    assert str(schedule.total("made-up")) == "750 mg" and schedule.totals[0].calculated.value == "777"


def test_vials_never_pass_a_maximum(tmp_path: Path) -> None:
    folder = drug(tmp_path, VIALS.format(vial="50 mg"))
    assert amount(given(folder, "145 mg", "vial", {"max": "149 mg"})) == "145 mg"  # 150 would pass it, 100 is too far
    assert amount(given(folder, "980 mg", "vial", {"max": "990 mg"})) == "950 mg"
    assert amount(given(folder, "980 mg", "vial", {"max": "1000 mg"})) == "1000 mg"


def test_what_is_not_stated_is_not_rounded(tmp_path: Path) -> None:
    """A policy of the house holds for no trial, no cells and no exempt drug; what an order states holds."""
    folder = drug(tmp_path, VIALS.format(vial="50 mg"))
    assert amount(given(folder, "259 mg", rounding="step")) == "259 mg"
    order = {"drug": "made-up", "dose": "259 mg/dose"}
    assert amount(planned(order, HEAVY, folder=folder)) == "259 mg"
    assert amount(planned(order, HEAVY, folder=folder, rounding="hopa-10", trial="yes")) == "259 mg"
    assert amount(planned(order, HEAVY, folder=folder, rounding="hopa-10")) == "250 mg"
    assert amount(planned({**order, "rounding": "vial"}, HEAVY, folder=folder, trial="yes")) == "250 mg"
    busulfan = {"drug": "busulfan", "dose": "0.8 mg/kg/dose every 6 h", "first": "06:00"}
    assert found(planned(busulfan, HEAVY, rounding="hopa-10"), "one.packs") is None
    assert found(planned({"drug": "umbilical-cord-msc", "dose": "5e5 cells/kg"}, HEAVY, rounding="hopa-10"), "one.packs") is None


def test_a_site_states_its_policy(tmp_path: Path) -> None:
    drug(tmp_path, VIALS.format(vial="50 mg"))
    site = (library().folders[0] / "site.yaml").read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(site + "\nrounding: vial-5\n", encoding="utf-8")
    assert amount(given(tmp_path, "259 mg")) == "250 mg" and amount(given(tmp_path, "229 mg")) == "229 mg"
    assert "vial-5@1" in found(given(tmp_path, "259 mg"), "one.packs").message


def test_vials_and_bands_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    folder = drug(tmp_path, "")
    for rounding in ("vial", "band", "bands-6", "logarithmic-6"):
        with pytest.raises(InputError) as refusal:
            given(folder, "259 mg", rounding)
        assert refusal.value.code == "R13"
    order = {"drug": "made-up", "dose": "259 mg/dose"}
    assert amount(planned(order, HEAVY, folder=folder, rounding="bands-6")) == "259 mg"  # of the house: the step where there are none
    with pytest.raises(RegimenError) as wrong:
        made({"drug": "fludarabine", "dose": "30 mg/m2/day", "rounding": "nearest"})
    assert wrong.value.code == "R13"
    with pytest.raises(InputError, match="no way of rounding"):
        planned(order, HEAVY, folder=folder, rounding="nhs")


@pytest.mark.parametrize(
    ("dose", "amount_"),
    [
        ("99", "100 mg"), ("100", "100 mg"), ("104", "100 mg"),  # edges √(100 × 112) = 105.83 and √(89 × 100) = 94.34
        ("105.8", "100 mg"), ("105.9", "112 mg"), ("94.3", "89 mg"), ("94.4", "100 mg"),  # −5.5 %, +5.8 %, −5.6 %, +5.9 %
        ("120", "120 mg"), ("83", "83 mg"),  # 112 is −6.7 %, 89 is +7.2 %: past 6 %, the measurable step
    ],
)  # fmt: skip
def test_standard_doses_of_a_site(tmp_path: Path, dose: str, amount_: str) -> None:
    folder = drug(tmp_path, "bands: [89 mg, 100 mg, 112 mg]")
    schedule = given(folder, f"{dose} mg", "bands-6")
    assert amount(schedule) == amount_ and exact(schedule) == Decimal(dose)


def test_a_dose_on_the_edge_goes_up_and_a_band_never_passes_a_maximum(tmp_path: Path) -> None:
    folder = drug(tmp_path, "bands: [160 mg, 169 mg]")  # √(160 × 169) = 164.44…; 156.25 × 169 = 162.5²
    assert amount(given(folder, "164.4 mg", "bands-6")) == "160 mg" and amount(given(folder, "164.5 mg", "bands-6")) == "169 mg"
    assert amount(given(folder, "164.5 mg", "bands-6", {"max": "168 mg"})) == "160 mg"
    square = drug(tmp_path, "bands: [144 mg, 169 mg]")  # √(144 × 169) = 156 exactly, 169 is +8.3 %
    assert amount(given(square, "156 mg", "bands-10-biological")) == "169 mg"


def test_constructed_bands_have_one_ratio_and_say_so(tmp_path: Path) -> None:
    """100 × 1.06 / 0.94 = 112.77 → 113, 127.16 → 127; 88.68 → 89: each within half a step of the ratio."""
    folder = drug(tmp_path, "band-anchor: 100 mg")
    assert amount(given(folder, "110 mg", "logarithmic-6")) == "113 mg" and amount(given(folder, "124 mg", "logarithmic-6")) == "127 mg"
    assert amount(given(folder, "91 mg", "logarithmic-6")) == "89 mg"
    assert "constructed" in found(given(folder, "110 mg", "logarithmic-6"), "one.packs").cite


def test_no_national_table_is_shipped() -> None:
    shelf = library()
    assert not [name for name in shelf.drugs if shelf.drugs[name].bands or shelf.drugs[name].band_anchor]
    assert not (shelf.site.rounding or shelf.site.weight_rules)


def test_a_person_may_state_vials_for_a_trial() -> None:
    order = {"drug": "fludarabine", "dose": "30 mg/m2/day"}
    schedule = planned(order, HEAVY, trial="yes", set={"one.rounding": "vial", "one.product": "solution"}, **SIGNED)
    # 61.5 mg is nearest to one vial of 50 mg, −18.7 %: too far; 51.3 mg would be one vial
    assert amount(schedule) == "62 mg"
    assert amount(planned(order, {**HEAVY, "weight": "66 kg"}, trial="yes", set={"one.rounding": "vial"}, **SIGNED)) == "50 mg"  # 1.71 m2


LISTED = "nhs-england-single-container-1mg-per-ml.tsv"
SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "data" / LISTED


@pytest.mark.skipif(not SHELF.is_file(), reason="the shelf with the printed bands is absent")
def test_the_edges_of_a_printed_table_are_those_used_here() -> None:
    """NHS England's 1 mg/mL single containers: 48 inner edges, given to 0.01 mg, lie at the geometric mean."""
    rows = [line.split("\t") for line in SHELF.read_text(encoding="utf-8").splitlines()[1:]]
    bands = tuple(Decimal(row[3]) for row in rows)
    for place, row in enumerate(rows[:-1]):
        edge = float(row[1])
        assert int(nearest_band(np.array([edge - 0.0051]), bands)[0]) == place or int(nearest_band(np.array([edge + 0.0051]), bands)[0]) == place + 1
        assert abs((float(bands[place]) * float(bands[place + 1])) ** 0.5 - edge) < 0.0101


def test_engine_second_and_oracle_pack_alike() -> None:
    """10,000 random doses by whole vials and by standard doses: floats, fractions and a third, plain search agree."""
    dice = random.Random(20261122)
    for _ in range(5000):
        dose, vial = Fraction(dice.randint(1, 400_000), 100), Fraction(dice.choice([5, 25, 50, 60, 100, 250, 1000]))
        limit, most = dice.choice([5, 6, 10]), Fraction(dice.randint(50, 4000)) if dice.random() < 0.3 else None
        dose = dose if most is None else min(dose, most)
        bands = tuple(sorted({Fraction(dice.randint(1, 400) * 5) for _ in range(8)}))
        theirs = oracle.packed(dose, most, "vial", (vial,), limit), oracle.packed(dose, most, "band", bands, limit)
        texts = [f"vial {limit} {vial}", f"band {limit} {' '.join(map(str, bands))}"]
        assert tuple(packed(dose, most, text) for text in texts) == theirs, (dose, vial, bands, most, limit)
        count = whole_packs(np.array([float(dose)]), Decimal(str(vial)), None if most is None else Decimal(str(most)))
        ours = Fraction(int(count[0])) * vial
        assert (ours if ours and within(np.array([float(ours)]), np.array([float(dose)]), limit / 100)[0] else None) == theirs[0]
        fitting = tuple(Decimal(str(band)) for band in bands if most is None or band <= most)
        if fitting:
            band = fitting[int(nearest_band(np.array([float(dose)]), fitting)[0])]
            assert (Fraction(band) if within(np.array([float(band)]), np.array([float(dose)]), limit / 100)[0] else None) == theirs[1]
