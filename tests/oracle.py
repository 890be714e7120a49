"""An oracle of doses and times, written from the rules alone: exact fractions, 50-digit decimals, calendar days.

It reads no text and imports nothing of the package. Everything comes in as plain tuples of numbers and short words:

    patient  (kg, cm, sex)                                     fractions, "M" or "F"
    house    (formula, surface step, surface floor, weight step, deviation per cent)
    order    (number, basis, base, administrations a day, administrations in the course, weight, step, cap)
             number in the drug's unit; basis "kg", "m2" or ""; base "dose", "day" or "course";
             weight ("actual",) or (kind, ideal); step and cap fractions in the drug's unit, or None
    rhythm   ("clock", days, minutes) | ("interval", days, first minute, hours) | ("event", days, minute, offset)
             the days of an interval have no hole; the event is on day 0, whatever day a dose that hangs on it names
    day zero (date, zone name)

The rules: surface to its step, but not below the floor; derived weights to theirs, the actual weight as measured and
never exceeded by an adjusted one; number x size / parts; the cap; the nearest step, half away from zero, never past
the cap; the exact dose where the step would change it by more than the house allows.
"""

from __future__ import annotations

import datetime
import decimal
import math
import zoneinfo
from fractions import Fraction

EXACT = decimal.Context(prec=50)
TWELVE = decimal.Context(prec=12, rounding=decimal.ROUND_HALF_EVEN)
HALF = Fraction(1, 2)
MILLION_MILLIONTHS = 10**12
UTC = datetime.UTC

SURFACES = {  # factor, power of cm, power of kg
    "dubois": ("0.007184", "0.725", "0.425"),
    "haycock": ("0.024265", "0.3964", "0.5378"),
    "gehan-george": ("0.0235", "0.42246", "0.51456"),
}
IDEALS = {  # kg at 60 inches and kg for each inch more, men and women
    "devine": ((50, "2.3"), ("45.5", "2.3")),
    "robinson": ((52, "1.9"), (49, "1.7")),
    "miller": (("56.2", "1.41"), ("53.1", "1.36")),
}
KEPT = {}
EXCESS = {"adjusted25": Fraction(1, 4), "adjusted40": Fraction(2, 5), "adjusted50": HALF, "lower": Fraction(0)}


def nearest(value, step):
    """The multiple of `step` nearest to a value, half away from zero."""
    above, below = value.numerator * step.denominator, value.denominator * step.numerator
    return (2 * above + below) // (2 * below) * step


def decimals(value):
    """A fraction as a decimal of 50 digits."""
    return EXACT.divide(decimal.Decimal(value.numerator), decimal.Decimal(value.denominator))


def raw_surface(formula, kg, cm):
    """Body surface in m2, to 50 digits; kept, as many orders ask for the same."""
    if (formula, kg, cm) not in KEPT:
        KEPT[formula, kg, cm] = new_surface(formula, kg, cm)
    return KEPT[formula, kg, cm]


def new_surface(formula, kg, cm):
    """The same by its formula."""
    if formula == "mosteller":
        return Fraction(EXACT.sqrt(decimals(kg * cm / 3600)))
    factor, tall, heavy = map(decimal.Decimal, SURFACES[formula])
    power = EXACT.add(EXACT.multiply(tall, EXACT.ln(decimals(cm))), EXACT.multiply(heavy, EXACT.ln(decimals(kg))))
    return Fraction(EXACT.multiply(factor, EXACT.exp(power)))


def surface(patient, house):
    """Body surface as doses use it."""
    formula, step, floor = house[:3]
    value = raw_surface(formula, *patient[:2])
    return value if value < floor else nearest(value, step)


def ideal_weight(name, cm, sex):
    """Ideal weight in kg, not rounded; None where the straight line has left the people it was drawn for."""
    if name == "busulfan-label":
        value = (50 if sex == "M" else 45) + Fraction("0.91") * (cm - 152)
    else:
        base, slope = map(Fraction, IDEALS[name][sex == "F"])
        value = base + slope * (cm / Fraction("2.54") - 60)
    return value if value > 0 else None


