"""Means over queries and over language pairs, with cluster-robust intervals.

Questions about one passage are dependent, and a question has translations in every language. So the unit that is
independent is the cluster of parallel questions, and every language pair of a task has the same clusters.

Shapes: Q queries, C clusters, P columns (language pairs, or measures), G groups of columns. In a [Q, P] matrix NaN
says that a column lacks a query; clusters are numbered from 0. Values are scores, or differences of scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import BoolArray, IntArray, Scores
from clearbench.common.errors import ScoringError

# A standard deviation below this is rounding: scores lie in [0, 1].
NO_SPREAD = 1e-12


@dataclass(frozen=True)
class MeanInterval:
    """Means with cluster-robust intervals; every field is an array [P].

    Attributes:
        mean: Over the column's queries; NaN where it has none.
        lower: Lower end; NaN with fewer than two clusters, like `upper`, `se` and `design_effect`.
        upper: Upper end.
        se: Cluster-robust standard error of the mean.
        num_queries: Queries the column has, int64.
        num_clusters: Clusters with at least one of these queries, int64.
        design_effect: se^2 over its value for independent queries, sd^2 / n; 1 where no value differs.
        sd: Standard deviation of the per-query values (n - 1); NaN with fewer than two queries.
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
        """Effect size of differences: mean / sd; 0 where all are 0, else NaN where they do not vary."""
        spread = self.sd > NO_SPREAD
        ratio = np.divide(self.mean, self.sd, out=np.full_like(self.mean, np.nan), where=spread)
        return np.where(~spread & (np.abs(self.mean) <= NO_SPREAD), 0.0, ratio)


@dataclass(frozen=True)
class MacroMeanInterval:
    """Macro averages over groups of columns, each column counting once; arrays [G].

    Attributes:
        mean: Mean over the group's columns of the mean over the column's queries.
        lower: Lower end; NaN with fewer than two clusters.
        upper: Upper end.
        se: Standard error that is robust to dependence within clusters, across queries and columns alike.
        num_columns: Columns of the group, int64.
        num_clusters: Clusters with a query in any of the columns, int64.
        contributions: What each cluster adds to the mean, float64 [C, G]: what a sign-flip test of the group flips.
    """

    mean: Scores
    lower: Scores
    upper: Scores
    se: Scores
    num_columns: IntArray
    num_clusters: IntArray
    contributions: Scores


def cluster_codes(clusters: Sequence[str]) -> IntArray:
    """Return cluster numbers from 0 in order of first occurrence, int64 [Q]."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(cluster, len(seen)) for cluster in clusters], dtype=np.int64)


def column_means(values_QP: Scores) -> Scores:
    """Return the mean of each column over the rows that it has, float64 [P]; NaN where it has none."""
    present_QP = ~np.isnan(values_QP)
    num_P = present_QP.sum(axis=0)
    total_P = np.where(present_QP, values_QP, 0.0).sum(axis=0)
    means: Scores = np.divide(total_P, num_P, out=np.full(len(total_P), np.nan), where=num_P > 0)
    return means


def cluster_sums(values_QP: Scores, clusters: IntArray) -> Scores:
    """Return the sums of each cluster's rows, float64 [C, P]; NaN counts as 0."""
    from scipy.sparse import csr_matrix

    num_queries = len(clusters)
    ends = np.concatenate([[0], np.cumsum(np.bincount(clusters))])
    columns = np.argsort(clusters, kind="stable")
    members = csr_matrix((np.ones(num_queries), columns, ends), shape=(len(ends) - 1, num_queries))
    sums: Scores = members @ np.where(np.isnan(values_QP), 0.0, values_QP)
    return sums


def mean_interval(values_QP: Scores, clusters: IntArray, confidence: float = 0.95) -> MeanInterval:
    """Return the mean of each column with its cluster-robust interval, which is not clipped to the range of a score.

    n queries in C clusters; s_c the sum and k_c the number of queries of cluster c, e_c = s_c - mean * k_c:
    se = sqrt(C / (C - 1) * sum e_c^2) / n, interval = mean -/+ t(1 - (1 - confidence) / 2, C - 1) * se.

    Args:
        values_QP: One value per query, float64 [Q, P]; NaN where a column lacks a query.
        clusters: Cluster number per query, int64 [Q].
        confidence: Two-sided, in (0, 1): a one-sided bound at 95% is an end of the interval at 0.9.
    Raises:
        ScoringError: A value is infinite, shapes do not fit, or the confidence is not in (0, 1).
    Source: the cluster-robust variance of a mean (Cameron & Miller 2015, section II), small-sample factor C / (C - 1).
    """
    _check_values(values_QP, clusters, confidence)
    mean, residual_QP, counts_CP = _centre(values_QP, clusters)
    num_queries, num_clusters = counts_CP.sum(axis=0), (counts_CP > 0).sum(axis=0)
    residual_CP = cluster_sums(residual_QP, clusters)
    se = _standard_error((residual_CP**2).sum(axis=0), num_clusters) / np.maximum(num_queries, 1)
    reach = _t_quantile(confidence, num_clusters) * se
    squares = (residual_QP**2).sum(axis=0)
    sd = np.where(num_queries > 1, np.sqrt(squares / np.maximum(num_queries - 1, 1)), np.nan)
    spread = sd > NO_SPREAD
    effect = np.divide(se**2 * num_queries, sd**2, out=np.where(np.isnan(se), np.nan, 1.0), where=spread)
    return MeanInterval(mean, mean - reach, mean + reach, se, num_queries, num_clusters, effect, sd)


