"""`dosing export`: what stays open, what is held, what a format cannot carry, and the tables for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from export_readers import Fhir, events, objects

from dosing import forms
from dosing.cli import main
from dosing.errors import InputError, UsageError
from dosing.exchange.formats import FORMATS, Exported, export
from dosing.regimen.library import library

SHELF = Path(__file__).parents[1].parent / "shared"
LIBRARY = library()
ALL = sorted(LIBRARY.regimens)
SEED = "nct07299123"
EDGE = """
id: edge
version: 1
status: STATUS
title: What hangs on what, made up for a test
trial: no
day0: the day of the graft
ages: 6..60 y
sources:
  page: {id: made up, title: made up for a test, address: https://example.org/edge, read: 2026-11-22}
events:
  apheresis: {what: the collection, days: "-20, -19", cite: {page: collection on days -20 and -19}}
orders:
  - {id: bu, drug: busulfan, dose: 0.8 mg/kg/dose every 6 h x 16 doses, days: -7..-4, first: "02:00", over: 2 h, route: iv, weight: actual, cite: {page: 0.8 mg/kg every 6 h}}
  - {id: clonazepam, drug: clonazepam, dose: 0.5 mg/dose, days: -3, at: 90 min after end of last bu, weight: unspecified, cite: {page: 0.5 mg}}
  - {id: mesna, drug: mesna, dose: 12 mg/kg/dose, days: -3, at: 30 min before first cy, weight: unspecified, cite: {page: 12 mg/kg}}
  - {id: cy, drug: cyclophosphamide, dose: 60 mg/kg/day, days: "-3, -2", not-before: 6 h after end of last busulfan, not-after: 48 h after end of last busulfan, max: 5000 mg, max-day: 5000 mg, weight: unspecified, cite: {page: 60 mg/kg}}
  - {id: paracetamol, drug: paracetamol, dose: 500 mg/dose, days: "-3, -2", at: 1 h before each cy, weight: unspecified, cite: {page: 500 mg}}
  - {id: plerixafor, drug: plerixafor, dose: 0.24 mg/kg/day, days: "-21, -20", at: 11 h before each apheresis, route: sc, weight: actual, product: solution, max: 40 mg, cite: {page: 0.24 mg/kg}}
  - {id: mtx, drug: methotrexate, dose: 10 mg/m2/dose, days: "+3, +6, +11", at: "09:00", until: engraftment, weight: unspecified, cite: {page: 10 mg/m2}}
silent: [hydration]
"""


@pytest.fixture
def edge(tmp_path: Path) -> Path:
    """A protocol with every way to hang on something, in a library of its own."""
    return written(tmp_path, "draft")


def written(folder: Path, status: str) -> Path:
    path = folder / "edge.yaml"
    path.write_text(EDGE.replace("STATUS", status).lstrip(), encoding="utf-8")
    return path


def document(made: Exported) -> Any:
    return json.loads(made.data)


def said(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["export", *args])
    out, err = capsys.readouterr()
    return code, out, err


def table(made: Exported) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.data.decode(), newline="")))


def lost(made: Exported, where: str) -> str:
    return " ".join(one.what for one in made.lost if one.where == where)


# the seed protocol ------------------------------------------------------------------------------------------------


def test_the_doubtful_atg_stands_in_words_with_its_queries_and_never_as_a_number() -> None:
    read = Fhir(document(export(SEED, "fhir")))
    action = read.orders["atg"]
    dosage = read.definition(action)["dosage"][0]
    assert "doseAndRate" not in dosage and dosage["text"].startswith("HOLD atg.product, HOLD atg.dose: 5 mcg/kg/day")
    asked = {one["label"]: one["display"] for one in action["documentation"] if one["type"] == "documentation"}
    assert action["prefix"] == "HOLD" and "no value is suggested" in asked["HOLD atg.dose"] and "does not name the product" in asked["HOLD atg.product"]
    study = document(export(SEED, "usdm"))["study"]["versions"][0]
    given = next(one for one in study["studyInterventions"] if one["name"] == "atg")["administrations"][0]
    assert given["dose"] is None and given["label"] == "5 mcg/kg/day" and any(note["text"].startswith("HOLD atg.dose") for note in given["notes"])
    row = next(one for one in table(export(SEED, "events")) if one["order"] == "atg")
    assert (row["dose"], row["as_written"], row["open"]) == ("", "5 mcg/kg/day", "HOLD atg.product, HOLD atg.dose")
    assert "HOLD atg.dose" in read.plan["text"]["div"] and "HELD, not to be given as printed: atg" in read.plan["description"]


def test_open_choices_are_groups_of_which_one_is_taken_and_none_is_checked() -> None:
    plan = Fhir(document(export(SEED, "fhir"))).plan
    groups = {one["id"]: one for one in plan["action"] if one.get("selectionBehavior") == "exactly-one"}
    checked = {name: [one["title"] for one in group["action"] if one["precheckBehavior"] == "yes"] for name, group in groups.items()}
    assert checked == {"stratum": [], "flu-in-saa2": [], "arm": ["blinded"]}
    assert groups["flu-in-saa2"]["condition"][0]["expression"]["expression"] == "%stratum = 'SAA-II'"
    labels = {one["label"] for one in plan["relatedArtifact"]}
    assert labels >= {"OPEN stratum", "OPEN flu_in_saa2", "NOT SCHEDULED methotrexate", "NOT SCHEDULED ciclosporin", "SILENT"} and "OPEN arm" not in labels


def test_the_arms_of_a_blinded_trial_are_the_protocols_and_told() -> None:
    design = document(export(SEED, "usdm"))["study"]["versions"][0]["studyDesigns"][0]
    assert [one["name"] for one in design["arms"]] == ["2d", "3d"] and design["model"]["decode"] == "Parallel Study"
    assert (design["population"]["plannedAge"]["minValue"]["value"], design["population"]["plannedAge"]["maxValue"]["value"]) == (6, 60)


def test_the_graft_is_an_anchor_and_the_cells_stand_four_hours_before_it() -> None:
    action = Fhir(document(export(SEED, "fhir"))).orders["msc"]
    assert [(one["actionId"], one["relationship"], one["offsetDuration"]["value"], one["offsetDuration"]["code"]) for one in action["relatedAction"]] == [("hsc", "before-start", 4, "h")]
    timings = {one["name"]: one for one in objects(document(export(SEED, "usdm"))) if one["instanceType"] == "Timing"}
    found = timings["msc-1"]
    assert (found["type"]["decode"], found["value"], found["relativeToScheduledInstanceId"]) == ("Before", "PT4H", "ScheduledActivityInstance_hsc-1")
    assert (timings["day-minus-5"]["type"]["decode"], timings["day-minus-5"]["value"]) == ("Before", "P5D")
    assert timings["bu-2"]["value"] == "PT6H" and timings["bu-1"]["value"] == "P8D"


def test_a_range_stays_a_range_until_it_is_chosen() -> None:
    def dose(**choose: str) -> Any:
        read = Fhir(document(export(SEED, "fhir", choose)))
        return read.definition(read.orders["cy"])["dosage"][0]["doseAndRate"][0]

    assert {side: end["value"] for side, end in dose()["doseRange"].items()} == {"low": 500, "high": 800}
    chosen = dose(**{"cy.dose": "600 mg/m2/day"})
    assert (chosen["doseQuantity"]["value"], chosen["doseQuantity"]["code"]) == (600, "mg/m2") and "doseRange" not in chosen


# choices ----------------------------------------------------------------------------------------------------------


def test_a_choice_made_leaves_its_orders_and_the_rest_open() -> None:
    made = export(SEED, "fhir", {"stratum": "SAA-I"})
    read = Fhir(document(made))
    assert "bu" not in read.orders and "condition" not in read.orders["flu"]
    assert {one["id"] for one in made.to_dict()["open"]} >= {"cy.dose", "atg.dose"} and not {"stratum", "flu_in_saa2", "bu.days"} & {one["id"] for one in made.to_dict()["open"]}
    other = export(SEED, "fhir", {"stratum": "SAA-II"})
    assert Fhir(document(other)).orders["flu"]["condition"][0]["expression"]["expression"] == "%flu_in_saa2 = 'yes'"
    assert document(made)["entry"][0]["fullUrl"] != document(other)["entry"][0]["fullUrl"]


def test_a_choice_that_hangs_on_an_open_one_decides_nothing_yet() -> None:
    """Unfavourable cytogenetics matter for one kind of donor only: chosen before the donor, its order keeps its condition."""
    made = export("nct01861106", "fhir", {"cytogenetics": "unfavourable"})
    read = Fhir(document(made))
    assert read.orders["mtx"]["condition"][0]["expression"]["expression"] == "%cytogenetics = 'unfavourable'"
    group = read.actions["cytogenetics"]
    assert [one["title"] for one in group["action"] if one["precheckBehavior"] == "yes"] == ["unfavourable"]


def test_what_is_chosen_in_vain_is_told() -> None:
    found = export(SEED, "csv", {"stratum": "SAA-I", "flu_in_saa2": "yes"}).to_dict()["open"]
    assert any(one["id"] == "flu_in_saa2" and "not asked for" in one["ask"] for one in found)


@pytest.mark.parametrize("choose, code", [({"stratum": "SAA-3"}, "R09"), ({"stratun": "SAA-I"}, "R09"), ({"cy.dose": "900 mg/m2/day"}, "D14"), ({"cy.dose": "60 mg/kg/day"}, "D14"), ({"flu_in_saa2": "perhaps"}, "R09")])
def test_a_choice_that_cannot_be_made_is_refused(choose: dict[str, str], code: str) -> None:
    with pytest.raises(InputError) as refused:
        export(SEED, "fhir", choose)
    assert [fault.code for fault in refused.value.faults] == [code]


def test_a_closed_option_and_a_withdrawn_file_hold_every_dose(tmp_path: Path) -> None:
    closed = Fhir(document(export("ctn0301", "fhir", {"cy_level": "level-3", "atg_product": "atgam"})))
    assert all("doseAndRate" not in one["dosage"][0] for one in closed.definitions.values())
    withdrawn = Fhir(document(export(str(written(tmp_path, "withdrawn")), "fhir")))
    assert withdrawn.plan["status"] == "retired" and all("doseAndRate" not in one["dosage"][0] for one in withdrawn.definitions.values())


# what hangs on what -------------------------------------------------------------------------------------------------


def test_fhir_relates_what_it_can_and_tells_what_it_cannot(edge: Path) -> None:
    made = export(str(edge), "fhir")
    read = Fhir(document(made))

    def related(id: str) -> list[tuple[Any, ...]]:
        offsets = [(one["actionId"], one["relationship"], one.get("offsetDuration") or one.get("offsetRange")) for one in read.actions[id].get("relatedAction", [])]
        return [(to, how, size and (f"{size['value']} {size['code']}" if "value" in size else {side: f"{end['value']} {end['code']}" for side, end in size.items()})) for to, how, size in offsets]

    assert related("clonazepam") == [("bu", "after-end", "90 min")]
    assert related("mesna") == [("cy", "before-start", "30 min")]
    assert related("cy") == [("day-0", "before-start", "3 d"), ("bu", "after-end", {"low": "6 h", "high": "48 h"})]
    assert related("apheresis.2") == [("day-0", "before-start", "19 d")]
    assert [related(f"plerixafor.{n}") for n in (1, 2)] == [[("apheresis.1", "before-start", "11 h")], [("apheresis.2", "before-start", "11 h")]]
    assert [related(f"mtx.{n}") for n in (1, 2, 3)] == [[("day-0", "after-start", f"{day} d")] for day in (3, 6, 11)]
    assert "1 h before each cy" in lost(made, "order paracetamol") and related("paracetamol") == [("day-0", "before-start", "3 d")]
    assert "hour of the first dose" in lost(made, "order bu")
    stop = [one for one in read.actions["mtx"]["condition"] if one["kind"] == "stop"]
    assert stop[0]["expression"]["description"] == "until engraftment"
    dosage = read.definition(read.actions["cy"])["dosage"][0]
    assert (dosage["maxDosePerAdministration"]["value"], dosage["maxDosePerPeriod"]["numerator"]["value"], dosage["maxDosePerPeriod"]["denominator"]["code"]) == (5000, 5000, "d")
    rate = read.definition(read.actions["bu"])["dosage"][0]["doseAndRate"][0]["rateRatio"]
    assert (rate["numerator"]["value"], rate["numerator"]["code"], rate["denominator"]["value"], rate["denominator"]["code"]) == (0.8, "mg/kg", 120, "min")
    pytest.importorskip("fhir.resources.R4B.bundle").Bundle.model_validate_json(made.data)


def test_usdm_hangs_on_single_doses_of_other_orders(edge: Path) -> None:
    made = export(str(edge), "usdm")
    timings = {one["name"]: one for one in objects(document(made)) if one["instanceType"] == "Timing"}
    to = {name: (one["type"]["decode"], one["value"], one["relativeToFrom"]["decode"], one["relativeToScheduledInstanceId"].partition("_")[2]) for name, one in timings.items()}
    assert to["bu-1"] == ("After", "PT2H", "Start to Start", "day-minus-7") and to["bu-16"] == ("After", "PT6H", "Start to Start", "bu-15")
    assert to["clonazepam-1"] == ("After", "PT90M", "End to Start", "bu-16")
    assert to["mesna-1"] == ("Before", "PT30M", "Start to Start", "day-minus-3")
    assert to["paracetamol-2"] == ("Before", "PT1H", "Start to Start", "day-minus-2")
    assert to["plerixafor-2"] == ("Before", "PT11H", "Start to Start", "event-apheresis-2") and to["event-apheresis-2"] == ("Before", "P19D", "Start to Start", "day-0")
    assert to["day-6-0900"] == ("After", "PT9H", "Start to Start", "day-6")
    assert not [one for one in made.lost if "no instance" in one.what]


def test_an_event_table_repeats_by_ii_and_addl(edge: Path) -> None:
    rows = {row["order"]: row for row in table(export(str(edge), "events"))}
    assert [rows["bu"][key] for key in ("day", "time", "dose", "unit", "basis", "ii", "addl", "duration")] == ["-7", "-166", "0.8", "mg", "kg", "6", "15", "2"]
    assert [rows["cy"][key] for key in ("day", "time", "ii", "addl")] == ["-3", "", "24", "1"]
    assert [(row["time"], row["ii"], row["addl"]) for row in table(export(str(edge), "events")) if row["order"] == "mtx"] == [("81", "", ""), ("153", "", ""), ("273", "", "")]


def test_the_reader_of_event_tables_agrees_with_published_expansions() -> None:
    """`ii=12 addl=3` is 0, 12, 24, 36: what mrgsolve's own threads print."""
    path = SHELF / "reference/data/expected-expansions.tsv"
    if not path.is_file():
        pytest.skip("the published expansions are not here")
    found = [re.search(r"ii=(\d+) addl=(\d+)\t([\d,]+)", line) for line in path.read_text(encoding="utf-8").splitlines()]
    for one in filter(None, found):
        text = f"order,day,time,dose,unit,basis,ii,addl,starts\nx,0,0,100,mg,flat,{one[1]},{one[2]},\n"
        assert [given.day * 24 + int(given.hour[:2]) for given in events(text, {})] == [int(hours) for hours in one[3].split(",")]
    assert sum(map(bool, found)) == 2


# tables and the file itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_the_table_has_a_row_an_order_and_no_formula(name: str) -> None:
    made = export(name, "csv")
    regimen, rows = LIBRARY.regimen(name), table(made)
    assert [row["order"] for row in rows] == [order.id for order in regimen.orders]
    for row, order in zip(rows, regimen.orders, strict=True):
        assert row["dose"] == str(order.dose) and all(phrase in row["sources"] for several in order.cite.values() for phrase in several)
        assert order.days == "ask" or forms.read_days(re.sub(r"^days? ", "", row["days"])) == order.days
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


@pytest.mark.parametrize("name", ALL)
def test_the_json_is_the_file_text_for_text(name: str) -> None:
    file = yaml.load(LIBRARY.path(name).read_bytes(), Loader=yaml.BaseLoader)  # noqa: S506  every scalar as text
    made = document(export(name, "json"))
    assert made["regimen"] == file and made["sha256"] == LIBRARY.regimen(name).sha256


@pytest.mark.parametrize("name", ALL)
def test_no_order_goes_without_its_dose_silently(name: str) -> None:
    """Where a format has no number for a printed dose, it says so, and the order's questions are told with it."""
    for to in ("fhir", "usdm", "events"):
        made = export(name, to)
        told = {one.where for one in made.lost}
        for part in made.protocol.parts:
            if isinstance(part.order.dose, forms.Dose) and not part.each:
                assert f"order {part.id}" in told, (to, part.id)
    asked = {one["id"] for one in export(name, "fhir").to_dict()["open"]}
    assert asked >= {query.id for query in LIBRARY.regimen(name).queries}
    assert asked >= {key for key, choice in LIBRARY.regimen(name).choices.items() if choice.default is None}


# the command line -------------------------------------------------------------------------------------------------


def test_an_unknown_format_or_regimen_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, SEED, "--to", "fihr")
    assert (code, out) == (2, "") and 'did you mean "fhir"?' in err
    assert said(capsys, "nct0729912", "--to", "fhir")[0] == 2 and said(capsys, SEED)[0] == 2
    with pytest.raises(UsageError, match="without its file"):
        export(LIBRARY.regimen(SEED), "json")


