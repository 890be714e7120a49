"""A progress line on stderr for work that takes longer than a second; none in pipes and files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

PATIENCE = 1.0  # seconds


@contextmanager
def watching() -> Iterator[Callable[[str, float], None]]:
    """A function to tell how far the work is: what is done now, and the share of it that is finished (0 to 1)."""
    if not sys.stderr.isatty():
        yield lambda what, share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    begun, tasks = monotonic(), {}
    shown = Progress(console=Console(stderr=True), transient=True)

    def watch(what: str, share: float) -> None:
        if monotonic() - begun < PATIENCE:
            return
        shown.start()
        if what not in tasks:
            tasks[what] = shown.add_task(what, total=1.0)
        shown.update(tasks[what], completed=share)

    try:
        yield watch
    finally:
        shown.stop()
