"""The texts, judgements and language pairs of one task: what a reader returns and all later stages use.

A query id names a *parallel* question: the same id in two languages is the same question. That identity,
never the question's text, links languages (Belebele has duplicate question strings in 18 variants).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from clearbench.common.errors import DataError
from clearbench.common.hashing import content_hash
from clearbench.common.languages import Language
from clearbench.common.measures import MAIN_MEASURE, RULES, ScoringRule
from clearbench.common.pairs import Pair
from clearbench.common.text import task_label

_T = TypeVar("_T")

Qrels = Mapping[str, Mapping[str, int]]
"""query id -> passage id -> relevance (> 0 is relevant)."""


@dataclass(frozen=True)
class Texts:
    """Ids and texts in one language: a query set or a passage pool.

    Attributes:
        ids: Unique ids, in file order.
        texts: One text per id, exactly as it will be encoded (title already joined), never empty.
        languages: One language per text where they differ (a mixed pool); empty if every text is in `language`.
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
    """One language pair of a task: its two languages, and the keys of its three parts in the Dataset.

    Attributes:
        query: Language of the queries.
        passage: Language of the passages.
        queries: Key of its query set.
        pool: Key of its passage pool; pairs that share it are searched together.
        qrels: Key of its judgements; "" for a task judged by answers, which has none.
    """

    query: Language
    passage: Language
    queries: str
    pool: str
    qrels: str = ""

    def __str__(self) -> str:
        return str(self.languages)

    @property
    def languages(self) -> Pair:
        """Both languages."""
        return Pair(self.query, self.passage)


@dataclass(frozen=True)
class Dataset:
    """The loaded part of one task: keyed parts, and pairs that name them.

    Attributes:
        task: Task name.
        version: Version of the task definition.
        pools: Pool key -> passages.
        queries: Query set key -> queries.
        qrels: Judgements key -> judgements.
        pairs: The selected pairs, in a fixed order.
        clusters: query id -> cluster of dependent questions (usually the gold passage); an id that is not in it is a
            cluster of its own.
        answers: query id -> accepted answer strings, for tasks that are judged by answers.
        left_out: Query set key -> ids of queries that are in the files but not in the set, because they have no
            relevant passage.
        pool_without: Languages of the task without files, whose passages the pool of all pairs lacks.
        own_passages: Query set key -> query id -> the passage that is the query itself; its ranking leaves it out.
        notes: What is unusual in the data and what was left out, one sentence each.
        judged_by: The rule that decides what a hit is: a key of `common.measures.RULES`.
        main_measure: The measure that tables show.
        tokeniser: Name of the tokeniser, for tasks judged by XOR-Retrieve's rule.
        options: Reader options that differ from the task file's, as text.
    """

    task: str
    version: int
    pools: Mapping[str, Texts]
    queries: Mapping[str, Texts]
    qrels: Mapping[str, Qrels]
    pairs: tuple[TaskPair, ...]
    clusters: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pool_without: tuple[Language, ...] = ()
    own_passages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    judged_by: ScoringRule = "qrels"
    main_measure: str = MAIN_MEASURE
    tokeniser: str = "official"
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Task name, with the options that make it another measurement: `xquad+merge_duplicate_questions=True`."""
        return task_label(self.task, self.options.items())

    @property
    def has_qrels(self) -> bool:
        """Whether there are judgements of passages; if not, answers decide what a hit is."""
        return RULES[self.judged_by].judges_passages

    def queries_of(self, pair: TaskPair) -> Texts:
        """Return the queries of a pair."""
        return self.queries[pair.queries]

    def passages_of(self, pair: TaskPair) -> Texts:
        """Return the passage pool of a pair."""
        return self.pools[pair.pool]

    def qrels_of(self, pair: TaskPair) -> Qrels:
        """Return the judgements of a pair; none for a task judged by answers."""
        return self.qrels[pair.qrels] if pair.qrels else {}

    def select(self, pairs: Iterable[TaskPair]) -> "Dataset":
        """Return the same task with some of its pairs, and only the parts that they use."""
        kept = tuple(pairs)
        return replace(
            self,
            pairs=kept,
            pools=_select_parts(self.pools, (pair.pool for pair in kept)),
            queries=_select_parts(self.queries, (pair.queries for pair in kept)),
            qrels=_select_parts(self.qrels, (pair.qrels for pair in kept)),
        )

    def used_pools(self) -> Iterator[Texts]:
        """Yield each pool that a pair uses, once, in the order of the pairs."""
        return (self.pools[key] for key in dict.fromkeys(pair.pool for pair in self.pairs))

    def used_queries(self) -> Iterator[Texts]:
        """Yield each query set that a pair uses, once, in the order of the pairs."""
        return (self.queries[key] for key in dict.fromkeys(pair.queries for pair in self.pairs))

    @cached_property
    def pool_languages(self) -> tuple[str, ...]:
        """Languages of a mixed pool, sorted; none for pools of one language each."""
        return tuple(sorted({str(language) for pool in self.pools.values() for language in pool.languages}))

    @property
    def is_mixed(self) -> bool:
        """Whether the passages of a pool are in several languages, so that language bias is measured."""
        return bool(self.pool_languages)

    def pair_fingerprint(self, pair: TaskPair) -> str:
        """Return a 128-bit hash of everything that decides one pair's score apart from the encoder."""
        return content_hash(
            str(pair),
            self.queries_of(pair).fingerprint,
            self.passages_of(pair).fingerprint,
            self._qrels_fingerprints[pair.qrels] if pair.qrels else hash_qrels({}),
            self._answers_fingerprint,
            *(part for own in sorted(self.own_passages.get(pair.queries, {}).items()) for part in own),
        )

    @cached_property
    def _qrels_fingerprints(self) -> Mapping[str, str]:
        return {key: hash_qrels(qrels) for key, qrels in self.qrels.items()}

    @cached_property
    def _answers_fingerprint(self) -> str:
        return content_hash(*(part for query in sorted(self.answers) for part in (query, *self.answers[query], "")))


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


def _select_parts(parts: Mapping[str, _T], keys: Iterable[str]) -> dict[str, _T]:
    wanted = set(keys)
    return {key: part for key, part in parts.items() if key in wanted}
