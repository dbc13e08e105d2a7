"""XOR-Retrieve's files: questions judged by answers, over a passage corpus."""

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
        ({"lang": "fr"}, r"xor\.jsonl:1: language 'fr' is not one of the task's: ar, ko"),
        ({"id": "13"}, r"xor\.jsonl:2: query id '13' occurs twice"),
        ({"answers": "1990"}, "field 'answers': found text, expected a list"),
        ({"answers": [1990]}, "holds a number, expected a list of texts"),
        ({"question": ""}, "query '-12' has an empty text"),
    ],
)
def test_broken_xor_rows_are_errors(tmp_path, change, message):
    task = write_xor(tmp_path, [XOR_ROWS[0] | change, XOR_ROWS[1]])
    with pytest.raises(DataError, match=message):
        load_task(task, location=DataLocation(data_dir=tmp_path))
