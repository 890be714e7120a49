"""Distinct doses times patients: by day, drug and product, then over all days. Exact fractions, nothing rounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from dosing.preparation.prepared import Dissolve, Vials
from dosing.preparation.vials import vial_set
from dosing.preparation.volumes import amount
from dosing.schedule import Amount
from dosing.supply.doses import Dose, Patients, together
from dosing.supply.making import Key, Making, Pack, Recipe, how, key_of, left_over
from dosing.supply.result import Bag, Keeping, Line, Pile

Where = tuple[date, str, str, Pack]
Poured = tuple[int, Fraction | int]  # the start in POSIX seconds, and what is drawn up


def count(doses: Iterable[Dose], made: Mapping[Key, Making], share: bool) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The lines of each day and of all days; held doses, and drugs without an amount, are in none."""
    days: dict[Where, Tally] = {}
    for dose in doses:
        way = how(dose)
        if dose.row.held or not way or (dose.row.amount is None and way != "infusion"):
            continue
        making = made.get(key_of(dose))
        where = dose.day, dose.row.drug, way, making.recipe.pack if making else ()
        days.setdefault(where, Tally(dose, way, making.recipe if making else None)).add(dose, making)
    totals: dict[tuple[str, str, Pack], Tally] = {}
    ordered = sorted(days.items(), key=lambda entry: (*entry[0][:3], repr(entry[0][3])))
    for (_, drug, way, pack), tally in ordered:
        tally.pour(share)
        key = drug, way, pack
        totals[key] = totals[key].joined(tally) if key in totals else tally
    whole = sorted(totals.items(), key=lambda entry: (*entry[0][:2], repr(entry[0][2])))
    return tuple(tally.line(tally.first) for _, tally in ordered), tuple(tally.line(None) for _, tally in whole)


