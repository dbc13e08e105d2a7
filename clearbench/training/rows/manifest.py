"""The manifest beside a rows file: how the rows were made, of which version they are, and which rows it speaks of.

A command that writes rows and a held-out task first writes a manifest that says "unfinished", and last the whole one.
So rows never go unnoticed with the manifest, or the held-out task, of others.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clearbench.common.errors import TrainingError
from clearbench.common.files import json_bytes, sweep_killed, write_atomically
from clearbench.training.rows.row import Rows

ROWS_VERSION = 1
"""Version of the columns; files without one are of version 1."""
VERSION_KEY = "rows_version"
UNFINISHED = "unfinished"


def manifest_path(path: Path) -> Path:
    """Return the manifest's path: the rows' file name with `.manifest.json` behind it."""
    return path.with_name(f"{path.name}.manifest.json")


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> Path:
    """Write the manifest of a rows file; OSError as the operating system says."""
    beside = manifest_path(path)
    sweep_killed(beside)
    write_atomically(beside, json_bytes({VERSION_KEY: ROWS_VERSION, **manifest}))
    return beside


def mark_unfinished(path: Path) -> None:
    """Say in the manifest that what belongs to a rows file is being written.

    Raises:
        TrainingError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_manifest(path, {UNFINISHED: True})
    except OSError as error:
        raise TrainingError(f"Cannot write {path}: {error.strerror or error}. Choose another --out.") from error


def check_version(version: object, path: Path) -> None:
    """Refuse rows of another version.

    Raises:
        TrainingError: The message says what to do.
    """
    if str(version) != str(ROWS_VERSION):
        raise TrainingError(
            f"{path}: rows of version {version}, this version of clearbench reads {ROWS_VERSION}. Make them again with "
            "`clearbench rows build`, or use the version of clearbench that made them."
        )


def read_fingerprint(path: Path) -> str | None:
    """Return the fingerprint of the rows that a file's manifest speaks of; None without a manifest: a user's own rows.

    Raises:
        TrainingError: The manifest is of another version, is unfinished, or cannot be read.
    """
    beside = manifest_path(path)
    try:
        document = json.loads(beside.read_bytes())
        version, unfinished = document.get(VERSION_KEY, ROWS_VERSION), document.get(UNFINISHED, False)
        check_version(version, path)
        fingerprint = None if unfinished else str(document["rows"]["fingerprint"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TrainingError(f"{beside}: {error.strerror}. {_what_to_do(beside)}") from None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise TrainingError(f"{beside}: not a manifest of rows. {_what_to_do(beside)}") from None
    if unfinished:
        raise TrainingError(
            f"{path}: the command that wrote this file, or a held-out task for it, did not finish. Run it again."
        )
    return fingerprint


def check_fingerprint(path: Path, expected: str | None, rows: Rows) -> None:
    """Refuse rows whose manifest speaks of others.

    Args:
        path: The rows' file.
        expected: See `read_fingerprint`.
        rows: What the file holds.
    Raises:
        TrainingError: The rows are others.
    """
    if expected not in (None, rows.fingerprint):
        beside = manifest_path(path)
        raise TrainingError(
            f"{path}: {beside.name} is the manifest of other rows: these were edited, or a command was killed before "
            f"it had written both files. {_what_to_do(beside)}"
        )


def _what_to_do(beside: Path) -> str:
    return f"Make the rows again; or delete {beside}, if the rows are as you want them."
