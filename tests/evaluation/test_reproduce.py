"""Published figures against measured ones: verdicts, and how differences are distributed."""

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets

from clearbench.evaluation.options import EvaluationOptions
from clearbench.evaluation.reproduce import ReproducedFigure, compare_with_published, describe_differences
from clearbench.records.published import Published


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(0.0, "OK"), (0.0009, "OK"), (-0.0009, "OK"), (0.0011, "near"), (-0.0049, "near"), (0.0051, "off"), (-0.5, "off")],
)
def test_verdicts(difference, verdict):
    assert ReproducedFigure("t", "de-en", "nDCG@10", 0.5, 0.5 + difference).verdict == verdict


def test_published_figures_meet_the_measured_ones_of_their_pair_and_measure(tmp_path):
    data = parallel_set(("en", "de"))
    evaluations = evaluate_sets(HashEncoder(), [data], EvaluationOptions(tmp_path / "out"))
    measured = {pair.pair: pair.measures for pair in evaluations[0].record.pairs}
    figures = {"de-en": {"nDCG@10": 0.5, "recall@10": 0.6}, "sw-en": {"nDCG@10": 0.7}}
    published = Published("model", "source", "toy", {}, figures, near=0.02)
    assert compare_with_published([published], evaluations) == [
        ReproducedFigure("toy", "de-en", measure, figure, measured["de-en"][measure].mean, 0.02)
        for measure, figure in figures["de-en"].items()  # sw-en was not evaluated
    ]


def test_differences_are_described_by_task_and_measure():
    shifts = [0.0, 0.000004, 0.0008, -0.004, 0.01]
    figures = [ReproducedFigure("t", f"p{n}", "f1", 0.5, 0.5 + shift) for n, shift in enumerate(shifts)]
    first, second = describe_differences([*figures, ReproducedFigure("t", "p", "nDCG@10", 0.5, 0.4)])
    assert (first.task, first.measure, first.num_figures, first.num_equal) == ("t", "f1", 5, 2)
    assert first.verdicts == (3, 1, 1) and first.mean == pytest.approx(np.mean(shifts))
    assert first.quantiles == pytest.approx(np.quantile(shifts, [0, 0.05, 0.5, 0.95, 1]))
    assert (second.measure, second.verdicts) == ("nDCG@10", (0, 0, 1))
