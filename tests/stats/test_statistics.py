"""Intervals: the literal double sum, scipy's t interval as a special case, coverage on clustered data."""

import numpy as np
import pytest
from scipy import stats

from clearbench.stats.statistics import cluster_codes, mean_interval


def test_singleton_clusters_give_the_ordinary_t_interval():
    scores = np.random.default_rng(0).uniform(0.3, 0.7, 40)
    mean, lower, upper = mean_interval(scores[:, None], np.arange(40))
    reference = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert (mean[0], lower[0], upper[0]) == pytest.approx((scores.mean(), *reference), abs=1e-12)


def test_variance_is_the_literal_double_sum_over_pairs_in_a_cluster():
    rng = np.random.default_rng(1)
    clusters = rng.integers(0, 7, 30)
    codes = cluster_codes([str(c) for c in clusters])
    scores = rng.uniform(0.4, 0.6, 30)
    residual = scores - scores.mean()
    total = sum(residual[i] * residual[j] for i in range(30) for j in range(30) if clusters[i] == clusters[j])
    num_clusters = len(set(clusters))
    error = np.sqrt(num_clusters / (num_clusters - 1) * total) / 30
    _, lower, upper = mean_interval(scores[:, None], codes)
    assert (upper - lower)[0] / 2 == pytest.approx(stats.t.ppf(0.975, num_clusters - 1) * error, abs=1e-12)


def test_coverage_on_clustered_data_is_near_nominal_and_ignoring_clusters_is_not():
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(60), 4)
    hits = {"robust": 0, "naive": 0}
    for _ in range(600):
        scores = np.clip(0.5 + 0.1 * rng.standard_normal(60)[clusters] + 0.05 * rng.standard_normal(240), 0, 1)
        for name, codes in (("robust", clusters), ("naive", np.arange(240))):
            _, lower, upper = mean_interval(scores[:, None], codes)
            hits[name] += lower[0] <= 0.5 <= upper[0]
    assert 0.925 <= hits["robust"] / 600 <= 0.975
    assert hits["naive"] / 600 < 0.85


def test_one_cluster_has_no_interval_and_columns_are_independent():
    scores = np.array([[0.0, 1.0], [1.0, 1.0]])
    mean, lower, upper = mean_interval(scores, np.zeros(2, dtype=np.int64))
    assert mean.tolist() == [0.5, 1.0] and np.isnan(lower).all() and np.isnan(upper).all()
    _, lower, upper = mean_interval(scores, np.arange(2))
    assert (lower[1], upper[1]) == (1.0, 1.0) and lower[0] == 0.0


def test_cluster_codes_number_by_first_occurrence():
    assert cluster_codes(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
