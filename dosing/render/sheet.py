"""From a schedule to one neutral page: the only place where numbers become text. Renderers only place it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING

from dosing.render import blinding, days, grid, issued, names, past, preparing, record, wording
from dosing.render.page import Fact, Question, Sheet
from dosing.schedule import Finding, Schedule

if TYPE_CHECKING:
    from dosing.preparation import Preparation as Prepared

PLANNED, MEASURED = re.compile(r"weight changed from (\d\S* \S+) to"), re.compile(r"\bweighed (\d\S* [a-z]+)")  # as a course tells its weights
ROLES = ("Prescriber", "Pharmacist 1, calculated", "Pharmacist 2, checked")


def sheet(schedule: Schedule, preparation: Prepared | None = None) -> Sheet:
    """The sheet of one schedule, every number already text; `preparation` is what `dosing.prepare` gave for it."""
    made = preparation or preparing.prepared(schedule)
    drawn = preparing.drawn(schedule, made)
    number, columns = document(schedule, preparation), grid.columns(schedule)
    entries = tuple(replace(entry, drawn=drawn.get((row.order, row.number), "")) for entry, row in zip(record.entries(schedule), past.every(schedule), strict=True))
    return Sheet(
        language=schedule.locale,
        words=wording.words(schedule.locale),
        title=wording.plain(schedule.title, schedule.locale),
        banner=banner(schedule),
        status=", ".join(filter(None, (status(schedule), issue(schedule)))),
        identity=identity(schedule),
        basis=basis(schedule),
        columns=columns,
        rows=grid.rows(schedule, drawn),
        questions=questions(schedule),
        entries=entries,
        workings=record.workings(schedule),
        body=record.body(schedule),
        checks=record.checks(schedule),
        decisions=record.decisions(schedule),
        order_notes=record.order_notes(schedule),
        not_scheduled=record.not_scheduled(schedule),
        silent=record.silent(schedule),
        sources=record.sources(schedule),
        signatures=ROLES if schedule.releasable else (),
        footer=footer(schedule, number),
        document=number,
        days=days.blocks(schedule, entries, columns, preparing.fluids(schedule, made)),
        issued=issued.changes(schedule),
        preparation=preparing.listed(schedule, made),
        unnamed=unnamed(schedule),
    )


def document(schedule: Schedule, preparation: Prepared | None = None) -> str:
    """The document number: the first ten hex digits of the SHA-256 of the schedule's JSON and the patient's identity.

    A stated preparation is part of it. Two patients with the same measures must not share a number; the number
    itself tells neither name nor birth date.
    """
    stated = [preparation.to_dict()] if preparation else []
    canonical = dumps([schedule.to_dict(), schedule.identity, *stated], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()[:10]


def banner(schedule: Schedule) -> str:
    """`NOT RELEASABLE` with what stands in the way; empty for a releasable schedule."""
    if schedule.releasable:
        return ""
    held = sum(row.held for row in schedule)
    counted = [f"{held} dose{'s' if held != 1 else ''} on HOLD"] if held else []
    asked = f"{len(schedule.open)} quer{'ies' if len(schedule.open) != 1 else 'y'} open"
    return f"{wording.words(schedule.locale)['not_releasable']}: {', '.join([*counted, asked])}"


def status(schedule: Schedule) -> str:
    """What every page and file must say of itself: `UNBLINDED: pharmacy only` where it tells an arm, `DRAFT REGIMEN`."""
    word = schedule.regimen.get("status", "")
    draft = "" if word == "released" else f"{word.upper()} REGIMEN"
    return ", ".join(filter(None, [wording.words(schedule.locale)["unblinded"] if blinding.told(schedule) else "", draft]))


def issue(schedule: Schedule) -> str:
    """`Issue 2, replaces issue 1` of a course, or that it is a copy and which issue was the last; empty for a plan."""
    words = wording.words(schedule.locale)
    if schedule.issue:
        told = (words["issue"], words["replaces"] if schedule.replaces else "")
    elif schedule.series:
        told = (words["copy"], words["last_issue" if names.last_issue(schedule) else "never_issued"])
    else:
        return ""
    return ", ".join(filter(None, told)).format(issue=schedule.issue or names.last_issue(schedule), replaces=schedule.replaces)


def unnamed(schedule: Schedule) -> str:
    """What stands at the signatures while neither name nor hospital number is entered; else empty."""
    return "" if schedule.identity.get("name") or schedule.identity.get("id") else wording.words(schedule.locale)["unnamed"]


def identity(schedule: Schedule) -> tuple[Fact, ...]:
    """Who the patient is; what is not known says so."""
    return (
        Fact("Name", known(schedule, "name")),
        Fact("Hospital number", _numbers(schedule)),
        Fact("Born", known(schedule, "born")),
        Fact("Age", known(schedule, "age")),
        Fact("Sex", known(schedule, "sex")),
        Fact("Allergies", known(schedule, "allergies")),
    )


def _numbers(schedule: Schedule) -> str:
    """The hospital number, and the subject number where the course is a trial's."""
    subject = (schedule.course or {}).get("subject")
    return known(schedule, "id") + (f"; {wording.words(schedule.locale)['subject']} {subject}" if subject else "")


