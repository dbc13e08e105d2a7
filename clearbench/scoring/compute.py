"""Retrieval measures per query as trec_eval defines them, through pytrec_eval, or from the one relevant rank.

Gain is linear, the discount is log2(rank + 1), and a passage is relevant when its judgement is above 0. Scores are not
rounded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import ScoringError
from clearbench.common.measures import RULES, SAME_SCORE

Ranking = Mapping[str, float]
"""passage id -> score"""


@dataclass(frozen=True)
class RankMeasure:
    """How one measure is computed.

    Attributes:
        name: As in tables and records: nDCG@10.
        trec: trec_eval's key for it: ndcg_cut_10.
        cutoff: Ranks that count.
        at_rank: Value when the only relevant passage is at these ranks, float64 like the ranks.
    """

    name: str
    trec: str
    cutoff: int
    at_rank: Callable[[Scores], Scores]


def _gain(rank: Scores) -> Scores:
    return 1.0 / np.log2(rank + 1.0)


def _full_score(rank: Scores) -> Scores:
    return np.ones_like(rank)


def _reciprocal_rank(rank: Scores) -> Scores:
    return 1.0 / rank


RECIPROCAL = "recip_rank"
"""trec_eval's key for the reciprocal rank. It has no cut-off: `recip_rank_10` silently gives the uncut one."""
FAMILIES: Mapping[str, tuple[str, Callable[[Scores], Scores]]] = MappingProxyType(
    {
        "nDCG": ("ndcg_cut_{}", _gain),
        "recall": ("recall_{}", _full_score),
        "MRR": (RECIPROCAL, _reciprocal_rank),
        "MAP": ("map_cut_{}", _reciprocal_rank),
        "success": ("success_{}", _full_score),
    }
)
"""Name before the cut-off -> trec_eval's key, and the value where the only relevant passage is at these ranks."""


def _rank_measure(name: str) -> RankMeasure:
    family, _, cutoff = name.partition("@")
    trec, at_rank = FAMILIES[family]
    return RankMeasure(name, trec.format(cutoff), int(cutoff), at_rank)


MEASURE_NAMES = RULES["qrels"].measures
MEASURES = tuple(map(_rank_measure, MEASURE_NAMES))
DEPTH = max(measure.cutoff for measure in MEASURES)


def score_ranks(ranks: IntArray) -> Scores:
    """Return every measure for queries with exactly one relevant passage, from that passage's rank.

    Args:
        ranks: Rank of the relevant passage per query, int64 [Q], from 1.
    Returns:
        float64 [Q, M], columns as MEASURES; equal to pytrec_eval's.
    """
    rank = ranks.astype(np.float64)
    return np.stack([np.where(ranks <= m.cutoff, m.at_rank(rank), 0.0) for m in MEASURES], axis=1)


def find_difference(scores: Scores, reference: Scores) -> tuple[int, int] | None:
    """Return row and column of the largest difference between two arrays; None if all are at most SAME_SCORE."""
    differences = np.abs(scores - reference)
    if not differences.max(initial=0.0) > SAME_SCORE:
        return None
    row, column = np.unravel_index(differences.argmax(), differences.shape)
    return int(row), int(column)


def score_run(run: Mapping[str, Ranking], qrels: Mapping[str, Mapping[str, int]], queries: Sequence[str]) -> Scores:
    """Return every measure through pytrec_eval, for every query asked for.

    pytrec_eval leaves out queries that are absent from the run, which flatters the mean; here they score 0.

    Args:
        run: query id -> passage id -> score.
        qrels: Judgements.
        queries: Query ids in the order of the result's rows; each must have a relevant passage.
    Returns:
        float64 [Q, M], columns as MEASURES.
    Raises:
        ScoringError: A query has no relevant passage, a score is not finite, or an id is one that trec_eval mishandles.
    """
    import pytrec_eval

    for query in queries:
        if not any(relevance > 0 for relevance in qrels.get(query, {}).values()):
            raise ScoringError(f"Query {query!r} has no relevant passage, so it cannot be scored.")
        if query == "no_query" or "\0" in query:
            raise ScoringError(f"Query id {query!r} cannot be given to trec_eval; choose another id.")
    wanted = {query: dict(qrels[query]) for query in queries}
    plain = {
        query: {passage: float(score) for passage, score in ranking.items()}
        for query, ranking in run.items()
        if query in wanted
    }
    if not all(np.isfinite(list(ranking.values())).all() for ranking in plain.values() if ranking):
        raise ScoringError("A run holds NaN or infinite scores.")
    keys = {measure.trec for measure in MEASURES if measure.trec != RECIPROCAL}
    values = pytrec_eval.RelevanceEvaluator(wanted, _request_strings(keys)).evaluate(plain)
    table = np.zeros((len(queries), len(MEASURES)))
    for column, measure in enumerate(MEASURES):
        if measure.trec == RECIPROCAL:
            firsts = {query: _first_passages(ranking, measure.cutoff) for query, ranking in plain.items()}
            found = pytrec_eval.RelevanceEvaluator(wanted, {RECIPROCAL}).evaluate(firsts)
        else:
            found = values
        table[:, column] = [found[query][measure.trec] if query in found else 0.0 for query in queries]
    return table


def _request_strings(keys: set[str]) -> set[str]:
    """Return trec_eval's request strings for result keys: ndcg_cut_10 -> ndcg_cut.10."""
    return {f"{family}.{cut}" for family, _, cut in (key.rpartition("_") for key in keys)}


def _first_passages(ranking: Ranking, depth: int) -> dict[str, float]:
    """Return the first passages of a ranking in trec_eval's order: float32 score descending, id descending."""
    order = sorted(ranking.items(), key=lambda item: (np.float32(item[1]), item[0]), reverse=True)
    return dict(order[:depth])
