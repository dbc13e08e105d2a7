"""The output formats of commands that write tables, by the suffix of the file."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

_Format = TypeVar("_Format", bound=str)

SUFFIXES: Mapping[str, str] = {
    ".csv": "csv",
    ".json": "json",
    ".md": "markdown",
    ".tex": "latex",
    ".txt": "table",
}
"""Suffix of a file -> the format that belongs to it, in every command that has the format."""


def find_format(out: Path, known: Collection[_Format], default: _Format) -> _Format:
    """Return the format that belongs to the suffix of a file.

    Args:
        out: The file.
        known: The formats that the command has.
        default: The format of a file with any other suffix.
    """
    return next((format for format in known if format == SUFFIXES.get(out.suffix)), default)
