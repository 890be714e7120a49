"""Two whole stories, figure by figure: an adult with SAA-I, a child with SAA-II across a clock change."""

from __future__ import annotations

import json
from decimal import Decimal
from math import ceil

import pytest

from dosing import InputError, Patient, Schedule, cli, plan
from dosing.regimen.library import library

ADULT = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M"}
CHILD = {"weight": "28 kg", "height": "132 cm", "age": "9 y", "sex": "F"}
A_CHOICES = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}
B_CHOICES = {"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", "flu_in_saa2": "yes"}


def story_a(hsc: str = "14:00", **more) -> Schedule:
    given = {"choose": A_CHOICES} | more
    return plan("nct07299123", Patient(**ADULT), day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": hsc}, **given)


def story_b(bu: str = "00:00", day0: str = "2027-04-03", **more) -> Schedule:
    times = {"hsc": "14:00", "bu": bu}
    given = {"choose": B_CHOICES} | more
    return plan("nct07299123", Patient(**CHILD), day0=day0, zone="Europe/Berlin", times=times, **given)


def atg(dose: str) -> dict:
    return {"set": {"atg.dose": dose, "atg.product": "thymoglobulin"}, "by": "AB", "reason": "confirmed", "second_name": "CD"}


def rows(schedule: Schedule, order: str) -> list[dict]:
    return [row for row in schedule.to_dict()["administrations"] if row["order"] == order]


def starts(schedule: Schedule, order: str) -> list[str]:
    return [row["start"] for row in rows(schedule, order)]


def dates(schedule: Schedule, order: str) -> list[str]:
    return [row["date"] for row in rows(schedule, order)]


def amounts(schedule: Schedule, order: str) -> set[str]:
    return {f"{row['amount']['value']} {row['amount']['unit']}" if row["amount"] else "held" for row in rows(schedule, order)}


def calculated(schedule: Schedule, order: str) -> set[str]:
    return {f"{row['calculated']['value']} {row['calculated']['unit']}" for row in rows(schedule, order)}


def total(schedule: Schedule, order: str) -> dict:
    return next(row for row in schedule.to_dict()["totals"] if row["order"] == order)


def findings(schedule: Schedule, order: str) -> dict[str, str]:
    return {found.id: found.level for found in schedule.findings if found.order == order}


def message(schedule: Schedule, key: str) -> str:
    return next(found.message for found in schedule.findings if found.id == key)


def command(facts: dict[str, str], *more: str) -> list[str]:
    patient = [word for key, text in facts.items() for word in (f"--{key}", text)]
    return ["plan", "nct07299123", *patient, *more, "--json"]


# A. SAA-I adult


def test_a1_no_choices_names_both() -> None:
    with pytest.raises(InputError) as refusal:
        story_a(choose={})
    told = str(refusal.value)
    assert "stratum" in told and "cy.dose" in told and "500..800" in told and refusal.value.exit_code == 4


def test_a1_on_the_command_line(capsys) -> None:
    code = cli.main(command(ADULT, "--day0", "2027-01-15", "--zone", "Asia/Shanghai", "--time", "hsc=14:00"))
    out, err = capsys.readouterr()
    wrong = json.loads(out)["errors"]
    assert code == 4 and {fault["where"] for fault in wrong} >= {"choice stratum", "choice cy.dose"}
    assert "500..800" in out and "stratum" in err and "cy.dose" in err


def test_a2_body_surface() -> None:
    surface = story_a().to_dict()["metrics"]["bsa"]
    assert (surface["value"], surface["formula"]) == ("1.71", "mosteller") and surface["unrounded"].startswith("1.7078")


def test_a2_fludarabine() -> None:
    made = story_a()
    assert calculated(made, "flu") == {"51.3 mg"} and amounts(made, "flu") == {"51 mg"}
    assert dates(made, "flu") == ["2027-01-10", "2027-01-11", "2027-01-12", "2027-01-13"]
    assert rows(made, "flu")[0]["why"] == "30 mg/m2/day × 1.71 m² = 51.3 mg → 51 mg (nearest 1 mg, −0.6 %)"
    assert total(made, "flu")["amount"] == {"value": "204", "unit": "mg"} and str(made.total("fludarabine")) == "204 mg"


def test_a2_cyclophosphamide() -> None:
    made = story_a()
    assert calculated(made, "cy") == {"1026 mg"} and amounts(made, "cy") == {"1030 mg"}
    assert dates(made, "cy") == ["2027-01-10", "2027-01-11", "2027-01-12", "2027-01-13"]
    assert "+0.4 %" in rows(made, "cy")[0]["why"] and total(made, "cy")["amount"] == {"value": "4120", "unit": "mg"}


def test_a2_atg_is_calculated_and_held() -> None:
    made = story_a()
    assert calculated(made, "atg") == {"312.5 mcg"} and amounts(made, "atg") == {"held"}
    assert dates(made, "atg") == ["2027-01-11", "2027-01-12", "2027-01-13", "2027-01-14"]
    assert total(made, "atg")["calculated"] == {"value": "1250", "unit": "mcg"} and total(made, "atg")["amount"] is None
    assert made.total("atg") is None and all(row["held"] for row in rows(made, "atg"))


def test_a2_cells_and_what_is_not_scheduled() -> None:
    made = story_a()
    assert amounts(made, "msc") == {"31250000 cells"} and starts(made, "msc") == ["2027-01-15T10:00:00+08:00"]
    assert {row["drug"] for row in made.not_scheduled} == {"mycophenolate-mofetil", "ciclosporin", "methotrexate"}
    assert findings(made, "flu")["flu.creatinine"] == "query" and not made.releasable


def test_a2_exit_code(capsys) -> None:
    choices = [word for key, text in A_CHOICES.items() for word in ("--choose", f"{key}={text}")]
    code = cli.main(command(ADULT, "--day0", "2027-01-15", "--zone", "Asia/Shanghai", "--time", "hsc=14:00", *choices))
    made = json.loads(capsys.readouterr().out)
    assert code == 5 and made == story_a().to_dict()


def test_a3_the_day_passes_and_the_course_is_asked_about() -> None:
    made = story_a(**atg("5 mg/kg/day"))
    assert calculated(made, "atg") == {"312.5 mg"} and amounts(made, "atg") == {"313 mg"}
    assert [found.code for found in made.findings if found.order == "atg" and found.level in ("query", "block")] == ["limit.soft"]
    told = message(made, "atg.dose")
    assert findings(made, "atg")["atg.dose"] == "query" and "20 mg/kg/course" in told and "15 mg/kg/course" in told


def test_a4_a_lower_dose_is_released() -> None:
    made = story_a(**atg("2.5 mg/kg/day"))
    assert calculated(made, "atg") == {"156.25 mg"} and amounts(made, "atg") == {"156 mg"}
    assert "−0.2 %" in rows(made, "atg")[0]["why"] and total(made, "atg")["amount"] == {"value": "624", "unit": "mg"}
    assert round(Decimal(624) / Decimal("62.5"), 2) == Decimal("9.98")
    assert not any(level in ("query", "block") for level in findings(made, "atg").values())


def test_a4_volume_and_vials_of_the_product() -> None:
    product = library().drugs["antithymocyte-globulin-rabbit"].products["thymoglobulin"]
    assert 156 / product.strength.value == Decimal("31.2") and ceil(156 / product.vial.value) == 7


def test_a4_the_change_prints_with_name_reason_and_second_name() -> None:
    made = story_a(**atg("2.5 mg/kg/day"))
    dose = next(change for change in made.changes if change["key"] == "atg.dose")
    assert dose == {"key": "atg.dose", "from": "5 mcg/kg/day", "to": "2.5 mg/kg/day", "by": "AB", "reason": "confirmed", "second": "CD"}
    told = message(made, "atg.dose.set")
    assert all(word in told for word in ("2.5 mg/kg/day", "5 mcg/kg/day", "AB", "confirmed", "CD"))


def test_a5_cells_before_midnight() -> None:
    made = story_a(hsc="02:30", **atg("2.5 mg/kg/day"))
    (cells,) = rows(made, "msc")
    assert (cells["day"], cells["start"]) == (-1, "2027-01-14T22:30:00+08:00")
    assert "Thursday" in message(made, "msc.day") and findings(made, "msc")["msc.day"] == "note"


def test_a5_the_last_atg_ends_before_the_graft() -> None:
    made = story_a(hsc="02:30", **atg("2.5 mg/kg/day"))
    last = rows(made, "atg")[-1]
    assert (last["start"], last["end"]) == ("2027-01-14T09:00:00+08:00", "2027-01-14T13:00:00+08:00")
    assert "ends 13.5 h before" in message(made, "atg.gap") and findings(made, "atg")["atg.gap"] == "note"


# B. SAA-II child across a clock change


def test_b1_names_the_statement_on_fludarabine_and_the_first_hour() -> None:
    with pytest.raises(InputError) as refusal:
        plan("nct07299123", Patient(**CHILD), day0="2027-04-03", zone="Europe/Berlin", times={"hsc": "14:00"},
             choose={"stratum": "SAA-II", "cy.dose": "650 mg/m2/day"})
    told = str(refusal.value)
    assert "flu_in_saa2" in told and "--time bu=" in told and refusal.value.exit_code == 4


def test_b1_on_the_command_line(capsys) -> None:
    code = cli.main(command(CHILD, "--day0", "2027-04-03", "--zone", "Europe/Berlin", "--time", "hsc=14:00",
                            "--choose", "stratum=SAA-II", "--choose", "cy.dose=650 mg/m2/day"))
    wrong = json.loads(capsys.readouterr().out)["errors"]
    assert code == 4 and {fault["where"] for fault in wrong} == {"choice flu_in_saa2", "time bu"}


def test_b2_busulfan() -> None:
    made = story_b()
    assert made.to_dict()["metrics"]["bsa"]["value"] == "1.01" and made.to_dict()["metrics"]["bsa"]["unrounded"].startswith("1.0132")
    assert calculated(made, "bu") == amounts(made, "bu") == {"16.8 mg"} and len(rows(made, "bu")) == 16
    assert total(made, "bu")["amount"] == {"value": "268.8", "unit": "mg"} and Decimal("268.8") / 28 == Decimal("9.6")


def test_b2_volume_of_drug_and_diluent() -> None:
    product = library().drugs["busulfan"].products["concentrate"]
    drug = Decimal("16.8") / product.strength.value
    assert drug == Decimal("2.8") and drug * product.diluent_ratio == 28


def test_b2_the_query_names_the_other_paper() -> None:
    made = story_b()
    told = message(made, "bu.days")
    assert findings(made, "bu")["bu.days"] == "query" and "8 doses" in told and "134.4 mg" in told


def test_b2_weight_bands_are_shown_and_not_used() -> None:
    told = " ".join(found.message for found in story_b().findings if found.order == "bu")
    assert "0.95 mg/kg" in told and "26.6 mg" in told and "0.8 mg/kg" in told and "22.4 mg" in told


def test_b3_six_elapsed_hours_across_the_clock_change() -> None:
    made = story_b()
    hours = [("26", "00 06 12 18", "+01:00"), ("27", "00 06 12 18", "+01:00"), ("28", "00", "+01:00"), ("28", "07 13 19", "+02:00"),
             ("29", "01 07 13 19", "+02:00")]
    expected = [f"2027-03-{day}T{hour}:00:00{offset}" for day, told, offset in hours for hour in told.split()]
    assert starts(made, "bu") == expected
    given = [row for row in made if row.order == "bu"]
    assert given[-1].seconds - given[0].seconds == 90 * 3600 and {row.day for row in given} == {-8, -7, -6, -5}
    assert "bu.window" not in findings(made, "bu")
    told = message(made, "bu.clock")
    assert findings(made, "bu")["bu.clock"] == "note" and "clocks change" in told and "6 h" in told


def test_b4_a_dose_outside_the_stated_days() -> None:
    made = story_b(bu="06:00")
    last = rows(made, "bu")[-1]
    assert (last["number"], last["start"], last["day"]) == (16, "2027-03-30T01:00:00+02:00", -4)
    assert findings(made, "bu")["bu.window"] in ("query", "block") and "day -4" in message(made, "bu.window")


def test_b5_days_doses_and_cells() -> None:
    made = story_b()
    days = ["2027-03-29", "2027-03-30", "2027-03-31", "2027-04-01"]
    assert dates(made, "flu") == dates(made, "cy") == days
    assert calculated(made, "flu") == {"30.3 mg"} and amounts(made, "flu") == {"30 mg"} and total(made, "flu")["amount"]["value"] == "120"
    assert calculated(made, "cy") == {"656.5 mg"} and amounts(made, "cy") == {"660 mg"} and total(made, "cy")["amount"]["value"] == "2640"
    assert dates(made, "atg") == ["2027-03-30", "2027-03-31", "2027-04-01", "2027-04-02"]
    assert calculated(made, "atg") == {"140 mcg"} and amounts(made, "atg") == {"held"}
    assert amounts(made, "msc") == {"14000000 cells"} and starts(made, "msc") == ["2027-04-03T10:00:00+02:00"]


def test_b7_the_autumn_twin() -> None:
    made = story_b(day0="2027-11-06")
    by_day = {day: [row["start"] for row in rows(made, "bu") if row["day"] == day] for day in (-8, -7, -6, -5)}
    assert [len(found) for found in by_day.values()] == [4, 4, 5, 3] and len(rows(made, "bu")) == 16
    assert by_day[-8][0] == "2027-10-29T00:00:00+02:00"
    assert by_day[-6] == [f"2027-10-31T{hour}:00:00{offset}" for hour, offset in
                          (("00", "+02:00"), ("05", "+01:00"), ("11", "+01:00"), ("17", "+01:00"), ("23", "+01:00"))]
