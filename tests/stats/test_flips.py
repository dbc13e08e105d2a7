"""Sign flips and corrections: exhaustive enumeration, scipy, and simulated data with known truth."""

import itertools

import numpy as np
import pytest
from builders.clusters import CLUSTERS, clustered
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from clearbench.common.errors import ScoringError
from clearbench.stats import flips as module
from clearbench.stats.flips import benjamini_hochberg, holm, sign_flip_test, sign_flip_tests
from clearbench.stats.intervals import cluster_sums

# --- sign_flip_test


def exact_p(sums):
    """Share of all 2^C sign patterns that reach the observed absolute sum; integers, so ties are ties."""
    observed = abs(sum(sums))
    patterns = list(itertools.product((-1, 1), repeat=len(sums)))
    return np.mean([abs(sum(a * b for a, b in zip(signs, sums, strict=True))) >= observed for signs in patterns])


@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_all_sign_patterns_and_of_scipy(seed):
    sums = np.random.default_rng(seed).integers(-5, 9, 11)
    exact = exact_p(sums.tolist())
    found = sign_flip_test(sums[:, None] / 10, flips=40_000).p[0]
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 40_000) + 1e-4)
    reference = stats.permutation_test(
        (sums,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert reference.pvalue == pytest.approx(exact, abs=1e-12)


def test_p_values_equal_the_double_loop_over_the_same_flips():
    sums = np.random.default_rng(7).normal(0.05, 0.2, (9, 5))
    flips = 300
    signs = np.hstack([module._signs(3, number, 9) for number in range(2)])[:, :flips]
    observed = [abs(sums[:, c].sum()) / np.sqrt((sums[:, c] ** 2).sum()) for c in range(5)]
    reached, reached_by_any = [0] * 5, [0] * 5
    for flip in range(flips):
        values = []
        for column in range(5):
            total = sum(signs[cluster, flip] * sums[cluster, column] for cluster in range(9))
            values.append(abs(total) / np.sqrt((sums[:, column] ** 2).sum()))
        for column in range(5):
            reached[column] += values[column] >= observed[column] - 1e-9
            reached_by_any[column] += max(values) >= observed[column] - 1e-9
    found = sign_flip_test(sums, flips=flips, seed=3)
    assert found.p.tolist() == [(1 + count) / (1 + flips) for count in reached]
    assert found.p_max_t.tolist() == [(1 + count) / (1 + flips) for count in reached_by_any]


def test_ties_count_as_reached_whatever_the_rounding(monkeypatch):
    # 0.1 + 0.2 - 0.3 and its like are sums that are equal in exact arithmetic only.
    sums = np.array([1, 2, 3, 3, 4, 5, 6, -7, 2, 1])
    exact = exact_p(sums.tolist())
    tolerance = 4 * np.sqrt(exact * (1 - exact) / 20_000)
    assert sign_flip_test(sums[:, None] / 10, flips=20_000).p[0] == pytest.approx(exact, abs=tolerance)
    monkeypatch.setattr(module, "TIE", -1e-9)
    assert sign_flip_test(sums[:, None] / 10, flips=20_000).p[0] < exact - tolerance


def test_p_is_uniform_on_clustered_data_without_difference_and_flipping_queries_is_not():
    differences = clustered(np.random.default_rng(8), 2000)
    p = sign_flip_test(cluster_sums(differences, CLUSTERS), flips=2000, seed=1).p
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert 0.035 <= np.mean(p <= 0.05) <= 0.065
    by_query = sign_flip_test(differences, flips=2000, seed=1).p
    assert np.mean(by_query <= 0.05) > 0.10 and stats.kstest(by_query, "uniform").pvalue < 1e-6


def test_max_t_controls_the_family_and_beats_holm_on_translations():
    rng, families, columns = np.random.default_rng(9), 400, 12
    any_called, any_uncorrected, power = 0, 0, {"max-t": 0.0, "holm": 0.0}
    for number in range(families):
        shared = clustered(rng, 1)
        null = shared + 0.5 * clustered(rng, columns)
        found = sign_flip_test(cluster_sums(null, CLUSTERS), flips=400, seed=number)
        any_called += found.p_max_t.min() <= 0.05
        any_uncorrected += found.p.min() <= 0.05
        moved = sign_flip_test(cluster_sums(null + 0.05, CLUSTERS), flips=400, seed=number)
        power["max-t"] += float(np.mean(moved.p_max_t <= 0.05))
        power["holm"] += float(np.mean(holm(moved.p) <= 0.05))
    assert any_called / families <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / families)
    assert any_uncorrected / families > 0.10
    assert power["max-t"] > power["holm"] + 0.02 * families


def test_a_column_s_p_depends_on_no_other_column_block_or_chunk(monkeypatch):
    rng = np.random.default_rng(10)
    first, second = rng.normal(0.05, 0.2, (20, 7)), rng.normal(0, 0.2, (35, 4))
    alone = sign_flip_test(first, flips=1000)
    together = sign_flip_tests([first, second], flips=1000)
    assert together[0].p.tolist() == alone.p.tolist()
    assert sign_flip_test(first[:, [3]], flips=1000).p[0] == alone.p[3]
    assert (together[0].p_max_t >= alone.p_max_t).all() and (together[0].p_max_t > alone.p_max_t).any()
    monkeypatch.setattr(module, "COLUMNS_AT_ONCE", 3)
    chunked = sign_flip_tests([first, second], flips=1000)
    for one, other in zip(chunked, together, strict=True):
        assert one.p.tolist() == other.p.tolist() and one.p_max_t.tolist() == other.p_max_t.tolist()


def test_seeds_give_other_flips_and_the_same_seed_the_same():
    sums = np.random.default_rng(11).normal(0.05, 0.2, (30, 3))
    assert sign_flip_test(sums, seed=1).p.tolist() == sign_flip_test(sums, seed=1).p.tolist()
    assert sign_flip_test(sums, seed=1).p.tolist() != sign_flip_test(sums, seed=2).p.tolist()


def test_no_difference_at_all_one_cluster_and_rounding_have_p_1():
    sums = np.zeros((6, 3))
    sums[:, 1] = 1e-17 * np.arange(6)
    sums[2, 2] = 0.4
    found = sign_flip_test(sums)
    assert found.p.tolist() == found.p_max_t.tolist() == [1.0, 1.0, 1.0]


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (8, 3), elements=st.floats(-1, 1, width=16)), st.floats(0.1, 10))
def test_p_is_a_probability_of_the_direction_free_scale_free_difference(sums, factor):
    found = sign_flip_test(sums, flips=200)
    assert (found.p > 0).all() and (found.p_max_t <= 1).all() and (found.p_max_t >= found.p).all()
    assert sign_flip_test(-factor * sums, flips=200).p.tolist() == found.p.tolist()


