"""Every plan is calculated a second time by other code; a difference withholds the schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, TypeVar

from dosing import forms, second
from dosing.checks import Case, per_course
from dosing.engine.body import Body
from dosing.engine.dose import Reading
from dosing.engine.settle import Line
from dosing.engine.timeline import Rhythm
from dosing.errors import Disagreement, Fault
from dosing.patient import Patient, When
from dosing.regimen.site import Site
from dosing.rounding import number_text

T = TypeVar("T")
DO = "send this message to the maintainers; no schedule was made."


def verify(case: Case, row: int, person: second.Person, held: set[str], readings: dict[str, Reading]) -> dict[str, Any]:
    """Calculate one row again from canonical texts and compare; `Disagreement` (E01) names each difference.

    `readings` are the doses of the row as they will be printed.
    """
    agree(other_lines(case, row, person))
    dosed = [line for line in case.lines if line.id in readings]
    lines = [_line(line, case.when, readings[line.id].unit, readings[line.id].scale, case.site.rounding_limit) for line in dosed]
    places = _places(case)
    theirs = says(partial(second.recalculate, lines, person, when_text(case.when)))
    ours = []
    for line in dosed:
        told = readings[line.id]
        calculated, amount = float(case.doses[line.id].calculated[row]) * told.scale, "held" if line.id in held else told.amount
        ours += [(*place, calculated, amount) for place in places[line.id]]
    agree(second.differences(ours, theirs))
    return {"agrees": True, "doses": len(theirs)}


def other_lines(case: Case, row: int, person: second.Person) -> list[str]:
    """Orders that hang on a fact of the patient, and which only one of the two calculations gives to him."""
    hanging = [line for line in case.settled.lines if line.conditions and line.id not in case.begun] if case.applies else []
    return [f"{line.id}: is it for a patient with {of_patient(line)}? Only one of them says so"
            for line in hanging if says(partial(second.meets, of_patient(line), person)) != bool(case.applies[line.id][row])]  # fmt: skip


@lru_cache(maxsize=1024)
def of_patient(line: Line) -> str:
    """The facts of the patient that an order hangs on, as the second calculation reads them."""
    return _conditions(line.conditions)


def _conditions(all_of: Iterable[forms.Condition]) -> str:
    return " & ".join(f"{one.name} {one.operator} {one.value}" for one in all_of)


def says(work: Callable[[], T]) -> T:
    """What the second calculation says; `Disagreement` (E01) where it cannot read what it is asked."""
    try:
        return work()
    except ValueError as error:
        raise Disagreement(Fault("E01", f"the second calculation cannot read the plan: {error}", DO, "second calculation")) from None


def agree(different: Sequence[str]) -> None:
    """Raise `Disagreement` (E01) with each difference of the two calculations; nothing where there is none."""
    if different:
        raise Disagreement(*(Fault("E01", f"the two calculations differ: {text}", DO, "second calculation") for text in different))


@per_course
def _places(case: Case) -> dict[str, list[tuple[str, int, int, int | None]]]:
    """Order, number, day and start of every administration, by order."""
    return {name: [(name, number, slot.day, slot.seconds) for number, slot in enumerate(slots, 1)] for name, slots in case.slots.items()}


@lru_cache(maxsize=1024)
def when_text(when: When) -> second.When:
    """Day 0, zone and hours as the texts that the second calculation reads."""
    return second.When(when.day0.isoformat() if when.day0 else "", when.zone, when.times)


@lru_cache(maxsize=4096)
def _line(line: Line, when: When, unit: str, scale: int, limit: Decimal) -> second.Line:
    """A line as the canonical text that the second calculation reads: its dose at its places."""
    return timed(line, dose_text(line, unit, scale, limit), when)


def timed(line: Line, text: second.Line, when: When) -> second.Line:
    """A canonical text of a line at the line's places."""
    told = times_of(line.rhythm, when)
    return text._replace(**(told | {"run": line.order.days} if told["run"] else told))


