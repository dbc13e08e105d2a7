"""Cluster-robust intervals: literal formulas, scipy's t interval, and simulated data with known truth."""

import numpy as np
import pytest
from builders.clusters import CLUSTERS, NUM_QUERIES, SIZES, clustered
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from clearbench.common.errors import ScoringError
from clearbench.stats.intervals import cluster_codes, macro_mean_interval, mean_interval


def literal_error(differences, clusters):
    """Square root of C / (C - 1) times the double sum over queries that share a cluster, over n."""
    residual, n = differences - differences.mean(), len(differences)
    total = sum(residual[i] * residual[j] for i in range(n) for j in range(n) if clusters[i] == clusters[j])
    num = len(set(clusters.tolist()))
    return np.sqrt(num / (num - 1) * total) / n


def test_cluster_codes_number_by_first_occurrence():
    assert cluster_codes(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


# --- mean_interval


def test_singleton_clusters_give_scipys_t_interval():
    differences = np.random.default_rng(0).normal(0.02, 0.1, 40)
    found = mean_interval(differences[:, None], np.arange(40), 0.9)
    low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.9)
    assert (found.lower[0], found.upper[0]) == pytest.approx((low, high), abs=1e-12)
    assert found.design_effect[0] == pytest.approx(1.0)
    assert found.d_z[0] == pytest.approx(stats.ttest_1samp(differences, 0).statistic / np.sqrt(40))


def test_error_is_the_literal_double_sum_and_nothing_is_clipped():
    differences = clustered(np.random.default_rng(1), 3, mean=-0.99)
    found = mean_interval(differences, CLUSTERS)
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
    found = mean_interval(differences, CLUSTERS)
    for column in range(4):
        rows = ~np.isnan(differences[:, column])
        codes = np.unique(CLUSTERS[rows], return_inverse=True)[1]
        alone = mean_interval(differences[rows][:, [column]], codes)
        for field in ("mean", "lower", "upper", "se", "num_queries", "num_clusters", "design_effect", "sd"):
            assert getattr(found, field)[column] == pytest.approx(getattr(alone, field)[0], rel=1e-9), field


@pytest.mark.parametrize("num", [1, 2])
def test_one_cluster_has_a_mean_and_no_interval(num):
    found = mean_interval(np.full((num, 1), 0.25), np.zeros(num, dtype=np.int64))
    assert found.mean[0] == 0.25 and found.num_clusters[0] == 1 and found.num_queries[0] == num
    assert np.isnan([found.lower[0], found.upper[0], found.se[0], found.design_effect[0]]).all()


def test_differences_that_do_not_vary():
    found = mean_interval(np.array([[0.0, 0.1], [0.0, 0.1]]), np.arange(2))
    assert found.lower.tolist() == found.upper.tolist() == found.mean.tolist() == [0.0, 0.1]
    assert found.design_effect.tolist() == [1.0, 1.0] and found.d_z[0] == 0.0 and np.isnan(found.d_z[1])


def test_an_empty_column_has_nothing_and_disturbs_no_other():
    found = mean_interval(np.array([[np.nan, 0.1], [np.nan, 0.3]]), np.arange(2))
    assert np.isnan(found.mean[0]) and found.num_queries.tolist() == [0, 2] and found.mean[1] == pytest.approx(0.2)


def test_coverage_on_clustered_data_is_nominal_and_ignoring_clusters_is_not():
    truth = 0.03
    differences = clustered(np.random.default_rng(3), 4000, mean=truth)
    covered = {}
    for name, codes in (("robust", CLUSTERS), ("naive", np.arange(NUM_QUERIES))):
        found = mean_interval(differences, codes)
        covered[name] = np.mean((found.lower <= truth) & (truth <= found.upper))
    assert 0.93 <= covered["robust"] <= 0.97
    assert covered["naive"] < 0.90


@settings(max_examples=50)
@given(arrays(np.float64, (12, 2), elements=st.floats(-1, 1, width=32)), st.permutations(range(12)))
def test_order_of_queries_and_shifts_do_not_matter(differences, order):
    clusters = np.arange(12) // 3
    found = mean_interval(differences, clusters)
    other = mean_interval(0.5 - differences[order], clusters[order])
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
        mean_interval(differences, np.arange(2), confidence)


# --- macro_mean_interval


def test_a_group_of_one_pair_is_that_pair():
    differences = clustered(np.random.default_rng(4), 3)
    differences[:7, 1] = np.nan
    alone, groups = (
        mean_interval(differences, CLUSTERS),
        macro_mean_interval(differences, CLUSTERS, np.eye(3, dtype=bool)),
    )
    for field in ("mean", "lower", "upper", "se", "num_clusters"):
        assert getattr(groups, field) == pytest.approx(getattr(alone, field), rel=1e-12), field


def test_a_macro_average_counts_each_pair_once_and_its_error_is_the_literal_one():
    differences = clustered(np.random.default_rng(5), 3)
    differences[30:, 2] = np.nan
    groups = np.array([[True, False, True], [True, True, True]])
    found = macro_mean_interval(differences, CLUSTERS, groups)
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
        found = macro_mean_interval(differences, CLUSTERS, np.ones((1, 6), dtype=bool))
        hits["macro"] += found.lower[0] <= truth <= found.upper[0]
        pooled = mean_interval(differences.reshape(-1, 1), np.arange(differences.size))
        hits["pooled"] += pooled.lower[0] <= truth <= pooled.upper[0]
    assert 0.93 <= hits["macro"] / 800 <= 0.97
    assert hits["pooled"] / 800 < 0.80


def test_an_empty_group_is_an_error():
    with pytest.raises(ScoringError, match="at least one pair"):
        macro_mean_interval(np.zeros((2, 1)), np.arange(2), np.zeros((1, 1), dtype=bool))
