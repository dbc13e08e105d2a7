"""The README's promises that can be checked: its commands exist, and CI runs the one it gives for the tests."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from make import tiny_checkpoint

from clearbench.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    .*?(clearbench (?:run|tasks|cache|reproduce|train|rows) .*)$", README, flags=re.MULTILINE)


def options_of(words):
    """Options of the (sub)command that the words begin with."""
    command = typer.main.get_command(app)
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
    return {flag for parameter in command.params for flag in parameter.opts}


def test_ci_runs_the_readmes_test_command():
    [command] = [line.strip() for line in README.splitlines() if line.startswith("    ") and line.endswith("/pytest")]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_there_are_two_one_line_commands():
    assert len([line for line in README.splitlines() if line.startswith("    python3 -m venv .venv && ")]) == 2


@pytest.mark.parametrize("line", COMMANDS)
def test_every_option_in_a_command_exists(line):
    words = shlex.split(line)[1:]
    flags = {word for word in words if word.startswith("--")}
    assert flags <= options_of(words)


def test_commands_were_found():
    assert len(COMMANDS) >= 10
    assert "--languages" in options_of(["rows", "build"]) and "--resume" not in options_of(["run"])


@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")  # the library's, on machines without a GPU
def test_the_python_example_trains(tmp_path, monkeypatch):
    from datasets import Dataset

    [code] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    checkpoint = tiny_checkpoint(tmp_path / "tiny")
    rows = [{"target_query": f"frage {n}", "passage": f"text number {n}", "query": f"ask {n}"} for n in range(16)]
    names = {"dataset": Dataset.from_list(rows)}
    exec(code.replace("path/to/checkpoint", str(checkpoint)), names)
    assert names["loss"].columns == ("query", "passage", "target_query")
