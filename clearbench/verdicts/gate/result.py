"""The types of the gate's answer: an interval, a verdict, and the whole result; all frozen.

Figures are the measure's own: fractions of shares, ranks of Max@R. Outputs multiply them by `Measure.points`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from clearbench.common.measures import Measure

Outcome = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class Interval:
    """A mean over queries with one-sided confidence limits, and what its width came from.

    Attributes:
        mean: The estimate.
        lower: One-sided lower limit, cluster-robust; NaN with fewer than two clusters, like all limits and `se`.
        upper: One-sided upper limit.
        guarded: A limit that also holds where a few queries lost much, or none did; see `bounds.guard_factor` and
            `unseen`. It is at or below `lower`, or at or above `upper` where lower is better.
        se: Cluster-robust standard error.
        num_queries: Number of queries.
        num_clusters: Number of clusters of dependent queries.
        num_varying: Clusters in which a query has another value than most queries.
        skewness: Skewness of what the clusters add to the mean; negative where a few have much less than the others.
        kurtosis: Kurtosis of what the clusters add to the mean; 3 for a normal distribution.
        sd: Standard deviation over queries; NaN for a macro average, where it means nothing.
        design_effect: What clustering multiplies the variance by; NaN for a macro average.
        unseen: Loss that may have been missed because few clusters vary; `guarded` allows for it; see `evidence`.
        largest_loss: Largest loss that a query can have.
    """

    mean: float
    lower: float
    upper: float
    guarded: float
    se: float
    num_queries: int
    num_clusters: int
    num_varying: int
    skewness: float
    kurtosis: float
    sd: float = math.nan
    design_effect: float = math.nan
    unseen: float = 0.0
    largest_loss: float = 1.0

    def negate(self) -> "Interval":
        """Return the interval of the negated figure, which turns a difference into a gain where lower is better."""
        return replace(
            self,
            mean=-self.mean,
            lower=-self.upper,
            upper=-self.lower,
            guarded=-self.guarded,
            skewness=-self.skewness,
        )


@dataclass(frozen=True)
class Verdict:
    """One claim about one pair, or about the mean of several, and whether it holds.

    Attributes:
        rule: The rule's title; English's is its margin.
        task: The record's label.
        where: The pair, or in words the pairs that the mean is over.
        num_pairs: Number of pairs averaged.
        measure: The measure, which knows its direction and unit.
        about: What is compared with the bound: the "difference" candidate - baseline, or the candidate's "mean".
        baseline: The baseline's (macro) mean.
        candidate: The candidate's (macro) mean.
        interval: Interval of the difference, or of the candidate's mean.
        bound: The claim is that the true figure is above the bound, or below it where lower is better. For a
            difference it is the margin, as a loss: -margin, or +margin where lower is better.
        outcome: pass if the interval is on the claim's side of the bound, fail if on the other, else undecided.
        least_clusters: Clusters that a decision needs; with fewer it is undecided.
        needed_queries: If undecided, the number of queries that would decide with a chance of 80%, if the figure, its
            spread and its clustering stay the same; None if the figure is too near to the bound for any number.
        needed_clusters: Likewise, as a number of clusters.
        detectable: The smallest margin that these queries decide with a chance of 80% if nothing changed.
    """

    rule: str
    task: str
    where: str
    num_pairs: int
    measure: Measure
    about: Literal["difference", "mean"]
    baseline: float
    candidate: float
    interval: Interval
    bound: float
    outcome: Outcome
    least_clusters: int
    needed_queries: int | None = None
    needed_clusters: int | None = None
    detectable: float | None = None

    @property
    def room(self) -> float:
        """Distance of the guarded limit from the bound: negative on the wrong side of it, -inf if unknown."""
        distance = self.measure.sign * (self.interval.guarded - self.bound)
        return -math.inf if math.isnan(distance) else distance


@dataclass(frozen=True)
class GateResult:
    """All verdicts on one candidate.

    Attributes:
        baseline: Model key of the baseline.
        candidate: Model key of the candidate.
        margin: What English may lose, in points or ranks; `allowed` says which.
        confidence: One-sided, in (0.5, 1).
        verdicts: Those on English first, then those of each rule.
        notes: What was not gated, and what else a reader should know, one sentence each.
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
        return worst_outcome([verdict.outcome for verdict in self.verdicts])

    @property
    def allowed(self) -> str:
        """The margin with its unit: 1 point, 3 ranks."""
        return self.verdicts[0].measure.amount(self.margin)


def worst_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """Return fail if any outcome is fail, else undecided if any is, else pass.

    All claims have to hold, which makes this an intersection-union test: it needs no correction.
    """
    return next((outcome for outcome in ("fail", "undecided") if outcome in outcomes), "pass")
