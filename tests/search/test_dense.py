"""Ranks, rankings and ranks of several passages of one pool of vectors agree, with adjusted vectors too."""

from collections.abc import Callable

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder

from clearbench.common.errors import SearchError
from clearbench.common.languages import parse_language
from clearbench.encoders.function import FunctionEncoder
from clearbench.encoders.vectors.store import EmbeddingStore
from clearbench.search.dense import DenseEngine
from clearbench.tasks.dataset import Dataset, Texts


@pytest.fixture
def engine() -> DenseEngine:
    """An engine whose few dimensions make near ties."""
    data = parallel_set(size=40)
    engine = DenseEngine(HashEncoder(dimension=2), EmbeddingStore(None))
    engine.prepare(engine.plan([data]))
    return engine


@pytest.mark.parametrize("depth", [3, 40])
def test_all_ways_through_a_pool_agree(engine: DenseEngine, depth: int) -> None:
    data = parallel_set(size=40)
    pool = engine.open(data.pools["en"])
    sets = [data.queries["de"], data.queries["en"]]
    for queries, ranked in zip(sets, pool.rank(sets, depth), strict=True):
        gold = np.arange(len(queries)) % 40
        ranks, _ = pool.gold_ranks(queries, gold)
        several, _ = pool.relevant_ranks(queries, np.stack([gold, gold], axis=1))
        assert (several == ranks[:, None]).all()
        for rank, place, positions in zip(ranks, gold, ranked.positions, strict=True):
            assert (rank <= depth) == (place in positions)
            assert rank > depth or positions[rank - 1] == place


def test_no_query_set_gives_no_ranking_and_a_set_is_fetched_once(engine: DenseEngine) -> None:
    data = parallel_set(size=40)
    assert engine.open(data.pools["en"]).rank([], 5) == []
    assert engine.query_vectors(data.queries["de"]) is engine.query_vectors(data.queries["de"])


def test_equal_texts_share_their_score(engine: DenseEngine) -> None:
    data = parallel_set(size=40)
    [text, *_] = data.pools["en"].texts
    twins = Texts(parse_language("en"), ("a", "b", "c"), (text, text, text))
    pool = engine.open(twins)
    assert pool.passages.num_distinct == 1
    assert pool.gold_ranks(data.queries["de"], np.arange(80) % 3)[0].tolist() == [3 - n % 3 for n in range(80)]


def given_engine(vectors: np.ndarray) -> tuple[DenseEngine, Dataset]:
    """An engine whose encoder gives the rows of an array by turns."""
    data = parallel_set(size=8)

    def encode(texts: list[str], role: str) -> np.ndarray:
        return np.resize(vectors, (len(texts), vectors.shape[1]))

    engine = DenseEngine(FunctionEncoder("given", encode, "given", True), EmbeddingStore(None))
    engine.prepare(engine.plan([data]))
    return engine, data


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_passages_that_all_have_one_vector_are_noted(value: float) -> None:
    engine, data = given_engine(np.full((1, 4), value, dtype=np.float32))
    [note] = engine.open(data.pools["en"]).oddities
    assert note.startswith("en: all 8 passages have the same vector, so nothing but their ids decides")


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_queries_that_all_have_one_vector_are_noted(value: float) -> None:
    engine, data = given_engine(np.full((1, 4), value, dtype=np.float32))
    queries = data.queries["de"]
    [note] = engine.open(data.pools["en"]).query_oddities(queries)
    assert note.startswith(f"de: all {len(queries)} queries have the same vector, so all have the same ranking.")


def test_other_pools_have_nothing_odd(engine: DenseEngine) -> None:
    data = parallel_set(size=40)
    pool = engine.open(data.pools["en"])
    assert pool.oddities == pool.query_oddities(data.queries["de"]) == ()
    same = Texts(parse_language("de"), ("q", "r"), (data.queries["de"].texts[0],) * 2)
    assert pool.query_oddities(same) == ()
    one = Texts(parse_language("en"), ("p",), (data.pools["en"].texts[0],))
    assert engine.open(one).oddities == ()


SIGNS = np.array([[1, 1], [1, -1], [-1, 1]], dtype=np.float32)


def ways_to_search(vectors: np.ndarray) -> tuple[Callable[[], object], ...]:
    """The three searches that a pool of these vectors offers."""
    engine, data = given_engine(vectors)
    pool, queries = engine.open(data.pools["en"]), data.queries["de"]
    gold = np.arange(8)
    return (
        lambda: pool.rank([queries], 3)[0].positions,
        lambda: pool.gold_ranks(queries, gold),
        lambda: pool.relevant_ranks(queries, np.stack([gold, gold], axis=1)),
    )


@pytest.mark.parametrize("value", [1e30, 3e38])
def test_scores_that_overflow_are_one_error_without_a_warning_of_numpy(value: float) -> None:
    for search in ways_to_search(np.float32(value) * SIGNS):
        with pytest.raises(
            SearchError, match=r"are NaN or infinite.* too large for an inner product.* Scale them down"
        ):
            search()


@pytest.mark.parametrize("value", [1e-30, 5e-20, 1e-45])
def test_scores_that_underflow_are_an_error(value: float) -> None:
    for search in ways_to_search(np.float32(value) * SIGNS):
        with pytest.raises(
            SearchError, match=r"All scores of \d+ quer.* too small for an inner product.* Scale them up"
        ):
            search()


def test_short_vectors_are_ranked_as_long_ones_are() -> None:
    for short, long in zip(ways_to_search(np.float32(2.0**-62) * SIGNS), ways_to_search(SIGNS), strict=True):
        np.testing.assert_array_equal(short(), long())


def test_vectors_of_zeros_are_no_underflow() -> None:
    for search in ways_to_search(np.array([[0, 0], [1, 1]])):
        search()
