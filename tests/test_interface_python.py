"""The Python interface: the names of the package, the contract's example, every argument of `plan`, the errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import dosing


def test_the_names_of_the_package() -> None:
    for name in ("Patient", "load_regimen", "plan", "check", "render", "DosingError"):
        assert callable(getattr(dosing, name))


def test_the_example_of_the_contract() -> None:
    regimen = dosing.load_regimen("nct07299123")
    patient = dosing.Patient(weight="70 kg", height="170 cm", age="34 y", sex="F")
    schedule = dosing.plan(regimen, patient, day0="2026-12-09", zone="Asia/Shanghai", times={"hsc": "14:00"},
                           choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})  # fmt: skip
    first = next(row for row in schedule if row.drug == "fludarabine")
    assert (first.day, str(first.start)[:16], str(first.amount)) == (-5, "2026-12-04T09:00", "55 mg") and "54.6 mg" in first.why
    assert str(schedule.total("fludarabine")) == "220 mg" and not schedule.releasable and schedule.findings
    assert schedule.to_dict()["schema"] == "dosing.schedule/1" and "<" in schedule._repr_html_()


def test_every_argument_of_plan(tmp_path) -> None:
    """A version, choices, hours, changes, an answer, a block: only the block's own finding stays open."""
    schedule = dosing.plan("nct07299123@1", dosing.Patient(weight="70 kg", height="170 cm", age="34 y", sex="F", creatinine="0.7 mg/dL"),
                           choose={"stratum": "SAA-II", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "yes"}, times={"bu": "02:00"},
                           set={"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, answer={"bu.days": "as printed"}, by="AB", reason="letter",
                           blocks=["gvhd-csa-mtx"], library=[])  # fmt: skip
    assert {finding.id for finding in schedule.open} == {"csa-level.dose"}
    assert dosing.render(schedule, tmp_path / "schedule.html").exists()


def test_a_regimen_by_path_and_by_version() -> None:
    path = Path(__file__).parents[1] / "regimens/protocols/nct07299123.yaml"
    assert dosing.load_regimen(path).sha256 == dosing.load_regimen("nct07299123@1").sha256
    with pytest.raises(dosing.UsageError):
        dosing.load_regimen("nct07299123@2")


def test_a_frame_of_the_rows() -> None:
    pytest.importorskip("pyarrow")
    schedule = dosing.plan("nct01305694", dosing.Patient(weight="60 kg"), choose={"msc.dose": "1e6 cells/kg", "msc.days": "0, +7"})
    assert schedule.to_frame().num_rows == 2


def test_errors_share_one_base_and_carry_a_code() -> None:
    with pytest.raises(dosing.DosingError) as error:
        dosing.Patient(weight="70")
    assert error.value.code == "P01" and " – " in str(error.value)
