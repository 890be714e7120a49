"""A blinded plan tells its arm nowhere: not in a text, a comment, a property, a name of a file, a log or packed bytes.

The words that would tell it come from the regimen's own file: whatever it says of one arm and not of the other.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dosing import Patient, cli, load_regimen, plan
from dosing.course import Course
from dosing.render import FORMATS, to_bytes
from dosing.render.pages import PAGES
from dosing.schedule import Schedule

REGIMEN, BLINDED = "nct07299123", "blinded"
MAN = {"weight": "62.5 kg", "height": "168 cm", "age": "31 y", "sex": "M", "creatinine": "0.9 mg/dL", "name": "EXAMPLE, Test", "id": "000-TEST-001"}
PRINTED = {*range(32, 127), 9, 10, 13}
WORD = re.compile(r"[a-z0-9]+")
NEEDS = {".pdf": "typst", ".xlsx": "xlsxwriter", ".ics": "icalendar", ".fhir.json": "fhir.resources", ".parquet": "pyarrow"}
ANY_PAGE = (".pdf", ".html")
LOCALES = ("en-GB", "en-US", "zh")
COMMAND = ("plan", REGIMEN, "--weight", "62.5 kg", "--height", "168 cm", "--age", "31 y", "--sex", "M", "--creatinine", "0.9 mg/dL", "--day0", "2027-01-15", "--zone", "Asia/Shanghai",
           "--time", "hsc=14:00", "--choose", "stratum=SAA-I", "--choose", "cy.dose=600 mg/m2/day")  # fmt: skip


def arms() -> dict[str, set[str]]:
    """The words of each arm: its id, its option's text, what the source prints of it."""
    choice = load_regimen(REGIMEN).choices["arm"]
    printed = [phrase for phrases in choice.cite.values() for phrase in phrases]
    return {name: set(WORD.findall(f"{name} {text} {' '.join(p for p in printed if name in p.lower())}".lower())) for name, text in choice.options.items() if name != BLINDED}


def telling() -> re.Pattern[str]:
    """Every word that stands with one arm only, as a word of its own."""
    one, other = arms().values()
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(sorted(one ^ other, key=len, reverse=True))})(?![a-z0-9])", re.IGNORECASE)


TELLING = telling()


def made(arm: str | None = BLINDED, locale: str = "en-GB") -> Schedule:
    choose = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"} | ({"arm": arm} if arm else {})
    return plan(REGIMEN, Patient(**MAN), day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=choose, locale=locale, printed_at="2027-01-08 09:00")


def unpacked(data: bytes) -> Iterator[str]:
    """All that a file holds: its bytes, or every member of an archive with its name, or every packed stream of a PDF."""
    if data[:4] not in (b"PK\x03\x04", b"%PDF"):  # packed bytes spell anything by chance
        yield data.decode("latin-1")
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield f"{member.filename} {member.comment.decode()}"
                yield archive.read(member).decode("latin-1")
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        with suppress(zlib.error):
            stream = zlib.decompressobj().decompress(found[1])
            if sum(byte in PRINTED for byte in stream) > 0.95 * len(stream):  # a font or a picture is no text
                yield stream.decode("latin-1")


def pdf_words(data: bytes) -> str:
    """The text of every page with metadata, XMP, outline and attachments, by an independent reader."""
    reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(data))
    xmp = reader.trailer["/Root"].get("/Metadata")
    parts = [str(dict(reader.metadata or {})), xmp.get_object().get_data().decode() if xmp else "", str(reader.outline), str(list(reader.attachments))]
    return " ".join(parts + [page.extract_text() for page in reader.pages])


def told(data: bytes, extension: str) -> list[str]:
    """The telling words a file holds, each with what stands around it."""
    texts = [pdf_words(data), *unpacked(data)] if extension == ".pdf" else list(unpacked(data))
    return [text[max(0, found.start() - 30) : found.end() + 30] for text in texts for found in TELLING.finditer(text)]


def pages(extension: str) -> str:
    return ",".join(PAGES) if extension in ANY_PAGE else "grid,record,days"


def files(schedule: Schedule) -> Iterator[tuple[str, bytes]]:
    for extension in FORMATS:
        pytest.importorskip(NEEDS.get(extension, "json"))
        yield extension, to_bytes(schedule, extension, pages(extension))


def test_the_telling_words_are_the_arms_own() -> None:
    assert all(TELLING.fullmatch(word) for word in ("2d", "3d", "conventional", "hypoxia", "preconditioned"))
    assert TELLING.search("arm: 3D.") and TELLING.search("2d-cultured") and not TELLING.search("scene3d 5f3d2a umbilical-cord")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("extension", FORMATS)
