"""A plan says what a run then does, and touches nothing."""

from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets

from clearbench.cli.app import execute
from clearbench.encoders.bm25 import BM25
from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.plan import plan_run
from clearbench.scoring.table import make_judge


def options(tmp_path):
    return EvaluationOptions(out=tmp_path / "out", cache=tmp_path / "cache")


def test_a_plan_writes_nothing_and_counts_what_the_run_then_does(tmp_path):
    sets = [parallel_set(("en", "de"))]
    plan = plan_run(HashEncoder(), [make_judge(one) for one in sets], options(tmp_path))
    assert not (tmp_path / "out").exists()
    encoder = HashEncoder()
    [done] = evaluate_sets(encoder, sets, options(tmp_path))
    assert plan.num_distinct - plan.num_cached == len(encoder.encoded) == done.record.timings["texts_encoded"]
    [task] = plan.tasks
    assert (task.num_pairs, task.num_done, task.folder) == (4, 0, done.folder)
    assert task.num_queries == done.record.coverage["queries_scored"]


def test_a_plan_knows_what_was_done_before(tmp_path):
    evaluate_sets(HashEncoder(), [parallel_set(("en", "de"))], options(tmp_path))
    plan = plan_run(HashEncoder(), [make_judge(parallel_set(("en", "de", "sw")))], options(tmp_path))
    [task] = plan.tasks
    assert (task.num_pairs, task.num_done) == (9, 4)
    # The open pairs need the texts of all three languages; those of two have vectors.
    assert (plan.num_distinct, plan.num_cached) == (54, 36)


def test_bm25_has_nothing_to_encode(tmp_path):
    assert plan_run(BM25, [make_judge(parallel_set())], options(tmp_path)).estimate is None


def test_dry_run_prints_the_plan(tmp_path, capsys):
    arguments = ["run", "--model", "bm25", "--tasks", "demo", "--out", str(tmp_path / "out"), "--dry-run"]
    assert execute(arguments) == 0
    assert "1,536" in capsys.readouterr().out  # 12 languages with English, 128 questions each
    assert not (tmp_path / "out").exists()
