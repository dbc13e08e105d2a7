"""Judging bitext mining: trec_eval's measures, and MTEB's f1 over the passages that come first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import ScoringError
from clearbench.common.measures import RULES
from clearbench.scoring.judge import PairScores
from clearbench.scoring.qrels import QrelsJudge, gold_passages
from clearbench.search.engine import OpenPool
from clearbench.tasks.dataset import Dataset, TaskPair


class BitextJudge:
    """Relevance judgements with one relevant passage per query: trec_eval's measures, and f1 (see `class_f1`)."""

    settings: Mapping[str, str | int] = MappingProxyType({"judged_by": "bitext", "search": "exact"})

    def __init__(self, data: Dataset) -> None:
        """Judge a dataset."""
        self.data = data
        self._qrels = QrelsJudge(data)

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """See Judge.

        Raises:
            ScoringError: A query has several relevant passages.
        """
        position = {passage: place for place, passage in enumerate(pool.passages.ids)}
        for pair_scores in self._qrels.score(pool, pairs, rankings):
            f1_Q = class_f1(*self._find_firsts_and_gold(pool, pair_scores, position), len(position))
            scores = np.column_stack([pair_scores.scores, f1_Q])
            yield replace(pair_scores, measures=RULES["bitext"].measures, scores=scores)

    def verify(self, pool: OpenPool, pair_scores: PairScores) -> None:
        """Score trec_eval's measures through pytrec_eval, see `QrelsJudge.verify`; f1 has no second implementation."""
        by_trec_eval = replace(pair_scores, measures=pair_scores.measures[:-1], scores=pair_scores.scores[:, :-1])
        self._qrels.verify(pool, by_trec_eval)

    def _find_firsts_and_gold(
        self, pool: OpenPool, pair_scores: PairScores, position: Mapping[str, int]
    ) -> tuple[IntArray, IntArray]:
        """Return the positions of the first and of the relevant passage of each scored query, int64 [Q] each."""
        queries, qrels = self.data.queries_of(pair_scores.pair), self.data.qrels_of(pair_scores.pair)
        gold = gold_passages({query: qrels[query] for query in pair_scores.queries})
        if gold is None:
            raise ScoringError(
                f"{self.data.task} {pair_scores.pair}: a query has several judged passages; judged_by = "
                '"bitext" expects one, the translation. Use judged_by = "qrels".'
            )
        gold_Q = np.array([position[gold[query]] for query in pair_scores.queries], dtype=np.int64)
        if pair_scores.firsts is not None:
            return pair_scores.firsts, gold_Q
        rows = [queries.index[query] for query in pair_scores.queries]
        return pair_scores.rankings().positions[rows, 0], gold_Q


def class_f1(predicted_Q: IntArray, gold_Q: IntArray, num_passages: int) -> Scores:
    """Return the F1 of each query's relevant passage as a class, float64 [Q]; the mean over queries is MTEB's f1.

    In MTEB's bitext mining the passage that comes first is the predicted class of a query, the relevant passage is its
    true class, and the measure is scikit-learn's `f1_score(average="weighted")`: the mean over classes of their F1,
    weighted by how many queries have the class. That is the mean over queries of the F1 of their class, so a query's
    share of it is a score of the query. With t queries of the class, p predictions of it and h of them right, F1 = 2h /
    (t + p); where each passage is relevant to one query, it is 2 / (1 + p) for a hit and 0 for a miss. So the score of
    a query falls when its passage also comes first for other queries.

    Args:
        predicted_Q: Position of the passage that comes first, int64 [Q].
        gold_Q: Position of the relevant passage, int64 [Q].
        num_passages: Passages of the pool.
    """
    hits_P = np.bincount(gold_Q[predicted_Q == gold_Q], minlength=num_passages)
    true_P, predicted_P = (np.bincount(places, minlength=num_passages) for places in (gold_Q, predicted_Q))
    f1_Q: Scores = 2.0 * hits_P[gold_Q] / (true_P + predicted_P)[gold_Q]
    return f1_Q
