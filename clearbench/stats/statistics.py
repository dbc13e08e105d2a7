"""Means with intervals that respect that questions about one passage are not independent."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import IntArray, Scores

Interval = tuple[NDArray[np.float64], NDArray[np.float64]]


def cluster_codes(clusters: Sequence[str]) -> IntArray:
    """Number clusters from 0 in order of first occurrence, int64 [Q]."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(cluster, len(seen)) for cluster in clusters], dtype=np.int64)


def mean_interval(scores: Scores, clusters: IntArray, confidence: float = 0.95) -> tuple[Scores, Scores, Scores]:
    """Mean over queries and its cluster-robust interval, per column.

    n queries in C clusters; with s_c the sum and k_c the number of queries of cluster c, e_c = s_c - mean * k_c:
    se = sqrt(C / (C - 1) * sum e_c^2) / n, interval = mean -/+ t(1 - (1 - confidence) / 2, C - 1) * se, cut to [0, 1].

    Args:
        scores: float64 [Q, M], in [0, 1].
        clusters: Cluster number per query, int64 [Q].
        confidence: In (0, 1).
    Returns:
        (mean, lower, upper), float64 [M] each; lower and upper are NaN with fewer than two clusters.
    Source: the cluster-robust variance of a mean (Cameron & Miller 2015, section II), small-sample factor C / (C - 1).
    """
    num_queries = len(scores)
    mean = scores.mean(axis=0)
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    num_clusters = len(starts)
    if num_clusters < 2:
        nothing = np.full_like(mean, np.nan)
        return mean, nothing, nothing.copy()
    residual = np.add.reduceat((scores - mean)[order], starts, axis=0)
    error = np.sqrt(num_clusters / (num_clusters - 1) * (residual**2).sum(axis=0)) / num_queries
    reach = _t_quantile(confidence, num_clusters - 1) * error
    return mean, np.clip(mean - reach, 0.0, 1.0), np.clip(mean + reach, 0.0, 1.0)


@cache
def _t_quantile(confidence: float, degrees: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + confidence / 2, degrees))
