"""Vectors on disk, found by content: encoder fingerprint, role tag, prompt, text.

    <cache>/embeddings/<encoder fingerprint>/
        encoder.json               what the encoder is, for people
        part-<random>.safetensors  "keys" uint8 [N, 16], "vectors" float32 [N, D]

A part is written under a temporary name, fsynced and renamed, so it is whole or absent; two processes write parts of
different names and may duplicate a vector, which harms nothing.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from clearbench.common.arrays import BoolArray, FloatArray
from clearbench.common.errors import StoreError
from clearbench.common.files import write_atomically
from clearbench.common.hashing import content_hash
from clearbench.encoders.base import DenseEncoder, Role

Keys = NDArray[np.uint8]
"""Text keys, uint8 [N, 16]: 128-bit content hashes."""

EMBEDDINGS = "embeddings"
"""Folder of the embedding cache below the root of all caches."""

PART_PATTERN = "part-*.safetensors"


def text_keys(encoder: DenseEncoder, texts: Sequence[str], role: Role) -> Keys:
    """Key of each text in a role; roles with the same tag and prompt share keys, hence vectors.

    Args:
        encoder: Its prompts are part of the key; its fingerprint is not, since each encoder has a store of its own.
        texts: N texts without their prompt.
        role: The role in which they are encoded.
    Returns:
        uint8 [N, 16].
    """
    tag, prompt = encoder.prompted(role)
    digests = b"".join(bytes.fromhex(content_hash(tag, prompt, text)) for text in texts)
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, 16)


class KeyIndex:
    """Where each key's vector lies: the number of its part, and its row there.

    Keys are looked up by binary search over their first 8 bytes. Two texts that share 64 of 128 bits are not expected;
    if they occur, the second one counts as absent and is encoded again in every run, never confused with the first.
    """

    def __init__(self) -> None:
        self._prefix = np.empty(0, dtype=np.uint64)  # first 8 bytes of each key, sorted
        self._suffix = np.empty(0, dtype=np.uint64)  # the other 8 bytes
        self._part = np.empty(0, dtype=np.int32)
        self._row = np.empty(0, dtype=np.int64)

    def add(self, keys: Keys, part: int) -> None:
        """Add the keys of a part; their places in `keys` are their rows."""
        prefix, suffix = _halves(keys)
        all_prefixes = np.concatenate([self._prefix, prefix])
        order = np.argsort(all_prefixes, kind="stable")
        self._prefix = all_prefixes[order]
        self._suffix = np.concatenate([self._suffix, suffix])[order]
        self._part = np.concatenate([self._part, np.full(len(keys), part, dtype=np.int32)])[order]
        self._row = np.concatenate([self._row, np.arange(len(keys), dtype=np.int64)])[order]

    def find(self, keys: Keys) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Part number and row of each key, both [N]; the part is -1 where the key is absent."""
        if len(self._prefix) == 0:
            return np.full(len(keys), -1, dtype=np.int32), np.zeros(len(keys), dtype=np.int64)
        prefix, suffix = _halves(keys)
        found = np.minimum(np.searchsorted(self._prefix, prefix), len(self._prefix) - 1)
        same = (self._prefix[found] == prefix) & (self._suffix[found] == suffix)
        return np.where(same, self._part[found], np.int32(-1)), self._row[found]


def _halves(keys: Keys) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    halves = np.ascontiguousarray(keys).view(np.uint64).reshape(-1, 2)
    return halves[:, 0], halves[:, 1]


class EmbeddingStore:
    """The vectors of one encoder, in memory or kept in a folder."""

    def __init__(self, folder: Path | None, description: dict[str, object] | None = None) -> None:
        """Open (and create) a store.

        Args:
            folder: Where parts lie; None keeps vectors in memory only.
            description: What the encoder is, written beside the parts for people.
        Raises:
            StoreError: The folder cannot be created, or a part in it cannot be read.
        """
        self._folder = folder
        self._parts: list[Path | FloatArray] = []  # a file, or the vectors themselves
        self._index = KeyIndex()
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
            self._take(_read_keys(file), file)

    def contains(self, keys: Keys) -> BoolArray:
        """Which keys have a vector, bool [N]."""
        part_N, _ = self._index.find(keys)
        return part_N >= 0

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Keep vectors; on return they survive a kill.

        Args:
            keys: Of the texts, uint8 [N, 16].
            vectors: float32 [N, D].
        Raises:
            StoreError: The part cannot be written (disk full, permissions); earlier parts stay usable.
        """
        kept = np.array(vectors, dtype=np.float32) if self._folder is None else _write(self._folder, keys, vectors)
        self._take(keys, kept)

    def get(self, keys: Keys) -> FloatArray:
        """Vectors of keys, float32 [N, D].

        Raises:
            StoreError: A key has no vector, or a part cannot be read any more.
        """
        part_N, row_N = self._index.find(keys)
        if num_absent := int((part_N < 0).sum()):
            raise StoreError(f"{num_absent} of {len(keys)} texts are not in the embedding cache.")
        vectors = np.empty((0, 0), dtype=np.float32)
        for part in np.unique(part_N):
            held = _read_vectors(self._parts[part])
            if len(vectors) == 0:
                vectors = np.empty((len(keys), held.shape[1]), dtype=np.float32)
            wanted = np.flatnonzero(part_N == part)
            vectors[wanted] = held[row_N[wanted]]
        return vectors

    def _take(self, keys: Keys, part: Path | FloatArray) -> None:
        self._index.add(keys, len(self._parts))
        self._parts.append(part)


def _write(folder: Path, keys: Keys, vectors: FloatArray) -> Path:
    file = folder / f"part-{secrets.token_hex(8)}.safetensors"
    try:
        write_atomically(file, save({"keys": np.ascontiguousarray(keys), "vectors": np.ascontiguousarray(vectors)}))
    except OSError as error:
        raise StoreError(
            f"Cannot write {len(vectors)} vectors to the embedding cache {folder}: {error.strerror}. What was encoded "
            "before is kept; free some space or choose another --cache-dir, then run again."
        ) from error
    return file


def _read_keys(file: Path) -> Keys:
    try:
        with safe_open(file, framework="numpy") as part:
            keys: Keys = part.get_tensor("keys")
            return keys
    except (OSError, SafetensorError, KeyError) as error:
        raise StoreError(f"{file} is damaged ({error}). Delete it; its texts are then encoded again.") from error


def _read_vectors(part: Path | FloatArray) -> FloatArray:
    if not isinstance(part, Path):
        return part
    try:
        with safe_open(part, framework="numpy") as opened:
            vectors: FloatArray = opened.get_tensor("vectors")
            return vectors
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{part} cannot be read any more ({error}). Run again to encode its texts anew.") from error
