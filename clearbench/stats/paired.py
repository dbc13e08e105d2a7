"""Paired differences of two systems: cluster-robust intervals, sign-flip tests, corrections for many tests.

Questions about one passage are dependent, and a question has translations in every language. So the unit that is
independent is the cluster of parallel questions, and every language pair of a task has the same clusters.

Shapes: Q queries, C clusters, P columns (language pairs), G groups of pairs, M flips. In a [Q, P] matrix NaN says
that a pair lacks a query; clusters are numbered from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import IntArray, Scores
from clearbench.common.errors import ScoringError

# Flips drawn at a time, and columns flipped at a time: [256, 8192] float64 are 16 MiB. The first is part of what a
# seed means, so a change gives other p-values.
FLIPS_AT_ONCE = 256
COLUMNS_AT_ONCE = 8192
# Statistics this near are ties; they are sums of some hundred terms with unit sum of squares, exact to about 1e-14.
TIE = 1e-9
# A standard deviation below this is rounding: scores lie in [0, 1].
NO_SPREAD = 1e-12
# A column of cluster sums shorter than this is rounding: one query's least difference, averaged over 122 x 122 pairs of
# 900 queries, is above 1e-10.
NOTHING = 1e-14


@dataclass(frozen=True)
class DifferenceInterval:
    """Mean differences with cluster-robust intervals; every field is an array [P].

    Attributes:
        mean: Over the column's queries.
        lower: Lower end; NaN with fewer than two clusters, like `upper`, `se` and `design_effect`.
        upper: Upper end.
        se: Cluster-robust standard error of the mean.
        num_queries: Queries the column has, int64.
        num_clusters: Clusters with at least one of these queries, int64.
        design_effect: se^2 over its value for independent queries, sd^2 / n; 1 where no difference varies.
        sd: Standard deviation of the per-query differences (n - 1); NaN with fewer than two queries.
    """

    mean: Scores
    lower: Scores
    upper: Scores
    se: Scores
    num_queries: IntArray
    num_clusters: IntArray
    design_effect: Scores
    sd: Scores

    @property
    def d_z(self) -> Scores:
        """Effect size: mean / sd of the per-query differences; 0 where all are 0, else NaN where they do not vary."""
        spread = self.sd > NO_SPREAD
        ratio = np.divide(self.mean, self.sd, out=np.full_like(self.mean, np.nan), where=spread)
        return np.where(~spread & (np.abs(self.mean) <= NO_SPREAD), 0.0, ratio)


@dataclass(frozen=True)
class MacroDifference:
    """Macro averages of mean differences over groups of pairs, each pair counting once; arrays [G].

    Attributes:
        mean: Mean over the group's pairs of the mean over the pair's queries.
        lower: Lower end; NaN with fewer than two clusters.
        upper: Upper end.
        se: Standard error that is robust to dependence within clusters, across queries and pairs alike.
        num_pairs: Pairs of the group, int64.
        num_clusters: Clusters with a query in any of the pairs, int64.
        contributions: What each cluster adds to the mean, float64 [C, G]: what a sign-flip test of the group flips.
    """

    mean: Scores
    lower: Scores
    upper: Scores
    se: Scores
    num_pairs: IntArray
    num_clusters: IntArray
    contributions: Scores


@dataclass(frozen=True)
class FlipTest:
    """Two-sided p-values of a sign-flip test, float64 [P].

    Attributes:
        p: Of each column by itself.
        p_max_t: Adjusted for the family: the chance that any column reaches as much, were there no difference at all.
    """

    p: Scores
    p_max_t: Scores


def cluster_sums(values_QP: Scores, clusters: IntArray) -> Scores:
    """Add up the rows of each cluster, NaN as 0: float64 [C, P]."""
    from scipy.sparse import csr_matrix

    num_queries = len(clusters)
    num_clusters = int(clusters.max()) + 1 if num_queries else 0
    members = csr_matrix((np.ones(num_queries), (clusters, np.arange(num_queries))), shape=(num_clusters, num_queries))
    sums: Scores = members @ np.where(np.isnan(values_QP), 0.0, values_QP)
    return sums


def mean_difference(differences_QP: Scores, clusters: IntArray, confidence: float = 0.95) -> DifferenceInterval:
    """Mean difference per column with its cluster-robust interval; nothing is clipped.

    n queries in C clusters; s_c the sum and k_c the number of queries of cluster c, e_c = s_c - mean * k_c:
    se = sqrt(C / (C - 1) * sum e_c^2) / n, interval = mean -/+ t(1 - (1 - confidence) / 2, C - 1) * se.

    Args:
        differences_QP: Other minus base per query, float64 [Q, P]; NaN where a pair lacks a query.
        clusters: Cluster number per query, int64 [Q].
        confidence: Two-sided, in (0, 1): a one-sided bound at 95% is an end of the interval at 0.9.
    Raises:
        ScoringError: A difference is infinite, shapes do not fit, or the confidence is not in (0, 1).
    Source: the cluster-robust variance of a mean (Cameron & Miller 2015, section II), small-sample factor C / (C - 1).
    """
    _check(differences_QP, clusters, confidence)
    mean, residual_QP, counts_CP = _centre(differences_QP, clusters)
    num_queries, num_clusters = counts_CP.sum(axis=0), (counts_CP > 0).sum(axis=0)
    residual_CP = cluster_sums(residual_QP, clusters)
    se = _standard_error((residual_CP**2).sum(axis=0), num_clusters) / np.maximum(num_queries, 1)
    reach = _t_quantile(confidence, num_clusters) * se
    squares = (residual_QP**2).sum(axis=0)
    sd = np.where(num_queries > 1, np.sqrt(squares / np.maximum(num_queries - 1, 1)), np.nan)
    spread = sd > NO_SPREAD
    effect = np.divide(se**2 * num_queries, sd**2, out=np.where(np.isnan(se), np.nan, 1.0), where=spread)
    return DifferenceInterval(mean, mean - reach, mean + reach, se, num_queries, num_clusters, effect, sd)


def macro_difference(
    differences_QP: Scores, clusters: IntArray, groups_GP: NDArray[np.bool_], confidence: float = 0.95
) -> MacroDifference:
    """Average mean differences over the pairs of each group, with cluster-robust intervals.

    The mean is a sum over clusters, each adding that of all the group's pairs, sum_p s_cp / (n_p * num_pairs); with
    the residual e_c = sum_p (s_cp - mean_p * k_cp) / (n_p * num_pairs), se = sqrt(C / (C - 1) * sum e_c^2). So the
    same question in many languages counts as one observation. For a group of one pair this is `mean_difference`.

    Args:
        differences_QP: Other minus base per query, float64 [Q, P]; NaN where a pair lacks a query.
        clusters: Cluster number per query, int64 [Q].
        groups_GP: Which pairs belong to which group, bool [G, P]; a group has at least one.
        confidence: Two-sided, in (0, 1).
    Raises:
        ScoringError: As `mean_difference`, or a group or a pair is empty.
    """
    _check(differences_QP, clusters, confidence)
    mean_P, residual_QP, counts_CP = _centre(differences_QP, clusters)
    num_queries, num_pairs = counts_CP.sum(axis=0), groups_GP.sum(axis=1)
    if not num_pairs.all() or not num_queries.all():
        raise ScoringError("A macro average needs at least one pair in each group and one query in each pair.")
    weights_PG = (groups_GP / num_pairs[:, None]).T
    residual_CG = (cluster_sums(residual_QP, clusters) / num_queries) @ weights_PG
    contributions_CG = (cluster_sums(differences_QP, clusters) / num_queries) @ weights_PG
    num_clusters = ((counts_CP > 0) @ (weights_PG > 0).astype(np.float64) > 0).sum(axis=0)
    mean = mean_P @ weights_PG
    se = _standard_error((residual_CG**2).sum(axis=0), num_clusters)
    reach = _t_quantile(confidence, num_clusters) * se
    return MacroDifference(mean, mean - reach, mean + reach, se, num_pairs, num_clusters, contributions_CG)


def sign_flip_test(sums_CP: Scores, flips: int = 10_000, seed: int = 0) -> FlipTest:
    """Test by sign flips whether the mean difference of any column is other than 0; see `sign_flip_tests`."""
    return sign_flip_tests([sums_CP], flips, seed)[0]


def sign_flip_tests(blocks: Sequence[Scores], flips: int = 10_000, seed: int = 0) -> list[FlipTest]:
    """Paired randomisation test: the signs of whole clusters are flipped, one flip for all columns at once.

    Statistic: |sum_c s_c| / sqrt(sum_c s_c^2). Flips do not change the denominator, so a column's own p is that of its
    mean; the denominator makes columns comparable for the maximum. (For one number of clusters this orders as the t
    statistic of the cluster sums does: t^2 = (C - 1) z^2 / (C - z^2).) p = (1 + flips that reach it) / (1 + flips),
    ties counting as reached.

    Args:
        blocks: One matrix of cluster sums, float64 [C, P], per set of clusters (a task has its own); the family that
            `p_max_t` adjusts for is all columns of all blocks. A column's `p` does not depend on the other columns
            or blocks.
        flips: Random flips.
        seed: Of the flips; not negative.
    Returns:
        One FlipTest per block.
    Raises:
        ScoringError: A sum is not finite, `flips` is below 1 or `seed` below 0.
    Source: Smucker, Allan & Carterette (2007), section 3.1, with clusters in place of queries; the family-wise
        maximum: Westfall & Young (1993), single step, in retrieval: Boytsov, Belova & Westfall (2013).
    """
    if flips < 1 or seed < 0:
        raise ScoringError(f"{flips} flips with seed {seed}: expected at least one flip and a seed of 0 or more.")
    if not all(np.isfinite(block).all() for block in blocks):
        raise ScoringError("A sign-flip test was given a sum that is not finite.")
    standard = [_unit_columns(block) for block in blocks]
    observed = [np.abs(block.sum(axis=0)) for block in standard]
    reached = [np.zeros(block.shape[1], dtype=np.int64) for block in standard]
    maxima = np.zeros(flips)
    width = max((len(block) for block in standard), default=0)
    for number, start in enumerate(range(0, flips, FLIPS_AT_ONCE)):
        signs_CM = _signs(seed, number, width)[:, : flips - start]
        highest_M = maxima[start : start + FLIPS_AT_ONCE]
        for block, own, count in zip(standard, observed, reached, strict=True):
            for left in range(0, block.shape[1], COLUMNS_AT_ONCE):
                columns = slice(left, left + COLUMNS_AT_ONCE)
                flipped_MP = np.abs(signs_CM[: len(block)].T @ block[:, columns])
                count[columns] += np.count_nonzero(flipped_MP >= own[columns] - TIE, axis=0)
                np.maximum(highest_M, flipped_MP.max(axis=1), out=highest_M)
    maxima.sort()
    family = [flips - np.searchsorted(maxima, own - TIE, side="left") for own in observed]
    return [
        FlipTest((1 + one) / (1 + flips), (1 + any_) / (1 + flips)) for one, any_ in zip(reached, family, strict=True)
    ]


def holm(p: Scores) -> Scores:
    """Adjust p-values by Holm (1979): family-wise control whatever the dependence."""
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def benjamini_hochberg(p: Scores) -> Scores:
    """Adjust p-values by Benjamini & Hochberg (1995): the share of false ones among those called, for exploration."""
    from scipy.stats import false_discovery_control

    adjusted: Scores = false_discovery_control(p) if len(p) else np.empty(0)
    return adjusted


def _check(differences_QP: Scores, clusters: IntArray, confidence: float) -> None:
    if differences_QP.ndim != 2 or differences_QP.shape[:1] != clusters.shape:
        raise ScoringError(f"Differences {differences_QP.shape} do not fit {clusters.shape} cluster numbers.")
    if np.isinf(differences_QP).any():
        raise ScoringError("A difference of scores is infinite.")
    if not 0 < confidence < 1:
        raise ScoringError(f"Confidence {confidence}: expected a value between 0 and 1, such as 0.95.")


def _centre(differences_QP: Scores, clusters: IntArray) -> tuple[Scores, Scores, IntArray]:
    """Mean per column [P], differences from it (0 where absent) [Q, P], queries per cluster and column [C, P]."""
    present = ~np.isnan(differences_QP)
    num_queries = present.sum(axis=0)
    total = np.where(present, differences_QP, 0.0).sum(axis=0)
    mean = np.divide(total, num_queries, out=np.full(len(total), np.nan), where=num_queries > 0)
    residual_QP = np.where(present, differences_QP - mean, 0.0)
    counts_CP = cluster_sums(present.astype(np.float64), clusters).astype(np.int64)
    return mean, residual_QP, counts_CP


def _standard_error(squares: Scores, num_clusters: IntArray) -> Scores:
    """sqrt(C / (C - 1) * squares), NaN with fewer than two clusters."""
    factor = num_clusters / np.maximum(num_clusters - 1, 1)
    error: Scores = np.where(num_clusters > 1, np.sqrt(factor * squares), np.nan)
    return error


def _t_quantile(confidence: float, num_clusters: IntArray) -> Scores:
    from scipy.stats import t

    distinct, place = np.unique(num_clusters, return_inverse=True)
    quantiles: Scores = t.ppf(0.5 + confidence / 2, np.maximum(distinct - 1, 1))[place]
    return quantiles


def _unit_columns(sums_CP: Scores) -> Scores:
    """Scale columns to unit sum of squares; one that holds nothing but rounding becomes zeros."""
    length = np.sqrt((sums_CP**2).sum(axis=0))
    unit: Scores = np.where(length > NOTHING, sums_CP / np.where(length > NOTHING, length, 1.0), 0.0)
    return unit


def _signs(seed: int, number: int, width: int) -> Scores:
    """The flips of one draw, -1.0 or 1.0 [width, FLIPS_AT_ONCE]; the first rows are the same whatever the width."""
    draws = np.random.default_rng([seed, number]).integers(0, 2, size=(width, FLIPS_AT_ONCE), dtype=np.int8)
    return 2.0 * draws.astype(np.float64) - 1.0
