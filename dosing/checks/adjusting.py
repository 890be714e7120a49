"""What was named instead of assumed: weight rules, tables, maxima of a surface, Calvert's cap, packs, lifetime doses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial

import numpy as np

from dosing import forms
from dosing.checks.case import Case, Hit, check, per_course
from dosing.checks.doses import limit_hits, siblings, str_bounds
from dosing.engine.adjust import Adjustment
from dosing.engine.dose import Doses, Packed, in_drug_unit
from dosing.engine.settle import Line
from dosing.rounding import Column, number_text
from dosing.schedule import Level
from dosing.units import exact

FDA = "FDA 2010 (ucm228974); Calvert AH et al, J Clin Oncol 1989;7:1748"
CALVERT_MOST = 125


@check
def adjustments_are_told(case: Case) -> Iterator[Hit]:
    """What follows from the named rules, tables, maxima and packs of the lines, and from what was given before?"""
    if _concerned(case) or case.body.prior:
        for asked in (named_weights_are_told, tables_are_told, surface_maxima_are_told, calvert_is_told, packs_are_told, lifetime_doses_are_asked):
            yield from asked(case)


@per_course
def _concerned(case: Case) -> bool:
    """Whether any line is dosed by something of this kind; most courses end here."""
    return any(line.rule or line.table or line.rounded or line.order.bsa_max or line.basis == "gfr" or line.drug.lifetime for line in case.lines)


def named_weights_are_told(case: Case) -> Iterator[Hit]:
    """By which named rule is a line weighed, and does it hang on a threshold that the rule's source does not name?"""
    for line in case.lines:
        if line.rule is None or line.id not in case.doses:
            continue
        told = f"{line.drug.id}: dosing weight by {line.rule.title} ({line.weight}@{line.rule.version})"
        light, heavy = case.body.sides(line.weight, line.rule)
        asked = (light != heavy) & bool(line.rule.proposal)
        if asked.any():
            yield Hit(f"{line.id}.weight", "weight.rule", "query", partial(_threshold, case, line, told, light, heavy), line.id, line.rule.source, asked)
        if not asked.all():
            yield Hit(f"{line.id}.weight", "weight.rule", "note", f"{told}.", line.id, line.rule.source, ~asked)


def _threshold(case: Case, line: Line, told: str, light: Column, heavy: Column, row: int) -> str:
    """The weight that is used and the one beyond the threshold, for a person to confirm."""
    assert line.rule and line.rule.heavy
    beyond = case.body.is_heavy(line.rule)[row]
    used, other = (heavy, light) if beyond else (light, heavy)
    return f"{told}: {used[row]:g} kg, as {line.rule.heavy.text} {'holds' if beyond else 'does not hold'}; on the other side it is {other[row]:g} kg. {line.rule.proposal}. Confirm."


def tables_are_told(case: Case) -> Iterator[Hit]:
    """Which row of a named table does a patient fall into, does it say not to give, and is its dose inside the limits?"""
    for line in case.lines:
        found = case.doses.get(line.id)
        if found is None or line.table is None or found.bands is None:
            continue
        withheld = found.withheld if found.withheld is not None else np.zeros(len(found.bands), bool)
        if withheld.any():
            yield Hit(f"{line.id}.adjust", "dose.table", "block", partial(_row_told, line, line.table, found), line.id, line.table.source, withheld)
        if not withheld.all():
            yield Hit(f"{line.id}.adjust", "dose.table", "note", partial(_row_told, line, line.table, found), line.id, line.table.source, ~withheld)
        yield from _outside_limits(case, line, line.table, found)
        yield from _two_reductions(line, line.table, found)


def _row_told(line: Line, table: Adjustment, found: Doses, row: int) -> str:
    assert found.bands is not None
    place = int(found.bands[row])
    if place < 0:
        return f"{line.drug.id}: the table of the {table.name} does not speak of this patient; the printed dose stands."
    band = table.bands[place]
    gives = str(band.dose) if band.dose else "do not give" if band.share is None else f"{forms.plain(band.share * 100)} % of the printed dose"
    parts = [f"{line.drug.id}: the table of the {table.name} says {gives} ({band.text})", f"it was written for {table.speaks_of}" if table.speaks_of else "", band.note]
    return "; ".join(filter(None, parts)) + "."


