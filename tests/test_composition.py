"""Protocol and blocks on one axis: several events, doses that hang on others, gaps, and drugs that two files give."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from dosing import forms, planning
from dosing.engine import timeline
from dosing.engine.compose import compose
from dosing.errors import Disagreement, DosingError, InputError, RegimenError, UsageError
from dosing.patient import Patient
from dosing.planning import plan
from dosing.regimen.library import library

LIBRARY = library()
ADULT = Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M", crcl="100 mL/min")
HEAD = """\
id: NAME
version: 1
status: draft
title: A file of the tests
trial: no
kind: KIND
day0: the day of the first graft
sources: {page: {id: P1, title: a page, read: 2026-11-22}}
"""
GRAFTS = """\
events:
  apheresis: {what: apheresis starts, days: ask}
orders:
  - {id: bu, drug: busulfan, dose: 0.8 mg/kg every 6 h x 16 doses, days: -7..-4, first: ask, over: 2 h, weight: actual, cite: {page: "0.8 mg/kg, 16 doses"}}
  - {id: cy, drug: cyclophosphamide, dose: 60 mg/kg/day, days: -3, at: 6 h after end of last bu, over: 1 h, weight: actual, cite: {page: "60 mg/kg"}}
  - {id: cy2, drug: cyclophosphamide, dose: 60 mg/kg/day, days: -2, at: 24 h after cy, not-before: 24 h after end of last busulfan, weight: actual, cite: {page: "60 mg/kg"}}
  - {id: bm, drug: haematopoietic-stem-cells, dose: not given, days: 0, event: marrow, weight: actual, cite: {page: "marrow"}}
  - {id: pb, drug: haematopoietic-stem-cells, dose: not given, days: +1, event: blood, weight: actual, cite: {page: "blood"}}
  - {id: msc, drug: umbilical-cord-msc, dose: 1e6 cells/kg, days: +1, at: 4 h before blood, not-before: 24 h after marrow, weight: actual, cite: {page: "1e6 cells/kg"}}
  - {id: mtx, drug: methotrexate, dose: 10 mg/m2/day, days: "+1, +3, +6", weight: actual, cite: {page: "10 mg/m2"}}
  - {id: fol, drug: folinic-acid, dose: 15 mg every 6 h x 4 doses, days: "+7, +8", first: 24 h after last mtx, weight: actual, cite: {page: "15 mg"}}
  - {id: plx, drug: plerixafor, dose: 0.24 mg/kg/day, days: "+10, +11", at: 11 h before each apheresis, max: 40 mg, apart: 20 h, weight: actual, cite: {page: "0.24 mg/kg 40 mg"}}
