"""`clearbench compare` as a user runs it."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from builders.records import write_record

from clearbench.cli.app import execute


@pytest.fixture
def results(place):
    for number, name in enumerate(("base", "tuned", "third")):
        rng = np.random.default_rng(number)
        scores = {pair: np.clip(rng.random(30) * 0.5 + 0.2 * number, 0, 1) for pair in ("de-en", "en-en")}
        write_record(place / "results", name, scores, dtype="bf16" if name == "third" else "fp32")
    return place / "results"


def run(capsys, *arguments):
    code = execute(["compare", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_table_says_which_pairs_are_better_and_shortens_no_figure(results, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    code, out, err = run(capsys, "base", "tuned", "third", "--flips", "500")
    assert code == 0 and not err
    assert "…" not in out and out.count("*-en (mean)") == 2
    assert "tuned is better in 2 of 2 pairs" in out and "Precision differs" in out
    assert any(line.split()[:2] == ["en-en", "30"] for line in out.splitlines())


@pytest.mark.parametrize("name", ["table.csv", "table.json", "table.tex", "table.md", "table.txt"])
def test_the_format_follows_the_file_s_ending(results, capsys, tmp_path, name):
    file = tmp_path / "new" / name
    code, out, err = run(capsys, "base", "third", "--out", str(file), "--flips", "100")
    assert (code, out) == (0, "") and "2 pairs compared" in err
    text = file.read_text(encoding="utf-8")
    starts = {"csv": "base,other,", "json": "{", "tex": "% Needs", "md": "### toy", "txt": "\ntoy: nDCG"}
    assert text.startswith(starts[name.partition(".")[2]])
    assert "\x1b" not in text
    if name == "table.csv":
        assert len(pd.read_csv(file)) == 2 + 5 and "Precision differs" in err


def test_json_can_be_piped_and_holds_the_queries_asked_for(results, capsys):
    code, out, _ = run(capsys, "base", "tuned", "--format", "json", "--queries", "2", "--flips", "50", "--seed", "7")
    read = json.loads(out)
    assert code == 0 and read["comparisons"][0]["options"]["seed"] == 7
    assert len(read["queries"][0]["gained"]) == 2


def test_markdown_and_tables_list_queries(results, capsys):
    for style in ("markdown", "table"):
        code, out, _ = run(capsys, "base", "tuned", "--format", style, "--queries", "1", "--pairs", "*-en")
        assert code == 0 and "queries that gained most" in out and "--save-runs" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["base"], 2, "Missing argument"),
        (["base", "tund"], 2, "Did you mean tuned"),
        (["base", "base"], 2, "named twice"),
        (["base", "tuned", "tuned"], 2, "named twice"),
        (["base", "tuned", "--correction", "bonferroni"], 2, "bonferroni"),
        (["base", "tuned", "--confidence", "95"], 2, "expected more than 0 and less than 1"),
        (["base", "tuned", "--flips", "0"], 2, "flips"),
        (["base", "tuned", "--seed", "-1"], 2, "seed"),
        (["base", "tuned", "--tasks", "xquad"], 2, "No record of task 'xquad'"),
        (["base", "tuned", "--pairs", "fr-en"], 2, "No language pair matches"),
        (["base", "tuned", "--measure", "MAP"], 2, "no measure"),
        (["base", "tuned", "--queries", "1", "--format", "csv"], 2, "--queries cannot be combined with"),
        (["base", "tuned", "--results", "nowhere"], 2, "clearbench run"),
        (["base", "tuned", "--measure", ""], 2, "no measure ''"),
        (["base", ""], 2, "name is empty"),
        (["base", "t" * 5000], 1, "File name too long"),
        (["base", "tuned", "--out", ""], 2, "--out '.' names no file"),
        (["base", "tuned", "--out", "results/records/x/"], 1, "Cannot write"),
    ],
)
def test_a_user_s_mistake_is_one_message(results, capsys, arguments, code, message):
    (results / "records" / "x").mkdir()
    found, out, err = run(capsys, *arguments)
    assert (found, out) == (code, "")
    assert message in err and "Traceback" not in err


def test_results_folders_with_one_model_each_can_be_compared(tmp_path, capsys):
    for number, name in enumerate(("one", "two")):
        write_record(tmp_path / name, "final", {"de-en": np.linspace(0, 0.5 + number / 2, 30)}, encoder=name)
    code, out, _ = run(capsys, str(tmp_path / "one"), str(tmp_path / "two"))
    assert code == 0 and out.count("final-") >= 3


def test_a_terminal_without_unicode_gets_question_marks(results):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [
        sys.executable,
        "-m",
        "clearbench",
        "compare",
        "base",
        "tuned",
        "--results",
        str(results),
        "--flips",
        "9",
    ]
    found = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert found.returncode == 0 and b"?" in found.stdout and b"Traceback" not in found.stderr
