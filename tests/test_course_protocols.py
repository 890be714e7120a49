"""The same kinds of news on four protocols besides the seed, worked by hand before the program was run.

The arithmetic stands in each docstring. Steps: fludarabine, melphalan, ciclosporin and methotrexate 1 mg,
cyclophosphamide 10 mg, intravenous busulfan 0.6 mg, cells 1; Mosteller rounded to 0.01 m2; halves away from zero.
"""

from __future__ import annotations

import pytest
from test_course import ADULT, CHILD, give_all, left, levels, message, outcomes, planned, rows, sum_of, total

from dosing import InputError, UsageError
from dosing.course import Course

SHANGHAI = {"day0": "2027-01-15", "zone": "Asia/Shanghai"}


def amounts(outcome: dict, order: str) -> set[str]:
    return {row["amount"]["value"] for row in outcome["rows"] if row["order"] == order and row["state"] == "planned"}


# BuCy2 by the US label: busulfan every 6 h on days -7..-4, cyclophosphamide on days -3 and -2


def bucy2() -> Course:
    """62.5 kg, 168 cm, M: ideal 50 + 0.91 × 16 = 64.56 → 64.6 kg, the lower is 62.5. 0.8 × 62.5 = 50 mg = 83.3 steps → 49.8 mg.

    16 doses from 8 January 00:00, the last on 11 January 18:00; 16 × 49.8 = 796.8 mg. 60 × 62.5 = 3,750 mg on 12 and 13 January.
    """
    return Course.start("bucy2-label", ADULT, times={"bu": "00:00", "hsc": "14:00"}, choose={"build": "usual"}, **SHANGHAI)


def test_bucy2_a_late_dose_keeps_the_grid_or_slides() -> None:
    """Dose 5, planned 9 January 00:00, starts at 02:15.

    Grid: dose 6 at 06:00 is 3.75 h later. Slide: dose 6 at 08:15, dose 16 sixty-six hours after dose 5, 11 January 20:15,
    still day -4, and 12.75 h before cyclophosphamide on 12 January 09:00. 796.8 mg either way.
    """
    course = bucy2()
    assert total(course, "bu") == "796.8" and total(course, "cy") == "7500"
    give_all(course, "bu", 4)
    found = outcomes(course, lambda c: c.give("bu#5", "2027-01-09T02:15", by="N"))
    keep, slid = found["keep-grid"], found["slide"]
    assert planned(keep, "bu")[0] == "2027-01-09T06:00:00+08:00" and any("dose 6 starts 3.75 h after dose 5" in text for text in keep["collisions"])
    assert (planned(slid, "bu")[0], planned(slid, "bu")[-1]) == ("2027-01-09T08:15:00+08:00", "2027-01-11T20:15:00+08:00")
    assert [row["day"] for row in slid["rows"] if row["order"] == "bu"][-1] == -4
    assert sum_of(keep, "bu")["amount"]["value"] == sum_of(slid, "bu")["amount"]["value"] == "796.8"
    assert planned(keep, "cy") == planned(slid, "cy") == ["2027-01-12T09:00:00+08:00", "2027-01-13T09:00:00+08:00"]
    course.answer("bu#5.outcome", "slide", by="AB", second="CD", why="prescriber called")
    assert "chosen by AB, confirmed by CD: prescriber called" in message(course, "course.choice.1") and left(course, "bu")[-1] == "2027-01-11T20:15:00+08:00"


@pytest.mark.parametrize("measured, target", [
    ("1350 umol*min/L", "1125 umol*min/L"), ("923.625 ng/mL", "73.89 mg*h/L per course"), ("5.54175 mg*h/L", "4500 umol*min/L per day"), ("1350 umol*min/L", "769.6875 ng/mL")])  # fmt: skip
