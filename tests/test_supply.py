"""Vials for a group: three patients worked by hand before the program ran, every small count searched, and what is left out.

The group: seed protocol, SAA-I, cyclophosphamide 600 mg/m2/day, Mosteller rounded to 0.01 m2.

    A1  70 kg 170 cm    1.82 m2   flu 30 × 1.82 = 54.6 → 55 mg    cy 600 × 1.82 = 1092 → 1090 mg   day 0 Wed 9 Dec
    A2  62.5 kg 168 cm  1.71 m2   flu 51.3 → 51 mg                cy 1026 → 1030 mg                day 0 Wed 9 Dec
    A3  20 kg 115 cm    0.80 m2   flu 24 mg                       cy 480 mg                        day 0 Thu 10 Dec

Days -5..-2 are 4 to 7 December for A1 and A2, 5 to 8 December for A3. Fludarabine vials hold 50 mg: 2 + 2 + 1.
Cyclophosphamide in 500 mg and 1 g: 1090 → 1 g + 500 mg, 410 over; 1030 → 1 g + 500 mg, 470 over; 480 → 500 mg, 20 over.

    4 Dec      flu 106 mg in 4, 94 over    cy 2120 mg: 2 × 1 g + 2 × 500 mg, 880 over    shared 2 × 1 g + 500 mg, 380 over
    5..7 Dec   flu 130 mg in 5, 120 over   cy 2600 mg: 2 × 1 g + 3 × 500 mg, 900 over    shared 3 × 1 g, 400 over
    8 Dec      flu 24 mg in 1, 26 over     cy 480 mg: 1 × 500 mg, 20 over                shared the same
    in all     flu 520 mg in 20, 480 over  cy 10400 mg: 8 × 1 g + 12 × 500 mg, 3600 over shared 11 × 1 g + 2 × 500 mg, 1600 over
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from fractions import Fraction
from io import StringIO
from itertools import product as every
from math import ceil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from hypothesis import given, settings
from hypothesis import strategies as st

from dosing import Cohort, InputError, Patient, Schedule, UsageError, cli, plan, plan_cohort, prepare
from dosing.preparation.vials import vial_set
from dosing.supply import Line, Supply, supply, window
from dosing.supply.counting import sessions
from dosing.supply.files import to_bytes, write
from dosing.supply.page import state
from dosing.supply.planned import plan_file, plan_rows

HEAD = "id,weight_kg,height_cm,age_y,sex,creatinine_mg_dl,day0"
ROWS = ("A1,70,170,34,F,0.9,2026-12-09", "A2,62.5,168,31,M,0.9,2026-12-09", "A3,20,115,7,F,0.4,2026-12-10")
SAME: dict[str, Any] = {"zone": "Asia/Shanghai", "times": {"hsc": "14:00"}, "choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}}
FLAGS = ("--zone", "Asia/Shanghai", "--time", "hsc=14:00", "--choose", "stratum=SAA-I", "--choose", "cy.dose=600 mg/m2/day")
PRODUCTS = {"flu": "solution", "cy": ("powder-500-mg", "powder-1-g")}
RELEASED: dict[str, Any] = {"set": {"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, "by": "AB", "reason": "sponsor letter"}
NAMED = ("--product", "flu=solution", "--product", "cy=powder-500-mg+powder-1-g")


def table(*rows: str, head: str = HEAD) -> list[dict[str, str]]:
    return list(csv.DictReader([head, *rows]))


def group(*rows: str, **more: Any) -> Supply:
    return supply(plan_cohort("nct07299123", Cohort.from_table(table(*(rows or ROWS))), **SAME), **{"products": PRODUCTS, **more})


def alone(row: dict[str, str], **more: Any) -> Schedule:
    """One row planned as one patient."""
    facts = {"weight": f"{row['weight_kg']} kg", "height": f"{row['height_cm']} cm", "age": f"{row['age_y']} y", "creatinine": f"{row['creatinine_mg_dl']} mg/dL"}
    return plan("nct07299123", Patient(**facts, sex=row["sex"], id=row["id"]), day0=row["day0"], **SAME, **more)


def held(line: Line, shared: bool = False) -> dict[str, int]:
    return {one.product: one.count for one in (line.needed if shared else line.apart).vials}


def days_of(made: Supply, drug: str) -> dict[int, Line]:
    return {line.date.day: line for line in made.lines(drug) if line.date}


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = cli.main(["supply", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


# --- by hand -------------------------------------------------------------------------------------------------------


def test_the_days_are_those_worked_by_hand() -> None:
    made = group()
    flu, cy = days_of(made, "fludarabine"), days_of(made, "cyclophosphamide")
    assert {day: (line.doses, line.patients, str(line.amount), held(line), str(line.apart.waste)) for day, line in flu.items()} == {
        4: (2, 2, "106 mg", {"solution": 4}, "94 mg"), **dict.fromkeys((5, 6, 7), (3, 3, "130 mg", {"solution": 5}, "120 mg")), 8: (1, 1, "24 mg", {"solution": 1}, "26 mg"),
    }  # fmt: skip
    assert {day: (str(line.amount), held(line), str(line.apart.waste)) for day, line in cy.items()} == {
        4: ("2,120 mg", {"powder-1-g": 2, "powder-500-mg": 2}, "880 mg"), **dict.fromkeys((5, 6, 7), ("2,600 mg", {"powder-1-g": 2, "powder-500-mg": 3}, "900 mg")),
        8: ("480 mg", {"powder-500-mg": 1}, "20 mg"),
    }  # fmt: skip


def test_shared_vials_are_those_worked_by_hand_and_only_where_the_label_says_how_long_one_keeps() -> None:
    made = group(share=True)
    shared = {day: (held(line, True), str(line.needed.waste)) for day, line in days_of(made, "cyclophosphamide").items()}
    assert shared == {4: ({"powder-1-g": 2, "powder-500-mg": 1}, "380 mg"), **dict.fromkeys((5, 6, 7), ({"powder-1-g": 3}, "400 mg")), 8: ({"powder-500-mg": 1}, "20 mg")}
    assert all(line.shared is None for line in days_of(made, "fludarabine").values())
    assert [ask.id for ask in made.asks if "opened" in ask.id] == ["flu.missing.opened"]


def test_the_sheet_says_on_which_keeping_time_sharing_rests(tmp_path: Path) -> None:
    """The file has 24 h at room temperature and 144 h cold, and the longer is taken; of what is stated, the 2 h at room temperature."""
    made = group(share=True)
    (cy,) = (line for line in made.totals if line.shared)
    assert cy.to_dict()["keeps"] == {"minutes": 144 * 60, "at": "2 to 8 °C", "source": cy.keeps and cy.keeps.source} and "ASHP" in cy.to_dict()["keeps"]["source"]
    for extension in (".txt", ".md"):
        assert "an opened vial serves the doses of one day for 144 h at 2 to 8 °C, by: ASHP" in " ".join(to_bytes(made, extension).decode().split())
    rows = [row for row in made.to_rows() if row["drug"] == "cyclophosphamide" and row["doses"] and row["section"] in ("day", "total")]
    assert {row["keeps"] for row in rows} == {"144 h at 2 to 8 °C"} and not any(line.keeps for line in group().totals)
    (flu,) = (line for line in group(share=True, products={**PRODUCTS, "flu.opened": "2 h"}).totals if line.drug == "fludarabine")
    assert flu.keeps and (str(flu.keeps), flu.keeps.source) == ("2 h at room temperature", "stated for this preparation") and held(flu, True) == {"solution": 3 * 3 + 3 + 1}


def test_a_keeping_time_stated_from_the_label_in_hand_wins_over_a_longer_one_on_file() -> None:
    """The file's 144 h cold stand for other vials than the one in hand, whose label says 2 h."""
    (cy,) = (line for line in group(share=True, products={**PRODUCTS, "cy.opened": "2 h"}).totals if line.drug == "cyclophosphamide")
    assert (str(cy.keeps), cy.keeps and cy.keeps.source) == ("2 h at room temperature", "stated for this preparation")


