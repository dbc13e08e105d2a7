"""Averages of a task's pairs by group (English, to English, resource tiers): as a chart, and as a matrix."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.arrays import Scores
from clearbench.common.measures import Measure
from clearbench.common.text import count
from clearbench.records.matrix import scores_matrix
from clearbench.records.select import Entry
from clearbench.report.charts.kinds import Estimate, EstimateChart, EstimateRow, round_axis, share_axis
from clearbench.report.content.matrix import Heading, Matrix, Scale, round_end, with_factor
from clearbench.report.content.models import ShownModel
from clearbench.stats.averages import group_members
from clearbench.stats.intervals import macro_mean_interval

GROUP_NAMES: Mapping[str, str] = {
    "english": "English",
    "*-en": "Other languages to English",
    "en-*": "English to other languages",
    "monolingual": "Within one language, not English",
    "cross-lingual": "Between languages",
    "high": "High-resource languages",
    "mid": "Mid-resource languages",
    "low": "Low-resource languages",
    "all": "All pairs",
}


@dataclass(frozen=True)
class GroupMeans:
    """One group of pairs with the macro average of each model that has all of them.

    Attributes:
        key: Its name in records.
        num_pairs: Pairs averaged.
        means: One per model, in points for shares.
    """

    key: str
    num_pairs: int
    means: tuple[Estimate, ...]

    @property
    def name(self) -> str:
        """The group in words."""
        return GROUP_NAMES[self.key]


def group_means(
    models: Sequence[ShownModel], label: str, measure: Measure, pairs: Sequence[str]
) -> tuple[GroupMeans, ...]:
    """Average a task's pairs by group, with cluster-robust intervals; groups of the same pairs are shown once.

    Args:
        models: The report's models; those without a record of the task are left out.
        label: Label of the task.
        measure: The measure to average.
        pairs: The pairs to average over; a model that lacks one is left out of the pair's groups.
    """
    members = _members(pairs)
    means: dict[str, list[Estimate]] = {key: [] for key in members}
    for model in models:
        entry = model.entry(label)
        having = set() if entry is None else {pair.pair for pair in entry.record.pairs}
        keys = [key for key, of_group in members.items() if having >= of_group]
        if entry is None or not keys:
            continue
        kept = [pair for pair in pairs if pair in having]
        for key, (mean, lower, upper) in zip(keys, _macro(entry, measure, kept, [members[key] for key in keys])):
            sure = not math.isnan(lower)
            estimate = Estimate(model.name, model.series, mean, lower if sure else None, upper if sure else None)
            means[key].append(estimate)
    return tuple(GroupMeans(key, len(members[key]), tuple(found)) for key, found in means.items() if found)


def group_chart(groups: Sequence[GroupMeans], measure: Measure) -> EstimateChart:
    """Return the chart of a task's groups, all on one axis."""
    means = [mean for group in groups for mean in group.means]
    ends = [end for estimate in means for end in (estimate.lower, estimate.mean, estimate.upper) if end is not None]
    axis = share_axis(ends) if measure.unit == "share" else round_axis(ends)
    rows = tuple(EstimateRow(group.name, count(group.num_pairs, "pair"), group.means) for group in groups)
    return EstimateChart(with_factor(measure), axis, rows)


def group_matrix(groups: Sequence[GroupMeans], measure: Measure) -> Matrix:
    """Return groups as one table with a column per model: for more models than colours can tell apart."""
    names = dict(sorted({mean.series: mean.name for group in groups for mean in group.means}.items()))
    figures = np.full((3, len(groups), len(names)), np.nan)
    counts = np.full(figures.shape[1:], "", dtype=object)
    columns = {series: column for column, series in enumerate(names)}
    for row, group in enumerate(groups):
        for mean in group.means:
            ends = (math.nan if end is None else end for end in (mean.mean, mean.lower, mean.upper))
            figures[:, row, columns[mean.series]] = [*ends]
            counts[row, columns[mean.series]] = count(group.num_pairs, "pair")
    rows = tuple(Heading(group.key, group.name, about=f"macro average: {group.name}") for group in groups)
    top = 100.0 if measure.unit == "share" else round_end(float(np.nanmax(figures[0])))
    scale = Scale(0.0, top, with_factor(measure))
    return Matrix(
        "", measure.name, rows, tuple(Heading(name, name) for name in names.values()), figures, counts, scale,
        models=True,
    )  # fmt: skip


def _members(pairs: Sequence[str]) -> dict[str, set[str]]:
    """The groups that hold a pair, each with its pairs."""
    members: dict[str, set[str]] = {}
    for key, mask in group_members(pairs).items():
        of_group = {pair for pair, belongs in zip(pairs, mask, strict=True) if belongs}
        if of_group not in members.values():
            members[key] = of_group
    return members


def _macro(
    entry: Entry, measure: Measure, pairs: Sequence[str], groups: Sequence[set[str]]
) -> list[tuple[float, float, float]]:
    """Mean and ends of its interval for each group; as in records, the intervals of shares end where shares do."""
    scores = scores_matrix(entry, measure.name, pairs)
    masks_GP = np.array([[pair in group for pair in scores.pairs] for group in groups])
    intervals = macro_mean_interval(scores.scores, scores.clusters, masks_GP)
    ends: list[Scores] = [intervals.mean, intervals.lower, intervals.upper]
    if measure.unit == "share":
        ends = [np.clip(end, 0.0, 1.0) for end in ends]
    return [(mean, lower, upper) for mean, lower, upper in (measure.points * np.stack(ends, axis=1)).tolist()]
