"""Verbs that say what something means: parse, metrics."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from dosing.cli.group import JSON, LIBRARY, FreeTextCommand, TextCommand, cli, emit
from dosing.cli.patient import patient_options


@cli.command(cls=FreeTextCommand)
@click.argument("text")
@click.option("--as", "kind", default="dose", metavar="KIND", help="dose, cells, days, time, date, zone, weight, height.")
@JSON
def parse(text: str, kind: str, as_json: bool) -> None:
    """Say what a text means, or why it is refused; `-` reads stdin."""
    from dosing import forms
    from dosing.errors import InputError

    text = sys.stdin.read().removesuffix("\n") if text == "-" else text
    try:
        told = forms.interpret(text, kind)
    except InputError as error:
        raise error.at(kind) from None
    emit(told) if as_json else click.echo("\n".join([told["canonical"], *(f"  {reading}" for reading in told["readings"])]))


@cli.command(cls=TextCommand)
@patient_options
@click.option("--neutrophils", metavar='"0.35e9/L"')
@click.option("--level", metavar='"1350 umol*min/L"', help="A measured exposure of one dose (also mg*h/L, ng/mL), of --drug.")
@click.option("--target", metavar='"1125 umol*min/L"', help="Its target; of a course: \"90 mg*h/L per course\".")
@click.option("--dose", metavar='"56 mg"', help="The dose that gave the level.")
@click.option("--every", default="6 h", metavar='"6 h"', show_default=True)
@click.option("--doses", default=1, metavar="N", help="Doses in the course.")
@click.option("--given", "so_far", default=1, metavar="N", help="Doses given so far, all alike.")
@click.option("--drug", default="busulfan", metavar="DRUG", show_default=True, help="Whose molar mass is used.")
@LIBRARY
@JSON
def metrics(as_json: bool, neutrophils: str | None, level: str | None, target: str | None, dose: str | None, every: str, doses: int, so_far: int, drug: str, library: Sequence[str], **given: str | None) -> None:
    """Every body surface, ideal, adjusted and lean weight and renal estimate, with formula and citation."""
    from dosing import forms
    from dosing.metrics import measure
    from dosing.patient import Patient

    patient = Patient(**{key: value for key, value in given.items() if value is not None})
    columns = {key: float(column[0]) for key, column in patient.columns().items() if key not in ("crcl", "gfr", "last_weight")}
    if neutrophils is not None:
        columns["neutrophils"] = float(forms.read_neutrophils(neutrophils))
    rows = measure(None, **columns)
    if level is not None:
        rows = [*(rows if columns else []), *_level(level, target, dose, every, doses, so_far, drug, library)]
    emit({"metrics": rows}) if as_json else click.echo("\n".join(f"{r['name']:<28} {r['value'] or '–':>8} {r['unit']:<16} {r['formula']} [{r['cite']}]" for r in rows))


def _level(level: str, target: str | None, dose: str | None, every: str, doses: int, so_far: int, drug: str, library: Sequence[str]) -> list[dict[str, Any]]:
    """A measured exposure in every unit, and the next dose and the doses left where a target and a dose are given."""
    from dosing import forms
    from dosing.errors import Fault, UsageError, closest
    from dosing.metrics.exposure import tell_level
    from dosing.regimen.library import library as shelf

    drugs = shelf(tuple(library)).drugs
    mass = drugs[drug].molar_mass if drug in drugs else None
    if mass is None:
        raise UsageError(Fault("R05", f'no molar mass is known of "{drug}"', closest(drug, [name for name in drugs if name == "busulfan"]), "--drug"))
    aim = forms.read_exposure(target) if target else None
    made = forms.read_amount(dose) if dose else None
    return tell_level(forms.read_exposure(level), mass, forms.read_duration(every), target=aim, dose=made, doses=doses, given=so_far)
