"""The judge by qrels: the rank of the only relevant passage gives what whole rankings give."""

from dataclasses import replace

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.search import open_pool
from builders.values import require
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import DataError, ScoringError
from clearbench.common.languages import ENGLISH
from clearbench.encoders.bm25 import BM25
from clearbench.scoring import qrels
from clearbench.scoring.compute import score_ranks, score_run
from clearbench.scoring.qrels import QrelsJudge, make_run
from clearbench.tasks.dataset import Dataset, TaskPair, Texts


def of_pool(data: Dataset, key: str):
    return [pair for pair in data.pairs if pair.pool == key]


@given(st.integers(0, 10_000), st.booleans())
def test_ranks_of_only_relevant_passages_give_what_rankings_give(seed, lexical):
    data = parallel_set(("en", "de"), size=12)
    encoder = BM25 if lexical else HashEncoder(dimension=3, salt=str(seed))  # BM25 ties most passages at 0
    pool = open_pool(data, "de", encoder)
    # A passage judged 0 changes no score, but lets no query have a single judgement.
    judged = {query: {**row, "p11": row.get("p11", 0)} for query, row in data.qrels["all"].items()}
    fast = list(QrelsJudge(data).score(pool, of_pool(data, "de")))
    slow = list(QrelsJudge(replace(data, qrels={"all": judged})).score(pool, of_pool(data, "de")))
    assert [str(one.pair) for one in fast] == [str(one.pair) for one in slow] == ["en-de", "de-de"]
    assert any(one.ranked is not None for one in slow) and all(one.ranked is None for one in fast)
    for one, other in zip(fast, slow, strict=True):
        assert one.queries == other.queries and one.skipped == other.skipped == ()
        assert np.abs(one.scores - other.scores).max() < 1e-12


def test_rankings_that_are_asked_for_belong_to_their_pairs():
    data = parallel_set(("en", "de", "sw"), size=8)
    pool = open_pool(data, "en")
    together = list(QrelsJudge(data).score(pool, of_pool(data, "en"), rankings=True))
    for one in together:
        [alone] = QrelsJudge(data).score(pool, [one.pair], rankings=True)
        assert one.ranked is not None and alone.ranked is not None
        assert one.ranked.positions.tolist() == alone.ranked.positions.tolist()


def test_queries_without_a_relevant_passage_are_skipped_and_counted():
    data = parallel_set(("en",), size=4)
    qrels = {**data.qrels["all"], "p0#1": {"p1": 0}}
    [scored] = QrelsJudge(replace(data, qrels={"all": qrels})).score(open_pool(data, "en"), data.pairs)
    assert scored.skipped == ("p0#1",) and len(scored.queries) == 7


def test_verifying_passes_and_catches_a_wrong_rank(monkeypatch):
    data = parallel_set(("en",), size=6)
    pool, judge = open_pool(data, "en"), QrelsJudge(data)
    [scored] = judge.score(pool, data.pairs, rankings=True)
    judge.verify(pool, scored)
    monkeypatch.setattr(qrels, "score_ranks", lambda ranks: score_ranks(ranks + 1))
    [wrong] = judge.score(pool, data.pairs, rankings=True)
    with pytest.raises(ScoringError, match=r"toy en-en: nDCG@1 of query .* pytrec_eval says"):
        judge.verify(pool, wrong)


def test_a_judged_passage_that_the_pool_lacks_is_named_with_its_pair():
    data = parallel_set(("en",), size=4)
    lost = replace(data, qrels={"all": {**data.qrels["all"], "p0#1": {"elsewhere": 1}}})
    with pytest.raises(DataError, match=r"toy en-en: 1 judged passages .* 'elsewhere'.*clearbench tasks check toy"):
        list(QrelsJudge(lost).score(open_pool(data, "en"), data.pairs))


def self_set(size: int) -> Dataset:
    """Every passage is a query too, under the same id and relevant to its neighbour; one query is no passage."""
    ids = tuple(f"d{number}" for number in range(size))
    texts = tuple(f"sentence {number} of topic{number // 2}" for number in range(size))
    pool, queries = Texts(ENGLISH, ids, texts), Texts(ENGLISH, (*ids, "q"), (*texts, "another topic0"))
    judged = {key: {ids[(place + 1) % size]: 1, ids[(place + 3) % size]: 0} for place, key in enumerate(queries.ids)}
    pair = TaskPair(ENGLISH, ENGLISH, "en", "en", "en")
    return Dataset("self", 1, {"en": pool}, {"en": queries}, {"en": judged}, (pair,))


@pytest.mark.parametrize("size", [8, 101, 150])
@pytest.mark.parametrize("gold_passages", [True, False])
@pytest.mark.parametrize("encoder", [BM25, HashEncoder(dimension=3)])
def test_a_ranking_without_the_query_itself_is_that_of_a_pool_without_it(size, gold_passages, encoder):
    data = self_set(size)
    if gold_passages:
        gold = {query: {key: 1 for key, value in row.items() if value} for query, row in data.qrels["en"].items()}
        data = replace(data, qrels={"en": gold})
    own = {key: key for key in data.pools["en"].ids}
    pool = open_pool(data, "en", encoder)
    [skipping] = QrelsJudge(replace(data, own_passages={"en": own})).score(pool, data.pairs, rankings=True)
    [whole] = pool.rank([data.queries["en"]], size)
    run = {
        query: {key: score for key, score in row.items() if key != own.get(query)}
        for query, row in make_run(data.queries["en"].ids, whole, pool).items()
    }
    assert np.abs(skipping.scores - score_run(run, data.qrels["en"], skipping.queries)).max() < 1e-12
    [plain] = QrelsJudge(data).score(pool, data.pairs)
    assert np.abs(skipping.scores - plain.scores).max() > 0.1, "otherwise the query itself is not ranked high"
    ranked = require(skipping.ranked)
    first = [pool.passages.ids[place] for place in ranked.positions[:, 0]]
    assert not any(own.get(query) == best for query, best in zip(skipping.queries, first, strict=True))
    assert (np.diff(ranked.scores, axis=1) <= 0).all()
