"""Paired statistics: literal formulas, scipy, exhaustive enumeration, and simulated data with known truth."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from clearbench.common.errors import ScoringError
from clearbench.stats import paired
from clearbench.stats.paired import (
    benjamini_hochberg,
    cluster_sums,
    holm,
    macro_difference,
    mean_difference,
    sign_flip_test,
    sign_flip_tests,
)

SIZES = [1, 1, 2, 2, 3, 5] * 10
CLUSTERS = np.repeat(np.arange(len(SIZES)), SIZES)
NUM_QUERIES = len(CLUSTERS)


def clustered(rng, columns, mean=0.0, spread=0.1):
    """Differences [Q, columns] whose truth is `mean`: half of the variance is the cluster's."""
    shared = rng.laplace(0, spread, (len(SIZES), columns))[CLUSTERS]
    return mean + shared + rng.laplace(0, spread, (NUM_QUERIES, columns))


def literal_error(differences, clusters):
    """Square root of C / (C - 1) times the double sum over queries that share a cluster, over n."""
    residual, n = differences - differences.mean(), len(differences)
    total = sum(residual[i] * residual[j] for i in range(n) for j in range(n) if clusters[i] == clusters[j])
    num = len(set(clusters.tolist()))
    return np.sqrt(num / (num - 1) * total) / n


# --- mean_difference


def test_singleton_clusters_give_scipys_t_interval():
    differences = np.random.default_rng(0).normal(0.02, 0.1, 40)
    found = mean_difference(differences[:, None], np.arange(40), 0.9)
    low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.9)
    assert (found.lower[0], found.upper[0]) == pytest.approx((low, high), abs=1e-12)
    assert found.design_effect[0] == pytest.approx(1.0)
    assert found.d_z[0] == pytest.approx(stats.ttest_1samp(differences, 0).statistic / np.sqrt(40))


def test_error_is_the_literal_double_sum_and_nothing_is_clipped():
    differences = clustered(np.random.default_rng(1), 3, mean=-0.99)
    found = mean_difference(differences, CLUSTERS)
    for column in range(3):
        error = literal_error(differences[:, column], CLUSTERS)
        assert found.se[column] == pytest.approx(error, rel=1e-12)
        reach = stats.t.ppf(0.975, len(SIZES) - 1) * error
        assert found.lower[column] == pytest.approx(differences[:, column].mean() - reach, rel=1e-12)
        plain = differences[:, column].std(ddof=1) / np.sqrt(NUM_QUERIES)
        assert found.design_effect[column] == pytest.approx((error / plain) ** 2, rel=1e-9)
    assert found.lower.min() < -1


def test_a_column_with_missing_queries_equals_that_column_alone():
    rng = np.random.default_rng(2)
    differences = clustered(rng, 4)
    differences[rng.random(differences.shape) < 0.4] = np.nan
    found = mean_difference(differences, CLUSTERS)
    for column in range(4):
        rows = ~np.isnan(differences[:, column])
        codes = np.unique(CLUSTERS[rows], return_inverse=True)[1]
        alone = mean_difference(differences[rows][:, [column]], codes)
        for field in ("mean", "lower", "upper", "se", "num_queries", "num_clusters", "design_effect", "sd"):
            assert getattr(found, field)[column] == pytest.approx(getattr(alone, field)[0], rel=1e-9), field


@pytest.mark.parametrize("num", [1, 2])
def test_one_cluster_has_a_mean_and_no_interval(num):
    found = mean_difference(np.full((num, 1), 0.25), np.zeros(num, dtype=np.int64))
    assert found.mean[0] == 0.25 and found.num_clusters[0] == 1 and found.num_queries[0] == num
    assert np.isnan([found.lower[0], found.upper[0], found.se[0], found.design_effect[0]]).all()


def test_differences_that_do_not_vary():
    found = mean_difference(np.array([[0.0, 0.1], [0.0, 0.1]]), np.arange(2))
    assert found.lower.tolist() == found.upper.tolist() == found.mean.tolist() == [0.0, 0.1]
    assert found.design_effect.tolist() == [1.0, 1.0] and found.d_z[0] == 0.0 and np.isnan(found.d_z[1])


def test_an_empty_column_has_nothing_and_disturbs_no_other():
    found = mean_difference(np.array([[np.nan, 0.1], [np.nan, 0.3]]), np.arange(2))
    assert np.isnan(found.mean[0]) and found.num_queries.tolist() == [0, 2] and found.mean[1] == pytest.approx(0.2)


def test_coverage_on_clustered_data_is_nominal_and_ignoring_clusters_is_not():
    truth = 0.03
    differences = clustered(np.random.default_rng(3), 4000, mean=truth)
    covered = {}
    for name, codes in (("robust", CLUSTERS), ("naive", np.arange(NUM_QUERIES))):
        found = mean_difference(differences, codes)
        covered[name] = np.mean((found.lower <= truth) & (truth <= found.upper))
    assert 0.93 <= covered["robust"] <= 0.97
    assert covered["naive"] < 0.90


