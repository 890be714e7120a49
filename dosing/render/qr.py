"""The document as a QR code: document number, issue, regimen and checksum; never a name or a fact of the patient."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from dosing.errors import Fault, UsageError
from dosing.render.page import Sheet
from dosing.schedule import Schedule

SHOWN = 16  # hex digits of the checksum: enough to tell files apart, few enough for large modules on a fax


def payload(sheet: Sheet, schedule: Schedule) -> str:
    """The text in the code, `dosing document=… issue=1 regimen=id@version sha256=…`; a copy says `issue=copy`."""
    regimen = schedule.regimen
    return f"dosing document={sheet.document} issue={_issue(schedule)} regimen={regimen['id']}@{regimen['version']} sha256={regimen.get('sha256', '')[:SHOWN]}"


def _issue(schedule: Schedule) -> str:
    """The number of the issue; a copy of a course has none, a plan is its own first."""
    return str(schedule.issue or ("copy" if schedule.series else 1))


def picture(text: str) -> str:
    """The code as SVG with its quiet zone, error correction M; `UsageError` when segno is not installed."""
    file = BytesIO()
    _segno().make(text, error="m", micro=False).save(file, kind="svg", xmldecl=False, svgns=True, dark="#000", light="#fff", nl=False)
    return file.getvalue().decode()


def _segno() -> Any:
    try:
        import segno
    except ImportError:
        raise UsageError(Fault("print", "the QR code needs segno, which is not installed", "install dosing[print], or write .html.", "pdf")) from None
    return segno
