"""Every format against values of the wrong type anywhere: the data are read, or one error names the file."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders.files import write, write_jsonl
from builders.tasks import write_task

from clearbench.common.errors import DataError
from clearbench.tasks.formats.table import FORMATS
from clearbench.tasks.load import load_task
from clearbench.tasks.options import DataLocation, Selection

ODD: list[Any] = [None, True, 1.5, 7, "", "x", [], {}, [[]], [None], {"a": 1}, ["x", 1]]
QUESTION = {"id": "1", "question": "What?"}
SQUAD = {"data": [{"title": "T", "paragraphs": [{"context": "Text.", "qas": [QUESTION]}]}]}
SENTENCES = {
    "data": [
        {
            "title": "T",
            "paragraphs": [
                {
                    "context": "Text.",
                    "sentence_breaks": [[0, 5]],
                    "qas": [{**QUESTION, "answers": [{"text": "x", "answer_start": 2}]}],
                }
            ],
        }
    ]
}
BELEBELE = {"link": "l", "question_number": 1, "flores_passage": "Text.", "question": "What?"}
XOR = {"id": "1", "question": "What?", "answers": ["a"], "lang": "ar"}
AFRIQA = {
    "id": "1",
    "question_lang": "Me?",
    "question_translated": "What?",
    "context": "Text.",
    "title": "T",
    "answer_pivot": {"text": ["a"]},
}
MKQA = {
    "example_id": 1,
    "queries": {"en": "What?"},
    "answers": {"en": [{"type": "entity", "text": "a", "aliases": ["b"]}]},
}
PASSAGE = {"_id": "p", "title": "T", "text": "Text.", "language": "en"}
QUERY = {"_id": "q", "parallel_id": "q1", "text": "What?", "language": "en"}
TOPIC = {"_id": "q", "text": "What?"}
TOPICS = {"topic_id": "1", "topics": [{"lang": "eng", "source": "original", "topic_title": "What?"}]}
QRELS = {"query-id": "q", "corpus-id": "p", "score": 1}

ANSWERS = {"xor": "R@2kt", "mkqa": "answer_recall@20"}
CASES: dict[str, tuple[str, dict[str, dict[str, Any]], dict[str, Any]]] = {
    "squad": ("squad", {"questions": SQUAD}, {"options": {"layout": "parallel"}}),
    "squad pairs": ("squad", {"questions": SQUAD}, {"options": {"layout": "pairs"}}),
    "sentences": ("sentences", {"questions": SENTENCES}, {"default_pairs": "*-mul"}),
    "belebele": ("belebele", {"passages": BELEBELE}, {}),
    "xor": ("xor", {"questions": XOR, "corpus": PASSAGE}, {"languages": ["ar"]}),
    "afriqa": ("afriqa", {"questions": AFRIQA}, {"languages": ["hau"], "options": {"join_title": True}}),
    "mkqa": ("mkqa", {"questions": MKQA, "corpus": PASSAGE}, {}),
    "trec": ("trec", {"topics": TOPIC, "qrels": QRELS, "corpus": PASSAGE}, {}),
    "trec, topics as in NeuCLIR": (
        "trec",
        {"topics": TOPICS, "qrels": {**QRELS, "query-id": "1"}, "corpus": PASSAGE},
        {},
    ),
    "beir": ("beir", {"corpus": PASSAGE, "queries": QUERY, "qrels": QRELS}, {}),
}
"""Case -> format, one row of each of its files, what else its task file says."""
PLAIN = {"lines"}
"""Formats whose files have no structure: any text is a line of them."""


def places(value: Any) -> Iterator[list[Any]]:
    """Every place inside a JSON value, as the keys that lead there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield [key]
        yield from ([key, *more] for more in places(inner))


def put(value: Any, place: list[Any], odd: Any) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    return changed


def load_rows(folder: Path, kind: str, rows: dict[str, Any], more: dict[str, Any]):
    for key, row in rows.items():
        write_jsonl(folder / f"{key}.jsonl", [row])
    sources = [{"key": key, "local": [f"{key}.jsonl"]} for key in rows]
    if kind in ANSWERS:
        more = {"judged_by": kind, "main_measure": ANSWERS[kind], **more}
    task = write_task(folder, **{"languages": ["en"], "reader": kind, "sources": sources, **more})
    return load_task(str(task), Selection(all_pairs=True), DataLocation(data_dir=folder))


def test_every_format_has_a_case_that_can_be_read(tmp_path):
    assert {kind for kind, _, _ in CASES.values()} | PLAIN == FORMATS.keys()
    for name, (kind, rows, more) in CASES.items():
        assert load_rows(tmp_path / name, kind, rows, more).pairs


@pytest.mark.parametrize("case", CASES)
def test_an_odd_value_anywhere_gives_data_or_one_error_that_names_the_file(tmp_path, case):
    kind, rows, more = CASES[case]
    refused = 0
    for file, row in rows.items():
        for place in places(row):
            for odd in ODD:
                try:
                    load_rows(tmp_path, kind, {**rows, file: put(row, place, odd)}, more)
                except DataError as error:
                    refused += 1
                    assert ".jsonl" in str(error), (place, odd, str(error))
                    assert len(str(error)) < 600
    assert refused > len(ODD)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("content", ["[" * 50_000, '{"a":' * 50_000, "9" * 5_000, "\0", "[]", "{}", "\ud800"])
def test_a_file_of_something_else_is_one_error_that_names_it(tmp_path, case, content):
    kind, rows, more = CASES[case]
    for file in rows:
        load_rows(tmp_path, kind, rows, more)
        write(tmp_path / f"{file}.jsonl", content.encode("utf-8", "surrogatepass"))
        with pytest.raises(DataError, match=rf"{file}\.jsonl"):
            load_task(str(tmp_path / "tiny.toml"), Selection(all_pairs=True), DataLocation(data_dir=tmp_path))
