"""Charts: axes that hold their figures, drawings that hold their marks, SVG that says what the marks are."""

import pytest
from builders.values import require
from hypothesis import given
from hypothesis import strategies as st

from clearbench.report.charts.draw import NARROW, WIDE, draw, wrap
from clearbench.report.charts.kinds import (
    Axis,
    Curve,
    CurveChart,
    Estimate,
    EstimateChart,
    EstimateRow,
    ShareChart,
    curve_chart,
)
from clearbench.report.charts.marks import Box, Dot, Drawing, Hint, Line, Text, text_width

LONG = "a-model-with-a-name-that-is-much-longer-than-any-column-of-a-chart-" * 2


def estimates(names=("one", LONG), mean=40.0) -> EstimateChart:
    row = [Estimate(name, series, mean, mean - 5, mean + 5, expected=30) for series, name in enumerate(names)]
    return EstimateChart("nDCG@10 × 100", Axis(0, 100, (0, 50, 100)), (EstimateRow(LONG, "3 pairs", tuple(row)),))


CURVES = CurveChart("loss", Axis(0, 9, (0, 9)), Axis(1, 3, (1, 2, 3)), (Curve(LONG, 9, ((0, 1), (9, 3))),))
SHARES = ShareChart("shares", ("right", "wrong"), ((LONG, (25.0, 75.0)), ("English", (100.0, 0.0))))


def curve(drawing: Drawing) -> Line:
    """The one line that is a curve: the others are rules, or lie in the legend."""
    [found] = [mark for mark in drawing.marks if isinstance(mark, Line) and mark.width == 1.6]
    return found


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e3, 1e3)), min_size=2, max_size=20))
def test_curves_stay_in_their_box(points):
    chart = require(curve_chart("loss", [Curve("run", 0, tuple(points))]))
    drawn = draw(chart, WIDE)
    places = curve(drawn).points
    rules = [mark.points for mark in drawn.marks if isinstance(mark, Line) and mark.colour == "line"]
    left, right = rules[0][0][0], rules[0][1][0]
    top, bottom = min(rule[0][1] for rule in rules), max(rule[0][1] for rule in rules)
    assert len(places) == len(points)
    assert all(left - 1e-6 <= x <= right + 1e-6 and top - 1e-6 <= y <= bottom + 1e-6 for x, y in places)
    values = [value for _, value in points]
    assert chart.y.low <= min(values) + 1e-5 and chart.y.high >= max(values) - 1e-5


def test_down_in_the_drawing_is_down_in_the_figure():
    (left, top), (right, bottom) = curve(draw(CURVES, WIDE)).points[::-1]
    assert top < bottom and left > right


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("chart", [estimates(), CURVES, SHARES])
def test_marks_lie_within_the_drawing(chart, width):
    drawing = draw(chart, width)
    assert drawing.width == width
    for mark in drawing.marks:
        match mark:
            case Line():
                corners = mark.points
            case Box() | Hint():
                corners = ((mark.x, mark.y), (mark.x + mark.width, mark.y + mark.height))
            case Dot():
                corners = ((mark.x - mark.radius, mark.y - mark.radius), (mark.x + mark.radius, mark.y + mark.radius))
            case Text():
                shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor]
                left = mark.x - shift * text_width(mark.text, mark.size)
                right = left + text_width(mark.text, mark.size)
                corners = ((left, mark.y - mark.size / 2), (right, mark.y + mark.size / 2))
        assert all(-0.5 <= x <= width + 0.5 and -0.5 <= y <= drawing.height + 0.5 for x, y in corners), mark


def test_an_estimate_says_its_figures_on_hover():
    hints = [mark.text for mark in draw(estimates(("one",)), WIDE).marks if isinstance(mark, Hint)]
    assert hints == [
        f"{LONG}: one 40.00, 95% interval 35.00 to 45.00; a ranking that ignores language would give 30.00"
    ]


def test_an_estimates_dot_stands_where_the_axis_says():
    drawing = draw(estimates(("one",), mean=50.0), WIDE)
    [dot] = [mark for mark in drawing.marks if isinstance(mark, Dot) and mark.radius == 4]
    ticks = [mark.points[0][0] for mark in drawing.marks if isinstance(mark, Line) and mark.points[0][0] == dot.x]
    assert ticks, "the middle tick is at the same place"


def test_shares_fill_their_row():
    boxes = [mark for mark in draw(SHARES, WIDE).marks if isinstance(mark, Box)]
    assert boxes[1].width / boxes[0].width == pytest.approx(3, rel=0.02)
    assert boxes[1].x + boxes[1].width == pytest.approx(WIDE - 1)


def test_more_models_than_colours_are_told_apart_by_dashes():
    curves = tuple(Curve(f"run {number}", number, ((0, 1), (9, 3))) for number in range(24))
    lines = [
        mark for mark in draw(CurveChart("loss", CURVES.x, CURVES.y, curves), WIDE).marks if isinstance(mark, Line)
    ]
    looks = [(mark.colour, mark.dash) for mark in lines if mark.width == 1.6]
    assert len(set(looks)) == 24


@given(st.text(), st.floats(20, 500))
def test_wrapping_loses_nothing_but_spaces(text, width):
    lines = wrap(text, 12, width)
    assert "".join(lines).replace(" ", "") == "".join(text.split())
    assert all(text_width(line, 12) <= width or len(line) == 1 for line in lines)