def macro_mean_interval(
    values_QP: Scores, clusters: IntArray, groups_GP: BoolArray, confidence: float = 0.95
) -> MacroMeanInterval:
    """Return the average of each group's column means, with cluster-robust intervals.

    The mean is a sum over clusters, each adding that of all the group's columns, sum_p s_cp / (n_p * num_columns); with
    the residual e_c = sum_p (s_cp - mean_p * k_cp) / (n_p * num_columns), se = sqrt(C / (C - 1) * sum e_c^2). So the
    same question in many languages counts as one observation. For a group of one column this is `mean_interval`.

    Args:
        values_QP: One value per query, float64 [Q, P]; NaN where a column lacks a query.
        clusters: Cluster number per query, int64 [Q].
        groups_GP: Which columns belong to which group, bool [G, P]; a group has at least one.
        confidence: Two-sided, in (0, 1).
    Raises:
        ScoringError: As `mean_interval`, or a group or a column is empty.
    """
    _check_values(values_QP, clusters, confidence)
    mean_P, residual_QP, counts_CP = _centre(values_QP, clusters)
    num_queries, num_columns = counts_CP.sum(axis=0), groups_GP.sum(axis=1)
    if not num_columns.all() or not num_queries.all():
        raise ScoringError("A macro average needs at least one pair in each group and one query in each pair.")
    weights_PG = (groups_GP / num_columns[:, None]).T
    residual_CG = (cluster_sums(residual_QP, clusters) / num_queries) @ weights_PG
    contributions_CG = (cluster_sums(values_QP, clusters) / num_queries) @ weights_PG
    num_clusters = ((counts_CP > 0) @ (weights_PG > 0).astype(np.float64) > 0).sum(axis=0)
    mean = mean_P @ weights_PG
    se = _standard_error((residual_CG**2).sum(axis=0), num_clusters)
    reach = _t_quantile(confidence, num_clusters) * se
    return MacroMeanInterval(mean, mean - reach, mean + reach, se, num_columns, num_clusters, contributions_CG)


def _check_values(values_QP: Scores, clusters: IntArray, confidence: float) -> None:
    if values_QP.ndim != 2 or values_QP.shape[:1] != clusters.shape:
        raise ScoringError(f"Values {values_QP.shape} do not fit {clusters.shape} cluster numbers.")
    if np.isinf(values_QP).any():
        raise ScoringError("A score, or a difference of scores, is infinite.")
    if not 0 < confidence < 1:
        raise ScoringError(f"Confidence {confidence}: expected a value between 0 and 1, such as 0.95.")


def _centre(values_QP: Scores, clusters: IntArray) -> tuple[Scores, Scores, IntArray]:
    """Return column means [P], differences from them (0 where absent) [Q, P], queries per cluster and column [C, P]."""
    present = ~np.isnan(values_QP)
    if present.all():  # in pools that are not mixed: one count serves all columns
        mean_P = values_QP.mean(axis=0) if len(values_QP) else np.full(values_QP.shape[1], np.nan)
        sizes = np.bincount(clusters)[:, None]
        return mean_P, values_QP - mean_P, np.broadcast_to(sizes, (len(sizes), values_QP.shape[1]))
    mean = column_means(values_QP)
    residual_QP = np.where(present, values_QP - mean, 0.0)
    counts_CP = cluster_sums(present.astype(np.float64), clusters).astype(np.int64)
    return mean, residual_QP, counts_CP


def _standard_error(squares: Scores, num_clusters: IntArray) -> Scores:
    """Return sqrt(C / (C - 1) * squares), NaN with fewer than two clusters."""
    factor = num_clusters / np.maximum(num_clusters - 1, 1)
    error: Scores = np.where(num_clusters > 1, np.sqrt(factor * squares), np.nan)
    return error


def _t_quantile(confidence: float, num_clusters: IntArray) -> Scores:
    """Return how many standard errors an interval reaches, with C - 1 degrees of freedom."""
    # The quantile of Student's t; scipy.stats.t.ppf gives the same in fifty times the time, and is called per pair.
    from scipy.special import stdtrit

    quantiles: Scores = stdtrit(np.maximum(num_clusters - 1, 1), 0.5 + confidence / 2)
    return quantiles
