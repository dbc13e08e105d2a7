"""The output folder of a run: empty, to be continued, or to be replaced; never overwritten by mistake."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearbench.common.errors import TrainingError, UsageError
from clearbench.common.files import TRAINING_FILE
from clearbench.records.training import TrainingManifest, read_manifest
from clearbench.training.run.checkpoints import LAST_FILE, list_checkpoints, remove_staged
from clearbench.training.run.config import TrainConfig

SETTINGS_SHOWN = 4


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
        return self.earlier is not None and self.earlier.status in ("complete", "stopped")


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
        raise TrainingError(f"Cannot write {out}: {parent} is no folder that can be written. Choose another --out.")
    held = [name for name in (TRAINING_FILE, LAST_FILE, "config.json") if (out / name).exists()]
    held += [folder.name for _, folder in list_checkpoints(out)]
    if not held or replace:
        return Output()
    if not resume:
        raise UsageError(
            f"--out {out} holds {', '.join(held[:SETTINGS_SHOWN])}. --resume goes on with that run, --replace starts "
            "anew; or choose another folder."
        )
    earlier = read_manifest(out, TrainingError)
    if different := different_settings(earlier.config, config):
        shown = "; ".join(different[:SETTINGS_SHOWN])
        raise UsageError(
            f"--resume: the run in {out} was told otherwise: {shown}. Give the same settings, or start anew with "
            "--replace."
        )
    checkpoints = list_checkpoints(out)
    return Output(earlier, checkpoints[-1][1] if checkpoints else None)


def prepare_output(config: TrainConfig, replace: bool) -> None:
    """Make the folder and remove what must not stay in it.

    Raises:
        TrainingError: It cannot be written.
    """
    try:
        config.out.mkdir(parents=True, exist_ok=True)
        remove_staged(config.out)
        if replace:
            for _, folder in list_checkpoints(config.out):
                shutil.rmtree(folder)
            for name in (LAST_FILE, TRAINING_FILE):
                (config.out / name).unlink(missing_ok=True)
    except OSError as error:
        raise TrainingError(f"Cannot write {config.out}: {error.strerror}. Choose another --out.") from error


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
                f"--resume: the run in {now.config['out']} had another {what} ({before}, now {after}). Start anew with "
                "--replace."
            )
