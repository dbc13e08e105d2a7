"""A plan says what a run then does, and touches nothing."""

from dataclasses import replace

import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.values import require

from clearbench.cli.app import execute
from clearbench.common.progress import duration
from clearbench.encoders.bm25 import BM25
from clearbench.encoders.vectors.estimate import Estimate
from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.plan import plan_run
from clearbench.scoring.table import make_judge
from clearbench.search.engines import open_engine
from clearbench.tasks.dataset import Texts


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
    assert plan_run(BM25, [make_judge(parallel_set())], options(tmp_path)).seconds is None


def test_the_estimate_is_time_per_token_times_tokens(tmp_path, monkeypatch):
    class Slow(HashEncoder):
        clock = 0.0

        def encode_batch(self, texts, role):
            type(self).clock += 0.5 * sum(len(text.split()) + 2 for text in texts)  # half a second per token
            return super().encode_batch(texts, role)

    monkeypatch.setattr("clearbench.encoders.vectors.estimate.time.perf_counter", lambda: Slow.clock)
    encoder = Slow()
    sets = [parallel_set(size=40)]
    engine = open_engine(encoder, sets, tmp_path / "cache")
    plan = require(engine.plan(sets).plan)
    tokens = sum(len(text.split()) + 2 for text in plan.texts)
    found = require(engine.estimate(engine.plan(sets)))
    assert (found.low, found.high) == pytest.approx((0.5 * tokens, 0.5 * tokens))
    evaluate_sets(encoder, sets, options(tmp_path))
    again = open_engine(encoder, sets, tmp_path / "cache")
    assert again.estimate(again.plan(sets)) == Estimate(0.0, 0.0)


def test_the_estimate_is_a_range_that_holds_where_long_texts_cost_more_per_token(tmp_path, monkeypatch):
    class Quadratic(HashEncoder):
        clock = 0.0

        def encode_batch(self, texts, role):
            type(self).clock += sum((len(text.split()) + 2) ** 2 for text in texts)
            return super().encode_batch(texts, role)

    monkeypatch.setattr("clearbench.encoders.vectors.estimate.time.perf_counter", lambda: Quadratic.clock)
    texts = tuple(f"passage {n} " + "word " * (n % 50) for n in range(300))
    data = parallel_set(size=4)
    pool = Texts(data.pools["en"].language, tuple(map(str, range(300))), texts)
    data = replace(data, pools={**data.pools, "en": pool})
    engine = open_engine(Quadratic(), [data])
    found = require(engine.estimate(engine.plan([data])))
    Quadratic.clock = 0.0
    engine.prepare(engine.plan([data]))
    assert 1.5 * found.low < found.high and found.low <= Quadratic.clock <= found.high


def test_dry_run_prints_the_plan(tmp_path, capsys):
    arguments = ["run", "--model", "bm25", "--tasks", "demo", "--out", str(tmp_path / "out"), "--dry-run"]
    assert execute(arguments) == 0
    assert "1,536" in capsys.readouterr().out  # 12 languages with English, 128 questions each
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 seconds"), (89, "89 seconds"), (120, "2 minutes"), (7200, "2.0 hours")]
)
def test_durations_are_said_in_the_unit_that_fits(seconds, text):
    assert duration(seconds) == text
