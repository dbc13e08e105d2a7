"""One file of vectors: their keys, the vectors, whose they are, and a checksum of all of it.

    part-<random>.safetensors
        "keys"     uint8 [N, 16]
        "vectors"  float32 [N, D]
        metadata   encoder: the fingerprint of the encoder that made the vectors
                   checksum: XXH3 (128 bits) of that fingerprint, of both shapes and of both tensors

A part is written under a temporary name, fsynced and renamed, so it is whole or absent. What a disk or another program
does to it later is found by the checksum.
"""

import json
import secrets
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import StoreError
from clearbench.common.files import write_atomically

Keys = NDArray[np.uint8]
"""Text keys, uint8 [N, 16]: 128-bit content hashes."""
KEY_BYTES = 16

PART_PATTERN = "part-*.safetensors"
ASIDE = ".aside"
"""What is put behind the name of a part that must not be used."""

_DAMAGE = (OSError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)
"""What reading a damaged file may raise besides SafetensorError: its header decides what is read."""


class PartError(StoreError):
    """A part must not be used; the message says why, as what follows the file's name."""


def write_part(folder: Path, encoder: str, keys: Keys, vectors: FloatArray) -> Path:
    """Write vectors as a new part; on return they survive a kill.

    Args:
        folder: The folder of the parts.
        encoder: Fingerprint of the encoder.
        keys: Of the texts, uint8 [N, 16].
        vectors: float32 [N, D].
    Raises:
        OSError: The part cannot be written (disk full, permissions).
    """
    file = folder / f"part-{secrets.token_hex(8)}.safetensors"
    keys, vectors = np.ascontiguousarray(keys), np.ascontiguousarray(vectors)
    metadata = {"encoder": encoder, "checksum": _checksum(encoder, keys, vectors)}
    write_atomically(file, save({"keys": keys, "vectors": vectors}, metadata))
    return file


def read_keys(file: Path, encoder: str) -> Keys:
    """Read the keys of a part without its vectors, so its checksum is not compared yet.

    Args:
        file: The part.
        encoder: Fingerprint of the encoder that it has to belong to.
    Raises:
        PartError: It is damaged, another encoder's, or of an earlier version.
        StoreError: It cannot be read.
    """
    keys, _, _ = _read_tensors(file, encoder, whole=False)
    return keys


def check_part(file: Path, encoder: str) -> int:
    """Read a whole part, compare its checksum, and return the number of its dimensions.

    Args:
        file: The part.
        encoder: Fingerprint of the encoder that it has to belong to.
    Raises:
        PartError: As `read_keys`, or it is not what was written.
        StoreError: It cannot be read.
    """
    keys, vectors, checksum = _read_tensors(file, encoder, whole=True)
    if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != len(keys):
        raise PartError(f"has {vectors.dtype} vectors of shape {vectors.shape} for {len(keys)} keys")
    if checksum != _checksum(encoder, keys, vectors):
        raise PartError("is damaged: its checksum differs")
    return int(vectors.shape[1])


def read_vectors(file: Path, rows: IntArray) -> FloatArray:
    """Read some of the vectors of a part that was checked, float32 [len(rows), D], and nothing else of it.

    Args:
        file: The part.
        rows: Which vectors, by their places in the part.
    Raises:
        StoreError: It cannot be read any more.
    """
    try:
        with file.open("rb") as stream:  # safetensors: the header's length, the header in JSON, the tensors
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length))["vectors"]
        offset, _ = header["data_offsets"]
        vectors = np.memmap(file, np.float32, "r", offset=8 + length + offset, shape=tuple(header["shape"]))
        return np.asarray(vectors[rows])
    except _DAMAGE as error:
        raise StoreError(f"{file} cannot be read any more ({error}). Run again to encode its texts again.") from error


def _read_tensors(file: Path, encoder: str, whole: bool) -> tuple[Keys, FloatArray, str]:
    """Return keys, vectors (none unless `whole`) and the checksum that the part should have."""
    try:
        with safe_open(file, framework="numpy") as part:
            metadata = part.metadata() or {}
            keys: Keys = part.get_tensor("keys")
            vectors: FloatArray = part.get_tensor("vectors") if whole else np.empty((len(keys), 0), dtype=np.float32)
    except PermissionError as error:
        raise StoreError(f"{file} cannot be read ({error.strerror}). Change its permissions, or delete it.") from error
    except (SafetensorError, *_DAMAGE) as error:
        raise PartError(f"is damaged ({error})") from error
    if keys.dtype != np.uint8 or keys.shape != (len(keys), KEY_BYTES):
        raise PartError(f"has {keys.dtype} keys of shape {keys.shape}")
    if "checksum" not in metadata:
        raise PartError("has no checksum: an earlier version of clearbench wrote it")
    if metadata.get("encoder") != encoder:
        raise PartError(f"is of another encoder, {metadata.get('encoder')}")
    return keys, vectors, metadata["checksum"]


def _checksum(encoder: str, keys: Keys, vectors: FloatArray) -> str:
    digest = xxhash.xxh3_128(f"{encoder} {keys.shape} {vectors.shape}".encode())
    digest.update(keys)  # type: ignore[arg-type]
    digest.update(vectors)  # type: ignore[arg-type]
    return digest.hexdigest()
