"""A table text -> vector that both sides of the equality check use, so only search and scoring can differ.

clearbench loads the function `encode` with `--model vector_table:encode`; CLEARBENCH_VECTOR_TABLE names the file. A
text that is not in the table is an error, because the two sides then did not read the same texts.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

VARIABLE = "CLEARBENCH_VECTOR_TABLE"


def write_table(path: Path, texts: Sequence[str], vectors: np.ndarray) -> None:
    """Write texts (as JSON bytes, because NumPy strings lose trailing NULs and need 4 bytes a letter) and vectors."""
    encoded = np.frombuffer(json.dumps(list(texts), ensure_ascii=True).encode("ascii"), dtype=np.uint8)
    partial = path.with_name(path.name + ".partial.npz")
    np.savez(partial, texts=encoded, vectors=np.asarray(vectors, dtype=np.float32))
    partial.replace(path)


@cache
def read_table(path: Path) -> tuple[dict[str, int], np.ndarray]:
    """Return (text -> row, vectors)."""
    with np.load(path) as table:
        return {text: row for row, text in enumerate(json.loads(table["texts"].tobytes()))}, table["vectors"]


def encode(texts: Sequence[str], role: str = "") -> np.ndarray:
    """Return the vectors of texts. The role does not matter, because the model has no prompts."""
    row_of, vectors = read_table(Path(os.environ[VARIABLE]))
    missing = [text for text in texts if text not in row_of]
    if missing:
        raise KeyError(f"{len(missing)} of {len(texts)} texts are not in the table, the first: {missing[0][:80]!r}")
    return vectors[[row_of[text] for text in texts]]


def _table_fingerprint() -> str:
    """Return a hash of the table: without one, clearbench would ask for the vectors of texts that no table has."""
    path = os.environ.get(VARIABLE)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path and Path(path).exists() else ""


setattr(encode, "fingerprint", _table_fingerprint())  # noqa: B010 - mypy knows no attributes of functions
