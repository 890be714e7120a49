"""The page asked without a socket: one request in, status, headers and text out; and a server of its own process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

HOST = "127.0.0.1:8765"
MAN = {"patient.weight": "62.5 kg", "patient.height": "168 cm", "patient.age": "31 y", "patient.sex": "M", "patient.creatinine": "0.9 mg/dL", "patient.name": "EXAMPLE, Test", "patient.id": "000-TEST-001"}
SEED = MAN | {"day0": "2027-01-15", "zone": "Asia/Shanghai", "time.hsc": "14:00", "choice.stratum": "SAA-I", "choice.cy.dose": "600 mg/m2/day"}
PLANNED = {"day0": "2027-01-15", "zone": "Asia/Shanghai", "times": {"hsc": "14:00"}, "choose": {"stratum": "SAA-I", "cy.dose": "600 mg/m2/day"}}
Form = Mapping[str, str] | Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(app: Any, path: str, form: Form | None = None, body: bytes | None = None, **headers: str) -> Answer:
    """GET a page, or POST a form to it."""
    sent = body if body is not None else urlencode(form).encode() if form is not None else b""
    told = {"host": HOST} | ({"content-type": "application/x-www-form-urlencoded", "origin": f"http://{HOST}"} if form is not None or body is not None else {})
    told |= {name.replace("_", "-"): text for name, text in headers.items()}
    path, _, query = path.partition("?")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST" if form is not None or body is not None else "GET", "scheme": "http", "path": path, "raw_path": path.encode(),
             "query_string": query.encode(), "root_path": "", "headers": [(name.encode(), text.encode()) for name, text in told.items() if text], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8765)}  # fmt: skip
    out: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        out.append(message)

    asyncio.run(app(scope, receive, send))
    named = {name.decode(): text.decode() for name, text in out[0]["headers"]}
    return Answer(out[0]["status"], named, b"".join(one.get("body", b"") for one in out[1:]))


class Fields(HTMLParser):
    """The fields of a page: names with values, which are required, and every attribute and text."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.values: dict[str, list[str]] = {}
        self.required: set[str] = set()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: text or "" for name, text in attrs}
        self.tags.append((tag, told))
        if tag in ("input", "select", "textarea") and told.get("name"):
            kept = self.values.setdefault(told["name"], [])
            if told.get("type") not in ("radio", "checkbox") or "checked" in told:
                kept.append(told.get("value", ""))
            if "required" in told:
                self.required.add(told["name"])


@contextmanager
def serving(*options: str, **more: Any) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`dosing serve` in a process of its own: its address and the process."""
    process = subprocess.Popen([sys.executable, "-m", "dosing", "serve", "--json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    try:
        assert process.stdout
        line = process.stdout.readline()
        yield (json.loads(line)["url"] if line else ""), process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def application() -> Any:
    """The page over the shipped library; skipped without the extra."""
    for name in ("starlette", "jinja2", "uvicorn"):
        pytest.importorskip(name)
    from dosing.web.app import application as made

    return made()
