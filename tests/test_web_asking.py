"""The form asks for what a plan is refused without, and for nothing else: every regimen, under every combination of its choices."""

from __future__ import annotations

import pytest

from dosing import Patient
from dosing.errors import DosingError
from dosing.planning.asking import Ask, asks, holds
from dosing.proof import combinations as proof
from dosing.proof.examples import host
from dosing.regimen.library import library
from dosing.regimen.schema import Regimen
from dosing.schedule import Schedule
from dosing.web.typed import Typed, planned
from dosing.web.words import FACTS

SHELF = library()
WHEN = {"day0": proof.DAY0, "zone": proof.ZONE}


def asked(regimen: Regimen) -> tuple[Ask, ...]:
    """What the form of a regimen asks for; a block stands on a protocol without orders."""
    return asks(host(regimen), [regimen] if regimen.kind == "block" else [], SHELF)


def values(regimen: Regimen, person: dict[str, str]) -> dict[str, str]:
    """A value for every field, by the place a refusal names."""
    open_ = {f"choice {name}": text for name, text in proof._answers(regimen, SHELF, low=True).items()}
    hours = {f"time {name}": proof.HOUR for name in proof._hours(regimen)}
    return open_ | hours | {f"patient: {name}": text for name, text in person.items()} | WHEN


def plan_of(regimen: Regimen, given: dict[str, str]) -> Schedule:
    """The schedule of a filled form."""
    typed = Typed({Typed().field_of(where): text for where, text in given.items()}, (regimen.id,) if regimen.kind == "block" else ())
    return planned(host(regimen), typed, SHELF, ())


def filled(name: str, choices: dict[str, str]) -> tuple[Regimen, dict[str, str], list[Ask]]:
    """A form with every needed field filled and no other, for a person whom the regimen takes."""
    regimen = SHELF.regimen(name)
    needed = [ask for ask in asked(regimen) if ask.need in ("needed", "dated") and holds(ask, choices)]
    refused: list[DosingError] = []
    for person in proof.PEOPLE.values():
        text = values(regimen, {"creatinine": "0.9 mg/dL", **person}) | {f"choice {choice}": option for choice, option in choices.items()}
        given = {ask.where: text[ask.where] for ask in needed} | {where: text[where] for where in ("day0", "zone", *(f"choice {choice}" for choice in choices))}
        try:
            made = plan_of(regimen, given)
        except DosingError as error:
            refused.append(error)
            assert not any(fault.code == "P05" or "missing" in fault.what for fault in error.faults), error
        else:
            if not any(finding.code == "order.left-out" for finding in made.findings):
                return regimen, given, needed
    raise refused[0]


@pytest.mark.parametrize("name", SHELF.regimens)
def test_the_needed_fields_make_a_plan_and_none_of_them_can_be_left_out(name: str) -> None:
    for choices in proof.combinations(SHELF.regimen(name)):
        regimen, given, needed = filled(name, choices)
        for ask in needed:
            with pytest.raises(DosingError) as error:
                plan_of(regimen, {where: text for where, text in given.items() if where != ask.where})
            assert ask.where in {fault.where for fault in error.value.faults}, (choices, ask)


def test_every_fault_of_an_empty_form_has_a_field() -> None:
    for name in SHELF.regimens:
        regimen = SHELF.regimen(name)
        fields = {ask.where for ask in asked(regimen)}
        with pytest.raises(DosingError) as error:
            plan_of(regimen, {"day0": "15 January"})
        assert {fault.where for fault in error.value.faults} <= fields, name


@pytest.mark.parametrize("name", ["nct07299123", "nct00130754", "bucy2-label", "melphalan-140"])
def test_what_a_check_asks_for_is_marked(name: str) -> None:
    """Planned with the needed fields alone, every fact that a finding misses is one the form marks."""
    regimen, given, _ = filled(name, next(proof.combinations(SHELF.regimen(name))))
    marked = {ask.where.removeprefix("patient: ") for ask in asked(regimen) if ask.where.startswith("patient: ") and ask.need != "may"}
    missed = {finding.code.removeprefix("patient.") for finding in plan_of(regimen, given).findings if finding.code.startswith("patient.")}
    assert missed & {*Patient.model_fields} <= marked
    assert missed & {*Patient.model_fields}


def test_the_seed_asks_for_what_the_contract_says() -> None:
    needs = {ask.where: ask.need for ask in asked(SHELF.regimen("nct07299123"))}
    assert [where for where, need in needs.items() if need in ("needed", "dated")] == [
        "choice stratum", "choice flu_in_saa2", "choice cy.dose", "time hsc", "time bu", "patient: weight", "patient: height", "zone",
    ]  # fmt: skip
    assert {needs[f"patient: {name}"] for name in ("age", "creatinine", "crcl")} == {"asked"} and needs["choice arm"] == "may"


def test_a_block_brings_its_own_questions() -> None:
    both = asks(SHELF.regimen("nct07299123"), [SHELF.regimen("mesna")], SHELF)
    assert {"choice mesna_dose", "choice mesna60.days", "choice stratum"} <= {ask.where for ask in both if ask.need == "needed"}
    same = asks(SHELF.regimen("nct01861106"), [SHELF.regimen("gvhd-csa-mtx")], SHELF)
    decided = next(ask for ask in same if ask.where == "choice duplicate.methotrexate")
    assert list(decided.options) == ["sum", "replace", "keep"]


def test_every_fact_of_a_patient_has_a_label() -> None:
    assert {*Patient.model_fields} <= FACTS.keys()
