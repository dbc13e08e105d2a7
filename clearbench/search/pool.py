"""The order of passages by trec_eval's rule: score descending as float32, ties by passage id descending.

Shape letters: Q queries, P passages of a pool, U distinct passage texts, K kept passages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import SearchError


@dataclass(frozen=True)
class Pool:
    """Passage ids of a pool, and which of them have the same text.

    Attributes:
        ids: Passage ids, unique.
        distinct: Position of each passage's text among the distinct texts, int64 [P]. Passages with equal text share
            one score, so that their tie is exact however the matrix product is split into blocks.
    """

    ids: tuple[str, ...]
    distinct: IntArray

    def __post_init__(self) -> None:
        if not self.ids:
            raise SearchError("A passage pool is empty; there is nothing to search.")

    @property
    def num_distinct(self) -> int:
        """Number of distinct texts."""
        return int(self.distinct.max()) + 1

    @cached_property
    def precedence(self) -> IntArray:
        """Place of each passage among equal scores, int64 [P]: 0 for the greatest id."""
        order = sorted(range(len(self.ids)), key=lambda position: self.ids[position], reverse=True)
        precedence = np.empty(len(order), dtype=np.int64)
        precedence[order] = np.arange(len(order))
        return precedence

    @cached_property
    def members(self) -> tuple[IntArray, IntArray]:
        """The pair (order, starts): order[starts[u]:starts[u + 1]] are the passages with distinct text u."""
        order = np.lexsort((self.precedence, self.distinct)).astype(np.int64)
        counts = np.bincount(self.distinct, minlength=self.num_distinct)
        return order, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @cached_property
    def best_members(self) -> IntArray:
        """Position of the passage that precedes the others with the same text, for each distinct text, int64 [U]."""
        order, starts = self.members
        return order[starts[:-1]]


@dataclass(frozen=True)
class Rankings:
    """The best passages of each query, in order.

    Attributes:
        positions: Positions in the pool, int64 [Q, K]; K is the depth or the pool's size.
        scores: float32 [Q, K].
    """

    positions: IntArray
    scores: FloatArray


def split_rankings(ranked: Rankings, lengths: Sequence[int]) -> list[Rankings]:
    """Cut a ranking of joined query sets back into one per set."""
    ends = np.cumsum(lengths)
    bounds = zip(ends - lengths, ends, strict=True)
    return [Rankings(ranked.positions[start:stop], ranked.scores[start:stop]) for start, stop in bounds]


def make_pool(ids: Sequence[str], keys: Sequence[bytes]) -> tuple[Pool, IntArray]:
    """Return the pool, and the position of the first passage of each distinct key, int64 [U]."""
    seen: dict[bytes, int] = {}
    first: list[int] = []
    distinct = np.empty(len(ids), dtype=np.int64)
    for position, key in enumerate(keys):
        if key not in seen:
            seen[key] = len(first)
            first.append(position)
        distinct[position] = seen[key]
    return Pool(tuple(ids), distinct), np.array(first, dtype=np.int64)


def order_scores(score_QU: FloatArray, pool: Pool, depth: int) -> Rankings:
    """Rank the passages of a pool by whole rows of scores.

    Args:
        score_QU: Scores of distinct texts, float32 [Q, U].
        pool: The pool.
        depth: Passages kept per query.
    """
    depth = min(depth, len(pool.ids))
    positions = np.empty((len(score_QU), depth), dtype=np.int64)
    scores = np.empty((len(score_QU), depth), dtype=np.float32)
    for row, score_U in enumerate(score_QU):
        score_P = score_U[pool.distinct]
        last = np.partition(score_P, len(score_P) - depth)[len(score_P) - depth]
        reached = np.flatnonzero(score_P >= last)
        order = reached[np.lexsort((pool.precedence[reached], -score_P[reached]))[:depth]]
        positions[row], scores[row] = order, score_P[order]
    return Rankings(positions, scores)


def gold_ranks_of_block(score_QU: FloatArray, gold_Q: IntArray, pool: Pool) -> IntArray:
    """Return the rank of one gold passage per query, from 1: 1 + #(score > gold) + #(score == gold and id > gold's id).

    Args:
        score_QU: Scores of distinct texts, float32 [Q, U].
        gold_Q: Position of the gold passage in the pool, int64 [Q].
        pool: The pool.
    Returns:
        int64 [Q]. Equal to the rank that trec_eval's order gives, ties included.
    """
    score_QP = score_QU if pool.num_distinct == len(pool.ids) else score_QU[:, pool.distinct]
    gold_score = score_QP[np.arange(len(gold_Q)), gold_Q][:, None]
    above: NDArray[np.int64] = np.count_nonzero(score_QP > gold_score, axis=1)
    ranks = 1 + above
    for row in np.flatnonzero(np.count_nonzero(score_QP >= gold_score, axis=1) > ranks):
        tied = np.flatnonzero(score_QP[row] == gold_score[row])
        ranks[row] += np.count_nonzero(pool.precedence[tied] < pool.precedence[gold_Q[row]])
    return ranks


def relevant_ranks_of_query(score_U: FloatArray, gold_G: IntArray, pool: Pool) -> tuple[IntArray, NDArray[np.float64]]:
    """Return the ranks of several relevant passages of one query, from its whole row of scores.

    Args:
        score_U: Scores of distinct texts, float32 [U].
        gold_G: Positions of the relevant passages in the pool, int64 [G]; padded with -1.
        pool: The pool.
    Returns:
        (rank, middle): the rank by trec_eval's order, int64 [G], 0 as padding; and the mean of the ranks that passages
        with the same score take, float64 [G], NaN as padding. With the second, no id decides a tie.
    """
    score_P = score_U[pool.distinct]
    ascending = np.sort(score_P)
    filled = np.flatnonzero(gold_G >= 0)
    value = score_P[gold_G[filled]]
    above = len(score_P) - np.searchsorted(ascending, value, side="right")
    tied = len(score_P) - np.searchsorted(ascending, value, side="left") - above
    rank_of_filled = above + 1
    for shared in np.unique(value[tied > 1]):
        precedence = np.sort(pool.precedence[score_P == shared])
        members = np.flatnonzero(value == shared)
        rank_of_filled[members] += np.searchsorted(precedence, pool.precedence[gold_G[filled[members]]])
    rank = np.zeros(len(gold_G), dtype=np.int64)
    middle = np.full(len(gold_G), np.nan)
    rank[filled], middle[filled] = rank_of_filled, above + (tied + 1) / 2
    return rank, middle


def check_scores(score: FloatArray) -> None:
    """Refuse scores that cannot be ranked.

    Raises:
        SearchError: A score is NaN or infinite.
    """
    with np.errstate(invalid="ignore"):  # of infinities of both signs
        total = score.sum(dtype=np.float64)  # one quick pass; NaN and infinities survive a sum
    if not np.isfinite(total):
        raise SearchError(
            f"{int((~np.isfinite(score)).sum()):,} scores are NaN or infinite, so they cannot be ranked: the vectors' "
            "values are too large for an inner product in float32. Scale them down."
        )
