"""docs/verdicts.md: its commands and its Python run as they stand there, and its columns are the CSV's."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from builders.records import write_record
from builders.values import require

from clearbench.cli.app import execute
from clearbench.verdicts.compare.machine import CSV_COLUMNS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "verdicts.md").read_text(encoding="utf-8")
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("base", "infonce", "clear", "mean-offset")):
        for task, pairs in (("xquad", ("de-en", "de-de", "en-en")), ("afriqa", ("sw-en", "en-en"))):
            rng = np.random.default_rng([number, len(pairs)])
            write_record(Path("results"), name, {pair: rng.random(24) for pair in pairs}, task)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(place, command):
    words = shlex.split(command)
    assert words[0] == "clearbench" and execute(words[1:]) == 0


def test_the_program_runs(place, capsys):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(program, {})
    shown = sorted(line.split()[:2] for line in capsys.readouterr().out.splitlines())
    assert shown == [["afriqa", "en-en"], ["afriqa", "sw-en"], ["xquad", "de-en"], ["xquad", "en-en"]]


def test_the_page_names_the_csv_s_columns_in_order():
    listed = require(re.search(r"Columns of the CSV: (.*?)\. An empty", PAGE, re.DOTALL))
    assert re.findall(r"`(\w+)`", listed[1]) == ["base", "other", "correction", *CSV_COLUMNS]
