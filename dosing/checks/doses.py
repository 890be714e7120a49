"""Is the dose one that anybody has cited for this drug? Hard limits hold the line, soft ones ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from dosing import forms
from dosing.checks.case import Case, Hit, check, course_check
from dosing.engine.settle import Line
from dosing.regimen import rules
from dosing.regimen.drug import Banding, Drug, Limit
from dosing.rounding import Column, number_text
from dosing.schedule import Level
from dosing.units import exact, same_kind


class Judged(NamedTuple):
    """A line's dose against one limit: outside `hard`, `usual`, or inside."""

    limit: Limit
    verdict: str  # "hard", "usual" or ""
    line: Line
    value: Decimal
    range: forms.Dose

    @property
    def dose(self) -> str:
        """What was judged, in words: `1.5 g/m2/day`."""
        return _say(self.value, self.line, self.range.time)

    @property
    def bounds(self) -> str:
        """The limit in words."""
        return str_bounds(self.range)

    def rounded(self, digits: int) -> Judged:
        """The same with fewer digits, to be shown."""
        return self._replace(value=round(self.value, digits))


def siblings(line: Line, lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines that add up with one over the course: the same drug on the same basis, for every patient.

    A line whose dose is still open stands among them, so that a course not yet whole is not called too low.
    """
    same = [one for one in lines if one.drug.id == line.drug.id and not one.conditions and (one.open or one.basis == line.basis)]
    return tuple(same) if line in same else (line,)


def total(line: Line, time: str, together: Sequence[Line] = ()) -> Decimal:
    """The line's dose per dose or day, or of the course with the lines it adds up with, in the drug's unit and basis."""
    if time == "course":
        return sum((one.value / one.parts * one.count for one in together or (line,)), Decimal(0))
    return line.value / line.parts * (rules.per_day(line.order) if time == "day" else 1)


def judge(limit: Limit, line: Line, together: Sequence[Line] = (), route: str = "") -> Judged | None:
    """A line, over the course `together` with others, against one limit; None where it speaks of another basis, route or interval.

    `route` stands in for a route that the order does not state.
    """
    if not speaks(limit, line, route):
        return None
    bound = limit.hard or limit.usual
    assert bound
    return judge_value(limit, line, total(line, bound.time, together), bound.time == "course" and any(one.open for one in together))


def speaks(limit: Limit, line: Line, route: str = "") -> bool:
    """Whether a limit is of the line's basis, interval, route and kind of unit; `route` stands in for one not stated."""
    bound = limit.hard or limit.usual
    assert line.dose and bound
    if bound.per != line.dose.per or (limit.every and limit.every != (int(line.dose.every * 60) if line.dose.every else 1440 // rules.per_day(line.order))):
        return False
    return (not limit.route or limit.route == (line.order.route or route)) and same_kind(bound.unit, line.drug.unit)


def judge_value(limit: Limit, line: Line, value: Decimal, unfinished: bool = False) -> Judged:
    """A value in the line's drug unit and basis against a limit that speaks of the line; what is `unfinished` is never too low."""
    for name, range_ in (("hard", limit.hard), ("usual", limit.usual)):
        low = 0 if unfinished else range_.low * exact(range_.unit, line.drug.unit, range_.per) if range_ else 0
        if range_ and not low <= value <= _high(range_, line):
            return Judged(limit, name, line, value, range_)
    return Judged(limit, "", line, value, limit.hard or limit.usual)  # type: ignore[arg-type]  # the drug's file has one of them


def _high(range_: forms.Dose, line: Line) -> Decimal:
    return range_.high if range_.high.is_infinite() else range_.high * exact(range_.unit, line.drug.unit, range_.per)


def _say(value: Decimal, line: Line, time: str) -> str:
    """A dose in the unit it is read in, with its basis and time."""
    unit = line.drug.unit
    if line.drug.small_unit and value < 1:
        value, unit = value * exact(unit, line.drug.small_unit), line.drug.small_unit
    basis = f"/{line.dose.per}" if line.dose and line.dose.per else ""
    shown = Decimal(forms.printed(value))
    return f"{shown:,f} {unit}{basis}{'' if time == 'dose' and unit == 'cells' else '/' + time}"


def str_bounds(range_: forms.Dose) -> str:
    """A limit as text, one-sided limits in words."""
    text = f"{range_.unit}{'/' + range_.per if range_.per else ''}/{range_.time}"
    if range_.low == 0:
        return f"at most {forms.plain(range_.high)} {text}"
    if range_.high.is_infinite():
        return f"at least {forms.plain(range_.low)} {text}"
    return f"{forms.plain(range_.low)} to {forms.plain(range_.high)} {text}"


def limits_of(line: Line) -> tuple[Limit, ...]:
    """The limits of the product where one is named and has its own, else those of the drug."""
    return line.product.limits if line.product and line.product.limits else line.drug.limits


def limit_hits(line: Line, together: Sequence[Line] = (), begun: bool = False) -> tuple[Hit, ...]:
    """The findings on one line's dose, which do not depend on the patient.

    Of a course that is `begun` the dose tells no sum over the course: what was given is not what is planned now.
    """
    if line.dose is None:
        return ()
    if line.members and not line.product:
        return tuple(_unnamed(line, line.members))
    judged = [found for limit in limits_of(line) if (found := judge(limit, line, together))]
    counted = [one for one in judged if not (begun and of_course(one.limit))]
    worst = {verdict: next((one for one in counted if one.verdict == verdict), None) for verdict in ("hard", "usual")}
    if hard := worst["hard"]:
        return (_limit_hit(line, hard, "block", "limit.hard"),)
    if not judged and (hard := outside_every_route(line, together, begun)):
        return (_limit_hit(line, hard, "block", "limit.hard"),)
    if not judged and limits_of(line):
        text = f"{line.drug.id}: no cited limit speaks of {line.dose} ({', '.join(line.drug.bases)} are known); it cannot be checked."
        return (Hit(f"{line.id}.dose", "limit.unknown", "query", text, line.id, line.cited()),)
    if usual := worst["usual"]:
        return (_limit_hit(line, usual, "query", "limit.soft"),)
    return ()


def of_course(limit: Limit) -> bool:
    """Whether a limit speaks of the sum over the course."""
    bound = limit.hard or limit.usual
    return bool(bound and bound.time == "course")


def outside_every_route(line: Line, together: Sequence[Line], begun: bool = False) -> Judged | None:
    """Where the order states no route: a hard limit it passes, if it passes one of every route the drug has limits for."""
    by_route: dict[str, list[Judged]] = {}
    for limit in limits_of(line) if not line.order.route else ():
        if limit.route and not (begun and of_course(limit)) and (found := judge(limit, line, together, limit.route)):
            by_route.setdefault(limit.route, []).append(found)
    passed = [next((one for one in found if one.verdict == "hard"), None) for found in by_route.values()]
    return passed[-1] if passed and all(passed) else None


def _limit_hit(line: Line, found: Judged, level: Level, code: str) -> Hit:
    kind = "the hard limit" if level == "block" else "the usual range"
    name = line.product.name if line.product else line.drug.id
    cure = "The line is held; nothing has been changed. A site that disagrees changes its own drug file." if level == "block" else "Confirm it with the prescriber or the protocol's author."
    text = f"{name}: {found.dose} is outside {kind}, {found.bounds} (seen: {found.limit.seen}). {cure}"
    return Hit(f"{line.id}.dose", code, level, text, line.id, found.limit.source)


def _unnamed(line: Line, members: tuple[Drug, ...]) -> Iterator[Hit]:
    """The findings on a drug whose product the source does not name: each product is a different drug."""
    products = [(name, product) for drug in members for name, product in drug.products.items() if product.limits]
    names = ", ".join(name for name, _ in products)
    text = f"{line.drug.id}: the source does not name the product; {names} are dosed differently and are not interchangeable. Ask which one is meant."
    yield Hit(f"{line.id}.product", "product.unnamed", "block", text, line.id, line.cited())
    verdicts = [[judge(limit, line) for limit in product.limits] for _, product in products]
    outside = [any(one and one.verdict == "hard" for one in found) for found in verdicts]
    if not any(outside):
        return
    which = "every product listed" if all(outside) else ", ".join(name for (name, _), out in zip(products, outside, strict=True) if out)
    text = f"{line.dose} is outside the hard limits of {which} ({names}){_folds(line, members)}. The source prints it so; it is computed as printed and held. Ask the protocol's author; no value is suggested."
    yield Hit(f"{line.id}.dose", "limit.hard", "block", text, line.id, line.cited())


def _folds(line: Line, members: tuple[Drug, ...]) -> str:
    """How far the dose lies below the lowest and the usual daily doses seen for any product."""
    products = [product for drug in members for product in drug.products.values()]
    day = total(line, "day")
    lowest = [p.lowest_seen.low * exact(p.lowest_seen.unit, line.drug.unit, p.lowest_seen.per) for p in products if isinstance(p.lowest_seen, forms.Dose)]
    usual = [bound * exact(p.usual_seen.unit, line.drug.unit, p.usual_seen.per) for p in products if p.usual_seen for bound in (p.usual_seen.low, p.usual_seen.high)]
    if not (day and lowest and usual) or day >= min(lowest):
        return ""
    return f": {min(lowest) / day:,.0f}-fold below the lowest and {min(usual) / day:,.0f} to {max(usual) / day:,.0f}-fold below the usual daily dose seen"


@course_check
def doses_are_inside_the_limits(case: Case) -> Iterator[Hit]:
    """Is each dose inside the cited limits of its drug and product, per dose, per day and over the course?"""
    for line in case.lines:
        if line.table and line.table.reduces:
            continue  # judged by what its table leaves, which hangs on the patient: see `tables_are_told`
        together = siblings(line, case.lines) if line.dose else ()
        yield from limit_hits(line, together, not case.begun.isdisjoint(one.id for one in together))


@check
def doses_are_measurable(case: Case) -> Iterator[Hit]:
    """Does no dose round to zero, and does the rounding stay inside the policy's limit?"""
    for line in case.lines:
        found = case.doses.get(line.id)
        if found is None or found.step is None:
            continue
        if not found.fewest:
            zero = found.steps == 0
            text = f"the calculated dose is less than half of the measurable step, {line.drug.step}; it cannot be measured."
            yield Hit(f"{line.id}.measurable", "rounding.zero", "block", text, line.id, line.drug.step_status or "", zero)
        if found.may_keep and found.steps.any() and (kept := found.kept & (found.steps > 0)).any():
            yield Hit(f"{line.id}.rounding", "rounding.limit", "note", _kept(line, case), line.id, case.site.source, kept)


def _kept(line: Line, case: Case) -> str:
    return f"rounding to {line.drug.step} would change the dose by more than {forms.plain(case.site.rounding_limit)} %; the exact dose is kept."


@check
def maxima_are_shown(case: Case) -> Iterator[Hit]:
    """Was a dose cut to the maximum the regimen states?"""
    for line in case.lines:
        found = case.doses.get(line.id)
        if found is not None and line.order.max and found.cut.any():
            yield Hit(f"{line.id}.max", "dose.maximum", "note", f"the calculated dose passes the stated maximum of {line.order.max}; the maximum is used.", line.id, line.cited(), found.cut)


@check
def label_bands_are_shown(case: Case) -> Iterator[Hit]:
    """What would the label's doses by body weight come to, where the drug's file holds such a table?"""
    for line in case.lines:
        for banding in line.drug.bandings if line.rhythm.every else ():
            columns = case.body.facts
            if line.rhythm.every == banding.every and {"weight", banding.when.name} <= columns.keys():
                inside = banding.when.met(columns[banding.when.name])
                if inside.any():
                    name = banding.name.lower().replace(" ", "-")
                    yield Hit(f"{line.id}.bands.{name}", "dose.bands", "note", partial(_band, line, banding, columns), line.id, banding.source, inside)


def _band(line: Line, banding: Banding, columns: Mapping[str, Column], row: int) -> str:
    """The dose of the row's weight band as a rate and as an amount."""
    band = next((one.dose for one in banding.bands if all(condition.met(columns[condition.name][row]) for condition in one.when)), None)
    weight = Decimal(number_text(float(columns["weight"][row])))
    told = f"gives {forms.plain(band.low)} {band.unit}/kg every {forms.say_duration(banding.every)}, {forms.plain(band.low * weight)} {band.unit}" if isinstance(band, forms.Dose) else "has no row"
    return f"{line.drug.id}: the table of the {banding.name} {told} at {weight} kg; shown, not used."