def test_bucy2_a_level_in_any_unit(measured: str, target: str) -> None:
    """After five doses of 49.8 mg one gives 1,350, the target is 1,125 umol*min/L a dose (246.3 g/mol, 360 min between doses).

    1,350 × 246.3 / 360 = 923.625 ng/mL and × 246.3 / 60,000 = 5.54175 mg*h/L; 1,125 is 769.6875 ng/mL, 4.618125 mg*h/L, × 16 = 73.89
    over the course, × 4 = 4,500 a day.
    Next dose: 49.8 × 1,125 / 1,350 = 41.5 mg = 69.2 steps → 41.4 mg; total 5 × 49.8 + 11 × 41.4 = 704.4 mg; the dose changes from
    50 to 41.5 mg before rounding, -17.0 %.
    Course: (16 × 1,125 - 5 × 1,350) / 11 = 1,022.73; 49.8 × 1,022.73 / 1,350 = 37.727 mg = 62.9 steps → 37.8 mg; total 249 + 415.8 = 664.8 mg.
    """
    course = bucy2()
    give_all(course, "bu", 5)
    found = outcomes(course, lambda c: c.level("bu", measured, target, at="2027-01-09T03:00"))
    assert amounts(found["next-dose"], "bu") == {"41.4"} and sum_of(found["next-dose"], "bu")["amount"]["value"] == "704.4"
    assert amounts(found["cumulative"], "bu") == {"37.8"} and sum_of(found["cumulative"], "bu")["amount"]["value"] == "664.8"
    assert any("changes by -17.0 %" in text for text in found["next-dose"]["collisions"])
    course.answer("bu.level.outcome", "cumulative", by="AB", why="two pharmacists")
    assert total(course, "bu") == "664.8" and [row["amount"]["value"] for row in rows(course, "bu")] == ["49.8"] * 5 + ["37.8"] * 11


def test_bucy2_a_level_is_of_the_dose_it_names() -> None:
    """Dose 1 gave 1,350, then only 30 mg of dose 2: the level of dose 1 belongs to 49.8 mg, not to 30; 41.5 mg as before."""
    course = bucy2()
    give_all(course, "bu", 1)
    course.give("bu#2", "2027-01-08T06:00", "30 mg", partial=True, by="N")
    found = outcomes(course, lambda c: c.level("bu#1", "1350 umol*min/L", "1125 umol*min/L", at="2027-01-08T07:00"))
    assert amounts(found["next-dose"], "bu") == {"41.4"}
    with pytest.raises(InputError, match="no known unit"):
        course.level("bu#2", "1350 mmol", "1125 umol*min/L")


def test_bucy2_a_target_already_passed_leaves_only_the_next_dose() -> None:
    """Fifteen doses at 1,350 are 20,250; the course's target of 16 × 1,125 = 18,000 is passed."""
    course = bucy2()
    give_all(course, "bu", 15)
    found = outcomes(course, lambda c: c.level("bu", "1350 umol*min/L", "1125 umol*min/L", at="2027-01-11T13:00"))
    assert "already at or above the target" in found["cumulative"]["refused"] and not found["next-dose"]["refused"]


def test_bucy2_a_new_weight_before_the_last_cyclophosphamide() -> None:
    """59 kg is -5.6 %: 60 × 59 = 3,540 mg; 3,750 + 3,540 = 7,290 mg as real weight, 7,500 mg as fluid."""
    course = bucy2()
    give_all(course, "bu", 16), give_all(course, "cy", 1)
    found = outcomes(course, lambda c: c.weigh("59 kg", at="2027-01-12T12:00"))
    assert sum_of(found["real"], "cy")["amount"]["value"] == "7290" and sum_of(found["fluid"], "cy")["amount"]["value"] == "7500"
    assert any("-5.6 %" in text and "above 5 %" in text for text in found["real"]["collisions"])
    course.answer("weight.outcome", "real", by="AB", why="dry weight")
    course.stop("cy", at="2027-01-12T13:00", by="AB", why="heart failure")
    assert total(course, "cy") == "3750" and total(course, "bu") == "796.8"


# Flu/Mel140: fludarabine on days -7..-3, melphalan on -2, ciclosporin from -1, methotrexate on +1, +3, +6, +11


def flu_mel(**more: str) -> Course:
    """1.71 m2: 25 × 1.71 = 42.75 → 43 mg × 5 on 8 to 12 January; melphalan 239.4 → 239 mg on the 13th; ciclosporin 93.75 → 94 mg × 8."""
    course = Course.start("flu-mel140", ADULT, times={"hsc": "14:00"}, **SHANGHAI)
    give_all(course, "flu", 3)
    return course