@pytest.mark.parametrize(("flips", "seed", "value"), [(0, 0, 0.0), (10, -1, 0.0), (10, 0, np.nan)])
def test_unusable_tests_are_errors(flips, seed, value):
    with pytest.raises(ScoringError):
        sign_flip_test(np.full((3, 1), value), flips, seed)


def test_no_column_gives_no_p():
    assert len(sign_flip_test(np.zeros((3, 0))).p) == 0 and len(holm(np.zeros(0))) == len(
        benjamini_hochberg(np.zeros(0))
    )


# --- corrections


def step_down(p):
    """Holm by its definition, one p at a time."""
    order = sorted(range(len(p)), key=lambda place: p[place])
    adjusted, highest = [0.0] * len(p), 0.0
    for step, place in enumerate(order):
        highest = max(highest, (len(p) - step) * p[place])
        adjusted[place] = min(highest, 1.0)
    return adjusted


def step_up(p):
    """Benjamini-Hochberg by its definition."""
    return [min(1.0, min(q * len(p) / sum(other <= q for other in p) for q in p if q >= own)) for own in p]


@settings(max_examples=60)
@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=12))
def test_corrections_equal_their_definitions_and_order(p):
    values = np.array(p)
    assert holm(values) == pytest.approx(step_down(p))
    assert benjamini_hochberg(values) == pytest.approx(step_up(p))
    assert benjamini_hochberg(values) == pytest.approx(stats.false_discovery_control(values))
    assert (holm(values) >= benjamini_hochberg(values) - 1e-12).all() and (holm(values) >= values).all()
