"""An estimate is a range of seconds, from the batches that were timed."""

from dataclasses import replace

import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets
from builders.values import require

from clearbench.encoders.vectors.estimate import Estimate
from clearbench.evaluation.options import EvaluationOptions
from clearbench.search.engines import open_engine
from clearbench.tasks.dataset import Texts


def options(tmp_path):
    return EvaluationOptions(out=tmp_path / "out", cache=tmp_path / "cache")


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
