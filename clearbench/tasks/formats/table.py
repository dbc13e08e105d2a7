"""The table of the data formats that task files can name, and the functions that look up a format in it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from clearbench.common.errors import UsageError, suggest
from clearbench.common.toml import describe_problems
from clearbench.tasks.formats import afriqa, squad
from clearbench.tasks.formats.afriqa import AfriqaOptions, AfriqaReader
from clearbench.tasks.formats.base import Reader, ReaderOptions, SplitOptions
from clearbench.tasks.formats.beir import BeirOptions, BeirReader
from clearbench.tasks.formats.belebele import BelebeleOptions, BelebeleReader
from clearbench.tasks.formats.lines import LinesOptions, LinesReader
from clearbench.tasks.formats.mkqa import MkqaOptions, MkqaReader
from clearbench.tasks.formats.sentences import SentencesReader
from clearbench.tasks.formats.squad import SquadOptions, SquadReader
from clearbench.tasks.formats.trec import TrecOptions, TrecReader
from clearbench.tasks.formats.xor import XorOptions, XorReader
from clearbench.tasks.options import DataLocation
from clearbench.tasks.sources import SourceFiles
from clearbench.tasks.spec import TaskSpec


@dataclass(frozen=True)
class Format:
    """One data format.

    Attributes:
        options: The type of its reader's options.
        reader: The reader, made from task, files and options.
        read_titles: Yields passages of one file with the titles of their articles, where the format has titles.
        pairs_in_files: Whether only the files define the pairs.
    """

    options: type[ReaderOptions]
    reader: Callable[[TaskSpec, SourceFiles, Any], Reader[Any]]
    read_titles: Callable[[Path], Iterator[tuple[object, object]]] | None = None
    pairs_in_files: bool = False


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "belebele": Format(BelebeleOptions, BelebeleReader),
        "squad": Format(SquadOptions, SquadReader, squad.read_titles),
        "sentences": Format(ReaderOptions, SentencesReader),
        "xor": Format(XorOptions, XorReader),
        "mkqa": Format(MkqaOptions, MkqaReader),
        "afriqa": Format(AfriqaOptions, AfriqaReader, afriqa.read_titles),
        "lines": Format(LinesOptions, LinesReader),
        "trec": Format(TrecOptions, TrecReader),
        "beir": Format(BeirOptions, BeirReader, pairs_in_files=True),
    }
)
"""Name, as task files give it in `reader` -> format."""


def option_names(spec: TaskSpec) -> tuple[str, ...]:
    """Return the names of the options that a task's reader has."""
    return tuple(FORMATS[spec.reader].options.model_fields)


def reader_options(spec: TaskSpec, overrides: Mapping[str, Any] | None = None) -> ReaderOptions:
    """Return the options of a task's reader, with the given ones in place of the task file's.

    Raises:
        UsageError: There is no such reader, or an option is unknown or has a wrong value.
    """
    if spec.reader not in FORMATS:
        hint = suggest(spec.reader, FORMATS)
        raise UsageError(f"reader: unknown reader {spec.reader!r}; there are: {', '.join(FORMATS)}.{hint}")
    try:
        return FORMATS[spec.reader].options.model_validate({**spec.options, **(overrides or {})})
    except ValidationError as error:
        raise UsageError(f"Options of task {spec.name}: {describe_problems(error)}") from None


def open_files(spec: TaskSpec, location: DataLocation, options: ReaderOptions | None = None) -> SourceFiles:
    """Return the files of a task.

    Args:
        spec: The task.
        location: Where files may come from.
        options: Options of the reader; they name the task's split, where it has several.
    Raises:
        DataError: The data folder does not exist.
    """
    options = options or reader_options(spec)
    return SourceFiles(spec, location, options.split if isinstance(options, SplitOptions) else "")


def open_reader(spec: TaskSpec, files: SourceFiles, options: ReaderOptions | None = None) -> Reader[Any]:
    """Return the reader of a task's files.

    Args:
        spec: The task.
        files: Its files.
        options: Options of the reader; by default those of the task file.
    """
    return FORMATS[spec.reader].reader(spec, files, options or reader_options(spec))
