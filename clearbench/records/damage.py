"""Damage to a record's files, said in one way: which file, what is wrong, what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clearbench.common.errors import RecordError
from clearbench.common.text import first_line


@contextmanager
def damage_named(file: Path, remedy: str) -> Iterator[None]:
    """Turn what reading a damaged file can raise into a RecordError.

    Args:
        file: The file that the block reads.
        remedy: What to do about it, in a sentence.
    """
    import pyarrow as pa

    try:
        yield
    except (OSError, KeyError, TypeError, ValueError, RecursionError, pa.ArrowException) as error:
        raise RecordError(f"{file} is damaged ({first_line(error)}). {remedy}") from error
