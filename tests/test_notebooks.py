"""The notebooks run, and what they show is what the program says today.

After a change of wording: `python tests/test_notebooks.py` runs them again and keeps what they show.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from dosing import Finding, InputError, Patient, forms, load_regimen, plan

FOLDER = Path(__file__).parents[1] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 60  # of processor time for all of them; the wall clock of a busy machine would prove nothing
SIZE = 200_000  # bytes of one file
HERE = re.compile(r"/(?:home|root|tmp|Users|private|var|opt|mnt|site-packages)/|\b[A-Z]:\\\\|\b0x[0-9a-f]{6}")
REDO = "run: python tests/test_notebooks.py"
QUIET = {"PYTHONDONTWRITEBYTECODE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1", "NO_COLOR": "1"}
FOLDERS = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")  # not the user's own


def read(path: Path) -> Any:
    nbformat = pytest.importorskip("nbformat", reason="notebooks need the extra dosing[dev]")
    return nbformat.read(path, as_version=4)


def executed(path: Path, scratch: Path) -> Any:
    """The notebook run from the top in a kernel of its own, in a folder that is not kept."""
    from nbclient import NotebookClient

    book = read(path)
    for cell in book.cells:
        cell.update({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {})
    place, silent = {"metadata": {"path": str(scratch)}}, ["--IPKernelApp.log_level=40"]
    run = NotebookClient(book, timeout=SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True, resources=place, extra_arguments=silent)
    with patch.dict(os.environ, QUIET | dict.fromkeys(FOLDERS, str(scratch / "jupyter"))):
        run.execute()
    book.metadata.language_info = {"name": "python"}  # the kernel adds its version
    return book


def texts(book: Any) -> list[tuple[int, str, str]]:
    """Each text that the cells put out: number of the cell, kind, text."""
    found = []
    for number, cell in enumerate(book.cells):
        for output in cell.get("outputs", ()):
            kind = output.output_type
            text = output.get("text") or output.get("evalue") or output.get("data", {}).get("text/plain", "")
            found.append((number, kind, text))
    return found


@pytest.fixture(scope="module")
def spent() -> list[float]:
    """Processor seconds of each run."""
    return []


@pytest.mark.filterwarnings("default")  # the notebook server's own warnings are not ours
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_is_kept(path: Path, tmp_path: Path, spent: list[float]) -> None:
    pytest.importorskip("nbclient", reason="notebooks need the extra dosing[dev]")
    pytest.importorskip("ipykernel", reason="notebooks need the extra dosing[dev]")
    before = os.times()
    book = executed(path, tmp_path)
    after = os.times()
    spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert texts(book) == texts(read(path)), REDO
    assert sum(spent) < SECONDS


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_what_is_kept_of_a_notebook_fits_anywhere(path: Path) -> None:
    """No path of a machine, no warning, no address in memory, not too large, every cell with code was run in order."""
    book = read(path)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    kept = path.read_text(encoding="utf-8")
    assert not HERE.search(kept) and str(FOLDER.parent) not in kept, HERE.search(kept)
    assert len(kept.encode()) < SIZE
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), REDO
    assert not [output for cell in code for output in cell.outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_only_a_cell_marked_so_ends_in_a_refusal(path: Path) -> None:
    for cell in read(path).cells:
        refused = any(output.output_type == "error" for output in cell.get("outputs", ()))
        assert refused == ("raises-exception" in cell.metadata.get("tags", ())), cell.source


def test_there_are_notebooks() -> None:
    assert 3 <= len(BOOKS) <= 5


def shown() -> list[Any]:
    """One of each value that shows itself, the last with a text that must be escaped."""
    schedule = plan("nct07299123", Patient(weight="70 kg", height="170 cm"), choose={"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"})
    first = next(iter(schedule))
    return [schedule, load_regimen("nct07299123"), first.amount, first.derivation, forms.read_dose("0.6 mg/(kg 6 h)"), schedule.open[0],
            Finding("<b>", "x", "query", "<script>alert(1)</script>", cite="<i>")]  # fmt: skip


@pytest.mark.parametrize(("number", "text", "seen"), [
    (0, "<Schedule nct07299123@1 day 0 relative: 14 administrations, ", "NOT RELEASABLE"),
    (1, "<Regimen nct07299123@1 (draft): 6 orders, 3 choices, 2 open questions>", "30 mg/(m2 day) of Flu"),
    (2, "<Amount 55 mg>", "<strong>55 mg</strong>"),
    (3, "<Derivation 30 mg/m2/day × 1.82 m² = 54.6 mg → 55 mg (nearest 1 mg, +0.7 %)>", "54.6 mg → 55 mg"),
    (4, "<Dose 0.6 mg/kg/dose every 6 h>", "4 doses a day = 2.4 mg/kg/day"),
    (5, "<Finding atg.product (block): ", "HOLD atg.product"),
    (6, "<Finding <b> (query): <script>", "&lt;script&gt;"),
])  # fmt: skip
def test_a_value_shows_itself(number: int, text: str, seen: str) -> None:
    value = shown()[number]
    bundle = value._repr_mimebundle_()
    assert bundle == {"text/plain": repr(value), "text/html": value._repr_html_()}
    assert repr(value).startswith(text) and seen in bundle["text/html"]
    assert not re.search(r"<script|<b>|<i>|https?://[^<]*?\"|@page|<html|<meta", bundle["text/html"])


def test_a_refusal_in_a_notebook_is_a_sentence() -> None:
    with pytest.raises(InputError) as error:
        Patient(weight="62.5")
    assert error.value._render_traceback_() == [f"InputError: {error.value}"]


def test_a_derivation_is_a_product_of_one_dose() -> None:
    """A count of doses in the written dose is no factor of it."""
    made = plan("bucy2-label", Patient(weight="62.5 kg", height="168 cm", age="31 y", sex="M"), choose={"build": "usual"}, times={"bu": "06:00"})
    assert made.why("busulfan", -7).splitlines()[0].startswith("0.8 mg/kg/dose every 6 h × 62.5 kg (lower.busulfan-label) = 50 mg")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    import nbformat

    for place in [Path(name) for name in sys.argv[1:]] or BOOKS:
        with TemporaryDirectory() as folder:
            place.write_text(nbformat.writes(executed(place, Path(folder)), indent=1) + "\n", encoding="utf-8")
