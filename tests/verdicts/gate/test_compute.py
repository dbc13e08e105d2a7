"""The gate on records: outcomes of English and of rules."""

import numpy as np
import pytest
from builders.gate import changes_of, limits_by_loops, run_gate
from builders.records import scores_with, write_record, write_two

from clearbench.common.errors import RecordError
from clearbench.records.select import load_results
from clearbench.verdicts.gate.rules import Rule


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
    write_two(tmp_path, np.zeros(1000))
    result = run_gate(tmp_path, "base", "base")
    assert result.outcome == "pass" and any("the same encoder" in note for note in result.notes)


def test_every_tasks_english_has_to_pass(tmp_path):
    write_two(tmp_path, changes_of(600, 0.0, 0.02))
    write_two(tmp_path, changes_of(600, -0.05, 0.02), task="other")
    result = run_gate(tmp_path)
    assert {verdict.task: verdict.outcome for verdict in result.verdicts} == {"toy": "pass", "other": "fail"}
    assert result.outcome == "fail"
    assert run_gate(tmp_path, tasks=("toy",)).outcome == "pass"


@pytest.mark.parametrize(("size", "clusters"), [(1, None), (4, ["one"] * 4)])
def test_one_query_or_one_cluster_decides_nothing(tmp_path, size, clusters):
    write_two(tmp_path, np.full(size, 0.1), clusters=clusters)
    [verdict] = run_gate(tmp_path).verdicts
    assert verdict.outcome == "undecided" and np.isnan(verdict.interval.lower)
    assert verdict.needed_clusters >= 23


def test_a_changed_score_file_is_found(tmp_path):
    write_two(tmp_path, changes_of(20, 0.0, 0.02))
    file = next(tmp_path.glob("records/cand-*/toy/record.json"))
    [before] = load_results(tmp_path)[1].record.pairs
    file.write_text(file.read_text().replace(repr(before.measures["nDCG@10"].mean), "0.99"))
    with pytest.raises(RecordError, match="its entries for en-en"):
        run_gate(tmp_path)


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
