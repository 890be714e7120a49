"""The page: what `render` writes and nothing else, every fault beside its field, and only this machine's own page may ask."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from test_blinding import TELLING
from web import HOST, MAN, PLANNED, SEED, Fields, application, ask, serving

from dosing import Patient, cli, plan
from dosing.regimen.library import library
from dosing.render import FORMATS, protocol, to_bytes
from dosing.schedule import Schedule

NEEDS = {"pdf": "typst", "xlsx": "xlsxwriter", "ics": "icalendar", "fhir.json": "fhir.resources", "parquet": "pyarrow"}
ID = "nct07299123"
SECRETS = ("62.5", "EXAMPLE, Test", "000-TEST-001", "168 cm")


@pytest.fixture(scope="module")
def app() -> Any:
    return application()


def planned(**more: Any) -> Schedule:
    return plan(ID, Patient(**{name.removeprefix("patient."): text for name, text in MAN.items()}), **(PLANNED | more))


# The list and the form


def test_the_list_is_that_of_the_library(app: Any) -> None:
    from dosing.web.catalogue import catalogue

    assert [{key: text for key, text in row.items() if key != "drugs"} for row in catalogue(library())] == protocol.listing(library())
    assert {row["id"]: row["drugs"].split() for row in catalogue(library())}["gvhd-csa-mtx"] == ["ciclosporin", "methotrexate"]
    page = ask(app, "/")
    assert page.status == 200 and all(f"{row['id']}@{row['version']}" in page.text for row in protocol.listing(library()))


def test_an_empty_form_prefills_what_the_contract_allows_and_nothing_else(app: Any) -> None:
    fields = Fields(ask(app, f"/plan/{ID}").text)
    filled = {name: told for name, told in fields.values.items() if any(told)}
    assert filled == {"choice.arm": ["blinded"]}
    assert fields.required == {"choice.stratum", "choice.flu_in_saa2", "choice.cy.dose", "time.bu", "patient.weight", "patient.height"}


def test_every_input_has_a_label(app: Any) -> None:
    for page in (ask(app, f"/plan/{ID}"), ask(app, f"/schedule/{ID}", SEED), ask(app, "/metrics"), ask(app, "/read")):
        tags = Fields(page.text).tags
        named = {told["for"] for tag, told in tags if tag == "label" and "for" in told}
        shown = [told for tag, told in tags if tag in ("input", "select", "textarea") and told.get("type") not in ("hidden", "radio", "checkbox")]
        assert shown and [told for told in shown if told.get("id") not in named] == []
        assert len({told["id"] for _, told in tags if "id" in told}) == sum("id" in told for _, told in tags)


def test_all_faults_at_once_each_beside_its_field_with_what_was_typed(app: Any) -> None:
    sent = {"patient.weight": "62,5 kg", "patient.age": "31", "day0": "15/01/2027", "zone": "CET", "choice.stratum": "SAA-II", "time.hsc": "25:00"}
    page = ask(app, f"/schedule/{ID}", sent)
    fields = Fields(page.text)
    assert page.status == 422 and 'role="alert"' in page.text and "--" not in page.text
    wrong = {told["id"].removesuffix("-fault") for _, told in fields.tags if told.get("id", "").endswith("-fault")}
    assert wrong >= {"patient-weight", "patient-age", "patient-height", "day0", "zone", "time-hsc", "time-bu", "choice-flu_in_saa2", "choice-cy-dose"}
    summary = page.text.partition('id="faults"')[2].partition("</div>")[0]
    assert set(re.findall(r'href="#([^"]+)"', summary)) == wrong
    assert all(any(told.get("id") == link for _, told in fields.tags) for link in wrong)
    assert {name: fields.values[name] for name in sent} == {name: [text] for name, text in sent.items()}


@pytest.mark.parametrize("more", [{}, {"day0": "2027-01-15"}, {"patient.weight": "70 kg", "patient.height": "170 cm", "patient.age": "34 y"}])
def test_no_page_speaks_of_the_command_line(app: Any, more: dict[str, str]) -> None:
    for name in library().regimens:
        page = ask(app, f"/schedule/{name}", more).text.partition('class="leaf"')[0]
        assert not re.search(r"(?<![\w-])--[a-z]", page), re.findall(r".{60}--[a-z].{30}", page)


def test_a_change_without_a_reason_is_told_at_its_row(app: Any) -> None:
    page = ask(app, f"/schedule/{ID}", SEED | {"set.4.key": "atg.dose", "set.4.to": "2.5 mg/kg/day", "by": "AB"})
    assert page.status == 422 and 'href="#set-0-to"' in page.text and "has no reason" in page.text and "--" not in page.text


def test_blocks_bring_their_fields_and_what_was_typed_stays(app: Any) -> None:
    fields = Fields(ask(app, f"/form/{ID}", [*SEED.items(), ("block", "mesna"), ("block", "gvhd-csa-mtx")]).text)
    assert "choice.mesna_dose" in fields.values and sorted(fields.values["block"]) == ["gvhd-csa-mtx", "mesna"]
    assert {name: fields.values[name] for name in SEED} == {name: [text] for name, text in SEED.items()}
    clash = ask(app, f"/form/{ID}", {"block": "no-such-block"})
    assert clash.status == 200 and "there is no regimen" in clash.text and "choice.stratum" in clash.text


# The schedule and its files


def test_the_page_holds_the_sheet_as_render_writes_it(app: Any) -> None:
    page = ask(app, f"/schedule/{ID}", SEED)
    body = to_bytes(planned(), "html").decode().partition("<body")[2].partition(">")[2].rpartition("</body>")[0]
    assert page.status == 200 and body in page.text and "Not releasable: 3 open" in page.text
    assert re.findall(r"<b>([\w.-]+)</b> <span class=\"state\">", page.text) == [one.id for one in sorted(planned().open, key=lambda one: one.level != "block")]


@pytest.mark.parametrize("kind", [name.removeprefix(".") for name in FORMATS])
def test_every_format_has_the_bytes_of_render(app: Any, kind: str) -> None:
    pytest.importorskip(NEEDS.get(kind, "starlette"))
    answer = ask(app, f"/file/{ID}/{kind}", SEED)
    assert answer.status == 200 and answer.body == to_bytes(planned(), kind)
    name = answer.headers["content-disposition"]
    assert re.fullmatch(rf'attachment; filename="{ID}-[0-9a-f]{{10}}\.{re.escape(kind)}"', name)
    assert f'formaction="/file/{ID}/{kind}"' in ask(app, f"/schedule/{ID}", SEED).text


def test_pages_paper_and_language_are_those_of_render(app: Any) -> None:
    answer = ask(app, f"/file/{ID}/html", [*SEED.items(), ("locale", "zh"), ("page", "grid"), ("page", "labels"), ("paper", "letter")])
    assert answer.body == to_bytes(planned(locale="zh"), "html", "grid,labels", "letter")
    assert '<div class="leaf" lang="zh">' in ask(app, f"/schedule/{ID}", SEED | {"locale": "zh"}).text


def test_the_numbers_are_those_of_the_plan(app: Any) -> None:
    assert json.loads(ask(app, f"/file/{ID}/json", SEED).body) == json.loads(json.dumps(planned().to_dict()))


def test_changes_and_answers_of_the_cards_are_carried_on(app: Any) -> None:
    """A product and a dose inside its limits release the line, an answer closes its query; who and why print, and go with the next form."""
    sent = SEED | {"choice.stratum": "SAA-II", "choice.flu_in_saa2": "no", "time.bu": "06:00"}
    rows = {told[0]: name for name, told in Fields(ask(app, f"/schedule/{ID}", sent).text).values.items() if re.fullmatch(r"answer\.\d+\.id", name)}
    said = {"product": "thymoglobulin", "dose": "2.5 mg/kg/day"}
    sent |= {rows["bu.days"]: "bu.days", rows["bu.days"].replace(".id", ".answer"): "registry days, sponsor on the telephone", "by": "AB"}
    for n, (key, text) in enumerate(said.items(), 6):
        sent |= {f"set.{n}.key": f"atg.{key}", f"set.{n}.to": text, "reason": "sponsor letter"}
    page = ask(app, f"/schedule/{ID}", sent)
    made = planned(choose={"stratum": "SAA-II", "flu_in_saa2": "no", "cy.dose": "600 mg/m2/day"}, times={"hsc": "14:00", "bu": "06:00"},
                   set={f"atg.{key}": text for key, text in said.items()}, answer={"bu.days": "registry days, sponsor on the telephone"}, by="AB", reason="sponsor letter")  # fmt: skip
    assert page.status == 200 and to_bytes(made, "html").decode().partition("<body")[2].partition(">")[2].rpartition("</body>")[0] in page.text
    assert not {"bu.days", "atg.dose", "atg.product"} & {finding.id for finding in made.open}
    carried = Fields(page.text).values
    assert (carried["set.0.key"][0], carried["set.1.reason"][0], carried["set.1.by"][0], carried["answer.0.by"][0]) == ("atg.product", "sponsor letter", "AB", "AB")


def test_a_missing_fact_is_asked_for_on_its_card(app: Any) -> None:
    page = ask(app, f"/schedule/{ID}", {name: text for name, text in SEED.items() if name != "patient.creatinine"})
    assert Fields(page.text).values["patient.creatinine"] == [""] and "flu.creatinine" in page.text


def test_a_blinded_schedule_stays_blinded(app: Any) -> None:
    for kind in ("schedule", "file"):
        answer = ask(app, f"/{kind}/{ID}" + ("/json" if kind == "file" else ""), SEED | {"choice.arm": "blinded"})
        assert answer.status == 200 and TELLING.findall(answer.text) == [] and TELLING.findall(str(answer.headers)) == []


def test_what_is_typed_is_text(app: Any) -> None:
    page = ask(app, f"/schedule/{ID}", SEED | {"patient.name": '"><script>alert(1)</script>', "patient.allergies": "{{ 7*7 }}"})
    assert page.status == 200 and "<script>alert" not in page.text and "{{ 7*7 }}" in page.text and ">49<" not in page.text


# The small pages


def test_metrics_and_texts(app: Any) -> None:
    page = ask(app, "/metrics", {"weight": "62.5 kg", "height": "168 cm", "sex": "M", "age": "31 y", "creatinine": "0.9 mg/dL"})
    assert "bsa.mosteller" in page.text and "1.71" in page.text
    assert "has no unit" in ask(app, "/metrics", {"weight": "62.5"}).text and "bsa." not in ask(app, "/metrics", {}).text
    assert "for each m2 of body surface" in ask(app, "/read", {"text": "30 mg/m2/day", "kind": "dose"}).text
    assert "could mean" in ask(app, "/read", {"text": "1/2/2027", "kind": "date"}).text


@pytest.mark.parametrize(("name", "text", "said"), [
    ("day0", "2027-01-15", {"said": "Friday"}), ("choice.msc.days", "-5..-2", {"said": "4 days: -5, -4, -3, -2"}), ("patient.sex", "F", {"said": ""}), ("time.hsc", "02:30 second", {"said": ""}),
    ("patient.weight", "62.5", {"wrong": 'weight "62.5" has no unit – write kilograms: 62.5 kg; no unit is assumed.'}), ("patient.name", "", {}),
])  # fmt: skip
def test_a_field_says_how_it_is_read(app: Any, name: str, text: str, said: dict[str, str]) -> None:
    assert json.loads(ask(app, "/say", {"name": name, "text": text}).body) == said


def test_a_regimen_shows_what_its_sources_print(app: Any) -> None:
    for name in library().regimens:
        page = ask(app, f"/regimen/{name}")
        assert page.status == 200 and all(f'<th scope="row">{order.id}<' in page.text for order in library().regimen(name).orders)


# Who may ask, and what is told


@pytest.mark.parametrize("path", ["/", f"/plan/{ID}", "/static/web.css", "/nowhere", "/plan/nct0729912"])
def test_every_answer_is_locked(app: Any, path: str) -> None:
    headers = ask(app, path).headers
    assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in headers["content-security-policy"] and "unsafe" not in headers["content-security-policy"] and "frame-ancestors 'none'" in headers["content-security-policy"]
    assert not {"set-cookie", "access-control-allow-origin", "location", "etag", "server"} & headers.keys()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "192.168.0.7:8765"])
def test_another_name_is_not_answered(app: Any, host: str) -> None:
    assert ask(app, "/", host=host).status == 403


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:9999"}, {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site", "origin": ""}])
def test_a_form_of_another_site_is_not_taken(app: Any, headers: dict[str, str]) -> None:
    answer = ask(app, f"/schedule/{ID}", SEED, **headers)
    assert answer.status == 403 and "51\u00a0mg" not in answer.text


def test_values_come_by_post_only(app: Any) -> None:
    for path in (f"/schedule/{ID}", f"/plan/{ID}", f"/form/{ID}"):
        assert ask(app, f"{path}?patient.weight=70+kg").text == ask(app, f"/plan/{ID}").text
    assert ask(app, f"/file/{ID}/pdf?patient.weight=70+kg").status == 405
    assert ask(app, f"/schedule/{ID}", body=b"{}", content_type="application/json").status == 422
    assert "too long" in ask(app, f"/schedule/{ID}", {"patient.name": "a" * 300_000}).text


@pytest.mark.parametrize("name", ["nct0729912", "..", "%2e%2e%2fetc%2fpasswd", "pyproject.toml", "x.yaml"])
def test_a_regimen_is_named_by_id_never_by_path(app: Any, name: str) -> None:
    assert ask(app, f"/plan/{name}").status == 404
    for block in (f"/tmp/{name}.yaml", f"mesna@/../{name}", f"mesna@{name}.yaml"):
        assert "there is no regimen" in ask(app, f"/schedule/{ID}", SEED | {"block": block}).text


def test_a_faulty_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "mine.yaml").write_text("id: mine\nversion: 1\nstatus: draft\nstatus: draft\n")
    (tmp_path / "protocols" / "torn.yaml").write_text("id: [\n")
    application()
    from dosing.web.app import application as over

    mine = over([str(tmp_path)])
    listed, opened = ask(mine, "/"), ask(mine, "/plan/mine")
    assert listed.status == 200 and "this file cannot be read" in listed.text
    assert opened.status == 500 and "mine.yaml:4" in opened.text and "stands twice" in opened.text


def test_a_file_that_cannot_be_made_is_told_above_the_schedule(app: Any) -> None:
    pytest.importorskip("icalendar")
    answer = ask(app, f"/file/{ID}/ics", {name: text for name, text in SEED.items() if name not in ("day0", "zone", "time.hsc")})
    assert answer.status == 422 and "The file was not made" in answer.text and 'class="leaf"' in answer.text and "--" not in answer.text.partition('class="leaf"')[0]
    assert "no known format" in ask(app, f"/file/{ID}/exe", SEED).text


def test_a_fault_of_the_program_tells_nothing_of_the_patient(app: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(*args: Any, **more: Any) -> Any:
        raise RuntimeError("62.5 kg EXAMPLE, Test 000-TEST-001")

    monkeypatch.setattr("dosing.web.typed.plan", broken)
    answer = ask(app, f"/schedule/{ID}", SEED)
    told = answer.text + "".join(capfd.readouterr())
    assert answer.status == 500 and "RuntimeError in dosing/web/typed.py" in told and not any(secret in told for secret in SECRETS)


def test_the_pages_own_files_stay_in_their_place(app: Any) -> None:
    """No inline script or style, nothing from elsewhere, and no rule of the page's style reaches the sheet."""
    for path in ("/", f"/plan/{ID}", f"/regimen/{ID}", "/metrics", "/read"):
        tags = Fields(ask(app, path).text).tags
        assert not any(name.startswith("on") or name == "style" for _, told in tags for name in told) and not any(tag == "style" for tag, _ in tags)
        assert all(told.get(name, "/").startswith(("/", "#")) for _, told in tags for name in ("src", "href", "action", "formaction"))
    style = re.sub(r"@media[^{]*\{|:root\{[^}]*\}", "", ask(app, "/static/web.css").text)
    rules = [rule.strip() for found in re.findall(r"([^{}]+)\{", style) for rule in re.split(r",(?![^(]*\))", found)]
    assert [rule for rule in rules if not rule.startswith((".web", ".bar", ".leaf", "body"))] == []
    assert ask(app, "/static/app.py").status == ask(app, "/static/..").status == 404


