"""Rows from tasks and from JSON lines: linked by parallel id, with the fields that were named."""

import json

import pytest
from builders.files import write, write_jsonl
from builders.tasks import squad, write_belebele, write_task

from clearbench.common.errors import DataError, TrainingError, UsageError
from clearbench.tasks.options import DataLocation
from clearbench.training.rows.build import build_rows
from clearbench.training.rows.options import Split
from clearbench.training.rows.row import TrainingRow
from clearbench.training.rows.sources import read_file_source, read_task_source


def write_articles(folder, articles):
    """XQuAD's layout: article title -> contexts, one question each, in English and German."""
    for language in ("en", "de"):
        data = [
            {
                "title": title,
                "paragraphs": [
                    {"context": f"{text} {language}", "qas": [{"id": text, "question": f"{language} {text}?"}]}
                    for text in contexts
                ],
            }
            for title, contexts in articles.items()
        ]
        write(folder / f"x.{language}.json", json.dumps({"data": data}))
    sources = [{"key": "questions", "local": ["x.{language}.json"]}]
    options = {"layout": "parallel"}
    return str(write_task(folder, reader="squad", languages=["en", "de"], sources=sources, options=options))


def test_questions_are_linked_by_their_parallel_id_and_get_their_english_passage(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    built = read_task_source(str(write_task(tmp_path)), ["de"], DataLocation(data_dir=tmp_path))
    assert built.rows[2] == TrainingRow(
        query="eng_Latn question 1.1?",
        passage="eng_Latn passage 1",
        target_query="deu_Latn question 1.1?",
        language="de",
        query_id="tiny:https://x.org/1#1",
        cluster="tiny:https://x.org/1",
    )
    assert len(built.rows) == 4 and not built.dropped
    assert [file["name"] for file in built.described["files"]] == ["eng_Latn.jsonl", "deu_Latn.jsonl"]


def test_a_named_language_must_have_its_file_and_others_are_left_out_with_a_note(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    task = str(write_task(tmp_path, languages=["en", "de", "sw"]))
    found = read_task_source(task, [], DataLocation(data_dir=tmp_path))
    assert {one.language for one in found.rows} == {"de"}
    assert found.described["notes"] == ["languages without files: sw (1 of 3)."]
    with pytest.raises(DataError, match="swh_Latn"):
        read_task_source(task, ["de", "sw"], DataLocation(data_dir=tmp_path))


def test_an_article_is_one_cluster_by_its_title(tmp_path):
    task = write_articles(tmp_path, {"Big_Apple": ["a", "b"], "pear": ["c"]})
    rows = read_task_source(task, ["de"], DataLocation(data_dir=tmp_path)).rows
    assert [one.cluster for one in rows] == ["article:big apple", "article:big apple", "article:pear"]


def test_a_question_without_an_english_one_is_left_out_and_counted(tmp_path):
    write(tmp_path / "dev" / "dev-context-en-question-en.json", squad(("Context A", {"q1": "One?"})))
    write(tmp_path / "dev" / "dev-context-en-question-de.json", squad(("Context A", {"q1": "Eins?", "q2": "Zwei?"})))
    files = {"key": "questions", "local": ["{split}/{split}-context-{passage}-question-{query}.json"]}
    options = {"layout": "pairs", "split": "dev"}
    task = str(write_task(tmp_path, reader="squad", languages=["en", "de"], sources=[files], options=options))
    found = read_task_source(task, ["de"], DataLocation(data_dir=tmp_path))
    assert [one.target_query for one in found.rows] == ["Eins?"]
    assert found.dropped == {"tiny de: no English question": 1}


@pytest.mark.parametrize(
    ("task", "languages", "message"),
    [
        ("xor", ["ar"], "judged by answers"),
        ("xquad", ["en"], "every row has an English question"),
        ("xquad", ["xx"], "Unknown"),
    ],
)
def test_what_cannot_be_rows_is_a_usage_error(tmp_path, task, languages, message):
    with pytest.raises(UsageError, match=message):
        read_task_source(task, languages, DataLocation(data_dir=tmp_path))


OWN = {"question": "Where?", "text": "Here.", "frage": "Wo?", "nr": 7}


FIELDS = {"query": "question", "passage": "text", "target_query": "frage", "query_id": "nr"}


def test_json_lines_may_have_other_field_names(tmp_path):
    path = write_jsonl(tmp_path / "own.jsonl", [OWN])
    [one] = read_file_source(path, FIELDS, ["de"]).rows
    assert (one.query, one.passage, one.target_query, one.language, one.query_id) == (
        "Where?",
        "Here.",
        "Wo?",
        "de",
        "7",
    )
    assert one.cluster == read_file_source(path, FIELDS, ["es"]).rows[0].cluster


def test_missing_ids_are_made_from_the_texts(tmp_path):
    lines = [
        {"query": "Q", "passage": "P", "target_query": language, "language": language} for language in ("de", "es")
    ]
    found = read_file_source(write_jsonl(tmp_path / "own.jsonl", lines), {}).rows
    assert found[0].query_id == found[1].query_id and found[0].cluster == found[1].cluster
    only = read_file_source(tmp_path / "own.jsonl", {}, ["es"])
    assert [one.language for one in only.rows] == ["es"]
    assert only.dropped == {"another language than asked for": 1}


@pytest.mark.parametrize(
    ("changes", "fields", "languages", "message"),
    [
        (
            {"frage": ...},
            FIELDS,
            ["de"],
            r"own\.jsonl:1: no field 'frage' for the column target_query; found question, text, nr",
        ),
        ({"text": " "}, FIELDS, ["de"], r"own\.jsonl:1: column 'passage' is empty"),
        ({"text": 3}, FIELDS, ["de"], r"column 'passage': found a int"),
        ({}, FIELDS, [], "no field 'language'"),
        ({}, FIELDS, ["de", "es"], "no field 'language'"),
        ({}, {**FIELDS, "cluster": "article"}, ["de"], "no field 'article' for the column cluster"),
    ],
)
def test_fields_that_are_missing_or_empty_are_named(tmp_path, changes, fields, languages, message):
    line = {name: value for name, value in {**OWN, **changes}.items() if value is not ...}
    with pytest.raises(TrainingError, match=message):
        read_file_source(write_jsonl(tmp_path / "own.jsonl", [line]), fields, languages)
    with pytest.raises(UsageError, match="Did you mean passage"):
        read_file_source(tmp_path / "own.jsonl", {"passages": "text"})


REAL = {
    "xquad": (["de", "es"], {}, 2380, 48),
    "mlqa": (["ar", "de", "es"], {}, 1529, None),
    "belebele": (["de"], {}, 900, 488),
    "afriqa": (["ha", "ig", "rw"], {"split": "train"}, None, None),
}


@pytest.mark.parametrize("task", REAL)
def test_rows_of_the_official_files(data_dir, task):
    languages, options, num_rows, num_clusters = REAL[task]
    found = read_task_source(task, languages, DataLocation(data_dir=data_dir), options=options or None)
    assert num_rows is None or len(found.rows) == num_rows
    assert num_clusters is None or len({one.cluster for one in found.rows}) == num_clusters
    assert {one.language for one in found.rows} == set(languages)
    built = build_rows([found], Split(0.5))
    assert not {one.passage for one in built.rows} & {one.passage for one in built.other}
    assert 0.3 < len(built.rows) / (len(built.rows) + len(built.other)) < 0.7
