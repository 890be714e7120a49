"""Cells: what a certificate states to millilitres, bags, parts, DMSO and the time from thawing."""

from __future__ import annotations

from fractions import Fraction

import pytest
from test_adjustments import exact, planned
from test_preparation import codes, dose, one, story

from dosing import InputError, Patient, plan, prepare
from dosing.preparation.bags import bag_plans
from dosing.preparation.volumes import digits

COUNTS = {"count": "total", "dose-count": "viable"}
VIABLE = {"count": "viable", "dose-count": "viable"}
CERTIFICATE = {"concentration": "2e6 cells/mL", "viability": "90 %", "recovery": "75 %", **COUNTS}


@pytest.mark.parametrize(
    ("text", "density", "volume", "days"),
    [("10 % w/v", "", "200 mL", 1), ("10 % v/v", "1.10 g/mL", "200 mL", 2), ("10 % w/v", "", "225 mL", 2), ("10 % v/v", "1.10 g/mL", "180 mL", 1)],
)
def test_check_9_dmso_of_a_day_by_weight_or_volume(text: str, density: str, volume: str, days: int) -> None:
    stated = {"concentration": "1e6 cells/mL", **VIABLE, "recovery": "100 %", "bag": "1e7 cells", "bag-volume": volume, "dmso": text} | ({"density": density} if density else {})
    made = prepare(dose("umbilical-cord-msc", "10000000", "cells", kind="cells"), cells={"x": stated})
    assert ("check.dmso" in codes(made)) is (days > 1), "1 g/kg/day at 20 kg"
    assert all(f"needs {days} days" in found.message for found in made.findings if found.code.endswith("check.dmso"))


def test_check_9_a_share_by_volume_needs_a_density_and_silence_about_dmso_is_asked_about() -> None:
    schedule = dose("umbilical-cord-msc", "10000000", "cells", kind="cells")
    assert "missing.density" in codes(one(schedule, cells={"x": CERTIFICATE | {"dmso": "10 % v/v"}}))
    assert "missing.dmso" in codes(one(schedule, cells={"x": CERTIFICATE}))


@pytest.mark.parametrize("left_out", ["concentration", "viability", "recovery", "count", "dose-count"])
def test_check_10_viability_and_recovery_are_never_assumed(left_out: str) -> None:
    schedule = dose("umbilical-cord-msc", "10000000", "cells", kind="cells")
    made = one(schedule, cells={"x": {key: text for key, text in CERTIFICATE.items() if key != left_out}})
    assert f"missing.{left_out}" in codes(made) and made.volume is None
    whole = one(schedule, cells={"x": CERTIFICATE})
    assert not {f"missing.{name}" for name in CERTIFICATE} & codes(whole) and digits(whole.volume) == "7.40740740741"


# --- cells -----------------------------------------------------------------------------------------------------------


def test_w79_to_w81_cells_per_kg_with_a_maximum() -> None:
    capped = {"drug": "umbilical-cord-msc", "dose": "2e6 cells/kg", "max": "2e8 cells"}
    assert [exact(planned(capped, {"weight": f"{kg} kg"})) for kg in (80, 100, 120)] == [160_000_000, 200_000_000, 200_000_000]
    assert exact(planned({"drug": "umbilical-cord-msc", "dose": "2e5 cells/kg"}, {"weight": "38 kg"})) == 7_600_000


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
    exact = {"concentration": "2e6 cells/mL", **VIABLE, "recovery": "100 %", "bag": "5e6 cells"}
    assert not {"check.bags", "check.bags.maximum"} & codes(one(schedule, cells={"x": exact}))


@pytest.mark.parametrize(("count", "wanted", "volume"), [("total", "viable", "10"), ("viable", "viable", "9"), ("total", "total", "9"), ("viable", "total", "8.1")])
def test_viability_is_applied_once_where_the_two_counts_differ(count: str, wanted: str, volume: str) -> None:
    """9 x 10^6 of 2 x 10^6/mL with 50 % recovered are 9 mL; 90 % viable make 10 of it, or 8.1 the other way round."""
    stated = {"concentration": "2e6 cells/mL", "recovery": "50 %", "viability": "90 %", "count": count, "dose-count": wanted}
    assert digits(one(dose("umbilical-cord-msc", "9000000", "cells", kind="cells"), cells={"x": stated}).volume) == volume


