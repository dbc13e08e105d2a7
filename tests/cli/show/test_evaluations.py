"""Tables: every figure is shown whole, whatever the terminal's width."""

import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.evaluation import evaluate_sets

from clearbench.cli.show.evaluations import print_evaluations
from clearbench.evaluation.options import EvaluationOptions


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    sets = [parallel_set(("en", "ar", "bn", "de", "es", "fi", "hi", "ja", "ko", "ru", "sw", "te"), size=8)]
    [finished] = evaluate_sets(HashEncoder(), sets, EvaluationOptions(tmp_path_factory.mktemp("out")))
    return finished


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_figure_is_cut(evaluation, monkeypatch, capsys, width):
    monkeypatch.setenv("COLUMNS", str(width))
    print_evaluations([evaluation], "table")
    printed = capsys.readouterr().out
    matrix = printed[: printed.index("macro averages")]
    assert "…" not in matrix
    figures = sorted(word for word in matrix.split() if word.replace(".", "").isdigit() and "." in word)
    means = [pair.measures["nDCG@10"].mean for pair in evaluation.record.pairs]
    assert figures == sorted(f"{100 * mean:.1f}" for mean in means)
    assert max(map(len, matrix.splitlines()[2:])) <= width
