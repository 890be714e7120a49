"""The page in a real browser: typed in, sent, read back, with axe, at 320 px, in the dark, on paper; nothing is asked of another host."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from io import BytesIO

import pytest
from chrome import Chrome, chrome
from web import PLANNED, SEED, application, serving

from dosing import Patient, plan
from dosing.render import to_bytes
from dosing.schedule import Schedule

WIDTHS = (1280, 320)
ID = "nct07299123"
TYPED = {name.replace(".", "__"): text for name, text in SEED.items()}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def here() -> Iterator[tuple[Chrome, str]]:
    """A browser and the address of a server."""
    application()
    with serving("--port", "0") as (url, _), chrome() as tab:
        tab.size(WIDTHS[0])
        yield tab, url


def planned() -> Schedule:
    return plan(ID, Patient(**{name.removeprefix("patient."): text for name, text in SEED.items() if name.startswith("patient.")}), **PLANNED)


def looks_well(tab: Chrome) -> None:
    """No violation and nothing wider than the screen, light and dark, wide and narrow."""
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            tab.scheme(scheme), tab.size(width)
            assert (tab.axe(), tab.do(OVERFLOW)) == ([], 0), (scheme, width)
    tab.scheme("light"), tab.size(WIDTHS[0])


def test_a_pharmacist_finds_fills_and_plans(here: tuple[Chrome, str]) -> None:
    """Search, open, forget something, be told, mend it, plan: the doses on the screen are those of `plan()`."""
    tab, url = here
    tab.open(url)
    looks_well(tab)
    tab.do("(s=>{s.value='umbilical haplo';s.dispatchEvent(new Event('input'))})(document.querySelector('#search'))")
    shown = tab.do("[...document.querySelectorAll('[data-text]')].filter(r=>!r.hidden).map(r=>r.querySelector('a').getAttribute('href'))")
    assert shown == [f"/plan/{ID}"]
    tab.press(f"a[href='/plan/{ID}']")
    looks_well(tab)
    tab.fill(**{name: text for name, text in TYPED.items() if name != "time__hsc"} | {"patient__weight": "62.5"})
    tab.press(".primary")
    looks_well(tab)
    assert tab.do("document.activeElement.id") == "faults" and tab.do("[...document.querySelectorAll('[aria-invalid]')].map(e=>e.name)") == ["patient.weight", "time.hsc"]
    tab.fill(patient__weight="62.5 kg", time__hsc="14:00")
    tab.press(".primary")
    looks_well(tab)
    doses = tab.do("[...document.querySelectorAll('.dosing .doses tbody tr')].map(r=>r.innerText).join('|')").replace("\u00a0", " ")
    told = planned().to_dict()
    for row in told["administrations"]:
        assert not row["amount"] or f"{float(row['amount']['value']):,.10g} {row['amount']['unit']}" in doses or row["drug"] == "umbilical-cord-msc", row
    totals = tab.do("[...document.querySelectorAll('.dosing .grid tbody tr td:last-child .amount')].map(e=>e.innerText)")
    assert [text.replace("\u00a0", " ") for text in totals][:3] == ["204 mg", "4,120 mg", "HOLD"]
    assert [address for address in tab.requests if not address.startswith(url)] == []
    assert not any("62.5" in address or "?" in address for address in tab.requests)


def test_fields_that_do_not_count_are_put_away_and_not_sent(here: tuple[Chrome, str]) -> None:
    tab, url = here
    tab.open(f"{url}plan/{ID}")
    seen = "['choice.flu_in_saa2','time.bu'].map(n=>[].concat(...document.getElementsByName(n)).every(e=>e.offsetParent!==null&&!e.disabled))"
    assert tab.do(seen) == [False, False]
    tab.fill(choice__stratum="SAA-II")
    assert tab.do(seen) == [True, True]


def test_a_field_says_at_once_how_it_is_read(here: tuple[Chrome, str]) -> None:
    tab, url = here
    tab.open(f"{url}plan/{ID}")
    tab.fill(day0="2027-01-15", patient__weight="62.5")
    told = tab.do("new Promise(r=>{const look=()=>{const s=[...document.querySelectorAll('.say')].map(e=>e.textContent);s.length==2&&s.every(Boolean)?r(s):setTimeout(look,20)};look()})")
    assert told == ['weight "62.5" has no unit – write kilograms: 62.5 kg; no unit is assumed.', "Friday"]
    looks_well(tab)


def test_the_sheet_on_the_page_looks_as_the_file_does(here: tuple[Chrome, str]) -> None:
    """The rules of the page leave the sheet alone: the same computed style on the page and in the file of `render`."""
    tab, url = here
    script = "[...document.querySelectorAll('.dosing, .dosing *')].map(e=>{const s=getComputedStyle(e);return [e.tagName,s.font,s.color,s.backgroundColor,s.display,s.padding,s.border,s.textAlign].join()})"
    tab.open(f"{url}plan/{ID}")
    tab.fill(**TYPED)
    tab.press(".primary")
    on_page = tab.do(script)
    tab.open("data:text/html;base64," + base64.b64encode(to_bytes(planned(), "html")).decode())
    assert on_page == tab.do(script) and len(on_page) > 500


@pytest.mark.filterwarnings("default")
def test_the_page_prints_as_the_sheet_prints(here: tuple[Chrome, str]) -> None:
    """Ctrl+P on the page gives the pages of the file: no bar, no form, no button."""
    reader = pytest.importorskip("pypdf").PdfReader
    tab, url = here
    tab.open(f"{url}plan/{ID}")
    tab.fill(**TYPED)
    tab.press(".primary")
    told = []
    for turn in range(2):
        if turn:
            tab.open("data:text/html;base64," + base64.b64encode(to_bytes(planned(), "html")).decode())
        made = base64.b64decode(tab.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])
        told.append([page.extract_text() for page in reader(BytesIO(made)).pages])
    assert told[0] == told[1] and "Save as" not in "".join(told[0])


def test_a_query_is_answered_on_its_card(here: tuple[Chrome, str]) -> None:
    tab, url = here
    tab.open(f"{url}plan/{ID}")
    tab.fill(**{name: text for name, text in TYPED.items() if name != "patient__creatinine"})
    tab.press(".primary")
    looks_well(tab)
    before = tab.do("document.title")
    tab.fill(patient__creatinine="0.9 mg/dL")
    tab.press(".queries .primary")
    assert int(before.split()[0]) == int(tab.do("document.title").split()[0]) + 1


@pytest.mark.parametrize("path", ["metrics", "read", f"regimen/{ID}", "nowhere"])
def test_the_small_pages_look_well(here: tuple[Chrome, str], path: str) -> None:
    tab, url = here
    tab.open(url + path)
    looks_well(tab)


def test_a_script_in_a_name_does_not_run(here: tuple[Chrome, str]) -> None:
    tab, url = here
    tab.open(f"{url}plan/{ID}")
    tab.fill(**TYPED | {"patient__name": "<img src=x onerror=document.title='run'>"})
    tab.press(".primary")
    assert tab.do("document.title") != "run" and tab.do("document.querySelectorAll('.leaf img').length") == 0
    assert json.dumps(tab.requests).count("/x\"") == 0
