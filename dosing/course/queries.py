"""Queries and release: what must be answered before release and by when, what may be released, and what stands in the way."""

from __future__ import annotations

from typing import Any

from dosing.course.moment import stamp
from dosing.errors import Fault, InputError
from dosing.schedule import Administration, Finding, Schedule


def lists(schedule: Schedule) -> dict[str, list[dict[str, Any]]]:
    """Two lists: what a person must answer before release, each with the first dose that waits for it, and what is for information."""
    first = _first(schedule)
    answers = {one["id"]: one for one in schedule.answers}
    asked = [_asked(finding, first, answers) for finding in schedule.findings if finding.level in ("block", "query")]
    return {"answer_before_release": sorted((one for one in asked if not one["answer"]), key=lambda one: one["needed_by"] or "9"),
            "answered": [one for one in asked if one["answer"]],
            "for_information": [{"id": one.id, "order": one.order, "message": one.message} for one in schedule.findings if one.level == "note"]}  # fmt: skip


def _first(schedule: Schedule) -> dict[str | None, str]:
    """The start of the first dose left of each order, and under None of any."""
    found: dict[str | None, str] = {}
    for row in (row for row in schedule if not _given(row)):
        start = stamp(row.seconds or 0, row.zone)
        found.setdefault(row.order, start), found.setdefault(None, start)
    return found


def _asked(finding: Finding, first: dict[str | None, str], answers: dict[str, dict[str, str]]) -> dict[str, Any]:
    told = {"id": finding.id, "order": finding.order, "level": finding.level, "needed_by": first.get(finding.order), "message": finding.message, "answer": None}
    if not finding.answer:
        return told
    one = answers.get(finding.id, {})
    return told | {"answer": _said(finding, one)} | {key: one[key] for key in ("by", "second", "at", "evidence") if one.get(key)}


def _said(finding: Finding, answer: dict[str, str]) -> str:
    """An answer in one line: the text, who gave and who confirmed it, when, and the evidence."""
    if not answer:
        return finding.answer
    second = f", confirmed by {answer['second']}" if answer.get("second") else ""
    at = f", {answer['at'][:16].replace('T', ' ')}" if answer.get("at") else ""
    return f"{answer['answer']} ({answer.get('by', '')}{second}{at}){'; evidence: ' + answer['evidence'] if answer.get('evidence') else ''}"


def _given(row: Administration) -> bool:
    return bool(row.record and "given" in row.record)


def in_the_way(schedule: Schedule, row: Administration) -> list[Finding]:
    """The open findings that keep a dose from release: its order's own, and those on the patient or the whole course.

    What has no amount, such as the graft of a source that gives no cell dose, waits for no question about the patient's size.
    """
    return [finding for finding in schedule.open if finding.order == row.order or (finding.order is None and (row.calculated or not _of_size(finding)))]


def _of_size(finding: Finding) -> bool:
    """Whether a question is about a weight or another measure of the patient."""
    return finding.id == "weight.outcome" or finding.code.startswith(("patient.", "weight."))


def prove(schedule: Schedule, row: Administration) -> None:
    """Refuse (O12) the release of a line that is held, has an open block or query, or of a dose already given."""
    place = f"{row.order}#{row.number}"
    if _given(row):
        raise InputError(Fault("O12", f"{place} is already given", "release a dose that is left.", place))
    found = in_the_way(schedule, row)
    if row.held and not found:
        raise InputError(Fault("O12", f"{place} is held", "settle its dose first.", place))
    if found:
        raise InputError(*(Fault("O12", f"{place} cannot be released: {finding.level} {finding.id} is open: {finding.message}",
                                 f"answer {finding.id} first." if finding.level == "query" else "a held line is never released; settle what holds it.", place) for finding in found))  # fmt: skip


def board(schedule: Schedule) -> list[dict[str, Any]]:
    """Every dose that is left, in time order: when it is needed, whether it is released, may be, or what stands in the way."""
    return [_row(schedule, row) for row in schedule if not _given(row)]


def _row(schedule: Schedule, row: Administration) -> dict[str, Any]:
    released = (row.record or {}).get("released")
    ways = [finding.id for finding in in_the_way(schedule, row)]
    state = ("released, but changed since: recall it" if released["void"] else f"released by {released.get('by', '')}") if released else "may be released" if not ways else "not to be released"
    return {"order": row.order, "number": row.number, "needed_by": stamp(row.seconds or 0, row.zone), "amount": row.amount and row.amount.to_dict(), "state": state, "open": ways}