def _outside_limits(case: Case, line: Line, table: Adjustment, found: Doses) -> Iterator[Hit]:
    """The limits of the drug, asked of every dose that a table puts in place of the printed one or leaves of it."""
    assert found.bands is not None
    together = siblings(line, case.lines)
    begun = not case.begun.isdisjoint(one.id for one in together)
    for place, band in enumerate(table.bands):
        if not (inside := found.bands == place).any():
            continue
        if band.dose:
            instead = replace(line, value=in_drug_unit(band.dose, line) * (line.order.share or 1), dose=band.dose if not line.dose else replace(line.dose, low=band.dose.low, high=band.dose.high))
            yield from (hit._replace(id=f"{line.id}.table-dose", mask=inside) for hit in limit_hits(instead))
        elif band.share is not None:
            left = replace(line, value=line.value * band.share)
            yield from (hit._replace(mask=inside) for hit in limit_hits(left, tuple(left if one is line else one for one in together), begun))


def _two_reductions(line: Line, table: Adjustment, found: Doses) -> Iterator[Hit]:
    """Where a person leaves a part of the dose and a table a part of that: are both meant?"""
    assert found.bands is not None
    share, parts = line.order.share, [band.share or Decimal(1) for band in table.bands]
    reduced = np.isin(found.bands, [place for place, part in enumerate(parts) if part != 1])
    if share is None or not reduced.any():
        return

    def told(row: int) -> str:
        part = parts[int(found.bands[row])]  # type: ignore[index]
        return f"{line.drug.id} is reduced twice: to {forms.plain(share * 100)} % as set by a person, and to {forms.plain(part * 100)} % by the table of the {table.name}; together {forms.plain(share * part * 100)} % of the printed dose. Take one of them back, or confirm both."

    yield Hit(f"{line.id}.reductions", "dose.reductions", "query", told, line.id, table.source, reduced)


def surface_maxima_are_told(case: Case) -> Iterator[Hit]:
    """Was a body surface cut to the maximum an order states, and what would it be without?"""
    for line in case.lines:
        found = case.doses.get(line.id)
        if found is not None and found.uncapped is not None and (cut := found.uncapped > found.basis).any():
            yield Hit(f"{line.id}.bsa-max", "bsa.maximum", "note", partial(_uncapped, line, found), line.id, line.cited(), cut)


def _uncapped(line: Line, found: Doses, row: int) -> str:
    assert found.uncapped is not None
    dose = number_text(float(found.raw[row] / found.basis[row] * found.uncapped[row]))
    return f"{line.drug.id}: the body surface of {number_text(float(found.uncapped[row]))} m² is taken as {line.order.bsa_max} m², the stated maximum; without it the dose is {dose} {line.drug.unit}."


def calvert_is_told(case: Case) -> Iterator[Hit]:
    """Was an estimated GFR cut to 125 mL/min for a dose by AUC, or is a measured one above it?"""
    for line in case.lines:
        if line.basis != "gfr" or line.id not in case.doses:
            continue
        measured = "gfr" in case.body.facts
        gfr = case.body.facts["gfr"] if measured else case.body.clearance[0] if case.body.clearance else np.zeros(1)
        if (over := gfr > CALVERT_MOST).any():
            level: Level = "query" if measured else "note"
            yield Hit(f"{line.id}.gfr", "dose.calvert", level, partial(_measured if measured else _estimated, line, gfr), line.id, FDA, over)


def _measured(line: Line, gfr: Column, row: int) -> str:
    return f"{line.drug.id}: the measured GFR of {gfr[row]:g} mL/min is above {CALVERT_MOST}; the cap is for estimates and is not applied. With {CALVERT_MOST} the dose is {_by_gfr(line, CALVERT_MOST)}. Confirm the measurement."


def _estimated(line: Line, gfr: Column, row: int) -> str:
    return f"{line.drug.id}: the clearance of {gfr[row]:.4g} mL/min is an estimate and is taken as {CALVERT_MOST}; without the cap the dose is {_by_gfr(line, float(gfr[row]))}. A measured GFR is entered with --gfr."


