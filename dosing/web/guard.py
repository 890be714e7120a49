"""What stands before every page: only this machine's own browser page may ask, nothing is kept, and a fault tells nothing.

DNS rebinding is refused by the Host header, a form of another site by Origin and Sec-Fetch-Site. A fault of the program is
told by its kind and its place in this package; an exception's text, which may hold a patient's value, goes nowhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from traceback import extract_tb
from typing import Any

from starlette.requests import ClientDisconnect

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store", "referrer-policy": "same-origin", "x-content-type-options": "nosniff", "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
}  # fmt: skip
"""Sent with every answer: own files only, no inline script or style, no frame, no copy on disk, no address to other sites."""
NAMES = ("127.0.0.1", "localhost")
PAGE = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><link rel="stylesheet" href="/static/web.css"></head><body><main class="web"><h1>{title}</h1><p>{told}</p><p><a href="/">All regimens</a></p></main></body></html>'


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, refused or handed on; with the headers in either case."""
        if scope["type"] != "http":
            return
        begun: list[bool] = []

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                begun.append(True)
                message = {**message, "headers": [*message["headers"], *((name.encode(), text.encode()) for name, text in HEADERS.items())]}
            await send(message)

        if told := refusal(scope["method"], dict(_texts(scope["headers"]))):
            await _answer(sent, 403, "Not answered", told)
            return
        try:
            await self.app(scope, receive, sent)
        except ClientDisconnect:
            return
        except Exception as error:
            told = f"A fault of the program: {place(error)}."
            print(f"dosing serve: {told}", file=sys.stderr)
            if not begun:
                await _answer(sent, 500, "The program failed", f"{told} No schedule was made. Send this line to the maintainers; it holds nothing of the patient.")


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    return ((name.decode("latin-1").lower(), text.decode("latin-1")) for name, text in headers)


def refusal(method: str, headers: dict[str, str]) -> str:
    """Why a request is refused: another host's name, or a form from another site; empty where it is not."""
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in NAMES and host not in NAMES:
        return "This page answers to 127.0.0.1 and localhost only. Open the address that dosing serve printed."
    if method in ("GET", "HEAD"):
        return ""
    if headers.get("origin", f"http://{host}") != f"http://{host}" or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return "This form was sent from another site. Open the address that dosing serve printed and fill it in there."
    return ""


def place(error: BaseException) -> str:
    """The kind of an exception and the line of this package it came from, without its text."""
    package = Path(__file__).parents[1]
    here = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(package)]
    return f"{type(error).__name__} in {Path(here[-1].filename).relative_to(package.parent).as_posix()}:{here[-1].lineno}" if here else type(error).__name__


async def _answer(send: Any, status: int, title: str, told: str) -> None:
    page = PAGE.format(title=title, told=told).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(page)).encode())]})
    await send({"type": "http.response.body", "body": page})
