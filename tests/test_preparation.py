"""Millilitres, vials, bags, rates and cells against the shelf's vectors, the busulfan label and two worked stories."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import product as combinations
from math import ceil, floor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing import InputError, Patient, Schedule, UsageError, cli, plan, prepare
from dosing.preparation import Preparation, Prepared
from dosing.preparation.cells import (
    Dmso,
    bag_count,
    bag_plans,
    cells_total,
    cells_volume,
    dmso_days,
    dmso_mass,
    dmso_volume,
)
from dosing.preparation.given import read_certificate, read_graduations
from dosing.preparation.vials import vial_round, vial_set, vials_needed, waste
from dosing.preparation.volumes import (
    concentration,
    deviation,
    digits,
    diluent_by_ratio,
    drug_volume,
    final_window,
    in_unit,
    infusion_rate,
    measurable,
    nearest,
    smallest_bag,
    step_for,
)
from dosing.regimen.library import library
from dosing.schedule import Administration, Amount

SHELF = Path(__file__).parents[1].parent / "shared" / "reference" / "formula-vectors.csv"
TENTH = read_graduations("0.1 mL")


# --- the shelf's vectors ---------------------------------------------------------------------------------------------


def dmso(said: dict[str, str]) -> Dmso:
    return Dmso(Fraction(said["fraction"]), said["basis"], Fraction(said["density_g_ml"]) if "density_g_ml" in said else None)


def cells_of(said: dict[str, str]) -> Fraction:
    return Fraction(said["cells_total"]) if "cells_total" in said else cells_total(said["dose_per_kg"], said["W_kg"])


def mix(said: dict[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    sizes = {size: size for size in said["vials_mg"].split("|")}
    return vial_set(said["dose_mg"], sizes), sizes


def told_range(said: dict[str, str]) -> str:
    return "..".join(f"{float(end):.6g}" for end in final_window(said["dose_mg"], said["cmin"], said["cmax"]) if end is not None)


VECTORS = {
    "cells_total": lambda s: cells_total(s["dose_per_kg"], s["W_kg"]),
    "cells_volume_viable": lambda s: cells_volume(cells_of(s), s["conc_per_ml"], s["viability"], s["recovery"]),
    "cells_bag_count": lambda s: bag_count(s["cells_total"], s["cells_per_bag"], s["recovery"]),
    "ryoncil_vials": lambda s: vials_needed(cells_of(s), s["cells_per_vial"]),
    "tnc_cord_minimum": lambda s: cells_total(s["min_per_kg"], s["W_kg"]),
    "dmso_mass": lambda s: dmso_mass(s["volume_ml"], dmso(s)),
    "dmso_max_volume_day": lambda s: dmso_volume(s["W_kg"], dmso(s), s["limit_g_kg"]),
    "dmso_infusion_days": lambda s: dmso_days(s["volume_ml"], s["W_kg"], dmso(s), s["limit_g_kg"]),
    "busulfan_diluent_volume": lambda s: diluent_by_ratio(drug_volume(s["dose_mg"], s["strength_mg_ml"]), s["ratio"]),
    "final_concentration": lambda s: concentration(s["dose_mg"], Fraction(s["drug_ml"]) + Fraction(s["diluent_ml"])),
    "bag_volume_min": lambda s: final_window(s["dose_mg"], None, s["cmax_mg_ml"])[0],
    "bag_volume_range": told_range,
    "vials_ceil": lambda s: vials_needed(s["dose_mg"], s["vial_mg"]),
    "vial_mix_min_waste": lambda s: "+".join(f"{size}x{count}" for size, count in mix(s)[0].items()),
    "vial_mix_waste": lambda s: waste(s["dose_mg"], *mix(s)),
    "vial_round_within_limit": lambda s: vial_round(s["calculated"], s["vial"], s["limit_pct"]) or "NONE",
    "drug_volume": lambda s: drug_volume(s["dose_mg"], s["strength_mg_ml"]),
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
    return [part if not part[0].isdigit() or "x" in part else f"{float(Fraction(part)):.6g}" for part in str(value).split("..")]


@pytest.mark.skipif(not SHELF.is_file(), reason="the shelf with the vectors is absent")
def test_no_kind_of_vector_is_left_out() -> None:
    assert {one.values[0] for one in vectors()} == set(VECTORS) and len(vectors()) == 27


# --- a schedule of one dose ------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def base() -> Schedule:
    return plan("nct07299123", Patient(weight="20 kg", height="115 cm", age="7 y"), day0="2027-04-03", zone="Europe/Berlin",
                times={"hsc": "14:00"}, choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})  # fmt: skip


def dose(drug: str, amount: str, unit: str = "mg", minutes: int | None = 60, kind: str = "drug", route: str = "iv", held: bool = False, **card: str) -> Schedule:
    """A schedule of one dose; nothing of it is calculated, so that the preparation stands alone."""
    row = Administration("x", drug, 0, 1, 1, route, Amount(amount, unit), None if held else Amount(amount, unit), held,
                         base().day0, 1_806_750_000, minutes, "Europe/Berlin", "", None)  # fmt: skip
    return replace(base(), administrations=(row,), orders=({"id": "x", "kind": kind, **card},))


def one(schedule: Schedule, product: str = "", **stated) -> Prepared:
    if product:
        stated["products"] = {"x": product.split("+")}
    (row,) = prepare(schedule, **stated)
    return row


def codes(made: Prepared | Preparation) -> set[str]:
    return {found.code.removeprefix("preparation.") for found in made.findings}


# --- the busulfan label: W01 to W03 ----------------------------------------------------------------------------------


def test_w01_w02_the_label_rounds_the_volume_and_dilutes_what_it_rounded() -> None:
    made = one(dose("busulfan", "56", minutes=120), "concentrate", graduation="0.1 mL")
    assert (digits(made.exact), made.volume) == ("9.33333333333", Fraction("9.3"))
    assert (made.fluid.diluent, made.fluid.final) == (93, Fraction("102.3"))
    assert made.drawn == Fraction("55.8") and round(float(made.deviation), 2) == -0.36
    assert [(vials.product, vials.count) for vials in made.vials] == [("concentrate", 1)]
    assert digits(made.fluid.rate) == "51.15"
    assert "rounded" in codes(made)


def test_w03_the_label_truncates_its_concentration() -> None:
    made = one(dose("busulfan", "56"), "concentrate", graduation="0.1 mL").fluid.concentration
    assert floor(made * 100) == 54 and nearest(made, "0.01") == Fraction("0.55"), "the label prints 0.54: truncated, not rounded"


def test_without_marks_of_syringes_the_volume_is_exact_and_they_are_asked_for() -> None:
    made = one(dose("busulfan", "56"), "concentrate")
    assert made.volume == Fraction(28, 3) and made.fluid.diluent == Fraction(280, 3)
    assert digits(made.fluid.diluent) == "93.3333333333" and digits(made.fluid.concentration) == "0.545454545455"
    assert "missing.graduation" in codes(made)


# --- worked numbers of the shelf -------------------------------------------------------------------------------------


def test_melphalan() -> None:
    made = one(dose("melphalan", "259"), "povidone", bags=["500 mL", "1000 mL"])
    assert (digits(made.volume), made.vials[0].count, digits(made.fluid.smallest)) == ("51.8", 6, "575.555555556")
    assert made.fluid.bag == 1000 and made.fluid.concentration < Fraction("0.45") and not made.warnings


def test_thymoglobulin_and_atgam() -> None:
    made = one(dose("antithymocyte-globulin-rabbit", "170"), "thymoglobulin")
    assert (digits(made.volume), made.vials[0].count) == ("34", 7)
    horse = one(dose("antithymocyte-globulin-horse", "1400", minutes=240), "atgam", bags=["250 mL", "500 mL"])
    assert (digits(horse.volume), horse.vials[0].count, horse.fluid.smallest, horse.fluid.bag) == ("28", 6, 350, 500)


def test_cyclophosphamide_takes_the_cheapest_vials() -> None:
    made = one(dose("cyclophosphamide", "4200"), "powder-500-mg+powder-1-g+powder-2-g")
    assert {vials.product: vials.count for vials in made.vials} == {"powder-2-g": 2, "powder-500-mg": 1}
    assert (digits(made.volume), made.waste) == ("210", 300)


def test_thiotepa() -> None:
    made = one(dose("thiotepa", "90"), "powder-15-mg", bags=["50 mL", "100 mL"])
    assert (digits(made.volume), made.fluid.smallest, made.fluid.largest, made.fluid.bag) == ("9", 90, 180, 100)
    assert not made.warnings and made.fluid.final == 109


def test_the_seed_child() -> None:
    """20 kg, 115 cm: unrounded volumes as the shelf prints them."""
    assert digits(round(drug_volume("23.9792", 25), 6)) == "0.959168"  # 0.959166 from the unrounded dose
    assert one(dose("busulfan", "12"), "concentrate").volume == 2
    assert one(dose("antithymocyte-globulin-rabbit", "100"), "thymoglobulin").vials[0].count == 4
    slip = one(dose("antithymocyte-globulin-rabbit", "100", unit="mcg"), "thymoglobulin", graduation="0.1 mL")
    assert digits(slip.volume) == "0.02" and "check.measurable" in codes(slip)


# --- the stories -----------------------------------------------------------------------------------------------------


def story(kind: str, **more) -> Schedule:
    adult = kind == "A"
    who = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M"} if adult else {"weight": "28 kg", "height": "132 cm", "age": "9 y", "sex": "F"}
    choose = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"} if adult else {"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"}
    when = {"day0": "2027-01-15", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}} if adult else {"day0": "2027-04-03", "zone": "Europe/Berlin", "times": {"hsc": "14:00", "bu": "00:00"}}
    return plan("nct07299123", Patient(**who), choose=choose, **when, **more)


def test_story_a4() -> None:
    schedule = story("A", set={"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, by="AB", reason="confirmed", second_name="CD")
    made = prepare(schedule, graduation="0.1 mL").of("atg")
    assert {(str(one.row.amount), digits(one.volume), one.vials[0].count, digits(one.waste)) for one in made} == {("156 mg", "31.2", 7, "19")}
    assert len(made) == 4 and {"missing.bag"} <= codes(made[0])


def test_story_b2() -> None:
    made = prepare(story("B"), products={"bu": "concentrate"}).of("bu")
    assert {(str(one.row.amount), digits(one.volume), digits(one.fluid.diluent)) for one in made} == {("16.8 mg", "2.8", "28")}
    assert len(made) == 16 and {vials.count for one in made for vials in one.vials} == {1}


def test_a_held_line_and_a_graft_give_no_preparation() -> None:
    made = prepare(story("A"))
    assert not made.of("atg") and not made.of("hsc") and len(made.of("flu")) == 4
    assert {(one.order, one.level) for one in made.findings if one.code == "preparation.none"} == {("atg", "note"), ("hsc", "note")}
    assert not list(prepare(dose("busulfan", "56", held=True)))


def test_an_oral_dose_and_a_given_one_are_not_drawn_up() -> None:
    assert not list(prepare(dose("busulfan", "56", route="po")))
    schedule = dose("busulfan", "56")
    given_row = schedule.administrations[0]._replace(record={"given": {}})
    assert not list(prepare(replace(schedule, administrations=(given_row,))))


# --- what is missing is asked for ------------------------------------------------------------------------------------


def test_a_product_is_asked_for_with_those_on_file() -> None:
    made = prepare(story("A"))
    asked = next(found for found in made.findings if found.id == "cy.missing.product")
    assert asked.is_open and "powder-500-mg" in asked.message
    assert all(row.volume is None and not row.vials for row in made.of("cy"))


@pytest.mark.parametrize(
    ("drug", "product", "missing"),
    [
        ("antithymocyte-globulin-rabbit", "grafalon", {"missing.strength"}),
        ("plerixafor", "solution", {"missing.vial", "missing.bag"}),
        ("ciclosporin", "concentrate", {"missing.bag"}),
        ("thiotepa", "powder-15-mg", {"missing.bag"}),
    ],
)
def test_data_that_is_not_on_file_is_asked_for(drug: str, product: str, missing: set[str]) -> None:
    made = one(dose(drug, "90"), product, graduation="0.1 mL")
    assert missing <= codes(made) and made.fluid.final is None and made.fluid.rate is None


def test_a_rate_needs_a_duration_and_a_bag_without_diluent_data_asks_for_the_fluid() -> None:
    made = one(dose("cyclophosphamide", "600", minutes=None), "powder-1-g", volumes={"x": "500 mL"})
    assert {"missing.duration", "missing.diluent"} <= codes(made) and made.fluid.rate is None and made.fluid.final == 530
    timed = one(dose("cyclophosphamide", "600", minutes=60), "powder-1-g", volumes={"x": "500 mL"})
    assert timed.fluid.rate == 530 and "missing.duration" not in codes(timed)


def test_a_label_gives_the_shortest_infusion_where_the_source_gives_none() -> None:
    made = one(dose("antithymocyte-globulin-horse", "1400", minutes=None), "atgam", volumes={"x": "500 mL"})
    assert made.fluid.rate == Fraction(528, 4) and "missing.duration" not in codes(made)


@pytest.mark.parametrize(
    ("stated", "error", "code"),
    [
        ({"products": {"y": "concentrate"}}, UsageError, "R05"),
        ({"products": {"x": "concentrat"}}, UsageError, "R10"),
        ({"bags": ["250"]}, InputError, "D07"),
        ({"bags": ["250 mg"]}, InputError, "D07"),
        ({"graduation": "1 mL, 0.1 mL to 3 mL"}, InputError, "D07"),
        ({"cells": {"x": {"concentraton": "1e6 cells/mL"}}}, UsageError, "R03"),
        ({"cells": {"x": {"count": "viable", "viability": "90 %"}}}, InputError, "R08"),
        ({"cells": {"x": {"dmso": "10 %"}}}, InputError, "D07"),
        ({"cells": {"x": {"viability": "0.9"}}}, InputError, "R13"),
    ],
)
def test_what_cannot_be_read_is_refused(stated: dict, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as refused:
        prepare(dose("busulfan", "56"), **stated)
    assert refused.value.code == code


def test_sizes_of_different_strengths_and_another_product_than_planned_are_refused() -> None:
    with pytest.raises(UsageError, match="strength"):
        prepare(dose("methotrexate", "25"), products={"x": ["preserved-25", "canada-10"]})
    planned = dose("cyclophosphamide", "600", product="cyclophosphamide powder 1 g")
    assert one(planned).vials[0].product == "powder-1-g"
    with pytest.raises(UsageError, match="planned with powder-1-g"):
        prepare(planned, products={"x": "powder-2-g"})


# --- the checks of the shelf's section 3, each passing and failing ---------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "bags", "volume", "fails"),
    [
        ("90", ["50 mL", "100 mL"], None, False),
        ("45", ["100 mL", "250 mL"], None, True),  # below the lowest concentration in the smallest bag
        ("900", ["100 mL", "250 mL"], None, True),  # no bag is large enough
        ("90", [], "100 mL", False),
        ("90", [], "50 mL", True),  # above the highest concentration
        ("90", [], "none", True),  # undiluted
    ],
)
def test_check_1_the_concentration_and_the_smallest_bag(amount: str, bags: list[str], volume: str | None, fails: bool) -> None:
    made = one(dose("thiotepa", amount), "powder-100-mg", bags=bags, volumes={"x": volume} if volume else {})
    assert ("check.concentration" in codes(made)) is fails


@pytest.mark.parametrize(("amount", "fails"), [("25", False), ("2.5", True), ("1", True)])
def test_check_2_a_volume_that_cannot_be_measured(amount: str, fails: bool) -> None:
    made = one(dose("methotrexate", amount), "preservative-free-25", graduation="0.2 mL")
    assert ("check.measurable" in codes(made)) is fails
    assert made.volume > 0, "never rounded to nothing"


@pytest.mark.parametrize(("amount", "withdraw", "fails", "final"), [
    ("200", None, False, 110), ("220", None, True, None), ("220", True, False, 100), ("220", False, False, 111),
])  # fmt: skip
def test_check_3_more_than_a_tenth_of_the_bag_is_added(amount: str, withdraw: bool | None, fails: bool, final: int | None) -> None:
    made = one(dose("cyclophosphamide", amount), "powder-1-g", volumes={"x": "100 mL"}, withdraw=withdraw)
    assert ("check.added" in codes(made)) is fails
    assert made.fluid.final == final and (made.fluid.rate is None) is fails


@pytest.mark.parametrize(("minutes", "fails"), [(120, False), (480, False), (540, True)])
def test_check_4_the_clock_of_stability_includes_the_infusion(minutes: int, fails: bool) -> None:
    made = one(dose("busulfan", "56", minutes=minutes), "concentrate")
    assert ("check.stability" in codes(made)) is fails
    assert made.dilute_from == made.row.seconds + (minutes - 480) * 60


def test_check_6_fluid_of_a_day_by_weight() -> None:
    made = prepare(dose("busulfan", "12"), products={"x": "concentrate"})
    assert [(day.volume, day.per_kg, day.complete) for day in made.days] == [(22, Fraction(11, 10), True)]
    assert [day.complete for day in prepare(dose("busulfan", "12")).days] == [False]


def test_check_7_line_and_filter_come_from_the_product() -> None:
    made = prepare(dose("antithymocyte-globulin-rabbit", "100"), products={"x": "thymoglobulin"})
    assert any("0.22 micrometre" in text for text in made.rows[0].remarks) and "0.22 micrometre" in made.tell()
    assert not one(dose("fludarabine", "30"), "solution").remarks


@pytest.mark.parametrize(("product", "count", "warned"), [("powder-15-mg-overfilled", 7, True), ("powder-15-mg", 6, False)])
def test_check_8_vials_are_counted_by_what_can_be_withdrawn(product: str, count: int, warned: bool) -> None:
    made = one(dose("thiotepa", "90"), product)
    assert made.vials[0].count == count and ("check.overfill" in codes(made)) is warned


CERTIFICATE = {"concentration": "2e6 cells/mL", "viability": "90 %", "recovery": "75 %"}


@pytest.mark.parametrize(
    ("text", "density", "volume", "days"),
    [("10 % w/v", "", "200 mL", 1), ("10 % v/v", "1.10 g/mL", "200 mL", 2), ("10 % w/v", "", "225 mL", 2), ("10 % v/v", "1.10 g/mL", "180 mL", 1)],
)
def test_check_9_dmso_of_a_day_by_weight_or_volume(text: str, density: str, volume: str, days: int) -> None:
    stated = {"concentration": "1e6 cells/mL", "count": "viable", "recovery": "100 %", "bag": "1e7 cells", "bag-volume": volume, "dmso": text} | ({"density": density} if density else {})
    made = prepare(dose("umbilical-cord-msc", "10000000", "cells", kind="cells"), cells={"x": stated})
    assert ("check.dmso" in codes(made)) is (days > 1), "1 g/kg/day at 20 kg"
    assert all(f"needs {days} days" in found.message for found in made.findings if found.code.endswith("check.dmso"))


def test_check_9_a_share_by_volume_needs_a_density_and_silence_about_dmso_is_asked_about() -> None:
    schedule = dose("umbilical-cord-msc", "10000000", "cells", kind="cells")
    assert "missing.density" in codes(one(schedule, cells={"x": CERTIFICATE | {"dmso": "10 % v/v"}}))
    assert "missing.dmso" in codes(one(schedule, cells={"x": CERTIFICATE}))


@pytest.mark.parametrize("left_out", ["concentration", "viability", "recovery"])
def test_check_10_viability_and_recovery_are_never_assumed(left_out: str) -> None:
    schedule = dose("umbilical-cord-msc", "10000000", "cells", kind="cells")
    made = one(schedule, cells={"x": {key: text for key, text in CERTIFICATE.items() if key != left_out}})
    assert f"missing.{left_out}" in codes(made) and made.volume is None
    whole = one(schedule, cells={"x": CERTIFICATE})
    assert not {f"missing.{name}" for name in CERTIFICATE} & codes(whole) and digits(whole.volume) == "7.40740740741"


# --- cells -----------------------------------------------------------------------------------------------------------


def test_w79_to_w81_cells_per_kg_with_a_maximum() -> None:
    assert cells_total("2e6", 80, "2e8") == 160_000_000
    assert cells_total("2e6", 100, "2e8") == cells_total("2e6", 120, "2e8") == 200_000_000
    assert cells_total("2e5", 38) == 7_600_000


def test_w85_ryoncil_by_the_strength_of_the_label_not_by_its_quotient() -> None:
    made = one(dose("remestemcel-l", "60000000", "cells", kind="cells"), "ryoncil")
    assert (made.vials[0].count, round(float(made.volume), 2)) == (3, 8.98)
    assert "missing.dmso" in codes(made) and Fraction("3.8") * Fraction("6.68") != 25


def test_whole_bags_are_told_with_what_they_give() -> None:
    plans = bag_plans("3.5e8", "1.2e8", "0.75")
    assert [(one.bags, one.cells, round(float(one.deviation), 2)) for one in plans] == [(4, 360_000_000, 2.86), (3, 270_000_000, -22.86)]
    assert [one.bags for one in bag_plans("3.6e8", "1.2e8", "0.75")] == [4]
    made = one(dose("umbilical-cord-msc", "10000000", "cells", kind="cells"), cells={"x": CERTIFICATE | {"bag": "5e6 cells", "dmso": "10 % w/v"}})
    assert "check.bags" in codes(made) and [plan.bags for plan in made.bags] == [3, 2]
    assert made.fluid.final == Fraction("7.5") and made.dmso == Fraction("0.75")


def test_whole_bags_above_a_maximum_are_told() -> None:
    schedule = dose("umbilical-cord-msc", "10000000", "cells", kind="cells", max="10000000 cells")
    assert "check.bags.maximum" in codes(one(schedule, cells={"x": CERTIFICATE | {"bag": "5e6 cells"}}))
    exact = {"concentration": "2e6 cells/mL", "count": "viable", "recovery": "100 %", "bag": "5e6 cells"}
    assert not {"check.bags", "check.bags.maximum"} & codes(one(schedule, cells={"x": exact}))



def test_viability_is_not_applied_twice() -> None:
    assert read_certificate({"count": "viable"}, "x").viability == 1
    assert read_certificate({"count": "total", "viability": "90 %"}, "x").viability == Fraction(9, 10)
    assert read_certificate({"count": "total"}, "x").viability is None


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


# --- the data, and how it prints -------------------------------------------------------------------------------------


def test_every_number_a_preparation_uses_stands_beside_a_source() -> None:
    for drug in library().drugs.values():
        for name, product in drug.products.items():
            low, high = product.concentration_min, product.concentration_max
            assert product.source and "read 2026" in product.source, name
            assert not (low and high) or low.value <= high.value, name
            assert not product.withdrawable or product.withdrawable.value < product.vial.value, name


def test_the_shipped_site_states_no_bags_and_no_marks_and_an_overlay_may(tmp_path: Path) -> None:
    site = library().site
    assert site.bags == () and site.graduations == ()
    from dosing.regimen.library import shipped

    text = (shipped() / "site.yaml").read_text(encoding="utf-8")
    (tmp_path / "site.yaml").write_text(text + "bags: [50 mL, 100 mL, 250 mL]\ngraduations:\n  - {step: 0.1 mL, upto: 10 mL}\n  - {step: 1 mL}\n", encoding="utf-8")
    made = one(dose("thiotepa", "90"), "powder-100-mg", library=[str(tmp_path)])
    assert made.fluid.bag == 100 and "missing.graduation" not in codes(made)


def test_the_schedule_keeps_its_keys_and_the_preparation_is_plain_json() -> None:
    schedule = story("B")
    made = prepare(schedule, products={"bu": "concentrate"}, graduation="0.1 mL")
    assert "preparation" not in schedule.to_dict()
    told = json.loads(json.dumps(made.to_dict()))
    first = told["rows"][0]
    assert (first["order"], first["number"], first["volume"], first["diluent"]) == ("bu", 1, {"value": "2.8", "unit": "mL"}, {"value": "28", "unit": "mL"})
    assert first["concentration"] == {"value": "0.545454545455", "unit": "mg/mL"} and first["rate"] is None
    assert first["missing"] == ["bu.missing.duration"]
    assert json.dumps(prepare(schedule, products={"bu": "concentrate"}, graduation="0.1 mL").to_dict()) == json.dumps(made.to_dict())


COMMAND = ["plan", "nct07299123", "--weight", "28 kg", "--height", "132 cm", "--age", "9 y", "--sex", "F", "--day0", "2027-04-03", "--zone", "Europe/Berlin", "--time", "hsc=14:00",
           "--time", "bu=00:00", "--choose", "stratum=SAA-II", "--choose", "cy.dose=650 mg/m2/day", "--choose", "flu_in_saa2=yes"]  # fmt: skip


def test_the_command_line_prints_it_only_when_asked(capsys: pytest.CaptureFixture) -> None:
    stated = ["--prepare", "--product", "bu=concentrate", "--product", "cy=powder-500-mg+powder-1-g", "--bag", "cy=500 mL", "--graduation", "0.1 mL", "--withdraw", "no", "--cells", "msc.recovery=75 %"]
    assert cli.main([*COMMAND, *stated, "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["schedule", "preparation"] and told["schedule"]["schema"] == "dosing.schedule/1"
    cy = next(row for row in told["preparation"]["rows"] if row["order"] == "cy")
    assert cy["vials"] == [{"product": "powder-1-g", "content": {"value": "1000", "unit": "mg"}, "count": 1}] and cy["final_volume"]["value"] == "533"
    assert cli.main([*COMMAND, "--json"]) == 5
    assert "preparation" not in json.loads(capsys.readouterr().out)
    assert cli.main([*COMMAND, *stated]) == 5
    said = capsys.readouterr()
    assert "2.8 mL, 1 × 60 mg" in said.out and "preparation: " in said.err


@pytest.mark.parametrize("wrong", [["--product", "bu=concentrate"], ["--prepare", "--cells", "viability=90 %"], ["--prepare", "--product", "by=concentrate"],
                                   ["--prepare", "--bag", "cy=500 mL", "--bag", "cy=250 mL"], ["--prepare", "--cohort", "x.csv"]])  # fmt: skip
def test_the_command_line_refuses_what_it_cannot_use(wrong: list[str], capsys: pytest.CaptureFixture) -> None:
    assert cli.main([*COMMAND, *wrong]) == 2
    assert capsys.readouterr().err
