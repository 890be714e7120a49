"""What must hold for every course: given rows never change, totals add up, order does not matter, the second calculation agrees."""

from __future__ import annotations

import random
from datetime import timedelta
from fractions import Fraction
from itertools import permutations

import pytest

from dosing import DosingError, render
from dosing.course import Course, doses, ledger, moves, places, replan, rows
from dosing.errors import Disagreement

PATIENTS = ({"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "creatinine": "0.9 mg/dL"},
            {"weight": "28 kg", "height": "132 cm", "age": "9 y", "sex": "F", "creatinine": "0.5 mg/dL"})  # fmt: skip
STRATA = ({"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}, {"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"})
DAYS = ("2027-01-15", "2027-04-03", "2027-11-06")
NAMES = {"atg.dose": ("2.5 mg/kg/day", "1.5 mg/kg/day"), "flu.dose": ("25 mg/m2/day", "30 mg/m2/day"), "cy.dose": ("500 mg/m2/day", "700 mg/m2/day"), "cy.at": ("11:00", "10:00")}


def start(seed: random.Random) -> Course:
    """A course of a random stratum, patient, day 0 and, half of the time, with a block after the graft."""
    which = seed.randrange(2)
    times = {"hsc": "14:00"} | ({"bu": seed.choice(("00:00", "06:00"))} if which else {})
    return Course.start("nct07299123", PATIENTS[which], day0=seed.choice(DAYS), zone="Europe/Berlin", times=times, choose=STRATA[which],
                        set={"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, by="AB", reason="agreed",
                        blocks=["gvhd-csa-mtx"] if seed.random() < 0.5 else ())  # fmt: skip


def planned(course: Course) -> list:
    return [row for row in course.schedule() if not (row.record and "given" in row.record)]


def given(course: Course) -> dict:
    return {(row.order, row.number): (row.seconds, row.amount, row.calculated, row.why, row.record["given"]["planned"]) for row in course.schedule() if row.record and "given" in row.record}


def news(course: Course, seed: random.Random) -> str:
    """One random piece of news, most often the next dose; gives its kind."""
    rows = planned(course)
    now = max((row.start for row in course.schedule() if row.record and "given" in row.record), default=None)
    at = (now.datetime + timedelta(minutes=30)).isoformat()[:16] if now else ""
    kind = seed.choices(("give", "late", "miss", "move", "weigh", "level", "set", "stop", "answer", "correct", "issue"), (14, 3, 2, 2, 1, 3, 1, 0.3, 1, 1, 1))[0]
    choice = seed.choice(("rest-day", "continue", "stop")) if kind == "move" else seed.choice({"late": ("keep-grid", "slide"), "miss": ("omit", "append"), "weigh": ("real", "fluid"), "level": ("next-dose", "cumulative")}.get(kind, ("",)))
    if kind in ("give", "late", "miss") and rows:
        row = rows[0] if seed.random() < 0.9 else seed.choice(rows)
        key, when = f"{row.order}#{row.number}", row.start.datetime + timedelta(minutes=seed.choice((40, 90, 300, 1500)) if kind == "late" else 0)
        amount = "" if row.amount or not row.calculated else "10 mg"
        course.miss(key, outcome=choice, by="N", why="random") if kind == "miss" else course.give(key, when.isoformat()[:16] + when.isoformat()[19:], amount, outcome=choice if kind == "late" else "", by="N")
    elif kind == "move":
        day = course.state.when.day0 + timedelta(days=seed.choice((-2, -1, 1, 2, 7)))
        course.move_day0(day.isoformat(), at=at, outcome=choice, by="P", why="random")
    elif kind == "weigh":
        course.weigh(f"{seed.randrange(25, 70)} kg", at=at, outcome=choice, by="P")
    elif kind == "level":
        course.level("bu" if "bu" in course.state.lanes else "flu", f"{seed.randrange(700, 1500)} umol*min/L", "1000 umol*min/L", at=at, outcome=choice, by="P")
    elif kind == "set":
        key = seed.choice(list(NAMES))
        course.set(key, seed.choice(NAMES[key]), at=at, by="P", why="random")
    elif kind == "stop":
        course.stop(seed.choice(list(course.state.lanes)), at=at, by="P", why="random")
    elif kind == "answer" and course.schedule().open:
        course.answer(seed.choice([one.id for one in course.schedule().open if one.level == "query"] or ["none"]), "seen", by="P")
    elif kind == "correct" and given(course):
        order, number = seed.choice(list(given(course)))
        course.correct(f"{order}#{number}", amount=f"{seed.randrange(1, 60)} mg", by="N", why="random")
    elif kind == "issue":
        course.issue(by="P")
    return kind


def totals_hold(course: Course) -> None:
    """Totals are what was given and what is planned, added up from the rows."""
    for total in course.schedule().totals:
        rows = [row for row in course.schedule() if row.order == total.order]
        if total.amount is not None and len({row.amount.unit for row in rows if row.amount}) <= 1:
            assert Fraction(total.amount.value) == sum(Fraction(row.amount.value) for row in rows if row.amount)
        assert total.doses == len(rows)


@pytest.mark.parametrize("number", range(10))
def test_random_news_leaves_a_confirmed_course(number: int) -> None:
    seed = random.Random(number)
    course, kept = start(seed), 0
    for _ in range(50):
        before, meant = given(course), {(row.order, row.number): (row.to_dict()["start"], row.calculated) for row in planned(course)}
        entries = course.entries
        try:
            kind = news(course, seed)
        except Disagreement:
            raise
        except DosingError:
            assert course.entries == entries  # a refusal appends nothing
            continue
        kept += 1
        after = given(course)
        assert course.schedule().second_calculation["agrees"]
        if kind != "correct":
            assert all(after[key] == value for key, value in before.items())
        assert set(before) <= set(after)
        assert all((after[key][4]["start"], after[key][2]) == meant[key] for key in after.keys() - before.keys() if kind in ("give", "late"))
        totals_hold(course)
    assert kept >= 12
    again = Course(ledger.read_bytes(course.to_bytes(), "course.json"))
    assert again.schedule().to_dict() == course.schedule().to_dict() and again.to_bytes() == course.to_bytes()


def test_the_order_of_independent_entries_does_not_matter() -> None:
    acts = (lambda c: c.give("flu#1", "2027-01-10T09:20", by="N"), lambda c: c.give("cy#1", "2027-01-10T11:00", "1000 mg", by="N"),
            lambda c: c.answer("flu.creatinine", "0.8 mg/dL", by="P"), lambda c: c.miss("atg#1", outcome="omit", by="N", at="2027-01-11T09:00"))  # fmt: skip
    found = set()
    for order in permutations(acts):
        course = Course.start("nct07299123", {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M"}, day0="2027-01-15", zone="Asia/Shanghai",
                              times={"hsc": "14:00"}, choose=STRATA[0])  # fmt: skip
        for act in order:
            act(course)
        found.add(render.to_bytes(course.schedule(), "json"))
    assert len(found) == 1


def test_reading_and_writing_again_changes_no_byte() -> None:
    course = start(random.Random(3))
    course.issue(by="P")
    data = course.to_bytes()
    assert Course(ledger.read_bytes(data, "c")).to_bytes() == data


def test_every_outcome_is_told_before_a_person_chooses() -> None:
    course = start(random.Random(1))
    order = planned(course)[0].order
    course.miss(f"{order}#1")
    assert all(one.totals and one.rows() for one in course.outcomes(f"{order}#1.outcome"))


def small() -> Course:
    made = Course.start("nct07299123", PATIENTS[0], day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=STRATA[0])
    made.give("flu#1", "2027-01-10T09:00")
    return made


def test_a_fault_planted_in_a_start_is_found(monkeypatch) -> None:
    right = places._instants
    places._placed.cache_clear()
    monkeypatch.setattr(places, "_instants", lambda *given: [seconds + 3600 for seconds in right(*given)])
    with pytest.raises(Disagreement, match="60 min apart"):
        small().schedule()
    places._placed.cache_clear()


def test_a_fault_planted_in_a_total_is_found(monkeypatch) -> None:
    right = rows._amount
    monkeypatch.setattr(rows, "_amount", lambda value, unit: right(value + 1, unit))
    with pytest.raises(Disagreement, match="total"):
        small().schedule()


def test_a_fault_planted_in_the_choice_of_doses_left_is_found(monkeypatch) -> None:
    course = small()
    monkeypatch.setattr(doses, "without", lambda state, order, number: state.lane(order).rest)  # the given dose stays planned
    with pytest.raises(Disagreement, match="cy#1 stands twice"):
        course.give("cy#1", "2027-01-10T09:00")


def test_a_fifth_dose_is_found(monkeypatch) -> None:
    """Plain re-dating, were it ever taken as an outcome, is stopped by the second count."""
    course = small()
    for number in (2, 3):
        course.give(f"flu#{number}", f"2027-01-1{number - 1}T09:00")
    for number in (1, 2, 3):
        course.give(f"cy#{number}", f"2027-01-1{number - 1}T09:00")
    for number in (1, 2):
        course.give(f"atg#{number}", f"2027-01-1{number}T09:00", "1 mg")
    monkeypatch.setitem(replan.OUTCOMES["move-day0"], "rest-day", moves.re_date)
    with pytest.raises(Disagreement, match="5 doses given and left, 4 ordered"):
        course.move_day0("2027-01-16", at="2027-01-12T12:00", outcome="rest-day", by="AB")
