"""The judge of bitext mining: trec_eval's measures as by qrels, and f1 as scikit-learn computes it."""

from dataclasses import replace

import numpy as np
import pytest
from builders.datasets import parallel_set
from builders.encoders import HashEncoder
from builders.search import open_pool
from hypothesis import given
from hypothesis import strategies as st

from clearbench.common.errors import ScoringError
from clearbench.common.measures import RULES
from clearbench.encoders.bm25 import BM25
from clearbench.scoring.bitext import BitextJudge, class_f1
from clearbench.scoring.qrels import QrelsJudge
from clearbench.tasks.dataset import Texts


def weighted_f1(gold: list[int], predicted: list[int]) -> float:
    metrics = pytest.importorskip("sklearn.metrics")
    return float(metrics.f1_score(gold, predicted, average="weighted", zero_division=0))


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30), st.booleans())
def test_the_mean_of_class_f1_is_scikit_learns_weighted_f1(rows, one_query_a_class):
    predicted = [first for _, first in rows]
    gold = list(range(len(rows))) if one_query_a_class else [true for true, _ in rows]
    size = max(len(rows), 7)
    values = class_f1(np.array(predicted), np.array(gold), size)
    assert values.mean() == pytest.approx(weighted_f1(gold, predicted), abs=1e-12)
    if one_query_a_class:
        expected = [
            2 / (1 + predicted.count(true)) if true == first else 0 for true, first in zip(gold, predicted, strict=True)
        ]
        assert values.tolist() == expected


@pytest.mark.parametrize("rankings", [False, True])
@pytest.mark.parametrize("lexical", [False, True])
def test_a_query_has_an_f1_where_its_passage_comes_first_and_all_else_is_as_by_qrels(rankings, lexical):
    data = translations(size=30)
    encoder = BM25 if lexical else HashEncoder(dimension=3)
    pool = open_pool(data, "de", encoder)
    pairs = [pair for pair in data.pairs if pair.pool == "de"]
    plain = list(QrelsJudge(data).score(pool, pairs))
    judge = BitextJudge(data)
    for scored, same in zip(judge.score(pool, pairs, rankings), plain, strict=True):
        assert scored.measures == RULES["bitext"].measures and scored.measures[:-1] == same.measures
        assert scored.scores[:, :-1].tolist() == same.scores.tolist()
        first = scored.scores[:, scored.measures.index("success@1")]
        assert ((scored.scores[:, -1] > 0) == (first > 0)).all() and (scored.ranked is not None) == rankings
        [top] = pool.rank([data.queries_of(scored.pair)], 1)
        gold = [pool.passages.ids.index(passage) for passage in gold_of(data, scored)]
        assert scored.scores[:, -1].mean() == pytest.approx(weighted_f1(gold, top.positions[:, 0].tolist()))
        if rankings:
            judge.verify(pool, scored)


def test_verifying_catches_a_wrong_rank():
    data = translations(size=6)
    judge = BitextJudge(data)
    pool = open_pool(data, "de")
    [scored, *_] = judge.score(pool, [pair for pair in data.pairs if pair.pool == "de"], rankings=True)
    with pytest.raises(ScoringError, match="pytrec_eval says"):
        judge.verify(pool, replace(scored, scores=1 - scored.scores))


def test_several_relevant_passages_are_an_error():
    data = translations(size=6)
    query = next(iter(data.qrels["all"]))
    several = {**data.qrels["all"], query: {"p1": 1, "p2": 1}}
    judge = BitextJudge(replace(data, qrels={"all": several}))
    with pytest.raises(ScoringError, match='a query has several judged passages; judged_by = "bitext" expects one'):
        list(judge.score(open_pool(data, "de"), [pair for pair in data.pairs if pair.pool == "de"]))


def translations(size: int):
    """Return a parallel set judged as bitext, with the first question of each passage only."""
    data = parallel_set(("en", "de"), size=size)
    queries = {key: keep_first(texts) for key, texts in data.queries.items()}
    judged = {query: row for query, row in data.qrels["all"].items() if query.endswith("#1")}
    return replace(data, queries=queries, qrels={"all": judged}, judged_by="bitext")


def keep_first(texts: Texts) -> Texts:
    kept = [(key, text) for key, text in zip(texts.ids, texts.texts, strict=True) if key.endswith("#1")]
    return Texts(texts.language, tuple(key for key, _ in kept), tuple(text for _, text in kept))


def gold_of(data, scored):
    judged = data.qrels_of(scored.pair)
    return [next(iter(judged[query])) for query in scored.queries]
