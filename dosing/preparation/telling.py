"""A preparation as plain text: one block an order, one line for all doses that are prepared alike, then fluids and questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from dosing.derivation import percent, spoken
from dosing.forms import say_day, say_days, say_duration
from dosing.preparation.cells import DMSO_CITE, BagPlan
from dosing.preparation.moments import spoken_moment
from dosing.preparation.volumes import amount, at_least, at_most, digits, shown
from dosing.schedule import Amount

if TYPE_CHECKING:
    from dosing.preparation.prepared import Day, Part, Preparation, Prepared


def tell_row(made: Prepared) -> str:
    """One administration as one line, with its warnings below it."""
    row = made.row
    head = f"day {row.day:+d} {row.order}#{row.number} {row.drug} {row.amount if row.amount else 'no dose in the source'}"
    return "\n".join([f"{head}: {'; '.join(steps(made)) or 'not known'}", *(f"  ! {text}" for text in made.warnings)])


def tell_day(day: Day) -> str:
    """A day's fluid as one line, with the orders whose volume is not known."""
    return f"day {_day(day.day)}: {_fluid(day)}"


def _fluid(day: Day) -> str:
    limit = f" of at most {amount(day.limit, 'mL/kg')}" if day.limit is not None else ""
    by_weight = "" if day.per_kg is None else f" = {amount(round(day.per_kg, 2), 'mL/kg')}{limit}"
    dmso = f", DMSO {amount(round(day.dmso_per_kg, 3), 'g/kg')} in {amount(round(day.dmso_ml_per_kg, 2), 'mL/kg')}; {DMSO_CITE}" if day.dmso_per_kg and day.dmso_ml_per_kg else ""
    blank = f" and what {', '.join(day.unknown)} bring{'s' if len(day.unknown) == 1 else ''}, not known" if day.unknown else ""
    if not day.volume and day.unknown:
        return f"fluid of {', '.join(day.unknown)} not known"
    return f"fluid {'' if day.complete else 'at least '}{amount(round(day.volume, 2), 'mL')}{by_weight}{dmso}{blank}"


def tell_all(preparation: Preparation) -> str:
    """The whole preparation: orders, fluid of each day, what is missing with its answer, and notes."""
    lines = ["Preparation", "-----------"]
    seen = ""
    for group in preparation.groups:
        if group[0].row.order != seen:
            lines += ["", *_head(group[0])]
            seen = group[0].row.order
        lines += _group(group)
    lines += ["", "Fluid by day (these preparations only; flushes and hydration are not counted)", *(f"  {text}" for text in _days(preparation.days))]
    asked = {one.id for one in preparation.asks}
    lines += ["", "To be stated", *(f"  ? {one.message}" for one in preparation.asks)] if asked else []
    notes = dict.fromkeys(one.message for one in preparation.findings if one.level == "note")
    lines += ["", "Notes", *(f"  {text}" for text in notes)] if notes else []
    return "\n".join(_folded(lines))


def _folded(lines: Sequence[str]) -> Iterator[str]:
    """Lines of at most 100 signs, continued below the start of their text."""
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
        yield from wrap(line, 100, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False) or [""]


def _days(days: Sequence[Day]) -> Iterator[str]:
    """The fluid of each day; neighbouring days alike share a line."""
    for told, group in groupby(days, key=_fluid):
        found = [day.day for day in group]
        yield f"day {say_days(tuple(found)).replace('..', ' to ').replace('-', '−')}: {told}"


def _day(day: int) -> str:
    return say_day(day).replace("-", "−")


def _head(made: Prepared) -> Iterator[str]:
    """The order with its product, and what the labels say, each with its source."""
    yield f"{made.drug_name or made.row.drug} ({made.row.order}): {' + '.join(made.names) or ('by its release certificate' if made.unit == 'cells' else 'no product named')}"
    yield from (f"    {label.kind}: {label.text}" for label in made.labels)
    yield from (f"    source: {text}" for text in dict.fromkeys(label.source for label in made.labels))


def _group(group: Sequence[Prepared]) -> Iterator[str]:
    """Doses prepared alike: when, how many, how much, then one step a line."""
    made = group[0]
    numbers = [one.row.number for one in group]
    doses = f"dose {numbers[0]}" if len(group) == 1 else f"doses {', '.join(map(str, numbers))}" if numbers[-1] - numbers[0] != len(group) - 1 else f"doses {numbers[0]} to {numbers[-1]}"
    days = say_days(tuple(dict.fromkeys(one.row.day for one in group))).replace("..", " to ").replace("-", "−")
    each = " each" if len(group) > 1 else ""
    yield f"  day {days}, {doses} of {made.row.of}: {made.row.amount if made.row.amount else 'no dose in the source'}{each}"
    yield from (f"    - {text}" for text in steps(made, group))
    yield from (f"    ! {text}" for text in made.warnings)


def steps(made: Prepared, group: Sequence[Prepared] = ()) -> Iterator[str]:
    """What is done, in its order: dissolve, draw, bag, run, keep."""
    yield from _dissolved(made)
    yield from _drawn(made)
    yield from _cells(made)
    yield from _bagged(made)
    yield from _run(made)
    yield from _kept(made, group)


def _dissolved(made: Prepared) -> Iterator[str]:
    for one in made.dissolve:
        whole = f" ({shown(one.total, 'mL')} in all)" if one.total is not None and one.count > 1 else ""
        yield f"reconstitute {one.count} × {one.product}: {one.text}{whole}"


