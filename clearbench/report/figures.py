"""The figures of a report as files for papers: each as SVG (text stays text) and as PNG of 300 dots per inch.

They take their data and colours from the report, so that paper and page agree.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clearbench.common.errors import RecordError, UsageError
from clearbench.report import palette as colours
from clearbench.report.build import Report, TaskSection
from clearbench.report.charts import Plot
from clearbench.report.matrix import WITH_DECIMAL, Map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches: a cell with one decimal, one without, and the margin for labels.
CELL, SMALL_CELL, MARGIN = 0.36, 0.055, 0.75
DOTS_PER_INCH = 300
# Of lines that take a colour for the second and third time.
DASHES = ("-", "--", ":")
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 7.5,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "svg.fonttype": "none",
    # Names in the files come from a hash of this instead of chance: the same records give the same bytes.
    "svg.hashsalt": "clearbench",
}


def write_figures(report: Report, folder: Path) -> list[Path]:
    """Write every figure of a report.

    Args:
        report: What to draw.
        folder: Made if it is not there; files of the same names are replaced.
    Returns:
        The files.
    Raises:
        UsageError: matplotlib is not installed.
        RecordError: The folder cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("--figures needs matplotlib: pip install 'clearbench[report]'.") from None
    written: list[Path] = []
    names: set[str] = set()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(STYLE):
            for title, size, draw in _figures(report):
                name = _file_name(title, names)
                figure = Figure(figsize=size, layout="constrained")
                draw(figure)
                for file, more in (
                    (folder / f"{name}.svg", {"metadata": {"Date": None, "Creator": "clearbench"}}),
                    (folder / f"{name}.png", {"dpi": DOTS_PER_INCH, "metadata": {"Software": "clearbench"}}),
                ):
                    figure.savefig(file, **more)
                    written.append(file)
    except OSError as error:
        raise RecordError(f"Cannot write figures to {folder}: {error.strerror}. Choose another --figures.") from error
    return written


_Drawing = tuple[str, tuple[float, float], Callable[["Figure"], None]]


def _figures(report: Report) -> Iterator[_Drawing]:
    """Name, size in inches, and what draws it, of every figure."""
    for task in report.tasks:
        for map in task.values:
            yield f"{task.label} {map.title or 'models'} {map.unit}", _size(map), _map_drawing(map)
        for map in task.differences:
            title = f"{task.label} {map.title or 'models'} minus {report.reference}"
            yield title, _size(map), _map_drawing(map, f"{map.title} minus {report.reference}".removeprefix(" "))
        if task.group_map:
            yield f"{task.label} groups", _size(task.group_map), _map_drawing(task.group_map)
        elif task.groups and task.axis:
            rows = sum(len(group.dots) for group in task.groups)
            yield f"{task.label} groups", (4.6, 0.6 + 0.13 * rows + 0.12 * len(task.groups)), _groups_drawing(task)
    for panel in report.bias:
        if panel.places is not None:
            yield f"{panel.task} {panel.model} places gained", _size(panel.places), _map_drawing(panel.places)
    for number, plot in enumerate(report.plots):
        yield f"training {number + 1} {plot.title}", (3.4, 2.3), _plot_drawing(plot)


def _size(map: Map) -> tuple[float, float]:
    cell = CELL if map.form in ("table", "models") else 0.2 if map.form == "small" else SMALL_CELL
    width = cell * (2.6 if map.models else 1.0)
    return MARGIN + 0.45 + width * len(map.columns), MARGIN + 0.8 * cell * len(map.rows)


def _map_drawing(map: Map, title: str | None = None) -> Callable[["Figure"], None]:
    def draw(figure: "Figure") -> None:
        from matplotlib.colors import ListedColormap

        ramp = (colours.diverging if map.signed else colours.sequential)("light")
        palette = ListedColormap(ramp.background)
        low, high = (-map.range, map.range) if map.signed else (0.0, 100.0)
        axes = figure.add_subplot()
        image = axes.imshow(np.ma.masked_invalid(map.value), cmap=palette, vmin=low, vmax=high, aspect="auto")
        _name_axes(axes, map, map.title if title is None else title)
        if map.form != "canvas":
            _write_cells(axes, map, ramp)
        bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02, aspect=30)
        bar.outline.set_visible(False)
        bar.set_label(map.unit if map.signed else f"{map.unit} × 100")

    return draw


