"""Cohort files: a table of patients in, a table of doses out, refused rows beside it; each file whole or not at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dosing.cohort.plan import Cohort, plan_cohort
from dosing.cohort.progress import watching
from dosing.cohort.result import CohortSchedule
from dosing.cohort.table import Refused
from dosing.errors import Fault, InputError, UsageError, refuse
from dosing.files import checked, whole, write_whole
from dosing.render.csvfile import guarded
from dosing.rounding import number_text

FORMATS = (".csv", ".parquet")
REFUSED = ("id", "row", "column", "code", "what", "do")
BATCH = 524_288
TOLD = 1000  # refusals that the report repeats; the file of refused rows holds all


def plan_file(regimen: Any, path: str | os.PathLike[str], output: str | os.PathLike[str], **options: Any) -> dict[str, Any]:
    """Plan a CSV or Parquet file of patients into a CSV or Parquet file of doses; gives the counts back.

    Refused rows stand in `OUTPUT.rejected.csv`, one line for each fault. The options are those of `plan()`.
    Raises `InputError` where the file as a whole cannot be read (C01, C06, C07, R05, R12), `UsageError` for a path that
    cannot be written.
    """
    source, target = Path(path), _target(output, Path(path))
    with watching() as watch:
        cohort = read_cohort(source)
        schedule = plan_cohort(regimen, cohort, watch=watch, **options)
        return _written(schedule, target, watch)


def read_cohort(source: Path, also: Collection[str] = ()) -> Cohort:
    """The cohort of a CSV or Parquet file, `also` with further columns of texts; `InputError` where its form is damaged."""
    _format(source)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise refuse("R05", f"the file cannot be read ({error.strerror})", "check its name.", str(source)) from None
    try:
        return _of_parquet(data, also) if source.suffix.lower() == ".parquet" else _of_csv(data, also)
    except InputError as error:
        raise error.at(source.name) from None


def _format(path: Path) -> str:
    if path.suffix.lower() not in FORMATS:
        raise UsageError(Fault("format", f'"{path.name}" is no cohort file', f"end its name with {' or '.join(FORMATS)}.", "cohort"))
    return path.suffix.lower()


def _target(output: str | os.PathLike[str], source: Path) -> Path:
    """The file to write, found writable before anything is calculated."""
    target = checked(os.fspath(output))
    _format(target)
    folder = target.parent
    if target.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(Fault("S01", f"{target} cannot be written", "name a file in a folder that exists and may be written.", "output"))
    if target.resolve() == source.resolve():
        raise UsageError(Fault("S01", "the doses would replace the patients", "name another output file.", "output"))
    return target


def _of_parquet(data: bytes, also: Collection[str]) -> Cohort:
    import pyarrow.parquet as pq

    try:
        return Cohort.from_table(pq.read_table(pa.BufferReader(data)), also=also)
    except (pa.ArrowException, OSError) as error:
        raise refuse("R12", f"this is no readable Parquet file ({str(error).splitlines()[0][:80]})", "export it again.") from None


def _of_csv(data: bytes, also: Collection[str]) -> Cohort:
    rows = list(_records(_text(data)))
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise refuse("C01", "the file is empty", "the first line names the columns: id, weight_kg, height_cm, ….")
    header, body = rows[0], rows[1:]
    broken = _ragged(body, len(header))
    cells = zip(*body, strict=True) if body else [()] * len(header)
    if len(set(header)) < len(header):
        raise refuse("C01", f"a column name stands twice: {', '.join(header)[:80]}", "keep one of each.")
    table = pa.table({name: pa.array(column, pa.string()) for name, column in zip(header, cells, strict=True)})
    cohort = Cohort.from_table(table, first=2, broken=broken, also=also)
    if not body:
        raise refuse("C07", "the file has no row of a patient", "write one line for each patient.")
    return cohort


def _text(data: bytes) -> str:
    """The text of a CSV file: UTF-8, one kind of line end, commas."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse("R12", f"byte {error.start + 1} is not UTF-8", "export the table as CSV UTF-8.") from None
    both = text.count("\r\n")
    kinds = {"CRLF": both, "LF": text.count("\n") - both, "CR": text.count("\r") - both}
    if len(mixed := [name for name, count in kinds.items() if count]) > 1:
        raise refuse("C06", f"the line ends are mixed ({', '.join(mixed)})", "export the table again with one kind of line end.")
    head = text.split("\n", 1)[0]
    if "," not in head and (";" in head or "\t" in head):
        raise refuse("C06", "the columns are not separated by commas", "export the table with commas and points.")
    return text


