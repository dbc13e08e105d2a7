"""Summaries of language bias: gaps between languages, and a test over blocks of dependent questions."""

import numpy as np
import pytest
from builders.values import require

from clearbench.stats.bias import blocks, places, summarise_bias


def test_gaps_are_places_from_the_mean_place_and_sum_to_nothing():
    rank_QL = np.array([[1.0, 50.0, 3.0], [2.0, 9.0, 9.0], [4.0, np.nan, 1.0], [np.nan, 6.0, np.nan]])
    assert places(rank_QL)[:2].tolist() == [[1.0, 3.0, 2.0], [1.0, 2.5, 2.5]]
    nothing = np.full(4, np.nan)
    summary = summarise_bias(["de", "en", "sw"], rank_QL, nothing, nothing, np.arange(4))
    gaps = {language: ranks.gap for language, ranks in summary.languages.items()}
    assert gaps == pytest.approx({"de": (-1 - 1 + 0.5) / 3, "en": (1 + 0.5) / 2, "sw": (0 + 0.5 - 0.5) / 3})
    assert summary.languages["en"].mean_rank == pytest.approx((50 + 9 + 6) / 3)
    assert summary.languages["en"].num_queries == 3
    assert require(summary.friedman).num_blocks == 2  # the queries that have all three
    assert (summary.own_first, summary.chance) == (None, None)


def test_a_language_that_no_query_has_is_left_out_and_one_block_is_no_test():
    rank_QL = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, 1.0]])
    summary = summarise_bias(["de", "en", "sw"], rank_QL, np.ones(2), np.full(2, 0.5), np.array([0, 0]))
    assert list(summary.languages) == ["de", "sw"]
    assert summary.friedman is None and summary.languages["de"].lower is None
    own_first = require(summary.own_first)
    assert (own_first.mean, own_first.lower, summary.chance) == (1.0, None, 0.5)


def test_blocks_are_clusters_because_questions_as_blocks_call_too_many_differences():
    rng = np.random.default_rng(5)
    clusters, nobody = np.repeat(np.arange(30), 4), np.full(120, np.nan)
    called = {"clusters": 0, "questions": 0}
    for _ in range(200):  # no language is preferred, but questions about one passage agree
        rank_QL = rng.standard_normal((30, 3))[clusters] + 0.4 * rng.standard_normal((120, 3))
        for kind, units in (("clusters", clusters), ("questions", np.arange(120))):
            test = require(summarise_bias("abc", rank_QL, nobody, nobody, units).friedman)
            called[kind] += test.p < 0.05
    assert 0.01 <= called["clusters"] / 200 <= 0.09
    assert called["questions"] / 200 > 0.2
    assert blocks(places(rank_QL), clusters).shape == (30, 3)
