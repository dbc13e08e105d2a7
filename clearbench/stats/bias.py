"""Language bias over many queries: ranks and gaps per passage language, Friedman's test, preference for one's own.

Questions about one passage are dependent, and so are the translations of a question. Intervals are cluster-robust, and
the blocks of Friedman's test are clusters, each with its mean places: with single questions as blocks the test would
call differences far too often.

Shape letters: Q queries, B blocks, L passage languages.
"""

from collections.abc import Sequence

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.measures import OWN_FIRST
from clearbench.stats.intervals import cluster_sums, mean_interval
from clearbench.stats.ranks import friedman
from clearbench.stats.summaries import BiasSummary, LanguageRank, summarise_measures

RANK = "rank:"
"""Prefix of the per-query columns that hold the rank of the best relevant passage in a language."""
CHANCE = "lpr_chance"
"""Per-query column with the share of relevant passages that are in the query's language."""


def summarise_bias(
    languages: Sequence[str], rank_QL: Scores, first: Scores, chance: Scores, clusters: IntArray
) -> BiasSummary:
    """Summarise queries of one language, or of several.

    Args:
        languages: Names of the columns of `rank_QL`.
        rank_QL: Rank of each query's best relevant passage per language; NaN where it has none.
        first: lpr_first, float64 [Q].
        chance: Expected lpr_first of a ranking blind to language, float64 [Q]; NaN in the same places.
        clusters: Cluster number per query, int64 [Q].
    """
    place_QL = places(rank_QL)
    gap_QL = place_QL - (np.count_nonzero(~np.isnan(place_QL), axis=1, keepdims=True) + 1) / 2
    gap_QL[np.count_nonzero(~np.isnan(gap_QL), axis=1) < 2] = np.nan
    gaps = mean_interval(gap_QL, clusters)
    counts = np.count_nonzero(~np.isnan(rank_QL), axis=0)
    ranks = {
        languages[place]: LanguageRank(
            int(counts[place]), float(np.nanmean(rank_QL[:, place])),
            _number_or_none(gaps.mean[place]), _number_or_none(gaps.lower[place]), _number_or_none(gaps.upper[place]),
        )
        for place in np.flatnonzero(counts).tolist()
    }  # fmt: skip
    known = chance[~np.isnan(chance)]
    return BiasSummary(
        own_first=summarise_measures([OWN_FIRST], first[:, None], clusters).get(OWN_FIRST),
        chance=float(known.mean()) if known.size else None,
        languages=ranks,
        friedman=friedman(blocks(place_QL[:, counts > 0], clusters)),
    )


def places(rank_QL: Scores) -> Scores:
    """Return each language's place within each query, from 1; equal ranks share their mean place, NaN stays NaN."""
    from scipy.stats import rankdata

    order: Scores = rankdata(np.where(np.isnan(rank_QL), np.inf, rank_QL), axis=1)
    return np.where(np.isnan(rank_QL), np.nan, order)


def blocks(place_QL: Scores, clusters: IntArray) -> Scores:
    """Return mean places per cluster, float64 [B, L], over the queries that have all languages."""
    complete = np.flatnonzero(np.isnan(place_QL).sum(axis=1) == 0)
    _, codes = np.unique(clusters[complete], return_inverse=True)
    # Sums of halves are exact, and means of equal sums are rounded alike, so ties stay ties.
    return cluster_sums(place_QL[complete], codes) / np.bincount(codes)[:, None]


def _number_or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