def _name_axes(axes: "Axes", map: Map, title: str) -> None:
    large = map.form == "canvas"
    size = 2.5 if large else 7.0
    names = [f"{map.names[code]} ({code})" for code in map.rows] if map.models else map.rows
    axes.set_xticks(range(len(map.columns)), map.columns, fontsize=size, rotation=90 if large else 0)
    axes.set_yticks(range(len(map.rows)), names, fontsize=size)
    axes.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False, pad=2)
    axes.spines[:].set_visible(False)
    if not map.models:
        axes.set_ylabel("query language")
        axes.set_xlabel("passage language")
        axes.xaxis.set_label_position("top")
    if title:
        axes.set_title(title, fontsize=8.5, fontweight="bold", loc="left")


def _write_cells(axes: "Axes", map: Map, ramp: colours.Ramp) -> None:
    for row in range(len(map.rows)):
        for column in range(len(map.columns)):
            step = map.step(row, column)
            if step is None:
                continue
            sure = map.sure(row, column)
            axes.text(
                column,
                row,
                map.text(row, column) + ("*" if sure else ""),
                ha="center",
                va="center",
                color=ramp.text[step],
                fontsize=6.5 if len(map.columns) <= WITH_DECIMAL else 5,
                fontweight="bold" if sure else "normal",
            )


def _groups_drawing(task: TaskSection) -> Callable[["Figure"], None]:
    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        palette = colours.series("light")
        place, ticks, labels, named = 0.0, [], [], set()
        for group in task.groups:
            first = place
            for dot in group.dots:
                colour = palette[dot.series % len(palette)]
                if dot.lower is not None and dot.upper is not None:
                    axes.plot([dot.lower, dot.upper], [place, place], color=colour, alpha=0.55, linewidth=1.6)
                label = None if dot.name in named else dot.name
                axes.plot([dot.mean], [place], "o", color=colour, markersize=3.5, label=label)
                named.add(dot.name)
                place += 1.0
            ticks.append((first + place - 1) / 2)
            labels.append(f"{group.name} ({group.num_pairs:,})")
            place += 0.9
        axes.set_yticks(ticks, labels)
        axes.set_ylim(place - 0.4, -0.9)
        if task.axis:
            axes.set_xlim(task.axis.low, task.axis.high)
            axes.set_xticks(task.axis.ticks)
        axes.grid(axis="x", color="#dfe1e3", linewidth=0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_axisbelow(True)
        axes.set_xlabel(f"{task.measure} × 100")
        figure.legend(loc="outside upper left", frameon=False, ncols=4, handletextpad=0.2, columnspacing=1.2)

    return draw


def _plot_drawing(plot: Plot) -> Callable[["Figure"], None]:
    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        palette = colours.series("light")
        for line in plot.lines:
            steps, values = zip(*line.points, strict=True)
            colour, dashes = palette[line.series % len(palette)], DASHES[line.series // len(palette) % len(DASHES)]
            axes.plot(steps, values, dashes, color=colour, linewidth=1.1, label=line.name)
        axes.set_ylim(plot.y.low, plot.y.high)
        axes.grid(axis="y", color="#dfe1e3", linewidth=0.5)
        axes.set_xlabel("step")
        axes.set_title(plot.title, fontsize=8, loc="left")
        axes.legend(frameon=False)

    return draw


def _file_name(title: str, taken: set[str]) -> str:
    """A file name that no other figure has."""
    base = re.sub(r"[^\w.+-]+", "-", title.replace("@", "")).strip("-.")[:120] or "figure"
    name, number = base, 2
    while name.lower() in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name.lower())
    return name