TENTH = {"at": "2027-01-10T12:00", "by": "AB", "why": "donor ill"}


def test_flu_mel_day_0_moves_by_two_days_after_three_doses() -> None:
    """Given on 8, 9, 10 January; at noon of the 10th day 0 moves from the 15th to the 17th.

    Rest: doses 4 and 5 on their days -4 and -3, now 13 and 14 January; 5 × 43 = 215. Continue: 11 and 12 January, the last
    5 days and 5 h = 125 h before the graft. Stop: 3 × 43 = 129. Melphalan is not begun: 15 January; ciclosporin from the 16th;
    methotrexate on 18, 20, 23, 28 January. Plain re-dating would give days -6..-3, four more: 7 doses, 301 mg, +40.0 %.
    """
    course = flu_mel()
    found = outcomes(course, lambda c: c.move_day0("2027-01-17", **TENTH))
    assert [start[:10] for start in planned(found["rest-day"], "flu")] == ["2027-01-13", "2027-01-14"]
    assert [start[:10] for start in planned(found["continue"], "flu")] == ["2027-01-11", "2027-01-12"]
    assert {one["order"]: one["hours"] for one in found["continue"]["gaps_to_graft"]}["flu"] == "125"
    assert [sum_of(found[name], "flu")["amount"]["value"] for name in ("rest-day", "continue", "stop")] == ["215", "215", "129"]
    for name in ("rest-day", "continue", "stop"):
        assert planned(found[name], "mel") == ["2027-01-15T09:00:00+08:00"] and planned(found[name], "csa")[0] == "2027-01-16T09:00:00+08:00"
        assert [start[:10] for start in planned(found[name], "mtx1") + planned(found[name], "mtx2")] == ["2027-01-18", "2027-01-20", "2027-01-23", "2027-01-28"]
    assert "7 fludarabine doses instead of 5 (301 mg, +40.0 %" in found["re-date"]["refused"]
    course.move_day0("2027-01-17", outcome="rest-day", **TENTH)
    assert [row["day"] for row in rows(course, "flu")] == [-9, -8, -7, -4, -3] and total(course, "flu") == "215"


def test_flu_mel_weighed_again_on_the_way() -> None:
    """57 kg: sqrt(57 × 168 / 3600) = 1.63095 → 1.63 m2, -8.8 %. Fludarabine 40.75 → 41, melphalan 228.2 → 228, ciclosporin 85.5 → 86,
    methotrexate 24.45 → 24 and 16.3 → 16. Fludarabine 3 × 43 + 2 × 41 = 211 mg."""
    course = flu_mel()
    found = outcomes(course, lambda c: c.weigh("57 kg", at="2027-01-10T12:00"))["real"]
    assert [amounts(found, order) for order in ("flu", "mel", "csa", "mtx1", "mtx2")] == [{"41"}, {"228"}, {"86"}, {"24"}, {"16"}]
    assert sum_of(found, "flu")["amount"]["value"] == "211" and any("-8.8 %" in text and "above 5 %" in text for text in found["collisions"])


def test_flu_mel_the_weight_waits_for_its_choice() -> None:
    """A weight without a choice is a fact: doses stay, nothing is released, until a person says real or fluid."""
    course = flu_mel()
    course.weigh("57 kg", at="2027-01-10T12:00", by="N")
    assert total(course, "flu") == "215" and levels(course)["weight.outcome"] == "query"
    with pytest.raises(InputError, match="weight.outcome"):
        course.release("mel#1", by="P1")
    with pytest.raises(InputError, match="answer weight.outcome first"):
        course.move_day0("2027-01-17", outcome="rest-day", **TENTH)
    course.give("flu#4", "2027-01-11T09:00", by="N")
    course.answer("weight.outcome", "real", by="AB")
    assert total(course, "flu") == str(4 * 43 + 41) and "weight.outcome" not in levels(course)


