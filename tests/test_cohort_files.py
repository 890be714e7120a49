"""Cohorts from file to file: every bad row is named in the sidecar, every file is whole, the same input gives the same bytes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from cohorts import CELLS, COLUMNS, FIRST, MSC, SEED, people

pa = pytest.importorskip("pyarrow", reason="cohorts need the extra dosing[cohort]")

from dosing.cohort import plan_file  # noqa: E402
from dosing.errors import InputError, UsageError  # noqa: E402

CORPUS = Path(__file__).parents[1].parent / "shared" / "reference" / "bad-inputs.csv"


def written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def refused_rows(output: Path) -> list[dict[str, str]]:
    with (output.parent / f"{output.name}.rejected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def corpus() -> list[Any]:
    if not CORPUS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the shelf with bad-inputs.csv is absent"))]
    with CORPUS.open(encoding="utf-8", newline="") as file:
        return [pytest.param(row, id=row["id"]) for row in csv.DictReader(file) if row["field"] == "cohort_csv" and not row["value"].startswith("gen:")]


@pytest.mark.parametrize("row", corpus())
def test_bad_cohort_files(row: dict[str, str], tmp_path: Path) -> None:
    """Every cohort file of `bad-inputs.csv` is refused by its code: whole, with nothing written, or by rows, in sidecar and report."""
    source, output = written(tmp_path / "in.csv", json.loads(f'"{row["value"]}"')), tmp_path / "out.csv"
    code = row["expected"].removeprefix("reject: ")
    try:
        report = plan_file(MSC, source, output, **CELLS)
    except InputError as error:
        assert code in {fault.code for fault in error.faults} and not output.exists()
        return
    assert {one["code"] for one in refused_rows(output)} == {code} == {one["code"] for one in report["errors"]}
    assert report["refused"] and report["rows"] == report["calculated"] + report["refused"]


def test_a_bad_row_is_named_and_the_others_are_planned(tmp_path: Path) -> None:
    source, output = written(tmp_path / "in.csv", "id,weight_kg,height_cm\nP1,,170\nP2,71,172\nP3,70,1.70\nP4,70\nP5,80,180\n"), tmp_path / "out.csv"
    report = plan_file(SEED, source, output, **FIRST)
    assert (report["rows"], report["calculated"], report["refused"], report["administrations"]) == (5, 2, 3, 28)
    assert [(one["id"], one["row"], one["column"], one["code"]) for one in refused_rows(output)] == [
        ("P1", "2", "weight_kg", "C02"), ("P3", "4", "height_cm", "C02"), ("P4", "5", "", "C07"),
    ]  # fmt: skip
    with output.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == COLUMNS and len(lines) == 28 and {line["id"] for line in lines} == {"P2", "P5"}
    assert next(line for line in lines if line["order"] == "msc")["amount"] == "35500000"


def test_twenty_thousand_rows_with_twenty_poisoned(tmp_path: Path) -> None:
    """All twenty are named by id, line and column, and every other row is planned."""
    table, poison = people(20_000), ["#REF!", "", "70,5", "7o", "-70", "1e2", "700", "154 lb", "n/a", "70.123"]
    bad = {n * 997 + 13: poison[n % 10] for n in range(20)}
    for row, text in bad.items():
        table["weight_kg"][row] = f'"{text}"'
    lines = [",".join(cells) for cells in zip(*table.values(), strict=True)]
    source, output = written(tmp_path / "in.csv", "\n".join([",".join(table), *lines])), tmp_path / "out.parquet"
    report = plan_file(SEED, source, output, **FIRST)
    assert (report["rows"], report["calculated"], report["refused"]) == (20_000, 19_980, 20)
    named = refused_rows(output)
    assert [(one["id"], int(one["row"]), one["column"], one["code"]) for one in named] == [(f"P{row}", row + 2, "weight_kg", "C02") for row in bad]
    import pyarrow.parquet as pq

    made = pq.read_table(output)
    assert made.num_rows == report["administrations"] == 19_980 * 14 and len(set(made["id"].to_pylist())) == 19_980


def test_parquet_in_gives_what_csv_in_gives(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = people(40)
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    written(tmp_path / "in.csv", "\r\n".join([",".join(table), *map(",".join, zip(*table.values(), strict=True))]))
    for kind in ("csv", "parquet"):
        plan_file(SEED, tmp_path / f"in.{kind}", tmp_path / f"from-{kind}.csv", **FIRST)
    assert (tmp_path / "from-csv.csv").read_bytes() == (tmp_path / "from-parquet.csv").read_bytes()


def test_an_id_with_a_comma_is_quoted(tmp_path: Path) -> None:
    source, output = written(tmp_path / "in.csv", 'id,weight_kg\n"Ward 3, bed 1",70\n病人2,71\n'), tmp_path / "out.csv"
    assert plan_file(MSC, source, output, **CELLS)["calculated"] == 2
    with output.open(encoding="utf-8", newline="") as file:
        assert {line["id"] for line in csv.DictReader(file)} == {"Ward 3, bed 1", "病人2"}


def test_blanks_say_not_known_where_a_check_asks(tmp_path: Path) -> None:
    text = "id,weight_kg,height_cm,age_y,sex,creatinine_mg_dl\nP1,70,170,40,F,0.9\nP2,70,170,,,\nP3,20,115,7,F,0.4\n"
    plan_file(SEED, written(tmp_path / "in.csv", text), tmp_path / "out.csv", **FIRST)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        found = {line["id"]: line["finding"].split() for line in csv.DictReader(file) if line["order"] == "flu"}
    assert "flu.creatinine" not in found["P1"] and {"flu.creatinine", "patient.age"} <= set(found["P2"])


@pytest.mark.parametrize(("text", "code"), [
    ("id;weight_kg\nP1;70\n", "C06"), ("id,weight_kg\n", "C07"), ("id,id,weight_kg\nP1,P1,70\n", "C01"), ('id,weight_kg\nP1,"70\nP2,71"\n', "C07"),
    ('id,weight_kg\nP1,7"0\n"P2"x,71\n', "C07"), ("weight_kg\n70\n", "C01"), ("id,weight_kg\n\udcff,70\n", "R12"),
])  # fmt: skip
def test_files_refused_as_a_whole(text: str, code: str, tmp_path: Path) -> None:
    """A wrong separator, header, quote or encoding: by its code, and no file is written."""
    with pytest.raises(InputError) as refusal:
        plan_file(MSC, written(tmp_path / "in.csv", text), tmp_path / "out.csv", **CELLS)
    assert refusal.value.code == code and {path.name for path in tmp_path.iterdir()} == {"in.csv"}


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    assert plan_file(MSC, written(tmp_path / "in.csv", "\ufeffid,weight_kg\nP1,70\n"), tmp_path / "out.csv", **CELLS)["calculated"] == 1


def test_paths_that_cannot_be_are_refused_before_the_work(tmp_path: Path) -> None:
    source = written(tmp_path / "in.csv", "id,weight_kg\nP1,70\n")
    for output in (tmp_path / "out.xlsx", tmp_path / "absent" / "out.csv", source, tmp_path / "con.csv"):
        with pytest.raises(UsageError):
            plan_file(MSC, source, output, **CELLS)
    with pytest.raises(InputError):
        plan_file(MSC, tmp_path / "absent.csv", tmp_path / "out.csv", **CELLS)
    with pytest.raises(InputError):
        plan_file(MSC, written(tmp_path / "in.parquet", "PAR1"), tmp_path / "out.csv", **CELLS)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, output = written(tmp_path / "in.csv", "id,weight_kg\nP1,70\n"), written(tmp_path / "out.csv", "old")

    def full(*_: Any) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr("dosing.cohort.files._as_texts", full)
    with pytest.raises(UsageError):
        plan_file(MSC, source, output, **CELLS)
    assert output.read_text() == "old" and {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_an_old_list_of_refused_rows_does_not_stay(tmp_path: Path) -> None:
    """A run without refused rows empties the sidecar of the run before."""
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    plan_file(MSC, written(source, "id,weight_kg\nP1,x\nP2,70\n"), output, **CELLS)
    assert len(refused_rows(output)) == 1
    assert plan_file(MSC, written(source, "id,weight_kg\nP1,71\nP2,70\n"), output, **CELLS)["rejected"] is None
    assert refused_rows(output) == []


def test_same_input_same_bytes(tmp_path: Path) -> None:
    source = written(tmp_path / "in.csv", "id,weight_kg,height_cm\nP1,70,170\nP2,x,170\n")
    for name in ("a.csv", "b.csv", "a.parquet", "b.parquet"):
        plan_file(SEED, source, tmp_path / name, **FIRST)
    for one, other in (("a.csv", "b.csv"), ("a.parquet", "b.parquet"), ("a.csv.rejected.csv", "b.csv.rejected.csv")):
        assert (tmp_path / one).read_bytes() == (tmp_path / other).read_bytes()


def test_progress_shows_only_on_a_terminal_and_only_for_long_work(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from dosing.cohort import progress

    with progress.watching() as watch:
        watch("doses", 0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress.watching() as watch:
        watch("doses", 0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.watching() as watch:
        watch("doses", 0.5)
    assert "doses" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_command_line(output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`dosing plan --cohort` ends with exit 6 for a refused row and names it in its JSON."""
    from dosing.cli import main

    source = written(tmp_path / "in.csv", "id,weight_kg\nP1,70\nP2,x\n")
    choose = ["--choose", "msc.dose=1e6 cells/kg", "--choose", "msc.days=0, +7"]
    assert main(["plan", MSC, "--cohort", str(source), "-o", str(tmp_path / output), *choose, "--json"]) == 6
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["calculated"], report["refused"], report["administrations"]) == (2, 1, 1, 2)
    assert report["errors"][0]["code"] == "C02" and report["errors"][0]["where"] == "row 3, column weight_kg"
