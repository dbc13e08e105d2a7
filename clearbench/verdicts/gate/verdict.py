"""One decision of the gate: an interval against a bound, and how many queries would decide where it does not.

In array code: Q queries, P pairs. All figures are fractions, as measures are; points (x 100) belong to outputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clearbench.common.arrays import Scores
from clearbench.stats.paired import cluster_sums, macro_difference, mean_difference

Outcome = Literal["pass", "fail", "undecided"]
Clusters = NDArray[np.int64]

POWER = 0.8
"""Chance of a decision for which the number of queries is stated."""

HOPELESS = 10_000_000
"""More queries than this are not stated: the figure seen lies at the bound, and no evaluation set decides it."""


@dataclass(frozen=True)
class Interval:
    """A mean over queries with one-sided confidence limits, and what its width came from.

    Attributes:
        mean: The estimate.
        lower: One-sided lower limit, cluster-robust; NaN with fewer than two clusters, like all limits and `se`.
        upper: One-sided upper limit.
        guarded: Lower limit that also holds where a few queries lost much, see `guard_factor`; never above `lower`.
        se: Cluster-robust standard error.
        num_queries: Queries.
        num_clusters: Clusters of dependent queries.
        skewness: Of what clusters add to the mean; negative where a few lost much.
        kurtosis: Of the same; 3 for a normal distribution.
        sd: Standard deviation over queries; NaN for a macro average, where it means nothing.
        design_effect: What clustering multiplies the variance by; NaN for a macro average.
    """

    mean: float
    lower: float
    upper: float
    guarded: float
    se: float
    num_queries: int
    num_clusters: int
    skewness: float
    kurtosis: float
    sd: float = math.nan
    design_effect: float = math.nan


NO_INTERVAL = Interval(math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0, math.nan, math.nan)


@dataclass(frozen=True)
class Verdict:
    """One claim about one pair, or about the mean of several, and whether it holds.

    Attributes:
        rule: The rule's title; English's is its margin.
        task: The record's label.
        where: The pair, or of which pairs it is the mean, in words.
        num_pairs: Pairs averaged.
        measure: The measure.
        about: What has to be above the bound: the "difference" candidate - baseline, or the candidate's "mean".
        baseline: Baseline's (macro) mean.
        candidate: Candidate's (macro) mean.
        interval: Of the difference or of the candidate's mean.
        bound: The claim is that the true figure is above it: -margin for a difference.
        outcome: pass if the lower limit is above the bound, fail if the upper one is below, else undecided.
        needed_queries: Where undecided: queries that would decide with a chance of 80%, if the figure, its spread and
            its clustering stay as seen; None if it lies so near to the bound that none would.
        needed_clusters: The same in clusters.
        detectable: The smallest margin that this many queries decide with a chance of 80% when nothing changed.
    """

    rule: str
    task: str
    where: str
    num_pairs: int
    measure: str
    about: Literal["difference", "mean"]
    baseline: float
    candidate: float
    interval: Interval
    bound: float
    outcome: Outcome
    needed_queries: int | None = None
    needed_clusters: int | None = None
    detectable: float | None = None


def decide(interval: Interval, bound: float) -> Outcome:
    """Non-inferiority: pass if both lower limits are above the bound, fail if the upper one is below it.

    Fewer than two clusters give no interval and so no decision.

    Source: the confidence-interval form of two one-sided tests, each at 1 - confidence. Deviation: `guarded` can turn
    a pass into undecided, nothing else.
    """
    if min(interval.lower, interval.guarded) > bound:
        return "pass"
    return "fail" if interval.upper < bound else "undecided"


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """All have to pass: fail if any fails, else undecided if any is. An intersection-union test: no correction."""
    return next((outcome for outcome in ("fail", "undecided") if outcome in outcomes), "pass")


def guard_factor(skewness: Scores, kurtosis: Scores, num_clusters: Scores, confidence: float) -> Scores:
    """How many standard errors below the mean the guarded lower limit lies; at least the t quantile's.

    Most differences of two models are 0 and a few are large, which a t interval does not expect: at a true loss of the
    margin it lets through more than the promised 5%, most of all with few clusters. Two corrections, both from what
    clusters add to the mean: degrees of freedom from the kurtosis, 2 C / (kurtosis - 1 + 2 / (C - 1)), C - 1 for
    a normal distribution, as the standard error itself is uncertain; and Hall's transformation for the skewness.

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


