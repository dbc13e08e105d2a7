"""Training runs on a tiny checkpoint: results, continuation, failures that leave something usable behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from builders.encoders import tiny_checkpoint
from builders.training import make_settings, sample_rows, write_rows
from safetensors.torch import load_file

from clearbench.common.errors import EncoderError, TrainingError, UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.checkpoint import hash_checkpoint
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.records.training import read_manifest
from clearbench.training.loss.named import LOSSES
from clearbench.training.run import checkpoints as saving
from clearbench.training.run.collate import RowCollator, split_columns
from clearbench.training.run.prepare import prepare
from clearbench.training.run.train import TrainingInterrupted, train


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def place(checkpoint, tmp_path):
    """A folder with a base checkpoint and rows."""
    shutil.copytree(checkpoint, tmp_path / "base")
    write_rows(tmp_path / "rows.jsonl")
    return tmp_path


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def hooked(monkeypatch):
    """Make a named loss that calls a function with the step's number and its loss."""

    originals = dict(LOSSES)

    def install(hook, name="clear"):
        usual = originals[name]

        class Hooked:
            formula = usual.formula
            columns = staticmethod(usual.columns)

            @staticmethod
            def make_loss(model, columns, options):
                loss = usual.make_loss(model, columns, options)
                forward, calls = loss.forward, []

                def hooked_forward(*arguments):
                    calls.append(None)
                    return hook(len(calls), forward(*arguments), model)

                loss.forward = hooked_forward
                return loss

        monkeypatch.setitem(LOSSES, name, Hooked)

    return install


def test_a_run_gives_a_plain_checkpoint_of_its_own_identity(place):
    from sentence_transformers import SentenceTransformer

    before = hash_checkpoint(place / "base")
    manifest = train(make_settings(place))
    out = place / "out"
    trained, base = weights(out), weights(place / "base")
    assert trained.keys() == base.keys() and not same(trained, base)
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
    unbroken = weights(place / "out")

    def interrupt(step, loss, model):
        if step == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return loss

    broken = settings.model_copy(update={"out": place / "broken"})
    hooked(interrupt, settings.loss)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match=r"after step 3 of 6.*checkpoint-3.*--resume") as error:
        train(broken)
    assert error.value.exit_code == 130 and signal.getsignal(signal.SIGINT) is before
    assert read_manifest(place / "broken").status == "interrupted"
    assert not same(weights(place / "broken" / "checkpoint-3"), unbroken)
    hooked(lambda step, loss, model: loss, settings.loss)
    manifest = train(broken, resume=True)
    assert same(weights(place / "broken"), unbroken)
    assert manifest.status == "complete" and [e["step"] for e in manifest.loss_curve] == [1, 2, 3, 4, 5, 6]
    assert [e["loss"] for e in manifest.loss_curve] == [e["loss"] for e in read_manifest(place / "out").loss_curve]


def test_dropout_and_order_matter_so_that_equal_weights_mean_something(place):
    train(make_settings(place))
    train(make_settings(place, out=place / "other", seed=43))
    assert not same(weights(place / "out"), weights(place / "other"))


def test_a_second_interrupt_ends_at_once(place, hooked):
    def interrupt(step, loss, model):
        if step == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return loss

    hooked(interrupt)
    with pytest.raises(TrainingInterrupted, match=r"last good checkpoint is .*checkpoint-2"):
        train(make_settings(place))
    hooked(lambda step, loss, model: loss)
    assert train(make_settings(place), resume=True).status == "complete"


def nan_loss(step, loss, model):
    return loss * float("nan") if step == 4 else loss


def nan_gradient(step, loss, model):
    weight = next(model.parameters())
    return loss + torch.sqrt((weight * 0).sum()) if step == 4 else loss


def nan_weight(step, loss, model):
    if step == 4:
        with torch.no_grad():
            next(model.parameters())[0] = float("nan")
    return loss