def basis(schedule: Schedule) -> tuple[Fact, ...]:
    """What the doses rest on: regimen, weight with its date, height, body surface, creatinine, day 0."""
    surface = schedule.metrics.get("bsa")
    return (
        Fact("Regimen", regimen_name(schedule)),
        Fact("Weight", _weight(schedule)),
        Fact("Height", known(schedule, "height")),
        Fact("Body surface", wording.fact(surface, schedule.locale) if surface else "not calculated"),
        Fact("Creatinine", _creatinine(schedule)),
        Fact("Day 0", _day0(schedule)),
    )


def known(schedule: Schedule, key: str) -> str:
    """A fact of the patient as text, a date as `01 Jan 1986`; `not entered` without one."""
    value = schedule.identity.get(key) or schedule.patient.get(key)
    return wording.read_date(wording.fact(value, schedule.locale), schedule.locale) if value else wording.WORDS["not_entered"]


def _weight(schedule: Schedule) -> str:
    weighed = known(schedule, "weighed")
    date = "date not entered" if weighed == wording.WORDS["not_entered"] else f"weighed {weighed}"
    if not schedule.patient.get("weight"):
        return wording.WORDS["not_entered"]
    return "; ".join((f"{known(schedule, 'weight')}, {date}", *_other_weights(schedule)))


def _other_weights(schedule: Schedule) -> Iterator[str]:
    """The weight a course was planned with, and the last one measured, where the doses do not rest on them."""
    said = [one.message for one in schedule.findings if one.code.startswith("course.")]
    for words, pattern in (("planned with {}", PLANNED), ("measured {} since, not used", MEASURED)):
        found = [wording.plain(told[1], schedule.locale) for text in said for told in pattern.finditer(text)][-1:]
        yield from (words.format(told) for told in found if told != known(schedule, "weight"))


def _creatinine(schedule: Schedule) -> str:
    if schedule.patient.get("crcl"):
        return f"clearance {known(schedule, 'crcl')}"
    return known(schedule, "creatinine")


def _day0(schedule: Schedule) -> str:
    if schedule.day0 is None:
        return "not set: relative schedule"
    return f"{wording.day_date(schedule.day0, schedule.locale)}, {schedule.zone}"


def questions(schedule: Schedule) -> tuple[Question, ...]:
    """The open findings, blocks first."""
    ordered = sorted(schedule.open, key=lambda finding: finding.level != "block")
    return tuple(_question(schedule, finding) for finding in ordered)


def _question(schedule: Schedule, finding: Finding) -> Question:
    about = names.name_of(schedule, finding.order) if finding.order else ""
    state = "HOLD, line held" if finding.level == "block" else "QUERY"
    told = wording.on_paper(names.prose(schedule, finding.message)) + _needed_by(schedule, finding)
    return Question(
        finding.id, state, about, issued.moments(told, schedule.locale), record.cites(finding.cite, schedule.locale)
    )


def _needed_by(schedule: Schedule, finding: Finding) -> str:
    """By when a course's question must be answered: the start of the first dose that waits for it."""
    start = (schedule.course or {}).get("needed_by", {}).get(finding.id)
    return f" Answer needed by {start}." if start else ""


def regimen_name(schedule: Schedule) -> str:
    """`id@version` of the regimen and of every block added to it."""
    regimen = schedule.regimen
    blocks = regimen.get("blocks") or ()
    return f"{regimen['id']}@{regimen['version']}" + (f" with {', '.join(blocks)}" if blocks else "")


def footer(schedule: Schedule, number: str) -> str:
    """Document number, issue or copy, regimen with its checksum, print time where it was given, and the warning."""
    printed = f" Printed {schedule.printed_at}." if schedule.printed_at else ""
    checksum = f"#{schedule.regimen.get('sha256', '')[:10]}"
    return f"Document {number}, {names.issue(schedule)}. Regimen {regimen_name(schedule)} {checksum}.{printed} {wording.WORDS['warning']}"