def pair_intervals(scores_QP: Scores, clusters: Clusters, confidence: float) -> list[Interval]:
    """The interval of each column's mean over the queries that it has (the others are NaN).

    Args:
        scores_QP: Scores or differences, [Q, P].
        clusters: Cluster of each query, int64 [Q].
        confidence: One-sided, in (0.5, 1): the limits are the ends of the two-sided interval at 2 * confidence - 1.
    """
    found = mean_difference(scores_QP, clusters, 2 * confidence - 1)
    residual_CP = cluster_sums(scores_QP - found.mean, clusters)
    skewness, kurtosis = _shape(residual_CP, found.num_clusters)
    factor = guard_factor(skewness, kurtosis, found.num_clusters.astype(float), confidence)
    columns = (
        found.mean,
        found.lower,
        found.upper,
        found.mean - factor * found.se,
        found.se,
        found.num_queries,
        found.num_clusters,
        skewness,
        kurtosis,
        found.sd,
        found.design_effect,
    )
    return [Interval(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def macro_interval(scores_QP: Scores, clusters: Clusters, confidence: float) -> Interval:
    """The interval of the macro average over all columns; parallel questions of several pairs are one cluster.

    Its queries are the distinct ones: a question that is asked in ten languages counts once.
    """
    present_QP = ~np.isnan(scores_QP)
    num_pairs = scores_QP.shape[1]
    found = macro_difference(scores_QP, clusters, np.ones((1, num_pairs), dtype=bool), 2 * confidence - 1)
    num_P = present_QP.sum(axis=0)
    means_P = np.where(present_QP, scores_QP, 0.0).sum(axis=0) / num_P
    residual_C1 = cluster_sums((scores_QP - means_P) / (num_P * num_pairs), clusters).sum(axis=1, keepdims=True)
    skewness, kurtosis = _shape(residual_C1, found.num_clusters)
    factor = guard_factor(skewness, kurtosis, found.num_clusters.astype(float), confidence)
    columns = (found.mean, found.lower, found.upper, found.mean - factor * found.se, found.se)
    [mean], [lower], [upper], [guarded], [se] = (column.tolist() for column in columns)
    num_queries = int(present_QP.any(axis=1).sum())
    return Interval(
        mean, lower, upper, guarded, se, num_queries, int(found.num_clusters[0]), float(skewness[0]), float(kurtosis[0])
    )


def needed(interval: Interval, bound: float, confidence: float) -> tuple[int, int] | None:
    """Queries and clusters that would decide with the chance POWER if all that was seen stays as it is.

    The standard error falls with the square root of the number of queries; a decision needs the distance to the bound
    to be at least (quantile of the confidence + normal quantile of the power) standard errors.

    Returns:
        None without an interval, or where more than HOPELESS queries would be needed.
    """
    from scipy.stats import norm, t

    distance = interval.mean - bound
    if not math.isfinite(interval.se) or distance == 0:
        return None
    shape = np.array([interval.skewness]), np.array([interval.kurtosis])
    clusters = float(interval.num_clusters)
    # The quantile depends on the number of clusters sought: a few rounds settle it.
    for _ in range(30):
        sought = max(clusters, 2.0)
        guarded = float(guard_factor(*shape, np.array([sought]), confidence)[0])
        reach = guarded if distance > 0 else float(t.ppf(confidence, sought - 1))
        clusters = interval.num_clusters * ((reach + float(norm.ppf(POWER))) * interval.se / distance) ** 2
        if clusters > HOPELESS:
            return None
    clusters = max(clusters, interval.num_clusters + 1)
    queries = math.ceil(clusters * interval.num_queries / interval.num_clusters)
    return (queries, math.ceil(clusters)) if queries <= HOPELESS else None


def detectable_margin(interval: Interval, confidence: float) -> float | None:
    """The smallest margin that as many queries decide with the chance POWER when nothing changed; None if unknown."""
    from scipy.stats import norm, t

    if not math.isfinite(interval.se):
        return None
    return (float(t.ppf(confidence, interval.num_clusters - 1)) + float(norm.ppf(POWER))) * interval.se


@dataclass(frozen=True)
class GateResult:
    """All verdicts on one candidate.

    Attributes:
        baseline: Model key of the baseline.
        candidate: Model key of the candidate.
        margin: What English may lose, in points (100 times the measure).
        confidence: One-sided.
        verdicts: English first, then each rule's.
        notes: What was not gated, and what a reader should know, one sentence each.
    """

    baseline: str
    candidate: str
    margin: float
    confidence: float
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """pass only if every verdict passes."""
        return worst([verdict.outcome for verdict in self.verdicts])


def _shape(residual_CP: Scores, num_clusters: Clusters) -> tuple[Scores, Scores]:
    """Skewness and kurtosis of each column over its clusters; those of a normal distribution where nothing varies."""
    second, third, fourth = ((residual_CP**power).sum(axis=0) / num_clusters for power in (2, 3, 4))
    varies = second > 1e-24
    scale = np.where(varies, second, 1.0)
    return np.where(varies, third / scale**1.5, 0.0), np.where(varies, fourth / scale**2, 3.0)