def test_the_totals_are_those_worked_by_hand() -> None:
    lines = {line.drug: line for line in group(share=True).totals}
    flu, cy = lines["fludarabine"], lines["cyclophosphamide"]
    assert (flu.doses, flu.patients, str(flu.amount), held(flu), str(flu.apart.waste), flu.first.isoformat()) == (12, 3, "520 mg", {"solution": 20}, "480 mg", "2026-12-04")
    assert (str(cy.amount), held(cy), str(cy.apart.waste)) == ("10,400 mg", {"powder-1-g": 8, "powder-500-mg": 12}, "3,600 mg")
    assert (held(cy, True), str(cy.needed.waste)) == ({"powder-1-g": 11, "powder-500-mg": 2}, "1,600 mg")
    assert {one.product: (one.count, one.total) for one in cy.reconstitute} == {"powder-1-g": (11, 550), "powder-500-mg": (2, 50)}  # 50 and 25 mL each


def test_cells_and_the_graft_are_infusions() -> None:
    lines = {line.drug: line for line in group().totals if line.how == "infusion"}
    msc, graft = lines["umbilical-cord-msc"], lines["haematopoietic-stem-cells"]
    assert (msc.doses, str(msc.amount), msc.apart.vials) == (3, "76,250,000 cells", ())  # 35 + 31.25 + 10 million
    assert (graft.doses, graft.patients, graft.amount) == (3, 3, None)


