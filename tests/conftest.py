"""What a test may leave out on a laptop, CI may not: with `CI=true` every skip is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


def _no_skip(report: Any) -> None:
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI must run it: {report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """A skipped test."""
    _no_skip((yield).get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """A file skipped whole."""
    _no_skip((yield).get_result())
