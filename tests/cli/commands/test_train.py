"""`clearbench train` as a user meets it."""

import json
import shutil

import pytest
import torch
import typer
from builders.encoders import tiny_checkpoint
from builders.tasks import write_belebele, write_task
from builders.training import write_rows

from clearbench.cli.app import execute
from clearbench.cli.commands.train import train
from clearbench.cli.options import command
from clearbench.common.errors import ClearbenchError, TrainingError, UsageError
from clearbench.records.training import read_manifest

FLAGS = ("--model", "base", "--data", "rows.jsonl", "--steps", "2", "--batch-size", "4", "--device", "cpu")


@pytest.fixture(autouse=True)
def one_thread():
    """Threads cost tiny matrices more than they bring, most of all beside other tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def files(place):
    """A base checkpoint, rows, and a task of two languages."""
    tiny_checkpoint(place / "base")
    write_rows(place / "rows.jsonl")
    write_belebele(place / "data", "eng_Latn", "deu_Latn", passages=8)
    write_task(place)


def run(*arguments):
    app = typer.Typer(pretty_exceptions_enable=False)
    command(app, "train")(train)
    app([str(argument) for argument in arguments], standalone_mode=False)


def test_flags_alone(place, capsys):
    run(*FLAGS, "--out", "ckpt", "--loss", "infonce")
    captured = capsys.readouterr()
    assert captured.out.startswith("ckpt: 2 steps, last loss ")
    assert "step 1/2: loss" in captured.err and "rows/s" in captured.err
    assert read_manifest(place / "ckpt").config["loss"] == "infonce"


def test_a_toml_file_with_flags_over_it(place):
    (place / "train.toml").write_text(
        'preset = "cpu-demo"\nmodel = "base"\ndata = "rows.jsonl"\nout = "ckpt"\nsteps = 50\nbatch_size = 4\n'
        'mini_batch_tokens = 64\ndevice = "cpu"\nweight_decay = 0.1\nlearning_rate = 1e-2\n'
    )
    run("--config", "train.toml", "--steps", 2, "--lr", 1e-3, "--set", "max_grad_norm=0.5")
    config = read_manifest(place / "ckpt").config
    assert (config["steps"], config["weight_decay"], config["max_grad_norm"]) == (2, 0.1, 0.5)
    assert (config["learning_rate"], config["max_length"], config["preset"]) == (1e-3, 192, "cpu-demo")


def test_evaluation_while_training_finds_tasks_of_the_folder_in_the_environment(place, monkeypatch):
    (place / "own").mkdir()
    (place / "tiny.toml").rename(place / "own" / "tiny.toml")
    monkeypatch.setenv("CLEARBENCH_TASKS", str(place / "own"))
    run(*FLAGS, "--out", "ckpt", "--eval-task", "tiny", "--eval-pairs", "de-en", "--data-dir", "data")
    assert [sorted(entry) for entry in read_manifest(place / "ckpt").evaluations] == [["step", "tiny:de-en"]] * 2


def test_evaluation_while_training_equals_clearbench_run(place):
    task = ("--eval-task", "tiny.toml", "--eval-pairs", "de-en,en-en", "--data-dir", "data", "--stop-english", "90")
    run(*FLAGS, "--out", "ckpt", "--lr", "0.01", *task)
    first, last = read_manifest(place / "ckpt").evaluations
    for model, evaluation in (("base", first), ("ckpt", last)):
        command = ["run", "--model", model, "--tasks", "tiny.toml", "--pairs", "de-en,en-en", "--data-dir", "data"]
        assert execute([*command, "--out", f"results-{model}"]) == 0
        [file] = (place / f"results-{model}").rglob("record.json")
        for pair in json.loads(file.read_text())["pairs"]:
            assert evaluation[f"tiny:{pair['pair']}"] == pytest.approx(pair["measures"]["nDCG@10"]["mean"], abs=1e-9)
    records = [next((place / f"results-{model}").rglob("record.json")) for model in ("base", "ckpt")]
    encoders = [json.loads(record.read_text())["identity"]["encoder"] for record in records]
    assert encoders[0] != encoders[1]


def test_a_task_judged_by_answers_can_be_evaluated_while_training(place, capsys):
    run(*FLAGS, "--out", "ckpt", "--loss", "infonce", "--eval-task", "demo-xor", "--eval-pairs", "fi-en")
    told = capsys.readouterr().err
    assert "R@2kt demo-xor:fi-en" in told and "nDCG@10" not in told
    assert "| demo-xor:fi-en | R@2kt |" in (place / "ckpt" / "README.md").read_text(encoding="utf-8")
    first, last = read_manifest(place / "ckpt").evaluations
    for evaluation in (first, last):
        assert sorted(evaluation) == ["demo-xor:fi-en R@2kt", "step"]
        assert 0.0 <= evaluation["demo-xor:fi-en R@2kt"] <= 1.0
    assert execute(["run", "--model", "base", "--tasks", "demo-xor", "--pairs", "fi-en", "--out", "results"]) == 0
    [file] = (place / "results").rglob("record.json")
    [pair] = json.loads(file.read_text())["pairs"]
    assert first["demo-xor:fi-en R@2kt"] == pytest.approx(pair["measures"]["R@2kt"]["mean"], abs=1e-9)


def test_each_task_is_evaluated_on_those_of_the_pairs_that_it_has(place):
    tasks = ("--eval-task", "tiny.toml,demo-xor", "--eval-pairs", "de-en,fi-en", "--data-dir", "data")
    run(*FLAGS, "--out", "ckpt", "--loss", "infonce", *tasks)
    first, _ = read_manifest(place / "ckpt").evaluations
    assert sorted(first) == ["demo-xor:fi-en R@2kt", "step", "tiny:de-en"]


def test_a_finished_run_is_not_run_again(place, capsys):
    run(*FLAGS, "--out", "ckpt")
    with pytest.raises(UsageError, match="with --resume"):
        run(*FLAGS, "--out", "ckpt")
    run(*FLAGS, "--out", "ckpt", "--resume")
    assert "already complete" in capsys.readouterr().err


def test_going_on_shows_no_bar_of_weights(place, capsys):
    run(*FLAGS, "--out", "ckpt", "--save-every", "1")
    (place / "ckpt" / "clearbench_training.json").write_text(
        (place / "ckpt" / "clearbench_training.json").read_text().replace('"complete"', '"interrupted"')
    )
    for folder in (place / "ckpt").glob("checkpoint-2"):
        shutil.rmtree(folder)
    capsys.readouterr()
    run(*FLAGS, "--out", "ckpt", "--resume")
    said = capsys.readouterr().err
    assert "Continuing from ckpt/checkpoint-1" in said and "Loading weights" not in said


def test_curves_reach_tensorboard(place):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(*FLAGS, "--out", "ckpt", "--report-to", "tensorboard")
    [folder] = (place / "ckpt" / "runs").iterdir()
    events = reader.EventAccumulator(str(folder)).Reload()
    curve = read_manifest(place / "ckpt").loss_curve
    assert [event.step for event in events.Scalars("train/loss")] == [entry["step"] for entry in curve]
    assert [event.value for event in events.Scalars("train/kl")] == pytest.approx([entry["kl"] for entry in curve])


BAD = {
    "nothing": ((), UsageError, "--model, --data, --out missing"),
    "no output": (FLAGS, UsageError, "--out missing"),
    "mini-batch larger than batch": ((*FLAGS, "--out", "x", "--mini-batch-size", "8"), UsageError, "larger than batch"),
    "unknown loss": ((*FLAGS, "--out", "x", "--loss", "info"), UsageError, "infonce"),
    "unknown setting": ((*FLAGS, "--out", "x", "--set", "momentum=1"), UsageError, "momentum"),
    "file as output": ((*FLAGS, "--out", "rows.jsonl"), UsageError, "is a file"),
    "unwritable output": ((*FLAGS, "--out", "rows.jsonl/x"), TrainingError, "Choose another --out"),
    "unknown task": ((*FLAGS, "--out", "x", "--eval-task", "xquod"), UsageError, "xquad"),
    "rows are no rows": (
        ("--model", "base", "--data", "data/belebele/eng_Latn.jsonl", "--out", "x"), TrainingError, "is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_users_mistake_is_one_message(place, case):
    arguments, kind, message = BAD[case]
    with pytest.raises(ClearbenchError) as error:
        run(*arguments)
    assert isinstance(error.value, kind) and message in str(error.value)
    assert not (place / "x").exists()
