"""The content of a record: the models of record.json, with every field described."""

import math
from collections import Counter
from typing import Any, Literal

from clearbench.common.errors import UsageError
from clearbench.common.measures import judges_passages
from clearbench.common.pairs import parse_pair
from clearbench.common.strict import StrictModel
from clearbench.common.text import task_label
from clearbench.stats.summaries import BiasSummary, MeasureValue

SCHEMA_VERSION = 1
LONGEST_NAME = 500
"""Characters of a model's name; a folder's name has fewer, and tables repeat it in every row."""
LEXICAL = "lexical"
"""The `kind` in the settings of a model that matches words."""


class PairRecord(StrictModel):
    """One language pair.

    Attributes:
        pair: Query language first: de-en.
        data: Hash of the pair's queries, passages and judgements.
        num_passages: Passages searched.
        num_queries: Queries scored, all of which count in the means.
        num_skipped: Queries that are left out: by the task's protocol (XOR: only yes/no answers), or because they have
            no relevant passage.
        num_clusters: Clusters of dependent queries, for the intervals.
        measures: Measure -> mean and interval; for a mixed pool, only measures that some query has a value for.
        bias: Language bias, where the pool is mixed.
    """

    pair: str
    data: str
    num_passages: int
    num_queries: int
    num_skipped: int
    num_clusters: int
    measures: dict[str, MeasureValue]
    bias: BiasSummary | None = None


class Identity(StrictModel):
    """What makes two records comparable and one record continuable, apart from each pair's data.

    Attributes:
        encoder: Encoder fingerprint.
        task: Task name.
        task_version: Version of the task definition.
        options: Reader options that differ from the task file's.
        scoring: Scoring settings: rule, tokeniser, search.
    """

    encoder: str
    task: str
    task_version: int
    options: dict[str, str]
    scoring: dict[str, str | int]

    @property
    def has_qrels(self) -> bool:
        """Whether passages were judged; if not, answers decided what a hit was."""
        return judges_passages(str(self.scoring.get("judged_by", "qrels")))

    @property
    def label(self) -> str:
        """Task name with the options that make it another measurement: `xquad+merge_duplicate_questions=True`."""
        return task_label(self.task, self.options.items())

    @property
    def pool_languages(self) -> list[str]:
        """Languages of the mixed pool that was searched; none where each pool is of one language."""
        return str(self.scoring.get("pool_languages", "")).split()


class Provenance(StrictModel):
    """What a run says of everything that it measures; each part of the scores carries it.

    Attributes:
        identity: See Identity.
        model: Name, source and settings of the encoder.
        main_measure: The measure that tables show.
        environment: Versions of the software, and its commit where known.
        notes: What was odd in the data or left out, languages without files included.
    """

    identity: Identity
    model: dict[str, Any]
    main_measure: str
    environment: dict[str, str]
    notes: list[str]


class Record(StrictModel):
    """One model on one task.

    Attributes:
        schema_version: Version of the file's layout.
        status: "complete", or "running" until every requested pair is scored.
        identity: See Identity.
        model: Name, source and settings of the encoder.
        main_measure: The measure that tables show.
        environment: Versions of the software, and its commit where known: of all runs that scored pairs.
        data: Hash of all pairs' data hashes.
        coverage: Number of pairs scored; over them, of queries scored and of queries that the protocol leaves out.
        notes: What was odd in the data or left out, languages without files included: of all runs that scored pairs.
        pairs: Sorted by pair.
        averages: Group -> {"num_pairs": n, measure: macro average over pairs}.
        timings: Seconds by phase, texts encoded and cached, summed over the runs that added pairs and ended; when the
            last of them ended.
        bias: Language bias over the queries of all languages, where the pool is mixed.
    """

    schema_version: int
    status: Literal["running", "complete"]
    identity: Identity
    model: dict[str, Any]
    main_measure: str
    environment: dict[str, str]
    data: str
    coverage: dict[str, int]
    notes: list[str]
    pairs: list[PairRecord]
    averages: dict[str, dict[str, float]]
    timings: dict[str, Any]
    bias: BiasSummary | None = None

    @property
    def is_lexical(self) -> bool:
        """Whether the model matches words, as BM25 does, and so has no vectors and no precision."""
        return self.model.get("kind") == LEXICAL

    @property
    def by_pair(self) -> dict[str, PairRecord]:
        """Pair -> its record, in the order of `pairs`."""
        return {pair.pair: pair for pair in self.pairs}


def find_record_damage(record: Record) -> str | None:
    """Return in words the first thing in a record that no run writes; None where nothing is wrong."""
    names = [pair.pair for pair in record.pairs]
    if not names:
        return "it lists no pair"
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        return f"it lists {repeated[0]} more than once"
    name = record.model.get("name")
    if not isinstance(name, str) or not name:
        return f"the model has no name (found {name!r})"
    if len(name) > LONGEST_NAME:
        return f"the model's name has {len(name):,} characters, expected at most {LONGEST_NAME}"
    for pair in record.pairs:
        try:
            parse_pair(pair.pair)
        except UsageError as error:
            return str(error).rstrip("?.")
        if record.main_measure not in pair.measures:
            return f"{pair.pair} lacks the main measure {record.main_measure}"
        for measure, value in pair.measures.items():
            if not math.isfinite(value.mean):
                return f"the mean {measure} of {pair.pair} is {value.mean}"
    return None
