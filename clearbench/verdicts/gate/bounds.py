"""Confidence limits of a mean, the decision against a bound, and how many queries an undecided one would take.

For every figure here, higher is better: it is what a candidate gained, or its mean.
Shapes: Q queries, C clusters, P pairs.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import IntArray, Scores
from clearbench.stats.intervals import (
    MacroMeanInterval,
    MeanInterval,
    cluster_sums,
    column_means,
    macro_mean_interval,
    mean_interval,
)
from clearbench.verdicts.gate.evidence import (
    DESIGN_EFFECT,
    least_clusters,
    needed_queries,
    unseen_share,
    varying_clusters,
    varying_rows,
)
from clearbench.verdicts.gate.result import Interval, Outcome

POWER = 0.8
"""Chance of a decision that the stated number of queries gives."""

HOPELESS = 10_000_000
"""A larger number of queries is not stated: the figure is too near to the bound for any evaluation set to decide."""


def outcome_of(interval: Interval, bound: float, confidence: float) -> Outcome:
    """Return the outcome: pass if both lower limits are above the bound, fail if the upper limit is below it.

    With fewer clusters than `least_clusters` it is undecided.

    Args:
        interval: Interval of a figure of which higher is better.
        bound: What the figure is compared with.
        confidence: One-sided, in (0.5, 1): that of the limits.
    Source: the confidence-interval form of two one-sided tests, each at 1 - confidence. Deviation: `guarded` can turn
    a pass into undecided, and changes no other outcome.
    """
    if interval.num_clusters < least_clusters(confidence):
        return "undecided"
    if min(interval.lower, interval.guarded) > bound:
        return "pass"
    return "fail" if interval.upper < bound else "undecided"


def guard_factor(skewness: Scores, kurtosis: Scores, num_clusters: Scores, confidence: float) -> Scores:
    """Return how many standard errors the guarded lower limit is below the mean; at least the t quantile.

    Most differences of two models are 0 and a few are large. A t interval does not allow for that: at a true loss of
    the margin it passes more than the promised 5%, most of all with few clusters. Two corrections use what clusters
    add to the mean. The degrees of freedom follow from the kurtosis, because the standard error itself is uncertain:
    2 C / (kurtosis - 1 + 2 / (C - 1)), which is C - 1 for a normal distribution. Hall's transformation corrects for
    the skewness.

    Args:
        skewness: Skewness of what clusters add to the mean, [P].
        kurtosis: Kurtosis of what clusters add to the mean, [P]; 3 for a normal distribution.
        num_clusters: Number of clusters, [P].
        confidence: One-sided, in (0.5, 1).
    Source: degrees of freedom: Satterthwaite (1946), matching the variance of a sample variance. Skewness: Hall
    (1992), "On the removal of skewness by transformation", the cubic one, inverted.
    """
    from scipy.stats import t

    most = np.maximum(num_clusters - 1, 1)
    degrees = np.clip(2 * num_clusters / np.maximum(kurtosis - 1 + 2 / most, 1e-12), 1, most)
    quantile = t.ppf(confidence, degrees)
    h = skewness / np.sqrt(num_clusters)
    straight = np.abs(h) < 1e-6
    bent = 3 / np.where(straight, 1.0, h) * (np.cbrt(1 + h * (quantile - h / 6)) - 1)
    factor: Scores = np.maximum(np.where(straight, quantile, bent), np.maximum(quantile, t.ppf(confidence, most)))
    return factor


def pair_intervals(
    scores_QP: Scores, clusters: IntArray, confidence: float, largest_loss: float = 1.0
) -> list[Interval]:
    """Return the interval of each column's mean over the queries that it has (the others are NaN).

    Args:
        scores_QP: Scores or gains, [Q, P].
        clusters: Cluster of each query, int64 [Q].
        confidence: One-sided, in (0.5, 1): the limits are the ends of the two-sided interval at 2 * confidence - 1.
        largest_loss: Largest loss that a query can have: 1 for shares.
    """
    estimate = mean_interval(scores_QP, clusters, 2 * confidence - 1)
    residual_CP = cluster_sums(scores_QP - estimate.mean, clusters)
    counts = {
        "num_queries": estimate.num_queries,
        "num_varying": varying_clusters(scores_QP, clusters),
        "sd": estimate.sd,
        "design_effect": estimate.design_effect,
    }
    return _guarded_intervals(estimate, residual_CP, counts, confidence, largest_loss)


def macro_interval(scores_QP: Scores, clusters: IntArray, confidence: float, largest_loss: float = 1.0) -> Interval:
    """Return the interval of the macro average over all columns; parallel questions of several pairs are one cluster.

    Its queries are the distinct ones: a question that is asked in ten languages counts once.

    Args:
        scores_QP: Scores or gains, [Q, P]; NaN where a pair lacks a query.
        clusters: Cluster of each query, int64 [Q].
        confidence: One-sided, in (0.5, 1).
        largest_loss: Largest loss that a query can have: 1 for shares.
    """
    present_QP = ~np.isnan(scores_QP)
    num_pairs = scores_QP.shape[1]
    estimate = macro_mean_interval(scores_QP, clusters, np.ones((1, num_pairs), dtype=bool), 2 * confidence - 1)
    num_P = present_QP.sum(axis=0)
    residual_QP = (scores_QP - column_means(scores_QP)) / (num_P * num_pairs)
    residual_C1 = cluster_sums(residual_QP, clusters).sum(axis=1, keepdims=True)
    counts = {
        "num_queries": present_QP.any(axis=1).sum(keepdims=True),
        "num_varying": np.array([varying_rows(scores_QP, clusters)]),
    }
    [interval] = _guarded_intervals(estimate, residual_C1, counts, confidence, largest_loss)
    return interval


def needed_sizes(interval: Interval, bound: float, confidence: float) -> tuple[int, int] | None:
    """Return how many queries and clusters would decide with the chance POWER, if mean and spread stay the same.

    Args:
        interval: Interval of the figure; it does not decide.
        bound: The bound that the figure is compared with.
        confidence: One-sided, in (0.5, 1).
    Returns:
        Numbers of queries and of clusters; None where the figure equals the bound, or where more than HOPELESS queries
        would be needed.
    """
    distance = interval.mean - bound
    if distance == 0:
        return None
    size = interval.num_queries / interval.num_clusters
    clusters = max(
        _clusters_for_spread(interval, distance, confidence),
        _clusters_for_unseen(interval, distance, size, confidence),
        float(least_clusters(confidence)),
        float(interval.num_clusters + 1),
    )
    queries = clusters * size
    return (math.ceil(queries), math.ceil(clusters)) if queries <= HOPELESS else None


def detectable_margin(interval: Interval, confidence: float) -> float | None:
    """Return the smallest margin that these queries decide with the chance POWER if nothing changed, if known."""
    from scipy.stats import norm, t

    if interval.num_clusters < least_clusters(confidence):
        return None
    of_spread = (float(t.ppf(confidence, interval.num_clusters - 1)) + float(norm.ppf(POWER))) * interval.se
    return max(of_spread, interval.unseen)


def _clusters_for_spread(interval: Interval, distance: float, confidence: float) -> float:
    """Return the number of clusters with which the guarded or the upper limit is on one side of the bound.

    The standard error falls with the square root of the number of clusters; a decision needs the distance to the bound
    to be at least (quantile of the confidence + normal quantile of the power) standard errors.
    """
    from scipy.stats import norm, t

    if not math.isfinite(interval.se):
        return 0.0
    moments = np.array([interval.skewness]), np.array([interval.kurtosis])
    clusters = float(interval.num_clusters)
    # The quantile depends on the number of clusters that is sought, so it is found in a few rounds.
    for _ in range(30):
        sought = min(max(clusters, 2.0), float(HOPELESS))
        guarded = float(guard_factor(*moments, np.array([sought]), confidence)[0])
        reach = guarded if distance > 0 else float(t.ppf(confidence, sought - 1))
        clusters = interval.num_clusters * ((reach + float(norm.ppf(POWER))) * interval.se / distance) ** 2
    return clusters


def _clusters_for_unseen(interval: Interval, distance: float, size: float, confidence: float) -> float:
    """Return the number of clusters, of `size` queries each, in which no loss as large as the distance is missed."""
    if interval.unseen == 0 or distance < 0:
        return 0.0
    independent = needed_queries(interval.num_varying, distance / interval.largest_loss, confidence)
    return independent * min(size, DESIGN_EFFECT) / size


def _guarded_intervals(
    estimate: MeanInterval | MacroMeanInterval,
    residual_CP: Scores,
    counts: dict[str, NDArray[Any]],
    confidence: float,
    largest_loss: float,
) -> list[Interval]:
    """Return an interval for each column, with the guarded limit that follows from `residual_CP`."""
    skewness, kurtosis = _skewness_and_kurtosis(residual_CP, estimate.num_clusters)
    factor = guard_factor(skewness, kurtosis, estimate.num_clusters.astype(float), confidence)
    share = unseen_share(counts["num_varying"], counts["num_queries"], estimate.num_clusters, confidence)
    columns = {
        **{name: getattr(estimate, name) for name in ("mean", "lower", "upper", "se", "num_clusters")},
        "guarded": estimate.mean - np.maximum(factor * estimate.se, share * largest_loss),
        "skewness": skewness,
        "kurtosis": kurtosis,
        "unseen": share * largest_loss,
        "largest_loss": np.full_like(share, largest_loss),
        **counts,
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [Interval(**dict(zip(columns, row, strict=True))) for row in rows]


def _skewness_and_kurtosis(residual_CP: Scores, num_clusters: IntArray) -> tuple[Scores, Scores]:
    """Return each column's skewness and kurtosis over clusters; those of a normal distribution where nothing varies."""
    second, third, fourth = ((residual_CP**power).sum(axis=0) / num_clusters for power in (2, 3, 4))
    varies = second > 1e-24
    scale = np.where(varies, second, 1.0)
    return np.where(varies, third / scale**1.5, 0.0), np.where(varies, fourth / scale**2, 3.0)
