"""Summaries of language bias: what the interval of the own language's share says."""

import pytest

from clearbench.stats.summaries import BiasSummary, MeasureValue


@pytest.mark.parametrize(
    ("own", "chance", "preference"),
    [
        (MeasureValue(0.5, 0.4, 0.6), 0.3, "own"),
        (MeasureValue(0.2, 0.1, 0.29), 0.3, "others"),
        (MeasureValue(0.35, 0.3, 0.4), 0.3, "neither"),
        (MeasureValue(0.9, None, None), 0.3, "unknown"),  # one cluster has no interval, however far the mean
        (None, 0.3, "unknown"),
        (MeasureValue(0.5, 0.4, 0.6), None, "unknown"),
    ],
)
def test_a_preference_is_stated_only_where_chance_lies_outside_the_interval(own, chance, preference):
    assert BiasSummary(own, chance, {}, None).preference == preference
