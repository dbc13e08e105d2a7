"""From matched scores to the rows of a comparison, which have no p-values yet."""

from typing import NamedTuple

import numpy as np

from clearbench.common.arrays import BoolArray, Scores
from clearbench.common.measures import SAME_SCORE, find_measure
from clearbench.stats.averages import group_members
from clearbench.stats.intervals import (
    NO_SPREAD,
    MacroMeanInterval,
    MeanInterval,
    cluster_sums,
    column_means,
    macro_mean_interval,
    mean_interval,
)
from clearbench.verdicts.compare.result import ComparedRow
from clearbench.verdicts.matching import Matched


class TaskRows(NamedTuple):
    """One model on one task: its rows without p-values, and the sums whose signs the tests flip.

    Attributes:
        task: The task's label.
        cluster_names: Names of the rows of `sums` and `contributions`.
        pairs: A row per pair.
        groups: A row per group of pairs.
        sums: Sum of the differences of each cluster in each pair, float64 [C, P].
        contributions: What each cluster adds to each group's mean, float64 [C, G].
    """

    task: str
    cluster_names: tuple[str, ...]
    pairs: list[ComparedRow]
    groups: list[ComparedRow]
    sums: Scores
    contributions: Scores


class _Means(NamedTuple):
    """Mean of each pair in both models, and the other model's gain, float64 [P] each."""

    base: Scores
    other: Scores
    gain: Scores


def describe_task(matched: Matched, confidence: float) -> TaskRows:
    """Return the rows of one task without their p-values, and the sums that the tests need.

    Args:
        matched: Both models' scores on the task.
        confidence: Two-sided confidence of the intervals, in (0, 1).
    """
    differences_QP = matched.differences
    interval = mean_interval(differences_QP, matched.clusters, confidence)
    sign = find_measure(matched.measure).sign
    means = _Means(column_means(matched.base), column_means(matched.other), sign * interval.mean)
    groups = group_members(matched.pairs)
    groups_GP = np.stack(list(groups.values()))
    macro = macro_mean_interval(differences_QP, matched.clusters, groups_GP, confidence)
    return TaskRows(
        task=matched.task,
        cluster_names=matched.cluster_names,
        pairs=_pair_rows(matched, interval, means),
        groups=_group_rows(matched, groups, macro, interval, means),
        sums=cluster_sums(differences_QP, matched.clusters),
        contributions=macro.contributions,
    )


def _pair_rows(matched: Matched, interval: MeanInterval, means: _Means) -> list[ComparedRow]:
    gain_QP = find_measure(matched.measure).sign * matched.differences
    wins, losses = (gain_QP > 0).sum(axis=0), (gain_QP < 0).sum(axis=0)
    d_z = interval.d_z
    return [
        ComparedRow(
            task=matched.task,
            measure=matched.measure,
            kind="pair",
            name=name,
            num_pairs=1,
            num_queries=int(interval.num_queries[p]),
            num_clusters=int(interval.num_clusters[p]),
            base=float(means.base[p]),
            other=float(means.other[p]),
            difference=float(interval.mean[p]),
            lower=_interval_end(interval.lower[p], interval.se[p]),
            upper=_interval_end(interval.upper[p], interval.se[p]),
            wins=int(wins[p]),
            ties=int(interval.num_queries[p] - wins[p] - losses[p]),
            losses=int(losses[p]),
            d_z=_finite_or_none(d_z[p]),
        )
        for p, name in enumerate(matched.pairs)
    ]


def _group_rows(
    matched: Matched, groups: dict[str, BoolArray], macro: MacroMeanInterval, interval: MeanInterval, means: _Means
) -> list[ComparedRow]:
    return [
        ComparedRow(
            task=matched.task,
            measure=matched.measure,
            kind="group",
            name=name,
            num_pairs=int(macro.num_columns[g]),
            num_queries=int(interval.num_queries[members].sum()),
            num_clusters=int(macro.num_clusters[g]),
            base=float(means.base[members].mean()),
            other=float(means.other[members].mean()),
            difference=float(macro.mean[g]),
            lower=_interval_end(macro.lower[g], macro.se[g]),
            upper=_interval_end(macro.upper[g], macro.se[g]),
            wins=int((means.gain[members] > SAME_SCORE).sum()),
            ties=int((np.abs(means.gain[members]) <= SAME_SCORE).sum()),
            losses=int((means.gain[members] < -SAME_SCORE).sum()),
        )
        for g, (name, members) in enumerate(groups.items())
    ]


def _interval_end(end: float, se: float) -> float | None:
    """Return an end of an interval; None where no difference varies, because other queries may vary all the same."""
    return _finite_or_none(end) if se > NO_SPREAD else None


def _finite_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
