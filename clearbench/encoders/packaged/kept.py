"""Checkpoint folders that are made once and kept in the cache: whole or absent, and checked at each use.

    <cache>/models/<name>-<hash>/       a sentence-transformers folder
    <cache>/models/.<name>....tmp/      one that is being made, or was when its process was killed

A folder is written under a name of its own and renamed. Two processes may both make one; the second then finds the
first one's in its place and takes that.
"""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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


@dataclass(frozen=True)
class KeptModel:
    """A checkpoint folder in the cache, for listing and pruning."""

    folder: Path
    num_bytes: int
    last_used: float

    @property
    def idle_days(self) -> float:
        """Days since it was last loaded."""
        return (time.time() - self.last_used) / 86400


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
        with staged(folder) as place:
            write(place)
            _put(place, folder, files)
    except OSError as error:
        raise EncoderError(
            f"Cannot write {folder}: {error.strerror}. The checkpoint needs about 0.5 GB; free some space, or set "
            "CLEARBENCH_CACHE to another folder."
        ) from error


def is_whole(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether a folder holds exactly the given files, beside a model card."""
    return not differing(folder, files)


def differing(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Return the paths of files that are missing from a folder, too many in it, or of another content."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {CARD}
    wrong = present ^ set(files)
    return sorted(wrong) or [name for name, sha256 in files.items() if file_sha256(folder / name) != sha256]


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a free name beside a folder to write to; what still has that name in the end is removed."""
    place = folder.with_name(f".{folder.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def list_kept(cache: Path) -> list[KeptModel]:
    """List the checkpoint folders below the root of all caches, latest use first."""
    root = cache / MODELS
    kept = []
    for folder in root.iterdir() if root.is_dir() else []:
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        kept.append(KeptModel(folder, size, folder.stat().st_mtime))
    return sorted(kept, key=lambda entry: -entry.last_used)


def prune_kept(cache: Path, idle_days: float) -> list[KeptModel]:
    """Delete the checkpoint folders that were not loaded for `idle_days` days; return what was deleted."""
    gone = [entry for entry in list_kept(cache) if entry.idle_days >= idle_days]
    for entry in gone:
        shutil.rmtree(entry.folder)
    return gone


def _put(place: Path, folder: Path, files: Mapping[str, str]) -> None:
    """Rename a folder to its name, unless a whole one has got it in the meantime."""
    for trial in range(TRIALS):
        try:
            place.rename(folder)
            return
        except OSError:
            if is_whole(folder, files):
                return
            if trial == TRIALS - 1 or not folder.exists():
                raise
        with staged(folder) as damaged, suppress(FileNotFoundError):
            folder.rename(damaged)


def _remove_abandoned(root: Path) -> None:
    for folder in root.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
