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


def load_rows(folder, selection=None, **languages):
    for language, rows in languages.items():
        write(folder / f"{language}.test.json", "".join(json.dumps(item) + "\n" for item in rows))
    source = {"key": "questions", "local": ["{language}.{split}.json"]}
    task = write_task(folder, reader="afriqa", languages=["en", "hau", "ibo"], sources=[source])
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


def test_missing_languages_are_noted(tmp_path):
    assert load_rows(tmp_path, ibo=IBO).notes[0] == "languages without files: ha (1 of 2)."


def test_a_context_of_another_type_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"hau\.test\.json:1: field 'context': found a list, expected text"):
        load_rows(tmp_path, hau=[row("0", [7])])
