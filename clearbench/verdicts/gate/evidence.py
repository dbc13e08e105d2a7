"""How much data a decision needs: an interval misses rare losses where few clusters were seen, or few of them vary.

An interval follows from the spread that was seen. Two queries without a difference have no spread, so their interval
has no width, although a loss in one of a hundred queries would rarely show in two. Two rules prevent that:

- **Enough clusters.** There must be enough of them to show a change in an eighth of all clusters with the chosen
  confidence: (7/8)^C <= 1 - confidence, which is 23 clusters at 95%. In simulations, a loss of the margin passes in 36%
  of cases with 2 clusters, in 21% with 4, in 8% with 12, and in 5%, as promised, with 24.
- **Enough variation.** Where fewer than VARYING clusters vary, the losses that may have been missed count too: the
  upper confidence limit of the share of queries that vary, times the largest loss that a query can have. If none of n
  queries varies, that share is 1 - (1 - confidence)^(1/n), the "rule of three".

The first can turn any decision into undecided, the second only a pass. The figures are those of
`benchmarks/gate_simulation.py`.

Shapes: Q queries, C clusters, P pairs.
"""

import math

import numpy as np

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.measures import SAME_SCORE
from clearbench.stats.intervals import cluster_sums

VARYING = 3
"""If fewer clusters vary, the spread cannot be estimated. Sets of 900 queries have dozens that vary."""

SEEN_SHARE = 1 / 8
"""A change in this share of all clusters has to show in the sample."""

DESIGN_EFFECT = 2.0
"""For the unseen share, n queries count as n / 2, but at least as many as their clusters: where nothing varies, data do
not show how far queries of one cluster change together. The simulation measured design effects of .9 to 1.6."""


def least_clusters(confidence: float) -> int:
    """Return the number of clusters that a decision needs at a one-sided confidence in (0.5, 1)."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - SEEN_SHARE))


def varying_clusters(values_QP: Scores, clusters: IntArray) -> IntArray:
    """Count the clusters of each column in which a query's value differs from that of most, int64 [P].

    The median stands for the value of most: where few clusters vary, most queries have it.

    Args:
        values_QP: Scores or gains, [Q, P]; NaN where a pair lacks a query.
        clusters: Cluster of each query, int64 [Q].
    """
    counts_P: IntArray = (cluster_sums(_mark_deviations(values_QP), clusters) > 0).sum(axis=0)
    return counts_P


def varying_rows(values_QP: Scores, clusters: IntArray) -> int:
    """Count the clusters in which a query varies in any column, for a mean over columns; see `varying_clusters`."""
    deviates_Q1 = _mark_deviations(values_QP).max(axis=1, keepdims=True)
    return int((cluster_sums(deviates_Q1, clusters) > 0).sum())


def unseen_share(num_varying: IntArray, num_queries: IntArray, num_clusters: IntArray, confidence: float) -> Scores:
    """Return the largest share of queries that may vary, at a one-sided confidence, [P]; 0 where enough clusters vary.

    Args:
        num_varying: Clusters that vary, [P].
        num_queries: Number of queries, [P].
        num_clusters: Number of clusters, [P].
        confidence: In (0.5, 1).
    Source: Clopper & Pearson (1934), the exact upper limit of a binomial share.
    """
    from scipy.stats import beta

    independent = np.maximum(num_queries / DESIGN_EFFECT, num_clusters)
    share = beta.ppf(confidence, num_varying + 1, np.maximum(independent - num_varying, 1e-9))
    unseen: Scores = np.where(num_varying < VARYING, share, 0.0)
    return unseen


def needed_queries(num_varying: int, share: float, confidence: float) -> float:
    """Return the number of independent queries with which no larger share than this can vary unseen.

    Args:
        num_varying: How many of them vary.
        share: In (0, 1).
        confidence: One-sided, in (0.5, 1).
    Source: the Poisson limit of `unseen_share`, which is larger by less than one query in a hundred for small shares.
    """
    from scipy.stats import chi2

    return float(chi2.ppf(confidence, 2 * (num_varying + 1))) / 2 / share


def _mark_deviations(values_QP: Scores) -> Scores:
    """Return 1 where a value differs from its column's median, else 0, float64 [Q, P]; 0 for a missing value."""
    median_P = np.nanmedian(values_QP, axis=0) if np.isnan(values_QP).any() else np.median(values_QP, axis=0)
    deviates: Scores = (np.abs(values_QP - median_P) > SAME_SCORE).astype(np.float64)
    return deviates
