"""Writing files so that a reader, or the next run, never sees a half-written one."""

import os
import secrets
from pathlib import Path

RECORD_FILE = "record.json"
"""What makes a folder a record's, which only `clearbench run` writes to."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside it, fsync, rename; on any failure the old file is untouched.

    Raises:
        OSError: As the operating system says (disk full, permissions).
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
