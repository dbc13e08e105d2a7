"""What each reader can be told: one model per reader, and the table of reader names.

Options stand in a task file under `[options]`; a run can override them, which makes other data of the same task
(the counts that the task file expects then no longer apply).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict


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
