"""The outcomes of one entry side by side: dates, amounts, totals, gaps to the graft, collisions; a person chooses."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dosing import forms
from dosing.course import compose, findings, replan
from dosing.course.moment import spoken, stamp
from dosing.course.state import State, count_of
from dosing.errors import Fault, InputError
from dosing.patient import Patient
from dosing.schedule import Administration, Amount, Schedule


@dataclass(frozen=True)
class Option:
    """One outcome: its name, what it means, the state and schedule it gives, or why it cannot be."""

    name: str
    state: State | None
    schedule: Schedule | None
    refused: str = ""
    totals: tuple[dict[str, Any], ...] = ()
    gaps: tuple[dict[str, Any], ...] = ()
    collisions: tuple[str, ...] = ()
    before: Schedule | None = field(default=None, repr=False)

    @property
    def key(self) -> Any:
        """What tells two outcomes apart: every row's place and amount, the day, the facts of the patient."""
        return self.schedule and (self.schedule.administrations, self.schedule.patient, self.schedule.day0)

    def rows(self) -> list[dict[str, Any]]:
        """The rows in time order, given ones with their day of before."""
        return [_row(row, self.before) for row in self.schedule or ()]

    def to_dict(self) -> dict[str, Any]:
        """The outcome as plain JSON values."""
        return {"name": self.name, "meaning": findings.MEANT[self.name], "refused": self.refused or None,
                "rows": self.rows(), "totals": list(self.totals), "gaps_to_graft": list(self.gaps), "collisions": list(self.collisions)}  # fmt: skip


class Choose(InputError):
    """Practice differs and nobody has chosen: the outcomes are in `options` (exit 4)."""

    def __init__(self, *faults: Fault, options: tuple[Option, ...] = ()):
        super().__init__(*faults)
        self.options = options


def options(state: State, entry: Any, before: Schedule, asked: str = "") -> tuple[Option, ...]:
    """Every outcome of an entry, worked out whole; of a moved day 0 also plain re-dating where it must be refused.

    Only the outcome that was asked for is worked out where it is one of them.
    """
    known = replan.open_outcomes(state, entry)
    if asked in known:
        return (option(state, entry, asked, known[asked], before),)
    found = [option(state, entry, name, step, before) for name, step in known.items()]
    if entry.what == "move-day0":
        again = option(state, entry, "re-date", replan.re_date, before)
        found += [again] if again.refused else []
    return tuple(found)


def option(state: State, entry: Any, name: str, step: replan.Outcome, before: Schedule) -> Option:
    """One outcome with its figures; what cannot be placed or calculated is refused with the reason."""
    try:
        after = replan.apply(state, entry.model_copy(update={"outcome": name}), step)
        made, case = compose.with_case(after, shown_only=name == "re-date")
    except InputError as error:
        return Option(name, None, None, str(error), before=before)
    totals = tuple(_total(total, after, case, before) for total in made.totals)
    refused = "; ".join((*_extra(totals, name), *past(state, entry, after)))
    return Option(name, after, made, refused, totals, tuple(_gaps(after, made)), (*_weight_change(state, entry, name), *_collisions(made, before)), before)


def _row(row: Administration, before: Schedule | None) -> dict[str, Any]:
    old = next((one for one in before or () if (one.order, one.number) == (row.order, row.number)), None)
    given = bool(row.record and "given" in row.record)
    return {"order": row.order, "number": row.number, "state": "given" if given else "planned", "start": stamp(row.seconds or 0, row.zone), "day": row.day,
            "day_before": old.day if old else None, "start_before": stamp(old.seconds or 0, old.zone) if old else None,
            "amount": row.amount and row.amount.to_dict(), "amount_before": old.amount.to_dict() if old and old.amount else None, "held": row.held}  # fmt: skip


def _total(total: Any, after: State, case: compose.CourseCase, before: Schedule) -> dict[str, Any]:
    """The total of one order: given, left, both, against the number and amount of the protocol."""
    line = after.inputs.line(total.order)
    protocol = next((one for one in before.totals if one.order == total.order), None)
    ordered = count_of(line) if line else total.doses
    amount = total.amount
    per = findings.per_basis(amount, line, case) if amount and line and line.basis else None
    told = {"order": total.order, "drug": total.drug, "doses": total.doses, "protocol_doses": ordered,
            "given": total.given and total.given.to_dict(), "planned": total.planned and total.planned.to_dict(), "amount": amount and amount.to_dict()}  # fmt: skip
    if per is not None and line:
        told["per_basis"] = f"{forms.plain(round(per, 2))} {line.drug.unit}/{line.basis}"
    if amount and protocol and protocol.amount and protocol.amount.decimal:
        told["percent"] = f"{(amount.decimal / _in(protocol.amount, amount) - 1) * 100:+.1f} %"
    return told


def _in(one: Amount, like: Amount) -> Decimal:
    """An amount as a number in the unit of another of the same kind."""
    return Decimal(1) * one.decimal if one.unit == like.unit else Decimal(str(float(one.quantity.m_as(like.quantity.units))))


def _extra(totals: tuple[dict[str, Any], ...], name: str) -> list[str]:
    """What plain re-dating would give beyond the protocol; every other outcome gives no dose more."""
    over = [one for one in totals if name == "re-date" and one["doses"] > one["protocol_doses"]]
    return [f"it would make {one['doses']} {one['drug']} doses instead of {one['protocol_doses']} ({_amount(one)}{', ' + one['percent'] if 'percent' in one else ''}"
            f"{', ' + one['per_basis'] if one.get('per_basis', '').endswith('/kg') else ''})" for one in over]  # fmt: skip


def _amount(one: dict[str, Any]) -> str:
    return str(Amount(one["amount"]["value"], one["amount"]["unit"])) if one["amount"] else "held"


