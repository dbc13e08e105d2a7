"""Friedman's and Kruskal-Wallis tests are scipy's, ties included; PEER is a mean of them."""

import numpy as np
import pytest
from builders.values import require
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clearbench.stats.ranks import friedman, peer, same_treatment

small = st.integers(0, 4).map(float)


@given(
    st.integers(3, 6).flatmap(
        lambda n: st.lists(st.lists(small, min_size=n, max_size=n), min_size=2, max_size=9).map(np.array)
    )
)
def test_friedman_is_scipys_ties_included(values):
    ours = require(friedman(values))
    if (values == values[:, :1]).all():
        assert (ours.statistic, ours.p) == (0.0, 1.0)
    else:
        reference = stats.friedmanchisquare(*values.T)
        assert (ours.statistic, ours.p) == pytest.approx((reference.statistic, reference.pvalue), abs=1e-10)
    assert (ours.num_blocks, ours.num_languages) == values.shape


def test_friedman_of_two_languages_is_the_sign_tests_normal_form_and_less_is_none():
    values = np.array([[1.0, 2.0]] * 14 + [[2.0, 1.0]] * 6)
    assert require(friedman(values)).statistic == pytest.approx((14 - 6) ** 2 / 20)
    assert friedman(values[:1]) is None and friedman(values[:, :1]) is None


ranked = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 3)), min_size=1, max_size=12, unique_by=lambda pair: pair[0]
)


@given(ranked, st.integers(1, 25))
def test_same_treatment_is_scipys_kruskal_with_what_was_not_retrieved_tied_behind(passages, cutoff):
    rank, language = (np.array(column) for column in zip(*passages, strict=True))
    ours = same_treatment(rank, language, cutoff)
    groups = [np.where(rank > cutoff, cutoff + 1, rank)[language == code] for code in np.unique(language)]
    if len(groups) == 1 or len(set(np.concatenate(groups))) == 1:
        assert ours == 1.0
    else:
        assert ours == pytest.approx(stats.kruskal(*groups).pvalue, abs=1e-10)


def test_peer_is_the_mean_over_levels_and_has_no_value_where_no_language_has_two_passages():
    rank, language = np.array([1, 2, 3, 7, 8, 9]), np.array([0, 0, 0, 1, 1, 1])
    assert peer(rank, language, np.ones(6, int), 10) == pytest.approx(stats.kruskal([1, 2, 3], [7, 8, 9]).pvalue)
    assert peer(rank, np.zeros(6, int), np.ones(6, int), 10) == 1.0  # one language
    assert peer(rank + 50, language, np.ones(6, int), 10) == 1.0  # none retrieved
    levels = np.array([1, 1, 2, 1, 1, 2])
    first, second = stats.kruskal([1, 2], [7, 8]).pvalue, stats.kruskal([3], [9]).pvalue
    assert peer(rank, language, levels, 10) == pytest.approx((first + second) / 2)
    parallel = [peer(np.array(r), np.arange(3), np.ones(3, int), 100) for r in ([1, 2, 3], [3, 80, 9])]
    assert np.isnan(parallel).all()  # the statistic is the same whatever the ranks