def test_flu_mel_by_level_stays_open_until_a_level_or_a_person_sets_it() -> None:
    """18 doses from day +3; the level of the last of 94 mg: 94 × 250 / 210 = 111.9 → 112 mg, or stated 1.2 × 62.5 = 75 mg, 18 × 75 = 1,350 mg."""
    course = flu_mel()
    assert levels(course)["csa-level.dose"] == "block" and all(row["held"] for row in rows(course, "csa-level"))
    with pytest.raises(InputError, match="no dose of csa-level is given yet.*course set FILE csa-level.dose"):
        course.level("csa-level", "210 ng/mL", "250 ng/mL", at="2027-01-10T13:00", by="N")
    for order, count in (("flu", 2), ("mel", 1), ("csa", 8)):
        give_all(course, order, count)
    found = outcomes(course, lambda c: c.level("csa", "210 ng/mL", "250 ng/mL", at="2027-01-17T22:00", by="N"))
    assert levels(course)["csa-level.dose"] == "block" and amounts(found["next-dose"], "csa-level") == {"112"}
    with pytest.raises(UsageError, match="reason is missing"):
        course.level("csa", "210 ng/mL", "250 ng/mL", dose="1.2 mg/kg/dose twice daily", further=True, by="AB")
    course.level("csa", "210 ng/mL", "250 ng/mL", dose="1.2 mg/kg/dose twice daily", further=True, at="2027-01-17T23:00", by="AB", why="raised")
    assert total(course, "csa-level") == "1350" and levels(course).get("csa-level.dose") != "block" and not course.state.asked


# Flu/Cy/TBI with cyclophosphamide after the transplant on days +3 and +4: the graft late


def ptcy() -> Course:
    """Cyclophosphamide 50 × 62.5 = 3,125 → 3,130 mg on 18 and 19 January; mycophenolate from day +5, 20 January."""
    course = Course.start("flu-cy-tbi-ptcy", ADULT, times={"hsc": "14:00"}, **SHANGHAI)
    for order in ("flu", "cy", "tbi", "paracetamol", "promethazine"):
        give_all(course, order, 5)
    return course


def test_ptcy_a_graft_late_on_its_day_moves_no_day() -> None:
    """22:45 instead of 14:00, 8.75 h late: still day 0, so days +3 and +4 stay."""
    course = ptcy()
    course.give("hsc#1", "2027-01-15T22:45", by="N")
    assert [start[:10] for start in left(course, "ptcy")] == ["2027-01-18", "2027-01-19"] and course.schedule().times["hsc"] == "22:45"
    assert "8.75 h after its planned start" in message(course, "hsc#1.time") and not course.state.asked


def test_ptcy_a_graft_after_midnight_leaves_the_day_to_a_person() -> None:
    """00:20 on 16 January. Day 0 stays: cyclophosphamide on 18 and 19, mycophenolate from 20 January. It follows: 19, 20 and 21. 6,260 mg either way."""
    course = ptcy()
    found = outcomes(course, lambda c: c.give("hsc#1", "2027-01-16T00:20", by="N"))
    days = {name: [start[8:10] for start in planned(one, "ptcy")] + [planned(one, "mmf")[0][8:10]] for name, one in found.items()}
    assert days == {"keep-day0": ["18", "19", "20"], "follow": ["19", "20", "21"]}
    assert {sum_of(one, "ptcy")["amount"]["value"] for one in found.values()} == {"6260"}
    course.correct("hsc#1", start="2027-01-15T23:50", by="N2", why="the clock of the ward")  # typed wrong: it was still the 15th
    assert not course.state.asked and [start[8:10] for start in left(course, "ptcy")] == ["18", "19"] and course.schedule().times["hsc"] == "23:50"


def test_ptcy_a_dose_given_a_day_late_with_what_runs_beside_it() -> None:
    """Cyclophosphamide 1 on 19 instead of 18 January: keep-grid leaves dose 2 on the 19th, the same hour; slide puts it on the 20th."""
    course = ptcy()
    give_all(course, "hsc", 1), give_all(course, "mesna", 1)
    found = outcomes(course, lambda c: c.give("ptcy#1", "2027-01-19T09:00", by="N"))
    assert planned(found["slide"], "ptcy") == ["2027-01-20T09:00:00+08:00"] and planned(found["keep-grid"], "ptcy") == ["2027-01-19T09:00:00+08:00"]
    assert any("dose 2 starts 0 h after dose 1" in text for text in found["keep-grid"]["collisions"])


