"""The gate holds a margin in the measure's own direction and unit, whatever the measure."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from builders.records import write_record

from clearbench.cli.app import execute
from clearbench.common.errors import UsageError
from clearbench.common.measures import RULES, find_measure
from clearbench.records.select import select_model
from clearbench.verdicts.gate.compute import gate
from clearbench.verdicts.gate.options import GateOptions
from clearbench.verdicts.gate.rules import Rule, read_rules

BIAS = (
    *("TLR@10", "TLR@100", "lang_nDCG_strict@10", "PEER@10", "PEER@100", "Max@R"),
    *("top1_right_same", "top1_right_other", "top1_wrong_same", "top1_wrong_other"),
)
DIRECTED = [name for rule in RULES.values() for name in rule.measures] + list(BIAS)
LOWER = [name for name in DIRECTED if find_measure(name).better == "lower"]
SIDEWAYS = ("lpr_first", "lpr_pairwise")


def write_models(out, measure, worse_by=0.0, noise=0.2, seed=0):
    """Records `base` and `cand` of one mixed pool; the candidate is worse by so many points or ranks, on average."""
    rng, found = np.random.default_rng(seed), find_measure(measure)
    base = rng.uniform(40, 60, 400)
    change = rng.normal(0, noise, 400)
    candidate = base - found.sign * worse_by + (change - change.mean())
    for name, values in (("base", base), ("cand", candidate)):
        write_record(out, name, {"en-mul": values / found.points}, measures=(measure,))


def run_gate(out, measure, **options):
    options = {"pairs": "en-mul", "measure": measure, **options}
    return gate(select_model(out, "base"), select_model(out, "cand"), GateOptions(**options))


def test_the_family_has_measures_of_both_directions_and_units():
    assert set(LOWER) == {"Max@R", "top1_wrong_same", "top1_wrong_other"} and len(DIRECTED) > 25
    assert {find_measure(name).unit for name in DIRECTED} == {"share", "rank"}


@pytest.mark.parametrize("measure", DIRECTED)
@pytest.mark.parametrize(("worse_by", "outcome"), [(3.0, "fail"), (0.0, "pass"), (-3.0, "pass"), (1.0, "undecided")])
def test_a_worse_model_never_passes_and_an_equal_or_a_better_one_does(tmp_path, measure, worse_by, outcome):
    write_models(tmp_path, measure, worse_by)
    [verdict] = run_gate(tmp_path, measure).verdicts
    assert verdict.outcome == outcome
    found = find_measure(measure)
    assert verdict.candidate - verdict.baseline == pytest.approx(-found.sign * worse_by / found.points, abs=1e-9)
    assert verdict.interval.mean == pytest.approx(verdict.candidate - verdict.baseline, abs=1e-9)
    assert verdict.bound == pytest.approx(-found.sign / found.points)
    assert verdict.interval.lower <= verdict.interval.mean <= verdict.interval.upper


@pytest.mark.parametrize("measure", LOWER)
def test_what_is_better_lower_is_decided_as_its_negative_is_where_higher_is_better(tmp_path, measure):
    """The guard against few and large losses is on the side of the bound: above the upper limit."""
    rng = np.random.default_rng(1)
    change = np.where(rng.random(300) < 0.05, rng.uniform(5, 30, 300), 0.0)
    base = rng.uniform(100, 200, 300)
    for name, sign in (("nDCG@10", 1.0), (measure, -1.0)):
        points = find_measure(name).points
        write_record(tmp_path / name, "base", {"en-mul": sign * base / points}, measures=(name,))
        write_record(tmp_path / name, "cand", {"en-mul": sign * (base - change) / points}, measures=(name,))
    [higher] = run_gate(tmp_path / "nDCG@10", "nDCG@10", margin=1.5).verdicts
    [lower] = run_gate(tmp_path / measure, measure, margin=1.5).verdicts
    scale = find_measure(measure).points / 100
    assert lower.interval.guarded > lower.interval.upper
    for ours, theirs in (("lower", "upper"), ("upper", "lower"), ("guarded", "guarded"), ("mean", "mean")):
        assert scale * getattr(lower.interval, ours) == pytest.approx(-getattr(higher.interval, theirs), abs=1e-9)
    assert (lower.outcome, lower.needed_queries) == (higher.outcome, higher.needed_queries)
    assert scale * lower.detectable == pytest.approx(higher.detectable)


@pytest.mark.parametrize("measure", SIDEWAYS)
def test_a_measure_without_a_better_direction_is_refused(tmp_path, measure):
    write_models(tmp_path, measure)
    with pytest.raises(UsageError, match=f"{measure} .*without judging it.*cannot have a margin"):
        run_gate(tmp_path, measure)
    write_models(tmp_path, "nDCG@10")
    (tmp_path / "gates.toml").write_text(f'[[rule]]\npairs = "*-mul"\nworst_drop = 1\nmeasure = "{measure}"\n')
    with pytest.raises(UsageError, match=f"rule 1: {measure} .*without judging it"):
        read_rules(tmp_path / "gates.toml")


@pytest.mark.parametrize("measure", LOWER)
def test_a_least_mean_is_refused_where_lower_is_better(tmp_path, measure):
    with pytest.raises(ValueError, match="lower is better: expected worst_drop or mean_drop"):
        Rule(pairs="*-mul", mean_at_least=20.0, measure=measure)
    write_models(tmp_path, measure)
    with pytest.raises(UsageError, match=r"Rule “the mean of all is above 20”: .*lower is better"):
        run_gate(tmp_path, measure, rules=(Rule(group="all", mean_at_least=20.0),))


@pytest.mark.parametrize("measure", LOWER)
def test_rules_hold_a_macro_average_in_the_direction_too(tmp_path, measure):
    write_models(tmp_path, measure, worse_by=3.0)
    rules = (Rule(group="all", mean_drop=2.0), Rule(group="all", mean_drop=4.0))
    verdicts = run_gate(tmp_path, measure, rules=rules).verdicts
    assert [verdict.outcome for verdict in verdicts] == ["fail", "fail", "pass"]


def test_a_margin_in_points_is_at_most_100_and_one_in_ranks_may_be_more(tmp_path):
    write_models(tmp_path, "Max@R", worse_by=150.0)
    assert run_gate(tmp_path, "Max@R", margin=200.0).outcome == "pass"
    assert run_gate(tmp_path, "Max@R", margin=101.0).outcome == "fail"
    Rule(pairs="*-mul", worst_drop=200.0, measure="Max@R")
    with pytest.raises(ValueError, match="points"):
        Rule(pairs="*-mul", worst_drop=200.0, measure="nDCG@10")
    with pytest.raises(UsageError, match="--margin -1: expected at least 0"):
        run_gate(tmp_path, "Max@R", margin=-1.0)


def test_a_main_measure_that_is_no_share_has_to_be_named(tmp_path):
    write_models(tmp_path, "Max@R")
    with pytest.raises(UsageError, match=r"toy: its main measure, Max@R, .*name it with --measure"):
        run_gate(tmp_path, None)


def ranks(tmp_path):
    write_models(tmp_path, "Max@R", worse_by=3.0)
    return run_gate(tmp_path, "Max@R")


def test_outputs_say_ranks_and_the_sign_of_a_loss(tmp_path):
    from clearbench.verdicts.gate.machine import to_json, to_junit
    from clearbench.verdicts.gate.sentences import badge, explain_all, legend
    from clearbench.verdicts.gate.tables import to_markdown, to_tables

    result = ranks(tmp_path)
    [verdict] = result.verdicts
    assert verdict.rule == "margin 1 rank"
    explained = "toy en-mul, Max@R: fail. The difference is +3.00 ranks [+2.98, +3.02]: above +1.00."
    assert explain_all(result) == [explained]
    assert "Max@R: ranks, lower is better" in legend(result)
    assert badge(result) == "English gate: fail · toy en-mul +3.00 [+2.98, +3.02] · bound +1.00 ranks"
    [(title, table, _)] = to_tables(result)
    cells = {str(column.header): str(next(iter(column.cells))) for column in table.columns}
    assert title == "margin 1 rank"
    assert [cells[name] for name in ("difference", "bound")] == ["+3.00", "+1.00"]
    assert float(cells["candidate"]) - float(cells["baseline"]) == pytest.approx(3.0, abs=0.011)
    assert "**margin 1 rank**" in to_markdown(result) and "| +1.00 |" in to_markdown(result)
    [found] = json.loads(to_json(result))["verdicts"]
    assert (found["measure"], found["unit"], found["better"]) == ("Max@R", "rank", "lower")
    assert found["interval"]["mean"] == pytest.approx(3.0) and found["bound"] == 1.0
    [case] = ElementTree.fromstring(to_junit(result)).iter("testcase")
    assert case.get("name") == "en-mul Max@R: margin 1 rank" and case.findtext("failure") == explained


def test_the_tightest_verdict_is_the_one_nearest_to_its_bound_in_its_direction(tmp_path):
    from clearbench.verdicts.gate.sentences import badge

    result = ranks(tmp_path)
    [worse] = result.verdicts
    better = replace(worse, where="better", interval=replace(worse.interval, mean=-3.0, guarded=-2.9))
    assert "en-mul" in badge(replace(result, verdicts=(better, worse)))


def test_the_command_holds_the_direction(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_models(tmp_path / "results", "Max@R", worse_by=3.0)
    arguments = ["gate", "--pairs", "*-mul", "--measure", "Max@R"]
    assert execute([*arguments, "--baseline", "base", "--candidate", "cand"]) == 3
    assert execute([*arguments, "--baseline", "cand", "--candidate", "base"]) == 0
    assert "Max@R: ranks, lower is better" in capsys.readouterr().out
