"""The supply as plain rows, for tables and for CSV: texts only, one row for each vial size of a line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from dosing.preparation.volumes import digits
from dosing.schedule import Amount
from dosing.supply.result import Bag, Line, Pile

if TYPE_CHECKING:
    from dosing.supply.supplied import Supply

COLUMNS = ("section", "date", "drug", "product", "how", "doses", "patients", "amount", "drawn", "unit", "vial", "content", "content_unit", "vials", "waste",
           "vials_shared", "waste_shared", "waste_unit", "keeps", "bags", "bags_not_known", "vials_not_known", "first", "last", "note")  # fmt: skip

PATIENT = ("id", "date", "order", "drug", "doses", "amount", "unit", "how", "vials", "waste")


def rows_of(supply: Supply) -> Iterator[dict[str, Any]]:
    """Sections `day`, `total`, `outside`, `not counted`, `open`, `ask`, `check` and `refused`; what a section does not say is None."""
    for section, lines in (("day", supply.days), ("total", supply.totals)):
        for line in lines:
            yield from _line(section, line, supply.share)
    if cut := supply.outside:
        yield _row("outside", doses=str(cut.doses), first=_day(cut.first), last=_day(cut.last), note=str(cut))
    for one in supply.not_counted:
        about = {"drug": one.drug, "product": one.order or None, "how": one.why, "doses": str(one.doses), "patients": str(one.patients)}
        yield _row("not counted", **about, first=_day(one.first), last=_day(one.last), note=f"{one}; {one.effect}")
    for asked in supply.open:
        yield _row("open", patients=str(asked.patients), note=f"{asked.id}: {asked.message}".removesuffix(": "))
    for ask in supply.asks:
        yield _row("ask", note=ask.message)
    for check in supply.checks:
        yield _row("check", doses=str(check.doses), note=f"{check.id}: {check.message}")
    for fault in supply.refused:
        yield _row("refused", note=f"{fault.where}: {fault.code}, {fault.do}")


def _row(section: str, **told: str | None) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), "section": section, **told}


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None


def _line(section: str, line: Line, share: bool) -> Iterator[dict[str, Any]]:
    """One row for each size of vial in either pile; the counts of the line itself stand on the first."""
    shared = line.needed if share else Pile()
    sizes = {one.product: one.content for pile in (line.apart, shared) for one in pile.vials}
    for place, (name, _) in enumerate(zip_longest(sizes, [None])):
        apart, together = ({one.product: str(one.count) for one in pile.vials} for pile in (line.apart, shared))
        own = _whole(line, shared) if place == 0 else {}
        vial = {"vial": name, **_pair("content", "content_unit", sizes[name]), "vials": apart.get(name), "vials_shared": together.get(name)} if name else {}
        yield _row(section, date=_day(line.date), drug=line.drug, product=" + ".join(line.product) or None, how=line.how, **own, **vial)


def _whole(line: Line, shared: Pile) -> dict[str, str | None]:
    waste, more = line.apart.waste, shared.waste
    return {
        "doses": str(line.doses), "patients": str(line.patients), **_pair("amount", "unit", line.amount), "drawn": line.drawn.value if line.drawn else None,
        **_pair("waste", "waste_unit", waste), "waste_shared": more.value if more else None, "keeps": str(line.keeps) if line.keeps else None, "bags": "; ".join(map(bag_text, line.bags)) or None,
        "bags_not_known": str(line.bags_unknown), "vials_not_known": str(line.vials_unknown), "first": _day(line.first), "last": _day(line.last),
    }  # fmt: skip


def _pair(value: str, unit: str, amount: Amount | None) -> dict[str, str | None]:
    return {value: amount.value, unit: amount.unit} if amount else {}


def bag_text(bag: Bag) -> str:
    """`3 × 500 mL sodium chloride 0.9 % or glucose 5 %`, or the volume where a label counts it by the drug's."""
    fluid = " or ".join(bag.diluents) or "diluent not on file"
    return f"{bag.count} × {digits(bag.size)} mL {fluid}" if bag.size is not None else f"{digits(bag.volume)} mL {fluid}"


def patient_rows(supply: Supply) -> Iterator[dict[str, str]]:
    """The rows of each patient as texts, where they were asked for."""
    for one in supply.by_patient or ():
        vials = " + ".join(f"{count} × {name}" for name, count in (one["vials"] or {}).items())
        yield {name: str(value) if value is not None else "" for name, value in {**one, "vials": vials}.items()}
