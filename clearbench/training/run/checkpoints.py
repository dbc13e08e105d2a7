"""Checkpoints and results that are whole or absent: written into a hidden folder beside them, then renamed.

<out>/                       the result, a plain sentence-transformers folder
<out>/checkpoint-<step>/     such a folder after an earlier step, with optimizer, schedule and random state, and with
                             the hashes of all these files
<out>/.saving-<what>/        a folder that is being written; never read, removed by the next run
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from clearbench.common.errors import TrainingError
from clearbench.common.files import TRAINING_FILE, json_bytes, usual_mode
from clearbench.common.hashing import file_sha256
from clearbench.common.progress import say
from clearbench.common.text import first_line, joined

CHECKPOINT = re.compile(r"checkpoint-(\d+)")
STAGING_PREFIX = ".saving-"
LAST_FILE = "modules.json"
"""A folder is a checkpoint once it has this file, so it comes after the others."""
HASHES_FILE = "checkpoint_files.json"
"""The SHA-256 of every other file of a checkpoint-<step> folder, by which damage is seen."""
# torch reports a failed write as RuntimeError, safetensors as its own error.
SAVE_ERRORS = (OSError, RuntimeError, SafetensorError)


def list_checkpoints(out: Path) -> list[tuple[int, Path]]:
    """Return (step, folder) of the checkpoints in an output folder, damaged ones too, earliest first."""
    checkpoints = [
        (int(match[1]), entry)
        for entry in (out.iterdir() if out.is_dir() else ())
        if (match := CHECKPOINT.fullmatch(entry.name)) and entry.is_dir()
    ]
    return sorted(checkpoints)


def find_checkpoint_damage(folder: Path) -> str | None:
    """Say what is wrong with a checkpoint, or None if every file is what was saved."""
    try:
        document = json.loads((folder / HASHES_FILE).read_bytes())
        hashes = {str(name): str(value) for name, value in document["sha256"].items()}
    except OSError:
        return f"{HASHES_FILE} is missing"
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return f"{HASHES_FILE} cannot be read"
    for name, expected in hashes.items():
        try:
            if file_sha256(folder / name) != expected:
                return f"{name} is not what was saved"
        except OSError as error:
            return f"{name}: {error.strerror}"
    return None


def choose_checkpoint(out: Path) -> Path | None:
    """Return the latest checkpoint that is whole, and say which later ones are not; None if there is none at all.

    Raises:
        TrainingError: There are checkpoints, and all of them are damaged.
    """
    damaged: list[str] = []
    for _, folder in reversed(list_checkpoints(out)):
        if (damage := find_checkpoint_damage(folder)) is None:
            if damaged:
                say(f"Damaged: {joined(damaged)}. Going back to {folder.name}.")
            return folder
        damaged.append(f"{folder} ({damage})")
    if damaged:
        raise TrainingError(
            f"--resume: no checkpoint can be used: {joined(damaged)}. Delete these folders, and --resume begins with "
            "the first step; or start over with --replace."
        )
    return None


def describe_last(out: Path) -> str:
    """Say in one sentence which checkpoint is the last good one."""
    for _, folder in reversed(list_checkpoints(out)):
        if find_checkpoint_damage(folder) is None:
            return f"The last good checkpoint is {folder}."
    return "No checkpoint had been saved yet."


@contextmanager
def quiet_saving() -> Iterator[None]:
    """Keep the library's progress bars for reading and writing weight files off the terminal."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn a failed read of a checkpoint, whatever the libraries raise, into one message that says what to delete.

    Raises:
        TrainingError: The block could not read the checkpoint.
    """
    try:
        yield
    except Exception as error:
        raise TrainingError(
            f"{folder} cannot be resumed from: {first_line(error)}. Was it saved with other versions of the packages? "
            "Delete the folder, and --resume goes on from an earlier one; or start over with --replace."
        ) from error


def staging_folder(out: Path, what: str) -> Path:
    """Return the folder in which something is written first; the same in every process of a run."""
    return out / f"{STAGING_PREFIX}{what}"


@contextmanager
def saving(out: Path, what: str) -> Iterator[None]:
    """Turn a failed write into one message and remove what was half written.

    Raises:
        TrainingError: The block could not write (disk full, permissions).
    """
    try:
        with quiet_saving():
            yield
    except SAVE_ERRORS as error:
        remove_staged(out)
        reason = getattr(error, "strerror", None) or first_line(error)
        raise TrainingError(
            f"The {what} cannot be saved in {out}: {reason}. {describe_last(out)} Free some space, then go on with "
            "--resume."
        ) from error
    except BaseException:
        remove_staged(out)
        raise


def remove_staged(out: Path) -> None:
    """Remove the half-written folders that a killed run has left."""
    for entry in out.glob(f"{STAGING_PREFIX}*") if out.is_dir() else ():
        shutil.rmtree(entry, ignore_errors=True)


def publish_folder(staged: Path, final: Path) -> None:
    """Put a written checkpoint in its place, with the hashes of its files."""
    hashes = {file.relative_to(staged).as_posix(): file_sha256(file) for file in _files(staged)}
    (staged / HASHES_FILE).write_bytes(json_bytes({"sha256": hashes}))
    _flush(staged)
    if final.exists():
        _delete(final)
    staged.rename(final)


def publish_files(staged: Path, out: Path) -> None:
    """Move the content of a written folder into a folder that holds other things too, the deciding files last.

    The manifest, which says that the run is complete, comes at the very end.
    """
    _flush(staged)
    for entry in sorted(staged.iterdir(), key=lambda entry: (entry.name == TRAINING_FILE, entry.name == LAST_FILE)):
        target = out / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)
    staged.rmdir()


def prune_checkpoints(out: Path, step: int, keep: int) -> None:
    """Delete all but the latest checkpoints up to a step; later ones, which a resumed run went back from, stay."""
    folders = [folder for number, folder in list_checkpoints(out) if number <= step]
    for folder in folders[:-keep]:
        _delete(folder)


def step_of(checkpoint: Path) -> int:
    """Return the step after which a checkpoint was saved."""
    return int(checkpoint.name.rpartition("-")[2])


def _delete(folder: Path) -> None:
    """Delete a checkpoint so that a killed run leaves no part of it under its name."""
    doomed = staging_folder(folder.parent, f"deleted-{folder.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _flush(folder: Path) -> None:
    """Give the files the usual permissions, which safetensors does not, and have the system write them out."""
    mode = usual_mode(folder)
    for file in _files(folder):
        file.chmod(mode)
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
