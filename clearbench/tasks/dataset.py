"""What a reader gives and everything after it uses: texts, judgements and language pairs of one task.

A query id names a *parallel* question: the same id in two languages is the same question. That identity,
never the question's text, links languages (Belebele has duplicate question strings in 18 variants).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from clearbench.common.errors import DataError
from clearbench.common.hashing import content_hash
from clearbench.common.languages import Language, Pair

Qrels = Mapping[str, Mapping[str, int]]
"""query id -> passage id -> relevance (> 0 is relevant)."""


@dataclass(frozen=True)
class Texts:
    """Ids and texts in one language: a query set or a passage pool.

    Attributes:
        ids: Unique ids, in file order.
        texts: One text per id, exactly as it will be encoded (title already joined), never empty.
        languages: One language per text where they differ (a mixed pool); empty: every text is in `language`.
    """

    language: Language
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    languages: tuple[Language, ...] = ()

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.texts):
            raise DataError(f"{self.language}: {len(self.ids)} ids for {len(self.texts)} texts.")
        if self.languages and len(self.languages) != len(self.texts):
            raise DataError(f"{self.language}: {len(self.languages)} languages for {len(self.texts)} texts.")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def fingerprint(self) -> str:
        """128-bit hash of language, ids and texts, order included; of each text's language too where they differ."""
        plain = content_hash(str(self.language), *self.ids, *self.texts)
        return content_hash(plain, *map(str, self.languages)) if self.languages else plain

    @property
    def each_language(self) -> tuple[Language, ...]:
        """The language of each text, whether or not they differ."""
        return self.languages or (self.language,) * len(self.texts)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """id -> position."""
        return {key: position for position, key in enumerate(self.ids)}


@dataclass(frozen=True)
class TaskPair:
    """One language pair of a task: its queries, the key of its passage pool, and the judgements."""

    pair: Pair
    queries: Texts
    pool: str
    qrels: Qrels


@dataclass(frozen=True)
class Dataset:
    """The loaded part of one task.

    Attributes:
        task: Task name.
        version: Version of the task definition.
        pools: Pool key -> passages. Pairs that share a key are searched together.
        pairs: The selected pairs, in a fixed order.
        clusters: query id -> cluster of dependent questions (usually the gold passage); an absent id is its own
            cluster.
        answers: query id -> accepted answer strings, for tasks that are judged by answers.
        notes: What was odd in the data or left out, one sentence each.
        judged_by: The rule that decides what a hit is: "qrels", "xor" or "mkqa".
        main_measure: What tables show.
        tokeniser: Name of what counts tokens, for tasks judged by XOR-Retrieve's rule.
        options: Reader options that differ from the task file's, as text.
    """

    task: str
    version: int
    pools: Mapping[str, Texts]
    pairs: tuple[TaskPair, ...]
    clusters: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    judged_by: str = "qrels"
    main_measure: str = "nDCG@10"
    tokeniser: str = "official"
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Task name, with the options that make it another measurement: `xquad+merge_duplicate_questions=True`."""
        return "+".join([self.task, *(f"{key}={value}" for key, value in sorted(self.options.items()))])

    @cached_property
    def qrels_fingerprints(self) -> Mapping[int, str]:
        """id() of each qrels mapping -> hash of its content; pairs share mappings, so each is hashed once."""
        return {id(qrels): hash_qrels(qrels) for qrels in {id(p.qrels): p.qrels for p in self.pairs}.values()}

    @cached_property
    def answers_fingerprint(self) -> str:
        """Hash of the accepted answers."""
        return content_hash(*(part for query in sorted(self.answers) for part in (query, *self.answers[query], "")))

    def pair_fingerprint(self, data: TaskPair) -> str:
        """128-bit hash of everything that decides one pair's score apart from the encoder."""
        return content_hash(
            str(data.pair),
            data.queries.fingerprint,
            self.pools[data.pool].fingerprint,
            self.qrels_fingerprints[id(data.qrels)],
            self.answers_fingerprint,
        )


def hash_qrels(qrels: Qrels) -> str:
    """Hash judgements independent of their order."""
    return content_hash(
        *(
            part
            for query in sorted(qrels)
            for passage in sorted(qrels[query])
            for part in (query, passage, str(qrels[query][passage]))
        )
    )
