"""Training runs on a tiny checkpoint: what they write, and how they go on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from builders.training import (
    equal_weights,
    interrupt_at_3,
    make_settings,
    read_weights,
    unchanged,
)

from clearbench.common.files import TRAINING_FILE
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.identity import hash_checkpoint
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.records.training import read_manifest
from clearbench.training.loss.named import LOSSES
from clearbench.training.run.train import TrainingInterrupted, train


def test_a_run_gives_a_plain_checkpoint_of_its_own_identity(place):
    from sentence_transformers import SentenceTransformer

    before = hash_checkpoint(place / "base")
    manifest = train(make_settings(place))
    out = place / "out"
    trained, base = read_weights(out), read_weights(place / "base")
    assert trained.keys() == base.keys() and not equal_weights(trained, base)
    assert hash_checkpoint(place / "base") == before != hash_checkpoint(out) == manifest.weights
    options = EncoderOptions(device="cpu")
    assert load_transformer(str(out), options).fingerprint != load_transformer(str(place / "base"), options).fingerprint
    model = SentenceTransformer(str(out), device="cpu")
    assert model.encode(["topic 1"]).shape == (1, 16)
    assert model.max_seq_length == SentenceTransformer(str(place / "base"), device="cpu").max_seq_length
    names = {entry.name for entry in out.iterdir()}
    assert names >= {"modules.json", "model.safetensors", "README.md", "clearbench_training.json", "checkpoint-6"}
    assert not any(name.endswith((".bin", ".pt", ".pth")) or name.startswith(".") for name in names)


def test_the_manifest_and_the_card_say_how_it_was_trained(place):
    manifest = train(make_settings(place, max_length=16))
    stored = json.loads((place / "out" / "clearbench_training.json").read_text())
    assert stored == manifest.model_dump(mode="json") and read_manifest(place / "out") == manifest
    assert (manifest.status, manifest.step, manifest.devices) == ("complete", 6, 1)
    assert manifest.base.weights == hash_checkpoint(place / "base")
    assert manifest.rows.languages == {"de": 24} and manifest.rows.num_distinct_rows == 24
    assert manifest.max_length == 16 and manifest.config["batch_size"] == 4
    assert {"torch", "sentence-transformers", "accelerate", "datasets"} <= set(manifest.environment)
    assert [entry["step"] for entry in manifest.loss_curve] == [1, 2, 3, 4, 5, 6]
    for entry in manifest.loss_curve:
        parts = 0.4 * entry["forward"] + 0.4 * entry["reverse"] + 0.2 * entry["kl"]
        assert entry["loss"] == pytest.approx(parts, rel=1e-5) and entry["grad_norm"] > 0
    rates = [entry["learning_rate"] for entry in manifest.loss_curve]
    assert max(rates) <= 1e-2 and rates[-1] < rates[2]
    card = (place / "out" / "README.md").read_text()
    for fact in ("`clear`", LOSSES["clear"].formula, "de (24)", "6 of 6 steps of 4 rows", "cosine", "16 tokens"):
        assert fact in card


@pytest.mark.parametrize("more", [{}, {"mini_batch_tokens": 64}, {"loss": "infonce", "batches": "per-language"}])
def test_a_continued_run_ends_with_the_weights_of_an_unbroken_one(place, hooked, more):
    settings = make_settings(place, save_every=4, **more)
    train(settings)
    unbroken = read_weights(place / "out")

    broken = settings.model_copy(update={"out": place / "broken"})
    hooked(interrupt_at_3, settings.loss)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match=r"after step 3 of 6.*checkpoint-3.*--resume") as error:
        train(broken)
    assert error.value.exit_code == 130 and signal.getsignal(signal.SIGINT) is before
    assert read_manifest(place / "broken").status == "interrupted"
    assert not equal_weights(read_weights(place / "broken" / "checkpoint-3"), unbroken)
    hooked(unchanged, settings.loss)
    manifest = train(broken, resume=True)
    assert equal_weights(read_weights(place / "broken"), unbroken)
    assert manifest.status == "complete" and [e["step"] for e in manifest.loss_curve] == [1, 2, 3, 4, 5, 6]
    assert [e["loss"] for e in manifest.loss_curve] == [e["loss"] for e in read_manifest(place / "out").loss_curve]


def files_of(out):
    """The result's files without the manifest, which holds times, and the card, which bears the folder's name."""
    return {
        file.relative_to(out): file.read_bytes()
        for file in out.rglob("*")
        if file.is_file() and "checkpoint-" not in str(file) and file.suffix != ".md" and file.name != TRAINING_FILE
    }


@pytest.mark.parametrize("more", [{"max_length": 8}, {"save_every": 3, "eval_tasks": "tiny", "eval_every": 2}])
def test_a_run_killed_after_its_last_step_saves_the_same_bytes(place, monkeypatch, more):
    def kill(*_):
        raise SystemExit("killed")

    def evaluate(encoder):
        encoder.encode_batch(["topic 1"], "query")
        return {"tiny:en-en": 0.5}

    manifest = train(make_settings(place, **more), evaluate)
    broken = make_settings(place, out=place / "broken", **more)
    with monkeypatch.context() as patch:
        patch.setattr("clearbench.training.run.train.publish_files", kill)
        with pytest.raises(SystemExit):
            train(broken, evaluate)
    assert not (place / "broken" / "modules.json").exists()
    again = train(broken, evaluate, resume=True)
    assert files_of(place / "broken") == files_of(place / "out")
    assert again.weights == manifest.weights and again.evaluations == manifest.evaluations
    assert (place / "out" / "tokenizer.json").read_bytes() == (place / "base" / "tokenizer.json").read_bytes()


def test_dropout_and_order_matter_so_that_equal_weights_mean_something(place):
    train(make_settings(place))
    train(make_settings(place, out=place / "other", seed=43))
    assert not equal_weights(read_weights(place / "out"), read_weights(place / "other"))


@pytest.mark.parametrize("changes", [{"dtype": "bf16"}, {"gradient_checkpointing": True}])
def test_ways_to_train(place, changes):
    train(make_settings(place, out=place / "usual"))
    train(make_settings(place, **changes))
    usual, other = read_weights(place / "usual"), read_weights(place / "out")
    close = all(torch.allclose(value, usual[name], atol=1e-6) for name, value in other.items())
    assert close == ("gradient_checkpointing" in changes)
    assert {value.dtype for value in other.values()} == {torch.float32}


def test_two_processes_train_together(place):
    code = (
        "from pathlib import Path\n"
        "from builders.training import make_settings\n"
        "from clearbench.training.run.train import train\n"
        f"train(make_settings(Path({str(place)!r}), steps=2, mini_batch_tokens=64))\n"
    )
    (place / "run.py").write_text(code)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "run.py"]
    tests = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path]), "OMP_NUM_THREADS": "1"}
    finished = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    manifest = read_manifest(place / "out")
    assert (manifest.status, manifest.devices, manifest.rows.num_distinct_rows) == ("complete", 2, 16)
    assert manifest.base.weights != manifest.weights == hash_checkpoint(place / "out")