def test_a_viability_is_not_needed_where_both_count_alike() -> None:
    made = one(dose("umbilical-cord-msc", "9000000", "cells", kind="cells"), cells={"x": {"concentration": "2e6 cells/mL", "recovery": "100 %", **VIABLE}})
    assert digits(made.volume) == "4.5" and made.working == "9,000,000 cells ÷ (2,000,000 per mL × 1 recovered) = 4.5 mL"
    assert {"missing.count", "missing.dose-count"} <= codes(one(dose("umbilical-cord-msc", "9000000", "cells", kind="cells"), cells={"x": {"viability": "90 %"}}))


# --- a certificate's own bags -----------------------------------------------------------------------------------------

BAGS = "A: 1.2e8 cells in 40 mL; B: 1.5e8 cells in 50 mL; C: 9e7 cells in 30 mL; D: 2e8 cells in 60 mL"
OWN = {"bags": BAGS, "recovery": "100 %", "dmso": "none", "keeps": "4 h", **VIABLE}


def bags(amount: str, minutes: int | None = 60, **more: str):
    return one(dose("donor-lymphocytes", amount, "cells", minutes, kind="cells"), cells={"x": OWN | more})


def test_bags_that_meet_the_dose_exactly_are_the_only_plan() -> None:
    made = bags("350000000")
    assert [(plan.names, plan.cells, plan.deviation) for plan in made.bags] == [(("B", "D"), 350_000_000, 0)]
    assert made.fluid.final == 110 and made.fluid.rate == 110 and "check.bags" not in codes(made)


def test_the_nearest_bags_above_and_below_are_both_shown() -> None:
    made = bags("330000000")
    assert [(plan.names, plan.cells, round(float(plan.deviation), 2)) for plan in made.bags] == [(("B", "D"), 350_000_000, 6.06), (("A", "D"), 320_000_000, -3.03)]
    assert "check.bags" in codes(made) and made.bags[1].per_kg == 16_000_000, "3.2 x 10^8 for 20 kg"
    named = bags("330000000", give="A+D")
    assert named.bags[0].names == ("A", "D") and named.fluid.final == 100 and "check.bags" not in codes(named)


def test_too_few_cells_in_all_bags_are_told() -> None:
    made = bags("1000000000")
    assert made.bags[0].cells == 560_000_000 and any("−44.0 % of the dose" in text for text in made.warnings)


def test_bags_without_a_volume_leave_the_fluid_open() -> None:
    made = bags("330000000", bags="A: 1.2e8 cells; B: 1.5e8 cells")
    assert "missing.bag-volume" in codes(made) and made.fluid.final is None


GRAFT = {"kind": "CD34", "bags": "A: 2.1e8 CD34, 9e9 TNC in 50 mL; B: 1.9e8 CD34, 8e9 TNC in 50 mL", "count": "viable", "recovery": "80 %", "dmso": "10 % w/v", "keeps": "30 min"}


def test_a_graft_without_a_dose_shows_what_its_bags_give() -> None:
    """(2.1 + 1.9) x 10^8 x 0.8 = 3.2 x 10^8 CD34, for 62.5 kg 5.12 x 10^6/kg; TNC 17 x 10^9 x 0.8 = 13.6 x 10^9."""
    made = prepare(story("A"), cells={"hsc": GRAFT})
    (graft,) = made.of("hsc")
    assert [(plan.names, plan.cells, plan.per_kg, plan.deviation) for plan in graft.bags] == [(("A", "B"), 320_000_000, 5_120_000, None)]
    assert graft.dmso == 10 and digits(made.days[-1].dmso_ml_per_kg) == "1.6" and digits(made.days[-1].dmso_per_kg) == "0.16"
    assert any("13,600,000,000 TNC" in found.message for found in graft.findings)
    assert "5,120,000 per kg" in made.tell()


def test_a_graft_names_what_it_counts() -> None:
    (graft,) = prepare(story("A"), cells={"hsc": {key: text for key, text in GRAFT.items() if key != "kind"}}).of("hsc")
    assert "missing.kind" in codes(graft) and not graft.bags
    with pytest.raises(InputError, match="no count of CD3"):
        prepare(story("A"), cells={"hsc": GRAFT | {"kind": "CD3"}})


# --- parts ------------------------------------------------------------------------------------------------------------


