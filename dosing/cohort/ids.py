"""The ids of a cohort: texts that name a patient once, not formulas, and not what a spreadsheet made of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dosing.errors import DosingError, Fault, refuse
from dosing.forms.text import show
from dosing.patient import read_label

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_FORMULA = r"^[=+\-@\t\r]"
_MANGLED = rf"(?i)^(?:\d+(?:\.\d+)?e\+?\d+|\d+\.0+|\d{{1,2}}-{_MONTH}(?:-\d{{2,4}})?|{_MONTH}-\d{{2,4}}|\d{{1,4}}/\d{{1,2}}/\d{{1,4}}|\d{{4}}-\d\d-\d\d 00:00:00)$"
_CLEAN = r"^(?:[A-Za-z_]{1,12}[0-9]{1,15}|[0-9]{1,15})$"  # nothing else to ask about
_ODD = r"^$|^#|^ | $|[^ -~]|.{121}"


def id_texts(column: pa.ChunkedArray) -> pa.Array:
    """The ids as texts; `InputError` C04 where they are decimal numbers, as spreadsheets and data frames make them."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_floating(array.type) or pa.types.is_temporal(array.type) or pa.types.is_boolean(array.type):
        raise refuse("C04", f"the ids are of the type {array.type}, not text", "export the column as text.", "column id")
    return pc.fill_null(array.cast(pa.string()), "")


def id_faults(ids: pa.Array) -> Iterator[tuple[int, Fault]]:
    """The faults of the ids by row number from 0: C05 formula, C04 spreadsheet damage, C02 unreadable, C03 double."""
    found: dict[int, Fault] = {}
    asked = _rows(pc.invert(pc.match_substring_regex(ids, _CLEAN)))
    texts = ids.take(pa.array(asked))
    for pattern, judge in ((_FORMULA, _formula), (_MANGLED, _mangled), (_ODD, _odd)):
        for place in _rows(pc.match_substring_regex(texts, pattern)).tolist():
            if (row := int(asked[place])) not in found and (fault := judge(texts[place].as_py())):
                found[row] = fault
    yield from found.items()
    yield from ((row, fault) for row, fault in _doubles(ids) if row not in found)


def _rows(mask: pa.Array) -> NDArray[np.int64]:
    return np.flatnonzero(mask.to_numpy(zero_copy_only=False))


def _formula(text: str) -> Fault:
    return Fault("C05", f"the id {show(text)} starts like a formula", "write an id that starts with a letter or digit.")


def _mangled(text: str) -> Fault:
    return Fault("C04", f"{show(text)} looks like an id that a spreadsheet turned into a number or date", "export the column as text.")


def _odd(text: str) -> Fault | None:
    if not text.strip(" "):
        return Fault("C02", "the id is empty", "give each patient an id.")
    if text.startswith("#"):
        return Fault("C02", f"{show(text)} is a spreadsheet error", "enter the id itself.")
    if text != text.strip():
        return Fault("C02", f"the id {show(text)} has a blank at its end", "delete the blank.")
    try:
        read_label(text)
    except DosingError as error:
        return Fault("C02", f"id {show(text)}: {error.faults[0].what} ({error.code})", error.faults[0].do)
    return None


def _doubles(ids: pa.Array) -> Iterator[tuple[int, Fault]]:
    """Every row whose id stands elsewhere too, also where only leading zeros differ."""
    bare = ids
    if pc.any(pc.starts_with(ids, "0")).as_py():
        bare = pc.replace_substring_regex(ids, r"^0+([0-9]+)$", r"\1")
    encoded = pc.dictionary_encode(bare)
    if len(encoded.dictionary) == len(ids):
        return
    codes = encoded.indices.to_numpy()
    for row in np.flatnonzero(np.bincount(codes)[codes] > 1):
        what = f"the id {show(ids[int(row)].as_py())} stands in more than one row (leading zeros do not count)"
        yield int(row), Fault("C03", what, "give each patient one row and an id of its own.")
