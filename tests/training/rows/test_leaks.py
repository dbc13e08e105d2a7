"""Texts of the evaluation among training rows: equal ones, near-duplicates, and what is not a leak."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from builders.datasets import parallel_set
from builders.values import require

from clearbench.common.errors import TrainingError
from clearbench.tasks.options import DataLocation
from clearbench.training.rows.build import build_rows
from clearbench.training.rows.leaks import LeakIndex, find_leaks, normalise, shingles
from clearbench.training.rows.options import Split
from clearbench.training.rows.row import TrainingRow
from clearbench.training.rows.sources import RowSource, load_excluded_task, read_task_source

STORY = (
    "The harbour was built in the ninth century by monks who had come from the north and who wanted a safe place for "
    "their boats when the winter storms began to blow over the bay"
)
ROW = TrainingRow("Who built the old harbour?", STORY, "Wer baute den alten Hafen?", "de", "q1", "c1")


def index(*texts, kind="passage", **options):
    made = LeakIndex(**options)
    for text in texts:
        made.add(text, kind, f"{kind} of task")
    return made


@pytest.mark.parametrize("text", [STORY.upper(), f"  {STORY} ".replace(" ", "\n "), STORY.replace("st", "ﬆ"), STORY])
def test_equal_after_normalisation(text):
    [leak] = find_leaks([ROW], index(text)).values()
    assert leak.equal and leak.column == "passage" and str(leak) == "passage equals passage of task"


QUESTION = "Où est l'hôtel İstanbul, 東京タワー, ABC straße, বাংলাদেশের রাজধানী?"
WRITTEN: dict[str, Callable[[str], str]] = {
    "NFC": partial(unicodedata.normalize, "NFC"),
    "NFD": partial(unicodedata.normalize, "NFD"),
    "NFKD": partial(unicodedata.normalize, "NFKD"),
    "full width": lambda text: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text),
    "half width": lambda text: text.replace("タワー", "ﾀﾜｰ"),
    "capitals": str.upper,
    "small letters": str.lower,
    "other spaces": lambda text: text.replace(" ", "\u3000"),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_question_is_found_however_it_is_written(how):
    row = replace(ROW, target_query=WRITTEN[how](QUESTION))
    assert row.target_query != QUESTION or how == "NFC"
    [leak] = find_leaks([row], index(QUESTION, kind="question")).values()
    assert leak.equal and leak.column == "target_query"
    assert not find_leaks([ROW], index(QUESTION, kind="question"))


@pytest.mark.parametrize("column", ["query", "target_query", "passage", "negative passage", "negative question"])
def test_every_column_is_looked_at(column):
    changes = {
        "negative passage": {"passage_negatives": ("x", "Leaked text")},
        "negative question": {"target_query_negatives": ("x", "Leaked text")},
    }.get(column, {column: "Leaked text"})
    leaks = find_leaks([ROW, replace(ROW, **changes)], index("leaked  TEXT"))
    assert list(leaks) == [1]


def test_an_excerpt_is_near_from_either_side():
    words = STORY.split()
    excerpt, longer = " ".join(words[5:20]), f"Before that, nobody had come here at all. {STORY}; so they say."
    for text in (excerpt, longer):
        leak = index(text).find(STORY, "passage", "passage")
        assert leak is not None and not leak.equal and leak.share == 1.0
        assert index(STORY).find(text, "passage", "passage") is not None


def test_the_share_is_of_the_shorter_texts_sequences():
    words = STORY.split()
    mixed = " ".join([*words[:15], *(f"other{number}" for number in range(8))])  # 8 of its 16 sequences are the story's
    assert len(shingles(normalise(mixed))) == 16
    assert index(STORY).find(mixed, "passage", "passage").share == 0.5
    assert index(STORY, near_share=0.51).find(mixed, "passage", "passage") is None
    assert index(STORY, near_share=2.0).find(STORY[:-4], "passage", "passage") is None
    assert index(STORY, near_share=2.0).find(STORY, "passage", "passage").equal


def test_the_nearest_text_is_named():
    made = LeakIndex()
    made.add(" ".join(STORY.split()[:12]) + " and so on and on and on for ever more", "passage", "half")
    made.add(STORY + " again", "passage", "whole")
    assert require(made.find(STORY, "passage", "passage")).where == "whole"


def test_what_is_no_leak():
    assert not find_leaks([ROW], index("The harbour was built by monks.", "Who built the new harbour?"))
    assert index(STORY).find(STORY + " again", "question", "query") is None, "questions are near questions only"
    assert index("Who built it?", kind="question").find("who built IT", "question", "query").share == 1.0
    assert index("Who built it?", kind="question").find("Who built it then?", "question", "query") is None
    assert index("...").find("!!!", "passage", "passage") is None


def test_characters_count_as_words_where_there_are_no_blanks():
    text = "这个港口是九世纪由来自北方的僧侣建造的"
    assert len(shingles(normalise(text))) == len(text) - 7
    assert index(text + "。他们需要").find(text, "passage", "passage").share == 1.0
    assert shingles(normalise("สวัสดีครับ ผม")) and len(shingles("version 2 of 日本 in eight words here ok")) == 3


def test_leaking_rows_are_refused_by_default_and_left_out_if_asked():
    other = TrainingRow("Other?", "Something else entirely.", "Anderes?", "de", "q2", "c2")
    source = RowSource((ROW, other), {})
    with pytest.raises(TrainingError, match=r"1 of 2 rows hold texts.*q1 \(de\): passage equals passage of task"):
        build_rows([source], Split(), index(STORY))
    built = build_rows([source], Split(), index(STORY), "drop")
    assert built.rows == (other,)
    assert built.dropped == {"leak: passage, equal": 1}
    leaks = require(built.leaks)
    assert leaks["rows_dropped"] == 1 and leaks["first"][0].startswith("q1 (de): passage equals")
    with pytest.raises(TrainingError, match="All 2 rows"):
        build_rows([source], Split(), index(STORY, other.passage), "drop")


def test_the_other_part_is_checked_too():
    rows = [
        replace(ROW, query_id=f"q{n}", query=f"Question {n}?", passage=f"text {n}", cluster=f"c{n}") for n in range(20)
    ]
    assert build_rows([RowSource(tuple(rows), {})], Split(0.5)).leaks is None
    with pytest.raises(TrainingError, match=r"target_query equals question .* of the other part \(de\)"):
        build_rows([RowSource(tuple(rows), {})], Split(0.5), against_other=True)


def test_a_tasks_questions_and_passages_are_taken_unless_it_is_judged_by_answers():
    task, corpus = LeakIndex(), LeakIndex()
    task.add_task(parallel_set())
    corpus.add_task(parallel_set(judged_by="xor"))
    row = replace(ROW, passage="Passage 3 about TOPIC3 in en")
    assert find_leaks([row], task)[0].where == "passage 'p3' of toy (en)"
    assert not find_leaks([row], corpus)
    assert (
        require(corpus.find("question 1 on topic0 de", "question", "target_query")).where
        == "question 'p0#1' of toy (de)"
    )


def test_real_rows_against_their_own_task_and_another(data_dir):
    location = DataLocation(data_dir=data_dir)
    xquad = LeakIndex()
    xquad.add_task(load_excluded_task("xquad", ["de"], location))
    own = read_task_source("xquad", ["de"], location).rows
    assert len(find_leaks(own, xquad)) == len(own)
    assert not find_leaks(read_task_source("mlqa", ["de"], location).rows, xquad)


def test_afriqa_train_shares_passages_with_its_test(data_dir):
    location = DataLocation(data_dir=data_dir)
    test = LeakIndex()
    test.add_task(load_excluded_task("afriqa", ["ha", "ig", "rw"], location))
    rows = read_task_source("afriqa", ["ha", "ig", "rw"], location, options={"split": "train"}).rows
    leaks = find_leaks(rows, test)
    assert 0 < len(leaks) < len(rows)
    kept = [row for place, row in enumerate(rows) if place not in leaks]
    evaluation = load_excluded_task("afriqa", ["ha"], location)
    assert not {row.passage for row in kept} & set(evaluation.pools["en"].texts)
    assert {row.passage for row in rows} & set(evaluation.pools["en"].texts)
