"""Where sources disagree on an order: what each prints comes to over the whole course, beside what is planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from dosing import forms
from dosing.derivation import spoken
from dosing.errors import Fault, closest
from dosing.regimen.drug import Drug
from dosing.regimen.rules import Found, administrations, per_administration, rule
from dosing.regimen.schema import Instead, Order, Query, Regimen
from dosing.rounding import number_text


class Course(NamedTuple):
    """What a written dose comes to: how many doses (0 where only the sum is printed), and its sum per basis in its own unit."""

    doses: int
    low: Fraction
    high: Fraction
    unit: str

    def times(self, factor: Fraction) -> Course:
        """The sum for a body of that size, or in another unit."""
        return self._replace(low=self.low * factor, high=self.high * factor)

    def tell(self, unit: str) -> str:
        """`8 doses, 800 mg/m2`, `400 to 800 mg/m2`."""
        numbers = [spoken(number_text(float(end))) for end in dict.fromkeys((self.low, self.high))]
        counted = f"{self.doses} dose{'' if self.doses == 1 else 's'}, " if self.doses else ""
        return f"{counted}{' to '.join(numbers)} {unit}"


def planned(order: Order) -> Course | None:
    """The course of an order as it stands; None while its dose or its days are open."""
    count = administrations(order)
    if not isinstance(order.dose, forms.Dose) or not count:
        return None
    low, high = per_administration(order, order.dose)
    return Course(count, low * count, high * count, order.dose.unit)


def other(instead: Instead, order: Order) -> Course | None:
    """The course that another source prints; what it leaves out is as the order has it."""
    dose, days = instead.dose or order.dose, instead.days or order.days
    if not isinstance(dose, forms.Dose) or not isinstance(days, tuple):
        return None
    if not instead.dose:
        return planned(order.model_copy(update={"days": days}))
    a_day = Fraction(24) / Fraction(dose.every) if dose.every else Fraction(dose.times or 1)
    doses = dose.doses or int(len(days) * a_day)
    times = {"dose": doses, "day": len(days), "course": 1}[dose.time]
    return Course(0 if dose.time == "course" else doses, Fraction(dose.low) * times, Fraction(dose.high) * times, dose.unit)


def side_by_side(order: Order, query: Query) -> dict[str, Course]:
    """The courses of the other sources by their keys; empty where nothing differs from the order or can be counted."""
    found = {key: course for key, one in query.instead.items() if (course := other(one, order))}
    return found if any(course != planned(order) for course in found.values()) else {}


def told(courses: Iterable[tuple[str, str]]) -> str:
    """`planned = 8 doses, 1,600 mg/m2; ctn0803, blood2004 = …`, where sources that say the same stand together."""
    said: dict[str, list[str]] = {}
    for name, text in courses:
        said.setdefault(text, []).append(name)
    return "; ".join(f"{', '.join(names)} = {text}" for text, names in said.items())


def per_basis(order: Order, query: Query) -> str:
    """What the sources of a question come to per kg or m2 beside the order; empty where they do not differ in that."""
    courses, base = side_by_side(order, query), planned(order)
    if not courses or not base or not isinstance(order.dose, forms.Dose):
        return ""
    per = f"/{order.dose.per}" if order.dose.per else ""
    return told((name, course.tell(course.unit + per)) for name, course in {"planned": base, **courses}.items())


@rule
def other_doses_can_be_compared(regimen: Regimen, drugs: Mapping[str, Drug]) -> Found:
    """What another source prints instead is of an order, of a cited source, and has the basis of the order's dose."""
    orders = {order.id: order for order in regimen.orders}
    for n, query in enumerate(regimen.queries):
        order = orders.get(query.order or "")
        for key, one in query.instead.items():
            if order is None:
                yield ("queries", n, "instead"), Fault("R05", "what is printed instead hangs on no order", "write order: with the order's id.")
            elif key not in query.cite:
                yield ("queries", n, "instead", key), Fault("R08", f'"{key}" is not cited by this question', closest(key, query.cite))
            elif isinstance(one.dose, forms.Dose) and isinstance(order.dose, forms.Dose) and (one.dose.per, kind(one.dose)) != (order.dose.per, kind(order.dose)):
                yield ("queries", n, "instead", key), Fault("D10", f"{one.dose} cannot be laid beside {order.dose}", "write it per the same basis and in a unit of the same kind.")


def kind(dose: forms.Dose) -> str:
    """What a unit measures, as far as two doses must agree in it."""
    return "mass" if dose.unit in ("g", "mg", "mcg") else dose.unit
