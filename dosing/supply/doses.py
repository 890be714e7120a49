"""The doses of a group: of every order the distinct ones, each with the patients who get it at that moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from dosing.errors import refuse
from dosing.planning.rows import card as card_of
from dosing.planning.rows import plan_card
from dosing.regimen.library import Library
from dosing.regimen.library import library as open_library
from dosing.regimen.schema import Regimen as Protocol
from dosing.rounding import number_text
from dosing.schedule import Administration, Amount, Schedule
from dosing.supply.result import NotCounted, Outside, RefusedRow, Regimen

if TYPE_CHECKING:
    from dosing.cohort import CohortSchedule
    from dosing.cohort.result import Part

Card = Mapping[str, Any]
Patients = NDArray[np.int64]
Protocols = tuple[Protocol, ...]  # one and its blocks
Key = tuple[int, int, float, float]


class Reason(NamedTuple):
    """An open finding as a page without patients may tell it: the message only where it is the same for all."""

    id: str
    level: str
    order: str | None
    message: str = ""


class Dose(NamedTuple):
    """One dose that some patients get alike, at one moment; `row` is the administration of any of them."""

    regimen: str
    card: Card
    row: Administration
    patients: Patients
    reasons: tuple[Reason, ...] = ()  # why it is held

    @property
    def day(self) -> date:
        """Its calendar date in its own zone; `grouped` refuses a schedule without dates."""
        assert self.row.date
        return self.row.date


class Opened(NamedTuple):
    """An open finding that holds no dose, and for how many patients it is open."""

    id: str
    order: str | None
    patients: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return self._asdict()


@dataclass(frozen=True)
class Group:
    """All doses of a group, the findings open for its patients, and who was refused."""

    shelf: Library
    doses: tuple[Dose, ...] = ()
    found: tuple[tuple[Reason, Patients], ...] = ()
    ids: tuple[str, ...] = ()
    refused: tuple[RefusedRow, ...] = ()
    regimens: tuple[Regimen, ...] = ()
    unscheduled: tuple[NotCounted, ...] = ()
    protocols: tuple[Protocols, ...] = ()  # of cohorts, also where no patient has a dose of some order just now

    @property
    def patients(self) -> int:
        """How many patients have a dose in the window, held ones and those without an amount among them."""
        return len(together(dose.patients for dose in self.doses))

    @property
    def open(self) -> tuple[Opened, ...]:
        """The open findings that hold no dose, for the patients they concern in the window."""
        asked: dict[tuple[str, str | None], list[tuple[Reason, Patients]]] = {}
        for reason, patients in self.found:
            if reason.level != "block":
                asked.setdefault((reason.id, reason.order), []).append((reason, patients))
        of_order = {order: self._having(order) for _, order in asked}
        told = ((key, [(reason, rows) for reason, rows in group if of_order[key[1]][rows].any()]) for key, group in asked.items())
        found = (Opened(*key, int(of_order[key[1]][together(rows for _, rows in group)].sum()), alike(reason for reason, _ in group)) for key, group in told if group)
        return tuple(sorted(found, key=lambda one: (one.id, one.order or "")))

    def _having(self, order: str | None) -> NDArray[np.bool_]:
        """Which patients have a dose of an order in the window; of any where None is asked for."""
        mask = np.zeros(len(self.ids), bool)
        for dose in self.doses:
            if order in (None, dose.row.order):
                mask[dose.patients] = True
        return mask


def together(patients: Iterable[Patients]) -> Patients:
    """The patients of several doses, each once."""
    found = list(patients)
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def alike(reasons: Iterable[Reason]) -> str:
    """The message of some findings where it is one and the same; empty where it differs from patient to patient."""
    told = {reason.message for reason in reasons}
    return told.pop() if len(told) == 1 else ""


def grouped(planned: Any, folders: tuple[str, ...]) -> Group:
    """The doses of one or several planned things, with patients numbered through; `InputError` T01 where one is undated."""
    several = (planned,) if isinstance(planned, Schedule) or hasattr(planned, "parts") else tuple(planned)
    shelf, begin, groups = open_library(folders or next((one.folders for one in several if one.folders), ())), 0, list[Group]()
    for one in several:
        groups.append(_of_schedule(one, shelf, begin) if isinstance(one, Schedule) else _of_cohort(one, shelf, begin))
        begin += len(groups[-1].ids)
    whole = _joined(shelf, groups)
    if any(dose.row.date is None for dose in whole.doses):
        raise refuse("T01", "a supply calendar needs dates, and there is no day 0", "add --day0 and --zone, or the columns day0 and zone.", "day0")
    return whole


def _joined(shelf: Library, groups: Sequence[Group]) -> Group:
    """Several groups as one; a regimen met again counts its patients on."""
    told = {name: [one for group in groups for one in getattr(group, name)] for name in ("doses", "found", "ids", "refused", "unscheduled", "protocols")}
    counted: dict[str, Regimen] = {}
    for one in (one for group in groups for one in group.regimens):
        counted[one.id] = one._replace(patients=one.patients + (counted[one.id].patients if one.id in counted else 0))
    told |= {"unscheduled": list(dict.fromkeys(told["unscheduled"])), "refused": sorted(told["refused"], key=lambda one: one.row), "regimens": list(counted.values())}
    return Group(shelf, **{name: tuple(values) for name, values in told.items()})


def windowed(group: Group, start: date | None, end: date | None) -> Group:
    """The doses from one date to another, both counted."""
    return replace(group, doses=tuple(dose for dose in group.doses if _within(dose.day, start, end)))


def outside(group: Group, start: date | None, end: date | None) -> Outside | None:
    """The doses that `windowed` leaves out; None where it leaves out none."""
    cut = [dose for dose in group.doses if not _within(dose.day, start, end)]
    days = [dose.day for dose in cut]
    return Outside(sum(len(dose.patients) for dose in cut), min(days), max(days)) if cut else None


def _within(day: date, start: date | None, end: date | None) -> bool:
    return (start is None or day >= start) and (end is None or day <= end)


def _unscheduled(regimen: str, left: Iterable[Mapping[str, str]]) -> Iterator[NotCounted]:
    """The drugs that a protocol names without a dose: nothing of them is in any count."""
    for one in left:
        yield NotCounted("not scheduled", one["drug"], regimen=regimen, message=one["reason"])


def _of_schedule(schedule: Schedule, shelf: Library, begin: int) -> Group:
    """The doses of one patient, who has a number."""
    patient, cards, name = np.array([begin]), {card["id"]: card for card in schedule.orders}, f"{schedule.regimen['id']}@{schedule.regimen['version']}"
    reasons = tuple((Reason(one.id, one.level, one.order, one.message), patient) for one in schedule.open)
    rows = (row for row in schedule if "given" not in (row.record or {}))
    doses = tuple(Dose(name, cards.get(row.order, {}), row, patient, tuple(why for why, _ in reasons if row.held and why.order in (None, row.order))) for row in rows)
    return Group(
        shelf, doses, found=reasons, ids=(schedule.identity.get("id", str(begin + 1)),), regimens=(Regimen(name, schedule.regimen["status"], 1),),
        unscheduled=tuple(_unscheduled(name, schedule.not_scheduled)),
    )  # fmt: skip


def _of_cohort(schedule: CohortSchedule, shelf: Library, begin: int) -> Group:
    """The doses of a cohort, the first patient of which has the number `begin`."""
    patterns = ((part, number, hits) for part in schedule.parts for number, (_, hits) in enumerate(part.patterns))
    settled = dict.fromkeys(part.settled for part in schedule.parts)
    return Group(
        shelf, tuple(dose for part in schedule.parts for dose in _of_part(part, begin)),
        found=tuple((reason, part.rows[part.pattern == number] + begin) for part, number, hits in patterns for reason in _reasons(hits)),
        ids=tuple(schedule.cohort.ids.to_pylist()), refused=tuple(RefusedRow(one.row, one.column, one.fault.code, one.fault.do) for one in schedule.refused),
        regimens=tuple(Regimen(_name(one), one.status, schedule.calculated) for one in schedule.regimens[:1]),
        unscheduled=tuple(left for one in settled for left in _unscheduled(_name(one.regimen), plan_card(one)[2])), protocols=(schedule.regimens,),
    )  # fmt: skip


def _name(regimen: Protocol) -> str:
    return f"{regimen.id}@{regimen.version}"


def _reasons(hits: Sequence[Any]) -> tuple[Reason, ...]:
    return tuple(Reason(hit.id, hit.level, hit.order, hit.message if isinstance(hit.message, str) else "") for hit in hits)


def _of_part(part: Part, begin: int) -> Iterator[Dose]:
    """The distinct doses of one part: each order's found once, then set on each of its days."""
    cards, alike = {line.id: card_of(line) for line in part.settled.lines}, cast(dict[str, list[Dose]], {})
    for row in part.template:
        if row.order not in alike:
            alike[row.order] = list(_distinct(part, row, cards[row.order], begin))
        for dose in alike[row.order]:
            yield dose._replace(row=row._replace(amount=dose.row.amount, calculated=dose.row.calculated, held=dose.row.held))