def _records(text: str) -> Iterator[list[str]]:
    """The records of a CSV text; `InputError` C07 names the line where a quotation mark is left open."""
    table, line = csv.reader(StringIO(text, newline=""), strict=True), 1
    try:
        for record in table:
            if table.line_num > line and any("\n" in cell or "\r" in cell for cell in record):
                raise _open_quote(line)
            yield record
            line = table.line_num + 1
    except csv.Error:
        raise _open_quote(line) from None


def _open_quote(line: int) -> InputError:
    return refuse("C07", f"a quotation mark in line {line} is left open or stands inside a cell", "close or delete it; no row was calculated.", f"line {line}")


def _ragged(body: list[list[str]], width: int) -> dict[int, Fault]:
    """Rows with too few or too many cells, made blank in place, with their fault."""
    broken = {}
    for row, cells in enumerate(body):
        if len(cells) != width:
            what = f"the row has {len(cells)} cells and the header has {width}"
            broken[row] = Fault("C07", what, "give it one cell for each column.")
            body[row] = [cells[0] if cells else "", *[""] * (width - 1)]
    return broken


def _written(schedule: CohortSchedule, target: Path, watch: Callable[[str, float], None]) -> dict[str, Any]:
    """Write doses and refused rows, and count: patients in are patients planned and patients refused."""
    left_out = len({one.row for one in schedule.refused})
    if schedule.rows != schedule.calculated + left_out:
        raise AssertionError(f"{schedule.rows} rows, {schedule.calculated} planned, {left_out} refused: the counts do not add up")
    with whole(target) as part:
        (_write_parquet if _format(target) == ".parquet" else _write_csv)(schedule.to_table(), part, watch)
        write_refused(target, schedule.refused)
    errors = [{**one.fault.at(one.where).to_dict(), "id": one.id} for one in schedule.refused[:TOLD]]
    return {
        "rows": schedule.rows, "calculated": schedule.calculated, "refused": left_out, "administrations": schedule.administrations,
        "output": str(target), "rejected": str(_beside(target)) if schedule.refused else None, "errors": errors,
    }  # fmt: skip


def _write_parquet(table: pa.Table, part: Path, watch: Callable[[str, float], None]) -> None:
    import pyarrow.parquet as pq

    done = 0
    with pq.ParquetWriter(part, table.schema) as writer:
        for batch in table.to_batches(BATCH):
            writer.write_batch(batch)
            done += batch.num_rows
            watch("writing", done / table.num_rows)


def _write_csv(table: pa.Table, part: Path, watch: Callable[[str, float], None]) -> None:
    """Write texts and plain decimals; a cell is quoted only where some id needs it."""
    from pyarrow import csv as arrow_csv

    quoted = pc.any(pc.match_substring_regex(table["id"], '[",]')).as_py()
    options = arrow_csv.WriteOptions(include_header=False, quoting_style="needed" if quoted else "none")
    schema = pa.schema([(name, pa.string()) for name in table.column_names])
    with part.open("wb") as file, arrow_csv.CSVWriter(file, schema, write_options=options) as writer:
        file.write(",".join(table.column_names).encode() + b"\n")
        for begin in range(0, max(table.num_rows, 1), BATCH):
            writer.write_table(_as_texts(table.slice(begin, BATCH)))
            watch("writing", min(1.0, (begin + BATCH) / max(table.num_rows, 1)))


def _as_texts(table: pa.Table) -> pa.Table:
    """Every column as text; numbers as the plain decimals a schedule prints."""
    columns = {name: _decimals(column) if pa.types.is_floating(column.type) else column.cast(pa.string()) for name, column in zip(table.column_names, table.columns, strict=True)}
    return pa.table(columns)


def _decimals(column: pa.ChunkedArray) -> pa.Array:
    encoded = pc.dictionary_encode(column.combine_chunks())
    texts = pa.array([number_text(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)


def write_refused(target: Path, refused: Sequence[Refused]) -> None:
    """Write the refused rows beside an output, as `OUTPUT.rejected.csv`; a file of an earlier run is not left to mislead."""
    if refused or _beside(target).exists():
        write_whole(_beside(target), _refused_csv(refused))


def _beside(target: Path) -> Path:
    return target.with_name(f"{target.name}.rejected.csv")


def _refused_csv(refused: Sequence[Refused]) -> bytes:
    """The refused rows, no cell of which a spreadsheet takes for a formula."""
    file = StringIO()
    table = csv.writer(file, lineterminator="\r\n")
    table.writerow(REFUSED)
    table.writerows([guarded(str(value)) for value in one.to_dict().values()] for one in refused)
    return file.getvalue().encode()
