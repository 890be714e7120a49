"""The HTML sheet in a real browser: the same pages as the PDF, no axe violation, nothing loaded, no page wider than its screen.

Chromium is looked for on the path. Without it these tests are skipped, on a machine with CI=true they fail.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import escape, unescape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from schedules import Words, releasable, saa_one, saa_two

from dosing import Patient, plan, render
from dosing.render import to_bytes
from dosing.render.pages import PAGES
from dosing.schedule import Schedule

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ALL = ",".join(PAGES)
SECONDS = 120
FONTS = Path(render.__file__).parent / "fonts"
FACES = {400: "NotoSans-Regular.ttf", 700: "NotoSans-Bold.ttf"}
MAN = {"weight": "62.5 kg", "weighed": "2027-01-08", "height": "168 cm", "age": "31 y", "sex": "M", "creatinine": "0.9 mg/dL", "name": "EXAMPLE, Test", "id": "000-TEST-001"}
GRAFT = {"day0": "2027-01-15", "zone": "Asia/Shanghai"}


def in_chinese(made: Schedule) -> Schedule:
    names = {"flu": "氟达拉滨", "cy": "环磷酰胺", "bu": "白消安"}
    return replace(made, locale="zh", orders=tuple({**row, "names": {**row["names"], "zh": names.get(row["id"], "")}} for row in made.orders))


def seed(stratum: str, **chosen: str) -> Schedule:
    """The seed protocol for one fictitious man."""
    times = {"hsc": "14:00"} | ({"bu": "06:00"} if stratum == "SAA-II" else {})
    return plan("nct07299123", Patient(**MAN), times=times, choose={"stratum": stratum, "cy.dose": "600 mg/m2/day", **chosen}, **GRAFT)


def long() -> Schedule:
    """Forty-seven day columns and 222 doses."""
    return plan("nct00603954", Patient(**MAN), choose={"arm": "tbi", "donor": "alternative", "tac.days": "-3..+42"}, **GRAFT)


MADE: dict[str, Callable[[], Schedule]] = {
    "saa1": saa_one, "saa2": saa_two, "released": releasable, "chinese": lambda: in_chinese(saa_two()), "long": long,
    "seed1": lambda: seed("SAA-I"), "seed2": lambda: seed("SAA-II", flu_in_saa2="no"),
}  # fmt: skip


@functools.cache
def schedule(case: str) -> Schedule:
    return MADE[case]()


@functools.cache
def page(case: str, pages: str) -> str:
    return to_bytes(schedule(case), "html", pages).decode()


def chromium() -> str:
    """The browser's path; without one the test is skipped."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or pytest.skip(f"needs one of {', '.join(BROWSERS)}")


def run(folder: Path, html: str, *options: str, width: int = 1280) -> str:
    """A page opened without a window, in a profile of its own; gives what the browser wrote."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    fixed = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", f"--window-size={width},1000", "--virtual-time-budget=20000")
    done = subprocess.run([chromium(), *fixed, *options, file.as_uri()], capture_output=True, text=True, timeout=SECONDS, check=True)
    return done.stdout


def told(folder: Path, html: str, script: str, width: int = 1280) -> Any:
    """What an expression of the page comes to, a promise awaited."""
    ask = f"<script>Promise.resolve({script}).then(told=>{{const p=document.createElement('pre');p.id='told';p.textContent=JSON.stringify(told);document.body.append(p)}})</script>"
    shown = run(folder, html.replace("</body>", ask + "</body>"), "--dump-dom", width=width)
    found = re.search(r'<pre id="told">(.*?)</pre>', shown, re.DOTALL)
    assert found, "the page did not answer"
    return json.loads(unescape(found[1]))


def open_to_scripts(html: str) -> str:
    """The page without the policy that forbids every script, the test's own included."""
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)


# What needs no browser


