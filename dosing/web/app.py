"""The pages: a list, a form made from the regimen, the sheet, downloads. Every patient value comes and goes by POST.

One event loop answers one request after the other and keeps nothing between them, so two patients cannot meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, Router

from dosing.errors import DosingError, Fault, UsageError
from dosing.forms import say_time
from dosing.regimen.library import Library, library
from dosing.web.catalogue import catalogue
from dosing.web.guard import Guard
from dosing.web.words import KINDS, NEEDS, in_words, refused

HERE = Path(__file__).parent
LIMIT = 256 * 1024
STATIC = {"web.css": "text/css", "web.js": "text/javascript", "icon.svg": "image/svg+xml"}
TYPES = {"pdf": "application/pdf", "html": "text/html; charset=utf-8", "json": "application/json", "fhir.json": "application/fhir+json", "csv": "text/csv; charset=utf-8",
         "ics": "text/calendar; charset=utf-8", "txt": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8", "parquet": "application/vnd.apache.parquet",
         "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip
STATUS = {1: 500, 2: 422, 3: 500, 4: 422}


class Asked(NamedTuple):
    """One request for a regimen: its id, the regimen, what was typed, and the library it is in."""

    name: str
    regimen: Any
    typed: Any
    shelf: Library


class Pages:
    """The pages over one library."""

    def __init__(self, folders: Sequence[str] = ()):
        self.folders = tuple(folders)
        self.templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self.templates.filters |= {"words": in_words, "clock": say_time}

    @property
    def shelf(self) -> Library:
        """The library as its files are now."""
        return library(self.folders)

    def page(self, template: str, status: int = 200, **told: Any) -> Response:
        """One template as an answer."""
        return HTMLResponse(self.templates.get_template(template).render(**told), status)

    async def index(self, request: Request) -> Response:
        """Every regimen and block."""
        answer = self.page("index.html", rows=catalogue(self.shelf))
        answer.background = BackgroundTask(_warm)
        return answer

    async def show(self, request: Request) -> Response:
        """A regimen as a page: orders, choices, open questions, sources."""
        from dosing.render import protocol
        from dosing.web.typed import known

        return self.page("show.html", told=protocol.to_dict(known(self.shelf, request.path_params["name"])))

    async def form(self, request: Request) -> Response:
        """The form of a regimen, empty, or as it was typed with room for more changes."""
        return self._form(await self._asked(request))

    async def schedule(self, request: Request) -> Response:
        """The sheet of what was typed, or the form with every fault beside its field."""
        from dosing.web.typed import planned

        asked = await self._asked(request)
        if request.method != "POST":  # a tab that is opened again asks without the form: there is nothing to keep
            return self._form(asked)
        try:
            made = planned(asked.regimen, asked.typed, asked.shelf, self.folders)
        except DosingError as error:
            return self._form(asked, error)
        return self._sheet(asked, made)

    async def file(self, request: Request) -> Response:
        """The schedule in one format, as `render` writes it."""
        from dosing.render import to_bytes
        from dosing.render.pages import DEFAULT
        from dosing.web.typed import planned

        asked, kind = await self._asked(request), request.path_params["kind"]
        sent = [pair for pair in request.state.pairs if pair[0] in ("page", "paper")]
        made = None
        try:
            made = planned(asked.regimen, asked.typed, asked.shelf, self.folders)
            data = to_bytes(made, kind, [text for key, text in sent if key == "page"] or DEFAULT, dict(sent).get("paper", "a4"))
        except DosingError as error:
            return self._sheet(asked, made, error) if made else self._form(asked, error)
        name = f"{made.regimen['id']}-{self._sheet_of(made).document}.{kind}"
        return Response(data, headers={"content-disposition": f'attachment; filename="{name}"'}, media_type=TYPES.get(kind, "application/octet-stream"))

    async def metrics(self, request: Request) -> Response:
        """Every body surface, weight and renal estimate of one person."""
        from dosing.web.tell import measured

        return self.page("metrics.html", **measured(await _pairs(request)))

    async def read(self, request: Request) -> Response:
        """What a written dose, day list, time or measure means, or why it is refused."""
        from dosing.web.tell import meaning

        return self.page("read.html", **meaning(await _pairs(request)))

    async def say(self, request: Request) -> Response:
        """What one field holds, while the form is filled in."""
        from dosing.web.tell import reading

        return JSONResponse(reading(await _pairs(request)))

    async def static(self, request: Request) -> Response:
        """One of the page's own files, or the style of the sheet."""
        from dosing.render.html import STYLE

        name = request.path_params["name"]
        path = STYLE if name == "sheet.css" else HERE / "static" / name
        return Response(path.read_bytes(), media_type=STATIC.get(name, "text/css")) if name in STATIC or path == STYLE else self.nothing()

    def nothing(self, error: DosingError | None = None) -> Response:
        """The page for an address that is none, or for a file of the library or a form that cannot be read."""
        if error is None or error.faults[0].where == "regimen":
            return self.page("nothing.html", 404, title="Nothing here", told=error.faults if error else ())
        return self.page("nothing.html", STATUS[error.exit_code], title=refused(error), told=error.faults)

    async def _asked(self, request: Request) -> Asked:
        from dosing.web.typed import Typed, known

        pairs, name = await _pairs(request), request.path_params["name"]
        return Asked(name, known(self.shelf, name), Typed.of(pairs), self.shelf)

    def _form(self, asked: Asked, error: DosingError | None = None) -> Response:
        from dosing.engine.change import SETTABLE
        from dosing.web.fields import Form, rows
        from dosing.web.typed import ANSWER, CHANGE, Typed
        from dosing.web.typed import asked as needs

        faults = error.faults if error else ()
        try:
            asking = needs(asked.regimen, asked.typed, asked.shelf)
        except DosingError as clash:  # blocks that contradict the regimen, or are none
            faults, asking = faults or clash.faults, needs(asked.regimen, Typed(), asked.shelf)
        blocks = [row for row in catalogue(asked.shelf) if row["kind"] == "block" and row["id"] != asked.regimen.id]
        return self.page(
            "form.html", STATUS[error.exit_code] if error else 200, form=Form(asking, asked.typed, faults, asked.shelf, asked.regimen), regimen=asked.regimen, name=asked.name,
            title=refused(error) if error else "", blocks=blocks, orders=[order.id for order in asked.regimen.orders], settable=list(SETTABLE), rules=asked.shelf.policies.weights,
            changes=rows(asked.typed, "set", CHANGE, 2), answers=rows(asked.typed, "answer", ANSWER, 0), needs=NEEDS,
        )  # fmt: skip

    def _sheet(self, asked: Asked, made: Any, error: DosingError | None = None) -> Response:
        from dosing.engine.change import SETTABLE
        from dosing.render import FORMATS, to_text_of
        from dosing.render.pages import DEFAULT, PAGES, PAPERS
        from dosing.web.queries import cards

        kinds = [name.removeprefix(".") for name in FORMATS]
        drawn = to_text_of(made, "html").partition("<body")[2].partition(">")[2].rpartition("</body>")[0]
        return self.page(
            "schedule.html", STATUS[error.exit_code] if error else 200, sheet=drawn, made=made, page=self._sheet_of(made), asked=asked, cards=cards(made, asked.typed, asked.shelf),
            faults=error.faults if error else (), kinds={kind: KINDS.get(kind, "") for kind in dict.fromkeys([*KINDS, *kinds]) if kind in kinds}, settable=list(SETTABLE), pages=PAGES, default=DEFAULT, papers=PAPERS,
        )  # fmt: skip

    @staticmethod
    def _sheet_of(made: Any) -> Any:
        from dosing.render.sheet import sheet

        return sheet(made)


