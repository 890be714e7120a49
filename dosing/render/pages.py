"""Which pages a print has, and on what paper: names that `--pages` and `--paper` take."""

from __future__ import annotations

from collections.abc import Iterable

from dosing.errors import Fault, UsageError

PAGES = ("grid", "record", "days", "timeline", "check", "labels")
DEFAULT = ("grid", "record", "days")
PAPERS = ("a4", "letter")


def chosen(pages: str | Iterable[str]) -> tuple[str, ...]:
    """The pages asked for, `grid,labels` or their names, once each and in the order asked; `UsageError` otherwise."""
    names = pages.split(",") if isinstance(pages, str) else list(pages)
    wanted = tuple(dict.fromkeys(name.strip().lower() for name in names if name.strip()))
    unknown = [name for name in wanted if name not in PAGES]
    if unknown or not wanted:
        what = f'there is no page "{unknown[0]}"' if unknown else "no page is named"
        raise UsageError(Fault("usage", what, f"choose from {', '.join(PAGES)}.", "--pages"))
    return wanted


def paper(name: str) -> str:
    """A paper by its name, `a4` or `letter`; `UsageError` otherwise."""
    if name.lower() not in PAPERS:
        raise UsageError(Fault("usage", f'there is no paper "{name}"', f"choose {' or '.join(PAPERS)}.", "--paper"))
    return name.lower()
