"""Exact search: every query against every passage of a pool.

Scores are computed as `search.scores` states, so neither ranks nor rankings depend on blocks, threads, or on which of
these functions computes them.

Shape letters: Q queries, R queries of a block, P passages of a pool, U distinct passage texts, K kept passages,
D dimensions, F fetched texts, G relevant passages of a query.
"""

from collections.abc import Iterator

import numpy as np

from clearbench.common.arrays import FloatArray, IntArray, Scores
from clearbench.search.pool import (
    Pool,
    Rankings,
    check_scores,
    gold_ranks_of_block,
    order_scores,
    relevant_ranks_of_query,
)
from clearbench.search.scores import BlockScores, InnerProducts, Vectors, pair_scores, product_margins

# Scores in memory at a time: few enough to stay in the processor's cache (4 MB), but for large pools enough queries for
# an efficient matrix product (at most 256 MB). This bounds time and memory; the result does not depend on it.
BLOCK_SCORES = 1_000_000
BLOCK_QUERIES = 64
MOST_SCORES = 64_000_000
# Texts that FAISS fetches beyond the depth. Few queries have more texts than these within the error.
SPARE = 28
# Factor by which more texts are fetched for the queries that need more.
GROWTH = 4
# In a pool of up to this many times the depth, whole rows of scores are quicker than FAISS.
SMALL_POOL = 10


def gold_ranks_by_blocks(scores: BlockScores, gold_Q: IntArray, pool: Pool) -> tuple[IntArray, IntArray]:
    """Return the rank of each query's only relevant passage and the first passage, without keeping any ranking.

    Args:
        scores: Scores of the queries.
        gold_Q: Position of the relevant passage in the pool, int64 [Q].
        pool: The pool.
    Returns:
        Ranks from 1, and positions of the passages with rank 1, int64 [Q] each.
    Raises:
        SearchError: A score is not finite.
    """
    ranks, firsts = np.empty(len(gold_Q), dtype=np.int64), np.empty(len(gold_Q), dtype=np.int64)
    for start, stop in _blocks(len(gold_Q), pool):
        score_RU, margin_R = scores.rough_scores(start, stop)
        check_scores(score_RU)
        firsts[start:stop] = _firsts_of_block(scores, start, score_RU, margin_R, pool)
        gold_R = gold_Q[start:stop]
        low_R, high_R = _interval_around(score_RU[np.arange(stop - start), pool.distinct[gold_R]], margin_R)
        score_RP = score_RU if pool.num_distinct == len(pool.ids) else score_RU[:, pool.distinct]
        above_R = np.count_nonzero(score_RP > high_R[:, None], axis=1)
        reached_R = np.count_nonzero(score_RP >= low_R[:, None], axis=1)
        ranks[start:stop] = 1 + above_R
        # The relevant passage is always within the interval; where others are too, exact scores decide.
        row_S = np.flatnonzero(reached_R - above_R > 1)
        score_SU = score_RU[row_S]
        doubt_SU = (score_SU >= low_R[row_S, None]) & (score_SU <= high_R[row_S, None])
        scores.settle(start + row_S, score_SU, doubt_SU)
        ranks[start + row_S] = gold_ranks_of_block(score_SU, gold_R[row_S], pool)
    return ranks, firsts


def _firsts_of_block(scores: BlockScores, start: int, score_RU: FloatArray, margin_R: Scores, pool: Pool) -> IntArray:
    """Return the position of each query's first passage, int64 [R].

    Args:
        scores: Gives exact scores, where rough ones leave several texts that may come first.
        start: The block's first query.
        score_RU: The block's rough scores.
        margin_R: Largest error of each query's rough scores.
        pool: The pool.
    """
    text_R = score_RU.argmax(axis=1)
    first_R: IntArray = pool.best_members[text_R]
    low_R, _ = _interval_around(score_RU[np.arange(len(text_R)), text_R], margin_R)
    near_RU = score_RU >= low_R[:, None]
    row_S = np.flatnonzero(np.count_nonzero(near_RU, axis=1) > 1)
    score_SU, near_SU = score_RU[row_S], near_RU[row_S]
    scores.settle(start + row_S, score_SU, near_SU)
    row_N, text_N = np.nonzero(near_SU)
    passage_N = pool.best_members[text_N]
    order = np.lexsort((pool.precedence[passage_N], -score_SU[row_N, text_N], row_N))
    first_R[row_S] = passage_N[order[np.unique(row_N[order], return_index=True)[1]]]
    return first_R


def relevant_ranks_by_blocks(scores: BlockScores, gold_QG: IntArray, pool: Pool) -> tuple[IntArray, Scores]:
    """Return the ranks of all relevant passages of each query, without keeping any ranking.

    Args:
        scores: Scores of the queries.
        gold_QG: Positions of the relevant passages in the pool, int64 [Q, G]; padded with -1.
        pool: The pool.
    Returns:
        Rank and tie-free rank of each, [Q, G]; see `relevant_ranks_of_query`.
    Raises:
        SearchError: A score is not finite.
    """
    ranks, middles = np.zeros(gold_QG.shape, dtype=np.int64), np.full(gold_QG.shape, np.nan)
    for start, stop in _blocks(len(gold_QG), pool):
        score_RU = scores.exact_scores(start, stop)
        check_scores(score_RU)
        for row, score_U in enumerate(score_RU, start):
            ranks[row], middles[row] = relevant_ranks_of_query(score_U, gold_QG[row], pool)
    return ranks, middles


