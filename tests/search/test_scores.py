"""Scores are the exact inner product, rounded, whatever computes them; rough ones lie within their margins."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearbench.common.arrays import FloatArray
from clearbench.search import scores as scores_module
from clearbench.search.scores import InnerProducts, RowScores, measure_vectors, pair_scores, product_margins

finite = st.floats(-(2.0**60), 2.0**60, width=32)
coarse = st.sampled_from([0.0, 1.0, -1.0, 1 / 3, 3e-8, -3e-8, 1e-30, 1e15]).map(np.float32)


def literal(query: FloatArray, passage: FloatArray) -> np.float32:
    """The definition, in rational numbers."""
    exact = sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(query, passage, strict=True))
    return np.float32(float(exact))


@st.composite
def vectors(draw: st.DrawFn) -> tuple[FloatArray, FloatArray]:
    """Some queries and passages, [Q, D] and [U, D], whose products cancel, tie and nearly tie."""
    dimensions, value = draw(st.integers(1, 9)), draw(st.sampled_from([finite, coarse]))

    def some(most: int) -> FloatArray:
        row = st.lists(value, min_size=dimensions, max_size=dimensions)
        return np.array(draw(st.lists(row, min_size=1, max_size=most)), dtype=np.float32)

    return some(4), some(7)


@given(vectors())
@settings(max_examples=200)
def test_every_way_gives_the_exact_inner_product_rounded(given_vectors: tuple[FloatArray, FloatArray]) -> None:
    query_QD, passage_UD = given_vectors
    expected = [[literal(query, passage) for passage in passage_UD] for query in query_QD]
    scores = InnerProducts(measure_vectors(query_QD), measure_vectors(passage_UD))
    assert scores.exact_scores(0, len(query_QD)).tolist() == expected
    rows, columns = np.indices((len(query_QD), len(passage_UD)))
    pairs = pair_scores(query_QD, rows.ravel(), passage_UD, columns.ravel())
    assert np.array_equal(pairs.reshape(rows.shape), expected)


@given(vectors())
def test_rough_scores_are_within_their_margin(given_vectors: tuple[FloatArray, FloatArray]) -> None:
    query_QD, passage_UD = given_vectors
    scores = InnerProducts(measure_vectors(query_QD), measure_vectors(passage_UD))
    rough_QU, margin_Q = scores.rough_scores(0, len(query_QD))
    distance = np.abs(rough_QU.astype(np.float64) - scores.exact_scores(0, len(query_QD)))
    assert (distance <= margin_Q[:, None]).all()


def test_the_margin_covers_any_order_of_sums_and_is_not_idle() -> None:
    """Sums from the largest down are among the worst; a margin without the number of terms would not hold."""
    query = np.ones((1, 4096), dtype=np.float32)
    passage = np.full((1, 4096), 1e-8, dtype=np.float32)
    passage[0, 0] = 1.0
    [margin] = product_margins(measure_vectors(query).lengths, measure_vectors(passage))
    one_after_the_other = np.add.accumulate(query[0] * passage[0], dtype=np.float32)[-1]
    distance = abs(float(one_after_the_other) - float(pair_scores(query, np.array([0]), passage, np.array([0]))[0]))
    assert 2.0**-24 * 64 < distance <= margin


@pytest.mark.parametrize("dense", [0.0, 1.0])
def test_only_what_is_in_doubt_is_settled(monkeypatch: pytest.MonkeyPatch, dense: float) -> None:
    rng = np.random.default_rng(1)
    query_QD, passage_UD = rng.standard_normal((9, 5), np.float32), rng.standard_normal((11, 5), np.float32)
    scores = InnerProducts(measure_vectors(query_QD), measure_vectors(passage_UD))
    monkeypatch.setattr(scores_module, "DENSE", dense)
    monkeypatch.setattr(scores_module, "PRODUCTS_AT_ONCE", 10)
    rows, doubt = np.array([7, 2]), rng.random((2, 11)) < 0.5
    found = np.zeros((2, 11), dtype=np.float32)
    scores.settle(rows, found, doubt)
    assert found.tolist() == np.where(doubt, scores.exact_scores(0, 9)[rows], 0.0).tolist()


def test_scores_without_vectors_are_exact_as_they_are() -> None:
    table = np.array([[1.0, 2.0], [3.0, 3.0]], dtype=np.float32)
    scores = RowScores(lambda start, stop: table[start:stop])
    rough, margins = scores.rough_scores(0, 2)
    assert (rough == table).all() and (scores.exact_scores(1, 2) == table[1:]).all() and not margins.any()
    scores.settle(np.array([0, 1]), rough, np.ones((2, 2), dtype=bool))
    assert (rough == [[1.0, 2.0], [3.0, 3.0]]).all()


def test_no_score_is_minus_zero_and_too_large_ones_are_infinite() -> None:
    zero = np.array([[-0.0, 0.0]], dtype=np.float32)
    large = np.array([[3e38, 3e38]], dtype=np.float32)
    none = np.array([0])
    assert not np.signbit(pair_scores(zero, none, np.abs(zero) + 1, none)).any()
    assert np.isinf(pair_scores(large, none, large, none)).all()
    assert np.isnan(pair_scores(zero * np.nan, none, large, none)).all()
