"""The README's promises that can be checked: its commands exist, and CI runs the one it gives for the tests."""

import re
import shlex
from pathlib import Path

import pytest

from clearbench.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (.*clearbench (?:run|tasks|cache|reproduce) .*)$", README, flags=re.MULTILINE)


def options_of(command):
    import typer

    group = typer.main.get_command(app)
    return {name: {flag for p in sub.params for flag in p.opts} for name, sub in group.commands.items()}[command]


def test_ci_runs_the_readmes_test_command():
    [command] = [line.strip() for line in README.splitlines() if line.startswith("    ") and line.endswith("/pytest")]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_there_are_two_one_line_commands():
    assert len([line for line in README.splitlines() if line.startswith("    python3 -m venv .venv && ")]) == 2


@pytest.mark.parametrize("line", COMMANDS)
def test_every_option_in_a_command_exists(line):
    words = shlex.split(line[line.index("clearbench ") :])
    flags = {word for word in words[2:] if word.startswith("--")}
    assert flags <= options_of(words[1])


def test_commands_were_found():
    assert len(COMMANDS) >= 5
