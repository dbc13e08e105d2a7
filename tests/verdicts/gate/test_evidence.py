"""Too few clusters decide nothing, and where few of them vary a loss that stayed unseen is counted."""

import math

import numpy as np
import pytest
from builders.gate import run_gate
from builders.records import write_two
from scipy.stats import binom

from clearbench.verdicts.gate.bounds import macro_interval, outcome_of, pair_intervals
from clearbench.verdicts.gate.evidence import (
    VARYING,
    least_clusters,
    needed_queries,
    unseen_share,
    varying_clusters,
    varying_rows,
)
from clearbench.verdicts.gate.sentences import explain

ONE = np.ones(1, dtype=np.int64)


@pytest.mark.parametrize(("confidence", "expected"), [(0.6, 7), (0.9, 18), (0.95, 23), (0.99, 35), (0.9999, 69)])
def test_so_many_clusters_show_a_change_of_an_eighth_of_all(confidence, expected):
    assert least_clusters(confidence) == expected
    assert (7 / 8) ** expected <= 1 - confidence < (7 / 8) ** (expected - 1)


def test_without_variation_the_unseen_share_is_the_rule_of_three():
    for number in (2, 120, 1000):
        share = unseen_share(0 * ONE, number * ONE, number * ONE, 0.95)
        assert share == pytest.approx(1 - 0.05 ** (1 / number), rel=1e-12)
    assert 1000 * share == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("num_varying", range(VARYING))
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.9999])
def test_the_unseen_share_is_the_exact_binomial_limit(num_varying, confidence):
    [share] = unseen_share(num_varying * ONE, 200 * ONE, 200 * ONE, confidence)
    assert binom.cdf(num_varying, 200, share) == pytest.approx(1 - confidence, rel=1e-9)
    again = needed_queries(num_varying, share, confidence)
    assert 200 <= again < 200 * (1 + share)


def test_queries_of_a_cluster_count_half_and_at_least_as_many_as_the_clusters():
    def share(queries, clusters):
        return float(unseen_share(0 * ONE, queries * ONE, clusters * ONE, 0.95)[0])

    assert share(1000, 100) == share(500, 500) and share(1000, 900) == share(900, 900)
    assert float(unseen_share(VARYING * ONE, 1000 * ONE, 100 * ONE, 0.95)[0]) == 0


def test_a_cluster_varies_where_a_query_differs_from_most():
    values = np.array([[0.5, 0.0, np.nan], [0.5, 0.0, 0.1], [0.5, 0.3, 0.1], [0.5, -0.2, 0.1], [0.6, 0.0, 0.1]])
    clusters = np.array([0, 0, 1, 1, 2])
    assert varying_clusters(values, clusters).tolist() == [1, 1, 0]
    assert varying_rows(values, clusters) == 2


TIES = {"two queries": 2, "five queries": 5, "twenty queries": 20, "one cluster short": 44, "a hundred queries": 100}


@pytest.mark.parametrize("what", TIES)
@pytest.mark.parametrize("options", [{}, {"margin": 0.01, "confidence": 0.9999}, {"confidence": 0.6, "margin": 0.5}])
@pytest.mark.parametrize("level", [0.0, -0.002, 0.001])
def test_where_nothing_varies_few_queries_decide_nothing(tmp_path, what, options, level):
    """All queries tie, or lose or gain a little: in each case a rare and large loss may have stayed unseen."""
    write_two(tmp_path, np.full(TIES[what], level))
    [verdict] = run_gate(tmp_path, **options).verdicts
    assert verdict.outcome == "undecided"
    assert not verdict.interval.guarded > verdict.bound and "would decide" in explain(verdict)


def test_one_small_change_among_few_queries_decides_no_more_than_none(tmp_path):
    differences = np.zeros(100)
    differences[7] = -0.012
    write_two(tmp_path, differences)
    [verdict] = run_gate(tmp_path).verdicts
    assert verdict.outcome == "undecided"
    explained = explain(verdict)
    assert "only 1 of 50 clusters vary, and a loss of 9.14 can be missed: the guarded limit is -9.15" in explained


def test_a_thousand_equal_queries_pass_at_a_point_and_not_at_a_tenth_of_one(tmp_path):
    write_two(tmp_path, np.zeros(1000))
    assert run_gate(tmp_path).outcome == "pass"
    [verdict] = run_gate(tmp_path, margin=0.1).verdicts
    assert verdict.outcome == "undecided" and verdict.detectable == pytest.approx(1 - 0.05 ** (1 / 500))
    assert verdict.needed_queries == math.ceil(2 * needed_queries(0, 0.001, 0.95))
    assert "no query varies, and a loss of 0.60 can be missed" in explain(verdict)


@pytest.mark.parametrize("margin", [0.5, 1.0, 3.0])
def test_the_stated_number_of_equal_queries_decides_and_a_tenth_less_does_not(tmp_path, margin):
    write_two(tmp_path, np.zeros(10))
    needed = run_gate(tmp_path, margin=margin).verdicts[0].needed_queries
    for name, size, outcome in (("enough", needed, "pass"), ("less", round(0.9 * needed), "undecided")):
        write_two(tmp_path / name, np.zeros(size))
        assert run_gate(tmp_path / name, margin=margin).outcome == outcome


def test_a_loss_that_strikes_all_of_few_clusters_is_no_failure_either(tmp_path):
    write_two(tmp_path / "few", np.full(10, -0.9))
    write_two(tmp_path / "enough", np.full(46, -0.9))
    assert run_gate(tmp_path / "few").outcome == "undecided"
    assert run_gate(tmp_path / "enough").outcome == "fail"


def test_ranks_may_lose_as_many_as_the_pool_has(tmp_path):
    """A tie of 1,000 queries: .6% of them may have gone from the first to the last of 100 passages."""
    write_two(tmp_path, np.zeros(1000), measures=("Max@R",))
    [verdict] = run_gate(tmp_path, measure="Max@R").verdicts
    assert verdict.outcome == "pass"
    assert verdict.interval.guarded == pytest.approx(99 * (1 - 0.05 ** (1 / 500)))


@pytest.mark.parametrize("size", [60, 120, 240, 480])
def test_a_rare_and_whole_loss_of_the_margin_seldom_passes(size):
    """One query in a hundred loses all: with few queries, no loss is seen at all. A limit of the spread passes then."""
    rng = np.random.default_rng(size)
    clusters = np.repeat(np.arange(size // 2), 2)
    lost = np.where(rng.random((size, 3000)) < 0.01, -1.0, 0.0)
    intervals = pair_intervals(lost, clusters, 0.95)
    passed = np.mean([outcome_of(interval, -0.01, 0.95) == "pass" for interval in intervals])
    by_spread = np.mean([interval.lower > -0.01 for interval in intervals])
    assert passed < 0.055
    assert by_spread > 0.08


def test_a_mean_of_pairs_counts_a_question_once_whatever_its_languages():
    clusters = np.repeat(np.arange(50), 2)
    one = macro_interval(np.zeros((100, 1)), clusters, 0.95)
    ten = macro_interval(np.zeros((100, 10)), clusters, 0.95)
    assert ten.unseen == one.unseen == pytest.approx(1 - 0.05 ** (1 / 50))
    assert outcome_of(ten, -0.01, 0.95) == "undecided"
