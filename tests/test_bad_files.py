"""Every row of `bad-inputs.csv` that needs a whole regimen file or a whole plan to go wrong.

Each fault is put at its fitting place into an otherwise sound file; the codes beside it are the corpus's own and those
that name the same fault as well. What holds a line or asks is judged by its finding's code.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import dosing
from dosing.cli import main
from dosing.errors import DosingError, Fault
from dosing.regimen.library import library
from dosing.regimen.loader import read_tree
from dosing.rounding import to_step

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "reference" / "bad-inputs.csv"
FIELDS = ("regimen_file", "dose+drug", "days+regimen", "weight+context", "bsa", "datetime", "rounding")
FITS = {"D09": "limit.hard", "D09-soft": "limit.soft", "P04": "patient.size", "P06": "patient.weighed patient.weight-change",
        "P08": "bsa.formula", "R08": "source.conflict", "R13": "weight.unspecified"}  # fmt: skip
SOUND = """\
id: sound
version: 1
status: draft
title: A sound regimen
trial: no
day0: the day of the graft
sources:
  record: {id: R1, title: a record, read: 2026-11-22}
orders:
  - id: bu
    drug: busulfan
    dose: 0.6 mg/kg/dose every 6 h
    days: -8..-5
    first: 02:00
    over: 2 h
    route: iv
    weight: actual
    cite: {record: "0.6 mg/kg every 6 h from days -8 to -5"}
  - id: flu
    drug: fludarabine
    dose: 30 mg/m2/day
    days: -5..-2
    at: 09:00
    route: iv
    weight: actual
    cite: {record: "30 mg/m2 a day from days -5 to -2"}
    note: as printed
