"""A house lays its conventions over the shipped ones key by key; each value and each fault keeps its file and line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dosing import Course, Patient, RegimenError, plan
from dosing.cli import main
from dosing.regimen.library import Library, library, shipped

ADULT = {"weight": "70 kg", "height": "170 cm", "age": "34 y", "sex": "F", "creatinine": "0.9 mg/dL"}
SEED = {"day0": "2026-12-09", "times": {"hsc": "14:00"}, "choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}}
SHIPPED = (shipped() / "site.yaml").read_text(encoding="utf-8")


def house(folder: Path, text: str) -> Path:
    """A library folder with a site file of these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    return folder


def stated(*folders: Path) -> dict[str, tuple[str, str]]:
    """Each convention in effect, with its value as written and where it stands."""
    return {one.key: (one.value, one.where) for one in Library(folders).conventions}


def faults(*folders: Path) -> list[tuple[str, str]]:
    """Code and place of every fault of the site files."""
    with pytest.raises(RegimenError) as error:
        _ = Library(folders).site
    assert error.value.exit_code == 3
    return [(fault.code, fault.where) for fault in error.value.faults]


def line(text: str) -> int:
    """The line of the shipped file that starts with a text."""
    return next(number for number, one in enumerate(SHIPPED.splitlines(), 1) if one.startswith(text))


def seed(**more: Any) -> dict[str, Any]:
    """The seed plan as plain values."""
    return plan("nct07299123", Patient(**ADULT), **SEED | more).to_dict()


def test_a_file_that_names_only_its_zone_leaves_the_rest_as_shipped(tmp_path: Path) -> None:
    unit = house(tmp_path / "unit", "zone: Asia/Shanghai\n")
    site, plain = Library([unit]).site, Library().site
    assert site.zone == "Asia/Shanghai" and plain.zone is None
    assert site.model_copy(update={"zone": None}) == plain
    assert seed(library=[str(unit)]) == seed(zone="Asia/Shanghai")


def test_each_value_keeps_the_file_and_line_that_states_it(tmp_path: Path) -> None:
    unit = house(tmp_path / "unit", "# ours\nzone: Europe/Berlin\ncourse:\n  late: 45 min\nask-above: {creatinine: 8}\nbags: [50 mL, 100 mL]\n")
    found = stated(unit)
    assert found["zone"] == ("Europe/Berlin", "unit/site.yaml:2") and found["course.late"] == ("45 min", "unit/site.yaml:4")
    assert found["ask-above.creatinine"] == ("8", "unit/site.yaml:5") and found["bags"] == ("50 mL, 100 mL", "unit/site.yaml:6")
    assert found["ask-above.age"] == ("85", f"regimens/site.yaml:{line('ask-above')}")
    assert found["course.far"] == ("168 h", f"regimens/site.yaml:{line('  far')}") and found["at"] == ("09:00", f"regimens/site.yaml:{line('at')}")
    assert found["country"] == found["course.second-for"] == ("", "")


def test_a_mapping_merges_and_a_list_replaces(tmp_path: Path) -> None:
    unit = house(tmp_path / "unit", "course: {weight: [3 %, 6 %], second-for: [give]}\nweekend: [Friday, Saturday]\nadult-weight: [40, 150]\nask-above: {creatinine: 8}\n")
    site, plain = Library([unit]).site, Library().site
    assert site.weekend == ("Friday", "Saturday") and list(map(int, site.adult_weight)) == [40, 150]
    assert list(map(int, site.course.weight)) == [3, 6] and site.course.second_for == ("give",) and site.course.late == plain.course.late == 30
    assert {key: int(limit) for key, limit in site.ask_above.items()} == {"age": 85, "creatinine": 8}


def test_of_several_folders_the_later_wins_where_it_speaks(tmp_path: Path) -> None:
    hospital = house(tmp_path / "hospital", "zone: Europe/Berlin\nweight-age: 96 h\ncourse: {late: 45 min, level: 20 %}\n")
    ward = house(tmp_path / "ward", "course:\n  late: 1 h\nweight-age: 72 h\n")
    found, turned = stated(hospital, ward), stated(ward, hospital)
    assert found["zone"] == ("Europe/Berlin", "hospital/site.yaml:1") and found["course.level"] == ("20 %", "hospital/site.yaml:3")
    assert found["course.late"] == ("1 h", "ward/site.yaml:2") and found["weight-age"] == ("72 h", "ward/site.yaml:3")
    assert turned["course.late"] == ("45 min", "hospital/site.yaml:3") and turned["weight-age"] == ("96 h", "hospital/site.yaml:2")


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    first, second = house(tmp_path / "a" / "unit", "zone: Europe/Berlin\n"), house(tmp_path / "b" / "unit", "at: 08:00\n")
    found = stated(first, second)
    assert found["zone"][1] == f"{first}/site.yaml:1" and found["at"][1] == f"{second}/site.yaml:1"


def test_a_chart_is_replaced_whole_and_never_mixed(tmp_path: Path) -> None:
    rows = "    0: 1 1 7 7, 40 40 60 60\n    18: 30 40 120 150, 140 150 200 205\n"
    unit = house(tmp_path / "unit", f"children:\n  boys:\n{rows}  girls:\n{rows}  source: our own chart\n")
    children = Library([unit]).site.children
    assert children and len(children.boys) == len(children.girls) == 2 and children.source == "our own chart"
    part = house(tmp_path / "part", f"children:\n  boys:\n{rows}")
    assert faults(part) == [("R05", "part/site.yaml:1: children.girls"), ("R05", "part/site.yaml:1: children.source")]


