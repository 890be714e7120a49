"""The options of one patient, patient files, and files of changes and answers."""

from __future__ import annotations

from typing import Any

import click

PATIENT = [
    click.option("--weight", metavar='"70 kg"'), click.option("--height", metavar='"170 cm"'), click.option("--age", metavar='"34 y"'),
    click.option("--born", metavar="DATE"), click.option("--sex", metavar="F|M"), click.option("--creatinine", metavar='"0.9 mg/dL"'),
    click.option("--crcl", metavar='"90 mL/min"'), click.option("--gfr", metavar='"140 mL/min"', help="A measured filtration."), click.option("--weighed", metavar="DATE", help="The day the weight was measured."),
    click.option("--last-weight", "last_weight", metavar='"72 kg"', help="The weight before this one."),
    click.option("--prior", multiple=True, callback=lambda ctx, option, given: "; ".join(given) or None, metavar='"DRUG 300 mg/m2"', help="What was given before, or DRUG unknown; repeatable."),
    click.option("--taking", metavar='"itraconazole, levetiracetam"', help="What the patient takes beside the orders, or none."),
    click.option("--allergies", metavar="TEXT"), click.option("--name", metavar="TEXT"), click.option("--id", metavar="TEXT"),
]  # fmt: skip
FACTS = ("weight", "height", "age", "born", "sex", "creatinine", "crcl", "gfr", "weighed", "last_weight", "prior", "taking", "allergies", "name", "id")


def patient_options(command: Any) -> Any:
    """Add the options of one patient to a command."""
    for option in reversed(PATIENT):
        command = option(command)
    return command


def read_file(path: str) -> Any:
    """A JSON or YAML file as nested texts; every fault of form at once."""
    from pathlib import Path

    from dosing.errors import Fault, InputError
    from dosing.regimen.loader import read_tree

    try:
        tree = read_tree(Path(path).read_bytes(), Path(path).name)
    except OSError as error:
        raise InputError(Fault("R05", f"the file cannot be read ({error.strerror})", "check its name.", path)) from None
    if tree.faults:
        raise InputError(*tree.faults)
    return tree.value


def read_patient(file: str | None, given: dict[str, str | None]) -> Any:
    """The patient of a file with the flags laid over it."""
    from dosing.errors import Fault, InputError
    from dosing.patient import Patient

    stored = read_file(file) if file else {}
    if not isinstance(stored, dict):
        raise InputError(Fault("R05", "the patient file is not a mapping", "write keys such as weight: 70 kg.", file or ""))
    stored = {key.replace("-", "_"): value for key, value in stored.items()}
    here = {key: stored.pop(key) for key in ("day0", "zone") if key in stored}
    return Patient(**(stored | {key: value for key, value in given.items() if value is not None})), here


def ledger(path: str) -> tuple[list[Any], list[Any]]:
    """Changes and answers of a file: a list of {set, to, by, reason, second} and {id, answer, by} entries."""
    from dosing.engine.settle import Change
    from dosing.errors import Fault, UsageError

    entries = read_file(path)
    if not isinstance(entries, list) or any(not isinstance(entry, dict) for entry in entries):
        raise UsageError(Fault("R05", "the answers file is not a list of entries", 'write [{"id": …, "answer": …, "by": …}].', "--answers"))
    if any(not entry.keys() & {"set", "id"} for entry in entries):
        raise UsageError(Fault("R05", "an entry of the answers file names neither a change nor a query", 'write "set" or "id" in each entry.', "--answers"))
    changes = [Change(e["set"], e.get("to", ""), e.get("by", ""), e.get("reason", ""), e.get("second", "")) for e in entries if "set" in e]
    return changes, [entry for entry in entries if "set" not in entry]