# Remestemcel-L: 2e6 per kg, eight infusions, days 0, 3, 7, 10, 14, 17, 21, 24, at least 3 days apart


def remestemcel() -> Course:
    """28 kg: 56,000,000 cells; 22, 25, 29 March, 1, 5, 8, 12, 15 April at 09:00, over the clock change of 28 March; 448,000,000 in all."""
    return Course.start("remestemcel", CHILD, day0="2027-03-22", zone="Europe/Berlin", choose={"part": "first", "week": "3-4"}, subject="S-07")


def test_remestemcel_a_missed_infusion() -> None:
    """The third is missed: 7 × 56 = 392 million, or made up three days after the last, 18 April 09:00, 448 million."""
    course = remestemcel()
    give_all(course, "msc34", 2)
    found = outcomes(course, lambda c: c.miss("msc34#3", at="2027-03-29T12:00", by="N", why="fever"))
    assert sum_of(found["omit"], "msc34")["amount"]["value"] == "392000000" and sum_of(found["append"], "msc34")["amount"]["value"] == "448000000"
    assert planned(found["append"], "msc34")[-1] == "2027-04-18T09:00:00+02:00" and len(planned(found["omit"], "msc34")) == 5


def test_remestemcel_an_infusion_a_day_late() -> None:
    """The second on Friday 26 March: the third on Monday 29 is 71 h later (the clocks change); sliding, 30 March, 2, 6, 9, 13, 16 April."""
    course = remestemcel()
    give_all(course, "msc34", 1)
    found = outcomes(course, lambda c: c.give("msc34#2", "2027-03-26T09:00", by="N", kit="K-2"))
    assert planned(found["keep-grid"], "msc34")[0] == "2027-03-29T09:00:00+02:00"
    assert [start[5:10] for start in planned(found["slide"], "msc34")] == ["03-30", "04-02", "04-06", "04-09", "04-13", "04-16"]
    assert {sum_of(one, "msc34")["amount"]["value"] for one in found.values()} == {"448000000"}


def test_remestemcel_a_weight_and_the_kits() -> None:
    """29.4 kg is +5.0 %, not above 5 %: 58,800,000 cells; 30 kg is +7.1 %. Two given at 56, six left at 58.8: 112 + 352.8 = 464.8 million."""
    course = remestemcel()
    give_all(course, "msc34", 2)
    found = outcomes(remestemcel(), lambda c: c.weigh("30 kg"))["real"]
    assert any("+7.1 %" in text and "above 5 %" in text for text in found["collisions"])
    flags = outcomes(course, lambda c: c.weigh("29.4 kg", at="2027-03-25T12:00"))["real"]
    assert any("+5.0 %" in text and "above" not in text for text in flags["collisions"]) and sum_of(flags, "msc34")["amount"]["value"] == "464800000"
    for action, count, kit in (("received", 2, "K-1"), ("received", 1, "K-2"), ("prepared", 1, "K-1"), ("wasted", 1, "K-2")):
        course.account("msc34", action, count, kit=kit, by="P")
    stock = course.pharmacy()["accountability"]
    assert stock == [{"order": "msc34", "received": 3, "prepared": 1, "wasted": 1, "returned": 0, "left": 1, "over": 0, "kits": [
        {"kit": "K-1", "received": 2, "prepared": 1, "wasted": 0, "returned": 0, "left": 1, "over": 0}, {"kit": "K-2", "received": 1, "prepared": 0, "wasted": 1, "returned": 0, "left": 0, "over": 0}]}]
    assert {row["subject"] for row in course.pharmacy()["reconciliation"]} == {"S-07"}