@dataclass
class Tally:
    """One line in the making. Amounts in the drug's unit, bags by diluents and mL, loose diluent in mL by diluents."""

    example: Dose
    way: str
    recipe: Recipe | None
    doses: int = 0
    patients: list[Patients] = field(default_factory=list)
    amount: Fraction | int | None = None
    apart: Counter[str] = field(default_factory=Counter)
    drawn: Fraction | int = 0
    poured: list[Poured] = field(default_factory=list)
    shared: Counter[str] | None = None
    shared_waste: Fraction = Fraction(0)
    bags: Counter[tuple[tuple[str, ...], Fraction]] = field(default_factory=Counter)
    loose: dict[tuple[str, ...], Fraction] = field(default_factory=dict)
    vials_unknown: int = 0
    bags_unknown: int = 0
    last: date | None = None

    @property
    def first(self) -> date:
        """The first date it is about."""
        return self.example.day

    def add(self, dose: Dose, making: Making | None) -> None:
        """Count one dose for each of its patients."""
        number, told = len(dose.patients), dose.row.amount
        self.doses, self.last = self.doses + number, dose.day
        self.patients.append(dose.patients)
        if making is not None:
            self.amount = (self.amount or 0) + making.amount * number
            self._prepared(making, dose.row.seconds or 0, number)
        elif told is not None:
            self.amount = (self.amount or 0) + Fraction(told.decimal) * number

    def _prepared(self, making: Making, seconds: int, number: int) -> None:
        """The vials and the bag of one prepared dose, as often as it is made."""
        made, fluid = making.made, making.made.fluid
        if not made.vials:
            self.vials_unknown += number
        else:
            self.apart.update({vials.product: vials.count * number for vials in made.vials})
            self.drawn += making.drawn * number
            self.poured.append((seconds, making.drawn * number))
        if fluid.outside or (fluid.bag is None and fluid.diluent is None):
            self.bags_unknown += number
        elif fluid.bag is not None:
            self.bags[fluid.diluents, fluid.bag] += number
        elif fluid.diluent:
            self.loose[fluid.diluents] = self.loose.get(fluid.diluents, Fraction(0)) + fluid.diluent * number

    def pour(self, share: bool) -> None:
        """Count the vials of a day's doses together, where that is asked for and the label says how long an opened vial keeps."""
        if not share or self.recipe is None or self.recipe.keeps is None or self.vials_unknown or not self.poured:
            return
        self.shared = Counter()
        for drawn in sessions(self.poured, self.recipe.keeps.minutes):
            counts = vial_set(drawn, self.recipe.sizes, self.recipe.given.prices)
            self.shared.update(counts)
            self.shared_waste += left_over(self.recipe, counts, drawn)

    def joined(self, later: Tally) -> Tally:
        """This line and a later day of it, as one."""
        loose = {key: self.loose.get(key, Fraction(0)) + later.loose.get(key, Fraction(0)) for key in (*self.loose, *later.loose)}
        amounts = [one.amount for one in (self, later) if one.amount is not None]
        shared = self._needed + later._needed if self.shared is not None or later.shared is not None else None
        return replace(
            self, doses=self.doses + later.doses, patients=self.patients + later.patients, amount=sum(amounts, Fraction(0)) if amounts else None,
            apart=self.apart + later.apart, drawn=self.drawn + later.drawn, poured=[], shared=shared,
            shared_waste=self._left + later._left if shared is not None else Fraction(0), bags=self.bags + later.bags, loose=loose,
            vials_unknown=self.vials_unknown + later.vials_unknown, bags_unknown=self.bags_unknown + later.bags_unknown, last=later.last,
        )  # fmt: skip

    @property
    def _needed(self) -> Counter[str]:
        return self.apart if self.shared is None else self.shared

    @property
    def _left(self) -> Fraction:
        return self._waste if self.shared is None else self.shared_waste

    @property
    def _waste(self) -> Fraction:
        return left_over(self.recipe, self.apart, self.drawn) if self.recipe and self.apart else Fraction(0)

    def line(self, day: date | None) -> Line:
        """The line as it is read."""
        unit = self.unit
        shared, keeps = self._sharing(unit)
        return Line(
            date=day, drug=self.example.row.drug, name=self.name, product=tuple(sorted(self.recipe.source.products)) if self.recipe else (), how=self.way,
            doses=self.doses, patients=len(together(self.patients)), amount=amount(self.amount, unit) if self.amount is not None else None,
            drawn=_amount(self.drawn, unit) if self.apart else None, apart=self._pile(self.apart, self._waste, unit), shared=shared, keeps=keeps,
            reconstitute=tuple(self._dissolve()), bags=tuple(self._bags()), vials_unknown=self.vials_unknown, bags_unknown=self.bags_unknown,
            first=self.first, last=self.last or self.first,
        )  # fmt: skip

    def _sharing(self, unit: str) -> tuple[Pile | None, Keeping | None]:
        """The shared vials, and on which keeping time the sharing rests; nothing where no vial is shared."""
        if self.shared is None or self.recipe is None:
            return None, None
        return self._pile(self.shared, self.shared_waste, unit), self.recipe.keeps

    @property
    def unit(self) -> str:
        """The unit of its amounts."""
        told = self.example.row.amount
        return self.recipe.source.drug.unit if self.recipe else told.unit if told else ""

    @property
    def name(self) -> str:
        """The drug's name for people."""
        return str(self.example.card.get("names", {}).get("en-GB", self.example.row.drug))

    def _pile(self, counts: Counter[str], left: Fraction, unit: str) -> Pile:
        if self.recipe is None or not counts:
            return Pile()
        vials = tuple(Vials(name, _amount(size, unit), counts[name]) for name, size in self.recipe.sizes.items() if counts[name])
        return Pile(vials, _amount(left, unit))

    def _dissolve(self) -> Iterator[Dissolve]:
        """How the vials needed are reconstituted, where their label says how."""
        for name, number in sorted(self._needed.items()):
            product = self.recipe.source.products[name] if self.recipe else None
            if product and product.reconstitute:
                volume = product.reconstitute_volume
                yield Dissolve(name, number, Fraction(volume.value) if volume else None, product.reconstitute)

    def _bags(self) -> Iterator[Bag]:
        for (diluents, size), number in sorted(self.bags.items()):
            yield Bag(diluents, size, number, size * number)
        for diluents, volume in sorted(self.loose.items()):
            yield Bag(diluents, None, 0, volume)


def _amount(value: Fraction | int, unit: str) -> Amount:
    made = amount(value, unit)
    assert made
    return made


def sessions(poured: Iterable[Poured], keeps: int) -> list[Fraction]:
    """What is drawn from one set of opened vials: doses in time order, as long as the first vial keeps (minutes)."""
    found: list[Fraction] = []
    begun: int | None = None
    for seconds, drawn in sorted(poured):
        if begun is None or seconds - begun > keeps * 60:
            begun = seconds
            found.append(Fraction(0))
        found[-1] += drawn
    return found
