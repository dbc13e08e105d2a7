"""What a record says: the models of record.json."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MeasureValue(_Frozen):
    """A mean over queries, in [0, 1], with its 95% cluster-robust interval (None with fewer than two clusters).

    The one measure that is no share is Max@R, a rank.
    """

    mean: float
    lower: float | None
    upper: float | None


class LanguageRank(_Frozen):
    """How a mixed pool ranks the relevant passages of one language.

    Attributes:
        num_queries: Queries with a relevant passage in the language.
        mean_rank: Mean rank in the pool of the best such passage; passages of equal score share their ranks' mean.
        gap: Place of that passage among the best of each language (1 is first) minus the mean place, mean over
            queries: below 0 where the language is put before others. None where no query has a second language.
        lower: Of the gap's 95% cluster-robust interval.
        upper: Likewise.
    """

    num_queries: int
    mean_rank: float
    gap: float | None
    lower: float | None
    upper: float | None


class FriedmanRecord(_Frozen):
    """Friedman's test of whether passage languages are ranked alike.

    Attributes:
        statistic: Chi-square, num_languages - 1 degrees of freedom.
        p: Upper tail.
        num_blocks: Clusters of dependent questions; a block's value per language is the mean place over its questions.
        num_languages: Passage languages compared.
    """

    statistic: float
    p: float
    num_blocks: int
    num_languages: int


class BiasRecord(_Frozen):
    """What the language of a passage does to its rank in a mixed pool.

    Attributes:
        own_first: Share of queries whose first relevant passage is in the query's language, over the queries that have
            relevant passages both in it and in others (the measure lpr_first); None where no query has.
        chance: What a ranking blind to language would give: the mean share of relevant passages in that language.
        languages: Passage language -> its ranks.
        friedman: None where fewer than two clusters have a relevant passage in every language.
        left_out: Measure -> queries that have no value for it.
    """

    own_first: MeasureValue | None
    chance: float | None
    languages: dict[str, LanguageRank]
    friedman: FriedmanRecord | None
    left_out: dict[str, int] = {}


class PairRecord(_Frozen):
    """One language pair.

    Attributes:
        pair: Query language first: de-en.
        data: Hash of the pair's queries, passages and judgements.
        num_passages: Passages searched.
        num_queries: Queries scored, all of which count in the means.
        num_skipped: Queries that the task's protocol leaves out (XOR: only yes/no answers).
        num_clusters: Clusters of dependent queries, for the intervals.
        measures: By measure name; of a mixed pool's, those that at least one query has a value for.
        bias: Of queries against a mixed pool.
    """

    pair: str
    data: str
    num_passages: int
    num_queries: int
    num_skipped: int
    num_clusters: int
    measures: dict[str, MeasureValue]
    bias: BiasRecord | None = None


class Identity(_Frozen):
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


class Record(_Frozen):
    """One model on one task.

    Attributes:
        schema_version: Of this file's layout.
        status: "complete", or "running" until every requested pair is scored.
        identity: See Identity.
        model: Name, source and settings of the encoder.
        main_measure: What tables show.
        environment: Versions of the software, and its commit where known.
        data: Hash of all pairs' data hashes.
        coverage: Pairs scored; over them, queries scored and queries that the protocol leaves out.
        notes: What was odd or left out in the data, languages without files among it.
        pairs: Sorted by pair.
        averages: Group -> {"num_pairs": n, measure: macro average over pairs}.
        timings: Seconds by phase, texts encoded and cached, start time: of the run that finished the record.
        bias: Of a mixed pool: over the queries of all languages.
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
    bias: BiasRecord | None = None