def rank_by_rows(scores: BlockScores, num_queries: int, pool: Pool, depth: int) -> Rankings:
    """Rank by whole rows of scores.

    Args:
        scores: Scores of the queries.
        num_queries: Number of queries.
        pool: The pool.
        depth: Passages kept per query.
    Raises:
        SearchError: A score is not finite.
    """
    parts = []
    for start, stop in _blocks(num_queries, pool):
        score_RU = scores.exact_scores(start, stop)
        check_scores(score_RU)
        parts.append(order_scores(score_RU, pool, depth))
    return Rankings(np.concatenate([p.positions for p in parts]), np.concatenate([p.scores for p in parts]))


def rank_by_vectors(queries: Vectors, passages: Vectors, pool: Pool, depth: int) -> Rankings:
    """Rank by inner products: by whole rows in a small pool, else with FAISS.

    Args:
        queries: Vectors of the queries, [Q, D].
        passages: Vectors of the distinct texts, [U, D].
        pool: The pool.
        depth: Passages kept per query.
    Raises:
        SearchError: A score is not finite.
    """
    if pool.num_distinct <= SMALL_POOL * depth:
        return rank_by_rows(InnerProducts(queries, passages), len(queries.values), pool, depth)
    return rank_by_faiss(queries, passages, pool, depth)


def rank_by_faiss(queries: Vectors, passages: Vectors, pool: Pool, depth: int) -> Rankings:
    """Rank what FAISS's exact inner-product search fetches.

    FAISS's products are float32, and their order among equal ones is undefined. So more texts than needed are fetched,
    until the last one of a query is certainly not among the first `depth`; the others are ranked by their exact scores.

    Args:
        queries: Vectors of the queries, [Q, D].
        passages: Vectors of the distinct texts, [U, D].
        pool: The pool.
        depth: Passages kept per query.
    Raises:
        SearchError: A score is not finite.
    """
    depth, num_texts = min(depth, len(pool.ids)), pool.num_distinct
    positions = np.empty((len(queries.values), depth), dtype=np.int64)
    scores = np.empty((len(queries.values), depth), dtype=np.float32)
    margin_Q = product_margins(queries.lengths, passages)
    open_Q, fetch = np.arange(len(queries.values)), min(depth + SPARE, num_texts)
    while len(open_Q):
        still_open = []
        for query_R in np.array_split(open_Q, -(-len(open_Q) * fetch // MOST_SCORES)):
            rough_RF, text_RF = _fetch(queries.values[query_R], passages.values, fetch)
            low_R, _ = _interval_around(rough_RF[:, min(depth, fetch) - 1], margin_Q[query_R])
            complete_R = (rough_RF[:, -1] < low_R) | (fetch == num_texts)
            still_open.append(query_R[~complete_R])
            for row in np.flatnonzero(complete_R):
                query, text_F = query_R[row], text_RF[row, rough_RF[row] >= low_R[row]]
                score_F = pair_scores(queries.values, np.full(len(text_F), query), passages.values, text_F)
                positions[query], scores[query] = _first_passages(text_F, score_F, pool, depth)
        open_Q, fetch = np.concatenate(still_open), min(fetch * GROWTH, num_texts)
    check_scores(scores)
    return Rankings(positions, scores)


def _fetch(query_RD: FloatArray, passage_UD: FloatArray, count: int) -> tuple[FloatArray, IntArray]:
    """Return the largest products of each query in descending order, float32 [R, F], and their texts, int64 [R, F]."""
    import faiss

    rough_RF, text_RF = faiss.knn(
        np.ascontiguousarray(query_RD), np.ascontiguousarray(passage_UD), count, metric=faiss.METRIC_INNER_PRODUCT
    )
    # FAISS leaves out what it cannot compare and pads with -1.
    check_scores(np.where(text_RF < 0, np.float32(np.nan), rough_RF))
    return rough_RF, text_RF


def _first_passages(text_F: IntArray, score_F: FloatArray, pool: Pool, depth: int) -> tuple[IntArray, FloatArray]:
    """Return the first passages with these texts, int64 [K], and their scores, float32 [K]."""
    order, starts = pool.members
    if pool.num_distinct == len(pool.ids):
        passages, values = order[text_F], score_F
    else:
        passages = np.concatenate([order[starts[text] : starts[text + 1]] for text in text_F])
        values = np.repeat(score_F, starts[text_F + 1] - starts[text_F])
    best = np.lexsort((pool.precedence[passages], -values))[:depth]
    return passages[best], values[best]


def _interval_around(rough_R: FloatArray, margin_R: Scores) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest rough score, float32 [R] each, of texts that may have the same exact score.

    Both rough scores may be off by the margin; the ends are rounded outwards.
    """
    low_R, high_R = (rough_R + sign * 2 * margin_R for sign in (-1, 1))
    outwards = np.float32(np.inf)
    return (
        np.where(margin_R > 0, np.nextafter(low_R.astype(np.float32), -outwards), rough_R),
        np.where(margin_R > 0, np.nextafter(high_R.astype(np.float32), outwards), rough_R),
    )


def _blocks(num_queries: int, pool: Pool) -> Iterator[tuple[int, int]]:
    size = len(pool.ids)
    rows = max(BLOCK_SCORES // size, min(BLOCK_QUERIES, MOST_SCORES // size), 1)
    for start in range(0, num_queries, rows):
        yield start, min(start + rows, num_queries)
