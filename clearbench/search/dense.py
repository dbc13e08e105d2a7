"""Search by the inner product of vectors."""

from collections.abc import Sequence

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray, Scores
from clearbench.encoders.adjust.adjuster import Adjuster
from clearbench.encoders.adjust.encoder import AdjustedEncoder
from clearbench.encoders.base import DenseEncoder
from clearbench.encoders.vectors.embed import EncodingReport, encode_missing, plan_encoding
from clearbench.encoders.vectors.estimate import Estimate, estimate_seconds
from clearbench.encoders.vectors.store import EmbeddingStore, text_keys
from clearbench.search.engine import Work
from clearbench.search.exact import gold_ranks_by_blocks, rank_by_vectors, relevant_ranks_by_blocks
from clearbench.search.pool import Pool, Rankings, make_pool, split_rankings
from clearbench.search.scores import InnerProducts, Vectors, measure_vectors, refuse_underflow
from clearbench.tasks.dataset import Dataset, Texts


class DenseEngine:
    """Searches the vectors of one encoder.

    Vectors of query sets are kept once fetched, because every pool of a task is searched with the same sets.
    """

    def __init__(self, encoder: DenseEncoder, store: EmbeddingStore, adjusted: AdjustedEncoder | None = None) -> None:
        """Make an engine.

        Args:
            encoder: Makes the vectors.
            store: Keeps them.
            adjusted: Changes vectors between store and search; its base is `encoder`.
        """
        self._encoder = encoder
        self._store = store
        self._adjusted = adjusted
        self._adjuster: Adjuster | None = None
        self._fetched: dict[str, Vectors] = {}

    def plan(self, datasets: Sequence[Dataset]) -> Work:
        """See Engine; a correction adds the texts that it is estimated from."""
        extra_parts = self._adjusted.parts(datasets) if self._adjusted else []
        plan = plan_encoding(self._encoder, datasets, extra_parts)
        return Work(tuple(datasets), plan, int((~self._store.contains(plan.keys)).sum()))

    def estimate(self, work: Work) -> Estimate:
        """See Engine."""
        return estimate_seconds(self._encoder, self._store, work.plan)

    def prepare(self, work: Work) -> EncodingReport:
        """See Engine.

        Raises:
            EncoderError: A vector is not finite; the message names the text. Vectors before it are kept.
            StoreError: The store cannot be written.
        """
        report = encode_missing(self._encoder, self._store, work.plan)
        if self._adjusted:
            self._adjuster = self._adjusted.fit(self._store, work.datasets)
        return report

    def open(self, passages: Texts) -> "DensePool":
        """See Engine."""
        keys = text_keys(self._encoder, passages.texts, "passage")
        identities = [bytes(key) for key in keys]
        if self._adjuster and passages.languages:  # then equal texts in two languages have different vectors
            identities = [key + str(lang).encode() for key, lang in zip(identities, passages.languages, strict=True)]
        pool, first = make_pool(passages.ids, identities)
        vectors = self._store.get(keys[first])
        if self._adjuster:
            languages = passages.each_language
            vectors = self._adjuster(vectors, [languages[place] for place in first], "passage")
        return DensePool(self, pool, measure_vectors(vectors), _find_oddities(passages, vectors))

    def query_vectors(self, queries: Texts) -> Vectors:
        """Return the vectors of a query set, [Q, D]."""
        if queries.fingerprint not in self._fetched:
            vectors = self._store.get(text_keys(self._encoder, queries.texts, "query"))
            if self._adjuster:
                vectors = self._adjuster(vectors, queries.each_language, "query")
            self._fetched[queries.fingerprint] = measure_vectors(vectors)
        return self._fetched[queries.fingerprint]


class DensePool:
    """An open pool of vectors."""

    def __init__(self, engine: DenseEngine, pool: Pool, vectors: Vectors, oddities: tuple[str, ...] = ()) -> None:
        """Make an open pool.

        Args:
            engine: Gives the vectors of query sets.
            pool: The pool's ids and equal texts.
            vectors: Vectors of the pool's distinct texts, [U, D].
            oddities: See OpenPool.
        """
        self.passages = pool
        self.oddities = oddities
        self._engine = engine
        self.vectors = vectors

    def query_oddities(self, queries: Texts) -> tuple[str, ...]:
        """See OpenPool."""
        if len(set(queries.texts)) < 2 or not _are_equal(self._engine.query_vectors(queries).values):
            return ()
        return (
            f"{queries.language}: all {len(queries):,} queries have the same vector, so all have the same ranking. "
            "The model is broken.",
        )

    def gold_ranks(self, queries: Texts, gold_Q: IntArray) -> tuple[IntArray, IntArray]:
        """See OpenPool."""
        return gold_ranks_by_blocks(self._scores(queries), gold_Q, self.passages)

    def relevant_ranks(self, queries: Texts, gold_QG: IntArray) -> tuple[IntArray, Scores]:
        """See OpenPool."""
        return relevant_ranks_by_blocks(self._scores(queries), gold_QG, self.passages)

    def rank(self, query_sets: Sequence[Texts], depth: int) -> list[Rankings]:
        """See OpenPool."""
        if not query_sets:
            return []
        sets = [self._engine.query_vectors(queries) for queries in query_sets]
        joined = Vectors(
            np.concatenate([vectors.values for vectors in sets]), np.concatenate([vectors.lengths for vectors in sets])
        )
        refuse_underflow(joined, self.vectors)
        return split_rankings(
            rank_by_vectors(joined, self.vectors, self.passages, depth), [len(vectors.values) for vectors in sets]
        )

    def _scores(self, queries: Texts) -> InnerProducts:
        vectors = self._engine.query_vectors(queries)
        refuse_underflow(vectors, self.vectors)
        return InnerProducts(vectors, self.vectors)


def _find_oddities(passages: Texts, vectors: FloatArray) -> tuple[str, ...]:
    """Return what is odd about the vectors of a pool's distinct texts, float32 [U, D]."""
    if len(vectors) < 2 or not _are_equal(vectors):
        return ()
    return (
        f"{passages.language}: all {len(vectors):,} passages have the same vector, so nothing but their ids decides "
        "how they are ranked. The model is broken.",
    )


def _are_equal(vectors: FloatArray) -> bool:
    """Return whether all of two or more vectors, float32 [N, D], are the same; two that differ are enough to say no."""
    return not ((vectors[1] != vectors[0]).any() or (vectors != vectors[0]).any())
