"""Every way to search gives the ranks of a literal brute force, whatever the blocks, threads and near ties."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from clearbench.common.arrays import FloatArray, IntArray
from clearbench.common.errors import SearchError
from clearbench.search import exact
from clearbench.search import scores as scores_module
from clearbench.search.pool import Pool, Rankings, make_pool
from clearbench.search.scores import InnerProducts, RowScores, Vectors, measure_vectors


@dataclass(frozen=True)
class Case:
    """Vectors of queries and of the distinct texts of a pool, with a relevant passage per query."""

    queries: Vectors
    passages: Vectors
    pool: Pool
    gold: IntArray

    @property
    def scores(self) -> InnerProducts:
        return InnerProducts(self.queries, self.passages)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Few distinct values, duplicates, values that differ by rounding only, and texts with equal vectors."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dimensions, num_passages = draw(st.integers(1, 24)), draw(st.integers(1, 40))
    levels = draw(st.integers(1, 5))

    def some(count: int) -> FloatArray:
        values = rng.integers(-levels, levels + 1, (count, dimensions)).astype(np.float32)
        values[:, 0] += 1e-3  # no vector of zeros
        if draw(st.booleans()):
            values /= np.linalg.norm(values, axis=1, keepdims=True)
        if draw(st.booleans()):
            values *= 1 + rng.integers(-1, 2, values.shape).astype(np.float32) * np.float32(2.0**-23)
        return values

    keys = [bytes([n]) for n in rng.integers(0, draw(st.sampled_from([5, 250])), num_passages)]
    pool, first = make_pool([f"p{n:02d}" for n in rng.permutation(num_passages)], keys)
    distinct = some(len(first))
    copied = rng.integers(0, len(first), len(first))
    passages = np.where(rng.random(len(first))[:, None] < 0.3, distinct[copied], distinct)
    num_queries = draw(st.integers(1, 6))
    gold = rng.integers(0, num_passages, num_queries)
    return Case(measure_vectors(some(num_queries)), measure_vectors(passages), pool, gold)


def literal_order(case: Case, query: int) -> tuple[list[int], list[np.float32]]:
    """The whole pool by exact scores, rounded, then by id, both descending."""
    products = [
        sum((Fraction(float(a)) * Fraction(float(b)) for a, b in zip(row, case.queries.values[query], strict=True)))
        for row in case.passages.values
    ]
    score_P = [np.float32(float(products[text])) for text in case.pool.distinct]
    order = sorted(range(len(score_P)), key=lambda place: (score_P[place], case.pool.ids[place]), reverse=True)
    return order, [score_P[place] for place in order]


@given(cases(), st.integers(1, 70), st.sampled_from([1, 7, 1_000_000]), st.sampled_from([0, 2, 28]))
@settings(max_examples=80)
def test_every_way_gives_the_order_of_a_literal_brute_force(case: Case, depth: int, block: int, spare: int) -> None:
    num_queries = len(case.gold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "BLOCK_SCORES", block)
        patch.setattr(exact, "BLOCK_QUERIES", 1)
        patch.setattr(exact, "SPARE", spare)
        patch.setattr(exact, "MOST_SCORES", 100 * block)
        patch.setattr(scores_module, "DOUBLES_AT_ONCE", 100 * block)
        ranks, firsts = exact.gold_ranks_by_blocks(case.scores, case.gold, case.pool)
        several, _ = exact.relevant_ranks_by_blocks(case.scores, case.gold[:, None], case.pool)
        by_faiss = exact.rank_by_faiss(case.queries, case.passages, case.pool, depth)
        by_rows = exact.rank_by_rows(case.scores, num_queries, case.pool, depth)
    for query in range(num_queries):
        order, scores = literal_order(case, query)
        assert ranks[query] == several[query, 0] == order.index(case.gold[query]) + 1
        assert firsts[query] == order[0]
        for ranked in (by_faiss, by_rows):
            assert ranked.positions[query].tolist() == order[:depth]
            assert ranked.scores[query].tolist() == scores[:depth]


def near_ties(num_queries: int, num_passages: int, dimensions: int) -> Case:
    """Passages that differ by less than a float32 product's error."""
    rng = np.random.default_rng(5)
    base = rng.standard_normal(dimensions, dtype=np.float32)
    noise = rng.standard_normal((num_passages, dimensions), dtype=np.float32) * np.float32(1e-7)
    passages = base + noise
    queries = base + rng.standard_normal((num_queries, dimensions), dtype=np.float32)
    pool, _ = make_pool([f"p{n:04d}" for n in range(num_passages)], [bytes([n]) for n in range(num_passages)])
    return Case(measure_vectors(queries), measure_vectors(passages), pool, rng.integers(0, num_passages, num_queries))


