"""Proof of a regimen file: form and rules, worked examples, printed phrases, and every combination of its choices."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dosing.errors import DosingError, Fault
from dosing.proof.examples import example_faults, figure, host
from dosing.proof.record import phrases_found
from dosing.regimen import trust
from dosing.regimen.library import library
from dosing.regimen.schema import Regimen

__all__ = ["Depth", "Proof", "check", "figure"]

Depth = Literal["", "quick", "once", "deep"]  # no combinations; text formats; the slow formats once a file; all formats always


@dataclass
class Proof:
    """What was proved of one regimen, and every fault found."""

    id: str
    version: str = ""
    sha256: str = ""
    examples: int = 0
    phrases: int = 0
    combinations: int = 0
    plans: int = 0
    files: int = 0
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """The proof as plain JSON values."""
        counted = {name: getattr(self, name) for name in ("examples", "phrases", "combinations", "plans", "files")}
        return {"id": self.id, "version": self.version, "sha256": self.sha256, "ok": self.holds, **counted, "notes": self.notes, "errors": [fault.to_dict() for fault in self.faults]}


def check(name: str | Path, against: str | Path | None = None, folders: tuple[str, ...] = (), depth: Depth = "", unreleased: bool = False) -> Proof:
    """Prove one regimen: schema and rules, worked examples through `plan()`, and with `against` its printed phrases.

    `depth` asks for every combination of choices in the output formats; `unreleased` leaves the lock of released
    files aside. Never raises for a wrong file: the faults are in the proof. Raises `UsageError` for an unknown id.
    """
    shelf = library(folders)
    try:
        regimen = shelf.regimen(name, unreleased)
    except DosingError as error:
        if error.exit_code != 3:
            raise
        return Proof(str(name), faults=sorted(error.faults, key=_line))
    proof = Proof(regimen.id, regimen.version, regimen.sha256, notes=_notes(regimen))
    if changed := trust.facts_fault(regimen):
        proof.faults.append(changed)
    for number, example in enumerate(regimen.examples, 1):
        proof.faults += example_faults(regimen, example, f"{regimen.path}: examples.{number}", folders)
        proof.examples += 1
    if against:
        proof.phrases = phrases_found(regimen, Path(against), proof.faults)
    if depth:
        from dosing.proof import combinations

        tried = combinations.prove(regimen, host(regimen), shelf, folders, depth != "quick", depth == "deep")
        proof.combinations, proof.plans, proof.files = tried.combinations, tried.plans, tried.files
        proof.faults += tried.faults
    return proof


def _notes(regimen: Regimen) -> list[str]:
    """What is no fault and must be said: cited phrases that do not stand in their source word for word."""
    condensed = [key for key, source in regimen.sources.items() if source.wording != "printed"]
    return [f"{len(condensed)} of {len(regimen.sources)} source{'s' if len(regimen.sources) > 1 else ''} condensed: {', '.join(condensed)}"] if condensed else []


def _line(fault: Fault) -> tuple[str, int]:
    """The file and the line a fault stands on, so that faults are told from the top."""
    name, _, rest = fault.where.partition(":")
    digits = rest.partition(":")[0]
    return name, int(digits) if digits.isdigit() else 0