def _by_gfr(line: Line, gfr: float) -> str:
    return f"{number_text(line.factor * (gfr + 25))} {line.drug.unit}"


def packs_are_told(case: Case) -> Iterator[Hit]:
    """Which lines are rounded to whole vials or standard doses, by which policy, and where was neither near enough?"""
    for line in case.lines:
        found = case.doses.get(line.id)
        if found is None or line.rounded is None or found.packed is None:
            continue
        name, taken = "whole vials" if line.rounded.kind == "vial" else "a standard dose", found.packed.taken
        if taken.any():
            yield Hit(f"{line.id}.packs", "rounding.packs", "note", partial(_packed, line, found, found.packed), line.id, line.rounded.source, taken)
        if not taken.all():
            text = f"{line.drug.id}: no {name} lies within {forms.plain(line.rounded.limit)} % of the dose and at or below its maximum; the measurable step is used."
            yield Hit(f"{line.id}.packs", "rounding.packs", "note", text, line.id, line.rounded.source, ~taken)


def _packed(line: Line, found: Doses, packed: Packed, row: int) -> str:
    assert line.rounded
    exact, amount = float(found.calculated[row]), float(packed.amounts[row])
    return f"{line.drug.id}: {number_text(exact)} {line.drug.unit} is given as {number_text(amount)} {line.drug.unit} ({(amount / exact - 1) * 100:+.1f} %), by {line.rounded.told}."


def lifetime_doses_are_asked(case: Case) -> Iterator[Hit]:
    """Where a drug has a limit over a life: what was given before, and does it pass the limit with this course?"""
    for line in _first_of_each_drug(case):
        limit, told = line.drug.lifetime, case.body.prior.of(line.drug.id)
        if limit is None and told:
            yield Hit(f"{line.id}.prior", "dose.prior", "note", f"given before: {told.text}; no limit over a life is known here for {line.drug.id}.", line.id, line.drug.id)
        elif limit is not None and (told is None or told.dose is None):
            known = f"not known{': entered as unknown' if told else ''}"
            yield Hit(f"{line.id}.prior", "dose.prior", "query", f"{line.drug.id} has a limit over a life, {str_bounds(limit)}, and what was given before is {known}. Give --prior \"{line.drug.id} …\", or answer.", line.id, line.drug.id)
        elif limit is not None and told and told.dose:
            yield from _over_a_life(case, line, limit, told.dose)


def _first_of_each_drug(case: Case) -> list[Line]:
    return list({line.drug.id: line for line in reversed(case.lines) if line.id in case.doses}.values())[::-1]


def _over_a_life(case: Case, line: Line, limit: forms.Dose, before: forms.Dose) -> Iterator[Hit]:
    """Earlier doses and this course together, in the basis of the limit; a prior of another basis is asked again."""
    if before.per != limit.per:
        yield Hit(f"{line.id}.prior", "dose.prior", "query", f"what was given before is per {before.per or 'patient'}, and the limit of {line.drug.id} per {limit.per or 'patient'}. Give it in {limit.unit}{'/' + limit.per if limit.per else ''}.", line.id, line.drug.id)
        return
    unit = exact(before.unit, limit.unit, before.per)
    sizes = {"m2": lambda: case.body.bsa, "kg": lambda: case.body.need("weight", "a dose per kg"), "": lambda: np.ones(1)}
    amounts = sum((case.whole(one.id) for one in case.lines if one.drug.id == line.drug.id and one.id in case.doses), np.zeros(1))
    whole = float(before.high * unit) + amounts * float(exact(line.drug.unit, limit.unit)) / sizes[limit.per]()
    over = whole > float(limit.high) * (1 + 1e-12)
    level_text = lambda row: f"{line.drug.id}: {before.text} before and this course make {whole[row]:.4g} {limit.unit}{'/' + limit.per if limit.per else ''} over a life; the limit is {str_bounds(limit)}."  # noqa: E731
    if over.any():
        yield Hit(f"{line.id}.prior", "dose.lifetime", "block", level_text, line.id, line.drug.id, over)
    if not over.all():
        yield Hit(f"{line.id}.prior", "dose.lifetime", "note", level_text, line.id, line.drug.id, ~over)
