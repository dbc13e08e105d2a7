"""Notes on pools that keep a perfect model from a perfect score."""

from dataclasses import replace

from builders.datasets import parallel_set

from clearbench.tasks.oddities import find_oddities


def with_texts(data, kind, language, **changed):
    texts = getattr(data, kind)[language]
    others = tuple(changed.get(key, text) for key, text in zip(texts.ids, texts.texts, strict=True))
    return replace(data, **{kind: {**getattr(data, kind), language: replace(texts, texts=others)}})


def test_data_without_oddities_have_no_notes():
    assert list(find_oddities(parallel_set())) == []


def test_a_passage_with_the_text_of_a_relevant_one_is_noted_once():
    data = parallel_set(("en", "de"), size=4)
    [same] = [text for text in data.pools["en"].texts if "passage 1 " in text]
    [note] = find_oddities(with_texts(data, "pools", "en", p3=same))
    assert note.startswith("en: 2 passages with the text of a relevant passage, not judged for its question: p3, p1;")
    data = with_texts(data, "pools", "en", p3=same)
    judged = {
        query: dict.fromkeys(("p1", "p3"), 1) if set(row) & {"p1", "p3"} else row
        for query, row in data.qrels["all"].items()
    }
    assert list(find_oddities(replace(data, qrels={"all": judged}))) == []


def test_a_task_judged_by_answers_has_no_such_notes():
    data = parallel_set(("en",), judged_by="mkqa", answers={})
    assert list(find_oddities(with_texts(data, "pools", "en", p1=data.pools["en"].texts[0]))) == []


def test_of_many_pools_with_such_passages_only_the_first_are_described():
    data = parallel_set(("en", "de", "fr", "es", "it", "ru"), size=4)
    for language, pool in data.pools.items():
        data = with_texts(data, "pools", language, p3=pool.texts[pool.ids.index("p1")])
    notes = list(find_oddities(data))
    assert [note.split(":")[0] for note in notes[:-1]] == list(data.pools)[:4]
    assert notes[-1] == f"2 more pools with such passages: {', '.join(list(data.pools)[4:])}."
