"""Adapters are trained in place of the weights, and merged into them wherever they are saved."""

import sys
from types import ModuleType

import pytest
import torch
from builders.training import equal_weights, interrupt_at_3, make_settings, read_weights, unchanged
from safetensors.torch import load_file, save_file

from clearbench.common.errors import UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run.lora import ADAPTERS_FILE, load_adapters
from clearbench.training.run.prepare import prepare
from clearbench.training.run.train import TrainingInterrupted, train


def test_lora_without_peft_names_the_package(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UsageError, match=r"pip install 'clearbench\[lora\]'"):
        train(make_settings(place, lora=4))
    assert not (place / "out").exists()


def test_a_peft_that_does_not_fit_is_named_with_both_versions(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", ModuleType("peft"))
    with pytest.raises(
        UsageError, match=r"peft \d\S+ does not work with transformers \d\S+ \(cannot import name.*pip install"
    ):
        train(make_settings(place, lora=4))
    assert not (place / "out").exists()


def test_only_adapters_are_trained_and_the_saved_weights_are_the_base_s_plus_twice_their_product(place):
    train(make_settings(place, lora=4, save_every=3))
    base, trained = read_weights(place / "base"), read_weights(place / "out")
    adapters = load_file(place / "out" / "checkpoint-6" / ADAPTERS_FILE)
    assert trained.keys() == base.keys() and not equal_weights(base, trained)
    expected = dict(base)
    for name, down in adapters.items():
        if ".lora_A." in name:
            up = adapters[name.replace(".lora_A.", ".lora_B.")]
            layer = name.partition(".lora_A.")[0].removeprefix("0.model.")
            expected[f"{layer}.weight"] = base[f"{layer}.weight"] + 2 * up @ down
    changed = {name for name in base if not torch.equal(base[name], expected[name])}
    unused = {"pooler.dense.weight"}  # has adapters too, but mean pooling gives them no gradient
    assert len(changed | unused) == len(adapters) // 2 > 4 and "embeddings.word_embeddings.weight" not in changed
    for name, weight in trained.items():
        assert torch.allclose(weight, expected[name], atol=1e-6) and (
            name in changed or torch.equal(weight, base[name])
        )
    assert not list((place / "out").glob("*adapter*"))


def test_a_checkpoint_with_adapters_loads_without_peft(place, monkeypatch):
    train(make_settings(place, lora=4, save_every=3))
    monkeypatch.setitem(sys.modules, "peft", None)
    loading = "sentence_transformers.base.modules.transformer"
    monkeypatch.setattr(
        f"{loading}.is_peft_available", lambda: False, raising=False
    )  # it looks for the package's files
    vectors = [
        load_transformer(str(place / name), EncoderOptions(device="cpu")).encode_batch(["topic 1"], "query").tobytes()
        for name in ("base", "out/checkpoint-3", "out/checkpoint-6", "out")
    ]
    assert len(set(vectors)) == 3 and vectors[2] == vectors[3]


def test_a_continued_run_with_adapters_ends_with_the_weights_of_an_unbroken_one(place, hooked):
    settings = make_settings(place, lora=4, save_every=4)
    train(settings)
    broken = settings.model_copy(update={"out": place / "broken"})
    hooked(interrupt_at_3)
    with pytest.raises(TrainingInterrupted):
        train(broken)
    hooked(unchanged)
    train(broken, resume=True)
    assert equal_weights(read_weights(place / "broken"), read_weights(place / "out"))


def test_adapters_of_another_rank_are_refused(place):
    train(make_settings(place, lora=4))
    model = prepare(make_settings(place, lora=2)).trainer.model
    with pytest.raises(ValueError, match="other names or shapes"):
        load_adapters(model, place / "out" / "checkpoint-6")
    save_file({"a": torch.zeros(1)}, place / ADAPTERS_FILE)
    with pytest.raises(ValueError, match="other names or shapes"):
        load_adapters(model, place)
