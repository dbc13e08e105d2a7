"""Two ways to search a passage pool behind one small interface: vectors and BM25."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.encoders.adjust import Adjuster
from clearbench.encoders.base import DenseEncoder
from clearbench.encoders.bm25 import Lexical, LexicalIndex
from clearbench.encoders.store import EmbeddingStore, text_keys
from clearbench.search.exact import ScoreRows, gold_ranks, inner_products, relevant_ranks, top_by_faiss, top_by_rows
from clearbench.search.pool import Pool, Ranked, make_pool, split
from clearbench.tasks.dataset import Texts


class OpenPool(Protocol):
    """A passage pool ready to be searched."""

    @property
    def pool(self) -> Pool:
        """The pool's ids and equal texts."""

    def gold_ranks(self, queries: Texts, gold_Q: IntArray, what: str) -> IntArray:
        """Rank of the passage at position gold_Q[q] for each query, int64 [Q], from 1."""

    def relevant_ranks(self, queries: Texts, gold_QG: IntArray, what: str) -> tuple[IntArray, NDArray[np.float64]]:
        """Rank and tie-free rank of each query's relevant passages, [Q, G]; see search.exact."""

    def top(self, query_sets: Sequence[Texts], depth: int, what: str) -> list[Ranked]:
        """The best `depth` passages of each query in trec_eval's order, per query set; all sets search together."""


class Engine(Protocol):
    """Opens passage pools."""

    def open(self, passages: Texts) -> OpenPool:
        """Make a pool ready for any number of query sets."""


@dataclass(frozen=True)
class DenseEngine:
    """Searches by inner product over vectors that the store already holds.

    Vectors of query sets are kept once fetched: a set meets every pool of its task.

    Attributes:
        encoder: Whose vectors the store holds.
        store: The vectors.
        adjuster: Changes vectors by language between store and search.
        fetched: Query vectors by the set's fingerprint.
    """

    encoder: DenseEncoder
    store: EmbeddingStore
    adjuster: Adjuster | None = None
    fetched: dict[str, FloatArray] = field(default_factory=dict)

    def open(self, passages: Texts) -> "DensePool":
        """See Engine."""
        keys = text_keys(self.encoder, passages.texts, "passage")
        same = [bytes(key) for key in keys]
        if self.adjuster and passages.languages:  # equal texts in two languages have different vectors then
            same = [key + str(lang).encode() for key, lang in zip(same, passages.languages, strict=True)]
        pool, first = make_pool(passages.ids, same)
        vectors = self.store.get(keys[first])
        if self.adjuster:
            languages = passages.each_language
            vectors = self.adjuster(vectors, [languages[place] for place in first], "passage")
        return DensePool(self, pool, vectors)

    def query_vectors(self, queries: Texts) -> FloatArray:
        """Vectors of a query set, float32 [Q, D]."""
        if queries.fingerprint not in self.fetched:
            vectors = self.store.get(text_keys(self.encoder, queries.texts, "query"))
            if self.adjuster:
                vectors = self.adjuster(vectors, queries.each_language, "query")
            self.fetched[queries.fingerprint] = vectors
        return self.fetched[queries.fingerprint]


@dataclass(frozen=True)
class DensePool:
    """An open pool of vectors; `vectors` are those of its distinct texts, float32 [U, D]."""

    engine: DenseEngine
    pool: Pool
    vectors: FloatArray

    def gold_ranks(self, queries: Texts, gold_Q: IntArray, what: str) -> IntArray:
        """See OpenPool."""
        return gold_ranks(inner_products(self.engine.query_vectors(queries), self.vectors), gold_Q, self.pool, what)

    def relevant_ranks(self, queries: Texts, gold_QG: IntArray, what: str) -> tuple[IntArray, NDArray[np.float64]]:
        """See OpenPool."""
        return relevant_ranks(
            inner_products(self.engine.query_vectors(queries), self.vectors), gold_QG, self.pool, what
        )

    def top(self, query_sets: Sequence[Texts], depth: int, what: str) -> list[Ranked]:
        """See OpenPool."""
        if not query_sets:
            return []
        query_QD = np.concatenate([self.engine.query_vectors(queries) for queries in query_sets])
        return split(top_by_faiss(query_QD, self.vectors, self.pool, depth, what), [len(q) for q in query_sets])


@dataclass(frozen=True)
class LexicalEngine:
    """Searches with BM25."""

    lexical: Lexical

    def open(self, passages: Texts) -> "LexicalPool":
        """See Engine. Only distinct texts are indexed, as for vectors, so document frequencies count each once."""
        pool, first = make_pool(passages.ids, [text.encode() for text in passages.texts])
        return LexicalPool(pool, self.lexical.index([passages.texts[position] for position in first]))


@dataclass(frozen=True)
class LexicalPool:
    """An open pool of indexed texts."""

    pool: Pool
    index: LexicalIndex

    def gold_ranks(self, queries: Texts, gold_Q: IntArray, what: str) -> IntArray:
        """See OpenPool."""
        return gold_ranks(self._rows(queries), gold_Q, self.pool, what)

    def relevant_ranks(self, queries: Texts, gold_QG: IntArray, what: str) -> tuple[IntArray, NDArray[np.float64]]:
        """See OpenPool."""
        return relevant_ranks(self._rows(queries), gold_QG, self.pool, what)

    def top(self, query_sets: Sequence[Texts], depth: int, what: str) -> list[Ranked]:
        """See OpenPool."""
        return [top_by_rows(self._rows(queries), len(queries), self.pool, depth, what) for queries in query_sets]

    def _rows(self, queries: Texts) -> ScoreRows:
        return lambda start, stop: self.index.scores(queries.texts[start:stop])