def test_held_doses_and_drugs_without_a_dose_are_listed_and_never_counted() -> None:
    made = group()
    atg = next(one for one in made.not_counted if one.why == "held")
    assert (atg.drug, atg.doses, atg.patients, str(atg.first), str(atg.last)) == ("antithymocyte-globulin", 12, 3, "2026-12-05", "2026-12-09")
    assert "atg.dose" in atg.findings and "no vial" in atg.effect and str(atg).startswith("12 doses of antithymocyte-globulin (atg), 3 patients")
    assert str(atg.calculated) == "3.05 mg"  # 4 × (350 + 312.5 + 100) mcg
    assert not any(line.drug.startswith("antithymocyte") for line in (*made.days, *made.totals))
    assert {one.drug for one in made.not_counted if one.why == "not scheduled"} == {"mycophenolate-mofetil", "ciclosporin", "methotrexate"}
    assert not made.final


def test_what_no_label_says_is_asked_for_and_the_doses_stay_counted() -> None:
    flu = next(line for line in group(products={"cy": PRODUCTS["cy"]}).totals if line.drug == "fludarabine")
    assert (flu.doses, str(flu.amount), flu.apart.vials, flu.vials_unknown, flu.product) == (12, "520 mg", (), 12, ())
    assert {"flu.missing.product", "cy.missing.bag"} <= {ask.id for ask in group(products={"cy": PRODUCTS["cy"]}).asks}


def test_a_released_line_is_counted_by_the_product_it_was_planned_with() -> None:
    """2.5 mg/kg: 175, 156.25 → 156 (step 1 mg), 50 mg; Thymoglobulin 25 mg vials: 7, 7, 2, four days each."""
    for made in (supply([alone(row, **RELEASED) for row in table(*ROWS)], products=PRODUCTS), supply(plan_cohort("nct07299123", Cohort.from_table(table(*ROWS)), **SAME, **RELEASED), products=PRODUCTS)):
        atg = next(line for line in made.totals if line.drug.startswith("antithymocyte"))
        assert (atg.product, held(atg), str(atg.amount)) == (("thymoglobulin",), {"thymoglobulin": 4 * (7 + 7 + 2)}, "1,524 mg")


