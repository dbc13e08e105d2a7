"""What the cache keeps of encoders, vectors and checkpoints made of packages: listing and pruning."""

import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from clearbench.encoders.packaged.cached_folder import MODELS
from clearbench.encoders.vectors.part import ASIDE, PART_PATTERN
from clearbench.encoders.vectors.store import EMBEDDINGS


@dataclass(frozen=True)
class CacheEntry:
    """A folder of the cache: the vectors of one encoder, or one checkpoint.

    Attributes:
        folder: Its path.
        name: What the cache calls it.
        num_bytes: Size of its files, parts that were set aside included.
        last_used: When a run last opened it, in seconds since 1970.
        num_parts: Parts of vectors in use; none for a checkpoint.
    """

    folder: Path
    name: str
    num_bytes: int
    last_used: float
    num_parts: int = 0

    @property
    def idle_days(self) -> float:
        """Days since a run last opened it."""
        return (time.time() - self.last_used) / 86400


def list_vectors(cache: Path) -> list[CacheEntry]:
    """List the encoders whose vectors are kept, the one used last first.

    Args:
        cache: Root of all caches.
    """
    entries = []
    for folder in _subfolders(cache / EMBEDDINGS):
        description = folder / "encoder.json"
        if not description.is_file():
            continue
        parts = list(folder.glob(PART_PATTERN))
        num_bytes = _total_size([*parts, *folder.glob(PART_PATTERN + ASIDE)])
        last_used = description.stat().st_mtime
        entries.append(CacheEntry(folder, _read_name(description), num_bytes, last_used, len(parts)))
    return _latest_first(entries)


def list_checkpoints(cache: Path) -> list[CacheEntry]:
    """List the checkpoints that were made of packages, the one used last first.

    Args:
        cache: Root of all caches.
    """
    return _latest_first(
        CacheEntry(folder, folder.name, _total_size(folder.rglob("*")), folder.stat().st_mtime)
        for folder in _subfolders(cache / MODELS)
    )


def prune(entries: Iterable[CacheEntry], idle_days: float) -> list[CacheEntry]:
    """Delete the entries that no run has opened for `idle_days` days; return what was deleted."""
    idle = [entry for entry in entries if entry.idle_days >= idle_days]
    for entry in idle:
        shutil.rmtree(entry.folder)
    return idle


def _subfolders(root: Path) -> list[Path]:
    return list(root.iterdir()) if root.is_dir() else []


def _total_size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _latest_first(entries: Iterable[CacheEntry]) -> list[CacheEntry]:
    return sorted(entries, key=lambda entry: -entry.last_used)


def _read_name(description: Path) -> str:
    try:
        return str(json.loads(description.read_text(encoding="utf-8")).get("name", "?"))
    except (ValueError, AttributeError):
        return "?"
