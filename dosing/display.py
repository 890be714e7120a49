"""How a value shows itself in a notebook: every class that can be seen there takes the two methods below.

They look up: `dosing.render.notebook` is imported when a notebook asks, never before.
"""

from __future__ import annotations

from typing import Any


def as_html(shown: Any) -> str:
    """The value as a fragment of HTML without script or outside resource."""
    from dosing.render.notebook import html

    return html(shown)


def as_bundle(shown: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """The value by media type: its `repr` as text, and HTML; the front end takes the one it can show."""
    return {"text/plain": repr(shown), "text/html": as_html(shown)}