# --- against other ways to count --------------------------------------------------------------------------------------


def test_a_cohort_and_its_patients_one_by_one_come_to_the_same() -> None:
    schedules = [alone(row) for row in table(*ROWS)]
    one_by_one, whole = supply(schedules, products=PRODUCTS, share=True, by_patient=True), group(share=True, by_patient=True)
    assert one_by_one.to_dict() == whole.to_dict()
    count: Counter[tuple[str, str]] = Counter()
    for schedule in schedules:
        for row in prepare(schedule, products=PRODUCTS):
            count.update({(str(row.row.date), vials.product): vials.count for vials in row.vials})
    assert count == Counter({(str(line.date), one.product): one.count for line in whole.days for one in line.apart.vials})


@pytest.mark.parametrize("changes", [{}, RELEASED])
def test_a_cohort_and_its_file_come_to_the_same(changes: dict[str, Any], tmp_path: Path) -> None:
    """A file with a column of regimens, filled or empty, one without, and one beside rows of another protocol know as much as the bare cohort."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    bare = supply(plan_cohort("nct07299123", Cohort.from_table(table(*ROWS)), **SAME, **changes), products=PRODUCTS, by_patient=True).to_dict()
    pq.write_table(pa.Table.from_pylist([dict(row, regimen="") for row in table(*ROWS)]), tmp_path / "group.parquet")
    assert supply(plan_file(tmp_path / "group.parquet", "nct07299123", **SAME, **changes), products=PRODUCTS, by_patient=True).to_dict() == bare
    for head, rows in ((HEAD, ROWS), (HEAD.replace("id,", "id,regimen,"), [row.replace(",", ",nct07299123,", 1) for row in ROWS])):
        (tmp_path / "group.csv").write_text("\n".join((head, *rows)), encoding="utf-8")
        assert supply(plan_file(tmp_path / "group.csv", "nct07299123", **SAME, **changes), products=PRODUCTS, by_patient=True).to_dict() == bare
    rows = [dict(row, regimen="nct07299123") for row in table(*ROWS)] + [{"id": "B1", "regimen": "flu-mel140", "weight_kg": "60", "height_cm": "165", "day0": "2026-12-12"}]
    both = plan_rows(Cohort.from_table(rows, also=("regimen",)), None, **SAME, **changes)
    assert supply(both[:1], products=PRODUCTS, by_patient=True).to_dict() == bare and [one.calculated for one in both] == [3, 1]


SIZES = st.lists(st.sampled_from([15, 25, 50, 60, 100, 147, 200, 250, 500, 1000]), min_size=1, max_size=3, unique=True)


@settings(max_examples=150, deadline=None)
@given(wanted=st.integers(1, 1200), sizes=SIZES, costs=st.one_of(st.none(), st.lists(st.integers(1, 60), min_size=3, max_size=3)))
def test_no_other_set_of_vials_is_better(wanted: int, sizes: list[int], costs: list[int] | None) -> None:
    """Every set of at most enough vials of each size, in the plainest way: cost, then waste, then number."""
    names = {f"v{size}": size for size in sizes}
    prices = dict(zip(names, costs, strict=False)) if costs else None

    def worth(counts: dict[str, int]) -> tuple[int, int, int]:
        return sum((prices or {}).get(name, 0) * n for name, n in counts.items()), sum(names[name] * n for name, n in counts.items()), sum(counts.values())

    sets = (dict(zip(names, counts, strict=True)) for counts in every(*(range(ceil(wanted / size) + 1) for size in names.values())))
    best = min(worth(counts) for counts in sets if sum(names[name] * n for name, n in counts.items()) >= wanted)
    assert worth(vial_set(wanted, names, prices)) == best


def test_doses_share_vials_only_as_long_as_the_first_one_keeps() -> None:
    """Hours 0, 1, 3 and 4 with a vial that keeps two hours: 0 and 1 together, 3 and 4 together; to the minute both ends count."""
    hours = [(h * 3600, Fraction(10)) for h in (3, 0, 4, 1)]
    assert sessions(hours, 120) == [20, 20]
    assert sessions([(0, Fraction(1)), (7200, Fraction(1))], 120) == [2] and sessions([(0, Fraction(1)), (7201, Fraction(1))], 120) == [1, 1]


# --- window, names, refusals ------------------------------------------------------------------------------------------


def test_a_window_cuts_days_held_doses_and_patients() -> None:
    made = group(start="2026-12-04", end="2026-12-04")
    assert made.patients == 2 and {line.drug for line in made.days} == {"fludarabine", "cyclophosphamide"} and {str(line.date) for line in made.days} == {"2026-12-04"}
    assert not [one for one in made.not_counted if one.why == "held"]
    assert group(start="2027-01-01").days == ()


def test_a_window_tells_the_doses_it_leaves_out() -> None:
    """Of 42 doses (flu, cy and atg 12 each, 3 msc, 3 grafts) 4 lie on 4 December, so 38 outside; A3's day 0 is the 10th."""
    assert group().outside is None and group().to_dict()["outside"] is None
    made = group(start="2026-12-04", end="2026-12-04")
    assert made.to_dict()["outside"] == {"doses": 38, "first": "2026-12-05", "last": "2026-12-10"}
    for extension in (".txt", ".md", ".csv"):
        assert "38 doses of the group lie outside these dates, 2026-12-05 to 2026-12-10" in " ".join(to_bytes(made, extension).decode().split())
    assert str(group(end="2026-12-09").outside) == "2 doses of the group lie outside these dates, 2026-12-10"  # A3's cells and graft, day 0
    assert [row["doses"] for row in made.to_rows() if row["section"] == "outside"] == ["38"]


