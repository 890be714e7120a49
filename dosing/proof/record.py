"""Each printed phrase of a regimen, looked for in the text of the record it is cited from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from dosing.errors import Fault
from dosing.regimen.rules import numbers
from dosing.regimen.schema import Regimen


def phrases_found(regimen: Regimen, record: Path, faults: list[Fault]) -> int:
    """How many printed phrases of the record's source were found in it; a missing one is a fault.

    Of a source whose wording is condensed each number must stand in the record.
    """
    try:
        text = flat(_read(record))
    except (OSError, ValueError) as error:
        faults.append(Fault("R05", f"the record cannot be read ({error})", "check its name.", str(record.name)))
        return 0
    keys = [key for key, source in regimen.sources.items() if source.id in text]
    if not keys:
        faults.append(Fault("R08", "no source of this regimen is named in the record", "name the record of one of its sources.", record.name))
    found, printed = 0, numbers(text)
    for where, key, phrase in phrases(regimen):
        if key not in keys:
            continue
        condensed = regimen.sources[key].wording != "printed"
        if flat(phrase) in text or (condensed and numbers(phrase) <= printed):
            found += 1
        else:
            what = f'a number of the condensed phrase "{phrase}" is not in {record.name}' if condensed else f'the phrase "{phrase}" is not in {record.name}'
            faults.append(Fault("R08", what, "quote it as printed.", f"{regimen.path}: {where}"))
    return found


def _read(record: Path) -> str:
    """The text of a record; of one as JSON without its escapes, so that a phrase stands in it as it is read."""
    text = record.read_text(encoding="utf-8")
    return json.dumps(json.loads(text), ensure_ascii=False) if text.lstrip().startswith("{") else text


def phrases(regimen: Regimen) -> Iterator[tuple[str, str, str]]:
    """Every cited phrase as (where, source key, phrase)."""
    entries = [(order.id, order.cite) for order in regimen.orders] + [(query.id, query.cite) for query in regimen.queries]
    entries += [(name, choice.cite) for name, choice in regimen.choices.items()] + [(name, event.cite) for name, event in regimen.events.items()]
    entries += [(entry.drug, entry.cite) for entry in regimen.not_scheduled]
    for where, cite in entries:
        for key, printed in cite.items():
            for phrase in printed:
                yield where, key, phrase


def flat(text: str) -> str:
    """A text with every run of blanks as one blank, and escapes of registry copies undone."""
    return re.sub(r"\s+", " ", text.replace("\\>", ">").replace("\\<", "<").replace("\\^", "^").replace("\\[", "[").replace("\\]", "]"))
