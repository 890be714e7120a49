"""Any text is read or refused; what is read stands in it, and nothing read of the library's own phrases differs from the hand reading."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dosing import forms
from dosing.errors import InputError
from dosing.exchange.record import read_record
from dosing.proof.record import flat
from dosing.regimen.library import library
from dosing.regimen.rules import numbers
from dosing.regimen.schema import Regimen

PIECES = st.sampled_from(
    ["Flu ", "Cy ", "of ATG ", "UC-MSCs ", "HSCs ", "30 mg/m2/day ", "0.6 mg/(kg 6 h) ", "5 × 10⁵/kg ", "2 x 106 cells/kg ", "3,5 mg ", "on days -5 to -2 ", "on day +1 ", "day 0 ",
     "4 h before ", "IV ", "and ", ", ", "; ", ". ", "\n", "\n\n", "* ", "(", ")", "total dose of ", "For the patients with X (A-I), ", "In children, the same ", "Study Groups\n", "Group Type EXPERIMENTAL\n",
     "Eligibility Criteria\n", "\\>", "<b>", "{{", "# ", "#x", ": ", "'", '"', "\ufffd", "\u200b", "Âµ", "Busulfan 130 mg/m2/day ", "over 2 h ", "once daily ", "twice daily ", "for 4 days ", "1.5 g "]
)  # fmt: skip
ANY = st.one_of(st.text(max_size=200), st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=25).map("".join))


def values(order: dict[str, Any]) -> set[Decimal]:
    """The numbers an order plans with."""
    return set().union(*(numbers(order.get(key, "")) for key in ("dose", "days", "at", "over")))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY)
def test_any_text_is_read_or_refused_and_every_number_stands_in_a_cited_phrase_of_it(text: str) -> None:
    try:
        draft = read_record(f"NCT09999999\n\n{text}", "2026-01-01")
    except InputError:
        return
    phrases = [phrase for row in draft.regimen["orders"] for phrase in row["cite"]["registry"]]
    said_so = set().union(*map(numbers, phrases))
    assert all(phrase in flat(text) for phrase in phrases)
    for order in draft.regimen["orders"]:
        assert all({value, value / 1000, value * 1000, value / 10**6} & said_so for value in values(order)), (order, phrases)
    if not draft.faults:
        library().parse(draft.text.encode(), "draft.yaml")



def by_hand(regimen: Regimen, drug: str) -> tuple[set[Any], set[int]]:
    """The doses and the days that the file made by hand has for a drug, those of other sources among them."""
    mine = [order for order in regimen.orders if order.drug == drug]
    others = [one for query in regimen.queries if query.order in {order.id for order in mine} for one in query.instead.values()]
    doses = {key(one.dose) for one in (*mine, *others) if isinstance(one.dose, forms.Dose)}
    return doses, {day for one in (*mine, *others) if isinstance(one.days, tuple) for day in one.days}


def key(dose: forms.Dose) -> tuple[Any, ...]:
    return dose.low, dose.high, dose.unit, dose.per, dose.time, dose.every


def test_no_phrase_of_the_library_is_read_otherwise_than_by_hand() -> None:
    """Each cited phrase as a sentence of its own: a dose or days that the import reads are those a person read, or it asks."""
    shelf, read, asked = library(), 0, 0
    for name in sorted(shelf.regimens):
        regimen = shelf.regimen(name)
        phrases = dict.fromkeys(phrase for order in regimen.orders for part in order.cite.values() for phrase in part)
        try:
            made = read_record("NCT09999999\n\n" + "\n\n".join(f"{phrase.rstrip('.')}." for phrase in phrases), "2026-01-01").regimen["orders"]
        except InputError:
            continue
        for row in made:
            doses, days = by_hand(regimen, row["drug"])
            asked += "ask" in (row["dose"], row["days"])
            if doses and row["dose"] not in ("ask", "not given"):
                read += 1
                assert key(forms.read_dose(row["dose"])) in doses, (name, row)
            if days and row["days"] != "ask":
                assert set(forms.read_days(row["days"])) <= days, (name, row)
    assert read > 20 and asked > 20




LINES = st.lists(
    st.tuples(
        st.sampled_from([("Flu", "fludarabine", "mg/m2"), ("cyclophosphamide", "cyclophosphamide", "mg/kg"), ("Mel", "melphalan", "mg/m2"), ("busulfan", "busulfan", "mg/kg"), ("Thiotepa", "thiotepa", "mg/kg")]),
        st.integers(1, 90), st.sampled_from(["/day", "/day", "/dose", ""]), st.none() | st.tuples(st.integers(-9, -4), st.integers(1, 3)),
        st.sampled_from(["{drug} {dose}{days}", "{drug} ({dose}{days})", "{dose} of {drug}{days}", "{drug} {dose} IV over 2 h{days}", "{drug} {dose} (total dose of 777 mg/m2){days}", "{days} {drug} {dose}"]),
    ),
    min_size=1, max_size=5, unique_by=lambda line: line[0][1],
)  # fmt: skip


def told(line: Any) -> str:
    """One line of a regimen as a registry might print it."""
    (drug, _, unit), number, time, days, form = line
    days = f" on days {days[0]} to {days[0] + days[1]}" if days else ""
    return form.format(drug=drug, dose=f"{number} {unit}{time}", days=days).strip()


@settings(max_examples=120, deadline=None)
@given(LINES, st.sampled_from([", ", "; ", ". ", " and ", "\n", "\n* ", ", then ", " plus "]), st.sampled_from(["", "Patients receive ", "Conditioning with ", "The total dose of ATG is 10 mg/kg. "]))
def test_of_a_regimen_told_in_many_ways_nothing_is_read_otherwise(lines: Any, joint: str, opening: str) -> None:
    """Each dose and each list of days is the printed one or is asked for; one that prints none has none."""
    assume(not (joint in (" and ", " plus ") and any(line[4].startswith("{days}") for line in lines)))  # the days in front may then be meant for all
    truth = {line[0][1]: line for line in lines}
    try:
        draft = read_record(f"NCT09999999\n\n{opening}{joint.join(map(told, lines))}.", "2026-01-01")
    except InputError:
        return
    assert set(truth) >= {row["drug"] for row in draft.regimen["orders"] if "ask" not in (row["dose"], row["days"])}
    for row in (row for row in draft.regimen["orders"] if row["drug"] in truth):
        (_, _, unit), number, time, days, _ = truth[row["drug"]]
        assert row["dose"] in ("ask", f"{number} {unit}{time}" if time else "ask"), draft.text
        assert row["days"] == "ask" or days and forms.read_days(row["days"]) == tuple(range(days[0], days[0] + days[1] + 1)), draft.text
