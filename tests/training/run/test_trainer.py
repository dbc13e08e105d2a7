"""Runs that diverge stop before they spoil the weights, and name what they saw."""

import pytest
import torch
from builders.training import make_settings, nan_loss, sample_rows

from clearbench.common.errors import TrainingError, UsageError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.records.training import read_manifest
from clearbench.training.run.train import train


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


def test_reporting_needs_the_package(place, monkeypatch):
    monkeypatch.setattr("clearbench.training.run.trainer.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install wandb"):
        train(make_settings(place, report_to="wandb"))
