"""The arithmetic of one dose as data, told as one true line when asked.

Whoever follows the line on a pocket calculator gets the printed dose: `=` stands before an exact product, `≈` before
a rounded one, and each factor is printed as it was used.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from dosing.display import as_bundle, as_html
from dosing.rounding import number_text

DIGITS = 12


@dataclass(frozen=True, repr=False)
class Derivation:
    """The steps from the written dose to the amount of one administration, each as it was used."""

    dose: str  # "30 mg/m2/day", the written dose
    value: Decimal  # its number in the unit of the amount
    parts: int  # administrations it is divided into
    basis: str  # "1.82 m2", "70 kg", "" for a flat dose
    basis_name: str  # "" for the actual weight, else "ideal.devine" and the like
    basis_value: Decimal
    calculated: str  # "54.6"
    unit: str
    amount: str  # "55", "" while held
    rule: str  # "nearest 1 mg", "exact", "not rounded: ..."
    cap: str = ""  # "maximum 1000 mg"
    added: Decimal = Decimal(0)  # Calvert's 25 mL/min
    _repr_html_, _repr_mimebundle_ = as_html, as_bundle

    def __repr__(self) -> str:
        return f"<Derivation {self.tell()}>"

    @property
    def product(self) -> Decimal:
        """The exact product of the printed factors."""
        return self.value * (self.basis_value + self.added) / self.parts

    def deviation(self) -> Decimal | None:
        """Signed deviation of the amount from the calculated dose, in per cent; None while held."""
        if not self.amount or not Decimal(self.calculated):
            return None
        return (Decimal(self.amount) / Decimal(self.calculated) - 1) * 100

    def tell(self) -> str:
        """One line: dose × basis = calculated → amount (rule, deviation); where a maximum cuts it, the product stands before it."""
        return self._line

    @cached_property
    def _line(self) -> str:
        divided = f" ÷ {self.parts}" if self.parts > 1 else ""
        times = f" × {self.basis}" if self.basis else ""
        named = f" ({self.basis_name})" if self.basis_name else ""
        made = number_text(float(self.product)) if self.cap else self.calculated
        shortened = len(self.value.normalize().as_tuple().digits) > DIGITS  # a dose by level has more digits than its text shows
        sign = "=" if self.product == Decimal(made) and not shortened else "≈"
        told = f"{self.dose}{divided}{times}{named} {sign} {spoken(made)} {self.unit}"
        if self.cap:
            told += f" → {spoken(self.calculated)} {self.unit} ({self.cap})"
        if not self.amount:
            return f"{told}, held"
        if self.amount == self.calculated:
            return told
        return f"{told} → {spoken(self.amount)} {self.unit} ({self.rule}, {percent(self.deviation())})"


def spoken(text: str) -> str:
    """A decimal text shortened for print to at most four decimals below 1000 (12 digits are kept in the data)."""
    value = Decimal(text)
    if value != round(value, 4):
        value = round(value, 4) if abs(value) >= Decimal("0.01") else value
    shown = format(value, ",f") if value == value.to_integral() and abs(value) >= 1000 else format(value, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def percent(value: Decimal | None) -> str:
    """A signed percentage with one decimal, `+0.7 %`; empty for None."""
    if value is None:
        return ""
    rounded = value.quantize(Decimal("0.1"))
    return "±0 %" if not rounded else f"{rounded:+f} %".replace("-", "−")
