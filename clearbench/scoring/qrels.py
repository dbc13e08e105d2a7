"""Judging by relevance judgements (qrels): trec_eval's measures, from ranks where these are enough."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from clearbench.common.errors import DataError, ScoringError, locate_errors
from clearbench.scoring.compute import MEASURE_NAMES, find_difference, score_ranks, score_run
from clearbench.scoring.judge import PairScores, rank_pairs
from clearbench.search.engine import OpenPool
from clearbench.search.pool import Rankings
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair


class QrelsJudge:
    """Relevance judgements, by trec_eval's measures."""

    settings: Mapping[str, str | int] = MappingProxyType({"judged_by": "qrels", "search": "exact"})

    def __init__(self, data: Dataset) -> None:
        """Judge a dataset."""
        self.data = data

    def score(self, pool: OpenPool, pairs: Sequence[TaskPair], rankings: bool = False) -> Iterator[PairScores]:
        """See Judge; queries without a relevant passage are skipped.

        Raises:
            DataError: A judged passage is not in the pool.
            SearchError, ScoringError: The message names the pair.
        """
        position = {passage: place for place, passage in enumerate(pool.passages.ids)}
        shared = {key: self._gold_of_qrels(key, position) for key in dict.fromkeys(pair.qrels for pair in pairs)}
        golds = [self._gold_of_pair(pair, shared[pair.qrels]) for pair in pairs]
        needed = [pair for pair, gold in zip(pairs, golds, strict=True) if rankings or gold is None]
        ranked = dict(zip(needed, rank_pairs(self.data, pool, needed) if needed else (), strict=True))
        for pair, gold in zip(pairs, golds, strict=True):
            with locate_errors(f"{self.data.task} {pair}"):
                if gold is None:
                    pair_scores = self._score_rankings(pool, pair, ranked[pair])
                else:
                    queries = self.data.queries_of(pair)
                    gold_Q = np.array([position[gold[query]] for query in queries.ids], dtype=np.int64)
                    ranks, firsts = pool.gold_ranks(queries, gold_Q)
                    scores = score_ranks(ranks)
                    pair_scores = PairScores(
                        pair=pair,
                        queries=queries.ids,
                        measures=MEASURE_NAMES,
                        scores=scores,
                        ranked=ranked.get(pair),
                        firsts=firsts,
                    )
            yield pair_scores

    def verify(self, pool: OpenPool, pair_scores: PairScores) -> None:
        """Score the rankings through pytrec_eval, and compare.

        Raises:
            ScoringError: A score differs by more than SAME_SCORE.
        """
        run = make_run(self.data.queries_of(pair_scores.pair).ids, pair_scores.rankings(), pool)
        reference = score_run(run, self.data.qrels_of(pair_scores.pair), pair_scores.queries)
        if difference := find_difference(pair_scores.scores, reference):
            row, column = difference
            measure, query = pair_scores.measures[column], pair_scores.queries[row]
            raise ScoringError(
                f"{self.data.task} {pair_scores.pair}: {measure} of query {query!r} is "
                f"{pair_scores.scores[row, column]!r}, pytrec_eval says {reference[row, column]!r}. Please report this."
            )

    def _score_rankings(self, pool: OpenPool, pair: TaskPair, ranked: Rankings) -> PairScores:
        queries, qrels = self.data.queries_of(pair).ids, self.data.qrels_of(pair)
        judged = tuple(query for query in queries if any(r > 0 for r in qrels.get(query, {}).values()))
        scores = score_run(make_run(queries, ranked, pool), qrels, judged)
        counted = set(judged)
        skipped = tuple(query for query in queries if query not in counted)
        return PairScores(
            pair=pair, queries=judged, measures=MEASURE_NAMES, scores=scores, skipped=skipped, ranked=ranked
        )

    def _gold_of_qrels(self, key: str, position: Mapping[str, int]) -> Mapping[str, str] | None:
        qrels = self.data.qrels[key]
        lost = {passage for judgements in qrels.values() for passage in judgements if passage not in position}
        if lost:
            pair = next(pair for pair in self.data.pairs if pair.qrels == key)
            raise DataError(
                f"{self.data.task} {pair}: {len(lost)} judged passages are not in the pool, first {min(lost)!r}. "
                f"Run `clearbench tasks check {self.data.task}`."
            )
        return gold_passages(qrels)

    def _gold_of_pair(self, pair: TaskPair, gold: Mapping[str, str] | None) -> Mapping[str, str] | None:
        """Return query -> its only relevant passage, if all the pair's queries have one and rank the whole pool."""
        if self.data.own_passages.get(pair.queries):
            return None
        return gold if gold and all(query in gold for query in self.data.queries_of(pair).ids) else None


def make_run(queries: Sequence[str], ranked: Rankings, pool: OpenPool) -> dict[str, dict[str, float]]:
    """Return a ranking as a run: query id -> passage id -> score.

    Args:
        queries: Query ids, in the ranking's order.
        ranked: The ranking.
        pool: The pool that was searched.
    """
    ids = pool.passages.ids
    return {
        query: dict(zip([ids[p] for p in positions], scores.tolist(), strict=True))
        for query, positions, scores in zip(queries, ranked.positions, ranked.scores, strict=True)
    }


def gold_passages(qrels: Qrels) -> dict[str, str] | None:
    """Return query id -> its only relevant passage; None unless every query has exactly one."""
    gold = {}
    for query, judgements in qrels.items():
        relevant = [passage for passage, relevance in judgements.items() if relevance > 0]
        if len(relevant) != 1 or len(judgements) != 1:
            return None
        gold[query] = relevant[0]
    return gold
