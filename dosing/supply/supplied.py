"""What `supply()` gives back: the lines of each day and of all days, and what they leave open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as Date
from typing import TYPE_CHECKING, Any

from dosing.preparation.asking import Ask
from dosing.supply.doses import Opened
from dosing.supply.result import Check, Line, NotCounted, Outside, RefusedRow, Regimen
from dosing.supply.rows import COLUMNS, rows_of

if TYPE_CHECKING:
    from pyarrow import Table


@dataclass(frozen=True)
class Supply:
    """Vials and bags for a group over a calendar: `days`, `totals`, and what the counts leave open."""

    start: Date | None
    end: Date | None
    regimens: tuple[Regimen, ...]
    patients: int
    share: bool
    days: tuple[Line, ...]
    totals: tuple[Line, ...]
    not_counted: tuple[NotCounted, ...]
    open: tuple[Opened, ...] = ()
    asks: tuple[Ask, ...] = ()
    checks: tuple[Check, ...] = ()
    refused: tuple[RefusedRow, ...] = ()
    by_patient: tuple[dict[str, Any], ...] | None = None
    outside: Outside | None = None  # what the window leaves out

    def __repr__(self) -> str:
        state = "final" if self.final else "NOT FINAL"
        return f"<Supply: {self.patients} patient{'s' * (self.patients != 1)}, {len(self.days)} lines on {len({one.date for one in self.days})} days, {state}>"

    @property
    def final(self) -> bool:
        """Whether nothing in the window is held, open, asked for or unknown and no row was refused.

        The counts then stand for these dates: `outside` tells the group's doses on others, `not_counted` the drugs that the
        protocol names without a dose. Where no dose lies in the window it is never final.
        """
        held = any(one.why == "held" for one in self.not_counted)
        return bool(self.patients) and not (held or self.open or self.asks or self.refused or any(one.vials_unknown or one.bags_unknown for one in self.totals))

    @property
    def window(self) -> tuple[Date | None, Date | None]:
        """The first and last date asked for, else those of the counted doses."""
        first, last = (line.first for line in self.totals), (line.last for line in self.totals)
        return self.start or min(first, default=None), self.end or max(last, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The supply as plain JSON values, by `dosing.supply/1`; no clock, host or random value, and no patient unless asked."""
        start, end = self.window
        refused = [one._asdict() for one in self.refused]
        return {
            "schema": "dosing.supply/1", "regimens": [one._asdict() for one in self.regimens], "from": start and start.isoformat(), "to": end and end.isoformat(),
            "outside": self.outside and self.outside.to_dict(),
            "patients": self.patients, "share": self.share, "final": self.final, "days": [one.to_dict() for one in self.days], "totals": [one.to_dict() for one in self.totals],
            "not_counted": [one.to_dict() for one in self.not_counted], "open": [one.to_dict() for one in self.open], "asks": [one.to_dict() for one in self.asks],
            "checks": [one.to_dict() for one in self.checks], "refused": {"rows": len({one.row for one in self.refused}), "faults": refused},
            **({"by_patient": list(self.by_patient)} if self.by_patient is not None else {}),
        }  # fmt: skip

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain rows, one for each vial size of a line, and one for whatever the counts leave open, by `section`.

        Doses, amount, waste and bags stand on the first row of a line only, so that a column adds up within its section.
        """
        return list(rows_of(self))

    def to_table(self) -> Table:
        """`to_rows()` as an Arrow table; figures as decimal texts (needs the extra `cohort`)."""
        import pyarrow

        return pyarrow.table({name: pyarrow.array([row[name] for row in self.to_rows()], pyarrow.string()) for name in COLUMNS})

    def lines(self, drug: str) -> Iterator[Line]:
        """The days of one drug."""
        return (line for line in self.days if line.drug == drug)
