"""The charts of a report as plain data: estimates with intervals, curves over training steps, shares of a whole.

`draw` turns them into drawings, which the page and the files share.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Points = tuple[tuple[float, float], ...]
"""(step, figure) in order of steps."""


@dataclass(frozen=True)
class Axis:
    """A linear axis from `low` to `high` with ticks at round figures."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, figure: float) -> float:
        """Return the relative position of a figure, from 0 at the low end to 1 at the high end, clipped to both."""
        return (min(max(figure, self.low), self.high) - self.low) / (self.high - self.low)

    def label(self, tick: float) -> str:
        """Return a tick's figure with as many decimals as the distance between ticks needs."""
        digits = max(-math.floor(math.log10(self.ticks[1] - self.ticks[0]) + 1e-9), 0)
        return f"{tick:.{digits}f}"


@dataclass(frozen=True)
class Estimate:
    """One model's figure with its interval, as tables show figures.

    Attributes:
        name: Name of the model.
        series: Number of the model among the report's models, which decides its colour.
        mean: The figure.
        lower: Lower end of the 95% interval; None if there is none.
        upper: Upper end of the 95% interval; None if there is none.
        expected: The figure expected by chance, marked by a vertical bar; None if chance has no meaning.
    """

    name: str
    series: int
    mean: float
    lower: float | None
    upper: float | None
    expected: float | None = None


@dataclass(frozen=True)
class EstimateRow:
    """A row of a chart: its label, a note below the label, and one estimate per model."""

    label: str
    note: str
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True)
class EstimateChart:
    """Rows of estimates on one axis; `quantity` is the label of the axis."""

    quantity: str
    axis: Axis
    rows: tuple[EstimateRow, ...]

    @property
    def models(self) -> dict[int, str]:
        """Series -> name of every model that has an estimate, in order of series."""
        return dict(sorted({estimate.series: estimate.name for row in self.rows for estimate in row.estimates}.items()))


@dataclass(frozen=True)
class Curve:
    """One curve: its name, its series, and its points."""

    name: str
    series: int
    points: Points


@dataclass(frozen=True)
class CurveChart:
    """Curves over training steps."""

    title: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class ShareChart:
    """A divided bar per row; each row is (label, per cent of each kind in order)."""

    about: str
    kinds: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]


def curve_chart(title: str, curves: Sequence[Curve]) -> CurveChart | None:
    """Return a chart of the curves with at least two points, or None if there are none."""
    drawn = tuple(curve for curve in curves if len(curve.points) > 1)
    if not drawn:
        return None
    steps, figures = ([point[side] for curve in drawn for point in curve.points] for side in (0, 1))
    return CurveChart(title, _snug_axis(steps), round_axis(figures), drawn)


def share_axis(figures: Iterable[float]) -> Axis:
    """Return an axis for figures from 0 to 100, with ends and ticks at multiples of twenty."""
    ends = list(figures)
    low = math.floor(min(ends) / 20)
    high = max(math.ceil(max(ends) / 20), low + 1)
    return Axis(20.0 * low, 20.0 * high, tuple(20.0 * tick for tick in range(low, high + 1)))


def round_axis(figures: Sequence[float]) -> Axis:
    """Return an axis for any figures, with three to six ticks at a distance of 1, 2 or 5 times a power of ten."""
    low, high = _find_ends(figures)
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw - 1e-12)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(place * step, 10) for place in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _snug_axis(figures: Sequence[float]) -> Axis:
    """Return an axis from the least to the greatest figure, with round ticks."""
    low, high = _find_ends(figures)
    inside = tuple(tick for tick in round_axis(figures).ticks if low <= tick <= high)
    return Axis(low, high, inside if len(inside) > 1 else (low, high))


def _find_ends(figures: Sequence[float]) -> tuple[float, float]:
    """Return the least and the greatest figure; if they are equal up to rounding, add 1 to the greatest."""
    low, high = min(figures), max(figures)
    return low, low + 1.0 if high - low < 1e-6 * max(abs(low), abs(high), 1.0) else high
