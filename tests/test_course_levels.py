"""A dose by level to the last digit, levels entered twice or for no dose, outcomes against the plan, hours around the graft.

Busulfan in steps of 0.6 mg, 246.3 g/mol, halves away from zero; every figure is worked by hand beside its test.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from test_course import (
    CHILD,
    at_noon,
    give_all,
    left,
    levels,
    message,
    outcomes,
    planned,
    rows,
    story_a,
    story_b,
    sum_of,
    to_the_graft,
    total,
)
from test_course_protocols import SHANGHAI, amounts, bucy2, ptcy

from dosing import Disagreement, InputError, UsageError, cli, plan
from dosing.course import Course, ledger, tell
from dosing.engine.change import Guided
from dosing.second import Level
from dosing.second.levels import rate

TIE = {"at": "2027-04-13T03:00", "by": "AB", "why": "TDM"}


def tie(given: int = 1) -> Course:
    """73.7 kg, 180 cm, M: ideal 50 + 0.91 × 28 = 75.5, the lower is 73.7. 0.8 × 73.7 = 58.96 mg = 98.3 steps → 58.8 mg."""
    course = Course.start("bucy2-label", {"weight": "73.7 kg", "height": "180 cm", "age": "40 y", "sex": "M"}, day0="2027-04-20", zone="Europe/Berlin",
                          times={"hsc": "14:00", "bu": "00:00"}, choose={"build": "usual"})  # fmt: skip
    give_all(course, "bu", given)
    return course


def doses(course: Course, order: str = "bu") -> list[str]:
    return [row["amount"]["value"] for row in rows(course, order)]


# the exact fraction, through to rounding and in the second calculation


@pytest.mark.parametrize("measured, target", [
    ("900 umol*min/L", "1125 umol*min/L"), ("3.6945 mg*h/L", "1125 umol*min/L"), ("615.75 ng/mL", "73.89 mg*h/L per course"), ("900 umol*min/L", "4500 umol*min/L per day"),
    ("900 umol*min/L", "769.6875 ng/mL")])  # fmt: skip
def test_a_dose_by_level_at_half_a_step_is_rounded_away_from_zero(measured: str, target: str) -> None:
    """58.8 × 1,125 / 900 = 73.5 mg = 122.5 steps → 123 × 0.6 = 73.8 mg; 0.997286 mg/kg × 73.7 kg, cut to six digits, would be 73.49998 → 73.2."""
    course = tie()
    course.level("bu#1", measured, target, outcome="next-dose", **TIE)
    assert doses(course) == ["58.8"] + ["73.8"] * 15
    assert next(row for row in course.schedule() if (row.order, row.number) == ("bu", 2)).derivation.tell().startswith("0.997286 mg/kg/dose every 6 h × 73.7 kg (lower.busulfan-label) ≈ 73.5 mg → 73.8 mg")
    assert Course(ledger.read_bytes(course.to_bytes(), "c")).schedule().to_dict() == course.schedule().to_dict()


def test_the_target_of_the_course_at_half_a_step() -> None:
    """Four given: (16 × 1,068.75 − 4 × 900) / 12 = 1,125 for each dose left, so 73.5 mg again, 73.8; later answered, not at once."""
    course = tie(4)
    course.level("bu#4", "900 umol*min/L", "1068.75 umol*min/L", **(TIE | {"at": "2027-04-13T20:00"}))
    course.answer("bu.level.outcome", "cumulative", by="AB", why="TDM")
    assert doses(course) == ["58.8"] * 4 + ["73.8"] * 12


def test_the_second_calculation_starts_from_the_facts_and_sees_a_cut_text(monkeypatch) -> None:
    monkeypatch.setattr(Guided, "of", lambda self, dose: dose)  # the first calculation goes by the shortened text
    with pytest.raises(Disagreement, match="bu#1: calculated 73.4183923 and 73.418423"):  # 58.8 × 1,125 / 901 = 73.41842
        tie().level("bu#1", "901 umol*min/L", "1125 umol*min/L", outcome="next-dose", **TIE)


def test_a_dose_by_level_is_weighed_and_reduced_from_its_exact_number() -> None:
    """73.5 / 73.7 × 75 = 74.796 mg = 124.7 steps → 75; half of 73.5 is 36.75 mg = 61.25 steps → 36.6."""
    course = tie()
    course.level("bu#1", "900 umol*min/L", "1125 umol*min/L", outcome="next-dose", **TIE)
    course.set("bu.dose", "50 %", **(TIE | {"at": "2027-04-13T04:00"}))
    assert doses(course)[1:] == ["36.6"] * 15
    other = tie()
    other.level("bu#1", "900 umol*min/L", "1125 umol*min/L", outcome="next-dose", **TIE)
    other.weigh("75 kg", at="2027-04-13T04:00", outcome="real", by="AB")
    assert doses(other)[1:] == ["75"] * 15
    other.set("bu.dose", "0.8 mg/kg/dose every 6 h", **(TIE | {"at": "2027-04-13T05:00"}))
    assert doses(other)[1:] == ["60"] * 15  # a person's dose stands as it is written


def test_the_second_calculation_s_own_figures() -> None:
    """The shelf's vectors: 56 × 1125 / 1350 = 46.6667, 16 × 1125 / 850 = 21.1765, 180 mg with 18.5 of 90 mg*h/L after one of four: 231.892."""
    assert rate(Level("56 mg", "1", "1350 umol*min/L", "1125 umol*min/L", 360, 16, "246.3"), "mg") == Fraction(140, 3)
    assert rate(Level("16 mg", "1", "850 umol*min/L", "1125 umol*min/L", 360, 16), "mg") == Fraction(18000, 850)
    course = Level("180 mg", "1", "18.5 mg*h/L", "90 mg*h/L per course", 1440, 4, "246.3", ("180 mg",), 3)
    assert f"{float(rate(course, 'mg')):.6g}" == "231.892" and rate(course._replace(basis="60"), "mg") * 60 == rate(course, "mg")
    for text in ("18.5", "AUC 20", "18.5 mg*h/L per week"):
        with pytest.raises(ValueError, match="is not canonical text"):
            rate(course._replace(measured=text), "mg")


