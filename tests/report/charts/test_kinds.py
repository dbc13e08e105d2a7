"""Charts as data: axes hold their figures, and a tick stands at round ones."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.report.charts.kinds import (
    Axis,
    Curve,
    Estimate,
    EstimateChart,
    EstimateRow,
    curve_chart,
    round_axis,
    share_axis,
)


def test_a_curve_of_one_point_is_not_drawn():
    assert curve_chart("loss", [Curve("run", 0, ((1.0, 2.0),))]) is None


@given(st.lists(st.floats(0, 100), min_size=1))
def test_an_axis_of_shares_holds_them(figures):
    axis = share_axis(figures)
    assert axis.low <= min(figures) and max(figures) <= axis.high and len(axis.ticks) >= 2


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_a_round_axis_holds_its_figures_between_ticks_of_equal_round_distance(figures):
    axis = round_axis(figures)
    rounding = 1e-8 * (axis.high - axis.low)
    assert axis.low <= min(figures) + rounding and axis.high >= max(figures) - rounding
    assert (axis.ticks[0], axis.ticks[-1]) == (axis.low, axis.high) and 2 <= len(axis.ticks) <= 7
    steps = [after - before for before, after in pairwise(axis.ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6)
    first_digit = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
    assert first_digit == pytest.approx(round(first_digit), rel=1e-6) and round(first_digit) in (1, 2, 5)


def test_ticks_have_the_decimals_that_tell_them_apart():
    for figures in ([0.0, 1.0], [0.0, 80.0], [0.001, 0.0042], [1e4, 5e4]):
        axis = round_axis(figures)
        labels = [axis.label(tick) for tick in axis.ticks]
        assert [float(label) for label in labels] == pytest.approx(axis.ticks) and len(set(labels)) == len(labels)


def test_a_figure_beyond_an_axis_stands_at_its_end():
    axis = Axis(0.0, 0.5, (0.0, 0.25, 0.5))
    assert [axis.share(figure) for figure in (-1.0, 0.125, 9.0)] == [0.0, 0.25, 1.0]


def test_an_estimate_chart_names_each_model_once_in_the_order_of_series():
    rows = [
        EstimateRow(name, "", (Estimate("b", 1, 2.0, None, None), Estimate("a", 0, 1.0, None, None))) for name in "xy"
    ]
    assert EstimateChart("nDCG@10", Axis(0, 9, (0, 9)), tuple(rows)).models == {0: "a", 1: "b"}
