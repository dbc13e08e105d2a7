"""Vectors on disk, found by content: encoder fingerprint, role tag, prompt, text.

    <cache>/embeddings/<encoder fingerprint>/
        encoder.json               what the encoder is, for people
        part-<random>.safetensors  keys and vectors; see `part`

Two processes write parts of different names. Both may store the same vector, which does no harm. A part that was
changed after it was written, or that belongs to another encoder, is renamed, and its texts are encoded again.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import BoolArray, FloatArray
from clearbench.common.errors import StoreError
from clearbench.common.files import write_atomically
from clearbench.common.hashing import content_hash
from clearbench.common.progress import say
from clearbench.common.text import count
from clearbench.encoders.base import DenseEncoder, Role
from clearbench.encoders.vectors.part import (
    ASIDE,
    KEY_BYTES,
    PART_PATTERN,
    Keys,
    PartError,
    check_part,
    read_keys,
    read_vectors,
    write_part,
)

EMBEDDINGS = "embeddings"
"""Folder of the embedding cache below the root of all caches."""


def text_keys(encoder: DenseEncoder, texts: Sequence[str], role: Role) -> Keys:
    """Return the key of each text in a role; roles with the same tag and prompt share keys and therefore vectors.

    Args:
        encoder: Its prompts are part of the key; its fingerprint is not, since each encoder has a store of its own.
        texts: N texts without their prompt.
        role: The role in which they are encoded.
    Returns:
        uint8 [N, 16].
    """
    tag, prompt = encoder.tag_and_prompt(role)
    digests = b"".join(bytes.fromhex(content_hash(tag, prompt, text)) for text in texts)
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, KEY_BYTES)


class KeyIndex:
    """Finds each key's vector: the number of its part, and its row in the part.

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

    def drop(self, part: int) -> None:
        """Forget the keys of a part."""
        kept = self._part != part
        self._prefix, self._suffix = self._prefix[kept], self._suffix[kept]
        self._part, self._row = self._part[kept], self._row[kept]

    def find(self, keys: Keys) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return part number and row of each key, both [N]; the part is -1 where the key is absent."""
        if len(self._prefix) == 0:
            return np.full(len(keys), -1, dtype=np.int32), np.zeros(len(keys), dtype=np.int64)
        prefix, suffix = _halves(keys)
        nearest = np.minimum(np.searchsorted(self._prefix, prefix), len(self._prefix) - 1)
        same = (self._prefix[nearest] == prefix) & (self._suffix[nearest] == suffix)
        return np.where(same, self._part[nearest], np.int32(-1)), self._row[nearest]


def _halves(keys: Keys) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    halves = np.ascontiguousarray(keys).view(np.uint64).reshape(-1, 2)
    return halves[:, 0], halves[:, 1]


class EmbeddingStore:
    """The vectors of one encoder, in memory or kept in a folder."""

    def __init__(self, folder: Path | None, description: dict[str, object] | None = None, encoder: str = "") -> None:
        """Open (and create) a store.

        Args:
            folder: The folder of the parts; None keeps vectors in memory only.
            description: What the encoder is, written to the folder for people to read.
            encoder: The encoder's fingerprint, which every part names.
        Raises:
            StoreError: The folder cannot be created, or a part in it cannot be read.
        """
        self._folder = folder
        self._encoder = encoder
        self._parts: list[Path | FloatArray] = []  # a file, or the vectors themselves
        self._dimensions: dict[int, int] = {}  # of the parts whose vectors are known to be sound
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
        unsound = {}
        for file in sorted(folder.glob(PART_PATTERN)):
            try:
                self._add_part(read_keys(file, encoder), file)
            except PartError as error:
                unsound[file] = str(error)
        _set_aside(unsound)

    def contains(self, keys: Keys) -> BoolArray:
        """Return which keys have a vector, bool [N].

        Parts that hold one of the keys are read and checked the first time. One that must not be used is set aside, so
        that its texts are encoded again.

        Raises:
            StoreError: A part cannot be read, or parts have vectors of different dimensions.
        """
        while unknown := set(self._index.find(keys)[0].tolist()) - {-1} - self._dimensions.keys():
            unsound = {}
            for number in sorted(unknown):
                file = self._parts[number]
                assert isinstance(file, Path)
                try:
                    self._dimensions[number] = check_part(file, self._encoder)
                except PartError as error:
                    self._index.drop(number)
                    unsound[file] = str(error)
            _set_aside(unsound)
        self._check_dimensions()
        part_N, _ = self._index.find(keys)
        return part_N >= 0

    def add(self, keys: Keys, vectors: FloatArray) -> None:
        """Keep vectors; on return they survive a kill.

        Args:
            keys: Of the texts, uint8 [N, 16].
            vectors: float32 [N, D].
        Raises:
            StoreError: The part cannot be written (disk full, permissions); earlier parts stay usable. Or earlier
                vectors have other dimensions.
        """
        self._check_dimensions(vectors.shape[1])
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if self._folder is None:
            self._add_part(keys, vectors.copy(), vectors.shape[1])
            return
        try:
            self._add_part(keys, write_part(self._folder, self._encoder, keys, vectors), vectors.shape[1])
        except OSError as error:
            raise StoreError(
                f"Cannot write {len(vectors)} vectors to the embedding cache {self._folder}: {error.strerror}. What "
                "was encoded before is kept; free some space or choose another --cache-dir, then run again."
            ) from error

    def get(self, keys: Keys) -> FloatArray:
        """Return the vectors of keys, float32 [N, D].

        Raises:
            StoreError: A key has no vector, or a part cannot be read any more.
        """
        if num_absent := int((~self.contains(keys)).sum()):
            raise StoreError(f"{num_absent} of {len(keys)} texts are not in the embedding cache.")
        part_N, row_N = self._index.find(keys)
        vectors = np.empty((0, 0), dtype=np.float32)
        for number in np.unique(part_N):
            part = self._parts[number]
            wanted = np.flatnonzero(part_N == number)
            rows = read_vectors(part, row_N[wanted]) if isinstance(part, Path) else part[row_N[wanted]]
            if len(vectors) == 0:
                vectors = np.empty((len(keys), rows.shape[1]), dtype=np.float32)
            vectors[wanted] = rows
        return vectors

    def _add_part(self, keys: Keys, part: Path | FloatArray, dimensions: int | None = None) -> None:
        """Add a part; its dimensions are given if its vectors are known to be sound."""
        if dimensions is not None:
            self._dimensions[len(self._parts)] = dimensions
        self._index.add(keys, len(self._parts))
        self._parts.append(part)

    def _check_dimensions(self, *new_dimensions: int) -> None:
        if len(sizes := sorted({*self._dimensions.values(), *new_dimensions})) > 1:
            raise StoreError(
                f"The embedding cache {self._folder or 'in memory'} has vectors of {sizes[0]} and of {sizes[1]} "
                "dimensions: the encoder computes something else under the same fingerprint. Change the fingerprint "
                "with what it computes, or delete the folder."
            )


def _set_aside(unsound: Mapping[Path, str]) -> None:
    """Rename parts so that nothing reads them again, and say so in a line per reason."""
    by_reason: dict[str, list[Path]] = {}
    for file, reason in unsound.items():
        by_reason.setdefault(reason, []).append(file)
        try:
            file.rename(file.with_name(file.name + ASIDE))
        except OSError:
            continue  # it is gone, or cannot be renamed: this run does not use it either way
    for reason, files in by_reason.items():
        others = f" (the same is true of {count(len(files) - 1, 'more part')})" if len(files) > 1 else ""
        say(f"{files[0]} {reason}{others}. Set aside as *{ASIDE}; the texts are encoded again.")
