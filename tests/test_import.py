"""A trial record in: what stands in it is read with its phrase, what is open is asked for, and nothing is guessed or lost."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dosing import Patient, load_regimen, plan, proof
from dosing.errors import InputError
from dosing.exchange.record import Draft, read_record
from dosing.proof.record import flat
from dosing.regimen.schema import Order

RECORDS = Path(__file__).parent / "cases" / "records"
SHELF = Path(__file__).parents[1].parent / "shared"
SEEDS = SHELF / "seeds"
PHRASES = SHELF / "reference" / "data" / "dose-phrases.tsv"
with_seeds = pytest.mark.skipif(not SEEDS.exists(), reason="the shelf with the seed records is absent")
with_phrases = pytest.mark.skipif(not PHRASES.exists(), reason="the shelf with dose-phrases.tsv is absent")
WHO = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "creatinine": "0.9 mg/dL"}


def seed(number: str) -> str:
    return (SEEDS / f"{number}.txt").read_text(encoding="utf-8")


def drafted(text: str) -> Draft:
    """The draft of a description alone."""
    return read_record(f"NCT ID: NCT09999999\nLast Updated: 2026-01-01\n\nDetailed Description\n\n{text}\n")


def orders(draft: Draft) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in draft.regimen["orders"]}


def said(draft: Draft, part: str) -> str:
    return "\n".join(f"{line.where}: {line.phrase}: {line.says}" for line in getattr(draft, part))


def saved(draft: Draft, folder: Path) -> Path:
    path = folder / f"{draft.id}.yaml"
    path.write_text(draft.text, encoding="utf-8")
    return path


def printed(order: Order) -> tuple[Any, ...]:
    """What a record prints of an order: the parts in which a draft and the file made by hand must agree."""
    return order.drug, str(order.dose), order.days, str(order.at), order.event


# The seeds: against the files made by hand


@with_seeds
def test_the_seed_gives_the_orders_of_the_file_made_by_hand(tmp_path: Path) -> None:
    made, by_hand = load_regimen(saved(read_record(seed("NCT07299123")), tmp_path)), load_regimen("nct07299123")
    assert {printed(order) for order in made.orders} == {printed(order) for order in by_hand.orders}
    assert {entry.drug for entry in made.not_scheduled} == {entry.drug for entry in by_hand.not_scheduled}
    assert (made.ages, made.status, made.trial) == (by_hand.ages, "draft", "yes")


@with_seeds
def test_every_phrase_of_the_seed_drafts_stands_in_the_record(tmp_path: Path) -> None:
    for number in ("NCT07299123", "NCT01305694"):
        proved = proof.check(saved(read_record(seed(number)), tmp_path), SEEDS / f"{number}.txt")
        assert proved.holds and proved.phrases >= 2, proved.faults


@with_seeds
def test_micrograms_stay_and_the_range_stays_a_range() -> None:
    found = orders(read_record(seed("NCT07299123")))
    assert found["atg"]["dose"] == "5 mcg/kg/day" and "5μg/(kg day) of ATG" in found["atg"]["cite"]["registry"]
    assert found["cy"]["dose"] == "500..800 mg/m2/day"
    assert "route" not in found["atg"] and found["flu"]["route"] == "iv"  # restated for Flu and Cy only


@with_seeds
def test_what_carries_over_to_saa_two_is_asked_order_by_order() -> None:
    made = read_record(seed("NCT07299123")).regimen
    assert list(made["choices"]["stratum"]["options"]) == ["SAA-I", "SAA-II"]
    assert {"flu_in_saa-ii", "cy_in_saa-ii", "atg_in_saa-ii"} < set(made["choices"]) and "bu_in_saa-ii" not in made["choices"]
    assert "does not name it" in made["choices"]["flu_in_saa-ii"]["ask"]
    assert "names it without a dose" in made["choices"]["cy_in_saa-ii"]["ask"]


@with_seeds
def test_a_masked_trial_quotes_no_arm_in_its_orders() -> None:
    made = read_record(seed("NCT07299123")).regimen
    assert (made["choices"]["arm"]["default"], made["choices"]["arm"]["blinds"]) == ("blinded", "yes")
    assert not re.search(r"\b[23]D\b", json.dumps(made["orders"]))


@with_seeds
def test_the_draft_plans_after_two_decisions_as_the_file_made_by_hand(tmp_path: Path) -> None:
    path = saved(read_record(seed("NCT07299123")), tmp_path)
    given: dict[str, Any] = {"day0": "2027-01-15", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}}
    chosen = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}
    draft, by_hand = (plan(name, Patient(**WHO), choose=chosen, **given) for name in (path, "nct07299123"))
    assert [(row.drug, row.start, str(row.amount)) for row in draft] == [(row.drug, row.start, str(row.amount)) for row in by_hand]
    assert str(draft.total("fludarabine")) == "204 mg" and {"atg.dose", "draft.read"} <= {one.id for one in draft.open}


@with_seeds
def test_busulfan_of_the_draft_makes_sixteen_doses(tmp_path: Path) -> None:
    chosen = {"stratum": "SAA-II", "cy.dose": "650 mg/m2/day", **{f"{order}_in_saa-ii": "yes" for order in ("flu", "cy", "atg")}}
    patient = Patient(weight="28 kg", height="132 cm", age="9 y", sex="F")
    made = plan(saved(read_record(seed("NCT07299123")), tmp_path), patient, day0="2027-04-03", zone="Europe/Berlin", times={"hsc": "14:00", "bu": "00:00"}, choose=chosen)
    assert len([row for row in made if row.drug == "busulfan"]) == 16 and str(made.total("busulfan")) == "268.8 mg"


@with_seeds
def test_a_record_without_a_dose_asks_for_dose_and_days(tmp_path: Path) -> None:
    draft = read_record(seed("NCT01305694"))
    (order,) = draft.regimen["orders"]
    assert (order["drug"], order["dose"], order["days"], order["route"]) == ("bone-marrow-msc", "ask", "ask", "iv")
    assert "ciclosporin" in said(draft, "unread") and "natural-killer-cells" in said(draft, "unread")  # background is told, not ordered
    made = plan(saved(draft, tmp_path), Patient(weight="60 kg"), choose={"bm-msc.dose": "1e6 cells/kg", "bm-msc.days": "0, +7, +14, +21"})
    assert len(list(made)) == 4 and made.total("bone-marrow-msc").value == "240000000"


@with_seeds
def test_every_line_number_is_the_line_of_the_phrase() -> None:
    lines, draft = seed("NCT07299123").splitlines(), read_record(seed("NCT07299123"))
    placed = [line for line in draft.read if line.where]
    assert len(placed) == 6
    for line in placed:
        assert line.phrase.split("; ")[0] in flat(lines[int(line.where.removeprefix("line ")) - 1])


# The phrases read by hand

READ = {  # by a piece of the phrase: drug, dose, days as the hand reading has them
    "30 mg/(m2 day) of Flu": ("fludarabine", "30 mg/m2/day", "ask"),
    "5μg/(kg day) of ATG": ("antithymocyte-globulin", "5 mcg/kg/day", "ask"),
    "0.6 mg/(kg 6 h)": ("busulfan", "0.6 mg/kg/dose every 6 h", "-8..-5"),
    "oral MMF": ("mycophenolate-mofetil", "20 mg/kg/day", "-1..+100"),
    "rabbit ATG at 3.5": ("antithymocyte-globulin-rabbit", "3.5 mg/kg/dose", "-6..-2"),
    "fludarabine (120": ("fludarabine", "ask", "ask"),  # NEGATIVE for per day: a total, not said so
    "4.8 to 7.2 g/m2": ("cyclophosphamide", "ask", "ask"),
    "Ara-C 200": ("cytarabine", "200 mg/m2/day", "-7, -6, -4"),
    "busulfan 0.8": ("busulfan", "0.8 mg/kg/dose every 6 h x 4 days", "ask"),
    "fludarabine 30 mg/m2 of body": ("fludarabine", "ask", "ask"),
    "PTCy at 25 mg/kg": ("cyclophosphamide", "ask", "+3, +4"),
    "Melphalan, on days minus 3": ("melphalan", "60 mg/m2/day", "-3, -2"),
    "filgrastim 5 microgram": ("filgrastim", "5 mcg/kg/day once daily", "ask"),
    "932.59mg": ("cyclophosphamide", "ask", "ask"),
}


@with_phrases
@pytest.mark.parametrize("piece", READ)
def test_phrases_read_by_hand(piece: str) -> None:
    with PHRASES.open(encoding="utf-8") as file:
        (row,) = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if piece in row["phrase"]]
    draft = drafted(row["phrase"])
    (order,) = draft.regimen["orders"]
    assert (order["drug"], order["dose"], order["days"]) == READ[piece]
    assert not draft.faults
    if "ask" in (order["dose"], order["days"]):
        assert order["id"] in said(draft, "decide") + said(draft, "unread")


@with_phrases
def test_the_other_phrases_give_no_order() -> None:
    """An exposure target, an antibody without a drug file, days alone: refused, and a dose among them is left over."""
    for phrase in ("Busulfan ... 4 daily doses targeted to an area under the curve (AUC) of 4000 μM*min per day", "day − 5 to − 2", "CD25Ab (0.5 mg/kg/day) on day + 4"):
        assert phrase in PHRASES.read_text(encoding="utf-8")
        draft = drafted(f"{phrase}. Flu 30 mg/m2/day on day -2.")
        assert list(orders(draft)) == ["flu"]
        assert ("0.5 mg/kg/day" in said(draft, "left_over")) == ("CD25Ab" in phrase)


def test_two_doses_of_one_drug_on_two_days_are_two_orders_and_a_question() -> None:
    draft = drafted("MTX was 15 mg/m2/day on day +1 and then 10 mg/m2/day on days +3, +6 and +11")
    assert [(row["dose"], row["days"]) for row in draft.regimen["orders"]] == [("15 mg/m2/day", "+1"), ("10 mg/m2/day", "+3, +6, +11")]
    assert any(query["id"] == "mtx1.doses" for query in draft.regimen["queries"])


# What is not guessed


@pytest.mark.parametrize(
    ("text", "dose", "days"),
    [
        ("Cy 50 mg/kg/day or 60 mg/kg/day on days -5 to -2", "ask", "ask"),
        ("Cy 50 mg/kg/day on days -5 to -2. Cy 60 mg/kg/day on days -5 to -2", "ask", "-5..-2"),
        ("Flu 30 mg/m2/day on days -6 to -2. Flu 30 mg/m2/day on days -5 to -2", "30 mg/m2/day", "ask"),
        ("1 x 10^6/kg to 2 x 10^6/kg UC-MSCs on day 0", "ask", "ask"),
        ("UC-MSCs 2 x 106 cells/kg on day 0", "ask", "0"),  # a lost superscript
        ("rATG 3,5 mg/Kg/day on days -3 to -1", "ask", "-3..-1"),
        ("Bu 0.8 mg/kg four times daily on days -8 to -5", "ask", "-8..-5"),  # four clock times are not printed
        ("Flu 30 IU/m2/day on days -6 to -2", "ask", "-6..-2"),
        ("Flu 30 mg/m2/day on days -6, 5, 4", "30 mg/m2/day", "ask"),
        ("Flu 30 mg/m2/day on days 1 to 5", "30 mg/m2/day", "ask"),
        ("Flu 30 mg/m2/day from day -6", "30 mg/m2/day", "ask"),
        ("CsA 3 mg/kg/day starting on day -1", "3 mg/kg/day", "ask"),
        ("G-CSF 5 mcg/kg/day from day +5 until engraftment", "5 mcg/kg/day", "ask"),
        ("MMF 15 mg/kg per dose (maximum 1 g) every 8 hours on days +5 to +35", "ask", "+5..+35"),  # the rhythm stands apart
        ("CsA 3 mg/kg i.v. daily in two divided doses on days -4 to -1", "ask", "-4..-1"),
        ("TBI 200 centigray on day -1", "ask", "-1"),
        ("TBI 2 Gy is followed by marrow, which is infused on day 0", "2 Gy", "ask"),
        ("busulfan 130 mg/m2/day on days -5 to -2", "ask", "-5..-2"),  # not a basis of its drug file
        ("Flu 30 mg/m2/day for 5 days on days -5 to -2", "30 mg/m2/day x 5 days", "ask"),  # the count and the days disagree
    ],
)
def test_an_open_dose_or_open_days_are_asked_for(text: str, dose: str, days: str) -> None:
    draft = drafted(text)
    (order,) = draft.regimen["orders"]
    assert (order["dose"], order["days"]) == (dose, days)
    assert order["id"] in said(draft, "unread") and not draft.faults
    assert order["cite"]["registry"]


def test_days_behind_two_drugs_belong_to_the_last_unless_both_are_said_to_be_given() -> None:
    loose = orders(drafted("Flu 30 mg/m2/day and Cy 50 mg/kg/day on days -5 to -2"))
    joined = orders(drafted("30 mg/m2/day of Flu and 50 mg/kg/day of Cy were given on days -5 to -2"))
    opened = orders(drafted("On day -5, Flu 30 mg/m2/day and Cy 50 mg/kg/day"))
    assert (loose["flu"]["days"], loose["cy"]["days"]) == ("ask", "-5..-2")
    assert (joined["flu"]["days"], joined["cy"]["days"]) == ("-5..-2", "-5..-2")
    assert (opened["flu"]["days"], opened["cy"]["days"]) == ("-5", "-5")


def test_days_printed_respectively_are_read_by_a_person() -> None:
    found = orders(drafted("Flu 30 mg/m2/day and Bu 3.2 mg/kg/day were given on days -8 to -6 and days -5 to -2, respectively"))
    assert [(row["dose"], row["days"]) for row in found.values()] == [("30 mg/m2/day", "ask"), ("3.2 mg/kg/day", "ask")]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("the total dose of Mel is a total dose of 140 mg/m2", "140 mg/m2"),
        ("MMF with a maximum of 3 g/day", "3 g/day"),
        ("a targeted busulfan level of 900 mg/day", "900 mg/day"),
        ("CD25Ab 0.5 mg/kg/day on day +4", "0.5 mg/kg/day"),
        ("thiotepa 5 mg/kg/day Cy", "5 mg/kg/day"),  # both stand beside it
        ("Flu 5Âµg/kg/day on day -1", "5Âµg/kg/day"),  # a letter decoded twice
    ],
)
def test_a_dose_that_is_assigned_to_nothing_is_left_over(text: str, left: str) -> None:
    draft = drafted(f"{text}. Treosulfan 14 g/m2/day on days -6 to -4.")
    assert [(row["drug"], row["dose"]) for row in draft.regimen["orders"]] == [("treosulfan", "14 g/m2/day")]
    assert left in said(draft, "left_over")


def test_every_number_of_a_whole_record_is_an_order_or_left_over() -> None:
    draft = read_record((RECORDS / "haplo.txt").read_text(encoding="utf-8"))
    found = orders(draft)
    assert [(row["drug"], row["dose"], row["days"]) for row in found.values()] == [
        ("antithymocyte-globulin-rabbit", "ask", "-9"), ("antithymocyte-globulin-rabbit", "ask", "-8, -7"), ("fludarabine", "30 mg/m2/day", "-6..-2"),
        ("cyclophosphamide", "14.5 mg/kg/day", "-6, -5"), ("cyclophosphamide", "50 mg/kg/day once daily", "+3, +4"), ("total-body-irradiation", "200 cGy", "ask"),
        ("mesna", "40 mg/kg/day", "+3, +4"), ("mycophenolate-mofetil", "ask", "+5..+35"), ("filgrastim", "5 mcg/kg/day", "ask"),
        ("melphalan", "70 mg/m2/day", "-3, -2"), ("busulfan", "ask", "-7..-4"),
    ]  # fmt: skip
    assert (found["flu"]["over"], found["flu"]["route"], found["ratg1"]["product"]) == ("30 min", "iv", "thymoglobulin")
    assert {query["id"] for query in draft.regimen["queries"]} >= {"draft.read", "cy1.doses", "mesna.divided", "mel.condition"}
    assert [line.phrase for line in draft.left_over] == ["29 mg/kg", "1 g per dose", "10 mg/day"]
    assert [entry["drug"] for entry in draft.regimen["not-scheduled"]] == ["sirolimus"]


# The file itself


def test_the_draft_says_on_its_face_what_it_is(tmp_path: Path) -> None:
    draft = read_record((RECORDS / "arms.txt").read_text(encoding="utf-8"))
    assert draft.text.startswith("# Machine-made draft, to be read against the record by a person")
    made = load_regimen(saved(draft, tmp_path))
    assert made.title.startswith("Machine-made draft") and made.status == "draft"
    patient = Patient(**WHO)
    held = plan(tmp_path / "nct09999902.yaml", patient, choose={"arm": "arm-1"})
    assert [one.id for one in held.open if one.id == "draft.read"] == ["draft.read"] and not held.releasable


def test_doses_of_one_arm_hang_on_the_arm() -> None:
    found = orders(read_record((RECORDS / "arms.json").read_text(encoding="utf-8")))
    assert (found["mel1"]["when"], found["mel2"]["when"], found["palifermin"]["when"]) == ("arm == arm-1", "arm == arm-2", "arm == arm-2")
    assert "when" not in found["bcnu"] and found["hsc"]["event"] == "hsc"


def test_json_and_text_of_the_same_record_give_the_same_draft() -> None:
    text, data = (read_record((RECORDS / f"arms.{kind}").read_text(encoding="utf-8")) for kind in ("txt", "json"))
    assert text.text == data.text
    assert [(line.phrase, line.says) for line in text.read] == [(line.phrase, line.says) for line in data.read]
    assert data.read[0].where == "descriptionModule.detailedDescription"


@with_seeds
def test_the_seed_as_json_gives_the_same_orders() -> None:
    text = seed("NCT07299123")
    description = next(line for line in text.splitlines() if line.startswith("The enrolled patients"))
    arms = [("3D hypoxia-preconditioned UC-MSC group", "3D hypoxia-preconditioned"), ("2D UC-MSC group", "2D")]
    groups = [{"label": label, "description": f"Received 5 × 10⁵/kg {cells} UC-MSCs at 4 h before HSC infusion"} for label, cells in arms]
    section = {
        "identificationModule": {"nctId": "NCT07299123", "briefTitle": text.splitlines()[0]},
        "statusModule": {"lastUpdatePostDateStruct": {"date": "2025-12-23"}},
        "descriptionModule": {"detailedDescription": description},
        "designModule": {"designInfo": {"maskingInfo": {"masking": "QUADRUPLE"}}},
        "armsInterventionsModule": {"armGroups": groups, "interventions": []},
        "eligibilityModule": {"minimumAge": "6 Years", "maximumAge": "60 Years"},
    }
    assert read_record(json.dumps({"studies": [{"protocolSection": section}]})).text == read_record(text).text


@pytest.mark.parametrize("text", ["", "   \n", "{", '{"a": 1}', '{"studies": []}', '{"studies": [{}, {}]}', "[1]", "no drug here", "Flu is given."])
def test_a_record_that_gives_no_order_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_record(text)


def test_a_refusal_tells_every_dose_that_was_seen() -> None:
    with pytest.raises(InputError) as refusal:
        drafted("CD25Ab 0.5 mg/kg/day on day +4 and a drug at 3 mg/day")
    assert [fault.what for fault in refusal.value.faults if "0.5 mg/kg/day" in fault.what or "3 mg/day" in fault.what]
    assert len(refusal.value.faults) == 3


@with_seeds
def test_the_same_record_gives_the_same_bytes() -> None:
    assert read_record(seed("NCT07299123")).text == read_record(seed("NCT07299123").replace("\n", "\r\n")).text