@pytest.mark.parametrize("case", ["saa2", "released", "chinese"])
def test_the_structure_is_told(case: str) -> None:
    """Language, landmarks, one heading of the first level, a caption and scoped headings for every table of data."""
    html = page(case, ALL)
    assert f'<html lang="{schedule(case).locale}">' in html
    assert [html.count(f"<{tag}") for tag in ("h1", "main")] == [1, 1] and '<header class="screen">' in html and '<footer class="screen">' in html
    assert html.count('<table class="data') == html.count("<caption>") and "<th>" not in html
    assert set(re.findall(r"<th ([a-z]+)=", html)) == {"scope"}
    assert re.findall(r'href="#([a-z]+)"', html) == list(PAGES) and all(f'id="{name}"' in html for name in PAGES)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    read = Words.read(page("saa2", ALL))
    links = [value for name, value in read.attributes if name in ("src", "srcset", "href", "data", "action", "poster")]
    assert all(value and value.startswith("#") for value in links)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(read.tags)
    assert not any(name.startswith("on") for name, _ in read.attributes)
    style = page("saa2", ALL).partition("<style>")[2].partition("</style>")[0]
    assert "@import" not in style and "url(" not in style and "default-src 'none'" in page("saa2", ALL)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsl", style)) == {"#000", "#fff"}  # black on white: contrast 21 to 1


# In the browser


@functools.cache
def axe() -> str:
    """The rules of axe-core as a script."""
    found = find_spec("axe_core_python")
    if not found or not found.origin:
        pytest.skip("needs axe-core-python of the extra dosing[dev]")
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")


def violations(folder: Path, html: str, width: int) -> tuple[int, list[Any]]:
    """How many rules of axe passed, and each violation with its places."""
    script = "axe.run({resultTypes:['violations']}).then(r=>({seen:r.passes.length,found:r.violations.map(v=>[v.id,v.nodes.map(n=>n.html.slice(0,120))])}))"
    result = told(folder, open_to_scripts(html).replace("</head>", f"<script>{axe()}</script></head>"), script, width)
    return result["seen"], result["found"]


@pytest.mark.parametrize(("case", "width"), [("saa2", 1280), ("saa2", 500), ("released", 1280), ("chinese", 500)])
def test_axe_finds_nothing(tmp_path: Path, case: str, width: int) -> None:
    seen, found = violations(tmp_path, page(case, ALL), width)
    assert found == [] and seen > 30


def test_axe_finds_what_is_planted(tmp_path: Path) -> None:
    html = page("saa1", "grid").replace(' lang="en-GB"', "").replace(".dosing p{", ".dosing p{color:#bbb;")
    assert {"html-has-lang", "color-contrast"} <= {rule for rule, _ in violations(tmp_path, html, 1280)[1]}


@pytest.mark.parametrize("case", ["saa2", "chinese", "long"])
def test_no_page_is_wider_than_its_screen(tmp_path: Path, case: str) -> None:
    """A small phone, a phone, and 1,280 pixels at 200 % and at 100 %: the text wraps, only a table's own frame scrolls."""
    framed = "".join(f'<iframe width="{width}" height="800" srcdoc="{escape(page(case, ALL))}"></iframe>' for width in (320, 390, 640, 1280))
    script = "new Promise(done=>onload=()=>done([...document.querySelectorAll('iframe')].map(f=>(r=>r.scrollWidth-r.clientWidth)(f.contentDocument.documentElement))))"
    assert told(tmp_path, f"<!doctype html><body>{framed}</body>", script) == [0, 0, 0, 0]


def test_the_browser_loads_nothing_beside_the_file(tmp_path: Path) -> None:
    assert told(tmp_path, open_to_scripts(page("saa2", ALL)), "performance.getEntriesByType('resource').map(e=>e.name)") == []


def test_a_table_can_be_reached_and_scrolled_by_keyboard(tmp_path: Path) -> None:
    script = "[...document.querySelectorAll('.scroll')].filter(e=>e.scrollWidth>e.clientWidth).map(e=>(e.focus(),document.activeElement===e))"
    assert set(told(tmp_path, open_to_scripts(page("saa2", ALL)), script, 500)) == {True}


# On paper


def reader(data: bytes) -> Any:
    return pytest.importorskip("pypdf", reason="reading a PDF needs pypdf of the extra dosing[dev]").PdfReader(BytesIO(data))


def texts(data: bytes) -> list[str]:
    return [" ".join(found.extract_text().replace("\u00a0", " ").split()) for found in reader(data).pages]


