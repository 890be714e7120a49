"""What a test may leave out on a laptop, CI may not: with `CI=true` every skip is a failure. And how a test runs a command."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.register_assert_rewrite("refusals")

from commands import Said  # noqa: E402


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


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run a command in this process."""
    from dosing.cli import main

    def call(*argv: str, stdin: str | None = None) -> Said:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def seed(run: Callable[..., Said]) -> Callable[..., Said]:
    """Plan the seed protocol with --json."""
    return lambda *argv: run("plan", "nct07299123", *argv, "--json")