def test_parts_sum_to_the_whole_and_fall_on_their_days() -> None:
    """7.4 mL: 33 % is 2.442, drawn as 2.4; the last part takes the other 5.0."""
    stated = {"concentration": "2e6 cells/mL", "recovery": "100 %", **VIABLE, "dmso": "10 % w/v", "give": "33 %, 67 % after 24 h"}
    made = prepare(dose("umbilical-cord-msc", "14800000", "cells", kind="cells"), cells={"x": stated}, graduation="0.1 mL")
    (row,) = made
    assert [(part.volume, part.cells, part.day) for part in row.parts] == [(Fraction("2.4"), 4_800_000, 0), (5, 10_000_000, 1)]
    assert sum(part.volume for part in row.parts) == row.volume and sum(part.cells for part in row.parts) == 14_800_000
    assert [(day.day, day.volume, day.dmso) for day in made.days] == [(0, Fraction("2.4"), Fraction("0.24")), (1, 5, Fraction("0.5"))] and row.fluid.rate is None


def test_shares_of_whole_bags_are_shares_of_what_the_bags_give() -> None:
    """B + D hold 3.5 x 10^8 in 110 mL: 40 % are 44 mL with 1.4 x 10^8."""
    made = bags("350000000", give="40 %, 60 % after 6 h")
    assert [(part.volume, part.cells) for part in made.parts] == [(44, 140_000_000), (66, 210_000_000)]


@pytest.mark.parametrize(("give", "code"), [("7e6 cells, 7.8e6 cells after 4 h", ""), ("7e6 cells, 7e6 cells after 4 h", "D13")])
def test_parts_in_cells_come_to_the_dose(give: str, code: str) -> None:
    stated = {"concentration": "2e6 cells/mL", "recovery": "100 %", **VIABLE, "give": give}
    schedule = dose("umbilical-cord-msc", "14800000", "cells", kind="cells")
    if code:
        with pytest.raises(InputError) as refused:
            one(schedule, cells={"x": stated})
        assert refused.value.code == code
    else:
        assert [part.volume for part in one(schedule, cells={"x": stated}).parts] == [Fraction("3.5"), Fraction("3.9")]


@pytest.mark.parametrize(("give", "days", "fails"), [("A+B", [(0, Fraction("39.6"))], True), ("A, B after 24 h", [(0, Fraction("19.8")), (1, Fraction("19.8"))], False)])
def test_bags_on_two_days_keep_the_dmso_of_each_day(give: str, days: list, fails: bool) -> None:
    """180 mL of 10 % v/v at 1.10 g/mL are 19.8 g: 0.99 g/kg for 20 kg, both bags 1.98."""
    stated = OWN | {"bags": "A: 1e8 cells in 180 mL; B: 1e8 cells in 180 mL", "give": give, "dmso": "10 % v/v", "density": "1.10 g/mL"}
    made = prepare(dose("donor-lymphocytes", "200000000", "cells", kind="cells"), cells={"x": stated})
    assert [(day.day, day.dmso) for day in made.days] == days
    assert any(found.code.endswith("check.dmso") for found in made.findings) is fails


# --- from thawing to the end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("thaw", "fails"), [("10 min before", False), ("15 min before", True)])
def test_the_time_from_thawing_to_the_end_of_the_infusion(thaw: str, fails: bool) -> None:
    """20 min of infusion and 30 min from thawing: thawed at most 10 min before the start."""
    made = bags("350000000", 20, keeps="30 min", thaw=thaw)
    assert made.row.seconds - made.thaw_from == 600 and ("check.thaw" in codes(made)) is fails


@pytest.mark.parametrize(("expires", "fails"), [("30 min before", True), ("2027-04-04T12:00", False)])
def test_the_end_of_use_on_the_certificate(expires: str, fails: bool) -> None:
    made = bags("350000000", 20, expires=expires)
    assert ("check.thaw" in codes(made)) is fails


def test_an_infusion_longer_than_the_cells_keep_and_silence_are_told() -> None:
    assert "check.thaw" in codes(bags("350000000", 45, keeps="30 min"))
    silent = {key: text for key, text in OWN.items() if key != "keeps"}
    assert "missing.keeps" in codes(one(dose("donor-lymphocytes", "350000000", "cells", kind="cells"), cells={"x": silent}))


# --- products whose dose changes its basis ------------------------------------------------------------------------------