def test_threads_and_blocks_decide_no_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    case = near_ties(300, 200, 384)
    found = []
    for threads, block in ((1, 1_000_000), (2, 1_000_000), (2, 400)):
        monkeypatch.setattr(exact, "BLOCK_SCORES", block)
        monkeypatch.setattr(exact, "BLOCK_QUERIES", 1)
        with threadpool_limits(threads):
            ranks, firsts = exact.gold_ranks_by_blocks(case.scores, case.gold, case.pool)
            tops = [search(case, 200) for search in (_rows, _faiss)]
        found.append(ranks.tolist())
        for top in tops:
            places = np.argmax(top.positions == case.gold[:, None], axis=1) + 1
            assert places.tolist() == ranks.tolist()
            assert firsts.tolist() == top.positions[:, 0].tolist()
    assert found[0] == found[1] == found[2]


def test_products_alone_would_depend_on_blocks_in_the_test_above() -> None:
    case = near_ties(300, 200, 384)
    whole = case.queries.values @ case.passages.values.T
    single = np.stack([case.passages.values @ query for query in case.queries.values])
    assert not np.array_equal(np.argsort(whole, axis=1), np.argsort(single, axis=1))


def _rows(case: Case, depth: int) -> Rankings:
    return exact.rank_by_rows(case.scores, len(case.gold), case.pool, depth)


def _faiss(case: Case, depth: int) -> Rankings:
    return exact.rank_by_faiss(case.queries, case.passages, case.pool, depth)


def test_faiss_alone_breaks_ties_by_position() -> None:
    """The repair is needed: ties at the cut are broken by id."""
    import faiss

    passages = np.ones((10, 2), dtype=np.float32)
    query = np.ones((1, 2), dtype=np.float32)
    _, found = faiss.knn(query, passages, 3, metric=faiss.METRIC_INNER_PRODUCT)
    pool, _ = make_pool([f"p{n}" for n in range(10)], [bytes([n]) for n in range(10)])
    ranked = exact.rank_by_faiss(measure_vectors(query), measure_vectors(passages), pool, 3)
    assert [pool.ids[p] for p in ranked.positions[0]] == ["p9", "p8", "p7"]
    assert set(found[0].tolist()) != {9, 8, 7}


def test_a_large_pool_is_searched_by_faiss_and_a_small_one_by_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    case = near_ties(4, 40, 3)
    called = []
    for name in ("rank_by_faiss", "rank_by_rows"):
        monkeypatch.setattr(exact, name, lambda *arguments, name=name: called.append(name))
    exact.rank_by_vectors(case.queries, case.passages, case.pool, 4)
    exact.rank_by_vectors(case.queries, case.passages, case.pool, 3)
    assert called == ["rank_by_rows", "rank_by_faiss"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    pool, _ = make_pool(["a", "b"], [b"1", b"2"])
    passages = measure_vectors(np.array([[1.0, 0.0], [bad, 1.0]], dtype=np.float32))
    query = measure_vectors(np.ones((1, 2), dtype=np.float32))
    scores = InnerProducts(query, passages)
    with pytest.raises(SearchError, match="NaN or infinite"):
        exact.gold_ranks_by_blocks(scores, np.array([0]), pool)
    with pytest.raises(SearchError, match="NaN or infinite"):
        exact.rank_by_faiss(query, passages, pool, 2)
    with pytest.raises(SearchError, match="NaN or infinite"):
        exact.rank_by_rows(scores, 1, pool, 2)


def test_relevant_ranks_do_not_depend_on_blocks_and_refuse_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    pool, _ = make_pool([f"p{i}" for i in range(40)], [bytes([i % 30]) for i in range(40)])
    table = rng.integers(0, 9, (23, 30)).astype(np.float32)
    scores = RowScores(lambda start, stop: table[start:stop])
    gold_QG = rng.integers(-1, 40, (23, 4))
    whole = exact.relevant_ranks_by_blocks(scores, gold_QG, pool)
    monkeypatch.setattr(exact, "BLOCK_SCORES", 40)
    monkeypatch.setattr(exact, "BLOCK_QUERIES", 1)
    small = exact.relevant_ranks_by_blocks(scores, gold_QG, pool)
    assert np.array_equal(whole[0], small[0]) and np.array_equal(whole[1], small[1], equal_nan=True)
    table[5, 3] = np.nan
    with pytest.raises(SearchError, match=r"^1 scores are NaN"):
        exact.relevant_ranks_by_blocks(scores, gold_QG, pool)
