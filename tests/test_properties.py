"""Relations that must hold between two plans, whatever the numbers: the metamorphic relations M01 to M28 by number.

M12, M17 and M23 to M26 belong to exchange, blocks and cohorts and are tested with them, except where noted.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dosing import InputError, Patient, RegimenError, Schedule, plan
from dosing.forms import plain, say_day
from dosing.regimen.library import library
from dosing.render import to_text_of

CASES = str(Path(__file__).parent / "cases")
HEAD = """id: relation
version: 1
status: draft
title: two plans compared
trial: no
day0: the day of the graft
sources: {made: {id: made, title: made up, read: 2026-11-22}}
orders:
"""
quick = settings(max_examples=40, deadline=None, derandomize=False)

kilograms = st.integers(300, 6000).map(lambda n: Decimal(n) / 100)
grown = st.integers(3000, 15000).map(lambda n: Decimal(n) / 100)  # no body that holds every line at 170 cm
doses = st.one_of(st.integers(1, 400).map(Decimal), st.integers(1, 999).map(lambda n: Decimal(n) / 10))
bases = st.sampled_from(["/kg", "/m2", ""])
dates = st.dates(date(2026, 1, 1), date(2030, 12, 31))
zones = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Auckland"])
runs = st.tuples(st.integers(-9, 5), st.integers(1, 6)).map(lambda pair: tuple(range(pair[0], pair[0] + pair[1])))


@lru_cache(maxsize=2048)
def regimen(*lines: str) -> Any:
    return library((CASES,)).parse((HEAD + "".join(f"  - {line}\n" for line in lines)).encode(), "relation.yaml")


def order(dose: str, days: str = "0", name: str = "one", drug: str = "example-drug", more: str = "") -> str:
    quoted = dose.replace("\\", "")
    return f"{{id: {name}, drug: {drug}, dose: '{dose}', days: '{days}', weight: actual, sum: yes, cite: {{made: '{quoted}'}}{', ' + more if more else ''}}}"


def patient(kg: Decimal, cm: Decimal = Decimal(170)) -> Patient:
    return Patient(weight=f"{plain(kg)} kg", height=f"{plain(cm)} cm", age="34 y", sex="F", crcl="90 mL/min")


def made(*lines: str, kg: Decimal = Decimal(70), cm: Decimal = Decimal(170), **more: Any) -> Schedule:
    return plan(regimen(*lines), patient(kg, cm), library=[CASES], **more)


def amounts(schedule: Schedule) -> list[tuple]:
    """Everything that is given: when, how much, in which unit."""
    return [(row.day, row.seconds, row.offset, row.calculated.to_dict(), row.amount and row.amount.to_dict()) for row in schedule]


def calculated(schedule: Schedule) -> Decimal:
    return schedule.administrations[0].calculated.decimal


def written(days: tuple[int, ...]) -> str:
    return ", ".join(say_day(day) for day in days)


def seed(kg: Decimal = Decimal(70), dose: str = "600 mg/m2/day", arm: str = "blinded", **more: Any) -> Schedule:
    return plan("nct07299123", patient(kg), choose={"stratum": "SAA-I", "cy.dose": dose, "arm": arm}, **more)


@quick
@given(kilograms, doses, st.integers(2, 4))
def test_m01_weight_times_k_is_dose_times_k(kg: Decimal, dose: Decimal, k: int) -> None:
    line = order(f"{dose} mg/kg/dose")
    assert calculated(made(line, kg=kg * k)) == k * calculated(made(line, kg=kg))


@quick
@given(kilograms, st.integers(1100, 2000).map(lambda n: Decimal(n) / 10))
def test_m02_weight_times_four_is_twice_the_surface(kg: Decimal, cm: Decimal) -> None:
    one, four = (made(order("1 mg/m2/dose"), kg=size, cm=cm).metrics["bsa"]["unrounded"] for size in (kg, kg * 4))
    assert float(four) == pytest.approx(2 * float(one), rel=1e-11)


@quick
@given(kilograms, st.integers(500, 575).map(lambda n: Decimal(n) / 10))
def test_m03_height_times_four_is_twice_the_surface(kg: Decimal, cm: Decimal) -> None:
    one, four = (made(order("1 mg/m2/dose"), kg=kg, cm=size).metrics["bsa"]["unrounded"] for size in (cm, cm * 4))
    assert float(four) == pytest.approx(2 * float(one), rel=1e-11)


@quick
@given(kilograms, kilograms, doses)
def test_m04_a_flat_dose_ignores_the_weight(kg: Decimal, other: Decimal, dose: Decimal) -> None:
    assert amounts(made(order(f"{dose} mg/dose"), kg=kg)) == amounts(made(order(f"{dose} mg/dose"), kg=other))


@quick
@given(st.integers(2, 60).map(Decimal), st.integers(5, 50).map(Decimal), st.integers(0, 100).map(Decimal), bases)
def test_m05_above_the_cap_the_weight_has_no_effect(dose: Decimal, reach: Decimal, beyond: Decimal, basis: str) -> None:
    line = order(f"{dose} mg{basis}/dose", more=f"max: {plain(dose * reach / (1 if basis == '/kg' else 40))} mg")
    top = made(line, kg=Decimal(150), cm=Decimal(190))
    if basis == "/kg":
        other = made(line, kg=reach + beyond)
        assert calculated(other) == calculated(top)
        assert not other.releasable or amounts(other) == amounts(top)  # a weight that cannot be holds the line
    assert all(row.amount.decimal <= dose * reach / (1 if basis == "/kg" else 40) for row in top)


@quick
@given(kilograms, doses, bases)
def test_m06_grams_milligrams_and_micrograms_are_one_dose(kg: Decimal, dose: Decimal, basis: str) -> None:
    assume(dose * 1000 < 10**7)
    texts = [f"{plain(dose / 1000)} g", f"{plain(dose)} mg", f"{plain(dose * 1000)} mcg"]
    one, two, three = (amounts(made(order(f"{text}{basis}/dose"), kg=kg)) for text in texts)
    assert one == two == three


@quick
@given(kilograms, doses, st.sampled_from([4, 6, 8, 12]), runs)
def test_m07_a_dose_every_n_hours_is_its_share_of_the_day(kg: Decimal, dose: Decimal, hours: int, days: tuple[int, ...]) -> None:
    times = 24 // hours
    each = made(order(f"{dose} mg/kg/dose every {hours} h", written(days), more="first: '06:00'"), kg=kg)
    daily = made(order(f"{plain(dose * times)} mg/kg/day every {hours} h", written(days), more="first: '06:00'"), kg=kg)
    assert amounts(each) == amounts(daily) and len(each) == times * len(days)
    once = made(order(f"{plain(dose * times)} mg/kg/day", written(days)), kg=kg)
    assert once.totals[0].calculated == each.totals[0].calculated


@quick
@given(kilograms, doses, runs, bases)
def test_m08_a_total_over_n_days_is_its_nth_part_each_day(kg: Decimal, dose: Decimal, days: tuple[int, ...], basis: str) -> None:
    course = made(order(f"{plain(dose * len(days))} mg{basis}/course", written(days)), kg=kg)
    assert amounts(course) == amounts(made(order(f"{dose} mg{basis}/day", written(days)), kg=kg))


@quick
@given(kilograms, runs, st.randoms(use_true_random=False))
def test_m09_a_range_is_its_list_in_any_order(kg: Decimal, days: tuple[int, ...], dice: Any) -> None:
    assume(len(days) > 1)
    shuffled = list(days)
    dice.shuffle(shuffled)
    first, last = say_day(days[0]), say_day(days[-1])
    plans = [made(order("5 mg/kg/day", text), kg=kg) for text in (f"{first} to {last}", f"{first}..{last}", written(days), written(tuple(shuffled)))]
    assert all(amounts(one) == amounts(plans[0]) for one in plans)


@quick
@given(dates, st.integers(-200, 200), runs, zones)
def test_m10_day_0_moved_moves_every_date_and_no_dose(zero: date, n: int, days: tuple[int, ...], zone: str) -> None:
    line = order("5 mg/kg/day", written(days), more="at: '09:00, 21:00'")
    one, moved = (made(line, day0=day, zone=zone) for day in (zero, zero + timedelta(n)))
    assert [row.date + timedelta(n) for row in one] == [row.date for row in moved]
    assert [(row.day, row.amount, row.start.strftime("%H:%M")) for row in one] == [(row.day, row.amount, row.start.strftime("%H:%M")) for row in moved]


@quick
@given(dates, runs, zones, st.sampled_from([3, 6, 8, 12]), st.sampled_from([-240, -30, 90, 1440]))
def test_m11_elapsed_hours_stay_over_a_clock_change(zero: date, days: tuple[int, ...], zone: str, hours: int, offset: int) -> None:
    words = f"{abs(offset)} min {'before' if offset < 0 else 'after'} hsc"
    lines = [
        order(f"5 mg/kg/dose every {hours} h", written(days), more="first: '05:00'"),
        order("5 mg/kg/dose", "0", "two", more=f"at: {words}"),
        "{id: hsc, drug: haematopoietic-stem-cells, dose: not given, days: 0, event: hsc, weight: actual, cite: {made: graft}}",
    ]
    rows = {name: [row.seconds for row in made(*lines, day0=zero, zone=zone, times={"hsc": "14:00"}) if row.order == name] for name in ("one", "two", "hsc")}
    assert {after - before for before, after in zip(rows["one"], rows["one"][1:], strict=False)} <= {hours * 3600}
    assert rows["two"][0] - rows["hsc"][0] == offset * 60


@quick
@given(kilograms, doses)
def test_m13_spaces_mu_and_superscripts_say_the_same(kg: Decimal, dose: Decimal) -> None:
    for texts in (
        [f"{dose} mg/m2/day", f"{dose} mg/m²/day", f"{dose}mg/m2/day", f"{dose} mg / m2 / day", f"{dose} mg/m^2/day", f"{dose} mg/(m2 day)", f"{dose} mg/m2 daily"],
        [f"{dose} mcg/kg/day", f"{dose} ug/kg/day", f"{dose} µg/kg/day", f"{dose} μg/kg/day", f"{dose} microgram/kg/day"],
    ):
        plans = [amounts(made(order(text), kg=kg)) for text in texts]
        assert all(one == plans[0] for one in plans)


@quick
@given(runs)
def test_m14_dashes_say_the_same_and_a_sign_is_needed(days: tuple[int, ...]) -> None:
    assume(days[0] < 0 and days[-1] != 0)
    one = amounts(made(order("5 mg/kg/day", written(days))))
    for dash in ("\u2212", "\u2013", "- ", "\u2212 ", "day -", "minus "):
        assert amounts(made(order("5 mg/kg/day", written(days).replace("-", dash)))) == one
    with pytest.raises(RegimenError) as refusal:
        made(order("5 mg/kg/day", written(days).replace("-", "")))
    assert refusal.value.code == "Y01"


@quick
@given(kilograms, runs, doses, st.data())
def test_m15_a_phase_split_in_two_is_the_same_course(kg: Decimal, days: tuple[int, ...], dose: Decimal, data: st.DataObject) -> None:
    assume(len(days) > 1)
    cut = data.draw(st.integers(1, len(days) - 1))
    whole = made(order(f"{dose} mg/kg/day", written(days)), kg=kg)
    split = made(order(f"{dose} mg/kg/day", written(days[:cut])), order(f"{dose} mg/kg/day", written(days[cut:]), "two"), kg=kg)
    assert amounts(whole) == amounts(split)
    assert whole.total("example-drug") == split.total("example-drug")


@quick
@given(kilograms, st.permutations([order("30 mg/m2/day", "-5..-2", "flu", "fludarabine"), order("60 mg/kg/day", "-3, -2", "cy", "cyclophosphamide"), order("5 mg/kg/day", "0", "new")]))
def test_m16_the_order_of_the_file_does_not_matter(kg: Decimal, lines: list[str]) -> None:
    def key(schedule: Schedule) -> list[tuple]:
        return sorted((row.order, *found) for row, found in zip(schedule, amounts(schedule), strict=True))

    one, other = made(*lines, kg=kg), made(*sorted(lines), kg=kg)
    assert [found[:3] for found in key(one)] == [found[:3] for found in key(other)]
    assert {(row.order, row.amount) for row in one} == {(row.order, row.amount) for row in other}


@quick
@given(grown, st.integers(1400, 2000).map(lambda n: Decimal(n) / 10), doses, st.sampled_from(["/kg", "/m2"]), st.integers(1, 5000).map(Decimal), st.sampled_from([("busulfan", "0.6"), ("cyclophosphamide", "10"), ("thiotepa", "1"), ("example-drug", "0.1")]))
def test_m18_rounding_stays_near_and_under_the_maximum(kg: Decimal, cm: Decimal, dose: Decimal, basis: str, top: Decimal, drug: tuple[str, str]) -> None:
    assume(not (drug[0] == "busulfan" and basis == "/m2"))
    schedule = made(order(f"{dose} mg{basis}/dose", drug=drug[0], more=f"max: {top} mg"), kg=kg, cm=cm)
    row = schedule.administrations[0]
    assert row.calculated.decimal <= top
    if row.amount:
        away = abs(row.amount.decimal - row.calculated.decimal)
        assert row.amount.decimal <= top and away <= row.calculated.decimal / 10
        assert away <= Decimal(drug[1]) / 2 or row.amount.decimal + Decimal(drug[1]) > top


@quick
@given(grown, st.integers(1, 999).map(lambda n: Decimal(n) / 10))
def test_m19_rounding_twice_is_rounding_once(kg: Decimal, dose: Decimal) -> None:
    row = made(order(f"{dose} mg/kg/dose"), kg=kg).administrations[0]
    again = made(order(f"{row.amount.value} mg/dose")).administrations[0]
    assert again.amount == again.calculated == row.amount


@quick
@given(kilograms, doses, runs, bases)
def test_m20_a_total_is_the_sum_of_its_lines(kg: Decimal, dose: Decimal, days: tuple[int, ...], basis: str) -> None:
    schedule = made(order(f"{dose} mg{basis}/day", written(days), more="at: '08:00, 16:00'"), kg=kg)
    (total,) = schedule.totals
    assert total.calculated.decimal == sum(row.calculated.decimal for row in schedule)
    assert total.amount is None or total.amount.decimal == sum(row.amount.decimal for row in schedule)
    assert total.doses == len(schedule)


def hard_stops(dose: Decimal, unit: str, drug: str) -> bool:
    found = made(order(f"{dose} {unit}", drug=drug), kg=Decimal(70)).findings
    return any(one.code == "limit.hard" and one.level == "block" for one in found)


@quick
@given(st.sampled_from([("mg/m2/day", "fludarabine", 30), ("mg/m2/day", "cyclophosphamide", 600), ("mg/kg/day", "busulfan", 3), ("mg/m2/day", "melphalan", 140)]), st.integers(1, 100), st.integers(1, 100))
def test_m21_a_larger_dose_turns_no_hard_stop_off(which: tuple[str, str, int], more: int, most: int) -> None:
    unit, drug, usual = which
    one = Decimal(usual) + Decimal(usual) * more / 10
    if hard_stops(one, unit, drug):
        assert hard_stops(one + most, unit, drug)
    assert hard_stops(Decimal(usual * 100), unit, drug) and not hard_stops(Decimal(usual), unit, drug)


@quick
@given(st.integers(3500, 12000).map(lambda n: Decimal(n) / 100), st.integers(500, 800))
def test_m22_a_chosen_dose_stays_between_the_ends_of_its_range(kg: Decimal, dose: int) -> None:
    low, mid, high = (seed(kg, f"{value} mg/m2/day") for value in (500, dose, 800))
    for rows in zip(*([row for row in one if row.order == "cy"] for one in (low, mid, high)), strict=True):
        assert rows[0].amount.decimal <= rows[1].amount.decimal <= rows[2].amount.decimal
    for outside in (dose - 301, dose + 301):
        with pytest.raises(InputError) as refusal:
            seed(kg, f"{outside} mg/m2/day")
        assert refusal.value.code == "D14"


@quick
@given(st.integers(3500, 12000).map(lambda n: Decimal(n) / 100))
def test_m27_the_arms_differ_in_the_line_that_names_them_and_a_blinded_print_in_nothing(kg: Decimal) -> None:
    plans = {arm: seed(kg, arm=arm).to_dict() for arm in ("2d", "3d", "blinded")}
    assert [one["choices"].pop("arm") for one in plans.values()] == list(plans)
    assert plans["2d"] == plans["3d"] == plans["blinded"]


@pytest.mark.parametrize("kind", ["txt", "json", "html", "csv", "md"])
def test_m27_a_blinded_print_tells_no_arm(kind: str) -> None:
    said = to_text_of(seed(), kind).lower()
    assert not any(word in said for word in ("2d-cultured", "2d cultured", "hypoxia", "preconditioned", "conventional"))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Adak", "Europe/London"])
def test_m28_the_clock_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    when = {"day0": "2026-03-29", "zone": "Europe/Berlin", "times": {"hsc": "14:00"}}
    here = to_text_of(seed(**when), "json")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert to_text_of(seed(**when), "json") == here
    finally:
        monkeypatch.undo()
        time.tzset()


@quick
@given(kilograms, st.sampled_from(["en-GB", "en-US", "zh"]), st.sampled_from(["", "2026-11-22 10:00"]))
def test_m28_the_language_and_the_print_time_do_not_matter(kg: Decimal, locale: str, printed: str) -> None:
    one, other = made(order("5 mg/kg/day"), kg=kg), made(order("5 mg/kg/day"), kg=kg, locale=locale, printed_at=printed)
    assert amounts(one) == amounts(other) and one.findings == other.findings


def test_an_interval_over_a_hole_in_its_days_is_refused() -> None:
    """It could go on at the same hours, or begin again at the first one."""
    with pytest.raises(InputError) as refusal:
        made(order("5 mg/kg/dose every 6 h", "-5, -3", more="first: '06:00'"))
    assert refusal.value.code == "D19"


def test_a_dose_that_hangs_on_one_event_has_one_day() -> None:
    with pytest.raises(InputError) as refusal:
        made(order("5 mg/kg/dose", "0, +7", more="at: 4 h before hsc"), "{id: hsc, drug: haematopoietic-stem-cells, dose: not given, days: 0, event: hsc, weight: actual, cite: {made: graft}}")
    assert refusal.value.code == "Y06"


def test_hours_after_the_graft_name_the_day_they_fall_on() -> None:
    """24 h after the graft on day +1 is one day after it, not two."""
    lines = [order("5 mg/kg/dose", "+1", more="at: 24 h after hsc"), "{id: hsc, drug: haematopoietic-stem-cells, dose: not given, days: 0, event: hsc, weight: actual, cite: {made: graft}}"]
    when = {"day0": date(2026, 12, 9), "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}}
    assert [row.start.isoformat() for row in made(*lines, **when) if row.order == "one"] == ["2026-12-10T14:00:00+08:00"]
