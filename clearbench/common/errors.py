"""Every error that a user can cause: one class per stage, and the exit code of each.

    ClearbenchError          1
    ├── UsageError           2   an option or a name that does not exist, options that exclude each other
    ├── TaskError            1   a task definition (TOML) that cannot be used
    ├── DataError            1   data files: missing, truncated, wrong encoding, duplicate ids, wrong counts
    │   └── MissingFileError 1   a data file that is not there, or cannot be downloaded
    ├── EncoderError         1   a checkpoint that cannot be loaded, or that gives unusable vectors
    ├── StoreError           1   the embedding store cannot be read or written
    ├── SearchError          1   vectors or scores that cannot be ranked
    ├── ScoringError         1   a ranking or judgements that cannot be scored
    ├── TrainingError        1   training rows or a training run that cannot go on
    └── RecordError          1   results on disk: unwritable, of another identity, of another schema

A message says what was found, what was expected, where, and what to do. The command line prints it without a
traceback; with `python -X dev` or CLEARBENCH_TRACEBACK=1 it shows the traceback too.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class ClearbenchError(Exception):
    """A known failure with a message for the user."""

    exit_code = 1


class UsageError(ClearbenchError):
    """An option or name that does not exist, or options that exclude each other."""

    exit_code = 2


class TaskError(ClearbenchError):
    """A task definition that cannot be used."""


class DataError(ClearbenchError):
    """A data file that is missing, broken, or not what its task expects."""


class MissingFileError(DataError):
    """A data file that does not exist."""


class EncoderError(ClearbenchError):
    """A checkpoint that cannot be loaded, or that gives unusable vectors."""


class StoreError(ClearbenchError):
    """The embedding store cannot be read or written."""


class SearchError(ClearbenchError):
    """Vectors or scores that cannot be ranked."""


class ScoringError(ClearbenchError):
    """A ranking or judgements that cannot be scored."""


class TrainingError(ClearbenchError):
    """Training rows, or a training run, that cannot go on."""


class RecordError(ClearbenchError):
    """Results on disk that cannot be written, read, or continued."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean ...?" with up to three near names, or an empty string."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f" Did you mean {', '.join(near)}?" if near else ""


@contextmanager
def locate_errors(where: str) -> Iterator[None]:
    """Begin the message of a known error that the block raises with where it happened: "xquad de-en: ..."."""
    try:
        yield
    except ClearbenchError as error:
        raise type(error)(f"{where}: {error}") from error
