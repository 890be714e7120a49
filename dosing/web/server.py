"""The server of the page: one socket on 127.0.0.1, no access log, ended by Ctrl-C."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from dosing.errors import Fault, UsageError

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """A socket on 127.0.0.1 at a port, any free one for 0; `UsageError` where the port is taken or forbidden."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # a port that was just left may be taken again; elsewhere the option would share it
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen(64)
    except OSError as error:
        found.close()
        raise UsageError(Fault("usage", f"port {port} cannot be had ({error.strerror})", "close what uses it, or add --port with another number; --port 0 takes a free one.", "--port")) from None
    return found


def serve(port: int, folders: Sequence[str], begun: Callable[[str], None]) -> None:
    """Answer until Ctrl-C; `begun` is called with the address once there is one. `UsageError` without the extra."""
    server, app = _parts()
    taken = listening(port)
    config = server.Config(app(folders), access_log=False, log_config=None, log_level="critical", lifespan="off", ws="none", server_header=False, timeout_graceful_shutdown=2)
    begun(f"http://{HOST}:{taken.getsockname()[1]}/")
    with suppress(KeyboardInterrupt), taken:
        server.Server(config).run(sockets=[taken])


def _parts() -> tuple[Any, Callable[[Sequence[str]], Any]]:
    try:
        import uvicorn

        from dosing.web.app import application
    except ImportError as error:
        if (error.name or "").startswith("dosing"):
            raise
        raise UsageError(Fault("extra", f"the page in the browser needs {error.name}", 'install it with: pip install "dosing[web]".', "serve")) from None
    return uvicorn, application