# The server


def test_the_server_listens_here_only_keeps_quiet_and_ends_at_once() -> None:
    application()
    with serving("--port", "0") as (url, process):
        port = int(url.rstrip("/").rpartition(":")[2])
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", port), 2)
        request = urllib.request.Request(f"{url}schedule/{ID}", urlencode(SEED).encode())
        assert "51\u00a0mg" in urllib.request.urlopen(request).read().decode()
        second = subprocess.run([sys.executable, "-m", "dosing", "serve", "--port", str(port)], capture_output=True, text=True, timeout=60)
        assert second.returncode == 2 and "--port 0" in second.stderr and second.stdout == ""
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0 and out == "" and err.count("\n") == 1 and not any(secret in err for secret in (*SECRETS, ID, "schedule"))


def test_nothing_is_written(tmp_path: Path) -> None:
    """Not beside the program, not in the home folder, not in the folder for temporary files."""
    application()
    places = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")} | {"PYTHONDONTWRITEBYTECODE": "1"}
    with serving("--port", "0", cwd=tmp_path, env={**os.environ, **places, "PYTHONPATH": str(Path(cli.__file__).parents[2])}) as (url, _):
        for kind in ("schedule/" + ID, f"file/{ID}/pdf", f"file/{ID}/xlsx"):
            assert urllib.request.urlopen(urllib.request.Request(url + kind, urlencode(SEED).encode())).status == 200
        assert list(tmp_path.rglob("*")) == []