def past(state: State, entry: Any, after: State) -> list[str]:
    """Doses that would have to be given before the moment of the entry."""
    if entry.what not in ("move-day0", "set", "give", "miss"):
        return []
    own = f"{entry.order}#" if entry.what == "give" else "#"  # what follows a given dose cannot lie before it
    known = {key for key, _ in findings.overdue(state, replan.now_of(state, entry)) if not key.startswith(own)}
    late = [(key, text) for key, text in findings.overdue(after, replan.now_of(state, entry)) if key not in known]
    return [f"{key} would have to be given {text}, before now" for key, text in late]


def _gaps(after: State, made: Schedule) -> list[dict[str, Any]]:
    """How long before the graft each drug starts for the last time."""
    graft = after.inputs.settled.graft
    zero = next((row.seconds for row in made if graft and row.order == graft.id), None)
    last = {row.order: row.seconds for row in made if zero and row.seconds and row.seconds < zero}
    return [{"order": order, "hours": f"{(zero - at) / 3600:.4g}"} for order, at in last.items()] if zero else []


def _weight_change(state: State, entry: Any, name: str) -> list[str]:
    """How far a new weight lies from the old one, flagged above 5 % and above 10 %."""
    old, new = (Patient(weight=text).weight if text else None for text in (state.inputs.facts.get("weight"), getattr(entry, "weight", None)))
    if name != "real" or not old or not new:
        return []
    percent = (new / old - 1) * 100
    flag = next((f", above {limit} %" for limit in (10, 5) if abs(percent) > limit), "")
    return [f"patient: the weight changes by {percent:+.1f} % ({forms.plain(old)} to {forms.plain(new)} kg){flag}"]


def _collisions(made: Schedule, before: Schedule) -> list[str]:
    """What the outcome would bring up that did not stand before: doses too near, outside their days, past a limit."""
    codes = ("course.distance", "course.after-graft", "timing.outside-days", "course.sum", "limit.hard", "limit.soft", "patient.size")
    known = {(finding.id, finding.message) for finding in before.findings}
    return [f"{finding.order or 'patient'}: {finding.message}" for finding in made.findings if finding.code in codes and (finding.id, finding.message) not in known]


def choose(found: tuple[Option, ...], entry: Any, asked: str) -> Option:
    """The chosen outcome; `Choose` where several differ and none is named, or the named one is refused."""
    if asked:
        return _named(found, entry, asked)
    possible = [one for one in found if not one.refused]
    weighed = [one for one in found if one.name not in ("re-date", "stop")]  # stopping is always open, by its own verb
    if not any(one.refused for one in weighed) and all(one.key == weighed[0].key for one in weighed):
        return weighed[0]
    if len(found) == 1:
        raise InputError(Fault("O11", f"{entry.what} is refused: {found[0].refused}", "enter what makes it possible first.", entry.what))
    names = ", ".join(one.name for one in possible) or "none is possible"
    raise Choose(Fault("O10", f"practice differs after {entry.what}, and nobody has chosen", f"choose with --outcome NAME --by NAME; possible: {names}.", "outcome"), options=found)


def _named(found: tuple[Option, ...], entry: Any, asked: str) -> Option:
    one = next((one for one in found if one.name == asked), None)
    possible = ", ".join(one.name for one in found if not one.refused) or "none"
    if one is None:
        raise Choose(Fault("O10", f'"{asked}" is no outcome of {entry.what} here', f"possible: {possible}.", "outcome"), options=found)
    if one.refused:
        raise Choose(Fault("O11", f"{asked} is refused: {one.refused}", f"possible: {possible}.", "outcome"), options=found)
    if not entry.by:
        raise Choose(Fault("R05", f"{asked} was chosen, but not by whom", "add --by NAME.", "--by"), options=found)
    return one


def tell(found: tuple[Option, ...]) -> str:
    """The outcomes side by side as text: one block an order, one line an outcome, with what is left and its figures."""
    orders = list(dict.fromkeys(row.order for one in found if one.schedule for row in one.schedule))
    blocks = [block for order in orders if (block := _block(order, found))]
    legend = [f"  {one.name}: {findings.MEANT[one.name]}{' – REFUSED: ' + one.refused if one.refused else ''}" for one in found]
    flags = [f"  {one.name}: {text}" for one in found for text in one.collisions]
    return "\n".join(["outcomes:", *legend, *blocks, *(["flags:", *flags] if flags else [])])


def _block(order: str, found: tuple[Option, ...]) -> str:
    lines = [f"    {one.name:<11}{_line(order, one)}" for one in found if one.schedule]
    if len({text.split(None, 1)[1] for text in lines}) == 1 and len(lines) > 1:
        return f"  {order}: the same in each, {lines[0].split(None, 1)[1]}"
    return "\n".join([f"  {order}", *lines])


def _line(order: str, one: Option) -> str:
    rows = [row for row in one.schedule or () if row.order == order]
    left = [row for row in rows if not (row.record and "given" in row.record)]
    told = ", ".join(f"{spoken(row.seconds or 0, row.zone)} {'HOLD' if row.held else row.amount or ''}".rstrip() for row in left) or "no more doses"
    total = next((t for t in one.totals if t["order"] == order), None)
    gap = next((g for g in one.gaps if g["order"] == order), None)
    sums = f"; total {_amount(total)} in {total['doses']} dose{'' if total['doses'] == 1 else 's'}" + (f" ({total['percent']})" if total.get("percent", "+0.0 %") != "+0.0 %" else "") if total else ""
    return told + sums + (f"; last starts {gap['hours']} h before the graft" if gap else "")




__all__ = ["Choose", "Option", "choose", "options", "past", "tell"]
