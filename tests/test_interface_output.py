"""Where the output goes: formats by extension, data on stdout and talk on stderr, the same bytes each time, a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from commands import ATG, BODY, SAA1, WHEN

ESCAPE = "\x1b"


def test_output_repeats_and_the_extension_picks_the_format(run, tmp_path) -> None:
    paths = [tmp_path / f"sheet{suffix}" for suffix in (".txt", ".md", ".html", ".csv", ".json")]
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *[word for path in paths for word in ("-o", str(path))])
    assert told.code == 5 and told.out == "" and all(path.stat().st_size > 500 for path in paths)
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in paths}
    assert texts[".html"].startswith("<!doctype html") and json.loads(texts[".json"])["schema"] == "dosing.schedule/1"
    assert all("NOT RELEASABLE" in texts[suffix] for suffix in (".txt", ".md", ".html"))
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}


def test_a_json_file_equals_the_json_on_stdout(run, tmp_path) -> None:
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1, "-o", str(tmp_path / "a.json"), "--json")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == told.out


def test_data_goes_to_stdout_and_talk_to_stderr(seed) -> None:
    told = seed(*BODY, *WHEN, *SAA1)
    assert told.json["schema"] == "dosing.schedule/1" and "not releasable" in told.err and "atg.dose" in told.err


def test_the_page_on_a_terminal_without_colour(run, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    told = run("plan", "nct07299123", *BODY, *WHEN, *SAA1)
    assert told.code == 5 and ESCAPE not in told.out + told.err and "55 mg" in told.out and "HOLD" in told.out and "NOT RELEASABLE" in told.out


def test_the_same_input_gives_the_same_bytes(run, tmp_path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        files = [word for suffix in (".txt", ".md", ".html", ".csv", ".json") for word in ("-o", str(tmp_path / folder / f"s{suffix}"))]
        run("plan", "nct07299123", *BODY, *WHEN, *SAA1, *ATG, "--printed-at", "2026-11-22T10:00+08:00", *files)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_print_time_is_an_input(seed) -> None:
    told = seed(*BODY, *WHEN, *SAA1, "--printed-at", "2026-11-22T10:00+08:00")
    assert "2026-11-22T10:00+08:00" in told.out


def test_no_clock_host_or_path_in_the_output(seed) -> None:
    text = seed(*BODY, *WHEN, *SAA1).out
    assert str(Path.home()) not in text and str(Path(__file__).parents[1]) not in text and "µ" not in json.dumps(seed(*BODY, *WHEN, *SAA1).json["totals"], ensure_ascii=False)


# Three commands in a process of their own


def process(*argv: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "dosing", *argv], capture_output=True, text=True, encoding="utf-8", timeout=60,
                          env={**os.environ, **env}, check=False)  # fmt: skip


def test_a_process_plans() -> None:
    """`python -m dosing` ends with the exit code and one JSON document on stdout."""
    made = process("plan", "nct07299123", *BODY, *WHEN, *SAA1, "--json")
    assert made.returncode == 5 and json.loads(made.stdout)["second_calculation"]["agrees"]


def test_a_process_prints_no_colour_into_a_pipe() -> None:
    """And a pipe that takes ASCII only does not break it."""
    made = process("plan", "nct07299123", *BODY, *WHEN, *SAA1, NO_COLOR="1", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert made.returncode == 5 and ESCAPE not in made.stdout and "55" in made.stdout and "Traceback" not in made.stderr


def test_a_process_refuses() -> None:
    """With the exit code and the refusal as JSON, without a traceback."""
    made = process("parse", "-5 to 5,5", "--as", "days", "--json")
    assert made.returncode == 4 and set(json.loads(made.stdout)) == {"errors"} and "Traceback" not in made.stderr