def _distinct(part: Part, row: Administration, card: Card, begin: int) -> Iterator[Dose]:
    """The distinct amounts of one order, with their patients; held doses apart for each set of reasons."""
    regimen = _name(part.settled.regimen)
    for (pattern, small, calculated, amount), places in _places(part, row).items():
        reasons = tuple(why for why in _reasons(part.patterns[pattern][1]) if why.order in (None, row.order)) if pattern >= 0 else ()
        told = part.told.get(row.order)
        made, given = (Amount(number_text(value), told.units[small]) for value in (calculated, amount)) if told else (None, None)
        yield Dose(regimen, card, row._replace(calculated=made, amount=None if pattern >= 0 else given, held=pattern >= 0), part.rows[places] + begin, reasons)


def _places(part: Part, row: Administration) -> dict[Key, NDArray[np.int64]]:
    """The rows of a part by pattern (-1 where the dose is not held), unit and figures of one order."""
    told, found = part.told.get(row.order), cast(dict[Key, list[int]], {})
    holds = [row.held or row.order in lines for lines, _ in part.patterns]
    nothing = [0.0] * len(part.rows)
    columns = [told.calculated.tolist(), told.amount.tolist()] if told else [nothing, nothing]
    small = nothing if told is None or told.small is None else np.broadcast_to(told.small, len(part.rows)).tolist()
    for place, (pattern, is_small, calculated, amount) in enumerate(zip(part.pattern.tolist(), small, *columns, strict=True)):
        key = (pattern, int(is_small), calculated, 0.0) if holds[pattern] else (-1, int(is_small), 0.0, amount)
        found.setdefault(key, []).append(place)
    return {key: np.array(places) for key, places in found.items()}
