"""Ranks and orders equal trec_eval's, ties included."""

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import SearchError
from clearbench.search.pool import gold_ranks_of_block, make_pool, order_scores, relevant_ranks_of_query

coarse = st.integers(0, 3).map(lambda n: np.float32(n) / 4)  # few values: many ties


@st.composite
def scored_pools(draw):
    num_passages = draw(st.integers(1, 12))
    ids = draw(
        st.lists(st.text("ab1é", min_size=1, max_size=3), min_size=num_passages, max_size=num_passages, unique=True)
    )
    keys = draw(st.lists(st.integers(0, 5).map(lambda n: bytes([n])), min_size=num_passages, max_size=num_passages))
    pool, first = make_pool(ids, keys)
    num_queries = draw(st.integers(1, 4))
    rows = draw(
        st.lists(st.lists(coarse, min_size=len(first), max_size=len(first)), min_size=num_queries, max_size=num_queries)
    )
    gold = draw(st.lists(st.integers(0, num_passages - 1), min_size=num_queries, max_size=num_queries))
    return pool, np.array(rows, dtype=np.float32), np.array(gold)


def trec_rank(ids, scores, gold):
    """Rank of the gold passage by pytrec_eval: 1 / reciprocal rank."""
    run = {"q": {key: float(score) for key, score in zip(ids, scores, strict=True)}}
    result = pytrec_eval.RelevanceEvaluator({"q": {ids[gold]: 1}}, {"recip_rank"}).evaluate(run)
    return round(1 / result["q"]["recip_rank"])


@given(scored_pools())
def test_gold_ranks_are_trec_evals_ranks(case):
    pool, score_QU, gold_Q = case
    ranks = gold_ranks_of_block(score_QU, gold_Q, pool)
    expected = [trec_rank(pool.ids, row[pool.distinct], gold) for row, gold in zip(score_QU, gold_Q, strict=True)]
    assert ranks.tolist() == expected


def test_the_check_above_would_notice_ties_by_ascending_id():
    pool, _ = make_pool(["a", "b"], [b"1", b"2"])
    tied = np.array([[0.5, 0.5]], dtype=np.float32)
    assert gold_ranks_of_block(tied, np.array([0]), pool).tolist() == [2] == [trec_rank(pool.ids, tied[0], 0)]


@given(scored_pools(), st.integers(1, 14))
def test_order_is_score_then_id_descending(case, depth):
    pool, score_QU, _ = case
    ranked = order_scores(score_QU, pool, depth)
    for row, positions in zip(score_QU, ranked.positions, strict=True):
        pairs = sorted(((row[pool.distinct[p]], key) for p, key in enumerate(pool.ids)), reverse=True)
        assert [pool.ids[p] for p in positions] == [key for _, key in pairs[:depth]]


def test_an_empty_pool_is_refused():
    with pytest.raises(SearchError, match="empty"):
        make_pool([], [])


@given(scored_pools(), st.data())
def test_ranks_of_several_relevant_passages_are_each_ones_rank_and_ties_share_the_middle(case, data):
    pool, score_QU, _ = case
    places = st.lists(st.integers(-1, len(pool.ids) - 1), min_size=3, max_size=3)
    gold_QG = np.array(data.draw(st.lists(places, min_size=len(score_QU), max_size=len(score_QU))), dtype=np.int64)
    for score_U, gold_G in zip(score_QU, gold_QG, strict=True):
        rank, middle = relevant_ranks_of_query(score_U, gold_G, pool)
        score_P = score_U[pool.distinct]
        order = sorted(range(len(pool.ids)), key=lambda p: (score_P[p], pool.ids[p]), reverse=True)
        for gold, one, mean in zip(gold_G, rank, middle, strict=True):
            if gold < 0:
                assert one == 0 and np.isnan(mean)
            else:
                assert one == gold_ranks_of_block(score_U[None], np.array([gold]), pool)[0] == order.index(gold) + 1
                tied = [order.index(p) + 1 for p in range(len(order)) if score_P[p] == score_P[gold]]
                assert mean == np.mean(tied)
