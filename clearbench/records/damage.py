"""Errors on damaged files of a record: which file, what is wrong, what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clearbench.common.errors import RecordError
from clearbench.common.text import first_line


@contextmanager
def name_damage(file: Path, remedy: str) -> Iterator[None]:
    """Turn the exceptions of reading a damaged file into a RecordError that names the file.

    Args:
        file: The file that the block reads.
        remedy: What to do about it, in a sentence.
    """
    import pyarrow as pa

    try:
        yield
    except (OSError, KeyError, TypeError, ValueError, RecursionError, pa.ArrowException) as error:
        raise RecordError(f"{file} is damaged ({first_line(error)}). {remedy}") from error
