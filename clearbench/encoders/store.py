"""Vectors on disk, found by content: encoder fingerprint, role tag, prompt, text.

    <root>/<encoder fingerprint>/encoder.json               what the encoder is, for people
    <root>/<encoder fingerprint>/part-<random>.safetensors  "keys" uint8 [N, 16], "vectors" float32 [N, D]

A part is written under a temporary name, fsynced and renamed, so it is whole or absent; two processes write parts of
different names and may duplicate a vector, which harms nothing.
"""

import json
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from clearbench.common.arrays import FloatArray
from clearbench.common.errors import StoreError
from clearbench.common.files import write_atomically
from clearbench.common.hashing import content_hash
from clearbench.encoders.base import DenseEncoder, Role

Keys = NDArray[np.uint8]
"""Text keys, uint8 [N, 16]: 128-bit content hashes."""

PART_PATTERN = "part-*.safetensors"


def text_keys(encoder: DenseEncoder, texts: Sequence[str], role: Role) -> Keys:
    """Key of each text in a role; roles with the same tag and prompt share keys, hence vectors."""
    tag, prompt = encoder.prompted(role)
    digests = b"".join(bytes.fromhex(content_hash(tag, prompt, text)) for text in texts)
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, 16)


class EmbeddingStore:
    """The vectors of one encoder, in memory or kept in a folder."""

    def __init__(self, folder: Path | None, description: dict[str, object] | None = None) -> None:
        """Open (and create) a store; `folder` None keeps vectors in memory only.

        Raises:
            StoreError: The folder cannot be created, or a part in it cannot be read.
        """
        self._folder = folder
        self._parts: list[Path | FloatArray] = []
        self._prefix = np.empty(0, dtype=np.uint64)  # first 8 bytes of each key, sorted
        self._suffix = np.empty(0, dtype=np.uint64)
        self._part = np.empty(0, dtype=np.int32)
        self._row = np.empty(0, dtype=np.int64)
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / "encoder.json", json.dumps(description or {}, indent=1, sort_keys=True).encode())
        except OSError as error:
            raise StoreError(
                f"Cannot write the embedding cache {folder}: {error.strerror}. Choose another --cache-dir."
            ) from error
        for file in sorted(folder.glob(PART_PATTERN)):
            try:
                with safe_open(file, framework="numpy") as part:
                    self._index(part.get_tensor("keys"), file)
            except (OSError, SafetensorError, KeyError) as error:
                raise StoreError(
                    f"{file} is damaged ({error}). Delete it; its texts are then encoded again."
                ) from error

    def contains(self, keys: Keys) -> NDArray[np.bool_]:
        """Which keys have a vector, bool [N]."""
        return self._find(keys) >= 0

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Keep vectors; on return they survive a kill.

        Raises:
            StoreError: The part cannot be written (disk full, permissions); earlier parts stay usable.
        """
        if self._folder is None:
            self._index(keys, np.array(vectors, dtype=np.float32))
            return
        file = self._folder / f"part-{secrets.token_hex(8)}.safetensors"
        try:
            write_atomically(file, save({"keys": np.ascontiguousarray(keys), "vectors": np.ascontiguousarray(vectors)}))
        except OSError as error:
            raise StoreError(
                f"Cannot write {len(vectors)} vectors to the embedding cache {self._folder}: {error.strerror}. What "
                "was encoded before is kept; free some space or choose another --cache-dir, then run again."
            ) from error
        self._index(keys, file)

    def get(self, keys: Keys) -> FloatArray:
        """Vectors of keys, float32 [N, D].

        Raises:
            StoreError: A key has no vector, or a part cannot be read any more.
        """
        found = self._find(keys)
        if len(found) == 0:
            return np.empty((0, 0), dtype=np.float32)
        if (found < 0).any():
            raise StoreError(f"{int((found < 0).sum())} of {len(keys)} texts are not in the embedding cache.")
        part_N, row_N = self._part[found], self._row[found]
        vectors: FloatArray | None = None
        for part in np.unique(part_N):
            held = self._read(int(part))
            if vectors is None:
                vectors = np.empty((len(keys), held.shape[1]), dtype=np.float32)
            wanted = np.flatnonzero(part_N == part)
            vectors[wanted] = held[row_N[wanted]]
        assert vectors is not None
        return vectors

    def _read(self, part: int) -> FloatArray:
        source = self._parts[part]
        if not isinstance(source, Path):
            return source
        try:
            with safe_open(source, framework="numpy") as opened:
                vectors: FloatArray = opened.get_tensor("vectors")
                return vectors
        except (OSError, SafetensorError) as error:
            raise StoreError(
                f"{source} cannot be read any more ({error}). Run again to encode its texts anew."
            ) from error

    def _index(self, keys: Keys, source: Path | FloatArray) -> None:
        halves = np.ascontiguousarray(keys).view(np.uint64).reshape(-1, 2)
        prefix = np.concatenate([self._prefix, halves[:, 0]])
        order = np.argsort(prefix, kind="stable")
        self._prefix = prefix[order]
        self._suffix = np.concatenate([self._suffix, halves[:, 1]])[order]
        self._part = np.concatenate([self._part, np.full(len(keys), len(self._parts), dtype=np.int32)])[order]
        self._row = np.concatenate([self._row, np.arange(len(keys), dtype=np.int64)])[order]
        self._parts.append(source)

    def _find(self, keys: Keys) -> NDArray[np.int64]:
        """Position in the sorted index, -1 where absent."""
        halves = np.ascontiguousarray(keys).view(np.uint64).reshape(-1, 2)
        if len(self._prefix) == 0:
            return np.full(len(halves), -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(self._prefix, halves[:, 0]), len(self._prefix) - 1).astype(np.int64)
        # Two texts that share 64 of 128 bits are not expected in this universe's data sets; if they occur, the
        # second one counts as absent and is encoded again in every run, never confused with the first.
        same = (self._prefix[found] == halves[:, 0]) & (self._suffix[found] == halves[:, 1])
        return np.where(same, found, -1)


@dataclass(frozen=True)
class CachedEncoder:
    """One encoder's share of the embedding cache, for listing and pruning."""

    folder: Path
    name: str
    num_bytes: int
    num_parts: int
    last_used: float

    @property
    def idle_days(self) -> float:
        """Days since a run last opened it."""
        return (time.time() - self.last_used) / 86400


def list_cached(root: Path) -> list[CachedEncoder]:
    """List the encoders in the embedding cache, latest use first."""
    found = []
    for folder in root.iterdir() if root.is_dir() else []:
        description = folder / "encoder.json"
        if not description.is_file():
            continue
        parts = list(folder.glob(PART_PATTERN))
        try:
            name = str(json.loads(description.read_text(encoding="utf-8")).get("name", "?"))
        except (ValueError, AttributeError):
            name = "?"
        size = sum(part.stat().st_size for part in parts)
        found.append(CachedEncoder(folder, name, size, len(parts), description.stat().st_mtime))
    return sorted(found, key=lambda entry: -entry.last_used)


def prune(root: Path, idle_days: float) -> list[CachedEncoder]:
    """Delete the vectors of encoders that no run has used for `idle_days` days; return what was deleted."""
    gone = [entry for entry in list_cached(root) if entry.idle_days >= idle_days]
    for entry in gone:
        shutil.rmtree(entry.folder)
    return gone
