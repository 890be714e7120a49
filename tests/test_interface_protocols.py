"""What the contract asks of its two trials, NCT07299123 (the seed) and NCT01305694, as a user meets it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from commands import ATG, BODY, SAA1, SAA2, WELL, WHEN
from refusals import refusal

import dosing
from dosing.render import FORMATS


@pytest.mark.parametrize("given", [(), ("--choose", "stratum=SAA-II")])
def test_every_missing_choice_is_listed_with_what_the_source_says_and_the_flag(seed, given: tuple[str, ...]) -> None:
    faults = {fault["where"]: fault for fault in refusal(seed(*BODY, *WHEN, *given), 4)}
    assert "--choose cy.dose" in faults["choice cy.dose"]["do"] and "500-800 mg/(m2 day) of Cy" in faults["choice cy.dose"]["what"]
    if given:
        assert "the same treatment of ATG and Cy" in faults["choice flu_in_saa2"]["what"] and "--choose flu_in_saa2" in faults["choice flu_in_saa2"]["do"]
        assert "--time bu=HH:MM" in faults["time bu"]["do"] and "0.6 mg/(kg 6 h)" in faults["time bu"]["what"]
    else:
        assert "--choose stratum=SAA-I|SAA-II" in faults["choice stratum"]["do"]


# The arm

ARMS = re.compile(r"(?<![0-9a-z])[23]-?d\b|hypoxi|conventional|preconditioned|unblinded", re.I)


def text_of(path: Path) -> str:
    """Everything a file tells: its text, or the text and names of all members of an archive (a workbook)."""
    if path.suffix == ".parquet":
        table = pytest.importorskip("pyarrow.parquet").read_table(path)
        return f"{table.to_pydict()} {table.schema} {path.read_bytes().decode('latin-1')}"
    if not zipfile.is_zipfile(path):
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        return " ".join(name + archive.read(name).decode("latin-1") for name in archive.namelist())


@pytest.mark.parametrize("arm", [(), ("--choose", "arm=blinded")])
def test_a_blinded_plan_tells_no_arm_anywhere(run, tmp_path, caplog, arm: tuple[str, ...]) -> None:
    caplog.set_level(0)
    suffixes = [suffix for suffix in FORMATS if suffix not in (".pdf", ".xlsx")]  # read in tests of their own
    files = [word for suffix in suffixes for word in ("-o", str(tmp_path / f"sheet{suffix}"))]
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *arm, *files, "--json")
    page = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *arm)
    texts = {"stdout": told.out, "stderr": told.err + page.err, "page": page.out, "log": caplog.text, "names": " ".join(path.name for path in tmp_path.iterdir())}
    texts |= {path.name: text_of(path) for path in tmp_path.iterdir()}
    assert {name: found[0] for name, text in texts.items() if (found := ARMS.search(text))} == {}


def test_a_blinded_pdf_tells_no_arm_in_text_or_metadata(run, tmp_path) -> None:
    pypdf, _ = pytest.importorskip("pypdf"), pytest.importorskip("typst")
    path = tmp_path / "sheet.pdf"
    assert run("plan", "nct07299123", *BODY, *WHEN, *SAA1, "-o", str(path)).code == 5
    reader = pypdf.PdfReader(path)
    text = " ".join(page.extract_text() for page in reader.pages) + str(dict(reader.metadata or {}))
    assert not ARMS.search(text) and not re.search(rb"hypoxi|conventional", path.read_bytes(), re.I)


def test_an_unblinded_plan_tells_the_arm_and_changes_no_dose(seed) -> None:
    plans = [seed(*BODY, *WHEN, *SAA1, "--choose", f"arm={arm}") for arm in ("2d", "3d", "blinded")]
    assert [made.json["choices"]["arm"] for made in plans] == ["2d", "3d", "blinded"]
    assert plans[0].json["administrations"] == plans[1].json["administrations"] == plans[2].json["administrations"]


# The globulin


def test_atg_is_held_and_asked_about(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1)
    told = " ".join(found["message"] for found in made.json["findings"] if found["order"] == "atg")
    assert "100-fold below the lowest" in told and "500 to 8,000-fold below" in told and "does not name the product" in told
    assert {"atg.dose", "atg.product"} <= made.open and made.code == 5


def test_atg_never_gets_a_suggested_value(run, tmp_path) -> None:
    """No page, file or message holds a dose in mg/kg, or says what the dose should be."""
    files = [tmp_path / f"s{suffix}" for suffix in (".txt", ".html", ".md", ".csv", ".json")]
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *[word for path in files for word in ("-o", str(path))])
    page = run("plan", "nct07299123", *BODY, *WHEN, *SAA1)
    talk = [line for line in (told.err + page.err).splitlines() if not line.startswith("written: ")]
    for text in (page.out, *talk, *(path.read_text(encoding="utf-8") for path in files)):
        assert re.findall(r".{20}\d\s*m(?:illi)?g(?:ram)?s?\s*/\s*kg.{9}", text) == []
        assert re.findall(r"did you mean|suggest|should be", text.replace("no value is suggested", "")) == []


@pytest.mark.parametrize("words", [
    ("--set", "atg.dose=2.5 mg/kg/day"), ("--set", "atg.product=thymoglobulin"),
    ("--set", "atg.product=thymoglobulin", "--set", "atg.dose=10 mg/kg/day"),
    ("--set", "atg.product=thymoglobulin", "--set", "atg.dose=7 mg/kg/day"),
    ("--set", "atg.product=atgam", "--set", "atg.dose=60 mg/kg/day"),
])  # fmt: skip
def test_atg_stays_held_without_a_product_or_past_a_hard_limit(seed, words: tuple[str, ...]) -> None:
    made = seed(*WELL, *WHEN, *SAA1, *words, "--by", "AB", "--reason", "x")
    assert made.code == 5 and all(row["held"] and row["amount"] is None for row in made.rows("atg"))
    assert any(found["level"] == "block" and found["order"] == "atg" for found in made.json["findings"])


def test_an_answer_does_not_release_a_block(seed) -> None:
    """The line stays held and asked about: only a change inside the product's limits releases it."""
    made = seed(*WELL, *WHEN, *SAA1, "--answer", "atg.dose=it is right", "--by", "AB")
    assert made.code == 5 and "atg.dose" in made.open and all(row["held"] and row["amount"] is None for row in made.rows("atg"))