"""


def swap(*pairs: str) -> str:
    """The sound file with texts exchanged: old, new, old, new, …"""
    text = SOUND
    for old, new in zip(pairs[::2], pairs[1::2]):
        assert old in text, old
        text = text.replace(old, new)
    return text


def dose(text: str) -> str:
    return swap("dose: 30 mg/m2/day", f"dose: {text}")


def note(text: str) -> str:
    return swap("note: as printed", f"note: {text}")


def as_json(old: str = "", new: str = "") -> str:
    text = json.dumps(read_tree(SOUND.encode(), "sound.yaml").value, indent=1)
    assert old in text
    return text.replace(old, new) if old else text


def drug(old: str, new: str) -> str:
    text = (ROOT / "regimens/drugs/fludarabine.yaml").read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new)


def site(old: str, new: str) -> str:
    text = (ROOT / "regimens/site.yaml").read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new)


# A regimen, drug or site file that is refused (exit 3): row, file, text, codes.
FILES: list[tuple[str, str, str | bytes, str]] = [
    ("B517", "r.yaml", swap("days: -5..-2", "days: 1:6"), "R01 Y06"),
    ("B527", "r.yaml", dose("1_000"), "R01 D02"),
    ("B528", "r.yaml", dose(".5"), "R01 D03"),
    ("B529", "r.yaml", dose(".nan"), "R01 D03 D05"),
    ("B530", "r.yaml", dose(".inf"), "R01 D03 D05"),
    ("B531", "r.yaml", dose("0x1F"), "R01 D04 D13"),
    ("B534", "r.yaml", dose("~"), "R05 D07 D14"),
    ("B535", "r.yaml", dose(""), "R05 D07"),
    ("B536", "r.yaml", swap("day0: the day of the graft", "day0: 2026-03-04"), "R01 T01"),
    ("B538", "r.yaml", SOUND + "drugs:\n  Flu: {}\n  Flu: {}\n", "R02"),
    ("B538", "r.yaml", swap("- id: flu", "- id: bu"), "R02"),
    ("B539", "r.yaml", swap("dose: 30 mg/m2/day", 'Dose: "30 mg/m2/day"'), "R03"),
    ("B542", "r.yaml", swap("cite: {record: \"30", "cite: &a {record: \"30", "note: as printed", "base: *a"), "R04"),
    ("B545", "r.yaml", note("!!python/object/apply:os.system ['id']"), "R04"),
    ("B548", "r.yaml", "[" * 5000, "R06"),
    ("B548", "r.yaml", note("[" * 20 + "]" * 20), "R06"),
    ("B550", "r.yaml", SOUND + "\ttab: indented\n", "R01"),
    ("B551", "r.yaml", dose("30 mg/m2: 5"), "R01"),
    ("B553", "r.yaml", note("Flu #30 mg"), "R01"),
    ("B554", "r.yaml", "\ufeff" + SOUND, "R12"),
    ("B555", "r.yaml", SOUND.encode("utf-16"), "R12"),
    ("B556", "r.yaml", dose("30 \u00c2\u00b5g/m2/day"), "R12"),
    ("B557", "r.yaml", dose('"5 \ufffdg/kg/day"'), "R12"),
    ("B560", "r.yaml", swap("drug: fludarabine", "drug: fludarabin"), "R05"),
    ("B560", "r.yaml", swap("drug: fludarabine", "drug: cyclophosfamide"), "R05"),
    ("B562", "r.yaml", swap('cite: {record: "30 mg/m2 a day from days -5 to -2"}', "cite: {}"), "R08"),
    ("B562", "r.yaml", swap('cite: {record: "30 mg/m2 a day from days -5 to -2"}', "cite: {record: }"), "R08 R05"),
    ("B563", "r.yaml", dose("300 mg/m2/day"), "R08"),
    ("B569", "r.yaml", SOUND + "  - {id: mtx, drug: methotrexate, days: +1, weight: actual, cite: {record: methotrexate}}\n", "R05"),
    ("B569", "r.yaml", SOUND + "gvhd: {mtx: {}}\n", "R03"),
    ("B571", "r.yaml", swap("status: draft", "status: released"), "R07"),
    ("B572", "r.yaml", swap("status: draft", "status: released\nauthor: A\napproved-by: [A]"), "R07"),
    ("B577", "r.yaml", swap("note: as printed", "rounding: nearest"), "R13 R11"),
    ("B578", "r.yaml", swap("note: as printed", "rounding: {to: 100 mg, limit: 25 %}"), "R13 R01 R11"),
    ("B578", "site.yaml", site("rounding-limit: 10 %", "rounding-limit: 25 %"), "R13"),
    ("B579", "fludarabine.yaml", drug("hard: 5..60 mg/m2/day", "hard: 5..30 mg/m2/day"), "R13"),
    ("B580", "fludarabine.yaml", re.sub(r"(?s)limits:.*?products:", "limits: none\nproducts:", drug("", "")), "R13 R01"),
    ("B580", "fludarabine.yaml", re.sub(r"(?s)limits:.*?products:", "limits: []\nproducts:", drug("", "")), "R13"),
    ("B581", "r.yaml", swap("title: A sound regimen", 'title: "{{ patient.name }}"'), "S05"),
    ("B581", "fludarabine.yaml", drug("en-GB: fludarabine", 'en-GB: "{{ patient.name }}"'), "S05"),
    ("B582", "r.yaml", swap("title: A sound regimen", 'title: "<script>alert(1)</script>"'), "S02"),
    ("B584", "r.yaml", dose("\"eval('5')\""), "D16 D07"),
    ("B585", "r.yaml", swap("route: iv\n    weight: actual\n    cite: {record: \"0.6", "route: iv\n    cite: {record: \"0.6"), "P09 R05"),
    ("B585", "r.yaml", swap("route: iv\n    weight: actual\n    cite: {record: \"0.6", "route: iv\n    weight: lightest\n    cite: {record: \"0.6"), "P09"),
    ("B587", "r.yaml", swap("over: 2 h", "over: 0"), "R05 T03"),
    ("B587", "r.yaml", swap("over: 2 h", "over: 0 h"), "R05 T03"),
    ("B588", "r.yaml", swap("over: 2 h", "over: 24 h"), "R05"),
    ("B589", "r.yaml", swap("drug: fludarabine", f'drug: "{"A" * 100000}"'), "R06 R11"),
    ("B589", "fludarabine.yaml", drug("en-GB: fludarabine", f"en-GB: {'A' * 81}"), "R06"),
    ("B590", "r.json", as_json('"30 mg/m2/day"', "NaN"), "R01 D05"),
    ("B591", "r.json", as_json('"dose": "30 mg/m2/day"', '"dose": "30 mg/m2/day", "dose": "300 mg/m2/day"'), "R02"),
    ("B593", "r.yaml", "", "R05"),
    ("B594", "r.yaml", "null", "R05"),
    ("B595", "r.yaml", "[]", "R05"),
    ("B218", "r.yaml", dose("4000 mg/m2/course"), "R08"),
    ("B217", "r.yaml", swap("dose: 0.6 mg/kg/dose every 6 h", "dose: 9 x 4 mg/kg"), "D13"),
    ("B220", "r.yaml", swap("dose: 30 mg/m2/day", "dose: 30 mg/kg/day"), "D09 D10"),
    ("B224", "r.yaml", swap("dose: 30 mg/m2/day\n    days: -5..-2", "dose: 30 mg/m2/day\n    days: -5 until told"), "Y05 Y06"),
    ("B297", "r.yaml", SOUND + """\
  - id: bu-b
    drug: busulfan
    dose: 0.6 mg/kg/dose every 6 h
    days: -5
    first: 02:00
    route: iv
    weight: actual
    cite: {record: "0.6 mg/kg every 6 h on day -5"}
