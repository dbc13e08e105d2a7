"""Measures equal pytrec_eval and the literal formulas; every query counts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearbench.common.errors import ScoringError
from clearbench.scoring import compute
from clearbench.scoring.compute import MEASURE_NAMES, MEASURES, find_difference, score_ranks, score_run


def run_with_gold_at(rank, size=130):
    scores = {f"p{n:03d}": float(size - n) for n in range(1, size + 1)}
    return {"q": scores}, {"q": {f"p{rank:03d}": 1}}


@pytest.mark.parametrize("rank", [1, 2, 5, 6, 10, 11, 20, 21, 100, 101, 130])
def test_rank_formulas_equal_pytrec_eval(rank):
    run, qrels = run_with_gold_at(rank)
    assert np.abs(score_ranks(np.array([rank])) - score_run(run, qrels, ["q"])).max() < 1e-12


def test_literal_values_at_rank_three():
    values = dict(zip(MEASURE_NAMES, score_ranks(np.array([3]))[0], strict=True))
    assert values["nDCG@10"] == 1 / math.log2(4)
    assert values["nDCG@1"] == values["recall@1"] == values["success@1"] == 0
    assert values["recall@5"] == values["success@5"] == 1
    assert values["MRR@10"] == values["MAP@100"] == 1 / 3


@given(
    st.dictionaries(st.sampled_from("abcdefghijklmno"), st.integers(0, 4), min_size=1),
    st.sets(st.sampled_from("abcdefghijklmno"), min_size=1),
)
@settings(max_examples=200)
def test_several_relevant_passages_equal_the_formulas(scores, relevant):
    """The literal definitions on a ranking with many ties."""
    order = sorted(scores, key=lambda p: (scores[p], p), reverse=True)
    hits = [n for n, p in enumerate(order, start=1) if p in relevant]
    values = dict(
        zip(MEASURE_NAMES, score_run({"q": scores}, {"q": dict.fromkeys(relevant, 1)}, ["q"])[0], strict=True)
    )
    for k in (1, 5, 10):
        gain = sum(1 / math.log2(n + 1) for n in hits if n <= k)
        ideal = sum(1 / math.log2(n + 1) for n in range(1, min(k, len(relevant)) + 1))
        assert values[f"nDCG@{k}"] == pytest.approx(gain / ideal, abs=1e-12)
        assert values[f"recall@{k}"] == pytest.approx(sum(n <= k for n in hits) / len(relevant), abs=1e-12)
        assert values[f"success@{k}"] == float(any(n <= k for n in hits))
    assert values["MRR@10"] == pytest.approx(1 / hits[0] if hits and hits[0] <= 10 else 0.0, abs=1e-12)
    precision = sum(i / n for i, n in enumerate(hits, start=1))
    assert values["MAP@100"] == pytest.approx(precision / len(relevant), abs=1e-12)


def test_reciprocal_rank_is_cut_at_ten():
    """trec_eval takes `recip_rank_10` for the uncut measure; a hit at rank 11 must give 0."""
    run, qrels = run_with_gold_at(11)
    assert score_run(run, qrels, ["q"])[0, MEASURE_NAMES.index("MRR@10")] == 0


@pytest.mark.parametrize("cutoffs", [(), (1,), (3, 10, 50)])
def test_the_reciprocal_rank_may_have_any_number_of_cutoffs(cutoffs, monkeypatch):
    reciprocal = tuple(
        compute.RankMeasure(f"MRR@{cutoff}", compute.RECIPROCAL, cutoff, lambda rank: 1.0 / rank) for cutoff in cutoffs
    )
    others = tuple(measure for measure in MEASURES if measure.trec != compute.RECIPROCAL)
    monkeypatch.setattr(compute, "MEASURES", (*reciprocal, *others))
    for rank in (1, 3, 4, 10, 11, 50, 51):
        run, qrels = run_with_gold_at(rank)
        [scores] = score_run(run, qrels, ["q"])
        assert scores[: len(cutoffs)].tolist() == [1 / rank if rank <= cutoff else 0 for cutoff in cutoffs]
        assert np.abs(scores - score_ranks(np.array([rank]))[0]).max() < 1e-12


def test_a_query_without_ranking_scores_zero_and_counts():
    table = score_run({"a": {"p": 1.0}}, {"a": {"p": 1}, "b": {"p": 1}}, ["a", "b"])
    assert table.shape == (2, len(MEASURES))
    assert table[0].min() == 1 and table[1].max() == 0


def test_numpy_scalars_are_accepted_and_float32_ties_are_ties():
    run = {"q": {"a": np.float64(0.9), "b": np.float64(0.9 + 1e-10)}}  # equal as float32: id decides
    values = dict(zip(MEASURE_NAMES, score_run(run, {"q": {"a": 1}}, ["q"])[0], strict=True))
    assert values["MRR@10"] == 0.5


@pytest.mark.parametrize(
    ("run", "qrels", "message"),
    [
        ({"q": {"p": float("nan")}}, {"q": {"p": 1}}, "NaN"),
        ({"q": {"p": 1.0}}, {"q": {"p": 0}}, "no relevant"),
        ({"q": {"p": 1.0}}, {}, "no relevant"),
        ({"no_query": {"p": 1.0}}, {"no_query": {"p": 1}}, "trec_eval"),
    ],
)
def test_unscorable_input_is_refused(run, qrels, message):
    with pytest.raises(ScoringError, match=message):
        score_run(run, qrels, [next(iter(qrels), "q")])


def test_the_largest_difference_is_found_and_rounding_is_none():
    scores = np.zeros((3, 2))
    assert find_difference(scores, scores + 1e-12) is None and find_difference(scores[:0], scores[:0]) is None
    other = scores.copy()
    other[0, 1], other[2, 0] = 0.1, -0.2
    assert find_difference(scores, other) == (2, 0)
