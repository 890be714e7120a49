"""Released files never change: the lock, its tampering, versions beside each other, and withdrawn ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import dosing
from dosing.cli import main
from dosing.errors import RegimenError, UsageError
from dosing.regimen import trust
from dosing.regimen.library import Library, library, shipped

TEXT = """\
id: unit-flu
version: 1
status: released
author: AB
approved-by: [CD, EF]
title: Fludarabine of a unit
trial: no
day0: the day of the graft
sources: {page: {id: P1, title: a page, read: 2026-11-22}}
orders:
  - {id: flu, drug: fludarabine, dose: 30 mg/m2/day, days: -5..-2, route: iv, weight: actual, cite: {page: "30 mg/m2 a day from days -5 to -2"}}
"""
NEXT = TEXT.replace("version: 1", "version: 2\nsupersedes: unit-flu@1").replace("days: -5..-2", "days: -6..-3").replace("-5 to -2", "-6 to -3")
ADULT = {"weight": "70 kg", "height": "170 cm"}


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A scratch library with one released and locked file."""
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "unit-flu.yaml").write_text(TEXT, encoding="utf-8")
    assert main(["check", "unit-flu", "--library", str(tmp_path), "--release"]) == 0
    return tmp_path


def lock(folder: Path, uses: bool = False) -> list[str]:
    """The lines of releases, or of the files that a release hangs on."""
    return [line for line in (folder / trust.LOCK).read_text(encoding="utf-8").splitlines() if not line.startswith("#") and (" uses " in line) == uses]


def at(unit: Path, name: str = "unit-flu.yaml") -> Path:
    return unit / "protocols" / name


def succeed(unit: Path) -> None:
    """Keep the released file as an earlier version and put its successor in its place."""
    at(unit).rename(at(unit, "unit-flu@1.yaml"))
    at(unit).write_text(NEXT, encoding="utf-8")
    assert main(["check", "unit-flu", "--library", str(unit), "--release"]) == 0


def test_the_lock_holds_the_hash_and_the_people(unit: Path) -> None:
    assert lock(unit) == [f"unit-flu@1 sha256:{hashlib.sha256(TEXT.encode()).hexdigest()} author AB, approved by CD and EF"]
    assert Library([unit]).regimen("unit-flu").status == "released"