# a second level of the same dose


def test_a_second_level_of_the_same_dose_asks_what_it_is() -> None:
    """900 gives 73.8; 950 instead: 58.8 × 1,125 / 950 = 69.632 mg = 116.05 steps → 69.6."""
    course = tie()
    course.level("bu#1", "900 umol*min/L", "1125 umol*min/L", outcome="next-dose", **TIE)
    with pytest.raises(InputError, match="a level of bu#1 is entered already, 900.*--corrects.*--further") as asked:
        course.level("bu#1", "950 umol*min/L", "1125 umol*min/L", **TIE)
    assert asked.value.code == "O14" and len(course.entries) == 3
    course.level("bu#1", "950 umol*min/L", "1125 umol*min/L", corrects=True, **TIE)
    assert doses(course)[1:] == ["58.8"] * 15 and levels(course)["bu.level.outcome"] == "query"  # what followed from 900 is gone
    course.answer("bu.level.outcome", "next-dose", by="AB", why="TDM")
    assert doses(course)[1:] == ["69.6"] * 15 and "first entered as 900 umol*min/L" in message(course, "bu.level.1")


def test_a_further_measurement_says_so_and_corrects_nothing() -> None:
    course = tie()
    course.level("bu#1", "900 umol*min/L", "1125 umol*min/L", outcome="next-dose", **TIE)
    course.level("bu#1", "950 umol*min/L", "1125 umol*min/L", further=True, **TIE)
    assert doses(course)[1:] == ["73.8"] * 15 and "bu.level.1" not in levels(course)
    course.answer("bu.level.outcome", "next-dose", by="AB", why="TDM")
    assert doses(course)[1:] == ["69.6"] * 15


def test_the_command_line_asks_and_takes_both_answers(tmp_path, capsys) -> None:
    file, who = str(tmp_path / "c.json"), ["--target", "1125 umol*min/L", "--outcome", "next-dose", "--at", TIE["at"], "--by", "AB", "--reason", "TDM"]
    tie().save(file)
    assert cli.main(["course", "level", file, "bu#1", "--measured", "900 umol*min/L", *who]) == 0
    assert cli.main(["course", "level", file, "bu#1", "--measured", "950 umol*min/L", *who]) == 4 and "--further" in capsys.readouterr().err
    assert cli.main(["course", "level", file, "bu#1", "--measured", "950 umol*min/L", "--further", *who]) == 0
    assert "further" in capsys.readouterr().err and doses(Course.load(file))[1:] == ["69.6"] * 15


# doses that the regimen sets by level, in another order than the one measured


def once_daily(regimen: str = "bu-cy-once-daily") -> Course:
    """56.3 kg: 3.2 × 56.3 = 180.16 mg = 300.3 steps → 180 mg, then three doses by level."""
    course = Course.start(regimen, {"weight": "56.3 kg", "height": "168 cm", "age": "31 y", "sex": "M"}, **SHANGHAI)
    give_all(course, "bu", 1)
    return course


