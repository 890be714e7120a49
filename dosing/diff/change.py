"""One change, and how two values, days and names are said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from dosing.derivation import spoken
from dosing.forms import say_days
from dosing.render.wording import SHORT, cells, short_date
from dosing.schedule import Amount
from dosing.units import print_unit

NONE = "not given"
_AMOUNT = re.compile(r"(\S*\d\S*) (\D.*)", re.S)


class Change(NamedTuple):
    """One change: `what` kind, the `order` it touches, both values as texts, and one phrase `about` a thing."""

    what: str
    text: str
    about: str = ""
    order: str | None = None
    before: str = ""
    after: str = ""
    cite: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The change as plain JSON values: what, order, from, to, text, cite."""
        text = f"{self.about} {self.text}" if self.about else self.text
        return {"what": self.what, "order": self.order, "from": self.before, "to": self.after, "text": text, "cite": self.cite}


def arrow(before: str, after: str) -> str:
    """`55 → 52 mg` where both end alike, else both in full: `900 mcg → 1.1 mg`."""
    one, other = _AMOUNT.fullmatch(before), _AMOUNT.fullmatch(after)
    if one and other and one[2] == other[2]:
        return f"{one[1]} → {other[1]} {one[2]}"
    return f"{before or NONE} → {after or NONE}"


def measure(value: Any) -> str:
    """A stored `{"value", "unit"}` as `55 mg` or `35 million cells`; any other value as text, nothing as empty."""
    if value is None:
        return ""
    if isinstance(value, dict) and {"value", "unit"} <= value.keys():
        millions = cells(Amount(value["value"], value["unit"])).replace("\u00a0", " ")
        return f"{millions} cells" if millions else f"{spoken(value['value'])} {print_unit(value['unit'])}"
    return str(value)


def days(numbers: Iterable[int]) -> str:
    """`on days −5..−2`, `on day 0`."""
    numbers = sorted(set(numbers))
    return f"on day{'s' if len(numbers) > 1 else ''} {say_days(tuple(numbers)).replace('-', '−')}"


def numbers(doses: Iterable[int]) -> str:
    """`dose 4`, `doses 1 to 3`, `doses 1, 3`."""
    found = sorted(set(doses))
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"doses {found[0]} to {found[-1]}"
    return f"dose{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"


def dates(days: Iterable[str]) -> str:
    """ISO dates as a ward reads them: `13 Jan 2027`, `10 to 12 Jan 2027`, `10 Jan 2027, 12 Jan 2027`."""
    found = sorted({date.fromisoformat(day) for day in days})
    first, last = found[0], found[-1]
    if len(found) == 1 or (last - first).days != len(found) - 1:
        return ", ".join(map(short_date, found))
    one = f"{first:%d}" if (first.year, first.month) == (last.year, last.month) else short_date(first)
    return f"{one} to {short_date(last)}"


def drug(name: str) -> str:
    """A drug id as words, an abbreviation in it written out."""
    return " ".join(SHORT.get(word.upper(), word) for word in name.split("-"))