def test_what_is_restated_changes_nothing(tmp_path: Path) -> None:
    copy, part = house(tmp_path / "copy", SHIPPED), house(tmp_path / "part", "at: 09:00\nask-above: {age: 85}\ncourse: {late: 30 min}\n")
    for unit in (copy, part):
        assert Library([unit]).site == Library().site
        assert seed(library=[str(unit)], zone="Asia/Shanghai") == seed(zone="Asia/Shanghai")
    assert stated(copy)["at"] == ("09:00", f"copy/site.yaml:{line('at')}")


def test_a_source_does_not_speak_for_what_it_did_not_state(tmp_path: Path) -> None:
    plain = Library().site
    silent = Library([house(tmp_path / "silent", "zone: Europe/Berlin\nweight-age: 72 h\ncourse: {late: 45 min}\n")]).site
    assert silent.source == f"{plain.source}; in part as silent/site.yaml states"
    assert silent.course.source == f"{plain.course.source}; in part as silent/site.yaml states"
    own = Library([house(tmp_path / "own", "weight-age: 72 h\nsource: our procedure 12\n")]).site
    assert own.source == "our procedure 12" and own.course == plain.course


def test_every_fault_of_every_file_is_told_at_its_line(tmp_path: Path) -> None:
    first = house(tmp_path / "first", "zone: CST\nweight-aeg: 72 h\ncourse:\n  late: soon\n")
    second = house(tmp_path / "second", "at: 08:00\nat: 08:30\n\nbmi-ask: [30]\ncourse:\n  lat: 1 h\n")
    found = faults(first, second)
    assert {where for _, where in found} == {
        "first/site.yaml:1: zone", "first/site.yaml:2: weight-aeg", "first/site.yaml:4: course.late",
        "second/site.yaml:2", "second/site.yaml:4: bmi-ask", "second/site.yaml:6: course.lat",
    }  # fmt: skip
    assert ("R02", "second/site.yaml:2") in found and ("R03", "first/site.yaml:2: weight-aeg") in found and len(found) == 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ("R05", "unit/site.yaml:1")),
        ("# nothing yet\n", ("R05", "unit/site.yaml:1")),
        ("- zone\n", ("R05", "unit/site.yaml:1")),
        ("at: 09:00\nzone\n", ("R01", "unit/site.yaml:3")),
        ("course: 30 min\n", ("R01", "unit/site.yaml:1: course")),
        ("course:\n", ("R05", "unit/site.yaml:1: course")),
        ("adult-weight: {low: 35}\n", ("R01", "unit/site.yaml:1: adult-weight")),
        ("\nadult-weight: [35]\n", ("R05", "unit/site.yaml:2: adult-weight.1")),
        ("graduations:\n  - {step: 0.1 mL}\n  - {upto: 3 mL}\n", ("R05", "unit/site.yaml:3: graduations.1.step")),
    ],
)
def test_a_broken_overlay_is_told_and_nothing_shipped_stands_in(tmp_path: Path, text: str, told: tuple[str, str]) -> None:
    assert faults(house(tmp_path / "unit", text)) == [told]


def test_the_command_line_ends_in_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unit = house(tmp_path / "unit", "zone: CST\nzoen: Europe/Berlin\n")
    assert main(["plan", "nct07299123", "--weight", "70 kg", "--height", "170 cm", "--library", str(unit), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)["errors"]
    assert {one["where"] for one in told} == {"unit/site.yaml:1: zone", "unit/site.yaml:2: zoen"} and "zone" in told[1]["do"]


def test_a_change_is_seen_by_the_same_library(tmp_path: Path) -> None:
    unit = house(tmp_path / "unit", "at: 08:00\n")
    shelf = library((str(unit),))
    before = shelf.site
    assert shelf.site is before and before.at == 480
    house(unit, "at: 07:00\n")
    os.utime(unit / "site.yaml", ns=(1, 1))
    assert shelf.site.at == 420 and shelf.site.bsa == before.bsa


@pytest.mark.parametrize(("text", "told"), [("bsa-step: 0.001\n", True), ("at: 08:00\n", True), ("zone: Asia/Shanghai\n", False), ("at: 09:00\n", False)])
def test_a_release_holds_the_conventions_in_effect(tmp_path: Path, text: str, told: bool) -> None:
    """A changed overlay is a changed house, whichever folder states it; what makes no figures, or is restated, is none."""
    regimen = library().regimen("nct07299123")
    signed, ward = Library([house(tmp_path / "unit", "weight-age: 72 h\n")]).facts(regimen), house(tmp_path / "ward", text)
    assert (Library([tmp_path / "unit", ward]).facts(regimen) != signed) is told
    assert Library().facts(regimen) == signed  # the age of a weight makes no dose


def test_a_course_takes_the_conventions_of_its_house(tmp_path: Path) -> None:
    """A course names the regimen and drug files that changed since its start; of the house it takes what is in effect."""
    unit = house(tmp_path / "unit", "zone: Asia/Shanghai\ncourse: {late: 45 min}\n")
    course = Course.start("nct07299123", ADULT, **SEED, library=[str(unit)])
    course.save(tmp_path / "course.json")
    assert course.state.site.late == 45 and course.state.zone == "Asia/Shanghai"
    house(unit, "zone: Europe/Berlin\ncourse: {late: 2 h}\n")
    os.utime(unit / "site.yaml", ns=(1, 1))
    again = Course.load(tmp_path / "course.json", library=[str(unit)])
    assert again.state.site.late == 120 and again.state.zone == "Asia/Shanghai" and not again.state.other_files