def _drawn(made: Prepared) -> Iterator[str]:
    if made.working:
        yield made.working
    if made.volume is not None and not made.bags:
        exact = f" (exactly {shown(made.exact, 'mL')})" if made.deviation else ""
        off = "".join(f", {_signed(off)} of {of} {word}" for off, of, word in made.apart)
        yield f"draw up {_measured(made)}{exact} = {amount(made.drawn, made.unit)}{off}"
    if made.vials:
        left = f", {amount(made.waste, made.unit)} left over" if made.waste else ", nothing left over"
        yield f"vials {' + '.join(f'{one.count} × {one.content}' for one in made.vials)}{left}"
    if made.shared:
        yield made.shared


def _measured(made: Prepared) -> Amount | None:
    """The volume as it is drawn up: a mark of the syringe as it is, else as volumes are printed."""
    return amount(made.volume, "mL") if made.deviation else shown(made.volume, "mL")


def _cells(made: Prepared) -> Iterator[str]:
    for plan in made.bags:
        yield _plan(plan, made.kind)
    for part in made.parts:
        yield _part(part, made)
    if made.dmso:
        volume = f" in {amount(made.dmso_volume, 'mL')}" if made.dmso_volume is not None else ""
        yield f"DMSO {amount(round(made.dmso, 3), 'g')}{volume}"


def _plan(plan: BagPlan, kind: str) -> str:
    which = f"bag{'s' if len(plan.names) > 1 else ''} {' + '.join(plan.names)}" if plan.names else f"{plan.bags} whole bag{'s' if plan.bags > 1 else ''}"
    off = f" ({_signed(plan.deviation)})" if plan.deviation is not None else ""
    per_kg = f", {spoken(digits(round(plan.per_kg)))} per kg" if plan.per_kg is not None else ""
    volume = f", {shown(plan.volume, 'mL')}" if plan.volume is not None else ""
    return f"{which} = {spoken(digits(plan.cells))} {kind or 'cells'}{off}{per_kg}{volume}"


def _part(part: Part, made: Prepared) -> str:
    when = spoken_moment(part.seconds, made.row.zone) if part.seconds is not None else f"day {part.day:+d}"
    what = " + ".join(part.bags)
    volume = f"{shown(part.volume, 'mL')}" if part.volume is not None else "volume not known"
    cells = f" = {spoken(digits(part.cells))} cells" if part.cells is not None else ""
    thaw = f"; thaw not before {spoken_moment(part.thaw_from, made.row.zone)}" if part.thaw_from is not None else ""
    return f"part {part.number} of {part.of}, {when}: {f'{what}, ' if what else ''}{volume}{cells}{thaw}"


def _bagged(made: Prepared) -> Iterator[str]:
    fluid, named = made.fluid, f" of {' or '.join(made.fluid.diluents)}" if made.fluid.diluents else ""
    if fluid.diluent == 0:
        yield "undiluted"
    elif fluid.diluent is not None and fluid.bag is not None and fluid.final == fluid.bag:
        yield f"into a bag of {amount(fluid.bag, 'mL')}{named}, after {shown(made.volume, 'mL')} is taken out of it"
    elif fluid.diluent is not None:
        yield f"into {'a bag of ' if fluid.bag is not None else ''}{shown(fluid.diluent, 'mL')}{named}"
    elif fluid.smallest is not None:
        upto = " or more" if fluid.largest is None else f" to {at_most(fluid.largest)}"
        yield f"the final volume must be {at_least(fluid.smallest)}{upto}{named}"


def _run(made: Prepared) -> Iterator[str]:
    fluid = made.fluid
    if fluid.final is not None and not made.parts:
        strength = f", {shown(fluid.concentration, f'{made.unit}/mL')}" if fluid.concentration is not None else ""
        yield f"final {shown(fluid.final, 'mL')}{strength}"
    if fluid.outside:
        yield "not to be run: no rate is told for a concentration outside the label's"
        return
    if fluid.rate is not None and fluid.minutes:
        of_drug = f" ({amount(round(fluid.amount_rate, 2), f'{made.unit}/h')})" if fluid.amount_rate is not None else ""
        yield f"run {shown(fluid.rate, 'mL/h')}{of_drug} over {say_duration(fluid.minutes)}"
    elif fluid.minutes and not made.parts:
        yield f"over {say_duration(fluid.minutes)}"


def _kept(made: Prepared, group: Sequence[Prepared]) -> Iterator[str]:
    row, zone = made.row, made.row.zone
    if made.fluid.outside:
        return
    if made.dilute_from is not None and row.seconds is not None:
        lead = (row.seconds - made.dilute_from) // 60
        yield f"prepare at most {say_duration(lead)} before each start" if len(group) > 1 and lead > 0 else f"prepare not before {spoken_moment(made.dilute_from, zone)}"
    leads = {one.row.seconds - one.prepared_at for one in group if one.prepared_at is not None and one.row.seconds is not None}
    if made.prepared_at is not None and len(group) > 1 and len(leads) == 1:
        yield f"prepared {say_duration(leads.pop() // 60)} before each start"
    elif made.prepared_at is not None:
        until = f", keeps until {spoken_moment(made.expires, zone)}" if made.expires is not None else ""
        yield f"prepared {spoken_moment(made.prepared_at, zone)}{until}"
    if made.thaw_from is not None and row.seconds is not None:
        known, lead = "" if row.minutes else ", counted to the start: the infusion time is not known", (row.seconds - made.thaw_from) // 60
        yield (f"thaw at most {say_duration(lead)} before each start" if len(group) > 1 and lead > 0 else f"thaw not before {spoken_moment(made.thaw_from, zone)}") + known
    if made.expires is not None and made.prepared_at is None:
        yield f"use until {spoken_moment(made.expires, zone)}"


def _signed(deviation_in_percent: Fraction | None) -> str:
    return percent(Decimal(digits(deviation_in_percent))) if deviation_in_percent is not None else ""
