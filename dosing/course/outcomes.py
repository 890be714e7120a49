"""The outcomes of one entry side by side: dates, amounts, totals, hours to the graft and after it, collisions; a person chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, partial
from itertools import groupby
from typing import Any

from dosing import forms
from dosing.course import compose, findings, level, limits, moves, replan
from dosing.course.events import Answer
from dosing.course.moment import spoken, stamp
from dosing.course.places import count_of
from dosing.course.state import Done, State
from dosing.errors import Fault, InputError
from dosing.patient import Patient
from dosing.schedule import Administration, Amount, Schedule, Total
from dosing.units import exact


@dataclass(frozen=True)
class Option:
    """One outcome: its name, what it means, the state and schedule it gives, or why it cannot be."""

    name: str
    state: State | None
    schedule: Schedule | None
    refused: str = ""
    case: compose.CourseCase | None = field(default=None, repr=False, compare=False)
    before: Schedule | None = field(default=None, repr=False, compare=False)
    told: Callable[[], Iterable[str]] = field(default=tuple, repr=False, compare=False)
    about: str = ""  # the order whose fact stands in the ledger already
    news: tuple[str, Done] | None = field(default=None, repr=False, compare=False)  # the order and the dose that the fact, recorded already, is of
    faults: tuple[Fault, ...] = field(default=(), repr=False, compare=False)  # why it cannot be worked out at all

    @property
    def key(self) -> Any:
        """What tells two outcomes apart: every row's place and amount, the day, the facts of the patient."""
        return self.schedule and (self.schedule.administrations, self.schedule.patient, self.schedule.day0)

    @cached_property
    def totals(self) -> tuple[dict[str, Any], ...]:
        """The total of each order: given, left, both, against the number of the protocol and the amount planned before the news."""
        if self.schedule is None or self.state is None or self.case is None or self.before is None:
            return ()
        plan = {one.order: one for one in self.before.totals}
        return tuple(_total(total, self.state, self.case, _planned(plan.get(total.order), total, self.news)) for total in self.schedule.totals)

    @cached_property
    def gaps(self) -> tuple[dict[str, Any], ...]:
        """How many hours before the graft each drug starts for the last time."""
        return tuple(_gaps(self.state, self.schedule)) if self.state and self.schedule else ()

    @cached_property
    def after_graft(self) -> tuple[dict[str, Any], ...]:
        """How many hours after the graft each drug starts whose doses left all come after it."""
        return tuple(_after(self.state, self.schedule)) if self.state and self.schedule else ()

    @cached_property
    def collisions(self) -> tuple[str, ...]:
        """What the outcome would bring up that did not stand before."""
        return (*self.told(), *_collisions(self.schedule, self.before, self.about)) if self.schedule else ()

    def rows(self) -> list[dict[str, Any]]:
        """The rows in time order, given ones with their day of before."""
        return [_row(row, self.before) for row in self.schedule or ()]

    def to_dict(self) -> dict[str, Any]:
        """The outcome as plain JSON values."""
        return {"name": self.name, "meaning": findings.MEANT[self.name], "refused": self.refused or None,
                "rows": self.rows(), "totals": list(self.totals), "gaps_to_graft": list(self.gaps), "gaps_after_graft": list(self.after_graft), "collisions": list(self.collisions)}  # fmt: skip


class Choose(InputError):
    """Practice differs and nobody has chosen: the outcomes are in `options` (exit 4)."""

    def __init__(self, *faults: Fault, options: tuple[Option, ...] = ()):
        super().__init__(*faults)
        self.options = options


def options(state: State, entry: Any, before: Schedule, asked: str = "") -> tuple[Option, ...]:
    """Every outcome of an entry that is not yet in the ledger, worked out whole.

    Of a moved day 0 also plain re-dating, where it must be refused. Only the outcome that was asked for is worked out
    where it is one of them.
    """
    known = replan.open_outcomes(state, entry)
    names = [asked] if asked in known else list(known)
    found = [_option(state, entry, name, before, replan.now_of(state, entry), partial(_named_so, state, entry, "outcome", name)) for name in names]
    if entry.what == "move-day0" and asked not in known:
        again = _option(state, entry, "re-date", before, replan.now_of(state, entry), lambda: moves.re_date(state, entry))
        found += [again] if again.refused else []
    return tuple(found)