""", "Y08"),
    ("B299", "r.yaml", swap("days: -5..-2", "days: -6..-2"), "Y08"),
]  # fmt: skip


def place(folder: Path, name: str, text: str | bytes) -> tuple[str, tuple[str, ...]]:
    """Write a file where it belongs; gives the name to check and the library folders."""
    data = text if isinstance(text, bytes) else text.encode()
    if name.startswith("r."):
        (folder / name).write_bytes(data)
        return str(folder / name), ()
    (folder / "drugs").mkdir()
    (folder / name if name == "site.yaml" else folder / "drugs" / name).write_bytes(data)
    (folder / "r.yaml").write_text(SOUND, encoding="utf-8")
    return str(folder / "r.yaml"), (str(folder),)


def is_told(fault: Fault, name: str) -> bool:
    """Whether a fault of a file has the form `file:line: … – …`."""
    form = re.fullmatch(rf"(?:[\w-]+/)?{re.escape(name)}:\d+(?:: [\w.-]+)?", fault.where)
    return bool(form) and bool(fault.what and fault.do) and "invalid" not in str(fault).lower() and len(fault.what + fault.do) < 400


FILE_IDS = [f"{row}-{number}" for number, (row, *_) in enumerate(FILES)]


def test_the_sound_files_are_sound(tmp_path) -> None:
    for name, text in (("r.yaml", SOUND), ("r.json", as_json())):
        path, _ = place(tmp_path, name, text)
        assert dosing.check(path).faults == []


@pytest.mark.parametrize(("row", "name", "text", "codes"), FILES, ids=FILE_IDS)
def test_a_faulty_file_is_refused_with_file_line_and_cure(tmp_path, capsys, row: str, name: str, text: str | bytes, codes: str) -> None:
    path, folders = place(tmp_path, name, text)
    options = [word for folder in folders for word in ("--library", folder)]
    verb = ["plan", path, "--weight", "70 kg", "--height", "170 cm"] if name == "site.yaml" else ["check", path]
    assert main([*verb, *options, "--json"]) == 3
    faults = [Fault(**{key: fault[key] for key in ("code", "what", "do", "where")}) for fault in json.loads(capsys.readouterr().out)["errors"]]
    assert {fault.code for fault in faults} & set(codes.split())
    assert [str(fault)[:300] for fault in faults if not is_told(fault, name)] == []


@pytest.mark.parametrize(("row", "name", "text", "codes"), [case for case in FILES if case[1] == "r.yaml"][:6], ids=str)
def test_a_faulty_file_stops_a_plan(tmp_path, row: str, name: str, text: str | bytes, codes: str) -> None:
    path, _ = place(tmp_path, name, text)
    with pytest.raises(dosing.RegimenError) as error:
        dosing.plan(path, dosing.Patient(weight="70 kg", height="170 cm"))
    assert error.value.exit_code == 3 and {fault.code for fault in error.value.faults} & set(codes.split())


@pytest.mark.parametrize(("below", "above", "code"), [("weight < 9 kg", "weight >= 9 kg", 0), ("weight <= 9 kg", "weight >= 9 kg", 3), ("weight < 9 kg", "age >= 18 y", 3)])
def test_two_orders_of_a_drug_may_share_a_day_only_for_other_patients(tmp_path, below: str, above: str, code: int) -> None:
    order_b = SOUND[SOUND.index("  - id: flu"):].replace("id: flu", f"id: flu-b\n    when: {above}")
    path, _ = place(tmp_path, "r.yaml", swap("- id: flu", f"- id: flu\n    when: {below}") + order_b)
    assert main(["check", path]) == code


# Texts that a YAML reader would guess at, kept as they are written.
TEXTS = {
    "B516": ("at: 09:00", "at: 12:30", lambda regimen: regimen.orders[1].at.minutes == (750,)),
    "B519": ("id: R1", "id: NO", lambda regimen: regimen.sources["record"].id == "NO"),
    "B520": ("route: iv\n    weight: actual\n    cite: {record: \"30", "route: on\n    weight: actual\n    cite: {record: \"30", lambda regimen: regimen.orders[1].route == "on"),
    "B522": ("version: 1", "version: 1.10", lambda regimen: regimen.version == "1.10"),
    "B523": ("note: as printed", "note: 5e5", lambda regimen: regimen.orders[1].note == "5e5"),
    "B526": ("id: sound", "id: 0644", lambda regimen: regimen.id == "0644"),
}  # fmt: skip


@pytest.mark.parametrize("row", TEXTS)
def test_every_scalar_is_text(tmp_path, row: str) -> None:
    old, new, holds = TEXTS[row]
    path, _ = place(tmp_path, "r.yaml", swap(old, new))
    assert holds(dosing.load_regimen(path))


# Plans: what was asked, and what came back as codes and messages.
ADULT = {"weight": "70 kg", "height": "170 cm", "age": "34 y", "sex": "F", "creatinine": "0.7 mg/dL"}
SEED = {"choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}, "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}, "day0": "2026-03-04"}
Call = Callable[[Path], dosing.Schedule]


def seed(patient: dict[str, str] | None = None, **more) -> Call:
    given = {**SEED, **more}
    return lambda folder: dosing.plan("nct07299123", dosing.Patient(**{**ADULT, **(patient or {})}), **given)


def written(text: str, patient: dict[str, str] | None = None, **more) -> Call:
    """A plan of a regimen file with this text."""

    def call(folder: Path) -> dosing.Schedule:
        (folder / "r.yaml").write_text(text, encoding="utf-8")
        return dosing.plan(str(folder / "r.yaml"), dosing.Patient(**{**ADULT, **(patient or {})}), **more)

    return call


def order(drug: str, dose: str, days: str = "-5..-2", more: str = "") -> str:
    """A regimen of one order whose printed phrase is its dose."""
    head = SOUND[: SOUND.index("  - id: bu")]
    said = re.sub(r"\b(\d[\d.]*) g/", r"\1 g, \1 ", dose)
    return f'{head}  - {{id: x, drug: {drug}, dose: "{dose}", days: "{days}", route: iv, weight: actual, cite: {{record: "{said}"}}{more}}}\n'


def stepped(drug: str, step: str, text: str) -> Call:
    """A plan with a measurable step laid over a drug file."""

    def call(folder: Path) -> dosing.Schedule:
        (folder / "drugs").mkdir()
        shipped = (ROOT / f"regimens/drugs/{drug}.yaml").read_text(encoding="utf-8")
        over = re.sub(r"(?m)^step: .*$", f"step: {step}", re.sub(r"(?m)^bases: .*$", "bases: [kg, m2, flat]", shipped))
        (folder / "drugs" / f"{drug}.yaml").write_text(over, encoding="utf-8")
        (folder / "r.yaml").write_text(text, encoding="utf-8")
        return dosing.plan(str(folder / "r.yaml"), dosing.Patient(**ADULT), library=[str(folder)])

    return call


def vincristine(folder: Path) -> dosing.Schedule:
    """A drug whose record carries a largest single dose, ordered without one."""
    (folder / "drugs").mkdir()
    text = (ROOT / "regimens/drugs/fludarabine.yaml").read_text(encoding="utf-8").replace("fludarabine", "vincristine")
    (folder / "drugs" / "vincristine.yaml").write_text(text.replace("step: 1 mg", "step: 0.1 mg\ncap: 2 mg"), encoding="utf-8")
    (folder / "r.yaml").write_text(order("vincristine", "1.4 mg/m2/dose", "-5"), encoding="utf-8")
    return dosing.plan(str(folder / "r.yaml"), dosing.Patient(**ADULT), library=[str(folder)])


SAA2 = {"stratum": "SAA-II", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "yes"}
PLANS: list[tuple[str, Call, str]] = [
    ("B214", written(order("busulfan", "0.6 g/kg q6h", "-8..-5", ", first: 02:00")), "D09"),
    ("B215", written(order("busulfan", "2.4 mg/kg q6h", "-8..-5", ", first: 02:00")), "D09"),
    ("B216", written(order("busulfan", "0.6 mg/kg/day", "-8..-5")), "D09-soft D09"),
    ("B217", written(order("busulfan", "4 mg/kg/dose", "-9..-1")), "D09"),
    ("B218", written(order("cyclophosphamide", "4000 mg/m2/day")), "D09"),
    ("B219", written(order("cyclophosphamide", "500 mg/kg/day")), "D09"),
    ("B222", vincristine, "R13"),
    ("B374", seed({"weighed": "2025-08-01"}), "P06"),
    ("B376", seed({"weighed": "2026-03-05"}), "P06"),
    ("B377", seed({"last_weight": "78 kg"}), "P06"),
    ("B378", seed({"weight": "170 kg", "height": "70 cm"}), "P04"),
    ("B379", seed({"weight": "140 kg", "height": "165 cm"}), "weight.unspecified"),
    ("B415", seed(bsa="1.8"), "P08"),
    ("B415", seed({"bsa": "1.8"}), "P08 R03"),
    ("B418", seed(bsa="standard"), "P08"),
    ("B419", written(swap("trial: no", "trial: no\nbsa: mosteller"), {"weight": "18 kg", "height": "110 cm", "age": "6 y"}, bsa="dubois"), "P08"),
    ("B420", seed({"weight": "140 kg", "height": "165 cm"}), "R13"),
    ("B422", seed(bsa="nan"), "P05 P08"),
    ("B565", seed(choose={**SEED["choose"], "stratum": "SAA"}), "R09"),
    ("B566", seed(choose={"stratum": "SAA-II", "cy.dose": "600 mg/m2/day"}, times={"hsc": "14:00", "bu": "02:00"}), "R09"),
    ("B568", seed(choose=SAA2, times={"hsc": "14:00", "bu": "02:00"}), "R08"),
    ("B491", seed(choose=SAA2, day0="2026-04-06", zone="Europe/Berlin", times={"hsc": "14:00", "bu": "02:30"}), "T04"),
    ("B491", seed(day0="2026-03-29", zone="Europe/Berlin", times={"hsc": "02:30"}), "T04"),
    ("B492", seed(day0="2026-03-08", zone="America/New_York", times={"hsc": "02:15"}), "T04"),
]  # fmt: skip


def outcome(call: Call, folder: Path) -> dict[str, str]:
    """What a plan was refused for, or what keeps it from release: code and message."""
    try:
        return {finding.code: finding.message for finding in call(folder).open}
    except DosingError as error:
        return {fault.code: str(fault) for fault in error.faults}


@pytest.mark.parametrize(("row", "call", "codes"), PLANS, ids=[f"{row}-{number}" for number, (row, *_) in enumerate(PLANS)])
def test_a_doubtful_plan_is_refused_held_or_asked_about(tmp_path, row: str, call: Call, codes: str) -> None:
    found = outcome(call, tmp_path)
    fitting = {code for one in codes.split() for code in (one, *FITS.get(one, "").split())}
    told = [found[code] for code in found.keys() & fitting]
    assert told, f"{sorted(found)} instead of {sorted(fitting)}"
    assert all(len(text) > 30 and "invalid" not in text.lower() for text in told)


def first(schedule: dosing.Schedule, name: str = "x") -> dict:
    return next(row for row in schedule.to_dict()["administrations"] if row["order"] == name)


def notes(schedule: dosing.Schedule) -> dict[str, str]:
    return {finding.id: finding.message for finding in schedule.findings}


def test_a_swapped_pair_is_named(tmp_path) -> None:  # B378
    assert "exchanged" in outcome(PLANS[[row for row, *_ in PLANS].index("B378")][1], tmp_path)["patient.size"]


def test_a_child_is_weighed_again_from_five_percent(tmp_path) -> None:  # B377
    child = {"weight": "28 kg", "height": "132 cm", "age": "9 y"}
    assert "patient.weight-change" in outcome(seed({**child, "last_weight": "30 kg"}), tmp_path)
    assert "patient.weight-change" not in outcome(seed({**child, "last_weight": "29 kg"}), tmp_path)
    assert "patient.weight-change" not in outcome(seed({"last_weight": "72 kg"}), tmp_path)


def test_six_elapsed_hours_take_the_first_two_o_clock(tmp_path) -> None:  # B495
    made = seed(choose=SAA2, day0="2026-11-01", zone="Europe/Berlin", times={"hsc": "14:00", "bu": "20:00"})(tmp_path)
    starts = [row["start"] for row in made.to_dict()["administrations"] if row["order"] == "bu"]
    assert starts[:2] == ["2026-10-24T20:00:00+02:00", "2026-10-25T02:00:00+02:00"]


def test_cells_before_midnight_are_a_note(tmp_path) -> None:  # B496
    made = seed(times={"hsc": "02:00"})(tmp_path)
    (found,) = (finding for finding in made.findings if finding.id == "msc.day")
    assert first(made, "msc")["start"] == "2026-03-03T22:00:00+08:00" and found.level == "note" and "-1" in found.message


def test_a_rounding_inside_the_limit_prints_both_numbers(tmp_path) -> None:  # B671
    row = first(stepped("busulfan", "100 mg", order("busulfan", "97.5 mg/dose", "-5"))(tmp_path))
    assert row["calculated"]["value"] == "97.5" and row["amount"]["value"] == "100" and "+2.6 %" in row["why"]


def test_a_rounding_may_reach_the_maximum(tmp_path) -> None:  # B674
    made = stepped("busulfan", "25 mg", order("busulfan", "499.9 mg/dose", "-5", ", max: 500 mg"))(tmp_path)
    assert first(made)["amount"] == {"value": "500", "unit": "mg"}


@pytest.mark.parametrize("given", ["501", "512"])  # B675, B676: the regimen says `max`, which cuts and tells
def test_a_dose_over_the_maximum_is_cut_only_as_the_regimen_says(tmp_path, given: str) -> None:
    made = stepped("busulfan", "25 mg", order("busulfan", f"{given} mg/dose", "-5", ", max: 500 mg"))(tmp_path)
    assert first(made)["amount"] == {"value": "500", "unit": "mg"} and "maximum" in first(made)["why"] and "500 mg" in notes(made)["x.max"]


def test_a_rounding_never_passes_a_maximum_between_two_steps(tmp_path) -> None:  # B675
    made = stepped("busulfan", "30 mg", order("busulfan", "501 mg/dose", "-5", ", max: 500 mg"))(tmp_path)
    assert Decimal(first(made)["amount"]["value"]) == 480


def test_a_tie_goes_away_from_zero_and_the_rule_prints(tmp_path) -> None:  # B678
    assert list(to_step(np.array([2.5, 3.5]), Decimal(1))) == [3, 4]
    row = first(stepped("busulfan", "1 mg", order("busulfan", "12.5 mg/dose", "-5"))(tmp_path))
    assert row["amount"]["value"] == "13" and "nearest 1 mg" in row["why"]


def test_a_rounding_over_the_limit_keeps_the_exact_dose(tmp_path) -> None:  # B678, 2.5 to 3 mg is +20 %
    made = stepped("busulfan", "1 mg", order("busulfan", "2.5 mg/dose", "-5"))(tmp_path)
    assert first(made)["amount"]["value"] == "2.5" and "exact dose" in notes(made)["x.rounding"]


def test_two_places_are_exact_decimals(tmp_path) -> None:  # B679
    assert to_step(np.array([2.675]), Decimal("0.01"))[0] == 2.68
    row = first(stepped("busulfan", "0.01 mg", order("busulfan", "2.675 mg/dose", "-5"))(tmp_path))
    assert row["amount"]["value"] == "2.68"


def test_the_sum_of_rounded_days_stands_beside_the_exact_total(tmp_path) -> None:  # B680
    made = stepped("busulfan", "1 mg", order("busulfan", "33.3 mg/dose", "-5..-2"))(tmp_path)
    assert made.to_dict()["totals"][0]["calculated"]["value"] == "133.2" and made.to_dict()["totals"][0]["amount"]["value"] == "132"


# The corpus itself

ELSEWHERE = {"B495", "B496", "B671", "B674", "B675", "B676", "B678", "B679", "B680"}  # the functions above, by their comment


def test_every_row_of_the_corpus_is_here_with_its_code() -> None:
    if not CORPUS.exists():
        pytest.skip("the shelf with bad-inputs.csv is absent")
    with CORPUS.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row["expected"] for row in csv.DictReader(file) if row["field"] in FIELDS}
    codes: dict[str, set[str]] = {}
    for row, *_, told in [*FILES, *PLANS]:
        codes.setdefault(row, set()).update(told.split())
    assert rows.keys() == codes.keys() | TEXTS.keys() | ELSEWHERE
    assert {row for row, told in codes.items() if rows[row].removeprefix("reject: ").removeprefix("query: ").split()[0] not in told} == set()


def test_library_of_the_shipped_files_is_sound() -> None:
    shelf = library()
    assert all(not dosing.check(name).faults for name in shelf.regimens) and all(shelf.drugs[name] for name in shelf.drugs)
