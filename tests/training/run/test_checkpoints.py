"""Checkpoints are whole or absent, and only the latest stay."""

import os
import shutil
from typing import Any

import pytest
import torch
from builders.training import equal_weights, make_settings, no_space, read_weights, write_rows
from builders.values import require

from clearbench.common.errors import TrainingError
from clearbench.encoders.base import EncoderOptions
from clearbench.encoders.checkpoints.transformer import load_transformer
from clearbench.training.run import checkpoints as checkpoints_module
from clearbench.training.run.checkpoints import HASHES_FILE, find_checkpoint_damage, list_checkpoints, prune_checkpoints
from clearbench.training.run.train import train


def fill_disk(monkeypatch, where, from_write):
    calls: list[None] = []
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
        flush = checkpoints_module._flush_files
        if where == "fsync":
            # The first checkpoint is written, the second is not.
            patch.setattr(
                checkpoints_module, "_flush_files", lambda folder: (flush(folder), fill_disk(patch, "fsync", 1))
            )
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
        patch.setattr(checkpoints_module, "publish_files", None)
        patch.setattr(
            "clearbench.training.run.train.publish_files", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
        )
        with pytest.raises(TrainingError, match="trained checkpoint cannot be saved"):
            train(make_settings(place))
    assert not (place / "out" / "modules.json").exists()
    assert train(make_settings(place), resume=True).status == "complete"


def test_only_the_latest_checkpoints_are_kept(place):
    train(make_settings(place, save_every=1, keep_checkpoints=2))
    assert [step for step, _ in list_checkpoints(place / "out")] == [5, 6]


DAMAGE = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "emptied": lambda file: file.write_bytes(b""),
    "a bit flipped": lambda file: file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:]),
    "deleted": lambda file: file.unlink(),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.fixture(scope="module")
def trained(checkpoint, tmp_path_factory):
    """A finished run with the checkpoints of its steps 4 and 6."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(checkpoint, folder / "base")
    write_rows(folder / "rows.jsonl")
    train(make_settings(folder))
    return folder


def saved_files(trained):
    checkpoint = trained / "out" / "checkpoint-6"
    return [file.relative_to(checkpoint) for file in sorted(checkpoint.rglob("*")) if file.is_file()]


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_to_any_file_of_a_checkpoint_is_seen_and_named(trained, tmp_path, how):
    assert len(saved_files(trained)) > 10
    for name in saved_files(trained):
        copy = shutil.copytree(trained / "out" / "checkpoint-6", tmp_path / str(name).replace("/", "-"))
        assert find_checkpoint_damage(copy) is None
        DAMAGE[how](copy / name)
        assert str(name) in require(find_checkpoint_damage(copy))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": []}', '{"sha256": null}', "[" * 100_000, "\0"])
def test_hashes_that_say_nothing_are_damage(tmp_path, text):
    (tmp_path / HASHES_FILE).write_text(text)
    assert find_checkpoint_damage(tmp_path) == f"{HASHES_FILE} cannot be read"


def unfinished(trained, folder):
    """A copy of the run as if it had been killed before it saved its result."""
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    (folder / "out" / "modules.json").unlink()
    file = folder / "out" / "clearbench_training.json"
    file.write_text(file.read_text().replace('"complete"', '"running"').replace(str(trained), str(folder)))
    return make_settings(folder)


@pytest.mark.parametrize("name", ["optimizer.pt", "model.safetensors", "rng_state.pth", "trainer_state.json"])
def test_a_run_goes_back_to_the_checkpoint_before_a_damaged_one(trained, tmp_path, capsys, name):
    settings = unfinished(trained, tmp_path)
    DAMAGE["cut"](settings.out / "checkpoint-6" / name)
    assert train(settings, resume=True).status == "complete"
    said = capsys.readouterr().err
    assert f"checkpoint-6 ({name} was changed after it was saved). Going back to checkpoint-4." in said
    assert equal_weights(read_weights(settings.out), read_weights(trained / "out"))
    assert find_checkpoint_damage(settings.out / "checkpoint-6") is None


def test_without_a_whole_checkpoint_the_message_says_what_to_delete(trained, tmp_path):
    settings = unfinished(trained, tmp_path)
    for step in (4, 6):
        DAMAGE["emptied"](settings.out / f"checkpoint-{step}" / "scheduler.pt")
    with pytest.raises(TrainingError, match=r"checkpoint-6 \(scheduler\.pt.*checkpoint-4 .*Delete these folders"):
        train(settings, resume=True)
    for step in (4, 6):
        shutil.rmtree(settings.out / f"checkpoint-{step}")
    assert train(settings, resume=True).status == "complete"
    assert equal_weights(read_weights(settings.out), read_weights(trained / "out"))


@pytest.mark.parametrize("loads", ["torch.load", "transformers.TrainerState.load_from_json"])
def test_a_whole_checkpoint_that_the_libraries_do_not_load_is_one_message(trained, tmp_path, monkeypatch, loads):
    def refuse(*_, **__):
        raise TypeError("made by another version\nand so on")

    settings = unfinished(trained, tmp_path)
    monkeypatch.setattr(loads, refuse)
    with pytest.raises(TrainingError, match=r"cannot resume from .*checkpoint-6: made by another version\. .*Delete"):
        train(settings, resume=True)


def test_checkpoints_later_than_the_step_that_is_saved_do_not_push_out_whole_ones(tmp_path):
    for step in (1, 2, 3, 9):
        (tmp_path / f"checkpoint-{step}").mkdir()
    prune_checkpoints(tmp_path, 3, keep=1)
    assert [step for step, _ in list_checkpoints(tmp_path)] == [3, 9]


def test_a_run_killed_while_it_pruned_leaves_no_part_of_a_checkpoint(trained, tmp_path, monkeypatch):
    def kill(*_, **__):
        raise SystemExit("killed")

    settings = unfinished(trained, tmp_path)
    shutil.copytree(settings.out / "checkpoint-4", settings.out / "checkpoint-2")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda folder, **more: None if more and not folder.exists() else kill())
        with pytest.raises(SystemExit):
            prune_checkpoints(settings.out, 6, keep=2)
    assert [step for step, _ in list_checkpoints(settings.out)] == [4, 6]
    shutil.copytree(settings.out / "checkpoint-4", settings.out / "checkpoint-2")  # or killed just before that
    train(settings, resume=True)
    assert [step for step, _ in list_checkpoints(settings.out)] == [4, 6]
    assert not [entry.name for entry in settings.out.iterdir() if entry.name.startswith(".")]


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_saved_files_have_the_permissions_that_the_user_s_files_have(place, umask):
    before = os.umask(umask)
    try:
        train(make_settings(place, steps=2))
    finally:
        os.umask(before)
    files = [file for file in (place / "out").rglob("*") if file.is_file()]
    assert len(files) > 20 and {file.stat().st_mode & 0o777 for file in files} == {0o666 & ~umask}


def test_what_a_killed_run_left_half_written_is_swept(place):
    out = place / "out"
    (out / ".saving-checkpoint-2" / "checkpoint-2").mkdir(parents=True)
    (out / ".clearbench_training.json.123-abcd.tmp").write_text("{")
    train(make_settings(place, steps=2))
    assert not [entry.name for entry in out.iterdir() if entry.name.startswith(".")]
