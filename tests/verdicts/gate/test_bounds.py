"""The gate's statistics against literal formulas and by their properties."""

import math

import numpy as np
import pytest
from builders.gate import limits_by_loops
from builders.values import require
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from clearbench.verdicts.gate.bounds import guard_factor, macro_interval, needed_sizes, outcome_of, pair_intervals
from clearbench.verdicts.gate.result import Interval, worst_outcome


def drawn(seed, num_clusters=80, shared=0.05, own=0.05, shift=0.0):
    """Differences with a common part per cluster of one to four queries."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(num_clusters), rng.integers(1, 5, num_clusters))
    common = rng.normal(0, shared, num_clusters)[clusters]
    return np.clip(common + rng.normal(shift, own, len(clusters)), -1, 1), clusters


def interval_of(differences, clusters, confidence=0.95):
    return pair_intervals(np.asarray(differences, dtype=float)[:, None], np.asarray(clusters), confidence)[0]


def interval_with(mean, reach, se, num_queries, num_clusters):
    """An interval of so much reach, of normal shape and with many clusters that vary."""
    return Interval(
        mean=mean, lower=mean - reach, upper=mean + reach, guarded=mean - reach, se=se, num_queries=num_queries,
        num_clusters=num_clusters, num_varying=num_clusters // 2, skewness=0.0, kurtosis=3.0,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_limits_are_those_of_the_literal_formula(seed, confidence):
    differences, clusters = drawn(seed)
    interval = interval_of(differences, clusters, confidence)
    expected = limits_by_loops(differences.tolist(), clusters.tolist(), confidence)
    assert (interval.lower, interval.upper) == pytest.approx(expected, abs=1e-12)
    independent = limits_by_loops(differences.tolist(), list(range(len(differences))), confidence)
    assert abs(interval.lower - independent[0]) > 1e-4, "clusters make a difference here, so ignoring them would show"


def test_the_confidence_is_one_sided():
    differences, clusters = drawn(0)
    interval = interval_of(differences, clusters)
    two_sided = limits_by_loops(differences.tolist(), clusters.tolist(), 0.975)
    assert interval.lower > two_sided[0] + 1e-4


@pytest.mark.parametrize(
    ("mean", "reach", "outcome"),
    [(0.0, 0.005, "pass"), (-0.005, 0.005, "undecided"), (-0.02, 0.005, "fail"), (-0.01, 0.02, "undecided"),
     (-0.009, 0.0, "pass"), (-0.011, 0.0, "fail"), (0.5, math.nan, "undecided"), (-0.5, math.nan, "undecided")],
)  # fmt: skip
def test_decision_by_limits_against_a_margin_of_one_point(mean, reach, outcome):
    interval = interval_with(mean, reach, se=reach / 1.65, num_queries=900, num_clusters=400)
    assert outcome_of(interval, -0.01, 0.95) == outcome


def test_all_have_to_pass():
    assert worst_outcome(["pass", "pass"]) == "pass"
    assert worst_outcome(["pass", "undecided"]) == "undecided"
    assert worst_outcome(["undecided", "fail", "pass"]) == "fail"


@given(st.integers(0, 10_000), st.floats(-0.05, 0.05), st.floats(0.0, 0.05), st.floats(0.0, 0.05))
def test_a_wider_margin_never_harms(seed, shift, margin, more):
    interval = interval_of(*drawn(seed, num_clusters=30, shift=shift))
    order = ["fail", "undecided", "pass"]
    assert order.index(outcome_of(interval, -margin - more, 0.95)) >= order.index(outcome_of(interval, -margin, 0.95))


@given(st.integers(0, 10_000), st.integers(3, 60))
def test_the_guarded_limit_is_never_above_the_plain_one(seed, num_clusters):
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(num_clusters), 2)
    lost = np.where(rng.random(len(clusters)) < 0.1, -rng.random(len(clusters)), 0.0)
    for differences in (lost, -lost, rng.normal(0, 0.1, len(clusters))):
        interval = interval_of(differences, clusters)
        assert interval.guarded <= interval.lower + 1e-15 and np.isfinite(interval.guarded)


def test_the_guard_does_nothing_to_normal_differences():
    """Kurtosis 3, no skewness: the t quantile with C - 1 degrees of freedom."""
    for num_clusters in (10, 100, 1000):
        factor = guard_factor(np.array([0.0]), np.array([3.0]), np.array([float(num_clusters)]), 0.95)
        assert factor == pytest.approx(t.ppf(0.95, num_clusters - 1), rel=1e-12)


def test_the_guard_inverts_halls_transformation():
    skewness, num_clusters = -2.0, 60.0
    factor = float(guard_factor(np.array([skewness]), np.array([3.0]), np.array([num_clusters]), 0.95)[0])
    g = skewness / math.sqrt(num_clusters)
    assert factor + g * factor**2 / 3 + g**2 * factor**3 / 27 + g / 6 == pytest.approx(t.ppf(0.95, 59), abs=1e-9)
    assert factor > t.ppf(0.95, 59) + 0.1


def test_a_true_loss_of_the_margin_passes_in_about_five_per_cent():
    """Skewed and clustered: with 40 clusters 1 in 8 of which lose much. The plain t limit passes too often."""
    rng = np.random.default_rng(0)
    num_clusters, draws, mean = 40, 4000, -0.05
    clusters = np.repeat(np.arange(num_clusters), 2)
    losing = rng.random((draws, num_clusters)) < 0.125
    sums = np.where(losing, -rng.random((draws, num_clusters)) * 0.8, 0.0)
    intervals = pair_intervals(np.repeat(sums, 2, axis=1).T, clusters, 0.95)
    passed = np.mean([outcome_of(interval, mean, 0.95) == "pass" for interval in intervals])
    plain = np.mean([interval.lower > mean for interval in intervals])
    assert plain > 0.08
    assert passed < 0.06


@pytest.mark.parametrize("mean", [0.0, -0.005, -0.02, 0.004])
def test_the_stated_number_of_queries_decides_with_four_in_five(mean):
    """Normal theory: at that many clusters the distance is (t + z) standard errors."""
    interval = interval_with(mean, 0.02, se=0.012, num_queries=300, num_clusters=100)
    queries, clusters = require(needed_sizes(interval, -0.01, 0.95))
    assert queries == pytest.approx(3 * clusters, abs=3) and clusters > 100
    smaller = interval.se * math.sqrt(100 / clusters)
    reached = norm.cdf(abs(mean + 0.01) / smaller - t.ppf(0.95, clusters - 1))
    assert reached == pytest.approx(0.8, abs=0.005)


def test_no_number_decides_a_figure_at_the_bound():
    for mean in (-0.01, -0.01 + 1e-9):
        assert needed_sizes(interval_with(mean, 1.0, se=0.01, num_queries=100, num_clusters=50), -0.01, 0.95) is None


def test_a_macro_average_of_one_pair_is_the_pair():
    differences, clusters = drawn(3)
    macro, pair = macro_interval(differences[:, None], clusters, 0.95), interval_of(differences, clusters)
    for field in ("mean", "lower", "upper", "guarded", "se", "num_queries", "num_clusters", "skewness", "kurtosis"):
        assert getattr(macro, field) == pytest.approx(getattr(pair, field), abs=1e-12)


def test_the_same_question_in_ten_languages_is_one_piece_of_evidence():
    differences, clusters = drawn(4)
    one = macro_interval(differences[:, None], clusters, 0.95)
    ten = macro_interval(np.repeat(differences[:, None], 10, axis=1), clusters, 0.95)
    assert ten.se == pytest.approx(one.se, rel=1e-9) and ten.num_queries == one.num_queries
    other = np.stack([np.random.default_rng(k).permutation(differences) for k in range(10)], axis=1)
    assert macro_interval(other, clusters, 0.95).se < one.se / 2


def test_pairs_of_other_queries_are_averaged_pair_by_pair():
    scores = np.array([[0.2, np.nan], [0.4, 0.9], [np.nan, 0.5], [np.nan, 0.1]])
    interval = macro_interval(scores, np.array([0, 1, 2, 3]), 0.95)
    assert interval.mean == pytest.approx((0.3 + 0.5) / 2)
    assert (interval.num_queries, interval.num_clusters) == (4, 4)
    parts = np.array([-0.1 / 4, 0.1 / 4 + 0.4 / 6, 0.0, -0.4 / 6])
    assert interval.se == pytest.approx(math.sqrt(4 / 3 * (parts**2).sum()), rel=1e-12)
