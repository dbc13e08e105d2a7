"""Checkpoints and results that are whole or absent: written into a hidden folder beside them, then renamed.

<out>/                       the result, a plain sentence-transformers folder
<out>/checkpoint-<step>/     such a folder after an earlier step, with optimizer, schedule and random state
<out>/.saving-<what>/        a folder that is being written; never read, removed by the next run
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from clearbench.common.errors import TrainingError
from clearbench.common.text import first_line

CHECKPOINT = re.compile(r"checkpoint-(\d+)")
STAGING_PREFIX = ".saving-"
# A folder is a checkpoint once it has this file, so it comes last.
LAST_FILE = "modules.json"
# torch reports a failed write as RuntimeError, safetensors as its own error.
SAVE_ERRORS = (OSError, RuntimeError, SafetensorError)


def list_checkpoints(out: Path) -> list[tuple[int, Path]]:
    """Return (step, folder) of the checkpoints in an output folder, earliest first."""
    found = [
        (int(match[1]), entry)
        for entry in (out.iterdir() if out.is_dir() else ())
        if (match := CHECKPOINT.fullmatch(entry.name)) and (entry / "trainer_state.json").is_file()
    ]
    return sorted(found)


def describe_last(out: Path) -> str:
    """Say in one sentence which checkpoint is the last good one."""
    checkpoints = list_checkpoints(out)
    if not checkpoints:
        return "No checkpoint had been saved yet."
    return f"The last good checkpoint is {checkpoints[-1][1]}."


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
    """Put a written folder in its place."""
    _flush(staged)
    if final.exists():
        shutil.rmtree(final)
    staged.rename(final)


def publish_files(staged: Path, out: Path) -> None:
    """Move the content of a written folder into a folder that holds other things too, the deciding file last."""
    _flush(staged)
    for entry in sorted(staged.iterdir(), key=lambda entry: entry.name == LAST_FILE):
        target = out / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)
    staged.rmdir()


def prune_checkpoints(out: Path, keep: int) -> None:
    """Delete all but the latest checkpoints."""
    for _, folder in list_checkpoints(out)[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


def _flush(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