def dosing_weight(rule, patient, house):
    """The weight in kg a dose is multiplied by."""
    kg, cm, sex = patient
    if rule[0] == "actual":
        return kg
    ideal = ideal_weight(rule[1], cm, sex)
    if ideal is None:
        return None
    if rule[0] == "ideal":
        return nearest(ideal, house[3])
    if kg <= ideal:
        return kg
    return min(kg, nearest(ideal + EXCESS[rule[0]] * (kg - ideal), house[3]))


def size(order, patient, house):
    """What the number of the order is multiplied by: kg, m2 or 1."""
    if order[1] == "kg":
        return dosing_weight(order[5], patient, house)
    return surface(patient, house) if order[1] == "m2" else Fraction(1)


def dose(order, patient, house):
    """One administration as (calculated, amount), both fractions in the drug's unit; None where no weight exists."""
    number, _, base, daily, course, _, step, cap = order
    measure = size(order, patient, house)
    if measure is None:
        return None
    calculated = number * measure / {"dose": 1, "day": daily, "course": course}[base]
    calculated = calculated if cap is None else min(calculated, cap)
    if step is None:
        return calculated, calculated
    amount = nearest(calculated, step)
    if amount == calculated:
        return calculated, amount
    if cap is not None and amount > cap:
        amount = math.floor(cap / step) * step
    return calculated, calculated if abs(amount - calculated) > calculated * house[4] / 100 else amount


def text(value):
    """A number as plain digits: all of them where twelve decimals hold it, else twelve significant ones."""
    above, below = value.numerator, value.denominator
    if MILLION_MILLIONTHS % below:
        told = format(TWELVE.divide(decimal.Decimal(above), decimal.Decimal(below)), "f")
    else:
        whole, part = divmod(above * (MILLION_MILLIONTHS // below), MILLION_MILLIONTHS)
        told = f"{whole}.{part:012}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def amounts(order, patient, house, unit, small):
    """The two texts and the unit they are read in: the small unit (name, how many make one) below one whole unit."""
    found = dose(order, patient, house)
    if found is None:
        return None
    name, scale = small if small and found[0] < 1 else (unit, 1)
    return text(found[0] * scale), text(found[1] * scale), name


def instant(zero, day, minute):
    """POSIX seconds of a clock time on a protocol day."""
    on = zero[0] + datetime.timedelta(days=day)
    wall = datetime.datetime.combine(on, datetime.time(minute // 60, minute % 60), zoneinfo.ZoneInfo(zero[1]))
    return int(wall.timestamp())


def starts(rhythm, zero):
    """Every administration as (protocol day, POSIX seconds): days on the calendar, hours as they pass."""
    kind, days, *rest = rhythm
    if kind == "clock":
        seconds = [instant(zero, day, minute) for day in days for minute in rest[0]]
    elif kind == "event":
        seconds = [instant(zero, 0, rest[0]) + rest[1] * 60]
    else:
        first, hours = rest
        begin = instant(zero, days[0], first)
        seconds = [begin + count * hours * 3600 for count in range(len(days) * 24 // hours)]
    return [(day_of(moment, zero), moment) for moment in seconds]


def day_of(seconds, zero):
    """The protocol day on which an instant falls, by the calendar of the zone."""
    return (datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zero[1])).date() - zero[0]).days


def packed(value, most, kind, sizes, limit):
    """Whole vials or a standard dose by plain search: the nearest one, the larger of two as near, inside the limit.

    Nearness of vials is by difference, of standard doses by ratio; a dose above `most`, or none, is not offered.
    """
    if kind == "vial":
        offered = [sizes[0] * count for count in (int(value / sizes[0]) + more for more in (-1, 0, 1, 2)) if count > 0]
    else:
        offered = list(sizes)
    offered = [dose for dose in offered if most is None or dose <= most] or ([int(most / sizes[0]) * sizes[0]] if kind == "vial" and most >= sizes[0] else [])
    far = (lambda dose: abs(dose - value)) if kind == "vial" else (lambda dose: max(dose / value, value / dose))
    found = min(offered, key=lambda dose: (far(dose), -dose), default=None)
    return found if found and abs(found - value) * 100 <= limit * value else None
