"""XOR-Retrieve and MKQA: questions judged by answers, over a passage corpus."""

import gzip
import json

import pytest
from builders.files import write, write_jsonl
from builders.tasks import write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection

XOR_ROWS = [
    {"id": "-12", "question": "क्\u200dष\u0065\u0301 ?", "answers": ["yes", "1990", "1990"], "lang": " ar"},
    {"id": "13", "question": "What?", "answers": ["no"], "lang": "ko", "split": "dev"},
]


def write_xor(folder, rows):
    write_jsonl(folder / "xor.jsonl", rows)
    write(folder / "wiki.tsv", "id\ttext\ttitle\n1\tSome text.\tTitle\n")
    sources = [{"key": "questions", "local": ["xor.jsonl"]}, {"key": "corpus", "local": ["wiki.tsv"]}]
    changes = {"reader": "xor", "judged_by": "xor", "main_measure": "R@2kt", "languages": ["ar", "ko"]}
    return str(write_task(folder, sources=sources, **changes))


def test_xor_questions_and_answers_stay_raw(tmp_path):
    data = load_task(write_xor(tmp_path, XOR_ROWS), location=DataLocation(data_dir=tmp_path))
    assert [str(pair) for pair in data.pairs] == ["ar-en", "ko-en"]
    assert data.queries_of(data.pairs[0]).texts == (XOR_ROWS[0]["question"],)
    assert data.answers == {"-12": ("yes", "1990", "1990"), "13": ("no",)}
    assert data.qrels_of(data.pairs[0]) == {}
    assert data.judged_by == "xor"


def test_xor_passages_are_their_text_alone_and_the_pool_has_the_corpus_name(tmp_path):
    task, location = write_xor(tmp_path, XOR_ROWS), DataLocation(data_dir=tmp_path)
    data = load_task(task, location=location)
    assert {pair.pool for pair in data.pairs} == {"wiki"}
    assert data.pools["wiki"].texts == ("Some text.",)
    assert load_task(task, location=location, options={"join_title": True}).pools["wiki"].texts == ("Title Some text.",)
    assert data.notes == ("passage corpus: wiki, 1 passages.",)


def test_a_corpus_of_the_users_goes_first(tmp_path):
    own = write(tmp_path / "own.tsv", "7\tOther.\n")
    data = load_task(write_xor(tmp_path, XOR_ROWS), location=DataLocation(data_dir=tmp_path, corpus=own))
    assert data.pools["own"].ids == ("7",)


def test_without_a_corpus_the_error_names_the_option(tmp_path):
    task = write_xor(tmp_path, XOR_ROWS)
    (tmp_path / "wiki.tsv").unlink()
    with pytest.raises(DataError, match=r"no corpus file\. Looked for: .*wiki\.tsv.*--corpus: a DPR tsv"):
        load_task(task, location=DataLocation(data_dir=tmp_path))


def test_the_fingerprint_of_a_pair_does_not_depend_on_the_selection(tmp_path):
    task, location = write_xor(tmp_path, XOR_ROWS), DataLocation(data_dir=tmp_path)
    one, all_ = load_task(task, Selection(pairs="ko-en"), location), load_task(task, location=location)
    assert one.pair_fingerprint(one.pairs[0]) == all_.pair_fingerprint(all_.pairs[1])


def test_a_language_without_questions_is_left_out_unless_it_was_named(tmp_path):
    task, location = write_xor(tmp_path, XOR_ROWS[:1]), DataLocation(data_dir=tmp_path)
    assert load_task(task, location=location).notes[0] == "languages without questions: ko (1 of 2)."
    with pytest.raises(DataError, match="no questions in ko"):
        load_task(task, Selection(languages="ko"), location)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lang": "fr"}, r"xor\.jsonl:1: language 'fr' is none of the task's: ar, ko"),
        ({"id": "13"}, r"xor\.jsonl:2: query id '13' occurs twice"),
        ({"answers": "1990"}, "field 'answers': found text, expected a list"),
        ({"answers": [1990]}, "holds 1990, expected a list of texts"),
        ({"question": ""}, "query '-12' has an empty text"),
    ],
)
def test_broken_xor_rows_are_errors(tmp_path, change, message):
    task = write_xor(tmp_path, [XOR_ROWS[0] | change, XOR_ROWS[1]])
    with pytest.raises(DataError, match=message):
        load_task(task, location=DataLocation(data_dir=tmp_path))


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
        (official(1, "Ridley"), "answers.en holds 'Ridley', expected objects"),
        (official(1, {"type": "number", "text": 7}), "an answer is 7, expected text"),
    ],
)
def test_broken_official_rows_are_errors(tmp_path, row, message):
    write_official(tmp_path, row)
    with pytest.raises(DataError, match=message):
        load_task(write_mkqa(tmp_path), location=DataLocation(data_dir=tmp_path))
