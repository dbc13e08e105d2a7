"""Save checkpoints and results completely or not at all: written into a hidden folder first, then renamed.

<out>/                       the result, a plain sentence-transformers folder
<out>/checkpoint-<step>/     a folder of the same form after an earlier step, with the state of the optimizer, the
                             schedule and the random generators, and with the hashes of all these files
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
from clearbench.common.files import TRAINING_FILE, default_mode, json_bytes
from clearbench.common.hashing import file_sha256
from clearbench.common.progress import say
from clearbench.common.text import first_line, join_words
from clearbench.encoders.checkpoints.progress_bars import hide_progress_bars

CHECKPOINT = re.compile(r"checkpoint-(\d+)")
STAGING_PREFIX = ".saving-"
LAST_FILE = "modules.json"
"""A folder with this file counts as a checkpoint, so this file is written after the others."""
HASHES_FILE = "checkpoint_files.json"
"""The SHA-256 of every other file of a checkpoint-<step> folder, to detect damage."""
SAVE_ERRORS = (OSError, RuntimeError, SafetensorError)
"""torch reports a failed write as RuntimeError, safetensors as its own error."""


def list_checkpoints(out: Path) -> list[tuple[int, Path]]:
    """Return (step, folder) of all checkpoints in an output folder, earliest first, including damaged ones."""
    checkpoints = [
        (int(match[1]), entry)
        for entry in (out.iterdir() if out.is_dir() else ())
        if (match := CHECKPOINT.fullmatch(entry.name)) and entry.is_dir()
    ]
    return sorted(checkpoints)


def find_checkpoint_damage(folder: Path) -> str | None:
    """Return a phrase that says what is wrong with a checkpoint, or None if every file is unchanged."""
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
                return f"{name} was changed after it was saved"
        except OSError as error:
            return f"{name}: {error.strerror}"
    return None


def choose_checkpoint(out: Path) -> Path | None:
    """Return the latest undamaged checkpoint, and print which later ones are damaged; None if there are no checkpoints.

    Raises:
        TrainingError: All checkpoints are damaged.
    """
    damaged: list[str] = []
    for _, folder in reversed(list_checkpoints(out)):
        if (damage := find_checkpoint_damage(folder)) is None:
            if damaged:
                say(f"Damaged: {join_words(damaged)}. Going back to {folder.name}.")
            return folder
        damaged.append(f"{folder} ({damage})")
    if damaged:
        raise TrainingError(
            f"--resume: no checkpoint can be used: {join_words(damaged)}. Delete these folders to make --resume begin "
            "with the first step, or start over with --replace."
        )
    return None


def describe_last_checkpoint(out: Path) -> str:
    """Return a sentence that names the last undamaged checkpoint."""
    for _, folder in reversed(list_checkpoints(out)):
        if find_checkpoint_damage(folder) is None:
            return f"The last good checkpoint is {folder}."
    return "No checkpoint had been saved yet."


@contextmanager
def report_failed_load(folder: Path) -> Iterator[None]:
    """Turn any error while a checkpoint is read into one message that says what to delete.

    Raises:
        TrainingError: The block could not read the checkpoint.
    """
    try:
        yield
    except Exception as error:
        raise TrainingError(
            f"Training cannot resume from {folder}: {first_line(error)}. Was it saved with other versions of the "
            "packages? Delete the folder to make --resume use an earlier checkpoint, or start over with --replace."
        ) from error


def staging_folder(out: Path, what: str) -> Path:
    """Return the hidden folder that something is first written to; it is the same in every process of a run."""
    return out / f"{STAGING_PREFIX}{what}"


@contextmanager
def report_failed_save(out: Path, what: str) -> Iterator[None]:
    """Turn a failed write into one message, and remove the half-written folder.

    Raises:
        TrainingError: The block could not write, for example because the disk is full.
    """
    try:
        with hide_progress_bars():
            yield
    except SAVE_ERRORS as error:
        remove_staged(out)
        reason = getattr(error, "strerror", None) or first_line(error)
        raise TrainingError(
            f"The {what} cannot be saved in {out}: {reason}. {describe_last_checkpoint(out)} Free some space, then "
            "continue with --resume."
        ) from error
    except BaseException:
        remove_staged(out)
        raise


def remove_staged(out: Path) -> None:
    """Remove the half-written folders of a killed run."""
    for entry in out.glob(f"{STAGING_PREFIX}*") if out.is_dir() else ():
        shutil.rmtree(entry, ignore_errors=True)


def publish_folder(staged: Path, final: Path) -> None:
    """Rename a written checkpoint to its final name, after adding the hashes of its files."""
    hashes = {file.relative_to(staged).as_posix(): file_sha256(file) for file in _list_files(staged)}
    (staged / HASHES_FILE).write_bytes(json_bytes({"sha256": hashes}))
    _flush_files(staged)
    if final.exists():
        _delete_checkpoint(final)
    staged.rename(final)


def publish_files(staged: Path, out: Path) -> None:
    """Move the content of a written folder into the output folder.

    The file that makes the folder a checkpoint is moved near the end. The manifest, which says that the run is
    complete, is moved last.
    """
    _flush_files(staged)
    for entry in sorted(staged.iterdir(), key=lambda entry: (entry.name == TRAINING_FILE, entry.name == LAST_FILE)):
        target = out / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)
    staged.rmdir()


def prune_checkpoints(out: Path, step: int, keep: int) -> None:
    """Delete all but the latest `keep` checkpoints up to a step; checkpoints of later steps stay.

    A run that resumed from an earlier checkpoint leaves later ones in the folder.
    """
    folders = [folder for number, folder in list_checkpoints(out) if number <= step]
    for folder in folders[:-keep]:
        _delete_checkpoint(folder)


def checkpoint_step(checkpoint: Path) -> int:
    """Return the step after which a checkpoint was saved."""
    return int(checkpoint.name.rpartition("-")[2])


def _delete_checkpoint(folder: Path) -> None:
    """Delete a checkpoint so that a killed run leaves no part of it under its name."""
    hidden = staging_folder(folder.parent, f"deleted-{folder.name}")
    shutil.rmtree(hidden, ignore_errors=True)
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def _list_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _flush_files(folder: Path) -> None:
    """Give the files the usual permissions, which safetensors does not, and flush them to disk."""
    mode = default_mode(folder)
    for file in _list_files(folder):
        file.chmod(mode)
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
