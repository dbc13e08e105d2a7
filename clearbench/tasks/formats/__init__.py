"""Readers: one per data format. The table below is the list of all."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from clearbench.tasks.formats.afriqa import AfriqaReader
from clearbench.tasks.formats.base import Reader, Wanted
from clearbench.tasks.formats.beir import BeirReader
from clearbench.tasks.formats.belebele import BelebeleReader
from clearbench.tasks.formats.mkqa import MkqaReader
from clearbench.tasks.formats.squad import SquadReader
from clearbench.tasks.formats.xor import XorReader
from clearbench.tasks.sources import SourceFiles
from clearbench.tasks.spec import TaskSpec

# Each takes its own options class, the one that options.READER_OPTIONS has under the same name.
READERS: Mapping[str, Any] = MappingProxyType(
    {
        "belebele": BelebeleReader,
        "squad": SquadReader,
        "xor": XorReader,
        "mkqa": MkqaReader,
        "afriqa": AfriqaReader,
        "beir": BeirReader,
    }
)


def open_reader(spec: TaskSpec, files: SourceFiles, options: Any) -> Reader:
    """Return the reader of a task."""
    reader: Reader = READERS[spec.reader](spec, files, options)
    return reader


__all__ = ["READERS", "Reader", "Wanted", "open_reader"]
