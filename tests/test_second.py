"""The second calculation against figures worked by hand, printed examples, clock changes and planted faults."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from dosing.second import HELD, Line, Person, Result, When, differences, recalculate

ADULT = Person("62.5", "168", "M")
CHILD = Person("28", "132", "F")
WINTER = When("2027-01-15", "Asia/Shanghai", (("hsc", "14:00"),))
SPRING = When("2027-04-03", "Europe/Berlin", (("hsc", "14:00"),))
AUTUMN = When("2027-11-06", "Europe/Berlin")
FLU = Line("flu", "30 mg/m2/day", "mg", "1", (-5, -4, -3, -2), ("09:00",))
CY = Line("cy", "600 mg/m2/day", "mg", "10", (-5, -4, -3, -2), ("11:00",))
ATG = Line("atg", "2.5 mg/kg/day", "mg", "1", (-4, -3, -2, -1), ("09:00",))
MSC = Line("msc", "500000 cells/kg", "cells", "1", (0,), event="hsc", offset=-240)
BU = Line("bu", "0.6 mg/kg/dose every 6 h", "mg", "0.6", (-8, -7, -6, -5), every="6", first="00:00")


def local(rows: list[Result], zone: str) -> list[str]:
    return [datetime.fromtimestamp(row.start, ZoneInfo(zone)).isoformat()[:16] for row in rows]


def total(rows: list[Result]) -> Fraction:
    return sum(row.amount for row in rows)


def one(line: Line, person: Person = ADULT) -> Result:
    return recalculate([line], person, When())[0]


def dose(text: str, unit: str, step: str = "", **more) -> Line:
    return Line("x", text, unit, step, (0,), **more)


def event_at(text: str, on: str, zone: str) -> float:
    return recalculate([dose("5 mg", "mg", event="hsc")], ADULT, When(on, zone, (("hsc", text),)))[0].start


def test_story_a2_adult_plan():
    rows = recalculate([FLU, CY, ATG._replace(dose="5 mcg/kg/day", unit="mcg", step=""), MSC], ADULT, WINTER)
    assert [row.order for row in rows] == ["flu"] * 4 + ["cy"] * 4 + ["atg"] * 4 + ["msc"]
    assert {row.calculated for row in rows[:4]} == {Fraction("51.3")} and total(rows[:4]) == 204
    assert {row.calculated for row in rows[4:8]} == {1026} and total(rows[4:8]) == 4120
    assert {row.amount for row in rows[8:12]} == {Fraction("312.5")} and total(rows[8:12]) == 1250
    assert rows[12].amount == 31_250_000
    assert one(CY, ADULT._replace(bsa_step="")).amount == 1020  # from a BSA that is not rounded
    assert local(rows, "Asia/Shanghai")[:4] == [f"2027-01-{day}T09:00" for day in (10, 11, 12, 13)]
    assert local(rows, "Asia/Shanghai")[8:] == [f"2027-01-{d}T09:00" for d in (11, 12, 13, 14)] + ["2027-01-15T10:00"]


def test_story_a4_thymoglobulin_and_a5_cells_before_midnight():
    rows = recalculate([ATG], ADULT, WINTER)
    assert {(row.calculated, row.amount) for row in rows} == {(Fraction("156.25"), 156)}
    assert total(rows) == 624 and [row.day for row in rows] == [-4, -3, -2, -1]
    row = recalculate([MSC], ADULT, WINTER._replace(times=(("hsc", "02:30"),)))[0]
    assert row.day == -1 and local([row], "Asia/Shanghai") == ["2027-01-14T22:30"]


def test_story_b2_b3_b4_busulfan_across_the_clock_change():
    rows = recalculate([BU], CHILD, SPRING)
    assert len(rows) == 16 and {row.amount for row in rows} == {Fraction("16.8")} and total(rows) == Fraction("268.8")
    hours = {26: (0, 6, 12, 18), 27: (0, 6, 12, 18), 28: (0, 7, 13, 19), 29: (1, 7, 13, 19)}
    assert local(rows, "Europe/Berlin") == [f"2027-03-{d}T{h:02}:00" for d in hours for h in hours[d]]
    assert rows[-1].start - rows[0].start == 90 * 3600
    assert [row.day for row in rows] == [day for day in (-8, -7, -6, -5) for _ in range(4)]
    last = recalculate([BU._replace(first="06:00")], CHILD, SPRING)[-1]
    assert last.day == -4 and local([last], "Europe/Berlin") == ["2027-03-30T01:00"]


def test_story_b5_child_amounts():
    cy = CY._replace(dose="650 mg/m2/day")
    rows = recalculate([FLU, cy, MSC], CHILD, SPRING)
    assert {(row.calculated, row.amount) for row in rows[:4]} == {(Fraction("30.3"), 30)} and total(rows[:4]) == 120
    assert {(row.calculated, row.amount) for row in rows[4:8]} == {(Fraction("656.5"), 660)}
    assert total(rows[4:8]) == 2640 and rows[8].amount == 14_000_000
    assert local(rows[:4], "Europe/Berlin")[::3] == ["2027-03-29T09:00", "2027-04-01T09:00"]
    assert local(rows[8:], "Europe/Berlin") == ["2027-04-03T10:00"]


def test_story_b6_slide():
    slide = BU._replace(dose="0.6 mg/kg/dose every 6 h x 10 doses", days=(-7, -6, -5), first="14:30")
    rows = recalculate([slide], CHILD, SPRING)
    assert local(rows, "Europe/Berlin")[2] == "2027-03-28T03:30"
    assert local(rows, "Europe/Berlin")[-1] == "2027-03-29T21:30" and rows[-1].day == -5


def test_story_b7_five_doses_on_the_long_day():
    rows = recalculate([BU], CHILD, AUTUMN)
    days = [row.day for row in rows]
    assert [days.count(day) for day in (-8, -7, -6, -5)] == [4, 4, 5, 3]
    assert [text[-5:] for text in local(rows, "Europe/Berlin")[8:13]] == ["00:00", "05:00", "11:00", "17:00", "23:00"]


PRINTED = {  # dose, unit, cap, kg, amount
    "W01": ("0.8 mg/kg", "mg", "", "70", "56"), "W04": ("20 mcg/kg", "mcg", "", "90.9", "1818"),
    "W07": ("2 mg/kg", "mg", "", "20", "40"), "W08": ("4 mg/kg", "mg", "", "85", "340"),
    "W10": ("15 mg/kg/dose", "mg", "", "20", "300"), "W11": ("10 mcg/kg", "mcg", "", "3", "30"),
    "W12": ("0.24 mg/kg/day", "mg", "40", "70", "16.8"), "W12 below": ("0.24 mg/kg/day", "mg", "40", "166.6", "39.984"),
    "W12 cap": ("0.24 mg/kg/day", "mg", "40", "166.7", "40"),
    "W79": ("2000000 cells/kg", "cells", "", "80", "160000000"), "W81": ("2e5 cells/kg", "cells", "", "38", "7600000"),
    "W80": ("2000000 cells/kg", "cells", "200000000", "101", "200000000"),
    "W85": ("2e6 cells/kg", "cells", "", "30", "60000000"), "W86": ("5e5 cells/kg", "cells", "", "60", "30000000"),
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_printed_amounts(name):
    text, unit, cap, weight, amount = PRINTED[name]
    assert one(dose(text, unit, cap=cap and f"{cap} {unit}"), Person(weight)).amount == Fraction(amount)


def test_printed_amounts_by_bsa_and_calvert():
    assert one(dose("375 mg/m2", "mg"), Person("83.00740371", "187.96")).amount == 780  # W39
    assert one(dose("500 mg/m2", "mg"), Person("70", "172.2")).amount == 915  # W41
    row = one(dose("100 mg", "mg", "1", factors=("0.8", "0.75"), cap="59.5 mg"))
    assert row.calculated == Fraction("59.5") and row.amount == 59  # factors come before the cap
    assert one(dose("5 AUC", "mg", "0.1", factors=("0.85",)), ADULT._replace(crcl="80")).amount * 10 == 4463  # W77


CALVERT = {  # AUC, GFR; mg
    ("5", "90"): 575, ("5", "125"): 750, ("4", "50"): 300, ("6", "75"): 600, ("6", "100"): 750, ("6", "125"): 900,
    ("6", "60"): 510, ("4.5", "100"): 562.5, ("5", "20"): 225, ("7.5", "80"): 787.5, ("5", "80"): 525, ("5", "0"): 125,
}  # fmt: skip
BANDS = {  # kg, mg/kg every 6 h; printed mg/kg/day
    (3, "1.0"): "4", (8, "1.0"): "4", (9, "1.2"): "4.8", (13, "1.2"): "4.8", (16, "1.1"): "4.4", (20, "1.1"): "4.4",
    (30, "0.95"): "3.8", (35, "0.8"): "3.2", (65, "0.8"): "3.2",
}  # fmt: skip


def test_printed_carboplatin_and_busulfan():
    for (auc, gfr), mg in CALVERT.items():
        assert one(dose(f"{auc} AUC", "mg"), ADULT._replace(crcl=gfr)).amount == mg
    for (weight, band), daily in BANDS.items():
        line = BU._replace(dose=f"{band} mg/kg/dose every 6 h", step="", days=(0,))
        assert total(recalculate([line], Person(str(weight)), When())) == Fraction(daily) * weight


TOTALS = [  # dose, unit, days, the rest of the line, sum for 1 kg and 1 m2
    ("50 mg/kg/day", "mg", (-5, -4, -3), {}, "150"), ("30 mg/m2/day", "mg", (-4, -3, -2), {}, "90"),
    ("80 cGy", "cGy", range(-10, 0), {}, "800"), ("0.8 Gy", "cGy", range(-10, 0), {}, "800"),
    ("10 mg/kg/day", "mg", (-3, -2, -1), {}, "30"), ("200 mg/m2/course", "mg", (-3, -2), {}, "200"),
    ("0.8 mg/kg/dose every 6 h x 16 doses", "mg", (-7, -6, -5, -4), {}, "12.8"),
    ("16 mg/kg/day", "mg", range(10), {}, "160"), ("3 mg/kg/day", "mg", (-1,), {"every": "8"}, "3"),
    ("2000000 cells/kg/dose x 8 doses", "cells", (0, 3, 7, 10, 14, 17, 21, 24), {}, "16000000"),
    ("3 mg/kg/day", "mg", (-1,), {"at": ("09:00", "21:00")}, "3"),
    ("10 mg/kg/course", "mg", (-2, -1), {"at": ("09:00", "21:00")}, "10"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "unit", "days", "rest", "sum_"), TOTALS)
def test_course_totals(text, unit, days, rest, sum_):
    rows = recalculate([Line("x", text, unit, "", tuple(days), **rest)], Person("1", "3600"), When())
    assert total(rows) == Fraction(sum_)
    assert len({row.amount for row in rows}) == 1 and [row.number for row in rows] == [*range(1, len(rows) + 1)]


BSA = (
    "mosteller M 180 80 2.000|mosteller M 175 70 1.84466|dubois M 180 80 1.996|dubois F 115 20 0.800405|"
    "haycock M 175 70 1.84678|gehan-george F 115 20 0.814870|boyd M 175 70 1.85069|boyd F 115 20 0.812513|"
    "boyd M 180 80 2.007|fujimoto F 160 95 1.94089|takahira M 175 70 1.86281|shuter-aslani F 115 20 0.795752|"
    "schlich M 190 120 2.39211|schlich F 165 60 1.59240|livingston-lee - - 70 1.82953|livingston-lee - - 7.5 0.401948"
)
WEIGHTS = (
    "ideal.devine M 175 70 70.4646|ideal.devine M 180 80 74.99|ideal.devine M 150 80 47.83|"
    "ideal.devine M 160 80 56.8819|ideal.busulfan-label F 150 80 43.18|ideal.busulfan-label M 180 80 75.48|"
    "adjusted25.devine F 160 95 63.0364|adjusted40.devine F 160 95 69.4291|adjusted40.devine M 180 80 76.995|"
    "adjusted50.devine F 160 95 73.6909|adjusted25.busulfan-label F 160 95 62.96|adjusted25.devine M 180 60 60|"
    "lower.devine M 180 60 60|lower.devine F 160 95 52.3819"
)


def as_printed(value: Fraction, printed: str) -> bool:
    return abs(value - Fraction(printed)) * 10 ** len(printed.partition(".")[2]) <= Fraction(6, 10)


@pytest.mark.parametrize("row", BSA.split("|"))
def test_bsa_formulas(row):
    formula, sex, height, weight, printed = row.split()
    person = Person(weight, height, sex, bsa_formula=formula, bsa_step="")
    assert as_printed(one(dose("1 mg/m2", "mg"), person).amount, printed)


@pytest.mark.parametrize("row", WEIGHTS.split("|"))
def test_weights(row):
    name, sex, height, weight, printed = row.split()
    person = Person(weight, height, sex, weight_step="")
    assert as_printed(one(dose("1 mg/kg", "mg", weight=name), person).amount, printed)


def test_derived_weights_are_rounded_and_never_above_the_scales():
    assert one(dose("1 mg/kg", "mg", weight="ideal.devine"), Person("80", "180", "M")).amount == 75
    for actual, used in (("75.02", "75"), ("74.996", "74.996")):
        edge = Person(actual, "180", "M", weight_step="0.5")
        assert one(dose("1 mg/kg", "mg", weight="adjusted40.devine"), edge).amount == Fraction(used)


ROUNDED_BSA = {  # kg, cm, step, floor
    ("1.005", "3618", "0.01", "0.5"): 1.01,  # 1.005 exactly: a tie, up
    ("1", "3600", "0.01", "0.5"): 1, ("9", "100", "0.1", "0.5"): 0.5,  # the floor itself is rounded
    ("4", "57.6", "0.01", "0.5"): 0.252982, ("9", "145", "0.01", "0.7"): 0.602080,  # below the floor: as they are
    ("4", "57.6", "0.01", ""): 0.25, ("9", "145", "0.01", "0.5"): 0.6, ("1", "10000", "", "0.5"): 1.6666666666666667,
}  # fmt: skip


@pytest.mark.parametrize("case", ROUNDED_BSA)
def test_bsa_rounding(case):
    person = Person(*case[:2], bsa_step=case[2], bsa_floor=case[3])
    assert float(one(dose("1 mg/m2", "mg"), person).amount) == pytest.approx(ROUNDED_BSA[case], rel=1e-6)


def test_bsa_of_other_weights_and_formulas():
    person = Person("95", "160", "F")
    assert one(dose("100 mg/m2", "mg", weight="ideal.devine"), person).amount == 153  # sqrt(160 x 52.4 / 3600) = 1.526
    small = Person("4", "57.6", "F", bsa_formula="haycock")
    assert float(one(dose("1 mg/m2", "mg"), small).amount) == pytest.approx(0.2550, abs=5e-5)
    assert one(dose("1 mg/m2", "mg"), small._replace(weight="70", height="175")).amount == Fraction("1.85")

    assert one(dose("30 mg/m2", "mg", "20"), Person("1", "10000", bsa_step="")).amount == 60  # 50 is a tie


ROUNDED = {  # dose, step, cap; amount
    ("2.5 mg", "1", ""): "3", ("0.5 mg", "1", ""): "1", ("150 mg", "100", ""): "200", ("0.125 mg", "0.05", ""): "0.15",
    ("250 mg", "100", ""): "300",  # half to even would give 200
    ("1.005 mg", "0.01", ""): "1.01",  # 1.00 in binary floats
    ("0.9 mg", "0.6", ""): "1.2", ("0.3 mg", "0.6", ""): "0.6", ("2.4999 mg", "1", ""): "2",
    ("51.3 mg", "", ""): "51.3", ("523 mg", "50", ""): "500", ("0.5 g", "1", ""): "500", ("1500 mcg", "0.1", ""): "1.5",
    ("99 mg", "10", "98"): "90",  # capped to 98; 100 is past it
    ("95 mg", "10", "97"): "90", ("94 mg", "10", "97"): "90", ("120 mg", "10", "100"): "100",
}  # fmt: skip


@pytest.mark.parametrize("case", ROUNDED)
def test_rounding(case):
    text, step, cap = case
    assert one(dose(text, "mg", step, cap=cap and f"{cap} mg")).amount == Fraction(ROUNDED[case])


def test_a_maximum_in_its_own_unit_is_written_in_the_doses_and_an_unknown_one_is_refused():
    assert one(dose("2000 mcg", "mcg", cap="1.5 mg")).amount == 1500 and one(dose("3 Gy", "cGy", cap="2 Gy")).amount == 200
    for cap in ("1.5 grains", "1.5", "5 cells"):
        with pytest.raises(ValueError, match="no way from"):
            one(dose("2000 mcg", "mcg", cap=cap))


CHANGES = [  # zone, spring day, missing, autumn day, doubled, seconds between the two
    ("Europe/Berlin", "2027-03-28", "02:30", "2027-10-31", "02:30", 3600),
    ("America/New_York", "2027-03-14", "02:30", "2027-11-07", "01:30", 3600),
    ("Australia/Lord_Howe", "2027-10-03", "02:15", "2027-04-04", "01:45", 1800),
]


@pytest.mark.parametrize(("zone", "spring", "missing", "autumn", "doubled", "shift"), CHANGES)
def test_clock_changes(zone, spring, missing, autumn, doubled, shift):
    by_clock = Line("x", "5 mg", "mg", "", (-1, 0, 1), ("12:00",))
    for on, sign in ((spring, -1), (autumn, 1)):
        before, on_day, after = (row.start for row in recalculate([by_clock], ADULT, When(on, zone)))
        assert (on_day - before, after - on_day) == (86400 + sign * shift, 86400)
    for line in (by_clock._replace(at=(missing,)), by_clock._replace(at=(), every="24", days=(0,), first=missing)):
        with pytest.raises(ValueError, match="x: .*does not exist"):
            recalculate([line], ADULT, When(spring, zone))
    at_night = recalculate([by_clock._replace(at=(doubled,), days=(0,))], ADULT, When(autumn, zone))[0].start
    starts = [event_at(f"{doubled} {which}", autumn, zone) for which in ("first", "second")]
    assert starts[0] == at_night and starts[1] - starts[0] == shift
    with pytest.raises(ValueError, match="doubled"):
        event_at(doubled, autumn, zone)


def test_without_day0_or_clock_time_days_are_nominal():
    assert recalculate([FLU._replace(at=())], CHILD, SPRING)[0][2:4] == (-5, None)
    rows = recalculate([FLU, BU._replace(first="06:00")], CHILD, When())
    assert {row.start for row in rows} == {None}
    assert [row.day for row in rows[:4]] == [-5, -4, -3, -2]
    assert [[row.day for row in rows[4:]].count(day) for day in (-8, -7, -6, -5, -4)] == [3, 4, 4, 4, 1]
    assert one(MSC).day == 0 and recalculate([MSC], CHILD, When(times=(("hsc", "02:30"),)))[0].day == -1


REFUSED = [
    (FLU, {"dose": "30 mg/m2/week"}), (FLU, {"dose": "30mg/m2/day"}), (FLU, {"dose": "-30 mg/m2/day"}),
    (FLU, {"dose": "5 AUC"}), (FLU, {"dose": "30 mg/m2/dose x 5 doses"}), (FLU, {"unit": "cells"}),
    (FLU, {"unit": "AUC"}), (FLU, {"step": "0"}), (FLU, {"at": ("9:00",)}), (FLU, {"days": ()}), (FLU, {"every": "24"}),
    (FLU, {"weight": "lean", "dose": "1 mg/kg"}), (BU, {"first": ""}), (BU, {"every": "5"}), (BU, {"event": "hsc"}),
    (BU, {"days": (-8, -7, -5)}), (BU, {"dose": "0.6 mg/kg/dose every 6 h x 17 doses"}), (MSC, {"event": "bu"}),
    (MSC, {"days": (0, 1), "dose": "500000 cells/kg every 6 h"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "change"), REFUSED)
def test_refusals_name_the_order(line, change):
    with pytest.raises(ValueError, match=f"^{line.order}: "):
        recalculate([line._replace(**change)], ADULT, WINTER)


def test_refused_bodies_and_calendars():
    for person in (Person("70"), Person("0", "175"), Person("70,5", "175"), ADULT._replace(bsa_formula="guess")):
        with pytest.raises(ValueError, match="^flu: "):
            recalculate([FLU], person, WINTER)
    for when in (When("2027-02-30", "UTC"), When("2027-01-15"), When("2027-01-15", "No/Where")):
        with pytest.raises(ValueError, match="day 0"):
            recalculate([FLU], ADULT, when)
    with pytest.raises(ValueError, match="sex"):
        one(dose("1 mg/kg", "mg", weight="ideal.devine"), Person("70", "175"))


def agreeing() -> tuple[list[tuple], list[Result]]:
    theirs = recalculate([FLU, MSC], ADULT, WINTER)
    ours = [(r.order, r.number, r.day, r.start, float(r.calculated), str(r.amount)) for r in theirs]
    return ours, theirs


def test_agreeing_calculations_have_no_differences():
    ours, theirs = agreeing()
    assert differences(ours, theirs) == []
    assert differences([(*row[:5], HELD) for row in ours], theirs) == []
    assert differences([(*row[:4], row[4] * (1 + 5e-10), row[5]) for row in ours], theirs) == []


FAULTS = [  # place in our row of flu#1, planted value, what is told
    (2, -4, "day -4 and -5"), (3, None, "start in one calculation only"), (3, 1799546400.0, "start 60 min apart"),
    (4, 51.4, "calculated 51.4 and 51.3"), (4, 51.3000002, "calculated 51.3000002 and 51.3"),
    (4, float("nan"), "calculated nan and 51.3"), (4, float("inf"), "calculated inf and 51.3"),
    (5, "52", "amount 52 and 51"), (5, "51.0000000001", "amount 51.0000000001 and 51"),
    (5, "510", "amount 510 and 51"), (5, "", "amount nothing and 51"), (5, "fifty", "amount fifty and 51"),
    (5, "nan", "amount nan and 51"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "told"), FAULTS)
def test_planted_fault_is_told(place, value, told):
    ours, theirs = agreeing()
    row = (*ours[0][:place], value, *ours[0][place + 1 :])
    assert differences([row, *ours[1:]], theirs) == [f"flu#1: {told}"]


def test_missing_extra_and_doubled_administrations_are_told():
    ours, theirs = agreeing()
    assert differences(ours[1:], theirs) == ["flu#1: only in the second calculation"]
    assert differences(ours, theirs[1:]) == ["flu#1: twice, or not in the second calculation"]
    assert differences([*ours, ours[0]], theirs) == ["flu#1: twice, or not in the second calculation"]
    assert "an order stands twice in the second calculation" in differences(ours, [*theirs, theirs[0]])
    assert len(differences([], theirs)) == 5
    for name, row in (("cy#1", ("cy", *ours[0][1:])), ("flu#9", ("flu", 9, *ours[0][2:]))):
        told = [f"{name}: twice, or not in the second calculation", "flu#1: only in the second calculation"]
        assert differences([row, *ours[1:]], theirs) == told


def test_capped_orders_with_other_steps_are_compared_each():
    lines = [dose("99 mg", "mg", "10", cap="98 mg"), dose("99 mg", "mg", "7", cap="98 mg")._replace(order="y")]
    theirs = recalculate(lines, ADULT, When())
    ours = [(row.order, 1, 0, None, 98.0, "90") for row in theirs]
    assert differences(ours, theirs) == ["y#1: amount 90 and 98"]
