"""How the language of a passage changes its rank in a pool that mixes languages.

Everything follows from the ranks of a query's relevant passages and the passage that comes first, so it is exact
whatever the pool's size. Measures of the top of a ranking (TLR@k, Max@R, top-1, nDCG) use trec_eval's order. Measures
that compare languages use ranks that equal scores share: trec_eval breaks ties by passage id, ids begin with the
language, and a lexical model gives most passages in foreign languages the same score, 0.

Shape letters: Q queries, G relevant passages of a query (padded with -1), L passage languages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.languages import Language
from clearbench.common.measures import (
    MAP,
    MAX_RANK,
    ONE_TARGET_OTHER,
    ONE_TARGET_SAME,
    OWN_FIRST,
    PAIRWISE_FIRST,
    RIGHT_OTHER,
    RIGHT_SAME,
    TLR,
    TLR_CUTOFFS,
    WRONG_OTHER,
    WRONG_SAME,
)
from clearbench.search.engine import OpenPool
from clearbench.search.pool import Rankings
from clearbench.stats.ranks import peer
from clearbench.tasks.dataset import Dataset, Qrels, TaskPair, Texts

PEER_CUTOFFS = (10, 100)
STRICT_CUTOFF = 10


@dataclass(frozen=True)
class RelevantPassages:
    """The relevant passages of queries, all in one language, and where they were ranked.

    Attributes:
        own: Number of the queries' language among the passage languages; -1 where no passage is in it.
        num_languages: Passage languages of the pool.
        languages: Language number of each relevant passage, int64 [Q, G]; -1 as padding.
        relevance: Judgement of each, int64 [Q, G]; 0 as padding.
        ranks: Rank of each by trec_eval's order, int64 [Q, G]; 0 as padding.
        middles: Mean of the ranks that passages with the same score take, float64 [Q, G]; NaN as padding.
    """

    own: int
    num_languages: int
    languages: IntArray
    relevance: IntArray
    ranks: IntArray
    middles: Scores

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        """Which entries are passages, bool [Q, G]."""
        filled: NDArray[np.bool_] = self.languages >= 0
        return filled

    @cached_property
    def same(self) -> NDArray[np.bool_]:
        """Which passages are in the query's language, bool [Q, G]."""
        same: NDArray[np.bool_] = self.filled & (self.languages == self.own)
        return same

    @cached_property
    def other(self) -> NDArray[np.bool_]:
        """Which passages are in another language, bool [Q, G]."""
        return self.filled & ~self.same

    @cached_property
    def comparable(self) -> NDArray[np.bool_]:
        """Which queries have relevant passages both in their own and in another language, bool [Q]."""
        return np.logical_and(self.same.any(axis=1), self.other.any(axis=1))


@dataclass(frozen=True)
class LanguageBias:
    """Bias measures of one query language.

    Attributes:
        measures: Names of the columns of `scores`.
        scores: float64 [Q, M]; NaN where a query has no value.
        languages: Passage languages.
        ranks: Rank of the query's best relevant passage in each language, float64 [Q, L], equal scores sharing a rank;
            NaN if none.
        chance: Share of the query's relevant passages in its language, float64 [Q]; NaN where `lpr_first` is NaN.
    """

    measures: tuple[str, ...]
    scores: Scores
    languages: tuple[Language, ...]
    ranks: Scores
    chance: Scores


def judge_bias(data: Dataset, pair: TaskPair, pool: OpenPool, ranked: Rankings, with_peer: bool) -> LanguageBias:
    """Measure language bias for the queries of one language.

    A query without a relevant passage has no value for any measure but the top-1 ones.

    Args:
        data: A dataset with a mixed pool.
        pair: The pair whose queries are judged.
        pool: The mixed pool, open.
        ranked: The queries' rankings; only their first column is used.
        with_peer: Whether to include PEER@k; see `has_several`.
    """
    queries, passages, qrels = data.queries_of(pair), data.passages_of(pair), data.qrels_of(pair)
    languages = tuple(sorted(set(passages.each_language), key=str))
    number = {language: place for place, language in enumerate(languages)}
    language_P = np.array([number[language] for language in passages.each_language], dtype=np.int64)
    gold_QG, relevance_QG = relevant_positions(queries.ids, qrels, passages)
    rank_QG, middle_QG = pool.relevant_ranks(queries, gold_QG)
    relevant = RelevantPassages(
        number.get(queries.language, -1), len(languages), np.where(gold_QG >= 0, language_P[gold_QG], -1),
        relevance_QG, rank_QG, middle_QG,
    )  # fmt: skip
    top_Q = ranked.positions[:, 0]
    right_Q = (gold_QG == top_Q[:, None]).any(axis=1)
    columns = {
        **_precision_measures(relevant),
        **_rank_measures(relevant),
        **_first_measures(right_Q, language_P[top_Q] == relevant.own),
        MAX_RANK: np.where(relevant.filled.any(axis=1), rank_QG.max(axis=1, initial=0), np.nan),
        **(_peer_measures(relevant) if with_peer else {}),
    }
    num_same, num_all = relevant.same.sum(axis=1), relevant.filled.sum(axis=1)
    chance = _ratio(num_same, np.where(relevant.comparable, num_all, 0))
    return LanguageBias(
        tuple(columns), np.stack(list(columns.values()), axis=1), languages, best_by_language(relevant), chance
    )


