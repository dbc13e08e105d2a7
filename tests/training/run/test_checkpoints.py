"""Checkpoints are whole or absent, and only the latest stay."""

import os
from typing import Any

import pytest
import torch
from builders.training import (
    equal_weights,
    make_settings,
    no_space,
    read_weights,
)

from clearbench.common.errors import TrainingError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run import checkpoints as saving
from clearbench.training.run.train import train


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
    assert equal_weights(read_weights(out), read_weights(place / "whole"))


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
