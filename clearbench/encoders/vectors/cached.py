"""What the embedding cache holds, encoder by encoder: listing and pruning."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from clearbench.encoders.vectors.part import ASIDE, PART_PATTERN
from clearbench.encoders.vectors.store import EMBEDDINGS


@dataclass(frozen=True)
class CachedEncoder:
    """What the embedding cache holds of one encoder.

    Attributes:
        folder: Its folder.
        name: What the cache calls it.
        num_bytes: Size of its parts, those that were set aside included.
        num_parts: Parts in use.
        last_used: When a run last opened it, in seconds since 1970.
    """

    folder: Path
    name: str
    num_bytes: int
    num_parts: int
    last_used: float

    @property
    def idle_days(self) -> float:
        """Days since a run last opened it."""
        return (time.time() - self.last_used) / 86400


def list_cached(cache: Path) -> list[CachedEncoder]:
    """List the encoders whose vectors are kept below the root of all caches, latest use first."""
    root = cache / EMBEDDINGS
    encoders = []
    for folder in root.iterdir() if root.is_dir() else []:
        description = folder / "encoder.json"
        if not description.is_file():
            continue
        parts = list(folder.glob(PART_PATTERN))
        try:
            name = str(json.loads(description.read_text(encoding="utf-8")).get("name", "?"))
        except (ValueError, AttributeError):
            name = "?"
        files = [*parts, *folder.glob(PART_PATTERN + ASIDE)]
        size = sum(file.stat().st_size for file in files)
        encoders.append(CachedEncoder(folder, name, size, len(parts), description.stat().st_mtime))
    return sorted(encoders, key=lambda entry: -entry.last_used)


def prune(cache: Path, idle_days: float) -> list[CachedEncoder]:
    """Delete the vectors of encoders that no run has used for `idle_days` days; return what was deleted."""
    gone = [entry for entry in list_cached(cache) if entry.idle_days >= idle_days]
    for entry in gone:
        shutil.rmtree(entry.folder)
    return gone
