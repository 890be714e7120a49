"""The verb diff: two schedules or two regimens, said in clinical words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from schedules import releasable, saa_one, saa_two

from dosing import Administration, Course, InputError, Patient, Schedule, UsageError, cli, plan
from dosing.diff import compare, lines, read
from dosing.regimen.library import library

SEED = "nct07299123"
CHOICES = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}
ATG = {"set": {"atg.dose": "2.5 mg/kg/day", "atg.product": "thymoglobulin"}, "by": "AB", "reason": "author confirmed", "second_name": "CD"}


def seed(weight: str = "70 kg", day0: str | None = "2026-12-09", **more: Any) -> Schedule:
    when = {"zone": "Asia/Shanghai", "times": {"hsc": "14:00"}} if day0 else {}
    return plan(SEED, Patient(weight=weight, height="170 cm", age="34 y"), **({"day0": day0, "choose": CHOICES} | when | more))


def told(before: Any, after: Any) -> list[str]:
    return lines(compare(before, after))


def save(path: Path, schedule: Schedule) -> str:
    path.write_text(json.dumps(schedule.to_dict(), ensure_ascii=False), encoding="utf-8")
    return str(path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*args: str) -> tuple[int, str, str]:
        code = cli.main(["diff", *args])
        return code, *capsys.readouterr()

    return call


@pytest.mark.parametrize("made", [seed, lambda: seed(day0=None), lambda: seed(**ATG), saa_two, releasable])
def test_the_same_is_the_same(made: Callable[[], Schedule]) -> None:
    assert compare(made(), made()) == ()


def test_a_print_is_no_difference() -> None:
    assert compare(saa_one(), saa_one(printed_at="2026-12-01", issue=2, replaces=1)) == ()


def test_a_lighter_patient() -> None:
    found = told(seed(), seed("64 kg"))
    assert found[0] == "weight 70 → 64 kg"
    assert "body surface 1.82 → 1.74 m²" in found
    assert "fludarabine: 55 → 52 mg on days −5..−2; course 220 → 208 mg" in found
    assert "antithymocyte globulin: calculated 350 → 320 mcg, still on HOLD, on days −4..−1" in found
    assert "umbilical cord mesenchymal stromal cells: 35 → 32 million cells on day 0; course 35 → 32 million cells" in found


def test_the_changes_as_data() -> None:
    flu = [change.to_dict() for change in compare(seed(), seed("64 kg")) if change.order == "flu"]
    assert [(one["what"], one["from"], one["to"]) for one in flu] == [("dose", "55 mg", "52 mg"), ("total", "220 mg", "208 mg")]
    assert flu[0]["text"] == "fludarabine 55 → 52 mg on days −5..−2"


def test_day_zero_moves_and_no_dose_does() -> None:
    assert told(seed(), seed(day0="2026-12-12"))[0] == "day 0 moved 2026-12-09 → 2026-12-12 (3 days later)"
    moved = compare(seed(), seed(day0="2026-12-12"))
    assert {change.what for change in moved if change.what != "finding"} == {"day0"}
    assert all("weekend" in change.text for change in moved if change.what == "finding")
    assert {change.what for change in compare(seed(), seed(day0=None))} >= {"day0", "zone", "time"}
    assert told(seed(), seed(day0="2026-12-08"))[0].endswith("(1 day earlier)")


def test_a_line_is_released_and_held() -> None:
    found = told(seed(), seed(**ATG))
    line = next(text for text in found if text.startswith("antithymocyte globulin rabbit"))
    assert "line released: 175 mg on days −4..−1" in line and "course HOLD → 700 mg" in line
    assert any(text.startswith("HOLD atg.dose is gone") for text in found)
    assert any(text.startswith("change of atg.dose entered: 5 mcg/kg/day → 2.5 mg/kg/day by AB, confirmed by CD") for text in found)
    back = " ".join(told(seed(**ATG), seed()))
    assert "line HELD, was 175 mg, on days −4..−1" in back and "course 700 mg → HOLD" in back and "new HOLD atg.dose" in back


def test_orders_come_and_go() -> None:
    found = told(saa_one(), saa_two())
    assert "busulfan: order added, 16 doses: 42 mg on days −8..−5, course 672 mg" in found
    assert "choice stratum SAA-I → SAA-II" in found
    assert "busulfan: order removed, 16 doses: 42 mg on days −8..−5, course 672 mg" in told(saa_two(), saa_one())


def _on(row: Administration, days: int) -> Administration:
    """A dose some days later, on the calendar and by its count."""
    return row._replace(day=row.day + days, date=row.date + timedelta(days), seconds=row.seconds + days * 86_400)


def test_doses_come_go_and_move() -> None:
    made = saa_one()
    short = saa_one(administrations=tuple(row for row in made if (row.order, row.number) != ("flu", 4)))
    assert "fludarabine: 4 → 3 doses, removed 1 dose: 55 mg on day −2" in told(made, short)
    assert "fludarabine: 3 → 4 doses, added 1 dose: 55 mg on day −2" in told(short, made)
    undated = saa_one(False)
    later = saa_one(False, administrations=tuple(row._replace(day=row.day + 1) if row.order == "flu" else row for row in undated))
    assert "fludarabine: 4 doses moved: on days −4..−1, was days −5..−2" in told(undated, later)
    later = saa_one(administrations=tuple(_on(row, 1) if row.order == "flu" else row for row in made))
    assert "fludarabine: doses 1 to 4 moved 1 day later: 04 to 07 Dec 2026 → 05 to 08 Dec 2026 (days −4..−1, were days −5..−2)" in told(made, later)
    counted = saa_one(administrations=tuple(row._replace(day=row.day + 1) if row.order == "flu" else row for row in made))
    assert "fludarabine: doses 1 to 4 stay on 04 to 07 Dec 2026, counted anew: days −4..−1, were days −5..−2" in told(made, counted)


def test_hours_and_numbers_within_a_day() -> None:
    assert "busulfan: start 02:00 → 03:00, 08:00 → 09:00, 14:00 → 15:00, 20:00 → 21:00 on days −8..−5 (doses 1 to 16 of 16)" in told(saa_two(), saa_two(first=3))
    lines_ = told(seed(times={"hsc": "14:00"}), seed(times={"hsc": "03:00"}))
    assert "time of hsc 14:00 → 03:00" in lines_
    assert any(text.startswith("umbilical cord mesenchymal stromal cells: dose 1 moved 1 day earlier: 09 Dec 2026 → 08 Dec 2026 (day −1, was day 0); start 10:00 → 23:00") for text in lines_)


def test_an_answer_and_the_release() -> None:
    before, after = seed(**ATG), seed(**ATG, answer={"flu.creatinine": "0.9 mg/dL today"})
    found = told(before, after)
    assert found[0] == "now releasable" and "answer to flu.creatinine entered: “0.9 mg/dL today” by AB" in found
    assert told(after, before)[0] == "now NOT RELEASABLE"


def test_a_diff_does_not_unblind() -> None:
    text = json.dumps([change.to_dict() for change in compare(seed(), seed(choose=CHOICES | {"arm": "3d"}))])
    assert "blinded" in text and "3d" not in text


@pytest.mark.parametrize("key", ["weight", "why", "sources", "answers", "second_calculation", "extra"])
def test_no_difference_is_passed_over(tmp_path: Path, key: str) -> None:
    """Whatever a person or a program changes in a saved file, the two are not called the same."""
    data = seed().to_dict()
    places = {"weight": (data["patient"]["weight"], "value", "71"), "why": (data["administrations"][0], "why", "by hand"), "sources": (data, "sources", []),
              "answers": (data, "answers", [{"id": "x", "answer": "y", "by": "z"}]), "second_calculation": (data, "second_calculation", {"agrees": False}), "extra": (data, "extra", 1)}  # fmt: skip
    where, name, value = places[key]
    old = save(tmp_path / "a.json", seed())
    where[name] = value
    (tmp_path / "b.json").write_text(json.dumps(data))
    assert compare(read(old), read(str(tmp_path / "b.json")))


def test_every_single_value_counts(tmp_path: Path) -> None:
    """Each amount, day and flag of each administration, changed alone, is told."""
    first = read(save(tmp_path / "a.json", seed()))
    for number, row in enumerate(seed().to_dict()["administrations"]):
        for key, value in (("day", 3), ("amount", {"value": "1.5", "unit": "mg"}), ("held", not row["held"]), ("route", "po"), ("start", "2026-12-01T03:00:00+08:00"), ("of", 9)):
            data = json.loads((tmp_path / "a.json").read_text())
            data["administrations"][number][key] = value
            (tmp_path / "b.json").write_text(json.dumps(data))
            assert compare(first, read(str(tmp_path / "b.json"))), (number, key)


# Regimens


def second_version(**swaps: str) -> Any:
    text = library().regimens[SEED].read_text(encoding="utf-8").partition("\nexamples:")[0] + "\n"
    for old, new in {"version: 1\n": "version: 2\n", **swaps}.items():
        assert old in text
        text = text.replace(old, new)
    return library().parse(text.encode(), "second.yaml")


def test_a_regimen_is_itself() -> None:
    assert compare(read(SEED), read(SEED)) == ()
    path = library().regimens[SEED]
    commented = library().parse(b"# a comment\n" + path.read_bytes(), "x.yaml")
    assert compare(read(SEED), commented) == ()


def test_a_regimen_changed_its_dose() -> None:
    swaps = {"30 mg/m2/day": "25 mg/m2/day", "30 mg/(m2 day) of Flu": "25 mg/(m2 day) of Flu", "120 mg/m2/course": "100 mg/m2/course"}
    found = told(read(SEED), second_version(**swaps))
    assert found[0] == "version 1 → 2"
    line = next(text for text in found if text.startswith("fludarabine (flu)"))
    assert "dose 30 → 25 mg/m2/day; course total 120 → 100 mg/m2/course" in line and "“25 mg/(m2 day) of Flu”" in line
    change = next(one for one in compare(read(SEED), second_version(**swaps)) if one.what == "dose")
    assert (change.order, change.before, change.after) == ("flu", "30 mg/m2/day", "25 mg/m2/day") and "25 mg/(m2 day)" in change.cite


def test_a_regimen_changed_its_days_product_and_queries() -> None:
    swaps = {"    days: -8..-5\n": "    days: -8..-6\n", "from days -8 to -5": "from days -8 to -6", "9.6 mg/kg/course": "7.2 mg/kg/course",
             "    drug: antithymocyte-globulin\n": "    drug: antithymocyte-globulin-rabbit\n    product: thymoglobulin\n", "silent: [mesna, ": "silent: ["}  # fmt: skip
    found = " | ".join(told(read(SEED), second_version(**swaps)))
    assert "busulfan (bu): days −8..−5 → −8..−6; course total 9.6 → 7.2 mg/kg/course" in found
    assert "antithymocyte globulin rabbit (atg): drug antithymocyte-globulin → antithymocyte-globulin-rabbit; product not given → thymoglobulin" in found
    assert "no longer listed as not said by the source: mesna" in found and re.search(r"worked examples differ \(\d → 0\)", found)


def test_orders_of_two_regimens() -> None:
    found = told(read(SEED), read("beijing-haplo"))
    assert any(text.startswith("fludarabine (flu): order removed: 30 mg/m2/day, days −5..−2 [registry: ") for text in found)
    assert any(text.startswith("cytarabine (cytarabine): order added: 4000 mg/m2/day, day −9") for text in found)


# Command line


def test_same_or_different_is_exit_0(run, tmp_path: Path) -> None:
    one, other = save(tmp_path / "a.json", seed()), save(tmp_path / "b.json", seed("64 kg"))
    assert run(one, one)[:2] == (0, "no difference\n")
    assert json.loads(run(one, one, "--json")[1]) == {"same": True, "changes": []}
    code, out, _ = run(one, other, "--json")
    data = json.loads(out)
    assert code == 0 and data["same"] is False and data["changes"][0] == {"what": "weight", "order": None, "from": "70 kg", "to": "64 kg", "text": "weight 70 → 64 kg", "cite": ""}
    assert run(SEED, SEED)[0] == 0 and run(f"{SEED}@1", "beijing-haplo")[0] == 0


@pytest.mark.parametrize(("data", "word"), [
    (b"", "JSON cannot be read"), (b"{", "JSON cannot be read"), (b"[1]", "holds no schedule"), (b"[" * 100_000, "JSON cannot be read"),
    (b"\xff\xfe\x00", "JSON cannot be read"), (b'{"schema": "dosing.course/1"}', "dosing.course/1"), (b'{"schema": "dosing.schedule/1"}', "not whole"),
    (b'{"schema": "dosing.schedule/1", "schema": "dosing.schedule/1"}', "twice"),
])  # fmt: skip
def test_an_unreadable_file_is_exit_4(run, tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    good = save(tmp_path / "a.json", seed())
    for pair in ((good, str(tmp_path / "bad.json")), (str(tmp_path / "bad.json"), good)):
        code, out, err = run(*pair, "--json")
        assert code == 4 and word in err and "bad.json" in json.loads(out)["errors"][0]["where"]


@pytest.mark.parametrize(("key", "value"), [("day", "-5"), ("amount", {"value": "55", "unit": 3}), ("amount", {"value": "1e9", "unit": "mg"}), ("start", "soon"), ("start", "2026-12-04T09:00:00"), ("held", None)])
def test_a_broken_row_is_named(tmp_path: Path, key: str, value: object) -> None:
    data = seed().to_dict()
    data["administrations"][2][key] = value
    (tmp_path / "bad.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=rf"administrations\.2\.{key}"):
        read(str(tmp_path / "bad.json"))


def test_what_cannot_be_compared(run, tmp_path: Path) -> None:
    good = save(tmp_path / "a.json", seed())
    assert run(good, SEED)[0] == 2 and run("nct0729912", SEED)[0] == 2 and run(good)[0] == 2
    assert run(good, str(tmp_path / "none.json"))[0] == 4 and run(good, str(tmp_path))[0] == 4
    with pytest.raises(UsageError):
        compare(seed(), read(SEED))


def test_a_saved_text_cannot_steer_the_terminal(tmp_path: Path) -> None:
    data = seed().to_dict()
    data["findings"][0]["message"] = "\x1b[2Jgone\nnext"
    (tmp_path / "b.json").write_text(json.dumps(data))
    assert not any("\x1b" in line or "\n" in line for line in told(seed(), read(str(tmp_path / "b.json"))))


def test_what_a_course_records_is_told() -> None:
    made = saa_one()
    given = saa_one(administrations=tuple(row._replace(record={"given": {"by": "AB"}}) if (row.order, row.number) == ("flu", 1) else row for row in made))
    assert told(made, given) == ["fludarabine: dose 1 recorded as given on 04 Dec 2026 (day −5)"]
    assert told(given, made) == ["fludarabine: dose 1 no longer recorded as given on 04 Dec 2026 (day −5)"]


def test_a_moved_day_zero_moves_what_is_left_and_not_what_was_given() -> None:
    """Three of four doses are given, then day 0 is a day later: only the fourth moves, told by its date."""
    course = Course.start(SEED, {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M"}, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=CHOICES)
    for order in ("cy", "atg"):
        course.stop(order, by="AB", why="flu alone")
    before = course.schedule()
    for number, day in ((1, 10), (2, 11), (3, 12)):
        course.give(f"flu#{number}", f"2027-01-{day}T09:{'10' if number == 2 else '00'}", "50 mg" if number == 3 else "", by="N1")
    course.move_day0("2027-01-16", outcome="rest-day", by="AB", why="courier")
    found = compare(before, course.schedule())
    flu = [change for change in found if change.order == "flu" and change.about]
    assert {(change.what, change.text) for change in flu} == {
        ("given", "doses 1 to 3 recorded as given on 10 to 12 Jan 2027 (days −6..−4)"),
        ("days", "dose 4 moved 1 day later: 13 Jan 2027 → 14 Jan 2027 (day −2)"),
        ("days", "the given doses 1 to 3 stay on 10 to 12 Jan 2027, counted anew: days −6..−4, were days −5..−3"),
        ("dose", "given 50 mg, planned 51 mg, on day −4"), ("start", "given at 09:10, planned 09:00, on day −5"),
        ("total", "course 204 → 203 mg"), ("total", "given so far 152 mg"),
    }  # fmt: skip
    assert [change.text for change in found if change.order in ("msc", "hsc") and change.what == "days"] == ["dose 1 moved 1 day later: 15 Jan 2027 → 16 Jan 2027 (day 0)"] * 2
    assert [change.text for change in compare(seed(), course.schedule()) if change.what == "course"] == ["the course is under way; it began with day 0 on 2027-01-15"]
    assert all(set(change.to_dict()) == {"what", "order", "from", "to", "text", "cite"} for change in found)


def test_a_missed_and_a_stopped_dose_are_named() -> None:
    course = Course.start(SEED, {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M"}, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=CHOICES)
    course.give("flu#1", "2027-01-10T09:00", by="N1")
    before = course.schedule()
    course.miss("flu#2", outcome="omit", by="N1", why="refused")
    course.stop("cy", by="AB", why="cystitis")
    found = told(before, course.schedule())
    assert any(line.startswith("fludarabine: ") and line.endswith("dose 2 recorded as missed (refused)") for line in found)
    assert any(line.startswith("cyclophosphamide: order removed, 4 doses") and "doses 1 to 4 recorded as stopped" in line for line in found)
    assert not any("not given → day0" in line for line in found)