@settings(max_examples=50)
@given(arrays(np.float64, (12, 2), elements=st.floats(-1, 1, width=32)), st.permutations(range(12)))
def test_order_of_queries_and_shifts_do_not_matter(differences, order):
    clusters = np.arange(12) // 3
    found = mean_difference(differences, clusters)
    other = mean_difference(0.5 - differences[order], clusters[order])
    assert other.mean == pytest.approx(0.5 - found.mean, abs=1e-12)
    assert other.se == pytest.approx(found.se, abs=1e-9)
    assert other.lower == pytest.approx(0.5 - found.upper, abs=1e-8)


@pytest.mark.parametrize(
    ("differences", "confidence", "message"),
    [
        (np.zeros((3, 1)), 0.95, "do not fit"),
        (np.zeros(2), 0.95, "do not fit"),
        (np.full((2, 1), np.inf), 0.95, "infinite"),
        (np.zeros((2, 1)), 95, "Confidence 95"),
    ],
)
def test_unusable_input_is_an_error(differences, confidence, message):
    with pytest.raises(ScoringError, match=message):
        mean_difference(differences, np.arange(2), confidence)


# --- macro_difference


def test_a_group_of_one_pair_is_that_pair():
    differences = clustered(np.random.default_rng(4), 3)
    differences[:7, 1] = np.nan
    alone, groups = (
        mean_difference(differences, CLUSTERS),
        macro_difference(differences, CLUSTERS, np.eye(3, dtype=bool)),
    )
    for field in ("mean", "lower", "upper", "se", "num_clusters"):
        assert getattr(groups, field) == pytest.approx(getattr(alone, field), rel=1e-12), field


def test_a_macro_average_counts_each_pair_once_and_its_error_is_the_literal_one():
    differences = clustered(np.random.default_rng(5), 3)
    differences[30:, 2] = np.nan
    groups = np.array([[True, False, True], [True, True, True]])
    found = macro_difference(differences, CLUSTERS, groups)
    means = np.nanmean(differences, axis=0)
    assert found.mean == pytest.approx([(means[0] + means[2]) / 2, means.mean()])
    assert found.contributions.sum(axis=0) == pytest.approx(found.mean)
    for number, members in enumerate(groups):
        error = 0.0
        for cluster in range(len(SIZES)):
            part = 0.0
            for pair in np.flatnonzero(members):
                own = differences[cluster == CLUSTERS, pair]
                own = own[~np.isnan(own)]
                n = np.count_nonzero(~np.isnan(differences[:, pair]))
                part += (own - means[pair]).sum() / (n * members.sum())
            error += part**2
        assert found.se[number] == pytest.approx(np.sqrt(len(SIZES) / (len(SIZES) - 1) * error), rel=1e-12)


def test_coverage_of_a_macro_average_over_translations_is_nominal_and_pooling_pairs_is_not():
    rng, truth, hits = np.random.default_rng(6), 0.02, {"macro": 0, "pooled": 0}
    for _ in range(800):
        differences = truth + 0.7 * (clustered(rng, 1)) + 0.7 * clustered(rng, 6)
        found = macro_difference(differences, CLUSTERS, np.ones((1, 6), dtype=bool))
        hits["macro"] += found.lower[0] <= truth <= found.upper[0]
        pooled = mean_difference(differences.reshape(-1, 1), np.arange(differences.size))
        hits["pooled"] += pooled.lower[0] <= truth <= pooled.upper[0]
    assert 0.93 <= hits["macro"] / 800 <= 0.97
    assert hits["pooled"] / 800 < 0.80


def test_an_empty_group_is_an_error():
    with pytest.raises(ScoringError, match="at least one pair"):
        macro_difference(np.zeros((2, 1)), np.arange(2), np.zeros((1, 1), dtype=bool))


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
    signs = np.hstack([paired._signs(3, number, 9) for number in range(2)])[:, :flips]
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
    monkeypatch.setattr(paired, "TIE", -1e-9)
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
    any_called, any_uncorrected, power = 0, 0, {"max-t": 0, "holm": 0}
    for number in range(families):
        shared = clustered(rng, 1)
        null = shared + 0.5 * clustered(rng, columns)
        found = sign_flip_test(cluster_sums(null, CLUSTERS), flips=400, seed=number)
        any_called += found.p_max_t.min() <= 0.05
        any_uncorrected += found.p.min() <= 0.05
        moved = sign_flip_test(cluster_sums(null + 0.05, CLUSTERS), flips=400, seed=number)
        power["max-t"] += np.mean(moved.p_max_t <= 0.05)
        power["holm"] += np.mean(holm(moved.p) <= 0.05)
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
    monkeypatch.setattr(paired, "COLUMNS_AT_ONCE", 3)
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
