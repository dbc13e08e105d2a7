"""Notes on data that keep a perfect model from a perfect score."""

from dataclasses import replace

import pytest
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


@pytest.mark.parametrize("relevant", [False, True])
def test_a_query_that_lies_in_the_pool_under_its_id_is_noted_unless_it_is_relevant(relevant):
    data = parallel_set(("en", "de"), size=4)
    queries = replace(data.queries["en"], ids=("p2", *data.queries["en"].ids[1:]))
    judged = {**data.qrels["all"], "p2": {"p0": 1, "p2": int(relevant)}}
    data = replace(data, queries={**data.queries, "en": queries}, qrels={"all": judged})
    assert list(find_oddities(data)) == [], "another text under the same id is a coincidence"
    notes = list(find_oddities(with_texts(data, "queries", "en", p2=data.pools["en"].texts[2])))
    assert len(notes) == (0 if relevant else 1)
    assert all(note.startswith("en-en: 1 query in the pool under the same id") for note in notes)
    left_out = replace(
        with_texts(data, "queries", "en", p2=data.pools["en"].texts[2]), own_passages={"en": {"p2": "p2"}}
    )
    assert list(find_oddities(left_out)) == []


def test_a_task_judged_by_answers_has_no_such_notes():
    data = parallel_set(("en",), judged_by="mkqa", answers={})
    assert list(find_oddities(with_texts(data, "pools", "en", p1=data.pools["en"].texts[0]))) == []
