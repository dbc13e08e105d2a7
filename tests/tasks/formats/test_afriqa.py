"""AfriQA: one English pool, questions and their translations under the same ids."""

import json

import pytest
from builders.files import write
from builders.tasks import write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection

PASSAGE = "Anambra is a state."


def row(key, context, **changes):
    return {
        "id": key,
        "question_lang": f"Tambaya {key}? ",
        "question_translated": f"Question {key}?",
        "context": context,
        "title": "Anambra",
        "answer_pivot": {"answer_start": [0], "text": ["Anambra"]},
        **changes,
    }


def load_rows(folder, selection=None, without=(), changes=None, **languages):
    for language, rows in languages.items():
        write(folder / f"{language}.test.json", "".join(json.dumps(item) + "\n" for item in rows))
    source = {"key": "questions", "local": ["{language}.{split}.json"], "without": list(without)}
    settings = {"languages": ["en", "hau", "ibo"], **(changes or {})}
    task = write_task(folder, reader="afriqa", sources=[source], **settings)
    return load_task(str(task), selection or Selection(), DataLocation(data_dir=folder))


HAU = [row("0", PASSAGE), row("1", float("nan")), row("2", None, title=None), row("3", " ")]
IBO = [row("0", f"{PASSAGE} "), row("1", "Another.", answer_pivot={"text": ["Yes"]})]


def test_one_pool_of_distinct_english_passages_serves_all_pairs(tmp_path):
    data = load_rows(tmp_path, hau=HAU, ibo=IBO)
    assert {str(pair): len(data.queries_of(pair)) for pair in data.pairs} == {"en-en": 3, "ha-en": 1, "ig-en": 2}
    assert data.pools["en"].texts == (PASSAGE, "Another.")
    assert {pair.pool for pair in data.pairs} == {"en"}


def test_the_pool_does_not_depend_on_the_selection(tmp_path):
    one = load_rows(tmp_path, Selection(pairs="ha-en"), hau=HAU, ibo=IBO)
    assert len(one.pools["en"]) == 2


def test_translations_are_the_english_queries_under_the_same_ids(tmp_path):
    data = load_rows(tmp_path, hau=HAU, ibo=IBO)
    english, hausa = data.queries["en"], data.queries["ha"]
    assert english.ids == ("ha:0", "ig:0", "ig:1")
    assert english.texts[0] == "Question 0?"
    assert (hausa.ids, hausa.texts) == (("ha:0",), ("Tambaya 0?",))
    assert data.qrels["ha"]["ha:0"] == data.qrels["en"]["ha:0"] == {data.pools["en"].ids[0]: 1}
    assert data.clusters["ha:0"] == data.clusters["ig:0"]


def test_rows_without_a_passage_and_yes_no_rows_are_noted(tmp_path):
    assert load_rows(tmp_path, hau=HAU, ibo=IBO).notes == (
        "questions without a passage are left out: 3 ha (3 of 6).",
        "1 of 6 questions have the answer yes or no; they are kept.",
    )


def test_a_pool_that_lacks_a_language_says_so_and_its_counts_are_not_those_of_the_whole(tmp_path):
    counts = {"expected": {"passages": 7, "queries_by": {"en": 7, "ig": 2}}}
    data = load_rows(tmp_path, ibo=IBO, changes=counts)
    assert data.notes[:2] == (
        "languages without files: ha (1 of 2).",
        "the shared pool lacks the passages of ha: figures are not comparable with those of the whole task.",
    )
    assert [str(language) for language in data.pool_without] == ["ha"]
    with pytest.raises(
        DataError, match=r"en-en: 3 queries, the task file expects 7.*2 passages, the task file expects 7"
    ):
        load_rows(tmp_path, hau=HAU, ibo=IBO, changes=counts)


def test_a_language_that_has_no_official_file_is_not_lacking_in_the_pool(tmp_path):
    data = load_rows(tmp_path, ibo=IBO, without=["en", "hau"])
    assert data.notes[0] == "languages without files: ha (1 of 2)." and data.pool_without == ()


def test_passages_may_be_in_french(tmp_path):
    french = {"languages": ["fr", "fon"], "options": {"pivot": "fr"}, "default_pairs": "*-fr"}
    data = load_rows(tmp_path, fon=[row("0", "Une ville.")], changes=french)
    assert [str(pair) for pair in data.pairs] == ["fr-fr", "fon-fr"]
    assert str(data.pools["fr"].language) == "fr" and data.queries["fr"].texts == ("Question 0?",)


def test_a_context_of_another_type_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"hau\.test\.json:1: field 'context': found a list, expected text"):
        load_rows(tmp_path, hau=[row("0", [7])])
