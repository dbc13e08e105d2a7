"""Tables: every figure is shown whole, whatever the terminal's width."""

import json
from dataclasses import replace

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


def test_averages_are_over_the_pairs_asked_for_and_others_of_the_record_are_spoken_of(evaluation, capsys):
    asked = ("sw-en", "sw-sw")
    means = [pair.measures["nDCG@10"].mean for pair in evaluation.record.pairs if pair.pair in asked]
    some = replace(evaluation, asked=asked)
    for style in ("table", "summary"):
        print_evaluations([some], style)
        printed = capsys.readouterr().out
        [row] = [line.split() for line in printed.splitlines() if line.split()[:1] == ["all"]]
        assert row[1:3] == ["2", f"{100 * sum(means) / 2:.1f}"]
        assert "The record also has 142 pairs of earlier runs, not shown here." in printed
        assert " de " not in printed
    print_evaluations([evaluation], "summary")
    assert "earlier runs" not in capsys.readouterr().out
    print_evaluations([some], "json")
    [document] = json.loads(capsys.readouterr().out)
    assert document["asked"] == list(asked) and len(document["pairs"]) == 144


def test_skipped_queries_of_the_pairs_shown_are_counted(evaluation, capsys):
    first, *rest = evaluation.record.pairs
    record = evaluation.record.model_copy(update={"pairs": [first.model_copy(update={"num_skipped": 3}), *rest]})
    print_evaluations([replace(evaluation, record=record)], "summary")
    assert "3 queries of these pairs could not be scored" in capsys.readouterr().out
    print_evaluations([replace(evaluation, record=record, asked=(rest[0].pair,))], "summary")
    assert "could not be scored" not in capsys.readouterr().out
