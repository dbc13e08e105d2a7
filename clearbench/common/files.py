"""Writing files so that a reader, or the next run, never sees a half-written one."""

import csv
import glob
import io
import json
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clearbench.common.text import spreadsheet_cell

_PACKAGE = Path(__file__).resolve().parents[1]
TRAINING_FILE = "clearbench_training.json"
"""The manifest of a training run, in the checkpoint's folder."""
RECORD_FILE = "record.json"
"""A folder with this file is the folder of a record, and only `clearbench run` writes to it."""


def shipped_folder(packaged: str, in_checkout: str) -> Path | None:
    """Return a folder that comes with clearbench, None where there is none.

    Args:
        packaged: Its name in the installed package.
        in_checkout: Its path in a checkout.
    """
    folders = (_PACKAGE / packaged, _PACKAGE.parent / in_checkout)
    return next((folder for folder in folders if folder.is_dir()), None)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, fsync it, rename it; on any failure the old file is unchanged.

    Raises:
        OSError: The file cannot be written (disk full, permissions).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def os_reason(error: OSError) -> str:
    """Return why a file operation failed; where many files were copied, why the first one did.

    `shutil.copytree` raises an error without `strerror`: its argument is a list of (source, target, reason).
    """
    failures = error.args[0] if error.args else None
    if isinstance(failures, list) and failures:
        return str(failures[0][-1])
    return error.strerror or str(error)


def sweep_temporary(folder: Path) -> None:
    """Delete what killed writers of `write_atomically` left in a folder to which nobody else writes now."""
    for temporary in folder.glob(".*.tmp"):
        temporary.unlink(missing_ok=True)


def sweep_killed(path: Path) -> None:
    """Delete the temporary files that processes which have ended left of a file; others may still be writing theirs."""
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        writer = temporary.name.removeprefix(f".{path.name}.").partition("-")[0]
        if writer.isdecimal() and not _is_running(int(writer)):
            temporary.unlink(missing_ok=True)


def default_mode(folder: Path) -> int:
    """Return the permissions that a new file in a folder gets, as the user's umask has it."""
    probe = folder / f".{secrets.token_hex(4)}.tmp"
    probe.touch()
    try:
        return stat.S_IMODE(probe.stat().st_mode)
    finally:
        probe.unlink()


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV, whose texts no spreadsheet takes for formulas; None is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(map(spreadsheet_cell, row) for row in rows)
    return stream.getvalue()


def json_bytes(document: Any) -> bytes:
    """Return a value as an indented JSON file in UTF-8."""
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def json_lines_bytes(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return objects as a JSON-lines file in UTF-8."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet_bytes(table: Any, dictionary: bool | list[str] = True) -> bytes:
    """Return an Arrow table as a Parquet file.

    Args:
        table: What to write, its metadata included.
        dictionary: Names of the columns that repeat values, or whether all do.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=dictionary)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename durable where the system can (not on Windows)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
