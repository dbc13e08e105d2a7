"""A dataset's parts by key, and fingerprints that see all that decides a score and nothing else."""

from dataclasses import replace

import pytest
from builders.datasets import pair_named, parallel_set

from clearbench.common.errors import DataError
from clearbench.common.languages import MULTIPLE, parse_language
from clearbench.tasks.dataset import Texts, hash_qrels

GERMAN, ENGLISH = parse_language("de"), parse_language("en")
DATA = parallel_set(("en", "de", "sw"), judged_by="qrels", answers={"p0#1": ("yes", "no")})
PAIR = pair_named(DATA, "de-en")


def test_texts_need_an_id_and_where_they_differ_a_language_each():
    with pytest.raises(DataError, match="2 ids for 1 texts"):
        Texts(GERMAN, ("a", "b"), ("x",))
    with pytest.raises(DataError, match="1 languages for 2 texts"):
        Texts(MULTIPLE, ("a", "b"), ("x", "y"), (GERMAN,))


def test_the_fingerprint_of_texts_sees_language_ids_texts_and_order():
    texts = Texts(GERMAN, ("a", "b"), ("x", "y"))
    others = [
        Texts(ENGLISH, ("a", "b"), ("x", "y")),
        Texts(GERMAN, ("a", "c"), ("x", "y")),
        Texts(GERMAN, ("a", "b"), ("x", "z")),
        Texts(GERMAN, ("b", "a"), ("y", "x")),
        Texts(GERMAN, ("a", "b"), ("x", "y"), (GERMAN, ENGLISH)),
        Texts(GERMAN, ("ab",), ("xy",)),
    ]
    assert len({one.fingerprint for one in (texts, *others)}) == 7
    assert texts.each_language == (GERMAN, GERMAN) and others[4].each_language == (GERMAN, ENGLISH)


def test_a_pair_s_fingerprint_changes_with_all_that_decides_its_score():
    queries, pool = DATA.queries_of(PAIR), DATA.passages_of(PAIR)
    other_query = replace(queries, texts=("other", *queries.texts[1:]))
    other_passage = replace(pool, texts=("other", *pool.texts[1:]))
    changed = [
        replace(DATA, queries={**DATA.queries, PAIR.queries: other_query}),
        replace(DATA, pools={**DATA.pools, PAIR.pool: other_passage}),
        replace(DATA, qrels={**DATA.qrels, PAIR.qrels: {**DATA.qrels_of(PAIR), "p0#1": {"p1": 1}}}),
        replace(DATA, answers={"p0#1": ("yes",)}),
        replace(DATA, own_passages={PAIR.queries: {"p0#1": "p0"}}),
    ]
    prints = [data.pair_fingerprint(PAIR) for data in (DATA, *changed)]
    assert len(set(prints)) == len(prints)


def test_a_pair_s_fingerprint_does_not_change_with_the_rest_of_the_task():
    other = replace(DATA, task="other", version=2, notes=("odd",), clusters={}).select([PAIR])
    assert other.pair_fingerprint(PAIR) == DATA.pair_fingerprint(PAIR)
    reordered = {query: DATA.qrels_of(PAIR)[query] for query in reversed(list(DATA.qrels_of(PAIR)))}
    assert hash_qrels(reordered) == hash_qrels(DATA.qrels_of(PAIR))


def test_some_pairs_keep_only_the_parts_that_they_use():
    kept = DATA.select([PAIR])
    assert (list(kept.queries), list(kept.pools), list(kept.qrels)) == (["de"], ["en"], ["all"])
    assert kept.queries_of(PAIR) is DATA.queries_of(PAIR) and kept.passages_of(PAIR) is DATA.passages_of(PAIR)


def test_parts_that_pairs_share_are_used_once_in_the_order_of_the_pairs():
    data = DATA.select([pair_named(DATA, name) for name in ("sw-de", "de-de", "sw-en")])
    assert [str(pool.language) for pool in data.used_pools()] == ["de", "en"]
    assert [str(queries.language) for queries in data.used_queries()] == ["sw", "de"]


def test_a_pool_is_mixed_where_its_texts_name_languages():
    assert not DATA.is_mixed and DATA.pool_languages == ()
    pool = Texts(MULTIPLE, ("a", "b"), ("x", "y"), (GERMAN, ENGLISH))
    assert replace(DATA, pools={"all": pool}).pool_languages == ("de", "en")