@pytest.mark.parametrize(
    ("hook", "message"),
    [(nan_loss, "Step 4: the loss is nan"), (nan_gradient, "Step 4: the gradient"), (nan_weight, "Step 4: the weight")],
)
def test_a_diverging_run_stops_with_step_and_batch_and_keeps_the_last_good_checkpoint(place, hooked, hook, message):
    hooked(hook)
    with pytest.raises(TrainingError) as error:
        train(make_settings(place))
    assert message in str(error.value) and "checkpoint-2" in str(error.value)
    if hook is not nan_weight:
        ids = str(error.value).split("Query ids of the batch: ")[1].split(". ")[0].split(", ")
        assert len(ids) == 4 and set(ids) <= {row["query_id"] for row in sample_rows()}
    load_transformer(str(place / "out" / "checkpoint-2"), EncoderOptions(device="cpu"))
    assert read_manifest(place / "out").status == "failed"
    assert not (place / "out" / "modules.json").exists() and not (place / "out" / "checkpoint-4").exists()


def fill_disk(monkeypatch, where, from_write):
    calls = []
    usual: Any = {"fsync": os.fsync, "torch": torch.save}[where]

    def full(*arguments, **keywords):
        calls.append(None)
        if len(calls) < from_write:
            return usual(*arguments, **keywords)
        if where == "torch":
            raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")
        no_space()

    monkeypatch.setattr(os if where == "fsync" else torch, "fsync" if where == "fsync" else "save", full)


@pytest.mark.parametrize("where", ["fsync", "torch"])
def test_a_full_disk_keeps_the_old_checkpoint_and_the_run_can_go_on(place, monkeypatch, where):
    train(make_settings(place, out=place / "whole"))
    with monkeypatch.context() as patch:
        flush = saving._flush
        if where == "fsync":
            # The first checkpoint is written, the second is not.
            patch.setattr(saving, "_flush", lambda folder: (flush(folder), fill_disk(patch, "fsync", 1)))
        else:
            fill_disk(patch, "torch", 5)
        with pytest.raises(TrainingError, match=r"step 4 cannot be saved .*checkpoint-2.*--resume"):
            train(make_settings(place))
    out = place / "out"
    assert sorted(entry.name for entry in out.iterdir() if entry.is_dir()) == ["checkpoint-2"]
    load_transformer(str(out / "checkpoint-2"), EncoderOptions(device="cpu"))
    train(make_settings(place), resume=True)
    assert same(weights(out), weights(place / "whole"))


def no_space(*_):
    raise OSError(28, "No space left on device")


