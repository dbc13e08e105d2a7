"""The interface of judges: a judge computes per-query scores from an open pool, by the rule of the task.

A judge holds its dataset, and decides what it needs from the pool: the rank of the only relevant passage is enough
where every query has one; all other judges need rankings. The rules are listed in `table`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import ScoringError, locate_errors
from clearbench.scoring.compute import DEPTH
from clearbench.search.engine import OpenPool
from clearbench.search.pool import Rankings
from clearbench.tasks.dataset import Dataset, TaskPair


@dataclass(frozen=True)
class PairScores:
    """Scores of one pair.

    Attributes:
        pair: The pair.
        queries: Scored query ids.
        measures: Measure names.
        scores: float64 [Q, M].
        skipped: Query ids that the protocol leaves out.
        ranked: The rankings of all the pair's queries, where they were needed or asked for.
        firsts: Position of the first passage of each scored query, int64 [Q], where scores came from ranks.
    """

    pair: TaskPair
    queries: tuple[str, ...]
    measures: tuple[str, ...]
    scores: Scores
    skipped: tuple[str, ...] = ()
    ranked: Rankings | None = None
    firsts: IntArray | None = None

    def rankings(self) -> Rankings:
        """Return the rankings of a pair that was scored with them.

        Raises:
            ScoringError: It was scored without them.
        """
        if self.ranked is None:
            raise ScoringError(f"{self.pair} was scored without its rankings: pass `rankings=True` to the judge.")
        return self.ranked


class Judge(Protocol):
    """One task's data with the rule that scores it."""

    @property
    def data(self) -> Dataset:
        """What is judged."""

    @property
    def settings(self) -> Mapping[str, str | int]:
        """Settings of the rule that belong to a result's identity."""

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """Score pairs that share a pool, in their order.

        Args:
            pool: Their pool, open.
            pairs: Pairs of `data`.
            rankings: Also return rankings where the scores do not need them.
        """

    def verify(self, pool: OpenPool, pair_scores: PairScores) -> None:
        """Compute the scores by a second implementation if there is one; a difference is a ScoringError."""


def rank_pairs(data: Dataset, pool: OpenPool, pairs: Sequence[TaskPair]) -> list[Rankings]:
    """Return the rankings of pairs that share a pool, from one search.

    Args:
        data: The pairs' dataset.
        pool: Their pool, open.
        pairs: At least one pair.
    Raises:
        SearchError: The message names the first pair.
    """
    with locate_errors(f"{data.task} {pairs[0]}"):
        depth = DEPTH + any(data.own_passages.get(pair.queries) for pair in pairs)
        ranked = pool.rank([data.queries_of(pair) for pair in pairs], depth)
    return [_leave_out_own(data, pool, pair, best) for pair, best in zip(pairs, ranked, strict=True)]


def _leave_out_own(data: Dataset, pool: OpenPool, pair: TaskPair, ranked: Rankings) -> Rankings:
    """Return a ranking cut to DEPTH, with the passages that are the queries themselves left out.

    In a pool of fewer passages they come last instead, with a lower score than all others. They are not judged for any
    query, so they change no measure there.
    """
    own = data.own_passages.get(pair.queries, {})
    index = {passage: place for place, passage in enumerate(pool.passages.ids)} if own else {}
    own_Q = np.array([index.get(own.get(query, ""), -1) for query in data.queries_of(pair).ids], dtype=np.int64)
    is_own = ranked.positions == own_Q[:, None]
    order = np.argsort(is_own, axis=1, kind="stable")
    lowest = ranked.scores.min(axis=1, keepdims=True, initial=0.0)
    scores = np.where(is_own, 2 * lowest - 1, ranked.scores).astype(np.float32)
    return Rankings(
        np.take_along_axis(ranked.positions, order, axis=1)[:, :DEPTH],
        np.take_along_axis(scores, order, axis=1)[:, :DEPTH],
    )