FIRST = """
import sys, json
sys.path.insert(0, "tests")
from web import ask, application
app, seen = application(), []
async def watched(scope, receive, send):
    async def sent(message):
        seen.append(sorted({"pint", "arrow", "dosing.planning"} & {*sys.modules}))
        await send(message)
    await app(scope, receive, sent)
page = ask(watched, "/")
print(page.status, seen[1], "dosing.planning" in sys.modules)
"""


def test_the_first_page_waits_for_no_engine_and_the_engine_is_there_after_it() -> None:
    application()
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.stdout.strip() == "200 [] True", done.stderr


def test_two_patients_never_meet(app: Any) -> None:
    """Requests answered at one time, each with its own sheet."""
    def send(weight: int) -> tuple[int, bool]:
        page = ask(app, f"/file/{ID}/json", SEED | {"patient.weight": f"{weight} kg"})
        return weight, json.loads(page.body)["patient"]["weight"]["value"] == str(weight)

    with ThreadPoolExecutor(4) as pool:
        assert dict(pool.map(send, range(50, 90))) == dict.fromkeys(range(50, 90), True)


def test_without_the_extra_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert cli.main(["serve", "--port", "0"]) == 2
    assert 'pip install "dosing[web]"' in capsys.readouterr().err


def test_it_binds_nowhere_else() -> None:
    assert cli.main(["serve", "--host", "0.0.0.0"]) == 2
    assert HOST.startswith("127.0.0.1")