def test_a_refusal_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, SEED, "--to", "usdm", "--choose", "stratum=SAA-3", "--json")
    assert code == 4 and json.loads(out)["errors"][0]["where"] == "choice stratum"


@pytest.mark.parametrize("to", FORMATS)
def test_a_file_and_stdout_hold_the_same_bytes_and_talk_goes_to_stderr(to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, target = export(SEED, to), tmp_path / "out"
    code, out, err = said(capsys, SEED, "--to", to, "-o", str(target))
    assert (code, out) == (0, "") and target.read_bytes() == made.data
    told = [f"not carried: {one.where}: {one.what}" for one in made.lost]
    assert [line for line in err.splitlines() if line.startswith("not carried")] == told and "HOLD atg.dose" in err
    code, out, err = said(capsys, SEED, "--to", to)
    assert code == 0 and out == made.data.decode()


@pytest.mark.parametrize("to", FORMATS)
def test_json_tells_what_is_open_and_what_is_lost(to: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, SEED, "--to", to, "--choose", "stratum=SAA-I", "--json")
    told, made = json.loads(out), export(SEED, to, {"stratum": "SAA-I"})
    assert code == 0 and told["not_carried"] == [{"where": one.where, "what": one.what} for one in made.lost]
    assert (told["regimen"], told["to"], told["chosen"]) == ("nct07299123@1", to, {"stratum": "SAA-I"})
    assert {one["id"] for one in told["open"]} >= {"cy.dose", "atg.dose", "atg.product"}
    assert told["document"] == (json.loads(made.data) if made.data.startswith(b"{") else made.data.decode())


def test_an_unwritable_place_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, SEED, "--to", "csv", "-o", str(tmp_path / "nowhere" / "x.csv"))[0] == 2


def test_a_site_library_is_laid_over_the_shipped_one(edge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine" / "protocols").mkdir(parents=True)
    edge.rename(tmp_path / "mine" / "protocols" / "edge.yaml")
    code, out, _ = said(capsys, "edge", "--to", "events", "--library", str(tmp_path / "mine"))
    assert code == 0 and "plerixafor" in out
