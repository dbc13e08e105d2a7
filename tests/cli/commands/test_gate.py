"""`clearbench gate` as CI meets it: exit codes, files, messages; the documentation's examples."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from builders.records import scores_with, write_record, write_two

from clearbench.cli.app import execute

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "ci.md").read_text(encoding="utf-8")


def fill(place, mean=0.0, spread=0.02, size=400, out="results", **changes):
    values = np.random.default_rng(0).normal(0, spread, size)
    write_two(place / out, np.clip(values - values.mean() + mean, -0.9, 0.9), ("en-en", "de-en"), **changes)


def gate(*more, baseline="base", candidate="cand"):
    return execute(["gate", "--baseline", baseline, "--candidate", candidate, *more])


@pytest.mark.parametrize(
    ("mean", "spread", "code", "word"),
    [(0.0, 0.02, 0, "pass"), (-0.1, 0.02, 3, "fail"), (-0.008, 0.1, 4, "undecided")],
)
def test_exit_codes(place, capsys, mean, spread, code, word):
    fill(place, mean, spread)
    assert gate() == code
    printed = capsys.readouterr()
    assert f"gate: {word}, cand-" in printed.out and "en-en" in printed.out
    assert ("would decide" in printed.err) == (code == 4)
    assert (printed.err == "") == (code == 0)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--results", "nowhere"], 2, "No model 'base' in nowhere"),
        (["--rules", "none.toml"], 2, "No such file"),
        (["--badge", "--format", "json"], 2, "exclude each other"),
        (["--save-baseline", "x"], 2, "one of --candidate"),
        (["--margin", "-1"], 2, "--margin -1"),
        (["--tasks", ","], 2, "--tasks is empty"),
        (["--marign", "1"], 2, "--marign"),
    ],
)
def test_mistakes_are_neither_failures_nor_passes(place, capsys, arguments, code, message):
    fill(place)
    assert gate(*arguments) == code
    printed = capsys.readouterr()
    assert message in printed.err and printed.out == ""


def test_unknown_models_get_near_names(place, capsys):
    fill(place)
    assert gate(candidate="cnad") == 2
    assert "Did you mean cand" in capsys.readouterr().err


def test_a_model_can_lie_in_another_results_folder(place):
    fill(place)
    fill(place, -0.1, out="elsewhere")
    [folder] = (place / "elsewhere" / "records").glob("cand-*")
    assert gate(candidate=str(folder)) == 3
    (place / "only").mkdir()
    folder.parent.joinpath(next((place / "elsewhere" / "records").glob("base-*")).name).rename(place / "only" / "moved")
    assert gate(candidate="elsewhere") == 3


def test_json_is_what_stdout_gets(place, capsys):
    fill(place)
    gate("--format", "json")
    assert json.loads(capsys.readouterr().out)["outcome"] == "pass"


def test_badge_is_one_line(place, capsys):
    fill(place)
    gate("--badge")
    assert re.fullmatch(r"English gate: pass · toy en-en .*\n", capsys.readouterr().out)


def test_files_are_written(place):
    fill(place, -0.1)
    assert gate("--junit", "out/gate.xml", "--summary", "out/gate.md") == 3
    assert ElementTree.parse("out/gate.xml").getroot().get("failures") == "1"
    assert (place / "out" / "gate.md").read_text().startswith("### ❌")
    assert sorted(path.name for path in (place / "out").iterdir()) == ["gate.md", "gate.xml"]


def test_the_step_summary_is_appended_to(place, monkeypatch):
    fill(place)
    (place / "step.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "step.md"))
    assert gate() == gate() == 0
    text = (place / "step.md").read_text()
    assert text.startswith("before\n") and text.count("### ✅ English gate: pass") == 2
    assert gate("--summary", "own.md") == 0
    assert (place / "step.md").read_text() == text and (place / "own.md").exists()


def test_a_step_summary_that_cannot_be_written_does_not_hide_the_verdict(place, monkeypatch, capsys):
    fill(place, -0.1)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "no" / "step.md"))
    assert gate() == 3
    assert "could not be appended" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_an_error(place, capsys):
    fill(place)
    (place / "file").write_text("")
    assert gate("--junit", "file/gate.xml") == 1
    assert "Cannot write file/gate.xml" in capsys.readouterr().err


def test_rules_are_held(place):
    fill(place)
    (place / "gates.toml").write_text('[[rule]]\npairs = "*-en"\nworst_drop = 1.0\n')
    assert gate("--rules", "gates.toml") == 0
    (place / "gates.toml").write_text('[[rule]]\ngroup = "*-en"\nmean_at_least = 99.0\n')
    assert gate("--rules", "gates.toml") == 3


@pytest.mark.parametrize("width", [40, 200])
def test_no_figure_is_cut(place, monkeypatch, capsys, width):
    fill(place, -0.1)
    monkeypatch.setenv("COLUMNS", str(width))
    gate()
    assert "…" not in capsys.readouterr().out


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCS, flags=re.DOTALL)


def test_the_commands_of_the_page_run(place):
    scores = scores_with(np.random.default_rng(0).normal(0, 0.02, 400))
    for name, values in zip(("base", "tuned"), scores, strict=True):
        write_record(place / "results", name, {"en-en": values, "de-en": values})
    lines = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "clearbench" and execute(arguments) == 0, line


def test_the_rules_of_the_page_are_read(place):
    from clearbench.verdicts.gate.rules import read_rules

    [text] = blocks("toml")
    (place / "gates.toml").write_text(text)
    assert len(read_rules(place / "gates.toml")) == 3


def test_the_pipelines_of_the_page_are_yaml_and_gate(place):
    github, gitlab = (yaml.safe_load(block) for block in blocks("yaml"))
    steps = github["jobs"]["gate"]["steps"]
    commands = [line for step in steps for line in step.get("run", "").splitlines()] + gitlab["english-gate"]["script"]
    assert gitlab["english-gate"]["allow_failure"]["exit_codes"] == 4
    assert gitlab["english-gate"]["artifacts"]["reports"]["junit"] == "gate.xml"
    gates = [shlex.split(line)[1:] for line in commands if line.startswith("clearbench gate")]
    assert len(gates) == 2
    fill(place, task="xquad")
    execute(["gate", "--baseline", "base", "--save-baseline", "gates/english.parquet"])
    for cand in (place / "results" / "records").glob("cand-*"):
        cand.rename(cand.with_name(cand.name.replace("cand", "candidate")))
    for arguments in gates:
        assert execute(arguments) == 0
    for line in commands:
        words = shlex.split(line)
        if words[:2] == ["clearbench", "run"]:
            assert {word for word in words if word.startswith("--")} == {
                "--model",
                "--name",
                "--tasks",
                "--pairs",
                "--out",
            }


@pytest.mark.parametrize("more", [[], ["--format", "json"], ["--badge"]])
def test_a_reader_that_has_gone_changes_no_verdict(place, more):
    fill(place, mean=-0.1)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "clearbench", "gate", "--baseline", "base", "--candidate", "cand", *more]
    gone = subprocess.run(
        [*command, "--junit", "j.xml"], stdout=writing, stderr=subprocess.PIPE, timeout=120, check=False
    )
    os.close(writing)
    assert gone.returncode == 3 and b"Traceback" not in gone.stderr
    assert (place / "j.xml").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--pairs", ""], "No language pair given"),
        (["--measure", ""], "no measure ''"),
        (["--junit", ""], "--junit '.' names no file"),
        (["--summary", ""], "--summary '.' names no file"),
        (["--rules", "gates.toml"], "Rule “no pair of fr-en loses 1 point”: No language pair matches"),
    ],
)
def test_an_empty_option_is_an_error_and_not_the_default(place, capsys, more, message):
    fill(place)
    (place / "gates.toml").write_text('[[rule]]\npairs = "fr-en"\nworst_drop = 1')
    assert gate(*more) == 2
    assert message in capsys.readouterr().err
