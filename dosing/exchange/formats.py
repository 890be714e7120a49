"""The formats of `dosing export`: one row each. A format is one file with `write(protocol) -> (bytes, what is lost)`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dosing.errors import Fault, UsageError, closest

if TYPE_CHECKING:
    from dosing.exchange.protocol import Lost, Protocol
    from dosing.regimen.schema import Regimen

FORMATS = {  # name: module, and what it is in a few words
    "fhir": (".fhir", "FHIR R4 PlanDefinition with an ActivityDefinition for each order (bundle, JSON)"),
    "usdm": (".usdm", "CDISC USDM v4 study definition with its timeline (JSON)"),
    "events": (".events", "event table of pharmacometricians, with II and ADDL (CSV)"),
    "json": (".asjson", "the regimen file as it is written (JSON)"),
    "csv": (".table", "one row an order, with the phrases of its sources (CSV)"),
}


@dataclass(frozen=True)
class Exported:
    """A protocol in one format: its bytes, what the format cannot carry, and what stays open in it."""

    protocol: Protocol
    to: str
    data: bytes
    lost: tuple[Lost, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `--json` tells beside the document itself."""
        return {
            "regimen": self.protocol.name, "to": self.to, "chosen": dict(self.protocol.chosen),
            "open": [{"id": question.id, "level": question.level, "order": order, "ask": question.text} for order, question in self.protocol.asked],
            "not_carried": [{"where": lost.where, "what": lost.what} for lost in self.lost],
        }  # fmt: skip


def export(regimen: Regimen | str, to: str, choose: Mapping[str, str] | None = None, library: Iterable[str] = ()) -> Exported:
    """A protocol for another system: `regimen` is an id, a path or a loaded regimen, `to` a name of `FORMATS`.

    What `choose` does not settle stays open and is told as a question; a dose that the checks hold is told in words with
    its question and never as a number of its own. An export is of the protocol and of no patient, so like `dosing show`
    it names the arms of a blinded trial. Same input, same bytes.

    Raises `UsageError` for an unknown format or regimen, `InputError` for a choice that cannot be made.
    """
    from dosing.exchange.protocol import protocol
    from dosing.regimen.library import library as shelf_of

    if to not in FORMATS:
        raise UsageError(Fault("format", f'"{to}" is no format of an export', closest(to, FORMATS), "--to"))
    shelf = shelf_of(tuple(library))
    found = shelf.regimen(regimen) if isinstance(regimen, str) else regimen
    made = protocol(found, choose or {}, shelf, shelf.path(regimen) if isinstance(regimen, str) else None)
    data, lost = import_module(FORMATS[to][0], "dosing.exchange").write(made)
    return Exported(made, to, data, tuple(lost))