def test_a_window_is_final_only_when_nothing_is_asked_and_some_dose_lies_in_it() -> None:
    """4 December holds fludarabine and cyclophosphamide only; with bags stated, the diluent of fludarabine is all that is lacking."""
    day: dict[str, Any] = {"start": "2026-12-04", "end": "2026-12-04", "volumes": {"cy": "500 mL", "flu": "100 mL"}}
    asked, whole = group(**day), group(**day, products={**PRODUCTS, "flu.diluents": "sodium chloride 0.9 %"})
    assert [ask.id for ask in asked.asks] == ["flu.missing.diluent"] and not asked.final and state(asked).startswith("NOT FINAL: 1 fact asked for.")
    assert whole.final and state(whole).startswith("Final: nothing is held, open, asked for or unknown. 38 doses of the group lie outside")
    empty = group(start="2027-01-01")
    assert not empty.final and empty.outside and empty.outside.doses == 42 and state(empty).startswith("NOT FINAL: no dose lies in these dates. 42 doses")


@pytest.mark.parametrize(("start", "end", "code", "where"), [("2026-12-10", "2026-12-01", "T03", "--from/--to"), ("2026-13-01", None, "T02", "--from"), (None, "soon", "T01", "--to")])
def test_a_fault_of_the_window_names_its_options(start: str | None, end: str | None, code: str, where: str) -> None:
    with pytest.raises(InputError) as refused:
        group(start=start, end=end)
    assert (refused.value.code, refused.value.faults[0].where) == (code, where)
    assert window("2026-12-01", "2026-12-01")[0] == window("2026-12-01", None)[0]


def test_a_name_may_be_a_drug_or_one_protocols_order_and_the_nearest_wins() -> None:
    by_drug = group(products={"fludarabine": "solution", "cyclophosphamide": ["powder-2-g"], "nct07299123/cy": "powder-1-g"})
    assert {line.product for line in by_drug.totals if line.how == "vials"} == {("solution",), ("powder-1-g",)}
    with pytest.raises(UsageError, match='no order or drug "fluu"'):
        group(products={"fluu": "solution"})
    with pytest.raises(UsageError, match="not counted in vials"):
        group(products={"msc": "x"})
    with pytest.raises(UsageError, match="a price is stated"):
        group(prices={"powder-9-g": "3"})