def later(state: State, query: str, before: Schedule, entry: Any = None) -> tuple[Option, ...]:
    """Every outcome of a choice that was left open, on the course as it stands now; the one that `entry` names where it is one."""
    fact, entry = state.asked[query], entry or Answer(query=query, answer="none")
    known = replan.OUTCOMES[replan.kind_of(fact, state)]
    names = [entry.answer] if entry.answer in known else list(known)
    found = [_option(state, fact, name, before, state.now, partial(_named_so, state, entry, "answer", name)) for name in names]
    return tuple(replace(one, about=getattr(fact, "order", "")) for one in found)


def _named_so(state: State, entry: Any, field: str, name: str) -> State:
    """The state after an entry that names an outcome in one of its fields."""
    return replan.apply(state, entry if getattr(entry, field, "") == name else entry.model_copy(update={field: name}))


def _option(state: State, entry: Any, name: str, before: Schedule, now: int | None, work: Callable[[], State]) -> Option:
    """One outcome with its figures; what cannot be placed or calculated is refused with the reason."""
    again = name == "re-date"
    try:
        after = work()
        made, case = compose.with_case(after, shown_only=again)
    except InputError as error:
        return Option(name, None, None, str(error), before=before, faults=error.faults)
    done = state.lane(entry.order).find(entry.dose) if entry.what in ("give", "miss", "correct") else None
    told = lambda: (*_weight_change(state, entry, name), *_level_change(state, entry, after))  # noqa: E731
    found = Option(name, after, made, "", case, before, told, news=(entry.order, done) if done else None)
    refused = "; ".join((*(_extra(found.totals) if again else ()), *past(state, entry, after, now)))
    return replace(found, refused=refused) if refused else found


def _row(row: Administration, before: Schedule | None) -> dict[str, Any]:
    old = next((one for one in before or () if (one.order, one.number) == (row.order, row.number)), None)
    return {"order": row.order, "number": row.number, "state": "given" if _is_given(row) else "planned", "start": stamp(row.seconds or 0, row.zone), "day": row.day,
            "day_before": old.day if old else None, "start_before": stamp(old.seconds or 0, old.zone) if old else None,
            "amount": row.amount and row.amount.to_dict(), "amount_before": old.amount.to_dict() if old and old.amount else None, "held": row.held}  # fmt: skip


def _planned(total: Total | None, like: Total, news: tuple[str, Done] | None) -> Decimal | None:
    """What was planned of an order before the news, in the unit of another total: the dose that it is of as it was planned, not as it was given."""
    if total is None or total.amount is None or like.amount is None:
        return None
    unit, shift = like.amount.unit, Decimal(0)
    if news and news[0] == total.order:
        planned, given = (amount and _in(Amount(*amount), unit) or Decimal(0) for amount in (news[1].planned.amount, news[1].amount))
        shift = planned - given
    return _in(total.amount, unit) + shift


def _total(total: Total, after: State, case: compose.CourseCase, planned: Decimal | None) -> dict[str, Any]:
    """The total of one order: given, left, both, against the number of the protocol and the amount planned."""
    line = after.inputs.line(total.order)
    ordered = count_of(line, after.when) if line else total.doses
    amount = total.amount
    per = limits.per_basis(amount, line, case) if amount and line and line.basis else None
    told = {"order": total.order, "drug": total.drug, "doses": total.doses, "protocol_doses": ordered,
            "given": total.given and total.given.to_dict(), "planned": total.planned and total.planned.to_dict(), "amount": amount and amount.to_dict()}  # fmt: skip
    if per is not None and line:
        told["per_basis"] = f"{forms.plain(round(per, 2))} {line.drug.unit}/{line.basis}"
    if amount and planned:
        told["percent"] = f"{(amount.decimal / planned - 1) * 100:+.1f} %"
    return told


