"""A browser without a window, driven through a pipe by the DevTools protocol: no port, no package, no profile left behind."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe")

START = """
import fcntl, os, sys
high = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 20) for one in sys.argv[1:3]]
os.dup2(high[0], 3), os.dup2(high[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads descriptor 3 and writes 4."""


class Chrome:
    """One tab. `requests` are the addresses that its pages asked for."""

    def __init__(self, down: int, up: int):
        self.down, self.up, self.rest, self.number = down, up, b"", 0
        self.requests: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; what happens meanwhile is kept."""
        self.number += 1
        said = {"id": self.number, "method": method, "params": params} | ({"sessionId": self.session} if self.session else {})
        os.write(self.down, json.dumps(said).encode() + b"\0")
        while (told := self._next()).get("id") != self.number:
            pass
        assert "error" not in told, (method, told)
        return told["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.up, 1 << 20)
            assert part, "the browser has gone"
            self.rest += part
        one, _, self.rest = self.rest.partition(b"\0")
        told: dict[str, Any] = json.loads(one)
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["params"]["request"]["url"])
        if "method" in told:
            self.events.append(told)
        return told

    def wait(self, event: str) -> None:
        """Wait for an event that has not come yet."""
        while all(told["method"] != event for told in self.events):
            self._next()

    def open(self, address: str) -> None:
        """Load a page."""
        self.events.clear()
        self.ask("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def do(self, script: str) -> Any:
        """What an expression of the page comes to, a promise awaited."""
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def press(self, selector: str) -> None:
        """Press a button that loads another page."""
        self.events.clear()
        self.do(f"document.querySelector({json.dumps(selector)}).click()")
        self.wait("Page.loadEventFired")

    def fill(self, **typed: str) -> None:
        """Type into fields by name (`__` for a point): texts, lists and radio buttons."""
        for name, text in typed.items():
            put = "f=>{if(f.type=='radio'||f.type=='checkbox'){if(f.value==v){f.checked=true}}else f.value=v;f.dispatchEvent(new Event('change',{bubbles:true}))}"
            self.do(f"(v=>document.getElementsByName({json.dumps(name.replace('__', '.'))}).forEach({put}))({json.dumps(text)})")

    def size(self, width: int, height: int = 900) -> None:
        """The width of the window in CSS pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str) -> None:
        """Light or dark."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path: Path, whole: bool = True) -> None:
        """Save what stands on the screen, or the whole page."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

    def axe(self) -> list[Any]:
        """The violations that axe finds, with their places."""
        rules = find_spec("axe_core_python")
        if not rules or not rules.origin:
            pytest.skip("needs axe-core-python of the extra dosing[dev]")
        self.do(Path(rules.origin).with_name("axe.min.js").read_text(encoding="utf-8") + ";0")
        return self.do("axe.run({resultTypes:['violations']}).then(r=>r.passes.length<20?[['too few rules',r.passes.length]]:r.violations.map(v=>[v.id,v.nodes.map(n=>n.html.slice(0,160))]))")


@contextmanager
def chrome() -> Iterator[Chrome]:
    """A browser for a while; without one the test is skipped."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None) or pytest.skip(f"needs one of {', '.join(BROWSERS)}")
    (down_read, down), (up, up_write) = os.pipe(), os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-c", START, str(down_read), str(up_write), found, *FLAGS, f"--user-data-dir={folder}"]
        process = subprocess.Popen(command, pass_fds=(down_read, up_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(down_read), os.close(up_write)
        try:
            yield Chrome(down, up)
        finally:
            os.close(down), os.close(up)
            process.terminate()
            process.wait(20)