def dose_text(line: Line, unit: str, scale: int, limit: Decimal) -> second.Line:
    """The dose of a line as canonical text, in a unit that `scale` of make one of the drug's; its days are left out."""
    order, step = line.order, line.drug.step.value if line.drug.step and line.order.rounding != "none" else None
    return second.Line(
        line.id, str(line.dose), unit, forms.plain(step * scale) if step else "", (), weight=weight_text(line), cap=f"{forms.plain(order.max.value)} {order.max.unit}" if order.max else "",
        factors=(forms.plain(order.share),) if order.share is not None else (), bsa_max=forms.plain(order.bsa_max) if order.bsa_max else "",
        bands=_bands(line), limit=forms.plain(limit), packs=_packs(line, scale),
    )  # fmt: skip


def weight_text(line: Line) -> str:
    """The dosing weight by its name, or the rule behind the name as the second calculation reads it."""
    rule = line.rule
    if rule is None or not rule.ideal:
        return "actual" if rule else line.weight
    heavy = f" {forms.plain(rule.fraction)} {'ideal' if rule.heavy.unit == '% of ideal' else rule.heavy.name} {rule.heavy.operator} {rule.heavy.value}" if rule.heavy and rule.fraction else ""
    return f"rule {rule.ideal} {rule.otherwise}{heavy}"


def _bands(line: Line) -> tuple[tuple[str, str], ...]:
    """The rows of the line's table: conditions, and the part or the dose they give."""
    if line.table is None:
        return ()
    told = [(_conditions((*line.table.when, *band.conditions)), band) for band in line.table.bands]
    return tuple((text, f"{forms.plain(band.dose.low)} {band.dose.unit}" if band.dose else forms.plain(band.share if band.share is not None else Decimal(1))) for text, band in told)


def _packs(line: Line, scale: int) -> str:
    if line.rounded is None:
        return ""
    return " ".join([line.rounded.kind, *map(forms.plain, (line.rounded.limit, *(size * scale for size in line.rounded.sizes)))])


@lru_cache(maxsize=4096)
def times_of(rhythm: Rhythm, when: When) -> dict[str, Any]:
    """The days and hours of a rhythm as the texts that the second calculation reads."""
    hours, hung = dict(when.times), bool(rhythm.event)
    own, printed = hours.get(rhythm.order, ""), tuple(map(forms.say_time, rhythm.clock))
    return {
        "days": tuple(day + rhythm.event_day for day in rhythm.days),
        "at": () if rhythm.every or hung else (own,) if own else printed,
        "every": forms.plain(Decimal(rhythm.every) / 60) if rhythm.every else "",
        "first": next(iter(printed), "") if hung else (own or next(iter(printed), "")) if rhythm.every else "",
        "event": rhythm.event, "offset": rhythm.offset, "lengths": rhythm.lengths, "which": rhythm.which,
        "anchors": tuple(counted(anchor.order, anchor)._replace(**times_of(anchor, when)) for anchor in rhythm.anchors),
        "run": tuple(range(-(-rhythm.doses * rhythm.every // 1440))) if rhythm.every and hung else (),
    }  # fmt: skip


def counted(order: str, rhythm: Rhythm) -> second.Line:
    """Doses of 1 mg in the rhythm of an order, of which only the number and the times are read."""
    every = f" every {forms.plain(Decimal(rhythm.every) / 60)} h" if rhythm.every else ""
    return second.Line(order, f"1 mg/dose{every}" + (f" x {rhythm.doses} doses" if rhythm.doses else ""), "mg", "", ())


def person_of(patient: Patient, body: Body) -> second.Person:
    """The patient as plain texts, with the site's conventions."""
    age = number_text(float(body.facts["age"][0])) if "age" in body.facts else ""
    return nobody(body.bsa_formula, body.site)._replace(
        weight=_text(patient.weight), height=_text(patient.height), sex=patient.sex or "", age=age,
        creatinine=_text(patient.creatinine), crcl=_text(patient.crcl), gfr=_text(patient.gfr),
    )  # fmt: skip


def nobody(formula: str, site: Site) -> second.Person:
    """A person of whom only the BSA formula and the site's conventions are known."""
    return _nobody(formula, site.bsa_step, site.bsa_floor, site.weight_step)


@lru_cache(maxsize=64)
def _nobody(formula: str, bsa_step: Decimal, bsa_floor: Decimal, weight_step: Decimal) -> second.Person:
    return second.Person("", bsa_formula=formula, bsa_step=_text(bsa_step), bsa_floor=_text(bsa_floor), weight_step=_text(weight_step))


def _text(value: Any) -> str:
    return forms.plain(value) if value is not None else ""
