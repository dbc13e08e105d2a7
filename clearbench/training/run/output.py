"""The output folder of a run: empty, to be continued, or to be replaced; never overwritten by mistake."""

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
"""Locked while a run writes to the folder; the lock of a killed run is free."""


@dataclass(frozen=True)
class Output:
    """What was found in the output folder.

    Attributes:
        earlier: Manifest of the run that is continued.
        checkpoint: Where to go on; None starts at the first step.
    """

    earlier: TrainingManifest | None = None
    checkpoint: Path | None = None

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.earlier is not None and self.earlier.status in FINISHED


def open_output(config: TrainConfig, resume: bool, replace: bool) -> Output:
    """Look into the output folder before any work is done.

    Args:
        config: The run's settings.
        resume: Go on with the run in the folder.
        replace: Throw away what is in the folder.
    Raises:
        UsageError: It holds another run or checkpoint, or the settings differ from those of the run to continue.
        TrainingError: It cannot be written.
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
            f"--out {out} holds {', '.join(present[:SETTINGS_SHOWN])}. --resume goes on with that run, --replace "
            "starts anew; or choose another folder."
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
def claimed(out: Path) -> Iterator[None]:
    """Hold the right to write to an output folder; of processes that train together the first holds it for all.

    Raises:
        TrainingError: Another run has it, or the folder cannot be written.
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
        say(f"{out}: this file system has no locks; see that no other run trains in the folder.")
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
    """Make the folder and remove what must not stay in it.

    Raises:
        TrainingError: It cannot be written.
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
    """Refuse to call a run finished whose result was changed or damaged afterwards.

    Raises:
        TrainingError: The message says how to save it again.
    """
    if hash_checkpoint(out) != manifest.weights:
        raise TrainingError(
            f"The run in {out} is {manifest.status}, but its files are not those that it saved: they were changed or "
            f"damaged. Delete {out / TRAINING_FILE} and train in another folder, or start over with --replace."
        )


def different_settings(earlier: dict[str, Any], config: TrainConfig) -> list[str]:
    """Say which decisive settings differ, one phrase each."""
    return [
        f"{name} was {earlier.get(name)!r}, now {value!r}"
        for name, value in config.decisive.items()
        if earlier.get(name) != value
    ]


def check_same_inputs(earlier: TrainingManifest, now: TrainingManifest) -> None:
    """Refuse to continue with other rows, another base checkpoint or another number of devices.

    Raises:
        UsageError: Something differs; the message says what.
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
