"""The PDF as it is printed: identity and number on every page, every dose, fonts, sizes, black on white."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from schedules import UNSAFE, releasable, saa_one, saa_two

from dosing.errors import DosingError, UsageError
from dosing.render import to_bytes
from dosing.render.names import amount_text
from dosing.render.pages import PAGES
from dosing.render.sheet import sheet
from dosing.schedule import Schedule


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """The words on each page of the SAA-II sheet as PDF."""
    pytest.importorskip("typst")
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(saa_two(), "pdf")))
    return [page.extract_text().replace("\u00a0", " ") for page in reader.pages]


def test_pdf_pages_carry_identity_and_number(pages: list[str]) -> None:
    for number, text in enumerate((" ".join(page.split()) for page in pages), 1):
        wanted = [
            "EXAMPLE, Test",
            "000-TEST-001",
            "01 Jan 1986",
            "nct07299123@1",
            "70 kg",
            "01 Dec 2026",
            "1.82 m²",
            "09 Dec 2026",
            "NOT RELEASABLE",
        ]
        assert [words for words in [*wanted, "DRAFT REGIMEN", "Not a prescription"] if words not in text] == []
        assert f"Page {number} of {len(pages)}" in text


def test_pdf_holds_every_dose(pages: list[str]) -> None:
    schedule = saa_two()
    text = " ".join(" ".join(pages).partition("Administrations in time order")[2].split())
    wanted = Counter(amount_text(schedule, row).replace("\u00a0", " ") for row in schedule if row.amount or row.held)
    found = {told: len(re.findall(rf"(?<![\d,.]){re.escape(told)}(?! on)", text)) for told in wanted}
    assert {told: found[told] >= count for told, count in wanted.items()} == dict.fromkeys(wanted, True)
    assert text.count(" of 16 42 mg") == 16


def test_pdf_text_is_safe(pages: list[str]) -> None:
    text = "\n".join(pages).replace("nct07299123@1", "").replace("BSA", "")
    text = re.sub(r"\s+", " ", text)
    assert {rule: re.findall(pattern, text) for rule, pattern in UNSAFE.items() if re.findall(pattern, text)} == {}


def test_pdf_is_a_landscape_grid_then_the_record() -> None:
    pytest.importorskip("typst")
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(saa_one(), "pdf")))
    texts = [page.extract_text() for page in reader.pages]
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in reader.pages} == {(842, 595)}
    assert texts[0].count("HOLD") >= 5 and "Open queries" in texts[0] and texts[0].count("1,090\u00a0mg") >= 4
    assert (
        "Calculation record" in texts[1] and "350\u00a0micrograms" in texts[1] and "350\u00a0micrograms" not in texts[0]
    )


def test_pdf_draws_only_with_its_own_fonts() -> None:
    pytest.importorskip("typst")
    pypdf = pytest.importorskip("pypdf")
    reader = pypdf.PdfReader(io.BytesIO(to_bytes(saa_one(), "pdf")))
    fonts = {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts and all(font.startswith(("NotoSans", "DejaVuSansMono")) for font in fonts)
    assert not reader.metadata.get("/CreationDate") and "EXAMPLE" not in str(reader.metadata)


def test_pdf_refuses_a_sign_it_cannot_draw() -> None:
    pytest.importorskip("typst")
    with pytest.raises(UsageError, match=r"U\+0639"):
        to_bytes(saa_one(identity={"name": "\u0639"}), "pdf")


def test_pdf_without_typst_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "typst", None)
    with pytest.raises(UsageError, match=r"dosing\[print\]"):
        to_bytes(saa_one(), "pdf")


# What a reader and a copier see


def drawn(schedule: Schedule, pages: str) -> list[tuple[str, float]]:
    """Each piece of text of a PDF with its size in points."""
    pytest.importorskip("typst"), pytest.importorskip("segno")
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(schedule, "pdf", pages)))
    found: list[tuple[str, float]] = []
    for page in reader.pages:
        page.extract_text(visitor_text=lambda text, cm, tm, _, size: found.append((text.strip(), round(size * abs(tm[3]) * abs(cm[3]), 1))))
    return [(text, size) for text, size in found if text]


@pytest.mark.parametrize("made", [saa_one, saa_two, releasable])
def test_nothing_clinical_is_small(made: Any) -> None:
    """B2 of the print conventions: nothing under 7 pt, nothing a dose depends on under 8 pt, doses and drugs large."""
    texts = drawn(made(), ",".join(PAGES))
    assert min(size for _, size in texts) >= 7
    small = {text for text, size in texts if size < 8}
    assert not [text for text in small if re.search(r"\d\s?(?:mg|cells|micrograms|m²|kg\b)|HOLD|Day", text)]
    doses = [size for text, size in drawn(made(), "grid,days") if re.fullmatch(r"(?:[\d,.]+\u00a0mg(?:\u00a0×\u00a0\d+)?|HOLD)", text)]
    assert doses and min(doses) >= 8 and sum(size >= 10 for size in doses) >= len(doses) // 3


def pictures(schedule: Schedule, pages: str, *how: str) -> list[Any]:
    """The pages as arrays of dots by pdftoppm at the resolution of a fax: `-mono` or `-gray`."""
    numpy = pytest.importorskip("numpy")
    if not shutil.which("pdftoppm"):
        pytest.skip("pdftoppm (poppler) is not installed")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.pdf").write_bytes(to_bytes(schedule, "pdf", pages))
        subprocess.run(["pdftoppm", "-r", "200", *how, "in.pdf", "out"], cwd=folder, check=True, timeout=60)
        return [dots(path.read_bytes(), numpy) for path in sorted(Path(folder).glob("out*.p?m"))]


def dots(data: bytes, numpy: Any) -> Any:
    """A PBM or PGM picture as 0 for ink and 255 for paper."""
    kind, width, height = re.match(rb"(P[45])\s+(\d+)\s+(\d+)\s", data).groups()
    columns, rows = int(width), int(height)
    if kind == b"P4":
        bits = numpy.unpackbits(numpy.frombuffer(data[-rows * -(-columns // 8) :], numpy.uint8).reshape(rows, -1), axis=1)[:, :columns]
        return numpy.where(bits, 0, 255).astype(numpy.uint8)
    return numpy.frombuffer(data[-rows * columns :], numpy.uint8).reshape(rows, columns)


def test_one_bit_keeps_the_page() -> None:
    """No grey becomes dot noise: a fax page has the ink of the grey one, and no dot stands alone."""
    pytest.importorskip("typst"), pytest.importorskip("segno")
    for mono, grey in zip(pictures(saa_two(), "grid,record,days", "-mono"), pictures(saa_two(), "grid,record,days", "-gray"), strict=True):
        ink = mono < 128
        assert abs(ink.sum() - (255 - grey.astype(float)).sum() / 255) < 0.05 * ink.sum()
        assert lonely(ink) == 0 and (grey < 16).sum() > 0.3 * (grey < 240).sum()  # strokes, not washes


def lonely(ink: Any) -> int:
    """How many dots have no neighbour in any of eight directions."""
    import numpy

    wide = numpy.pad(ink, 1)
    rows, columns = ink.shape
    around = [wide[1 + y : 1 + y + rows, 1 + x : 1 + x + columns] for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    return int((ink & ~numpy.logical_or.reduce(around)).sum())


def test_the_code_reads_back_from_a_fax() -> None:
    pytest.importorskip("typst"), pytest.importorskip("segno")
    reader = pytest.importorskip("zxingcpp")
    page = pictures(saa_one(), "record", "-mono")[0]
    made = sheet(saa_one())
    assert [found.text.split()[1] for found in reader.read_barcodes(page)] == [f"document={made.document}"]


def test_grey_stands_nowhere() -> None:
    """Ink is black or paper: no colour operator of the PDF sets anything between (`p2` names the hatch of a HOLD)."""
    pytest.importorskip("typst"), pytest.importorskip("segno")
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(to_bytes(saa_two(), "pdf", ",".join(PAGES))))
    streams = b"\n".join(page.get_contents().get_data() for page in reader.pages)
    shades = set(re.findall(rb"(?<![\d.p])([\d.]+(?: [\d.]+){0,3}) (?:g|G|rg|RG|k|K|sc|SC|scn|SCN)\b", streams))
    assert shades and shades <= {b"0", b"1"}


def test_a_warning_of_typst_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A glyph that no font has is only warned about, so no page comes out of a warning."""
    typst = pytest.importorskip("typst")
    pytest.importorskip("segno")
    warned = type("Warned", (), {"message": "unknown font family"})
    monkeypatch.setattr(typst, "compile_with_warnings", lambda *_, **__: (b"%PDF", [warned]))
    with pytest.raises(DosingError, match="unknown font family"):
        to_bytes(saa_one(), "pdf")
