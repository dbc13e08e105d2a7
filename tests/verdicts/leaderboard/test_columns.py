"""All figures of a column are averages over the same pairs; a model that lacks one of them has none there."""

from typing import Any

import numpy as np
import pytest

from clearbench.stats.averages import group_members
from clearbench.verdicts.leaderboard.columns import model_figures
from clearbench.verdicts.leaderboard.result import AVERAGED, TaskColumns

PAIRS = ("de-en", "en-de", "en-en", "sw-en")


def columns(measure="nDCG@10", common=("de-en", "en-en")):
    return TaskColumns("toy", "toy", {}, measure, PAIRS, common, group_members(PAIRS))


def test_a_model_with_all_pairs_has_the_plain_mean_and_that_of_the_common_pairs():
    figures = model_figures(np.array([0.5, 0.25, 1.0, 0.0]), columns())
    assert (figures.num_pairs, figures.mean, figures.common) == (4, 0.4375, 0.75)
    assert (figures.worst_pair, figures.worst) == ("de-en", 0.5), "the worst of the common pairs"
    assert set(figures.groups) == set(AVERAGED)


def test_a_missing_pair_empties_every_average_that_it_is_part_of():
    figures = model_figures(np.array([0.5, 0.25, 1.0, np.nan]), columns())
    assert (figures.num_pairs, figures.mean, figures.common) == (3, None, 0.75)
    whole: dict[str, Any] = dict(model_figures(np.array([0.5, 0.25, 1.0, 0.0]), columns()).groups)
    for name, mask in group_members(PAIRS).items():
        if name in AVERAGED:
            assert figures.groups[name] == (None if mask[3] else whole[name]), name


@pytest.mark.parametrize("common", [(), ("de-en", "sw-en")])
def test_without_common_pairs_nothing_is_the_worst(common):
    figures = model_figures(np.array([0.5, 0.25, 1.0, np.nan]), columns(common=common))
    assert (figures.common, figures.worst_pair, figures.worst) == (None, None, None)


def test_the_worst_rank_is_the_highest():
    figures = model_figures(np.array([2.0, 3.0, 40.0, 5.0]), columns("Max@R"))
    assert (figures.worst_pair, figures.worst) == ("en-en", 40.0)
