"""Belebele and XQuAD: parallel tasks, and MTEB's merging of equal questions."""

import json

import pytest
from builders.datasets import pair_named
from builders.files import write, write_jsonl
from builders.tasks import belebele_rows, squad, write_belebele, write_task

from clearbench.common.errors import DataError
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection

ALL = Selection(all_pairs=True)


def load_belebele(folder, **options):
    return load_task(str(write_task(folder)), ALL, DataLocation(data_dir=folder), options=options)


def load_xquad(folder, english, german, **options):
    write(folder / "xquad.en.json", english)
    write(folder / "xquad.de.json", german)
    source = {"key": "questions", "local": ["xquad.{language}.json"]}
    task = write_task(folder, reader="squad", sources=[source], options={"layout": "parallel"})
    return load_task(str(task), ALL, DataLocation(data_dir=folder), options=options)


def test_belebele_questions_are_known_by_link_and_number(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    data = load_belebele(tmp_path)
    queries = data.queries_of(pair_named(data, "de-en"))
    assert queries.ids == ("https://x.org/0#1", "https://x.org/0#2", "https://x.org/1#1", "https://x.org/1#2")
    assert queries.texts[0] == "deu_Latn question 0.1?"
    assert data.pools["en"].ids == ("https://x.org/0", "https://x.org/1")
    assert data.pools["en"].texts[0] == "eng_Latn passage 0"
    assert data.qrels_of(pair_named(data, "de-en"))["https://x.org/1#2"] == {"https://x.org/1": 1}
    assert data.clusters["https://x.org/1#2"] == "https://x.org/1"


def test_pairs_share_texts_and_judgements_in_memory(tmp_path):
    write_belebele(tmp_path, "eng_Latn", "deu_Latn")
    data = load_belebele(tmp_path)
    assert (len(data.pairs), len(data.qrels), len(data.queries), len(data.pools)) == (4, 1, 2, 2)


def test_equal_questions_stay_two_unless_merging_is_asked_for(tmp_path):
    rows = belebele_rows("German")
    rows[3]["question"] = rows[0]["question"]  # of another passage
    write_belebele(tmp_path, "eng_Latn")
    write_jsonl(tmp_path / "belebele" / "deu_Latn.jsonl", rows)
    plain = load_belebele(tmp_path)
    assert {len(queries) for queries in plain.queries.values()} == {4}
    merged = load_belebele(tmp_path, merge_duplicate_questions=True)
    numbers = {str(pair): len(merged.queries_of(pair)) for pair in merged.pairs}
    assert numbers == {"en-en": 4, "en-de": 4, "de-en": 3, "de-de": 3}
    qrels = merged.qrels_of(merged.pairs[-1])
    assert qrels["https://x.org/0#1"] == {"https://x.org/0": 1, "https://x.org/1": 1}
    assert "https://x.org/1#2" not in qrels
    assert merged.notes[0] == "languages with equal questions merged into one: de (1 of 2)."


def test_a_link_with_two_passages_is_an_error(tmp_path):
    rows = belebele_rows("x")
    rows[1]["flores_passage"] = "another"
    write_jsonl(tmp_path / "belebele" / "eng_Latn.jsonl", rows)
    with pytest.raises(DataError, match=r"eng_Latn\.jsonl:2: link 'https://x\.org/0' has a different passage"):
        load_belebele(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.pop(), r"deu_Latn\.jsonl: question 'https://x\.org/1#2' is missing, but .*eng_Latn"),
        (lambda rows: rows.append(rows[0]), r"query id 'https://x\.org/0#1' occurs twice"),
        (lambda rows: rows[0].update(question=" "), r"query 'https://x\.org/0#1' has an empty text"),
        (lambda rows: rows[0].update(flores_passage="") or rows[1].update(flores_passage=""), "passage .* empty text"),
        (lambda rows: rows[0].pop("question"), r"deu_Latn\.jsonl:1: field 'question': found only 'link', "),
    ],
)
def test_a_language_that_is_not_parallel_or_broken_is_an_error(tmp_path, change, message):
    rows = belebele_rows("x")
    change(rows)
    write_belebele(tmp_path, "eng_Latn")
    write_jsonl(tmp_path / "belebele" / "deu_Latn.jsonl", rows)
    with pytest.raises(DataError, match=message):
        load_belebele(tmp_path)


ENGLISH = squad(("First. ", {"q1": " One?", "q2": "Two?"}), ("Second.", {"q3": "One? "}))
GERMAN = squad(("Erstens.", {"q1": "Eins?", "q2": "Zwei?"}), ("Zweitens.", {"q3": "Drei?"}))


def test_xquad_passages_are_known_by_their_place(tmp_path):
    data = load_xquad(tmp_path, ENGLISH, GERMAN)
    assert data.pools["en"].ids == data.pools["de"].ids == ("0-0", "1-0")
    assert data.pools["en"].texts == ("First.", "Second.")
    assert data.queries_of(data.pairs[0]).texts == ("One?", "Two?", "One?")
    assert data.clusters == {"q1": "0-0", "q2": "0-0", "q3": "1-0"}


def test_xquad_questions_are_merged_after_stripping(tmp_path):
    data = load_xquad(tmp_path, ENGLISH, GERMAN, merge_duplicate_questions=True)
    assert {str(pair): len(data.queries_of(pair)) for pair in data.pairs} == {
        "en-en": 2,
        "en-de": 2,
        "de-en": 3,
        "de-de": 3,
    }
    assert data.qrels_of(data.pairs[0])["q1"] == {"0-0": 1, "1-0": 1}


def test_xquad_with_a_question_at_another_paragraph_is_an_error(tmp_path):
    moved = squad(("Erstens.", {"q1": "Eins?"}), ("Zweitens.", {"q2": "Zwei?", "q3": "Drei?"}))
    with pytest.raises(DataError, match=r"question 'q2' belongs to passage '1-0', but in .* to '0-0'"):
        load_xquad(tmp_path, ENGLISH, moved)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"version": 1}', "field 'data': found only 'version', expected a list"),
        ('{"data": [1]}', r"data\[0\]: found a number, expected a JSON object with field 'paragraphs'"),
        (json.dumps({"data": [{"paragraphs": [{"qas": []}]}]}), r"data\[0\]\.paragraphs\[0\]: field 'context'"),
        ('{"data": []}', "no passages in en"),
    ],
)
def test_a_file_that_is_not_squad_is_an_error_with_its_place(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        load_xquad(tmp_path, content, content)
