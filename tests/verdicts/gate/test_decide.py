"""The gate: its statistics against literal formulas, what it refuses, what it never leaves out silently."""

import math

import numpy as np
import pytest
from builders.records import scores_with, write_record, write_two
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t

from clearbench.common.errors import RecordError, UsageError
from clearbench.records.select import load_results, select_model
from clearbench.verdicts.gate.bounds import decide, guard_factor, macro_interval, needed, pair_intervals
from clearbench.verdicts.gate.decide import gate
from clearbench.verdicts.gate.rules import Rule
from clearbench.verdicts.gate.verdict import GateOptions, Interval, worst


def limits_by_loops(differences, clusters, confidence=0.95):
    """The rule as it is written down: sums over clusters, one by one."""
    n, mean, total = len(differences), sum(differences) / len(differences), 0.0
    names = sorted(set(clusters))
    for name in names:
        s = sum(d for d, c in zip(differences, clusters, strict=True) if c == name)
        k = sum(1 for c in clusters if c == name)
        total += (s - mean * k) ** 2
    se = math.sqrt(len(names) / (len(names) - 1) * total) / n
    reach = t.ppf(confidence, len(names) - 1) * se
    return mean - reach, mean + reach


def drawn(seed, num_clusters=80, shared=0.05, own=0.05, shift=0.0):
    """Differences with a common part per cluster of one to four queries."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(num_clusters), rng.integers(1, 5, num_clusters))
    common = rng.normal(0, shared, num_clusters)[clusters]
    return np.clip(common + rng.normal(shift, own, len(clusters)), -1, 1), clusters


def interval_of(differences, clusters, confidence=0.95):
    return pair_intervals(np.asarray(differences, dtype=float)[:, None], np.asarray(clusters), confidence)[0]


def run_gate(out, base="base", candidate="cand", **options):
    return gate(select_model(out, base), select_model(out, candidate), GateOptions(**options))


def changes_of(size, mean, spread, seed=0):
    """Differences with exactly this mean."""
    values = np.random.default_rng(seed).normal(0, spread, size)
    return np.clip(values - values.mean() + mean, -0.9, 0.9)


# --- statistics -------------------------------------------------------------------------------------------------


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
    interval = Interval(mean, mean - reach, mean + reach, mean - reach, reach / 1.65, 900, 400, 0.0, 3.0)
    assert decide(interval, -0.01) == outcome


def test_all_have_to_pass():
    assert worst(["pass", "pass"]) == "pass"
    assert worst(["pass", "undecided"]) == "undecided"
    assert worst(["undecided", "fail", "pass"]) == "fail"


@given(st.integers(0, 10_000), st.floats(-0.05, 0.05), st.floats(0.0, 0.05), st.floats(0.0, 0.05))
def test_a_wider_margin_never_harms(seed, shift, margin, more):
    interval = interval_of(*drawn(seed, num_clusters=20, shift=shift))
    order = ["fail", "undecided", "pass"]
    assert order.index(decide(interval, -margin - more)) >= order.index(decide(interval, -margin))


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
    passed = np.mean([decide(interval, mean) == "pass" for interval in intervals])
    plain = np.mean([interval.lower > mean for interval in intervals])
    assert plain > 0.08
    assert passed < 0.06


@pytest.mark.parametrize("mean", [0.0, -0.005, -0.02, 0.004])
def test_the_stated_number_of_queries_decides_with_four_in_five(mean):
    """Normal theory: at that many clusters the distance is (t + z) standard errors."""
    interval = Interval(mean, mean - 0.02, mean + 0.02, mean - 0.02, 0.012, 300, 100, 0.0, 3.0)
    queries, clusters = needed(interval, -0.01, 0.95)
    assert queries == pytest.approx(3 * clusters, abs=3) and clusters > 100
    smaller = interval.se * math.sqrt(100 / clusters)
    reached = norm.cdf(abs(mean + 0.01) / smaller - t.ppf(0.95, clusters - 1))
    assert reached == pytest.approx(0.8, abs=0.005)


def test_no_number_decides_a_figure_at_the_bound():
    for mean in (-0.01, -0.01 + 1e-9):
        assert needed(Interval(mean, -1, 1, -1, 0.01, 100, 50, 0.0, 3.0), -0.01, 0.95) is None


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


# --- records ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "spread", "outcome"), [(0.0, 0.02, "pass"), (-0.05, 0.02, "fail"), (-0.01, 0.1, "undecided")]
)
def test_outcomes_on_records(tmp_path, mean, spread, outcome):
    differences = changes_of(600, mean, spread)
    write_two(tmp_path, differences)
    result = run_gate(tmp_path)
    [verdict] = result.verdicts
    assert result.outcome == verdict.outcome == outcome
    assert (verdict.task, verdict.where, verdict.measure.name, verdict.bound) == ("toy", "en-en", "nDCG@10", -0.01)
    clusters = [number // 2 for number in range(600)]
    expected = limits_by_loops(differences.tolist(), clusters)
    assert (verdict.interval.lower, verdict.interval.upper) == pytest.approx(expected, abs=1e-12)
    assert verdict.candidate - verdict.baseline == pytest.approx(mean, abs=1e-9)
    assert (verdict.needed_queries is not None) == (outcome == "undecided" and abs(mean + 0.01) > 1e-6)


def test_swapping_the_sides_swaps_the_sign(tmp_path):
    write_two(tmp_path, changes_of(200, 0.03, 0.1))
    [there], [back] = run_gate(tmp_path).verdicts, run_gate(tmp_path, "cand", "base").verdicts
    assert back.interval.mean == pytest.approx(-there.interval.mean)
    assert back.interval.lower == pytest.approx(-there.interval.upper)


def test_a_model_passes_against_itself_and_this_is_said(tmp_path):
    write_two(tmp_path, np.zeros(50))
    result = run_gate(tmp_path, "base", "base")
    assert result.outcome == "pass" and any("the same encoder" in note for note in result.notes)


def test_every_tasks_english_has_to_pass(tmp_path):
    write_two(tmp_path, changes_of(600, 0.0, 0.02))
    write_two(tmp_path, changes_of(600, -0.05, 0.02), task="other")
    result = run_gate(tmp_path)
    assert {verdict.task: verdict.outcome for verdict in result.verdicts} == {"toy": "pass", "other": "fail"}
    assert result.outcome == "fail"
    assert run_gate(tmp_path, tasks=("toy",)).outcome == "pass"


def test_a_task_without_english_is_named(tmp_path):
    write_two(tmp_path, changes_of(100, 0.0, 0.02))
    write_two(tmp_path, changes_of(100, 0.0, 0.02), pairs=("de-en",), task="german")
    result = run_gate(tmp_path)
    assert [verdict.task for verdict in result.verdicts] == ["toy"]
    assert any(note.startswith("german: has no pair en-en") for note in result.notes)


def test_no_english_at_all_is_an_error(tmp_path):
    write_two(tmp_path, np.zeros(10), pairs=("de-en",))
    with pytest.raises(RecordError, match=r"no scores of en-en.*toy: de-en"):
        run_gate(tmp_path)
    assert run_gate(tmp_path, pairs="de-en").outcome == "pass"


def test_what_the_candidate_lacks_is_an_error(tmp_path):
    write_two(tmp_path, np.zeros(10), pairs=("en-en",))
    base, _ = scores_with(np.zeros(10))
    write_record(tmp_path, "base", {"en-en": base}, task="second")
    with pytest.raises(RecordError, match=r"cand-\w{8} has no record of second, which base-"):
        run_gate(tmp_path)
    assert run_gate(tmp_path, tasks=("toy",)).outcome == "pass"
    write_record(tmp_path, "cand", {"de-en": base}, task="second")
    with pytest.raises(RecordError, match=r"second: cand-\w{8} has no scores of en-en"):
        run_gate(tmp_path)


def test_what_only_the_candidate_has_is_named(tmp_path):
    write_two(tmp_path, np.zeros(10))
    write_record(tmp_path, "cand", {"en-en": np.ones(10)}, task="second")
    assert any(note.startswith("second: not gated") for note in run_gate(tmp_path).notes)


REFUSED = {
    "dtype": ({"dtype": "bf16"}, "measured in fp32.*measured in bf16|in fp32, .* in bf16"),
    "precision not stated": ({"dtype": None, "kind": "function"}, "does not state"),
    "search": ({"scoring": {"judged_by": "qrels", "search": "ivf4096"}}, "exact search only"),
    "version": ({"version": 2}, "task_version 1 against 2"),
    "data": ({"data": {"en-en": "0" * 32}}, "other texts or judgements"),
    "options": ({"options": {"merge": "True"}}, "has no record of toy"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_records_that_cannot_be_compared_are_refused(tmp_path, what):
    changes, message = REFUSED[what]
    base, candidate = scores_with(np.zeros(20))
    write_record(tmp_path, "base", {"en-en": base})
    write_record(tmp_path, "cand", {"en-en": candidate}, **changes)
    with pytest.raises(RecordError, match=message):
        run_gate(tmp_path)


def test_two_approximate_searches_are_refused_too(tmp_path):
    write_two(tmp_path, np.zeros(20), scoring={"judged_by": "qrels", "search": "ivf4096"})
    with pytest.raises(RecordError, match="search was ivf4096; a gate compares exact search only"):
        run_gate(tmp_path)


def test_bm25_has_no_precision(tmp_path):
    base, candidate = scores_with(np.zeros(20))
    write_record(tmp_path, "base", {"en-en": base}, kind="lexical", dtype=None)
    write_record(tmp_path, "cand", {"en-en": candidate})
    assert run_gate(tmp_path).outcome == "pass"


def test_other_software_is_noted(tmp_path):
    base, candidate = scores_with(np.zeros(20))
    write_record(tmp_path, "base", {"en-en": base})
    write_record(tmp_path, "cand", {"en-en": candidate}, environment={"torch": "2.9.0"})
    assert "measured with other software: torch 2.13.0 (baseline) and 2.9.0 (candidate)." in run_gate(tmp_path).notes


@pytest.mark.parametrize(("size", "clusters"), [(1, None), (4, ["one"] * 4)])
def test_one_query_or_one_cluster_decides_nothing(tmp_path, size, clusters):
    write_two(tmp_path, np.full(size, 0.1), clusters=clusters)
    result = run_gate(tmp_path)
    assert result.outcome == "undecided" and result.verdicts[0].needed_queries is None


def test_a_changed_score_file_is_found(tmp_path):
    write_two(tmp_path, changes_of(20, 0.0, 0.02))
    file = next(tmp_path.glob("records/cand-*/toy/record.json"))
    [before] = load_results(tmp_path)[1].record.pairs
    file.write_text(file.read_text().replace(repr(before.measures["nDCG@10"].mean), "0.99"))
    with pytest.raises(RecordError, match=r"says 0\.99"):
        run_gate(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"margin": -1.0}, "--margin -1"), ({"margin": math.nan}, "--margin nan"), ({"margin": 101.0}, "--margin 101"),
     ({"confidence": 0.5}, "--confidence 0.5"), ({"confidence": 95.0}, "--confidence 95"),
     ({"pairs": "fr-fr"}, "fr-fr"), ({"tasks": ("tyo",)}, "toy"), ({"measure": "ndcg@10"}, "nDCG@10")],
)  # fmt: skip
def test_options_that_make_no_sense(tmp_path, options, message):
    write_two(tmp_path, np.zeros(10))
    with pytest.raises(UsageError, match=message):
        run_gate(tmp_path, **options)


# --- rules ------------------------------------------------------------------------------------------------------

PAIRS = ("en-en", "de-en", "sw-en", "sw-sw")


def test_worst_drop_holds_pair_by_pair(tmp_path):
    small, large = changes_of(600, 0.0, 0.02), changes_of(600, -0.1, 0.02)
    base, candidate = zip(*(scores_with(d) for d in (small, small, large, small)), strict=True)
    write_record(tmp_path, "base", dict(zip(PAIRS, base, strict=True)))
    write_record(tmp_path, "cand", dict(zip(PAIRS, candidate, strict=True)))
    result = run_gate(tmp_path, rules=(Rule(pairs="*-en", worst_drop=3.0),))
    found = {(v.rule, v.where): v.outcome for v in result.verdicts}
    assert found == {
        ("margin 1 point", "en-en"): "pass",
        ("no pair of *-en loses 3 points", "en-en"): "pass",
        ("no pair of *-en loses 3 points", "de-en"): "pass",
        ("no pair of *-en loses 3 points", "sw-en"): "fail",
    }
    assert result.outcome == "fail"
    assert run_gate(tmp_path, rules=(Rule(pairs="*-en", worst_drop=20.0),)).outcome == "pass"


def test_mean_rules_are_about_the_macro_average(tmp_path):
    base, candidate = zip(*(scores_with(changes_of(600, mean, 0.02)) for mean in (0, 0, -0.1, 0.08)), strict=True)
    write_record(tmp_path, "base", dict(zip(PAIRS, base, strict=True)))
    write_record(tmp_path, "cand", dict(zip(PAIRS, candidate, strict=True)))
    low = float(np.mean([candidate[2].mean(), candidate[3].mean()]))
    rules = (
        Rule(group="low", mean_drop=2.0),
        Rule(group="low", mean_drop=0.5),
        Rule(group="low", mean_at_least=100 * low - 5),
        Rule(group="low", mean_at_least=100 * low + 5),
    )
    _, *verdicts = run_gate(tmp_path, rules=rules).verdicts
    assert [verdict.outcome for verdict in verdicts] == ["pass", "fail", "pass", "fail"]
    assert verdicts[0].interval.mean == pytest.approx(-0.01) and verdicts[0].where == "mean of low (2 pairs)"
    assert verdicts[2].interval.mean == pytest.approx(low) and verdicts[2].about == "mean"


def test_equal_titles_are_told_apart(tmp_path):
    write_two(tmp_path, np.zeros(10))
    rule = Rule(name="english", pairs="en-en", worst_drop=1.0)
    result = run_gate(tmp_path, rules=(rule, rule))
    assert [verdict.rule for verdict in result.verdicts] == ["margin 1 point", "english", "english (2)"]


def test_a_rule_about_nothing_is_an_error(tmp_path):
    write_two(tmp_path, np.zeros(10))
    with pytest.raises(UsageError, match="No pair belongs to group 'low'"):
        run_gate(tmp_path, rules=(Rule(group="low", mean_drop=1.0),))
    with pytest.raises(UsageError, match="No language pair matches 'de-en'"):
        run_gate(tmp_path, rules=(Rule(pairs="de-en", worst_drop=1.0),))
    with pytest.raises(UsageError, match="No record of task 'tyo'"):
        run_gate(tmp_path, rules=(Rule(pairs="en-en", tasks=("tyo",), worst_drop=1.0),))