def test_atg_inside_its_products_limits_is_released_and_the_change_prints(run, seed) -> None:
    made = seed(*WELL, *WHEN, *SAA1, *ATG)
    assert made.code == 0 and made.rows("atg")[0]["amount"] == {"value": "175", "unit": "mg"}
    assert made.rows("atg")[0]["drug"] == "antithymocyte-globulin-rabbit"
    assert [change["key"] for change in made.json["changes"]] == ["atg.dose", "atg.product"]
    assert all(change["by"] == "AB" and change["reason"] == "confirmed by the author" for change in made.json["changes"])
    page = run("plan", "nct07299123", *WELL, *WHEN, *SAA1, *ATG)
    assert "confirmed by the author" in page.out.replace("\n", " ") or "confirmed by the" in page.out


# Busulfan


def saa2(*more: str, bu: str = "02:00") -> tuple[str, ...]:
    return (*WELL, *WHEN, *SAA2, "--time", f"bu={bu}", *ATG, *more)


def test_busulfan_asks_which_days(seed) -> None:
    made = seed(*saa2())
    query = made.finding("bu.days")
    assert made.code == 5 and query["level"] == "query" and "8 doses" in query["message"] and "-7" in query["message"]
    assert len(made.rows("bu")) == 16 and made.rows("bu")[0]["calculated"] == {"value": "42", "unit": "mg"}


