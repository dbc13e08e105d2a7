"""Opening files that may be packed (`.gz`, `.zst`), with a limit on what they unpack to."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from clearbench.common.errors import DataError

PACKED = (".gz", ".zst")
"""Endings of packed files."""
SMALL = 64 << 20
"""Bytes that any packed file may unpack to."""
RATIO = 100
"""Limit for files that unpack to more than SMALL bytes, as a multiple of the packed size; text stays far below it."""


def plain_name(path: Path) -> str:
    """Return a file's name without the ending of a packed file."""
    return path.stem if path.suffix in PACKED else path.name


def open_unpacked(path: Path) -> IO[bytes]:
    """Open a file for reading its content, unpacked if its name ends in one of PACKED.

    Raises:
        DataError: It is a folder or a device; or while reading, it unpacks to far more bytes than text does.
        OSError: It cannot be opened; or while reading, it is damaged.
    """
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: a folder or a device; expected a file.")
    if path.suffix not in PACKED:
        return path.open("rb")
    stream: io.RawIOBase = _BoundedStream(
        _open_packed(path), unpacked_limit(path.stat().st_size), lambda: too_large_error(path)
    )
    return cast("IO[bytes]", io.BufferedReader(stream))


def unpacked_limit(size: int) -> int:
    """Return how many bytes a packed file of a size may unpack to."""
    return max(SMALL, RATIO * size)


def too_large_error(path: Path) -> DataError:
    """Return the error for a file that unpacks to far more bytes than text does."""
    return DataError(
        f"{path}: {path.stat().st_size:,} bytes unpack to more than {unpacked_limit(path.stat().st_size):,}, which no "
        "text does. If you trust the file, unpack it yourself and use the result."
    )


def _open_packed(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    import pyarrow as pa

    stream: IO[bytes] = pa.input_stream(str(path), compression="zstd")
    return stream


class _BoundedStream(io.RawIOBase):
    """A stream that raises an error after more than a given number of bytes."""

    def __init__(self, stream: IO[bytes], most: int, error: Callable[[], DataError]) -> None:
        self._stream, self._left, self._error = stream, most, error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise self._error()
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
