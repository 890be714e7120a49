"""What is drawn up, in what, for which dose: the busulfan label, worked numbers, two worked stories, and how it prints."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from math import floor
from pathlib import Path

import pytest

from dosing import InputError, Patient, Schedule, UsageError, cli, plan, prepare
from dosing.preparation import Preparation, Prepared
from dosing.preparation.given import read_graduations
from dosing.preparation.volumes import digits, drug_volume, nearest
from dosing.regimen.library import library
from dosing.schedule import Administration, Amount

TENTH = read_graduations("0.1 mL")


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
    made = one(dose("fludarabine", "50", minutes=None), "solution", volumes={"x": "100 mL"})
    assert {"missing.duration", "missing.diluent"} <= codes(made) and made.fluid.rate is None and made.fluid.final == 102
    timed = one(dose("fludarabine", "50", minutes=30), "solution", volumes={"x": "100 mL"})
    assert (timed.fluid.rate, timed.fluid.amount_rate) == (204, 100), "102 mL and 50 mg in half an hour"
    assert "missing.duration" not in codes(timed)


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
        ({"cells": {"x": {"count": "alive"}}}, InputError, "D07"),
        ({"cells": {"x": {"bag": "5e6 cells", "bags": "A: 5e6 CD34 in 20 mL"}}}, InputError, "R08"),
        ({"cells": {"x": {"bags": "A: 5e6 CD35 in 20 mL"}}}, InputError, "D07"),
        ({"cells": {"x": {"bags": "A 5e6"}}}, InputError, "D07"),
        ({"cells": {"x": {"bags": "A: 5e6 cells; A: 6e6 cells"}}}, InputError, "Y08"),
        ({"cells": {"x": {"bags": "A: 5e6 cells", "give": "B"}}}, InputError, "R05"),
        ({"cells": {"x": {"give": "60 %, 50 % after 4 h"}}}, InputError, "D13"),
        ({"cells": {"x": {"give": "2 bags"}}}, InputError, "R05"),
        ({"cells": {"x": {"bags": "A: 5e6 cells", "give": "A, 50 % after 4 h"}}}, InputError, "D13"),
        ({"cells": {"x": {"thaw": "noon"}}}, InputError, "T01"),
        ({"products": {"x.vial": "60"}}, InputError, "D07"),
        ({"products": {"x.stable": "8"}}, InputError, "T03"),
        ({"prepared": {"x": "2027-04-03T07:30"}}, InputError, "T01"),
        ({"prices": {"concentrate": "12 EUR"}}, InputError, "P07"),
        ({"prices": {"concentrate": "12"}}, UsageError, "R10"),
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
    assert first["missing"] == ["bu.missing.duration", "bu.missing.light", "bu.missing.filter"]
    assert {"id": "bu.missing.light", "order": "bu", "write": '--product bu.light="…"'}.items() <= next(one for one in told["asks"] if one["id"] == "bu.missing.light").items()
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
    assert "draw up 2.8 mL = 16.8 mg" in said.out and "vials 1 × 60 mg, 43.2 mg left over" in said.out and "preparation: " in said.err


@pytest.mark.parametrize("wrong", [["--product", "bu=concentrate"], ["--prepare", "--cells", "viability=90 %"], ["--prepare", "--product", "by=concentrate"],
                                   ["--prepare", "--bag", "cy=500 mL", "--bag", "cy=250 mL"], ["--prepare", "--cohort", "x.csv"]])  # fmt: skip
def test_the_command_line_refuses_what_it_cannot_use(wrong: list[str], capsys: pytest.CaptureFixture) -> None:
    assert cli.main([*COMMAND, *wrong]) == 2
    assert capsys.readouterr().err
