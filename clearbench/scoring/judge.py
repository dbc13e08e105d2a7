"""What a judge is: from an open pool to per-query scores, by the rule of the task.

A judge holds its dataset. What it needs from the pool is its own business: the rank of the only relevant passage is
enough where every query has one, everything else takes rankings. The rules are listed in `table`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from clearbench.common.arrays import Scores
from clearbench.common.errors import located
from clearbench.scoring.compute import DEPTH
from clearbench.search.engine import OpenPool
from clearbench.search.pool import Ranked
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
    """

    pair: TaskPair
    queries: tuple[str, ...]
    measures: tuple[str, ...]
    scores: Scores
    skipped: tuple[str, ...] = ()
    ranked: Ranked | None = None


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

    def verify(self, pool: OpenPool, scored: PairScores) -> None:
        """Score again by another way where there is one; a difference is a ScoringError."""


def rank_pairs(data: Dataset, pool: OpenPool, pairs: Sequence[TaskPair]) -> list[Ranked]:
    """Return the rankings of pairs, which search their pool together.

    Args:
        data: The pairs' dataset.
        pool: Their pool, open.
        pairs: At least one pair.
    Raises:
        SearchError: The message names the first pair.
    """
    with located(f"{data.task} {pairs[0]}"):
        return pool.top([data.queries_of(pair) for pair in pairs], DEPTH)
