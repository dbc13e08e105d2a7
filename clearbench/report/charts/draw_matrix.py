"""Draw a matrix for files; the page shows the same cells as a table or on a canvas."""

from dataclasses import dataclass

from clearbench.report.charts.draw import wrap
from clearbench.report.charts.marks import Drawing, Mark, Text, Tiles, text_width
from clearbench.report.charts.palette import DIVERGING, SEQUENTIAL, Ramp
from clearbench.report.content.matrix import Form, Matrix


@dataclass(frozen=True)
class _Sizes:
    """Sizes in pixels: width and height of a cell, text of headings, text in cells (0 for no text)."""

    width: float
    height: float
    heading: float
    text: float


SIZES: dict[Form, _Sizes] = {
    "models": _Sizes(92.0, 28.0, 10.5, 10.0),
    "table": _Sizes(40.0, 28.0, 10.5, 10.0),
    "small": _Sizes(22.0, 17.0, 9.0, 7.5),
    "canvas": _Sizes(5.3, 5.3, 3.5, 0.0),
}
TITLE, LABEL, GAP = 11.5, 10.0, 6.0
"""Sizes in pixels: title; axis names and ticks of the colour bar; gap between headings and cells."""


def draw_matrix(matrix: Matrix, title: str) -> Drawing:
    """Return the drawing of a matrix in the light theme: headings, cells with their figures, colour bar."""
    sizes, ramp = SIZES[matrix.form], (DIVERGING if matrix.scale.signed else SEQUENTIAL)["light"]
    rows = [row.label if matrix.models else row.code for row in matrix.rows]
    axis_names = 0.0 if matrix.models else LABEL + GAP
    left = axis_names + max(text_width(row, sizes.heading) for row in rows) + GAP
    columns = [wrap(column.code, sizes.heading, sizes.width) for column in matrix.columns]
    turned = matrix.form == "canvas"
    heading = (
        max(text_width(c.code, sizes.heading) for c in matrix.columns) if turned else 12.0 * max(map(len, columns))
    )
    top = (TITLE + GAP if title else 0.0) + axis_names + heading + GAP
    width, height = sizes.width * len(columns), sizes.height * len(rows)
    marks: list[Mark] = [Text(left, TITLE / 2 + 1, title, TITLE, bold=True)] if title else []
    if not matrix.models:
        marks.append(
            Text(left + width / 2, top - heading - GAP - LABEL / 2, "passage language", LABEL, anchor="middle")
        )
        marks.append(Text(LABEL / 2 + 1, top + height / 2, "query language", LABEL, anchor="middle", turned=True))
    for index, row in enumerate(rows):
        marks.append(Text(left - GAP, top + (index + 0.5) * sizes.height, row, sizes.heading, anchor="end"))
    for index, lines in enumerate(columns):
        x = left + (index + 0.5) * sizes.width
        if turned:
            marks.append(Text(x, top - GAP, matrix.columns[index].code, sizes.heading, turned=True))
        for number, line in enumerate([] if turned else reversed(lines)):
            marks.append(Text(x, top - GAP - 12.0 * (number + 0.5), line, sizes.heading, anchor="middle"))
    marks += _cell_marks(matrix, ramp, left, top)
    bar, wide, high = _colour_bar_marks(matrix, ramp, left + width + 12, top)
    return Drawing(f"{matrix.quantity}: {title}", wide, max(top + height, high) + 4, (*marks, *bar))


def _cell_marks(matrix: Matrix, ramp: Ramp, left: float, top: float) -> list[Mark]:
    sizes = SIZES[matrix.form]
    steps = [[matrix.step(row, column) for column in range(len(matrix.columns))] for row in range(len(matrix.rows))]
    colours = tuple(tuple(None if step is None else ramp.background[step] for step in line) for line in steps)
    marks: list[Mark] = [Tiles(left, top, sizes.width, sizes.height, colours)]
    for row, line in enumerate(steps if sizes.text else []):
        for column, step in enumerate(line):
            if step is None:
                continue
            sure = matrix.is_marked(row, column)
            x, y = left + (column + 0.5) * sizes.width, top + (row + 0.5) * sizes.height
            text = matrix.text(row, column) + ("*" if sure else "")
            marks.append(Text(x, y, text, sizes.text, ramp.text[step], "middle", bold=sure))
    return marks


def _colour_bar_marks(matrix: Matrix, ramp: Ramp, left: float, top: float) -> tuple[list[Mark], float, float]:
    """Return the marks of the colour bar at the right of a matrix, and the positions of its right and lower ends."""
    scale, width = matrix.scale, 11.0
    height = max(110.0, min(240.0, SIZES[matrix.form].height * len(matrix.rows)))
    steps = ramp.background[::-1]
    marks: list[Mark] = [Tiles(left, top, width, height / len(steps), tuple((colour,) for colour in steps))]
    digits = 0 if abs(scale.high - scale.low) >= 4 else 1
    ticks = {
        share: scale.show(scale.low + share * (scale.high - scale.low), digits) for share in (0, 0.25, 0.5, 0.75, 1)
    }
    for share, text in ticks.items():
        marks.append(Text(left + width + 4, top + (1 - share) * height, text, LABEL))
    right = left + width + 14 + max(text_width(text, LABEL) for text in ticks.values())
    marks.append(Text(right + LABEL / 2, top + height / 2, matrix.legend, LABEL, anchor="middle", turned=True))
    return marks, right + LABEL + 4, top + height + LABEL / 2
