"""A record that tests of exports share."""

import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets

from clearbench.evaluation.options import EvaluationOptions
from clearbench.records.select import load_results


@pytest.fixture
def ranked(tmp_path):
    """A record with saved rankings: 20 passages, 40 questions, and rankings with errors in them."""
    options = EvaluationOptions(out=tmp_path / "results", save_runs=True)
    [evaluation] = evaluate_sets(HashEncoder(dimension=6), [parallel_set(("en", "de"), 20)], options)
    assert 0.05 < evaluation.record.averages["all"]["nDCG@10"] < 0.95
    [entry] = load_results(tmp_path / "results")
    return entry