def test_an_answer_closes_the_query_and_prints(run, seed) -> None:
    answer = ("--answer", "bu.days=registry days confirmed by sponsor 12 Nov", "--answer", "cy.after-busulfan=the protocol prints the overlap")
    made = seed(*saa2(*answer))
    assert made.code == 0 and made.json["answers"] == [{"id": "bu.days", "answer": "registry days confirmed by sponsor 12 Nov", "by": "AB"},
                                                       {"id": "cy.after-busulfan", "answer": "the protocol prints the overlap", "by": "AB"}]
    assert "sponsor 12 Nov" in run("plan", "nct07299123", *saa2(*answer)).out


def test_sixteen_doses_in_real_hours(seed) -> None:
    made = seed(*saa2())
    assert [row["start"][:16] for row in made.rows("bu")[:5]] == ["2026-12-01T02:00", "2026-12-01T08:00", "2026-12-01T14:00", "2026-12-01T20:00", "2026-12-02T02:00"]
    assert "bu.window" not in {found["id"] for found in made.json["findings"]}


def test_a_dose_outside_its_days_is_a_finding(seed) -> None:
    made = seed(*saa2(bu="08:00"))
    assert made.rows("bu")[-1]["day"] == -4 and made.finding("bu.window")["level"] in ("query", "block") and made.code == 5


def test_fludarabine_in_saa_2_is_a_choice(seed) -> None:
    words = [word.replace("flu_in_saa2=yes", "flu_in_saa2=no") for word in saa2()]
    assert seed(*words).rows("flu") == [] and len(seed(*saa2()).rows("flu")) == 4


# Real hours


@pytest.mark.parametrize(("hour", "day", "start"), [("14:00", 0, "2026-12-09T10:00"), ("04:00", 0, "2026-12-09T00:00"), ("03:59", -1, "2026-12-08T23:59"), ("00:00", -1, "2026-12-08T20:00")])
def test_cells_four_hours_before_the_graft(seed, hour: str, day: int, start: str) -> None:
    made = seed(*BODY, *WHEN[:4], "--time", f"hsc={hour}", *SAA1)
    (cells,) = made.rows("msc")
    assert (cells["day"], cells["start"][:16], cells["date"]) == (day, start, start[:10])
    assert any(found["order"] == "msc" and "viable" in found["message"] for found in made.json["findings"])


def test_a_graft_on_the_day_the_clocks_change(seed) -> None:
    """Four real hours before it, in spring and in autumn."""
    zone = ("--zone", "Europe/Berlin", *SAA1)
    spring = seed(*BODY, "--day0", "2027-03-28", "--time", "hsc=05:00", *zone)
    assert spring.rows("msc")[0]["start"] == "2027-03-28T00:00:00+01:00"
    autumn = seed(*BODY, "--day0", "2026-10-25", "--time", "hsc=04:00", *zone)
    assert autumn.rows("msc")[0]["start"] == "2026-10-25T01:00:00+02:00" and autumn.finding("msc.clock")["level"] == "note"


def test_a_clock_time_that_does_not_exist_is_refused(seed) -> None:
    fault = refusal(seed(*BODY, "--day0", "2027-03-28", "--zone", "Europe/Berlin", "--time", "hsc=02:30", *SAA1), 4)[0]
    assert fault["code"] == "T04"


def test_a_doubled_hour_is_asked_about_and_chosen(seed) -> None:
    given = (*BODY, "--day0", "2026-10-25", "--zone", "Europe/Berlin", *SAA1)
    assert refusal(seed(*given, "--time", "hsc=02:30"), 4)[0]["code"] == "T05"
    assert seed(*given, "--time", "hsc=02:30 first").rows("hsc")[0]["start"] == "2026-10-25T02:30:00+02:00"
    assert seed(*given, "--time", "hsc=02:30 second").rows("hsc")[0]["start"] == "2026-10-25T02:30:00+01:00"


