"""Averages of a task's pairs by group (English, to English, resource tiers), as a chart and as a matrix."""

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
from clearbench.report.content.matrix import Heading, Matrix, Scale, name_with_factor, round_end
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
    """One group of pairs, with the macro average of each model that has all its pairs.

    Attributes:
        key: The group's name in records.
        num_pairs: Number of pairs in the group.
        means: One average per model, in points if the measure is a share.
    """

    key: str
    num_pairs: int
    means: tuple[Estimate, ...]

    @property
    def name(self) -> str:
        """The group's name in words."""
        return GROUP_NAMES[self.key]


def group_means(
    models: Sequence[ShownModel], label: str, measure: Measure, pairs: Sequence[str]
) -> tuple[GroupMeans, ...]:
    """Return the averages of a task's pairs by group, with cluster-robust intervals.

    If several groups have the same pairs, only the first of them is returned.

    Args:
        models: The report's models; models without a record of the task are left out.
        label: Label of the task.
        measure: The measure to average.
        pairs: The pairs to average over; a model that lacks a pair is left out of the groups with this pair.
    """
    members = _pairs_by_group(pairs)
    means: dict[str, list[Estimate]] = {key: [] for key in members}
    for model in models:
        entry = model.find_entry(label)
        scored = set() if entry is None else {pair.pair for pair in entry.record.pairs}
        keys = [key for key, group_pairs in members.items() if scored >= group_pairs]
        if entry is None or not keys:
            continue
        kept = [pair for pair in pairs if pair in scored]
        macro_means = _macro_means(entry, measure, kept, [members[key] for key in keys])
        for key, (mean, lower, upper) in zip(keys, macro_means, strict=True):
            interval = (None, None) if math.isnan(lower) else (lower, upper)
            means[key].append(Estimate(model.name, model.series, mean, *interval))
    return tuple(GroupMeans(key, len(members[key]), tuple(found)) for key, found in means.items() if found)


def group_chart(groups: Sequence[GroupMeans], measure: Measure) -> EstimateChart:
    """Return the chart of a task's groups, with one common axis."""
    means = [mean for group in groups for mean in group.means]
    ends = [end for estimate in means for end in (estimate.lower, estimate.mean, estimate.upper) if end is not None]
    axis = share_axis(ends) if measure.unit == "share" else round_axis(ends)
    rows = tuple(EstimateRow(group.name, count(group.num_pairs, "pair"), group.means) for group in groups)
    return EstimateChart(name_with_factor(measure), axis, rows)


def group_matrix(groups: Sequence[GroupMeans], measure: Measure) -> Matrix:
    """Return groups as one table with a column per model, for reports with more models than colours."""
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
    scale = Scale(0.0, top, name_with_factor(measure))
    return Matrix(
        "", measure.name, rows, tuple(Heading(name, name) for name in names.values()), figures, counts, scale,
        models=True,
    )  # fmt: skip


def _pairs_by_group(pairs: Sequence[str]) -> dict[str, set[str]]:
    """Return group -> its pairs, for the groups that have a pair."""
    members: dict[str, set[str]] = {}
    for key, mask in group_members(pairs).items():
        group_pairs = {pair for pair, belongs in zip(pairs, mask, strict=True) if belongs}
        if group_pairs not in members.values():
            members[key] = group_pairs
    return members


def _macro_means(
    entry: Entry, measure: Measure, pairs: Sequence[str], groups: Sequence[set[str]]
) -> list[tuple[float, float, float]]:
    """Return (mean, lower, upper) for each group; as in records, intervals of shares are clipped to [0, 1]."""
    scores = scores_matrix(entry, measure.name, pairs)
    masks_GP = np.array([[pair in group for pair in scores.pairs] for group in groups])
    intervals = macro_mean_interval(scores.scores, scores.clusters, masks_GP)
    ends: list[Scores] = [intervals.mean, intervals.lower, intervals.upper]
    if measure.unit == "share":
        ends = [np.clip(end, 0.0, 1.0) for end in ends]
    return [(mean, lower, upper) for mean, lower, upper in (measure.points * np.stack(ends, axis=1)).tolist()]
