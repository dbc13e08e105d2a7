"""The manifest of a rows file: how the rows were made, the version of their columns, and the hash of the rows.

A command that writes rows and a held-out task first writes a manifest that says "unfinished", and writes the complete
manifest last. If the command is killed in between, readers refuse the mixed files.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clearbench.common.errors import TrainingError
from clearbench.common.files import json_bytes, sweep_killed, write_atomically
from clearbench.training.rows.row import Rows

ROWS_VERSION = 1
"""Version of the columns. A file that states no version has version 1."""
VERSION_KEY = "rows_version"
UNFINISHED = "unfinished"


def manifest_path(path: Path) -> Path:
    """Return the manifest's path: the rows file's name followed by `.manifest.json`."""
    return path.with_name(f"{path.name}.manifest.json")


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> Path:
    """Write the manifest of a rows file and return its path.

    Raises:
        OSError: The file cannot be written.
    """
    manifest_file = manifest_path(path)
    sweep_killed(manifest_file)
    write_atomically(manifest_file, json_bytes({VERSION_KEY: ROWS_VERSION, **manifest}))
    return manifest_file


def mark_unfinished(path: Path) -> None:
    """Write a manifest that says that the rows file is not finished.

    Raises:
        TrainingError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_manifest(path, {UNFINISHED: True})
    except OSError as error:
        raise TrainingError(f"Cannot write {path}: {error.strerror or error}. Choose another --out.") from error


def check_version(version: object, path: Path) -> None:
    """Refuse a rows file of another version.

    Raises:
        TrainingError: The version differs.
    """
    if str(version) != str(ROWS_VERSION):
        raise TrainingError(
            f"{path}: the rows have version {version}; this clearbench reads version {ROWS_VERSION}. Make them again "
            "with `clearbench rows build`, or use the version of clearbench that made them."
        )


def read_fingerprint(path: Path) -> str | None:
    """Return the fingerprint that the manifest of a rows file states, or None if the file has no manifest.

    Raises:
        TrainingError: The manifest has another version, is unfinished, or cannot be read.
    """
    manifest_file = manifest_path(path)
    try:
        document = json.loads(manifest_file.read_bytes())
        version, unfinished = document.get(VERSION_KEY, ROWS_VERSION), document.get(UNFINISHED, False)
        check_version(version, path)
        fingerprint = None if unfinished else str(document["rows"]["fingerprint"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TrainingError(f"{manifest_file}: {error.strerror}. {_how_to_repair(manifest_file)}") from None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise TrainingError(
            f"{manifest_file}: this is not a manifest of training rows. {_how_to_repair(manifest_file)}"
        ) from None
    if unfinished:
        raise TrainingError(
            f"{path}: the command that wrote this file, or a held-out task for it, did not finish. Run it again."
        )
    return fingerprint


def check_fingerprint(path: Path, expected: str | None, rows: Rows) -> None:
    """Refuse rows that are not the ones their manifest describes.

    Args:
        path: The rows file.
        expected: The fingerprint in the manifest; None if there is no manifest.
        rows: The rows read from the file.
    Raises:
        TrainingError: The fingerprints differ.
    """
    if expected not in (None, rows.fingerprint):
        manifest_file = manifest_path(path)
        raise TrainingError(
            f"{path}: {manifest_file.name} describes other rows. Either the rows were edited, or a command was killed "
            f"before it had written both files. {_how_to_repair(manifest_file)}"
        )


def _how_to_repair(manifest_file: Path) -> str:
    return f"Make the rows again, or delete {manifest_file} if the rows are correct."