def test_a_week_is_asked_for_in_python() -> None:
    """The patient of the README: 3 × 55 mg and 3 × 1090 mg from 4 to 6 December; antithymocyte globulin is held."""
    schedule = plan("nct07299123", Patient(weight="70 kg", height="170 cm", age="34 y", sex="F", creatinine="0.9 mg/dL"), day0="2026-12-09", **SAME)
    week = supply([schedule], products={"flu": "solution", "cy": ["powder-500-mg", "powder-1-g"]}, start="2026-12-04", end="2026-12-06")
    assert [(line.drug, line.doses, str(line.amount)) for line in week.totals] == [("cyclophosphamide", 3, "3,270 mg"), ("fludarabine", 3, "165 mg")]
    assert week.not_counted[0].why == "held" and not week.final
    assert supply(schedule, start="2026-12-04").days[0].doses == 1


def test_without_day_0_there_is_no_calendar() -> None:
    with pytest.raises(InputError) as refused:
        supply(plan("nct07299123", Patient(weight="70 kg", height="170 cm", age="34 y"), times={"hsc": "14:00"}, choose=SAME["choose"]))
    assert refused.value.code == "T01" and "day0" in str(refused.value)


# --- the command --------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path) -> str:
    (tmp_path / "group.csv").write_text("\n".join((HEAD, *ROWS)) + "\n", encoding="utf-8")
    return str(tmp_path / "group.csv")


def test_the_command_prints_a_sheet_without_patients(three: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "nct07299123", "--cohort", three, *FLAGS, *NAMED, "--bag", "cy=500 mL", "--bag", "flu=100 mL")
    assert code == 5 and err.startswith("NOT FINAL: 12 doses held")
    assert "12 × 500 mL sodium chloride 0.9 % or glucose 5 %" in out and not any(name in out for name in ("A1", "A2", "A3"))
    assert max(map(len, out.splitlines())) <= 100 and "12 doses of antithymocyte-globulin" in out
    assert "A3 2026-12-08 fludarabine: 1 × 24 mg (1 × solution)" in run(capsys, "nct07299123", "--cohort", three, *FLAGS, *NAMED, "--by-patient")[1]


def test_json_is_the_contract_and_the_same_each_time(three: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "nct07299123", "--cohort", three, *FLAGS, *NAMED, "--json")
    told = json.loads(out)
    assert told["schema"] == "dosing.supply/1" and told["final"] is False and (told["from"], told["to"]) == ("2026-12-04", "2026-12-10")
    assert told["days"][0]["apart"]["vials"][0] == {"product": "powder-1-g", "content": {"value": "1000", "unit": "mg"}, "count": 2}
    assert all(isinstance(line["amount"]["value"], str) for line in told["totals"] if line["amount"]) and "by_patient" not in told
    assert out == run(capsys, "nct07299123", "--cohort", three, *FLAGS, *NAMED, "--json")[1]


def test_the_command_refuses_a_reversed_window_and_calls_an_empty_one_not_final(three: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "nct07299123", "--cohort", three, *FLAGS, "--from", "2026-12-10", "--to", "2026-12-01")
    assert (code, out) == (4, "") and "--from/--to" in err and "2026-12-10" in err
    code, out, err = run(capsys, "nct07299123", "--cohort", three, *FLAGS, "--from", "2027-01-01")
    assert code == 5 and err.startswith("NOT FINAL: no dose lies in these dates. 42 doses") and "Final" not in out