DAILY = ("18.5 mg*h/L", "90 mg*h/L per course")


@pytest.mark.parametrize("regimen, night", [("bu-cy-once-daily", "2027-01-08T20:00"), ("flu-bu4-atg", "2027-01-10T20:00")])
def test_a_level_of_the_first_dose_leads_to_the_doses_by_level(regimen: str, night: str) -> None:
    """Four doses in all, 22.5 mg*h/L each: 180 × 22.5 / 18.5 = 218.92 = 364.9 steps → 219 mg, +21.6 % of 3.2 mg/kg (of 180.16 mg: 218.92 / 180.16
    = +21.5 %). Course: (90 − 18.5) / 3 = 23.833; 180 × 23.833 / 18.5 = 231.892 = 386.5 steps → 231.6 mg."""
    course = once_daily(regimen)
    found = outcomes(course, lambda c: c.level("bu", *DAILY, at=night, by="N"))
    assert amounts(found["next-dose"], "bu-level") == {"219"} and amounts(found["cumulative"], "bu-level") == {"231.6"}
    assert "bu: the target is 22.5 mg*h/L a dose, 22.5 a day, 90 over the 4 doses of the protocol" in found["next-dose"]["collisions"]
    assert "bu-level: the dose changes by +21.5 % from that of bu" in found["next-dose"]["collisions"] and levels(course)["bu-level.dose"] == "block"
    assert next(one.order for one in course.schedule().findings if one.id == "bu.level.outcome") == "bu-level"  # whose doses wait for the choice
    course.answer("bu.level.outcome", "cumulative", by="AB", why="TDM")
    assert doses(course, "bu-level") == ["231.6"] * 3 and levels(course).get("bu-level.dose") != "block" and doses(course) == ["180"]
    course.withdraw("bu#1", by="AB", why="of another patient")
    assert levels(course)["bu-level.dose"] == "block" and all(row["held"] for row in rows(course, "bu-level"))


def test_the_next_level_is_of_a_dose_by_level() -> None:
    """231.6 mg gave 24: given 411.6 / 231.6 × 24 = 42.653; (90 − 42.653) / 2 = 23.674; 231.6 × 23.674 / 24 = 228.45 mg = 380.75 steps → 228.6."""
    course = once_daily()
    course.level("bu", *DAILY, at="2027-01-08T20:00", outcome="cumulative", by="AB")
    give_all(course, "bu-level", 1)
    course.level("bu-level", "24 mg*h/L", DAILY[1], at="2027-01-09T20:00", outcome="cumulative", by="AB")
    assert doses(course, "bu-level") == ["231.6", "228.6", "228.6"]
    with pytest.raises(InputError, match="bu-level#2 was planned for Sun 2027-01-10 09:00, before now"):
        course.level("bu", *DAILY, further=True, at="2027-01-10T20:00", outcome="cumulative", by="AB")


def test_a_level_of_no_dose_is_refused_with_the_right_command() -> None:
    course = once_daily()
    with pytest.raises(InputError, match="no dose of bu-level is given yet.*leads to bu-level: dosing course level FILE bu#1 --measured"):
        course.level("bu-level", *DAILY, at="2027-01-08T20:00")
    with pytest.raises(InputError, match="bu-level#1 was not given.*name the dose"):
        course.level("bu-level#1", *DAILY, at="2027-01-08T20:00")
    bare = tie(0)
    with pytest.raises(InputError, match="no dose of bu is given yet.*course give FILE bu#1"):
        bare.level("bu", *DAILY)
    assert len(course.entries) == 2 and len(bare.entries) == 1


def test_a_refused_level_is_told_once() -> None:
    """After the last dose nothing is left to change."""
    with pytest.raises(InputError) as refused:
        bucy2_done().level("bu#16", "900 umol*min/L", "1125 umol*min/L", at="2027-01-12T03:00")
    assert str(refused.value).startswith("level: no dose of bu is left") and str(refused.value).count("level:") == 1


def bucy2_done() -> Course:
    course = bucy2()
    give_all(course, "bu", 16)
    return course


# outcomes against what was planned before the news


def percents(course: Course, call, order: str) -> dict[str, str]:
    return {name: sum_of(one, order)["percent"] for name, one in outcomes(course, call).items()}


