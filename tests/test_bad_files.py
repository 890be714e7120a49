"""Every row of `bad-inputs.csv` that needs a regimen, drug or site file to go wrong.

Each fault is put at its fitting place into an otherwise sound file; the codes beside it are the corpus's own and those
that name the same fault as well.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import dosing
from dosing.cli import main
from dosing.errors import Fault
from dosing.regimen.library import library
from dosing.regimen.loader import read_tree

ROOT = Path(__file__).parents[1]
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
    """What the faults are put into has none: a fault that is told is the one that was put there."""
    for name, text in (("r.yaml", SOUND), ("r.json", as_json())):
        path, _ = place(tmp_path, name, text)
        assert dosing.check(path).faults == []


def test_library_of_the_shipped_files_is_sound() -> None:
    """Every shipped regimen, and every drug file, used or not."""
    shelf = library()
    assert all(not dosing.check(name).faults for name in shelf.regimens) and all(shelf.drugs[name] for name in shelf.drugs)


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
    """The same faults by `dosing.plan`: no schedule of a faulty file."""
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
    """A time, a word like `no`, a version, a power of ten or a leading zero stays as it is written."""
    old, new, holds = TEXTS[row]
    path, _ = place(tmp_path, "r.yaml", swap(old, new))
    assert holds(dosing.load_regimen(path))
