"""Options of rows and of mining that make no sense are usage errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import UsageError
from clearbench.training.rows.options import MiningOptions, Split, Window, read_window


@pytest.mark.parametrize(
    ("values", "message"),
    [((0.0,), "more than 0"), ((1.5,), "at most 1"), ((1.0, "heldout"), "is empty"), ((0.5, "dev"), "train or held")],
)
def test_a_split_that_makes_no_sense_is_a_usage_error(values, message):
    with pytest.raises(UsageError, match=message):
        Split(*values)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_negatives": 0}, "at least 1"),
        ({"window": (0, 10)}, "from 1"),
        ({"window": (9, 3)}, "from 1"),
        ({"window": (5, 7)}, "3 ranks, too few for --negatives 5"),
        ({"margin": float("nan")}, "expected a finite number"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(options, message):
    with pytest.raises(UsageError, match=message):
        MiningOptions(**options)


@given(st.text(), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_cluster_of_a_small_training_part_is_in_every_larger_one(cluster, one, other):
    small, large = sorted((one, other))
    assert Split(large).is_training(cluster) or not Split(small).is_training(cluster)


@pytest.mark.parametrize(("text", "window"), [("10-50", (10, 50)), ("1-1", (1, 1))])
def test_a_window_prints_as_it_is_written(text, window):
    assert read_window(text, "--window") == window and str(Window(*window)) == text


@pytest.mark.parametrize("text", ["", "10", "10-", "a-b", "10-50-60"])
def test_a_window_that_is_not_two_ranks_is_a_usage_error_that_names_the_flag(text):
    with pytest.raises(UsageError, match="--window"):
        read_window(text, "--window")
