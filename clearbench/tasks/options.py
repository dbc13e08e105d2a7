"""The options of a task: which of its pairs are loaded, and where its data comes from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from clearbench.common.options import CACHE_DIR, DATA_DIR, OFFLINE, TASKS_DIR, Option, read_settings


@dataclass(frozen=True)
class Selection:
    """Which pairs of a task to load; by default those that the task file names.

    A side that is the same in every pair of the task (English passages) need not be named among the languages.
    """

    pairs: Annotated[str | None, Option("Language pairs, query language first: 'de-en,*-en,en-*'.")] = None
    languages: Annotated[str | None, Option("Only pairs of these languages: de,sw,en.")] = None
    all_pairs: Annotated[bool, Option("Every pair a task defines.")] = False


DEFAULT = Selection()
"""The pairs that the task file names."""


@dataclass(frozen=True)
class DataLocation:
    """Where task definitions and data may come from."""

    data_dir: Annotated[Path | None, DATA_DIR] = None
    tasks_dir: Annotated[Path | None, TASKS_DIR] = None
    corpus: Annotated[Path | None, Option("Passage corpus for xor and mkqa: DPR tsv, BEIR corpus.jsonl or folder.")] = (
        None
    )
    offline: Annotated[bool, OFFLINE] = False
    cache_dir: Annotated[Path | None, CACHE_DIR] = None

    @property
    def downloads(self) -> bool:
        """Whether a missing file may be downloaded."""
        return self.data_dir is None and not self.offline


MERGE = "merge_duplicate_questions"
"""The reader option that merges questions of equal text into one query, as MTEB does."""
MIXED_POOL = {"pool": "mixed"}
"""The option that distinguishes a dataset with one pool of all languages from the task's usual one."""

ANYWHERE = DataLocation()
"""Files come from the cache, or are downloaded."""

READER_SETTINGS = Option(
    "Reader option (repeatable); see `clearbench tasks show`.",
    flag="--option",
    metavar="NAME=VALUE",
    read=read_settings,
)
