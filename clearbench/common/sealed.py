"""Parquet files that carry a JSON document of their own, and a hash over all their bytes by which damage is noticed.

The document and the seal are entries of the file's key-value metadata. The seal is a SHA-256 over the file as it is
with zeros in the place of the seal's own digits. Files of clearbench 0.1 carry a document, but no seal.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCUMENT_KEY = b"clearbench"
"""Where a Parquet file's metadata hold what clearbench says of it, as JSON."""
SEAL_KEY = b"clearbench_seal"
_TAG = b"clearbench-seal:"
_BLANK = b"0" * 64
_SEAL = re.compile(re.escape(_TAG) + rb"([0-9a-f]{64})")


@dataclass(frozen=True)
class SealedFile:
    """A Parquet file, read whole and found undamaged.

    Attributes:
        document: What the writer said of the file, as read from JSON.
        is_sealed: Whether the file carries a hash of itself, which was checked.
        data: Its bytes.
    """

    document: Any
    is_sealed: bool
    data: bytes = field(repr=False)

    def read(self, columns: list[str] | None = None) -> Any:
        """Return some columns, or all, as an Arrow table.

        Raises:
            KeyError, ValueError, pyarrow.ArrowException: A column is missing, or the file is damaged.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.ParquetFile(pa.BufferReader(self.data)).read(columns=columns)
        if columns is not None and (lost := [name for name in columns if name not in table.column_names]):
            raise KeyError(f"no column {lost[0]}")
        return table


def sealed_bytes(table: Any, document: Any, dictionary: bool | list[str] = True) -> bytes:
    """Return an Arrow table as a Parquet file that carries a document and its own hash.

    Args:
        table: The rows.
        document: What can be written as JSON.
        dictionary: Names of the columns that repeat values, or whether all do.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", use_dictionary=dictionary) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({DOCUMENT_KEY: json.dumps(document), SEAL_KEY: _TAG + _BLANK})
    data: bytes = sink.getvalue().to_pybytes()
    return data.replace(_TAG + _BLANK, _TAG + _seal_of(data))


def open_sealed(file: Path, documented: bool = True) -> SealedFile:
    """Read a Parquet file, compare its bytes with its seal if it has one, and read its document.

    Args:
        file: The file.
        documented: Refuse a file without a document.
    Raises:
        OSError: The file cannot be read.
        ValueError: Its bytes are not those that were written, or it carries no document.
        pyarrow.ArrowException: It is not a Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pydantic_core import from_json

    data = file.read_bytes()
    seals = _SEAL.findall(data)
    if len(seals) > 1 or (seals and _seal_of(data.replace(_TAG + seals[0], _TAG + _BLANK)) != seals[0]):
        raise ValueError("its bytes are not those that were written")
    metadata = pq.read_metadata(pa.BufferReader(data)).metadata or {}
    if SEAL_KEY in metadata and not seals:
        raise ValueError("its seal is damaged")
    if documented and DOCUMENT_KEY not in metadata:
        raise ValueError("it was not written by clearbench")
    return SealedFile(from_json(metadata.get(DOCUMENT_KEY, b"{}")), bool(seals), data)


def _seal_of(unsealed: bytes) -> bytes:
    return hashlib.sha256(unsealed).hexdigest().encode()
