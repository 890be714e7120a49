"""The lines of a supply: counts by day and in all, and beside them what is not counted, checked and refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date
from fractions import Fraction
from typing import Any, NamedTuple

from dosing.forms import say_duration
from dosing.preparation.prepared import Dissolve, Vials
from dosing.preparation.volumes import amount
from dosing.schedule import Amount


class Regimen(NamedTuple):
    """A protocol of the run: `id@version`, its status, and how many patients were planned by it."""

    id: str
    status: str
    patients: int


class Outside(NamedTuple):
    """The doses of the group that a window leaves out, held ones among them, with their first and last date."""

    doses: int
    first: Date
    last: Date

    def to_dict(self) -> dict[str, Any]:
        """The doses left out as plain JSON values."""
        return {"doses": self.doses, "first": self.first.isoformat(), "last": self.last.isoformat()}

    def __str__(self) -> str:
        """`12 doses of the group lie outside these dates, 2026-12-04 to 2026-12-10`."""
        doses = "1 dose of the group lies" if self.doses == 1 else f"{self.doses:,} doses of the group lie"
        return f"{doses} outside these dates, {self.first}" + (f" to {self.last}" if self.last != self.first else "")


class RefusedRow(NamedTuple):
    """A row that was not planned, without whose it is: number in the file, column, code and cure."""

    row: int
    column: str
    code: str
    do: str

    @property
    def where(self) -> str:
        """`row 5, column weight_kg`."""
        return f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"


@dataclass(frozen=True, slots=True)
class Bag:
    """Bags of one size, or without a size mL of diluent that a label counts by the volume of drug."""

    diluents: tuple[str, ...]
    size: Fraction | None
    count: int
    volume: Fraction

    def to_dict(self) -> dict[str, Any]:
        """The bags as plain JSON values."""
        return {"diluents": list(self.diluents), "size": told(self.size, "mL"), "count": self.count, "volume": told(self.volume, "mL")}


class Check(NamedTuple):
    """What a check of the preparation found, and how many doses of the group it is about; the message is of one of them."""

    id: str
    regimen: str
    doses: int
    message: str

    def to_dict(self) -> dict[str, Any]:
        """The check as plain JSON values."""
        return self._asdict()


class Pile(NamedTuple):
    """Vials with what is left over in them, in the unit of the drug."""

    vials: tuple[Vials, ...] = ()
    waste: Amount | None = None

    def to_dict(self) -> dict[str, Any]:
        """The vials as plain JSON values."""
        return {"vials": [one.to_dict() for one in self.vials], "waste": self.waste and self.waste.to_dict()}


class Keeping(NamedTuple):
    """How long an opened or reconstituted vial keeps (minutes), at which temperature, and who says so."""

    minutes: int
    at: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """The keeping time as plain JSON values."""
        return self._asdict()

    def __str__(self) -> str:
        return f"{say_duration(self.minutes)} at {self.at}"


def told(value: Fraction | None, unit: str) -> dict[str, str] | None:
    """An exact figure as a decimal text with its unit; None stays None."""
    found = amount(value, unit)
    return found.to_dict() if found else None


@dataclass(frozen=True, slots=True)
class Line:
    """One drug and product on one date, or over all dates where `date` is None.

    `amount` is what is ordered, `drawn` what the syringes hold of it by their marks (None where no vial is counted);
    `how` is `vials`, `infusion` (cells and grafts) or `mouth`. `apart` are the vials when each dose is prepared by
    itself, `shared` when a day's doses share them (None where they may not, or nobody asked), which rests on `keeps`.
    `vials_unknown` and `bags_unknown` count the doses whose vials or bags nobody can know yet; they are in no pile.
    """

    date: Date | None
    drug: str
    name: str
    product: tuple[str, ...]
    how: str
    doses: int
    patients: int
    amount: Amount | None
    drawn: Amount | None
    apart: Pile
    shared: Pile | None
    keeps: Keeping | None
    reconstitute: tuple[Dissolve, ...]
    bags: tuple[Bag, ...]
    vials_unknown: int
    bags_unknown: int
    first: Date
    last: Date

    @property
    def needed(self) -> Pile:
        """The vials to order: shared where that was asked for and is allowed, else apart."""
        return self.shared or self.apart

    @property
    def dates(self) -> dict[str, str]:
        """The date of a day, or the first and last date of a total."""
        return {"date": self.date.isoformat()} if self.date else {"first": self.first.isoformat(), "last": self.last.isoformat()}

    def to_dict(self) -> dict[str, Any]:
        """The line as plain JSON values."""
        return {
            **self.dates, "drug": self.drug, "name": self.name, "product": list(self.product), "how": self.how, "doses": self.doses, "patients": self.patients,
            "amount": self.amount and self.amount.to_dict(), "drawn": self.drawn and self.drawn.to_dict(), "apart": self.apart.to_dict(),
            "shared": self.shared and self.shared.to_dict(), "keeps": self.keeps and self.keeps.to_dict(),
            "reconstitute": [one.to_dict() for one in self.reconstitute], "bags": [one.to_dict() for one in self.bags],
            "vials_unknown": self.vials_unknown, "bags_unknown": self.bags_unknown,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class NotCounted:
    """Doses that stand in no count: `held`, `no dose in the source`, `no drug that is drawn up`, or `not scheduled`.

    `calculated` is what held doses would come to as the protocol prints them; nothing is ordered from it.
    """

    why: str
    drug: str
    order: str = ""
    regimen: str = ""
    doses: int = 0
    patients: int = 0
    first: Date | None = None
    last: Date | None = None
    calculated: Amount | None = None
    findings: tuple[str, ...] = ()
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain JSON values."""
        return {
            "why": self.why, "drug": self.drug, "order": self.order or None, "regimen": self.regimen, "doses": self.doses, "patients": self.patients,
            "first": self.first and self.first.isoformat(), "last": self.last and self.last.isoformat(), "calculated": self.calculated and self.calculated.to_dict(),
            "findings": list(self.findings), "message": self.message, "effect": self.effect,
        }  # fmt: skip

    @property
    def effect(self) -> str:
        """What leaving them out means for the counts."""
        if self.why == "held":
            return "no vial, bag or amount of these doses is in any count; count again when they are released"
        if self.why == "not scheduled":
            return "the protocol names the drug without a dose, so nothing of it is in any count"
        return "nothing of these doses is in any count"

    def __str__(self) -> str:
        """`3 doses of antithymocyte-globulin (atg), 2026-12-05 to 2026-12-08: held, because …`."""
        if not self.doses:
            return f"{self.drug} ({self.regimen}): {self.why}, {self.message}"
        doses, patients = f"{self.doses} dose{'s' * (self.doses > 1)}", f"{self.patients} patient{'s' * (self.patients > 1)}"
        days = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        because = f", because {', '.join(self.findings)}" if self.findings else ""
        return f"{doses} of {self.drug} ({self.order}), {patients}, {days}: {self.why}{because}{f' ({self.message})' if self.message else ''}"
