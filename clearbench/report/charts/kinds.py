"""The charts of a report as plain data: estimates with intervals, curves over training steps, shares of a whole.

`draw` gives each its form, the same for the page and for files.
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
        """Return where a figure lies, from 0 at the low end to 1 at the high end, beyond which nothing lies."""
        return (min(max(figure, self.low), self.high) - self.low) / (self.high - self.low)

    def label(self, tick: float) -> str:
        """Return a tick's figure with as many decimals as the distance between ticks asks for."""
        digits = max(-math.floor(math.log10(self.ticks[1] - self.ticks[0]) + 1e-9), 0)
        return f"{tick:.{digits}f}"


@dataclass(frozen=True)
class Estimate:
    """One model's figure with its interval, as tables show figures.

    Attributes:
        name: Model.
        series: Its number among the report's models, which decides its colour.
        mean: The figure.
        lower: Lower end of the 95% interval; None where there is none.
        upper: Upper end.
        expected: What chance would give, marked by an upright bar; None where that has no meaning.
    """

    name: str
    series: int
    mean: float
    lower: float | None
    upper: float | None
    expected: float | None = None


@dataclass(frozen=True)
class EstimateRow:
    """What is named at the left, a note below it, and one estimate per model."""

    label: str
    note: str
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True)
class EstimateChart:
    """Rows of estimates on one axis, which `quantity` names."""

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
    """A whole per row, divided: (label, per cent of each kind in order)."""

    about: str
    kinds: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]


def curve_chart(title: str, curves: Sequence[Curve]) -> CurveChart | None:
    """Put curves on common axes; None if none has two points."""
    drawn = tuple(curve for curve in curves if len(curve.points) > 1)
    if not drawn:
        return None
    steps, figures = ([point[side] for curve in drawn for point in curve.points] for side in (0, 1))
    return CurveChart(title, _snug_axis(steps), round_axis(figures), drawn)


def share_axis(figures: Iterable[float]) -> Axis:
    """Return an axis for figures from 0 to 100, from and to a multiple of twenty, with a tick at each."""
    ends = list(figures)
    low = math.floor(min(ends) / 20)
    high = max(math.ceil(max(ends) / 20), low + 1)
    return Axis(20.0 * low, 20.0 * high, tuple(20.0 * tick for tick in range(low, high + 1)))


def round_axis(figures: Sequence[float]) -> Axis:
    """Return an axis for any figures: ticks are 1, 2 or 5 times a power of ten apart, three to six of them."""
    low, high = _ends(figures)
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw - 1e-12)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(place * step, 10) for place in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _snug_axis(figures: Sequence[float]) -> Axis:
    """A round axis cut to the figures: steps begin where training did."""
    low, high = _ends(figures)
    inside = tuple(tick for tick in round_axis(figures).ticks if low <= tick <= high)
    return Axis(low, high, inside if len(inside) > 1 else (low, high))


def _ends(figures: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest figure, 1 apart where the figures are equal up to rounding."""
    low, high = min(figures), max(figures)
    return low, low + 1.0 if high - low < 1e-6 * max(abs(low), abs(high), 1.0) else high