def _in(one: Amount, unit: str) -> Decimal:
    """An amount as a number in another unit of its kind."""
    return one.decimal * exact(one.unit, unit)


def _extra(totals: tuple[dict[str, Any], ...]) -> list[str]:
    """What plain re-dating would give beyond the protocol; every other outcome gives no dose more."""
    over = [one for one in totals if one["doses"] > one["protocol_doses"]]
    return [f"it would make {one['doses']} {one['drug']} doses instead of {one['protocol_doses']} ({_amount(one)}{', ' + one['percent'] if 'percent' in one else ''}"
            f"{', ' + one['per_basis'] if one.get('per_basis', '').endswith('/kg') else ''})" for one in over]  # fmt: skip


def _amount(one: dict[str, Any]) -> str:
    return str(Amount(one["amount"]["value"], one["amount"]["unit"])) if one["amount"] else "held"


def past(state: State, entry: Any, after: State, now: int | None) -> list[str]:
    """Doses that would have to be given before now; what follows a given dose cannot lie before it either."""
    if entry.what in ("weigh", "level"):
        return []
    own = f"{entry.order}#" if entry.what in ("give", "correct") else "#"
    known = {key for key, _ in findings.overdue(state, now) if not key.startswith(own)}
    return [f"{key} would have to be given {text}, before now" for key, text in findings.overdue(after, now) if key not in known]


def _gaps(after: State, made: Schedule) -> list[dict[str, Any]]:
    """How long before the graft each drug starts for the last time."""
    zero = _graft(after, made)
    last = {row.order: row.seconds for row in made if zero and row.seconds and row.seconds < zero}
    return [{"order": order, "hours": _hours(zero - at)} for order, at in last.items()] if zero else []


def _after(after: State, made: Schedule) -> list[dict[str, Any]]:
    """How long after the graft each drug starts of which every dose left comes after it."""
    zero = _graft(after, made)
    first: dict[str, int] = {}
    for row in made if zero else ():
        if not _is_given(row) and row.seconds:
            first.setdefault(row.order, row.seconds)
    return [{"order": order, "hours": _hours(at - zero)} for order, at in first.items() if zero and at > zero]


def _graft(after: State, made: Schedule) -> int | None:
    """The start of the graft, given or planned."""
    graft = after.inputs.settled.graft
    return next((row.seconds for row in made if graft and row.order == graft.id), None)


def _hours(seconds: int) -> str:
    return forms.plain(round(Decimal(seconds) / 3600, 2))


def _is_given(row: Administration) -> bool:
    return bool(row.record and "given" in row.record)


def _weight_change(state: State, entry: Any, name: str) -> list[str]:
    """How far a new weight lies from the old one, flagged past each of the site's two limits."""
    old, new = (Patient(weight=text).weight if text else None for text in (state.inputs.facts.get("weight"), getattr(entry, "weight", None)))
    if name != "real" or not old or not new:
        return []
    percent = (new / old - 1) * 100
    flag = next((f", above {forms.plain(limit)} %" for limit in reversed(state.site.weight) if abs(percent) > limit), "")
    return [f"patient: the weight changes by {percent:+.1f} % ({forms.plain(old)} to {forms.plain(new)} kg){flag}"]


def _level_change(state: State, entry: Any, after: State) -> list[str]:
    """The target of a dose, a day and the course, and how far the dose changes, flagged past the site's limit."""
    if entry.what != "level":
        return []
    own, led = state.inputs.line(entry.order), level.leads_to(state, entry.order)
    old, new = state.inputs.line(led), after.inputs.line(led)
    old = old if old and old.dose else own  # the first dose by level is held against the one it was measured of
    told = level.tell(state, entry)
    if not (old and new and old.dose and new.dose) or old.basis != new.basis or not old.factor:
        return told
    percent = (new.factor / old.factor - 1) * 100
    return [*told, f"{led}: the dose changes by {percent:+.1f} %" + (f" from that of {old.id}" if old.id != led else "") + (f", above {forms.plain(state.site.level)} %" if abs(percent) > state.site.level else "")]


SHOWN = ("course.distance", "course.after-graft", "timing.outside-days", "timing.gap-missed", "course.sum", "limit.hard", "limit.soft", "patient.size")