def test_a_full_disk_at_the_end_keeps_the_checkpoints(place, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(saving, "publish_files", None)
        patch.setattr(
            "clearbench.training.run.train.publish_files", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(TrainingError, match="trained checkpoint cannot be saved"):
            train(make_settings(place))
    assert not (place / "out" / "modules.json").exists()
    assert train(make_settings(place), resume=True).status == "complete"


def test_only_the_latest_checkpoints_are_kept(place):
    train(make_settings(place, save_every=1, keep_checkpoints=2))
    assert [step for step, _ in saving.list_checkpoints(place / "out")] == [5, 6]


def test_an_output_folder_is_not_overwritten_by_mistake(place):
    settings = make_settings(place, steps=2)
    train(settings)
    with pytest.raises(UsageError, match=r"holds clearbench_training.json.*--resume.*--replace"):
        train(settings)
    assert train(settings, resume=True).status == "complete"
    with pytest.raises(UsageError, match=r"learning_rate was 0.01, now 0.02"):
        train(settings.model_copy(update={"learning_rate": 2e-2}), resume=True)
    with pytest.raises(UsageError, match="checkpoint that training starts from"):
        train(settings.model_copy(update={"out": place / "base"}))
    before = weights(place / "out")
    train(settings.model_copy(update={"learning_rate": 2e-2}), replace=True)
    assert not same(before, weights(place / "out"))


def test_a_run_is_not_continued_with_other_rows_or_another_base(place, hooked):
    hooked(nan_loss)
    with pytest.raises(TrainingError):
        train(make_settings(place))
    write_rows(place / "rows.jsonl", 28)
    with pytest.raises(UsageError, match="had another rows"):
        train(make_settings(place), resume=True)
    write_rows(place / "rows.jsonl")
    shutil.rmtree(place / "base")
    tiny_checkpoint(place / "base", seed=1)
    with pytest.raises(UsageError, match="had another base checkpoint"):
        train(make_settings(place), resume=True)


BAD: dict[str, Any] = {
    "unknown loss": ({"loss": "claer"}, UsageError, "clear"),
    "no such model": ({"model": "no such model"}, EncoderError, "neither a folder"),
    "bm25": ({"model": "bm25"}, UsageError, "no weights"),
    "no such rows": ({"data": "nowhere.parquet"}, Exception, "nowhere.parquet"),
    "too many negatives": ({"negatives": 2}, TrainingError, "at most 1"),
    "unknown language": ({"languages": "fr"}, UsageError, "has de"),
    "batch too large": ({"batch_size": 64}, TrainingError, "batch of 64"),
    "mini-batch larger than batch": ({"mini_batch_tokens": 10**6}, UsageError, "larger than a whole batch"),
    "fp16 without a GPU": ({"dtype": "fp16"}, UsageError, "only on a GPU"),
    "evaluation without a function": ({"eval_tasks": "xquad"}, UsageError, "eval_tasks"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(place, case):
    changes, kind, message = BAD[case]
    with pytest.raises(kind, match=message):
        train(make_settings(place, **changes))
    assert not (place / "out").exists()


def test_broken_rows_are_refused(place):
    rows = sample_rows()
    del rows[3]["passage"]
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(TrainingError, match=r"rows.jsonl.*4.*'passage' is missing"):
        train(make_settings(place))


def test_rivals_see_the_same_batches(place):
    plans = [prepare(make_settings(place, loss=loss)).trainer.plan for loss in ("clear", "infonce", "mixed")]
    assert plans[0] == plans[1] == plans[2]


def test_training_texts_get_the_prompts_of_evaluation(place):
    encoder = load_transformer(
        str(place / "base"), EncoderOptions(device="cpu", query_prompt="ask: ", passage_prompt="p: ")
    )
    columns = ("query", "passage", "target_query", "passage_negative_1")
    collator = RowCollator(encoder, columns, 12)
    texts = dict(zip(columns, ("a b", "c d", "e f", "g h i j k l m n o p q r s t"), strict=True))
    batch = collator([{**texts, "row": 5}])
    assert batch["row"] == [5] and encoder.model.max_seq_length > 12
    for column, features in zip(columns, split_columns(batch, columns), strict=True):
        prompt = "p: " if "passage" in column else "ask: "
        expected = encoder.model.preprocess([texts[column]], prompt=prompt)["input_ids"][0].tolist()
        found = features["input_ids"][0].tolist()
        assert found == (expected if len(expected) <= 12 else expected[:11] + expected[-1:])
        assert not any("negative" in name for name in features)


def test_a_checkpoint_keeps_the_prompts_it_was_trained_with(place):
    train(make_settings(place, steps=1, query_prompt="ask: "))
    encoder = load_transformer(str(place / "out"), EncoderOptions(device="cpu"))
    assert encoder.prompts == {"query": "ask: ", "passage": ""}
    assert encoder.settings["prompt_source"] == "checkpoint"


def test_evaluation_happens_before_during_and_after_and_changes_no_weight(place):
    train(make_settings(place, out=place / "without"))
    seen = []

    def evaluate(encoder):
        vectors = encoder.encode_batch(["topic 1"], "query")
        seen.append((encoder.fingerprint, vectors.tobytes()))
        return {"tiny:en-en": 0.5, "tiny:de-en": 0.1 * len(seen)}

    manifest = train(make_settings(place, eval_tasks="tiny", eval_every=4), evaluate)
    assert [entry["step"] for entry in manifest.evaluations] == [0, 4, 6]
    assert manifest.evaluations[-1]["tiny:de-en"] == pytest.approx(0.3)
    assert len(set(seen)) == 3 == len({vectors for _, vectors in seen})
    assert same(weights(place / "out"), weights(place / "without"))
    base = load_transformer(str(place / "base"), EncoderOptions(device="cpu"))
    last = load_transformer(str(place / "out"), EncoderOptions(device="cpu"))
    assert seen[0][1] == base.encode_batch(["topic 1"], "query").tobytes()
    assert seen[-1][1] == last.encode_batch(["topic 1"], "query").tobytes()
    assert "| tiny:de-en | nDCG@10 | 0.1000 | 0.3000 |" in (place / "out" / "README.md").read_text()


def test_training_stops_when_english_suffers(place):
    values = iter([0.9, 0.895, 0.85])
    settings = make_settings(place, eval_tasks="tiny", eval_every=1, stop_english=2.0)
    manifest = train(settings, lambda encoder: {"tiny:en-en": next(values)})
    assert (manifest.status, manifest.step) == ("stopped", 2)
    assert "fell by 5.0 points" in manifest.notes[0]
    load_transformer(str(place / "out"), EncoderOptions(device="cpu"))
    with pytest.raises(UsageError, match="needs an English pair"):
        train(settings.model_copy(update={"out": place / "x"}), lambda encoder: {"tiny:de-en": 0.5})


def test_training_cuts_texts_without_cutting_those_of_evaluation(place):
    assert "cut to 64" in train(make_settings(place, max_length=500)).notes[0]
    manifest = train(make_settings(place, out=place / "short", max_length=8))
    assert manifest.notes == [] and manifest.base.max_length == 64
    assert load_transformer(str(place / "short"), EncoderOptions()).settings["max_length"] == 64
    assert not same(weights(place / "short"), weights(place / "out"))


def test_reporting_needs_the_package(place, monkeypatch):
    monkeypatch.setattr("clearbench.training.run.trainer.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install wandb"):
        train(make_settings(place, report_to="wandb"))


@pytest.mark.parametrize("changes", [{"dtype": "bf16"}, {"gradient_checkpointing": True}])
def test_ways_to_train(place, changes):
    train(make_settings(place, out=place / "usual"))
    train(make_settings(place, **changes))
    usual, other = weights(place / "usual"), weights(place / "out")
    close = all(torch.allclose(value, usual[name], atol=1e-6) for name, value in other.items())
    assert close == ("gradient_checkpointing" in changes)
    assert {value.dtype for value in other.values()} == {torch.float32}


def test_lora_without_peft_names_the_package(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UsageError, match=r"clearbench\[lora\]"):
        train(make_settings(place, lora=4))


def test_lora_with_a_peft_that_transformers_refuses_names_the_version(place, monkeypatch):
    pytest.importorskip("peft")
    monkeypatch.setattr("transformers.integrations.peft.MIN_PEFT_VERSION", "999.0")
    with pytest.raises(UsageError, match=r"needs peft 999\.0 or newer, found \d"):
        train(make_settings(place, lora=4))


def test_lora_is_merged_into_a_plain_checkpoint_and_can_be_continued(place, hooked):
    pytest.importorskip("peft", minversion="0.22.0")
    settings = make_settings(place, lora=4, save_every=3)
    train(settings)
    base, trained = weights(place / "base"), weights(place / "out")
    assert trained.keys() == base.keys() and not same(base, trained)
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(base[name], trained[name])
    assert not list((place / "out").glob("adapter*"))

    def interrupt(step, loss, model):
        if step == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return loss

    hooked(interrupt)
    with pytest.raises(TrainingInterrupted):
        train(settings.model_copy(update={"out": place / "broken"}))
    hooked(lambda step, loss, model: loss)
    train(settings.model_copy(update={"out": place / "broken"}), resume=True)
    assert same(weights(place / "broken"), trained)


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


def test_a_manifest_of_another_version_is_refused(place):
    train(make_settings(place, steps=1))
    file = place / "out" / "clearbench_training.json"
    file.write_text(file.read_text().replace('"formula"', '"formel"'))
    with pytest.raises(TrainingError, match="damaged or of another version"):
        train(make_settings(place, steps=1), resume=True)
