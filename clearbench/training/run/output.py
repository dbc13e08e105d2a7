"""Check and prepare the output folder of a run, so that no earlier run is overwritten by mistake."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from clearbench.common.errors import TrainingError, UsageError
from clearbench.common.files import TRAINING_FILE, sweep_temporary
from clearbench.common.progress import say
from clearbench.encoders.checkpoints.identity import hash_checkpoint
from clearbench.records.training import Status, TrainingManifest, read_manifest
from clearbench.training.run.checkpoints import LAST_FILE, choose_checkpoint, list_checkpoints, remove_staged
from clearbench.training.run.config import TrainConfig

SETTINGS_SHOWN = 4
FINISHED: tuple[Status, ...] = ("complete", "stopped")
LOCK_FILE = ".lock"
"""A file that is locked while a run writes to the folder. If a run is killed, the system releases its lock."""


@dataclass(frozen=True)
class Output:
    """The earlier run in the output folder, if it is resumed.

    Attributes:
        earlier: Manifest of the run that is resumed.
        checkpoint: Checkpoint to resume from; None starts at the first step.
    """

    earlier: TrainingManifest | None = None
    checkpoint: Path | None = None

    @property
    def finished(self) -> bool:
        """Whether the earlier run has already finished."""
        return self.earlier is not None and self.earlier.status in FINISHED


def open_output(config: TrainConfig, resume: bool, replace: bool) -> Output:
    """Check the output folder, before any work is done, and return the run to resume.

    Args:
        config: The run's settings.
        resume: Continue the run in the folder.
        replace: Delete the run in the folder.
    Raises:
        UsageError: The folder holds another run or checkpoint, or the settings differ from those of the run to resume.
        TrainingError: The folder cannot be written.
    """
    out = config.out
    if resume and replace:
        raise UsageError("--resume and --replace exclude each other.")
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; expected a folder.")
    if Path(config.model).is_dir() and Path(config.model).resolve() == out.resolve():
        raise UsageError(f"--out {out} is the checkpoint that training starts from; choose another folder.")
    parent = next(folder for folder in (out, *out.resolve().parents) if folder.exists())
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise TrainingError(f"Cannot write {out}: {parent} is not a writable folder. Choose another --out.")
    present = [name for name in (TRAINING_FILE, LAST_FILE, "config.json") if (out / name).exists()]
    present += [folder.name for _, folder in list_checkpoints(out)]
    if not present or replace:
        return Output()
    if not resume:
        raise UsageError(
            f"--out {out} already holds {', '.join(present[:SETTINGS_SHOWN])}. Continue that run with --resume, "
            "replace it with --replace, or choose another folder."
        )
    earlier = read_manifest(out, TrainingError)
    if different := different_settings(earlier.config, config):
        shown = "; ".join(different[:SETTINGS_SHOWN])
        raise UsageError(
            f"--resume: the run in {out} had other settings: {shown}. Give the same settings, or start over with "
            "--replace."
        )
    if earlier.status in FINISHED:
        _check_result(out, earlier)
        return Output(earlier)
    return Output(earlier, choose_checkpoint(out))


@contextmanager
def claim_output(out: Path) -> Iterator[None]:
    """Lock the output folder during a block. If several processes train together, the first one holds the lock.

    Raises:
        TrainingError: Another run holds the lock, or the folder cannot be written.
    """
    if os.environ.get("RANK", "0") != "0" or out.is_file():
        yield
        return
    made = not out.exists()
    lock = FileLock(out / LOCK_FILE)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainingError(f"Another run is training in {out}. Wait until it ends, or choose another --out.") from None
    except NotImplementedError:
        say(f"{out}: this file system has no locks. Make sure that no other run trains in the folder.")
    except OSError as error:
        raise TrainingError(f"Cannot write {out}: {error.strerror}. Choose another --out.") from error
    try:
        yield
    finally:
        with suppress(OSError):
            (out / LOCK_FILE).unlink()
            if made:
                out.rmdir()  # only if nothing was written
        lock.release()


def prepare_output(config: TrainConfig, replace: bool) -> None:
    """Create the output folder, and remove half-written files and, with `replace`, the earlier run.

    Raises:
        TrainingError: The folder cannot be written.
    """
    try:
        config.out.mkdir(parents=True, exist_ok=True)
        remove_staged(config.out)
        sweep_temporary(config.out)
        if replace:
            for _, folder in list_checkpoints(config.out):
                shutil.rmtree(folder)
            for name in (LAST_FILE, "config.json", TRAINING_FILE):
                (config.out / name).unlink(missing_ok=True)
    except OSError as error:
        raise TrainingError(f"Cannot write {config.out}: {error.strerror}. Choose another --out.") from error


def _check_result(out: Path, manifest: TrainingManifest) -> None:
    """Refuse a finished run if its result was changed or damaged afterwards.

    Raises:
        TrainingError: The result was changed; the message says what to do.
    """
    if hash_checkpoint(out) != manifest.weights:
        raise TrainingError(
            f"The run in {out} is {manifest.status}, but its files were changed or damaged after it saved them. "
            f"Delete {out / TRAINING_FILE} and train in another folder, or start over with --replace."
        )


def different_settings(earlier: dict[str, Any], config: TrainConfig) -> list[str]:
    """Return one phrase for each decisive setting that differs."""
    return [
        f"{name} was {earlier.get(name)!r}, now {value!r}"
        for name, value in config.decisive_settings.items()
        if earlier.get(name) != value
    ]


def check_same_inputs(earlier: TrainingManifest, now: TrainingManifest) -> None:
    """Refuse to resume a run with other rows, another base checkpoint or another number of devices.

    Raises:
        UsageError: One of them differs.
    """
    for what, before, after in (
        ("rows", earlier.rows.fingerprint, now.rows.fingerprint),
        ("base checkpoint", earlier.base.weights, now.base.weights),
        ("number of devices", earlier.devices, now.devices),
    ):
        if before != after:
            raise UsageError(
                f"--resume: the run in {now.config['out']} had another {what} ({before}, now {after}). Start over with "
                "--replace."
            )
