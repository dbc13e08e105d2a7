"""Which models cannot be told apart: the test against the literal one, its clusters, its correction."""

import itertools
import json

import numpy as np
import pytest
from builders.leaderboard import PAIRS, rows_of, scores
from builders.records import write_model
from builders.values import require

from clearbench.common.errors import RecordError
from clearbench.records.parts import read_scores
from clearbench.records.select import load_results
from clearbench.verdicts.leaderboard.compute import make_leaderboard
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.separability import cluster_contributions, separate


def contributions(out, name, board):
    entries = [entry for entry in load_results(out) if entry.name == name]
    return cluster_contributions(entries, board.shared, {column.label: column.measure for column in board.tasks})


def test_contributions_add_up_to_the_overall_mean(tmp_path):
    write_model(tmp_path, "one", {"xquad": scores(1), "mlqa": scores(2, PAIRS[:2], size=7)})
    write_model(tmp_path, "two", {"xquad": scores(3), "mlqa": scores(4, PAIRS[:2], size=7)})
    board = make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=50))
    for name, row in rows_of(board).items():
        parts = contributions(tmp_path, name, board)
        assert sum(parts.values()) == pytest.approx(row.mean, abs=1e-12)
        assert len(parts) == board.num_clusters == 12 + 4


def test_the_test_is_the_literal_one_over_all_sign_patterns(tmp_path):
    """Six clusters: 64 patterns; with many random flips p comes near the exact share."""
    write_model(tmp_path, "one", {"xquad": scores(1, PAIRS[:2], size=12, shift=0.12)})
    write_model(tmp_path, "two", {"xquad": scores(2, PAIRS[:2], size=12)})
    board = make_leaderboard(load_results(tmp_path), LeaderboardOptions(flips=20_000))
    data = [read_scores(entry.place) for entry in sorted(load_results(tmp_path), key=lambda entry: entry.name)]
    merged = data[0].merge(data[1], on=["pair", "query", "cluster"])
    merged["difference"] = merged["nDCG@10_x"] - merged["nDCG@10_y"]
    sums = merged.groupby("cluster", observed=True)["difference"].sum().to_numpy()
    reached = [abs(np.dot(sums, signs)) >= abs(sums.sum()) - 1e-12 for signs in itertools.product((1, -1), repeat=6)]
    exact = np.mean(reached)
    assert 0.02 < exact < 0.9
    assert board.rows[1].p_best == pytest.approx(exact, abs=0.015)


def test_equal_models_are_not_separable_and_distant_ones_are(out):
    board = make_leaderboard(load_results(out), LeaderboardOptions(flips=500))
    good, plain, twin = board.rows
    assert board.not_separable(good) == ()
    assert require(plain.p_best) < 0.05 and board.not_separable(plain) == ()
    assert twin.p_above == 1.0 and board.not_separable(twin) == ("above",)


def test_clusters_are_flipped_whole():
    """Twelve equal differences in two clusters prove little; as twelve clusters they would prove much."""
    together = separate([{("t", "a"): 0.3, ("t", "b"): 0.3}, {("t", "a"): 0.0, ("t", "b"): 0.0}], 2_000, 0)
    apart = separate([{("t", str(n)): 0.05 for n in range(12)}, {("t", str(n)): 0.0 for n in range(12)}], 2_000, 0)
    assert together.best[1] > 0.4 and apart.best[1] < 0.01


def test_rounding_is_no_difference():
    noisy = {("t", str(n)): 0.05 * (1 + 1e-14 * (1 + n % 3)) for n in range(12)}
    assert all(value > 0.05 for value in noisy.values())
    assert separate([noisy, dict.fromkeys(noisy, 0.05)], 200, 0).best[1] == 1.0


def test_each_family_is_adjusted_by_holm():
    """Three models: the smaller p of a family is doubled, the larger stays, at least as large as that."""
    random = np.random.default_rng(3)
    models = [{("t", str(n)): v for n, v in enumerate(random.normal(level, 0.2, 20))} for level in (0.6, 0.5, 0.42)]
    found = separate(models, 2_000, 0)
    for adjusted, pairs in ((found.best, ((0, 1), (0, 2))), (found.above, ((0, 1), (1, 2)))):
        single = [separate([models[one], models[two]], 2_000, 0).best[1] for one, two in pairs]
        low, high = sorted(single)
        wanted = {low: min(2 * low, 1.0), high: max(high, min(2 * low, 1.0))}
        assert list(adjusted[1:]) == pytest.approx([wanted[p] for p in single])
        assert list(adjusted[1:]) != single


def test_equal_models_are_called_different_in_five_percent_of_cases_at_most():
    """Simulated null: three models of one quality on clustered data; Holm keeps the family-wise rate."""
    random = np.random.default_rng(5)
    false = 0
    for _ in range(400):
        common = random.normal(0.5, 0.2, size=30)
        models = [{("t", str(n)): v for n, v in enumerate(common + random.normal(0, 0.1, 30))} for _ in range(3)]
        models.sort(key=lambda model: -sum(model.values()))
        above = separate(models, 300, 0).above
        false += bool((above[1:] < 0.05).any())
    assert false / 400 <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 400)


def test_scores_that_are_not_the_records_are_an_error(out):
    [folder] = [entry.place for entry in load_results(out) if entry.name == "good"]
    text = (folder / "record.json").read_text(encoding="utf-8")
    data = json.loads(text)
    data["pairs"][0]["measures"]["nDCG@10"]["mean"] = 0.99
    (folder / "record.json").write_text(json.dumps(data))
    with pytest.raises(RecordError, match="its entries for de-de"):
        make_leaderboard(load_results(out))
