"""Charts of a report as plain data in per cent of their width and height; the page's style sheet gives them form."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearbench.common.languages import parse_pair
from clearbench.records.matrix import scores_matrix
from clearbench.records.select import Entry
from clearbench.stats.averages import GROUPS
from clearbench.stats.intervals import macro_mean_interval

Points = tuple[tuple[float, float], ...]
"""(step, figure) in order of steps."""

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
class Dot:
    """A mean with its interval, x 100.

    Attributes:
        name: Model.
        series: Its number among the report's models: the same colour everywhere.
        mean: Macro average over the group's pairs.
        lower: Lower end; None with fewer than two clusters.
        upper: Upper end.
    """

    name: str
    series: int
    mean: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Group:
    """One group of pairs: a row per model that has all of them.

    Attributes:
        key: Its name in records.
        name: In words.
        num_pairs: Pairs averaged.
        dots: See Dot.
    """

    key: str
    name: str
    num_pairs: int
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Axis:
    """A linear axis from `low` to `high` with ticks at round figures."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def percent(self, value: float) -> float:
        """Where a figure lies, 0 to 100, with two decimals."""
        return round(100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low), 2)

    def label(self, tick: float) -> str:
        """A tick's figure, no longer than its step asks for."""
        digits = max(-math.floor(math.log10(self.ticks[1] - self.ticks[0]) + 1e-9), 0)
        return f"{tick:.{digits}f}"


@dataclass(frozen=True)
class Line:
    """One curve: its name, colour number, points, and SVG path in a box of 100 x 100."""

    name: str
    series: int
    points: Points
    path: str

    @property
    def last(self) -> float:
        """Figure at the last step."""
        return self.points[-1][1]


@dataclass(frozen=True)
class Plot:
    """Curves over training steps."""

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]


def group_means(entries: Sequence[tuple[str, int, Entry]], measure: str, pairs: Sequence[str]) -> tuple[Group, ...]:
    """Average a task's pairs by group, with cluster-robust intervals; groups of the same pairs are shown once.

    Args:
        entries: Name, series number and record of each model; the records are of one task.
        measure: What to average.
        pairs: The pairs to average over; a model that lacks one is left out of its groups.
    """
    parsed = {pair: parse_pair(pair) for pair in pairs}
    members: dict[str, set[str]] = {}
    for key, belongs in GROUPS.items():
        of_group = {name for name, pair in parsed.items() if belongs(pair)}
        if of_group and of_group not in members.values():
            members[key] = of_group
    dots: dict[str, list[Dot]] = {key: [] for key in members}
    for name, series, entry in entries:
        having = {pair.pair for pair in entry.record.pairs}
        keys = [key for key, of_group in members.items() if having.issuperset(of_group)]
        if not keys:
            continue
        scores = scores_matrix(entry, measure, [pair for pair in pairs if pair in having])
        masks_GP = np.array([[pair in members[key] for pair in scores.pairs] for key in keys])
        found = macro_mean_interval(scores.scores, scores.clusters, masks_GP)
        ends = zip(keys, found.mean.tolist(), found.lower.tolist(), found.upper.tolist(), strict=True)
        for key, mean, lower, upper in ends:
            sure = not math.isnan(lower)
            # As in records: intervals of means end where the measure does.
            low, high = (max(100 * lower, 0.0), min(100 * upper, 100.0)) if sure else (None, None)
            dots[key].append(Dot(name, series, 100 * mean, low, high))
    return tuple(Group(key, GROUP_NAMES[key], len(members[key]), tuple(dots[key])) for key in members if dots[key])


def group_axis(groups: Sequence[Group]) -> Axis:
    """One axis for all groups of a task, with ticks at multiples of twenty."""
    ends = [
        value
        for group in groups
        for dot in group.dots
        for value in (dot.mean, dot.lower if dot.lower is not None else dot.mean, dot.upper or dot.mean)
    ]
    low, high = math.floor(min(ends) / 20), max(math.ceil(max(ends) / 20), math.floor(min(ends) / 20) + 1)
    return Axis(20.0 * low, 20.0 * high, tuple(20.0 * tick for tick in range(low, high + 1)))


def plot(title: str, curves: Sequence[tuple[str, int, Points]]) -> Plot | None:
    """Draw curves in one box; None if none has two points."""
    curves = [(name, series, points) for name, series, points in curves if len(points) > 1]
    if not curves:
        return None
    xs, ys = ([point[side] for _, _, points in curves for point in points] for side in (0, 1))
    x, y = _axis(min(xs), max(xs), snug=True), _axis(min(ys), max(ys))
    lines = tuple(
        Line(name, series, points, "M" + "L".join(f"{x.percent(a):g} {100 - y.percent(b):g}" for a, b in points))
        for name, series, points in curves
    )
    return Plot(title, x, y, lines)


def _axis(low: float, high: float, snug: bool = False) -> Axis:
    """An axis whose ticks are 1, 2 or 5 times a power of ten apart, three to six of them."""
    if high - low < 1e-6 * max(abs(low), abs(high), 1.0):  # a flat curve, up to rounding
        high = low + 1.0
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw - 1e-12)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(place * step, 10) for place in range(first, last + 1))
    if snug:  # steps begin where training did; only ticks inside are kept
        inside = tuple(tick for tick in ticks if low <= tick <= high)
        return Axis(low, high, inside if len(inside) > 1 else (low, high))
    return Axis(ticks[0], ticks[-1], ticks)