def relevant_positions(queries: Sequence[str], qrels: Qrels, passages: Texts) -> tuple[IntArray, IntArray]:
    """Find the relevant passages of queries.

    Args:
        queries: Query ids.
        qrels: Judgements of these queries.
        passages: The pool, which holds every judged passage.
    Returns:
        Position in the pool and judgement of each relevant passage, int64 [Q, G] each; padded with -1 and 0.
    """
    relevant = [{key: value for key, value in qrels.get(query, {}).items() if value > 0} for query in queries]
    width = max((len(row) for row in relevant), default=0)
    gold_QG = np.full((len(queries), width), -1, dtype=np.int64)
    relevance_QG = np.zeros((len(queries), width), dtype=np.int64)
    for place, row in enumerate(relevant):
        gold_QG[place, : len(row)] = [passages.index[key] for key in row]
        relevance_QG[place, : len(row)] = list(row.values())
    return gold_QG, relevance_QG


def best_by_language(relevant: RelevantPassages) -> Scores:
    """Return the rank of each query's best relevant passage per language, float64 [Q, L]; NaN where it has none."""
    best_QL = np.full((len(relevant.ranks), relevant.num_languages), np.inf)
    rows, _ = np.nonzero(relevant.filled)
    np.minimum.at(best_QL, (rows, relevant.languages[relevant.filled]), relevant.middles[relevant.filled])
    return np.where(np.isinf(best_QL), np.nan, best_QL)


def _precision_measures(relevant: RelevantPassages) -> dict[str, Scores]:
    """Return average precision, and reciprocal ranks with one target, float64 [Q] each.

    Source: Roy et al. (2020), "LAReQA", sections 3 and 5.
    """
    rank_QG = np.where(relevant.filled, relevant.ranks, np.iinfo(np.int64).max)
    ahead_QG = rank_QG.argsort(axis=1).argsort(axis=1)  # relevant passages that are ranked before it
    precision_QG = np.where(relevant.filled, (ahead_QG + 1) / rank_QG, 0.0)
    alone_QG = np.where(relevant.filled, 1 / (rank_QG - ahead_QG), 0.0)
    kinds = {MAP: (precision_QG, relevant.filled)}
    kinds |= {ONE_TARGET_SAME: (alone_QG, relevant.same), ONE_TARGET_OTHER: (alone_QG, relevant.other)}
    return {
        name: _ratio(np.where(counted_QG, value_QG, 0.0).sum(axis=1), counted_QG.sum(axis=1))
        for name, (value_QG, counted_QG) in kinds.items()
    }


def _rank_measures(relevant: RelevantPassages) -> dict[str, Scores]:
    """Return the measures of the ranks of relevant passages, float64 [Q] each."""
    shares = {}
    for name, cutoff in zip(TLR, TLR_CUTOFFS, strict=True):
        retrieved = relevant.other & (relevant.ranks <= cutoff)
        shares[name] = _ratio(retrieved.sum(axis=1), relevant.other.sum(axis=1))
    middle_QG = np.where(relevant.filled, relevant.middles, np.inf)
    first = relevant.filled & (middle_QG == middle_QG.min(axis=1, initial=np.inf)[:, None])
    shares[OWN_FIRST] = _ratio((first & relevant.same).sum(axis=1), np.where(relevant.comparable, first.sum(axis=1), 0))
    shares[PAIRWISE_FIRST] = np.array([
        _share_before(middle[same], middle[other])
        for middle, same, other in zip(middle_QG, relevant.same, relevant.other, strict=True)
    ])  # fmt: skip
    ranks = np.arange(1, STRICT_CUTOFF + 1)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(ranks + 1.0))])
    counted = relevant.same & (relevant.ranks <= STRICT_CUTOFF)
    gain = np.where(counted, 1.0 / np.log2(np.maximum(relevant.ranks, 1) + 1.0), 0.0).sum(axis=1)
    shares[f"lang_nDCG_strict@{STRICT_CUTOFF}"] = _ratio(
        gain, ideal[np.minimum(relevant.same.sum(axis=1), STRICT_CUTOFF)]
    )
    return shares


def _first_measures(right_Q: NDArray[np.bool_], same_Q: NDArray[np.bool_]) -> dict[str, Scores]:
    """Return the class of each query's first passage as four measures, of which exactly one is 1, float64 [Q] each."""
    classes = {
        RIGHT_SAME: right_Q & same_Q,
        RIGHT_OTHER: right_Q & ~same_Q,
        WRONG_SAME: ~right_Q & same_Q,
        WRONG_OTHER: ~right_Q & ~same_Q,
    }
    return {name: is_class.astype(np.float64) for name, is_class in classes.items()}


def _peer_measures(relevant: RelevantPassages) -> dict[str, Scores]:
    entries = list(zip(relevant.filled, relevant.ranks, relevant.languages, relevant.relevance, strict=True))
    return {
        f"PEER@{cutoff}": np.array([
            peer(rank[filled], language[filled], relevance[filled], cutoff)
            for filled, rank, language, relevance in entries
        ])
        for cutoff in PEER_CUTOFFS
    }  # fmt: skip


def has_several(data: Dataset) -> bool:
    """Return whether a query has several relevant passages in one language; if none has, PEER measures nothing."""
    for pool, key in dict.fromkeys((pair.pool, pair.qrels) for pair in data.pairs):
        passages = data.pools[pool]
        language = passages.each_language
        for judgements in data.qrels[key].values():
            languages = [language[passages.index[name]] for name, relevance in judgements.items() if relevance > 0]
            if len(set(languages)) < len(languages):
                return True
    return False


def _share_before(own: Scores, others: Scores) -> float:
    """Return the share of pairs in which the rank of `own` is smaller; equal ranks count half; NaN without a pair."""
    if not own.size or not others.size:
        return float("nan")
    below, up_to = (np.searchsorted(np.sort(others), own, side=side) for side in ("left", "right"))
    return float(1.0 - (below + up_to).mean() / (2 * others.size))


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Scores:
    """Return part / whole, NaN where the whole is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = part.astype(np.float64) / whole.astype(np.float64)
    return np.where(whole == 0, np.nan, ratio)
