"""BM25 as an engine: nothing to encode, equal texts counted once, ranks and rankings agree."""

import numpy as np
import pytest
from builders.datasets import parallel_set

from clearbench.common.languages import parse_language
from clearbench.encoders.bm25 import BM25
from clearbench.search import exact
from clearbench.search.lexical import LexicalEngine
from clearbench.tasks.dataset import Texts

ENGLISH = parse_language("en")


def test_there_is_nothing_to_encode() -> None:
    engine, data = LexicalEngine(BM25), parallel_set()
    work = engine.plan([data])
    assert work.plan.texts == () and work.num_missing == 0
    assert engine.prepare(work).num_encoded == 0


def test_ranks_and_rankings_agree_also_among_passages_without_a_word_of_the_query() -> None:
    data = parallel_set(size=30)
    pool = LexicalEngine(BM25).open(data.pools["en"])
    queries = data.queries["de"]
    [ranked] = pool.rank([queries], 30)
    gold = np.arange(len(queries)) % 30
    places = np.argmax(ranked.positions == gold[:, None], axis=1) + 1
    assert pool.gold_ranks(queries, gold)[0].tolist() == places.tolist()
    assert pool.relevant_ranks(queries, gold[:, None])[0][:, 0].tolist() == places.tolist()


def test_a_passage_that_stands_twice_counts_once_in_document_frequencies() -> None:
    texts = ("rare word", "common word", "common thing")
    once = Texts(ENGLISH, ("a", "b", "c"), texts)
    twice = Texts(ENGLISH, ("a", "b", "c", "d"), (*texts, texts[0]))
    queries = Texts(ENGLISH, ("q",), ("rare common",))
    [plain], [doubled] = (LexicalEngine(BM25).open(passages).rank([queries], 4) for passages in (once, twice))
    assert plain.scores[0, 0] == doubled.scores[0, 0] == doubled.scores[0, 1]
    assert doubled.positions[0, :2].tolist() == [3, 0]


def test_no_score_depends_on_blocks_or_on_the_other_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    data = parallel_set(size=30)
    pool, queries = LexicalEngine(BM25).open(data.pools["en"]), data.queries["de"]
    [whole] = pool.rank([queries], 30)
    monkeypatch.setattr(exact, "BLOCK_SCORES", 60)
    monkeypatch.setattr(exact, "BLOCK_QUERIES", 1)
    [blocks] = pool.rank([queries], 30)
    assert np.array_equal(whole.scores, blocks.scores) and np.array_equal(whole.positions, blocks.positions)
