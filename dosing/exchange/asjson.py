"""The regimen file as JSON: every text as it is written, with what was chosen and what is open beside it."""

from __future__ import annotations

import json

from dosing.errors import Fault, UsageError
from dosing.exchange.protocol import Lost, Protocol
from dosing.regimen.loader import read_tree


def write(protocol: Protocol) -> tuple[bytes, list[Lost]]:
    """The file with its hash, UTF-8; `UsageError` R05 for a regimen that was not read from a file by this export."""
    if protocol.file is None:
        raise UsageError(Fault("R05", "the regimen is given without its file", "name it by id or path.", "regimen"))
    asked = [{"id": one.id, "level": one.level, "order": order, "ask": one.text} for order, one in protocol.asked]
    made = {
        "schema": "dosing.regimen/1", "sha256": protocol.regimen.sha256, "chosen": dict(protocol.chosen), "open": asked,
        "regimen": read_tree(protocol.file.read_bytes(), protocol.file.name).value,
    }  # fmt: skip
    told = "the regimen stands as written: what was chosen is named beside it, and conditions and ranges are kept"
    lost = [Lost(f"choice {name}", told) for name in protocol.chosen]
    return (json.dumps(made, ensure_ascii=False, indent=2) + "\n").encode(), lost