def tisa(weight: str, band: str, **choose: str):
    who = Patient(weight=weight, height="150 cm", age="12 y", sex="F")
    days = {"flu.days": "-8..-5", "cy.days": "-8, -7", "cells-kg.dose": "2e6 cells/kg", "cells-flat.dose": "1e8 cells"}
    asked = {key: text for key, text in days.items() if not key.startswith("cells-") or key == ("cells-kg.dose" if band == "up-to-50" else "cells-flat.dose")}
    return plan("tisa-cel-all", who, day0="2027-01-15", zone="Asia/Shanghai", choose={"band": band} | asked | choose)


@pytest.mark.parametrize(("weight", "band", "order", "cells"), [("50 kg", "up-to-50", "cells-kg", 100_000_000), ("54 kg", "above-50", "cells-flat", 100_000_000), ("38 kg", "up-to-50", "cells-kg", 76_000_000)])
def test_per_kg_up_to_50_kg_and_flat_above(weight: str, band: str, order: str, cells: int) -> None:
    made = prepare(tisa(weight, band), products={order: "kymriah"}, cells={order: {"bags": f"A: {cells} cells in 20 mL", "recovery": "100 %", "count": "viable", "dmso": "none"}})
    (row,) = made.of(order)
    assert row.bags[0].cells == cells and row.bags[0].deviation == 0 and "missing.keeps" not in codes(row)
    assert row.row.seconds - row.thaw_from == 1800, "30 min from thawing, to the start while no infusion time is known"


def test_what_a_label_counts_is_not_asked_for_and_not_overruled_silently() -> None:
    stated = {"bags": "A: 1e8 cells in 20 mL", "recovery": "100 %", "count": "viable", "dmso": "none"}
    made = prepare(tisa("50 kg", "up-to-50"), cells={"cells-kg": stated}).of("cells-kg")[0]
    assert "missing.dose-count" in codes(made), "no product is named"
    other = stated | {"dose-count": "total", "viability": "90 %"}
    assert "check.label" in codes(prepare(tisa("50 kg", "up-to-50"), products={"cells-kg": "kymriah"}, cells={"cells-kg": other}).of("cells-kg")[0])


def test_the_wrong_band_is_refused() -> None:
    with pytest.raises(InputError, match="the patient has weight 54 kg"):
        tisa("54 kg", "up-to-50")


def test_axi_cel_at_its_cap_takes_no_bag_above_it() -> None:
    """120 kg x 2 x 10^6 is capped at 2 x 10^8; a bag of 2.1 x 10^8 passes it, so its volume is not taken."""
    schedule = plan("axi-cel", Patient(weight="120 kg", height="180 cm", age="50 y", sex="M", creatinine="0.9 mg/dL"), day0="2027-01-15", zone="Asia/Shanghai", times={"cells": "10:00"})
    (order,) = {row.order for row in schedule if row.drug == "axicabtagene-ciloleucel"}
    (row,) = prepare(schedule, cells={order: {"bags": "A: 2.1e8 cells in 68 mL", "recovery": "100 %", **VIABLE, "dmso": "none", "keeps": "3 h"}}).of(order)
    assert row.row.amount.value == "200000000" and "check.bags.maximum" in codes(row) and row.fluid.final is None


def test_remestemcel_by_whole_vials() -> None:
    """28 kg x 2 x 10^6 = 56 x 10^6: 8.38 mL of 6.68 x 10^6/mL out of three vials of 25 x 10^6."""
    schedule = plan("remestemcel", Patient(weight="28 kg", height="132 cm", age="9 y", sex="F"), day0="2027-01-15", zone="Asia/Shanghai", choose={"part": "first", "week": "3-4"})
    rows = prepare(schedule).of("msc34")
    assert {(round(float(row.volume), 2), row.vials[0].count, row.waste) for row in rows} == {(8.38, 3, 19_000_000)} and len(rows) == 8
    assert {"missing.bag", "missing.dmso", "missing.keeps"} <= codes(rows[0])
    stated = prepare(schedule, graduation="0.1 mL", cells={"msc34": {"dmso": "10 % w/v", "keeps": "5 h"}}).of("msc34")[0]
    assert (digits(stated.volume), digits(stated.dmso)) == ("8.4", "0.84") and not {"missing.dmso", "missing.keeps"} & codes(stated)