def test_no_format_tells_the_arm(extension: str, locale: str) -> None:
    pytest.importorskip(NEEDS.get(extension, "json"))
    for schedule in (made(BLINDED, locale), made(None, locale)):
        assert told(to_bytes(schedule, extension, pages(extension)), extension) == []


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("extension", FORMATS)
def test_a_named_arm_is_told_with_its_warning(extension: str) -> None:
    """The search finds what is there, and nobody prints an arm without the mark of the unblinded pharmacist."""
    pytest.importorskip(NEEDS.get(extension, "json"))
    data = to_bytes(made("3d"), extension, pages(extension))
    texts = pdf_words(data) if extension == ".pdf" else " ".join(unpacked(data))
    assert bool(told(data, extension)) == (extension not in (".csv", ".ics", ".fhir.json", ".parquet"))  # these name doses and no choice
    if told(data, extension) and extension != ".json":  # the contract's data, not a print
        assert "UNBLINDED" in texts
    assert not re.search(r"UNBLINDED", " ".join(unpacked(to_bytes(made(), extension, pages(extension)))))


def test_the_arm_changes_no_dose_and_a_blinded_file_is_the_same_for_both() -> None:
    """A blinded plan has no arm inside: nothing of it, its document number included, can follow from one."""
    rows = [[(row.order, row.day, row.amount, row.seconds) for row in made(arm)] for arm in ("2d", "3d", BLINDED)]
    assert rows[0] == rows[1] == rows[2] and made(None).to_dict() == made().to_dict()
    assert not TELLING.search(json.dumps(made().to_dict())) and not TELLING.search(repr(made()) + made()._repr_html_())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """A command's whole output, its errors too."""
    with pytest.raises(SystemExit):
        raise SystemExit(cli.main([*words]))
    shown = capsys.readouterr()
    return shown.out + shown.err


@pytest.mark.parametrize("chosen", [(), ("--choose", "arm=blinded")], ids=["default", "chosen"])
def test_the_command_line_tells_nothing(here: Path, capsys, caplog, chosen: tuple[str, ...]) -> None:
    """Output, messages, log, names of files, saved JSON, and the difference of two plans."""
    caplog.set_level(0)
    shown = run(capsys, *COMMAND, *chosen, "-o", "a.json", "-o", "a.txt")
    shown += run(capsys, *COMMAND, *chosen, "--weight", "64 kg", "-o", "b.json", "--prepare", "--json")
    shown += run(capsys, "diff", "a.json", "b.json") + run(capsys, "diff", "a.json", "b.json", "--json")
    shown += caplog.text + " ".join(path.name for path in here.iterdir()) + "".join(path.read_text(encoding="utf-8") for path in here.iterdir())
    assert TELLING.findall(shown) == [] and "fludarabine" in shown


def test_a_difference_does_not_unblind(here: Path, capsys) -> None:
    run(capsys, *COMMAND, "-o", "a.json")
    run(capsys, *COMMAND, "--choose", "arm=3d", "-o", "b.json")
    for words in (("a.json", "b.json"), ("b.json", "a.json"), ("a.json", "b.json", "--json")):
        shown = run(capsys, "diff", *words)
        assert TELLING.findall(shown) == [] and "arm is blinded in one of the two" in shown


def test_a_course_keeps_no_arm_after_the_pharmacist_saw_one(here: Path) -> None:
    choose = {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}
    course = Course.start(REGIMEN, MAN, day0="2027-01-15", zone="Asia/Shanghai", times={"hsc": "14:00"}, choose=choose, at="2027-01-08T09:00")
    assert TELLING.search(json.dumps(course.unblinded({"arm": "3d"}).to_dict()))
    course.issue(at="2027-01-08T10:00", by="AB")
    course.save("course.json")
    assert TELLING.findall((here / "course.json").read_text(encoding="utf-8") + json.dumps(course.schedule().to_dict())) == []


SHOWN: dict[str, Callable[[], str]] = {"show": lambda: "show", "list": lambda: "list"}


@pytest.mark.parametrize("verb", SHOWN)
def test_the_public_protocol_may_name_both_arms(capsys, verb: str) -> None:
    """The registry prints both arms for everyone: only the patient's side is blinded."""
    shown = run(capsys, *(["show", REGIMEN] if verb == "show" else ["list"]))
    assert bool(TELLING.search(shown)) == (verb == "show")
