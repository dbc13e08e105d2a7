"""Draw charts as marks, from plain data and a width in pixels; the page and the files use the same drawings.

A narrow drawing has its own layout instead of being shrunk, so its text can be read on a phone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clearbench.report.charts.kinds import Axis, CurveChart, Estimate, EstimateChart, ShareChart
from clearbench.report.charts.marks import Box, Dot, Drawing, Hint, Line, Mark, Text, text_width
from clearbench.report.charts.palette import NUM_SERIES

WIDE, NARROW = 544.0, 336.0
"""Widths in pixels: half of a screen, and a phone."""

SIZE, SMALL = 12.5, 11.0
"""Text sizes in pixels: labels, and less important text (notes, ticks)."""

LINE_HEIGHT, TRACK, PADDING = 15.0, 12.5, 5.0
DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 3.0), (1.5, 2.5))
"""Dashes of curves, for the first, second and third use of a colour."""


def draw(chart: EstimateChart | CurveChart | ShareChart, width: float) -> Drawing:
    """Return the drawing of a chart with a given width; its height follows from its content."""
    match chart:
        case EstimateChart():
            return _draw_estimates(chart, width)
        case CurveChart():
            return _draw_curves(chart, width)
        case ShareChart():
            return _draw_shares(chart, width)


def wrap(text: str, size: float, width: float) -> list[str]:
    """Break a text into lines that are not wider than `width`, at blanks and inside wider words.

    Args:
        text: The text.
        size: Size of the text, in pixels.
        width: Largest width of a line, in pixels.
    """
    lines = [""]
    for word in text.split():
        if lines[-1] and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and text_width(lines[-1] + letter, size) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def series_colour(series: int) -> str:
    """Return the name of a model's colour."""
    return f"series{series % NUM_SERIES}"


@dataclass(frozen=True)
class _PixelAxis:
    """An axis from pixel `left` to pixel `right`."""

    axis: Axis
    left: float
    right: float

    def to_pixels(self, figure: float) -> float:
        """Return the position of a figure in pixels."""
        return self.left + self.axis.share(figure) * (self.right - self.left)


def _draw_estimates(chart: EstimateChart, width: float) -> Drawing:
    column = min(0.4 * width, 215.0)
    left, right = column + 10, width - 14
    models = [_Item(name, series_colour(series)) for series, name in chart.models.items()]
    marks, top = _legend_marks(models, width)
    axis = _PixelAxis(chart.axis, left, right)
    y, rows = top, list[Mark]()
    for row in chart.rows:
        lines = wrap(row.label, SIZE, column)
        height = 2 * PADDING + max(len(row.estimates) * TRACK, (len(lines) + bool(row.note)) * LINE_HEIGHT)
        rows.append(Line(((0, y), (right, y)), "line"))
        rows += _row_label_marks(lines, row.note, y + height / 2)
        first = y + (height - len(row.estimates) * TRACK) / 2
        for number, estimate in enumerate(row.estimates):
            rows += _estimate_marks(estimate, row.label, axis, first + number * TRACK)
        y += height
    rows.append(Line(((left, y), (right, y)), "line"))
    grid: list[Mark] = []
    for tick in chart.axis.ticks:
        x = axis.to_pixels(tick)
        grid.append(Line(((x, top), (x, y)), "line"))
        rows.append(Text(x, y + 11, chart.axis.label(tick), SMALL, "soft", "middle"))
    rows.append(Text((left + right) / 2, y + 27, chart.quantity, SMALL, "soft", "middle"))
    return Drawing(f"{chart.quantity} of {len(chart.rows)} rows", width, y + 36, (*marks, *grid, *rows))


def _row_label_marks(lines: Sequence[str], note: str, middle: float) -> Iterator[Mark]:
    """Yield the label and the note at the left of a row, centred vertically."""
    y = middle - (len(lines) + bool(note) - 1) * LINE_HEIGHT / 2
    for line in lines:
        yield Text(0, y, line, SIZE)
        y += LINE_HEIGHT
    if note:
        yield Text(0, y, note, SMALL, "soft")


def _estimate_marks(estimate: Estimate, label: str, axis: _PixelAxis, top: float) -> Iterator[Mark]:
    """Yield the marks of one estimate, including its text on hover."""
    middle, colour = top + TRACK / 2, series_colour(estimate.series)
    description = f"{label}: {estimate.name} {estimate.mean:.2f}"
    if estimate.expected is not None:
        x = axis.to_pixels(estimate.expected)
        yield Line(((x, top), (x, top + TRACK)), "ink", 2)
    if estimate.lower is not None and estimate.upper is not None:
        ends = ((axis.to_pixels(estimate.lower), middle), (axis.to_pixels(estimate.upper), middle))
        yield Line(ends, colour, 3, opacity=0.55)
        description += f", 95% interval {estimate.lower:.2f} to {estimate.upper:.2f}"
    yield Dot(axis.to_pixels(estimate.mean), middle, 4, colour)
    if estimate.expected is not None:
        description += f"; a ranking that ignores language would give {estimate.expected:.2f}"
    yield Hint(axis.left, top, axis.right - axis.left, TRACK, description)


