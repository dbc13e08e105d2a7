"""Write the figures of a report as files for papers: each as SVG (with text as text) and as PNG at 300 dots per inch.

The figures are the drawings of the page in its light theme. matplotlib only paints the marks of a drawing as PNG.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearbench.common.errors import RecordError, UsageError
from clearbench.common.text import file_name
from clearbench.report.build import Report
from clearbench.report.charts.draw import NARROW, WIDE, draw
from clearbench.report.charts.draw_matrix import draw_matrix
from clearbench.report.charts.marks import Box, Dot, Drawing, Hint, Line, Mark, Text, Tiles, to_svg
from clearbench.report.charts.palette import NAMED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS_PER_INCH, DOTS_PER_INCH, POINTS_PER_PIXEL = 96, 300, 0.75
ATTRIBUTES = 'xmlns="http://www.w3.org/2000/svg" font-family="Arial, Helvetica, sans-serif"'


def write_figures(report: Report, folder: Path) -> list[Path]:
    """Write every figure of a report; the same records give the same bytes.

    Args:
        report: The report.
        folder: Output folder; it is created if needed, and files of the same names are replaced.
    Returns:
        The paths of the files.
    Raises:
        UsageError: matplotlib is not installed.
        RecordError: The folder cannot be written.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("--figures needs matplotlib: pip install 'clearbench[report]'.") from None
    written: list[Path] = []
    names: set[str] = set()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for title, drawing in _named_drawings(report):
            name = _unique_file_name(title, names)
            svg, png = folder / f"{name}.svg", folder / f"{name}.png"
            svg.write_text(to_svg(drawing, _light_colour, ATTRIBUTES), encoding="utf-8")
            _paint(drawing, png)
            written += [svg, png]
    except OSError as error:
        raise RecordError(f"Cannot write figures to {folder}: {error.strerror}. Choose another --figures.") from error
    return written


def _named_drawings(report: Report) -> Iterator[tuple[str, Drawing]]:
    """Yield (title, drawing) of every figure."""
    for task in report.tasks:
        for matrix in task.values:
            yield f"{task.label} {matrix.title or 'models'} {matrix.quantity}", draw_matrix(matrix, matrix.title)
        for matrix in task.differences:
            minus = f"minus {report.reference}"
            title = f"{matrix.title} {minus}" if matrix.title else minus
            yield f"{task.label} {matrix.title or 'models'} {minus}", draw_matrix(matrix, title)
        if task.group_matrix:
            yield f"{task.label} groups", draw_matrix(task.group_matrix, "")
        elif task.group_chart:
            yield f"{task.label} groups", draw(task.group_chart, WIDE)
    for panel in report.bias:
        if panel.places is not None:
            yield f"{panel.task} {panel.model} places gained", draw_matrix(panel.places, panel.places.title)
    for number, chart in enumerate(report.curves):
        yield f"training {number + 1} {chart.title}", draw(chart, NARROW)


def _light_colour(colour: str) -> str:
    return colour if colour.startswith("#") else NAMED[colour]["light"]


def _paint(drawing: Drawing, file: Path) -> None:
    """Write a drawing as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(drawing.width / PIXELS_PER_INCH, drawing.height / PIXELS_PER_INCH))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(drawing.height, 0)
    for order, mark in enumerate(drawing.marks):
        _paint_mark(axes, mark, order)
    figure.savefig(file, dpi=DOTS_PER_INCH, metadata={"Software": "clearbench"})


def _paint_mark(axes: "Axes", mark: Mark, order: int) -> None:
    from matplotlib.patches import Circle, Rectangle

    match mark:
        case Line():
            style: Any = (0, tuple(length / mark.width for length in mark.dash)) if mark.dash else "-"
            xs, ys = zip(*mark.points, strict=True)
            axes.plot(
                xs, ys, color=_light_colour(mark.colour), linewidth=POINTS_PER_PIXEL * mark.width, linestyle=style,
                alpha=mark.opacity, zorder=order, solid_capstyle="butt",
            )  # fmt: skip
        case Box():
            colour = _light_colour(mark.colour)
            axes.add_patch(Rectangle((mark.x, mark.y), mark.width, mark.height, color=colour, linewidth=0))
        case Dot():
            colour = _light_colour(mark.colour)
            axes.add_patch(Circle((mark.x, mark.y), mark.radius, color=colour, linewidth=0, zorder=order))
        case Text():
            axes.text(
                mark.x, mark.y, mark.text, color=_light_colour(mark.colour), fontsize=POINTS_PER_PIXEL * mark.size,
                fontweight="bold" if mark.bold else "normal", rotation=90 if mark.turned else 0, rotation_mode="anchor",
                ha={"start": "left", "middle": "center", "end": "right"}[mark.anchor], va="center", zorder=order,
                parse_math=False,
            )  # fmt: skip
        case Tiles():
            _paint_tiles(axes, mark, order)
        case Hint():
            pass


def _paint_tiles(axes: "Axes", mark: Tiles, order: int) -> None:
    from matplotlib.colors import to_rgba

    empty = (0.0, 0.0, 0.0, 0.0)
    image = [[empty if colour is None else to_rgba(_light_colour(colour)) for colour in row] for row in mark.colours]
    right, bottom = mark.x + mark.width * len(image[0]), mark.y + mark.height * len(image)
    axes.imshow(image, extent=(mark.x, right, bottom, mark.y), aspect="auto", interpolation="nearest", zorder=order)


def _unique_file_name(title: str, taken: set[str]) -> str:
    """Return a file name for a title that is not taken yet, and add it to `taken`."""
    base = file_name(title.replace("@", ""), "-").strip("-.")[:120] or "figure"
    name, number = base, 2
    while name.lower() in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name.lower())
    return name