@pytest.mark.parametrize("name", ["group.csv", "./sub/../group.csv", "link.csv"])
def test_the_supply_never_replaces_the_patients(name: str, three: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(three)
    before, other = Path(three).read_bytes(), tmp_path / "first.csv"
    code, _, err = run(capsys, "nct07299123", "--cohort", three, *FLAGS, "-o", str(other), "-o", f"{tmp_path}/{name}")
    assert code == 2 and "would replace the patients" in err and Path(three).read_bytes() == before and not other.exists()


def test_refused_rows_stand_in_their_file_and_in_the_sheet_without_the_patient(three: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(three).write_text("\n".join((HEAD, *ROWS, "A4,700,170,34,F,0.9,2026-12-09")), encoding="utf-8")
    target = tmp_path / "supply.csv"
    code, _, err = run(capsys, "nct07299123", "--cohort", three, *FLAGS, *NAMED, "-o", str(target))
    (refused,) = csv.DictReader(StringIO((tmp_path / "supply.csv.rejected.csv").read_text(encoding="utf-8")))
    assert code == 6 and "1 row refused" in err and (refused["id"], refused["row"], refused["column"], refused["code"]) == ("A4", "5", "weight_kg", "C02")
    assert "A4" not in target.read_text(encoding="utf-8") and "row 5, column weight_kg: C02" in target.read_text(encoding="utf-8")


def test_several_protocols_in_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """flu-mel140 prints 25 mg/m2/day on -6..-2: 60 kg, 165 cm, 1.66 m2 → 41.5 → 42 mg, one vial of 50 mg on five days."""
    head = HEAD.replace("id,", "id,regimen,")
    rows = [row.replace(",", ",,", 1) for row in ROWS] + ["B1,flu-mel140,60,165,40,F,0.9,2026-12-12", "B2,flu-mel14,60,165,40,F,0.9,2026-12-12"]
    (tmp_path / "mixed.csv").write_text("\n".join((head, *rows)), encoding="utf-8")
    code, out, err = run(capsys, "nct07299123", "--cohort", str(tmp_path / "mixed.csv"), *FLAGS, *NAMED, "--product", "melphalan=povidone", "--json")
    told = json.loads(out)
    assert code == 6 and 'row 6, column regimen: there is no regimen "flu-mel14" – did you mean "flu-mel140"?' in err
    assert {one["id"]: one["patients"] for one in told["regimens"]} == {"nct07299123@1": 3, "flu-mel140@1": 1}
    flu = next(line for line in told["totals"] if line["drug"] == "fludarabine")
    assert (flu["doses"], flu["patients"], flu["apart"]["vials"][0]["count"], flu["amount"]["value"]) == (17, 4, 25, str(520 + 5 * 42))


def test_every_format_holds_the_same_counts(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    made = group(share=True, by_patient=True)
    for name in ("s.txt", "s.md", "s.csv", "s.json", "s.xlsx"):
        assert write(made, tmp_path / name).read_bytes() == to_bytes(made, Path(name).suffix)
    rows = list(csv.DictReader(StringIO((tmp_path / "s.csv").read_text(encoding="utf-8"))))
    per_day = Counter({name: sum(int(row["vials"] or 0) for row in rows if row["section"] == "day" and row["vial"] == name) for name in ("solution", "powder-1-g", "powder-500-mg")})
    assert per_day == {"solution": 20, "powder-1-g": 8, "powder-500-mg": 12}
    assert sum(int(row["doses"]) for row in rows if row["section"] == "patient") == sum(line.doses for line in made.totals)
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    sheet = book["Totals"]
    names = [cell.value for cell in sheet[1]]
    totals = [dict(zip(names, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert {row["Vial"]: (row["Vials"], row["Vials shared"]) for row in totals if row["Vial"]} == {"solution": (20, 20), "powder-1-g": (8, 11), "powder-500-mg": (12, 2)}
    with pytest.raises(UsageError, match="no format that supply writes"):
        write(made, tmp_path / "s.pdf")


def test_a_table_has_the_rows_of_the_csv() -> None:
    made = group()
    assert made.to_table().num_rows == len(made.to_rows()) and made.to_table().column("section").to_pylist().count("total") == 5