def test_one_byte_of_a_released_file_is_one_too_many(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every byte of the file in turn: what still is a regimen is refused by the lock, the rest by its form."""
    data = at(unit).read_bytes()
    told = set()
    for place in range(0, len(data), 7):
        at(unit).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises((RegimenError, UsageError)) as caught:
            Library([unit]).regimen("unit-flu")
        told |= {fault.code for fault in caught.value.faults}
    assert "R07" in told
    at(unit).write_bytes(data.replace(b"Fludarabine of a unit", b"Fludarabine of a Unit"))
    assert main(["check", str(at(unit)), "--library", str(unit), "--json"]) == 3
    (fault,) = json.loads(capsys.readouterr().out)["errors"]
    assert fault["code"] == "R07" and "released (author AB, approved by CD and EF)" in fault["what"] and "supersedes: unit-flu@1" in fault["do"] and fault["where"] == "unit-flu.yaml:1"


def test_a_changed_file_is_refused_by_plan_too(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at(unit).write_text(TEXT + "# a comment\n", encoding="utf-8")
    assert main(["plan", "unit-flu", "--weight", "70 kg", "--height", "170 cm", "--library", str(unit)]) == 3
    assert "has changed since it was released" in capsys.readouterr().err


@pytest.mark.parametrize("status", ["draft", "withdrawn", "reviewed"])
def test_another_status_does_not_open_a_released_version(unit: Path, status: str) -> None:
    at(unit).write_text(TEXT.replace("status: released", f"status: {status}"), encoding="utf-8")
    with pytest.raises(RegimenError, match="has changed since it was released"):
        Library([unit]).regimen("unit-flu")


def test_an_overlay_cannot_stand_in_for_a_released_version(unit: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    over = tmp_path_factory.mktemp("over")
    (over / "protocols").mkdir()
    (over / "protocols" / "unit-flu.yaml").write_text(TEXT.replace("status: released", "status: draft"), encoding="utf-8")
    with pytest.raises(RegimenError, match="has changed since it was released"):
        Library([unit, over]).regimen("unit-flu")


def test_released_is_a_word_of_the_lock(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(RegimenError, match=f"says released, and no {trust.LOCK} names it"):
        library().regimen(str(tmp_path / "r.yaml"))


@pytest.mark.parametrize("text", [TEXT.replace("status: released", "status: draft"), TEXT.replace("approved-by: [CD, EF]\n", ""), TEXT.replace("30 mg/m2/day", "31 mg/m2/day")])
def test_only_a_sound_signed_file_is_released(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path / "r.yaml"), "--release"]) == 3 and not (tmp_path / trust.LOCK).exists()
    capsys.readouterr()


def test_releasing_twice_adds_nothing_and_a_changed_file_is_not_released_again(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = lock(unit)
    assert main(["check", "unit-flu", "--library", str(unit), "--release"]) == 0 and lock(unit) == before
    at(unit).write_text(TEXT + "# a comment\n", encoding="utf-8")
    assert main(["check", "unit-flu", "--library", str(unit), "--release"]) == 3 and lock(unit) == before
    capsys.readouterr()


@pytest.mark.parametrize("change", [lambda text: text.replace("sha256:", "sha1:"), lambda text: text + text.splitlines()[-1] + "\n"])
def test_a_lock_that_cannot_be_read_is_told_with_its_line(unit: Path, change) -> None:  # noqa: ANN001
    path = unit / trust.LOCK
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(RegimenError) as caught:
        Library([unit]).regimen("unit-flu")
    assert caught.value.faults[0].where.startswith(f"{trust.LOCK}:")


def test_both_versions_load_and_the_first_says_what_superseded_it(unit: Path) -> None:
    succeed(unit)
    assert [line[:10] for line in lock(unit)] == ["unit-flu@1", "unit-flu@2"]
    shelf = Library([unit])
    assert [shelf.regimen(name).version for name in ("unit-flu", "unit-flu@2", "unit-flu@1")] == ["2", "2", "1"]
    assert set(shelf.earlier) == {"unit-flu@1"} and "unit-flu@1" not in shelf.regimens
    told = {name: [one.message for one in dosing.plan(name, dosing.Patient(**ADULT), library=[str(unit)]).findings if one.code == "regimen.superseded"] for name in ("unit-flu@1", "unit-flu@2")}
    assert told["unit-flu@2"] == [] and "unit-flu@1 is superseded by unit-flu@2" in told["unit-flu@1"][0]


def test_the_successor_differs_in_clinical_words(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    succeed(unit)
    capsys.readouterr()
    assert main(["diff", "unit-flu@1", "unit-flu@2", "--library", str(unit)]) == 0
    said = capsys.readouterr().out
    assert "version 1 → 2" in said and "fludarabine (flu): days −5..−2 → −6..−3" in said


def test_a_version_that_is_not_there_is_named(unit: Path) -> None:
    succeed(unit)
    with pytest.raises(UsageError, match="unit-flu has no version 3 here – name a version that is there: 2, 1"):
        Library([unit]).regimen("unit-flu@3")


def test_a_successor_needs_its_predecessor(unit: Path) -> None:
    at(unit).write_text(NEXT.replace("status: released", "status: draft"), encoding="utf-8")
    with pytest.raises(RegimenError, match="no file holds unit-flu@1"):
        Library([unit]).regimen("unit-flu")


def test_a_withdrawn_file_holds_every_dose(tmp_path: Path) -> None:
    flat = '  - {id: tbi, drug: total-body-irradiation, dose: 2 Gy, days: -1, weight: unspecified, cite: {page: "2 Gy on day -1"}}\n'
    (tmp_path / "r.yaml").write_text(TEXT.replace("status: released", "status: withdrawn") + flat, encoding="utf-8")
    made = dosing.plan(str(tmp_path / "r.yaml"), dosing.Patient(**ADULT))
    assert all(row.held for row in made) and "regimen.withdrawn" in {one.code for one in made.open}


def test_a_file_stands_under_its_id(tmp_path: Path) -> None:
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "other.yaml").write_text(TEXT.replace("status: released", "status: draft"), encoding="utf-8")
    with pytest.raises(RegimenError, match="differs from the file name"):
        Library([tmp_path]).regimen("other")


# ---- what a release hangs on: drug files, named policies, site conventions


def own(unit: Path, name: str, old: str = "", new: str = "") -> Path:
    """A file of the shipped library laid into the unit's folder, with one place changed."""
    text = (shipped() / name).read_text(encoding="utf-8")
    assert old in text
    (unit / name).parent.mkdir(exist_ok=True)
    (unit / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    library.cache_clear()  # as in a new process, which looks at the folders anew
    return unit / name


def asked(unit: Path, **more: str) -> list[str]:
    """Open findings of a plan that speak of a change since the release."""
    made = dosing.plan("unit-flu", dosing.Patient(**ADULT), library=[str(unit)], **more)
    assert "regimen.changed" not in {one.code for one in made.findings} or all(not row.held for row in made)
    return [one.message for one in made.open if one.code == "regimen.changed"]


def test_the_lock_holds_the_drug_files_and_the_site(unit: Path) -> None:
    flu, site = lock(unit, uses=True)
    assert flu == f"unit-flu@1 uses drugs/fludarabine.yaml sha256:{hashlib.sha256((shipped() / 'drugs/fludarabine.yaml').read_bytes()).hexdigest()}"
    assert site.startswith("unit-flu@1 uses site.yaml sha256:") and asked(unit) == []
    assert Library([unit]).regimen("unit-flu").changed_since == ()


def test_one_byte_of_a_drug_file_is_told_by_check_and_asked_by_plan(unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own(unit, "drugs/fludarabine.yaml")
    assert asked(unit) == []  # the same bytes in another place
    path = own(unit, "drugs/fludarabine.yaml", "id: fludarabine\n", "id: fludarabine \n")
    assert path.stat().st_size == (shipped() / "drugs/fludarabine.yaml").stat().st_size + 1
    assert asked(unit) == ["drugs/fludarabine.yaml changed since unit-flu@1 was released: what was signed is not what is planned. Have a new version signed, or confirm what is planned here."]
    assert asked(unit, answer={"unit-flu.changed": "a blank; the same figures"}, by="CD") == []
    capsys.readouterr()
    assert main(["check", "unit-flu", "--library", str(unit), "--json"]) == 3
    (fault,) = json.loads(capsys.readouterr().out)["errors"]
    assert fault["code"] == "R07" and "drugs/fludarabine.yaml changed since unit-flu@1 was released" in fault["what"] and "supersedes: unit-flu@1" in fault["do"]
    assert main(["plan", "unit-flu", "--weight", "70 kg", "--height", "170 cm", "--library", str(unit)]) == 5
    assert main(["check", "unit-flu", "--library", str(unit), "--release"]) == 3 and len(lock(unit, uses=True)) == 2
    capsys.readouterr()


@pytest.mark.parametrize(("old", "new", "told"), [("at: 09:00", "at: 08:00", True), ("rounding-limit: 10 %", "rounding-limit: 5 %", True), ("locale: en-GB", "locale: en-US", False)])
def test_of_the_site_only_what_makes_figures_counts(unit: Path, old: str, new: str, told: bool) -> None:
    own(unit, "site.yaml", old, new)
    assert bool(asked(unit)) == told


def test_a_named_policy_is_part_of_the_release(tmp_path: Path) -> None:
    (tmp_path / "protocols").mkdir()
    at(tmp_path).write_text(TEXT.replace("weight: actual", "weight: asco-2021"), encoding="utf-8")
    assert main(["check", "unit-flu", "--library", str(tmp_path), "--release"]) == 0
    assert [line.split()[2] for line in lock(tmp_path, uses=True)] == ["drugs/fludarabine.yaml", "policies.yaml", "site.yaml"]
    own(tmp_path, "policies.yaml")
    (message,) = asked(tmp_path)
    assert message.startswith("policies.yaml changed")


def test_a_release_that_names_no_drug_files_is_asked_about(unit: Path) -> None:
    path = unit / trust.LOCK
    path.write_text("".join(line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if " uses " not in line), encoding="utf-8")
    assert "drugs/fludarabine.yaml, site.yaml changed" in asked(unit)[0]


def test_every_file_of_the_shipped_lock_is_unchanged() -> None:
    """No shipped file is released today; once one is, this holds it."""
    shelf = library()
    for name in trust.entries(shelf.folders):
        assert shelf.regimen(name).status == "released"
