"""What a user may set about a task: which pairs, where its data come from, and what each reader can be told.

Reader options stand in a task file under `[options]`; a run can override them, which makes other data of the same task
(the counts that the task file expects then no longer apply).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from clearbench.common.options import CACHE_DIR, DATA_DIR, OFFLINE, TASKS_DIR, Option, read_settings


@dataclass(frozen=True)
class Selection:
    """Which pairs of a task to load; with nothing given, the task's own default.

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
        """Whether a file that is not there may be downloaded."""
        return self.data_dir is None and not self.offline


ANYWHERE = DataLocation()
"""The cache, else a download."""

READER_SETTINGS = Option(
    "Reader option (repeatable); see `clearbench tasks show`.",
    flag="--option",
    metavar="NAME=VALUE",
    read=read_settings,
)


class ReaderOptions(BaseModel):
    """Base of all reader options: unknown keys are errors, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BelebeleOptions(ReaderOptions):
    """Options of the `belebele` reader.

    Attributes:
        merge_duplicate_questions: Make one query of equal question texts of a language, relevant to the passages of
            all of them, as MTEB does; else every (link, question_number) is a query.
    """

    merge_duplicate_questions: bool = False


class SquadOptions(ReaderOptions):
    """Options of the `squad` reader.

    Attributes:
        layout: "parallel": one file per language, the same paragraphs and questions in each (XQuAD);
            "pairs": one file per pair of context and question language (MLQA);
            "monolingual": one file per language, not parallel (TyDi QA GoldP).
        split: Value of `{split}` in file names.
        merge_duplicate_questions: As for Belebele.
    """

    layout: Literal["parallel", "pairs", "monolingual"]
    split: str = ""
    merge_duplicate_questions: bool = False


class XorOptions(ReaderOptions):
    """Options of the `xor` reader.

    Attributes:
        join_title: Encode `title + " " + text` of a passage instead of its text alone (the official measure: text).
        tokeniser: What counts the tokens: `official` (nltk.word_tokenize), or `unsplit`, which needs no data.
    """

    join_title: bool = False
    tokeniser: Literal["official", "unsplit"] = "official"


class MkqaOptions(ReaderOptions):
    """Options of the `mkqa` reader.

    Attributes:
        join_title: Encode `title + " " + text` of a passage, as the published runs do, instead of its text alone.
    """

    join_title: bool = True


class AfriqaOptions(ReaderOptions):
    """Options of the `afriqa` reader.

    Attributes:
        split: Value of `{split}` in file names.
        join_title: Put the article's title before the passage.
    """

    split: Literal["train", "dev", "test"] = "test"
    join_title: bool = False


class BeirOptions(ReaderOptions):
    """Options of the `beir` reader.

    Attributes:
        split: Name of the file under `qrels/`, without `.tsv`; default: `test`, or the only one there is.
        query_language: Language of queries whose rows name none.
        passage_language: Language of passages whose rows name none.
    """

    split: str = ""
    query_language: str | None = None
    passage_language: str | None = None


READER_OPTIONS: Mapping[str, type[ReaderOptions]] = MappingProxyType(
    {
        "belebele": BelebeleOptions,
        "squad": SquadOptions,
        "xor": XorOptions,
        "mkqa": MkqaOptions,
        "afriqa": AfriqaOptions,
        "beir": BeirOptions,
    }
)