def test_a_choice_changed_before_its_first_dose_takes_the_other_days() -> None:
    """Pattern 4-3 instead of 3-4 before anything is given: days 0, 4, 7, 11 … are 22, 26, 29 March, 2, 5, 9, 12, 16 April."""
    course = remestemcel()
    course.set("week", "4-3", at="2027-03-20T12:00", by="AB", why="ward list")
    assert [start[5:10] for start in left(course, "msc43")] == ["03-22", "03-26", "03-29", "04-02", "04-05", "04-09", "04-12", "04-16"]
    begun = remestemcel()
    give_all(begun, "msc34", 1)
    with pytest.raises(InputError, match="begun and would vanish"):
        begun.set("week", "4-3", at="2027-03-22T12:00", by="AB", why="ward list")


# orders that hang on the doses of others


HUNG = """
id: hung
version: 1
status: draft
title: Orders that hang on other orders, an example
trial: no
day0: the calendar day of the stem cell infusion
sources:
  page: {id: none, title: made for a test, read: 2026-11-22}
orders:
  - {id: bu, drug: busulfan, dose: 0.8 mg/kg/dose every 6 h x 4 doses, days: -5, first: ask, over: 2 h, route: iv, weight: actual, cite: {page: "0.8 mg/kg every 6 h x 4 doses on day -5"}}
  - {id: cy, drug: cyclophosphamide, dose: 60 mg/kg/dose, days: -3, at: 24 h after last bu, over: 1 h, route: iv, weight: actual, cite: {page: "60 mg/kg day -3, 24 h after last bu"}}
  - {id: hsc, drug: haematopoietic-stem-cells, dose: not given, days: 0, event: hsc, route: iv, weight: actual, cite: {page: "cells on day 0"}}
  - {id: mtx, drug: methotrexate, dose: 15 mg/m2/dose, days: +1, at: 24 h after hsc, over: 5 min, route: iv, weight: actual, cite: {page: "15 mg/m2 day +1, 24 h after hsc"}}
"""


def hung(tmp_path) -> Course:
    """Busulfan from 10 January 06:00, the last 11 January 00:00; cyclophosphamide 24 h after it, 12 January 00:00; methotrexate 16 January 14:00."""
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "hung.yaml").write_text(HUNG.lstrip(), encoding="utf-8")
    return Course.start("hung", ADULT, times={"bu": "06:00", "hsc": "14:00"}, library=[str(tmp_path)], **SHANGHAI)


def test_what_hangs_on_an_order_follows_its_doses_as_they_happen(tmp_path) -> None:
    """Dose 4 at 01:30 instead of 00:00: cyclophosphamide 24 h after what was given, 12 January 01:30."""
    course = hung(tmp_path)
    assert left(course, "cy") == ["2027-01-12T00:00:00+08:00"] and left(course, "mtx") == ["2027-01-16T14:00:00+08:00"]
    give_all(course, "bu", 3)
    course.give("bu#4", "2027-01-11T01:30", by="N")
    assert left(course, "cy") == ["2027-01-12T01:30:00+08:00"]
    course.correct("bu#4", start="2027-01-11T00:40", by="N", why="chart")
    assert left(course, "cy") == ["2027-01-12T00:40:00+08:00"]


def test_what_hangs_on_the_graft_follows_the_graft(tmp_path) -> None:
    """Given at 17:20: methotrexate 16 January 17:20. In two parts, the second on 16 January 09:00: still 24 h after the first."""
    course = hung(tmp_path)
    give_all(course, "bu", 4), give_all(course, "cy", 1)
    course.give("hsc#1", "2027-01-15T17:20", by="N")
    course.give("hsc#2", "2027-01-16T09:00", extra=True, by="N", second="M", why="second bag")
    assert left(course, "mtx") == ["2027-01-16T17:20:00+08:00"]


def test_what_hangs_on_the_graft_follows_it_over_midnight_whichever_day_is_day_0(tmp_path) -> None:
    """Given on 16 January 00:30: methotrexate 24 h later, 17 January 00:30, in both outcomes."""
    course = hung(tmp_path)
    give_all(course, "bu", 4), give_all(course, "cy", 1)
    found = outcomes(course, lambda c: c.give("hsc#1", "2027-01-16T00:30", by="N"))
    assert {name: planned(one, "mtx") for name, one in found.items()} == {name: ["2027-01-17T00:30:00+08:00"] for name in ("keep-day0", "follow")}
