"""The interface of searching: an engine opens passage pools, and an open pool ranks passages for queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clearbench.common.arrays import IntArray, Scores
from clearbench.encoders.vectors.embed import NOTHING_TO_ENCODE, EncodingPlan, EncodingReport
from clearbench.encoders.vectors.estimate import Estimate
from clearbench.search.pool import Pool, Rankings
from clearbench.tasks.dataset import Dataset, Texts


@dataclass(frozen=True)
class Work:
    """What an engine has to encode before it can search.

    Attributes:
        datasets: The tasks that are searched afterwards.
        plan: The distinct texts of their pairs; none where the engine searches words.
        num_missing: Number of distinct texts that have no vector yet.
    """

    datasets: tuple[Dataset, ...]
    plan: EncodingPlan = NOTHING_TO_ENCODE
    num_missing: int = 0


class OpenPool(Protocol):
    """A passage pool ready to be searched."""

    @property
    def passages(self) -> Pool:
        """Ids of the passages, and which of them have equal texts."""

    @property
    def oddities(self) -> tuple[str, ...]:
        """What a record should note about the pool, one sentence each."""

    def query_oddities(self, queries: Texts) -> tuple[str, ...]:
        """Return what a record should note about a query set, one sentence each."""

    def gold_ranks(self, queries: Texts, gold_Q: IntArray) -> tuple[IntArray, IntArray]:
        """Return the rank of the passage at gold_Q[q] for each query, and the first passage, int64 [Q] each."""

    def relevant_ranks(self, queries: Texts, gold_QG: IntArray) -> tuple[IntArray, Scores]:
        """Return rank and tie-free rank of each relevant passage, [Q, G]; see `exact.relevant_ranks_by_blocks`."""

    def rank(self, query_sets: Sequence[Texts], depth: int) -> list[Rankings]:
        """Return the best `depth` passages of each query in trec_eval's order, per query set, in one search."""


class Engine(Protocol):
    """Encodes what searching needs, and opens passage pools."""

    def plan(self, datasets: Sequence[Dataset]) -> Work:
        """Collect the texts that the datasets' pairs need."""

    def estimate(self, work: Work) -> Estimate | None:
        """Estimate how long encoding will take; None where nothing is ever encoded."""

    def prepare(self, work: Work) -> EncodingReport:
        """Encode the texts that have no vector yet; afterwards the pools of the work's datasets can be opened."""

    def open(self, passages: Texts) -> OpenPool:
        """Make a pool ready for any number of query sets."""
