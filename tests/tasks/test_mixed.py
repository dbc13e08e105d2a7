"""A mixed pool: every passage once with its language, every translation relevant, and what cannot be mixed."""

from dataclasses import replace

import pytest
from builders.datasets import parallel_set

from clearbench.common.errors import DataError, UsageError
from clearbench.common.languages import MULTIPLE, parse_language
from clearbench.tasks.dataset import Texts
from clearbench.tasks.mixed import mix

EN, DE, SW = map(parse_language, ("en", "de", "sw"))


def test_pool_holds_every_passage_once_and_says_its_language():
    toy = parallel_set(("en", "de", "sw"), size=3)
    mixed = mix(toy)
    [pool] = mixed.pools.values()
    assert len(pool) == 9 and pool.language == MULTIPLE
    assert [f"{language}/p{i}" for language in ("en", "de", "sw") for i in range(3)] == list(pool.ids)
    assert pool.each_language == (EN,) * 3 + (DE,) * 3 + (SW,) * 3
    assert pool.texts[3] == toy.pools["de"].texts[0]


def test_queries_of_each_language_meet_it_once_and_every_translation_is_relevant():
    toy = parallel_set(("en", "de", "sw"), size=3)
    mixed = mix(toy)
    assert [str(pair) for pair in mixed.pairs] == ["en-mul", "de-mul", "sw-mul"]
    for pair, language in zip(mixed.pairs, ("en", "de", "sw"), strict=True):
        assert mixed.queries_of(pair).texts == toy.queries[language].texts
        assert mixed.qrels_of(pair)["p1#2"] == {"en/p1": 1, "de/p1": 1, "sw/p1": 1}
    assert len(mixed.qrels) == 1  # 122 languages share one set of judgements
    assert (mixed.clusters, mixed.main_measure, mixed.version) == (toy.clusters, "nDCG@10", 1)


def test_a_mixed_bitext_task_is_judged_by_qrels():
    bitext = parallel_set(("en", "de"), judged_by="bitext")
    assert bitext.judged_by == "bitext" and mix(bitext) == mix(parallel_set(("en", "de")))
    assert mix(bitext).judged_by == "qrels"
    with pytest.raises(UsageError, match="main measure f1 needs one relevant passage per query"):
        mix(replace(bitext, main_measure="f1"))


def test_it_is_another_measurement_than_the_task_and_than_a_pool_of_other_languages():
    toy = parallel_set(("en", "de", "sw"))
    assert mix(toy).label == "toy+pool=mixed"
    assert mix(replace(toy, options={"split": "x"})).label == "toy+pool=mixed+split=x"
    more, fewer = mix(toy), mix(parallel_set(("en", "de")))
    assert more.pair_fingerprint(more.pairs[0]) != fewer.pair_fingerprint(fewer.pairs[0])


def test_a_passage_relevant_in_one_query_language_is_relevant_in_all():
    toy = parallel_set(("en", "de"), size=2)
    monolingual = toy.select(pair for pair in toy.pairs if pair.languages.monolingual)
    assert mix(monolingual).qrels["mul"]["p0#1"] == {"en/p0": 1, "de/p0": 1}
    qrels = {**toy.qrels, "higher": {**toy.qrels["all"], "p0#1": {"p0": 3, "p1": 0}}}
    pairs = (replace(toy.pairs[0], qrels="higher"), *toy.pairs[1:])  # en-en; de-en says 1
    graded = replace(toy, qrels=qrels, pairs=pairs)
    assert mix(graded).qrels["mul"]["p0#1"] == {"en/p0": 3, "en/p1": 0, "de/p0": 1}


def test_queries_and_passages_of_several_files_of_a_language_are_united():
    toy = parallel_set(("en", "de"), size=3)
    pairs, pools, queries = [], {}, {}
    for number, pair in enumerate(toy.pairs):  # each pair has its own pool and queries, as in MLQA
        pool, asked, keep = toy.passages_of(pair), toy.queries_of(pair), slice(number % 2, number % 2 + 2)
        places = [place for place, key in enumerate(asked.ids) if key[:2] in pool.ids[keep]]
        name = str(pair)
        pools[name] = Texts(pool.language, pool.ids[keep], pool.texts[keep])
        queries[name] = Texts(
            asked.language, tuple(asked.ids[place] for place in places), tuple(asked.texts[place] for place in places)
        )
        pairs.append(replace(pair, pool=name, queries=name))
    mixed = mix(replace(toy, pools=pools, queries=queries, pairs=tuple(pairs)))
    assert sorted(mixed.pools["mul"].ids) == [f"{language}/p{i}" for language in ("de", "en") for i in range(3)]
    assert {len(texts) for texts in mixed.queries.values()} == {4}


def test_an_id_with_two_texts_is_refused():
    toy = parallel_set(("en", "de"), size=2)
    other = Texts(EN, ("p0", "p1"), ("passage 0 about topic0 in en", "something else"))
    twice = replace(toy, pools={**toy.pools, "more": other}, pairs=(*toy.pairs, replace(toy.pairs[0], pool="more")))
    with pytest.raises(DataError, match=r"en: id 'p1' names two texts, 'passage 1.*' and 'something else'"):
        mix(twice)


@pytest.mark.parametrize("rule", ["xor", "mkqa"])
def test_tasks_judged_by_answers_are_refused_with_the_reason(rule):
    with pytest.raises(UsageError, match="no passage in another language could be right"):
        mix(parallel_set(judged_by=rule))


def test_merged_questions_and_a_single_passage_language_are_refused():
    with pytest.raises(UsageError, match="merge_duplicate_questions"):
        mix(parallel_set(options={"merge_duplicate_questions": "True"}))
    toy = parallel_set(("en", "de"))
    english = toy.select(pair for pair in toy.pairs if str(pair.passage) == "en")
    with pytest.raises(UsageError, match=r"passages in two languages or more; the selected pairs have only en"):
        mix(english)


def test_texts_in_one_language_keep_their_fingerprint_and_languages_change_it():
    ids, texts = ("p0", "p1"), ("passage 0 about topic0 in en", "passage 1 about topic1 in en")
    plain = Texts(EN, ids, texts)
    assert plain.fingerprint == "8da6ce3cf17696d8882e1e144c17cfa8"  # as before texts could differ in language
    assert plain.each_language == (EN, EN)
    told = [Texts(EN, ids, texts, languages) for languages in ((EN, EN), (EN, DE), (DE, EN))]
    assert len({texts.fingerprint for texts in (plain, *told)}) == 4
    with pytest.raises(DataError, match="1 languages for 2 texts"):
        Texts(EN, ids, texts, (EN,))


def test_queries_that_no_pair_has_are_left_out_of_the_mixed_pool_too():
    data = parallel_set()
    left_out = {"en": ("p0#1", "lost"), "de": ("lost",)}
    assert mix(replace(data, left_out=left_out)).left_out == {"en": ("lost",), "de": ("lost",)}


def test_a_mixed_pool_leaves_no_passage_out_of_a_ranking():
    with pytest.raises(UsageError, match="skip_self leaves passages out of a pool of one language"):
        mix(replace(parallel_set(), own_passages={"en": {"p0#1": "p0"}}))