def printed(folder: Path, html: str) -> bytes:
    """The page as the browser prints it."""
    run(folder, html, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'page.pdf'}")
    return (folder / "page.pdf").read_bytes()


def doses(text: str) -> Counter[str]:
    """The dose numbers of a page, `3 of 16`, besides the number of the page itself."""
    return Counter(re.findall(r"\d+ of \d+", re.sub(r"Page \d+ of \d+", "", text)))


def sections(pages: list[str], headings: tuple[str, ...]) -> Iterator[str]:
    """Which of the headings each sheet of paper has."""
    for text in pages:
        yield "".join(str(number) for number, heading in enumerate(headings) if heading in text)


def in_our_font(html: str) -> str:
    """The page set in the font of the PDF, so that no machine's own fonts move a line."""
    faces = "".join(f'@font-face{{font-family:"Noto Sans";font-weight:{weight};src:url(data:font/ttf;base64,{b64encode((FONTS / file).read_bytes()).decode()})}}' for weight, file in FACES.items())
    return open_to_scripts(html).replace("<style>", f"<style>{faces}", 1)


@functools.cache
def both(case: str, folder: Path) -> tuple[list[str], list[str]]:
    """The texts of the pages, set in type and printed by the browser."""
    pytest.importorskip("typst", reason="the PDF needs dosing[print]")
    return texts(to_bytes(schedule(case), "pdf")), texts(printed(folder, in_our_font(page(case, "grid,record,days"))))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case", ["saa1", "saa2", "released"])
def test_the_browser_prints_the_pages_of_the_pdf(tmp_path: Path, case: str) -> None:
    """As many sheets, each dose on the same one, the same parts on the same one."""
    set_in_type, from_browser = both(case, tmp_path)
    assert [doses(text) for text in from_browser] == [doses(text) for text in set_in_type]
    headings = ("Course total", "Open queries", "Calculation record", "Preparation list", "Checks", "Sources", "Administrations in time order")
    assert list(sections(from_browser, headings)) == list(sections(set_in_type, headings))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case", ["seed1", "seed2"])
def test_the_seed_has_its_doses_on_the_pages_of_the_pdf(tmp_path: Path, case: str) -> None:
    """The grid on the first page with its queries, the days on the same sheets; identity and number on all."""
    set_in_type, from_browser = both(case, tmp_path)
    assert list(filter(None, map(doses, from_browser))) == list(filter(None, map(doses, set_in_type)))
    assert doses(from_browser[0]) and "atg.measurable" in from_browser[0] and "Calculation record" in from_browser[1]
    number = re.search(r"Document (\w{10})", from_browser[0])
    assert number and all(f"Document {number[1]}" in text and "EXAMPLE, Test" in text and "000-TEST-001" in text for text in from_browser)
    assert [re.findall(r"Page (\d+) of (\d+)", text)[-1] for text in from_browser] == [(str(n), str(len(from_browser))) for n in range(1, len(from_browser) + 1)]


@pytest.mark.filterwarnings("default")
def test_forty_days_print_whole(tmp_path: Path) -> None:
    """Every dose on one of the pages, none lost between two; no row is cut."""
    made = schedule("long")
    pages = texts(printed(tmp_path, page("long", "days")))
    assert sum(map(doses, pages), Counter()) == Counter(f"{row.number} of {row.of}" for row in made)
    assert told(tmp_path, open_to_scripts(page("long", ALL)), "[...new Set([...document.querySelectorAll('.data tr')].map(e=>getComputedStyle(e).breakInside))]") == ["avoid"]


@pytest.mark.filterwarnings("default")
def test_letter_prints_on_letter(tmp_path: Path) -> None:
    box = reader(printed(tmp_path, to_bytes(saa_one(), "html", "grid", "letter").decode())).pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (792, 612)


@pytest.mark.filterwarnings("default")
def test_the_second_person_sees_no_result_on_the_printed_check_sheet(tmp_path: Path) -> None:
    """Beside the other pages the check sheet keeps its own head: body surface hidden there, printed on the rest."""
    pages = texts(printed(tmp_path, page("saa1", "grid,check")))
    assert "1.82 m²" in pages[0] and "work it out" in pages[-1]
    assert not any("1.82 m²" in text for text in pages if "Independent second calculation" in text)
