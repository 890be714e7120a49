"""The read columns of many patients, and the rows that were refused on the way in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dosing.cohort.cells import FACTS, GIVEN, PLAN, Column, read_column
from dosing.cohort.ids import id_faults, id_texts
from dosing.errors import Fault, InputError, UsageError, closest

KNOWN = ("id", *FACTS, *GIVEN, *PLAN)
_FAMILY = re.compile(r"(?:time|choose)\.[a-z][a-z0-9_.-]*\Z")
_ARM = re.compile(r"(?:treatment[_ ]?)?arm|treatment|randomi[sz]ation|allocation")
_PER_UNIT = {"weight": "weight_kg", "height": "height_cm", "age": "age_y", "creatinine": "creatinine_mg_dl", "crcl": "crcl_ml_min", "gfr": "gfr_ml_min"}


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not planned: its number in the table (a file's header is row 1), its id, the column and why."""

    row: int
    id: str
    column: str
    fault: Fault

    @property
    def where(self) -> str:
        """`row 5, column weight_kg`."""
        return f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"

    def to_dict(self) -> dict[str, Any]:
        """The line of the file of refused rows: id, row, column, code, what, do."""
        return {"id": self.id, "row": self.row, "column": self.column, "code": self.fault.code, "what": self.fault.what, "do": self.fault.do}


@dataclass(frozen=True, eq=False)
class Table:
    """Many patients as read columns; `sound` marks the rows that every cell of which was readable."""

    ids: pa.Array
    columns: dict[str, Column]
    sound: NDArray[np.bool_]
    refused: tuple[Refused, ...]
    first: int = 1

    @classmethod
    def from_table(cls, table: Any, *, first: int = 1, broken: Mapping[int, Fault] | None = None, also: Collection[str] = ()) -> Self:
        """Read a table of patients, one row each: an Arrow table, a data frame, a dict of columns or a list of dicts.

        Columns: id, weight_kg, height_cm, age_y, sex, creatinine_mg_dl, crcl_ml_min, gfr_ml_min, last_weight_kg, prior,
        taking, day0, zone, time.EVENT, choose.CHOICE; numbers bare, as numbers or texts. `first` numbers the first row,
        `broken` marks rows whose form is already known to be damaged, counted from 0; `also` names further columns, read
        as plain texts for who asked for them.
        Raises `InputError` C01, R09, S03 for columns that are unknown, and C04 for ids that are no texts; a bad cell
        refuses its row only.
        """
        arrow = _arrow(table)
        if faults := list(_column_faults(arrow.column_names, also)):
            raise InputError(*faults)
        ids, damaged = id_texts(arrow.column("id")), dict(broken or {})
        columns = {name: read_column(name, arrow.column(name)) for name in arrow.column_names if name != "id"}
        found = [(row, "", fault) for row, fault in damaged.items()]
        found += [(row, "id", fault) for row, fault in id_faults(ids) if row not in damaged]
        found += [(int(row), name, column.faults[int(column.codes[row])]) for name, column in columns.items() for row in _bad_rows(column) if row not in damaged]
        sound = np.ones(arrow.num_rows, bool)
        sound[[row for row, _, _ in found]] = False
        refused = tuple(Refused(row + first, ids[row].as_py(), name, fault) for row, name, fault in sorted(found, key=lambda entry: entry[0]))
        return cls(ids, columns, sound, refused, first)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} rows, {len(self) - int(self.sound.sum())} refused: {', '.join(self.columns)}>"

    def refuse(self, rows: Iterable[int], column: str, fault: Fault) -> list[Refused]:
        """The same fault for several rows, counted from 0."""
        return [Refused(int(row) + self.first, self.ids[int(row)].as_py(), column, fault) for row in rows]


def _bad_rows(column: Column) -> NDArray[np.int64]:
    bad = np.zeros(len(column.texts), bool)
    bad[list(column.faults)] = True
    return np.flatnonzero(bad[column.codes]) if column.faults else np.empty(0, np.int64)


def _arrow(table: Any) -> pa.Table:
    """Anything with columns as an Arrow table."""
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, Mapping):
        return _of_columns(table)
    if isinstance(table, list | tuple) and all(isinstance(row, Mapping) for row in table):
        names = dict.fromkeys(name for row in table for name in row)
        return _of_columns({name: [row.get(name) for row in table] for name in names})
    if hasattr(table, "__arrow_c_stream__") or isinstance(table, pa.RecordBatch):
        return pa.table(table)
    return _of_frame(table)


def _of_columns(columns: Mapping[str, Any]) -> pa.Table:
    """A table from columns of cells; a column of numbers and texts mixed is taken as texts."""
    arrays = {}
    for name, cells in columns.items():
        try:
            arrays[str(name)] = pa.array(cells)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            arrays[str(name)] = pa.array([None if cell is None else str(cell) for cell in cells])
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) > 1:
        raise InputError(Fault("C07", f"the columns have different lengths: {', '.join(map(str, sorted(lengths)))}", "give each patient every cell.", "cohort"))
    return pa.table(arrays)


def _of_frame(table: Any) -> pa.Table:
    try:
        import narwhals

        return narwhals.from_native(table, eager_only=True).to_arrow()
    except (ModuleNotFoundError, TypeError):
        kind = type(table).__name__
        raise UsageError(Fault("table", f"a {kind} is not a table that can be read here", "give an Arrow table, a data frame, a dict of columns or a list of dicts.", "cohort")) from None


def _column_faults(names: list[str], also: Collection[str]) -> Iterable[Fault]:
    """What is wrong with the names of the columns, all at once."""
    if "id" not in names and not any(name.strip().lower() == "id" for name in names):
        yield Fault("C01", "there is no column id", f"the first line names the columns: {', '.join(KNOWN)}, time.EVENT, choose.CHOICE.", "columns")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Fault("C01", f'the column "{name}" stands {names.count(name)} times', "keep one.", "columns")
        if name not in (*KNOWN, *also) and not _FAMILY.match(name):
            yield _unknown(name)


def _unknown(name: str) -> Fault:
    plain, where = name.strip().lower(), f'column "{name[:40]}"'
    if _ARM.fullmatch(plain):
        return Fault("S03", "a table of arms unblinds the trial", "leave the column out; an unblinded pharmacist asks for one arm at a time with --choose arm=….", where)
    if plain in ("variant", "stratum"):
        return Fault("R09", "a variant is a choice of the regimen", f"name the column choose.{'stratum' if plain == 'stratum' else 'CHOICE'} and fill every row.", where)
    if plain in KNOWN or _FAMILY.match(plain):
        return Fault("C01", "blanks or capital letters stand in the name", f'write it as "{plain}".', where)
    if plain == "regimen":
        return Fault("C01", "all rows are planned by the one regimen that is named", "leave the column out and plan each regimen's rows alone; dosing supply takes a table of several.", where)
    stem = re.split(r"[^a-z]", plain)[0]
    if stem in _PER_UNIT:
        return Fault("C01", "the name does not carry the one unit that is read", f'name it "{_PER_UNIT[stem]}" and give it in that unit; nothing is converted.', where)
    return Fault("C01", "the column is unknown", closest(name, [*KNOWN, "time.EVENT", "choose.CHOICE"]), where)
