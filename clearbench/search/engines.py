"""Two ways to search a passage pool behind one small interface: vectors and BM25."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clearbench.encoders.base import DenseEncoder, FloatArray, IntArray
from clearbench.encoders.lexical import Lexical, LexicalIndex
from clearbench.encoders.store import EmbeddingStore, text_keys
from clearbench.search.exact import gold_ranks, inner_products, top_by_faiss, top_by_rows
from clearbench.search.ranking import Pool, Ranked, make_pool
from clearbench.tasks.retrieval import Texts


class OpenPool(Protocol):
    """A passage pool ready to be searched."""

    @property
    def pool(self) -> Pool:
        """The pool's ids and equal texts."""

    def gold_ranks(self, queries: Sequence[str], gold_Q: IntArray, what: str) -> IntArray:
        """Rank of the passage at position gold_Q[q] for each query, int64 [Q], from 1."""

    def top(self, queries: Sequence[str], depth: int, what: str) -> Ranked:
        """The best `depth` passages of each query, in trec_eval's order."""


class Engine(Protocol):
    """Opens passage pools."""

    def open(self, passages: Texts) -> OpenPool:
        """Make a pool ready; all query languages then search it together."""


@dataclass(frozen=True)
class DenseEngine:
    """Searches by inner product over vectors that the store already holds."""

    encoder: DenseEncoder
    store: EmbeddingStore

    def open(self, passages: Texts) -> "DensePool":
        """See Engine."""
        keys = text_keys(self.encoder, passages.texts, "passage")
        pool, first = make_pool(passages.ids, [bytes(key) for key in keys])
        return DensePool(self, pool, self.store.get(keys[first]))

    def query_vectors(self, queries: Sequence[str]) -> FloatArray:
        """Vectors of queries, float32 [Q, D]."""
        return self.store.get(text_keys(self.encoder, queries, "query"))


@dataclass(frozen=True)
class DensePool:
    """An open pool of vectors; `vectors` are those of its distinct texts, float32 [U, D]."""

    engine: DenseEngine
    pool: Pool
    vectors: FloatArray

    def gold_ranks(self, queries: Sequence[str], gold_Q: IntArray, what: str) -> IntArray:
        """See OpenPool."""
        rows = inner_products(self.engine.query_vectors(queries), self.vectors)
        return gold_ranks(rows, gold_Q, self.pool, what)

    def top(self, queries: Sequence[str], depth: int, what: str) -> Ranked:
        """See OpenPool."""
        return top_by_faiss(self.engine.query_vectors(queries), self.vectors, self.pool, depth, what)


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

    def gold_ranks(self, queries: Sequence[str], gold_Q: IntArray, what: str) -> IntArray:
        """See OpenPool."""
        return gold_ranks(lambda start, stop: self.index.scores(queries[start:stop]), gold_Q, self.pool, what)

    def top(self, queries: Sequence[str], depth: int, what: str) -> Ranked:
        """See OpenPool."""
        rows = lambda start, stop: self.index.scores(queries[start:stop])  # noqa: E731
        return top_by_rows(rows, len(queries), self.pool, depth, what)
