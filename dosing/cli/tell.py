"""Verbs that say what something means: parse, metrics."""

from __future__ import annotations

import sys

import click

from dosing.cli.group import JSON, FreeTextCommand, TextCommand, cli, emit
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
@JSON
def metrics(as_json: bool, neutrophils: str | None, **given: str | None) -> None:
    """Every body surface, ideal, adjusted and lean weight and renal estimate, with formula and citation."""
    from dosing import forms
    from dosing.metrics import measure
    from dosing.patient import Patient

    patient = Patient(**{key: value for key, value in given.items() if value is not None})
    columns = {key: float(column[0]) for key, column in patient.columns().items() if key not in ("crcl", "last_weight")}
    if neutrophils is not None:
        columns["neutrophils"] = float(forms.read_neutrophils(neutrophils))
    rows = measure(None, **columns)
    emit({"metrics": rows}) if as_json else click.echo("\n".join(f"{r['name']:<28} {r['value'] or '–':>8} {r['unit']:<16} {r['formula']} [{r['cite']}]" for r in rows))
