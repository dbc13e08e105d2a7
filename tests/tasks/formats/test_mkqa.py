"""MKQA's official file and copies of it: short answers in English, over a passage corpus."""

import gzip
import json

import pytest
from builders.files import write, write_jsonl
from builders.tasks import write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation


def write_mkqa(folder, languages=("en", "zh_cn", "km")):
    write_jsonl(folder / "corpus" / "corpus.jsonl", [{"_id": "d", "title": "Title", "text": "Text"}])
    sources = [
        {"key": "questions", "local": ["mkqa.jsonl.gz"]},
        {"key": "copies", "local": ["mkqa-{language}.jsonl"]},
        {"key": "corpus", "local": ["corpus"]},
    ]
    changes = {"reader": "mkqa", "judged_by": "mkqa", "main_measure": "answer_recall@20"}
    return str(write_task(folder, sources=sources, languages=list(languages), **changes))


def copy_row(key, language, answers, question="Question?"):
    return {"id": f"{key}_{language}", "lang": language, "question": question, "answers": answers}


def write_copies(folder):
    rows = [copy_row("-5", "en", [" Dave ", "Dave", " ", "Edmunds"]), copy_row("6", "en", ["\t"])]
    write_jsonl(folder / "mkqa-en.jsonl", rows)
    rows = [copy_row("-5", "zh_cn", ["戴维"], "《谁》\u200b "), copy_row("6", "zh_cn", [])]
    write_jsonl(folder / "mkqa-zh_cn.jsonl", rows)


def test_mkqa_copies_have_english_answers_stripped_and_without_repeats(tmp_path):
    write_copies(tmp_path)
    data = load_task(write_mkqa(tmp_path), location=DataLocation(data_dir=tmp_path))
    assert [str(pair) for pair in data.pairs] == ["en-en", "zh-en"]
    assert data.answers == {"-5": ("Dave", "Edmunds")}
    assert data.queries_of(data.pairs[1]).ids == ("-5",), "ids are split at the first _"
    assert data.queries_of(data.pairs[1]).texts == ("《谁》\u200b ",), "questions stay as they are"
    assert data.pools["corpus"].texts == ("Title Text",)
    assert data.notes[:2] == ("languages without files: km (1 of 3).", "1 questions without an answer are left out.")


def test_an_mkqa_copy_with_an_unknown_question_is_an_error(tmp_path):
    write_copies(tmp_path)
    write_jsonl(tmp_path / "mkqa-km.jsonl", [copy_row("8", "km", ["x"])])
    with pytest.raises(DataError, match=r"mkqa-km\.jsonl:1: question '8' is not in the English file"):
        load_task(write_mkqa(tmp_path), location=DataLocation(data_dir=tmp_path))


def official(key, *answers):
    queries = {"en": "Who?", "zh_cn": "谁？", "km": "អ្នកណា"}
    return {"example_id": key, "query": "who", "queries": queries, "answers": {"en": list(answers), "km": []}}


def write_official(folder, *rows):
    write(folder / "mkqa.jsonl.gz", gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


SHORT = {"type": "entity", "text": "Ridley Scott", "aliases": ["Sir Ridley Scott", "Ridley Scott"]}


def test_the_official_mkqa_file_goes_before_copies_and_drops_answer_types(tmp_path):
    write_copies(tmp_path)
    dropped = [{"type": kind, "text": None} for kind in ("unanswerable", "binary", "long_answer")]
    rows = [official(number, answer) for number, answer in enumerate(dropped)]
    write_official(tmp_path, *rows, official(-9, SHORT, {"type": "number", "text": " 7 "}))
    data = load_task(write_mkqa(tmp_path), location=DataLocation(data_dir=tmp_path))
    assert data.answers == {"-9": ("Ridley Scott", "Sir Ridley Scott", "7")}
    assert [data.queries_of(pair).texts for pair in data.pairs] == [("Who?",), ("谁？",), ("អ្នកណា",)]
    assert data.notes[0] == "3 of 4 questions without a short answer are left out."


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (official(1, {"type": "binary", "text": "yes"}), "none of 1 questions has an answer"),
        (official(1, SHORT) | {"queries": {"en": "Who?"}}, r":1: queries: field 'zh_cn': found only 'en'"),
        (official(1, SHORT) | {"answers": []}, r":1: answers: found a list, expected a JSON object with field 'en'"),
        (official(1, "Ridley"), "answers.en holds text, expected objects"),
        (official(1, {"type": "number", "text": 7}), r":1: an answer is a number, expected text"),
        (official(1, {"type": ["binary"], "text": "a"}), r":1: answers\.en: field 'type': found a list, expected text"),
        (official(1, {"type": {}, "text": "a"}), r"field 'type': found an object, expected text"),
        (official(1, {**SHORT, "aliases": "Ridley"}), r":1: answers\.en: field 'aliases': found text, expected a list"),
        (official(1, {**SHORT, "aliases": 7}), r"field 'aliases': found a number, expected a list"),
        (official(1, {**SHORT, "aliases": [["a"]]}), r"an answer is a list, expected text"),
        (official(1, {**SHORT, "text": {"a": 1}}), r"an answer is an object, expected text"),
    ],
)
def test_broken_official_rows_are_errors(tmp_path, row, message):
    write_official(tmp_path, row)
    with pytest.raises(DataError, match=message):
        load_task(write_mkqa(tmp_path), location=DataLocation(data_dir=tmp_path))