@pytest.mark.parametrize(("zone", "day0"), [("America/New_York", "2027-03-19"), ("Australia/Lord_Howe", "2026-10-09"), ("Europe/Berlin", "2026-10-30"), ("America/Santiago", "2027-04-10")])
def test_every_six_hours_are_six_real_hours_in_every_zone(zone: str, day0: str) -> None:
    made = dosing.plan("nct07299123", dosing.Patient(weight="70 kg", height="170 cm", age="34 y"), day0=day0, zone=zone, times={"hsc": "14:00", "bu": "00:00"},
                       choose={"stratum": "SAA-II", "cy.dose": "600 mg/m2/day", "flu_in_saa2": "no"})  # fmt: skip
    starts = [row.seconds for row in made if row.order == "bu"]
    assert {later - earlier for earlier, later in zip(starts, starts[1:])} == {6 * 3600} and len(starts) == 16
    assert "bu.clock" in {found.id for found in made.findings}
    assert all((row.date - made.day0).days == row.day for row in made)


# What is added, missing or outside


def test_what_has_no_dose_stands_in_not_scheduled(seed) -> None:
    assert [row["drug"] for row in seed(*BODY, *WHEN, *SAA1).json["not_scheduled"]] == ["mycophenolate-mofetil", "ciclosporin", "methotrexate"]


def test_a_gvhd_block_on_the_same_day_axis(seed) -> None:
    made = seed(*BODY, *WHEN, *SAA1, "--with", "gvhd-csa-mtx")
    assert [row["drug"] for row in made.json["not_scheduled"]] == ["mycophenolate-mofetil"]
    assert [row["day"] for row in made.rows("mtx2")] == [3, 6, 11] and len(made.rows("csa")) == 8
    assert made.rows("mtx1")[0]["amount"] == {"value": "27", "unit": "mg"}  # 15 × 1.82 = 27.3
    assert made.finding("csa-level.dose")["level"] == "block" and made.code == 5


@pytest.mark.parametrize(("age", "asked"), [("5 y", True), ("6 y", False), ("60 y", False), ("61 y", True)])
def test_an_age_outside_the_protocol_is_asked_about(seed, age: str, asked: bool) -> None:
    made = seed("--weight", "60 kg", "--height", "165 cm", "--age", age, *WHEN, *SAA1)
    assert ("patient.age" in made.open) is asked and made.code == 5


def test_a_missing_creatinine_is_asked_about(seed) -> None:
    assert "flu.creatinine" in seed(*BODY, *WHEN, *SAA1).open
    assert "flu.creatinine" not in seed(*WELL, *WHEN, *SAA1).open
    assert "flu.creatinine" not in seed(*BODY, "--crcl", "90 mL/min", *WHEN, *SAA1).open


def test_every_number_carries_its_printed_phrase(run) -> None:
    for order in run("show", "nct07299123", "--json").json["orders"]:
        assert order["cite"] and all(phrases for phrases in order["cite"].values())


# NCT01305694


def test_no_dose_is_printed_so_one_is_asked_for(run) -> None:
    faults = refusal(run("plan", "nct01305694", "--weight", "60 kg", "--json"), 4)
    assert {fault["where"] for fault in faults} == {"choice msc.dose", "choice msc.days"}
    assert all("prints no" in fault["what"] and "--choose" in fault["do"] for fault in faults)


def test_four_weekly_infusions(run) -> None:
    made = run("plan", "nct01305694", "--weight", "60 kg", "--height", "165 cm", "--age", "40 y", "--day0", "2027-01-04", "--zone", "Asia/Shanghai",
               "--choose", "msc.dose=1e6 cells/kg", "--choose", "msc.days=0, +7, +14, +21", "--json")  # fmt: skip
    assert made.code == 0 and [row["date"] for row in made.rows("msc")] == ["2027-01-04", "2027-01-11", "2027-01-18", "2027-01-25"]
    assert {row["amount"]["value"] for row in made.rows("msc")} == {"60000000"} and made.json["totals"][0]["amount"]["value"] == "240000000"
    assert made.json["choices"]["msc.dose"] and made.json["choices"]["msc.days"]