async def _warm() -> None:
    """Load the engine while the first page is read, so that the first form is there at once."""
    import dosing.render.sheet
    import dosing.web.fields
    import dosing.web.queries  # noqa: F401


async def _pairs(request: Request) -> list[tuple[str, str]]:
    """The names and texts of a form that was sent; `UsageError` for one that is too large or no form."""
    if request.method != "POST":
        return []
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise UsageError(Fault("usage", "this is not the form of the page", "open the address that dosing serve printed and fill it in there.", "form"))
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LIMIT:
            raise UsageError(Fault("R06", "the form is too long", "shorten its texts.", "form"))
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=2000)
    except ValueError:
        raise UsageError(Fault("R12", "the form cannot be read as UTF-8", "send it again from the page.", "form")) from None
    request.state.pairs = pairs
    return pairs


def application(folders: Sequence[str] = ()) -> Any:
    """The whole page as an ASGI application, behind its guard."""
    pages = Pages(folders)

    def told(page: Any) -> Any:
        async def answer(request: Request) -> Response:
            try:
                return await page(request)
            except DosingError as error:
                return pages.nothing(error)

        return answer

    routes: Mapping[str, tuple[Any, list[str]]] = {
        "/": (pages.index, ["GET"]), "/regimen/{name}": (pages.show, ["GET"]), "/plan/{name}": (pages.form, ["GET"]), "/schedule/{name}": (pages.schedule, ["GET", "POST"]),
        "/form/{name}": (pages.form, ["GET", "POST"]), "/file/{name}/{kind}": (pages.file, ["POST"]), "/metrics": (pages.metrics, ["GET", "POST"]), "/read": (pages.read, ["GET", "POST"]),
        "/say": (pages.say, ["POST"]),
        "/static/{name}": (pages.static, ["GET"]),
    }  # fmt: skip

    async def nowhere(scope: Any, receive: Any, send: Any) -> None:
        await pages.nothing()(scope, receive, send)

    return Guard(Router([Route(path, told(page), methods=methods) for path, (page, methods) in routes.items()], default=nowhere))