def _draw_curves(chart: CurveChart, width: float) -> Drawing:
    title = wrap(chart.title, SIZE, width)
    marks: list[Mark] = [Text(0, 9 + LINE_HEIGHT * at, line, SIZE, bold=True) for at, line in enumerate(title)]
    top, height = LINE_HEIGHT * len(title) + 13, 190.0
    ticks = {tick: chart.y.label(tick) for tick in chart.y.ticks}
    left, right, bottom = 8 + max(text_width(text, SMALL) for text in ticks.values()), width - 8, top + height
    for tick, text in ticks.items():
        y = bottom - height * chart.y.share(tick)
        marks += [Line(((left, y), (right, y)), "line"), Text(left - 7, y, text, SMALL, "soft", "end")]
    axis = _PixelAxis(chart.x, left, right)
    for curve in chart.curves:
        points = [(axis.to_pixels(step), bottom - height * chart.y.share(figure)) for step, figure in curve.points]
        marks.append(Line(tuple(points), series_colour(curve.series), 1.6, _series_dash(curve.series)))
    marks += [
        Text(left, bottom + 12, f"{chart.x.low:g}", SMALL, "soft"),
        Text((left + right) / 2, bottom + 12, "step", SMALL, "soft", "middle"),
        Text(right, bottom + 12, f"{chart.x.high:g}", SMALL, "soft", "end"),
    ]
    items = [
        _Item(f"{curve.name} {curve.points[-1][1]:.4g}", series_colour(curve.series), _series_dash(curve.series))
        for curve in chart.curves
    ]
    legend, end = _legend_marks(items, width, bottom + 24)
    return Drawing(f"{chart.title} by training step", width, end, (*marks, *legend))


def _draw_shares(chart: ShareChart, width: float) -> Drawing:
    kinds = [_Item(kind, f"kind{number}") for number, kind in enumerate(chart.kinds)]
    legend, y = _legend_marks(kinds, width)
    marks: list[Mark] = [*legend]
    left = min(0.4 * width, 150.0) + 10
    for label, shares in chart.rows:
        lines = wrap(label, SIZE, left - 10)
        height = max(23.0, LINE_HEIGHT * len(lines) + 4)
        marks += _row_label_marks(lines, "", y + height / 2)
        x = left
        for number, share in enumerate(shares):
            part = share / 100 * (width - left)
            marks.append(Box(x, y + height / 2 - 8.5, max(part - 1, 0), 17, f"kind{number}"))
            x += part
        description = ", ".join(f"{kind} {share:.1f} %" for kind, share in zip(chart.kinds, shares, strict=True))
        marks.append(Hint(left, y, width - left, height, f"{label}: {description}"))
        y += height
    return Drawing(chart.about, width, y + 2, tuple(marks))


@dataclass(frozen=True)
class _Item:
    """A name in a legend with its colour, shown as a dot, or as a line if there is a dash."""

    name: str
    colour: str
    dash: tuple[float, ...] | None = None


def _legend_marks(items: Sequence[_Item], width: float, top: float = 0.0) -> tuple[list[Mark], float]:
    """Return the marks of a legend, in as many lines as needed, and the y position of its end."""
    marks: list[Mark] = []
    x, y = 0.0, top + 9
    for item in items:
        indent = 14 if item.dash is None else 22
        lines = wrap(item.name, SIZE, width - indent)
        room = indent + max(text_width(line, SIZE) for line in lines)
        if x and x + room > width:
            x, y = 0.0, y + LINE_HEIGHT + 2
        if item.dash is None:
            marks.append(Dot(x + 5, y, 4.5, item.colour))
        else:
            marks.append(Line(((x, y), (x + 16, y)), item.colour, 2, item.dash))
        for number, line in enumerate(lines):
            marks.append(Text(x + indent, y + number * LINE_HEIGHT, line, SIZE))
        y += (len(lines) - 1) * LINE_HEIGHT
        x += room + 14
    return marks, y + 15


def _series_dash(series: int) -> tuple[float, ...]:
    return DASHES[series // NUM_SERIES % len(DASHES)]