"""
HOURS = {"bu": "00:00", "marrow": "14:00", "blood": "10:00", "apheresis": "08:00"}
DATED = {"day0": "2027-01-15", "zone": "Asia/Shanghai"}


def file(body: str, name: str = "two", kind: str = "protocol"):  # noqa: ANN201
    """A regimen of the tests, every rule checked."""
    text = HEAD.replace("NAME", name).replace("KIND", kind) + (body if "orders:" in body else f"orders:\n{body}")
    return LIBRARY.parse(text.encode(), f"{name}.yaml")


def order(name: str, drug: str = "fludarabine", dose: str = "30 mg/m2/day", days: str = "-5..-2", more: str = "") -> str:
    """One order whose phrase prints its dose."""
    return f'  - {{id: {name}, drug: {drug}, dose: {dose}, days: "{days}", weight: actual, cite: {{page: "{dose}"}}{more}}}\n'


def starts(schedule, name: str) -> list[str]:  # noqa: ANN001
    return [row.to_dict()["start"][:16] for row in schedule if row.order == name]


def codes(call) -> list[tuple[str, str]]:  # noqa: ANN001
    """Code and text of every fault of a refused call."""
    with pytest.raises(DosingError) as caught:
        call()
    return [(fault.code, str(fault)) for fault in caught.value.faults]


# ---- several events, and doses that hang on others


def grafts(**more):  # noqa: ANN003, ANN201
    return plan(file(GRAFTS), ADULT, choose={"apheresis.days": "+11, +12"}, **{**DATED, "times": HOURS, **more})


def test_every_dose_stands_where_the_text_puts_it_by_hand() -> None:
    made = grafts()
    assert starts(made, "bu")[-1] == "2027-01-11T18:00"  # 90 h after 8 January 00:00
    assert starts(made, "cy") == ["2027-01-12T02:00"]  # 18:00 + 2 h infusion + 6 h
    assert starts(made, "cy2") == ["2027-01-13T02:00"]
    assert starts(made, "bm") == ["2027-01-15T14:00"] and starts(made, "pb") == ["2027-01-16T10:00"]
    assert starts(made, "msc") == ["2027-01-16T06:00"]
    assert starts(made, "fol") == ["2027-01-22T09:00", "2027-01-22T15:00", "2027-01-22T21:00", "2027-01-23T03:00"]  # mtx 21 January 09:00
    assert starts(made, "plx") == ["2027-01-25T21:00", "2027-01-26T21:00"]
    assert made.second_calculation == {"agrees": True, "doses": 28}


def test_elapsed_hours_hold_over_a_clock_change() -> None:
    """Berlin, 28 March 2027, 02:00 to 03:00: 6 h after 23:00 is 06:00 there."""
    body = order("mel", "melphalan", "140 mg/m2/dose", "-1", ", at: 21:00, over: 2 h") + order("mesna", "mesna", "15 mg/kg every 6 h x 2 doses", "0", ", first: 6 h after end of mel")
    made = plan(file(body), ADULT, day0="2027-03-28", zone="Europe/Berlin")
    zone = ZoneInfo("Europe/Berlin")
    assert [datetime.fromisoformat(row.to_dict()["start"]) for row in made if row.order == "mesna"] == [datetime(2027, 3, 28, 6, tzinfo=zone), datetime(2027, 3, 28, 12, tzinfo=zone)]


def test_each_event_asks_for_its_hour_at_once() -> None:
    found = codes(lambda: grafts(times={}))
    assert [text.split(":")[0] for _, text in found] == ["time bu", "time marrow", "time blood", "time apheresis"] and {code for code, _ in found} == {"T03"}


def test_an_hour_of_nothing_is_refused_with_the_nearest_name() -> None:
    assert codes(lambda: grafts(times={**HOURS, "marow": "10:00"})) == [("T03", 'time marow: nothing hangs on the hour "marow" – did you mean "marrow"?')]


def test_without_a_day_0_days_and_words_are_told() -> None:
    made = plan(file(GRAFTS), ADULT, choose={"apheresis.days": "+11, +12"}, times={"bu": "12:00"})
    told = {row.order: (row.day, row.offset) for row in made}
    assert told["cy"] == (-3, "6 h after end of last bu") and told["msc"] == (1, "4 h before blood") and told["fol"] == (8, "03:00")


def test_an_hour_given_for_an_order_by_the_clock_is_used() -> None:
    made = plan(file(order("flu")), ADULT, times={"flu": "11:30"}, **DATED)
    assert {start[11:] for start in starts(made, "flu")} == {"11:30"} and made.second_calculation["agrees"]


def test_a_printed_hour_of_an_event_is_used_and_may_be_overridden() -> None:
    body = "events:\n  theatre: {what: the operation ends, days: 0, at: 10:00, cite: {page: at 10}}\norders:\n" + order("msc", "umbilical-cord-msc", "1e6 cells/kg", "0", ", at: 2 h after theatre")
    assert starts(plan(file(body), ADULT, **DATED), "msc") == ["2027-01-15T12:00"]
    assert starts(plan(file(body), ADULT, times={"theatre": "11:00"}, **DATED), "msc") == ["2027-01-15T13:00"]


@pytest.mark.parametrize(("name", "wrong"), [
    ("_chosen", lambda found, which: tuple(found[:1])),
    ("counts", lambda rhythm: [3]),
    ("_moments", lambda rhythm, when: (0,) * len(rhythm.days)),
])  # fmt: skip
def test_a_fault_planted_in_the_timeline_is_seen_by_the_second_calculation(name: str, wrong, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN001
    def forget() -> None:
        for cached in (timeline.place, timeline.starts, planning._placed):
            cached.cache_clear()

    forget()
    monkeypatch.setattr(timeline, name, wrong)
    try:
        with pytest.raises(Disagreement):
            grafts()
    finally:
        forget()


# ---- files that leave two readings

WRONG = {
    "an unknown anchor": (order("cy", more=", at: 24 h after last buu"), "R05"),
    "an event on two days": (order("hsc", "haematopoietic-stem-cells", "not given", "0, +1", ", event: hsc"), "Y06"),
    "one event twice": (order("a", "haematopoietic-stem-cells", "not given", "0", ", event: hsc") + order("b", "haematopoietic-stem-cells", "not given", "+1", ", event: hsc"), "R02"),
    "an end without a duration": (order("flu", days="-5") + order("cy", "cyclophosphamide", "60 mg/kg/day", "-4", ", at: 6 h after end of flu"), "T03"),
    "at with an interval": (order("bu", "busulfan", "0.8 mg/kg every 6 h", "-7..-4", ", at: 09:00"), "R11"),
    "first without an interval": (order("flu", more=", first: 09:00"), "R11"),
    "an uncited event": ("events:\n  apheresis: {what: apheresis starts, days: +4}\norders:\n" + order("flu"), "R08"),
    "an event that is an order": ("events:\n  flu: {what: it starts, days: 0}\norders:\n" + order("flu"), "R02"),
    "a gap to several moments": (order("flu") + order("cy", "cyclophosphamide", "60 mg/kg/day", "-1", ", not-before: 24 h after each flu"), "Y06"),
    "duplicates in a protocol": ("duplicates: {fludarabine: sum}\norders:\n" + order("flu"), "R11"),
    "more doses than the days hold": (order("fol", "folinic-acid", "15 mg every 6 h x 9 doses", "+2"), "Y08"),
    "a successor of itself": ("supersedes: two@1\norders:\n" + order("flu"), "R07"),
    "a successor of another": ("supersedes: three@1\norders:\n" + order("flu"), "R07"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_file_with_two_readings_is_refused(name: str) -> None:
    body, code = WRONG[name]
    with pytest.raises(RegimenError) as caught:
        file(body)
    assert code in {fault.code for fault in caught.value.faults} and all("two.yaml:" in fault.where and fault.do for fault in caught.value.faults)


@pytest.mark.parametrize(("more", "said"), [(", at: 24 h after bu", "write first, last or each"), (", at: 24 h after each bu", "16 moments")])
def test_several_doses_need_a_word(more: str, said: str) -> None:
    body = order("bu", "busulfan", "0.8 mg/kg every 6 h", "-7..-4", ", first: 00:00") + order("cy", "cyclophosphamide", "60 mg/kg/day", "-2", more)
    ((code, text),) = codes(lambda: plan(file(body), ADULT, **DATED))
    assert code == "Y06" and said in text


def test_a_circle_is_refused() -> None:
    body = order("flu", days="-5", more=", at: 24 h after cy") + order("cy", "cyclophosphamide", "60 mg/kg/day", "-4", ", at: 24 h after flu")
    assert {code for code, _ in codes(lambda: plan(file(body), ADULT, **DATED))} == {"T03"}


# ---- gaps


@pytest.mark.parametrize(("first", "hours", "level"), [("00:00", "30", "pass"), ("12:00", "18", "query")])
def test_a_gap_is_measured_from_the_end_and_shown(first: str, hours: str, level: str) -> None:
    """The 16th dose starts 90 h after the first and runs 2 h; the cyclophosphamide stands on -2 at 02:00 or 08:00."""
    body = GRAFTS.replace("at: 24 h after cy,", "at: 02:00,")
    found = {one.id: one for one in plan(file(body), ADULT, choose={"apheresis.days": "+11, +12"}, times={**HOURS, "bu": first}, **DATED).findings}
    assert found["cy2.not-before"].level == level and f"it starts {hours} h after end of last busulfan" in found["cy2.not-before"].message


def test_days_apart_count_on_the_calendar_over_a_clock_change() -> None:
    """Three days that hold the hour of the change are 71 h and three days all the same; 72 h are counted as 3 days."""
    body = order("msc", "umbilical-cord-msc", "1e6 cells/kg", "0, +3", ", apart: 3 days")
    made = plan(file(body), ADULT, day0="2027-03-26", zone="Europe/Berlin")
    assert [one.level for one in made.findings if one.id == "msc.apart"] == ["pass"]
    close = plan(file(body.replace("0, +3", "0, +2")), ADULT, day0="2027-03-26", zone="Europe/Berlin")
    assert [(one.level, one.code) for one in close.findings if one.id == "msc.apart"] == [("query", "timing.gap-missed")]


def test_a_gap_to_what_is_not_known_is_asked_about() -> None:
    body = order("flu") + order("cy", "cyclophosphamide", "60 mg/kg/day", "-1", ", not-before: 24 h after end of last flu")
    assert [one.code for one in plan(file(body), ADULT, **DATED).open if one.id == "cy.not-before"] == ["timing.gap-open"]


# ---- rhythm


@pytest.mark.parametrize(("chosen", "doses"), [("600000 units/kg every 8 h", 6), ("600000 units/kg every 12 h", 6)])
def test_an_interval_printed_as_a_range_is_chosen(chosen: str, doses: int) -> None:
    body = order("il2", "aldesleukin", "600000 units/kg every 8..12 h x 6 doses", "ask", ", first: 12:00")
    days = {"8": "+1..+3", "12": "+1..+3"}[chosen.split()[-2]]
    made = plan(file(body), ADULT, choose={"il2.dose": chosen, "il2.days": days}, **DATED)
    assert len([row for row in made if row.order == "il2"]) == doses and made.second_calculation["agrees"]


def test_an_interval_outside_the_printed_range_is_refused() -> None:
    body = order("il2", "aldesleukin", "600000 units/kg every 8..12 h", "+1, +2", ", first: 12:00")
    assert [code for code, _ in codes(lambda: plan(file(body), ADULT, **DATED))] == ["D14"]
    assert [code for code, _ in codes(lambda: plan(file(body), ADULT, choose={"il2.dose": "600000 units/kg every 6 h"}, **DATED))] == ["D14"]


def test_a_taper_is_one_order_for_each_step() -> None:
    steps = order("pred-1", "prednisone", "1 mg/kg/day", "+1..+10") + order("pred-2", "prednisone", "0.5 mg/kg/day", "+11..+17")
    made = plan(file(steps), ADULT, **DATED)
    assert [(row.day, str(row.calculated)) for row in made if row.day in (10, 11)] == [(10, "62.5 mg"), (11, "31.25 mg")]
    with pytest.raises(RegimenError):
        file(steps.replace("+11..+17", "+10..+17"))  # a day in two steps


# ---- a drug in two files

HOST = order("cy", "cyclophosphamide", "14.5 mg/kg/day", "-6, -5") + order("mtx", "methotrexate", "10 mg/m2/day", "+1")
AFTER = order("ptcy", "cyclophosphamide", "50 mg/kg/day", "+3, +4")


def both(choose: dict[str, str] | None = None, block: str = AFTER, host: str = HOST):  # noqa: ANN201
    return plan(file(host), ADULT, choose=choose, blocks=[file(block, "after", "block")], **DATED)


def test_a_drug_in_both_files_is_decided_by_somebody() -> None:
    ((code, text),) = codes(both)
    assert code == "Y08" and all(word in text for word in ("two and in after", "duplicate.cyclophosphamide=sum|replace|keep", "both are given"))


@pytest.mark.parametrize(("told", "orders"), [("sum", {"cy", "ptcy", "mtx"}), ("replace", {"ptcy", "mtx"}), ("keep", {"cy", "mtx"})])
def test_each_decision_is_done_and_told(told: str, orders: set[str]) -> None:
    made = both({"duplicate.cyclophosphamide": told})
    assert {row.order for row in made} == orders and made.choices["duplicate.cyclophosphamide"] == told
    assert {"sum": "compose.sum"}.get(told, "compose.replaced") in {one.code for one in made.findings}


def test_a_block_may_say_itself_and_a_person_may_say_otherwise() -> None:
    block = "duplicates: {cyclophosphamide: sum}\norders:\n" + AFTER
    assert {row.order for row in both(block=block)} == {"cy", "ptcy", "mtx"}
    assert {row.order for row in both({"duplicate.cyclophosphamide": "keep"}, block)} == {"cy", "mtx"}


def test_an_unknown_decision_or_drug_is_refused() -> None:
    assert "no option" in codes(lambda: both({"duplicate.cyclophosphamide": "add"}))[0][1]
    assert "no two files give" in codes(lambda: both({"duplicate.cyclophosphamide": "sum", "duplicate.methotrexate": "sum"}))[0][1]


def test_an_unnamed_globulin_is_the_drug_it_may_turn_out_to_be() -> None:
    host = order("atg", "antithymocyte-globulin-rabbit", "2.5 mg/kg/day", "-4..-2")
    block = order("atg2", "antithymocyte-globulin", "2.5 mg/kg/day", "+8")
    assert "duplicate.antithymocyte-globulin=" in codes(lambda: both(block=block, host=host))[0][1]


def test_a_drug_in_two_files_under_another_choice_is_no_duplicate() -> None:
    choice = "choices:\n  arm: {ask: Which arm?, options: {a: with, b: without}}\norders:\n" + order("cy", "cyclophosphamide", "14.5 mg/kg/day", "-6, -5", ", when: arm == a") + order("flu")
    assert {row.order for row in both({"arm": "b"}, host=choice)} == {"flu", "ptcy"}
    assert "Y08" in {code for code, _ in codes(lambda: both({"arm": "a"}, host=choice))}


def test_one_id_in_two_files_is_refused_unless_one_of_them_goes() -> None:
    block = order("mtx", "methotrexate", "15 mg/m2/day", "+1")
    with pytest.raises(UsageError) as caught:
        both({"duplicate.methotrexate": "sum"}, block)
    assert caught.value.code == "Y08" and 'order "mtx" stands in two and in after' in str(caught.value)
    assert [str(row.calculated) for row in both({"duplicate.methotrexate": "replace"}, block) if row.order == "mtx"] == ["25.65 mg"]


def test_contradictions_are_told_at_once() -> None:
    host = "bsa: mosteller\nchoices:\n  donor: {ask: Who gives?, options: {sibling: s, other: o}}\norders:\n" + order("hsc", "haematopoietic-stem-cells", "not given", "0", ", event: hsc")
    block = "bsa: dubois\nchoices:\n  donor: {ask: Which donor?, options: {yes: y, no: n}}\nevents:\n  hsc: {what: the graft, days: +1, cite: {page: day 1}}\norders:\n" + order("flu")
    with pytest.raises(UsageError) as caught:
        compose(file(host), [file(block, "after", "block")])
    assert [fault.code for fault in caught.value.faults] == ["Y08"] * 3 and all("--with after" in fault.where for fault in caught.value.faults)


def test_a_block_hangs_on_the_event_of_its_protocol() -> None:
    block = file("events:\n  hsc: {what: the graft, days: 0}\norders:\n" + order("msc", "umbilical-cord-msc", "1e6 cells/kg", "0", ", at: 4 h before hsc"), "cells", "block")
    with_event, without = file(order("hsc", "haematopoietic-stem-cells", "not given", "0", ", event: hsc")), file(order("flu"))
    for host in (with_event, without):
        assert starts(plan(host, ADULT, blocks=[block], times={"hsc": "14:00"}, **DATED), "msc") == ["2027-01-15T10:00"]
        with pytest.raises(InputError, match="hour of .hsc. is not given"):
            plan(host, ADULT, blocks=[block], **DATED)


def test_a_key_that_stands_for_two_sources_is_told_apart() -> None:
    block = file(AFTER.replace("ptcy", "bu").replace("cyclophosphamide", "busulfan").replace("50 mg/kg", "1 mg/kg"), "after", "block")
    other = block.model_copy(update={"sources": {"page": block.sources["page"].model_copy(update={"id": "P2"})}})
    parts = compose(file(order("flu")), [other])
    assert {key: source.id for key, source in parts.sources.items()} == {"page": "P1", "after.page": "P2"}
    assert [list(one.cite) for each in parts.files for one in each.orders] == [["page"], ["after.page"]]


def test_every_block_goes_with_every_protocol_or_says_why_not() -> None:
    """What is refused is refused as a contradiction; nothing else goes wrong, and no drug is doubled silently."""
    files = [LIBRARY.regimen(name) for name in LIBRARY.regimens]
    tried = 0
    for host, block in product([one for one in files if one.kind == "protocol"], [one for one in files if one.kind == "block"]):
        shared = {one.drug for one in host.orders} & {one.drug for one in block.orders}
        try:
            compose(host, [block])
        except UsageError as error:
            assert {fault.code for fault in error.faults} == {"Y08"}
        tried += bool(shared)
    assert tried > 50


def test_written_offsets_read_back() -> None:
    for text in ("6 h after end of last bu", "24 h after each mtx", "4 h before hsc", "at hsc", "12 h before first bu-1", "96 h after last flu"):
        assert forms.read_rhythm(text).text == text
    assert forms.read_rhythm("24 h after the start of the last bu").text == "24 h after last bu" and forms.read_offset("4 days after flu").minutes == 5760
    with pytest.raises(InputError):
        forms.read_offset("09:00")
