"""`clearbench demo`: its commands exist, it goes on where it was, and (with a tiny model) tells the whole story."""

import json
from typing import Any

import pandas as pd
import pytest
import typer
from builders.encoders import tiny_checkpoint

from clearbench.cli.app import app, execute
from clearbench.cli.commands.demo import plan_demo


def options_of(words):
    command: Any = typer.main.get_command(app)
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
    return {flag for parameter in command.params for flag in parameter.opts}


def test_every_option_of_the_plan_exists(tmp_path):
    for step in plan_demo(tmp_path, "minilm", 3):
        flags = {word for word in step.arguments if word.startswith("--")}
        assert flags <= options_of(step.arguments), step.arguments


def test_show_only_prints_commands(tmp_path, capsys):
    assert execute(["demo", "--out", str(tmp_path / "demo"), "--show"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list(plan_demo(tmp_path, "minilm", 3)))
    assert all(line.startswith("clearbench ") for line in lines)
    assert not (tmp_path / "demo").exists()


def test_a_failing_step_stops_the_demo(tmp_path, capsys):
    (tmp_path / "demo").write_text("a file where the folder should be")
    assert execute(["demo", "--out", str(tmp_path / "demo")]) != 0


@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")  # the library's, on machines without a GPU
def test_the_whole_story(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CLEARBENCH_CACHE", str(tmp_path / "cache"))
    checkpoint, out = tiny_checkpoint(tmp_path / "tiny"), tmp_path / "demo"
    command = ["demo", "--out", str(out), "--model", str(checkpoint), "--steps", "2"]
    assert execute(command) == 0
    table = pd.read_csv(out / "leaderboard.csv")
    assert len(table) == 5  # base, infonce, clear, bm25, and the base model with centred vectors
    manifests = [json.loads((out / loss / "clearbench_training.json").read_text()) for loss in ("infonce", "clear")]
    assert [m["step"] for m in manifests] == [2, 2] and manifests[0]["rows"] == manifests[1]["rows"]
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "infonce" in report and "bm25" in report
    capsys.readouterr()
    weights = out / "clear" / "model.safetensors"
    trained, data = weights.stat().st_mtime_ns, weights.read_bytes()
    assert execute(command) == 0
    told = capsys.readouterr().err
    assert "done before" in told and "the run is already complete" in told
    assert weights.stat().st_mtime_ns == trained

    # A demo that was killed while it trained: the manifest says so, and there are no weights.
    manifest = out / "clear" / "clearbench_training.json"
    manifest.write_text(manifest.read_text().replace('"complete"', '"running"'))
    weights.unlink()
    assert execute(command) == 0
    assert weights.read_bytes() == data
