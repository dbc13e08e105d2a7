"""Adapters are trained in place of the weights and merged into them."""

import sys

import pytest
import torch
from builders.training import equal_weights, interrupt_at_3, make_settings, read_weights, unchanged

from clearbench.common.errors import UsageError
from clearbench.training.run.train import TrainingInterrupted, train


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
    base, trained = read_weights(place / "base"), read_weights(place / "out")
    assert trained.keys() == base.keys() and not equal_weights(base, trained)
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(base[name], trained[name])
    assert not list((place / "out").glob("adapter*"))

    hooked(interrupt_at_3)
    with pytest.raises(TrainingInterrupted):
        train(settings.model_copy(update={"out": place / "broken"}))
    hooked(unchanged)
    train(settings.model_copy(update={"out": place / "broken"}), resume=True)
    assert equal_weights(read_weights(place / "broken"), trained)
