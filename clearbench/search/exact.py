"""Exact search: every query against every passage of a pool, by inner product.

Shape letters: Q queries, P passages of a pool, U distinct passage texts, K kept passages, D dimensions, G relevant
passages of a query.
"""

from collections.abc import Callable, Iterator

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray, Scores
from clearbench.search.pool import Pool, Ranked, check_scores, order_scores, rank_of_gold, ranks_of_relevant

# Scores held at a time: few enough to stay in the processor's cache (4 MB), but for large pools enough queries for an
# efficient matrix product (at most 256 MB). This bounds time and memory; the result does not depend on it.
BLOCK_SCORES = 1_000_000
BLOCK_QUERIES = 64
MOST_SCORES = 64_000_000

ScoreRows = Callable[[int, int], FloatArray]
"""(start, stop) -> scores of those queries against the distinct texts, float32 [stop - start, U]."""


def inner_products(query_QD: FloatArray, passage_UD: FloatArray) -> ScoreRows:
    """Scores by matrix product, for block-wise use."""
    return lambda start, stop: query_QD[start:stop] @ passage_UD.T


def gold_ranks(score_rows: ScoreRows, gold_Q: IntArray, pool: Pool) -> IntArray:
    """Return the rank of each query's only relevant passage, without keeping any ranking.

    Args:
        score_rows: Gives blocks of scores.
        gold_Q: Position of the relevant passage in the pool, int64 [Q].
        pool: The pool.
    Returns:
        Ranks from 1, int64 [Q].
    Raises:
        SearchError: A score is not finite.
    """
    ranks = np.empty(len(gold_Q), dtype=np.int64)
    for start, stop in _blocks(len(gold_Q), pool):
        score_QU = score_rows(start, stop)
        check_scores(score_QU)
        ranks[start:stop] = rank_of_gold(score_QU, gold_Q[start:stop], pool)
    return ranks


def relevant_ranks(score_rows: ScoreRows, gold_QG: IntArray, pool: Pool) -> tuple[IntArray, Scores]:
    """Return the ranks of all relevant passages of each query, without keeping any ranking.

    Args:
        score_rows: Gives blocks of scores.
        gold_QG: Positions of the relevant passages in the pool, int64 [Q, G]; -1 fills up.
        pool: The pool.
    Returns:
        Rank and tie-free rank of each, [Q, G]; see `ranks_of_relevant`.
    Raises:
        SearchError: A score is not finite.
    """
    ranks, middles = np.zeros(gold_QG.shape, dtype=np.int64), np.full(gold_QG.shape, np.nan)
    for start, stop in _blocks(len(gold_QG), pool):
        score_QU = score_rows(start, stop)
        check_scores(score_QU)
        for row, score_U in enumerate(score_QU, start):
            ranks[row], middles[row] = ranks_of_relevant(score_U, gold_QG[row], pool)
    return ranks, middles


def top_by_rows(score_rows: ScoreRows, num_queries: int, pool: Pool, depth: int) -> Ranked:
    """Rank by whole rows of scores, for BM25 and other engines without vectors.

    Args:
        score_rows: Gives blocks of scores.
        num_queries: Number of queries.
        pool: The pool.
        depth: Passages kept per query.
    Raises:
        SearchError: A score is not finite.
    """
    parts = []
    for start, stop in _blocks(num_queries, pool):
        score_QU = score_rows(start, stop)
        check_scores(score_QU)
        parts.append(order_scores(score_QU, pool, depth))
    return Ranked(np.concatenate([p.positions for p in parts]), np.concatenate([p.scores for p in parts]))


def top_by_faiss(query_QD: FloatArray, passage_UD: FloatArray, pool: Pool, depth: int) -> Ranked:
    """Rank with FAISS's exact inner-product search.

    FAISS promises no order among equal scores. One passage more than needed is fetched; a query whose tie could
    reach over that edge is ranked again from its whole row, so membership at the cut follows the tie rule.

    Args:
        query_QD: Vectors of the queries, float32 [Q, D].
        passage_UD: Vectors of the distinct texts, float32 [U, D].
        pool: The pool.
        depth: Passages kept per query.
    Raises:
        SearchError: A score is not finite.
    """
    import faiss

    depth = min(depth, len(pool.ids))
    fetch = min(depth + 1, len(passage_UD))
    score_QF, found_QF = faiss.knn(
        np.ascontiguousarray(query_QD), np.ascontiguousarray(passage_UD), fetch, metric=faiss.METRIC_INNER_PRODUCT
    )
    # FAISS leaves out what it cannot compare and fills up with -1.
    check_scores(np.where(found_QF < 0, np.float32(np.nan), score_QF))
    order, starts = pool.members
    positions = np.empty((len(query_QD), depth), dtype=np.int64)
    scores = np.empty((len(query_QD), depth), dtype=np.float32)
    for row, (score_F, found_F) in enumerate(zip(score_QF, found_QF, strict=True)):
        if pool.num_distinct == len(pool.ids):
            passages, values = order[found_F], score_F
        else:
            passages = np.concatenate([order[starts[u] : starts[u + 1]] for u in found_F])
            values = np.repeat(score_F, starts[found_F + 1] - starts[found_F])
        best = np.lexsort((pool.precedence[passages], -values))[:depth]
        if fetch < pool.num_distinct and values[best[-1]] <= score_F.min():
            whole = order_scores((passage_UD @ query_QD[row])[None, :], pool, depth)
            positions[row], scores[row] = whole.positions[0], whole.scores[0]
        else:
            positions[row], scores[row] = passages[best], values[best]
    return Ranked(positions, scores)


def _blocks(num_queries: int, pool: Pool) -> Iterator[tuple[int, int]]:
    size = len(pool.ids)
    rows = max(BLOCK_SCORES // size, min(BLOCK_QUERIES, MOST_SCORES // size), 1)
    for start in range(0, num_queries, rows):
        yield start, min(start + rows, num_queries)
