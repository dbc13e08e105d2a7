"""The output folder is continued or replaced only where that is asked for and fits."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from builders.encoders import tiny_checkpoint
from builders.training import equal_weights, make_settings, nan_loss, read_weights, write_rows

from clearbench.common.errors import TrainingError, UsageError
from clearbench.training.run.output import LOCK_FILE, claim_output
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
    with pytest.raises(TrainingError, match=r"damaged: formula: missing.*--replace"):
        train(make_settings(place, steps=1), resume=True)


def test_a_finished_run_whose_files_were_changed_is_not_called_finished(place):
    train(make_settings(place, steps=1))
    with (place / "out" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")
    with pytest.raises(TrainingError, match=r"is complete, but its files were changed or damaged.*--replace"):
        train(make_settings(place, steps=1), resume=True)


def test_a_second_run_in_a_folder_is_refused_at_once(place):
    settings = make_settings(place)
    with claim_output(settings.out):
        for resume in (False, True):
            with pytest.raises(TrainingError, match=r"Another run is training in .*out\. Wait until it ends"):
                train(settings, resume=resume)
    assert not settings.out.exists()
    assert train(settings).status == "complete" and not (settings.out / LOCK_FILE).exists()


def test_the_lock_of_a_killed_run_is_free(place):
    code = (
        "import os, signal; from pathlib import Path; from clearbench.training.run.output import claim_output\n"
        f"with claim_output(Path({str(place / 'out')!r})): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == -signal.SIGKILL
    assert (place / "out" / LOCK_FILE).exists()
    assert train(make_settings(place, steps=1)).status == "complete"


def test_of_processes_that_train_together_the_first_has_the_lock_for_all(place, monkeypatch):
    with claim_output(place / "out"):
        monkeypatch.setenv("RANK", "1")
        with claim_output(place / "out"):
            assert (place / "out" / LOCK_FILE).exists()


def test_a_file_system_without_locks_is_said_to_have_none(place, monkeypatch, capsys):
    def refuse(*_, **__):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("clearbench.training.run.output.FileLock.acquire", refuse)
    assert train(make_settings(place, steps=1)).status == "complete"
    assert "this file system has no locks" in capsys.readouterr().err
