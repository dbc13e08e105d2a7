"""Checkpoint folders that are made once and kept in the cache: whole or absent, and checked at each use.

    <cache>/models/<name>-<hash>/       a sentence-transformers folder
    <cache>/models/.<name>....tmp/      a folder that is being made, or was when its process was killed

A folder is written under a temporary name and renamed. Two processes may both make the same folder; the second one then
finds the first one's folder and uses it.
"""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from clearbench.common.errors import EncoderError
from clearbench.common.hashing import file_sha256

MODELS = "models"
"""Folder of made checkpoints below the root of all caches."""
CARD = "README.md"
"""The model card, which changes no vector and is not checked."""
ABANDONED = 3600
"""Seconds after which an unfinished folder belongs to no process any more; making one takes seconds."""
TRIALS = 3


def keep_folder(folder: Path, files: Mapping[str, str], write: Callable[[Path], None]) -> None:
    """Make a folder that holds exactly the given files, unless it is there; a damaged one is replaced.

    Args:
        folder: Where it is kept.
        files: Path of every file but the model card's -> its SHA-256.
        write: Writes them to a folder that does not exist yet.
    Raises:
        EncoderError: It cannot be written.
    """
    if is_whole(folder, files):
        with suppress(OSError):  # a cache that can only be read will do
            os.utime(folder)
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder.parent)
        with stage_folder(folder) as temporary:
            write(temporary)
            _move_into_place(temporary, folder, files)
    except OSError as error:
        raise EncoderError(
            f"Cannot write {folder}: {error.strerror}. The checkpoint needs about 0.5 GB; free some space, or set "
            "CLEARBENCH_CACHE to another folder."
        ) from error


def is_whole(folder: Path, files: Mapping[str, str]) -> bool:
    """Return whether a folder holds exactly the given files; a model card may be there too."""
    return not list_wrong_files(folder, files)


def list_wrong_files(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Return the paths of files that a folder lacks, that do not belong in it, or that have another content."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {CARD}
    wrong = present ^ set(files)
    return sorted(wrong) or [name for name, sha256 in files.items() if file_sha256(folder / name) != sha256]


@contextmanager
def stage_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary name next to a folder to write to; whatever still has that name at the end is removed."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move_into_place(temporary: Path, folder: Path, files: Mapping[str, str]) -> None:
    """Rename a folder to its final name, unless another process has put a whole one there in the meantime."""
    for trial in range(TRIALS):
        try:
            temporary.rename(folder)
            return
        except OSError:
            if is_whole(folder, files):
                return
            if trial == TRIALS - 1 or not folder.exists():
                raise
        with stage_folder(folder) as damaged, suppress(FileNotFoundError):
            folder.rename(damaged)


def _remove_abandoned(root: Path) -> None:
    for folder in root.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
