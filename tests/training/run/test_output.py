"""The output folder is continued or replaced only where that is asked for and fits."""

import shutil

import pytest
from builders.encoders import tiny_checkpoint
from builders.training import equal_weights, make_settings, nan_loss, read_weights, write_rows

from clearbench.common.errors import TrainingError, UsageError
from clearbench.training.run.train import train


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
    before = read_weights(place / "out")
    train(settings.model_copy(update={"learning_rate": 2e-2}), replace=True)
    assert not equal_weights(before, read_weights(place / "out"))


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


def test_a_manifest_of_another_version_is_refused(place):
    train(make_settings(place, steps=1))
    file = place / "out" / "clearbench_training.json"
    file.write_text(file.read_text().replace('"formula"', '"formel"'))
    with pytest.raises(TrainingError, match="damaged or of another version"):
        train(make_settings(place, steps=1), resume=True)
