"""The checks of a preparation, each with a passing and a failing case worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from test_preparation import codes, dose, one, story

from dosing import InputError, UsageError, prepare
from dosing.preparation.volumes import at_least, at_most, digits, shown
from dosing.schedule import Amount, Schedule


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


def test_check_7_line_and_filter_come_from_the_product_each_with_its_source() -> None:
    made = one(dose("antithymocyte-globulin-horse", "1400", minutes=240), "atgam", bags=["500 mL"])
    assert {label.kind: label.source for label in made.labels}["filter"].startswith("ASHP injectable handbook r/tl3")
    assert not {"missing.light", "missing.filter", "missing.line"} & codes(made) and "0.2 to 1.0 micrometre" in " ".join(made.remarks)


def test_check_7_what_no_label_says_is_asked_for_and_the_answer_is_printed_as_stated() -> None:
    silent = one(dose("fludarabine", "50"), "solution", volumes={"x": "100 mL"})
    assert {"missing.light", "missing.filter", "missing.line", "missing.stable"} <= codes(silent)
    stated = {"x": "solution", "x.light": "none", "x.filter": "none", "x.line": "any", "x.stable": "8 h", "x.diluents": "sodium chloride 0.9 %"}
    answered = one(dose("fludarabine", "50"), products=stated, volumes={"x": "100 mL"})
    assert not [found for found in codes(answered) if found.startswith("missing") and found != "missing.graduation"]
    assert ("light", "none", "stated for this preparation") in {(label.kind, label.text, label.source) for label in answered.labels}


@pytest.mark.parametrize(("product", "count", "warned"), [("powder-15-mg-overfilled", 7, True), ("powder-15-mg", 6, False)])
def test_check_8_vials_are_counted_by_what_can_be_withdrawn(product: str, count: int, warned: bool) -> None:
    made = one(dose("thiotepa", "90"), product)
    assert made.vials[0].count == count and ("check.overfill" in codes(made)) is warned


# --- products: country, the label in hand, vials shared or by price -----------------------------------------------------


def test_a_country_narrows_what_is_offered_and_chooses_nothing() -> None:
    (asked,) = prepare(dose("methotrexate", "20"), country="CA").asks
    assert "canada-10" in asked.message and "preserved-25" not in asked.message and asked.write == "--product x=…"
    (asked,) = prepare(dose("cyclophosphamide", "600"), country="CA").asks
    assert "powder-1-g (country not on file)" in asked.message


@pytest.mark.parametrize(("product", "country", "told"), [("canada-10", "US", True), ("canada-10", "CA", False), ("canada-10", "", False), ("preserved-25", "CA", True)])
def test_a_product_of_another_country_is_told(product: str, country: str, told: bool) -> None:
    assert ("check.country" in codes(one(dose("methotrexate", "20"), product, country=country))) is told


def test_the_label_in_hand_serves_where_no_product_is_on_file() -> None:
    """196 mg of 25 mg/mL are 7.84 mL, two vials of 100 mg with 4 mg over."""
    assert "none is on file" in prepare(dose("bendamustine", "196")).asks[0].message
    made = one(dose("bendamustine", "196"), products={"x.strength": "25 mg/mL", "x.vial": "100 mg"})
    assert (digits(made.volume), made.vials[0].count, made.waste) == ("7.84", 2, 4)
    assert "missing.vial" in codes(one(dose("bendamustine", "196"), products={"x.strength": "25 mg/mL"}))


@pytest.mark.parametrize(("stable", "told"), [("8 h", False), ("6 h", True)])
def test_a_stated_fact_beside_the_file_is_used_and_told(stable: str, told: bool) -> None:
    made = one(dose("busulfan", "56", minutes=120), products={"x": "concentrate", "x.stable": stable})
    assert ("check.label" in codes(made)) is told
    assert made.row.seconds - made.dilute_from == (int(stable[0]) - 2) * 3600


def test_a_fact_of_one_vial_needs_one_product() -> None:
    with pytest.raises(UsageError, match="several products"):
        one(dose("cyclophosphamide", "600"), products={"x": ["powder-1-g", "powder-500-mg"], "x.vial": "1 g"})


def test_vials_are_shared_in_a_day_only_where_a_person_says_so() -> None:
    """Four doses of 16.8 mg are 67.2 mg: two vials of 60 mg and 52.8 mg over, instead of four vials."""
    own = prepare(story("B"), products={"bu": "concentrate"}).of("bu")
    assert {(one.vials[0].count, digits(one.waste)) for one in own} == {(1, "43.2")}
    shared = prepare(story("B"), products={"bu": "concentrate"}, share_vials=True).of("bu")
    first, *rest = shared[:4]
    assert (first.vials[0].count, digits(first.waste)) == (2, "52.8") and not any(one.vials for one in rest)
    assert sum(one.vials[0].count for one in shared if one.vials) == 8 and "missing.opened" in codes(first)


@pytest.mark.parametrize(("opened", "told"), [("18 h", False), ("12 h", True)])
def test_shared_vials_keep_from_the_first_to_the_last_dose(opened: str, told: bool) -> None:
    """Doses at 00:00 and 18:00 lie 18 h apart."""
    first = prepare(story("B"), products={"bu": "concentrate", "bu.opened": opened}, share_vials=True).of("bu")[0]
    assert ("check.shared" in codes(first)) is told and "missing.opened" not in codes(first)


def test_prices_decide_where_every_size_has_one() -> None:
    """1,100 mg: 1 g + 500 mg and 3 x 500 mg hold alike; at 30 and 10 the three are cheaper."""
    sizes, prices = {"x": ["powder-500-mg", "powder-1-g"]}, {"powder-500-mg": "10", "powder-1-g": "30"}

    def counts(**stated) -> dict[str, int]:
        return {vials.product: vials.count for vials in one(dose("cyclophosphamide", "1100"), products=sizes, **stated).vials}

    assert counts() == counts(prices={"powder-500-mg": "10"}) == {"powder-1-g": 1, "powder-500-mg": 1}
    assert counts(prices=prices) == {"powder-500-mg": 3}
    assert counts(prices=prices | {"powder-1-g": "19"}) == {"powder-1-g": 1, "powder-500-mg": 1}
    with pytest.raises(UsageError, match="which no order is prepared from"):
        counts(prices={"powder-2-g": "50"})


def test_powder_is_reconstituted_vial_by_vial() -> None:
    made = one(dose("melphalan", "259"), "captisol")
    assert [(each.count, digits(each.each), digits(each.total)) for each in made.dissolve] == [(6, "8.6", "51.6")]


# --- bags, rates, the clock, the fluid of a day -------------------------------------------------------------------------


def test_where_no_standard_bag_fits_it_is_refused_with_both_neighbours() -> None:
    """45 mg of thiotepa at 0.5 to 1 mg/mL: 45 to 90 mL."""
    made = one(dose("thiotepa", "45"), "powder-15-mg", bags=["30 mL", "100 mL"], withdraw=True)
    (told,) = [text for text in made.warnings if "no standard bag" in text]
    assert "45 mL to 90 mL" in told and "100 mL is too large" in told and "30 mL is too small" in told
    assert made.fluid.bag is None and made.fluid.final is None
    assert one(dose("thiotepa", "45"), "powder-15-mg", bags=["30 mL", "50 mL"], withdraw=True).fluid.final == 50


@pytest.mark.parametrize(("minutes", "fails"), [(240, False), (120, True)])
def test_an_infusion_shorter_than_the_label_is_told(minutes: int, fails: bool) -> None:
    made = one(dose("antithymocyte-globulin-horse", "1400", minutes=minutes), "atgam", bags=["500 mL"])
    assert ("check.duration" in codes(made)) is fails


def test_the_quarter_of_an_hour_of_a_library_page_stands_beside_the_half_hour_of_a_label() -> None:
    """The New Zealand BEAM page prints 15 min for the phosphate; the label of the plain concentrate says 30 to 60 min."""
    made = one(dose("etoposide", "342", minutes=15), "concentrate", bags=["1000 mL"])
    assert any("15 min; the label states at least 30 min" in text for text in made.warnings) and made.fluid.minutes == 15
    assert "check.duration" not in codes(one(dose("etoposide", "342", minutes=15), "etopophos", volumes={"x": "500 mL"}))


def test_the_first_infusion_of_a_label_is_longer_than_the_later_ones() -> None:
    """156 mg in 31.2 mL and a bag of 500 mL: 531.2 mL over 6 h, then over 4 h."""
    schedule = story("A", set={"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, by="AB", reason="confirmed", second_name="CD")
    rows = prepare(schedule, volumes={"atg": "500 mL"}, withdraw=False).of("atg")
    assert [row.fluid.minutes for row in rows] == [360, 240, 240, 240]
    assert [digits(round(row.fluid.rate, 4)) for row in rows[:2]] == ["88.5333", "132.8"] and rows[1].fluid.amount_rate == 39


@pytest.mark.parametrize(("lead", "fails"), [("6 h", False), ("7 h", True)])
def test_the_clock_runs_from_the_preparation_to_the_stop(lead: str, fails: bool) -> None:
    """8 h from dilution, an infusion of 2 h: at most 6 h before the start."""
    made = one(dose("busulfan", "56", minutes=120), "concentrate", prepared={"x": f"{lead} before"})
    assert ("check.stability" in codes(made)) is fails
    assert made.expires - made.prepared_at == 8 * 3600 and made.row.seconds - made.dilute_from == 6 * 3600


@pytest.mark.parametrize(("shift", "fails"), [(-600, False), (600, True)])
def test_a_dose_is_not_prepared_after_its_start(shift: int, fails: bool) -> None:
    schedule = dose("busulfan", "56", minutes=120)
    clock = datetime.fromtimestamp(schedule.administrations[0].seconds + shift, ZoneInfo("Europe/Berlin"))
    made = one(schedule, "concentrate", prepared={"x#1": f"{clock:%Y-%m-%dT%H:%M}"})
    assert ("check.prepared" in codes(made)) is fails and made.prepared_at == clock.timestamp() // 60 * 60


def test_a_preparation_in_the_hour_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        one(dose("busulfan", "56", minutes=120), "concentrate", prepared={"x#1": "2027-03-28T02:30"})
    assert refused.value.code == "T04"


@pytest.mark.parametrize(("bag", "fails"), [("2000 mL", False), ("2500 mL", True)])
def test_the_fluid_of_a_child_against_the_sites_limit(bag: str, fails: bool, tmp_path: Path) -> None:
    """20 kg: 2,000 mL are 100 mL/kg, 2,500 mL are 125."""
    from dosing.regimen.library import shipped

    (tmp_path / "site.yaml").write_text((shipped() / "site.yaml").read_text(encoding="utf-8") + "fluid-child: 100 mL/kg\n", encoding="utf-8")
    made = prepare(dose("cyclophosphamide", "600"), products={"x": "powder-1-g"}, volumes={"x": bag}, withdraw=True, library=[str(tmp_path)])
    assert (made.days[0].limit, any(found.id == "check.fluid.+0" for found in made.findings)) == (100, fails)
    assert prepare(dose("cyclophosphamide", "600"), volumes={"x": bag}).days[0].limit is None, "the shipped site states none"


def test_a_volume_nobody_knows_is_named_and_never_nothing() -> None:
    days = {day.day: day for day in prepare(story("A"), products={"flu": "solution"}, volumes={"flu": "100 mL"}).days}
    assert days[-5].unknown == ("cy",) and digits(days[-5].volume) == "102.04"
    assert days[-4].unknown == ("cy", "atg") and days[-1].unknown == ("atg",) and days[0].unknown == ("msc", "hsc")
    assert not any(day.complete for day in days.values()) and "fluid of atg not known" in days[-1].tell()


def test_doses_that_are_prepared_alike_are_one_line() -> None:
    made = prepare(story("B"), products={"bu": "concentrate"})
    assert [(group[0].row.order, len(group)) for group in made.groups] == [("bu", 16), ("flu", 4), ("cy", 4), ("msc", 1)]
    assert made.tell().count("draw up 2.8 mL = 16.8 mg") == 1 and "doses 1 to 16 of 16" in made.tell()


# --- what a pharmacist missed on the print ---------------------------------------------------------------------------


def test_a_volume_drawn_up_stands_with_what_it_is_off_the_dose_ordered_and_calculated() -> None:
    """8.9 mL of 6 mg/mL is no mark of 0.2 mL: 9 mL hold 54 mg, 54/53.4 = +1.1 % and 54/53.12 = +1.7 %."""
    made = one(replaced(dose("busulfan", "53.4"), calculated=Amount("53.12", "mg")), "concentrate", graduation="0.2 mL")
    assert [(round(float(off), 1), str(of), word) for off, of, word in made.apart] == [(1.1, "53.4 mg", "ordered"), (1.7, "53.12 mg", "calculated")]
    assert "draw up 9 mL (exactly 8.9 mL) = 54 mg, +1.1 % of 53.4 mg ordered, +1.7 % of 53.12 mg calculated" in made.tell()
    assert str(made.row.amount) == "53.4 mg" and "check.drawn" not in codes(made)


def test_a_drawn_amount_past_the_sites_limit_from_the_calculated_dose_is_asked_about() -> None:
    """The order is far above what was calculated and the syringe adds to it: 54/45 is +20 %."""
    made = one(replaced(dose("busulfan", "53.4"), calculated=Amount("45", "mg")), "concentrate", graduation="0.2 mL")
    assert "check.drawn" in codes(made)


def replaced(schedule: Schedule, **facts: Any) -> Schedule:
    """The schedule with other facts of its one row."""
    (row,) = schedule
    return replace(schedule, administrations=(row._replace(**facts),))


@pytest.mark.parametrize(("volume", "withdraw", "fails"), [("500 mL", False, True), ("500 mL", True, False), ("2500 mL", False, False)])
def test_what_a_bag_takes_beside_its_own_volume_is_asked(volume: str, withdraw: bool, fails: bool) -> None:
    made = one(dose("cyclophosphamide", "4200"), "powder-1-g", volumes={"x": volume}, withdraw=withdraw)
    assert ("check.capacity" in codes(made)) is fails


@pytest.mark.parametrize(("volume", "fails"), [("100 mL", False), ("500 mL", True), ("50 mL", True)])
def test_no_rate_is_told_outside_the_concentration_of_the_label(volume: str, fails: bool) -> None:
    """54 mg in 109 mL are 0.495 mg/mL, the label's about 0.5; in 509 mL 0.106, in 59 mL 0.915."""
    made = one(dose("busulfan", "54", minutes=120), "concentrate", volumes={"x": volume}, withdraw=False)
    assert ("check.concentration" in codes(made)) is fails and (made.fluid.rate is None) is fails is made.fluid.outside
    assert ("run " in made.tell().replace("not to be run", "")) is not fails


def test_doses_too_early_prepared_are_told_once() -> None:
    planned = story("B")
    rows = tuple(row._replace(minutes=120) if row.order == "bu" else row for row in planned)
    made = prepare(replace(planned, administrations=rows), products={"bu": "concentrate"}, prepared={"bu": "7 h before"})
    assert [len(group) for group in made.groups if group[0].row.order == "bu"] == [16] and " ".join(made.tell().split()).count("prepare it later") == 1
    assert len([found for found in made.findings if found.code == "preparation.check.stability"]) == 1


@pytest.mark.parametrize(("value", "unit", "told"), [
    (Fraction(1700, 3), "mL", "566.7 mL"), (Fraction(53, 6), "mL", "8.833 mL"), (Fraction(250, 3), "mL/h", "83.3 mL/h"), (Fraction(1, 30), "mL/h", "0.0333 mL/h"), (500, "mL", "500 mL"),
])  # fmt: skip
def test_a_figure_for_print(value: Fraction, unit: str, told: str) -> None:
    assert str(shown(value, unit)) == told
    assert str(at_least(Fraction(100, 3))) == "33.4 mL" and str(at_most(Fraction(200, 3))) == "66.6 mL"
