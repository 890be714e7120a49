"""The arithmetic of a preparation: every vector of the shelf, rounding to syringe marks, the cheapest vials."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from fractions import Fraction
from itertools import product as combinations
from math import ceil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_adjustments import exact, planned
from test_preparation import TENTH, dose, one

from dosing import InputError, prepare
from dosing.engine.adjust import Rounded
from dosing.engine.dose import pack
from dosing.preparation.bags import choose_bags
from dosing.preparation.cells import Dmso, bag_count, dmso_mass, dmso_volume
from dosing.preparation.given import read_graduations
from dosing.preparation.vials import vial_set, waste
from dosing.preparation.volumes import (
    concentration,
    deviation,
    diluent_by_ratio,
    drug_volume,
    final_window,
    infusion_rate,
    measurable,
    nearest,
    smallest_bag,
    step_for,
)
from dosing.units import in_unit

SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "formula-vectors.csv"


# --- the shelf's vectors ---------------------------------------------------------------------------------------------


def dmso(said: dict[str, str]) -> Dmso:
    return Dmso(Fraction(said["fraction"]), said["basis"], Fraction(said["density_g_ml"]) if "density_g_ml" in said else None)


def cells_for(per_kg: str, weight: str) -> Decimal:
    """What the plan of an order by weight comes to."""
    return exact(planned({"drug": "umbilical-cord-msc", "dose": f"{per_kg} cells/kg"}, {"weight": f"{weight} kg"}))


def cells_of(said: dict[str, str]) -> Decimal:
    return Decimal(said["cells_total"]) if "cells_total" in said else cells_for(said["dose_per_kg"], said["W_kg"])


def thawed(cells: object, per_ml: object, viability: str, recovery: str) -> Fraction:
    """mL for a number of viable cells, of a certificate that counts total ones; viability and recovery in per cent."""
    stated = {"concentration": f"{per_ml} cells/mL", "viability": f"{viability} %", "recovery": f"{recovery} %", "count": "total", "dose-count": "viable"}
    return one(dose("umbilical-cord-msc", f"{cells}", "cells", kind="cells"), cells={"x": stated}).exact


def percent(share: str) -> str:
    return f"{Decimal(share) * 100:f}"


def ryoncil(said: dict[str, str]) -> int:
    (vials,) = one(dose("remestemcel-l", f"{cells_of(said):f}", "cells", kind="cells"), "ryoncil").vials
    assert vials.content.decimal == Decimal(said["cells_per_vial"])
    return vials.count


def dmso_days(said: dict[str, str]) -> int:
    """What `prepare` says of a product of 10^6 cells/mL for the 20 kg of its schedule."""
    assert (said["W_kg"], said["limit_g_kg"]) == ("20", "1")
    stated = {"concentration": "1e6 cells/mL", "count": "viable", "dose-count": "viable", "recovery": "100 %", "density": f"{said['density_g_ml']} g/mL",
              "dmso": f"{percent(said['fraction'])} % {said['basis']}"}  # fmt: skip
    made = prepare(dose("umbilical-cord-msc", f"{int(said['volume_ml']) * 10**6}", "cells", kind="cells"), cells={"x": stated})
    (told,) = [found.message for found in made.findings if found.code.endswith("check.dmso")]
    return int(re.search(r"needs (\d+) days", told)[1])


def vial_round(said: dict[str, str]) -> object:
    rounded = Rounded("vial", (Decimal(said["vial"]),), Decimal(said["limit_pct"]), "")
    packed = pack(SimpleNamespace(rounded=rounded, order=SimpleNamespace(max=None)), np.array([float(said["calculated"])]))
    return packed.amount(0) if packed.taken[0] else "NONE"


def mix(said: dict[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    sizes = {size: size for size in said["vials_mg"].split("|")}
    return vial_set(said["dose_mg"], sizes), sizes


def told_range(said: dict[str, str]) -> str:
    return "..".join(f"{float(end):.6g}" for end in final_window(said["dose_mg"], said["cmin"], said["cmax"]) if end is not None)


VECTORS = {
    "cells_total": lambda s: cells_for(s["dose_per_kg"], s["W_kg"]),
    "cells_volume_viable": lambda s: thawed(cells_of(s), s["conc_per_ml"], percent(s["viability"]), percent(s["recovery"])),
    "cells_bag_count": lambda s: bag_count(s["cells_total"], s["cells_per_bag"], s["recovery"]),
    "ryoncil_vials": ryoncil,
    "tnc_cord_minimum": lambda s: cells_for(s["min_per_kg"], s["W_kg"]),
    "dmso_mass": lambda s: dmso_mass(s["volume_ml"], dmso(s)),
    "dmso_max_volume_day": lambda s: dmso_volume(s["W_kg"], dmso(s), s["limit_g_kg"]),
    "dmso_infusion_days": dmso_days,
    "busulfan_diluent_volume": lambda s: diluent_by_ratio(drug_volume(s["dose_mg"], s["strength_mg_ml"]), s["ratio"]),
    "final_concentration": lambda s: concentration(s["dose_mg"], Fraction(s["drug_ml"]) + Fraction(s["diluent_ml"])),
    "bag_volume_min": lambda s: final_window(s["dose_mg"], None, s["cmax_mg_ml"])[0],
    "bag_volume_range": told_range,
    "vials_ceil": lambda s: vial_set(s["dose_mg"], {"vial": s["vial_mg"]})["vial"],
    "vial_mix_min_waste": lambda s: "+".join(f"{size}x{count}" for size, count in mix(s)[0].items()),
    "vial_mix_waste": lambda s: waste(s["dose_mg"], *mix(s)),
    "vial_round_within_limit": vial_round,
    "drug_volume": lambda s: drug_volume(s["dose_mg"], s["strength_mg_ml"]),
    "round_half_up": lambda s: nearest(s["value"], s["increment"]),
    "rounding_deviation_pct": lambda s: deviation(s["rounded"], s["calculated"]),
    "infusion_rate": lambda s: infusion_rate(s["volume_ml"], Fraction(s["duration_h"]) * 60),
}


def vectors() -> list:
    if not SHELF.is_file():
        return [pytest.param("", "", "", marks=pytest.mark.skip(reason="the shelf with the vectors is absent"))]
    with SHELF.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["formula"] in VECTORS]
    return [pytest.param(row["formula"], row["inputs"], row["output"], id=f"{row['formula']}({row['inputs']})") for row in rows]


@pytest.mark.parametrize(("name", "inputs", "output"), vectors())
def test_every_vector_of_cells_and_preparation(name: str, inputs: str, output: str) -> None:
    found = VECTORS[name](dict(pair.split("=") for pair in inputs.split(";")))
    assert shown(found) == shown(output)


def shown(value: object) -> list[str]:
    """Each number of a text to six figures, as the shelf prints them; words stay words."""
    return [part if not part.lstrip("-")[0].isdigit() or "x" in part else f"{float(Fraction(part)):.6g}" for part in str(value).split("..")]


@pytest.mark.skipif(not SHELF.is_file(), reason="the shelf with the vectors is absent")
def test_no_kind_of_vector_is_left_out() -> None:
    assert {one.values[0] for one in vectors()} == set(VECTORS) and len(vectors()) == 31


# --- arithmetic ------------------------------------------------------------------------------------------------------


def test_marks_of_syringes_by_volume() -> None:
    marks = read_graduations("0.1 mL to 3 mL, 0.2 mL to 10 mL, 1 mL")
    assert [step_for(volume, marks) for volume in ("3", "3.1", "10", "10.1")] == [Fraction("0.1"), Fraction("0.2"), Fraction("0.2"), 1]
    assert step_for(5, read_graduations("0.1 mL to 3 mL")) is None


def test_rounding_never_passes_a_maximum_nor_the_limit_nor_reaches_zero() -> None:
    assert measurable("1.96", TENTH, 10).volume == 2
    assert measurable("1.96", TENTH, 10, most="1.98").volume == Fraction("1.9")
    assert measurable("0.04", TENTH, 10).volume == Fraction("0.04") and measurable("0.04", TENTH, 10).why
    assert measurable("0.16", TENTH, 10).volume == Fraction("0.16") and measurable("0.16", TENTH, 10).why
    assert nearest("0.25", "0.1") == Fraction("0.3"), "half away from zero"
    capped = one(dose("methotrexate", "49", max="49 mg"), "preservative-free-25", graduation="0.1 mL")
    assert capped.volume == Fraction("1.9") and capped.drawn <= 49


def test_units_of_mass_compare_and_others_do_not() -> None:
    assert in_unit(1, "g", "mg") == 1000 and in_unit(250, "mcg", "mg") == Fraction(1, 4)
    with pytest.raises(InputError):
        in_unit(1, "cells", "mg")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.lists(st.sampled_from([3, 5, 7, 10, 25, 50, 100]), min_size=1, max_size=3, unique=True))
def test_no_set_of_vials_wastes_less_or_is_fewer(amount: int, sizes: list[int]) -> None:
    named = {str(size): size for size in sizes}
    found = vial_set(amount, named)
    held = sum(named[name] * count for name, count in found.items())
    every = (counts for counts in combinations(*(range(ceil(amount / size) + 1) for size in sizes)))
    best = min((sum(map(int.__mul__, counts, sizes)), sum(counts)) for counts in every if sum(map(int.__mul__, counts, sizes)) >= amount)
    assert (held, sum(found.values())) == best


@given(st.decimals("0.01", "500", places=2), st.sampled_from(["0.01", "0.1", "0.2", "1"]))
def test_a_measured_volume_is_on_a_mark_within_half_of_it_or_kept(volume: Decimal, step: str) -> None:
    found = measurable(volume, read_graduations(f"{step} mL"), 10)
    if found.why:
        assert found.volume == Fraction(volume)
    else:
        assert found.volume % Fraction(step) == 0 and abs(found.volume - Fraction(volume)) <= Fraction(step) / 2
        assert abs(deviation(found.volume, volume)) <= 10


def test_the_smallest_bag_and_none() -> None:
    assert smallest_bag(["50", "100", "250"], 90) == 100 and smallest_bag(["50"], 90) is None and smallest_bag([], 1) is None


# --- printed examples of a volume or a rate -------------------------------------------------------------------------------


def test_w07_w12_w39_w41_w84_volumes_and_rates_under_their_own_convention() -> None:
    assert drug_volume(40, 10) == 4, "W07: 40 mg of 10 mg/mL"
    assert [drug_volume(Fraction("0.24") * kg, 20) for kg in (70, 100)] == [Fraction("0.84"), Fraction("1.2")], "W12: 0.012 mL/kg of plerixafor"
    assert Fraction("0.24") / 20 == Fraction("0.012")
    assert drug_volume(Fraction("2.08") * 375, 10) == 78, "W39: body surface rounded to 0.01 first"
    assert infusion_rate(915, 180) == 305, "W41: mg/h by the same quotient"
    assert Fraction(5_000_000 * 70) / (50 * 1000 * Fraction("0.5")) == 14_000, "W84: mL of blood for 5 x 10^6 CD34/kg at 50/uL and half of them collected"


def test_w83_the_printed_donor_lymphocyte_example_does_not_follow() -> None:
    """50 x 10^6 CD3/kg for 70 kg, 6,500 white cells/uL, 30 % lymphocytes, 70 % of them CD3, half collected: 5,128 mL, printed as 3,500."""
    volume = thawed(50_000_000 * 70, 6500 * 1000 * 3 * 7 // 100, "100", "50")
    assert round(volume) == 5128 and round(volume) != 3500


def test_plerixafor_is_drawn_up_to_the_hundredth() -> None:
    assert one(dose("plerixafor", "16.8"), "solution", volumes={"x": "none"}, graduation="0.01 mL").volume == Fraction("0.84")


# --- bags ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_no_choice_of_bags_is_nearer_on_its_side(dose_of: int, held: list[int]) -> None:
    sums = [sum(one for one, taken in zip(held, mask, strict=True) if taken) for mask in combinations((0, 1), repeat=len(held)) if any(mask)]
    found = [sum(held[place] for place in chosen) for chosen in choose_bags(dose_of, held)]
    if dose_of in sums:
        assert found == [dose_of]
    else:
        assert found == [best for best in (min((one for one in sums if one > dose_of), default=None), max((one for one in sums if one < dose_of), default=None)) if best is not None]


def test_rates_of_an_hour_and_a_window() -> None:
    assert infusion_rate("102.667", 120) == Fraction("51.3335") and concentration(56, Fraction("102.3")) == Fraction(560, 1023)
    assert dmso_volume(20, Dmso(Fraction("0.1"), "w/v")) == 200


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 1200), st.sets(st.sampled_from([30, 50, 100, 250, 500, 1000]), min_size=1))
def test_a_standard_bag_is_inside_the_window_or_none_is(milligrams: int, sizes: set[int]) -> None:
    """Thiotepa at 0.5 to 1 mg/mL, the drug's volume taken out of the bag first."""
    made = one(dose("thiotepa", str(milligrams)), "powder-100-mg", bags=[f"{size} mL" for size in sizes], withdraw=True)
    fitting = [size for size in sizes if milligrams <= size <= 2 * milligrams]
    assert made.fluid.bag == (min(fitting) if fitting else None)
    assert (made.fluid.final is None) is (not fitting) and any("no standard bag fits" in text for text in made.warnings) is (not fitting)


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 900), st.lists(st.integers(10, 60), min_size=1, max_size=3), st.sampled_from(["", "0.1 mL"]))
def test_parts_always_sum_to_the_whole(tenths: int, shares: list[int], marks: str) -> None:
    if sum(shares) >= 100:
        shares = [30, 30]
    parts = [*shares, 100 - sum(shares)]
    give = ", ".join(f"{share} % after {4 * (place + 1)} h" for place, share in enumerate(parts))
    stated = {"concentration": "1e6 cells/mL", "count": "viable", "dose-count": "viable", "recovery": "100 %", "give": give}
    made = one(dose("umbilical-cord-msc", str(tenths * 100_000), "cells", kind="cells"), cells={"x": stated}, graduation=marks)
    assert sum(part.volume for part in made.parts) == made.volume == Fraction(tenths, 10) and sum(part.cells for part in made.parts) == made.drawn
    assert all(part.volume > 0 for part in made.parts) and len(made.parts) == len(parts)