def test_a_missed_dose_is_measured_against_the_plan() -> None:
    """Busulfan: 15 × 16.8 = 252 of 268.8 mg, −6.2 % (−6.25, told to the even digit); fludarabine 3 of 4, −25 %. Made up, nothing changes."""
    course = story_b()
    give_all(course, "bu", 7)
    assert percents(course, lambda c: c.miss("bu#8", at="2027-03-27T20:00", by="N"), "bu") == {"omit": "-6.2 %", "append": "+0.0 %"}
    assert percents(story_a(), lambda c: c.miss("flu#1", at="2027-01-10T12:00", by="N"), "flu") == {"omit": "-25.0 %", "append": "+0.0 %"}


def test_a_dose_corrected_to_missed_is_measured_against_the_plan() -> None:
    """flu#2 recorded as 510 mg instead of 51, then as not given: 153 of 204 mg, whatever was recorded first."""
    course = story_a()
    give_all(course, "flu", 1)
    course.give("flu#2", "2027-01-11T09:00", "510 mg", by="N")
    assert percents(course, lambda c: c.correct("flu#2", missed=True, at="2027-01-11T12:00", by="N", why="wrong patient"), "flu") == {"omit": "-25.0 %", "append": "+0.0 %"}


def test_a_missed_dose_made_up_is_not_missed_again() -> None:
    """flu#2 made up as flu#5; flu#3 missed too: 3 of 4 again."""
    course = story_a()
    give_all(course, "flu", 1)
    course.miss("flu#2", at="2027-01-11T10:00", outcome="append", by="N")
    assert percents(course, lambda c: c.miss("flu#3", at="2027-01-12T10:00", by="N"), "flu") == {"omit": "-25.0 %", "append": "+0.0 %"}


# hours around the graft


def test_a_late_graft_shows_how_long_after_it_each_drug_starts() -> None:
    """Graft 16 January 00:20 instead of the 15th, 14:00. Cyclophosphamide 18 January 09:00 is 56.67 h later, following 80.67 h. JSON keeps every date."""
    course = ptcy()
    course.give("hsc#1", "2027-01-16T00:20", by="N")
    found = course.outcomes("hsc#1.outcome")
    hours = {one.name: {row["order"]: row["hours"] for row in one.to_dict()["gaps_after_graft"]}["ptcy"] for one in found}
    assert hours == {"keep-day0": "56.67", "follow": "80.67"}
    text = tell(found)
    assert "first starts 56.67 h after the graft" in text and "first starts 80.67 h after the graft" in text
    line = next(text for text in text.splitlines() if text.strip().startswith("keep-day0  ") and " more days" in text)
    mmf = planned(found[0].to_dict(), "mmf")
    assert line.count("2027-") == 3 and len(mmf) > 20 and max(map(len, text.splitlines())) < 400


def test_a_drug_before_the_graft_keeps_its_hours_to_it() -> None:
    """Flu of story A, day 0 on the 17th, continued: the last on 13 January 09:00, 101 h before 17 January 14:00; nothing of it comes after."""
    found = outcomes(at_noon(), lambda c: c.move_day0("2027-01-17", at="2027-01-12T12:00", by="AB", why="donor late"))["continue"]
    assert {one["order"]: one["hours"] for one in found["gaps_to_graft"]}["flu"] == "101" and "flu" not in {one["order"] for one in found["gaps_after_graft"]}


def test_a_gap_above_a_hundred_hours_keeps_its_half() -> None:
    """Seed protocol: 16 doses of busulfan from 26 March 00:00, the last 90 h later, 29 March 19:00 after the clock change; the graft 3 April 12:30, 4 d 17.5 h later."""
    made = plan("nct07299123", CHILD, day0="2027-04-03", zone="Europe/Berlin", times={"hsc": "12:30", "bu": "00:00"}, choose={"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"})
    assert "starts 113.5 h before it" in next(one.message for one in made.findings if one.id == "bu.gap")


def test_a_split_graft_has_no_ordered_distance() -> None:
    """The second bag 16.5 h after the first is asked about as such; no distance between bags is ordered."""
    course = to_the_graft()
    give_all(course, "hsc", 1)
    course.give("hsc#2", "2027-01-16T06:30", extra=True, by="N", second="M", why="second bag")
    assert "hsc.distance" not in levels(course) and "16.5 h after the first" in message(course, "hsc#2.extra")


def test_an_amount_is_refused_with_an_amount_as_example() -> None:
    for text in ("0 mg", "1,03 g", "1030 ml"):
        with pytest.raises((InputError, UsageError), match="an amount as 500 mg"):
            at_noon().give("flu#4", "2027-01-13T09:00", text, by="N")
    assert left(at_noon(), "flu") == ["2027-01-13T09:00:00+08:00"] and total(at_noon(), "flu") == "204"