def _collisions(made: Schedule, before: Schedule | None, about: str) -> list[str]:
    """What the outcome would bring up: doses too near, outside their days, past a limit, and whatever else it opens.

    What stood before is left out, but not of the order whose own fact, recorded already, brought it up.
    """
    known = {(finding.id, finding.message) for finding in before.findings} if before else set()
    asked = {finding.id for finding in before.open} if before else set()
    return [f"{one.order or 'patient'}: {one.message}" for one in made.findings
            if (one.code in SHOWN and (one.order == about or (one.id, one.message) not in known)) or (one.is_open and one.id not in asked)]  # fmt: skip


def same(found: tuple[Option, ...]) -> bool:
    """Whether nothing depends on the choice: all outcomes are possible and come to the same doses."""
    weighed = [one for one in found if one.name not in ("re-date", "stop")]  # stopping is always open, by its own verb
    return not any(one.refused for one in weighed) and all(one.key == weighed[0].key for one in weighed[1:])


def choose(found: tuple[Option, ...], entry: Any, asked: str) -> Option:
    """The chosen outcome; `Choose` where several differ and none is named, or the named one is refused."""
    if asked:
        return _named(found, entry, asked)
    if same(found):
        return found[0]
    if all(one.faults for one in found) and len({one.refused for one in found}) == 1:
        raise InputError(*found[0].faults)  # the fact itself cannot be followed, whatever is chosen
    if len(found) == 1 or all(one.refused for one in found):
        raise InputError(Fault("O11", f"{entry.what} is refused: {found[0].refused}", "enter what makes it possible first.", entry.what))
    names = ", ".join(one.name for one in found if not one.refused)
    raise Choose(Fault("O10", f"practice differs after {entry.what}, and nobody has chosen", f"name one outcome and who chose it (--outcome NAME --by NAME); possible: {names}.", "outcome"), options=found)


def _named(found: tuple[Option, ...], entry: Any, asked: str) -> Option:
    one = next((one for one in found if one.name == asked), None)
    possible = ", ".join(one.name for one in found if not one.refused) or "none"
    if one is None:
        raise Choose(Fault("O10", f'"{asked}" is no outcome of {entry.what} here', f"possible: {possible}.", "outcome"), options=found)
    if one.refused:
        more = " Without an outcome the fact itself is recorded, and the choice stays open." if entry.what in ("give", "miss") else ""
        raise Choose(Fault("O11", f"{asked} is refused: {one.refused}", f"possible: {possible}.{more}", "outcome"), options=found)
    return one


DAYS = 8  # a longer row of days is told by its first two and its last; JSON holds every dose


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
    """What is left of an order, its total, and its last start before the graft."""
    rows = [row for row in one.schedule or () if row.order == order and not _is_given(row)]
    total = next((t for t in one.totals if t["order"] == order), None)
    gap = next((f"; last starts {g['hours']} h before the graft" for g in one.gaps if g["order"] == order), "")
    gap = next((f"; first starts {g['hours']} h after the graft" for g in one.after_graft if g["order"] == order), gap)
    sums = f"; total {_amount(total)} in {total['doses']} dose{'' if total['doses'] == 1 else 's'}" + (f" ({total['percent']})" if total.get("percent", "+0.0 %") != "+0.0 %" else "") if total else ""
    return (_left(rows) or "no more doses") + sums + gap


def _left(rows: list[Administration]) -> str:
    """Doses as `51 mg Thu 2027-01-14 09:00`, those of one amount and one day together; of a long row of days the first and the last."""
    told = []
    for amount, same_amount in groupby(rows, lambda row: "HOLD" if row.held else str(row.amount or "")):
        days = groupby((spoken(row.seconds or 0, row.zone) for row in same_amount), lambda text: text[:-6])
        each = [f"{day} " + " ".join(text[-5:] for text in texts) for day, texts in days]
        told.append(f"{amount} {', '.join(each if len(each) <= DAYS else [*each[:2], f'… {len(each) - 3} more days', each[-1]])}".strip())
    return "; ".join(told)
