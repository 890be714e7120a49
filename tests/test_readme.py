"""The README does what it says: its Python runs, its regimen is sound, its commands end as promised, its tables agree."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from dosing import Patient, plan
from dosing.cli import cli, main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def commands() -> list[list[str]]:
    """The lines of the shell blocks, each as its steps joined by `&&`."""
    return [line.split(" && ") for block in blocks("sh") for line in block.strip().splitlines()]


def planned() -> list[str]:
    """The words of the seed plan behind `dosing`."""
    return shlex.split(commands()[0][-1])[1:]


def table(head: str) -> list[list[str]]:
    """The rows of the table whose first heading is `head`, cells without marks of emphasis."""
    lines = TEXT.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {head} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip().replace("**", "") for cell in line.strip("|").split(" | ")])
    return found


def test_there_are_two_commands_from_nothing() -> None:
    """Each makes its own environment and installs extras that exist; one plans, the other tests."""
    found = commands()
    assert len(found) == 2
    for make, install, _ in found:
        assert make == "python3 -m venv .venv"
        words = shlex.split(install)
        assert words[:2] == [".venv/bin/pip", "install"]
        place, extras = re.fullmatch(r"(\.)\[([a-z,]+)\]", words[-1]).groups()
        assert place == "." and set(extras.split(",")) <= TOOL["optional-dependencies"].keys()
    assert found[0][-1].startswith(".venv/bin/dosing plan nct07299123 ") and "dosing" in TOOL["scripts"]
    assert found[1][-1] == ".venv/bin/python -m pytest" and "[dev]" in found[1][1]
    assert any(need.startswith("pytest") for need in TOOL["optional-dependencies"]["dev"])
    assert TOOL["requires-python"] == ">=3.11" and "Python 3.11 or newer" in TEXT


def test_the_first_command_plans_and_is_not_releasable(capsys: pytest.CaptureFixture[str]) -> None:
    assert "exit code 5" in flat(TEXT)
    assert main(planned()) == 5
    said = capsys.readouterr()
    for figure in ("204 mg", "4,120 mg", "HOLD", "31.25 million cells", "NOT RELEASABLE"):
        assert figure in said.out
    assert "not releasable" in said.err


@pytest.mark.parametrize("name", ["pdf", "html", "txt", "md", "csv", "json"])
def test_the_first_command_writes_the_sheets_it_names(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f".{name}" in TEXT
    if name == "pdf":
        pytest.importorskip("typst", reason="the pdf needs the extra dosing[print]")
    target = tmp_path / f"schedule.{name}"
    assert main([*planned(), "-o", str(target)]) == 5 and target.stat().st_size > 1000
    capsys.readouterr()


def test_the_worked_schedule_is_what_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    main([*planned(), "--locale", "en-GB"])
    said = flat(capsys.readouterr().out)
    rows = {row[0]: row for row in table("drug")}
    assert len(rows) == 5
    for drug in ("fludarabine", "cyclophosphamide"):
        _, _, working, dose, days, course = rows[drug]
        first, last = days.split(" … ")
        assert f"days {first} to {last}" in said
        assert f"per dose {dose};" in said and f"course total {course}" in said
        factor, result = working.split(" × 1.71 = ")
        product, rule = re.fullmatch(r"([\d,]+\.?\d* mg) → (.*)", result).groups()
        step = re.fullmatch(r"(.*) \((.*) %\)", rule)
        assert f"{factor} mg/m²/day × 1.71 m² = {product} → {dose} ({step[1]}, {step[2]} %)" in said
    assert rows["antithymocyte globulin"][3] == "HOLD" and "312.5 micrograms, held" in said and "312.5 mcg" in rows["antithymocyte globulin"][2]
    assert "31.25 million cells" in rows["umbilical-cord MSC"][3] and "before rounding 1.7078" in said


def test_the_change_of_the_readme_releases_the_line() -> None:
    change = re.search(r"`(--set atg\.dose=.*?)`", TEXT, re.S)
    assert main([*planned(), *shlex.split(flat(change[1])), "--json"]) == 0


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile("\n".join(blocks("python")), "README.md", "exec"), {})  # noqa: S102  it is our own text
    said = capsys.readouterr().out
    assert "fludarabine 55 mg" in said and "keep-grid" in said and "slide" in said


def test_the_regimen_of_the_readme_is_sound_and_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("yaml")
    named = re.search(r"`(myunit/protocols/[a-z-]+\.yaml)`", TEXT)[1]
    file = tmp_path / named
    file.parent.mkdir(parents=True)
    file.write_text(block, encoding="utf-8")
    unit = str(tmp_path / "myunit")
    assert main(["check", str(file), "--library", unit]) == 0
    assert capsys.readouterr().out == "flu-demo: sound, 1 worked example, 1 combination of choices\n"
    assert main(["check", "flu-demo", "--library", unit]) == 0
    made = plan("flu-demo", Patient(weight="80 kg", height="180 cm"), library=[unit])
    assert str(made.total("fludarabine")) == "250 mg"
    capsys.readouterr()


def test_a_broken_regimen_is_told_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The four faults that the README names, made in its own example."""
    (block,) = blocks("yaml")
    file = tmp_path / "flu-demo.yaml"
    for good, bad in (("dose: 25 mg/m2/day", "dose: 27 mg/m2/day"), ("total: 125", "total: 120"), ("-7..-3", "7..3"), ("route: iv", "rout: iv")):
        file.write_text(block.replace(good, bad), encoding="utf-8")
        assert main(["check", str(file)]) == 3
        assert re.search(r"flu-demo\.yaml:\d+: .* – ", capsys.readouterr().err), bad


def test_the_library_is_as_large_as_told() -> None:
    """Wherever the text counts protocols, blocks or worked examples, it counts the files that are shipped."""
    files = {kind: sorted((ROOT / "regimens" / kind).glob("*.yaml")) for kind in ("protocols", "blocks")}
    examples = sum(len(yaml.safe_load(path.read_text(encoding="utf-8")).get("examples", ())) for paths in files.values() for path in paths)
    for what, count in {"protocols": len(files["protocols"]), "blocks": len(files["blocks"]), "worked examples": examples}.items():
        told = re.findall(rf"(\d[\d,]*) {what}", flat(TEXT))
        assert told and {int(number.replace(",", "")) for number in told} == {count}, what


def test_every_verb_of_the_readme_exists() -> None:
    verbs = [re.match(r"`dosing (\w+)", row[0])[1] for row in table("verb")]
    assert len(verbs) >= 7 and set(verbs) <= cli.commands.keys()


def leaves(group: click.Group) -> Iterator[click.Command]:
    """The verbs, those of a group of verbs one by one."""
    for verb in group.commands.values():
        yield from leaves(verb) if isinstance(verb, click.Group) else [verb]


@pytest.mark.parametrize("verb", [*leaves(cli)], ids=lambda verb: verb.name)
def test_every_verb_has_json(verb: click.Command) -> None:
    assert "Every verb has `--json`" in TEXT and any("--json" in option.opts for option in verb.params)
