"""A plan says what a run then does, and touches nothing."""

import pytest
from builders.encoders import HashEncoder, parallel_set

from clearbench.cli.app import execute
from clearbench.common.progress import duration
from clearbench.encoders.bm25 import BM25
from clearbench.encoders.estimate import estimate_seconds
from clearbench.encoders.store import EmbeddingStore
from clearbench.evaluation.pipeline import EvaluationOptions, evaluate, open_store
from clearbench.evaluation.plan import plan_run


def options(tmp_path):
    return EvaluationOptions(out=tmp_path / "out", cache=tmp_path / "cache")


def test_a_plan_writes_nothing_and_counts_what_the_run_then_does(tmp_path):
    sets = [parallel_set(("en", "de"))]
    plan = plan_run(HashEncoder(), sets, options(tmp_path))
    assert not (tmp_path / "out").exists()
    encoder = HashEncoder()
    [done] = evaluate(encoder, sets, options(tmp_path))
    assert plan.num_distinct - plan.num_cached == len(encoder.encoded) == done.record.timings["texts_encoded"]
    [task] = plan.tasks
    assert (task.num_pairs, task.num_done, task.folder) == (4, 0, done.folder)
    assert task.num_queries == done.record.coverage["queries_scored"]


def test_a_plan_knows_what_was_done_before(tmp_path):
    evaluate(HashEncoder(), [parallel_set(("en", "de"))], options(tmp_path))
    plan = plan_run(HashEncoder(), [parallel_set(("en", "de", "sw"))], options(tmp_path))
    [task] = plan.tasks
    assert (task.num_pairs, task.num_done) == (9, 4)
    # The open pairs need the texts of all three languages; those of two have vectors.
    assert (plan.num_distinct, plan.num_cached) == (54, 36)


def test_bm25_has_nothing_to_encode(tmp_path):
    assert plan_run(BM25, [parallel_set()], options(tmp_path)).seconds is None


def test_the_estimate_is_time_per_token_times_tokens(tmp_path, monkeypatch):
    class Slow(HashEncoder):
        clock = 0.0

        def encode_batch(self, texts, role):
            type(self).clock += 0.5 * sum(len(text.split()) + 2 for text in texts)  # half a second per token
            return super().encode_batch(texts, role)

    monkeypatch.setattr("clearbench.encoders.estimate.time.perf_counter", lambda: Slow.clock)
    encoder = Slow()
    _, store, plan = open_store(encoder, [parallel_set(size=40)], options(tmp_path))
    tokens = sum(len(text.split()) + 2 for text in plan.texts)
    assert estimate_seconds(encoder, store, plan) == pytest.approx(0.5 * tokens)
    evaluate(encoder, [parallel_set(size=40)], options(tmp_path))
    _, store, plan = open_store(encoder, [parallel_set(size=40)], options(tmp_path))
    assert isinstance(store, EmbeddingStore) and estimate_seconds(encoder, store, plan) == 0


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
