"""XQuAD-R: sentences as candidates, one pool of all languages, every translation of the answer relevant."""

import json

import pytest
from builders.files import write
from builders.tasks import write_task

from clearbench.common.errors import DataError, TaskError, UsageError
from clearbench.tasks.load import check_task, load_task
from clearbench.tasks.mixed import mix
from clearbench.tasks.options import DataLocation, Selection

CONTEXTS = {"en": "Ada wrote it. Bob read it. ", "de": "Ada schrieb es. Bob las es. ", "zh": "埃达写的。鲍勃读的。"}
BREAKS = {"en": [[0, 13], [14, 26]], "de": [[0, 15], [16, 27]], "zh": [[0, 5], [5, 10]]}
ANSWERS = {"en": "Bob", "de": "Bob", "zh": "鲍勃"}


def paragraph(language, **changes):
    context = CONTEXTS[language]
    answer = ANSWERS[language]
    qas = [
        {"id": "q1", "question": f" {language}: who read it? ", "answers": [answer_at(context, answer)]},
        {"id": "q2", "question": f"{language}: what was done?", "answers": [answer_at(context, context[4:22])]},
    ]
    return {"context": context, "sentence_breaks": BREAKS[language], "qas": qas, **changes}


def answer_at(context, text):
    return {"answer_start": context.index(text), "text": text}


def load(folder, *languages, selection=None, check=False, **changes):
    for language in languages:
        document = {"data": [{"title": "T", "paragraphs": [paragraph(language, **changes)]}]}
        write(folder / f"{language}.json", json.dumps(document))
    source = {"key": "questions", "local": ["{language}.json"]}
    expected = {"queries": 2, "passages_by": {"en": 2, "de": 2, "zh": 3}}
    values = {"default_pairs": "*-mul", "main_measure": "MAP", "expected": expected, "languages": [*CONTEXTS]}
    task = write_task(folder, reader="sentences", sources=[source], **values)
    read = check_task if check else load_task
    return read(str(task), selection or Selection(), DataLocation(data_dir=folder))


def test_sentences_of_all_languages_are_one_pool_and_all_answers_are_relevant(tmp_path):
    data = load(tmp_path, "en", "de")
    assert [str(pair) for pair in data.pairs] == ["en-mul", "de-mul"]
    [pool] = data.pools.values()
    assert dict(zip(pool.ids, pool.texts, strict=True)) == {
        "en/0-0-0": "Ada wrote it.",
        "en/0-0-1": "Bob read it.",
        "de/0-0-0": "Ada schrieb es.",
        "de/0-0-1": "Bob las es.",
    }
    assert [str(language) for language in pool.each_language] == ["en", "en", "de", "de"]
    assert data.qrels_of(data.pairs[0])["q1"] == {"en/0-0-1": 1, "de/0-0-1": 1}
    assert data.queries["en"].texts[0] == "en: who read it?"
    assert data.clusters == {"q1": "0-0", "q2": "0-0"}
    assert data.is_mixed and mix(data) is data


def test_an_answer_across_sentences_counts_for_the_one_in_which_it_begins(tmp_path):
    data = load(tmp_path, "en", "de")
    assert data.qrels_of(data.pairs[0])["q2"] == {"en/0-0-0": 1, "de/0-0-0": 1}
    assert data.notes[-1] == "answers across sentences count for the sentence in which they begin: en (1), de (1)."


def test_the_pool_does_not_depend_on_the_selection_and_a_missing_language_is_said(tmp_path):
    data = load(tmp_path, "en", "de", selection=Selection(languages="de"))
    assert [str(pair) for pair in data.pairs] == ["de-mul"] and data.pool_languages == ("de", "en")
    assert data.notes[:2] == (
        "languages without files: zh (1 of 3).",
        "the shared pool lacks the passages of zh: figures are not comparable with those of the whole task.",
    )


def test_sentences_are_counted_by_language(tmp_path):
    assert load(tmp_path, "en", "de", check=True).mismatches == ()
    assert load(tmp_path, *CONTEXTS, check=True).mismatches == ("tiny zh: 2 passages, the task file expects 3",)


def test_a_language_that_is_named_must_have_its_file(tmp_path):
    with pytest.raises(DataError, match="no questions file for zh"):
        load(tmp_path, "en", selection=Selection(languages="zh"))
    with pytest.raises(UsageError, match="it has no fr"):
        load(tmp_path, "en", selection=Selection(languages="fr"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sentence_breaks": [[0, 99]]},
            r"sentence_breaks holds \[0, 99\], expected \[start, end\] with 0 <= start < end",
        ),
        ({"sentence_breaks": [[0, 9], [8, 12]]}, r"holds \[8, 12\], expected \[start, end\] with 9 <= start"),
        ({"sentence_breaks": [[0, True]]}, r"holds \[0, True\]"),
        ({"sentence_breaks": []}, "sentence_breaks is empty; expected a sentence or more"),
        ({"qas": [{"id": "q", "question": "?", "answers": []}]}, "question 'q' has no answer; expected one"),
        (
            {"qas": [{"id": "q", "question": "?", "answers": [{"text": "a", "answer_start": 99}]}]},
            "answer_start is 99, expected a place in a paragraph of 27 characters",
        ),
        ({"qas": [{"id": "q", "question": "?", "answers": ["a"]}]}, "found text, expected a JSON object"),
    ],
)
def test_breaks_and_answers_outside_their_paragraph_are_errors(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, "en", **changes)


def test_languages_with_other_questions_are_an_error(tmp_path):
    load(tmp_path, "en")
    qas = [{"id": "q9", "question": "?", "answers": [{"text": "Ada", "answer_start": 0}]}]
    with pytest.raises(DataError, match=r"de\.json: question 'q1' is missing, but .*en\.json has it"):
        load(tmp_path, "de", qas=qas)


def test_map_is_no_main_measure_of_pools_of_one_language(tmp_path):
    write(tmp_path / "corpus.jsonl", '{"_id": "1", "text": "a"}\n')
    write(tmp_path / "queries.jsonl", '{"_id": "q", "text": "b"}\n')
    write(tmp_path / "qrels" / "test.tsv", "q\t1\t1\n")
    options = {"query_language": "en", "passage_language": "en"}
    sources = [{"key": "folder", "bundled": "."}]
    task = write_task(tmp_path, reader="beir", main_measure="MAP", languages=None, sources=sources, options=options)
    with pytest.raises(TaskError, match="main_measure: only a pool of several languages has MAP"):
        load_task(str(task))
