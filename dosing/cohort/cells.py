"""The cells of a cohort table: every distinct value of a column is read once, by the form a patient's flag goes through.

Reading distinct values keeps a million rows fast without a second grammar for clean numbers: a weight column has a few
thousand different texts at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dosing import forms
from dosing.errors import DosingError, Fault, refuse
from dosing.forms.text import show
from dosing.patient import read_label, read_taking

Codes = NDArray[np.int64]
Reader = Callable[[str], Any]


@dataclass(frozen=True)
class Column:
    """A read column: `codes` gives each row its distinct value; `texts` and `values` say what that value is.

    `texts` are canonical ("" where the cell is blank or refused), `values` are floats (NaN there), `faults` by code.
    """

    codes: Codes
    texts: list[str]
    values: NDArray[np.float64]
    faults: dict[int, Fault]

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which distinct values are blank."""
        return np.array([not text for text in self.texts], bool)


def _bare(reader: Reader, unit: str, code: str, what: str) -> Reader:
    """A form that wants its unit, for a column whose name carries the unit."""

    def read(text: str) -> Any:
        if not forms.is_plain(text.strip(" ")):
            raise refuse(code, f"{what} {show(text)} is not a plain number", f"write the bare number; the column is in {unit}.")
        return reader(f"{text.strip(' ')} {unit}")

    return read


def _choice(text: str) -> str:
    return read_label(text.strip(" "))


def _hour(text: str) -> str:
    forms.read_fold_time(text)
    return text.strip(" ")


FACTS: dict[str, tuple[str, Reader]] = {  # column: the fact of the patient, and its form
    "weight_kg": ("weight", forms.read_weight_kg),
    "height_cm": ("height", forms.read_height_cm),
    "age_y": ("age", _bare(forms.read_age, "y", "P10", "age")),
    "sex": ("male", forms.read_sex),
    "creatinine_mg_dl": ("creatinine", _bare(forms.read_creatinine, "mg/dL", "P07", "creatinine")),
    "last_weight_kg": ("last_weight", forms.read_weight_kg),
    "crcl_ml_min": ("crcl", _bare(forms.read_crcl, "mL/min", "P07", "creatinine clearance")),
    "gfr_ml_min": ("gfr", _bare(forms.read_gfr, "mL/min", "P07", "measured GFR")),
}
GIVEN: dict[str, Reader] = {"prior": forms.read_prior, "taking": read_taking}  # columns that are a fact by their own name, a text
PLAN: dict[str, Reader] = {"day0": lambda text: forms.read_date(text).isoformat(), "zone": forms.read_zone}
FILLED = {"weight_kg", "height_cm", "day0", "zone"}  # a blank here is a fault; elsewhere it says "not known"


def reader_of(name: str) -> Reader:
    """The form that reads a column of that name."""
    if name in FACTS:
        return FACTS[name][1]
    return PLAN.get(name) or GIVEN.get(name) or (_hour if name.startswith("time.") else _choice)


def distinct(array: pa.ChunkedArray) -> tuple[Codes, list[str]]:
    """Row codes and the distinct cells as texts; missing values and NaN are ""."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_timestamp(array.type):
        array = _dates(array)
    encoded = pc.dictionary_encode(array, null_encoding="encode")
    texts = [text or "" for text in encoded.dictionary.cast(pa.string()).to_pylist()]
    if pa.types.is_floating(array.type):
        texts = ["" if text == "nan" else text for text in texts]
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), texts


def _dates(array: pa.Array) -> pa.Array:
    """Timestamps without a zone that all stand at midnight as dates; any other as they are, to be refused."""
    days = array.cast(pa.date32(), safe=False)
    whole = array.type.tz is None and pc.all(pc.equal(days.cast(array.type), array)).as_py() is not False
    return days if whole else array


def read_column(name: str, array: pa.ChunkedArray) -> Column:
    """Read every distinct cell of a column by its form; unreadable ones become faults of the column."""
    codes, cells = distinct(array)
    texts, values, faults = [], np.full(len(cells), np.nan), {}
    reader = reader_of(name)
    for code, cell in enumerate(cells):
        text, number = "", np.nan
        if cell.strip(" ") or name in FILLED:
            try:
                text, number = _told(_read(reader, cell))
            except DosingError as error:
                faults[code] = _cell_fault(error.faults[0])
        texts.append(text)
        values[code] = number
    return Column(codes, texts, values, faults)


def _read(reader: Reader, cell: str) -> Any:
    if cell.startswith("#"):
        raise refuse("C02", f"{show(cell)} is a spreadsheet error", "enter the value itself.")
    if not cell.strip(" "):
        try:
            return reader(cell)
        except DosingError as error:
            raise refuse(error.code, "the cell is empty", error.faults[0].do) from None
    return reader(cell)


def _told(value: Any) -> tuple[str, float]:
    if isinstance(value, Decimal):
        return forms.plain(value), float(value)
    return str(value), float(value == "M") if value in ("M", "F") else np.nan


def _cell_fault(fault: Fault) -> Fault:
    """A fault of time keeps its code; any other is a bad cell (C02) that names the form's own code."""
    if fault.code[0] == "T" or fault.code == "C02":
        return fault
    return Fault("C02", f"{fault.what} ({fault.code})", fault.do, readings=fault.readings)


def combine(keys: Codes, codes: Codes, size: int) -> Codes:
    """One key for each pair of keys; kept small, so that many columns fit."""
    if size <= 1:
        return keys
    if len(keys) and int(keys.max()) > 2**40 // size:
        keys = np.unique(keys, return_inverse=True)[1]
    return keys * size + codes
